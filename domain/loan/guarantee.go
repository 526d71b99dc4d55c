package loan

import (
	"fmt"
	"slices"
	"time"

	"fumin/domain"
	"fumin/domain/money"
)

// GuaranteeStatus is where a guarantee stands (担保状态).
type GuaranteeStatus string

// The statuses of a guarantee.
const (
	GuaranteeRequested   GuaranteeStatus = "requested"   // 待农担公司答复
	GuaranteeAccepted    GuaranteeStatus = "accepted"    // 同意担保
	GuaranteeConditional GuaranteeStatus = "conditional" // 附条件同意
	GuaranteeRefused     GuaranteeStatus = "refused"     // 不予担保
	GuaranteeExpired     GuaranteeStatus = "expired"     // 担保函已过期
	GuaranteeReleased    GuaranteeStatus = "released"    // 担保已解除
)

// GuaranteeStatuses lists every status in the order of a guarantee's way.
func GuaranteeStatuses() []GuaranteeStatus {
	return []GuaranteeStatus{
		GuaranteeRequested, GuaranteeAccepted, GuaranteeConditional, GuaranteeRefused, GuaranteeExpired, GuaranteeReleased,
	}
}

// Valid reports whether s is one of GuaranteeStatuses.
func (s GuaranteeStatus) Valid() bool { return slices.Contains(GuaranteeStatuses(), s) }

// Live reports whether the guarantee is asked for or given: an application has one live guarantee at most.
func (s GuaranteeStatus) Live() bool {
	return s == GuaranteeRequested || s == GuaranteeAccepted || s == GuaranteeConditional
}

// Label is the status in Chinese.
func (s GuaranteeStatus) Label() string {
	switch s {
	case GuaranteeRequested:
		return "待农担公司答复"
	case GuaranteeAccepted:
		return "同意担保"
	case GuaranteeConditional:
		return "附条件同意"
	case GuaranteeRefused:
		return "不予担保"
	case GuaranteeExpired:
		return "担保函已过期"
	case GuaranteeReleased:
		return "担保已解除"
	}
	return string(s)
}

// The actions on a guarantee. Reserve, confirm and free move the quota and leave the status as it is.
const (
	ActionGuaranteeAsk       Action = "guarantee_ask"       // 申请担保
	ActionGuaranteeAccept    Action = "guarantee_accept"    // 同意担保
	ActionGuaranteeCondition Action = "guarantee_condition" // 附条件同意
	ActionGuaranteeRefuse    Action = "guarantee_refuse"    // 不予担保
	ActionGuaranteeExtend    Action = "guarantee_extend"    // 延长担保函
	ActionGuaranteeFulfil    Action = "guarantee_fulfil"    // 确认担保条件已落实
	ActionGuaranteeExpire    Action = "guarantee_expire"    // 担保函到期
	ActionGuaranteeDischarge Action = "guarantee_discharge" // 解除担保
	ActionGuaranteeEnlarge   Action = "guarantee_enlarge"   // 按批准增加担保
	ActionGuaranteeReserve   Action = "guarantee_reserve"   // 占用担保额度
	ActionGuaranteeConfirm   Action = "guarantee_confirm"   // 确认担保额度
	ActionGuaranteeFree      Action = "guarantee_free"      // 释放担保额度
)

// guaranteeActionLabels are the actions on a guarantee in Chinese.
var guaranteeActionLabels = map[Action]string{ //nolint:exhaustive // the other actions have their labels beside themselves
	ActionGuaranteeAsk:       "申请担保",
	ActionGuaranteeAccept:    "同意担保",
	ActionGuaranteeCondition: "附条件同意担保",
	ActionGuaranteeRefuse:    "不予担保",
	ActionGuaranteeExtend:    "延长担保函",
	ActionGuaranteeFulfil:    "确认担保条件已落实",
	ActionGuaranteeExpire:    "担保函到期",
	ActionGuaranteeDischarge: "解除担保",
	ActionGuaranteeEnlarge:   "按批准增加担保",
	ActionGuaranteeReserve:   "占用担保额度",
	ActionGuaranteeConfirm:   "确认担保额度",
	ActionGuaranteeFree:      "释放担保额度",
}

