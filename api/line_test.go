package api_test

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fumin/domain"
)

type lineJSON struct {
	Free                   string     `json:"free"`
	Reserved               string     `json:"reserved"`
	Outstanding            string     `json:"outstanding"`
	Status                 string     `json:"status"`
	RenewsApplicationID    *domain.ID `json:"renews_application_id"`
	RenewedByApplicationID *domain.ID `json:"renewed_by_application_id"`
}

func linePath(id domain.ID, rest string) string { return "/v1/lines/" + id.String() + rest }

func notePath(id domain.ID, rest string) string { return "/v1/loan-notes/" + id.String() + rest }

func (r *register) core() *client { return r.as(domain.RoleCoreSystem, "") }

// paidCase takes a new application to its contract and all of its money to the borrower, and returns its only note.
func (r *register) paidCase(number int) (id, note domain.ID) {
	r.t.Helper()
	officer := r.officer()
	id = r.signedCase(officer, number)
	var d paymentJSON
	createAt(officer, pathOf(id, "/disbursements"), fields{}).want(http.StatusCreated).into(&d)
	r.payOut(d.ID)
	var notes struct{ Items []struct{ ID domain.ID } }
	officer.get(pathOf(id, "/loan-notes")).want(http.StatusOK).into(&notes)
	if len(notes.Items) != 1 {
		r.t.Fatalf("%d notes after the payment, want one", len(notes.Items))
	}
	return id, notes.Items[0].ID
}

func (r *register) payOut(disbursement domain.ID) {
	r.t.Helper()
	createAt(r.as(domain.RoleDisbursementOfficer, branchA), "/v1/disbursements/"+disbursement.String()+"/release", fields{}).want(http.StatusOK)
	if taken, err := r.payouts().Work(r.t.Context()); err != nil || taken != 1 {
		r.t.Fatalf("worked: %d (%v), want one transfer", taken, err)
	}
}

func (r *register) wantLine(id domain.ID, outstanding, reserved, free string) lineJSON {
	r.t.Helper()
	var l lineJSON
	r.officer().get(linePath(id, "")).want(http.StatusOK).into(&l)
	if l.Outstanding != outstanding || l.Reserved != reserved || l.Free != free {
		r.t.Errorf("line: outstanding %s, reserved %s, free %s; want %s, %s, %s", l.Outstanding, l.Reserved, l.Free, outstanding, reserved, free)
	}
	return l
}

func repaidBy(no, principal, interest string) fields {
	return fields{"repayment_no": no, "paid_on": "2026-08-23", "principal": principal, "interest": interest}
}

