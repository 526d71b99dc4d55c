package api

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/money"
	"fumin/domain/origination"
	"fumin/domain/product"
	"fumin/domain/schedule"
)

func (s *server) listVersions(c *gin.Context) error {
	query, err := readQuery(c)
	if err != nil {
		return err
	}
	page := query.page()
	if err := query.done(); err != nil {
		return err
	}
	versions, err := s.catalogue.Versions(c.Request.Context(), actor(c), c.Param("code"), page)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, viewList(c, page, versions, viewVersionSummary, func(v product.Version) domain.ID { return v.ID }))
}

func (s *server) draftVersion(c *gin.Context) error {
	key, err := readIdempotency(c)
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	content := readVersion(in)
	if err := in.done(); err != nil {
		return err
	}
	v, replayed, err := s.catalogue.Draft(c.Request.Context(), actor(c), key, c.Param("code"), content)
	if err != nil {
		return err
	}
	setReplayed(c, replayed)
	c.Header("Location", "/v1/product-versions/"+v.ID.String())
	return writeVersion(c, http.StatusCreated, v)
}

func (s *server) readVersion(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	v, err := s.catalogue.Version(c.Request.Context(), actor(c), id)
	if err != nil {
		return err
	}
	return writeVersion(c, http.StatusOK, v)
}

func (s *server) editVersion(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	revision, err := ifMatch(c)
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	content := readVersion(in)
	if err := in.done(); err != nil {
		return err
	}
	v, err := s.catalogue.EditDraft(c.Request.Context(), actor(c), origination.EditVersion{ID: id, Revision: revision, Content: content})
	if err != nil {
		return err
	}
	return writeVersion(c, http.StatusOK, v)
}

func (s *server) validateVersion(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	if err := readNoBody(c); err != nil {
		return err
	}
	v, err := s.catalogue.Check(c.Request.Context(), actor(c), id)
	if err != nil {
		return err
	}
	return writeVersion(c, http.StatusOK, v)
}

func (s *server) activateVersion(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	revision, err := ifMatch(c)
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	cmd := origination.ActivateVersion{ID: id, Revision: revision, EffectiveFrom: required(in, "effective_from", domain.ParseDate)}
	if err := in.done(); err != nil {
		return err
	}
	v, err := s.catalogue.Activate(c.Request.Context(), actor(c), cmd)
	if err != nil {
		return err
	}
	return writeVersion(c, http.StatusOK, v)
}

func (s *server) diffVersion(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	diff, err := s.catalogue.Diff(c.Request.Context(), actor(c), id)
	if err != nil {
		return err
	}
	view := versionDiffView{
		VersionID: diff.Version.ID, ProductCode: diff.Version.ProductCode, ReplacesID: present(diff.ReplacesID),
		Differences: make([]differenceView, len(diff.Differences)),
	}
	for i, d := range diff.Differences {
		view.Differences[i] = differenceView{Term: d.Name, Label: d.Label, Old: d.Old, New: d.New, Source: d.Source.Document, Sample: d.Source.Sample}
	}
	return writeJSON(c, http.StatusOK, view)
}

func writeVersion(c *gin.Context, status int, v product.Version) error {
	setVersion(c, v.Revision)
	return writeJSON(c, status, versionView{viewVersionSummary(v), viewVersionTerms(v)})
}

// readVersion reads what a draft says: all terms in the body itself or, with base_id, those in overrides that differ from
// the base. What contradicts what is for the validation to say.
func readVersion(in *object) product.Version {
	v := product.Version{
		RegionPrefix:  in.text("region_prefix", 1, 12),
		EffectiveFrom: required(in, "effective_from", domain.ParseDate),
		EffectiveTo:   orZero(optional(in, "effective_to", domain.ParseDate)),
		Source:        readSource(in.object("source")),
		BaseID:        orZero(optional(in, "base_id", domain.ParseID)),
	}
	sources := in.objects("sources", 0, len(product.TermNames()))
	if len(sources) > 0 {
		v.Sources = make(map[product.TermName]product.Source, len(sources))
	}
	for _, source := range sources {
		v.Sources[required(source, "term", parseTermName)] = readSource(source)
	}
	if in.members["base_id"] == nil {
		v.Terms, _ = readVersionTerms(in)
		return v
	}
	if overrides := in.optionalObject("overrides"); overrides != nil {
		v.Terms, v.Overridden = readVersionTerms(overrides)
	}
	return v
}

func readSource(in *object) product.Source {
	return product.Source{Document: in.text("document", 1, product.TextLengthMax), Sample: orZero(in.optionalBoolean("sample"))}
}

func parseTermName(s string) (product.TermName, error) {
	if name := product.TermName(s); name.Valid() {
		return name, nil
	}
	return "", domain.BadValue("invalid-enum", "没有这个条款")
}

