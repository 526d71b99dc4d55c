package product_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"fumin/domain"
	"fumin/domain/product"
)

func asDomainError(err error, target **domain.Error) bool { return errors.As(err, target) }

func TestResolveTakesTheLongestRegionPrefixInForceOnTheDay(t *testing.T) {
	t.Parallel()
	july := draft()
	july.Status = product.StatusActive
	spring := shandong()
	spring.EffectiveTo = july.EffectiveFrom
	stillDraft := yantai()
	stillDraft.ID, stillDraft.RegionPrefix, stillDraft.Status = "draft", "370602", product.StatusDraft
	otherProduct := shandong()
	otherProduct.ID, otherProduct.ProductCode, otherProduct.RegionPrefix = "other", "CYD", "371503"
	versions := []product.Version{yantai(), spring, july, stillDraft, otherProduct}

	tests := []struct {
		name, region, on string
		want             domain.ID // "" for none
	}{
		{"a village in Liaocheng has the province's version", "371503901201", "2022-03-14", shandongID},
		{"the first day counts", "371503", "2022-02-01", shandongID},
		{"the day before the first has none", "371503", "2022-01-31", ""},
		{"the day before Yantai's first has the province's version", "370602", "2022-03-14", shandongID},
		{"from its first day Yantai has its own", "370602", "2022-03-15", yantaiID},
		{"Yantai as a whole is covered by its own prefix", "3706", "2022-03-15", yantaiID},
		{"the day before the end is still in force", "371503", "2022-06-30", shandongID},
		{"the end belongs to the next version", "371503", "2022-07-01", newID},
		{"a longer prefix wins over a later date", "370602", "2022-07-01", yantaiID},
		{"another province has none", "320102", "2022-03-15", ""},
		{"a region shorter than the prefix has none", "3", "2022-03-15", ""},
		{"an empty region has none", "", "2022-03-15", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := product.Resolve(versions, "QLFMD", test.region, date(test.on))
			if test.want == "" {
				if domain.CodeOf(err) != "product-not-offered" {
					t.Errorf("Resolve(%q, %s) = %s, %v; want product-not-offered", test.region, test.on, got.ID, err)
				}
				return
			}
			if err != nil || got.ID != test.want {
				t.Errorf("Resolve(%q, %s) = %s, %v; want %s", test.region, test.on, got.ID, err, test.want)
			}
		})
	}
}

func TestResolveGivesTheSameAnswerInAnyOrderOfVersions(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		versions := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) product.Version {
			v := shandong()
			v.ID = domain.ID(rapid.StringMatching(`[a-f]{8}`).Draw(t, "id"))
			v.RegionPrefix = rapid.SampledFrom([]string{"37", "3706", "3715", "371503", "371503901"}).Draw(t, "prefix")
			v.EffectiveFrom = date("2022-01-01").AddDays(rapid.IntRange(0, 300).Draw(t, "from"))
			if rapid.Bool().Draw(t, "ends") {
				v.EffectiveTo = v.EffectiveFrom.AddDays(rapid.IntRange(1, 200).Draw(t, "days"))
			}
			return v
		}), 0, 12).Draw(t, "versions")
		region := rapid.SampledFrom([]string{"371503901201", "370602", "3715", "37"}).Draw(t, "region")
		on := date("2022-01-01").AddDays(rapid.IntRange(-10, 400).Draw(t, "on"))

		got, err := product.Resolve(versions, "QLFMD", region, on)
		again, errAgain := product.Resolve(rapid.Permutation(versions).Draw(t, "shuffled"), "QLFMD", region, on)
		if got.ID != again.ID || domain.CodeOf(err) != domain.CodeOf(errAgain) {
			t.Fatalf("Resolve = %s, %v; in another order %s, %v", got.ID, err, again.ID, errAgain)
		}
		for _, v := range versions {
			if v.CoversRegion(region) && v.InForce(on) && (err != nil || len(v.RegionPrefix) > len(got.RegionPrefix)) {
				t.Fatalf("Resolve(%s, %s) = %q, %v; but %q is in force and longer", region, on, got.RegionPrefix, err, v.RegionPrefix)
			}
		}
		if err == nil && (!got.InForce(on) || !got.CoversRegion(region)) {
			t.Fatalf("Resolve(%s, %s) = %s, which does not hold there and then", region, on, got.ID)
		}
	})
}

func TestOfferedListsWhatABorrowerCanHaveHereToday(t *testing.T) {
	t.Parallel()
	startUp := product.Product{Code: "CYD", Name: "创业贷", BorrowerKinds: []string{product.BorrowerSoleProprietor, product.BorrowerFarmer}}
	county := shandong()
	county.ID, county.ProductCode, county.RegionPrefix = "county", "CYD", "371522"
	products := []product.Product{farmerLoan(), startUp}
	versions := []product.Version{shandong(), yantai(), county}

	tests := []struct {
		name, region, on, kind string
		want                   []string
	}{
		{"a farmer in Shenxian has both, by code", "371522", "2022-03-01", product.BorrowerFarmer, []string{"CYD 371522", "QLFMD 37"}},
		{"a farmer in Chiping has one", "371503", "2022-03-01", product.BorrowerFarmer, []string{"QLFMD 37"}},
		{"a farmer in Yantai has Yantai's numbers", "370602", "2022-04-01", product.BorrowerFarmer, []string{"QLFMD 3706"}},
		{"a sole proprietor has what allows sole proprietors", "371522", "2022-03-01", product.BorrowerSoleProprietor, []string{"CYD 371522"}},
		{"a co-operative has none", "371522", "2022-03-01", product.BorrowerCooperative, nil},
		{"no kind asks for all", "371522", "2022-03-01", "", []string{"CYD 371522", "QLFMD 37"}},
		{"before the first day there is none", "371522", "2022-01-31", "", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, o := range product.Offered(products, versions, test.region, date(test.on), test.kind) {
				got = append(got, o.Product.Code+" "+o.Version.RegionPrefix)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("Offered(%s, %s, %s) (-want +got):\n%s", test.region, test.on, test.kind, diff)
			}
		})
	}
}
