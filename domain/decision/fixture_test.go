package decision_test

import (
	"slices"
	"sync"

	"pgregory.net/rapid"

	"fumin/domain"
	"fumin/domain/decision"
	"fumin/domain/money"
	"fumin/repository/demodata"
)

var (
	amount = money.MustParseAmount
	rate   = money.MustParseRate
	date   = domain.MustParseDate
)

// duckShed is the facts of the first case: 99,500.00 on credit for a meat-duck shed, everything in the file.
func duckShed() decision.Facts {
	return decision.Facts{
		EvaluatedOn: date("2022-03-15"),

		Amount:        decision.Known(amount("99500.00")),
		TermMonths:    decision.Known(36),
		Purpose:       decision.Known("facility"),
		AnnualRatePct: decision.Known(rate("3.90")),
		BorrowerKind:  decision.Known("farmer"),

		BirthDate:         decision.Known(date("1975-06-01")),
		BusinessAgeMonths: decision.None[int](),

		CreditConsentLive:   decision.Known(true),
		OnRecommendedList:   decision.Known(true),
		GuaranteeLetterLive: decision.Known(false),
		SiteVisitDone:       decision.Known(true),

		ProductOffered:          decision.Known(true),
		BorrowerKindsAllowed:    decision.Known([]string{"farmer", "family_farm_owner", "cooperative_chair"}),
		PurposesForbidden:       decision.Known([]string{"living_costs", "house"}),
		AmountMin:               decision.Known(amount("3000.00")),
		AmountMax:               decision.Known(amount("3000000.00")),
		TermMonthsMin:           decision.Known(1),
		TermMonthsMax:           decision.Known(60),
		AgeMin:                  decision.Known(18),
		AgeAtLastDueMax:         decision.Known(65),
		BusinessAgeMonthsMin:    decision.None[int](),
		AnnualRateMaxPct:        decision.Known(rate("3.90")),
		QuickApprovalMax:        decision.Known(amount("100000.00")),
		GuaranteeCompanyFrom:    decision.Known(amount("100000.00")),
		RecommendedListRequired: decision.Known(true),
		SiteVisitRequired:       decision.Known(false),
	}
}

// everythingMatters is a case in which every fact is looked at by some rule, and which is approved.
func everythingMatters() decision.Facts {
	f := duckShed()
	f.Amount = decision.Known(amount("100000.00")) // guaranteed, and still within quick approval
	f.GuaranteeLetterLive = decision.Known(true)
	f.SiteVisitRequired = decision.Known(true)
	f.BusinessAgeMonths, f.BusinessAgeMonthsMin = decision.Known(24), decision.Known(12)
	return f
}

func byCode(reasons []decision.Reason, code string) (decision.Reason, bool) {
	i := slices.IndexFunc(reasons, func(r decision.Reason) bool { return r.Code == code })
	if i < 0 {
		return decision.Reason{}, false
	}
	return reasons[i], true
}

func maybe[T any](t *rapid.T, name string, values *rapid.Generator[T]) decision.Fact[T] {
	switch rapid.IntRange(0, 19).Draw(t, name+"_state") {
	case 0:
		return decision.Fact[T]{}
	case 1:
		return decision.None[T]()
	}
	return decision.Known(values.Draw(t, name))
}

