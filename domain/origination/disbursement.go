package origination

import (
	"context"
	"time"

	"fumin/domain"
	"fumin/domain/loan"
)

// DisbursementReader reads payments.
type DisbursementReader interface {
	// Disbursement returns one, or "disbursement-not-found".
	Disbursement(ctx context.Context, scope domain.Scope, id domain.ID) (loan.DisbursementRecord, error)
	// Disbursements lists a page, newest first.
	Disbursements(ctx context.Context, scope domain.Scope, filter DisbursementFilter, page domain.Page) ([]loan.DisbursementRecord, error)
	// DueDisbursements lists what a worker should take up at the time, the longest due first.
	DueDisbursements(ctx context.Context, at time.Time, limit int) ([]DueDisbursement, error)
}

// DisbursementWriter writes payments, each with its event.
type DisbursementWriter interface {
	// LockDisbursement returns a payment and keeps others from changing it until the transaction ends, or
	// "disbursement-not-found".
	LockDisbursement(ctx context.Context, scope domain.Scope, id domain.ID) (*loan.Disbursement, error)
	// InsertDisbursement refuses with "disbursement-exists" while the application has a live one.
	InsertDisbursement(ctx context.Context, d *loan.Disbursement, event loan.Event) error
	// SaveDisbursement refuses with "stale-version" when the stored version is not the one before d's.
	SaveDisbursement(ctx context.Context, d *loan.Disbursement, event loan.Event) error
	// PostponeDisbursement moves the next attempt and remembers why; a zero time stops the attempts until a person asks. A
	// payment with no work to do has none to postpone, unless it waits for that person.
	PostponeDisbursement(ctx context.Context, id domain.ID, dueAt time.Time, attempts int, lastError string) error
}

// DisbursementFilter narrows a list; zero fields do not.
type DisbursementFilter struct {
	Status        loan.DisbursementStatus
	ApplicationID domain.ID
}

// DueDisbursement names work to do, and the application that is locked before it.
type DueDisbursement struct {
	ID            domain.ID
	ApplicationID domain.ID
	Attempts      int
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

// Request makes the intent to pay what the contract says (放款申请). replayed says that this key had made it before.
func (s *Disbursements) Request(ctx context.Context, by domain.Actor, key Idempotency, applicationID domain.ID) (requested loan.DisbursementRecord, replayed bool, err error) {
	now := s.now()
	id := s.newID()
	err = s.store.Update(ctx, func(tx Tx) error {
		// The application first: callers with one key then wait for it one after another, and not for the key, where those
		// who waited for a refused one would deadlock.
		app, err := tx.LockApplication(ctx, by.Scope(), applicationID)
		if err != nil {
			return err
		}
		prior, err := tx.ClaimIdempotencyKey(ctx, by.ID, key, id, now)
		if err != nil {
			return err
		}
		if !prior.IsZero() {
			requested, err = tx.Disbursement(ctx, by.Scope(), prior)
			replayed = true
			return err
		}

		contract, err := tx.Contract(ctx, by.Scope(), applicationID)
		if err != nil && domain.CodeOf(err) != "contract-not-found" { // without one the status refuses below
			return err
		}
		d, event, err := loan.RequestDisbursement(by, now, id, app.Record(), contract)
		if err != nil {
			return err
		}
		if err := mayPay(ctx, tx, payment{Step: paymentRequested, At: now, Application: app.Record(), Contract: contract, Disbursement: d.Record()}); err != nil {
			return err
		}
		if err := tx.InsertDisbursement(ctx, d, event); err != nil {
			return err
		}
		requested, replayed = d.Record(), false
		return nil
	})
	return requested, replayed, err
}

// Release lets the money go, by a second person (放行). The payment is sent by a worker after this has been committed.
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
		event, err := d.Release(by, now, app.Record())
		if err != nil {
			return err
		}
		contract, err := tx.Contract(ctx, by.Scope(), d.Record().ApplicationID)
		if err != nil {
			return err
		}
		if err := mayPay(ctx, tx, payment{Step: paymentReleased, At: now, Application: app.Record(), Contract: contract, Disbursement: d.Record()}); err != nil {
			return err
		}
		if err := tx.SaveDisbursement(ctx, d, event); err != nil {
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

// Cancel stops a payment that was not released yet.
func (s *Disbursements) Cancel(ctx context.Context, by domain.Actor, id domain.ID, reason string) (loan.DisbursementRecord, error) {
	if err := checkReason(reason); err != nil {
		return loan.DisbursementRecord{}, err
	}
	now := s.now()
	var cancelled loan.DisbursementRecord
	err := s.store.Update(ctx, func(tx Tx) error {
		_, d, err := lockDisbursement(ctx, tx, by, id)
		if err != nil {
			return err
		}
		event, err := d.Cancel(by, now, reason)
		if err != nil {
			return err
		}
		if err := tx.SaveDisbursement(ctx, d, event); err != nil {
			return err
		}
		cancelled = d.Record()
		return nil
	})
	return cancelled, err
}

// Recheck asks the channel again, now, about a payment whose outcome is unknown: what a person does when the worker has
// given up asking. It never sends the payment again by itself.
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
		rec.WorkDueAt, rec.Attempts = now, 0
		if err := tx.PostponeDisbursement(ctx, id, rec.WorkDueAt, rec.Attempts, rec.LastError); err != nil {
			return err
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
	found, err := tx.Disbursement(ctx, by.Scope(), id) // unlocked: only to learn which application to lock
	if err != nil {
		return nil, nil, err
	}
	app, err := tx.LockApplication(ctx, by.Scope(), found.ApplicationID)
	if err != nil {
		return nil, nil, err
	}
	d, err := tx.LockDisbursement(ctx, by.Scope(), id)
	return app, d, err
}
