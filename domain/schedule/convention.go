package schedule

import "fumin/domain"

// Method is how a loan is repaid (还款方式).
type Method string

// The methods.
const (
	EqualInstalment    Method = "equal_instalment"     // 等额本息: the same total each period
	EqualPrincipal     Method = "equal_principal"      // 等额本金: the same principal each period, falling interest
	InterestOnlyBullet Method = "interest_only_bullet" // 先息后本: interest each period, the principal at the end
	LumpSum            Method = "lump_sum"             // 一次性还本付息: one row at the end of the term
	Seasonal           Method = "seasonal"             // 按收获季还款: principal on the dates of the harvests
	FlatAddOn          Method = "flat_addon"           // 等本等息: interest on the original principal in every period
)

// ParseMethod reads one of the methods; anything else is a ValueError "invalid-repayment-method".
func ParseMethod(s string) (Method, error) {
	if m := Method(s); m.Valid() {
		return m, nil
	}
	return "", domain.BadValue("invalid-repayment-method", "还款方式应为 equal_instalment（等额本息）、equal_principal（等额本金）、"+
		"interest_only_bullet（先息后本）、lump_sum（一次性还本付息）、seasonal（按收获季还款）或 flat_addon（等本等息）")
}

// Valid reports whether m is one of the methods.
func (m Method) Valid() bool {
	switch m {
	case EqualInstalment, EqualPrincipal, InterestOnlyBullet, LumpSum, Seasonal, FlatAddOn:
		return true
	}
	return false
}

// Unit is the unit of a frequency.
type Unit string

// The units.
const (
	Day   Unit = "day"
	Week  Unit = "week"
	Month Unit = "month"
	Year  Unit = "year"
)

// ParseUnit reads one of the units; anything else is a ValueError "invalid-frequency-unit".
func ParseUnit(s string) (Unit, error) {
	if u := Unit(s); u.Valid() {
		return u, nil
	}
	return "", domain.BadValue("invalid-frequency-unit", "周期单位应为 day（天）、week（周）、month（月）或 year（年）")
}

// Valid reports whether u is one of the units.
func (u Unit) Valid() bool { return u.everyMax() > 0 }

// everyMax is the longest period in this unit: about two years, ten where the unit is a year. Longer periods have no
// use, and the product with PeriodsMax must stay within what a Date can count.
func (u Unit) everyMax() int {
	switch u {
	case Day:
		return 731
	case Week:
		return 104
	case Month:
		return 24
	case Year:
		return 10
	}
	return 0
}

// Frequency is the length of a period (还款周期): every 1 month, every 2 weeks.
type Frequency struct {
	Unit  Unit
	Every int // 1 up to about two years (ten years where the unit is a year)
}

// Monthly is every month.
var Monthly = Frequency{Unit: Month, Every: 1}

// months returns the length in months, or 0 where the unit is a day or a week.
func (f Frequency) months() int {
	switch f.Unit {
	case Month:
		return f.Every
	case Year:
		return 12 * f.Every
	case Day, Week:
		return 0
	}
	return 0
}

// days returns the length in days, or 0 where the unit is a month or a year.
func (f Frequency) days() int {
	switch f.Unit {
	case Day:
		return f.Every
	case Week:
		return 7 * f.Every
	case Month, Year:
		return 0
	}
	return 0
}

// periodsAYear is how many such periods a year has: 365 days, 52 weeks or 12 months, whatever the calendar says
// (Regulation Z, Appendix J (b)(1); Directive 2014/17/EU, Annex I, remark (c)).
func (f Frequency) periodsAYear() Fraction {
	switch f.Unit {
	case Day:
		return newFraction(365, int64(f.Every))
	case Week:
		return newFraction(52, int64(f.Every))
	case Month:
		return newFraction(12, int64(f.Every))
	case Year:
		return newFraction(1, int64(f.Every))
	}
	return Fraction{}
}

// DayCount is how a period becomes a fraction of a year (计息基础).
type DayCount string

