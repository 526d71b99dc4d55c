package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

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

// join adds the n-th person of a test to a household and returns the person's id.
func (r *register) join(c *client, householdID domain.ID, n int, relation string) domain.ID {
	r.t.Helper()
	var h householdJSON
	createAt(c, "/v1/households/"+householdID.String()+"/members", fields{
		"name": "王小明", "id_number": idNumber(n), "relation": relation, "on": "2020-01-01", "reason": "登记家庭成员",
	}).want(http.StatusCreated).into(&h)
	return h.Members[len(h.Members)-1].ID
}

func TestAMemberJoinsAndLeavesAndTheHistoryStays(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	h := r.household(r.officer(), 1)
	path := "/v1/households/" + h.ID.String()
	member := r.join(r.officer(), h.ID, 2, "child")
	leave := fields{"on": "2026-08-23", "reason": "迁出"}.text(t)
	r.officer().post(path+"/members/"+h.HeadID.String()+"/leave", leave).wantProblem(http.StatusUnprocessableEntity, "household-head-stays")
	r.as(domain.RoleLoanOfficer, branchB).post(path+"/members/"+member.String()+"/leave", leave).wantProblem(http.StatusNotFound, "household-not-found")
	r.as(domain.RoleApprover, branchA).post(path+"/members/"+member.String()+"/leave", leave).wantProblem(http.StatusForbidden, "role-not-allowed")
	var after householdJSON
	left := r.officer().post(path+"/members/"+member.String()+"/leave", leave).want(http.StatusOK)
	wantMasked(t, left, 2)
	left.into(&after)
	if len(after.Members) != 2 || after.Members[1].LeftOn != "2026-08-23" || after.Version != 3 {
		t.Errorf("household = %s, want both stays, the second ended, version 3", left.body)
	}
	r.officer().post(path+"/members/"+member.String()+"/leave", leave).wantProblem(http.StatusConflict, "member-not-present")
	if diff := cmp.Diff([]string{"create", "join", "leave"}, history(t, r.officer(), path)); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	// Who has left may be elsewhere.
	other := r.household(r.officer(), 3)
	createAt(r.officer(), "/v1/households/"+other.ID.String()+"/members", fields{
		"name": "王小明", "id_number": idNumber(2), "relation": "child_in_law", "on": "2026-08-23", "reason": "结婚",
	}).want(http.StatusCreated)
}

func TestWhoIsInAHouseholdJoinsNoOther(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	h := r.household(r.officer(), 1)
	households := make([]domain.ID, 20)
	for i := range households {
		households[i] = r.household(r.officer(), 10+i).ID
	}
	body := fields{"name": "王小明", "id_number": idNumber(1), "relation": "sibling", "on": "2026-08-23", "reason": "登记"}
	p := createAt(r.officer(), "/v1/households/"+households[0].String()+"/members", body).wantProblem(http.StatusConflict, "person-in-household")
	if !strings.Contains(p.Detail, h.ID.String()) {
		t.Errorf("detail = %q, want it to name %s", p.Detail, h.ID)
	}
	createAt(r.officer(), "/v1/households/"+h.ID.String()+"/members", body).wantProblem(http.StatusConflict, "member-present")
	// One person joins twenty households at once: one of them has him.
	statuses := atOnce(20, func(i int) int {
		return createAt(r.officer(), "/v1/households/"+households[i].String()+"/members", body.but(fields{"id_number": idNumber(2)})).status
	})
	if diff := cmp.Diff(append([]int{http.StatusCreated}, times(19, http.StatusConflict)...), statuses); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
}

func TestEverythingWrongWithANewMemberIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	path := "/v1/households/" + r.household(r.officer(), 1).ID.String()
	p := createAt(r.officer().bad(), path+"/members", fields{
		"name": "A1", "id_number": "1", "relation": "head", "on": "2026-08-24",
	}).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	want := []string{
		"/id_number id-number-length", "/name name-characters", "/on in-the-future", "/reason required", "/relation household-head",
	}
	if diff := cmp.Diff(want, p.fields()); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	p = r.officer().post(path+"/members/"+uuid.NewString()+"/leave", fields{"on": "2026-08-24", "reason": "迁出"}.text(t)).
		wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	if diff := cmp.Diff([]string{"/on in-the-future"}, p.fields()); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}

