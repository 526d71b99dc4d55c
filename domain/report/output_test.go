package report_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"
	"pgregory.net/rapid"

	"fumin/domain"
	"fumin/domain/money"
	"fumin/domain/report"
)

var today = domain.MustParseDate("2026-08-23")

func ledger(t testing.TB) report.Definition {
	t.Helper()
	d, known := report.ByCode(report.DisbursementLedger)
	if !known {
		t.Fatal("no disbursement ledger")
	}
	return d
}

func ledgerHead(t testing.TB, charset report.Charset) report.Head {
	t.Helper()
	return report.Head{Definition: ledger(t), BranchName: "聊城分行", Charset: charset, Query: report.Query{
		Report: report.DisbursementLedger, From: domain.MustParseDate("2026-08-01"), To: today, AsOf: today,
	}}
}

// paid is a row of the disbursement ledger.
func paid(branch, payee, amount string) report.Row {
	return report.Row{Cells: []string{
		branch, "茌平支行", "LA-2026-000001", "QLFMD", "371503901201", "王**", "0191a2b3-0000-7000-8000-000000000001",
		"2026-08-22 16:30:00", payee, "6789", "self", "CH-1", amount,
	}}
}

func write(t testing.TB, format report.Format, head report.Head, rows ...report.Row) ([]byte, report.Summary) {
	t.Helper()
	var file bytes.Buffer
	o, err := report.NewOutput(&file, format, head)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if err := o.Row(r); err != nil {
			t.Fatal(err)
		}
	}
	summary, err := o.Close()
	if err != nil {
		t.Fatal(err)
	}
	return file.Bytes(), summary
}

func readCSV(t testing.TB, content []byte) [][]string {
	t.Helper()
	text, marked := strings.CutPrefix(string(content), "\ufeff")
	if !marked {
		t.Fatal("no byte order mark: Excel would show garbage")
	}
	r := csv.NewReader(strings.NewReader(text))
	records, err := r.ReadAll()
	if err != nil {
		t.Fatalf("the file is not CSV: %v\n%s", err, content)
	}
	return records
}

var awkwardNames = []string{
	"王吉华", `聊城"联兴"合作社`, "甲,乙合伙", "两行\n名称", "𠮷野䶮", "🌾家庭农场", "　全角空格　", "a\tb", "尾随空格 ", "'引号开头",
}

func TestTheTotalsOfACSVFileAreTheSumOfItsRows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		amounts := rapid.SliceOf(rapid.Int64Range(-1_000_000_000, 99_999_999_999_99)).Draw(rt, "fen")
		branches := []string{"371503", "371522", "371526"}
		var rows []report.Row
		want := map[string]money.Amount{}
		for i, fen := range amounts {
			branch := branches[i%len(branches)]
			rows = append(rows, paid(branch, "王吉华", money.Fen(fen).String()))
			want[branch] = want[branch].Add(money.Fen(fen))
		}
		content, summary := write(t, report.FormatCSV, ledgerHead(t, report.CharsetUTF8), rows...)

		records := readCSV(t, content)
		sums, all := map[string]money.Amount{}, money.Amount{}
		for _, record := range records[1 : 1+len(rows)] {
			amount := money.MustParseAmount(strings.TrimPrefix(record[len(record)-1], ""))
			sums[record[0]], all = sums[record[0]].Add(amount), all.Add(amount)
		}
		for _, record := range records[1+len(rows):] {
			stated := money.MustParseAmount(record[len(record)-1])
			if record[0] == report.TotalMark {
				if !stated.Equal(all) {
					rt.Fatalf("the total says %s, the rows %s", stated, all)
				}
				continue
			}
			branch := strings.Fields(record[0])[1]
			if !stated.Equal(sums[branch]) || !stated.Equal(want[branch]) {
				rt.Fatalf("the subtotal of %s says %s, the rows %s", branch, stated, sums[branch])
			}
			delete(want, branch)
		}
		if len(want) > 0 && len(rows) > 0 {
			rt.Fatalf("no subtotals for %v", want)
		}
		if summary.Rows != int64(len(rows)) {
			rt.Fatalf("%d rows in the summary, %d written", summary.Rows, len(rows))
		}
	})
}

// cellFor is a cell that a column of a type can hold.
func cellFor(c report.Column, n int) string {
	switch c.Type {
	case report.TypeAmount:
		return money.Fen(int64(n)*1_234_567 + 89).String()
	case report.TypeInteger:
		return strconv.Itoa(n)
	case report.TypeText, report.TypeCode, report.TypeDecimal, report.TypeDate, report.TypeInstant, report.TypeFlag:
	}
	return ""
}

