package product_test

import (
	"testing"

	"pgregory.net/rapid"

	"fumin/domain"
	"fumin/domain/money"
	"fumin/domain/product"
)

func TestTheGuaranteeTierOfAnAmountIsExactToTheFen(t *testing.T) {
	t.Parallel()
	tests := []struct {
		amount     string
		want       product.GuaranteeKind
		wantSpouse bool
	}{
		{"3000.00", product.GuaranteeCredit, false},
		{"99999.99", product.GuaranteeCredit, false},
		{"100000.00", product.GuaranteeCompany, true},
		{"100000.01", product.GuaranteeCompany, true},
		{"200000.00", product.GuaranteeCompany, true},
		{"200000.01", product.GuaranteeCompany, false},
		{"3000000.00", product.GuaranteeCompany, false},
	}
	for _, test := range tests {
		t.Run(test.amount, func(t *testing.T) {
			t.Parallel()
			tier, err := shandong().GuaranteeFor(amount(test.amount))
			if err != nil || tier.Kind != test.want {
				t.Fatalf("GuaranteeFor(%s) = %s, %v; want %s", test.amount, tier.Kind, err, test.want)
			}
			if got := tier.SpouseMayCounter(amount(test.amount)); got != test.wantSpouse {
				t.Errorf("SpouseMayCounter(%s) = %v, want %v", test.amount, got, test.wantSpouse)
			}
		})
	}
}

func TestAnAmountWithoutATierIsRefusedAndNeverOnCredit(t *testing.T) {
	t.Parallel()
	v := shandong()
	v.Guarantee = v.Guarantee[:1]
	if tier, err := v.GuaranteeFor(amount("100000.00")); domain.CodeOf(err) != "no-guarantee-tier" {
		t.Errorf("GuaranteeFor(100000.00) = %+v, %v; want no-guarantee-tier", tier, err)
	}
	if tier, err := v.GuaranteeFor(amount("-0.01")); domain.CodeOf(err) != "no-guarantee-tier" {
		t.Errorf("GuaranteeFor(-0.01) = %+v, %v; want no-guarantee-tier", tier, err)
	}
}

func TestGrainHasItsOwnFeeCeilingWhereTheTierNamesOne(t *testing.T) {
	t.Parallel()
	tier := shandong().Guarantee[1]
	if got := tier.FeeMax(true).String(); got != "0.50" {
		t.Errorf("FeeMax(grain) = %s, want 0.50", got)
	}
	if got := tier.FeeMax(false).String(); got != "0.75" {
		t.Errorf("FeeMax = %s, want 0.75", got)
	}
	tier.FeeMaxGrainPct = money.Rate{}
	if got := tier.FeeMax(true).String(); got != "0.75" {
		t.Errorf("FeeMax(grain) without a grain ceiling = %s, want 0.75", got)
	}
}

func TestTheGuaranteeCompanyIsNeededFromOneAmountOn(t *testing.T) {
	t.Parallel()
	v := shandong()
	from, needed := v.GuaranteeCompanyFrom()
	if !needed || from.String() != "100000.00" {
		t.Errorf("GuaranteeCompanyFrom = %s, %v; want 100000.00", from, needed)
	}
	rapid.Check(t, func(t *rapid.T) {
		a := money.Fen(rapid.Int64Range(300_000, 300_000_000).Draw(t, "fen"))
		tier, err := v.GuaranteeFor(a)
		if err != nil || (tier.Kind == product.GuaranteeCompany) != (a.Cmp(from) >= 0) {
			t.Fatalf("GuaranteeFor(%s) = %s, %v; the company is needed from %s", a, tier.Kind, err, from)
		}
	})
	v.Guarantee = []product.GuaranteeTier{{Kind: product.GuaranteeCredit}}
	if from, needed := v.GuaranteeCompanyFrom(); needed {
		t.Errorf("GuaranteeCompanyFrom of a credit product = %s, want none", from)
	}
}

func TestTheLenderPaysTheSellerAboveTheThreshold(t *testing.T) {
	t.Parallel()
	tests := []struct {
		kind, amount string
		want         bool
	}{
		{product.PurposeKindProduction, "499999.99", false},
		{product.PurposeKindProduction, "500000.00", false},
		{product.PurposeKindProduction, "500000.01", true},
		{product.PurposeKindConsumption, "300000.00", false},
		{product.PurposeKindConsumption, "300000.01", true},
		{"other", "9000000.00", false},
	}
	for _, test := range tests {
		if got := shandong().NeedsEntrustedPayment(test.kind, amount(test.amount)); got != test.want {
			t.Errorf("NeedsEntrustedPayment(%s, %s) = %v, want %v", test.kind, test.amount, got, test.want)
		}
	}
}

func TestLimitsIncludeBothEnds(t *testing.T) {
	t.Parallel()
	v := shandong()
	for text, want := range map[string]bool{"2999.99": false, "3000.00": true, "3000000.00": true, "3000000.01": false} {
		if got := v.AmountWithin(amount(text)); got != want {
			t.Errorf("AmountWithin(%s) = %v, want %v", text, got, want)
		}
	}
	for months, want := range map[int]bool{0: false, 1: true, 60: true, 61: false} {
		if got := v.TermWithin(months); got != want {
			t.Errorf("TermWithin(%d) = %v, want %v", months, got, want)
		}
	}
}
