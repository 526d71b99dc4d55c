package product

import (
	"cmp"
	"slices"
	"strings"

	"fumin/domain"
)

// Resolve returns the version of a product that holds in a region on a day: of the active versions in force on that day,
// the one with the longest matching region prefix; so Yantai's own numbers win over Shandong's from their first day on.
//
// None is "product-not-offered" (KindRule). Validate keeps two versions with one prefix from holding on one day; should
// stored data break that, the later start and then the later id win, so that the answer is the same everywhere.
func Resolve(versions []Version, productCode, region string, on domain.Date) (Version, error) {
	best := -1
	for i, v := range versions {
		if v.ProductCode != productCode || !v.CoversRegion(region) || !v.InForce(on) {
			continue
		}
		if best < 0 || closer(v, versions[best]) {
			best = i
		}
	}
	if best < 0 {
		return Version{}, domain.Errorf(domain.KindRule, "product-not-offered",
			"该产品 %s 在本地区没有有效版本，请改选其他产品或联系产品管理员", on)
	}
	return versions[best], nil
}

func closer(a, b Version) bool {
	return cmp.Or(
		cmp.Compare(len(a.RegionPrefix), len(b.RegionPrefix)),
		a.EffectiveFrom.Compare(b.EffectiveFrom),
		strings.Compare(a.ID.String(), b.ID.String()),
	) > 0
}

// Offer is a product with the version that applies.
type Offer struct {
	Product Product
	Version Version
}

// Offered answers "what can this borrower have here on this day": every product that allows the borrower kind and has a
// version in force, by code. An empty borrowerKind asks for all.
func Offered(products []Product, versions []Version, region string, on domain.Date, borrowerKind string) []Offer {
	var offers []Offer
	for _, p := range products {
		if borrowerKind != "" && !p.Allows(borrowerKind) {
			continue
		}
		if v, err := Resolve(versions, p.Code, region, on); err == nil {
			offers = append(offers, Offer{Product: p, Version: v})
		}
	}
	slices.SortFunc(offers, func(a, b Offer) int { return strings.Compare(a.Product.Code, b.Product.Code) })
	return offers
}
