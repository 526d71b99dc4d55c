package origination_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"fumin/domain"
	"fumin/domain/decision"
	"fumin/domain/origination"
	"fumin/repository/demodata"
)

// proofs runs the self-tests.
func (w *world) proofs() []origination.ControlProof {
	w.t.Helper()
	proofs, err := w.reviews.Controls(w.t.Context(), domain.Actor{ID: newID(), Name: "稽核", Role: domain.RoleAuditor})
	w.must(err)
	return proofs
}

// wantBroken asserts that exactly the proofs that say all of the words are broken.
func (w *world) wantBroken(what string, words ...string) {
	w.t.Helper()
	found := 0
	for _, p := range w.proofs() {
		text := strings.Join([]string{p.Control, p.Subject, p.Limit, p.Tried, p.Finding}, "；")
		says := !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, word) })
		switch {
		case p.Status == origination.ControlBroken && says:
			found++
		case p.Status == origination.ControlBroken:
			w.t.Errorf("%s: broken as well: %+v", what, p)
		}
	}
	if found == 0 {
		w.t.Errorf("%s: no broken control says %q", what, words)
	}
}

// tables is the checksum of every table.
func (w *world) tables() map[string]int64 {
	w.t.Helper()
	db := w.rows()
	names, err := db.QueryContext(w.t.Context(), "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()")
	w.must(err)
	defer func() { _ = names.Close() }()
	sums := map[string]int64{}
	for names.Next() {
		var name, table string
		var sum int64
		w.must(names.Scan(&name))
		w.must(db.QueryRowContext(w.t.Context(), "CHECKSUM TABLE `"+name+"`").Scan(&table, &sum))
		sums[name] = sum
	}
	w.must(names.Err())
	return sums
}

// setTerms changes terms of the versions of a product behind the program's back.
func (w *world) setTerms(productCode, pairs string) {
	w.t.Helper()
	_, err := w.rows().ExecContext(w.t.Context(), "UPDATE product_versions SET document = JSON_SET(document, "+pairs+") WHERE product_code = ?", productCode)
	w.must(err)
}

// setRules changes the rules in force for a product behind the program's back.
func (w *world) setRules(productCode string, change func(*decision.Definition)) {
	w.t.Helper()
	ctx := w.t.Context()
	heads, err := w.store.RuleSetsFor(ctx, productCode, "371503")
	w.must(err)
	head, found := decision.ResolveRuleSet(heads, productCode, "371503", domain.DateOf(w.now()))
	if !found {
		w.t.Fatalf("no rule set in force for %s", productCode)
	}
	set, err := w.store.RuleSet(ctx, head.ID)
	w.must(err)
	definition := set.Definition
	definition.Rules = slices.Clone(definition.Rules)
	change(&definition)
	content, err := json.Marshal(definition)
	w.must(err)
	_, err = w.rows().ExecContext(ctx, "UPDATE rule_sets SET definition = ?, hash = ? WHERE id = ?", content, definition.Hash(), head.ID)
	w.must(err)
}

func TestEveryControlHoldsInAFullConfigurationAndWritesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.reviews.Controls(t.Context(), w.somebody(domain.RoleLoanOfficer))
	wantCode(t, "an officer looks at the controls", err, "role-not-allowed")
	limits, err := demodata.LenderLimits()
	w.must(err)
	w.must(origination.NewLimits(w.store, w.now, newID).Load(t.Context(), domain.Actor{ID: newID(), Role: domain.RoleSystem}, limits))
	w.setTerms("QLFMD", `'$.cooling_off_hours', 24, '$.cooling_off_waivable', false, '$.member_signatures_min', 2, '$.draw_min', '1000.00',
		'$.draw_max', '200000.00', '$.renewal_without_repayment_days', 30, '$.site_visit_required', true, '$.business_age_months_min', 6`)
	w.setTerms("CYD", `'$.cooling_off_hours', 12, '$.cooling_off_waivable', true`)

	before := w.tables()
	holds := map[string]int{}
	for _, p := range w.proofs() {
		switch {
		case p.Status == origination.ControlHolds && p.Subject != "" && p.Limit != "" && p.Tried != "" && p.RefusedBy != "" && p.Refused != "" && p.Finding == "":
			holds[p.Control]++
		case p.Status == origination.ControlNotConfigured && p.Finding != "" && p.Tried == "":
		default:
			t.Errorf("%+v", p)
		}
	}
	if after := w.tables(); !maps.Equal(before, after) {
		t.Errorf("the run has changed the database: %v became %v", before, after)
	}
	for _, code := range origination.ControlCodes() {
		if holds[code] == 0 {
			t.Errorf("the control %s held nowhere: %v", code, holds)
		}
	}
}

