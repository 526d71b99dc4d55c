package borrower

import (
	"time"

	"fumin/domain"
)

// AccountVerification is how the lender made sure that an account is the borrower's (账户核验方式).
type AccountVerification string

// The ways of verifying an account.
const (
	AccountSeen     AccountVerification = "document_seen"  // 核对卡、折原件
	AccountTransfer AccountVerification = "small_transfer" // 小额打款验证
	AccountEnquiry  AccountVerification = "bank_enquiry"   // 账户要素核验
)

// Valid reports whether v is one of the ways.
func (v AccountVerification) Valid() bool {
	switch v {
	case AccountSeen, AccountTransfer, AccountEnquiry:
		return true
	}
	return false
}

// BankNameRunesMax is the number of characters of the name of a bank and its branch.
const BankNameRunesMax = 60

// CheckBankName records a bank's name that is missing, too long or has characters that cannot be seen: a payment channel refuses
// an order with a tab or a line's end in it.
func CheckBankName(p *domain.Problems, pointer, name string) {
	checkText(p, pointer, name, 1, BankNameRunesMax)
}

// Account is a bank account of a borrower (银行账户).
type Account struct {
	ID          domain.ID
	Number      BankAccount
	AccountName Name   // 户名
	BankName    string // 开户行, as the bank writes it
	BankCode    string // 联行号: 12 digits, or "" where the account is with this lender

	VerifiedHow AccountVerification // "" until verified
	VerifiedBy  domain.ID           // the user, or the service that asked
	VerifiedAt  time.Time           // zero until verified
}

// Verified reports whether the account has been verified as the borrower's.
func (a Account) Verified() bool { return !a.VerifiedAt.IsZero() }

// Validate names all that is wrong with the account, by the JSON names id, number, account_name, bank_name, bank_code,
// verified_how, verified_by and verified_at. The three of verification are given together or not at all.
func (a Account) Validate() error {
	var p domain.Problems
	requireID(&p, "/id", a.ID)
	if a.Number.IsZero() {
		p.Check("/number", errRequired)
	}
	if a.AccountName.IsZero() {
		p.Check("/account_name", errRequired)
	}
	CheckBankName(&p, "/bank_name", a.BankName)
	if a.BankCode != "" && (len(a.BankCode) != 12 || !onlyDigits(a.BankCode)) {
		p.Add("/bank_code", "bank-code-invalid", "联行号应为 12 位数字")
	}
	if a.VerifiedAt.IsZero() && a.VerifiedBy.IsZero() && a.VerifiedHow == "" {
		return p.Err()
	}
	requireValid(&p, "/verified_how", string(a.VerifiedHow), a.VerifiedHow.Valid())
	requireID(&p, "/verified_by", a.VerifiedBy)
	if a.VerifiedAt.IsZero() {
		p.Check("/verified_at", errRequired)
	}
	return p.Err()
}
