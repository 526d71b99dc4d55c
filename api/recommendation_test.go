package api_test

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"

	"fumin/domain"
)

const (
	mediaCSV  = "text/csv"
	mediaXLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
)

func init() { //nolint:gochecknoinits // the contract's checker keeps its readers of bodies in a global
	// Files go through as they are: the checker's own reader of CSV takes a short row for an error.
	openapi3filter.RegisterBodyDecoder(mediaCSV, openapi3filter.FileBodyDecoder)
	openapi3filter.RegisterBodyDecoder(mediaXLSX, openapi3filter.FileBodyDecoder)
	for _, page := range []string{"image/svg+xml", "text/html", "application/vnd.apache.parquet"} {
		openapi3filter.RegisterBodyDecoder(page, openapi3filter.FileBodyDecoder)
	}
}

const listsPath = "/v1/recommended-lists"

// rareNames are those that are lost first: outside the basic plane, in the GB18030 of four bytes, with a middle dot.
var rareNames = []string{"王吉华", "王𠮷", "李䶮", "阿卜杜拉·买买提", "㐂儿"}

// listText is a list of people, one row for each name; the n-th has idNumber(from+n).
func listText(from int, names ...string) string {
	var text strings.Builder
	text.WriteString("序号,姓名,身份证号码,联系电话,村代码,备注\r\n")
	for i, name := range names {
		fmt.Fprintf(&text, "%d,%s,%s,,%s,养殖户\r\n", i+1, name, idNumber(from+i), village)
	}
	return text.String()
}

