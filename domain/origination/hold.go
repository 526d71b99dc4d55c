package origination

import (
	"context"
	"errors"
	"time"

	"fumin/domain"
	"fumin/domain/loan"
)

// HoldReader reads holds on money (冻结/静置).
type HoldReader interface {
	// Hold returns one, or "hold-not-found".
	Hold(ctx context.Context, scope domain.Scope, id domain.ID) (loan.HoldRecord, error)
	// Holds lists a page, newest first.
	Holds(ctx context.Context, scope domain.Scope, filter HoldFilter, page domain.Page) ([]loan.HoldRecord, error)
	// HeldUntil returns the hold of an application that lasts longest after the time; false when none is live.
	HeldUntil(ctx context.Context, applicationID domain.ID, at time.Time) (loan.HoldRecord, bool, error)
	// HoldsEnded lists holds whose time has passed and that nobody has noted yet.
	HoldsEnded(ctx context.Context, at time.Time, limit int) ([]loan.HoldRecord, error)
}

// HoldWriter writes holds on money (冻结/静置), each with its event.
type HoldWriter interface {
	// InsertHold stores a new hold.
	InsertHold(ctx context.Context, h *loan.Hold, event loan.Event) error
	// SaveHold refuses with "stale-version" when the stored version is not the one before h's.
	SaveHold(ctx context.Context, h *loan.Hold, event loan.Event) error
	// WakeTransfers makes the released transfers of an application due at the time.
	WakeTransfers(ctx context.Context, applicationID domain.ID, at time.Time) error
}

// HoldFilter narrows a list; zero fields do not.
type HoldFilter struct {
	LiveAt        time.Time // those that stop money at the time
	ApplicationID domain.ID
}

// Holds are the use cases of holds on money (冻结/静置).
type Holds struct {
	store Store
	now   domain.Clock
	newID func() domain.ID
}

// NewHolds builds the use cases.
func NewHolds(store Store, now domain.Clock, newID func() domain.ID) *Holds {
	return &Holds{store: store, now: now, newID: newID}
}

// PlaceHold asks for a hold.
type PlaceHold struct {
	ApplicationID domain.ID
	Reason        string
	Until         time.Time
}

// Place stops all payments of a case that the channel has not heard of: no request, no release, no sending (冻结).
func (s *Holds) Place(ctx context.Context, by domain.Actor, key Idempotency, cmd PlaceHold) (placed loan.HoldRecord, replayed bool, err error) {
	now, id := s.now(), s.newID()
	err = s.store.Update(ctx, func(tx Tx) error {
		app, err := tx.LockApplication(ctx, by.Scope(), cmd.ApplicationID)
		if err != nil {
			return err
		}
		prior, err := tx.ClaimIdempotencyKey(ctx, by.ID, key, id, now)
		if err != nil {
			return err
		}
		if !prior.IsZero() {
			placed, err = tx.Hold(ctx, by.Scope(), prior)
			replayed = true
			return err
		}
		if open, err := openForMoney(ctx, tx, app.Record(), domain.DateOf(now)); err != nil {
			return err
		} else if !open {
			return domain.Errorf(domain.KindConflict, "wrong-status", "申请已结案，额度已终止，也没有在途付款，没有可以冻结的放款")
		}
		h, event, err := loan.PlaceHold(by, now, id, app.Record(), cmd.Reason, cmd.Until)
		if err != nil {
			return err
		}
		if err := tx.InsertHold(ctx, h, event); err != nil {
			return err
		}
		placed, replayed = h.Record(), false
		return nil
	})
	return placed, replayed, err
}

// openForMoney reports whether a case is not closed, or money of it may still move: a revolving line is drawn from after its case
// was closed, and what was released before is carried to its end.
func openForMoney(ctx context.Context, r Reader, rec loan.Record, today domain.Date) (bool, error) {
	if rec.Status != loan.StatusClosed {
		return true, nil
	}
	line, err := r.Line(ctx, domain.Scope{Everything: true}, rec.ID) // who may reach the case was asked at its application
	return line.MayPayOn(today), err
}

