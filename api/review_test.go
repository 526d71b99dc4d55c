package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"fumin/domain"
)

type taskJSON struct {
	ID           domain.ID  `json:"id"`
	Kind         string     `json:"kind"`
	Blocking     bool       `json:"blocking"`
	Status       string     `json:"status"`
	OwnerRole    string     `json:"owner_role"`
	OwnerID      *domain.ID `json:"owner_id"`
	DecisionID   domain.ID  `json:"decision_id"`
	AmountNeeded *string    `json:"amount_needed"`
	Overdue      bool       `json:"overdue"`
	Result       string     `json:"result"`
	ClosedBy     *domain.ID `json:"closed_by"`
}

type tasksJSON struct {
	Items []taskJSON
	Ready bool
}

func (r *register) tasks(id domain.ID) (list tasksJSON) {
	r.t.Helper()
	r.officer().get(pathOf(id, "/tasks")).want(http.StatusOK).into(&list)
	return list
}

// waiting is the open task of a kind of a case.
func (r *register) waiting(id domain.ID, kind string) taskJSON {
	r.t.Helper()
	tasks := r.tasks(id).Items
	i := slices.IndexFunc(tasks, func(task taskJSON) bool { return task.Kind == kind && task.Status == "open" })
	if i < 0 {
		r.t.Fatalf("no open task %s among %+v", kind, tasks)
	}
	return tasks[i]
}

// offList is a case that was referred because nobody knows whether the household is on the bureau's list.
func (r *register) offList(n int) domain.ID {
	r.t.Helper()
	id, status := r.submit(n, fields{"amount": "80000.00", "bureau_confirmation_no": nil})
	if status != "reviewing" {
		r.t.Fatalf("submitted without the bureau's number: %s, want reviewing", status)
	}
	return id
}

func TestATaskIsAssignedCompletedAndCancelledOverHTTP(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	id := r.offList(1)
	approver, stranger := r.as(domain.RoleApprover, branchA), r.as(domain.RoleApprover, branchB)
	task := r.waiting(id, "bureau_confirmation")
	path := "/v1/tasks/" + task.ID.String()
	result, reason := fields{"result": "乡镇振兴办已答复：在名单内"}.text(t), fields{"reason": "不需要"}.text(t)

	if r.tasks(id).Ready {
		t.Error("a case with open tasks is called ready")
	}
	approver.post(pathOf(id, "/approve"), "").wantProblem(http.StatusUnprocessableEntity, "tasks-open")
	stranger.get(pathOf(id, "/tasks")).wantProblem(http.StatusNotFound, "application-not-found")
	stranger.post(path+"/complete", result).wantProblem(http.StatusNotFound, "task-not-found")
	stranger.post(path+"/cancel", reason).wantProblem(http.StatusNotFound, "task-not-found")
	stranger.post(path+"/assign", fields{"owner_id": newID()}.text(t)).wantProblem(http.StatusNotFound, "task-not-found")
	approver.post(path+"/complete", result).wantProblem(http.StatusForbidden, "role-not-allowed")
	r.officer().post(path+"/cancel", reason).wantProblem(http.StatusForbidden, "role-not-allowed")
	r.officer().bad().post(path+"/complete", `{"result":""}`).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")

	_, wrong := r.hired(domain.RoleDisbursementOfficer, branchA)
	p := approver.post(path+"/assign", fields{"owner_id": wrong}.text(t)).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	if !slices.Equal(p.fields(), []string{"/owner_id not-for-this-kind"}) {
		t.Errorf("to somebody of another role: %v", p.fields())
	}
	colleague, owner := r.hired(domain.RoleLoanOfficer, headOffice)
	approver.post(path+"/assign", fields{"owner_id": owner}.text(t)).want(http.StatusOK).into(&task)
	if task.OwnerID == nil || *task.OwnerID != owner {
		t.Errorf("assigned: %+v, want to %s", task, owner)
	}
	var mine struct{ Items []taskJSON }
	colleague.get("/v1/tasks?mine=true&status=open&kind=bureau_confirmation").want(http.StatusOK).into(&mine)
	if len(mine.Items) != 1 || mine.Items[0].ID != task.ID || mine.Items[0].Overdue {
		t.Errorf("mine: %+v", mine.Items)
	}
	colleague.post(path+"/complete", result).want(http.StatusOK).into(&task)
	if task.Status != "done" || task.Result == "" || task.ClosedBy == nil || *task.ClosedBy != owner {
		t.Errorf("completed: %+v", task)
	}
	colleague.post(path+"/complete", result).wantProblem(http.StatusConflict, "task-closed")
	approver.post(path+"/cancel", reason).wantProblem(http.StatusConflict, "task-closed")

	for _, other := range r.tasks(id).Items {
		if other.Status == "open" {
			approver.post("/v1/tasks/"+other.ID.String()+"/cancel", reason).want(http.StatusOK)
		}
	}
	if !r.tasks(id).Ready {
		t.Errorf("with nothing open the case is not ready: %+v", r.tasks(id))
	}
}

