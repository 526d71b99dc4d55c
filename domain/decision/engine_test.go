package decision_test

import (
	"testing"

	"fumin/domain/decision"
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

func TestNumbersAreExact(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]decision.Result{
		"0.1 + 0.2 == 0.3": decision.Approve, "0.1 + 0.2 != 0.3": decision.Decline, "amount + 0.01 == 99500.01": decision.Approve,
	} {
		if got := compile(t, oneRule("", text)).Evaluate(duckShed()); got.Result != want {
			t.Errorf("%s: %s, want %s", text, got.Result, want)
		}
	}
}
