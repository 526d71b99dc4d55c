package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/loan"
	"fumin/domain/origination"
)

// signatureRoutes are the routes of contract texts and who signed them (合同签署).
func (s *server) signatureRoutes() []route {
	const one = "/v1/applications/:id/contract"
	return []route{
		{method: http.MethodPost, path: one + "/prepare", handler: s.prepareContract},
		{method: http.MethodGet, path: one + "/text", handler: byID(s.signatures.State, shown(viewSigning))},
		{method: http.MethodGet, path: one + ".html", handler: s.showContractPage},
		{method: http.MethodGet, path: one + ".pdf", handler: s.showContractPDF},
		{method: http.MethodPost, path: one + "/codes", handler: s.sendSigningCode},
		{method: http.MethodPost, path: one + "/signatures", handler: s.putSignature},
		{method: http.MethodGet, path: one + "/verify", handler: byID(s.signatures.Verify, shown(viewVerification))},
		{method: http.MethodPost, path: one + "/waive-cooling-off", handler: s.waiveCoolingOff},
	}
}

func (s *server) prepareContract(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	key, err := readIdempotency(c)
	if err != nil {
		return err
	}
	in, err := readOptionalObject(c)
	if err != nil {
		return err
	}
	cmd := origination.PrepareContract{ID: id, ContractNo: in.text("contract_no", 0, loan.ContractNoMax)}
	for _, p := range in.objects("parties", 0, loan.PartiesMax) {
		cmd.Parties = append(cmd.Parties, loan.Party{
			Role: required(p, "role", parsePartyRole), Name: orZero(optional(p, "name", borrower.ParsePersonName)),
			IDNumber: required(p, "id_number", borrower.ParseIDNumber), Phone: orZero(optional(p, "phone", borrower.ParsePhone)),
		})
	}
	for _, p := range in.objects("sellers", 0, loan.PayeesMax-1) {
		cmd.Sellers = append(cmd.Sellers, loan.ContractPayee{
			Method: loan.EntrustedPayment, Amount: required(p, "amount", positiveAmount), For: p.text("for", 1, 100),
			Payee: loan.Payee{
				AccountName: required(p, "name", borrower.ParseName), Account: required(p, "account", borrower.ParseBankAccount),
				BankName: p.text("bank_name", 1, borrower.BankNameRunesMax),
			},
		})
	}
	if err := in.done(); err != nil {
		return err
	}
	state, replayed, err := s.signatures.Prepare(c.Request.Context(), actor(c), key, cmd)
	if err != nil {
		return err
	}
	setReplayed(c, replayed)
	c.Header("Location", "/v1/applications/"+id.String()+"/contract/text")
	return writeJSON(c, http.StatusCreated, viewSigning(state))
}

func parsePartyRole(s string) (loan.PartyRole, error) {
	if r := loan.PartyRole(s); r.Valid() {
		return r, nil
	}
	return "", domain.BadValue("unknown-value", "签约身份应为 borrower、spouse、guarantor 或 member")
}

// showContractPage answers with the stored page, byte for byte: its hash is what a signature is put under. The page's own style
// is all that its policy allows.
func (s *server) showContractPage(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	text, err := s.signatures.HTML(c.Request.Context(), actor(c), id)
	if err != nil {
		return err
	}
	c.Header("Content-Security-Policy", pagePolicy(text.HTML))
	c.Header("Fumin-Document-SHA256", text.HTMLSHA256)
	c.Data(http.StatusOK, "text/html; charset=utf-8", text.HTML)
	return nil
}

// pagePolicy allows a page the style that stands in it, as it was made, and nothing else.
func pagePolicy(page []byte) string {
	policy := "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	_, rest, found := bytes.Cut(page, []byte("<style>"))
	style, _, closed := bytes.Cut(rest, []byte("</style>"))
	if !found || !closed {
		return policy
	}
	sum := sha256.Sum256(style)
	return policy + "; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

func (s *server) showContractPDF(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	_, pdf, err := s.signatures.PDF(c.Request.Context(), actor(c), id)
	if err != nil {
		return err
	}
	c.Header("Content-Disposition", `inline; filename="contract.pdf"`)
	c.Header("Fumin-Document-SHA256", loan.SHA256(pdf))
	c.Data(http.StatusOK, "application/pdf", pdf)
	return nil
}

func (s *server) sendSigningCode(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	party := required(in, "party_id", domain.ParseID)
	if err := in.done(); err != nil {
		return err
	}
	code, err := s.signatures.SendCode(c.Request.Context(), actor(c), id, party)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusCreated, signingCodeView{ID: code.ID, PartyID: code.PartyID, SentAt: code.SentAt, ExpiresAt: code.ExpiresAt})
}

