package origination

import (
	"context"
	"time"

	"fumin/domain"
	"fumin/domain/decision"
	"fumin/domain/money"
)

// Limits of shadow runs.
const (
	ShadowsRunningMax = 5                   // at once, of the lender
	ShadowRunMax      = 92 * 24 * time.Hour // a shadow that nobody stops ends by itself
	ShadowGroupsMax   = 50_000              // rows of figures read for one report
)

// ShadowStatus is where a shadow run is (影子运行状态).
type ShadowStatus string

// The statuses; a run that has ended does not start again, another one is started.
const (
	ShadowRunning ShadowStatus = "running" // 运行中
	ShadowStopped ShadowStatus = "stopped" // 已停止
	ShadowFailed  ShadowStatus = "failed"  // 已中止: the candidate could not judge
)

// Label is the status in Chinese.
func (s ShadowStatus) Label() string {
	switch s {
	case ShadowRunning:
		return "运行中"
	case ShadowStopped:
		return "已停止"
	case ShadowFailed:
		return "已中止"
	}
	return string(s)
}

// ShadowAction is what happened to a shadow run.
type ShadowAction string

// The actions.
const (
	ShadowStart  ShadowAction = "start"  // 开始
	ShadowStop   ShadowAction = "stop"   // 停止
	ShadowFail   ShadowAction = "fail"   // 中止
	ShadowExpire ShadowAction = "expire" // 期满
)

// ShadowEvent is one line of a shadow run's history: append-only.
type ShadowEvent struct {
	ShadowID domain.ID
	Number   int // from 1
	Action   ShadowAction
	Actor    domain.Actor
	At       time.Time
	Detail   string // why it ended by itself, Chinese; otherwise empty
}

// Shadow is one run of a candidate rule set beside the rules in force (影子运行): it judges the facts of live decisions after
// they were made, and nothing acts on what it says.
type Shadow struct {
	ID          domain.ID
	RuleSetID   domain.ID
	RuleSetHash string // what the candidate was when it started; one that has changed since judges nothing
	BranchID    domain.ID
	Status      ShadowStatus
	StartedAt   time.Time // decisions from then on
	EndedAt     time.Time // zero while running
	LastError   string    // why it failed, Chinese
	Events      []ShadowEvent

	// The worker's.
	Cursor     PastKey // of the last decision judged; its ID is zero before the first
	LeaseOwner domain.ID
	DueAt      time.Time
	Attempts   int // the fence: whoever has the lease writes with this number
	Failures   int // in a row
}

// ShadowOutcome is what a shadow would have said of one live decision.
type ShadowOutcome struct {
	Decision PastDecision
	Asked    money.Amount
	Judged   bool // false: the stored facts could not be read, and the rest is empty
	Result   decision.Result
	Amount   money.Amount
	Reasons  []string // codes of the rules behind the result
}

// County is the county of the case.
func (o ShadowOutcome) County() string { return county(o.Decision.RegionCode) }

// Band is the number of the step of the amount asked for.
func (o ShadowOutcome) Band() int { return amountBand(o.Asked) }

// ShadowCount adds up outcomes that are alike.
type ShadowCount struct {
	County, ProductCode string
	Band                int // see amountBand
	From, To            decision.Result
	Judged              bool
	Cases               int
	Before, After       money.Amount // sums of the ceilings of approvals
}

// ShadowClaim takes up a due shadow.
type ShadowClaim struct {
	ID        domain.ID
	Attempts  int // as it was read
	Owner     domain.ID
	At, Until time.Time
}

// ShadowReader reads shadow runs (影子运行).
type ShadowReader interface {
	// LatestShadow returns the latest run of a set with its events, or "shadow-not-found". Runs are the lender's, as rule sets are.
	LatestShadow(ctx context.Context, ruleSetID domain.ID) (Shadow, error)
	// Shadow returns one run with its events, or "shadow-not-found".
	Shadow(ctx context.Context, id domain.ID) (Shadow, error)
	// DueShadows lists running shadows that wait for a worker, without their events, the longest waiting first.
	DueShadows(ctx context.Context, at time.Time, limit int) ([]Shadow, error)
	// CountRunningShadows counts the running ones.
	CountRunningShadows(ctx context.Context) (int, error)
	// ShadowCounts adds up the outcomes of cases in the scope, at most ShadowGroupsMax rows.
	ShadowCounts(ctx context.Context, scope domain.Scope, id domain.ID) ([]ShadowCount, error)
	// ShadowMoved lists cases in the scope whose result would be another one, the earliest first.
	ShadowMoved(ctx context.Context, scope domain.Scope, id domain.ID, limit int) ([]MovedCase, error)
}

// ShadowWriter writes shadow runs (影子运行).
type ShadowWriter interface {
	// InsertShadow stores a new run with its first event, or refuses with "shadow-running" when the set has one already.
	InsertShadow(ctx context.Context, s Shadow, event ShadowEvent) error
	// LockShadow returns a run with its events and keeps others from changing it.
	LockShadow(ctx context.Context, id domain.ID) (Shadow, error)
	// ClaimShadow takes up a due shadow; false when another node was faster, or it runs no more.
	ClaimShadow(ctx context.Context, c ShadowClaim) (claimed bool, err error)
	// SaveShadow stores where a run stands, if it still is running with the number of attempts given; false when it is not.
	SaveShadow(ctx context.Context, s Shadow) (saved bool, err error)
	// InsertShadowEvent writes one line of the history.
	InsertShadowEvent(ctx context.Context, event ShadowEvent) error
	// InsertShadowOutcomes stores outcomes; its caller has saved the shadow in the same transaction and so holds it.
	InsertShadowOutcomes(ctx context.Context, id domain.ID, outcomes []ShadowOutcome) error
}

