// Package loan owns what happens to an application from draft to closed case, and to the payments it leads to: the
// lifecycles, the four-eyes rules (四眼原则) and the events. It knows neither storage nor HTTP, neither clock nor ids.
package loan

import (
	"fmt"
	"slices"
	"time"

	"fumin/domain"
	"fumin/domain/decision"
	"fumin/domain/money"
	"fumin/domain/schedule"
)

// Limits of what an application may say; the product's own limits are rules, and lead to a decision.
const (
	TermMonthsMax     = 360
	PurposeNoteMax    = 500 // characters
	ReasonMax         = 500 // characters of a comment by staff
	ConfirmationNoMax = 64  // characters
	ReliefIndustryMax = 32  // characters of its code
	ReliefBasisMax    = 200 // characters
)

// Request is what is asked for (申请要素).
type Request struct {
	Amount          money.Amount
	TermMonths      int
	RepaymentMethod schedule.Method
	// Harvests are when principal is repaid (还本计划), by shares or by sums; only with seasonal, and required there.
	Harvests    []schedule.SeasonalInstalment
	Purpose     Purpose
	PurposeNote string
	// SiteVisitOn is the day of the account manager's visit (实地走访), as staff entered it; absent when there was none.
	SiteVisitOn domain.Date
	// BureauConfirmationNo is the rural-revitalisation bureau's confirmation that the household is on its list
	// (乡村振兴局确认编号), as staff entered it; absent when the bureau was not asked.
	BureauConfirmationNo string
	// ReliefIndustry is the industry (纾困行业) for which the product lowers its price and to which the borrower's trade belongs, as
	// the account manager confirmed it; ReliefNone: to none of them; empty: nobody has looked.
	ReliefIndustry string
	// ReliefBasis is what the confirmation rests on (认定依据): the licence, the visit. Required with an industry.
	ReliefBasis string
}

// ReliefNone says that the borrower's trade belongs to no industry with a relief (不属于纾困行业), which is known.
const ReliefNone = "none"

// ReliefIndustries are the industries by which the price is lowered: one, or none.
func (r Request) ReliefIndustries() []string {
	if r.ReliefIndustry == "" || r.ReliefIndustry == ReliefNone {
		return nil
	}
	return []string{r.ReliefIndustry}
}

// Validate collects what is wrong with the request by itself; whether the product allows it is for the rules.
func (r Request) Validate() error {
	var p domain.Problems
	if r.Amount.Sign() <= 0 {
		p.Add("/amount", "not-positive", "金额必须大于 0.00")
	}
	if r.TermMonths < 1 || r.TermMonths > TermMonthsMax {
		p.Add("/term_months", "out-of-range", "期限应为 1 至 %d 个月，填写的是 %d", TermMonthsMax, r.TermMonths)
	}
	r.checkHarvests(&p)
	if !r.Purpose.Valid() {
		p.Add("/purpose", "unknown-value", "不认识的贷款用途")
	}
	if len([]rune(r.PurposeNote)) > PurposeNoteMax {
		p.Add("/purpose_note", "too-long", "最多 %d 个字", PurposeNoteMax)
	}
	if len([]rune(r.BureauConfirmationNo)) > ConfirmationNoMax {
		p.Add("/bureau_confirmation_no", "too-long", "最多 %d 个字", ConfirmationNoMax)
	}
	r.checkRelief(&p)
	return p.Err()
}

// checkRelief wants a basis for a lower price. Which industries there are is the product's to say.
func (r Request) checkRelief(p *domain.Problems) {
	if len(r.ReliefIndustry) > ReliefIndustryMax {
		p.Add("/relief_industry", "too-long", "最多 %d 个字符", ReliefIndustryMax)
	}
	switch n := len([]rune(r.ReliefBasis)); {
	case n > ReliefBasisMax:
		p.Add("/relief_basis", "too-long", "最多 %d 个字", ReliefBasisMax)
	case n == 0 && len(r.ReliefIndustries()) > 0:
		p.Add("/relief_basis", "required", "请写明认定依据，例如营业执照载明的经营范围和实地走访情况")
	case n > 0 && r.ReliefIndustry == "":
		p.Add("/relief_basis", "contradiction", "请先选择纾困行业，不属于的选“none”")
	}
}

