package money_test

import (
	"encoding/json"
	"errors"
	"math/big"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"fumin/domain"
	"fumin/domain/money"
)

// maxAmount is the largest sum that fits the column type DECIMAL(18,2).
const maxAmount = "9999999999999999.99"

func valueCode(err error) string {
	if v, ok := errors.AsType[*domain.ValueError](err); ok {
		return v.Code
	}
	return ""
}

// texts writes amounts, for comparison: Amounts themselves are compared with Equal.
func texts(amounts []money.Amount) []string {
	var list []string
	for _, a := range amounts {
		list = append(list, a.String())
	}
	return list
}

// anyAmount draws sums of both signs, small ones and the largest that a column holds.
func anyAmount() *rapid.Generator[money.Amount] {
	return rapid.Custom(func(t *rapid.T) money.Amount {
		if rapid.Bool().Draw(t, "small") {
			return money.Fen(rapid.Int64Range(-1000, 1000).Draw(t, "fen"))
		}
		return money.Fen(rapid.Int64Range(-999_999_999_999_999_999, 999_999_999_999_999_999).Draw(t, "fen"))
	})
}

// fenOf is an amount in fen, for arithmetic that does not use this package or decimal.
func fenOf(t interface{ Fatalf(string, ...any) }, a money.Amount) *big.Int {
	n, ok := new(big.Int).SetString(strings.Replace(a.String(), ".", "", 1), 10)
	if !ok {
		t.Fatalf("amount %s is no number", a)
	}
	return n
}

func TestPlainDecimalTextIsAnAmount(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"0": "0.00", "0.0": "0.00", "0.00": "0.00", "-0": "0.00", "-0.00": "0.00",
		"1": "1.00", "1.5": "1.50", "1.05": "1.05", "0.01": "0.01", "-0.01": "-0.01", "-1": "-1.00",
		"99500": "99500.00", "99500.5": "99500.50", "99500.00": "99500.00", "007": "7.00",
		maxAmount: maxAmount, "-" + maxAmount: "-" + maxAmount, "0000000000000001": "1.00",
	} {
		a, err := money.ParseAmount(text)
		if err != nil || a.String() != want {
			t.Errorf("ParseAmount(%q) = %s, %v; want %s", text, a, err, want)
		}
	}
}

func TestTextThatIsNoAmountIsRefused(t *testing.T) {
	t.Parallel()
	const syntax, places, large = "invalid-decimal", "too-many-decimals", "too-large"
	for text, code := range map[string]string{
		"": syntax, " ": syntax, "-": syntax, "--1": syntax, "+1": syntax, "+": syntax, " 1": syntax, "1 ": syntax, "- 1": syntax,
		"1\n": syntax, "\t1": syntax, "1 000": syntax, "1,000": syntax, "1,00": syntax, "1_000": syntax, "1'000": syntax,
		".": syntax, ".5": syntax, "5.": syntax, "-.5": syntax, "-5.": syntax, "1.2.3": syntax, "1..2": syntax, "1.-2": syntax, "1-": syntax,
		"1e9": syntax, "1E9": syntax, "1e-2": syntax, "1.5e3": syntax, "e": syntax, "0x10": syntax, "0b1": syntax, "1f": syntax,
		"NaN": syntax, "nan": syntax, "Inf": syntax, "-Infinity": syntax, "null": syntax, "true": syntax, "one": syntax, `"1"`: syntax,
		"９９５００": syntax, "1．5": syntax, "−1": syntax, "٣": syntax, "一百": syntax, "¥1": syntax, "1元": syntax, "1万": syntax, "½": syntax,
		"1\x00": syntax, "\xff": syntax, "1\u200b": syntax, "\ufeff1": syntax,
		"1.000": places, "1.001": places, "0.005": places, "-1.999": places, "99500.005": places, "1." + strings.Repeat("0", 40): places,
		"10000000000000000": large, "-10000000000000000": large, "10000000000000000.00": large, "00000000000000001": large,
		strings.Repeat("9", 40): large, strings.Repeat("9", 40) + ".99": large, strings.Repeat("9", 1<<20): large,
	} {
		a, err := money.ParseAmount(text)
		if err == nil || !a.IsZero() || valueCode(err) != code {
			t.Errorf("ParseAmount(%.60q) = %s, %v; want 0.00 and code %s", text, a, err, code)
		}
	}
}

