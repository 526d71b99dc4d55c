package origination_test

import (
	"testing"

	"fumin/domain"
	"fumin/domain/origination"
)

func TestIdempotencyKeysAreForgottenAfterSixtyDays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.opened(w.somebody(domain.RoleLoanOfficer), "50000.00") // three keys: household, borrower, application
	for _, c := range []struct{ days, want int }{{59, 0}, {61, 3}, {62, 0}} {
		deleted, err := origination.TidyIdempotencyKeys(t.Context(), w.store, testStart.AddDate(0, 0, c.days))
		if err != nil || deleted != c.want {
			t.Errorf("after %d days: %d keys forgotten (%v), want %d", c.days, deleted, err, c.want)
		}
	}
}
