package origination_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fumin/domain"
	"fumin/domain/decision"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
	"fumin/domain/schedule"
	"fumin/domain/staff"
	"fumin/repository/demodata"
)

// demoStaff is a member of the demo lender's staff as an actor.
func (w *world) demoStaff(username string) domain.Actor {
	w.t.Helper()
	members, err := demodata.StaffMembers()
	w.must(err)
	for _, m := range members {
		if m.Username == username {
			return domain.Actor{ID: m.ID, Name: m.Name, Role: m.Role, BranchID: w.branch(m.BranchCode)}
		}
	}
	w.t.Fatalf("no %s among the demo staff", username)
	return domain.Actor{}
}

// hired puts an actor on file as a user, because delegations and committees name users who exist.
func (w *world) hired(a domain.Actor) domain.Actor {
	w.t.Helper()
	user := staff.User{
		ID: a.ID, Username: "user-" + strings.ReplaceAll(a.ID.String()[24:], "-", ""), DisplayName: a.Name, Role: a.Role, BranchID: a.BranchID,
		PasswordHash: someHash(w.t), Version: 1, CreatedAt: w.now(), UpdatedAt: w.now(),
	}
	w.must(w.store.Update(w.t.Context(), func(tx origination.Tx) error {
		return tx.InsertUser(w.t.Context(), user, staff.Event{
			ID: newID(), Subject: staff.SubjectUser, SubjectID: a.ID, BranchID: a.BranchID, Action: staff.ActionCreate,
			ActorID: a.ID, ActorName: "安装程序", ActorRole: domain.RoleSystem, At: w.now(),
		})
	}))
	return a
}

// nursery is the case of a co-operative's chair in 高唐 who widens a vegetable base: 1,000,000.00 yuan, guaranteed.
func (w *world) nursery(officer domain.Actor) loan.Record {
	w.t.Helper()
	return w.referred(officer, "1000000.00")
}

// referred is a case that waits for an approver.
func (w *world) referred(officer domain.Actor, amount string) loan.Record {
	w.t.Helper()
	rec := w.opened(officer, amount)
	rec, err := w.applications.Submit(w.t.Context(), officer, rec.ID)
	w.must(err)
	if rec.Status != loan.StatusReviewing {
		w.t.Fatalf("submitted %s: %s, want reviewing", amount, rec.Status)
	}
	w.clear(officer, rec.ID)
	return rec
}

// offList is a case on credit that was referred because nobody knows whether the household is on the bureau's list; what
// it waited for is done.
func (w *world) offList(officer domain.Actor, amount string) loan.Record {
	w.t.Helper()
	r := request(amount)
	r.BureauConfirmationNo = ""
	rec := w.submittedFor(officer, "19800615", r)
	if rec.Status != loan.StatusReviewing {
		w.t.Fatalf("submitted %s: %s, want reviewing", amount, rec.Status)
	}
	w.clear(officer, rec.ID)
	return rec
}

func TestTheNurseryIsRefusedToWhoHasTooLittleAuthorityAndApprovedByWhoHasEnough(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	officer := w.somebodyAt("371526", domain.RoleLoanOfficer)
	rec := w.nursery(officer)
	county, city := w.demoStaff("approver-371526"), w.demoStaff("approver-3715")

	_, err := w.applications.Approve(ctx, county, origination.ApproveApplication{ID: rec.ID})
	wantCode(t, "1,000,000.00 by an approver with 500,000.00", err, "authority-exceeded")
	if text := err.Error(); !strings.Contains(text, "500,000.00") || !strings.Contains(text, "500000.00") {
		t.Errorf("the refusal does not say the ceiling: %s", text)
	}
	_, err = w.applications.Approve(ctx, county, origination.ApproveApplication{ID: rec.ID})
	wantCode(t, "a second attempt", err, "authority-exceeded")

	tasks, err := w.store.TasksOfApplication(ctx, officer.Scope(), rec.ID)
	w.must(err)
	raised := open(tasks, loan.TaskHigherApproval)
	if len(raised) != 1 || raised[0].AmountNeeded.String() != "1000000.00" || raised[0].OwnerRole != domain.RoleApprover {
		t.Errorf("the case went up as %+v; want one task for an approver with 1000000.00", raised)
	}
	events, err := w.applications.History(ctx, officer, rec.ID)
	w.must(err)
	attempts := 0
	for _, e := range events {
		if e.Action == loan.ActionEscalate && e.ActorID == county.ID {
			attempts++
		}
	}
	if attempts != 2 {
		t.Errorf("the history tells of %d attempts, want 2: %+v", attempts, events)
	}

	approved, err := w.applications.Approve(ctx, city, origination.ApproveApplication{ID: rec.ID})
	w.must(err)
	if approved.Status != loan.StatusApproved || approved.Approval.ApprovedBy != city.ID || approved.Approval.Amount.String() != "1000000.00" {
		t.Errorf("approved: %s, %+v", approved.Status, approved.Approval)
	}
	tasks, err = w.store.TasksOfApplication(ctx, officer.Scope(), rec.ID)
	w.must(err)
	if still := open(tasks, loan.TaskHigherApproval); len(still) != 0 {
		t.Errorf("after the approval these are still open: %+v", still)
	}
}

