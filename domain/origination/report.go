package origination

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"fumin/domain"
	"fumin/domain/money"
	"fumin/domain/report"
	"fumin/domain/staff"
)

// ReportReader gives the rows of reports (报表).
type ReportReader interface {
	// ReportRows calls each for the rows of one branch, in the order of their keys, after a key, at most limit of them, and
	// returns how many there were: fewer than limit says that there are no more.
	ReportRows(ctx context.Context, q report.Query, branch staff.Branch, after string, limit int, each func(report.Row) error) (rows int, err error)
	// CountReportRows counts the rows of the branches, at most up to most, so that it stays quick.
	CountReportRows(ctx context.Context, q report.Query, branches []staff.Branch, most int) (int, error)
}

// ReportWriter keeps who looked at personal data in a report, and why.
type ReportWriter interface {
	InsertReportReading(ctx context.Context, r ReportReading) error
}

// ReportReading is one look at personal data in a report (查看留痕).
type ReportReading struct {
	ID        domain.ID
	Report    report.Code
	BranchID  domain.ID // of the reader
	ActorID   domain.ID
	ActorName string
	ActorRole domain.Role
	Query     report.Query
	At        time.Time
}

func newReportReading(id domain.ID, by domain.Actor, q report.Query, at time.Time) ReportReading {
	return ReportReading{
		ID: id, Report: q.Report, BranchID: by.BranchID, ActorID: by.ID, ActorName: by.Name, ActorRole: by.Role, Query: q, At: at,
	}
}

// Who may read reports, and who may see personal data in them, for a reason.
var (
	reportReaders = []domain.Role{
		domain.RoleBranchManager, domain.RoleRiskManager, domain.RoleAuditor, domain.RoleAdmin, domain.RoleSystem, // the operator's command
	}
	reportRevealers = []domain.Role{domain.RoleBranchManager, domain.RoleAuditor}
)

// Limits of reports.
const (
	ReportPageMax       = 500    // rows of a page
	ReportStreamRowsMax = 50_000 // rows that are streamed at once; more go through a job
	reportFirstRows     = 200    // rows of the first read, so that the first byte comes soon
	reportBatchRows     = 5_000  // rows read from the database at a time

	// reportDayClosing is how long after midnight a day is not given as past: what was done in its last second may not be stored
	// yet, and a report of it would differ from the next. Longer than any statement runs.
	reportDayClosing = time.Minute
	codeDayClosing   = "business-day-closing"
)

// Reports are the use cases of the reporting desk.
type Reports struct {
	store Store
	now   domain.Clock
	newID func() domain.ID
}

// NewReports builds the use cases.
func NewReports(store Store, now domain.Clock, newID func() domain.ID) *Reports {
	return &Reports{store: store, now: now, newID: newID}
}

// Definitions lists every report.
func (s *Reports) Definitions(by domain.Actor) ([]report.Definition, error) {
	if err := by.Require(reportReaders...); err != nil {
		return nil, err
	}
	return report.All(), nil
}

// Definition returns one report, or "report-not-found".
func (s *Reports) Definition(by domain.Actor, code report.Code) (report.Definition, error) {
	if err := by.Require(reportReaders...); err != nil {
		return report.Definition{}, err
	}
	definition, known := report.ByCode(code)
	if !known {
		_, err := report.Query{Report: code}.Validate(domain.DateOf(s.now()))
		return report.Definition{}, err
	}
	return definition, nil
}

// PreparedReport is a report that may be read: the query was checked, the branches are the reader's.
type PreparedReport struct {
	Head     report.Head
	branches []staff.Branch // in the order of their codes
}

// Prepare checks who asks for what, and keeps the look at personal data before a row is read: who it was, what for.
func (s *Reports) Prepare(ctx context.Context, by domain.Actor, q report.Query, charset report.Charset) (PreparedReport, error) {
	prepared, err := s.check(ctx, by, q, charset)
	if err != nil || !q.Reveal {
		return prepared, err
	}
	reading := newReportReading(s.newID(), by, q, s.now())
	err = s.store.Update(ctx, func(tx Tx) error { return tx.InsertReportReading(ctx, reading) })
	return prepared, err
}

// Check is Prepare without the record of the look: for a job that will prepare the report itself when its time comes.
func (s *Reports) Check(ctx context.Context, by domain.Actor, q report.Query) error {
	_, err := s.check(ctx, by, q, report.CharsetUTF8)
	return err
}

