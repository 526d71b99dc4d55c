package origination

import (
	"context"
	"errors"
	"slices"
	"time"
	"unicode/utf8"

	"fumin/domain"
	"fumin/domain/decision"
	"fumin/domain/loan"
	"fumin/domain/money"
)

// ApplicationReader reads applications, what was decided and signed about them, and their history.
type ApplicationReader interface {
	// Application returns one, or "application-not-found".
	Application(ctx context.Context, scope domain.Scope, id domain.ID) (loan.Record, error)
	// Applications lists a page, newest first.
	Applications(ctx context.Context, scope domain.Scope, filter ApplicationFilter, page domain.Page) ([]loan.Record, error)
	// Decision returns one stored decision of an application.
	Decision(ctx context.Context, scope domain.Scope, id domain.ID) (Decision, error)
	// Decisions returns every decision of an application, the first one first, at most DecisionsMax.
	Decisions(ctx context.Context, scope domain.Scope, applicationID domain.ID) ([]Decision, error)
	// Contract returns the contract of an application without its plan, or "contract-not-found".
	Contract(ctx context.Context, scope domain.Scope, applicationID domain.ID) (loan.Contract, error)
	// Instalments returns the plan that was signed, in order.
	Instalments(ctx context.Context, scope domain.Scope, applicationID domain.ID) ([]loan.Instalment, error)
	// Events returns the history of a case in the order in which it happened, at most loan.PageEventsMax.
	Events(ctx context.Context, scope domain.Scope, caseID domain.ID) ([]loan.Event, error)
}

// ApplicationWriter writes applications. Each write carries its event, so the history is complete by construction.
type ApplicationWriter interface {
	// LockApplication returns an application and keeps others from changing it until the transaction ends, or
	// "application-not-found".
	LockApplication(ctx context.Context, scope domain.Scope, id domain.ID) (*loan.Application, error)
	// InsertApplication refuses with "id-exists".
	InsertApplication(ctx context.Context, a *loan.Application, event loan.Event) error
	// SaveApplication refuses with "stale-version" when the stored version is not the one before a's.
	SaveApplication(ctx context.Context, a *loan.Application, event loan.Event) error
	// InsertDecision stores what the rules said; it is never changed.
	InsertDecision(ctx context.Context, d Decision) error
	// InsertContract stores what was signed, with its plan; neither is ever changed.
	InsertContract(ctx context.Context, c loan.Contract, plan []loan.Instalment) error
}

// ApplicationFilter narrows a list; zero fields do not.
type ApplicationFilter struct {
	Status     loan.Status
	BorrowerID domain.ID
}

// Decision is what the rules said at one submit, with the facts as they were (决策留痕).
type Decision struct {
	ID                 domain.ID
	ApplicationID      domain.ID
	BranchID           domain.ID
	ApplicationVersion int
	Facts              decision.Facts
	Outcome            decision.Outcome
	RuleSetID          domain.ID // the version that judged; zero: none was in force
	// What the rules alone said, before the limits on exposure: a replay compares with these.
	RulesResult decision.Result
	RulesAmount money.Amount // the ceiling within what was asked for
	DecidedAt   time.Time
}

// Applications are the use cases from a draft to a closed case.
type Applications struct {
	store   Store
	now     domain.Clock
	newID   func() domain.ID
	numbers *Numbers
	engines *engines

	approvalValidDays int
	enquiries         *Enquiries // nil: nobody is asked
}

// ApplicationsOption sets what a lender may set about applications.
type ApplicationsOption func(*Applications)

// ApprovalValidFor says for how many days after an approval its contract may be signed (批准有效期). Without it,
// ApprovalValidDaysDefault.
func ApprovalValidFor(days int) ApplicationsOption {
	return func(s *Applications) { s.approvalValidDays = days }
}

// AskingFirst says by whom other institutions are asked before a case is submitted. Without it nobody is.
func AskingFirst(enquiries *Enquiries) ApplicationsOption {
	return func(s *Applications) { s.enquiries = enquiries }
}

