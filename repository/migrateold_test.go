package repository_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fumin/repository/localdb"
)

// migratedBelow is a database as it was before a file: every earlier one was applied, in the order of their numbers.
func migratedBelow(t *testing.T, file string) *ledger {
	t.Helper()
	l := &ledger{t: t, dsn: localdb.NewDatabase(t)}
	l.rows = openRows(t, l.dsn)
	for _, name := range migrationNames(t) {
		if name >= file {
			break
		}
		l.apply(name)
	}
	return l
}

// apply runs one shipped file.
func (l *ledger) apply(name string) {
	l.t.Helper()
	statement, err := os.ReadFile("migrations/" + name)
	l.must(err)
	l.exec(string(statement))
}

// A payment used to be one row with one payee. From 00740 on its money is a transfer, which keeps the id that the channel knows,
// the sealed account, and everything about the work that is left.
func TestPaymentsFromBeforeThereWereTransfersBecomeTransfers(t *testing.T) {
	t.Parallel()
	const toTransfers = "00740"
	l := migratedBelow(t, toTransfers)
	l.rows.SetMaxOpenConns(1) // one session, which is told not to ask for the cases of these payments
	l.exec("SET foreign_key_checks = 0")
	for i, status := range []string{"requested", "released", "sending", "unknown", "succeeded", "failed", "cancelled"} {
		id := fmt.Sprintf("01900000-0000-7000-8000-%012d", i)
		l.exec(`INSERT INTO disbursements (id, application_id, branch_id, borrower_id, amount, payee_name, payee_account_cipher, payee_bank_name, status,
			live_application_id, requested_by, requested_at, released_by, released_at, sent_at, settled_at, channel_reference, failure_code, failure_reason,
			work_due_at, attempts, last_error, version)
			VALUES (?, ?, ?, ?, 99500.01, '王吉华', ?, '茌平农商行', ?, IF(? IN ('failed','cancelled'), NULL, ?), ?, '2026-01-02 03:04:05.678901', NULL, NULL,
			IF(? IN ('requested','released','cancelled'), NULL, '2026-01-02 04:00:00.000001'), IF(? IN ('succeeded','failed','cancelled'), '2026-01-03 04:00:00.000002', NULL),
			IF(? = 'succeeded', 'SBX-1', ''), IF(? = 'failed', 'account-closed', ''), IF(? = 'failed', '账户已销户', ''),
			IF(? IN ('released','sending','unknown'), '2026-01-02 05:00:00.000003', NULL), ?, IF(? = 'unknown', 'channel-timeout', ''), ?)`,
			id, id, ledgerCounty, ledgerOfficer, []byte{0, 1, 255, byte(i)}, status, status, id, ledgerOfficer,
			status, status, status, status, status, status, i, status, i+1)
	}
	l.exec("SET foreign_key_checks = 1")
	const kept = `id, application_id, branch_id, borrower_id, amount, payee_name, HEX(payee_account_cipher), payee_bank_name, status, IFNULL(sent_at, '-'),
		IFNULL(settled_at, '-'), channel_reference, failure_code, failure_reason, IFNULL(work_due_at, '-'), attempts, last_error`
	before := l.schemaRows("SELECT " + kept + ", version + 1000000, 1, 'self_payment', 0.00 FROM disbursements ORDER BY id")
	paymentsBefore := l.schemaRows("SELECT id, application_id, amount, status, requested_by, requested_at, version FROM disbursements ORDER BY id")

	for _, name := range migrationNames(t) {
		if name >= toTransfers && name < "00745" {
			l.apply(name)
		}
	}
	after := l.schemaRows("SELECT " + kept + ", version, number, method, reversed_amount FROM transfers WHERE disbursement_id = id ORDER BY id")
	if diff := cmp.Diff(before, after); diff != "" || len(before) != 7 {
		t.Errorf("%d payments became transfers (-payment +transfer):\n%s", len(before), diff)
	}
	paymentsAfter := l.schemaRows("SELECT id, application_id, amount, status, requested_by, requested_at, version FROM disbursements ORDER BY id")
	if diff := cmp.Diff(paymentsBefore, paymentsAfter); diff != "" {
		t.Errorf("the payments themselves changed (-before +after):\n%s", diff)
	}
	l.exec("UPDATE disbursements SET status = 'partly_succeeded' WHERE status = 'succeeded'") // which no payment could be before
}

