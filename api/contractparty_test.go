package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"fumin/domain"
)

// The people of the co-operative of these tests, as idNumber counts them: the chair, and five members.
const (
	chairNo   = 60
	memberNo  = 61
	memberNos = 5
)

// cooperative creates a co-operative with its chair, five members who hold a share, and an organisation that holds one.
func (r *register) cooperative() (b borrowerJSON) {
	r.t.Helper()
	const name = "高唐县一诺苗木种植专业合作社"
	shares := []fields{
		{"name": "刘明勇", "id_number": idNumber(chairNo), "share_pct": "52"},
		{"name": "高唐县绿源种业有限公司", "credit_code": creditCode("91371526MA3C4X0Y1"), "share_pct": "8"},
	}
	for i, member := range []string{"赵建国", "钱秀兰", "孙志强", "周桂英", "吴德福"} {
		shares = append(shares, fields{"name": member, "id_number": idNumber(memberNo + i), "share_pct": "8"})
	}
	createAt(r.officer(), "/v1/borrowers", fields{
		"kind": "cooperative", "name": name, "credit_code": creditCode("93371526MA3C4X0Y0"), "phone": "0635-3950000",
		"region_code": "371526901201", "address": "山东省聊城市高唐县赵寨子镇解庄村",
		"organisation": fields{
			"registered_on":  "2015-04-10",
			"representative": fields{"name": "刘明勇", "id_number": idNumber(chairNo), "phone": "13900000060", "role": "chair"},
			"shareholders":   shares,
		},
		"payout_account": fields{"number": "9040101070142050000789", "account_name": name, "bank_name": "高唐农商行", "verified_how": "document_seen"},
		"consents": []fields{
			{"kind": "credit_enquiry", "text_version": "credit-2026.1", "given_how": "paper", "given_at": "2026-08-23T01:00:00Z", "until": "2027-08-22"},
			{"kind": "guarantee_sharing", "text_version": "guarantee-2026.1", "given_how": "paper", "given_at": "2026-08-23T01:00:00Z"},
		},
	}).want(http.StatusCreated).into(&b)
	createAt(r.officer(), "/v1/borrowers/"+b.ID.String()+"/licences", fields{
		"kind": "business", "no": creditCode("93371526MA3C4X0Y0"), "issued_on": "2015-04-10",
	}).want(http.StatusCreated)
	return b
}

// cooperativeApproved takes a co-operative's application through visit, guarantee, review and approval. The company asks for a
// guarantor.
func (r *register) cooperativeApproved(amount string) (a applicationJSON) {
	r.t.Helper()
	officer := r.officer()
	createAt(officer, "/v1/applications", fields{
		"borrower_id": r.cooperative().ID, "product_code": "NYCYD", "amount": amount, "term_months": 12,
		"repayment_method": "interest_only_bullet", "purpose": "planting", "purpose_note": "购买苗木",
	}).want(http.StatusCreated).into(&a)
	for _, paper := range []string{"chair_id_card", "member_resolution", "share_register", "land_contract"} {
		createAt(officer, pathOf(a.ID, "/documents"), fields{"type": paper, "received_on": "2026-08-23", "reference": "DA-" + paper}).want(http.StatusCreated)
	}
	officer.post(pathOf(a.ID, "/submit"), "").want(http.StatusOK).into(&a)
	if a.Status != "reviewing" {
		r.t.Fatalf("submitted: %s, want reviewing", a.Status)
	}
	second, person := r.hired(domain.RoleRiskManager, headOffice)
	var visit struct{ ID domain.ID }
	createAt(officer, pathOf(a.ID, "/site-visits"), fields{"second_id": person, "visited_on": "2026-08-20", "findings": "苗木基地三百亩"}).want(http.StatusCreated).into(&visit)
	second.post("/v1/site-visits/"+visit.ID.String()+"/confirm", "").want(http.StatusOK)
	var requests struct{ Items []guaranteeJSON }
	officer.get(pathOf(a.ID, "/guarantee-requests")).want(http.StatusOK).into(&requests)
	if len(requests.Items) != 1 {
		r.t.Fatalf("%d guarantee requests after the submit, want one", len(requests.Items))
	}
	answer := acceptance(amount).but(fields{"counter_guarantee": "other", "counter_note": "由理事长刘明勇个人提供连带责任保证"})
	r.asCompany(sampleCompany).post("/v1/guarantee/requests/"+requests.Items[0].ID.String()+"/answer", answer.text(r.t)).want(http.StatusOK)
	for _, task := range r.tasks(a.ID).Items {
		if task.Status == "open" && task.Blocking {
			r.as(domain.Role(task.OwnerRole), branchA).post("/v1/tasks/"+task.ID.String()+"/complete", fields{"result": "已办妥"}.text(r.t)).want(http.StatusOK)
		}
	}
	approver, who := r.hired(domain.RoleApprover, headOffice)
	r.inForce(newAuthority("approve", who, "900000.00"))
	approver.post(pathOf(a.ID, "/approve"), "{}").want(http.StatusOK).into(&a)
	return a
}