// NewApplications builds the use cases.
func NewApplications(store Store, now domain.Clock, newID func() domain.ID, options ...ApplicationsOption) *Applications {
	s := &Applications{store: store, now: now, newID: newID, numbers: NewNumbers(store), engines: newEngines(), approvalValidDays: ApprovalValidDaysDefault}
	for _, option := range options {
		option(s)
	}
	return s
}

// OpenApplication asks for a new application. ID may be the client's own (a tablet offline makes it); zero lets us make one.
type OpenApplication struct {
	ID          domain.ID
	BorrowerID  domain.ID
	ProductCode string
	Request     loan.Request
}

// Open starts an application as a draft. replayed says that this key had opened it before.
func (s *Applications) Open(ctx context.Context, by domain.Actor, key Idempotency, cmd OpenApplication) (opened loan.Record, replayed bool, err error) {
	if err := by.Require(domain.RoleLoanOfficer, domain.RoleBorrower); err != nil {
		return loan.Record{}, false, err
	}
	now := s.now()
	if cmd.ID.IsZero() {
		cmd.ID = s.newID()
	}
	number, err := s.numbers.Next(ctx, "LA", domain.DateOf(now))
	if err != nil {
		return loan.Record{}, false, err
	}

	err = s.store.Update(ctx, func(tx Tx) error {
		prior, err := tx.ClaimIdempotencyKey(ctx, by.ID, key, cmd.ID, now)
		if err != nil {
			return err
		}
		if !prior.IsZero() {
			opened, err = tx.Application(ctx, by.Scope(), prior)
			replayed = true
			return err
		}

		applicant, err := tx.Applicant(ctx, by.Scope(), cmd.BorrowerID)
		if err != nil {
			return notFoundAt("/borrower_id", err)
		}
		if err := productExists(ctx, tx, cmd.ProductCode); err != nil {
			return err
		}
		app, event, err := loan.Open(by, now, loan.Record{
			ID: cmd.ID, ApplicationNo: number, BranchID: applicant.BranchID,
			BorrowerID: applicant.ID, HouseholdID: applicant.HouseholdID, RegionCode: applicant.RegionCode,
			ProductCode: cmd.ProductCode, Request: cmd.Request,
		})
		if err != nil {
			return err
		}
		if err := tx.InsertApplication(ctx, app, event); err != nil {
			return err
		}
		opened, replayed = app.Record(), false
		return nil
	})
	return opened, replayed, err
}

// EditApplication replaces what is asked for, if the application still has the version the editor saw.
type EditApplication struct {
	ID      domain.ID
	Version int
	Request loan.Request
}

// Edit changes a draft or a returned application.
func (s *Applications) Edit(ctx context.Context, by domain.Actor, cmd EditApplication) (loan.Record, error) {
	return s.change(ctx, by, cmd.ID, func(app *loan.Application, now time.Time, _ Tx) (loan.Event, error) {
		if version := app.Record().Version; version != cmd.Version {
			return loan.Event{}, domain.Errorf(domain.KindConflict, "precondition-failed",
				"申请已被他人修改（当前版本 %d，您看到的是 %d），请刷新后再改", version, cmd.Version)
		}
		return app.Edit(by, now, cmd.Request)
	})
}

// Decline refuses a referred application.
func (s *Applications) Decline(ctx context.Context, by domain.Actor, id domain.ID, reason string) (loan.Record, error) {
	return s.decide(ctx, by, id, reason, (*loan.Application).Decline, nil)
}

// ReturnApplication says what a returned case lacks.
type ReturnApplication struct {
	ID     domain.ID
	Reason string
	Items  []loan.MissingItem
}

