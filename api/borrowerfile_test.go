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

type eventJSON struct {
	Action    string `json:"action"`
	Version   *int   `json:"version"`
	ActorRole string `json:"actor_role"`
	Detail    []struct{ Name, Value string }
}

// history returns the actions on a household or a borrower, oldest first.
func history(t *testing.T, c *client, path string) []string {
	t.Helper()
	var list struct{ Items []eventJSON }
	c.get(path + "/events").want(http.StatusOK).into(&list)
	var actions []string
	for _, event := range slices.Backward(list.Items) {
		actions = append(actions, event.Action)
	}
	return actions
}

func TestARevealShowsEverythingAndIsAnAuditRow(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	b := r.farmer(r.officer(), 1)
	path := "/v1/borrowers/" + b.ID.String()
	shown := r.officer().post(path+"/reveal", `{"reason":"电话核实收款账户"}`).want(http.StatusOK)
	for _, text := range []string{"王吉华", idNumber(1), "1968-05-04", "13900000001", "6228480000000000018"} {
		if !strings.Contains(string(shown.body), text) {
			t.Errorf("the reveal lacks %q: %s", text, shown.body)
		}
	}
	household := "/v1/households/" + b.HouseholdID.String()
	shown = r.officer().post(household+"/reveal", `{"reason":"上门核对"}`).want(http.StatusOK)
	for _, text := range []string{"王吉华", idNumber(1), "刘马村"} {
		if !strings.Contains(string(shown.body), text) {
			t.Errorf("the reveal lacks %q: %s", text, shown.body)
		}
	}
	for _, at := range []string{path, household} {
		var list struct{ Items []eventJSON }
		r.as(domain.RoleAuditor, headOffice).get(at + "/events").want(http.StatusOK).into(&list)
		if len(list.Items) != 2 || list.Items[0].Action != "reveal" || list.Items[0].Version != nil ||
			list.Items[0].Detail[0].Name != "reason" || list.Items[1].Action != "create" {
			t.Errorf("events of %s = %+v, want the creation and the look with its reason", at, list.Items)
		}
	}
}

func TestARevealTakesAReasonARoleAndTheScope(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	b := r.farmer(r.officer(), 1)
	for _, path := range []string{"/v1/borrowers/" + b.ID.String(), "/v1/households/" + b.HouseholdID.String()} {
		r.officer().bad().post(path+"/reveal", `{}`).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
		r.officer().bad().post(path+"/reveal", `{"reason":" "}`).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
		r.as(domain.RoleAdmin, branchA).post(path+"/reveal", `{"reason":"看看"}`).wantProblem(http.StatusForbidden, "role-not-allowed")
		r.asBorrower(b.ID).post(path+"/reveal", `{"reason":"看看"}`).wantProblem(http.StatusForbidden, "role-not-allowed")
		other := r.as(domain.RoleLoanOfficer, branchB).post(path+"/reveal", `{"reason":"看看"}`).want(http.StatusNotFound)
		wantMasked(t, other, 1)
		r.as(domain.RoleLoanOfficer, branchB).get(path + "/events").want(http.StatusNotFound)
	}
	r.asBorrower(b.ID).get("/v1/borrowers/"+b.ID.String()+"/events").wantProblem(http.StatusForbidden, "role-not-allowed")
	if n := r.count("SELECT COUNT(*) FROM borrower_events WHERE action = 'reveal'"); n != 0 {
		t.Errorf("%d reveals are on record, and none was answered", n)
	}
}

