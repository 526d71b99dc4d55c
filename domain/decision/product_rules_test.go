package decision_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"fumin/domain"
	"fumin/domain/decision"
	"fumin/domain/money"
)

var dates = cmpopts.EquateComparable(domain.Date{})

func TestTheDuckShedIsApprovedWithReasons(t *testing.T) {
	t.Parallel()
	got := evaluate(duckShed())
	if got.Result != decision.Approve || len(got.Declined())+len(got.Referred()) != 0 {
		t.Fatalf("Evaluate(duck shed) = %s, declined %v, referred %v; want approve", got.Result, got.Declined(), got.Referred())
	}
	reason, ok := byCode(got.Passed(), "amount-above-maximum")
	want := decision.Reason{
		Code: "amount-above-maximum", Text: "申请金额 99,500.00 元，不超过产品最高 3,000,000.00 元", Effect: decision.Approve,
		FactName: decision.FactAmount, Value: "99500.00", Threshold: "3000000.00",
	}
	if diff := cmp.Diff(want, reason); !ok || diff != "" {
		t.Errorf("the passed amount rule (-want +got):\n%s", diff)
	}
	if got.AmountMax.String() != "99500.00" || got.TermMonthsMax != 36 || got.AnnualRateMaxPct.String() != "3.90" {
		t.Errorf("ceilings = %s, %d, %s; want 99500.00, 36, 3.90: never more than was asked for", got.AmountMax, got.TermMonthsMax, got.AnnualRateMaxPct)
	}
	if len(got.WaysForward) != 0 || got.RuleSet != productRules().RuleSet() || got.EvaluatedOn != date("2022-03-15") {
		t.Errorf("ways forward %v, rule set %q, on %s", got.WaysForward, got.RuleSet, got.EvaluatedOn)
	}
}

