package loan

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"fumin/domain"
	"fumin/domain/money"
)

// TransferStatus is where the money for one payee stands (付款状态).
type TransferStatus string

// The statuses of a transfer. Unknown is asked about until it is known; it is never sent under another id.
const (
	TransferRequested TransferStatus = "requested" // 待放行
	TransferReleased  TransferStatus = "released"  // 已放行
	TransferSending   TransferStatus = "sending"   // 发送中
	TransferUnknown   TransferStatus = "unknown"   // 结果未知
	TransferSucceeded TransferStatus = "succeeded" // 支付成功
	TransferFailed    TransferStatus = "failed"    // 支付失败
	TransferCancelled TransferStatus = "cancelled" // 已取消
)

// TransferStatuses lists every status in the order of the money's way.
func TransferStatuses() []TransferStatus {
	return []TransferStatus{
		TransferRequested, TransferReleased, TransferSending, TransferUnknown, TransferSucceeded, TransferFailed, TransferCancelled,
	}
}

// Valid reports whether s is one of TransferStatuses.
func (s TransferStatus) Valid() bool { return slices.Contains(TransferStatuses(), s) }

// Live reports whether the money may still move or has moved.
func (s TransferStatus) Live() bool {
	return s.Valid() && s != TransferFailed && s != TransferCancelled
}

// Settled reports whether nothing more will happen to the transfer by itself.
func (s TransferStatus) Settled() bool {
	return s == TransferSucceeded || s == TransferFailed || s == TransferCancelled
}

// Label is the status in Chinese: a transfer's statuses are words of a disbursement's.
func (s TransferStatus) Label() string { return DisbursementStatus(s).Label() }

// PaymentMethod is who decides where the money goes (支付方式).
type PaymentMethod string

// The ways of paying.
const (
	SelfPayment      PaymentMethod = "self_payment"      // 自主支付: to the borrower's own verified account
	EntrustedPayment PaymentMethod = "entrusted_payment" // 受托支付: by the lender to the seller named in a contract or invoice
)

// PaymentMethods lists every way.
func PaymentMethods() []PaymentMethod { return []PaymentMethod{SelfPayment, EntrustedPayment} }

// Valid reports whether m is one of PaymentMethods.
func (m PaymentMethod) Valid() bool { return slices.Contains(PaymentMethods(), m) }

// Label is the way of paying in Chinese.
func (m PaymentMethod) Label() string {
	switch m {
	case SelfPayment:
		return "自主支付"
	case EntrustedPayment:
		return "受托支付"
	}
	return string(m)
}

// The actions on a transfer, and by that on the disbursement it belongs to.
const (
	ActionRequest Action = "request" // 申请放款
	ActionRelease Action = "release" // 放行
	ActionCancel  Action = "cancel"  // 取消
	ActionSend    Action = "send"    // 发送
	ActionSucceed Action = "succeed" // 支付成功
	ActionFail    Action = "fail"    // 支付失败
	ActionLose    Action = "lose"    // 结果未知
)

// TransferTransition is one row of the money's way.
type TransferTransition struct {
	Action Action
	From   TransferStatus
	To     TransferStatus
	Roles  []domain.Role
}

var releaser = []domain.Role{domain.RoleDisbursementOfficer}

// transferTransitions is the lifecycle of a transfer; docs/lifecycle.md is rendered from it.
var transferTransitions = []TransferTransition{
	{ActionRelease, TransferRequested, TransferReleased, releaser},
	{ActionCancel, TransferRequested, TransferCancelled, releaser},
	{ActionCancel, TransferReleased, TransferCancelled, releaser}, // released, but the channel has not heard of it yet
	{ActionSend, TransferReleased, TransferSending, system},
	{ActionSucceed, TransferSending, TransferSucceeded, system},
	{ActionFail, TransferSending, TransferFailed, system},
	{ActionLose, TransferSending, TransferUnknown, system},
	{ActionSucceed, TransferUnknown, TransferSucceeded, system},
	{ActionFail, TransferUnknown, TransferFailed, system},
}

// TransferTransitions returns a copy of the table.
func TransferTransitions() []TransferTransition { return slices.Clone(transferTransitions) }

func nextTransfer(from TransferStatus, action Action, role domain.Role) (TransferStatus, error) {
	var allowed []domain.Role
	for _, t := range transferTransitions {
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
		for _, t := range transferTransitions {
			if t.From == from && !yield(t.Action, t.Roles) {
				return
			}
		}
	})
}