func (s *server) putSignature(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	key, err := readIdempotency(c)
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	cmd := origination.PutSignature{
		ApplicationID: id, PartyID: required(in, "party_id", domain.ParseID), Method: required(in, "method", parseSignatureMethod),
		ShownSHA256: required(in, "shown_sha256", parseSHA256),
		Code:        orZero(optional(in, "code", parseSigningCode)),
		Drawing:     orZero(optional(in, "drawing_base64", base64.StdEncoding.Strict().DecodeString)),
	}
	if err := in.done(); err != nil {
		return err
	}
	state, replayed, err := s.signatures.Sign(c.Request.Context(), actor(c), key, cmd)
	if err != nil {
		return err
	}
	setReplayed(c, replayed)
	c.Header("Location", "/v1/applications/"+id.String()+"/contract/text")
	return writeJSON(c, http.StatusCreated, viewSigning(state))
}

func parseSignatureMethod(s string) (loan.SignatureMethod, error) {
	if m := loan.SignatureMethod(s); m.Valid() {
		return m, nil
	}
	return "", domain.BadValue("unknown-value", "签署方式应为 tablet_drawing、sms_code 或 e_signature")
}

func parseSHA256(s string) (string, error) {
	if len(s) != loan.SHA256HexLength || !onlyOf(s, "0123456789abcdef") {
		return "", domain.BadValue("invalid-sha256", "应为所见合同页面的 SHA-256，64 位小写十六进制")
	}
	return s, nil
}

func parseSigningCode(s string) (string, error) {
	if len(s) != loan.CodeDigits || !onlyOf(s, "0123456789") {
		return "", domain.BadValue("invalid-code", "验证码为 %d 位数字", loan.CodeDigits)
	}
	return s, nil
}

func onlyOf(s, characters string) bool {
	return strings.Trim(s, characters) == ""
}

func (s *server) waiveCoolingOff(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	cmd := origination.WaiveCoolingOff{ID: id, Statement: in.text("statement", 1, loan.StatementMax)}
	if err := in.done(); err != nil {
		return err
	}
	w, err := s.signatures.WaiveCoolingOff(c.Request.Context(), actor(c), cmd)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusCreated, waiverView{
		ID: w.ID, ApplicationID: w.ApplicationID, Statement: w.Statement, WaivedBy: w.WaivedBy, WaivedAt: w.WaivedAt,
	})
}