func TestAnotherAccountIsAddedVerifiedAndChosen(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	b := r.farmer(r.officer(), 1)
	path := "/v1/borrowers/" + b.ID.String()
	account := fields{"number": "6217002710000684874", "account_name": "王吉华", "bank_name": "建设银行聊城分行", "bank_code": "105471000016"}
	key := r.officer().with("Idempotency-Key", "account-1")
	var changed borrowerJSON
	key.post(path+"/accounts", account.text(t)).want(http.StatusCreated).into(&changed)
	if again := key.post(path+"/accounts", account.text(t)).want(http.StatusCreated); again.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("a repeated request is not marked as replayed")
	}
	key.post(path+"/accounts", account.but(fields{"bank_code": nil}).text(t)).wantProblem(http.StatusUnprocessableEntity, "idempotency-key-reused")
	createAt(r.officer(), path+"/accounts", account).wantProblem(http.StatusConflict, "account-exists")
	if len(changed.Accounts) != 2 || changed.PayoutAccountID != b.PayoutAccountID || changed.Version != 2 {
		t.Fatalf("after adding: %+v", changed)
	}
	added := changed.Accounts[1].ID
	choice := fields{"account_id": added}
	r.officer().post(path+"/payout-account", choice.text(t)).wantProblem(http.StatusUnprocessableEntity, "account-not-verified")
	verify := path + "/accounts/" + added.String() + "/verify"
	r.as(domain.RoleApprover, branchA).post(verify, `{"verified_how":"small_transfer"}`).wantProblem(http.StatusForbidden, "role-not-allowed")
	r.officer().post(verify, `{"verified_how":"small_transfer"}`).want(http.StatusOK)
	r.officer().post(verify, `{"verified_how":"document_seen"}`).wantProblem(http.StatusConflict, "account-verified")
	r.officer().post(path+"/payout-account", choice.text(t)).want(http.StatusOK).into(&changed)
	if changed.PayoutAccountID != added || changed.Accounts[1].VerifiedHow != "small_transfer" || changed.Version != 4 {
		t.Errorf("after choosing: %+v", changed)
	}
	unknown := uuid.NewString()
	r.officer().post(path+"/payout-account", fields{"account_id": unknown}.text(t)).wantProblem(http.StatusNotFound, "account-not-found")
	r.officer().post(path+"/accounts/"+unknown+"/verify", `{"verified_how":"document_seen"}`).wantProblem(http.StatusNotFound, "account-not-found")
	want := []string{"create", "add_account", "verify_account", "choose_payout"}
	if diff := cmp.Diff(want, history(t, r.officer(), path)); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
}

func TestAnothersAccountIsNeverThePayoutAccount(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	b := r.farmer(r.officer(), 1)
	path := "/v1/borrowers/" + b.ID.String()
	var changed borrowerJSON
	createAt(r.officer(), path+"/accounts", fields{
		"number": "6217002710000684874", "account_name": "李四", "bank_name": "建设银行", "verified_how": "document_seen",
	}).want(http.StatusCreated).into(&changed)
	p := r.officer().post(path+"/payout-account", fields{"account_id": changed.Accounts[1].ID}.text(t)).
		wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	if diff := cmp.Diff([]string{"/account_id payout-account-name"}, p.fields()); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	var after borrowerJSON
	r.officer().get(path).want(http.StatusOK).into(&after)
	if after.PayoutAccountID != b.PayoutAccountID {
		t.Errorf("payout account = %s, want %s as before", after.PayoutAccountID, b.PayoutAccountID)
	}
}

func TestEverythingWrongWithAPartOfAFileIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	b := r.farmer(r.officer(), 1)
	path := "/v1/borrowers/" + b.ID.String()
	for part, check := range map[string]struct {
		body fields
		want []string
	}{
		"/accounts": {
			fields{"number": "62284800000000000X8", "bank_name": "", "bank_code": "12", "verified_how": "bank_enquiry"},
			[]string{"/account_name required", "/bank_code bank-code-invalid", "/bank_name required", "/number bank-account-characters", "/verified_how verification-later"},
		},
		"/consents": {
			fields{"kind": "credit_enquiry", "text_version": "v1", "given_how": "paper", "given_at": "2027-01-01T00:00:00+08:00", "until": "2026-12-30"},
			[]string{"/given_at in-the-future", "/until date-order"},
		},
		"/licences": {
			fields{"kind": "poetic", "no": "", "issued_on": "2026-09-01", "expires_on": "2026-08-31"},
			[]string{"/expires_on date-order", "/issued_on in-the-future", "/kind unknown-value", "/no required"},
		},
	} {
		p := createAt(r.officer().bad(), path+part, check.body).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
		if diff := cmp.Diff(check.want, p.fields()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", part, diff)
		}
	}
	var after borrowerJSON
	r.officer().get(path).want(http.StatusOK).into(&after)
	if after.Version != 1 {
		t.Errorf("version = %d after refusals only, want 1", after.Version)
	}
}

