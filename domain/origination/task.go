package origination

import (
	"context"
	"slices"
	"time"

	"fumin/domain"
	"fumin/domain/loan"
)

// CaseTasks is the task list of one case.
type CaseTasks struct {
	Items []loan.Task
	// Ready says that the case waits for an approver and nothing else: referred, and no blocking task is open.
	Ready bool
}

// TasksOfCase returns the task list of a case, all rounds together.
func (s *Reviews) TasksOfCase(ctx context.Context, by domain.Actor, applicationID domain.ID) (CaseTasks, error) {
	if err := by.Require(staffOfTheCase...); err != nil {
		return CaseTasks{}, err
	}
	rec, err := s.store.Application(ctx, by.Scope(), applicationID)
	if err != nil {
		return CaseTasks{}, err
	}
	tasks, err := s.store.TasksOfApplication(ctx, by.Scope(), applicationID)
	if err != nil {
		return CaseTasks{}, err
	}
	return CaseTasks{Items: tasks, Ready: rec.Status == loan.StatusReviewing && loan.CheckReady(tasks) == nil}, nil
}

// ListTasks says whose tasks are wanted.
type ListTasks struct {
	Mine    bool // those the actor has taken; otherwise those of the actor's branches
	Status  loan.TaskStatus
	Kind    loan.TaskKind
	Overdue bool
}

// Tasks lists tasks, newest first (我的待办、本机构待办).
func (s *Reviews) Tasks(ctx context.Context, by domain.Actor, cmd ListTasks, page domain.Page) ([]loan.Task, error) {
	if err := by.Require(staffOfTheCase...); err != nil {
		return nil, err
	}
	filter := TaskFilter{Status: cmd.Status, Kind: cmd.Kind}
	if cmd.Mine {
		filter.OwnerID = by.ID
	}
	if cmd.Overdue {
		filter.OverdueAt = s.now()
	}
	return s.store.Tasks(ctx, by.Scope(), filter, page)
}

// taskManagers give tasks to others and cancel them.
var taskManagers = []domain.Role{domain.RoleApprover, domain.RoleRiskManager, domain.RoleBranchManager}

// Assign gives a task to somebody (指派). Whoever has the role it is for may take it himself while nobody has it.
func (s *Reviews) Assign(ctx context.Context, by domain.Actor, id, owner domain.ID) (loan.Task, error) {
	return s.changeTask(ctx, by, id, func(tx Tx, rec loan.Record, t loan.Task, now time.Time) (loan.Task, loan.Event, error) {
		takes := owner == by.ID && t.OwnerID.IsZero() && by.Role == t.OwnerRole
		if !takes {
			if err := by.Require(taskManagers...); err != nil {
				return t, loan.Event{}, err
			}
			user, err := tx.User(ctx, domain.Scope{Everything: true}, owner)
			if err != nil {
				return t, loan.Event{}, notFoundAt("/owner_id", err)
			}
			if !user.Active() || user.Role != t.OwnerRole {
				var p domain.Problems
				p.Add("/owner_id", "not-for-this-kind", "这项「%s」应由在岗的%s办理", t.Kind.Label(), t.OwnerRole.Label())
				return t, loan.Event{}, p.Err()
			}
		}
		if err := opinionApart(ctx, tx, rec, t, owner); err != nil {
			return t, loan.Event{}, err
		}
		return t.Assign(by, now, owner)
	})
}

// Complete closes a task with what came of it (办结). A site visit needs a visit on file that counts; an opinion is not
// given by who prepared the case; what waits for a higher approver is closed by the approval and nothing else.
func (s *Reviews) Complete(ctx context.Context, by domain.Actor, id domain.ID, result string) (loan.Task, error) {
	return s.changeTask(ctx, by, id, func(tx Tx, rec loan.Record, t loan.Task, now time.Time) (loan.Task, loan.Event, error) {
		if by.ID != t.OwnerID && by.Role != t.OwnerRole {
			return t, loan.Event{}, domain.Errorf(domain.KindForbidden, "role-not-allowed", "这项「%s」应由%s办理", t.Kind.Label(), t.OwnerRole.Label())
		}
		if t.Status == loan.TaskOpen {
			if err := evidenceOf(ctx, tx, t, domain.DateOf(now)); err != nil {
				return t, loan.Event{}, err
			}
		}
		if err := opinionApart(ctx, tx, rec, t, by.ID); err != nil {
			return t, loan.Event{}, err
		}
		return t.Complete(by, now, result)
	})
}

