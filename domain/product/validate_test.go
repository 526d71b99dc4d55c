package product_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"fumin/domain"
	"fumin/domain/money"
	"fumin/domain/product"
	"fumin/domain/schedule"
)

func TestTheShippedKindOfVersionIsValid(t *testing.T) {
	t.Parallel()
	for _, v := range []product.Version{shandong(), yantai(), draft()} {
		if err := product.Validate(v, farmerLoan(), nil, date("2022-06-01")); err != nil {
			t.Errorf("Validate(%s) = %v", v.RegionPrefix, fieldCodes(err))
		}
	}
	if err := farmerLoan().Validate(); err != nil {
		t.Errorf("Validate(product) = %v", fieldCodes(err))
	}
}

func TestEveryContradictionOfAVersionIsNamedAtItsField(t *testing.T) {
	t.Parallel()
	type version = product.Version
	tests := []struct {
		name   string
		change func(*version)
		want   []string
	}{
		{"no id", func(v *version) { v.ID = "" }, []string{"/id required"}},
		{"no maker", func(v *version) { v.MadeBy = "" }, []string{"/made_by required"}},
		{"an unknown status", func(v *version) { v.Status = "gone" }, []string{"/status invalid-enum"}},
		{"another product", func(v *version) { v.ProductCode = "CYD" }, []string{"/product_code wrong-product"}},
		{"a region of three digits", func(v *version) { v.RegionPrefix = "370" }, []string{"/region_prefix invalid-region"}},
		{"a region with letters", func(v *version) { v.RegionPrefix = "37a6" }, []string{"/region_prefix invalid-region"}},
		{"a region that begins with zero", func(v *version) { v.RegionPrefix = "0706" }, []string{"/region_prefix invalid-region"}},
		{"no region", func(v *version) { v.RegionPrefix = "" }, []string{"/region_prefix invalid-region"}},
		{"no start", func(v *version) { v.EffectiveFrom = domain.Date{} }, []string{"/effective_from required"}},
		{"an end on the start", func(v *version) { v.EffectiveTo = v.EffectiveFrom }, []string{"/effective_to before-start"}},
		{"no source", func(v *version) { v.Source.Document = "" }, []string{"/source required"}},
		{"a number without a source", func(v *version) { v.Sources = map[product.TermName]product.Source{"amount_max": {}} }, []string{"/sources/amount_max required"}},
		{"a difference without a base", func(v *version) { v.Overridden = []product.TermName{"amount_max"} }, []string{"/base_id required"}},
		{"a difference in no term", func(v *version) { v.BaseID, v.Overridden = shandongID, []product.TermName{"colour"} }, []string{"/overridden invalid-enum"}},
		{"a least amount of zero", func(v *version) { v.AmountMin = amount("0") }, []string{"/amount_min not-positive"}},
		{"max below min", func(v *version) {
			v.AmountMax, v.QuickApprovalMax = amount("2999.99"), amount("0.00")
		}, []string{"/amount_max max-below-min"}},
		{"quick approval above the most", func(v *version) { v.QuickApprovalMax = amount("5000000.01") }, []string{"/quick_approval_max above-amount-max"}},
		{"quick approval below the least", func(v *version) { v.QuickApprovalMax = amount("2999.99") }, []string{"/quick_approval_max below-amount-min"}},
		{"a negative quick approval", func(v *version) { v.QuickApprovalMax = amount("-0.01") }, []string{"/quick_approval_max negative"}},
		{"a least draw below zero", func(v *version) { v.DrawMin = amount("-0.01") }, []string{"/draw_min out-of-range"}},
		{"a least draw above the most of the loan", func(v *version) { v.DrawMin = amount("5000000.01") }, []string{"/draw_min out-of-range"}},
		{"a most of one draw below zero", func(v *version) { v.DrawMax = amount("-0.01") }, []string{"/draw_max negative"}},
		{"a most of one draw below the least", func(v *version) { v.DrawMin, v.DrawMax = amount("1000.00"), amount("999.99") }, []string{"/draw_max max-below-min"}},
		{"proof of use after more than a year", func(v *version) { v.PurposeEvidenceDays = 367 }, []string{"/purpose_evidence_days out-of-range"}},
		{"a renewal before the line began", func(v *version) { v.RenewalDays = 367 }, []string{"/renewal_without_repayment_days out-of-range"}},
		{"a subsidy above the whole interest", func(v *version) { v.InterestSubsidySharePct = rate("100.01") }, []string{"/interest_subsidy_share_pct out-of-range"}},
		{"a negative subsidy", func(v *version) { v.InterestSubsidySharePct = rate("-1") }, []string{"/interest_subsidy_share_pct out-of-range"}},
		{"a term of zero months", func(v *version) { v.TermMonthsMin = 0 }, []string{"/term_months_min out-of-range"}},
		{"the longest term below the shortest", func(v *version) { v.TermMonthsMin = 61 }, []string{"/term_months_max max-below-min"}},
		{"a term above the cap", func(v *version) { v.TermMonthsMax = product.TermMonthsCap + 1 }, []string{"/term_months_max out-of-range"}},
		{"a negative age", func(v *version) { v.AgeMin = -1 }, []string{"/age_min out-of-range"}},
		{"nobody can be old and young enough", func(v *version) { v.AgePlusTermMax = 17 }, []string{"/age_plus_term_max max-below-min"}},
		{"an age limit of 121", func(v *version) { v.AgePlusTermMax = 121 }, []string{"/age_plus_term_max out-of-range"}},
		{"a business age below zero", func(v *version) { v.BusinessAgeMonthsMin = -1 }, []string{"/business_age_months_min out-of-range"}},
		{"an unknown base", func(v *version) { v.Price.Base = "libor" }, []string{"/price/base invalid-enum"}},
		{"fixed without a rate", func(v *version) { v.Price = product.Price{Base: product.BaseFixed} }, []string{"/price/fixed_pct required"}},
		{"LPR with a fixed rate", func(v *version) { v.Price.FixedPct = rate("4") }, []string{"/price/fixed_pct not-allowed"}},
		{"an absurd spread", func(v *version) { v.Price.SpreadBPMax = product.SpreadBPCap + 1 }, []string{"/price/spread_bp_max out-of-range"}},
		{"a negative cap", func(v *version) { v.Price.AnnualRateMaxPct = rate("-1") }, []string{"/price/annual_rate_max_pct negative"}},
		{"a relief that is none, twice", func(v *version) {
			v.Price.Reliefs = []product.Relief{{Industry: "a", SpreadBPLess: 0}, {Industry: "a", SpreadBPLess: 5}}
		}, []string{"/price/reliefs/0/spread_bp_less out-of-range", "/price/reliefs/1/industry duplicate"}},
		{"a relief for nobody", func(v *version) { v.Price.Reliefs = []product.Relief{{SpreadBPLess: 5}} }, []string{"/price/reliefs/0/industry required"}},
		{"no repayment method", func(v *version) { v.RepaymentMethods = nil }, []string{"/repayment_methods required"}},
		{"a method twice and an unknown one", func(v *version) {
			v.RepaymentMethods = []schedule.Method{schedule.LumpSum, schedule.LumpSum, "never"}
		}, []string{"/repayment_methods/1 duplicate", "/repayment_methods/2 invalid-enum"}},
		{"no guarantee tier", func(v *version) { v.Guarantee = nil }, []string{"/guarantee required"}},
		{"a hole at the bottom", func(v *version) { v.Guarantee = v.Guarantee[1:] }, []string{"/guarantee/0/from tier-hole"}},
		{"a hole of one fen in the middle", func(v *version) { v.Guarantee[0].Below = amount("99999.99") }, []string{"/guarantee/0/below tier-hole"}},
		{"an overlap of one fen", func(v *version) { v.Guarantee[0].Below = amount("100000.01") }, []string{"/guarantee/0/below tier-overlap"}},
		{"an open tier before another", func(v *version) { v.Guarantee[0].Below = money.Amount{} }, []string{"/guarantee/0/below tier-overlap"}},
		{"a hole at the top: the most itself has no tier", func(v *version) { v.Guarantee[1].Below = amount("5000000.00") }, []string{"/guarantee/1/below tier-hole"}},
		{"a tier that ends before it begins", func(v *version) {
			v.Guarantee[1].Below = amount("99999.00")
		}, []string{"/guarantee/1/below max-below-min", "/guarantee/1/below tier-hole"}},
		{"a tier that ends where it begins", func(v *version) {
			v.Guarantee[1].Below = v.Guarantee[1].From
		}, []string{"/guarantee/1/below max-below-min", "/guarantee/1/below tier-hole"}},
		{"a fee on credit", func(v *version) { v.Guarantee[0].FeeMaxPct = rate("0.1") }, []string{"/guarantee/0 not-allowed"}},
		{"a negative fee", func(v *version) { v.Guarantee[1].FeeMaxPct, v.Guarantee[1].FeeMaxGrainPct = rate("-0.1"), rate("-0.1") }, []string{"/guarantee/1 negative"}},
		{"a negative fee for grain alone", func(v *version) { v.Guarantee[1].FeeMaxGrainPct = rate("-0.1") }, []string{"/guarantee/1 negative"}},
		{"a negative counter-guarantee", func(v *version) {
			v.Guarantee[1].CounterSpouseUpTo = amount("-0.01")
		}, []string{"/guarantee/1 negative", "/guarantee/1/counter_spouse_up_to max-below-min"}},
		{"grain dearer than the rest", func(v *version) { v.Guarantee[1].FeeMaxGrainPct = rate("0.76") }, []string{"/guarantee/1/fee_max_grain_pct max-below-min"}},
		{"a counter-guarantee nobody can use", func(v *version) { v.Guarantee[1].CounterSpouseUpTo = amount("99999.99") }, []string{"/guarantee/1/counter_spouse_up_to max-below-min"}},
		{"an unknown guarantee", func(v *version) { v.Guarantee[0].Kind = "handshake" }, []string{"/guarantee/0/kind invalid-enum"}},
		{"a tier that begins below zero", func(v *version) { v.Guarantee[0].From = amount("-1") }, []string{"/guarantee/0/from negative"}},
		{"a key paper that may wait", func(v *version) { v.Documents[0].DeferDaysMax = 1 }, []string{"/documents/0/defer_days_max not-allowed"}},
		{"a paper that may wait for ever", func(v *version) { v.Documents[2].DeferDaysMax = 0 }, []string{"/documents/2/defer_days_max out-of-range"}},
		{"a paper that blocks the moon", func(v *version) { v.Documents[2].Blocks = "moon" }, []string{"/documents/2/blocks invalid-enum"}},
		{"an unknown paper", func(v *version) { v.Documents[2].Type = "novel" }, []string{"/documents/2/type invalid-enum"}},
		{"a paper twice", func(v *version) { v.Documents[2] = v.Documents[0] }, []string{"/documents/2/type duplicate"}},
		{"a paper of a borrower the product does not serve", func(v *version) { v.Documents[2].BorrowerKind = product.BorrowerCooperative }, []string{"/documents/2/borrower_kind borrower-kind-not-allowed"}},
		{"no papers", func(v *version) { v.Documents = nil }, []string{"/documents documents-missing"}},
		{"no consent among the key papers", func(v *version) {
			v.Documents[1].Key, v.Documents[1].DeferDaysMax = false, 5
		}, []string{"/documents consent-missing"}},
		{"an unknown purpose", func(v *version) { v.ForbiddenPurposes = []string{"fun"} }, []string{"/forbidden_purposes/0 invalid-enum"}},
		{"an unknown kind of purpose", func(v *version) { v.EntrustedPayment[0].PurposeKind = "fun" }, []string{"/entrusted_payment/0/purpose_kind invalid-enum"}},
		{"two thresholds for a kind", func(v *version) { v.EntrustedPayment[1].PurposeKind = "production" }, []string{"/entrusted_payment/1/purpose_kind duplicate"}},
		{"a negative threshold", func(v *version) { v.EntrustedPayment[0].Above = amount("-1") }, []string{"/entrusted_payment/0/above negative"}},
		{"several at once", func(v *version) {
			v.AmountMax, v.TermMonthsMax, v.QuickApprovalMax = amount("1.00"), 0, amount("0")
			v.Guarantee[0].Below = amount("90000.00")
		}, []string{"/amount_max max-below-min", "/term_months_max max-below-min", "/guarantee/0/below tier-hole"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			v := draft()
			test.change(&v)
			err := product.Validate(v, farmerLoan(), nil, date("2022-06-01"))
			if diff := cmp.Diff(test.want, fieldCodes(err)); diff != "" {
				t.Errorf("Validate (-want +got):\n%s", diff)
			}
		})
	}
}