func gb18030(t *testing.T, text string) string {
	t.Helper()
	encoded, err := simplifiedchinese.GB18030.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// workbook makes an XLSX file of a text in CSV, every cell as text.
func workbook(t *testing.T, text string, change func(*excelize.File)) string {
	t.Helper()
	reader := csv.NewReader(strings.NewReader(text))
	reader.FieldsPerRecord = -1
	lines, err := reader.ReadAll()
	must(t, err)
	file := excelize.NewFile()
	for i, line := range lines {
		for j, cell := range line {
			name, err := excelize.CoordinatesToCellName(j+1, i+1)
			must(t, err)
			must(t, file.SetCellStr("Sheet1", name, cell))
		}
	}
	if change != nil {
		change(file)
	}
	content, err := file.WriteToBuffer()
	must(t, err)
	must(t, file.Close())
	return content.String()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// theList says which list it is.
var theList = url.Values{"list_no": {"茌乡振函〔2026〕18号"}, "issuer": {"茌平区乡村振兴局"}, "listed_on": {"2026-08-20"}}

func listQuery(change url.Values) string {
	query := maps.Clone(theList)
	maps.Copy(query, change)
	return listsPath + "?" + query.Encode()
}

type recommendedListJSON struct {
	ID           domain.ID `json:"id"`
	BranchID     domain.ID `json:"branch_id"`
	ListNo       string    `json:"list_no"`
	ListedOn     string    `json:"listed_on"`
	ValidUntil   *string   `json:"valid_until"`
	Format       string    `json:"format"`
	Encoding     string    `json:"encoding"`
	Rows         int       `json:"rows"`
	Accepted     int       `json:"accepted"`
	AlreadyKnown int       `json:"already_known"`
	Refused      int       `json:"refused"`
	Result       string    `json:"result"`
}

// counts are accepted, already known and refused.
func (l recommendedListJSON) counts() [3]int { return [3]int{l.Accepted, l.AlreadyKnown, l.Refused} }

// sendList posts a file under a fresh key.
func sendList(c *client, path, contentType, file string) answer {
	c.t.Helper()
	return c.with("Idempotency-Key", uuid.NewString()).with("Content-Type", contentType).post(path, file)
}

func imported(c *client, path, contentType, file string) (l recommendedListJSON) {
	c.t.Helper()
	sendList(c, path, contentType, file).want(http.StatusCreated).into(&l)
	return l
}

// result reads the row-by-row result, without its titles.
func result(c *client, l recommendedListJSON) [][]string {
	c.t.Helper()
	got := c.get(l.Result).want(http.StatusOK)
	text, marked := strings.CutPrefix(string(got.body), "\ufeff")
	if contentType := got.header.Get("Content-Type"); !marked || contentType != "text/csv; charset=utf-8" {
		c.t.Errorf("the result is %q and has a byte-order mark: %t", contentType, marked)
	}
	lines, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	must(c.t, err)
	if want := []string{"行号", "姓名或名称", "证件号码", "村代码", "处理结果", "说明"}; !slices.Equal(lines[0], want) {
		c.t.Errorf("titles %q, want %q", lines[0], want)
	}
	return lines[1:]
}

// wantNothing fails the test when something of a refused file is in the database.
func (r *register) wantNothing(what string) {
	r.t.Helper()
	for _, table := range []string{"recommended_lists", "recommended_entries", "idempotency_keys"} {
		if n := r.count("SELECT COUNT(*) FROM " + table); n != 0 {
			r.t.Errorf("%s left %d rows in %s, want none", what, n, table)
		}
	}
}

func TestAListIsReadInEveryFormInWhichVillagesSendIt(t *testing.T) {
	t.Parallel()
	text := listText(1, rareNames...)
	for name, c := range map[string]struct{ contentType, file, format, encoding string }{
		"UTF-8":                       {mediaCSV, text, "csv", "utf-8"},
		"UTF-8 with a mark":           {mediaCSV, "\ufeff" + text, "csv", "utf-8"},
		"UTF-8, as said":              {mediaCSV + "; charset=UTF-8", text, "csv", "utf-8"},
		"GB18030":                     {mediaCSV, gb18030(t, text), "csv", "gb18030"},
		"GB18030, as said":            {mediaCSV + "; charset=gb18030", gb18030(t, text), "csv", "gb18030"},
		"called GBK":                  {mediaCSV + "; charset=GBK", gb18030(t, text), "csv", "gb18030"},
		"line ends of other machines": {mediaCSV, strings.ReplaceAll(text, "\r\n", "\n"), "csv", "utf-8"},
		"XLSX":                        {mediaXLSX, workbook(t, text, nil), "xlsx", "utf-8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRegister(t)
			c2 := r.officer()
			answered := sendList(c2, listQuery(nil), c.contentType, c.file).want(http.StatusCreated)
			var l recommendedListJSON
			answered.into(&l)
			if l.counts() != [3]int{5, 0, 0} || l.Rows != 5 || l.Format != c.format || l.Encoding != c.encoding || l.BranchID != branchA {
				t.Errorf("imported: %s", answered.body)
			}
			if got, want := answered.header.Get("Location"), listsPath+"/"+l.ID.String(); got != want {
				t.Errorf("Location = %q, want %q", got, want)
			}
			for i, name := range rareNames {
				if n := r.count("SELECT COUNT(*) FROM recommended_entries WHERE list_id = ? AND row_no = ? AND name = ?", l.ID, i+2, name); n != 1 {
					t.Errorf("row %d is not stored as %s", i+2, name)
				}
			}
			for i, line := range result(c2, l) {
				want := []string{fmt.Sprint(i + 2), string([]rune(rareNames[i])[:1]) + "**", "****" + idNumber(1 + i)[14:], village, "已接收", ""}
				if diff := cmp.Diff(want, line); diff != "" {
					t.Errorf("result of row %d (-want +got):\n%s", i+2, diff)
				}
			}
			wantMasked(t, c2.get(l.Result), 1)
		})
	}
}

// outcomes are the lines of a result as "row outcome reason".
func outcomes(lines [][]string) (texts []string) {
	for _, line := range lines {
		texts = append(texts, strings.TrimSpace(line[0]+" "+line[4]+" "+line[5]))
	}
	return texts
}

const nameRefused = "姓名：名称含有不允许的字符，请按证件上的汉字（或拉丁字母）填写"

func TestRowsHaveTheNumbersThatATableProgramShows(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	text := "2026年推荐名单,,\n\n姓名,身份证号码,村代码,备注\n" + // rows 1 to 3, of which 2 is empty
		"王吉华," + idNumber(1) + "," + village + ",\"种粮\n大户\n二十亩\"\n" +
		"\n,,,\n" +
		"王2," + idNumber(2) + "," + village + "\n" +
		"\"李\"\"秀\",x," + village
	got := outcomes(result(r.officer(), imported(r.officer(), listQuery(nil), mediaCSV, text)))
	want := []string{
		"4 已接收", "7 未接收 " + nameRefused, "8 未接收 " + nameRefused + "；身份证号码：身份证号码应为 18 位，请对照证件逐位核对",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("result of a CSV file (-want +got):\n%s", diff)
	}

	sheet := workbook(t, listText(10, "王吉华", "王2"), func(f *excelize.File) { must(t, f.InsertRows("Sheet1", 2, 3)) })
	got = outcomes(result(r.officer(), imported(r.officer(), listQuery(nil), mediaXLSX, sheet)))
	if diff := cmp.Diff([]string{"5 已接收", "6 未接收 " + nameRefused}, got); diff != "" {
		t.Errorf("result of an XLSX file (-want +got):\n%s", diff)
	}
}

// A refused row does not stop the others; a duplicate counts once.
func TestEveryRowIsJudgedForItself(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	c := r.officer()
	file := "姓名,身份证号码,村代码,类型\n" +
		"王吉华," + idNumber(1) + "," + village + "\n" +
		"\"=HYPERLINK(\"\"http://x\"\")\",@SUM(1)," + village + "\n" +
		"王吉华,'" + strings.ToLower(idNumber(1)) + "," + village + "\n" +
		"一诺苗木合作社（清平）,93371599MA0000003E,371526901201,合作社\n" +
		"李梅,3.71599E+17," + village + "\n" +
		"李梅," + idNumber(2) + "," + village + "\n"
	l := imported(c, listQuery(nil), mediaCSV, file)
	want := []string{
		"2 已接收",
		"3 未接收 " + nameRefused + "；身份证号码：身份证号码前 17 位应为数字，末位为数字或 X",
		"4 已在册 与本文件第 2 行重复",
		"5 已接收",
		"6 未接收 身份证号码：号码已被表格软件改成科学计数法，请把该列设为“文本”后重新录入完整号码",
		"7 已接收",
	}
	if diff := cmp.Diff(want, outcomes(result(c, l))); diff != "" || l.counts() != [3]int{3, 1, 2} {
		t.Errorf("counts %v; result (-want +got):\n%s", l.counts(), diff)
	}
	// Nothing is kept of a refused row, and of the others the number only where the key opens it.
	if n := r.count("SELECT COUNT(*) FROM recommended_entries WHERE outcome = 'refused' AND (name <> '' OR number_cipher <> '' OR number_index IS NOT NULL OR village_code <> '')"); n != 0 {
		t.Errorf("%d refused rows keep something", n)
	}
	if n := r.count("SELECT COUNT(*) FROM recommended_entries WHERE LOCATE(?, number_cipher) > 0 OR LOCATE(?, reason) > 0", idNumber(1), idNumber(1)); n != 0 {
		t.Errorf("%d rows show the number", n)
	}

	// The next list knows whom the branch has on one that holds on its first day, and not whom it had or will have.
	next := imported(c, listQuery(url.Values{"list_no": {"第二份"}, "listed_on": {"2026-08-22"}}), mediaCSV, listText(1, "王吉华", "李梅", "赵强"))
	want = []string{"2 已在册 已在名单 茌乡振函〔2026〕18号 第 2 行", "3 已在册 已在名单 茌乡振函〔2026〕18号 第 7 行", "4 已接收"}
	if diff := cmp.Diff(want, outcomes(result(c, next))); diff != "" {
		t.Errorf("the next list (-want +got):\n%s", diff)
	}
	before := imported(c, listQuery(url.Values{"listed_on": {"2026-08-19"}, "valid_until": {"2026-08-19"}}), mediaCSV, listText(1, "王吉华"))
	after := imported(c, listQuery(url.Values{"listed_on": {"2026-08-19"}}), mediaCSV, listText(1, "王吉华")+"\n")
	if before.counts() != [3]int{1, 0, 0} || after.counts() != [3]int{0, 1, 0} || before.ValidUntil == nil || *before.ValidUntil != "2026-08-19" {
		t.Errorf("before any list: %+v; on the day of one: %+v", before, after)
	}
}

func TestFormulasAreNeverRunAndLongNumbersOfATableProgramNeverBelieved(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	// The number of somebody of whom a table program keeps fifteen digits and three zeros, the check digit among them.
	zeros := ""
	for n := 0; zeros == ""; n++ {
		day := time.Date(1950, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n).Format("20060102")
		if number := completed("3715" + "99" + day + "000"); strings.HasSuffix(number, "000") {
			zeros = number
		}
	}
	set := func(f *excelize.File, cell string, value any) { must(t, f.SetCellValue("Sheet1", cell, value)) }
	file := workbook(t, listText(1, "王吉华", "李梅", "赵强", "孙丽", "周杰"), func(f *excelize.File) {
		set(f, "C3", 371599198001010016)
		must(t, f.SetCellDefault("Sheet1", "C4", zeros))
		must(t, f.SetCellStr("Sheet1", "C5", zeros))
		set(f, "E6", 371503901201) // twelve digits are exact
	})
	shared := regexp.MustCompile(`<c r="B2" t="s"><v>[0-9]+</v></c>`)
	file = rewritten(t, file, "xl/worksheets/sheet1.xml", func(xml string) string { // nobody ever looked at what B2 is
		return shared.ReplaceAllString(xml, `<c r="B2"><f>CONCATENATE("王","吉华")</f></c>`)
	})
	got := outcomes(result(r.officer(), imported(r.officer(), listQuery(nil), mediaXLSX, file)))
	const lost = "身份证号码：号码已被表格软件改成科学计数法，请把该列设为“文本”后重新录入完整号码"
	want := []string{"2 未接收 姓名：必填项，请填写", "3 未接收 " + lost, "4 未接收 " + lost, "5 已接收", "6 已接收"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
	// A formula counts as what was last seen in it.
	seen := rewritten(t, workbook(t, listText(10, "王吉华"), nil), "xl/worksheets/sheet1.xml", func(xml string) string {
		return strings.Replace(xml, `<c r="B2" t="s"><v>`, `<c r="B2" t="s"><f>CONCATENATE("王","吉华")</f><v>`, 1)
	})
	if l := imported(r.officer(), listQuery(nil), mediaXLSX, seen); l.counts() != [3]int{1, 0, 0} {
		t.Errorf("a formula with its value: %+v, want it accepted", l)
	}
}

// completed adds the check digit to 17 digits.
func completed(body string) string {
	sum := 0
	for i, weight := range []int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2} {
		sum += weight * int(body[i]-'0')
	}
	return body + string("10X98765432"[sum%11])
}

// rewritten changes one part of an XLSX file.
func rewritten(t *testing.T, file, part string, change func(string) string) string {
	t.Helper()
	reader, err := zip.NewReader(strings.NewReader(file), int64(len(file)))
	must(t, err)
	var out bytes.Buffer
	writer := zip.NewWriter(&out)
	found := false
	for _, entry := range reader.File {
		content, err := entry.Open()
		must(t, err)
		var text bytes.Buffer
		_, err = text.ReadFrom(content)
		must(t, err)
		must(t, content.Close())
		to, err := writer.Create(entry.Name)
		must(t, err)
		changed := text.String()
		if entry.Name == part {
			changed = change(changed)
			found = changed != text.String()
		}
		_, err = to.Write([]byte(changed))
		must(t, err)
	}
	if !found {
		to, err := writer.Create(part)
		must(t, err)
		_, err = to.Write([]byte(change("")))
		must(t, err)
	}
	must(t, writer.Close())
	return out.String()
}

func TestAFileThatCannotBeReadImportsNothing(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	good := listText(1, rareNames...)
	book := workbook(t, good, nil)
	rows := func(n int) string {
		return "姓名,身份证号码,村代码\n" + strings.Repeat("a,b,c\n", n)
	}
	const sheet1 = "xl/worksheets/sheet1.xml"
	for name, c := range map[string]struct {
		contentType, file string
		status            int
		code              string
	}{
		"no titles":              {mediaCSV, "王吉华," + idNumber(1) + "," + village, 400, "recommended-columns-missing"},
		"titles are missing":     {mediaCSV, "姓名,身份证号码\n王吉华," + idNumber(1), 400, "recommended-columns-missing"},
		"a title twice":          {mediaCSV, "姓名,名称,身份证号码,村代码\n", 400, "recommended-column-twice"},
		"51 columns":             {mediaCSV, "姓名,身份证号码,村代码" + strings.Repeat(",x", 48) + "\n", 400, "recommended-too-wide"},
		"nothing below":          {mediaCSV, "姓名,身份证号码,村代码\n,,\n\n", 400, "recommended-list-empty"},
		"only a heading":         {mediaCSV, "推荐名单\n", 400, "recommended-list-empty"},
		"nothing at all":         {mediaCSV, "", 400, "recommended-list-unreadable"},
		"50,001 rows":            {mediaCSV, rows(50_001), 400, "recommended-list-too-long"},
		"200,000 rows":           {mediaCSV, rows(200_000), 400, "recommended-list-too-long"},
		"a quote that stays":     {mediaCSV, good + "王,\"x,y\n", 400, "recommended-list-unreadable"},
		"a quote inside":         {mediaCSV, good + "王\"吉,x,y\n", 400, "recommended-list-unreadable"},
		"UTF-16":                 {mediaCSV, "\xff\xfe\x59\x00\x0d\x00\x0a\x00", 400, "recommended-encoding-unknown"},
		"UTF-16 in ASCII":        {mediaCSV, "n\x00a\x00", 400, "recommended-list-unreadable"},
		"half in GB18030":        {mediaCSV, good + gb18030(t, "赵强,x,y\n"), 400, "recommended-encoding-unknown"},
		"GB18030, called UTF-8":  {mediaCSV + "; charset=utf-8", gb18030(t, good), 400, "recommended-encoding-unknown"},
		"a character cut off":    {mediaCSV, gb18030(t, good) + "\xd0", 400, "recommended-encoding-unknown"},
		"CSV as XLSX":            {mediaXLSX, good, 400, "recommended-list-unreadable"},
		"XLSX as CSV":            {mediaCSV, book, 400, "recommended-list-unreadable"},
		"an old table":           {mediaXLSX, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + strings.Repeat("x", 600), 400, "recommended-list-unreadable"},
		"XLSX that breaks off":   {mediaXLSX, book[:len(book)-100], 400, "recommended-list-unreadable"},
		"no XLSX, but a ZIP":     {mediaXLSX, rewritten(t, book[:0]+emptyZip(t), "x.txt", func(string) string { return "x" }), 400, "recommended-list-unreadable"},
		"a part that breaks off": {mediaXLSX, rewritten(t, book, sheet1, func(xml string) string { return xml[:len(xml)*3/4] }), 400, "recommended-list-unreadable"},
		"cells out of order": {mediaXLSX, rewritten(t, book, sheet1, func(xml string) string {
			return strings.Replace(xml, `<c r="A2"`, `<c r="Z2"`, 1)
		}), 400, "recommended-list-unreadable"},
		"rows out of order": {mediaXLSX, rewritten(t, book, sheet1, func(xml string) string {
			return strings.ReplaceAll(xml, `<row r="2"`, `<row r="9"`)
		}), 400, "recommended-list-unreadable"},
		"two sheets": {mediaXLSX, workbook(t, good, func(f *excelize.File) {
			_, err := f.NewSheet("Sheet2")
			must(t, err)
			must(t, f.SetCellStr("Sheet2", "C3", "赵强"))
			must(t, f.SetSheetVisible("Sheet2", false))
		}), 400, "recommended-sheets"},
		"a bomb": {mediaXLSX, rewritten(t, book, "xl/media/image1.png", func(string) string { return strings.Repeat("\x00", 49<<20) }), 413, "body-too-large"},
		"a bomb of elements": {mediaXLSX, rewritten(t, book, "xl/comments1.xml", func(string) string {
			return "<x>" + strings.Repeat("<a/>", 3_500_001) + "</x>"
		}), 413, "body-too-large"},
		"more rows than there are": {mediaXLSX, rewritten(t, book, sheet1, func(xml string) string {
			return strings.Replace(xml, "</sheetData>", `<row r="1048577"/></sheetData>`, 1)
		}), 400, "recommended-list-unreadable"},
		"a bomb of cells": {mediaXLSX, rewritten(t, book, sheet1, func(xml string) string {
			var wide strings.Builder // a cell with a space in the last column of each row
			for row := 100; row < 400; row++ {
				fmt.Fprintf(&wide, `<row r="%d"><c r="XFD%d" t="str"><v>&#32;</v></c></row>`, row, row)
			}
			return strings.Replace(xml, "</sheetData>", wide.String()+"</sheetData>", 1)
		}), 413, "body-too-large"},
		"more than 12 MiB": {mediaCSV, good + strings.Repeat("\n", 12<<20), 413, "body-too-large"},
		"JSON":             {"application/json", "{}", 415, "unsupported-media-type"},
		"another charset":  {mediaCSV + "; charset=big5", good, 415, "unsupported-media-type"},
	} {
		var p problem
		got := sendList(r.officer().bad(), listQuery(nil), c.contentType, c.file)
		if got.into(&p); got.status != c.status || p.Code != c.code {
			t.Errorf("%s: %d %s (%s), want %d %s", name, got.status, p.Code, p.Detail, c.status, c.code)
		}
	}
	r.wantNothing("what cannot be read")
}

func emptyZip(t *testing.T) string {
	t.Helper()
	var out bytes.Buffer
	writer := zip.NewWriter(&out)
	_, err := writer.Create("x.txt")
	must(t, err)
	must(t, writer.Close())
	return out.String()
}

func TestAListOfFullLengthIsImportedAtOnce(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	rows := func(from, to int) string {
		var text strings.Builder
		text.WriteString("姓名,身份证号码,村代码\n")
		for n := from; n < to; n++ {
			day := time.Date(1940, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n%20_000)
			fmt.Fprintf(&text, "王吉华,%s,%s\n", completed(fmt.Sprintf("371599%s%03d", day.Format("20060102"), n/20_000)), village)
		}
		return text.String()
	}
	start := time.Now()
	l := imported(r.officer(), listQuery(nil), mediaCSV, rows(0, 50_000))
	t.Logf("50,000 rows in %v", time.Since(start))
	if l.counts() != [3]int{50_000, 0, 0} || len(result(r.officer(), l)) != 50_000 {
		t.Errorf("imported: %+v", l)
	}
	// And all of them are found when the next list has them.
	again := imported(r.officer(), listQuery(nil), mediaXLSX, workbook(t, rows(45_000, 50_000), nil))
	if again.counts() != [3]int{0, 5_000, 0} {
		t.Errorf("again, as XLSX: %+v", again)
	}
}

func TestTheSameFileTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	c := r.officer()
	text := listText(1, rareNames...)
	first := imported(c, listQuery(nil), mediaCSV, text)
	var again recommendedListJSON
	// Even when it is called something else, and sent by somebody else of the branch.
	sendList(c, listQuery(url.Values{"list_no": {"另一份"}, "listed_on": {"2026-01-01"}}), mediaCSV, text).want(http.StatusOK).into(&again)
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("the same file again (-first +again):\n%s", diff)
	}
	sendList(r.as(domain.RoleAdmin, branchA), listQuery(nil), mediaCSV, text).want(http.StatusOK).into(&again)
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("the same file from another (-first +again):\n%s", diff)
	}
	if lists, entries := r.count("SELECT COUNT(*) FROM recommended_lists"), r.count("SELECT COUNT(*) FROM recommended_entries"); lists != 1 || entries != 5 {
		t.Errorf("%d lists with %d entries, want 1 with 5", lists, entries)
	}
	// The same key is the same request, and no other; which list it is belongs to the request.
	keyed := c.with("Idempotency-Key", "list-1").with("Content-Type", mediaCSV)
	keyed.post(listQuery(nil), text+"\n").want(http.StatusCreated)
	replay := keyed.post(listQuery(nil), text+"\n").want(http.StatusCreated)
	if replay.header.Get("Idempotency-Replayed") != "true" {
		t.Error("a replay does not say so")
	}
	keyed.post(listQuery(url.Values{"list_no": {"另一份"}}), text+"\n").wantProblem(http.StatusUnprocessableEntity, "idempotency-key-reused")
	keyed.post(listQuery(nil), text+"\n\n").wantProblem(http.StatusUnprocessableEntity, "idempotency-key-reused")
}