func TestEachRuleRefusesWhatItShould(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name             string
		change           func(*decision.Facts)
		code             string
		want             decision.Result
		value, threshold string
	}{
		{"no version in the region", func(f *decision.Facts) { f.ProductOffered = decision.Known(false) }, "product-not-offered", decision.Decline, "false", "true"},
		{"a kind the product does not serve", func(f *decision.Facts) { f.BorrowerKind = decision.Known("cooperative") }, "borrower-kind-not-allowed", decision.Decline, "cooperative", "farmer,family_farm_owner,cooperative_chair"},
		{"a forbidden purpose", func(f *decision.Facts) { f.Purpose = decision.Known("house") }, "purpose-forbidden", decision.Decline, "house", "living_costs,house"},
		{"one fen below the least", func(f *decision.Facts) { f.Amount = decision.Known(amount("2999.99")) }, "amount-below-minimum", decision.Decline, "2999.99", "3000.00"},
		{"exactly the least", func(f *decision.Facts) { f.Amount = decision.Known(amount("3000.00")) }, "amount-below-minimum", decision.Approve, "3000.00", "3000.00"},
		{"one fen above the most", func(f *decision.Facts) { f.Amount = decision.Known(amount("3000000.01")) }, "amount-above-maximum", decision.Decline, "3000000.01", "3000000.00"},
		{"a term below the least", func(f *decision.Facts) { f.TermMonths, f.TermMonthsMin = decision.Known(5), decision.Known(6) }, "term-below-minimum", decision.Decline, "5", "6"},
		{"exactly the shortest term", func(f *decision.Facts) { f.TermMonths, f.TermMonthsMin = decision.Known(6), decision.Known(6) }, "term-below-minimum", decision.Approve, "6", "6"},
		{"the longest term", func(f *decision.Facts) { f.TermMonths = decision.Known(60) }, "term-above-maximum", decision.Approve, "60", "60"},
		{"one month above the longest term", func(f *decision.Facts) { f.TermMonths = decision.Known(61) }, "term-above-maximum", decision.Decline, "61", "60"},
		{"the day before the 18th birthday", func(f *decision.Facts) { f.BirthDate = decision.Known(date("2004-03-16")) }, "age-below-minimum", decision.Decline, "17", "18"},
		{"the 18th birthday", func(f *decision.Facts) { f.BirthDate = decision.Known(date("2004-03-15")) }, "age-below-minimum", decision.Approve, "18", "18"},
		{"66 on the last due date", func(f *decision.Facts) { f.BirthDate = decision.Known(date("1959-03-15")) }, "age-at-last-due-above-maximum", decision.Decline, "66", "65"},
		{"66 the day after it", func(f *decision.Facts) { f.BirthDate = decision.Known(date("1959-03-16")) }, "age-at-last-due-above-maximum", decision.Approve, "65", "65"},
		{"a business too young", func(f *decision.Facts) {
			f.BusinessAgeMonths, f.BusinessAgeMonthsMin = decision.Known(11), decision.Known(12)
		}, "business-too-young", decision.Decline, "11", "12"},
		{"a business just old enough", func(f *decision.Facts) {
			f.BusinessAgeMonths, f.BusinessAgeMonthsMin = decision.Known(12), decision.Known(12)
		}, "business-too-young", decision.Approve, "12", "12"},
		{"not on the bureau's list", func(f *decision.Facts) { f.OnRecommendedList = decision.Known(false) }, "not-on-recommended-list", decision.Decline, "false", "true"},
		{"a rate above the ceiling", func(f *decision.Facts) { f.AnnualRatePct = decision.Known(rate("3.91")) }, "rate-above-ceiling", decision.Refer, "3.91", "3.90"},
		{"no live consent", func(f *decision.Facts) { f.CreditConsentLive = decision.Known(false) }, "credit-consent-missing", decision.Refer, "false", "true"},
		{"99,999.99 is on credit", func(f *decision.Facts) { f.Amount = decision.Known(amount("99999.99")) }, "guarantee-letter-missing", decision.Approve, "99999.99", "100000.00"},
		{"100,000.00 needs a letter", func(f *decision.Facts) { f.Amount = decision.Known(amount("100000.00")) }, "guarantee-letter-missing", decision.Refer, "100000.00", "100000.00"},
		{"100,000.01 needs a letter", func(f *decision.Facts) { f.Amount = decision.Known(amount("100000.01")) }, "guarantee-letter-missing", decision.Refer, "100000.01", "100000.00"},
		{"100,000.00 with a letter", func(f *decision.Facts) {
			f.Amount, f.GuaranteeLetterLive = decision.Known(amount("100000.00")), decision.Known(true)
		}, "guarantee-letter-missing", decision.Approve, "100000.00", "100000.00"},
		{"100,000.01 with a letter is above quick approval", func(f *decision.Facts) {
			f.Amount, f.GuaranteeLetterLive = decision.Known(amount("100000.01")), decision.Known(true)
		}, "above-quick-approval", decision.Refer, "100000.01", "100000.00"},
		{"a product without quick approval", func(f *decision.Facts) { f.QuickApprovalMax = decision.Known(amount("0.00")) }, "quick-approval-not-offered", decision.Refer, "0.00", "0.00"},
		{"without quick approval not even 0.00 is quick", func(f *decision.Facts) {
			f.Amount, f.AmountMin, f.QuickApprovalMax = decision.Known(amount("0.00")), decision.Known(amount("0.00")), decision.Known(amount("0.00"))
		}, "quick-approval-not-offered", decision.Refer, "0.00", "0.00"},
		{"a site visit that is missing", func(f *decision.Facts) {
			f.SiteVisitRequired, f.SiteVisitDone = decision.Known(true), decision.Known(false)
		}, "site-visit-missing", decision.Refer, "false", "true"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			facts := duckShed()
			test.change(&facts)
			got := evaluate(facts)
			reason, ok := byCode(got.Reasons, test.code)
			if got.Result != test.want || !ok || reason.Effect != test.want {
				t.Fatalf("Evaluate = %s with %s %q; want %s by %s; all: %v", got.Result, reason.Code, reason.Effect, test.want, test.code, got.Reasons)
			}
			if reason.Value != test.value || reason.Threshold != test.threshold {
				t.Errorf("%s saw %q against %q, want %q against %q", test.code, reason.Value, reason.Threshold, test.value, test.threshold)
			}
		})
	}
}

