package repository_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fumin/domain"
	"fumin/domain/decision"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
)

// ledgerDecision is a decision with every fact known and every kind of reason.
func ledgerDecision(r loan.Record) origination.Decision {
	facts := decision.Facts{EvaluatedOn: domain.MustParseDate("2026-11-23")}
	facts.Amount, facts.TermMonths = decision.Known(r.Request.Amount), decision.Known(12)
	facts.Purpose, facts.AnnualRatePct = decision.Known("facility"), decision.Known(money.MustParseRate("3.65"))
	facts.BorrowerKind, facts.BirthDate = decision.Known("farmer"), decision.Known(domain.MustParseDate("1980-06-15"))
	return origination.Decision{
		ID: "01900000-0000-7000-8000-0000000000d1", ApplicationID: r.ID, BranchID: r.BranchID, ApplicationVersion: 2, Facts: facts,
		Outcome: decision.Outcome{
			Result: decision.Refer,
			Reasons: []decision.Reason{
				{Code: "amount-above-max", Text: "申请金额高于上限", Effect: decision.Decline, FactName: decision.FactAmount, Value: "99500.00", Threshold: "50000.00", Suggestion: "申请 50,000.00 元"},
				{Code: "site-visit", Text: "需要实地调查", Effect: decision.Refer, FactName: decision.FactSiteVisitDone, Unknown: true},
				{Code: "age", Text: "年龄符合", Effect: decision.Approve, FactName: decision.FactAge, Value: "46", Threshold: "18"},
			},
			AmountMax: money.MustParseAmount("50000.00"), TermMonthsMax: 12, AnnualRateMaxPct: money.MustParseRate("3.85"),
			WaysForward: []decision.WayForward{{Amount: money.MustParseAmount("50000.00"), TermMonths: 12, Result: decision.Approve, Text: "减少金额"}},
			RuleSet:     "quick/2026-01", EvaluatedOn: domain.MustParseDate("2026-11-23"),
		},
		DecidedAt: ledgerStart,
	}
}

func TestADecisionComesBackAsItWasStored(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	none, known := make(map[string]*string), make(map[string]*string)
	for _, definition := range decision.Definitions() {
		text := map[string]string{
			"amount": "9999999999999999.99", "rate": "999.999999", "integer": "2147483647", "decimal": "999999999.9999", "boolean": "false", "date": "2199-12-31",
			"code": "facility", "codes": "farmer,cooperative",
		}[definition.Type]
		known[string(definition.Name)] = &text
		if definition.MayBeNone {
			none[string(definition.Name)] = nil
		}
	}
	facts := func(snapshot map[string]*string) decision.Facts {
		f, err := decision.FactsFromSnapshot(snapshot)
		l.must(err)
		return f
	}
	for i, c := range []struct {
		name   string
		change func(*origination.Decision)
	}{
		{"one of all kinds", func(*origination.Decision) {}},
		{"every fact known, at its limit", func(d *origination.Decision) { d.Facts = facts(known) }},
		{"every fact that may be none", func(d *origination.Decision) { d.Facts = facts(none) }},
		{"nothing known", func(d *origination.Decision) { d.Facts = decision.Facts{} }},
		{"no reasons and no way forward", func(d *origination.Decision) { d.Outcome.Reasons, d.Outcome.WaysForward = nil, nil }},
		{"a score, tasks and a spread", func(d *origination.Decision) {
			d.Outcome.RuleSetHash, d.Outcome.SpreadBP = strings.Repeat("a1", 32), -20
			d.Outcome.Score = &decision.Score{Points: -5, ApproveFrom: 60, ReferFrom: 40, Characteristics: []decision.CharacteristicScore{
				{Code: "conduct", Label: "履约", Points: -5, Reason: "近 24 个月有逾期"}, {Code: "income", Label: "收入", Reason: "缺少收入", Unknown: true},
			}}
			d.Outcome.Tasks = []decision.Task{
				{Kind: decision.TaskSiteVisit, Code: "site-visit-missing", Text: "请安排实地调查"},
				{Kind: decision.TaskPapers, Code: "papers", Text: "请补充资料", Bring: []string{"身份证", "营业执照"}},
			}
		}},
		{"the largest amount", func(d *origination.Decision) { d.Outcome.AmountMax = money.MustParseAmount("9999999999999999.99") }},
		{"rare characters and a long text", func(d *origination.Decision) {
			d.Outcome.Reasons[0].Text = strings.Repeat("𠮷䶮😀\"\\\n", 1000)
		}},
	} {
		r := l.addApplication(l.draft(ledgerCounty))
		want := ledgerDecision(r)
		want.ID = l.newID()
		want.Outcome.Result = decision.Results()[i%len(decision.Results())]
		c.change(&want)
		l.update(func(tx origination.Tx) error { return tx.InsertDecision(t.Context(), want) })
		got, err := l.store.Decision(t.Context(), ledgerEverything, want.ID)
		if err != nil {
			t.Errorf("%s: read: %v", c.name, err)
			continue
		}
		if diff := cmp.Diff(want, got, asStored); diff != "" {
			t.Errorf("%s: stored and read differ (-stored +read):\n%s", c.name, diff)
		}
	}
}

func TestTheFactsOfADecisionAreSealed(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	d := ledgerDecision(l.addApplication(l.draft(ledgerCounty)))
	l.update(func(tx origination.Tx) error { return tx.InsertDecision(t.Context(), d) })
	var facts, outcome string
	l.must(l.rows.QueryRowContext(t.Context(), "SELECT facts_cipher, outcome FROM decisions WHERE id = ?", d.ID).Scan(&facts, &outcome))
	for _, text := range []string{facts, outcome} {
		if strings.Contains(text, "1980-06-15") {
			t.Errorf("the birth date stands in clear in %q", text)
		}
	}
}

func TestADecisionThatCannotBeIsAnErrorOnRead(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	l.exec("ALTER TABLE decisions DROP CONSTRAINT ck_decisions_result")
	add := func() origination.Decision {
		d := ledgerDecision(l.addApplication(l.draft(ledgerCounty)))
		d.ID = l.newID()
		l.update(func(tx origination.Tx) error { return tx.InsertDecision(t.Context(), d) })
		return d
	}
	other := add()
	for _, c := range []struct{ name, set string }{
		{"facts of another decision", fmt.Sprintf("facts_cipher = (SELECT facts_cipher FROM (SELECT * FROM decisions) o WHERE o.id = '%s')", other.ID)},
		{"no facts", "facts_cipher = ''"},
		{"facts in clear", "facts_cipher = '{}'"},
		{"facts cut short", "facts_cipher = LEFT(facts_cipher, 20)"},
		{"a column that differs from its document", "result = 'approve'"},
		{"an unknown result", "result = 'perhaps', outcome = REPLACE(outcome, '\"result\":\"refer\"', '\"result\":\"perhaps\"')"},
		{"an outcome without anything", "outcome = '{}'"},
		{"an outcome of another shape", "outcome = '[]'"},
		{"an amount with a third decimal", "outcome = REPLACE(outcome, '50000.00', '50000.001')"},
		{"an amount as a number", "outcome = REPLACE(outcome, '\"amount_max\":\"50000.00\"', '\"amount_max\":50000.00')"},
	} {
		d := add()
		l.exec("UPDATE decisions SET "+c.set+" WHERE id = ?", d.ID)
		if got, err := l.store.Decision(t.Context(), ledgerEverything, d.ID); err == nil || domain.CodeOf(err) != "" {
			t.Errorf("%s: read %v, %v; want an internal error", c.name, got.Outcome.Result, err)
		}
	}
}
