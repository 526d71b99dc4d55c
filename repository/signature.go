package repository

import (
	"context"
	"crypto/hmac"
	"database/sql"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/loan"
	"fumin/domain/money"
)

type contractTextRow struct {
	ID            domain.ID `gorm:"primaryKey"`
	ApplicationID domain.ID
	BranchID      domain.ID
	BorrowerID    domain.ID
	Number        int
	ContractNo    string
	SignedOn      dateColumn
	TextVersion   string
	ContentCipher []byte
	ContentSha256 string
	HTMLCipher    []byte           `gorm:"column:html_cipher"`
	HTMLSha256    string           `gorm:"column:html_sha256"`
	PDFSha256     sql.Null[string] `gorm:"column:pdf_sha256"`
	MembersMin    int
	PreparedBy    domain.ID
	PreparedAt    time.Time
}

func (contractTextRow) TableName() string { return "contract_texts" }

type contractPartyRow struct {
	ID             domain.ID `gorm:"primaryKey"`
	TextID         domain.ID
	BranchID       domain.ID
	Position       int
	Role           string
	Name           string
	SignerName     string
	IDNumberCipher []byte
	PhoneCipher    []byte
}

func (contractPartyRow) TableName() string { return "contract_parties" }

type contractPayeeRow struct {
	TextID        domain.ID `gorm:"primaryKey"`
	Position      int       `gorm:"primaryKey;autoIncrement:false"`
	BranchID      domain.ID
	Method        string
	Name          string
	AccountCipher []byte
	BankName      string
	Amount        decimal.Decimal
	Bought        string
}

func (contractPayeeRow) TableName() string { return "contract_payees" }

// The columns of encrypted values; a value is bound to its place.
const (
	textContentColumn   = "contract_texts.content"
	textHTMLColumn      = "contract_texts.html"
	partyIDNumberColumn = "contract_parties.id_number"
	partyPhoneColumn    = "contract_parties.phone"
	contractPayeeColumn = "contract_payees.account"
	drawingColumn       = "signatures.drawing"
)

// InsertContractText implements origination.SignatureWriter.
func (t *tx) InsertContractText(ctx context.Context, text loan.ContractText, event loan.Event) error {
	content, errContent := t.cipher.seal(textContentColumn, text.ID, string(text.Content))
	html, errHTML := t.cipher.seal(textHTMLColumn, text.ID, string(text.HTML))
	for _, err := range []error{errContent, errHTML} {
		if err != nil {
			return err
		}
	}
	row := contractTextRow{
		ID: text.ID, ApplicationID: text.ApplicationID, BranchID: text.BranchID, BorrowerID: text.BorrowerID, Number: text.Number,
		ContractNo: text.ContractNo, SignedOn: dateColumn{text.SignedOn}, TextVersion: text.TextVersion,
		ContentCipher: content, ContentSha256: text.ContentSHA256, HTMLCipher: html, HTMLSha256: text.HTMLSHA256,
		PDFSha256: sql.Null[string]{V: text.PDFSHA256, Valid: text.PDFSHA256 != ""}, MembersMin: text.MembersMin,
		PreparedBy: text.PreparedBy, PreparedAt: text.PreparedAt,
	}
	err := t.db.WithContext(ctx).Create(&row).Error
	if isDuplicate(err, "uk_contract_texts_number") {
		return errStaleVersion()
	}
	if err != nil {
		return err
	}
	if err := t.insertParties(ctx, text); err != nil {
		return err
	}
	if err := t.insertPayees(ctx, text); err != nil {
		return err
	}
	return t.insertEvent(ctx, event)
}

func (t *tx) insertParties(ctx context.Context, text loan.ContractText) error {
	rows := make([]contractPartyRow, len(text.Parties))
	for i, p := range text.Parties {
		number, err := t.cipher.seal(partyIDNumberColumn, p.ID, p.IDNumber.Reveal())
		if err != nil {
			return err
		}
		phone, err := t.cipher.seal(partyPhoneColumn, p.ID, p.Phone.Reveal())
		if err != nil {
			return err
		}
		rows[i] = contractPartyRow{
			ID: p.ID, TextID: text.ID, BranchID: text.BranchID, Position: i, Role: string(p.Role), Name: p.Name.Reveal(),
			SignerName: p.SignerName.Reveal(), IDNumberCipher: number, PhoneCipher: phone,
		}
	}
	return t.db.WithContext(ctx).Create(&rows).Error
}

