package origination

import (
	"context"
	"sync"

	"fumin/domain"
	"fumin/domain/decision"
	"fumin/domain/loan"
)

// Judgement is what the rules in force said of facts, and which rules they were.
type Judgement struct {
	Outcome   decision.Outcome
	RuleSetID domain.ID // zero: no rule set was in force
}

// DecisionsMax bounds the decisions of one case: one a submit.
const DecisionsMax = 100

// judge finds the rule set in force for the case's product and region on the day and asks it. Where there is none a person
// looks: nothing is approved, and nothing declined, by absence.
func (e *engines) judge(ctx context.Context, r Reader, rec loan.Record, facts decision.Facts) (Judgement, error) {
	engine, id, err := e.inForce(ctx, r, rec.ProductCode, rec.RegionCode, facts.EvaluatedOn)
	if err != nil {
		return Judgement{}, err
	}
	if engine == nil {
		return Judgement{Outcome: decision.Unjudged(facts)}, nil
	}
	return Judgement{Outcome: engine.Evaluate(facts), RuleSetID: id}, nil
}

// inForce returns the rule set in force for a product in a region on a day, compiled; nil: there is none.
func (e *engines) inForce(ctx context.Context, r Reader, productCode, region string, on domain.Date) (*decision.Engine, domain.ID, error) {
	heads, err := r.RuleSetsFor(ctx, productCode, region)
	if err != nil {
		return nil, "", err
	}
	head, found := decision.ResolveRuleSet(heads, productCode, region, on)
	if !found {
		return nil, "", nil
	}
	if engine := e.get(head.ID, head.Hash); engine != nil {
		return engine, head.ID, nil
	}
	v, err := r.RuleSet(ctx, head.ID)
	if err != nil {
		return nil, "", err
	}
	engine, err := e.of(v)
	return engine, head.ID, err
}

// enginesMax bounds how many compiled rule sets a process keeps.
const enginesMax = 64

// engines keeps compiled rule sets, by id and hash: compiling costs more than a thousand decisions. It is safe for any number
// of goroutines.
type engines struct {
	mu    sync.Mutex
	kept  map[engineKey]*decision.Engine
	order []engineKey // by arrival; the oldest goes first
}

type engineKey struct {
	id   domain.ID
	hash string
}

func newEngines() *engines { return &engines{kept: map[engineKey]*decision.Engine{}} }

// get returns a kept engine, or nil.
func (e *engines) get(id domain.ID, hash string) *decision.Engine {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.kept[engineKey{id, hash}]
}

// of compiles a version, or returns what was compiled of it before.
func (e *engines) of(v decision.RuleSetVersion) (*decision.Engine, error) {
	if engine := e.get(v.ID, v.Hash); engine != nil {
		return engine, nil
	}
	engine, err := v.Compile()
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	key := engineKey{v.ID, v.Hash}
	if e.kept[key] == nil {
		if len(e.order) == enginesMax {
			delete(e.kept, e.order[0])
			e.order = e.order[1:]
		}
		e.order = append(e.order, key)
	}
	e.kept[key] = engine
	return engine, nil
}