// GuaranteeTransition is one row of a guarantee's way. No roles: it follows from what happens to the case, whoever did that.
type GuaranteeTransition struct {
	Action Action
	From   GuaranteeStatus
	To     GuaranteeStatus
	Roles  []domain.Role
}

// guaranteeAnswerers may answer: the company itself, or the lender's risk manager with the company's file of answers.
var (
	guaranteeAnswerers = []domain.Role{domain.RoleGuaranteeOfficer, domain.RoleRiskManager}
	guaranteeAskers    = []domain.Role{domain.RoleLoanOfficer, domain.RoleBorrower}
)

var guaranteeTransitions = []GuaranteeTransition{
	{ActionGuaranteeAccept, GuaranteeRequested, GuaranteeAccepted, guaranteeAnswerers},
	{ActionGuaranteeCondition, GuaranteeRequested, GuaranteeConditional, guaranteeAnswerers},
	{ActionGuaranteeRefuse, GuaranteeRequested, GuaranteeRefused, guaranteeAnswerers},
	{ActionGuaranteeExtend, GuaranteeAccepted, GuaranteeAccepted, guaranteeAnswerers},
	{ActionGuaranteeExtend, GuaranteeConditional, GuaranteeConditional, guaranteeAnswerers},
	{ActionGuaranteeFulfil, GuaranteeConditional, GuaranteeAccepted, officer},
	{ActionGuaranteeExpire, GuaranteeAccepted, GuaranteeExpired, system},
	{ActionGuaranteeExpire, GuaranteeConditional, GuaranteeExpired, system},
	{ActionGuaranteeDischarge, GuaranteeRequested, GuaranteeReleased, nil},
	{ActionGuaranteeDischarge, GuaranteeAccepted, GuaranteeReleased, nil},
	{ActionGuaranteeDischarge, GuaranteeConditional, GuaranteeReleased, nil},
}

// GuaranteeTransitions returns a copy of the table.
func GuaranteeTransitions() []GuaranteeTransition { return slices.Clone(guaranteeTransitions) }

