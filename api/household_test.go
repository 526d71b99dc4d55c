package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fumin/domain"
)

func TestAHouseholdIsCreatedMaskedAndFoundAgain(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	created := createAt(r.officer(), "/v1/households", newHousehold(1)).want(http.StatusCreated)
	wantMasked(t, created, 1)
	var h householdJSON
	created.into(&h)
	if got, want := created.header.Get("Location"), "/v1/households/"+h.ID.String(); got != want {
		t.Errorf("Location = %q, want %q", got, want)
	}
	if h.Address != "山东省****" || len(h.Members) != 1 || h.Members[0].Name != "王**" || h.Members[0].IDNumber != "****"+idNumber(1)[14:] ||
		h.Members[0].Relation != "head" || h.Members[0].JoinedOn != "2026-08-23" || h.HeadID != h.Members[0].ID {
		t.Errorf("household = %s", created.body)
	}
	read := r.officer().get("/v1/households/" + h.ID.String()).want(http.StatusOK)
	if diff := cmp.Diff(string(created.body), string(read.body)); diff != "" {
		t.Errorf("read differs from created (-created +read):\n%s", diff)
	}
	if read.header.Get("ETag") != `"1"` {
		t.Errorf("ETag = %q, want \"1\"", read.header.Get("ETag"))
	}
}

func TestAHouseholdKeepsTheIDOfATabletOffline(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	id := uuid.NewString()
	var h householdJSON
	createAt(r.officer(), "/v1/households", newHousehold(1).but(fields{"id": id})).want(http.StatusCreated).into(&h)
	if h.ID.String() != id {
		t.Errorf("id = %s, want %s", h.ID, id)
	}
	createAt(r.officer(), "/v1/households", newHousehold(2).but(fields{"id": id})).wantProblem(http.StatusConflict, "id-exists")
}

func TestEverythingWrongWithAHouseholdIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	p := createAt(r.officer().bad(), "/v1/households", fields{
		"id": "X", "village_code": "371503", "address": "村", "head": fields{"name": "A1", "id_number": idNumber(1)[:17] + "A"},
	}).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	want := []string{
		"/address address-length", "/head/id_number id-number-characters", "/head/name name-characters", "/id invalid-id",
		"/village_code village-code-invalid",
	}
	if diff := cmp.Diff(want, p.fields()); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	// What only the whole record can tell stands beside what a parser refuses.
	unborn := "37159920990101" + "0095"
	p = createAt(r.officer().bad(), "/v1/households", newHousehold(1).but(fields{
		"village_code": nil, "head": fields{"name": "王吉华", "id_number": unborn},
	})).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	if got := p.fields(); len(got) != 2 || !strings.HasPrefix(got[0], "/head/id_number id-number-") || got[1] != "/village_code required" {
		t.Errorf("fields = %q", got)
	}
}

func TestOneHouseholdKeyMakesOneHousehold(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	c := r.officer().with("Idempotency-Key", "tablet-7/1")
	body := newHousehold(1).text(t)
	statuses := atOnce(20, func(int) int { return c.post("/v1/households", body).status })
	if diff := cmp.Diff(times(20, http.StatusCreated), statuses); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	if n := r.count("SELECT COUNT(*) FROM households"); n != 1 {
		t.Errorf("households = %d, want 1", n)
	}
	again := c.post("/v1/households", body).want(http.StatusCreated)
	if again.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("a repeated request is not marked as replayed")
	}
	c.post("/v1/households", newHousehold(2).text(t)).wantProblem(http.StatusUnprocessableEntity, "idempotency-key-reused")
	r.officer().bad().post("/v1/households", body).wantProblem(http.StatusBadRequest, "idempotency-key-required")
}

func TestAPersonIsInOneHouseholdAtATime(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	h := r.household(r.officer(), 1)
	p := createAt(r.officer(), "/v1/households", newHousehold(1)).wantProblem(http.StatusConflict, "person-in-household")
	if !strings.Contains(p.Detail, h.ID.String()) {
		t.Errorf("detail = %q, want it to name %s", p.Detail, h.ID)
	}
	p = createAt(r.as(domain.RoleLoanOfficer, branchB), "/v1/households", newHousehold(1)).wantProblem(http.StatusConflict, "person-known-elsewhere")
	if strings.Contains(p.Detail, h.ID.String()) || !strings.Contains(p.Detail, "茌平支行") {
		t.Errorf("detail = %q, want the branch and not the id", p.Detail)
	}
	statuses := atOnce(20, func(int) int { return createAt(r.officer(), "/v1/households", newHousehold(2)).status })
	if diff := cmp.Diff(append([]int{http.StatusCreated}, times(19, http.StatusConflict)...), statuses); diff != "" {
		t.Errorf("twenty households of one head at once (-want +got):\n%s", diff)
	}
}

func TestHouseholdsOfAnotherBranchAreNotFound(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	h := r.household(r.officer(), 1)
	path := "/v1/households/" + h.ID.String()
	r.as(domain.RoleLoanOfficer, branchB).get(path).wantProblem(http.StatusNotFound, "household-not-found")
	r.officer().get("/v1/households/"+uuid.NewString()).wantProblem(http.StatusNotFound, "household-not-found")
	r.as(domain.RoleAuditor, headOffice).get(path).want(http.StatusOK)
	b := r.farmer(r.officer(), 2)
	r.asBorrower(b.ID).get(path).wantProblem(http.StatusNotFound, "household-not-found")

	for _, who := range []struct {
		client *client
		want   int
	}{
		{r.officer(), 2}, {r.as(domain.RoleLoanOfficer, branchB), 0}, {r.as(domain.RoleAuditor, headOffice), 2}, {r.asBorrower(b.ID), 0},
	} {
		var list struct{ Items []householdJSON }
		who.client.get("/v1/households?village_code=" + village).want(http.StatusOK).into(&list)
		if len(list.Items) != who.want {
			t.Errorf("%s sees %d households, want %d", who.client.header.Get("Authorization"), len(list.Items), who.want)
		}
	}
}

func TestOnlyALoanOfficerCreatesHouseholds(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	for _, role := range domain.Roles() {
		if role == domain.RoleLoanOfficer || role == domain.RoleSystem {
			continue
		}
		createAt(r.as(role, branchA), "/v1/households", newHousehold(1)).wantProblem(http.StatusForbidden, "role-not-allowed")
	}
	createAt(r.client, "/v1/households", newHousehold(1)).want(http.StatusUnauthorized)
}

func TestHouseholdsAreListedByPages(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	var made []domain.ID
	for n := range 5 {
		made = append(made, r.household(r.officer(), n).ID)
	}
	slices.Reverse(made)
	var seen []domain.ID
	path := "/v1/households?limit=2"
	for path != "" && len(seen) < 10 {
		var page struct {
			Items []householdJSON
			Next  *string
		}
		r.officer().get(path).want(http.StatusOK).into(&page)
		for _, h := range page.Items {
			seen = append(seen, h.ID)
		}
		path = ""
		if page.Next != nil {
			path = *page.Next
		}
	}
	if diff := cmp.Diff(made, seen); diff != "" {
		t.Errorf("households, newest first (-want +got):\n%s", diff)
	}
}
