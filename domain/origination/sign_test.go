package origination_test

import (
	"testing"

	"github.com/shopspring/decimal"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
	"fumin/domain/product"
)

// reviewed brings a case that needs a person to its approval: from 100,000.00 the guarantee company is needed.
func (w *world) reviewed(officer domain.Actor, amount string) loan.Record {
	w.t.Helper()
	rec := w.opened(officer, amount)
	rec, err := w.applications.Submit(w.t.Context(), officer, rec.ID)
	w.must(err)
	if rec.Status != loan.StatusReviewing {
		w.t.Fatalf("submitted %s: %s, want reviewing", amount, rec.Status)
	}
	w.clear(officer, rec.ID)
	rec, err = w.applications.Approve(w.t.Context(), w.somebody(domain.RoleApprover), origination.ApproveApplication{ID: rec.ID})
	w.must(err)
	return rec
}

func TestTheGuaranteeFeeIsInsideTheYearlyCostThatIsShownAndSigned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	onCredit, err := w.applications.Plan(t.Context(), officer, w.approved(officer, "99500.00").ID)
	w.must(err)
	if !onCredit.FeesTotal.IsZero() {
		t.Errorf("on credit: fees %s, want none", onCredit.FeesTotal)
	}

	rec := w.reviewed(officer, "300000.00")
	guaranteed, err := w.applications.Plan(t.Context(), officer, rec.ID)
	w.must(err)
	// 0.75 % of 300,000.00 for the one year, in advance.
	if guaranteed.FeesTotal.String() != "2250.00" || guaranteed.FeesUpfront.String() != "2250.00" {
		t.Errorf("guaranteed: fees %s, %s of them upfront; want 2250.00", guaranteed.FeesTotal, guaranteed.FeesUpfront)
	}
	difference := decimal.RequireFromString(guaranteed.APREffectivePct).Sub(decimal.RequireFromString(onCredit.APREffectivePct))
	if difference.Cmp(decimal.RequireFromString("0.7")) < 0 || difference.Cmp(decimal.RequireFromString("0.9")) > 0 {
		t.Errorf("yearly cost %s with the fee and %s without: want about 0.8 more", guaranteed.APREffectivePct, onCredit.APREffectivePct)
	}

	rec, err = w.applications.Sign(t.Context(), officer, origination.SignApplication{ID: rec.ID, ContractNo: "HT-300", SignedOn: domain.DateOf(w.now())})
	w.must(err)
	contract, err := w.applications.Contract(t.Context(), officer, rec.ID)
	w.must(err)
	if contract.APREffectivePct != guaranteed.APREffectivePct || !contract.FeesTotal.Equal(guaranteed.FeesTotal) {
		t.Errorf("signed %s with fees %s, shown %s with %s", contract.APREffectivePct, contract.FeesTotal, guaranteed.APREffectivePct, guaranteed.FeesTotal)
	}
}

func (w *world) approved(officer domain.Actor, amount string) loan.Record {
	w.t.Helper()
	rec, err := w.applications.Submit(w.t.Context(), officer, w.opened(officer, amount).ID)
	w.must(err)
	return rec
}

func TestAVisitThatHasNotBeenMadeIsNoVisit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	person := w.farmer(officer)
	today := domain.DateOf(w.now())
	tomorrow := request("50000.00")
	tomorrow.SiteVisitOn = today.AddDays(1)
	_, _, err := w.applications.Open(t.Context(), officer, key(), origination.OpenApplication{BorrowerID: person.ID, ProductCode: "QLFMD", Request: tomorrow})
	wantCode(t, "a visit tomorrow", err, "invalid-fields")
	rec := w.opened(officer, "50000.00")
	_, err = w.applications.Edit(t.Context(), officer, origination.EditApplication{ID: rec.ID, Version: rec.Version, Request: tomorrow})
	wantCode(t, "an edit to a visit tomorrow", err, "invalid-fields")

	for _, c := range []struct {
		visited string
		counts  bool
	}{
		{"2026-11-23", true}, {"2026-05-23", true}, {"2026-05-22", false}, {"1901-01-01", false}, {"2026-11-24", false},
	} {
		r := loan.Request{SiteVisitOn: domain.MustParseDate(c.visited)}
		if got := r.VisitedBy(domain.MustParseDate("2026-11-23")); got != c.counts {
			t.Errorf("visited on %s: counts %t, want %t", c.visited, got, c.counts)
		}
	}
	if (loan.Request{}).VisitedBy(today) {
		t.Error("no visit counts as one")
	}
}

