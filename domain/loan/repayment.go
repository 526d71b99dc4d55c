package loan

import (
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"fumin/domain"
	"fumin/domain/money"
)

// Limits of repayments.
const (
	RepaymentNoMax      = 64    // characters of the core system's number
	RepaymentsOfNoteMax = 2_000 // of one note, those undone included
)

// RepaymentStatus says whether a repayment counts (还款状态).
type RepaymentStatus string

// The statuses of a repayment.
const (
	RepaymentApplied  RepaymentStatus = "applied"  // 已入账
	RepaymentReversed RepaymentStatus = "reversed" // 已冲正
)

// RepaymentStatuses lists both.
func RepaymentStatuses() []RepaymentStatus {
	return []RepaymentStatus{RepaymentApplied, RepaymentReversed}
}

// Label is the status in Chinese.
func (s RepaymentStatus) Label() string {
	switch s {
	case RepaymentApplied:
		return "已入账"
	case RepaymentReversed:
		return "已冲正"
	}
	return string(s)
}

// RepaymentRecord is what the core system told us of one repayment (还款), and of its reversal.
type RepaymentRecord struct {
	ID            domain.ID
	RepaymentNo   string // 核心还款流水号: the core system's own, unique for ever
	NoteID        domain.ID
	ApplicationID domain.ID
	BranchID      domain.ID
	BorrowerID    domain.ID
	PaidOn        domain.Date // 还款日, the core system's
	Principal     money.Amount
	Interest      money.Amount // with penalty interest (罚息) and compound interest (复利)
	Status        RepaymentStatus
	ReceivedAt    time.Time
	ReversalNo    string // 核心冲正流水号; "" until reversed
	ReversedOn    domain.Date
	ReversedAt    time.Time
	Version       int
}

// Same reports whether another delivery says the same.
func (r RepaymentRecord) Same(o RepaymentRecord) bool {
	return r.RepaymentNo == o.RepaymentNo && r.NoteID == o.NoteID && r.PaidOn == o.PaidOn && r.Principal.Equal(o.Principal) && r.Interest.Equal(o.Interest)
}

// CheckOn collects what is wrong with a repayment of the note that was received on a day.
func (r RepaymentRecord) CheckOn(note NoteRecord, today domain.Date) error {
	var p domain.Problems
	if r.RepaymentNo == "" || len([]rune(r.RepaymentNo)) > RepaymentNoMax {
		p.Add("/repayment_no", "out-of-range", "核心还款流水号应为 1 至 %d 个字", RepaymentNoMax)
	}
	if r.Principal.Sign() < 0 {
		p.Add("/principal", "negative", "还本金额不能小于 0.00")
	}
	if r.Interest.Sign() < 0 {
		p.Add("/interest", "negative", "还息金额不能小于 0.00")
	}
	if r.Principal.IsZero() && r.Interest.IsZero() {
		p.Add("/principal", "not-positive", "还本和还息不能都是 0.00")
	}
	if r.PaidOn.Before(note.StartsOn) {
		p.Add("/paid_on", "out-of-range", "还款日 %s 早于借据起息日 %s", r.PaidOn, note.StartsOn)
	}
	if r.PaidOn.After(today) {
		p.Add("/paid_on", "in-the-future", "还款日 %s 晚于今天 %s", r.PaidOn, today)
	}
	return p.Err()
}

// Event tells of a repayment that was received.
func (r RepaymentRecord) Event(by domain.Actor, at time.Time, action Action, from RepaymentStatus) Event {
	return Event{
		Subject: SubjectRepayment, SubjectID: r.ID, Version: r.Version, CaseID: r.ApplicationID, BranchID: r.BranchID,
		Action: action, From: string(from), To: string(r.Status), ActorID: by.ID, ActorName: by.Name, ActorRole: by.Role, At: at,
		Detail: []Note{{"principal", r.Principal.String()}, {"interest", r.Interest.String()}, {"paid_on", r.PaidOn.String()}},
	}
}

// Standing is how a note's instalments are met (履约情况).
type Standing struct {
	UnpaidFrom     domain.Date // due date of the first instalment that is not met; none when all are
	DaysPastDueMax int         // the longest that one was or is late
	Late           []Lateness  // the instalments that were or are late, by the days on which it ended; see Lateness
}

// Lateness is that an instalment was so many days late until the day on which it was met, or, where it is not, until the day
// that the Standing is of. Of several, only those matter to "the longest since some day" than which no later one was as long.
type Lateness struct {
	Days  int         `json:"days"`
	Until domain.Date `json:"until"`
}

// late notes an instalment; they come by the days on which they were met.
func (s *Standing) late(days int, until domain.Date) {
	if days <= 0 {
		return
	}
	s.DaysPastDueMax = max(s.DaysPastDueMax, days)
	for len(s.Late) > 0 && s.Late[len(s.Late)-1].Days <= days {
		s.Late = s.Late[:len(s.Late)-1]
	}
	if n := len(s.Late); n == 0 || s.Late[n-1].Until.Before(until) {
		s.Late = append(s.Late, Lateness{days, until})
	}
}

