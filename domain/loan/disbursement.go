package loan

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"fumin/domain"
	"fumin/domain/money"
)

// DisbursementStatus is where a payment stands (放款状态).
type DisbursementStatus string

// The statuses of a disbursement. Unknown is asked about until it is known; it is never simply sent again.
const (
	DisbursementRequested DisbursementStatus = "requested" // 待放行
	DisbursementReleased  DisbursementStatus = "released"  // 已放行
	DisbursementSending   DisbursementStatus = "sending"   // 发送中
	DisbursementUnknown   DisbursementStatus = "unknown"   // 结果未知
	DisbursementSucceeded DisbursementStatus = "succeeded" // 支付成功
	DisbursementFailed    DisbursementStatus = "failed"    // 支付失败
	DisbursementCancelled DisbursementStatus = "cancelled" // 已取消
)

// DisbursementStatuses lists every status in the order of the money's way.
func DisbursementStatuses() []DisbursementStatus {
	return []DisbursementStatus{
		DisbursementRequested, DisbursementReleased, DisbursementSending, DisbursementUnknown,
		DisbursementSucceeded, DisbursementFailed, DisbursementCancelled,
	}
}

// Valid reports whether s is one of DisbursementStatuses.
func (s DisbursementStatus) Valid() bool { return slices.Contains(DisbursementStatuses(), s) }

// Live reports whether money may still move or has moved: one application has one live disbursement at most.
func (s DisbursementStatus) Live() bool {
	return s.Valid() && s != DisbursementFailed && s != DisbursementCancelled
}

// Label is the status in Chinese.
func (s DisbursementStatus) Label() string {
	switch s {
	case DisbursementRequested:
		return "待放行"
	case DisbursementReleased:
		return "已放行"
	case DisbursementSending:
		return "发送中"
	case DisbursementUnknown:
		return "结果未知"
	case DisbursementSucceeded:
		return "支付成功"
	case DisbursementFailed:
		return "支付失败"
	case DisbursementCancelled:
		return "已取消"
	}
	return string(s)
}

// The actions on a disbursement.
const (
	ActionRequest Action = "request" // 申请放款
	ActionRelease Action = "release" // 放行
	ActionCancel  Action = "cancel"  // 取消
	ActionSend    Action = "send"    // 发送
	ActionSucceed Action = "succeed" // 支付成功
	ActionFail    Action = "fail"    // 支付失败
	ActionLose    Action = "lose"    // 结果未知
)

// DisbursementTransition is one row of the money's way.
type DisbursementTransition struct {
	Action Action
	From   DisbursementStatus
	To     DisbursementStatus
	Roles  []domain.Role
}

var releaser = []domain.Role{domain.RoleDisbursementOfficer}

var disbursementTransitions = []DisbursementTransition{
	{ActionRelease, DisbursementRequested, DisbursementReleased, releaser},
	{ActionCancel, DisbursementRequested, DisbursementCancelled, releaser},
	{ActionSend, DisbursementReleased, DisbursementSending, system},
	{ActionSucceed, DisbursementSending, DisbursementSucceeded, system},
	{ActionFail, DisbursementSending, DisbursementFailed, system},
	{ActionLose, DisbursementSending, DisbursementUnknown, system},
	{ActionSucceed, DisbursementUnknown, DisbursementSucceeded, system},
	{ActionFail, DisbursementUnknown, DisbursementFailed, system},
}

// DisbursementTransitions returns a copy of the table.
func DisbursementTransitions() []DisbursementTransition { return slices.Clone(disbursementTransitions) }

func nextDisbursement(from DisbursementStatus, action Action, role domain.Role) (DisbursementStatus, error) {
	var allowed []domain.Role
	for _, t := range disbursementTransitions {
		if t.Action != action {
			continue
		}
		allowed = t.Roles
		if t.From == from && slices.Contains(t.Roles, role) {
			return t.To, nil
		}
	}
	if !slices.Contains(allowed, role) {
		return "", errRole(action, allowed)
	}
	return "", errStatus("这笔放款", from.Label(), action, func(yield func(Action, []domain.Role) bool) {
		for _, t := range disbursementTransitions {
			if t.From == from && !yield(t.Action, t.Roles) {
				return
			}
		}
	})
}

// DisbursementRecord is what a payment is (放款). Its id is the key under which the channel pays at most once.
type DisbursementRecord struct {
	ID               domain.ID
	ApplicationID    domain.ID
	BranchID         domain.ID
	BorrowerID       domain.ID
	Amount           money.Amount
	Payee            Payee
	Status           DisbursementStatus
	RequestedBy      domain.ID
	RequestedAt      time.Time
	ReleasedBy       domain.ID
	ReleasedAt       time.Time // zero until released
	SentAt           time.Time // zero until handed to the channel
	SettledAt        time.Time // zero until succeeded or failed
	ChannelReference string    // the channel's own number
	FailureCode      string
	FailureReason    string
	// WorkDueAt is when a worker should next take it up, zero when there is nothing to do. A worker that takes it
	// moves the time into the future: that is its lease, and a dead worker's lease simply comes due.
	WorkDueAt time.Time
	Attempts  int // how often the channel was asked
	LastError string
	Version   int
}

// Disbursement is what may happen to a payment. Only this package changes a DisbursementRecord.
type Disbursement struct{ rec DisbursementRecord }

