package api

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/product"
)

func (s *server) productRoutes() []route {
	return []route{
		{method: http.MethodGet, path: "/v1/products", handler: s.listProducts, query: true},
		{method: http.MethodGet, path: "/v1/reference-rates", handler: s.listReferenceRates},
	}
}

func (s *server) listProducts(c *gin.Context) error {
	query, err := readQuery(c)
	if err != nil {
		return err
	}
	region := required(query, "region", borrower.ParseRegionCode)
	var on domain.Date
	if day := optional(query, "on", domain.ParseDate); day != nil {
		on = *day
	}
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
		items[i] = viewOffer(o)
	}
	return writeJSON(c, http.StatusOK, struct {
		Items []offerView `json:"items"`
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
		items[i] = referenceRateView{
			PublishedOn: r.PublishedOn, Revision: r.Revision, OneYearPct: r.OneYearPct.String(), FiveYearPct: r.FiveYearPct.String(),
			Reason: r.Reason, Source: r.Source,
		}
	}
	return writeJSON(c, http.StatusOK, struct {
		Items []referenceRateView `json:"items"`
	}{items})
}

type referenceRateView struct {
	PublishedOn domain.Date `json:"published_on"`
	Revision    int         `json:"revision"`
	OneYearPct  string      `json:"one_year_pct"`
	FiveYearPct string      `json:"five_year_pct"`
	Reason      string      `json:"reason"`
	Source      string      `json:"source"`
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
}

func viewOffer(o product.Offer) offerView {
	p, v := o.Product, o.Version
	view := offerView{
		Code: p.Code, Name: p.Name, BorrowerKinds: p.BorrowerKinds, ExposureUnit: string(p.ExposureUnit), Revolving: p.Revolving, Sample: p.Sample,
		VersionID: v.ID, RegionPrefix: v.RegionPrefix, EffectiveFrom: v.EffectiveFrom, EffectiveTo: present(v.EffectiveTo),
		AmountMin: v.AmountMin.String(), AmountMax: v.AmountMax.String(), TermMonthsMin: v.TermMonthsMin, TermMonthsMax: v.TermMonthsMax,
		AgeMin: v.AgeMin, AgePlusTermMax: v.AgePlusTermMax, PriceBase: string(v.Price.Base), SpreadBPMax: v.Price.SpreadBPMax,
		RepaymentMethods: make([]string, len(v.RepaymentMethods)), ForbiddenPurposes: make([]string, len(v.ForbiddenPurposes)),
		QuickApprovalMax: v.QuickApprovalMax.String(), SiteVisitRequired: v.SiteVisitRequired, Source: v.Source.Document,
	}
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
