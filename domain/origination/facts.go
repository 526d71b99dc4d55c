package origination

import (
	"context"
	"slices"

	"github.com/shopspring/decimal"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/decision"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/product"
)

// requestFacts are the facts about what is asked for, who asks, and the file. What nobody has said stays unknown.
func requestFacts(rec loan.Record, person borrower.Borrower, today domain.Date) decision.Facts {
	_, consent := person.ConsentOn(borrower.ConsentCreditEnquiry, today)
	f := decision.Facts{
		EvaluatedOn:       today,
		Amount:            decision.Known(rec.Request.Amount),
		TermMonths:        decision.Known(rec.Request.TermMonths),
		Purpose:           decision.Known(string(rec.Request.Purpose)),
		BorrowerKind:      decision.Known(productKind(person.Kind)),
		CreditConsentLive: decision.Known(consent),
		SiteVisitDone:     decision.Known(rec.Request.VisitedBy(today)),
		RepaymentMethod:   decision.Known(string(rec.Request.RepaymentMethod)),
		RegionCode:        decision.Known(rec.RegionCode),
		ProductCode:       decision.Known(rec.ProductCode),
	}
	f.BirthDate = birthDate(person)
	if person.Kind == borrower.KindFarmer {
		f.BusinessAgeMonths = decision.None[int]()
	} else if since := inBusinessSince(person); !since.IsZero() {
		f.BusinessAgeMonths = decision.Known(since.MonthsUntil(today))
	}
	// The officer's confirmation from the bureau makes the fact known; its absence does not make it false, so that a case
	// without one goes to a person instead of being declined.
	if rec.Request.BureauConfirmationNo != "" {
		f.OnRecommendedList = decision.Known(true)
	}
	return f
}

// inBusinessSince is when the business began: an organisation's day of registration; of a sole proprietor (个体工商户), who has
// none, the day of the earliest business licence on file. A licence that was issued anew makes a business look younger, never
// older. Zero where the file does not say.
func inBusinessSince(person borrower.Borrower) (since domain.Date) {
	if person.Kind != borrower.KindSoleProprietor {
		return person.Organisation.RegisteredOn
	}
	for _, l := range person.Licences {
		if l.Kind == borrower.LicenceBusiness && (since.IsZero() || l.IssuedOn.Before(since)) {
			since = l.IssuedOn
		}
	}
	return since
}

// birthDate is whose age counts. A family farm is its owner's: the product lends to the owner (家庭农场主), so without the
// owner's number the age is unknown, and a person looks. A company or a co-operative has no age.
func birthDate(person borrower.Borrower) decision.Fact[domain.Date] {
	number := person.IDNumber
	switch person.Kind {
	case borrower.KindSmallEnterprise, borrower.KindCooperative:
		return decision.None[domain.Date]()
	case borrower.KindFamilyFarm:
		number = person.Organisation.Representative.IDNumber
	case borrower.KindFarmer, borrower.KindSoleProprietor:
	}
	if number.IsZero() {
		return decision.Fact[domain.Date]{}
	}
	return decision.Known(number.BirthDate())
}

// productKind is the word the product catalogue has for a borrower: it lends to the owner of a family farm.
func productKind(kind borrower.Kind) string {
	if kind == borrower.KindFamilyFarm {
		return product.BorrowerFamilyFarmOwner
	}
	return string(kind)
}

// productFacts are the facts about the product version that holds for the region and the day.
func productFacts(f *decision.Facts, p product.Product, v product.Version, price product.Ceiling) {
	f.ProductOffered = decision.Known(true)
	f.BorrowerKindsAllowed = decision.Known(p.BorrowerKinds)
	f.PurposesForbidden = decision.KnownUnless(len(v.ForbiddenPurposes) == 0, v.ForbiddenPurposes)
	f.AmountMin = decision.Known(v.AmountMin)
	f.AmountMax = decision.Known(v.AmountMax)
	f.TermMonthsMin = decision.Known(v.TermMonthsMin)
	f.TermMonthsMax = decision.Known(v.TermMonthsMax)
	f.AgeMin = decision.KnownUnless(v.AgeMin == 0, v.AgeMin)
	f.AgeAtLastDueMax = decision.KnownUnless(v.AgePlusTermMax == 0, v.AgePlusTermMax)
	f.BusinessAgeMonthsMin = decision.KnownUnless(v.BusinessAgeMonthsMin == 0, v.BusinessAgeMonthsMin)
	f.AnnualRatePct = decision.Known(price.AnnualRateMaxPct)
	f.AnnualRateMaxPct = decision.Known(price.AnnualRateMaxPct)
	f.QuickApprovalMax = decision.Known(v.QuickApprovalMax)
	from, guaranteed := v.GuaranteeCompanyFrom()
	f.GuaranteeCompanyFrom = decision.KnownUnless(!guaranteed, from)
	f.RecommendedListRequired = decision.Known(p.HasPartner(product.PartnerRuralRevitalisationBureau))
	f.SiteVisitRequired = decision.Known(v.SiteVisitRequired)
}

