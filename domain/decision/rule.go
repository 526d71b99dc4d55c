package decision

import (
	"fmt"
	"slices"
	"strconv"

	"fumin/domain"
	"fumin/domain/money"
)

// RuleSet names the rules of this file in every outcome: id/version. The version rises with any change of a rule, so that a
// stored outcome says which rules judged it.
const RuleSet = "coded/1"

// rule is one knock-out or routing rule. judge returns what it found; false when the rule does not apply to the case.
type rule struct {
	code         string
	needsProduct bool // judged only when the product is offered; otherwise its limits mean nothing
	judge        func(Facts) (Reason, bool)
}

// rules is the whole set. Their order is the order of reasons with the same effect.
var rules = []rule{
	{"product-not-offered", false, judgeProductOffered},
	{"borrower-kind-not-allowed", true, judgeBorrowerKind},
	{"purpose-forbidden", true, judgePurpose},
	{"amount-below-minimum", true, judgeAmountMin},
	{"amount-above-maximum", true, judgeAmountMax},
	{"term-below-minimum", true, judgeTermMin},
	{"term-above-maximum", true, judgeTermMax},
	{"age-below-minimum", true, judgeAgeMin},
	{"age-at-last-due-above-maximum", true, judgeAgeAtLastDue},
	{"business-too-young", true, judgeBusinessAge},
	{"not-on-recommended-list", true, judgeRecommendedList},
	{"rate-above-ceiling", true, judgeRate},
	{"credit-consent-missing", false, judgeConsent},
	{"guarantee-letter-missing", true, judgeGuarantee},
	{"above-quick-approval", true, judgeQuickApproval},
	{"site-visit-missing", true, judgeSiteVisit},
}

// RuleCodes lists the codes of all rules, in their order.
func RuleCodes() []string {
	codes := make([]string, len(rules))
	for i, r := range rules {
		codes[i] = r.code
	}
	return codes
}

// against holds a value against a threshold. It decides what absence means, once for all rules: no threshold, or a value that
// does not exist, and the rule does not apply; an unknown one, and the case is referred.
func against[A, B any](value Fact[A], name FactName, threshold Fact[B], thresholdName FactName, test func(A, B) Reason) (Reason, bool) {
	switch {
	case threshold.IsNone() && mayBeNone(thresholdName):
		return Reason{}, false
	case threshold.state != stateKnown:
		return missing(thresholdName), true
	case value.IsNone() && mayBeNone(name):
		return Reason{}, false
	case value.state != stateKnown:
		return missing(name), true
	}
	reason := test(value.value, threshold.value)
	if reason.FactName == "" {
		reason.FactName = name
	}
	return reason, true
}

func mayBeNone(name FactName) bool { return factRows[factIndex[name]].MayBeNone }

func missing(name FactName) Reason {
	return Reason{
		Effect: Refer, FactName: name, Unknown: true,
		Text:       fmt.Sprintf("缺少“%s”，无法自动判断", LabelOf(name)),
		Suggestion: fmt.Sprintf("请补充“%s”后重新提交，或由审批人核实", LabelOf(name)),
	}
}

// pick returns the reason for a rule that is met or not.
func pick(met bool, pass, fail Reason) Reason {
	if met {
		pass.Effect = Approve
		return pass
	}
	return fail
}

func judgeProductOffered(f Facts) (Reason, bool) {
	offered, known := f.ProductOffered.Value()
	if !known {
		return missing(FactProductOffered), true
	}
	value := strconv.FormatBool(offered)
	return pick(offered,
		Reason{Text: "产品在本地区当日有有效版本", FactName: FactProductOffered, Value: value, Threshold: "true"},
		Reason{
			Effect: Decline, Text: "产品在本地区当日没有有效版本", FactName: FactProductOffered, Value: value, Threshold: "true",
			Suggestion: "请改选本地区可办理的产品",
		}), true
}