func (s *Reports) check(ctx context.Context, by domain.Actor, q report.Query, charset report.Charset) (PreparedReport, error) {
	if err := by.Require(reportReaders...); err != nil {
		return PreparedReport{}, err
	}
	now := s.now()
	definition, err := q.Validate(domain.DateOf(now))
	if err != nil {
		return PreparedReport{}, err
	}
	if end := q.Cutoff(); !now.Before(end) && now.Before(end.Add(reportDayClosing)) {
		return PreparedReport{}, domain.Errorf(domain.KindUnavailable, codeDayClosing,
			"%s 的最后几笔业务可能还在入账，请在 00:0%d 之后再取", q.AsOf, int(reportDayClosing.Minutes()))
	}
	if q.Reveal {
		if err := by.Require(reportRevealers...); err != nil {
			return PreparedReport{}, err
		}
	}
	prepared := PreparedReport{Head: report.Head{Definition: definition, Query: q, Charset: charset}}
	prepared.branches, err = s.branches(ctx, by, q.BranchID, q.Cutoff())
	if err != nil {
		return PreparedReport{}, err
	}
	if !q.BranchID.IsZero() {
		i := slices.IndexFunc(prepared.branches, func(b staff.Branch) bool { return b.ID == q.BranchID })
		prepared.Head.BranchName = prepared.branches[i].Name
	}
	return prepared, nil
}

// branches are the branch and those below it, as far as the reader's own scope reaches, each under the name it had.
func (s *Reports) branches(ctx context.Context, by domain.Actor, id domain.ID, at time.Time) ([]staff.Branch, error) {
	mine, err := s.store.Branches(ctx, by.Scope())
	if err != nil {
		return nil, err
	}
	chosen := mine
	if !id.IsZero() {
		if !slices.ContainsFunc(mine, func(b staff.Branch) bool { return b.ID == id }) {
			return nil, domain.Errorf(domain.KindNotFound, "branch-not-found", "没有这个机构，或不在您的机构范围内")
		}
		if chosen, err = s.store.Branches(ctx, domain.Scope{BranchID: id}); err != nil {
			return nil, err
		}
	}
	names, err := s.store.BranchNamesAsOf(ctx, at)
	if err != nil {
		return nil, err
	}
	for i, b := range chosen {
		if name, renamed := names[b.ID]; renamed {
			chosen[i].Name = name
		}
	}
	slices.SortFunc(chosen, func(a, b staff.Branch) int { return cmp.Compare(a.Code, b.Code) })
	return chosen, nil
}

// Count counts the rows, at most up to most.
func (s *Reports) Count(ctx context.Context, p PreparedReport, most int) (int, error) {
	return s.store.CountReportRows(ctx, p.Head.Query, p.branches, most)
}

// keySeparator stands between the branch and the key within it; branch codes do not contain it.
const keySeparator = "/"

// Page returns at most limit rows after a key, and the key to go on from; empty at the end.
func (s *Reports) Page(ctx context.Context, p PreparedReport, after string, limit int) (rows []report.Row, next string, err error) {
	limit = min(max(limit, 1), ReportPageMax)
	afterBranch, afterKey, _ := strings.Cut(after, keySeparator)
	for _, branch := range p.branches {
		if branch.Code < afterBranch {
			continue
		}
		key := ""
		if branch.Code == afterBranch {
			key = afterKey
		}
		// One more than asked for says whether there is a next page.
		_, err := s.store.ReportRows(ctx, p.Head.Query, branch, key, limit-len(rows)+1, func(r report.Row) error {
			r.Key, r.Cells = branch.Code+keySeparator+r.Key, slices.Clone(r.Cells)
			rows = append(rows, r)
			return nil
		})
		if err != nil {
			return nil, "", err
		}
		if len(rows) > limit {
			return rows[:limit], rows[limit-1].Key, nil
		}
	}
	return rows, "", nil
}

// Write writes the whole report to w, in memory that does not grow with it. progress is told now and then how many rows
// are written; it may be nil, and ends the writing with its error.
func (s *Reports) Write(ctx context.Context, p PreparedReport, format report.Format, w io.Writer, progress func(rows int64) error) (report.Summary, error) {
	return s.write(ctx, p, format, w, progress, s.each)
}

// WriteAhead is Write for a process that has nothing else to do: it keeps the database and the processor busy at once. Beside
// other work that would make everybody else's answers slow.
func (s *Reports) WriteAhead(ctx context.Context, p PreparedReport, format report.Format, w io.Writer, progress func(rows int64) error) (report.Summary, error) {
	return s.write(ctx, p, format, w, progress, s.eachAhead)
}

func (s *Reports) write(ctx context.Context, p PreparedReport, format report.Format, w io.Writer, progress func(rows int64) error,
	each func(context.Context, PreparedReport, func(report.Row) error, func() error) error,
) (report.Summary, error) {
	output, err := report.NewOutput(w, format, p.Head)
	if err != nil {
		return report.Summary{}, err
	}
	err = each(ctx, p, output.Row, func() error {
		if progress == nil {
			return nil
		}
		return progress(output.Rows())
	})
	if err != nil {
		return report.Summary{}, errors.Join(err, output.Discard())
	}
	return output.Close()
}

// each calls row for every row, branch by branch, and batch now and then.
func (s *Reports) each(ctx context.Context, p PreparedReport, row func(report.Row) error, batch func() error) error {
	return s.batches(ctx, p, func(rows []report.Row) error {
		for _, r := range rows {
			if err := row(r); err != nil {
				return err
			}
		}
		return batch()
	})
}

