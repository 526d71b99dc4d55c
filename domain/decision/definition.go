package decision

import (
	"fumin/domain"
	"fumin/domain/money"
)

// factRows is the one table of facts: what they mean and where they stand in Facts.
var factRows = []factRow{
	define(amountCodec, func(f *Facts) *Fact[money.Amount] { return &f.Amount },
		Definition{Name: FactAmount, Label: "申请金额", Unit: "元", Origin: "申请"}),
	define(integerCodec, func(f *Facts) *Fact[int] { return &f.TermMonths },
		Definition{Name: FactTermMonths, Label: "申请期限", Unit: "个月", Origin: "申请"}),
	define(codeCodec, func(f *Facts) *Fact[string] { return &f.Purpose },
		Definition{Name: FactPurpose, Label: "贷款用途", Origin: "申请"}),
	define(rateCodec, func(f *Facts) *Fact[money.Rate] { return &f.AnnualRatePct },
		Definition{Name: FactAnnualRatePct, Label: "执行年利率", Unit: "%/年", Origin: "定价", MayBeNone: true}),
	define(codeCodec, func(f *Facts) *Fact[string] { return &f.BorrowerKind },
		Definition{Name: FactBorrowerKind, Label: "借款人类别", Origin: "借款人档案"}),
	define(dateCodec, func(f *Facts) *Fact[domain.Date] { return &f.BirthDate },
		Definition{Name: FactBirthDate, Label: "出生日期", Origin: "居民身份证号码", MayBeNone: true}),
	define(integerCodec, func(f *Facts) *Fact[int] { return &f.BusinessAgeMonths },
		Definition{Name: FactBusinessAgeMonths, Label: "经营时间", Unit: "个月", Origin: "营业执照", MayBeNone: true}),
	define(booleanCodec, func(f *Facts) *Fact[bool] { return &f.CreditConsentLive },
		Definition{Name: FactCreditConsentLive, Label: "征信查询授权有效", Origin: "借款人授权记录"}),
	define(booleanCodec, func(f *Facts) *Fact[bool] { return &f.OnRecommendedList },
		Definition{Name: FactOnRecommendedList, Label: "在乡村振兴局推荐名单内", Origin: "推荐名单"}),
	define(booleanCodec, func(f *Facts) *Fact[bool] { return &f.GuaranteeLetterLive },
		Definition{Name: FactGuaranteeLetterLive, Label: "担保函有效", Origin: "农担公司"}),
	define(booleanCodec, func(f *Facts) *Fact[bool] { return &f.SiteVisitDone },
		Definition{Name: FactSiteVisitDone, Label: "已实地调查", Origin: "调查记录"}),
	define(booleanCodec, func(f *Facts) *Fact[bool] { return &f.ProductOffered },
		Definition{Name: FactProductOffered, Label: "本地区有有效产品版本", Origin: "产品目录"}),
	define(codesCodec, func(f *Facts) *Fact[[]string] { return &f.BorrowerKindsAllowed },
		Definition{Name: FactBorrowerKindsAllowed, Label: "产品面向的借款人类别", Origin: "产品目录"}),
	define(codesCodec, func(f *Facts) *Fact[[]string] { return &f.PurposesForbidden },
		Definition{Name: FactPurposesForbidden, Label: "产品禁止的用途", Origin: "产品目录", MayBeNone: true}),
	define(amountCodec, func(f *Facts) *Fact[money.Amount] { return &f.AmountMin },
		Definition{Name: FactAmountMin, Label: "产品最低金额", Unit: "元", Origin: "产品目录"}),
	define(amountCodec, func(f *Facts) *Fact[money.Amount] { return &f.AmountMax },
		Definition{Name: FactAmountMax, Label: "产品最高金额", Unit: "元", Origin: "产品目录"}),
	define(integerCodec, func(f *Facts) *Fact[int] { return &f.TermMonthsMin },
		Definition{Name: FactTermMonthsMin, Label: "产品最短期限", Unit: "个月", Origin: "产品目录"}),
	define(integerCodec, func(f *Facts) *Fact[int] { return &f.TermMonthsMax },
		Definition{Name: FactTermMonthsMax, Label: "产品最长期限", Unit: "个月", Origin: "产品目录"}),
	define(integerCodec, func(f *Facts) *Fact[int] { return &f.AgeMin },
		Definition{Name: FactAgeMin, Label: "产品最低年龄", Unit: "周岁", Origin: "产品目录", MayBeNone: true}),
	define(integerCodec, func(f *Facts) *Fact[int] { return &f.AgeAtLastDueMax },
		Definition{Name: FactAgeAtLastDueMax, Label: "产品年龄加期限上限", Unit: "周岁", Origin: "产品目录", MayBeNone: true}),
	define(integerCodec, func(f *Facts) *Fact[int] { return &f.BusinessAgeMonthsMin },
		Definition{Name: FactBusinessAgeMonthsMin, Label: "产品要求的最短经营时间", Unit: "个月", Origin: "产品目录", MayBeNone: true}),
	define(rateCodec, func(f *Facts) *Fact[money.Rate] { return &f.AnnualRateMaxPct },
		Definition{Name: FactAnnualRateMaxPct, Label: "年利率上限", Unit: "%/年", Origin: "产品目录与当日 LPR"}),
	define(amountCodec, func(f *Facts) *Fact[money.Amount] { return &f.QuickApprovalMax },
		Definition{Name: FactQuickApprovalMax, Label: "快速审批上限", Unit: "元", Origin: "产品目录"}),
	define(amountCodec, func(f *Facts) *Fact[money.Amount] { return &f.GuaranteeCompanyFrom },
		Definition{Name: FactGuaranteeCompanyFrom, Label: "须农担公司担保的起点金额", Unit: "元", Origin: "产品目录", MayBeNone: true}),
	define(booleanCodec, func(f *Facts) *Fact[bool] { return &f.RecommendedListRequired },
		Definition{Name: FactRecommendedListRequired, Label: "须在推荐名单内", Origin: "产品目录"}),
	define(booleanCodec, func(f *Facts) *Fact[bool] { return &f.SiteVisitRequired },
		Definition{Name: FactSiteVisitRequired, Label: "须实地调查", Origin: "产品目录"}),
}

// factIndex finds a fact's row by its name.
var factIndex = func() map[FactName]int {
	index := make(map[FactName]int, len(factRows))
	for i, row := range factRows {
		index[row.Name] = i
	}
	return index
}()