func judgeBorrowerKind(f Facts) (Reason, bool) {
	return against(f.BorrowerKind, FactBorrowerKind, f.BorrowerKindsAllowed, FactBorrowerKindsAllowed, func(kind string, allowed []string) Reason {
		value, threshold := kind, codesCodec.text(allowed)
		return pick(slices.Contains(allowed, kind),
			Reason{Text: "借款人类别符合产品要求", Value: value, Threshold: threshold},
			Reason{
				Effect: Decline, Text: "本产品不面向该类借款人", Value: value, Threshold: threshold,
				Suggestion: "请改选面向该类借款人的产品",
			})
	})
}

func judgePurpose(f Facts) (Reason, bool) {
	return against(f.Purpose, FactPurpose, f.PurposesForbidden, FactPurposesForbidden, func(purpose string, forbidden []string) Reason {
		threshold := codesCodec.text(forbidden)
		return pick(!slices.Contains(forbidden, purpose),
			Reason{Text: "贷款用途不在禁止范围", Value: purpose, Threshold: threshold},
			Reason{
				Effect: Decline, Text: "贷款用途属于本产品禁止的用途", Value: purpose, Threshold: threshold,
				Suggestion: "本产品只用于生产经营，请核实真实用途",
			})
	})
}

func judgeAmountMin(f Facts) (Reason, bool) {
	return against(f.Amount, FactAmount, f.AmountMin, FactAmountMin, func(amount, least money.Amount) Reason {
		return pick(amount.Cmp(least) >= 0,
			Reason{Text: amountText("申请金额 %s 元，不低于产品最低 %s 元", amount, least), Value: amount.String(), Threshold: least.String()},
			Reason{
				Effect: Decline, Text: amountText("申请金额 %s 元，低于产品最低 %s 元", amount, least), Value: amount.String(), Threshold: least.String(),
				Suggestion: amountText("申请金额最低 %s 元", least),
			})
	})
}

func judgeAmountMax(f Facts) (Reason, bool) {
	return against(f.Amount, FactAmount, f.AmountMax, FactAmountMax, func(amount, most money.Amount) Reason {
		return pick(amount.Cmp(most) <= 0,
			Reason{Text: amountText("申请金额 %s 元，不超过产品最高 %s 元", amount, most), Value: amount.String(), Threshold: most.String()},
			Reason{
				Effect: Decline, Text: amountText("申请金额 %s 元，超过产品最高 %s 元", amount, most), Value: amount.String(), Threshold: most.String(),
				Suggestion: amountText("申请金额最高 %s 元", most),
			})
	})
}

func judgeTermMin(f Facts) (Reason, bool) {
	return against(f.TermMonths, FactTermMonths, f.TermMonthsMin, FactTermMonthsMin, func(months, least int) Reason {
		return pick(months >= least,
			Reason{Text: fmt.Sprintf("申请期限 %d 个月，不短于产品最短 %d 个月", months, least), Value: strconv.Itoa(months), Threshold: strconv.Itoa(least)},
			Reason{
				Effect: Decline, Text: fmt.Sprintf("申请期限 %d 个月，短于产品最短 %d 个月", months, least),
				Value: strconv.Itoa(months), Threshold: strconv.Itoa(least), Suggestion: fmt.Sprintf("申请期限最短 %d 个月", least),
			})
	})
}

func judgeTermMax(f Facts) (Reason, bool) {
	return against(f.TermMonths, FactTermMonths, f.TermMonthsMax, FactTermMonthsMax, func(months, most int) Reason {
		return pick(months <= most,
			Reason{Text: fmt.Sprintf("申请期限 %d 个月，不超过产品最长 %d 个月", months, most), Value: strconv.Itoa(months), Threshold: strconv.Itoa(most)},
			Reason{
				Effect: Decline, Text: fmt.Sprintf("申请期限 %d 个月，超过产品最长 %d 个月", months, most),
				Value: strconv.Itoa(months), Threshold: strconv.Itoa(most), Suggestion: fmt.Sprintf("申请期限最长 %d 个月", most),
			})
	})
}

