package decision

import (
	"errors"
	"fmt"
	"regexp"
	"slices"

	"fumin/domain"
)

// Engine is a compiled rule set. It never changes, and any number of goroutines may use it at once.
type Engine struct {
	ruleSet    string // id/version
	hash       string
	definition Definition
	rules      []compiledRule
	scorecard  *compiledScorecard
	limits     []compiledLimit
	routes     []compiledRoute
	marks      []compareNumbers // comparisons with the amount: where a result may change
}

// guarded is what every part has in common: the condition under which it counts.
type guarded struct {
	when condition // nil: always
	dependence
	cost int // of judging the part once, in nodes of its expressions: what the search for a better request pays for it
}

// dependence says whether another request may fare differently.
type dependence struct{ onAmount, onTerm bool }

func (d dependence) dynamic() bool { return d.onAmount || d.onTerm }

func (d dependence) and(o dependence) dependence {
	return dependence{d.onAmount || o.onAmount, d.onTerm || o.onTerm}
}

type compiledRule struct {
	Rule
	guarded
	passes                                     condition
	evidence                                   *evidence
	reason, passed, suggestion, suggestionNone template
}

type compiledScorecard struct {
	Scorecard
	guarded
	bands      [][]condition // per characteristic; nil: for all others
	suggestion template
}

type compiledLimit struct {
	Limit
	guarded
	target                     FactName // amount, term_months, annual_rate_max_pct, or empty for a spread
	most                       typed
	reason, passed, suggestion template
}

type compiledRoute struct {
	Route
	guarded
	text template
}

// RuleSet returns id/version, as it stands in every outcome.
func (e *Engine) RuleSet() string { return e.ruleSet }

// Hash returns the SHA-256 of the canonical definition, in hexadecimal.
func (e *Engine) Hash() string { return e.hash }

// Definition returns what the engine was compiled from. It shares its slices: do not change it.
func (e *Engine) Definition() Definition { return e.definition }

// RuleCodes lists the codes of all rules, in their order; those of the scorecard and the limits come after.
func (e *Engine) RuleCodes() []string {
	var codes []string
	for _, r := range e.rules {
		codes = append(codes, r.Code)
	}
	if e.scorecard != nil {
		codes = append(codes, codeScore)
	}
	for _, l := range e.limits {
		codes = append(codes, l.Code)
	}
	return codes
}

// The codes of reasons that no rule of a definition names.
const codeScore = "score-below-approval"

var codePattern = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// ruleSetIDLengthMax leaves room for "/" and the version in the 64 characters that an outcome's rule set has.
const ruleSetIDLengthMax = 53

// Compile checks a definition against the facts and makes it ready to judge. Everything wrong with it is in one error of kind
// invalid: each field with its pointer below the definition, and for an expression the line and column.
func Compile(id string, version int, d Definition) (*Engine, error) {
	c := compiler{codes: map[string]bool{codeScore: true}}
	if id == "" || len(id) > ruleSetIDLengthMax || version < 1 {
		return nil, domain.Errorf(domain.KindInvalid, "rule-set-unreadable", "规则集的编号或版本号不正确")
	}
	if len(d.Canonical()) > DefinitionBytesMax {
		return nil, domain.Errorf(domain.KindInvalid, "rule-set-unreadable", "规则集过大，最多 %d 个字节", DefinitionBytesMax)
	}
	e := &Engine{ruleSet: fmt.Sprintf("%s/%d", id, version), hash: d.Hash(), definition: d}
	c.size("/rules", len(d.Rules), 1, RulesMax)
	c.size("/limits", len(d.Limits), 0, LimitsMax)
	c.size("/routes", len(d.Routes), 0, RoutesMax)
	if c.problems.Any() {
		return nil, c.problems.Err()
	}
	c.text("/title", d.Title)
	for i, r := range d.Rules {
		e.rules = append(e.rules, c.rule(fmt.Sprintf("/rules/%d", i), r))
	}
	if d.Scorecard != nil {
		s := c.scorecard("/scorecard", *d.Scorecard)
		e.scorecard = &s
	}
	for i, l := range d.Limits {
		e.limits = append(e.limits, c.limit(fmt.Sprintf("/limits/%d", i), l))
	}
	for i, r := range d.Routes {
		e.routes = append(e.routes, c.route(fmt.Sprintf("/routes/%d", i), r))
	}
	if n := len(c.marks); n > MarksMax {
		c.problems.Add("/rules", "out-of-range", "整个规则集中与申请金额比较的地方共有 %d 处，最多 %d 处；请减少："+
			"把逐档写死金额的条件合并成一条额度规则（amount_max），或按产品、地区拆成几个规则集", n, MarksMax)
	}
	if err := c.problems.Err(); err != nil {
		return nil, err
	}
	e.marks = c.marks
	return e, nil
}

// compiler collects what is wrong while it builds.
type compiler struct {
	problems domain.Problems
	codes    map[string]bool
	score    dependence
	marks    []compareNumbers
}

func (c *compiler) size(pointer string, n, least, most int) {
	if n < least || n > most {
		c.problems.Add(pointer, "out-of-range", "应有 %d 至 %d 条，现有 %d 条", least, most, n)
	}
}

