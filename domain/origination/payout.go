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

// PaymentChannel pays and tells what it paid (支付渠道). Its key is the transfer's id: asked twice to pay one id, it pays
// once. Neither method returns an error: whatever is not a definite answer is PaymentUnknown.
type PaymentChannel interface {
	// Pay sends the order, or learns what became of it when it was sent before.
	Pay(ctx context.Context, t loan.TransferRecord) PaymentAnswer
	// Query asks what became of an order and never pays.
	Query(ctx context.Context, t loan.TransferRecord) PaymentAnswer
}

// PaymentState is what the channel says of a payment.
type PaymentState string

// The states. PaymentNotFound is an answer to Query only: the channel has never seen this id. PaymentNotSendable is one of Pay only:
// the order breaks the channel's rules, as it will next time, and nothing was sent.
const (
	PaymentSucceeded   PaymentState = "succeeded"
	PaymentFailed      PaymentState = "failed"
	PaymentUnknown     PaymentState = "unknown"
	PaymentNotFound    PaymentState = "not_found"
	PaymentNotSendable PaymentState = "not_sendable"
)

// PaymentAnswer is an answer of the channel.
type PaymentAnswer struct {
	State     PaymentState
	Reference string    // the channel's own number, when it paid
	PaidAt    time.Time // when the channel booked the money, when it paid and says so; otherwise zero
	Code      string    // why it failed, or why nothing is known
	Reason    string
}

// Payouts carries released transfers to the channel. Any number of nodes may run it: taking one up moves its due time into
// the future, which is the lease, and a dead node's lease comes due by itself.
//
// The way of one transfer: it is marked as sending, with a lease, and that is committed before the channel hears of it. So
// after a crash at any point the next node finds "sending" or "unknown" and asks the channel first. Only a channel that
// says, after ResendAfter, that it has never seen the id is sent the transfer again, under the same id.
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
	Parallel    int           // transfers in flight on this node
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

// Work takes up what is due, Parallel transfers at a time, and returns how many it took up. What goes wrong with a single
// transfer is logged and leaves it due again later; only a failure to find the work is returned. When ctx ends, nothing new
// is taken up, and what was taken up is carried to its answer, which the lease bounds.
func (s *Payouts) Work(ctx context.Context) (taken int, err error) {
	due, err := s.store.DueTransfers(ctx, s.now(), s.limits.Parallel)
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
				s.log.ErrorContext(ctx, "transfer left for the next attempt", slog.Any("transfer_id", d.ID), slog.Any("error", err))
			}
		})
	}
	group.Wait()
	return int(count.Load()), nil
}

// carry takes one transfer up, speaks with the channel outside any transaction, and records the answer. ours says that this
// node took it up.
func (s *Payouts) carry(ctx context.Context, due DueTransfer) (ours bool, err error) {
	t, err := s.take(ctx, due)
	if err != nil {
		return false, errors.Join(err, s.setAside(ctx, due, err))
	}
	if t.rec.ID.IsZero() {
		return false, nil
	}

	var answer PaymentAnswer
	if t.fresh {
		answer = s.channel.Pay(ctx, t.rec)
	} else {
		answer = s.channel.Query(ctx, t.rec)
		// What never reached the channel has not been sent, whatever our record says: a hold keeps it back as well.
		if answer.State == PaymentNotFound && !t.held && s.now().Sub(t.rec.SentAt) >= s.limits.ResendAfter {
			answer = s.channel.Pay(ctx, t.rec)
			// The order never changes, so it was never sent, and the channel says so as well.
			if answer.State == PaymentNotSendable {
				answer.State = PaymentFailed
			}
		}
	}
	return true, s.book(ctx, due, answer)
}

// setAside postpones a transfer that could not even be taken up, because its row cannot be read for one, so that it does not
// stand before the others for ever. It touches nothing but the bookkeeping. A database that is away is tried again as it is.
func (s *Payouts) setAside(ctx context.Context, due DueTransfer, why error) error {
	if unavailable(why) {
		return nil
	}
	attempts := due.Attempts + 1
	return s.store.Update(ctx, func(tx Tx) error {
		return tx.PostponeTransfer(ctx, due.ID, s.now().Add(s.wait(attempts)), attempts, "not-readable")
	})
}

// unavailable reports whether an error says nothing of the work itself: the same may go well a moment later.
func unavailable(err error) bool {
	e, is := errors.AsType[*domain.Error](err)
	return is && e.Kind == domain.KindUnavailable
}

// lastErrorOnHold is why a released transfer has not been sent.
const lastErrorOnHold = "on-hold"

// lastErrorByFile is why a transfer whose result is not known is not asked about: it went out with a payment file.
const lastErrorByFile = "sent-by-file"

// taking is a transfer that this node has taken up; without an id, another node was faster.
type taking struct {
	rec   loan.TransferRecord
	fresh bool // it was marked as sending just now: the channel has not heard of it
	held  bool // a hold is on the case: it may be asked about, and not sent
}