func TestAnotherMemberBecomesHead(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	h := r.household(r.officer(), 1)
	path := "/v1/households/" + h.ID.String()
	heir := r.join(r.officer(), h.ID, 2, "child")
	change := fields{"member_id": heir, "on": "2026-08-23", "reason": "原户主年事已高"}
	r.officer().post(path+"/head", change.text(t)).wantProblem(http.StatusBadRequest, "household-relations")
	var after householdJSON
	r.officer().post(path+"/head", change.but(fields{
		"relations": []fields{{"member_id": h.HeadID, "relation": "parent"}},
	}).text(t)).want(http.StatusOK).into(&after)
	if after.HeadID != heir || after.Members[0].Relation != "parent" || after.Members[1].Relation != "head" {
		t.Errorf("household = %+v, want %s as head and the former one as parent", after, heir)
	}
}

type pairJSON struct{ Household, Other householdJSON }

func TestASplitMovesMembersAndTheirFiles(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	h := r.household(r.officer(), 1)
	path := "/v1/households/" + h.ID.String()
	son, wife := r.join(r.officer(), h.ID, 2, "child"), r.join(r.officer(), h.ID, 3, "child_in_law")
	var file borrowerJSON
	farmer := newFarmer(2, h.ID).but(fields{"name": "王小明"})
	farmer["payout_account"].(fields)["account_name"] = "王小明"
	createAt(r.officer(), "/v1/borrowers", farmer).want(http.StatusCreated).into(&file)

	split := fields{
		"member_ids": []domain.ID{son, wife}, "head_id": son, "relations": []fields{{"member_id": wife, "relation": "spouse"}},
		"address": "山东省聊城市茌平区冯官屯镇刘马村13号", "on": "2026-08-23", "reason": "子女成家",
	}
	c := r.officer().with("Idempotency-Key", "split-1")
	answered := c.post(path+"/split", split.text(t)).want(http.StatusCreated)
	wantMasked(t, answered, 2)
	var pair pairJSON
	answered.into(&pair)
	if pair.Household.Members[1].LeftOn != "2026-08-23" || pair.Household.Members[2].LeftOn != "2026-08-23" ||
		pair.Other.HeadID != son || len(pair.Other.Members) != 2 {
		t.Errorf("after the split: %s", answered.body)
	}
	var replayed pairJSON
	again := c.post(path+"/split", split.text(t)).want(http.StatusCreated)
	again.into(&replayed)
	if again.header.Get("Idempotency-Replayed") != "true" || replayed.Other.ID != pair.Other.ID {
		t.Errorf("the repeated request answers %s, want the same new household, marked as replayed", again.body)
	}
	var moved borrowerJSON
	r.officer().get("/v1/borrowers/" + file.ID.String()).want(http.StatusOK).into(&moved)
	if moved.HouseholdID != pair.Other.ID || moved.Version != 2 {
		t.Errorf("the file names household %s at version %d, want %s at 2", moved.HouseholdID, moved.Version, pair.Other.ID)
	}
	if diff := cmp.Diff([]string{"create", "follow_household"}, history(t, r.officer(), "/v1/borrowers/"+file.ID.String())); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	var list struct{ Items []suspicionJSON }
	r.officer().get("/v1/borrowers/" + file.ID.String() + "/suspicions").want(http.StatusOK).into(&list)
	if len(list.Items) != 1 || list.Items[0].Kind != "recent_split" || *list.Items[0].OtherHouseholdID != h.ID {
		t.Errorf("suspicions = %+v, want the recent split from %s", list.Items, h.ID)
	}

	// And back again, the day after.
	r.at(time.Date(2026, 8, 24, 1, 30, 0, 0, time.UTC))
	merge := fields{
		"household_id": pair.Other.ID, "on": "2026-08-24", "reason": "合户",
		"relations": []fields{{"member_id": son, "relation": "child"}, {"member_id": wife, "relation": "child_in_law"}},
	}
	r.officer().post(path+"/merge", merge.text(t)).want(http.StatusOK).into(&pair)
	if len(pair.Household.Members) != 5 || pair.Other.ID == h.ID {
		t.Errorf("after the merger: %+v", pair)
	}
	r.officer().get("/v1/borrowers/" + file.ID.String()).want(http.StatusOK).into(&moved)
	if moved.HouseholdID != h.ID || moved.Version != 3 {
		t.Errorf("the file names household %s at version %d, want %s at 3", moved.HouseholdID, moved.Version, h.ID)
	}
	r.officer().post(path+"/merge", merge.text(t)).wantProblem(http.StatusConflict, "household-ended")
}

