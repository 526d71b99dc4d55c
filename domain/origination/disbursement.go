package origination

import (
	"context"
	"slices"
	"time"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
)

// DisbursementReader reads disbursements and their transfers.
type DisbursementReader interface {
	TrancheReader
	ReversalReader
	ObligationReader

	// Disbursement returns one with its transfers, without their accounts, or "disbursement-not-found".
	Disbursement(ctx context.Context, scope domain.Scope, id domain.ID) (loan.DisbursementRecord, error)
	// DisbursementCase returns only the application that a disbursement belongs to, or "disbursement-not-found".
	DisbursementCase(ctx context.Context, scope domain.Scope, id domain.ID) (applicationID domain.ID, err error)
	// Disbursements lists a page, newest first.
	Disbursements(ctx context.Context, scope domain.Scope, filter DisbursementFilter, page domain.Page) ([]loan.DisbursementRecord, error)
	// DisbursementsOfCase lists all of an application that has been read within its scope, oldest first: one more than
	// loan.DisbursementsOfOneCaseMax at most.
	DisbursementsOfCase(ctx context.Context, applicationID domain.ID) ([]loan.DisbursementRecord, error)
	// TransferPayee opens the seal of a transfer's account, or "transfer-not-found".
	TransferPayee(ctx context.Context, id domain.ID) (loan.Payee, error)
	// DueTransfers lists what a worker should take up at the time, the longest due first.
	DueTransfers(ctx context.Context, at time.Time, limit int) ([]DueTransfer, error)
}

// DisbursementWriter writes disbursements and their transfers, each change with its event.
type DisbursementWriter interface {
	TrancheWriter
	ReversalWriter
	ObligationWriter

	// LockDisbursement returns a disbursement and keeps others from changing it or its transfers until the transaction
	// ends, or "disbursement-not-found".
	LockDisbursement(ctx context.Context, scope domain.Scope, id domain.ID) (*loan.Disbursement, error)
	// InsertDisbursement stores a new one with its transfers.
	InsertDisbursement(ctx context.Context, d *loan.Disbursement, events []loan.Event) error
	// SaveDisbursement stores what the events name of the disbursement and its transfers. It refuses with "stale-version"
	// when a stored version is not the one before.
	SaveDisbursement(ctx context.Context, d *loan.Disbursement, events []loan.Event) error
	// PostponeTransfer moves the next attempt and remembers why; a zero time stops the attempts until a person asks. A
	// transfer with no work to do has none to postpone, unless it waits for that person.
	PostponeTransfer(ctx context.Context, id domain.ID, dueAt time.Time, attempts int, lastError string) error
}

// DisbursementFilter narrows a list; zero fields do not.
type DisbursementFilter struct {
	Status        loan.DisbursementStatus
	ApplicationID domain.ID
}

// DueTransfer names work to do, and what is locked before it.
type DueTransfer struct {
	ID             domain.ID
	DisbursementID domain.ID
	ApplicationID  domain.ID
	Attempts       int
}

// Disbursements are the use cases of the money's way that people ask for; Payouts does the worker's half.
type Disbursements struct {
	store Store
	now   domain.Clock
	newID func() domain.ID
	wake  func()
}

// NewDisbursements builds the use cases. wake is called after a release has been committed, so that the worker need not
// wait for its next look; it must not block.
func NewDisbursements(store Store, now domain.Clock, newID func() domain.ID, wake func()) *Disbursements {
	return &Disbursements{store: store, now: now, newID: newID, wake: wake}
}

// RequestDisbursement asks that money be paid. Without payees everything goes to the borrower's own account: Amount of it, or
// when that is zero the tranche, or all that the contract has left.
type RequestDisbursement struct {
	ApplicationID domain.ID
	Tranche       int // 期次; 0 where the contract has no plan
	Amount        money.Amount
	Payees        []loan.PayeeOrder // their ids are made here
}

// Request makes the intent to pay (放款申请). replayed says that this key had made it before.
func (s *Disbursements) Request(ctx context.Context, by domain.Actor, key Idempotency, cmd RequestDisbursement) (requested loan.DisbursementRecord, replayed bool, err error) {
	now := s.now()
	order := loan.PaymentOrder{ID: s.newID(), Tranche: cmd.Tranche, Payees: slices.Clone(cmd.Payees)}
	for i := range order.Payees {
		order.Payees[i].ID = s.newID()
	}
	if len(order.Payees) == 0 {
		order.Payees = []loan.PayeeOrder{{ID: s.newID(), Method: loan.SelfPayment, Amount: cmd.Amount}}
	}
	err = s.store.Update(ctx, func(tx Tx) error {
		// The application first: callers with one key then wait for it one after another, and not for the key, where those
		// who waited for a refused one would deadlock.
		app, err := tx.LockApplication(ctx, by.Scope(), cmd.ApplicationID)
		if err != nil {
			return err
		}
		prior, err := tx.ClaimIdempotencyKey(ctx, by.ID, key, order.ID, now)
		if err != nil {
			return err
		}
		if !prior.IsZero() {
			requested, err = tx.Disbursement(ctx, by.Scope(), prior)
			replayed = true
			return err
		}
		if err := loan.MayRequest(by, app.Record()); err != nil {
			return err
		}
		rec, err := s.request(ctx, tx, by, now, app.Record(), order)
		if err != nil {
			return err
		}
		requested, replayed = rec, false
		return nil
	})
	return requested, replayed, err
}

