package origination

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/big"
	"slices"
	"time"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/loan"
	"fumin/domain/money"
)

// SignatureReader reads contract texts and who signed them (合同签署).
type SignatureReader interface {
	// ContractText returns the last text of an application, or "contract-text-not-found".
	ContractText(ctx context.Context, scope domain.Scope, applicationID domain.ID) (loan.ContractText, error)
	// Signatures returns who signed a text, in order of time. The text has been read within its scope.
	Signatures(ctx context.Context, textID domain.ID) ([]loan.Signature, error)
	// SigningCodes returns the codes of a party, newest first, at most loan.CodesMax.
	SigningCodes(ctx context.Context, partyID domain.ID) ([]loan.SigningCode, error)
	// Waiver returns the borrower's waiver of the cooling-off period; false when there is none. The application has been read
	// within its scope.
	Waiver(ctx context.Context, applicationID domain.ID) (loan.Waiver, bool, error)
}

// SignatureWriter writes contract texts and who signed them (合同签署). All of it is only ever added, but for a code's attempts.
type SignatureWriter interface {
	// InsertContractText stores a text with its parties and payees.
	InsertContractText(ctx context.Context, text loan.ContractText, event loan.Event) error
	// InsertSignature refuses with "already-signed".
	InsertSignature(ctx context.Context, s loan.Signature, event loan.Event) error
	// InsertSigningCode stores a code as a keyed hash.
	InsertSigningCode(ctx context.Context, c loan.SigningCode, code string, event loan.Event) error
	// EnterSigningCode says whether the code is the right one, in constant time. A right one is used up, a wrong one counted.
	EnterSigningCode(ctx context.Context, c loan.SigningCode, entered string) (right bool, err error)
	// InsertWaiver refuses with "cooling-off-waived".
	InsertWaiver(ctx context.Context, w loan.Waiver, event loan.Event) error
}

// ContractPrinter prints documents (合同打印). Both forms say the same words; equal documents give equal bytes.
type ContractPrinter interface {
	HTML(d loan.Document) ([]byte, error)
	// PDF refuses with "font-missing" where the machine has no Chinese font, and with "glyph-missing" where the font lacks a
	// character of the document.
	PDF(d loan.Document) ([]byte, error)
}

// SigningService sends codes and takes electronic signatures (短信与电子签名服务). Its errors are *domain.Error:
// "signing-unavailable" when it cannot be reached or is not set up, "signing-refused" when it says no.
type SigningService interface {
	// SendCode sends a text message. The same id is sent once.
	SendCode(ctx context.Context, id domain.ID, phone borrower.Phone, text string) error
	// Sign has a person sign a document by its hash, and returns the service's own number. The same key is signed once.
	Sign(ctx context.Context, request ElectronicSignature) (reference string, err error)
}

// ElectronicSignature is what a signing service is asked for. It holds personal data: it is never logged.
type ElectronicSignature struct {
	Key            string // ours: the text and the party
	DocumentSHA256 string
	ContractNo     string
	SignerName     borrower.Name
	IDNumber       borrower.IDNumber
}

// Signatures are the use cases of contract texts and who signed them (合同签署).
type Signatures struct {
	store   Store
	now     domain.Clock
	newID   func() domain.ID
	random  io.Reader
	printer ContractPrinter
	service SigningService
	numbers *Numbers

	approvalValidDays int
}

// NewSignatures builds the use cases. random makes signing codes; an approval is signed within approvalValidDays.
func NewSignatures(store Store, now domain.Clock, newID func() domain.ID, random io.Reader, printer ContractPrinter, service SigningService,
	approvalValidDays int,
) *Signatures {
	return &Signatures{
		store: store, now: now, newID: newID, random: random, printer: printer, service: service, numbers: NewNumbers(store),
		approvalValidDays: approvalValidDays,
	}
}

// PrepareContract asks for a text of an approved application. What the registers know is taken from them: the borrower, the
// spouse and the members; Parties adds guarantors, and phones by identity number.
type PrepareContract struct {
	ID         domain.ID // of the application
	ContractNo string    // empty: one is made
	Parties    []loan.Party
	Sellers    []loan.ContractPayee // 受托支付; what they leave of the amount goes to the borrower's own account
}

