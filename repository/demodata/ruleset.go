package demodata

import (
	"fmt"

	"fumin/domain"
	"fumin/domain/decision"
)

// RuleSet is a shipped rule set (规则集) with its scope: a product, a region, and the day from which it counts.
type RuleSet struct {
	ID            domain.ID
	ProductCode   string
	RegionPrefix  string
	EffectiveFrom domain.Date
	Version       int
	MadeBy        domain.ID
	ActivatedBy   domain.ID // another person
	Definition    decision.Definition
}

type ruleSetFile struct {
	Note        string         `json:"note"`
	MadeBy      string         `json:"made_by"`
	ActivatedBy string         `json:"activated_by"`
	Common      ruleSetParts   `json:"common"` // part of every set
	Sets        []ruleSetEntry `json:"sets"`
}

type ruleSetParts struct {
	Rules     []decision.Rule     `json:"rules"`
	Scorecard *decision.Scorecard `json:"scorecard"`
	Limits    []decision.Limit    `json:"limits"`
	Routes    []decision.Route    `json:"routes"`
}

type ruleSetEntry struct {
	ID            string      `json:"id"`
	ProductCode   string      `json:"product_code"`
	RegionPrefix  string      `json:"region_prefix"`
	EffectiveFrom domain.Date `json:"effective_from"`
	Title         string      `json:"title"`
	Source        string      `json:"source"`
	Sample        bool        `json:"sample"`
	ruleSetParts
}

// RuleSets returns the shipped rule sets, one for each product of the catalogue, complete: what is common to all of them
// stands first in each. Each is compiled before it is handed out.
func RuleSets() ([]RuleSet, error) {
	var file ruleSetFile
	if err := decodeFile("ruleset.json", &file); err != nil {
		return nil, err
	}
	makers := make([]domain.ID, 2)
	for i, text := range []string{file.MadeBy, file.ActivatedBy} {
		id, err := domain.ParseID(text)
		if err != nil {
			return nil, fmt.Errorf("demodata: ruleset.json: %w", err)
		}
		makers[i] = id
	}
	sets := make([]RuleSet, len(file.Sets))
	for i, entry := range file.Sets {
		id, err := domain.ParseID(entry.ID)
		if err != nil {
			return nil, fmt.Errorf("demodata: rule set %d: %w", i, err)
		}
		sets[i] = RuleSet{
			ID: id, ProductCode: entry.ProductCode, RegionPrefix: entry.RegionPrefix, EffectiveFrom: entry.EffectiveFrom,
			Version: 1, MadeBy: makers[0], ActivatedBy: makers[1], Definition: file.Common.with(entry),
		}
		if _, err := decision.Compile(entry.ID, 1, sets[i].Definition); err != nil {
			return nil, fmt.Errorf("demodata: rule set %s: %w", entry.ProductCode, err)
		}
	}
	return sets, nil
}

// with returns the common parts followed by the set's own.
func (common ruleSetParts) with(entry ruleSetEntry) decision.Definition {
	card := entry.Scorecard
	if card == nil {
		card = common.Scorecard
	}
	return decision.Definition{
		Title: entry.Title, Source: entry.Source, Sample: entry.Sample, Scorecard: card,
		Rules:  append(append([]decision.Rule{}, common.Rules...), entry.Rules...),
		Limits: append(append([]decision.Limit{}, common.Limits...), entry.Limits...),
		Routes: append(append([]decision.Route{}, common.Routes...), entry.Routes...),
	}
}
