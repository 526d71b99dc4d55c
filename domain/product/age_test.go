package product_test

import (
	"testing"

	"pgregory.net/rapid"

	"fumin/domain/product"
)

func TestTheAgeRuleCountsByDates(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, birth, asOf string
		ageMax, monthsMax int
		want              int
	}{
		{"62 on the birthday has four years less a month to 65", "1960-03-15", "2022-03-15", 65, 60, 47},
		{"in Yantai one year less", "1960-03-15", "2022-03-15", 64, 60, 35},
		{"the day before the birthday one month more", "1960-03-16", "2022-03-15", 65, 60, 48},
		{"61 years and 11 months passes 48 months, where adding years would too", "1960-04-15", "2022-03-15", 65, 60, 48},
		{"young borrowers are bounded by the product", "1990-03-15", "2022-03-15", 65, 60, 60},
		{"the limit reached to the day: the birthday itself is too late", "1956-04-15", "2022-03-15", 65, 60, 0},
		{"one day later is born, one month passes", "1956-04-16", "2022-03-15", 65, 60, 1},
		{"over the limit already", "1950-01-01", "2022-03-15", 65, 60, 0},
		{"31 January plus one month is the end of February, before the birthday in March", "1957-03-01", "2023-01-31", 65, 60, 1},
		{"born on 29 February, a year is complete on 1 March", "1960-02-29", "2025-01-28", 65, 60, 13},
		{"no term at all", "1990-01-01", "2022-03-15", 65, 0, 0},
		{"a negative term", "1990-01-01", "2022-03-15", 65, -5, 0},
		{"an absurd term is bounded", "2020-01-01", "2022-03-15", 120, 1_000_000, product.TermMonthsCap},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := product.LongestTermMonths(date(test.birth), date(test.asOf), test.ageMax, test.monthsMax)
			if got != test.want {
				t.Errorf("LongestTermMonths(%s, %s, %d, %d) = %d, want %d", test.birth, test.asOf, test.ageMax, test.monthsMax, got, test.want)
			}
		})
	}
}

func TestTheLongestTermPassesAndOneMonthMoreDoesNot(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		birth := date("1940-01-01").AddDays(rapid.IntRange(0, 30_000).Draw(t, "birth"))
		asOf := date("2022-01-01").AddDays(rapid.IntRange(0, 3_000).Draw(t, "as_of"))
		ageMax := rapid.IntRange(18, 80).Draw(t, "age_max")
		monthsMax := rapid.IntRange(1, 120).Draw(t, "months_max")
		n := product.LongestTermMonths(birth, asOf, ageMax, monthsMax)
		if n > 0 && product.AgeAtEnd(birth, asOf, n) > ageMax {
			t.Fatalf("%d months end at age %d, limit %d", n, product.AgeAtEnd(birth, asOf, n), ageMax)
		}
		if n < monthsMax && product.AgeAtEnd(birth, asOf, n+1) <= ageMax {
			t.Fatalf("%d months would pass as well as %d: age %d, limit %d", n+1, n, product.AgeAtEnd(birth, asOf, n+1), ageMax)
		}
	})
}

func TestAVersionGivesTheLongestTermWithinItsOwnLimits(t *testing.T) {
	t.Parallel()
	birth, asOf := date("1960-03-15"), date("2022-03-15")
	if got := shandong().LongestTermMonths(birth, asOf); got != 47 {
		t.Errorf("Shandong gives %d months, want 47", got)
	}
	if got := yantai().LongestTermMonths(birth, asOf); got != 35 {
		t.Errorf("Yantai gives %d months, want 35", got)
	}
	v := shandong()
	v.TermMonthsMin = 48
	if got := v.LongestTermMonths(birth, asOf); got != 0 {
		t.Errorf("a product of at least 48 months gives %d, want 0", got)
	}
	v.AgePlusTermMax = 0
	if got := v.LongestTermMonths(birth, asOf); got != 60 {
		t.Errorf("without an age rule %d months, want 60", got)
	}
}

func TestTheLeastAgeIsReachedOnTheBirthday(t *testing.T) {
	t.Parallel()
	v := shandong()
	for on, want := range map[string]bool{"2022-03-14": false, "2022-03-15": true} {
		if got := v.OldEnough(date("2004-03-15"), date(on)); got != want {
			t.Errorf("OldEnough(born 2004-03-15, %s) = %v, want %v", on, got, want)
		}
	}
	v.AgeMin = 0
	if !v.OldEnough(date("2022-01-01"), date("2022-03-15")) {
		t.Error("without a least age OldEnough = false, want true")
	}
}