// RequestDisbursement makes the intent to pay what the contract says to the account it names (放款申请). Nothing moves
// before a second person releases it.
func RequestDisbursement(by domain.Actor, at time.Time, id domain.ID, app Record, c Contract) (*Disbursement, Event, error) {
	if !slices.Contains(applicant, by.Role) {
		return nil, Event{}, errRole(ActionRequest, applicant)
	}
	if app.Status != StatusSigned {
		return nil, Event{}, domain.Errorf(domain.KindConflict, "wrong-status", "申请目前处于「%s」，签约后才能申请放款", app.Status.Label())
	}
	d := &Disbursement{rec: DisbursementRecord{
		ID: id, ApplicationID: app.ID, BranchID: app.BranchID, BorrowerID: app.BorrowerID,
		Amount: c.Amount, Payee: c.Payee,
		Status: DisbursementRequested, RequestedBy: by.ID, RequestedAt: at, Version: 1,
	}}
	return d, d.event(by, at, ActionRequest, "", Note{"amount", c.Amount.String()}), nil
}

// RestoreDisbursement makes a disbursement of a stored record and refuses one that cannot be.
func RestoreDisbursement(r DisbursementRecord) (*Disbursement, error) {
	switch {
	case !r.Status.Valid():
		return nil, fmt.Errorf("disbursement %s: unknown status %q", r.ID, r.Status)
	case r.ID.IsZero() || r.ApplicationID.IsZero() || r.Version < 1:
		return nil, fmt.Errorf("disbursement %s: incomplete", r.ID)
	case r.Amount.Sign() <= 0:
		return nil, fmt.Errorf("disbursement %s: amount %s", r.ID, r.Amount)
	case r.Status != DisbursementRequested && r.Status != DisbursementCancelled && (r.ReleasedBy.IsZero() || r.ReleasedBy == r.RequestedBy):
		return nil, fmt.Errorf("disbursement %s: %s without a second person's release", r.ID, r.Status)
	}
	return &Disbursement{rec: r}, nil
}

// Record returns a copy of what the disbursement is.
func (d *Disbursement) Record() DisbursementRecord { return d.rec }

// Release lets the money go (放行). The releaser neither requested it nor approved the application (三分离: 经办、审批、放款).
func (d *Disbursement) Release(by domain.Actor, at time.Time, app Record) (Event, error) {
	if _, err := nextDisbursement(d.rec.Status, ActionRelease, by.Role); err != nil {
		return Event{}, err
	}
	if by.ID == d.rec.RequestedBy || by.ID == app.OfficerID || by.ID == app.SubmittedBy ||
		(app.Approval != nil && by.ID == app.Approval.ApprovedBy) {
		return Event{}, domain.Errorf(domain.KindForbidden, "four-eyes", "经办人和审批人都不能放行这笔放款，请由另一位放款岗办理")
	}
	event, err := d.move(by, at, ActionRelease)
	if err != nil {
		return Event{}, err
	}
	d.rec.ReleasedBy, d.rec.ReleasedAt, d.rec.WorkDueAt = by.ID, at, at
	return event, nil
}

// Cancel stops a payment that was not released yet.
func (d *Disbursement) Cancel(by domain.Actor, at time.Time, reason string) (Event, error) {
	return d.move(by, at, ActionCancel, Note{"reason", reason})
}

// Send marks the payment as handed to the channel, before it is: after a crash in between, the channel is asked first.
func (d *Disbursement) Send(by domain.Actor, at, leaseUntil time.Time) (Event, error) {
	event, err := d.move(by, at, ActionSend)
	if err != nil {
		return Event{}, err
	}
	d.rec.SentAt, d.rec.WorkDueAt = at, leaseUntil
	d.rec.Attempts++
	return event, nil
}

// Succeed records that the channel has paid.
func (d *Disbursement) Succeed(by domain.Actor, at time.Time, channelReference string) (Event, error) {
	event, err := d.move(by, at, ActionSucceed, Note{"channel_reference", channelReference}, Note{"amount", d.rec.Amount.String()})
	if err != nil {
		return Event{}, err
	}
	d.settle(at)
	d.rec.ChannelReference = channelReference
	return event, nil
}

// Fail records that the channel has definitely not paid and never will under this id.
func (d *Disbursement) Fail(by domain.Actor, at time.Time, code, reason string) (Event, error) {
	event, err := d.move(by, at, ActionFail, Note{"failure_code", code}) // the reason is the channel's text: it may name an account
	if err != nil {
		return Event{}, err
	}
	d.settle(at)
	d.rec.FailureCode, d.rec.FailureReason = code, reason
	return event, nil
}

// Lose records that nobody knows whether the channel has paid; it is asked again at askAgainAt.
func (d *Disbursement) Lose(by domain.Actor, at, askAgainAt time.Time, reason string) (Event, error) {
	event, err := d.move(by, at, ActionLose, Note{"reason", reason}, Note{"attempts", strconv.Itoa(d.rec.Attempts)})
	if err != nil {
		return Event{}, err
	}
	d.rec.WorkDueAt, d.rec.LastError = askAgainAt, reason
	return event, nil
}

func (d *Disbursement) settle(at time.Time) {
	d.rec.SettledAt, d.rec.WorkDueAt, d.rec.LastError = at, time.Time{}, ""
}

func (d *Disbursement) move(by domain.Actor, at time.Time, action Action, notes ...Note) (Event, error) {
	to, err := nextDisbursement(d.rec.Status, action, by.Role)
	if err != nil {
		return Event{}, err
	}
	from := d.rec.Status
	d.rec.Status = to
	d.rec.Version++
	return d.event(by, at, action, from, notes...), nil
}

func (d *Disbursement) event(by domain.Actor, at time.Time, action Action, from DisbursementStatus, notes ...Note) Event {
	return Event{
		Subject: SubjectDisbursement, SubjectID: d.rec.ID, Version: d.rec.Version, CaseID: d.rec.ApplicationID, BranchID: d.rec.BranchID,
		Action: action, From: string(from), To: string(d.rec.Status),
		ActorID: by.ID, ActorName: by.Name, ActorRole: by.Role, At: at, Detail: notes,
	}
}