func TestTwentyImportsOfOneFileAtOnceAreOne(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	text := listText(1, rareNames...)
	got := atOnce(20, func(int) int { return sendList(r.officer(), listQuery(nil), mediaCSV, text).status })
	if want := append(times(19, 200), 201); !slices.Equal(got, want) {
		t.Errorf("twenty imports: %v, want nineteen 200 and one 201", got)
	}
	if lists, entries := r.count("SELECT COUNT(*) FROM recommended_lists"), r.count("SELECT COUNT(*) FROM recommended_entries"); lists != 1 || entries != 5 {
		t.Errorf("%d lists with %d entries, want 1 with 5", lists, entries)
	}
	one := r.officer().with("Idempotency-Key", "tablet-7").with("Content-Type", mediaCSV)
	got = atOnce(20, func(int) int { return one.post(listQuery(nil), text+"\n").status })
	if !slices.Equal(got, times(20, 201)) || r.count("SELECT COUNT(*) FROM recommended_lists") != 2 {
		t.Errorf("twenty imports with one key: %v, want twenty 201 and one list more", got)
	}
}

func TestAnotherBranchSeesNothingOfAList(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	text := listText(1, rareNames...)
	l := imported(r.officer(), listQuery(nil), mediaCSV, text)
	unknown := "/" + newID().String()
	for who, c := range map[string]*client{
		"an officer of another branch": r.as(domain.RoleLoanOfficer, branchB),
		"an admin of another branch":   r.as(domain.RoleAdmin, branchB),
		"a borrower":                   r.asBorrower(newID()),
	} {
		for _, path := range []string{"/" + l.ID.String(), "/" + l.ID.String() + "/result", unknown, unknown + "/result"} {
			c.get(listsPath+path).wantProblem(http.StatusNotFound, "recommended-list-not-found")
		}
		var page struct{ Items []recommendedListJSON }
		if c.get(listsPath).want(http.StatusOK).into(&page); len(page.Items) != 0 {
			t.Errorf("%s sees %+v", who, page.Items)
		}
	}
	for _, c := range []*client{r.officer(), r.as(domain.RoleAuditor, branchA), r.as(domain.RoleAdmin, headOffice)} {
		var seen recommendedListJSON
		c.get(listsPath + "/" + l.ID.String()).want(http.StatusOK).into(&seen)
		if diff := cmp.Diff(l, seen); diff != "" {
			t.Errorf("read (-imported +read):\n%s", diff)
		}
	}
	// The same file is another branch's first, and nobody on it is known there.
	if other := imported(r.as(domain.RoleLoanOfficer, branchB), listQuery(nil), mediaCSV, text); other.counts() != [3]int{5, 0, 0} || other.ID == l.ID {
		t.Errorf("imported at another branch: %+v", other)
	}
}

