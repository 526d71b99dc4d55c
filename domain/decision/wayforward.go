package decision

import (
	"fmt"
	"slices"
	"sort"

	"fumin/domain/money"
)

// termMonthsCap bounds every search over terms: 50 years.
const termMonthsCap = 600

// searchCostMax bounds what the search may spend on one case, in nodes of expressions; half of it is kept for the ceilings and the
// ways forward when the suggestions of the rules are searched. It is a count and not a time, so that the same case always gets the
// same answer. The shipped sets take two thousand; the largest that Compile accepts would take hundreds of millions,
// within the transaction of a submit.
const searchCostMax = 500_000

// request is what is asked for, with the product's limits: the room in which a better request is looked for.
type request struct {
	amount, amountMin, amountMax             money.Amount
	termMonths, termMonthsMin, termMonthsMax int
}

// room returns the request; false when part of it or of the limits is unknown or contradictory, so that nothing can be
// proposed.
func room(f Facts) (request, bool) {
	var r request
	var known [6]bool
	r.amount, known[0] = f.Amount.Value()
	r.amountMin, known[1] = f.AmountMin.Value()
	r.amountMax, known[2] = f.AmountMax.Value()
	r.termMonths, known[3] = f.TermMonths.Value()
	r.termMonthsMin, known[4] = f.TermMonthsMin.Value()
	r.termMonthsMax, known[5] = f.TermMonthsMax.Value()
	r.termMonthsMax = min(r.termMonthsMax, termMonthsCap)
	consistent := r.amountMin.Sign() > 0 && r.amountMax.Cmp(r.amountMin) >= 0 && r.termMonthsMin > 0 && r.termMonthsMax >= r.termMonthsMin
	return r, !slices.Contains(known[:], false) && consistent
}

// covers reports whether w offers at least as much as o with at least as good a result.
func (w WayForward) covers(o WayForward) bool {
	return w.Amount.Cmp(o.Amount) >= 0 && w.TermMonths >= o.TermMonths && !o.Result.Better(w.Result)
}

func wayText(amount money.Amount, termMonths int, result Result) string {
	then := "可以通过"
	if result == Refer {
		then = "可以转人工审查"
	}
	return fmt.Sprintf("申请 %s 元、%d 个月%s", amount.Grouped(), termMonths, then)
}

// largest returns the largest n in [least, most] for which pass holds, given that it holds for all smaller ones; 0: none.
func largest(least, most int, pass func(int) bool) int {
	if most < least {
		return 0
	}
	n := sort.Search(most-least+1, func(i int) bool { return !pass(least + i) })
	if n == 0 {
		return 0
	}
	return least + n - 1
}

// largestAmount is largest to the fen; 0.00: none.
func largestAmount(least, most money.Amount, pass func(money.Amount) bool) money.Amount {
	fen := largest(fenOf(least), fenOf(most), func(n int) bool { return pass(money.Fen(int64(n))) })
	return money.Fen(int64(fen))
}

// fenOf is exact: an Amount has at most 16 digits before the point, 18 in fen, which an int64 holds.
func fenOf(a money.Amount) int { return int(a.Decimal().Shift(2).IntPart()) }

func minAmount(a, b money.Amount) money.Amount {
	if a.Cmp(b) <= 0 {
		return a
	}
	return b
}

func maxAmount(a, b money.Amount) money.Amount {
	if a.Cmp(b) >= 0 {
		return a
	}
	return b
}

// search looks for other requests of the same case that fare better. Only the parts that depend on the request are judged
// again; the worst effect of all others holds whatever is asked for.
//
// Every answer is one that was evaluated. Where more money never fares better (the shipped sets; a property test holds it),
// halving finds the border to the fen. A rule set need not be like that, so the search also tries the amounts at which a
// comparison with the amount changes; the terms are tried one by one. When searchCostMax is spent nothing more passes: what was
// found until then stands, and nothing is proposed that was not evaluated.
type search struct {
	engine *Engine
	frame  *frame
	facts  *Facts

	static    Result // the worst effect of what does not depend on the request
	rules     []*compiledRule
	limits    []*compiledLimit
	scorecard *compiledScorecard

	blocked  dependence     // what the part depends on that refused the last request tried: no other change can help
	markList []money.Amount // see marks; made when first needed
	first    int            // the rule that refused it; it is asked first next time, because it mostly refuses again
	left     int            // of searchCostMax
	reserved int            // of what is left, for later
}

