package product

import (
	"fmt"
	"slices"
	"strings"

	"fumin/domain"
	"fumin/domain/money"
)

// TermName names one of a version's terms; the same word stands in JSON.
type TermName string

// The terms.
const (
	TermAmountMin           TermName = "amount_min"
	TermAmountMax           TermName = "amount_max"
	TermTermMonthsMin       TermName = "term_months_min"
	TermTermMonthsMax       TermName = "term_months_max"
	TermAgeMin              TermName = "age_min"
	TermAgePlusTermMax      TermName = "age_plus_term_max"
	TermPrice               TermName = "price"
	TermReliefs             TermName = "reliefs"
	TermRepaymentMethods    TermName = "repayment_methods"
	TermGuarantee           TermName = "guarantee"
	TermGuaranteeFeeGrain   TermName = "guarantee_fee_grain"
	TermDocuments           TermName = "documents"
	TermForbiddenPurposes   TermName = "forbidden_purposes"
	TermQuickApprovalMax    TermName = "quick_approval_max"
	TermEntrustedPayment    TermName = "entrusted_payment"
	TermBusinessAgeMonths   TermName = "business_age_months_min"
	TermInterestSubsidyPct  TermName = "interest_subsidy_share_pct"
	TermSiteVisitRequired   TermName = "site_visit_required"
	TermCoolingOffHours     TermName = "cooling_off_hours"
	TermCoolingOffWaivable  TermName = "cooling_off_waivable"
	TermMemberSignatures    TermName = "member_signatures_min"
	TermPurposeEvidenceDays TermName = "purpose_evidence_days"
	TermDrawMin             TermName = "draw_min"
	TermDrawMax             TermName = "draw_max"
	TermRenewalDays         TermName = "renewal_without_repayment_days"
)

// The rows of a Diff that are not terms.
const (
	RowRegionPrefix  TermName = "region_prefix"
	RowEffectiveFrom TermName = "effective_from"
	RowEffectiveTo   TermName = "effective_to"
)

const (
	noneText       = "无"
	entrySeparator = "；"
)

// term is one row of the table that reading, comparing and overriding share, so that a term cannot be forgotten in one of
// them. lines gives the term in Chinese, a list one line an entry; every field of it must show, or Diff would miss it.
type term struct {
	name  TermName
	label string
	lines func(Terms) []string
	copy  func(to *Terms, from Terms)
}

