package product

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"fumin/domain"
	"fumin/domain/money"
	"fumin/domain/schedule"
)

// Validate names every contradiction of a version at once (422, each at its field): within itself, with its product, and
// with the product's other versions on the calendar. Drafts among others count for nothing.
//
// today matters for gaps only: days that have passed cannot be filled any more.
func Validate(v Version, p Product, others []Version, today domain.Date) error {
	var problems domain.Problems
	problems.Check("", v.Validate())
	if v.ProductCode != p.Code {
		problems.Add("/product_code", "wrong-product", "版本属于产品 %s，不是 %s", v.ProductCode, p.Code)
	}
	for _, kind := range p.BorrowerKinds {
		checkDocumentsOf(&problems, v.Terms, kind)
	}
	for i, d := range v.Documents {
		if !p.Allows(d.BorrowerKind) {
			problems.Add(itemPointer("/documents", i)+"/borrower_kind", "borrower-kind-not-allowed", "本产品不面向“%s”", Label(d.BorrowerKind))
		}
	}
	checkCalendar(&problems, v, others, today)
	return problems.Err()
}

// Validate names every contradiction within the version itself.
func (v Version) Validate() error {
	var problems domain.Problems
	if v.ID.IsZero() {
		problems.Add("/id", "required", "缺少版本标识")
	}
	if !v.Status.Valid() {
		problems.Add("/status", "invalid-enum", "未知的版本状态")
	}
	if v.MadeBy.IsZero() {
		problems.Add("/made_by", "required", "缺少制作人")
	}
	if !ValidRegionPrefix(v.RegionPrefix) {
		problems.Add("/region_prefix", "invalid-region", "应为 2、4、6、9 或 12 位行政区划代码")
	}
	if v.EffectiveFrom.IsZero() {
		problems.Add("/effective_from", "required", "请填写生效日期")
	}
	if !v.EffectiveTo.IsZero() && !v.EffectiveTo.After(v.EffectiveFrom) {
		problems.Add("/effective_to", "before-start", "截止日期应晚于生效日期")
	}
	checkSources(&problems, v)
	v.checkAmounts(&problems)
	v.checkTermAndAges(&problems)
	v.Price.check(&problems)
	checkList(&problems, "/repayment_methods", v.RepaymentMethods, schedule.Method.Valid)
	v.checkGuarantee(&problems)
	v.checkDocuments(&problems)
	if len(v.ForbiddenPurposes) > 0 {
		checkList(&problems, "/forbidden_purposes", v.ForbiddenPurposes, func(p string) bool { return slices.Contains(ForbiddablePurposes(), p) })
	}
	v.checkEntrustedPayment(&problems)
	return problems.Err()
}

