package origination

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"fumin/domain"
	"fumin/domain/decision"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/product"
)

// guaranteeLetterFact tells the rules whether there is a live letter for what is asked (担保函有效).
func guaranteeLetterFact(ctx context.Context, r Reader, f *decision.Facts, rec loan.Record, v product.Version, today domain.Date) error {
	if _, ever := v.GuaranteeCompanyFrom(); !ever {
		return nil
	}
	g, found, err := r.LiveGuarantee(ctx, rec.ID)
	if err != nil {
		return err
	}
	f.GuaranteeLetterLive = decision.Known(found && g.LetterLive(today, rec.Request.Amount, rec.Request.TermMonths))
	return nil
}

// checkGuaranteeLetter is the condition of paying that a letter is live, covers the loan and has its conditions met
// (担保函有效).
func checkGuaranteeLetter(ctx context.Context, r Reader, p payment) error {
	rec := p.Application
	if rec.Approval == nil {
		return nil
	}
	version, err := r.ProductVersion(ctx, rec.ProductVersionID)
	if err != nil {
		return err
	}
	amount := rec.Approval.Amount
	if !needsGuarantee(version, amount) {
		return nil
	}
	g, found, err := r.LiveGuarantee(ctx, rec.ID)
	if err != nil {
		return err
	}
	switch {
	case !found || g.Answer == nil:
		return domain.Errorf(domain.KindRule, "guarantee-letter-required", "%s 元须有农担公司的有效担保函才能%s，目前还没有，请等农担公司答复或重新申请担保",
			amount.Grouped(), p.Step.deed())
	case g.Answer.ExpiresOn.Before(domain.DateOf(p.At)):
		remedy := "请重新申请担保"
		if rec.Status == loan.StatusDisbursed || rec.Status == loan.StatusClosed { // which is never asked for anew
			remedy = "请农担公司延长这份担保函（再次答复，只改有效期和编号）"
		}
		return domain.Errorf(domain.KindRule, "guarantee-letter-required", "担保函 %s 已于 %s 到期，%s", g.Answer.LetterNo, g.Answer.ExpiresOn, remedy)
	case !g.Covers(amount, rec.Approval.TermMonths):
		return domain.Errorf(domain.KindConflict, "guarantee-not-covering", "担保函 %s 担保 %s 元、%d 个月，不足本笔贷款的 %s 元、%d 个月，请重新申请担保",
			g.Answer.LetterNo, g.Answer.Amount.Grouped(), g.Request.TermMonths, amount.Grouped(), rec.Approval.TermMonths)
	case g.Status == loan.GuaranteeConditional:
		return domain.Errorf(domain.KindRule, "guarantee-conditions-open", "担保函 %s 的条件尚未落实，请客户经理落实后登记", g.Answer.LetterNo)
	case g.Quota != loan.QuotaConfirmed && (g.Quota != loan.QuotaReleased || p.Step != paymentRequested): // a request takes it again
		return domain.Errorf(domain.KindConflict, "guarantee-not-reserved", "这笔贷款没有确认的担保额度，请重新申请担保")
	}
	if p.Contract.TextID.IsZero() {
		return nil // on paper, which the officer looked through
	}
	text, err := r.ContractText(ctx, domain.Scope{Everything: true}, rec.ID)
	if err != nil {
		return err
	}
	err = checkCounterGuarantor(ctx, r, rec, text.Parties, domain.DateOf(p.At)) // the letter may have come after the signature
	if domain.CodeOf(err) != "counter-guarantor-missing" {
		return err
	}
	return domain.Errorf(domain.KindRule, "counter-guarantor-missing",
		"担保函 %s 要求反担保，而已签署的合同里没有反担保人：请与农担公司商定不要求反担保并重新出函（指明公司重新申请担保），或终止额度后重新申请", g.Answer.LetterNo)
}

// guaranteeFeePct is the yearly fee a loan pays: the letter's once the company has answered, and until then the product's
// ceiling, so that nobody pays more than was shown. 0 when no guarantee is needed.
func guaranteeFeePct(ctx context.Context, r Reader, rec loan.Record, tier product.GuaranteeTier) (money.Rate, error) {
	if tier.Kind != product.GuaranteeCompany {
		return money.Rate{}, nil
	}
	g, found, err := r.LiveGuarantee(ctx, rec.ID)
	if err != nil {
		return money.Rate{}, err
	}
	switch {
	case !found:
		return tier.FeeMaxPct, nil
	case g.Answer != nil:
		return g.Answer.FeePct, nil
	}
	return g.Request.FeeMaxPct, nil
}

// guaranteeCompanyName is who guarantees a loan, as the contract names it; empty when nobody does or nobody was asked yet.
func guaranteeCompanyName(ctx context.Context, r Reader, rec loan.Record, tier product.GuaranteeTier) (string, error) {
	if tier.Kind != product.GuaranteeCompany {
		return "", nil
	}
	g, found, err := r.LiveGuarantee(ctx, rec.ID)
	if err != nil || !found {
		return "", err
	}
	company, err := r.GuaranteeCompany(ctx, g.CompanyID)
	return company.Name(), err
}

// CounterParty is the counter-guarantee a case needs signed (反担保人).
type CounterParty struct {
	Kind loan.CounterGuarantee // spouse or other
	Note string                // who or what, as the company wrote it
}

