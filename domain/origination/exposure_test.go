package origination_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/decision"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
	"fumin/domain/product"
	"fumin/domain/schedule"
)

func (w *world) limits() *origination.Limits { return origination.NewLimits(w.store, w.now, newID) }

// limitFarmers loads a lender's limit for one farmer's household.
func (w *world) limitFarmers(amount string) {
	w.t.Helper()
	loader := domain.Actor{ID: newID(), Name: "安装程序", Role: domain.RoleSystem}
	w.must(w.limits().Load(w.t.Context(), loader, []origination.LenderLimit{{
		ID: newID(), Name: "inclusive_farmer_exposure_max", BorrowerKinds: []string{product.BorrowerFarmer},
		Amount: money.MustParseAmount(amount), EffectiveFrom: domain.MustParseDate("2026-01-01"), Source: "测试",
	}}))
}

// openedFor is a draft of somebody who is on file already.
func (w *world) openedFor(officer domain.Actor, person borrower.Borrower, code, amount string) loan.Record {
	w.t.Helper()
	ask := request(amount)
	if code != "QLFMD" {
		ask.RepaymentMethod = schedule.EqualInstalment
	}
	rec, _, err := w.applications.Open(w.t.Context(), officer, key(), origination.OpenApplication{
		BorrowerID: person.ID, ProductCode: code, Request: ask,
	})
	w.must(err)
	return rec
}

func (w *world) submitted(officer domain.Actor, id domain.ID) loan.Record {
	w.t.Helper()
	rec, err := w.applications.Submit(w.t.Context(), officer, id)
	w.must(err)
	return rec
}

func (w *world) wantExposure(what string, officer domain.Actor, householdID domain.ID, want string) {
	w.t.Helper()
	got, err := w.limits().Household(w.t.Context(), officer, householdID)
	w.must(err)
	if got.Total.String() != want {
		w.t.Errorf("%s: the household has %s (%+v), want %s", what, got.Total, got.Cases, want)
	}
}

// farmerIn371522 lives in 莘县, where two products are offered to farmers: one by household, one by borrower.
func (w *world) farmerIn371522(officer domain.Actor) borrower.Borrower {
	w.t.Helper()
	w.villageCode = "371522101201"
	defer func() { w.villageCode = "" }()
	return w.farmer(officer)
}

func TestFiftyApplicationsOfOneHouseholdAtOnceStayWithinTheProductsLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	person := w.farmer(officer)
	const cases = 50
	drafts := make([]loan.Record, cases)
	for i := range drafts {
		drafts[i] = w.openedFor(officer, person, "QLFMD", "99500.00")
	}
	results := make([]loan.Record, cases)
	codes := atOnce(cases, func(i int) (err error) {
		results[i], err = w.applications.Submit(context.Background(), officer, drafts[i].ID)
		return err
	})
	wantCodes(t, codes, map[string]int{"": cases})

	approved := 0
	for _, rec := range results {
		switch rec.Status {
		case loan.StatusApproved:
			approved++
		case loan.StatusReviewing:
			// The rules saw the limit, or the room was taken between their reading and the lock.
			w.wantReason(officer, rec.ID, "exposure-above-product-limit", "exposure-above-limit")
		default:
			t.Errorf("a submit ended as %s", rec.Status)
		}
	}
	// The limit is 3,000,000.00 for one household: thirty times 99,500.00 fit, and a thirty-first does not.
	if approved != 30 {
		t.Errorf("%d of %d were approved, want exactly the 30 that fit", approved, cases)
	}
	w.wantExposure("after the rush", officer, person.HouseholdID, "2985000.00")
}