func TestAConsentIsAddedAndWithdrawnAtOnce(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	b := r.farmer(r.officer(), 1)
	path := "/v1/borrowers/" + b.ID.String()
	consent := fields{"kind": "privacy_notice", "text_version": "privacy-2026.1", "given_how": "electronic", "given_at": "2026-08-23T09:20:00+08:00"}
	app := r.asBorrower(b.ID)
	var changed borrowerJSON
	createAt(app, path+"/consents", consent).want(http.StatusCreated).into(&changed)
	if len(changed.Consents) != 2 || !changed.Consents[1].Live {
		t.Fatalf("consents = %+v, want a second one that is live", changed.Consents)
	}
	withdraw := path + "/consents/" + changed.Consents[0].ID.String() + "/withdraw"
	r.as(domain.RoleApprover, branchA).post(withdraw, "").wantProblem(http.StatusForbidden, "role-not-allowed")
	app.post(withdraw, "").want(http.StatusOK).into(&changed)
	if changed.Consents[0].Live || changed.Consents[0].WithdrawnAt == "" || !changed.Consents[1].Live {
		t.Errorf("consents = %+v, want the first withdrawn and the second live", changed.Consents)
	}
	app.post(withdraw, "").wantProblem(http.StatusConflict, "consent-withdrawn")
	app.post(path+"/consents/"+uuid.NewString()+"/withdraw", "").wantProblem(http.StatusNotFound, "consent-not-found")

	other := r.farmer(r.officer(), 2)
	r.asBorrower(other.ID).post(withdraw, "").wantProblem(http.StatusNotFound, "borrower-not-found")
	createAt(r.asBorrower(other.ID), path+"/consents", consent).wantProblem(http.StatusNotFound, "borrower-not-found")
}

func TestALicenceIsInForceUntilItsLastDay(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	b := r.farmer(r.officer(), 1)
	path := "/v1/borrowers/" + b.ID.String()
	createAt(r.officer(), path+"/licences", fields{
		"kind": "animal_epidemic", "no": "茌动防合字第20240012号", "issued_on": "2024-03-01", "expires_on": "2026-08-24",
	}).want(http.StatusCreated)
	for at, want := range map[string]bool{"2026-08-24T15:59:00Z": true, "2026-08-24T16:00:00Z": false} { // midnight in Beijing
		now, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		r.at(now)
		var read struct {
			Licences []struct {
				InForce bool `json:"in_force"`
			}
		}
		r.officer().get(path).want(http.StatusOK).into(&read)
		if len(read.Licences) != 1 || read.Licences[0].InForce != want {
			t.Errorf("at %s: licences = %+v, want in force %v", at, read.Licences, want)
		}
	}
}

func TestTwentyChangesOfOneFileAtOnceAllCount(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	b := r.farmer(r.officer(), 1)
	path := "/v1/borrowers/" + b.ID.String()
	statuses := atOnce(20, func(int) int {
		return createAt(r.officer(), path+"/consents", fields{
			"kind": "privacy_notice", "text_version": "v1", "given_how": "paper", "given_at": "2026-08-23T01:00:00Z",
		}).status
	})
	if diff := cmp.Diff(times(20, http.StatusCreated), statuses); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	var after borrowerJSON
	r.officer().get(path).want(http.StatusOK).into(&after)
	if after.Version != 21 || len(after.Consents) != 21 {
		t.Errorf("version %d with %d consents, want 21 and 21: none may be lost", after.Version, len(after.Consents))
	}
}

