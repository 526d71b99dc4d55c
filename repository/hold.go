package repository

import (
	"context"
	"time"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/origination"
)

type holdRow struct {
	ID            domain.ID `gorm:"primaryKey"`
	ApplicationID domain.ID
	BranchID      domain.ID
	BorrowerID    domain.ID
	Reason        string
	UntilAt       time.Time
	PlacedBy      domain.ID
	PlacedAt      time.Time
	ReleasedBy    idColumn
	ReleasedAt    timeColumn
	ReleaseReason string
	Status        string
	Version       int
}

func (holdRow) TableName() string { return "holds" }

func holdToRow(r loan.HoldRecord) holdRow {
	return holdRow{
		ID: r.ID, ApplicationID: r.ApplicationID, BranchID: r.BranchID, BorrowerID: r.BorrowerID, Reason: r.Reason, UntilAt: r.Until,
		PlacedBy: r.PlacedBy, PlacedAt: r.PlacedAt, ReleasedBy: idColumn{r.ReleasedBy}, ReleasedAt: timeColumn{r.ReleasedAt},
		ReleaseReason: r.ReleaseReason, Status: string(r.Status), Version: r.Version,
	}
}

func holdFromRow(row holdRow) (loan.HoldRecord, error) {
	rec := loan.HoldRecord{
		ID: row.ID, ApplicationID: row.ApplicationID, BranchID: row.BranchID, BorrowerID: row.BorrowerID, Reason: row.Reason,
		Until: row.UntilAt.UTC(), PlacedBy: row.PlacedBy, PlacedAt: row.PlacedAt.UTC(), ReleasedBy: row.ReleasedBy.ID,
		ReleasedAt: row.ReleasedAt.Time, ReleaseReason: row.ReleaseReason, Status: loan.HoldStatus(row.Status), Version: row.Version,
	}
	if _, err := loan.RestoreHold(rec); err != nil {
		return loan.HoldRecord{}, err
	}
	return rec, nil
}

// Hold implements origination.HoldReader.
func (r reader) Hold(ctx context.Context, scope domain.Scope, id domain.ID) (loan.HoldRecord, error) {
	var row holdRow
	err := inScope(r.db.WithContext(ctx), "holds", scope).Where("holds.id = ?", id).Take(&row).Error
	if isNotFound(err) {
		return loan.HoldRecord{}, domain.Errorf(domain.KindNotFound, "hold-not-found", "没有这次冻结，或不在您的机构范围内")
	}
	if err != nil {
		return loan.HoldRecord{}, translateRead(ctx, err)
	}
	return holdFromRow(row)
}

// Holds implements origination.HoldReader. One whose time has passed is live in its row until a worker notes it, and is left out of
// the live ones all the same.
func (r reader) Holds(ctx context.Context, scope domain.Scope, f origination.HoldFilter, page domain.Page) ([]loan.HoldRecord, error) {
	status := ""
	if !f.LiveAt.IsZero() {
		status = string(loan.HoldLive)
	}
	query, err := r.casesPage(ctx, "holds", scope, status, !f.ApplicationID.IsZero(), page)
	if err != nil {
		return nil, err
	}
	if !f.LiveAt.IsZero() {
		query = query.Where("holds.until_at > ?", f.LiveAt)
	}
	if !f.ApplicationID.IsZero() {
		query = query.Where("holds.application_id = ?", f.ApplicationID)
	}
	var rows []holdRow
	if err := query.Find(&rows).Error; err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, holdFromRow)
}

// HeldUntil implements origination.HoldReader.
func (r reader) HeldUntil(ctx context.Context, applicationID domain.ID, at time.Time) (loan.HoldRecord, bool, error) {
	var rows []holdRow
	err := r.db.WithContext(ctx).Where("application_id = ? AND status = ? AND until_at > ?", applicationID, string(loan.HoldLive), at).
		Order("until_at DESC").Limit(1).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return loan.HoldRecord{}, false, translateRead(ctx, err)
	}
	rec, err := holdFromRow(rows[0])
	return rec, err == nil, err
}

// HoldsEnded implements origination.HoldReader.
func (r reader) HoldsEnded(ctx context.Context, at time.Time, limit int) ([]loan.HoldRecord, error) {
	var rows []holdRow
	err := r.db.WithContext(ctx).Where("status = ? AND until_at <= ?", string(loan.HoldLive), at).Order("until_at").Limit(limit).Find(&rows).Error
	if err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, holdFromRow)
}

// InsertHold implements origination.HoldWriter.
func (t *tx) InsertHold(ctx context.Context, h *loan.Hold, event loan.Event) error {
	row := holdToRow(h.Record())
	if err := t.db.WithContext(ctx).Create(&row).Error; err != nil {
		return err
	}
	return t.insertEvent(ctx, event)
}

// SaveHold implements origination.HoldWriter.
func (t *tx) SaveHold(ctx context.Context, h *loan.Hold, event loan.Event) error {
	row := holdToRow(h.Record())
	result := t.db.WithContext(ctx).Model(&holdRow{}).Where("id = ? AND version = ?", row.ID, row.Version-1).
		Select("released_by", "released_at", "release_reason", "status", "version").Updates(row)
	if result.Error != nil {
		return result.Error
	}
	if result.RowsAffected != 1 {
		return errStaleVersion()
	}
	return t.insertEvent(ctx, event)
}

// WakeTransfers implements origination.HoldWriter. It touches no version: it is bookkeeping of the work.
func (t *tx) WakeTransfers(ctx context.Context, applicationID domain.ID, at time.Time) error {
	return t.db.WithContext(ctx).Model(&transferRow{}).
		Where("application_id = ? AND status = ? AND work_due_at IS NOT NULL", applicationID, string(loan.TransferReleased)).
		Updates(map[string]any{"work_due_at": timeColumn{at}, "last_error": ""}).Error
}
