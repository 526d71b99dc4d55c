package decision

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"fumin/domain/money"
)

// Evaluate judges the facts by every rule. The worst effect is the result: a decline beats a referral, a referral beats an
// approval. It is a pure function and never fails: what it cannot judge it refers.
func (e *Engine) Evaluate(f Facts) Outcome {
	fr := frames.Get().(*frame) //nolint:forcetypeassert // the pool holds nothing else
	defer frames.Put(fr)
	return e.evaluate(newSearch(e, fr, &f))
}

func (e *Engine) evaluate(s *search) Outcome {
	fr, f := s.frame, s.facts
	fr.fill(f)
	outcome := Outcome{RuleSet: e.ruleSet, RuleSetHash: e.hash, EvaluatedOn: f.EvaluatedOn}
	outcome.Reasons = make([]Reason, 0, len(e.rules)+len(e.limits)+1)
	var asked []Task // by the rules that refer
	for i := range e.rules {
		r := &e.rules[i]
		v := r.judge(fr)
		if v == notApplicable {
			continue
		}
		reason := r.explain(v, s)
		outcome.Reasons = append(outcome.Reasons, reason)
		if r.Task != "" && v.effect(r.Otherwise) == Refer {
			asked = append(asked, Task{Kind: r.Task, Code: r.Code, Text: r.taskText(v, reason, fr)})
		}
	}
	if score := e.score(fr); score != nil {
		outcome.Score = score
		outcome.Reasons = append(outcome.Reasons, e.scorecard.explain(score, e.scorecard.effect(fr), fr))
	}
	ceilings := e.limit(fr, &outcome)
	slices.SortStableFunc(outcome.Reasons, func(a, b Reason) int { return cmp.Compare(b.Effect.rank(), a.Effect.rank()) })
	outcome.Result = worst(outcome.Reasons)
	if outcome.Result == Refer {
		outcome.Tasks = e.tasks(fr, asked)
	}
	s.wayOut(ceilings, &outcome)
	return outcome
}

// verdict of one rule on one case.
type judgement uint8

const (
	notApplicable judgement = iota
	met
	failed
	undecided // for want of a fact
)

// effect is what a judgement leads to.
func (j judgement) effect(otherwise Result) Result {
	switch j {
	case failed:
		return otherwise
	case undecided:
		return Refer
	case notApplicable, met:
	}
	return Approve
}

// guardTruth is whether the part counts: true, false (also for absent), or unknown.
func (g guarded) truth(fr *frame) truth {
	if g.when == nil {
		return isTrue
	}
	if t := g.when.truth(fr); t != isAbsent {
		return t
	}
	return isFalse
}

// judge asks a rule. It says "if When, then Passes"; so it is met whenever Passes holds, even if it is unknown whether the
// rule applies.
func (r *compiledRule) judge(fr *frame) judgement {
	when := r.truth(fr)
	if when == isFalse {
		return notApplicable
	}
	switch r.passes.truth(fr) {
	case isTrue:
		return met
	case isAbsent:
		return notApplicable
	case isFalse:
		if when == isTrue {
			return failed
		}
	case isUnknown:
	}
	return undecided
}

func (r *compiledRule) explain(v judgement, s *search) Reason {
	fr := s.frame
	if v == undecided {
		return missingReason(r.Code, missingInGuarded(r.guarded, r.passes, fr))
	}
	reason := Reason{Code: r.Code, Effect: v.effect(r.Otherwise)}
	reason.FactName, reason.Value, reason.Threshold = r.evidence.seen(fr)
	if v == met {
		reason.Text, _ = r.passed.render(fr)
		return reason
	}
	reason.Text, _ = r.reason.render(fr)
	if len(r.suggestion.local) > 0 && !s.passing(r) {
		reason.Suggestion = searchCutShort
		return reason
	}
	var complete bool
	if reason.Suggestion, complete = r.suggestion.render(fr); !complete && len(r.suggestion.local) > 0 {
		reason.Suggestion, _ = r.suggestionNone.render(fr)
	}
	return reason
}

