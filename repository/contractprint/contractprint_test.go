package contractprint_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/repository/contractprint"
)

// machineFont is the font that scripts/test.sh installs.
func machineFont(t testing.TB) *contractprint.Font {
	t.Helper()
	font, err := contractprint.LoadFont(os.Getenv("FUMIN_FONT_FILE"))
	if err != nil || font == nil {
		t.Fatalf("font %v, %v; apt-get install fonts-wqy-zenhei", font, err)
	}
	return font
}

func document(name string) loan.Document {
	rows := make([][]string, 120)
	for i := range rows {
		rows[i] = []string{"1", "2026-12-23", "99,500.00", "265.33"}
	}
	return loan.Document{
		Title: "齐鲁富民贷借款合同", ContractNo: "HT-2026-000001", SignedOn: "2026年11月23日", TextVersion: "sample-2026.1",
		Blocks: []loan.Block{
			{Heading: "第一条　当事人", Facts: []loan.Fact{{Label: "借款人", Text: name + strings.Repeat("，住所地山东省聊城市", 12)}}},
			{Heading: "第二条　还款计划", Clauses: []string{"下表精确到分。"}, Header: []string{"期", "还款日", "本金（元）", "利息（元）"}, Rows: rows},
		},
	}
}

func TestAContractPrintsTheSameBytesEachTime(t *testing.T) {
	t.Parallel()
	printer, other := contractprint.New(machineFont(t)), contractprint.New(machineFont(t))
	first, err := printer.PDF(document("王吉华"))
	if err != nil {
		t.Fatal(err)
	}
	second, err := other.PDF(document("王吉华"))
	if err != nil || !bytes.Equal(first, second) {
		t.Errorf("two prints of %d and %d bytes differ, %v", len(first), len(second), err)
	}
	if pages := bytes.Count(first, []byte("/Type /Page\n")); pages < 2 {
		t.Errorf("%d pages, want the 120 rows on several", pages)
	}
	if len(first) > 256<<10 {
		t.Errorf("%d bytes: the whole font is in it", len(first))
	}
	changed, err := printer.PDF(document("王吉花"))
	if err != nil || bytes.Equal(first, changed) {
		t.Errorf("another name prints the same, %v", err)
	}
}

func TestACharacterThatTheFontLacksIsRefusedByName(t *testing.T) {
	t.Parallel()
	printer := contractprint.New(machineFont(t))
	for character, code := range map[string]string{"𠮷": "U+20BB7", "𬎆": "U+2C386", "\uE000": "U+E000"} {
		_, err := printer.PDF(document("王" + character))
		if domain.CodeOf(err) != "glyph-missing" || !strings.Contains(err.Error(), code) {
			t.Errorf("%s: %v, want glyph-missing that names %s", character, err, code)
		}
	}
	for _, name := range []string{"䶮", "喆", "堃", "镕", "龘", "阿卜杜拉·买买提"} {
		if _, err := printer.PDF(document(name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWithoutAFontThePageIsPrintedAndThePDFSaysWhatToInstall(t *testing.T) {
	t.Parallel()
	printer := contractprint.New(nil)
	if _, err := printer.PDF(document("王吉华")); domain.CodeOf(err) != "font-missing" || !strings.Contains(err.Error(), "fonts-wqy-zenhei") {
		t.Errorf("%v, want font-missing that names the package", err)
	}
	page, err := printer.HTML(document(`<script>alert(1)</script>王吉华`))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(page, []byte("<script")) || !bytes.Contains(page, []byte("@page")) || !bytes.Contains(page, []byte("王吉华")) {
		t.Errorf("the page: %.300s", page)
	}
}

func TestWhatIsNoTrueTypeFontIsRefused(t *testing.T) {
	t.Parallel()
	for name, content := range map[string][]byte{
		"nothing": nil, "text": []byte("no font at all, but long enough to be looked at"), "a cut collection": []byte("ttcf\x00\x01\x00\x00\x00\x00\x00\x01\x00\x00\xff\xff"),
		"PostScript outlines": []byte("OTTO\x00\x01\x00\x00\x00\x00\x00\x00"),
	} {
		if font, err := contractprint.ParseFont(content); err == nil {
			t.Errorf("%s: %v", name, font)
		}
	}
	if _, err := contractprint.LoadFont(t.TempDir() + "/absent.ttf"); err == nil {
		t.Error("a named font that is not there is no error")
	}
}

func FuzzParseFont(f *testing.F) {
	f.Add([]byte("ttcf\x00\x01\x00\x00\x00\x00\x00\x01\x00\x00\x00\x10\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00cmap\x00\x00\x00\x00\x00\x00\x00\x2c\x00\x00\x00\x04"))
	f.Add([]byte("\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, content []byte) {
		font, err := contractprint.ParseFont(content)
		if err == nil && font == nil {
			t.Error("neither a font nor an error")
		}
	})
}