// party returns the party of a role with the n-th identity number of a test, by its last four characters.
func (s signingJSON) party(t *testing.T, role string, n int) domain.ID {
	t.Helper()
	for _, p := range s.Parties {
		if p.Role == role && strings.HasSuffix(p.IDNumber, idNumber(n)[14:]) {
			return p.ID
		}
	}
	t.Fatalf("no %s whose number ends in %s among %+v", role, idNumber(n)[14:], s.Parties)
	return ""
}

// A co-operative's loan from the application to a contract in effect: the chair signs for the co-operative and again as the
// guarantor whom the guarantee company asked for, and three of five members sign beside it.
func TestACooperativesContractIsInEffectOnceEnoughMembersHaveSigned(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	officer := r.officer()
	membersMin := func(n int) {
		r.exec("UPDATE product_versions SET document = JSON_SET(document, '$.member_signatures_min', ?) WHERE product_code = 'NYCYD'", n)
	}
	membersMin(memberNos + 1)
	a := r.cooperativeApproved("600000.00")
	seller := fields{"name": "茌平县苗木公司", "account": "9040101070142050000123", "bank_name": "茌平农商行", "amount": "600000.00", "for": "苗木"}
	chair := fields{"role": "guarantor", "id_number": idNumber(chairNo)} // name and phone are known
	asked := fields{"sellers": []fields{seller}, "parties": []fields{chair, {"role": "member", "id_number": idNumber(memberNo + 2), "phone": "13900000063"}}}
	prepare := func(body fields) answer { return createAt(officer, pathOf(a.ID, "/contract/prepare"), body) }
	if p := prepare(asked).wantProblem(http.StatusUnprocessableEntity, "members-missing"); !strings.Contains(p.Detail, "6 位") || !strings.Contains(p.Detail, "5 位") {
		t.Errorf("detail %q does not say that 6 are wanted and 5 are on file", p.Detail)
	}
	membersMin(3)
	prepare(asked.but(fields{"parties": nil})).wantProblem(http.StatusUnprocessableEntity, "counter-guarantor-missing")
	var s signingJSON
	prepare(asked).want(http.StatusCreated).into(&s)
	if want := append(append([]string{"borrower"}, slices.Repeat([]string{"member"}, memberNos)...), "guarantor"); !slices.Equal(s.roles(), want) || len(s.Payees) != 1 {
		t.Fatalf("parties %v and %d payees, want %v and the seller", s.roles(), len(s.Payees), want)
	}
	page, sha := shown(officer, a.ID)
	for _, want := range []string{"一诺苗木种植专业合作社，签署人 刘明勇", "以上 5 位合作社成员中至少 3 位签署", "赵建国", "吴德福", "山东省农业发展信贷担保"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}

	sign := func(role string, n int) answer {
		t.Helper()
		return signBy(officer, a.ID, s.party(t, role, n), "tablet_drawing", sha, fields{"drawing_base64": drawing})
	}
	wantMissing := func(after string, missing int) {
		t.Helper()
		if s.ApplicationStatus != "approved" || len(s.Missing) != missing {
			t.Errorf("after %s: %s, %d missing; want approved, %d", after, s.ApplicationStatus, len(s.Missing), missing)
		}
	}
	sign("borrower", chairNo).want(http.StatusCreated).into(&s)
	wantMissing("the chair for the co-operative", memberNos+1)
	// The app that acts for the co-operative signs for it, and not for the person of its chair.
	signBy(r.asBorrower(r.borrowerOf(a.ID)), a.ID, s.party(t, "guarantor", chairNo), "tablet_drawing", sha, fields{"drawing_base64": drawing}).
		wantProblem(http.StatusForbidden, "role-not-allowed")
	officer.post(pathOf(a.ID, "/contract/codes"), fields{"party_id": s.party(t, "guarantor", chairNo)}.text(t)).want(http.StatusCreated)
	if history := string(officer.get(pathOf(a.ID, "/events")).want(http.StatusOK).body); !strings.Contains(history, "phone_last4") {
		t.Errorf("the history does not say which phone the code went to: %s", history)
	}
	signBy(officer, a.ID, s.party(t, "guarantor", chairNo), "sms_code", sha, fields{"code": r.lastCode("13900000060")}).want(http.StatusCreated).into(&s)
	wantMissing("the chair as guarantor", memberNos)
	sign("guarantor", chairNo).wantProblem(http.StatusConflict, "already-signed")
	sign("member", memberNo+4).want(http.StatusCreated).into(&s)
	sign("member", memberNo).want(http.StatusCreated).into(&s)
	wantMissing("two of three members", 3)
	officer.post(pathOf(a.ID, "/contract/codes"), fields{"party_id": s.party(t, "member", memberNo+1)}.text(t)).wantProblem(http.StatusUnprocessableEntity, "party-phone-missing")
	third := s.party(t, "member", memberNo+2)
	officer.post(pathOf(a.ID, "/contract/codes"), fields{"party_id": third}.text(t)).want(http.StatusCreated)
	signBy(officer, a.ID, third, "sms_code", sha, fields{"code": r.lastCode("13900000063")}).want(http.StatusCreated).into(&s)
	if s.ApplicationStatus != "signed" || len(s.Missing) != 0 {
		t.Errorf("after the third member: %s, %d missing; want signed, none", s.ApplicationStatus, len(s.Missing))
	}
	sign("member", memberNo+1).wantProblem(http.StatusConflict, "wrong-status")

	verified := string(officer.get(pathOf(a.ID, "/contract/verify")).want(http.StatusOK).body)
	if strings.Count(verified, `"shown_matches":true`) != 5 || !strings.Contains(verified, `"intact":true`) || !strings.Contains(verified, `"contract_matches":true`) {
		t.Errorf("verification: %s, want five signatures under an intact contract", verified)
	}
	createAt(officer, pathOf(a.ID, "/disbursements"), fields{"payees": []fields{{
		"method": "entrusted_payment", "amount": "600000.00", "account_name": seller["name"], "account": seller["account"], "bank_name": seller["bank_name"],
		"document_reference": "购销合同 2026-088", "document_sha256": anyHash,
	}}}).want(http.StatusCreated)
}

