package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"fumin/domain"
)

// guaranteedApproval is an approved case whose company has answered as said.
func (r *register) guaranteedApproval(n int, amount string, answer fields) (a applicationJSON, g guaranteeJSON) {
	r.t.Helper()
	a, g = guaranteed(r.t, r, n, amount)
	r.asCompany(sampleCompany).post("/v1/guarantee/requests/"+g.ID.String()+"/answer", acceptance(amount).but(answer).text(r.t)).want(http.StatusOK)
	r.officer().post(pathOf(a.ID, "/submit"), "").want(http.StatusOK).into(&a)
	if a.Status == "reviewing" {
		r.as(domain.RoleApprover, branchA).post(pathOf(a.ID, "/approve"), "{}").want(http.StatusOK).into(&a)
	}
	if a.Status != "approved" {
		r.t.Fatalf("%s with a letter: %s, want approved", amount, a.Status)
	}
	return a, g
}

// signAll has every party of the prepared contract sign.
func (r *register) signAll(a applicationJSON, parties ...fields) (s signingJSON) {
	r.t.Helper()
	body := fields{}
	if len(parties) > 0 {
		body["parties"] = parties
	}
	s = r.prepared(a.ID, body)
	for _, party := range s.Parties {
		signBy(r.officer(), a.ID, party.ID, "tablet_drawing", s.HTMLSHA256, fields{"drawing_base64": drawing}).want(http.StatusCreated).into(&s)
	}
	return s
}

func TestAGuaranteedLoanGoesAllTheWayToMoneyOnALiveLetter(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	officer, releaser := r.officer(), r.as(domain.RoleDisbursementOfficer, branchA)
	a, g := r.guaranteedApproval(1, "100000.00", fields{"decision": "conditional", "conditions": "鸭棚投保并以农担公司为第一受益人"})
	if s := r.signAll(a); s.ApplicationStatus != "signed" {
		t.Fatalf("signed by all: %s", s.ApplicationStatus)
	}
	order := fields{"payees": []fields{{"method": "self_payment", "amount": "100000.00"}}}
	createAt(officer, pathOf(a.ID, "/disbursements"), order).wantProblem(http.StatusUnprocessableEntity, "guarantee-conditions-open")
	officer.post("/v1/guarantee/requests/"+g.ID.String()+"/fulfil", fields{"reason": "已投保，保单 PDAA2026-1"}.text(t)).want(http.StatusOK).into(&g)
	if g.Status != "accepted" || g.QuotaState != "confirmed" || g.QuotaHeld != "100000.00" {
		t.Errorf("fulfilled: %+v, want accepted and 100,000.00 confirmed", g)
	}
	var d paymentJSON
	createAt(officer, pathOf(a.ID, "/disbursements"), order).want(http.StatusCreated).into(&d)
	release := "/v1/disbursements/" + d.ID.String() + "/release"
	today := *r.clock.Load()
	r.at(time.Date(2026, 11, 23, 1, 30, 0, 0, time.UTC)) // the day after the letter's last
	releaser.also("Idempotency-Key", newID().String()).post(release, "").wantProblem(http.StatusUnprocessableEntity, "guarantee-letter-required")
	r.at(today)
	releaser.also("Idempotency-Key", newID().String()).post(release, "").want(http.StatusOK)
	if taken, err := r.payouts().Work(t.Context()); err != nil || taken != 1 {
		t.Fatalf("worked: %d (%v), want one transfer", taken, err)
	}
	officer.get("/v1/disbursements/" + d.ID.String()).want(http.StatusOK).into(&d)
	if d.Status != "succeeded" {
		t.Errorf("paid: %+v", d)
	}
}

func TestTheContractIsSignedByWhomTheLetterAsksFor(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	spouse := fields{"role": "spouse", "name": "李秀英", "id_number": idNumber(50)}
	guarantor := fields{"role": "guarantor", "name": "王立新", "id_number": idNumber(51)}
	for i, c := range []struct {
		amount, counter, note string
		wrong, right          fields
		role                  string
	}{
		{"200000.00", "spouse", "", guarantor, spouse, "spouse"},
		{"200000.01", "other", "由果园主王立新提供保证", spouse, guarantor, "guarantor"},
	} {
		a, _ := r.guaranteedApproval(1+i, c.amount, fields{"counter_guarantee": c.counter, "counter_note": c.note})
		createAt(r.officer(), pathOf(a.ID, "/contract/prepare"), fields{}).wantProblem(http.StatusUnprocessableEntity, "counter-guarantor-missing")
		createAt(r.officer(), pathOf(a.ID, "/contract/prepare"), fields{"parties": []fields{c.wrong}}).wantProblem(http.StatusUnprocessableEntity, "counter-guarantor-missing")
		s := r.prepared(a.ID, fields{"parties": []fields{c.right}})
		if !slices.Equal(s.roles(), []string{"borrower", c.role}) {
			t.Fatalf("%s: parties %v, want the borrower and the %s", c.amount, s.roles(), c.role)
		}
		signBy(r.officer(), a.ID, s.Parties[0].ID, "tablet_drawing", s.HTMLSHA256, fields{"drawing_base64": drawing}).want(http.StatusCreated).into(&s)
		if s.ApplicationStatus != "approved" || len(s.Missing) != 1 {
			t.Errorf("%s signed by the borrower alone: %s, %d missing; want one to be awaited", c.amount, s.ApplicationStatus, len(s.Missing))
		}
		signBy(r.officer(), a.ID, s.Parties[1].ID, "tablet_drawing", s.HTMLSHA256, fields{"drawing_base64": drawing}).want(http.StatusCreated).into(&s)
		if s.ApplicationStatus != "signed" {
			t.Errorf("%s signed by both: %s, want signed", c.amount, s.ApplicationStatus)
		}
	}
}

