package loan_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
)

// companyTerms are what was agreed with a company: fees by crop and amount, a quota in total, and two of regions.
func companyTerms() loan.GuaranteeTerms {
	from := domain.MustParseDate("2026-01-01")
	return loan.GuaranteeTerms{
		Name: "山东农担", Products: []string{"QLFMD", "NYCYD"}, RegionPrefix: "37", CompanySharePct: money.MustParseRate("80"), From: from,
		Fees: []loan.GuaranteeFee{
			{Crop: loan.GuaranteeGrain, Below: yuan("300000.00"), Pct: money.MustParseRate("0.40")},
			{Crop: loan.GuaranteeGrain, From: yuan("300000.00"), Pct: money.MustParseRate("0.50")},
			{Crop: loan.GuaranteeOther, From: yuan("100000.00"), Below: yuan("300000.00"), Pct: money.MustParseRate("0.65")},
		},
		Quotas: []loan.GuaranteeQuota{
			{RegionPrefix: "371503", Limit: yuan("1000000.00"), From: from},
			{Limit: yuan("500000000.00"), From: from, Until: domain.MustParseDate("2026-12-31")},
			{RegionPrefix: "3715", Limit: yuan("2000000.00"), From: from, Until: domain.MustParseDate("2026-11-23")},
			{RegionPrefix: "3715", Limit: yuan("3000000.00"), From: domain.MustParseDate("2026-11-24")},
		},
	}
}

func TestTheFeeFollowsCropAndAmount(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		crop   loan.GuaranteeCrop
		amount string
		want   string // "": the table has none
	}{
		{loan.GuaranteeGrain, "0.01", "0.40"},
		{loan.GuaranteeGrain, "299999.99", "0.40"},
		{loan.GuaranteeGrain, "300000.00", "0.50"},
		{loan.GuaranteeGrain, "99999999.99", "0.50"},
		{loan.GuaranteeOther, "99999.99", ""},
		{loan.GuaranteeOther, "100000.00", "0.65"},
		{loan.GuaranteeOther, "299999.99", "0.65"},
		{loan.GuaranteeOther, "300000.00", ""},
	} {
		got, found := companyTerms().FeePct(c.crop, yuan(c.amount))
		if found != (c.want != "") || found && got.String() != c.want {
			t.Errorf("fee of %s for %s: %s, %t; want %q", c.crop, c.amount, got, found, c.want)
		}
	}
	if got := companyTerms().LenderSharePct().String(); got != "20.00" {
		t.Errorf("the lender's share of the risk is %s, want 20.00", got)
	}
}

func TestAGuaranteeCountsAgainstTheQuotaInTotalAndOfEachOfItsRegions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		region, on string
		want       []string // limits, the total first
	}{
		{"371503901201", "2026-11-23", []string{"500000000.00", "2000000.00", "1000000.00"}},
		{"371503901201", "2026-11-24", []string{"500000000.00", "3000000.00", "1000000.00"}},
		{"371526901201", "2026-11-23", []string{"500000000.00", "2000000.00"}},
		{"370102001001", "2026-11-23", []string{"500000000.00"}},
		{"371503901201", "2026-12-31", []string{"500000000.00", "3000000.00", "1000000.00"}},
		{"371503901201", "2027-01-01", nil}, // the total has ended: the regions alone give nothing
		{"371503901201", "2025-12-31", nil},
	} {
		quotas, ok := companyTerms().QuotasOn(c.region, domain.MustParseDate(c.on))
		var got []string
		for _, q := range quotas {
			got = append(got, q.Limit.String())
		}
		if ok != (c.want != nil) || ok && !slices.Equal(got, c.want) {
			t.Errorf("quotas of %s on %s: %v, %t; want %v", c.region, c.on, got, ok, c.want)
		}
	}
}

func TestACompanyServesItsProductsInItsRegionWhileItsTermsLast(t *testing.T) {
	t.Parallel()
	terms := companyTerms()
	terms.Until = domain.MustParseDate("2026-12-31")
	for _, c := range []struct {
		product, region, on string
		want                bool
	}{
		{"QLFMD", "371503901201", "2026-01-01", true},
		{"QLFMD", "371503901201", "2026-12-31", true},
		{"QLFMD", "371503901201", "2027-01-01", false},
		{"QLFMD", "371503901201", "2025-12-31", false},
		{"QLFMD", "410102001001", "2026-11-23", false},
		{"HNSYD", "371503901201", "2026-11-23", false},
	} {
		if got := terms.Serves(c.product, c.region, domain.MustParseDate(c.on)); got != c.want {
			t.Errorf("serves %s in %s on %s: %t, want %t", c.product, c.region, c.on, got, c.want)
		}
	}
}

