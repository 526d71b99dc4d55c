package decision_test

import (
	"slices"
	"testing"

	"fumin/domain/decision"
)

func rule(code, when, passes string) decision.Rule {
	return decision.Rule{Code: code, When: when, Passes: passes, Otherwise: decision.Decline, Reason: "不符合", Passed: "符合", Suggestion: "请更改"}
}

func TestACounterexampleIsACaseThatThePartItselfRefuses(t *testing.T) {
	t.Parallel()
	rules := []decision.Rule{
		rule("amount", "", "amount <= amount_max"),
		rule("young", "", "age >= age_min"),
		rule("old", "product_offered", "age_at_last_due <= age_at_last_due_max"),
		rule("literal", "", "term_months < 60 or amount <= 5000"),
		rule("listed", "", "on_recommended_list"),
		rule("purpose", "", "purpose not in purposes_forbidden"),
		rule("kind", "", "borrower_kind in borrower_kinds_allowed"),
		rule("papers", "", "len(documents_missing_key) == 0"),
		rule("three", "", "amount < guarantee_company_from or guarantee_letter_live or guarantee_precheck != \"refused\""),
		rule("sum", "", "amount + exposure_existing <= 3 * amount_max"),
	}
	base := duckShed()
	base.DocumentsMissingKey, base.GuaranteePrecheck = decision.Known([]string{}), decision.Known("accepted")
	base.ExposureExisting = decision.Known(amount("0.00"))
	engine, err := decision.Compile("probe", 1, decision.Definition{Title: "反例", Rules: rules})
	if err != nil {
		t.Fatal(err)
	}
	if o := engine.Evaluate(base); o.Result != decision.Approve {
		t.Fatalf("the case itself: %+v", o)
	}
	for _, code := range engine.RefusingCodes() {
		found, applies, ok := engine.Counterexample(code, base)
		if !ok || !applies {
			t.Errorf("%s: found %v, applies %v, want a case that it refuses", code, ok, applies)
			continue
		}
		reason, _ := byCode(engine.Evaluate(found.Facts).Reasons, code)
		if reason.Effect != decision.Decline || reason.Unknown || len(found.Changed) == 0 {
			t.Errorf("%s: changed %v, and the rules say %+v", code, found.Changed, reason)
		}
	}
	found, _, _ := engine.Counterexample("amount", base)
	if tried, _ := found.Facts.Amount.Value(); tried.String() != "3000000.01" {
		t.Errorf("the amount tried is %s, want a fen above the limit", tried)
	}
	if found, applies, ok := engine.Counterexample("amount", base, decision.FactAmount, decision.FactAmountMax); ok || !applies {
		t.Errorf("with both amounts fixed: found %v, applies %v", found.Changed, applies)
	}
	young, _, _ := engine.Counterexample("young", base, decision.FactAgeMin)
	if born, _ := young.Facts.BirthDate.Value(); born.AgeOn(base.EvaluatedOn) != 17 {
		t.Errorf("tried somebody born on %s, want the day before the eighteenth birthday", born)
	}
}

func TestARuleThatCanRefuseNothingHasNoCounterexample(t *testing.T) {
	t.Parallel()
	rules := []decision.Rule{
		rule("always", "", "amount <= amount_max or true"),
		rule("never-applies", "not product_offered and product_offered", "amount <= 1"),
		rule("nothing-to-compare", "", "business_age_months >= business_age_months_min"),
	}
	engine, err := decision.Compile("probe", 1, decision.Definition{Title: "反例", Rules: rules})
	if err != nil {
		t.Fatal(err)
	}
	for code, want := range map[string]bool{"always": true, "never-applies": false, "nothing-to-compare": false, "no-such-code": false} {
		if _, applies, ok := engine.Counterexample(code, duckShed()); ok || applies != want {
			t.Errorf("%s: found %v, applies %v, want none, %v", code, ok, applies, want)
		}
	}
}

func TestAScorecardAndALimitHaveACounterexample(t *testing.T) {
	t.Parallel()
	band := func(when string, points int) decision.Band {
		return decision.Band{When: when, Points: points, Reason: "分档"}
	}
	definition := decision.Definition{
		Title: "反例", Rules: []decision.Rule{rule("amount", "", "amount <= amount_max")},
		Scorecard: &decision.Scorecard{
			Base: 20, ApproveFrom: 60, ReferFrom: 30, Suggestion: "请审查",
			Characteristics: []decision.Characteristic{
				{Code: "conduct", Label: "履约", Bands: []decision.Band{band("days_past_due_max == 0", 30), band("", 5)}},
				{Code: "settled", Label: "结清", Bands: []decision.Band{band("loans_settled >= 1", 30), band("", 20)}},
				{Code: "size", Label: "人口", Bands: []decision.Band{band("household_size >= 2", 20), band("", 10)}},
			},
		},
		Limits: []decision.Limit{
			{Code: "room", AmountMax: "exposure_product_max - exposure_product_existing", Otherwise: decision.Refer, Reason: "超过", Passed: "不超过", Suggestion: "减少"},
			{Code: "price", SpreadBP: "-10", Reason: "定价"},
		},
	}
	engine, err := decision.Compile("probe", 1, definition)
	if err != nil {
		t.Fatal(err)
	}
	base := duckShed()
	base.DaysPastDueMax, base.LoansSettled, base.HouseholdSize = decision.Known(0), decision.Known(2), decision.Known(4)
	base.ExposureProductMax, base.ExposureProductExisting = decision.Known(amount("3000000.00")), decision.Known(amount("0.00"))
	if codes := engine.RefusingCodes(); !slices.Equal(codes, []string{"amount", "score-below-approval", "room"}) {
		t.Errorf("the parts that can refuse: %v", codes)
	}
	for _, code := range []string{"score-below-approval", "room"} {
		found, _, ok := engine.Counterexample(code, base)
		if reason, _ := byCode(engine.Evaluate(found.Facts).Reasons, code); !ok || reason.Effect == decision.Approve || reason.Unknown {
			t.Errorf("%s: found %v by changing %v, and the rules say %+v", code, ok, found.Changed, reason)
		}
	}
}
