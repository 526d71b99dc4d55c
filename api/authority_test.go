package api_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"fumin/domain"
	"fumin/domain/origination"
	"fumin/domain/staff"
)

// hired puts whom as signs in on file as a user, because delegations, committees and visits name users who exist.
func (r *register) hired(role domain.Role, branch domain.ID) (*client, domain.ID) {
	r.t.Helper()
	c, by := r.as(role, branch), r.actor(role, branch)
	hash, err := staff.ParsePasswordHash("$argon2id$v=19$m=64,t=1,p=2$c29tZXNhbHRzb21lc2FsdA$1R1cVAG9nTaiKih/salfYlRs+0Ot1aHr") // of nobody's password
	if err != nil {
		r.t.Fatal(err)
	}
	user := staff.User{
		ID: by.ID, Username: "user-" + by.ID.String()[24:], DisplayName: by.Name, Role: role, BranchID: branch,
		PasswordHash: hash, Version: 1, CreatedAt: r.now(), UpdatedAt: r.now(),
	}
	err = r.store.Update(r.t.Context(), func(tx origination.Tx) error {
		return tx.InsertUser(r.t.Context(), user, staff.Event{
			ID: newID(), Subject: staff.SubjectUser, SubjectID: user.ID, BranchID: branch, Action: staff.ActionCreate,
			ActorID: user.ID, ActorName: "安装程序", ActorRole: domain.RoleSystem, At: r.now(),
		})
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return c, user.ID
}

type authorityJSON struct {
	ID          domain.ID   `json:"id"`
	Kind        string      `json:"kind"`
	Status      string      `json:"status"`
	Amount      string      `json:"amount"`
	Members     []domain.ID `json:"members"`
	EffectiveTo *string     `json:"effective_to"`
	DraftedBy   domain.ID   `json:"drafted_by"`
	ActivatedBy *domain.ID  `json:"activated_by"`
	EndedBy     *domain.ID  `json:"ended_by"`
	EndAskedBy  *domain.ID  `json:"end_asked_by"`
	EndAskedFor *string     `json:"end_asked_for"`
}

// newAuthority lets one approver approve up to an amount anywhere, from the first day of these tests.
func newAuthority(kind string, user domain.ID, amount string) fields {
	return fields{
		"kind": kind, "user_id": user, "guarantee_kind": "any", "amount": amount,
		"effective_from": "2026-08-23", "basis": "授权书〔2026〕3 号",
	}
}

// inForce drafts and activates an authority by two people.
func (r *register) inForce(body fields) (a authorityJSON) {
	r.t.Helper()
	createAt(r.as(domain.RoleRiskManager, headOffice), "/v1/authorities", body).want(http.StatusCreated).into(&a)
	r.as(domain.RoleAdmin, headOffice).post("/v1/authorities/"+a.ID.String()+"/activate", "").want(http.StatusOK).into(&a)
	return a
}

func TestAnAuthorityGoesFromDraftToUseAndToItsEndOverHTTP(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	keeper, second, auditor := r.as(domain.RoleRiskManager, headOffice), r.as(domain.RoleAdmin, headOffice), r.as(domain.RoleAuditor, headOffice)
	approver, person := r.hired(domain.RoleApprover, branchA)
	body := newAuthority("approve", person, "800000.00")

	createAt(approver, "/v1/authorities", body).wantProblem(http.StatusForbidden, "role-not-allowed")
	keeper.bad().post("/v1/authorities", body.text(t)).wantProblem(http.StatusBadRequest, "idempotency-key-required")
	for name, change := range map[string]fields{
		"/amount not-positive":          {"amount": "0.00"},
		"/user_id one-of":               {"role": "approver"},
		"/user_id not-found":            {"user_id": newID()},
		"/product_code not-found":       {"product_code": "NONE"},
		"/members not-allowed":          {"quorum": 2},
		"/effective_to not-after-start": {"effective_to": "2026-08-23"},
		"/kind unknown-value":           {"kind": "wish"},
	} {
		p := createAt(keeper.bad(), "/v1/authorities", body.but(change)).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
		if !slices.Contains(p.fields(), name) {
			t.Errorf("%v: fields %v, want %s", change, p.fields(), name)
		}
	}

	key := keeper.with("Idempotency-Key", uuid.NewString())
	created := key.post("/v1/authorities", body.text(t)).want(http.StatusCreated)
	var a, again authorityJSON
	created.into(&a)
	path := "/v1/authorities/" + a.ID.String()
	if a.Status != "draft" || a.Amount != "800000.00" || a.ActivatedBy != nil || created.header.Get("Location") != path {
		t.Errorf("drafted at %q: %+v", created.header.Get("Location"), a)
	}
	replayed := key.post("/v1/authorities", body.text(t)).want(http.StatusCreated)
	replayed.into(&again)
	if again.ID != a.ID || replayed.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("the same key again drafted %s, want %s", again.ID, a.ID)
	}

	keeper.post(path+"/activate", "").wantProblem(http.StatusForbidden, "maker-is-checker")
	approver.post(path+"/activate", "").wantProblem(http.StatusForbidden, "role-not-allowed")
	end := fields{"effective_to": "2026-09-01"}.text(t)
	keeper.post(path+"/end", end).wantProblem(http.StatusConflict, "authority-not-active")
	second.post(path+"/activate", "").want(http.StatusOK).into(&a)
	if a.Status != "active" || a.ActivatedBy == nil || *a.ActivatedBy == a.DraftedBy {
		t.Errorf("activated: %+v", a)
	}
	second.post(path+"/activate", "").wantProblem(http.StatusConflict, "authority-active")

	keeper.post(path+"/end", fields{"effective_to": "2026-08-23"}.text(t)).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	keeper.post(path+"/end", end).want(http.StatusOK).into(&a)
	if a.EffectiveTo == nil || *a.EffectiveTo != "2026-09-01" || a.EndedBy == nil {
		t.Errorf("ended: %+v", a)
	}
	p := keeper.post(path+"/end", fields{"effective_to": "2026-09-02"}.text(t)).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	if !slices.Contains(p.fields(), "/effective_to only-earlier") {
		t.Errorf("a later end: %v", p.fields())
	}

	approver.get(path).want(http.StatusOK)
	auditor.get("/v1/authorities/"+newID().String()).wantProblem(http.StatusNotFound, "authority-not-found")
	r.officer().get(path).wantProblem(http.StatusForbidden, "role-not-allowed")
	r.officer().get("/v1/authorities").wantProblem(http.StatusForbidden, "role-not-allowed")
	var list struct {
		Items []authorityJSON
		Next  *string
	}
	auditor.get("/v1/authorities?kind=approve&status=active&user_id=" + person.String()).want(http.StatusOK).into(&list)
	if len(list.Items) != 1 || list.Items[0].ID != a.ID {
		t.Errorf("the person's authorities: %+v", list.Items)
	}
	auditor.get("/v1/authorities?limit=2").want(http.StatusOK).into(&list)
	if len(list.Items) != 2 || list.Next == nil || list.Items[0].ID != a.ID {
		t.Errorf("the first page: %+v, next %v", list.Items, list.Next)
	}
	auditor.bad().get("/v1/authorities?kind=wish").wantProblem(http.StatusUnprocessableEntity, "invalid-fields")

	restrains := r.inForce(newAuthority("approve", person, "1.00").but(fields{"product_code": "QLFMD"}))
	ending := "/v1/authorities/" + restrains.ID.String() + "/end"
	keeper.post(ending, end).want(http.StatusOK).into(&restrains)
	if restrains.EffectiveTo != nil || restrains.EndAskedBy == nil || restrains.EndAskedFor == nil || *restrains.EndAskedFor != "2026-09-01" {
		t.Errorf("one alone ends what is less than the broader row: %+v", restrains)
	}
	keeper.post(ending, end).wantProblem(http.StatusForbidden, "maker-is-checker")
	second.post(ending, end).want(http.StatusOK).into(&restrains)
	if restrains.EffectiveTo == nil || restrains.EndAskedBy != nil || *restrains.EndedBy == a.DraftedBy {
		t.Errorf("ended by a second: %+v", restrains)
	}
}

// big is a guaranteed case of 800,000.00 yuan on the tables of the approvers.
func (r *register) big(n int) applicationJSON { return r.referred(n, fields{"amount": "800000.00"}) }

// referred is a case that waits for an approver and nothing else.
func (r *register) referred(n int, change fields) (a applicationJSON) {
	r.t.Helper()
	id, status := r.submit(n, change)
	if status != "reviewing" {
		r.t.Fatalf("submitted with %v: %s, want reviewing", change, status)
	}
	r.clear(id)
	r.officer().get(pathOf(id, "")).want(http.StatusOK).into(&a)
	return a
}

// clear completes what a case waits for, as the officer who has it to do.
func (r *register) clear(id domain.ID) {
	r.t.Helper()
	for _, task := range r.tasks(id).Items {
		if task.Status == "open" && task.Blocking {
			r.officer().post("/v1/tasks/"+task.ID.String()+"/complete", fields{"result": "已办妥"}.text(r.t)).want(http.StatusOK)
		}
	}
}

func TestWhoHasTooLittleAuthorityIsToldTheCeilingOverHTTP(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	a := r.big(1)
	county := r.as(domain.RoleApprover, branchA)
	city, person := r.hired(domain.RoleApprover, headOffice)
	p := county.post(pathOf(a.ID, "/approve"), "").wantProblem(http.StatusForbidden, "authority-exceeded")
	if !slices.Contains(p.fields(), "/amount authority-exceeded") || p.Errors[0].Detail != "上限 500000.00" {
		t.Errorf("the refusal does not say the ceiling: %+v", p)
	}
	raised := ""
	for _, task := range r.tasks(a.ID).Items {
		if task.Kind == "higher_approval" && task.AmountNeeded != nil {
			raised = *task.AmountNeeded
		}
	}
	if raised != "800000.00" {
		t.Errorf("the case went up for %q, want 800000.00", raised)
	}
	r.as(domain.RoleApprover, branchB).post(pathOf(a.ID, "/approve"), "").wantProblem(http.StatusNotFound, "application-not-found")
	r.officer().post(pathOf(a.ID, "/approve"), "").wantProblem(http.StatusForbidden, "role-not-allowed")

	held := r.inForce(newAuthority("approve", person, "900000.00"))
	city.post(pathOf(a.ID, "/approve"), "").want(http.StatusOK).into(&a)
	if a.Status != "approved" || a.Approval == nil || a.Approval.ByRules || a.Approval.Amount != "800000.00" {
		t.Errorf("approved: %+v", a)
	}
	// An authority that has ended holds nothing.
	late := r.big(2)
	r.as(domain.RoleAdmin, headOffice).post("/v1/authorities/"+held.ID.String()+"/end", fields{"effective_to": "2026-08-24"}.text(t)).want(http.StatusOK)
	r.at(time.Date(2026, 8, 24, 1, 30, 0, 0, time.UTC))
	city.post(pathOf(late.ID, "/approve"), "").wantProblem(http.StatusForbidden, "authority-exceeded")
}

func TestAnOverrideTakesItsOwnAuthorityAndAReasonOverHTTP(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	a := r.referred(1, fields{"amount": "80000.00", "bureau_confirmation_no": nil})
	city, person := r.hired(domain.RoleApprover, headOffice)
	r.inForce(newAuthority("approve", person, "900000.00"))
	more := fields{"amount": "90000.00"}
	p := city.post(pathOf(a.ID, "/approve"), more.text(t)).wantProblem(http.StatusUnprocessableEntity, "override-required")
	if !slices.Contains(p.fields(), "/amount override-required") {
		t.Errorf("more than asked: %v", p.fields())
	}
	withReason := more.but(fields{"override_reason": "订单增加"})
	p = city.post(pathOf(a.ID, "/approve"), withReason.text(t)).wantProblem(http.StatusForbidden, "authority-exceeded")
	if p.Errors[0].Detail != "上限 0.00" {
		t.Errorf("without an authority to override: %+v", p)
	}
	r.inForce(newAuthority("override", person, "900000.00"))
	p = city.post(pathOf(a.ID, "/approve"), withReason.but(fields{"amount": "3000000.01"}).text(t)).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	if !slices.Contains(p.fields(), "/amount out-of-range") {
		t.Errorf("beyond the product: %v", p.fields())
	}
	answer := city.post(pathOf(a.ID, "/approve"), withReason.text(t)).want(http.StatusOK)
	var full struct {
		Approval struct {
			Amount         string
			OverrideReason string `json:"override_reason"`
		}
	}
	answer.into(&full)
	if full.Approval.Amount != "90000.00" || full.Approval.OverrideReason != "订单增加" {
		t.Errorf("approved by override: %+v", full)
	}
}

type delegationJSON struct {
	ID        domain.ID  `json:"id"`
	FromID    domain.ID  `json:"from_id"`
	ToID      domain.ID  `json:"to_id"`
	RevokedBy *domain.ID `json:"revoked_by"`
}

func TestADelegationLendsAnAuthorityForItsDaysOverHTTP(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	city, from := r.hired(domain.RoleApprover, headOffice)
	deputy, to := r.hired(domain.RoleApprover, branchA)
	manager := r.as(domain.RoleBranchManager, headOffice)
	r.inForce(newAuthority("approve", from, "900000.00"))
	first, late := r.big(1), r.big(2)
	lend := fields{"from_id": from, "to_id": to, "starts_on": "2026-08-23", "ends_on": "2026-08-25", "reason": "年休假"}

	createAt(r.officer(), "/v1/delegations", lend).wantProblem(http.StatusForbidden, "role-not-allowed")
	createAt(deputy, "/v1/delegations", lend).wantProblem(http.StatusForbidden, "not-yours")
	r.as(domain.RoleBranchManager, branchB).post("/v1/delegations/"+newID().String()+"/revoke", "").wantProblem(http.StatusNotFound, "delegation-not-found")
	p := createAt(city, "/v1/delegations", lend.but(fields{"to_id": from})).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	if len(p.Errors) == 0 {
		t.Errorf("to oneself: %+v", p)
	}
	createAt(city, "/v1/delegations", lend.but(fields{"starts_on": "2026-08-22"})).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")

	key := city.with("Idempotency-Key", uuid.NewString())
	var d, again delegationJSON
	key.post("/v1/delegations", lend.text(t)).want(http.StatusCreated).into(&d)
	key.post("/v1/delegations", lend.text(t)).want(http.StatusCreated).into(&again)
	if d.ID != again.ID || d.FromID != from || d.ToID != to {
		t.Errorf("delegated %+v, and once more with the same key %+v", d, again)
	}
	back := lend.but(fields{"from_id": to, "to_id": from})
	createAt(deputy, "/v1/delegations", back).wantProblem(http.StatusUnprocessableEntity, "delegation-chain")

	var approved struct {
		Approval struct {
			ApprovedBy domain.ID  `json:"approved_by"`
			OnBehalfOf *domain.ID `json:"on_behalf_of"`
		}
	}
	deputy.post(pathOf(first.ID, "/approve"), "").want(http.StatusOK).into(&approved)
	if approved.Approval.ApprovedBy != to || approved.Approval.OnBehalfOf == nil || *approved.Approval.OnBehalfOf != from {
		t.Errorf("approved: %+v, want by %s for %s", approved, to, from)
	}
	path := "/v1/delegations/" + d.ID.String() + "/revoke"
	deputy.post(path, "").wantProblem(http.StatusNotFound, "delegation-not-found") // it belongs to the head office
	manager.post(path, "").want(http.StatusOK).into(&d)
	if d.RevokedBy == nil {
		t.Errorf("revoked: %+v", d)
	}
	manager.post(path, "").wantProblem(http.StatusConflict, "delegation-revoked")
	deputy.post(pathOf(late.ID, "/approve"), "").wantProblem(http.StatusForbidden, "authority-exceeded")

	var list struct{ Items []delegationJSON }
	manager.get("/v1/delegations?limit=5").want(http.StatusOK).into(&list)
	if len(list.Items) != 1 || list.Items[0].ID != d.ID {
		t.Errorf("delegations: %+v", list.Items)
	}
	r.as(domain.RoleBranchManager, branchB).get("/v1/delegations").want(http.StatusOK).into(&list)
	if len(list.Items) != 0 {
		t.Errorf("another branch sees %+v", list.Items)
	}
	r.officer().get("/v1/delegations").wantProblem(http.StatusForbidden, "role-not-allowed")
}
