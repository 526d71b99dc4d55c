package decision

import (
	"cmp"
	"slices"

	"fumin/domain/money"
)

// Evaluate judges the facts by every rule. The worst effect is the result: a decline beats a referral, a referral beats an
// approval. It is a pure function and never fails: what it cannot judge it refers.
func Evaluate(f Facts) Outcome {
	reasons := judge(&f)
	outcome := Outcome{
		Result:      worst(reasons),
		Reasons:     reasons,
		RuleSet:     RuleSet,
		EvaluatedOn: f.EvaluatedOn,
	}
	outcome.AnnualRateMaxPct, _ = f.AnnualRateMaxPct.Value()
	outcome.AmountMax, outcome.TermMonthsMax = ceilings(f, outcome.Result)
	outcome.WaysForward = waysForward(f, outcome.Result)
	return outcome
}

// judge asks every rule that applies and sorts what they say: declines first.
func judge(f *Facts) []Reason {
	reasons := make([]Reason, 0, len(rules))
	for _, r := range rules {
		if v, applies := r.ask(f); applies {
			reason := v.explain()
			reason.Code, reason.Effect = r.code, v.effect
			reasons = append(reasons, reason)
		}
	}
	slices.SortStableFunc(reasons, func(a, b Reason) int { return cmp.Compare(b.Effect.rank(), a.Effect.rank()) })
	return reasons
}

// reaches reports whether the facts, with another amount and term, get the target or better.
func reaches(f Facts, amount money.Amount, termMonths int, target Result) bool {
	f.Amount, f.TermMonths = Known(amount), Known(termMonths)
	for _, r := range rules {
		if v, applies := r.ask(&f); applies && target.Better(v.effect) {
			return false
		}
	}
	return true
}

// ceilings returns the most within the request that keeps the result (or, for a decline, leaves it).
func ceilings(f Facts, result Result) (money.Amount, int) {
	if result != Decline {
		amount, _ := f.Amount.Value() // an unknown one is zero: nothing may be signed on it
		termMonths, _ := f.TermMonths.Value()
		return amount, termMonths
	}
	r, ok := room(f)
	if !ok {
		return money.Amount{}, 0
	}
	amountMax := largestAmount(r.amountMin, minAmount(r.amount, r.amountMax), func(a money.Amount) bool {
		return reaches(f, a, r.termMonths, Refer)
	})
	termMonthsMax := largest(r.termMonthsMin, min(r.termMonths, r.termMonthsMax), func(n int) bool {
		return reaches(f, r.amount, n, Refer)
	})
	return amountMax, termMonthsMax
}

// waysForward looks for better requests: first the one that would be approved, then the one that a person could still
// approve. For each, changing only the amount or only the term is preferred to changing both.
func waysForward(f Facts, result Result) []WayForward {
	r, ok := room(f)
	if !ok {
		return nil
	}
	var ways []WayForward
	for _, target := range []Result{Approve, Refer} {
		if !target.Better(result) {
			break
		}
		for _, way := range reach(f, r, target) {
			if !slices.ContainsFunc(ways, func(w WayForward) bool { return w.covers(way) }) {
				ways = append(ways, way)
			}
		}
	}
	return ways
}

// reach finds the largest amount and the longest term that get at least the target.
//
// The rules are monotone within the product's limits (a smaller amount or a shorter term never fares worse; a property test
// holds it), so halving finds the border: at most 60 evaluations for an amount to the fen, 10 for a term.
func reach(f Facts, r request, target Result) []WayForward {
	amountHigh := maxAmount(r.amountMin, minAmount(r.amount, r.amountMax))
	termHigh := max(r.termMonthsMin, min(r.termMonths, r.termMonthsMax))
	good := func(amount money.Amount, termMonths int) bool { return reaches(f, amount, termMonths, target) }
	propose := func(amount money.Amount, termMonths int) WayForward {
		got := target
		if reaches(f, amount, termMonths, Approve) {
			got = Approve
		}
		return WayForward{Amount: amount, TermMonths: termMonths, Result: got, Text: wayText(amount, termMonths, got)}
	}

	var ways []WayForward
	if amount := largestAmount(r.amountMin, amountHigh, func(a money.Amount) bool { return good(a, r.termMonths) }); !amount.IsZero() {
		ways = append(ways, propose(amount, r.termMonths))
	}
	if termMonths := largest(r.termMonthsMin, termHigh, func(n int) bool { return good(r.amount, n) }); termMonths > 0 {
		ways = append(ways, propose(r.amount, termMonths))
	}
	if len(ways) > 0 {
		return ways
	}
	termMonths := largest(r.termMonthsMin, termHigh, func(n int) bool { return good(r.amountMin, n) })
	if termMonths == 0 {
		return nil
	}
	amount := largestAmount(r.amountMin, amountHigh, func(a money.Amount) bool { return good(a, termMonths) })
	return []WayForward{propose(amount, termMonths)}
}
