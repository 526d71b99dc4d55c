package repository_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
	"fumin/domain/schedule"
)

func TestAnApplicationComesBackAsItWasStored(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	for _, c := range []struct {
		name   string
		change func(*loan.Record)
	}{
		{"a plain draft", func(*loan.Record) {}},
		{"the largest amount", func(r *loan.Record) { r.Request.Amount = money.MustParseAmount("9999999999999999.99") }},
		{"the smallest amount", func(r *loan.Record) { r.Request.Amount = money.MustParseAmount("0.01") }},
		{"an amount that no double holds", func(r *loan.Record) { r.Request.Amount = money.MustParseAmount("9007199254740993.01") }},
		{"the longest term", func(r *loan.Record) { r.Request.TermMonths = loan.TermMonthsMax }},
		{"the longest texts, of characters of four bytes", func(r *loan.Record) {
			r.Request.PurposeNote = strings.Repeat("𠮷", loan.PurposeNoteMax)
			r.Request.BureauConfirmationNo = strings.Repeat("😀", loan.ConfirmationNoMax)
			r.Request.ReliefIndustry, r.Request.ReliefBasis = strings.Repeat("a", loan.ReliefIndustryMax), strings.Repeat("😀", loan.ReliefBasisMax)
			r.ApplicationNo = strings.Repeat("9", 20)
		}},
		{"empty texts", func(r *loan.Record) { r.Request.PurposeNote, r.Request.BureauConfirmationNo = "", "" }},
		{"rare characters, quotes and a backslash", func(r *loan.Record) { r.Request.PurposeNote = "𠮷䶮😀 'a' \"b\" \\ % _ ; -- \x00 \n 结尾 " }},
		{"the first day", func(r *loan.Record) { r.Request.SiteVisitOn = domain.MustParseDate("1900-01-01") }},
		{"the last day", func(r *loan.Record) { r.Request.SiteVisitOn = domain.MustParseDate("2199-12-31") }},
		{"a leap day", func(r *loan.Record) { r.Request.SiteVisitOn = domain.MustParseDate("2028-02-29") }},
		{"a last and a first microsecond", func(r *loan.Record) {
			r.CreatedAt = time.Date(2026, 12, 31, 23, 59, 59, 999999000, time.UTC)
			r.UpdatedAt = time.Date(2027, 1, 1, 0, 0, 0, 1000, time.UTC)
		}},
		{"the largest version", func(r *loan.Record) { r.Version = 1<<31 - 1 }},
		{"a household and everybody", func(r *loan.Record) {
			r.HouseholdID, r.SubmittedBy = "01900000-0000-7000-8000-0000000000f1", ledgerOfficer
		}},
		{"an approval at its limits", func(r *loan.Record) {
			*r = approved(*r)
			r.Request.Amount = money.MustParseAmount("9999999999999999.99")
			r.Approval.Amount = r.Request.Amount
			r.Approval.AnnualRate = money.MustParseRate("999.999999")
			r.Approval.ApprovedAt = time.Date(2199, 12, 31, 23, 59, 59, 999999000, time.UTC)
		}},
		{"an approval by the rules", func(r *loan.Record) {
			*r = approved(*r)
			r.Approval.ApprovedBy = ""
		}},
	} {
		want := l.draft(ledgerCounty)
		c.change(&want)
		l.addApplication(want)
		got, err := l.store.Application(t.Context(), ledgerEverything, want.ID)
		if err != nil {
			t.Errorf("%s: read: %v", c.name, err)
			continue
		}
		if diff := cmp.Diff(want, got, asStored); diff != "" {
			t.Errorf("%s: stored and read differ (-stored +read):\n%s", c.name, diff)
		}
		if got.CreatedAt.Location() != time.UTC || got.UpdatedAt.Location() != time.UTC {
			t.Errorf("%s: times in %s and %s, want UTC", c.name, got.CreatedAt.Location(), got.UpdatedAt.Location())
		}
	}
}

func TestEveryStatusMethodAndPurposeIsStored(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	same := func(name string, want loan.Record) {
		t.Helper()
		l.addApplication(want)
		got, err := l.store.Application(t.Context(), ledgerEverything, want.ID)
		if err != nil {
			t.Errorf("%s: read: %v", name, err)
			return
		}
		if diff := cmp.Diff(want, got, asStored); diff != "" {
			t.Errorf("%s: stored and read differ (-stored +read):\n%s", name, diff)
		}
	}
	for _, status := range loan.Statuses() {
		r := approved(l.draft(ledgerCounty))
		r.Status = status
		same(string(status), r)
	}
	for _, method := range []schedule.Method{
		schedule.EqualInstalment, schedule.EqualPrincipal, schedule.InterestOnlyBullet, schedule.LumpSum, schedule.Seasonal, schedule.FlatAddOn,
	} {
		r := l.draft(ledgerCounty)
		r.Request.RepaymentMethod = method
		same(string(method), r)
	}
	for _, purpose := range loan.Purposes() {
		r := l.draft(ledgerCounty)
		r.Request.Purpose = purpose
		same(string(purpose), r)
	}
}

