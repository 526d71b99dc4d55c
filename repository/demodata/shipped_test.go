package demodata_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"fumin/domain"
	"fumin/domain/money"
	"fumin/domain/product"
	"fumin/repository/demodata"
)

type object = map[string]any

// shippedFile reads a data file without the package's own types, so that the two readings check each other.
func shippedFile(t *testing.T, name string) object {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.UseNumber()
	var file object
	if err := decoder.Decode(&file); err != nil {
		t.Fatal(err)
	}
	return file
}

func list(t *testing.T, value any) []object {
	t.Helper()
	entries, ok := value.([]any)
	if !ok {
		t.Fatalf("%v is no list", value)
	}
	objects := make([]object, len(entries))
	for i, e := range entries {
		objects[i] = e.(object)
	}
	return objects
}

// text writes a value of the file for comparing; a figure with a sample flag as "value*".
func text(value any) string {
	switch v := value.(type) {
	case object:
		mark := ""
		if v["sample"] == true {
			mark = "*"
		}
		return text(v["value"]) + mark
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = text(e)
		}
		return strings.Join(parts, ",")
	case nil:
		return ""
	}
	return fmt.Sprint(value)
}

func catalogue(t *testing.T) ([]product.Product, []product.Version, product.ReferenceRates) {
	t.Helper()
	products, versions, rates, err := demodata.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	return products, versions, rates
}

// figures writes a version's terms as the file does, with "*" where the number itself is marked as a sample.
func figures(v product.Version) map[string]string {
	marked := func(name product.TermName, value any) string {
		if s, ok := v.Sources[name]; ok && s.Sample && v.BaseID.IsZero() {
			return fmt.Sprint(value) + "*"
		}
		return fmt.Sprint(value)
	}
	number := func(name product.TermName, n int) string {
		if n == 0 {
			return ""
		}
		return marked(name, n)
	}
	all := map[string]string{
		"amount_min":              marked(product.TermAmountMin, v.AmountMin),
		"amount_max":              marked(product.TermAmountMax, v.AmountMax),
		"term_months_min":         number(product.TermTermMonthsMin, v.TermMonthsMin),
		"term_months_max":         number(product.TermTermMonthsMax, v.TermMonthsMax),
		"age_min":                 number(product.TermAgeMin, v.AgeMin),
		"age_plus_term_max":       number(product.TermAgePlusTermMax, v.AgePlusTermMax),
		"business_age_months_min": number(product.TermBusinessAgeMonths, v.BusinessAgeMonthsMin),
		"quick_approval_max":      marked(product.TermQuickApprovalMax, v.QuickApprovalMax),
		"forbidden_purposes":      strings.Join(v.ForbiddenPurposes, ","),
		"price":                   fmt.Sprintf("%s %d", v.Price.Base, v.Price.SpreadBPMax),
	}
	if all["renewal_without_repayment_days"] = number(product.TermRenewalDays, v.RenewalDays); !v.DrawMin.IsZero() || !v.DrawMax.IsZero() {
		all["draw_min"], all["draw_max"] = marked(product.TermDrawMin, v.DrawMin), marked(product.TermDrawMax, v.DrawMax)
	}
	if v.SiteVisitRequired {
		all["site_visit_required"] = "true"
	}
	if !v.InterestSubsidySharePct.IsZero() {
		all["interest_subsidy_share_pct"] = v.InterestSubsidySharePct.Decimal().String()
	}
	var methods, reliefs, tiers []string
	for _, m := range v.RepaymentMethods {
		methods = append(methods, string(m))
	}
	for _, r := range v.Price.Reliefs {
		reliefs = append(reliefs, fmt.Sprintf("%s %d", r.Industry, r.SpreadBPLess))
	}
	for _, g := range v.Guarantee {
		grain := ""
		if !g.FeeMaxGrainPct.IsZero() {
			grain = marked(product.TermGuaranteeFeeGrain, g.FeeMaxGrainPct)
		}
		tiers = append(tiers, fmt.Sprintf("%s|%s|%s|%s|%s|%s", zeroless(g.From), zeroless(g.Below), g.Kind, zeroless(g.FeeMaxPct), grain, zeroless(g.CounterSpouseUpTo)))
	}
	all["repayment_methods"], all["reliefs"], all["guarantee"] = strings.Join(methods, ","), strings.Join(reliefs, ","), strings.Join(tiers, ",")
	return all
}

func zeroless(value interface {
	IsZero() bool
	String() string
},
) string {
	if value.IsZero() {
		return ""
	}
	return value.String()
}

