package loan_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
)

// guaranteeIn is a guarantee that stands somewhere, with the answer that brought it there.
func guaranteeIn(t *testing.T, status loan.GuaranteeStatus) *loan.Guarantee {
	t.Helper()
	rec := loan.GuaranteeRecord{
		ID: disbursementID, ApplicationID: applicationID, BranchID: decisionID, BorrowerID: versionID, CompanyID: versionID,
		Request: loan.GuaranteeRequest{Amount: money.MustParseAmount("150000.00"), TermMonths: 12, Crop: loan.GuaranteeOther, FeeMaxPct: money.MustParseRate("0.75")},
		Status:  status, Quota: loan.QuotaNone, Version: 1,
	}
	if status != loan.GuaranteeRequested {
		a := letterOf(loan.GuaranteeAccepted)
		a.ExpiresOn = domain.DateOf(at).AddDays(-1)
		rec.Answer = &a
	}
	g, err := loan.RestoreGuarantee(rec)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func letterOf(said loan.GuaranteeStatus) loan.GuaranteeAnswer {
	if said == loan.GuaranteeRefused {
		return loan.GuaranteeAnswer{Decision: said, Counter: loan.CounterNone, Reason: "超出本公司范围"}
	}
	a := loan.GuaranteeAnswer{Decision: said, LetterNo: "L-1", Amount: money.MustParseAmount("150000.00"), ExpiresOn: domain.DateOf(at), Counter: loan.CounterNone}
	if said == loan.GuaranteeConditional {
		a.Conditions = "投保养殖险"
	}
	return a
}

func TestEveryGuaranteeActionFromEveryStatusByEveryRole(t *testing.T) {
	t.Parallel()
	answer := func(said loan.GuaranteeStatus) func(*loan.Guarantee, domain.Actor) (loan.Event, error) {
		return func(g *loan.Guarantee, by domain.Actor) (loan.Event, error) { return g.Answer(by, at, letterOf(said)) }
	}
	tries := map[loan.Action]func(*loan.Guarantee, domain.Actor) (loan.Event, error){
		loan.ActionGuaranteeAccept:    answer(loan.GuaranteeAccepted),
		loan.ActionGuaranteeCondition: answer(loan.GuaranteeConditional),
		loan.ActionGuaranteeRefuse:    answer(loan.GuaranteeRefused),
		loan.ActionGuaranteeFulfil:    func(g *loan.Guarantee, by domain.Actor) (loan.Event, error) { return g.Fulfil(by, at, "保单") },
		loan.ActionGuaranteeExpire:    func(g *loan.Guarantee, by domain.Actor) (loan.Event, error) { return g.Expire(by, at) },
		loan.ActionGuaranteeDischarge: func(g *loan.Guarantee, by domain.Actor) (loan.Event, error) { return g.Discharge(by, at, "withdrawn") },
	}
	for _, from := range loan.GuaranteeStatuses() {
		for action, try := range tries {
			for _, role := range domain.Roles() {
				var to loan.GuaranteeStatus
				mayEver := false
				for _, tr := range loan.GuaranteeTransitions() {
					if tr.Action == action && (tr.Roles == nil || slices.Contains(tr.Roles, role)) {
						mayEver = true
						if tr.From == from {
							to = tr.To
						}
					}
				}
				g := guaranteeIn(t, from)
				event, err := try(g, actor(role))
				name := fmt.Sprintf("%s by %s from %s", action, role, from)
				refusal, _ := errors.AsType[*domain.Error](err)
				switch {
				case to != "":
					if err != nil || g.Record().Status != to || event.To != string(to) {
						t.Errorf("%s: got %s, event %+v, %v; want %s", name, g.Record().Status, event, err, to)
					}
				case refusal == nil || (mayEver && refusal.Kind != domain.KindConflict) || (!mayEver && refusal.Kind != domain.KindForbidden):
					t.Errorf("%s: got %v, want a refusal (may ever: %t)", name, err, mayEver)
				case g.Record().Status != from:
					t.Errorf("%s: was refused and still changed", name)
				}
			}
		}
	}
}
