package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"fumin/domain"
)

// smallRules is the least rule set: nothing above a sum.
func smallRules(most string) fields {
	return fields{"title": "试验规则", "rules": []fields{{
		"code": "amount-above-maximum", "passes": "amount <= " + most, "otherwise": "decline",
		"reason": "申请金额 {amount} 元过高", "passed": "金额合适", "suggestion": "申请金额最高 " + most + " 元",
	}}}
}

func newRuleSet(most string) fields {
	return fields{"code": "trial", "product_code": "QLFMD", "region_prefix": "371503", "effective_from": "2026-08-23", "definition": smallRules(most)}
}

type ruleSetJSON struct {
	ID            domain.ID `json:"id"`
	Code          string    `json:"code"`
	Number        int       `json:"number"`
	Status        string    `json:"status"`
	Hash          string    `json:"hash"`
	EffectiveTo   string    `json:"effective_to"`
	EffectiveFrom string    `json:"effective_from"`
	Revision      int       `json:"revision"`
}

// activeRules drafts a set as a risk manager, and puts it into use as an administrator.
func (r *register) activeRules(body fields, from string) (v ruleSetJSON) {
	r.t.Helper()
	maker, second := r.as(domain.RoleRiskManager, headOffice), r.as(domain.RoleAdmin, headOffice)
	createAt(maker, "/v1/rule-sets", body).want(http.StatusCreated).into(&v)
	path := "/v1/rule-sets/" + v.ID.String()
	a := maker.post(path+"/validate", "").want(http.StatusOK)
	second.with("If-Match", a.header.Get("ETag")).post(path+"/activate", fields{"effective_from": from}.text(r.t)).want(http.StatusOK).into(&v)
	return v
}

// submit opens and submits an application for a fresh farmer and returns its id and status.
func (r *register) submit(n int, change fields) (id domain.ID, status string) {
	r.t.Helper()
	officer := r.officer()
	var a applicationJSON
	createAt(officer, "/v1/applications", newApplication(r.farmer(officer, n).ID).but(change)).want(http.StatusCreated).into(&a)
	officer.post("/v1/applications/"+a.ID.String()+"/submit", "").want(http.StatusOK).into(&a)
	return a.ID, a.Status
}