// take leases a due transfer to this node: a released one becomes "sending", any other is only leased, to be asked about.
func (s *Payouts) take(ctx context.Context, due DueTransfer) (taken taking, err error) {
	now := s.now()
	leaseUntil := now.Add(s.limits.Lease)
	err = s.store.Update(ctx, func(tx Tx) error {
		taken = taking{}
		_, d, err := s.lock(ctx, tx, due)
		if err != nil {
			return err
		}
		t, ours := d.Record().Transfer(due.ID)
		if !ours || t.WorkDueAt.IsZero() || t.WorkDueAt.After(now) {
			return nil
		}
		if t.Payee, err = tx.TransferPayee(ctx, t.ID); err != nil {
			return err
		}
		hold, held, err := tx.HeldUntil(ctx, due.ApplicationID, now)
		if err != nil {
			return err
		}
		if t.Status != loan.TransferReleased {
			filed, err := tx.InPaymentFile(ctx, t.ID)
			if err != nil {
				return err
			}
			if filed { // the bank has it in a file: this channel does not know it and must never be sent it
				return tx.PostponeTransfer(ctx, t.ID, time.Time{}, t.Attempts, lastErrorByFile)
			}
			t.Attempts++
			if err := tx.PostponeTransfer(ctx, t.ID, leaseUntil, t.Attempts, t.LastError); err != nil {
				return err
			}
			taken = taking{rec: t, held: held}
			return nil
		}
		if held { // held, not failed: it goes on when the hold ends
			return tx.PostponeTransfer(ctx, t.ID, hold.Until, t.Attempts, lastErrorOnHold)
		}
		events, err := d.Send(s.worker, now, leaseUntil, t.ID)
		if err != nil {
			return err
		}
		if err := tx.SaveDisbursement(ctx, d, events); err != nil {
			return err
		}
		sent, _ := d.Record().Transfer(t.ID)
		sent.Payee = t.Payee
		taken = taking{rec: sent, fresh: true}
		return nil
	})
	return taken, err
}

// lock locks the application first and then its disbursement, as every transaction does.
func (s *Payouts) lock(ctx context.Context, tx Tx, due DueTransfer) (*loan.Application, *loan.Disbursement, error) {
	app, err := tx.LockApplication(ctx, s.worker.Scope(), due.ApplicationID)
	if err != nil {
		return nil, nil, err
	}
	d, err := tx.LockDisbursement(ctx, s.worker.Scope(), due.DisbursementID)
	return app, d, err
}

// lastErrorNotBooked begins why an answer of the channel could not be recorded, which the rest tells the person who must act.
const lastErrorNotBooked = "not-booked"

// lastErrorRunesMax is what the column holds.
const lastErrorRunesMax = 200

// book is settle, and where the answer cannot be recorded it leaves the reason at the transfer, whose result then is not known:
// nothing is lost, because the channel answers the same when it is asked again. The error is returned all the same.
func (s *Payouts) book(ctx context.Context, due DueTransfer, answer PaymentAnswer) error {
	err := s.settle(ctx, due, answer)
	if err == nil || unavailable(err) {
		return err
	}
	return errors.Join(err, s.notBooked(ctx, due, answer, err))
}

// notBooked records why. Who sent a transfer by file is not asked again by the worker, nor who was asked too often.
func (s *Payouts) notBooked(ctx context.Context, due DueTransfer, answer PaymentAnswer, why error) error {
	now := s.now()
	return s.store.Update(ctx, func(tx Tx) error {
		_, d, err := s.lock(ctx, tx, due)
		if err != nil {
			return err
		}
		t, ours := d.Record().Transfer(due.ID)
		if !ours || (t.Status != loan.TransferSending && t.Status != loan.TransferUnknown) {
			return nil
		}
		filed, err := tx.InPaymentFile(ctx, t.ID)
		if err != nil {
			return err
		}
		var again time.Time
		if !filed && t.Attempts < s.limits.AttemptsMax {
			again = now.Add(s.wait(t.Attempts))
		}
		reason := notBookedReason(answer, why)
		if t.Status == loan.TransferUnknown {
			return tx.PostponeTransfer(ctx, t.ID, again, t.Attempts, reason)
		}
		events, err := d.Lose(s.worker, now, again, t.ID, reason)
		if err != nil {
			return err
		}
		return tx.SaveDisbursement(ctx, d, events)
	})
}

// notBookedReason is for a person: what the channel said, and what stands against it. The text of an error of the program's own
// is for the log, which has it.
func notBookedReason(answer PaymentAnswer, why error) string {
	detail := "系统内部错误，请联系系统管理员查看日志"
	if e, is := errors.AsType[*domain.Error](why); is {
		detail = e.Detail
	}
	said := "支付失败"
	if answer.State == PaymentSucceeded {
		said = "已付款"
	}
	return clipped(lastErrorNotBooked+"：渠道答复"+said+"，但未能入账："+detail, lastErrorRunesMax)
}

