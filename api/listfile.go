package api

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"io"
	"mime"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/origination"
)

// Limits of a file with a list, beside listBodyLimit. A file as village offices make it, 50,000 rows of eight columns,
// unpacks to about 30 MiB with 2,000,000 elements.
const (
	listUnpackedMax = 48 << 20 // bytes of all parts of an XLSX file
	listPartsMax    = 1_000
	listElementsMax = 3_500_000 // XML elements of all parts
	listCellsMax    = 4_000_000 // what an XLSX sheet is read as: a row counts as one, and one more for each cell up to its last
	listRowsMax     = borrower.RecommendedRowsMax + origination.ListTitleRowsMax + 2
	exactDigitsMax  = 15 // of a number in a table program; what follows was lost before we saw it
)

const (
	mediaCSV  = "text/csv"
	mediaXLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
)

// listFile is a file with a list as its rows.
type listFile struct {
	format   origination.ListFormat
	encoding origination.TextEncoding
	rows     []origination.ListRow
}

func errListUnreadable(format string, args ...any) *domain.Error {
	return domain.Errorf(domain.KindInvalid, "recommended-list-unreadable", format, args...)
}

func errListTooLarge() *domain.Error {
	return domain.Errorf(domain.KindInvalid, "body-too-large",
		"文件展开后过大，最多 %d MiB：请删去无关的列、图片和工作表，或分成几个文件", listUnpackedMax>>20)
}

// readListFile reads a file by its media type, all of it or nothing.
func readListFile(h http.Header, body []byte) (listFile, error) {
	mediaType, charset, err := listMediaType(h)
	if err != nil {
		return listFile{}, err
	}
	switch {
	case len(body) == 0:
		return listFile{}, errListUnreadable("没有收到文件内容")
	case bytes.HasPrefix(body, []byte("\xd0\xcf\x11\xe0")): // an OLE document
		return listFile{}, errListUnreadable("这是旧版 .xls 文件或加了密码的文件，请另存为不加密的 .xlsx 或 CSV")
	case bytes.HasPrefix(body, []byte("PK\x03\x04")) != (mediaType == mediaXLSX):
		return listFile{}, errListUnreadable("文件内容与 Content-Type 不符：CSV 用 %s，XLSX 用 %s", mediaCSV, mediaXLSX)
	case mediaType == mediaXLSX:
		rows, err := readXLSX(body)
		return listFile{format: origination.ListXLSX, encoding: origination.EncodingUTF8, rows: rows}, err
	}
	text, encoding, err := decodeText(body, charset)
	if err != nil {
		return listFile{}, err
	}
	rows, err := readCSV(text)
	return listFile{format: origination.ListCSV, encoding: encoding, rows: rows}, err
}

// listMediaType lets through CSV and XLSX, not packed further. charset is what the client says of a CSV file; "" when it
// says nothing.
func listMediaType(h http.Header) (mediaType, charset string, err error) {
	refused := domain.Errorf(domain.KindInvalid, "unsupported-media-type",
		"请求头 Content-Type 应为 %s 或 %s；CSV 的编码为 UTF-8 或 GB18030，不压缩", mediaCSV, mediaXLSX)
	if encoding := h.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return "", "", refused
	}
	values := h.Values("Content-Type")
	if len(values) != 1 {
		return "", "", refused
	}
	mediaType, parameters, err := mime.ParseMediaType(values[0])
	if err != nil || (mediaType != mediaCSV && mediaType != mediaXLSX) {
		return "", "", refused
	}
	charset = strings.ToLower(parameters["charset"])
	switch charset {
	case "", "utf-8", "utf8", "gb18030", "gbk", "gb2312":
		return mediaType, charset, nil
	}
	return "", "", refused
}

const byteOrderMark = "\ufeff"

// decodeText makes UTF-8 of a text in UTF-8 or GB18030. A byte-order mark counts, and then what the client says; otherwise
// a text that is UTF-8 in all its bytes is taken for it, because Chinese in GB18030 practically never is. GBK and GB2312 are
// parts of GB18030.
func decodeText(body []byte, charset string) (text string, encoding origination.TextEncoding, err error) {
	said8 := strings.HasPrefix(charset, "utf")
	marked := bytes.HasPrefix(body, []byte(byteOrderMark))
	if said8 || marked || (charset == "" && utf8.Valid(body)) {
		if !utf8.Valid(body) {
			return "", "", errEncoding("第 %d 行不是有效的 UTF-8 文本，文件可能损坏或混用了编码", invalidLine(body))
		}
		return strings.TrimPrefix(string(body), byteOrderMark), origination.EncodingUTF8, nil
	}
	if charset == "" && mostlyUTF8(body) { // read as GB18030 it could give other people's names
		return "", "", errEncoding("文件是 UTF-8，但第 %d 行有损坏的字符，请核对后重新另存为“CSV UTF-8”", invalidLine(body))
	}
	decoded, err := simplifiedchinese.GB18030.NewDecoder().Bytes(body)
	if err != nil {
		return "", "", errEncoding("文件既不是 UTF-8 也不是 GB18030，请另存为“CSV UTF-8”").Because(err)
	}
	if at := bytes.IndexRune(decoded, utf8.RuneError); at >= 0 {
		return "", "", errEncoding("文件既不是 UTF-8，第 %d 行也不是有效的 GB18030 文本，请另存为“CSV UTF-8”", lineAt(decoded, at))
	}
	return string(decoded), origination.EncodingGB18030, nil
}