func TestEverySelectionOfColumnsKeepsItsTotals(t *testing.T) {
	t.Parallel()
	for _, d := range report.All() {
		selections := [][]string{nil}
		var totalled []string
		for _, c := range d.Columns {
			selections = append(selections, []string{c.Code})
			if c.Total {
				totalled = append(totalled, c.Code)
			}
		}
		if len(totalled) > 0 {
			selections = append(selections, totalled, []string{totalled[0], "branch_code"})
		}
		var rows []report.Row
		for n := range 6 {
			cells := []string{[]string{"371503", "371522"}[n%2], "茌平支行"}
			for _, c := range d.Columns[2:] {
				cells = append(cells, cellFor(c, n))
			}
			rows = append(rows, report.Row{Cells: cells})
		}
		for _, selection := range selections {
			head := report.Head{Definition: d, Query: report.Query{Report: d.Code, AsOf: today, Columns: selection}, Charset: report.CharsetUTF8}
			content, summary := write(t, report.FormatCSV, head, rows...)
			wantTotals(t, head, readCSV(t, content), rows)
			if _, other := write(t, report.FormatParquet, head, rows...); other.CSVBodySHA256 != summary.CSVBodySHA256 {
				t.Errorf("%s %q: the body has the hash %s as Parquet, and %s as CSV", d.Code, selection, other.CSVBodySHA256, summary.CSVBodySHA256)
			}
		}
	}
}

// wantTotals adds up the rows of a file and compares with the lines after them: two branches, and all.
func wantTotals(t *testing.T, head report.Head, records [][]string, rows []report.Row) {
	t.Helper()
	what := fmt.Sprintf("%s %q", head.Definition.Code, head.Query.Columns)
	if len(records) != 1+len(rows)+3 {
		t.Fatalf("%s: %d lines, want a heading, %d rows, two subtotals and a total:\n%q", what, len(records), len(rows), records)
	}
	columns, _ := head.Query.Selection(head.Definition)
	first := len(records[0]) - len(columns) // a column of the mark's own, where there is one
	for i, line := range records[1+len(rows):] {
		mark := []string{"小计 371503 茌平支行", "小计 371522 茌平支行", "合计"}[i]
		if !slices.Contains(line, mark) {
			t.Errorf("%s: the line %q is not marked %q", what, line, mark)
		}
		for place, c := range columns {
			if !c.Total {
				continue
			}
			sum := money.Amount{}
			for n, record := range records[1 : 1+len(rows)] {
				if i == 2 || n%2 == i {
					sum = sum.Add(money.MustParseAmount(twoDecimals(record[first+place])))
				}
			}
			if got := twoDecimals(line[first+place]); got != sum.String() {
				t.Errorf("%s: %s of %q is %s, its rows make %s", what, c.Code, mark, got, sum)
			}
		}
	}
}

// twoDecimals writes a count like an amount.
func twoDecimals(cell string) string {
	if strings.Contains(cell, ".") {
		return cell
	}
	return cell + ".00"
}

func TestNamesSurviveARoundTripThroughCSV(t *testing.T) {
	t.Parallel()
	var rows []report.Row
	for _, name := range awkwardNames {
		rows = append(rows, paid("371503", name, "1.00"))
	}
	for _, charset := range []report.Charset{report.CharsetUTF8, report.CharsetGB18030} {
		content, _ := write(t, report.FormatCSV, ledgerHead(t, charset), rows...)
		if charset == report.CharsetGB18030 {
			decoded, err := simplifiedchinese.GB18030.NewDecoder().Bytes(content)
			if err != nil {
				t.Fatal(err)
			}
			content = append([]byte("\ufeff"), decoded...)
		}
		for i, record := range readCSV(t, content)[1 : 1+len(rows)] {
			if record[8] != awkwardNames[i] {
				t.Errorf("%s: %q came back as %q", charset, awkwardNames[i], record[8])
			}
		}
	}
}

func TestACellThatBeginsLikeAFormulaIsMadeHarmless(t *testing.T) {
	t.Parallel()
	for _, name := range []string{`=HYPERLINK("x")`, "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠SUM(A1)"} {
		row := paid("371503", name, "-5.00")
		row.Cells[11] = name // a code that somebody typed, or another system sent
		content, _ := write(t, report.FormatCSV, ledgerHead(t, report.CharsetUTF8), row)
		record := readCSV(t, content)[1]
		if record[8] != "'"+name || record[11] != "'"+name {
			t.Errorf("%q was written as the text %q and the code %q, want an apostrophe before it", name, record[8], record[11])
		}
		if record[12] != "-5.00" {
			t.Errorf("an amount was written as %q, want -5.00: it is a number", record[12])
		}
	}
}

