package repository_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"fumin/domain"
	"fumin/domain/money"
	"fumin/domain/origination"
	"fumin/domain/product"
)

const ledgerHousehold = domain.ID("01900000-0000-7000-8000-0000000000f7")

// tiedUp is what an application of the township's borrower ties up.
func (l *ledger) tiedUp(product, amount string, state origination.ExposureState) origination.Exposure {
	l.t.Helper()
	r := approved(l.draft(ledgerTownship))
	l.addApplication(r)
	e := origination.Exposure{
		ApplicationID: r.ID, HouseholdID: ledgerHousehold, BorrowerID: r.BorrowerID, BranchID: r.BranchID, ProductCode: product,
		Amount: money.MustParseAmount(amount), State: state, UpdatedAt: ledgerStart,
	}
	if state == origination.ExposureReserved {
		e.ApprovedAt = ledgerStart
	}
	l.update(func(tx origination.Tx) error { return tx.PutExposure(l.t.Context(), e) })
	return e
}

func TestExposureIsAddedUpByProductWithoutWhatWasReleased(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	ctx, unit := t.Context(), origination.ExposureUnit{Kind: product.ExposureHousehold, ID: ledgerHousehold}
	first := l.tiedUp("QLFMD", "99500.00", origination.ExposureReserved)
	l.tiedUp("QLFMD", "0.01", origination.ExposureCommitted)
	l.tiedUp("CYD", "200000.00", origination.ExposureCommitted)
	l.tiedUp("CYD", "0.00", origination.ExposureReleased)

	sums := func(without domain.ID) string {
		t.Helper()
		got, err := l.store.ExposureSums(ctx, unit, without)
		l.must(err)
		var text strings.Builder
		for _, s := range got {
			fmt.Fprintf(&text, "%s %s;", s.ProductCode, s.Amount)
		}
		return text.String()
	}
	if got, want := sums(""), "CYD 200000.00;QLFMD 99500.01;"; got != want {
		t.Errorf("sums: got %s, want %s", got, want)
	}
	if got, want := sums(first.ApplicationID), "CYD 200000.00;QLFMD 0.01;"; got != want {
		t.Errorf("sums without one: got %s, want %s", got, want)
	}
	first.Amount, first.State, first.ApprovedAt = money.Amount{}, origination.ExposureReleased, time.Time{}
	l.update(func(tx origination.Tx) error { return tx.PutExposure(ctx, first) })
	if got, want := sums(""), "CYD 200000.00;QLFMD 0.01;"; got != want {
		t.Errorf("sums after a release: got %s, want %s", got, want)
	}
	for scope, want := range map[domain.Scope]int{{BranchID: ledgerCounty}: 4, {BranchID: ledgerSibling}: 0, {BorrowerID: first.BorrowerID}: 4} {
		list, err := l.store.Exposures(ctx, scope, unit)
		l.must(err)
		if len(list) != want {
			t.Errorf("scope %+v sees %d cases, want %d", scope, len(list), want)
		}
	}
}

func TestTheDatabaseRefusesAnExposureThatCannotBe(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	e := l.tiedUp("QLFMD", "10.00", origination.ExposureReserved)
	for change, statement := range map[string]string{
		"negative":             "UPDATE exposures SET amount = -1",
		"released with amount": "UPDATE exposures SET state = 'released', approved_at = NULL",
		"reserved without day": "UPDATE exposures SET approved_at = NULL",
		"an unknown state":     "UPDATE exposures SET state = 'lost', approved_at = NULL",
	} {
		if _, err := l.rows.ExecContext(t.Context(), statement); err == nil {
			t.Errorf("the database took an exposure of %s that is %s", e.ApplicationID, change)
		}
	}
}

