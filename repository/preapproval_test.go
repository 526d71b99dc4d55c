package repository_test

import (
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/loan"
	"fumin/domain/origination"
	"fumin/domain/product"
	"fumin/repository/demodata"
)

// villageLender is a register with the shipped catalogue and rules, in which a list can be pre-approved.
type villageLender struct {
	*register
	rules  *origination.RuleSets
	worker *origination.JobWorker
	by     domain.Actor
}

func newVillageLender(t testing.TB) *villageLender {
	t.Helper()
	v := &villageLender{register: newRegister(t)}
	now := func() time.Time { return ledgerStart }
	products, versions, rates, err := demodata.Catalogue()
	v.must(err)
	loader := domain.Actor{ID: v.newID(), Name: "安装程序", Role: domain.RoleSystem}
	v.must(origination.NewCatalogue(v.store, now, v.newID).Load(t.Context(), loader,
		origination.LoadCatalogue{Products: products, Versions: versions, ReferenceRates: rates}))
	sets, err := demodata.LoadableRuleSets()
	v.must(err)
	v.rules = origination.NewRuleSets(v.store, now, v.newID, origination.NewJobs(v.store, now, v.newID, func() {}))
	v.must(v.rules.Load(t.Context(), loader, sets))
	v.by = domain.Actor{ID: v.newID(), Name: "风险经理", Role: domain.RoleRiskManager, BranchID: registerHead}
	v.worker = origination.NewJobWorker(v.store, now, v.newID(), slog.New(slog.NewTextHandler(io.Discard, nil)), origination.DefaultJobLimits(),
		map[origination.JobKind]origination.JobRunner{origination.JobPreApproval: v.rules.RunPreApproval})
	return v
}

func (v *villageLender) must(err error) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
}

// listed stores a list of the heads of households, one in four of them followed by somebody nobody knows.
func (v *villageLender) listed(households int) origination.RecommendedList {
	v.t.Helper()
	list := origination.RecommendedList{
		ID: v.newID(), BranchID: registerHead, ListNo: "整村", Issuer: "乡村振兴局", ListedOn: domain.MustParseDate("2026-01-01"),
		Format: origination.ListCSV, Encoding: origination.EncodingUTF8, File: origination.FileHash{byte(households), byte(households >> 8)},
		Accepted: households, ImportedBy: v.by.ID, ImportedByName: v.by.Name, ImportedAt: ledgerStart,
	}
	entries := make([]origination.RecommendedEntry, households)
	for n := range entries {
		entries[n] = origination.RecommendedEntry{
			Row: n + 2, Outcome: borrower.RecommendedAccepted, Kind: borrower.KindFarmer, Name: borrower.MustParseName("王吉华"),
			Number: origination.RecommendedNumber{IDNumber: numberOf(4 * n)}, VillageCode: registerVillage,
		}
	}
	v.must(v.store.Update(v.t.Context(), func(tx origination.Tx) error { return tx.InsertRecommendedList(v.t.Context(), list, entries) }))
	return list
}

// preApprove does a pre-approval of QLFMD and returns how long the job took.
func (v *villageLender) preApprove(list origination.RecommendedList) time.Duration {
	v.t.Helper()
	job, _, err := v.rules.PreApprove(v.t.Context(), v.by, origination.Idempotency{Key: v.newID().String(), Fingerprint: "0"}, origination.PreApproval{
		ListID: list.ID, ProductCode: "QLFMD", TermMonths: 12, Purpose: loan.PurposeFacility,
	})
	v.must(err)
	began := time.Now()
	worked, err := v.worker.Work(v.t.Context())
	v.must(err)
	took := time.Since(began)
	job, err = v.store.Job(v.t.Context(), v.by.Scope(), job.ID)
	v.must(err)
	if !worked || job.Status != origination.JobSucceeded || job.Done != int64(list.Rows()) {
		v.t.Fatalf("the pre-approval: %t, %s after %d of %d rows: %s", worked, job.Status, job.Done, list.Rows(), job.LastError)
	}
	return took
}

