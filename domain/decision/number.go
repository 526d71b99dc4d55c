package decision

import (
	"math/bits"

	"github.com/shopspring/decimal"
)

// number is an exact decimal: small/10^scale where that fits, wide otherwise. Nearly every number of a rule fits, and then no
// comparison, sum or product allocates; what does not fit is slower and as exact.
type number struct {
	small int64
	scale int32            // 0 to scaleMax
	wide  *decimal.Decimal // nil: small and scale hold the number
}

const scaleMax = 18

// powersOfTen are 10^0 to 10^scaleMax.
var powersOfTen = func() (powers [scaleMax + 1]int64) {
	powers[0] = 1
	for i := 1; i <= scaleMax; i++ {
		powers[i] = powers[i-1] * 10
	}
	return powers
}()

func numberOfInt(n int) number { return number{small: int64(n)} }

func numberOf(d decimal.Decimal) number {
	exponent := d.Exponent()
	if d.NumDigits() <= scaleMax && exponent <= 0 && exponent >= -scaleMax {
		return number{small: d.CoefficientInt64(), scale: -exponent}
	}
	return number{wide: &d}
}

func (n number) decimal() decimal.Decimal {
	if n.wide != nil {
		return *n.wide
	}
	return decimal.New(n.small, -n.scale)
}

// times returns a × b, false when it does not fit.
func times(a, b int64) (int64, bool) {
	negative := (a < 0) != (b < 0)
	high, low := bits.Mul64(magnitude(a), magnitude(b))
	if high != 0 || low > 1<<63-1 {
		return 0, false
	}
	if negative {
		return -int64(low), true
	}
	return int64(low), true
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

// aligned returns both numbers over the same power of ten, false when they do not fit.
func aligned(a, b number) (x, y int64, scale int32, ok bool) {
	if a.wide != nil || b.wide != nil {
		return 0, 0, 0, false
	}
	switch {
	case a.scale == b.scale:
		return a.small, b.small, a.scale, true
	case a.scale < b.scale:
		x, ok = times(a.small, powersOfTen[b.scale-a.scale])
		return x, b.small, b.scale, ok
	}
	y, ok = times(b.small, powersOfTen[a.scale-b.scale])
	return a.small, y, a.scale, ok
}

// cmp returns -1, 0 or +1.
func (n number) cmp(o number) int {
	if x, y, _, ok := aligned(n, o); ok {
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	}
	return n.decimal().Cmp(o.decimal())
}

func (n number) add(o number) number {
	if x, y, scale, ok := aligned(n, o); ok {
		if sum := x + y; (sum > x) == (y > 0) { // otherwise it ran over
			return number{small: sum, scale: scale}
		}
	}
	return numberOf(n.decimal().Add(o.decimal()))
}

func (n number) negate() number {
	if n.wide == nil && n.small != -1<<63 {
		return number{small: -n.small, scale: n.scale}
	}
	return numberOf(n.decimal().Neg())
}

func (n number) subtract(o number) number { return n.add(o.negate()) }

func (n number) multiply(o number) number {
	if n.wide == nil && o.wide == nil && n.scale+o.scale <= scaleMax {
		if product, ok := times(n.small, o.small); ok {
			return number{small: product, scale: n.scale + o.scale}
		}
	}
	return numberOf(n.decimal().Mul(o.decimal()))
}

// withPlaces returns the number with at least so many and no needless decimals more; false when it needs more than most, or
// does not fit.
func (n number) withPlaces(least, most int32) (number, bool) {
	if n.wide != nil {
		return n, false
	}
	for n.scale > least && n.small%10 == 0 {
		n.small, n.scale = n.small/10, n.scale-1
	}
	if n.scale < least {
		var ok bool
		if n.small, ok = times(n.small, powersOfTen[least-n.scale]); !ok {
			return n, false
		}
		n.scale = least
	}
	return n, n.scale <= most
}

// text writes a small number as it is, with or without commas between groups of three.
func (n number) text(grouped bool) string {
	var buffer [48]byte // 19 digits, a point, a sign, six commas, and zeros before the first digit
	at := len(buffer)
	put := func(c byte) {
		at--
		buffer[at] = c
	}
	rest := magnitude(n.small)
	for range n.scale {
		put(byte('0' + rest%10))
		rest /= 10
	}
	if n.scale > 0 {
		put('.')
	}
	for digits := 0; digits == 0 || rest > 0; digits++ {
		if grouped && digits > 0 && digits%3 == 0 {
			put(',')
		}
		put(byte('0' + rest%10))
		rest /= 10
	}
	if n.small < 0 {
		put('-')
	}
	return string(buffer[at:])
}