func TestAnAmountIsNoJSONNumber(t *testing.T) {
	t.Parallel()
	type body struct {
		Amount money.Amount `json:"amount"`
	}
	written, err := json.Marshal(body{money.MustParseAmount("99500")})
	if err != nil || string(written) != `{"amount":"99500.00"}` {
		t.Errorf("Marshal = %s, %v; want text with two decimals", written, err)
	}
	var read body
	if err := json.Unmarshal(written, &read); err != nil || read.Amount.String() != "99500.00" {
		t.Errorf("Unmarshal(%s) = %s, %v", written, read.Amount, err)
	}
	for _, bad := range []string{
		`{"amount":99500}`, `{"amount":99500.00}`, `{"amount":1e9}`, `{"amount":"1e9"}`, `{"amount":""}`, `{"amount":true}`,
		`{"amount":["1"]}`, `{"amount":"1.005"}`,
	} {
		if err := json.Unmarshal([]byte(bad), &read); err == nil || read.Amount.String() != "99500.00" {
			t.Errorf("Unmarshal(%s) = %s, %v; want an error and the amount as it was", bad, read.Amount, err)
		}
	}
}

func TestAmountsCannotBeComparedWithTheOperator(t *testing.T) {
	t.Parallel()
	// 100 and 100.00 are one sum with two insides: a == b must not compile, nor a map with Amount as the key.
	for _, value := range []any{money.Amount{}, money.Rate{}} {
		if reflect.TypeOf(value).Comparable() {
			t.Errorf("%T is comparable with ==, want it not", value)
		}
	}
	a, b := money.MustParseAmount("100"), money.MustParseAmount("100.00")
	if !a.Equal(b) || a.Cmp(b) != 0 || !cmp.Equal(a, b) {
		t.Errorf("%s and %s: Equal = %t, Cmp = %d, cmp.Equal = %t; want them the same sum", a, b, a.Equal(b), a.Cmp(b), cmp.Equal(a, b))
	}
}

func TestAThirdDecimalStopsAtTheColumn(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"100.01": "100.01", "100.010": "100.01", "1e2": "100.00", "-0.5": "-0.50", "0": "0.00", maxAmount: maxAmount,
		"100.005": "", "100.001": "", "-0.001": "", "0.0000000000000000001": "", "1e-3": "",
	} {
		a, err := money.AmountFromDecimal(decimal.RequireFromString(text))
		if want == "" {
			if valueCode(err) != "too-many-decimals" || !a.IsZero() {
				t.Errorf("AmountFromDecimal(%s) = %s, %v; want too-many-decimals", text, a, err)
			}
		} else if err != nil || a.String() != want {
			t.Errorf("AmountFromDecimal(%s) = %s, %v; want %s", text, a, err, want)
		}
	}
}

func TestMustParsePanicsOnWhatParseRefuses(t *testing.T) {
	t.Parallel()
	for name, must := range map[string]func(){
		"MustParseAmount": func() { money.MustParseAmount("1.001") },
		"MustParseRate":   func() { money.MustParseRate("3.65%") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s of bad text did not panic", name)
				}
			}()
			must()
		}()
	}
}

func TestAmountsAreGroupedForPeople(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"0": "0.00", "0.5": "0.50", "1": "1.00", "12": "12.00", "123": "123.00", "1234": "1,234.00", "12345.6": "12,345.60",
		"123456": "123,456.00", "1234567.89": "1,234,567.89", "99500": "99,500.00", "1000000": "1,000,000.00",
		"-1": "-1.00", "-123": "-123.00", "-1234": "-1,234.00", "-123456.78": "-123,456.78",
		maxAmount: "9,999,999,999,999,999.99",
	} {
		if got := money.MustParseAmount(text).Grouped(); got != want {
			t.Errorf("%s.Grouped() = %s, want %s", text, got, want)
		}
	}
}

