package repository

import (
	"context"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
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

// Task implements origination.ReviewReader.
func (r reader) Task(ctx context.Context, scope domain.Scope, id domain.ID) (loan.Task, error) {
	var row taskRow
	err := inScopeOf(r.db.WithContext(ctx), "review_tasks.branch_id", "", scope).Where("review_tasks.id = ?", id).Take(&row).Error
	if isNotFound(err) {
		return loan.Task{}, domain.Errorf(domain.KindNotFound, "task-not-found", "没有这项审查事项，或不在您的机构范围内")
	}
	if err != nil {
		return loan.Task{}, translateRead(ctx, err)
	}
	return taskFromRow(row)
}

// Tasks implements origination.ReviewReader. Somebody's own go by the owner; a branch's go by the branch, as in casesPage.
func (r reader) Tasks(ctx context.Context, scope domain.Scope, f origination.TaskFilter, page domain.Page) ([]loan.Task, error) {
	query, branches, err := r.listOfBranches(ctx, r.db.WithContext(ctx), "review_tasks.branch_id", "", scope)
	if err != nil {
		return nil, err
	}
	if !f.OverdueAt.IsZero() {
		f.Status = loan.TaskOpen
		query = query.Where("review_tasks.due_at < ?", f.OverdueAt)
	}
	if f.Status != "" {
		query = query.Where("review_tasks.status = ?", string(f.Status))
	}
	if f.Kind != "" {
		query = query.Where("review_tasks.kind = ?", string(f.Kind))
	}
	if !page.After.IsZero() {
		query = query.Where("review_tasks.id < ?", page.After)
	}
	switch {
	case !f.OwnerID.IsZero():
		query = query.Where("review_tasks.owner_id = ?", f.OwnerID)
	case branches == 1 && f.Status != "":
		query = query.Clauses(forceIndex("ix_review_tasks_status"))
	case branches == 1:
		query = query.Clauses(forceIndex("ix_review_tasks_branch"))
	}
	var rows []taskRow
	if err := query.Order("review_tasks.id DESC").Limit(page.Limit).Find(&rows).Error; err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, taskFromRow)
}

func siteVisitFromRow(row siteVisitRow) (loan.SiteVisit, error) {
	return loan.SiteVisit{
		ID: row.ID, ApplicationID: row.ApplicationID, BranchID: row.BranchID, InvestigatorID: row.InvestigatorID, SecondID: row.SecondID,
		VisitedOn: row.VisitedOn.Date, Findings: row.Findings, Photos: row.Photos.Content,
		RecordedAt: row.RecordedAt.UTC(), ConfirmedAt: row.ConfirmedAt.Time, Version: row.Version,
	}, nil
}

func siteVisitToRow(v loan.SiteVisit) siteVisitRow {
	return siteVisitRow{
		ID: v.ID, ApplicationID: v.ApplicationID, BranchID: v.BranchID, InvestigatorID: v.InvestigatorID, SecondID: v.SecondID,
		VisitedOn: dateColumn{v.VisitedOn}, Findings: v.Findings, Photos: jsonColumn[[]string]{v.Photos},
		RecordedAt: v.RecordedAt, ConfirmedAt: timeColumn{v.ConfirmedAt}, Version: v.Version,
	}
}

// SiteVisit implements origination.ReviewReader.
func (r reader) SiteVisit(ctx context.Context, scope domain.Scope, id domain.ID) (loan.SiteVisit, error) {
	var row siteVisitRow
	err := inScopeOf(r.db.WithContext(ctx), "site_visits.branch_id", "", scope).Where("site_visits.id = ?", id).Take(&row).Error
	if isNotFound(err) {
		return loan.SiteVisit{}, domain.Errorf(domain.KindNotFound, "visit-not-found", "没有这次实地调查，或不在您的机构范围内")
	}
	if err != nil {
		return loan.SiteVisit{}, translateRead(ctx, err)
	}
	return siteVisitFromRow(row)
}

// SiteVisits implements origination.ReviewReader.
func (r reader) SiteVisits(ctx context.Context, applicationID domain.ID) ([]loan.SiteVisit, error) {
	var rows []siteVisitRow
	err := r.db.WithContext(ctx).Where("application_id = ?", applicationID).Order("id").Limit(loan.VisitsOfCaseMax).Find(&rows).Error
	if err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, siteVisitFromRow)
}

// InsertSiteVisit implements origination.ReviewWriter.
func (t *tx) InsertSiteVisit(ctx context.Context, v loan.SiteVisit, event loan.Event) error {
	row := siteVisitToRow(v)
	if err := t.db.WithContext(ctx).Create(&row).Error; err != nil {
		if isDuplicate(err, "PRIMARY") {
			return errIDExists()
		}
		return err
	}
	return t.insertEvent(ctx, event)
}

// SaveSiteVisit implements origination.ReviewWriter.
func (t *tx) SaveSiteVisit(ctx context.Context, v loan.SiteVisit, event loan.Event) error {
	row := siteVisitToRow(v)
	result := t.db.WithContext(ctx).Model(&siteVisitRow{}).Where("id = ? AND version = ?", row.ID, row.Version-1).
		Select("confirmed_at", "version").Updates(row)
	if result.Error != nil {
		return result.Error
	}
	if result.RowsAffected != 1 {
		return errStaleVersion()
	}
	return t.insertEvent(ctx, event)
}

type correctionRow struct {
	ID            domain.ID `gorm:"primaryKey"`
	ApplicationID domain.ID
	BranchID      domain.ID
	DecisionID    domain.ID
	Reason        string
	Items         jsonColumn[[]missingDocument]
	ReturnedBy    domain.ID
	ReturnedAt    time.Time
}

func (correctionRow) TableName() string { return "application_returns" }

// missingDocument is a loan.MissingItem as it is kept.
type missingDocument struct {
	Kind loan.MissingKind `json:"kind"`
	Name string           `json:"name"`
	Text string           `json:"text"`
}

// Corrections implements origination.ReviewReader.
func (r reader) Corrections(ctx context.Context, applicationID domain.ID) ([]loan.Correction, error) {
	var rows []correctionRow
	err := r.db.WithContext(ctx).Where("application_id = ?", applicationID).Order("id").Limit(loan.ReturnsMax).Find(&rows).Error
	if err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, func(row correctionRow) (loan.Correction, error) {
		return loan.Correction{
			ID: row.ID, ApplicationID: row.ApplicationID, BranchID: row.BranchID, DecisionID: row.DecisionID, Reason: row.Reason,
			Items:      convert(row.Items.Content, func(d missingDocument) loan.MissingItem { return loan.MissingItem(d) }),
			ReturnedBy: row.ReturnedBy, ReturnedAt: row.ReturnedAt.UTC(),
		}, nil
	})
}

// InsertCorrection implements origination.ReviewWriter.
func (t *tx) InsertCorrection(ctx context.Context, c loan.Correction) error {
	row := correctionRow{
		ID: c.ID, ApplicationID: c.ApplicationID, BranchID: c.BranchID, DecisionID: c.DecisionID, Reason: c.Reason,
		Items:      jsonColumn[[]missingDocument]{convert(c.Items, func(i loan.MissingItem) missingDocument { return missingDocument(i) })},
		ReturnedBy: c.ReturnedBy, ReturnedAt: c.ReturnedAt,
	}
	return t.db.WithContext(ctx).Create(&row).Error
}
