package repository

import (
	"context"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
)

type reversalRow struct {
	ID               domain.ID `gorm:"primaryKey"`
	TransferID       domain.ID
	DisbursementID   domain.ID
	ApplicationID    domain.ID
	BranchID         domain.ID
	BorrowerID       domain.ID
	Amount           decimal.Decimal
	Reason           string
	ChannelReference string
	Status           string
	RequestedBy      domain.ID
	RequestedAt      time.Time
	DecidedBy        idColumn
	DecidedAt        timeColumn
	Version          int
}

func (reversalRow) TableName() string { return "reversals" }

func reversalToRow(r loan.ReversalRecord) reversalRow {
	return reversalRow{
		ID: r.ID, TransferID: r.TransferID, DisbursementID: r.DisbursementID, ApplicationID: r.ApplicationID, BranchID: r.BranchID,
		BorrowerID: r.BorrowerID, Amount: r.Amount.Decimal(), Reason: r.Reason, ChannelReference: r.ChannelReference, Status: string(r.Status),
		RequestedBy: r.RequestedBy, RequestedAt: r.RequestedAt, DecidedBy: idColumn{r.DecidedBy}, DecidedAt: timeColumn{r.DecidedAt}, Version: r.Version,
	}
}

func reversalFromRow(row reversalRow) (loan.ReversalRecord, error) {
	amount, err := money.AmountFromDecimal(row.Amount)
	if err != nil {
		return loan.ReversalRecord{}, fmt.Errorf("reversal %s: amount: %w", row.ID, err)
	}
	rec := loan.ReversalRecord{
		ID: row.ID, TransferID: row.TransferID, DisbursementID: row.DisbursementID, ApplicationID: row.ApplicationID, BranchID: row.BranchID,
		BorrowerID: row.BorrowerID, Amount: amount, Reason: row.Reason, ChannelReference: row.ChannelReference, Status: loan.ReversalStatus(row.Status),
		RequestedBy: row.RequestedBy, RequestedAt: row.RequestedAt.UTC(), DecidedBy: row.DecidedBy.ID, DecidedAt: row.DecidedAt.Time, Version: row.Version,
	}
	if _, err := loan.RestoreReversal(rec); err != nil {
		return loan.ReversalRecord{}, err
	}
	return rec, nil
}

// Reversal implements origination.ReversalReader.
func (r reader) Reversal(ctx context.Context, scope domain.Scope, id domain.ID) (loan.ReversalRecord, error) {
	var row reversalRow
	err := inScope(r.db.WithContext(ctx), "reversals", scope).Where("reversals.id = ?", id).Take(&row).Error
	if isNotFound(err) {
		return loan.ReversalRecord{}, domain.Errorf(domain.KindNotFound, "reversal-not-found", "没有这笔冲正，或不在您的机构范围内")
	}
	if err != nil {
		return loan.ReversalRecord{}, translateRead(ctx, err)
	}
	return reversalFromRow(row)
}

// Reversals implements origination.ReversalReader.
func (r reader) Reversals(ctx context.Context, scope domain.Scope, f origination.ReversalFilter, page domain.Page) ([]loan.ReversalRecord, error) {
	query, err := r.casesPage(ctx, "reversals", scope, string(f.Status), false, page)
	if err != nil {
		return nil, err
	}
	var rows []reversalRow
	if err := query.Find(&rows).Error; err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, reversalFromRow)
}

// OpenReversals implements origination.ReversalReader.
func (r reader) OpenReversals(ctx context.Context, transferID domain.ID) (sum money.Amount, err error) {
	var row struct{ Sum decimal.NullDecimal }
	err = r.db.WithContext(ctx).Table("reversals").Select("SUM(amount) AS sum").
		Where("transfer_id = ? AND status = ?", transferID, string(loan.ReversalRequested)).Take(&row).Error
	if err != nil || !row.Sum.Valid {
		return money.Amount{}, translateRead(ctx, err)
	}
	return money.AmountFromDecimal(row.Sum.Decimal)
}

// TransferCase implements origination.ReversalReader.
func (r reader) TransferCase(ctx context.Context, scope domain.Scope, id domain.ID) (disbursementID domain.ID, err error) {
	var row transferRow
	err = inScope(r.db.WithContext(ctx), "transfers", scope).Select("disbursement_id").Where("transfers.id = ?", id).Take(&row).Error
	if isNotFound(err) {
		return "", domain.Errorf(domain.KindNotFound, "transfer-not-found", "没有这笔付款，或不在您的机构范围内")
	}
	return row.DisbursementID, translateRead(ctx, err)
}

// InsertReversal implements origination.ReversalWriter.
func (t *tx) InsertReversal(ctx context.Context, r *loan.Reversal, event loan.Event) error {
	row := reversalToRow(r.Record())
	if err := t.db.WithContext(ctx).Create(&row).Error; err != nil {
		return err
	}
	return t.insertEvent(ctx, event)
}

// SaveReversal implements origination.ReversalWriter.
func (t *tx) SaveReversal(ctx context.Context, r *loan.Reversal, event loan.Event) error {
	row := reversalToRow(r.Record())
	result := t.db.WithContext(ctx).Model(&reversalRow{}).Where("id = ? AND version = ?", row.ID, row.Version-1).
		Select("status", "decided_by", "decided_at", "version").Updates(row)
	if result.Error != nil {
		return result.Error
	}
	if result.RowsAffected != 1 {
		return errStaleVersion()
	}
	return t.insertEvent(ctx, event)
}