// fileFigures writes a version of the file in the same way.
func fileFigures(t *testing.T, v object) map[string]string {
	t.Helper()
	all := map[string]string{}
	for name, value := range v {
		switch name {
		case "id", "region_prefix", "base_id", "effective_from", "source":
		case "price":
			price := value.(object)
			all[name] = fmt.Sprintf("%s %s", price["base"], price["spread_bp_max"])
		case "reliefs":
			var reliefs []string
			for _, r := range list(t, value) {
				reliefs = append(reliefs, fmt.Sprintf("%s %s", r["industry"], r["spread_bp_less"]))
			}
			all[name] = strings.Join(reliefs, ",")
		case "guarantee":
			var tiers []string
			for _, g := range list(t, value) {
				from := strings.TrimPrefix(text(g["from"]), "0.00")
				spouse := ""
				if counter, ok := g["counter_guarantee"].(object); ok {
					spouse = text(counter["spouse_up_to"])
				}
				tiers = append(tiers, fmt.Sprintf("%s|%s|%s|%s|%s|%s", from, text(g["below"]), g["kind"], text(g["fee_pct_a_year_max"]), text(g["fee_pct_a_year_grain"]), spouse))
			}
			all[name] = strings.Join(tiers, ",")
		default:
			all[name] = text(value)
		}
	}
	return all
}

func TestEveryFigureOfTheFileIsLoadedWithItsSourceAndSampleFlag(t *testing.T) {
	t.Parallel()
	products, versions, _ := catalogue(t)
	at := 0
	entries := list(t, shippedFile(t, "catalogue.json")["products"])
	if len(entries) != len(products) {
		t.Fatalf("%d products loaded, the file has %d", len(products), len(entries))
	}
	for i, entry := range entries {
		p := products[i]
		got := []string{p.Code, p.Name, strings.Join(p.BorrowerKinds, ","), string(p.ExposureUnit), fmt.Sprint(p.Revolving), fmt.Sprint(p.Channels), fmt.Sprint(p.Partners), fmt.Sprint(p.Sample)}
		want := []string{
			text(entry["code"]), text(entry["name"]), text(entry["borrower_kinds"]), text(entry["exposure_unit"]), text(entry["revolving"]),
			"[" + strings.ReplaceAll(text(entry["channels"]), ",", " ") + "]", "[" + strings.ReplaceAll(text(entry["partners"]), ",", " ") + "]", fmt.Sprint(entry["sample"] == true),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("product %s (-file +loaded):\n%s", p.Code, diff)
		}
		var base map[string]string
		for _, e := range list(t, entry["versions"]) {
			if at >= len(versions) {
				t.Fatalf("only %d versions loaded", len(versions))
			}
			v := versions[at]
			at++
			want := fileFigures(t, e)
			if overrides, ok := e["overrides"].(object); ok {
				delete(want, "overrides")
				full := map[string]string{}
				for name, value := range base {
					full[name] = strings.ReplaceAll(value, "*", "")
				}
				for name, value := range overrides {
					full[name] = text(value)
				}
				want = full
			} else {
				base = want
			}
			loaded := figures(v)
			for name, value := range loaded {
				if value == "" {
					delete(loaded, name) // the file leaves out what a product does not set
				}
			}
			if diff := cmp.Diff(want, loaded); diff != "" {
				t.Errorf("version %s of %s (-file +loaded):\n%s", v.ID, p.Code, diff)
			}
			place := []string{v.ID.String(), v.ProductCode, v.RegionPrefix, v.EffectiveFrom.String(), v.Source.Document, fmt.Sprint(v.Source.Sample)}
			wantPlace := []string{text(e["id"]), p.Code, text(e["region_prefix"]), text(e["effective_from"]), text(e["source"]), fmt.Sprint(p.Sample)}
			if diff := cmp.Diff(wantPlace, place); diff != "" {
				t.Errorf("place of version %s (-file +loaded):\n%s", v.ID, diff)
			}
		}
	}
	if at != len(versions) {
		t.Errorf("%d versions loaded, the file has %d", len(versions), at)
	}
}