// clear does what a case waits for, as the officer who has it to do.
func (w *world) clear(officer domain.Actor, id domain.ID) {
	w.t.Helper()
	list, err := w.reviews.TasksOfCase(w.t.Context(), officer, id)
	w.must(err)
	for _, task := range list.Items {
		if task.Status == loan.TaskOpen && task.Blocking {
			_, err := w.reviews.Complete(w.t.Context(), officer, task.ID, "已办妥")
			w.must(err)
		}
	}
}

func open(tasks []loan.Task, kind loan.TaskKind) []loan.Task {
	var found []loan.Task
	for _, t := range tasks {
		if t.Status == loan.TaskOpen && t.Kind == kind {
			found = append(found, t)
		}
	}
	return found
}

// The ceiling is inclusive: exactly it passes, a fen more does not.
func TestTheCeilingOfAnAuthorityIsInclusive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer, approver := w.somebody(domain.RoleLoanOfficer), w.somebody(domain.RoleApprover)
	over := w.referred(officer, "500000.01")
	_, err := w.applications.Approve(t.Context(), approver, origination.ApproveApplication{ID: over.ID})
	wantCode(t, "500,000.01", err, "authority-exceeded")
	_, err = w.applications.Approve(t.Context(), approver, origination.ApproveApplication{ID: over.ID, Amount: money.MustParseAmount("500000.00")})
	w.must(err)
}

func TestWithoutAnAuthorityNothingIsApproved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	officer, approver := w.somebody(domain.RoleLoanOfficer), w.somebody(domain.RoleApprover)
	rec := w.referred(officer, "300000.00")
	keeper := w.demoActor(domain.RoleRiskManager)
	list, err := w.authorities.Authorities(ctx, keeper, origination.AuthorityFilter{Kind: staff.AuthorityApprove}, domain.Page{Limit: 10})
	w.must(err)
	tomorrow := domain.DateOf(w.now()).AddDays(1)
	for _, a := range list {
		ended, err := w.authorities.End(ctx, keeper, a.ID, tomorrow)
		w.must(err)
		if !ended.EndAsked.By.IsZero() { // a broader one gives more
			_, err = w.authorities.End(ctx, w.demoActor(domain.RoleAdmin), a.ID, tomorrow)
			w.must(err)
		}
	}
	w.advance(24 * time.Hour)
	_, err = w.applications.Approve(ctx, approver, origination.ApproveApplication{ID: rec.ID, Amount: money.MustParseAmount("3000.00")})
	wantCode(t, "approve when every authority has ended", err, "authority-exceeded")
}

func (w *world) demoActor(role domain.Role) domain.Actor { return w.somebodyAt("3715", role) }

func newAuthority(amount string) staff.Authority {
	return staff.Authority{
		Kind: staff.AuthorityApprove, Role: domain.RoleApprover, ProductCode: "QLFMD", GuaranteeKind: staff.GuaranteeAny, RegionPrefix: "371503",
		Amount: money.MustParseAmount(amount), EffectiveFrom: domain.MustParseDate("2026-11-24"), Basis: "授权书〔2026〕3 号",
	}
}

