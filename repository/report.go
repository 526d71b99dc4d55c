package repository

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"fumin/domain/origination"
	"fumin/domain/report"
	"fumin/domain/staff"
)

// reportSource gives the rows of one report for one branch: what comes after the two cells of the branch.
type reportSource interface {
	// rows calls each with a key and cells for at most limit rows after a key.
	rows(ctx context.Context, r reader, q report.Query, branch staff.Branch, after string, limit int, each func(key string, cells []string) error) (int, error)
	// count counts the rows of the branches up to a most.
	count(ctx context.Context, r reader, q report.Query, branches []staff.Branch, most int) (int, error)
}

// ReportRows implements origination.ReportReader.
func (r reader) ReportRows(ctx context.Context, q report.Query, branch staff.Branch, after string, limit int, each func(report.Row) error) (int, error) {
	source, known := reportSources[q.Report]
	if !known {
		return 0, fmt.Errorf("report %q has no source", q.Report)
	}
	row := report.Row{}
	n, err := source.rows(ctx, r, q, branch, after, limit, func(key string, cells []string) error {
		row.Key = key
		row.Cells = append(append(row.Cells[:0], branch.Code, branch.Name), cells...)
		return each(row)
	})
	return n, translateRead(ctx, err)
}

// CountReportRows implements origination.ReportReader.
func (r reader) CountReportRows(ctx context.Context, q report.Query, branches []staff.Branch, most int) (int, error) {
	source, known := reportSources[q.Report]
	if !known {
		return 0, fmt.Errorf("report %q has no source", q.Report)
	}
	n, err := source.count(ctx, r, q, branches, most)
	return n, translateRead(ctx, err)
}

// InsertReportReading implements origination.ReportWriter.
func (t *tx) InsertReportReading(ctx context.Context, reading origination.ReportReading) error {
	return t.db.WithContext(ctx).Create(&reportReadingRow{
		ID: reading.ID, Report: string(reading.Report), BranchID: reading.BranchID,
		ActorID: reading.ActorID, ActorName: reading.ActorName, ActorRole: string(reading.ActorRole),
		Reason: reading.Query.RevealReason, Query: jsonColumn[reportQueryDocument]{reportQueryToDocument(reading.Query)}, At: reading.At,
	}).Error
}

// SQL that cells share. A percent sign is doubled where the text goes through Sprintf.
const (
	// beijing is an instant of a column as a cell: the columns hold UTC.
	beijing = "DATE_FORMAT(DATE_ADD(%s, INTERVAL 8 HOUR), '%%Y-%%m-%%d %%H:%%i:%%s')"
	// keyTime is an instant as a part of a key, whole.
	keyTime = "DATE_FORMAT(%s, '%%Y-%%m-%%d %%H:%%i:%%s.%%f')"
)

func beijingCell(column string) string { return fmt.Sprintf(beijing, column) }

// maskedCell is a name as everybody may see it, made in the database so that the name itself does not leave it: the first
// character, as borrower.Name masks it.
func maskedCell(column string, reveal bool) string {
	if reveal {
		return column
	}
	return "IF(" + column + " = '', '', CONCAT(LEFT(" + column + ", 1), '**'))"
}

// ledger is a source that is one query with a row for each thing that happened at a time.
type ledger struct {
	from    string // tables and joins; the first is the one that is walked
	index   string // of the first table: (branch, time, id)
	branch  string // column
	time    string // column
	id      string // column
	product string // column, for the filter
	where   string // further conditions
	args    func(q report.Query) []any
	cells   func(q report.Query) []string // SQL expressions, text or NULL
	finish  func(ctx context.Context, r reader, q report.Query, rows []ledgerRow) error
}

// ledgerRow is a row of a ledger before finish has completed its cells.
type ledgerRow struct {
	id, key string
	cells   []string
}

const ledgerKeySeparator = "|"

func (l ledger) condition(q report.Query) (where string, args []any) {
	where, args = l.time+" < ?", []any{q.Cutoff()}
	if !q.From.IsZero() {
		where, args = fmt.Sprintf("%s >= ? AND %s < ?", l.time, l.time), []any{q.Start(), q.End()}
	}
	if q.ProductCode != "" && l.product != "" {
		where += " AND " + l.product + " = ?"
		args = append(args, q.ProductCode)
	}
	if l.where != "" {
		where += " AND " + l.where
		if l.args != nil {
			args = append(args, l.args(q)...)
		}
	}
	return where, args
}

// source is the FROM clause with the index by which the server reads: left to itself it may sort the whole period.
func (l ledger) source() string {
	return strings.Replace(l.from, "{index}", "FORCE INDEX ("+l.index+")", 1)
}

