package schedule

import (
	"math"
	"strconv"

	"github.com/shopspring/decimal"
)

// This file is the only one with floats. A root can be searched for in binary floating point because nothing of the
// search is published: solve.go takes the approximation as a guess, works on in decimals, and verifies the result
// there. Here floats only save time; a wrong guess costs a refusal, never a wrong rate.

// The yearly rates looked at, compounded: above -99 % and up to 10,000,000 %. RatePctMin and RatePctMax say the same.
const (
	growthMin = 0.01
	growthMax = 100001
)

const (
	newtonStepsMax = 200     // bisection alone would need some 70
	intervalsMax   = 4096    // while counting roots
	termsMax       = 2000000 // evaluations of one flow while counting roots, some 50 ms
	doubtful       = 1e-11   // part of the money within which the sign of a float sum is not trusted
)

// guess is where a root is: the rate of one unit-period and the yearly rate, as fractions of one, to some 15 digits.
type guess struct{ unit, yearly decimal.Decimal }

// bounds returns the unit-period rates between which roots are looked for.
func (c conversion) bounds() (low, high float64) {
	periods := float64(c.periods.Numerator) / float64(c.periods.Denominator)
	return math.Expm1(math.Log(growthMin) / periods), math.Expm1(math.Log(growthMax) / periods)
}

// only finds the root of an equation that has at most one; ok is false where it is out of bounds.
func (e equation) only() (g guess, ok bool) {
	low, high := e.rate.bounds()
	sumLow, _ := e.floatSum(low)
	sumHigh, _ := e.floatSum(high)
	if math.Signbit(sumLow) == math.Signbit(sumHigh) || math.IsNaN(sumLow) || math.IsNaN(sumHigh) {
		return guess{}, false
	}
	return e.between(low, high)
}

// between is Newton's method inside a bracket that only shrinks; a step that leaves it is replaced by halving.
func (e equation) between(low, high float64) (guess, bool) {
	sumLow, _ := e.floatSum(low)
	rate := min(max(e.firstGuess(), low), high)
	for range newtonStepsMax {
		sum, slope := e.floatSum(rate)
		if math.Signbit(sum) == math.Signbit(sumLow) {
			low = rate
		} else {
			high = rate
		}
		next := rate - sum/slope
		if !(next > low && next < high) { // and not its opposite: a NaN must fail the test
			next = low + (high-low)/2
		}
		if math.Abs(next-rate) <= 1e-17+1e-16*math.Abs(rate) || sum == 0 {
			break
		}
		rate = next
	}
	return e.rate.guessOf(rate)
}

// firstGuess spreads the cost evenly over the mean time of the payments: near enough for any ordinary loan.
func (e equation) firstGuess() float64 {
	var in, out, inTime, outTime float64
	for _, flow := range e.flows {
		money, time := float64(flow.fen), flow.at.float()
		if money > 0 {
			in, inTime = in+money, inTime+money*time
		} else {
			out, outTime = out-money, outTime-money*time
		}
	}
	return math.Expm1(math.Log(out/in) / (outTime/out - inTime/in))
}

func (u unitCount) float() float64 {
	return float64(u.whole) + float64(u.rest.Numerator)/float64(u.rest.Denominator)
}

func (c conversion) guessOf(rate float64) (guess, bool) {
	periods := float64(c.periods.Numerator) / float64(c.periods.Denominator)
	yearly := periods * rate
	if c.compounded {
		yearly = math.Expm1(periods * math.Log1p(rate))
	}
	unitRate, okUnit := exactly(rate)
	yearlyRate, okYearly := exactly(yearly)
	return guess{unit: unitRate, yearly: yearlyRate}, okUnit && okYearly
}

// exactly turns a float into the decimal it prints as.
func exactly(x float64) (decimal.Decimal, bool) {
	d, err := decimal.NewFromString(strconv.FormatFloat(x, 'f', 24, 64))
	return d, err == nil
}

