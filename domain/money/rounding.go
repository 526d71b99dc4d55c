package money

import (
	"github.com/shopspring/decimal"

	"fumin/domain"
)

// Rounding is how a figure is brought to fewer decimals. There is no default: whoever rounds says how, and why.
type Rounding uint8

// The modes. They start at one so that a forgotten mode is caught.
const (
	HalfUp   Rounding = iota + 1 // 四舍五入: a half goes away from zero
	HalfEven                     // 四舍六入五成双: a half goes to the even neighbour
	Down                         // towards zero
	Up                           // away from zero
)

// ParseRounding reads "half_up" or "half_even", the modes a lender may choose.
func ParseRounding(s string) (Rounding, error) {
	switch s {
	case "half_up":
		return HalfUp, nil
	case "half_even":
		return HalfEven, nil
	}
	return 0, domain.BadValue("invalid-rounding", "应为 half_up（四舍五入）或 half_even（四舍六入五成双）")
}

// String writes what ParseRounding reads; the modes a lender may not choose have names as well.
func (r Rounding) String() string {
	switch r {
	case HalfUp:
		return "half_up"
	case HalfEven:
		return "half_even"
	case Down:
		return "down"
	case Up:
		return "up"
	}
	return "unknown"
}

// Round brings d to the given number of decimals. An unset mode panics: it is a mistake in the program, never input.
func (r Rounding) Round(d decimal.Decimal, places int32) decimal.Decimal {
	switch r {
	case HalfUp:
		return d.Round(places)
	case HalfEven:
		return d.RoundBank(places)
	case Down:
		return d.RoundDown(places)
	case Up:
		return d.RoundUp(places)
	}
	panic("money: rounding mode not set")
}
