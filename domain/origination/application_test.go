package origination_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/decision"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
	"fumin/domain/schedule"
)

// callers is how many people press the button at once in the tests of concurrent paths.
const callers = 20

func wantCodes(t *testing.T, got map[string]int, want map[string]int) {
	t.Helper()
	for code, n := range want {
		if got[code] != n {
			t.Errorf("answers by code: got %v, want %v", got, want)
			return
		}
	}
	if len(got) != len(want) {
		t.Errorf("answers by code: got %v, want %v", got, want)
	}
}

func TestTheWayOfADuckShed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	officer := w.somebody(domain.RoleLoanOfficer)

	rec := w.opened(officer, "99500.00")
	if rec.Status != loan.StatusDraft || rec.RegionCode != "371503901201" || !strings.HasPrefix(rec.ApplicationNo, "LA-2026-") {
		t.Fatalf("opened: %+v", rec)
	}

	w.advance(time.Minute)
	rec, err := w.applications.Submit(ctx, officer, rec.ID)
	w.must(err)
	if rec.Status != loan.StatusApproved || rec.Approval == nil || !rec.Approval.ByRules() || rec.Approval.AnnualRate.String() != "3.20" {
		t.Fatalf("submitted: %s, approval %+v; want approved by the rules at LPR 3.00 + 20 bp", rec.Status, rec.Approval)
	}
	d, err := w.applications.Decision(ctx, officer, rec.ID)
	w.must(err)
	if d.Outcome.Result != decision.Approve || len(d.Outcome.Passed()) == 0 || d.ApplicationVersion != rec.Version {
		t.Errorf("decision: %+v; want an approval with the rules that were met", d)
	}

	offer, err := w.applications.Plan(ctx, officer, rec.ID)
	w.must(err)
	checkPlan(t, offer, "99500.00")
	if offer.Signed {
		t.Error("a plan before the contract says it is signed")
	}

	w.advance(time.Minute)
	rec, err = w.applications.Sign(ctx, officer, origination.SignApplication{ID: rec.ID, ContractNo: "371503-2026-0001", SignedOn: domain.DateOf(w.now())})
	w.must(err)
	signed, err := w.applications.Plan(ctx, officer, rec.ID)
	w.must(err)
	checkPlan(t, signed, "99500.00")
	if !signed.Signed || signed.APREffectivePct != offer.APREffectivePct || !signed.InterestTotal.Equal(offer.InterestTotal) {
		t.Errorf("what was signed (%s, %s) differs from what was shown (%s, %s)", signed.APREffectivePct, signed.InterestTotal, offer.APREffectivePct, offer.InterestTotal)
	}

	w.advance(time.Minute)
	asked, _, err := w.disbursements.Request(ctx, officer, key(), all(rec.ID))
	w.must(err)
	_, _, err = w.disbursements.Release(ctx, officer, key(), asked.ID)
	wantCode(t, "release by the officer", err, "role-not-allowed")
	w.advance(time.Minute)
	_, _, err = w.disbursements.Release(ctx, w.somebody(domain.RoleDisbursementOfficer), key(), asked.ID)
	w.must(err)
	if w.woken.Load() != 1 {
		t.Errorf("the worker was woken %d times, want once", w.woken.Load())
	}
	taken, err := w.payouts.Work(ctx)
	w.must(err)
	if taken != 1 {
		t.Errorf("the worker took up %d payments, want 1", taken)
	}
	w.wantPaidOnce(asked.ID, "99500.00")

	rec, err = w.applications.Close(ctx, officer, rec.ID)
	w.must(err)
	if rec.Status != loan.StatusClosed {
		t.Errorf("closed: %s", rec.Status)
	}
	w.wantHistory(officer, rec.ID, "create submit sign request release send succeed disburse close")
}

func checkPlan(t *testing.T, offer origination.Offer, amount string) {
	t.Helper()
	var principal, interest money.Amount
	for _, row := range offer.Instalments {
		principal, interest = principal.Add(row.Principal), interest.Add(row.Interest)
	}
	if principal.String() != amount || !interest.Equal(offer.InterestTotal) || len(offer.Instalments) != offer.TermMonths {
		t.Errorf("plan: %d rows, principal %s, interest %s of %s; want %s", len(offer.Instalments), principal, interest, offer.InterestTotal, amount)
	}
	if offer.APREffectivePct <= "3.2" || offer.APREffectivePct >= "3.4" {
		t.Errorf("plan: yearly cost %s, want a little above the nominal 3.20", offer.APREffectivePct)
	}
}

