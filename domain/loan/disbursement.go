package loan

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/money"
)

// DisbursementStatus is where a disbursement stands (放款状态): the sum of its transfers (SumOf).
type DisbursementStatus string

// The statuses of a disbursement.
const (
	DisbursementRequested       DisbursementStatus = "requested"        // 待放行
	DisbursementReleased        DisbursementStatus = "released"         // 已放行
	DisbursementSending         DisbursementStatus = "sending"          // 发送中
	DisbursementUnknown         DisbursementStatus = "unknown"          // 结果未知
	DisbursementSucceeded       DisbursementStatus = "succeeded"        // 支付成功
	DisbursementPartlySucceeded DisbursementStatus = "partly_succeeded" // 部分成功
	DisbursementFailed          DisbursementStatus = "failed"           // 支付失败
	DisbursementCancelled       DisbursementStatus = "cancelled"        // 已取消
)

// DisbursementStatuses lists every status in the order of the money's way.
func DisbursementStatuses() []DisbursementStatus {
	return []DisbursementStatus{
		DisbursementRequested, DisbursementReleased, DisbursementSending, DisbursementUnknown,
		DisbursementSucceeded, DisbursementPartlySucceeded, DisbursementFailed, DisbursementCancelled,
	}
}

// Valid reports whether s is one of DisbursementStatuses.
func (s DisbursementStatus) Valid() bool { return slices.Contains(DisbursementStatuses(), s) }

// Live reports whether money may still move or has moved.
func (s DisbursementStatus) Live() bool {
	return s.Valid() && s != DisbursementFailed && s != DisbursementCancelled
}

// Settled reports whether every transfer has come to its end.
func (s DisbursementStatus) Settled() bool {
	switch s {
	case DisbursementSucceeded, DisbursementPartlySucceeded, DisbursementFailed, DisbursementCancelled:
		return true
	case DisbursementRequested, DisbursementReleased, DisbursementSending, DisbursementUnknown:
	}
	return false
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
	case DisbursementPartlySucceeded:
		return "部分成功"
	case DisbursementFailed:
		return "支付失败"
	case DisbursementCancelled:
		return "已取消"
	}
	return string(s)
}

// DisbursementSum is one line of how a disbursement's status follows from its transfers.
type DisbursementSum struct {
	// Some is a status that one transfer at least has; the first line whose status one of them has decides.
	Some TransferStatus
	// All says that every transfer has it.
	All    bool
	Status DisbursementStatus
}

// disbursementSums decides from the top: what is not known comes first, because somebody must find it out; then what is
// under way; and only where all is settled, how it ended.
var disbursementSums = []DisbursementSum{
	{TransferRequested, true, DisbursementRequested},
	{TransferReleased, true, DisbursementReleased},
	{TransferSucceeded, true, DisbursementSucceeded},
	{TransferCancelled, true, DisbursementCancelled},
	{TransferUnknown, false, DisbursementUnknown},
	{TransferSending, false, DisbursementSending},
	{TransferReleased, false, DisbursementSending},
	{TransferSucceeded, false, DisbursementPartlySucceeded},
	{TransferFailed, false, DisbursementFailed},
}

// DisbursementSums returns a copy of the table.
func DisbursementSums() []DisbursementSum { return slices.Clone(disbursementSums) }

// SumOf is the status of a disbursement whose transfers stand so. False says that this cannot be: no transfer at all, one
// that is not valid, or one that waits for the release beside others that do not.
func SumOf(transfers ...TransferStatus) (DisbursementStatus, bool) {
	waiting := 0
	for _, t := range transfers {
		if !t.Valid() {
			return "", false
		}
		if t == TransferRequested {
			waiting++
		}
	}
	if len(transfers) == 0 || (waiting > 0 && waiting < len(transfers)) {
		return "", false
	}
	for _, sum := range disbursementSums {
		different := slices.IndexFunc(transfers, func(s TransferStatus) bool { return s != sum.Some })
		if slices.Contains(transfers, sum.Some) && (!sum.All || different < 0) {
			return sum.Status, true
		}
	}
	return "", false
}

