package origination

import (
	"context"
	"time"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/product"
)

// The seams between a case and its guarantee, here and in guaranteerequest.go and guaranteeletter.go: each is a named step of a
// transaction that holds the application's row lock; the company's row is locked after it, and only where quota is taken, so that no
// two guarantees of one company are weighed against its quota at the same time.

func errNoGuarantee(amount money.Amount) error {
	return domain.Errorf(domain.KindRule, "guarantee-missing",
		"%s 元须由农担公司担保，这笔申请没有有效的担保申请：请先申请担保，或批准信用方式可办的金额", amount.Grouped())
}

// needsGuarantee reports whether a loan of the amount needs the guarantee company, by the product's terms.
func needsGuarantee(v product.Version, amount money.Amount) bool {
	tier, err := v.GuaranteeFor(amount)
	return err == nil && tier.Kind == product.GuaranteeCompany
}

// guaranteeFollows keeps the guarantee in step with its case, in the transaction that moves it: an approval by a person reserves
// the company's quota, a signature confirms it, and the case's end discharges the guarantee. What is granted below the
// product's threshold needs none, and one that was asked for is discharged. A submit has its own step, as it may ask first.
func guaranteeFollows(ctx context.Context, tx Tx, event loan.Event, rec loan.Record) error {
	by := domain.Actor{ID: event.ActorID, Name: event.ActorName, Role: event.ActorRole, BranchID: rec.BranchID}
	switch rec.Status {
	case loan.StatusApproved, loan.StatusSigned:
		if event.From == string(rec.Status) || event.Action == loan.ActionSubmit {
			return nil
		}
		version, err := tx.ProductVersion(ctx, rec.ProductVersionID)
		switch needed := err == nil && needsGuarantee(version, rec.Approval.Amount); {
		case err != nil:
			return err
		case needed && rec.Status == loan.StatusSigned:
			return confirmGuarantee(ctx, tx, by, event.At, rec)
		case needed:
			if err := enlargeGuarantee(ctx, tx, by, event.At, rec); err != nil {
				return err
			}
			return reserveGuarantee(ctx, tx, by, event.At, rec, rec.Approval.Amount)
		case rec.Status == loan.StatusSigned:
			return nil
		}
	case loan.StatusDeclined, loan.StatusWithdrawn, loan.StatusExpired:
	case loan.StatusDraft, loan.StatusReviewing, loan.StatusReturned, loan.StatusDisbursed, loan.StatusClosed:
		return nil
	}
	return releaseGuarantee(ctx, tx, by, event.At, rec)
}

// lockLiveGuarantee returns the live guarantee of a case for changing; nil when there is none.
func lockLiveGuarantee(ctx context.Context, tx Tx, applicationID domain.ID) (*loan.Guarantee, error) {
	live, found, err := tx.LiveGuarantee(ctx, applicationID)
	if err != nil || !found {
		return nil, err
	}
	return tx.LockGuarantee(ctx, domain.Scope{Everything: true}, live.ID)
}

// reserveGuarantee takes amount of the company's quota for a case (占用担保额度), on top of what the case holds: at approval, and
// again where a repaid line is drawn. It locks the company's row, so that callers weigh its quotas one after another.
func reserveGuarantee(ctx context.Context, tx Tx, by domain.Actor, now time.Time, rec loan.Record, amount money.Amount) error {
	g, err := lockLiveGuarantee(ctx, tx, rec.ID)
	if err != nil {
		return err
	}
	if g == nil {
		return errNoGuarantee(amount)
	}
	free, refused, err := freeQuota(ctx, tx, g.Record(), now, amount)
	if err != nil {
		return err
	}
	if free.Cmp(amount) < 0 {
		return refused
	}
	event, err := g.Reserve(by, now, amount)
	if err != nil {
		return err
	}
	return tx.SaveGuarantee(ctx, g, event)
}

// freeQuota is how much of amount the company's quotas leave for a guarantee, with the refusal that says why it is not all. It
// locks the company's row.
func freeQuota(ctx context.Context, tx Tx, held loan.GuaranteeRecord, now time.Time, amount money.Amount) (free money.Amount, refused, err error) {
	company, err := tx.LockGuaranteeCompany(ctx, held.CompanyID)
	if err != nil {
		return money.Amount{}, nil, err
	}
	terms := company.Record().Terms
	if terms == nil {
		return money.Amount{}, errNoGuarantee(amount), nil
	}
	return quotaLeft(ctx, tx, *terms, held, domain.DateOf(now), amount)
}

