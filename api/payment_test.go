package api_test

import (
	"net/http"
	"strings"
	"testing"

	"fumin/domain"
)

type paymentJSON struct {
	ID        domain.ID `json:"id"`
	Status    string    `json:"status"`
	Transfers []struct {
		ID      domain.ID `json:"id"`
		Status  string    `json:"status"`
		Account string    `json:"payee_account"`
	} `json:"transfers"`
}

var anyHash = strings.Repeat("a", 64)

// signedCase takes a new application to its contract.
func (r *register) signedCase(officer *client, number int) domain.ID {
	r.t.Helper()
	a := r.opened(number)
	officer.post(pathOf(a.ID, "/submit"), "").want(http.StatusOK)
	officer.post(pathOf(a.ID, "/sign"), fields{"contract_no": "HT-" + a.ID.String(), "signed_on": "2026-08-23"}.text(r.t)).want(http.StatusOK)
	return a.ID
}

func TestPaymentsToSellersHoldsReversalsAndEvidenceOverHTTP(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	officer, releaser, second := r.officer(), r.as(domain.RoleDisbursementOfficer, branchA), r.as(domain.RoleDisbursementOfficer, headOffice)
	manager := r.as(domain.RoleRiskManager, branchA)
	id := r.signedCase(officer, 1)
	r.exec("UPDATE credit_lines SET revolving = 0") // what revolves has no plan

	plan := fields{"tranches": []fields{{"amount": "99500.00", "conditions": []fields{{"kind": "site_visit", "text": "到棚核查"}}}}}
	officer.put(pathOf(id, "/tranches"), plan.text(t)).want(http.StatusOK)
	var tranches struct {
		Items []struct {
			Conditions []struct{ ID domain.ID }
		}
	}
	officer.get(pathOf(id, "/tranches")).want(http.StatusOK).into(&tranches)
	order := fields{"tranche": 1, "payees": []fields{
		{"method": "entrusted_payment", "amount": "40000.00", "account_name": "高唐县绿源种业有限公司", "account": "9040101070142050000123", "bank_name": "高唐农商行", "document_reference": "购销合同 2026-031", "document_sha256": anyHash},
		{"method": "self_payment", "amount": "59500.00"},
	}}
	createAt(officer, pathOf(id, "/disbursements"), order).wantProblem(http.StatusUnprocessableEntity, "conditions-open")
	manager.post(pathOf(id, "/tranches/fulfil"), fields{"condition_id": tranches.Items[0].Conditions[0].ID, "document_reference": "核查表", "document_sha256": anyHash}.text(t)).want(http.StatusOK)

	var hold struct{ ID domain.ID }
	createAt(manager, pathOf(id, "/holds"), fields{"reason": "收款账户被举报", "until": "2026-08-24T00:00:00Z"}).want(http.StatusCreated).into(&hold)
	createAt(officer, pathOf(id, "/disbursements"), order).wantProblem(http.StatusUnprocessableEntity, "payment-held")
	payee := r.asBorrower(r.borrowerOf(id))
	payee.get("/v1/holds?application_id="+id.String()).wantProblem(http.StatusForbidden, "role-not-allowed")
	for what, told := range map[string]string{
		"a request": createAt(payee, pathOf(id, "/disbursements"), order).wantProblem(http.StatusUnprocessableEntity, "payment-held").Detail,
		"history":   string(payee.get(pathOf(id, "/events")).want(http.StatusOK).body),
	} {
		if strings.Contains(told, "举报") || strings.Contains(told, "冻结") || strings.Contains(told, hold.ID.String()) {
			t.Errorf("%s tells the borrower of the hold: %s", what, told)
		}
	}
	if got := officer.get("/v1/holds?live=true").want(http.StatusOK); !strings.Contains(string(got.body), hold.ID.String()) {
		t.Errorf("live holds: %s, want %s", got.body, hold.ID)
	}
	manager.post("/v1/holds/"+hold.ID.String()+"/release", fields{"reason": "已核实"}.text(t)).wantProblem(http.StatusForbidden, "four-eyes")
	releaser.post("/v1/holds/"+hold.ID.String()+"/release", fields{"reason": "已核实"}.text(t)).want(http.StatusOK)
	if got := officer.get("/v1/holds?live=true").want(http.StatusOK); strings.Contains(string(got.body), hold.ID.String()) {
		t.Errorf("live holds after the release: %s", got.body)
	}
	officer.get("/v1/holds?application_id=" + id.String()).want(http.StatusOK)

	var d paymentJSON
	created := createAt(officer, pathOf(id, "/disbursements"), order).want(http.StatusCreated)
	created.into(&d)
	if strings.Contains(string(created.body), "9040101070142050000123") || d.Transfers[0].Account != "****0123" {
		t.Errorf("the answer shows the account: %s", created.body)
	}
	var bulk struct {
		Items []struct {
			Released, Replayed bool
			Code               string
		}
	}
	createAt(releaser, "/v1/disbursements/bulk-release", fields{"ids": []domain.ID{d.ID, newID()}}).want(http.StatusOK).into(&bulk)
	if len(bulk.Items) != 2 || !bulk.Items[0].Released || bulk.Items[1].Code != "disbursement-not-found" {
		t.Errorf("bulk release: %+v, want one released and one not found", bulk.Items)
	}
	worker := r.payouts()
	if taken, err := worker.Work(t.Context()); err != nil || taken != 2 {
		t.Fatalf("worked: %d (%v), want two transfers", taken, err)
	}
	officer.get("/v1/disbursements/" + d.ID.String()).want(http.StatusOK).into(&d)
	if d.Status != "succeeded" {
		t.Fatalf("paid: %+v", d)
	}

	back := fields{"amount": "1000.00", "reason": "收款行退汇", "channel_reference": "TH-1"}
	var reversal struct{ ID domain.ID }
	transfer := "/v1/transfers/" + d.Transfers[0].ID.String() + "/reversals"
	createAt(releaser, transfer, fields{"amount": "40000.01", "reason": "退汇", "channel_reference": "TH-1"}).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	createAt(releaser, transfer, back).want(http.StatusCreated).into(&reversal)
	releaser.post("/v1/reversals/"+reversal.ID.String()+"/confirm", "").wantProblem(http.StatusForbidden, "four-eyes")
	second.post("/v1/reversals/"+reversal.ID.String()+"/confirm", "").want(http.StatusOK)
	second.post("/v1/reversals/"+reversal.ID.String()+"/reject", fields{"reason": "款项未到"}.text(t)).wantProblem(http.StatusConflict, "wrong-status")
	officer.get("/v1/reversals?status=confirmed").want(http.StatusOK)

	var owed struct{ Items []struct{ ID domain.ID } }
	officer.get("/v1/obligations?open=true&due_by=2027-08-23").want(http.StatusOK).into(&owed)
	if len(owed.Items) != 1 {
		t.Fatalf("owed: %+v, want one", owed)
	}
	officer.post("/v1/obligations/"+owed.Items[0].ID.String()+"/fulfil", fields{"document_reference": "发票 03700210", "document_sha256": anyHash}.text(t)).want(http.StatusOK)
	r.as(domain.RoleAuditor, headOffice).get(pathOf(id, "/events")).want(http.StatusOK)
}

func TestABadPaymentOrderIsRefusedFieldByField(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	officer := r.officer()
	id := r.signedCase(officer, 1)
	for name, order := range map[string]fields{
		"nobody":                 {"payees": []fields{}},
		"no method":              {"payees": []fields{{"amount": "1.00"}}},
		"a seller with no paper": {"payees": []fields{{"method": "entrusted_payment", "amount": "1.00", "account_name": "某某", "account": "9040101070142050000123", "bank_name": "农商行"}}},
		"a bank of two lines": {"payees": []fields{{
			"method": "entrusted_payment", "amount": "1.00", "account_name": "某某", "account": "9040101070142050000123", "bank_name": "农\n商行",
			"document_reference": "购销合同 2026-031", "document_sha256": anyHash,
		}}},
		"a number as money":       {"amount": 1},
		"an amount beside payees": {"amount": "1.00", "payees": []fields{{"method": "self_payment", "amount": "1.00"}}},
		"tranche zero":            {"tranche": 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			createAt(officer.in(t).bad(), pathOf(id, "/disbursements"), order).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
		})
	}
}
