package origination

import (
	"context"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/product"
	"fumin/domain/schedule"
)

// PricedOffer is an offer with what it costs at most on the day.
type PricedOffer struct {
	product.Offer

	// Price is the dearest it may be; nil when there is none: no reference rate was published on or before the day, or the
	// spread takes it below zero. A price is never guessed.
	Price   *product.Ceiling
	Reliefs []PricedRelief // what it costs at most in the industries with a relief
}

// PricedRelief is the price for one industry with a relief (减点优惠).
type PricedRelief struct {
	Relief product.Relief
	Price  product.Ceiling
}

// priced adds the prices of the day to an offer.
func priced(o product.Offer, on domain.Date, rates product.ReferenceRates) PricedOffer {
	p := PricedOffer{Offer: o}
	ceiling, err := o.Version.Price.PriceOn(on, rates)
	if err != nil {
		return p
	}
	p.Price = &ceiling
	for _, r := range o.Version.Price.Reliefs { // at most product.ListLengthMax
		if relieved, err := o.Version.Price.PriceOn(on, rates, r.Industry); err == nil {
			p.Reliefs = append(p.Reliefs, PricedRelief{Relief: r, Price: relieved})
		}
	}
	return p
}

// Sheet is what a product is in one place on one day, to be told in plain words (明白纸).
type Sheet struct {
	PricedOffer

	Region   string
	On       domain.Date
	Examples []SheetExample
}

// SheetExample is a worked example: what a loan costs with everything in it. There is one for each kind of guarantee.
type SheetExample struct {
	Tier       product.GuaranteeTier // the tier the amount falls into
	Amount     money.Amount
	TermMonths int
	Method     schedule.Method
	AnnualRate money.Rate // the dearest of the day, percent a year
	FeePct     money.Rate // 担保费率上限, percent a year of the amount; 0 on credit
	SubsidyPct money.Rate // 贴息比例, percent of the interest; 0: none
	Quotation  schedule.Quotation
}

// Sheet tells what a product is in a region on a day. A zero day is today. Errors: "product-not-found",
// "product-not-offered", "no-reference-rate".
func (s *Catalogue) Sheet(ctx context.Context, code string, region borrower.RegionCode, on domain.Date) (Sheet, error) {
	if on.IsZero() {
		on = domain.DateOf(s.now())
	}
	p, err := s.store.Product(ctx, code)
	if err != nil {
		return Sheet{}, err
	}
	version, err := productVersion(ctx, s.store, code, region.String(), on)
	if err != nil {
		return Sheet{}, err
	}
	rates, err := s.store.ReferenceRates(ctx)
	if err != nil {
		return Sheet{}, err
	}
	ceiling, err := version.Price.PriceOn(on, rates)
	if err != nil {
		return Sheet{}, err
	}
	sheet := Sheet{PricedOffer: priced(product.Offer{Product: p, Version: version}, on, rates), Region: region.String(), On: on}
	for _, kind := range []product.GuaranteeKind{product.GuaranteeCredit, product.GuaranteeCompany} {
		amount, tier, ok := exampleAmount(version.Terms, kind)
		if !ok {
			continue
		}
		example, err := workedExample(version.Terms, ceiling, on, amount, tier)
		if err != nil {
			return Sheet{}, err
		}
		sheet.Examples = append(sheet.Examples, example)
	}
	return sheet, nil
}

// exampleAmounts are round sums that people know, the most usual first.
var exampleAmounts = []money.Amount{
	money.MustParseAmount("50000.00"), money.MustParseAmount("100000.00"), money.MustParseAmount("200000.00"),
	money.MustParseAmount("10000.00"), money.MustParseAmount("500000.00"), money.MustParseAmount("1000000.00"),
}

// exampleAmount picks the sum of the example for a kind of guarantee: the first round sum that the product lends on it, or
// else the smallest sum that it lends on it. False when it lends nothing on it.
func exampleAmount(t product.Terms, kind product.GuaranteeKind) (money.Amount, product.GuaranteeTier, bool) {
	for _, amount := range exampleAmounts {
		if tier, err := t.GuaranteeFor(amount); err == nil && tier.Kind == kind && t.AmountWithin(amount) {
			return amount, tier, true
		}
	}
	for _, tier := range t.Guarantee { // at most product.ListLengthMax
		smallest := tier.From
		if smallest.Cmp(t.AmountMin) < 0 {
			smallest = t.AmountMin
		}
		if tier.Kind == kind && tier.Holds(smallest) && t.AmountWithin(smallest) {
			return smallest, tier, true
		}
	}
	return money.Amount{}, product.GuaranteeTier{}, false
}

// exampleMonths is how long the example runs where the product allows it: one season.
const exampleMonths = 12

// workedExample quotes by the conventions of our contracts, at the dearest rate and fee of the day: nobody pays more than the
// sheet says.
func workedExample(t product.Terms, ceiling product.Ceiling, on domain.Date, amount money.Amount, tier product.GuaranteeTier) (SheetExample, error) {
	e := SheetExample{
		Tier: tier, Amount: amount, TermMonths: min(max(exampleMonths, t.TermMonthsMin), t.TermMonthsMax), Method: exampleMethod(t),
		AnnualRate: ceiling.AnnualRateMaxPct, FeePct: tier.FeeMaxPct, SubsidyPct: t.InterestSubsidySharePct,
	}
	terms := contractTerms(loan.Approval{Amount: amount, TermMonths: e.TermMonths}, e.Method, ceiling.AnnualRateMaxPct, tier, on)
	terms.InterestSubsidyShare = e.SubsidyPct
	if e.Method == schedule.Seasonal {
		terms.Seasonal = []schedule.SeasonalInstalment{{DueOn: on.AddMonths(e.TermMonths), SharePct: money.BasisPoints(10_000)}}
	}
	quotation, err := schedule.Quote(terms)
	if err != nil {
		return SheetExample{}, err
	}
	e.Quotation = quotation
	return e, nil
}

// exampleMethod is the first method the product names that needs no dates of harvests.
func exampleMethod(t product.Terms) schedule.Method {
	for _, m := range t.RepaymentMethods {
		if m != schedule.Seasonal {
			return m
		}
	}
	return schedule.Seasonal
}
