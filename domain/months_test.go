package domain_test

import (
	"testing"

	"pgregory.net/rapid"

	"fumin/domain"
)

func TestMonthsAreCompleteOnTheDayThatAddMonthsGives(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, to string
		want     int
	}{
		{"2026-01-31", "2026-02-27", 0},
		{"2026-01-31", "2026-02-28", 1},
		{"2026-01-31", "2026-03-30", 1},
		{"2026-01-31", "2026-03-31", 2},
		{"2025-11-23", "2026-11-22", 11},
		{"2025-11-23", "2026-11-23", 12},
		{"2026-03-15", "2026-02-15", -1},
		{"2026-03-15", "2026-02-16", 0},
	} {
		if got := domain.MustParseDate(c.from).MonthsUntil(domain.MustParseDate(c.to)); got != c.want {
			t.Errorf("months from %s to %s: got %d, want %d", c.from, c.to, got, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		from := domain.MustParseDate("2026-01-31").AddDays(rapid.IntRange(-20000, 20000).Draw(t, "from"))
		to := from.AddDays(rapid.IntRange(0, 20000).Draw(t, "days"))
		months := from.MonthsUntil(to)
		if from.AddMonths(months).After(to) || !from.AddMonths(months+1).After(to) {
			t.Fatalf("from %s to %s: %d months, but the next is %s", from, to, months, from.AddMonths(months+1))
		}
	})
}