// spouseIsCompleted has the officer say the number of a spouse whom the household's book knows by name alone.
func (r *register) spouseIsCompleted(n int) {
	r.t.Helper()
	a, _ := r.guaranteedApproval(n, "150000.00", fields{"counter_guarantee": "spouse"})
	var b borrowerJSON
	r.officer().get("/v1/borrowers/" + r.borrowerOf(a.ID).String()).want(http.StatusOK).into(&b)
	createAt(r.officer(), "/v1/households/"+b.HouseholdID.String()+"/members", fields{
		"name": "王小明", "relation": "spouse", "on": "2020-01-01", "reason": "登记家庭成员",
	}).want(http.StatusCreated)
	spouse := fields{"role": "spouse", "name": "王小明", "id_number": idNumber(75)}
	for what, c := range map[string]struct {
		parties []fields
		field   string
	}{
		"without a number": {[]fields{}, "/parties required"}, "by another name": {[]fields{spouse.but(fields{"name": "李秀英"})}, "/parties/0 spouse-differs"},
	} {
		p := createAt(r.officer(), pathOf(a.ID, "/contract/prepare"), fields{"parties": c.parties}).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
		if !slices.Contains(p.fields(), c.field) {
			r.t.Errorf("the spouse %s: refused %v, want %s", what, p.fields(), c.field)
		}
	}
	if s := r.prepared(a.ID, fields{"parties": []fields{spouse}}); !slices.Equal(s.roles(), []string{"borrower", "spouse"}) {
		r.t.Errorf("parties %v, want the borrower and one spouse", s.roles())
	}
}