func TestEveryRuleHasACaseThatItRefuses(t *testing.T) {
	t.Parallel()
	bad := everythingMatters()
	bad.BorrowerKind, bad.Purpose = decision.Known("cooperative"), decision.Known("house")
	bad.AmountMin, bad.AmountMax = decision.Known(amount("200000.00")), decision.Known(amount("50000.00"))
	bad.TermMonthsMin, bad.TermMonthsMax = decision.Known(48), decision.Known(12)
	bad.AgeMin, bad.AgeAtLastDueMax = decision.Known(99), decision.Known(20)
	bad.BusinessAgeMonths = decision.Known(1)
	bad.AnnualRatePct = decision.Known(rate("9"))
	bad.OnRecommendedList, bad.CreditConsentLive = decision.Known(false), decision.Known(false)
	bad.GuaranteeLetterLive, bad.SiteVisitDone = decision.Known(false), decision.Known(false)
	bad.QuickApprovalMax = decision.Known(amount("1.00"))
	outcome := evaluate(bad)
	notOffered := bad
	notOffered.ProductOffered = decision.Known(false)
	outside := evaluate(notOffered)
	slow := bad
	slow.QuickApprovalMax = decision.Known(amount("0.00"))
	notQuick := evaluate(slow)

	for _, code := range productRules().RuleCodes() {
		reasons := outcome.Reasons
		switch code {
		case "product-not-offered":
			reasons = outside.Reasons
		case "quick-approval-not-offered":
			reasons = notQuick.Reasons
		}
		reason, ok := byCode(reasons, code)
		if !ok || reason.Effect == decision.Approve {
			t.Errorf("rule %s did not refuse: %+v", code, reason)
		}
		if reason.Suggestion == "" || reason.Text == "" || reason.Value == "" || reason.Threshold == "" || reason.FactName == "" {
			t.Errorf("rule %s refuses without saying why and what would help: %+v", code, reason)
		}
	}
	if len(outside.Reasons) != 2 || outside.Result != decision.Decline {
		t.Errorf("a product that is not offered leaves %d reasons, want only its own and the consent's", len(outside.Reasons))
	}
}

func TestAnUnknownFactRefersAndIsNamed(t *testing.T) {
	t.Parallel()
	if got := evaluate(everythingMatters()); got.Result != decision.Approve {
		t.Fatalf("the case to start from is %s: %v", got.Result, got.Referred())
	}
	for _, definition := range decision.Definitions() {
		if definition.Name == decision.FactHouseholdSize {
			break // the facts from here on came with version 2, after these rules
		}
		t.Run(string(definition.Name), func(t *testing.T) {
			t.Parallel()
			start := everythingMatters()
			// Whether something is required matters only to a case that lacks it: one that has it passes either way.
			switch definition.Name {
			case decision.FactSiteVisitRequired:
				start.SiteVisitDone = decision.Known(false)
			case decision.FactRecommendedListRequired:
				start.OnRecommendedList = decision.Known(false)
			case decision.FactGuaranteeCompanyFrom:
				start.GuaranteeLetterLive = decision.Known(false)
			}
			snapshot := start.Snapshot()
			delete(snapshot, string(definition.Name))
			facts, err := decision.FactsFromSnapshot(snapshot)
			if err != nil {
				t.Fatal(err)
			}
			got := evaluate(facts)
			named := slices.ContainsFunc(got.Referred(), func(r decision.Reason) bool {
				return r.Unknown && r.FactName == definition.Name && r.Value == "" && strings.Contains(r.Text, definition.Label)
			})
			if got.Result != decision.Refer || !named {
				t.Errorf("without %s: %s, %+v; want refer, naming it", definition.Name, got.Result, got.Referred())
			}
		})
	}
}