// checkSaidBy refuses what only staff may say, from a borrower: a relief makes the loan cheaper, and the visit and the bureau's
// confirmation are facts by which the rules approve without a person. What staff entered before may stand when the borrower
// edits the rest.
func (r Request) checkSaidBy(by domain.Actor, before Request) error {
	if by.Role != domain.RoleBorrower {
		return nil
	}
	var p domain.Problems
	if !r.SiteVisitOn.Equal(before.SiteVisitOn) {
		p.Add("/site_visit_on", "staff-only", "实地走访日期由客户经理走访后填写，请不要改动；需要走访时请联系管户客户经理")
	}
	if r.BureauConfirmationNo != before.BureauConfirmationNo {
		p.Add("/bureau_confirmation_no", "staff-only", "乡村振兴局确认编号由客户经理核实后填写，请不要改动；已有编号的请交给管户客户经理")
	}
	if r.ReliefIndustry != before.ReliefIndustry || r.ReliefBasis != before.ReliefBasis {
		p.Add("/relief_industry", "staff-only", "纾困行业由客户经理认定，请不要改动；需要认定时请联系管户客户经理")
	}
	return p.Err()
}

// statementNotes keep what staff said about the case that the rules take for a fact: who said it, and when, is the event's.
func (r Request) statementNotes(suffix string) []Note {
	visited := ""
	if !r.SiteVisitOn.IsZero() {
		visited = r.SiteVisitOn.String()
	}
	return []Note{{"site_visit_on" + suffix, visited}, {"bureau_confirmation_no" + suffix, r.BureauConfirmationNo}}
}

// HarvestsMax bounds the harvests of one loan, as package schedule does.
const HarvestsMax = schedule.SeasonalMax

// checkHarvests looks at the harvests as far as they can be judged before the loan has a beginning: their order, and that they
// repay the whole. That they lie in the term is checked when the plan is made.
func (r Request) checkHarvests(p *domain.Problems) {
	if r.RepaymentMethod != schedule.Seasonal {
		if len(r.Harvests) > 0 {
			p.Add("/harvests", "contradiction", "只有按收获季还款可以填写收获季还本计划")
		}
		return
	}
	if n := len(r.Harvests); n < 1 || n > HarvestsMax {
		p.Add("/harvests", "out-of-range", "按收获季还款应列出 1 至 %d 次还本（日期和比例，或日期和金额）", HarvestsMax)
		return
	}
	byShare := !r.Harvests[0].SharePct.IsZero()
	var shares money.Rate
	var amounts money.Amount
	for i, h := range r.Harvests {
		at := fmt.Sprintf("/harvests/%d", i)
		if i > 0 && !h.DueOn.After(r.Harvests[i-1].DueOn) {
			p.Add(at+"/due_on", "not-ascending", "还本日应按先后排列，不能相同")
		}
		if h.SharePct.IsZero() == byShare || h.Amount.IsZero() != byShare || h.SharePct.Sign() < 0 || h.Amount.Sign() < 0 {
			p.Add(at, "contradiction", "各次还本须全部按比例或全部按金额，且大于零")
		}
		shares, amounts = shares.Add(h.SharePct), amounts.Add(h.Amount)
	}
	switch {
	case byShare && !shares.Equal(wholePct):
		p.Add("/harvests", "shares-not-100", "各次还本比例合计为 %s%%，应为 100%%", shares)
	case !byShare && !amounts.Equal(r.Amount):
		p.Add("/harvests", "amounts-not-principal", "各次还本金额合计为 %s 元，应等于申请金额 %s 元", amounts.Grouped(), r.Amount.Grouped())
	}
}

var wholePct = money.MustParseRate("100")

// Approval is what was granted, by the rules or by a person (批复).
type Approval struct {
	Amount     money.Amount
	TermMonths int
	// AnnualRate is the price of the day of approval, percent a year. It is indicative: the contract's rate follows the
	// reference rate of the signing day, by the same spread and under the product's cap.
	AnnualRate money.Rate
	ApprovedBy domain.ID // the approver; zero when the rules decided (快速审批)
	ApprovedAt time.Time
	// OnBehalfOf is whose authority it was when the approver stood in for somebody (转授权); zero when it was his own.
	OnBehalfOf domain.ID
	// OverrideReason is why it goes beyond what was asked or what the rules allow (例外审批); empty where it does not.
	OverrideReason string
}

