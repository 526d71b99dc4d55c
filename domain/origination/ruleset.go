package origination

import (
	"context"
	"time"

	"fumin/domain"
	"fumin/domain/decision"
)

// RuleSetReader reads the rule sets by which applications are decided (规则集). They are the lender's, so there is no scope.
type RuleSetReader interface {
	ShadowReader

	// RuleSet returns one version, or "rule-set-not-found".
	RuleSet(ctx context.Context, id domain.ID) (decision.RuleSetVersion, error)
	// RuleSets lists a page of versions without their definitions, newest first.
	RuleSets(ctx context.Context, filter RuleSetFilter, page domain.Page) ([]decision.RuleSetHead, error)
	// RuleSetsFor lists the active versions for a product and a region, of any date: those for all products too, at most
	// RuleSetsPerScopeMax of each scope.
	RuleSetsFor(ctx context.Context, productCode, region string) ([]decision.RuleSetHead, error)
	// RuleSetEvents returns the history of one version in the order in which it happened.
	RuleSetEvents(ctx context.Context, id domain.ID) ([]RuleSetEvent, error)
	// PastDecisions returns decisions of cases in the scope, by time and id, those after a key, at most limit.
	PastDecisions(ctx context.Context, scope domain.Scope, filter PastFilter, after PastKey, limit int) ([]PastDecision, error)
	// CountPastDecisions counts them all.
	CountPastDecisions(ctx context.Context, scope domain.Scope, filter PastFilter) (int64, error)
	// Replay returns one replay of a set with how far its job is, or "replay-not-found".
	Replay(ctx context.Context, scope domain.Scope, ruleSetID, id domain.ID) (Replay, error)
	// Replays lists the latest replays of a set without their reports, newest first, at most ReplaysShown.
	Replays(ctx context.Context, scope domain.Scope, ruleSetID domain.ID) ([]Replay, error)
	// LastRuleSetNumber returns the highest number of a family; 0: there is none.
	LastRuleSetNumber(ctx context.Context, code string) (int, error)
}

// RuleSetWriter writes the rule sets by which applications are decided (规则集).
type RuleSetWriter interface {
	ShadowWriter

	// LockRuleSet returns one version and keeps others from changing it until the transaction ends.
	LockRuleSet(ctx context.Context, id domain.ID) (decision.RuleSetVersion, error)
	// LockRuleSetScope locks every version for a product ("" for all products) and a region prefix, and returns their heads.
	LockRuleSetScope(ctx context.Context, productCode, regionPrefix string) ([]decision.RuleSetHead, error)
	// InsertRuleSet stores a new version; false when one with its id is there already. Another with its code and number is
	// "stale-version".
	InsertRuleSet(ctx context.Context, s decision.RuleSetVersion) (inserted bool, err error)
	// SaveRuleSet stores the content and life of a version that is not in use yet, or is put into use now. It refuses with
	// "stale-version" when the stored revision is not the one before, and with "rule-set-conflict" when another active one of
	// the scope begins on its day.
	SaveRuleSet(ctx context.Context, s decision.RuleSetVersion, event RuleSetEvent) error
	// CloseRuleSet stores the day on which an active version ends, and nothing else of it.
	CloseRuleSet(ctx context.Context, h decision.RuleSetHead, event RuleSetEvent) error
	// InsertReplay stores that a replay was asked for; its job is stored already.
	InsertReplay(ctx context.Context, r Replay) error
	// SaveReplayReport stores what a replay has found; a later attempt of its job writes the same again.
	SaveReplayReport(ctx context.Context, id domain.ID, report ReplayReport, at time.Time) error
	// InsertRuleSetEvent writes one line of the history.
	InsertRuleSetEvent(ctx context.Context, event RuleSetEvent) error
}

// Limits of rule sets.
const (
	RuleSetsPerScopeMax = 500
	RuleSetEventsMax    = 1000
	RuleSetCodeMax      = 40
)

// RuleSetFilter narrows a list; zero fields do not.
type RuleSetFilter struct {
	Status decision.RuleSetStatus
	Code   string
}

// RuleSetAction is what somebody did to a rule set.
type RuleSetAction string

// The actions.
const (
	RuleSetDrafted   RuleSetAction = "draft"    // 起草
	RuleSetEdited    RuleSetAction = "edit"     // 修改
	RuleSetChecked   RuleSetAction = "validate" // 校验
	RuleSetActivated RuleSetAction = "activate" // 启用
	RuleSetEnded     RuleSetAction = "close"    // 由后一版本接替
	RuleSetWasLoaded RuleSetAction = "load"     // 安装
)