func TestAPaymentGoesToTheSellersOfTheContractAlone(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	r.exec(`UPDATE product_versions SET document = JSON_SET(document, '$.entrusted_payment', JSON_ARRAY(JSON_OBJECT('purpose_kind', 'production', 'above', '50000.00')))`)
	officer := r.officer()
	a := r.approved(1)
	s := r.prepared(a.ID, fields{"sellers": []fields{
		{"name": "茌平县建材公司", "account": "9040101070142050000123", "bank_name": "茌平农商行", "amount": "60000.00", "for": "钢结构大棚"},
	}})
	signBy(officer, a.ID, s.Parties[0].ID, "tablet_drawing", s.HTMLSHA256, fields{"drawing_base64": drawing}).want(http.StatusCreated)
	pay := func(name, account, amount, self string) answer {
		return createAt(officer, pathOf(a.ID, "/disbursements"), fields{"payees": []fields{
			{"method": "entrusted_payment", "amount": amount, "account_name": name, "account": account, "bank_name": "茌平农商行", "document_reference": "购销合同 2026-031", "document_sha256": anyHash},
			{"method": "self_payment", "amount": self},
		}})
	}
	if p := createAt(officer, pathOf(a.ID, "/disbursements"), fields{}).wantProblem(http.StatusUnprocessableEntity, "entrusted-payment-required"); !strings.Contains(p.Detail, "60,000.00") {
		t.Errorf("detail %q does not say what the sellers are to have", p.Detail)
	}
	pay("茌平县建材公司", "9040101070142050000123", "49499.99", "50000.01").wantProblem(http.StatusUnprocessableEntity, "entrusted-payment-required")
	pay("茌平县建材公司", "9040101070142050000123", "60000.01", "39499.99").wantProblem(http.StatusUnprocessableEntity, "payee-not-in-contract")
	pay("茌平县建材公司", "9040101070142050000456", "60000.00", "39500.00").wantProblem(http.StatusUnprocessableEntity, "payee-not-in-contract")
	pay("茌平县另一公司", "9040101070142050000123", "60000.00", "39500.00").wantProblem(http.StatusUnprocessableEntity, "payee-not-in-contract")
	pay("茌平县建材公司", "9040101070142050000123", "60000.00", "39500.00").want(http.StatusCreated)
}

func TestAllPaymentsOfAContractTogetherAreHeldToItsPayees(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	officer, releaser := r.officer(), r.as(domain.RoleDisbursementOfficer, branchA)
	a := r.approved(1)
	seller := fields{"name": "茌平县建材公司", "account": "9040101070142050000123", "bank_name": "茌平农商行", "amount": "60000.00", "for": "钢结构大棚"}
	other := seller.but(fields{"name": "茌平县种业公司", "account": "9040101070142059990123", "amount": "10000.00", "for": "种子"}) // ends alike
	s := r.prepared(a.ID, fields{"sellers": []fields{seller, other}})
	signBy(officer, a.ID, s.Parties[0].ID, "tablet_drawing", s.HTMLSHA256, fields{"drawing_base64": drawing}).want(http.StatusCreated)
	request := func(payees ...fields) answer {
		return createAt(officer, pathOf(a.ID, "/disbursements"), fields{"payees": payees})
	}
	to := func(seller fields, amount string) fields {
		return fields{
			"method": "entrusted_payment", "amount": amount, "account_name": seller["name"], "account": seller["account"], "bank_name": seller["bank_name"],
			"document_reference": "购销合同 2026-031", "document_sha256": anyHash,
		}
	}
	own := func(amount string) fields { return fields{"method": "self_payment", "amount": amount} }
	refused := func(payees ...fields) {
		t.Helper()
		request(payees...).wantProblem(http.StatusUnprocessableEntity, "payee-not-in-contract")
	}

	// A revolving line: what is not settled yet counts together.
	createAt(officer, pathOf(a.ID, "/disbursements"), fields{}).wantProblem(http.StatusUnprocessableEntity, "entrusted-payment-required")
	var d paymentJSON
	request(to(seller, "60000.00")).want(http.StatusCreated).into(&d)
	refused(to(seller, "39500.00"))
	releaser.post("/v1/disbursements/"+d.ID.String()+"/cancel", fields{"reason": "发票有误"}.text(t)).want(http.StatusOK)

	// A line that does not: everything counts, also what has arrived.
	r.exec("UPDATE credit_lines SET revolving = 0")
	request(to(seller, "60000.00"), own("20000.00")).want(http.StatusCreated).into(&d)
	releaser.also("Idempotency-Key", newID().String()).post("/v1/disbursements/"+d.ID.String()+"/release", "").want(http.StatusOK)
	if taken, err := r.payouts().Work(t.Context()); err != nil || taken != 2 {
		t.Fatalf("worked: %d (%v), want two transfers", taken, err)
	}
	refused(to(seller, "0.01"))
	refused(own("9500.01"))
	request(to(other, "10000.00"), own("9500.00")).want(http.StatusCreated)
}
