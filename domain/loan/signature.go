package loan

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/money"
)

// The actions on a contract's text. Their events have the subject signature.
const (
	ActionPrepareContract Action = "prepare_contract"  // 生成合同文本
	ActionSendCode        Action = "send_code"         // 发送签署验证码
	ActionPutSignature    Action = "put_signature"     // 签署
	ActionWaiveCoolingOff Action = "waive_cooling_off" // 放弃冷静期
)

// Limits of a contract's text and its signing.
const (
	PartiesMax      = 60              // who signs one text
	DrawingBytesMax = 64 << 10        // of a signature drawn on the tablet
	CodeDigits      = 6               // of a signing code (签署验证码)
	CodeLifetime    = 5 * time.Minute // how long a code counts
	CodePause       = time.Minute     // between two codes to one party
	CodeAttemptsMax = 5               // wrong entries before a code is worth nothing
	CodesMax        = 10              // codes to one party for one text
	TextsMax        = 100             // texts of one application
	StatementMax    = 500             // characters of what a borrower says when waiving
	DocumentMax     = 512 << 10       // bytes of a rendered text
	TextVersionMax  = 20              // characters
	SHA256HexLength = 2 * sha256.Size // characters of a hash as it is written
)

// PartyRole is as what somebody signs a contract (签约身份).
type PartyRole string

// The roles of parties.
const (
	PartyBorrower  PartyRole = "borrower"  // 借款人
	PartySpouse    PartyRole = "spouse"    // 配偶（反担保人）
	PartyGuarantor PartyRole = "guarantor" // 保证人
	PartyMember    PartyRole = "member"    // 合作社成员
)

// PartyRoles lists every role, in the order in which they stand under a contract.
func PartyRoles() []PartyRole {
	return []PartyRole{PartyBorrower, PartySpouse, PartyGuarantor, PartyMember}
}

// Valid reports whether r is one of PartyRoles.
func (r PartyRole) Valid() bool { return slices.Contains(PartyRoles(), r) }

// Label is the role in Chinese, as it stands in the contract.
func (r PartyRole) Label() string {
	switch r {
	case PartyBorrower:
		return "借款人"
	case PartySpouse:
		return "配偶"
	case PartyGuarantor:
		return "保证人"
	case PartyMember:
		return "合作社成员"
	}
	return string(r)
}

// Party is who signs a text (合同当事人). An organisation is signed for by its representative: Name is the organisation's,
// and SignerName and IDNumber are the representative's.
type Party struct {
	ID         domain.ID
	Role       PartyRole
	Name       borrower.Name
	SignerName borrower.Name
	IDNumber   borrower.IDNumber // of who signs
	Phone      borrower.Phone    // where codes go; absent: no code can be sent
}

// ContractPayee is one of those who are paid under a contract (收款人). The sums of all payees are the amount lent, less what a
// renewal takes over.
type ContractPayee struct {
	Method PaymentMethod
	Payee  Payee
	Amount money.Amount
	For    string // what is bought; empty for the borrower's own account
}

// ContractText is a contract as it is put before those who sign (合同文本). It is frozen when it is made; a change of
// anything in it needs a new one, and only the last one can be signed.
type ContractText struct {
	ID            domain.ID
	ApplicationID domain.ID
	BranchID      domain.ID
	BorrowerID    domain.ID
	Number        int // from 1 within the application
	ContractNo    string
	SignedOn      domain.Date // the day the text bears, by whose reference rate it is priced
	TextVersion   string      // of the clauses
	Content       []byte      // the document in its canonical form; ContentSHA256 is of these bytes
	ContentSHA256 string
	HTML          []byte // what is shown; HTMLSHA256, which who signs sends back, is of these bytes
	HTMLSHA256    string
	PDFSHA256     string // empty when the machine that made the text had no font
	Parties       []Party
	MembersMin    int             // how many of the parties with PartyMember must sign
	Payees        []ContractPayee // none where all of a renewal's amount is owed already
	PreparedBy    domain.ID
	PreparedAt    time.Time
}

// Party returns the party with the id.
func (t ContractText) Party(id domain.ID) (Party, bool) {
	i := slices.IndexFunc(t.Parties, func(p Party) bool { return p.ID == id })
	if i < 0 {
		return Party{}, false
	}
	return t.Parties[i], true
}