// Prepare makes the text that will be signed (生成合同文本): frozen, by the reference rate of today. An earlier text of the
// application can no longer be signed.
func (s *Signatures) Prepare(ctx context.Context, by domain.Actor, key Idempotency, cmd PrepareContract) (prepared SigningState, replayed bool, err error) {
	if err := by.Require(domain.RoleLoanOfficer, domain.RoleBorrower); err != nil {
		return SigningState{}, false, err
	}
	if by.Role == domain.RoleBorrower && (len(cmd.Parties) > 0 || len(cmd.Sellers) > 0) {
		return SigningState{}, false, domain.Errorf(domain.KindForbidden, "role-not-allowed", "其他签约人和受托支付的收款人，请由客户经理录入")
	}
	now := s.now()
	today := domain.DateOf(now)
	if cmd.ContractNo == "" {
		if cmd.ContractNo, err = s.numbers.Next(ctx, "HT", today); err != nil {
			return SigningState{}, false, err
		}
	}
	id := s.newID()
	err = s.store.Update(ctx, func(tx Tx) error {
		app, err := tx.LockApplication(ctx, by.Scope(), cmd.ID)
		if err != nil {
			return err
		}
		prior, err := tx.ClaimIdempotencyKey(ctx, by.ID, key, id, now)
		if err != nil {
			return err
		}
		if !prior.IsZero() {
			prepared, err = signingState(ctx, tx, by, app.Record())
			replayed = true
			return err
		}
		if err := app.May(by, loan.ActionSign); err != nil {
			return err
		}
		if err := approvalValid(app.Record(), now, s.approvalValidDays); err != nil {
			return err
		}
		text, err := s.makeText(ctx, tx, by, app.Record(), cmd, id, now)
		if err != nil {
			return err
		}
		if err := tx.InsertContractText(ctx, text, text.Prepared(by)); err != nil {
			return err
		}
		prepared, err = signingState(ctx, tx, by, app.Record())
		replayed = false
		return err
	})
	return prepared, replayed, err
}

// makeText gathers and prints. It only reads and computes.
func (s *Signatures) makeText(ctx context.Context, tx Tx, by domain.Actor, rec loan.Record, cmd PrepareContract, id domain.ID, now time.Time) (loan.ContractText, error) {
	today := domain.DateOf(now)
	number := 1
	last, err := tx.ContractText(ctx, by.Scope(), rec.ID)
	switch {
	case err == nil:
		number = last.Number + 1
	case domain.CodeOf(err) != "contract-text-not-found":
		return loan.ContractText{}, err
	}
	if number > loan.TextsMax {
		return loan.ContractText{}, domain.Errorf(domain.KindRule, "contract-texts-exhausted", "这笔申请已生成 %d 份合同文本，请联系管理员", loan.TextsMax)
	}
	offer, err := makeOffer(ctx, tx, rec, today)
	if err != nil {
		return loan.ContractText{}, err
	}
	parties, membersMin, err := s.parties(ctx, tx, rec, offer, cmd.Parties, today)
	if err != nil {
		return loan.ContractText{}, err
	}
	payees, err := payeesOf(ctx, tx, rec, offer, cmd.Sellers)
	if err != nil {
		return loan.ContractText{}, err
	}
	text := loan.ContractText{
		ID: id, ApplicationID: rec.ID, BranchID: rec.BranchID, BorrowerID: rec.BorrowerID, Number: number, ContractNo: cmd.ContractNo,
		SignedOn: today, TextVersion: contractTextVersion, Parties: parties, MembersMin: membersMin, Payees: payees,
		PreparedBy: by.ID, PreparedAt: now,
	}
	document, err := documentOf(ctx, tx, rec, text, offer)
	if err != nil {
		return loan.ContractText{}, err
	}
	if text.Content, err = document.Canonical(); err != nil {
		return loan.ContractText{}, err
	}
	if text.HTML, err = s.printer.HTML(document); err != nil {
		return loan.ContractText{}, err
	}
	text.ContentSHA256, text.HTMLSHA256 = loan.SHA256(text.Content), loan.SHA256(text.HTML)
	pdf, err := s.printer.PDF(document)
	switch code := domain.CodeOf(err); {
	case err == nil:
		text.PDFSHA256 = loan.SHA256(pdf)
	case code != "font-missing" && code != "glyph-missing": // the page can be signed without; whoever asks for the PDF is told why
		return loan.ContractText{}, err
	}
	return text, nil
}

// documentOf says a text in words as of its day.
func documentOf(ctx context.Context, r Reader, rec loan.Record, text loan.ContractText, offer Offer) (loan.Document, error) {
	branch, err := r.Branch(ctx, domain.Scope{Everything: true}, rec.BranchID)
	if err != nil {
		return loan.Document{}, err
	}
	offered, err := r.Product(ctx, rec.ProductCode)
	if err != nil {
		return loan.Document{}, err
	}
	return contractDocument(contractBasis{
		contractNo: text.ContractNo, rec: rec, lender: branch.Name, product: offered.Name, offer: offer,
		parties: text.Parties, membersMin: text.MembersMin, payees: text.Payees,
	})
}

