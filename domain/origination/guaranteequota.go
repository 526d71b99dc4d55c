package origination

import (
	"context"
	"slices"
	"time"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/decision"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/product"
)

// The seams between a case and its guarantee. Each is a named step of a transaction that holds the application's row lock; the
// company's row is locked after it, and only where quota is taken, so that no two guarantees of one company are weighed
// against its quota at the same time.

// expireBatch bounds how many lapsed letters one look of the worker reads.
const expireBatch = 100

func errNoGuarantee(amount money.Amount) error {
	return domain.Errorf(domain.KindRule, "guarantee-missing",
		"%s 元须由农担公司担保，这笔申请没有有效的担保申请：请先申请担保，或批准信用方式可办的金额", amount.Grouped())
}

// needsGuarantee reports whether a loan of the amount needs the guarantee company, by the product's terms.
func needsGuarantee(v product.Version, amount money.Amount) bool {
	tier, err := v.GuaranteeFor(amount)
	return err == nil && tier.Kind == product.GuaranteeCompany
}

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

// guaranteeOnSubmit follows a submit: a case that needs a guarantee and was not declined has a request, an approved one also
// holds quota, and a declined one holds nothing. Where no company serves the product in the region the case goes on to a
// person without a request; it cannot be approved.
func guaranteeOnSubmit(ctx context.Context, tx Tx, by domain.Actor, now time.Time, id domain.ID, rec loan.Record, v product.Version) error {
	switch {
	case rec.Status == loan.StatusDeclined:
		return releaseGuarantee(ctx, tx, by, now, rec)
	case !needsGuarantee(v, rec.Request.Amount):
		return releaseGuarantee(ctx, tx, by, now, rec) // asked for more at first
	}
	live, found, err := tx.LiveGuarantee(ctx, rec.ID)
	if err != nil {
		return err
	}
	if !found || live.Request.Amount.Cmp(rec.Request.Amount) < 0 || live.Request.TermMonths < rec.Request.TermMonths {
		_, err = askGuarantee(ctx, tx, by, now, id, rec, AskGuarantee{ApplicationID: rec.ID})
		if code := domain.CodeOf(err); err != nil && code != "guarantee-company-none" {
			return err
		}
	}
	if rec.Status == loan.StatusApproved {
		return reserveGuarantee(ctx, tx, by, now, rec, rec.Approval.Amount)
	}
	return nil
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

// enlargeGuarantee asks for what was granted where that is more or longer than what the company was asked (例外批准).
func enlargeGuarantee(ctx context.Context, tx Tx, by domain.Actor, now time.Time, rec loan.Record) error {
	g, err := lockLiveGuarantee(ctx, tx, rec.ID)
	if err != nil || g == nil {
		return err // without one the reservation says what is missing
	}
	asked := g.Record().Request
	if asked.Amount.Cmp(rec.Approval.Amount) >= 0 && asked.TermMonths >= rec.Approval.TermMonths {
		return nil
	}
	return tx.SaveGuarantee(ctx, g, g.Enlarge(by, now, rec.Approval.Amount, rec.Approval.TermMonths))
}

// askGuarantee makes the request and discharges an earlier one that is live. The application's row is locked.
func askGuarantee(ctx context.Context, tx Tx, by domain.Actor, now time.Time, id domain.ID, rec loan.Record, cmd AskGuarantee) (loan.GuaranteeRecord, error) {
	switch rec.Status {
	case loan.StatusDraft, loan.StatusReturned, loan.StatusReviewing, loan.StatusApproved, loan.StatusSigned:
	case loan.StatusDeclined, loan.StatusDisbursed, loan.StatusClosed, loan.StatusWithdrawn, loan.StatusExpired:
		return loan.GuaranteeRecord{}, domain.Errorf(domain.KindConflict, "wrong-status", "申请目前处于「%s」，不能再申请担保", rec.Status.Label())
	}
	today := domain.DateOf(now)
	amount, term := rec.Request.Amount, rec.Request.TermMonths
	if rec.Approval != nil {
		amount, term = rec.Approval.Amount, rec.Approval.TermMonths
	}
	version, err := guaranteeTermsOf(ctx, tx, rec, today)
	if err != nil {
		return loan.GuaranteeRecord{}, err
	}
	tier, err := version.GuaranteeFor(amount)
	if err != nil {
		return loan.GuaranteeRecord{}, err
	}
	if tier.Kind != product.GuaranteeCompany {
		return loan.GuaranteeRecord{}, domain.Errorf(domain.KindRule, "guarantee-not-needed", "%s 元可以信用方式办理，不需要农担公司担保", amount.Grouped())
	}
	company, err := servingCompany(ctx, tx, rec, cmd.CompanyID, today)
	if err != nil {
		return loan.GuaranteeRecord{}, err
	}
	if cmd.Crop == "" {
		if cmd.Crop, err = guaranteeCrop(ctx, tx, rec); err != nil {
			return loan.GuaranteeRecord{}, err
		}
	}
	if err := releaseGuarantee(ctx, tx, by, now, rec); err != nil {
		return loan.GuaranteeRecord{}, err
	}
	g, event, err := loan.AskGuarantee(by, now, loan.GuaranteeRecord{
		ID: id, ApplicationID: rec.ID, BranchID: rec.BranchID, BorrowerID: rec.BorrowerID, CompanyID: company.ID,
		RegionCode: rec.RegionCode, ProductCode: rec.ProductCode,
		Request: loan.GuaranteeRequest{
			Amount: amount, TermMonths: term, Crop: cmd.Crop,
			FeeMaxPct: feeCeiling(tier, *company.Terms, cmd.Crop, amount), CounterSpouseUpTo: tier.CounterSpouseUpTo,
		},
	})
	if err != nil {
		return loan.GuaranteeRecord{}, err
	}
	if err := tx.InsertGuarantee(ctx, g, event); err != nil {
		return loan.GuaranteeRecord{}, err
	}
	if rec.Status == loan.StatusApproved || rec.Status == loan.StatusSigned {
		if err := reserveGuarantee(ctx, tx, by, now, rec, amount); err != nil {
			return loan.GuaranteeRecord{}, err
		}
	}
	if rec.Status == loan.StatusSigned {
		if err := confirmGuarantee(ctx, tx, by, now, rec); err != nil {
			return loan.GuaranteeRecord{}, err
		}
	}
	return tx.Guarantee(ctx, domain.Scope{Everything: true}, id)
}

// guaranteeTermsOf is the version a case was judged by, or the one that would judge it today.
func guaranteeTermsOf(ctx context.Context, r Reader, rec loan.Record, today domain.Date) (product.Version, error) {
	if rec.Approval != nil {
		return r.ProductVersion(ctx, rec.ProductVersionID)
	}
	return productVersion(ctx, r, rec.ProductCode, rec.RegionCode, today)
}

// servingCompany checks the company that was named, or finds the first by its code that serves the product in the region.
func servingCompany(ctx context.Context, r Reader, rec loan.Record, named domain.ID, today domain.Date) (loan.GuaranteeCompanyRecord, error) {
	companies, err := r.GuaranteeCompanies(ctx)
	if err != nil {
		return loan.GuaranteeCompanyRecord{}, err
	}
	for _, c := range companies {
		if c.Terms != nil && c.Terms.Serves(rec.ProductCode, rec.RegionCode, today) && (named.IsZero() || named == c.ID) {
			return c, nil
		}
	}
	return loan.GuaranteeCompanyRecord{}, domain.Errorf(domain.KindRule, "guarantee-company-none", "没有合作的农担公司为本地区的这个产品提供担保，请联系风险经理")
}

// feeCeiling is the highest fee a letter may ask: the product's, and the company's own where the product names none.
func feeCeiling(tier product.GuaranteeTier, terms loan.GuaranteeTerms, crop loan.GuaranteeCrop, amount money.Amount) money.Rate {
	if most := tier.FeeMax(crop == loan.GuaranteeGrain); !most.IsZero() {
		return most
	}
	own, _ := terms.FeePct(crop, amount)
	return own
}

// guaranteeCrop says by which fee a case counts: grain when growing is what the money is for and most of what was sown in the
// latest year is grain (粮食类).
func guaranteeCrop(ctx context.Context, r Reader, rec loan.Record) (loan.GuaranteeCrop, error) {
	if rec.Request.Purpose != loan.PurposePlanting {
		return loan.GuaranteeOther, nil
	}
	person, err := r.Borrower(ctx, domain.Scope{Everything: true}, rec.BorrowerID)
	if err != nil {
		return "", err
	}
	_, crops, err := propertyOf(ctx, r, person)
	if err != nil || len(crops) == 0 {
		return loan.GuaranteeOther, err
	}
	latest := slices.MaxFunc(crops, func(a, b borrower.Crop) int { return a.Year - b.Year }).Year
	var grain, other borrower.Area
	for _, c := range crops {
		switch {
		case c.Year != latest:
		case c.Kind.IsGrain():
			grain = grain.Add(c.AreaMu)
		default:
			other = other.Add(c.AreaMu)
		}
	}
	if grain.Cmp(other) > 0 {
		return loan.GuaranteeGrain, nil
	}
	return loan.GuaranteeOther, nil
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
	quotas, ok := terms.QuotasOn(held.RegionCode, domain.DateOf(now))
	if !ok {
		return money.Amount{}, domain.Errorf(domain.KindRule, "guarantee-quota-exceeded", "%s今天没有生效的担保总额度，请联系风险经理", terms.Name), nil
	}
	free = amount
	for _, q := range quotas {
		used, err := tx.GuaranteeQuotaHeld(ctx, held.CompanyID, q.RegionPrefix)
		if err != nil {
			return money.Amount{}, nil, err
		}
		if left := q.Limit.Sub(used); left.Cmp(free) < 0 {
			free = left
			refused = domain.Errorf(domain.KindRule, "guarantee-quota-exceeded", "%s的%s剩余不足 %s 元，请与农担公司商定额度后再办",
				terms.Name, q.Label(), amount.Grouped())
		}
	}
	if free.Sign() < 0 { // a quota was lowered below what is held
		free = money.Amount{}
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
	g, err := lockLiveGuarantee(ctx, tx, rec.ID)
	if err != nil || g == nil {
		return err
	}
	event, err := g.Discharge(by, now, string(rec.Status))
	if err != nil {
		return err
	}
	return tx.SaveGuarantee(ctx, g, event)
}

// checkGuaranteeLetter is the condition of paying that a letter is live, covers the loan and has its conditions met
// (担保函有效).
func checkGuaranteeLetter(ctx context.Context, tx Tx, p payment) error {
	rec := p.Application
	if rec.Approval == nil {
		return nil
	}
	version, err := tx.ProductVersion(ctx, rec.ProductVersionID)
	if err != nil {
		return err
	}
	amount := rec.Approval.Amount
	if !needsGuarantee(version, amount) {
		return nil
	}
	g, found, err := tx.LiveGuarantee(ctx, rec.ID)
	if err != nil {
		return err
	}
	switch {
	case !found || g.Answer == nil:
		return domain.Errorf(domain.KindRule, "guarantee-letter-required", "%s 元须有农担公司的有效担保函才能放款，目前还没有，请等农担公司答复或重新申请担保", amount.Grouped())
	case g.Answer.ExpiresOn.Before(domain.DateOf(p.At)):
		return domain.Errorf(domain.KindRule, "guarantee-letter-required", "担保函 %s 已于 %s 到期，请重新申请担保", g.Answer.LetterNo, g.Answer.ExpiresOn)
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
	text, err := tx.ContractText(ctx, domain.Scope{Everything: true}, rec.ID)
	if err != nil {
		return err
	}
	return checkCounterGuarantor(ctx, tx, rec, text.Parties) // the letter may have come after the signature
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

// checkCounterGuarantor refuses a contract without whom the company's letter asks for (反担保): the spouse, or a guarantor.
func checkCounterGuarantor(ctx context.Context, r Reader, rec loan.Record, parties []loan.Party) error {
	counter, asked, err := requiredCounterGuarantee(ctx, r, rec)
	if err != nil || !asked {
		return err
	}
	role := loan.PartyGuarantor
	if counter.Kind == loan.CounterSpouse {
		role = loan.PartySpouse
	}
	if slices.ContainsFunc(parties, func(p loan.Party) bool { return p.Role == role }) {
		return nil
	}
	detail := "农担公司要求配偶反担保：请在家庭成员中登记配偶，或生成合同时填写配偶，由其一并签署"
	if counter.Kind == loan.CounterOther {
		detail = "农担公司要求其他反担保（" + counter.Note + "）：请生成合同时填写保证人，由其一并签署"
	}
	return domain.Errorf(domain.KindRule, "counter-guarantor-missing", "%s", detail)
}

// ExpireGuarantees ends the letters whose last day has passed before the money was paid, and frees their quota; workers call it
// from time to time. A letter behind a payment that is on its way or made stands as long as the loan does.
func ExpireGuarantees(ctx context.Context, store Store, worker domain.Actor, at time.Time) (expired int, err error) {
	for after := domain.ID(""); ; {
		lapsed, err := store.ExpiredGuarantees(ctx, domain.DateOf(at), after, expireBatch)
		if err != nil || len(lapsed) == 0 {
			return expired, err
		}
		for _, g := range lapsed {
			done, err := expireGuarantee(ctx, store, worker, at, g)
			if err != nil {
				return expired, err
			}
			if done {
				expired++
			}
			after = g.ID
		}
	}
}

func expireGuarantee(ctx context.Context, store Store, worker domain.Actor, at time.Time, lapsed loan.GuaranteeRecord) (done bool, err error) {
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

// payingOrPaid reports whether money of a case is on its way or has arrived.
func payingOrPaid(ctx context.Context, r Reader, rec loan.Record) (bool, error) {
	switch rec.Status {
	case loan.StatusDisbursed, loan.StatusClosed:
		return true, nil
	case loan.StatusDraft, loan.StatusReviewing, loan.StatusReturned, loan.StatusApproved, loan.StatusDeclined, loan.StatusSigned, loan.StatusWithdrawn, loan.StatusExpired:
	}
	payments, err := r.Disbursements(ctx, domain.Scope{Everything: true}, DisbursementFilter{ApplicationID: rec.ID}, domain.Page{Limit: domain.PageLimitMax})
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(payments, func(d loan.DisbursementRecord) bool { return d.Status.Live() }), nil
}
