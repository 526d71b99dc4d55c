package repository_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/origination"
)

// planRows is how many applications a plan is made over: enough for the optimiser to take an index seriously.
const planRows = 10_000

// planRow is one row of EXPLAIN.
type planRow struct {
	table, access, key, extra string
	rows                      int
}

func (s planRow) String() string {
	return fmt.Sprintf("%s: %s by %q, %d rows, %s", s.table, s.access, s.key, s.rows, s.extra)
}

// scratch is what a plan may scan in full: tables that do not grow with business, and results the server made for itself.
func scratch(table string) bool {
	return table == "" || table == "branch_ancestors" || table == "branches" || table == "lender_limits" || strings.HasPrefix(table, "<")
}

// capture runs something and returns every statement that GORM made of it, with its values in place.
func (l *ledger) capture(run func() error) (statements []string) {
	l.t.Helper()
	db := l.store.Database()
	remember := func(tx *gorm.DB) {
		if tx.DryRun {
			return // a subquery: it is part of the statement that follows
		}
		statements = append(statements, tx.Explain(tx.Statement.SQL.String(), tx.Statement.Vars...))
	}
	l.must(db.Callback().Query().After("gorm:query").Register("plan:capture", remember))
	l.must(db.Callback().Raw().After("gorm:raw").Register("plan:capture", remember))
	l.must(db.Callback().Row().After("gorm:row").Register("plan:capture", remember))
	defer func() {
		l.must(db.Callback().Query().Remove("plan:capture"))
		l.must(db.Callback().Raw().Remove("plan:capture"))
		l.must(db.Callback().Row().Remove("plan:capture"))
	}()
	// The bulk rows of payments hold no account that could be opened; what is looked at is how they are found. And who looks
	// for what is out of scope finds nothing.
	if err := run(); err != nil && !strings.Contains(err.Error(), "decrypt") && !strings.HasSuffix(domain.CodeOf(err), "-not-found") {
		l.t.Errorf("run: %v", err)
	}
	if len(statements) == 0 {
		l.t.Error("no statement was captured")
	}
	return statements
}

func explain(t testing.TB, connection *sql.Conn, statement string) (steps []planRow) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("EXPLAIN %s: %v", statement, err)
		}
	}
	rows, err := connection.QueryContext(t.Context(), "EXPLAIN "+statement)
	must(err)
	defer rows.Close()
	columns, err := rows.Columns()
	must(err)
	for rows.Next() {
		cells := make([]sql.NullString, len(columns))
		to := make([]any, len(columns))
		byName := map[string]*sql.NullString{}
		for i := range cells {
			to[i], byName[strings.ToLower(columns[i])] = &cells[i], &cells[i]
		}
		must(rows.Scan(to...))
		step := planRow{table: byName["table"].String, access: byName["type"].String, key: byName["key"].String, extra: byName["extra"].String}
		_, _ = fmt.Sscan(byName["rows"].String, &step.rows)
		steps = append(steps, step)
	}
	must(rows.Err())
	if len(steps) == 0 {
		t.Errorf("no plan for %s", statement)
	}
	return steps
}

// planID is the n-th id of a kind in a statement over numbers.
func planID(kind string) string {
	return "CONCAT('0189" + kind + "000-0000-7000-8000-', LPAD(LOWER(HEX(n)), 12, '0'))"
}

