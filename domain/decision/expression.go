package decision

import (
	"slices"

	"fumin/domain"
)

// An expression is a checked tree that evaluates itself over a frame. There is one interface per type, so that a tree that
// was built cannot fail, and nothing but these nodes can run: no calls, no loops, no ranges.
type (
	expression interface{ children() []expression }

	condition interface {
		expression
		truth(fr *frame) truth
	}
	quantity interface {
		expression
		number(fr *frame) (number, factState)
	}
	code interface {
		expression
		code(fr *frame) (string, factState)
	}
	codeList interface {
		expression
		codes(fr *frame) ([]string, factState)
	}
	calendarDay interface {
		expression
		date(fr *frame) (domain.Date, factState)
	}
)

// fact reads one slot. It has every type; the checker lets it stand only where its own is asked for.
type fact struct{ slot int }

func (n fact) children() []expression { return nil }

func (n fact) truth(fr *frame) truth {
	v := &fr.slots[n.slot]
	if v.state != stateKnown {
		return truthOfState(v.state)
	}
	return truthOf(v.boolean)
}

func (n fact) number(fr *frame) (number, factState) {
	v := &fr.slots[n.slot]
	return v.number, v.state
}

func (n fact) code(fr *frame) (string, factState) {
	v := &fr.slots[n.slot]
	return v.code, v.state
}

func (n fact) codes(fr *frame) ([]string, factState) {
	v := &fr.slots[n.slot]
	return v.codes, v.state
}

func (n fact) date(fr *frame) (domain.Date, factState) {
	v := &fr.slots[n.slot]
	return v.date, v.state
}

// ---- literals ----

type (
	booleanLiteral struct{ is truth }
	numberLiteral  struct{ is number }
	codeLiteral    struct{ is string }
	codesLiteral   struct{ are []string }
	dateLiteral    struct{ is domain.Date }
)

func (n booleanLiteral) children() []expression            { return nil }
func (n numberLiteral) children() []expression             { return nil }
func (n codeLiteral) children() []expression               { return nil }
func (n codesLiteral) children() []expression              { return nil }
func (n dateLiteral) children() []expression               { return nil }
func (n booleanLiteral) truth(*frame) truth                { return n.is }
func (n numberLiteral) number(*frame) (number, factState)  { return n.is, stateKnown }
func (n codeLiteral) code(*frame) (string, factState)      { return n.is, stateKnown }
func (n codesLiteral) codes(*frame) ([]string, factState)  { return n.are, stateKnown }
func (n dateLiteral) date(*frame) (domain.Date, factState) { return n.is, stateKnown }

// ---- arithmetic ----

type arithmetic struct {
	operator    byte // + - *
	left, right quantity
}

func (n arithmetic) children() []expression { return []expression{n.left, n.right} }

func (n arithmetic) number(fr *frame) (number, factState) {
	left, ls := n.left.number(fr)
	right, rs := n.right.number(fr)
	if s := ls.combine(rs); s != stateKnown {
		return number{}, s
	}
	switch n.operator {
	case '+':
		return left.add(right), stateKnown
	case '-':
		return left.subtract(right), stateKnown
	}
	return left.multiply(right), stateKnown
}

type negation struct{ of quantity }

func (n negation) children() []expression { return []expression{n.of} }

func (n negation) number(fr *frame) (number, factState) {
	x, s := n.of.number(fr)
	if s != stateKnown {
		return number{}, s
	}
	return x.negate(), stateKnown
}

// extreme is min or max. What there is none of is left out (no limit is no limit); of none at all there is none.
type extreme struct {
	sign int // +1: max, -1: min
	of   []quantity
}

func (n extreme) children() []expression { return asExpressions(n.of) }

func (n extreme) number(fr *frame) (number, factState) {
	best, state := number{}, stateNone
	for _, item := range n.of {
		x, s := item.number(fr)
		switch {
		case s == stateUnknown:
			return number{}, stateUnknown
		case s == stateNone:
		case state == stateNone || x.cmp(best)*n.sign > 0:
			best, state = x, stateKnown
		}
	}
	return best, state
}

// count is how many codes a list has.
type count struct{ of codeList }

func (n count) children() []expression { return []expression{n.of} }

func (n count) number(fr *frame) (number, factState) {
	list, s := n.of.codes(fr)
	return numberOfInt(len(list)), s
}

// datePart is year(day) or month(day).
type datePart struct {
	of   calendarDay
	part func(domain.Date) int
}

func (n datePart) children() []expression { return []expression{n.of} }

func (n datePart) number(fr *frame) (number, factState) {
	day, s := n.of.date(fr)
	if s != stateKnown {
		return number{}, s
	}
	return numberOfInt(n.part(day)), stateKnown
}

// choice is "if ? then : otherwise" between quantities. With an absent condition there is none.
type choice struct {
	when            condition
	then, otherwise quantity
}

func (n choice) children() []expression { return []expression{n.when, n.then, n.otherwise} }

func (n choice) number(fr *frame) (number, factState) {
	switch n.when.truth(fr) {
	case isTrue:
		return n.then.number(fr)
	case isFalse:
		return n.otherwise.number(fr)
	case isAbsent:
		return number{}, stateNone
	case isUnknown:
	}
	return number{}, stateUnknown
}

// ---- conditions ----

// comparison is one of the six: accept says which results of a three-way comparison are true.
type comparison struct {
	operator string
	accept   [3]bool // less, equal, greater
}

