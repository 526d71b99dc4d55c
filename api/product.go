package api

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/money"
	"fumin/domain/origination"
	"fumin/domain/product"
)

func (s *server) productRoutes() []route {
	return []route{
		{method: http.MethodGet, path: "/v1/products", handler: s.listProducts, query: true},
		{method: http.MethodPost, path: "/v1/products", handler: s.createProduct},
		{method: http.MethodGet, path: "/v1/products/:code/sheet", handler: s.showSheet, query: true},
		{method: http.MethodGet, path: "/v1/products/:code/events", handler: s.listProductEvents},
		{method: http.MethodGet, path: "/v1/products/:code/versions", handler: s.listVersions, query: true},
		{method: http.MethodPost, path: "/v1/products/:code/versions", handler: s.draftVersion},
		{method: http.MethodGet, path: "/v1/product-versions/:id", handler: s.readVersion},
		{method: http.MethodPut, path: "/v1/product-versions/:id", handler: s.editVersion},
		{method: http.MethodGet, path: "/v1/product-versions/:id/diff", handler: s.diffVersion},
		{method: http.MethodPost, path: "/v1/product-versions/:id/validate", handler: s.validateVersion},
		{method: http.MethodPost, path: "/v1/product-versions/:id/activate", handler: s.activateVersion},
		{method: http.MethodGet, path: "/v1/reference-rates", handler: s.listReferenceRates},
		{method: http.MethodPost, path: "/v1/reference-rates", handler: s.publishReferenceRate},
		{method: http.MethodPost, path: "/v1/reference-rates/:published_on/corrections", handler: s.correctReferenceRate},
	}
}

func (s *server) listProducts(c *gin.Context) error {
	query, err := readQuery(c)
	if err != nil {
		return err
	}
	region := required(query, "region", borrower.ParseRegionCode)
	on := orZero(optional(query, "on", domain.ParseDate))
	kind := query.text("borrower_kind", 0, 32)
	if err := query.done(); err != nil {
		return err
	}
	offers, err := s.catalogue.Offered(c.Request.Context(), region, on, kind)
	if err != nil {
		return err
	}
	items := make([]offerView, len(offers))
	for i, o := range offers {
		items[i] = viewOffer(o, kind)
	}
	return writeJSON(c, http.StatusOK, struct {
		Items []offerView `json:"items"`
	}{items})
}

func (s *server) createProduct(c *gin.Context) error {
	key, err := readIdempotency(c)
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	p := product.Product{
		Code: in.text("code", 1, product.CodeLengthMax), Name: in.text("name", 1, product.NameLengthMax),
		BorrowerKinds: list(in, "borrower_kinds", 1, product.ListLengthMax, verbatim[string]),
		ExposureUnit:  required(in, "exposure_unit", verbatim[product.ExposureUnit]),
		Revolving:     orZero(in.optionalBoolean("revolving")),
		Channels:      list(in, "channels", 1, product.ListLengthMax, verbatim[product.Channel]),
		Partners:      list(in, "partners", 0, product.ListLengthMax, verbatim[product.Partner]),
		Sample:        orZero(in.optionalBoolean("sample")),
	}
	if err := in.done(); err != nil {
		return err
	}
	created, replayed, err := s.catalogue.CreateProduct(c.Request.Context(), actor(c), key, p)
	if err != nil {
		return err
	}
	setReplayed(c, replayed)
	c.Header("Location", "/v1/products/"+created.Code+"/versions")
	return writeJSON(c, http.StatusCreated, viewProduct(created))
}

// verbatim takes a text as it is; the domain's Validate says what it may be.
func verbatim[T ~string](s string) (T, error) { return T(s), nil }

func (s *server) listProductEvents(c *gin.Context) error {
	events, err := s.catalogue.History(c.Request.Context(), actor(c), c.Param("code"))
	if err != nil {
		return err
	}
	items := make([]productEventView, len(events))
	for i, e := range events {
		items[i] = viewProductEvent(e)
	}
	return writeJSON(c, http.StatusOK, struct {
		Items []productEventView `json:"items"`
	}{items})
}

func (s *server) listReferenceRates(c *gin.Context) error {
	rates, err := s.catalogue.ReferenceRates(c.Request.Context())
	if err != nil {
		return err
	}
	rows := rates.Rows()
	items := make([]referenceRateView, len(rows))
	for i, r := range rows {
		items[i] = viewReferenceRate(r)
	}
	return writeJSON(c, http.StatusOK, struct {
		Items []referenceRateView `json:"items"`
	}{items})
}

func (s *server) publishReferenceRate(c *gin.Context) error {
	return s.recordReferenceRate(c, s.catalogue.PublishReferenceRate, func(in *object) (product.ReferenceRate, error) {
		row := readRates(in)
		row.PublishedOn = required(in, "published_on", domain.ParseDate)
		return row, nil
	})
}

