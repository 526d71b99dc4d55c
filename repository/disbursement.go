package repository

import (
	"context"
	"fmt"
	"time"

	"github.com/shopspring/decimal"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
)

type disbursementRow struct {
	ID                 domain.ID `gorm:"primaryKey"`
	ApplicationID      domain.ID
	BranchID           domain.ID
	BorrowerID         domain.ID
	Amount             decimal.Decimal
	PayeeName          string
	PayeeAccountCipher []byte
	PayeeBankName      string
	Status             string
	LiveApplicationID  idColumn
	RequestedBy        domain.ID
	RequestedAt        time.Time
	ReleasedBy         idColumn
	ReleasedAt         timeColumn
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

func (disbursementRow) TableName() string { return "disbursements" }

const disbursementAccountColumn = "disbursements.payee_account"

func (t *tx) disbursementToRow(r loan.DisbursementRecord) (disbursementRow, error) {
	account, err := t.cipher.seal(disbursementAccountColumn, r.ID, r.Payee.Account.Reveal())
	if err != nil {
		return disbursementRow{}, err
	}
	row := disbursementRow{
		ID: r.ID, ApplicationID: r.ApplicationID, BranchID: r.BranchID, BorrowerID: r.BorrowerID, Amount: r.Amount.Decimal(),
		PayeeName: r.Payee.AccountName.Reveal(), PayeeAccountCipher: account, PayeeBankName: r.Payee.BankName,
		Status: string(r.Status), RequestedBy: r.RequestedBy, RequestedAt: r.RequestedAt,
		ReleasedBy: idColumn{r.ReleasedBy}, ReleasedAt: timeColumn{r.ReleasedAt},
		SentAt: timeColumn{r.SentAt}, SettledAt: timeColumn{r.SettledAt},
		ChannelReference: r.ChannelReference, FailureCode: r.FailureCode, FailureReason: r.FailureReason,
		WorkDueAt: timeColumn{r.WorkDueAt}, Attempts: r.Attempts, LastError: r.LastError, Version: r.Version,
	}
	if r.Status.Live() {
		row.LiveApplicationID = idColumn{r.ApplicationID}
	}
	return row, nil
}

func (r reader) disbursementFromRow(row disbursementRow) (loan.DisbursementRecord, error) {
	amount, err := money.AmountFromDecimal(row.Amount)
	if err != nil {
		return loan.DisbursementRecord{}, fmt.Errorf("disbursement %s: amount: %w", row.ID, err)
	}
	payee, err := r.payeeFromRow(disbursementAccountColumn, row.ID, row.PayeeName, row.PayeeAccountCipher, row.PayeeBankName)
	if err != nil {
		return loan.DisbursementRecord{}, fmt.Errorf("disbursement %s: %w", row.ID, err)
	}
	rec := loan.DisbursementRecord{
		ID: row.ID, ApplicationID: row.ApplicationID, BranchID: row.BranchID, BorrowerID: row.BorrowerID, Amount: amount, Payee: payee,
		Status: loan.DisbursementStatus(row.Status), RequestedBy: row.RequestedBy, RequestedAt: row.RequestedAt.UTC(),
		ReleasedBy: row.ReleasedBy.ID, ReleasedAt: row.ReleasedAt.Time, SentAt: row.SentAt.Time, SettledAt: row.SettledAt.Time,
		ChannelReference: row.ChannelReference, FailureCode: row.FailureCode, FailureReason: row.FailureReason,
		WorkDueAt: row.WorkDueAt.Time, Attempts: row.Attempts, LastError: row.LastError, Version: row.Version,
	}
	if _, err := loan.RestoreDisbursement(rec); err != nil {
		return loan.DisbursementRecord{}, err
	}
	return rec, nil
}

func (r reader) payeeFromRow(column string, id domain.ID, name string, sealed []byte, bankName string) (loan.Payee, error) {
	accountName, err := borrower.ParseName(name)
	if err != nil {
		return loan.Payee{}, fmt.Errorf("payee name: %w", err)
	}
	text, err := r.cipher.open(column, id, sealed)
	if err != nil {
		return loan.Payee{}, err
	}
	account, err := borrower.ParseBankAccount(text)
	if err != nil {
		return loan.Payee{}, fmt.Errorf("payee account: %w", err)
	}
	return loan.Payee{AccountName: accountName, Account: account, BankName: bankName}, nil
}

// Disbursement implements origination.DisbursementReader.
func (r reader) Disbursement(ctx context.Context, scope domain.Scope, id domain.ID) (loan.DisbursementRecord, error) {
	return r.disbursement(ctx, r.db, scope, id)
}

func (r reader) disbursement(ctx context.Context, db *gorm.DB, scope domain.Scope, id domain.ID) (loan.DisbursementRecord, error) {
	var row disbursementRow
	err := inScope(db.WithContext(ctx), "disbursements", scope).Where("disbursements.id = ?", id).Take(&row).Error
	if isNotFound(err) {
		return loan.DisbursementRecord{}, domain.Errorf(domain.KindNotFound, "disbursement-not-found", "没有这笔放款，或不在您的机构范围内")
	}
	if err != nil {
		return loan.DisbursementRecord{}, translateRead(ctx, err)
	}
	return r.disbursementFromRow(row)
}

// Disbursements implements origination.DisbursementReader.
func (r reader) Disbursements(ctx context.Context, scope domain.Scope, f origination.DisbursementFilter, page domain.Page) ([]loan.DisbursementRecord, error) {
	query, err := r.casesPage(ctx, "disbursements", scope, string(f.Status), !f.ApplicationID.IsZero(), page)
	if err != nil {
		return nil, err
	}
	if !f.ApplicationID.IsZero() {
		query = query.Where("disbursements.application_id = ?", f.ApplicationID)
	}
	var rows []disbursementRow
	if err := query.Find(&rows).Error; err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, r.disbursementFromRow)
}