func TestARefusedSplitChangesNothing(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	h := r.household(r.officer(), 1)
	path := "/v1/households/" + h.ID.String()
	son := r.join(r.officer(), h.ID, 2, "child")
	split := fields{"member_ids": []domain.ID{son}, "head_id": son, "on": "2026-08-23", "reason": "分户"}
	createAt(r.officer(), path+"/split", split.but(fields{"head_id": h.HeadID})).wantProblem(http.StatusBadRequest, "household-split-members")
	createAt(r.officer(), path+"/split", split.but(fields{"member_ids": []domain.ID{h.HeadID}, "head_id": h.HeadID})).
		wantProblem(http.StatusUnprocessableEntity, "household-head-stays")
	createAt(r.officer(), path+"/split", split.but(fields{"land_ids": []string{uuid.NewString()}})).wantProblem(http.StatusBadRequest, "household-split-land")
	createAt(r.officer(), path+"/split", split.but(fields{"id": h.ID})).wantProblem(http.StatusConflict, "id-exists")
	createAt(r.as(domain.RoleLoanOfficer, branchB), path+"/split", split).wantProblem(http.StatusNotFound, "household-not-found")
	createAt(r.as(domain.RoleAuditor, branchA), path+"/split", split).wantProblem(http.StatusForbidden, "role-not-allowed")
	other := r.household(r.as(domain.RoleLoanOfficer, branchB), 5)
	p := r.officer().post(path+"/merge", fields{"household_id": other.ID, "on": "2026-08-23", "reason": "并户"}.text(t)).
		wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	if diff := cmp.Diff([]string{"/household_id household-not-found"}, p.fields()); diff != "" {
		t.Errorf("merging with another branch's (-want +got):\n%s", diff)
	}
	var after householdJSON
	r.officer().get(path).want(http.StatusOK).into(&after)
	if after.Version != 2 || r.count("SELECT COUNT(*) FROM households") != 2 {
		t.Errorf("version = %d, want 2 as before the refusals", after.Version)
	}
}