// ValidRegionPrefix reports whether s has the length and characters of an administrative code: province 2, city 4, county
// 6 (GB/T 2260), township 9, village 12 (统计用区划代码).
func ValidRegionPrefix(s string) bool {
	switch len(s) {
	case 2, 4, 6, 9, 12:
	default:
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s[0] != '0'
}

func checkSources(problems *domain.Problems, v Version) {
	named := func(s Source) bool {
		n := utf8.RuneCountInString(s.Document)
		return n > 0 && n <= TextLengthMax
	}
	if !named(v.Source) {
		problems.Add("/source", "required", "请写明数据来源文件（1 至 %d 个字）", TextLengthMax)
	}
	for _, name := range TermNames() { // in order, so that the answer is the same each time
		if s, ok := v.Sources[name]; ok && !named(s) {
			problems.Add("/sources/"+string(name), "required", "请写明数据来源文件（1 至 %d 个字）", TextLengthMax)
		}
	}
	if len(v.Sources) > len(terms) {
		problems.Add("/sources", "too-many", "数据来源多于条款")
	}
	for _, name := range v.Overridden {
		if !name.Valid() {
			problems.Add("/overridden", "invalid-enum", "“%s”不是已知的条款", name)
		}
	}
	if v.BaseID.IsZero() && len(v.Overridden) > 0 {
		problems.Add("/base_id", "required", "列出了与基准版本的差异，却没有写明基准版本")
	}
}

func (t Terms) checkAmounts(problems *domain.Problems) {
	if t.AmountMin.Sign() <= 0 {
		problems.Add("/amount_min", "not-positive", "最低金额应大于零")
	}
	if t.AmountMax.Cmp(t.AmountMin) < 0 {
		problems.Add("/amount_max", "max-below-min", "最高金额 %s 元低于最低金额 %s 元", t.AmountMax.Grouped(), t.AmountMin.Grouped())
	}
	switch {
	case t.QuickApprovalMax.Sign() < 0:
		problems.Add("/quick_approval_max", "negative", "快速审批上限不能为负；0.00 表示全部由人审批")
	case t.QuickApprovalMax.Sign() > 0 && t.QuickApprovalMax.Cmp(t.AmountMin) < 0:
		problems.Add("/quick_approval_max", "below-amount-min", "快速审批上限低于最低金额，没有申请能走快速审批；如确需如此请填 0.00")
	case t.QuickApprovalMax.Cmp(t.AmountMax) > 0:
		problems.Add("/quick_approval_max", "above-amount-max", "快速审批上限高于最高金额")
	}
	if t.InterestSubsidySharePct.Sign() < 0 || t.InterestSubsidySharePct.Cmp(money.BasisPoints(10000)) > 0 {
		problems.Add("/interest_subsidy_share_pct", "out-of-range", "贴息比例应在 0 至 100 之间")
	}
}

func (t Terms) checkTermAndAges(problems *domain.Problems) {
	if t.TermMonthsMin < 1 || t.TermMonthsMin > TermMonthsCap {
		problems.Add("/term_months_min", "out-of-range", "最短期限应为 1 至 %d 个月", TermMonthsCap)
	}
	if t.TermMonthsMax < t.TermMonthsMin {
		problems.Add("/term_months_max", "max-below-min", "最长期限 %d 个月低于最短期限 %d 个月", t.TermMonthsMax, t.TermMonthsMin)
	}
	if t.TermMonthsMax > TermMonthsCap {
		problems.Add("/term_months_max", "out-of-range", "最长期限不能超过 %d 个月", TermMonthsCap)
	}
	if t.AgeMin < 0 || t.AgeMin > AgeCap {
		problems.Add("/age_min", "out-of-range", "最低年龄应为 0 至 %d 周岁；0 表示不限", AgeCap)
	}
	if t.AgePlusTermMax < 0 || t.AgePlusTermMax > AgeCap {
		problems.Add("/age_plus_term_max", "out-of-range", "年龄加期限上限应为 0 至 %d 周岁；0 表示不限", AgeCap)
	}
	if t.AgePlusTermMax > 0 && t.AgePlusTermMax < t.AgeMin {
		problems.Add("/age_plus_term_max", "max-below-min", "年龄加期限上限 %d 低于最低年龄 %d，没有人能借款", t.AgePlusTermMax, t.AgeMin)
	}
	if t.BusinessAgeMonthsMin < 0 || t.BusinessAgeMonthsMin > BusinessAgeCap {
		problems.Add("/business_age_months_min", "out-of-range", "最短经营时间应为 0 至 %d 个月", BusinessAgeCap)
	}
	t.checkSigning(problems)
	t.checkLine(problems)
}

// checkSigning looks at what holds when and after a contract is signed.
func (t Terms) checkSigning(problems *domain.Problems) {
	if t.CoolingOffHours < 0 || t.CoolingOffHours > CoolingOffCap {
		problems.Add("/cooling_off_hours", "out-of-range", "冷静期应为 0 至 %d 小时；0 表示没有", CoolingOffCap)
	}
	if t.CoolingOffWaivable && t.CoolingOffHours == 0 {
		problems.Add("/cooling_off_waivable", "contradiction", "没有冷静期，也就无从放弃：请填写冷静期小时数，或去掉这一项")
	}
	if t.MemberSignaturesMin < 0 || t.MemberSignaturesMin > MembersCap {
		problems.Add("/member_signatures_min", "out-of-range", "合作社成员签字人数应为 0 至 %d 人；0 表示不要求", MembersCap)
	}
	if t.PurposeEvidenceDays < 0 || t.PurposeEvidenceDays > EvidenceDaysCap {
		problems.Add("/purpose_evidence_days", "out-of-range", "用途凭证期限应为 0 至 %d 天；0 表示按 %d 天", EvidenceDaysCap, PurposeEvidenceDaysDefault)
	}
}

// checkLine looks at what holds for a line under a signed contract.
func (t Terms) checkLine(problems *domain.Problems) {
	if t.DrawMin.Sign() < 0 || t.DrawMin.Cmp(t.AmountMax) > 0 {
		problems.Add("/draw_min", "out-of-range", "单次支用下限应为 0.00 至最高金额 %s 元；0.00 表示不设", t.AmountMax.Grouped())
	}
	if t.DrawMax.Sign() < 0 {
		problems.Add("/draw_max", "negative", "单次支用上限不能为负；0.00 表示不设")
	}
	if t.DrawMax.Sign() > 0 && t.DrawMax.Cmp(t.DrawMin) < 0 {
		problems.Add("/draw_max", "max-below-min", "单次支用上限 %s 元低于单次支用下限 %s 元，没有一笔能支用", t.DrawMax.Grouped(), t.DrawMin.Grouped())
	}
	if t.RenewalDays < 0 || t.RenewalDays > RenewalDaysCap {
		problems.Add("/renewal_without_repayment_days", "out-of-range", "无还本续贷应为到期前 0 至 %d 天；0 表示不办理", RenewalDaysCap)
	}
}

func (p Price) check(problems *domain.Problems) {
	if !p.Base.Valid() {
		problems.Add("/price/base", "invalid-enum", "定价基准应为 lpr_1y、lpr_5y 或 fixed")
	}
	if p.Base == BaseFixed && p.FixedPct.Sign() <= 0 {
		problems.Add("/price/fixed_pct", "required", "固定利率应大于零")
	}
	if p.Base != BaseFixed && !p.FixedPct.IsZero() {
		problems.Add("/price/fixed_pct", "not-allowed", "以 LPR 定价时不填固定利率")
	}
	if p.SpreadBPMax < -SpreadBPCap || p.SpreadBPMax > SpreadBPCap {
		problems.Add("/price/spread_bp_max", "out-of-range", "加点应在 ±%d 个基点之间", SpreadBPCap)
	}
	if p.AnnualRateMaxPct.Sign() < 0 {
		problems.Add("/price/annual_rate_max_pct", "negative", "利率绝对上限不能为负；0 表示不设")
	}
	if len(p.Reliefs) > ListLengthMax {
		problems.Add("/price/reliefs", "too-many", "最多 %d 项", ListLengthMax)
		return
	}
	for i, r := range p.Reliefs {
		at := itemPointer("/price/reliefs", i)
		if r.Industry == "" || len(r.Industry) > CodeLengthMax {
			problems.Add(at+"/industry", "required", "请填写行业代码（1 至 %d 个字符）", CodeLengthMax)
		}
		if r.SpreadBPLess <= 0 || r.SpreadBPLess > SpreadBPCap {
			problems.Add(at+"/spread_bp_less", "out-of-range", "减点应为 1 至 %d 个基点", SpreadBPCap)
		}
		if slices.ContainsFunc(p.Reliefs[:i], func(o Relief) bool { return o.Industry == r.Industry }) {
			problems.Add(at+"/industry", "duplicate", "行业“%s”重复", Label(r.Industry))
		}
	}
}

// checkGuarantee wants the tiers to cover every amount the product lends exactly once.
func (t Terms) checkGuarantee(problems *domain.Problems) {
	if len(t.Guarantee) == 0 {
		problems.Add("/guarantee", "required", "至少应有一档担保方式；无需担保请填信用")
		return
	}
	if len(t.Guarantee) > ListLengthMax {
		problems.Add("/guarantee", "too-many", "最多 %d 档", ListLengthMax)
		return
	}
	if first := t.Guarantee[0]; first.From.Cmp(t.AmountMin) > 0 {
		problems.Add("/guarantee/0/from", "tier-hole", "%s 元至 %s 元没有担保方式", t.AmountMin.Grouped(), first.From.Grouped())
	}
	for i, tier := range t.Guarantee {
		at := itemPointer("/guarantee", i)
		tier.check(problems, at)
		if i == len(t.Guarantee)-1 {
			if !tier.Below.IsZero() && tier.Below.Cmp(t.AmountMax) <= 0 {
				problems.Add(at+"/below", "tier-hole", "%s 元至最高金额 %s 元没有担保方式", tier.Below.Grouped(), t.AmountMax.Grouped())
			}
			break
		}
		next := t.Guarantee[i+1]
		switch order := tier.Below.Cmp(next.From); {
		case tier.Below.IsZero():
			problems.Add(at+"/below", "tier-overlap", "只有最后一档可以不设上限")
		case order < 0:
			problems.Add(at+"/below", "tier-hole", "%s 元至 %s 元没有担保方式", tier.Below.Grouped(), next.From.Grouped())
		case order > 0:
			problems.Add(at+"/below", "tier-overlap", "%s 元至 %s 元有两档担保方式", next.From.Grouped(), tier.Below.Grouped())
		}
	}
}

func (g GuaranteeTier) check(problems *domain.Problems, at string) {
	if !g.Kind.Valid() {
		problems.Add(at+"/kind", "invalid-enum", "担保方式应为 credit（信用）或 guarantee_company（农担公司）")
	}
	if g.From.Sign() < 0 {
		problems.Add(at+"/from", "negative", "起点金额不能为负")
	}
	if !g.Below.IsZero() && g.Below.Cmp(g.From) <= 0 {
		problems.Add(at+"/below", "max-below-min", "本档上限 %s 元不高于起点 %s 元", g.Below.Grouped(), g.From.Grouped())
	}
	if g.FeeMaxPct.Sign() < 0 || g.FeeMaxGrainPct.Sign() < 0 || g.CounterSpouseUpTo.Sign() < 0 {
		problems.Add(at, "negative", "担保费率和反担保金额不能为负")
	}
	if g.FeeMaxGrainPct.Cmp(g.FeeMaxPct) > 0 {
		problems.Add(at+"/fee_max_grain_pct", "max-below-min", "粮食类担保费率上限高于一般上限")
	}
	if g.Kind == GuaranteeCredit && (!g.FeeMaxPct.IsZero() || !g.FeeMaxGrainPct.IsZero() || !g.CounterSpouseUpTo.IsZero()) {
		problems.Add(at, "not-allowed", "信用档不收担保费，也不要求反担保")
	}
	if !g.CounterSpouseUpTo.IsZero() && g.CounterSpouseUpTo.Cmp(g.From) < 0 {
		problems.Add(at+"/counter_spouse_up_to", "max-below-min", "配偶反担保上限低于本档起点，永远用不到")
	}
}

func (t Terms) checkDocuments(problems *domain.Problems) {
	if len(t.Documents) > ListLengthMax {
		problems.Add("/documents", "too-many", "最多 %d 项", ListLengthMax)
		return
	}
	for i, d := range t.Documents {
		at := itemPointer("/documents", i)
		if !slices.Contains(DocumentTypes(), d.Type) {
			problems.Add(at+"/type", "invalid-enum", "“%s”不是已知的资料类型", d.Type)
		}
		if !slices.Contains(BorrowerKinds(), d.BorrowerKind) {
			problems.Add(at+"/borrower_kind", "invalid-enum", "“%s”不是已知的借款人类别", d.BorrowerKind)
		}
		switch {
		case d.Key && (d.DeferDaysMax != 0 || d.Blocks != ""):
			problems.Add(at+"/defer_days_max", "not-allowed", "必备资料不能容缺")
		case !d.Key && (d.DeferDaysMax < 1 || d.DeferDaysMax > DeferDaysCap):
			problems.Add(at+"/defer_days_max", "out-of-range", "可容缺资料的补交期限应为 1 至 %d 天", DeferDaysCap)
		}
		if d.Blocks != "" && d.Blocks != BlocksNextDraw && d.Blocks != BlocksDisbursement {
			problems.Add(at+"/blocks", "invalid-enum", "应为 next_draw（再次支用）或 disbursement（放款）")
		}
		if slices.ContainsFunc(t.Documents[:i], func(o Document) bool { return o.BorrowerKind == d.BorrowerKind && o.Type == d.Type }) {
			problems.Add(at+"/type", "duplicate", "“%s”的“%s”重复", Label(d.BorrowerKind), Label(d.Type))
		}
	}
}

// checkDocumentsOf wants a list for every kind of borrower, with the consent without which nobody may ask the credit bureau.
func checkDocumentsOf(problems *domain.Problems, t Terms, borrowerKind string) {
	documents := t.DocumentsFor(borrowerKind)
	if len(documents) == 0 {
		problems.Add("/documents", "documents-missing", "没有规定“%s”需要的申请资料", Label(borrowerKind))
		return
	}
	if !slices.ContainsFunc(documents, func(d Document) bool { return d.Type == DocumentCreditEnquiryConsent && d.Key }) {
		problems.Add("/documents", "consent-missing", "“%s”的必备资料中缺少征信查询授权书", Label(borrowerKind))
	}
}

func (t Terms) checkEntrustedPayment(problems *domain.Problems) {
	if len(t.EntrustedPayment) > ListLengthMax {
		problems.Add("/entrusted_payment", "too-many", "最多 %d 项", ListLengthMax)
		return
	}
	for i, e := range t.EntrustedPayment {
		at := itemPointer("/entrusted_payment", i)
		if e.PurposeKind != PurposeKindProduction && e.PurposeKind != PurposeKindConsumption {
			problems.Add(at+"/purpose_kind", "invalid-enum", "用途类别应为 production（生产经营）或 consumption（消费）")
		}
		if e.Above.Sign() < 0 {
			problems.Add(at+"/above", "negative", "受托支付起点不能为负；0.00 表示全部受托支付")
		}
		if slices.ContainsFunc(t.EntrustedPayment[:i], func(o EntrustedPaymentAmount) bool { return o.PurposeKind == e.PurposeKind }) {
			problems.Add(at+"/purpose_kind", "duplicate", "用途类别“%s”重复", Label(e.PurposeKind))
		}
	}
}

// checkCalendar looks for overlaps and gaps with the active versions of the same product and region prefix. A version with
// another prefix is no neighbour: the longer prefix wins by rule, not by mistake.
func checkCalendar(problems *domain.Problems, v Version, others []Version, today domain.Date) {
	if len(others) > VersionsMax {
		problems.Add("", "too-many", "版本过多，最多核对 %d 个", VersionsMax)
		return
	}
	before, after := neighbours(v, others)
	if before != nil && !before.EffectiveTo.IsZero() && before.EffectiveTo.Before(v.EffectiveFrom) && !before.EffectiveTo.Before(today) {
		problems.Add("/effective_from", "version-gap", "前一版本止于 %s（不含），到 %s 之间没有版本；请将生效日期设为 %s",
			before.EffectiveTo, v.EffectiveFrom, before.EffectiveTo)
	}
	if after == nil {
		return
	}
	switch {
	case after.EffectiveFrom == v.EffectiveFrom:
		problems.Add("/effective_from", "version-overlap", "%s 起已有一个生效版本，请另选生效日期", after.EffectiveFrom)
	case v.EffectiveTo.IsZero() || v.EffectiveTo.After(after.EffectiveFrom):
		problems.Add("/effective_to", "version-overlap", "%s 起已有一个生效版本，请将截止日期设为这一天", after.EffectiveFrom)
	case v.EffectiveTo.Before(after.EffectiveFrom):
		problems.Add("/effective_to", "version-gap", "本版本止于 %s（不含），到下一版本 %s 之间没有版本；请将截止日期设为 %s",
			v.EffectiveTo, after.EffectiveFrom, after.EffectiveFrom)
	}
}

// neighbours returns the active versions of v's product and prefix that begin last before v and first on or after v.
func neighbours(v Version, others []Version) (before, after *Version) {
	for i := range others {
		o := &others[i]
		if o.ID == v.ID || o.Status != StatusActive || o.ProductCode != v.ProductCode || o.RegionPrefix != v.RegionPrefix {
			continue
		}
		switch {
		case o.EffectiveFrom.Before(v.EffectiveFrom):
			if before == nil || o.EffectiveFrom.After(before.EffectiveFrom) {
				before = o
			}
		case after == nil || o.EffectiveFrom.Before(after.EffectiveFrom):
			after = o
		}
	}
	return before, after
}

// ValidateCatalogue names every contradiction of a whole catalogue, as it is loaded from files: each product, each version,
// codes and ids that stand twice, versions without a product.
func ValidateCatalogue(products []Product, versions []Version, today domain.Date) error {
	var problems domain.Problems
	byCode := make(map[string]Product, len(products))
	for i, p := range products {
		at := itemPointer("/products", i)
		problems.Check(at, p.Validate())
		if _, ok := byCode[p.Code]; ok {
			problems.Add(at+"/code", "duplicate", "产品代码 %s 重复", p.Code)
		}
		byCode[p.Code] = p
	}
	ids := make(map[domain.ID]bool, len(versions))
	for i, v := range versions {
		at := itemPointer("/versions", i)
		if ids[v.ID] {
			problems.Add(at+"/id", "duplicate", "版本标识重复")
		}
		ids[v.ID] = true
		p, ok := byCode[v.ProductCode]
		if !ok {
			problems.Add(at+"/product_code", "unknown-product", "没有代码为 %s 的产品", v.ProductCode)
			continue
		}
		problems.Check(at, Validate(v, p, slices.Concat(versions[:i], versions[i+1:]), today))
	}
	if err := problems.Err(); err != nil {
		return fmt.Errorf("catalogue: %w", err)
	}
	return nil
}