// Limits of what proves a purchase.
const (
	EvidenceReferenceMax = 100 // characters
	sha256HexLength      = 64
)

// Evidence is a paper that is kept elsewhere (凭证): what it is called there, and the SHA-256 of the file that was seen.
type Evidence struct {
	Reference string // contract or invoice number (合同号、发票号): 1 to EvidenceReferenceMax characters
	SHA256    string // 64 lower-case hexadecimal digits
}

// IsZero reports whether there is none.
func (e Evidence) IsZero() bool { return e == Evidence{} }

// Check records what is wrong with the evidence, below the pointer.
func (e Evidence) Check(p *domain.Problems, pointer string) {
	if n := len([]rune(e.Reference)); n == 0 || n > EvidenceReferenceMax {
		p.Add(pointer+"/document_reference", "out-of-range", "请写明合同或发票编号，1 至 %d 个字", EvidenceReferenceMax)
	}
	if !isSHA256(e.SHA256) {
		p.Add(pointer+"/document_sha256", "invalid-sha256", "应为文件的 SHA-256，64 位小写十六进制")
	}
}

func isSHA256(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return len(s) == sha256HexLength
}

// TransferRecord is the money for one payee (付款，每个收款人一笔). Its id is the key under which the channel pays at most
// once, for ever.
type TransferRecord struct {
	ID             domain.ID
	DisbursementID domain.ID
	ApplicationID  domain.ID
	BranchID       domain.ID
	BorrowerID     domain.ID
	Number         int // within its disbursement, from 1
	Method         PaymentMethod
	Amount         money.Amount
	Reversed       money.Amount // 已冲正: what came back and was confirmed; at most Amount
	// Payee is whom the money goes to. In lists the account itself is absent: they show AccountLast4 and open no seal.
	Payee            Payee
	AccountLast4     string // 尾号; empty on rows older than it
	Evidence         Evidence
	Status           TransferStatus
	SentAt           time.Time // zero until handed to the channel
	SettledAt        time.Time // zero until succeeded, failed or cancelled
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

// Net is what arrived and stayed: the amount of a succeeded transfer less what was reversed, 0.00 of any other.
func (r TransferRecord) Net() money.Amount {
	if r.Status != TransferSucceeded {
		return money.Amount{}
	}
	return r.Amount.Sub(r.Reversed)
}

func (r TransferRecord) check() error {
	switch {
	case !r.Status.Valid() || !r.Method.Valid():
		return fmt.Errorf("transfer %s: unknown status %q or method %q", r.ID, r.Status, r.Method)
	case r.ID.IsZero() || r.DisbursementID.IsZero() || r.ApplicationID.IsZero() || r.Version < 1 || r.Number < 1:
		return fmt.Errorf("transfer %s: incomplete", r.ID)
	case r.Amount.Sign() <= 0:
		return fmt.Errorf("transfer %s: amount %s", r.ID, r.Amount)
	case r.Reversed.Sign() < 0 || r.Reversed.Cmp(r.Amount) > 0 || (!r.Reversed.IsZero() && r.Status != TransferSucceeded):
		return fmt.Errorf("transfer %s: %s of %s reversed while %s", r.ID, r.Reversed, r.Amount, r.Status)
	case (r.Method == EntrustedPayment) == r.Evidence.IsZero():
		return fmt.Errorf("transfer %s: %s with evidence %q", r.ID, r.Method, r.Evidence.Reference)
	}
	return nil
}

// move makes a transition of a transfer: the one place where its status and version change.
func (r *TransferRecord) move(by domain.Actor, at time.Time, action Action, notes ...Note) (Event, error) {
	to, err := nextTransfer(r.Status, action, by.Role)
	if err != nil {
		return Event{}, err
	}
	from := r.Status
	r.Status = to
	r.Version++
	if to.Settled() {
		r.SettledAt, r.WorkDueAt, r.LastError = at, time.Time{}, ""
	}
	return r.event(by, at, action, from, notes...), nil
}

func (r *TransferRecord) event(by domain.Actor, at time.Time, action Action, from TransferStatus, notes ...Note) Event {
	notes = append([]Note{{"number", strconv.Itoa(r.Number)}}, notes...)
	return Event{
		Subject: SubjectTransfer, SubjectID: r.ID, Version: r.Version, CaseID: r.ApplicationID, BranchID: r.BranchID,
		Action: action, From: string(from), To: string(r.Status),
		ActorID: by.ID, ActorName: by.Name, ActorRole: by.Role, At: at, Detail: notes,
	}
}
