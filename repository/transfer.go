package repository

import (
	"context"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
)

type transferRow struct {
	ID                 domain.ID `gorm:"primaryKey"`
	DisbursementID     domain.ID
	ApplicationID      domain.ID
	BranchID           domain.ID
	BorrowerID         domain.ID
	Number             int
	Method             string
	Amount             decimal.Decimal
	ReversedAmount     decimal.Decimal
	PayeeName          string
	PayeeAccountCipher []byte
	PayeeAccountLast4  string
	PayeeBankName      string
	DocumentReference  string
	DocumentSHA256     string `gorm:"column:document_sha256"`
	Status             string
	SentAt             timeColumn
	SettledAt          timeColumn
	ChannelReference   string
	FailureCode        string
	FailureReason      string
	WorkDueAt          timeColumn
	Attempts           int
	LastError          string
	Version            int
}

func (transferRow) TableName() string { return "transfers" }

// transferAccountColumn is what the seal of an account is bound to, with the transfer's id. It is the name of the column the
// accounts stood in before there were transfers, so that those rows open as they are.
const transferAccountColumn = "disbursements.payee_account"

func (t *tx) transferToRow(r loan.TransferRecord) (transferRow, error) {
	account, err := t.cipher.seal(transferAccountColumn, r.ID, r.Payee.Account.Reveal())
	if err != nil {
		return transferRow{}, err
	}
	row := transferStateToRow(r)
	row.DisbursementID, row.ApplicationID, row.BranchID, row.BorrowerID = r.DisbursementID, r.ApplicationID, r.BranchID, r.BorrowerID
	row.Number, row.Method, row.Amount = r.Number, string(r.Method), r.Amount.Decimal()
	row.PayeeName, row.PayeeAccountCipher, row.PayeeAccountLast4 = r.Payee.AccountName.Reveal(), account, r.AccountLast4
	row.PayeeBankName = r.Payee.BankName
	row.DocumentReference, row.DocumentSHA256 = r.Evidence.Reference, r.Evidence.SHA256
	return row, nil
}

// transferStateColumns are what may change of a transfer.
var transferStateColumns = []any{
	"reversed_amount", "sent_at", "settled_at", "channel_reference", "failure_code", "failure_reason", "work_due_at", "attempts",
	"last_error", "version",
}

func transferStateToRow(r loan.TransferRecord) transferRow {
	return transferRow{
		ID: r.ID, Status: string(r.Status), ReversedAmount: r.Reversed.Decimal(),
		SentAt: timeColumn{r.SentAt}, SettledAt: timeColumn{r.SettledAt},
		ChannelReference: r.ChannelReference, FailureCode: r.FailureCode, FailureReason: r.FailureReason,
		WorkDueAt: timeColumn{r.WorkDueAt}, Attempts: r.Attempts, LastError: r.LastError, Version: r.Version,
	}
}

// transferFromRow makes a record without its account: the seal is opened only where the account is needed.
func transferFromRow(row transferRow) (loan.TransferRecord, error) {
	amount, err := money.AmountFromDecimal(row.Amount)
	if err != nil {
		return loan.TransferRecord{}, fmt.Errorf("transfer %s: amount: %w", row.ID, err)
	}
	reversed, err := money.AmountFromDecimal(row.ReversedAmount)
	if err != nil {
		return loan.TransferRecord{}, fmt.Errorf("transfer %s: reversed amount: %w", row.ID, err)
	}
	name, err := borrower.ParseName(row.PayeeName)
	if err != nil {
		return loan.TransferRecord{}, fmt.Errorf("transfer %s: payee name: %w", row.ID, err)
	}
	return loan.TransferRecord{
		ID: row.ID, DisbursementID: row.DisbursementID, ApplicationID: row.ApplicationID, BranchID: row.BranchID, BorrowerID: row.BorrowerID,
		Number: row.Number, Method: loan.PaymentMethod(row.Method), Amount: amount, Reversed: reversed,
		Payee: loan.Payee{AccountName: name, BankName: row.PayeeBankName}, AccountLast4: row.PayeeAccountLast4,
		Evidence: loan.Evidence{Reference: row.DocumentReference, SHA256: row.DocumentSHA256},
		Status:   loan.TransferStatus(row.Status), SentAt: row.SentAt.Time, SettledAt: row.SettledAt.Time,
		ChannelReference: row.ChannelReference, FailureCode: row.FailureCode, FailureReason: row.FailureReason,
		WorkDueAt: row.WorkDueAt.Time, Attempts: row.Attempts, LastError: row.LastError, Version: row.Version,
	}, nil
}