// Limits of a disbursement.
const (
	PayeesMax                 = 20  // of one disbursement
	DisbursementsOfOneCaseMax = 200 // whatever became of them
	BulkReleaseMax            = 200 // ids in one request
)

// DisbursementRecord is what a disbursement is (放款): one or several transfers, asked for, released and answered for
// together.
type DisbursementRecord struct {
	ID            domain.ID
	ApplicationID domain.ID
	BranchID      domain.ID
	BorrowerID    domain.ID
	Tranche       int          // 期次 of the plan; 0: the contract has no plan
	Amount        money.Amount // the sum of its transfers
	Status        DisbursementStatus
	RequestedBy   domain.ID
	RequestedAt   time.Time
	ReleasedBy    domain.ID
	ReleasedAt    time.Time // zero until released
	SettledAt     time.Time // zero until every transfer is settled
	Version       int
	Transfers     []TransferRecord // in the order of their numbers
}

// Live is what of the disbursement is paid or may yet be paid and has not come back: the sum of the live transfers less
// what was reversed. It is what counts against the contract.
func (r DisbursementRecord) Live() money.Amount {
	var sum money.Amount
	for _, t := range r.Transfers {
		if t.Status.Live() {
			sum = sum.Add(t.Amount).Sub(t.Reversed)
		}
	}
	return sum
}

// Arrived is what has arrived, reversals not taken off.
func (r DisbursementRecord) Arrived() money.Amount {
	var sum money.Amount
	for _, t := range r.Transfers {
		if t.Status == TransferSucceeded {
			sum = sum.Add(t.Amount)
		}
	}
	return sum
}

// SelfPaid is the part of Live that goes to the borrower (自主支付).
func (r DisbursementRecord) SelfPaid() money.Amount {
	var sum money.Amount
	for _, t := range r.Transfers {
		if t.Status.Live() && t.Method == SelfPayment {
			sum = sum.Add(t.Amount).Sub(t.Reversed)
		}
	}
	return sum
}

// Transfer returns the transfer with the id; false when the disbursement has none.
func (r DisbursementRecord) Transfer(id domain.ID) (TransferRecord, bool) {
	for _, t := range r.Transfers {
		if t.ID == id {
			return t, true
		}
	}
	return TransferRecord{}, false
}

// Disbursement is what may happen to a disbursement and its transfers. Only this package changes a DisbursementRecord.
//
// Each method returns the events of what it changed: one of each transfer, and one of the disbursement when its status is
// another now. Storage writes what the events name.
type Disbursement struct{ rec DisbursementRecord }

// PaymentOrder is what is asked to be paid (放款申请).
type PaymentOrder struct {
	ID      domain.ID
	Tranche int // 0: the contract has no plan
	Payees  []PayeeOrder
	Line    *LineRecord // what a draw is made from (支用); nil where it is none
}

// PayeeOrder is the part of one payee.
type PayeeOrder struct {
	ID       domain.ID // of the transfer
	Method   PaymentMethod
	Amount   money.Amount
	Payee    Payee    // entrusted only; a self payment goes to the account of the contract
	Evidence Evidence // entrusted only: the contract or invoice
}

// Total is the sum of the payees.
func (o PaymentOrder) Total() money.Amount {
	var sum money.Amount
	for _, p := range o.Payees {
		sum = sum.Add(p.Amount)
	}
	return sum
}

