package api_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const newcomer = `{"username":"Newcomer","display_name":"钱立新","role":"approver","branch_id":"` + string(deskCounty) + `","password":"initial-password"}`

func TestAnAdministratorAddsAUserWhoChoosesAPassword(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	admin := d.as("admin").with("Idempotency-Key", "k1")
	first := admin.post("/v1/users", newcomer).want(http.StatusCreated)
	var user struct {
		ID, Username      string
		PasswordTemporary bool `json:"password_temporary"`
	}
	first.into(&user)
	if user.Username != "newcomer" || !user.PasswordTemporary || first.header.Get("Location") != "/v1/users/"+user.ID {
		t.Errorf("user %+v at %q: want newcomer with a temporary password at its own address", user, first.header.Get("Location"))
	}

	again := admin.post("/v1/users", newcomer).want(http.StatusCreated)
	if again.header.Get("Idempotency-Replayed") != "true" || again.header.Get("Location") != first.header.Get("Location") {
		t.Errorf("the same request again: %v %s, want the same user, replayed", again.header, again.body)
	}
	admin.post("/v1/users", fmt.Sprintf(`{"username":"newcomer","display_name":"钱立新","role":"approver","branch_id":%q,"password":"another-password"}`, deskCounty)).
		wantProblem(http.StatusUnprocessableEntity, "idempotency-key-reused")
	admin.post("/v1/users", fmt.Sprintf(`{"username":"newcomer","display_name":"钱立新","role":"auditor","branch_id":%q,"password":"initial-password"}`, deskCounty)).
		wantProblem(http.StatusUnprocessableEntity, "idempotency-key-reused")
	admin.with("Idempotency-Key", "k2").post("/v1/users", newcomer).wantProblem(http.StatusConflict, "username-taken")
	admin.bad().with("Idempotency-Key", "").post("/v1/users", newcomer).wantProblem(http.StatusBadRequest, "idempotency-key-required")

	d.client.post("/v1/sessions", credentials("newcomer", "initial-password")).wantProblem(http.StatusForbidden, "password-change-required")
	d.client.post("/v1/sessions", `{"username":"newcomer","password":"initial-password","new_password":"my-own-password"}`).want(http.StatusCreated)
	d.client.post("/v1/sessions", credentials("newcomer", "my-own-password")).want(http.StatusCreated)
}

// A guarantee company's officer belongs to a company, nobody else does, and the token says to which.
func TestAGuaranteeOfficersTokenNamesTheCompany(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	admin := d.as("admin")
	add := func(role, company string) answer {
		body := fields{"username": "luyuan", "display_name": "鲁明远", "role": role, "branch_id": deskCounty, "password": "initial-password"}
		if company != "" {
			body["guarantee_company_id"] = company
		}
		return createAt(admin, "/v1/users", body)
	}
	add("guarantee_officer", "").wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	add("guarantee_officer", deskCounty.String()).wantProblem(http.StatusUnprocessableEntity, "invalid-fields") // no company
	add("loan_officer", sampleCompany.String()).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	add("guarantee_officer", sampleCompany.String()).want(http.StatusCreated)

	var s session
	d.client.post("/v1/sessions", `{"username":"luyuan","password":"initial-password","new_password":"my-own-password"}`).want(http.StatusCreated).into(&s)
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(s.AccessToken, ".")[1])
	must(t, err)
	if !strings.Contains(string(payload), `"guarantee_company_id":"`+sampleCompany.String()+`"`) {
		t.Errorf("the token says %s, want the company", payload)
	}
	officer := d.client.with("Authorization", "Bearer "+s.AccessToken)
	officer.get("/v1/guarantee/requests").want(http.StatusOK)
	officer.get("/v1/users").wantProblem(http.StatusForbidden, "role-not-allowed")
	plain, err := base64.RawURLEncoding.DecodeString(strings.Split(d.login("officer").AccessToken, ".")[1])
	must(t, err)
	if strings.Contains(string(plain), "guarantee_company_id") {
		t.Errorf("a loan officer's token says %s, want no company", plain)
	}
}

func TestANewUserIsRefusedWithEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	admin := d.as("admin").with("Idempotency-Key", "k").bad()
	for body, want := range map[string][]string{
		`{}`: {"/branch_id required", "/display_name required", "/password required", "/role required", "/username required"},
		`{"username":"孙","display_name":"","role":"borrower","branch_id":"x","password":1}`: {
			"/branch_id invalid-id", "/display_name name-length", "/password wrong-type", "/role invalid-role", "/username invalid-username",
		},
		`{"username":"newcomer","display_name":"钱立新","role":"system","branch_id":"` + string(deskCounty) + `","password":"short"}`:  {"/role invalid-role"},
		`{"username":"newcomer","display_name":"钱立新","role":"auditor","branch_id":"` + string(deskCounty) + `","password":"short"}`: {"/password too-short"},
		`{"username":"newcomer","display_name":"钱立新","role":"auditor","branch_id":"` + string(deskOther) + `","password":"initial-password"}`: {
			"/branch_id branch-not-found",
		},
	} {
		p := admin.post("/v1/users", body).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
		if diff := cmp.Diff(want, p.fields()); diff != "" {
			t.Errorf("%s: fields (-want +got):\n%s", body, diff)
		}
	}
}

