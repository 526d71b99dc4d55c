package api_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"fumin/domain"
	"fumin/domain/origination"
	"fumin/repository/contractprint"
	"fumin/repository/signing"
	signingsandbox "fumin/repository/signing/sandbox"
)

// loadFont reads the machine's Chinese font once: scripts/test.sh installs it.
var loadFont = sync.OnceValues(func() (*contractprint.Font, error) { return contractprint.LoadFont(os.Getenv("FUMIN_FONT_FILE")) })

func theFont(t *testing.T) *contractprint.Font {
	t.Helper()
	font, err := loadFont()
	if err != nil {
		t.Fatal(err)
	}
	if font == nil {
		t.Fatalf("no Chinese font in any of %v: apt-get install fonts-wqy-zenhei", contractprint.DefaultFontFiles())
	}
	return font
}

// newSigning is a sandbox signing service behind real HTTP, and its client.
func newSigning(t *testing.T) (origination.SigningService, string, *signingsandbox.Server) {
	t.Helper()
	realTime := func() time.Time { return time.Now().UTC() } // the service checks the time of a request
	secret := []byte("0123456789abcdef0123456789abcdef")
	server, err := signingsandbox.New(signingsandbox.Options{Keys: map[string][]byte{"fumin": secret}, Now: realTime})
	if err != nil {
		t.Fatal(err)
	}
	listening := httptest.NewServer(server)
	t.Cleanup(listening.Close)
	client, err := signing.New(signing.Options{BaseURL: listening.URL, KeyID: "fumin", Secret: secret, Now: realTime})
	if err != nil {
		t.Fatal(err)
	}
	return client, listening.URL, server
}

// lastCode asks the sandbox for the last code that was sent to a number, as the owner of the phone reads it.
func (r *register) lastCode(phone string) string {
	r.t.Helper()
	var message struct {
		Text string `json:"text"`
	}
	response, err := http.Get(r.signingURL + "/v1/control/messages?phone=" + url.QueryEscape(phone))
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if err := json.NewDecoder(response.Body).Decode(&message); err != nil {
		r.t.Fatalf("no message to %s: %v", phone, err)
	}
	code := regexp.MustCompile(`验证码 ([0-9]{6})，`).FindStringSubmatch(message.Text)
	if code == nil || strings.Contains(message.Text, "王吉华") || strings.Contains(message.Text, phone) {
		r.t.Fatalf("message %q: want a code of six digits, and nobody's name or number", message.Text)
	}
	return code[1]
}

// misbehave tells the sandbox what to do with what comes next.
func (r *register) misbehave(mode signingsandbox.Mode) {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), http.MethodPut, r.signingURL+"/v1/control", strings.NewReader(fmt.Sprintf(`{"mode":%q}`, mode)))
	if err != nil {
		r.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusNoContent {
		body, _ := io.ReadAll(response.Body)
		r.t.Fatalf("mode %s: %d %s", mode, response.StatusCode, body)
	}
}

type signingJSON struct {
	TextID            domain.ID `json:"text_id"`
	ApplicationStatus string    `json:"application_status"`
	Number            int       `json:"number"`
	ContractNo        string    `json:"contract_no"`
	HTMLSHA256        string    `json:"html_sha256"`
	PDFSHA256         string    `json:"pdf_sha256"`
	Parties           []struct {
		ID        domain.ID `json:"id"`
		Role      string    `json:"role"`
		Name      string    `json:"name"`
		IDNumber  string    `json:"id_number"`
		Phone     string    `json:"phone"`
		Signature *struct {
			Method string `json:"method"`
		} `json:"signature"`
	} `json:"parties"`
	Missing []domain.ID `json:"missing"`
	Payees  []struct {
		Method string `json:"method"`
		Amount string `json:"amount"`
	} `json:"payees"`
}

func (s signingJSON) roles() (roles []string) {
	for _, p := range s.Parties {
		roles = append(roles, p.Role)
	}
	return roles
}