func TestEachProofTriesAStepBeyondTheLiveLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	proofs := w.proofs()
	for _, want := range []struct{ control, tried, refusedBy, within string }{
		{"product-terms", "申请金额 3000000.01", "amount-above-maximum", "申请金额 3000000.00"},
		{"product-terms", "申请期限 61", "term-above-maximum", "申请期限 60"},
		{"product-terms", "出生日期 1960-12-23", "age-at-last-due-above-maximum", "出生日期 1960-12-24"}, // 66 and 65 on 2026-12-23
		{"product-terms", "申请金额 100000.01", "above-quick-approval", "申请金额 100000.00"},
		{"rule-set", "近 24 个月最长逾期天数 91", "past-due-too-long", "合格"},
		{"authority-ceiling", "批准 500,000.01 元", "authority-exceeded", "批准 500,000.00 元"},
		{"override-required", "申请 2,999,999.99 元，未写理由批准 3,000,000.00 元", "override-required", "批准 2,999,999.99 元"},
		{"override-required", "申请 3,000,000.00 元，规则允许 2,999,999.99 元，未写理由批准 3,000,000.00 元", "override-required", "批准 2,999,999.99 元"},
		{"override-required", "申请 3,000,000.00 元，规则一分也不允许，未写理由批准 3,000.00 元", "override-required", ""},
		{"authority-needed", "没有任何授权的审批人批准 0.01 元", "authority-exceeded", "由有授权的"},
		{"activation", "申请人自己确认终止上会标准", "maker-is-checker", "另一人确认终止上会标准"},
		{"activation", "申请人自己确认终止低于岗位的个人权限", "maker-is-checker", "另一人确认终止"},
		{"separation", "取消规则事项的人审批", "four-eyes", "无关的人审批"},
		{"committee", "只有 2 票同意即批准 2,000,000.01 元", "committee-required", "全体同意"},
		{"product-exposure", "再批准 0.02 元", "exposure-above-product-limit", "再批准 0.01 元"},
		{"guarantee-letter", "没有担保函，放款 100,000.00 元", "guarantee-letter-required", "放款 99,999.99 元"},
		{"guarantee-quota", "再占用 0.02 元", "guarantee-quota-exceeded", "再占用 0.01 元"},
		{"entrusted-payment", "自主支付 500,000.01 元", "entrusted-payment-required", "自主支付 500,000.00 元"},
		{"separation", "调查人放行", "four-eyes", "无关的人放行"},
		{"separation", "审批人申请放款", "four-eyes", "无关的人申请放款"},
		{"activation", "起草人启用自己起草的规则集", "maker-is-checker", "另一人启用规则集"},
		{"delegation", "乙再转授给甲", "delegation-chain", "甲转授给乙"},
	} {
		if !slices.ContainsFunc(proofs, func(p origination.ControlProof) bool {
			return p.Control == want.control && strings.Contains(p.Tried, want.tried) && p.RefusedBy == want.refusedBy && strings.Contains(p.Within, want.within)
		}) {
			t.Errorf("no proof of %s tried %q, refused by %s, with %q within", want.control, want.tried, want.refusedBy, want.within)
		}
	}
}

func TestALimitThatRefusesNoLongerIsListedAsBroken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wantNothingBroken()

	rule := func(code string) func(decision.Rule) bool {
		return func(r decision.Rule) bool { return r.Code == code }
	}
	var whole []decision.Rule
	w.setRules("QLFMD", func(d *decision.Definition) {
		whole = slices.Clone(d.Rules)
		d.Rules = slices.DeleteFunc(d.Rules, rule("age-at-last-due-above-maximum"))
	})
	w.wantBroken("the age rule was taken away", "product-terms", "QLFMD", "年龄加期限上限", "仍被自动通过")

	w.setRules("QLFMD", func(d *decision.Definition) {
		d.Rules = slices.Clone(whole)
		d.Rules[slices.IndexFunc(d.Rules, rule("business-too-young"))].Passes = "business_age_months >= 0 or true"
		d.Rules[slices.IndexFunc(d.Rules, rule("overdue-now"))].Passes = "not overdue_now or true"
	})
	w.wantBroken("two rules are always true", "rule-set", "没有找到这条规则会拒绝的申请")

	w.setRules("QLFMD", func(d *decision.Definition) {
		d.Rules = slices.Clone(whole)
		never := d.Rules[slices.IndexFunc(d.Rules, rule("overdue-now"))]
		never.Code, never.When = "overdue-never", "term_months > 12 and term_months < 12"
		d.Rules = append(d.Rules, never)
	})
	w.wantBroken("a rule that never applies", "rule-set", "overdue-never", "没有找到这条规则适用的申请")

	w.setRules("QLFMD", func(d *decision.Definition) {
		d.Rules = slices.Clone(whole)
		d.Rules[slices.IndexFunc(d.Rules, rule("term-above-maximum"))].Passes = "term_months < term_months_max"
	})
	w.wantBroken("the rule is stricter than the product", "product-terms", "QLFMD", "最长期限", "没有一条规则区分限额内外")

	w.setRules("QLFMD", func(d *decision.Definition) {
		d.Rules = slices.Clone(whole)
		d.Rules[0].Passes = "no_such_fact"
	})
	w.wantBroken("the rules no longer compile", "product-terms", "QLFMD", "规则集无法使用")
	w.setRulesBack("QLFMD", whole)
	w.setTerms("QLFMD", `'$.guarantee[0].below', '3000000.00', '$.guarantee[1].from', '3000000.00',
		'$.guarantee[1].counter_spouse_up_to', '0.00'`)
	w.wantNothingBroken() // a fen more than was asked would need another guarantee, which is not the override's refusal

	w.setCommittee("quorum = 0")
	w.wantBroken("a committee of quorum 0", "全部审批权限", "法定人数")
	w.setCommittee("quorum = 3, majority_numerator = 1, majority_denominator = 3")
	w.wantBroken("a minority decides", "全部审批权限", "通过比例")
}