// fillCases puts in a few thousand cases spread over the three branches, one borrower in a hundred each, most of them
// closed long ago, as in a lender that has been at work for years.
func (l *ledger) fillCases() {
	l.t.Helper()
	l.fillDigits()
	l.exec(`INSERT INTO borrowers (id, branch_id, officer_id, kind, name, business_name, id_number_cipher, id_number_last4, credit_code_cipher,
		credit_code_last4, region_code, area_code, address_cipher, organisation_cipher, version, created_at)
		SELECT ` + planID("c") + `, branch_id, officer_id, kind, name, business_name, id_number_cipher, id_number_last4, credit_code_cipher,
		credit_code_last4, region_code, area_code, address_cipher, organisation_cipher, version, created_at
		FROM ` + numbers + " s JOIN (SELECT * FROM borrowers LIMIT 1) b WHERE n < 400")
	l.exec("INSERT INTO applications (id, application_no, branch_id, officer_id, borrower_id, region_code, product_code, amount, term_months, repayment_method,"+
		" purpose, purpose_note, bureau_confirmation_no, status, decision_id, approved_amount, approved_term_months, approved_rate_pct, approved_at, version, created_at, updated_at)"+
		" SELECT "+planID("a")+", CONCAT('LA-', n), ELT(1 + n % 3, ?, ?, ?), ?, CONCAT('0189c000-0000-7000-8000-', LPAD(LOWER(HEX(n % 400)), 12, '0')),"+
		" '371503901201', 'QLFMD', 50000, 12, 'lump_sum', 'facility', '', '', IF(n % 10 = 0, 'draft', 'closed'), "+planID("d")+
		", 50000, 12, 3.65, '2026-01-01 00:00:00', 1, '2026-01-01 00:00:00', '2026-01-01 00:00:00' FROM "+numbers+" s WHERE n < ?",
		ledgerCounty, ledgerTownship, ledgerSibling, ledgerOfficer, planRows)
	l.exec("INSERT INTO contracts (application_id, branch_id, borrower_id, contract_no, signed_on, amount, term_months, repayment_method, annual_rate_pct, reference_rate_pct, reference_published_on, apr_effective_pct, interest_total, fees_total, fees_upfront, payee_name, payee_account_cipher, payee_bank_name, recorded_by, recorded_at) SELECT id, branch_id, borrower_id, CONCAT('HT-', application_no), '2026-01-02', amount, term_months, repayment_method, 3.65, 3.45, '2026-01-01', '3.7', 0, 0, 0, '王吉华', '', '', officer_id, created_at FROM applications WHERE id LIKE '0189a%' AND status = 'closed'")
}