func (t *tx) insertPayees(ctx context.Context, text loan.ContractText) error {
	if len(text.Payees) == 0 {
		return nil // a renewal that only takes over what is owed
	}
	rows := make([]contractPayeeRow, len(text.Payees))
	for i, p := range text.Payees {
		account, err := t.cipher.seal(contractPayeeColumn, text.ID, p.Payee.Account.Reveal())
		if err != nil {
			return err
		}
		rows[i] = contractPayeeRow{
			TextID: text.ID, Position: i, BranchID: text.BranchID, Method: string(p.Method), Name: p.Payee.AccountName.Reveal(),
			AccountCipher: account, BankName: p.Payee.BankName, Amount: p.Amount.Decimal(), Bought: p.For,
		}
	}
	return t.db.WithContext(ctx).Create(&rows).Error
}

// ContractText implements origination.SignatureReader.
func (r reader) ContractText(ctx context.Context, scope domain.Scope, applicationID domain.ID) (loan.ContractText, error) {
	var row contractTextRow
	err := inScope(r.db.WithContext(ctx), "contract_texts", scope).
		Where("contract_texts.application_id = ?", applicationID).Order("contract_texts.number DESC").Limit(1).Take(&row).Error
	if isNotFound(err) {
		return loan.ContractText{}, domain.Errorf(domain.KindNotFound, "contract-text-not-found", "这笔申请还没有生成合同文本：请先生成合同")
	}
	if err != nil {
		return loan.ContractText{}, translateRead(ctx, err)
	}
	text, err := r.contractTextFromRow(row)
	if err != nil {
		return loan.ContractText{}, err
	}
	var parties []contractPartyRow
	if err := r.db.WithContext(ctx).Where("text_id = ?", row.ID).Order("position").Limit(loan.PartiesMax).Find(&parties).Error; err != nil {
		return loan.ContractText{}, translateRead(ctx, err)
	}
	if text.Parties, err = mapRows(parties, r.partyFromRow); err != nil {
		return loan.ContractText{}, err
	}
	var payees []contractPayeeRow
	if err := r.db.WithContext(ctx).Where("text_id = ?", row.ID).Order("position").Limit(loan.PayeesMax).Find(&payees).Error; err != nil {
		return loan.ContractText{}, translateRead(ctx, err)
	}
	text.Payees, err = mapRows(payees, r.contractPayeeFromRow)
	return text, err
}

func (r reader) contractTextFromRow(row contractTextRow) (loan.ContractText, error) {
	content, err := r.cipher.open(textContentColumn, row.ID, row.ContentCipher)
	if err != nil {
		return loan.ContractText{}, err
	}
	html, err := r.cipher.open(textHTMLColumn, row.ID, row.HTMLCipher)
	if err != nil {
		return loan.ContractText{}, err
	}
	return loan.ContractText{
		ID: row.ID, ApplicationID: row.ApplicationID, BranchID: row.BranchID, BorrowerID: row.BorrowerID, Number: row.Number,
		ContractNo: row.ContractNo, SignedOn: row.SignedOn.Date, TextVersion: row.TextVersion,
		Content: []byte(content), ContentSHA256: row.ContentSha256, HTML: []byte(html), HTMLSHA256: row.HTMLSha256,
		PDFSHA256: row.PDFSha256.V, MembersMin: row.MembersMin, PreparedBy: row.PreparedBy, PreparedAt: row.PreparedAt.UTC(),
	}, nil
}

func (r reader) partyFromRow(row contractPartyRow) (loan.Party, error) {
	p := loan.Party{ID: row.ID, Role: loan.PartyRole(row.Role)}
	number, errNumber := r.cipher.open(partyIDNumberColumn, row.ID, row.IDNumberCipher)
	phone, errPhone := r.cipher.open(partyPhoneColumn, row.ID, row.PhoneCipher)
	for _, err := range []error{errNumber, errPhone} {
		if err != nil {
			return loan.Party{}, err
		}
	}
	var err error
	if p.Name, err = borrower.ParseName(row.Name); err != nil {
		return loan.Party{}, fmt.Errorf("party %s: name: %w", row.ID, err)
	}
	if p.SignerName, err = borrower.ParseName(row.SignerName); err != nil {
		return loan.Party{}, fmt.Errorf("party %s: signer's name: %w", row.ID, err)
	}
	if number != "" {
		if p.IDNumber, err = borrower.ParseIDNumber(number); err != nil {
			return loan.Party{}, fmt.Errorf("party %s: identity number: %w", row.ID, err)
		}
	}
	if phone != "" {
		if p.Phone, err = borrower.ParsePhone(phone); err != nil {
			return loan.Party{}, fmt.Errorf("party %s: phone: %w", row.ID, err)
		}
	}
	return p, nil
}

