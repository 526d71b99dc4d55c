package repository

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/schedule"
)

type contractRow struct {
	ApplicationID        domain.ID `gorm:"primaryKey"`
	BranchID             domain.ID
	BorrowerID           domain.ID
	ContractNo           string
	SignedOn             dateColumn
	Amount               decimal.Decimal
	TermMonths           int
	RepaymentMethod      string
	AnnualRatePct        decimal.Decimal
	SpreadPct            decimal.Decimal
	ReferenceRatePct     decimal.Decimal
	ReferencePublishedOn dateColumn
	AprEffectivePct      string
	AprAfterSubsidyPct   string
	InterestTotal        decimal.Decimal
	FeesTotal            decimal.Decimal
	FeesUpfront          decimal.Decimal
	SubsidyTotal         decimal.Decimal
	GuaranteeKind        string
	GuaranteeFeePct      decimal.Decimal
	PaymentMethod        string
	TextID               idColumn
	DocumentSha256       sql.Null[string]
	CoolingOffHours      int
	CoolingOffWaivable   bool
	PayeeName            string
	PayeeAccountCipher   []byte
	PayeeBankName        string
	RecordedBy           domain.ID
	RecordedAt           time.Time
}

func (contractRow) TableName() string { return "contracts" }

const contractAccountColumn = "contracts.payee_account"

func (t *tx) contractToRow(c loan.Contract) (contractRow, error) {
	account, err := t.cipher.seal(contractAccountColumn, c.ApplicationID, c.Payee.Account.Reveal())
	if err != nil {
		return contractRow{}, err
	}
	return contractRow{
		ApplicationID: c.ApplicationID, BranchID: c.BranchID, BorrowerID: c.BorrowerID, ContractNo: c.ContractNo,
		SignedOn: dateColumn{c.SignedOn}, Amount: c.Amount.Decimal(), TermMonths: c.TermMonths,
		RepaymentMethod: string(c.RepaymentMethod), AnnualRatePct: c.AnnualRate.Decimal(),
		ReferenceRatePct: c.ReferenceRatePct.Decimal(), ReferencePublishedOn: dateColumn{c.ReferencePublished},
		AprEffectivePct: c.APREffectivePct, InterestTotal: c.InterestTotal.Decimal(),
		FeesTotal: c.FeesTotal.Decimal(), FeesUpfront: c.FeesUpfront.Decimal(),
		SpreadPct: c.SpreadPct.Decimal(), AprAfterSubsidyPct: c.APRAfterSubsidyPct, SubsidyTotal: c.SubsidyTotal.Decimal(),
		GuaranteeKind: c.GuaranteeKind, GuaranteeFeePct: c.GuaranteeFeePct.Decimal(), PaymentMethod: string(c.PaymentMethod),
		TextID: idColumn{c.TextID}, DocumentSha256: sql.Null[string]{V: c.DocumentSHA256, Valid: c.DocumentSHA256 != ""},
		CoolingOffHours: c.CoolingOffHours, CoolingOffWaivable: c.CoolingOffWaivable,
		PayeeName: c.Payee.AccountName.Reveal(), PayeeAccountCipher: account, PayeeBankName: c.Payee.BankName,
		RecordedBy: c.RecordedBy, RecordedAt: c.RecordedAt,
	}, nil
}

func (r reader) contractFromRow(row contractRow) (loan.Contract, error) {
	method, errMethod := schedule.ParseMethod(row.RepaymentMethod)
	amount, errAmount := money.AmountFromDecimal(row.Amount)
	interest, errInterest := money.AmountFromDecimal(row.InterestTotal)
	fees, errFees := money.AmountFromDecimal(row.FeesTotal)
	upfront, errUpfront := money.AmountFromDecimal(row.FeesUpfront)
	rate, errRate := money.RateFromDecimal(row.AnnualRatePct)
	reference, errReference := money.RateFromDecimal(row.ReferenceRatePct)
	spread, errSpread := money.RateFromDecimal(row.SpreadPct)
	subsidy, errSubsidy := money.AmountFromDecimal(row.SubsidyTotal)
	guaranteeFee, errGuaranteeFee := money.RateFromDecimal(row.GuaranteeFeePct)
	payee, errPayee := r.payeeFromRow(contractAccountColumn, row.ApplicationID, row.PayeeName, row.PayeeAccountCipher, row.PayeeBankName)
	for _, err := range []error{errMethod, errAmount, errInterest, errFees, errUpfront, errRate, errReference, errSpread, errSubsidy, errGuaranteeFee, errPayee} {
		if err != nil {
			return loan.Contract{}, fmt.Errorf("contract of %s: %w", row.ApplicationID, err)
		}
	}
	return loan.Contract{
		ApplicationID: row.ApplicationID, BranchID: row.BranchID, BorrowerID: row.BorrowerID, ContractNo: row.ContractNo,
		SignedOn: row.SignedOn.Date, Amount: amount, TermMonths: row.TermMonths, RepaymentMethod: method,
		AnnualRate: rate, ReferenceRatePct: reference, ReferencePublished: row.ReferencePublishedOn.Date,
		APREffectivePct: row.AprEffectivePct, InterestTotal: interest, FeesTotal: fees, FeesUpfront: upfront, Payee: payee,
		SpreadPct: spread, APRAfterSubsidyPct: row.AprAfterSubsidyPct, SubsidyTotal: subsidy, GuaranteeKind: row.GuaranteeKind,
		GuaranteeFeePct: guaranteeFee, PaymentMethod: loan.PaymentMethod(row.PaymentMethod), TextID: row.TextID.ID,
		DocumentSHA256: row.DocumentSha256.V, CoolingOffHours: row.CoolingOffHours, CoolingOffWaivable: row.CoolingOffWaivable,
		RecordedBy: row.RecordedBy, RecordedAt: row.RecordedAt.UTC(),
	}, nil
}

