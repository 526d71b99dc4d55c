package origination

import (
	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/decision"
	"fumin/domain/loan"
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
	}
	f.BirthDate = birthDate(person)
	switch {
	case person.Kind == borrower.KindFarmer:
		f.BusinessAgeMonths = decision.None[int]()
	case !person.Organisation.RegisteredOn.IsZero():
		f.BusinessAgeMonths = decision.Known(person.Organisation.RegisteredOn.MonthsUntil(today))
	}
	// The officer's confirmation from the bureau makes the fact known; its absence does not make it false, so that a case
	// without one goes to a person instead of being declined.
	if rec.Request.BureauConfirmationNo != "" {
		f.OnRecommendedList = decision.Known(true)
	}
	return f
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