func TestAnXLSXFileHasTypedCellsAndSaysWhatItIs(t *testing.T) {
	t.Parallel()
	rows := []report.Row{paid("371503", "=1+1", "99500.00"), paid("371522", "🌾农场", "0.01"), paid("371522", "大额", "9999999999999999.99")}
	content, summary := write(t, report.FormatXLSX, ledgerHead(t, ""), rows...)
	_, asCSV := write(t, report.FormatCSV, ledgerHead(t, report.CharsetUTF8), rows...)
	if summary.CSVBodySHA256 != asCSV.CSVBodySHA256 {
		t.Errorf("the file names the body %s, the CSV file has %s", summary.CSVBodySHA256, asCSV.CSVBodySHA256)
	}
	f, err := excelize.OpenReader(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for cell, want := range map[string]struct {
		kind excelize.CellType
		raw  string
	}{
		"I2": {excelize.CellTypeInlineString, "=1+1"},
		"M2": {excelize.CellTypeUnset, "99500"},
		"M3": {excelize.CellTypeUnset, "0.01"},
		"M4": {excelize.CellTypeInlineString, "9999999999999999.99"}, // too long for a table program's number
	} {
		kind, err := f.GetCellType("数据", cell)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := f.GetCellValue("数据", cell, excelize.Options{RawCellValue: true})
		if err != nil || kind != want.kind || raw != want.raw {
			t.Errorf("%s holds %q of type %v (%v), want %q of type %v", cell, raw, kind, err, want.raw, want.kind)
		}
	}
	if formula, err := f.GetCellFormula("数据", "I2"); err != nil || formula != "" {
		t.Errorf("I2 is the formula %q (%v), want text", formula, err)
	}
	if at, err := f.GetCellValue("数据", "H2"); err != nil || at != "2026-08-22 16:30:00" {
		t.Errorf("H2 shows %q (%v), want the time of payment", at, err)
	}
	if shown, err := f.GetCellValue("数据", "M2"); err != nil || shown != "99,500.00" {
		t.Errorf("M2 shows %q (%v), want the amount with two decimals", shown, err)
	}
	if panes, err := f.GetPanes("数据"); err != nil || !panes.Freeze || panes.YSplit != 1 {
		t.Errorf("the panes are %+v (%v), want the heading frozen", panes, err)
	}
	if width, err := f.GetColWidth("数据", "H"); err != nil || width != 20 {
		t.Errorf("the column of times is %v wide (%v), want 20", width, err)
	}
	about, err := f.GetRows("说明")
	if err != nil {
		t.Fatal(err)
	}
	facts := map[string]string{}
	for _, total := range [][]string{
		{"小计 371503 茌平支行", "金额（元）", "1", "99,500.00"}, {"小计 371522 茌平支行", "金额（元）", "2", "10000000000000000.00"}, {"合计", "金额（元）", "3", "10000000000099500.00"},
	} {
		if !slices.ContainsFunc(about, func(line []string) bool { return slices.Equal(line, total) }) {
			t.Errorf("the sheet about the file lacks %q: %q", total, about)
		}
	}
	for _, line := range about {
		if len(line) > 1 {
			facts[line[0]] = line[1]
		}
	}
	for name, want := range map[string]string{
		"报表": "放款台账", "行数": "3", "截至营业日": "2026-08-23 24:00（北京时间）", "CSV 正文 SHA-256": asCSV.CSVBodySHA256, "个人信息": "已脱敏",
	} {
		if facts[name] != want {
			t.Errorf("the sheet about the file says %s = %q, want %q", name, facts[name], want)
		}
	}
}

func TestAParquetFileHasDecimalColumns(t *testing.T) {
	t.Parallel()
	content, summary := write(t, report.FormatParquet, ledgerHead(t, ""),
		paid("371503", "王吉华", "99500.00"), paid("371522", "🌾农场", "-0.01"), paid("371522", "", "9999999999999999.99"))
	file, err := parquet.OpenFile(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, column := range file.Root().Columns() {
		names = append(names, column.Name())
	}
	if want := []string{"branch_code", "branch_name"}; !cmp.Equal(names[:2], want) || names[len(names)-1] != "amount" {
		t.Errorf("the columns are %v, want them in the order of the report", names)
	}
	if kind := file.Root().Column("amount").Type().String(); kind != "DECIMAL(18,2)" {
		t.Errorf("amount is %s, want DECIMAL(18,2)", kind)
	}
	if hash, found := file.Lookup("CSV 正文 SHA-256"); !found || hash != summary.CSVBodySHA256 {
		t.Errorf("the file names the body %q, want %q", hash, summary.CSVBodySHA256)
	}
	rows := file.RowGroups()[0].Rows()
	defer func() { _ = rows.Close() }()
	read := make([]parquet.Row, 4)
	n, err := rows.ReadRows(read)
	if n != 3 || (err != nil && !errors.Is(err, io.EOF)) {
		t.Fatalf("%d rows (%v), want 3", n, err)
	}
	for i, want := range []int64{9_950_000, -1, 999_999_999_999_999_999} {
		if got := read[i][12].Int64(); got != want {
			t.Errorf("row %d holds %d fen, want %d", i, got, want)
		}
	}
	if !read[2][8].IsNull() {
		t.Errorf("an empty cell came back as %v, want null", read[2][8])
	}
	at := time.UnixMicro(read[0][7].Int64()).UTC()
	if want := time.Date(2026, 8, 22, 8, 30, 0, 0, time.UTC); !at.Equal(want) {
		t.Errorf("paid_at is %v, want %v: 16:30 in Beijing", at, want)
	}
}

func TestTheSameRowsGiveTheSameBytes(t *testing.T) {
	t.Parallel()
	for _, format := range report.Formats() {
		first, _ := write(t, format, ledgerHead(t, report.CharsetUTF8), paid("371503", "王吉华", "99500.00"), paid("371522", "刘明勇", "1.00"))
		second, _ := write(t, format, ledgerHead(t, report.CharsetUTF8), paid("371503", "王吉华", "99500.00"), paid("371522", "刘明勇", "1.00"))
		if !bytes.Equal(first, second) {
			t.Errorf("%s: two files of the same rows differ", format)
		}
	}
}

func TestASelectionOfColumnsIsWrittenInItsOrderAndStillAddedUpByBranch(t *testing.T) {
	t.Parallel()
	head := ledgerHead(t, report.CharsetUTF8)
	head.Query.Columns = []string{"amount", "application_no"}
	content, _ := write(t, report.FormatCSV, head, paid("371503", "王吉华", "99500.00"), paid("371522", "刘明勇", "1.00"))
	want := [][]string{
		{"金额（元）", "申请编号"}, {"99500.00", "LA-2026-000001"}, {"1.00", "LA-2026-000001"},
	}
	if diff := cmp.Diff(want, readCSV(t, content)[:3]); diff != "" {
		t.Errorf("the rows differ (-want +got):\n%s", diff)
	}
}

func TestACellThatIsNotWhatItsColumnSaysIsRefused(t *testing.T) {
	t.Parallel()
	for _, amount := range []string{"1", "1.5", "1.005", "1e3", "a.00", "1.0a", "--1.00", "1,000.00", ".50", "99999999999999999.00"} {
		o, err := report.NewOutput(io.Discard, report.FormatCSV, ledgerHead(t, report.CharsetUTF8))
		if err != nil {
			t.Fatal(err)
		}
		if err := o.Row(paid("371503", "王吉华", amount)); err == nil {
			t.Errorf("amount %q was accepted, want an error: a total must not leave anything out", amount)
		}
	}
}

func TestAnAmountOfUpToFifteenDigitsIsExactInATableProgram(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		amount := money.Fen(rapid.Int64Range(-999_999_999_999_999, 999_999_999_999_999).Draw(rt, "fen"))
		content, _ := write(t, report.FormatXLSX, ledgerHead(t, ""), paid("371503", "王吉华", amount.String()))
		f, err := excelize.OpenReader(bytes.NewReader(content))
		if err != nil {
			rt.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		raw, err := f.GetCellValue("数据", "M2", excelize.Options{RawCellValue: true})
		if err != nil {
			rt.Fatal(err)
		}
		number, err := strconv.ParseFloat(raw, 64)
		if err != nil {
			rt.Fatal(err)
		}
		if shown := strconv.FormatFloat(number, 'f', 2, 64); shown != amount.String() && amount.Sign() != 0 {
			rt.Fatalf("%s is %s in the sheet, shown with two decimals %s", amount, raw, shown)
		}
	})
}
