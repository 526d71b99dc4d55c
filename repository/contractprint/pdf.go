package contractprint

import (
	"bytes"
	"fmt"
	"time"

	"codeberg.org/go-pdf/fpdf"

	"fumin/domain/loan"
)

// The page, in millimetres, and the sizes of the type, in points.
const (
	pageWidth    = 210.0
	marginSide   = 18.0
	marginEnd    = 20.0
	textWidth    = pageWidth - 2*marginSide
	labelWidth   = 32.0
	sizeTitle    = 17.0
	sizeHeading  = 12.0
	sizeText     = 10.5
	sizeTable    = 8.5
	lineText     = 6.0
	lineTable    = 4.6
	cellPadding  = 1.0
	family       = "cjk"
	pageEndsAt   = 297.0 - marginEnd
	columnsMax   = 12
	widthPerEach = 6.0 // the least width of a column
)

// sheet is a PDF in the making.
type sheet struct{ *fpdf.Fpdf }

// PDF implements origination.ContractPrinter. The file's dates are fixed and its objects sorted, so that equal documents give
// equal bytes; the font is cut down to the characters that occur.
func (p *Printer) PDF(d loan.Document) ([]byte, error) {
	if err := p.check(d); err != nil {
		return nil, err
	}
	s := sheet{fpdf.New("P", "mm", "A4", "")}
	epoch := time.Unix(0, 0).UTC() // no clock: the day of the contract stands in its text
	s.SetCreationDate(epoch)
	s.SetModificationDate(epoch)
	s.SetCatalogSort(true)
	s.SetTitle(d.Title+" "+d.ContractNo, true)
	s.SetMargins(marginSide, marginEnd, marginSide)
	s.SetAutoPageBreak(false, marginEnd)
	s.AddUTF8FontFromBytes(family, "", p.font.ttf)
	s.SetFont(family, "", sizeText)
	s.SetFooterFunc(func() {
		s.SetFont(family, "", 8)
		s.SetXY(marginSide, 297-12)
		s.CellFormat(textWidth, 4, fmt.Sprintf("%s　第 %d 页　文本版本 %s", d.ContractNo, s.PageNo(), d.TextVersion), "", 0, "C", false, 0, "")
	})
	s.AddPage()
	s.title(d)
	for _, b := range d.Blocks {
		s.block(b)
	}
	var file bytes.Buffer
	if err := s.Output(&file); err != nil {
		return nil, fmt.Errorf("print contract %s: %w", d.ContractNo, err)
	}
	return file.Bytes(), nil
}

func (s sheet) title(d loan.Document) {
	s.SetFont(family, "", sizeTitle)
	s.SetX(marginSide)
	s.CellFormat(textWidth, 11, d.Title, "", 1, "C", false, 0, "")
	s.SetFont(family, "", sizeText)
	s.CellFormat(textWidth, 8, "合同编号："+d.ContractNo+"　签订日期："+d.SignedOn, "", 1, "C", false, 0, "")
}

func (s sheet) block(b loan.Block) {
	s.room(8 + 2*lineText)
	s.SetFont(family, "", sizeHeading)
	s.SetX(marginSide)
	s.CellFormat(textWidth, 9, b.Heading, "", 1, "L", false, 0, "")
	s.SetFont(family, "", sizeText)
	for _, f := range b.Facts {
		s.fact(f)
	}
	for _, clause := range b.Clauses {
		for _, line := range s.lines(clause, textWidth) {
			s.room(lineText)
			s.SetX(marginSide)
			s.CellFormat(textWidth, lineText, line, "", 1, "L", false, 0, "")
		}
	}
	if len(b.Header) > 0 {
		s.table(b)
	}
}

func (s sheet) fact(f loan.Fact) {
	for i, line := range s.lines(f.Text, textWidth-labelWidth) {
		s.room(lineText)
		s.SetX(marginSide)
		label := ""
		if i == 0 {
			label = f.Label
		}
		s.CellFormat(labelWidth, lineText, label, "", 0, "L", false, 0, "")
		s.CellFormat(textWidth-labelWidth, lineText, line, "", 1, "L", false, 0, "")
	}
}

// table writes the header again on each page. Columns are as wide as what stands in them, scaled to the page.
func (s sheet) table(b loan.Block) {
	s.SetFont(family, "", sizeTable)
	widths := s.widths(b)
	s.row(widths, b.Header, "C")
	for _, row := range b.Rows {
		if s.GetY()+s.height(widths, row) > pageEndsAt {
			s.AddPage()
			s.SetFont(family, "", sizeTable)
			s.row(widths, b.Header, "C")
		}
		s.row(widths, row, "R")
	}
	s.SetFont(family, "", sizeText)
}

func (s sheet) widths(b loan.Block) []float64 {
	widths := make([]float64, min(len(b.Header), columnsMax))
	total := 0.0
	for i := range widths {
		widths[i] = s.GetStringWidth(b.Header[i])
		for _, row := range b.Rows {
			widths[i] = max(widths[i], s.GetStringWidth(row[i]))
		}
		widths[i] = max(widths[i]+2*cellPadding+1, widthPerEach)
		total += widths[i]
	}
	for i := range widths {
		widths[i] *= textWidth / total
	}
	return widths
}

func (s sheet) height(widths []float64, row []string) float64 {
	most := 1
	for i, width := range widths {
		most = max(most, len(s.lines(row[i], width-2*cellPadding)))
	}
	return float64(most)*lineTable + 1
}

func (s sheet) row(widths []float64, row []string, align string) {
	height := s.height(widths, row)
	x, y := marginSide, s.GetY()
	for i, width := range widths {
		s.Rect(x, y, width, height, "D")
		for n, line := range s.lines(row[i], width-2*cellPadding) {
			s.SetXY(x+cellPadding, y+0.5+float64(n)*lineTable)
			s.CellFormat(width-2*cellPadding, lineTable, line, "", 0, align, false, 0, "")
		}
		x += width
	}
	s.SetXY(marginSide, y+height)
}

// room begins a new page when the height is not left on this one.
func (s sheet) room(height float64) {
	if s.GetY()+height <= pageEndsAt {
		return
	}
	size, _ := s.GetFontSize()
	s.AddPage()
	s.SetFont(family, "", size)
}

// lines breaks a text to a width in millimetres: between any two characters, but not inside a run of ASCII, so that a sum or a
// number is not torn apart; a run that is wider than the line is.
func (s sheet) lines(text string, width float64) []string {
	const slack = 2.0 // the library's own margin inside a cell, on both sides
	width -= slack
	var lines []string
	line, used := "", 0.0
	for _, run := range runs(text) {
		wide := s.GetStringWidth(run)
		if used+wide > width && line != "" {
			lines, line, used = append(lines, line), "", 0
		}
		for wide > width && len([]rune(run)) > 1 {
			characters, n := []rune(run), 1
			for n < len(characters) && s.GetStringWidth(string(characters[:n+1])) <= width {
				n++
			}
			lines, run = append(lines, string(characters[:n])), string(characters[n:])
			wide = s.GetStringWidth(run)
		}
		line, used = line+run, used+wide
	}
	return append(lines, line)
}

// runs splits a text into what may not be broken: single characters, and runs of ASCII without spaces.
func runs(text string) []string {
	var parts []string
	ascii := false
	for _, c := range text {
		solid := c > ' ' && c < 0x7F
		if solid && ascii {
			parts[len(parts)-1] += string(c)
		} else {
			parts = append(parts, string(c))
		}
		ascii = solid
	}
	return parts
}
