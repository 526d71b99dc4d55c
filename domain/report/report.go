// Package report owns what the reports of branches and the reporting desk are (报表): each defined once, with its columns,
// their types and definitions, and how rows become a file whose totals equal its rows to the fen.
//
// It is pure: rows come in, bytes go to a writer. Where rows come from is the repository's business, who may see them
// that of domain/origination.
package report

import (
	"slices"
	"time"
	"unicode/utf8"

	"fumin/domain"
)

// Code names a report; the same word stands in URLs, file names and jobs.
type Code string

// Type is what a column holds, and how a cell is written in a Row and in each format.
type Type string

// The types of columns. A cell of a Row is text in the form named here, or empty for "there is none".
const (
	TypeText    Type = "text"    // any text; made harmless for table programs when it is written
	TypeCode    Type = "code"    // a word of ours: a status, a branch code, an identifier
	TypeDate    Type = "date"    // 2026-08-23
	TypeInstant Type = "instant" // 2026-08-23 09:30:00, in Beijing time (北京时间)
	TypeInteger Type = "integer" // 42
	TypeAmount  Type = "amount"  // 99500.00, yuan
	TypeDecimal Type = "decimal" // 3.65: percent, hours; up to six decimals
	TypeFlag    Type = "flag"    // 是 or 否
)

// Column is one column of a report.
type Column struct {
	Code       string // snake_case; the key in JSON and Parquet
	Heading    string // 中文表头
	Type       Type
	Unit       string // 元, 个月, 小时 …; empty where there is none
	Definition string // 口径: what is counted, and how
	Total      bool   // added up by branch and over all; only amounts and integers
	Personal   bool   // masked unless the reader may see it and says why
}

// Period says what the range of days of a query selects.
type Period string

// The kinds of period.
const (
	PeriodRange    Period = "range"    // rows that happened from the first to the last day
	PeriodSnapshot Period = "snapshot" // how things stood at the end of the as-of day; the range is not used
)

// Definition is one report, defined once for every format.
type Definition struct {
	Code        Code
	Title       string // 报表名称
	Description string // what a row is, and what counts
	Period      Period
	Columns     []Column
}

// BranchColumns begin every report: subtotals are made by the first of them.
var branchColumns = []Column{
	{Code: "branch_code", Heading: "机构号", Type: TypeCode, Definition: "办理机构"},
	{Code: "branch_name", Heading: "机构名称", Type: TypeText, Definition: "办理机构的名称"},
}

// Column returns one of the columns.
func (d Definition) Column(code string) (Column, bool) {
	i := slices.IndexFunc(d.Columns, func(c Column) bool { return c.Code == code })
	if i < 0 {
		return Column{}, false
	}
	return d.Columns[i], true
}

// Row is one line of a report. Key orders the rows and names the place to go on from; it is not shown. Cells has one entry
// for each column of the definition, in their order.
type Row struct {
	Key   string
	Cells []string
}

// Limits of a query.
const (
	RangeDaysMax    = 3660 // ten years: more than one business cycle, and less than a typing error
	RevealReasonMax = 200  // characters
	ColumnsMax      = 64
)

// Query is what is asked of a report.
type Query struct {
	Report   Code
	From, To domain.Date // business days, both included; required with PeriodRange, absent otherwise
	// AsOf is the business day at whose end the figures stand. Asked again, a past day gives the same bytes.
	AsOf         domain.Date
	BranchID     domain.ID // this branch and those below; zero: all the reader may see
	ProductCode  string    // zero: all
	Columns      []string  // a selection in the order asked for; empty: all
	Reveal       bool      // show personal data, for RevealReason
	RevealReason string
}

// Cutoff is the first instant that no longer counts: the end of the as-of day in Beijing time.
func (q Query) Cutoff() time.Time { return startOf(q.AsOf.AddDays(1)) }

// Start is the first instant of the range.
func (q Query) Start() time.Time { return startOf(q.From) }