func judgeAgeMin(f Facts) (Reason, bool) {
	return against(f.BirthDate, FactBirthDate, f.AgeMin, FactAgeMin, func(birth domain.Date, least int) Reason {
		if f.EvaluatedOn.IsZero() {
			return missing(FactEvaluatedOn)
		}
		age := birth.AgeOn(f.EvaluatedOn)
		pass := Reason{Text: fmt.Sprintf("年满 %d 周岁，不低于 %d 周岁", age, least), FactName: FactAge, Value: strconv.Itoa(age), Threshold: strconv.Itoa(least)}
		return pick(age >= least, pass, Reason{
			Effect: Decline, Text: fmt.Sprintf("年龄 %d 周岁，未满 %d 周岁", age, least), FactName: FactAge,
			Value: strconv.Itoa(age), Threshold: strconv.Itoa(least), Suggestion: fmt.Sprintf("年满 %d 周岁后可以申请", least),
		})
	})
}

// judgeAgeAtLastDue counts by dates: the completed years on the last due date, not today's age plus the term in years.
func judgeAgeAtLastDue(f Facts) (Reason, bool) {
	return against(f.BirthDate, FactBirthDate, f.AgeAtLastDueMax, FactAgeAtLastDueMax, func(birth domain.Date, most int) Reason {
		months, known := f.TermMonths.Value()
		switch {
		case f.EvaluatedOn.IsZero():
			return missing(FactEvaluatedOn)
		case !known || months < 0 || months > termMonthsCap:
			return missing(FactTermMonths)
		}
		lastDue := f.EvaluatedOn.AddMonths(months)
		age := birth.AgeOn(lastDue)
		pass := Reason{
			Text:     fmt.Sprintf("最后到期日 %s 年龄 %d 周岁，不超过 %d 周岁", lastDue, age, most),
			FactName: FactAgeAtLastDue, Value: strconv.Itoa(age), Threshold: strconv.Itoa(most),
		}
		fail := Reason{
			Effect:   Decline,
			Text:     fmt.Sprintf("最后到期日 %s 年龄 %d 周岁，超过 %d 周岁", lastDue, age, most),
			FactName: FactAgeAtLastDue, Value: strconv.Itoa(age), Threshold: strconv.Itoa(most),
		}
		if age <= most {
			return pick(true, pass, fail)
		}
		fail.Suggestion = "按年龄规定，任何期限都不能通过"
		if longest := longestTermByAge(f, birth, most, months); longest > 0 {
			fail.Suggestion = fmt.Sprintf("按年龄规定，期限最长 %d 个月", longest)
		}
		return fail
	})
}

// longestTermByAge returns the longest term below months that ends in time by the age rule and is not shorter than the
// product's shortest; 0: none.
func longestTermByAge(f Facts, birth domain.Date, ageMax, months int) int {
	least := 1
	if n, known := f.TermMonthsMin.Value(); known {
		least = max(least, n)
	}
	most := months - 1
	if n, known := f.TermMonthsMax.Value(); known {
		most = min(most, n)
	}
	return largest(least, most, func(n int) bool { return birth.AgeOn(f.EvaluatedOn.AddMonths(n)) <= ageMax })
}

func judgeBusinessAge(f Facts) (Reason, bool) {
	return against(f.BusinessAgeMonths, FactBusinessAgeMonths, f.BusinessAgeMonthsMin, FactBusinessAgeMonthsMin, func(months, least int) Reason {
		return pick(months >= least,
			Reason{Text: fmt.Sprintf("已经营 %d 个月，不少于 %d 个月", months, least), Value: strconv.Itoa(months), Threshold: strconv.Itoa(least)},
			Reason{
				Effect: Decline, Text: fmt.Sprintf("已经营 %d 个月，少于 %d 个月", months, least), Value: strconv.Itoa(months),
				Threshold: strconv.Itoa(least), Suggestion: fmt.Sprintf("经营满 %d 个月后可以申请", least),
			})
	})
}

func judgeRate(f Facts) (Reason, bool) {
	return against(f.AnnualRatePct, FactAnnualRatePct, f.AnnualRateMaxPct, FactAnnualRateMaxPct, func(rate, most money.Rate) Reason {
		return pick(rate.Cmp(most) <= 0,
			Reason{Text: fmt.Sprintf("年利率 %s%%，不超过当日上限 %s%%", rate, most), Value: rate.String(), Threshold: most.String()},
			Reason{
				Effect: Refer, Text: fmt.Sprintf("年利率 %s%%，超过当日上限 %s%%", rate, most), Value: rate.String(), Threshold: most.String(),
				Suggestion: fmt.Sprintf("请将年利率降到 %s%% 或以下", most),
			})
	})
}