func TestARuleSetGoesFromDraftToUseByTwoPeople(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	maker, second := r.as(domain.RoleRiskManager, headOffice), r.as(domain.RoleAdmin, headOffice)
	var v ruleSetJSON
	drafted := createAt(maker, "/v1/rule-sets", newRuleSet("50000.00")).want(http.StatusCreated)
	drafted.into(&v)
	path := "/v1/rule-sets/" + v.ID.String()
	if v.Status != "draft" || v.Number != 1 || v.Revision != 1 || drafted.header.Get("Location") != path {
		t.Errorf("drafted: %+v", v)
	}
	activate := fields{"effective_from": "2026-08-23"}.text(t)
	second.with("If-Match", `"1"`).post(path+"/activate", activate).wantProblem(http.StatusConflict, "rule-set-not-validated")
	if _, status := r.submit(1, nil); status != "approved" {
		t.Errorf("beside a draft: %s, want approved by the shipped set", status)
	}

	// Only the maker edits, and only what was seen.
	edited := newRuleSet("40000.00").but(fields{"code": nil}).text(t)
	second.with("If-Match", `"1"`).put(path, edited).wantProblem(http.StatusForbidden, "only-maker-edits")
	maker.with("If-Match", `"7"`).put(path, edited).wantProblem(http.StatusPreconditionFailed, "precondition-failed")
	maker.with("If-Match", `"1"`).put(path, edited).want(http.StatusOK).into(&v)
	maker.post(path+"/validate", "").want(http.StatusOK).into(&v)
	if v.Status != "validated" || v.Revision != 3 {
		t.Errorf("validated: %+v", v)
	}

	// A second person activates what they have seen, for a day that has not passed.
	maker.with("If-Match", `"3"`).post(path+"/activate", activate).wantProblem(http.StatusForbidden, "maker-is-checker")
	second.with("If-Match", `"2"`).post(path+"/activate", activate).wantProblem(http.StatusPreconditionFailed, "precondition-failed")
	second.with("If-Match", `"3"`).post(path+"/activate", fields{"effective_from": "2026-08-22"}.text(t)).wantProblem(http.StatusUnprocessableEntity, "activation-in-the-past")
	second.with("If-Match", `"3"`).post(path+"/activate", activate).want(http.StatusOK).into(&v)
	if v.Status != "active" {
		t.Errorf("activated: %+v", v)
	}
	maker.with("If-Match", `"4"`).put(path, edited).wantProblem(http.StatusConflict, "rule-set-in-use")

	id, status := r.submit(2, nil)
	if status != "declined" {
		t.Errorf("99,500.00 under a set of at most 40,000.00: %s, want declined", status)
	}
	var d struct {
		RuleSet     string    `json:"rule_set"`
		RuleSetID   domain.ID `json:"rule_set_id"`
		RuleSetHash string    `json:"rule_set_hash"`
		WaysForward []struct{ Amount string }
	}
	r.officer().get("/v1/applications/" + id.String() + "/decision").want(http.StatusOK).into(&d)
	if d.RuleSet != "trial/1" || d.RuleSetID != v.ID || d.RuleSetHash != v.Hash {
		t.Errorf("the decision names %+v, want trial/1 with %s", d, v.Hash)
	}

	var events struct {
		Items []struct {
			Action string
			Status string
		}
	}
	r.as(domain.RoleAuditor, headOffice).get(path + "/events").want(http.StatusOK).into(&events)
	var actions []string
	for _, e := range events.Items {
		actions = append(actions, e.Action)
	}
	if want := []string{"draft", "edit", "validate", "activate"}; !slices.Equal(actions, want) {
		t.Errorf("history: %v, want %v", actions, want)
	}
}

func TestTheSuccessorOfARuleSetTakesOverOnItsDay(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	first := r.activeRules(newRuleSet("40000.00"), "2026-08-23")
	second := r.activeRules(newRuleSet("200000.00"), "2026-08-25")
	if second.Number != 2 {
		t.Errorf("the successor is number %d, want 2", second.Number)
	}
	auditor := r.as(domain.RoleAuditor, headOffice)
	auditor.get("/v1/rule-sets/" + first.ID.String()).want(http.StatusOK).into(&first)
	if first.EffectiveTo != "2026-08-25" || first.Status != "active" {
		t.Errorf("the first one: %+v, want it to end on 2026-08-25", first)
	}
	if _, status := r.submit(1, nil); status != "declined" {
		t.Errorf("on the last day but one of the first set: %s, want declined", status)
	}
	r.at(r.now().AddDate(0, 0, 2))
	if _, status := r.submit(2, nil); status != "approved" {
		t.Errorf("on the first day of the second: %s, want approved", status)
	}
	// Another for the same scope and day is refused.
	body := newRuleSet("1.00")
	var third ruleSetJSON
	maker, admin := r.as(domain.RoleRiskManager, headOffice), r.as(domain.RoleAdmin, headOffice)
	createAt(maker, "/v1/rule-sets", body).want(http.StatusCreated).into(&third)
	path := "/v1/rule-sets/" + third.ID.String()
	maker.post(path+"/validate", "").want(http.StatusOK)
	admin.with("If-Match", `"2"`).post(path+"/activate", fields{"effective_from": "2026-08-25"}.text(t)).wantProblem(http.StatusConflict, "rule-set-conflict")
}

