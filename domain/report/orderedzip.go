package report

import (
	"archive/zip"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"io/fs"
	"slices"
)

// orderedZip collects the parts of a workbook, each compressed as it comes, and writes them in the order of their names:
// excelize hands streamed sheets over in the random order of a map, and the same report is to give the same bytes.
type orderedZip struct {
	output io.Writer
	parts  []*zipPart
}

// zipPart is one part as a ZIP file of its own.
type zipPart struct {
	name    string
	content bytes.Buffer
	writer  *zip.Writer
}

// Create implements excelize.ZipWriter.
func (z *orderedZip) Create(name string) (io.Writer, error) {
	if err := z.finishLast(); err != nil {
		return nil, err
	}
	part := &zipPart{name: name}
	part.writer = zip.NewWriter(&part.content)
	z.parts = append(z.parts, part)
	return part.writer.Create(name)
}

// AddFS implements excelize.ZipWriter, which never calls it.
func (*orderedZip) AddFS(fs.FS) error { return fs.ErrInvalid }

func (z *orderedZip) finishLast() error {
	if len(z.parts) == 0 {
		return nil
	}
	return z.parts[len(z.parts)-1].writer.Close()
}

// Close writes the file.
func (z *orderedZip) Close() error {
	if err := z.finishLast(); err != nil {
		return err
	}
	slices.SortFunc(z.parts, func(a, b *zipPart) int { return cmp.Compare(a.name, b.name) })
	whole := zip.NewWriter(z.output)
	for _, part := range z.parts {
		content, err := zip.NewReader(bytes.NewReader(part.content.Bytes()), int64(part.content.Len()))
		if err != nil {
			return fmt.Errorf("xlsx part %s: %w", part.name, err)
		}
		if err := whole.Copy(content.File[0]); err != nil {
			return fmt.Errorf("xlsx part %s: %w", part.name, err)
		}
		part.content = bytes.Buffer{} // as soon as it is written it need not be kept
	}
	return whole.Close()
}
