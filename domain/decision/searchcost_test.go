package decision_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fumin/domain/decision"
)

// hugeSet has as many rules as a definition may have, each with as long a condition over the amount, and as many comparisons with
// the amount as Compile accepts. condition is written for each rule, of the long sum {amount} and the rule's number.
func hugeSet(condition string) decision.Definition {
	d := decision.Definition{Title: "最大的规则集"}
	ones := "+(1" + strings.Repeat("+1", 24) + ")" // in parentheses, because an expression may be long and not deep
	sum := "(amount" + ones + ones + ones + ")"
	for i := range decision.RulesMax {
		passes := strings.NewReplacer("{amount}", sum, "{number}", fmt.Sprint(i)).Replace(condition)
		for n := range decision.MarksMax/decision.RulesMax - 1 {
			passes += fmt.Sprintf(" and amount != %d.%02d", 3000+i, n)
		}
		d.Rules = append(d.Rules, decision.Rule{
			Code: fmt.Sprintf("rule-%d", i), Passes: passes, Otherwise: decision.Decline,
			Reason: "不行", Passed: "行", Suggestion: "{amount_passing}，{term_months_passing}", SuggestionNone: "无",
		})
	}
	return d
}

// A rule set is written by people and judged within a submit: what the search for a better request may cost is bounded by a count
// for the worst that Compile accepts, and what it proposes it has evaluated, however early it had to stop.
func TestTheSearchIsBoundedForTheLargestRuleSetThatCompiles(t *testing.T) {
	t.Parallel()
	for name, condition := range map[string]string{
		"no amount passes":            "{amount} < 0",
		"each rule has its own most":  "{amount} <= 90000 - {number}",
		"a rule refuses by the term":  "{amount} * term_months <= 2000000 - {number}",
		"small amounts alone pass":    "{amount} <= 4000",
		"only what is asked is wrong": "{amount} != 99575",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			engine, facts := compile(t, hugeSet(condition)), duckShed()
			got, spent := engine.EvaluateCounting(facts)
			if spent > decision.SearchCostMax || spent < decision.SearchCostMax/4 {
				t.Errorf("the search has spent %d nodes, want at most %d, and so much that the bound is met", spent, decision.SearchCostMax)
			}
			if again := engine.Evaluate(facts); cmp.Diff(got, again) != "" {
				t.Errorf("a second evaluation differs:\n%s", cmp.Diff(got, again))
			}
			if got.Result != decision.Decline {
				t.Fatalf("result %s, want decline", got.Result)
			}
			for _, way := range got.WaysForward {
				asked := facts
				asked.Amount, asked.TermMonths = decision.Known(way.Amount), decision.Known(way.TermMonths)
				if o := engine.Evaluate(asked); way.Result.Better(o.Result) {
					t.Errorf("proposed %s for %d months as %s, which is %s", way.Amount, way.TermMonths, way.Result, o.Result)
				}
			}
			if last := got.Reasons[len(got.Reasons)-1]; spent == decision.SearchCostMax && last.Effect == decision.Decline && !strings.Contains(last.Suggestion, "规则集过大") {
				t.Errorf("the last rule suggests %q; want it said that the search was cut short", last.Suggestion)
			}
		})
	}
}

func TestARuleSetWithTooManyComparisonsWithTheAmountIsRefused(t *testing.T) {
	t.Parallel()
	most := hugeSet("{amount} > 0")
	compared := decision.MarksMax / decision.RulesMax * decision.RulesMax
	for ; compared < decision.MarksMax; compared++ {
		most.Rules[compared%decision.RulesMax].When += strings.Repeat(" and ", min(1, len(most.Rules[compared%decision.RulesMax].When))) + "amount > 1"
	}
	compile(t, most)
	most.Rules[0].Passes += " and amount > 2"
	_, err := decision.Compile("huge", 1, most)
	if err == nil || !strings.Contains(err.Error(), "/rules out-of-range") || !strings.Contains(err.Error(), "501") || !strings.Contains(err.Error(), "500") {
		t.Errorf("one comparison more than %d: %v, want /rules refused with both numbers", decision.MarksMax, err)
	}
}