// interestDifference is by how much an instalment's interest may fall short before it counts as late: the core system
// computes interest by its own conventions, and a few fen of difference are no arrears. Configure to your core system.
var interestDifference = money.Fen(5)

// Renewed is what of a note's principal another note owes (续贷转出), and from which day on.
type Renewed struct {
	Principal money.Amount
	On        domain.Date
}

// StandingOf holds what was repaid against the plan of all that was lent, in whatever order it was told: an instalment is met on
// the day by which the principal and the interest due so far had been paid. Who repaid principal early owes less interest than
// the plan says; so interest counts as due only on the principal that was still owed the day before the due date. What a
// renewal took over is what would have fallen due last: it is not due on this note, and bears interest on it up to its day only.
func StandingOf(plan []Instalment, renewed Renewed, repaid []RepaymentRecord, today domain.Date) Standing {
	counted := slices.DeleteFunc(slices.Clone(repaid), func(r RepaymentRecord) bool { return r.Status != RepaymentApplied })
	slices.SortStableFunc(counted, func(a, b RepaymentRecord) int { return a.PaidOn.Compare(b.PaidOn) })
	var lent money.Amount
	for _, row := range plan {
		lent = lent.Add(row.Principal)
	}
	own := lent.Sub(renewed.Principal)
	var s Standing
	var principalDue, interestDue money.Amount
	for _, row := range plan {
		principalDue = principalDue.Add(row.Principal)
		if principalDue.Cmp(own) > 0 {
			principalDue = own
		}
		interestDue = interestDue.Add(interestBeyondDoubt(row, owedBefore(row.DueOn, lent, renewed, counted)))
		met, on := metOn(counted, principalDue, interestDue)
		if !met {
			on = today
			if s.UnpaidFrom.IsZero() {
				s.UnpaidFrom = row.DueOn
			}
		}
		s.late(row.DueOn.DaysUntil(on), on)
	}
	return s
}

// metOn finds the first day by which so much had been paid.
func metOn(repaid []RepaymentRecord, principalDue, interestDue money.Amount) (met bool, on domain.Date) {
	if principalDue.Sign() <= 0 && interestDue.Sign() <= 0 { // before anything was paid, on no day in particular
		return true, domain.Date{}
	}
	var principal, interest money.Amount
	for _, r := range repaid {
		principal, interest, on = principal.Add(r.Principal), interest.Add(r.Interest), r.PaidOn
		if principal.Cmp(principalDue) >= 0 && interest.Cmp(interestDue) >= 0 {
			return true, on
		}
	}
	return false, on
}

// owedBefore is the principal that was owed on the day before.
func owedBefore(day domain.Date, lent money.Amount, renewed Renewed, repaid []RepaymentRecord) money.Amount {
	owed := lent
	for _, r := range repaid {
		if r.PaidOn.Before(day) {
			owed = owed.Sub(r.Principal)
		}
	}
	if renewed.On.Before(day) { // nothing, where nothing was renewed
		owed = owed.Sub(renewed.Principal)
	}
	return owed
}

// interestBeyondDoubt is the interest of one instalment on the principal that was owed on the day before it fell due.
func interestBeyondDoubt(row Instalment, owed money.Amount) money.Amount {
	if owed.Sign() <= 0 || row.OpeningBalance.Sign() <= 0 {
		return money.Amount{}
	}
	due := row.Interest
	if owed.Cmp(row.OpeningBalance) < 0 {
		due = due.Allocate([]decimal.Decimal{owed.Decimal(), row.OpeningBalance.Sub(owed).Decimal()})[0]
	}
	if due = due.Sub(interestDifference); due.Sign() < 0 {
		return money.Amount{}
	}
	return due
}

// Conduct is how a borrower has kept to the notes, on a day (借款人履约情况): what the rules ask.
type Conduct struct {
	LoansSettled   int
	DaysPastDueMax int // of all notes, the longest that was not over ConductMonths before the day
	OverdueNow     bool
}

// ConductMonths is for how long lateness is held against a borrower after it ended: what the fact days_past_due_max says.
const ConductMonths = 24

// ConductOf sums up a borrower's notes on a day.
func ConductOf(notes []NoteRecord, day domain.Date) Conduct {
	var c Conduct
	since := day.AddMonths(-ConductMonths)
	for _, n := range notes {
		if n.Status == NoteSettled {
			c.LoansSettled++
		}
		late := n.DaysPastDueOn(day)
		c.OverdueNow = c.OverdueNow || late > 0
		c.DaysPastDueMax = max(c.DaysPastDueMax, late)
		for _, l := range n.Late {
			if !l.Until.Before(since) {
				c.DaysPastDueMax = max(c.DaysPastDueMax, l.Days)
			}
		}
	}
	return c
}
