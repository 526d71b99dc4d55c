package repository_test

import (
	"fmt"

	"fumin/domain/loan"
	"fumin/domain/money"
)

// ledgerPart is a small part of a line.
var ledgerPart = money.MustParseAmount("1000.00")

// nobodysID is an id that no row has.
const nobodysID = "01900000-0000-7000-8000-000000000999"

// lineRefusals has a case for every CHECK, UNIQUE and FOREIGN KEY of the tables of lines, notes and repayments.
var lineRefusals = []refusal{
	{"uk_credit_lines_id", "UPDATE credit_lines SET id = 'one id for all'"},
	{"fk_credit_lines_application", "UPDATE credit_lines SET application_id = '" + nobodysID + "' WHERE application_id = '{signed}'"},
	{"fk_credit_lines_branch", "UPDATE credit_lines SET branch_id = '" + nobodysID + "'"},
	{"fk_credit_lines_borrower", "UPDATE credit_lines SET borrower_id = '" + nobodysID + "'"},
	{"ck_credit_lines_status", "UPDATE credit_lines SET status = 'paused'"},
	{"ck_credit_lines_version", "UPDATE credit_lines SET version = 0"},
	{"ck_credit_lines_limit", "UPDATE credit_lines SET draw_min = -0.01"},
	{"ck_credit_lines_limit", "UPDATE credit_lines SET draw_max = -0.01"},
	{"ck_credit_lines_dates", "UPDATE credit_lines SET ends_on = starts_on"},
	{"ck_credit_lines_signs", "UPDATE credit_lines SET reserved = -0.01"},
	{"ck_credit_lines_totals", "UPDATE credit_lines SET repaid_total = -0.01, outstanding = outstanding + 0.01"},
	{"ck_credit_lines_outstanding", "UPDATE credit_lines SET outstanding = outstanding + 0.01"},
	{"ck_credit_lines_revolving", "UPDATE credit_lines SET reserved = credit_limit"},
	{"ck_credit_lines_once", "UPDATE credit_lines SET revolving = 0, reserved = credit_limit"},

	{"uk_loan_notes_note_no", "UPDATE loan_notes SET note_no = 'one number for all'"},
	{"uk_loan_notes_disbursement", "UPDATE loan_notes SET disbursement_id = '{payment}' WHERE disbursement_id IS NOT NULL"},
	{"uk_loan_notes_renews", "UPDATE loan_notes SET disbursement_id = NULL, renews_note_id = (SELECT n FROM (SELECT MIN(id) n FROM loan_notes) o)"},
	{"fk_loan_notes_application", "UPDATE loan_notes SET application_id = '" + nobodysID + "'"},
	{"fk_loan_notes_branch", "UPDATE loan_notes SET branch_id = '" + nobodysID + "'"},
	{"fk_loan_notes_borrower", "UPDATE loan_notes SET borrower_id = '" + nobodysID + "'"},
	{"fk_loan_notes_disbursement", "UPDATE loan_notes SET disbursement_id = '" + nobodysID + "' WHERE disbursement_id = '{payment}'"},
	{"fk_loan_notes_renews", "UPDATE loan_notes SET renews_note_id = '" + nobodysID + "' WHERE renews_note_id IS NOT NULL"},
	{"ck_loan_notes_status", "UPDATE loan_notes SET status = 'overdue'"},
	{"ck_loan_notes_version", "UPDATE loan_notes SET version = 0"},
	{"ck_loan_notes_source", "UPDATE loan_notes SET disbursement_id = NULL, renews_note_id = NULL"},
	{"ck_loan_notes_dates", "UPDATE loan_notes SET ends_on = starts_on"},
	{"ck_loan_notes_signs", "UPDATE loan_notes SET interest_paid = -0.01"},
	{"ck_loan_notes_signs", "UPDATE loan_notes SET days_past_due_max = -1"},
	{"loan_notes.late", "UPDATE loan_notes SET late = 'ten days'"},
	{"ck_loan_notes_outstanding", "UPDATE loan_notes SET handed_over = amount + 0.01"},
	{"fk_loan_note_instalments_note", "UPDATE loan_note_instalments SET note_id = '" + nobodysID + "'"},
	{"ck_loan_note_instalments_total", "UPDATE loan_note_instalments SET total = total + 0.01"},
	{"ck_loan_note_instalments_total", "UPDATE loan_note_instalments SET closing_balance = closing_balance + 0.01"},

	{"uk_repayments_repayment_no", "UPDATE repayments SET repayment_no = 'one number for all'"},
	{"uk_repayments_reversal_no", "UPDATE repayments SET status = 'reversed', reversal_no = 'one number for all'"},
	{"fk_repayments_note", "UPDATE repayments SET note_id = '" + nobodysID + "'"},
	{"fk_repayments_application", "UPDATE repayments SET application_id = '" + nobodysID + "'"},
	{"fk_repayments_branch", "UPDATE repayments SET branch_id = '" + nobodysID + "'"},
	{"fk_repayments_borrower", "UPDATE repayments SET borrower_id = '" + nobodysID + "'"},
	{"ck_repayments_status", "UPDATE repayments SET status = 'lost'"},
	{"ck_repayments_amounts", "UPDATE repayments SET principal = 0"},
	{"ck_repayments_amounts", "UPDATE repayments SET interest = -0.01"},
	{"ck_repayments_reversed", "UPDATE repayments SET status = 'reversed'"},
	{"ck_repayments_reversed", "UPDATE repayments SET reversal_no = repayment_no"},
	{"ck_repayments_version", "UPDATE repayments SET version = 0"},
	{"fk_draws_disbursement", "UPDATE draws SET id = '" + nobodysID + "'"},
	{"fk_draws_application", "UPDATE draws SET application_id = '" + nobodysID + "'"},
	{"fk_draws_branch", "UPDATE draws SET branch_id = '" + nobodysID + "'"},
	{"ck_draws_amounts", "UPDATE draws SET amount = 0"},
	{"ck_draws_amounts", "UPDATE draws SET term_months = 0"},
}

