package origination

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/decision"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/product"
)

// This file holds the self-tests of what the rule sets in force refuse (规则集自检): the terms of every product version on offer,
// and every rule for itself.

// offer is a product version in force with the rule set that judges it in a region.
type offer struct {
	product product.Product
	version product.Version
	ceiling product.Ceiling
	priced  bool // false: no price can be named today, so none is known to the rules
	region  string
	engine  *decision.Engine // nil: no rule set is in force, or RuleSetError says why it cannot judge
	wrong   error
}

// name is the product version for a person.
func (o offer) name() string { return versionName(o.version) }

func versionName(v product.Version) string {
	return fmt.Sprintf("产品 %s，地区 %s，%s 起", v.ProductCode, v.RegionPrefix, v.EffectiveFrom)
}

// offersOf finds every product version in force, with each rule set that judges it in some region.
func offersOf(ctx context.Context, c *configuration, e *engines) ([]offer, error) {
	products, err := c.Products(ctx)
	if err != nil {
		return nil, err
	}
	sets, err := ruleSetsInForce(ctx, c)
	if err != nil {
		return nil, err
	}
	rates, err := c.ReferenceRates(ctx)
	if err != nil {
		return nil, err
	}
	var offers []offer
	for _, p := range products {
		versions, err := c.AllProductVersions(ctx, p.Code)
		if err != nil {
			return nil, err
		}
		seen := map[string]bool{}
		for _, region := range regionsOf(p.Code, versions, sets, c.today) {
			version, err := product.Resolve(versions, p.Code, region, c.today)
			if err != nil {
				continue // a rule set for a region where the product is not offered
			}
			o := offer{product: p, version: version, region: region}
			o.ceiling, err = version.Price.PriceOn(c.today, rates)
			o.priced = err == nil
			engine, id, err := e.inForce(ctx, c.Reader, p.Code, region, c.today)
			if _, refused := refusal(err); err != nil && !refused {
				return nil, err
			}
			o.engine, o.wrong = engine, err
			if key := version.ID.String() + id.String(); !seen[key] {
				seen[key] = true
				offers = append(offers, o)
			}
		}
	}
	return offers, nil
}

// ruleSetsInForce lists the heads of the rule sets in force today.
func ruleSetsInForce(ctx context.Context, c *configuration) ([]decision.RuleSetHead, error) {
	var inForce []decision.RuleSetHead
	page := domain.Page{Limit: domain.PageLimitMax}
	for range product.VersionsMax / domain.PageLimitMax {
		heads, err := c.RuleSets(ctx, RuleSetFilter{Status: decision.RuleSetActive}, page)
		if err != nil {
			return nil, err
		}
		for _, h := range heads {
			if h.InForce(c.today) {
				inForce = append(inForce, h)
			}
		}
		if len(heads) < page.Limit {
			break
		}
		page.After = heads[len(heads)-1].ID
	}
	return inForce, nil
}

// regionsOf lists the regions in which a product may be judged by terms or rules of their own, the largest first.
func regionsOf(code string, versions []product.Version, sets []decision.RuleSetHead, today domain.Date) []string {
	var regions []string
	for _, v := range versions {
		if v.InForce(today) {
			regions = append(regions, v.RegionPrefix)
		}
	}
	for _, h := range sets {
		if h.RegionPrefix != "" && (h.Product == "" || h.Product == code) {
			regions = append(regions, h.RegionPrefix)
		}
	}
	slices.Sort(regions)
	return slices.Compact(regions)
}

