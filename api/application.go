package api

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/decision"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
	"fumin/domain/schedule"
)

func (s *server) applicationRoutes() []route {
	const one = "/v1/applications/:id"
	return []route{
		{method: http.MethodPost, path: "/v1/applications", handler: s.openApplication},
		{method: http.MethodGet, path: "/v1/applications", handler: s.listApplications, query: true},
		{method: http.MethodGet, path: one, handler: byID(s.applications.Application, answerApplication)},
		{method: http.MethodPut, path: one, handler: s.editApplication},
		{method: http.MethodPost, path: one + "/submit", handler: byID(s.applications.Submit, answerApplication)},
		{method: http.MethodPost, path: one + "/approve", handler: s.approveApplication},
		{method: http.MethodPost, path: one + "/decline", handler: byIDWithReason(s.applications.Decline, answerApplication)},
		{method: http.MethodPost, path: one + "/return", handler: s.returnApplication},
		{method: http.MethodPost, path: one + "/withdraw", handler: byIDWithReason(s.applications.Withdraw, answerApplication)},
		{method: http.MethodPost, path: one + "/sign", handler: s.signApplication},
		{method: http.MethodPost, path: one + "/close", handler: byID(s.applications.Close, answerApplication)},
		{method: http.MethodGet, path: one + "/decision", handler: s.showDecision},
		{method: http.MethodGet, path: one + "/decisions", handler: byID(s.applications.Decisions, shown(viewDecisions))},
		{method: http.MethodGet, path: one + "/plan", handler: byID(s.applications.Plan, shown(viewPlan))},
		{method: http.MethodGet, path: one + "/contract", handler: byID(s.applications.Contract, shown(viewContract))},
		{method: http.MethodGet, path: one + "/events", handler: byID(s.applications.History, shown(viewEvents))},
	}
}

// requestOf reads what is asked for: the same members when an application is opened and when it is edited.
func requestOf(in *object) loan.Request {
	r := loan.Request{
		Amount:          required(in, "amount", positiveAmount),
		TermMonths:      in.integer("term_months", 1, loan.TermMonthsMax),
		RepaymentMethod: required(in, "repayment_method", schedule.ParseMethod),
		Purpose:         required(in, "purpose", parsePurpose),
		PurposeNote:     in.text("purpose_note", 0, loan.PurposeNoteMax),
	}
	if visited := optional(in, "site_visit_on", domain.ParseDate); visited != nil {
		r.SiteVisitOn = *visited
	}
	for _, h := range in.objects("harvests", 0, loan.HarvestsMax) {
		r.Harvests = append(r.Harvests, schedule.SeasonalInstalment{
			DueOn: required(h, "due_on", domain.ParseDate), SharePct: orZero(optional(h, "share_pct", money.ParseRate)),
			Amount: orZero(optional(h, "amount", money.ParseAmount)),
		})
	}
	r.BureauConfirmationNo = in.text("bureau_confirmation_no", 0, loan.ConfirmationNoMax)
	r.ReliefIndustry = in.text("relief_industry", 0, loan.ReliefIndustryMax)
	r.ReliefBasis = in.text("relief_basis", 0, loan.ReliefBasisMax)
	return r
}

func parsePurpose(s string) (loan.Purpose, error) {
	if p := loan.Purpose(s); p.Valid() {
		return p, nil
	}
	return "", domain.BadValue("unknown-value", "不认识的贷款用途")
}

func (s *server) openApplication(c *gin.Context) error {
	key, err := readIdempotency(c)
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	cmd := origination.OpenApplication{
		BorrowerID:  required(in, "borrower_id", domain.ParseID),
		ProductCode: in.text("product_code", 1, 32),
		Request:     requestOf(in),
	}
	if id := optional(in, "id", domain.ParseID); id != nil {
		cmd.ID = *id
	}
	if err := in.done(); err != nil {
		return err
	}
	rec, replayed, err := s.applications.Open(c.Request.Context(), actor(c), key, cmd)
	if err != nil {
		return err
	}
	setReplayed(c, replayed)
	setVersion(c, rec.Version)
	c.Header("Location", "/v1/applications/"+rec.ID.String())
	return writeJSON(c, http.StatusCreated, viewApplication(rec))
}