// reconciliationRefusals has one for those of reconciliations and payment files.
var reconciliationRefusals = []refusal{
	{"uk_reconciliations_day", "UPDATE reconciliations SET live_day = '2026-01-01'"},
	{"uk_reconciliations_file", "UPDATE reconciliations SET live_file = REPEAT('a', 64)"},
	{"fk_reconciliations_branch", "UPDATE reconciliations SET branch_id = '" + nobodysID + "'"},
	{"ck_reconciliations_status", "UPDATE reconciliations SET status = 'paused'"},
	{"ck_reconciliations_open", "UPDATE reconciliations SET cases_open = -1"},
	{"ck_reconciliations_open", "UPDATE reconciliations SET cases_open = cases + 1"},
	{"ck_reconciliations_closed", "UPDATE reconciliations SET status = 'closed', ended_by = branch_id"},
	{"ck_reconciliations_closed", "UPDATE reconciliations SET status = 'closed', cases_open = 0, ended_by = imported_by"},
	{"ck_reconciliations_live", "UPDATE reconciliations SET live_day = NULL, live_file = NULL"},
	{"ck_reconciliations_live", "UPDATE reconciliations SET status = 'discarded'"},
	{"fk_reconciliation_entries_reconciliation", "UPDATE reconciliation_entries SET reconciliation_id = '" + nobodysID + "'"},
	{"ck_reconciliation_entries_amount", "UPDATE reconciliation_entries SET amount = 0"},
	{"fk_reconciliation_cases_reconciliation", "UPDATE reconciliation_cases SET reconciliation_id = '" + nobodysID + "'"},
	{"ck_reconciliation_cases_kind", "UPDATE reconciliation_cases SET kind = 'luck'"},
	{"ck_reconciliation_cases_status", "UPDATE reconciliation_cases SET status = 'lost'"},
	{"ck_reconciliation_cases_amounts", "UPDATE reconciliation_cases SET amount_there = -0.01"},
	{"ck_reconciliation_cases_two_people", "UPDATE reconciliation_cases SET status = 'resolved', explanation = '查明', resolved_by = owner_id"},
	{"ck_reconciliation_cases_resolved", "UPDATE reconciliation_cases SET status = 'resolved'"},
	{"ck_reconciliation_cases_resolved", "UPDATE reconciliation_cases SET status = 'resolved', resolved_by = branch_id"},
	{"fk_payment_files_branch", "UPDATE payment_files SET branch_id = '" + nobodysID + "'"},
	{"ck_payment_files_payments", "UPDATE payment_files SET payments = 0"},
	{"ck_payment_files_payments", "UPDATE payment_files SET control_sum = 0"},
	{"uk_payment_file_entries_number", "UPDATE payment_file_entries SET number = 1"},
	{"fk_payment_file_entries_transfer", "UPDATE payment_file_entries SET transfer_id = '" + nobodysID + "' WHERE number = 1"},
	{"fk_payment_file_entries_file", "UPDATE payment_file_entries SET file_id = '" + nobodysID + "'"},
	{"fk_payment_status_reports_file", "UPDATE payment_status_reports SET file_id = '" + nobodysID + "'"},
}