// TransferPayee implements origination.DisbursementReader.
func (r reader) TransferPayee(ctx context.Context, id domain.ID) (loan.Payee, error) {
	var row transferRow
	err := r.db.WithContext(ctx).Select("id", "payee_name", "payee_account_cipher", "payee_bank_name").Where("id = ?", id).Take(&row).Error
	if isNotFound(err) {
		return loan.Payee{}, domain.Errorf(domain.KindNotFound, "transfer-not-found", "没有这笔付款，或不在您的机构范围内")
	}
	if err != nil {
		return loan.Payee{}, translateRead(ctx, err)
	}
	payee, err := r.payeeFromRow(transferAccountColumn, row.ID, row.PayeeName, row.PayeeAccountCipher, row.PayeeBankName)
	if err != nil {
		return loan.Payee{}, fmt.Errorf("transfer %s: %w", id, err)
	}
	return payee, nil
}

// DueTransfers implements origination.DisbursementReader.
func (r reader) DueTransfers(ctx context.Context, at time.Time, limit int) ([]origination.DueTransfer, error) {
	var due []origination.DueTransfer
	err := r.db.WithContext(ctx).Table("transfers").Select("id", "disbursement_id", "application_id", "attempts").
		Where("work_due_at <= ?", at).Order("work_due_at").Limit(limit).Find(&due).Error
	return due, translateRead(ctx, err)
}

// transfersOf reads the transfers of disbursements, in the order of disbursements and numbers.
func (r reader) transfersOf(ctx context.Context, disbursements []domain.ID) (map[domain.ID][]loan.TransferRecord, error) {
	if len(disbursements) == 0 {
		return map[domain.ID][]loan.TransferRecord{}, nil
	}
	var rows []transferRow
	err := r.db.WithContext(ctx).Omit("payee_account_cipher").
		Where("disbursement_id IN ?", disbursements).Order("disbursement_id, number").Find(&rows).Error
	if err != nil {
		return nil, translateRead(ctx, err)
	}
	byDisbursement := make(map[domain.ID][]loan.TransferRecord, len(disbursements))
	for _, row := range rows {
		t, err := transferFromRow(row)
		if err != nil {
			return nil, err
		}
		byDisbursement[row.DisbursementID] = append(byDisbursement[row.DisbursementID], t)
	}
	return byDisbursement, nil
}

// insertTransfers writes all transfers of a new disbursement in one statement.
func (t *tx) insertTransfers(ctx context.Context, transfers []loan.TransferRecord) error {
	rows := make([]transferRow, len(transfers))
	for i, r := range transfers {
		row, err := t.transferToRow(r)
		if err != nil {
			return err
		}
		rows[i] = row
	}
	return t.db.WithContext(ctx).Create(&rows).Error
}

func (t *tx) saveTransfer(ctx context.Context, r loan.TransferRecord) error {
	row := transferStateToRow(r)
	result := t.db.WithContext(ctx).Model(&transferRow{}).
		Where("id = ? AND version = ?", row.ID, row.Version-1).
		Select("status", transferStateColumns...).
		Updates(row)
	if result.Error != nil {
		return result.Error
	}
	if result.RowsAffected != 1 {
		return errStaleVersion()
	}
	return nil
}

// PostponeTransfer implements origination.DisbursementWriter. It is bookkeeping of the work, not a deed: no version, no event.
func (t *tx) PostponeTransfer(ctx context.Context, id domain.ID, dueAt time.Time, attempts int, lastError string) error {
	return t.db.WithContext(ctx).Model(&transferRow{}).
		Where("id = ? AND (work_due_at IS NOT NULL OR status = ?)", id, string(loan.TransferUnknown)).
		Updates(map[string]any{"work_due_at": timeColumn{dueAt}, "attempts": attempts, "last_error": lastError}).Error
}