func (r reader) contractPayeeFromRow(row contractPayeeRow) (loan.ContractPayee, error) {
	amount, err := money.AmountFromDecimal(row.Amount)
	if err != nil {
		return loan.ContractPayee{}, fmt.Errorf("payee %d of text %s: %w", row.Position, row.TextID, err)
	}
	payee, err := r.payeeFromRow(contractPayeeColumn, row.TextID, row.Name, row.AccountCipher, row.BankName)
	if err != nil {
		return loan.ContractPayee{}, fmt.Errorf("payee %d of text %s: %w", row.Position, row.TextID, err)
	}
	return loan.ContractPayee{Method: loan.PaymentMethod(row.Method), Payee: payee, Amount: amount, For: row.Bought}, nil
}

type signatureRow struct {
	ID            domain.ID `gorm:"primaryKey"`
	TextID        domain.ID
	PartyID       domain.ID
	ApplicationID domain.ID
	BranchID      domain.ID
	Role          string
	Method        string
	ShownSha256   string
	DrawingCipher []byte
	DrawingSha256 sql.Null[string]
	Reference     string
	TakenBy       domain.ID
	SignedAt      time.Time
}

func (signatureRow) TableName() string { return "signatures" }

// InsertSignature implements origination.SignatureWriter.
func (t *tx) InsertSignature(ctx context.Context, s loan.Signature, event loan.Event) error {
	drawing, err := t.cipher.seal(drawingColumn, s.ID, string(s.Drawing))
	if err != nil {
		return err
	}
	row := signatureRow{
		ID: s.ID, TextID: s.TextID, PartyID: s.PartyID, ApplicationID: s.ApplicationID, BranchID: s.BranchID, Role: string(s.Role),
		Method: string(s.Method), ShownSha256: s.ShownSHA256, DrawingCipher: drawing,
		DrawingSha256: sql.Null[string]{V: s.DrawingSHA256, Valid: s.DrawingSHA256 != ""},
		Reference:     s.Reference, TakenBy: s.TakenBy, SignedAt: s.SignedAt,
	}
	err = t.db.WithContext(ctx).Create(&row).Error
	if isDuplicate(err, "uk_signatures_party") {
		return domain.Errorf(domain.KindConflict, "already-signed", "这位当事人已经签署，不必重复办理")
	}
	if err != nil {
		return err
	}
	return t.insertEvent(ctx, event)
}

// Signatures implements origination.SignatureReader.
func (r reader) Signatures(ctx context.Context, textID domain.ID) ([]loan.Signature, error) {
	var rows []signatureRow
	err := r.db.WithContext(ctx).Where("text_id = ?", textID).Order("signed_at, id").Limit(loan.PartiesMax).Find(&rows).Error
	if err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, func(row signatureRow) (loan.Signature, error) {
		drawing, err := r.cipher.open(drawingColumn, row.ID, row.DrawingCipher)
		if err != nil {
			return loan.Signature{}, err
		}
		s := loan.Signature{
			ID: row.ID, TextID: row.TextID, PartyID: row.PartyID, ApplicationID: row.ApplicationID, BranchID: row.BranchID,
			Role: loan.PartyRole(row.Role), Method: loan.SignatureMethod(row.Method), ShownSHA256: row.ShownSha256,
			DrawingSHA256: row.DrawingSha256.V, Reference: row.Reference, TakenBy: row.TakenBy, SignedAt: row.SignedAt.UTC(),
		}
		if drawing != "" {
			s.Drawing = []byte(drawing)
		}
		return s, nil
	})
}

type signingCodeRow struct {
	ID            domain.ID `gorm:"primaryKey"`
	TextID        domain.ID
	PartyID       domain.ID
	ApplicationID domain.ID
	BranchID      domain.ID
	CodeHash      []byte
	Attempts      int
	Used          bool
	SentAt        time.Time
	ExpiresAt     time.Time
}

func (signingCodeRow) TableName() string { return "signing_codes" }

