package loan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"fumin/domain"
	"fumin/domain/money"
	"fumin/domain/schedule"
)

// NoteStatus is where a loan note stands (借据状态). Overdue is never stored: it follows from the day.
type NoteStatus string

// The statuses of a note.
const (
	NoteOutstanding NoteStatus = "outstanding" // 未结清
	NoteOverdue     NoteStatus = "overdue"     // 逾期
	NoteSettled     NoteStatus = "settled"     // 已结清
	NoteRenewed     NoteStatus = "renewed"     // 已续贷: what was left is owed on a note of the line that renewed this one's
	NoteReversed    NoteStatus = "reversed"    // 已冲正: all of the money came back to us, none was repaid
)

// NoteStatuses lists every status.
func NoteStatuses() []NoteStatus {
	return []NoteStatus{NoteOutstanding, NoteOverdue, NoteSettled, NoteRenewed, NoteReversed}
}

// Valid reports whether s is one of NoteStatuses.
func (s NoteStatus) Valid() bool { return slices.Contains(NoteStatuses(), s) }

// Label is the status in Chinese.
func (s NoteStatus) Label() string {
	switch s {
	case NoteOutstanding:
		return "未结清"
	case NoteOverdue:
		return "逾期"
	case NoteSettled:
		return "已结清"
	case NoteRenewed:
		return "已续贷"
	case NoteReversed:
		return "已冲正"
	}
	return string(s)
}

// NotesOfCaseMax bounds the notes of one contract: a draw a day for five years and more.
const NotesOfCaseMax = 2000