func newSearch(e *Engine, fr *frame, f *Facts) *search {
	return &search{engine: e, frame: fr, facts: f, left: searchCostMax, reserved: searchCostMax / 2}
}

// pays takes the cost of judging a part out of what is left. False when that is not enough: then all is spent, and no other
// request is tried.
func (s *search) pays(cost int) bool {
	if s.left-cost < s.reserved {
		s.left, s.blocked = s.reserved, dependence{}
		return false
	}
	s.left -= cost
	return true
}

// settle sorts out what depends on the request.
func (s *search) settle() {
	s.static = Approve
	worsen := func(effect Result) {
		if s.static.Better(effect) {
			s.static = effect
		}
	}
	for i := range s.engine.rules {
		if r := &s.engine.rules[i]; r.dynamic() {
			s.rules = append(s.rules, r)
		} else {
			worsen(r.judge(s.frame).effect(r.Otherwise))
		}
	}
	if card := s.engine.scorecard; card != nil {
		switch {
		case card.dynamic():
			s.scorecard = card
		case card.truth(s.frame) != isFalse:
			worsen(card.effect(s.frame))
		}
	}
	for i := range s.engine.limits {
		if l := &s.engine.limits[i]; l.dynamic() {
			s.limits = append(s.limits, l)
		} else {
			v, _ := l.judge(s.frame)
			worsen(v.effect(l.Otherwise))
		}
	}
}

// reaches reports whether the case, with another request, gets the target or better.
func (s *search) reaches(amount money.Amount, termMonths int, target Result) bool {
	s.blocked = dependence{}
	if target.Better(s.static) {
		return false
	}
	s.frame.ask(amount, termMonths)
	for i := range s.rules {
		if i == 0 {
			i = s.first
		} else if i <= s.first {
			i--
		}
		r := s.rules[i]
		if !s.pays(r.cost) {
			return false
		}
		if target.Better(r.judge(s.frame).effect(r.Otherwise)) {
			s.blocked, s.first = r.dependence, i
			return false
		}
	}
	if s.scorecard != nil && !s.pays(s.scorecard.cost) {
		return false
	}
	if card := s.scorecard; card != nil && card.truth(s.frame) != isFalse {
		if target.Better(card.effect(s.frame)) {
			s.blocked = card.dependence
			return false
		}
		card.rescore(s.frame)
	}
	for _, l := range s.limits {
		if !s.pays(l.cost) {
			return false
		}
		if v, _ := l.judge(s.frame); target.Better(v.effect(l.Otherwise)) {
			s.blocked = l.dependence
			return false
		}
	}
	return true
}

// longestTerm returns the longest term in [least, most] for which pass holds; 0: none. It tries each: there are few.
func (s *search) longestTerm(least, most int, pass func(int) bool) int {
	for n := most; n >= least; n-- {
		if pass(n) {
			return n
		}
		if !s.blocked.onTerm {
			return 0
		}
	}
	return 0
}

// mostMoney returns the largest amount in [least, most] it can find for which pass holds; 0.00: none. A mark that passes while
// one fen more does not is a border; without such a mark, halving looks for one.
func (s *search) mostMoney(least, most money.Amount, pass func(money.Amount) bool) money.Amount {
	switch {
	case most.Cmp(least) < 0:
		return money.Amount{}
	case pass(most):
		return most
	case !s.blocked.onAmount:
		return money.Amount{}
	}
	if s.markList == nil {
		s.markList = s.marks()
	}
	for _, mark := range s.markList {
		if mark.Cmp(most) >= 0 || mark.Cmp(least) < 0 || !pass(mark) {
			continue
		}
		if more := mark.Add(money.Fen(1)); pass(more) {
			return maxAmount(more, largestAmount(more, most, pass)) // more itself, where the halving was cut short
		}
		return mark
	}
	if pass(least) {
		return maxAmount(least, largestAmount(least, most, pass))
	}
	return money.Amount{}
}