func TestTwentyActivationsOfOneScopeAndDayAreOne(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	maker := r.as(domain.RoleRiskManager, headOffice)
	var paths []string
	for range 20 {
		var v ruleSetJSON
		createAt(maker, "/v1/rule-sets", newRuleSet("40000.00")).want(http.StatusCreated).into(&v)
		paths = append(paths, "/v1/rule-sets/"+v.ID.String())
		maker.post(paths[len(paths)-1]+"/validate", "").want(http.StatusOK)
	}
	admin := r.as(domain.RoleAdmin, headOffice).with("If-Match", `"2"`)
	body := fields{"effective_from": "2026-08-23"}.text(t)
	statuses := atOnce(20, func(i int) int { return admin.post(paths[i]+"/activate", body).status })
	if want := append(times(1, http.StatusOK), times(19, http.StatusConflict)...); !slices.Equal(statuses, want) {
		t.Errorf("statuses %v, want one 200 and nineteen 409", statuses)
	}
}

func TestWhoMayDoWhatWithRuleSets(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	v := r.activeRules(newRuleSet("40000.00"), "2026-08-23")
	path := "/v1/rule-sets/" + v.ID.String()
	for _, role := range []domain.Role{domain.RoleLoanOfficer, domain.RoleApprover, domain.RoleDisbursementOfficer, domain.RoleBranchManager} {
		c := r.as(role, branchA)
		c.get(path).wantProblem(http.StatusForbidden, "role-not-allowed")
		c.get("/v1/rule-sets").wantProblem(http.StatusForbidden, "role-not-allowed")
		createAt(c, "/v1/rule-sets", newRuleSet("1.00")).wantProblem(http.StatusForbidden, "role-not-allowed")
		c.get("/v1/decision-facts").want(http.StatusOK)
	}
	auditor := r.as(domain.RoleAuditor, headOffice)
	auditor.get("/v1/rule-sets?status=active&code=trial").want(http.StatusOK)
	createAt(auditor, "/v1/rule-sets", newRuleSet("1.00")).wantProblem(http.StatusForbidden, "role-not-allowed")
	auditor.post(path+"/validate", "").wantProblem(http.StatusForbidden, "role-not-allowed")
}

func TestAWrongRuleSetIsToldWhereItIsWrong(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	maker := r.as(domain.RoleRiskManager, headOffice)
	body := newRuleSet("40000.00")
	misspelt := smallRules("1.00").but(fields{"rulez": []string{}})
	maker = maker.bad()
	createAt(maker, "/v1/rule-sets", body.but(fields{"definition": misspelt})).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	createAt(maker, "/v1/rule-sets", body.but(fields{"definition": "none"})).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	createAt(maker, "/v1/rule-sets", body.but(fields{"region_prefix": "37150"})).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	createAt(maker, "/v1/rule-sets", body.but(fields{"product_code": "NONE"})).want(http.StatusUnprocessableEntity)
	createAt(maker, "/v1/rule-sets", body.but(fields{"code": "Trial Set"})).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")

	wrong := smallRules("1.00")
	wrong["rules"].([]fields)[0]["passes"] = "amount <= \nterm_months"
	var v ruleSetJSON
	createAt(maker, "/v1/rule-sets", body.but(fields{"definition": wrong})).want(http.StatusCreated).into(&v)
	p := maker.post("/v1/rule-sets/"+v.ID.String()+"/validate", "").wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	if len(p.Errors) != 1 || p.Errors[0].Pointer != "/definition/rules/0/passes" || p.Errors[0].Code != "expression-invalid" || !strings.Contains(p.Errors[0].Detail, "行") {
		t.Errorf("a comparison of yuan with months: %+v", p.Errors)
	}
}

