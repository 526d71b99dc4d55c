package borrower

import "fumin/domain"

// LicenceKind is what a licence or permit allows (证照种类).
type LicenceKind string

// The kinds of licence.
const (
	LicenceBusiness          LicenceKind = "business"            // 营业执照
	LicenceFoodOperation     LicenceKind = "food_operation"      // 食品经营许可证
	LicenceFoodProduction    LicenceKind = "food_production"     // 食品生产许可证
	LicenceAnimalEpidemic    LicenceKind = "animal_epidemic"     // 动物防疫条件合格证
	LicenceLivestockBreeding LicenceKind = "livestock_breeding"  // 种畜禽生产经营许可证
	LicenceSeed              LicenceKind = "seed"                // 种子（林草种苗）生产经营许可证
	LicencePollutant         LicenceKind = "pollutant_discharge" // 排污许可证
	LicenceTransport         LicenceKind = "transport"           // 道路运输经营许可证
	LicenceOther             LicenceKind = "other"               // 其他
)

// Valid reports whether k is one of the kinds.
func (k LicenceKind) Valid() bool {
	switch k {
	case LicenceBusiness, LicenceFoodOperation, LicenceFoodProduction, LicenceAnimalEpidemic, LicenceLivestockBreeding,
		LicenceSeed, LicencePollutant, LicenceTransport, LicenceOther:
		return true
	}
	return false
}

// Lengths of a licence's texts, in characters.
const (
	LicenceNoRunesMax = 60
	IssuerRunesMax    = 60
)

// Licence is a licence or permit of a borrower (证照). A renewed one is a new Licence.
type Licence struct {
	ID        domain.ID
	Kind      LicenceKind
	No        string // as printed
	Issuer    string // 发证机关
	IssuedOn  domain.Date
	ExpiresOn domain.Date // the last day on which it counts (有效期至); zero: no end (长期)
}

// ExpiredOn reports whether the licence has run out on the day. On its last day it still counts.
func (l Licence) ExpiredOn(day domain.Date) bool {
	return !l.ExpiresOn.IsZero() && day.After(l.ExpiresOn)
}

// InForceOn reports whether the licence counts on the day: issued and not run out.
func (l Licence) InForceOn(day domain.Date) bool { return !day.Before(l.IssuedOn) && !l.ExpiredOn(day) }

// ExpiresWithin reports whether the licence counts on the day and runs out within the number of days after it: whom to
// remind (主动提醒).
func (l Licence) ExpiresWithin(day domain.Date, days int) bool {
	return !l.ExpiresOn.IsZero() && l.InForceOn(day) && day.DaysUntil(l.ExpiresOn) <= days
}

// Validate names all that is wrong with the licence, by the JSON names id, kind, no, issuer, issued_on and expires_on.
// One that has run out is not wrong.
func (l Licence) Validate() error {
	var p domain.Problems
	requireID(&p, "/id", l.ID)
	requireValid(&p, "/kind", string(l.Kind), l.Kind.Valid())
	checkText(&p, "/no", l.No, 1, LicenceNoRunesMax)
	checkText(&p, "/issuer", l.Issuer, 0, IssuerRunesMax)
	if l.IssuedOn.IsZero() {
		p.Check("/issued_on", errRequired)
	}
	if !l.ExpiresOn.IsZero() && l.ExpiresOn.Before(l.IssuedOn) {
		p.Add("/expires_on", "date-order", "有效期至不能早于发证日期")
	}
	return p.Err()
}