// ByRules reports whether no person decided.
func (a Approval) ByRules() bool { return a.ApprovedBy.IsZero() }

// Record is what an application is: plain values, for storage and for views.
type Record struct {
	ID            domain.ID
	ApplicationNo string // 申请编号
	BranchID      domain.ID
	OfficerID     domain.ID // who opened it; for a borrower's own application the service account
	BorrowerID    domain.ID
	HouseholdID   domain.ID
	RegionCode    string // the village of the household when the application was opened
	ProductCode   string
	// RenewsApplicationID is the case whose line this one renews without repaying first (无还本续贷); zero for most.
	RenewsApplicationID domain.ID
	// ProductVersionID is the version by which it was last judged; zero before the first submit.
	ProductVersionID domain.ID
	// ReferenceRateID is the publication of the LPR its price was last judged by; zero before, and where the price is fixed.
	ReferenceRateID domain.ID
	Request         Request
	Status          Status
	SubmittedBy     domain.ID
	DecisionID      domain.ID // the decision that counts; zero before the first submit
	Approval        *Approval // set while approved, signed, disbursed or closed
	Version         int
	CreatedAt       time.Time
	UpdatedAt       time.Time
}

// Application is what may happen to one (贷款申请). Only this package changes a Record.
type Application struct{ rec Record }

// checkOn is Validate with what depends on the day: a visit is in the past or today.
func (r Request) checkOn(today domain.Date) error {
	var p domain.Problems
	if err := r.Validate(); err != nil {
		p.Check("", err)
	}
	if r.SiteVisitOn.After(today) {
		p.Add("/site_visit_on", "in-the-future", "实地走访日期 %s 晚于今天 %s，请走访后再填", r.SiteVisitOn, today)
	}
	for i, h := range r.Harvests {
		if !h.DueOn.After(today) || h.DueOn.After(today.AddMonths(r.TermMonths)) {
			p.Add(fmt.Sprintf("/harvests/%d/due_on", i), "out-of-range", "还本日 %s 应晚于今天，且在 %d 个月的期限之内", h.DueOn, r.TermMonths)
		}
	}
	return p.Err()
}

// SiteVisitMonthsMax is how old a site visit may be when the rules look at it: configure to your credit policy.
const SiteVisitMonthsMax = 6

// VisitedBy reports whether a site visit counts on the day: made, not in the future, and not too old.
func (r Request) VisitedBy(day domain.Date) bool {
	return !r.SiteVisitOn.IsZero() && !r.SiteVisitOn.After(day) && !r.SiteVisitOn.AddMonths(SiteVisitMonthsMax).Before(day)
}

// Open starts an application as a draft.
func Open(by domain.Actor, at time.Time, r Record) (*Application, Event, error) {
	if !slices.Contains(applicant, by.Role) {
		return nil, Event{}, errRole(ActionCreate, applicant)
	}
	if err := r.Request.checkOn(domain.DateOf(at)); err != nil {
		return nil, Event{}, err
	}
	if err := r.Request.checkSaidBy(by, Request{}); err != nil {
		return nil, Event{}, err
	}
	r.Status, r.OfficerID, r.Version = StatusDraft, by.ID, 1
	r.CreatedAt, r.UpdatedAt = at, at
	a := &Application{rec: r}
	notes := []Note{
		{"amount", r.Request.Amount.String()},
		{"product", r.ProductCode},
		{"term_months", fmt.Sprint(r.Request.TermMonths)},
		{"purpose", string(r.Request.Purpose)},
	}
	return a, a.event(by, at, ActionCreate, "", append(notes, r.Request.statementNotes("")...)...), nil
}

