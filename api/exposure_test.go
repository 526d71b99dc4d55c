package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"fumin/domain"
	"fumin/domain/origination"
	"fumin/repository/demodata"
)

type exposureJSON struct {
	UnitKind string `json:"unit_kind"`
	Total    string `json:"total"`
	Products []struct {
		ProductCode string `json:"product_code"`
		Amount      string `json:"amount"`
	} `json:"products"`
	Cases []struct {
		ApplicationID domain.ID `json:"application_id"`
		State         string    `json:"state"`
		Amount        string    `json:"amount"`
		HouseholdID   domain.ID `json:"household_id"`
		BorrowerID    domain.ID `json:"borrower_id"`
	} `json:"cases"`
}

func TestTheExposureOfAHouseholdAndABorrowerIsShown(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	officer := r.officer()
	a := r.opened(1)
	officer.post(pathOf(a.ID, "/submit"), "").want(http.StatusOK).into(&a)

	var whole struct {
		BorrowerID  domain.ID `json:"borrower_id"`
		HouseholdID domain.ID `json:"household_id"`
	}
	officer.get(pathOf(a.ID, "")).want(http.StatusOK).into(&whole)
	for _, path := range []string{"/v1/households/" + whole.HouseholdID.String(), "/v1/borrowers/" + whole.BorrowerID.String()} {
		var got exposureJSON
		officer.get(path + "/exposure").want(http.StatusOK).into(&got)
		if got.Total != "99500.00" || len(got.Products) != 1 || got.Products[0].ProductCode != "QLFMD" ||
			len(got.Cases) != 1 || got.Cases[0].ApplicationID != a.ID || got.Cases[0].State != "reserved" {
			t.Errorf("%s/exposure: %+v, want 99500.00 of QLFMD reserved", path, got)
		}
		r.as(domain.RoleLoanOfficer, branchB).get(path + "/exposure").want(http.StatusNotFound)
	}
	r.asBorrower(whole.BorrowerID).get("/v1/borrowers/" + whole.BorrowerID.String() + "/exposure").want(http.StatusOK)

	officer.post(pathOf(a.ID, "/withdraw"), fields{"reason": "不需要了"}.text(t)).want(http.StatusOK)
	var got exposureJSON
	officer.get("/v1/borrowers/" + whole.BorrowerID.String() + "/exposure").want(http.StatusOK).into(&got)
	if got.Total != "0.00" || len(got.Products) != 0 || len(got.Cases) != 1 || got.Cases[0].State != "released" {
		t.Errorf("after the withdrawal: %+v, want nothing, and the case released", got)
	}
}

func TestALenderLimitIsMadeByOneAndActivatedByAnother(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	limits, err := demodata.LenderLimits()
	if err != nil {
		t.Fatal(err)
	}
	loader := domain.Actor{ID: newID(), Name: "安装程序", Role: domain.RoleSystem}
	for range 2 { // loading twice changes nothing
		if err := origination.NewLimits(r.store, func() time.Time { return *r.clock.Load() }, newID).Load(t.Context(), loader, limits); err != nil {
			t.Fatal(err)
		}
	}
	maker := r.as(domain.RoleRiskManager, branchA)
	draft := fields{
		"name": "inclusive_farmer_exposure_max", "borrower_kinds": []string{"farmer"}, "amount": "50000.00",
		"effective_from": "2026-08-23", "source": "本行授信管理办法第 12 条",
	}
	var made struct {
		ID          domain.ID  `json:"id"`
		ActivatedBy *domain.ID `json:"activated_by"`
	}
	createAt(maker, "/v1/lender-limits", draft).want(http.StatusCreated).into(&made)
	maker.bad().post("/v1/lender-limits", draft.text(t)).want(http.StatusBadRequest) // no idempotency key
	createAt(r.officer(), "/v1/lender-limits", draft).want(http.StatusForbidden)
	draft["borrower_kinds"] = []string{"astronaut"}
	createAt(maker.bad(), "/v1/lender-limits", draft).want(http.StatusUnprocessableEntity)

	path := "/v1/lender-limits/" + made.ID.String() + "/activate"
	maker.post(path, "").want(http.StatusForbidden)
	r.as(domain.RoleAdmin, branchA).post(path, "").want(http.StatusOK).into(&made)
	if made.ActivatedBy == nil {
		t.Error("the activated limit does not say by whom")
	}
	list := string(r.officer().get("/v1/lender-limits").want(http.StatusOK).body)
	for _, want := range []string{`"amount":"5000000.00"`, `"amount":"10000000.00"`, `"amount":"50000.00"`, "本行授信管理办法第 12 条"} {
		if !strings.Contains(list, want) {
			t.Errorf("the list lacks %s: %s", want, list)
		}
	}
	r.asBorrower(newID()).get("/v1/lender-limits").want(http.StatusForbidden)

	a := r.opened(1)
	r.officer().post(pathOf(a.ID, "/submit"), "").want(http.StatusOK).into(&a)
	if a.Status != "reviewing" {
		t.Errorf("99,500.00 under a limit of 50,000.00: %s, want reviewing", a.Status)
	}
	r.as(domain.RoleApprover, branchA).post(pathOf(a.ID, "/approve"), "").wantProblem(http.StatusUnprocessableEntity, "override-required") // and an override does not pass it: see origination
}

func TestAPaperOfACaseIsRecordedAndListed(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	a := r.opened(1)
	paper := fields{"type": "household_register", "received_on": "2026-08-22", "reference": "DA-2026-0117", "expires_on": "2030-01-01"}
	createAt(r.officer(), pathOf(a.ID, "/documents"), paper).want(http.StatusCreated)
	list := string(r.officer().get(pathOf(a.ID, "/documents")).want(http.StatusOK).body)
	for _, want := range []string{`"type":"household_register"`, `"type_label":"户口簿"`, `"reference":"DA-2026-0117"`, `"expires_on":"2030-01-01"`} {
		if !strings.Contains(list, want) {
			t.Errorf("the list lacks %s: %s", want, list)
		}
	}
	r.as(domain.RoleLoanOfficer, branchB).get(pathOf(a.ID, "/documents")).want(http.StatusNotFound)
	createAt(r.as(domain.RoleAuditor, branchA), pathOf(a.ID, "/documents"), paper).want(http.StatusForbidden)
	paper["type"] = "poem"
	createAt(r.officer().bad(), pathOf(a.ID, "/documents"), paper).want(http.StatusUnprocessableEntity)
	events := string(r.officer().get(pathOf(a.ID, "/events")).want(http.StatusOK).body)
	if !strings.Contains(events, `"subject":"document"`) || !strings.Contains(events, "登记资料") {
		t.Errorf("the history does not tell of the paper: %s", events)
	}
}
