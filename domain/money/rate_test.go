package money_test

import (
	"encoding/json"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"fumin/domain/money"
)

func TestARateIsSpeltWithAtLeastTwoDecimals(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"0": "0.00", "3": "3.00", "3.6": "3.60", "3.65": "3.65", "3.650": "3.65", "3.10": "3.10", "3.650000": "3.65", "3.651": "3.651",
		"0.333333": "0.333333", "0.330000": "0.33", "0.000001": "0.000001", "10": "10.00", "100": "100.00", "100.500": "100.50",
		"999.999999": "999.999999", "-0.25": "-0.25", "-0": "0.00", "-1.5": "-1.50", "-999.999999": "-999.999999", "003": "3.00",
	} {
		r, err := money.ParseRate(text)
		if err != nil || r.String() != want {
			t.Errorf("ParseRate(%q) = %s, %v; want %s", text, r, err, want)
		}
	}
}

func TestTextThatIsNoRateIsRefused(t *testing.T) {
	t.Parallel()
	const syntax, places, large = "invalid-decimal", "too-many-decimals", "too-large"
	for text, code := range map[string]string{
		"": syntax, "-": syntax, "+3": syntax, " 3": syntax, "3 ": syntax, "3%": syntax, "3,65": syntax, ".5": syntax, "5.": syntax, "3.6.5": syntax,
		"1e1": syntax, "NaN": syntax, "３": syntax, "3‰": syntax, "LPR": syntax, "3.65bp": syntax,
		"0.0000001": places, "3.6500000": places, "1." + strings.Repeat("3", 40): places,
		"1000": large, "-1000": large, "0003": large, strings.Repeat("9", 40): large,
	} {
		r, err := money.ParseRate(text)
		if err == nil || !r.IsZero() || valueCode(err) != code {
			t.Errorf("ParseRate(%q) = %s, %v; want 0.00 and code %s", text, r, err, code)
		}
	}
}

func TestARateIsNoJSONNumber(t *testing.T) {
	t.Parallel()
	type body struct {
		Rate money.Rate `json:"annual_rate_pct"`
	}
	written, err := json.Marshal(body{money.MustParseRate("3.650000")})
	if err != nil || string(written) != `{"annual_rate_pct":"3.65"}` {
		t.Errorf("Marshal = %s, %v; want the text 3.65", written, err)
	}
	var read body
	if err := json.Unmarshal(written, &read); err != nil || read.Rate.String() != "3.65" {
		t.Errorf("Unmarshal(%s) = %s, %v", written, read.Rate, err)
	}
	for _, bad := range []string{`{"annual_rate_pct":3.65}`, `{"annual_rate_pct":"3.65%"}`, `{"annual_rate_pct":""}`} {
		if err := json.Unmarshal([]byte(bad), &read); err == nil || read.Rate.String() != "3.65" {
			t.Errorf("Unmarshal(%s) = %s, %v; want an error and the rate as it was", bad, read.Rate, err)
		}
	}
}

func TestBasisPointsAreHundredthsOfAPercent(t *testing.T) {
	t.Parallel()
	for points, want := range map[int]string{0: "0.00", 1: "0.01", 55: "0.55", 100: "1.00", 350: "3.50", -25: "-0.25", 10000: "100.00"} {
		if got := money.BasisPoints(points); got.String() != want {
			t.Errorf("BasisPoints(%d) = %s, want %s", points, got, want)
		}
	}
	lpr := money.MustParseRate("3.50")
	if got := lpr.Add(money.BasisPoints(55)); got.String() != "4.05" {
		t.Errorf("3.50 %% + 55 bp = %s, want 4.05", got)
	}
	if got := lpr.Sub(money.BasisPoints(360)); got.String() != "-0.10" || got.Sign() != -1 {
		t.Errorf("3.50 %% - 360 bp = %s, want -0.10", got)
	}
}

func TestASeventhDecimalOfARateStopsAtTheColumn(t *testing.T) {
	t.Parallel()
	if r, err := money.RateFromDecimal(decimal.RequireFromString("3.6500000")); err != nil || r.String() != "3.65" {
		t.Errorf("RateFromDecimal(3.6500000) = %s, %v; want 3.65", r, err)
	}
	for _, text := range []string{"3.6500001", "0.0000001", "-0.0000001"} {
		if r, err := money.RateFromDecimal(decimal.RequireFromString(text)); valueCode(err) != "too-many-decimals" {
			t.Errorf("RateFromDecimal(%s) = %s, %v; want too-many-decimals", text, r, err)
		}
	}
}

func TestARateIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	spelling := regexp.MustCompile(`\A-?[0-9]+\.[0-9]{2}([0-9]{0,3}[1-9])?\z`)
	millionths := rapid.Int64Range(-999_999_999, 999_999_999)
	rapid.Check(t, func(t *rapid.T) {
		x, y := millionths.Draw(t, "x"), millionths.Draw(t, "y")
		r, err := money.RateFromDecimal(decimal.New(x, -money.RatePlaces))
		if err != nil {
			t.Fatalf("RateFromDecimal(%d millionths) = %v", x, err)
		}
		o, err := money.RateFromDecimal(decimal.New(y, -money.RatePlaces))
		if err != nil {
			t.Fatalf("RateFromDecimal(%d millionths) = %v", y, err)
		}
		again, err := money.ParseRate(r.String())
		if err != nil || !again.Equal(r) || !spelling.MatchString(r.String()) {
			t.Fatalf("%d millionths are written %s and read %s, %v", x, r, again, err)
		}
		if !r.Add(o).Sub(o).Equal(r) || r.Cmp(o) != big.NewInt(x).Cmp(big.NewInt(y)) || r.Sign() != big.NewInt(x).Sign() || r.IsZero() != (x == 0) {
			t.Fatalf("%s and %s do not follow the rules of arithmetic", r, o)
		}
	})
}

func FuzzParseRateReadsExactlyPlainDecimals(f *testing.F) {
	plain := regexp.MustCompile(`\A-?[0-9]{1,3}(\.[0-9]{1,6})?\z`)
	for _, text := range []string{"3.65", "-0.25", "0.333333", "3.65%", "1000", "0.0000001", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := money.ParseRate(text)
		if (err == nil) != plain.MatchString(text) {
			t.Fatalf("ParseRate(%q) = %s, %v; plain decimal: %t", text, r, err, plain.MatchString(text))
		}
		if err != nil {
			return
		}
		want, ok := new(big.Rat).SetString(text)
		if again, err := money.ParseRate(r.String()); !ok || r.Decimal().Rat().Cmp(want) != 0 || err != nil || !again.Equal(r) {
			t.Fatalf("ParseRate(%q) = %s, which is read as %s, %v", text, r, again, err)
		}
	})
}