// check collects what is wrong with the order by itself.
func (o PaymentOrder) check(c Contract) error {
	var p domain.Problems
	if len(o.Payees) == 0 || len(o.Payees) > PayeesMax {
		p.Add("/payees", "out-of-range", "收款人应为 1 至 %d 个", PayeesMax)
	}
	self := 0
	for i, payee := range o.Payees {
		pointer := "/payees/" + strconv.Itoa(i)
		if payee.Amount.Sign() <= 0 {
			p.Add(pointer+"/amount", "not-positive", "金额必须大于 0.00")
		}
		switch payee.Method {
		case SelfPayment:
			self++
		case EntrustedPayment:
			payee.Evidence.Check(&p, pointer)
			if payee.Payee.Account.IsZero() || payee.Payee.AccountName.IsZero() {
				p.Add(pointer+"/account", "required", "受托支付须写明收款人户名和账号")
			} else if payee.Payee.Account.Equal(c.Payee.Account) {
				p.Add(pointer+"/account", "own-account", "受托支付应付给交易对手，不能付到借款人自己的账户；付给借款人请用自主支付")
			}
			borrower.CheckBankName(&p, pointer+"/bank_name", payee.Payee.BankName)
		default:
			p.Add(pointer+"/method", "unknown-value", "支付方式应为自主支付或受托支付")
		}
	}
	if self > 1 {
		p.Add("/payees", "duplicate", "一笔放款只能有一个自主支付的部分，请合并金额")
	}
	return p.Err()
}

// MayRequest refuses whoever may not ask for money, and a case whose contract is not signed or that is closed. It changes
// nothing.
func MayRequest(by domain.Actor, app Record) error {
	if !slices.Contains(applicant, by.Role) {
		return errRole(ActionRequest, applicant)
	}
	if app.approvedBy(by.ID) {
		return domain.Errorf(domain.KindForbidden, "four-eyes", "审批人不能为自己批准的申请办理放款，请由另一位经办人办理")
	}
	if app.Status != StatusSigned && app.Status != StatusDisbursed {
		return domain.Errorf(domain.KindConflict, "wrong-status", "申请目前处于「%s」，签约后、结案前才能申请放款", app.Status.Label())
	}
	return nil
}

// MayDraw is MayRequest for a draw (支用). A line that revolves outlives the papers of its case: it is drawn from until its last
// day, also when the case was closed soon after the first payment. It changes nothing.
func MayDraw(by domain.Actor, app Record, line LineRecord) error {
	if app.Status == StatusClosed && line.Revolving && line.ApplicationID == app.ID {
		app.Status = StatusDisbursed
	}
	return MayRequest(by, app)
}

// RequestDisbursement makes the intent to pay (放款申请). Nothing moves before a second person releases it.
func RequestDisbursement(by domain.Actor, at time.Time, app Record, c Contract, order PaymentOrder) (*Disbursement, []Event, error) {
	may := MayRequest(by, app)
	if order.Line != nil {
		may = MayDraw(by, app, *order.Line)
	}
	if may != nil {
		return nil, nil, may
	}
	if err := order.check(c); err != nil {
		return nil, nil, err
	}
	d := &Disbursement{rec: DisbursementRecord{
		ID: order.ID, ApplicationID: app.ID, BranchID: app.BranchID, BorrowerID: app.BorrowerID, Tranche: order.Tranche,
		Amount: order.Total(), Status: DisbursementRequested, RequestedBy: by.ID, RequestedAt: at, Version: 1,
	}}
	events := []Event{d.event(by, at, ActionRequest, "", Note{"amount", d.rec.Amount.String()}, Note{"payees", strconv.Itoa(len(order.Payees))})}
	for i, p := range order.Payees {
		to := p.Payee
		if p.Method == SelfPayment {
			to = c.Payee
		}
		t := TransferRecord{
			ID: p.ID, DisbursementID: order.ID, ApplicationID: app.ID, BranchID: app.BranchID, BorrowerID: app.BorrowerID,
			Number: i + 1, Method: p.Method, Amount: p.Amount, Payee: to, AccountLast4: to.Account.Last4(), Evidence: p.Evidence,
			Status: TransferRequested, Version: 1,
		}
		if p.Method == SelfPayment {
			t.Evidence = Evidence{}
		}
		d.rec.Transfers = append(d.rec.Transfers, t)
		events = append(events, t.event(by, at, ActionRequest, "", Note{"amount", t.Amount.String()}, Note{"method", string(t.Method)}))
	}
	return d, events, nil
}