func TestThePublishedTermsOfTheFarmersLoanAreTheDocumentsNumbers(t *testing.T) {
	t.Parallel()
	_, versions, rates := catalogue(t)
	v, err := product.Resolve(versions, "QLFMD", "371503901201", domain.MustParseDate("2022-03-14"))
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(v.AmountMin, v.AmountMax, v.TermMonthsMax, v.AgeMin, v.AgePlusTermMax, v.Guarantee[1].FeeMaxPct, v.Guarantee[1].CounterSpouseUpTo)
	if want := "3000.00 3000000.00 60 18 65 0.75 200000.00"; got != want {
		t.Errorf("QLFMD in Chiping = %s, want %s", got, want)
	}
	for amount, want := range map[string]product.GuaranteeKind{
		"99999.99": product.GuaranteeCredit, "100000.00": product.GuaranteeCompany, "100000.01": product.GuaranteeCompany,
	} {
		if tier, err := v.GuaranteeFor(parseAmount(t, amount)); err != nil || tier.Kind != want {
			t.Errorf("GuaranteeFor(%s) = %s, %v; want %s", amount, tier.Kind, err, want)
		}
	}
	ceiling, err := v.Price.PriceOn(domain.MustParseDate("2022-03-14"), rates)
	if err != nil || ceiling.AnnualRateMaxPct.String() != "3.90" {
		t.Errorf("PriceOn(2022-03-14) = %s, %v; want 3.90", ceiling.AnnualRateMaxPct, err)
	}
}

func TestYantaiHasOneYearLessFromItsFirstDayAndTheDocumentThatSaysSo(t *testing.T) {
	t.Parallel()
	_, versions, _ := catalogue(t)
	for on, want := range map[string]int{"2022-03-14": 65, "2022-03-15": 64, "2026-01-01": 64} {
		v, err := product.Resolve(versions, "QLFMD", "370602", domain.MustParseDate(on))
		if err != nil || v.AgePlusTermMax != want {
			t.Errorf("Yantai on %s: %d, %v; want %d", on, v.AgePlusTermMax, err, want)
		}
		if want == 64 && (v.SourceOf(product.TermAgePlusTermMax).Document != "胶东在线 2022-03-15" || v.SourceOf(product.TermAmountMax).Document != "罗庄区政府公开的产品说明") {
			t.Errorf("Yantai's sources are %+v and %+v", v.SourceOf(product.TermAgePlusTermMax), v.SourceOf(product.TermAmountMax))
		}
	}
}

func TestEveryDocumentOfTheFileIsLoadedForItsKindOfBorrower(t *testing.T) {
	t.Parallel()
	products, versions, _ := catalogue(t)
	documents := shippedFile(t, "catalogue.json")["documents"].(object)
	for _, v := range versions {
		i := slices.IndexFunc(products, func(p product.Product) bool { return p.Code == v.ProductCode })
		for _, kind := range products[i].BorrowerKinds {
			var want, got []string
			for _, d := range list(t, documents[kind]) {
				days := text(d["defer_days_max"])
				if days == "" {
					days = "0"
				}
				want = append(want, fmt.Sprint(text(d["type"]), d["key"] == true, days, text(d["blocks"]), d["expires"] == true, d["sample"] == true))
			}
			for _, d := range v.DocumentsFor(kind) {
				got = append(got, fmt.Sprint(d.Type, d.Key, fmt.Sprint(d.DeferDaysMax), d.Blocks, d.Expires, d.Sample))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("documents of %s under %s (-file +loaded):\n%s", kind, v.ProductCode, diff)
			}
		}
	}
}

func TestEveryReferenceRateAndParameterOfTheFileIsLoaded(t *testing.T) {
	t.Parallel()
	file := shippedFile(t, "catalogue.json")
	_, _, rates := catalogue(t)
	var want, got []string
	for _, row := range list(t, file["lpr"]) {
		want = append(want, fmt.Sprint(row["id"], row["published_on"], row["one_year_pct"], row["five_year_pct"]))
	}
	for _, row := range rates.Rows() {
		got = append(got, fmt.Sprint(row.ID.String(), row.PublishedOn.String(), row.OneYearPct.String(), row.FiveYearPct.String()))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reference rates (-file +loaded):\n%s", diff)
	}
	if _, err := rates.On(domain.MustParseDate("2022-01-19")); domain.CodeOf(err) != "no-reference-rate" {
		t.Errorf("the day before the first publication: %v, want no-reference-rate", err)
	}

	parameters, err := demodata.Parameters()
	if err != nil {
		t.Fatal(err)
	}
	want, got = nil, nil
	for _, p := range list(t, file["parameters"]) {
		want = append(want, fmt.Sprint(text(p["name"]), text(p["kind"]), text(p["amount"]), text(p["note"])))
	}
	for _, p := range parameters {
		got = append(got, fmt.Sprint(p.Name, p.Kind, p.Amount.String(), p.Note))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("parameters (-file +loaded):\n%s", diff)
	}
}

var dates = cmpopts.EquateComparable(domain.Date{})