// Return sends a referred application back for correction (退回补正) and names what is missing. The file stays as it is, the
// decision too; submitted again, the case is decided anew on fresh facts.
func (s *Applications) Return(ctx context.Context, by domain.Actor, cmd ReturnApplication) (loan.Record, error) {
	if err := loan.CheckMissing(cmd.Items); err != nil {
		return loan.Record{}, err
	}
	id := s.newID()
	return s.decide(ctx, by, cmd.ID, cmd.Reason, (*loan.Application).Return, func(tx Tx, rec loan.Record, now time.Time) error {
		return tx.InsertCorrection(ctx, loan.Correction{
			ID: id, ApplicationID: rec.ID, BranchID: rec.BranchID, DecisionID: rec.DecisionID, Reason: cmd.Reason, Items: cmd.Items,
			ReturnedBy: by.ID, ReturnedAt: now,
		})
	})
}

// decide is how an approver sends a case on without granting it: whoever prepared the case does not, and its task list ends.
func (s *Applications) decide(ctx context.Context, by domain.Actor, id domain.ID, reason string, do transitionWithReason,
	also func(tx Tx, rec loan.Record, now time.Time) error,
) (loan.Record, error) {
	if err := checkReason(reason); err != nil {
		return loan.Record{}, err
	}
	return s.change(ctx, by, id, func(app *loan.Application, now time.Time, tx Tx) (loan.Event, error) {
		event, err := do(app, by, now, reason)
		if err != nil {
			return loan.Event{}, err
		}
		rec := app.Record()
		if err := separate(ctx, tx, rec, by.ID); err != nil {
			return loan.Event{}, err
		}
		if err := closeTasks(ctx, tx, by, now, rec.ID, "申请"+rec.Status.Label()); err != nil {
			return loan.Event{}, err
		}
		if also == nil {
			return event, nil
		}
		return event, also(tx, rec, now)
	})
}

// Withdraw ends an application at the borrower's wish: until it is signed, and then within the cooling-off period (冷静期)
// while no payment was asked for.
func (s *Applications) Withdraw(ctx context.Context, by domain.Actor, id domain.ID, reason string) (loan.Record, error) {
	if err := checkReason(reason); err != nil {
		return loan.Record{}, err
	}
	return s.change(ctx, by, id, func(app *loan.Application, now time.Time, tx Tx) (loan.Event, error) {
		rec := app.Record()
		if err := app.May(by, loan.ActionWithdraw); err != nil {
			return loan.Event{}, err
		}
		if rec.Status == loan.StatusSigned {
			if err := undoSigning(ctx, tx, by, rec, now, reason); err != nil {
				return loan.Event{}, err
			}
		}
		return app.Withdraw(by, now, reason)
	})
}

// Close ends the case: paid, and its file complete. It refuses with "disbursement-unsettled" while a payment waits for its
// release or its answer.
func (s *Applications) Close(ctx context.Context, by domain.Actor, id domain.ID) (loan.Record, error) {
	return s.change(ctx, by, id, func(app *loan.Application, now time.Time, tx Tx) (loan.Event, error) {
		if err := app.May(by, loan.ActionClose); err != nil {
			return loan.Event{}, err
		}
		if err := checkSettled(ctx, tx, id); err != nil {
			return loan.Event{}, err
		}
		return app.Close(by, now)
	})
}

// checkSettled refuses while a disbursement of the case has not come to its end.
func checkSettled(ctx context.Context, r Reader, applicationID domain.ID) error {
	all, err := r.DisbursementsOfCase(ctx, applicationID)
	if err != nil {
		return err
	}
	for _, d := range all {
		if !d.Status.Settled() {
			return domain.Errorf(domain.KindConflict, "disbursement-unsettled",
				"还有一笔 %s 元的放款处于「%s」，到账、失败或取消后才能结案", d.Amount.Grouped(), d.Status.Label())
		}
	}
	return nil
}

// Application returns one application in the actor's scope.
func (s *Applications) Application(ctx context.Context, by domain.Actor, id domain.ID) (loan.Record, error) {
	return s.store.Application(ctx, by.Scope(), id)
}

// Applications lists applications in the actor's scope, newest first.
func (s *Applications) Applications(ctx context.Context, by domain.Actor, filter ApplicationFilter, page domain.Page) ([]loan.Record, error) {
	return s.store.Applications(ctx, by.Scope(), filter, page)
}

