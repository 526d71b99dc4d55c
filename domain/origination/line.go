package origination

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
)

// LineReader reads credit lines, loan notes and repayments (授信额度、借据、还款).
type LineReader interface {
	// Line returns the line of an application's contract, or "line-not-found".
	Line(ctx context.Context, scope domain.Scope, applicationID domain.ID) (loan.LineRecord, error)
	// LinesWithoutNotes lists the applications whose lines are marked as lacking loan notes, by their ids, after one of them.
	LinesWithoutNotes(ctx context.Context, after domain.ID, limit int) ([]domain.ID, error)
	// LinesPastEnd lists the applications whose lines live or are held though their last day is before the day, by their ids,
	// after one of them.
	LinesPastEnd(ctx context.Context, day domain.Date, after domain.ID, limit int) ([]domain.ID, error)
	// LiveRenewal finds the case that renews an application's line and was not declined, withdrawn or expired; false when there
	// is none.
	LiveRenewal(ctx context.Context, applicationID domain.ID) (renewal loan.Record, found bool, err error)
	// LoanNote returns one, or "loan-note-not-found".
	LoanNote(ctx context.Context, scope domain.Scope, id domain.ID) (loan.NoteRecord, error)
	// LoanNotes lists a page of a case that has been read within its scope, newest first.
	LoanNotes(ctx context.Context, applicationID domain.ID, page domain.Page) ([]loan.NoteRecord, error)
	// NotesOfCase lists all of a case, oldest first: loan.NotesOfCaseMax at most.
	NotesOfCase(ctx context.Context, applicationID domain.ID) ([]loan.NoteRecord, error)
	// NotesOfBorrower lists the latest of a borrower, whatever the branch: loan.NotesOfCaseMax at most.
	NotesOfBorrower(ctx context.Context, borrowerID domain.ID) ([]loan.NoteRecord, error)
	// NoteInstalments returns the schedule of a note that has been read within its scope, in order.
	NoteInstalments(ctx context.Context, noteID domain.ID) ([]loan.Instalment, error)
	// Repayments lists all of a note that has been read within its scope, in the order of their arrival here: one more than
	// loan.RepaymentsOfNoteMax at most.
	Repayments(ctx context.Context, noteID domain.ID) ([]loan.RepaymentRecord, error)
	// Draw returns what was asked for when a disbursement is a draw; false when it is none.
	Draw(ctx context.Context, disbursementID domain.ID) (Draw, bool, error)
	// Draws lists a page of a line that has been read within its scope, newest first.
	Draws(ctx context.Context, applicationID domain.ID, page domain.Page) ([]Draw, error)
	// RepaymentByNo finds a repayment by the core system's number, or "repayment-not-found".
	RepaymentByNo(ctx context.Context, repaymentNo string) (loan.RepaymentRecord, error)
}

// LineWriter writes credit lines, loan notes and repayments (授信额度、借据、还款), each with its event. A line is changed only
// while the transaction holds the row of its application.
type LineWriter interface {
	// LockLine returns the line of an application to change it, or "line-not-found".
	LockLine(ctx context.Context, scope domain.Scope, applicationID domain.ID) (*loan.Line, error)
	// InsertLine stores the line of a contract that was just signed.
	InsertLine(ctx context.Context, l *loan.Line, event loan.Event) error
	// SaveLine refuses with "stale-version" when the stored version is not the one before l's.
	SaveLine(ctx context.Context, l *loan.Line, event loan.Event) error
	// LockLoanNote returns a note to change it, or "loan-note-not-found".
	LockLoanNote(ctx context.Context, scope domain.Scope, id domain.ID) (*loan.LoanNote, error)
	// InsertLoanNote stores a note with its schedule.
	InsertLoanNote(ctx context.Context, n *loan.LoanNote, plan []loan.Instalment, event loan.Event) error
	// SaveLoanNote refuses with "stale-version" when the stored version is not the one before n's.
	SaveLoanNote(ctx context.Context, n *loan.LoanNote, event loan.Event) error
	// ReplaceNoteInstalments stores a schedule in the place of the one before: money came, or came back.
	ReplaceNoteInstalments(ctx context.Context, n *loan.LoanNote, plan []loan.Instalment) error
	// InsertDraw stores what was asked for, beside its disbursement, which has the event.
	InsertDraw(ctx context.Context, d Draw) error
	// InsertRepayment refuses with "repayment-no-reused" when the number stands for another repayment.
	InsertRepayment(ctx context.Context, r loan.RepaymentRecord, event loan.Event) error
	// SaveRepayment refuses with "stale-version", and with "repayment-no-reused" when the reversal's number stands for another.
	SaveRepayment(ctx context.Context, r loan.RepaymentRecord, event loan.Event) error
}