func TestAnAuthorityTakesTwoPeopleAndItsDay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	officer, approver := w.somebody(domain.RoleLoanOfficer), w.somebody(domain.RoleApprover)
	rec := w.referred(officer, "700000.00")
	keeper, second := w.demoActor(domain.RoleRiskManager), w.demoActor(domain.RoleAdmin)

	_, _, err := w.authorities.Draft(ctx, approver, key(), newAuthority("800000.00"))
	wantCode(t, "an approver who drafts his own", err, "role-not-allowed")
	unknown := newAuthority("800000.00")
	unknown.ProductCode = "NONE"
	_, _, err = w.authorities.Draft(ctx, keeper, key(), unknown)
	wantCode(t, "an authority for a product that is not", err, "invalid-fields")
	drafted, _, err := w.authorities.Draft(ctx, keeper, key(), newAuthority("800000.00"))
	w.must(err)
	_, err = w.authorities.Activate(ctx, keeper, drafted.ID)
	wantCode(t, "its maker activates it", err, "maker-is-checker")

	w.advance(24 * time.Hour)
	_, err = w.applications.Approve(ctx, approver, origination.ApproveApplication{ID: rec.ID})
	wantCode(t, "by a draft", err, "authority-exceeded")
	_, err = w.authorities.Activate(ctx, second, drafted.ID)
	w.must(err)
	_, err = w.applications.Approve(ctx, approver, origination.ApproveApplication{ID: rec.ID})
	w.must(err)
}

func TestOneKeeperAloneNeverWidensWhatAnApproverMay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	officer, approver := w.somebody(domain.RoleLoanOfficer), w.hired(w.somebody(domain.RoleApprover))
	keeper, second := w.demoActor(domain.RoleRiskManager), w.demoActor(domain.RoleAdmin)
	own := newAuthority("10000.00")
	own.Role, own.UserID, own.EffectiveFrom = "", approver.ID, domain.DateOf(w.now())
	drafted, _, err := w.authorities.Draft(ctx, keeper, key(), own)
	w.must(err)
	_, err = w.authorities.Activate(ctx, second, drafted.ID)
	w.must(err)
	rec := w.referred(officer, "300000.00")
	approve := func() error {
		_, err := w.applications.Approve(ctx, approver, origination.ApproveApplication{ID: rec.ID})
		return err
	}
	wantCode(t, "above his own row", approve(), "authority-exceeded")

	end := domain.DateOf(w.now()).AddDays(2)
	asked, err := w.authorities.End(ctx, keeper, drafted.ID, end)
	w.must(err)
	if !asked.EffectiveTo.IsZero() || asked.EndAsked.By != keeper.ID || asked.EndAsked.To != end {
		t.Errorf("one keeper ends what is less than the role's: %+v, want it asked for and in force", asked)
	}
	_, err = w.authorities.End(ctx, keeper, drafted.ID, end)
	wantCode(t, "the same keeper again", err, "maker-is-checker")
	stored, err := w.authorities.Authority(ctx, keeper, drafted.ID)
	w.must(err)
	if stored.EndAsked.By != keeper.ID || !stored.EndAsked.At.Equal(asked.EndAsked.At) || stored.EndAsked.To != end {
		t.Errorf("stored: %+v, want the request of %s", stored.EndAsked, keeper.ID)
	}
	codes := atOnce(callers, func(int) error {
		_, err := w.authorities.End(context.Background(), w.demoActor(domain.RoleAdmin), drafted.ID, end)
		return err
	})
	wantCodes(t, codes, map[string]int{"": 1, "invalid-fields": callers - 1})
	wantCode(t, "before it has ended", approve(), "authority-exceeded")
	w.advance(48 * time.Hour)
	w.must(approve())
}

func TestTwentyActivationsAreOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	drafted, _, err := w.authorities.Draft(t.Context(), w.demoActor(domain.RoleRiskManager), key(), newAuthority("800000.00"))
	w.must(err)
	codes := atOnce(callers, func(int) error {
		_, err := w.authorities.Activate(context.Background(), w.demoActor(domain.RoleAdmin), drafted.ID)
		return err
	})
	wantCodes(t, codes, map[string]int{"": 1, "authority-active": callers - 1})
}

