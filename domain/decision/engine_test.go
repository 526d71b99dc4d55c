package decision_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"fumin/domain/decision"
	"fumin/domain/money"
)

// oneRule is the least rule set there is, with one rule.
func oneRule(when, passes string) decision.Definition {
	return decision.Definition{Title: "试验", Rules: []decision.Rule{{
		Code: "rule-under-test", When: when, Passes: passes, Otherwise: decision.Decline,
		Reason: "没有通过", Passed: "通过", Suggestion: "请更正",
	}}}
}

func compile(t testing.TB, d decision.Definition) *decision.Engine {
	t.Helper()
	engine, err := decision.Compile("test", 1, d)
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

func TestALimitCapsTheCeilingAndNamesTheWayForward(t *testing.T) {
	t.Parallel()
	capped := func(amountMax, termMax, spread string, otherwise decision.Result) decision.Definition {
		d := oneRule("", "true")
		add := func(code string, l decision.Limit) {
			l.Code, l.Reason = code, "上限 {limit}"
			if l.SpreadBP == "" && l.AnnualRateMaxPct == "" {
				l.Otherwise, l.Passed, l.Suggestion = otherwise, "不超过 {limit}", "最高 {limit}"
			}
			d.Limits = append(d.Limits, l)
		}
		if amountMax != "" {
			add("cap-amount", decision.Limit{AmountMax: amountMax})
		}
		if termMax != "" {
			add("cap-term", decision.Limit{TermMonthsMax: termMax})
		}
		if spread != "" {
			add("spread", decision.Limit{SpreadBP: spread})
		}
		return d
	}
	tests := []struct {
		name, amount, term, spread string
		otherwise, want            decision.Result
		ceilings, way              string
	}{
		{"within", "99500", "36", "", decision.Refer, decision.Approve, "99500.00 36 3.90", ""},
		{"one fen above", "99499.99", "", "", decision.Refer, decision.Refer, "99499.99 36 3.90", "99499.99 36 approve"},
		{"declined above", "99499.99", "", "", decision.Decline, decision.Decline, "99499.99 0 3.90", "99499.99 36 approve"},
		{"a part of a fen is cut", "50000.009", "", "", decision.Refer, decision.Refer, "50000.00 36 3.90", "50000.00 36 approve"},
		{"a cap below the product's least", "2999.99", "", "", decision.Refer, decision.Refer, "0.00 36 3.90", ""},
		{"a shorter term", "", "12", "", decision.Refer, decision.Refer, "99500.00 12 3.90", "99500.00 12 approve"},
		{"both", "50000", "12", "", decision.Refer, decision.Refer, "50000.00 12 3.90", "50000.00 12 approve"},
		{"what is not there caps nothing", "exposure_product_max - 1", "", "", decision.Refer, decision.Approve, "99500.00 36 3.90", ""},
		{"a spread lowers the price", "", "", "-20", decision.Refer, decision.Approve, "99500.00 36 3.70", ""},
		{"and never raises it", "", "", "20", decision.Refer, decision.Approve, "99500.00 36 3.90", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := completeCase()
			f.ExposureProductMax = decision.None[money.Amount]()
			got := compile(t, capped(test.amount, test.term, test.spread, test.otherwise)).Evaluate(f)
			ceilings := fmt.Sprint(got.AmountMax.String(), " ", got.TermMonthsMax, " ", got.AnnualRateMaxPct.String())
			way := ""
			if len(got.WaysForward) > 0 {
				w := got.WaysForward[0]
				way = fmt.Sprint(w.Amount.String(), " ", w.TermMonths, " ", w.Result)
			}
			if got.Result != test.want || ceilings != test.ceilings || way != test.way {
				t.Errorf("%s, %s, way %q; want %s, %s, %q", got.Result, ceilings, way, test.want, test.ceilings, test.way)
			}
		})
	}
}

