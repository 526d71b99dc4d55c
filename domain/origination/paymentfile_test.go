package origination_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"testing"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/origination"
	"fumin/domain/paymentfile"
)

func (w *world) paymentFiles() *origination.PaymentFiles {
	return origination.NewPaymentFiles(w.store, w.now, newID, w.payouts, paymentfile.Debtor{Name: "聊城农商银行", Account: "9040101070142050000001", Bank: "聊城农商银行营业部"})
}

// statusReport is a pain.002 about a file, with a status and a reason for each transfer.
func statusReport(file origination.PaymentFile, orders ...[3]string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt>`+
		`<GrpHdr><MsgId>R1</MsgId><CreDtTm>2026-11-23T09:00:00Z</CreDtTm></GrpHdr><OrgnlGrpInfAndSts><OrgnlMsgId>%s</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId></OrgnlGrpInfAndSts>`+
		`<OrgnlPmtInfAndSts><OrgnlPmtInfId>%[1]s</OrgnlPmtInfId>`, paymentfile.EndToEndIDOf(file.ID))
	for _, o := range orders {
		fmt.Fprintf(&b, `<TxInfAndSts><OrgnlEndToEndId>%s</OrgnlEndToEndId><TxSts>%s</TxSts>`, strings.ReplaceAll(o[0], "-", ""), o[1])
		if o[2] != "" {
			fmt.Fprintf(&b, `<StsRsnInf><Rsn><Cd>%s</Cd></Rsn><AddtlInf>收款账户已销户</AddtlInf></StsRsnInf>`, o[2])
		}
		b.WriteString(`<AcctSvcrRef>BK-1</AcctSvcrRef></TxInfAndSts>`)
	}
	b.WriteString(`</OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>`)
	return b.String()
}

func TestReleasedTransfersGoOutInOneFileAndTheReportSettlesThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer, by, reporter := w.somebody(domain.RoleLoanOfficer), w.headOfficer(), w.headOfficer()
	var ds []loan.DisbursementRecord
	for range 3 {
		ds = append(ds, w.released(officer, "50000.00"))
	}
	_, _, err := w.paymentFiles().Create(t.Context(), w.somebody(domain.RoleDisbursementOfficer), key())
	w.wantCode(err, "head-office-only")
	byMessage := origination.NewPaymentFiles(w.store, w.now, newID, w.payouts, paymentfile.Debtor{})
	_, _, err = byMessage.Create(t.Context(), by, key())
	w.wantCode(err, "payment-file-off")
	same := key()
	file, _, err := w.paymentFiles().Create(t.Context(), by, same)
	w.must(err)
	again, replayed, err := w.paymentFiles().Create(t.Context(), by, same)
	w.must(err)
	if !replayed || again.ID != file.ID || file.Payments != 3 || file.ControlSum.String() != "150000.00" {
		t.Fatalf("made %+v, again %+v (%v); want one file of 3, 150000.00", file, again, replayed)
	}
	_, content, err := w.paymentFiles().Content(t.Context(), by, file.ID)
	w.must(err)
	sum := sha256.Sum256(content)
	for _, d := range ds {
		if id := paymentfile.EndToEndIDOf(d.Transfers[0].ID); strings.Count(string(content), id) != 1 || w.status(d.ID) != loan.DisbursementSending {
			t.Errorf("transfer %s: %s, not once in the file", id, w.status(d.ID))
		}
	}
	if hex.EncodeToString(sum[:]) != file.SHA256 {
		t.Errorf("the content's SHA-256 is not the file's")
	}
	if taken := w.work(); taken != 0 {
		t.Errorf("the worker took up %d transfers of the file, want none", taken)
	}
	paid, refused, waits := ds[0], ds[1], ds[2]
	text := statusReport(file, [3]string{paid.Transfers[0].ID.String(), "ACSC", ""}, [3]string{refused.Transfers[0].ID.String(), "RJCT", "AC04"},
		[3]string{waits.Transfers[0].ID.String(), "PDNG", ""}, [3]string{newID().String(), "ACSC", ""})
	releaser := reporter // of one of them, and moved to the head office since
	releaser.ID = w.disbursement(refused.ID).ReleasedBy
	for what, who := range map[string]domain.Actor{"who made the file": by, "who released one of its transfers": releaser} {
		_, err = w.paymentFiles().Report(t.Context(), who, file.ID, strings.NewReader(text))
		wantCode(t, "a report by "+what, err, "four-eyes")
	}
	if w.status(refused.ID) != loan.DisbursementSending {
		t.Errorf("after refused reports: %s, want sending", w.status(refused.ID))
	}
	for round, want := range [][]origination.ReportOutcome{
		{origination.ReportRecorded, origination.ReportRecorded, origination.ReportRecorded, origination.ReportForeign},
		{origination.ReportKnown, origination.ReportKnown, origination.ReportKnown, origination.ReportForeign},
	} {
		rows, err := w.paymentFiles().Report(t.Context(), reporter, file.ID, strings.NewReader(text))
		w.must(err)
		for i, row := range rows {
			if row.Outcome != want[i] {
				t.Errorf("upload %d, row %d: %+v, want %s", round+1, i+1, row, want[i])
			}
		}
	}
	failed := w.disbursement(refused.ID).Transfers[0]
	if w.status(paid.ID) != loan.DisbursementSucceeded || failed.FailureCode != "account-closed" || w.status(waits.ID) != loan.DisbursementUnknown {
		t.Errorf("after the report: %s, %+v, %s", w.status(paid.ID), failed, w.status(waits.ID))
	}
	rows, err := w.paymentFiles().Report(t.Context(), reporter, file.ID, strings.NewReader(statusReport(file, [3]string{paid.Transfers[0].ID.String(), "RJCT", "AC04"})))
	w.must(err)
	if rows[0].Outcome != origination.ReportConflict || w.status(paid.ID) != loan.DisbursementSucceeded {
		t.Errorf("a rejection after the success: %+v, want a conflict and nothing changed", rows)
	}
	other := file
	other.ID = newID()
	_, err = w.paymentFiles().Report(t.Context(), reporter, file.ID, strings.NewReader(statusReport(other)))
	w.wantCode(err, "payment-file-unreadable")
	_, _, err = w.paymentFiles().Create(t.Context(), by, key())
	w.wantCode(err, "nothing-to-pay")
	// A person asks again about the one that waits, and the program is meanwhile set up for the other channel.
	w.exec("UPDATE transfers SET work_due_at = '2020-01-01' WHERE id = ?", waits.Transfers[0].ID)
	w.work()
	if times, _ := w.paid(waits.Transfers[0].ID); times != 0 || w.status(waits.ID) != loan.DisbursementUnknown {
		t.Errorf("a transfer of a file was paid %d times by the other channel", times)
	}
}

func TestTwentyMakersOfFilesPutEachTransferInOneFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	for range 3 {
		w.released(officer, "50000.00")
	}
	var group sync.WaitGroup
	for range 20 {
		by := w.headOfficer()
		group.Go(func() {
			_, _, err := w.paymentFiles().Create(t.Context(), by, key())
			if err != nil && domain.CodeOf(err) != "nothing-to-pay" {
				t.Errorf("create: %v", err)
			}
		})
	}
	group.Wait()
	if n := w.count("SELECT COUNT(*) FROM payment_file_entries"); n != 3 {
		t.Errorf("%d entries, want 3", n)
	}
	if n := w.count("SELECT COALESCE(SUM(payments), 0) FROM payment_files"); n != 3 {
		t.Errorf("%d payments in all files, want 3", n)
	}
}
