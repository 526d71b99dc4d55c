package api

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/csv"
	"hash/crc32"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
	"pgregory.net/rapid"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/origination"
)

func TestNoMoreListsAreReadAtOnceThanMemoryIsMeantFor(t *testing.T) {
	t.Parallel()
	s := &server{lists: make(chan struct{}, listsAtOnceMax)}
	leave := make([]func(), listsAtOnceMax)
	for i := range leave {
		var err error
		if leave[i], err = s.listPlace(t.Context()); err != nil {
			t.Fatalf("place %d: %v, want nil", i, err)
		}
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.listPlace(over); domain.CodeOf(err) != "busy" {
		t.Errorf("one more, until the request's time is over: %v, want busy", err)
	}
	leave[0]()
	if _, err := s.listPlace(t.Context()); err != nil {
		t.Errorf("after one has left: %v, want nil", err)
	}
}

func headerOf(contentType string) http.Header { return http.Header{"Content-Type": {contentType}} }

func TestTheEncodingIsFoundWhateverTheText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		// As lists are: Chinese titles, and below them names of which some are rare.
		name := rapid.SliceOfN(rapid.SampledFrom([]rune("王吉华𠮷䶮㐂·阿李联通")), 1, 40).Draw(t, "name")
		text := "姓名,身份证号码,村代码\n" + string(name) + ",x,y\n"
		encoded, err := simplifiedchinese.GB18030.NewEncoder().String(text)
		if err != nil {
			t.Fatal(err)
		}
		for body, want := range map[string]origination.TextEncoding{
			text: origination.EncodingUTF8, byteOrderMark + text: origination.EncodingUTF8, encoded: origination.EncodingGB18030,
		} {
			got, encoding, err := decodeText([]byte(body), "")
			if err != nil || got != text || encoding != want {
				t.Fatalf("decodeText(%q) = %q, %s, %v; want %q and %s", body, got, encoding, err, text, want)
			}
		}
	})
}

func TestADamagedTextIsNotReadAsOtherPeoplesNames(t *testing.T) {
	t.Parallel()
	// In GB18030 these bytes are characters too, and three of them names.
	damaged := []byte("name,id_number,village_code\n王吉华,1,2\n李梅,3,4\n赵强\xe4\xb8,5,6\n")
	if text, encoding, err := decodeText(damaged, ""); domain.CodeOf(err) != "recommended-encoding-unknown" || !strings.Contains(err.Error(), "第 4 行") {
		t.Errorf("decodeText = %q, %s, %v; want recommended-encoding-unknown with line 4", text, encoding, err)
	}
}

