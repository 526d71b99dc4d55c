package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
)

// Limits of a sheet.
const (
	sheetRowsMax   = 1_048_576 // of the format itself
	exactDigitsMax = 15        // of a number in a table program; a longer amount is written as text, and stays exact
)

// The sheets of a file: the rows (a second and third where one does not hold them), and what they are.
const (
	sheetRows  = "数据"
	sheetAbout = "说明"
)

// xlsxFile streams an XLSX file. excelize keeps rows beyond 16 MiB in a temporary file, so memory stays bounded.
type xlsxFile struct {
	output  io.Writer
	file    *excelize.File
	stream  *excelize.StreamWriter
	head    Head
	columns []Column
	styles  map[Type]int
	bold    int
	sheets  int
	rowsIn  int // rows of the current sheet, the heading included
	cells   []any
}

// numberFormats are how table programs show each type. A list and not a map: the same report gives the same bytes.
var numberFormats = []struct {
	kind   Type
	format string
}{
	{TypeDate, "yyyy-mm-dd"}, {TypeInstant, "yyyy-mm-dd hh:mm:ss"}, {TypeAmount, "#,##0.00"}, {TypeDecimal, "0.00####"}, {TypeInteger, "0"},
}

func newXLSX(w io.Writer, head Head, columns []Column) (*xlsxFile, error) {
	f := &xlsxFile{output: w, file: excelize.NewFile(), head: head, columns: columns, cells: make([]any, len(columns)), styles: make(map[Type]int, len(numberFormats))}
	for _, number := range numberFormats {
		style, err := f.file.NewStyle(&excelize.Style{CustomNumFmt: &number.format})
		if err != nil {
			return nil, fmt.Errorf("xlsx style: %w", err)
		}
		f.styles[number.kind] = style
	}
	bold, err := f.file.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}})
	if err != nil {
		return nil, fmt.Errorf("xlsx style: %w", err)
	}
	f.bold = bold
	if err := f.file.SetSheetName("Sheet1", sheetRows); err != nil {
		return nil, fmt.Errorf("xlsx sheet: %w", err)
	}
	return f, f.startSheet()
}

// startSheet begins a sheet of rows with a frozen heading.
func (f *xlsxFile) startSheet() error {
	name := sheetRows
	if f.sheets++; f.sheets > 1 {
		name += strconv.Itoa(f.sheets)
		if _, err := f.file.NewSheet(name); err != nil {
			return fmt.Errorf("xlsx sheet: %w", err)
		}
	}
	stream, err := f.file.NewStreamWriter(name)
	if err != nil {
		return fmt.Errorf("xlsx stream: %w", err)
	}
	f.stream, f.rowsIn = stream, 0
	for i, c := range f.columns {
		if err := stream.SetColWidth(i+1, i+1, widthOf(c)); err != nil {
			return fmt.Errorf("xlsx width: %w", err)
		}
	}
	if err := stream.SetPanes(&excelize.Panes{
		Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft",
	}); err != nil {
		return fmt.Errorf("xlsx panes: %w", err)
	}
	headings := make([]any, len(f.columns))
	for i, c := range f.columns {
		headings[i] = excelize.Cell{StyleID: f.bold, Value: headingOf(c)}
	}
	return f.write(headings)
}

// widthOf is a column's width in characters: a Chinese character is two wide.
func widthOf(c Column) float64 {
	width := map[Type]int{
		TypeText: 20, TypeCode: 14, TypeDate: 12, TypeInstant: 20, TypeInteger: 10, TypeAmount: 18, TypeDecimal: 10, TypeFlag: 8,
	}[c.Type]
	return float64(max(width, 2*len([]rune(headingOf(c)))+2))
}

func (f *xlsxFile) write(cells []any) error {
	f.rowsIn++
	if err := f.stream.SetRow("A"+strconv.Itoa(f.rowsIn), cells); err != nil {
		return fmt.Errorf("xlsx row: %w", err)
	}
	return nil
}

func (f *xlsxFile) row(cells []string) error {
	if f.rowsIn == sheetRowsMax {
		if err := f.stream.Flush(); err != nil {
			return fmt.Errorf("xlsx sheet: %w", err)
		}
		if err := f.startSheet(); err != nil {
			return err
		}
	}
	for i, c := range f.columns {
		value, err := f.cell(c.Type, cells[i])
		if err != nil {
			return fmt.Errorf("report %s, column %s: %w", f.head.Definition.Code, c.Code, err)
		}
		f.cells[i] = value
	}
	return f.write(f.cells)
}