// fillForPlans is fillCases with payments and what follows them, histories, and versions of products.
func (l *ledger) fillForPlans() {
	l.t.Helper()
	l.fillCases()
	l.exec("INSERT INTO events (subject_id, version, subject, case_id, branch_id, action, from_status, to_status, actor_id, actor_name, actor_role, at, detail) SELECT id, 1, 'application', id, branch_id, 'create', '', status, officer_id, '员工', 'loan_officer', created_at, '[]' FROM applications WHERE id LIKE '0189a%'")
	l.exec("INSERT INTO instalments (application_id, number, branch_id, due_on, days, opening_balance, principal, interest, fees, total, closing_balance) SELECT application_id, 1, branch_id, '2027-01-02', 365, amount, amount, 0, 0, amount, 0 FROM contracts WHERE contract_no LIKE 'HT-LA-%'")
	l.exec("INSERT INTO disbursements (id, application_id, branch_id, borrower_id, amount, status, requested_by, requested_at, released_by, released_at, settled_at, version) SELECT INSERT(id, 1, 5, '0189d'), id, branch_id, borrower_id, amount, 'succeeded', officer_id, created_at, ?, created_at, created_at, 4 FROM applications WHERE id LIKE '0189a%' AND status = 'closed'", ledgerReleaser)
	l.exec("UPDATE disbursements SET status = 'unknown' WHERE id LIKE '%00'")
	l.exec("INSERT INTO transfers (id, disbursement_id, application_id, branch_id, borrower_id, number, method, amount, reversed_amount, payee_name, payee_account_cipher, payee_account_last4, payee_bank_name, document_reference, document_sha256, status, sent_at, settled_at, channel_reference, failure_code, failure_reason, work_due_at, attempts, last_error, version) SELECT INSERT(id, 1, 5, '0189f'), id, application_id, branch_id, borrower_id, 1, 'self_payment', amount, 0, '王吉华', 'x', '0123', '', '', '', status, released_at, settled_at, '', '', '', IF(status = 'unknown', '2026-11-01 00:00:00', NULL), 1, '', 4 FROM disbursements WHERE id LIKE '0189d%'")
	l.exec("INSERT INTO holds SELECT INSERT(id, 1, 5, '0189e'), application_id, branch_id, borrower_id, '核实中', '2026-12-31 00:00:00', requested_by, requested_at, NULL, requested_at, '', 'ended', 2 FROM disbursements WHERE id LIKE '0189d%'")
	l.exec("UPDATE holds SET status = 'live', released_at = NULL WHERE id LIKE '%00'")
	l.exec("INSERT INTO reversals SELECT INSERT(id, 1, 5, '0189e'), id, disbursement_id, application_id, branch_id, borrower_id, 1, '退汇', 'TH-1', NULL, 'rejected', ?, settled_at, ?, settled_at, 2 FROM transfers WHERE id LIKE '0189f%'", ledgerOfficer, ledgerReleaser)
	l.exec("UPDATE reversals SET status = 'requested', live_reference = channel_reference, decided_by = NULL, decided_at = NULL WHERE id LIKE '%00'")
	l.exec("INSERT INTO obligations SELECT id, id, application_id, branch_id, borrower_id, '2026-12-01', 'fulfilled', 'x', 'y', requested_by, requested_at, requested_at FROM disbursements WHERE id LIKE '0189d%'")
	l.exec("UPDATE obligations SET status = 'open', document_reference = '', document_sha256 = '', fulfilled_by = NULL, fulfilled_at = NULL WHERE id LIKE '%00'")
	l.fillLinesForPlans()
	l.exec("INSERT INTO idempotency_keys (actor_id, idempotency_key, fingerprint, result_id, created_at) SELECT ?, CONCAT('key-', n), REPEAT('0', 64), "+planID("a")+", DATE_ADD('2026-01-01 00:00:00', INTERVAL n MINUTE) FROM "+numbers+" s WHERE n < ?", ledgerOfficer, planRows)
	l.exec("INSERT INTO product_versions (id, product_code, region_prefix, effective_from, effective_to, status, made_by, made_at, activated_by, activated_at, revision, base_id, document) SELECT " + planID("e") + `, product_code, CONCAT(36 + n % 2, LPAD(n DIV 10, 4, '0')), DATE_ADD('2020-01-01', INTERVAL n DAY), NULL, 'draft', made_by, made_at, NULL, NULL, 0, base_id, document
		FROM ` + numbers + " s JOIN (SELECT * FROM product_versions LIMIT 1) v WHERE n < 2000")
	l.exec("ANALYZE TABLE borrowers, applications, events, contracts, instalments, disbursements, transfers, holds, reversals, obligations, idempotency_keys, product_versions, branch_ancestors, branches," +
		" credit_lines, loan_notes, loan_note_instalments, repayments, draws, reconciliations, reconciliation_cases")
}