// good is a case in which nothing is wrong: the least amount and term of the product, and everything in the file.
func (o offer) good(today domain.Date, lenderMax money.Amount, lenderLimited bool) decision.Facts {
	v := o.version
	f := decision.Facts{
		EvaluatedOn: today,
		Amount:      decision.Known(v.AmountMin), TermMonths: decision.Known(v.TermMonthsMin),
		BorrowerKind: decision.Known(o.product.BorrowerKinds[0]),
		Purpose:      decision.Known(string(allowedPurpose(v))), RepaymentMethod: decision.Known(string(v.RepaymentMethods[0])),
		RegionCode: decision.Known(o.region), ProductCode: decision.Known(v.ProductCode), ReliefIndustry: decision.None[string](),
		BirthDate:         decision.Known(today.AddMonths(-12 * goodAge(v))),
		BusinessAgeMonths: decision.Known(v.BusinessAgeMonthsMin + 12),

		CreditConsentLive: decision.Known(true), OnRecommendedList: decision.Known(true), GuaranteeLetterLive: decision.Known(true),
		SiteVisitDone: decision.Known(true), SiteVisitInvestigators: decision.Known(2),
		HouseholdSize: decision.Known(4), HouseholdIncomeYear: decision.Known(v.AmountMax), HouseholdLandMu: decision.Known(decimal.NewFromInt(20)),
		LoansSettled: decision.Known(2), DaysPastDueMax: decision.Known(0), OverdueNow: decision.Known(false),
		DocumentsMissingKey: decision.Known([]string{}), DocumentsMissingOther: decision.Known([]string{}), LicencesExpired: decision.Known([]string{}),

		BureauAnswer: decision.Known(ResultClear), BureauOverdueNow: decision.Known(false), BureauOverdueAmount: decision.Known(money.Amount{}),
		BureauEnquiries6Months: decision.Known(0), BureauLiabilities: decision.Known(money.Amount{}), ScreeningHit: decision.Known(false),
		GuaranteePrecheck: decision.Known(ResultAccepted),
	}
	productFacts(&f, o.product, v, o.ceiling)
	if !o.priced {
		f.AnnualRatePct, f.AnnualRateMaxPct = decision.None[money.Rate](), decision.Fact[money.Rate]{}
	}
	headroom{productMax: v.AmountMax, lenderMax: lenderMax, lenderLimited: lenderLimited}.facts(&f)
	f.ReliefIndustry = decision.None[string]()
	return f
}

// goodAge lies in the middle of the ages that the product lends to.
func goodAge(v product.Version) int {
	least, most := max(v.AgeMin, 18), 60
	if v.AgePlusTermMax > 0 {
		most = v.AgePlusTermMax
	}
	return (least + most) / 2
}

func allowedPurpose(v product.Version) loan.Purpose {
	purposes := loan.Purposes()
	if i := slices.IndexFunc(purposes, func(p loan.Purpose) bool { return !slices.Contains(v.ForbiddenPurposes, string(p)) }); i >= 0 {
		return purposes[i]
	}
	return purposes[0]
}

// termProbe tries one term of a product on the rule set in force: two cases that differ in nothing but which side of the limit
// they are on. A false sets says that the product sets no such limit.
type termProbe struct {
	term   product.TermName
	label  string
	sets   func(v product.Version) bool
	beyond func(f *decision.Facts, o offer)
	within func(f *decision.Facts, o offer)
}

func always(product.Version) bool { return true }

func askAmount(amount func(product.Version) money.Amount, step money.Amount) func(*decision.Facts, offer) {
	return func(f *decision.Facts, o offer) { f.Amount = decision.Known(amount(o.version).Add(step)) }
}

func askTerm(months func(product.Version) int, step int) func(*decision.Facts, offer) {
	return func(f *decision.Facts, o offer) { f.TermMonths = decision.Known(months(o.version) + step) }
}

// bornYears puts the birthday so many years before the last due date or today, and days later.
func bornYears(years func(product.Version) int, atLastDue bool, more, days int) func(*decision.Facts, offer) {
	return func(f *decision.Facts, o offer) {
		on := f.EvaluatedOn
		if months, _ := f.TermMonths.Value(); atLastDue {
			on = on.AddMonths(months)
		}
		f.BirthDate = decision.Known(on.AddMonths(-12 * (years(o.version) + more)).AddDays(days))
	}
}