func TestASaveChangesWhatMayChangeAndKeepsTheRest(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	before := approved(l.draft(ledgerCounty))
	before.Request.SiteVisitOn = domain.MustParseDate("2026-11-20")
	l.addApplication(before)

	// Everything is changed, and what identifies the case must stay all the same. Zero values are written too.
	after := l.draft(ledgerSibling)
	after.ID, after.Version = before.ID, before.Version+1
	after.CreatedAt, after.UpdatedAt = ledgerStart.Add(time.Hour), ledgerStart.Add(time.Minute)
	after.OfficerID, after.HouseholdID, after.RegionCode, after.ProductCode = ledgerReleaser, l.newID(), "99", "OTHER"
	after.Request = loan.Request{
		Amount: money.MustParseAmount("5000.5"), TermMonths: 6, RepaymentMethod: schedule.EqualInstalment, Purpose: loan.PurposeTrade,
	}
	l.update(func(tx origination.Tx) error {
		a, err := loan.Restore(after)
		if err != nil {
			return err
		}
		return tx.SaveApplication(t.Context(), a, applicationEvent(after))
	})

	want := before
	want.Request, want.Status, want.Version, want.UpdatedAt = after.Request, after.Status, after.Version, after.UpdatedAt
	want.Approval, want.DecisionID, want.SubmittedBy, want.ProductVersionID, want.ReferenceRateID = nil, "", "", "", ""
	got, err := l.store.Application(t.Context(), ledgerEverything, before.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, asStored); diff != "" {
		t.Errorf("after the save (-want +read):\n%s", diff)
	}
}

func TestAStaleVersionIsNotSaved(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	r := l.addApplication(l.draft(ledgerCounty))
	save := func(version int) error {
		changed := r
		changed.Version, changed.Request.PurposeNote = version, "改动"
		a, err := loan.Restore(changed)
		l.must(err)
		return l.store.Update(t.Context(), func(tx origination.Tx) error {
			return tx.SaveApplication(t.Context(), a, applicationEvent(changed))
		})
	}
	for _, version := range []int{1, 3, 4, 1000} {
		wantCode(t, "saving the next version as "+money.Fen(int64(version)).String(), save(version), domain.KindConflict, "stale-version")
	}
	if n := l.count("SELECT COUNT(*) FROM events WHERE subject_id = ?", r.ID); n != 1 {
		t.Errorf("%d events after refused saves, want the one of the insert", n)
	}
	l.must(save(2))
	wantCode(t, "saving version 2 twice", save(2), domain.KindConflict, "stale-version")

	unknown := l.draft(ledgerCounty)
	unknown.Version = 2
	a, err := loan.Restore(unknown)
	l.must(err)
	err = l.store.Update(t.Context(), func(tx origination.Tx) error { return tx.SaveApplication(t.Context(), a, applicationEvent(unknown)) })
	wantCode(t, "saving what was never inserted", err, domain.KindConflict, "stale-version")
}

func TestAnIdThatIsThereIsAConflict(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	r := l.addApplication(l.draft(ledgerCounty))
	again := l.draft(ledgerCounty)
	again.ID = r.ID
	err := l.store.Update(t.Context(), func(tx origination.Tx) error { return insertApplication(t, tx, again) })
	wantCode(t, "the same id twice", err, domain.KindConflict, "id-exists")

	// A number that is there is no fault of the caller: the numbers are ours.
	again = l.draft(ledgerCounty)
	again.ApplicationNo = r.ApplicationNo
	err = l.store.Update(t.Context(), func(tx origination.Tx) error { return insertApplication(t, tx, again) })
	if err == nil || domain.CodeOf(err) != "" {
		t.Errorf("the same application number twice = %v, want an error that nobody explains away", err)
	}
}

