package schedule

import (
	"github.com/shopspring/decimal"

	"fumin/domain"
)

// The yearly rates that are looked for, in percent, compounded.
const (
	RatePctMin = -99
	RatePctMax = 10000000
)

const (
	refineStepsMax   = 16
	discountStepsMax = 60
	fractionPlaces   = PercentPlaces + 2 // decimals of a rate as a fraction of one
)

// Why an equation has no published rate. Each use gives them its own words and pointers.
var (
	errOneSided     = domain.BadValue("one-sided-flows", "现金流只有收入或只有支出，无法计算收益率；至少要有一笔收入和一笔支出")
	errNoRate       = domain.BadValue("no-rate", "在年利率 %d%% 至 %d%% 之间没有使收支现值相等的利率", RatePctMin, RatePctMax)
	errSeveralRates = domain.BadValue("several-rates", "现金流多次变号，有不止一个利率使收支现值相等，没有唯一的年化利率；请按业务分段后分别计算")
	errUnclearRate  = domain.BadValue("unclear-rate", "现金流多次变号，无法确认只有一个利率使收支现值相等；请按业务分段后分别计算")
	errUnverified   = domain.BadValue("unverified-rate", "年化利率未能以十进制精确核验，不予公布；请核对金额与日期")
)

// solve returns the yearly rate of the equation, verified. Errors are the ValueErrors above.
func (e equation) solve() (Percent, error) {
	switch e.signChanges() {
	case 0:
		return Percent{}, errOneSided
	case 1:
		root, ok := e.only()
		if !ok {
			return Percent{}, errNoRate
		}
		return e.refine(root)
	}
	roots, sure := e.all()
	switch {
	case len(roots) > 1:
		return Percent{}, errSeveralRates
	case !sure:
		return Percent{}, errUnclearRate
	case len(roots) == 0:
		return Percent{}, errNoRate
	}
	return e.refine(roots[0])
}

// refine goes from a guess to the nearest rate with PercentPlaces decimals, in decimals only. It evaluates the
// equation one unit of the last place below and above the candidate. If a straight line through both crosses zero
// within half a unit of the candidate, the signs differ, and that is the verification; otherwise the line says how many
// units to move. A sign counts only where the sum exceeds all errors of computing it.
func (e equation) refine(g guess) (Percent, error) {
	unit := decimal.New(1, -fractionPlaces)
	yearly := g.yearly.Round(fractionPlaces)
	trust := decimal.New(e.moved(), -trustedPlaces)
	discount := decimal.NewFromInt(1).DivRound(decimal.NewFromInt(1).Add(g.unit), equationPlaces)
	for range refineStepsMax {
		below, okBelow := e.at(yearly.Sub(unit), discount)
		above, okAbove := e.at(yearly.Add(unit), discount)
		if !okBelow || !okAbove || below.Abs().Cmp(trust) <= 0 || above.Abs().Cmp(trust) <= 0 {
			return Percent{}, errUnverified
		}
		rise := above.Sub(below)
		if rise.IsZero() {
			return Percent{}, errUnverified
		}
		units := below.Add(above).Neg().DivRound(rise, 0)
		if units.IsZero() {
			if below.Sign() == above.Sign() {
				return Percent{}, errUnverified
			}
			return Percent{d: yearly.Shift(2)}, nil
		}
		yearly = yearly.Add(units.Mul(unit))
	}
	return Percent{}, errUnverified
}

// at evaluates the equation at a yearly rate given as a fraction of one.
func (e equation) at(yearly, guess decimal.Decimal) (decimal.Decimal, bool) {
	one := decimal.NewFromInt(1)
	numerator, denominator := decimal.NewFromInt(e.rate.periods.Numerator), decimal.NewFromInt(e.rate.periods.Denominator)
	if !e.rate.compounded {
		rate := yearly.Mul(denominator).DivRound(numerator, equationPlaces)
		if rate.LessThanOrEqual(one.Neg()) {
			return decimal.Decimal{}, false
		}
		return e.present(rate, one.DivRound(one.Add(rate), equationPlaces)), true
	}
	if yearly.LessThanOrEqual(one.Neg()) {
		return decimal.Decimal{}, false
	}
	growth := power(one.Add(yearly), int(e.rate.periods.Denominator)) // of Numerator unit-periods
	if growth.Cmp(growthTrusted) > 0 {
		return decimal.Decimal{}, false
	}
	factor, ok := discountRoot(growth, int(e.rate.periods.Numerator), guess)
	if !ok {
		return decimal.Decimal{}, false
	}
	return e.present(one.DivRound(factor, equationPlaces).Sub(one), factor), true
}

// growthTrusted bounds what discountRoot is asked for: v^n is kept to 1e-34, and multiplied by so much the error of its
// last place must stay within discountTolerance. It is the growth of a year at RatePctMax.
var growthTrusted = decimal.New(1+RatePctMax/100, 0)

// discountRoot returns v with v^n x growth = 1, to discountTolerance places, by Newton's method from a guess; that the
// place is reached is checked, not assumed. From a guess of 15 digits it takes one step, or two.
func discountRoot(growth decimal.Decimal, n int, v decimal.Decimal) (decimal.Decimal, bool) {
	one, tolerance := decimal.NewFromInt(1), decimal.New(1, -discountTolerance)
	for range discountStepsMax {
		off := one.Sub(power(v, n).Mul(growth).Truncate(equationPlaces))
		if off.Abs().Cmp(tolerance) <= 0 {
			return v, true
		}
		v = v.Add(v.Mul(off).DivRound(decimal.NewFromInt(int64(n)), equationPlaces))
		if v.Sign() <= 0 {
			return decimal.Decimal{}, false
		}
	}
	return decimal.Decimal{}, false
}