func amountMin(v product.Version) money.Amount { return v.AmountMin }
func amountMax(v product.Version) money.Amount { return v.AmountMax }
func quickMax(v product.Version) money.Amount  { return v.QuickApprovalMax }
func termMin(v product.Version) int            { return v.TermMonthsMin }
func termMax(v product.Version) int            { return v.TermMonthsMax }
func ageMin(v product.Version) int             { return v.AgeMin }
func ageMax(v product.Version) int             { return v.AgePlusTermMax }

func guaranteeFrom(v product.Version) money.Amount {
	from, _ := v.GuaranteeCompanyFrom()
	return from
}

// termProbes are the product terms that only the rule set holds a request to.
var termProbes = []termProbe{
	{product.TermAmountMin, "最低金额", always, askAmount(amountMin, money.Fen(-1)), askAmount(amountMin, money.Amount{})},
	{product.TermAmountMax, "最高金额", always, askAmount(amountMax, fen), askAmount(amountMax, money.Amount{})},
	{product.TermTermMonthsMin, "最短期限", always, askTerm(termMin, -1), askTerm(termMin, 0)},
	{product.TermTermMonthsMax, "最长期限", always, askTerm(termMax, 1), askTerm(termMax, 0)},
	{
		product.TermAgeMin, "最低年龄", func(v product.Version) bool { return v.AgeMin > 0 },
		bornYears(ageMin, false, 0, 1), bornYears(ageMin, false, 0, 0),
	},
	{
		product.TermAgePlusTermMax, "最后到期日年龄上限", func(v product.Version) bool { return v.AgePlusTermMax > 0 },
		bornYears(ageMax, true, 1, 0), bornYears(ageMax, true, 1, 1),
	},
	{
		product.TermBusinessAgeMonths, "最短经营时间", func(v product.Version) bool { return v.BusinessAgeMonthsMin > 0 },
		func(f *decision.Facts, o offer) {
			f.BusinessAgeMonths = decision.Known(o.version.BusinessAgeMonthsMin - 1)
		},
		func(f *decision.Facts, o offer) { f.BusinessAgeMonths = decision.Known(o.version.BusinessAgeMonthsMin) },
	},
	{
		product.TermForbiddenPurposes, "禁止用途", func(v product.Version) bool { return len(v.ForbiddenPurposes) > 0 },
		func(f *decision.Facts, o offer) { f.Purpose = decision.Known(o.version.ForbiddenPurposes[0]) },
		func(*decision.Facts, offer) {},
	},
	{
		product.TermQuickApprovalMax, "快速审批上限", func(v product.Version) bool { return v.QuickApprovalMax.Sign() > 0 },
		askAmount(quickMax, fen), askAmount(quickMax, money.Amount{}),
	},
	{
		product.TermSiteVisitRequired, "须实地调查", func(v product.Version) bool { return v.SiteVisitRequired },
		func(f *decision.Facts, _ offer) { f.SiteVisitDone = decision.Known(false) }, func(*decision.Facts, offer) {},
	},
	{
		product.TermGuarantee, "须农担公司担保的起点金额", func(v product.Version) bool { _, ever := v.GuaranteeCompanyFrom(); return ever },
		func(f *decision.Facts, o offer) {
			f.GuaranteeLetterLive, f.Amount = decision.Known(false), decision.Known(guaranteeFrom(o.version))
		},
		func(f *decision.Facts, o offer) { f.Amount = decision.Known(guaranteeFrom(o.version)) },
	},
	{
		product.TermDocuments, "必备申请资料", func(v product.Version) bool {
			return slices.ContainsFunc(v.Documents, func(d product.Document) bool { return d.Key })
		},
		func(f *decision.Facts, o offer) { // nothing was handed in, and nothing is on file
			documentFacts(f, o.version, borrower.Borrower{Kind: kindOnFile(o.product.BorrowerKinds[0])}, nil, nil, f.EvaluatedOn)
		},
		func(*decision.Facts, offer) {},
	},
}

