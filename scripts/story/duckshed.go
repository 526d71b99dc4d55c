package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"fumin/domain/money"
	"fumin/scripts/drive"
)

// paymentWaitMax is how long a released payment may take to arrive, the waits after an unknown outcome included.
const paymentWaitMax = 3 * time.Minute

// playDuckShed is the whole way of one loan, from the first contact to the closed case, with what must be refused on the way.
func playDuckShed(ctx context.Context, p *play) error {
	officer, err := p.enter(ctx, "officer")
	if err != nil {
		return err
	}
	borrower, err := p.registered(ctx, officer, p.people.Adult(p.facts.Borrower, today()))
	if err != nil {
		return err
	}
	application, err := p.opened(ctx, officer, borrower.ID, p.facts.TermMonths)
	if err != nil {
		return err
	}
	stranger, err := p.enter(ctx, "stranger")
	if err != nil {
		return err
	}
	if err := p.refused(ctx, stranger, "of another branch looks for it",
		drive.Read("/v1/applications/"+application.ID), http.StatusNotFound, "application-not-found"); err != nil {
		return err
	}
	if err := p.approved(ctx, officer, application.ID); err != nil {
		return err
	}
	if err := p.signed(ctx, officer, application.ID); err != nil {
		return err
	}
	disbursement, releaser, err := p.released(ctx, officer, application.ID)
	if err != nil {
		return err
	}
	if err := p.paid(ctx, releaser, disbursement); err != nil {
		return err
	}
	if err := p.closed(ctx, officer, application.ID); err != nil {
		return err
	}
	return p.repaysAndDraws(ctx, officer, releaser, application.ID, borrower)
}

// approved submits the application, twice, and shows why the rules approved it.
func (p *play) approved(ctx context.Context, officer player, id string) error {
	application, err := ask[drive.Application](ctx, p, officer, "submits it to the rules (提交)", drive.Submit(id), http.StatusOK)
	if err != nil {
		return err
	}
	a := application.Approval
	if application.Status != "approved" || a == nil || !a.ByRules || a.Amount.String() != p.facts.Amount {
		return differs("the outcome", application.Status, "approved by the rules, "+p.facts.Amount)
	}
	p.show("%s (%s), by the rules: %s yuan, %d months, at most %s%% a year",
		application.StatusLabel, application.Status, a.Amount.Grouped(), a.TermMonths, a.AnnualRatePct)
	p.pause()

	decision, err := ask[drive.Decision](ctx, p, officer, "asks why", drive.Read("/v1/applications/"+id+"/decision"), http.StatusOK)
	if err != nil {
		return err
	}
	p.reasons(decision)
	p.pause()
	if decision.Result != "approve" || len(decision.Reasons) == 0 {
		return differs("the decision", decision.Result, "approve, with reasons")
	}
	return p.refused(ctx, officer, "submits it a second time", drive.Submit(id), http.StatusConflict, "wrong-status")
}

// planShown reads the plan with the true yearly cost, and checks its arithmetic.
func (p *play) planShown(ctx context.Context, who player, id string) (drive.Plan, error) {
	plan, err := ask[drive.Plan](ctx, p, who, "looks at the plan and what it costs (还款计划与综合年化成本)",
		drive.Read("/v1/applications/"+id+"/plan"), http.StatusOK)
	if err != nil {
		return plan, err
	}
	if err := checkPlan(plan, p.facts); err != nil {
		return plan, err
	}
	first, last := plan.Instalments[0], plan.Instalments[len(plan.Instalments)-1]
	p.show("%s%% a year (LPR %s%%), interest %s yuan in all; yearly cost with everything %s%%",
		plan.AnnualRatePct, plan.ReferenceRatePct, plan.InterestTotal.Grouped(), plan.APREffectivePct)
	p.show("  no.  due          principal     interest        total      balance")
	p.instalment(first)
	p.show("  …")
	p.instalment(last)
	p.pause()
	return plan, nil
}

func (p *play) instalment(row drive.Instalment) {
	p.show("  %3d  %s %12s %12s %12s %12s", row.Number, row.DueOn, row.Principal.Grouped(), row.Interest.Grouped(), row.Total.Grouped(), row.ClosingBalance.Grouped())
}