func TestWithoutADayOfDecisionAgesAreUnknown(t *testing.T) {
	t.Parallel()
	facts := duckShed()
	facts.EvaluatedOn = domain.Date{}
	got := evaluate(facts)
	for _, code := range []string{"age-below-minimum", "age-at-last-due-above-maximum"} {
		if reason, ok := byCode(got.Referred(), code); !ok || reason.FactName != decision.FactEvaluatedOn {
			t.Errorf("%s without a day: %+v, want a referral for evaluated_on", code, reason)
		}
	}
}

func TestNothingThereIsDifferentFromUnknown(t *testing.T) {
	t.Parallel()
	cooperative := duckShed()
	cooperative.BirthDate = decision.None[domain.Date]()
	cooperative.AnnualRatePct = decision.None[money.Rate]()
	cooperative.AgeMin, cooperative.AgeAtLastDueMax = decision.None[int](), decision.None[int]()
	cooperative.GuaranteeCompanyFrom = decision.None[money.Amount]()
	cooperative.PurposesForbidden = decision.None[[]string]()
	if got := evaluate(cooperative); got.Result != decision.Approve {
		t.Errorf("an organisation under a product without age rule, guarantee and forbidden purposes: %s, %v", got.Result, got.Referred())
	}

	absurd := duckShed()
	absurd.Amount = decision.None[money.Amount]()
	absurd.CreditConsentLive = decision.None[bool]()
	absurd.QuickApprovalMax = decision.None[money.Amount]()
	got := evaluate(absurd)
	for _, code := range []string{"amount-above-maximum", "credit-consent-missing", "above-quick-approval"} {
		if reason, ok := byCode(got.Referred(), code); !ok || !reason.Unknown {
			t.Errorf("%s with a fact that must not be none: %+v, want a referral", code, reason)
		}
	}
}

func TestTooOldIsDeclinedWithTheLongestTermThatPasses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name               string
		ageMax             int
		birth              string
		wantAge            string
		wantSuggestion     string
		wantWay, wantTerms int
	}{
		{"62 in Shandong", 65, "1960-01-20", "66", "按年龄规定，期限最长 46 个月", 46, 46},
		{"62 in Yantai has one year less", 64, "1960-01-20", "66", "按年龄规定，期限最长 34 个月", 34, 34},
		{"65 and a month short of 66", 65, "1956-04-01", "69", "按年龄规定，任何期限都不能通过", 0, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			facts := duckShed()
			facts.Amount, facts.TermMonths = decision.Known(amount("50000.00")), decision.Known(48)
			facts.BirthDate, facts.AgeAtLastDueMax = decision.Known(date(test.birth)), decision.Known(test.ageMax)
			got := evaluate(facts)
			reason, ok := byCode(got.Declined(), "age-at-last-due-above-maximum")
			if got.Result != decision.Decline || !ok {
				t.Fatalf("Evaluate = %s: %v", got.Result, got.Reasons)
			}
			if reason.Value != test.wantAge || reason.Threshold != fmt.Sprint(test.ageMax) || reason.Suggestion != test.wantSuggestion {
				t.Errorf("the reason says %s against %s, %q; want %s against %d, %q", reason.Value, reason.Threshold, reason.Suggestion, test.wantAge, test.ageMax, test.wantSuggestion)
			}
			if got.TermMonthsMax != test.wantTerms || !got.AmountMax.IsZero() {
				t.Errorf("ceilings %s, %d months; want 0.00 (no amount helps), %d", got.AmountMax, got.TermMonthsMax, test.wantTerms)
			}
			if test.wantWay == 0 {
				if len(got.WaysForward) != 0 {
					t.Errorf("ways forward %v, want none", got.WaysForward)
				}
				return
			}
			if len(got.WaysForward) != 1 || got.WaysForward[0].TermMonths != test.wantWay || got.WaysForward[0].Amount.String() != "50000.00" || got.WaysForward[0].Result != decision.Approve {
				t.Errorf("ways forward %v, want 50000.00 over %d months, approved", got.WaysForward, test.wantWay)
			}
		})
	}
}

