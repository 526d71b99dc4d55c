package decision_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fumin/domain"
	"fumin/domain/decision"
)

// refusal compiles a rule with the condition and returns what is said of it.
func refusal(text string) string {
	_, err := decision.Compile("test", 1, oneRule("", text))
	e, ok := err.(*domain.Error) //nolint:errorlint // Compile returns it unwrapped
	switch {
	case err == nil:
		return "accepted"
	case !ok || len(e.Fields) != 1 || e.Fields[0].Pointer != "/rules/0/passes" || e.Fields[0].Code != "expression-invalid":
		return "another error: " + err.Error()
	}
	return e.Fields[0].Detail
}

func TestAWrongExpressionIsRefusedWithLineAndColumn(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                    "第 1 行第 1 列：表达式为空",
		"amount <= ":                          "第 1 行第 10 列：表达式没有写完",
		"amount <= 1 and\n  agee >= 18":       "第 2 行第 3 列：没有名为“agee”的决策要素，是不是“age”",
		"amuont <= 1":                         "第 1 行第 1 列：没有名为“amuont”的决策要素，是不是“amount”",
		"moon_phase == 1":                     "第 1 行第 1 列：没有名为“moon_phase”的决策要素",
		"purpose == \"养殖\" and amont > 1":     "第 1 行第 21 列：没有名为“amont”的决策要素，是不是“amount”",
		"amount <= term_months":               "第 1 行第 8 列：单位不同，不能放在一起：数值（元）与数值（个月）",
		"amount + age > 5":                    "第 1 行第 8 列：单位不同，不能放在一起：数值（元）与数值（周岁）",
		"amount == \"many\"":                  "第 1 行第 8 列：类型不同，不能比较：数值（元）与代码",
		"amount / 2 > 1":                      "第 1 行第 8 列：不能使用“/”：除法和乘方得不到精确的数，请改写成乘法",
		"amount % 2 == 1":                     "第 1 行第 8 列：不能使用“%”：除法和乘方得不到精确的数，请改写成乘法",
		"2 ** 3 == 8":                         "第 1 行第 3 列：不能使用“**”：除法和乘方得不到精确的数，请改写成乘法",
		"term_months in 1..1000000000":        "第 1 行第 17 列：不能使用区间“..”",
		"all(1..1000000000, # > 0)":           "第 1 行第 6 列：不能使用区间“..”",
		"sum([1, 2]) == 3":                    "第 1 行第 1 列：不能这样使用“sum”；可用的函数有 min、max（至少两个数值）、exists（要素）、len（代码清单）、year、month（日期）、date(\"2026-01-31\")",
		"birth_date < date(\"2000-01-01\")":   "第 1 行第 1 列：“birth_date”（出生日期）是个人信息，不能用在规则里",
		"score > 5":                           "第 1 行第 1 列：“score”（评分）不能用在这里：评分卡；只能用于额度、定价和流程规则",
		"bureau_answer == \"cler\"":           "第 1 行第 15 列：没有“cler”这个取值，可用的有：clear、adverse、no_record",
		"amount":                              "第 1 行第 1 列：这里要的是条件（真或假），得到的是数值（元）",
		"not amount":                          "第 1 行第 1 列：not 后面应是条件，得到的是数值（元）",
		"-overdue_now":                        "第 1 行第 1 列：负号后面应是数值，得到的是是否（true/false）",
		"amount > 1 and 5":                    "第 1 行第 12 列：“and”两边应是条件，得到的是数值",
		"amount > 0x10":                       "第 1 行第 10 列：数字应写成普通十进制，整数部分最多 18 位，小数最多 12 位",
		"amount > 1e3":                        "第 1 行第 10 列：数字应写成普通十进制，整数部分最多 18 位，小数最多 12 位",
		"amount > 1_000":                      "第 1 行第 10 列：数字应写成普通十进制，整数部分最多 18 位，小数最多 12 位",
		"amount > 1.0000000000001":            "第 1 行第 10 列：数字应写成普通十进制，整数部分最多 18 位，小数最多 12 位",
		"exists(amount)":                      "第 1 行第 1 列：“amount”（申请金额）总是有的，不需要 exists",
		"purpose > \"a\"":                     "第 1 行第 9 列：代码不能用“>”比较",
		"purpose in []":                       "第 1 行第 12 列：清单不能为空",
		"purpose in [\"a\", 1]":               "第 1 行第 12 列：清单里不能混写代码和数字",
		"evaluated_on > date(\"2026-02-30\")": "第 1 行第 16 列：日期应写成 date(\"2026-01-31\")",
		"purpose matches \"a+\"":              "第 1 行第 9 列：不能使用“matches”",
		"let x = 1; x == 1":                   "第 1 行第 5 列：这种写法不能用在规则里",
		"amount.x == 1":                       "第 1 行第 8 列：这种写法不能用在规则里",
		"purpose == 'a":                       "第 1 行第 14 列：引号没有配对",
		strings.Repeat("(", 40) + "true" + strings.Repeat(")", 40):   "accepted",
		strings.Repeat("(", 900) + "true" + strings.Repeat(")", 900): "第 1 行第 41 列：嵌套过深，最多 40 层",
		strings.Repeat("not ", 60) + "true":                          "第 1 行第 165 列：嵌套过深，最多 40 层",
		strings.Repeat("amount > 1 and ", 80) + "true":               "第 1 行第 762 列：表达式过于复杂，最多 200 个组成部分",
		"amount > 1 or " + strings.Repeat(" ", 2000) + "true":        "第 1 行第 1 列：表达式过长，最多 2000 个字节",
		"purpose == \"" + strings.Repeat("a", 100) + "\"":            "第 1 行第 12 列：代码应为 1 至 64 个字符，不含逗号和空白",
	} {
		if got := refusal(text); got != want {
			t.Errorf("%.60q\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestADefinitionIsRefusedWithEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	d := oneRule("amount >", "amount > 1")
	d.Title = ""
	d.Rules[0].Otherwise, d.Rules[0].Code = decision.Approve, "Not Kebab"
	d.Rules[0].Reason, d.Rules[0].Suggestion = "{amount", "最长 {term_months_passing} 个月"
	d.Rules = append(d.Rules, d.Rules[0])
	d.Rules[1].Code, d.Rules[1].Task = "score-below-approval", "party"
	d.Scorecard = &decision.Scorecard{ApproveFrom: 10, ReferFrom: 20, Suggestion: "请审查", Characteristics: []decision.Characteristic{
		{Code: "a", Label: "甲", Bands: []decision.Band{{Points: 1, Reason: "高"}, {When: "amount > 1", Points: 99999, Reason: "低"}}},
	}}
	d.Limits = []decision.Limit{{Code: "cap", AmountMax: "term_months", SpreadBP: "1", Reason: "超过 {limit} 元"}}
	_, err := decision.Compile("test", 1, d)
	if err == nil {
		t.Fatal("accepted")
	}
	var got []string
	for _, field := range err.(*domain.Error).Fields { //nolint:errorlint // Compile returns it unwrapped
		got = append(got, field.Pointer+" "+field.Code)
	}
	want := []string{
		"/title required",
		"/rules/0/when expression-invalid", "/rules/0/code invalid-code", "/rules/0/otherwise invalid-value", "/rules/0/reason expression-invalid",
		"/rules/0/suggestion_none required",
		"/rules/1/when expression-invalid", "/rules/1/code duplicate-code", "/rules/1/otherwise invalid-value", "/rules/1/task invalid-value",
		"/rules/1/reason expression-invalid", "/rules/1/suggestion_none required",
		"/scorecard/refer_from out-of-range", "/scorecard/characteristics/0/bands/0/when band-order",
		"/scorecard/characteristics/0/bands/1/points out-of-range", "/scorecard/characteristics/0/bands/1/when band-order",
		"/limits/0/amount_max expression-invalid", "/limits/0 limit-kind",
	}
	if diff := cmp.Diff(want, got[:min(len(want), len(got))]); diff != "" {
		t.Errorf("(-want +got):\n%s\nall: %v", diff, got)
	}
}

func TestTheHashIsOfTheContentAndNotOfItsLayout(t *testing.T) {
	t.Parallel()
	content := []byte(`{"title":"试验","rules":[{"code":"a","passes":"amount > 1","otherwise":"decline","reason":"a","passed":"b","suggestion":"c"}]}`)
	spaced := []byte("{ \"rules\": [ {\"passes\":\"amount > 1\", \"code\":\"a\",\"otherwise\":\"decline\",\"reason\":\"a\",\"passed\":\"b\",\"suggestion\":\"c\"}],\n\"title\":\"\\u8bd5验\" }")
	first, err := decision.ParseDefinition(content)
	if err != nil {
		t.Fatal(err)
	}
	second, err := decision.ParseDefinition(spaced)
	if err != nil {
		t.Fatal(err)
	}
	if first.Hash() != second.Hash() || len(first.Hash()) != 64 {
		t.Errorf("the hashes are %s and %s", first.Hash(), second.Hash())
	}
	second.Rules[0].Passes = "amount > 2"
	if first.Hash() == second.Hash() {
		t.Error("another rule, the same hash")
	}
	if _, err := decision.ParseDefinition([]byte(`{"title":"x","rule":[]}`)); domain.CodeOf(err) != "rule-set-unreadable" {
		t.Errorf("a misspelt field: %v", err)
	}
}

func TestTwentyGoroutinesGetTheSameOutcome(t *testing.T) {
	t.Parallel()
	engine, cases := compile(t, fortyRules()), tenCases()
	want := make([]decision.Outcome, len(cases))
	for i, facts := range cases {
		want[i] = engine.Evaluate(facts)
	}
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			for round := range 50 {
				i := round % len(cases)
				if diff := cmp.Diff(want[i], engine.Evaluate(cases[i]), dates); diff != "" {
					t.Errorf("case %d differs:\n%s", i, diff)
					return
				}
			}
		})
	}
	wait.Wait()
}