// settle records what the channel said of a transfer, and what follows from it for the disbursement and its case.
func (s *Payouts) settle(ctx context.Context, due DueTransfer, answer PaymentAnswer) error {
	now := s.now()
	return s.store.Update(ctx, func(tx Tx) error {
		app, d, err := s.lock(ctx, tx, due)
		if err != nil {
			return err
		}
		t, ours := d.Record().Transfer(due.ID)
		if !ours || (t.Status != loan.TransferSending && t.Status != loan.TransferUnknown) {
			return nil // another node, asking after our lease had ended, has recorded the answer already
		}
		var events []loan.Event
		switch answer.State {
		case PaymentSucceeded:
			events, err = d.Succeed(s.worker, now, t.ID, answer.Reference)
		case PaymentFailed:
			events, err = d.Fail(s.worker, now, t.ID, answer.Code, answer.Reason)
		case PaymentUnknown, PaymentNotFound, PaymentNotSendable:
			return s.askAgain(ctx, tx, now, d, t, answer)
		default:
			return s.askAgain(ctx, tx, now, d, t, answer)
		}
		if err != nil {
			return err
		}
		if err := tx.SaveDisbursement(ctx, d, events); err != nil {
			return err
		}
		if err := s.onLine(ctx, tx, now, due, t, answer); err != nil {
			return err
		}
		return arrive(ctx, tx, s.worker, now, app, d.Record())
	})
}

// onLine records on the line and its notes what became of a transfer.
func (s *Payouts) onLine(ctx context.Context, tx Tx, now time.Time, due DueTransfer, t loan.TransferRecord, answer PaymentAnswer) error {
	if answer.State == PaymentFailed {
		return giveBackToLine(ctx, tx, s.worker, now, due.ApplicationID, t.Amount)
	}
	return noteOnArrival(ctx, tx, s.worker, now, arrival{
		ApplicationID: due.ApplicationID, DisbursementID: due.DisbursementID, TransferID: t.ID, Amount: t.Amount,
		On: paidOn(answer.PaidAt, t.SentAt, now),
	})
}

// paidOn is the day on which the money arrived (起息日): the channel's, also where its answer was lost and known only days later.
// It is never before the payment was sent nor after today, whatever the channel's clock says; without its word it is today.
func paidOn(paidAt, sentAt, now time.Time) domain.Date {
	today, sent := domain.DateOf(now), domain.DateOf(sentAt)
	switch on := domain.DateOf(paidAt); {
	case paidAt.IsZero() || on.After(today):
		return today
	case !sentAt.IsZero() && on.Before(sent):
		return sent
	default:
		return on
	}
}

// arrive is what follows when the last transfer of a disbursement is settled and money has reached somebody. The case moves
// only where it waits for money: what the channel has paid is recorded whatever became of the case meanwhile. It is a
// consequence, so it is done with the system's role, also beside a person who cancels what was left.
func arrive(ctx context.Context, tx Tx, by domain.Actor, now time.Time, app *loan.Application, d loan.DisbursementRecord) error {
	if !d.Status.Settled() || d.Arrived().IsZero() {
		return nil
	}
	by.Role = domain.RoleSystem
	if app.May(by, loan.ActionDisburse) == nil {
		disbursed, err := app.Disburse(by, now, d)
		if err != nil {
			return err
		}
		if err := saveCase(ctx, tx, app, disbursed); err != nil {
			return err
		}
	}
	version, err := tx.ProductVersion(ctx, app.Record().ProductVersionID)
	if err != nil {
		return err
	}
	return tx.InsertObligation(ctx, loan.OweEvidence(now, d, version.EvidenceDays()))
}

// askAgain leaves the transfer unknown and plans the next question. The first time is a deed with an event; later ones are
// bookkeeping.
func (s *Payouts) askAgain(ctx context.Context, tx Tx, now time.Time, d *loan.Disbursement, t loan.TransferRecord, answer PaymentAnswer) error {
	again := now.Add(s.wait(t.Attempts))
	reason := answer.Code
	if reason == "" {
		reason = string(answer.State)
	}
	if t.Status == loan.TransferSending {
		events, err := d.Lose(s.worker, now, again, t.ID, reason)
		if err != nil {
			return err
		}
		return tx.SaveDisbursement(ctx, d, events)
	}
	if t.Attempts >= s.limits.AttemptsMax {
		s.log.ErrorContext(ctx, "transfer unknown after all attempts: a person must recheck it",
			slog.String("transfer_id", t.ID.String()))
		again = time.Time{}
	}
	return tx.PostponeTransfer(ctx, t.ID, again, t.Attempts, reason)
}

// wait doubles from RetryFirst to RetryMost.
func (s *Payouts) wait(attempts int) time.Duration {
	wait := s.limits.RetryFirst
	for range min(attempts-1, 30) {
		wait = min(2*wait, s.limits.RetryMost)
	}
	return wait
}
