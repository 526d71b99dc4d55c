package decision_test

import (
	"fmt"
	"testing"

	"fumin/domain/decision"
	"fumin/domain/money"
)

// fortyRules is a set of the size a lender has: 40 rules of all kinds over the facts, a scorecard of eight lines, four limits.
func fortyRules() decision.Definition {
	conditions := []string{
		"product_offered", "borrower_kind in borrower_kinds_allowed", "purpose not in purposes_forbidden", "amount >= amount_min",
		"amount <= amount_max", "term_months >= term_months_min", "term_months <= term_months_max", "age >= age_min",
		"age_at_last_due <= age_at_last_due_max", "on_recommended_list or not recommended_list_required", "annual_rate_pct <= annual_rate_max_pct",
		"credit_consent_live", "amount < guarantee_company_from or guarantee_letter_live", "amount <= quick_approval_max",
		"not overdue_now", "days_past_due_max <= 90", "days_past_due_max <= 30 or loans_settled >= 3", "len(documents_missing_key) == 0",
		"len(licences_expired) == 0", `bureau_answer != "adverse"`, "not bureau_overdue_now", "bureau_enquiries_6_months <= 8",
		"bureau_overdue_amount <= 1000", "not screening_hit", "bureau_liabilities + amount <= 500000", "amount <= household_income_year * 5",
		"household_size >= 1", "loans_settled >= 0", "amount + exposure_existing <= exposure_lender_max",
		"amount + exposure_product_existing <= exposure_product_max", "term_months in [1, 2, 3, 6, 12, 24, 36, 48, 60]",
		"amount <= 50000 or term_months <= 36", `repayment_method != "lump_sum" or term_months <= 12`, "age_at_last_due <= 70 and age >= 18",
		"annual_rate_pct + 0.1 <= 24", "amount * 0.1 <= household_income_year", `product_code in ["QLFMD", "CYD", "NYCYD", "PHXWXYD"]`,
		"site_visit_done or amount < 300000", "min(amount, 500000) <= 500000", "bureau_enquiries_6_months <= 5 or bureau_liabilities < 100000",
	}
	d := decision.Definition{Title: "四十条规则", Scorecard: &decision.Scorecard{Base: 20, ApproveFrom: 60, ReferFrom: 30, Suggestion: "请审查"}}
	for i, text := range conditions {
		otherwise := decision.Decline
		if i%3 == 0 {
			otherwise = decision.Refer
		}
		d.Rules = append(d.Rules, decision.Rule{
			Code: fmt.Sprintf("rule-%d", i+1), When: "product_offered", Passes: text, Otherwise: otherwise,
			Reason: "申请金额 {amount} 元、期限 {term_months} 个月，不符合本条", Passed: "申请金额 {amount} 元，符合本条", Suggestion: "请调整申请",
		})
	}
	for i, text := range []string{
		"days_past_due_max == 0", "loans_settled >= 1", "bureau_enquiries_6_months <= 3", "amount <= household_income_year",
		"household_size <= 5", "bureau_liabilities < 50000", "age < 60", `bureau_answer == "clear"`,
	} {
		d.Scorecard.Characteristics = append(d.Scorecard.Characteristics, decision.Characteristic{
			Code: fmt.Sprintf("line-%d", i+1), Label: "评分项", Bands: []decision.Band{{When: text, Points: 10, Reason: "好"}, {Points: 0, Reason: "一般"}},
		})
	}
	for i, text := range []string{"household_income_year * 4", "quick_approval_max * 10", "exposure_lender_max - exposure_existing"} {
		d.Limits = append(d.Limits, decision.Limit{
			Code: fmt.Sprintf("limit-%d", i+1), AmountMax: text, Otherwise: decision.Refer, Reason: "超过 {limit} 元", Passed: "不超过 {limit} 元", Suggestion: "最高 {limit} 元",
		})
	}
	d.Limits = append(d.Limits, decision.Limit{Code: "price", When: "score >= 80", SpreadBP: "-10", Reason: "评分 {score} 分，降低 10 个基点"})
	return d
}

// completeCase is the duck shed with every fact of version 2.
func completeCase() decision.Facts {
	f := duckShed()
	sum := func(text string) decision.Fact[money.Amount] { return decision.Known(amount(text)) }
	f.HouseholdSize, f.HouseholdIncomeYear = decision.Known(4), sum("120000.00")
	f.ExposureExisting, f.ExposureProductExisting, f.ExposureProductMax, f.ExposureLenderMax = sum("20000.00"), sum("0.00"), sum("3000000.00"), sum("5000000.00")
	f.LoansSettled, f.DaysPastDueMax, f.OverdueNow = decision.Known(2), decision.Known(0), decision.Known(false)
	f.DocumentsMissingKey, f.DocumentsMissingOther, f.LicencesExpired = decision.Known([]string{}), decision.Known([]string{}), decision.Known([]string{})
	f.SiteVisitInvestigators, f.BureauAnswer, f.BureauOverdueNow = decision.Known(2), decision.Known("clear"), decision.Known(false)
	f.BureauOverdueAmount, f.BureauEnquiries6Months, f.BureauLiabilities = sum("0.00"), decision.Known(1), sum("20000.00")
	f.ScreeningHit, f.GuaranteePrecheck = decision.Known(false), decision.None[string]()
	f.RepaymentMethod, f.RegionCode, f.ProductCode, f.ReliefIndustry = decision.Known("equal_instalment"), decision.Known("371523"), decision.Known("QLFMD"), decision.None[string]()
	return f
}

// tenCases is what comes in on a day: six approvals, two referrals (one of them with a way to approval), two declines, one of
// them with a way forward.
func tenCases() []decision.Facts {
	cases := make([]decision.Facts, 10)
	for i := range cases {
		cases[i] = completeCase()
	}
	cases[6].CreditConsentLive = decision.Known(false)
	cases[7].Amount = decision.Known(amount("150000.00"))
	cases[8].Purpose = decision.Known("house")
	cases[9].BirthDate = decision.Known(date("1957-01-20"))
	return cases
}

// BenchmarkDecide decides the ten cases over and over on all processors, and prints decisions per second.
func BenchmarkDecide(b *testing.B) {
	engine, cases := compile(b, fortyRules()), tenCases()
	for i, want := range []decision.Result{6: decision.Refer, 7: decision.Decline, 8: decision.Decline, 9: decision.Decline} {
		if want != "" && engine.Evaluate(cases[i]).Result == decision.Approve || want == "" && engine.Evaluate(cases[i]).Result != decision.Approve {
			b.Fatalf("case %d: %s %v", i, engine.Evaluate(cases[i]).Result, engine.Evaluate(cases[i]).Reasons[0])
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			engine.Evaluate(cases[i%len(cases)])
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "decisions/s")
}

// BenchmarkDecideAnApproval and the next two show what the kinds of case cost, on one processor.
func BenchmarkDecideAnApproval(b *testing.B) { benchmarkCase(b, 0) }

func BenchmarkDecideAReferral(b *testing.B) { benchmarkCase(b, 6) }

func BenchmarkDecideADeclineWithAWayForward(b *testing.B) { benchmarkCase(b, 9) }

func benchmarkCase(b *testing.B, i int) {
	b.Helper()
	engine, facts := compile(b, fortyRules()), tenCases()[i]
	for b.Loop() {
		engine.Evaluate(facts)
	}
}