// marks lists the amounts at and beside which a comparison with the amount changes, the largest first. A comparison is taken
// for a straight line in the amount; where it is not, the mark is only one more amount that is tried.
func (s *search) marks() []money.Amount {
	slots := s.frame.slots
	held := slots[slotAmount]
	defer func() { slots[slotAmount] = held }()
	at := func(c compareNumbers, amount number) (number, bool) {
		slots[slotAmount] = value{state: stateKnown, number: amount, blame: FactAmount}
		left, ls := c.left.number(s.frame)
		right, rs := c.right.number(s.frame)
		return left.subtract(right), ls.combine(rs) == stateKnown
	}
	marks := make([]money.Amount, 0, 3*len(s.engine.marks))
	for _, comparison := range s.engine.marks {
		zero, known := at(comparison, number{})
		one, _ := at(comparison, number{small: 1})
		slope := one.subtract(zero)
		if !known || slope.cmp(number{}) == 0 {
			continue
		}
		// Down to the fen: the mark is a guess that is evaluated, so the mode decides nothing.
		root := zero.negate()
		if slope.cmp(number{small: 1}) != 0 {
			root = numberOf(root.decimal().DivRound(slope.decimal(), amountGuessPlaces))
		}
		mark, err := money.AmountFromDecimal(root.decimal().RoundFloor(2))
		if err != nil {
			continue
		}
		marks = append(marks, mark.Add(money.Fen(1)), mark, mark.Sub(money.Fen(1)))
	}
	slices.SortFunc(marks, func(a, b money.Amount) int { return b.Cmp(a) })
	return slices.CompactFunc(marks, money.Amount.Equal)
}

// amountGuessPlaces is more than the fen, so that rounding the quotient cannot carry it over a fen.
const amountGuessPlaces = 12

// passing finds the largest amount and the longest term that pass one rule, the rest of the request as it is; false when it had to
// stop before they were found.
func (s *search) passing(r *compiledRule) bool {
	fr := s.frame
	fr.slots[slotAmountPassing] = value{state: stateNone} // another rule's may be there
	fr.slots[slotTermMonthsPassing] = value{state: stateNone}
	req, ok := room(*s.facts)
	if !ok {
		return true
	}
	amount, termMonths := fr.slots[slotAmount], fr.slots[slotTermMonths]
	passes := func(a money.Amount, n int) bool {
		if !s.pays(r.cost) {
			return false
		}
		fr.ask(a, n)
		v := r.judge(fr)
		s.blocked = r.dependence
		return v == met || v == notApplicable
	}
	most := s.mostMoney(req.amountMin, minAmount(req.amount, req.amountMax), func(a money.Amount) bool { return passes(a, req.termMonths) })
	longestTerm := s.longestTerm(req.termMonthsMin, min(req.termMonths, req.termMonthsMax), func(n int) bool { return passes(req.amount, n) })
	fr.slots[slotAmount], fr.slots[slotTermMonths] = amount, termMonths
	fr.deriveFromTerm()
	if !most.IsZero() {
		fr.slots[slotAmountPassing] = value{state: stateKnown, number: numberOf(most.Decimal())}
	}
	if longestTerm > 0 {
		fr.slots[slotTermMonthsPassing] = value{state: stateKnown, number: numberOfInt(longestTerm)}
	}
	return s.left > s.reserved
}

