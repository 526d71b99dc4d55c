package api

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
)

// guaranteeRoutes are the routes of the guarantee companies and their letters (农担担保).
func (s *server) guaranteeRoutes() []route {
	const company, request = "/v1/guarantee/companies/:id", "/v1/guarantee/requests/:id"
	return []route{
		{method: http.MethodGet, path: "/v1/guarantee/companies", handler: s.listGuaranteeCompanies},
		{method: http.MethodPost, path: "/v1/guarantee/companies", handler: s.draftGuaranteeCompany},
		{method: http.MethodGet, path: company, handler: byID(s.guarantees.Company, answerGuaranteeCompany)},
		{method: http.MethodPut, path: company, handler: s.changeGuaranteeCompany},
		{method: http.MethodPost, path: company + "/activate", handler: byID(s.guarantees.ActivateCompany, answerGuaranteeCompany)},
		{method: http.MethodGet, path: company + "/events", handler: byID(s.guarantees.CompanyEvents, shown(viewGuaranteeCompanyEvents))},
		{method: http.MethodGet, path: company + "/quota", handler: byID(s.guarantees.QuotaUse, shown(viewGuaranteeQuotaUses))},

		{method: http.MethodPost, path: "/v1/applications/:id/guarantee-requests", handler: s.askGuarantee},
		{method: http.MethodGet, path: "/v1/applications/:id/guarantee-requests", handler: byID(s.guarantees.GuaranteesOf, shown(viewGuarantees))},
		{method: http.MethodGet, path: "/v1/guarantee/requests", handler: s.listGuaranteeCases, query: true, partner: true},
		{method: http.MethodGet, path: "/v1/guarantee/requests/export", handler: s.exportGuaranteeCases, query: true, partner: true},
		{
			method: http.MethodPost, path: "/v1/guarantee/answers", handler: s.importGuaranteeAnswers, query: true, partner: true,
			bodyLimit: answersBodyLimit, timeout: answersTimeout,
		},
		{method: http.MethodGet, path: request, handler: byID(s.guarantees.Case, shown(viewGuaranteeCase)), partner: true},
		{method: http.MethodPost, path: request + "/answer", handler: s.answerGuarantee, partner: true},
		{method: http.MethodPost, path: request + "/fulfil", handler: byIDWithReason(s.guarantees.Fulfil, shown(viewGuarantee))},
	}
}

func parseGuaranteeStatus(s string) (loan.GuaranteeStatus, error) {
	if status := loan.GuaranteeStatus(s); status.Valid() {
		return status, nil
	}
	return "", domain.BadValue("unknown-value", "不认识的担保状态")
}

func parseGuaranteeCrop(s string) (loan.GuaranteeCrop, error) {
	if crop := loan.GuaranteeCrop(s); crop.Valid() {
		return crop, nil
	}
	return "", domain.BadValue("unknown-value", "应为 grain（粮食类）或 other（其他）")
}

func parseCounterGuarantee(s string) (loan.CounterGuarantee, error) {
	if counter := loan.CounterGuarantee(s); counter.Valid() {
		return counter, nil
	}
	return "", domain.BadValue("unknown-value", "反担保应为 none、spouse 或 other")
}

// guaranteeTermsOf reads what was agreed with a company; the domain says what is wrong with it.
func guaranteeTermsOf(in *object) loan.GuaranteeTerms {
	same := func(s string) (string, error) { return s, nil }
	terms := loan.GuaranteeTerms{
		Name:            in.text("name", 1, loan.GuaranteeNameRunesMax),
		Products:        list(in, "products", 1, loan.GuaranteeListMax, same),
		RegionPrefix:    in.text("region_prefix", 2, 12),
		CompanySharePct: required(in, "company_share_pct", money.ParseRate),
		From:            required(in, "from", domain.ParseDate),
	}
	if until := optional(in, "until", domain.ParseDate); until != nil {
		terms.Until = *until
	}
	for _, f := range in.objects("fees", 0, loan.GuaranteeListMax) {
		fee := loan.GuaranteeFee{Crop: required(f, "crop", parseGuaranteeCrop), From: required(f, "from", money.ParseAmount), Pct: required(f, "pct", money.ParseRate)}
		if below := optional(f, "below", positiveAmount); below != nil {
			fee.Below = *below
		}
		terms.Fees = append(terms.Fees, fee)
	}
	for _, q := range in.objects("quotas", 1, loan.GuaranteeListMax) {
		quota := loan.GuaranteeQuota{
			RegionPrefix: q.text("region_prefix", 0, 12), Limit: required(q, "limit", money.ParseAmount), From: required(q, "from", domain.ParseDate),
		}
		if until := optional(q, "until", domain.ParseDate); until != nil {
			quota.Until = *until
		}
		terms.Quotas = append(terms.Quotas, quota)
	}
	return terms
}