func (w *world) wantHistory(by domain.Actor, id domain.ID, want string) {
	w.t.Helper()
	events, err := w.applications.History(w.t.Context(), by, id)
	w.must(err)
	var actions []string // on the application and its payment; what else happened is told beside them
	for i, e := range events {
		if e.Subject == loan.SubjectApplication || e.Subject == loan.SubjectDisbursement {
			actions = append(actions, string(e.Action))
		}
		if i > 0 && e.At.Before(events[i-1].At) {
			w.t.Errorf("event %d (%s) is earlier than the one before", i, e.Action)
		}
	}
	if got := strings.Join(actions, " "); got != want {
		w.t.Errorf("history:\n got %s\nwant %s", got, want)
	}
}

func TestTwentySubmitsAtOnceAreOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	rec := w.opened(officer, "99500.00")
	codes := atOnce(callers, func(int) error {
		_, err := w.applications.Submit(context.Background(), officer, rec.ID)
		return err
	})
	wantCodes(t, codes, map[string]int{"": 1, "wrong-status": callers - 1})
	w.wantHistory(officer, rec.ID, "create submit")
}

func TestTwentyOpeningsWithOneKeyAreOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	person := w.farmer(officer)
	same := key()
	var mu sync.Mutex
	ids, replays := map[domain.ID]bool{}, 0
	codes := atOnce(callers, func(int) error {
		rec, replayed, err := w.applications.Open(context.Background(), officer, same, origination.OpenApplication{
			BorrowerID: person.ID, ProductCode: "QLFMD", Request: request("99500.00"),
		})
		mu.Lock()
		defer mu.Unlock()
		ids[rec.ID] = true
		if replayed {
			replays++
		}
		return err
	})
	wantCodes(t, codes, map[string]int{"": callers})
	if len(ids) != 1 || replays != callers-1 {
		t.Errorf("twenty openings with one key made %d applications with %d replays", len(ids), replays)
	}

	other := same
	other.Fingerprint = strings.Repeat("f", 64)
	_, _, err := w.applications.Open(t.Context(), officer, other, origination.OpenApplication{
		BorrowerID: person.ID, ProductCode: "QLFMD", Request: request("1.00"),
	})
	wantCode(t, "the same key for another request", err, "idempotency-key-reused")
}

func TestTheRulesReferAndDecline(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	officer := w.somebody(domain.RoleLoanOfficer)

	// Without the bureau's confirmation nobody knows whether the household is on the list: a person looks.
	unconfirmed := request("50000.00")
	unconfirmed.BureauConfirmationNo = ""
	rec := w.submittedFor(officer, "19800615", unconfirmed)
	if rec.Status != loan.StatusReviewing {
		t.Errorf("without a confirmation: %s, want reviewing", rec.Status)
	}
	d, err := w.applications.Decision(ctx, officer, rec.ID)
	w.must(err)
	if referred := d.Outcome.Referred(); len(referred) != 1 || !referred[0].Unknown || referred[0].FactName != decision.FactOnRecommendedList {
		t.Errorf("without a confirmation: referred for %+v, want the unknown list membership", referred)
	}

	// 62 years old and 48 months: declined, with what would pass.
	long := request("50000.00")
	long.TermMonths = 48
	rec = w.submittedFor(officer, "19641101", long)
	if rec.Status != loan.StatusDeclined {
		t.Fatalf("62 years old, 48 months: %s, want declined", rec.Status)
	}
	d, err = w.applications.Decision(ctx, officer, rec.ID)
	w.must(err)
	declined := d.Outcome.Declined()
	if len(declined) != 1 || declined[0].Value != "66" || declined[0].Threshold != "65" || len(d.Outcome.WaysForward) == 0 || d.Outcome.WaysForward[0].TermMonths != 47 {
		t.Errorf("62 years old, 48 months: %+v, ways %+v; want 66 against 65 and 47 months", declined, d.Outcome.WaysForward)
	}

	forbidden := request("50000.00")
	forbidden.Purpose = loan.PurposeHouse
	if rec := w.submittedFor(officer, "19800615", forbidden); rec.Status != loan.StatusDeclined {
		t.Errorf("a forbidden purpose: %s, want declined", rec.Status)
	}
}