// request is what Request and Draw do while the application is locked, after they have asked who may.
func (s *Disbursements) request(ctx context.Context, tx Tx, by domain.Actor, now time.Time, app loan.Record, order loan.PaymentOrder) (loan.DisbursementRecord, error) {
	contract, err := tx.Contract(ctx, by.Scope(), app.ID)
	if err != nil {
		return loan.DisbursementRecord{}, err
	}
	line, err := tx.Line(ctx, by.Scope(), app.ID)
	if err != nil {
		return loan.DisbursementRecord{}, err
	}
	before, err := tx.DisbursementsOfCase(ctx, app.ID)
	if err != nil {
		return loan.DisbursementRecord{}, err
	}
	fitted, err := fitOrder(order, line, len(before))
	if err != nil {
		return loan.DisbursementRecord{}, err
	}
	if namesNobody(order) {
		if err := checkSellersNamed(ctx, tx, contract); err != nil {
			return loan.DisbursementRecord{}, err
		}
	}
	d, events, err := loan.RequestDisbursement(by, now, app, contract, fitted)
	if err != nil {
		return loan.DisbursementRecord{}, err
	}
	rec := d.Record()
	if err := checkContractPayees(ctx, tx, contract, line, rec, before); err != nil {
		return loan.DisbursementRecord{}, err
	}
	if err := checkEntrusted(ctx, tx, app, line, rec, before); err != nil {
		return loan.DisbursementRecord{}, err
	}
	if err := mayPay(ctx, tx, payment{Step: paymentRequested, AskedBy: by.Role, At: now, Application: app, Contract: contract, Disbursement: rec}); err != nil {
		return loan.DisbursementRecord{}, err
	}
	if err := reserveOnLine(ctx, tx, by, now, app.ID, rec.Amount); err != nil {
		return loan.DisbursementRecord{}, err
	}
	return rec, tx.InsertDisbursement(ctx, d, events)
}

// fitOrder completes an order that names no amount by all that the line has free, and refuses one when nothing is. More than
// is free is refused where it is reserved.
func fitOrder(order loan.PaymentOrder, line loan.LineRecord, before int) (loan.PaymentOrder, error) {
	free := line.Free()
	if free.Sign() <= 0 {
		return order, domain.Errorf(domain.KindConflict, "disbursement-exists", "额度已全部在办理放款或已放款，不能重复申请")
	}
	if before >= loan.DisbursementsOfOneCaseMax {
		return order, domain.Errorf(domain.KindConflict, "too-many-disbursements", "一笔业务最多 %d 次放款，请联系放款岗核对", loan.DisbursementsOfOneCaseMax)
	}
	if namesNobody(order) {
		order.Payees = []loan.PayeeOrder{order.Payees[0]} // a copy: the transaction may run again
		order.Payees[0].Amount = free
	}
	return order, nil
}

// namesNobody reports whether all that is free is asked for, to the borrower.
func namesNobody(order loan.PaymentOrder) bool {
	return len(order.Payees) == 1 && order.Payees[0].Amount.IsZero() && order.Payees[0].Method == loan.SelfPayment
}

// Release lets the money go, by a second person (放行). It is sent by a worker after this has been committed.
func (s *Disbursements) Release(ctx context.Context, by domain.Actor, key Idempotency, id domain.ID) (released loan.DisbursementRecord, replayed bool, err error) {
	now := s.now()
	err = s.store.Update(ctx, func(tx Tx) error {
		app, d, err := lockDisbursement(ctx, tx, by, id) // first, as in Request
		if err != nil {
			return err
		}
		prior, err := tx.ClaimIdempotencyKey(ctx, by.ID, key, id, now)
		if err != nil {
			return err
		}
		if !prior.IsZero() {
			released, err = tx.Disbursement(ctx, by.Scope(), prior)
			replayed = true
			return err
		}
		if err := release(ctx, tx, by, now, app, d); err != nil {
			return err
		}
		released, replayed = d.Record(), false
		return nil
	})
	if err == nil {
		s.wake()
	}
	return released, replayed, err
}