var comparisons = map[string]comparison{
	"<": {"<", [3]bool{true, false, false}}, "<=": {"<=", [3]bool{true, true, false}}, "==": {"==", [3]bool{false, true, false}},
	"!=": {"!=", [3]bool{true, false, true}}, ">=": {">=", [3]bool{false, true, true}}, ">": {">", [3]bool{false, false, true}},
}

type (
	compareNumbers struct {
		comparison
		left, right quantity
	}
	compareDates struct {
		comparison
		left, right calendarDay
	}
	compareCodes struct {
		comparison
		left, right code
	}
	compareTruths struct {
		comparison
		left, right condition
	}
)

func (n compareNumbers) children() []expression { return []expression{n.left, n.right} }
func (n compareDates) children() []expression   { return []expression{n.left, n.right} }
func (n compareCodes) children() []expression   { return []expression{n.left, n.right} }
func (n compareTruths) children() []expression  { return []expression{n.left, n.right} }

func (n compareNumbers) truth(fr *frame) truth {
	left, ls := n.left.number(fr)
	right, rs := n.right.number(fr)
	if s := ls.combine(rs); s != stateKnown {
		return truthOfState(s)
	}
	return truthOf(n.accept[left.cmp(right)+1])
}

func (n compareDates) truth(fr *frame) truth {
	left, ls := n.left.date(fr)
	right, rs := n.right.date(fr)
	if s := ls.combine(rs); s != stateKnown {
		return truthOfState(s)
	}
	return truthOf(n.accept[left.Compare(right)+1])
}

func (n compareCodes) truth(fr *frame) truth {
	left, ls := n.left.code(fr)
	right, rs := n.right.code(fr)
	if s := ls.combine(rs); s != stateKnown {
		return truthOfState(s)
	}
	return truthOf((left == right) == n.accept[1])
}

func (n compareTruths) truth(fr *frame) truth {
	left, right := n.left.truth(fr), n.right.truth(fr)
	switch {
	case left == isAbsent || right == isAbsent:
		return isAbsent
	case left == isUnknown || right == isUnknown:
		return isUnknown
	}
	return truthOf((left == right) == n.accept[1])
}

type inCodes struct {
	item code
	list codeList
}

func (n inCodes) children() []expression { return []expression{n.item, n.list} }

func (n inCodes) truth(fr *frame) truth {
	item, is := n.item.code(fr)
	list, ls := n.list.codes(fr)
	if s := is.combine(ls); s != stateKnown {
		return truthOfState(s)
	}
	return truthOf(slices.Contains(list, item))
}

type inNumbers struct {
	item quantity
	list []number
}

func (n inNumbers) children() []expression { return []expression{n.item} }

func (n inNumbers) truth(fr *frame) truth {
	item, s := n.item.number(fr)
	if s != stateKnown {
		return truthOfState(s)
	}
	return truthOf(slices.ContainsFunc(n.list, func(x number) bool { return x.cmp(item) == 0 }))
}

// exists asks whether there is such a thing; it is how a rule reacts to "none".
type exists struct{ of fact }

func (n exists) children() []expression { return []expression{n.of} }

func (n exists) truth(fr *frame) truth {
	switch fr.slots[n.of.slot].state {
	case stateKnown:
		return isTrue
	case stateNone:
		return isFalse
	case stateUnknown:
	}
	return isUnknown
}

type (
	negated struct{ of condition }
	both    struct{ left, right condition }
	either  struct{ left, right condition }
)

func (n negated) children() []expression { return []expression{n.of} }
func (n both) children() []expression    { return []expression{n.left, n.right} }
func (n either) children() []expression  { return []expression{n.left, n.right} }

func (n negated) truth(fr *frame) truth { return n.of.truth(fr).not() }

func (n both) truth(fr *frame) truth {
	left := n.left.truth(fr)
	if left == isFalse {
		return isFalse
	}
	return left.and(n.right.truth(fr))
}

func (n either) truth(fr *frame) truth {
	left := n.left.truth(fr)
	if left == isTrue {
		return isTrue
	}
	return left.or(n.right.truth(fr))
}

// ---- looking into a tree ----

func asExpressions[T expression](items []T) []expression {
	list := make([]expression, len(items))
	for i, item := range items {
		list[i] = item
	}
	return list
}

// nodesOf counts the nodes of an expression and the entries of its lists: what evaluating it costs at most. None has none.
func nodesOf(e expression) int {
	if e == nil {
		return 0
	}
	n := 1
	switch e := e.(type) {
	case inNumbers:
		n += len(e.list)
	case codesLiteral:
		n += len(e.are)
	}
	for _, child := range e.children() {
		n += nodesOf(child)
	}
	return n
}

// factsIn lists the slots an expression reads, in the order of the text, each once.
func factsIn(e expression) []int {
	if f, ok := e.(fact); ok {
		return []int{f.slot}
	}
	var slots []int
	for _, child := range e.children() {
		for _, slot := range factsIn(child) {
			if !slices.Contains(slots, slot) {
				slots = append(slots, slot)
			}
		}
	}
	return slots
}

// missingIn lists the facts for want of which a condition is unknown: not those of a part that is decided without them.
func missingIn(e expression, fr *frame) []FactName {
	if c, ok := e.(condition); ok && c.truth(fr) != isUnknown {
		return nil
	}
	if f, ok := e.(fact); ok {
		if v := &fr.slots[f.slot]; v.state == stateUnknown {
			return []FactName{v.blame}
		}
		return nil
	}
	var names []FactName
	for _, child := range e.children() {
		for _, name := range missingIn(child, fr) {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}