// Release ends a hold before its time, by a second person (解除冻结). What it held back is due at once.
func (s *Holds) Release(ctx context.Context, by domain.Actor, id domain.ID, reason string) (loan.HoldRecord, error) {
	if err := checkReason(reason); err != nil {
		return loan.HoldRecord{}, err
	}
	now := s.now()
	var released loan.HoldRecord
	err := s.store.Update(ctx, func(tx Tx) error {
		h, err := lockHold(ctx, tx, by, id)
		if err != nil {
			return err
		}
		event, err := h.Release(by, now, reason)
		if err != nil {
			return err
		}
		if err := tx.SaveHold(ctx, h, event); err != nil {
			return err
		}
		if err := tx.WakeTransfers(ctx, h.Record().ApplicationID, now); err != nil {
			return err
		}
		released = h.Record()
		return nil
	})
	return released, err
}

// Hold returns one hold in the actor's scope, to staff of the lender.
func (s *Holds) Hold(ctx context.Context, by domain.Actor, id domain.ID) (loan.HoldRecord, error) {
	if err := by.Require(lenderReaders()...); err != nil {
		return loan.HoldRecord{}, err
	}
	return s.store.Hold(ctx, by.Scope(), id)
}

// Holds lists holds in the actor's scope, newest first; live ones only when asked. Who is paid is not told why his money is held: a
// hold may follow a report of a suspicious transaction, which is secret (反洗钱法, 泄密禁止).
func (s *Holds) Holds(ctx context.Context, by domain.Actor, live bool, applicationID domain.ID, page domain.Page) ([]loan.HoldRecord, error) {
	if err := by.Require(lenderReaders()...); err != nil {
		return nil, err
	}
	filter := HoldFilter{ApplicationID: applicationID}
	if live {
		filter.LiveAt = s.now()
	}
	return s.store.Holds(ctx, by.Scope(), filter, page)
}

// Now is the time by which the views say whether a hold is live.
func (s *Holds) Now() time.Time { return s.now() }

// holdsEndedMax is how many ended holds one look notes.
const holdsEndedMax = 100

// EndDue notes holds whose time has passed (冻结到期), and returns how many. They stopped holding at their time, noted or not.
func (s *Holds) EndDue(ctx context.Context) (ended int, err error) {
	worker := domain.Actor{ID: s.newID(), Name: "冻结任务", Role: domain.RoleSystem}
	now := s.now()
	due, err := s.store.HoldsEnded(ctx, now, holdsEndedMax)
	if err != nil {
		return 0, err
	}
	for _, d := range due {
		one := s.store.Update(ctx, func(tx Tx) error {
			h, err := lockHold(ctx, tx, worker, d.ID)
			if err != nil {
				return err
			}
			if h.Record().Status != loan.HoldLive {
				return nil // another node was faster
			}
			event, err := h.End(worker, now)
			if err != nil {
				return err
			}
			if err := tx.SaveHold(ctx, h, event); err != nil {
				return err
			}
			return tx.WakeTransfers(ctx, d.ApplicationID, now)
		})
		if one == nil {
			ended++
		}
		err = errors.Join(err, one)
	}
	return ended, err
}

// lockHold locks the application first, as everywhere; the hold changes only under that lock.
func lockHold(ctx context.Context, tx Tx, by domain.Actor, id domain.ID) (*loan.Hold, error) {
	found, err := tx.Hold(ctx, by.Scope(), id)
	if err != nil {
		return nil, err
	}
	if _, err := tx.LockApplication(ctx, by.Scope(), found.ApplicationID); err != nil {
		return nil, err
	}
	found, err = tx.Hold(ctx, by.Scope(), id) // as it is now
	if err != nil {
		return nil, err
	}
	return loan.RestoreHold(found)
}

// checkNoHold refuses while a hold is live.
func checkNoHold(ctx context.Context, r Reader, p payment) error {
	hold, held, err := r.HeldUntil(ctx, p.Application.ID, p.At)
	if err != nil || !held {
		return err
	}
	if p.AskedBy == domain.RoleBorrower { // neither why nor by whom
		return domain.Errorf(domain.KindRule, "payment-held", "这笔业务暂时不能办理，请联系您的客户经理")
	}
	return domain.Errorf(domain.KindRule, "payment-held", "这笔业务的放款已冻结至 %s：%s；须由冻结人以外的人解除，或等到期",
		hold.Until.In(domain.BusinessZone).Format("2006-01-02 15:04"), hold.Reason)
}