// applicationReads is every read of one case, by name; each says whether it found something.
func (l *ledger) applicationReads(r loan.Record, decisionID, disbursementID domain.ID) map[string]func(domain.Scope) (bool, error) {
	ctx := l.t.Context()
	page := domain.Page{Limit: domain.PageLimitMax}
	return map[string]func(domain.Scope) (bool, error){
		"Application": func(s domain.Scope) (bool, error) {
			got, err := l.store.Application(ctx, s, r.ID)
			return got.ID == r.ID, err
		},
		"Applications": func(s domain.Scope) (bool, error) {
			list, err := l.store.Applications(ctx, s, origination.ApplicationFilter{}, page)
			return len(list) == 1 && list[0].ID == r.ID, err
		},
		"Applications of the borrower": func(s domain.Scope) (bool, error) {
			list, err := l.store.Applications(ctx, s, origination.ApplicationFilter{BorrowerID: r.BorrowerID, Status: r.Status}, page)
			return len(list) == 1, err
		},
		"LockApplication": func(s domain.Scope) (found bool, err error) {
			err = l.store.Update(ctx, func(tx origination.Tx) error {
				a, err := tx.LockApplication(ctx, s, r.ID)
				found = err == nil && a.Record().ID == r.ID
				return err
			})
			return found, err
		},
		"Decision": func(s domain.Scope) (bool, error) {
			got, err := l.store.Decision(ctx, s, decisionID)
			return got.ID == decisionID, err
		},
		"Contract": func(s domain.Scope) (bool, error) {
			got, err := l.store.Contract(ctx, s, r.ID)
			return got.ApplicationID == r.ID, err
		},
		"Instalments": func(s domain.Scope) (bool, error) {
			list, err := l.store.Instalments(ctx, s, r.ID)
			return len(list) == 1, err
		},
		"Events": func(s domain.Scope) (bool, error) {
			list, err := l.store.Events(ctx, s, r.ID)
			return len(list) == 3, err
		},
		"Disbursement": func(s domain.Scope) (bool, error) {
			got, err := l.store.Disbursement(ctx, s, disbursementID)
			return got.ID == disbursementID, err
		},
		"Disbursements": func(s domain.Scope) (bool, error) {
			list, err := l.store.Disbursements(ctx, s, origination.DisbursementFilter{}, page)
			return len(list) == 1, err
		},
		"Disbursements of the application": func(s domain.Scope) (bool, error) {
			list, err := l.store.Disbursements(ctx, s, origination.DisbursementFilter{ApplicationID: r.ID, Status: loan.DisbursementRequested}, page)
			return len(list) == 1, err
		},
		"LockDisbursement": func(s domain.Scope) (found bool, err error) {
			err = l.store.Update(ctx, func(tx origination.Tx) error {
				d, err := tx.LockDisbursement(ctx, s, disbursementID)
				found = err == nil && d.Record().ID == disbursementID
				return err
			})
			return found, err
		},
	}
}

func TestEveryReadOfACaseStaysInItsScope(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	r, _ := l.addSigned(ledgerCounty)
	d := l.addDisbursement(l.payment(r))
	decided := ledgerDecision(r)
	l.update(func(tx origination.Tx) error { return tx.InsertDecision(t.Context(), decided) })

	scopes := []struct {
		name  string
		scope domain.Scope
		sees  bool
	}{
		{"the own branch", domain.Scope{BranchID: ledgerCounty}, true},
		{"the branch above", domain.Scope{BranchID: ledgerHead}, true},
		{"the branch below", domain.Scope{BranchID: ledgerTownship}, false},
		{"a sibling", domain.Scope{BranchID: ledgerSibling}, false},
		{"a branch that does not exist", domain.Scope{BranchID: "01900000-0000-7000-8000-0000000000b9"}, false},
		{"the borrower", domain.Scope{BorrowerID: r.BorrowerID}, true},
		{"another borrower", domain.Scope{BorrowerID: ledgerBorrower(ledgerSibling)}, false},
		{"a worker", domain.Scope{Everything: true}, true},
		{"the zero scope", domain.Scope{}, false},
		{"a branch and a borrower", domain.Scope{BranchID: ledgerCounty, BorrowerID: r.BorrowerID}, false},
		{"everything and a branch", domain.Scope{Everything: true, BranchID: ledgerCounty}, false},
		{"everything and a borrower", domain.Scope{Everything: true, BorrowerID: r.BorrowerID}, false},
		{"a branch's id as a borrower", domain.Scope{BorrowerID: ledgerCounty}, false},
		{"text that is no id", domain.Scope{BranchID: "' OR '1'='1"}, false},
	}
	for name, read := range l.applicationReads(r, decided.ID, d.ID) {
		for _, s := range scopes {
			found, err := read(s.scope)
			switch {
			case found != s.sees:
				t.Errorf("%s for %s: found = %t (%v), want %t", name, s.name, found, err, s.sees)
			case s.sees && err != nil:
				t.Errorf("%s for %s: %v", name, s.name, err)
			case !s.sees && err != nil && !strings.HasSuffix(domain.CodeOf(err), "-not-found"):
				t.Errorf("%s for %s: %v, want it to read as not found", name, s.name, err)
			}
		}
	}
}