// RuleSetEvent is one line of a rule set's history (规则集变更记录): append-only, one a revision.
type RuleSetEvent struct {
	RuleSetID domain.ID
	Revision  int
	Action    RuleSetAction
	ActorID   domain.ID
	ActorName string
	ActorRole domain.Role
	At        time.Time
	Status    decision.RuleSetStatus // after it
	Hash      string                 // of the definition after it
	From, To  domain.Date            // the days on which it holds, after it
}

// RuleSets are the use cases of the rule sets by which applications are decided (规则集).
type RuleSets struct {
	store   Store
	now     domain.Clock
	newID   func() domain.ID
	jobs    *Jobs
	engines *engines
}

// NewRuleSets builds the use cases. Replays run as jobs.
func NewRuleSets(store Store, now domain.Clock, newID func() domain.ID, jobs *Jobs) *RuleSets {
	return &RuleSets{store: store, now: now, newID: newID, jobs: jobs, engines: newEngines()}
}

// writesRules are who drafts, checks and activates; each step of one set by whom its life allows.
func writesRules(by domain.Actor) error { return by.Require(domain.RoleRiskManager, domain.RoleAdmin) }

// readsRules are who sees rule sets, drafts as well.
func readsRules(by domain.Actor) error {
	return by.Require(domain.RoleRiskManager, domain.RoleAdmin, domain.RoleAuditor, domain.RoleSystem)
}

// DraftRuleSet starts a version: the next of a family, or the first of a new one.
type DraftRuleSet struct {
	Code    string
	Content decision.RuleSetContent
}

// Draft starts a version of a rule set (起草规则集). A draft may still be wrong; Check says where.
func (s *RuleSets) Draft(ctx context.Context, by domain.Actor, key Idempotency, cmd DraftRuleSet) (drafted decision.RuleSetVersion, replayed bool, err error) {
	if err := writesRules(by); err != nil {
		return decision.RuleSetVersion{}, false, err
	}
	if err := cmd.Content.Validate(); err != nil {
		return decision.RuleSetVersion{}, false, err
	}
	now, id := s.now(), s.newID()
	err = s.store.Update(ctx, func(tx Tx) error {
		prior, err := tx.ClaimIdempotencyKey(ctx, by.ID, key, id, now)
		if err != nil {
			return err
		}
		if !prior.IsZero() {
			drafted, err = tx.RuleSet(ctx, prior)
			replayed = true
			return err
		}
		if err := scopeExists(ctx, tx, cmd.Content); err != nil {
			return err
		}
		last, err := tx.LastRuleSetNumber(ctx, cmd.Code)
		if err != nil {
			return err
		}
		v := newRuleSet(id, cmd.Code, last+1, by, now, cmd.Content)
		if _, err := tx.InsertRuleSet(ctx, v); err != nil {
			return err
		}
		if err := tx.InsertRuleSetEvent(ctx, ruleSetEvent(by, now, v.RuleSetHead, RuleSetDrafted)); err != nil {
			return err
		}
		drafted, replayed = v, false
		return nil
	})
	return drafted, replayed, err
}

func newRuleSet(id domain.ID, code string, number int, by domain.Actor, at time.Time, c decision.RuleSetContent) decision.RuleSetVersion {
	return decision.RuleSetVersion{Definition: c.Definition, RuleSetHead: decision.RuleSetHead{
		ID: id, Code: code, Number: number, Title: c.Definition.Title, Hash: c.Definition.Hash(),
		Product: c.Product, RegionPrefix: c.RegionPrefix, EffectiveFrom: c.EffectiveFrom,
		Status: decision.RuleSetDraft, MadeBy: by.ID, MadeAt: at, Revision: 1,
	}}
}

// scopeExists refuses a set for a product that is not there.
func scopeExists(ctx context.Context, r Reader, c decision.RuleSetContent) error {
	if c.Product == "" {
		return nil
	}
	_, err := r.Product(ctx, c.Product)
	return notFoundAt("/product_code", err)
}

// EditRuleSet replaces the content of a draft, if it still has the revision its maker saw.
type EditRuleSet struct {
	ID       domain.ID
	Revision int
	Content  decision.RuleSetContent
}