// Lines are the use cases of credit lines, loan notes and repayments (授信额度、借据、还款).
type Lines struct {
	store Store
	now   domain.Clock
	newID func() domain.ID
}

// NewLines builds the use cases.
func NewLines(store Store, now domain.Clock, newID func() domain.ID) *Lines {
	return &Lines{store: store, now: now, newID: newID}
}

// Line returns the line of an application in the actor's scope, and the cases beside it.
func (s *Lines) Line(ctx context.Context, by domain.Actor, applicationID domain.ID) (LineFile, error) {
	line, err := s.store.Line(ctx, by.Scope(), applicationID)
	if err != nil {
		return LineFile{}, err
	}
	return lineFile(ctx, s.store, line)
}

func lineFile(ctx context.Context, r Reader, line loan.LineRecord) (LineFile, error) {
	app, err := r.Application(ctx, domain.Scope{Everything: true}, line.ApplicationID) // who may see the line may see its case
	if err != nil {
		return LineFile{}, err
	}
	renewal, _, err := r.LiveRenewal(ctx, line.ApplicationID)
	return LineFile{Line: line, RenewsApplicationID: app.RenewsApplicationID, RenewedByApplicationID: renewal.ID}, err
}

// Hold stops new draws (冻结额度), by a risk manager or a disbursement officer.
func (s *Lines) Hold(ctx context.Context, by domain.Actor, applicationID domain.ID, reason string) (LineFile, error) {
	return s.keep(ctx, by, applicationID, reason, (*loan.Line).Hold)
}

// Resume lets draws be made again (解冻额度).
func (s *Lines) Resume(ctx context.Context, by domain.Actor, applicationID domain.ID, reason string) (LineFile, error) {
	return s.keep(ctx, by, applicationID, reason, (*loan.Line).Resume)
}

// End stops draws for good (终止额度).
func (s *Lines) End(ctx context.Context, by domain.Actor, applicationID domain.ID, reason string) (LineFile, error) {
	return s.keep(ctx, by, applicationID, reason, (*loan.Line).End)
}

// Bounds of one look for lines past their last day: what is left over waits for the next.
const (
	linesEndBatch      = 50
	linesEndBatchesMax = 40
)

// EndDue ends the lines whose last day has passed (额度到期), so that what nobody may draw any more ties up no limit and no quota,
// and returns how many. On the last day itself a line lives: what is owed may be repaid or renewed on it. A line that cannot be
// ended stops no other, and is tried again.
func (s *Lines) EndDue(ctx context.Context) (ended int, err error) {
	worker := domain.Actor{ID: s.newID(), Name: "额度到期任务", Role: domain.RoleSystem}
	now := s.now()
	var after domain.ID
	for range linesEndBatchesMax {
		due, listed := s.store.LinesPastEnd(ctx, domain.DateOf(now), after, linesEndBatch)
		if listed != nil {
			return ended, errors.Join(err, listed)
		}
		for _, id := range due {
			if ctx.Err() != nil {
				return ended, errors.Join(err, ctx.Err())
			}
			done, one := s.endDue(ctx, worker, now, id)
			if one != nil {
				err = errors.Join(err, fmt.Errorf("end the line of application %s: %w", id, one))
			}
			if done {
				ended++
			}
			after = id
		}
		if len(due) < linesEndBatch {
			break
		}
	}
	return ended, err
}

// endDue ends one line, unless somebody else was faster.
func (s *Lines) endDue(ctx context.Context, worker domain.Actor, now time.Time, id domain.ID) (done bool, err error) {
	err = s.store.Update(ctx, func(tx Tx) error {
		done = false
		if _, err := tx.LockApplication(ctx, worker.Scope(), id); err != nil {
			return err
		}
		line, err := tx.Line(ctx, worker.Scope(), id)
		if err != nil || line.Status == loan.LineEnded || !line.EndsOn.Before(domain.DateOf(now)) {
			return err
		}
		done = true
		_, err = changeLine(ctx, tx, id, func(l *loan.Line) (loan.Event, error) {
			return l.End(worker, now, "额度到期日 "+line.EndsOn.String()+" 已过")
		})
		return err
	})
	return done && err == nil, err
}

