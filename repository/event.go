package repository

import (
	"context"
	"fmt"
	"time"

	"fumin/domain"
	"fumin/domain/loan"
)

type eventRow struct {
	SubjectID  domain.ID `gorm:"primaryKey"`
	Version    int       `gorm:"primaryKey;autoIncrement:false"`
	Subject    string
	CaseID     domain.ID
	BranchID   domain.ID
	Action     string
	FromStatus string
	ToStatus   string
	ActorID    domain.ID
	ActorName  string
	ActorRole  string
	At         time.Time
	Detail     jsonColumn[[]noteColumn]
}

func (eventRow) TableName() string { return "events" }

// noteColumn is a loan.Note in the detail document, in its order.
type noteColumn struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func eventToRow(e loan.Event) eventRow {
	notes := make([]noteColumn, len(e.Detail))
	for i, n := range e.Detail {
		notes[i] = noteColumn(n)
	}
	return eventRow{
		SubjectID: e.SubjectID, Version: e.Version, Subject: string(e.Subject), CaseID: e.CaseID, BranchID: e.BranchID,
		Action: string(e.Action), FromStatus: e.From, ToStatus: e.To,
		ActorID: e.ActorID, ActorName: e.ActorName, ActorRole: string(e.ActorRole), At: e.At,
		Detail: jsonColumn[[]noteColumn]{notes},
	}
}

func eventFromRow(row eventRow) (loan.Event, error) {
	if !loan.Subject(row.Subject).Valid() {
		return loan.Event{}, fmt.Errorf("event %s/%d: unknown subject %q", row.SubjectID, row.Version, row.Subject)
	}
	notes := make([]loan.Note, len(row.Detail.Content))
	for i, n := range row.Detail.Content {
		notes[i] = loan.Note(n)
	}
	return loan.Event{
		Subject: loan.Subject(row.Subject), SubjectID: row.SubjectID, Version: row.Version, CaseID: row.CaseID, BranchID: row.BranchID,
		Action: loan.Action(row.Action), From: row.FromStatus, To: row.ToStatus,
		ActorID: row.ActorID, ActorName: row.ActorName, ActorRole: domain.Role(row.ActorRole), At: row.At.UTC(),
		Detail: notes,
	}, nil
}

// insertEvent is called by every save and by nothing else: there is no write without its line in the history.
func (t *tx) insertEvent(ctx context.Context, e loan.Event) error {
	row := eventToRow(e)
	err := t.db.WithContext(ctx).Create(&row).Error
	if isDuplicate(err, "PRIMARY") {
		return errStaleVersion()
	}
	return err
}

// insertEvents is insertEvent for a deed that changed several things, in one statement.
func (t *tx) insertEvents(ctx context.Context, events []loan.Event) error {
	rows := make([]eventRow, len(events))
	for i, e := range events {
		rows[i] = eventToRow(e)
	}
	err := t.db.WithContext(ctx).Create(&rows).Error
	if isDuplicate(err, "PRIMARY") {
		return errStaleVersion()
	}
	return err
}

// Events implements origination.ApplicationReader.
func (r reader) Events(ctx context.Context, scope domain.Scope, caseID domain.ID) ([]loan.Event, error) {
	var rows []eventRow
	err := r.db.WithContext(ctx).
		Where("case_id = ? AND case_id IN (?)", caseID,
			inScope(r.db.WithContext(ctx).Table("applications").Select("applications.id"), "applications", scope)).
		Order("at, subject DESC, version, subject_id").Limit(loan.PageEventsMax).Find(&rows).Error
	if err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, eventFromRow)
}