// reliefFact is the industry for which the product lowers its price (纾困行业), as the account manager confirmed it in the
// application: no register says what trade a borrower is in. Where the product lowers it for none, or the borrower's is none of
// them, there is none. An industry to which the product gives nothing is refused with "relief-not-offered".
func reliefFact(f *decision.Facts, r loan.Request, v product.Version) error {
	asked := r.ReliefIndustries()
	offered := slices.ContainsFunc(v.Price.Reliefs, func(relief product.Relief) bool { return slices.Contains(asked, relief.Industry) })
	switch {
	case len(asked) > 0 && !offered:
		return domain.Errorf(domain.KindRule, "relief-not-offered",
			"该产品在本地区对“%s”没有减点优惠，请修改申请中的纾困行业（不属于的选“none”）后再提交", product.Label(r.ReliefIndustry))
	case offered:
		f.ReliefIndustry = decision.Known(r.ReliefIndustry)
	case len(v.Price.Reliefs) == 0 || r.ReliefIndustry == loan.ReliefNone:
		f.ReliefIndustry = decision.None[string]()
	}
	return nil
}

// householdOf returns the household the case was opened for; nil where it has none.
func householdOf(ctx context.Context, r Reader, rec loan.Record) (*borrower.Household, error) {
	if rec.HouseholdID.IsZero() {
		return nil, nil //nolint:nilnil // no household is an answer, and the callers ask
	}
	h, err := r.Household(ctx, domain.Scope{Everything: true}, rec.HouseholdID)
	if err != nil {
		return nil, err
	}
	return &h, nil
}

// householdFacts are the facts about the household (家庭): who lives there today, what was verified of last year's income,
// and the land it works. Land that nobody put on file is not known to be none.
func householdFacts(f *decision.Facts, h *borrower.Household, today domain.Date) {
	if h == nil {
		f.HouseholdSize, f.HouseholdIncomeYear = decision.None[int](), decision.None[money.Amount]()
		f.HouseholdLandMu = decision.None[decimal.Decimal]()
		return
	}
	size := 0
	for _, m := range h.Members { // at most borrower.ListMax
		if m.InOn(today) {
			size++
		}
	}
	f.HouseholdSize = decision.Known(size)
	for _, y := range h.Figures {
		if y.Year == today.Year()-1 && y.Income.IsVerified() {
			f.HouseholdIncomeYear = decision.Known(y.Income.Verified)
		}
	}
	if len(h.Lands) > 0 {
		worked := borrower.LandAreaOn(h.Lands, today)
		f.HouseholdLandMu = decision.Known(decimal.RequireFromString(worked.String()))
	}
}

// facts tells the rules what the limits leave.
func (h headroom) facts(f *decision.Facts) {
	f.ExposureExisting = decision.Known(h.existing)
	f.ExposureProductExisting = decision.Known(h.productExisting)
	f.ExposureProductMax = decision.Known(h.productMax)
	f.ExposureLenderMax = decision.KnownUnless(!h.lenderLimited, h.lenderMax)
}

// visitFacts are what is known of visits (实地调查). A visit on file that two investigators confirmed counts, and says how many
// they were. The officer's own statement in the application (实地走访日期) still makes it a case that was visited, as it always
// did for small loans; but how many were there stays unknown with it, so a rule that asks for two investigators refers.
func visitFacts(ctx context.Context, r Reader, f *decision.Facts, rec loan.Record, today domain.Date) error {
	visits, err := r.SiteVisits(ctx, rec.ID)
	if err != nil {
		return err
	}
	if n := loan.InvestigatorsOn(visits, today); n > 0 {
		f.SiteVisitDone, f.SiteVisitInvestigators = decision.Known(true), decision.Known(n)
	}
	return nil
}
