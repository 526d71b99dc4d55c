package paymentfile_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/simplifiedchinese"

	"fumin/domain"
	"fumin/domain/money"
	"fumin/domain/paymentfile"
)

var day = domain.MustParseDate("2026-11-23")

func entries() []paymentfile.DayEntry {
	return []paymentfile.DayEntry{
		{EndToEndID: "0191a2b3c4d57e6f8a9b0c1d2e3f4a5b", Amount: money.MustParseAmount("99500.00"), PaidOn: day, Reference: "流水-1"},
		{EndToEndID: "X-2026-1", Amount: money.MustParseAmount("0.01"), PaidOn: day, Reference: "流水-2"},
	}
}

// read collects what a reader takes.
func read(t *testing.T, do func(take func(paymentfile.DayEntry) error) (paymentfile.Totals, error)) (got []paymentfile.DayEntry, totals paymentfile.Totals, err error) {
	t.Helper()
	totals, err = do(func(e paymentfile.DayEntry) error {
		got = append(got, e)
		return nil
	})
	return got, totals, err
}

func fromCSV(t *testing.T, file, charset string) ([]paymentfile.DayEntry, paymentfile.Totals, error) {
	t.Helper()
	return read(t, func(take func(paymentfile.DayEntry) error) (paymentfile.Totals, error) {
		return paymentfile.ReadDayCSV(strings.NewReader(file), charset, take)
	})
}

func fromCamt(t *testing.T, file string) ([]paymentfile.DayEntry, paymentfile.Totals, error) {
	t.Helper()
	return read(t, func(take func(paymentfile.DayEntry) error) (paymentfile.Totals, error) {
		return paymentfile.ReadCamt054(strings.NewReader(file), take)
	})
}

// want is entries as a reader numbers them.
func want() []paymentfile.DayEntry {
	list := entries()
	list[0].Row, list[0].TransferID = 1, "0191a2b3-c4d5-7e6f-8a9b-0c1d2e3f4a5b"
	list[1].Row = 2
	return list
}

func TestADayFileIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	var csvFile, camt bytes.Buffer
	if err := errors.Join(paymentfile.WriteDayCSV(&csvFile, entries()),
		paymentfile.WriteCamt054(&camt, paymentfile.Camt054Head{MessageID: "D1", CreatedAt: time.Unix(0, 0), Account: "1"}, entries())); err != nil {
		t.Fatal(err)
	}
	gb, err := simplifiedchinese.GB18030.NewEncoder().String(strings.Replace(csvFile.String(), paymentfile.DayCSVHeader, "付款编号,金额,币种,入账时间,渠道流水号", 1))
	if err != nil {
		t.Fatal(err)
	}
	for what, do := range map[string]func() ([]paymentfile.DayEntry, paymentfile.Totals, error){
		"csv": func() ([]paymentfile.DayEntry, paymentfile.Totals, error) { return fromCSV(t, csvFile.String(), "") },
		"csv with BOM": func() ([]paymentfile.DayEntry, paymentfile.Totals, error) {
			return fromCSV(t, "\ufeff"+csvFile.String(), "")
		},
		"csv, CRLF": func() ([]paymentfile.DayEntry, paymentfile.Totals, error) {
			return fromCSV(t, strings.ReplaceAll(csvFile.String(), "\n", "\r\n"), "utf-8")
		},
		"csv, GB18030": func() ([]paymentfile.DayEntry, paymentfile.Totals, error) { return fromCSV(t, gb, "") },
		"camt.054":     func() ([]paymentfile.DayEntry, paymentfile.Totals, error) { return fromCamt(t, camt.String()) },
		"camt.054 v.02": func() ([]paymentfile.DayEntry, paymentfile.Totals, error) {
			return fromCamt(t, strings.Replace(strings.ReplaceAll(camt.String(), "<Sts><Cd>BOOK</Cd></Sts>", "<Sts>BOOK</Sts>"), "001.08", "001.02", 1))
		},
	} {
		got, totals, err := do()
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if diff := cmp.Diff(want(), got, cmp.Comparer(func(a, b money.Amount) bool { return a.Equal(b) }), cmp.Comparer(func(a, b domain.Date) bool { return a == b })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
		if totals.Entries != 2 || totals.Amount.String() != "99500.01" {
			t.Errorf("%s: totals %+v, want 2 of 99500.01", what, totals)
		}
	}
}

