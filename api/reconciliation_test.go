package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"fumin/domain"
	"fumin/domain/paymentfile"
)

func TestADayIsReconciledOverHTTP(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	officer, second := r.as(domain.RoleDisbursementOfficer, headOffice), r.secondReleaser()
	const path = "/v1/reconciliations?business_day=2026-08-23"
	file := paymentfile.DayCSVHeader + "\nX-2026-1,8.00,CNY,2026-08-23,SBX-10\n"
	asCSV := officer.with("Content-Type", "text/csv")

	asCSV.bad().post("/v1/reconciliations", file).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	officer.with("Content-Type", "text/plain").bad().post(path, file).wantProblem(http.StatusUnsupportedMediaType, "unsupported-media-type")
	asCSV.post(path, "a,b\n").wantProblem(http.StatusBadRequest, "payment-file-unreadable")
	r.as(domain.RoleDisbursementOfficer, branchA).with("Content-Type", "text/csv").post(path, file).wantProblem(http.StatusForbidden, "head-office-only")
	r.officer().with("Content-Type", "text/csv").post(path, file).wantProblem(http.StatusForbidden, "role-not-allowed")

	var day struct {
		ID          domain.ID
		Status, Gap string
	}
	asCSV.post(path, file).want(http.StatusCreated).into(&day)
	if day.Status != "open" || day.Gap != "8.00" {
		t.Fatalf("imported: %+v, want open with a gap of 8.00", day)
	}
	asCSV.post(path, file).want(http.StatusOK)
	asCSV.post(path, file+"\n").wantProblem(http.StatusConflict, "day-already-imported")
	one := "/v1/reconciliations/" + day.ID.String()
	officer.get(one).want(http.StatusOK)
	officer.get("/v1/reconciliations?status=open").want(http.StatusOK)
	r.as(domain.RoleDisbursementOfficer, branchA).get(one).wantProblem(http.StatusNotFound, "reconciliation-not-found")
	var cases struct {
		Items []struct {
			ID   domain.ID
			Kind string
		}
	}
	officer.get(one + "/cases?status=open").want(http.StatusOK).into(&cases)
	if len(cases.Items) != 1 || cases.Items[0].Kind != "missing_here" {
		t.Fatalf("cases: %+v, want one that is missing here", cases)
	}
	second.post(one+"/close", "").wantProblem(http.StatusConflict, "day-not-balanced")
	explanation := fields{"explanation": "渠道次日退回，流水 TH-3"}.text(t)
	resolve := one + "/cases/" + cases.Items[0].ID.String() + "/resolve"
	officer.post(resolve, explanation).wantProblem(http.StatusForbidden, "four-eyes")
	second.post(one+"/cases/"+newID().String()+"/resolve", explanation).wantProblem(http.StatusNotFound, "reconciliation-case-not-found")
	second.post(resolve, explanation).want(http.StatusOK)
	second.post(one+"/close", "").wantProblem(http.StatusConflict, "day-not-over")
	r.at(time.Date(2026, 8, 24, 1, 0, 0, 0, time.UTC))
	officer.post(one+"/close", "").wantProblem(http.StatusForbidden, "four-eyes")
	second.post(one+"/close", "").want(http.StatusOK)
	second.post(one+"/discard", fields{"reason": "错"}.text(t)).wantProblem(http.StatusConflict, "wrong-status")
	if got := officer.get(one).want(http.StatusOK); !strings.Contains(string(got.body), `"closed"`) {
		t.Errorf("after closing: %s", got.body)
	}
}

func TestPaymentsGoOutInAFileOverHTTP(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	officer, releaser, head := r.officer(), r.as(domain.RoleDisbursementOfficer, branchA), r.as(domain.RoleDisbursementOfficer, headOffice)
	create := func() answer { return head.with("Idempotency-Key", newID().String()).post("/v1/payment-files", "") }
	create().wantProblem(http.StatusUnprocessableEntity, "nothing-to-pay")
	var d paymentJSON
	createAt(officer, pathOf(r.signedCase(officer, 1), "/disbursements"), fields{}).want(http.StatusCreated).into(&d)
	createAt(releaser, "/v1/disbursements/bulk-release", fields{"ids": []domain.ID{d.ID}}).want(http.StatusOK)
	releaser.with("Idempotency-Key", newID().String()).post("/v1/payment-files", "").wantProblem(http.StatusForbidden, "head-office-only")
	var file struct {
		ID     domain.ID
		SHA256 string
	}
	create().want(http.StatusCreated).into(&file)
	one := "/v1/payment-files/" + file.ID.String()
	head.get(one).want(http.StatusOK)
	head.get("/v1/payment-files").want(http.StatusOK)
	content := head.get(one + "/content").want(http.StatusOK)
	if id := paymentfile.EndToEndIDOf(d.Transfers[0].ID); !strings.Contains(string(content.body), id) {
		t.Errorf("%s is not in %s", id, content.body)
	}
	r.as(domain.RoleAuditor, headOffice).get(one+"/content").wantProblem(http.StatusForbidden, "role-not-allowed")
	report := `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt><OrgnlGrpInfAndSts><OrgnlMsgId>` + paymentfile.EndToEndIDOf(file.ID) +
		`</OrgnlMsgId></OrgnlGrpInfAndSts><OrgnlPmtInfAndSts><TxInfAndSts><OrgnlEndToEndId>` + paymentfile.EndToEndIDOf(d.Transfers[0].ID) +
		`</OrgnlEndToEndId><TxSts>ACSC</TxSts></TxInfAndSts></OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>`
	head.with("Content-Type", "application/xml").post(one+"/status-reports", report).wantProblem(http.StatusForbidden, "four-eyes")
	asXML := r.secondReleaser().with("Content-Type", "application/xml")
	head.with("Content-Type", "text/plain").bad().post(one+"/status-reports", report).wantProblem(http.StatusUnsupportedMediaType, "unsupported-media-type")
	asXML.post(one+"/status-reports", "<a/>").wantProblem(http.StatusBadRequest, "payment-file-unreadable")
	for _, outcome := range []string{"recorded", "known"} {
		if got := asXML.post(one+"/status-reports", report).want(http.StatusOK); !strings.Contains(string(got.body), outcome) {
			t.Errorf("report: %s, want %s", got.body, outcome)
		}
	}
	officer.get("/v1/disbursements/" + d.ID.String()).want(http.StatusOK).into(&d)
	if d.Status != "succeeded" {
		t.Errorf("after the report: %+v, want succeeded", d)
	}
}

// secondReleaser returns a client of another disbursement officer of the head office than as does.
func (r *register) secondReleaser() *client {
	const token = "second-releaser"
	r.mu.Lock()
	defer r.mu.Unlock()
	r.actors[token] = domain.Actor{ID: newID(), Name: "复核岗", Role: domain.RoleDisbursementOfficer, BranchID: headOffice}
	return r.client.with("Authorization", "Bearer "+token)
}
