package demodata

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"fumin/domain"
	"fumin/domain/money"
	"fumin/domain/product"
	"fumin/domain/schedule"
)

// The documents of numbers that have no public source of their own.
const (
	sampleDocument    = "示例数值，由贷款机构替换"
	documentsDocument = "随附产品目录的资料清单"
)

type catalogueFile struct {
	Note        string                    `json:"note"`
	MadeBy      string                    `json:"made_by"`
	ActivatedBy string                    `json:"activated_by"`
	LPR         []lprEntry                `json:"lpr"`
	Products    []productEntry            `json:"products"`
	Documents   map[string][]documentItem `json:"documents"`
	Parameters  []parameterEntry          `json:"parameters"`
}

type lprEntry struct {
	ID          string      `json:"id"`
	PublishedOn domain.Date `json:"published_on"`
	OneYearPct  money.Rate  `json:"one_year_pct"`
	FiveYearPct money.Rate  `json:"five_year_pct"`
}

type productEntry struct {
	Code          string            `json:"code"`
	Name          string            `json:"name"`
	BorrowerKinds []string          `json:"borrower_kinds"`
	ExposureUnit  string            `json:"exposure_unit"`
	Revolving     bool              `json:"revolving"`
	Channels      []product.Channel `json:"channels"`
	Partners      []product.Partner `json:"partners"`
	Sample        bool              `json:"sample"`
	Versions      []versionEntry    `json:"versions"`
}

type versionEntry struct {
	ID            string          `json:"id"`
	RegionPrefix  string          `json:"region_prefix"`
	BaseID        string          `json:"base_id"`
	EffectiveFrom domain.Date     `json:"effective_from"`
	EffectiveTo   domain.Date     `json:"effective_to"`
	Source        string          `json:"source"`
	Overrides     json.RawMessage `json:"overrides"`
	termsEntry
}

// termsEntry is the terms as the file writes them; its field names are product.TermName.
type termsEntry struct {
	AmountMin               figure[money.Amount] `json:"amount_min"`
	AmountMax               figure[money.Amount] `json:"amount_max"`
	TermMonthsMin           figure[int]          `json:"term_months_min"`
	TermMonthsMax           figure[int]          `json:"term_months_max"`
	AgeMin                  figure[int]          `json:"age_min"`
	AgePlusTermMax          figure[int]          `json:"age_plus_term_max"`
	Price                   priceEntry           `json:"price"`
	Reliefs                 []reliefEntry        `json:"reliefs"`
	RepaymentMethods        []schedule.Method    `json:"repayment_methods"`
	Guarantee               []tierEntry          `json:"guarantee"`
	QuickApprovalMax        figure[money.Amount] `json:"quick_approval_max"`
	ForbiddenPurposes       []string             `json:"forbidden_purposes"`
	BusinessAgeMonthsMin    figure[int]          `json:"business_age_months_min"`
	InterestSubsidySharePct figure[money.Rate]   `json:"interest_subsidy_share_pct"`
	SiteVisitRequired       bool                 `json:"site_visit_required"`
	CoolingOffHours         figure[int]          `json:"cooling_off_hours"`
	CoolingOffWaivable      bool                 `json:"cooling_off_waivable"`
	MemberSignaturesMin     figure[int]          `json:"member_signatures_min"`
	DrawMin                 figure[money.Amount] `json:"draw_min"`
	DrawMax                 figure[money.Amount] `json:"draw_max"`
	PurposeEvidenceDays     figure[int]          `json:"purpose_evidence_days"`
	RenewalDays             figure[int]          `json:"renewal_without_repayment_days"`
}

type priceEntry struct {
	Base             product.Base `json:"base"`
	FixedPct         money.Rate   `json:"fixed_pct"`
	SpreadBPMax      int          `json:"spread_bp_max"`
	AnnualRateMaxPct money.Rate   `json:"annual_rate_max_pct"`
}

type reliefEntry struct {
	Industry     string `json:"industry"`
	SpreadBPLess int    `json:"spread_bp_less"`
}

