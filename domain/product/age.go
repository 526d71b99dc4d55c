package product

import (
	"sort"

	"fumin/domain"
)

// LongestTermMonths returns the longest term, at most monthsMax, at whose last due date the borrower is not older than
// ageMax completed years (周岁); 0 when not even one month passes.
//
// "年龄 + 期限 ≤ 65" is counted by dates, not by adding years: someone of 61 years and 11 months with 48 months to go is 65
// years and 11 months old at the end and passes a limit of 65; one month later in life the same term ends after the
// 66th birthday and fails. The last due date is asOf plus the months, cut to the month's end.
func LongestTermMonths(birth, asOf domain.Date, ageMax, monthsMax int) int {
	monthsMax = min(monthsMax, TermMonthsCap)
	if monthsMax < 1 {
		return 0
	}
	// Age never falls as the term grows, so the first term that is too long can be searched by halving.
	return sort.Search(monthsMax, func(i int) bool { return AgeAtEnd(birth, asOf, i+1) > ageMax })
}

// AgeAtEnd returns the borrower's completed years at the last due date of a term that begins on asOf.
func AgeAtEnd(birth, asOf domain.Date, termMonths int) int {
	return birth.AgeOn(asOf.AddMonths(termMonths))
}

// LongestTermMonths returns the longest term this version gives a borrower born on the day: within the term limits and
// the age rule. 0 when the version gives none, because the longest that passes is below its shortest term.
func (t Terms) LongestTermMonths(birth, asOf domain.Date) int {
	longest := t.TermMonthsMax
	if t.AgePlusTermMax > 0 {
		longest = LongestTermMonths(birth, asOf, t.AgePlusTermMax, t.TermMonthsMax)
	}
	if longest < t.TermMonthsMin {
		return 0
	}
	return longest
}

// OldEnough reports whether the borrower has the version's least age on the day.
func (t Terms) OldEnough(birth, on domain.Date) bool {
	return t.AgeMin == 0 || birth.AgeOn(on) >= t.AgeMin
}
