package schedule

import (
	"math/big"
	"math/bits"

	"github.com/shopspring/decimal"

	"fumin/domain/money"
)

// Inside this package money is counted in whole fen and rates in millionths of a percent, as integers: the same exact
// figures as money.Amount and money.Rate at a tenth of the time. The limits of terms keep every product within 128 bits
// and every result within 64; measure refuses the one kind of fraction that could pass them.

// fen is an amount in fen (分).
type fen int64

func fenOf(a money.Amount) fen { return fen(a.Decimal().Shift(2).IntPart()) }

func (f fen) amount() money.Amount {
	if f == 0 {
		return money.Amount{}
	}
	return money.Fen(int64(f))
}

// microPercent is a rate in millionths of a percent, the grain of money.Rate.
func microPercent(r money.Rate) int64 { return r.Decimal().Shift(money.RatePlaces).IntPart() }

const (
	microPercentOne = 100_000_000 // a rate of 100 %, one, in millionths of a percent
	numeratorMax    = 1 << 33     // of a year fraction: times a rate below 2^30 it stays within 64 bits
	denominatorMax  = 1 << 35     // of a year fraction: times microPercentOne it stays within 63 bits
)

// share is base x rate x years, rounded once, from the exact quotient, to the fen. None of them is negative.
func share(base fen, rate int64, years Fraction, mode money.Rounding) fen {
	high, low := bits.Mul64(uint64(base), uint64(rate)*uint64(years.Numerator))
	divisor := microPercentOne * uint64(years.Denominator)
	quotient, remainder := bits.Div64(high, low, divisor)
	return fen(rounded(quotient, remainder, divisor, mode))
}

// quotient is numerator/denominator, rounded once to a whole number. Neither is negative.
func quotient(numerator, denominator int64, mode money.Rounding) int64 {
	n, d := uint64(numerator), uint64(denominator)
	return int64(rounded(n/d, n%d, d, mode))
}

// rounded rounds in the lender's mode. A half is a half exactly, because nothing was cut off before.
func rounded(quotient, remainder, divisor uint64, mode money.Rounding) uint64 {
	switch twice := 2 * remainder; {
	case twice > divisor, twice == divisor && (mode == money.HalfUp || quotient%2 == 1):
		return quotient + 1
	}
	return quotient
}

// bigQuotient is quotient for numbers of any size.
func bigQuotient(numerator, denominator *big.Int, mode money.Rounding) *big.Int {
	whole, remainder := new(big.Int).QuoRem(numerator, denominator, new(big.Int))
	half := remainder.Lsh(remainder, 1).Cmp(denominator)
	if half > 0 || half == 0 && (mode == money.HalfUp || whole.Bit(0) == 1) {
		whole.Add(whole, big.NewInt(1))
	}
	return whole
}

// Fixed-point decimals for annuities and equations of value: integers in units of 1e-34. shopspring/decimal gives the
// same figures, but allocates and works out a power of ten for every product that is cut back to length.
const fixedPlaces = 34

var fixedOne = new(big.Int).Exp(big.NewInt(10), big.NewInt(fixedPlaces), nil)

// fixedOf is numerator/denominator, cut to fixedPlaces.
func fixedOf(numerator, denominator int64) *big.Int {
	x := new(big.Int).Mul(big.NewInt(numerator), fixedOne)
	return x.Quo(x, big.NewInt(denominator))
}

// fixedFrom cuts a decimal to fixedPlaces.
func fixedFrom(d decimal.Decimal) *big.Int { return d.Shift(fixedPlaces).BigInt() }

// workspace holds what one computation multiplies with, so that its steps do not allocate.
type workspace struct{ product, rest, term, odd, small big.Int }

// multiply sets z to x times y, cut to fixedPlaces.
func (w *workspace) multiply(z, x, y *big.Int) {
	w.product.Mul(x, y)
	z.QuoRem(&w.product, fixedOne, &w.rest)
}

// divide sets z to x divided by y, cut to fixedPlaces.
func (w *workspace) divide(z, x, y *big.Int) {
	w.product.Mul(x, fixedOne)
	z.QuoRem(&w.product, y, &w.rest)
}

// power returns base^n by squaring.
func (w *workspace) power(base *big.Int, n int) *big.Int {
	result, square := new(big.Int).Set(fixedOne), new(big.Int).Set(base)
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			w.multiply(result, result, square)
		}
		if n > 1 {
			w.multiply(square, square, square)
		}
	}
	return result
}
