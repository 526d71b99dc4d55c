package borrower

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fumin/domain"
)

func TestOnlyListedValuesAreValid(t *testing.T) {
	t.Parallel()
	type enumeration struct {
		name   string
		values []string
		valid  func(string) bool
	}
	for _, e := range []enumeration{
		{"ConsentKind", []string{"credit_enquiry", "privacy_notice", "guarantee_sharing"}, func(s string) bool { return ConsentKind(s).Valid() }},
		{"ConsentMeans", []string{"paper", "electronic", "recording"}, func(s string) bool { return ConsentMeans(s).Valid() }},
		{"AccountVerification", []string{"document_seen", "small_transfer", "bank_enquiry"}, func(s string) bool { return AccountVerification(s).Valid() }},
		{"Relation", []string{"head", "spouse", "child", "parent", "sibling", "grandchild", "grandparent", "child_in_law", "other"}, func(s string) bool { return Relation(s).Valid() }},
		{"LandKind", []string{"contracted", "leased", "forest", "pond", "facility"}, func(s string) bool { return LandKind(s).Valid() }},
		{"LivestockKind", []string{"pig", "cattle", "sheep_goat", "chicken", "duck", "goose", "rabbit", "aquatic", "other"}, func(s string) bool { return LivestockKind(s).Valid() }},
		{"CropKind", []string{"wheat", "maize", "rice", "soybean", "peanut", "cotton", "vegetable", "fruit", "seedling", "fungus", "herb", "other"}, func(s string) bool { return CropKind(s).Valid() }},
		{"LicenceKind", []string{"business", "food_operation", "food_production", "animal_epidemic", "livestock_breeding", "seed", "pollutant_discharge", "transport", "other"}, func(s string) bool { return LicenceKind(s).Valid() }},
		{"RepresentativeRole", []string{"legal_representative", "chair", "operator"}, func(s string) bool { return RepresentativeRole(s).Valid() }},
		{"ChangeKind", []string{"joined", "left", "head_changed", "split_off", "split_from", "merged_in", "merged_into"}, func(s string) bool { return ChangeKind(s).Valid() }},
	} {
		for _, value := range e.values {
			if !e.valid(value) {
				t.Errorf("%s(%q).Valid() = false, want true", e.name, value)
			}
		}
		for _, value := range []string{"", "unknown", "OTHER", " other"} {
			if e.valid(value) {
				t.Errorf("%s(%q).Valid() = true, want false", e.name, value)
			}
		}
	}
}

func TestGrainIsWheatMaizeRiceAndBeans(t *testing.T) {
	t.Parallel()
	grain := map[CropKind]bool{CropWheat: true, CropMaize: true, CropRice: true, CropSoybean: true}
	for _, kind := range []CropKind{
		CropWheat, CropMaize, CropRice, CropSoybean, CropPeanut, CropCotton, CropVegetable, CropFruit, CropSeedling,
		CropFungus, CropHerb, CropOther, "",
	} {
		if got := kind.IsGrain(); got != grain[kind] {
			t.Errorf("%q.IsGrain() = %v, want %v", kind, got, grain[kind])
		}
	}
}

func TestEachKindHasItsRepresentative(t *testing.T) {
	t.Parallel()
	suits := map[Kind]string{
		KindSmallEnterprise: "legal_representative", KindCooperative: "chair", KindFamilyFarm: "legal_representative operator",
	}
	for _, kind := range Kinds() {
		for _, role := range []RepresentativeRole{RoleLegalRepresentative, RoleChair, RoleOperator} {
			want := slices.Contains(strings.Fields(suits[kind]), string(role))
			if got := role.suits(kind); got != want {
				t.Errorf("%q.suits(%q) = %v, want %v", role, kind, got, want)
			}
		}
	}
}

func TestARegionCodeHasALevelAndLiesInAnother(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ input, code string }{
		{"37", ""},
		{"3715", ""},
		{"371503", ""},
		{"371503901", ""},
		{"371503901201", ""},
		{"", "required"},
		{"3", "region-code-invalid"},
		{"37150", "region-code-invalid"},
		{"99", "region-code-invalid"},
		{"37150x", "region-code-invalid"},
		{"３７", "region-code-invalid"},
		{"3715039012011", "region-code-invalid"},
	} {
		if _, err := ParseRegionCode(c.input); codeOf(t, err) != c.code {
			t.Errorf("ParseRegionCode(%q) = %v, want %q", c.input, err, c.code)
		}
	}
	village := MustParseRegionCode("371503901201")
	for _, c := range []struct {
		region RegionCode
		want   bool
	}{{"37", true}, {"371503", true}, {"371503901201", true}, {"371522", false}, {"3715039012011", false}, {"", false}} {
		if got := village.In(c.region); got != c.want {
			t.Errorf("%v.In(%q) = %v, want %v", village, c.region, got, c.want)
		}
	}
}

func TestMustParsePanicsWithoutShowingTheValue(t *testing.T) {
	t.Parallel()
	defer func() {
		failure, ok := recover().(*domain.ValueError)
		if !ok || failure.Code != "id-number-check-digit" {
			t.Errorf("MustParseIDNumber panics with %v, want the refusal", failure)
		}
	}()
	MustParseIDNumber("371599196805030090")
}

func TestValuesAreComparedByGoCmp(t *testing.T) {
	t.Parallel()
	a, b := samplePerson(), samplePerson()
	b.Name, b.BankAccount, b.Address = MustParseName("王吉花"), MustParseBankAccount("6228480000000000026"), MustParseAddress("山东省聊城市莘县")
	b.Phone, b.CreditCode, b.IDNumber = MustParsePhone("13912345679"), MustParseCreditCode("93371599MA0000003E"), MustParseIDNumber("371599196805030014")
	pairs := map[string][2]any{
		"names": {a.Name, b.Name}, "accounts": {a.BankAccount, b.BankAccount}, "addresses": {a.Address, b.Address},
		"phones": {a.Phone, b.Phone}, "credit codes": {a.CreditCode, b.CreditCode}, "identity numbers": {a.IDNumber, b.IDNumber},
	}
	for what, pair := range pairs {
		if !cmp.Equal(pair[0], pair[0]) || cmp.Equal(pair[0], pair[1]) {
			t.Errorf("go-cmp on %s: same %v, different %v, want true and false", what, cmp.Equal(pair[0], pair[0]), cmp.Equal(pair[0], pair[1]))
		}
	}
}
