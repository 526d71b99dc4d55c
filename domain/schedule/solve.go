package schedule

import (
	"math/big"

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

// refine goes from a guess to the nearest rate with PercentPlaces decimals, without floats. It evaluates the
// equation one unit of the last place below and above the candidate. If a straight line through both crosses zero
// within half a unit of the candidate, the signs differ, and that is the verification; otherwise the line says how many
// units to move. A sign counts only where the sum exceeds all errors of computing it.
func (e equation) refine(g guess) (Percent, error) {
	unit := decimal.New(1, -fractionPlaces)
	yearly := g.yearly.Round(fractionPlaces)
	trust := fixedFrom(decimal.New(e.moved(), -trustedPlaces))
	var w workspace
	discount := fixedFrom(g.unit)
	w.divide(discount, fixedOne, discount.Add(discount, fixedOne))
	for range refineStepsMax {
		below, okBelow := e.at(yearly.Sub(unit), discount)
		above, okAbove := e.at(yearly.Add(unit), discount)
		if !okBelow || !okAbove || below.CmpAbs(trust) <= 0 || above.CmpAbs(trust) <= 0 || below.Cmp(above) == 0 {
			return Percent{}, errUnverified
		}
		// The line through (-1, below) and (1, above) crosses zero at (below + above) / (below - above).
		crossing := decimal.NewFromBigInt(new(big.Int).Add(below, above), 0).
			DivRound(decimal.NewFromBigInt(new(big.Int).Sub(below, above), 0), 0)
		if crossing.IsZero() {
			if below.Sign() == above.Sign() {
				return Percent{}, errUnverified
			}
			return Percent{d: yearly.Shift(2)}, nil
		}
		yearly = yearly.Add(crossing.Mul(unit))
	}
	return Percent{}, errUnverified
}

// at evaluates the equation at a yearly rate given as a fraction of one.
func (e equation) at(yearly decimal.Decimal, discount *big.Int) (*big.Int, bool) {
	var w workspace
	rate, factor := fixedFrom(yearly), new(big.Int)
	growth := new(big.Int).Add(fixedOne, rate)
	if !e.rate.compounded {
		rate.Mul(rate, big.NewInt(e.rate.periods.Denominator)).Quo(rate, big.NewInt(e.rate.periods.Numerator))
		growth.Add(fixedOne, rate)
		if growth.Sign() <= 0 {
			return nil, false
		}
		w.divide(factor, fixedOne, growth)
		return e.present(rate, factor), true
	}
	if growth.Sign() <= 0 {
		return nil, false
	}
	growth = w.power(growth, int(e.rate.periods.Denominator)) // of Numerator unit-periods
	if growth.Cmp(growthTrusted) > 0 || !w.discountRoot(factor.Set(discount), growth, e.rate.periods.Numerator) {
		return nil, false
	}
	w.divide(rate, fixedOne, factor)
	return e.present(rate.Sub(rate, fixedOne), factor), true
}

// growthTrusted bounds what discountRoot is asked for: v^n is kept to 1e-34, and multiplied by so much the error of its
// last place must stay within discountTolerance. It is the growth of a year at RatePctMax.
var growthTrusted = new(big.Int).Mul(big.NewInt(1+RatePctMax/100), fixedOne)

var discountTolerated = new(big.Int).Exp(big.NewInt(10), big.NewInt(fixedPlaces-discountTolerance), nil)

// discountRoot brings v to v^n x growth = 1, within discountTolerance, by Newton's method; that this is reached is
// checked, not assumed. From a guess of 15 digits it takes one step, or two.
func (w *workspace) discountRoot(v, growth *big.Int, n int64) bool {
	off := new(big.Int)
	for range discountStepsMax {
		w.multiply(off, w.power(v, int(n)), growth)
		if off.Sub(fixedOne, off).CmpAbs(discountTolerated) <= 0 {
			return true
		}
		w.multiply(off, off, v)
		v.Add(v, off.Quo(off, big.NewInt(n)))
		if v.Sign() <= 0 {
			return false
		}
	}
	return false
}