func (s *server) listApplications(c *gin.Context) error {
	query, err := readQuery(c)
	if err != nil {
		return err
	}
	p := query.page()
	var filter origination.ApplicationFilter
	if status := optional(query, "status", parseStatus); status != nil {
		filter.Status = *status
	}
	if id := optional(query, "borrower_id", domain.ParseID); id != nil {
		filter.BorrowerID = *id
	}
	if err := query.done(); err != nil {
		return err
	}
	records, err := s.applications.Applications(c.Request.Context(), actor(c), filter, p)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, viewList(c, p, records, viewApplication, func(r loan.Record) domain.ID { return r.ID }))
}

func parseStatus(s string) (loan.Status, error) {
	if status := loan.Status(s); status.Valid() {
		return status, nil
	}
	return "", domain.BadValue("unknown-value", "不认识的申请状态")
}

func (s *server) editApplication(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	version, err := ifMatch(c)
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	cmd := origination.EditApplication{ID: id, Version: version, Request: requestOf(in)}
	if err := in.done(); err != nil {
		return err
	}
	rec, err := s.applications.Edit(c.Request.Context(), actor(c), cmd)
	if err != nil {
		return err
	}
	return answerApplication(c, rec)
}

// spreadBPMax bounds what a request may say, in basis points: 50 percent a year. What is allowed is the product's.
const spreadBPMax = 5000

func (s *server) approveApplication(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	in, err := readOptionalObject(c)
	if err != nil {
		return err
	}
	cmd := origination.ApproveApplication{ID: id}
	if amount := optional(in, "amount", positiveAmount); amount != nil {
		cmd.Amount = *amount
	}
	if months := in.optionalInteger("term_months", 1, loan.TermMonthsMax); months != nil {
		cmd.TermMonths = *months
	}
	cmd.AnnualRate = optional(in, "annual_rate_pct", money.ParseRate)
	cmd.SpreadBP = in.optionalInteger("spread_bp", -spreadBPMax, spreadBPMax)
	cmd.OverrideReason = in.text("override_reason", 0, loan.ReasonMax)
	if err := in.done(); err != nil {
		return err
	}
	rec, err := s.applications.Approve(c.Request.Context(), actor(c), cmd)
	if err != nil {
		return err
	}
	return answerApplication(c, rec)
}

func (s *server) signApplication(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	cmd := origination.SignApplication{
		ID:         id,
		ContractNo: in.text("contract_no", 1, loan.ContractNoMax),
		SignedOn:   required(in, "signed_on", domain.ParseDate),
	}
	if err := in.done(); err != nil {
		return err
	}
	rec, err := s.applications.Sign(c.Request.Context(), actor(c), cmd)
	if err != nil {
		return err
	}
	return answerApplication(c, rec)
}

func answerApplication(c *gin.Context, rec loan.Record) error {
	setVersion(c, rec.Version)
	return writeJSON(c, http.StatusOK, viewApplication(rec))
}

type applicationView struct {
	ID                   domain.ID     `json:"id"`
	ApplicationNo        string        `json:"application_no"`
	Status               loan.Status   `json:"status"`
	StatusLabel          string        `json:"status_label"`
	BranchID             domain.ID     `json:"branch_id"`
	OfficerID            domain.ID     `json:"officer_id"`
	BorrowerID           domain.ID     `json:"borrower_id"`
	HouseholdID          *domain.ID    `json:"household_id"`
	RegionCode           string        `json:"region_code"`
	ProductCode          string        `json:"product_code"`
	RenewsApplicationID  *domain.ID    `json:"renews_application_id"`
	ProductVersionID     *domain.ID    `json:"product_version_id"`
	ReferenceRateID      *domain.ID    `json:"reference_rate_id"`
	Amount               string        `json:"amount"`
	TermMonths           int           `json:"term_months"`
	RepaymentMethod      string        `json:"repayment_method"`
	Harvests             []harvestView `json:"harvests"`
	Purpose              loan.Purpose  `json:"purpose"`
	PurposeNote          string        `json:"purpose_note"`
	SiteVisitOn          *domain.Date  `json:"site_visit_on"`
	BureauConfirmationNo string        `json:"bureau_confirmation_no"`
	ReliefIndustry       string        `json:"relief_industry"`
	ReliefBasis          string        `json:"relief_basis"`
	DecisionID           *domain.ID    `json:"decision_id"`
	Approval             *approvalView `json:"approval"`
	Version              int           `json:"version"`
	CreatedAt            time.Time     `json:"created_at"`
	UpdatedAt            time.Time     `json:"updated_at"`
}