// readVersionTerms reads the terms that are there, and says which.
func readVersionTerms(in *object) (t product.Terms, given []product.TermName) {
	t = product.Terms{
		AmountMin:               orZero(optional(in, "amount_min", money.ParseAmount)),
		AmountMax:               orZero(optional(in, "amount_max", money.ParseAmount)),
		TermMonthsMin:           whole(in, "term_months_min", product.TermMonthsCap),
		TermMonthsMax:           whole(in, "term_months_max", product.TermMonthsCap),
		AgeMin:                  whole(in, "age_min", product.AgeCap),
		AgePlusTermMax:          whole(in, "age_plus_term_max", product.AgeCap),
		RepaymentMethods:        list(in, "repayment_methods", 0, product.ListLengthMax, schedule.ParseMethod),
		Guarantee:               readTiers(in),
		Documents:               readDocuments(in),
		ForbiddenPurposes:       list(in, "forbidden_purposes", 0, product.ListLengthMax, verbatim[string]),
		QuickApprovalMax:        orZero(optional(in, "quick_approval_max", money.ParseAmount)),
		BusinessAgeMonthsMin:    whole(in, "business_age_months_min", product.BusinessAgeCap),
		InterestSubsidySharePct: orZero(optional(in, "interest_subsidy_share_pct", money.ParseRate)),
		SiteVisitRequired:       orZero(in.optionalBoolean("site_visit_required")),
		CoolingOffHours:         whole(in, "cooling_off_hours", product.CoolingOffCap),
		CoolingOffWaivable:      orZero(in.optionalBoolean("cooling_off_waivable")),
		MemberSignaturesMin:     whole(in, "member_signatures_min", product.MembersCap),
		DrawMin:                 orZero(optional(in, "draw_min", money.ParseAmount)),
		DrawMax:                 orZero(optional(in, "draw_max", money.ParseAmount)),
		PurposeEvidenceDays:     whole(in, "purpose_evidence_days", product.EvidenceDaysCap),
		RenewalDays:             whole(in, "renewal_without_repayment_days", product.RenewalDaysCap),
	}
	price := in.optionalObject("price")
	if price != nil {
		t.Price = readPrice(price)
	}
	for _, e := range in.objects("entrusted_payment", 0, product.ListLengthMax) {
		t.EntrustedPayment = append(t.EntrustedPayment, product.EntrustedPaymentAmount{
			PurposeKind: required(e, "purpose_kind", verbatim[string]), Above: required(e, "above", money.ParseAmount),
		})
	}
	for _, name := range product.TermNames() {
		there := in.members[string(name)] != nil
		if name == product.TermReliefs { // inside the price
			there = price != nil && price.members["reliefs"] != nil
		}
		if name == product.TermGuaranteeFeeGrain { // inside the guarantee
			there = in.members[string(product.TermGuarantee)] != nil
		}
		if there {
			given = append(given, name)
		}
	}
	return t, given
}

func readPrice(in *object) product.Price {
	p := product.Price{
		Base:             required(in, "base", verbatim[product.Base]),
		FixedPct:         orZero(optional(in, "fixed_pct", money.ParseRate)),
		SpreadBPMax:      orZero(in.optionalInteger("spread_bp_max", -product.SpreadBPCap, product.SpreadBPCap)),
		AnnualRateMaxPct: orZero(optional(in, "annual_rate_max_pct", money.ParseRate)),
	}
	for _, r := range in.objects("reliefs", 0, product.ListLengthMax) {
		p.Reliefs = append(p.Reliefs, product.Relief{
			Industry: r.text("industry", 1, product.CodeLengthMax), SpreadBPLess: r.integer("spread_bp_less", 1, product.SpreadBPCap),
		})
	}
	return p
}

func readTiers(in *object) []product.GuaranteeTier {
	var tiers []product.GuaranteeTier
	for _, g := range in.objects("guarantee", 0, product.ListLengthMax) {
		tiers = append(tiers, product.GuaranteeTier{
			From:              orZero(optional(g, "from", money.ParseAmount)),
			Below:             orZero(optional(g, "below", money.ParseAmount)),
			Kind:              required(g, "kind", verbatim[product.GuaranteeKind]),
			FeeMaxPct:         orZero(optional(g, "fee_max_pct", money.ParseRate)),
			FeeMaxGrainPct:    orZero(optional(g, "fee_max_grain_pct", money.ParseRate)),
			CounterSpouseUpTo: orZero(optional(g, "counter_spouse_up_to", money.ParseAmount)),
		})
	}
	return tiers
}