func TestADryRunJudgesAndStoresNothing(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	maker := r.as(domain.RoleRiskManager, headOffice)
	var v ruleSetJSON
	createAt(maker, "/v1/rule-sets", newRuleSet("40000.00")).want(http.StatusCreated).into(&v)
	path := "/v1/rule-sets/" + v.ID.String() + "/dry-run"
	var o struct {
		Result  string
		Reasons []struct{ Unknown bool }
	}
	facts := func(pairs ...any) string { return fields{"facts": pairs}.text(t) }
	fact := func(name string, value any) map[string]any { return map[string]any{"name": name, "value": value} }
	for _, c := range []struct{ amount, want string }{{"40000.00", "approve"}, {"40000.01", "decline"}} {
		maker.post(path, facts(fact("amount", c.amount), fact("evaluated_on", "2026-08-23"))).want(http.StatusOK).into(&o)
		if o.Result != c.want {
			t.Errorf("%s: %s, want %s", c.amount, o.Result, c.want)
		}
	}
	maker.post(path, facts(fact("term_months", "12"))).want(http.StatusOK).into(&o)
	if o.Result != "refer" || len(o.Reasons) != 1 || !o.Reasons[0].Unknown {
		t.Errorf("without an amount: %+v, want a referral for want of it", o)
	}
	maker.post(path, facts(fact("amount", "1.005"))).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	maker.post(path, facts(fact("no_such_fact", "1"))).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	maker.post(path, facts(fact("amount", "1.00"), fact("amount", "2.00"))).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	if n := r.count("SELECT COUNT(*) FROM decisions"); n != 0 {
		t.Errorf("%d decisions stored, want none", n)
	}
}

func TestWithoutARuleSetAPersonLooks(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	r.exec("DELETE FROM rule_set_events")
	r.exec("DELETE FROM rule_sets")
	id, status := r.submit(1, nil)
	if status != "reviewing" {
		t.Errorf("without any rule set: %s, want reviewing", status)
	}
	var d struct {
		Result  string
		RuleSet string `json:"rule_set"`
		Reasons []struct{ Code string }
	}
	r.officer().get("/v1/applications/" + id.String() + "/decision").want(http.StatusOK).into(&d)
	if d.Result != "refer" || d.RuleSet != "none" || len(d.Reasons) != 1 || d.Reasons[0].Code != "no-rule-set" {
		t.Errorf("the decision: %+v", d)
	}
}

func TestADecisionIsAlsoAPageAndEveryOneIsKept(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	r.activeRules(newRuleSet("40000.00"), "2026-08-23")
	officer := r.officer()
	id, _ := r.submit(1, nil)
	address := "/v1/applications/" + id.String()
	page := officer.with("Accept", "text/html").get(address + "/decision").want(http.StatusOK)
	for _, want := range []string{
		"自动审查结论：未通过", "申请金额 99,500.00 元过高", "怎样可以通过", "40,000.00", "trial/1", "申请金额</th><td>99,500.00 元",
		"申请编号 LA-2026-000001", "<td>申请金额 99,500.00 元</td>", "贷款用途</th><td>棚舍、设施建设与修缮", "借款人类别</th><td>农户",
	} {
		if !strings.Contains(string(page.body), want) {
			t.Errorf("the page lacks %q:\n%s", want, page.body)
		}
	}
	for _, code := range []string{"true", "false", "farmer", "facility"} {
		if strings.Contains(string(page.body), code) {
			t.Errorf("the page shows the code %q", code)
		}
	}
	if strings.Contains(string(page.body), "1968-05") || strings.Contains(string(page.body), "<script") {
		t.Error("the page shows the birth date, or has a script")
	}
	if policy := page.header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-") {
		t.Errorf("Content-Security-Policy = %q", policy)
	}

	// Referred, returned, corrected and submitted again: both decisions are kept.
	refer := smallRules("40000.00")
	refer["rules"].([]fields)[0]["otherwise"] = "refer"
	r.activeRules(newRuleSet("1.00").but(fields{"definition": refer}), "2026-08-24")
	r.at(r.now().AddDate(0, 0, 1))
	second, status := r.submit(2, nil)
	if status != "reviewing" {
		t.Fatalf("the second case: %s, want reviewing", status)
	}
	address = "/v1/applications/" + second.String()
	r.as(domain.RoleApprover, branchA).post(address+"/return", fields{"reason": "金额过高，请补正", "items": []fields{{"kind": "field", "name": "amount", "text": "请改小申请金额"}}}.text(t)).want(http.StatusOK)
	var a applicationJSON
	got := officer.get(address).want(http.StatusOK)
	got.into(&a)
	corrected := newApplication("").but(fields{"borrower_id": nil, "product_code": nil, "amount": "40000.00"})
	officer.with("If-Match", got.header.Get("ETag")).put(address, corrected.text(t)).want(http.StatusOK)
	officer.post(address+"/submit", "").want(http.StatusOK)
	var all struct{ Items []struct{ Result string } }
	officer.get(address + "/decisions").want(http.StatusOK).into(&all)
	if len(all.Items) != 2 || all.Items[0].Result != "refer" || all.Items[1].Result != "approve" {
		t.Errorf("decisions kept: %+v, want refer and then approve", all.Items)
	}
	r.as(domain.RoleLoanOfficer, branchB).get(address+"/decisions").wantProblem(http.StatusNotFound, "application-not-found")
}