// kindOnFile is the kind of borrower that the catalogue's word stands for.
func kindOnFile(word string) borrower.Kind {
	if word == product.BorrowerFamilyFarmOwner {
		return borrower.KindFamilyFarm
	}
	return borrower.Kind(word)
}

// proveTermsByRules puts two cases for each term of each product on offer before the rule set in force.
func proveTermsByRules(_ context.Context, c *configuration, p *proofs) {
	for _, o := range c.offers {
		if o.engine == nil {
			p.unjudged(o)
			continue
		}
		for _, probe := range termProbes {
			row := ControlProof{Subject: o.name() + "，规则集 " + o.engine.RuleSet(), Limit: termText(o.version, probe.term)}
			if !probe.sets(o.version) {
				p.none(row.Subject, "产品没有设置"+probe.label)
				continue
			}
			good := o.good(c.today, money.Amount{}, false)
			beyond, within := good, good
			probe.beyond(&beyond, o)
			probe.within(&within, o)
			row.Tried, row.Within = changedText(good, beyond), changedText(good, within)
			p.addOutcomes(row, o.engine.Evaluate(beyond), o.engine.Evaluate(within))
		}
	}
}

// unjudged says that no rules look at an offer, and whether that is so by intention.
func (p *proofs) unjudged(o offer) {
	if o.wrong != nil {
		p.broken(ControlProof{Subject: o.name()}, "生效的规则集无法使用，申请提交时会失败："+refusalText(o.wrong))
		return
	}
	p.none(o.name(), "没有生效的规则集：每笔申请都转人工审查，不会自动通过")
}

// addOutcomes weighs two outcomes: beyond the limit some rule must refuse that does not refuse within it, and the case must
// not be approved.
func (p *proofs) addOutcomes(row ControlProof, beyond, within decision.Outcome) {
	refuses := func(o decision.Outcome, code string) bool {
		r, there := reasonOf(o, code)
		return there && r.Effect != decision.Approve
	}
	row.Status = ControlHolds
	for _, r := range beyond.Reasons {
		if r.Effect != decision.Approve && !refuses(within, r.Code) {
			row.RefusedBy, row.Refused = r.Code, r.Text
			break
		}
	}
	switch {
	case beyond.Result == decision.Approve:
		row.Status, row.Finding = ControlBroken, "超出限额仍被自动通过：规则集中没有执行这一条件的规则"
	case row.RefusedBy == "" && len(within.Declined())+len(within.Referred()) > 0:
		row.Status, row.Finding = ControlBroken, "没有一条规则区分限额内外：两边都因“"+firstRefusal(within)+"”未通过"
	case row.RefusedBy == "":
		row.Status, row.Finding = ControlBroken, "没有一条规则区分限额内外"
	}
	p.put(row)
}

func firstRefusal(o decision.Outcome) string {
	for _, r := range o.Reasons {
		if r.Effect != decision.Approve {
			return r.Text
		}
	}
	return ""
}

// termText is a term as the product sheet writes it.
func termText(v product.Version, name product.TermName) string {
	for _, row := range v.Rows() {
		if row.Name == name {
			return row.Label + "：" + row.Text
		}
	}
	return ""
}

const goodCase = "一笔各项合格的申请"

// changedText says in which facts a case differs from the good one.
func changedText(good, changed decision.Facts) string {
	from, to := good.Snapshot(), changed.Snapshot()
	var parts []string
	for _, d := range decision.Definitions() {
		a, b := from[string(d.Name)], to[string(d.Name)]
		if b != nil && (a == nil || *a != *b) {
			parts = append(parts, d.Label+" "+*b)
		}
	}
	if len(parts) == 0 {
		return goodCase
	}
	return goodCase + "，改为：" + strings.Join(parts, "，")
}

