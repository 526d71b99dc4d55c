package demodata

import (
	"fmt"
	"slices"

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
	Note         string         `json:"note"`
	MadeBy       domain.ID      `json:"made_by"`
	ActivatedBy  domain.ID      `json:"activated_by"`
	ActiveGroups []string       `json:"active_groups"`
	OwnGroups    []string       `json:"own_groups"` // those that look only at the lender's own registers
	Groups       []ruleGroup    `json:"groups"`
	Sets         []ruleSetEntry `json:"sets"`
}

// ruleGroup is rules that belong together, because they look at what one source says.
type ruleGroup struct {
	Name      string              `json:"name"`
	Note      string              `json:"note"`
	Rules     []decision.Rule     `json:"rules"`
	Scorecard *decision.Scorecard `json:"scorecard"`
	Limits    []decision.Limit    `json:"limits"`
	Routes    []decision.Route    `json:"routes"`
}

type ruleSetEntry struct {
	ID            domain.ID   `json:"id"`
	ProductCode   string      `json:"product_code"`
	RegionPrefix  string      `json:"region_prefix"`
	EffectiveFrom domain.Date `json:"effective_from"`
	Title         string      `json:"title"`
	Source        string      `json:"source"`
	Sample        bool        `json:"sample"`
}

// RuleSets returns the shipped rule sets, one for each product of the catalogue: each is complete, and consists of the groups
// that the file calls active. Each is compiled before it is handed out.
func RuleSets() ([]RuleSet, error) {
	var file ruleSetFile
	if err := decodeFile("ruleset.json", &file); err != nil {
		return nil, err
	}
	return file.sets(file.ActiveGroups)
}

// RuleSetsOf are the rule sets with only the named groups: to see what one group of rules does by itself.
func RuleSetsOf(groups ...string) ([]RuleSet, error) {
	var file ruleSetFile
	if err := decodeFile("ruleset.json", &file); err != nil {
		return nil, err
	}
	return file.sets(groups)
}

func (file ruleSetFile) sets(groups []string) ([]RuleSet, error) {
	sets := make([]RuleSet, len(file.Sets))
	for i, entry := range file.Sets {
		sets[i] = RuleSet{
			ID: entry.ID, ProductCode: entry.ProductCode, RegionPrefix: entry.RegionPrefix, EffectiveFrom: entry.EffectiveFrom,
			Version: 1, MadeBy: file.MadeBy, ActivatedBy: file.ActivatedBy, Definition: file.definition(entry, groups),
		}
		if _, err := decision.Compile(entry.ID.String(), 1, sets[i].Definition); err != nil {
			return nil, fmt.Errorf("demodata: rule set %s: %w", entry.ProductCode, err)
		}
	}
	return sets, nil
}

// definition puts the groups together, in the file's order.
func (file ruleSetFile) definition(entry ruleSetEntry, groups []string) decision.Definition {
	d := decision.Definition{Title: entry.Title, Source: entry.Source, Sample: entry.Sample}
	for _, group := range file.Groups {
		if !slices.Contains(groups, group.Name) {
			continue
		}
		d.Rules = append(d.Rules, group.Rules...)
		d.Limits = append(d.Limits, group.Limits...)
		d.Routes = append(d.Routes, group.Routes...)
		if group.Scorecard != nil {
			d.Scorecard = group.Scorecard
		}
	}
	return d
}
