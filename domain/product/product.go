// Package product owns what the lender offers: products (贷款产品), their versions by region and date (产品版本), price
// against the published reference rates (LPR), guarantee tiers, documents and the age rule.
//
// It owns meaning and arithmetic only: pure functions of their arguments, no clock, no ids, no storage. It does not own
// repayment schedules (domain/schedule) or decisions (domain/decision).
package product

import (
	"slices"
	"unicode/utf8"

	"fumin/domain"
)

// Limits of what a catalogue may hold, so that every loop over it has a bound.
const (
	CodeLengthMax   = 32  // ASCII characters of a product code
	NameLengthMax   = 60  // characters of a product name
	TermMonthsCap   = 600 // no product runs longer than 50 years
	AgeCap          = 120 // an age limit above this is a typing error
	ListLengthMax   = 100 // tiers, documents, purposes, reliefs, methods
	TextLengthMax   = 500 // characters of a source or a reason
	SpreadBPCap     = 5000
	VersionsMax     = 2000 // versions of one product that Validate and Resolve look at
	DeferDaysCap    = 365
	BusinessAgeCap  = 1200 // months
	CoolingOffCap   = 720  // hours: thirty days
	MembersCap      = 50   // signatures of members
	EvidenceDaysCap = 366  // after a payment
	RenewalDaysCap  = 366  // before a line's end
)

// Product is a loan product (贷款产品): what does not depend on place and date. What does is in its Versions.
type Product struct {
	Code          string       // 产品代码, upper-case letters and digits: "QLFMD"
	Name          string       // 产品名称: "齐鲁富民贷"
	BorrowerKinds []string     // who may apply: the Borrower… constants
	ExposureUnit  ExposureUnit // whose debts are added up against a limit
	Revolving     bool         // 循环额度: what is repaid may be drawn again
	Channels      []Channel    // through which it may be applied for
	Partners      []Partner    // who else has a part in each case
	Sample        bool         // true: a plausible placeholder that a lender replaces
}

// The kinds of borrower (借款人类别) the catalogue speaks of. family_farm_owner and cooperative_chair are people who
// qualify through what they run; cooperative and small_enterprise are organisations.
const (
	BorrowerFarmer           = "farmer"            // 农户
	BorrowerFamilyFarmOwner  = "family_farm_owner" // 家庭农场主
	BorrowerCooperativeChair = "cooperative_chair" // 农民专业合作社理事长
	BorrowerSoleProprietor   = "sole_proprietor"   // 个体工商户
	BorrowerSmallEnterprise  = "small_enterprise"  // 小微企业
	BorrowerCooperative      = "cooperative"       // 农民专业合作社
)

// BorrowerKinds lists every kind of borrower a product may name.
func BorrowerKinds() []string {
	return []string{
		BorrowerFarmer, BorrowerFamilyFarmOwner, BorrowerCooperativeChair,
		BorrowerSoleProprietor, BorrowerSmallEnterprise, BorrowerCooperative,
	}
}

// ExposureUnit is whose debts are added up against a limit (授信额度的合计单位).
type ExposureUnit string

// The exposure units.
const (
	ExposureHousehold ExposureUnit = "household" // 按户
	ExposureBorrower  ExposureUnit = "borrower"  // 按借款人
)

// Valid reports whether u is one of the constants.
func (u ExposureUnit) Valid() bool { return u == ExposureHousehold || u == ExposureBorrower }

// Channel is a way in which a product may be applied for (申请渠道).
type Channel string

// The channels.
const (
	ChannelTablet        Channel = "tablet"         // 移动展业平板
	ChannelMobile        Channel = "mobile"         // 手机银行
	ChannelCounter       Channel = "counter"        // 柜面
	ChannelPhoneAssisted Channel = "phone_assisted" // 电话帮办
)

// Valid reports whether c is one of the constants.
func (c Channel) Valid() bool {
	switch c {
	case ChannelTablet, ChannelMobile, ChannelCounter, ChannelPhoneAssisted:
		return true
	}
	return false
}

// Partner is an institution with a part of its own in each case of a product (合作机构).
type Partner string

// The partners.
const (
	PartnerGuaranteeCompany          Partner = "agricultural_guarantee_company" // 农担公司
	PartnerRuralRevitalisationBureau Partner = "rural_revitalisation_bureau"    // 乡村振兴局
)

// Valid reports whether p is one of the constants.
func (p Partner) Valid() bool {
	return p == PartnerGuaranteeCompany || p == PartnerRuralRevitalisationBureau
}

// HasPartner reports whether partner has a part in this product: the bureau, for one, confirms who is on its list.
func (p Product) HasPartner(partner Partner) bool { return slices.Contains(p.Partners, partner) }

// Allows reports whether a borrower of this kind may apply.
func (p Product) Allows(borrowerKind string) bool {
	return slices.Contains(p.BorrowerKinds, borrowerKind)
}

// Validate names everything that is wrong with the product, each at its field (422).
func (p Product) Validate() error {
	var problems domain.Problems
	if !validCode(p.Code) {
		problems.Add("/code", "invalid-product-code", "产品代码应为 1 至 %d 位大写字母或数字，以字母开头", CodeLengthMax)
	}
	if n := utf8.RuneCountInString(p.Name); n < 1 || n > NameLengthMax {
		problems.Add("/name", "invalid-length", "产品名称应为 1 至 %d 个字", NameLengthMax)
	}
	checkList(&problems, "/borrower_kinds", p.BorrowerKinds, func(k string) bool { return slices.Contains(BorrowerKinds(), k) })
	checkList(&problems, "/channels", p.Channels, Channel.Valid)
	if len(p.Partners) > 0 {
		checkList(&problems, "/partners", p.Partners, Partner.Valid)
	}
	if !p.ExposureUnit.Valid() {
		problems.Add("/exposure_unit", "invalid-enum", "额度合计单位应为 household（按户）或 borrower（按借款人）")
	}
	return problems.Err()
}

// checkList wants a list with entries, each of them known and named once.
func checkList[T comparable](problems *domain.Problems, pointer string, list []T, valid func(T) bool) {
	if len(list) == 0 {
		problems.Add(pointer, "required", "至少应有一项")
		return
	}
	if len(list) > ListLengthMax {
		problems.Add(pointer, "too-many", "最多 %d 项", ListLengthMax)
		return
	}
	for i, entry := range list {
		at := itemPointer(pointer, i)
		if !valid(entry) {
			problems.Add(at, "invalid-enum", "“%v”不是已知的取值", entry)
		}
		if slices.Contains(list[:i], entry) {
			problems.Add(at, "duplicate", "“%v”重复", entry)
		}
	}
}

func validCode(code string) bool {
	if code == "" || len(code) > CodeLengthMax || code[0] < 'A' || code[0] > 'Z' {
		return false
	}
	for i := range len(code) {
		if c := code[i]; (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}