// NoteRecord is what a loan note is (借据): principal that arrived on one day, with a schedule of its own from that day on.
type NoteRecord struct {
	ID            domain.ID
	NoteNo        string // 借据编号: the contract's number and a running number
	ApplicationID domain.ID
	BranchID      domain.ID
	BorrowerID    domain.ID
	// Where its principal comes from: a disbursement, or the note that it renews (无还本续贷), never both.
	DisbursementID domain.ID
	RenewsNoteID   domain.ID

	Amount          money.Amount // what arrived
	RepaymentMethod schedule.Method
	AnnualRate      money.Rate  // percent a year, the contract's
	StartsOn        domain.Date // the day the money arrived
	EndsOn          domain.Date // the last due date

	PrincipalRepaid money.Amount
	InterestPaid    money.Amount
	Reversed        money.Amount // came back to us: never owed
	HandedOver      money.Amount // owed on the note that renews this one

	Status NoteStatus // as stored: never overdue
	// UnpaidFrom is the due date of the first instalment that is not met; none when nothing is owed. The note is overdue from
	// the day after it.
	UnpaidFrom domain.Date
	// DaysPastDueMax is the longest that an instalment was late, as far as was known when a repayment last changed the note.
	DaysPastDueMax int
	Late           []Lateness // likewise
	SettledOn      domain.Date
	Version        int
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// Outstanding is the principal still owed (未还本金).
func (r NoteRecord) Outstanding() money.Amount {
	return r.Amount.Sub(money.Sum(r.PrincipalRepaid, r.Reversed, r.HandedOver))
}

// Lent is what arrived and did not come back: what the note's schedule repays, handed over or not.
func (r NoteRecord) Lent() money.Amount { return r.Amount.Sub(r.Reversed) }

// StatusOn is the status on a day, overdue included.
func (r NoteRecord) StatusOn(day domain.Date) NoteStatus {
	if r.DaysPastDueOn(day) > 0 {
		return NoteOverdue
	}
	return r.Status
}

// DaysPastDueOn is for how many days an instalment has been late on the day; 0 when none is.
func (r NoteRecord) DaysPastDueOn(day domain.Date) int {
	if r.Status != NoteOutstanding || r.UnpaidFrom.IsZero() || !r.UnpaidFrom.Before(day) {
		return 0
	}
	return r.UnpaidFrom.DaysUntil(day)
}

// LoanNote is what may happen to a loan note. Only this package changes a NoteRecord.
type LoanNote struct{ rec NoteRecord } //nolint:revive // exported: a Note is a line of an event here, and 借据 is a loan note everywhere

// The actions on a note beside those of its line.
const (
	ActionNoteWrite Action = "write" // 出具借据
	ActionNoteGrow  Action = "grow"  // 同日续到账
	ActionNoteRenew Action = "renew" // 续贷转出
)

// WriteNote makes the note of principal that arrived or was taken over, and numbers it on its line (出具借据). The line is the
// one of the contract, and the caller saves it in the same transaction.
func WriteNote(by domain.Actor, at time.Time, l *Line, c Contract, r NoteRecord, plan []Instalment) (*LoanNote, Event, error) {
	if len(plan) == 0 {
		return nil, Event{}, fmt.Errorf("loan note %s: no schedule", r.ID)
	}
	r.ApplicationID, r.BranchID, r.BorrowerID = c.ApplicationID, c.BranchID, c.BorrowerID
	r.NoteNo = fmt.Sprintf("%s-%03d", c.ContractNo, l.nextNote())
	r.RepaymentMethod, r.AnnualRate = c.RepaymentMethod, c.AnnualRate
	r.EndsOn, r.UnpaidFrom = plan[len(plan)-1].DueOn, plan[0].DueOn
	r.Status, r.Version, r.CreatedAt, r.UpdatedAt = NoteOutstanding, 1, at, at
	n, err := RestoreNote(r)
	if err != nil {
		return nil, Event{}, err
	}
	return n, n.event(by, at, ActionNoteWrite, "", Note{"note_no", r.NoteNo}, Note{"amount", r.Amount.String()}, Note{"ends_on", r.EndsOn.String()}), nil
}

// RestoreNote makes a note of a stored record and refuses one that cannot be.
func RestoreNote(r NoteRecord) (*LoanNote, error) {
	owed := r.Outstanding()
	switch {
	case !r.Status.Valid() || r.Status == NoteOverdue:
		return nil, fmt.Errorf("loan note %s: unknown status %q", r.ID, r.Status)
	case r.ID.IsZero() || r.ApplicationID.IsZero() || r.BranchID.IsZero() || r.BorrowerID.IsZero() || r.NoteNo == "" || r.Version < 1:
		return nil, fmt.Errorf("loan note %s: incomplete", r.ID)
	case r.DisbursementID.IsZero() == r.RenewsNoteID.IsZero():
		return nil, fmt.Errorf("loan note %s: of disbursement %q and of note %q", r.ID, r.DisbursementID, r.RenewsNoteID)
	case r.Amount.Sign() <= 0 || !r.StartsOn.Before(r.EndsOn):
		return nil, fmt.Errorf("loan note %s: %s from %s to %s", r.ID, r.Amount, r.StartsOn, r.EndsOn)
	case owed.Sign() < 0 || r.PrincipalRepaid.Sign() < 0 || r.InterestPaid.Sign() < 0 || r.Reversed.Sign() < 0 || r.HandedOver.Sign() < 0:
		return nil, fmt.Errorf("loan note %s: outstanding %s", r.ID, owed)
	case (r.Status == NoteOutstanding) != (owed.Sign() > 0) || (r.Status == NoteOutstanding) == r.UnpaidFrom.IsZero():
		return nil, fmt.Errorf("loan note %s: %s with %s outstanding, unpaid from %q", r.ID, r.Status, owed, r.UnpaidFrom)
	}
	return &LoanNote{rec: r}, nil
}

// Record returns a copy of what the note is.
func (n *LoanNote) Record() NoteRecord { return n.rec }

// Grow adds principal of the same disbursement that arrived on the same day: the schedule is made anew for all that stays lent,
// and then says how the note stands. What had arrived before may have been repaid or returned already, all of it too.
func (n *LoanNote) Grow(by domain.Actor, at time.Time, amount money.Amount, plan []Instalment, then Standing) (Event, error) {
	if n.rec.Status == NoteRenewed || amount.Sign() <= 0 || len(plan) == 0 {
		return Event{}, fmt.Errorf("loan note %s: cannot grow by %s while %s", n.rec.ID, amount, n.rec.Status)
	}
	return n.move(by, at, ActionNoteGrow, amount, func(r *NoteRecord) {
		r.Amount = r.Amount.Add(amount)
		r.EndsOn = plan[len(plan)-1].DueOn
		r.stand(then)
	}), nil
}

// Repay takes a repayment off the note (还款), given how the note then stands. It refuses more principal than is owed.
func (n *LoanNote) Repay(by domain.Actor, at time.Time, p RepaymentRecord, then Standing) (Event, error) {
	if p.Principal.Cmp(n.rec.Outstanding()) > 0 {
		return Event{}, domain.Errorf(domain.KindRule, "repayment-exceeds-outstanding",
			"借据 %s（%s）未还本金为 %s 元，少于本次还本 %s 元；如有冲正或另一笔还款尚未送达，请送达后重发",
			n.rec.NoteNo, n.rec.Status.Label(), n.rec.Outstanding().Grouped(), p.Principal.Grouped())
	}
	return n.move(by, at, ActionLineRepay, p.Principal, func(r *NoteRecord) {
		r.PrincipalRepaid, r.InterestPaid = r.PrincipalRepaid.Add(p.Principal), r.InterestPaid.Add(p.Interest)
		r.stand(then)
		if r.Outstanding().IsZero() {
			r.SettledOn = p.PaidOn
		}
	}), nil
}

// RepayHandedOver takes off a repayment that was paid before the note was renewed and told after it: of its principal, back had
// gone over to the heir though it was owed no more, and is less there now.
func (n *LoanNote) RepayHandedOver(by domain.Actor, at time.Time, p RepaymentRecord, back money.Amount, then Standing) (Event, error) {
	own := p.Principal.Sub(back)
	if back.Sign() <= 0 || back.Cmp(n.rec.HandedOver) > 0 || own.Sign() < 0 || own.Cmp(n.rec.Outstanding()) > 0 {
		return Event{}, fmt.Errorf("loan note %s: repay %s, of it %s of the %s handed over", n.rec.ID, p.Principal, back, n.rec.HandedOver)
	}
	return n.move(by, at, ActionLineRepay, p.Principal, func(r *NoteRecord) {
		r.PrincipalRepaid, r.InterestPaid = r.PrincipalRepaid.Add(p.Principal), r.InterestPaid.Add(p.Interest)
		r.HandedOver = r.HandedOver.Sub(back)
		r.stand(then)
		if r.HandedOver.IsZero() && r.Outstanding().IsZero() {
			r.SettledOn = p.PaidOn
		}
	}), nil
}

// Undo puts a repayment back that the core system has reversed (还款冲正), given how the note then stands.
func (n *LoanNote) Undo(by domain.Actor, at time.Time, p RepaymentRecord, then Standing) (Event, error) {
	if p.Principal.Cmp(n.rec.PrincipalRepaid) > 0 || p.Interest.Cmp(n.rec.InterestPaid) > 0 {
		return Event{}, fmt.Errorf("loan note %s: undo %s and %s of %s and %s", n.rec.ID, p.Principal, p.Interest, n.rec.PrincipalRepaid, n.rec.InterestPaid)
	}
	return n.move(by, at, ActionLineUndo, p.Principal, func(r *NoteRecord) {
		r.PrincipalRepaid, r.InterestPaid = r.PrincipalRepaid.Sub(p.Principal), r.InterestPaid.Sub(p.Interest)
		r.stand(then)
	}), nil
}

// Reverse takes off principal that came back to us (支用冲正), given how the note then stands.
func (n *LoanNote) Reverse(by domain.Actor, at time.Time, amount money.Amount, then Standing) (Event, error) {
	if err := within("未还本金", amount, n.rec.Outstanding()); err != nil {
		return Event{}, err
	}
	return n.move(by, at, ActionLineReverse, amount, func(r *NoteRecord) {
		r.Reversed = r.Reversed.Add(amount)
		r.stand(then)
	}), nil
}

// Renew ends the note because another owes the rest from now on (无还本续贷).
func (n *LoanNote) Renew(by domain.Actor, at time.Time) (Event, error) {
	if n.rec.Status != NoteOutstanding {
		return Event{}, domain.Errorf(domain.KindConflict, "wrong-status", "借据 %s 目前处于「%s」，没有可续贷的本金", n.rec.NoteNo, n.rec.Status.Label())
	}
	owed := n.rec.Outstanding()
	return n.move(by, at, ActionNoteRenew, owed, func(r *NoteRecord) {
		r.HandedOver = r.HandedOver.Add(owed)
		r.SettledOn = domain.DateOf(at)
	}), nil
}

// stand takes over how the note stands. Not the worse of then and now: how late an instalment was follows from all that was paid
// and when, and a repayment that was told late, after another, was not paid late.
func (r *NoteRecord) stand(then Standing) {
	r.UnpaidFrom, r.DaysPastDueMax, r.Late = then.UnpaidFrom, then.DaysPastDueMax, then.Late
}

// move is the one place where a note's amounts change; its status follows from them.
func (n *LoanNote) move(by domain.Actor, at time.Time, action Action, amount money.Amount, change func(*NoteRecord)) Event {
	from := n.rec.Status
	r := &n.rec
	change(r)
	switch {
	case r.Outstanding().Sign() > 0:
		r.Status, r.SettledOn = NoteOutstanding, domain.Date{}
	case !r.HandedOver.IsZero():
		r.Status = NoteRenewed
	case r.PrincipalRepaid.IsZero():
		r.Status = NoteReversed
	default:
		r.Status = NoteSettled
	}
	if r.Status != NoteOutstanding {
		r.UnpaidFrom = domain.Date{}
	}
	r.UpdatedAt = at
	r.Version++
	return n.event(by, at, action, from, Note{"amount", amount.String()}, Note{"outstanding", r.Outstanding().String()})
}

func (n *LoanNote) event(by domain.Actor, at time.Time, action Action, from NoteStatus, notes ...Note) Event {
	return Event{
		Subject: SubjectLoanNote, SubjectID: n.rec.ID, Version: n.rec.Version, CaseID: n.rec.ApplicationID, BranchID: n.rec.BranchID,
		Action: action, From: string(from), To: string(n.rec.Status),
		ActorID: by.ID, ActorName: by.Name, ActorRole: by.Role, At: at, Detail: notes,
	}
}

// DerivedID is the id of what follows from another thing exactly once, such as the note of a transfer: the same parent and
// word give the same id, so that what was done once cannot be done again under another. It keeps the parent's time, so that
// it is as new as the parent in every index.
func DerivedID(parent domain.ID, word string) domain.ID {
	sum := sha256.Sum256([]byte(parent.String() + "/" + word))
	text := []byte(hex.EncodeToString(sum[:16]))
	text[12] = '7'
	text[16] = "89ab"[sum[8]&3]
	return domain.ID(fmt.Sprintf("%s-%s-%s-%s", parent.String()[:13], text[12:16], text[16:20], text[20:32]))
}