// cell gives a cell the type that table programs count and sort by.
func (f *xlsxFile) cell(t Type, text string) (any, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // an empty cell is no value, and no error
	}
	switch t {
	case TypeDate:
		day, err := time.Parse(time.DateOnly, text)
		return excelize.Cell{StyleID: f.styles[t], Value: day}, err
	case TypeInstant:
		at, err := time.Parse(instantLayout, text)
		return excelize.Cell{StyleID: f.styles[t], Value: at}, err
	case TypeInteger, TypeAmount, TypeDecimal:
		number, exact, err := numberOf(text)
		if err != nil || !exact {
			return text, err
		}
		return excelize.Cell{StyleID: f.styles[t], Value: number}, nil
	case TypeText, TypeCode, TypeFlag:
	}
	// A cell of type text is never run as a formula, whatever it begins with, so it needs no apostrophe.
	return printable(text), nil
}

// numberOf is the number that a table program keeps for the text. Table programs have binary floating point and nothing
// else; up to fifteen digits it gives back the decimal it was made of, so what is shown and what sums say is exact to the
// fen. exact is false for longer numbers.
func numberOf(text string) (number float64, exact bool, err error) {
	number, err = strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, false, fmt.Errorf("%q is not a number: %w", text, err)
	}
	digits := 0 // leading zeros do not count
	for _, c := range []byte(text) {
		if c > '0' && c <= '9' || c == '0' && digits > 0 {
			digits++
		}
	}
	return number, digits <= exactDigitsMax, nil
}

// printable drops the control characters that XML cannot say; line breaks and tabs stay.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
			return -1
		}
		return r
	}, s)
}

// finish writes the sheet about the file and the whole file.
func (f *xlsxFile) finish(s Summary) error {
	if err := f.stream.Flush(); err != nil {
		return fmt.Errorf("xlsx sheet: %w", err)
	}
	if _, err := f.file.NewSheet(sheetAbout); err != nil {
		return fmt.Errorf("xlsx sheet: %w", err)
	}
	about, err := f.file.NewStreamWriter(sheetAbout)
	if err != nil {
		return fmt.Errorf("xlsx stream: %w", err)
	}
	f.stream, f.rowsIn = about, 0
	if err := f.about(s); err != nil {
		return err
	}
	if err := about.Flush(); err != nil {
		return fmt.Errorf("xlsx sheet: %w", err)
	}
	return writeWorkbook(f.output, f.file)
}

// discard removes the temporary files.
func (f *xlsxFile) discard() error {
	if err := f.file.Close(); err != nil {
		return fmt.Errorf("xlsx temporary file: %w", err)
	}
	return nil
}

func (f *xlsxFile) about(s Summary) error {
	for i, width := range []float64{24, 40, 16, 60} {
		if err := f.stream.SetColWidth(i+1, i+1, width); err != nil {
			return fmt.Errorf("xlsx width: %w", err)
		}
	}
	for _, fact := range f.head.facts(s) {
		if err := f.write([]any{excelize.Cell{StyleID: f.bold, Value: fact[0]}, printable(fact[1])}); err != nil {
			return err
		}
	}
	lines := [][]any{{}, {f.title("合计与小计"), f.title("项目"), f.title("行数"), f.title("数值")}}
	add := func(name string, rows int64, totals []Total) error {
		if len(totals) == 0 {
			lines = append(lines, []any{name, "", rows})
		}
		for _, t := range totals {
			value, err := f.cell(t.Column.Type, t.Text)
			if err != nil {
				return err
			}
			lines = append(lines, []any{name, headingOf(t.Column), rows, value})
		}
		return nil
	}
	if err := add(TotalMark, s.Rows, s.Totals); err != nil {
		return err
	}
	for _, b := range s.Branches {
		if err := add(SubtotalMark+" "+b.BranchCode+" "+b.BranchName, b.Rows, b.Totals); err != nil {
			return err
		}
	}
	lines = append(lines, []any{}, []any{f.title("列"), f.title("表头"), f.title("类型"), f.title("口径")})
	for _, c := range f.columns {
		lines = append(lines, []any{c.Code, headingOf(c), string(c.Type), c.Definition})
	}
	for _, line := range lines {
		if err := f.write(line); err != nil {
			return err
		}
	}
	return nil
}

func (f *xlsxFile) title(text string) excelize.Cell {
	return excelize.Cell{StyleID: f.bold, Value: text}
}