func TestFiftyApplicationsOverTwoProductsStayWithinTheLendersLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.limitFarmers("1000000.00")
	officer := w.somebody(domain.RoleLoanOfficer)
	person := w.farmerIn371522(officer)
	const cases = 50
	drafts := make([]loan.Record, cases)
	for i := range drafts {
		code := "QLFMD"
		if i%2 == 1 {
			code = "CYD"
		}
		drafts[i] = w.openedFor(officer, person, code, "60000.00")
	}
	codes := atOnce(cases, func(i int) error {
		_, err := w.applications.Submit(context.Background(), officer, drafts[i].ID)
		return err
	})
	wantCodes(t, codes, map[string]int{"": cases})

	sums := map[string]money.Amount{}
	var total money.Amount
	for _, d := range drafts {
		rec, err := w.applications.Application(t.Context(), officer, d.ID)
		w.must(err)
		if rec.Status == loan.StatusApproved {
			total = total.Add(rec.Approval.Amount)
			sums[rec.ProductCode] = sums[rec.ProductCode].Add(rec.Approval.Amount)
		}
	}
	// 16 times 60,000.00 fit into 1,000,000.00; CYD alone takes at most 200,000.00, three times.
	if cyd := sums["CYD"]; cyd.Cmp(money.MustParseAmount("200000.00")) > 0 {
		t.Errorf("CYD has %s, above its limit of 200,000.00", cyd)
	}
	if total.String() != "960000.00" {
		t.Errorf("both products together have %s (%v), want 960000.00: the most that fits", total, sums)
	}
	w.wantExposure("after the rush", officer, person.HouseholdID, total.String())
}

// movesIn merges the household of one borrower, alone in it, into another, and returns his file as it is then.
func (w *world) movesIn(officer domain.Actor, who borrower.Borrower, into domain.ID) borrower.Borrower {
	w.t.Helper()
	head := w.memberOf(officer, who)
	_, _, err := w.borrowers.Merge(w.t.Context(), officer, w.membership(into), who.HouseholdID, map[domain.ID]borrower.Relation{head: borrower.RelationOther})
	w.must(err)
	return w.onFile(officer, who)
}

// movesOut splits a borrower off to a household of his own, and returns his file as it is then.
func (w *world) movesOut(officer domain.Actor, who borrower.Borrower) borrower.Borrower {
	w.t.Helper()
	member := w.memberOf(officer, who)
	_, _, _, err := w.borrowers.Split( //nolint:dogsled // the file is read again below
		w.t.Context(), officer, key(), origination.SplitHousehold{
			MembershipChange: w.membership(who.HouseholdID), MemberIDs: []domain.ID{member}, HeadID: member,
		})
	w.must(err)
	return w.onFile(officer, who)
}

// membership is a change of today, the day after the last one: nobody comes and goes on one day.
func (w *world) membership(householdID domain.ID) origination.MembershipChange {
	w.advance(24 * time.Hour)
	return origination.MembershipChange{HouseholdID: householdID, On: domain.DateOf(w.now()), Reason: "分家立户"}
}

func (w *world) onFile(officer domain.Actor, who borrower.Borrower) borrower.Borrower {
	w.t.Helper()
	person, err := w.borrowers.Borrower(w.t.Context(), officer, who.ID)
	w.must(err)
	return person
}

func (w *world) memberOf(officer domain.Actor, who borrower.Borrower) domain.ID {
	w.t.Helper()
	household, err := w.borrowers.Household(w.t.Context(), officer, who.HouseholdID)
	w.must(err)
	member, found := household.MemberOn(who.IDNumber, domain.DateOf(w.now()))
	if !found {
		w.t.Fatalf("%s is not a member of %s", who.ID, household.ID)
	}
	return member.ID
}

func TestWhoLeavesAHouseholdTakesAlongWhatHeOwes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.limitFarmers("150000.00")
	officer := w.somebody(domain.RoleLoanOfficer)
	husband := w.farmer(officer)
	wife := w.movesIn(officer, w.farmer(officer), husband.HouseholdID)
	w.submitted(officer, w.openedFor(officer, wife, "QLFMD", "20000.00").ID)
	kept := w.openedFor(officer, wife, "QLFMD", "60000.00")
	w.wantExposure("one case of a member, once", officer, husband.HouseholdID, "20000.00")

	apart := w.movesOut(officer, wife)
	if apart.HouseholdID == husband.HouseholdID {
		t.Fatalf("after the split the file still names %s", apart.HouseholdID)
	}
	w.wantExposure("what was opened for the old household", officer, husband.HouseholdID, "20000.00")
	w.wantExposure("what the new household took along", officer, apart.HouseholdID, "20000.00")
	if first := w.submitted(officer, w.openedFor(officer, apart, "QLFMD", "99500.00").ID); first.Status != loan.StatusApproved {
		t.Errorf("99,500.00 for the new household, of whose 150,000.00 it has 20,000.00: %s, want approved", first.Status)
	}
	w.wantExposure("the new household", officer, apart.HouseholdID, "119500.00")
	if second := w.submitted(officer, w.openedFor(officer, apart, "QLFMD", "40000.00").ID); second.Status != loan.StatusReviewing {
		t.Errorf("40,000.00 more, which only fit without the old household's loan: %s, want referred", second.Status)
	}
	// The old household has 20,000.00, in which this would fit; hers has 119,500.00, in which it does not.
	if rec := w.submitted(officer, kept.ID); rec.Status != loan.StatusReviewing {
		t.Errorf("60,000.00 kept back over the split: %s, want referred", rec.Status)
	}
	w.wantReason(officer, kept.ID, "exposure-above-lender-limit")
}

