package decision_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"fumin/domain"
	"fumin/domain/decision"
	"fumin/domain/money"
)

// judged says what a condition is under the facts: true, false, unknown, or absent (the rule does not apply).
func judged(t testing.TB, text string, f decision.Facts) string {
	t.Helper()
	got := compile(t, oneRule("", text)).Evaluate(f)
	if len(got.Reasons) == 0 {
		return "absent"
	}
	switch reason := got.Reasons[0]; {
	case reason.Unknown:
		return "unknown"
	case reason.Effect == decision.Approve:
		return "true"
	}
	return "false"
}

func TestEachOperatorOnEachKindOfNumber(t *testing.T) {
	t.Parallel()
	f := duckShed() // amount 99500.00, term 36, rate 3.90
	f.HouseholdLandMu = decision.Known(decimal.RequireFromString("12.5"))
	for text, want := range map[string]bool{
		"0.1 + 0.2 == 0.3": true, "0.1 + 0.2 != 0.3": false, "0.3 - 0.1 == 0.2": true, "0.1 * 3 == 0.3": true, "1.0 == 1": true, "1.00 == 1.0": true,
		"amount == 99500": true, "amount == 99500.0": true, "amount == 99500.01": false, "amount != 99500": false, "amount != 99500.01": true,
		"amount < 99500": false, "amount < 99500.001": true, "amount <= 99500": true, "amount <= 99499.999": false,
		"amount > 99500": false, "amount > 99499.99": true, "amount >= 99500": true, "amount >= 99500.01": false,
		"99500 == amount": true, "99500.5 > amount": true, "36 == term_months": true, "36.0 == term_months": true, "term_months < 36.5": true,
		"annual_rate_pct == 3.9": true, "annual_rate_pct < 3.900001": true, "annual_rate_pct + 0.1 == 4": true, "annual_rate_pct * 2 == 7.8": true,
		"amount + 0.01 > 99500": true, "amount - 99500 == 0": true, "amount * 2 == 199000": true, "amount * 0.5 == 49750": true,
		"term_months + 1 == 37": true, "term_months * 0.5 == 18": true, "term_months - 37 == -1": true, "-term_months == -36": true, "-(-1) == 1": true,
		"household_land_mu * 8000 == 100000": true, "amount <= household_land_mu * 8000": true, "household_land_mu > 12": true,
		"999999999999999999 * 999999999999999999 > 999999999999999999": true, "999999999999999999 + 999999999999999999 > 999999999999999999": true,
		"0.000000000001 * 0.000000000001 > 0": true, "0.000000000001 * 0.000000000001 * 0.000000000001 > 0": true,
		"min(amount, 5000) == 5000": true, "max(amount, 5000, 100000) == 100000": true, "min(term_months, 48) == 36": true,
		"(term_months > 12 ? 2 : 1) == 2": true, "(term_months > 48 ? 2 : 1) == 1": true,
		"term_months in [12, 24, 36]": true, "term_months in [12, 24]": false, "term_months not in [12, 24]": true, "annual_rate_pct in [3.9]": true,
		"1 < 2 < 3": true, "1 < 3 < 2": false, "2 + 3 * 4 == 14": true, "(2 + 3) * 4 == 20": true,
	} {
		if got := judged(t, text, f); got != fmt.Sprint(want) {
			t.Errorf("%s is %s, want %v", text, got, want)
		}
	}
}

func TestArithmeticAgreesWithDecimalsOfAnySize(t *testing.T) {
	t.Parallel()
	digits := rapid.StringMatching(`[0-9]{1,18}(\.[0-9]{1,12})?`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := digits.Draw(t, "a"), digits.Draw(t, "b")
		x, y := decimal.RequireFromString(a), decimal.RequireFromString(b)
		for operator, want := range map[string]bool{
			"<": x.LessThan(y), "<=": x.LessThanOrEqual(y), "==": x.Equal(y), "!=": !x.Equal(y), ">=": x.GreaterThanOrEqual(y), ">": x.GreaterThan(y),
		} {
			engine, err := decision.Compile("test", 1, oneRule("", a+operator+b))
			if err != nil {
				t.Fatal(err)
			}
			if got := engine.Evaluate(decision.Facts{}).Result == decision.Approve; got != want {
				t.Fatalf("%s %s %s is %v, want %v", a, operator, b, got, want)
			}
		}
		for operator, result := range map[string]decimal.Decimal{"+": x.Add(y), "-": x.Sub(y), "*": x.Mul(y), "+-": x.Sub(y), "* 2 *": x.Mul(y).Add(x.Mul(y))} {
			d := oneRule("", "1 > 2")
			d.Rules[0].Reason = "{" + a + operator + b + "}"
			engine, err := decision.Compile("test", 1, d)
			if err != nil {
				t.Fatal(err)
			}
			text := engine.Evaluate(decision.Facts{}).Reasons[0].Text
			if got, err := decimal.NewFromString(text); err != nil || !got.Equal(result) {
				t.Fatalf("%s %s %s = %s, want %s", a, operator, b, text, result)
			}
		}
	})
}

