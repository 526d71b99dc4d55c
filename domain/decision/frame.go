package decision

import (
	"sync"

	"fumin/domain"
	"fumin/domain/money"
)

// value is one fact as expressions see it; which of the fields counts follows from the fact's type.
type value struct {
	state   factState
	boolean bool
	number  number
	code    string
	codes   []string
	date    domain.Date
	blame   FactName // when unknown: the stored fact that is missing

	stored, shown keptText // made when first asked for
}

// keptText is the text of a value in one format.
type keptText struct{ text, format string }

// The derived facts stand after the stored ones.
var (
	slotEvaluatedOn       = derivedSlot(FactEvaluatedOn)
	slotAge               = derivedSlot(FactAge)
	slotLastDueOn         = derivedSlot(FactLastDueOn)
	slotAgeAtLastDue      = derivedSlot(FactAgeAtLastDue)
	slotScore             = derivedSlot(FactScore)
	slotLimit             = derivedSlot(FactLimit)
	slotAmountPassing     = derivedSlot(FactAmountPassing)
	slotTermMonthsPassing = derivedSlot(FactTermMonthsPassing)
	slotAmount            = factIndex[FactAmount]
	slotTermMonths        = factIndex[FactTermMonths]
	slotBirthDate         = factIndex[FactBirthDate]
	slotAnnualRateMaxPct  = factIndex[FactAnnualRateMaxPct]
)

func derivedSlot(name FactName) int {
	slot, ok := slotOf(name)
	if !ok {
		panic("decision: no derived fact " + string(name))
	}
	return slot
}

// frame holds the facts of one case while it is judged.
type frame struct {
	slots   []value
	scratch []byte // for writing texts
}

var frames = sync.Pool{New: func() any { return &frame{slots: make([]value, len(factRows)+len(derivedDefinitions))} }}

// fill loads the facts and derives the rest.
func (fr *frame) fill(f *Facts) {
	clear(fr.slots)
	for i := range factRows {
		factRows[i].load(f, &fr.slots[i])
	}
	on := &fr.slots[slotEvaluatedOn]
	on.blame, on.date = FactEvaluatedOn, f.EvaluatedOn
	if !f.EvaluatedOn.IsZero() {
		on.state = stateKnown
	}
	fr.deriveAge(slotAge, on)
	fr.deriveFromTerm()
	fr.slots[slotScore].state = stateNone
	fr.slots[slotLimit].state = stateNone
	fr.slots[slotAmountPassing].state = stateNone
	fr.slots[slotTermMonthsPassing].state = stateNone
}

// ask puts another request in the place of the one among the facts.
func (fr *frame) ask(amount money.Amount, termMonths int) {
	fr.slots[slotAmount] = value{state: stateKnown, number: numberOf(amount.Decimal()), blame: FactAmount}
	fr.slots[slotTermMonths] = value{state: stateKnown, number: numberOfInt(termMonths), blame: FactTermMonths}
	fr.deriveFromTerm()
}

// deriveFromTerm counts by dates: the completed years on the last due date, not today's age plus the term in years. A term
// that cannot be leaves them unknown; the term rules refuse it.
func (fr *frame) deriveFromTerm() {
	on, term, due := &fr.slots[slotEvaluatedOn], &fr.slots[slotTermMonths], &fr.slots[slotLastDueOn]
	switch {
	case on.state != stateKnown:
		*due = value{blame: FactEvaluatedOn}
	case term.state != stateKnown || term.number.small < 0 || term.number.small > termMonthsCap:
		*due = value{blame: FactTermMonths}
	default:
		*due = value{state: stateKnown, date: on.date.AddMonths(int(term.number.small)), blame: FactTermMonths}
	}
	fr.deriveAge(slotAgeAtLastDue, due)
}

func (fr *frame) deriveAge(slot int, on *value) {
	birth := &fr.slots[slotBirthDate]
	switch {
	case birth.state == stateNone:
		fr.slots[slot] = value{state: stateNone}
	case birth.state == stateUnknown:
		fr.slots[slot] = value{blame: FactBirthDate}
	case on.state != stateKnown:
		fr.slots[slot] = value{blame: on.blame}
	default:
		fr.slots[slot] = value{state: stateKnown, number: numberOfInt(birth.date.AgeOn(on.date)), blame: FactBirthDate}
	}
}