type suspicionJSON struct {
	Kind             string     `json:"kind"`
	OtherBorrowerID  *domain.ID `json:"other_borrower_id"`
	OtherBranchName  *string    `json:"other_branch_name"`
	OtherHouseholdID *domain.ID `json:"other_household_id"`
}

func TestSuspicionsAreFlaggedAcrossTheLenderAndNamedInScopeOnly(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	b := r.farmer(r.officer(), 1)
	elsewhere := r.as(domain.RoleLoanOfficer, branchB)
	var other borrowerJSON
	createAt(elsewhere, "/v1/borrowers", newFarmer(2, r.household(elsewhere, 2).ID).but(fields{"phone": "13900000001"})).
		want(http.StatusCreated).into(&other)

	kinds := func(c *client) map[string]suspicionJSON {
		var list struct{ Items []suspicionJSON }
		answered := c.get("/v1/borrowers/" + b.ID.String() + "/suspicions").want(http.StatusOK)
		wantMasked(t, answered, 1)
		answered.into(&list)
		found := map[string]suspicionJSON{}
		for _, one := range list.Items {
			found[one.Kind] = one
		}
		return found
	}
	inScope, outOfScope := kinds(r.as(domain.RoleAuditor, headOffice)), kinds(r.officer())
	for _, kind := range []string{"same_phone", "same_account", "same_address_surname"} {
		if one, found := inScope[kind]; !found || one.OtherBorrowerID == nil || *one.OtherBorrowerID != other.ID {
			t.Errorf("%s for the head office = %+v, want %s named", kind, one, other.ID)
		}
		if one, found := outOfScope[kind]; !found || one.OtherBorrowerID != nil || one.OtherBranchName == nil || *one.OtherBranchName != "高唐支行" {
			t.Errorf("%s for the officer = %+v, want only the branch named", kind, one)
		}
	}
	r.as(domain.RoleDisbursementOfficer, branchA).get("/v1/borrowers/"+b.ID.String()+"/suspicions").wantProblem(http.StatusForbidden, "role-not-allowed")
	elsewhere.get("/v1/borrowers/"+b.ID.String()+"/suspicions").wantProblem(http.StatusNotFound, "borrower-not-found")
}

func TestABorrowerWithoutACreditRelationIsAnonymised(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	b := r.farmer(r.officer(), 1)
	path := "/v1/borrowers/" + b.ID.String()
	r.officer().post(path+"/anonymise", `{"reason":"本人申请"}`).wantProblem(http.StatusForbidden, "role-not-allowed")
	r.as(domain.RoleAdmin, branchB).post(path+"/anonymise", `{"reason":"本人申请"}`).wantProblem(http.StatusNotFound, "borrower-not-found")
	admin := r.as(domain.RoleAdmin, headOffice)
	admin.post(path+"/anonymise", `{"reason":"本人申请"}`).want(http.StatusOK)
	admin.post(path+"/anonymise", `{"reason":"本人申请"}`).want(http.StatusOK)

	shown := r.officer().post(path+"/reveal", `{"reason":"检查"}`).want(http.StatusOK)
	for _, secret := range append(personal(1), "1968") {
		if strings.Contains(string(shown.body), secret) {
			t.Errorf("after erasure the file still holds %q: %s", secret, shown.body)
		}
	}
	shown = r.officer().post("/v1/households/"+b.HouseholdID.String()+"/reveal", `{"reason":"检查"}`).want(http.StatusOK)
	if strings.Contains(string(shown.body), "王吉华") || strings.Contains(string(shown.body), idNumber(1)) {
		t.Errorf("after erasure the household still names the person: %s", shown.body)
	}
	for query, want := range map[string]int{
		"SELECT COUNT(*) FROM borrowers WHERE name <> '' OR id_number_index IS NOT NULL OR LENGTH(id_number_cipher) > 0 OR id_number_last4 <> ''": 0,
		"SELECT COUNT(*) FROM borrower_phones": 0,
		"SELECT COUNT(*) FROM bank_accounts":   0,
		"SELECT COUNT(*) FROM household_members WHERE name <> '' OR id_number_index IS NOT NULL OR present_id_number_index IS NOT NULL": 0,
		"SELECT COUNT(*) FROM borrower_events WHERE action = 'anonymise'":                                                               2,
	} {
		if n := r.count(query); n != want {
			t.Errorf("%s = %d, want %d", query, n, want)
		}
	}
	createAt(r.officer(), path+"/consents", fields{"kind": "privacy_notice", "text_version": "v1", "given_how": "paper", "given_at": "2026-08-23T01:00:00Z"}).
		wantProblem(http.StatusConflict, "borrower-anonymised")
	// The number is nobody's again.
	r.farmer(r.officer(), 1)
}