// parties are who must sign: the borrower; the spouse where the spouse gives the counter-guarantee (配偶反担保); the guarantors
// that were named; the members of a co-operative where the product wants them.
func (s *Signatures) parties(ctx context.Context, r Reader, rec loan.Record, offer Offer, given []loan.Party, today domain.Date) ([]loan.Party, int, error) {
	person, err := r.Borrower(ctx, domain.Scope{Everything: true}, rec.BorrowerID)
	if err != nil {
		return nil, 0, err
	}
	first := loan.Party{Role: loan.PartyBorrower, Name: person.Name, SignerName: person.Name, IDNumber: person.IDNumber, Phone: person.Phone}
	if person.Kind.IsOrganisation() {
		representative := person.Organisation.Representative
		first.SignerName, first.IDNumber = representative.Name, representative.IDNumber
		if !representative.Phone.IsZero() {
			first.Phone = representative.Phone
		}
	}
	parties := []loan.Party{first}
	if !person.Kind.IsOrganisation() && !person.HouseholdID.IsZero() && offer.Guarantee.SpouseMayCounter(offer.Amount) {
		household, err := r.Household(ctx, domain.Scope{Everything: true}, person.HouseholdID)
		if err != nil {
			return nil, 0, err
		}
		if m, found := spouseOf(household, person, today); found {
			parties = append(parties, loan.Party{Role: loan.PartySpouse, Name: m.Name, SignerName: m.Name, IDNumber: m.IDNumber})
		}
	}
	membersMin := 0
	if person.Kind == borrower.KindCooperative {
		version, err := r.ProductVersion(ctx, rec.ProductVersionID)
		if err != nil {
			return nil, 0, err
		}
		membersMin = version.MemberSignaturesMin
		members := membersOf(person)
		if len(members) < membersMin {
			return nil, 0, domain.Errorf(domain.KindRule, "members-missing",
				"产品要求至少 %d 位合作社成员签字，档案里理事长以外只登记了 %d 位出资的成员：请先补录成员", membersMin, len(members))
		}
		if membersMin > 0 {
			parties = append(parties, members...)
		}
	}
	if parties, err = withGiven(parties, given); err != nil {
		return nil, 0, err
	}
	if err := checkCounterGuarantor(ctx, r, rec, parties); err != nil {
		return nil, 0, err
	}
	for i := range parties {
		parties[i].ID = s.newID()
	}
	return parties, membersMin, nil
}

// membersOf are the people who hold a share of a co-operative, but for its chair, who signs for it.
func membersOf(person borrower.Borrower) []loan.Party {
	var members []loan.Party
	for _, h := range person.Organisation.Shareholders {
		if !h.IDNumber.IsZero() && !h.IDNumber.Equal(person.Organisation.Representative.IDNumber) && len(members) < loan.PartiesMax/2 {
			members = append(members, loan.Party{Role: loan.PartyMember, Name: h.Name, SignerName: h.Name, IDNumber: h.IDNumber})
		}
	}
	return members
}

// withGiven adds what the officer says: phones of those the registers know, and further guarantors and spouses.
func withGiven(parties, given []loan.Party) ([]loan.Party, error) {
	var p domain.Problems
	for i, g := range given {
		known := slices.IndexFunc(parties, func(k loan.Party) bool { return k.IDNumber.Equal(g.IDNumber) })
		switch {
		case known >= 0 && !g.Phone.IsZero() && parties[known].Role == g.Role:
			parties[known].Phone = g.Phone
		case known >= 0:
			p.Add(fmt.Sprintf("/parties/%d", i), "duplicate", "这个人已经是「%s」，不必重复填写", parties[known].Role.Label())
		case g.Role != loan.PartyGuarantor && g.Role != loan.PartySpouse:
			p.Add(fmt.Sprintf("/parties/%d/role", i), "party-not-on-file", "「%s」以档案为准：请先在借款人档案里登记", g.Role.Label())
		case g.Name.IsZero():
			p.Add(fmt.Sprintf("/parties/%d/name", i), "required", "请填写姓名")
		default:
			g.SignerName = g.Name
			parties = append(parties, g)
		}
	}
	if len(parties) > loan.PartiesMax {
		p.Add("/parties", "too-many", "签约人最多 %d 位", loan.PartiesMax)
	}
	return parties, p.Err()
}