func errEncoding(format string, args ...any) *domain.Error {
	return domain.Errorf(domain.KindInvalid, "recommended-encoding-unknown", format, args...)
}

// mostlyUTF8 reports whether a text that is not UTF-8 in all its bytes has more Chinese characters in UTF-8 than bytes that
// cannot be: in GB18030 only one character in fifty looks like that by chance.
func mostlyUTF8(body []byte) bool {
	characters, wrong := 0, 0
	for len(body) > 0 {
		r, size := utf8.DecodeRune(body)
		switch {
		case r == utf8.RuneError && size == 1:
			wrong++
		case size >= 3:
			characters++
		}
		body = body[size:]
	}
	return characters > wrong
}

// invalidLine returns the line of the first byte that is not UTF-8.
func invalidLine(body []byte) int {
	for at := 0; at < len(body); {
		r, size := utf8.DecodeRune(body[at:])
		if r == utf8.RuneError && size == 1 {
			return lineAt(body, at)
		}
		at += size
	}
	return 0
}

func lineAt(text []byte, at int) int { return 1 + bytes.Count(text[:at], []byte("\n")) }

// readCSV reads comma-separated values (RFC 4180; a row may be shorter than others). Rows have the numbers a table program
// shows: a line break within quotes makes no new row, and an empty line is one.
func readCSV(text string) ([]origination.ListRow, error) {
	if strings.ContainsRune(text, 0) {
		return nil, errListUnreadable("文件中有空字符，不是 CSV 文本（也许是 UTF-16），请另存为“CSV UTF-8”")
	}
	reader := csv.NewReader(strings.NewReader(text))
	reader.FieldsPerRecord = -1
	var rows []origination.ListRow
	broken := 0 // line breaks within quotes so far
	for len(rows) < listRowsMax {
		cells, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if wrong, ok := errors.AsType[*csv.ParseError](err); ok {
			return nil, errListUnreadable("文件第 %d 行的引号不成对，请用表格软件打开核对后重新另存为 CSV", wrong.Line).Because(err)
		}
		if err != nil {
			return nil, errListUnreadable("文件无法读取").Because(err)
		}
		line, _ := reader.FieldPos(0)
		row := origination.ListRow{Row: line - broken, Cells: cells}
		for _, cell := range cells {
			broken += strings.Count(cell, "\n")
		}
		if !borrower.IsBlankRow(cells) {
			rows = append(rows, row)
		}
	}
	return rows, nil // too many already, which the use case says
}

// readXLSX reads the one sheet of an XLSX file that has something in it. A cell with a formula counts as what the table
// program last showed in it; nothing is computed here.
func readXLSX(body []byte) (rows []origination.ListRow, err error) {
	inexact, err := checkXLSX(body)
	if err != nil {
		return nil, err
	}
	defer func() { // what a stranger's file does to a stranger's parser is that file's fault, not a failure of the service
		if recovered := recover(); recovered != nil {
			rows, err = nil, errListUnreadable("XLSX 文件已损坏，请用表格软件打开后重新另存").Because(&panicError{value: recovered, stack: debug.Stack()})
		}
	}()
	file, err := excelize.OpenReader(bytes.NewReader(body), excelize.Options{
		RawCellValue: true, UnzipSizeLimit: listUnpackedMax, UnzipXMLSizeLimit: listUnpackedMax, // nothing goes to a disk
	})
	if err != nil {
		return nil, errListUnreadable("XLSX 文件已损坏，请用表格软件打开后重新另存").Because(err)
	}
	defer func() { _ = file.Close() }() // it removes temporary files, and there are none
	for _, sheet := range file.GetSheetList() {
		found, err := readSheet(file, sheet, inexact)
		if err != nil {
			return nil, err
		}
		if len(found) > 0 && rows != nil {
			return nil, domain.Errorf(domain.KindInvalid, "recommended-sheets", "文件中有几个工作表有内容（包括隐藏的），请只保留一个")
		}
		if len(found) > 0 {
			rows = found
		}
	}
	return rows, nil
}

// readSheet reads the rows of a sheet that have something in them.
func readSheet(file *excelize.File, sheet string, inexact map[string]bool) ([]origination.ListRow, error) {
	damaged := errListUnreadable("XLSX 文件的工作表无法读取，请用表格软件打开后重新另存")
	iterator, err := file.Rows(sheet)
	if err != nil {
		return nil, damaged.Because(err)
	}
	defer func() { _ = iterator.Close() }() // it closes a temporary file, and there is none
	var rows []origination.ListRow
	read := 0
	for number := 1; iterator.Next() && len(rows) < listRowsMax; number++ {
		cells, err := iterator.Columns()
		if err != nil {
			return nil, damaged.Because(err)
		}
		if read += 1 + len(cells); read > listCellsMax {
			return nil, errListTooLarge()
		}
		if borrower.IsBlankRow(cells) {
			continue
		}
		for i := range cells {
			name, err := excelize.CoordinatesToCellName(i+1, number)
			if err != nil {
				return nil, damaged.Because(err)
			}
			if inexact[name] {
				cells[i] = scientific(cells[i])
			}
		}
		rows = append(rows, origination.ListRow{Row: number, Cells: cells})
	}
	if err := iterator.Error(); err != nil {
		return nil, damaged.Because(err)
	}
	return rows, nil
}