func TestMoreThanAskedOrThanTheRulesAllowTakesAnOverride(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	officer, approver, city := w.somebody(domain.RoleLoanOfficer), w.somebody(domain.RoleApprover), w.demoStaff("approver-3715")
	more := money.MustParseAmount("90000.00")
	cheap, dear := money.MustParseRate("3.00"), money.MustParseRate("3.21")
	rec := w.offList(officer, "80000.00")
	for _, c := range []struct {
		name string
		by   domain.Actor
		cmd  origination.ApproveApplication
		want string
	}{
		{"more than asked", approver, origination.ApproveApplication{Amount: more}, "override-required"},
		{"longer than asked", approver, origination.ApproveApplication{TermMonths: 13}, "override-required"},
		{"cheaper than the rules", approver, origination.ApproveApplication{AnnualRate: &cheap}, "override-required"},
		{"more, with a reason but without the authority to override", approver, origination.ApproveApplication{Amount: more, OverrideReason: "订单增加"}, "authority-exceeded"},
		{"a reason without need", city, origination.ApproveApplication{OverrideReason: "订单增加"}, "invalid-fields"},
		{"dearer than the product's cap", city, origination.ApproveApplication{AnnualRate: &dear, OverrideReason: "x"}, "invalid-fields"},
		{"more than the product has", city, origination.ApproveApplication{Amount: money.MustParseAmount("3000000.01"), OverrideReason: "x"}, "invalid-fields"},
		{"longer than the product has", city, origination.ApproveApplication{TermMonths: 61, OverrideReason: "x"}, "invalid-fields"},
		{"less than the product has", city, origination.ApproveApplication{Amount: money.MustParseAmount("2999.99")}, "invalid-fields"},
	} {
		c.cmd.ID = rec.ID
		_, err := w.applications.Approve(ctx, c.by, c.cmd)
		wantCode(t, c.name, err, c.want)
	}
	approved, err := w.applications.Approve(ctx, city, origination.ApproveApplication{ID: rec.ID, Amount: more, TermMonths: 18, AnnualRate: &cheap, OverrideReason: "订单增加，风险经理同意"})
	w.must(err)
	a := approved.Approval
	if a.Amount.String() != "90000.00" || a.TermMonths != 18 || a.AnnualRate.String() != "3.00" || a.OverrideReason == "" {
		t.Errorf("approved by override: %+v", a)
	}
	again, err := w.applications.Application(ctx, officer, rec.ID)
	w.must(err)
	if again.Approval.OverrideReason != "订单增加，风险经理同意" {
		t.Errorf("the override's reason is stored as %q", again.Approval.OverrideReason)
	}
}