func TestTheWrongRoleOrStatusIsSaidBeforeAnythingElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	officer, auditor := w.somebody(domain.RoleLoanOfficer), w.somebody(domain.RoleAuditor)
	rec := w.approved(officer, "99500.00")
	longAgo := origination.SignApplication{ID: rec.ID, ContractNo: "HT-1", SignedOn: domain.MustParseDate("2016-11-23")}
	_, err := w.applications.Sign(ctx, auditor, longAgo)
	wantCode(t, "an auditor who signs", err, "role-not-allowed")
	_, err = w.applications.Sign(ctx, officer, longAgo)
	wantCode(t, "a day before the approval", err, "invalid-fields")
	longAgo.SignedOn = domain.DateOf(w.now()).AddDays(1)
	_, err = w.applications.Sign(ctx, officer, longAgo)
	wantCode(t, "a day in the future", err, "invalid-fields")
	_, err = w.applications.Submit(ctx, auditor, rec.ID)
	wantCode(t, "an auditor who submits", err, "role-not-allowed")
	_, err = w.applications.Submit(ctx, officer, rec.ID)
	wantCode(t, "a second submit", err, "wrong-status")
	_, err = w.applications.Approve(ctx, officer, origination.ApproveApplication{ID: rec.ID})
	wantCode(t, "an officer who approves", err, "role-not-allowed")
}

// The approved rate is that day's; the contract's follows the LPR of the day of signing, by the same spread.
func TestTheContractsRateFollowsTheReferenceRateOfTheSigningDay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	rec := w.approved(officer, "99500.00")
	today := domain.DateOf(w.now())
	err := w.store.Update(t.Context(), func(tx origination.Tx) error {
		_, err := tx.InsertReferenceRate(t.Context(), product.ReferenceRate{
			ID: newID(), PublishedOn: today, OneYearPct: money.MustParseRate("3.10"), FiveYearPct: money.MustParseRate("3.60"), Source: "测试",
		})
		return err
	})
	w.must(err)
	rec, err = w.applications.Sign(t.Context(), officer, origination.SignApplication{ID: rec.ID, ContractNo: "HT-1", SignedOn: today})
	w.must(err)
	contract, err := w.applications.Contract(t.Context(), officer, rec.ID)
	w.must(err)
	if rec.Approval.AnnualRate.String() != "3.20" || contract.AnnualRate.String() != "3.30" || contract.ReferenceRatePct.String() != "3.10" {
		t.Errorf("approved at %s, signed at %s on LPR %s; want 3.20, 3.30, 3.10", rec.Approval.AnnualRate, contract.AnnualRate, contract.ReferenceRatePct)
	}

	// Whatever was granted, nobody signs above the product's price of the day.
	dear := w.approved(officer, "99500.00")
	w.execute("UPDATE applications SET approved_rate_pct = 9.99 WHERE id = ?", dear.ID)
	offer, err := w.applications.Plan(t.Context(), officer, dear.ID)
	w.must(err)
	if offer.AnnualRate.String() != "3.30" || offer.SpreadPct.String() != "0.20" {
		t.Errorf("granted 9.99 %%: offered at %s, %s above the reference rate; want 3.30, 0.20", offer.AnnualRate, offer.SpreadPct)
	}
}

func TestALoanIsPaidOnlyToAVerifiedAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	person := w.farmerWithout(officer, func(cmd *origination.CreateBorrower) { cmd.Payout.VerifiedHow = "" })
	rec, _, err := w.applications.Open(t.Context(), officer, key(), origination.OpenApplication{BorrowerID: person.ID, ProductCode: "QLFMD", Request: request("50000.00")})
	w.must(err)
	_, err = w.applications.Submit(t.Context(), officer, rec.ID)
	w.must(err)
	_, err = w.applications.Sign(t.Context(), officer, origination.SignApplication{ID: rec.ID, ContractNo: "HT-1", SignedOn: domain.DateOf(w.now())})
	wantCode(t, "signing without a verified account", err, "payout-account-missing")
}