// The day counts. docs/quotes.md has one worked example each.
const (
	Thirty360    DayCount = "30/360"       // whole months count 1/12; other spans by the bond rule, 30 days a month
	ThirtyE360   DayCount = "30e/360"      // Eurobond rule: a 31st counts as a 30th
	Actual360    DayCount = "act/360"      // actual days over 360
	Actual365    DayCount = "act/365"      // actual days over 365, leap years too
	ActualActual DayCount = "act/act-isda" // days in leap years over 366, the others over 365
	Periodic     DayCount = "periodic"     // the yearly rate divided by the periods a year (按期计息)
)

// ParseDayCount reads one of the day counts; anything else is a ValueError "invalid-day-count".
func ParseDayCount(s string) (DayCount, error) {
	if d := DayCount(s); d.Valid() {
		return d, nil
	}
	return "", domain.BadValue("invalid-day-count", "计息基础应为 30/360、30e/360、act/360、act/365、act/act-isda 或 periodic（按期计息）")
}

// Valid reports whether d is one of the day counts.
func (d DayCount) Valid() bool {
	switch d {
	case Thirty360, ThirtyE360, Actual360, Actual365, ActualActual, Periodic:
		return true
	}
	return false
}

// MonthEnd is what becomes of a day that a month does not have. The empty value is Clamp.
type MonthEnd string

// The month-end rules.
const (
	Clamp     MonthEnd = "clamp"      // 31 January, 28 February, 31 March: the day of the start, or the month's last
	EOMSticky MonthEnd = "eom_sticky" // a start on a month's last day stays on last days: 28 February, 31 March
)

// ParseMonthEnd reads one of the rules; anything else is a ValueError "invalid-month-end".
func ParseMonthEnd(s string) (MonthEnd, error) {
	switch m := MonthEnd(s); m {
	case Clamp, EOMSticky:
		return m, nil
	}
	return "", domain.BadValue("invalid-month-end", "月末规则应为 clamp（按起始日，月内无此日则取月末）或 eom_sticky（月末起始则始终取月末）")
}

// BusinessDay is where a due date goes that is not a working day. The empty value is Unmoved.
type BusinessDay string

// The business-day rules.
const (
	Unmoved   BusinessDay = "none"      // it stays
	Following BusinessDay = "following" // to the next working day (顺延)
	Preceding BusinessDay = "preceding" // to the working day before (提前)
)

// ParseBusinessDay reads one of the rules; anything else is a ValueError "invalid-business-day".
func ParseBusinessDay(s string) (BusinessDay, error) {
	switch b := BusinessDay(s); b {
	case Unmoved, Following, Preceding:
		return b, nil
	}
	return "", domain.BadValue("invalid-business-day", "节假日规则应为 none（不调整）、following（顺延）或 preceding（提前）")
}

// FeeBase is what a fee's yearly rate is taken of.
type FeeBase string

// The bases.
const (
	OnPrincipal FeeBase = "principal" // 按借款本金
	OnBalance   FeeBase = "balance"   // 按剩余本金
)

// ParseFeeBase reads one of the bases; anything else is a ValueError "invalid-fee-base".
func ParseFeeBase(s string) (FeeBase, error) {
	switch b := FeeBase(s); b {
	case OnPrincipal, OnBalance:
		return b, nil
	}
	return "", domain.BadValue("invalid-fee-base", "计费基数应为 principal（借款本金）或 balance（剩余本金）")
}

// FeeTiming is when a fee is paid.
type FeeTiming string

// The timings.
const (
	Upfront    FeeTiming = "upfront"     // once, on the day of disbursement
	EachPeriod FeeTiming = "each_period" // with every row
	Yearly     FeeTiming = "yearly"      // in advance for each loan year: at disbursement, then with the first row on or after each anniversary
)

// ParseFeeTiming reads one of the timings; anything else is a ValueError "invalid-fee-timing".
func ParseFeeTiming(s string) (FeeTiming, error) {
	switch w := FeeTiming(s); w {
	case Upfront, EachPeriod, Yearly:
		return w, nil
	}
	return "", domain.BadValue("invalid-fee-timing", "收费时间应为 upfront（放款时一次）、each_period（每期）或 yearly（每年）")
}