// fillLinesForPlans gives every paid case its line, note and repayment, and the lender a reconciliation of each of a thousand days.
func (l *ledger) fillLinesForPlans() {
	l.t.Helper()
	l.exec("INSERT INTO credit_lines (application_id, id, branch_id, borrower_id, credit_limit, revolving, starts_on, ends_on, draw_min, draw_max, reserved, outstanding, overdrawn, drawn_total, taken_over_total, reversed_total, repaid_total, handed_over_total, notes_count, notes_missing, status, version, created_at, updated_at)" +
		" SELECT application_id, INSERT(application_id, 1, 5, '01891'), branch_id, borrower_id, amount, 1, signed_on, '2027-01-02', 0, 0, 0, amount, 0, amount, 0, 0, 0, 0, 1, application_id LIKE '%00', 'live', 1, recorded_at, recorded_at FROM contracts WHERE contract_no LIKE 'HT-LA-%'")
	l.exec("INSERT INTO loan_notes (id, note_no, application_id, branch_id, borrower_id, disbursement_id, renews_note_id, amount, repayment_method, annual_rate_pct, starts_on, ends_on, principal_repaid, interest_paid, reversed, handed_over, status, unpaid_from, days_past_due_max, late, settled_on, version, created_at, updated_at)" +
		" SELECT INSERT(application_id, 1, 5, '01892'), CONCAT(contract_no, '-001'), application_id, branch_id, borrower_id, INSERT(application_id, 1, 5, '0189d'), NULL, amount, repayment_method, 3.65, signed_on, '2027-01-02', 0, 0, 0, 0, 'outstanding', '2027-01-02', 0, '[]', NULL, 1, recorded_at, recorded_at FROM contracts WHERE contract_no LIKE 'HT-LA-%'")
	l.exec("INSERT INTO loan_note_instalments (note_id, number, branch_id, due_on, days, opening_balance, principal, interest, fees, total, closing_balance) SELECT id, 1, branch_id, ends_on, 365, amount, amount, 0, 0, amount, 0 FROM loan_notes")
	l.exec("INSERT INTO repayments (id, repayment_no, note_id, application_id, branch_id, borrower_id, paid_on, principal, interest, status, received_at, reversal_no, reversed_on, reversed_at, version)" +
		" SELECT INSERT(id, 1, 5, '01893'), CONCAT('HX-', note_no), id, application_id, branch_id, borrower_id, '2026-02-01', 1, 0, 'applied', created_at, NULL, NULL, NULL, 1 FROM loan_notes")
	l.exec("INSERT INTO draws SELECT id, application_id, branch_id, amount, 12, requested_by, requested_at FROM disbursements WHERE id LIKE '0189d%'")
	l.exec("INSERT INTO reconciliations SELECT CONCAT('01894000-0000-7000-8000-', LPAD(LOWER(HEX(n)), 12, '0')), ?, DATE_ADD('2020-01-01', INTERVAL n DAY), 'csv', SHA2(n, 256), DATE_ADD('2020-01-01', INTERVAL n DAY), SHA2(n, 256), 1, 1, 0, 0, 0, 1, IF(n % 100 = 0, 1, 0), IF(n % 100 = 0, 0, 1), IF(n % 100 = 0, 'open', 'closed'), ?, '李放款', '2026-01-01 00:00:00', IF(n % 100 = 0, NULL, ?), IF(n % 100 = 0, NULL, '2026-01-02 00:00:00'), '', 2 FROM "+numbers+" s WHERE n < 1000", ledgerHead, ledgerReleaser, ledgerOfficer)
	l.exec("INSERT INTO reconciliation_cases SELECT INSERT(id, 1, 5, '01895'), '01894000-0000-7000-8000-000000000000', branch_id, 'missing_here', 1, NULL, 'X', 1, 0, '', ?, '李放款', '2026-01-04', 'open', '', NULL, NULL, '2026-01-01 00:00:00', 1 FROM reconciliations", ledgerReleaser)
}