// floatSum is the equation's left side and its derivative by the rate.
func (e equation) floatSum(rate float64) (sum, slope float64) {
	perPeriod, inverse := math.Log1p(rate), 1/(1+rate)
	for _, flow := range e.flows {
		rest := float64(flow.at.rest.Numerator) / float64(flow.at.rest.Denominator)
		odd := 1 / (1 + rest*rate)
		whole := float64(flow.at.whole)
		term := float64(flow.fen) * odd * math.Exp(-whole*perPeriod)
		sum += term
		slope -= term * (whole*inverse + rest*odd)
	}
	return sum, slope
}

// enclosure is the received and the paid side of the equation at one rate, and how fast each falls there.
type enclosure struct {
	received, paid, receivedFall, paidFall float64
}

func (e equation) enclose(rate float64) enclosure {
	var at enclosure
	perPeriod, inverse := math.Log1p(rate), 1/(1+rate)
	for _, flow := range e.flows {
		rest := float64(flow.at.rest.Numerator) / float64(flow.at.rest.Denominator)
		odd := 1 / (1 + rest*rate)
		whole := float64(flow.at.whole)
		term := math.Abs(float64(flow.fen)) * odd * math.Exp(-whole*perPeriod)
		fall := term * (whole*inverse + rest*odd)
		if flow.fen > 0 {
			at.received, at.receivedFall = at.received+term, at.receivedFall+fall
		} else {
			at.paid, at.paidFall = at.paid+term, at.paidFall+fall
		}
	}
	return at
}

// excludes reports whether the sum cannot be zero from a to b.
func (a enclosure) excludes(b enclosure) bool {
	margin := doubtful * (a.received + a.paid)
	return a.received-b.paid < -margin || b.received-a.paid > margin
}

// monotone reports whether the sum only rises or only falls from a to b.
func (a enclosure) monotone(b enclosure) bool {
	margin := doubtful * (a.receivedFall + a.paidFall)
	return a.receivedFall-b.paidFall < -margin || b.receivedFall-a.paidFall > margin
}

// crossing reports whether the signs at both ends differ; sure is false where one is too close to zero to have a sign.
func (a enclosure) crossing(b enclosure) (crosses, sure bool) {
	begin, end := a.received-a.paid, b.received-b.paid
	sure = math.Abs(begin) > doubtful*(a.received+a.paid) && math.Abs(end) > doubtful*(b.received+b.paid)
	return math.Signbit(begin) != math.Signbit(end), sure
}

// all finds every root within bounds of an equation that may have several, by dividing until each piece provably has
// none, or at most one because the sum rises or falls throughout. Every weight 1/((1+rest i)(1+i)^whole) falls as i
// grows, so the two sides at the ends of a piece enclose the sum between them; likewise its derivative. sure is false
// where two rates touch or lie so close together that the pieces run out.
func (e equation) all() (found []guess, sure bool) {
	type piece struct { // low and high in log(1+i), where loans' rates are spread evenly
		low, high float64
		from, to  enclosure
	}
	low, high := e.rate.bounds()
	pieces := []piece{{math.Log1p(low), math.Log1p(high), e.enclose(low), e.enclose(high)}}
	for budget := min(intervalsMax, termsMax/(1+len(e.flows))); len(pieces) > 0; budget-- {
		if budget == 0 {
			return nil, false
		}
		p := pieces[len(pieces)-1]
		pieces = pieces[:len(pieces)-1]
		if p.from.excludes(p.to) {
			continue
		}
		if !p.from.monotone(p.to) {
			// Not in the middle: there round rates lie, and a root at the very end of a piece has no sign.
			cut := p.low + (p.high-p.low)*0.4871
			at := e.enclose(math.Expm1(cut))
			pieces = append(pieces, piece{p.low, cut, p.from, at}, piece{cut, p.high, at, p.to})
			continue
		}
		crosses, certain := p.from.crossing(p.to)
		if !certain {
			return nil, false
		}
		if crosses {
			root, ok := e.between(math.Expm1(p.low), math.Expm1(p.high))
			if !ok {
				return nil, false
			}
			found = append(found, root)
		}
	}
	return found, true
}
