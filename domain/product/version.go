package product

import (
	"fmt"
	"strings"
	"time"

	"fumin/domain"
	"fumin/domain/money"
	"fumin/domain/schedule"
)

// Status is where a version is in its life (版本状态). The zero value is invalid.
type Status string

// The statuses.
const (
	StatusDraft     Status = "draft"     // 草稿: its maker may still change it
	StatusValidated Status = "validated" // 已校验: free of contradictions, waits for the second person
	StatusActive    Status = "active"    // 已生效: never changes again
)

// Statuses lists every status in the order of a version's life.
func Statuses() []Status { return []Status{StatusDraft, StatusValidated, StatusActive} }

// Valid reports whether s is one of Statuses.
func (s Status) Valid() bool {
	switch s {
	case StatusDraft, StatusValidated, StatusActive:
		return true
	}
	return false
}

// Version is what a product's terms are in one region from one day on (产品版本). The same name has other numbers in the
// next county and the next month, so region and date are part of what a version is.
//
// A Version is always complete: one that was written as "like that one, but …" (Overridden) has had the other numbers
// copied in when it was drafted (Materialise), so a later change of its base never reaches it.
type Version struct {
	ID            domain.ID
	ProductCode   string
	RegionPrefix  string      // 行政区划代码前缀: 2, 4, 6, 9 or 12 digits; holds for every region that begins with it
	EffectiveFrom domain.Date // first day on which it holds
	EffectiveTo   domain.Date // first day on which it no longer holds; zero: until further notice
	Status        Status

	MadeBy      domain.ID // who drafted it; only this person edits the draft
	MadeAt      time.Time
	ActivatedBy domain.ID // the second person; never MadeBy
	ActivatedAt time.Time
	Revision    int // counts the stored changes of this row, for the optimistic lock

	BaseID     domain.ID  // the version this one was drafted from; zero: written in full
	Overridden []TermName // which terms differ from the base by intention

	Source  Source              // the document the terms come from, unless Sources says otherwise
	Sources map[TermName]Source // the document of single numbers

	Terms
}

// Source is where a number comes from (数据来源). Sample marks a plausible placeholder that a lender replaces.
type Source struct {
	Document string
	Sample   bool
}

// Terms are a version's numbers and lists. A zero amount, number or rate means "the product sets none", except where the
// field says otherwise.
type Terms struct {
	AmountMin money.Amount // 单户最低金额
	AmountMax money.Amount // 单户最高金额

	TermMonthsMin int // 最短期限 (months), at least 1
	TermMonthsMax int // 最长期限 (months)

	AgeMin         int // 最低年龄: completed years on the day of application
	AgePlusTermMax int // 年龄加期限上限: completed years the borrower may have on the last due date

	Price            Price
	RepaymentMethods []schedule.Method // 还款方式
	Guarantee        []GuaranteeTier   // 担保方式, by amount: contiguous, ascending
	Documents        []Document        // 申请资料, per borrower kind

	ForbiddenPurposes []string                 // 禁止用途: the Purpose… constants
	QuickApprovalMax  money.Amount             // 快速审批上限: above it a person decides; 0.00: a person always decides
	EntrustedPayment  []EntrustedPaymentAmount // 受托支付起点, by kind of purpose

	BusinessAgeMonthsMin    int        // 最短经营时间 (months)
	InterestSubsidySharePct money.Rate // 贴息比例: percent of the interest that the state pays
	SiteVisitRequired       bool       // 须实地调查

	CoolingOffHours     int  // 冷静期: hours after signing in which nothing is paid and the borrower may withdraw; 0: none
	CoolingOffWaivable  bool // the borrower may ask to be paid before it is over
	MemberSignaturesMin int  // 合作社成员签字: how many members of a co-operative sign beside its chair (成员大会决议); 0: none

	// PurposeEvidenceDays is how many days after a payment the borrower has to prove what the money was used for (用途凭证);
	// 0: PurposeEvidenceDaysDefault.
	PurposeEvidenceDays int

	DrawMin     money.Amount // 单次支用下限: the least of one draw from a line; 0.00: none
	DrawMax     money.Amount // 单次支用上限: the most of one draw from a line; 0.00: none but what is free
	RenewalDays int          // 无还本续贷: for how many days before a line's end it may be renewed without repaying; 0: not at all
}