func TestLoadingTwiceGivesTheSame(t *testing.T) {
	t.Parallel()
	products, versions, rates := catalogue(t)
	productsAgain, versionsAgain, ratesAgain := catalogue(t)
	for name, diff := range map[string]string{
		"products": cmp.Diff(products, productsAgain), "versions": cmp.Diff(versions, versionsAgain, dates), "rates": cmp.Diff(rates.Rows(), ratesAgain.Rows(), dates),
	} {
		if diff != "" {
			t.Errorf("%s differ when loaded twice:\n%s", name, diff)
		}
	}
}

func TestEveryVersionWasMadeByOneAndActivatedByAnotherMemberOfStaff(t *testing.T) {
	t.Parallel()
	_, versions, _ := catalogue(t)
	staff, err := demodata.StaffMembers()
	if err != nil {
		t.Fatal(err)
	}
	known := func(id domain.ID) bool {
		return slices.ContainsFunc(staff, func(s demodata.Staff) bool { return s.ID == id })
	}
	for _, v := range versions {
		if v.Status != product.StatusActive || !known(v.MadeBy) || !known(v.ActivatedBy) || v.MadeBy == v.ActivatedBy {
			t.Errorf("version %s is %s, made by %s, activated by %s", v.ID, v.Status, v.MadeBy, v.ActivatedBy)
		}
		if domain.DateOf(v.ActivatedAt).After(v.EffectiveFrom) {
			t.Errorf("version %s was activated on %s for %s", v.ID, v.ActivatedAt, v.EffectiveFrom)
		}
	}
}

func TestEveryCountyBranchHasAnOfficerAnApproverAndADisbursementOfficer(t *testing.T) {
	t.Parallel()
	branches, err := demodata.Branches()
	if err != nil {
		t.Fatal(err)
	}
	staff, err := demodata.StaffMembers()
	if err != nil {
		t.Fatal(err)
	}
	has := func(branch string, role domain.Role) int {
		n := 0
		for _, s := range staff {
			if s.BranchCode == branch && s.Role == role {
				n++
			}
		}
		return n
	}
	counties := 0
	for _, b := range branches {
		switch b.Level {
		case "county":
			counties++
			for _, role := range []domain.Role{domain.RoleLoanOfficer, domain.RoleApprover, domain.RoleDisbursementOfficer} {
				if has(b.Code, role) == 0 {
					t.Errorf("%s has no %s", b.Name, role)
				}
			}
		case "city":
			if has(b.Code, domain.RoleAuditor) == 0 || has(b.Code, domain.RoleAdmin) < 2 {
				t.Errorf("%s needs an auditor and two admins, one to draft and one to activate", b.Name)
			}
		}
	}
	if counties != 4 {
		t.Errorf("%d county branches, want 4", counties)
	}
}

func TestTheOrganisationOfTheFileIsLoaded(t *testing.T) {
	t.Parallel()
	file := shippedFile(t, "organisation.json")
	regions, err := demodata.Regions()
	if err != nil {
		t.Fatal(err)
	}
	branches, err := demodata.Branches()
	if err != nil {
		t.Fatal(err)
	}
	staff, err := demodata.StaffMembers()
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, r := range list(t, file["regions"]) {
		want = append(want, fmt.Sprint(text(r["code"]), text(r["name"]), text(r["parent"]), r["synthetic"] == true))
	}
	for _, b := range list(t, file["branches"]) {
		want = append(want, fmt.Sprint(text(b["id"]), text(b["code"]), text(b["name"]), text(b["level"]), text(b["parent"]), text(b["regions"])))
	}
	for _, s := range list(t, file["staff"]) {
		want = append(want, fmt.Sprint(text(s["id"]), text(s["username"]), text(s["name"]), text(s["role"]), text(s["branch"])))
	}
	for _, r := range regions {
		got = append(got, fmt.Sprint(r.Code, r.Name, r.ParentCode, r.Synthetic))
	}
	for _, b := range branches {
		got = append(got, fmt.Sprint(b.ID.String(), b.Code, b.Name, b.Level, b.ParentCode, strings.Join(b.RegionCodes, ",")))
	}
	ids := map[domain.ID]bool{}
	for _, s := range staff {
		got = append(got, fmt.Sprint(s.ID.String(), s.Username, s.Name, string(s.Role), s.BranchCode))
		if ids[s.ID] {
			t.Errorf("id of %s stands twice", s.Username)
		}
		ids[s.ID] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("organisation (-file +loaded):\n%s", diff)
	}
}

func parseAmount(t *testing.T, s string) money.Amount {
	t.Helper()
	a, err := money.ParseAmount(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