// payeesOf are the sellers and, with the rest, the borrower. Where the product asks for entrusted payment there is a seller,
// and the rest is no more than the borrower may be paid.
func payeesOf(ctx context.Context, r Reader, rec loan.Record, offer Offer, sellers []loan.ContractPayee) ([]loan.ContractPayee, error) {
	var p domain.Problems
	var sold money.Amount
	for _, seller := range sellers {
		sold = sold.Add(seller.Amount)
	}
	rest := offer.Amount.Sub(sold)
	version, err := r.ProductVersion(ctx, rec.ProductVersionID)
	if err != nil {
		return nil, err
	}
	switch {
	case rest.Sign() < 0:
		p.Add("/sellers", "above-amount", "受托支付合计 %s 元，超过合同金额 %s 元", sold.Grouped(), offer.Amount.Grouped())
	case rest.Sign() > 0 && version.NeedsEntrustedPayment(purposeKind(rec.Request.Purpose), rest):
		p.Add("/sellers", "entrusted-payment-required", "%s 元须由贷款人直接付给交易对手（受托支付）：请填写收款人和交易，使付给借款人本人的余额不超过产品起点", rest.Grouped())
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	payees := slices.Clone(sellers)
	if rest.Sign() > 0 {
		own, err := payee(ctx, r, rec.BorrowerID)
		if err != nil {
			return nil, err
		}
		payees = append(payees, loan.ContractPayee{Method: loan.SelfPayment, Payee: own, Amount: rest})
	}
	return payees, nil
}

// SigningState is a text and how far its signing has come.
type SigningState struct {
	Text       loan.ContractText
	Signatures []loan.Signature
	Missing    []loan.Party
	Status     loan.Status // of the application
}

func signingState(ctx context.Context, r Reader, by domain.Actor, rec loan.Record) (SigningState, error) {
	text, err := r.ContractText(ctx, by.Scope(), rec.ID)
	if err != nil {
		return SigningState{}, err
	}
	signatures, err := r.Signatures(ctx, text.ID)
	if err != nil {
		return SigningState{}, err
	}
	return SigningState{Text: text, Signatures: signatures, Missing: text.Missing(signatures), Status: rec.Status}, nil
}

// State returns the last text of an application and who has signed it.
func (s *Signatures) State(ctx context.Context, by domain.Actor, id domain.ID) (SigningState, error) {
	rec, err := s.store.Application(ctx, by.Scope(), id)
	if err != nil {
		return SigningState{}, err
	}
	return signingState(ctx, s.store, by, rec)
}

// HTML returns the page that was made for signing, byte for byte. A look by staff is recorded in the borrower's file, because
// a contract names people in full.
func (s *Signatures) HTML(ctx context.Context, by domain.Actor, id domain.ID) (loan.ContractText, error) {
	return s.look(ctx, by, id)
}

// PDF prints the text. It refuses as ContractPrinter.PDF does.
func (s *Signatures) PDF(ctx context.Context, by domain.Actor, id domain.ID) (text loan.ContractText, pdf []byte, err error) {
	if text, err = s.look(ctx, by, id); err != nil {
		return loan.ContractText{}, nil, err
	}
	document, err := loan.ParseDocument(text.Content)
	if err != nil {
		return loan.ContractText{}, nil, err
	}
	pdf, err = s.printer.PDF(document)
	return text, pdf, err
}

func (s *Signatures) look(ctx context.Context, by domain.Actor, id domain.ID) (loan.ContractText, error) {
	if by.Role == domain.RoleBorrower {
		return s.store.ContractText(ctx, by.Scope(), id)
	}
	if err := by.Require(revealers...); err != nil {
		return loan.ContractText{}, err
	}
	now := s.now()
	var seen loan.ContractText
	err := s.store.Update(ctx, func(tx Tx) error {
		text, err := tx.ContractText(ctx, by.Scope(), id)
		if err != nil {
			return err
		}
		person, err := tx.Borrower(ctx, domain.Scope{Everything: true}, text.BorrowerID)
		if err != nil {
			return err
		}
		if err := tx.InsertBorrowerEvent(ctx, BorrowerEvent{
			ID: s.newID(), Subject: SubjectBorrower, SubjectID: person.ID, BranchID: person.BranchID, Action: BorrowerRevealed,
			ActorID: by.ID, ActorName: by.Name, ActorRole: by.Role, At: now,
			Detail: []BorrowerNote{{"reason", "查看合同 " + text.ContractNo}},
		}); err != nil {
			return err
		}
		seen = text
		return nil
	})
	return seen, err
}

// SendCode sends a signing code to a party (发送签署验证码). The code is stored before it is sent, as a keyed hash; one that could
// not be sent expires unused.
func (s *Signatures) SendCode(ctx context.Context, by domain.Actor, applicationID, partyID domain.ID) (loan.SigningCode, error) {
	if err := by.Require(domain.RoleLoanOfficer, domain.RoleBorrower); err != nil {
		return loan.SigningCode{}, err
	}
	code, err := s.newCode()
	if err != nil {
		return loan.SigningCode{}, err
	}
	now, id := s.now(), s.newID()
	var sent loan.SigningCode
	var party loan.Party
	var contractNo string
	err = s.store.Update(ctx, func(tx Tx) error {
		app, err := tx.LockApplication(ctx, by.Scope(), applicationID)
		if err != nil {
			return err
		}
		text, signer, err := signerOf(ctx, tx, by, app, partyID)
		if err != nil {
			return err
		}
		if signer.Phone.IsZero() || !signer.Phone.IsMobile() {
			return domain.Errorf(domain.KindRule, "party-phone-missing", "这位签约人没有登记手机号码：请重新生成合同并填写，或改用其他签署方式")
		}
		codes, err := tx.SigningCodes(ctx, partyID)
		if err != nil {
			return err
		}
		switch {
		case len(codes) >= loan.CodesMax:
			return domain.Errorf(domain.KindRule, "codes-exhausted", "已发送 %d 次验证码：请改用其他签署方式，或重新生成合同", loan.CodesMax)
		case len(codes) > 0 && now.Before(codes[0].SentAt.Add(loan.CodePause)):
			return domain.Errorf(domain.KindConflict, "code-too-soon", "刚刚发送过验证码：请 %d 秒后再试", int(loan.CodePause.Seconds()))
		}
		c := loan.SigningCode{
			ID: id, TextID: text.ID, ApplicationID: applicationID, BranchID: text.BranchID, PartyID: partyID,
			SentAt: now, ExpiresAt: now.Add(loan.CodeLifetime),
		}
		if err := tx.InsertSigningCode(ctx, c, code, c.Sent(by)); err != nil {
			return err
		}
		sent, party, contractNo = c, signer, text.ContractNo
		return nil
	})
	if err != nil {
		return loan.SigningCode{}, err
	}
	message := fmt.Sprintf("【富民贷款】您正在签署合同 %s，验证码 %s，%d 分钟内有效。请先阅读合同全文；验证码请勿告诉他人。",
		contractNo, code, int(loan.CodeLifetime.Minutes()))
	if err := s.service.SendCode(ctx, sent.ID, party.Phone, message); err != nil {
		return loan.SigningCode{}, err
	}
	return sent, nil
}

// newCode draws loan.CodeDigits digits, all equally likely.
func (s *Signatures) newCode() (string, error) {
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(loan.CodeDigits), nil)
	raw := make([]byte, 16) // 128 bits over a million codes: the remainder's bias is below 2^-100
	if _, err := io.ReadFull(s.random, raw); err != nil {
		return "", fmt.Errorf("draw a signing code: %w", err)
	}
	return fmt.Sprintf("%0*d", loan.CodeDigits, new(big.Int).Mod(new(big.Int).SetBytes(raw), limit)), nil
}

