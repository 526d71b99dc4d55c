package origination

import "fumin/domain"

// RuleSetReader reads the rule sets by which applications are decided (规则集).
type RuleSetReader interface{}

// RuleSetWriter writes the rule sets by which applications are decided (规则集).
type RuleSetWriter interface{}

// RuleSets are the use cases of the rule sets by which applications are decided (规则集).
type RuleSets struct {
	store Store
	now   domain.Clock
	newID func() domain.ID
}

// NewRuleSets builds the use cases.
func NewRuleSets(store Store, now domain.Clock, newID func() domain.ID) *RuleSets {
	return &RuleSets{store: store, now: now, newID: newID}
}