type tierEntry struct {
	From        money.Amount       `json:"from"`
	Below       money.Amount       `json:"below"`
	Kind        string             `json:"kind"`
	FeeMaxPct   money.Rate         `json:"fee_pct_a_year_max"`
	FeeGrainPct figure[money.Rate] `json:"fee_pct_a_year_grain"`
	Counter     struct {
		SpouseUpTo money.Amount `json:"spouse_up_to"`
	} `json:"counter_guarantee"`
}

type documentItem struct {
	Type         string `json:"type"`
	Key          bool   `json:"key"`
	DeferDaysMax int    `json:"defer_days_max"`
	Blocks       string `json:"blocks"`
	Expires      bool   `json:"expires"`
	Sample       bool   `json:"sample"`
}

type parameterEntry struct {
	Name   string       `json:"name"`
	Kind   string       `json:"kind"`
	Amount money.Amount `json:"amount"`
	Note   string       `json:"note"`
}

// figure is a number of the file: plain, or {"value": …, "sample": true}.
type figure[T any] struct {
	Value  T
	Sample bool
}

// UnmarshalJSON reads either form.
func (f *figure[T]) UnmarshalJSON(content []byte) error {
	if len(content) > 0 && content[0] == '{' {
		var full struct {
			Value  T    `json:"value"`
			Sample bool `json:"sample"`
		}
		err := decodeStrict(content, &full)
		f.Value, f.Sample = full.Value, full.Sample
		return err
	}
	return decodeStrict(content, &f.Value)
}

// Catalogue returns the shipped products, all their versions complete and active, and the published reference rates. The
// whole is validated for contradictions before it is handed out.
func Catalogue() ([]product.Product, []product.Version, product.ReferenceRates, error) {
	var file catalogueFile
	if err := decodeFile("catalogue.json", &file); err != nil {
		return nil, nil, product.ReferenceRates{}, err
	}
	c, err := file.contents()
	return c.products, c.versions, c.rates, err
}

// contents is what the file says, as domain values.
type contents struct {
	products []product.Product
	versions []product.Version
	rates    product.ReferenceRates
}

// Parameters returns the sums the lender sets for the whole house.
func Parameters() ([]product.Parameter, error) {
	var file catalogueFile
	if err := decodeFile("catalogue.json", &file); err != nil {
		return nil, err
	}
	return file.parameters()
}

func (file catalogueFile) contents() (contents, error) {
	fail := func(err error) (contents, error) { return contents{}, fmt.Errorf("demodata: %w", err) }
	rates, err := file.referenceRates()
	if err != nil {
		return fail(err)
	}
	parameters, err := file.parameters()
	if err != nil {
		return fail(err)
	}
	var products []product.Product
	var versions []product.Version
	var lastStart domain.Date
	for _, entry := range file.Products {
		products = append(products, product.Product{
			Code: entry.Code, Name: entry.Name, BorrowerKinds: entry.BorrowerKinds,
			ExposureUnit: product.ExposureUnit(entry.ExposureUnit), Revolving: entry.Revolving,
			Channels: entry.Channels, Partners: entry.Partners, Sample: entry.Sample,
		})
		for _, v := range entry.Versions {
			version, err := file.version(entry, v, versions, parameters)
			if err != nil {
				return fail(fmt.Errorf("version %s of %s: %w", v.ID, entry.Code, err))
			}
			versions = append(versions, version)
			if v.EffectiveFrom.After(lastStart) {
				lastStart = v.EffectiveFrom
			}
		}
	}
	// The files describe the past; as of the last start every one of their days can still be judged for gaps.
	if err := product.ValidateCatalogue(products, versions, lastStart); err != nil {
		return fail(err)
	}
	return contents{products, versions, rates}, nil
}