// signerOf is the party of the last text that may sign now. A borrower acts for himself only.
func signerOf(ctx context.Context, r Reader, by domain.Actor, app *loan.Application, partyID domain.ID) (loan.ContractText, loan.Party, error) {
	if err := app.May(by, loan.ActionSign); err != nil {
		return loan.ContractText{}, loan.Party{}, err
	}
	text, err := r.ContractText(ctx, by.Scope(), app.Record().ID)
	if err != nil {
		return loan.ContractText{}, loan.Party{}, err
	}
	party, found := text.Party(partyID)
	if !found {
		return loan.ContractText{}, loan.Party{}, domain.Errorf(domain.KindNotFound, "party-not-found", "现行合同文本里没有这位签约人：请刷新后重试")
	}
	if by.Role == domain.RoleBorrower && party.Role != loan.PartyBorrower {
		return loan.ContractText{}, loan.Party{}, domain.Errorf(domain.KindForbidden, "role-not-allowed", "借款人只能签署本人的部分，其他签约人请由客户经理办理")
	}
	return text, party, nil
}

// PutSignature is one party's signature.
type PutSignature struct {
	ApplicationID domain.ID
	PartyID       domain.ID
	Method        loan.SignatureMethod
	ShownSHA256   string // of the page that was shown: the client computes it from what it showed
	Code          string // with SignatureCode
	Drawing       []byte // with SignatureDrawing: PNG
}

var pngHead = []byte("\x89PNG\r\n\x1a\n")