func (s *Lines) keep(ctx context.Context, by domain.Actor, applicationID domain.ID, reason string,
	do func(*loan.Line, domain.Actor, time.Time, string) (loan.Event, error),
) (LineFile, error) {
	if err := checkReason(reason); err != nil {
		return LineFile{}, err
	}
	now := s.now()
	var kept LineFile
	err := s.store.Update(ctx, func(tx Tx) error {
		if _, err := tx.LockApplication(ctx, by.Scope(), applicationID); err != nil {
			return err
		}
		line, err := changeLine(ctx, tx, applicationID, func(l *loan.Line) (loan.Event, error) { return do(l, by, now, reason) })
		if err != nil {
			return err
		}
		kept, err = lineFile(ctx, tx, line.Record())
		return err
	})
	return kept, err
}

// exposureFollows notes what the line ties up of the limits of its borrower and household, where a change made that another sum.
func exposureFollows(ctx context.Context, tx Tx, before, after loan.LineRecord) error {
	if before.Exposure().Equal(after.Exposure()) {
		return nil
	}
	rec, err := tx.Application(ctx, domain.Scope{Everything: true}, after.ApplicationID) // its row is held
	if err != nil {
		return err
	}
	return setExposure(ctx, tx, rec, after.Exposure(), after.UpdatedAt)
}

// openLine is a step of signing: every signed contract has its line from the same transaction on. id names the line in the
// audit trail.
func openLine(ctx context.Context, tx Tx, by domain.Actor, now time.Time, id domain.ID, rec loan.Record, contract loan.Contract) error {
	offered, err := tx.Product(ctx, rec.ProductCode)
	if err != nil {
		return err
	}
	version, err := tx.ProductVersion(ctx, rec.ProductVersionID)
	if err != nil {
		return err
	}
	terms := loan.LineTerms{Revolving: offered.Revolving, DrawMin: version.DrawMin, DrawMax: version.DrawMax}
	line, event, err := loan.OpenLine(by, now, id, contract, terms)
	if err != nil {
		return err
	}
	return tx.InsertLine(ctx, line, event)
}

// changeLine loads a line, changes it and saves it with its event; exposure and the guarantee company's quota follow it. The caller holds the row of the application; so whoever
// pays calls one of the three below beside each change of a payment.
func changeLine(ctx context.Context, tx Tx, applicationID domain.ID, do func(*loan.Line) (loan.Event, error)) (*loan.Line, error) {
	line, err := tx.LockLine(ctx, domain.Scope{Everything: true}, applicationID) // who may reach the case was asked at its application
	if err != nil {
		return nil, err
	}
	before := line.Record()
	event, err := do(line)
	if err != nil {
		return nil, err
	}
	if err := tx.SaveLine(ctx, line, event); err != nil {
		return nil, err
	}
	if err := exposureFollows(ctx, tx, before, line.Record()); err != nil {
		return nil, err
	}
	by := domain.Actor{ID: event.ActorID, Name: event.ActorName, Role: event.ActorRole, BranchID: event.BranchID}
	return line, quotaFollows(ctx, tx, by, event.At, before, line.Record()) // after the exposure: the company's row is locked last
}

// reserveOnLine keeps an amount for a payment that is being asked for, or refuses: "line-exceeded", "line-ended", "line-held".
func reserveOnLine(ctx context.Context, tx Tx, by domain.Actor, now time.Time, applicationID domain.ID, amount money.Amount) error {
	_, err := changeLine(ctx, tx, applicationID, func(l *loan.Line) (loan.Event, error) { return l.Reserve(by, now, amount) })
	return err
}

// giveBackToLine frees what was reserved for a payment that failed or was cancelled.
func giveBackToLine(ctx context.Context, tx Tx, by domain.Actor, now time.Time, applicationID domain.ID, amount money.Amount) error {
	_, err := changeLine(ctx, tx, applicationID, func(l *loan.Line) (loan.Event, error) { return l.GiveBack(by, now, amount) })
	return err
}