func TestAMissingFactMattersToTheScoreOnlyIfItCouldCrossACutOff(t *testing.T) {
	t.Parallel()
	card := func(approve, refer int) decision.Definition {
		d := oneRule("", "true")
		d.Scorecard = &decision.Scorecard{Base: 10, ApproveFrom: approve, ReferFrom: refer, Suggestion: "得 {score} 分", Characteristics: []decision.Characteristic{
			{Code: "visit", Label: "调查", Bands: []decision.Band{{When: "site_visit_done", Points: 20, Reason: "已调查"}, {Points: 0, Reason: "未调查"}}},
			{Code: "hit", Label: "名单", Bands: []decision.Band{{When: "screening_hit", Points: -30, Reason: "命中"}, {Points: 5, Reason: "未命中"}}},
		}}
		return d
	}
	unknown, known := completeCase(), completeCase()
	unknown.ScreeningHit = decision.Fact[bool]{}
	for _, test := range []struct {
		approve, refer int
		facts          decision.Facts
		want           decision.Result
		missing        bool
		value, text    string
	}{
		{35, 0, known, decision.Approve, false, "35", "评分 35 分，不低于 35 分"},
		{36, 35, known, decision.Refer, false, "35", "评分 35 分，低于 36 分"},
		{40, 36, known, decision.Decline, false, "35", "评分 35 分，低于 36 分"},
		{0, -10, unknown, decision.Approve, false, "0", "评分至少 0 分（缺少“命中黑名单或制裁名单”，无论补充结果如何），不低于 0 分"}, // 30-30 is still enough
		{1, 0, unknown, decision.Refer, true, "", "缺少“命中黑名单或制裁名单”，无法自动判断"},
		{36, 36, unknown, decision.Decline, false, "35", "评分至多 35 分（缺少“命中黑名单或制裁名单”，无论补充结果如何），低于 36 分"}, // 30+5 is still too little
		{36, 35, unknown, decision.Refer, true, "", "缺少“命中黑名单或制裁名单”，无法自动判断"},
	} {
		got := compile(t, card(test.approve, test.refer)).Evaluate(test.facts)
		i := slices.IndexFunc(got.Reasons, func(r decision.Reason) bool { return r.Code == "score-below-approval" })
		if got.Result != test.want || i < 0 || got.Reasons[i].Unknown != test.missing || got.Score == nil {
			t.Errorf("cut-offs %d and %d: %s, %+v; want %s, missing %v", test.approve, test.refer, got.Result, got.Reasons, test.want, test.missing)
			continue
		}
		if r := got.Reasons[i]; r.Value != test.value || r.Text != test.text {
			t.Errorf("cut-offs %d and %d: value %q, %q; want %q, %q", test.approve, test.refer, r.Value, r.Text, test.value, test.text)
		}
		if test.missing && got.Reasons[i].FactName != decision.FactScreeningHit {
			t.Errorf("the score is for want of %s", got.Reasons[i].FactName)
		}
		if complete := !test.facts.ScreeningHit.IsUnknown(); got.Score.Complete != complete || len(got.Score.Characteristics) != 2 || got.Score.Characteristics[1].Unknown == complete {
			t.Errorf("the score is %+v, want complete %v", got.Score, complete)
		}
	}
}

// What one rule's search found is no other rule's: each task says what its own rule found.
func TestEachRulesTaskSaysWhatItsOwnSearchFound(t *testing.T) {
	t.Parallel()
	d := decision.Definition{Title: "各查各的"}
	for _, r := range []struct{ code, passes string }{
		{"eighty", "amount <= 80000"}, {"fifty", "amount <= 50000"}, {"none", "amount <= 1000"}, {"unknown", "amount <= household_income_year"},
	} {
		d.Rules = append(d.Rules, decision.Rule{
			Code: r.code, Passes: r.passes, Otherwise: decision.Refer, Task: decision.TaskReviewerOpinion,
			Reason: "过高", Passed: "不高", Suggestion: "请按 {amount_passing} 元审查", SuggestionNone: "没有可行的金额，请审查",
		})
	}
	facts := completeCase()
	facts.HouseholdIncomeYear = decision.Fact[money.Amount]{}
	got := compile(t, d).Evaluate(facts)
	want := map[string]string{
		"eighty": "请按 80,000.00 元审查", "fifty": "请按 50,000.00 元审查", "none": "没有可行的金额，请审查",
		"unknown": "请补充“家庭年收入”后重新提交，或由审批人核实",
	}
	if len(got.Tasks) != len(want) {
		t.Fatalf("tasks %+v, want one of each of %d rules", got.Tasks, len(want))
	}
	for _, task := range got.Tasks {
		if reason, _ := byCode(got.Reasons, task.Code); task.Text != want[task.Code] || task.Text != reason.Suggestion {
			t.Errorf("the task of %s: %q, want %q; its reason suggests %q", task.Code, task.Text, want[task.Code], reason.Suggestion)
		}
	}
}