// harvestView is one repayment of principal after a harvest: a share, or a sum.
type harvestView struct {
	DueOn    domain.Date `json:"due_on"`
	SharePct *string     `json:"share_pct"`
	Amount   *string     `json:"amount"`
}

func viewHarvests(harvests []schedule.SeasonalInstalment) []harvestView {
	views := make([]harvestView, len(harvests))
	for i, h := range harvests {
		views[i].DueOn = h.DueOn
		if text := h.SharePct.String(); !h.SharePct.IsZero() {
			views[i].SharePct = &text
		}
		if text := h.Amount.String(); !h.Amount.IsZero() {
			views[i].Amount = &text
		}
	}
	return views
}

type approvalView struct {
	Amount        string     `json:"amount"`
	TermMonths    int        `json:"term_months"`
	AnnualRatePct string     `json:"annual_rate_pct"`
	ByRules       bool       `json:"by_rules"`
	ApprovedBy    *domain.ID `json:"approved_by"`
	ApprovedAt    time.Time  `json:"approved_at"`
	OnBehalfOf    *domain.ID `json:"on_behalf_of"`
	Override      string     `json:"override_reason"`
}

func viewApplication(r loan.Record) applicationView {
	v := applicationView{
		ID: r.ID, ApplicationNo: r.ApplicationNo, Status: r.Status, StatusLabel: r.Status.Label(),
		BranchID: r.BranchID, OfficerID: r.OfficerID, BorrowerID: r.BorrowerID, HouseholdID: present(r.HouseholdID),
		RegionCode: r.RegionCode, ProductCode: r.ProductCode, ProductVersionID: present(r.ProductVersionID),
		ReferenceRateID: present(r.ReferenceRateID), RenewsApplicationID: present(r.RenewsApplicationID),
		Amount: r.Request.Amount.String(), TermMonths: r.Request.TermMonths,
		RepaymentMethod: string(r.Request.RepaymentMethod), Harvests: viewHarvests(r.Request.Harvests), Purpose: r.Request.Purpose, PurposeNote: r.Request.PurposeNote,
		SiteVisitOn: present(r.Request.SiteVisitOn), BureauConfirmationNo: r.Request.BureauConfirmationNo,
		ReliefIndustry: r.Request.ReliefIndustry, ReliefBasis: r.Request.ReliefBasis,
		DecisionID: present(r.DecisionID), Version: r.Version, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
	if a := r.Approval; a != nil {
		v.Approval = &approvalView{
			Amount: a.Amount.String(), TermMonths: a.TermMonths, AnnualRatePct: a.AnnualRate.String(),
			ByRules: a.ByRules(), ApprovedBy: present(a.ApprovedBy), ApprovedAt: a.ApprovedAt,
			OnBehalfOf: present(a.OnBehalfOf), Override: a.OverrideReason,
		}
	}
	return v
}

type eventView struct {
	Subject     loan.Subject `json:"subject"`
	SubjectID   domain.ID    `json:"subject_id"`
	Version     int          `json:"version"`
	Action      loan.Action  `json:"action"`
	ActionLabel string       `json:"action_label"`
	From        string       `json:"from"`
	To          string       `json:"to"`
	ActorID     domain.ID    `json:"actor_id"`
	ActorName   string       `json:"actor_name"`
	ActorRole   domain.Role  `json:"actor_role"`
	At          time.Time    `json:"at"`
	Detail      []noteView   `json:"detail"`
}

type noteView struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type eventsView struct {
	Items []eventView `json:"items"`
}

func viewEvents(events []loan.Event) eventsView {
	v := eventsView{Items: make([]eventView, len(events))}
	for i, e := range events {
		v.Items[i] = viewEvent(e)
	}
	return v
}

func viewEvent(e loan.Event) eventView {
	notes := make([]noteView, len(e.Detail))
	for i, n := range e.Detail {
		notes[i] = noteView(n)
	}
	return eventView{
		Subject: e.Subject, SubjectID: e.SubjectID, Version: e.Version, Action: e.Action, ActionLabel: e.Action.Label(),
		From: e.From, To: e.To, ActorID: e.ActorID, ActorName: e.ActorName, ActorRole: e.ActorRole, At: e.At, Detail: notes,
	}
}

type decisionView struct {
	ID                 domain.ID  `json:"id"`
	ApplicationID      domain.ID  `json:"application_id"`
	ApplicationVersion int        `json:"application_version"`
	DecidedAt          time.Time  `json:"decided_at"`
	RuleSetID          *domain.ID `json:"rule_set_id"`
	outcomeView
}

// outcomeView is what rules said of facts.
type outcomeView struct {
	Result           decision.Result `json:"result"`
	RuleSet          string          `json:"rule_set"`
	EvaluatedOn      *domain.Date    `json:"evaluated_on"`
	AmountMax        string          `json:"amount_max"`
	TermMonthsMax    int             `json:"term_months_max"`
	AnnualRateMaxPct string          `json:"annual_rate_max_pct"`
	Reasons          []reasonView    `json:"reasons"`
	WaysForward      []wayView       `json:"ways_forward"`
	RuleSetHash      string          `json:"rule_set_hash"`
	SpreadBP         int             `json:"spread_bp"`
	Score            *scoreView      `json:"score"`
	Tasks            []taskView      `json:"tasks"`
}

type scoreView struct {
	Points          int                  `json:"points"`
	Complete        bool                 `json:"complete"`
	ApproveFrom     int                  `json:"approve_from"`
	ReferFrom       int                  `json:"refer_from"`
	Characteristics []characteristicView `json:"characteristics"`
}

type characteristicView struct {
	Code    string `json:"code"`
	Label   string `json:"label"`
	Points  int    `json:"points"`
	Reason  string `json:"reason"`
	Unknown bool   `json:"unknown"`
}

type taskView struct {
	Kind  decision.TaskKind `json:"kind"`
	Code  string            `json:"code"`
	Text  string            `json:"text"`
	Bring []string          `json:"bring"`
}

type reasonView struct {
	Code       string            `json:"code"`
	Effect     decision.Result   `json:"effect"`
	Text       string            `json:"text"`
	FactName   decision.FactName `json:"fact_name"`
	FactLabel  string            `json:"fact_label"`
	Value      string            `json:"value"`
	Threshold  string            `json:"threshold"`
	Unknown    bool              `json:"unknown"`
	Suggestion string            `json:"suggestion"`
}

type wayView struct {
	Amount     string          `json:"amount"`
	TermMonths int             `json:"term_months"`
	Result     decision.Result `json:"result"`
	Text       string          `json:"text"`
}

func viewDecision(d origination.Decision) decisionView {
	return decisionView{
		ID: d.ID, ApplicationID: d.ApplicationID, ApplicationVersion: d.ApplicationVersion, DecidedAt: d.DecidedAt,
		RuleSetID: present(d.RuleSetID), outcomeView: viewOutcome(d.Outcome),
	}
}

func viewDecisions(decisions []origination.Decision) itemsView[decisionView] {
	view := itemsView[decisionView]{Items: make([]decisionView, len(decisions))}
	for i, d := range decisions {
		view.Items[i] = viewDecision(d)
	}
	return view
}

func viewOutcome(o decision.Outcome) outcomeView {
	v := outcomeView{
		Result: o.Result, RuleSet: o.RuleSet, EvaluatedOn: present(o.EvaluatedOn),
		AmountMax: o.AmountMax.String(), TermMonthsMax: o.TermMonthsMax, AnnualRateMaxPct: o.AnnualRateMaxPct.String(),
		Reasons: make([]reasonView, len(o.Reasons)), WaysForward: make([]wayView, len(o.WaysForward)),
		RuleSetHash: o.RuleSetHash, SpreadBP: o.SpreadBP, Score: viewScore(o.Score), Tasks: make([]taskView, len(o.Tasks)),
	}
	for i, task := range o.Tasks {
		v.Tasks[i] = taskView{Kind: task.Kind, Code: task.Code, Text: task.Text, Bring: append([]string{}, task.Bring...)}
	}
	for i, r := range o.Reasons {
		v.Reasons[i] = reasonView{
			Code: r.Code, Effect: r.Effect, Text: r.Text, FactName: r.FactName, FactLabel: decision.LabelOf(r.FactName),
			Value: r.Value, Threshold: r.Threshold, Unknown: r.Unknown, Suggestion: r.Suggestion,
		}
	}
	for i, w := range o.WaysForward {
		v.WaysForward[i] = wayView{Amount: w.Amount.String(), TermMonths: w.TermMonths, Result: w.Result, Text: w.Text}
	}
	return v
}

func viewScore(s *decision.Score) *scoreView {
	if s == nil {
		return nil
	}
	v := &scoreView{
		Points: s.Points, Complete: s.Complete, ApproveFrom: s.ApproveFrom, ReferFrom: s.ReferFrom,
		Characteristics: make([]characteristicView, len(s.Characteristics)),
	}
	for i, line := range s.Characteristics {
		v.Characteristics[i] = characteristicView(line)
	}
	return v
}

type planView struct {
	Signed               bool               `json:"signed"`
	StartsOn             domain.Date        `json:"starts_on"`
	ValidUntil           *time.Time         `json:"valid_until"`
	Amount               string             `json:"amount"`
	TermMonths           int                `json:"term_months"`
	RepaymentMethod      string             `json:"repayment_method"`
	AnnualRatePct        string             `json:"annual_rate_pct"`
	ReferenceRatePct     string             `json:"reference_rate_pct"`
	ReferencePublishedOn *domain.Date       `json:"reference_published_on"`
	SpreadPct            string             `json:"spread_pct"`
	APREffectivePct      string             `json:"apr_effective_pct"`
	APRAfterSubsidyPct   string             `json:"apr_after_subsidy_pct"`
	SubsidyTotal         string             `json:"subsidy_total"`
	GuaranteeKind        string             `json:"guarantee_kind"`
	GuaranteeFeePct      string             `json:"guarantee_fee_pct"`
	PaymentMethod        loan.PaymentMethod `json:"payment_method"`
	CoolingOffHours      int                `json:"cooling_off_hours"`
	CoolingOffWaivable   bool               `json:"cooling_off_waivable"`
	InterestTotal        string             `json:"interest_total"`
	FeesTotal            string             `json:"fees_total"`
	FeesUpfront          string             `json:"fees_upfront"`
	Instalments          []instalmentView   `json:"instalments"`
}

type instalmentView struct {
	Number         int         `json:"number"`
	DueOn          domain.Date `json:"due_on"`
	Days           int         `json:"days"`
	OpeningBalance string      `json:"opening_balance"`
	Principal      string      `json:"principal"`
	Interest       string      `json:"interest"`
	Fees           string      `json:"fees"`
	Total          string      `json:"total"`
	ClosingBalance string      `json:"closing_balance"`
}

func viewPlan(o origination.Offer) planView {
	v := planView{
		Signed: o.Signed, StartsOn: o.StartsOn, ValidUntil: present(o.ValidUntil), Amount: o.Amount.String(), TermMonths: o.TermMonths,
		RepaymentMethod: string(o.RepaymentMethod), AnnualRatePct: o.AnnualRate.String(),
		ReferenceRatePct: o.ReferenceRatePct.String(), ReferencePublishedOn: present(o.ReferencePublished),
		SpreadPct: o.SpreadPct.String(), APRAfterSubsidyPct: o.APRAfterSubsidyPct, SubsidyTotal: o.SubsidyTotal.String(),
		GuaranteeKind: string(o.Guarantee.Kind), GuaranteeFeePct: o.Guarantee.FeeMaxPct.String(), PaymentMethod: o.PaymentMethod,
		CoolingOffHours: o.CoolingOffHours, CoolingOffWaivable: o.CoolingOffWaivable,
		APREffectivePct: o.APREffectivePct, InterestTotal: o.InterestTotal.String(), FeesTotal: o.FeesTotal.String(), FeesUpfront: o.FeesUpfront.String(),
		Instalments: make([]instalmentView, len(o.Instalments)),
	}
	for i, row := range o.Instalments {
		v.Instalments[i] = instalmentView{
			Number: row.Number, DueOn: row.DueOn, Days: row.Days, OpeningBalance: row.OpeningBalance.String(),
			Principal: row.Principal.String(), Interest: row.Interest.String(), Fees: row.Fees.String(), Total: row.Total.String(),
			ClosingBalance: row.ClosingBalance.String(),
		}
	}
	return v
}

type contractView struct {
	ApplicationID        domain.ID          `json:"application_id"`
	ContractNo           string             `json:"contract_no"`
	SignedOn             domain.Date        `json:"signed_on"`
	Amount               string             `json:"amount"`
	TermMonths           int                `json:"term_months"`
	RepaymentMethod      string             `json:"repayment_method"`
	AnnualRatePct        string             `json:"annual_rate_pct"`
	ReferenceRatePct     string             `json:"reference_rate_pct"`
	ReferencePublishedOn *domain.Date       `json:"reference_published_on"`
	SpreadPct            string             `json:"spread_pct"`
	APREffectivePct      string             `json:"apr_effective_pct"`
	APRAfterSubsidyPct   string             `json:"apr_after_subsidy_pct"`
	SubsidyTotal         string             `json:"subsidy_total"`
	GuaranteeKind        string             `json:"guarantee_kind"`
	GuaranteeFeePct      string             `json:"guarantee_fee_pct"`
	PaymentMethod        loan.PaymentMethod `json:"payment_method"`
	Form                 string             `json:"form"`
	TextID               *domain.ID         `json:"text_id"`
	DocumentSHA256       *string            `json:"document_sha256"`
	CoolingOffHours      int                `json:"cooling_off_hours"`
	CoolingOffWaivable   bool               `json:"cooling_off_waivable"`
	CoolingOffUntil      *time.Time         `json:"cooling_off_until"`
	InterestTotal        string             `json:"interest_total"`
	FeesTotal            string             `json:"fees_total"`
	FeesUpfront          string             `json:"fees_upfront"`
	PayeeName            string             `json:"payee_name"`
	PayeeAccount         string             `json:"payee_account"`
	PayeeBankName        string             `json:"payee_bank_name"`
	RecordedBy           domain.ID          `json:"recorded_by"`
	RecordedAt           time.Time          `json:"recorded_at"`
}

func viewContract(c loan.Contract) contractView {
	v := contractView{
		SpreadPct: c.SpreadPct.String(), APRAfterSubsidyPct: c.APRAfterSubsidyPct, SubsidyTotal: c.SubsidyTotal.String(),
		GuaranteeKind: c.GuaranteeKind, GuaranteeFeePct: c.GuaranteeFeePct.String(), PaymentMethod: c.PaymentMethod,
		Form: "electronic", TextID: present(c.TextID), DocumentSHA256: textOrNull(c.DocumentSHA256),
		CoolingOffHours: c.CoolingOffHours, CoolingOffWaivable: c.CoolingOffWaivable,
		ApplicationID: c.ApplicationID, ContractNo: c.ContractNo, SignedOn: c.SignedOn, Amount: c.Amount.String(),
		TermMonths: c.TermMonths, RepaymentMethod: string(c.RepaymentMethod), AnnualRatePct: c.AnnualRate.String(),
		ReferenceRatePct: c.ReferenceRatePct.String(), ReferencePublishedOn: present(c.ReferencePublished),
		APREffectivePct: c.APREffectivePct, InterestTotal: c.InterestTotal.String(), FeesTotal: c.FeesTotal.String(), FeesUpfront: c.FeesUpfront.String(),
		PayeeName: c.Payee.AccountName.String(), PayeeAccount: c.Payee.Account.String(), PayeeBankName: c.Payee.BankName,
		RecordedBy: c.RecordedBy, RecordedAt: c.RecordedAt,
	}
	if c.OnPaper() {
		v.Form = "paper"
	}
	if until := c.CoolingOffUntil(); c.CoolingOffHours > 0 {
		v.CoolingOffUntil = &until
	}
	return v
}
