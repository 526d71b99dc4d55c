package decision

// SearchCostMax is the most that the search may spend on one case.
const SearchCostMax = searchCostMax

// EvaluateCounting is Evaluate, and says what its search has spent.
func (e *Engine) EvaluateCounting(f Facts) (o Outcome, spent int) {
	s := newSearch(e, &frame{slots: make([]value, len(factRows)+len(derivedDefinitions))}, &f)
	o = e.evaluate(s)
	return o, searchCostMax - s.left
}