func TestUsersOfAnotherBranchAreNotThere(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	admin := d.as("admin")
	for _, id := range []string{deskFaraway.String(), aBorrower, "nonsense"} {
		admin := admin
		code := "user-not-found"
		if id == "nonsense" {
			admin, code = admin.bad(), "not-found"
		}
		admin.get("/v1/users/"+id).wantProblem(http.StatusNotFound, code)
		admin.get("/v1/users/"+id+"/events").wantProblem(http.StatusNotFound, code)
		admin.post("/v1/users/"+id+"/deactivate", "").wantProblem(http.StatusNotFound, code)
		admin.post("/v1/users/"+id+"/password", `{"new_password":"temporary-password"}`).wantProblem(http.StatusNotFound, code)
	}
	var list struct {
		Items []struct{ Username string }
		Next  *string
	}
	admin.get("/v1/users?limit=1").want(http.StatusOK).into(&list)
	if len(list.Items) != 1 || list.Items[0].Username != "officer" || list.Next == nil {
		t.Fatalf("first page %+v, want the officer and a next page", list)
	}
	admin.get(*list.Next).want(http.StatusOK).into(&list)
	if len(list.Items) != 1 || list.Items[0].Username != "admin" {
		t.Errorf("second page %+v, want the administrator", list)
	}
	admin.bad().get("/v1/users?limit=0").wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	admin.bad().get("/v1/users?branch=1").wantProblem(http.StatusBadRequest, "unknown-parameter")

	var branches struct{ Items []struct{ Code string } }
	admin.get("/v1/branches").want(http.StatusOK).into(&branches)
	if len(branches.Items) != 1 || branches.Items[0].Code != "371503" {
		t.Errorf("branches %+v, want the county only", branches)
	}
}

func TestAnOfficerManagesNobodyButItself(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	officer := d.as("officer")
	own := "/v1/users/" + deskOfficer.String()
	officer.get(own).want(http.StatusOK)
	officer.get("/v1/users/"+deskAdmin.String()).wantProblem(http.StatusForbidden, "role-not-allowed")
	officer.get("/v1/users").wantProblem(http.StatusForbidden, "role-not-allowed")
	officer.get(own+"/events").wantProblem(http.StatusForbidden, "role-not-allowed")
	officer.with("Idempotency-Key", "k").post("/v1/users", newcomer).wantProblem(http.StatusForbidden, "role-not-allowed")
	officer.post("/v1/users/"+deskAdmin.String()+"/deactivate", "").wantProblem(http.StatusForbidden, "role-not-allowed")
	officer.post("/v1/users/"+deskAdmin.String()+"/password", `{"new_password":"temporary-password"}`).wantProblem(http.StatusForbidden, "role-not-allowed")

	officer.post(own+"/password", `{"new_password":"my-own-password"}`).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	officer.post(own+"/password", `{"current_password":"wrong-password","new_password":"my-own-password"}`).wantProblem(http.StatusUnauthorized, "invalid-credentials")
	officer.post(own+"/password", `{"current_password":"`+deskPassword+`","new_password":"my-own-password"}`).want(http.StatusNoContent)
	d.client.post("/v1/sessions", credentials("officer", "my-own-password")).want(http.StatusCreated)
	d.client.post("/v1/sessions", credentials("officer", deskPassword)).wantProblem(http.StatusUnauthorized, "invalid-credentials")
}

func TestADeactivatedUserIsOut(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	admin, s := d.as("admin"), d.login("officer")
	var user struct {
		DeactivatedAt *string `json:"deactivated_at"`
	}
	for range 2 {
		admin.post("/v1/users/"+deskOfficer.String()+"/deactivate", "").want(http.StatusOK).into(&user)
		if user.DeactivatedAt == nil {
			t.Error("deactivated_at is null")
		}
	}
	d.client.post("/v1/sessions/refresh", fmt.Sprintf(`{"refresh_token":%q}`, s.RefreshToken)).wantProblem(http.StatusUnauthorized, "session-ended")
	d.client.post("/v1/sessions", credentials("officer", deskPassword)).wantProblem(http.StatusUnauthorized, "invalid-credentials")
	d.client.with("Authorization", "Bearer "+s.AccessToken).get("/v1/me").wantProblem(http.StatusUnauthorized, "session-ended")
	admin.post("/v1/users/"+deskAdmin.String()+"/deactivate", "").wantProblem(http.StatusUnprocessableEntity, "own-account")
	admin.post("/v1/users/"+deskOfficer.String()+"/password", `{"new_password":"temporary-password"}`).wantProblem(http.StatusConflict, "user-deactivated")
}

func TestAResetGivesAPasswordForOneLogin(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	admin := d.as("admin")
	path := "/v1/users/" + deskOfficer.String() + "/password"
	admin.post(path, `{"new_password":"temporary-password"}`).want(http.StatusNoContent)
	admin.post(path, `{"current_password":"x","new_password":"temporary-password"}`).wantProblem(http.StatusBadRequest, "unknown-field")
	admin.post(path, `{"new_password":"the-officer-knows"}`).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	d.client.post("/v1/sessions", credentials("officer", "temporary-password")).wantProblem(http.StatusForbidden, "password-change-required")

	var events struct {
		Items []struct{ Action, Actor string }
	}
	admin.get("/v1/users/" + deskOfficer.String() + "/events").want(http.StatusOK).into(&events)
	var actions []string
	for _, e := range events.Items {
		actions = append(actions, e.Action)
	}
	if !slices.Equal(actions, []string{"reset_password", "create"}) {
		t.Errorf("events %v, want reset_password after create, newest first", actions)
	}
}
