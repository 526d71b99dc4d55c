// Package money owns exact amounts, rates and rounding. Nothing in it is a float, and nothing is rounded without
// naming the mode.
package money

import (
	"strings"

	"github.com/shopspring/decimal"

	"fumin/domain"
)

// Amount is a sum of yuan (人民币元) with two decimals. The zero value is 0.00. It may be negative (a difference);
// where only a positive sum makes sense, the caller says so.
//
// Amounts are compared with Equal and Cmp; == does not compile, because equal sums may differ inside.
type Amount struct {
	_ [0]func()
	d decimal.Decimal
}

// AmountDigitsMax is the number of digits before the point, as in the column type DECIMAL(18,2).
const AmountDigitsMax = 16

// ParseAmount reads plain decimal text: an optional minus sign, ASCII digits, and at most two decimals after a
// point ("99500", "99500.5", "99500.00"). Exponents, plus signs, spaces, group separators, full-width digits, a third
// decimal and more than AmountDigitsMax digits are refused: a sum is never guessed or rounded on the way in.
func ParseAmount(s string) (Amount, error) {
	if err := plainDecimal(s, AmountDigitsMax, 2); err != nil {
		return Amount{}, err
	}
	d, err := decimal.NewFromString(s)
	if err != nil {
		return Amount{}, errSyntax
	}
	return Amount{d: d}, nil
}

// MustParseAmount is ParseAmount for tests and constants.
func MustParseAmount(s string) Amount {
	a, err := ParseAmount(s)
	if err != nil {
		panic(err)
	}
	return a
}

// AmountFromDecimal takes a decimal that is a whole number of fen and refuses any other: MariaDB would round a third
// decimal silently, so this is the place where it stops.
func AmountFromDecimal(d decimal.Decimal) (Amount, error) {
	if !d.Equal(d.Truncate(2)) {
		return Amount{}, errPlaces(2)
	}
	return Amount{d: d}, nil
}

// Fen returns an amount of n fen (分), n/100 yuan.
func Fen(n int64) Amount { return Amount{d: decimal.New(n, -2)} }

// Round makes an Amount of an exact figure in yuan, in the mode the caller names.
func Round(d decimal.Decimal, mode Rounding) Amount { return Amount{d: mode.Round(d, 2)} }

// Decimal returns the exact value in yuan, for arithmetic in domain/schedule and for the column.
func (a Amount) Decimal() decimal.Decimal { return a.d }

// Add returns a + b.
func (a Amount) Add(b Amount) Amount { return Amount{d: a.d.Add(b.d)} }

// Sub returns a - b.
func (a Amount) Sub(b Amount) Amount { return Amount{d: a.d.Sub(b.d)} }

// Neg returns -a.
func (a Amount) Neg() Amount { return Amount{d: a.d.Neg()} }

// Cmp returns -1, 0 or +1: a is less than, equal to, greater than b.
func (a Amount) Cmp(b Amount) int { return a.d.Cmp(b.d) }

// Equal reports whether a and b are the same sum.
func (a Amount) Equal(b Amount) bool { return a.d.Equal(b.d) }

// Sign returns -1, 0 or +1.
func (a Amount) Sign() int { return a.d.Sign() }

// IsZero reports whether a is 0.00.
func (a Amount) IsZero() bool { return a.d.IsZero() }

// Times returns a share of a: a x rate/100, rounded to the fen in the named mode.
func (a Amount) Times(r Rate, mode Rounding) Amount {
	return Round(a.d.Mul(r.d).Shift(-2), mode)
}

// Allocate splits a in proportion to the weights, so that the parts sum to a exactly: each part is cut to the fen
// towards zero, and the fen left over go one each to the largest remainders, the earlier part first.
// Weights must be non-negative and not all zero; otherwise it returns nil.
func (a Amount) Allocate(weights []decimal.Decimal) []Amount {
	total := decimal.Zero
	for _, w := range weights {
		if w.Sign() < 0 {
			return nil
		}
		total = total.Add(w)
	}
	if total.Sign() == 0 {
		return nil
	}

	fen := a.d.Shift(2)
	parts := make([]Amount, len(weights))
	remainders := make([]decimal.Decimal, len(weights))
	left := fen
	for i, w := range weights {
		// The quotient is cut to whole fen, so the remainder fen*w - quotient*total is exact: largest remainder.
		quotient, remainder := fen.Mul(w).QuoRem(total, 0)
		parts[i] = Amount{d: quotient.Shift(-2)}
		remainders[i] = remainder.Abs()
		left = left.Sub(quotient)
	}

	one := decimal.New(int64(left.Sign()), -2)
	for n := left.Abs().IntPart(); n > 0; n-- {
		largest := 0
		for i := range remainders {
			if remainders[i].Cmp(remainders[largest]) > 0 {
				largest = i
			}
		}
		parts[largest] = Amount{d: parts[largest].d.Add(one)}
		remainders[largest] = decimal.Zero
	}
	return parts
}

// Split splits a into n parts that differ by at most one fen and sum to a; the larger parts come first.
// n below 1 gives nil.
func (a Amount) Split(n int) []Amount {
	if n < 1 {
		return nil
	}
	weights := make([]decimal.Decimal, n)
	for i := range weights {
		weights[i] = decimal.New(1, 0)
	}
	return a.Allocate(weights)
}

// Sum adds amounts.
func Sum(amounts ...Amount) Amount {
	var total Amount
	for _, a := range amounts {
		total = total.Add(a)
	}
	return total
}

// String writes two decimals: "99500.00".
func (a Amount) String() string { return a.d.StringFixed(2) }

// Grouped writes the amount for a person: "99,500.00".
func (a Amount) Grouped() string {
	text := a.String()
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
	}
	whole, fraction, _ := strings.Cut(text, ".")
	var b strings.Builder
	b.WriteString(sign)
	for i, c := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	return b.String() + "." + fraction
}

// MarshalText writes String.
func (a Amount) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads what ParseAmount reads.
func (a *Amount) UnmarshalText(text []byte) error {
	parsed, err := ParseAmount(string(text))
	if err != nil {
		return err
	}
	*a = parsed
	return nil
}

var errSyntax = domain.BadValue("invalid-decimal", "应为普通十进制数字文本，例如 \"99500.00\"，不含空格、逗号、正号、指数或全角数字")

func errPlaces(places int) error {
	return domain.BadValue("too-many-decimals", "小数最多 %d 位", places)
}

// plainDecimal refuses all but -?digits[.digits] within the given sizes.
func plainDecimal(s string, wholeMax, placesMax int) error {
	whole, fraction, point := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	if whole == "" || (point && fraction == "") || !asciiDigits(whole) || !asciiDigits(fraction) {
		return errSyntax
	}
	if len(fraction) > placesMax {
		return errPlaces(placesMax)
	}
	if len(whole) > wholeMax {
		return domain.BadValue("too-large", "整数部分最多 %d 位", wholeMax)
	}
	return nil
}

func asciiDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