// addHistory gives one borrower in three a loan that is out, with a consent and an answered screening; one loan in eleven is not
// paid when it should be.
func (v *villageLender) addHistory() {
	v.t.Helper()
	const third = " WHERE RIGHT(borrowers.id, 2) % 3 = 0"
	for _, statement := range []string{
		"INSERT INTO applications (id, application_no, branch_id, officer_id, borrower_id, household_id, region_code, product_code, amount, term_months, repayment_method," +
			" purpose, purpose_note, bureau_confirmation_no, status, decision_id, approved_amount, approved_term_months, approved_rate_pct, approved_at, version, created_at, updated_at)" +
			" SELECT INSERT(id, 1, 5, '0189a'), CONCAT('LA-', RIGHT(id, 12)), branch_id, officer_id, id, household_id, area_code, 'QLFMD', 30000, 12, 'interest_only_bullet', 'facility', '', '', 'disbursed'," +
			" id, 30000, 12, 3.65, '2026-01-01 00:00:00', 5, '2026-01-01 00:00:00', '2026-01-01 00:00:00' FROM borrowers" + third,
		"INSERT INTO exposures (application_id, household_id, borrower_id, branch_id, product_code, amount, state, approved_at, updated_at)" +
			" SELECT id, household_id, borrower_id, branch_id, product_code, 30000, 'committed', NULL, updated_at FROM applications",
		"INSERT INTO disbursements (id, application_id, branch_id, borrower_id, amount, status, requested_by, requested_at, released_by, released_at, settled_at, version)" +
			" SELECT INSERT(id, 1, 5, '0189d'), id, branch_id, borrower_id, amount, 'succeeded', officer_id, created_at, borrower_id, created_at, created_at, 4 FROM applications",
		"INSERT INTO loan_notes (id, note_no, application_id, branch_id, borrower_id, disbursement_id, renews_note_id, amount, repayment_method, annual_rate_pct, starts_on, ends_on," +
			" principal_repaid, interest_paid, reversed, handed_over, status, unpaid_from, days_past_due_max, late, settled_on, version, created_at, updated_at)" +
			" SELECT INSERT(id, 1, 5, '0189e'), CONCAT('JJ-', id), application_id, branch_id, borrower_id, id, NULL, 30000, 'interest_only_bullet', 3.65, '2026-01-05', '2027-01-05', 0, 0, 0, 0," +
			" 'outstanding', IF(RIGHT(id, 3) % 11 = 0, '2026-10-21', '2027-01-05'), 0, '[]', NULL, 1, settled_at, settled_at FROM disbursements",
		"INSERT INTO enquiries (id, application_id, branch_id, borrower_id, source, about, purpose, consent_id, asked_by, asked_by_name, asked_at, status, lease_until, attempts," +
			" answered_at, valid_until, failure, answer_cipher, version) SELECT INSERT(id, 1, 5, '0189b'), id, branch_id, borrower_id, 'screening', '', 'loan_approval', NULL, officer_id, '员工'," +
			" created_at, 'answered', NULL, 1, created_at, '2026-01-31', '', '', 2 FROM applications",
		"INSERT INTO consents (id, borrower_id, position, kind, text_version, given_how, given_at, valid_until, withdrawn_at)" +
			" SELECT INSERT(id, 1, 5, '0189c'), id, 0, 'credit_enquiry', 'credit-2026.1', 'paper', '2026-08-01 00:00:00', '2027-08-01', NULL FROM borrowers" + third,
		"ANALYZE TABLE applications, exposures, disbursements, loan_notes, enquiries, consents, recommended_entries",
	} {
		if err := v.store.Database().WithContext(v.t.Context()).Exec(statement).Error; err != nil {
			v.t.Fatalf("%.80s: %v", statement, err)
		}
	}
}