func TestListsAreBounded(t *testing.T) {
	t.Parallel()
	v := draft()
	many := product.ListLengthMax + 1
	v.Guarantee = make([]product.GuaranteeTier, many)
	v.Documents = make([]product.Document, many)
	v.Price.Reliefs = make([]product.Relief, many)
	v.RepaymentMethods = make([]schedule.Method, many)
	v.ForbiddenPurposes = make([]string, many)
	v.EntrustedPayment = make([]product.EntrustedPaymentAmount, many)
	got := fieldCodes(v.Validate())
	for _, pointer := range []string{"/guarantee", "/documents", "/price/reliefs", "/repayment_methods", "/forbidden_purposes", "/entrusted_payment"} {
		if !slices.Contains(got, pointer+" too-many") {
			t.Errorf("%d entries in %s: %v, want too-many", many, pointer, got)
		}
	}
	if err := product.Validate(draft(), farmerLoan(), make([]product.Version, product.VersionsMax+1), date("2022-06-01")); !slices.Contains(fieldCodes(err), " too-many") {
		t.Errorf("too many versions: %v", fieldCodes(err))
	}
}

func TestContiguousTiersAreValidAndAnyMovedBorderIsFound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		borders := rapid.SliceOfNDistinct(rapid.Int64Range(300_001, 299_999_999), 1, 6, rapid.ID[int64]).Draw(t, "borders")
		slices.Sort(borders)
		v := draft()
		v.AmountMax = amount("3000000.00")
		v.Guarantee = []product.GuaranteeTier{{Kind: product.GuaranteeCredit}}
		for i, b := range borders {
			v.Guarantee[i].Below = money.Fen(b)
			v.Guarantee = append(v.Guarantee, product.GuaranteeTier{From: money.Fen(b), Kind: product.GuaranteeCompany})
		}
		if err := v.Validate(); err != nil {
			t.Fatalf("contiguous tiers at %v: %v", borders, fieldCodes(err))
		}
		a := money.Fen(rapid.Int64Range(300_000, 300_000_000).Draw(t, "amount"))
		holding := 0
		for _, tier := range v.Guarantee {
			if tier.Holds(a) {
				holding++
			}
		}
		if holding != 1 {
			t.Fatalf("%s lies in %d tiers", a, holding)
		}
		moved := rapid.IntRange(0, len(borders)-1).Draw(t, "moved")
		by := rapid.SampledFrom([]int64{-100, -1, 1, 100}).Draw(t, "by")
		v.Guarantee[moved].Below = v.Guarantee[moved].Below.Add(money.Fen(by))
		codes := strings.Join(fieldCodes(v.Validate()), " ")
		want := "tier-hole"
		if by > 0 {
			want = "tier-overlap"
		}
		if !strings.Contains(codes, want) {
			t.Fatalf("border %d moved by %d fen: %q, want %s", moved, by, codes, want)
		}
	})
}

