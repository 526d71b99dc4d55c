package schedule

import (
	"math/big"

	"github.com/shopspring/decimal"

	"fumin/domain/money"
)

// halfPlaces: before the lender's own rounding an instalment is rounded to 1e-16 yuan, so that an exact half fen is
// seen as a half and not as the 0.00499…9 of a division cut short. What lies within 1e-16 of a half cannot be told
// from it.
const halfPlaces = 16

// levelInstalment returns the instalment of equal_instalment (每期还款额), the given or the computed one.
//
// The instalment A repays the principal P when P = A x (D1 + D2 + … + Dn), where Dk = 1/((1+r f1)…(1+r fk)) and f are
// the periods' own year fractions. That is linear in A, so nothing is searched for. Where all fractions are equal it
// is the ordinary annuity A = P i / (1 - (1+i)^-n). Both are computed as A = P G / S with G = (1+r f1)…(1+r fn), what
// one yuan grows to, and S = G/G1 + G/G2 + … + 1, what n yuan paid one at each due date grow to: nothing is divided
// or subtracted before the end, so no digits are lost however small the rate.
func (c *calculation) levelInstalment() fen {
	if !c.terms.GivenInstalment.IsZero() {
		return fenOf(c.terms.GivenInstalment)
	}
	paying := c.periods[c.terms.GracePrincipalPeriods:]
	if c.rate == 0 {
		return c.toMultiple(int64(c.principal), int64(len(paying)))
	}
	growth, sum := c.annuity(paying)
	grain := new(big.Int).Exp(big.NewInt(10), big.NewInt(halfPlaces-2), nil) // of a fen
	exact := growth.Mul(growth, big.NewInt(int64(c.principal)))
	exact = bigQuotient(exact.Mul(exact, grain), sum, money.HalfUp)
	count := bigQuotient(exact, grain.Mul(grain, big.NewInt(int64(c.multiple))), c.terms.Rounding)
	return fen(count.Int64()) * c.multiple
}

// annuity returns G and S.
func (c *calculation) annuity(paying []period) (growth, sum *big.Int) {
	var w workspace
	if uniform(paying) {
		return w.geometric(c.periodGrowth(paying[0].fraction), len(paying))
	}
	growth, sum = new(big.Int).Set(fixedOne), new(big.Int)
	var factor *big.Int
	for k := range paying {
		if k == 0 || paying[k].fraction != paying[k-1].fraction {
			factor = c.periodGrowth(paying[k].fraction)
		}
		w.multiply(growth, growth, factor)
		w.multiply(sum, sum, factor)
		sum.Add(sum, fixedOne)
	}
	return growth, sum
}

// geometric returns g^n and 1 + g + … + g^(n-1), by doubling: S(2m) = S(m) (1 + g^m), S(m+1) = g S(m) + 1.
func (w *workspace) geometric(g *big.Int, n int) (power, sum *big.Int) {
	power, sum = new(big.Int).Set(fixedOne), new(big.Int)
	more := new(big.Int)
	for bit := 62; bit >= 0; bit-- {
		if n>>bit == 0 {
			continue
		}
		w.multiply(sum, sum, more.Add(power, fixedOne))
		w.multiply(power, power, power)
		if n>>bit&1 == 1 {
			w.multiply(sum, sum, g)
			sum.Add(sum, fixedOne)
			w.multiply(power, power, g)
		}
	}
	return power, sum
}

// periodGrowth is 1 + r f.
func (c *calculation) periodGrowth(f Fraction) *big.Int {
	growth := fixedOf(c.rate*f.Numerator, microPercentOne*f.Denominator)
	return growth.Add(growth, fixedOne)
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
	instalment, interest := s.instalment.amount(), s.interest.amount()
	if c.terms.Method != EqualInstalment {
		return invalid("/instalment_multiple", "instalment-too-small",
			"按 %s 元取整后第 %d 期为 %s 元，不足以支付当期利息 %s 元；请改用更小的取整单位", c.multiple.amount(), s.row, instalment, interest)
	}
	smallest := c.smallestInstalment().amount()
	if c.terms.GivenInstalment.IsZero() {
		return invalid("/given_instalment", "instalment-too-small",
			"按约定算得每期 %s 元，不足以支付第 %d 期利息 %s 元；请指定每期金额（given_instalment），最少 %s 元", instalment, s.row, interest, smallest)
	}
	return invalid("/given_instalment", "instalment-too-small",
		"指定的每期 %s 元不足以支付第 %d 期利息 %s 元；每期最少 %s 元", instalment, s.row, interest, smallest)
}

func (c *calculation) smallestInstalment() fen {
	// The principal with the largest interest of any row clears the loan at once, so it works; nothing at all does not.
	var most fen
	for i := range c.periods {
		most = max(most, c.interest(i, c.principal))
	}
	low, high := fen(0), (c.principal+most)/c.multiple+1
	for high-low > 1 { // at most 60 halvings
		if middle := low + (high-low)/2; c.repay(middle*c.multiple) == nil {
			high = middle
		} else {
			low = middle
		}
	}
	return high * c.multiple
}

func sharesOf(seasonal []SeasonalInstalment) []decimal.Decimal {
	shares := make([]decimal.Decimal, len(seasonal))
	for i, s := range seasonal {
		shares[i] = s.SharePct.Decimal()
	}
	return shares
}