// One person may sign in two roles; what would make a signature worth nothing stays refused.
func TestNobodyStandsTwiceInOneRoleOrAnswersForHimself(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	officer := r.officer()
	const spouseNo, otherNo, childNo = 70, 71, 15_400 // born in 1968, and in 2010
	small, _ := r.guaranteedApproval(1, "200000.00", fields{"counter_guarantee": "spouse"})
	large, _ := r.guaranteedApproval(2, "200000.01", fields{"counter_guarantee": "other", "counter_note": "由第三人提供保证"})
	for i, a := range []applicationJSON{small, large} {
		var b borrowerJSON
		officer.get("/v1/borrowers/" + r.borrowerOf(a.ID).String()).want(http.StatusOK).into(&b)
		r.join(officer, b.HouseholdID, spouseNo+10*i, "spouse")
	}
	guarantor := func(n int, name string) fields {
		return fields{"role": "guarantor", "name": name, "id_number": idNumber(n)}
	}
	spouse := func(n int, name string) fields {
		return fields{"role": "spouse", "name": name, "id_number": idNumber(n)}
	}
	phone := fields{"phone": "13900000071"}
	prepare := func(a applicationJSON, parties ...fields) answer {
		return createAt(officer, pathOf(a.ID, "/contract/prepare"), fields{"parties": parties})
	}
	for name, c := range map[string]struct {
		parties []fields
		field   string
	}{
		"the borrower as his own guarantor":     {[]fields{guarantor(1, "王吉华")}, "/parties/0 same-person"},
		"the borrower as his own spouse":        {[]fields{spouse(1, "王吉华")}, "/parties/0 same-person"},
		"the borrower again":                    {[]fields{{"role": "borrower", "id_number": idNumber(1)}}, "/parties/0 duplicate"},
		"another phone than the one on file":    {[]fields{{"role": "borrower", "id_number": idNumber(1), "phone": "13900000071"}}, "/parties/0/phone phone-differs"},
		"the spouse on file again":              {[]fields{spouse(spouseNo, "王小明")}, "/parties/0 duplicate"},
		"another spouse than the one on file":   {[]fields{spouse(otherNo, "李秀英")}, "/parties/0 spouse-differs"},
		"a guarantor twice":                     {[]fields{guarantor(otherNo, "李保"), guarantor(otherNo, "李保")}, "/parties/1 duplicate"},
		"a guarantor twice, with a phone":       {[]fields{guarantor(otherNo, "李保"), guarantor(otherNo, "李保").but(phone)}, "/parties/1 duplicate"},
		"two phones for one party":              {[]fields{spouse(spouseNo, "王小明").but(phone), spouse(spouseNo, "王小明").but(phone)}, "/parties/1 duplicate"},
		"the spouse by another name":            {[]fields{guarantor(spouseNo, "李秀英")}, "/parties/0/name name-differs"},
		"a guarantor without a name":            {[]fields{{"role": "guarantor", "id_number": idNumber(otherNo)}}, "/parties/0/name required"},
		"a guarantor of sixteen":                {[]fields{guarantor(childNo, "李小保")}, "/parties/0/id_number under-age"},
		"a member of what is no co-operative":   {[]fields{{"role": "member", "name": "李保", "id_number": idNumber(otherNo)}}, "/parties/0/role party-not-on-file"},
		"somebody else's name for the borrower": {[]fields{{"role": "borrower", "name": "李保", "id_number": idNumber(otherNo)}}, "/parties/0/role party-not-on-file"},
	} {
		if p := prepare(small, c.parties...).wantProblem(http.StatusUnprocessableEntity, "invalid-fields"); !slices.Equal(p.fields(), []string{c.field}) {
			t.Errorf("%s: refused %v, want %s", name, p.fields(), c.field)
		}
	}

	r.spouseIsCompleted(3)

	// The spouse may answer as a guarantor besides, and signs twice then; beyond the product's sum the spouse alone is not enough.
	var s signingJSON
	prepare(small, guarantor(spouseNo, "王小明")).want(http.StatusCreated).into(&s)
	if !slices.Equal(s.roles(), []string{"borrower", "spouse", "guarantor"}) {
		t.Errorf("parties %v, want the spouse in two roles", s.roles())
	}
	for left := 2; left >= 0; left-- {
		signBy(officer, small.ID, s.Parties[2-left].ID, "tablet_drawing", s.HTMLSHA256, fields{"drawing_base64": drawing}).want(http.StatusCreated).into(&s)
		if len(s.Missing) != left {
			t.Errorf("after signature %d: %d missing, want %d", 3-left, len(s.Missing), left)
		}
	}
	const largeSpouse = spouseNo + 10
	for name, parties := range map[string][]fields{
		"the spouse on file as guarantor": {guarantor(largeSpouse, "王小明")}, "the spouse in both roles": {spouse(largeSpouse, "王小明"), guarantor(largeSpouse, "王小明")}, "nobody": {},
	} {
		if p := prepare(large, parties...).wantProblem(http.StatusUnprocessableEntity, "counter-guarantor-missing"); !strings.Contains(p.Detail, "配偶以外的保证人") {
			t.Errorf("%s: %q does not say that somebody else than the spouse is wanted", name, p.Detail)
		}
	}
	prepare(large, guarantor(otherNo, "李保")).want(http.StatusCreated)
}