// Restore makes an application of a stored record and refuses one that cannot be: the reading half of the assertions.
func Restore(r Record) (*Application, error) {
	granted := r.Status == StatusApproved || r.Status == StatusSigned || r.Status == StatusDisbursed || r.Status == StatusClosed
	switch {
	case !r.Status.Valid():
		return nil, fmt.Errorf("application %s: unknown status %q", r.ID, r.Status)
	case r.ID.IsZero() || r.BranchID.IsZero() || r.BorrowerID.IsZero():
		return nil, fmt.Errorf("application %s: no branch or borrower", r.ID)
	case r.Version < 1:
		return nil, fmt.Errorf("application %s: version %d", r.ID, r.Version)
	case r.RenewsApplicationID == r.ID:
		return nil, fmt.Errorf("application %s: renews itself", r.ID)
	case granted && r.Approval == nil:
		return nil, fmt.Errorf("application %s: %s without an approval", r.ID, r.Status)
	case r.Approval != nil && (r.Approval.Amount.Sign() <= 0 || r.Approval.Amount.Cmp(r.Request.Amount) > 0 && r.Approval.OverrideReason == ""):
		return nil, fmt.Errorf("application %s: approved %s of %s asked for", r.ID, r.Approval.Amount, r.Request.Amount)
	case r.Status != StatusDraft && r.Status != StatusWithdrawn && r.DecisionID.IsZero():
		return nil, fmt.Errorf("application %s: %s without a decision", r.ID, r.Status)
	}
	return &Application{rec: r}, nil
}

// Record returns a copy of what the application is.
func (a *Application) Record() Record {
	r := a.rec
	if r.Approval != nil {
		approval := *r.Approval
		r.Approval = &approval
	}
	return r
}

// Edit replaces what is asked for, in a draft or a returned application.
func (a *Application) Edit(by domain.Actor, at time.Time, request Request) (Event, error) {
	if err := request.checkOn(domain.DateOf(at)); err != nil {
		return Event{}, err
	}
	before := a.rec.Request
	if err := request.checkSaidBy(by, before); err != nil {
		return Event{}, err
	}
	notes := []Note{
		{"amount_before", before.Amount.String()},
		{"amount", request.Amount.String()},
		{"term_months_before", fmt.Sprint(before.TermMonths)},
		{"term_months", fmt.Sprint(request.TermMonths)},
		{"purpose_before", string(before.Purpose)},
		{"purpose", string(request.Purpose)},
		{"relief_industry_before", before.ReliefIndustry},
		{"relief_industry", request.ReliefIndustry},
	}
	notes = append(append(notes, before.statementNotes("_before")...), request.statementNotes("")...)
	event, err := a.move(by, at, ActionEdit, "", notes...)
	if err != nil {
		return Event{}, err
	}
	a.rec.Request = request
	return event, nil
}

// Submission is what the rules were given and what they said.
type Submission struct {
	DecisionID       domain.ID
	ProductVersionID domain.ID
	ReferenceRateID  domain.ID // the LPR row the price is built on; zero with a fixed price
	Outcome          decision.Outcome
	AnnualRate       money.Rate // the price if the outcome is an approval
}

// Submit puts the application before the rules: approved at once, referred to a person, or declined with reasons. A decline
// is an outcome, not an error. What is approved is within the outcome's ceilings. A request above a limit rule is no approval
// of less: it is referred or declined, as the rule says, with the ceiling and the way forward, because nobody has agreed to
// borrow less yet.
func (a *Application) Submit(by domain.Actor, at time.Time, s Submission) (Event, error) {
	event, err := a.move(by, at, ActionSubmit, s.Outcome.Result,
		Note{"result", string(s.Outcome.Result)}, Note{"rule_set", s.Outcome.RuleSet})
	if err != nil {
		return Event{}, err
	}
	a.rec.SubmittedBy = by.ID
	a.rec.DecisionID = s.DecisionID
	a.rec.ProductVersionID, a.rec.ReferenceRateID = s.ProductVersionID, s.ReferenceRateID
	a.rec.Approval = nil
	if a.rec.Status == StatusApproved {
		a.rec.Approval = &Approval{
			Amount: a.rec.Request.Amount, TermMonths: min(a.rec.Request.TermMonths, s.Outcome.TermMonthsMax), AnnualRate: s.AnnualRate, ApprovedAt: at,
		}
		if s.Outcome.AmountMax.Cmp(a.rec.Request.Amount) < 0 {
			a.rec.Approval.Amount = s.Outcome.AmountMax
		}
	}
	return event, nil
}