func signingCodeFromRow(row signingCodeRow) loan.SigningCode {
	return loan.SigningCode{
		ID: row.ID, TextID: row.TextID, PartyID: row.PartyID, ApplicationID: row.ApplicationID, BranchID: row.BranchID,
		SentAt: row.SentAt.UTC(), ExpiresAt: row.ExpiresAt.UTC(), Attempts: row.Attempts, Used: row.Used,
	}
}

// codeHash is keyed, because six digits are soon tried out; and bound to the code's id, so that equal codes do not meet.
func (t *tx) codeHash(id domain.ID, code string) ([]byte, error) {
	return t.cipher.blind("signing_code", id.String()+"|"+code)
}

// InsertSigningCode implements origination.SignatureWriter.
func (t *tx) InsertSigningCode(ctx context.Context, c loan.SigningCode, code string, event loan.Event) error {
	hash, err := t.codeHash(c.ID, code)
	if err != nil {
		return err
	}
	row := signingCodeRow{
		ID: c.ID, TextID: c.TextID, PartyID: c.PartyID, ApplicationID: c.ApplicationID, BranchID: c.BranchID, CodeHash: hash,
		Attempts: c.Attempts, Used: c.Used, SentAt: c.SentAt, ExpiresAt: c.ExpiresAt,
	}
	if err := t.db.WithContext(ctx).Create(&row).Error; err != nil {
		return err
	}
	return t.insertEvent(ctx, event)
}

// SigningCodes implements origination.SignatureReader.
func (r reader) SigningCodes(ctx context.Context, partyID domain.ID) ([]loan.SigningCode, error) {
	var rows []signingCodeRow
	err := r.db.WithContext(ctx).Where("party_id = ?", partyID).Order("sent_at DESC, id DESC").Limit(loan.CodesMax).Find(&rows).Error
	if err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, func(row signingCodeRow) (loan.SigningCode, error) { return signingCodeFromRow(row), nil })
}

// EnterSigningCode implements origination.SignatureWriter: one attempt, counted whether it is right or wrong.
func (t *tx) EnterSigningCode(ctx context.Context, c loan.SigningCode, entered string) (bool, error) {
	var row signingCodeRow
	if err := t.db.WithContext(ctx).Where("id = ?", c.ID).Take(&row).Error; err != nil {
		return false, translateRead(ctx, err)
	}
	hash, err := t.codeHash(c.ID, entered)
	if err != nil {
		return false, err
	}
	right := hmac.Equal(hash, row.CodeHash) // in constant time
	change := signingCodeRow{Used: right, Attempts: row.Attempts}
	if !right {
		change.Attempts++
	}
	result := t.db.WithContext(ctx).Model(&signingCodeRow{}).Where("id = ? AND attempts = ? AND used = FALSE", c.ID, row.Attempts).
		Select("attempts", "used").Updates(change)
	if result.Error != nil {
		return false, result.Error
	}
	if result.RowsAffected != 1 {
		return false, errStaleVersion()
	}
	return right, nil
}

type waiverRow struct {
	ApplicationID domain.ID `gorm:"primaryKey"`
	ID            domain.ID
	BranchID      domain.ID
	Statement     string
	WaivedBy      domain.ID
	WaivedAt      time.Time
}

func (waiverRow) TableName() string { return "cooling_off_waivers" }

// InsertWaiver implements origination.SignatureWriter.
func (t *tx) InsertWaiver(ctx context.Context, w loan.Waiver, event loan.Event) error {
	row := waiverRow(w) // the same fields in the same order
	err := t.db.WithContext(ctx).Create(&row).Error
	if isDuplicate(err, "PRIMARY") {
		return domain.Errorf(domain.KindConflict, "cooling-off-waived", "借款人已经放弃冷静期，不必重复办理")
	}
	if err != nil {
		return err
	}
	return t.insertEvent(ctx, event)
}

// Waiver implements origination.SignatureReader.
func (r reader) Waiver(ctx context.Context, applicationID domain.ID) (loan.Waiver, bool, error) {
	var row waiverRow
	err := r.db.WithContext(ctx).Where("application_id = ?", applicationID).Take(&row).Error
	if isNotFound(err) {
		return loan.Waiver{}, false, nil
	}
	if err != nil {
		return loan.Waiver{}, false, translateRead(ctx, err)
	}
	w := loan.Waiver(row)
	w.WaivedAt = w.WaivedAt.UTC()
	return w, true, nil
}
