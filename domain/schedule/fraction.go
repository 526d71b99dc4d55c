package schedule

import (
	"time"

	"github.com/shopspring/decimal"

	"fumin/domain"
)

// Fraction is an exact fraction of a year, 31/365 for instance, in lowest terms. The zero value is no fraction.
// Keeping it unreduced to decimals is what makes the row interest exact before its one rounding.
type Fraction struct {
	Numerator, Denominator int64
}

// FractionPlaces is the number of decimals Decimal shows.
const FractionPlaces = 10

func newFraction(numerator, denominator int64) Fraction {
	a, b := numerator, denominator
	for b != 0 { // Euclid: at most some 90 steps for 64 bits
		a, b = b, a%b
	}
	if a == 0 {
		return Fraction{Numerator: 0, Denominator: 1}
	}
	return Fraction{Numerator: numerator / a, Denominator: denominator / a}
}

func (f Fraction) times(o Fraction) Fraction {
	return newFraction(f.Numerator*o.Numerator, f.Denominator*o.Denominator)
}

func (f Fraction) over(o Fraction) Fraction {
	return newFraction(f.Numerator*o.Denominator, f.Denominator*o.Numerator)
}

// Decimal is the fraction to FractionPlaces decimals, for people to read; the arithmetic uses the exact fraction.
func (f Fraction) Decimal() decimal.Decimal {
	if f.Denominator == 0 {
		return decimal.Zero
	}
	return decimal.NewFromInt(f.Numerator).DivRound(decimal.NewFromInt(f.Denominator), FractionPlaces)
}

// String writes FractionPlaces decimals: "0.0833333333".
func (f Fraction) String() string { return f.Decimal().StringFixed(FractionPlaces) }

// yearFraction measures one row. planned are the dates before any move to a working day, due those after it:
// 30/360 and periodic count a planned period as whole whatever the calendar did to its ends, the others count the
// days that really pass.
func yearFraction(dayCount DayCount, frequency Frequency, planned, due span) Fraction {
	switch dayCount {
	case Thirty360:
		if months, whole := wholeMonths(planned.from, planned.to); whole {
			return newFraction(int64(months), 12)
		}
		return newFraction(int64(bondDays(planned.from, planned.to)), 360)
	case ThirtyE360:
		return newFraction(int64(eurobondDays(due.from, due.to)), 360)
	case Actual360:
		return newFraction(int64(due.days()), 360)
	case Actual365:
		return newFraction(int64(due.days()), 365)
	case ActualActual:
		return actualActual(due.from, due.to)
	case Periodic:
		return unitPeriods(planned.from, planned.to, frequency).total().over(frequency.periodsAYear())
	}
	return Fraction{}
}

// span is the time between two dates: the first day counts, the last does not (算头不算尾).
type span struct{ from, to domain.Date }

func (s span) days() int { return s.from.DaysUntil(s.to) }

// wholeMonths says how many months lie between the dates where that is a whole number: the same day of the month, or
// a day that the shorter month does not have, or both the last of their months.
func wholeMonths(from, to domain.Date) (months int, whole bool) {
	months = (to.Year()-from.Year())*12 + int(to.Month()) - int(from.Month())
	if months <= 0 {
		return 0, from == to
	}
	return months, from.Day() == to.Day() || from.AddMonths(months) == to || to.AddMonths(-months) == from ||
		(from.IsMonthEnd() && to.IsMonthEnd())
}

// bondDays is the 30/360 bond basis (ISDA 2006, section 4.16(f)): a 31st is a 30th at the start, and at the end only
// where the start is a 30th or a 31st.
func bondDays(from, to domain.Date) int {
	first, last := from.Day(), to.Day()
	if first == 31 {
		first = 30
	}
	if last == 31 && first == 30 {
		last = 30
	}
	return thirtyDays(from, to, first, last)
}

// eurobondDays is 30E/360 (ISDA 2006, section 4.16(g)): a 31st is a 30th at both ends, and February stays as it is.
func eurobondDays(from, to domain.Date) int {
	return thirtyDays(from, to, min(from.Day(), 30), min(to.Day(), 30))
}

func thirtyDays(from, to domain.Date, first, last int) int {
	return 360*(to.Year()-from.Year()) + 30*(int(to.Month())-int(from.Month())) + last - first
}

// actualActual is Actual/Actual (ISDA 2006, section 4.16(b)): days in a leap year over 366, all others over 365.
func actualActual(from, to domain.Date) Fraction {
	leap := leapDays(from, to)
	return newFraction(int64(leap)*365+int64(from.DaysUntil(to)-leap)*366, 365*366)
}

// leapDays counts the days of [from, to) that lie in leap years. The loop is over the years of a term, TermYearsMax.
func leapDays(from, to domain.Date) int {
	count := 0
	for year := from.Year(); year <= to.Year(); year++ {
		if !domain.IsLeap(year) {
			continue
		}
		begin, end := newYear(year), newYear(year).AddDays(366)
		if from.After(begin) {
			begin = from
		}
		if to.Before(end) {
			end = to
		}
		count += max(0, begin.DaysUntil(end))
	}
	return count
}

func newYear(year int) domain.Date {
	date, err := domain.NewDate(year, time.January, 1)
	if err != nil {
		return domain.Date{} // not reached: validation keeps every year within domain.YearMin to domain.YearMax
	}
	return date
}

// unitCount is a time in unit-periods: whole ones, and a part of one.
type unitCount struct {
	whole int
	rest  Fraction // 0 to 1
}

func (u unitCount) total() Fraction {
	return newFraction(int64(u.whole)*u.rest.Denominator+u.rest.Numerator, u.rest.Denominator)
}

// unitPeriods counts the periods between two dates as Regulation Z, Appendix J (b)(5) does: whole months are counted
// back from the later date, the days left over are thirtieths of a month; weeks and days are plain division; what is
// left over of a year is months/12 if they are whole, else days/365.
func unitPeriods(from, to domain.Date, frequency Frequency) unitCount {
	if length := frequency.days(); length > 0 {
		days := from.DaysUntil(to)
		return unitCount{whole: days / length, rest: newFraction(int64(days%length), int64(length))}
	}
	months, days := monthsAndDays(from, to)
	length := frequency.months()
	count := unitCount{whole: months / length, rest: newFraction(int64(months%length*30+days), int64(length*30))}
	if length%12 == 0 && days > 0 {
		left := from.DaysUntil(to.AddMonths(-count.whole * length))
		count.rest = newFraction(int64(left), int64(365*length/12))
	}
	return count
}

// monthsAndDays counts whole months back from the later date, and the days before them.
func monthsAndDays(from, to domain.Date) (months, days int) {
	months, whole := wholeMonths(from, to)
	if whole {
		return months, 0
	}
	if to.AddMonths(-months).Before(from) {
		months--
	}
	return months, from.DaysUntil(to.AddMonths(-months))
}