func FuzzExpression(f *testing.F) {
	for _, text := range []string{
		"amount <= 1", "all(1..1000000000, # > 0)", strings.Repeat("(", 1000), strings.Repeat("-", 1000) + "1", strings.Repeat("a", 5000),
		`"` + strings.Repeat("x", 1900) + `"`, "1e999999999 > 0", "999999999999999999 * 999999999999999999 > 1", "0.1 + 0.2 == 0.3", "{", "a?.b", "x | y", "\x00", "0x", "1..2", "'\\u'",
		`purpose in ["a"]`, "map([1], {#})", "$env", "let a = 1; a", "b'a'", "// x", "/* x", "amount ? 1 : 2", "::min(1, 2)",
	} {
		f.Add(text)
	}
	facts := completeCase()
	f.Fuzz(func(t *testing.T, text string) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		engine, err := decision.Compile("fuzz", 1, oneRule("", text))
		if err == nil {
			if first, second := engine.Evaluate(facts), engine.Evaluate(facts); first.Result != second.Result {
				t.Errorf("%q: %s and then %s", text, first.Result, second.Result)
			}
			engine.Evaluate(decision.Facts{})
		}
		if elapsed := time.Since(start); elapsed > 5*time.Second { // a machine under load may pause; a loop does not stop
			t.Errorf("%.80q took %s", text, elapsed)
		}
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 256<<20 {
			t.Errorf("%.80q took %d MiB", text, used>>20)
		}
	})
}