// OwnAccount is the borrower's own account, which stands last of the payees; false where nothing goes to it: all goes to sellers,
// or the contract renews another and pays nobody.
func (t ContractText) OwnAccount() (Payee, bool) {
	if len(t.Payees) == 0 {
		return Payee{}, false
	}
	last := t.Payees[len(t.Payees)-1]
	return last.Payee, last.Method == SelfPayment
}

// Missing returns who has not signed yet and still must: everybody but the members beyond MembersMin.
func (t ContractText) Missing(signatures []Signature) []Party {
	members := t.MembersMin
	var missing []Party
	for _, p := range t.Parties {
		signed := slices.ContainsFunc(signatures, func(s Signature) bool { return s.PartyID == p.ID })
		switch {
		case p.Role == PartyMember && signed:
			members--
		case !signed:
			missing = append(missing, p)
		}
	}
	return slices.DeleteFunc(missing, func(p Party) bool { return p.Role == PartyMember && members <= 0 })
}

// SignatureMethod is how somebody signed (签署方式).
type SignatureMethod string

// The methods. A paper contract is recorded as a whole and has no single signatures.
const (
	SignatureDrawing    SignatureMethod = "tablet_drawing" // 平板手写
	SignatureCode       SignatureMethod = "sms_code"       // 短信验证码
	SignatureElectronic SignatureMethod = "e_signature"    // 第三方电子签名
)

// SignatureMethods lists every method.
func SignatureMethods() []SignatureMethod {
	return []SignatureMethod{SignatureDrawing, SignatureCode, SignatureElectronic}
}

// Valid reports whether m is one of SignatureMethods.
func (m SignatureMethod) Valid() bool { return slices.Contains(SignatureMethods(), m) }

// Label is the method in Chinese.
func (m SignatureMethod) Label() string {
	switch m {
	case SignatureDrawing:
		return "平板手写"
	case SignatureCode:
		return "短信验证码"
	case SignatureElectronic:
		return "第三方电子签名"
	}
	return string(m)
}

// Signature is one party's signature under one text (签署). It is never changed.
type Signature struct {
	ID            domain.ID
	TextID        domain.ID
	ApplicationID domain.ID
	BranchID      domain.ID
	PartyID       domain.ID
	Role          PartyRole
	Method        SignatureMethod
	ShownSHA256   string // of the HTML that was shown
	Drawing       []byte // PNG; only with SignatureDrawing
	DrawingSHA256 string
	Reference     string    // the signing service's own number, or the code's id
	TakenBy       domain.ID // the member of staff, or the service account of the mobile app
	SignedAt      time.Time
}

// CheckShown refuses a signature under something else than the text.
func (t ContractText) CheckShown(sha string) error {
	if sha != t.HTMLSHA256 {
		return domain.Errorf(domain.KindConflict, "shown-hash-differs", "签署人看到的合同与现行文本不一致：请重新打开合同，核对后再签署")
	}
	return nil
}

// Put makes the signature's event.
func (s Signature) Put(by domain.Actor) Event {
	return Event{
		Subject: SubjectSignature, SubjectID: s.ID, Version: 1, CaseID: s.ApplicationID, BranchID: s.BranchID,
		Action: ActionPutSignature, To: "signed", ActorID: by.ID, ActorName: by.Name, ActorRole: by.Role, At: s.SignedAt,
		Detail: []Note{
			{"text_id", s.TextID.String()},
			{"party_id", s.PartyID.String()},
			{"role", string(s.Role)},
			{"method", string(s.Method)},
			{"shown_sha256", s.ShownSHA256},
		},
	}
}

// Prepared makes the event of a new text.
func (t ContractText) Prepared(by domain.Actor) Event {
	return Event{
		Subject: SubjectSignature, SubjectID: t.ID, Version: 1, CaseID: t.ApplicationID, BranchID: t.BranchID,
		Action: ActionPrepareContract, To: "prepared", ActorID: by.ID, ActorName: by.Name, ActorRole: by.Role, At: t.PreparedAt,
		Detail: []Note{
			{"number", fmt.Sprint(t.Number)},
			{"contract_no", t.ContractNo},
			{"text_version", t.TextVersion},
			{"content_sha256", t.ContentSHA256},
			{"html_sha256", t.HTMLSHA256},
			{"pdf_sha256", t.PDFSHA256},
		},
	}
}