func TestOnlyARefusalByTheLimitItselfIsAProof(t *testing.T) {
	t.Parallel()
	limit := domain.Errorf(domain.KindRule, "above-limit", "超过上限")
	var fields domain.Problems
	fields.Add("/amount", "not-positive", "金额必须大于 0.00")
	fields.Add("/amount", "above-limit", "超过上限")
	for _, c := range []struct {
		name           string
		beyond, within error
		want           origination.ControlStatus
	}{
		{"refused by the limit", limit, nil, origination.ControlHolds},
		{"refused by the limit among others", fields.Err(), nil, origination.ControlHolds},
		{"not refused", nil, nil, origination.ControlBroken},
		{"refused within, too", limit, limit, origination.ControlBroken},
		{"refused for another reason", domain.Errorf(domain.KindForbidden, "role-not-allowed", "岗位不符"), nil, origination.ControlBroken},
	} {
		if got := origination.Weigh("above-limit", c.beyond, c.within); got.Status != c.want || (got.Finding == "") != (c.want == origination.ControlHolds) {
			t.Errorf("%s: %+v, want %s", c.name, got, c.want)
		}
	}
}

func TestAnAuthorityOrACommitteeAboveEveryProductIsListedAsBroken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.rows().ExecContext(t.Context(), "UPDATE approval_authorities SET amount = '9999999999999999.99' WHERE kind = 'approve' AND user_id IS NOT NULL")
	w.must(err)
	w.wantBroken("an authority without a real ceiling", "authority-ceiling", "员工", "没有一笔申请会被它拒绝")
	_, err = w.rows().ExecContext(t.Context(), "UPDATE approval_authorities SET amount = '800000.00' WHERE kind = 'approve' AND user_id IS NOT NULL")
	w.must(err)
	w.wantNothingBroken()
	w.setCommittee("amount = '9999999999999999.99'")
	w.wantBroken("a committee that no case comes before", "committee", "贷审会", "没有一笔申请会上会")
}

func (w *world) wantNothingBroken() {
	w.t.Helper()
	for _, p := range w.proofs() {
		if p.Status == origination.ControlBroken {
			w.t.Errorf("broken as shipped: %+v", p)
		}
	}
}

func (w *world) setRulesBack(productCode string, rules []decision.Rule) {
	w.t.Helper()
	w.setRules(productCode, func(d *decision.Definition) { d.Rules = rules })
	w.wantNothingBroken()
}

// setCommittee changes the committee's rule behind the program's back.
func (w *world) setCommittee(assignments string) {
	w.t.Helper()
	_, err := w.rows().ExecContext(w.t.Context(), "UPDATE approval_authorities SET "+assignments+" WHERE kind = 'committee'")
	w.must(err)
}

func TestEveryConfiguredLimitHasAControl(t *testing.T) {
	t.Parallel()
	configured, controlled := origination.ConfiguredLimits(), origination.ControlledLimits()
	for _, limit := range configured {
		if !slices.Contains(controlled, limit) {
			t.Errorf("nothing shows that the configured limit %s refuses something: register a control for it", limit)
		}
	}
	for _, limit := range controlled {
		if !slices.Contains(configured, limit) {
			t.Errorf("a control is registered for %s, which nobody can configure", limit)
		}
	}
}
