package repository

import (
	"context"
	"fmt"
	"time"

	"github.com/shopspring/decimal"
	"gorm.io/gorm/clause"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
)

type paymentFileRow struct {
	ID            domain.ID `gorm:"primaryKey"`
	BranchID      domain.ID
	ContentCipher []byte
	ContentSHA256 string `gorm:"column:content_sha256"`
	Payments      int
	ControlSum    decimal.Decimal
	CreatedBy     domain.ID
	CreatedByName string
	CreatedAt     time.Time
}

func (paymentFileRow) TableName() string { return "payment_files" }

const paymentFileColumn = "payment_files.content"

func paymentFileFromRow(row paymentFileRow) (origination.PaymentFile, error) {
	sum, err := money.AmountFromDecimal(row.ControlSum)
	if err != nil {
		return origination.PaymentFile{}, fmt.Errorf("payment file %s: control sum: %w", row.ID, err)
	}
	return origination.PaymentFile{
		ID: row.ID, BranchID: row.BranchID, SHA256: row.ContentSHA256, Payments: row.Payments, ControlSum: sum, CreatedBy: row.CreatedBy,
		CreatedByName: row.CreatedByName, CreatedAt: row.CreatedAt.UTC(),
	}, nil
}

type paymentFileEntryRow struct {
	TransferID domain.ID `gorm:"primaryKey"`
	FileID     domain.ID
	BranchID   domain.ID
	Number     int
	Amount     decimal.Decimal
}

func (paymentFileEntryRow) TableName() string { return "payment_file_entries" }

type statusReportRow struct {
	FileID         domain.ID `gorm:"primaryKey"`
	ReportSHA256   string    `gorm:"primaryKey;column:report_sha256"`
	BranchID       domain.ID
	UploadedBy     domain.ID
	UploadedByName string
	UploadedAt     time.Time
}

func (statusReportRow) TableName() string { return "payment_status_reports" }

// PaymentFile implements origination.PaymentFileReader.
func (r reader) PaymentFile(ctx context.Context, scope domain.Scope, id domain.ID) (origination.PaymentFile, error) {
	var row paymentFileRow
	err := inScopeOf(r.db.WithContext(ctx), "payment_files.branch_id", "", scope).Omit("content_cipher").Where("id = ?", id).Take(&row).Error
	if isNotFound(err) {
		return origination.PaymentFile{}, domain.Errorf(domain.KindNotFound, "payment-file-not-found", "没有这个批量付款文件，或不在您的机构范围内")
	}
	if err != nil {
		return origination.PaymentFile{}, translateRead(ctx, err)
	}
	return paymentFileFromRow(row)
}

// PaymentFileContent implements origination.PaymentFileReader.
func (r reader) PaymentFileContent(ctx context.Context, id domain.ID) ([]byte, error) {
	var row paymentFileRow
	if err := r.db.WithContext(ctx).Select("id", "content_cipher").Where("id = ?", id).Take(&row).Error; err != nil {
		return nil, translateRead(ctx, err)
	}
	content, err := r.cipher.open(paymentFileColumn, row.ID, row.ContentCipher)
	if err != nil {
		return nil, fmt.Errorf("payment file %s: %w", id, err)
	}
	return []byte(content), nil
}

// PaymentFiles implements origination.PaymentFileReader.
func (r reader) PaymentFiles(ctx context.Context, scope domain.Scope, page domain.Page) ([]origination.PaymentFile, error) {
	query := inScopeOf(r.db.WithContext(ctx), "payment_files.branch_id", "", scope).Omit("content_cipher")
	if !page.After.IsZero() {
		query = query.Where("id < ?", page.After)
	}
	var rows []paymentFileRow
	if err := query.Order("id DESC").Limit(page.Limit).Find(&rows).Error; err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, paymentFileFromRow)
}

