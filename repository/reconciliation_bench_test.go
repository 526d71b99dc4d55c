package repository_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
	"fumin/domain/paymentfile"
)

// reconciledPayments is how many payments of one day BenchmarkReconcile holds against the day file.
const reconciledPayments = 100_000

// loadPayments stores payments that succeeded on the day of ledgerStart, each of a case of its own, and returns them as the
// channel's file has them.
func (l *ledger) loadPayments(n int) []paymentfile.DayEntry {
	l.t.Helper()
	l.fillDigits()
	const batch = 10_000
	for from := 0; from < n; from += batch {
		l.exec("INSERT INTO applications (id, application_no, branch_id, officer_id, borrower_id, region_code, product_code, amount, term_months, repayment_method,"+
			" purpose, purpose_note, bureau_confirmation_no, status, decision_id, version, created_at, updated_at)"+
			" SELECT CONCAT('0189a000-0000-7000-8000-', LPAD(LOWER(HEX(n + ?)), 12, '0')), CONCAT('LA-', n + ?), ?, ?, ?, '371503901201', 'QLFMD', 50000 + n, 12,"+
			" 'lump_sum', 'facility', '', '', 'reviewing', '01900000-0000-7000-8000-0000000000d1', 2, '2026-01-01 00:00:00', '2026-01-01 00:00:00' FROM "+numbers+" s WHERE n < ?",
			from, from, ledgerCounty, ledgerOfficer, ledgerBorrower(ledgerCounty), min(batch, n-from))
	}
	l.exec("INSERT INTO disbursements (id, application_id, branch_id, borrower_id, amount, status, requested_by, requested_at, released_by, released_at, settled_at, version)"+
		" SELECT INSERT(id, 1, 5, '0189d'), id, branch_id, borrower_id, amount, 'succeeded', officer_id, created_at, ?, created_at, ?, 4 FROM applications WHERE id LIKE '0189a%'", ledgerReleaser, ledgerStart)
	l.exec("INSERT INTO transfers (id, disbursement_id, application_id, branch_id, borrower_id, number, method, amount, reversed_amount, payee_name, payee_account_cipher," +
		" payee_account_last4, payee_bank_name, document_reference, document_sha256, status, sent_at, settled_at, channel_reference, failure_code, failure_reason, work_due_at, attempts, last_error, version)" +
		" SELECT INSERT(id, 1, 5, '0189f'), id, application_id, branch_id, borrower_id, 1, 'self_payment', amount, 0, '王吉华', 'x', '0123', '', '', '', status, released_at, settled_at," +
		" 'SBX', '', '', NULL, 1, '', 4 FROM disbursements WHERE id LIKE '0189d%'")
	l.exec("ANALYZE TABLE applications, disbursements, transfers")
	entries := make([]paymentfile.DayEntry, n)
	for i := range entries {
		id := domain.ID(fmt.Sprintf("0189f000-0000-7000-8000-%012x", i))
		entries[i] = paymentfile.DayEntry{
			EndToEndID: paymentfile.EndToEndIDOf(id), Amount: money.Fen(int64(5_000_000 + i%10_000*100)), PaidOn: domain.DateOf(ledgerStart),
			Reference: fmt.Sprintf("SBX-%08d", i),
		}
	}
	return entries
}

// BenchmarkReconcile imports a day of 100,000 payments as camt.054, matches them and closes the day, and reports how long each part
// takes. Run by `scripts/bench.sh reconcile`.
func BenchmarkReconcile(b *testing.B) {
	l := newLedger(b)
	entries := l.loadPayments(reconciledPayments)
	var file bytes.Buffer
	l.must(paymentfile.WriteCamt054(&file, paymentfile.Camt054Head{MessageID: "BENCH", CreatedAt: ledgerStart, Account: "1"}, entries))
	clock := ledgerStart
	now := func() time.Time { return clock }
	payouts := origination.NewPayouts(l.store, now, nil, l.newID(), slog.New(slog.NewTextHandler(io.Discard, nil)), origination.DefaultPayoutLimits())
	days := origination.NewReconciliations(l.store, now, l.newID, payouts)
	importer := domain.Actor{ID: l.newID(), Name: "李放款", Role: domain.RoleDisbursementOfficer, BranchID: ledgerHead}
	closer := domain.Actor{ID: l.newID(), Name: "王放款", Role: domain.RoleDisbursementOfficer, BranchID: ledgerHead}
	for b.Loop() {
		clock = ledgerStart.Add(time.Hour)
		began := time.Now()
		rec, known, err := days.Import(b.Context(), importer, origination.ImportDayFile{
			BusinessDay: domain.DateOf(ledgerStart), Format: origination.DayFileCamt054, Body: bytes.NewReader(file.Bytes()),
		})
		l.must(err)
		imported := time.Since(began)
		if known || rec.Totals.CountHere != reconciledPayments || rec.Status != loan.ReconciliationBalanced {
			b.Fatalf("imported: %+v, want %d payments that agree", rec, reconciledPayments)
		}
		clock = ledgerStart.Add(24 * time.Hour)
		closing := time.Now()
		_, err = days.Close(b.Context(), closer, rec.ID)
		l.must(err)
		b.ReportMetric(imported.Seconds(), "s-import-and-match")
		b.ReportMetric(time.Since(closing).Seconds(), "s-close")
		b.ReportMetric(float64(file.Len())/(1<<20), "MiB-file")
	}
}
