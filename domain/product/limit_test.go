package product_test

import (
	"strings"
	"testing"

	"fumin/domain/money"
	"fumin/domain/product"
	"fumin/domain/schedule"
)

// What lies exactly on a limit is accepted; what lies beyond is refused in validate_test.go.

func TestAVersionMayLieExactlyOnItsLimits(t *testing.T) {
	t.Parallel()
	type version = product.Version
	tests := []struct {
		name   string
		change func(*version)
	}{
		{"the smallest amount there is", func(v *version) { v.AmountMin = amount("0.01") }},
		{"one amount only", func(v *version) { v.AmountMin, v.AmountMax = amount("100000.00"), amount("100000.00") }},
		{"quick approval of the least", func(v *version) { v.QuickApprovalMax = v.AmountMin }},
		{"quick approval of everything", func(v *version) { v.QuickApprovalMax = v.AmountMax }},
		{"no quick approval", func(v *version) { v.QuickApprovalMax = amount("0.00") }},
		{"the whole interest subsidised", func(v *version) { v.InterestSubsidySharePct = rate("100") }},
		{"one term only", func(v *version) { v.TermMonthsMin = v.TermMonthsMax }},
		{"the longest term there is", func(v *version) { v.TermMonthsMax = product.TermMonthsCap }},
		{"only the longest term there is", func(v *version) { v.TermMonthsMin, v.TermMonthsMax = product.TermMonthsCap, product.TermMonthsCap }},
		{"no ages", func(v *version) { v.AgeMin, v.AgePlusTermMax = 0, 0 }},
		{"an age limit of the cap", func(v *version) { v.AgePlusTermMax = product.AgeCap }},
		{"one age only", func(v *version) { v.AgeMin, v.AgePlusTermMax = 65, 65 }},
		{"the oldest least age", func(v *version) { v.AgeMin, v.AgePlusTermMax = product.AgeCap, 0 }},
		{"the oldest business", func(v *version) { v.BusinessAgeMonthsMin = product.BusinessAgeCap }},
		{"the largest spread", func(v *version) { v.Price.SpreadBPMax = product.SpreadBPCap }},
		{"the lowest spread", func(v *version) { v.Price.SpreadBPMax = -product.SpreadBPCap }},
		{"the smallest relief", func(v *version) { v.Price.Reliefs = []product.Relief{{Industry: "a", SpreadBPLess: 1}} }},
		{"the largest relief with the longest code", func(v *version) {
			v.Price.Reliefs = []product.Relief{{Industry: strings.Repeat("a", product.CodeLengthMax), SpreadBPLess: product.SpreadBPCap}}
		}},
		{"as many reliefs as there may be", func(v *version) {
			for i := range product.ListLengthMax {
				v.Price.Reliefs = append(v.Price.Reliefs, product.Relief{Industry: strings.Repeat("a", i%30+1) + string(rune('a'+i/30)), SpreadBPLess: 1})
			}
		}},
		{"as many tiers as there may be", func(v *version) {
			v.Guarantee = nil
			for i := range int64(product.ListLengthMax) {
				v.Guarantee = append(v.Guarantee, product.GuaranteeTier{From: money.Fen(i), Below: money.Fen(i + 1), Kind: product.GuaranteeCredit})
			}
			v.Guarantee[product.ListLengthMax-1].Below = money.Amount{}
		}},
		{"grain as dear as the rest", func(v *version) { v.Guarantee[1].FeeMaxGrainPct = v.Guarantee[1].FeeMaxPct }},
		{"the first tier begins with the least amount", func(v *version) { v.Guarantee[0].From = v.AmountMin }},
		{"the last tier ends a fen above the most", func(v *version) { v.Guarantee[1].Below = amount("5000000.01") }},
		{"the spouse for the tier's first amount only", func(v *version) { v.Guarantee[1].CounterSpouseUpTo = v.Guarantee[1].From }},
		{"a paper that may wait a day", func(v *version) { v.Documents[2].DeferDaysMax = 1 }},
		{"a paper that may wait longest", func(v *version) { v.Documents[2].DeferDaysMax = product.DeferDaysCap }},
		{"a paper that blocks the payment", func(v *version) { v.Documents[2].Blocks = product.BlocksDisbursement }},
		{"a paper that blocks nothing", func(v *version) { v.Documents[2].Blocks = "" }},
		{"every payment to the seller", func(v *version) { v.EntrustedPayment[0].Above = amount("0.00") }},
		{"no entrusted payment", func(v *version) { v.EntrustedPayment = nil }},
		{"every purpose forbidden", func(v *version) { v.ForbiddenPurposes = product.ForbiddablePurposes() }},
		{"no purpose forbidden", func(v *version) { v.ForbiddenPurposes = nil }},
		{"one day only", func(v *version) { v.EffectiveTo = v.EffectiveFrom.AddDays(1) }},
		{"the longest source", func(v *version) { v.Source.Document = strings.Repeat("文", product.TextLengthMax) }},
		{"a fixed price", func(v *version) { v.Price = product.Price{Base: product.BaseFixed, FixedPct: rate("0.01")} }},
		{"one method", func(v *version) { v.RepaymentMethods = []schedule.Method{schedule.Seasonal} }},
	}
	for _, region := range []string{"10", "37", "3799", "999999", "371503901", "371503901201"} {
		tests = append(tests, struct {
			name   string
			change func(*version)
		}{"region " + region, func(v *version) { v.RegionPrefix = region }})
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			v := draft()
			test.change(&v)
			if err := product.Validate(v, farmerLoan(), nil, date("2022-06-01")); err != nil {
				t.Errorf("Validate = %v, want none", fieldCodes(err))
			}
		})
	}
}

