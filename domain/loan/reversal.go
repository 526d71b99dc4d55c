package loan

import (
	"fmt"
	"slices"
	"time"

	"fumin/domain"
	"fumin/domain/money"
)

// ReversalStatus is where a reversal stands (冲正状态).
type ReversalStatus string

// The statuses of a reversal.
const (
	ReversalRequested ReversalStatus = "requested" // 待确认
	ReversalConfirmed ReversalStatus = "confirmed" // 已冲正
	ReversalRejected  ReversalStatus = "rejected"  // 已驳回
)

// ReversalStatuses lists every status.
func ReversalStatuses() []ReversalStatus {
	return []ReversalStatus{ReversalRequested, ReversalConfirmed, ReversalRejected}
}

// Valid reports whether s is one of ReversalStatuses.
func (s ReversalStatus) Valid() bool { return slices.Contains(ReversalStatuses(), s) }

// Label is the status in Chinese.
func (s ReversalStatus) Label() string {
	switch s {
	case ReversalRequested:
		return "待确认"
	case ReversalConfirmed:
		return "已冲正"
	case ReversalRejected:
		return "已驳回"
	}
	return string(s)
}

// The actions on a reversal, and ActionReverse on the transfer it takes back.
const (
	ActionRequestReversal Action = "request_reversal" // 申请冲正
	ActionConfirmReversal Action = "confirm_reversal" // 确认冲正
	ActionRejectReversal  Action = "reject_reversal"  // 驳回冲正
	ActionReverse         Action = "take_back"        // 退汇冲正
)

// ChannelReferenceMax bounds the channel's number of a payment or a return, in characters.
const ChannelReferenceMax = 64

// ReversalRecord is money of a succeeded transfer that came back (冲正), all of it or a part: asked for by one person who
// saw it come, confirmed by another.
type ReversalRecord struct {
	ID               domain.ID
	TransferID       domain.ID
	DisbursementID   domain.ID
	ApplicationID    domain.ID
	BranchID         domain.ID
	BorrowerID       domain.ID
	Amount           money.Amount
	Reason           string
	ChannelReference string // the bank's number of the return (退汇流水号)
	Status           ReversalStatus
	RequestedBy      domain.ID
	RequestedAt      time.Time
	DecidedBy        domain.ID // who confirmed or rejected it; zero before
	DecidedAt        time.Time
	Version          int
}

// Reversal is what may happen to one. Only this package changes a ReversalRecord.
type Reversal struct{ rec ReversalRecord }

// RequestReversal asks that money that came back be booked (申请冲正). open is the sum of the transfer's reversals that wait for
// their confirmation, counted the one that has the same number of the bank's already; zero when there is none. One return is
// booked once.
func RequestReversal(by domain.Actor, at time.Time, t TransferRecord, open money.Amount, counted, r ReversalRecord) (*Reversal, Event, error) {
	if !slices.Contains(releaser, by.Role) {
		return nil, Event{}, errRole(ActionRequestReversal, releaser)
	}
	if t.Status != TransferSucceeded {
		return nil, Event{}, domain.Errorf(domain.KindConflict, "wrong-status", "这笔付款目前处于「%s」，支付成功后退回的款项才能冲正", t.Status.Label())
	}
	if !counted.ID.IsZero() {
		return nil, Event{}, domain.Errorf(domain.KindConflict, "return-already-recorded",
			"退汇流水号 %s 已登记过冲正（编号 %s，%s），一笔退汇只能冲正一次；请核对流水号，登记有误的由另一人驳回后重新登记", counted.ChannelReference, counted.ID, counted.Status.Label())
	}
	var p domain.Problems
	if left := t.Net().Sub(open); r.Amount.Sign() <= 0 || r.Amount.Cmp(left) > 0 {
		p.Add("/amount", "out-of-range", "冲正金额应大于 0.00，不超过这笔付款尚未冲正的 %s 元", left.Grouped())
	}
	if n := len([]rune(r.Reason)); n == 0 || n > ReasonMax {
		p.Add("/reason", "out-of-range", "请说明原因，1 至 %d 个字", ReasonMax)
	}
	if n := len([]rune(r.ChannelReference)); n == 0 || n > ChannelReferenceMax {
		p.Add("/channel_reference", "out-of-range", "请填写退汇流水号，1 至 %d 个字", ChannelReferenceMax)
	}
	if err := p.Err(); err != nil {
		return nil, Event{}, err
	}
	r.TransferID, r.DisbursementID, r.ApplicationID, r.BranchID, r.BorrowerID = t.ID, t.DisbursementID, t.ApplicationID, t.BranchID, t.BorrowerID
	r.Status, r.RequestedBy, r.RequestedAt, r.Version = ReversalRequested, by.ID, at, 1
	reversal := &Reversal{rec: r}
	return reversal, reversal.event(by, at, ActionRequestReversal, "", Note{"amount", r.Amount.String()}, Note{"transfer_id", t.ID.String()},
		Note{"reason", r.Reason}), nil
}