// searchCutShort is suggested where searchCostMax was spent: neither that something passes nor that nothing does is known.
const searchCutShort = "规则集过大，没有算出可行的金额和期限；请审批人核实，并请风险经理精简规则集"

func missingInGuarded(g guarded, e expression, fr *frame) []FactName {
	var names []FactName
	if g.when != nil {
		names = missingIn(g.when, fr)
	}
	for _, name := range missingIn(e, fr) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// quotedLabels lists facts by their Chinese names.
func quotedLabels(names []FactName) string {
	labels := make([]string, len(names))
	for i, name := range names {
		labels[i] = "“" + LabelOf(name) + "”"
	}
	return strings.Join(labels, "、")
}

// missingReason refers for want of facts; it is about the first of them and names all.
func missingReason(code string, names []FactName) Reason {
	all := quotedLabels(names)
	reason := Reason{
		Code: code, Effect: Refer, Unknown: true,
		Text: "缺少" + all + "，无法自动判断", Suggestion: "请补充" + all + "后重新提交，或由审批人核实",
	}
	if len(names) > 0 {
		reason.FactName = names[0]
	}
	return reason
}

// ---- limits and prices ----

// caps are the ceilings the limit rules set.
type caps struct {
	amount     *number
	termMonths *number
	rate       *number
	spread     number
}

func (l *compiledLimit) judge(fr *frame) (judgement, number) {
	when := l.truth(fr)
	if when == isFalse {
		return notApplicable, number{}
	}
	most, state := as[quantity](l.most).number(fr)
	switch {
	case state == stateNone:
		return notApplicable, number{}
	case state == stateUnknown || when == isUnknown:
		return undecided, number{}
	case l.target == "" || l.target == FactAnnualRateMaxPct:
		return met, most
	}
	slot := slotAmount
	if l.target == FactTermMonths {
		slot = slotTermMonths
	}
	asked := &fr.slots[slot]
	switch {
	case asked.state != stateKnown:
		return undecided, number{}
	case asked.number.cmp(most) > 0:
		return failed, most
	}
	return met, most
}

// limit judges the limit and price rules, adds their reasons, and returns the ceilings.
func (e *Engine) limit(fr *frame, outcome *Outcome) caps {
	var c caps
	for i := range e.limits {
		l := &e.limits[i]
		v, most := l.judge(fr)
		if v == notApplicable {
			continue
		}
		if v != undecided {
			c.bind(l, most)
		}
		outcome.Reasons = append(outcome.Reasons, l.explain(v, most, fr))
	}
	return c
}

func (c *caps) bind(l *compiledLimit, most number) {
	lower := func(held *number) *number {
		if held == nil || most.cmp(*held) < 0 {
			return &most
		}
		return held
	}
	switch l.target { //nolint:exhaustive // a limit is on one of these, which Compile has checked
	case FactAmount:
		c.amount = lower(c.amount)
	case FactTermMonths:
		c.termMonths = lower(c.termMonths)
	case FactAnnualRateMaxPct:
		c.rate = lower(c.rate)
	default:
		c.spread = *lower(&c.spread) // it starts at 0: a spread lowers the price or leaves it
	}
}

func (l *compiledLimit) explain(v judgement, most number, fr *frame) Reason {
	if v == undecided {
		names := missingInGuarded(l.guarded, l.most.expression, fr)
		if l.target == FactAmount || l.target == FactTermMonths {
			if slot, _ := slotOf(l.target); fr.slots[slot].state != stateKnown {
				names = append(names, l.target)
			}
		}
		return missingReason(l.Code, names)
	}
	fr.slots[slotLimit] = value{state: stateKnown, number: most}
	reason := Reason{Code: l.Code, Effect: v.effect(l.Otherwise), FactName: l.target, Threshold: numberText(most, l.most.format, false)}
	if slot, ok := slotOf(l.target); ok && fr.slots[slot].state == stateKnown {
		reason.Value = numberText(fr.slots[slot].number, l.most.format, false)
	}
	switch {
	case l.target == "":
		reason.FactName = FactAnnualRateMaxPct
		reason.Text, _ = l.reason.render(fr)
	case v == failed || l.target == FactAnnualRateMaxPct:
		reason.Text, _ = l.reason.render(fr)
	default:
		reason.Text, _ = l.passed.render(fr)
	}
	if v == failed {
		reason.Suggestion, _ = l.suggestion.render(fr)
	}
	return reason
}

// ---- tasks ----

// taskText is what a rule that refers asks for: its suggestion, as it was written by its own search. Where a fact is missing,
// nothing was searched that could be shown, and the fact is what is asked for.
func (r *compiledRule) taskText(v judgement, reason Reason, fr *frame) string {
	if v == failed || len(r.suggestion.local) > 0 {
		return reason.Suggestion
	}
	text, _ := r.suggestion.render(fr)
	return text
}

// tasks lists who must look at a referred case: what the rules that refer ask for, then the routes; each kind once per code,
// and at least somebody's opinion.
func (e *Engine) tasks(fr *frame, tasks []Task) []Task {
	for i := range e.routes {
		if r := &e.routes[i]; r.truth(fr) != isFalse {
			text, _ := r.text.render(fr)
			tasks = append(tasks, Task{Kind: r.Task, Code: r.Code, Text: text, Bring: r.Bring})
		}
	}
	if len(tasks) == 0 {
		tasks = append(tasks, Task{Kind: TaskReviewerOpinion, Code: "review", Text: "请审查并出具意见"})
	}
	return tasks
}

// ---- ceilings ----

// wayOut sets the ceilings and, unless the case is approved, looks for a way forward.
func (s *search) wayOut(c caps, o *Outcome) {
	fr := s.frame
	if rate := &fr.slots[slotAnnualRateMaxPct]; rate.state == stateKnown {
		most := rate.number.add(c.spread.multiply(number{small: 1, scale: 2})) // a basis point is a hundredth of a percent
		if c.rate != nil && c.rate.cmp(most) < 0 {
			most = *c.rate
		}
		// A price is never rounded up: what a rule's arithmetic leaves beyond six decimals is cut.
		o.AnnualRateMaxPct, _ = money.RateFromDecimal(most.decimal().RoundFloor(money.RatePlaces))
		o.SpreadBP = int(c.spread.decimal().Floor().IntPart())
	}
	if o.Result == Approve {
		s.ceilings(c, o)
		return
	}
	s.settle()
	s.reserved = 0
	s.ceilings(c, o)
	o.WaysForward = s.waysForward(o.Result)
}

func (s *compiledScorecard) explain(score *Score, effect Result, fr *frame) Reason {
	defer s.rescore(fr) // the limits see the score only when it is complete
	if effect == Refer {
		if names := s.missing(fr); len(names) > 0 {
			return missingReason(codeScore, names)
		}
	}
	points, about, lacking := s.bound(score, effect, fr)
	threshold := s.ApproveFrom
	if effect == Decline {
		threshold = s.ReferFrom
	}
	reason := Reason{Code: codeScore, Effect: effect, FactName: FactScore, Value: strconv.Itoa(points), Threshold: strconv.Itoa(threshold)}
	fr.slots[slotScore] = value{state: stateKnown, number: numberOfInt(points)}
	compared := "，低于 "
	if effect == Approve {
		compared = "，不低于 "
	} else {
		reason.Suggestion, _ = s.suggestion.render(fr)
	}
	reason.Text = "评分" + about + " " + reason.Value + " 分" + lacking + compared + reason.Threshold + " 分"
	return reason
}

// bound is the score that the effect rests on: the score itself, or while facts are missing the least or the most it can become,
// and then it says which, and what is missing.
func (s *compiledScorecard) bound(score *Score, effect Result, fr *frame) (points int, about, lacking string) {
	if score.Complete {
		return score.Points, "", ""
	}
	_, least, most, _ := s.total(fr)
	lacking = "（缺少" + quotedLabels(s.missing(fr)) + "，无论补充结果如何）"
	if effect == Approve {
		return least, "至少", lacking
	}
	return most, "至多", lacking
}