// caseFacts draws facts of any kind around the limits of a product.
func caseFacts() *rapid.Generator[decision.Facts] {
	fen := func(low, high int64) *rapid.Generator[money.Amount] {
		return rapid.Map(rapid.Int64Range(low, high), money.Fen)
	}
	return rapid.Custom(func(t *rapid.T) decision.Facts {
		f := decision.Facts{EvaluatedOn: date("2022-01-01").AddDays(rapid.IntRange(0, 2000).Draw(t, "on"))}
		f.Amount = maybe(t, "amount", rapid.OneOf(fen(0, 400_000_000), rapid.SampledFrom([]money.Amount{
			amount("99999.99"), amount("100000.00"), amount("100000.01"), amount("3000.00"), amount("2999.99"), amount("3000000.00"), amount("3000000.01"),
		})))
		f.TermMonths = maybe(t, "term", rapid.IntRange(0, 90))
		f.Purpose = maybe(t, "purpose", rapid.SampledFrom([]string{"facility", "livestock", "house"}))
		f.AnnualRatePct = maybe(t, "rate", rapid.Map(rapid.IntRange(300, 400), money.BasisPoints))
		f.BorrowerKind = maybe(t, "kind", rapid.SampledFrom([]string{"farmer", "cooperative"}))
		f.BirthDate = maybe(t, "birth", rapid.Map(rapid.IntRange(0, 22_000), func(n int) domain.Date { return date("1950-01-01").AddDays(n) }))
		f.BusinessAgeMonths = maybe(t, "business", rapid.IntRange(0, 40))
		f.CreditConsentLive = maybe(t, "consent", mostly())
		f.OnRecommendedList = maybe(t, "list", mostly())
		f.GuaranteeLetterLive = maybe(t, "letter", rapid.Bool())
		f.SiteVisitDone = maybe(t, "visit", mostly())
		f.ProductOffered = maybe(t, "offered", mostly())
		f.BorrowerKindsAllowed = maybe(t, "kinds", rapid.SampledFrom([][]string{{"farmer"}, {"farmer", "cooperative"}, {}}))
		f.PurposesForbidden = maybe(t, "forbidden", rapid.SampledFrom([][]string{{"house"}, {}}))
		f.AmountMin = maybe(t, "amount_min", rapid.SampledFrom([]money.Amount{amount("3000.00"), amount("0.01"), amount("50000.00")}))
		f.AmountMax = maybe(t, "amount_max", rapid.SampledFrom([]money.Amount{amount("3000000.00"), amount("500000.00"), amount("1000.00")}))
		f.TermMonthsMin = maybe(t, "term_min", rapid.SampledFrom([]int{1, 6, 12}))
		f.TermMonthsMax = maybe(t, "term_max", rapid.SampledFrom([]int{36, 60, 3}))
		f.AgeMin = maybe(t, "age_min", rapid.SampledFrom([]int{18, 20}))
		f.AgeAtLastDueMax = maybe(t, "age_max", rapid.SampledFrom([]int{60, 64, 65}))
		f.BusinessAgeMonthsMin = maybe(t, "business_min", rapid.SampledFrom([]int{6, 12}))
		f.AnnualRateMaxPct = maybe(t, "rate_max", rapid.Map(rapid.IntRange(350, 420), money.BasisPoints))
		f.QuickApprovalMax = maybe(t, "quick", rapid.SampledFrom([]money.Amount{amount("100000.00"), amount("0.00"), amount("300000.00")}))
		f.GuaranteeCompanyFrom = maybe(t, "guarantee", rapid.SampledFrom([]money.Amount{amount("100000.00"), amount("500000.00")}))
		f.RecommendedListRequired = maybe(t, "list_required", rapid.Bool())
		f.SiteVisitRequired = maybe(t, "visit_required", rapid.Bool())
		return f
	})
}

// completeFacts draws facts that are all known or rightly none, so that approvals are common.
func completeFacts() *rapid.Generator[decision.Facts] {
	return rapid.Custom(func(t *rapid.T) decision.Facts {
		f := duckShed()
		f.Amount = decision.Known(money.Fen(rapid.Int64Range(1, 400_000_000).Draw(t, "fen")))
		f.TermMonths = decision.Known(rapid.IntRange(0, 90).Draw(t, "term"))
		f.BirthDate = decision.Known(date("1950-01-01").AddDays(rapid.IntRange(0, 22_000).Draw(t, "birth")))
		f.EvaluatedOn = date("2022-01-01").AddDays(rapid.IntRange(0, 2000).Draw(t, "on"))
		f.GuaranteeLetterLive = decision.Known(rapid.Bool().Draw(t, "letter"))
		f.CreditConsentLive = decision.Known(mostly().Draw(t, "consent"))
		f.SiteVisitRequired, f.SiteVisitDone = decision.Known(rapid.Bool().Draw(t, "required")), decision.Known(mostly().Draw(t, "visit"))
		f.QuickApprovalMax = decision.Known(rapid.SampledFrom([]money.Amount{amount("0.00"), amount("100000.00"), amount("300000.00")}).Draw(t, "quick"))
		f.AgeAtLastDueMax = decision.Known(rapid.IntRange(60, 65).Draw(t, "age_max"))
		f.TermMonthsMin = decision.Known(rapid.SampledFrom([]int{1, 6}).Draw(t, "term_min"))
		return f
	})
}

func mostly() *rapid.Generator[bool] {
	return rapid.Map(rapid.IntRange(0, 9), func(n int) bool { return n > 0 })
}

// evaluate judges by the shipped rules on the terms of the product of the duck shed, without what other institutions say.
func evaluate(f decision.Facts) decision.Outcome { return productRules().Evaluate(f) }

var productRules = sync.OnceValue(func() *decision.Engine {
	sets, err := demodata.RuleSetsOf("product")
	if err != nil {
		panic(err)
	}
	for _, s := range sets {
		if s.ProductCode != "QLFMD" {
			continue
		}
		engine, err := decision.Compile(s.ID.String(), s.Version, s.Definition)
		if err != nil {
			panic(err)
		}
		return engine
	}
	panic("no shipped rules for QLFMD")
})