func TestFiftyApplicationsAfterASplitStayWithinTheLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.limitFarmers("1000000.00")
	officer := w.somebody(domain.RoleLoanOfficer)
	husband := w.farmer(officer)
	wife := w.movesIn(officer, w.farmer(officer), husband.HouseholdID)
	const cases = 50
	drafts := make([]loan.Record, 0, cases)
	for range cases / 3 {
		drafts = append(drafts, w.openedFor(officer, wife, "QLFMD", "60000.00"))
	}
	apart := w.movesOut(officer, wife)
	mother := w.movesIn(officer, w.farmer(officer), apart.HouseholdID)
	for i := range cases - len(drafts) {
		drafts = append(drafts, w.openedFor(officer, []borrower.Borrower{apart, mother}[i%2], "QLFMD", "60000.00"))
	}
	codes := atOnce(cases, func(i int) error {
		_, err := w.applications.Submit(context.Background(), officer, drafts[i].ID)
		return err
	})
	wantCodes(t, codes, map[string]int{"": cases})
	// Two people, three groups of cases, two households: sixteen times 60,000.00 fit, whoever was first.
	w.wantExposure("after the rush", officer, apart.HouseholdID, "960000.00")
}

func (w *world) wantReason(by domain.Actor, id domain.ID, codes ...string) decision.Reason {
	w.t.Helper()
	d, err := w.applications.Decision(w.t.Context(), by, id)
	w.must(err)
	for _, r := range d.Outcome.Reasons {
		if slices.Contains(codes, r.Code) {
			return r
		}
	}
	w.t.Errorf("the decision on %s has no reason %v: %+v", id, codes, d.Outcome.Reasons)
	return decision.Reason{}
}

func TestAPersonsApprovalAboveTheLimitIsRefusedWithTheFigures(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.limitFarmers("150000.00")
	ctx, officer, approver := t.Context(), w.somebody(domain.RoleLoanOfficer), w.somebody(domain.RoleApprover)
	person := w.farmer(officer)
	w.submitted(officer, w.openedFor(officer, person, "QLFMD", "99500.00").ID)
	second := w.submitted(officer, w.openedFor(officer, person, "QLFMD", "80000.00").ID)
	if second.Status != loan.StatusReviewing {
		t.Fatalf("the second application is %s, want it referred", second.Status)
	}
	reason := w.wantReason(officer, second.ID, "exposure-above-lender-limit")
	if reason.Threshold != "50500.00" || !strings.Contains(reason.Text, "150,000.00") {
		t.Errorf("the reason says threshold %s, %s; want the 50500.00 that are free of 150,000.00", reason.Threshold, reason.Text)
	}

	_, err := w.applications.Approve(ctx, approver, origination.ApproveApplication{ID: second.ID})
	wantCode(t, "approve 80,000.00, more than the rules allow", err, "override-required")
	_, err = w.applications.Approve(ctx, w.demoStaff("approver-3715"), origination.ApproveApplication{ID: second.ID, OverrideReason: "订单增加"})
	wantCode(t, "approve 80,000.00 by an override, which does not pass the limit", err, "exposure-above-lender-limit")
	if !strings.Contains(err.Error(), "99,500.00") || !strings.Contains(err.Error(), "50,500.00") {
		t.Errorf("the refusal %v does not say what is taken and what is free", err)
	}
	w.wantExposure("after the refusal", officer, person.HouseholdID, "99500.00")

	granted, err := w.applications.Approve(ctx, approver, origination.ApproveApplication{
		ID: second.ID, Amount: money.MustParseAmount("50500.00"),
	})
	w.must(err)
	if granted.Status != loan.StatusApproved {
		t.Errorf("approving what is free: %s", granted.Status)
	}
	w.wantExposure("after the approval", officer, person.HouseholdID, "150000.00")
}