func (s *server) draftGuaranteeCompany(c *gin.Context) error {
	key, err := readIdempotency(c)
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	cmd := origination.DraftGuaranteeCompany{Code: in.text("code", 1, loan.GuaranteeCodeMax), Terms: guaranteeTermsOf(in)}
	if err := in.done(); err != nil {
		return err
	}
	company, replayed, err := s.guarantees.DraftCompany(c.Request.Context(), actor(c), key, cmd)
	if err != nil {
		return err
	}
	setReplayed(c, replayed)
	setVersion(c, company.Version)
	c.Header("Location", "/v1/guarantee/companies/"+company.ID.String())
	return writeJSON(c, http.StatusCreated, viewGuaranteeCompany(company))
}

func (s *server) changeGuaranteeCompany(c *gin.Context) error {
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
	terms := guaranteeTermsOf(in)
	if err := in.done(); err != nil {
		return err
	}
	company, err := s.guarantees.ChangeCompany(c.Request.Context(), actor(c), id, version, terms)
	if err != nil {
		return err
	}
	return answerGuaranteeCompany(c, company)
}

func (s *server) listGuaranteeCompanies(c *gin.Context) error {
	companies, err := s.guarantees.Companies(c.Request.Context(), actor(c))
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, guaranteeItems(companies, viewGuaranteeCompany))
}

func (s *server) askGuarantee(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	key, err := readIdempotency(c)
	if err != nil {
		return err
	}
	in, err := readOptionalObject(c)
	if err != nil {
		return err
	}
	cmd := origination.AskGuarantee{ApplicationID: id}
	if company := optional(in, "company_id", domain.ParseID); company != nil {
		cmd.CompanyID = *company
	}
	if crop := optional(in, "crop", parseGuaranteeCrop); crop != nil {
		cmd.Crop = *crop
	}
	if err := in.done(); err != nil {
		return err
	}
	g, replayed, err := s.guarantees.Ask(c.Request.Context(), actor(c), key, cmd)
	if err != nil {
		return err
	}
	setReplayed(c, replayed)
	c.Header("Location", "/v1/applications/"+id.String()+"/guarantee-requests")
	return writeJSON(c, http.StatusCreated, viewGuarantee(g))
}

func (s *server) listGuaranteeCases(c *gin.Context) error {
	query, err := readQuery(c)
	if err != nil {
		return err
	}
	p := query.page()
	var status loan.GuaranteeStatus
	if said := optional(query, "status", parseGuaranteeStatus); said != nil {
		status = *said
	}
	if err := query.done(); err != nil {
		return err
	}
	cases, err := s.guarantees.Cases(c.Request.Context(), actor(c), status, p)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, viewList(c, p, cases, viewGuaranteeCase, func(g origination.GuaranteeCase) domain.ID { return g.Guarantee.ID }))
}

