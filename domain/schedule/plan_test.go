package schedule_test

import (
	"testing"

	"fumin/domain"
	"fumin/domain/money"
	"fumin/domain/schedule"
)

// terms are a plain monthly loan that tests vary.
func terms(method schedule.Method, principal, ratePct string, periods int) schedule.Terms {
	return schedule.Terms{
		Principal: money.MustParseAmount(principal), AnnualRate: money.MustParseRate(ratePct), Method: method,
		Periods: periods, Frequency: schedule.Monthly, DisbursedOn: domain.MustParseDate("2026-01-15"),
		DayCount: schedule.Thirty360,
	}
}

func TestAnEqualInstalmentPlanIsTheOrdinaryAnnuityAndItsLastRowCarriesTheRounding(t *testing.T) {
	t.Parallel()
	plan, err := schedule.Build(terms(schedule.EqualInstalment, "100000.00", "12", 12))
	if err != nil {
		t.Fatalf("Build: %v", err)
	}
	if got, want := plan.LevelInstalment.String(), "8884.88"; got != want {
		t.Errorf("level instalment of 100000.00 at 12%% over 12 months: got %s, want %s", got, want)
	}
	first, last := plan.Rows[0], plan.Rows[11]
	if got, want := first.Interest.String()+" "+first.Principal.String(), "1000.00 7884.88"; got != want {
		t.Errorf("first row's interest and principal: got %s, want %s", got, want)
	}
	if !last.ClosingBalance.IsZero() {
		t.Errorf("closing balance of the last row: got %s, want 0.00", last.ClosingBalance)
	}
	if got, want := plan.Totals.Principal.String(), "100000.00"; got != want {
		t.Errorf("sum of principal: got %s, want %s", got, want)
	}
}
