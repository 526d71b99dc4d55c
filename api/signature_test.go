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
var loadFont = sync.OnceValues(func() (*contractprint.Font, error) { return contractprint.LoadFont("") })

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
	response, err := http.Get(r.signingURL + "/v1/control/messages?phone=" + url.QueryEscape(phone)) //nolint:noctx // our own server
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

var _ = uuid.NewString
