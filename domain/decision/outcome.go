package decision

import (
	"slices"

	"fumin/domain"
	"fumin/domain/money"
)

// Result is what the rules say (决策结论). A decline is a result, not an error.
type Result string

// The results, from best to worst. The worst effect among the rules decides.
const (
	Approve Result = "approve" // 通过
	Refer   Result = "refer"   // 转人工审查
	Decline Result = "decline" // 拒绝
)

// Results lists every result from best to worst.
func Results() []Result { return []Result{Approve, Refer, Decline} }

// Valid reports whether r is one of Results.
func (r Result) Valid() bool {
	switch r {
	case Approve, Refer, Decline:
		return true
	}
	return false
}

// Better reports whether r is a better result than o for the borrower.
func (r Result) Better(o Result) bool { return r.rank() < o.rank() }

func (r Result) rank() int {
	switch r {
	case Approve:
		return 0
	case Refer:
		return 1
	case Decline:
	}
	return 2 // an invalid result counts as the worst
}

// Reason is what one rule found (原因): for a passed rule as well, because the officer must see why a case was approved.
type Reason struct {
	Code       string   // the rule's, kebab-case
	Text       string   // Chinese, for the officer and the borrower; no personal data beyond an age
	Effect     Result   // what this rule alone would have led to; Approve: passed
	FactName   FactName // the fact looked at; for an unknown fact, the one that is missing
	Value      string   // what was seen, as in a snapshot; empty when unknown
	Threshold  string   // what it was held against; empty where there is none
	Unknown    bool     // true: the rule could not be judged, because FactName is unknown
	Suggestion string   // what would pass, or what to do; empty for a passed rule
}

// Outcome is a decision with all that explains it.
type Outcome struct {
	Result  Result
	Reasons []Reason // every rule that applied: declines first, then referrals, then passes, each in the table's order

	// The ceilings within what was asked for: the most that is not declined (for an approval: that is approved) when the other
	// terms stay as asked. 0.00 and 0: none. They never exceed the request, so nobody can sign more than was judged.
	AmountMax        money.Amount
	TermMonthsMax    int
	AnnualRateMaxPct money.Rate // the price ceiling among the facts; 0 when unknown

	// WaysForward are requests that would get a better result, found by evaluating them; empty when there is none, or when none was
	// found before the search had spent what it may.
	WaysForward []WayForward

	// SpreadBP is what the price rules put on the product's price ceiling, in basis points: 0 or less. It is in
	// AnnualRateMaxPct already.
	SpreadBP int

	Score *Score // nil: the rules have no scorecard, or it does not apply
	Tasks []Task // who must look, of a referred case

	RuleSet     string      // id/version of the rules that judged
	RuleSetHash string      // SHA-256 of their definition; empty for rules that were part of the program
	EvaluatedOn domain.Date // the day as of which they judged
}

// Score is what a scorecard gave (评分).
type Score struct {
	Points          int  // of what could be scored, with the base
	Complete        bool // false: at least one characteristic is unknown
	ApproveFrom     int
	ReferFrom       int
	Characteristics []CharacteristicScore
}

// CharacteristicScore is one line of a score (评分项得分).
type CharacteristicScore struct {
	Code    string
	Label   string
	Points  int
	Reason  string // of the band; for an unknown one, what is missing
	Unknown bool
}

// TaskKind is a kind of work on a referred case (待办种类).
type TaskKind string

// The kinds.
const (
	TaskSiteVisit          TaskKind = "site_visit"          // 实地调查
	TaskGuaranteeAnswer    TaskKind = "guarantee_answer"    // 农担公司答复
	TaskBureauConfirmation TaskKind = "bureau_confirmation" // 征信或振兴局核实
	TaskPapers             TaskKind = "papers"              // 补充资料
	TaskReviewerOpinion    TaskKind = "reviewer_opinion"    // 审查意见
)

// TaskKinds lists every kind, in the order in which they are done.
func TaskKinds() []TaskKind {
	return []TaskKind{TaskSiteVisit, TaskGuaranteeAnswer, TaskBureauConfirmation, TaskPapers, TaskReviewerOpinion}
}

// Valid reports whether k is one of TaskKinds.
func (k TaskKind) Valid() bool { return slices.Contains(TaskKinds(), k) }

// Task is work that a referred case needs before a person can decide (待办).
type Task struct {
	Kind  TaskKind
	Code  string   // of the rule or route that asks for it
	Text  string   // what to do, Chinese
	Bring []string // what has to be brought; may be empty
}

// WayForward is a changed request that, applied, gets Result: the largest amount and the longest term, not above what was
// asked for unless the request was below the product's least.
type WayForward struct {
	Amount     money.Amount
	TermMonths int
	Result     Result
	Text       string // Chinese
}

// Declined returns the reasons that led to a decline.
func (o Outcome) Declined() []Reason { return o.with(Decline) }

// Referred returns the reasons for which a person has to look.
func (o Outcome) Referred() []Reason { return o.with(Refer) }

// Passed returns the rules that were met.
func (o Outcome) Passed() []Reason { return o.with(Approve) }

func (o Outcome) with(effect Result) []Reason {
	var reasons []Reason
	for _, r := range o.Reasons {
		if r.Effect == effect {
			reasons = append(reasons, r)
		}
	}
	return reasons
}

// worst returns the worst effect among the reasons.
func worst(reasons []Reason) Result {
	result := Approve
	for _, r := range reasons {
		if result.Better(r.Effect) {
			result = r.Effect
		}
	}
	return result
}
