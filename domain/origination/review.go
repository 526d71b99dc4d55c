package origination

import (
	"context"
	"slices"
	"time"

	"fumin/domain"
	"fumin/domain/decision"
	"fumin/domain/loan"
)

// ReviewReader reads the review of referred cases: tasks, site visits, the committee (审查).
type ReviewReader interface {
	// TasksOfApplication lists every task of a case in the order in which they came up, at most loan.TasksOfCaseMax.
	TasksOfApplication(ctx context.Context, scope domain.Scope, applicationID domain.ID) ([]loan.Task, error)
	// Task returns one, or "task-not-found".
	Task(ctx context.Context, scope domain.Scope, id domain.ID) (loan.Task, error)
	// Tasks lists a page, newest first.
	Tasks(ctx context.Context, scope domain.Scope, filter TaskFilter, page domain.Page) ([]loan.Task, error)
	// SiteVisit returns one, or "visit-not-found".
	SiteVisit(ctx context.Context, scope domain.Scope, id domain.ID) (loan.SiteVisit, error)
	// SiteVisits lists the visits of a case, oldest first, at most loan.VisitsOfCaseMax. The application has been read within
	// its scope.
	SiteVisits(ctx context.Context, applicationID domain.ID) ([]loan.SiteVisit, error)
	// Corrections lists how often and why a case was returned, oldest first, at most loan.ReturnsMax. The application has been
	// read within its scope.
	Corrections(ctx context.Context, applicationID domain.ID) ([]loan.Correction, error)
	// Investigators returns everybody who made or confirmed a site visit of a case. The application has been read within
	// its scope.
	Investigators(ctx context.Context, applicationID domain.ID) ([]domain.ID, error)
	// Votes returns the committee's votes on a case in one round, in the order in which they were cast. The application has
	// been read within its scope.
	Votes(ctx context.Context, applicationID, decisionID domain.ID) ([]loan.Vote, error)
}

// ReviewWriter writes the review of referred cases: tasks, site visits, the committee (审查). The caller holds the lock of the
// application.
type ReviewWriter interface {
	// InsertTask refuses with "id-exists".
	InsertTask(ctx context.Context, t loan.Task, event loan.Event) error
	// SaveTask refuses with "stale-version".
	SaveTask(ctx context.Context, t loan.Task, event loan.Event) error
	// InsertSiteVisit refuses with "id-exists".
	InsertSiteVisit(ctx context.Context, v loan.SiteVisit, event loan.Event) error
	// SaveSiteVisit stores a confirmation; it refuses with "stale-version".
	SaveSiteVisit(ctx context.Context, v loan.SiteVisit, event loan.Event) error
	// InsertCorrection stores what was missing; the event is the application's.
	InsertCorrection(ctx context.Context, c loan.Correction) error
	// InsertVote refuses a second vote of one member in one round with "already-voted".
	InsertVote(ctx context.Context, v loan.Vote, event loan.Event) error
}

// TaskFilter narrows a list; zero fields do not.
type TaskFilter struct {
	OwnerID domain.ID
	Status  loan.TaskStatus
	Kind    loan.TaskKind
	// OverdueAt keeps open tasks that were due before the time.
	OverdueAt time.Time
}

// Reviews are the use cases of the review of referred cases: tasks, site visits, the committee (审查).
type Reviews struct {
	store Store
	now   domain.Clock
	newID func() domain.ID
}

// NewReviews builds the use cases.
func NewReviews(store Store, now domain.Clock, newID func() domain.ID) *Reviews {
	return &Reviews{store: store, now: now, newID: newID}
}

// staffOfTheCase may look at the review of a case.
var staffOfTheCase = []domain.Role{
	domain.RoleLoanOfficer, domain.RoleApprover, domain.RoleRiskManager, domain.RoleDisbursementOfficer, domain.RoleBranchManager,
	domain.RoleAuditor, domain.RoleAdmin,
}

// openTasks makes the task list of a case that was just referred. What was open from a round before is cancelled.
func openTasks(ctx context.Context, tx Tx, by domain.Actor, now time.Time, rec loan.Record, o decision.Outcome, newID func() domain.ID) error {
	if err := closeTasks(ctx, tx, by, now, rec.ID, "申请已重新提交，按新的决策重新列事项"); err != nil {
		return err
	}
	for _, routing := range loan.RoutingOf(o) { // at most one a kind
		task, event := loan.NewTask(by, now, loan.TaskFor(newID(), rec, routing, now))
		if err := tx.InsertTask(ctx, task, event); err != nil {
			return err
		}
	}
	return nil
}

// closeTasks cancels what is still open when a case moves on, but for the kinds that outlive the step.
func closeTasks(ctx context.Context, tx Tx, by domain.Actor, now time.Time, applicationID domain.ID, why string, outlive ...loan.TaskKind) error {
	tasks, err := tx.TasksOfApplication(ctx, domain.Scope{Everything: true}, applicationID)
	if err != nil {
		return err
	}
	for _, t := range tasks {
		if t.Status != loan.TaskOpen || slices.Contains(outlive, t.Kind) {
			continue
		}
		closed, event, err := t.Cancel(by, now, why)
		if err != nil {
			return err
		}
		if err := tx.SaveTask(ctx, closed, event); err != nil {
			return err
		}
	}
	return nil
}

// finishTasks completes the open tasks of one kind: whoever records what a task waits for (a visit, a guarantee letter)
// calls it with what came of it.
func finishTasks(ctx context.Context, tx Tx, by domain.Actor, now time.Time, applicationID domain.ID, kind loan.TaskKind, result string) error {
	tasks, err := tx.TasksOfApplication(ctx, domain.Scope{Everything: true}, applicationID)
	if err != nil {
		return err
	}
	for _, t := range tasks {
		if t.Status != loan.TaskOpen || t.Kind != kind {
			continue
		}
		done, event, err := t.Complete(by, now, result)
		if err != nil {
			return err
		}
		if err := tx.SaveTask(ctx, done, event); err != nil {
			return err
		}
	}
	return nil
}
