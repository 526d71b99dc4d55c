package report

import (
	"encoding/csv"
	"io"
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
	writer *csv.Writer
	cells  []string
}

func newCSVLines(w io.Writer) *csvLines { return &csvLines{writer: csv.NewWriter(w)} }

func (l *csvLines) heading(columns []Column) error {
	headings := make([]string, len(columns))
	for i, c := range columns {
		headings[i] = headingOf(c)
	}
	return l.writer.Write(headings)
}

// headingOf is the heading with its unit: 金额（元）.
func headingOf(c Column) string {
	if c.Unit == "" {
		return c.Heading
	}
	return c.Heading + "（" + c.Unit + "）"
}

func (l *csvLines) line(columns []Column, cells []string) error {
	l.cells = append(l.cells[:0], cells...)
	for i, c := range columns {
		if c.Type == TypeText || c.Type == TypeCode {
			l.cells[i] = Harmless(cells[i])
		}
	}
	return l.writer.Write(l.cells)
}

func (l *csvLines) flush() error {
	l.writer.Flush()
	return l.writer.Error()
}

// csvFile is a CSV file: byte order mark, heading, rows, then subtotals by branch and the total, each line marked in its
// first cell.
type csvFile struct {
	lines   *csvLines
	totals  *csvLines
	close   func() error
	columns []Column
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
	f := &csvFile{lines: newCSVLines(io.MultiWriter(w, body)), totals: newCSVLines(w), close: finish, columns: columns}
	return f, f.lines.heading(columns)
}

func (f *csvFile) row(cells []string) error { return f.lines.line(f.columns, cells) }

// discard has nothing to remove.
func (*csvFile) discard() error { return nil }

func (f *csvFile) endBody() error { return f.lines.flush() }

// SubtotalMark and TotalMark begin the lines after the rows.
const (
	SubtotalMark = "小计"
	TotalMark    = "合计"
)

func (f *csvFile) finish(s Summary) error {
	write := func(mark, branch string, totals []Total) error {
		cells := make([]string, len(f.columns))
		for i, c := range f.columns {
			for _, t := range totals {
				if t.Column.Code == c.Code {
					cells[i] = t.Text
				}
			}
		}
		cells[0] = strings.TrimSpace(mark + " " + branch)
		return f.totals.writer.Write(cells)
	}
	for _, b := range s.Branches {
		if err := write(SubtotalMark, b.BranchCode+" "+b.BranchName, b.Totals); err != nil {
			return err
		}
	}
	if err := write(TotalMark, "", s.Totals); err != nil {
		return err
	}
	if err := f.totals.flush(); err != nil {
		return err
	}
	return f.close()
}