func TestADayFileThatIsNotWhatItShouldBeIsRefused(t *testing.T) {
	t.Parallel()
	var camt bytes.Buffer
	if err := paymentfile.WriteCamt054(&camt, paymentfile.Camt054Head{MessageID: "D1", CreatedAt: time.Unix(0, 0), Account: "1"}, entries()); err != nil {
		t.Fatal(err)
	}
	good := camt.String()
	for what, file := range map[string]string{
		"cut off":              good[:len(good)-60],
		"another message":      strings.Replace(good, "camt.054", "camt.053", 1),
		"a document type":      strings.Replace(good, "<Document", `<!DOCTYPE d [<!ENTITY x "y">]><Document`, 1),
		"an entity":            strings.Replace(good, "X-2026-1", "&x;", 1),
		"a credit":             strings.Replace(good, "DBIT", "CRDT", 1),
		"pending":              strings.Replace(good, "BOOK", "PDNG", 1),
		"dollars":              strings.Replace(good, `Ccy="CNY"`, `Ccy="USD"`, 1),
		"three decimals":       strings.Replace(good, ">0.01<", ">0.011<", 1),
		"a number with e":      strings.Replace(good, ">0.01<", ">1e3<", 1),
		"another sum":          strings.Replace(good, "<Sum>99500.01<", "<Sum>99500.00<", 1),
		"another count":        strings.Replace(good, "<NbOfNtries>2<", "<NbOfNtries>3<", 1),
		"another detail":       strings.Replace(good, `<AcctSvcrRef>流水-2</AcctSvcrRef>`, `<Amt Ccy="CNY">0.02</Amt>`, 1),
		"too deep":             strings.Replace(good, "<GrpHdr>", "<GrpHdr>"+strings.Repeat("<a>", 40), 1),
		"a text without end":   strings.Replace(good, "流水-1", strings.Repeat("x", 200_000), 1),
		"a comment as long":    strings.Replace(good, "<GrpHdr>", "<!--"+strings.Repeat("<", 200_000)+"--><GrpHdr>", 1),
		"nothing":              "",
		"no notification":      `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"><BkToCstmrDbtCdtNtfctn></BkToCstmrDbtCdtNtfctn></Document>`,
		"two documents":        good + "<Document>",
		"a number as a header": "1",
	} {
		if _, _, err := fromCamt(t, file); domain.CodeOf(err) != "payment-file-unreadable" {
			t.Errorf("camt.054, %s: %v, want payment-file-unreadable", what, err)
		}
	}
	head := paymentfile.DayCSVHeader + "\n"
	for what, file := range map[string]string{
		"nothing":            "",
		"no titles":          "a,b\n",
		"a title twice":      "transfer_id,transfer_id,amount,paid_at\n",
		"a row too short":    head + "x,1.00\n",
		"dollars":            head + "x,1.00,USD,2026-11-23,r\n",
		"no amount":          head + "x,,CNY,2026-11-23,r\n",
		"nothing paid":       head + "x,0.00,CNY,2026-11-23,r\n",
		"negative":           head + "x,-1.00,CNY,2026-11-23,r\n",
		"no such day":        head + "x,1.00,CNY,2026-02-30,r\n",
		"a quote":            head + "x,\"1.00,CNY,2026-11-23,r\n",
		"a line without end": head + strings.Repeat("x", 10_000),
		"a spreadsheet":      "PK\x03\x04\x00\x00",
	} {
		if _, _, err := fromCSV(t, file, ""); domain.CodeOf(err) != "payment-file-unreadable" {
			t.Errorf("CSV, %s: %v, want payment-file-unreadable", what, err)
		}
	}
}

func TestADayFileEndsAtItsLimit(t *testing.T) {
	t.Parallel()
	row := "x,1.00,CNY,2026-11-23,r\n"
	file := io.MultiReader(strings.NewReader(paymentfile.DayCSVHeader+"\n"), strings.NewReader(strings.Repeat(row, paymentfile.EntriesMax+1)))
	totals, err := paymentfile.ReadDayCSV(file, "", func(paymentfile.DayEntry) error { return nil })
	if domain.CodeOf(err) != "payment-file-unreadable" {
		t.Errorf("%d rows: %+v, %v; want payment-file-unreadable", paymentfile.EntriesMax+1, totals, err)
	}
}