// release is what Release does while the application and the disbursement are locked.
func release(ctx context.Context, tx Tx, by domain.Actor, now time.Time, app *loan.Application, d *loan.Disbursement) error {
	others, err := whoJudged(ctx, tx, app.Record())
	if err != nil {
		return err
	}
	events, err := d.Release(by, now, app.Record(), others...)
	if err != nil {
		return err
	}
	contract, err := tx.Contract(ctx, by.Scope(), app.Record().ID)
	if err != nil {
		return err
	}
	if err := mayPay(ctx, tx, payment{Step: paymentReleased, AskedBy: by.Role, At: now, Application: app.Record(), Contract: contract, Disbursement: d.Record()}); err != nil {
		return err
	}
	return tx.SaveDisbursement(ctx, d, events)
}

// whoJudged are those who investigated a case, and those who voted on it in the committee.
func whoJudged(ctx context.Context, r Reader, rec loan.Record) ([]domain.ID, error) {
	people, err := r.Investigators(ctx, rec.ID)
	if err != nil || rec.DecisionID.IsZero() {
		return people, err
	}
	votes, err := r.Votes(ctx, rec.ID, rec.DecisionID)
	for _, v := range votes {
		people = append(people, v.MemberID)
	}
	return people, err
}

// Cancel stops what the channel has not heard of yet: all of a disbursement, or of a released one the transfers that were not
// sent.
func (s *Disbursements) Cancel(ctx context.Context, by domain.Actor, id domain.ID, reason string) (loan.DisbursementRecord, error) {
	if err := checkReason(reason); err != nil {
		return loan.DisbursementRecord{}, err
	}
	now := s.now()
	var cancelled loan.DisbursementRecord
	err := s.store.Update(ctx, func(tx Tx) error {
		app, d, err := lockDisbursement(ctx, tx, by, id)
		if err != nil {
			return err
		}
		live := d.Record().Live()
		events, err := d.Cancel(by, now, reason)
		if err != nil {
			return err
		}
		if err := tx.SaveDisbursement(ctx, d, events); err != nil {
			return err
		}
		if err := giveBackToLine(ctx, tx, by, now, d.Record().ApplicationID, live.Sub(d.Record().Live())); err != nil {
			return err
		}
		if err := arrive(ctx, tx, by, now, app, d.Record()); err != nil {
			return err
		}
		cancelled = d.Record()
		return nil
	})
	return cancelled, err
}

// Recheck asks the channel again, now, about transfers whose outcome is unknown: what a person does when the worker has
// given up asking. It never sends
// one again by itself.
func (s *Disbursements) Recheck(ctx context.Context, by domain.Actor, id domain.ID) (loan.DisbursementRecord, error) {
	if err := by.Require(domain.RoleDisbursementOfficer); err != nil {
		return loan.DisbursementRecord{}, err
	}
	now := s.now()
	var rechecked loan.DisbursementRecord
	err := s.store.Update(ctx, func(tx Tx) error {
		_, d, err := lockDisbursement(ctx, tx, by, id)
		if err != nil {
			return err
		}
		rec := d.Record()
		if rec.Status != loan.DisbursementUnknown {
			return domain.Errorf(domain.KindConflict, "wrong-status", "这笔放款目前处于「%s」，只有结果未知的才需要重新查询", rec.Status.Label())
		}
		for i, t := range rec.Transfers {
			if t.Status != loan.TransferUnknown {
				continue
			}
			rec.Transfers[i].WorkDueAt, rec.Transfers[i].Attempts = now, 0
			if err := tx.PostponeTransfer(ctx, t.ID, now, 0, t.LastError); err != nil {
				return err
			}
		}
		rechecked = rec
		return nil
	})
	if err == nil {
		s.wake()
	}
	return rechecked, err
}

// Disbursement returns one payment in the actor's scope.
func (s *Disbursements) Disbursement(ctx context.Context, by domain.Actor, id domain.ID) (loan.DisbursementRecord, error) {
	return s.store.Disbursement(ctx, by.Scope(), id)
}

// Disbursements lists payments in the actor's scope, newest first.
func (s *Disbursements) Disbursements(ctx context.Context, by domain.Actor, filter DisbursementFilter, page domain.Page) ([]loan.DisbursementRecord, error) {
	return s.store.Disbursements(ctx, by.Scope(), filter, page)
}

// lockDisbursement locks the application first and then its payment, always in that order.
func lockDisbursement(ctx context.Context, tx Tx, by domain.Actor, id domain.ID) (*loan.Application, *loan.Disbursement, error) {
	applicationID, err := tx.DisbursementCase(ctx, by.Scope(), id) // unlocked: only to learn which application to lock
	if err != nil {
		return nil, nil, err
	}
	app, err := tx.LockApplication(ctx, by.Scope(), applicationID)
	if err != nil {
		return nil, nil, err
	}
	d, err := tx.LockDisbursement(ctx, by.Scope(), id)
	return app, d, err
}
