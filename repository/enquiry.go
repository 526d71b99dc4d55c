package repository

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
)

type enquiryRow struct {
	ID            domain.ID `gorm:"primaryKey"`
	ApplicationID domain.ID
	BranchID      domain.ID
	BorrowerID    domain.ID
	Source        string
	About         string
	Purpose       string
	ConsentID     idColumn
	AskedBy       domain.ID
	AskedByName   string
	AskedAt       time.Time
	Status        string
	LeaseUntil    timeColumn
	Attempts      int
	AnsweredAt    timeColumn
	ValidUntil    dateColumn
	Failure       string
	AnswerCipher  []byte
	Version       int
}

func (enquiryRow) TableName() string { return "enquiries" }

const enquiryAnswerColumn = "enquiries.answer"

// answerDocument is an origination.EnquiryAnswer as it is sealed.
type answerDocument struct {
	Result           string       `json:"result"`
	OverdueNow       bool         `json:"overdue_now"`
	OverdueAmount    money.Amount `json:"overdue_amount"`
	Enquiries6Months int          `json:"enquiries_6_months"`
	Liabilities      money.Amount `json:"liabilities"`
	Note             string       `json:"note"`
	Reference        string       `json:"reference"`
}

func (t *tx) enquiryToRow(e origination.Enquiry) (enquiryRow, error) {
	row := enquiryRow{
		ID: e.ID, ApplicationID: e.ApplicationID, BranchID: e.BranchID, BorrowerID: e.BorrowerID, Source: string(e.Source),
		About: e.About, Purpose: e.Purpose, ConsentID: idColumn{e.ConsentID}, AskedBy: e.AskedBy, AskedByName: e.AskedByName,
		AskedAt: e.AskedAt, Status: string(e.Status), LeaseUntil: timeColumn{e.LeaseUntil}, Attempts: e.Attempts,
		AnsweredAt: timeColumn{e.AnsweredAt}, ValidUntil: dateColumn{e.ValidUntil}, Failure: e.Failure, AnswerCipher: []byte{},
		Version: e.Version,
	}
	if e.Status != origination.EnquiryAnswered {
		return row, nil
	}
	text, err := json.Marshal(answerDocument(e.Answer))
	if err != nil {
		return enquiryRow{}, fmt.Errorf("enquiry %s: %w", e.ID, err)
	}
	row.AnswerCipher, err = t.cipher.seal(enquiryAnswerColumn, e.ID, string(text))
	return row, err
}

func (r reader) enquiryFromRow(row enquiryRow) (origination.Enquiry, error) {
	e := origination.Enquiry{
		ID: row.ID, ApplicationID: row.ApplicationID, BranchID: row.BranchID, BorrowerID: row.BorrowerID,
		Source: origination.EnquirySource(row.Source), About: row.About, Purpose: row.Purpose, ConsentID: row.ConsentID.ID,
		AskedBy: row.AskedBy, AskedByName: row.AskedByName, AskedAt: row.AskedAt.UTC(), Status: origination.EnquiryStatus(row.Status),
		LeaseUntil: row.LeaseUntil.Time, Attempts: row.Attempts, AnsweredAt: row.AnsweredAt.Time, ValidUntil: row.ValidUntil.Date,
		Failure: row.Failure, Version: row.Version,
	}
	if e.Status != origination.EnquiryAnswered {
		return e, nil
	}
	text, err := r.cipher.open(enquiryAnswerColumn, row.ID, row.AnswerCipher)
	if err != nil {
		return origination.Enquiry{}, err
	}
	var document answerDocument
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		return origination.Enquiry{}, fmt.Errorf("enquiry %s: the answer cannot be read", row.ID)
	}
	e.Answer = origination.EnquiryAnswer(document)
	return e, nil
}

// Enquiries implements origination.EnquiryReader.
func (r reader) Enquiries(ctx context.Context, scope domain.Scope, applicationID domain.ID) ([]origination.Enquiry, error) {
	var rows []enquiryRow
	err := inScope(r.db.WithContext(ctx), "enquiries", scope).Where("enquiries.application_id = ?", applicationID).
		Order("enquiries.id DESC").Limit(origination.EnquiriesMax).Find(&rows).Error
	if err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, r.enquiryFromRow)
}

// InsertEnquiry implements origination.EnquiryWriter.
func (t *tx) InsertEnquiry(ctx context.Context, e origination.Enquiry, event loan.Event) error {
	row, err := t.enquiryToRow(e)
	if err != nil {
		return err
	}
	if err := t.db.WithContext(ctx).Create(&row).Error; err != nil {
		return err
	}
	return t.insertEvent(ctx, event)
}

// SaveEnquiry implements origination.EnquiryWriter.
func (t *tx) SaveEnquiry(ctx context.Context, e origination.Enquiry, event loan.Event) error {
	row, err := t.enquiryToRow(e)
	if err != nil {
		return err
	}
	result := t.db.WithContext(ctx).Model(&enquiryRow{}).Where("id = ? AND version = ?", row.ID, row.Version-1).
		Select("consent_id", "asked_by", "asked_by_name", "asked_at", "status", "lease_until", "attempts", "answered_at",
			"valid_until", "failure", "answer_cipher", "version").
		Updates(row)
	if result.Error != nil {
		return result.Error
	}
	if result.RowsAffected != 1 {
		return errStaleVersion()
	}
	return t.insertEvent(ctx, event)
}
