package schedule

import (
	"cmp"
	"math/big"
	"slices"
)

// cash is money at a time counted in unit-periods; positive is received by the borrower, negative is paid.
type cash struct {
	fen fen
	at  unitCount
}

// equation is the equation of value: the rate i of one unit-period for which
//
//	Σ fen / ((1 + rest x i) (1 + i)^whole) = 0
//
// Regulation Z, Appendix J (b)(8). Directive 2014/17/EU, Annex I, part I, is the case without rests and with days as units.
// The flows are in the order of their times, and no two are at the same time.
type equation struct {
	flows []cash
	rate  conversion
}

// conversion is how the unit-period rate i becomes a yearly rate r: compounding, 1 + r = (1+i)^n, or n times i.
type conversion struct {
	compounded bool
	periods    Fraction // unit-periods a year; a whole number where compounded
}

// newEquation orders the flows, adds up those of the same time, and drops what came to nothing.
func newEquation(flows []cash, rate conversion) equation {
	sorted := slices.Clone(flows)
	slices.SortStableFunc(sorted, func(a, b cash) int { return a.at.compare(b.at) })
	merged := sorted[:0]
	for _, flow := range sorted {
		if n := len(merged); n > 0 && merged[n-1].at == flow.at {
			merged[n-1].fen += flow.fen
			continue
		}
		merged = append(merged, flow)
	}
	merged = slices.DeleteFunc(merged, func(flow cash) bool { return flow.fen == 0 })
	return equation{flows: merged, rate: rate}
}

func (u unitCount) compare(o unitCount) int {
	return cmp.Or(cmp.Compare(u.whole, o.whole),
		cmp.Compare(u.rest.Numerator*o.rest.Denominator, o.rest.Numerator*u.rest.Denominator))
}

// signChanges counts how often the flows change between received and paid. None means no rate. One means at most one
// rate above -100 %: divide the equation by the weight of the moment of the change; then the terms before it only grow
// with i, those after it only shrink, and the two sides differ in sign, so the sum crosses zero once at most. (A later
// flow's weight falls faster than an earlier one's: q/(1+i) + f/(1+f i) grows with q and with f, and from (q, 1) to
// (q+1, 0) it does not jump.) Without rests this is Descartes' rule.
func (e equation) signChanges() int {
	changes := 0
	for k := 1; k < len(e.flows); k++ {
		if (e.flows[k].fen > 0) != (e.flows[k-1].fen > 0) {
			changes++
		}
	}
	return changes
}

// The part of all money moved within which the sign of a sum is not trusted, as a power of ten. Each step errs by at
// most 1e-34 of the money, and there are at most some 1e5 steps. The discount factor's own error, 1e-26 a year, is
// multiplied by a century at most. Together that is less than 1e-22 with room to spare, while one unit in the last
// place of a rate moves the sum by some 1e-17 of the money for a loan of one day, and by more for any longer one.
const (
	trustedPlaces     = 22
	discountTolerance = 26 // places to which v^n (1+r) is 1
)

// present is the left side of the equation at one rate, in fixed-point fen. factor is the discount factor
// v = 1/(1+i). Where i is negative the equation is first multiplied by a power of 1+i, so that every factor used is at
// most one and no error grows.
func (e equation) present(rate, factor *big.Int) *big.Int {
	var w workspace
	sum := new(big.Int)
	if rate.Sign() >= 0 {
		powers := powersOf(&w, factor)
		for k := range slices.Backward(e.flows) {
			sum.Add(sum, e.term(&w, k, rate))
			if k > 0 {
				powers.multiply(sum, e.flows[k].at.whole-e.flows[k-1].at.whole)
			}
		}
		return sum
	}
	powers := powersOf(&w, new(big.Int).Add(fixedOne, rate))
	for k := range e.flows {
		if k > 0 {
			powers.multiply(sum, e.flows[k].at.whole-e.flows[k-1].at.whole)
		}
		sum.Add(sum, e.term(&w, k, rate))
	}
	return sum
}

// term is a flow with simple interest taken off for its odd days: fen / (1 + rate x rest).
func (e equation) term(w *workspace, k int, rate *big.Int) *big.Int {
	flow := e.flows[k]
	money := w.term.Mul(w.small.SetInt64(int64(flow.fen)), fixedOne)
	if flow.at.rest.Numerator == 0 {
		return money
	}
	w.odd.Mul(rate, w.small.SetInt64(flow.at.rest.Numerator))
	w.odd.Quo(&w.odd, w.small.SetInt64(flow.at.rest.Denominator))
	w.odd.Add(&w.odd, fixedOne)
	w.divide(money, money, &w.odd)
	return money
}

// moved is all money in the equation, whichever way it goes.
func (e equation) moved() int64 {
	var total int64
	for _, flow := range e.flows {
		total += int64(max(flow.fen, -flow.fen))
	}
	return total
}

// powers remembers the few powers a schedule needs: its gaps are nearly all 28 to 31 days, or one period.
type powers struct {
	work  *workspace
	base  *big.Int
	known []knownPower
}

type knownPower struct {
	n     int
	value *big.Int
}

const knownPowersMax = 16

func powersOf(w *workspace, base *big.Int) *powers { return &powers{work: w, base: base} }

// multiply multiplies x by base^n.
func (p *powers) multiply(x *big.Int, n int) {
	if n == 1 {
		p.work.multiply(x, x, p.base)
		return
	}
	for _, known := range p.known {
		if known.n == n {
			p.work.multiply(x, x, known.value)
			return
		}
	}
	value := p.work.power(p.base, n)
	if len(p.known) < knownPowersMax {
		p.known = append(p.known, knownPower{n, value})
	}
	p.work.multiply(x, x, value)
}
