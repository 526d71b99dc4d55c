package borrower

import (
	"strconv"
	"strings"

	"fumin/domain"
)

// Area is a size of land in mu (亩, 1/15 hectare), to the hundredth, as certificates of contracted land state it. The
// zero value is 0.00. Column DECIMAL(10,2).
type Area struct{ hundredths int64 }

// AreaMuMax is the largest area, exclusive: a million mu.
const AreaMuMax = 1_000_000

var errArea = domain.BadValue("area-invalid", "面积应为不小于 0、小于 %d 的亩数，最多两位小数", AreaMuMax)

// ParseArea reads mu as plain decimal text: ASCII digits, and at most two decimals after a point ("4800", "12.5").
func ParseArea(s string) (Area, error) {
	whole, fraction, found := strings.Cut(s, ".")
	if s == "" {
		return Area{}, errRequired
	}
	if !onlyDigits(whole) || len(whole) > 6 || len(fraction) > 2 || (found && !onlyDigits(fraction)) {
		return Area{}, errArea
	}
	hundredths, err := strconv.ParseInt(whole+(fraction + "00")[:2], 10, 64)
	if err != nil {
		return Area{}, errArea
	}
	return Area{hundredths: hundredths}, nil
}

// MustParseArea is ParseArea for tests and constants.
func MustParseArea(s string) Area { return must(ParseArea(s)) }

// String writes two decimals: "12.50".
func (a Area) String() string {
	text := strconv.FormatInt(a.hundredths, 10)
	if len(text) < 3 {
		text = strings.Repeat("0", 3-len(text)) + text
	}
	return text[:len(text)-2] + "." + text[len(text)-2:]
}

// MarshalText writes String.
func (a Area) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads what ParseArea reads.
func (a *Area) UnmarshalText(text []byte) error {
	parsed, err := ParseArea(string(text))
	if err != nil {
		return err
	}
	*a = parsed
	return nil
}

// Add returns a + b.
func (a Area) Add(b Area) Area { return Area{hundredths: a.hundredths + b.hundredths} }

// Cmp returns -1, 0 or +1: a is less than, equal to, greater than b.
func (a Area) Cmp(b Area) int {
	switch {
	case a.hundredths < b.hundredths:
		return -1
	case a.hundredths > b.hundredths:
		return 1
	}
	return 0
}

// Equal reports whether a and b are the same size.
func (a Area) Equal(b Area) bool { return a == b }

// IsZero reports whether a is 0.00.
func (a Area) IsZero() bool { return a.hundredths == 0 }
