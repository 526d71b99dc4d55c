package demodata_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"fumin/domain"
	"fumin/domain/decision"
	"fumin/domain/money"
	"fumin/repository/demodata"
)

// The rules that were part of the program and their successors judge alike. This test goes when the former do.
func TestTheShippedRulesSayWhatTheCodedOnesSaid(t *testing.T) {
	t.Parallel()
	sets, err := demodata.RuleSetsOf("product") // the rules that came later have no coded brother
	if err != nil {
		t.Fatal(err)
	}
	engine := engineOf(t, sets, "QLFMD")
	rapid.Check(t, func(t *rapid.T) {
		f := parityFacts().Draw(t, "facts")
		want, got := decision.Evaluate(f), engine.Evaluate(f)
		lines := func(o decision.Outcome) []string {
			ls := []string{string(o.Result), o.AmountMax.String(), fmt.Sprint(o.TermMonthsMax), o.AnnualRateMaxPct.String()}
			for _, r := range o.Reasons {
				if r.Code == "quick-approval-not-offered" || r.Code == "above-quick-approval" || r.Code == "guarantee-letter-missing" && r.Effect == decision.Approve {
					continue
				}
				ls = append(ls, fmt.Sprint(r))
			}
			for _, w := range o.WaysForward {
				ls = append(ls, w.Text)
			}
			return ls
		}
		if diff := cmp.Diff(lines(want), lines(got)); diff != "" {
			t.Fatalf("diff (-coded +data):\n%s", diff)
		}
	})
}

func parityFacts() *rapid.Generator[decision.Facts] {
	amount, rate, date := money.MustParseAmount, money.MustParseRate, domain.MustParseDate
	return rapid.Custom(func(t *rapid.T) decision.Facts {
		f := decision.Facts{
			EvaluatedOn: date("2022-03-15"), Amount: decision.Known(amount("99500.00")), TermMonths: decision.Known(36),
			Purpose: decision.Known("facility"), AnnualRatePct: decision.Known(rate("3.90")), BorrowerKind: decision.Known("farmer"),
			BirthDate: decision.Known(date("1975-06-01")), BusinessAgeMonths: decision.None[int](),
			CreditConsentLive: decision.Known(true), OnRecommendedList: decision.Known(true), GuaranteeLetterLive: decision.Known(false),
			SiteVisitDone: decision.Known(true), ProductOffered: decision.Known(true),
			BorrowerKindsAllowed: decision.Known([]string{"farmer"}), PurposesForbidden: decision.Known([]string{"house"}),
			AmountMin: decision.Known(amount("3000.00")), AmountMax: decision.Known(amount("3000000.00")),
			TermMonthsMin: decision.Known(1), TermMonthsMax: decision.Known(60), AgeMin: decision.Known(18), AgeAtLastDueMax: decision.Known(65),
			BusinessAgeMonthsMin: decision.None[int](), AnnualRateMaxPct: decision.Known(rate("3.90")),
			QuickApprovalMax: decision.Known(amount("100000.00")), GuaranteeCompanyFrom: decision.Known(amount("100000.00")),
			RecommendedListRequired: decision.Known(true), SiteVisitRequired: decision.Known(false),
		}
		flag := func(name string) decision.Fact[bool] { return decision.Known(rapid.Bool().Draw(t, name)) }
		f.Amount = decision.Known(money.Fen(rapid.Int64Range(1, 400_000_000).Draw(t, "fen")))
		f.TermMonths = decision.Known(rapid.IntRange(0, 90).Draw(t, "term"))
		f.BirthDate = decision.Known(date("1950-01-01").AddDays(rapid.IntRange(0, 22_000).Draw(t, "birth")))
		f.GuaranteeLetterLive, f.CreditConsentLive = flag("letter"), flag("consent")
		f.SiteVisitRequired, f.SiteVisitDone = flag("required"), flag("visit")
		f.QuickApprovalMax = decision.Known(rapid.SampledFrom([]money.Amount{amount("0.00"), amount("100000.00"), amount("300000.00")}).Draw(t, "quick"))
		f.TermMonthsMin = decision.Known(rapid.SampledFrom([]int{1, 6}).Draw(t, "term_min"))
		if rapid.Bool().Draw(t, "not_offered") {
			f = decision.Facts{EvaluatedOn: f.EvaluatedOn, Amount: f.Amount, ProductOffered: decision.Known(false), CreditConsentLive: f.CreditConsentLive}
		}
		return f
	})
}
