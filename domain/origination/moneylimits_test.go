package origination_test

import (
	"fmt"
	"strings"
	"testing"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/origination"
)

// upTo10000 is a table of the numbers from 0 to 9,999.
const upTo10000 = "(SELECT a.d + 10*b.d + 100*c.d + 1000*e.d AS n FROM " + digits + " a JOIN " + digits + " b JOIN " + digits + " c JOIN " + digits + " e) numbers"

const digits = "(SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)"

// numbered is an id for each row of upTo10000.
const numbered = "CONCAT('01900000-0000-7000-8000-', LPAD(LOWER(HEX(n)), 12, '0'))"

func TestTheMoneysWayHasItsLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, officer := t.Context(), w.somebody(domain.RoleLoanOfficer)

	rec, note := w.lent(officer, "50000.00")
	w.execute("INSERT INTO repayments (id, repayment_no, note_id, application_id, branch_id, borrower_id, paid_on, principal, interest, status, received_at, version)"+
		" SELECT "+numbered+", CONCAT('HX-', n), l.id, l.application_id, l.branch_id, l.borrower_id, l.starts_on, 0, 0.01, 'applied', l.created_at, 1 FROM loan_notes l JOIN "+upTo10000+" WHERE l.id = ? AND n < ?",
		note.ID, loan.RepaymentsOfNoteMax)
	_, _, err := w.lines().Repay(ctx, w.core(), repayment(note.ID, "HX-LAST", "1.00", "0.00", domain.DateOf(w.now())))
	wantCode(t, "a repayment more than a note can have", err, "too-many-repayments")

	d := w.released(officer, "60000.00")
	w.execute("INSERT INTO loan_notes (id, note_no, application_id, branch_id, borrower_id, disbursement_id, amount, repayment_method, annual_rate_pct, starts_on, ends_on, principal_repaid, interest_paid, reversed, handed_over, status, days_past_due_max, late, version, created_at, updated_at)"+
		" SELECT "+numbered+", CONCAT('JJ-', n), application_id, branch_id, borrower_id, id, 1, 'lump_sum', 3.65, DATE_ADD('2000-01-01', INTERVAL n DAY), '2027-01-01', 0, 0, 1, 0, 'reversed', 0, '[]', 1, requested_at, requested_at FROM disbursements JOIN "+upTo10000+" WHERE id = ? AND n < ?",
		d.ID, loan.NotesOfCaseMax)
	w.work()
	w.wantNotBooked("with as many notes as a case can have", d, fmt.Sprintf("最多 %d 张借据", loan.NotesOfCaseMax))

	w.execute("INSERT INTO disbursements (id, application_id, branch_id, borrower_id, tranche, amount, status, requested_by, requested_at, settled_at, version)"+
		" SELECT "+numbered+", application_id, branch_id, borrower_id, 0, 1, 'cancelled', requested_by, requested_at, requested_at, 2 FROM disbursements JOIN "+upTo10000+" WHERE application_id = ? AND n < ?",
		rec.ID, loan.DisbursementsOfOneCaseMax-1)
	w.execute("INSERT INTO transfers (id, disbursement_id, application_id, branch_id, borrower_id, number, method, amount, reversed_amount, payee_name, payee_account_cipher, payee_account_last4, payee_bank_name, document_reference, document_sha256, status, settled_at, channel_reference, failure_code, failure_reason, attempts, last_error, version)"+
		" SELECT id, id, application_id, branch_id, borrower_id, 1, 'self_payment', amount, 0, '王吉华', '', '', '', '', '', 'cancelled', settled_at, '', '', '', 0, '', 2 FROM disbursements WHERE application_id = ? AND status = 'cancelled'", rec.ID)
	w.execute("UPDATE credit_lines SET outstanding = 0, repaid_total = drawn_total WHERE application_id = ?", rec.ID)
	_, _, err = w.disbursements.Request(ctx, officer, key(), all(rec.ID))
	wantCode(t, "a payment more than a case can have", err, "too-many-disbursements")

	var file strings.Builder
	file.WriteString("transfer_id,amount,currency,paid_at,reference\n")
	today := domain.DateOf(w.now())
	for n := range loan.ReconciliationCasesMax + 1 {
		fmt.Fprintf(&file, "X-%d,1.00,CNY,%s,\n", n, today)
	}
	_, _, err = w.imports(w.headOfficer(), today, origination.DayFileCSV, file.String())
	wantCode(t, "a file with more differences than a day can have", err, "too-many-differences")
	if n := w.count("SELECT COUNT(*) FROM reconciliation_entries"); n != 0 {
		t.Errorf("%d rows are left of the refused file, want none", n)
	}
}
