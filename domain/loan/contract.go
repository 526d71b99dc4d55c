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
	// APRAfterSubsidyPct is the yearly cost with the subsidised interest left out (贴息后); equal to APREffectivePct without one.
	APRAfterSubsidyPct string
	SubsidyTotal       money.Amount // interest that somebody else pays over the whole term (贴息)
	SpreadPct          money.Rate   // what the rate is above the reference rate, in percentage points; may be below 0
	GuaranteeKind      string       // what secures the loan: "credit" or "guarantee_company"
	GuaranteeFeePct    money.Rate   // the ceiling of the guarantee company's fee, percent a year; 0 on credit
	PaymentMethod      PaymentMethod
	// TextID is the text that was signed electronically, whose parties and payees hold; zero for a paper contract.
	TextID             domain.ID
	DocumentSHA256     string // of the text that was shown and signed; empty for a paper contract
	CoolingOffHours    int    // 冷静期: from RecordedAt; 0: none
	CoolingOffWaivable bool   // the borrower may be paid earlier at his or her own wish
	Payee              Payee  // the first of the payees: the borrower's own account where there is one
	RecordedBy         domain.ID
	RecordedAt         time.Time
}

// Payee is the account the money goes to.
type Payee struct {
	AccountName borrower.Name
	Account     borrower.BankAccount
	BankName    string
}

// OnPaper reports whether a signed paper was recorded, and not the signatures themselves.
func (c Contract) OnPaper() bool { return c.TextID.IsZero() }

// CoolingOffUntil is when the borrower can no longer withdraw freely, and from when the money may be paid (冷静期届满).
func (c Contract) CoolingOffUntil() time.Time {
	return c.RecordedAt.Add(time.Duration(c.CoolingOffHours) * time.Hour)
}

// CoolingOff reports whether the time lies in the cooling-off period.
func (c Contract) CoolingOff(at time.Time) bool { return at.Before(c.CoolingOffUntil()) }

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
