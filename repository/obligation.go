package repository

import (
	"context"
	"time"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/origination"
)

type obligationRow struct {
	ID                domain.ID `gorm:"primaryKey"`
	DisbursementID    domain.ID
	ApplicationID     domain.ID
	BranchID          domain.ID
	BorrowerID        domain.ID
	DueOn             dateColumn
	Status            string
	DocumentReference string
	DocumentSHA256    string `gorm:"column:document_sha256"`
	FulfilledBy       idColumn
	FulfilledAt       timeColumn
	CreatedAt         time.Time
}

func (obligationRow) TableName() string { return "obligations" }

// The statuses of an obligation's row, for its index.
const (
	obligationOpen      = "open"
	obligationFulfilled = "fulfilled"
)

func obligationToRow(r loan.ObligationRecord) obligationRow {
	row := obligationRow{
		ID: r.ID, DisbursementID: r.DisbursementID, ApplicationID: r.ApplicationID, BranchID: r.BranchID, BorrowerID: r.BorrowerID,
		DueOn: dateColumn{r.DueOn}, Status: obligationOpen, DocumentReference: r.Evidence.Reference, DocumentSHA256: r.Evidence.SHA256,
		FulfilledBy: idColumn{r.FulfilledBy}, FulfilledAt: timeColumn{r.FulfilledAt}, CreatedAt: r.CreatedAt,
	}
	if r.Fulfilled() {
		row.Status = obligationFulfilled
	}
	return row
}

func obligationFromRow(row obligationRow) (loan.ObligationRecord, error) {
	return loan.ObligationRecord{
		ID: row.ID, DisbursementID: row.DisbursementID, ApplicationID: row.ApplicationID, BranchID: row.BranchID, BorrowerID: row.BorrowerID,
		DueOn: row.DueOn.Date, Evidence: loan.Evidence{Reference: row.DocumentReference, SHA256: row.DocumentSHA256},
		FulfilledBy: row.FulfilledBy.ID, FulfilledAt: row.FulfilledAt.Time, CreatedAt: row.CreatedAt.UTC(),
	}, nil
}

// Obligation implements origination.ObligationReader.
func (r reader) Obligation(ctx context.Context, scope domain.Scope, id domain.ID) (loan.ObligationRecord, error) {
	var row obligationRow
	err := inScope(r.db.WithContext(ctx), "obligations", scope).Where("obligations.id = ?", id).Take(&row).Error
	if isNotFound(err) {
		return loan.ObligationRecord{}, domain.Errorf(domain.KindNotFound, "obligation-not-found", "没有这项待补凭证，或不在您的机构范围内")
	}
	if err != nil {
		return loan.ObligationRecord{}, translateRead(ctx, err)
	}
	return obligationFromRow(row)
}

// OverdueObligation implements origination.ObligationReader.
func (r reader) OverdueObligation(ctx context.Context, applicationID domain.ID, on domain.Date) (o loan.ObligationRecord, found bool, err error) {
	var row obligationRow
	err = r.db.WithContext(ctx).Where("application_id = ? AND status = ? AND due_on < ?", applicationID, obligationOpen, on.String()).
		Order("due_on").Take(&row).Error
	if isNotFound(err) {
		return loan.ObligationRecord{}, false, nil
	}
	if err != nil {
		return loan.ObligationRecord{}, false, translateRead(ctx, err)
	}
	o, err = obligationFromRow(row)
	return o, err == nil, err
}

// Obligations implements origination.ObligationReader. Ids are of the day of payment, and so in the order of the days due
// where the products agree.
func (r reader) Obligations(ctx context.Context, scope domain.Scope, f origination.ObligationFilter, page domain.Page) ([]loan.ObligationRecord, error) {
	status := ""
	if f.Open {
		status = obligationOpen
	}
	query, err := r.casesPage(ctx, "obligations", scope, status, false, page)
	if err != nil {
		return nil, err
	}
	if !f.DueBy.IsZero() {
		query = query.Where("obligations.due_on <= ?", f.DueBy.String())
	}
	var rows []obligationRow
	if err := query.Find(&rows).Error; err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, obligationFromRow)
}

// InsertObligation implements origination.ObligationWriter.
func (t *tx) InsertObligation(ctx context.Context, o loan.ObligationRecord) error {
	row := obligationToRow(o)
	return t.db.WithContext(ctx).Create(&row).Error
}

// SaveObligation implements origination.ObligationWriter.
func (t *tx) SaveObligation(ctx context.Context, o loan.ObligationRecord) error {
	row := obligationToRow(o)
	result := t.db.WithContext(ctx).Model(&obligationRow{}).Where("id = ? AND status = ?", row.ID, obligationOpen).
		Select("status", "document_reference", "document_sha256", "fulfilled_by", "fulfilled_at").Updates(row)
	if result.Error == nil && result.RowsAffected != 1 {
		return errStaleVersion()
	}
	return result.Error
}