func TestWaysForwardNameTheLargestThatIsApprovedAndTheLargestAPersonCouldApprove(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*decision.Facts)
		want   []string
	}{
		{"too much: on the spot below the guarantee, up to the product's most by a person", func(f *decision.Facts) {
			f.Amount = decision.Known(amount("5000000.00"))
		}, []string{"99999.99 36 approve", "3000000.00 36 refer"}},
		{"with a letter on the spot up to quick approval", func(f *decision.Facts) {
			f.Amount, f.GuaranteeLetterLive = decision.Known(amount("150000.00")), decision.Known(true)
		}, []string{"100000.00 36 approve"}},
		{"too much and too long: both change", func(f *decision.Facts) {
			f.Amount, f.TermMonths = decision.Known(amount("5000000.00")), decision.Known(72)
		}, []string{"99999.99 60 approve", "3000000.00 60 refer"}},
		{"below the least: the least", func(f *decision.Facts) {
			f.Amount = decision.Known(amount("100.00"))
		}, []string{"3000.00 36 approve"}},
		{"a shorter term or less money, each alone", func(f *decision.Facts) {
			f.TermMonths, f.GuaranteeLetterLive = decision.Known(61), decision.Known(true)
		}, []string{"99500.00 60 approve"}},
		{"no approval without the consent, but a person may look", func(f *decision.Facts) {
			f.Amount, f.CreditConsentLive = decision.Known(amount("5000000.00")), decision.Known(false)
		}, []string{"3000000.00 36 refer"}},
		{"nothing helps against a forbidden purpose", func(f *decision.Facts) {
			f.Purpose = decision.Known("house")
		}, nil},
		{"a referral for the consent is no better with less money", func(f *decision.Facts) {
			f.CreditConsentLive = decision.Known(false)
		}, nil},
		{"one amount and one term only", func(f *decision.Facts) {
			f.Amount, f.AmountMin, f.AmountMax = decision.Known(amount("60000.00")), decision.Known(amount("50000.00")), decision.Known(amount("50000.00"))
			f.TermMonths, f.TermMonthsMin, f.TermMonthsMax = decision.Known(13), decision.Known(12), decision.Known(12)
		}, []string{"50000.00 12 approve"}},
		{"one fen and one month are the least there is", func(f *decision.Facts) {
			f.Amount, f.AmountMin, f.AmountMax = decision.Known(amount("0.02")), decision.Known(amount("0.01")), decision.Known(amount("0.01"))
			f.TermMonths, f.TermMonthsMax = decision.Known(2), decision.Known(1)
		}, []string{"0.01 1 approve"}},
		{"a least amount of nothing is no limit to search from", func(f *decision.Facts) {
			f.Amount, f.AmountMin = decision.Known(amount("5000000.00")), decision.Known(amount("0.00"))
		}, nil},
		{"limits that contradict each other", func(f *decision.Facts) {
			f.AmountMin, f.AmountMax = decision.Known(amount("50000.00")), decision.Known(amount("40000.00"))
		}, nil},
		{"no proposal on an unknown amount", func(f *decision.Facts) {
			f.Amount, f.TermMonths = decision.Fact[money.Amount]{}, decision.Known(61)
		}, nil},
		{"no proposal on an unknown term", func(f *decision.Facts) {
			f.Amount, f.TermMonths = decision.Known(amount("5000000.00")), decision.Fact[int]{}
		}, nil},
		{"no proposal on unknown limits", func(f *decision.Facts) {
			f.Amount, f.AmountMin = decision.Known(amount("5000000.00")), decision.Fact[money.Amount]{}
		}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			facts := duckShed()
			test.change(&facts)
			var got []string
			for _, w := range evaluate(facts).WaysForward {
				got = append(got, fmt.Sprint(w.Amount, w.TermMonths, " ", w.Result))
				then := map[decision.Result]string{decision.Approve: "可以通过", decision.Refer: "可以转人工审查"}[w.Result]
				if want := fmt.Sprintf("申请 %s 元、%d 个月%s", w.Amount.Grouped(), w.TermMonths, then); w.Text != want {
					t.Errorf("the text is %q, want %q", w.Text, want)
				}
			}
			want := test.want
			if diff := cmp.Diff(want, normalised(got)); diff != "" {
				t.Errorf("ways forward (-want +got):\n%s", diff)
			}
		})
	}
}

