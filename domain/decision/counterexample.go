package decision

import (
	"slices"
	"strconv"

	"fumin/domain"
)

// Counterexample is a case that one part of a rule set refuses (反例): the proof that the part can refuse something.
type Counterexample struct {
	Facts   Facts
	Changed []FactName // what was changed of the case that the search began with; empty: the part refuses that one already
}

// Bounds of one search: the cases it judges, and the facts it changes at once.
const (
	counterexampleTriesMax   = 5000
	counterexampleChangesMax = 3
)

// RefusingCodes lists the codes of the parts that can decline or refer: rules, the scorecard, and limits on amount or term.
func (e *Engine) RefusingCodes() []string {
	return slices.DeleteFunc(e.RuleCodes(), func(code string) bool {
		i := slices.IndexFunc(e.limits, func(l compiledLimit) bool { return l.Code == code })
		return i >= 0 && e.limits[i].Otherwise == ""
	})
}

// Counterexample looks for a case that the part with this code refuses, and not for want of a fact. It changes as few of the
// facts that the part reads as it can, three at most; of a scorecard as many as it takes. What it tries lies just beside the
// numbers and among the codes that the part compares with, so it is not sure to find an exotic case; what it finds, the part
// itself has judged. Facts in fixed stay as they are. applies says whether the part applied to any of the cases tried.
func (e *Engine) Counterexample(code string, from Facts, fixed ...FactName) (found Counterexample, applies, ok bool) {
	p, known := e.partOf(code)
	if !known {
		return Counterexample{}, false, false
	}
	s := &counterexampleSearch{part: p, frame: frames.Get().(*frame)} //nolint:forcetypeassert // the pool holds nothing else
	defer frames.Put(s.frame)
	if s.refuses(from, nil) {
		return s.found, true, true
	}
	s.frame.fill(&from)
	changes := slices.DeleteFunc(s.changes(), func(c change) bool { return slices.Contains(fixed, c.name) })
	for n := 1; n <= counterexampleChangesMax && !ok; n++ {
		ok = s.combine(from, changes, n, nil)
	}
	if !ok && p.points != nil {
		ok = s.worsen(from, changes)
	}
	return s.found, s.applies, ok
}

// ruleSetPart is a rule, the scorecard or a limit as the search sees it.
type ruleSetPart struct {
	reads  []expression
	judge  func(*frame) judgement
	points func(*frame) int // of a scorecard; nil otherwise
}

func (e *Engine) partOf(code string) (ruleSetPart, bool) {
	for i := range e.rules {
		if r := &e.rules[i]; r.Code == code {
			return ruleSetPart{reads: readsOf(r.guarded, r.passes), judge: r.judge}, true
		}
	}
	for i := range e.limits {
		if l := &e.limits[i]; l.Code == code && l.Otherwise != "" {
			slot, _ := slotOf(l.target)
			judge := func(fr *frame) judgement { v, _ := l.judge(fr); return v }
			return ruleSetPart{reads: readsOf(l.guarded, fact{slot}, l.most.expression), judge: judge}, true
		}
	}
	if s := e.scorecard; s != nil && code == codeScore {
		return s.asPart(), true
	}
	return ruleSetPart{}, false
}

func (s *compiledScorecard) asPart() ruleSetPart {
	reads := readsOf(s.guarded)
	for _, bands := range s.bands {
		for _, when := range bands {
			if when != nil {
				reads = append(reads, when)
			}
		}
	}
	judge := func(fr *frame) judgement {
		_, _, most, complete := s.total(fr)
		switch when := s.truth(fr); {
		case when == isFalse:
			return notApplicable
		case when != isTrue || !complete:
			return undecided
		case most < s.ApproveFrom:
			return failed
		}
		return met
	}
	points := func(fr *frame) int { n, _, _, _ := s.total(fr); return n }
	return ruleSetPart{reads: reads, judge: judge, points: points}
}

func readsOf(g guarded, others ...expression) []expression {
	if g.when == nil {
		return others
	}
	return append([]expression{g.when}, others...)
}

// counterexampleSearch tries cases on one part.
type counterexampleSearch struct {
	part    ruleSetPart
	frame   *frame
	tries   int
	applies bool
	found   Counterexample
}

// refuses judges a case by the part alone.
func (s *counterexampleSearch) refuses(f Facts, changed []FactName) bool {
	if s.tries++; s.tries > counterexampleTriesMax {
		return false
	}
	s.frame.fill(&f)
	v := s.part.judge(s.frame)
	s.applies = s.applies || v != notApplicable
	if v == failed {
		s.found = Counterexample{f, changed}
	}
	return v == failed
}

// combine tries every n of the changes together, each to another fact.
func (s *counterexampleSearch) combine(f Facts, changes []change, n int, changed []FactName) bool {
	for i, c := range changes {
		if s.tries > counterexampleTriesMax || slices.Contains(changed, c.name) {
			continue
		}
		names := append(slices.Clone(changed), c.name)
		refused := c.apply(&f, func(tried Facts) bool {
			if n == 1 {
				return s.refuses(tried, names)
			}
			return s.combine(tried, changes[i+1:], n-1, names)
		})
		if refused {
			return true
		}
	}
	return false
}