// answerGuarantee takes the company's answer. It needs no Idempotency-Key: the same answer again changes nothing.
func (s *server) answerGuarantee(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	answer := loan.GuaranteeAnswer{
		Decision: required(in, "decision", parseGuaranteeStatus), LetterNo: in.text("letter_no", 0, loan.LetterNoRunesMax),
		Conditions: in.text("conditions", 0, loan.ConditionsRunesMax), CounterNote: in.text("counter_note", 0, loan.ConditionsRunesMax),
		Reason: in.text("reason", 0, loan.ReasonMax), Counter: loan.CounterNone,
	}
	if amount := optional(in, "amount", positiveAmount); amount != nil {
		answer.Amount = *amount
	}
	if fee := optional(in, "fee_pct", money.ParseRate); fee != nil {
		answer.FeePct = *fee
	}
	if until := optional(in, "expires_on", domain.ParseDate); until != nil {
		answer.ExpiresOn = *until
	}
	if counter := optional(in, "counter_guarantee", parseCounterGuarantee); counter != nil {
		answer.Counter = *counter
	}
	if err := in.done(); err != nil {
		return err
	}
	g, known, err := s.guarantees.Answer(c.Request.Context(), actor(c), id, answer)
	if err != nil {
		return err
	}
	setReplayed(c, known)
	return writeJSON(c, http.StatusOK, viewGuaranteeAnswered(g))
}

// guaranteeItemsView is a list that is never long enough to need pages.
type guaranteeItemsView[V any] struct {
	Items []V `json:"items"`
}

func guaranteeItems[R, V any](records []R, view func(R) V) guaranteeItemsView[V] {
	items := make([]V, len(records))
	for i, r := range records {
		items[i] = view(r)
	}
	return guaranteeItemsView[V]{Items: items}
}

type guaranteeFeeView struct {
	Crop  loan.GuaranteeCrop `json:"crop"`
	From  string             `json:"from"`
	Below *string            `json:"below"`
	Pct   string             `json:"pct"`
}

type guaranteeQuotaView struct {
	RegionPrefix string       `json:"region_prefix"`
	Limit        string       `json:"limit"`
	From         domain.Date  `json:"from"`
	Until        *domain.Date `json:"until"`
}

type guaranteeTermsView struct {
	Name            string               `json:"name"`
	Products        []string             `json:"products"`
	RegionPrefix    string               `json:"region_prefix"`
	CompanySharePct string               `json:"company_share_pct"`
	LenderSharePct  string               `json:"lender_share_pct"`
	Fees            []guaranteeFeeView   `json:"fees"`
	Quotas          []guaranteeQuotaView `json:"quotas"`
	From            domain.Date          `json:"from"`
	Until           *domain.Date         `json:"until"`
}

// amountOrNull makes 0.00, where it says that there is none, a JSON null.
func amountOrNull(a money.Amount) *string {
	if a.IsZero() {
		return nil
	}
	text := a.String()
	return &text
}

func viewGuaranteeQuota(q loan.GuaranteeQuota) guaranteeQuotaView {
	return guaranteeQuotaView{RegionPrefix: q.RegionPrefix, Limit: q.Limit.String(), From: q.From, Until: present(q.Until)}
}

func viewGuaranteeTerms(t *loan.GuaranteeTerms) *guaranteeTermsView {
	if t == nil {
		return nil
	}
	fee := func(f loan.GuaranteeFee) guaranteeFeeView {
		return guaranteeFeeView{Crop: f.Crop, From: f.From.String(), Below: amountOrNull(f.Below), Pct: f.Pct.String()}
	}
	return &guaranteeTermsView{
		Name: t.Name, Products: t.Products, RegionPrefix: t.RegionPrefix, CompanySharePct: t.CompanySharePct.String(), LenderSharePct: t.LenderSharePct().String(),
		Fees: guaranteeItems(t.Fees, fee).Items, Quotas: guaranteeItems(t.Quotas, viewGuaranteeQuota).Items, From: t.From, Until: present(t.Until),
	}
}

type guaranteeCompanyView struct {
	ID        domain.ID           `json:"id"`
	Code      string              `json:"code"`
	Name      string              `json:"name"`
	Sample    bool                `json:"sample"`
	Terms     *guaranteeTermsView `json:"terms"`
	Draft     *guaranteeTermsView `json:"draft"`
	DraftedBy *domain.ID          `json:"drafted_by"`
	Version   int                 `json:"version"`
	UpdatedAt time.Time           `json:"updated_at"`
}