// Decision returns what the rules said when the application was last submitted.
func (s *Applications) Decision(ctx context.Context, by domain.Actor, id domain.ID) (Decision, error) {
	rec, err := s.store.Application(ctx, by.Scope(), id)
	if err != nil {
		return Decision{}, err
	}
	if rec.DecisionID.IsZero() {
		return Decision{}, domain.Errorf(domain.KindNotFound, "decision-not-found", "申请尚未提交，还没有决策结果")
	}
	return s.store.Decision(ctx, by.Scope(), rec.DecisionID)
}

// Decisions returns every decision of a case (全部决策留痕), the first one first: a case that was returned and submitted again
// keeps both.
func (s *Applications) Decisions(ctx context.Context, by domain.Actor, id domain.ID) ([]Decision, error) {
	if _, err := s.store.Application(ctx, by.Scope(), id); err != nil {
		return nil, err
	}
	return s.store.Decisions(ctx, by.Scope(), id)
}

// History returns everything that happened to a case, in order: who, what, when, and where it led.
func (s *Applications) History(ctx context.Context, by domain.Actor, id domain.ID) ([]loan.Event, error) {
	if _, err := s.store.Application(ctx, by.Scope(), id); err != nil {
		return nil, err
	}
	events, err := s.store.Events(ctx, by.Scope(), id)
	if by.Role == domain.RoleBorrower { // who held the money, and why, is not for its payee: see Holds
		events = slices.DeleteFunc(events, func(e loan.Event) bool { return e.Subject == loan.SubjectHold })
	}
	return events, err
}

// change is the shape of every transition: lock, do, save with the event.
func (s *Applications) change(ctx context.Context, by domain.Actor, id domain.ID,
	do func(app *loan.Application, now time.Time, tx Tx) (loan.Event, error),
) (loan.Record, error) {
	lockOne := func(ctx context.Context, tx Tx, by domain.Actor, id domain.ID) (*loan.Application, error) {
		return tx.LockApplication(ctx, by.Scope(), id)
	}
	return s.changeLocked(ctx, by, id, lockOne, do)
}

// changeLocked is change for a transition that must hold more than its own case.
func (s *Applications) changeLocked(ctx context.Context, by domain.Actor, id domain.ID,
	lock func(ctx context.Context, tx Tx, by domain.Actor, id domain.ID) (*loan.Application, error),
	do func(app *loan.Application, now time.Time, tx Tx) (loan.Event, error),
) (loan.Record, error) {
	now := s.now()
	var changed loan.Record
	err := s.store.Update(ctx, func(tx Tx) error {
		app, err := lock(ctx, tx, by, id)
		if err != nil {
			return err
		}
		event, err := do(app, now, tx)
		if err != nil {
			return err
		}
		if err := saveCase(ctx, tx, app, event); err != nil {
			return err
		}
		changed = app.Record()
		return nil
	})
	return changed, err
}

type transitionWithReason func(*loan.Application, domain.Actor, time.Time, string) (loan.Event, error)

func checkReason(reason string) error {
	var p domain.Problems
	if n := utf8.RuneCountInString(reason); n == 0 || n > loan.ReasonMax {
		p.Add("/reason", "out-of-range", "请说明原因，1 至 %d 个字", loan.ReasonMax)
	}
	return p.Err()
}

// notFoundAt turns "not found" into a wrong field, when what was not found is named by a field of the request. Any other
// error stays what it is.
func notFoundAt(pointer string, err error) error {
	refusal, ok := errors.AsType[*domain.Error](err)
	if !ok || refusal.Kind != domain.KindNotFound {
		return err
	}
	var p domain.Problems
	p.Add(pointer, refusal.Code, "查无此记录，或不在您的机构范围内")
	return p.Err()
}

func productExists(ctx context.Context, r Reader, code string) error {
	_, err := r.Product(ctx, code)
	if err != nil {
		return notFoundAt("/product_code", err)
	}
	return nil
}