// Cancel closes a task that need not be done (取消), with the reason. Who prepared the case does not waive what it waits for,
// and who waives it does not approve the case afterwards (maySignOff).
func (s *Reviews) Cancel(ctx context.Context, by domain.Actor, id domain.ID, reason string) (loan.Task, error) {
	return s.changeTask(ctx, by, id, func(tx Tx, rec loan.Record, t loan.Task, now time.Time) (loan.Task, loan.Event, error) {
		if err := by.Require(taskManagers...); err != nil {
			return t, loan.Event{}, err
		}
		if err := separate(ctx, tx, rec, by.ID); err != nil {
			return t, loan.Event{}, err
		}
		return t.Cancel(by, now, reason)
	})
}

func evidenceOf(ctx context.Context, r Reader, t loan.Task, today domain.Date) error {
	switch t.Kind {
	case loan.TaskHigherApproval:
		return domain.Errorf(domain.KindRule, "task-evidence-missing", "由有权审批人批准后自动办结")
	case loan.TaskSiteVisit:
		visits, err := r.SiteVisits(ctx, t.ApplicationID)
		if err != nil {
			return err
		}
		if loan.InvestigatorsOn(visits, today) == 0 {
			return domain.Errorf(domain.KindRule, "task-evidence-missing", "还没有双人确认的实地调查记录，请先登记并由协查人确认")
		}
	case loan.TaskGuaranteeAnswer, loan.TaskBureauConfirmation, loan.TaskPapers, loan.TaskReviewerOpinion:
	}
	return nil
}

// opinionApart keeps the opinion on a case from whoever prepared it (审查与调查分离).
func opinionApart(ctx context.Context, r Reader, rec loan.Record, t loan.Task, person domain.ID) error {
	if t.Kind != loan.TaskReviewerOpinion && t.Kind != loan.TaskHigherApproval {
		return nil
	}
	return separate(ctx, r, rec, person)
}

func (s *Reviews) changeTask(ctx context.Context, by domain.Actor, id domain.ID,
	do func(tx Tx, rec loan.Record, t loan.Task, now time.Time) (loan.Task, loan.Event, error),
) (loan.Task, error) {
	if err := by.Require(staffOfTheCase...); err != nil {
		return loan.Task{}, err
	}
	now := s.now()
	var changed loan.Task
	err := s.store.Update(ctx, func(tx Tx) error {
		found, err := tx.Task(ctx, by.Scope(), id) // unlocked: only to learn which application to lock
		if err != nil {
			return err
		}
		app, err := tx.LockApplication(ctx, by.Scope(), found.ApplicationID)
		if err != nil {
			return err
		}
		t, err := tx.Task(ctx, by.Scope(), id)
		if err != nil {
			return err
		}
		t, event, err := do(tx, app.Record(), t, now)
		if err != nil {
			return err
		}
		if err := tx.SaveTask(ctx, t, event); err != nil {
			return err
		}
		changed = t
		return nil
	})
	return changed, err
}

// ---- site visits ----

// investigatorRoles may make a site visit.
var investigatorRoles = []domain.Role{domain.RoleLoanOfficer, domain.RoleRiskManager, domain.RoleBranchManager, domain.RoleApprover}

// RecordVisit records a site visit (登记实地调查) by the actor and a second investigator, who has yet to confirm it himself.
func (s *Reviews) RecordVisit(ctx context.Context, by domain.Actor, key Idempotency, applicationID domain.ID, v loan.SiteVisit) (recorded loan.SiteVisit, replayed bool, err error) {
	if err := by.Require(investigatorRoles...); err != nil {
		return loan.SiteVisit{}, false, err
	}
	now := s.now()
	v.ID = s.newID()
	err = s.store.Update(ctx, func(tx Tx) error {
		app, err := tx.LockApplication(ctx, by.Scope(), applicationID)
		if err != nil {
			return err
		}
		prior, err := tx.ClaimIdempotencyKey(ctx, by.ID, key, v.ID, now)
		if err != nil {
			return err
		}
		if !prior.IsZero() {
			recorded, err = tx.SiteVisit(ctx, by.Scope(), prior)
			replayed = true
			return err
		}
		visits, err := tx.SiteVisits(ctx, applicationID)
		if err != nil {
			return err
		}
		if len(visits) >= loan.VisitsOfCaseMax {
			return domain.Errorf(domain.KindRule, "file-full", "一笔申请最多登记 %d 次实地调查", loan.VisitsOfCaseMax)
		}
		if err := mayInvestigate(ctx, tx, v.SecondID); err != nil {
			return err
		}
		if err := apartFromReview(ctx, tx, app.Record(), by.ID, v.SecondID); err != nil {
			return err
		}
		visit, event, err := loan.RecordSiteVisit(by, now, app.Record(), v)
		if err != nil {
			return err
		}
		if err := tx.InsertSiteVisit(ctx, visit, event); err != nil {
			return err
		}
		recorded, replayed = visit, false
		return nil
	})
	return recorded, replayed, err
}