// Approve grants a referred application: at most what was asked, for at most as long, unless granted says why it goes
// beyond. The approver is not the one who submitted it (四眼原则), nor is the one he stands in for. referenceRateID is the
// publication of the LPR that granted's rate is built on.
func (a *Application) Approve(by domain.Actor, at time.Time, granted Approval, referenceRateID domain.ID) (Event, error) {
	var p domain.Problems
	beyond := granted.OverrideReason != ""
	if granted.Amount.Sign() <= 0 || granted.Amount.Cmp(a.rec.Request.Amount) > 0 && !beyond {
		p.Add("/amount", "out-of-range", "批准金额应大于 0.00 且不超过申请金额 %s 元", a.rec.Request.Amount.Grouped())
	}
	if granted.TermMonths < 1 || granted.TermMonths > TermMonthsMax || granted.TermMonths > a.rec.Request.TermMonths && !beyond {
		p.Add("/term_months", "out-of-range", "批准期限应为 1 至 %d 个月（申请期限）", a.rec.Request.TermMonths)
	}
	if err := a.mayReview(by, ActionApprove); err != nil {
		return Event{}, err
	}
	if !granted.OnBehalfOf.IsZero() {
		if err := CheckReviewer(a.rec, nil, granted.OnBehalfOf); err != nil {
			return Event{}, err
		}
	}
	if err := p.Err(); err != nil {
		return Event{}, err
	}
	event, err := a.move(by, at, ActionApprove, "", approvalNotes(granted)...)
	if err != nil {
		return Event{}, err
	}
	granted.ApprovedBy, granted.ApprovedAt = by.ID, at
	a.rec.Approval, a.rec.ReferenceRateID = &granted, referenceRateID
	return event, nil
}

func approvalNotes(granted Approval) []Note {
	notes := []Note{
		{"amount", granted.Amount.String()},
		{"term_months", fmt.Sprint(granted.TermMonths)},
		{"annual_rate_pct", granted.AnnualRate.String()},
	}
	if !granted.OnBehalfOf.IsZero() {
		notes = append(notes, Note{"on_behalf_of", granted.OnBehalfOf.String()})
	}
	if granted.OverrideReason != "" {
		notes = append(notes, Note{"override_reason", granted.OverrideReason})
	}
	return notes
}

// Decline refuses a referred application, for a reason that is kept.
func (a *Application) Decline(by domain.Actor, at time.Time, reason string) (Event, error) {
	return a.review(by, at, ActionDecline, reason)
}

// Return sends a referred application back for correction (退回补正), saying what is missing.
func (a *Application) Return(by domain.Actor, at time.Time, reason string) (Event, error) {
	return a.review(by, at, ActionReturn, reason)
}

// Withdraw ends an application at the borrower's wish (撤回), until the contract is signed.
func (a *Application) Withdraw(by domain.Actor, at time.Time, reason string) (Event, error) {
	event, err := a.move(by, at, ActionWithdraw, "", Note{"reason", reason})
	if err != nil {
		return Event{}, err
	}
	a.rec.Approval = nil
	return event, nil
}

// Expire ends an approval that was not signed in time (批准失效); what it had reserved of the limits is free again. The
// borrower may apply anew.
func (a *Application) Expire(by domain.Actor, at time.Time, validDays int) (Event, error) {
	approval := a.rec.Approval
	event, err := a.move(by, at, ActionExpire, "")
	if err != nil {
		return Event{}, err
	}
	event.Detail = []Note{
		{"approved_at", approval.ApprovedAt.UTC().Format(time.RFC3339)},
		{"valid_days", fmt.Sprint(validDays)},
		{"amount", approval.Amount.String()},
	}
	a.rec.Approval = nil
	return event, nil
}

// Sign records the signed contract (签约), which carries what was approved and nothing else.
func (a *Application) Sign(by domain.Actor, at time.Time, c Contract) (Event, error) {
	if err := a.May(by, ActionSign); err != nil {
		return Event{}, err
	}
	if a.rec.approvedBy(by.ID) {
		return Event{}, domain.Errorf(domain.KindForbidden, "four-eyes", "审批人不能为自己批准的申请登记合同，请由另一位经办人办理")
	}
	if err := c.matches(a.rec); err != nil {
		return Event{}, err
	}
	return a.move(by, at, ActionSign, "", Note{"contract_no", c.ContractNo}, Note{"amount", c.Amount.String()},
		Note{"annual_rate_pct", c.AnnualRate.String()}, Note{"apr_effective_pct", c.APREffectivePct})
}