// PurposeEvidenceDaysDefault is how many days the borrower has to prove the use of the money where the product says nothing else:
// configure to your compliance office's reading.
const PurposeEvidenceDaysDefault = 90

// EvidenceDays is how many days after a payment the proof of its use is due.
func (t Terms) EvidenceDays() int {
	if t.PurposeEvidenceDays == 0 {
		return PurposeEvidenceDaysDefault
	}
	return t.PurposeEvidenceDays
}

// EntrustedPaymentAmount is from where on the lender pays the seller itself (受托支付).
type EntrustedPaymentAmount struct {
	PurposeKind string       // production 生产经营, consumption 消费
	Above       money.Amount // a payment above this sum is entrusted; at this sum it may still be 自主支付
}

// The kinds of purpose (用途类别), which the entrusted-payment thresholds distinguish.
const (
	PurposeKindProduction  = "production"  // 生产经营
	PurposeKindConsumption = "consumption" // 消费
)

// The purposes a product may forbid (禁止用途).
const (
	PurposeLivingCosts     = "living_costs"              // 生活消费
	PurposeHouse           = "house"                     // 购房建房
	PurposeWealthProducts  = "wealth_products"           // 购买理财产品
	PurposeOnLending       = "on_lending"                // 转贷、民间借贷
	PurposeEquity          = "equity"                    // 股权投资、股票
	PurposeTransferToShell = "transfer_to_shell_company" // 转入空壳公司
)

// ForbiddablePurposes lists every purpose a product may forbid.
func ForbiddablePurposes() []string {
	return []string{
		PurposeLivingCosts, PurposeHouse, PurposeWealthProducts, PurposeOnLending, PurposeEquity, PurposeTransferToShell,
	}
}

// InForce reports whether the version holds on the day: active, begun and not ended.
func (v Version) InForce(on domain.Date) bool {
	return v.Status == StatusActive && !v.EffectiveFrom.After(on) && (v.EffectiveTo.IsZero() || v.EffectiveTo.After(on))
}

// CoversRegion reports whether the region code begins with the version's prefix.
func (v Version) CoversRegion(region string) bool {
	return v.RegionPrefix != "" && strings.HasPrefix(region, v.RegionPrefix)
}

// SourceOf returns the document a term comes from.
func (v Version) SourceOf(name TermName) Source {
	if s, ok := v.Sources[name]; ok {
		return s
	}
	return v.Source
}

// NeedsEntrustedPayment reports whether a payment of this sum must go to the seller (受托支付). A kind of purpose without
// a threshold needs none.
//
// The sum itself is still free: 个人贷款管理暂行办法 lets up to the sum be paid to the borrower. Lenders read the
// rule differently, so the number is a parameter: configure to your compliance office's reading.
func (t Terms) NeedsEntrustedPayment(purposeKind string, sum money.Amount) bool {
	for _, e := range t.EntrustedPayment {
		if e.PurposeKind == purposeKind {
			return sum.Cmp(e.Above) > 0
		}
	}
	return false
}

// AmountWithin reports whether the sum lies within the version's limits, both ends included.
func (t Terms) AmountWithin(sum money.Amount) bool {
	return sum.Cmp(t.AmountMin) >= 0 && sum.Cmp(t.AmountMax) <= 0
}

// TermWithin reports whether the term in months lies within the version's limits, both ends included.
func (t Terms) TermWithin(months int) bool {
	return months >= t.TermMonthsMin && months <= t.TermMonthsMax
}

func itemPointer(list string, i int) string { return fmt.Sprintf("%s/%d", list, i) }
