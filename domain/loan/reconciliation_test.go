package loan_test

import (
	"strings"
	"testing"

	"fumin/domain"
	"fumin/domain/loan"
)

// The totals of both sides are read one after the other: when a payment succeeds in between, what was found does not explain what
// they differ by, and the import is refused as a whole.
func TestADayWhoseDifferencesDoNotExplainItsTotalsIsInMotion(t *testing.T) {
	t.Parallel()
	r, err := loan.RestoreReconciliation(loan.ReconciliationRecord{
		ID: lineID, BranchID: branchID, BusinessDay: domain.DateOf(at), Format: "csv", Status: loan.ReconciliationImporting, Version: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	totals := loan.ReconciliationTotals{CountThere: 2, There: yuan("100.00"), CountHere: 1, Here: yuan("60.00")}
	found := []loan.Difference{{Kind: loan.DifferenceMissingHere, AmountThere: yuan("39.99")}}
	if err := r.Conclude(strings.Repeat("a", 64), totals, 0, found); domain.CodeOf(err) != "day-in-motion" || r.Record().Status != loan.ReconciliationImporting {
		t.Errorf("a fen is not explained: got %v and %s, want day-in-motion and nothing changed", err, r.Record().Status)
	}
	found[0].AmountThere = yuan("40.00")
	if err := r.Conclude(strings.Repeat("a", 64), totals, 0, found); err != nil || r.Record().Status != loan.ReconciliationOpen || r.Record().Gap().String() != "40.00" {
		t.Errorf("all is explained: got %v, %+v; want open with a gap of 40.00", err, r.Record())
	}
}