func TestAListIsPagedByKeyNewestFirst(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	var want []domain.ID
	for i := range 7 {
		r := l.draft([]domain.ID{ledgerCounty, ledgerTownship}[i%2])
		want = append([]domain.ID{l.addApplication(r).ID}, want...)
		l.addApplication(l.draft(ledgerSibling))
	}
	var got []domain.ID
	page := domain.Page{Limit: 3}
	for range 4 {
		list, err := l.store.Applications(t.Context(), domain.Scope{BranchID: ledgerCounty}, origination.ApplicationFilter{}, page)
		l.must(err)
		if len(list) > page.Limit {
			t.Fatalf("a page of %d, want at most %d", len(list), page.Limit)
		}
		for _, r := range list {
			got = append(got, r.ID)
		}
		if len(list) < page.Limit {
			break
		}
		page.After = list[len(list)-1].ID
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the pages together (-want +got):\n%s", diff)
	}
}

func TestAListIsFilteredByStatusAndBorrower(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	draft := l.addApplication(l.draft(ledgerCounty))
	granted := l.addApplication(approved(l.draft(ledgerCounty)))
	other := l.addApplication(l.draft(ledgerTownship))
	for _, c := range []struct {
		name   string
		filter origination.ApplicationFilter
		want   []domain.ID
	}{
		{"none", origination.ApplicationFilter{}, []domain.ID{other.ID, granted.ID, draft.ID}},
		{"status", origination.ApplicationFilter{Status: loan.StatusApproved}, []domain.ID{granted.ID}},
		{"borrower", origination.ApplicationFilter{BorrowerID: other.BorrowerID}, []domain.ID{other.ID}},
		{"both", origination.ApplicationFilter{Status: loan.StatusDraft, BorrowerID: draft.BorrowerID}, []domain.ID{draft.ID}},
		{"nobody has it", origination.ApplicationFilter{Status: loan.StatusClosed}, nil},
	} {
		list, err := l.store.Applications(t.Context(), domain.Scope{BranchID: ledgerHead}, c.filter, domain.Page{Limit: 10})
		l.must(err)
		var got []domain.ID
		for _, r := range list {
			got = append(got, r.ID)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("filter %s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestAnApplicationThatCannotBeIsAnErrorOnRead(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	// As if the rows came from a dump, or from a server that does not check.
	for _, check := range []string{"ck_applications_status", "ck_applications_amount", "ck_applications_approved"} {
		l.exec("ALTER TABLE applications DROP CONSTRAINT " + check)
	}
	l.exec("ALTER TABLE applications MODIFY amount DECIMAL(20,4) NOT NULL, MODIFY approved_amount DECIMAL(20,4) NULL")
	for _, c := range []struct{ name, set string }{
		{"an unknown status", "status = 'surveying'"},
		{"an empty status", "status = ''"},
		{"a status in capitals", "status = 'APPROVED'"},
		{"an unknown method", "repayment_method = 'whenever'"},
		{"a third decimal", "amount = 99500.001"},
		{"approved without an amount", "approved_amount = NULL"},
		{"approved with a third decimal", "approved_amount = 0.005"},
		{"approved without a term", "approved_term_months = NULL"},
		{"approved without a rate", "approved_rate_pct = NULL"},
		{"approved without a time", "approved_at = NULL"},
		{"reviewed without a decision", "status = 'reviewing', decision_id = NULL"},
		{"version 0", "version = 0"},
		{"an id that is none", "household_id = 'nobody'"},
		{"an id in capitals", "household_id = '01900000-0000-7000-8000-0000000000F1'"},
		{"a day before all days", "site_visit_on = '1899-12-31'"},
		{"a day after all days", "site_visit_on = '2200-01-01'"},
	} {
		r := l.addApplication(approved(l.draft(ledgerCounty)))
		l.exec("UPDATE applications SET "+c.set+" WHERE id = ?", r.ID)
		if got, err := l.store.Application(t.Context(), ledgerEverything, r.ID); err == nil || domain.CodeOf(err) != "" {
			t.Errorf("%s: Application = %+v, %v; want an internal error", c.name, got, err)
		}
		list, err := l.store.Applications(t.Context(), ledgerEverything, origination.ApplicationFilter{}, domain.Page{Limit: 1})
		if err == nil || domain.CodeOf(err) != "" {
			t.Errorf("%s: Applications = %+v, %v; want an internal error", c.name, list, err)
		}
		err = l.store.Update(t.Context(), func(tx origination.Tx) error {
			_, err := tx.LockApplication(t.Context(), ledgerEverything, r.ID)
			return err
		})
		if err == nil || domain.CodeOf(err) != "" {
			t.Errorf("%s: LockApplication = %v; want an internal error", c.name, err)
		}
	}
}