// scientific writes a long whole number the way a table program does. Its last digits are not those that were typed: Excel
// keeps fifteen and sets the others to 0, and now and then the check digit would fit all the same. As 3.71503E+17 it is
// refused for what it is.
func scientific(text string) string {
	if len(text) <= exactDigitsMax || strings.Trim(text, "0123456789") != "" {
		return text
	}
	return text[:1] + "." + text[1:6] + "E+" + strconv.Itoa(len(text)-1)
}

// checkXLSX goes through an XLSX file before it is opened: how many parts and elements it has, how large it is unpacked,
// and that every part is whole. The library would take a part that breaks off for one that ends, and a list would be
// imported by half. It returns the cells that hold a number of more digits than a table program keeps.
func checkXLSX(body []byte) (inexact map[string]bool, err error) {
	damaged := errListUnreadable("XLSX 文件已损坏，请用表格软件打开后重新另存")
	archive, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return nil, damaged.Because(err)
	}
	unpacked := uint64(0)
	for _, part := range archive.File {
		if unpacked += min(part.UncompressedSize64, listUnpackedMax+1); unpacked > listUnpackedMax || len(archive.File) > listPartsMax {
			return nil, errListTooLarge()
		}
	}
	inexact = map[string]bool{}
	elements := 0
	for _, part := range archive.File { // at most listPartsMax
		name := strings.ToLower(part.Name)
		if !strings.HasSuffix(name, ".xml") && !strings.HasSuffix(name, ".rels") {
			continue
		}
		content, err := part.Open()
		if err != nil {
			return nil, damaged.Because(err)
		}
		p := partCheck{decoder: xml.NewDecoder(content), inexact: inexact, elements: &elements}
		err = errors.Join(p.run(), content.Close())
		if refused, ours := errors.AsType[*domain.Error](err); ours {
			return nil, refused
		}
		if err != nil {
			return nil, damaged.Because(err)
		}
	}
	return inexact, nil
}

// partCheck reads one part of an XLSX file from end to end.
type partCheck struct {
	decoder  *xml.Decoder
	inexact  map[string]bool
	elements *int
	sheet    bool   // its outermost element is that of a worksheet
	root     bool   // that element has begun
	row, col int    // of the cell at hand
	number   string // the cell's name, while it holds a number; "" elsewhere
	value    bool   // inside its <v>
	length   int    // of its text
}

var errCellOrder = errors.New("rows or cells of a worksheet are out of order")

func (p *partCheck) run() error {
	for {
		token, err := p.decoder.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch token := token.(type) {
		case xml.StartElement:
			if *p.elements++; *p.elements > listElementsMax {
				return errListTooLarge()
			}
			if err := p.start(token); err != nil {
				return err
			}
		case xml.CharData:
			if p.value {
				p.length += len(token)
			}
		case xml.EndElement:
			p.end(token.Name.Local)
		}
	}
}

// start follows where the cells of a worksheet are. A row or a cell that does not say so stands after the one before; one
// that says it stands elsewhere is refused, because the library would put it in another column.
func (p *partCheck) start(element xml.StartElement) error {
	name := element.Name.Local
	if !p.root {
		p.root, p.sheet = true, name == "worksheet"
	}
	switch {
	case !p.sheet:
	case name == "row":
		return p.startRow(element)
	case name == "c":
		return p.startCell(element)
	case name == "v":
		p.value, p.length = p.number != "", 0
	}
	return nil
}

func (p *partCheck) startRow(element xml.StartElement) (err error) {
	last := p.row
	p.row, p.col = last+1, 0
	if said := attribute(element, "r"); said != "" {
		p.row, err = strconv.Atoi(said)
	}
	if err == nil && (p.row <= last || p.row > excelize.TotalRows) {
		return errCellOrder
	}
	return err
}

func (p *partCheck) startCell(element xml.StartElement) (err error) {
	last, row := p.col, p.row
	p.col++
	if said := attribute(element, "r"); said != "" {
		p.col, row, err = excelize.CellNameToCoordinates(said)
	}
	if err == nil && (p.col <= last || row != p.row) {
		return errCellOrder
	}
	if kind := attribute(element, "t"); err == nil && (kind == "" || kind == "n") {
		p.number, err = excelize.CoordinatesToCellName(p.col, p.row)
	}
	return err
}

func attribute(element xml.StartElement, name string) string {
	for _, a := range element.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func (p *partCheck) end(name string) {
	switch name {
	case "v":
		if p.value && p.length > exactDigitsMax {
			p.inexact[p.number] = true
		}
		p.value = false
	case "c":
		p.number = ""
	}
}