// Of a note's lateness only its length used to be kept. From 00990 on it ends on a day, so that it is forgotten in time.
func TestLatenessOfOlderNotesEndsWithTheLoanOrItsLastChange(t *testing.T) {
	t.Parallel()
	l := migratedBelow(t, "00990")
	l.rows.SetMaxOpenConns(1)
	l.exec("SET foreign_key_checks = 0")
	for i, note := range []struct{ status, unpaid, settled, days string }{
		{"settled", "NULL", "'2026-03-04'", "12"}, {"outstanding", "'2026-09-01'", "NULL", "3"}, {"outstanding", "'2026-09-01'", "NULL", "0"},
	} {
		l.exec(fmt.Sprintf(`INSERT INTO loan_notes (id, note_no, application_id, branch_id, borrower_id, disbursement_id, renews_note_id, amount, repayment_method, annual_rate_pct, starts_on, ends_on,
			principal_repaid, interest_paid, reversed, handed_over, status, unpaid_from, days_past_due_max, settled_on, version, created_at, updated_at)
			VALUES ('%[1]d', '%[1]d', 'a', 'b', 'c', '%[1]d', NULL, 100, 'lump_sum', 3.65, '2026-01-01', '2026-12-01', %[2]s, 0, 0, 0, '%[3]s', %[4]s, %[5]s, %[6]s, 2, '2026-01-01', '2026-08-23 09:00:00')`,
			i, map[bool]string{true: "100", false: "0"}[note.status == "settled"], note.status, note.unpaid, note.days, note.settled))
	}
	for _, file := range []string{"00990_add_loan_note_late.sql", "00991_fill_loan_note_late.sql", "00992_require_loan_note_late.sql"} {
		l.apply(file)
	}
	want := []string{`[{"days": 12, "until": "2026-03-04"}]`, `[{"days": 3, "until": "2026-08-23"}]`, "[]"}
	if diff := cmp.Diff(want, l.schemaRows("SELECT late FROM loan_notes ORDER BY id")); diff != "" {
		t.Errorf("late (-want +got):\n%s", diff)
	}
}

// Several reversals of one return could be entered before 00965: one of them gets its key, the others none, and none is lost.
func TestOfReversalsThatStandTwiceOneHasTheKeyOfTheReturn(t *testing.T) {
	t.Parallel()
	l := migratedBelow(t, "00965")
	l.rows.SetMaxOpenConns(1)
	l.exec("SET foreign_key_checks = 0")
	for i, r := range []struct{ transfer, reference, status string }{
		{"a", "TH-1", "rejected"}, {"a", "TH-1", "requested"}, {"a", "TH-1", "requested"}, {"a", "TH-2", "requested"}, {"a", "TH-2", "confirmed"}, {"b", "TH-1", "confirmed"},
	} {
		l.exec(`INSERT INTO reversals (id, transfer_id, disbursement_id, application_id, branch_id, borrower_id, amount, reason, channel_reference, status, requested_by, requested_at, decided_by, version)
			VALUES (?, ?, 'd', 'e', 'f', 'g', 1, '退汇', ?, ?, 'h', '2026-11-01 00:00:00', IF(? = 'requested', NULL, 'i'), 1)`, fmt.Sprint(i), r.transfer, r.reference, r.status, r.status)
	}
	for _, file := range []string{"00965_add_reversal_live_reference.sql", "00966_fill_reversal_live_reference.sql"} {
		l.apply(file)
	}
	want := []string{"0 -", "1 TH-1", "2 -", "3 -", "4 TH-2", "5 TH-1"}
	if diff := cmp.Diff(want, l.schemaRows("SELECT id, IFNULL(live_reference, '-') FROM reversals ORDER BY id")); diff != "" {
		t.Errorf("live references (-want +got):\n%s", diff)
	}
}