type signingCodeView struct {
	ID        domain.ID `json:"id"`
	PartyID   domain.ID `json:"party_id"`
	SentAt    time.Time `json:"sent_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

type waiverView struct {
	ID            domain.ID `json:"id"`
	ApplicationID domain.ID `json:"application_id"`
	Statement     string    `json:"statement"`
	WaivedBy      domain.ID `json:"waived_by"`
	WaivedAt      time.Time `json:"waived_at"`
}

type signingView struct {
	TextID            domain.ID           `json:"text_id"`
	ApplicationID     domain.ID           `json:"application_id"`
	ApplicationStatus loan.Status         `json:"application_status"`
	Number            int                 `json:"number"`
	ContractNo        string              `json:"contract_no"`
	SignedOn          domain.Date         `json:"signed_on"`
	TextVersion       string              `json:"text_version"`
	ContentSHA256     string              `json:"content_sha256"`
	HTMLSHA256        string              `json:"html_sha256"`
	PDFSHA256         *string             `json:"pdf_sha256"`
	MembersMin        int                 `json:"members_min"`
	Parties           []partyView         `json:"parties"`
	Missing           []domain.ID         `json:"missing"`
	Payees            []contractPayeeView `json:"payees"`
	PreparedBy        domain.ID           `json:"prepared_by"`
	PreparedAt        time.Time           `json:"prepared_at"`
}

type partyView struct {
	ID         domain.ID      `json:"id"`
	Role       loan.PartyRole `json:"role"`
	RoleLabel  string         `json:"role_label"`
	Name       string         `json:"name"`
	SignerName string         `json:"signer_name"`
	IDNumber   string         `json:"id_number"`
	Phone      string         `json:"phone"`
	Signature  *signatureView `json:"signature"`
}

type signatureView struct {
	ID            domain.ID            `json:"id"`
	PartyID       domain.ID            `json:"party_id"`
	Method        loan.SignatureMethod `json:"method"`
	MethodLabel   string               `json:"method_label"`
	ShownSHA256   string               `json:"shown_sha256"`
	DrawingSHA256 *string              `json:"drawing_sha256"`
	Reference     string               `json:"reference"`
	TakenBy       domain.ID            `json:"taken_by"`
	SignedAt      time.Time            `json:"signed_at"`
}

type contractPayeeView struct {
	Method      loan.PaymentMethod `json:"method"`
	MethodLabel string             `json:"method_label"`
	Name        string             `json:"name"`
	Account     string             `json:"account"`
	BankName    string             `json:"bank_name"`
	Amount      string             `json:"amount"`
	For         string             `json:"for"`
}

func viewSigning(s origination.SigningState) signingView {
	t := s.Text
	v := signingView{
		TextID: t.ID, ApplicationID: t.ApplicationID, ApplicationStatus: s.Status, Number: t.Number, ContractNo: t.ContractNo,
		SignedOn: t.SignedOn, TextVersion: t.TextVersion, ContentSHA256: t.ContentSHA256, HTMLSHA256: t.HTMLSHA256,
		PDFSHA256: textOrNull(t.PDFSHA256), MembersMin: t.MembersMin, Parties: make([]partyView, len(t.Parties)),
		Missing: make([]domain.ID, len(s.Missing)), Payees: make([]contractPayeeView, len(t.Payees)),
		PreparedBy: t.PreparedBy, PreparedAt: t.PreparedAt,
	}
	for i, p := range t.Parties {
		v.Parties[i] = partyView{
			ID: p.ID, Role: p.Role, RoleLabel: p.Role.Label(), Name: p.Name.String(), SignerName: p.SignerName.String(),
			IDNumber: p.IDNumber.String(), Phone: p.Phone.String(),
		}
		for _, signature := range s.Signatures {
			if signature.PartyID == p.ID {
				shown := viewSignature(signature)
				v.Parties[i].Signature = &shown
			}
		}
	}
	for i, p := range s.Missing {
		v.Missing[i] = p.ID
	}
	for i, p := range t.Payees {
		v.Payees[i] = contractPayeeView{
			Method: p.Method, MethodLabel: p.Method.Label(), Name: p.Payee.AccountName.String(), Account: p.Payee.Account.String(),
			BankName: p.Payee.BankName, Amount: p.Amount.String(), For: p.For,
		}
	}
	return v
}

func viewSignature(s loan.Signature) signatureView {
	return signatureView{
		ID: s.ID, PartyID: s.PartyID, Method: s.Method, MethodLabel: s.Method.Label(), ShownSHA256: s.ShownSHA256,
		DrawingSHA256: textOrNull(s.DrawingSHA256), Reference: s.Reference, TakenBy: s.TakenBy, SignedAt: s.SignedAt,
	}
}

type verificationView struct {
	ApplicationID domain.ID            `json:"application_id"`
	TextID        domain.ID            `json:"text_id"`
	ContractNo    string               `json:"contract_no"`
	Intact        bool                 `json:"intact"`
	Content       hashCheckView        `json:"content"`
	HTML          hashCheckView        `json:"html"`
	PrintsSame    bool                 `json:"prints_same"`
	PDF           pdfCheckView         `json:"pdf"`
	Signatures    []signatureCheckView `json:"signatures"`
	ContractMatch *bool                `json:"contract_matches"`
}

type hashCheckView struct {
	Recorded string `json:"recorded"`
	Actual   string `json:"actual"`
	Matches  bool   `json:"matches"`
}

type pdfCheckView struct {
	Recorded *string `json:"recorded"`
	Actual   *string `json:"actual"`
	Matches  bool    `json:"matches"`
	Problem  string  `json:"problem"`
}

type signatureCheckView struct {
	signatureView
	ShownMatches   bool `json:"shown_matches"`
	DrawingMatches bool `json:"drawing_matches"`
}

func viewVerification(v origination.Verification) verificationView {
	t := v.Text
	view := verificationView{
		ApplicationID: t.ApplicationID, TextID: t.ID, ContractNo: t.ContractNo, Intact: v.Intact,
		Content:    hashCheckView{t.ContentSHA256, v.ContentSHA256, t.ContentSHA256 == v.ContentSHA256},
		HTML:       hashCheckView{t.HTMLSHA256, v.HTMLSHA256, t.HTMLSHA256 == v.HTMLSHA256},
		PrintsSame: v.PageSaysSame,
		PDF:        pdfCheckView{textOrNull(t.PDFSHA256), textOrNull(v.PDFSHA256), t.PDFSHA256 != "" && t.PDFSHA256 == v.PDFSHA256, v.PDFProblem},
		Signatures: make([]signatureCheckView, len(v.Signatures)),
	}
	for i, check := range v.Signatures {
		view.Signatures[i] = signatureCheckView{viewSignature(check.Signature), check.Shown, check.Drawing}
	}
	if v.ContractSHA256 != "" {
		matches := v.ContractSHA256 == v.HTMLSHA256
		view.ContractMatch = &matches
	}
	return view
}

// textOrNull is a text that may be absent.
func textOrNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
