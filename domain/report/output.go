package report

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"fumin/domain"
	"fumin/domain/money"
)

// Format is how a report is written.
type Format string

// The formats.
const (
	FormatCSV     Format = "csv"
	FormatXLSX    Format = "xlsx"
	FormatParquet Format = "parquet"
)

// Formats lists every file format.
func Formats() []Format { return []Format{FormatCSV, FormatXLSX, FormatParquet} }

// Valid reports whether f is one of Formats.
func (f Format) Valid() bool { return slices.Contains(Formats(), f) }

// MediaType is what the format is called in HTTP.
func (f Format) MediaType(charset Charset) string {
	switch f {
	case FormatCSV:
		return "text/csv; charset=" + string(charset)
	case FormatXLSX:
		return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	case FormatParquet:
		return "application/vnd.apache.parquet"
	}
	return "application/octet-stream"
}

// Charset is the encoding of a CSV file.
type Charset string

// The encodings: UTF-8 with a byte order mark, which Excel needs, or GB18030, which older programs ask for. Both can
// write every character.
const (
	CharsetUTF8    Charset = "utf-8"
	CharsetGB18030 Charset = "gb18030"
)

// Valid reports whether c is one of the constants.
func (c Charset) Valid() bool { return c == CharsetUTF8 || c == CharsetGB18030 }

// Head is what stands around the rows: what the file is, so that it can be asked for again.
type Head struct {
	Definition Definition
	Query      Query
	BranchName string // of the branch asked for; empty: all the reader may see
	Charset    Charset
}

// Total is the sum of one column over a branch or over all rows, exact: fen for amounts, ones for integers.
type Total struct {
	Column Column
	Text   string // as a cell
}

// BranchTotals are the sums of one branch.
type BranchTotals struct {
	BranchCode, BranchName string
	Rows                   int64
	Totals                 []Total
}

// Summary is what is known when all rows are written.
type Summary struct {
	Rows          int64
	Branches      []BranchTotals // in the order of their codes
	Totals        []Total
	CSVBodySHA256 string // of heading and rows as UTF-8 CSV without byte order mark and totals: equal in every format
}

// encoder writes one format. finish is called once, with the totals, and leaves a complete file; discard ends every encoder,
// also one that was not finished, and leaves nothing behind.
type encoder interface {
	row(cells []string) error
	finish(Summary) error
	discard() error
}

// Output writes a report row by row in constant memory, and adds up what it wrote.
type Output struct {
	head    Head
	columns []Column
	places  []int
	encoder encoder
	body    *csvLines // nil when encoder writes the body itself
	hash    hash.Hash

	rows     int64
	branches map[string]*branchSums
	all      []int64 // by selected column: fen or ones
	cells    []string
}

type branchSums struct {
	name string
	rows int64
	sums []int64
}

// NewOutput starts a file. It writes to w until Close; nothing is kept but the totals. Whoever gives up before Close calls Discard.
func NewOutput(w io.Writer, format Format, head Head) (*Output, error) {
	o := &Output{head: head, hash: sha256.New(), branches: map[string]*branchSums{}}
	o.columns, o.places = head.Query.Selection(head.Definition)
	o.all, o.cells = make([]int64, len(o.columns)), make([]string, len(o.columns))

	var err error
	switch format {
	case FormatCSV:
		o.encoder, err = newCSV(w, o.hash, head, o.columns)
	case FormatXLSX:
		o.encoder, err = newXLSX(w, head, o.columns)
	case FormatParquet:
		o.encoder, err = newParquet(w, head, o.columns)
	default:
		return nil, fmt.Errorf("report: unknown format %q", format)
	}
	if err != nil {
		return nil, err
	}
	if format != FormatCSV {
		o.body = newCSVLines(o.hash, o.columns)
		err = o.body.heading()
	}
	return o, err
}

// branchCell and branchNameCell are where every report has its branch: see branchColumns.
const (
	branchCell     = 0
	branchNameCell = 1
)

// Row writes one line and adds it to the totals.
func (o *Output) Row(r Row) error {
	if len(r.Cells) != len(o.head.Definition.Columns) {
		return fmt.Errorf("report %s: a row of %d cells, want %d", o.head.Definition.Code, len(r.Cells), len(o.head.Definition.Columns))
	}
	branch := o.branches[r.Cells[branchCell]]
	if branch == nil {
		branch = &branchSums{name: r.Cells[branchNameCell], sums: make([]int64, len(o.columns))}
		o.branches[r.Cells[branchCell]] = branch
	}
	for i, place := range o.places {
		cell := r.Cells[place]
		o.cells[i] = cell
		if !o.columns[i].Total || cell == "" {
			continue
		}
		units, err := unitsOf(o.columns[i].Type, cell)
		if err != nil {
			return fmt.Errorf("report %s, column %s: %w", o.head.Definition.Code, o.columns[i].Code, err)
		}
		if branch.sums[i], err = add(branch.sums[i], units); err != nil {
			return err
		}
		if o.all[i], err = add(o.all[i], units); err != nil {
			return err
		}
	}
	branch.rows++
	o.rows++
	if o.body != nil {
		if err := o.body.line(o.cells); err != nil {
			return err
		}
	}
	return o.encoder.row(o.cells)
}