// eachAhead is each with the next batch read while one is written, so that the database and the file do not wait for each
// other. Memory holds the two.
func (s *Reports) eachAhead(ctx context.Context, p PreparedReport, row func(report.Row) error, batch func() error) error {
	ctx, stop := context.WithCancel(ctx)
	ahead, read := make(chan []report.Row), make(chan error, 1)
	go func() {
		defer close(ahead)
		read <- s.batches(ctx, p, func(rows []report.Row) error {
			select {
			case ahead <- rows:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	written := func() error {
		defer stop()
		for rows := range ahead {
			for _, r := range rows {
				if err := row(r); err != nil {
					return err
				}
			}
			if err := batch(); err != nil {
				return err
			}
		}
		return nil
	}()
	return cmp.Or(written, <-read)
}

// batches reads the rows, branch by branch, and hands them over some at a time.
func (s *Reports) batches(ctx context.Context, p PreparedReport, hand func([]report.Row) error) error {
	limit := reportFirstRows
	for _, branch := range p.branches {
		last := ""
		for more := true; more; {
			var batch []report.Row
			rows, err := s.store.ReportRows(ctx, p.Head.Query, branch, last, limit, func(r report.Row) error {
				last, r.Cells = r.Key, slices.Clone(r.Cells)
				batch = append(batch, r)
				return nil
			})
			if err != nil {
				return err
			}
			if err := hand(batch); err != nil {
				return err
			}
			more = rows == limit
			limit = reportBatchRows
		}
	}
	return nil
}

// Chart draws what a report says, or refuses with "report-without-chart".
func (s *Reports) Chart(ctx context.Context, p PreparedReport) (report.Chart, error) {
	chart, known, err := report.ChartOf(p.Head, func(each func(report.Row) error) error {
		return s.each(ctx, p, each, ctx.Err)
	})
	if err == nil && !known {
		err = domain.Errorf(domain.KindNotFound, "report-without-chart", "“%s”没有图，有图的是进件台账、审批时效、放款台账", p.Head.Definition.Title)
	}
	return chart, err
}

// OnePager is what a branch manager pins to the wall (一页纸): a month of the branch and those below it.
type OnePager struct {
	BranchName string
	From, AsOf domain.Date
	Charts     []report.Chart
	Figures    []Figure
}

// Figure is one number of a one-pager.
type Figure struct{ Label, Text string }

// onePagerBarsMax is how many lines of a chart the page has room for.
const onePagerBarsMax = 12

// OnePagerOf makes the page of the month up to a business day, of the actor's own branch where none is named.
func (s *Reports) OnePagerOf(ctx context.Context, by domain.Actor, branchID domain.ID, asOf domain.Date) (OnePager, error) {
	first, err := domain.NewDate(asOf.Year(), asOf.Month(), 1)
	if err != nil {
		return OnePager{}, err
	}
	if branchID.IsZero() {
		branchID = by.BranchID
	}
	page := OnePager{From: first, AsOf: asOf}
	for _, code := range []report.Code{report.ApplicationLedger, report.DisbursementLedger, report.Turnaround} {
		prepared, err := s.Prepare(ctx, by, report.Query{Report: code, From: first, To: asOf, AsOf: asOf, BranchID: branchID}, report.CharsetUTF8)
		if err != nil {
			return OnePager{}, err
		}
		page.BranchName = prepared.Head.BranchName
		chart, err := s.Chart(ctx, prepared)
		if err != nil {
			return OnePager{}, err
		}
		page.Charts = append(page.Charts, shortened(chart))
	}
	prepared, err := s.Prepare(ctx, by, report.Query{Report: report.BookBalance, AsOf: asOf, BranchID: branchID}, report.CharsetUTF8)
	if err != nil {
		return OnePager{}, err
	}
	summary, err := s.Write(ctx, prepared, report.FormatCSV, io.Discard, nil)
	for _, total := range summary.Totals {
		figure := Figure{Label: total.Column.Heading, Text: total.Text + " 笔"}
		if amount, err := money.ParseAmount(total.Text); err == nil && total.Column.Type == report.TypeAmount {
			figure.Text = amount.Grouped() + " 元"
		}
		page.Figures = append(page.Figures, figure)
	}
	return page, err
}

// shortened keeps the longest lines of a chart that has too many for the page, and says so.
func shortened(c report.Chart) report.Chart {
	if c.Upright || len(c.Bars) <= onePagerBarsMax {
		return c
	}
	left := len(c.Bars) - onePagerBarsMax
	slices.SortStableFunc(c.Bars, func(a, b report.Bar) int { return cmp.Compare(b.Units, a.Units) })
	c.Bars = c.Bars[:onePagerBarsMax]
	c.Note += fmt.Sprintf("；只列最长的 %d 行，另有 %d 行见报表", onePagerBarsMax, left)
	return c
}