// ceilings sets the most within the request that the rules bear: for a case that is not declined what is asked for, for a
// declined one what would not be; and never more than the limit rules say.
func (s *search) ceilings(c caps, o *Outcome) {
	if o.Result != Decline {
		o.AmountMax, _ = s.facts.Amount.Value() // an unknown one is zero: nothing may be signed on it
		o.TermMonthsMax, _ = s.facts.TermMonths.Value()
	} else if r, ok := room(*s.facts); ok {
		o.AmountMax = s.mostMoney(r.amountMin, minAmount(r.amount, r.amountMax), func(a money.Amount) bool {
			return s.reaches(a, r.termMonths, Refer)
		})
		o.TermMonthsMax = s.longestTerm(r.termMonthsMin, min(r.termMonths, r.termMonthsMax), func(n int) bool {
			return s.reaches(r.amount, n, Refer)
		})
	}
	s.cap(c, o)
}

// cap lowers the ceilings to the limit rules'. A cap below the product's least leaves nothing.
func (s *search) cap(c caps, o *Outcome) {
	if c.amount != nil && numberOf(o.AmountMax.Decimal()).cmp(*c.amount) > 0 {
		// Down to the fen: a ceiling is never rounded up.
		o.AmountMax, _ = money.AmountFromDecimal(c.amount.decimal().RoundFloor(2))
		if least, known := s.facts.AmountMin.Value(); o.AmountMax.Sign() < 0 || known && o.AmountMax.Cmp(least) < 0 {
			o.AmountMax = money.Amount{}
		}
	}
	if c.termMonths != nil && numberOfInt(o.TermMonthsMax).cmp(*c.termMonths) > 0 {
		o.TermMonthsMax = int(c.termMonths.decimal().Floor().IntPart()) // whole months, never rounded up
		if least, known := s.facts.TermMonthsMin.Value(); o.TermMonthsMax < 0 || known && o.TermMonthsMax < least {
			o.TermMonthsMax = 0
		}
	}
}

// waysForward looks for better requests: first the one that would be approved, then the one that a person could still
// approve. For each, changing only the amount or only the term is preferred to changing both.
func (s *search) waysForward(result Result) []WayForward {
	r, ok := room(*s.facts)
	if !ok {
		return nil
	}
	var ways []WayForward
	for _, target := range []Result{Approve, Refer} {
		if !target.Better(result) || target.Better(s.static) {
			continue
		}
		for _, way := range s.reach(r, target) {
			if !slices.ContainsFunc(ways, func(w WayForward) bool { return w.covers(way) }) {
				ways = append(ways, way)
			}
		}
	}
	return ways
}

// reach finds the largest amount and the longest term that get at least the target.
func (s *search) reach(r request, target Result) []WayForward {
	amountHigh := maxAmount(r.amountMin, minAmount(r.amount, r.amountMax))
	termHigh := max(r.termMonthsMin, min(r.termMonths, r.termMonthsMax))
	good := func(amount money.Amount, termMonths int) bool { return s.reaches(amount, termMonths, target) }
	propose := func(amount money.Amount, termMonths int) WayForward {
		got := target
		if s.reaches(amount, termMonths, Approve) {
			got = Approve
		}
		return WayForward{Amount: amount, TermMonths: termMonths, Result: got, Text: wayText(amount, termMonths, got)}
	}

	var ways []WayForward
	if amount := s.mostMoney(r.amountMin, amountHigh, func(a money.Amount) bool { return good(a, r.termMonths) }); !amount.IsZero() {
		ways = append(ways, propose(amount, r.termMonths))
	}
	if termMonths := s.longestTerm(r.termMonthsMin, termHigh, func(n int) bool { return good(r.amount, n) }); termMonths > 0 {
		ways = append(ways, propose(r.amount, termMonths))
	}
	if len(ways) > 0 {
		return ways
	}
	termMonths := s.longestTerm(r.termMonthsMin, termHigh, func(n int) bool { return good(r.amountMin, n) })
	if termMonths == 0 {
		return nil
	}
	amount := s.mostMoney(r.amountMin, amountHigh, func(a money.Amount) bool { return good(a, termMonths) })
	return []WayForward{propose(maxAmount(amount, r.amountMin), termMonths)} // the least amount was evaluated with the term
}