// RestoreDisbursement makes a disbursement of a stored record and refuses one that cannot be.
func RestoreDisbursement(r DisbursementRecord) (*Disbursement, error) {
	statuses := make([]TransferStatus, len(r.Transfers))
	var sum money.Amount
	for i, t := range r.Transfers {
		if err := t.check(); err != nil {
			return nil, err
		}
		if t.DisbursementID != r.ID || t.ApplicationID != r.ApplicationID || t.Number != i+1 {
			return nil, fmt.Errorf("disbursement %s: transfer %s is not its number %d", r.ID, t.ID, i+1)
		}
		statuses[i], sum = t.Status, sum.Add(t.Amount)
	}
	status, possible := SumOf(statuses...)
	unreleased := r.Status == DisbursementRequested || r.Status == DisbursementCancelled
	switch {
	case r.ID.IsZero() || r.ApplicationID.IsZero() || r.Version < 1:
		return nil, fmt.Errorf("disbursement %s: incomplete", r.ID)
	case !r.Status.Valid() || !possible || status != r.Status:
		return nil, fmt.Errorf("disbursement %s: %q, but its transfers are %v", r.ID, r.Status, statuses)
	case r.Amount.Sign() <= 0 || !r.Amount.Equal(sum):
		return nil, fmt.Errorf("disbursement %s: amount %s, but its transfers sum to %s", r.ID, r.Amount, sum)
	case !unreleased && (r.ReleasedBy.IsZero() || r.ReleasedBy == r.RequestedBy):
		return nil, fmt.Errorf("disbursement %s: %s without a second person's release", r.ID, r.Status)
	}
	r.Transfers = slices.Clone(r.Transfers)
	return &Disbursement{rec: r}, nil
}

// Record returns a copy of what the disbursement is.
func (d *Disbursement) Record() DisbursementRecord {
	r := d.rec
	r.Transfers = slices.Clone(r.Transfers)
	return r
}

// Release lets the money go (放行). The releaser neither requested it, nor prepared or approved the application, nor lent his
// authority for that, nor is he one of others, who investigated it or voted on it (三分离: 经办调查、审批、放款).
func (d *Disbursement) Release(by domain.Actor, at time.Time, app Record, others ...domain.ID) ([]Event, error) {
	if _, err := nextTransfer(d.rec.first(), ActionRelease, by.Role); err != nil {
		return nil, err
	}
	if by.ID == d.rec.RequestedBy || CheckReviewer(app, others, by.ID) != nil || app.approvedBy(by.ID) {
		return nil, domain.Errorf(domain.KindForbidden, "four-eyes", "经办人、实地调查人、审批人和参加表决的贷审会委员都不能放行这笔放款，请由另一位放款岗办理")
	}
	var events []Event
	for i := range d.rec.Transfers {
		event, err := d.rec.Transfers[i].move(by, at, ActionRelease)
		if err != nil {
			return nil, err
		}
		d.rec.Transfers[i].WorkDueAt = at
		events = append(events, event)
	}
	d.rec.ReleasedBy, d.rec.ReleasedAt = by.ID, at
	return d.follow(by, at, ActionRelease, events)
}

// first is the status that stands for all where one action moves them all: the transfers of a disbursement wait for the
// release together.
func (r DisbursementRecord) first() TransferStatus {
	for _, t := range r.Transfers {
		if !t.Status.Settled() {
			return t.Status
		}
	}
	return r.Transfers[0].Status
}

// Cancel stops what the channel has not heard of yet: all of a disbursement that was not released, of a released one the
// transfers that were not sent.
func (d *Disbursement) Cancel(by domain.Actor, at time.Time, reason string) ([]Event, error) {
	var events []Event
	for i := range d.rec.Transfers {
		t := &d.rec.Transfers[i]
		if t.Status != TransferRequested && t.Status != TransferReleased {
			continue
		}
		event, err := t.move(by, at, ActionCancel, Note{"reason", reason})
		if err != nil {
			return nil, err
		}
		events = append(events, event)
	}
	if len(events) == 0 {
		_, err := nextTransfer(d.rec.first(), ActionCancel, by.Role)
		return nil, err
	}
	return d.follow(by, at, ActionCancel, events, Note{"reason", reason})
}