// checkLines looks at how lines, notes, repayments and reconciliations are read.
func (l *ledger) checkLines(check func(name string, readsMax int, inOrder bool, run func() error)) {
	ctx, everything := l.t.Context(), ledgerEverything
	const application, note, disbursement = domain.ID("0189a000-0000-7000-8000-000000000d01"), domain.ID("01892000-0000-7000-8000-000000000d01"), domain.ID("0189d000-0000-7000-8000-000000000d01")
	page := domain.Page{Limit: domain.PageLimitDefault}
	for scopeName, scope := range map[string]domain.Scope{"a branch": {BranchID: ledgerCounty}, "a worker": everything} {
		check("Line for "+scopeName, planReadsOfOne, false, func() error { _, err := l.store.Line(ctx, scope, application); return err })
		check("LoanNote for "+scopeName, planReadsOfOne, false, func() error { _, err := l.store.LoanNote(ctx, scope, note); return err })
	}
	check("LinesPastEnd", planReadsOfOne, false, func() error {
		_, err := l.store.LinesPastEnd(ctx, domain.MustParseDate("2026-01-02"), "", 8)
		return err
	})
	for name, read := range map[string]func() error{
		"LiveRenewal": func() error { _, _, err := l.store.LiveRenewal(ctx, application); return err },
		"NotesOfCase": func() error { _, err := l.store.NotesOfCase(ctx, application); return err },
		"LoanNotes":   func() error { _, err := l.store.LoanNotes(ctx, application, page); return err },
		"NotesOfBorrower": func() error {
			_, err := l.store.NotesOfBorrower(ctx, "0189c000-0000-7000-8000-000000000007")
			return err
		},
		"NoteInstalments": func() error { _, err := l.store.NoteInstalments(ctx, note); return err },
		"Repayments":      func() error { _, err := l.store.Repayments(ctx, note); return err },
		"RepaymentByNo":   func() error { _, err := l.store.RepaymentByNo(ctx, "HX-HT-LA-3329-001"); return err },
		"Draw":            func() error { _, _, err := l.store.Draw(ctx, disbursement); return err },
		"Draws":           func() error { _, err := l.store.Draws(ctx, application, page); return err },
	} {
		check(name, planReadsOfOne, true, read)
	}
	check("LinesWithoutNotes", planReadsOfOne, true, func() error { _, err := l.store.LinesWithoutNotes(ctx, application, 10); return err })
	readsMax := planReadsPerRow * page.Limit
	for scopeName, scope := range map[string]domain.Scope{"the head": {BranchID: ledgerHead}, "a worker": everything} {
		for _, status := range []loan.ReconciliationStatus{"", loan.ReconciliationOpen} {
			check(fmt.Sprintf("Reconciliations of %s, %q", scopeName, status), readsMax, status == "",
				func() error { _, err := l.store.Reconciliations(ctx, scope, status, page); return err })
		}
		check("ReconciliationOfFile for "+scopeName, planReadsOfOne, false, func() error {
			_, _, err := l.store.ReconciliationOfFile(ctx, scope, strings.Repeat("a", loan.SHA256HexLength))
			return err
		})
	}
	const day = domain.ID("01894000-0000-7000-8000-000000000000")
	for _, status := range []loan.ReconciliationCaseStatus{"", loan.ReconciliationCaseOpen} {
		check(fmt.Sprintf("ReconciliationCases, %q", status), readsMax, true, func() error { _, err := l.store.ReconciliationCases(ctx, day, status, page); return err })
	}
	check("AbandonedImports", planReadsOfOne, false, func() error { _, err := l.store.AbandonedImports(ctx, ledgerStart, 5); return err })
}

// rowsRead runs a statement and returns how many rows and index entries the server read for it.
func rowsRead(t testing.TB, connection *sql.Conn, statement string) (read int) {
	t.Helper()
	counted := func() (sum int) {
		rows, err := connection.QueryContext(t.Context(), "SHOW SESSION STATUS LIKE 'Handler_read%'")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var name string
			var value int
			if err := rows.Scan(&name, &value); err != nil {
				t.Fatal(err)
			}
			sum += value
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		return sum
	}
	before := counted()
	between := counted() - before // what counting itself reads
	before = counted()
	rows, err := connection.QueryContext(t.Context(), statement)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	drain(t, rows)
	return counted() - before - between
}