func nextGuarantee(from GuaranteeStatus, action Action, role domain.Role) (GuaranteeStatus, error) {
	var allowed []domain.Role
	for _, t := range guaranteeTransitions {
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
	return "", errStatus("担保", from.Label(), action, func(yield func(Action, []domain.Role) bool) {
		for _, t := range guaranteeTransitions {
			if t.From == from && t.Roles != nil && !yield(t.Action, t.Roles) {
				return
			}
		}
	})
}

// GuaranteeCrop is by which of its fees a guarantee company charges (担保费分类).
type GuaranteeCrop string

// The kinds.
const (
	GuaranteeGrain GuaranteeCrop = "grain" // 粮食类
	GuaranteeOther GuaranteeCrop = "other" // 其他
)

// Valid reports whether c is one of the constants.
func (c GuaranteeCrop) Valid() bool { return c == GuaranteeGrain || c == GuaranteeOther }

// Label is the kind in Chinese.
func (c GuaranteeCrop) Label() string {
	if c == GuaranteeGrain {
		return "粮食类"
	}
	return "其他"
}

// GuaranteeQuotaState is what the guarantee holds of the company's quota (担保额度占用).
type GuaranteeQuotaState string

// The states.
const (
	QuotaNone      GuaranteeQuotaState = "none"      // 未占用
	QuotaReserved  GuaranteeQuotaState = "reserved"  // 已占用，待签约
	QuotaConfirmed GuaranteeQuotaState = "confirmed" // 已确认
	QuotaReleased  GuaranteeQuotaState = "released"  // 已释放
)

// Valid reports whether s is one of the constants.
func (s GuaranteeQuotaState) Valid() bool {
	switch s {
	case QuotaNone, QuotaReserved, QuotaConfirmed, QuotaReleased:
		return true
	}
	return false
}

// Limits of a guarantee's texts, in characters.
const (
	LetterNoRunesMax   = 64
	ConditionsRunesMax = 500
)

// GuaranteeRequest is what the company is asked (担保申请要素).
type GuaranteeRequest struct {
	Amount     money.Amount
	TermMonths int
	Crop       GuaranteeCrop
	// FeeMaxPct and CounterSpouseUpTo are as they were when the company was asked: the highest fee in percent a year, of the
	// product and of what was agreed with the company the lower, and up to which amount the product lets the spouse alone give
	// the counter-guarantee; 0.00: the spouse cannot.
	FeeMaxPct         money.Rate
	CounterSpouseUpTo money.Amount
}

// GuaranteeRecord is what a guarantee is: plain values, for storage and for views.
type GuaranteeRecord struct {
	ID            domain.ID
	ApplicationID domain.ID
	BranchID      domain.ID
	BorrowerID    domain.ID
	CompanyID     domain.ID
	RegionCode    string
	ProductCode   string
	Request       GuaranteeRequest
	Status        GuaranteeStatus
	RequestedBy   domain.ID
	RequestedAt   time.Time
	Answer        *GuaranteeAnswer // nil until answered
	AnsweredBy    domain.ID
	AnsweredAt    time.Time // zero until answered
	FulfilledBy   domain.ID // who confirmed that the letter's conditions are met; zero until then, and without conditions
	FulfilledAt   time.Time
	FulfilledHow  string // by what
	Quota         GuaranteeQuotaState
	QuotaHeld     money.Amount // of the company's quota; 0.00 unless reserved or confirmed
	Version       int
}

// LetterLive reports whether there is a letter on the day that covers the amount and the term. One with conditions counts:
// they stop the payment, not the decision.
func (r GuaranteeRecord) LetterLive(on domain.Date, amount money.Amount, termMonths int) bool {
	return (r.Status == GuaranteeAccepted || r.Status == GuaranteeConditional) && r.Answer != nil &&
		!r.Answer.ExpiresOn.Before(on) && r.Covers(amount, termMonths)
}

// Covers reports whether the letter is for at least the amount and the term.
func (r GuaranteeRecord) Covers(amount money.Amount, termMonths int) bool {
	return r.Answer != nil && r.Answer.Amount.Cmp(amount) >= 0 && r.Request.TermMonths >= termMonths
}

// Guarantee is what may happen to one (农担公司担保). Only this package changes a GuaranteeRecord.
type Guarantee struct{ rec GuaranteeRecord }

// AskGuarantee asks a company to guarantee a loan (申请担保).
func AskGuarantee(by domain.Actor, at time.Time, r GuaranteeRecord) (*Guarantee, Event, error) {
	if !slices.Contains(guaranteeAskers, by.Role) {
		return nil, Event{}, errRole(ActionGuaranteeAsk, guaranteeAskers)
	}
	r.Status, r.Quota, r.Version = GuaranteeRequested, QuotaNone, 1
	r.RequestedBy, r.RequestedAt = by.ID, at
	g := &Guarantee{rec: r}
	if _, err := RestoreGuarantee(r); err != nil {
		return nil, Event{}, err
	}
	return g, g.event(by, at, ActionGuaranteeAsk, "", Note{"amount", r.Request.Amount.String()},
		Note{"term_months", fmt.Sprint(r.Request.TermMonths)}, Note{"company_id", r.CompanyID.String()}), nil
}

// RestoreGuarantee makes a guarantee of a stored record and refuses one that cannot be.
func RestoreGuarantee(r GuaranteeRecord) (*Guarantee, error) {
	answered := r.Status == GuaranteeAccepted || r.Status == GuaranteeConditional || r.Status == GuaranteeRefused || r.Status == GuaranteeExpired
	holds := r.Quota == QuotaReserved || r.Quota == QuotaConfirmed
	switch {
	case !r.Status.Valid() || !r.Quota.Valid() || !r.Request.Crop.Valid():
		return nil, fmt.Errorf("guarantee %s: unknown status %q, quota %q or crop %q", r.ID, r.Status, r.Quota, r.Request.Crop)
	case r.ID.IsZero() || r.ApplicationID.IsZero() || r.CompanyID.IsZero() || r.BranchID.IsZero() || r.Version < 1:
		return nil, fmt.Errorf("guarantee %s: incomplete", r.ID)
	case r.Request.Amount.Sign() <= 0 || r.Request.TermMonths < 1:
		return nil, fmt.Errorf("guarantee %s: asked for %s over %d months", r.ID, r.Request.Amount, r.Request.TermMonths)
	case answered && r.Answer == nil:
		return nil, fmt.Errorf("guarantee %s: %s without an answer", r.ID, r.Status)
	case holds != (r.QuotaHeld.Sign() > 0) || r.QuotaHeld.Cmp(r.Request.Amount) > 0:
		return nil, fmt.Errorf("guarantee %s: quota %s holds %s of %s", r.ID, r.Quota, r.QuotaHeld, r.Request.Amount)
	case holds && !r.Status.Live():
		return nil, fmt.Errorf("guarantee %s: %s and still holds quota", r.ID, r.Status)
	}
	return &Guarantee{rec: r}, nil
}

// Record returns a copy of what the guarantee is.
func (g *Guarantee) Record() GuaranteeRecord {
	r := g.rec
	if r.Answer != nil {
		answer := *r.Answer
		r.Answer = &answer
	}
	return r
}

// Answer records what the company says. A refusal frees the quota that was held.
func (g *Guarantee) Answer(by domain.Actor, at time.Time, a GuaranteeAnswer) (Event, error) {
	action := ActionGuaranteeRefuse
	switch a.Decision {
	case GuaranteeAccepted:
		action = ActionGuaranteeAccept
	case GuaranteeConditional:
		action = ActionGuaranteeCondition
	case GuaranteeRequested, GuaranteeRefused, GuaranteeExpired, GuaranteeReleased:
	}
	if _, err := nextGuarantee(g.rec.Status, action, by.Role); err != nil {
		return Event{}, err
	}
	if err := a.check(g.rec.Request, domain.DateOf(at)); err != nil {
		return Event{}, err
	}
	if a.Decision == GuaranteeRefused {
		a.Counter = CounterNone
		g.free()
	}
	g.rec.Answer, g.rec.AnsweredBy, g.rec.AnsweredAt = &a, by.ID, at
	return g.move(by, at, action, Note{"letter_no", a.LetterNo}, Note{"amount", a.Amount.String()}, Note{"fee_pct", a.FeePct.String()},
		Note{"expires_on", a.ExpiresOn.String()}, Note{"counter_guarantee", string(a.Counter)}, Note{"reason", a.Reason})
}

// Extends reports whether an answer says of the letter that was given only that it is good for longer, with another number or not.
func (r GuaranteeRecord) Extends(a GuaranteeAnswer) bool {
	if r.Answer == nil || !r.Answer.ExpiresOn.Before(a.ExpiresOn) {
		return false
	}
	a.LetterNo, a.ExpiresOn = r.Answer.LetterNo, r.Answer.ExpiresOn
	return r.Answer.Equal(a)
}

// Extend gives a letter another last day (延长担保函), also after its own has passed. All else stays as it was signed and paid on:
// amount, fee, conditions, and what is held of the quota.
func (g *Guarantee) Extend(by domain.Actor, at time.Time, a GuaranteeAnswer) (Event, error) {
	if !g.rec.Extends(a) {
		return Event{}, fmt.Errorf("guarantee %s: the answer changes more than the letter's last day", g.rec.ID)
	}
	if err := a.check(g.rec.Request, domain.DateOf(at)); err != nil {
		return Event{}, err
	}
	before := g.rec.Answer
	event, err := g.move(by, at, ActionGuaranteeExtend, Note{"letter_no", a.LetterNo}, Note{"expires_on", a.ExpiresOn.String()},
		Note{"previous_letter_no", before.LetterNo}, Note{"previous_expires_on", before.ExpiresOn.String()})
	if err == nil {
		g.rec.Answer, g.rec.AnsweredBy, g.rec.AnsweredAt = &a, by.ID, at
	}
	return event, err
}

// Fulfil records that the conditions of the letter are met, and by what one can see it.
func (g *Guarantee) Fulfil(by domain.Actor, at time.Time, how string) (Event, error) {
	event, err := g.move(by, at, ActionGuaranteeFulfil, Note{"how", how})
	if err != nil {
		return Event{}, err
	}
	g.rec.FulfilledBy, g.rec.FulfilledAt, g.rec.FulfilledHow = by.ID, at, how
	return event, nil
}

// Expire ends a letter whose last day has passed, and frees its quota.
func (g *Guarantee) Expire(by domain.Actor, at time.Time) (Event, error) {
	if g.rec.Answer != nil && !g.rec.Answer.ExpiresOn.Before(domain.DateOf(at)) {
		return Event{}, fmt.Errorf("guarantee %s: the letter is good until %s", g.rec.ID, g.rec.Answer.ExpiresOn)
	}
	held := g.rec.QuotaHeld
	event, err := g.move(by, at, ActionGuaranteeExpire, Note{"quota_freed", held.String()})
	if err == nil {
		g.free()
	}
	return event, err
}

// Discharge ends the guarantee with its case: declined, withdrawn, expired, reversed or repaid. Its quota is free again.
func (g *Guarantee) Discharge(by domain.Actor, at time.Time, why string) (Event, error) {
	held := g.rec.QuotaHeld
	event, err := g.move(by, at, ActionGuaranteeDischarge, Note{"why", why}, Note{"quota_freed", held.String()})
	if err == nil {
		g.free()
	}
	return event, err
}

// Enlarge asks the company for more or longer, because more was granted than was asked for. A letter that was given already
// no longer covers the loan then, and the company has to be asked anew before a payment.
func (g *Guarantee) Enlarge(by domain.Actor, at time.Time, amount money.Amount, termMonths int) Event {
	before := g.rec.Request
	if amount.Cmp(before.Amount) > 0 {
		g.rec.Request.Amount = amount
	}
	g.rec.Request.TermMonths = before.TermMonths
	if g.rec.Status == GuaranteeRequested { // what a letter says stays as it was said
		g.rec.Request.TermMonths = max(termMonths, before.TermMonths)
	}
	g.rec.Version++
	return g.event(by, at, ActionGuaranteeEnlarge, g.rec.Status, Note{"amount_before", before.Amount.String()}, Note{"amount", g.rec.Request.Amount.String()},
		Note{"term_months_before", fmt.Sprint(before.TermMonths)}, Note{"term_months", fmt.Sprint(g.rec.Request.TermMonths)})
}

// Reserve takes amount of the company's quota (占用担保额度), on top of what is held already, at most what was asked for. The
// caller has looked at the quota under its lock.
func (g *Guarantee) Reserve(by domain.Actor, at time.Time, amount money.Amount) (Event, error) {
	held := g.rec.QuotaHeld.Add(amount)
	if !g.rec.Status.Live() || amount.Sign() <= 0 || held.Cmp(g.rec.Request.Amount) > 0 {
		return Event{}, domain.Errorf(domain.KindConflict, "guarantee-not-covering",
			"担保申请为 %s 元（%s），不能占用 %s 元担保额度，请按新的金额重新申请担保", g.rec.Request.Amount.Grouped(), g.rec.Status.Label(), held.Grouped())
	}
	if g.rec.Quota == QuotaNone || g.rec.Quota == QuotaReserved { // once confirmed by a signature, all that is held is
		g.rec.Quota = QuotaReserved
	} else {
		g.rec.Quota = QuotaConfirmed
	}
	g.rec.QuotaHeld = held
	return g.moveQuota(by, at, ActionGuaranteeReserve, amount), nil
}

// Retake takes amount of the quota again because the loan owes it again, whatever is free: a repayment was undone, which is a
// fact. short is by how much the quota did not reach; it is kept in the history, and what is held stays within the quota.
func (g *Guarantee) Retake(by domain.Actor, at time.Time, amount, short money.Amount) Event {
	g.rec.QuotaHeld = g.rec.QuotaHeld.Add(amount)
	if g.rec.QuotaHeld.Sign() > 0 {
		g.rec.Quota = QuotaConfirmed
	}
	event := g.moveQuota(by, at, ActionGuaranteeReserve, amount)
	if short.Sign() > 0 {
		event.Detail = append(event.Detail, Note{"quota_short", short.String()})
	}
	return event
}

// Confirm makes what was reserved definite, at signing (确认担保额度).
func (g *Guarantee) Confirm(by domain.Actor, at time.Time) (Event, error) {
	if g.rec.Quota != QuotaReserved {
		return Event{}, domain.Errorf(domain.KindConflict, "guarantee-not-reserved", "这笔申请没有占用担保额度，请重新申请担保后再签约")
	}
	g.rec.Quota = QuotaConfirmed
	return g.moveQuota(by, at, ActionGuaranteeConfirm, g.rec.QuotaHeld), nil
}

// Free gives amount of the quota back, at most what is held (释放担保额度). It returns false when nothing was held.
func (g *Guarantee) Free(by domain.Actor, at time.Time, amount money.Amount) (Event, bool) {
	if amount.Cmp(g.rec.QuotaHeld) > 0 {
		amount = g.rec.QuotaHeld
	}
	if amount.Sign() <= 0 {
		return Event{}, false
	}
	g.rec.QuotaHeld = g.rec.QuotaHeld.Sub(amount)
	if g.rec.QuotaHeld.IsZero() {
		g.rec.Quota = QuotaReleased
	}
	return g.moveQuota(by, at, ActionGuaranteeFree, amount), true
}

func (g *Guarantee) free() {
	if g.rec.QuotaHeld.Sign() > 0 {
		g.rec.QuotaHeld, g.rec.Quota = money.Amount{}, QuotaReleased
	}
}

func (g *Guarantee) move(by domain.Actor, at time.Time, action Action, notes ...Note) (Event, error) {
	to, err := nextGuarantee(g.rec.Status, action, by.Role)
	if err != nil {
		return Event{}, err
	}
	from := g.rec.Status
	g.rec.Status = to
	g.rec.Version++
	return g.event(by, at, action, from, notes...), nil
}

func (g *Guarantee) moveQuota(by domain.Actor, at time.Time, action Action, amount money.Amount) Event {
	g.rec.Version++
	return g.event(by, at, action, g.rec.Status, Note{"amount", amount.String()}, Note{"quota_held", g.rec.QuotaHeld.String()})
}

func (g *Guarantee) event(by domain.Actor, at time.Time, action Action, from GuaranteeStatus, notes ...Note) Event {
	return Event{
		Subject: SubjectGuarantee, SubjectID: g.rec.ID, Version: g.rec.Version, CaseID: g.rec.ApplicationID, BranchID: g.rec.BranchID,
		Action: action, From: string(from), To: string(g.rec.Status),
		ActorID: by.ID, ActorName: by.Name, ActorRole: by.Role, At: at, Detail: notes,
	}
}