func TestVersionsOfOneRegionNeitherOverlapNorLeaveGaps(t *testing.T) {
	t.Parallel()
	other := func(id domain.ID, from, to string) product.Version {
		v := shandong()
		v.ID, v.EffectiveFrom, v.EffectiveTo = id, date(from), domain.Date{}
		if to != "" {
			v.EffectiveTo = date(to)
		}
		return v
	}
	elsewhere := other("e", "2022-07-01", "")
	elsewhere.RegionPrefix = "3706"
	otherProduct := other("p", "2022-07-01", "")
	otherProduct.ProductCode = "CYD"
	stillDraft := other("d", "2022-07-01", "")
	stillDraft.Status = product.StatusDraft

	tests := []struct {
		name     string
		from, to string
		others   []product.Version
		today    string
		want     []string
	}{
		{"alone", "2022-07-01", "", nil, "2022-06-01", nil},
		{"after one without an end, which it will close", "2022-07-01", "", []product.Version{other("o", "2022-02-01", "")}, "2022-06-01", nil},
		{"right after one that ends", "2022-07-01", "", []product.Version{other("o", "2022-02-01", "2022-07-01")}, "2022-06-01", nil},
		{"cutting one short", "2022-07-01", "", []product.Version{other("o", "2022-02-01", "2022-12-01")}, "2022-06-01", nil},
		{"one day after one that ends", "2022-07-02", "", []product.Version{other("o", "2022-02-01", "2022-07-01")}, "2022-06-01", []string{"/effective_from version-gap"}},
		{"long after one that ended before today: those days cannot be filled", "2022-07-02", "", []product.Version{other("o", "2022-02-01", "2022-05-31")}, "2022-06-01", nil},
		{"after one that ends today", "2022-07-02", "", []product.Version{other("o", "2022-02-01", "2022-06-01")}, "2022-06-01", []string{"/effective_from version-gap"}},
		{"on the same day as another", "2022-07-01", "", []product.Version{other("o", "2022-07-01", "")}, "2022-06-01", []string{"/effective_from version-overlap"}},
		{"open-ended before a later one", "2022-07-01", "", []product.Version{other("o", "2022-09-01", "")}, "2022-06-01", []string{"/effective_to version-overlap"}},
		{"ending one day into a later one", "2022-07-01", "2022-09-02", []product.Version{other("o", "2022-09-01", "")}, "2022-06-01", []string{"/effective_to version-overlap"}},
		{"ending as a later one begins", "2022-07-01", "2022-09-01", []product.Version{other("o", "2022-09-01", "")}, "2022-06-01", nil},
		{"ending one day before a later one", "2022-07-01", "2022-08-31", []product.Version{other("o", "2022-09-01", "")}, "2022-06-01", []string{"/effective_to version-gap"}},
		{"between two, against both", "2022-07-02", "2022-08-31", []product.Version{other("a", "2022-02-01", "2022-07-01"), other("b", "2022-09-01", "")}, "2022-06-01", []string{"/effective_from version-gap", "/effective_to version-gap"}},
		{"only the nearest neighbours count", "2022-07-01", "2022-09-01", []product.Version{other("c", "2023-01-01", ""), other("b", "2022-09-01", "2023-01-01"), other("a", "2022-02-01", "")}, "2022-06-01", nil},
		{"another region, another product and a draft are no neighbours", "2022-07-01", "", []product.Version{elsewhere, otherProduct, stillDraft}, "2022-06-01", nil},
		{"itself is no neighbour", "2022-07-01", "", []product.Version{other(newID, "2022-07-01", "")}, "2022-06-01", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			v := draft()
			v.EffectiveFrom = date(test.from)
			if test.to != "" {
				v.EffectiveTo = date(test.to)
			}
			err := product.Validate(v, farmerLoan(), test.others, date(test.today))
			if diff := cmp.Diff(test.want, fieldCodes(err)); diff != "" {
				t.Errorf("Validate (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEveryContradictionOfAProductIsNamedAtItsField(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*product.Product)
		want   []string
	}{
		{"a code in lower case", func(p *product.Product) { p.Code = "qlfmd" }, []string{"/code invalid-product-code"}},
		{"a code that begins with a digit", func(p *product.Product) { p.Code = "1A" }, []string{"/code invalid-product-code"}},
		{"an empty code", func(p *product.Product) { p.Code = "" }, []string{"/code invalid-product-code"}},
		{"a code too long", func(p *product.Product) { p.Code = strings.Repeat("A", product.CodeLengthMax+1) }, []string{"/code invalid-product-code"}},
		{"a code with full-width letters", func(p *product.Product) { p.Code = "ＱＬ" }, []string{"/code invalid-product-code"}},
		{"no name", func(p *product.Product) { p.Name = "" }, []string{"/name invalid-length"}},
		{"a name too long", func(p *product.Product) { p.Name = strings.Repeat("贷", product.NameLengthMax+1) }, []string{"/name invalid-length"}},
		{"the longest name", func(p *product.Product) { p.Name = strings.Repeat("贷", product.NameLengthMax) }, nil},
		{"no borrowers", func(p *product.Product) { p.BorrowerKinds = nil }, []string{"/borrower_kinds required"}},
		{"an unknown borrower", func(p *product.Product) { p.BorrowerKinds = []string{"king"} }, []string{"/borrower_kinds/0 invalid-enum"}},
		{"a borrower twice", func(p *product.Product) { p.BorrowerKinds = []string{"farmer", "farmer"} }, []string{"/borrower_kinds/1 duplicate"}},
		{"no channel", func(p *product.Product) { p.Channels = nil }, []string{"/channels required"}},
		{"an unknown channel", func(p *product.Product) { p.Channels = []product.Channel{"fax"} }, []string{"/channels/0 invalid-enum"}},
		{"no partner is fine", func(p *product.Product) { p.Partners = nil }, nil},
		{"an unknown partner", func(p *product.Product) { p.Partners = []product.Partner{"uncle"} }, []string{"/partners/0 invalid-enum"}},
		{"no exposure unit", func(p *product.Product) { p.ExposureUnit = "" }, []string{"/exposure_unit invalid-enum"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := farmerLoan()
			test.change(&p)
			if diff := cmp.Diff(test.want, fieldCodes(p.Validate())); diff != "" {
				t.Errorf("Validate (-want +got):\n%s", diff)
			}
		})
	}
}

func TestACatalogueIsValidatedAsAWhole(t *testing.T) {
	t.Parallel()
	today := date("2022-03-15")
	products, versions := []product.Product{farmerLoan()}, []product.Version{shandong(), yantai()}
	if err := product.ValidateCatalogue(products, versions, today); err != nil {
		t.Fatalf("ValidateCatalogue: %v", fieldCodes(err))
	}
	orphan := shandong()
	orphan.ID, orphan.ProductCode = "orphan", "CYD"
	again := shandong()
	err := product.ValidateCatalogue(append(products, farmerLoan()), append(versions, orphan, again), today)
	want := []string{"/products/1/code duplicate", "/versions/2/product_code unknown-product", "/versions/3/id duplicate"}
	if diff := cmp.Diff(want, fieldCodes(err)); diff != "" {
		t.Errorf("ValidateCatalogue (-want +got):\n%s", diff)
	}
}

func TestParametersNameWhatTheyLimitAndWhy(t *testing.T) {
	t.Parallel()
	good := product.Parameter{Name: product.ParameterEntrustedPaymentFrom, Kind: "production", Amount: amount("500000.00"), Note: "以合规部门的解读为准"}
	tests := []struct {
		name   string
		change func(*product.Parameter)
		want   []string
	}{
		{"as it is", func(*product.Parameter) {}, nil},
		{"an unknown name", func(p *product.Parameter) { p.Name, p.Kind = "moon", "" }, []string{"/name invalid-enum"}},
		{"a missing kind", func(p *product.Parameter) { p.Kind = "" }, []string{"/kind invalid-enum"}},
		{"a kind where there is none", func(p *product.Parameter) { p.Name = product.ParameterInclusiveFarmerMax }, []string{"/kind not-allowed"}},
		{"no amount", func(p *product.Parameter) { p.Amount = amount("0") }, []string{"/amount not-positive"}},
		{"no reason", func(p *product.Parameter) { p.Note = "" }, []string{"/note required"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := good
			test.change(&p)
			if diff := cmp.Diff(test.want, fieldCodes(p.Validate())); diff != "" {
				t.Errorf("Validate (-want +got):\n%s", diff)
			}
		})
	}
	thresholds := product.EntrustedPaymentOf([]product.Parameter{{Name: product.ParameterInclusiveFarmerMax, Amount: amount("1")}, good})
	if len(thresholds) != 1 || thresholds[0].PurposeKind != "production" || thresholds[0].Above.String() != "500000.00" {
		t.Errorf("EntrustedPaymentOf = %v", thresholds)
	}
}