// A ceiling of zero is the lowest there is, and not none: whatever an approver grants is beyond it.
func TestTheRulesCeilingBindsAnApproverAlsoWhereItIsZero(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	officer, approver, city := w.somebody(domain.RoleLoanOfficer), w.somebody(domain.RoleApprover), w.demoStaff("approver-3715")
	part, least := money.MustParseAmount("50000.00"), money.MustParseAmount("3000.00")
	for _, c := range []struct {
		limit          decision.Limit
		amountMax      string
		termMonthsMax  int
		beyond, within origination.ApproveApplication // within: zero where nothing is
	}{
		{decision.Limit{AmountMax: "0"}, "0.00", 12, origination.ApproveApplication{}, origination.ApproveApplication{}},
		{decision.Limit{AmountMax: "0"}, "0.00", 12, origination.ApproveApplication{Amount: least}, origination.ApproveApplication{}},
		{decision.Limit{TermMonthsMax: "0"}, "80000.00", 0, origination.ApproveApplication{}, origination.ApproveApplication{}},
		{decision.Limit{TermMonthsMax: "0"}, "80000.00", 0, origination.ApproveApplication{TermMonths: 1}, origination.ApproveApplication{}},
		{decision.Limit{AmountMax: "50000"}, "50000.00", 12, origination.ApproveApplication{}, origination.ApproveApplication{Amount: part}},
		{decision.Limit{TermMonthsMax: "6"}, "80000.00", 6, origination.ApproveApplication{}, origination.ApproveApplication{TermMonths: 6}},
	} {
		c.limit.Code, c.limit.Otherwise, c.limit.Reason, c.limit.Passed, c.limit.Suggestion = "ceiling-of-the-test", decision.Refer, "超过 {limit}", "不超过", "改为 {limit}"
		w.setRules("QLFMD", func(d *decision.Definition) { d.Limits = []decision.Limit{c.limit} })
		what := fmt.Sprintf("ceilings %s and %d, granted %s for %d", c.amountMax, c.termMonthsMax, c.beyond.Amount, c.beyond.TermMonths)
		rec := w.referred(officer, "80000.00")
		decided, err := w.applications.Decision(ctx, officer, rec.ID)
		w.must(err)
		if o := decided.Outcome; o.AmountMax.String() != c.amountMax || o.TermMonthsMax != c.termMonthsMax {
			t.Fatalf("the rules allow %s for %d months, want %s for %d", o.AmountMax, o.TermMonthsMax, c.amountMax, c.termMonthsMax)
		}
		approve := func(by domain.Actor, cmd origination.ApproveApplication, id domain.ID, reason string) error {
			cmd.ID, cmd.OverrideReason = id, reason
			_, err := w.applications.Approve(ctx, by, cmd)
			return err
		}
		wantCode(t, what+", without a reason", approve(approver, c.beyond, rec.ID, ""), "override-required")
		wantCode(t, what+", by whom overrides and gives no reason", approve(city, c.beyond, rec.ID, ""), "override-required")
		wantCode(t, what+", without override authority", approve(approver, c.beyond, rec.ID, "订单增加"), "authority-exceeded")
		if err := approve(city, c.beyond, rec.ID, "订单增加"); err != nil {
			t.Errorf("%s, by an override: %v, want it approved", what, err)
		}
		if within := c.within; within.TermMonths > 0 || !within.Amount.IsZero() {
			if err := approve(approver, within, w.referred(officer, "80000.00").ID, ""); err != nil {
				t.Errorf("%s: the ceiling itself: %v, want it approved", what, err)
			}
		}
	}
}

func TestAnApproverMayGrantLessAndShorter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer, approver := w.somebody(domain.RoleLoanOfficer), w.somebody(domain.RoleApprover)
	rec := w.referred(officer, "300000.00")
	approved, err := w.applications.Approve(t.Context(), approver, origination.ApproveApplication{
		ID: rec.ID, Amount: money.MustParseAmount("200000.00"), TermMonths: 6,
	})
	w.must(err)
	if a := approved.Approval; a.Amount.String() != "200000.00" || a.TermMonths != 6 || a.AnnualRate.String() != "3.20" {
		t.Errorf("approved: %+v", a)
	}
	offer, err := w.applications.Plan(t.Context(), officer, rec.ID)
	w.must(err)
	if offer.RepaymentMethod != schedule.InterestOnlyBullet || len(offer.Instalments) != 6 || offer.Amount.String() != "200000.00" {
		t.Errorf("the plan of what was granted: %+v", offer)
	}
}

func TestAnApproverMayGrantDearerWithinTheProductAndNotCheaperThanTheRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.setRules("QLFMD", func(d *decision.Definition) {
		d.Limits = append(slices.Clone(d.Limits), decision.Limit{Code: "ten-points-less", SpreadBP: "-10", Reason: "优惠 10 个基点"})
	})
	officer, approver := w.somebody(domain.RoleLoanOfficer), w.somebody(domain.RoleApprover)
	rec := w.referred(officer, "300000.00")
	approve := func(pct string) (loan.Record, error) {
		price := money.MustParseRate(pct)
		return w.applications.Approve(t.Context(), approver, origination.ApproveApplication{ID: rec.ID, AnnualRate: &price})
	}
	_, err := approve("3.21")
	wantCode(t, "above the product's ceiling of 3.20", err, "invalid-fields")
	_, err = approve("3.09")
	wantCode(t, "below the rules' price of 3.10", err, "override-required")
	approved, err := approve("3.15")
	w.must(err)
	if got := approved.Approval.AnnualRate.String(); got != "3.15" || approved.Approval.OverrideReason != "" {
		t.Errorf("approved at %s%%, override %q, want 3.15 without one", got, approved.Approval.OverrideReason)
	}
}

