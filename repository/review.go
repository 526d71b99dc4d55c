package repository

import (
	"context"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
)

type taskRow struct {
	ID            domain.ID `gorm:"primaryKey"`
	ApplicationID domain.ID
	BranchID      domain.ID
	DecisionID    domain.ID
	Kind          string
	Blocking      bool
	Text          string
	AmountNeeded  decimal.Decimal
	OwnerRole     string
	OwnerID       idColumn
	DueAt         time.Time
	Status        string
	Result        string
	CreatedAt     time.Time
	ClosedBy      idColumn
	ClosedAt      timeColumn
	Version       int
}

func (taskRow) TableName() string { return "review_tasks" }

func taskToRow(t loan.Task) taskRow {
	return taskRow{
		ID: t.ID, ApplicationID: t.ApplicationID, BranchID: t.BranchID, DecisionID: t.DecisionID, Kind: string(t.Kind), Blocking: t.Blocking,
		Text: t.Text, AmountNeeded: t.AmountNeeded.Decimal(), OwnerRole: string(t.OwnerRole), OwnerID: idColumn{t.OwnerID}, DueAt: t.DueAt,
		Status: string(t.Status), Result: t.Result, CreatedAt: t.CreatedAt, ClosedBy: idColumn{t.ClosedBy}, ClosedAt: timeColumn{t.ClosedAt}, Version: t.Version,
	}
}

func taskFromRow(row taskRow) (loan.Task, error) {
	amount, err := money.AmountFromDecimal(row.AmountNeeded)
	if err != nil {
		return loan.Task{}, fmt.Errorf("task %s: %w", row.ID, err)
	}
	t := loan.Task{
		ID: row.ID, ApplicationID: row.ApplicationID, BranchID: row.BranchID, DecisionID: row.DecisionID, Kind: loan.TaskKind(row.Kind),
		Blocking: row.Blocking, Text: row.Text, AmountNeeded: amount, OwnerRole: domain.Role(row.OwnerRole), OwnerID: row.OwnerID.ID,
		DueAt: row.DueAt.UTC(), Status: loan.TaskStatus(row.Status), Result: row.Result, CreatedAt: row.CreatedAt.UTC(),
		ClosedBy: row.ClosedBy.ID, ClosedAt: row.ClosedAt.Time, Version: row.Version,
	}
	if !t.Kind.Valid() || !t.Status.Valid() {
		return loan.Task{}, fmt.Errorf("task %s: kind %q, status %q", row.ID, row.Kind, row.Status)
	}
	return t, nil
}

// TasksOfApplication implements origination.ReviewReader.
func (r reader) TasksOfApplication(ctx context.Context, scope domain.Scope, applicationID domain.ID) ([]loan.Task, error) {
	var rows []taskRow
	err := inScopeOf(r.db.WithContext(ctx), "review_tasks.branch_id", "", scope).
		Where("review_tasks.application_id = ?", applicationID).Order("review_tasks.id").Limit(loan.TasksOfCaseMax).Find(&rows).Error
	if err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, taskFromRow)
}

// InsertTask implements origination.ReviewWriter.
func (t *tx) InsertTask(ctx context.Context, task loan.Task, event loan.Event) error {
	row := taskToRow(task)
	if err := t.db.WithContext(ctx).Create(&row).Error; err != nil {
		if isDuplicate(err, "PRIMARY") {
			return errIDExists()
		}
		return err
	}
	return t.insertEvent(ctx, event)
}

// SaveTask implements origination.ReviewWriter.
func (t *tx) SaveTask(ctx context.Context, task loan.Task, event loan.Event) error {
	row := taskToRow(task)
	result := t.db.WithContext(ctx).Model(&taskRow{}).Where("id = ? AND version = ?", row.ID, row.Version-1).
		Select("amount_needed", "owner_id", "status", "result", "closed_by", "closed_at", "version").Updates(row)
	if result.Error != nil {
		return result.Error
	}
	if result.RowsAffected != 1 {
		return errStaleVersion()
	}
	return t.insertEvent(ctx, event)
}

type siteVisitRow struct {
	ID             domain.ID `gorm:"primaryKey"`
	ApplicationID  domain.ID
	BranchID       domain.ID
	InvestigatorID domain.ID
	SecondID       domain.ID
	VisitedOn      dateColumn
	Findings       string
	Photos         jsonColumn[[]string]
	RecordedAt     time.Time
	ConfirmedAt    timeColumn
	Version        int
}

func (siteVisitRow) TableName() string { return "site_visits" }

// Investigators implements origination.ReviewReader. Who recorded a visit counts, confirmed or not; who was only named by
// somebody else and has not confirmed does not.
func (r reader) Investigators(ctx context.Context, applicationID domain.ID) ([]domain.ID, error) {
	var rows []siteVisitRow
	err := r.db.WithContext(ctx).Select("id", "investigator_id", "second_id", "confirmed_at").
		Where("application_id = ?", applicationID).Limit(loan.VisitsOfCaseMax).Find(&rows).Error
	if err != nil {
		return nil, translateRead(ctx, err)
	}
	people := make([]domain.ID, 0, 2*len(rows))
	for _, row := range rows {
		people = append(people, row.InvestigatorID)
		if !row.ConfirmedAt.IsZero() {
			people = append(people, row.SecondID)
		}
	}
	return people, nil
}

type voteRow struct {
	ID            domain.ID `gorm:"primaryKey"`
	ApplicationID domain.ID
	BranchID      domain.ID
	DecisionID    domain.ID
	AuthorityID   domain.ID
	MemberID      domain.ID
	Amount        decimal.Decimal
	InFavour      bool
	Reason        string
	CastAt        time.Time
}

func (voteRow) TableName() string { return "committee_votes" }

func voteFromRow(row voteRow) (loan.Vote, error) {
	amount, err := money.AmountFromDecimal(row.Amount)
	if err != nil {
		return loan.Vote{}, fmt.Errorf("vote %s: %w", row.ID, err)
	}
	return loan.Vote{
		ID: row.ID, ApplicationID: row.ApplicationID, BranchID: row.BranchID, DecisionID: row.DecisionID, AuthorityID: row.AuthorityID,
		MemberID: row.MemberID, Amount: amount, InFavour: row.InFavour, Reason: row.Reason, CastAt: row.CastAt.UTC(),
	}, nil
}

// votesMax is more than any committee has members, former ones included.
const votesMax = 1000

// Votes implements origination.ReviewReader.
func (r reader) Votes(ctx context.Context, applicationID, decisionID domain.ID) ([]loan.Vote, error) {
	var rows []voteRow
	err := r.db.WithContext(ctx).Where("application_id = ? AND decision_id = ?", applicationID, decisionID).
		Order("cast_at, id").Limit(votesMax).Find(&rows).Error
	if err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, voteFromRow)
}

// InsertVote implements origination.ReviewWriter.
func (t *tx) InsertVote(ctx context.Context, v loan.Vote, event loan.Event) error {
	row := voteRow{
		ID: v.ID, ApplicationID: v.ApplicationID, BranchID: v.BranchID, DecisionID: v.DecisionID, AuthorityID: v.AuthorityID,
		MemberID: v.MemberID, Amount: v.Amount.Decimal(), InFavour: v.InFavour, Reason: v.Reason, CastAt: v.CastAt,
	}
	if err := t.db.WithContext(ctx).Create(&row).Error; err != nil {
		if isDuplicate(err, "uk_committee_votes_member") {
			return domain.Errorf(domain.KindConflict, "already-voted", "您已经就这笔申请投过票，投票不能更改")
		}
		return err
	}
	return t.insertEvent(ctx, event)
}