func TestProductsParametersAndReferenceRatesMayLieExactlyOnTheirLimits(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"A", "Z", "A0", "Z9", "AZ09", strings.Repeat("A", product.CodeLengthMax)} {
		p := farmerLoan()
		p.Code, p.Name = code, "贷"
		if err := p.Validate(); err != nil {
			t.Errorf("code %q: %v", code, fieldCodes(err))
		}
	}
	for _, code := range []string{"A/", "A:", "A@", "A[", "@A", "[A"} { // the neighbours of digits and letters in ASCII
		p := farmerLoan()
		p.Code = code
		if p.Validate() == nil {
			t.Errorf("code %q is accepted", code)
		}
	}
	for _, region := range []string{"3/", "3:", "3715/0"} {
		if product.ValidRegionPrefix(region) {
			t.Errorf("region %q is accepted", region)
		}
	}

	parameter := product.Parameter{
		Name: product.ParameterInclusiveFarmerMax, Amount: amount("0.01"), Note: strings.Repeat("据", product.TextLengthMax),
	}
	if err := parameter.Validate(); err != nil {
		t.Errorf("parameter: %v", fieldCodes(err))
	}
	parameter.Note += "据"
	if parameter.Validate() == nil {
		t.Error("a note beyond the limit is accepted")
	}

	first := published("2022-01-20", "0.000001", "0.000001")
	second := first
	second.ID, second.Revision, second.Reason = "second", 1, strings.Repeat("因", product.TextLengthMax)
	if _, err := product.NewReferenceRates([]product.ReferenceRate{second, first}); err != nil {
		t.Errorf("reference rates: %v", fieldCodes(err))
	}
	second.Reason += "因"
	if _, err := product.NewReferenceRates([]product.ReferenceRate{second, first}); err == nil {
		t.Error("a reason beyond the limit is accepted")
	}
	rows := make([]product.ReferenceRate, product.ReferenceRatesMax)
	for i := range rows {
		rows[i] = published(date("1950-01-01").AddDays(i).String(), "1", "1")
	}
	if _, err := product.NewReferenceRates(rows); err != nil {
		t.Errorf("%d rows: %v", len(rows), err)
	}
	if err := product.Validate(draft(), farmerLoan(), make([]product.Version, product.VersionsMax), date("2022-06-01")); err != nil {
		t.Errorf("%d versions: %v", product.VersionsMax, fieldCodes(err))
	}
}

func TestPricesAndTermsMayLieExactlyOnTheirLimits(t *testing.T) {
	t.Parallel()
	zero := product.Price{Base: product.BaseLPR1Y, SpreadBPMax: -370}
	if got, err := zero.PriceOn(date("2022-03-15"), lpr2022()); err != nil || !got.AnnualRateMaxPct.IsZero() {
		t.Errorf("3.70 %% - 370 bp = %s, %v; want 0.00", got.AnnualRateMaxPct, err)
	}
	met := product.Price{Base: product.BaseLPR1Y, SpreadBPMax: 20, AnnualRateMaxPct: rate("3.90")}
	if got, err := met.PriceOn(date("2022-03-15"), lpr2022()); err != nil || got.Capped {
		t.Errorf("a cap that is just met: capped %v, %v; want not capped", got.Capped, err)
	}
	v := shandong()
	v.TermMonthsMin = 47
	if got := v.LongestTermMonths(date("1960-03-15"), date("2022-03-15")); got != 47 {
		t.Errorf("the longest term that equals the shortest = %d, want 47", got)
	}
	if got := product.LongestTermMonths(date("1990-03-15"), date("2022-03-15"), 65, 1); got != 1 {
		t.Errorf("a product of one month gives %d, want 1", got)
	}
}
