package schedule

import (
	"github.com/shopspring/decimal"

	"fumin/domain/money"
)

// Precision of the annuity factor. workPlaces are kept while computing; then the quotient is rounded to levelPlaces
// before the lender's own rounding, so that an exact half fen is seen as a half and not as 0.00499…9. What lies within
// 1e-20 of a half cannot be told from it, and no published figure is.
const (
	workPlaces  = 40
	levelPlaces = 20
)

// level returns the instalment of equal_instalment (每期还款额), the given or the computed one; zero for other methods.
//
// The instalment A repays the principal P when P = A x (D1 + D2 + … + Dn), where Dk = 1/((1+r f1)…(1+r fk)) and f are
// the periods' own year fractions. That is linear in A, so nothing is searched for. Where all fractions are equal it
// is the ordinary annuity A = P i / (1 - (1+i)^-n).
func (c *calculation) level() money.Amount {
	t := c.terms
	if t.Method != EqualInstalment {
		return money.Amount{}
	}
	if !t.GivenInstalment.IsZero() {
		return t.GivenInstalment
	}
	paying := c.periods[t.GracePrincipalPeriods:]
	if t.AnnualRate.IsZero() {
		return t.roundToMultiple(t.Principal.Decimal(), decimal.NewFromInt(int64(len(paying))))
	}
	growth, sum := c.annuity(paying)
	exact := t.Principal.Decimal().Mul(growth).DivRound(sum, levelPlaces)
	return t.roundToMultiple(exact, decimal.NewFromInt(1))
}

// annuity returns G = (1+r f1)…(1+r fn), what one yuan grows to, and S = G1 + G2 + … + 1, what n yuan paid one at
// each due date grow to. A = P G / S: multiplied out like this there is no division before the last one, and a short
// plan's figures stay exact.
func (c *calculation) annuity(paying []period) (growth, sum decimal.Decimal) {
	one := decimal.NewFromInt(1)
	if uniform(paying) {
		return geometric(one.Add(c.periodRate(paying[0].fraction)), len(paying))
	}
	growth = one
	var factor decimal.Decimal
	for k := range paying {
		if k == 0 || paying[k].fraction != paying[k-1].fraction {
			factor = one.Add(c.periodRate(paying[k].fraction))
		}
		growth = growth.Mul(factor).Round(workPlaces)
		sum = sum.Mul(factor).Add(one).Round(workPlaces)
	}
	return growth, sum
}

// geometric returns g^n and 1 + g + … + g^(n-1), by doubling.
func geometric(g decimal.Decimal, n int) (power, sum decimal.Decimal) {
	one := decimal.NewFromInt(1)
	power = one
	for bit := 62; bit >= 0; bit-- {
		if n>>bit == 0 {
			continue
		}
		sum = sum.Mul(power.Add(one)).Round(workPlaces) // S(2m) = S(m) (1 + g^m)
		power = power.Mul(power).Round(workPlaces)
		if n>>bit&1 == 1 {
			sum = sum.Mul(g).Add(one).Round(workPlaces)
			power = power.Mul(g).Round(workPlaces)
		}
	}
	return power, sum
}

// periodRate is the rate of one period as a fraction of one: r x f.
func (c *calculation) periodRate(f Fraction) decimal.Decimal {
	return c.terms.AnnualRate.Decimal().Mul(decimal.NewFromInt(f.Numerator)).DivRound(decimal.NewFromInt(100*f.Denominator), workPlaces)
}

func uniform(periods []period) bool {
	for i := range periods {
		if periods[i].fraction != periods[0].fraction {
			return false
		}
	}
	return true
}

// refuseTooSmall names the smallest instalment that covers the interest of every row. A larger instalment leaves
// smaller balances and so less interest, hence bisection over multiples of InstalmentMultiple finds it.
func (c *calculation) refuseTooSmall(s shortfall) error {
	multiple := c.terms.InstalmentMultiple
	if c.terms.Method != EqualInstalment {
		return invalid("/instalment_multiple", "instalment-too-small",
			"按 %s 元取整后第 %d 期为 %s 元，不足以支付当期利息 %s 元；请改用更小的取整单位", multiple, s.row, s.instalment, s.interest)
	}
	smallest := c.smallestInstalment()
	if c.terms.GivenInstalment.IsZero() {
		return invalid("/given_instalment", "instalment-too-small",
			"按约定算得每期 %s 元，不足以支付第 %d 期利息 %s 元；请指定每期金额（given_instalment），最少 %s 元", s.instalment, s.row, s.interest, smallest)
	}
	return invalid("/given_instalment", "instalment-too-small",
		"指定的每期 %s 元不足以支付第 %d 期利息 %s 元；每期最少 %s 元", s.instalment, s.row, s.interest, smallest)
}

func (c *calculation) smallestInstalment() money.Amount {
	unit := c.terms.InstalmentMultiple.Decimal()
	works := func(count int64) bool {
		_, tooSmall := c.rows(amount(unit.Mul(decimal.NewFromInt(count))))
		return tooSmall == nil
	}
	// The principal with the largest interest of any row clears the loan at once, so it works; zero is taken not to.
	most := money.Amount{}
	for i := range c.periods {
		if interest := c.interest(i, c.terms.Principal); interest.Cmp(most) > 0 {
			most = interest
		}
	}
	high := c.terms.Principal.Add(most).Decimal().DivRound(unit, 0).IntPart() + 1
	for low := int64(0); high-low > 1; { // at most 60 halvings
		if middle := low + (high-low)/2; works(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	return amount(unit.Mul(decimal.NewFromInt(high)))
}