func TestOtherTypesCompareAsTheyShould(t *testing.T) {
	t.Parallel()
	f := duckShed()
	f.BureauAnswer, f.OverdueNow, f.LicencesExpired = decision.Known("clear"), decision.Known(false), decision.Known([]string{"food", "hygiene"})
	for text, want := range map[string]bool{
		`purpose == "facility"`: true, `purpose != "facility"`: false, `purpose in ["facility", "livestock"]`: true, `purpose not in ["facility"]`: false,
		`borrower_kind in borrower_kinds_allowed`: true, `purpose not in purposes_forbidden`: true, `"house" in purposes_forbidden`: true,
		`bureau_answer == "clear"`: true, `bureau_answer in ["adverse", "no_record"]`: false, `not overdue_now`: true, `!overdue_now`: true,
		`overdue_now == false`: true, `overdue_now != true`: true, `overdue_now == site_visit_done`: false, `true`: true, `false or true`: true, `true && false`: false,
		`false || true`: true, `len(licences_expired) == 2`: true, `evaluated_on >= date("2022-03-15")`: true, `evaluated_on < date("2022-03-15")`: false,
		`last_due_on == date("2025-03-15")`: true, `year(evaluated_on) == 2022 and month(evaluated_on) == 3`: true, `age == 46`: true, `age_at_last_due == 49`: true,
	} {
		if got := judged(t, text, f); got != fmt.Sprint(want) {
			t.Errorf("%s is %s, want %v", text, got, want)
		}
	}
}

// Each word has a fact of its own: t is true, f false, u unknown, and n is known not to be.
func TestUnknownAndAbsentInLogic(t *testing.T) {
	t.Parallel()
	f := decision.Facts{
		Amount: decision.Known(money.MustParseAmount("1.00")), AgeMin: decision.None[int](),
		SiteVisitDone: decision.Known(true), OverdueNow: decision.Known(false),
	}
	words := strings.NewReplacer("T", "site_visit_done", "F", "overdue_now", "U", "screening_hit", "N", "(age_min > 0)")
	for text, want := range map[string]string{
		"T": "true", "F": "false", "U": "unknown", "N": "absent", "not T": "false", "not F": "true", "not U": "unknown", "not N": "absent",
		"T or T": "true", "T or F": "true", "T or U": "true", "T or N": "true", "F or F": "false", "F or U": "unknown", "F or N": "absent", "U or U": "unknown", "U or N": "unknown", "N or N": "absent",
		"T and T": "true", "T and F": "false", "T and U": "unknown", "T and N": "absent", "F and F": "false", "F and U": "false", "F and N": "false", "U and U": "unknown", "U and N": "unknown", "N and N": "absent",
	} {
		sides := []string{text}
		for _, operator := range []string{" or ", " and "} {
			if left, right, found := strings.Cut(text, operator); found {
				sides = append(sides, right+operator+left)
			}
		}
		for _, side := range sides {
			if got := judged(t, words.Replace(side), f); got != want {
				t.Errorf("%s is %s, want %s", side, got, want)
			}
		}
	}
	for text, want := range map[string]string{
		"household_size + 1 > 0": "unknown", "age_min + 1 > 0": "absent",
		"exists(age_min)": "false", "not exists(age_min)": "true", "exists(household_size)": "unknown", "max(amount, 0) == 1": "true",
		"min(exposure_product_max, amount) > 0": "unknown", "(screening_hit ? 1 : 2) > 0": "unknown", "(age_min > 0 ? 1 : 2) > 0": "absent",
		"age >= age_min": "absent", "len(documents_missing_key) == 0": "unknown", `bureau_answer == "clear"`: "unknown", "screening_hit == overdue_now": "unknown",
	} {
		if got := judged(t, text, f); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}

func TestARuleSaysIfThen(t *testing.T) {
	t.Parallel()
	words := map[string]string{"T": "site_visit_done", "F": "overdue_now", "U": "screening_hit", "N": "age_min > 0"}
	f := decision.Facts{AgeMin: decision.None[int](), SiteVisitDone: decision.Known(true), OverdueNow: decision.Known(false)}
	for _, test := range []struct{ when, passes, want string }{
		{"T", "T", "approve"},
		{"T", "F", "decline"},
		{"T", "U", "refer"},
		{"T", "N", "does not apply"},
		{"F", "F", "does not apply"},
		{"F", "U", "does not apply"},
		{"N", "F", "does not apply"},
		{"N", "U", "does not apply"},
		{"U", "T", "approve"},
		{"U", "F", "refer"},
		{"U", "U", "refer"},
		{"U", "N", "does not apply"},
	} {
		got := compile(t, oneRule(words[test.when], words[test.passes])).Evaluate(f)
		effect := "does not apply"
		if len(got.Reasons) > 0 {
			effect = string(got.Reasons[0].Effect)
		}
		if effect != test.want {
			t.Errorf("when %s, passes %s: %s, want %s", test.when, test.passes, effect, test.want)
		}
	}
}

func TestAReferralNamesOnlyTheFactsThatDecide(t *testing.T) {
	t.Parallel()
	f := duckShed()
	for text, want := range map[string]string{
		"screening_hit":                                        "缺少“命中黑名单或制裁名单”，无法自动判断",
		"screening_hit or overdue_now":                         "缺少“命中黑名单或制裁名单”、“当前有逾期”，无法自动判断",
		"site_visit_done and overdue_now":                      "缺少“当前有逾期”，无法自动判断",
		"(amount > 5 or screening_hit) and overdue_now":        "缺少“当前有逾期”，无法自动判断",
		"amount + exposure_existing <= exposure_lender_max":    "缺少“已占用授信”、“本机构授信上限”，无法自动判断",
		"exposure_existing < 5 and exposure_existing * 2 < 10": "缺少“已占用授信”，无法自动判断",
	} {
		got := compile(t, oneRule("", text)).Evaluate(f).Reasons[0]
		if !got.Unknown || got.Text != want || got.FactName == "" || got.Effect != decision.Refer {
			t.Errorf("%s: %+v, want %s", text, got, want)
		}
	}
	f.EvaluatedOn = domain.Date{}
	if got := compile(t, oneRule("", "age >= 18")).Evaluate(f).Reasons[0]; got.FactName != decision.FactEvaluatedOn {
		t.Errorf("the age without a day is for want of %s", got.FactName)
	}
}
