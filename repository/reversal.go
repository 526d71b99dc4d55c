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
	LiveReference    *string // the channel reference while the reversal counts
	Status           string
	RequestedBy      domain.ID
	RequestedAt      time.Time
	DecidedBy        idColumn
	DecidedAt        timeColumn
	Version          int
}

func (reversalRow) TableName() string { return "reversals" }

func reversalToRow(r loan.ReversalRecord) reversalRow {
	row := reversalRow{
		ID: r.ID, TransferID: r.TransferID, DisbursementID: r.DisbursementID, ApplicationID: r.ApplicationID, BranchID: r.BranchID,
		BorrowerID: r.BorrowerID, Amount: r.Amount.Decimal(), Reason: r.Reason, ChannelReference: r.ChannelReference, Status: string(r.Status),
		RequestedBy: r.RequestedBy, RequestedAt: r.RequestedAt, DecidedBy: idColumn{r.DecidedBy}, DecidedAt: timeColumn{r.DecidedAt}, Version: r.Version,
	}
	if r.Status != loan.ReversalRejected {
		row.LiveReference = &row.ChannelReference
	}
	return row
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
func (r reader) OpenReversals(ctx context.Context, transferID domain.ID) (money.Amount, error) {
	return r.openReversals(ctx, "transfer_id = ?", transferID)
}

// OpenReversalsOfCase implements origination.ReversalReader.
func (r reader) OpenReversalsOfCase(ctx context.Context, applicationID domain.ID) (money.Amount, error) {
	return r.openReversals(ctx, "application_id = ?", applicationID)
}

func (r reader) openReversals(ctx context.Context, of string, id domain.ID) (money.Amount, error) {
	var row struct{ Sum decimal.NullDecimal }
	err := r.db.WithContext(ctx).Table("reversals").Select("SUM(amount) AS sum").
		Where(of+" AND status = ?", id, string(loan.ReversalRequested)).Take(&row).Error
	if err != nil || !row.Sum.Valid {
		return money.Amount{}, translateRead(ctx, err)
	}
	return money.AmountFromDecimal(row.Sum.Decimal)
}

// ReversalOfReturn implements origination.ReversalReader. It goes by the status, not by the key: of those from before there was a
// key some that count have none.
func (r reader) ReversalOfReturn(ctx context.Context, transferID domain.ID, channelReference string) (loan.ReversalRecord, error) {
	var row reversalRow
	err := r.db.WithContext(ctx).Where("transfer_id = ? AND channel_reference = ? AND status <> ?", transferID, channelReference, string(loan.ReversalRejected)).
		Order("id").Take(&row).Error
	if isNotFound(err) {
		return loan.ReversalRecord{}, nil
	}
	if err != nil {
		return loan.ReversalRecord{}, translateRead(ctx, err)
	}
	return reversalFromRow(row)
}

// errReturnRecorded says that another reversal has the key of a return.
func errReturnRecorded(r loan.ReversalRecord) error {
	return domain.Errorf(domain.KindConflict, "return-already-recorded", "退汇流水号 %s 已登记过另一笔冲正，一笔退汇只能冲正一次；请核对，多登记的请驳回", r.ChannelReference)
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
	if err := t.db.WithContext(ctx).Create(&row).Error; isDuplicate(err, "uk_reversals_live_reference") {
		return errReturnRecorded(r.Record())
	} else if err != nil {
		return err
	}
	return t.insertEvent(ctx, event)
}

// SaveReversal implements origination.ReversalWriter.
func (t *tx) SaveReversal(ctx context.Context, r *loan.Reversal, event loan.Event) error {
	row := reversalToRow(r.Record())
	result := t.db.WithContext(ctx).Model(&reversalRow{}).Where("id = ? AND version = ?", row.ID, row.Version-1).
		Select("live_reference", "status", "decided_by", "decided_at", "version").Updates(row)
	switch {
	case isDuplicate(result.Error, "uk_reversals_live_reference"):
		return errReturnRecorded(r.Record())
	case result.Error != nil:
		return result.Error
	case result.RowsAffected != 1:
		return errStaleVersion()
	}
	return t.insertEvent(ctx, event)
}