// PaymentFileEntries implements origination.PaymentFileReader.
func (r reader) PaymentFileEntries(ctx context.Context, id domain.ID) ([]origination.PaymentFileEntry, error) {
	var rows []struct {
		Own ownPaymentRow `gorm:"embedded"`

		Number     int
		ReleasedBy idColumn
	}
	err := r.db.WithContext(ctx).Table("payment_file_entries").
		Select("transfers.id, transfers.disbursement_id, transfers.application_id, transfers.amount, transfers.status, transfers.settled_at, payment_file_entries.number, disbursements.released_by").
		Joins("JOIN transfers ON transfers.id = payment_file_entries.transfer_id").
		Joins("JOIN disbursements ON disbursements.id = transfers.disbursement_id").
		Where("payment_file_entries.file_id = ?", id).Order("payment_file_entries.number").Limit(origination.PaymentFileMax).Find(&rows).Error
	if err != nil {
		return nil, translateRead(ctx, err)
	}
	entries := make([]origination.PaymentFileEntry, len(rows))
	for i, row := range rows {
		own, err := ownPaymentFromRow(row.Own)
		if err != nil {
			return nil, err
		}
		entries[i] = origination.PaymentFileEntry{
			DueTransfer: origination.DueTransfer{ID: own.ID, DisbursementID: own.DisbursementID, ApplicationID: own.ApplicationID},
			Number:      row.Number, Amount: own.Amount, Status: own.Status, ReleasedBy: row.ReleasedBy.ID,
		}
	}
	return entries, nil
}

// InPaymentFile implements origination.PaymentFileReader.
func (r reader) InPaymentFile(ctx context.Context, transferID domain.ID) (bool, error) {
	var rows []paymentFileEntryRow
	err := r.db.WithContext(ctx).Select("transfer_id").Where("transfer_id = ?", transferID).Find(&rows).Error
	return len(rows) > 0, translateRead(ctx, err)
}

// ReleasedTransfers implements origination.PaymentFileReader.
func (r reader) ReleasedTransfers(ctx context.Context, at time.Time, limit int) ([]origination.DueTransfer, error) {
	var due []origination.DueTransfer
	err := r.db.WithContext(ctx).Table("transfers").Select("id", "disbursement_id", "application_id", "attempts").
		Where("work_due_at <= ? AND status = ?", at, string(loan.TransferReleased)).Order("work_due_at").Limit(limit).Find(&due).Error
	return due, translateRead(ctx, err)
}

// InsertPaymentFile implements origination.PaymentFileWriter.
func (t *tx) InsertPaymentFile(ctx context.Context, file origination.PaymentFile, content []byte, transfers []loan.TransferRecord) error {
	sealed, err := t.cipher.seal(paymentFileColumn, file.ID, string(content))
	if err != nil {
		return err
	}
	row := paymentFileRow{
		ID: file.ID, BranchID: file.BranchID, ContentCipher: sealed, ContentSHA256: file.SHA256, Payments: file.Payments,
		ControlSum: file.ControlSum.Decimal(), CreatedBy: file.CreatedBy, CreatedByName: file.CreatedByName, CreatedAt: file.CreatedAt,
	}
	if err := t.db.WithContext(ctx).Create(&row).Error; err != nil {
		return err
	}
	rows := make([]paymentFileEntryRow, len(transfers))
	for i, transfer := range transfers {
		rows[i] = paymentFileEntryRow{
			TransferID: transfer.ID, FileID: file.ID, BranchID: transfer.BranchID, Number: i + 1, Amount: transfer.Amount.Decimal(),
		}
	}
	return t.db.WithContext(ctx).Create(&rows).Error
}

// InsertStatusReport implements origination.PaymentFileWriter.
func (t *tx) InsertStatusReport(ctx context.Context, file origination.PaymentFile, sha256 string, by domain.Actor, at time.Time) error {
	row := statusReportRow{
		FileID: file.ID, ReportSHA256: sha256, BranchID: file.BranchID, UploadedBy: by.ID, UploadedByName: by.Name, UploadedAt: at,
	}
	return t.db.WithContext(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error
}