// End is the first instant after the range, and never later than Cutoff.
func (q Query) End() time.Time {
	end := startOf(q.To.AddDays(1))
	if cutoff := q.Cutoff(); end.After(cutoff) {
		return cutoff
	}
	return end
}

func startOf(d domain.Date) time.Time {
	return time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, domain.BusinessZone).UTC()
}

// Validate names everything that is wrong with the query on the day it is asked, each at its field (422).
func (q Query) Validate(today domain.Date) (Definition, error) {
	definition, known := ByCode(q.Report)
	if !known {
		return Definition{}, domain.Errorf(domain.KindNotFound, "report-not-found", "没有名为“%s”的报表，GET /v1/reports 列出全部报表", shown(string(q.Report)))
	}
	var p domain.Problems
	switch {
	case q.AsOf.IsZero():
		p.Add("/as_of", "required", "必填：报表截至哪个营业日")
	case q.AsOf.After(today):
		p.Add("/as_of", "in-the-future", "%s 还没有到，最晚为今天 %s", q.AsOf, today)
	}
	q.validateRange(&p, definition, today)
	q.validateColumns(&p, definition)
	if q.Reveal && (q.RevealReason == "" || utf8.RuneCountInString(q.RevealReason) > RevealReasonMax) {
		p.Add("/reveal_reason", "out-of-range", "查看完整个人信息须说明原因，1 至 %d 个字", RevealReasonMax)
	}
	return definition, p.Err()
}

func (q Query) validateRange(p *domain.Problems, d Definition, today domain.Date) {
	if d.Period == PeriodSnapshot {
		if !q.From.IsZero() || !q.To.IsZero() {
			p.Add("/from", "not-used", "“%s”是时点报表，只需 as_of，不需要起止日期", d.Title)
		}
		return
	}
	if q.From.IsZero() {
		p.Add("/from", "required", "必填：起始日期")
	}
	if q.To.IsZero() {
		p.Add("/to", "required", "必填：截止日期")
	}
	if q.From.IsZero() || q.To.IsZero() {
		return
	}
	switch {
	case q.To.Before(q.From):
		p.Add("/to", "out-of-range", "截止日期 %s 早于起始日期 %s", q.To, q.From)
	case q.To.After(today):
		p.Add("/to", "in-the-future", "%s 还没有到，最晚为今天 %s", q.To, today)
	case q.From.DaysUntil(q.To) >= RangeDaysMax:
		p.Add("/to", "out-of-range", "起止日期最多相隔 %d 天，填写的是 %d 天，请分几次导出", RangeDaysMax, q.From.DaysUntil(q.To)+1)
	case !q.AsOf.IsZero() && q.AsOf.Before(q.To):
		p.Add("/as_of", "out-of-range", "截至日期 %s 早于截止日期 %s，请改为同一天或更晚", q.AsOf, q.To)
	}
}

func (q Query) validateColumns(p *domain.Problems, d Definition) {
	if len(q.Columns) > ColumnsMax {
		p.Add("/columns", "too-many", "最多 %d 列", ColumnsMax)
		return
	}
	for i, code := range q.Columns {
		if _, known := d.Column(code); !known {
			p.Add("/columns", "unknown-column", "“%s”没有“%s”这一列，GET /v1/reports/%s 列出全部列", d.Title, shown(code), d.Code)
		} else if slices.Contains(q.Columns[:i], code) {
			p.Add("/columns", "duplicate", "“%s”列写了两次", code)
		}
	}
}

// shown cuts what a client sent to a length that fits into an answer.
func shown(s string) string {
	const most = 40
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return s
}

// Selection returns the columns that are asked for with their places in a Row.
func (q Query) Selection(d Definition) (columns []Column, places []int) {
	if len(q.Columns) == 0 {
		for i := range d.Columns {
			places = append(places, i)
		}
		return d.Columns, places
	}
	for _, code := range q.Columns {
		i := slices.IndexFunc(d.Columns, func(c Column) bool { return c.Code == code })
		columns, places = append(columns, d.Columns[i]), append(places, i)
	}
	return columns, places
}
