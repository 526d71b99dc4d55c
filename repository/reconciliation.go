package repository

import (
	"context"
	"fmt"
	"time"

	"github.com/shopspring/decimal"
	"gorm.io/gorm"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
)

type reconciliationRow struct {
	ID             domain.ID `gorm:"primaryKey"`
	BranchID       domain.ID
	BusinessDay    dateColumn
	FileFormat     string
	FileSHA256     string `gorm:"column:file_sha256"`
	LiveDay        dateColumn
	LiveFile       *string
	CountThere     int
	TotalThere     decimal.Decimal
	CountHere      int
	TotalHere      decimal.Decimal
	Settled        int
	Cases          int
	CasesOpen      int
	Explained      decimal.Decimal
	Status         string
	ImportedBy     domain.ID
	ImportedByName string
	ImportedAt     time.Time
	EndedBy        idColumn
	EndedAt        timeColumn
	EndReason      string
	Version        int
}

func (reconciliationRow) TableName() string { return "reconciliations" }

func reconciliationToRow(r loan.ReconciliationRecord) reconciliationRow {
	row := reconciliationRow{
		ID: r.ID, BranchID: r.BranchID, BusinessDay: dateColumn{r.BusinessDay}, FileFormat: r.Format, FileSHA256: r.FileSHA256,
		CountThere: r.Totals.CountThere, TotalThere: r.Totals.There.Decimal(), CountHere: r.Totals.CountHere, TotalHere: r.Totals.Here.Decimal(),
		Settled: r.Settled, Cases: r.Cases, CasesOpen: r.CasesOpen, Explained: r.Explained.Decimal(), Status: string(r.Status),
		ImportedBy: r.ImportedBy, ImportedByName: r.ImportedByName, ImportedAt: r.ImportedAt, EndedBy: idColumn{r.EndedBy}, EndedAt: timeColumn{r.EndedAt},
		EndReason: r.EndReason, Version: r.Version,
	}
	if r.Status != loan.ReconciliationImporting && r.Status != loan.ReconciliationDiscarded {
		row.LiveDay, row.LiveFile = row.BusinessDay, &row.FileSHA256
	}
	return row
}

// amounts reads several columns of money at once.
func amounts(what string, columns ...decimal.Decimal) ([]money.Amount, error) {
	read := make([]money.Amount, len(columns))
	for i, column := range columns {
		var err error
		if read[i], err = money.AmountFromDecimal(column); err != nil {
			return nil, fmt.Errorf("%s: amount: %w", what, err)
		}
	}
	return read, nil
}

func reconciliationFromRow(row reconciliationRow) (loan.ReconciliationRecord, error) {
	read, err := amounts("reconciliation "+row.ID.String(), row.TotalThere, row.TotalHere, row.Explained)
	if err != nil {
		return loan.ReconciliationRecord{}, err
	}
	rec := loan.ReconciliationRecord{
		ID: row.ID, BranchID: row.BranchID, BusinessDay: row.BusinessDay.Date, Format: row.FileFormat, FileSHA256: row.FileSHA256,
		Totals:  loan.ReconciliationTotals{CountThere: row.CountThere, There: read[0], CountHere: row.CountHere, Here: read[1]},
		Settled: row.Settled, Cases: row.Cases, CasesOpen: row.CasesOpen, Explained: read[2], Status: loan.ReconciliationStatus(row.Status),
		ImportedBy: row.ImportedBy, ImportedByName: row.ImportedByName, ImportedAt: row.ImportedAt.UTC(), EndedBy: row.EndedBy.ID,
		EndedAt: row.EndedAt.Time, EndReason: row.EndReason, Version: row.Version,
	}
	if _, err := loan.RestoreReconciliation(rec); err != nil {
		return loan.ReconciliationRecord{}, err
	}
	return rec, nil
}

func (r reader) reconciliation(ctx context.Context, db *gorm.DB, scope domain.Scope, id domain.ID) (loan.ReconciliationRecord, error) {
	var row reconciliationRow
	err := inScopeOf(db.WithContext(ctx), "reconciliations.branch_id", "", scope).Where("reconciliations.id = ?", id).Take(&row).Error
	if isNotFound(err) {
		return loan.ReconciliationRecord{}, errReconciliationNotFound()
	}
	if err != nil {
		return loan.ReconciliationRecord{}, translateRead(ctx, err)
	}
	return reconciliationFromRow(row)
}

func errReconciliationNotFound() error {
	return domain.Errorf(domain.KindNotFound, "reconciliation-not-found", "没有这次对账，或不在您的机构范围内")
}

