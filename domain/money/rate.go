package money

import (
	"strings"

	"github.com/shopspring/decimal"
)

// Rate is a percentage, as staff and LPR notices write it: 3.65 means 3.65 %. Mostly a year's; the name of the variable
// says so (annual_rate_pct). Up to six decimals. The zero value is 0 %.
type Rate struct {
	_ [0]func()
	d decimal.Decimal
}

// RatePlaces is the number of decimals of a Rate, as in the column type DECIMAL(9,6).
const RatePlaces = 6

// ParseRate reads plain decimal text with at most three digits before and RatePlaces after the point; a minus sign is
// accepted, because a spread may be negative.
func ParseRate(s string) (Rate, error) {
	if err := plainDecimal(s, 3, RatePlaces); err != nil {
		return Rate{}, err
	}
	d, err := decimal.NewFromString(s)
	if err != nil {
		return Rate{}, errSyntax
	}
	return Rate{d: d}, nil
}

// MustParseRate is ParseRate for tests and constants.
func MustParseRate(s string) Rate {
	r, err := ParseRate(s)
	if err != nil {
		panic(err)
	}
	return r
}

// RateFromDecimal takes percent with at most RatePlaces decimals and refuses more.
func RateFromDecimal(pct decimal.Decimal) (Rate, error) {
	if !pct.Equal(pct.Truncate(RatePlaces)) {
		return Rate{}, errPlaces(RatePlaces)
	}
	return Rate{d: pct}, nil
}

// BasisPoints returns n hundredths of a percent (基点).
func BasisPoints(n int) Rate { return Rate{d: decimal.New(int64(n), -2)} }

// Decimal returns the percentage: 3.65 for 3.65 %.
func (r Rate) Decimal() decimal.Decimal { return r.d }

// Add returns r + o.
func (r Rate) Add(o Rate) Rate { return Rate{d: r.d.Add(o.d)} }

// Sub returns r - o.
func (r Rate) Sub(o Rate) Rate { return Rate{d: r.d.Sub(o.d)} }

// Cmp returns -1, 0 or +1.
func (r Rate) Cmp(o Rate) int { return r.d.Cmp(o.d) }

// Equal reports whether r and o are the same percentage.
func (r Rate) Equal(o Rate) bool { return r.d.Equal(o.d) }

// Sign returns -1, 0 or +1.
func (r Rate) Sign() int { return r.d.Sign() }

// IsZero reports whether r is 0 %.
func (r Rate) IsZero() bool { return r.d.IsZero() }

// String writes at least two decimals and no needless zeros after them: "3.65", "3.10", "0.333333".
func (r Rate) String() string {
	text := r.d.StringFixed(RatePlaces)
	for strings.HasSuffix(text, "0") && len(text)-strings.IndexByte(text, '.') > 3 {
		text = text[:len(text)-1]
	}
	return text
}

// MarshalText writes String.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what ParseRate reads.
func (r *Rate) UnmarshalText(text []byte) error {
	parsed, err := ParseRate(string(text))
	if err != nil {
		return err
	}
	*r = parsed
	return nil
}