func (w *world) submittedFor(officer domain.Actor, birth string, r loan.Request) loan.Record {
	w.t.Helper()
	rec, _, err := w.applications.Open(w.t.Context(), officer, key(), origination.OpenApplication{
		BorrowerID: w.farmerBorn(officer, birth).ID, ProductCode: "QLFMD", Request: r,
	})
	w.must(err)
	rec, err = w.applications.Submit(w.t.Context(), officer, rec.ID)
	w.must(err)
	return rec
}

func TestTheReviewOfAReferredCase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	officer, approver := w.somebody(domain.RoleLoanOfficer), w.somebody(domain.RoleApprover)
	unconfirmed := request("80000.00")
	unconfirmed.BureauConfirmationNo = ""
	rec := w.submittedFor(officer, "19800615", unconfirmed)

	missing := []loan.MissingItem{{Kind: loan.MissingField, Name: "bureau_confirmation_no", Text: "请补充乡村振兴局确认编号"}}
	_, err := w.applications.Return(ctx, approver, origination.ReturnApplication{ID: rec.ID, Items: missing})
	wantCode(t, "return without a reason", err, "invalid-fields")
	_, err = w.applications.Return(ctx, approver, origination.ReturnApplication{ID: rec.ID, Reason: "资料不全"})
	wantCode(t, "return without naming what is missing", err, "invalid-fields")
	returned, err := w.applications.Return(ctx, approver, origination.ReturnApplication{ID: rec.ID, Reason: "资料不全", Items: missing})
	w.must(err)
	edited, err := w.applications.Edit(ctx, officer, origination.EditApplication{ID: rec.ID, Version: returned.Version, Request: request("70000.00")})
	w.must(err)
	_, err = w.applications.Edit(ctx, officer, origination.EditApplication{ID: rec.ID, Version: returned.Version, Request: request("60000.00")})
	wantCode(t, "an edit based on an old version", err, "precondition-failed")
	if edited.Request.Amount.String() != "70000.00" || edited.Status != loan.StatusReturned {
		t.Errorf("edited: %s, %s", edited.Request.Amount, edited.Status)
	}
	again, err := w.applications.Submit(ctx, officer, rec.ID)
	w.must(err)
	if again.Status != loan.StatusApproved || again.DecisionID == rec.DecisionID {
		t.Errorf("resubmitted with the confirmation: %s; want approved by a new decision", again.Status)
	}

	decisions, err := w.applications.Decisions(ctx, officer, rec.ID)
	w.must(err)
	if len(decisions) != 2 || decisions[0].ID != rec.DecisionID || decisions[0].Outcome.Result != decision.Refer || decisions[1].ID != again.DecisionID ||
		decisions[1].Outcome.Result != decision.Approve {
		t.Errorf("two submits left these decisions: %+v; want the referral and then the approval", decisions)
	}
	corrections, err := w.reviews.Corrections(ctx, officer, rec.ID)
	w.must(err)
	if len(corrections) != 1 || corrections[0].DecisionID != rec.DecisionID || len(corrections[0].Items) != 1 || corrections[0].Items[0] != missing[0] {
		t.Errorf("what was missing: %+v", corrections)
	}

	other := w.submittedFor(officer, "19800615", unconfirmed)
	_, err = w.applications.Approve(ctx, approver, origination.ApproveApplication{ID: other.ID})
	wantCode(t, "approve before the bureau's confirmation", err, "tasks-open")
	w.clear(officer, other.ID)
	approved, err := w.applications.Approve(ctx, approver, origination.ApproveApplication{
		ID: other.ID, Amount: money.MustParseAmount("60000.00"),
	})
	w.must(err)
	if a := approved.Approval; a == nil || a.Amount.String() != "60000.00" || a.TermMonths != 12 || a.ApprovedBy != approver.ID || a.AnnualRate.String() != "3.20" {
		t.Errorf("approved: %+v", approved.Approval)
	}
	withdrawn, err := w.applications.Withdraw(ctx, officer, other.ID, "借款人不需要了")
	w.must(err)
	if withdrawn.Status != loan.StatusWithdrawn || withdrawn.Approval != nil {
		t.Errorf("withdrawn: %s with approval %+v", withdrawn.Status, withdrawn.Approval)
	}
	w.wantHistory(officer, rec.ID, "create submit return edit submit")
}

func TestAnotherBranchSeesNothingAndChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	officer := w.somebody(domain.RoleLoanOfficer)
	rec := w.signed(officer, "99500.00")
	d, _, err := w.disbursements.Request(ctx, officer, key(), all(rec.ID))
	w.must(err)

	stranger := w.somebodyAt("371522", domain.RoleLoanOfficer)
	strangers := w.somebodyAt("371522", domain.RoleDisbursementOfficer)
	unknown := newID()
	for what, try := range map[string]func(id domain.ID) error{
		"read":     func(id domain.ID) error { _, err := w.applications.Application(ctx, stranger, id); return err },
		"submit":   func(id domain.ID) error { _, err := w.applications.Submit(ctx, stranger, id); return err },
		"plan":     func(id domain.ID) error { _, err := w.applications.Plan(ctx, stranger, id); return err },
		"contract": func(id domain.ID) error { _, err := w.applications.Contract(ctx, stranger, id); return err },
		"history":  func(id domain.ID) error { _, err := w.applications.History(ctx, stranger, id); return err },
		"decision": func(id domain.ID) error { _, err := w.applications.Decision(ctx, stranger, id); return err },
		"request": func(id domain.ID) error {
			_, _, err := w.disbursements.Request(ctx, stranger, key(), all(id))
			return err
		},
	} {
		wantCode(t, what+" from another branch", try(rec.ID), "application-not-found")
		wantCode(t, what+" of nothing", try(unknown), "application-not-found")
	}
	_, _, err = w.disbursements.Release(ctx, strangers, key(), d.ID)
	wantCode(t, "release from another branch", err, "disbursement-not-found")
	list, err := w.applications.Applications(ctx, stranger, origination.ApplicationFilter{}, domain.Page{Limit: 10})
	if err != nil || len(list) != 0 {
		t.Errorf("another branch lists %d applications (%v), want none", len(list), err)
	}

	above := w.somebodyAt("3715", domain.RoleAuditor)
	below := w.somebodyAt("37150301", domain.RoleLoanOfficer)
	if _, err := w.applications.Application(ctx, above, rec.ID); err != nil {
		t.Errorf("the branch above: %v", err)
	}
	_, err = w.applications.Application(ctx, below, rec.ID)
	wantCode(t, "the branch below", err, "application-not-found")
	herself := domain.Actor{ID: newID(), Role: domain.RoleBorrower, BorrowerID: rec.BorrowerID}
	if _, err := w.applications.Application(ctx, herself, rec.ID); err != nil {
		t.Errorf("the borrower: %v", err)
	}
	somebodyElse := domain.Actor{ID: newID(), Role: domain.RoleBorrower, BorrowerID: newID()}
	_, err = w.applications.Application(ctx, somebodyElse, rec.ID)
	wantCode(t, "another borrower", err, "application-not-found")
}

func TestListsPageByKeyNewestFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	person := w.farmer(officer)
	var want []domain.ID
	for range 5 {
		rec, _, err := w.applications.Open(t.Context(), officer, key(), origination.OpenApplication{
			BorrowerID: person.ID, ProductCode: "QLFMD", Request: request("50000.00"),
		})
		w.must(err)
		want = append([]domain.ID{rec.ID}, want...)
	}
	var got []domain.ID
	page := domain.Page{Limit: 2}
	for range 5 {
		list, err := w.applications.Applications(t.Context(), officer, origination.ApplicationFilter{BorrowerID: person.ID, Status: loan.StatusDraft}, page)
		w.must(err)
		for _, r := range list {
			got = append(got, r.ID)
		}
		if len(list) < page.Limit {
			break
		}
		page.After = list[len(list)-1].ID
	}
	if strings.Join(texts(got), " ") != strings.Join(texts(want), " ") {
		t.Errorf("pages of two: got %v, want %v", got, want)
	}
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func texts(ids []domain.ID) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = id.String()
	}
	return out
}

