package report

import (
	"archive/zip"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/klauspost/compress/flate"
	"github.com/xuri/excelize/v2"
)

// sheetPart begins the name of a sheet's part, which may be of any size; the other parts are small.
const sheetPart = "xl/worksheets/"

// sheetCompression is fast and gives files that are hardly larger: a sheet of a million rows is most of a gigabyte of XML.
const sheetCompression = 3

// writeWorkbook writes a workbook to output in the order of its parts' names, the sheets last, and holds none of them in memory.
//
// excelize hands its parts over in the random order of a map, and the same report is to give the same bytes. So it is asked
// several times, which costs little: once for the small parts, and once for each sheet. What is not wanted that time is not
// read.
func writeWorkbook(output io.Writer, file *excelize.File) error {
	whole := zip.NewWriter(output)
	whole.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, sheetCompression) })
	ask := func(pass *zipPass) error {
		file.SetZipWriter(func(io.Writer) excelize.ZipWriter { return pass })
		_, err := file.WriteToBuffer() // whose buffer stays empty: the parts go where the pass says
		return err
	}
	small := &zipPass{whole: whole}
	if err := ask(small); err != nil {
		return fmt.Errorf("xlsx file: %w", err)
	}
	slices.SortFunc(small.parts, func(a, b *smallPart) int { return cmp.Compare(a.name, b.name) })
	for _, part := range small.parts {
		to, err := whole.Create(part.name)
		if err == nil {
			_, err = part.content.WriteTo(to)
		}
		if err != nil {
			return fmt.Errorf("xlsx part %s: %w", part.name, err)
		}
	}
	slices.Sort(small.sheets)
	for _, name := range small.sheets {
		if err := ask(&zipPass{whole: whole, sheet: name}); err != nil {
			return fmt.Errorf("xlsx part %s: %w", name, err)
		}
	}
	return whole.Close()
}

// zipPass is one time that excelize is asked for its parts. It implements excelize.ZipWriter.
type zipPass struct {
	whole  *zip.Writer
	sheet  string       // the sheet that is written this time; empty: the small parts are kept
	parts  []*smallPart // what was kept
	sheets []string     // the names of the sheets
}

type smallPart struct {
	name    string
	content bytes.Buffer
}

// Create implements excelize.ZipWriter.
func (z *zipPass) Create(name string) (io.Writer, error) {
	isSheet := strings.HasPrefix(name, sheetPart)
	switch {
	case isSheet && name == z.sheet:
		return z.whole.Create(name)
	case isSheet:
		z.sheets = append(z.sheets, name)
	case z.sheet == "":
		part := &smallPart{name: name}
		z.parts = append(z.parts, part)
		return &part.content, nil
	}
	return unread{}, nil
}

// AddFS implements excelize.ZipWriter, which never calls it.
func (*zipPass) AddFS(fs.FS) error { return fs.ErrInvalid }

// Close implements excelize.ZipWriter: the file ends after the last pass.
func (*zipPass) Close() error { return nil }

// unread takes nothing: io.Copy into it does not even read.
type unread struct{}

// Write implements io.Writer.
func (unread) Write(p []byte) (int, error) { return len(p), nil }

// ReadFrom implements io.ReaderFrom.
func (unread) ReadFrom(io.Reader) (int64, error) { return 0, nil }
