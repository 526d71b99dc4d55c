package decision

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"fumin/domain"
	"fumin/domain/money"
)

// RuleSetStatus is where a rule set is in its life (规则集状态). The zero value is invalid.
type RuleSetStatus string

// The statuses, in the order of a rule set's life, which goes one way; editing a validated set makes it a draft again.
const (
	RuleSetDraft     RuleSetStatus = "draft"     // 草稿: its maker may still change it
	RuleSetValidated RuleSetStatus = "validated" // 已校验: compiles, waits for the second person
	RuleSetActive    RuleSetStatus = "active"    // 已启用: never changes again
)

// RuleSetStatuses lists every status in the order of a rule set's life.
func RuleSetStatuses() []RuleSetStatus {
	return []RuleSetStatus{RuleSetDraft, RuleSetValidated, RuleSetActive}
}

// Valid reports whether s is one of RuleSetStatuses.
func (s RuleSetStatus) Valid() bool { return slices.Contains(RuleSetStatuses(), s) }

// Label is the status in Chinese.
func (s RuleSetStatus) Label() string {
	switch s {
	case RuleSetDraft:
		return "草稿"
	case RuleSetValidated:
		return "已校验"
	case RuleSetActive:
		return "已启用"
	}
	return string(s)
}

// RuleSetHead is everything about a rule set but what its rules say.
type RuleSetHead struct {
	ID      domain.ID
	Code    string // of the family, kebab-case; with Number it is what an outcome names: "shandong-standard/3"
	Number  int    // of this version within the family, from 1
	Title   string // the definition's
	Hash    string // of the definition
	Product string // the product it is for; empty: all products
	// RegionPrefix is where it holds: every region that begins with it (2, 4, 6, 9 or 12 digits); empty: everywhere.
	RegionPrefix  string
	EffectiveFrom domain.Date // first day on which it holds
	EffectiveTo   domain.Date // first day on which it no longer holds; zero: until further notice
	Status        RuleSetStatus

	MadeBy      domain.ID // who drafted it; only this person edits the draft
	MadeAt      time.Time
	ActivatedBy domain.ID // the second person; never MadeBy
	ActivatedAt time.Time
	Revision    int // counts the stored changes of this row
}

// RuleSetVersion is a version of a rule set (规则集版本): what the rules say, for which product, where and from when.
type RuleSetVersion struct {
	RuleSetHead

	Definition Definition
}

// Name is how an outcome names the set: code/number.
func (h RuleSetHead) Name() string { return fmt.Sprintf("%s/%d", h.Code, h.Number) }

// Covers reports whether the set is made for the product and the region.
func (h RuleSetHead) Covers(product, region string) bool {
	return (h.Product == "" || h.Product == product) && strings.HasPrefix(region, h.RegionPrefix)
}

// InForce reports whether the set holds on the day: active, begun and not ended.
func (h RuleSetHead) InForce(on domain.Date) bool {
	return h.Status == RuleSetActive && !h.EffectiveFrom.After(on) && (h.EffectiveTo.IsZero() || h.EffectiveTo.After(on))
}

// Compile makes the set ready to judge.
func (s RuleSetVersion) Compile() (*Engine, error) { return Compile(s.Code, s.Number, s.Definition) }

// ResolveRuleSet finds the set in force for a product in a region on a day: one made for the product goes before one for all
// products, and then the one for the smaller region. false: there is none.
func ResolveRuleSet(sets []RuleSetHead, product, region string, on domain.Date) (RuleSetHead, bool) {
	var best RuleSetHead
	found := false
	for _, s := range sets {
		if s.InForce(on) && s.Covers(product, region) && (!found || s.closer(best)) {
			best, found = s, true
		}
	}
	return best, found
}

// closer reports whether h is made for less than o. Of two for the same, the later begun counts; storage keeps that from
// happening.
func (h RuleSetHead) closer(o RuleSetHead) bool {
	if h.forLess(o) || o.forLess(h) {
		return h.forLess(o)
	}
	return h.EffectiveFrom.After(o.EffectiveFrom)
}

// forLess reports whether h goes before o whenever both hold, by what they are made for.
func (h RuleSetHead) forLess(o RuleSetHead) bool {
	if (h.Product != "") != (o.Product != "") {
		return h.Product != ""
	}
	return len(h.RegionPrefix) > len(o.RegionPrefix)
}

// GivesWay reports whether another set goes before h for a case of the product in the region on the day, so that h would never
// judge it. h itself need not be in force.
func (h RuleSetHead) GivesWay(sets []RuleSetHead, product, region string, on domain.Date) bool {
	return slices.ContainsFunc(sets, func(s RuleSetHead) bool {
		return s.InForce(on) && s.Covers(product, region) && s.forLess(h)
	})
}

// RuleSetContent is what a maker writes of a set.
type RuleSetContent struct {
	Product       string
	RegionPrefix  string
	EffectiveFrom domain.Date
	Definition    Definition
}

// ValidRegionScope reports whether text is a prefix of a region code, or empty: everywhere.
func ValidRegionScope(text string) bool {
	return slices.Contains([]int{0, 2, 4, 6, 9, 12}, len(text)) && strings.Trim(text, "0123456789") == ""
}

// Validate looks at everything but the definition, which a draft may still have wrong.
func (c RuleSetContent) Validate() error {
	var p domain.Problems
	if !ValidRegionScope(c.RegionPrefix) {
		p.Add("/region_prefix", "invalid-region", "应为 2、4、6、9 或 12 位行政区划代码；不限地区时不填")
	}
	if c.EffectiveFrom.IsZero() {
		p.Add("/effective_from", "required", "请填写生效日期")
	}
	return p.Err()
}