func TestSigningNeedsAVerifiedAccountAndAnOfferedMethod(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	officer := w.somebody(domain.RoleLoanOfficer)

	seasonal := request("50000.00")
	seasonal.RepaymentMethod = schedule.Seasonal
	seasonal.Harvests = []schedule.SeasonalInstalment{{DueOn: domain.DateOf(w.now()).AddMonths(6), SharePct: money.MustParseRate("100")}}
	rec, _, err := w.applications.Open(ctx, officer, key(), origination.OpenApplication{
		BorrowerID: w.farmer(officer).ID, ProductCode: "QLFMD", Request: seasonal,
	})
	w.must(err)
	_, err = w.applications.Submit(ctx, officer, rec.ID)
	wantCode(t, "a method the product does not offer", err, "repayment-method-not-offered")

	_, _, err = w.applications.Open(ctx, officer, key(), origination.OpenApplication{BorrowerID: newID(), ProductCode: "QLFMD", Request: request("1.00")})
	wantCode(t, "an unknown borrower", err, "invalid-fields")
	_, _, err = w.applications.Open(ctx, officer, key(), origination.OpenApplication{BorrowerID: w.farmer(officer).ID, ProductCode: "NONE", Request: request("1.00")})
	wantCode(t, "an unknown product", err, "invalid-fields")
	_, _, err = w.applications.Open(ctx, w.somebody(domain.RoleAuditor), key(), origination.OpenApplication{})
	wantCode(t, "an auditor who opens", err, "role-not-allowed")

	draft := w.opened(officer, "50000.00")
	_, err = w.applications.Sign(ctx, officer, origination.SignApplication{ID: draft.ID, ContractNo: "X", SignedOn: domain.DateOf(w.now())})
	wantCode(t, "signing a draft", err, "wrong-status")
	_, err = w.applications.Plan(ctx, officer, draft.ID)
	wantCode(t, "the plan of a draft", err, "wrong-status")

	first := w.signed(officer, "50000.00")
	contract, err := w.applications.Contract(ctx, officer, first.ID)
	w.must(err)
	approved := w.opened(officer, "50000.00")
	_, err = w.applications.Submit(ctx, officer, approved.ID)
	w.must(err)
	_, err = w.applications.Sign(ctx, officer, origination.SignApplication{ID: approved.ID, ContractNo: contract.ContractNo, SignedOn: domain.DateOf(w.now())})
	wantCode(t, "a contract number used before", err, "invalid-fields")
}

func TestAFamilyFarmIsAsOldAsItsOwner(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	owner := w.farmerBorn(officer, "19641101")
	code := borrower.MustParseCreditCode("92371503MA3E5AMP5A")
	farm, _, err := w.borrowers.CreateBorrower(t.Context(), officer, key(), origination.CreateBorrower{
		Kind: borrower.KindFamilyFarm, Name: borrower.MustParseName("茌平区刘马村吉华家庭农场"), CreditCode: code,
		Phone: borrower.MustParsePhone("13900000001"), HouseholdID: owner.HouseholdID,
		Organisation: borrower.Organisation{
			RegisteredOn: domain.MustParseDate("2019-03-01"),
			Representative: borrower.Representative{
				Name: owner.Name, IDNumber: owner.IDNumber, Phone: owner.Phone, Role: borrower.RoleOperator,
			},
		},
	})
	w.must(err)
	long := request("50000.00")
	long.TermMonths = 48
	rec, _, err := w.applications.Open(t.Context(), officer, key(), origination.OpenApplication{BorrowerID: farm.ID, ProductCode: "QLFMD", Request: long})
	w.must(err)
	rec, err = w.applications.Submit(t.Context(), officer, rec.ID)
	w.must(err)
	d, err := w.applications.Decision(t.Context(), officer, rec.ID)
	w.must(err)
	if declined := d.Outcome.Declined(); rec.Status != loan.StatusDeclined || len(declined) != 1 || declined[0].Value != "66" {
		t.Errorf("a farm whose owner is 62, for 48 months: %s, %+v; want declined for 66 years", rec.Status, declined)
	}
	if months, known := d.Facts.BusinessAgeMonths.Value(); !known || months != 92 {
		t.Errorf("registered on 2019-03-01: %d months (%t), want 92", months, known)
	}
}