func FuzzReadDayCSV(f *testing.F) {
	f.Add([]byte(paymentfile.DayCSVHeader+"\n0191a2b3c4d57e6f8a9b0c1d2e3f4a5b,99500.00,CNY,2026-11-23,SBX-1\n"), "")
	f.Add([]byte("付款编号,金额,入账时间\nx,1,2026-11-23\n"), "gb18030")
	f.Fuzz(func(t *testing.T, file []byte, charset string) {
		consistent(t, func(take func(paymentfile.DayEntry) error) (paymentfile.Totals, error) {
			return paymentfile.ReadDayCSV(bytes.NewReader(file), charset, take)
		})
	})
}

func FuzzReadCamt054(f *testing.F) {
	var camt bytes.Buffer
	if err := paymentfile.WriteCamt054(&camt, paymentfile.Camt054Head{MessageID: "D1", CreatedAt: time.Unix(0, 0), Account: "1"}, entries()); err != nil {
		f.Fatal(err)
	}
	f.Add(camt.Bytes())
	f.Fuzz(func(t *testing.T, file []byte) {
		consistent(t, func(take func(paymentfile.DayEntry) error) (paymentfile.Totals, error) {
			return paymentfile.ReadCamt054(bytes.NewReader(file), take)
		})
	})
}

// consistent holds what a reader handed over against the totals it gave; every refusal has a code.
func consistent(t *testing.T, do func(take func(paymentfile.DayEntry) error) (paymentfile.Totals, error)) {
	t.Helper()
	got, totals, err := read(t, do)
	if err != nil {
		if domain.CodeOf(err) != "payment-file-unreadable" {
			t.Fatalf("refused with %v", err)
		}
		return
	}
	var sum money.Amount
	for i, e := range got {
		if e.Row != i+1 || e.Amount.Sign() <= 0 || e.PaidOn.IsZero() {
			t.Fatalf("entry %d: %+v", i+1, e)
		}
		sum = sum.Add(e.Amount)
	}
	if totals.Entries != len(got) || !totals.Amount.Equal(sum) {
		t.Fatalf("totals %+v, but %d entries of %s", totals, len(got), sum)
	}
}

func FuzzReadPain002(f *testing.F) {
	f.Add([]byte(`<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt><OrgnlGrpInfAndSts><OrgnlMsgId>0191a2b3c4d57e6f8a9b0c1d2e3f4a5b</OrgnlMsgId></OrgnlGrpInfAndSts><OrgnlPmtInfAndSts><TxInfAndSts><OrgnlEndToEndId>a</OrgnlEndToEndId><TxSts>ACSC</TxSts></TxInfAndSts></OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>`))
	f.Fuzz(func(t *testing.T, file []byte) {
		report, err := paymentfile.ReadPain002(bytes.NewReader(file))
		if err != nil && domain.CodeOf(err) != "payment-file-unreadable" {
			t.Fatalf("refused with %v", err)
		}
		for _, o := range report.Orders {
			if o.EndToEndID == "" || o.Code == "" || o.Status == "" {
				t.Fatalf("order %+v", o)
			}
		}
	})
}

func order() paymentfile.PaymentOrder {
	return paymentfile.PaymentOrder{
		ID: "0191a2b3-c4d5-7e6f-8a9b-0c1d2e3f4a5c", CreatedAt: time.Date(2026, 11, 23, 1, 30, 0, 0, time.UTC),
		Debtor: paymentfile.Debtor{Name: "聊城农商银行", Account: "9040101070142050000001", Bank: "营业部"},
		Transfers: []paymentfile.CreditTransfer{
			{TransferID: "0191a2b3-c4d5-7e6f-8a9b-0c1d2e3f4a5b", Amount: money.MustParseAmount("99500.00"), Name: "王𬭎<&>吉", Account: "6228480000000000018", Bank: "农行", Purpose: "发放贷款"},
			{TransferID: "0191a2b3-c4d5-7e6f-8a9b-0c1d2e3f4a5d", Amount: money.MustParseAmount("0.01"), Name: "㐂䶮", Account: "1", Bank: "农行"},
		},
	}
}

// rule is a line of testdata/pain.001.001.09.txt: where an element may stand, how often, and what its text is.
type rule struct {
	path       string
	least      int
	most       int
	text       *regexp.Regexp
	attributes string
}

// schema reads the rules in their order, which is the order of the elements.
func schema(t *testing.T) (rules []rule) {
	t.Helper()
	text, err := os.ReadFile("testdata/pain.001.001.09.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] == "#" {
			continue
		}
		r := rule{path: fields[0]}
		if _, err := fmt.Sscanf(fields[1], "%d..%d", &r.least, &r.most); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if len(fields) > 2 {
			r.text = regexp.MustCompile("^(?:" + fields[2] + ")$")
		}
		if len(fields) > 3 {
			r.attributes = fields[3]
		}
		rules = append(rules, r)
	}
	return rules
}