// The duck shed to its end, as the core system and the mobile app do it.
func TestALineIsRepaidAndDrawnFromAgainOverHTTP(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	officer, core := r.officer(), r.core()
	id, note := r.paidCase(1)
	r.wantLine(id, "99500.00", "0.00", "0.00")
	core.post(notePath(note, "/repayments"), repaidBy("HX-1", "40000.00", "120.50").text(t)).want(http.StatusOK)
	r.wantLine(id, "59500.00", "0.00", "40000.00")
	officer.post(pathOf(id, "/close"), "").want(http.StatusOK)

	app := r.asBorrower(r.borrowerOf(id))
	for name, refusal := range map[string]struct {
		by     *client
		body   fields
		status int
		code   string
	}{
		"more than is free":             {app, fields{"amount": "40000.01"}, http.StatusUnprocessableEntity, "line-exceeded"},
		"below the least of one draw":   {app, fields{"amount": "999.99"}, http.StatusUnprocessableEntity, "invalid-fields"},
		"above the most of one draw":    {app, fields{"amount": "500000.01"}, http.StatusUnprocessableEntity, "invalid-fields"},
		"a term past the line's end":    {app, fields{"amount": "1000.00", "term_months": 60}, http.StatusUnprocessableEntity, "invalid-fields"},
		"by an approver":                {r.as(domain.RoleApprover, branchA), fields{"amount": "1000.00"}, http.StatusForbidden, "role-not-allowed"},
		"by another branch":             {r.as(domain.RoleLoanOfficer, branchB), fields{"amount": "1000.00"}, http.StatusNotFound, "application-not-found"},
		"by the app of somebody else":   {r.asBorrower(newID()), fields{"amount": "1000.00"}, http.StatusNotFound, "application-not-found"},
		"by the core system's account":  {core, fields{"amount": "1000.00"}, http.StatusNotFound, "application-not-found"},
		"by whoever carries out orders": {r.as(domain.RoleDisbursementOfficer, branchA), fields{"amount": "1000.00"}, http.StatusForbidden, "role-not-allowed"},
	} {
		if got := createAt(refusal.by, linePath(id, "/draws"), refusal.body); got.status != refusal.status {
			t.Errorf("%s: got %d %s, want %d %s", name, got.status, got.body, refusal.status, refusal.code)
		} else {
			got.wantProblem(refusal.status, refusal.code)
		}
	}
	var d paymentJSON
	createAt(app, linePath(id, "/draws"), fields{"amount": "30000.00", "term_months": 6}).want(http.StatusCreated).into(&d)
	r.wantLine(id, "59500.00", "30000.00", "10000.00")
	r.payOut(d.ID)
	r.wantLine(id, "89500.00", "0.00", "10000.00")
	var draws struct {
		Items []struct {
			DisbursementID domain.ID `json:"disbursement_id"`
			Amount         string    `json:"amount"`
		}
	}
	officer.get(linePath(id, "/draws?limit=10")).want(http.StatusOK).into(&draws)
	if len(draws.Items) != 1 || draws.Items[0].DisbursementID != d.ID || draws.Items[0].Amount != "30000.00" {
		t.Errorf("draws: %+v, want the one of 30,000.00", draws.Items)
	}
	r.as(domain.RoleLoanOfficer, branchB).get(linePath(id, "/draws")).wantProblem(http.StatusNotFound, "line-not-found")
	officer.get(pathOf(id, "/loan-notes?limit=1")).want(http.StatusOK)
	core.get(notePath(note, "")).want(http.StatusOK)
	r.as(domain.RoleLoanOfficer, branchB).get(notePath(note, "")).wantProblem(http.StatusNotFound, "loan-note-not-found")
	r.at(r.now().AddDate(0, 0, 70)) // two instalments were not paid
	createAt(app, linePath(id, "/draws"), fields{"amount": "1000.00"}).wantProblem(http.StatusUnprocessableEntity, "draw-while-overdue")
}

// Twenty deliveries of one repayment free the line once; what contradicts an earlier word, or the note, is refused.
func TestTheCoreSystemsWordIsTakenOnceOverHTTP(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	core := r.core()
	id, note := r.paidCase(1)
	body := repaidBy("HX-1", "40000.00", "120.50").text(t)
	var taken atomic.Int64
	var deliveries sync.WaitGroup
	for range 20 {
		deliveries.Go(func() {
			if core.post(notePath(note, "/repayments"), body).status == http.StatusOK {
				taken.Add(1)
			}
		})
	}
	deliveries.Wait()
	if taken.Load() != 20 {
		t.Errorf("%d of 20 deliveries were taken, want all", taken.Load())
	}
	r.wantLine(id, "59500.00", "0.00", "40000.00")

	reversal := fields{"reversal_no": "CZ-1", "repayment_no": "HX-9", "reversed_on": "2026-08-23"}
	core.post(notePath(note, "/repayment-reversals"), reversal.text(t)).wantProblem(http.StatusNotFound, "repayment-not-found")
	for name, refusal := range map[string]struct {
		by     *client
		note   domain.ID
		body   fields
		status int
		code   string
	}{
		"the number with another sum": {core, note, repaidBy("HX-1", "39999.99", "120.50"), http.StatusConflict, "repayment-no-reused"},
		"more than is owed":           {core, note, repaidBy("HX-2", "59500.01", "0.00"), http.StatusUnprocessableEntity, "repayment-exceeds-outstanding"},
		"nothing":                     {core, note, repaidBy("HX-2", "0.00", "0.00"), http.StatusUnprocessableEntity, "invalid-fields"},
		"an unknown note":             {core, newID(), repaidBy("HX-2", "1.00", "0.00"), http.StatusNotFound, "loan-note-not-found"},
		"a loan officer":              {r.officer(), note, repaidBy("HX-2", "1.00", "0.00"), http.StatusForbidden, "role-not-allowed"},
		"the mobile app's account":    {r.asBorrower(r.borrowerOf(id)), note, repaidBy("HX-2", "1.00", "0.00"), http.StatusForbidden, "role-not-allowed"},
	} {
		got := refusal.by.post(notePath(refusal.note, "/repayments"), refusal.body.text(t))
		if got.status != refusal.status {
			t.Errorf("%s: got %d %s, want %d %s", name, got.status, got.body, refusal.status, refusal.code)
			continue
		}
		got.wantProblem(refusal.status, refusal.code)
	}
	reversal["repayment_no"] = "HX-1"
	r.officer().post(notePath(note, "/repayment-reversals"), reversal.text(t)).wantProblem(http.StatusForbidden, "role-not-allowed")
	for range 2 {
		core.post(notePath(note, "/repayment-reversals"), reversal.text(t)).want(http.StatusOK)
	}
	r.wantLine(id, "99500.00", "0.00", "0.00")
}