func TestThePriceAndTheCapsOfTheRulesAreThoseOfTheLoan(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	rules := newRuleSet("300000.00")
	definition := smallRules("300000.00")
	definition["limits"] = []fields{
		{
			"code": "small-first", "amount_max": "80000", "otherwise": "refer", "reason": "超过 {limit} 元", "passed": "不超过 {limit} 元",
			"suggestion": "{limit} 元及以下可以直接通过",
		},
		{"code": "good-price", "spread_bp": "-15", "reason": "利率上限降低 15 个基点"},
	}
	rules["definition"] = definition
	before, _ := r.submit(1, fields{"amount": "60000.00"}) // by the shipped set
	r.activeRules(rules, "2026-08-23")

	read := func(id domain.ID) (a applicationJSON) {
		r.officer().get(pathOf(id, "")).want(http.StatusOK).into(&a)
		return a
	}
	listPrice := read(before).Approval.AnnualRatePct
	id, status := r.submit(2, fields{"amount": "60000.00"})
	a := read(id)
	if status != "approved" || a.Approval.Amount != "60000.00" || listPrice != "3.20" || a.Approval.AnnualRatePct != "3.05" {
		t.Fatalf("%s, %+v beside %s without the spread; want approved at 3.05", status, a.Approval, listPrice)
	}
	r.officer().post(pathOf(id, "/sign"), fields{"contract_no": "HT-1", "signed_on": "2026-08-23"}.text(t)).want(http.StatusOK)
	var contract struct {
		AnnualRatePct string `json:"annual_rate_pct"`
		Amount        string `json:"amount"`
	}
	r.officer().get(pathOf(id, "/contract")).want(http.StatusOK).into(&contract)
	if contract.AnnualRatePct != "3.05" || contract.Amount != "60000.00" {
		t.Errorf("the contract: %+v, want 60000.00 at 3.05", contract)
	}

	// Above the cap nobody is given less than he asked for unasked: the case is referred, with the ceiling and the way.
	id, status = r.submit(3, fields{"amount": "90000.00"})
	var decided struct {
		AmountMax   string                            `json:"amount_max"`
		WaysForward []struct{ Amount, Result string } `json:"ways_forward"`
	}
	r.officer().get(pathOf(id, "/decision")).want(http.StatusOK).into(&decided)
	if status != "reviewing" || read(id).Approval != nil || decided.AmountMax != "80000.00" || len(decided.WaysForward) != 1 ||
		decided.WaysForward[0].Amount != "80000.00" || decided.WaysForward[0].Result != "approve" {
		t.Errorf("above the cap: %s, %+v; want reviewing, at most 80000.00, which would be approved", status, decided)
	}
	if _, status := r.submit(4, fields{"amount": decided.WaysForward[0].Amount}); status != "approved" {
		t.Errorf("the way forward: %s, want approved", status)
	}
}
