package origination

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"fumin/domain"
	"fumin/domain/decision"
)

// Times and sizes of the shadow worker.
const (
	// ShadowDelay is how long after a decision a shadow looks at it. Decisions are stored in another order than that of their
	// times; a request has 15 seconds (api.RequestTimeoutDefault) to store its own, and nodes' clocks differ a little. After a
	// minute none can appear before the cursor any more.
	ShadowDelay       = time.Minute
	shadowPage        = 500 // decisions judged and stored in one transaction
	shadowsLookedAt   = 2 * ShadowsRunningMax
	shadowLease       = 30 * time.Second
	shadowRunMax      = 20 * time.Second // less than the lease
	shadowPause       = 15 * time.Second // between two looks when there is nothing more to judge
	shadowFailuresMax = 8
)

// ShadowWorker lets shadows judge what was decided (影子运行). It reads stored decisions and writes nothing but what the
// shadow would have said, so it can neither hold up nor change a live decision. Any number may run, on any number of nodes:
// a shadow is taken up by an UPDATE that counts the attempts, and every write names that number.
type ShadowWorker struct {
	store   Store
	now     domain.Clock
	worker  domain.Actor
	log     *slog.Logger
	engines *engines
}

// NewShadowWorker builds the worker. nodeID names this process in the history.
func NewShadowWorker(store Store, now domain.Clock, nodeID domain.ID, log *slog.Logger) *ShadowWorker {
	return &ShadowWorker{
		store: store, now: now, log: log, engines: newEngines(),
		worker: domain.Actor{ID: nodeID, Name: "影子运行任务", Role: domain.RoleSystem},
	}
}

// Work takes up one due shadow, if there is one, and lets it judge one page. What goes wrong with the shadow is recorded with
// it; only a failure to find work is returned.
func (w *ShadowWorker) Work(ctx context.Context) (worked bool, err error) {
	due, err := w.store.DueShadows(ctx, w.now(), shadowsLookedAt)
	if err != nil {
		return false, err
	}
	for _, s := range due {
		now := w.now()
		claim := ShadowClaim{ID: s.ID, Attempts: s.Attempts, Owner: w.worker.ID, At: now, Until: now.Add(shadowLease)}
		claimed := false
		err := w.store.Update(ctx, func(tx Tx) (err error) {
			claimed, err = tx.ClaimShadow(ctx, claim)
			return err
		})
		if err != nil {
			return false, err
		}
		if !claimed {
			continue
		}
		s.Attempts, s.LeaseOwner, s.DueAt = s.Attempts+1, claim.Owner, claim.Until
		bounded, cancel := context.WithTimeout(ctx, shadowRunMax)
		err = w.page(bounded, s)
		cancel()
		if err != nil {
			err = errors.Join(err, w.failed(ctx, s))
			w.log.ErrorContext(ctx, "shadow left for the next attempt", slog.Any("shadow_id", s.ID), slog.Any("error", err))
		}
		return true, nil
	}
	return false, nil
}

// page judges the next decisions and stores what the candidate says of them, with where the run stands now.
func (w *ShadowWorker) page(ctx context.Context, s Shadow) error {
	now := w.now()
	if now.Sub(s.StartedAt) >= ShadowRunMax {
		return w.end(ctx, s, ShadowExpire, fmt.Sprintf("已运行 %d 天，到期停止", ShadowRunMax/(24*time.Hour)))
	}
	v, err := w.store.RuleSet(ctx, s.RuleSetID)
	if err != nil {
		return err
	}
	if v.Hash != s.RuleSetHash {
		return w.end(ctx, s, ShadowFail, "规则集在影子运行开始之后已被修改，请重新开始")
	}
	engine, err := w.engines.of(v)
	if err != nil { // the facts have changed with a release
		return w.end(ctx, s, ShadowFail, "规则集已不能通过校验，请重新校验后再开始")
	}
	filter := PastFilter{From: s.StartedAt, Until: now.Add(-ShadowDelay), ProductCode: v.Product, RegionPrefix: v.RegionPrefix}
	decisions, err := w.store.PastDecisions(ctx, domain.Scope{Everything: true}, filter, s.Cursor, shadowPage)
	if err != nil {
		return err
	}
	active, err := activeRuleSets(ctx, w.store)
	if err != nil {
		return err
	}
	s.Failures, s.LeaseOwner, s.DueAt = 0, "", now
	if len(decisions) < shadowPage {
		s.DueAt = now.Add(shadowPause)
	}
	if len(decisions) > 0 {
		last := decisions[len(decisions)-1]
		s.Cursor = PastKey{last.DecidedAt, last.ID}
	}
	decisions = ownCases(v.RuleSetHead, active, decisions)
	outcomes := make([]ShadowOutcome, len(decisions))
	for i, d := range decisions {
		if outcomes[i], err = judgeInShadow(engine, d); err != nil {
			return err
		}
	}
	return w.store.Update(ctx, func(tx Tx) error {
		saved, err := tx.SaveShadow(ctx, s)
		if err != nil || !saved { // stopped meanwhile, or another node has it
			return err
		}
		return tx.InsertShadowOutcomes(ctx, s.ID, outcomes)
	})
}

// judgeInShadow judges one stored decision. Facts that cannot be read are counted; a panic is the shadow's failure and not
// the node's.
func judgeInShadow(engine *decision.Engine, d PastDecision) (o ShadowOutcome, err error) {
	defer func() {
		if recovered := recover(); recovered != nil {
			err = fmt.Errorf("shadow over decision %s panicked: %v\n%s", d.ID, recovered, debug.Stack())
		}
	}()
	o = ShadowOutcome{Decision: d, Reasons: []string{}}
	facts, unreadable := d.Facts()
	if unreadable != nil { // it is in the report
		return o, nil
	}
	outcome := engine.Evaluate(facts)
	o.Judged, o.Result, o.Reasons = true, outcome.Result, reasonCodes(outcome)
	o.Asked, _ = facts.Amount.Value()
	if o.Result == decision.Approve {
		o.Amount = outcome.AmountMax
	}
	return o, nil
}

// end ends a run by itself.
func (w *ShadowWorker) end(ctx context.Context, s Shadow, action ShadowAction, detail string) error {
	return w.store.Update(ctx, func(tx Tx) error {
		locked, err := tx.LockShadow(ctx, s.ID)
		if err != nil || locked.Status != ShadowRunning || locked.Attempts != s.Attempts {
			return err
		}
		return endShadow(ctx, tx, &locked, w.worker, w.now(), action, detail)
	})
}

// failed counts a failure, and ends a shadow that fails again and again. A node that is stopping counts nothing.
func (w *ShadowWorker) failed(ctx context.Context, s Shadow) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // the node stops, and another goes on
	}
	s.Failures++
	if s.Failures >= shadowFailuresMax {
		return w.end(ctx, s, ShadowFail, "系统内部错误，已记入日志；请稍后重新开始，仍失败时联系系统管理员")
	}
	return w.store.Update(ctx, func(tx Tx) error {
		locked, err := tx.LockShadow(ctx, s.ID)
		if err != nil || locked.Status != ShadowRunning || locked.Attempts != s.Attempts {
			return err
		}
		locked.Failures, locked.LeaseOwner, locked.DueAt = s.Failures, "", w.now().Add(shadowPause<<min(s.Failures, 6))
		_, err = tx.SaveShadow(ctx, locked)
		return err
	})
}
