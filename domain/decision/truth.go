package decision

// truth is the value of a condition. Two values come on top of true and false, because facts have them:
//
//   - unknown: a fact is missing, and the others do not decide without it. The case goes to a person.
//   - absent: it is known that there is nothing to compare (an organisation has no age, a product no age limit). The rule
//     does not apply.
//
// "a or b" is true as soon as one of them is, whatever the other; "a and b" is false as soon as one is. Otherwise unknown
// beats absent, and absent beats what is left: so "or" takes the later and "and" the earlier in the respective order below,
// and neither depends on the order in which the two are written.
type truth uint8

const (
	isFalse truth = iota
	isAbsent
	isUnknown
	isTrue
)

func truthOf(b bool) truth {
	if b {
		return isTrue
	}
	return isFalse
}

// truthOfState is the truth of comparing something that is not known.
func truthOfState(s factState) truth {
	if s == stateNone {
		return isAbsent
	}
	return isUnknown
}

func (t truth) not() truth {
	switch t {
	case isTrue:
		return isFalse
	case isFalse:
		return isTrue
	case isAbsent, isUnknown:
	}
	return t
}

// or: true > unknown > absent > false.
func (t truth) or(o truth) truth { return max(t, o) }

// and: false > unknown > absent > true.
func (t truth) and(o truth) truth {
	switch {
	case t == isFalse || o == isFalse:
		return isFalse
	case t == isUnknown || o == isUnknown:
		return isUnknown
	case t == isAbsent || o == isAbsent:
		return isAbsent
	}
	return isTrue
}

// combine is the state of something computed from two. None beats unknown: whatever the missing one turns out to be, there is
// nothing to compute it with.
func (s factState) combine(o factState) factState {
	switch {
	case s == stateNone || o == stateNone:
		return stateNone
	case s == stateUnknown || o == stateUnknown:
		return stateUnknown
	}
	return stateKnown
}