func TestTasksAreListedOfTheBranchAndTheOverdueOnesApart(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	id := r.offList(1)
	count := func(c *client, query string) int {
		t.Helper()
		var list struct{ Items []taskJSON }
		c.get("/v1/tasks" + query).want(http.StatusOK).into(&list)
		return len(list.Items)
	}
	manager, all := r.as(domain.RoleBranchManager, branchA), len(r.tasks(id).Items)
	if got := count(manager, ""); got != all || all == 0 {
		t.Errorf("the branch has %d tasks, the case %d", got, all)
	}
	if got := count(r.as(domain.RoleBranchManager, branchB), ""); got != 0 {
		t.Errorf("another branch sees %d tasks", got)
	}
	if got := count(manager, "?overdue=true"); got != 0 {
		t.Errorf("%d tasks are overdue on their first day", got)
	}
	r.at(time.Date(2026, 10, 23, 1, 30, 0, 0, time.UTC))
	if got := count(manager, "?overdue=true"); got != all {
		t.Errorf("two months later %d of %d tasks are overdue", got, all)
	}
	manager.bad().get("/v1/tasks?status=lost").wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	manager.bad().get("/v1/tasks?kind=wish").wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	r.asBorrower(newID()).get("/v1/tasks").wantProblem(http.StatusForbidden, "role-not-allowed")
}

func TestASiteVisitIsConfirmedByTheSecondInvestigatorOverHTTP(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	id := r.offList(1)
	second, person := r.hired(domain.RoleRiskManager, headOffice)
	visit := fields{"second_id": person, "visited_on": "2026-08-20", "findings": "鸭棚两座，存栏五千只", "photos": []string{strings.Repeat("0f", 32)}}
	path := pathOf(id, "/site-visits")

	createAt(r.as(domain.RoleAuditor, branchA), path, visit).wantProblem(http.StatusForbidden, "role-not-allowed")
	createAt(r.as(domain.RoleLoanOfficer, branchB), path, visit).wantProblem(http.StatusNotFound, "application-not-found")
	createAt(r.officer(), path, visit.but(fields{"second_id": newID()})).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	createAt(r.officer(), path, visit.but(fields{"visited_on": "2026-08-24"})).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	var v struct {
		ID          domain.ID
		SecondID    domain.ID `json:"second_id"`
		ConfirmedAt *string   `json:"confirmed_at"`
	}
	key := r.officer().with("Idempotency-Key", uuid.NewString())
	key.post(path, visit.text(t)).want(http.StatusCreated).into(&v)
	if replayed := key.post(path, visit.text(t)).want(http.StatusCreated).header.Get("Idempotency-Replayed"); replayed != "true" || v.SecondID != person || v.ConfirmedAt != nil {
		t.Errorf("recorded: %+v, replayed %q", v, replayed)
	}
	confirm := "/v1/site-visits/" + v.ID.String() + "/confirm"
	r.officer().post(confirm, "").wantProblem(http.StatusForbidden, "not-the-second")
	r.as(domain.RoleRiskManager, branchB).post(confirm, "").wantProblem(http.StatusNotFound, "visit-not-found")
	second.post(confirm, "").want(http.StatusOK).into(&v)
	if v.ConfirmedAt == nil {
		t.Errorf("confirmed: %+v", v)
	}
	second.post(confirm, "").wantProblem(http.StatusConflict, "visit-confirmed")
	var list struct {
		Items []struct{ Findings string }
	}
	r.officer().get(path).want(http.StatusOK).into(&list)
	if len(list.Items) != 1 || list.Items[0].Findings == "" {
		t.Errorf("visits: %+v", list.Items)
	}
	r.as(domain.RoleLoanOfficer, branchB).get(path).wantProblem(http.StatusNotFound, "application-not-found")
}