func TestAWithdrawnApprovalGivesItsReservationBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.limitFarmers("100000.00")
	officer := w.somebody(domain.RoleLoanOfficer)
	person := w.farmer(officer)
	first := w.submitted(officer, w.openedFor(officer, person, "QLFMD", "99500.00").ID)
	w.wantExposure("approved", officer, person.HouseholdID, "99500.00")
	_, err := w.applications.Withdraw(t.Context(), officer, first.ID, "不需要了")
	w.must(err)
	w.wantExposure("withdrawn", officer, person.HouseholdID, "0.00")
	if again := w.submitted(officer, w.openedFor(officer, person, "QLFMD", "99500.00").ID); again.Status != loan.StatusApproved {
		t.Errorf("after the withdrawal a new application is %s, want approved", again.Status)
	}
}

func TestASignedCaseKeepsItsExposureWhenItIsClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	rec := w.signed(officer, "99500.00")
	got, err := w.limits().Borrower(t.Context(), officer, rec.BorrowerID)
	w.must(err)
	if len(got.Cases) != 1 || got.Cases[0].State != origination.ExposureCommitted || got.Total.String() != "99500.00" || !got.Cases[0].ApprovedAt.IsZero() {
		t.Errorf("signed: %+v, want 99500.00 committed", got)
	}
}

func TestAnApprovalThatNobodySignedExpiresAndGivesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, officer := t.Context(), w.somebody(domain.RoleLoanOfficer)
	person := w.farmer(officer)
	old := w.submitted(officer, w.openedFor(officer, person, "QLFMD", "99500.00").ID)
	expiry := origination.NewExpiry(w.store, w.now, newID(), discard(), 30)

	w.advance(30*24*time.Hour - time.Minute)
	fresh := w.submitted(officer, w.openedFor(officer, person, "QLFMD", "20000.00").ID)
	if n, err := expiry.Work(ctx); n != 0 || err != nil {
		t.Errorf("a minute before the end the worker ended %d, %v; want none", n, err)
	}
	w.advance(time.Minute)
	_, err := w.applications.Sign(ctx, officer, origination.SignApplication{ID: old.ID, ContractNo: "HT-1", SignedOn: domain.DateOf(w.now())})
	wantCode(t, "sign a minute too late", err, "approval-expired")
	ended := 0
	codes := atOnce(callers, func(int) error {
		n, err := expiry.Work(context.Background())
		w.mu.Lock()
		defer w.mu.Unlock()
		ended += n
		return err
	})
	wantCodes(t, codes, map[string]int{"": callers})
	if ended != 1 {
		t.Errorf("twenty workers ended %d approvals, want 1", ended)
	}
	rec, err := w.applications.Application(ctx, officer, old.ID)
	w.must(err)
	if rec.Status != loan.StatusExpired || rec.Approval != nil {
		t.Errorf("after the worker: %s with approval %+v, want expired without", rec.Status, rec.Approval)
	}
	w.wantHistory(officer, old.ID, "create submit expire")
	w.wantExposure("after the expiry", officer, person.HouseholdID, "20000.00")
	if rec, err := w.applications.Application(ctx, officer, fresh.ID); err != nil || rec.Status != loan.StatusApproved {
		t.Errorf("the fresh approval: %s, %v; want approved", rec.Status, err)
	}
}

func TestManyApprovalsExpireInBatches(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	const cases = 53 // more than a batch
	person := w.farmer(officer)
	for range cases {
		w.submitted(officer, w.openedFor(officer, person, "QLFMD", "3000.00").ID)
	}
	w.advance(31 * 24 * time.Hour)
	n, err := origination.NewExpiry(w.store, w.now, newID(), discard(), 30).Work(t.Context())
	if n != cases || err != nil {
		t.Errorf("the worker ended %d, %v; want all %d", n, err, cases)
	}
	w.wantExposure("after the expiry", officer, person.HouseholdID, "0.00")
}