func normalised(lines []string) []string {
	for i := range lines {
		lines[i] = strings.Join(strings.Fields(lines[i]), " ")
	}
	return lines
}

func TestTheWorstEffectIsTheResultAndReasonsAreSortedByIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		got := evaluate(caseFacts().Draw(t, "facts"))
		want := decision.Approve
		for i, r := range got.Reasons {
			if want.Better(r.Effect) {
				want = r.Effect
			}
			if i > 0 && got.Reasons[i-1].Effect.Better(r.Effect) {
				t.Fatalf("reason %d (%s) stands after %d (%s)", i, r.Effect, i-1, got.Reasons[i-1].Effect)
			}
			if !r.Effect.Valid() || r.Text == "" || r.Code == "" || r.FactName == "" || (r.Suggestion == "") != (r.Effect == decision.Approve) {
				t.Fatalf("incomplete reason %+v", r)
			}
		}
		if got.Result != want {
			t.Fatalf("result %s, worst effect %s", got.Result, want)
		}
	})
}

func TestEvaluationIsAPureFunction(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		facts := caseFacts().Draw(t, "facts")
		before := facts.Snapshot()
		first, second := evaluate(facts), evaluate(facts)
		if diff := cmp.Diff(first, second, dates); diff != "" {
			t.Fatalf("two evaluations differ:\n%s", diff)
		}
		if diff := cmp.Diff(before, facts.Snapshot()); diff != "" {
			t.Fatalf("evaluation changed the facts:\n%s", diff)
		}
	})
}

func TestAWayForwardAppliedGetsItsResultAndIsTheLargest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		facts := rapid.OneOf(completeFacts(), caseFacts()).Draw(t, "facts")
		outcome := evaluate(facts)
		apply := func(a money.Amount, n int) decision.Result {
			changed := facts
			changed.Amount, changed.TermMonths = decision.Known(a), decision.Known(n)
			return evaluate(changed).Result
		}
		asked, _ := facts.Amount.Value()
		askedTerm, _ := facts.TermMonths.Value()
		for _, w := range outcome.WaysForward {
			if got := apply(w.Amount, w.TermMonths); got != w.Result || !got.Better(outcome.Result) {
				t.Fatalf("%+v applied gives %s; the case itself %s", w, got, outcome.Result)
			}
			least, _ := facts.AmountMin.Value()
			if w.Amount.Cmp(asked) > 0 && !w.Amount.Equal(least) {
				t.Fatalf("%+v is more than the %s asked for", w, asked)
			}
			if more := w.Amount.Add(money.Fen(1)); more.Cmp(asked) <= 0 && !w.Result.Better(apply(more, w.TermMonths)) {
				t.Fatalf("%+v, but one fen more gets as much", w)
			}
			if w.TermMonths < askedTerm && !w.Result.Better(apply(w.Amount, w.TermMonths+1)) {
				t.Fatalf("%+v, but one month more gets as much", w)
			}
		}
	})
}

func TestWithoutAWayForwardNoSmallerRequestWouldBeApproved(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		facts := completeFacts().Draw(t, "facts")
		outcome := evaluate(facts)
		if outcome.Result == decision.Approve || slices.ContainsFunc(outcome.WaysForward, func(w decision.WayForward) bool { return w.Result == decision.Approve }) {
			return
		}
		asked, _ := facts.Amount.Value()
		facts.Amount = decision.Known(money.Fen(rapid.Int64Range(0, asked.Decimal().Shift(2).IntPart()).Draw(t, "less")))
		term, _ := facts.TermMonths.Value()
		facts.TermMonths = decision.Known(rapid.IntRange(0, term).Draw(t, "shorter"))
		if got := evaluate(facts); got.Result == decision.Approve {
			t.Fatalf("no way forward was named, but %s over %s months is approved", *facts.Snapshot()["amount"], *facts.Snapshot()["term_months"])
		}
	})
}