func readDocuments(in *object) []product.Document {
	var documents []product.Document
	for _, d := range in.objects("documents", 0, product.ListLengthMax) {
		documents = append(documents, product.Document{
			BorrowerKind: required(d, "borrower_kind", verbatim[string]),
			Type:         required(d, "type", verbatim[string]),
			Key:          orZero(d.optionalBoolean("key")),
			DeferDaysMax: whole(d, "defer_days_max", product.DeferDaysCap),
			Blocks:       orZero(optional(d, "blocks", verbatim[string])),
			Expires:      orZero(d.optionalBoolean("expires")),
			Sample:       orZero(d.optionalBoolean("sample")),
		})
	}
	return documents
}

// versionSummaryView is a version without its terms.
type versionSummaryView struct {
	ID            domain.ID          `json:"id"`
	ProductCode   string             `json:"product_code"`
	RegionPrefix  string             `json:"region_prefix"`
	EffectiveFrom domain.Date        `json:"effective_from"`
	EffectiveTo   *domain.Date       `json:"effective_to"`
	Status        product.Status     `json:"status"`
	StatusLabel   string             `json:"status_label"`
	MadeBy        domain.ID          `json:"made_by"`
	MadeAt        time.Time          `json:"made_at"`
	ActivatedBy   *domain.ID         `json:"activated_by"`
	ActivatedAt   *time.Time         `json:"activated_at"`
	Revision      int                `json:"revision"`
	BaseID        *domain.ID         `json:"base_id"`
	Overridden    []product.TermName `json:"overridden"`
	Source        sourceView         `json:"source"`
}

type sourceView struct {
	Document string `json:"document"`
	Sample   bool   `json:"sample"`
}

func viewVersionSummary(v product.Version) versionSummaryView {
	view := versionSummaryView{
		ID: v.ID, ProductCode: v.ProductCode, RegionPrefix: v.RegionPrefix, EffectiveFrom: v.EffectiveFrom, EffectiveTo: present(v.EffectiveTo),
		Status: v.Status, StatusLabel: product.Label(string(v.Status)), MadeBy: v.MadeBy, MadeAt: v.MadeAt,
		ActivatedBy: present(v.ActivatedBy), ActivatedAt: present(v.ActivatedAt), Revision: v.Revision, BaseID: present(v.BaseID),
		Overridden: v.Overridden, Source: sourceView(v.Source),
	}
	if view.Overridden == nil {
		view.Overridden = []product.TermName{}
	}
	return view
}

// versionView is a version with everything.
type versionView struct {
	versionSummaryView
	versionTermsView
}

// versionTermsView has the names in which a draft is written.
type versionTermsView struct {
	Sources                 []termSourceView  `json:"sources"`
	AmountMin               string            `json:"amount_min"`
	AmountMax               string            `json:"amount_max"`
	TermMonthsMin           int               `json:"term_months_min"`
	TermMonthsMax           int               `json:"term_months_max"`
	AgeMin                  int               `json:"age_min"`
	AgePlusTermMax          int               `json:"age_plus_term_max"`
	Price                   priceView         `json:"price"`
	RepaymentMethods        []schedule.Method `json:"repayment_methods"`
	Guarantee               []tierView        `json:"guarantee"`
	Documents               []documentView    `json:"documents"`
	ForbiddenPurposes       []string          `json:"forbidden_purposes"`
	QuickApprovalMax        string            `json:"quick_approval_max"`
	EntrustedPayment        []entrustedView   `json:"entrusted_payment"`
	BusinessAgeMonthsMin    int               `json:"business_age_months_min"`
	InterestSubsidySharePct string            `json:"interest_subsidy_share_pct"`
	SiteVisitRequired       bool              `json:"site_visit_required"`
	CoolingOffHours         int               `json:"cooling_off_hours"`
	CoolingOffWaivable      bool              `json:"cooling_off_waivable"`
	MemberSignaturesMin     int               `json:"member_signatures_min"`
	DrawMin                 string            `json:"draw_min"`
	DrawMax                 string            `json:"draw_max"`
	PurposeEvidenceDays     int               `json:"purpose_evidence_days"`
	RenewalDays             int               `json:"renewal_without_repayment_days"`
}

type termSourceView struct {
	Term product.TermName `json:"term"`
	sourceView
}

type priceView struct {
	Base             product.Base `json:"base"`
	FixedPct         *string      `json:"fixed_pct"`
	SpreadBPMax      int          `json:"spread_bp_max"`
	AnnualRateMaxPct *string      `json:"annual_rate_max_pct"`
	Reliefs          []reliefView `json:"reliefs"`
}

type reliefView struct {
	Industry     string `json:"industry"`
	SpreadBPLess int    `json:"spread_bp_less"`
}

type tierView struct {
	From              string                `json:"from"`
	Below             *string               `json:"below"`
	Kind              product.GuaranteeKind `json:"kind"`
	KindLabel         string                `json:"kind_label"`
	FeeMaxPct         *string               `json:"fee_max_pct"`
	FeeMaxGrainPct    *string               `json:"fee_max_grain_pct"`
	CounterSpouseUpTo *string               `json:"counter_spouse_up_to"`
}