func (s *server) correctReferenceRate(c *gin.Context) error {
	return s.recordReferenceRate(c, s.catalogue.CorrectReferenceRate, func(in *object) (product.ReferenceRate, error) {
		on, err := domain.ParseDate(c.Param("published_on"))
		if err != nil {
			return product.ReferenceRate{}, noSuchRoute(c)
		}
		row := readRates(in)
		row.PublishedOn, row.Reason = on, in.text("reason", 1, product.TextLengthMax)
		return row, nil
	})
}

func readRates(in *object) product.ReferenceRate {
	return product.ReferenceRate{
		OneYearPct: required(in, "one_year_pct", positiveRate), FiveYearPct: required(in, "five_year_pct", positiveRate),
		Source: in.text("source", 1, product.TextLengthMax),
	}
}

// positiveRate reads a percentage above zero.
func positiveRate(s string) (money.Rate, error) {
	r, err := money.ParseRate(s)
	if err == nil && r.Sign() <= 0 {
		return money.Rate{}, domain.BadValue("not-positive", "利率应大于零")
	}
	return r, err
}

// recordRate is PublishReferenceRate or CorrectReferenceRate.
type recordRate func(context.Context, domain.Actor, origination.Idempotency, product.ReferenceRate) (product.ReferenceRate, bool, error)

func (s *server) recordReferenceRate(c *gin.Context, record recordRate, read func(*object) (product.ReferenceRate, error)) error {
	key, err := readIdempotency(c)
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	row, err := read(in)
	if err != nil {
		return err
	}
	if err := in.done(); err != nil {
		return err
	}
	recorded, replayed, err := record(c.Request.Context(), actor(c), key, row)
	if err != nil {
		return err
	}
	setReplayed(c, replayed)
	return writeJSON(c, http.StatusCreated, viewReferenceRate(recorded))
}

type referenceRateView struct {
	ID          domain.ID   `json:"id"`
	PublishedOn domain.Date `json:"published_on"`
	Revision    int         `json:"revision"`
	OneYearPct  string      `json:"one_year_pct"`
	FiveYearPct string      `json:"five_year_pct"`
	Reason      string      `json:"reason"`
	Source      string      `json:"source"`
}

func viewReferenceRate(r product.ReferenceRate) referenceRateView {
	return referenceRateView{
		ID: r.ID, PublishedOn: r.PublishedOn, Revision: r.Revision, OneYearPct: r.OneYearPct.String(), FiveYearPct: r.FiveYearPct.String(),
		Reason: r.Reason, Source: r.Source,
	}
}

type productView struct {
	Code          string            `json:"code"`
	Name          string            `json:"name"`
	BorrowerKinds []string          `json:"borrower_kinds"`
	ExposureUnit  string            `json:"exposure_unit"`
	Revolving     bool              `json:"revolving"`
	Channels      []product.Channel `json:"channels"`
	Partners      []product.Partner `json:"partners"`
	Sample        bool              `json:"sample"`
}

func viewProduct(p product.Product) productView {
	v := productView{
		Code: p.Code, Name: p.Name, BorrowerKinds: p.BorrowerKinds, ExposureUnit: string(p.ExposureUnit), Revolving: p.Revolving,
		Channels: p.Channels, Partners: p.Partners, Sample: p.Sample,
	}
	if v.Partners == nil {
		v.Partners = []product.Partner{}
	}
	return v
}

type productEventView struct {
	Subject   product.Subject `json:"subject"`
	SubjectID string          `json:"subject_id"`
	Revision  int             `json:"revision"`
	Action    product.Action  `json:"action"`
	ActorID   domain.ID       `json:"actor_id"`
	ActorName string          `json:"actor_name"`
	ActorRole domain.Role     `json:"actor_role"`
	At        time.Time       `json:"at"`
	Detail    []noteView      `json:"detail"`
}

func viewProductEvent(e product.Event) productEventView {
	v := productEventView{
		Subject: e.Subject, SubjectID: e.SubjectID, Revision: e.Revision, Action: e.Action,
		ActorID: e.ActorID, ActorName: e.ActorName, ActorRole: e.ActorRole, At: e.At, Detail: make([]noteView, len(e.Detail)),
	}
	for i, n := range e.Detail {
		v.Detail[i] = noteView{Name: n.Name, Value: n.Value}
	}
	return v
}