func (cmd PutSignature) validate() error {
	var p domain.Problems
	if (cmd.Method == loan.SignatureCode) != (cmd.Code != "") {
		p.Add("/code", "required", "短信验证码签署须填写 %d 位验证码，其他方式不填", loan.CodeDigits)
	}
	switch {
	case cmd.Method == loan.SignatureDrawing && len(cmd.Drawing) == 0:
		p.Add("/drawing", "required", "平板手写签署须附笔迹图片（PNG）")
	case cmd.Method != loan.SignatureDrawing && len(cmd.Drawing) > 0:
		p.Add("/drawing", "not-allowed", "只有平板手写签署附笔迹图片")
	case len(cmd.Drawing) > loan.DrawingBytesMax:
		p.Add("/drawing", "too-large", "笔迹图片最多 %d 字节", loan.DrawingBytesMax)
	case len(cmd.Drawing) > 0 && !bytes.HasPrefix(cmd.Drawing, pngHead):
		p.Add("/drawing", "not-png", "笔迹图片应为 PNG 格式")
	}
	return p.Err()
}

// Sign puts one party's signature under the text that was shown (签署). With the last one that is needed the application becomes
// signed. replayed says that this key had signed before.
func (s *Signatures) Sign(ctx context.Context, by domain.Actor, key Idempotency, cmd PutSignature) (state SigningState, replayed bool, err error) {
	if err := by.Require(domain.RoleLoanOfficer, domain.RoleBorrower); err != nil {
		return SigningState{}, false, err
	}
	if err := cmd.validate(); err != nil {
		return SigningState{}, false, err
	}
	reference := ""
	if cmd.Method == loan.SignatureElectronic {
		if reference, err = s.signElsewhere(ctx, by, cmd); err != nil {
			return SigningState{}, false, err
		}
	}
	now := s.now()
	id, lineID := s.newID(), s.newID()
	var refused error
	err = s.store.Update(ctx, func(tx Tx) error {
		refused = nil
		app, err := lockForSigning(ctx, tx, by, cmd.ApplicationID)
		if err != nil {
			return err
		}
		p := putting{validDays: s.approvalValidDays, by: by, now: now, id: id, lineID: lineID, key: key, cmd: cmd, reference: reference, app: app}
		replayed, refused, err = p.put(ctx, tx)
		if err != nil || refused != nil {
			return err
		}
		state, err = signingState(ctx, tx, by, app.Record())
		return err
	})
	if err == nil {
		err = refused // a wrong code was counted, and that is committed
	}
	if err != nil {
		return SigningState{}, false, err
	}
	return state, replayed, nil
}

// signElsewhere has the signing service sign what was shown, before our transaction. The service signs a key once, so a
// signature that we then fail to record is found again by the retry.
func (s *Signatures) signElsewhere(ctx context.Context, by domain.Actor, cmd PutSignature) (string, error) {
	rec, err := s.store.Application(ctx, by.Scope(), cmd.ApplicationID)
	if err != nil {
		return "", err
	}
	state, err := signingState(ctx, s.store, by, rec)
	if err != nil {
		return "", err
	}
	party, found := state.Text.Party(cmd.PartyID)
	if !found || slices.ContainsFunc(state.Signatures, func(done loan.Signature) bool { return done.PartyID == cmd.PartyID }) {
		return "", nil // the transaction says what is the matter: a replay, a second signature, nobody
	}
	if by.Role == domain.RoleBorrower && party.Role != loan.PartyBorrower {
		return "", nil
	}
	if err := state.Text.CheckShown(cmd.ShownSHA256); err != nil {
		return "", err
	}
	return s.service.Sign(ctx, ElectronicSignature{
		Key: state.Text.ID.String() + ":" + party.ID.String(), DocumentSHA256: state.Text.HTMLSHA256, ContractNo: state.Text.ContractNo,
		SignerName: party.SignerName, IDNumber: party.IDNumber,
	})
}

// putting is one signature on its way, with the application locked.
type putting struct {
	validDays int // of an approval
	by        domain.Actor
	now       time.Time
	id        domain.ID
	key       Idempotency
	cmd       PutSignature
	lineID    domain.ID // of the credit line that the last signature opens
	reference string
	app       *loan.Application
}