// Edit changes a set that is not in use; only its maker may. A validated one becomes a draft again.
func (s *RuleSets) Edit(ctx context.Context, by domain.Actor, cmd EditRuleSet) (decision.RuleSetVersion, error) {
	if err := cmd.Content.Validate(); err != nil {
		return decision.RuleSetVersion{}, err
	}
	return s.change(ctx, by, cmd.ID, func(tx Tx, v decision.RuleSetVersion, at time.Time) (decision.RuleSetVersion, RuleSetAction, error) {
		if err := scopeExists(ctx, tx, cmd.Content); err != nil {
			return v, "", err
		}
		edited, err := v.Edit(by.ID, at, cmd.Content)
		if err != nil {
			return v, "", err
		}
		return edited, RuleSetEdited, sameRuleSetRevision(v, cmd.Revision)
	})
}

func sameRuleSetRevision(v decision.RuleSetVersion, seen int) error {
	if v.Revision != seen {
		return domain.Errorf(domain.KindConflict, "precondition-failed",
			"规则集已被修改（当前修订号 %d，您看到的是 %d），请重新读取、核对后再办理", v.Revision, seen)
	}
	return nil
}

// Check compiles a draft (校验) and marks it as ready for the second person; the error names every place that is wrong, an
// expression's with line and column. One that is validated already stays as it is.
func (s *RuleSets) Check(ctx context.Context, by domain.Actor, id domain.ID) (decision.RuleSetVersion, error) {
	return s.change(ctx, by, id, func(_ Tx, v decision.RuleSetVersion, _ time.Time) (decision.RuleSetVersion, RuleSetAction, error) {
		checked, err := v.Check()
		if v.Status == decision.RuleSetValidated {
			return v, "", err
		}
		return checked, RuleSetChecked, err
	})
}

// ActivateRuleSet puts a set into use from a day on, if it still is what the second person looked at.
type ActivateRuleSet struct {
	ID            domain.ID
	Revision      int
	EffectiveFrom domain.Date
}

// Activate puts a validated set into use (启用) by a second person. The set before it for the same product and region ends on
// that day, in the same transaction and with all sets of that scope locked.
func (s *RuleSets) Activate(ctx context.Context, by domain.Actor, cmd ActivateRuleSet) (decision.RuleSetVersion, error) {
	seen, err := s.store.RuleSet(ctx, cmd.ID) // which scope to lock; what it says is read again below
	if err != nil {
		return decision.RuleSetVersion{}, err
	}
	var others []decision.RuleSetHead
	lock := func(tx Tx) (err error) { // all of the scope first: of two activations one waits for the other
		others, err = tx.LockRuleSetScope(ctx, seen.Product, seen.RegionPrefix)
		return err
	}
	return s.changeAfter(ctx, by, cmd.ID, lock, func(tx Tx, v decision.RuleSetVersion, at time.Time) (decision.RuleSetVersion, RuleSetAction, error) {
		activation, err := v.Activate(by.ID, at, cmd.EffectiveFrom, others)
		if err != nil {
			return v, "", err
		}
		if err := sameRuleSetRevision(v, cmd.Revision); err != nil {
			return v, "", err
		}
		if c := activation.Closed; c != nil {
			c.Revision++
			if err := tx.CloseRuleSet(ctx, *c, ruleSetEvent(by, at, *c, RuleSetEnded)); err != nil {
				return v, "", err
			}
		}
		return activation.Activated, RuleSetActivated, nil
	})
}

// changeRuleSet is what a step of a set's life does with the locked set: it returns the next one, and an empty action when
// there is nothing to save.
type changeRuleSet func(tx Tx, v decision.RuleSetVersion, at time.Time) (decision.RuleSetVersion, RuleSetAction, error)

func (s *RuleSets) change(ctx context.Context, by domain.Actor, id domain.ID, do changeRuleSet) (decision.RuleSetVersion, error) {
	return s.changeAfter(ctx, by, id, func(Tx) error { return nil }, do)
}

// changeAfter is the shape of every step of a set's life: lock it, after what has to be locked before, do, save with the event.
func (s *RuleSets) changeAfter(ctx context.Context, by domain.Actor, id domain.ID, lock func(Tx) error, do changeRuleSet) (decision.RuleSetVersion, error) {
	if err := writesRules(by); err != nil {
		return decision.RuleSetVersion{}, err
	}
	now := s.now()
	var changed decision.RuleSetVersion
	err := s.store.Update(ctx, func(tx Tx) error {
		if err := lock(tx); err != nil {
			return err
		}
		v, err := tx.LockRuleSet(ctx, id)
		if err != nil {
			return err
		}
		next, action, err := do(tx, v, now)
		if err != nil {
			return err
		}
		if action != "" {
			next.Revision = v.Revision + 1
			if err := tx.SaveRuleSet(ctx, next, ruleSetEvent(by, now, next.RuleSetHead, action)); err != nil {
				return err
			}
		}
		changed = next
		return nil
	})
	return changed, err
}