func TestExposureAndExpiryGoByAnIndex(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	l.tiedUp("QLFMD", "10.00", origination.ExposureReserved)
	l.exec("CREATE TABLE digits (d INT PRIMARY KEY)")
	l.exec("INSERT INTO digits VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)")
	id := func(prefix, n string) string {
		return "CONCAT('0189" + prefix + "000-0000-7000-8000-', LPAD(LOWER(HEX(" + n + ")), 12, '0'))"
	}
	connection, err := l.rows.Conn(t.Context())
	l.must(err)
	defer connection.Close()
	_, err = connection.ExecContext(t.Context(), "SET FOREIGN_KEY_CHECKS = 0")
	l.must(err)
	_, err = connection.ExecContext(t.Context(), "INSERT INTO exposures (application_id, household_id, borrower_id, branch_id, product_code, amount, state, approved_at, updated_at) SELECT "+
		id("a", "n")+", "+id("b", "n DIV 4")+", "+id("c", "n DIV 4")+", ?, 'QLFMD', 10, IF(n % 50 = 0, 'reserved', 'committed'), IF(n % 50 = 0, DATE_ADD('2026-01-01', INTERVAL n MINUTE), NULL), '2026-01-01'"+
		" FROM (SELECT a.d + 10*b.d + 100*c.d + 1000*e.d AS n FROM digits a JOIN digits b JOIN digits c JOIN digits e) s", ledgerCounty)
	l.must(err)
	l.exec("ANALYZE TABLE exposures")

	session := l.likeTheStores()
	ctx := t.Context()
	check := func(name string, readsMax int, run func() error) {
		t.Helper()
		for _, statement := range l.capture(run) {
			for _, step := range explain(t, session, statement) {
				if !scratch(step.table) && (step.access == "ALL" || step.access == "index") {
					t.Errorf("%s scans a growing table (%s):\n%s", name, step, statement)
				}
			}
			if read := rowsRead(t, session, statement); read > readsMax {
				t.Errorf("%s reads %d rows, want at most %d:\n%s", name, read, readsMax, statement)
			}
		}
	}
	const household, person = "0189b000-0000-7000-8000-000000000007", "0189c000-0000-7000-8000-000000000007"
	for name, unit := range map[string]origination.ExposureUnit{"household": {Kind: product.ExposureHousehold, ID: household}, "borrower": {Kind: product.ExposureBorrower, ID: person}} {
		check("ExposureSums of a "+name, planReadsOfOne, func() error { _, err := l.store.ExposureSums(ctx, unit, ""); return err })
		check("Exposures of a "+name, planReadsOfOne, func() error { _, err := l.store.Exposures(ctx, ledgerEverything, unit); return err })
	}
	check("BorrowersIn", planReadsOfOne, func() error { _, err := l.store.BorrowersIn(ctx, household, ledgerHousehold); return err })
	l.fillCaseRows(connection, id)
	ofCase := domain.ID("0189a000-0000-7000-8000-000000000007")
	check("Enquiries", planReadsOfOne, func() error { _, err := l.store.Enquiries(ctx, ledgerEverything, ofCase); return err })
	check("Documents", planReadsOfOne, func() error { _, err := l.store.Documents(ctx, ledgerEverything, ofCase); return err })
	start := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	check("DueApprovals", 60, func() error { _, err := l.store.DueApprovals(ctx, start, origination.DueApproval{}, 50); return err })
	due, err := l.store.DueApprovals(ctx, start, origination.DueApproval{}, 50)
	l.must(err)
	if len(due) != 50 {
		t.Fatalf("%d approvals are due, want a full batch of 50", len(due))
	}
	check("DueApprovals, the next batch", 60, func() error { _, err := l.store.DueApprovals(ctx, start, due[49], 50); return err })
	next, err := l.store.DueApprovals(ctx, start, due[49], 50)
	l.must(err)
	if len(next) != 50 || next[0].ApplicationID <= due[49].ApplicationID {
		t.Errorf("the next batch has %d and begins with %+v, want 50 after %+v", len(next), next[0], due[49])
	}
}

// fillCaseRows puts a few papers and enquiries into each of many cases.
func (l *ledger) fillCaseRows(connection *sql.Conn, id func(prefix, n string) string) {
	l.t.Helper()
	const numbers = " FROM (SELECT a.d + 10*b.d + 100*c.d + 1000*e.d AS n FROM digits a JOIN digits b JOIN digits c JOIN digits e) s"
	for _, statement := range []string{
		"INSERT INTO application_documents (id, application_id, branch_id, borrower_id, type, received_on, reference, sha256, recorded_by, recorded_at) SELECT " +
			id("d", "n") + ", " + id("a", "n DIV 4") + ", ?, " + id("c", "n DIV 4") + ", 'id_card', '2026-01-01', 'DA', '', ?, '2026-01-01'" + numbers,
		"INSERT INTO enquiries (id, application_id, branch_id, borrower_id, source, about, purpose, asked_by, asked_by_name, asked_at, status, attempts, failure, answer_cipher, version) SELECT " +
			id("e", "n") + ", " + id("a", "n DIV 4") + ", ?, " + id("c", "n DIV 4") + ", 'screening', '', 'loan_approval', ?, '员工', '2026-01-01', 'failed', 1, 'timeout', '', 2" + numbers,
	} {
		_, err := connection.ExecContext(l.t.Context(), statement, ledgerCounty, ledgerOfficer)
		l.must(err)
	}
	l.exec("ANALYZE TABLE application_documents, enquiries")
}