func TestListsAreReadPageByPage(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	var want []domain.ID
	for n := range 5 {
		want = append(want, imported(r.officer(), listQuery(nil), mediaCSV, listText(n, "王吉华")).ID)
	}
	slices.Reverse(want)
	for who, c := range map[string]*client{"the branch": r.officer(), "the head office": r.as(domain.RoleAuditor, headOffice)} {
		var got []domain.ID
		for path := listsPath + "?limit=2"; path != ""; {
			var page struct {
				Items []recommendedListJSON
				Next  *string
			}
			c.get(path).want(http.StatusOK).into(&page)
			for _, l := range page.Items {
				got = append(got, l.ID)
			}
			path = ""
			if page.Next != nil && len(got) < 10 {
				path = *page.Next
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", who, got, want)
		}
	}
	r.officer().bad().get(listsPath+"?colour=red").wantProblem(http.StatusBadRequest, "unknown-parameter")
}

func TestWhoMayImportAndWhatMustBeSaid(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	text := listText(1, "王吉华")
	for _, role := range []domain.Role{domain.RoleApprover, domain.RoleDisbursementOfficer, domain.RoleAuditor} {
		sendList(r.as(role, branchA), listQuery(nil), mediaCSV, text).wantProblem(http.StatusForbidden, "role-not-allowed")
	}
	sendList(r.asBorrower(newID()), listQuery(nil), mediaCSV, text).wantProblem(http.StatusForbidden, "role-not-allowed")
	for name, c := range map[string]struct {
		change url.Values
		fields string
	}{
		"nothing":       {url.Values{"list_no": {}, "issuer": {}, "listed_on": {}}, "?issuer required,?list_no required,?listed_on required"},
		"no such day":   {url.Values{"listed_on": {"2026-02-30"}}, "?listed_on invalid-date"},
		"in two years":  {url.Values{"listed_on": {"2028-08-20"}}, "?listed_on out-of-range"},
		"ends before":   {url.Values{"valid_until": {"2026-08-19"}}, "?valid_until date-order"},
		"long names":    {url.Values{"list_no": {strings.Repeat("号", 65)}, "issuer": {strings.Repeat("局", 101)}}, "?issuer too-long,?list_no too-long"},
		"a hidden mark": {url.Values{"list_no": {"\u202e"}}, "?list_no control-characters"},
	} {
		p := sendList(r.officer().bad(), listQuery(c.change), mediaCSV, text).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
		if got := strings.Join(p.fields(), ","); got != c.fields {
			t.Errorf("%s: fields %s, want %s", name, got, c.fields)
		}
	}
	sendList(r.officer().bad(), listQuery(url.Values{"colour": {"red"}}), mediaCSV, text).wantProblem(http.StatusBadRequest, "unknown-parameter")
	r.officer().bad().with("Content-Type", mediaCSV).post(listQuery(nil), text).wantProblem(http.StatusBadRequest, "idempotency-key-required")
	r.wantNothing("what was refused")
}

// Who is on a list need not be confirmed by the bureau a second time.
func TestAListConfirmsWhoAppliesFromItsFirstDayOn(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	officer := r.officer()
	submitted := func(n int) string {
		t.Helper()
		var a applicationJSON
		body := newApplication(r.farmer(officer, n).ID).but(fields{"bureau_confirmation_no": nil})
		createAt(officer, "/v1/applications", body).want(http.StatusCreated).into(&a)
		officer.post(pathOf(a.ID, "/submit"), "").want(http.StatusOK).into(&a)
		return a.Status
	}
	imported(officer, listQuery(nil), mediaCSV, listText(1, "王吉华"))
	imported(r.as(domain.RoleAdmin, branchB), listQuery(url.Values{"valid_until": {"2026-08-23"}}), mediaCSV, listText(2, "王吉华"))
	imported(officer, listQuery(url.Values{"valid_until": {"2026-08-22"}}), mediaCSV, listText(3, "王吉华"))
	imported(officer, listQuery(url.Values{"listed_on": {"2026-08-24"}}), mediaCSV, listText(4, "王吉华"))
	for n, want := range map[int]string{
		1: "approved",  // on a list
		2: "approved",  // on one of another branch, on its last day
		3: "reviewing", // on one that has ended
		4: "reviewing", // on one that has not begun
		5: "reviewing", // on none: the bureau may still confirm
	} {
		if got := submitted(n); got != want {
			t.Errorf("farmer %d: %s, want %s", n, got, want)
		}
	}
}
