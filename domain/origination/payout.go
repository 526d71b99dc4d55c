package origination

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"fumin/domain"
	"fumin/domain/loan"
)

// PaymentChannel pays and tells what it paid (支付渠道). Its key is the disbursement's id: asked twice to pay one id, it pays
// once. Neither method returns an error: whatever is not a definite answer is PaymentUnknown.
type PaymentChannel interface {
	// Pay sends the order, or learns what became of it when it was sent before.
	Pay(ctx context.Context, d loan.DisbursementRecord) PaymentAnswer
	// Query asks what became of an order and never pays.
	Query(ctx context.Context, d loan.DisbursementRecord) PaymentAnswer
}

// PaymentState is what the channel says of a payment.
type PaymentState string

// The states. PaymentNotFound is an answer to Query only: the channel has never seen this id.
const (
	PaymentSucceeded PaymentState = "succeeded"
	PaymentFailed    PaymentState = "failed"
	PaymentUnknown   PaymentState = "unknown"
	PaymentNotFound  PaymentState = "not_found"
)

// PaymentAnswer is an answer of the channel.
type PaymentAnswer struct {
	State     PaymentState
	Reference string // the channel's own number, when it paid
	Code      string // why it failed, or why nothing is known
	Reason    string
}

// Payouts carries released payments to the channel. Any number of nodes may run it: taking one up moves its due time into
// the future, which is the lease, and a dead node's lease comes due by itself.
//
// The way of one payment: it is marked as sending, with a lease, and that is committed before the channel hears of it. So
// after a crash at any point the next node finds "sending" or "unknown" and asks the channel first. Only a channel that
// says, after ResendAfter, that it has never seen the id is sent the payment again, under the same id.
type Payouts struct {
	store   Store
	now     domain.Clock
	channel PaymentChannel
	worker  domain.Actor
	log     *slog.Logger
	limits  PayoutLimits
}

// PayoutLimits bounds the work.
type PayoutLimits struct {
	Parallel    int           // payments in flight on this node
	Lease       time.Duration // longer than the channel's time-out; after it another node takes over
	ResendAfter time.Duration // how long the channel may still be receiving what was sent
	RetryFirst  time.Duration // the wait after the first unknown answer; it doubles
	RetryMost   time.Duration // and stops growing here
	AttemptsMax int           // after that many answers without a result a person must ask for another (重新查询)
}

// DefaultPayoutLimits suit a channel that answers within seconds: asked for up to about two days. ResendAfter may be short,
// because sending again is under the same id, which the channel pays at most once; giving up on an id is another matter,
// and no program does it.
func DefaultPayoutLimits() PayoutLimits {
	return PayoutLimits{
		Parallel: 8, Lease: 15 * time.Second, ResendAfter: 10 * time.Second,
		RetryFirst: time.Second, RetryMost: 10 * time.Minute, AttemptsMax: 300,
	}
}

// NewPayouts builds the worker's half of the money's way. nodeID names this process in the audit trail.
func NewPayouts(store Store, now domain.Clock, channel PaymentChannel, nodeID domain.ID, log *slog.Logger, limits PayoutLimits) *Payouts {
	return &Payouts{
		store: store, now: now, channel: channel, log: log, limits: limits,
		worker: domain.Actor{ID: nodeID, Name: "放款任务", Role: domain.RoleSystem},
	}
}

// Work takes up what is due, Parallel payments at a time, and returns how many it took up. What goes wrong with a single
// payment is logged and leaves it due again later; only a failure to find the work is returned. When ctx ends, nothing new
// is taken up, and what was taken up is carried to its answer, which the lease bounds.
func (s *Payouts) Work(ctx context.Context) (taken int, err error) {
	due, err := s.store.DueDisbursements(ctx, s.now(), s.limits.Parallel)
	if err != nil {
		return 0, err
	}
	var group sync.WaitGroup
	var count atomic.Int64
	for _, d := range due {
		group.Go(func() {
			if ctx.Err() != nil {
				return
			}
			carrying, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.limits.Lease)
			defer cancel()
			ours, err := s.carry(carrying, d)
			if ours {
				count.Add(1)
			}
			if err != nil {
				s.log.ErrorContext(ctx, "payment left for the next attempt", slog.Any("disbursement_id", d.ID), slog.Any("error", err))
			}
		})
	}
	group.Wait()
	return int(count.Load()), nil
}

// carry takes one payment up, speaks with the channel outside any transaction, and records the answer. ours says that this
// node took it up.
func (s *Payouts) carry(ctx context.Context, due DueDisbursement) (ours bool, err error) {
	rec, fresh, err := s.take(ctx, due)
	if err != nil {
		return false, errors.Join(err, s.setAside(ctx, due, err))
	}
	if rec.ID.IsZero() {
		return false, nil
	}

	var answer PaymentAnswer
	if fresh {
		answer = s.channel.Pay(ctx, rec)
	} else {
		answer = s.channel.Query(ctx, rec)
		if answer.State == PaymentNotFound && s.now().Sub(rec.SentAt) >= s.limits.ResendAfter {
			answer = s.channel.Pay(ctx, rec)
		}
	}
	return true, s.settle(ctx, due, answer)
}

