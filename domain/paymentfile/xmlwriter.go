package paymentfile

import (
	"encoding/xml"
	"io"
	"slices"
)

// xmlWriter writes elements; the first error stays and is returned by end.
type xmlWriter struct {
	w       io.Writer
	encoder *xml.Encoder
	err     error
}

func newXMLWriter(w io.Writer) *xmlWriter {
	x := &xmlWriter{w: w, encoder: xml.NewEncoder(w)}
	_, x.err = io.WriteString(w, xml.Header)
	return x
}

func (x *xmlWriter) token(t xml.Token) {
	if x.err == nil {
		x.err = x.encoder.EncodeToken(t)
	}
}

func (x *xmlWriter) open(name string, attributes ...xml.Attr) {
	x.token(xml.StartElement{Name: xml.Name{Local: name}, Attr: attributes})
}

func (x *xmlWriter) close(name string) { x.token(xml.EndElement{Name: xml.Name{Local: name}}) }

func (x *xmlWriter) leaf(name, text string, attributes ...xml.Attr) {
	x.open(name, attributes...)
	x.token(xml.CharData(text))
	x.close(name)
}

// inside writes what write writes within the named elements, the first outermost.
func (x *xmlWriter) inside(names []string, write func()) {
	for _, name := range names {
		x.open(name)
	}
	write()
	for _, name := range slices.Backward(names) {
		x.close(name)
	}
}

func (x *xmlWriter) end() error {
	if x.err != nil {
		return x.err
	}
	if err := x.encoder.Close(); err != nil {
		return err
	}
	_, err := io.WriteString(x.w, "\n")
	return err
}
