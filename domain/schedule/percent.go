package schedule

import (
	"strings"

	"github.com/shopspring/decimal"

	"fumin/domain/money"
)

// Percent is a yearly rate that solves an equation of value, in percent, to PercentPlaces decimals. The last place is
// verified: the equation changes sign between one unit below and one unit above. Unlike money.Rate it is an outcome,
// never an input, and has no upper limit of three digits.
type Percent struct {
	_ [0]func()
	d decimal.Decimal
}

// PercentPlaces is the number of decimals of a Percent: at least ten correct digits for every rate from 0.01 % up.
const PercentPlaces = 12

// Decimal returns the percentage: 3.65 for 3.65 %.
func (p Percent) Decimal() decimal.Decimal { return p.d }

// Cmp returns -1, 0 or +1.
func (p Percent) Cmp(o Percent) int { return p.d.Cmp(o.d) }

// Equal reports whether p and o are the same percentage.
func (p Percent) Equal(o Percent) bool { return p.d.Equal(o.d) }

// Shown is the percentage to few places, as a person reads it: "4.35". The mode is the caller's.
func (p Percent) Shown(places int32, mode money.Rounding) string {
	return mode.Round(p.d, places).StringFixed(places)
}

// String writes at least two decimals and no needless zeros after them.
func (p Percent) String() string {
	text := p.d.StringFixed(PercentPlaces)
	for strings.HasSuffix(text, "0") && len(text)-strings.IndexByte(text, '.') > 3 {
		text = text[:len(text)-1]
	}
	return text
}

// MarshalText writes String.
func (p Percent) MarshalText() ([]byte, error) { return []byte(p.String()), nil }