func (c *compiler) points(pointer string, n int) {
	if n < -PointsMax || n > PointsMax {
		c.problems.Add(pointer, "out-of-range", "分数应在 -%d 与 %d 之间", PointsMax, PointsMax)
	}
}

// text asks for a text that is there and not too long.
func (c *compiler) text(pointer, text string) {
	switch n := len([]rune(text)); {
	case n == 0:
		c.problems.Add(pointer, "required", "请填写文字")
	case n > textLengthMax:
		c.problems.Add(pointer, "too-long", "文字过长，最多 %d 个字", textLengthMax)
	}
}

func (c *compiler) code(pointer, code string) {
	switch {
	case len(code) > codeLengthMax || !codePattern.MatchString(code):
		c.problems.Add(pointer, "invalid-code", "代码应为小写字母、数字和连字符，例如 age-at-last-due-above-maximum，最多 %d 个字符", codeLengthMax)
	case c.codes[code]:
		c.problems.Add(pointer, "duplicate-code", "代码“%s”已被使用，请换一个", code)
	}
	c.codes[code] = true
}

// wrong records what is wrong with an expression.
func (c *compiler) wrong(pointer string, err error) {
	if e, ok := errors.AsType[*expressionError](err); ok {
		c.problems.Add(pointer, "expression-invalid", "%s", e.Error())
		return
	}
	c.problems.Check(pointer, err)
}

// condition checks a condition; an empty text is nil: always.
func (c *compiler) condition(pointer, text string, optional bool, local ...FactName) (condition, dependence) {
	if text == "" && optional {
		return nil, dependence{}
	}
	e, err := checker{text: text, local: local}.condition()
	if err != nil {
		c.wrong(pointer, err)
		return nil, dependence{}
	}
	return e, c.inspect(e)
}

// inspect says how an expression depends on the request, and notes its comparisons with the amount.
func (c *compiler) inspect(e expression) dependence {
	c.inspectMarks(e)
	var d dependence
	for _, slot := range factsIn(e) {
		switch slot {
		case slotAmount:
			d.onAmount = true
		case slotTermMonths, slotLastDueOn, slotAgeAtLastDue:
			d.onTerm = true
		case slotScore:
			d = d.and(c.score)
		}
	}
	return d
}

func (c *compiler) inspectMarks(e expression) {
	if comparison, ok := e.(compareNumbers); ok && slices.Contains(factsIn(e), slotAmount) {
		c.marks = append(c.marks, comparison)
	}
	for _, child := range e.children() {
		c.inspectMarks(child)
	}
}

func (c *compiler) guard(pointer, text string, local ...FactName) guarded {
	when, depends := c.condition(pointer+"/when", text, true, local...)
	return guarded{when, depends, 1 + nodesOf(when)}
}

// words checks a text with braces.
func (c *compiler) words(pointer, text string, required bool, how checker) template {
	if text == "" && !required {
		return template{}
	}
	if text == "" {
		c.problems.Add(pointer, "required", "请填写文字")
	}
	t, err := how.template(text)
	if err != nil {
		c.wrong(pointer, err)
	}
	return t
}

func (c *compiler) otherwise(pointer string, r Result) {
	if r != Decline && r != Refer {
		c.problems.Add(pointer, "invalid-value", "应为 decline（拒绝）或 refer（转人工审查）")
	}
}

func (c *compiler) task(pointer string, kind TaskKind) {
	if !kind.Valid() {
		c.problems.Add(pointer, "invalid-value", "没有这种待办，可用的有 site_visit、guarantee_answer、bureau_confirmation、papers、reviewer_opinion")
	}
}

func (c *compiler) rule(pointer string, r Rule) compiledRule {
	compiled := compiledRule{Rule: r, guarded: c.guard(pointer, r.When)}
	c.code(pointer+"/code", r.Code)
	c.otherwise(pointer+"/otherwise", r.Otherwise)
	if r.Task != "" {
		c.task(pointer+"/task", r.Task)
	}
	var depends dependence
	compiled.passes, depends = c.condition(pointer+"/passes", r.Passes, false)
	compiled.dependence = compiled.and(depends)
	compiled.cost += nodesOf(compiled.passes)
	if compiled.passes != nil {
		compiled.evidence = evidenceOf(compiled.passes, true)
	}
	compiled.reason = c.words(pointer+"/reason", r.Reason, true, checker{})
	compiled.passed = c.words(pointer+"/passed", r.Passed, true, checker{})
	compiled.suggestion = c.words(pointer+"/suggestion", r.Suggestion, true, checker{local: []FactName{FactAmountPassing, FactTermMonthsPassing}})
	compiled.suggestionNone = c.words(pointer+"/suggestion_none", r.SuggestionNone, len(compiled.suggestion.local) > 0, checker{})
	return compiled
}