// However many rows a page has, it is read in the same number of statements (but for the length of their lists), each by an
// index.
func TestAPageOfAVillageIsReadInAFewStatementsByIndex(t *testing.T) {
	t.Parallel()
	v := newVillageLender(t)
	v.load(1500, []domain.ID{registerTownship})
	v.addHistory()
	few, many := v.listed(10), v.listed(60) // in one village
	l := &ledger{t: t, store: v.store}
	v.preApprove(few) // compiles the rules, which is remembered
	count := func(list origination.RecommendedList) (n int) {
		return len(l.capture(func() error { v.preApprove(list); return nil }))
	}
	fewer, more := count(few), count(many)
	if fewer != more || more > 40 {
		t.Errorf("%d statements for 10 households, %d for 60; want as many, and at most 40", fewer, more)
	}
	ctx := t.Context()
	var numbers []origination.RecommendedNumber
	for n := range 100 {
		numbers = append(numbers, origination.RecommendedNumber{IDNumber: numberOf(4 * n)})
	}
	files, err := v.store.OnFile(ctx, v.by.Scope(), numbers)
	v.must(err)
	if len(files.Borrowers) != 100 || len(files.Households) != 100 || len(files.Numbers) != 350 || len(files.Elsewhere) != 0 {
		t.Errorf("on file: %d borrowers, %d households with %d numbers, %d elsewhere; want 100, 100, 350, 0",
			len(files.Borrowers), len(files.Households), len(files.Numbers), len(files.Elsewhere))
	}
	households := slices.Sorted(maps.Keys(files.Households))
	var borrowers []domain.ID
	for _, b := range files.Borrowers {
		borrowers = append(borrowers, b.ID)
	}
	notes, err := v.store.NotesOfBorrowers(ctx, borrowers)
	v.must(err)
	if len(notes) < 20 {
		t.Errorf("%d of 100 borrowers have notes, want about a third", len(notes))
	}
	for id, together := range notes {
		alone, err := v.store.NotesOfBorrower(ctx, id)
		v.must(err)
		if diff := cmp.Diff(alone, together, asStored); diff != "" {
			t.Errorf("notes of %s alone and together (-alone +together):\n%s", id, diff)
		}
	}
	connection := l.likeTheStores()
	for name, read := range map[string]func() error{
		"OnFile":               func() error { _, err := v.store.OnFile(ctx, v.by.Scope(), numbers); return err },
		"RecommendedEntriesOf": func() error { _, err := v.store.RecommendedEntriesOf(ctx, many.ID, numbers); return err },
		"NotesOfBorrowers":     func() error { _, err := v.store.NotesOfBorrowers(ctx, borrowers); return err },
		"ScreeningsOf": func() error {
			_, err := v.store.ScreeningsOf(ctx, borrowers, domain.MustParseDate("2026-11-23"))
			return err
		},
		"ExposureSumsOf household": func() error { _, err := v.store.ExposureSumsOf(ctx, product.ExposureHousehold, households); return err },
		"ExposureSumsOf borrower":  func() error { _, err := v.store.ExposureSumsOf(ctx, product.ExposureBorrower, borrowers); return err },
	} {
		for _, statement := range l.capture(read) {
			for _, step := range explain(t, connection, statement) {
				if !scratch(step.table) && step.access == "ALL" && step.rows > 1 { // a register without a row is walked
					t.Errorf("%s scans a growing table (%s): %.200s", name, step, statement)
				}
			}
			const readsMax = 100 * 30 // a household's files and their exposures are read as well
			if read := rowsRead(t, connection, statement); read > readsMax {
				t.Errorf("%s reads %d rows, want at most %d: %.200s", name, read, readsMax, statement)
			}
		}
	}
	elsewhere, err := v.store.OnFile(ctx, domain.Scope{BranchID: registerOther}, numbers)
	v.must(err)
	if len(elsewhere.Elsewhere) != 200 {
		t.Errorf("another branch: %d files are elsewhere, want all 100 households and 100 borrowers", len(elsewhere.Elsewhere))
	}
}

// What is read for many at once is what is read for each alone.
func TestTheExposureOfManyIsThatOfEach(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	renewed := l.tiedUp("QLFMD", "99500.01", origination.ExposureCommitted)
	renewal := l.tiedUp("CYD", "200000.00", origination.ExposureReserved)
	l.tiedUp("CYD", "0.00", origination.ExposureReleased)
	l.exec("UPDATE applications SET renews_application_id = ? WHERE id = ?", renewed.ApplicationID, renewal.ApplicationID)
	moved := l.newID() // the household that the borrower's file names now
	connection, err := l.rows.Conn(t.Context())
	l.must(err)
	defer connection.Close()
	_, err = connection.ExecContext(t.Context(), "SET FOREIGN_KEY_CHECKS = 0")
	l.must(err)
	_, err = connection.ExecContext(t.Context(), "UPDATE borrowers SET household_id = ? WHERE id = ?", moved, renewed.BorrowerID)
	l.must(err)
	ids := []domain.ID{renewed.HouseholdID, renewed.BorrowerID, moved, l.newID()}
	for _, kind := range []product.ExposureUnit{product.ExposureHousehold, product.ExposureBorrower} {
		many, err := l.store.ExposureSumsOf(t.Context(), kind, ids)
		l.must(err)
		some := 0
		for _, id := range ids {
			one, err := l.store.ExposureSums(t.Context(), origination.ExposureUnit{Kind: kind, ID: id})
			l.must(err)
			some += len(one)
			if text, want := fmt.Sprint(many[id]), fmt.Sprint(one); len(one) != len(many[id]) || len(one) > 0 && text != want {
				t.Errorf("%s %s: %s together, %s alone", kind, id, text, want)
			}
		}
		if some == 0 {
			t.Errorf("%s: no unit has any exposure, so nothing was compared", kind)
		}
		if kind == product.ExposureHousehold && fmt.Sprint(many[moved]) != fmt.Sprint(many[renewed.HouseholdID]) {
			t.Errorf("the household moved to has %v, want all of the borrower's, %v", many[moved], many[renewed.HouseholdID])
		}
	}
}