type documentView struct {
	BorrowerKind string  `json:"borrower_kind"`
	Type         string  `json:"type"`
	TypeLabel    string  `json:"type_label"`
	Key          bool    `json:"key"`
	DeferDaysMax int     `json:"defer_days_max"`
	Blocks       *string `json:"blocks"`
	Expires      bool    `json:"expires"`
	Sample       bool    `json:"sample"`
}

type entrustedView struct {
	PurposeKind string `json:"purpose_kind"`
	Above       string `json:"above"`
}

func viewVersionTerms(v product.Version) versionTermsView {
	view := versionTermsView{
		Sources:   []termSourceView{},
		AmountMin: v.AmountMin.String(), AmountMax: v.AmountMax.String(), TermMonthsMin: v.TermMonthsMin, TermMonthsMax: v.TermMonthsMax,
		AgeMin: v.AgeMin, AgePlusTermMax: v.AgePlusTermMax,
		Price: priceView{
			Base: v.Price.Base, FixedPct: unlessZero(v.Price.FixedPct), SpreadBPMax: v.Price.SpreadBPMax,
			AnnualRateMaxPct: unlessZero(v.Price.AnnualRateMaxPct), Reliefs: []reliefView{},
		},
		RepaymentMethods: append([]schedule.Method{}, v.RepaymentMethods...), Guarantee: viewTiers(v.Guarantee), Documents: viewDocuments(v.Documents),
		ForbiddenPurposes: append([]string{}, v.ForbiddenPurposes...), QuickApprovalMax: v.QuickApprovalMax.String(),
		EntrustedPayment:     viewEntrusted(v.EntrustedPayment),
		BusinessAgeMonthsMin: v.BusinessAgeMonthsMin, InterestSubsidySharePct: v.InterestSubsidySharePct.String(), SiteVisitRequired: v.SiteVisitRequired,
		CoolingOffHours: v.CoolingOffHours, CoolingOffWaivable: v.CoolingOffWaivable, MemberSignaturesMin: v.MemberSignaturesMin,
		DrawMin: v.DrawMin.String(), DrawMax: v.DrawMax.String(), RenewalDays: v.RenewalDays,
		PurposeEvidenceDays: v.PurposeEvidenceDays,
	}
	for _, name := range product.TermNames() {
		if source, ok := v.Sources[name]; ok {
			view.Sources = append(view.Sources, termSourceView{name, sourceView(source)})
		}
	}
	for _, r := range v.Price.Reliefs {
		view.Price.Reliefs = append(view.Price.Reliefs, reliefView(r))
	}
	return view
}

// unlessZero writes a number whose zero means that there is none.
func unlessZero[N interface {
	IsZero() bool
	String() string
}](n N) *string {
	if n.IsZero() {
		return nil
	}
	text := n.String()
	return &text
}

func viewTiers(tiers []product.GuaranteeTier) []tierView {
	views := make([]tierView, len(tiers))
	for i, g := range tiers {
		views[i] = tierView{
			From: g.From.String(), Below: unlessZero(g.Below), Kind: g.Kind, KindLabel: product.Label(string(g.Kind)),
			FeeMaxPct: unlessZero(g.FeeMaxPct), FeeMaxGrainPct: unlessZero(g.FeeMaxGrainPct), CounterSpouseUpTo: unlessZero(g.CounterSpouseUpTo),
		}
	}
	return views
}

func viewDocuments(documents []product.Document) []documentView {
	views := make([]documentView, len(documents))
	for i, d := range documents {
		views[i] = documentView{
			BorrowerKind: d.BorrowerKind, Type: d.Type, TypeLabel: product.Label(d.Type), Key: d.Key, DeferDaysMax: d.DeferDaysMax,
			Expires: d.Expires, Sample: d.Sample,
		}
		if d.Blocks != "" {
			views[i].Blocks = &d.Blocks
		}
	}
	return views
}

func viewEntrusted(thresholds []product.EntrustedPaymentAmount) []entrustedView {
	views := make([]entrustedView, len(thresholds))
	for i, e := range thresholds {
		views[i] = entrustedView{PurposeKind: e.PurposeKind, Above: e.Above.String()}
	}
	return views
}

type versionDiffView struct {
	VersionID   domain.ID        `json:"version_id"`
	ProductCode string           `json:"product_code"`
	ReplacesID  *domain.ID       `json:"replaces_id"`
	Differences []differenceView `json:"differences"`
}

type differenceView struct {
	Term   product.TermName `json:"term"`
	Label  string           `json:"label"`
	Old    string           `json:"old"`
	New    string           `json:"new"`
	Source string           `json:"source"`
	Sample bool             `json:"sample"`
}