// approved is an application that waits for its contract.
func (r *register) approved(n int) applicationJSON {
	r.t.Helper()
	a := r.opened(n)
	r.officer().post(pathOf(a.ID, "/submit"), "").want(http.StatusOK).into(&a)
	if a.Status != "approved" {
		r.t.Fatalf("submitted: %s, want approved", a.Status)
	}
	return a
}

func (r *register) prepared(id domain.ID, body fields) (s signingJSON) {
	r.t.Helper()
	createAt(r.officer(), pathOf(id, "/contract/prepare"), body).want(http.StatusCreated).into(&s)
	return s
}

// shown reads the page and hashes what was shown, as a client does.
func shown(c *client, id domain.ID) (page, sha string) {
	c.t.Helper()
	answer := c.get(pathOf(id, "/contract.html")).want(http.StatusOK)
	sum := sha256.Sum256(answer.body)
	return string(answer.body), hex.EncodeToString(sum[:])
}

func signBy(c *client, id domain.ID, party domain.ID, method, sha string, more fields) answer {
	c.t.Helper()
	return createAt(c, pathOf(id, "/contract/signatures"), fields{"party_id": party, "method": method, "shown_sha256": sha}.but(more))
}

var drawing = base64.StdEncoding.EncodeToString([]byte("\x89PNG\r\n\x1a\nsignature"))