// ShadowReport is a run with what it would have changed so far.
type ShadowReport struct {
	Shadow
	Report ReplayReport // the same figures as a replay's, over the decisions since StartedAt
}

// StartShadow runs a set of any status that compiles silently beside the rules in force (开始影子运行), over what is decided from now
// on. One run a set at a time.
func (s *RuleSets) StartShadow(ctx context.Context, by domain.Actor, key Idempotency, id domain.ID) (started ShadowReport, replayed bool, err error) {
	if err := writesRules(by); err != nil {
		return ShadowReport{}, false, err
	}
	engine, err := s.compiled(ctx, id)
	if err != nil {
		return ShadowReport{}, false, err
	}
	now, shadowID := s.now(), s.newID()
	var shadow Shadow
	err = s.store.Update(ctx, func(tx Tx) error {
		prior, err := tx.ClaimIdempotencyKey(ctx, by.ID, key, shadowID, now)
		if err != nil {
			return err
		}
		if !prior.IsZero() {
			shadow, err = tx.Shadow(ctx, prior)
			replayed = true
			return err
		}
		replayed = false
		running, err := tx.CountRunningShadows(ctx)
		if err != nil {
			return err
		}
		if running >= ShadowsRunningMax {
			return domain.Errorf(domain.KindConflict, "too-many-shadows", "已有 %d 个影子运行，最多同时 %d 个；请先停止一个", running, ShadowsRunningMax)
		}
		shadow = Shadow{
			ID: shadowID, RuleSetID: id, RuleSetHash: engine.Hash(), BranchID: by.BranchID, Status: ShadowRunning, StartedAt: now,
			Cursor: PastKey{DecidedAt: now}, DueAt: now,
		}
		event := ShadowEvent{ShadowID: shadowID, Number: 1, Action: ShadowStart, Actor: by, At: now}
		shadow.Events = []ShadowEvent{event}
		return tx.InsertShadow(ctx, shadow, event)
	})
	if err != nil {
		return ShadowReport{}, false, err
	}
	started, err = s.shadowReport(ctx, by, shadow)
	return started, replayed, err
}

// StopShadow ends the run of a set (停止影子运行). What it found stays. One that has ended already stays as it ended.
func (s *RuleSets) StopShadow(ctx context.Context, by domain.Actor, id domain.ID) (ShadowReport, error) {
	if err := writesRules(by); err != nil {
		return ShadowReport{}, err
	}
	latest, err := s.latestShadow(ctx, id)
	if err != nil {
		return ShadowReport{}, err
	}
	now := s.now()
	var stopped Shadow
	err = s.store.Update(ctx, func(tx Tx) error {
		shadow, err := tx.LockShadow(ctx, latest.ID)
		if err != nil {
			return err
		}
		if shadow.Status == ShadowRunning {
			if err := endShadow(ctx, tx, &shadow, by, now, ShadowStop, ""); err != nil {
				return err
			}
		}
		stopped = shadow
		return nil
	})
	if err != nil {
		return ShadowReport{}, err
	}
	return s.shadowReport(ctx, by, stopped)
}

// endShadow ends a locked, running shadow.
func endShadow(ctx context.Context, tx Tx, s *Shadow, by domain.Actor, at time.Time, action ShadowAction, detail string) error {
	s.Status, s.EndedAt, s.LeaseOwner = ShadowStopped, at, ""
	if action == ShadowFail {
		s.Status, s.LastError = ShadowFailed, detail
	}
	if saved, err := tx.SaveShadow(ctx, *s); err != nil || !saved {
		return err
	}
	event := ShadowEvent{ShadowID: s.ID, Number: len(s.Events) + 1, Action: action, Actor: by, At: at, Detail: detail}
	s.Events = append(s.Events, event)
	return tx.InsertShadowEvent(ctx, event)
}

// ShadowReport returns the latest run of a set with what it would have changed (影子运行报告), of the cases the actor may see.
func (s *RuleSets) ShadowReport(ctx context.Context, by domain.Actor, id domain.ID) (ShadowReport, error) {
	if err := readsRules(by); err != nil {
		return ShadowReport{}, err
	}
	shadow, err := s.latestShadow(ctx, id)
	if err != nil {
		return ShadowReport{}, err
	}
	return s.shadowReport(ctx, by, shadow)
}

func (s *RuleSets) latestShadow(ctx context.Context, ruleSetID domain.ID) (Shadow, error) {
	if _, err := s.store.RuleSet(ctx, ruleSetID); err != nil {
		return Shadow{}, err
	}
	return s.store.LatestShadow(ctx, ruleSetID)
}

// shadowReport adds up what is stored: by the same tallies as a replay, so that both read alike.
func (s *RuleSets) shadowReport(ctx context.Context, by domain.Actor, shadow Shadow) (ShadowReport, error) {
	counts, err := s.store.ShadowCounts(ctx, by.Scope(), shadow.ID)
	if err != nil {
		return ShadowReport{}, err
	}
	sum := newReplaySum()
	for _, c := range counts {
		if !c.Judged {
			sum.unreadable += c.Cases
			continue
		}
		m := moves{from: c.From, to: c.To, cases: c.Cases, before: c.Before, after: c.After}
		sum.count(m, c.County, c.ProductCode, bandKey(c.Band))
	}
	if sum.shown, err = s.store.ShadowMoved(ctx, by.Scope(), shadow.ID, ReplayMovedShown); err != nil {
		return ShadowReport{}, err
	}
	return ShadowReport{Shadow: shadow, Report: sum.report()}, nil
}