func TestTermsThatCannotBeAreRefusedFieldByField(t *testing.T) {
	t.Parallel()
	if err := companyTerms().Validate(); err != nil {
		t.Fatalf("good terms: %v", err)
	}
	for what, c := range map[string]struct {
		change func(*loan.GuaranteeTerms)
		field  string
	}{
		"no name":                       {func(t *loan.GuaranteeTerms) { t.Name = "" }, "/name out-of-range"},
		"no product":                    {func(t *loan.GuaranteeTerms) { t.Products = nil }, "/products out-of-range"},
		"a product twice":               {func(t *loan.GuaranteeTerms) { t.Products[1] = "QLFMD" }, "/products/1 invalid-product-code"},
		"a region of three digits":      {func(t *loan.GuaranteeTerms) { t.RegionPrefix = "371" }, "/region_prefix invalid-region"},
		"a region of letters":           {func(t *loan.GuaranteeTerms) { t.RegionPrefix = "3%" }, "/region_prefix invalid-region"},
		"no share of the risk":          {func(t *loan.GuaranteeTerms) { t.CompanySharePct = money.Rate{} }, "/company_share_pct out-of-range"},
		"more than all of the risk":     {func(t *loan.GuaranteeTerms) { t.CompanySharePct = money.MustParseRate("100.000001") }, "/company_share_pct out-of-range"},
		"no first day":                  {func(t *loan.GuaranteeTerms) { t.From = domain.Date{} }, "/from required"},
		"a last day before the first":   {func(t *loan.GuaranteeTerms) { t.Until = domain.MustParseDate("2025-12-31") }, "/until date-order"},
		"a fee of an unknown crop":      {func(t *loan.GuaranteeTerms) { t.Fees[0].Crop = "tea" }, "/fees/0/crop unknown-value"},
		"a fee above ten percent":       {func(t *loan.GuaranteeTerms) { t.Fees[0].Pct = money.MustParseRate("10.000001") }, "/fees/0/pct out-of-range"},
		"a band that ends at its start": {func(t *loan.GuaranteeTerms) { t.Fees[2].Below = yuan("100000.00") }, "/fees/2/below out-of-range"},
		"bands that overlap by a fen":   {func(t *loan.GuaranteeTerms) { t.Fees[1].From = yuan("299999.99") }, "/fees/1 overlap"},
		"too many fees":                 {func(t *loan.GuaranteeTerms) { t.Fees = make([]loan.GuaranteeFee, loan.GuaranteeListMax+1) }, "/fees too-many"},
		"a quota below nothing":         {func(t *loan.GuaranteeTerms) { t.Quotas[0].Limit = yuan("-0.01") }, "/quotas/0/limit amount-negative"},
		"a quota of no region":          {func(t *loan.GuaranteeTerms) { t.Quotas[0].RegionPrefix = "37150" }, "/quotas/0/region_prefix invalid-region"},
		"a quota without a first day":   {func(t *loan.GuaranteeTerms) { t.Quotas[0].From = domain.Date{} }, "/quotas/0/from date-order"},
		"quotas that overlap by a day":  {func(t *loan.GuaranteeTerms) { t.Quotas[3].From = domain.MustParseDate("2026-11-23") }, "/quotas/3 overlap"},
		"no quota in total":             {func(t *loan.GuaranteeTerms) { t.Quotas = t.Quotas[:1] }, "/quotas required"},
		"too many quotas":               {func(t *loan.GuaranteeTerms) { t.Quotas = make([]loan.GuaranteeQuota, loan.GuaranteeListMax+1) }, "/quotas too-many"},
	} {
		terms := companyTerms()
		c.change(&terms)
		refused, ok := errors.AsType[*domain.Error](terms.Validate())
		if !ok || len(refused.Fields) != 1 || refused.Fields[0].Pointer+" "+refused.Fields[0].Code != c.field {
			t.Errorf("%s: %+v, want %s alone", what, refused, c.field)
		}
	}
}

func TestTermsHoldOnceASecondPersonHasActivatedThem(t *testing.T) {
	t.Parallel()
	drafter := actor(domain.RoleRiskManager)
	second := drafter
	second.ID = officerID
	for _, role := range domain.Roles() {
		_, _, err := loan.NewGuaranteeCompany(actor(role), at, versionID, "SDNDB", false, companyTerms())
		keeps := role == domain.RoleRiskManager || role == domain.RoleAdmin || role == domain.RoleSystem
		if (err == nil) != keeps || !keeps && domain.CodeOf(err) != "role-not-allowed" {
			t.Errorf("drafted by %s: %v, want allowed %t", role, err, keeps)
		}
	}
	for _, code := range []string{"", "sdndb", "SD NDB", "山东", strings.Repeat("A", loan.GuaranteeCodeMax+1)} {
		if _, _, err := loan.NewGuaranteeCompany(drafter, at, versionID, code, false, companyTerms()); domain.CodeOf(err) != "invalid-fields" {
			t.Errorf("code %q: %v, want invalid-fields", code, err)
		}
	}
	c, _, err := loan.NewGuaranteeCompany(drafter, at, versionID, "SDNDB", false, companyTerms())
	if err != nil {
		t.Fatal(err)
	}
	if c.Record().Terms != nil {
		t.Error("a draft is in force before anybody has activated it")
	}
	if _, err := c.Activate(drafter, at); domain.CodeOf(err) != "four-eyes" {
		t.Errorf("activated by who drafted it: %v, want four-eyes", err)
	}
	if _, err := c.Activate(actor(domain.RoleLoanOfficer), at); domain.CodeOf(err) != "role-not-allowed" {
		t.Errorf("activated by a loan officer: %v, want role-not-allowed", err)
	}
	event, err := c.Activate(second, at)
	if err != nil || event.Version != 2 || event.ActorID != second.ID || c.Record().Terms == nil || c.Record().Draft != nil {
		t.Errorf("activated by a second person: %+v, %v", event, err)
	}
	if _, err := c.Activate(second, at); domain.CodeOf(err) != "nothing-to-activate" {
		t.Errorf("activated again: %v, want nothing-to-activate", err)
	}
}