func viewGuaranteeCompany(r loan.GuaranteeCompanyRecord) guaranteeCompanyView {
	return guaranteeCompanyView{
		ID: r.ID, Code: r.Code, Name: r.Name(), Sample: r.Sample, Terms: viewGuaranteeTerms(r.Terms), Draft: viewGuaranteeTerms(r.Draft),
		DraftedBy: present(r.DraftedBy), Version: r.Version, UpdatedAt: r.UpdatedAt,
	}
}

func answerGuaranteeCompany(c *gin.Context, r loan.GuaranteeCompanyRecord) error {
	setVersion(c, r.Version)
	return writeJSON(c, http.StatusOK, viewGuaranteeCompany(r))
}

type guaranteeCompanyEventView struct {
	Version   int                 `json:"version"`
	Action    loan.Action         `json:"action"`
	ActorID   domain.ID           `json:"actor_id"`
	ActorName string              `json:"actor_name"`
	ActorRole domain.Role         `json:"actor_role"`
	At        time.Time           `json:"at"`
	Terms     *guaranteeTermsView `json:"terms"`
}

func viewGuaranteeCompanyEvents(events []loan.GuaranteeCompanyEvent) guaranteeItemsView[guaranteeCompanyEventView] {
	return guaranteeItems(events, func(e loan.GuaranteeCompanyEvent) guaranteeCompanyEventView {
		return guaranteeCompanyEventView{
			Version: e.Version, Action: e.Action, ActorID: e.ActorID, ActorName: e.ActorName, ActorRole: e.ActorRole, At: e.At, Terms: viewGuaranteeTerms(&e.Terms),
		}
	})
}

type guaranteeQuotaUseView struct {
	guaranteeQuotaView

	Held string `json:"held"`
	Free string `json:"free"`
}

func viewGuaranteeQuotaUses(uses []origination.GuaranteeQuotaUse) guaranteeItemsView[guaranteeQuotaUseView] {
	return guaranteeItems(uses, func(u origination.GuaranteeQuotaUse) guaranteeQuotaUseView {
		return guaranteeQuotaUseView{guaranteeQuotaView: viewGuaranteeQuota(u.Quota), Held: u.Held.String(), Free: u.Free().String()}
	})
}

// guaranteeAnswerView is what the company said.
type guaranteeAnswerView struct {
	Decision    loan.GuaranteeStatus  `json:"decision"`
	LetterNo    string                `json:"letter_no"`
	Amount      *string               `json:"amount"`
	FeePct      string                `json:"fee_pct"`
	ExpiresOn   *domain.Date          `json:"expires_on"`
	Conditions  string                `json:"conditions"`
	Counter     loan.CounterGuarantee `json:"counter_guarantee"`
	CounterNote string                `json:"counter_note"`
	Reason      string                `json:"reason"`
	AnsweredBy  domain.ID             `json:"answered_by"`
	AnsweredAt  time.Time             `json:"answered_at"`
}

func viewAnswerOf(r loan.GuaranteeRecord) *guaranteeAnswerView {
	if r.Answer == nil {
		return nil
	}
	a := *r.Answer
	return &guaranteeAnswerView{
		Decision: a.Decision, LetterNo: a.LetterNo, Amount: amountOrNull(a.Amount), FeePct: a.FeePct.String(), ExpiresOn: present(a.ExpiresOn),
		Conditions: a.Conditions, Counter: a.Counter, CounterNote: a.CounterNote, Reason: a.Reason, AnsweredBy: r.AnsweredBy, AnsweredAt: r.AnsweredAt,
	}
}

// guaranteeAnsweredView is what both sides may see of a guarantee.
type guaranteeAnsweredView struct {
	ID          domain.ID            `json:"id"`
	ProductCode string               `json:"product_code"`
	Amount      string               `json:"amount"`
	TermMonths  int                  `json:"term_months"`
	Crop        loan.GuaranteeCrop   `json:"crop"`
	FeeMaxPct   string               `json:"fee_max_pct"`
	SpouseUpTo  string               `json:"counter_spouse_up_to"`
	Status      loan.GuaranteeStatus `json:"status"`
	StatusLabel string               `json:"status_label"`
	RequestedAt time.Time            `json:"requested_at"`
	Answer      *guaranteeAnswerView `json:"answer"`
}