func TestALenderLimitTakesTwoPeopleAndADayToCome(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, limits := t.Context(), w.limits()
	maker, other := w.somebody(domain.RoleRiskManager), w.somebody(domain.RoleAdmin)
	draft := origination.MakeLenderLimit{
		Name: "inclusive_farmer_exposure_max", BorrowerKinds: []string{product.BorrowerFarmer}, Amount: money.MustParseAmount("60000.00"),
		EffectiveFrom: domain.DateOf(w.now()), Source: "本行授信管理办法第 12 条",
	}
	_, _, err := limits.Make(ctx, w.somebody(domain.RoleLoanOfficer), key(), draft)
	wantCode(t, "a loan officer makes a limit", err, "role-not-allowed")
	_, _, err = limits.Make(ctx, maker, key(), origination.MakeLenderLimit{Name: "Ein Limit", BorrowerKinds: []string{"x"}})
	wantCode(t, "nonsense", err, "invalid-fields")

	same := key()
	made, _, err := limits.Make(ctx, maker, same, draft)
	w.must(err)
	again, replayed, err := limits.Make(ctx, maker, same, draft)
	if err != nil || !replayed || again.ID != made.ID {
		t.Errorf("the same key again: %+v, replayed %t, %v; want the first", again, replayed, err)
	}
	officer := w.somebody(domain.RoleLoanOfficer)
	if rec := w.submitted(officer, w.opened(officer, "99500.00").ID); rec.Status != loan.StatusApproved {
		t.Errorf("a draft limit bound an application: %s", rec.Status)
	}

	_, err = limits.Activate(ctx, maker, made.ID)
	wantCode(t, "activate one's own limit", err, "four-eyes")
	_, err = limits.Activate(ctx, w.somebody(domain.RoleApprover), made.ID)
	wantCode(t, "an approver activates", err, "role-not-allowed")
	_, err = limits.Activate(ctx, other, newID())
	wantCode(t, "activate nothing", err, "lender-limit-not-found")
	_, err = limits.Activate(ctx, other, made.ID)
	w.must(err)
	_, err = limits.Activate(ctx, other, made.ID)
	wantCode(t, "activate twice", err, "wrong-status")
	if rec := w.submitted(officer, w.opened(officer, "99500.00").ID); rec.Status != loan.StatusReviewing {
		t.Errorf("an active limit of 60,000.00 let 99,500.00 through: %s", rec.Status)
	}

	late, _, err := limits.Make(ctx, maker, key(), draft)
	w.must(err)
	w.advance(48 * time.Hour)
	_, err = limits.Activate(ctx, other, late.ID)
	wantCode(t, "activate from a day that has passed", err, "activation-in-the-past")
}

// Of several limits of one name the one that took effect last counts, and of several names the smallest.
func TestTheLatestOfANameAndTheSmallestOfAllLimitsBinds(t *testing.T) {
	t.Parallel()
	for i, c := range []struct {
		amounts []string // loaded from 2026-01-01 on, a month apart, alternately under two names
		fits    string
		not     string
	}{
		{[]string{"50000.00"}, "50000.00", "50001.00"},
		{[]string{"50000.00", "90000.00", "80000.00"}, "80000.00", "80001.00"},
		{[]string{"50000.00", "40000.00", "80000.00"}, "40000.00", "40001.00"},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			loader := domain.Actor{ID: newID(), Name: "安装程序", Role: domain.RoleSystem}
			for j, amount := range c.amounts {
				w.must(w.limits().Load(t.Context(), loader, []origination.LenderLimit{{
					ID: newID(), Name: fmt.Sprintf("limit_%d", j%2), BorrowerKinds: []string{product.BorrowerFarmer},
					Amount: money.MustParseAmount(amount), EffectiveFrom: domain.MustParseDate("2026-01-01").AddMonths(j), Source: "测试",
				}}))
			}
			officer := w.somebody(domain.RoleLoanOfficer)
			for amount, want := range map[string]loan.Status{c.fits: loan.StatusApproved, c.not: loan.StatusReviewing} {
				if rec := w.submitted(officer, w.opened(officer, amount).ID); rec.Status != want {
					t.Errorf("limits %v: %s is %s, want %s", c.amounts, amount, rec.Status, want)
				}
			}
		})
	}
}

// Whoever saves an application beside saveCase leaves its exposure as it was, which nobody would notice until a household
// has too much.
func TestEveryUseCaseSavesAnApplicationThroughSaveCase(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d source files, %v", len(files), err)
	}
	calls := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		n := strings.Count(string(content), ".SaveApplication(")
		if n > 0 && name != "exposure.go" {
			t.Errorf("%s saves an application by itself: call saveCase, which keeps the exposure in step", name)
		}
		calls += n
	}
	if calls != 1 {
		t.Errorf("%d calls of SaveApplication, want the one of saveCase", calls)
	}
}
