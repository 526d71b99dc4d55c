package demodata

import (
	"fmt"
	"strings"

	"fumin/domain/decision"
	"fumin/domain/origination"
)

// LoadableRuleSets are the shipped rule sets as origination.RuleSets.Load takes them: each a family of its own, called as its
// product is.
func LoadableRuleSets() ([]origination.LoadedRuleSet, error) {
	sets, err := RuleSets()
	return loadable(sets), err
}

// LoadableRuleSetsWithoutInstitutions are the shipped rule sets without the groups that look at what the credit bureau, the
// screening and the guarantee company answer, for a lender that has not connected them: what nobody was asked is unknown,
// and under the complete sets every case would go to a person.
func LoadableRuleSetsWithoutInstitutions() ([]origination.LoadedRuleSet, error) {
	var file ruleSetFile
	if err := decodeFile("ruleset.json", &file); err != nil {
		return nil, err
	}
	sets, err := file.sets(file.OwnGroups)
	return loadable(sets), err
}

// ParseRuleSets reads a file in the form of the shipped one, so that a lender may take that as a pattern.
func ParseRuleSets(content []byte) ([]origination.LoadedRuleSet, error) {
	var file ruleSetFile
	if err := decodeStrict(content, &file); err != nil {
		return nil, fmt.Errorf("the file of rule sets: %w", err)
	}
	sets, err := file.sets(file.ActiveGroups)
	return loadable(sets), err
}

func loadable(sets []RuleSet) []origination.LoadedRuleSet {
	loaded := make([]origination.LoadedRuleSet, len(sets))
	for i, s := range sets {
		code := strings.ToLower(s.ProductCode)
		if code == "" {
			code = "common"
		}
		loaded[i] = origination.LoadedRuleSet{
			ID: s.ID, Code: code, Number: s.Version, MadeBy: s.MadeBy, ActivatedBy: s.ActivatedBy,
			Content: decision.RuleSetContent{
				Product: s.ProductCode, RegionPrefix: s.RegionPrefix, EffectiveFrom: s.EffectiveFrom, Definition: s.Definition,
			},
		}
	}
	return loaded
}