// RestoreReversal makes a reversal of a stored record and refuses one that cannot be.
func RestoreReversal(r ReversalRecord) (*Reversal, error) {
	decided := r.Status == ReversalConfirmed || r.Status == ReversalRejected
	switch {
	case !r.Status.Valid():
		return nil, fmt.Errorf("reversal %s: unknown status %q", r.ID, r.Status)
	case r.ID.IsZero() || r.TransferID.IsZero() || r.ApplicationID.IsZero() || r.RequestedBy.IsZero() || r.Version < 1:
		return nil, fmt.Errorf("reversal %s: incomplete", r.ID)
	case r.Amount.Sign() <= 0:
		return nil, fmt.Errorf("reversal %s: amount %s", r.ID, r.Amount)
	case decided == r.DecidedBy.IsZero() || r.DecidedBy == r.RequestedBy:
		return nil, fmt.Errorf("reversal %s: %s by %q", r.ID, r.Status, r.DecidedBy)
	}
	return &Reversal{rec: r}, nil
}

// Record returns a copy of what the reversal is.
func (r *Reversal) Record() ReversalRecord { return r.rec }

// Confirm books the return (确认冲正), by another person than who asked for it.
func (r *Reversal) Confirm(by domain.Actor, at time.Time) (Event, error) {
	return r.decide(by, at, ActionConfirmReversal, ReversalConfirmed, Note{"amount", r.rec.Amount.String()})
}

// Reject refuses the return (驳回冲正), by another person than who asked for it.
func (r *Reversal) Reject(by domain.Actor, at time.Time, reason string) (Event, error) {
	return r.decide(by, at, ActionRejectReversal, ReversalRejected, Note{"reason", reason})
}

func (r *Reversal) decide(by domain.Actor, at time.Time, action Action, to ReversalStatus, notes ...Note) (Event, error) {
	if !slices.Contains(releaser, by.Role) {
		return Event{}, errRole(action, releaser)
	}
	if by.ID == r.rec.RequestedBy {
		return Event{}, domain.Errorf(domain.KindForbidden, "four-eyes", "冲正应由另一人确认，请由申请人以外的放款岗办理")
	}
	if r.rec.Status != ReversalRequested {
		return Event{}, domain.Errorf(domain.KindConflict, "wrong-status", "这笔冲正目前处于「%s」，不能再办理", r.rec.Status.Label())
	}
	from := r.rec.Status
	r.rec.Status, r.rec.DecidedBy, r.rec.DecidedAt = to, by.ID, at
	r.rec.Version++
	return r.event(by, at, action, from, notes...), nil
}

func (r *Reversal) event(by domain.Actor, at time.Time, action Action, from ReversalStatus, notes ...Note) Event {
	return Event{
		Subject: SubjectReversal, SubjectID: r.rec.ID, Version: r.rec.Version, CaseID: r.rec.ApplicationID, BranchID: r.rec.BranchID,
		Action: action, From: string(from), To: string(r.rec.Status),
		ActorID: by.ID, ActorName: by.Name, ActorRole: by.Role, At: at, Detail: notes,
	}
}

// TakeBack books a part of a succeeded transfer that came back, up to all of it. The status stays: it was paid, and that is
// history.
func (d *Disbursement) TakeBack(by domain.Actor, at time.Time, transferID domain.ID, amount money.Amount) ([]Event, error) {
	i := slices.IndexFunc(d.rec.Transfers, func(t TransferRecord) bool { return t.ID == transferID })
	if i < 0 {
		return nil, fmt.Errorf("disbursement %s has no transfer %s", d.rec.ID, transferID)
	}
	t := &d.rec.Transfers[i]
	if t.Status != TransferSucceeded || amount.Sign() <= 0 || amount.Cmp(t.Net()) > 0 {
		return nil, domain.Errorf(domain.KindConflict, "wrong-status", "这笔付款尚未冲正的为 %s 元，不能冲正 %s 元", t.Net().Grouped(), amount.Grouped())
	}
	t.Reversed = t.Reversed.Add(amount)
	t.Version++
	return []Event{t.event(by, at, ActionReverse, t.Status, Note{"amount", amount.String()})}, nil
}