// Reconciliation implements origination.ReconciliationReader.
func (r reader) Reconciliation(ctx context.Context, scope domain.Scope, id domain.ID) (loan.ReconciliationRecord, error) {
	rec, err := r.reconciliation(ctx, r.db, scope, id)
	if err == nil && rec.Status == loan.ReconciliationImporting {
		return loan.ReconciliationRecord{}, errReconciliationNotFound()
	}
	return rec, err
}

// ReconciliationOfFile implements origination.ReconciliationReader.
func (r reader) ReconciliationOfFile(ctx context.Context, scope domain.Scope, sha256 string) (loan.ReconciliationRecord, bool, error) {
	var rows []reconciliationRow
	err := inScopeOf(r.db.WithContext(ctx), "reconciliations.branch_id", "", scope).Where("live_file = ?", sha256).Limit(1).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return loan.ReconciliationRecord{}, false, translateRead(ctx, err)
	}
	rec, err := reconciliationFromRow(rows[0])
	return rec, err == nil, err
}

// Reconciliations implements origination.ReconciliationReader.
func (r reader) Reconciliations(ctx context.Context, scope domain.Scope, status loan.ReconciliationStatus, page domain.Page) ([]loan.ReconciliationRecord, error) {
	query := inScopeOf(r.db.WithContext(ctx), "reconciliations.branch_id", "", scope)
	if status == "" {
		query = query.Where("status <> ?", string(loan.ReconciliationImporting))
	} else {
		query = query.Where("status = ?", string(status))
	}
	if !page.After.IsZero() {
		query = query.Where("id < ?", page.After)
	}
	var rows []reconciliationRow
	if err := query.Order("id DESC").Limit(page.Limit).Find(&rows).Error; err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, reconciliationFromRow)
}

// AbandonedImports implements origination.ReconciliationReader.
func (r reader) AbandonedImports(ctx context.Context, before time.Time, limit int) (ids []domain.ID, err error) {
	err = r.db.WithContext(ctx).Table("reconciliations").Select("id").Where("status = ? AND imported_at < ?", string(loan.ReconciliationImporting), before).
		Order("id").Limit(limit).Find(&ids).Error
	return ids, translateRead(ctx, err)
}

// LockReconciliation implements origination.ReconciliationWriter.
func (t *tx) LockReconciliation(ctx context.Context, scope domain.Scope, id domain.ID) (*loan.Reconciliation, error) {
	rec, err := t.reconciliation(ctx, t.db.Clauses(forUpdate), scope, id)
	if err != nil {
		return nil, err
	}
	return loan.RestoreReconciliation(rec)
}

// InsertReconciliation implements origination.ReconciliationWriter.
func (t *tx) InsertReconciliation(ctx context.Context, rec loan.ReconciliationRecord) error {
	row := reconciliationToRow(rec)
	return t.db.WithContext(ctx).Create(&row).Error
}

// SaveReconciliation implements origination.ReconciliationWriter.
func (t *tx) SaveReconciliation(ctx context.Context, r *loan.Reconciliation) error {
	row := reconciliationToRow(r.Record())
	result := t.db.WithContext(ctx).Model(&reconciliationRow{}).Where("id = ? AND version = ?", row.ID, row.Version-1).
		Select("file_sha256", "live_day", "live_file", "count_there", "total_there", "count_here", "total_here", "settled", "cases", "cases_open",
			"explained", "status", "ended_by", "ended_at", "end_reason", "version").Updates(row)
	switch {
	case isDuplicate(result.Error, "uk_reconciliations_file"):
		return domain.Errorf(domain.KindConflict, "day-file-known", "这个日终文件已经导入过")
	case isDuplicate(result.Error, "uk_reconciliations_day"):
		return domain.Errorf(domain.KindConflict, "day-already-imported", "%s 已导入过另一个日终文件；如果那个文件不对，请先作废那次对账", r.Record().BusinessDay)
	case result.Error != nil:
		return result.Error
	case result.RowsAffected != 1:
		return errStaleVersion()
	}
	return nil
}

// DeleteImport implements origination.ReconciliationWriter.
func (t *tx) DeleteImport(ctx context.Context, id domain.ID, limit int) (done bool, err error) {
	var rows []reconciliationRow
	err = t.db.WithContext(ctx).Clauses(forUpdate).Where("id = ? AND status = ?", id, string(loan.ReconciliationImporting)).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return true, err
	}
	result := t.db.WithContext(ctx).Exec("DELETE FROM reconciliation_entries WHERE reconciliation_id = ? LIMIT ?", id, limit)
	if result.Error != nil || int(result.RowsAffected) == limit {
		return false, result.Error
	}
	return true, t.db.WithContext(ctx).Where("id = ?", id).Delete(&reconciliationRow{}).Error
}