// put signs. refused is what the caller hears although something is committed: a wrong code's count.
func (p *putting) put(ctx context.Context, tx Tx) (replayed bool, refused, err error) {
	signed, err := p.alreadySigned(ctx, tx)
	if err != nil {
		return false, nil, err
	}
	if signed {
		prior, err := tx.ClaimIdempotencyKey(ctx, p.by.ID, p.key, p.id, p.now)
		if err != nil || !prior.IsZero() {
			return true, nil, err
		}
		return false, nil, domain.Errorf(domain.KindConflict, "already-signed", "这位当事人已经签署，不必重复办理")
	}
	text, party, err := signerOf(ctx, tx, p.by, p.app, p.cmd.PartyID)
	if err != nil {
		return false, nil, err
	}
	if err := text.CheckShown(p.cmd.ShownSHA256); err != nil {
		return false, nil, err
	}
	if err := approvalValid(p.app.Record(), p.now, p.validDays); err != nil {
		return false, nil, err
	}
	offer, err := stillHolds(ctx, tx, p.app.Record(), text, domain.DateOf(p.now))
	if err != nil {
		return false, nil, err
	}
	if err := checkCounterGuarantor(ctx, tx, p.app.Record(), text.Parties); err != nil { // the letter may have come since
		return false, nil, err
	}
	if p.cmd.Method == loan.SignatureCode {
		if p.reference, refused, err = p.enterCode(ctx, tx); err != nil || refused != nil {
			return false, refused, err
		}
	}
	if _, err := tx.ClaimIdempotencyKey(ctx, p.by.ID, p.key, p.id, p.now); err != nil {
		return false, nil, err
	}
	return false, nil, p.record(ctx, tx, text, party, offer)
}

func (p *putting) alreadySigned(ctx context.Context, tx Tx) (bool, error) {
	text, err := tx.ContractText(ctx, p.by.Scope(), p.cmd.ApplicationID)
	if domain.CodeOf(err) == "contract-text-not-found" {
		return false, nil // signerOf says so, after role and status
	}
	if err != nil {
		return false, err
	}
	signatures, err := tx.Signatures(ctx, text.ID)
	return slices.ContainsFunc(signatures, func(s loan.Signature) bool { return s.PartyID == p.cmd.PartyID }), err
}

// enterCode tries the last code that was sent to the party.
func (p *putting) enterCode(ctx context.Context, tx Tx) (reference string, refused, err error) {
	codes, err := tx.SigningCodes(ctx, p.cmd.PartyID)
	if err != nil {
		return "", nil, err
	}
	if len(codes) == 0 {
		return "", nil, domain.Errorf(domain.KindConflict, "code-not-sent", "还没有给这位签约人发送验证码：请先发送")
	}
	last := codes[0]
	if err := last.Usable(p.now); err != nil {
		return "", nil, err
	}
	right, err := tx.EnterSigningCode(ctx, last, p.cmd.Code)
	if err != nil {
		return "", nil, err
	}
	if !right {
		return "", domain.Errorf(domain.KindRule, "code-wrong", "验证码不正确，还可以输入 %d 次", loan.CodeAttemptsMax-last.Attempts-1), nil
	}
	return last.ID.String(), nil, nil
}

// record stores the signature, and the contract when it was the last one.
func (p *putting) record(ctx context.Context, tx Tx, text loan.ContractText, party loan.Party, offer Offer) error {
	signature := loan.Signature{
		ID: p.id, TextID: text.ID, ApplicationID: text.ApplicationID, BranchID: text.BranchID, PartyID: party.ID, Role: party.Role,
		Method: p.cmd.Method, ShownSHA256: p.cmd.ShownSHA256, Drawing: p.cmd.Drawing, Reference: p.reference,
		TakenBy: p.by.ID, SignedAt: p.now,
	}
	if len(signature.Drawing) > 0 {
		signature.DrawingSHA256 = loan.SHA256(signature.Drawing)
	}
	if err := tx.InsertSignature(ctx, signature, signature.Put(p.by)); err != nil {
		return err
	}
	signatures, err := tx.Signatures(ctx, text.ID)
	if err != nil || len(text.Missing(signatures)) > 0 {
		return err
	}
	contract := offer.contract(p.app.Record(), p.by, p.now)
	contract.ContractNo, contract.TextID, contract.DocumentSHA256 = text.ContractNo, text.ID, text.HTMLSHA256
	last := text.Payees[len(text.Payees)-1] // the borrower's own account, where anything goes to it, stands last
	if contract.Payee = last.Payee; last.Method != loan.SelfPayment {
		if contract.Payee, err = payee(ctx, tx, p.app.Record().BorrowerID); err != nil {
			return err
		}
	}
	event, err := contractSigned(ctx, tx, p.by, p.now, p.lineID, p.app, contract, offer.Instalments)
	if err != nil {
		return err
	}
	return saveCase(ctx, tx, p.app, event)
}

