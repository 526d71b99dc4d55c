package loan

import (
	"time"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/money"
	"fumin/domain/schedule"
)

// ContractNoMax bounds a contract's number, in characters.
const ContractNoMax = 64

// Contract is what was signed (借款合同): frozen when it is recorded, never changed.
type Contract struct {
	ApplicationID   domain.ID
	BranchID        domain.ID
	BorrowerID      domain.ID
	ContractNo      string // the number on the paper or in the signing system
	SignedOn        domain.Date
	Amount          money.Amount
	TermMonths      int
	RepaymentMethod schedule.Method
	// AnnualRate follows the reference rate of the signing day plus the product's spread, in percent a year.
	AnnualRate         money.Rate
	ReferenceRatePct   money.Rate // LPR in force on the signing day
	ReferencePublished domain.Date
	// APREffectivePct is the yearly cost with every fee (综合年化成本) that was shown before signing, as text in percent.
	APREffectivePct string
	InterestTotal   money.Amount
	FeesTotal       money.Amount // every fee of the whole term, those of the day of disbursement included
	FeesUpfront     money.Amount // what is paid on the day of disbursement, and stands in no instalment
	Payee           Payee
	RecordedBy      domain.ID
	RecordedAt      time.Time
}

// Payee is the account the money goes to.
type Payee struct {
	AccountName borrower.Name
	Account     borrower.BankAccount
	BankName    string
}

// matches refuses a contract that differs from what was approved, or was signed before it.
func (c Contract) matches(r Record) error {
	granted := *r.Approval
	p := checkSigningDay(granted, c.RecordedAt, c.SignedOn)
	if !c.Amount.Equal(granted.Amount) || c.TermMonths != granted.TermMonths {
		p.Add("/amount", "differs-from-approval", "合同应与批复一致：%s 元，%d 个月", granted.Amount.Grouped(), granted.TermMonths)
	}
	if c.ContractNo == "" || len([]rune(c.ContractNo)) > ContractNoMax {
		p.Add("/contract_no", "out-of-range", "合同编号应为 1 至 %d 个字", ContractNoMax)
	}
	return p.Err()
}

// checkSigningDay refuses a day before the approval and one after today.
func checkSigningDay(granted Approval, at time.Time, on domain.Date) *domain.Problems {
	var p domain.Problems
	if on.Before(domain.DateOf(granted.ApprovedAt)) {
		p.Add("/signed_on", "before-approval", "签约日期 %s 早于批准日期 %s", on, domain.DateOf(granted.ApprovedAt))
	}
	if on.After(domain.DateOf(at)) {
		p.Add("/signed_on", "in-the-future", "签约日期 %s 晚于今天 %s", on, domain.DateOf(at))
	}
	return &p
}
