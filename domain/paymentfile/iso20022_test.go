//go:build schemas

package paymentfile_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fumin/domain"
	"fumin/domain/money"
	"fumin/domain/paymentfile"
)

// The official schemas come with a Go module under the Apache licence, at a version whose content is known by its hash. It is
// fetched into Go's own cache; nothing of it is in this repository, and no program of ours is built with it. Because that needs
// a module proxy and libxml2's xmllint, these tests have a build tag, which scripts/test.sh sets for the whole suite.
const (
	schemasModule = "github.com/moov-io/iso20022@v0.2.1"
	schemasSum    = "h1:DxghLeyQheunSWxOXrdMNJZxHMkTFEfRNqIcUBd2fvM="
)

// officialSchemas is the directory with the schemas.
func officialSchemas(t *testing.T) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", schemasModule)
	command.Dir = t.TempDir() // outside our module, whose requirements it is none of
	output, err := command.Output()
	var module struct{ Dir, Sum, Error string }
	if err := json.Unmarshal(output, &module); err != nil {
		t.Fatalf("go mod download %s: %v: %s", schemasModule, err, output)
	}
	if err != nil || module.Error != "" {
		t.Fatalf("go mod download %s: %v %s", schemasModule, err, module.Error)
	}
	if module.Sum != schemasSum {
		t.Fatalf("%s is %s, want %s", schemasModule, module.Sum, schemasSum)
	}
	return filepath.Join(module.Dir, "docs", "specifications")
}

// valid asks libxml2 whether a document is valid by a schema, and what is wrong with it.
func valid(t *testing.T, schema string, document []byte) (bool, string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "xmllint", "--noout", "--nonet", "--schema", schema, "-")
	command.Stdin = bytes.NewReader(document)
	output, err := command.CombinedOutput()
	if command.ProcessState == nil {
		t.Fatalf("xmllint: %v; install libxml2-utils", err)
	}
	return err == nil, string(output)
}

func TestTheFilesAreValidByTheOfficialSchemas(t *testing.T) {
	t.Parallel()
	schemas := officialSchemas(t)
	order, err := order().Pain001()
	if err != nil {
		t.Fatal(err)
	}
	// What there is of the initiation is the version after ours. Of what we write the two differ in the namespace alone.
	order = bytes.Replace(order, []byte("pain.001.001.09"), []byte("pain.001.001.10"), 1)
	var notification bytes.Buffer
	head := paymentfile.Camt054Head{MessageID: "SBX-20261123", CreatedAt: time.Date(2026, 11, 23, 16, 0, 0, 0, time.UTC), Account: "9040101070142050000001"}
	err = paymentfile.WriteCamt054(&notification, head, []paymentfile.DayEntry{
		{EndToEndID: paymentfile.EndToEndIDOf("0191a2b3-c4d5-7e6f-8a9b-0c1d2e3f4a5b"), Amount: money.MustParseAmount("99500.00"), PaidOn: domain.MustParseDate("2026-11-23"), Reference: "SBX-1"},
		{EndToEndID: "X-2026-1", Amount: money.MustParseAmount("0.01"), PaidOn: domain.MustParseDate("2026-11-23"), Reference: "SBX-2"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		schema, required string // an element that may not be absent
		document         []byte
	}{
		{"payments_initiation_11/pain.001.001.10_1.xsd", "PmtMtd", order},
		{"banktocustomer_cash_management_8/camt.054.001.08.xsd", "CreDtTm", notification.Bytes()},
		{"payments_initiation_11/pain.002.001.11.xsd", "CreDtTm", []byte(statusReport)},
	} {
		schema := filepath.Join(schemas, c.schema)
		if ok, problems := valid(t, schema, c.document); !ok {
			t.Errorf("%s refuses\n%s\n%s", c.schema, c.document, problems)
		}
		from, to := bytes.Index(c.document, []byte("<"+c.required+">")), bytes.Index(c.document, []byte("</"+c.required+">"))
		without := append(bytes.Clone(c.document[:from]), c.document[to+len("</>")+len(c.required):]...)
		if ok, problems := valid(t, schema, without); ok || !strings.Contains(problems, c.required) {
			t.Errorf("%s without %s: valid %t, want it refused for that\n%s", c.schema, c.required, ok, problems)
		}
	}
}

// statusReport is a report as a bank may write it: one order settled, after midnight in Beijing, one rejected, one pending.
const statusReport = `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.11"><CstmrPmtStsRpt>
 <GrpHdr><MsgId>R1</MsgId><CreDtTm>2026-11-24T09:00:00Z</CreDtTm></GrpHdr>
 <OrgnlGrpInfAndSts><OrgnlMsgId>0191a2b3c4d57e6f8a9b0c1d2e3f4a5c</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId><GrpSts>PART</GrpSts></OrgnlGrpInfAndSts>
 <OrgnlPmtInfAndSts><OrgnlPmtInfId>0191a2b3c4d57e6f8a9b0c1d2e3f4a5c</OrgnlPmtInfId>
  <TxInfAndSts><OrgnlEndToEndId>0191a2b3c4d57e6f8a9b0c1d2e3f4a5b</OrgnlEndToEndId><TxSts>ACSC</TxSts><AccptncDtTm>2026-11-23T18:00:00Z</AccptncDtTm><AcctSvcrRef>BK-1</AcctSvcrRef></TxInfAndSts>
  <TxInfAndSts><OrgnlEndToEndId>0191a2b3c4d57e6f8a9b0c1d2e3f4a5d</OrgnlEndToEndId><TxSts>RJCT</TxSts><StsRsnInf><Rsn><Cd>AC04</Cd></Rsn><AddtlInf>收款账户已销户</AddtlInf></StsRsnInf></TxInfAndSts>
  <TxInfAndSts><OrgnlEndToEndId>X-1</OrgnlEndToEndId><TxSts>PDNG</TxSts></TxInfAndSts>
 </OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>`

func TestAValidReportIsReadWholly(t *testing.T) {
	t.Parallel()
	report, err := paymentfile.ReadPain002(strings.NewReader(statusReport))
	if err != nil || len(report.Orders) != 3 || report.OrderID != "0191a2b3-c4d5-7e6f-8a9b-0c1d2e3f4a5c" {
		t.Fatalf("read %+v, %v; want three orders of the file", report, err)
	}
	settled, rejected, pending := report.Orders[0], report.Orders[1], report.Orders[2]
	if settled.Status != paymentfile.OrderSettled || settled.AcceptedOn != domain.MustParseDate("2026-11-24") || settled.Reference != "BK-1" ||
		rejected.Status != paymentfile.OrderRejected || rejected.Reason != "AC04" || rejected.Text != "收款账户已销户" || pending.Status != paymentfile.OrderPending {
		t.Errorf("read %+v, want one settled on its day, one rejected with its reason, one pending", report.Orders)
	}
}