// terms is in the order in which a person reads them.
var terms = []term{
	{
		TermAmountMin, "最低金额", func(t Terms) []string { return amountLine(t.AmountMin) },
		func(to *Terms, from Terms) { to.AmountMin = from.AmountMin },
	},
	{
		TermAmountMax, "最高金额", func(t Terms) []string { return amountLine(t.AmountMax) },
		func(to *Terms, from Terms) { to.AmountMax = from.AmountMax },
	},
	{
		TermTermMonthsMin, "最短期限", func(t Terms) []string { return numberLine(t.TermMonthsMin, "个月") },
		func(to *Terms, from Terms) { to.TermMonthsMin = from.TermMonthsMin },
	},
	{
		TermTermMonthsMax, "最长期限", func(t Terms) []string { return numberLine(t.TermMonthsMax, "个月") },
		func(to *Terms, from Terms) { to.TermMonthsMax = from.TermMonthsMax },
	},
	{
		TermAgeMin, "最低年龄", func(t Terms) []string { return numberLine(t.AgeMin, "周岁") },
		func(to *Terms, from Terms) { to.AgeMin = from.AgeMin },
	},
	{
		TermAgePlusTermMax, "年龄加期限上限（最后到期日年龄）", func(t Terms) []string { return numberLine(t.AgePlusTermMax, "周岁") },
		func(to *Terms, from Terms) { to.AgePlusTermMax = from.AgePlusTermMax },
	},
	{TermPrice, "年利率上限", func(t Terms) []string { return t.Price.lines() }, copyPrice},
	{
		TermReliefs, "减点优惠", reliefLines,
		func(to *Terms, from Terms) { to.Price.Reliefs = slices.Clone(from.Price.Reliefs) },
	},
	{
		TermRepaymentMethods, "还款方式", methodLines,
		func(to *Terms, from Terms) { to.RepaymentMethods = slices.Clone(from.RepaymentMethods) },
	},
	{TermGuarantee, "担保方式", guaranteeLines, copyGuarantee},
	{TermGuaranteeFeeGrain, "粮食类担保费率上限", grainFeeLines, copyGrainFees},
	{
		TermDocuments, "申请资料", documentLines,
		func(to *Terms, from Terms) { to.Documents = slices.Clone(from.Documents) },
	},
	{
		TermForbiddenPurposes, "禁止用途", purposeLines,
		func(to *Terms, from Terms) { to.ForbiddenPurposes = slices.Clone(from.ForbiddenPurposes) },
	},
	{
		TermQuickApprovalMax, "快速审批上限", func(t Terms) []string { return amountLine(t.QuickApprovalMax) },
		func(to *Terms, from Terms) { to.QuickApprovalMax = from.QuickApprovalMax },
	},
	{
		TermEntrustedPayment, "受托支付起点", entrustedLines,
		func(to *Terms, from Terms) { to.EntrustedPayment = slices.Clone(from.EntrustedPayment) },
	},
	{
		TermBusinessAgeMonths, "最短经营时间", func(t Terms) []string { return numberLine(t.BusinessAgeMonthsMin, "个月") },
		func(to *Terms, from Terms) { to.BusinessAgeMonthsMin = from.BusinessAgeMonthsMin },
	},
	{
		TermInterestSubsidyPct, "贴息比例", func(t Terms) []string { return rateLine(t.InterestSubsidySharePct) },
		func(to *Terms, from Terms) { to.InterestSubsidySharePct = from.InterestSubsidySharePct },
	},
	{
		TermSiteVisitRequired, "实地调查", func(t Terms) []string { return []string{requiredText(t.SiteVisitRequired)} },
		func(to *Terms, from Terms) { to.SiteVisitRequired = from.SiteVisitRequired },
	},
	{
		TermCoolingOffHours, "冷静期", func(t Terms) []string { return numberLine(t.CoolingOffHours, "小时") },
		func(to *Terms, from Terms) { to.CoolingOffHours = from.CoolingOffHours },
	},
	{
		TermCoolingOffWaivable, "借款人可放弃冷静期", func(t Terms) []string { return allowedLine(t.CoolingOffWaivable) },
		func(to *Terms, from Terms) { to.CoolingOffWaivable = from.CoolingOffWaivable },
	},
	{
		TermMemberSignatures, "合作社成员签字", func(t Terms) []string { return numberLine(t.MemberSignaturesMin, "人以上") },
		func(to *Terms, from Terms) { to.MemberSignaturesMin = from.MemberSignaturesMin },
	},
	{
		TermPurposeEvidenceDays, "用途凭证期限", func(t Terms) []string { return []string{fmt.Sprintf("放款后 %d 天内", t.EvidenceDays())} },
		func(to *Terms, from Terms) { to.PurposeEvidenceDays = from.PurposeEvidenceDays },
	},
	{
		TermDrawMin, "单次支用下限", func(t Terms) []string { return amountLineIfAny(t.DrawMin) },
		func(to *Terms, from Terms) { to.DrawMin = from.DrawMin },
	},
	{
		TermDrawMax, "单次支用上限", func(t Terms) []string { return amountLineIfAny(t.DrawMax) },
		func(to *Terms, from Terms) { to.DrawMax = from.DrawMax },
	},
	{
		TermRenewalDays, "无还本续贷", renewalLine,
		func(to *Terms, from Terms) { to.RenewalDays = from.RenewalDays },
	},
}

// TermNames lists every term in the order in which a person reads them.
func TermNames() []TermName {
	names := make([]TermName, len(terms))
	for i, t := range terms {
		names[i] = t.name
	}
	return names
}

// Valid reports whether n is one of TermNames.
func (n TermName) Valid() bool { return slices.Contains(TermNames(), n) }

// Row is one term as a person reads it (明白纸).
type Row struct {
	Name   TermName
	Label  string
	Text   string
	Source Source
}

// Rows returns every term in Chinese with the document it comes from. A term the product does not set has no source: no
// document is quoted for what it does not say.
func (v Version) Rows() []Row {
	rows := make([]Row, len(terms))
	for i, t := range terms {
		rows[i] = Row{Name: t.name, Label: t.label, Text: joined(t.lines(v.Terms))}
		if rows[i].Text != noneText {
			rows[i].Source = v.SourceOf(t.name)
		}
	}
	return rows
}