func TestMoreMoneyOrALongerTermNeverFaresBetterWithinTheProduct(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		facts := completeFacts().Draw(t, "facts")
		least, _ := facts.AmountMin.Value()
		leastTerm, _ := facts.TermMonthsMin.Value()
		facts.Amount = decision.Known(least.Add(money.Fen(rapid.Int64Range(0, 400_000_000).Draw(t, "fen_above_least"))))
		facts.TermMonths = decision.Known(leastTerm + rapid.IntRange(0, 80).Draw(t, "months_above_least"))
		before := evaluate(facts).Result

		asked, _ := facts.Amount.Value()
		term, _ := facts.TermMonths.Value()
		facts.Amount = decision.Known(asked.Add(money.Fen(rapid.Int64Range(0, 100_000_000).Draw(t, "more"))))
		facts.TermMonths = decision.Known(term + rapid.IntRange(0, 24).Draw(t, "longer"))
		if after := evaluate(facts).Result; after.Better(before) {
			t.Fatalf("%s over %d months is %s, more is %s", asked, term, before, after)
		}
	})
}

func TestCeilingsNeverExceedTheRequestAndAreNotDeclined(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		facts := rapid.OneOf(completeFacts(), caseFacts()).Draw(t, "facts")
		outcome := evaluate(facts)
		asked, _ := facts.Amount.Value()
		term, _ := facts.TermMonths.Value()
		if outcome.AmountMax.Cmp(asked) > 0 || outcome.TermMonthsMax > term {
			t.Fatalf("ceilings %s, %d exceed the request %s, %d", outcome.AmountMax, outcome.TermMonthsMax, asked, term)
		}
		if !outcome.AmountMax.IsZero() {
			changed := facts
			changed.Amount = decision.Known(outcome.AmountMax)
			if evaluate(changed).Result == decision.Decline {
				t.Fatalf("the ceiling of %s is declined", outcome.AmountMax)
			}
		}
		if outcome.TermMonthsMax > 0 {
			changed := facts
			changed.TermMonths = decision.Known(outcome.TermMonthsMax)
			if evaluate(changed).Result == decision.Decline {
				t.Fatalf("the ceiling of %d months is declined", outcome.TermMonthsMax)
			}
		}
	})
}

func BenchmarkEvaluateAnApproval(b *testing.B) {
	facts := duckShed()
	for b.Loop() {
		evaluate(facts)
	}
}

func BenchmarkEvaluateADeclineWithWaysForward(b *testing.B) {
	facts := duckShed()
	facts.Amount, facts.TermMonths = decision.Known(amount("5000000.00")), decision.Known(72)
	for b.Loop() {
		evaluate(facts)
	}
}

func TestTheAgeRuleNeedsATermThatCanBe(t *testing.T) {
	t.Parallel()
	for name, term := range map[string]decision.Fact[int]{
		"unknown": {}, "negative": decision.Known(-1), "beyond fifty years": decision.Known(601), "absurd": decision.Known(1 << 30),
	} {
		facts := duckShed()
		facts.TermMonths = term
		got := evaluate(facts)
		if reason, ok := byCode(got.Referred(), "age-at-last-due-above-maximum"); !ok || !reason.Unknown || reason.FactName != decision.FactTermMonths {
			t.Errorf("%s term: %+v, want a referral for term_months", name, reason)
		}
		if _, known := term.Value(); known && got.Result != decision.Decline {
			t.Errorf("%s term: %s, want decline by the term rules", name, got.Result)
		}
	}
	facts := duckShed()
	facts.TermMonths, facts.TermMonthsMax, facts.AgeAtLastDueMax = decision.Known(600), decision.Known(600), decision.Known(120)
	if got := evaluate(facts); got.Result != decision.Approve {
		t.Errorf("600 months: %s, %v; want approve", got.Result, got.Reasons[0])
	}
}
