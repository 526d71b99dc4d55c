package paymentfile

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/transform"

	"fumin/domain"
)

// xmlReader walks an XML file one token at a time, within limits: no document type, so no entities of its own; at most depthMax
// elements inside one another; at most tokenBytesMax bytes of one token.
type xmlReader struct {
	decoder *xml.Decoder
	source  *boundedReader
	path    []string // local names from the root
	text    strings.Builder
}

// boundedReader refuses to read more than tokenBytesMax bytes between two tokens, which the decoder would hold in memory.
type boundedReader struct {
	r    io.Reader
	left int
	err  error // of r, other than its end
}

var errTokenTooLong = errUnreadable("XML 中有过长的标签或文本")

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTokenTooLong
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	if err != nil && !errors.Is(err, io.EOF) {
		b.err = err
	}
	return n, err
}

func newXMLReader(r io.Reader) *xmlReader {
	source := &boundedReader{r: r, left: tokenBytesMax}
	decoder := xml.NewDecoder(source)
	decoder.CharsetReader = func(charset string, input io.Reader) (io.Reader, error) {
		switch strings.ToLower(charset) {
		case "utf-8":
			return input, nil
		case "gb18030", "gbk", "gb2312":
			return transform.NewReader(input, simplifiedchinese.GB18030.NewDecoder()), nil
		}
		return nil, errUnreadable("XML 的编码应为 UTF-8 或 GB18030")
	}
	return &xmlReader{decoder: decoder, source: source}
}

// element is the beginning or the end of an element; at its end, text is what stood in it when it held no elements.
type element struct {
	name  string
	end   bool
	attrs []xml.Attr
	space string
	text  string
}

func (e element) attribute(name string) string {
	at := slices.IndexFunc(e.attrs, func(a xml.Attr) bool { return a.Name.Local == name })
	if at < 0 {
		return ""
	}
	return e.attrs[at].Value
}

// next returns the next beginning or end; io.EOF after a whole document.
func (x *xmlReader) next() (element, error) {
	for {
		x.source.left = tokenBytesMax
		token, err := x.decoder.Token()
		if errors.Is(err, io.EOF) {
			return element{}, io.EOF
		}
		if syntax, ok := errors.AsType[*xml.SyntaxError](err); ok {
			return element{}, errUnreadable("XML 第 %d 行有误，文件可能不完整", syntax.Line).Because(err)
		}
		if x.source.err != nil {
			return element{}, x.source.err
		}
		if _, refused := errors.AsType[*domain.Error](err); err != nil && !refused {
			return element{}, errUnreadable("XML 的版本或编码有误：应为 1.0，UTF-8 或 GB18030").Because(err)
		}
		if err != nil {
			return element{}, err
		}
		switch token := token.(type) {
		case xml.Directive:
			return element{}, errUnreadable("XML 中不允许有 DOCTYPE 和实体声明")
		case xml.CharData:
			if x.text.Len()+len(token) > tokenBytesMax {
				return element{}, errTokenTooLong
			}
			x.text.Write(token)
		case xml.StartElement:
			if len(x.path) == depthMax {
				return element{}, errUnreadable("XML 的层次超过 %d 层", depthMax)
			}
			x.path = append(x.path, token.Name.Local)
			x.text.Reset()
			return element{name: token.Name.Local, space: token.Name.Space, attrs: token.Attr}, nil
		case xml.EndElement:
			e := element{name: token.Name.Local, end: true, text: strings.TrimSpace(x.text.String())}
			x.text.Reset()
			return e, nil
		}
	}
}

// leave drops the element that ended from the path; to be called after its end has been dealt with.
func (x *xmlReader) leave() { x.path = x.path[:len(x.path)-1] }

// below is the path under the element at depth, joined by "/"; of "Document/A/B/C" below 2 it is "B/C".
func (x *xmlReader) below(depth int) string {
	if len(x.path) <= depth {
		return ""
	}
	return strings.Join(x.path[depth:], "/")
}

// document reads the root and the message element in it, and refuses every other file.
func (x *xmlReader) document(namespace, message string) error {
	root, err := x.next()
	if errors.Is(err, io.EOF) {
		return errUnreadable("文件是空的")
	}
	if err != nil {
		return err
	}
	version, found := strings.CutPrefix(root.space, "urn:iso:std:iso:20022:tech:xsd:"+namespace)
	if root.name != "Document" || !found || len(version) != 2 || version < "02" || version > "13" {
		return errUnreadable("这不是 ISO 20022 %s（02 至 13 版）文件", strings.TrimSuffix(namespace, "."))
	}
	first, err := x.next()
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if first.name != message || first.end {
		return errUnreadable("文件中没有 %s", message)
	}
	return nil
}