func TestWithoutMonotonyAWayForwardIsStillEvaluated(t *testing.T) {
	t.Parallel()
	condition := rapid.SampledFrom([]string{
		"amount >= 50000", "amount <= 80000", "amount != 60000", "amount * 3 <= 200000.01", "amount + 0.01 < 70000", "term_months <= 24", "term_months >= 12",
		"term_months in [6, 12, 18]", "amount >= 20000 or term_months <= 12", "not (amount > 30000 and amount < 40000)", "age_at_last_due <= 48", "amount * term_months <= 1000000",
	})
	rapid.Check(t, func(t *rapid.T) {
		d := oneRule("", condition.Draw(t, "first"))
		for i, text := range rapid.SliceOfN(condition, 0, 4).Draw(t, "more") {
			rule := oneRule("", text).Rules[0]
			rule.Code = fmt.Sprintf("rule-%d", i)
			rule.Otherwise = rapid.SampledFrom([]decision.Result{decision.Refer, decision.Decline}).Draw(t, "otherwise")
			rule.Suggestion, rule.SuggestionNone = "最高 {amount_passing} 元", "都不能通过"
			d.Rules = append(d.Rules, rule)
		}
		engine, err := decision.Compile("test", 1, d)
		if err != nil {
			t.Fatal(err)
		}
		f := completeCase()
		f.Amount = decision.Known(money.Fen(rapid.Int64Range(300_000, 12_000_000).Draw(t, "fen")))
		f.TermMonths = decision.Known(rapid.IntRange(1, 60).Draw(t, "term"))
		outcome := engine.Evaluate(f)
		for _, way := range outcome.WaysForward {
			changed := f
			changed.Amount, changed.TermMonths = decision.Known(way.Amount), decision.Known(way.TermMonths)
			if got := engine.Evaluate(changed).Result; got != way.Result || !got.Better(outcome.Result) {
				t.Fatalf("%+v applied gives %s; the case itself %s", way, got, outcome.Result)
			}
		}
	})
}

func TestALeastAmountOfARuleIsFoundThoughMoreFaresBetter(t *testing.T) {
	t.Parallel()
	d := oneRule("", "amount >= 50000 and amount <= 60000.55")
	got := compile(t, d).Evaluate(completeCase())
	if len(got.WaysForward) != 1 || got.WaysForward[0].Amount.String() != "60000.55" || got.WaysForward[0].Result != decision.Approve {
		t.Errorf("ways forward %+v, want 60000.55 approved", got.WaysForward)
	}
}

func TestAReferredCaseHasItsTasks(t *testing.T) {
	t.Parallel()
	d := oneRule("", "site_visit_done")
	d.Rules[0].Otherwise, d.Rules[0].Task = decision.Refer, decision.TaskSiteVisit
	d.Routes = []decision.Route{
		{Code: "large", When: "amount >= 90000", Task: decision.TaskPapers, Text: "请补充资料", Bring: []string{"经营流水"}},
		{Code: "small", When: "amount < 90000", Task: decision.TaskPapers, Text: "不需要"},
		{Code: "hit", When: "screening_hit", Task: decision.TaskBureauConfirmation, Text: "请核实名单"},
	}
	f := completeCase()
	f.SiteVisitDone, f.ScreeningHit = decision.Known(false), decision.Fact[bool]{}
	var got []string
	for _, task := range compile(t, d).Evaluate(f).Tasks {
		got = append(got, string(task.Kind)+" "+task.Code+" "+strings.Join(task.Bring, ","))
	}
	want := []string{"site_visit rule-under-test ", "papers large 经营流水", "bureau_confirmation hit "}
	if !slices.Equal(got, want) {
		t.Errorf("tasks %q, want %q", got, want)
	}
	if tasks := compile(t, d).Evaluate(completeCase()).Tasks; len(tasks) != 0 {
		t.Errorf("an approved case has tasks %v", tasks)
	}
	d.Rules[0].Task, d.Routes = "", nil
	if tasks := compile(t, d).Evaluate(f).Tasks; len(tasks) != 1 || tasks[0].Kind != decision.TaskReviewerOpinion {
		t.Errorf("without routes the tasks are %v, want somebody's opinion", tasks)
	}
}

func TestNumbersInTextsAreWrittenAsMoneyWritesThem(t *testing.T) {
	t.Parallel()
	d := oneRule("", "true")
	d.Rules[0].Passed = "{amount}|{annual_rate_pct}|{term_months}"
	engine := compile(t, d)
	rapid.Check(t, func(t *rapid.T) {
		a := money.Fen(rapid.Int64().Draw(t, "fen") / 10)
		r := money.MustParseRate(rapid.StringMatching(`-?[0-9]{1,3}\.[0-9]{1,6}`).Draw(t, "rate"))
		n := rapid.IntRange(-99999, 99999).Draw(t, "term")
		f := decision.Facts{Amount: decision.Known(a), AnnualRatePct: decision.Known(r), TermMonths: decision.Known(n)}
		if got, want := engine.Evaluate(f).Reasons[0].Text, fmt.Sprintf("%s|%s|%d", a.Grouped(), r, n); got != want {
			t.Fatalf("wrote %s, want %s", got, want)
		}
	})
}