type instalmentRow struct {
	ApplicationID  domain.ID `gorm:"primaryKey"`
	Number         int       `gorm:"primaryKey;autoIncrement:false"`
	BranchID       domain.ID
	DueOn          dateColumn
	Days           int
	OpeningBalance decimal.Decimal
	Principal      decimal.Decimal
	Interest       decimal.Decimal
	Fees           decimal.Decimal
	Total          decimal.Decimal
	ClosingBalance decimal.Decimal
}

func (instalmentRow) TableName() string { return "instalments" }

func instalmentToRow(c loan.Contract, i loan.Instalment) instalmentRow {
	return instalmentRow{
		ApplicationID: c.ApplicationID, Number: i.Number, BranchID: c.BranchID, DueOn: dateColumn{i.DueOn}, Days: i.Days,
		OpeningBalance: i.OpeningBalance.Decimal(), Principal: i.Principal.Decimal(), Interest: i.Interest.Decimal(),
		Fees: i.Fees.Decimal(), Total: i.Total.Decimal(), ClosingBalance: i.ClosingBalance.Decimal(),
	}
}

func instalmentFromRow(row instalmentRow) (loan.Instalment, error) {
	i := loan.Instalment{Number: row.Number, DueOn: row.DueOn.Date, Days: row.Days}
	for _, column := range []struct {
		to   *money.Amount
		from decimal.Decimal
	}{
		{&i.OpeningBalance, row.OpeningBalance},
		{&i.Principal, row.Principal},
		{&i.Interest, row.Interest},
		{&i.Fees, row.Fees},
		{&i.Total, row.Total},
		{&i.ClosingBalance, row.ClosingBalance},
	} {
		amount, err := money.AmountFromDecimal(column.from)
		if err != nil {
			return loan.Instalment{}, fmt.Errorf("instalment %d of %s: %w", row.Number, row.ApplicationID, err)
		}
		*column.to = amount
	}
	return i, nil
}

// InsertContract implements origination.ApplicationWriter: the contract and its plan, the plan in one statement.
func (t *tx) InsertContract(ctx context.Context, c loan.Contract, plan []loan.Instalment) error {
	row, err := t.contractToRow(c)
	if err != nil {
		return err
	}
	err = t.db.WithContext(ctx).Create(&row).Error
	if isDuplicate(err, "uk_contracts_contract_no") {
		var p domain.Problems
		p.Add("/contract_no", "contract-no-exists", "这个合同编号已用于另一笔贷款，请核对")
		return p.Err()
	}
	if err != nil {
		return err
	}
	rows := make([]instalmentRow, len(plan))
	for i, instalment := range plan {
		rows[i] = instalmentToRow(c, instalment)
	}
	return t.db.WithContext(ctx).Create(&rows).Error
}

// Contract implements origination.ApplicationReader.
func (r reader) Contract(ctx context.Context, scope domain.Scope, applicationID domain.ID) (loan.Contract, error) {
	var row contractRow
	err := inScope(r.db.WithContext(ctx), "contracts", scope).Where("contracts.application_id = ?", applicationID).Take(&row).Error
	if isNotFound(err) {
		return loan.Contract{}, domain.Errorf(domain.KindNotFound, "contract-not-found", "这笔申请还没有登记合同")
	}
	if err != nil {
		return loan.Contract{}, translateRead(ctx, err)
	}
	return r.contractFromRow(row)
}

// Instalments implements origination.ApplicationReader.
func (r reader) Instalments(ctx context.Context, scope domain.Scope, applicationID domain.ID) ([]loan.Instalment, error) {
	if _, err := r.Contract(ctx, scope, applicationID); err != nil {
		return nil, err
	}
	var rows []instalmentRow
	err := r.db.WithContext(ctx).Where("application_id = ?", applicationID).Order("number").Limit(schedule.PeriodsMax).Find(&rows).Error
	if err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, instalmentFromRow)
}