// node is an element with what is in it.
type node struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Text     string     `xml:",chardata"`
	Children []node     `xml:",any"`
}

// hold checks the children of an element against the rules below path: each known, in their order, as often as they may.
func hold(rules []rule, path string, n node) (problems []string) {
	place, counts := -1, map[string]int{}
	for _, child := range n.Children {
		at := -1
		for i, r := range rules {
			if r.path == path+"/"+child.XMLName.Local {
				at = i
			}
		}
		if at < 0 {
			problems = append(problems, path+"/"+child.XMLName.Local+" is not in the schema")
			continue
		}
		if at < place {
			problems = append(problems, rules[at].path+" is out of order")
		}
		place = at
		counts[rules[at].path]++
		if r := rules[at]; r.text != nil && !r.text.MatchString(child.Text) {
			problems = append(problems, r.path+": "+strconv.Quote(child.Text))
		}
		if want := rules[at].attributes; want != "" && (len(child.Attrs) != 1 || child.Attrs[0].Name.Local+"="+child.Attrs[0].Value != want) {
			problems = append(problems, rules[at].path+" has not "+want)
		}
		problems = append(problems, hold(rules, rules[at].path, child)...)
	}
	for _, r := range rules {
		if parent, _ := cut(r.path); parent == path && (counts[r.path] < r.least || counts[r.path] > r.most) {
			problems = append(problems, fmt.Sprintf("%s stands %d times, want %d to %d", r.path, counts[r.path], r.least, r.most))
		}
	}
	return problems
}

func cut(path string) (parent, name string) {
	at := strings.LastIndex(path, "/")
	return path[:at], path[at+1:]
}

func TestAPaymentFileKeepsToTheSchema(t *testing.T) {
	t.Parallel()
	file, err := order().Pain001()
	if err != nil {
		t.Fatal(err)
	}
	again, err := order().Pain001()
	if err != nil || !bytes.Equal(file, again) {
		t.Errorf("the same order gives other bytes (%v)", err)
	}
	var root node
	if err := xml.Unmarshal(file, &root); err != nil {
		t.Fatal(err)
	}
	if root.XMLName.Space != "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09" || root.XMLName.Local != "Document" {
		t.Errorf("the root is %v", root.XMLName)
	}
	rules := schema(t)
	for _, problem := range hold(rules, "", root) {
		t.Error(problem)
	}
	for _, part := range []string{"<NbOfTxs>2</NbOfTxs>", "<CtrlSum>99500.01</CtrlSum>", "王𬭎&lt;&amp;&gt;吉", "㐂䶮", "<EndToEndId>0191a2b3c4d57e6f8a9b0c1d2e3f4a5b</EndToEndId>"} {
		if !bytes.Contains(file, []byte(part)) {
			t.Errorf("%s is not in the file:\n%s", part, file)
		}
	}
	// The check itself can fail.
	broken := bytes.Replace(file, []byte("<PmtMtd>TRF</PmtMtd>"), nil, 1)
	var damaged node
	if err := xml.Unmarshal(broken, &damaged); err != nil || len(hold(rules, "", damaged)) == 0 {
		t.Errorf("a file without PmtMtd passes the schema (%v)", err)
	}
}

func TestWhatAFileCannotCarryIsNotWritten(t *testing.T) {
	t.Parallel()
	for what, change := range map[string]func(*paymentfile.PaymentOrder){
		"no transfers":      func(o *paymentfile.PaymentOrder) { o.Transfers = nil },
		"a transfer twice":  func(o *paymentfile.PaymentOrder) { o.Transfers[1].TransferID = o.Transfers[0].TransferID },
		"nothing to pay":    func(o *paymentfile.PaymentOrder) { o.Transfers[0].Amount = money.Amount{} },
		"no payee":          func(o *paymentfile.PaymentOrder) { o.Transfers[0].Name = "" },
		"too long a name":   func(o *paymentfile.PaymentOrder) { o.Transfers[0].Name = strings.Repeat("王", 141) },
		"no account to pay": func(o *paymentfile.PaymentOrder) { o.Debtor.Account = "" },
	} {
		o := order()
		change(&o)
		if file, err := o.Pain001(); err == nil {
			t.Errorf("%s: written:\n%s", what, file)
		}
	}
}
