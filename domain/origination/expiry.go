package origination

import (
	"context"
	"log/slog"
	"time"

	"fumin/domain"
	"fumin/domain/loan"
)

// An approval's validity in days, and its bounds.
const (
	ApprovalValidDaysDefault = 30
	ApprovalValidDaysMin     = 1
	ApprovalValidDaysMax     = 365
)

// approvalEnds is the first instant at which an approval counts no more: whole days of 24 hours after it was given, the same
// for the worker that ends it and for whoever would sign.
func approvalEnds(approvedAt time.Time, validDays int) time.Time {
	return approvedAt.Add(time.Duration(validDays) * 24 * time.Hour)
}

// stillValid refuses to sign what was approved too long ago, also before the worker has come by.
func (s *Applications) stillValid(rec loan.Record, now time.Time) error {
	return approvalValid(rec, now, s.approvalValidDays)
}

func approvalValid(rec loan.Record, now time.Time, validDays int) error {
	if now.Before(approvalEnds(rec.Approval.ApprovedAt, validDays)) {
		return nil
	}
	return domain.Errorf(domain.KindRule, "approval-expired",
		"批准已超过 %d 天，不能再签约：情况可能已变，请重新申请", validDays)
}

// Expiry ends approvals that were not signed in time (批准失效), so that what they had reserved is free again. Any number of
// nodes may run it.
type Expiry struct {
	store     Store
	now       domain.Clock
	worker    domain.Actor
	log       *slog.Logger
	validDays int
}

// Bounds of one round of the worker: what is left over waits for the next.
const (
	expiryBatch      = 50
	expiryBatchesMax = 40
)

// NewExpiry builds the worker. nodeID names this process in the audit trail.
func NewExpiry(store Store, now domain.Clock, nodeID domain.ID, log *slog.Logger, validDays int) *Expiry {
	return &Expiry{
		store: store, now: now, log: log, validDays: validDays,
		worker: domain.Actor{ID: nodeID, Name: "批准失效任务", Role: domain.RoleSystem},
	}
}

// DueApproval is an approval that is to end; the zero value stands before all of them.
type DueApproval struct {
	ApplicationID domain.ID
	ApprovedAt    time.Time
}

// Work ends what is due, each case in a transaction of its own, and returns how many it ended. What goes wrong with a single
// case is logged and leaves it due for the next time; the others behind it do not wait for it.
func (s *Expiry) Work(ctx context.Context) (ended int, err error) {
	now := s.now()
	var last DueApproval
	for range expiryBatchesMax {
		due, err := s.store.DueApprovals(ctx, approvalEnds(now, -s.validDays), last, expiryBatch)
		if err != nil {
			return ended, err
		}
		for _, d := range due {
			if ctx.Err() != nil {
				return ended, ctx.Err()
			}
			expired, err := s.expire(ctx, d.ApplicationID, now)
			if err != nil {
				s.log.ErrorContext(ctx, "an approval could not be ended, will be tried again",
					slog.String("application_id", d.ApplicationID.String()), slog.Any("error", err))
			}
			if expired {
				ended++
			}
			last = d
		}
		if len(due) < expiryBatch {
			break
		}
	}
	return ended, nil
}

// expire ends one approval, unless somebody signed or withdrew it, or another node was faster.
func (s *Expiry) expire(ctx context.Context, id domain.ID, now time.Time) (expired bool, err error) {
	err = s.store.Update(ctx, func(tx Tx) error {
		expired = false
		app, err := tx.LockApplication(ctx, s.worker.Scope(), id)
		if err != nil {
			return err
		}
		rec := app.Record()
		if rec.Status != loan.StatusApproved || now.Before(approvalEnds(rec.Approval.ApprovedAt, s.validDays)) {
			return nil
		}
		event, err := app.Expire(s.worker, now, s.validDays)
		if err != nil {
			return err
		}
		if err := saveCase(ctx, tx, app, event); err != nil {
			return err
		}
		expired = true
		return nil
	})
	return expired, err
}