// quotaLeft is freeQuota under terms that are known. The figure is only sure while the company's row is locked.
func quotaLeft(ctx context.Context, r Reader, terms loan.GuaranteeTerms, held loan.GuaranteeRecord, today domain.Date, amount money.Amount) (free money.Amount, refused, err error) {
	quotas, ok := terms.QuotasOn(held.RegionCode, today)
	if !ok {
		return money.Amount{}, domain.Errorf(domain.KindRule, "guarantee-quota-exceeded", "%s今天没有生效的担保总额度，请联系风险经理", terms.Name), nil
	}
	free = amount
	for _, q := range quotas {
		used, err := r.GuaranteeQuotaHeld(ctx, held.CompanyID, q.RegionPrefix)
		if err != nil {
			return money.Amount{}, nil, err
		}
		if left := q.Limit.Sub(used); left.Cmp(free) < 0 {
			if free = left; free.Sign() < 0 { // a quota was lowered below what is held
				free = money.Amount{}
			}
			refused = domain.Errorf(domain.KindRule, "guarantee-quota-exceeded", "%s的%s只剩 %s 元，不足 %s 元：请风险经理与农担公司商定额度后再办",
				terms.Name, q.Label(), free.Grouped(), amount.Grouped())
		}
	}
	return free, refused, nil
}

// quotaFollows keeps what a guarantee holds of its company's quota in step with the line of its case, after the line changed
// (ADR 25). A line that revolves holds its limit while it lives. Of any other what is repaid or comes back is free for
// others, and taken again when it is asked for again. An ended line holds what is owed and on its way. It takes what a new
// payment needs or refuses; what is owed again by the core system's word is taken as far as the quota reaches.
func quotaFollows(ctx context.Context, tx Tx, by domain.Actor, now time.Time, before, after loan.LineRecord) error {
	g, err := lockLiveGuarantee(ctx, tx, after.ApplicationID)
	if err != nil || g == nil {
		return err
	}
	rec := g.Record()
	if rec.Quota != loan.QuotaConfirmed && rec.Quota != loan.QuotaReleased {
		return nil // nothing was confirmed: the letter's check stops the payment
	}
	owed := after.Outstanding.Add(after.Reserved)
	switch target := quotaTarget(rec.QuotaHeld, before, after); target.Cmp(rec.QuotaHeld) {
	case -1:
		event, _ := g.Free(by, now, rec.QuotaHeld.Sub(target))
		return tx.SaveGuarantee(ctx, g, event)
	case 1:
		more := target.Sub(rec.QuotaHeld)
		free, refused, err := freeQuota(ctx, tx, rec, now, more)
		if err != nil {
			return err
		}
		asked := after.Reserved.Cmp(before.Reserved) > 0
		if room := rec.Request.Amount.Sub(rec.QuotaHeld); room.Cmp(free) < 0 { // never beyond what the company was asked
			free = room
		}
		if asked && free.Cmp(more) < 0 {
			if refused == nil {
				refused = errNoGuarantee(owed)
			}
			return refused
		}
		if free.IsZero() && after.Outstanding.Cmp(before.Outstanding) <= 0 {
			return nil // still short, as the history says already
		}
		return tx.SaveGuarantee(ctx, g, g.Retake(by, now, free, more.Sub(free)))
	}
	return nil
}

// quotaTarget is what should be held after a line changed.
func quotaTarget(held money.Amount, before, after loan.LineRecord) money.Amount {
	owed := after.Outstanding.Add(after.Reserved)
	switch {
	case after.Status == loan.LineEnded:
		return owed
	case after.Revolving:
		return after.Limit
	}
	target := held
	if after.Reserved.Cmp(before.Reserved) == 0 { // principal was repaid, came back, or is owed again
		target = held.Add(after.Outstanding).Sub(before.Outstanding)
	}
	if target.Cmp(owed) < 0 {
		return owed
	}
	return target
}

// confirmGuarantee makes the reserved quota definite (确认担保额度), at signing.
func confirmGuarantee(ctx context.Context, tx Tx, by domain.Actor, now time.Time, rec loan.Record) error {
	g, err := lockLiveGuarantee(ctx, tx, rec.ID)
	if err != nil {
		return err
	}
	if g == nil {
		return errNoGuarantee(rec.Approval.Amount)
	}
	event, err := g.Confirm(by, now)
	if err != nil {
		return err
	}
	return tx.SaveGuarantee(ctx, g, event)
}

// releaseGuarantee gives all of the company's quota back (释放担保额度), and the guarantee is discharged with the case: declined,
// withdrawn, expired, reversed or repaid in full. A case without a guarantee has nothing to release. It takes no company lock:
// quota that becomes free harms nobody who is just weighing it.
func releaseGuarantee(ctx context.Context, tx Tx, by domain.Actor, now time.Time, rec loan.Record) error {
	return dischargeGuarantee(ctx, tx, by, now, rec.ID, string(rec.Status))
}

// dischargeGuarantee is releaseGuarantee for a reason of its own.
func dischargeGuarantee(ctx context.Context, tx Tx, by domain.Actor, now time.Time, applicationID domain.ID, why string) error {
	g, err := lockLiveGuarantee(ctx, tx, applicationID)
	if err != nil || g == nil {
		return err
	}
	event, err := g.Discharge(by, now, why)
	if err != nil {
		return err
	}
	return tx.SaveGuarantee(ctx, g, event)
}
