package origination

import (
	"bytes"
	"context"
	"io"
	"slices"
	"time"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/loan"
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
		p.Add("/drawing_base64", "required", "平板手写签署须附笔迹图片（PNG）")
	case cmd.Method != loan.SignatureDrawing && len(cmd.Drawing) > 0:
		p.Add("/drawing_base64", "not-allowed", "只有平板手写签署附笔迹图片")
	case len(cmd.Drawing) > loan.DrawingBytesMax:
		p.Add("/drawing_base64", "too-large", "笔迹图片最多 %d 字节", loan.DrawingBytesMax)
	case len(cmd.Drawing) > 0 && !bytes.HasPrefix(cmd.Drawing, pngHead):
		p.Add("/drawing_base64", "not-png", "笔迹图片应为 PNG 格式")
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
	if err := checkCounterGuarantor(ctx, tx, p.app.Record(), text.Parties, domain.DateOf(p.now)); err != nil { // the letter may have come since
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
	if own, found := text.OwnAccount(); found {
		contract.Payee = own
	} else if contract.Payee, err = payee(ctx, tx, p.app.Record().BorrowerID); err != nil {
		return err
	}
	event, err := contractSigned(ctx, tx, p.by, p.now, p.lineID, p.app, contract, offer.Instalments)
	if err != nil {
		return err
	}
	return saveCase(ctx, tx, p.app, event)
}
