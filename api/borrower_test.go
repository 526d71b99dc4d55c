package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fumin/domain"
)

func TestAFarmerIsCreatedMaskedAndFoundAgain(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	h := r.household(r.officer(), 1)
	created := createAt(r.officer(), "/v1/borrowers", newFarmer(1, h.ID)).want(http.StatusCreated)
	wantMasked(t, created, 1)
	var b borrowerJSON
	created.into(&b)
	if got, want := created.header.Get("Location"), "/v1/borrowers/"+b.ID.String(); got != want {
		t.Errorf("Location = %q, want %q", got, want)
	}
	if b.Name != "王**" || b.IDNumber != "****"+idNumber(1)[14:] || b.Phone != "****0001" || b.AgeYears != 58 || b.Sex != "male" ||
		b.BranchID != branchA || b.HouseholdID != h.ID {
		t.Errorf("borrower = %s", created.body)
	}
	if len(b.Accounts) != 1 || b.Accounts[0].Number != "****0018" || b.Accounts[0].VerifiedHow != "document_seen" ||
		b.Accounts[0].VerifiedBy != b.OfficerID || b.PayoutAccountID != b.Accounts[0].ID {
		t.Errorf("account = %+v, payout account %s", b.Accounts, b.PayoutAccountID)
	}
	if len(b.Consents) != 1 || !b.Consents[0].Live {
		t.Errorf("consents = %+v, want one that is live", b.Consents)
	}
	read := r.officer().get("/v1/borrowers/" + b.ID.String()).want(http.StatusOK)
	if diff := cmp.Diff(string(created.body), string(read.body)); diff != "" {
		t.Errorf("read differs from created (-created +read):\n%s", diff)
	}
}

func TestACooperativeIsCreatedWithItsChair(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	cooperative := fields{
		"kind": "cooperative", "name": "高唐县一诺苗木种植专业合作社", "credit_code": "93371526MA3C4X0Y0E", "phone": "0635-3950000",
		"region_code": "371526901201", "address": "山东省聊城市高唐县赵寨子镇解庄村",
		"organisation": fields{
			"registered_on":  "2015-04-10",
			"representative": fields{"name": "刘明勇", "id_number": idNumber(3), "role": "chair"},
			"shareholders":   []fields{{"name": "刘明勇", "id_number": idNumber(3), "share_pct": "52"}},
		},
	}
	created := createAt(r.officer(), "/v1/borrowers", cooperative.but(fields{"credit_code": creditCode("93371526MA3C4X0Y0")})).want(http.StatusCreated)
	for _, secret := range []string{"刘明勇", idNumber(3), "一诺", "解庄", "3950000"} {
		if strings.Contains(string(created.body), secret) {
			t.Errorf("the answer shows %q: %s", secret, created.body)
		}
	}
	var b borrowerJSON
	created.into(&b)
	read := r.officer().get("/v1/borrowers/" + b.ID.String()).want(http.StatusOK)
	if diff := cmp.Diff(string(created.body), string(read.body)); diff != "" {
		t.Errorf("read differs from created (-created +read):\n%s", diff)
	}
	p := createAt(r.officer(), "/v1/borrowers", cooperative.but(fields{"credit_code": creditCode("93371526MA3C4X0Y0")})).
		wantProblem(http.StatusConflict, "borrower-exists")
	if !strings.Contains(p.Detail, b.ID.String()) {
		t.Errorf("detail = %q, want it to name %s", p.Detail, b.ID)
	}
}

// creditCode completes 17 characters of a unified social credit code by its check character (GB 32100).
func creditCode(body string) string {
	const alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
	sum, weight := 0, 1
	for i := range len(body) {
		sum += weight * strings.IndexByte(alphabet, body[i])
		weight = weight * 3 % 31
	}
	return body + string(alphabet[(31-sum%31)%31])
}

func TestEverythingWrongWithABorrowerIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	c := r.officer().bad()
	p := createAt(c, "/v1/borrowers", fields{
		"kind": "farmer", "name": "王", "id_number": idNumber(1)[:17] + "Z", "credit_code": creditCode("92371526MA3C4X0Y0"),
		"phone": "12345", "other_phones": []string{"13900000001", "转8001"},
		"payout_account": fields{"number": "6228480000000000019", "account_name": "王吉华", "bank_name": "农业银行", "verified_how": "small_transfer"},
		"consents": []fields{
			{"kind": "credit_enquiry", "text_version": "x y", "given_how": "paper", "given_at": "2026-08-24T01:00:00Z"},
			{"kind": "marketing", "text_version": "x", "given_how": "paper", "given_at": "yesterday"},
		},
	}).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	want := []string{
		"/consents/0/given_at in-the-future", "/consents/0/text_version text-version-invalid", "/consents/0/until consent-without-end",
		"/consents/1/given_at invalid-instant", "/consents/1/kind unknown-value",
		"/credit_code not-for-this-kind", "/household_id required", "/id_number id-number-characters", "/name name-length",
		"/other_phones/1 phone-extension", "/payout_account/number bank-account-check-digit", "/payout_account/verified_how verification-later",
		"/phone phone-invalid",
	}
	if diff := cmp.Diff(want, p.fields()); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}

	h := r.household(r.officer(), 1)
	p = createAt(c, "/v1/borrowers", newFarmer(1, h.ID).but(fields{"payout_account": fields{
		"number": "6228480000000000018", "account_name": "李四", "bank_name": "农业银行", "verified_how": "document_seen",
	}})).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	if diff := cmp.Diff([]string{"/payout_account/account_name payout-account-name"}, p.fields()); diff != "" {
		t.Errorf("another's account (-want +got):\n%s", diff)
	}
	createAt(c, "/v1/borrowers", newFarmer(1, h.ID).but(fields{"nickname": "x"})).wantProblem(http.StatusBadRequest, "unknown-field")
}