// mayInvestigate wants the second investigator to be a member of staff who may.
func mayInvestigate(ctx context.Context, r Reader, second domain.ID) error {
	user, err := r.User(ctx, domain.Scope{Everything: true}, second)
	if err != nil {
		return notFoundAt("/second_id", err)
	}
	if !user.Active() || !slices.Contains(investigatorRoles, user.Role) {
		var p domain.Problems
		p.Add("/second_id", "not-for-this-kind", "协查人应为在岗的%s", domain.RoleLabels(investigatorRoles))
		return p.Err()
	}
	return nil
}

// apartFromReview keeps those who have voted on a case or given their opinion of it in this round from investigating it
// afterwards (调查与审查分离): that they do not review what they investigated is asked when they do.
func apartFromReview(ctx context.Context, r Reader, rec loan.Record, people ...domain.ID) error {
	if rec.DecisionID.IsZero() {
		return nil
	}
	votes, err := r.Votes(ctx, rec.ID, rec.DecisionID)
	if err != nil {
		return err
	}
	tasks, err := r.TasksOfApplication(ctx, domain.Scope{Everything: true}, rec.ID)
	if err != nil {
		return err
	}
	var reviewers []domain.ID
	for _, v := range votes {
		reviewers = append(reviewers, v.MemberID)
	}
	for _, t := range tasks {
		if t.Kind == loan.TaskReviewerOpinion && t.Status == loan.TaskDone && t.DecisionID == rec.DecisionID {
			reviewers = append(reviewers, t.ClosedBy)
		}
	}
	if slices.ContainsFunc(people, func(id domain.ID) bool { return slices.Contains(reviewers, id) }) {
		return domain.Errorf(domain.KindForbidden, "four-eyes", "已就这笔申请出具审查意见或参加贷审会表决的人，不能再担任实地调查人，请由其他人调查")
	}
	return nil
}

// ConfirmVisit is the second investigator's own word (协查人确认). A visit that counts completes the case's task for it.
func (s *Reviews) ConfirmVisit(ctx context.Context, by domain.Actor, id domain.ID) (loan.SiteVisit, error) {
	now := s.now()
	var confirmed loan.SiteVisit
	err := s.store.Update(ctx, func(tx Tx) error {
		found, err := tx.SiteVisit(ctx, by.Scope(), id) // unlocked: only to learn which application to lock
		if err != nil {
			return err
		}
		app, err := tx.LockApplication(ctx, by.Scope(), found.ApplicationID)
		if err != nil {
			return err
		}
		visit, err := tx.SiteVisit(ctx, by.Scope(), id)
		if err != nil {
			return err
		}
		if err := apartFromReview(ctx, tx, app.Record(), by.ID); err != nil {
			return err
		}
		visit, event, err := visit.Confirm(by, now, app.Record())
		if err != nil {
			return err
		}
		if err := tx.SaveSiteVisit(ctx, visit, event); err != nil {
			return err
		}
		if visit.CountsOn(domain.DateOf(now)) {
			if err := finishTasks(ctx, tx, by, now, visit.ApplicationID, loan.TaskSiteVisit, "双人实地调查已确认，调查日期 "+visit.VisitedOn.String()); err != nil {
				return err
			}
		}
		confirmed = visit
		return nil
	})
	return confirmed, err
}

// Visits lists the site visits of a case.
func (s *Reviews) Visits(ctx context.Context, by domain.Actor, applicationID domain.ID) ([]loan.SiteVisit, error) {
	if err := by.Require(staffOfTheCase...); err != nil {
		return nil, err
	}
	if _, err := s.store.Application(ctx, by.Scope(), applicationID); err != nil {
		return nil, err
	}
	return s.store.SiteVisits(ctx, applicationID)
}

// Corrections lists how often a case was returned and what was missing, for everybody who sees the case: the borrower has to
// bring it.
func (s *Reviews) Corrections(ctx context.Context, by domain.Actor, applicationID domain.ID) ([]loan.Correction, error) {
	if _, err := s.store.Application(ctx, by.Scope(), applicationID); err != nil {
		return nil, err
	}
	return s.store.Corrections(ctx, applicationID)
}