// Rows is how many rows were written so far.
func (o *Output) Rows() int64 { return o.rows }

// Close writes the totals and ends the file.
func (o *Output) Close() (Summary, error) {
	if o.body != nil {
		if err := o.body.flush(); err != nil {
			return Summary{}, err
		}
	} else if body, ok := o.encoder.(*csvFile); ok {
		if err := body.endBody(); err != nil {
			return Summary{}, err
		}
	}
	summary := Summary{Rows: o.rows, Totals: o.totals(o.all), CSVBodySHA256: hex.EncodeToString(o.hash.Sum(nil))}
	for _, code := range slices.Sorted(maps.Keys(o.branches)) {
		b := o.branches[code]
		summary.Branches = append(summary.Branches, BranchTotals{BranchCode: code, BranchName: b.name, Rows: b.rows, Totals: o.totals(b.sums)})
	}
	return summary, errors.Join(o.encoder.finish(summary), o.encoder.discard())
}

// Discard gives up a file that is not whole, and removes what was kept of it outside w.
func (o *Output) Discard() error { return o.encoder.discard() }

func (o *Output) totals(sums []int64) []Total {
	var totals []Total
	for i, c := range o.columns {
		if c.Total {
			totals = append(totals, Total{Column: c, Text: textOf(c.Type, sums[i])})
		}
	}
	return totals
}

// unitsOf reads a cell as a whole number of its smallest unit: fen, or ones. It is exact, and refuses everything that is
// not in the form of the type, so that a total can never silently leave something out.
func unitsOf(t Type, cell string) (int64, error) {
	if t == TypeInteger {
		return strconv.ParseInt(cell, 10, 64)
	}
	whole, fraction, found := cut(cell)
	if t != TypeAmount || !found || len(fraction) != 2 {
		return 0, fmt.Errorf("%q is not an amount with two decimals", cell)
	}
	yuan, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not an amount: %w", cell, err)
	}
	fen, err := strconv.ParseUint(fraction, 10, 8)
	if err != nil || yuan > 1e16 || yuan < -1e16 {
		return 0, fmt.Errorf("%q is not an amount", cell)
	}
	units := yuan*100 + int64(fen)
	if whole[0] == '-' {
		units = yuan*100 - int64(fen)
	}
	return units, nil
}

func cut(cell string) (whole, fraction string, found bool) {
	point := len(cell) - 3
	if point < 1 || cell[point] != '.' {
		return "", "", false
	}
	return cell[:point], cell[point+1:], true
}

func textOf(t Type, units int64) string {
	if t == TypeAmount {
		return money.Fen(units).String()
	}
	return strconv.FormatInt(units, 10)
}

// add refuses a sum that no longer fits: 92 quadrillion fen are more than a lender has.
func add(a, b int64) (int64, error) {
	sum := a + b
	if (a > 0) == (b > 0) && a != 0 && (sum > 0) != (a > 0) {
		return 0, fmt.Errorf("report: a total is out of range")
	}
	return sum, nil
}

// instantLayout is a cell of TypeInstant.
const instantLayout = "2006-01-02 15:04:05"

// CellOfInstant writes an instant as a cell; the zero time is none.
func CellOfInstant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(domain.BusinessZone).Format(instantLayout)
}

// CellOfFlag writes a flag as a cell.
func CellOfFlag(is bool) string {
	if is {
		return "是"
	}
	return "否"
}

// facts are the lines that say what the file is, for the sheet about it and the metadata of Parquet.
func (h Head) facts(s Summary) [][2]string {
	q := h.Query
	branch := h.BranchName
	if branch == "" {
		branch = "查询人权限内的全部机构"
	}
	lines := [][2]string{
		{"报表", h.Definition.Title}, {"代码", string(h.Definition.Code)}, {"说明", h.Definition.Description}, {"机构", branch},
	}
	if h.Definition.Period == PeriodRange {
		lines = append(lines, [2]string{"起始日期", q.From.String()}, [2]string{"截止日期", q.To.String()})
	}
	lines = append(lines, [2]string{"截至营业日", q.AsOf.String() + " 24:00（北京时间）"})
	if q.ProductCode != "" {
		lines = append(lines, [2]string{"产品", q.ProductCode})
	}
	masked := "已脱敏"
	if q.Reveal {
		masked = "完整显示，查看已留痕"
	}
	return append(lines,
		[2]string{"个人信息", masked},
		[2]string{"行数", strconv.FormatInt(s.Rows, 10)},
		[2]string{"CSV 正文 SHA-256", s.CSVBodySHA256})
}