// Disburse records that the money of a disbursement has arrived, all of it or the part that its payees got.
func (a *Application) Disburse(by domain.Actor, at time.Time, d DisbursementRecord) (Event, error) {
	return a.move(by, at, ActionDisburse, "", Note{"disbursement_id", d.ID.String()}, Note{"amount", d.Arrived().String()})
}

// TakeOver records that the case's principal is what the case it renews still owed (无还本续贷承接): it counts as paid, though no
// payment moved.
func (a *Application) TakeOver(by domain.Actor, at time.Time, principal money.Amount) (Event, error) {
	return a.move(by, at, ActionDisburse, "", Note{"renews_application_id", a.rec.RenewsApplicationID.String()}, Note{"amount", principal.String()})
}

// Close ends the case (结案): paid, and its file complete.
func (a *Application) Close(by domain.Actor, at time.Time) (Event, error) {
	return a.move(by, at, ActionClose, "")
}

func (a *Application) review(by domain.Actor, at time.Time, action Action, reason string) (Event, error) {
	if err := a.mayReview(by, action); err != nil {
		return Event{}, err
	}
	return a.move(by, at, action, "", Note{"reason", reason})
}

// mayReview refuses whoever cannot take the action at all, and then whoever prepared the case (经办与审批分离).
func (a *Application) mayReview(by domain.Actor, action Action) error {
	if err := a.May(by, action); err != nil {
		return err
	}
	return CheckReviewer(a.rec, nil, by.ID)
}

// approvedBy reports whether somebody approved the application, himself or by the authority he lent (转授权).
func (r Record) approvedBy(person domain.ID) bool {
	return r.Approval != nil && !person.IsZero() && (person == r.Approval.ApprovedBy || person == r.Approval.OnBehalfOf)
}

// CheckReviewer refuses a person who decides about a case (审批人, 贷审会成员, or the one an approver stands in for) and has
// prepared it: as its officer, by submitting it, or as one of its investigators (调查、审查、审批分离).
func CheckReviewer(app Record, investigators []domain.ID, person domain.ID) error {
	switch {
	case person == app.OfficerID || person == app.SubmittedBy:
		return domain.Errorf(domain.KindForbidden, "four-eyes", "经办人不能审批自己经办的申请，请由另一位审批人办理")
	case slices.Contains(investigators, person):
		return domain.Errorf(domain.KindForbidden, "four-eyes", "实地调查人不能审批自己调查的申请，请由另一位审批人办理")
	}
	return nil
}

// May asks whether somebody may take an action now, and changes nothing: a use case asks it before it looks at anything
// else, so that the wrong role or status is what the caller hears of.
func (a *Application) May(by domain.Actor, action Action) error {
	var when decision.Result
	if action == ActionSubmit {
		when = decision.Approve // the outcomes of a submit have their roles and statuses in common
	}
	_, err := next(a.rec.Status, action, when, by.Role)
	return err
}

// MaySign is May for signing on a day: not before the approval, not in the future.
func (a *Application) MaySign(by domain.Actor, at time.Time, on domain.Date) error {
	if err := a.May(by, ActionSign); err != nil {
		return err
	}
	return checkSigningDay(*a.rec.Approval, at, on).Err()
}

// move makes a transition: the one place where status, version and time change.
func (a *Application) move(by domain.Actor, at time.Time, action Action, when decision.Result, notes ...Note) (Event, error) {
	to, err := next(a.rec.Status, action, when, by.Role)
	if err != nil {
		return Event{}, err
	}
	from := a.rec.Status
	a.rec.Status = to
	a.rec.Version++
	a.rec.UpdatedAt = at
	return a.event(by, at, action, from, notes...), nil
}

func (a *Application) event(by domain.Actor, at time.Time, action Action, from Status, notes ...Note) Event {
	return Event{
		Subject: SubjectApplication, SubjectID: a.rec.ID, Version: a.rec.Version, CaseID: a.rec.ID, BranchID: a.rec.BranchID,
		Action: action, From: string(from), To: string(a.rec.Status),
		ActorID: by.ID, ActorName: by.Name, ActorRole: by.Role, At: at, Detail: notes,
	}
}
