package loan

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"fumin/domain"
	"fumin/domain/money"
)

// LineStatus is where a credit line stands (额度状态). That its last day has passed is no status of its own: it follows
// from the day (LineRecord.EndedOn).
type LineStatus string

// The statuses of a line.
const (
	LineLive  LineStatus = "live"  // 正常
	LineHeld  LineStatus = "held"  // 冻结: nothing new is drawn; what was released before is carried to its end
	LineEnded LineStatus = "ended" // 终止: nothing is drawn any more; what is owed is still repaid
)

// LineStatuses lists every status.
func LineStatuses() []LineStatus { return []LineStatus{LineLive, LineHeld, LineEnded} }

// Valid reports whether s is one of LineStatuses.
func (s LineStatus) Valid() bool { return slices.Contains(LineStatuses(), s) }

// Label is the status in Chinese.
func (s LineStatus) Label() string {
	switch s {
	case LineLive:
		return "正常"
	case LineHeld:
		return "冻结"
	case LineEnded:
		return "终止"
	}
	return string(s)
}

// The actions on a line. All but hold, resume and end follow from a payment, a repayment or a renewal, which were
// authorised there.
const (
	ActionLineOpen     Action = "open"           // 开立额度
	ActionLineReserve  Action = "reserve"        // 预占额度
	ActionLineDraw     Action = "draw"           // 支用到账
	ActionLineGiveBack Action = "give_back"      // 释放预占
	ActionLineReverse  Action = "reverse"        // 支用冲正
	ActionLineRepay    Action = "repay"          // 还款恢复
	ActionLineUndo     Action = "undo_repayment" // 还款冲正
	ActionLineTakeOver Action = "take_over"      // 承接续贷余额
	ActionLineHandOver Action = "hand_over"      // 转入新额度
	ActionLineHold     Action = "hold"           // 冻结额度
	ActionLineResume   Action = "resume"         // 解冻额度
	ActionLineEnd      Action = "end"            // 终止额度
	ActionLineFill     Action = "fill_notes"     // 补出借据
)

// lineLabel is the label of an action on a line, a note or a repayment; others are their own word.
func lineLabel(a Action) string {
	switch a { //nolint:exhaustive // the other actions have their labels beside themselves
	case ActionLineOpen:
		return "开立额度"
	case ActionLineReserve:
		return "预占额度"
	case ActionLineDraw:
		return "支用到账"
	case ActionLineGiveBack:
		return "释放预占"
	case ActionLineReverse:
		return "支用冲正"
	case ActionLineRepay:
		return "还款"
	case ActionLineUndo:
		return "还款冲正"
	case ActionLineTakeOver:
		return "承接续贷余额"
	case ActionLineHandOver:
		return "转入新额度"
	case ActionLineHold:
		return "冻结额度"
	case ActionLineResume:
		return "解冻额度"
	case ActionLineEnd:
		return "终止额度"
	case ActionLineFill:
		return "补出借据"
	case ActionNoteWrite:
		return "出具借据"
	case ActionNoteGrow:
		return "同日续到账"
	case ActionNoteRenew:
		return "续贷转出"
	}
	return string(a)
}

// LineTransition is one row of a line's lifecycle. No roles means that the action follows from a payment, a repayment or a
// renewal, and was authorised there.
type LineTransition struct {
	Action Action
	From   LineStatus
	To     LineStatus
	Roles  []domain.Role
}

var lineKeeper = []domain.Role{domain.RoleRiskManager, domain.RoleDisbursementOfficer}

// lineEnder ends a line; the system does when its last day has passed, and when its contract is withdrawn in the cooling-off
// period (冷静期).
var lineEnder = []domain.Role{domain.RoleRiskManager, domain.RoleDisbursementOfficer, domain.RoleSystem}