// setAside postpones a payment that could not even be taken up, because its row cannot be read for one, so that it does not
// stand before the others for ever. It touches nothing but the bookkeeping. A database that is away is tried again as it is.
func (s *Payouts) setAside(ctx context.Context, due DueDisbursement, why error) error {
	if e, ok := errors.AsType[*domain.Error](why); ok && e.Kind == domain.KindUnavailable {
		return nil
	}
	attempts := due.Attempts + 1
	return s.store.Update(ctx, func(tx Tx) error {
		return tx.PostponeDisbursement(ctx, due.ID, s.now().Add(s.wait(attempts)), attempts, "not-readable")
	})
}

// take leases a due payment to this node: a released one becomes "sending", any other is only leased, to be asked about.
// A zero record says that another node was faster.
func (s *Payouts) take(ctx context.Context, due DueDisbursement) (taken loan.DisbursementRecord, fresh bool, err error) {
	now := s.now()
	leaseUntil := now.Add(s.limits.Lease)
	err = s.store.Update(ctx, func(tx Tx) error {
		taken, fresh = loan.DisbursementRecord{}, false
		if _, err := tx.LockApplication(ctx, s.worker.Scope(), due.ApplicationID); err != nil { // first, as everywhere
			return err
		}
		d, err := tx.LockDisbursement(ctx, s.worker.Scope(), due.ID)
		if err != nil {
			return err
		}
		rec := d.Record()
		if rec.WorkDueAt.IsZero() || rec.WorkDueAt.After(now) {
			return nil
		}
		if rec.Status != loan.DisbursementReleased {
			rec.Attempts++
			if err := tx.PostponeDisbursement(ctx, rec.ID, leaseUntil, rec.Attempts, rec.LastError); err != nil {
				return err
			}
			taken = rec
			return nil
		}
		event, err := d.Send(s.worker, now, leaseUntil)
		if err != nil {
			return err
		}
		if err := tx.SaveDisbursement(ctx, d, event); err != nil {
			return err
		}
		taken, fresh = d.Record(), true
		return nil
	})
	return taken, fresh, err
}

// settle records what the channel said: the application first, then its payment, as every transaction locks them.
func (s *Payouts) settle(ctx context.Context, due DueDisbursement, answer PaymentAnswer) error {
	now := s.now()
	return s.store.Update(ctx, func(tx Tx) error {
		app, err := tx.LockApplication(ctx, s.worker.Scope(), due.ApplicationID)
		if err != nil {
			return err
		}
		d, err := tx.LockDisbursement(ctx, s.worker.Scope(), due.ID)
		if err != nil {
			return err
		}
		if status := d.Record().Status; status != loan.DisbursementSending && status != loan.DisbursementUnknown {
			return nil // another node, asking after our lease had ended, has recorded the answer already
		}
		switch answer.State {
		case PaymentSucceeded:
			return s.succeed(ctx, tx, now, app, d, answer)
		case PaymentFailed:
			event, err := d.Fail(s.worker, now, answer.Code, answer.Reason)
			if err != nil {
				return err
			}
			return tx.SaveDisbursement(ctx, d, event)
		case PaymentUnknown, PaymentNotFound:
		}
		return s.askAgain(ctx, tx, now, d, answer)
	})
}

func (s *Payouts) succeed(ctx context.Context, tx Tx, now time.Time, app *loan.Application, d *loan.Disbursement, answer PaymentAnswer) error {
	paid, err := d.Succeed(s.worker, now, answer.Reference)
	if err != nil {
		return err
	}
	if err := tx.SaveDisbursement(ctx, d, paid); err != nil {
		return err
	}
	disbursed, err := app.Disburse(s.worker, now, d.Record())
	if err != nil {
		return err
	}
	return saveCase(ctx, tx, app, disbursed)
}

// askAgain leaves the payment unknown and plans the next question. The first time is a deed with an event; later ones are
// bookkeeping.
func (s *Payouts) askAgain(ctx context.Context, tx Tx, now time.Time, d *loan.Disbursement, answer PaymentAnswer) error {
	rec := d.Record()
	again := now.Add(s.wait(rec.Attempts))
	reason := answer.Code
	if reason == "" {
		reason = string(answer.State)
	}
	if rec.Status == loan.DisbursementSending {
		event, err := d.Lose(s.worker, now, again, reason)
		if err != nil {
			return err
		}
		return tx.SaveDisbursement(ctx, d, event)
	}
	if rec.Attempts >= s.limits.AttemptsMax {
		s.log.ErrorContext(ctx, "payment unknown after all attempts: a person must recheck it",
			slog.String("disbursement_id", rec.ID.String()))
		again = time.Time{}
	}
	return tx.PostponeDisbursement(ctx, rec.ID, again, rec.Attempts, reason)
}

// wait doubles from RetryFirst to RetryMost.
func (s *Payouts) wait(attempts int) time.Duration {
	wait := s.limits.RetryFirst
	for range min(attempts-1, 30) {
		wait = min(2*wait, s.limits.RetryMost)
	}
	return wait
}