// proveRuleSets looks for a case that each rule of each rule set in force refuses, and shows it to the whole set.
func proveRuleSets(_ context.Context, c *configuration, p *proofs) {
	judged := map[string][]offer{}
	var names []string
	for _, o := range c.offers {
		if o.engine == nil {
			continue
		}
		name := o.engine.RuleSet()
		if judged[name] == nil {
			names = append(names, name)
		}
		judged[name] = append(judged[name], o)
	}
	if len(names) == 0 {
		p.none("", "没有生效的规则集：每笔申请都转人工审查，不会自动通过")
	}
	for _, name := range names {
		for _, code := range judged[name][0].engine.RefusingCodes() {
			p.proveRule(name, code, judged[name], c)
		}
	}
}

// settings are the facts that come from the configuration: a self-test takes them as they are.
var settings = []decision.FactName{
	decision.FactEvaluatedOn, decision.FactProductCode, decision.FactRegionCode, decision.FactProductOffered, decision.FactBorrowerKindsAllowed,
	decision.FactPurposesForbidden, decision.FactAmountMin, decision.FactAmountMax, decision.FactTermMonthsMin, decision.FactTermMonthsMax,
	decision.FactAgeMin, decision.FactAgeAtLastDueMax, decision.FactBusinessAgeMonthsMin, decision.FactAnnualRateMaxPct, decision.FactQuickApprovalMax,
	decision.FactGuaranteeCompanyFrom, decision.FactRecommendedListRequired, decision.FactSiteVisitRequired, decision.FactExposureProductMax,
	decision.FactExposureLenderMax,
}

// proveRule tries one rule on the products it judges, until one of them has a case that it refuses.
func (p *proofs) proveRule(ruleSet, code string, offers []offer, c *configuration) {
	row := ControlProof{Subject: "规则集 " + ruleSet, Limit: "规则 " + code}
	applies, elsewhere, ever := false, false, false // to a case of these products; refuses, and applies, under other settings
	for _, o := range offers {
		limit, limited := lenderMaxOn(c.lenderLimits, o.product.BorrowerKinds[0], c.today)
		good := o.good(c.today, limit, limited)
		example, applied, found := o.engine.Counterexample(code, good, settings...)
		applies = applies || applied
		if !found {
			_, applied, under := o.engine.Counterexample(code, good) // other settings
			elsewhere, ever = elsewhere || under, ever || applied
			continue
		}
		outcome := o.engine.Evaluate(example.Facts)
		refused, there := reasonOf(outcome, code)
		if !there || refused.Effect == decision.Approve || outcome.Result == decision.Approve {
			p.broken(row, "这条规则单独拒绝的申请，规则集整体没有拒绝")
			return
		}
		if passed, there := reasonOf(o.engine.Evaluate(good), code); there && passed.Effect == decision.Approve {
			row.Within = goodCase
		}
		row.Subject += "，" + o.name()
		row.Status, row.Tried, row.RefusedBy, row.Refused = ControlHolds, changedText(good, example.Facts), refused.Code, refused.Text
		p.put(row)
		return
	}
	switch {
	case elsewhere:
		p.none(row.Subject+"，规则 "+code, "在现行产品的设置下，没有申请会触发这条规则")
	case !applies && !ever:
		p.broken(row, "没有找到这条规则适用的申请：请核对它的适用条件，例如是否恒不成立")
	case applies:
		p.broken(row, "没有找到这条规则会拒绝的申请：请核对它的条件，例如是否恒为真")
	default:
		p.none(row.Subject+"，规则 "+code, "这条规则对现行产品都不适用")
	}
}

func reasonOf(o decision.Outcome, code string) (decision.Reason, bool) {
	i := slices.IndexFunc(o.Reasons, func(r decision.Reason) bool { return r.Code == code })
	if i < 0 {
		return decision.Reason{}, false
	}
	return o.Reasons[i], true
}
