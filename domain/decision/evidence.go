package decision

import "strconv"

// evidence is what a reason shows of a condition: the fact it is about, what was seen, and what that was held against. It is
// worked out when the rules are compiled, so that a decision only reads it.
type evidence struct {
	of          condition
	left, right *evidence // of an "and": its parts
	name        FactName
	value       typed
	threshold   typed  // no expression: fixed holds it
	fixed       string // what a yes-or-no fact should have been
}

// evidenceOf prepares a condition; wanted is what it should be.
func evidenceOf(c condition, wanted bool) *evidence {
	switch n := c.(type) {
	case both:
		return &evidence{of: n, left: evidenceOf(n.left, wanted), right: evidenceOf(n.right, wanted)}
	case either:
		return evidenceOf(n.left, wanted)
	case negated:
		return evidenceOf(n.of, !wanted)
	}
	e := &evidence{of: c}
	left, right := sides(c)
	if left == nil {
		e.name, e.value, e.fixed = firstFact(c), part(c, ""), strconv.FormatBool(wanted)
		return e
	}
	if right != nil && len(factsIn(left)) == 0 {
		left, right = right, left // 18 <= age is about the age
	}
	format := formatOf(left)
	if right != nil && format == "decimal" {
		format = formatOf(right)
	}
	e.name, e.value = firstFact(left), part(left, format)
	if right != nil {
		e.threshold = part(right, format)
	}
	return e
}

// sides returns what a comparison compares; nil where the condition is none.
func sides(c condition) (left, right expression) {
	switch n := c.(type) {
	case compareNumbers:
		return n.left, n.right
	case compareDates:
		return n.left, n.right
	case compareCodes:
		return n.left, n.right
	case compareTruths:
		return n.left, n.right
	case inCodes:
		return n.item, n.list
	case inNumbers:
		return n.item, nil
	}
	return nil, nil
}

// seen reads the part that explains the condition: of an "and" that is false the first part that is false, of everything else
// the first part in the text.
func (e *evidence) seen(fr *frame) (name FactName, value, threshold string) {
	for e.left != nil {
		if e.of.truth(fr) == isFalse && e.left.of.truth(fr) != isFalse {
			e = e.right
		} else {
			e = e.left
		}
	}
	value, _ = e.value.read(fr, false)
	if e.threshold.expression == nil {
		return e.name, value, e.fixed
	}
	threshold, _ = e.threshold.read(fr, false)
	return e.name, value, threshold
}

func firstFact(e expression) FactName {
	if slots := factsIn(e); len(slots) > 0 {
		return definitionAt(slots[0]).Name
	}
	return ""
}

// formatOf says how the number an expression gives is written; a product and a literal have no manner of their own.
func formatOf(e expression) string {
	switch n := e.(type) {
	case fact:
		return definitionAt(n.slot).Type
	case arithmetic:
		if n.operator == '*' {
			return "decimal"
		}
		return firstFormat(n.left, n.right)
	case negation:
		return formatOf(n.of)
	case extreme:
		return firstFormat(n.of...)
	case choice:
		return firstFormat(n.then, n.otherwise)
	case count, datePart:
		return "integer"
	}
	return "decimal"
}

func firstFormat(items ...quantity) string {
	for _, item := range items {
		if f := formatOf(item); f != "decimal" {
			return f
		}
	}
	return "decimal"
}

// part is a piece of a checked tree with its type, to be read.
func part(e expression, format string) typed {
	if f, ok := e.(fact); ok {
		k := kindOfFact(definitionAt(f.slot))
		if format != "" && k.base == "number" {
			k.format = format
		}
		return typed{k, e}
	}
	k := kind{format: format}
	switch e.(type) {
	case condition:
		k.base = "boolean"
	case quantity:
		k.base = "number"
	case code:
		k.base = "code"
	case codeList:
		k.base = "codes"
	case calendarDay:
		k.base = "date"
	}
	return typed{k, e}
}
