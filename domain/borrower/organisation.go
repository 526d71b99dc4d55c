package borrower

import (
	"fumin/domain"
	"fumin/domain/money"
)

// RepresentativeRole is by which office somebody acts for an organisation (负责人职务).
type RepresentativeRole string

// The offices.
const (
	RoleLegalRepresentative RepresentativeRole = "legal_representative" // 法定代表人
	RoleChair               RepresentativeRole = "chair"                // 理事长（合作社法定代表人）
	RoleOperator            RepresentativeRole = "operator"             // 经营者（登记为个体工商户的家庭农场）
)

// Valid reports whether r is one of the offices.
func (r RepresentativeRole) Valid() bool {
	switch r {
	case RoleLegalRepresentative, RoleChair, RoleOperator:
		return true
	}
	return false
}

// suits reports whether an organisation of the kind is represented by the office.
func (r RepresentativeRole) suits(k Kind) bool {
	switch k {
	case KindCooperative:
		return r == RoleChair
	case KindSmallEnterprise:
		return r == RoleLegalRepresentative
	case KindFamilyFarm:
		return r == RoleLegalRepresentative || r == RoleOperator
	case KindFarmer, KindSoleProprietor:
		return false
	}
	return false
}

// Representative is who acts for an organisation (法定代表人、理事长). The zero value is absent.
type Representative struct {
	Name     Name
	IDNumber IDNumber
	Phone    Phone
	Role     RepresentativeRole
}

// Shareholder is who holds a share of an organisation (股东、成员出资人): a person or another organisation.
type Shareholder struct {
	Name       Name
	IDNumber   IDNumber   // of a person
	CreditCode CreditCode // of an organisation
	SharePct   money.Rate // above 0, at most 100
}

// Validate names all that is wrong with the shareholder, by the JSON names name, id_number, credit_code and share_pct.
func (s Shareholder) Validate() error {
	var p domain.Problems
	if s.Name.IsZero() {
		p.Check("/name", errRequired)
	}
	if s.IDNumber.IsZero() == s.CreditCode.IsZero() {
		p.Add("/id_number", "one-number", "身份证号码和统一社会信用代码须填写其中一项，且只填一项")
	}
	if s.SharePct.Sign() <= 0 || s.SharePct.Cmp(wholePct) > 0 {
		p.Add("/share_pct", "out-of-range", "出资比例应大于 0 且不超过 100")
	}
	return p.Err()
}

var wholePct = money.MustParseRate("100")

// Organisation is what is known of an organisation beyond what every borrower has. A person's is the zero value.
type Organisation struct {
	RegisteredOn   domain.Date // 成立日期
	Representative Representative
	Shareholders   []Shareholder // may be incomplete: the shares sum to at most 100 %
	Lands          []Land        // the base (基地) of a co-operative, for instance
	Livestock      []Livestock
	Crops          []Crop
	Figures        []YearFigures
}

// isZero reports whether nothing is known.
func (o Organisation) isZero() bool {
	return o.RegisteredOn.IsZero() && o.Representative == Representative{} && len(o.Shareholders) == 0 &&
		len(o.Lands) == 0 && len(o.Livestock) == 0 && len(o.Crops) == 0 && len(o.Figures) == 0
}

// SharePct returns what share the person holds; 0 when none is on record.
func (o Organisation) SharePct(number IDNumber) money.Rate {
	var share money.Rate
	for _, holder := range o.Shareholders {
		if !number.IsZero() && holder.IDNumber.Equal(number) {
			share = share.Add(holder.SharePct)
		}
	}
	return share
}

// LedWithMoreThan reports whether the person both represents the organisation and holds more than the share of it: some
// products are open to chairs who do (齐鲁富民贷: over 51 %).
func (o Organisation) LedWithMoreThan(number IDNumber, sharePct money.Rate) bool {
	return !number.IsZero() && o.Representative.IDNumber.Equal(number) && o.SharePct(number).Cmp(sharePct) > 0
}

// check records what is wrong with the organisation of a borrower of the kind, on the day of its record.
func (o Organisation) check(p *domain.Problems, pointer string, kind Kind, day domain.Date) {
	if !kind.IsOrganisation() {
		if !o.isZero() {
			p.Add(pointer, "not-for-this-kind", "个人借款人没有单位信息")
		}
		return
	}
	r := o.Representative
	if r.Name.IsZero() {
		p.Check(pointer+"/representative/name", errRequired)
	} else {
		p.Check(pointer+"/representative/name", r.Name.checkPerson())
	}
	switch {
	case r.IDNumber.IsZero():
		p.Check(pointer+"/representative/id_number", errRequired)
	case !day.IsZero():
		p.Check(pointer+"/representative/id_number", r.IDNumber.CheckBornBy(day))
	}
	requireValid(p, pointer+"/representative/role", string(r.Role), r.Role.Valid())
	if r.Role.Valid() && !r.Role.suits(kind) {
		p.Add(pointer+"/representative/role", "role-of-kind", "负责人职务与借款人类型不符：合作社为理事长，企业为法定代表人")
	}
	if !day.IsZero() && o.RegisteredOn.After(day) {
		p.Add(pointer+"/registered_on", "date-order", "成立日期不能晚于建档日")
	}
	o.checkShares(p, pointer+"/shareholders")
	checkProperty(p, pointer, o.Lands, o.Livestock, o.Crops, o.Figures)
}

func (o Organisation) checkShares(p *domain.Problems, pointer string) {
	checkList(p, pointer, o.Shareholders)
	checkUnique(p, pointer, "/id_number", o.Shareholders, func(s Shareholder) (IDNumber, bool) { return s.IDNumber, !s.IDNumber.IsZero() })
	checkUnique(p, pointer, "/credit_code", o.Shareholders, func(s Shareholder) (CreditCode, bool) { return s.CreditCode, !s.CreditCode.IsZero() })
	var sum money.Rate
	for _, holder := range o.Shareholders {
		sum = sum.Add(holder.SharePct)
	}
	if sum.Cmp(wholePct) > 0 {
		p.Add(pointer, "shares-over-whole", "出资比例合计超过 100%%，请核对")
	}
}