func FuzzDefinition(f *testing.F) {
	content, err := json.Marshal(fortyRules())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(content)
	f.Add([]byte(`{"title":"t","rules":[{"code":"a","passes":"true","otherwise":"refer","reason":"{amount","passed":"}","suggestion":"{"}]}`))
	f.Add([]byte(`{"scorecard":{"characteristics":[{"bands":[]}]}}`))
	facts := completeCase()
	f.Fuzz(func(t *testing.T, content []byte) {
		d, err := decision.ParseDefinition(content)
		if err != nil {
			return
		}
		again, err := decision.ParseDefinition(d.Canonical())
		if err != nil || again.Hash() != d.Hash() {
			t.Errorf("the canonical form reads back as another set: %v", err)
		}
		if engine, err := decision.Compile("fuzz", 1, d); err == nil {
			if got := engine.Evaluate(facts); !got.Result.Valid() || got.RuleSetHash != d.Hash() {
				t.Errorf("outcome %s by %s", got.Result, got.RuleSetHash)
			}
			for _, code := range engine.RefusingCodes()[:min(3, len(engine.RefusingCodes()))] {
				found, _, ok := engine.Counterexample(code, facts)
				if reason, _ := byCode(engine.Evaluate(found.Facts).Reasons, code); ok && (reason.Effect == decision.Approve || reason.Unknown) {
					t.Errorf("%s: what it is said to refuse by changing %v it does not: %+v", code, found.Changed, reason)
				}
			}
		}
	})
}

// guideExpressions are the conditions in the guide: whatever stands after 条件： in backquotes.
func TestEveryExpressionOfTheGuideCompiles(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(filepath.Join("..", "..", "docs", "rules-guide.md"))
	if err != nil {
		t.Fatal(err)
	}
	conditions, definitions := 0, 0
	for _, block := range strings.Split(string(content), "```")[1:] {
		language, text, _ := strings.Cut(block, "\n")
		switch language {
		case "条件":
			for line := range strings.Lines(text) {
				conditions++
				if got := refusal(strings.TrimSpace(line)); got != "accepted" {
					t.Errorf("%s: %s", strings.TrimSpace(line), got)
				}
			}
		case "json":
			definitions++
			d, err := decision.ParseDefinition([]byte(text))
			if err != nil {
				t.Errorf("%v:\n%s", err, text)
				continue
			}
			if _, err := decision.Compile("guide", 1, d); err != nil {
				t.Errorf("%v:\n%s", err, text)
			}
		}
	}
	if conditions < 20 || definitions < 2 {
		t.Errorf("the guide has %d conditions and %d definitions: they are not read as they should be", conditions, definitions)
	}
}