func TestAReturnNamesWhatIsMissingAndTheNextRoundKeepsTheFileOverHTTP(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	id := r.offList(1)
	approver := r.as(domain.RoleApprover, branchA)
	back := fields{"reason": "资料不全", "items": []fields{{"kind": "document", "name": "bank_statement", "text": "补近半年流水"}}}
	r.officer().post(pathOf(id, "/return"), back.text(t)).wantProblem(http.StatusForbidden, "role-not-allowed")
	r.as(domain.RoleApprover, branchB).post(pathOf(id, "/return"), back.text(t)).wantProblem(http.StatusNotFound, "application-not-found")
	approver.bad().post(pathOf(id, "/return"), fields{"reason": "x", "items": []fields{}}.text(t)).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	first := r.tasks(id).Items[0].DecisionID
	var a applicationJSON
	approver.post(pathOf(id, "/return"), back.text(t)).want(http.StatusOK).into(&a)
	if a.Status != "returned" {
		t.Errorf("returned: %s", a.Status)
	}
	approver.post(pathOf(id, "/return"), back.text(t)).wantProblem(http.StatusConflict, "wrong-status")
	var returns struct {
		Items []struct {
			Reason string
			Items  []struct{ Kind, Name, Text string }
		}
	}
	r.officer().get(pathOf(id, "/returns")).want(http.StatusOK).into(&returns)
	if len(returns.Items) != 1 || returns.Items[0].Reason != "资料不全" || returns.Items[0].Items[0].Name != "bank_statement" {
		t.Errorf("returns: %+v", returns.Items)
	}
	r.as(domain.RoleLoanOfficer, branchB).get(pathOf(id, "/returns")).wantProblem(http.StatusNotFound, "application-not-found")

	r.officer().post(pathOf(id, "/submit"), "").want(http.StatusOK)
	var decisions struct{ Items []struct{ ID domain.ID } }
	r.officer().get(pathOf(id, "/decisions")).want(http.StatusOK).into(&decisions)
	if len(decisions.Items) != 2 {
		t.Errorf("after a resubmission %d decisions are kept, want 2", len(decisions.Items))
	}
	for _, task := range r.tasks(id).Items {
		if (task.Status == "open") == (task.DecisionID == first) {
			t.Errorf("task %s of decision %s is %s; only the second round's may be open", task.Kind, task.DecisionID, task.Status)
		}
	}
}

type committeeJSON struct {
	Required bool
	Above    string
	Quorum   int
	InFavour int `json:"in_favour"`
	Against  int
	Carried  bool
	Closed   bool
	Votes    []struct {
		MemberID domain.ID `json:"member_id"`
	}
}