func (l ledger) rows(ctx context.Context, r reader, q report.Query, branch staff.Branch, after string, limit int, each func(string, []string) error) (int, error) {
	where, args := l.condition(q)
	args = append([]any{branch.ID}, args...)
	if after != "" {
		at, id, found := strings.Cut(after, ledgerKeySeparator)
		if !found {
			return 0, errReportKey()
		}
		where += fmt.Sprintf(" AND %s >= ? AND (%s > ? OR %s > ?)", l.time, l.time, l.id)
		args = append(args, at, at, id)
	}
	statement := fmt.Sprintf("SELECT %s, %s, %s FROM %s WHERE %s = ? AND %s ORDER BY %s, %s LIMIT %d",
		l.id, fmt.Sprintf(keyTime, l.time), strings.Join(l.cells(q), ", "), l.source(), l.branch, where, l.time, l.id, limit)
	return r.ledgerRows(ctx, l, q, statement, args, each)
}

// ledgerRows reads a page whole, so that finish can complete it by further queries, and hands it on.
func (r reader) ledgerRows(ctx context.Context, l ledger, q report.Query, statement string, args []any, each func(string, []string) error) (int, error) {
	page, err := r.readCells(ctx, statement, args)
	if err != nil {
		return 0, err
	}
	rows := make([]ledgerRow, len(page))
	for i, cells := range page {
		rows[i] = ledgerRow{id: cells[0], key: cells[1] + ledgerKeySeparator + cells[0], cells: cells[2:]}
	}
	if l.finish != nil && len(rows) > 0 {
		if err := l.finish(ctx, r, q, rows); err != nil {
			return 0, err
		}
	}
	for _, row := range rows {
		if err := each(row.key, row.cells); err != nil {
			return 0, err
		}
	}
	return len(rows), nil
}

// readCells runs a query whose columns are all read as text, NULL as empty.
func (r reader) readCells(ctx context.Context, statement string, args []any) (page [][]string, err error) {
	rows, err := r.db.WithContext(ctx).Raw(statement, args...).Rows()
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	values, pointers := make([][]byte, len(columns)), make([]any, len(columns))
	for i := range values {
		pointers[i] = (*rawText)(&values[i])
	}
	for rows.Next() {
		if err := rows.Scan(pointers...); err != nil {
			return nil, err
		}
		cells := make([]string, len(columns))
		for i, value := range values {
			cells[i] = string(value)
		}
		page = append(page, cells)
	}
	return page, rows.Err()
}

// rawText takes the driver's bytes without a copy; they are copied into the cell.
type rawText []byte

// Scan implements sql.Scanner.
func (t *rawText) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*t = nil
	case []byte:
		*t = v
	case string:
		*t = []byte(v)
	case int64:
		*t = fmt.Append(nil, v)
	default:
		return fmt.Errorf("a report's cell: %T; make it text in the query", src)
	}
	return nil
}

func (l ledger) count(ctx context.Context, r reader, q report.Query, branches []staff.Branch, most int) (int, error) {
	total := 0
	source := l.source()
	if q.ProductCode == "" { // then the first table alone says how many there are
		source, _, _ = strings.Cut(source, " JOIN ")
	}
	for _, branch := range branches {
		where, args := l.condition(q)
		var n int
		err := r.db.WithContext(ctx).Raw(
			fmt.Sprintf("SELECT COUNT(*) FROM (SELECT 1 FROM %s WHERE %s = ? AND %s LIMIT %d) counted", source, l.branch, where, most-total),
			append([]any{branch.ID}, args...)...).Scan(&n).Error
		if total += n; err != nil || total >= most {
			return total, err
		}
	}
	return total, nil
}

// summary is a source that is made whole for a branch: a few rows, whatever lies behind them.
type summary func(ctx context.Context, r reader, q report.Query, branch staff.Branch) ([]summaryRow, error)

type summaryRow struct {
	key   string
	cells []string
}

func (s summary) rows(ctx context.Context, r reader, q report.Query, branch staff.Branch, after string, limit int, each func(string, []string) error) (int, error) {
	rows, err := s(ctx, r, q, branch)
	if err != nil {
		return 0, err
	}
	slices.SortFunc(rows, func(a, b summaryRow) int { return strings.Compare(a.key, b.key) })
	n := 0
	for _, row := range rows {
		if row.key <= after && after != "" {
			continue
		}
		if n == limit {
			break
		}
		if err := each(row.key, row.cells); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// count says nothing: a summary has a few rows a branch, and making them is what costs.
func (s summary) count(context.Context, reader, report.Query, []staff.Branch, int) (int, error) {
	return 0, nil
}