// signed shows the plan, and records the contract.
func (p *play) signed(ctx context.Context, officer player, id string) error {
	plan, err := p.planShown(ctx, officer, id)
	if err != nil {
		return err
	}
	if err := p.quoted(ctx, officer, plan); err != nil {
		return err
	}
	contractNo := drive.NewContractNo()
	application, err := ask[drive.Application](ctx, p, officer, "records the signed contract (签约)", drive.Sign(id, contractNo, today()), http.StatusOK)
	if err != nil {
		return err
	}
	if application.Status != "signed" {
		return differs("the application", application.Status, "signed")
	}
	p.show("contract %s; amount, rate, plan and payee are frozen; %s (%s)", contractNo, application.StatusLabel, application.Status)
	p.pause()

	frozen, err := drive.Ask[drive.Plan](ctx, officer.session, drive.Read("/v1/applications/"+id+"/plan"), http.StatusOK)
	if err != nil {
		return err
	}
	if !frozen.Signed || !frozen.InterestTotal.Equal(plan.InterestTotal) || !slices.EqualFunc(frozen.Instalments, plan.Instalments, sameRow) {
		return errors.New("the signed plan differs from the one that was shown")
	}
	return nil
}

// guaranteeFeePct is the published ceiling of the guarantee company's fee, percent a year.
const guaranteeFeePct = "0.75"

// quoted shows what the same loan would cost with the guarantee company, as from 100,000.00 yuan it must be: the fee is
// inside the yearly cost, above the nominal rate.
func (p *play) quoted(ctx context.Context, officer player, plan drive.Plan) error {
	quotation, err := ask[drive.Quotation](ctx, p, officer, "compares: the same loan with the guarantee company's fee (试算)",
		drive.QuoteGuaranteed(p.facts.request(), plan.AnnualRatePct.String(), guaranteeFeePct, today()), http.StatusOK)
	if err != nil {
		return err
	}
	cost := quotation.YearlyCost
	if quotation.Totals.Fees.Sign() <= 0 || cost.NominalPct != plan.AnnualRatePct.String() {
		return differs("the quote's fees and nominal rate", fmt.Sprintf("%s, %s", quotation.Totals.Fees, cost.NominalPct), "fees, and "+plan.AnnualRatePct.String())
	}
	withFee, err := decimal.NewFromString(cost.APREffectivePct)
	if err != nil {
		return differs("the yearly cost", cost.APREffectivePct, "a percentage")
	}
	without, err := decimal.NewFromString(plan.APREffectivePct)
	if err != nil || withFee.Cmp(without.Add(decimal.New(5, -1))) < 0 {
		return differs("the yearly cost with the fee", cost.APREffectivePct, "half a percent or more above "+plan.APREffectivePct)
	}
	p.show("fee %s%% a year: %s yuan in all; nominal still %s%%, but the yearly cost with everything %s%%",
		guaranteeFeePct, quotation.Totals.Fees.Grouped(), cost.NominalPct, withFee.StringFixed(4))
	p.pause()
	return nil
}

func sameRow(a, b drive.Instalment) bool {
	return a.DueOn == b.DueOn && a.Principal.Equal(b.Principal) && a.Interest.Equal(b.Interest) && a.Fees.Equal(b.Fees)
}

// checkPlan adds the plan up, to the fen.
func checkPlan(plan drive.Plan, f facts) error {
	if plan.Amount.String() != f.Amount || len(plan.Instalments) != f.TermMonths {
		return differs("the plan", fmt.Sprintf("%s in %d instalments", plan.Amount, len(plan.Instalments)), fmt.Sprintf("%s in %d", f.Amount, f.TermMonths))
	}
	var principal, interest money.Amount
	for _, row := range plan.Instalments {
		principal, interest = principal.Add(row.Principal), interest.Add(row.Interest)
		if !row.Total.Equal(money.Sum(row.Principal, row.Interest, row.Fees)) {
			return differs(fmt.Sprintf("instalment %d", row.Number), row.Total, "the sum of its parts")
		}
	}
	switch {
	case !principal.Equal(plan.Amount):
		return differs("the sum of the principal", principal, plan.Amount)
	case !interest.Equal(plan.InterestTotal):
		return differs("the sum of the interest", interest, plan.InterestTotal)
	case !plan.Instalments[len(plan.Instalments)-1].ClosingBalance.IsZero():
		return differs("the last balance", plan.Instalments[len(plan.Instalments)-1].ClosingBalance, "0.00")
	case plan.APREffectivePct == "":
		return errors.New("the plan does not say what the loan costs a year")
	}
	return nil
}

