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
	ID            domain.ID `gorm:"primaryKey"`
	ApplicationID domain.ID
	BranchID      domain.ID
	BorrowerID    domain.ID
	Tranche       int
	Amount        decimal.Decimal
	Status        string
	RequestedBy   domain.ID
	RequestedAt   time.Time
	ReleasedBy    idColumn
	ReleasedAt    timeColumn
	SettledAt     timeColumn
	Version       int
}

func (disbursementRow) TableName() string { return "disbursements" }

func disbursementToRow(r loan.DisbursementRecord) disbursementRow {
	return disbursementRow{
		ID: r.ID, ApplicationID: r.ApplicationID, BranchID: r.BranchID, BorrowerID: r.BorrowerID, Tranche: r.Tranche,
		Amount: r.Amount.Decimal(), Status: string(r.Status), RequestedBy: r.RequestedBy, RequestedAt: r.RequestedAt,
		ReleasedBy: idColumn{r.ReleasedBy}, ReleasedAt: timeColumn{r.ReleasedAt}, SettledAt: timeColumn{r.SettledAt}, Version: r.Version,
	}
}

func disbursementFromRow(row disbursementRow, transfers []loan.TransferRecord) (loan.DisbursementRecord, error) {
	amount, err := money.AmountFromDecimal(row.Amount)
	if err != nil {
		return loan.DisbursementRecord{}, fmt.Errorf("disbursement %s: amount: %w", row.ID, err)
	}
	rec := loan.DisbursementRecord{
		ID: row.ID, ApplicationID: row.ApplicationID, BranchID: row.BranchID, BorrowerID: row.BorrowerID, Tranche: row.Tranche, Amount: amount,
		Status: loan.DisbursementStatus(row.Status), RequestedBy: row.RequestedBy, RequestedAt: row.RequestedAt.UTC(),
		ReleasedBy: row.ReleasedBy.ID, ReleasedAt: row.ReleasedAt.Time, SettledAt: row.SettledAt.Time, Version: row.Version,
		Transfers: transfers,
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

func errDisbursementNotFound() error {
	return domain.Errorf(domain.KindNotFound, "disbursement-not-found", "没有这笔放款，或不在您的机构范围内")
}

// Disbursement implements origination.DisbursementReader.
func (r reader) Disbursement(ctx context.Context, scope domain.Scope, id domain.ID) (rec loan.DisbursementRecord, err error) {
	err = r.atOneMoment(ctx, func(r reader) error {
		rec, err = r.disbursement(ctx, r.db, scope, id)
		return err
	})
	return rec, err
}

func (r reader) disbursement(ctx context.Context, db *gorm.DB, scope domain.Scope, id domain.ID) (loan.DisbursementRecord, error) {
	var row disbursementRow
	err := inScope(db.WithContext(ctx), "disbursements", scope).Where("disbursements.id = ?", id).Take(&row).Error
	if isNotFound(err) {
		return loan.DisbursementRecord{}, errDisbursementNotFound()
	}
	if err != nil {
		return loan.DisbursementRecord{}, translateRead(ctx, err)
	}
	transfers, err := r.transfersOf(ctx, []domain.ID{id})
	if err != nil {
		return loan.DisbursementRecord{}, err
	}
	return disbursementFromRow(row, transfers[id])
}

// DisbursementCase implements origination.DisbursementReader.
func (r reader) DisbursementCase(ctx context.Context, scope domain.Scope, id domain.ID) (domain.ID, error) {
	var row disbursementRow
	err := inScope(r.db.WithContext(ctx), "disbursements", scope).Select("application_id").Where("disbursements.id = ?", id).Take(&row).Error
	if isNotFound(err) {
		return "", errDisbursementNotFound()
	}
	return row.ApplicationID, translateRead(ctx, err)
}

// Disbursements implements origination.DisbursementReader.
func (r reader) Disbursements(ctx context.Context, scope domain.Scope, f origination.DisbursementFilter, page domain.Page) (found []loan.DisbursementRecord, err error) {
	err = r.atOneMoment(ctx, func(r reader) error {
		found, err = r.disbursements(ctx, scope, f, page)
		return err
	})
	return found, err
}

func (r reader) disbursements(ctx context.Context, scope domain.Scope, f origination.DisbursementFilter, page domain.Page) ([]loan.DisbursementRecord, error) {
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
	return r.withTransfers(ctx, rows)
}

// DisbursementsOfCase implements origination.DisbursementReader.
func (r reader) DisbursementsOfCase(ctx context.Context, applicationID domain.ID) (found []loan.DisbursementRecord, err error) {
	err = r.atOneMoment(ctx, func(r reader) error {
		found, err = r.disbursementsOfCase(ctx, applicationID)
		return err
	})
	return found, err
}

func (r reader) disbursementsOfCase(ctx context.Context, applicationID domain.ID) ([]loan.DisbursementRecord, error) {
	var rows []disbursementRow
	err := r.db.WithContext(ctx).Where("application_id = ?", applicationID).Order("id").Limit(loan.DisbursementsOfOneCaseMax + 1).Find(&rows).Error
	if err != nil {
		return nil, translateRead(ctx, err)
	}
	return r.withTransfers(ctx, rows)
}

func (r reader) withTransfers(ctx context.Context, rows []disbursementRow) ([]loan.DisbursementRecord, error) {
	ids := make([]domain.ID, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
	}
	transfers, err := r.transfersOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	return mapRows(rows, func(row disbursementRow) (loan.DisbursementRecord, error) {
		return disbursementFromRow(row, transfers[row.ID])
	})
}

// LockDisbursement implements origination.DisbursementWriter. The transfers need no lock of their own: they change only
// while their disbursement is locked.
func (t *tx) LockDisbursement(ctx context.Context, scope domain.Scope, id domain.ID) (*loan.Disbursement, error) {
	rec, err := t.disbursement(ctx, t.db.Clauses(clause.Locking{Strength: "UPDATE"}), scope, id)
	if err != nil {
		return nil, err
	}
	return loan.RestoreDisbursement(rec)
}

// InsertDisbursement implements origination.DisbursementWriter.
func (t *tx) InsertDisbursement(ctx context.Context, d *loan.Disbursement, events []loan.Event) error {
	rec := d.Record()
	row := disbursementToRow(rec)
	if err := t.db.WithContext(ctx).Create(&row).Error; err != nil {
		return err
	}
	if err := t.insertTransfers(ctx, rec.Transfers); err != nil {
		return err
	}
	return t.insertEvents(ctx, events)
}

// SaveDisbursement implements origination.DisbursementWriter.
func (t *tx) SaveDisbursement(ctx context.Context, d *loan.Disbursement, events []loan.Event) error {
	rec := d.Record()
	for _, event := range events {
		var err error
		switch transfer, ours := rec.Transfer(event.SubjectID); {
		case event.Subject == loan.SubjectTransfer && ours:
			err = t.saveTransfer(ctx, transfer)
		case event.Subject == loan.SubjectDisbursement && event.SubjectID == rec.ID:
			err = t.saveDisbursementRow(ctx, rec)
		default:
			err = fmt.Errorf("disbursement %s: event of %s %s", rec.ID, event.Subject, event.SubjectID)
		}
		if err != nil {
			return err
		}
	}
	return t.insertEvents(ctx, events)
}

func (t *tx) saveDisbursementRow(ctx context.Context, rec loan.DisbursementRecord) error {
	row := disbursementToRow(rec)
	result := t.db.WithContext(ctx).Model(&disbursementRow{}).
		Where("id = ? AND version = ?", row.ID, row.Version-1).
		Select("status", "released_by", "released_at", "settled_at", "version").
		Updates(row)
	if result.Error != nil {
		return result.Error
	}
	if result.RowsAffected != 1 {
		return errStaleVersion()
	}
	return nil
}