// SigningCode is a code that was sent to a party (签署验证码). The code itself is kept only as a keyed hash.
type SigningCode struct {
	ID            domain.ID
	TextID        domain.ID
	ApplicationID domain.ID
	BranchID      domain.ID
	PartyID       domain.ID
	SentAt        time.Time
	ExpiresAt     time.Time
	Attempts      int  // wrong entries so far
	Used          bool // a code signs once
}

// Usable says why a code does not count at the time, or nil.
func (c SigningCode) Usable(at time.Time) error {
	switch {
	case c.Used:
		return domain.Errorf(domain.KindConflict, "code-used", "验证码已使用：请重新获取")
	case c.Attempts >= CodeAttemptsMax:
		return domain.Errorf(domain.KindConflict, "code-attempts-exhausted", "验证码已输错 %d 次而作废：请重新获取", CodeAttemptsMax)
	case !at.Before(c.ExpiresAt):
		return domain.Errorf(domain.KindConflict, "code-expired", "验证码已过期：请重新获取")
	}
	return nil
}

// Sent makes the event of a code that goes to a phone. It does not say the code, and of the phone the last four digits.
func (c SigningCode) Sent(by domain.Actor, to borrower.Phone) Event {
	return Event{
		Subject: SubjectSignature, SubjectID: c.ID, Version: 1, CaseID: c.ApplicationID, BranchID: c.BranchID,
		Action: ActionSendCode, To: "sent", ActorID: by.ID, ActorName: by.Name, ActorRole: by.Role, At: c.SentAt,
		Detail: []Note{{"text_id", c.TextID.String()}, {"party_id", c.PartyID.String()}, {"phone_last4", to.Last4()}},
	}
}

// Waiver is the borrower's consent to be paid before the cooling-off period is over (放弃冷静期).
type Waiver struct {
	ApplicationID domain.ID
	ID            domain.ID
	BranchID      domain.ID
	Statement     string // what the borrower said or agreed to, 1 to StatementMax characters
	WaivedBy      domain.ID
	WaivedAt      time.Time
}

// Waived makes the waiver's event.
func (w Waiver) Waived(by domain.Actor) Event {
	return Event{
		Subject: SubjectSignature, SubjectID: w.ID, Version: 1, CaseID: w.ApplicationID, BranchID: w.BranchID,
		Action: ActionWaiveCoolingOff, To: "waived", ActorID: by.ID, ActorName: by.Name, ActorRole: by.Role, At: w.WaivedAt,
		Detail: []Note{{"statement", w.Statement}},
	}
}

// Document is a contract in words, as it is printed (合同正文): the same words in HTML and in PDF. It carries personal data
// in clear, because a contract names its parties; it is stored encrypted and never logged.
type Document struct {
	Title       string  `json:"title"`
	ContractNo  string  `json:"contract_no"`
	SignedOn    string  `json:"signed_on"`
	TextVersion string  `json:"text_version"`
	Blocks      []Block `json:"blocks"`
}

// Block is one article of a document: its facts, its clauses and its table, in this order; each may be absent.
type Block struct {
	Heading string     `json:"heading"`
	Facts   []Fact     `json:"facts"`
	Clauses []string   `json:"clauses"`
	Header  []string   `json:"header"`
	Rows    [][]string `json:"rows"`
}

// Fact is one line of a block: what it is and what it says.
type Fact struct {
	Label string `json:"label"`
	Text  string `json:"text"`
}

// Canonical is the one form of a document that is hashed: JSON with the members in the order of the types above, no spaces,
// no HTML escapes.
func (d Document) Canonical() ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(d); err != nil {
		return nil, fmt.Errorf("contract %s: %w", d.ContractNo, err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// ParseDocument reads what Canonical wrote, and nothing else.
func ParseDocument(content []byte) (Document, error) {
	var d Document
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d); err != nil {
		return Document{}, fmt.Errorf("contract document: %w", err)
	}
	for _, b := range d.Blocks {
		for _, row := range b.Rows {
			if len(row) != len(b.Header) {
				return Document{}, fmt.Errorf("contract document %s: a row of %d cells under %d columns", d.ContractNo, len(row), len(b.Header))
			}
		}
	}
	again, err := d.Canonical()
	if err != nil {
		return Document{}, err
	}
	if !bytes.Equal(again, content) {
		return Document{}, fmt.Errorf("contract document %s: not in its canonical form", d.ContractNo)
	}
	return d, nil
}

// SHA256 is the hash of what was shown or stored, in lower-case hexadecimal.
func SHA256(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
