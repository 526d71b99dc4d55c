package origination

import (
	"context"
	"slices"
	"time"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/product"
)

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
	if err := checkLetterNotInUse(ctx, tx, rec); err != nil {
		return loan.GuaranteeRecord{}, err
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
	asked := loan.GuaranteeRequest{
		Amount: amount, TermMonths: term, Crop: cmd.Crop,
		FeeMaxPct: feeCeiling(tier, *company.Terms, cmd.Crop, amount), CounterSpouseUpTo: tier.CounterSpouseUpTo,
	}
	if err := checkNotAsked(ctx, tx, rec, cmd, company.ID, asked, today); err != nil {
		return loan.GuaranteeRecord{}, err
	}
	if err := releaseGuarantee(ctx, tx, by, now, rec); err != nil {
		return loan.GuaranteeRecord{}, err
	}
	g, event, err := loan.AskGuarantee(by, now, loan.GuaranteeRecord{
		ID: id, ApplicationID: rec.ID, BranchID: rec.BranchID, BorrowerID: rec.BorrowerID, CompanyID: company.ID,
		RegionCode: rec.RegionCode, ProductCode: rec.ProductCode, Request: asked,
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

// checkLetterNotInUse refuses to ask anew once a payment was asked for: the letter is looked at when a payment is requested and when
// it is released, and no more when it is sent, so that a letter discharged in between would leave money going out on none.
func checkLetterNotInUse(ctx context.Context, r Reader, rec loan.Record) error {
	if rec.Status != loan.StatusSigned {
		return nil // nothing is paid before the contract, and nothing is asked after the money has arrived
	}
	paying, err := payingOrPaid(ctx, r, rec)
	if err != nil || !paying {
		return err
	}
	return domain.Errorf(domain.KindRule, "payment-requested", "这笔合同已申请放款，款项以现有的担保函为条件，不能重新申请担保：尚未发出的请先取消放款，结果未知的请等渠道答复")
}

// checkNotAsked refuses to ask what has been asked or given already, because asking anew discharges it: the same of the same company
// while it has not answered, and where a letter covers the loan, unless the company that shall write another is named.
func checkNotAsked(ctx context.Context, r Reader, rec loan.Record, cmd AskGuarantee, companyID domain.ID, asked loan.GuaranteeRequest, today domain.Date) error {
	live, found, err := r.LiveGuarantee(ctx, rec.ID)
	if err != nil || !found {
		return err
	}
	same := live.CompanyID == companyID && live.Request.Crop == asked.Crop && live.Request.Amount.Equal(asked.Amount) && live.Request.TermMonths == asked.TermMonths
	switch {
	case live.Status == loan.GuaranteeRequested && same:
		return domain.Errorf(domain.KindConflict, "guarantee-exists", "已向农担公司申请担保，正在等待答复，不必重复申请")
	case cmd.CompanyID.IsZero() && live.LetterLive(today, asked.Amount, asked.TermMonths):
		return domain.Errorf(domain.KindConflict, "guarantee-exists", "这笔申请已有有效的担保函 %s；确需重新出函的，请指明农担公司", live.Answer.LetterNo)
	}
	return nil
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

// feeCeiling is the highest fee a letter may ask: what was agreed with the company for the crop and the amount, and never more than
// the product lets a borrower pay; where one of the two names none, the other.
func feeCeiling(tier product.GuaranteeTier, terms loan.GuaranteeTerms, crop loan.GuaranteeCrop, amount money.Amount) money.Rate {
	most := tier.FeeMax(crop == loan.GuaranteeGrain)
	if agreed, found := terms.FeePct(crop, amount); found && (most.IsZero() || agreed.Cmp(most) < 0) {
		return agreed
	}
	return most
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