// Difference is one term that differs between two versions. In a list only the entries that differ are shown.
type Difference struct {
	Name     TermName
	Label    string
	Old, New string
	Source   Source // of the new text
}

// Diff returns what changes when newer takes older's place, readable by the person who activates it. Equal versions give
// none; the order of entries in a list is not a difference.
func Diff(older, newer Version) []Difference {
	var differences []Difference
	add := func(name TermName, label string, was, is []string, source Source) {
		gone, come := without(was, is), without(is, was)
		if len(gone) > 0 || len(come) > 0 {
			differences = append(differences, Difference{name, label, joined(gone), joined(come), source})
		}
	}
	add(RowRegionPrefix, "适用地区（行政区划代码前缀）", []string{older.RegionPrefix}, []string{newer.RegionPrefix}, newer.Source)
	add(RowEffectiveFrom, "生效日期", []string{dateText(older.EffectiveFrom)}, []string{dateText(newer.EffectiveFrom)}, newer.Source)
	add(RowEffectiveTo, "截止日期（不含当日）", []string{dateText(older.EffectiveTo)}, []string{dateText(newer.EffectiveTo)}, newer.Source)
	for _, t := range terms {
		add(t.name, t.label, t.lines(older.Terms), t.lines(newer.Terms), newer.SourceOf(t.name))
	}
	return differences
}

// without returns the lines of a that are not in b, each as often as it is left over.
func without(a, b []string) []string {
	left := slices.Clone(b)
	var only []string
	for _, line := range a {
		if i := slices.Index(left, line); i >= 0 {
			left = slices.Delete(left, i, i+1)
			continue
		}
		only = append(only, line)
	}
	return only
}

func joined(lines []string) string {
	if len(lines) == 0 {
		return noneText
	}
	return strings.Join(lines, entrySeparator)
}

// Materialise completes a draft that is written as "like base, but …": every term that is not in draft.Overridden is copied
// from base with the document it came from, and BaseID remembers the base. What comes back is a full version: a later
// version in the base's region does not reach it.
func Materialise(draft, base Version) Version {
	full := draft
	full.BaseID = base.ID
	full.Overridden = slices.Clone(draft.Overridden)
	full.Terms = Terms{}
	full.Sources = make(map[TermName]Source, len(terms))
	for _, t := range terms {
		from := base
		if slices.Contains(draft.Overridden, t.name) {
			from = draft
		}
		t.copy(&full.Terms, from.Terms)
		full.Sources[t.name] = from.SourceOf(t.name)
	}
	return full
}

func copyPrice(to *Terms, from Terms) {
	reliefs := to.Price.Reliefs // a term of its own
	to.Price = from.Price
	to.Price.Reliefs = reliefs
}

// copyGuarantee copies the tiers without the grain fees, which are a term of their own with a source of their own.
func copyGuarantee(to *Terms, from Terms) {
	to.Guarantee = slices.Clone(from.Guarantee)
	for i := range to.Guarantee {
		to.Guarantee[i].FeeMaxGrainPct = money.Rate{}
	}
}

// copyGrainFees copies the grain fee of each tier that begins at the same amount. It follows copyGuarantee in the table.
func copyGrainFees(to *Terms, from Terms) {
	for i, tier := range to.Guarantee {
		for _, f := range from.Guarantee {
			if f.From.Equal(tier.From) && f.Kind == tier.Kind {
				to.Guarantee[i].FeeMaxGrainPct = f.FeeMaxGrainPct
			}
		}
	}
}

func amountLine(a money.Amount) []string { return []string{a.Grouped() + " 元"} }

func amountLineIfAny(a money.Amount) []string {
	if a.IsZero() {
		return []string{noneText}
	}
	return amountLine(a)
}

func renewalLine(t Terms) []string {
	if t.RenewalDays == 0 {
		return []string{noneText}
	}
	return []string{fmt.Sprintf("到期前 %d 天内可以申请", t.RenewalDays)}
}

func rateLine(r money.Rate) []string {
	if r.IsZero() {
		return []string{noneText}
	}
	return []string{r.String() + "%"}
}