// requiredCounterGuarantee returns the counter-guarantee that the company asked of a case; false when it asked none, has not
// answered, or is not needed.
func requiredCounterGuarantee(ctx context.Context, r Reader, rec loan.Record) (CounterParty, bool, error) {
	g, found, err := r.LiveGuarantee(ctx, rec.ID)
	if err != nil || !found || g.Answer == nil || g.Answer.Counter == loan.CounterNone {
		return CounterParty{}, false, err
	}
	return CounterParty{Kind: g.Answer.Counter, Note: g.Answer.CounterNote}, true, nil
}

// checkCounterGuarantor refuses a contract without whom the company's letter asks for (反担保): the spouse, or a guarantor who is not
// the spouse, because beyond the product's sum the spouse is not enough.
func checkCounterGuarantor(ctx context.Context, r Reader, rec loan.Record, parties []loan.Party, today domain.Date) error {
	counter, asked, err := requiredCounterGuarantee(ctx, r, rec)
	if err != nil || !asked {
		return err
	}
	if counter.Kind == loan.CounterSpouse {
		if slices.ContainsFunc(parties, func(p loan.Party) bool { return p.Role == loan.PartySpouse }) {
			return nil
		}
		return domain.Errorf(domain.KindRule, "counter-guarantor-missing", "农担公司要求配偶反担保：请在家庭成员中登记配偶，或生成合同时填写配偶，由其一并签署")
	}
	person, err := r.Borrower(ctx, domain.Scope{Everything: true}, rec.BorrowerID)
	if err != nil {
		return err
	}
	spouse, married, err := spouseOnFile(ctx, r, person, today)
	if err != nil {
		return err
	}
	isSpouse := func(p loan.Party) bool {
		return married && p.IDNumber.Equal(spouse.IDNumber) ||
			slices.ContainsFunc(parties, func(o loan.Party) bool { return o.Role == loan.PartySpouse && o.IDNumber.Equal(p.IDNumber) })
	}
	if slices.ContainsFunc(parties, func(p loan.Party) bool { return p.Role == loan.PartyGuarantor && !isSpouse(p) }) {
		return nil
	}
	return domain.Errorf(domain.KindRule, "counter-guarantor-missing",
		"农担公司要求其他反担保（%s）：请生成合同时填写配偶以外的保证人，由其一并签署", counter.Note)
}

// Bounds of one look for lapsed letters: what is left over waits for the next.
const (
	expireBatch      = 100
	expireBatchesMax = 20
)

// ExpireGuarantees ends the letters whose last day has passed before the money was paid, and frees their quota; workers call it
// from time to time. A letter behind a payment that is on its way or made stands as long as the loan does. One that cannot be
// ended stops no other, and is tried again.
func ExpireGuarantees(ctx context.Context, store Store, worker domain.Actor, at time.Time) (expired int, err error) {
	var after domain.ID
	for range expireBatchesMax {
		lapsed, listed := store.ExpiredGuarantees(ctx, domain.DateOf(at), after, expireBatch)
		if listed != nil {
			return expired, errors.Join(err, listed)
		}
		for _, g := range lapsed {
			if ctx.Err() != nil {
				return expired, errors.Join(err, ctx.Err())
			}
			done, one := expireGuarantee(ctx, store, worker, at, g)
			if one != nil {
				err = errors.Join(err, fmt.Errorf("expire guarantee %s: %w", g.ID, one))
			}
			if done {
				expired++
			}
			after = g.ID
		}
		if len(lapsed) < expireBatch {
			break
		}
	}
	return expired, err
}

func expireGuarantee(ctx context.Context, store Store, worker domain.Actor, at time.Time, lapsed ExpiredGuarantee) (done bool, err error) {
	everything := domain.Scope{Everything: true}
	err = store.Update(ctx, func(tx Tx) error {
		done = false
		app, err := tx.LockApplication(ctx, everything, lapsed.ApplicationID)
		if err != nil {
			return err
		}
		paying, err := payingOrPaid(ctx, tx, app.Record())
		if err != nil || paying {
			return err
		}
		g, err := tx.LockGuarantee(ctx, everything, lapsed.ID)
		if err != nil {
			return err
		}
		if rec := g.Record(); !rec.Status.Live() || rec.Answer == nil || !rec.Answer.ExpiresOn.Before(domain.DateOf(at)) {
			return nil // somebody was faster
		}
		event, err := g.Expire(worker, at)
		if err != nil {
			return err
		}
		if err := tx.SaveGuarantee(ctx, g, event); err != nil {
			return err
		}
		done = true
		return nil
	})
	return done, err
}

// payingOrPaid reports whether money of a case is asked for, on its way or has arrived.
func payingOrPaid(ctx context.Context, r Reader, rec loan.Record) (bool, error) {
	switch rec.Status {
	case loan.StatusDisbursed, loan.StatusClosed:
		return true, nil
	case loan.StatusDraft, loan.StatusReviewing, loan.StatusReturned, loan.StatusApproved, loan.StatusDeclined, loan.StatusSigned, loan.StatusWithdrawn, loan.StatusExpired:
	}
	return livePayment(ctx, r, rec.ID)
}

// livePayment reports whether one of all payments of a case is asked for, on its way or paid.
func livePayment(ctx context.Context, r DisbursementReader, applicationID domain.ID) (bool, error) {
	payments, err := r.DisbursementsOfCase(ctx, applicationID)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(payments, func(d loan.DisbursementRecord) bool { return d.Status.Live() }), nil
}