func (c *compiler) scorecard(pointer string, s Scorecard) compiledScorecard {
	compiled := compiledScorecard{Scorecard: s, guarded: c.guard(pointer, s.When)}
	c.size(pointer+"/characteristics", len(s.Characteristics), 1, CharacteristicsMax)
	c.points(pointer+"/base", s.Base)
	c.points(pointer+"/approve_from", s.ApproveFrom)
	c.points(pointer+"/refer_from", s.ReferFrom)
	if s.ReferFrom > s.ApproveFrom {
		c.problems.Add(pointer+"/refer_from", "out-of-range", "转人工的起点分不能高于通过的起点分")
	}
	compiled.suggestion = c.words(pointer+"/suggestion", s.Suggestion, true, checker{local: []FactName{FactScore}})
	seen := map[string]bool{}
	for i, characteristic := range s.Characteristics[:min(len(s.Characteristics), CharacteristicsMax)] {
		at := fmt.Sprintf("%s/characteristics/%d", pointer, i)
		if !codePattern.MatchString(characteristic.Code) || len(characteristic.Code) > codeLengthMax {
			c.problems.Add(at+"/code", "invalid-code", "代码应为小写字母、数字和连字符，最多 %d 个字符", codeLengthMax)
		}
		if seen[characteristic.Code] {
			c.problems.Add(at+"/code", "duplicate-code", "代码“%s”已被使用，请换一个", characteristic.Code)
		}
		seen[characteristic.Code] = true
		c.text(at+"/label", characteristic.Label)
		bands := c.bands(at+"/bands", characteristic.Bands, &compiled.dependence)
		compiled.bands = append(compiled.bands, bands)
		for _, when := range bands {
			compiled.cost += 2 * nodesOf(when) // once for the effect, and once for the score that limits read
		}
	}
	c.score = compiled.dependence
	return compiled
}

func (c *compiler) bands(pointer string, bands []Band, all *dependence) []condition {
	c.size(pointer, len(bands), 1, BandsMax)
	conditions := make([]condition, 0, BandsMax)
	for i, band := range bands[:min(len(bands), BandsMax)] {
		at := fmt.Sprintf("%s/%d", pointer, i)
		c.points(at+"/points", band.Points)
		c.text(at+"/reason", band.Reason)
		last := i == len(bands)-1
		if last != (band.When == "") {
			c.problems.Add(at+"/when", "band-order", "只有最后一档、也必须是最后一档，不写条件：它适用于其余所有情形")
		}
		when, depends := c.condition(at+"/when", band.When, true)
		conditions = append(conditions, when)
		*all = all.and(depends)
	}
	return conditions
}

func (c *compiler) limit(pointer string, l Limit) compiledLimit {
	compiled := compiledLimit{Limit: l, guarded: c.guard(pointer, l.When, FactScore)}
	c.code(pointer+"/code", l.Code)
	set := 0
	for _, option := range []struct {
		name, text, unit, format string
		target                   FactName
	}{
		{"amount_max", l.AmountMax, "元", "amount", FactAmount},
		{"term_months_max", l.TermMonthsMax, "个月", "integer", FactTermMonths},
		{"annual_rate_max_pct", l.AnnualRateMaxPct, "%/年", "rate", FactAnnualRateMaxPct},
		{"spread_bp", l.SpreadBP, "基点", "integer", ""},
	} {
		if option.text == "" {
			continue
		}
		set++
		compiled.target = option.target
		q, err := checker{text: option.text, local: []FactName{FactScore}}.quantity(option.unit)
		if err != nil {
			c.wrong(pointer+"/"+option.name, err)
			continue
		}
		compiled.most = typed{kind{base: "number", format: option.format, unit: option.unit}, q}
		compiled.dependence = compiled.and(c.inspect(q))
		compiled.cost += nodesOf(q)
	}
	if set != 1 {
		c.problems.Add(pointer, "limit-kind", "amount_max、term_months_max、annual_rate_max_pct、spread_bp 四项必须且只能填写一项")
	}
	binding := compiled.target == FactAmount || compiled.target == FactTermMonths
	if binding {
		compiled.dependence = compiled.and(dependence{compiled.target == FactAmount, compiled.target == FactTermMonths})
		c.otherwise(pointer+"/otherwise", l.Otherwise)
	} else if l.Otherwise != "" {
		c.problems.Add(pointer+"/otherwise", "invalid-value", "定价规则不填写 otherwise")
	}
	how := checker{local: []FactName{FactScore, FactLimit}, limit: compiled.most.kind}
	compiled.reason = c.words(pointer+"/reason", l.Reason, true, how)
	compiled.passed = c.words(pointer+"/passed", l.Passed, binding, how)
	compiled.suggestion = c.words(pointer+"/suggestion", l.Suggestion, binding, how)
	return compiled
}

func (c *compiler) route(pointer string, r Route) compiledRoute {
	compiled := compiledRoute{Route: r, guarded: c.guard(pointer, r.When, FactScore)}
	c.code(pointer+"/code", r.Code)
	c.task(pointer+"/task", r.Task)
	c.size(pointer+"/bring", len(r.Bring), 0, BringMax)
	for i, paper := range r.Bring[:min(len(r.Bring), BringMax)] {
		c.text(fmt.Sprintf("%s/bring/%d", pointer, i), paper)
	}
	compiled.text = c.words(pointer+"/text", r.Text, true, checker{local: []FactName{FactScore}})
	return compiled
}