func TestTheCommitteeVotesOverHTTP(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	a := r.big(1)
	one, first := r.hired(domain.RoleRiskManager, headOffice)
	two, second := r.hired(domain.RoleBranchManager, headOffice)
	officer, third := r.hired(domain.RoleLoanOfficer, branchA) // the officer of the case sits on the committee, too
	city, person := r.hired(domain.RoleApprover, headOffice)
	r.inForce(newAuthority("approve", person, "900000.00"))
	vote := fields{"in_favour": true, "reason": "用途真实"}
	createAt(one, pathOf(a.ID, "/votes"), vote).wantProblem(http.StatusUnprocessableEntity, "committee-not-required")

	// The one who drafts it is a member; that is no matter, since a second person puts it into force.
	r.inForce(fields{
		"kind": "committee", "guarantee_kind": "any", "product_code": "QLFMD", "amount": "700000.00", "members": []domain.ID{first, second, third},
		"quorum": 2, "majority_numerator": 2, "majority_denominator": 3, "effective_from": "2026-08-23", "basis": "贷审会工作规则",
	})
	city.post(pathOf(a.ID, "/approve"), "").wantProblem(http.StatusUnprocessableEntity, "committee-required")
	createAt(city, pathOf(a.ID, "/votes"), vote).wantProblem(http.StatusForbidden, "not-a-member")
	createAt(officer, pathOf(a.ID, "/votes"), vote).wantProblem(http.StatusForbidden, "four-eyes")
	createAt(r.as(domain.RoleRiskManager, branchB), pathOf(a.ID, "/votes"), vote).wantProblem(http.StatusNotFound, "application-not-found")
	one.bad().post(pathOf(a.ID, "/votes"), vote.text(t)).wantProblem(http.StatusBadRequest, "idempotency-key-required")

	var c committeeJSON
	createAt(one, pathOf(a.ID, "/votes"), vote).want(http.StatusCreated).into(&c)
	createAt(one, pathOf(a.ID, "/votes"), vote.but(fields{"in_favour": false})).wantProblem(http.StatusConflict, "already-voted")
	if !c.Required || c.Above != "700000.00" || c.InFavour != 1 || c.Carried {
		t.Errorf("after the first vote: %+v", c)
	}
	city.post(pathOf(a.ID, "/approve"), "").wantProblem(http.StatusUnprocessableEntity, "committee-required")
	createAt(two, pathOf(a.ID, "/votes"), vote).want(http.StatusCreated)
	r.officer().get(pathOf(a.ID, "/committee")).want(http.StatusOK).into(&c)
	if !c.Carried || c.InFavour != 2 || c.Against != 0 || len(c.Votes) != 2 || c.Quorum != 2 {
		t.Errorf("after both votes: %+v", c)
	}
	r.as(domain.RoleLoanOfficer, branchB).get(pathOf(a.ID, "/committee")).wantProblem(http.StatusNotFound, "application-not-found")
	city.post(pathOf(a.ID, "/approve"), "").want(http.StatusOK).into(&a)
	if a.Status != "approved" {
		t.Errorf("after the committee: %s", a.Status)
	}
	createAt(two, pathOf(a.ID, "/votes"), vote).wantProblem(http.StatusConflict, "wrong-status")
}

func TestTheControlsShowTheirProofsOverHTTP(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	r.officer().get("/v1/controls").wantProblem(http.StatusForbidden, "role-not-allowed")
	var list struct {
		Items []struct {
			Control, Label, Status, Subject, Limit, Tried, Refused, Within, Finding string

			RefusedBy string `json:"refused_by"`
		}
	}
	r.as(domain.RoleAuditor, headOffice).get("/v1/controls").want(http.StatusOK).into(&list)
	held := map[string]bool{}
	for _, p := range list.Items {
		switch {
		case p.Status == "holds" && p.Label != "" && p.Subject != "" && p.Limit != "" && p.Tried != "" && p.RefusedBy != "" && p.Refused != "":
			held[p.Control] = true
		case p.Status != "not_configured" || p.Finding == "":
			t.Errorf("control %+v", p)
		}
	}
	for _, control := range []string{"product-terms", "rule-set", "authority-ceiling", "committee", "payment-conditions", "separation", "activation"} {
		if !held[control] {
			t.Errorf("the control %s holds nowhere: %v", control, held)
		}
	}
}