// DueDisbursements implements origination.DisbursementReader.
func (r reader) DueDisbursements(ctx context.Context, at time.Time, limit int) ([]origination.DueDisbursement, error) {
	var due []origination.DueDisbursement
	err := r.db.WithContext(ctx).Table("disbursements").Select("id", "application_id", "attempts").
		Where("work_due_at <= ?", at).Order("work_due_at").Limit(limit).Find(&due).Error
	return due, translateRead(ctx, err)
}

// LockDisbursement implements origination.DisbursementWriter.
func (t *tx) LockDisbursement(ctx context.Context, scope domain.Scope, id domain.ID) (*loan.Disbursement, error) {
	rec, err := t.disbursement(ctx, t.db.Clauses(clause.Locking{Strength: "UPDATE"}), scope, id)
	if err != nil {
		return nil, err
	}
	return loan.RestoreDisbursement(rec)
}

// InsertDisbursement implements origination.DisbursementWriter.
func (t *tx) InsertDisbursement(ctx context.Context, d *loan.Disbursement, event loan.Event) error {
	row, err := t.disbursementToRow(d.Record())
	if err != nil {
		return err
	}
	err = t.db.WithContext(ctx).Create(&row).Error
	if isDuplicate(err, "uk_disbursements_live_application") {
		return domain.Errorf(domain.KindConflict, "disbursement-exists", "这笔申请已有一笔放款在办理或已完成，不能重复申请")
	}
	if err != nil {
		return err
	}
	return t.insertEvent(ctx, event)
}

// SaveDisbursement implements origination.DisbursementWriter.
func (t *tx) SaveDisbursement(ctx context.Context, d *loan.Disbursement, event loan.Event) error {
	row, err := t.disbursementToRow(d.Record())
	if err != nil {
		return err
	}
	result := t.db.WithContext(ctx).Model(&disbursementRow{}).
		Where("id = ? AND version = ?", row.ID, row.Version-1).
		Select("status", "live_application_id", "released_by", "released_at", "sent_at", "settled_at", "channel_reference",
			"failure_code", "failure_reason", "work_due_at", "attempts", "last_error", "version").
		Updates(row)
	if result.Error != nil {
		return result.Error
	}
	if result.RowsAffected != 1 {
		return errStaleVersion()
	}
	return t.insertEvent(ctx, event)
}

// PostponeDisbursement implements origination.DisbursementWriter. It is bookkeeping of the work, not a deed: no version, no event.
func (t *tx) PostponeDisbursement(ctx context.Context, id domain.ID, dueAt time.Time, attempts int, lastError string) error {
	return t.db.WithContext(ctx).Model(&disbursementRow{}).
		Where("id = ? AND (work_due_at IS NOT NULL OR status = ?)", id, string(loan.DisbursementUnknown)).
		Updates(map[string]any{"work_due_at": timeColumn{dueAt}, "attempts": attempts, "last_error": lastError}).Error
}
