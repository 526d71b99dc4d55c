package report

import (
	"encoding/csv"
	"io"
	"slices"
	"strings"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/transform"
)

// Harmless makes a text safe to open in a table program, which would run a cell that begins like a formula: an apostrophe
// before it makes it text (CSV injection, as OWASP describes it). Texts and codes need it, some of which people type (the number of
// a letter); a negative amount stays a number.
func Harmless(s string) string {
	if s == "" {
		return s
	}
	switch s[0] {
	case '=', '+', '-', '@', '\t', '\r', '\n':
		return "'" + s
	}
	for _, wide := range []string{"＝", "＋", "－", "＠"} { // Excel takes the full-width forms for the others
		if strings.HasPrefix(s, wide) {
			return "'" + s
		}
	}
	return s
}

// csvLines writes heading and rows as CSV (RFC 4180, lines end in LF).
type csvLines struct {
	to      io.Writer
	writer  *csv.Writer
	columns []Column
	// first is where the columns begin: at 1 where all of them are added up, so that no total stands where the lines of the totals
	// have their mark, which then has a column of its own.
	first int
	mark  int // the cell of the mark: the first without a total
	cells []string
}

func newCSVLines(w io.Writer, columns []Column) *csvLines {
	l := &csvLines{to: w, writer: csv.NewWriter(w), columns: columns}
	if l.mark = slices.IndexFunc(columns, func(c Column) bool { return !c.Total }); l.mark < 0 {
		l.mark, l.first = 0, 1
	}
	l.cells = make([]string, l.first+len(columns))
	return l
}

// MarkHeading is the heading of the mark's own column, which is empty in the rows.
const MarkHeading = "小计合计"

// write writes the cells. A line of one empty cell would be a blank line, which no program counts as a row.
func (l *csvLines) write() error {
	if len(l.cells) > 1 || l.cells[0] != "" {
		return l.writer.Write(l.cells)
	}
	if err := l.flush(); err != nil {
		return err
	}
	_, err := io.WriteString(l.to, "\"\"\n")
	return err
}

func (l *csvLines) heading() error {
	l.cells[0] = MarkHeading
	for i, c := range l.columns {
		l.cells[l.first+i] = headingOf(c)
	}
	return l.writer.Write(l.cells)
}

// headingOf is the heading with its unit: 金额（元）.
func headingOf(c Column) string {
	if c.Unit == "" {
		return c.Heading
	}
	return c.Heading + "（" + c.Unit + "）"
}

func (l *csvLines) line(cells []string) error {
	l.cells[0] = ""
	for i, c := range l.columns {
		l.cells[l.first+i] = cells[i]
		if c.Type == TypeText || c.Type == TypeCode {
			l.cells[l.first+i] = Harmless(cells[i])
		}
	}
	return l.write()
}

// total writes sums under their columns and the mark where there is none.
func (l *csvLines) total(mark string, totals []Total) error {
	clear(l.cells)
	for i, c := range l.columns {
		for _, t := range totals {
			if t.Column.Code == c.Code {
				l.cells[l.first+i] = t.Text
			}
		}
	}
	l.cells[l.mark] = mark
	return l.writer.Write(l.cells)
}

func (l *csvLines) flush() error {
	l.writer.Flush()
	return l.writer.Error()
}

// csvFile is a CSV file: byte order mark, heading, rows, then subtotals by branch and the total, each line marked in its
// first cell that has no sum.
type csvFile struct {
	lines  *csvLines
	totals *csvLines
	close  func() error
}

const byteOrderMark = "\ufeff"

// newCSV writes to w, and the body's UTF-8 bytes to body as well.
func newCSV(w, body io.Writer, head Head, columns []Column) (*csvFile, error) {
	finish := func() error { return nil }
	if head.Charset == CharsetGB18030 {
		encoded := transform.NewWriter(w, simplifiedchinese.GB18030.NewEncoder())
		w, finish = encoded, encoded.Close
	} else if _, err := io.WriteString(w, byteOrderMark); err != nil {
		return nil, err
	}
	f := &csvFile{lines: newCSVLines(io.MultiWriter(w, body), columns), totals: newCSVLines(w, columns), close: finish}
	return f, f.lines.heading()
}

func (f *csvFile) row(cells []string) error { return f.lines.line(cells) }

// discard has nothing to remove.
func (*csvFile) discard() error { return nil }

func (f *csvFile) endBody() error { return f.lines.flush() }

// SubtotalMark and TotalMark say what the lines after the rows are.
const (
	SubtotalMark = "小计"
	TotalMark    = "合计"
)

func (f *csvFile) finish(s Summary) error {
	for _, b := range s.Branches {
		if err := f.totals.total(strings.TrimSpace(SubtotalMark+" "+b.BranchCode+" "+b.BranchName), b.Totals); err != nil {
			return err
		}
	}
	if err := f.totals.total(TotalMark, s.Totals); err != nil {
		return err
	}
	if err := f.totals.flush(); err != nil {
		return err
	}
	return f.close()
}
