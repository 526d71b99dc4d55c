package repository

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"fumin/domain"
	"fumin/domain/loan"
)

type repaymentRow struct {
	ID            domain.ID `gorm:"primaryKey"`
	RepaymentNo   string
	NoteID        domain.ID
	ApplicationID domain.ID
	BranchID      domain.ID
	BorrowerID    domain.ID
	PaidOn        dateColumn
	Principal     decimal.Decimal
	Interest      decimal.Decimal
	Status        string
	ReceivedAt    time.Time
	ReversalNo    sql.Null[string]
	ReversedOn    dateColumn
	ReversedAt    timeColumn
	Version       int
}

func (repaymentRow) TableName() string { return "repayments" }

func repaymentToRow(r loan.RepaymentRecord) repaymentRow {
	return repaymentRow{
		ID: r.ID, RepaymentNo: r.RepaymentNo, NoteID: r.NoteID, ApplicationID: r.ApplicationID, BranchID: r.BranchID,
		BorrowerID: r.BorrowerID, PaidOn: dateColumn{r.PaidOn}, Principal: r.Principal.Decimal(), Interest: r.Interest.Decimal(),
		Status: string(r.Status), ReceivedAt: r.ReceivedAt, ReversalNo: sql.Null[string]{V: r.ReversalNo, Valid: r.ReversalNo != ""},
		ReversedOn: dateColumn{r.ReversedOn}, ReversedAt: timeColumn{r.ReversedAt}, Version: r.Version,
	}
}

func repaymentFromRow(row repaymentRow) (loan.RepaymentRecord, error) {
	rec := loan.RepaymentRecord{
		ID: row.ID, RepaymentNo: row.RepaymentNo, NoteID: row.NoteID, ApplicationID: row.ApplicationID, BranchID: row.BranchID,
		BorrowerID: row.BorrowerID, PaidOn: row.PaidOn.Date, Status: loan.RepaymentStatus(row.Status), ReceivedAt: row.ReceivedAt.UTC(),
		ReversalNo: row.ReversalNo.V, ReversedOn: row.ReversedOn.Date, ReversedAt: row.ReversedAt.Time, Version: row.Version,
	}
	err := scanAmounts([]amountColumn{{"principal", row.Principal, &rec.Principal}, {"interest", row.Interest, &rec.Interest}})
	if err != nil {
		return loan.RepaymentRecord{}, fmt.Errorf("repayment %s: %w", row.ID, err)
	}
	return rec, nil
}

// Repayments implements origination.LineReader.
func (r reader) Repayments(ctx context.Context, noteID domain.ID) ([]loan.RepaymentRecord, error) {
	var rows []repaymentRow
	err := r.db.WithContext(ctx).Where("note_id = ?", noteID).Order("id").Limit(loan.RepaymentsOfNoteMax + 1).Find(&rows).Error
	if err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, repaymentFromRow)
}

// RepaymentByNo implements origination.LineReader.
func (r reader) RepaymentByNo(ctx context.Context, repaymentNo string) (loan.RepaymentRecord, error) {
	var row repaymentRow
	err := r.db.WithContext(ctx).Where("repayment_no = ?", repaymentNo).Take(&row).Error
	if isNotFound(err) {
		return loan.RepaymentRecord{}, domain.Errorf(domain.KindNotFound, "repayment-not-found", "还没有收到这笔还款，请先送达还款再送冲正")
	}
	if err != nil {
		return loan.RepaymentRecord{}, translateRead(ctx, err)
	}
	return repaymentFromRow(row)
}

// InsertRepayment implements origination.LineWriter.
func (t *tx) InsertRepayment(ctx context.Context, r loan.RepaymentRecord, event loan.Event) error {
	row := repaymentToRow(r)
	err := t.db.WithContext(ctx).Create(&row).Error
	if isDuplicate(err, "uk_repayments_repayment_no") { // told meanwhile of another note
		return domain.Errorf(domain.KindConflict, "repayment-no-reused", "核心还款流水号 %s 已用于另一笔内容不同的还款，请核对", r.RepaymentNo)
	}
	if err != nil {
		return err
	}
	return t.insertEvent(ctx, event)
}

// SaveRepayment implements origination.LineWriter.
func (t *tx) SaveRepayment(ctx context.Context, r loan.RepaymentRecord, event loan.Event) error {
	row := repaymentToRow(r)
	result := t.db.WithContext(ctx).Model(&repaymentRow{}).Where("id = ? AND version = ?", row.ID, row.Version-1).
		Select("status", "reversal_no", "reversed_on", "reversed_at", "version").Updates(row)
	if isDuplicate(result.Error, "uk_repayments_reversal_no") {
		return domain.Errorf(domain.KindConflict, "repayment-no-reused", "核心冲正流水号 %s 已用于另一笔还款的冲正，请核对", r.ReversalNo)
	}
	if result.Error != nil {
		return result.Error
	}
	if result.RowsAffected != 1 {
		return errStaleVersion()
	}
	return t.insertEvent(ctx, event)
}