func (file catalogueFile) referenceRates() (product.ReferenceRates, error) {
	rows := make([]product.ReferenceRate, len(file.LPR))
	for i, entry := range file.LPR {
		id, err := domain.ParseID(entry.ID)
		if err != nil {
			return product.ReferenceRates{}, fmt.Errorf("reference rate of %s: %w", entry.PublishedOn, err)
		}
		rows[i] = product.ReferenceRate{ID: id, PublishedOn: entry.PublishedOn, OneYearPct: entry.OneYearPct, FiveYearPct: entry.FiveYearPct}
	}
	return product.NewReferenceRates(rows)
}

func (file catalogueFile) parameters() ([]product.Parameter, error) {
	parameters := make([]product.Parameter, len(file.Parameters))
	for i, entry := range file.Parameters {
		parameters[i] = product.Parameter(entry)
		if err := parameters[i].Validate(); err != nil {
			return nil, fmt.Errorf("parameter %s: %w", entry.Name, err)
		}
	}
	return parameters, nil
}

// version makes a complete, active version of an entry. One with overrides takes the other terms from its base, which
// stands before it in the file.
func (file catalogueFile) version(p productEntry, entry versionEntry, before []product.Version, parameters []product.Parameter) (product.Version, error) {
	id, idErr := domain.ParseID(entry.ID)
	maker, makerErr := domain.ParseID(file.MadeBy)
	activator, activatorErr := domain.ParseID(file.ActivatedBy)
	for _, err := range []error{idErr, makerErr, activatorErr} {
		if err != nil {
			return product.Version{}, err
		}
	}
	// The demo has no history of who drafted when: both are said to have happened as the first day began.
	start := time.Date(entry.EffectiveFrom.Year(), entry.EffectiveFrom.Month(), entry.EffectiveFrom.Day(), 0, 0, 0, 0, domain.BusinessZone).UTC()
	v := product.Version{
		ID: id, ProductCode: p.Code, RegionPrefix: entry.RegionPrefix,
		EffectiveFrom: entry.EffectiveFrom, EffectiveTo: entry.EffectiveTo,
		Status: product.StatusActive, MadeBy: maker, MadeAt: start, ActivatedBy: activator, ActivatedAt: start,
		Source: product.Source{Document: entry.Source, Sample: p.Sample},
	}
	if entry.BaseID != "" {
		base := slices.IndexFunc(before, func(b product.Version) bool { return b.ID.String() == entry.BaseID && b.ProductCode == p.Code })
		if base < 0 {
			return product.Version{}, fmt.Errorf("base %q does not stand before it", entry.BaseID)
		}
		return materialise(v, entry.Overrides, before[base])
	}
	if len(entry.Overrides) > 0 {
		return product.Version{}, fmt.Errorf("overrides without a base")
	}
	v.Terms, v.Sources = entry.terms()
	v.Documents = file.documentsFor(p.BorrowerKinds)
	v.EntrustedPayment = product.EntrustedPaymentOf(parameters)
	v.Sources[product.TermDocuments] = product.Source{Document: documentsDocument}
	for _, parameter := range parameters {
		if parameter.Name == product.ParameterEntrustedPaymentFrom {
			v.Sources[product.TermEntrustedPayment] = product.Source{Document: parameter.Note}
			break
		}
	}
	return v, nil
}

func materialise(v product.Version, overrides json.RawMessage, base product.Version) (product.Version, error) {
	var names map[product.TermName]json.RawMessage
	if err := decodeStrict(overrides, &names); err != nil {
		return product.Version{}, fmt.Errorf("overrides: %w", err)
	}
	var entry termsEntry
	if err := decodeStrict(overrides, &entry); err != nil {
		return product.Version{}, fmt.Errorf("overrides: %w", err)
	}
	v.Terms, v.Sources = entry.terms()
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if !name.Valid() {
			return product.Version{}, fmt.Errorf("overrides: %q is not a term", name)
		}
		v.Overridden = append(v.Overridden, name)
	}
	return product.Materialise(v, base), nil
}

