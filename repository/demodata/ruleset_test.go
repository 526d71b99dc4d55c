package demodata_test

import (
	"testing"

	"fumin/repository/demodata"
)

func TestEveryProductHasAShippedRuleSet(t *testing.T) {
	t.Parallel()
	sets, err := demodata.RuleSets()
	if err != nil {
		t.Fatal(err)
	}
	products, _, _ := catalogue(t)
	if len(sets) != len(products) {
		t.Fatalf("%d rule sets for %d products", len(sets), len(products))
	}
	for i, set := range sets {
		if set.ProductCode != products[i].Code || set.MadeBy == set.ActivatedBy {
			t.Errorf("rule set %d is for %s, made by %s and activated by %s", i, set.ProductCode, set.MadeBy, set.ActivatedBy)
		}
	}
}