var lineTransitions = []LineTransition{
	{ActionLineReserve, LineLive, LineLive, nil},
	{ActionLineTakeOver, LineLive, LineLive, nil},
	{ActionLineHandOver, LineLive, LineEnded, nil},
	{ActionLineDraw, LineLive, LineLive, nil},
	{ActionLineDraw, LineHeld, LineHeld, nil},
	{ActionLineDraw, LineEnded, LineEnded, nil},
	{ActionLineGiveBack, LineLive, LineLive, nil},
	{ActionLineGiveBack, LineHeld, LineHeld, nil},
	{ActionLineGiveBack, LineEnded, LineEnded, nil},
	{ActionLineReverse, LineLive, LineLive, nil},
	{ActionLineReverse, LineHeld, LineHeld, nil},
	{ActionLineReverse, LineEnded, LineEnded, nil},
	{ActionLineRepay, LineLive, LineLive, nil},
	{ActionLineRepay, LineHeld, LineHeld, nil},
	{ActionLineRepay, LineEnded, LineEnded, nil},
	{ActionLineUndo, LineLive, LineLive, nil},
	{ActionLineUndo, LineHeld, LineHeld, nil},
	{ActionLineUndo, LineEnded, LineEnded, nil},
	{ActionLineFill, LineLive, LineLive, nil},
	{ActionLineFill, LineHeld, LineHeld, nil},
	{ActionLineFill, LineEnded, LineEnded, nil},
	{ActionLineHold, LineLive, LineHeld, lineKeeper},
	{ActionLineResume, LineHeld, LineLive, lineKeeper},
	{ActionLineEnd, LineLive, LineEnded, lineEnder},
	{ActionLineEnd, LineHeld, LineEnded, lineEnder},
}

// LineTransitions returns a copy of the table.
func LineTransitions() []LineTransition { return slices.Clone(lineTransitions) }