func viewGuaranteeAnswered(r loan.GuaranteeRecord) guaranteeAnsweredView {
	return guaranteeAnsweredView{
		ID: r.ID, ProductCode: r.ProductCode, Amount: r.Request.Amount.String(), TermMonths: r.Request.TermMonths, Crop: r.Request.Crop,
		FeeMaxPct: r.Request.FeeMaxPct.String(), SpouseUpTo: r.Request.CounterSpouseUpTo.String(), Status: r.Status, StatusLabel: r.Status.Label(),
		RequestedAt: r.RequestedAt, Answer: viewAnswerOf(r),
	}
}

// guaranteeView is a guarantee as the lender sees it.
type guaranteeView struct {
	guaranteeAnsweredView

	ApplicationID domain.ID                `json:"application_id"`
	CompanyID     domain.ID                `json:"company_id"`
	RequestedBy   domain.ID                `json:"requested_by"`
	FulfilledBy   *domain.ID               `json:"fulfilled_by"`
	FulfilledAt   *time.Time               `json:"fulfilled_at"`
	FulfilledHow  string                   `json:"fulfilled_how"`
	Quota         loan.GuaranteeQuotaState `json:"quota_state"`
	QuotaHeld     string                   `json:"quota_held"`
	Version       int                      `json:"version"`
}

func viewGuarantee(r loan.GuaranteeRecord) guaranteeView {
	return guaranteeView{
		guaranteeAnsweredView: viewGuaranteeAnswered(r), ApplicationID: r.ApplicationID, CompanyID: r.CompanyID, RequestedBy: r.RequestedBy,
		FulfilledBy: present(r.FulfilledBy), FulfilledAt: present(r.FulfilledAt), FulfilledHow: r.FulfilledHow,
		Quota: r.Quota, QuotaHeld: r.QuotaHeld.String(), Version: r.Version,
	}
}

func viewGuarantees(records []loan.GuaranteeRecord) guaranteeItemsView[guaranteeView] {
	return guaranteeItems(records, viewGuarantee)
}

type guaranteeLandView struct {
	Kind   string `json:"kind"`
	AreaMu string `json:"area_mu"`
}

type guaranteeCropView struct {
	Kind   string `json:"kind"`
	AreaMu string `json:"area_mu"`
	Year   int    `json:"year"`
}

// guaranteeCaseView is the company's part of a case, and all it ever gets: no field may be added without asking whether it is
// the lender's own.
type guaranteeCaseView struct {
	guaranteeAnsweredView

	ApplicationNo string              `json:"application_no"`
	BorrowerName  string              `json:"borrower_name"`
	VillageCode   string              `json:"village_code"`
	Purpose       loan.Purpose        `json:"purpose"`
	SiteVisitOn   *domain.Date        `json:"site_visit_on"`
	Lands         []guaranteeLandView `json:"lands"`
	Crops         []guaranteeCropView `json:"crops"`
}

// viewGuaranteeCase shows the borrower's full name: the company guarantees a person, not a mask.
func viewGuaranteeCase(g origination.GuaranteeCase) guaranteeCaseView {
	land := func(l origination.GuaranteeLand) guaranteeLandView {
		return guaranteeLandView{Kind: string(l.Kind), AreaMu: l.AreaMu.String()}
	}
	crop := func(c origination.GuaranteeCropArea) guaranteeCropView {
		return guaranteeCropView{Kind: string(c.Kind), AreaMu: c.AreaMu.String(), Year: c.Year}
	}
	return guaranteeCaseView{
		guaranteeAnsweredView: viewGuaranteeAnswered(g.Guarantee), ApplicationNo: g.ApplicationNo, BorrowerName: g.BorrowerName.Reveal(),
		VillageCode: g.VillageCode, Purpose: g.Purpose, SiteVisitOn: present(g.SiteVisitOn),
		Lands: guaranteeItems(g.Lands, land).Items, Crops: guaranteeItems(g.Crops, crop).Items,
	}
}
