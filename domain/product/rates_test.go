package product_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"fumin/domain"
	"fumin/domain/money"
	"fumin/domain/product"
)

func TestTheReferenceRateOfADayIsTheLatestPublishedOnOrBeforeIt(t *testing.T) {
	t.Parallel()
	rates := lpr2022()
	tests := []struct{ on, wantOneYear, wantFiveYear, wantPublished string }{
		{"2022-01-20", "3.70", "4.60", "2022-01-20"},
		{"2022-01-21", "3.70", "4.60", "2022-01-20"},
		{"2022-05-19", "3.70", "4.60", "2022-01-20"},
		{"2022-05-20", "3.70", "4.45", "2022-05-20"},
		{"2022-08-21", "3.70", "4.45", "2022-05-20"},
		{"2022-08-22", "3.65", "4.30", "2022-08-22"},
		{"2199-12-31", "3.65", "4.30", "2022-08-22"},
	}
	for _, test := range tests {
		t.Run(test.on, func(t *testing.T) {
			t.Parallel()
			got, err := rates.On(date(test.on))
			if err != nil {
				t.Fatalf("On(%s): %v", test.on, err)
			}
			if got.Pct(product.BaseLPR1Y).String() != test.wantOneYear || got.Pct(product.BaseLPR5Y).String() != test.wantFiveYear ||
				got.PublishedOn.String() != test.wantPublished {
				t.Errorf("On(%s) = %s, %s of %s; want %s, %s of %s", test.on,
					got.OneYearPct, got.FiveYearPct, got.PublishedOn, test.wantOneYear, test.wantFiveYear, test.wantPublished)
			}
		})
	}
}

func TestBeforeTheFirstPublicationThereIsNoReferenceRate(t *testing.T) {
	t.Parallel()
	for name, rates := range map[string]product.ReferenceRates{"a day too early": lpr2022(), "an empty history": {}} {
		if got, err := rates.On(date("2022-01-19")); domain.CodeOf(err) != "no-reference-rate" {
			t.Errorf("%s: On(2022-01-19) = %s, %v; want no-reference-rate", name, got.OneYearPct, err)
		}
	}
}

func TestACorrectionIsANewRowWithAReason(t *testing.T) {
	t.Parallel()
	before := lpr2022()
	fix := published("2022-05-20", "3.70", "4.40")
	fix.ID, fix.Reason = "fix", "录入错误，按公告更正"

	after, row, err := before.Correct(fix)
	if err != nil {
		t.Fatalf("Correct: %v", err)
	}
	if row.Revision != 1 {
		t.Errorf("the correction has revision %d, want 1", row.Revision)
	}
	if got, _ := after.On(date("2022-06-01")); got.ID != "fix" || got.FiveYearPct.String() != "4.40" {
		t.Errorf("after the correction On(2022-06-01) = %s %s, want fix 4.40", got.ID, got.FiveYearPct)
	}
	if got, _ := before.On(date("2022-06-01")); got.FiveYearPct.String() != "4.45" {
		t.Errorf("Correct changed the history it was called on: %s", got.FiveYearPct)
	}
	if got, want := len(after.Rows()), 4; got != want {
		t.Errorf("the corrected history has %d rows, want %d: nothing is overwritten", got, want)
	}

	fix.Reason = ""
	if _, _, err := before.Correct(fix); domain.CodeOf(err) != "invalid-fields" {
		t.Errorf("a correction without a reason: %v, want invalid-fields", err)
	}
	nowhere := published("2022-05-21", "3.70", "4.40")
	nowhere.Reason = "更正"
	if _, _, err := before.Correct(nowhere); domain.CodeOf(err) != "reference-rate-not-found" {
		t.Errorf("a correction of a day without a publication: %v, want reference-rate-not-found", err)
	}
}

func TestPublishAddsADayOnce(t *testing.T) {
	t.Parallel()
	rates, err := lpr2022().Publish(published("2023-06-20", "3.55", "4.20"))
	if err != nil {
		t.Fatalf("Publish: %v", err)
	}
	if got, _ := rates.On(date("2023-06-20")); got.OneYearPct.String() != "3.55" {
		t.Errorf("On(2023-06-20) = %s, want 3.55", got.OneYearPct)
	}
	if _, err := rates.Publish(published("2023-06-20", "3.54", "4.20")); domain.CodeOf(err) != "reference-rate-exists" {
		t.Errorf("the same day again: %v, want reference-rate-exists", err)
	}
	again := published("2023-08-21", "3.45", "4.20")
	again.Revision = 1
	if _, err := rates.Publish(again); domain.CodeOf(err) != "not-a-publication" {
		t.Errorf("a publication with a revision: %v, want not-a-publication", err)
	}
}

func TestAHistoryThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	second := func(revision int, reason string) product.ReferenceRate {
		row := published("2022-01-20", "3.70", "4.60")
		row.Revision, row.Reason = revision, reason
		return row
	}
	tests := []struct {
		name string
		rows []product.ReferenceRate
		want []string
	}{
		{"two rows for one day and revision", []product.ReferenceRate{second(0, ""), second(0, "")}, []string{"/1/revision revision-out-of-order"}},
		{"a revision is missing", []product.ReferenceRate{second(0, ""), second(2, "因")}, []string{"/1/revision revision-out-of-order"}},
		{"a correction of nothing", []product.ReferenceRate{second(1, "因")}, []string{"/0/revision revision-out-of-order"}},
		{"a first row with a reason", []product.ReferenceRate{second(0, "因")}, []string{"/0/reason not-allowed"}},
		{"a rate of zero", []product.ReferenceRate{published("2022-01-20", "0", "4.60")}, []string{"/0/one_year_pct not-positive"}},
		{"a five-year rate of zero", []product.ReferenceRate{published("2022-01-20", "3.70", "0")}, []string{"/0/five_year_pct not-positive"}},
		{"a negative rate", []product.ReferenceRate{published("2022-01-20", "3.70", "-4.60")}, []string{"/0/five_year_pct not-positive"}},
		{"no date", []product.ReferenceRate{{OneYearPct: rate("1"), FiveYearPct: rate("1")}}, []string{"/0/published_on required"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := product.NewReferenceRates(test.rows)
			if diff := cmp.Diff(test.want, fieldCodes(err)); diff != "" {
				t.Errorf("NewReferenceRates (-want +got):\n%s", diff)
			}
		})
	}
	if _, err := product.NewReferenceRates(make([]product.ReferenceRate, product.ReferenceRatesMax+1)); len(fieldCodes(err)) != 1 {
		t.Errorf("too many rows: %v, want one problem", err)
	}
}

func TestTheRateInForceIsNeverPublishedLaterAndNeverOlderThanNeeded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		days := rapid.SliceOfNDistinct(rapid.IntRange(0, 900), 1, 20, rapid.ID[int]).Draw(t, "days")
		rows := make([]product.ReferenceRate, len(days))
		for i, d := range days {
			rows[i] = product.ReferenceRate{PublishedOn: date("2022-01-01").AddDays(d), OneYearPct: money.BasisPoints(i + 1), FiveYearPct: rate("4")}
		}
		rates, err := product.NewReferenceRates(rows)
		if err != nil {
			t.Fatalf("NewReferenceRates: %v", err)
		}
		on := date("2022-01-01").AddDays(rapid.IntRange(-5, 905).Draw(t, "on"))
		got, err := rates.On(on)
		for _, row := range rows {
			if row.PublishedOn.After(on) {
				continue
			}
			if err != nil || row.PublishedOn.After(got.PublishedOn) {
				t.Fatalf("On(%s) = %s, %v; but %s was published", on, got.PublishedOn, err, row.PublishedOn)
			}
		}
		if err == nil && got.PublishedOn.After(on) {
			t.Fatalf("On(%s) = %s: published later", on, got.PublishedOn)
		}
	})
}

func TestThePriceIsTheReferenceRateOfTheSigningDayPlusTheSpread(t *testing.T) {
	t.Parallel()
	relief := []product.Relief{{Industry: "epidemic_hit", SpreadBPLess: 100}, {Industry: "grain", SpreadBPLess: 150}}
	tests := []struct {
		name       string
		price      product.Price
		signedOn   string
		industries []string
		want       string
		wantSpread int
		wantCapped bool
	}{
		{"LPR 1y + 20 bp", product.Price{Base: product.BaseLPR1Y, SpreadBPMax: 20}, "2022-03-15", nil, "3.90", 20, false},
		{"the day before a new LPR still has the old one", product.Price{Base: product.BaseLPR1Y, SpreadBPMax: 20}, "2022-08-21", nil, "3.90", 20, false},
		{"from its day on the new one", product.Price{Base: product.BaseLPR1Y, SpreadBPMax: 20}, "2022-08-22", nil, "3.85", 20, false},
		{"LPR 5y", product.Price{Base: product.BaseLPR5Y, SpreadBPMax: -10}, "2022-05-20", nil, "4.35", -10, false},
		{"a fixed rate needs no LPR", product.Price{Base: product.BaseFixed, FixedPct: rate("4.5"), SpreadBPMax: 0}, "2000-01-01", nil, "4.50", 0, false},
		{"relief for the industry", product.Price{Base: product.BaseLPR1Y, SpreadBPMax: 245, Reliefs: relief}, "2022-03-15", []string{"epidemic_hit"}, "5.15", 145, false},
		{"the best relief counts, they are not added up", product.Price{Base: product.BaseLPR1Y, SpreadBPMax: 245, Reliefs: relief}, "2022-03-15", []string{"epidemic_hit", "grain"}, "4.65", 95, false},
		{"no relief for another industry", product.Price{Base: product.BaseLPR1Y, SpreadBPMax: 245, Reliefs: relief}, "2022-03-15", []string{"retail"}, "6.15", 245, false},
		{"an absolute cap", product.Price{Base: product.BaseLPR1Y, SpreadBPMax: 245, AnnualRateMaxPct: rate("6")}, "2022-03-15", nil, "6.00", 245, true},
		{"a cap above the price does nothing", product.Price{Base: product.BaseLPR1Y, SpreadBPMax: 20, AnnualRateMaxPct: rate("6")}, "2022-03-15", nil, "3.90", 20, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := test.price.PriceOn(date(test.signedOn), lpr2022(), test.industries...)
			if err != nil {
				t.Fatalf("PriceOn(%s): %v", test.signedOn, err)
			}
			if got.AnnualRateMaxPct.String() != test.want || got.SpreadBPMax != test.wantSpread || got.Capped != test.wantCapped {
				t.Errorf("PriceOn(%s) = %s, %d bp, capped %v; want %s, %d bp, capped %v", test.signedOn,
					got.AnnualRateMaxPct, got.SpreadBPMax, got.Capped, test.want, test.wantSpread, test.wantCapped)
			}
		})
	}
}

func TestAPriceThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	early := product.Price{Base: product.BaseLPR1Y, SpreadBPMax: 20}
	if _, err := early.PriceOn(date("2022-01-19"), lpr2022()); domain.CodeOf(err) != "no-reference-rate" {
		t.Errorf("before the first LPR: %v, want no-reference-rate", err)
	}
	below := product.Price{Base: product.BaseLPR1Y, SpreadBPMax: -400}
	if _, err := below.PriceOn(date("2022-03-15"), lpr2022()); domain.CodeOf(err) != "negative-price" {
		t.Errorf("3.70 %% - 400 bp: %v, want negative-price", err)
	}
}

func TestAnApplicationIsPricedUpToTheCeilingAndNotAbove(t *testing.T) {
	t.Parallel()
	plain, err := product.Price{Base: product.BaseLPR1Y, SpreadBPMax: 20}.PriceOn(date("2022-03-15"), lpr2022())
	if err != nil {
		t.Fatal(err)
	}
	if plain.ReferenceRateID != "lpr-2022-01-20" || plain.PublishedOn != date("2022-01-20") {
		t.Errorf("the ceiling was built from %s of %s, want lpr-2022-01-20", plain.ReferenceRateID, plain.PublishedOn)
	}
	capped, err := product.Price{Base: product.BaseLPR1Y, SpreadBPMax: 245, AnnualRateMaxPct: rate("6.005")}.PriceOn(date("2022-03-15"), lpr2022())
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name     string
		ceiling  product.Ceiling
		spreadBP int
		want     string // a rate or a code
	}{
		{"at the ceiling", plain, 20, "3.90"},
		{"one basis point above", plain, 21, "rate-above-ceiling"},
		{"at the base", plain, 0, "3.70"},
		{"below the base", plain, -370, "0.00"},
		{"below zero", plain, -371, "negative-price"},
		{"the last whole basis point under an absolute cap", capped, 230, "6.00"},
		{"above the absolute cap though within the spread", capped, 231, "rate-above-ceiling"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := test.ceiling.AnnualRate(test.spreadBP)
			text := got.String()
			if err != nil {
				text = domain.CodeOf(err)
			}
			if text != test.want {
				t.Errorf("AnnualRate(%d) = %s, %v; want %s", test.spreadBP, got, err, test.want)
			}
		})
	}
}

func TestNoPriceIsEverAboveTheCeiling(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		price := product.Price{Base: product.BaseLPR1Y, SpreadBPMax: rapid.IntRange(-300, 600).Draw(t, "spread_max")}
		if rapid.Bool().Draw(t, "capped") {
			price.AnnualRateMaxPct = money.BasisPoints(rapid.IntRange(1, 900).Draw(t, "cap"))
		}
		ceiling, err := price.PriceOn(date("2022-03-15"), lpr2022())
		if err != nil {
			t.Fatalf("PriceOn: %v", err)
		}
		spread := rapid.IntRange(-500, 700).Draw(t, "spread")
		got, err := ceiling.AnnualRate(spread)
		within := spread <= price.SpreadBPMax && spread >= -370 &&
			(price.AnnualRateMaxPct.IsZero() || rate("3.70").Add(money.BasisPoints(spread)).Cmp(price.AnnualRateMaxPct) <= 0)
		if (err == nil) != within {
			t.Fatalf("AnnualRate(%d) under %+d bp and cap %s = %s, %v; want allowed %v", spread, price.SpreadBPMax, price.AnnualRateMaxPct, got, err, within)
		}
	})
}
