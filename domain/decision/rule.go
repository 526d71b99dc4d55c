package decision

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"fumin/domain"
	"fumin/domain/money"
)

// RuleSet names the rules of this file in every outcome: id/version. The version rises with any change of a rule, so that a
// stored outcome says which rules judged it.
const RuleSet = "coded/1"

// rule is one knock-out or routing rule.
type rule struct {
	code         string
	needsProduct bool // judged only when the product is offered; otherwise its limits mean nothing
	judge        func(*Facts) verdict
}

// verdict is what a rule found. The words are made only when somebody will read them: the search for a way forward asks the
// rules hundreds of times for the effect alone.
type verdict struct {
	effect  Result        // empty: the rule does not apply to the case
	explain func() Reason // without code and effect
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

// ask puts the case to the rule; false when it does not apply.
func (r rule) ask(f *Facts) (verdict, bool) {
	if offered, known := f.ProductOffered.Value(); r.needsProduct && known && !offered {
		return verdict{}, false
	}
	v := r.judge(f)
	return v, v.effect != ""
}

// against holds a value against a threshold. It decides what absence means, once for all rules: no threshold, or a value that
// does not exist, and the rule does not apply; an unknown one, and the case is referred.
func against[A, B any](value Fact[A], name FactName, threshold Fact[B], thresholdName FactName, test func(A, B) verdict) verdict {
	switch {
	case threshold.IsNone() && mayBeNone(thresholdName):
		return verdict{} // does not apply
	case threshold.state != stateKnown:
		return missing(thresholdName)
	case value.IsNone() && mayBeNone(name):
		return verdict{} // does not apply
	case value.state != stateKnown:
		return missing(name)
	}
	return test(value.value, threshold.value)
}

func mayBeNone(name FactName) bool { return factRows[factIndex[name]].MayBeNone }

func missing(name FactName) verdict {
	return verdict{Refer, func() Reason {
		return Reason{
			FactName: name, Unknown: true,
			Text:       fmt.Sprintf("缺少“%s”，无法自动判断", LabelOf(name)),
			Suggestion: fmt.Sprintf("请补充“%s”后重新提交，或由审批人核实", LabelOf(name)),
		}
	}}
}

// found is the verdict of a rule that could be judged: met, or the effect of not meeting it. explain gives the reason in
// either case.
func found(met bool, otherwise Result, explain func(met bool) Reason) verdict {
	if met {
		return verdict{Approve, func() Reason { return explain(true) }}
	}
	return verdict{otherwise, func() Reason { return explain(false) }}
}

// say words the reason: for a met rule, or for the other with a suggestion. The formats share their arguments; a suggestion
// names them by index.
func (r Reason) say(met bool, pass, fail, suggestion string, args ...any) Reason {
	if met {
		r.Text = words(pass, args)
		return r
	}
	r.Text, r.Suggestion = words(fail, args), words(suggestion, args)
	return r
}

func words(format string, args []any) string {
	if !strings.Contains(format, "%") {
		return format
	}
	return fmt.Sprintf(format, args...)
}

// yuan prints an amount as a person reads it.
type yuan struct{ money.Amount }

func (y yuan) String() string { return y.Grouped() }

func seen(name FactName, value, threshold string) Reason {
	return Reason{FactName: name, Value: value, Threshold: threshold}
}

func judgeProductOffered(f *Facts) verdict {
	return inFile(Known(true), FactProductOffered, f.ProductOffered, FactProductOffered, Decline,
		"产品在本地区当日有有效版本", "产品在本地区当日没有有效版本", "请改选本地区可办理的产品")
}

func judgeBorrowerKind(f *Facts) verdict {
	return against(f.BorrowerKind, FactBorrowerKind, f.BorrowerKindsAllowed, FactBorrowerKindsAllowed, func(kind string, allowed []string) verdict {
		return found(slices.Contains(allowed, kind), Decline, func(met bool) Reason {
			return seen(FactBorrowerKind, kind, codesCodec.text(allowed)).
				say(met, "借款人类别符合产品要求", "本产品不面向该类借款人", "请改选面向该类借款人的产品")
		})
	})
}

func judgePurpose(f *Facts) verdict {
	return against(f.Purpose, FactPurpose, f.PurposesForbidden, FactPurposesForbidden, func(purpose string, forbidden []string) verdict {
		return found(!slices.Contains(forbidden, purpose), Decline, func(met bool) Reason {
			return seen(FactPurpose, purpose, codesCodec.text(forbidden)).
				say(met, "贷款用途不在禁止范围", "贷款用途属于本产品禁止的用途", "请核实真实用途，改选允许该用途的产品")
		})
	})
}

func judgeAmountMin(f *Facts) verdict {
	return against(f.Amount, FactAmount, f.AmountMin, FactAmountMin, func(amount, least money.Amount) verdict {
		return found(amount.Cmp(least) >= 0, Decline, func(met bool) Reason {
			return seen(FactAmount, amount.String(), least.String()).say(met,
				"申请金额 %s 元，不低于产品最低 %s 元",
				"申请金额 %s 元，低于产品最低 %s 元",
				"申请金额最低 %[2]s 元", yuan{amount}, yuan{least})
		})
	})
}

func judgeAmountMax(f *Facts) verdict {
	return against(f.Amount, FactAmount, f.AmountMax, FactAmountMax, func(amount, most money.Amount) verdict {
		return found(amount.Cmp(most) <= 0, Decline, func(met bool) Reason {
			return seen(FactAmount, amount.String(), most.String()).say(met,
				"申请金额 %s 元，不超过产品最高 %s 元",
				"申请金额 %s 元，超过产品最高 %s 元",
				"申请金额最高 %[2]s 元", yuan{amount}, yuan{most})
		})
	})
}

func judgeTermMin(f *Facts) verdict {
	return against(f.TermMonths, FactTermMonths, f.TermMonthsMin, FactTermMonthsMin, func(months, least int) verdict {
		return found(months >= least, Decline, func(met bool) Reason {
			return seen(FactTermMonths, strconv.Itoa(months), strconv.Itoa(least)).say(met,
				"申请期限 %d 个月，不短于产品最短 %d 个月",
				"申请期限 %d 个月，短于产品最短 %d 个月",
				"申请期限最短 %[2]d 个月", months, least)
		})
	})
}

func judgeTermMax(f *Facts) verdict {
	return against(f.TermMonths, FactTermMonths, f.TermMonthsMax, FactTermMonthsMax, func(months, most int) verdict {
		return found(months <= most, Decline, func(met bool) Reason {
			return seen(FactTermMonths, strconv.Itoa(months), strconv.Itoa(most)).say(met,
				"申请期限 %d 个月，不超过产品最长 %d 个月",
				"申请期限 %d 个月，超过产品最长 %d 个月",
				"申请期限最长 %[2]d 个月", months, most)
		})
	})
}

func judgeAgeMin(f *Facts) verdict {
	return against(f.BirthDate, FactBirthDate, f.AgeMin, FactAgeMin, func(birth domain.Date, least int) verdict {
		if f.EvaluatedOn.IsZero() {
			return missing(FactEvaluatedOn)
		}
		age := birth.AgeOn(f.EvaluatedOn)
		return found(age >= least, Decline, func(met bool) Reason {
			return seen(FactAge, strconv.Itoa(age), strconv.Itoa(least)).say(met,
				"年龄 %d 周岁，不低于 %d 周岁",
				"年龄 %d 周岁，未满 %d 周岁",
				"年满 %[2]d 周岁后可以申请", age, least)
		})
	})
}

// judgeAgeAtLastDue counts by dates: the completed years on the last due date, not today's age plus the term in years.
func judgeAgeAtLastDue(f *Facts) verdict {
	return against(f.BirthDate, FactBirthDate, f.AgeAtLastDueMax, FactAgeAtLastDueMax, func(birth domain.Date, most int) verdict {
		months, known := f.TermMonths.Value()
		switch {
		case f.EvaluatedOn.IsZero():
			return missing(FactEvaluatedOn)
		case !known || months < 0 || months > termMonthsCap: // a term that cannot be is declined by the term rules
			return missing(FactTermMonths)
		}
		lastDue := f.EvaluatedOn.AddMonths(months)
		age := birth.AgeOn(lastDue)
		return found(age <= most, Decline, func(met bool) Reason {
			reason := seen(FactAgeAtLastDue, strconv.Itoa(age), strconv.Itoa(most)).say(met,
				"最后到期日 %s 年龄 %d 周岁，不超过 %d 周岁",
				"最后到期日 %s 年龄 %d 周岁，超过 %d 周岁",
				"按年龄规定，任何期限都不能通过", lastDue, age, most)
			if met {
				return reason
			}
			if longest := longestTermByAge(f, birth, most, months); longest > 0 {
				reason.Suggestion = fmt.Sprintf("按年龄规定，期限最长 %d 个月", longest)
			}
			return reason
		})
	})
}

// longestTermByAge returns the longest term below months that ends in time by the age rule and is not shorter than the
// product's shortest; 0: none.
func longestTermByAge(f *Facts, birth domain.Date, ageMax, months int) int {
	least, most := 1, months-1
	if n, known := f.TermMonthsMin.Value(); known {
		least = max(least, n)
	}
	if n, known := f.TermMonthsMax.Value(); known {
		most = min(most, n)
	}
	return largest(least, most, func(n int) bool { return birth.AgeOn(f.EvaluatedOn.AddMonths(n)) <= ageMax })
}

func judgeBusinessAge(f *Facts) verdict {
	return against(f.BusinessAgeMonths, FactBusinessAgeMonths, f.BusinessAgeMonthsMin, FactBusinessAgeMonthsMin, func(months, least int) verdict {
		return found(months >= least, Decline, func(met bool) Reason {
			return seen(FactBusinessAgeMonths, strconv.Itoa(months), strconv.Itoa(least)).say(met,
				"已经营 %d 个月，不少于 %d 个月",
				"已经营 %d 个月，少于 %d 个月",
				"经营满 %[2]d 个月后可以申请", months, least)
		})
	})
}

func judgeRate(f *Facts) verdict {
	return against(f.AnnualRatePct, FactAnnualRatePct, f.AnnualRateMaxPct, FactAnnualRateMaxPct, func(rate, most money.Rate) verdict {
		return found(rate.Cmp(most) <= 0, Refer, func(met bool) Reason {
			return seen(FactAnnualRatePct, rate.String(), most.String()).say(met,
				"年利率 %s%%，不超过当日上限 %s%%",
				"年利率 %s%%，超过当日上限 %s%%",
				"请将年利率降到 %[2]s%% 或以下", rate, most)
		})
	})
}

func judgeConsent(f *Facts) verdict {
	return inFile(Known(true), FactCreditConsentLive, f.CreditConsentLive, FactCreditConsentLive, Refer,
		"征信查询授权在有效期内", "没有有效的征信查询授权", "请借款人签署征信查询授权书后重新提交")
}

func judgeRecommendedList(f *Facts) verdict {
	return inFile(f.RecommendedListRequired, FactRecommendedListRequired, f.OnRecommendedList, FactOnRecommendedList, Decline,
		"在乡村振兴局推荐名单内", "不在乡村振兴局推荐名单内", "请先向乡村振兴局申请推荐，列入名单后再申请")
}

func judgeSiteVisit(f *Facts) verdict {
	return inFile(f.SiteVisitRequired, FactSiteVisitRequired, f.SiteVisitDone, FactSiteVisitDone, Refer,
		"已实地调查", "本产品须实地调查，尚无调查记录", "请安排实地调查并录入调查记录")
}

// inFile asks for something that must be there when it is required.
func inFile(required Fact[bool], requiredName FactName, there Fact[bool], name FactName, otherwise Result, pass, fail, suggestion string) verdict {
	needed, known := required.Value()
	if !known {
		return missing(requiredName)
	}
	if !needed {
		return verdict{} // does not apply
	}
	is, known := there.Value()
	if !known {
		return missing(name)
	}
	return found(is, otherwise, func(met bool) Reason {
		return seen(name, strconv.FormatBool(is), "true").say(met, pass, fail, suggestion)
	})
}

func judgeGuarantee(f *Facts) verdict {
	return against(f.Amount, FactAmount, f.GuaranteeCompanyFrom, FactGuaranteeCompanyFrom, func(amount, from money.Amount) verdict {
		if amount.Cmp(from) < 0 {
			return found(true, Refer, func(met bool) Reason {
				return seen(FactAmount, amount.String(), from.String()).say(met, "申请金额 %s 元，低于 %s 元，可以信用方式办理", "", "", yuan{amount}, yuan{from})
			})
		}
		live, known := f.GuaranteeLetterLive.Value()
		if !known {
			return missing(FactGuaranteeLetterLive)
		}
		return found(live, Refer, func(met bool) Reason {
			return seen(FactAmount, amount.String(), from.String()).say(met,
				"申请金额 %s 元，达到 %s 元，已有农担公司有效担保函",
				"申请金额 %s 元，达到 %s 元，须由农担公司担保，尚无有效担保函",
				"请取得农担公司担保函；低于 %[2]s 元可以信用方式办理", yuan{amount}, yuan{from})
		})
	})
}

func judgeQuickApproval(f *Facts) verdict {
	return against(f.Amount, FactAmount, f.QuickApprovalMax, FactQuickApprovalMax, func(amount, most money.Amount) verdict {
		if most.IsZero() {
			return found(false, Refer, func(met bool) Reason {
				return seen(FactAmount, amount.String(), most.String()).say(met, "", "本产品不设快速审批，全部由审批人审查", "须由审批人审查")
			})
		}
		return found(amount.Cmp(most) <= 0, Refer, func(met bool) Reason {
			return seen(FactAmount, amount.String(), most.String()).say(met,
				"申请金额 %s 元，不超过快速审批上限 %s 元",
				"申请金额 %s 元，超过快速审批上限 %s 元",
				"须由审批人审查；%[2]s 元及以下可以快速审批", yuan{amount}, yuan{most})
		})
	})
}