func TestWhatAVisitFoundIsAddedAndNothingReplaced(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	path := "/v1/households/" + r.household(r.officer(), 1).ID.String()
	found := fields{
		"lands": []fields{
			{"kind": "contracted", "area_mu": "12.5", "place": "村东"},
			{"kind": "leased", "area_mu": "30", "contract_until": "2026-08-22"}, // ended yesterday
		},
		"livestock": []fields{{"kind": "duck", "heads": 6000, "counted_on": "2026-08-23"}},
		"crops":     []fields{{"kind": "wheat", "area_mu": "12.50", "year": 2026, "harvest_month": 6}},
	}
	c := r.officer().with("Idempotency-Key", "visit-1")
	c.post(path+"/property", found.text(t)).want(http.StatusCreated)
	c.post(path+"/property", found.text(t)).want(http.StatusCreated)
	createAt(r.officer(), path+"/property", fields{"livestock": []fields{{"kind": "duck", "heads": 0, "counted_on": "2026-08-23"}}}).want(http.StatusCreated)
	var after struct {
		LandAreaMu string `json:"land_area_mu"`
		Lands      []struct{ ID domain.ID }
		Livestock  []struct{ Heads int }
		Crops      []struct{ Year int }
		Version    int
	}
	r.officer().get(path).want(http.StatusOK).into(&after)
	if after.LandAreaMu != "12.50" || len(after.Lands) != 2 || len(after.Livestock) != 2 || after.Livestock[0].Heads != 6000 || len(after.Crops) != 1 || after.Version != 3 {
		t.Errorf("household = %+v, want 12.50 mu today, two plots, two counts, one crop, version 3", after)
	}
	p := createAt(r.officer().bad(), path+"/property", fields{
		"lands":     []fields{{"kind": "leased", "area_mu": "1.234"}, {"kind": "moon", "area_mu": "0"}},
		"livestock": []fields{{"kind": "duck", "heads": -1, "counted_on": "2026-08-24"}},
		"crops":     []fields{{"kind": "wheat", "area_mu": "1", "year": 2026, "harvest_month": 13}},
	}).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	want := []string{
		"/crops/0/harvest_month out-of-range", "/lands/0/area_mu area-invalid", "/lands/0/contract_until required",
		"/lands/1/area_mu required", "/lands/1/kind unknown-value", "/livestock/0/counted_on in-the-future", "/livestock/0/heads out-of-range",
	}
	if diff := cmp.Diff(want, p.fields()); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	createAt(r.as(domain.RoleLoanOfficer, branchB), path+"/property", found).wantProblem(http.StatusNotFound, "household-not-found")
	createAt(r.as(domain.RoleApprover, branchA), path+"/property", found).wantProblem(http.StatusForbidden, "role-not-allowed")
}

func TestADeclaredAndAVerifiedSumStandSideBySide(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	path := "/v1/households/" + r.household(r.officer(), 1).ID.String()
	type sum struct {
		Declared, Verified *string
		VerifiedBasis      string `json:"verified_basis"`
	}
	var after struct {
		Figures []struct {
			Year          int
			Income, Debts sum
		}
	}
	p := r.officer().post(path+"/figures", `{"year":2025,"income_declared":"120000"}`).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	if diff := cmp.Diff([]string{"/debts_declared required"}, p.fields()); diff != "" {
		t.Errorf("income without debts (-want +got):\n%s", diff)
	}
	r.officer().post(path+"/figures", `{"year":2025,"income_declared":"120000","debts_declared":"0"}`).want(http.StatusOK)
	r.officer().post(path+"/figures", `{"year":2025,"income_verified":"98000.99","verified_basis":"银行流水"}`).want(http.StatusOK)
	r.officer().post(path+"/figures", `{"year":2025,"income_declared":"110000"}`).want(http.StatusOK).into(&after)
	income, debts := after.Figures[0].Income, after.Figures[0].Debts
	if len(after.Figures) != 1 || *income.Declared != "110000.00" || *income.Verified != "98000.99" || income.VerifiedBasis != "银行流水" ||
		*debts.Declared != "0.00" || debts.Verified != nil {
		t.Errorf("figures = %+v", after.Figures)
	}
	for body, want := range map[string]string{
		`{"year":2025}`: "/income_declared required",
		`{"year":2027,"income_declared":"1","debts_declared":"1"}`:  "/year in-the-future",
		`{"year":2025,"income_verified":"1"}`:                       "/verified_basis required",
		`{"year":2025,"income_declared":"1","verified_basis":"听说"}`: "/verified_basis without-verified",
		`{"year":2025,"income_declared":"-1"}`:                      "/income_declared negative",
		`{"year":2025,"income_declared":"1.001"}`:                   "/income_declared too-many-decimals",
	} {
		p := r.officer().bad().post(path+"/figures", body).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
		if len(p.fields()) == 0 || p.fields()[0] != want {
			t.Errorf("%s: fields = %q, want %s first", body, p.fields(), want)
		}
	}
}