// LineRecord is what a credit line is (授信额度): what one signed contract lets the borrower owe. Every signed contract has
// exactly one, also where the money is paid once and never again.
type LineRecord struct {
	ID            domain.ID // of the line in the audit trail
	ApplicationID domain.ID // the case; a line is found by it, and changed only while its row is locked
	BranchID      domain.ID
	BorrowerID    domain.ID
	Limit         money.Amount // 额度: what the contract says
	Revolving     bool         // 循环: what is repaid is free again
	StartsOn      domain.Date  // the day of signing
	EndsOn        domain.Date  // the last day on which anything may be owed
	DrawMin       money.Amount // 单次支用下限; 0.00: none
	DrawMax       money.Amount // 单次支用上限; 0.00: none but the free amount

	Reserved    money.Amount // asked for, not yet known to have arrived
	Outstanding money.Amount // principal owed on the line's notes
	// Overdrawn is by how much a repayment that was undone after its money had been drawn again has driven the line over
	// its limit (超额). Only the core system's word does that; nothing is free until it is repaid.
	Overdrawn money.Amount

	// What ever happened. Outstanding = drawn + taken over - reversed - repaid - handed over.
	DrawnTotal      money.Amount
	TakenOverTotal  money.Amount // 承接: from the line this one renews
	ReversedTotal   money.Amount
	RepaidTotal     money.Amount // repayments, less those undone
	HandedOverTotal money.Amount // to the line that renews this one, less what turned out to have been repaid before

	NotesCount int // how many notes were written, which numbers them
	// NotesMissing marks a line whose payments arrived before there were notes: they are still to be written (待补借据).
	NotesMissing bool
	Status       LineStatus
	Version      int
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// Free is what may still be drawn (可用额度), 0.00 or more: limit - outstanding - reserved where the line revolves, and
// limit - reserved - what was ever drawn and not reversed where it does not. It does not look at status or day.
func (r LineRecord) Free() money.Amount {
	free := r.Limit.Sub(r.used())
	if free.Sign() < 0 {
		return money.Amount{}
	}
	return free
}

// FreeOn is what can be drawn on the day: nothing on a line that is held or ended or whose last day has come.
func (r LineRecord) FreeOn(day domain.Date) money.Amount {
	if r.Status != LineLive || r.EndedOn(day) {
		return money.Amount{}
	}
	return r.Free()
}

// Exposure is what the line ties up of the limits of its borrower and household (占用授信): all that may be owed on it. A line
// that revolves ties up its limit while it lives; any other what is owed, on its way, and not drawn yet. It does not look at
// the day: a line whose last day has passed ties up its limit for the minutes until a worker has ended it.
func (r LineRecord) Exposure() money.Amount {
	owed := r.Outstanding.Add(r.Reserved)
	switch {
	case r.Status == LineEnded:
		return owed
	case r.Revolving:
		return r.Limit.Add(r.Overdrawn)
	}
	return owed.Add(r.Free())
}

// MayPayOn reports whether money of a closed case may still move on the day: a payment is on its way, or the line revolves and lives.
func (r LineRecord) MayPayOn(day domain.Date) bool {
	return r.Reserved.Sign() > 0 || r.Revolving && !r.EndedOn(day)
}

// used is what counts against the limit.
func (r LineRecord) used() money.Amount {
	if r.Revolving {
		return r.Outstanding.Add(r.Reserved)
	}
	return r.DrawnTotal.Add(r.TakenOverTotal).Sub(r.ReversedTotal).Add(r.Reserved)
}

// EndedOn reports whether nothing can be drawn on the day because the line was ended or its last day has come: what is
// drawn then would be due at once.
func (r LineRecord) EndedOn(day domain.Date) bool {
	return r.Status == LineEnded || !day.Before(r.EndsOn)
}

// Line is what may happen to a credit line. Only this package changes a LineRecord.
type Line struct{ rec LineRecord }

// LineTerms are the product's parameters of a line (额度参数). Zero amounts are no limits.
type LineTerms struct {
	Revolving bool
	DrawMin   money.Amount
	DrawMax   money.Amount
}

// OpenLine makes the line of a contract that was just signed (开立额度).
func OpenLine(by domain.Actor, at time.Time, id domain.ID, c Contract, terms LineTerms) (*Line, Event, error) {
	l := &Line{rec: LineRecord{
		ID: id, ApplicationID: c.ApplicationID, BranchID: c.BranchID, BorrowerID: c.BorrowerID,
		Limit: c.Amount, Revolving: terms.Revolving, StartsOn: c.SignedOn, EndsOn: c.SignedOn.AddMonths(c.TermMonths),
		DrawMin: terms.DrawMin, DrawMax: terms.DrawMax,
		Status: LineLive, Version: 1, CreatedAt: at, UpdatedAt: at,
	}}
	if _, err := RestoreLine(l.rec); err != nil {
		return nil, Event{}, err
	}
	return l, l.event(by, at, ActionLineOpen, "", Note{"credit_limit", c.Amount.String()}, Note{"ends_on", l.rec.EndsOn.String()}), nil
}

// RestoreLine makes a line of a stored record and refuses one that cannot be.
func RestoreLine(r LineRecord) (*Line, error) {
	owed := money.Sum(r.DrawnTotal, r.TakenOverTotal).Sub(money.Sum(r.ReversedTotal, r.RepaidTotal, r.HandedOverTotal))
	switch {
	case !r.Status.Valid():
		return nil, fmt.Errorf("line %s: unknown status %q", r.ApplicationID, r.Status)
	case r.ID.IsZero() || r.ApplicationID.IsZero() || r.BranchID.IsZero() || r.BorrowerID.IsZero() || r.Version < 1:
		return nil, fmt.Errorf("line %s: incomplete", r.ApplicationID)
	case r.Limit.Sign() <= 0 || !r.StartsOn.Before(r.EndsOn):
		return nil, fmt.Errorf("line %s: limit %s from %s to %s", r.ApplicationID, r.Limit, r.StartsOn, r.EndsOn)
	case r.Reserved.Sign() < 0 || r.Outstanding.Sign() < 0 || r.Overdrawn.Sign() < 0 || r.NotesCount < 0:
		return nil, fmt.Errorf("line %s: reserved %s, outstanding %s, overdrawn %s", r.ApplicationID, r.Reserved, r.Outstanding, r.Overdrawn)
	case !owed.Equal(r.Outstanding):
		return nil, fmt.Errorf("line %s: outstanding %s, but the totals make %s", r.ApplicationID, r.Outstanding, owed)
	case r.used().Cmp(r.Limit.Add(r.Overdrawn)) > 0:
		return nil, fmt.Errorf("line %s: %s used of %s, overdrawn %s", r.ApplicationID, r.used(), r.Limit, r.Overdrawn)
	}
	return &Line{rec: r}, nil
}

// Record returns a copy of what the line is.
func (l *Line) Record() LineRecord { return l.rec }

// Reserve keeps an amount for a payment that is being asked for (预占). It refuses what is not free by "line-exceeded".
func (l *Line) Reserve(by domain.Actor, at time.Time, amount money.Amount) (Event, error) {
	if err := l.MayDraw(domain.DateOf(at), amount); err != nil {
		return Event{}, err
	}
	return l.move(by, at, ActionLineReserve, amount, func(r *LineRecord) { r.Reserved = r.Reserved.Add(amount) })
}

// MayDraw refuses an amount that the line does not have free on the day, and changes nothing.
func (l *Line) MayDraw(day domain.Date, amount money.Amount) error {
	switch {
	case l.rec.Status == LineHeld:
		return domain.Errorf(domain.KindConflict, "line-held", "额度已冻结，暂不能支用；请联系风险经理或放款岗了解原因")
	case l.rec.EndedOn(day):
		return domain.Errorf(domain.KindConflict, "line-ended", "额度已终止或已到期（到期日 %s），不能支用；如仍需资金请申请续贷", l.rec.EndsOn)
	case amount.Cmp(l.rec.Free()) > 0:
		return domain.Errorf(domain.KindRule, "line-exceeded", "可用额度为 %s 元，不够支用 %s 元；请减少金额，或还款后再支用",
			l.rec.Free().Grouped(), amount.Grouped())
	}
	return nil
}

// MayDrawBetween is MayDraw with the product's least and most for one draw (单次支用限额).
func (l *Line) MayDrawBetween(day domain.Date, amount money.Amount) error {
	var p domain.Problems
	if amount.Sign() <= 0 {
		p.Add("/amount", "not-positive", "金额必须大于 0.00")
	}
	if amount.Cmp(l.rec.DrawMin) < 0 {
		p.Add("/amount", "below-draw-minimum", "每次支用不少于 %s 元", l.rec.DrawMin.Grouped())
	}
	if !l.rec.DrawMax.IsZero() && amount.Cmp(l.rec.DrawMax) > 0 {
		p.Add("/amount", "above-draw-maximum", "每次支用不超过 %s 元，请减少金额或分次支用", l.rec.DrawMax.Grouped())
	}
	if err := p.Err(); err != nil {
		return err
	}
	return l.MayDraw(day, amount)
}

// Draw records that a reserved amount has arrived: it is owed from now on (支用到账).
func (l *Line) Draw(by domain.Actor, at time.Time, amount money.Amount) (Event, error) {
	if err := within("预占", amount, l.rec.Reserved); err != nil {
		return Event{}, err
	}
	return l.move(by, at, ActionLineDraw, amount, func(r *LineRecord) {
		r.Reserved, r.Outstanding = r.Reserved.Sub(amount), r.Outstanding.Add(amount)
		r.DrawnTotal = r.DrawnTotal.Add(amount)
	})
}

// GiveBack frees a reserved amount whose payment failed or was cancelled (释放预占).
func (l *Line) GiveBack(by domain.Actor, at time.Time, amount money.Amount) (Event, error) {
	if err := within("预占", amount, l.rec.Reserved); err != nil {
		return Event{}, err
	}
	return l.move(by, at, ActionLineGiveBack, amount, func(r *LineRecord) { r.Reserved = r.Reserved.Sub(amount) })
}

// Reverse takes back an amount that had arrived and came back (支用冲正): it is no longer owed, and was never drawn.
func (l *Line) Reverse(by domain.Actor, at time.Time, amount money.Amount) (Event, error) {
	if err := within("未还本金", amount, l.rec.Outstanding); err != nil {
		return Event{}, err
	}
	return l.move(by, at, ActionLineReverse, amount, func(r *LineRecord) {
		r.Outstanding, r.ReversedTotal = r.Outstanding.Sub(amount), r.ReversedTotal.Add(amount)
	})
}

// Repay takes principal off what is owed; where the line revolves it is free again (还款恢复额度).
func (l *Line) Repay(by domain.Actor, at time.Time, principal money.Amount) (Event, error) {
	if err := within("未还本金", principal, l.rec.Outstanding); err != nil {
		return Event{}, err
	}
	return l.move(by, at, ActionLineRepay, principal, func(r *LineRecord) {
		r.Outstanding, r.RepaidTotal = r.Outstanding.Sub(principal), r.RepaidTotal.Add(principal)
	})
}

// RepayHandedOver takes a repayment that was paid before a renewal and told after it (还款): of its principal, back had gone over
// to the line that renews this one though it was owed no more. The caller takes it off there.
func (l *Line) RepayHandedOver(by domain.Actor, at time.Time, principal, back money.Amount) (Event, error) {
	if err := within("已转出本金", back, l.rec.HandedOverTotal); err != nil {
		return Event{}, err
	}
	own := principal.Sub(back)
	if own.Sign() < 0 || own.Cmp(l.rec.Outstanding) > 0 {
		return Event{}, within("未还本金", own, l.rec.Outstanding)
	}
	return l.move(by, at, ActionLineRepay, principal, func(r *LineRecord) {
		r.Outstanding, r.RepaidTotal = r.Outstanding.Sub(own), r.RepaidTotal.Add(principal)
		r.HandedOverTotal = r.HandedOverTotal.Sub(back)
	})
}

// UndoRepayment puts the principal of a repayment back that the core system has reversed (还款冲正). It is a fact, so it is
// never refused for want of free amount: what had been drawn again meanwhile shows as Overdrawn.
func (l *Line) UndoRepayment(by domain.Actor, at time.Time, principal money.Amount) (Event, error) {
	if err := within("已还本金", principal, l.rec.RepaidTotal); err != nil {
		return Event{}, err
	}
	return l.move(by, at, ActionLineUndo, principal, func(r *LineRecord) {
		r.Outstanding, r.RepaidTotal = r.Outstanding.Add(principal), r.RepaidTotal.Sub(principal)
	})
}

// TakeOver makes this line owe what the line it renews owed, without any payment (无还本续贷). It refuses more than is free.
func (l *Line) TakeOver(by domain.Actor, at time.Time, principal money.Amount) (Event, error) {
	if err := l.MayDraw(domain.DateOf(at), principal); err != nil {
		return Event{}, err
	}
	return l.move(by, at, ActionLineTakeOver, principal, func(r *LineRecord) {
		r.Outstanding, r.TakenOverTotal = r.Outstanding.Add(principal), r.TakenOverTotal.Add(principal)
	})
}

// MayRenew refuses a line that cannot be renewed on the day: held, ended, with a payment under way, or owing nothing.
func (r LineRecord) MayRenew(day domain.Date) error {
	switch {
	case r.Status == LineHeld:
		return domain.Errorf(domain.KindConflict, "line-held", "额度已冻结，暂不能续贷；请联系风险经理或放款岗了解原因")
	case r.EndedOn(day):
		return domain.Errorf(domain.KindConflict, "line-ended", "额度已终止或已到期（到期日 %s），不能续贷；请按新的申请办理", r.EndsOn)
	case !r.Reserved.IsZero():
		return errUnderWay(r.Reserved)
	case r.Outstanding.IsZero():
		return domain.Errorf(domain.KindRule, "renewal-without-debt", "这个额度没有未还本金，不需要续贷；如需资金请按新的申请办理")
	}
	return nil
}

func errUnderWay(reserved money.Amount) error {
	return domain.Errorf(domain.KindConflict, "line-has-payments", "原额度下还有 %s 元正在支付，到账或取消后才能续贷", reserved.Grouped())
}

// HandOver ends the line because another renews it, and moves all that is owed there. It refuses while a payment is on its
// way: its money would arrive on a line that is no more.
func (l *Line) HandOver(by domain.Actor, at time.Time) (Event, error) {
	if !l.rec.Reserved.IsZero() {
		return Event{}, errUnderWay(l.rec.Reserved)
	}
	owed := l.rec.Outstanding
	return l.move(by, at, ActionLineHandOver, owed, func(r *LineRecord) {
		r.Outstanding, r.HandedOverTotal = money.Amount{}, r.HandedOverTotal.Add(owed)
	})
}

// Hold stops new draws (冻结额度), for a reason that is kept.
func (l *Line) Hold(by domain.Actor, at time.Time, reason string) (Event, error) {
	return l.keep(by, at, ActionLineHold, reason)
}

// Resume lets draws be made again (解冻额度).
func (l *Line) Resume(by domain.Actor, at time.Time, reason string) (Event, error) {
	return l.keep(by, at, ActionLineResume, reason)
}

// End stops draws for good (终止额度). What is owed stays owed.
func (l *Line) End(by domain.Actor, at time.Time, reason string) (Event, error) {
	return l.keep(by, at, ActionLineEnd, reason)
}

func (l *Line) keep(by domain.Actor, at time.Time, action Action, reason string) (Event, error) {
	to, err := nextLine(l.rec.Status, action, by.Role)
	if err != nil {
		return Event{}, err
	}
	return l.become(by, at, action, to, Note{"reason", reason}), nil
}

// nextNote numbers the next note of the line, from 1. It is part of the deed that writes the note.
func (l *Line) nextNote() int {
	l.rec.NotesCount++
	return l.rec.NotesCount
}

// FillNotes records that the notes of what had arrived before there were notes are written (补出借据). The sums stay as they are.
func (l *Line) FillNotes(by domain.Actor, at time.Time) (Event, error) {
	to, err := nextLine(l.rec.Status, ActionLineFill, by.Role)
	if err != nil {
		return Event{}, err
	}
	l.rec.NotesMissing = false
	return l.become(by, at, ActionLineFill, to, Note{"notes", strconv.Itoa(l.rec.NotesCount)}), nil
}

// within refuses an amount that is not above 0.00, or above what there is.
func within(what string, amount, there money.Amount) error {
	if amount.Sign() <= 0 || amount.Cmp(there) > 0 {
		return domain.Errorf(domain.KindConflict, "line-amount-mismatch", "额度%s为 %s 元，与要处理的 %s 元不符，请核对这笔业务",
			what, there.Grouped(), amount.Grouped())
	}
	return nil
}

// move is the one place where a line's amounts change.
func (l *Line) move(by domain.Actor, at time.Time, action Action, amount money.Amount, change func(*LineRecord)) (Event, error) {
	to, err := nextLine(l.rec.Status, action, by.Role)
	if err != nil {
		return Event{}, err
	}
	change(&l.rec)
	l.rec.Overdrawn = money.Amount{}
	if over := l.rec.used().Sub(l.rec.Limit); over.Sign() > 0 {
		l.rec.Overdrawn = over
	}
	return l.become(by, at, action, to, Note{"amount", amount.String()},
		Note{"outstanding", l.rec.Outstanding.String()}, Note{"free", l.rec.Free().String()}), nil
}

func (l *Line) become(by domain.Actor, at time.Time, action Action, to LineStatus, notes ...Note) Event {
	from := l.rec.Status
	l.rec.Status, l.rec.UpdatedAt = to, at
	l.rec.Version++
	return l.event(by, at, action, from, notes...)
}

func nextLine(from LineStatus, action Action, role domain.Role) (LineStatus, error) {
	var allowed []domain.Role
	for _, t := range lineTransitions {
		if t.Action != action {
			continue
		}
		allowed = t.Roles
		if t.From == from && (t.Roles == nil || slices.Contains(t.Roles, role)) {
			return t.To, nil
		}
	}
	if allowed != nil && !slices.Contains(allowed, role) {
		return "", errRole(action, allowed)
	}
	return "", errStatus("额度", from.Label(), action, func(yield func(Action, []domain.Role) bool) {
		for _, t := range lineTransitions {
			if t.From == from && t.Roles != nil && !yield(t.Action, t.Roles) {
				return
			}
		}
	})
}

func (l *Line) event(by domain.Actor, at time.Time, action Action, from LineStatus, notes ...Note) Event {
	return Event{
		Subject: SubjectLine, SubjectID: l.rec.ID, Version: l.rec.Version, CaseID: l.rec.ApplicationID, BranchID: l.rec.BranchID,
		Action: action, From: string(from), To: string(l.rec.Status),
		ActorID: by.ID, ActorName: by.Name, ActorRole: by.Role, At: at, Detail: notes,
	}
}