func ruleSetEvent(by domain.Actor, at time.Time, h decision.RuleSetHead, action RuleSetAction) RuleSetEvent {
	return RuleSetEvent{
		RuleSetID: h.ID, Revision: h.Revision, Action: action, ActorID: by.ID, ActorName: by.Name, ActorRole: by.Role, At: at,
		Status: h.Status, Hash: h.Hash, From: h.EffectiveFrom, To: h.EffectiveTo,
	}
}

// RuleSet returns one version.
func (s *RuleSets) RuleSet(ctx context.Context, by domain.Actor, id domain.ID) (decision.RuleSetVersion, error) {
	if err := readsRules(by); err != nil {
		return decision.RuleSetVersion{}, err
	}
	return s.store.RuleSet(ctx, id)
}

// RuleSets lists a page of versions, newest first.
func (s *RuleSets) RuleSets(ctx context.Context, by domain.Actor, filter RuleSetFilter, page domain.Page) ([]decision.RuleSetHead, error) {
	if err := readsRules(by); err != nil {
		return nil, err
	}
	return s.store.RuleSets(ctx, filter, page)
}

// History returns what happened to one version.
func (s *RuleSets) History(ctx context.Context, by domain.Actor, id domain.ID) ([]RuleSetEvent, error) {
	if err := readsRules(by); err != nil {
		return nil, err
	}
	if _, err := s.store.RuleSet(ctx, id); err != nil {
		return nil, err
	}
	return s.store.RuleSetEvents(ctx, id)
}

// DryRun judges facts by a set of any status (试算). Nothing is stored.
func (s *RuleSets) DryRun(ctx context.Context, by domain.Actor, id domain.ID, facts decision.Facts) (decision.Outcome, error) {
	if err := readsRules(by); err != nil {
		return decision.Outcome{}, err
	}
	engine, err := s.compiled(ctx, id)
	if err != nil {
		return decision.Outcome{}, err
	}
	return engine.Evaluate(facts), nil
}

// compiled is a set of any status made ready; one that does not compile is refused with all that is wrong with it.
func (s *RuleSets) compiled(ctx context.Context, id domain.ID) (*decision.Engine, error) {
	v, err := s.store.RuleSet(ctx, id)
	if err != nil {
		return nil, err
	}
	engine, err := s.engines.of(v)
	if err != nil {
		var p domain.Problems
		p.Check("/definition", err)
		return nil, p.Err()
	}
	return engine, nil
}

// LoadedRuleSet is a rule set as a file says it.
type LoadedRuleSet struct {
	ID          domain.ID
	Code        string
	Number      int
	MadeBy      domain.ID // as the file says it
	ActivatedBy domain.ID // another person, as the file says it
	Content     decision.RuleSetContent
}

// Load brings rule sets in and puts them into use on their days, with the operator's authority: who made and who activated
// them is what the file says, and the history says who loaded it. What is there already (by id) stays as it is, so loading
// twice changes nothing. One that does not compile is refused.
func (s *RuleSets) Load(ctx context.Context, by domain.Actor, sets []LoadedRuleSet) error {
	if err := by.Require(domain.RoleSystem); err != nil {
		return err
	}
	now := s.now()
	return s.store.Update(ctx, func(tx Tx) error {
		for _, l := range sets {
			if err := l.Content.Validate(); err != nil {
				return err
			}
			if err := scopeExists(ctx, tx, l.Content); err != nil {
				return err
			}
			v, err := newRuleSet(l.ID, l.Code, l.Number, by, now, l.Content).Check()
			if err != nil {
				return err
			}
			v.Status, v.MadeBy, v.ActivatedBy, v.ActivatedAt = decision.RuleSetActive, l.MadeBy, l.ActivatedBy, now
			inserted, err := tx.InsertRuleSet(ctx, v)
			if err != nil {
				return err
			}
			if !inserted {
				continue
			}
			if err := tx.InsertRuleSetEvent(ctx, ruleSetEvent(by, now, v.RuleSetHead, RuleSetWasLoaded)); err != nil {
				return err
			}
		}
		return nil
	})
}