// stillHolds makes the offer of the text's day again and refuses when it would say other words now, or when today's rate is
// another one: a contract says the terms of the day on which it is signed.
func stillHolds(ctx context.Context, r Reader, rec loan.Record, text loan.ContractText, today domain.Date) (Offer, error) {
	offer, err := makeOffer(ctx, r, rec, text.SignedOn)
	if err != nil {
		return Offer{}, err
	}
	document, err := documentOf(ctx, r, rec, text, offer)
	if err != nil {
		return Offer{}, err
	}
	content, err := document.Canonical()
	if err != nil {
		return Offer{}, err
	}
	outdated := !bytes.Equal(content, text.Content)
	if !outdated && today != text.SignedOn {
		priced, err := makeOffer(ctx, r, rec, today)
		if err != nil {
			return Offer{}, err
		}
		outdated = !priced.AnnualRate.Equal(offer.AnnualRate)
	}
	if outdated {
		return Offer{}, domain.Errorf(domain.KindConflict, "contract-text-outdated", "合同文本生成以后，利率、批复或产品已有变化：请重新生成合同再签署")
	}
	return offer, nil
}

// Verification says which of the stored hashes still match what is stored (合同验真).
type Verification struct {
	Text           loan.ContractText
	ContentSHA256  string // recomputed
	HTMLSHA256     string
	PDFSHA256      string // empty when it cannot be printed here; PDFProblem says why
	PDFProblem     string
	PageSaysSame   bool // the page, printed again from the content, is the stored page
	Signatures     []SignatureCheck
	ContractSHA256 string // what the signed contract recorded; empty while not signed
	Intact         bool
}

// SignatureCheck is one signature's part of a Verification.
type SignatureCheck struct {
	Signature loan.Signature
	Shown     bool // the hash that was signed is that of the stored page
	Drawing   bool // the stored drawing has its hash; true where there is none
}

// Verify recomputes the hashes of a contract's text, its print and its signatures.
func (s *Signatures) Verify(ctx context.Context, by domain.Actor, id domain.ID) (Verification, error) {
	if _, err := s.store.Application(ctx, by.Scope(), id); err != nil {
		return Verification{}, err
	}
	text, err := s.store.ContractText(ctx, by.Scope(), id)
	if err != nil {
		return Verification{}, err
	}
	signatures, err := s.store.Signatures(ctx, text.ID)
	if err != nil {
		return Verification{}, err
	}
	v := Verification{Text: text, ContentSHA256: loan.SHA256(text.Content), HTMLSHA256: loan.SHA256(text.HTML)}
	v.Intact = v.ContentSHA256 == text.ContentSHA256 && v.HTMLSHA256 == text.HTMLSHA256
	if document, err := loan.ParseDocument(text.Content); err != nil {
		v.PDFProblem, v.Intact = "content-unreadable", false
	} else if err := s.verifyPrints(document, &v); err != nil {
		return Verification{}, err
	}
	for _, signature := range signatures {
		check := SignatureCheck{
			Signature: signature, Shown: signature.ShownSHA256 == v.HTMLSHA256,
			Drawing: len(signature.Drawing) == 0 && signature.DrawingSHA256 == "" || loan.SHA256(signature.Drawing) == signature.DrawingSHA256,
		}
		v.Signatures = append(v.Signatures, check)
		v.Intact = v.Intact && check.Shown && check.Drawing
	}
	contract, err := s.store.Contract(ctx, by.Scope(), id)
	switch {
	case err == nil && contract.TextID == text.ID:
		v.ContractSHA256 = contract.DocumentSHA256
		v.Intact = v.Intact && v.ContractSHA256 == v.HTMLSHA256
	case err != nil && domain.CodeOf(err) != "contract-not-found":
		return Verification{}, err
	}
	return v, nil
}

func (s *Signatures) verifyPrints(document loan.Document, v *Verification) error {
	page, err := s.printer.HTML(document)
	if err != nil {
		return err
	}
	v.PageSaysSame = loan.SHA256(page) == v.Text.HTMLSHA256
	pdf, err := s.printer.PDF(document)
	switch code := domain.CodeOf(err); {
	case err == nil:
		v.PDFSHA256 = loan.SHA256(pdf)
		if v.Text.PDFSHA256 == "" {
			v.PDFProblem = "not-recorded"
		} else if v.PDFSHA256 != v.Text.PDFSHA256 {
			v.PDFProblem = "printed-otherwise" // another font, or another release of this program
		}
	case code == "font-missing" || code == "glyph-missing":
		v.PDFProblem = code
	default:
		return err
	}
	return nil
}