func judgeConsent(f Facts) (Reason, bool) {
	return judgeFile(Known(true), "", f.CreditConsentLive, FactCreditConsentLive,
		"征信查询授权在有效期内",
		Reason{Effect: Refer, Text: "没有有效的征信查询授权", Suggestion: "请借款人签署征信查询授权书后重新提交"})
}

func judgeRecommendedList(f Facts) (Reason, bool) {
	return judgeFile(f.RecommendedListRequired, FactRecommendedListRequired, f.OnRecommendedList, FactOnRecommendedList,
		"在乡村振兴局推荐名单内",
		Reason{Effect: Decline, Text: "不在乡村振兴局推荐名单内", Suggestion: "请先向乡村振兴局申请推荐，列入名单后再申请"})
}

func judgeSiteVisit(f Facts) (Reason, bool) {
	return judgeFile(f.SiteVisitRequired, FactSiteVisitRequired, f.SiteVisitDone, FactSiteVisitDone,
		"已实地调查",
		Reason{Effect: Refer, Text: "本产品须实地调查，尚无调查记录", Suggestion: "请安排实地调查并录入调查记录"})
}

// judgeFile asks for something that must be in the file when the product requires it.
func judgeFile(required Fact[bool], requiredName FactName, there Fact[bool], name FactName, passText string, fail Reason) (Reason, bool) {
	needed, known := required.Value()
	if !known {
		return missing(requiredName), true
	}
	if !needed {
		return Reason{}, false
	}
	is, known := there.Value()
	if !known {
		return missing(name), true
	}
	fail.FactName, fail.Value, fail.Threshold = name, strconv.FormatBool(is), "true"
	return pick(is, Reason{Text: passText, FactName: name, Value: "true", Threshold: "true"}, fail), true
}

func judgeGuarantee(f Facts) (Reason, bool) {
	return against(f.Amount, FactAmount, f.GuaranteeCompanyFrom, FactGuaranteeCompanyFrom, func(amount, from money.Amount) Reason {
		onCredit := Reason{Text: amountText("申请金额 %s 元，低于 %s 元，可以信用方式办理", amount, from), Value: amount.String(), Threshold: from.String()}
		if amount.Cmp(from) < 0 {
			return pick(true, onCredit, Reason{})
		}
		live, known := f.GuaranteeLetterLive.Value()
		if !known {
			return missing(FactGuaranteeLetterLive)
		}
		return pick(live,
			Reason{Text: amountText("申请金额 %s 元，达到 %s 元，已有农担公司有效担保函", amount, from), Value: amount.String(), Threshold: from.String()},
			Reason{
				Effect: Refer, Text: amountText("申请金额 %s 元，达到 %s 元，须由农担公司担保，尚无有效担保函", amount, from),
				Value: amount.String(), Threshold: from.String(),
				Suggestion: amountText("请取得农担公司担保函；低于 %s 元可以信用方式办理", from),
			})
	})
}

func judgeQuickApproval(f Facts) (Reason, bool) {
	return against(f.Amount, FactAmount, f.QuickApprovalMax, FactQuickApprovalMax, func(amount, most money.Amount) Reason {
		fail := Reason{
			Effect: Refer, Text: amountText("申请金额 %s 元，超过快速审批上限 %s 元", amount, most), Value: amount.String(), Threshold: most.String(),
			Suggestion: amountText("须由审批人审查；%s 元及以下可以快速审批", most),
		}
		if most.IsZero() {
			fail.Text, fail.Suggestion = "本产品不设快速审批，全部由审批人审查", "须由审批人审查"
		}
		pass := Reason{Text: amountText("申请金额 %s 元，不超过快速审批上限 %s 元", amount, most), Value: amount.String(), Threshold: most.String()}
		return pick(amount.Cmp(most) <= 0, pass, fail)
	})
}

func amountText(format string, amounts ...money.Amount) string {
	texts := make([]any, len(amounts))
	for i, a := range amounts {
		texts[i] = a.Grouped()
	}
	return fmt.Sprintf(format, texts...)
}