func TestALineIsHeldResumedAndEndedOverHTTP(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	id, note := r.paidCase(1)
	r.core().post(notePath(note, "/repayments"), repaidBy("HX-1", "40000.00", "0.00").text(t)).want(http.StatusOK)
	keeper, why := r.as(domain.RoleRiskManager, branchA), fields{"reason": "收到举报，核实中"}.text(t)
	r.officer().post(linePath(id, "/hold"), why).wantProblem(http.StatusForbidden, "role-not-allowed")
	r.as(domain.RoleRiskManager, branchB).post(linePath(id, "/hold"), why).wantProblem(http.StatusNotFound, "application-not-found")
	keeper.post(linePath(id, "/hold"), why).want(http.StatusOK)
	keeper.post(linePath(id, "/hold"), why).wantProblem(http.StatusConflict, "wrong-status")
	createAt(r.officer(), linePath(id, "/draws"), fields{"amount": "1000.00"}).wantProblem(http.StatusConflict, "line-held")
	r.wantLine(id, "59500.00", "0.00", "0.00")
	keeper.post(linePath(id, "/resume"), why).want(http.StatusOK)
	keeper.post(linePath(id, "/end"), why).want(http.StatusOK)
	keeper.post(linePath(id, "/resume"), why).wantProblem(http.StatusConflict, "wrong-status")
	createAt(r.officer(), linePath(id, "/draws"), fields{"amount": "1000.00"}).wantProblem(http.StatusConflict, "line-ended")
	r.officer().get(linePath(newID(), "")).wantProblem(http.StatusNotFound, "line-not-found")
}

func TestALineIsRenewedOverHTTP(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	officer := r.officer()
	id, _ := r.paidCase(1)
	asked := fields{"amount": "99500.00", "term_months": 12, "repayment_method": "interest_only_bullet", "purpose": "facility", "site_visit_on": "2026-08-20", "bureau_confirmation_no": "CP-2026-0117"}
	createAt(officer, linePath(id, "/renewals"), asked).wantProblem(http.StatusUnprocessableEntity, "renewal-too-early")
	r.exec("UPDATE product_versions SET document = JSON_SET(document, '$.renewal_without_repayment_days', 366)")
	createAt(r.as(domain.RoleApprover, branchA), linePath(id, "/renewals"), asked).wantProblem(http.StatusForbidden, "role-not-allowed")
	createAt(r.as(domain.RoleLoanOfficer, branchB), linePath(id, "/renewals"), asked).wantProblem(http.StatusNotFound, "application-not-found")
	var renewal struct {
		ID                  domain.ID `json:"id"`
		RenewsApplicationID domain.ID `json:"renews_application_id"`
	}
	createAt(officer, linePath(id, "/renewals"), asked).want(http.StatusCreated).into(&renewal)
	if renewal.RenewsApplicationID != id {
		t.Errorf("the renewal names %q, want %s", renewal.RenewsApplicationID, id)
	}
	createAt(officer, linePath(id, "/renewals"), asked).wantProblem(http.StatusConflict, "renewal-exists")
	r.at(r.now().Add(time.Hour))
	officer.post(pathOf(renewal.ID, "/submit"), "").want(http.StatusOK)
	officer.post(pathOf(renewal.ID, "/sign"), fields{"contract_no": "HT-XD", "signed_on": "2026-08-23"}.text(t)).want(http.StatusOK)
	if old := r.wantLine(id, "0.00", "0.00", "0.00"); old.Status != "ended" || old.RenewedByApplicationID == nil || *old.RenewedByApplicationID != renewal.ID {
		t.Errorf("the old line: %+v, want ended and renewed by %s", old, renewal.ID)
	}
	if is := r.wantLine(renewal.ID, "99500.00", "0.00", "0.00"); is.RenewsApplicationID == nil || *is.RenewsApplicationID != id {
		t.Errorf("the new line: %+v, want one that renews %s", is, id)
	}
}