func TestABorrowerMustLiveInTheHousehold(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	h := r.household(r.officer(), 1)
	elsewhere := r.household(r.as(domain.RoleLoanOfficer, branchB), 3)
	for what, check := range map[string]struct {
		body fields
		want string
	}{
		"somebody else":            {newFarmer(2, h.ID), "/household_id not-in-household"},
		"unknown household":        {newFarmer(2, domain.ID(uuid.NewString())), "/household_id household-not-found"},
		"another branch's, a leak": {newFarmer(3, elsewhere.ID), "/household_id household-not-found"},
	} {
		p := createAt(r.officer(), "/v1/borrowers", check.body).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
		if diff := cmp.Diff([]string{check.want}, p.fields()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
}

func TestTwentyCapturesOfOneNumberMakeOneBorrower(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	h := r.household(r.officer(), 1)
	statuses := atOnce(20, func(i int) int {
		body := newFarmer(1, h.ID).but(fields{"phone": fmt.Sprintf("1380000%04d", i)})
		return createAt(r.officer(), "/v1/borrowers", body).status
	})
	if diff := cmp.Diff(append([]int{http.StatusCreated}, times(19, http.StatusConflict)...), statuses); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	if n := r.count("SELECT COUNT(*) FROM borrowers"); n != 1 {
		t.Errorf("borrowers = %d, want 1", n)
	}
	if n := r.count("SELECT COUNT(*) FROM borrower_events WHERE subject = 'borrower'"); n != 1 {
		t.Errorf("events of borrowers = %d, want 1", n)
	}
}

func TestOneBorrowerKeyMakesOneBorrower(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	h := r.household(r.officer(), 1)
	c := r.officer().with("Idempotency-Key", "tablet-7/2")
	body := newFarmer(1, h.ID).text(t)
	bodies := make([]string, 20)
	statuses := atOnce(20, func(i int) int {
		a := c.post("/v1/borrowers", body)
		bodies[i] = string(a.body)
		return a.status
	})
	if diff := cmp.Diff(times(20, http.StatusCreated), statuses); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	for _, other := range bodies[1:] {
		if diff := cmp.Diff(bodies[0], other); diff != "" {
			t.Fatalf("two answers to one key differ:\n%s", diff)
		}
	}
	c.post("/v1/borrowers", newFarmer(2, h.ID).text(t)).wantProblem(http.StatusUnprocessableEntity, "idempotency-key-reused")
	r.officer().bad().post("/v1/borrowers", body).wantProblem(http.StatusBadRequest, "idempotency-key-required")
}

func TestAKnownNumberIsNamedOnlyToWhomMaySeeIt(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	b := r.farmer(r.officer(), 1)
	p := createAt(r.officer(), "/v1/borrowers", newFarmer(1, b.HouseholdID)).wantProblem(http.StatusConflict, "borrower-exists")
	if !strings.Contains(p.Detail, b.ID.String()) {
		t.Errorf("detail = %q, want it to name %s", p.Detail, b.ID)
	}
	other := r.as(domain.RoleLoanOfficer, branchB)
	townsman := newFarmer(1, "").but(fields{
		"household_id": nil, "kind": "sole_proprietor", "credit_code": creditCode("92371526MA3C4X0Y0"),
		"region_code": "371526", "address": "山东省聊城市高唐县人和街道", "payout_account": nil,
	})
	p = createAt(other, "/v1/borrowers", townsman).wantProblem(http.StatusConflict, "borrower-known-elsewhere")
	if strings.Contains(p.Detail, b.ID.String()) || !strings.Contains(p.Detail, "茌平支行") {
		t.Errorf("detail = %q, want the branch and not the id", p.Detail)
	}
}

func TestBorrowersAreSeenInTheirScopeOnly(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	first, second := r.farmer(r.officer(), 1), r.farmer(r.officer(), 2)
	other := r.as(domain.RoleLoanOfficer, branchB)
	path := "/v1/borrowers/" + first.ID.String()
	other.get(path).wantProblem(http.StatusNotFound, "borrower-not-found")
	r.officer().get("/v1/borrowers/"+uuid.NewString()).wantProblem(http.StatusNotFound, "borrower-not-found")
	r.asBorrower(second.ID).get(path).wantProblem(http.StatusNotFound, "borrower-not-found")
	r.asBorrower(first.ID).get(path).want(http.StatusOK)
	r.as(domain.RoleAuditor, headOffice).get(path).want(http.StatusOK)
	r.client.get(path).want(http.StatusUnauthorized)

	for _, who := range []struct {
		client *client
		want   int
	}{
		{r.officer(), 2}, {other, 0}, {r.as(domain.RoleApprover, headOffice), 2}, {r.asBorrower(first.ID), 1},
	} {
		var list struct{ Items []borrowerJSON }
		listed := who.client.get("/v1/borrowers").want(http.StatusOK)
		wantMasked(t, listed, 1)
		listed.into(&list)
		var found struct{ Items []borrowerJSON }
		who.client.post("/v1/borrowers/search", `{"name_prefix":"王"}`).want(http.StatusOK).into(&found)
		if len(list.Items) != who.want || len(found.Items) != who.want {
			t.Errorf("%s lists %d and finds %d, want %d", who.client.header.Get("Authorization"), len(list.Items), len(found.Items), who.want)
		}
	}
}

func TestOnlyALoanOfficerCreatesBorrowers(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	h := r.household(r.officer(), 1)
	for _, role := range domain.Roles() {
		if role == domain.RoleLoanOfficer || role == domain.RoleSystem {
			continue
		}
		createAt(r.as(role, branchA), "/v1/borrowers", newFarmer(1, h.ID)).wantProblem(http.StatusForbidden, "role-not-allowed")
	}
}

func TestBorrowersAreFoundByNumberNamePhoneVillageAndOfficer(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	var made []borrowerJSON
	for n, name := range []string{"王吉华", "王𠮷", "王䶮", "阿卜杜拉·买买提"} {
		body := newHousehold(n)
		body["head"].(fields)["name"] = name
		var h householdJSON
		createAt(r.officer(), "/v1/households", body).want(http.StatusCreated).into(&h)
		var b borrowerJSON
		farmer := newFarmer(n, h.ID).but(fields{"name": name, "other_phones": []string{fmt.Sprintf("1380000000%d", n)}})
		farmer["payout_account"].(fields)["account_name"] = name
		createAt(r.officer(), "/v1/borrowers", farmer).want(http.StatusCreated).into(&b)
		made = append(made, b)
	}
	for what, search := range map[string]struct {
		body fields
		want []int
	}{
		"number":              {fields{"id_number": strings.ToLower(idNumber(1))}, []int{1}},
		"nobody's number":     {fields{"id_number": idNumber(9)}, nil},
		"first phone":         {fields{"phone": "+86 139-0000-0002"}, []int{2}},
		"other phone":         {fields{"phone": "13800000003"}, []int{3}},
		"surname":             {fields{"name_prefix": "王"}, []int{2, 1, 0}},
		"rare character":      {fields{"name_prefix": "王𠮷"}, []int{1}},
		"another rare one":    {fields{"name_prefix": "王䶮"}, []int{2}},
		"minority name":       {fields{"name_prefix": "阿卜杜拉•"}, []int{3}},
		"wildcard is no wild": {fields{"name_prefix": "王_"}, nil},
		"village":             {fields{"village_code": village}, []int{3, 2, 1, 0}},
		"officer":             {fields{"officer_id": made[0].OfficerID}, []int{3, 2, 1, 0}},
		"all together":        {fields{"village_code": village, "name_prefix": "王吉", "phone": "13900000000"}, []int{0}},
		"contradiction":       {fields{"name_prefix": "王吉", "phone": "13900000001"}, nil},
	} {
		if what == "wildcard is no wild" {
			r.officer().bad().post("/v1/borrowers/search", search.body.text(t)).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
			continue
		}
		var found struct{ Items []borrowerJSON }
		r.officer().post("/v1/borrowers/search", search.body.text(t)).want(http.StatusOK).into(&found)
		var got, want []domain.ID
		for _, b := range found.Items {
			got = append(got, b.ID)
		}
		for _, n := range search.want {
			want = append(want, made[n].ID)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s %v (-want +got):\n%s", what, search.body, diff)
		}
	}
}

func TestASearchGoesOnAfterItsLastRow(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	want := map[domain.ID]bool{}
	for n := range 5 {
		want[r.farmer(r.officer(), n).ID] = true
	}
	body := fields{"name_prefix": "王", "limit": 2}
	for range 3 {
		var found struct {
			Items []borrowerJSON
			After *domain.ID
		}
		r.officer().post("/v1/borrowers/search", body.text(t)).want(http.StatusOK).into(&found)
		for _, b := range found.Items {
			if !want[b.ID] {
				t.Errorf("%s is found twice, or nobody's", b.ID)
			}
			delete(want, b.ID)
		}
		if found.After == nil {
			break
		}
		body["after"] = *found.After
	}
	if len(want) != 0 {
		t.Errorf("not found: %v", want)
	}
}

func TestNoPersonalNumberReachesADatabaseColumnInClear(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	r.farmer(r.officer(), 1)
	for _, table := range []string{"households", "household_members", "borrowers", "borrower_phones", "bank_accounts", "consents", "borrower_events"} {
		wantNothingInClear(t, r, table)
	}
}

func wantNothingInClear(t *testing.T, r *register, table string) {
	t.Helper()
	rows, err := r.db.QueryContext(t.Context(), "SELECT * FROM "+table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for rows.Next() {
		read++
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new([]byte)
		}
		if err := rows.Scan(values...); err != nil {
			t.Fatal(err)
		}
		for i, value := range values {
			for _, secret := range []string{idNumber(1), idNumber(1)[6:14], "13900000001", "6228480000000000018", "刘马村"} {
				if strings.Contains(string(*value.(*[]byte)), secret) {
					t.Errorf("%s.%s holds %q in clear", table, columns[i], secret)
				}
			}
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if read == 0 {
		t.Errorf("%s is empty: the test looked at nothing", table)
	}
}