func TestWhoStandsInActsByTheAbsentOnesAuthorityForTheDaysOfTheLeave(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	officer := w.somebody(domain.RoleLoanOfficer)
	city, deputy := w.hired(w.demoStaff("approver-3715")), w.hired(w.somebody(domain.RoleApprover))
	today := domain.DateOf(w.now())
	first, late := w.referred(officer, "800000.00"), w.referred(officer, "800000.00")

	_, err := w.applications.Approve(ctx, deputy, origination.ApproveApplication{ID: first.ID})
	wantCode(t, "before the delegation", err, "authority-exceeded")
	lend := staff.Delegation{FromID: city.ID, ToID: deputy.ID, StartsOn: today, EndsOn: today.AddDays(2), Reason: "年休假"}
	_, _, err = w.authorities.Delegate(ctx, deputy, key(), lend)
	wantCode(t, "a deputy who helps himself", err, "not-yours")
	_, _, err = w.authorities.Delegate(ctx, city, key(), staff.Delegation{FromID: city.ID, ToID: city.ID, StartsOn: today, EndsOn: today, Reason: "x"})
	wantCode(t, "to oneself", err, "invalid-fields")
	made, _, err := w.authorities.Delegate(ctx, city, key(), lend)
	w.must(err)
	_, _, err = w.authorities.Delegate(ctx, w.demoActor(domain.RoleRiskManager), key(), staff.Delegation{
		FromID: deputy.ID, ToID: city.ID, StartsOn: today, EndsOn: today, Reason: "x",
	})
	wantCode(t, "back by two hops", err, "delegation-chain")

	approved, err := w.applications.Approve(ctx, deputy, origination.ApproveApplication{ID: first.ID})
	w.must(err)
	if a := approved.Approval; a.ApprovedBy != deputy.ID || a.OnBehalfOf != city.ID {
		t.Errorf("approved by %s for %s; want %s for %s", a.ApprovedBy, a.OnBehalfOf, deputy.ID, city.ID)
	}
	_, err = w.authorities.RevokeDelegation(ctx, city, made.ID)
	w.must(err)
	_, err = w.applications.Approve(ctx, deputy, origination.ApproveApplication{ID: late.ID})
	wantCode(t, "after the revocation", err, "authority-exceeded")
}

func TestADelegationEndsWithItsLastDay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	city, deputy := w.hired(w.demoStaff("approver-3715")), w.hired(w.somebody(domain.RoleApprover))
	today := domain.DateOf(w.now())
	rec := w.referred(officer, "800000.00")
	_, _, err := w.authorities.Delegate(t.Context(), city, key(), staff.Delegation{FromID: city.ID, ToID: deputy.ID, StartsOn: today, EndsOn: today, Reason: "学习"})
	w.must(err)
	w.advance(24 * time.Hour)
	_, err = w.applications.Approve(t.Context(), deputy, origination.ApproveApplication{ID: rec.ID})
	wantCode(t, "the day after", err, "authority-exceeded")
}

func TestTwoDelegationsThatWouldMakeARingAreNeverBothMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, second := w.hired(w.somebody(domain.RoleApprover)), w.hired(w.somebody(domain.RoleApprover))
	today := domain.DateOf(w.now())
	pair := []domain.Actor{first, second}
	codes := atOnce(callers, func(i int) error {
		from, to := pair[i%2], pair[(i+1)%2]
		_, _, err := w.authorities.Delegate(context.Background(), from, key(), staff.Delegation{
			FromID: from.ID, ToID: to.ID, StartsOn: today, EndsOn: today, Reason: "年休假",
		})
		return err
	})
	if codes[""] != 1 || codes["delegation-chain"] != callers/2 || codes["delegation-overlaps"] != callers/2-1 {
		t.Errorf("twenty delegations between two people: %v; want one made, %d refused as a ring", codes, callers/2)
	}
}

// someHash is a well-formed password hash of nobody's password.
func someHash(t *testing.T) staff.PasswordHash {
	t.Helper()
	hash, err := staff.ParsePasswordHash("$argon2id$v=19$m=64,t=1,p=2$c29tZXNhbHRzb21lc2FsdA$1R1cVAG9nTaiKih/salfYlRs+0Ot1aHr")
	if err != nil {
		t.Fatal(err)
	}
	return hash
}