func TestSignsAndComparisons(t *testing.T) {
	t.Parallel()
	order := []string{"-" + maxAmount, "-1", "-0.01", "0", "0.01", "1", "1.01", maxAmount}
	for i, a := range order {
		for j, b := range order {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			x, y := money.MustParseAmount(a), money.MustParseAmount(b)
			if x.Cmp(y) != want || x.Equal(y) != (want == 0) || x.Sub(y).Sign() != want {
				t.Errorf("%s and %s: Cmp = %d, Equal = %t, sign of the difference %d; want %d", a, b, x.Cmp(y), x.Equal(y), x.Sub(y).Sign(), want)
			}
		}
	}
	var zero money.Amount
	if !zero.IsZero() || zero.Sign() != 0 || zero.String() != "0.00" || zero.Grouped() != "0.00" || !zero.Equal(money.Fen(0)) {
		t.Errorf("the zero value = %s, want 0.00", zero)
	}
}

func TestArithmeticPastTheColumnStaysExact(t *testing.T) {
	t.Parallel()
	largest := money.MustParseAmount(maxAmount)
	for what, c := range map[string]struct{ got, want string }{
		"largest + one fen":         {largest.Add(money.Fen(1)).String(), "10000000000000000.00"},
		"largest + largest":         {largest.Add(largest).String(), "19999999999999999.98"},
		"-largest - largest":        {largest.Neg().Sub(largest).String(), "-19999999999999999.98"},
		"three times largest":       {money.Sum(largest.Split(1)[0], largest, largest).String(), "29999999999999999.97"},
		"grouped past it":           {largest.Add(money.Fen(1)).Grouped(), "10,000,000,000,000,000.00"},
		"a share of the whole":      {largest.Times(money.MustParseRate("100"), money.HalfUp).String(), maxAmount},
		"Fen of the largest int64":  {money.Fen(9223372036854775807).String(), "92233720368547758.07"},
		"Fen of the smallest int64": {money.Fen(-9223372036854775808).String(), "-92233720368547758.08"},
		"no amounts":                {money.Sum().String(), "0.00"},
	} {
		if c.got != c.want {
			t.Errorf("%s = %s, want %s", what, c.got, c.want)
		}
	}
	if _, err := money.ParseAmount(largest.Add(money.Fen(1)).String()); valueCode(err) != "too-large" {
		t.Errorf("reading back a sum past the column = %v, want too-large", err)
	}
}

func TestAShareIsRoundedInTheNamedMode(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		amount, rate string
		mode         money.Rounding
		want         string
	}{
		{"99500", "3.65", money.HalfUp, "3631.75"},
		{"100", "0", money.Up, "0.00"},
		{"0", "3.65", money.Up, "0.00"},
		{"0.50", "1", money.HalfUp, "0.01"}, // 0.005
		{"0.50", "1", money.HalfEven, "0.00"},
		{"1.50", "1", money.HalfEven, "0.02"}, // 0.015
		{"2.50", "1", money.HalfEven, "0.02"}, // 0.025
		{"0.50", "1", money.Down, "0.00"},
		{"0.01", "0.000001", money.Up, "0.01"},
		{"0.99", "1", money.Down, "0.00"},
		{"-0.50", "1", money.HalfUp, "-0.01"},
		{"-0.50", "1", money.HalfEven, "0.00"},
		{"100", "-0.125", money.HalfUp, "-0.13"},
		{maxAmount, "0.000001", money.HalfUp, "100000000.00"},
		{"33333.33", "33.333333", money.HalfUp, "11111.11"},
	} {
		got := money.MustParseAmount(c.amount).Times(money.MustParseRate(c.rate), c.mode)
		if got.String() != c.want {
			t.Errorf("%s x %s %% %s = %s, want %s", c.amount, c.rate, c.mode, got, c.want)
		}
	}
}

