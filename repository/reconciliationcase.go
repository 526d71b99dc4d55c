package repository

import (
	"context"
	"time"

	"github.com/shopspring/decimal"

	"fumin/domain"
	"fumin/domain/loan"
)

type reconciliationCaseRow struct {
	ID               domain.ID `gorm:"primaryKey"`
	ReconciliationID domain.ID
	BranchID         domain.ID
	Kind             string
	RowNo            int
	TransferID       idColumn
	EndToEndID       string `gorm:"column:end_to_end"`
	AmountThere      decimal.Decimal
	AmountHere       decimal.Decimal
	Note             string
	OwnerID          domain.ID
	OwnerName        string
	DueOn            dateColumn
	Status           string
	Explanation      string
	ResolvedBy       idColumn
	ResolvedAt       timeColumn
	OpenedAt         time.Time
	Version          int
}

func (reconciliationCaseRow) TableName() string { return "reconciliation_cases" }

func reconciliationCaseToRow(c loan.ReconciliationCaseRecord) reconciliationCaseRow {
	d := c.Difference
	return reconciliationCaseRow{
		ID: c.ID, ReconciliationID: c.ReconciliationID, BranchID: c.BranchID, Kind: string(d.Kind), RowNo: d.Row, TransferID: idColumn{d.TransferID},
		EndToEndID: d.EndToEndID, AmountThere: d.AmountThere.Decimal(), AmountHere: d.AmountHere.Decimal(), Note: d.Note, OwnerID: c.OwnerID,
		OwnerName: c.OwnerName, DueOn: dateColumn{c.DueOn}, Status: string(c.Status), Explanation: c.Explanation, ResolvedBy: idColumn{c.ResolvedBy},
		ResolvedAt: timeColumn{c.ResolvedAt}, OpenedAt: c.OpenedAt, Version: c.Version,
	}
}

func reconciliationCaseFromRow(row reconciliationCaseRow) (loan.ReconciliationCaseRecord, error) {
	read, err := amounts("reconciliation case "+row.ID.String(), row.AmountThere, row.AmountHere)
	if err != nil {
		return loan.ReconciliationCaseRecord{}, err
	}
	return loan.ReconciliationCaseRecord{
		ID: row.ID, ReconciliationID: row.ReconciliationID, BranchID: row.BranchID,
		Difference: loan.Difference{
			Kind: loan.DifferenceKind(row.Kind), Row: row.RowNo, TransferID: row.TransferID.ID, EndToEndID: row.EndToEndID,
			AmountThere: read[0], AmountHere: read[1], Note: row.Note,
		},
		OwnerID: row.OwnerID, OwnerName: row.OwnerName, DueOn: row.DueOn.Date, Status: loan.ReconciliationCaseStatus(row.Status),
		Explanation: row.Explanation, ResolvedBy: row.ResolvedBy.ID, ResolvedAt: row.ResolvedAt.Time, OpenedAt: row.OpenedAt.UTC(), Version: row.Version,
	}, nil
}

// ReconciliationCase implements origination.ReconciliationReader.
func (r reader) ReconciliationCase(ctx context.Context, reconciliationID, id domain.ID) (loan.ReconciliationCaseRecord, error) {
	var row reconciliationCaseRow
	err := r.db.WithContext(ctx).Where("id = ? AND reconciliation_id = ?", id, reconciliationID).Take(&row).Error
	if isNotFound(err) {
		return loan.ReconciliationCaseRecord{}, domain.Errorf(domain.KindNotFound, "reconciliation-case-not-found", "这次对账中没有这件差错")
	}
	if err != nil {
		return loan.ReconciliationCaseRecord{}, translateRead(ctx, err)
	}
	return reconciliationCaseFromRow(row)
}

// ReconciliationCases implements origination.ReconciliationReader.
func (r reader) ReconciliationCases(ctx context.Context, reconciliationID domain.ID, status loan.ReconciliationCaseStatus, page domain.Page) ([]loan.ReconciliationCaseRecord, error) {
	query := r.db.WithContext(ctx).Where("reconciliation_id = ?", reconciliationID)
	if status != "" {
		query = query.Where("status = ?", string(status))
	}
	if !page.After.IsZero() {
		query = query.Where("id < ?", page.After)
	}
	var rows []reconciliationCaseRow
	if err := query.Order("id DESC").Limit(page.Limit).Find(&rows).Error; err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, reconciliationCaseFromRow)
}

// InsertReconciliationCases implements origination.ReconciliationWriter.
func (t *tx) InsertReconciliationCases(ctx context.Context, cases []loan.ReconciliationCaseRecord) error {
	rows := make([]reconciliationCaseRow, len(cases))
	for i, c := range cases {
		rows[i] = reconciliationCaseToRow(c)
	}
	return t.db.WithContext(ctx).Create(&rows).Error
}

// SaveReconciliationCase implements origination.ReconciliationWriter.
func (t *tx) SaveReconciliationCase(ctx context.Context, c loan.ReconciliationCaseRecord) error {
	row := reconciliationCaseToRow(c)
	result := t.db.WithContext(ctx).Model(&reconciliationCaseRow{}).Where("id = ? AND version = ?", row.ID, row.Version-1).
		Select("status", "explanation", "resolved_by", "resolved_at", "version").Updates(row)
	if result.Error != nil {
		return result.Error
	}
	if result.RowsAffected != 1 {
		return errStaleVersion()
	}
	return nil
}
