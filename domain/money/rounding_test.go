package money_test

import (
	"math/big"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"fumin/domain/money"
)

var modes = []money.Rounding{money.HalfUp, money.HalfEven, money.Down, money.Up}

func TestEachModeRoundsByTheTable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		exact                      string
		halfUp, halfEven, down, up string
	}{
		{"0", "0.00", "0.00", "0.00", "0.00"},
		{"1.00", "1.00", "1.00", "1.00", "1.00"},
		{"1.01", "1.01", "1.01", "1.01", "1.01"},
		{"0.004", "0.00", "0.00", "0.00", "0.01"},
		{"0.005", "0.01", "0.00", "0.00", "0.01"},
		{"0.006", "0.01", "0.01", "0.00", "0.01"},
		{"0.015", "0.02", "0.02", "0.01", "0.02"},
		{"0.025", "0.03", "0.02", "0.02", "0.03"},
		{"0.035", "0.04", "0.04", "0.03", "0.04"},
		{"0.0250000000000000000001", "0.03", "0.03", "0.02", "0.03"},
		{"0.0249999999999999999999", "0.02", "0.02", "0.02", "0.03"},
		{"0.0000000000000000000001", "0.00", "0.00", "0.00", "0.01"},
		{"0.995", "1.00", "1.00", "0.99", "1.00"},
		{"9.985", "9.99", "9.98", "9.98", "9.99"},
		{"9.995", "10.00", "10.00", "9.99", "10.00"},
		{"1.005", "1.01", "1.00", "1.00", "1.01"}, // as a float this is 1.00499…
		{"2.675", "2.68", "2.68", "2.67", "2.68"}, // and this 2.67499…
		{"9999999999999999.995", "10000000000000000.00", "10000000000000000.00", "9999999999999999.99", "10000000000000000.00"},
		{"-0.004", "0.00", "0.00", "0.00", "-0.01"},
		{"-0.005", "-0.01", "0.00", "0.00", "-0.01"},
		{"-0.015", "-0.02", "-0.02", "-0.01", "-0.02"},
		{"-0.025", "-0.03", "-0.02", "-0.02", "-0.03"},
		{"-0.0250000000000000000001", "-0.03", "-0.03", "-0.02", "-0.03"},
		{"-9.995", "-10.00", "-10.00", "-9.99", "-10.00"},
	} {
		exact := decimal.RequireFromString(c.exact)
		for i, want := range []string{c.halfUp, c.halfEven, c.down, c.up} {
			if got := money.Round(exact, modes[i]); got.String() != want {
				t.Errorf("Round(%s, %s) = %s, want %s", c.exact, modes[i], got, want)
			}
		}
	}
}

// roundedBy is the rounding of a quotient of whole numbers, by the definition of each mode.
func roundedBy(mode money.Rounding, numerator, denominator *big.Int) *big.Int {
	quotient, remainder := new(big.Int).QuoRem(numerator, denominator, new(big.Int)) // towards zero
	twice := new(big.Int).Abs(new(big.Int).Lsh(remainder, 1)).Cmp(denominator)
	away := false
	switch mode {
	case money.HalfUp:
		away = twice >= 0
	case money.HalfEven:
		away = twice > 0 || (twice == 0 && quotient.Bit(0) == 1)
	case money.Down:
	case money.Up:
		away = remainder.Sign() != 0
	}
	if away {
		quotient.Add(quotient, big.NewInt(int64(numerator.Sign())))
	}
	return quotient
}

func TestEachModeRoundsByItsDefinition(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		coefficient := rapid.Int64().Draw(t, "coefficient")
		if rapid.Bool().Draw(t, "half") { // a random number is hardly ever a half
			coefficient = coefficient/1000*1000 + 500
		}
		exponent := rapid.Int32Range(-9, 3).Draw(t, "exponent")
		places := rapid.Int32Range(0, 6).Draw(t, "places")
		exact := decimal.New(coefficient, exponent)
		for _, mode := range modes {
			numerator, denominator := big.NewInt(coefficient), big.NewInt(1)
			shift := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(exponent+places, -exponent-places))), nil)
			if exponent+places >= 0 {
				numerator.Mul(numerator, shift)
			} else {
				denominator = shift
			}
			want := decimal.NewFromBigInt(roundedBy(mode, numerator, denominator), -places)
			if got := mode.Round(exact, places); !got.Equal(want) {
				t.Fatalf("%s.Round(%s, %d) = %s, want %s", mode, exact, places, got, want)
			}
		}
	})
}

func TestOnlyALendersModesAreRead(t *testing.T) {
	t.Parallel()
	for _, mode := range []money.Rounding{money.HalfUp, money.HalfEven} {
		if got, err := money.ParseRounding(mode.String()); err != nil || got != mode {
			t.Errorf("ParseRounding(%s) = %s, %v", mode, got, err)
		}
	}
	for _, text := range []string{"", "down", "up", "unknown", "HALF_UP", "half-up", "half_up ", "0", "1", "四舍五入"} {
		if got, err := money.ParseRounding(text); valueCode(err) != "invalid-rounding" || got != 0 {
			t.Errorf("ParseRounding(%q) = %s, %v; want invalid-rounding", text, got, err)
		}
	}
	names := map[string]bool{}
	for _, mode := range append([]money.Rounding{0, 99}, modes...) {
		names[mode.String()] = true
	}
	if len(names) != len(modes)+1 || !names["unknown"] {
		t.Errorf("the modes are named %v, want each its own name and unknown for the others", names)
	}
}

func TestAForgottenModePanics(t *testing.T) {
	t.Parallel()
	for _, mode := range []money.Rounding{0, money.Up + 1} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("rounding in mode %d did not panic", mode)
				}
			}()
			money.Round(decimal.New(5, -3), mode)
		}()
	}
}