// worsen changes fact after fact to what costs most points, until the score refuses.
func (s *counterexampleSearch) worsen(f Facts, changes []change) bool {
	s.tries = 0
	var changed []FactName
	for i := 0; i < len(changes); {
		name := changes[i].name
		s.frame.fill(&f)
		least, worst, costs := s.part.points(s.frame), f, false
		for ; i < len(changes) && changes[i].name == name; i++ {
			changes[i].apply(&f, func(tried Facts) bool {
				s.frame.fill(&tried)
				if n := s.part.points(s.frame); n < least {
					least, worst, costs = n, tried, true
				}
				return false
			})
		}
		if !costs {
			continue
		}
		f, changed = worst, append(changed, name)
		if s.refuses(f, changed) {
			return true
		}
	}
	return false
}

// change is one value for one stored fact, as text.
type change struct {
	name FactName
	text string
}

// apply hands a copy of the facts with the change to try, and returns what it says. A text that the fact cannot have is not
// tried.
func (c change) apply(f *Facts, try func(Facts) bool) bool {
	changed := *f
	if factRows[factIndex[c.name]].set(&changed, &c.text) != nil {
		return false
	}
	return try(changed)
}

// changes lists what may be tried: for each stored fact behind what the part reads, the values beside what it is compared with.
// The frame holds the facts that the search begins with.
func (s *counterexampleSearch) changes() []change {
	var slots []int
	for _, e := range s.part.reads {
		for _, slot := range factsIn(e) {
			if !slices.Contains(slots, slot) {
				slots = append(slots, slot)
			}
		}
	}
	numbers, codes := s.comparedWith(slots)
	var all []change
	add := func(name FactName, texts ...string) {
		for _, text := range texts {
			if c := (change{name, text}); !slices.Contains(all, c) {
				all = append(all, c)
			}
		}
	}
	for _, slot := range slots {
		d := definitionAt(slot)
		switch {
		case slot == slotAge || slot == slotAgeAtLastDue:
			add(FactBirthDate, birthDates(numbers, s.frame.slots[derivedDay(slot)].date)...)
		case d.Derived || d.Personal:
		default:
			add(d.Name, valuesBeside(d, numbers, codes)...)
		}
	}
	return all
}

func derivedDay(slot int) int {
	if slot == slotAge {
		return slotEvaluatedOn
	}
	return slotLastDueOn
}

// comparedWith collects the numbers and codes in the part's expressions, and those that its facts have.
func (s *counterexampleSearch) comparedWith(slots []int) (numbers []number, codes []string) {
	var walk func(e expression)
	walk = func(e expression) {
		switch n := e.(type) {
		case numberLiteral:
			numbers = append(numbers, n.is)
		case inNumbers:
			numbers = append(numbers, n.list...)
		case codeLiteral:
			codes = append(codes, n.is)
		case codesLiteral:
			codes = append(codes, n.are...)
		}
		if q, ok := e.(quantity); ok && part(e, "").base == "number" {
			if x, state := q.number(s.frame); state == stateKnown {
				numbers = append(numbers, x)
			}
		}
		for _, child := range e.children() {
			walk(child)
		}
	}
	for _, e := range s.part.reads {
		walk(e)
	}
	for _, slot := range slots {
		if v := &s.frame.slots[slot]; v.state == stateKnown {
			codes = append(codes, v.codes...)
		}
	}
	return numbers, codes
}

// valuesBeside lists the texts to try for a fact.
func valuesBeside(d FactDefinition, numbers []number, codes []string) []string {
	switch d.Type {
	case "boolean":
		return []string{"true", "false"}
	case "code":
		return append(slices.Concat(d.Codes, codes), codeOfNobody)
	case "codes":
		return append(slices.Clone(codes), codeOfNobody)
	case "date":
		return nil
	}
	step := map[string]number{
		"amount": {small: 1, scale: 2}, "rate": {small: 1, scale: 6}, "decimal": {small: 1, scale: 4}, "integer": {small: 1},
	}[d.Type]
	var texts []string
	for _, n := range numbers {
		for _, value := range []number{n.add(step), n.subtract(step), n} {
			texts = append(texts, numberText(value, d.Type, false))
		}
	}
	return texts
}

// codeOfNobody is a code that no list has.
const codeOfNobody = "code-of-nobody"

// birthDates lists the birthdays at which somebody is a year more, just as old, or a day from it, on the day.
func birthDates(ages []number, on domain.Date) []string {
	var texts []string
	for _, age := range ages {
		years, err := strconv.Atoi(numberText(age, "integer", false))
		if err != nil || years < 0 || years > 200 || on.IsZero() {
			continue
		}
		for _, n := range []int{years + 1, years} {
			day := on.AddMonths(-12 * n)
			texts = append(texts, day.String(), day.AddDays(1).String())
		}
	}
	return texts
}