// addForRefusals puts in the rows that the refusals above start from: two lines, a note of each of two payments and one that
// renews the first, repayments, a draw; two days reconciled, and a payment file.
func (l *ledger) addForRefusals(lines []loan.Contract, payments ...loan.DisbursementRecord) {
	l.t.Helper()
	for _, c := range lines {
		r := l.ledgerLine(c)
		r.Outstanding, r.DrawnTotal = ledgerPart, ledgerPart
		l.insertLine(r)
	}
	notes := make([]loan.NoteRecord, len(payments))
	for i, d := range payments {
		notes[i] = l.ledgerNote(d)
		l.insertNote(notes[i], []loan.Instalment{{Number: 1, DueOn: notes[i].EndsOn, Principal: d.Amount, OpeningBalance: d.Amount, Total: d.Amount}})
		l.must(l.tryRepayment(ledgerRepayment(l.newID(), notes[i], fmt.Sprintf("HX-%d", i))))
	}
	heir := l.ledgerNote(payments[0])
	heir.DisbursementID, heir.RenewsNoteID = "", notes[0].ID
	l.insertNote(heir, nil)
	l.exec("INSERT INTO draws SELECT id, application_id, branch_id, amount, 12, requested_by, requested_at FROM disbursements WHERE id = ?", payments[0].ID)
	for day := range 2 {
		id := l.newID()
		l.exec("INSERT INTO reconciliations VALUES (?, ?, DATE_ADD('2026-02-01', INTERVAL ? DAY), 'csv', SHA2(?, 256), DATE_ADD('2026-02-01', INTERVAL ? DAY), SHA2(?, 256), 1, 1, 0, 0, 0, 1, 1, 0, 'open', ?, '李放款', '2026-02-02 00:00:00', NULL, NULL, '', 2)",
			id, ledgerHead, day, day, day, day, ledgerReleaser)
		l.exec("INSERT INTO reconciliation_entries VALUES (?, 1, ?, '', 'X', 1, '')", id, ledgerHead)
		l.exec("INSERT INTO reconciliation_cases VALUES (?, ?, ?, 'missing_here', 1, NULL, 'X', 1, 0, '', ?, '李放款', '2026-02-05', 'open', '', NULL, NULL, '2026-02-02 00:00:00', 1)",
			l.newID(), id, ledgerHead, ledgerReleaser)
	}
	file := l.newID()
	l.exec("INSERT INTO payment_files VALUES (?, ?, 'sealed', SHA2('', 256), 2, 2, ?, '李放款', '2026-02-02 00:00:00')", file, ledgerHead, ledgerReleaser)
	for i, d := range payments {
		l.exec("INSERT INTO payment_file_entries SELECT id, ?, branch_id, ?, amount FROM transfers WHERE disbursement_id = ?", file, i+1, d.ID)
	}
	l.exec("INSERT INTO payment_status_reports VALUES (?, SHA2('', 256), ?, ?, '李放款', '2026-02-02 00:00:00')", file, ledgerHead, ledgerReleaser)
}