func TestABorrowerSignsWithACodeWhatWasShown(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	a := r.approved(1)
	s := r.prepared(a.ID, fields{})
	if s.Number != 1 || !strings.HasPrefix(s.ContractNo, "HT-2026-") || !slices.Equal(s.roles(), []string{"borrower"}) || len(s.Missing) != 1 {
		t.Fatalf("prepared: %+v", s)
	}
	if s.Parties[0].Name == "王吉华" || strings.Contains(s.Parties[0].IDNumber, "1968") || len(s.Payees) != 1 || s.Payees[0].Amount != "99500.00" {
		t.Errorf("prepared in clear, or with other payees: %+v", s)
	}
	var plan struct {
		APREffectivePct string `json:"apr_effective_pct"`
	}
	r.officer().get(pathOf(a.ID, "/plan")).want(http.StatusOK).into(&plan)
	page, sha := shown(r.officer(), a.ID)
	if sha != s.HTMLSHA256 {
		t.Fatalf("the page hashes to %s, the text says %s", sha, s.HTMLSHA256)
	}
	for _, want := range []string{
		"人民币玖万玖仟伍佰元整", "99,500.00", "王吉华", idNumber(1), "年利率", "3.20%", "综合年化成本", plan.APREffectivePct + "%", "自主支付", "没有冷静期", "6228480000000000018",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, foreign := range []string{"<script", "http://", "https://", "facility", "interest_only_bullet", "guarantee_company"} {
		if strings.Contains(page, foreign) {
			t.Errorf("the page has %q", foreign)
		}
	}
	if n := r.count("SELECT COUNT(*) FROM borrower_events WHERE action = 'reveal'"); n != 1 {
		t.Errorf("%d looks recorded after one look at the contract, want 1", n)
	}

	borrower := r.asBorrower(r.borrowerOf(a.ID))
	party := s.Parties[0].ID
	borrower.post(pathOf(a.ID, "/contract/codes"), fields{"party_id": party}.text(t)).want(http.StatusCreated)
	code := r.lastCode("13900000001")
	if r.count("SELECT COUNT(*) FROM signing_codes WHERE code_hash = ? OR code_hash LIKE ?", code, "%"+code+"%") != 0 {
		t.Error("the code stands in the table")
	}
	_, sha = shown(borrower, a.ID)
	signBy(borrower, a.ID, party, "sms_code", sha, fields{"code": code}).want(http.StatusCreated).into(&s)
	if s.ApplicationStatus != "signed" || len(s.Missing) != 0 || s.Parties[0].Signature == nil || s.Parties[0].Signature.Method != "sms_code" {
		t.Errorf("signed: %+v", s)
	}
	contract := string(r.officer().get(pathOf(a.ID, "/contract")).want(http.StatusOK).body)
	for _, want := range []string{`"form":"electronic"`, `"document_sha256":"` + sha + `"`, `"contract_no":"` + s.ContractNo + `"`, `"annual_rate_pct":"3.20"`, `"spread_pct":"0.20"`} {
		if !strings.Contains(contract, want) {
			t.Errorf("the contract lacks %s: %s", want, contract)
		}
	}
	events := string(r.officer().get(pathOf(a.ID, "/events")).want(http.StatusOK).body)
	for _, want := range []string{`"prepare_contract"`, `"send_code"`, `"put_signature"`, `"action":"sign"`} {
		if !strings.Contains(events, want) {
			t.Errorf("the history lacks %s", want)
		}
	}
	if strings.Contains(events, code) {
		t.Error("the history says the code")
	}
	verified := string(r.officer().get(pathOf(a.ID, "/contract/verify")).want(http.StatusOK).body)
	for _, want := range []string{`"intact":true`, `"prints_same":true`, `"contract_matches":true`, `"problem":""`, `"shown_matches":true`} {
		if !strings.Contains(verified, want) {
			t.Errorf("verification lacks %s: %s", want, verified)
		}
	}
}

// borrowerOf is whose application it is.
func (r *register) borrowerOf(id domain.ID) domain.ID {
	r.t.Helper()
	var a struct {
		BorrowerID domain.ID `json:"borrower_id"`
	}
	r.officer().get(pathOf(id, "")).want(http.StatusOK).into(&a)
	return a.BorrowerID
}

func TestASignatureIsRefusedWhereItWouldNotHold(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	officer := r.officer()
	a := r.approved(1)
	draft := r.opened(2)
	createAt(officer, pathOf(draft.ID, "/contract/prepare"), fields{}).wantProblem(http.StatusConflict, "wrong-status")
	createAt(r.as(domain.RoleAuditor, branchA), pathOf(a.ID, "/contract/prepare"), fields{}).wantProblem(http.StatusForbidden, "role-not-allowed")
	officer.get(pathOf(a.ID, "/contract.html")).wantProblem(http.StatusNotFound, "contract-text-not-found")
	s := r.prepared(a.ID, fields{})
	party := s.Parties[0].ID
	_, sha := shown(officer, a.ID)

	r.as(domain.RoleAdmin, branchA).get(pathOf(a.ID, "/contract.html")).wantProblem(http.StatusForbidden, "role-not-allowed")
	r.as(domain.RoleLoanOfficer, branchB).get(pathOf(a.ID, "/contract.html")).wantProblem(http.StatusNotFound, "contract-text-not-found")
	signBy(officer, a.ID, party, "tablet_drawing", strings.Repeat("0", 64), fields{"drawing_base64": drawing}).wantProblem(http.StatusConflict, "shown-hash-differs")
	signBy(officer, a.ID, newID(), "tablet_drawing", sha, fields{"drawing_base64": drawing}).wantProblem(http.StatusNotFound, "party-not-found")
	signBy(officer, a.ID, party, "tablet_drawing", sha, fields{}).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	signBy(officer, a.ID, party, "tablet_drawing", sha, fields{"drawing_base64": base64.StdEncoding.EncodeToString([]byte("GIF89a"))}).
		wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	signBy(officer, a.ID, party, "sms_code", sha, fields{"code": "123456"}).wantProblem(http.StatusConflict, "code-not-sent")
	r.asBorrower(r.farmer(officer, 3).ID).post(pathOf(a.ID, "/contract/codes"), fields{"party_id": party}.text(t)).want(http.StatusNotFound)

	// A new text takes the place of the old one, whose page and parties are worth nothing from then on.
	second := r.prepared(a.ID, fields{"contract_no": "371503-2026-0777"})
	if second.Number != 2 || second.ContractNo != "371503-2026-0777" {
		t.Errorf("second text: %+v", second)
	}
	signBy(officer, a.ID, party, "tablet_drawing", sha, fields{"drawing_base64": drawing}).wantProblem(http.StatusNotFound, "party-not-found")
	signBy(officer, a.ID, second.Parties[0].ID, "tablet_drawing", sha, fields{"drawing_base64": drawing}).wantProblem(http.StatusConflict, "shown-hash-differs")
	if n := r.count("SELECT COUNT(*) FROM signatures"); n != 0 {
		t.Fatalf("%d signatures after refusals only", n)
	}

	// What was approved cannot be signed for ever.
	r.at(time.Date(2026, 9, 23, 1, 30, 0, 0, time.UTC))
	signBy(officer, a.ID, second.Parties[0].ID, "tablet_drawing", second.HTMLSHA256, fields{"drawing_base64": drawing}).
		wantProblem(http.StatusUnprocessableEntity, "approval-expired")
	createAt(officer, pathOf(a.ID, "/contract/prepare"), fields{}).wantProblem(http.StatusUnprocessableEntity, "approval-expired")
}

func TestASigningCodeExpiresIsCountedAndSignsOnce(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	officer := r.officer()
	a := r.approved(1)
	s := r.prepared(a.ID, fields{})
	party := s.Parties[0].ID
	ask := func() answer {
		return officer.post(pathOf(a.ID, "/contract/codes"), fields{"party_id": party}.text(t))
	}
	enter := func(code string) answer {
		return signBy(officer, a.ID, party, "sms_code", s.HTMLSHA256, fields{"code": code})
	}
	wrong := func(code string) string { return string('0'+('9'-code[0])/1%10) + code[1:] }
	ask().want(http.StatusCreated)
	r.at(time.Date(2026, 8, 23, 1, 30, 19, 500_000_000, time.UTC))
	if p := ask().wantProblem(http.StatusConflict, "code-too-soon"); !strings.Contains(p.Detail, "请 41 秒后再试") {
		t.Errorf("after 19.5 seconds: %q, want 41 seconds to wait", p.Detail)
	}
	first := r.lastCode("13900000001")
	r.at(time.Date(2026, 8, 23, 1, 35, 0, 0, time.UTC))
	enter(first).wantProblem(http.StatusConflict, "code-expired")

	ask().want(http.StatusCreated)
	code := r.lastCode("13900000001")
	for left := 4; left >= 0; left-- {
		if p := enter(wrong(code)).wantProblem(http.StatusUnprocessableEntity, "code-wrong"); !strings.Contains(p.Detail, fmt.Sprintf("%d 次", left)) {
			t.Errorf("detail %q, want %d attempts left", p.Detail, left)
		}
	}
	enter(code).wantProblem(http.StatusConflict, "code-attempts-exhausted")
	if n := r.count("SELECT MAX(attempts) FROM signing_codes"); n != 5 {
		t.Errorf("%d attempts recorded, want 5: a wrong code is counted though it is refused", n)
	}

	r.at(time.Date(2026, 8, 23, 1, 40, 0, 0, time.UTC))
	ask().want(http.StatusCreated)
	code = r.lastCode("13900000001")
	keyed := officer.with("Idempotency-Key", uuid.NewString())
	body := fields{"party_id": party, "method": "sms_code", "shown_sha256": s.HTMLSHA256, "code": code}.text(t)
	keyed.post(pathOf(a.ID, "/contract/signatures"), body).want(http.StatusCreated)
	if again := keyed.post(pathOf(a.ID, "/contract/signatures"), body).want(http.StatusCreated); again.header.Get("Idempotency-Replayed") != "true" {
		t.Error("the same request again is not told to be a replay")
	}
	enter(code).wantProblem(http.StatusConflict, "already-signed")
}

func TestTwentySignaturesAtOnceAreOneContract(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	a := r.approved(1)
	s := r.prepared(a.ID, fields{})
	officer := r.officer()
	statuses := atOnce(20, func(int) int {
		return signBy(officer, a.ID, s.Parties[0].ID, "tablet_drawing", s.HTMLSHA256, fields{"drawing_base64": drawing}).status
	})
	want := append([]int{http.StatusCreated}, times(19, http.StatusConflict)...)
	if !slices.Equal(statuses, want) {
		t.Errorf("statuses %v, want one 201 and nineteen 409", statuses)
	}
	if n := r.count("SELECT COUNT(*) FROM signatures"); n != 1 || r.count("SELECT COUNT(*) FROM contracts") != 1 {
		t.Errorf("%d signatures and %d contracts, want one of each", n, r.count("SELECT COUNT(*) FROM contracts"))
	}
	verified := string(officer.get(pathOf(a.ID, "/contract/verify")).want(http.StatusOK).body)
	if !strings.Contains(verified, `"intact":true`) || !strings.Contains(verified, `"drawing_matches":true`) {
		t.Errorf("verification: %s", verified)
	}
}

func TestTheSigningServiceIsNotTakenAtItsWordWhenItsAnswerIsWrong(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	officer := r.officer()
	a := r.approved(1)
	s := r.prepared(a.ID, fields{})
	sign := func() answer { return signBy(officer, a.ID, s.Parties[0].ID, "e_signature", s.HTMLSHA256, fields{}) }
	for _, c := range []struct {
		mode   signingsandbox.Mode
		status int
		code   string
	}{
		{signingsandbox.ModeDown, http.StatusServiceUnavailable, "signing-unavailable"},
		{signingsandbox.ModeUnsigned, http.StatusServiceUnavailable, "signing-unavailable"},
		{signingsandbox.ModeOtherHash, http.StatusServiceUnavailable, "signing-unavailable"},
		{signingsandbox.ModeRefuse, http.StatusUnprocessableEntity, "signing-refused"},
	} {
		r.misbehave(c.mode)
		sign().wantProblem(c.status, c.code)
	}
	if n := r.count("SELECT COUNT(*) FROM signatures"); n != 0 {
		t.Fatalf("%d signatures recorded from wrong answers", n)
	}
	r.misbehave(signingsandbox.ModeNormal)
	sign().want(http.StatusCreated).into(&s)
	if s.ApplicationStatus != "signed" {
		t.Errorf("after the service signed: %s", s.ApplicationStatus)
	}
	before := r.signing.Signed()
	sign().wantProblem(http.StatusConflict, "already-signed")
	if r.signing.Signed() != before {
		t.Error("the service was asked again for what is signed")
	}
}

func TestAGuarantorSignsBesideTheBorrowerWhoDoesNotSignForOthers(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	officer := r.officer()
	a := r.approved(1)
	guarantor := fields{"role": "guarantor", "name": "李保", "id_number": idNumber(40), "phone": "13900000040"}
	createAt(officer, pathOf(a.ID, "/contract/prepare"), fields{"parties": []fields{{"role": "member", "name": "李保", "id_number": idNumber(40)}}}).
		wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	borrower := r.asBorrower(r.borrowerOf(a.ID))
	createAt(borrower, pathOf(a.ID, "/contract/prepare"), fields{"parties": []fields{guarantor}}).wantProblem(http.StatusForbidden, "role-not-allowed")
	s := r.prepared(a.ID, fields{"parties": []fields{guarantor}})
	if !slices.Equal(s.roles(), []string{"borrower", "guarantor"}) {
		t.Fatalf("parties %v", s.roles())
	}
	signBy(borrower, a.ID, s.Parties[1].ID, "tablet_drawing", s.HTMLSHA256, fields{"drawing_base64": drawing}).wantProblem(http.StatusForbidden, "role-not-allowed")
	signBy(borrower, a.ID, s.Parties[0].ID, "tablet_drawing", s.HTMLSHA256, fields{"drawing_base64": drawing}).want(http.StatusCreated).into(&s)
	if s.ApplicationStatus != "approved" || len(s.Missing) != 1 || s.Missing[0] != s.Parties[1].ID {
		t.Errorf("after one of two: %+v", s)
	}
	officer.post(pathOf(a.ID, "/contract/codes"), fields{"party_id": s.Parties[1].ID}.text(t)).want(http.StatusCreated)
	signBy(officer, a.ID, s.Parties[1].ID, "sms_code", s.HTMLSHA256, fields{"code": r.lastCode("13900000040")}).want(http.StatusCreated).into(&s)
	if s.ApplicationStatus != "signed" {
		t.Errorf("after two of two: %s", s.ApplicationStatus)
	}
}

// coolOff gives every product version of the test a cooling-off period.
func (r *register) coolOff(hours int, waivable bool) {
	r.t.Helper()
	r.exec("UPDATE product_versions SET document = JSON_SET(document, '$.cooling_off_hours', ?, '$.cooling_off_waivable', JSON_EXTRACT(?, '$'))", hours, fmt.Sprint(waivable))
}

func (r *register) signedElectronically(n int) applicationJSON {
	r.t.Helper()
	a := r.approved(n)
	s := r.prepared(a.ID, fields{})
	signBy(r.officer(), a.ID, s.Parties[0].ID, "tablet_drawing", s.HTMLSHA256, fields{"drawing_base64": drawing}).want(http.StatusCreated)
	return a
}

func TestTheCoolingOffPeriodHoldsThePaymentAndLetsTheBorrowerGo(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	r.coolOff(24, true)
	officer := r.officer()
	pay := func(a applicationJSON) answer { return commandAt(officer, pathOf(a.ID, "/disbursements")) }
	statement := fields{"statement": "本人自愿放弃冷静期，请尽快放款"}.text(t)
	reason := fields{"reason": "不需要借了"}.text(t)

	held := r.signedElectronically(1)
	pay(held).wantProblem(http.StatusUnprocessableEntity, "cooling-off")
	officer.post(pathOf(held.ID, "/contract/waive-cooling-off"), `{"statement":" "}`).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	r.as(domain.RoleApprover, branchA).post(pathOf(held.ID, "/contract/waive-cooling-off"), statement).wantProblem(http.StatusForbidden, "role-not-allowed")
	r.asBorrower(r.borrowerOf(held.ID)).post(pathOf(held.ID, "/contract/waive-cooling-off"), statement).want(http.StatusCreated)
	officer.post(pathOf(held.ID, "/contract/waive-cooling-off"), statement).wantProblem(http.StatusConflict, "cooling-off-waived")
	pay(held).want(http.StatusCreated)
	officer.post(pathOf(held.ID, "/withdraw"), reason).wantProblem(http.StatusUnprocessableEntity, "payment-requested")

	gone := r.signedElectronically(2)
	officer.post(pathOf(gone.ID, "/withdraw"), reason).want(http.StatusOK).into(&gone)
	if gone.Status != "withdrawn" {
		t.Errorf("withdrawn in the cooling-off period: %s", gone.Status)
	}
	if n := r.count("SELECT COUNT(*) FROM credit_lines WHERE application_id = ? AND status <> 'ended'", gone.ID); n != 0 {
		t.Error("the line of a withdrawn contract goes on")
	}
	pay(gone).want(http.StatusConflict)

	late := r.signedElectronically(3)
	r.at(time.Date(2026, 8, 24, 1, 29, 59, 0, time.UTC))
	pay(late).wantProblem(http.StatusUnprocessableEntity, "cooling-off")
	r.at(time.Date(2026, 8, 24, 1, 30, 0, 0, time.UTC))
	officer.post(pathOf(late.ID, "/withdraw"), reason).wantProblem(http.StatusUnprocessableEntity, "cooling-off-over")
	officer.post(pathOf(late.ID, "/contract/waive-cooling-off"), statement).wantProblem(http.StatusConflict, "cooling-off-over")
	pay(late).want(http.StatusCreated)

	r.coolOff(24, false)
	strict := r.signedElectronically(4)
	officer.post(pathOf(strict.ID, "/contract/waive-cooling-off"), statement).wantProblem(http.StatusUnprocessableEntity, "cooling-off-not-waivable")
}