// drain reads all rows to the end, so that the server has read what it had to.
func drain(t testing.TB, rows *sql.Rows) {
	t.Helper()
	defer rows.Close()
	for rows.Next() {
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

func TestEveryListAndWorkerGoesByAnIndex(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	l.update(func(tx origination.Tx) error {
		if err := tx.PutProduct(t.Context(), ledgerProduct("QLFMD")); err != nil {
			return err
		}
		_, err := tx.InsertProductVersion(t.Context(), ledgerVersion(l.newID(), "QLFMD", "37", "2022-02-01"))
		return err
	})
	l.fillForPlans()
	r, _ := l.addSigned(ledgerCounty)
	d := l.addDisbursement(l.payment(r))
	l.update(func(tx origination.Tx) error { return tx.InsertDecision(t.Context(), ledgerDecision(r)) })

	ctx := t.Context()
	ofBorrower := domain.ID("0189c000-0000-7000-8000-000000000007")
	scopes := map[string]domain.Scope{
		"a branch without branches below": {BranchID: ledgerTownship}, "a branch with some below": {BranchID: ledgerCounty},
		"the head": {BranchID: ledgerHead}, "a borrower": {BorrowerID: ofBorrower},
	}
	connection := l.likeTheStores()
	// check runs a read and looks at every statement it makes: by its plan, and by how many rows and index entries the server
	// reads for it. inOrder says that an index gives the rows in their order, so nothing is sorted.
	check := func(name string, readsMax int, inOrder bool, run func() error) {
		t.Helper()
		for _, statement := range l.capture(run) {
			for _, step := range explain(t, connection, statement) {
				if !scratch(step.table) && (step.access == "ALL" || (step.access == "index" && step.rows > readsMax)) {
					t.Errorf("%s scans a growing table (%s):\n%s", name, step, statement)
				}
				if inOrder && strings.Contains(step.extra, "filesort") {
					t.Errorf("%s sorts what an index could give in order (%s):\n%s", name, step, statement)
				}
			}
			if read := rowsRead(t, connection, statement); read > readsMax {
				t.Errorf("%s reads %d rows, want at most %d (%v):\n%s", name, read, readsMax, explain(t, connection, statement), statement)
			}
		}
	}
	after := domain.ID("0189a000-0000-7000-8000-000000000d00")
	for scopeName, scope := range scopes {
		for _, page := range []domain.Page{{Limit: domain.PageLimitDefault}, {Limit: domain.PageLimitMax, After: after}} {
			readsMax := planReadsPerRow * page.Limit
			for _, f := range []origination.ApplicationFilter{
				{}, {Status: loan.StatusDraft}, {Status: loan.StatusReviewing}, {BorrowerID: ofBorrower}, {Status: loan.StatusDraft, BorrowerID: ofBorrower},
			} {
				check(fmt.Sprintf("Applications of %s, %+v, %+v", scopeName, f, page), readsMax, f.Status == "",
					func() error { _, err := l.store.Applications(ctx, scope, f, page); return err })
			}
			page.After = domain.ID(strings.Replace(page.After.String(), "0189a", "0189d", 1)) // the payments have the ids of their applications
			for _, f := range []origination.DisbursementFilter{
				{},
				{Status: loan.DisbursementUnknown},
				{Status: loan.DisbursementRequested},
				{ApplicationID: r.ID},
				{Status: loan.DisbursementRequested, ApplicationID: r.ID},
			} {
				check(fmt.Sprintf("Disbursements of %s, %+v, %+v", scopeName, f, page), readsMax, f.Status == "",
					func() error { _, err := l.store.Disbursements(ctx, scope, f, page); return err })
			}
		}
	}
	for scopeName, scope := range scopes {
		for _, page := range []domain.Page{{Limit: domain.PageLimitDefault}, {Limit: domain.PageLimitMax, After: "0189e000-0000-7000-8000-000000000d00"}} {
			readsMax := planReadsPerRow * page.Limit
			name := fmt.Sprintf("of %s, %+v", scopeName, page)
			for _, f := range []origination.HoldFilter{{}, {LiveAt: ledgerStart}, {ApplicationID: r.ID}} {
				check(fmt.Sprintf("Holds %s, %+v", name, f), readsMax, false, func() error { _, err := l.store.Holds(ctx, scope, f, page); return err })
			}
			for _, f := range []origination.ReversalFilter{{}, {Status: loan.ReversalRequested}} {
				check(fmt.Sprintf("Reversals %s, %+v", name, f), readsMax, false, func() error { _, err := l.store.Reversals(ctx, scope, f, page); return err })
			}
			for _, f := range []origination.ObligationFilter{{}, {Open: true}, {Open: true, DueBy: domain.MustParseDate("2026-12-31")}} {
				check(fmt.Sprintf("Obligations %s, %+v", name, f), readsMax, false, func() error { _, err := l.store.Obligations(ctx, scope, f, page); return err })
			}
		}
	}
	check("OverdueObligation", planReadsOfOne, false, func() error {
		_, _, err := l.store.OverdueObligation(ctx, r.ID, domain.MustParseDate("2027-01-01"))
		return err
	})
	check("HeldUntil", planReadsOfOne, false, func() error { _, _, err := l.store.HeldUntil(ctx, r.ID, ledgerStart); return err })
	check("HoldsEnded", planReadsOfOne, true, func() error { _, err := l.store.HoldsEnded(ctx, ledgerStart, 8); return err })
	check("OpenReversals", planReadsOfOne, false, func() error { _, err := l.store.OpenReversals(ctx, d.Transfers[0].ID); return err })
	check("ReversalOfReturn", planReadsOfOne, false, func() error { _, err := l.store.ReversalOfReturn(ctx, d.Transfers[0].ID, "TH-1"); return err })
	check("OpenReversalsOfCase", planReadsOfOne, false, func() error { _, err := l.store.OpenReversalsOfCase(ctx, r.ID); return err })
	check("DisbursementsOfCase", planReadsOfOne, false, func() error { _, err := l.store.DisbursementsOfCase(ctx, r.ID); return err })
	for scopeName, scope := range map[string]domain.Scope{"a branch": {BranchID: ledgerCounty}, "the borrower": {BorrowerID: r.BorrowerID}, "a worker": {Everything: true}} {
		for name, read := range l.applicationReads(r, "01900000-0000-7000-8000-0000000000d1", d.ID) {
			if strings.HasPrefix(name, "Applications") || strings.HasPrefix(name, "Disbursements") {
				continue // the lists above
			}
			// The events of one case are few, and sorted once read.
			check(name+" for "+scopeName, planReadsOfOne, name != "Events", func() error { _, err := read(scope); return err })
		}
	}
	l.checkLines(check)
	check("DueTransfers", planReadsOfOne, true, func() error { _, err := l.store.DueTransfers(ctx, ledgerStart, 8); return err })
	check("ProductVersions", planReadsOfOne, false, func() error { _, err := l.store.ProductVersions(ctx, "QLFMD", "370001901201"); return err })
	check("ProductVersion", planReadsOfOne, true, func() error {
		_, err := l.store.ProductVersion(ctx, "0189e000-0000-7000-8000-000000000007")
		return err
	})
	check("DeleteIdempotencyKeys", planReadsOfOne, true, func() error {
		return l.store.Update(ctx, func(tx origination.Tx) error {
			_, err := tx.DeleteIdempotencyKeys(ctx, time.Date(2026, 1, 1, 1, 0, 0, 0, time.UTC), 10)
			return err
		})
	})
}

// How many rows and index entries a statement may read: for a list, a multiple of what the page shows, because a filter and
// a scope may both drop rows of the index that is walked; for one thing, what belongs to one case.
const (
	planReadsPerRow = 20
	planReadsOfOne  = 100
)

// likeTheStores is a connection with the session of the store's own.
func (l *ledger) likeTheStores() *sql.Conn {
	l.t.Helper()
	pool, err := l.store.Database().DB()
	l.must(err)
	connection, err := pool.Conn(l.t.Context())
	l.must(err)
	l.t.Cleanup(func() { _ = connection.Close() })
	return connection
}

// numbers is a table of the numbers from 0 to 9,999 for filling other tables, once fillDigits has made its digits.
const numbers = "(SELECT a.d + 10*b.d + 100*c.d + 1000*e.d AS n FROM digits a JOIN digits b JOIN digits c JOIN digits e)"

func (l *ledger) fillDigits() {
	l.t.Helper()
	l.exec("CREATE TABLE digits (d INT PRIMARY KEY)")
	l.exec("INSERT INTO digits VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)")
}

// wantFewReads runs a read and wants each of its statements to scan no growing table and to read no more rows and index
// entries than it may.
func (l *ledger) wantFewReads(name string, readsMax int, run func() error) {
	l.t.Helper()
	connection := l.likeTheStores()
	defer connection.Close()
	for _, statement := range l.capture(run) {
		for _, step := range explain(l.t, connection, statement) {
			if !scratch(step.table) && (step.access == "ALL" || (step.access == "index" && step.rows > readsMax)) {
				l.t.Errorf("%s scans a growing table (%s):\n%s", name, step, statement)
			}
		}
		if read := rowsRead(l.t, connection, statement); read > readsMax {
			l.t.Errorf("%s reads %d rows, want at most %d (%v):\n%s", name, read, readsMax, explain(l.t, connection, statement), statement)
		}
	}
}