// offerView is a product with the numbers that hold in the asked region on the asked day.
type offerView struct {
	Code              string       `json:"code"`
	Name              string       `json:"name"`
	BorrowerKinds     []string     `json:"borrower_kinds"`
	ExposureUnit      string       `json:"exposure_unit"`
	Revolving         bool         `json:"revolving"`
	Sample            bool         `json:"sample"`
	VersionID         domain.ID    `json:"version_id"`
	RegionPrefix      string       `json:"region_prefix"`
	EffectiveFrom     domain.Date  `json:"effective_from"`
	EffectiveTo       *domain.Date `json:"effective_to"`
	AmountMin         string       `json:"amount_min"`
	AmountMax         string       `json:"amount_max"`
	TermMonthsMin     int          `json:"term_months_min"`
	TermMonthsMax     int          `json:"term_months_max"`
	AgeMin            int          `json:"age_min"`
	AgePlusTermMax    int          `json:"age_plus_term_max"`
	PriceBase         string       `json:"price_base"`
	SpreadBPMax       int          `json:"spread_bp_max"`
	RepaymentMethods  []string     `json:"repayment_methods"`
	ForbiddenPurposes []string     `json:"forbidden_purposes"`
	QuickApprovalMax  string       `json:"quick_approval_max"`
	GuaranteeFrom     *string      `json:"guarantee_company_from"`
	SiteVisitRequired bool         `json:"site_visit_required"`
	Source            string       `json:"source"`

	BusinessAgeMonthsMin    int             `json:"business_age_months_min"`
	InterestSubsidySharePct string          `json:"interest_subsidy_share_pct"`
	Price                   *priceTodayView `json:"price"`
	Guarantee               []tierView      `json:"guarantee"`
	Documents               []documentView  `json:"documents"`
	EntrustedPayment        []entrustedView `json:"entrusted_payment"`
}

// priceTodayView is the dearest a product may be on the day, and how that is built.
type priceTodayView struct {
	AnnualRateMaxPct     string        `json:"annual_rate_max_pct"`
	Base                 product.Base  `json:"base"`
	BasePct              string        `json:"base_pct"`
	ReferenceRateID      *domain.ID    `json:"reference_rate_id"`
	ReferencePublishedOn *domain.Date  `json:"reference_published_on"`
	SpreadBPMax          int           `json:"spread_bp_max"`
	Capped               bool          `json:"capped"`
	Reliefs              []reliefToday `json:"reliefs"`
}

type reliefToday struct {
	Industry         string `json:"industry"`
	IndustryLabel    string `json:"industry_label"`
	SpreadBPLess     int    `json:"spread_bp_less"`
	AnnualRateMaxPct string `json:"annual_rate_max_pct"`
}

func viewPriceToday(o origination.PricedOffer) *priceTodayView {
	if o.Price == nil {
		return nil
	}
	v := &priceTodayView{
		AnnualRateMaxPct: o.Price.AnnualRateMaxPct.String(), Base: o.Price.Base, BasePct: o.Price.BasePct.String(),
		ReferenceRateID: present(o.Price.ReferenceRateID), ReferencePublishedOn: present(o.Price.PublishedOn),
		SpreadBPMax: o.Price.SpreadBPMax, Capped: o.Price.Capped, Reliefs: make([]reliefToday, len(o.Reliefs)),
	}
	for i, r := range o.Reliefs {
		v.Reliefs[i] = reliefToday{
			Industry: r.Relief.Industry, IndustryLabel: product.Label(r.Relief.Industry), SpreadBPLess: r.Relief.SpreadBPLess,
			AnnualRateMaxPct: r.Price.AnnualRateMaxPct.String(),
		}
	}
	return v
}

// viewOffer shows the papers of one kind of borrower, or of all when kind is empty.
func viewOffer(o origination.PricedOffer, kind string) offerView {
	p, v := o.Product, o.Version
	view := offerView{
		Code: p.Code, Name: p.Name, BorrowerKinds: p.BorrowerKinds, ExposureUnit: string(p.ExposureUnit), Revolving: p.Revolving, Sample: p.Sample,
		VersionID: v.ID, RegionPrefix: v.RegionPrefix, EffectiveFrom: v.EffectiveFrom, EffectiveTo: present(v.EffectiveTo),
		AmountMin: v.AmountMin.String(), AmountMax: v.AmountMax.String(), TermMonthsMin: v.TermMonthsMin, TermMonthsMax: v.TermMonthsMax,
		AgeMin: v.AgeMin, AgePlusTermMax: v.AgePlusTermMax, PriceBase: string(v.Price.Base), SpreadBPMax: v.Price.SpreadBPMax,
		RepaymentMethods: make([]string, len(v.RepaymentMethods)), ForbiddenPurposes: make([]string, len(v.ForbiddenPurposes)),
		QuickApprovalMax: v.QuickApprovalMax.String(), SiteVisitRequired: v.SiteVisitRequired, Source: v.Source.Document,
		BusinessAgeMonthsMin: v.BusinessAgeMonthsMin, InterestSubsidySharePct: v.InterestSubsidySharePct.String(),
		Price: viewPriceToday(o), Guarantee: viewTiers(v.Guarantee), EntrustedPayment: viewEntrusted(v.EntrustedPayment),
	}
	papers := v.Documents
	if kind != "" {
		papers = v.DocumentsFor(kind)
	}
	view.Documents = viewDocuments(papers)
	for i, m := range v.RepaymentMethods {
		view.RepaymentMethods[i] = string(m)
	}
	copy(view.ForbiddenPurposes, v.ForbiddenPurposes)
	if from, guaranteed := v.GuaranteeCompanyFrom(); guaranteed {
		text := from.String()
		view.GuaranteeFrom = &text
	}
	return view
}
