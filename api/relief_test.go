package api_test

import (
	"net/http"
	"testing"

	"fumin/domain"
)

// reliefRules let through who is in a trade hit by an epidemic, and who is known to be in none; the others a person looks at.
func reliefRules() fields {
	return fields{"code": "relief", "product_code": "PHXWXYD", "region_prefix": "3715", "effective_from": "2026-08-23", "definition": fields{
		"title": "纾困试验规则", "rules": []fields{{
			"code": "relief-industry-known", "passes": `not exists(relief_industry) or relief_industry == "epidemic_hit"`, "otherwise": "refer",
			"reason": "纾困行业须人工认定", "passed": "纾困行业已认定", "task": "reviewer_opinion", "suggestion": "请客户经理认定借款人是否属于纾困行业",
		}},
	}}
}

// No register says what trade a borrower is in: the account manager confirms it in the application, with what it rests on. Until
// then the fact is unknown, the case goes to a person with a task, and comes back with the fact; then the price is lower.
func TestAReliefIsConfirmedByTheAccountManagerAndLowersThePrice(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	r.activeRules(reliefRules(), "2026-08-23")
	officer, approver := r.officer(), r.as(domain.RoleApprover, branchA)
	borrowerID := r.farmer(officer, 1).ID
	ask := newApplication(borrowerID).but(fields{"product_code": "PHXWXYD", "repayment_method": "equal_instalment", "amount": "50000.00"})

	type decided struct {
		Result  string
		Reasons []struct {
			Code, Fact string
			Unknown    bool
		}
	}
	var a applicationJSON
	createAt(officer, "/v1/applications", ask).want(http.StatusCreated).into(&a)
	path := pathOf(a.ID, "")
	officer.post(path+"/submit", "").want(http.StatusOK).into(&a)
	var d decided
	officer.get(path + "/decision").want(http.StatusOK).into(&d)
	if a.Status != "reviewing" || d.Result != "refer" || len(d.Reasons) == 0 || !d.Reasons[0].Unknown {
		t.Fatalf("without a word about the trade: %s, %+v; want a referral for an unknown fact", a.Status, d)
	}
	if tasks := r.tasks(a.ID).Items; len(tasks) != 1 || tasks[0].Kind != "reviewer_opinion" {
		t.Errorf("tasks: %+v, want one for the reviewer", tasks)
	}
	back := fields{"reason": "请认定纾困行业", "items": []fields{{"kind": "field", "name": "relief_industry", "text": "请认定行业并写明依据"}}}
	approver.post(path+"/return", back.text(t)).want(http.StatusOK)

	edit := func(who *client, change fields) answer {
		t.Helper()
		tag := officer.get(path).want(http.StatusOK).header.Get("ETag")
		return who.with("If-Match", tag).put(path, ask.but(fields{"borrower_id": nil, "product_code": nil}).but(change).text(t))
	}
	confirmed := fields{"relief_industry": "epidemic_hit", "relief_basis": "营业执照经营范围为住宿，8 月 20 日走访时停业"}
	edit(officer, fields{"relief_industry": "epidemic_hit"}).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	edit(r.asBorrower(borrowerID), confirmed).wantProblem(http.StatusUnprocessableEntity, "invalid-fields") // nobody lowers his own price
	edit(officer, fields{"relief_industry": "grain", "relief_basis": "种粮"}).want(http.StatusOK)
	officer.post(path+"/submit", "").wantProblem(http.StatusUnprocessableEntity, "relief-not-offered")
	edit(officer, confirmed).want(http.StatusOK)
	edit(r.asBorrower(borrowerID), confirmed.but(fields{"amount": "40000.00"})).want(http.StatusOK) // and what was confirmed stands
	officer.post(path+"/submit", "").want(http.StatusOK).into(&a)
	if a.Status != "approved" || a.Approval == nil {
		t.Fatalf("with the relief confirmed: %s", a.Status)
	}
	relieved := a.Approval.AnnualRatePct
	var offer struct {
		AnnualRatePct string `json:"annual_rate_pct"`
	}
	if officer.get(path + "/plan").want(http.StatusOK).into(&offer); offer.AnnualRatePct != relieved {
		t.Errorf("the plan is made at %s, want %s as approved", offer.AnnualRatePct, relieved)
	}

	createAt(officer, "/v1/applications", ask.but(fields{"relief_industry": "none"})).want(http.StatusCreated).into(&a)
	officer.post(pathOf(a.ID, "/submit"), "").want(http.StatusOK).into(&a)
	if a.Status != "approved" || a.Approval == nil || relieved != "4.45" || a.Approval.AnnualRatePct != "5.45" { // LPR 3.00 + 2.45 - 1.00
		t.Errorf("approved at %s with the relief, %s (%+v) without; want 4.45 and 5.45", relieved, a.Status, a.Approval)
	}
	createAt(r.asBorrower(borrowerID), "/v1/applications", ask.but(confirmed)).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	createAt(officer, "/v1/applications", ask.but(fields{"relief_basis": "住宿"})).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
}
