package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"fumin/domain"
)

// newRenewal is what a renewal of the tests' lines asks for.
func newRenewal(amount string) fields {
	return fields{
		"amount": amount, "term_months": 12, "repayment_method": "interest_only_bullet", "purpose": "facility",
		"site_visit_on": "2026-08-20", "bureau_confirmation_no": "CP-2026-0117",
	}
}

// renewable lets every line of the test be renewed today.
func (r *register) renewable() {
	r.t.Helper()
	r.exec("UPDATE product_versions SET document = JSON_SET(document, '$.renewal_without_repayment_days', 366)")
}

// renewed opens the renewal of a line.
func (r *register) renewed(id domain.ID, amount string) (a applicationJSON) {
	r.t.Helper()
	createAt(r.officer(), linePath(id, "/renewals"), newRenewal(amount)).want(http.StatusCreated).into(&a)
	return a
}

// The borrower signs the renewal of all that is owed with a code: the contract pays nobody, and has nothing to cool off from.
func TestABorrowerSignsARenewalThatPaysNobody(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	id, _ := r.paidCase(1)
	r.renewable()
	r.coolOff(24, false)
	wantStaffOnly(t, createAt(r.asBorrower(r.borrowerOf(id)), linePath(id, "/renewals"), newRenewal("99500.00")),
		"/bureau_confirmation_no staff-only", "/site_visit_on staff-only")
	renewal := r.renewed(id, "99500.00")
	r.officer().post(pathOf(renewal.ID, "/submit"), "").want(http.StatusOK)
	s := r.prepared(renewal.ID, fields{})
	if len(s.Payees) != 0 {
		t.Errorf("payees %+v, want none: all of it is owed already", s.Payees)
	}
	borrower := r.asBorrower(r.borrowerOf(id))
	page, sha := shown(borrower, renewal.ID)
	for _, want := range []string{"无还本续贷", "HT-" + id.String(), "99,500.00 元", "不发生资金支付", "起算，最后到期日为", "本合同没有冷静期"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, foreign := range []string{"实际放款日", "按下表支付", "6228480000000000018"} {
		if strings.Contains(page, foreign) {
			t.Errorf("the page has %q, though nothing is paid", foreign)
		}
	}
	r.officer().get(pathOf(renewal.ID, "/contract.pdf")).want(http.StatusOK)
	borrower.post(pathOf(renewal.ID, "/contract/codes"), fields{"party_id": s.Parties[0].ID}.text(t)).want(http.StatusCreated)
	signBy(borrower, renewal.ID, s.Parties[0].ID, "sms_code", sha, fields{"code": r.lastCode("13900000001")}).want(http.StatusCreated).into(&s)
	if s.ApplicationStatus != "disbursed" || len(s.Missing) != 0 {
		t.Errorf("signed: %s, %d missing; want disbursed, none", s.ApplicationStatus, len(s.Missing))
	}
	if old := r.wantLine(id, "0.00", "0.00", "0.00"); old.Status != "ended" {
		t.Errorf("the old line is %s, want ended", old.Status)
	}
	r.wantLine(renewal.ID, "99500.00", "0.00", "0.00")
	verified := string(r.officer().get(pathOf(renewal.ID, "/contract/verify")).want(http.StatusOK).body)
	if !strings.Contains(verified, `"intact":true`) || !strings.Contains(verified, `"contract_matches":true`) {
		t.Errorf("verification: %s", verified)
	}
	r.officer().post(pathOf(renewal.ID, "/withdraw"), fields{"reason": "不要了"}.text(t)).wantProblem(http.StatusConflict, "wrong-status")
}

// guaranteedLoan is a guaranteed case whose money has arrived, and its only note.
func (r *register) guaranteedLoan(n int, amount string) (id, note domain.ID) {
	r.t.Helper()
	a, _ := r.guaranteedApproval(n, amount, fields{})
	r.signAll(a)
	var d paymentJSON
	createAt(r.officer(), pathOf(a.ID, "/disbursements"), fields{}).want(http.StatusCreated).into(&d)
	r.payOut(d.ID)
	var notes struct{ Items []struct{ ID domain.ID } }
	r.officer().get(pathOf(a.ID, "/loan-notes")).want(http.StatusOK).into(&notes)
	return a.ID, notes.Items[0].ID
}

// asked is the only guarantee request of a case.
func (r *register) asked(id domain.ID) guaranteeJSON {
	r.t.Helper()
	var list struct{ Items []guaranteeJSON }
	r.officer().get(pathOf(id, "/guarantee-requests")).want(http.StatusOK).into(&list)
	if len(list.Items) != 1 {
		r.t.Fatalf("%d guarantee requests of %s, want one", len(list.Items), id)
	}
	return list.Items[0]
}

// From the product's threshold nothing is owed anew without a live letter: what the gate asks of a payment it asks of the
// signature that renews, because no payment comes after it.
func TestARenewalFromTheThresholdIsSignedOnlyOnALiveLetter(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	officer, approver := r.officer(), r.as(domain.RoleApprover, branchA)
	id, note := r.guaranteedLoan(1, "150000.00")
	r.renewable()
	r.core().post(notePath(note, "/repayments"), repaidBy("HX-1", "30000.00", "100.00").text(t)).want(http.StatusOK)

	renewal := r.renewed(id, "130000.00")
	officer.post(pathOf(renewal.ID, "/submit"), "").want(http.StatusOK).into(&renewal)
	r.clear(renewal.ID)
	approver.post(pathOf(renewal.ID, "/approve"), "{}").want(http.StatusOK)
	g := r.asked(renewal.ID)
	if g.QuotaState != "reserved" || g.QuotaHeld != "130000.00" || r.asked(id).QuotaHeld != "150000.00" {
		t.Errorf("quota: the renewal %+v, the old case %+v; want both to hold theirs until the signature", g, r.asked(id))
	}

	s := r.prepared(renewal.ID, fields{})
	if len(s.Payees) != 1 || s.Payees[0].Amount != "10000.00" || s.Payees[0].Method != "self_payment" {
		t.Errorf("payees %+v, want 10,000.00 that go beyond what is owed, to the borrower", s.Payees)
	}
	sign := func() answer {
		return signBy(officer, renewal.ID, s.Parties[0].ID, "tablet_drawing", s.HTMLSHA256, fields{"drawing_base64": drawing})
	}
	again := func() {
		t.Helper()
		s = r.prepared(renewal.ID, fields{})
	}
	if p := sign().wantProblem(http.StatusUnprocessableEntity, "guarantee-letter-required"); !strings.Contains(p.Detail, "签订续贷合同") {
		t.Errorf("detail %q speaks of something else than the renewal", p.Detail)
	}
	r.core().post(notePath(note, "/repayments"), repaidBy("HX-2", "10000.00", "0.00").text(t)).want(http.StatusOK)
	sign().wantProblem(http.StatusConflict, "contract-text-outdated") // it says that 120,000.00 go over
	path := "/v1/guarantee/requests/" + g.ID.String()
	letter := acceptance("130000.00").but(fields{"decision": "conditional", "conditions": "鸭棚续保"})
	r.asCompany(sampleCompany).post(path+"/answer", letter.text(t)).want(http.StatusOK)
	again()
	sign().wantProblem(http.StatusUnprocessableEntity, "guarantee-conditions-open")
	officer.post(path+"/fulfil", fields{"reason": "已续保，保单 PDAA2026-2"}.text(t)).want(http.StatusOK)
	r.heldAndReleased(id, sign)

	r.wantLine(id, "110000.00", "0.00", "40000.00")
	if n := r.count("SELECT COUNT(*) FROM signatures s JOIN contract_texts c ON c.id = s.text_id WHERE c.application_id = ?", renewal.ID); n != 0 {
		t.Fatalf("%d signatures after refusals only", n)
	}
	sign().want(http.StatusCreated).into(&s)
	if s.ApplicationStatus != "disbursed" {
		t.Errorf("signed on a live letter: %s, want disbursed", s.ApplicationStatus)
	}
	r.wantLine(id, "0.00", "0.00", "0.00")
	r.wantLine(renewal.ID, "110000.00", "0.00", "20000.00")
	if old, is := r.asked(id), r.asked(renewal.ID); old.Status != "released" || old.QuotaHeld != "0.00" || is.QuotaState != "confirmed" || is.QuotaHeld != "130000.00" {
		t.Errorf("guarantees: old %+v, new %+v; want the old released and the new confirmed", old, is)
	}
	createAt(officer, linePath(renewal.ID, "/draws"), fields{"amount": "20000.00"}).want(http.StatusCreated)
}

// heldAndReleased has a hold on the case that is renewed stop its signature, and ends it.
func (r *register) heldAndReleased(id domain.ID, sign func() answer) {
	r.t.Helper()
	var hold struct{ ID domain.ID }
	createAt(r.as(domain.RoleRiskManager, branchA), pathOf(id, "/holds"), fields{"reason": "鸭棚被举报已转让", "until": "2026-08-30T00:00:00Z"}).want(http.StatusCreated).into(&hold)
	sign().wantProblem(http.StatusUnprocessableEntity, "payment-held")
	r.as(domain.RoleRiskManager, headOffice).post("/v1/holds/"+hold.ID.String()+"/release", fields{"reason": "已核实"}.text(r.t)).want(http.StatusOK)
}

// What was approved below what is owed cannot renew it: the borrower hears how much there is to repay first.
func TestARenewalBelowWhatIsOwedIsNotSigned(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	officer := r.officer()
	id, note := r.guaranteedLoan(1, "150000.00")
	r.renewable()
	renewal := r.renewed(id, "150000.00")
	officer.post(pathOf(renewal.ID, "/submit"), "").want(http.StatusOK)
	r.clear(renewal.ID)
	r.as(domain.RoleApprover, branchA).post(pathOf(renewal.ID, "/approve"), fields{"amount": "99000.00"}.text(t)).want(http.StatusOK)
	for name, refused := range map[string]answer{
		"prepared": createAt(officer, pathOf(renewal.ID, "/contract/prepare"), fields{}),
		"on paper": officer.post(pathOf(renewal.ID, "/sign"), fields{"contract_no": "HT-XD", "signed_on": "2026-08-23"}.text(t)),
	} {
		if p := refused.wantProblem(http.StatusUnprocessableEntity, "renewal-below-debt"); !strings.Contains(p.Detail, "99,000.00") || !strings.Contains(p.Detail, "150,000.00") {
			t.Errorf("%s: detail %q names neither sum", name, p.Detail)
		}
	}
	r.core().post(notePath(note, "/repayments"), repaidBy("HX-1", "51000.00", "100.00").text(t)).want(http.StatusOK)
	r.at(r.now().Add(time.Minute))
	officer.post(pathOf(renewal.ID, "/sign"), fields{"contract_no": "HT-XD", "signed_on": "2026-08-23"}.text(t)).want(http.StatusOK)
	r.wantLine(renewal.ID, "99000.00", "0.00", "0.00")
}