func TestASplitGivesTheOddFenToTheFirst(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		amount string
		n      int
		want   []string
	}{
		{"100", 3, []string{"33.34", "33.33", "33.33"}},
		{"100", 1, []string{"100.00"}},
		{"0.02", 3, []string{"0.01", "0.01", "0.00"}},
		{"0", 2, []string{"0.00", "0.00"}},
		{"-100", 3, []string{"-33.34", "-33.33", "-33.33"}},
		{"-0.01", 2, []string{"-0.01", "0.00"}},
		{maxAmount, 2, []string{"5000000000000000.00", "4999999999999999.99"}},
		{"1", 0, nil},
		{"1", -1, nil},
	} {
		if diff := cmp.Diff(c.want, texts(money.MustParseAmount(c.amount).Split(c.n))); diff != "" {
			t.Errorf("%s.Split(%d) differs (-want +got):\n%s", c.amount, c.n, diff)
		}
	}
}

func TestAnAllocationFollowsTheWeights(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		amount  string
		weights []string
		want    []string
	}{
		{"100", []string{"1", "1", "1"}, []string{"33.34", "33.33", "33.33"}},
		{"100", []string{"1", "2"}, []string{"33.33", "66.67"}}, // the larger remainder gets the fen, not the first
		{"100", []string{"0", "1", "0"}, []string{"0.00", "100.00", "0.00"}},
		{"0.01", []string{"0", "1", "1"}, []string{"0.00", "0.01", "0.00"}},
		{"0.05", []string{"3", "7"}, []string{"0.02", "0.03"}}, // 1.5 and 3.5: equal remainders, the first
		{"100", []string{"0.1", "0.2", "0.7"}, []string{"10.00", "20.00", "70.00"}},
		{"-100", []string{"1", "2"}, []string{"-33.33", "-66.67"}},
		{"10", []string{"0.000001", "1000000"}, []string{"0.00", "10.00"}},
		{"0", []string{"1", "2"}, []string{"0.00", "0.00"}},
		{"1", nil, nil},
		{"1", []string{"0", "0"}, nil},
		{"1", []string{"2", "-1"}, nil},
	} {
		var weights []decimal.Decimal
		for _, w := range c.weights {
			weights = append(weights, decimal.RequireFromString(w))
		}
		if diff := cmp.Diff(c.want, texts(money.MustParseAmount(c.amount).Allocate(weights))); diff != "" {
			t.Errorf("%s.Allocate(%v) differs (-want +got):\n%s", c.amount, c.weights, diff)
		}
	}
}

func TestASplitLosesNothingAndIsEven(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, n := anyAmount().Draw(t, "amount"), rapid.IntRange(1, 400).Draw(t, "n")
		parts := a.Split(n)
		if len(parts) != n || !money.Sum(parts...).Equal(a) {
			t.Fatalf("%s.Split(%d) = %v, which sums to %s", a, n, texts(parts), money.Sum(parts...))
		}
		for i, part := range parts {
			// In absolute value the parts do not grow, and the first is at most one fen from the last.
			if part.Sign()*a.Sign() < 0 || (i > 0 && part.Cmp(parts[i-1])*a.Sign() > 0) {
				t.Fatalf("%s.Split(%d): part %d is %s after %s", a, n, i, part, parts[max(0, i-1)])
			}
		}
		if spread := parts[0].Sub(parts[n-1]); spread.Cmp(money.Fen(1)) > 0 || spread.Cmp(money.Fen(-1)) < 0 {
			t.Fatalf("%s.Split(%d) differs by %s between the first and the last", a, n, spread)
		}
	})
}

