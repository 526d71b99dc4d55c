package repository

import (
	"context"
	"time"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/origination"
)

type documentRow struct {
	ID            domain.ID `gorm:"primaryKey"`
	ApplicationID domain.ID
	BranchID      domain.ID
	BorrowerID    domain.ID
	Type          string
	ReceivedOn    dateColumn
	Reference     string
	SHA256        string `gorm:"column:sha256"`
	ExpiresOn     dateColumn
	RecordedBy    domain.ID
	RecordedAt    time.Time
}

func (documentRow) TableName() string { return "application_documents" }

func documentFromRow(row documentRow) (origination.Document, error) {
	return origination.Document{
		ID: row.ID, ApplicationID: row.ApplicationID, BranchID: row.BranchID, BorrowerID: row.BorrowerID, Type: row.Type,
		ReceivedOn: row.ReceivedOn.Date, Reference: row.Reference, SHA256: row.SHA256, ExpiresOn: row.ExpiresOn.Date,
		RecordedBy: row.RecordedBy, RecordedAt: row.RecordedAt.UTC(),
	}, nil
}

// Documents implements origination.DocumentReader.
func (r reader) Documents(ctx context.Context, scope domain.Scope, applicationID domain.ID) ([]origination.Document, error) {
	var rows []documentRow
	err := inScope(r.db.WithContext(ctx), "application_documents", scope).Where("application_documents.application_id = ?", applicationID).
		Order("application_documents.id").Limit(origination.DocumentsMax).Find(&rows).Error
	if err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, documentFromRow)
}

// InsertDocument implements origination.DocumentWriter.
func (t *tx) InsertDocument(ctx context.Context, d origination.Document, event loan.Event) error {
	err := t.db.WithContext(ctx).Create(&documentRow{
		ID: d.ID, ApplicationID: d.ApplicationID, BranchID: d.BranchID, BorrowerID: d.BorrowerID, Type: d.Type,
		ReceivedOn: dateColumn{d.ReceivedOn}, Reference: d.Reference, SHA256: d.SHA256, ExpiresOn: dateColumn{d.ExpiresOn},
		RecordedBy: d.RecordedBy, RecordedAt: d.RecordedAt,
	}).Error
	if err != nil {
		return err
	}
	return t.insertEvent(ctx, event)
}
