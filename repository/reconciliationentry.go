package repository

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
)

type reconciliationEntryRow struct {
	ReconciliationID domain.ID `gorm:"primaryKey"`
	RowNo            int       `gorm:"primaryKey;autoIncrement:false"`
	BranchID         domain.ID
	TransferID       domain.ID // empty when the file's number cannot be one of ours
	EndToEndID       string    `gorm:"column:end_to_end"`
	Amount           decimal.Decimal
	Reference        string
}

func (reconciliationEntryRow) TableName() string { return "reconciliation_entries" }

// InsertDayPayments implements origination.ReconciliationWriter.
func (t *tx) InsertDayPayments(ctx context.Context, rec loan.ReconciliationRecord, payments []loan.DayPayment) error {
	rows := make([]reconciliationEntryRow, len(payments))
	for i, p := range payments {
		rows[i] = reconciliationEntryRow{
			ReconciliationID: rec.ID, RowNo: p.Row, BranchID: rec.BranchID, TransferID: p.TransferID, EndToEndID: p.EndToEndID,
			Amount: p.Amount.Decimal(), Reference: p.Reference,
		}
	}
	return t.db.WithContext(ctx).Create(&rows).Error
}

// DayPayments implements origination.ReconciliationReader.
func (r reader) DayPayments(ctx context.Context, reconciliationID domain.ID, afterRow, limit int) ([]loan.DayPayment, error) {
	var rows []reconciliationEntryRow
	err := r.db.WithContext(ctx).Where("reconciliation_id = ? AND row_no > ?", reconciliationID, afterRow).Order("row_no").Limit(limit).Find(&rows).Error
	if err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, func(row reconciliationEntryRow) (loan.DayPayment, error) {
		amount, err := money.AmountFromDecimal(row.Amount)
		if err != nil {
			return loan.DayPayment{}, fmt.Errorf("reconciliation %s row %d: amount: %w", row.ReconciliationID, row.RowNo, err)
		}
		return loan.DayPayment{Row: row.RowNo, EndToEndID: row.EndToEndID, TransferID: row.TransferID, Amount: amount, Reference: row.Reference}, nil
	})
}

// SeenInDayFiles implements origination.ReconciliationReader.
func (r reader) SeenInDayFiles(ctx context.Context, reconciliationID domain.ID, transfers []domain.ID) (map[domain.ID]loan.Seen, error) {
	seen := make(map[domain.ID]loan.Seen, len(transfers))
	if len(transfers) == 0 {
		return seen, nil
	}
	var rows []struct {
		TransferID       domain.ID
		ReconciliationID domain.ID
		FirstRow         int
	}
	// By name, and without a join: while a file is being imported the server's statistics know nothing of its rows yet, and it would
	// read the whole file for each page.
	err := r.db.WithContext(ctx).Table("reconciliation_entries").Clauses(forceIndex("ix_reconciliation_entries_transfer")).
		Select("transfer_id, reconciliation_id, MIN(row_no) AS first_row").Where("transfer_id IN ?", transfers).
		Group("transfer_id, reconciliation_id").Find(&rows).Error
	if err != nil {
		return nil, translateRead(ctx, err)
	}
	others := map[domain.ID]domain.Date{}
	for _, row := range rows {
		if row.ReconciliationID != reconciliationID {
			others[row.ReconciliationID] = domain.Date{}
		}
	}
	if err := r.liveDays(ctx, others); err != nil {
		return nil, err
	}
	for _, row := range rows {
		s, day := seen[row.TransferID], others[row.ReconciliationID]
		switch {
		case row.ReconciliationID == reconciliationID:
			s.FirstRow = row.FirstRow
		case !day.IsZero() && (s.OtherDay.IsZero() || day.DaysUntil(s.OtherDay) > 0): // the earliest
			s.OtherDay = day
		}
		seen[row.TransferID] = s
	}
	return seen, nil
}

// liveDays fills in the day of each reconciliation that counts.
func (r reader) liveDays(ctx context.Context, days map[domain.ID]domain.Date) error {
	if len(days) == 0 {
		return nil
	}
	var rows []reconciliationRow
	err := r.db.WithContext(ctx).Select("id", "live_day").Where("id IN ? AND live_day IS NOT NULL", slices.Collect(maps.Keys(days))).Find(&rows).Error
	for _, row := range rows {
		days[row.ID] = row.LiveDay.Date
	}
	return translateRead(ctx, err)
}

type ownPaymentRow struct {
	ID             domain.ID
	DisbursementID domain.ID
	ApplicationID  domain.ID
	Amount         decimal.Decimal
	Status         string
	SettledAt      timeColumn
}

func ownPaymentFromRow(row ownPaymentRow) (loan.OwnPayment, error) {
	amount, err := money.AmountFromDecimal(row.Amount)
	if err != nil {
		return loan.OwnPayment{}, fmt.Errorf("transfer %s: amount: %w", row.ID, err)
	}
	return loan.OwnPayment{
		ID: row.ID, DisbursementID: row.DisbursementID, ApplicationID: row.ApplicationID, Amount: amount, Status: loan.TransferStatus(row.Status),
		SettledAt: row.SettledAt.Time,
	}, nil
}

const ownPaymentColumns = "id, disbursement_id, application_id, amount, status, settled_at"

// OwnPayments implements origination.ReconciliationReader.
func (r reader) OwnPayments(ctx context.Context, transfers []domain.ID) (map[domain.ID]loan.OwnPayment, error) {
	ours := make(map[domain.ID]loan.OwnPayment, len(transfers))
	if len(transfers) == 0 {
		return ours, nil
	}
	var rows []ownPaymentRow
	if err := r.db.WithContext(ctx).Table("transfers").Select(ownPaymentColumns).Where("id IN ?", transfers).Find(&rows).Error; err != nil {
		return nil, translateRead(ctx, err)
	}
	for _, row := range rows {
		p, err := ownPaymentFromRow(row)
		if err != nil {
			return nil, err
		}
		ours[p.ID] = p
	}
	return ours, nil
}

// SucceededBetween implements origination.ReconciliationReader.
func (r reader) SucceededBetween(ctx context.Context, from, until time.Time, after origination.SucceededKey, limit int) ([]loan.OwnPayment, error) {
	query := r.db.WithContext(ctx).Table("transfers").Select(ownPaymentColumns).Where("status = ? AND settled_at < ?", string(loan.TransferSucceeded), until)
	if after.ID.IsZero() {
		query = query.Where("settled_at >= ?", from)
	} else {
		query = query.Where("settled_at >= ? AND (settled_at > ? OR id > ?)", after.SettledAt, after.SettledAt, after.ID)
	}
	var rows []ownPaymentRow
	if err := query.Order("settled_at, id").Limit(limit).Find(&rows).Error; err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, ownPaymentFromRow)
}

// SucceededTotal implements origination.ReconciliationReader.
func (r reader) SucceededTotal(ctx context.Context, from, until time.Time) (int, money.Amount, error) {
	var row struct {
		Number int
		Total  decimal.Decimal
	}
	err := r.db.WithContext(ctx).Table("transfers").Select("COUNT(*) AS number, COALESCE(SUM(amount), 0) AS total").
		Where("status = ? AND settled_at >= ? AND settled_at < ?", string(loan.TransferSucceeded), from, until).Take(&row).Error
	if err != nil {
		return 0, money.Amount{}, translateRead(ctx, err)
	}
	total, err := money.AmountFromDecimal(row.Total)
	return row.Number, total, err
}