func TestAnAllocationLosesNothingAndIsFair(t *testing.T) {
	t.Parallel()
	weight := rapid.Custom(func(t *rapid.T) decimal.Decimal {
		return decimal.New(rapid.Int64Range(0, 1_000_000_000).Draw(t, "coefficient"), -rapid.Int32Range(0, 6).Draw(t, "places"))
	})
	rapid.Check(t, func(t *rapid.T) {
		a := anyAmount().Draw(t, "amount")
		weights := rapid.SliceOfN(weight, 1, 50).Draw(t, "weights")
		total := new(big.Rat)
		for _, w := range weights {
			total.Add(total, w.Rat())
		}
		parts := a.Allocate(weights)
		if total.Sign() == 0 {
			if parts != nil {
				t.Fatalf("Allocate(all zero) = %v, want none", texts(parts))
			}
			return
		}
		if len(parts) != len(weights) || !money.Sum(parts...).Equal(a) {
			t.Fatalf("%s.Allocate(%v) = %v, which sums to %s", a, weights, texts(parts), money.Sum(parts...))
		}
		whole := new(big.Rat).SetInt(fenOf(t, a))
		for i, part := range parts {
			exact := new(big.Rat).Quo(new(big.Rat).Mul(whole, weights[i].Rat()), total)
			off := new(big.Rat).Sub(new(big.Rat).SetInt(fenOf(t, part)), exact)
			if off.Abs(off).Cmp(big.NewRat(1, 1)) >= 0 {
				t.Fatalf("%s.Allocate(%v): part %d is %s, exactly %s fen: a fen or more apart", a, weights, i, part, exact.FloatString(6))
			}
			if weights[i].IsZero() && !part.IsZero() {
				t.Fatalf("%s.Allocate(%v): part %d is %s for no weight", a, weights, i, part)
			}
		}
	})
}

func TestSumsAndDifferencesAgreeWithWholeFen(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyAmount().Draw(t, "a"), anyAmount().Draw(t, "b")
		x, y := fenOf(t, a), fenOf(t, b)
		if got, want := fenOf(t, a.Add(b)), new(big.Int).Add(x, y); got.Cmp(want) != 0 {
			t.Fatalf("%s + %s = %s fen, want %s", a, b, got, want)
		}
		if got, want := fenOf(t, a.Sub(b)), new(big.Int).Sub(x, y); got.Cmp(want) != 0 {
			t.Fatalf("%s - %s = %s fen, want %s", a, b, got, want)
		}
		if !a.Add(b).Equal(b.Add(a)) || !a.Sub(b).Equal(b.Sub(a).Neg()) || a.Cmp(b) != x.Cmp(y) || a.Sign() != x.Sign() {
			t.Fatalf("%s and %s do not follow the rules of arithmetic", a, b)
		}
	})
}

func TestAnAmountIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	grouped := regexp.MustCompile(`\A-?[0-9]{1,3}(,[0-9]{3})*\.[0-9]{2}\z`)
	rapid.Check(t, func(t *rapid.T) {
		a := anyAmount().Draw(t, "amount")
		again, err := money.ParseAmount(a.String())
		if err != nil || !again.Equal(a) || again.String() != a.String() {
			t.Fatalf("ParseAmount(%s) = %s, %v", a, again, err)
		}
		fromColumn, err := money.AmountFromDecimal(a.Decimal())
		if err != nil || !fromColumn.Equal(a) {
			t.Fatalf("AmountFromDecimal(%s) = %s, %v", a, fromColumn, err)
		}
		if g := a.Grouped(); !grouped.MatchString(g) || strings.ReplaceAll(g, ",", "") != a.String() {
			t.Fatalf("%s.Grouped() = %s", a, g)
		}
	})
}

func FuzzParseAmountReadsExactlyPlainDecimals(f *testing.F) {
	plain := regexp.MustCompile(`\A-?[0-9]{1,16}(\.[0-9]{1,2})?\z`)
	for _, text := range []string{"99500.00", "-0.01", maxAmount, "1e9", "1.001", "", "+1", " 1", "1,000", ".5", "5.", "-", "NaN", "９"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := money.ParseAmount(text)
		if (err == nil) != plain.MatchString(text) {
			t.Fatalf("ParseAmount(%q) = %s, %v; plain decimal: %t", text, a, err, plain.MatchString(text))
		}
		if err != nil {
			return
		}
		want, ok := new(big.Rat).SetString(text)
		if !ok || a.Decimal().Rat().Cmp(want) != 0 {
			t.Fatalf("ParseAmount(%q) = %s, want %s", text, a, want)
		}
		if again, err := money.ParseAmount(a.String()); err != nil || !again.Equal(a) {
			t.Fatalf("ParseAmount(%q) = %s, which is read as %s, %v", text, a, again, err)
		}
	})
}