func numberLine(n int, unit string) []string {
	if n == 0 {
		return []string{noneText}
	}
	return []string{fmt.Sprintf("%d %s", n, unit)}
}

func dateText(d domain.Date) string {
	if d.IsZero() {
		return "长期"
	}
	return d.String()
}

func allowedLine(allowed bool) []string {
	if allowed {
		return []string{"可以"}
	}
	return []string{noneText}
}

func requiredText(required bool) string {
	if required {
		return "必须"
	}
	return "不要求"
}

func (p Price) lines() []string {
	var base string
	switch p.Base {
	case BaseLPR1Y:
		base = "合同签订日一年期 LPR"
	case BaseLPR5Y:
		base = "合同签订日五年期以上 LPR"
	case BaseFixed:
		base = "固定利率"
	}
	if !p.FixedPct.IsZero() || p.Base == BaseFixed {
		base += " " + p.FixedPct.String() + "%"
	}
	lines := []string{fmt.Sprintf("%s %+d 个基点以内", base, p.SpreadBPMax)}
	if !p.AnnualRateMaxPct.IsZero() {
		lines = append(lines, "最高不超过 "+p.AnnualRateMaxPct.String()+"%")
	}
	return lines
}

func reliefLines(t Terms) []string {
	lines := make([]string, len(t.Price.Reliefs))
	for i, r := range t.Price.Reliefs {
		lines[i] = fmt.Sprintf("%s：少加 %d 个基点", Label(r.Industry), r.SpreadBPLess)
	}
	return lines
}

func methodLines(t Terms) []string {
	lines := make([]string, len(t.RepaymentMethods))
	for i, m := range t.RepaymentMethods {
		lines[i] = Label(string(m))
	}
	return lines
}

func guaranteeLines(t Terms) []string {
	lines := make([]string, len(t.Guarantee))
	for i, g := range t.Guarantee {
		line := g.rangeText() + "：" + Label(string(g.Kind))
		if !g.FeeMaxPct.IsZero() {
			line += "，担保费率每年不超过 " + g.FeeMaxPct.String() + "%"
		}
		if !g.CounterSpouseUpTo.IsZero() {
			line += "，" + g.CounterSpouseUpTo.Grouped() + " 元及以下可由配偶反担保"
		}
		lines[i] = line
	}
	return lines
}

func (g GuaranteeTier) rangeText() string {
	switch {
	case g.From.IsZero() && g.Below.IsZero():
		return "不限金额"
	case g.From.IsZero():
		return g.Below.Grouped() + " 元以下（不含）"
	case g.Below.IsZero():
		return g.From.Grouped() + " 元起"
	}
	return g.From.Grouped() + " 元起、" + g.Below.Grouped() + " 元以下（不含）"
}

func grainFeeLines(t Terms) []string {
	var lines []string
	for _, g := range t.Guarantee {
		if !g.FeeMaxGrainPct.IsZero() {
			lines = append(lines, g.rangeText()+"：每年不超过 "+g.FeeMaxGrainPct.String()+"%")
		}
	}
	return lines
}

func documentLines(t Terms) []string {
	lines := make([]string, len(t.Documents))
	for i, d := range t.Documents {
		line := Label(d.BorrowerKind) + "：" + Label(d.Type)
		if d.Key {
			line += "（必备）"
		} else {
			line += fmt.Sprintf("（可容缺 %d 天）", d.DeferDaysMax)
		}
		if d.Blocks != "" {
			line += "，未补齐前不得" + Label(d.Blocks)
		}
		if d.Expires {
			line += "，须在有效期内"
		}
		if d.Sample {
			line += "［示例］"
		}
		lines[i] = line
	}
	return lines
}

func purposeLines(t Terms) []string {
	lines := make([]string, len(t.ForbiddenPurposes))
	for i, p := range t.ForbiddenPurposes {
		lines[i] = Label(p)
	}
	return lines
}

func entrustedLines(t Terms) []string {
	lines := make([]string, len(t.EntrustedPayment))
	for i, e := range t.EntrustedPayment {
		lines[i] = fmt.Sprintf("%s：超过 %s 元", Label(e.PurposeKind), e.Above.Grouped())
	}
	return lines
}