func (file catalogueFile) documentsFor(borrowerKinds []string) []product.Document {
	var documents []product.Document
	for _, kind := range borrowerKinds {
		for _, d := range file.Documents[kind] {
			documents = append(documents, product.Document{
				BorrowerKind: kind, Type: d.Type, Key: d.Key, DeferDaysMax: d.DeferDaysMax,
				Blocks: d.Blocks, Expires: d.Expires, Sample: d.Sample,
			})
		}
	}
	return documents
}

// terms returns the entry as terms, with a source of their own for the numbers that the file marks as samples.
func (e termsEntry) terms() (product.Terms, map[product.TermName]product.Source) {
	terms := product.Terms{
		AmountMin: e.AmountMin.Value, AmountMax: e.AmountMax.Value,
		TermMonthsMin: e.TermMonthsMin.Value, TermMonthsMax: e.TermMonthsMax.Value,
		AgeMin: e.AgeMin.Value, AgePlusTermMax: e.AgePlusTermMax.Value,
		Price: product.Price{
			Base: e.Price.Base, FixedPct: e.Price.FixedPct,
			SpreadBPMax: e.Price.SpreadBPMax, AnnualRateMaxPct: e.Price.AnnualRateMaxPct,
		},
		RepaymentMethods: e.RepaymentMethods, ForbiddenPurposes: e.ForbiddenPurposes,
		QuickApprovalMax: e.QuickApprovalMax.Value, BusinessAgeMonthsMin: e.BusinessAgeMonthsMin.Value,
		InterestSubsidySharePct: e.InterestSubsidySharePct.Value, SiteVisitRequired: e.SiteVisitRequired,
		CoolingOffHours: e.CoolingOffHours.Value, CoolingOffWaivable: e.CoolingOffWaivable, MemberSignaturesMin: e.MemberSignaturesMin.Value,
		DrawMin: e.DrawMin.Value, DrawMax: e.DrawMax.Value, RenewalDays: e.RenewalDays.Value,
		PurposeEvidenceDays: e.PurposeEvidenceDays.Value,
	}
	for _, r := range e.Reliefs {
		terms.Price.Reliefs = append(terms.Price.Reliefs, product.Relief(r))
	}
	samples := map[product.TermName]bool{ //nolint:exhaustive // the terms that are a single number
		product.TermAmountMin: e.AmountMin.Sample, product.TermAmountMax: e.AmountMax.Sample,
		product.TermTermMonthsMin: e.TermMonthsMin.Sample, product.TermTermMonthsMax: e.TermMonthsMax.Sample,
		product.TermAgeMin: e.AgeMin.Sample, product.TermAgePlusTermMax: e.AgePlusTermMax.Sample,
		product.TermQuickApprovalMax: e.QuickApprovalMax.Sample, product.TermBusinessAgeMonths: e.BusinessAgeMonthsMin.Sample,
		product.TermInterestSubsidyPct: e.InterestSubsidySharePct.Sample,
		product.TermCoolingOffHours:    e.CoolingOffHours.Sample, product.TermMemberSignatures: e.MemberSignaturesMin.Sample,
		product.TermDrawMin: e.DrawMin.Sample, product.TermDrawMax: e.DrawMax.Sample, product.TermRenewalDays: e.RenewalDays.Sample,
		product.TermPurposeEvidenceDays: e.PurposeEvidenceDays.Sample,
	}
	for _, t := range e.Guarantee {
		terms.Guarantee = append(terms.Guarantee, product.GuaranteeTier{
			From: t.From, Below: t.Below, Kind: product.GuaranteeKind(t.Kind), FeeMaxPct: t.FeeMaxPct,
			FeeMaxGrainPct: t.FeeGrainPct.Value, CounterSpouseUpTo: t.Counter.SpouseUpTo,
		})
		samples[product.TermGuaranteeFeeGrain] = samples[product.TermGuaranteeFeeGrain] || t.FeeGrainPct.Sample
	}
	sources := make(map[product.TermName]product.Source)
	for name, sample := range samples {
		if sample {
			sources[name] = product.Source{Document: sampleDocument, Sample: true}
		}
	}
	return terms, sources
}
