package borrower

import "fumin/domain"

// RegionCode is a code of administrative division (行政区划代码): 2 digits for a province, 4 for a city, 6 for a county
// (GB/T 2260), 9 for a township and 12 for a village (统计用区划代码). A longer code begins with that of the region it
// lies in. The zero value is absent. It is not personal.
type RegionCode string

// The lengths of a region code, by level.
const (
	RegionDigitsProvince = 2
	RegionDigitsCity     = 4
	RegionDigitsCounty   = 6
	RegionDigitsTownship = 9
	RegionDigitsVillage  = 12
)

// provinces are the first two digits of GB/T 2260, with 83, which residence permits use for people of Taiwan beside 71.
var provinces = map[string]bool{
	"11": true, "12": true, "13": true, "14": true, "15": true,
	"21": true, "22": true, "23": true,
	"31": true, "32": true, "33": true, "34": true, "35": true, "36": true, "37": true,
	"41": true, "42": true, "43": true, "44": true, "45": true, "46": true,
	"50": true, "51": true, "52": true, "53": true, "54": true,
	"61": true, "62": true, "63": true, "64": true, "65": true,
	"71": true, "81": true, "82": true, "83": true,
}

var (
	errRegionCode  = domain.BadValue("region-code-invalid", "行政区划代码应为 2、4、6、9 或 12 位数字，且以省级代码开头")
	errVillageCode = domain.BadValue("village-code-invalid", "村级代码应为 12 位数字的统计用区划代码")
)

// ParseRegionCode reads a code of any level. Whether the region exists is a matter of the catalogue, not of this form.
func ParseRegionCode(s string) (RegionCode, error) {
	switch len(s) {
	case 0:
		return "", errRequired
	case RegionDigitsProvince, RegionDigitsCity, RegionDigitsCounty, RegionDigitsTownship, RegionDigitsVillage:
	default:
		return "", errRegionCode
	}
	if !onlyDigits(s) || !provinces[s[:2]] {
		return "", errRegionCode
	}
	return RegionCode(s), nil
}

// MustParseRegionCode is ParseRegionCode for tests and constants.
func MustParseRegionCode(s string) RegionCode { return must(ParseRegionCode(s)) }

// ParseVillageCode reads the code of a village: 12 digits.
func ParseVillageCode(s string) (RegionCode, error) {
	if s != "" && len(s) != RegionDigitsVillage {
		return "", errVillageCode
	}
	return ParseRegionCode(s)
}

// String returns the digits.
func (c RegionCode) String() string { return string(c) }

// IsZero reports whether c is absent.
func (c RegionCode) IsZero() bool { return c == "" }

// In reports whether c is the region o or lies in it. Nothing lies in an absent region.
func (c RegionCode) In(o RegionCode) bool {
	return o != "" && len(c) >= len(o) && c[:len(o)] == o
}