// released requests the payment, has the officer's own release refused, and lets a second person release it.
func (p *play) released(ctx context.Context, officer player, id string) (drive.Disbursement, player, error) {
	disbursement, err := ask[drive.Disbursement](ctx, p, officer, "requests the disbursement (申请放款)", drive.RequestDisbursement(id), http.StatusCreated)
	if err != nil {
		return disbursement, player{}, err
	}
	if disbursement.Status != "requested" || disbursement.Amount.String() != p.facts.Amount {
		return disbursement, player{}, differs("the disbursement", disbursement.Status+" "+disbursement.Amount.String(), "requested "+p.facts.Amount)
	}
	p.show("%s yuan to %s %s; %s (%s): no money moves before somebody else releases it", disbursement.Amount.Grouped(),
		disbursement.Transfers[0].PayeeName, disbursement.Transfers[0].PayeeAccount, disbursement.StatusLabel, disbursement.Status)
	p.pause()
	if err := p.refused(ctx, officer, "tries to release it alone", drive.Release(disbursement.ID), http.StatusForbidden, "role-not-allowed"); err != nil {
		return disbursement, player{}, err
	}
	releaser, err := p.enter(ctx, "releaser")
	if err != nil {
		return disbursement, player{}, err
	}
	return disbursement, releaser, p.releasedBy(ctx, releaser, disbursement.ID)
}

// paid waits until the money has arrived, and counts in the channel's own list.
func (p *play) paid(ctx context.Context, releaser player, d drive.Disbursement) error {
	d, err := p.arrived(ctx, releaser, d.ID)
	if err != nil {
		return err
	}
	return p.channelPaid(ctx, d, p.facts.Amount)
}

// arrived waits until the money has arrived.
func (p *play) arrived(ctx context.Context, releaser player, id string) (drive.Disbursement, error) {
	p.tell("%s waits for the money to arrive", releaser.Name)
	begun := time.Now()
	waiting, cancel := context.WithTimeout(ctx, paymentWaitMax)
	defer cancel()
	d, err := releaser.session.AwaitDisbursement(waiting, id, "succeeded")
	if err != nil {
		return d, err
	}
	p.show("%s (%s) after %s: %s yuan, the channel's number is %s", d.StatusLabel, d.Status,
		milliseconds(time.Since(begun)), d.Amount.Grouped(), d.Transfers[0].ChannelReference)
	p.pause()
	return d, nil
}

// channelPaid asks the channel, which keeps its own record of what it paid: one payment of each amount, and no other.
func (p *play) channelPaid(ctx context.Context, d drive.Disbursement, amounts ...string) error {
	p.tell("The payment channel is asked what it paid")
	if p.channel == nil {
		p.show("its address is not known; set FUMIN_CHANNEL_URL to the address that run.sh printed, and this is checked too")
		p.pause()
		return nil
	}
	paid, err := p.channel.PaymentsOf(ctx, d)
	if err != nil {
		return err
	}
	var found []string
	for _, one := range paid {
		if one.State == "succeeded" {
			found = append(found, one.Amount)
		}
		p.show("one payment under the transfer's id: %s yuan to account …%s, %s", one.Amount, one.PayeeAccountTail, one.ChannelReference)
	}
	slices.Sort(found)
	if len(paid) != len(amounts) || !slices.Equal(found, slices.Sorted(slices.Values(amounts))) {
		return differs("the channel's list for this disbursement", paid, fmt.Sprintf("one payment of each of %v", amounts))
	}
	p.pause()
	return nil
}

// wayOfMoney is what the audit trail of a paid and closed case says of the application and its payment, in order.
var wayOfMoney = []string{
	"application create", "application submit", "application sign", "disbursement request", "disbursement release",
	"disbursement send", "disbursement succeed", "application disburse", "application close",
}

// closed closes the case and reads its history.
func (p *play) closed(ctx context.Context, officer player, id string) error {
	application, err := ask[drive.Application](ctx, p, officer, "closes the case (结案)", drive.Close(id), http.StatusOK)
	if err != nil {
		return err
	}
	if application.Status != "closed" {
		return differs("the application", application.Status, "closed")
	}
	p.show("%s (%s)", application.StatusLabel, application.Status)
	p.pause()

	trail, err := ask[drive.Events](ctx, p, officer, "reads the whole history", drive.Read("/v1/applications/"+id+"/events"), http.StatusOK)
	if err != nil {
		return err
	}
	if len(trail.Items) == 0 {
		return errors.New("the history is empty")
	}
	p.history(trail.Items)
	var way []string
	for i, e := range trail.Items {
		if e.Subject == "application" || e.Subject == "disbursement" {
			way = append(way, e.Subject+" "+e.Action)
		}
		if i > 0 && e.At.Before(trail.Items[i-1].At) {
			return fmt.Errorf("the history goes back in time at %s", e.Action)
		}
	}
	if !slices.Equal(way, wayOfMoney) {
		return differs("the history", way, wayOfMoney)
	}
	took := trail.Items[len(trail.Items)-1].At.Sub(trail.Items[0].At)
	if limit := time.Duration(p.facts.WithinHours) * time.Hour; took > limit {
		return differs("the time from draft to closed case", took, "at most "+limit.String())
	}
	return nil
}