var (
	errRuleSetInUse    = domain.Errorf(domain.KindConflict, "rule-set-in-use", "已启用的规则集不能更改，请起草一个新版本")
	errRuleSetUnproved = domain.Errorf(domain.KindConflict, "rule-set-not-validated", "规则集尚未通过校验，请先校验")
)

// Edit replaces the content of a set that is not yet active. Only its maker may edit it, because whoever wrote a part of it
// could otherwise activate their own work.
func (s RuleSetVersion) Edit(by domain.ID, at time.Time, content RuleSetContent) (RuleSetVersion, error) {
	if s.Status == RuleSetActive {
		return RuleSetVersion{}, errRuleSetInUse
	}
	if by != s.MadeBy {
		return RuleSetVersion{}, domain.Errorf(domain.KindForbidden, "only-maker-edits", "只有起草人可以修改草稿")
	}
	s.Product, s.RegionPrefix, s.EffectiveFrom, s.Definition = content.Product, content.RegionPrefix, content.EffectiveFrom, content.Definition
	s.Title, s.Hash = content.Definition.Title, content.Definition.Hash()
	s.MadeAt, s.Status = at, RuleSetDraft
	return s, nil
}

// Check compiles a draft and marks it validated; the error names every place that is wrong.
func (s RuleSetVersion) Check() (RuleSetVersion, error) {
	if s.Status == RuleSetActive {
		return RuleSetVersion{}, errRuleSetInUse
	}
	if _, err := s.Compile(); err != nil {
		var p domain.Problems
		p.Check("/definition", err)
		return RuleSetVersion{}, p.Err()
	}
	s.Status = RuleSetValidated
	return s, nil
}

// RuleSetActivation is what activating a set changes, in one transaction.
type RuleSetActivation struct {
	Activated RuleSetVersion
	Closed    *RuleSetHead // the set before it, which now ends where Activated begins; nil: none to end
}

// Activate puts a validated set into use (启用) from a day on that has not passed. A second person does it (四眼原则). others
// are the heads of the sets for the same product and region prefix: the one before ends on that day, and one that begins
// later ends this one.
func (s RuleSetVersion) Activate(by domain.ID, at time.Time, from domain.Date, others []RuleSetHead) (RuleSetActivation, error) {
	switch today := domain.DateOf(at); {
	case s.Status == RuleSetActive:
		return RuleSetActivation{}, errRuleSetInUse
	case s.Status != RuleSetValidated:
		return RuleSetActivation{}, errRuleSetUnproved
	case by == s.MadeBy || by.IsZero():
		return RuleSetActivation{}, domain.Errorf(domain.KindForbidden, "maker-is-checker", "起草人不能启用自己起草的规则集，请由另一人启用")
	case from.Before(today):
		return RuleSetActivation{}, domain.Errorf(domain.KindRule, "activation-in-the-past", "生效日期 %s 已过，请改为 %s 或以后", from, today)
	}
	if _, err := s.Compile(); err != nil { // the facts may have changed since Check
		return RuleSetActivation{}, errRuleSetUnproved.Because(err)
	}
	s.EffectiveFrom, s.EffectiveTo = from, domain.Date{}
	var before *RuleSetHead
	for _, o := range others {
		if o.ID == s.ID || o.Status != RuleSetActive || o.Product != s.Product || o.RegionPrefix != s.RegionPrefix {
			continue
		}
		switch {
		case o.EffectiveFrom == from:
			return RuleSetActivation{}, domain.Errorf(domain.KindConflict, "rule-set-conflict", "%s 起该范围已有规则集 %s 启用，请另选生效日期", from, o.Name())
		case o.EffectiveFrom.Before(from) && (before == nil || o.EffectiveFrom.After(before.EffectiveFrom)):
			before = &o
		case o.EffectiveFrom.After(from) && (s.EffectiveTo.IsZero() || o.EffectiveFrom.Before(s.EffectiveTo)):
			s.EffectiveTo = o.EffectiveFrom
		}
	}
	s.Status, s.ActivatedBy, s.ActivatedAt = RuleSetActive, by, at
	activation := RuleSetActivation{Activated: s}
	if before != nil && (before.EffectiveTo.IsZero() || before.EffectiveTo.After(from)) {
		closed := *before
		closed.EffectiveTo = from
		activation.Closed = &closed
	}
	return activation, nil
}

// NoRuleSet names the rules in an outcome that no rules made.
const NoRuleSet = "none"

// Unjudged is the outcome where no rule set is in force: a person looks at the case, and nothing is ever approved by absence.
// The ceilings are what was asked for, within the product's limits.
func Unjudged(f Facts) Outcome {
	o := Outcome{Result: Refer, RuleSet: NoRuleSet, EvaluatedOn: f.EvaluatedOn, Reasons: []Reason{{
		Code: "no-rule-set", Effect: Refer, Text: "当日没有适用于本产品、本地区的规则集，无法自动判断",
		Suggestion: "由审批人审查；请风险经理启用规则集",
	}}}
	if amount, known := f.Amount.Value(); known {
		o.AmountMax = amount
	}
	if most, known := f.AmountMax.Value(); known && o.AmountMax.Cmp(most) > 0 {
		o.AmountMax = most
	}
	if months, known := f.TermMonths.Value(); known {
		o.TermMonthsMax = max(months, 0)
	}
	if most, known := f.TermMonthsMax.Value(); known {
		o.TermMonthsMax = min(o.TermMonthsMax, most)
	}
	if rate, known := f.AnnualRateMaxPct.Value(); known {
		o.AnnualRateMaxPct = rate
	}
	if o.AmountMax.Cmp(money.Fen(0)) < 0 {
		o.AmountMax = money.Fen(0)
	}
	return o
}