func TestABorrowerWithACreditRelationIsKept(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	b := r.farmer(r.officer(), 1)
	r.exec(`INSERT INTO applications (id, application_no, branch_id, officer_id, borrower_id, region_code, product_code, amount, term_months,
		repayment_method, purpose, purpose_note, bureau_confirmation_no, status, version, created_at, updated_at)
		VALUES (?, 'LA-2026-000001', ?, ?, ?, ?, 'QLFMD', 99500.00, 24, 'interest_first', 'production', '', '', 'draft', 1, NOW(6), NOW(6))`,
		uuid.NewString(), branchA, b.OfficerID, b.ID, village)
	path := "/v1/borrowers/" + b.ID.String()
	admin := r.as(domain.RoleAdmin, headOffice)
	admin.post(path+"/anonymise", `{"reason":"本人申请"}`).wantProblem(http.StatusUnprocessableEntity, "borrower-retained")
	shown := r.officer().post(path+"/reveal", `{"reason":"检查"}`).want(http.StatusOK)
	household := r.officer().post("/v1/households/"+b.HouseholdID.String()+"/reveal", `{"reason":"检查"}`).want(http.StatusOK)
	if !strings.Contains(string(shown.body), idNumber(1)) || !strings.Contains(string(household.body), idNumber(1)) {
		t.Errorf("a refused erasure took something away: %s, %s", shown.body, household.body)
	}
	r.exec("UPDATE applications SET status = 'withdrawn'")
	admin.post(path+"/anonymise", `{"reason":"本人申请"}`).want(http.StatusOK)
}

func TestPhonesAreReplacedByWhoSawTheLastVersion(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	b := r.farmer(r.officer(), 1)
	path := "/v1/borrowers/" + b.ID.String() + "/phones"
	body := fields{"phone": "13800000001", "other_phones": []string{"0635-8400000"}}.text(t)
	first := r.officer().with("If-Match", `"1"`)
	var changed borrowerJSON
	first.put(path, body).want(http.StatusOK).into(&changed)
	if changed.Phone != "****0001" || changed.Version != 2 {
		t.Errorf("after the change: %+v", changed)
	}
	first.put(path, body).wantProblem(http.StatusPreconditionFailed, "precondition-failed")
	r.officer().bad().put(path, body).wantProblem(http.StatusPreconditionRequired, "precondition-required")
	p := r.officer().with("If-Match", `"2"`).put(path, fields{"phone": "13800000001", "other_phones": []string{"13800000001"}}.text(t)).
		wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	if diff := cmp.Diff([]string{"/other_phones/0 duplicate"}, p.fields()); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	for phone, want := range map[string]int{"13900000001": 0, "13800000001": 1, "06358400000": 1} {
		var found struct{ Items []borrowerJSON }
		r.officer().post("/v1/borrowers/search", fields{"phone": phone}.text(t)).want(http.StatusOK).into(&found)
		if len(found.Items) != want {
			t.Errorf("%s finds %d, want %d", phone, len(found.Items), want)
		}
	}
	r.as(domain.RoleApprover, branchA).with("If-Match", `"2"`).put(path, body).wantProblem(http.StatusForbidden, "role-not-allowed")
	r.as(domain.RoleLoanOfficer, branchB).with("If-Match", `"2"`).put(path, body).wantProblem(http.StatusNotFound, "borrower-not-found")
}
