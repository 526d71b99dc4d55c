package demodata

// CompleteRuleSets are the rule sets with every group of the file, active or not.
func CompleteRuleSets() ([]RuleSet, error) {
	var file ruleSetFile
	if err := decodeFile("ruleset.json", &file); err != nil {
		return nil, err
	}
	names := make([]string, len(file.Groups))
	for i, group := range file.Groups {
		names[i] = group.Name
	}
	return file.sets(names)
}
