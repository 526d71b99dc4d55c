package report

import (
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// Percentile is the nearest-rank percentile (最近秩法) of durations: the smallest one that at least percent of a hundred do
// not exceed. It sorts its argument. Of none it is absent.
func Percentile(durations []time.Duration, percent int) (time.Duration, bool) {
	if len(durations) == 0 || percent < 1 || percent > 100 {
		return 0, false
	}
	slices.Sort(durations)
	rank := (len(durations)*percent + 99) / 100
	return durations[rank-1], true
}

// hoursPlaces are the decimals of hours in a report.
const hoursPlaces = 2

// CellOfHours writes a duration in hours with two decimals, rounded half up: people compare them at a glance.
func CellOfHours(d time.Duration, present bool) string {
	if !present {
		return ""
	}
	return decimal.NewFromInt(d.Microseconds()).DivRound(decimal.NewFromInt(time.Hour.Microseconds()), hoursPlaces).StringFixed(hoursPlaces)
}