func TestCellsThatATableProgramWouldRunAreMadeInert(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", "王**": "王**", "****009X": "****009X", "1": "1", "已在名单 =1+1 第 2 行": "已在名单 =1+1 第 2 行",
		"=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t=1", "\r=1": "'\r=1", "\n=1": "'\n=1",
		" =1": "' =1", "　=1": "'　=1", "＝1": "'＝1", "＋1": "'＋1", "－1": "'－1", "＠a": "'＠a",
	} {
		if got := inertCell(text); got != want {
			t.Errorf("inertCell(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestLongNumbersAreWrittenAsATableProgramDoes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"371599198001010000": "3.71599E+17", "1234567890123456": "1.23456E+15", "123456789012345": "123456789012345",
		"3.7150319800101E+17": "3.7150319800101E+17", "0.30000000000000004": "0.30000000000000004", "": "",
	} {
		if got := scientific(text); got != want {
			t.Errorf("scientific(%q) = %q, want %q", text, got, want)
		}
	}
}

// A part may say that it is small and not be: what it says is what is read of it.
func TestAPartThatLiesAboutItsSizeIsRefused(t *testing.T) {
	t.Parallel()
	content := []byte(strings.Repeat("<a/>", 1_000_000))
	var packed, file bytes.Buffer
	deflated := zip.NewWriter(&packed)
	part, err := deflated.Create("x.xml")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write(content)
	if err := deflated.Close(); err != nil {
		t.Fatal(err)
	}
	honest, err := zip.NewReader(bytes.NewReader(packed.Bytes()), int64(packed.Len()))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := honest.File[0].OpenRaw()
	if err != nil {
		t.Fatal(err)
	}
	var bytesOf bytes.Buffer
	if _, err := bytesOf.ReadFrom(raw); err != nil {
		t.Fatal(err)
	}
	writer := zip.NewWriter(&file)
	liar, err := writer.CreateRaw(&zip.FileHeader{
		Name: "xl/workbook.xml", Method: zip.Deflate, CRC32: crc32.ChecksumIEEE(content),
		CompressedSize64: uint64(bytesOf.Len()), UncompressedSize64: 100,
	})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = liar.Write(bytesOf.Bytes())
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := readListFile(headerOf(mediaXLSX), file.Bytes()); domain.CodeOf(err) != "recommended-list-unreadable" {
		t.Errorf("readListFile = %v, want recommended-list-unreadable", err)
	}
}

// FuzzListCSV: whatever the bytes, the reader answers with rows that grow in number and have content, or with a refusal;
// and what it takes for CSV is what the standard library takes for it.
func FuzzListCSV(f *testing.F) {
	for _, seed := range []string{
		"姓名,身份证号码,村代码\n王吉华,37159919680503009X,371503901201\n", "\ufeff姓名,a\r\n\"x\ny\",\"\"\"\"\r\n\n,,\n", "a\rb", "\"", "=1+1",
		"\xd0\xd5\xc3\xfb,\xb4\xe5\n", "\x84\x31\x95\x33a", "\xff\xfe", "\x95\x36\xb9\x37,\xfe\x9f",
	} {
		f.Add([]byte(seed), "")
		f.Add([]byte(seed), "; charset=gb18030")
	}
	f.Fuzz(func(t *testing.T, body []byte, charset string) {
		if len(body) > 1<<16 {
			return
		}
		file, err := readListFile(headerOf(mediaCSV+charset), body)
		if err != nil {
			if code := domain.CodeOf(err); code == "" {
				t.Fatalf("readListFile(%q, %q): %v, want a refusal with a code", body, charset, err)
			}
			return
		}
		_, said, err := listMediaType(headerOf(mediaCSV + charset))
		if err != nil {
			t.Fatalf("listMediaType(%q) = %v, but the file was read", charset, err)
		}
		text, _, err := decodeText(body, said)
		if err != nil || !utf8.ValidString(text) {
			t.Fatalf("decodeText(%q) = %q, %v", body, text, err)
		}
		reader := csv.NewReader(strings.NewReader(text))
		reader.FieldsPerRecord = -1
		lines, err := reader.ReadAll()
		if err != nil && len(file.rows) < listRowsMax {
			t.Fatalf("readListFile(%q) took what is no CSV: %v", body, err)
		}
		filled := 0
		for _, line := range lines {
			if !borrower.IsBlankRow(line) {
				filled++
			}
		}
		if len(file.rows) != min(filled, listRowsMax) {
			t.Fatalf("readListFile(%q): %d rows, want %d", body, len(file.rows), filled)
		}
		last := 0
		for _, row := range file.rows {
			if row.Row <= last || borrower.IsBlankRow(row.Cells) {
				t.Fatalf("readListFile(%q): row %+v after row %d", body, row, last)
			}
			last = row.Row
		}
	})
}

// FuzzListXLSX: a damaged file is refused; it never ends the program, and the refusal has a code.
func FuzzListXLSX(f *testing.F) {
	const sheet = `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>姓名</t></is></c></row></sheetData></worksheet>`
	f.Add(sheet)
	f.Add(strings.Replace(sheet, `r="1"`, `r="1048577"`, 1))
	f.Add(strings.Replace(sheet, `r="A1" t="inlineStr"`, `t="s"`, 1))
	f.Add(strings.Replace(sheet, "</sheetData>", `<row r="1048576"><c r="A1048576"><v>1</v></c></row></sheetData>`, 1))
	f.Add(`<worksheet><sheetData><row><c><v>371599198001010000</v></c><c r="ZZZZ1"><v>1</v></c></row></sheetData></worksheet>`)
	f.Fuzz(func(t *testing.T, sheet string) {
		if len(sheet) > 1<<14 {
			return
		}
		var file bytes.Buffer
		writer := zip.NewWriter(&file)
		for _, part := range []struct{ name, content string }{
			{"[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>`},
			{"_rels/.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
			{"xl/workbook.xml", `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>`},
			{"xl/_rels/workbook.xml.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`},
			{"xl/worksheets/sheet1.xml", sheet},
		} {
			to, err := writer.Create(part.name)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = to.Write([]byte(part.content))
		}
		if err := writer.Close(); err != nil {
			t.Fatal(err)
		}
		read, err := readListFile(headerOf(mediaXLSX), file.Bytes())
		if err != nil && domain.CodeOf(err) == "" {
			t.Fatalf("sheet %q: %v, want a refusal with a code", sheet, err)
		}
		last := 0
		for _, row := range read.rows {
			if row.Row <= last {
				t.Fatalf("sheet %q: row %d after row %d", sheet, row.Row, last)
			}
			last = row.Row
		}
	})
}