// Send marks a transfer as handed to the channel, before it is: after a crash in between, the channel is asked first.
func (d *Disbursement) Send(by domain.Actor, at, leaseUntil time.Time, transferID domain.ID) ([]Event, error) {
	return d.one(transferID, by, at, ActionSend, func(t *TransferRecord) {
		t.SentAt, t.WorkDueAt, t.LastError = at, leaseUntil, ""
		t.Attempts++
	})
}

// Succeed records that the channel has paid a transfer.
func (d *Disbursement) Succeed(by domain.Actor, at time.Time, transferID domain.ID, channelReference string) ([]Event, error) {
	return d.one(transferID, by, at, ActionSucceed, func(t *TransferRecord) { t.ChannelReference = channelReference },
		Note{"channel_reference", channelReference})
}

// Fail records that the channel has definitely not paid a transfer and never will under its id.
func (d *Disbursement) Fail(by domain.Actor, at time.Time, transferID domain.ID, code, reason string) ([]Event, error) {
	return d.one(transferID, by, at, ActionFail, func(t *TransferRecord) { t.FailureCode, t.FailureReason = code, reason },
		Note{"failure_code", code}) // the reason is the channel's text: it may name an account
}

// Lose records that nobody knows whether the channel has paid a transfer; it is asked again at askAgainAt.
func (d *Disbursement) Lose(by domain.Actor, at, askAgainAt time.Time, transferID domain.ID, reason string) ([]Event, error) {
	return d.one(transferID, by, at, ActionLose, func(t *TransferRecord) { t.WorkDueAt, t.LastError = askAgainAt, reason },
		Note{"reason", reason})
}

// one moves one transfer, and the disbursement after it.
func (d *Disbursement) one(id domain.ID, by domain.Actor, at time.Time, action Action, change func(*TransferRecord), notes ...Note) ([]Event, error) {
	i := slices.IndexFunc(d.rec.Transfers, func(t TransferRecord) bool { return t.ID == id })
	if i < 0 {
		return nil, fmt.Errorf("disbursement %s has no transfer %s", d.rec.ID, id)
	}
	t := &d.rec.Transfers[i]
	event, err := t.move(by, at, action, append([]Note{{"amount", t.Amount.String()}}, notes...)...)
	if err != nil {
		return nil, err
	}
	change(t)
	return d.follow(by, at, action, []Event{event})
}

// follow takes the disbursement where its transfers lead, with an event when that is elsewhere.
func (d *Disbursement) follow(by domain.Actor, at time.Time, action Action, events []Event, notes ...Note) ([]Event, error) {
	statuses := make([]TransferStatus, len(d.rec.Transfers))
	for i, t := range d.rec.Transfers {
		statuses[i] = t.Status
	}
	to, possible := SumOf(statuses...)
	if !possible {
		return nil, fmt.Errorf("disbursement %s: its transfers are %v", d.rec.ID, statuses)
	}
	if to == d.rec.Status {
		return events, nil
	}
	from := d.rec.Status
	d.rec.Status = to
	d.rec.Version++
	if to.Settled() {
		d.rec.SettledAt = at
		notes = append(notes, Note{"arrived", d.rec.Arrived().String()})
	}
	return append(events, d.event(by, at, action, from, notes...)), nil
}

func (d *Disbursement) event(by domain.Actor, at time.Time, action Action, from DisbursementStatus, notes ...Note) Event {
	return Event{
		Subject: SubjectDisbursement, SubjectID: d.rec.ID, Version: d.rec.Version, CaseID: d.rec.ApplicationID, BranchID: d.rec.BranchID,
		Action: action, From: string(from), To: string(d.rec.Status),
		ActorID: by.ID, ActorName: by.Name, ActorRole: by.Role, At: at, Detail: notes,
	}
}
