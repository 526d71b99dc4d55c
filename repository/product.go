package repository

import (
	"context"
	"fmt"
	"time"

	"github.com/shopspring/decimal"
	"gorm.io/gorm/clause"

	"fumin/domain"
	"fumin/domain/money"
	"fumin/domain/origination"
	"fumin/domain/product"
	"fumin/domain/schedule"
)

type productRow struct {
	Code         string `gorm:"primaryKey"`
	Name         string
	ExposureUnit string
	Revolving    bool
	Sample       bool
	Document     jsonColumn[productDocument]
}

func (productRow) TableName() string { return "products" }

// productDocument is the lists of a product.
type productDocument struct {
	BorrowerKinds []string          `json:"borrower_kinds"`
	Channels      []product.Channel `json:"channels"`
	Partners      []product.Partner `json:"partners"`
}

func productToRow(p product.Product) productRow {
	return productRow{
		Code: p.Code, Name: p.Name, ExposureUnit: string(p.ExposureUnit), Revolving: p.Revolving, Sample: p.Sample,
		Document: jsonColumn[productDocument]{productDocument{p.BorrowerKinds, p.Channels, p.Partners}},
	}
}

func productFromRow(row productRow) (product.Product, error) {
	p := product.Product{
		Code: row.Code, Name: row.Name, ExposureUnit: product.ExposureUnit(row.ExposureUnit), Revolving: row.Revolving, Sample: row.Sample,
		BorrowerKinds: row.Document.Content.BorrowerKinds, Channels: row.Document.Content.Channels, Partners: row.Document.Content.Partners,
	}
	if err := p.Validate(); err != nil {
		return product.Product{}, fmt.Errorf("product %s: %w", row.Code, err)
	}
	return p, nil
}

type productVersionRow struct {
	ID            domain.ID `gorm:"primaryKey"`
	ProductCode   string
	RegionPrefix  string
	EffectiveFrom dateColumn
	EffectiveTo   dateColumn
	Status        string
	MadeBy        domain.ID
	MadeAt        time.Time
	ActivatedBy   idColumn
	ActivatedAt   timeColumn
	Revision      int
	BaseID        idColumn
	Document      jsonColumn[versionDocument]
}

func (productVersionRow) TableName() string { return "product_versions" }

// versionDocument is the terms of a version as they are kept, under the names the API has for them. It is a type of its
// own, so that renaming a field of the domain does not silently lose what is stored.
type versionDocument struct {
	Overridden []product.TermName                  `json:"overridden"`
	Source     sourceDocument                      `json:"source"`
	Sources    map[product.TermName]sourceDocument `json:"sources"`

	AmountMin               money.Amount        `json:"amount_min"`
	AmountMax               money.Amount        `json:"amount_max"`
	TermMonthsMin           int                 `json:"term_months_min"`
	TermMonthsMax           int                 `json:"term_months_max"`
	AgeMin                  int                 `json:"age_min"`
	AgePlusTermMax          int                 `json:"age_plus_term_max"`
	Price                   priceDocument       `json:"price"`
	RepaymentMethods        []schedule.Method   `json:"repayment_methods"`
	Guarantee               []tierDocument      `json:"guarantee"`
	Documents               []paperDocument     `json:"documents"`
	ForbiddenPurposes       []string            `json:"forbidden_purposes"`
	QuickApprovalMax        money.Amount        `json:"quick_approval_max"`
	EntrustedPayment        []entrustedDocument `json:"entrusted_payment"`
	BusinessAgeMonthsMin    int                 `json:"business_age_months_min"`
	InterestSubsidySharePct money.Rate          `json:"interest_subsidy_share_pct"`
	SiteVisitRequired       bool                `json:"site_visit_required"`
	CoolingOffHours         int                 `json:"cooling_off_hours"`
	CoolingOffWaivable      bool                `json:"cooling_off_waivable"`
	MemberSignaturesMin     int                 `json:"member_signatures_min"`
	DrawMin                 money.Amount        `json:"draw_min"`
	DrawMax                 money.Amount        `json:"draw_max"`
	PurposeEvidenceDays     int                 `json:"purpose_evidence_days,omitempty"`
	RenewalDays             int                 `json:"renewal_without_repayment_days"`
}

type sourceDocument struct {
	Document string `json:"document"`
	Sample   bool   `json:"sample"`
}

type priceDocument struct {
	Base             product.Base     `json:"base"`
	FixedPct         money.Rate       `json:"fixed_pct"`
	SpreadBPMax      int              `json:"spread_bp_max"`
	AnnualRateMaxPct money.Rate       `json:"annual_rate_max_pct"`
	Reliefs          []reliefDocument `json:"reliefs"`
}

type reliefDocument struct {
	Industry     string `json:"industry"`
	SpreadBPLess int    `json:"spread_bp_less"`
}

type tierDocument struct {
	From              money.Amount          `json:"from"`
	Below             money.Amount          `json:"below"`
	Kind              product.GuaranteeKind `json:"kind"`
	FeeMaxPct         money.Rate            `json:"fee_max_pct"`
	FeeMaxGrainPct    money.Rate            `json:"fee_max_grain_pct"`
	CounterSpouseUpTo money.Amount          `json:"counter_spouse_up_to"`
}

type paperDocument struct {
	BorrowerKind string `json:"borrower_kind"`
	Type         string `json:"type"`
	Key          bool   `json:"key"`
	DeferDaysMax int    `json:"defer_days_max"`
	Blocks       string `json:"blocks"`
	Expires      bool   `json:"expires"`
	Sample       bool   `json:"sample"`
}

type entrustedDocument struct {
	PurposeKind string       `json:"purpose_kind"`
	Above       money.Amount `json:"above"`
}

func versionToRow(v product.Version) productVersionRow {
	d := versionDocument{
		Overridden: v.Overridden, Source: sourceDocument(v.Source), Sources: make(map[product.TermName]sourceDocument, len(v.Sources)),
		AmountMin: v.AmountMin, AmountMax: v.AmountMax, TermMonthsMin: v.TermMonthsMin, TermMonthsMax: v.TermMonthsMax,
		AgeMin: v.AgeMin, AgePlusTermMax: v.AgePlusTermMax,
		Price: priceDocument{
			Base: v.Price.Base, FixedPct: v.Price.FixedPct, SpreadBPMax: v.Price.SpreadBPMax, AnnualRateMaxPct: v.Price.AnnualRateMaxPct,
			Reliefs: convert(v.Price.Reliefs, func(r product.Relief) reliefDocument { return reliefDocument(r) }),
		},
		RepaymentMethods:  v.RepaymentMethods,
		Guarantee:         convert(v.Guarantee, func(g product.GuaranteeTier) tierDocument { return tierDocument(g) }),
		Documents:         convert(v.Documents, func(p product.Document) paperDocument { return paperDocument(p) }),
		ForbiddenPurposes: v.ForbiddenPurposes, QuickApprovalMax: v.QuickApprovalMax,
		EntrustedPayment: convert(v.EntrustedPayment, func(e product.EntrustedPaymentAmount) entrustedDocument {
			return entrustedDocument(e)
		}),
		BusinessAgeMonthsMin: v.BusinessAgeMonthsMin, InterestSubsidySharePct: v.InterestSubsidySharePct, SiteVisitRequired: v.SiteVisitRequired,
		CoolingOffHours: v.CoolingOffHours, CoolingOffWaivable: v.CoolingOffWaivable, MemberSignaturesMin: v.MemberSignaturesMin,
		DrawMin: v.DrawMin, DrawMax: v.DrawMax, RenewalDays: v.RenewalDays,
		PurposeEvidenceDays: v.PurposeEvidenceDays,
	}
	for name, source := range v.Sources {
		d.Sources[name] = sourceDocument(source)
	}
	return productVersionRow{
		ID: v.ID, ProductCode: v.ProductCode, RegionPrefix: v.RegionPrefix,
		EffectiveFrom: dateColumn{v.EffectiveFrom}, EffectiveTo: dateColumn{v.EffectiveTo}, Status: string(v.Status),
		MadeBy: v.MadeBy, MadeAt: v.MadeAt, ActivatedBy: idColumn{v.ActivatedBy}, ActivatedAt: timeColumn{v.ActivatedAt},
		Revision: v.Revision, BaseID: idColumn{v.BaseID}, Document: jsonColumn[versionDocument]{d},
	}
}

func versionFromRow(row productVersionRow) (product.Version, error) {
	d := row.Document.Content
	v := product.Version{
		ID: row.ID, ProductCode: row.ProductCode, RegionPrefix: row.RegionPrefix,
		EffectiveFrom: row.EffectiveFrom.Date, EffectiveTo: row.EffectiveTo.Date, Status: product.Status(row.Status),
		MadeBy: row.MadeBy, MadeAt: row.MadeAt.UTC(), ActivatedBy: row.ActivatedBy.ID, ActivatedAt: row.ActivatedAt.Time,
		Revision: row.Revision, BaseID: row.BaseID.ID, Overridden: d.Overridden, Source: product.Source(d.Source),
		Terms: product.Terms{
			AmountMin: d.AmountMin, AmountMax: d.AmountMax, TermMonthsMin: d.TermMonthsMin, TermMonthsMax: d.TermMonthsMax,
			AgeMin: d.AgeMin, AgePlusTermMax: d.AgePlusTermMax,
			Price: product.Price{
				Base: d.Price.Base, FixedPct: d.Price.FixedPct, SpreadBPMax: d.Price.SpreadBPMax, AnnualRateMaxPct: d.Price.AnnualRateMaxPct,
				Reliefs: convert(d.Price.Reliefs, func(r reliefDocument) product.Relief { return product.Relief(r) }),
			},
			RepaymentMethods:  d.RepaymentMethods,
			Guarantee:         convert(d.Guarantee, func(g tierDocument) product.GuaranteeTier { return product.GuaranteeTier(g) }),
			Documents:         convert(d.Documents, func(p paperDocument) product.Document { return product.Document(p) }),
			ForbiddenPurposes: d.ForbiddenPurposes, QuickApprovalMax: d.QuickApprovalMax,
			EntrustedPayment: convert(d.EntrustedPayment, func(e entrustedDocument) product.EntrustedPaymentAmount {
				return product.EntrustedPaymentAmount(e)
			}),
			BusinessAgeMonthsMin: d.BusinessAgeMonthsMin, InterestSubsidySharePct: d.InterestSubsidySharePct, SiteVisitRequired: d.SiteVisitRequired,
			CoolingOffHours: d.CoolingOffHours, CoolingOffWaivable: d.CoolingOffWaivable, MemberSignaturesMin: d.MemberSignaturesMin,
			DrawMin: d.DrawMin, DrawMax: d.DrawMax, RenewalDays: d.RenewalDays,
			PurposeEvidenceDays: d.PurposeEvidenceDays,
		},
	}
	if len(d.Sources) > 0 {
		v.Sources = make(map[product.TermName]product.Source, len(d.Sources))
		for name, source := range d.Sources {
			v.Sources[name] = product.Source(source)
		}
	}
	if v.Status == product.StatusDraft {
		return v, nil // a draft may contradict itself; its maker is told where when it is validated
	}
	if err := v.Validate(); err != nil {
		return product.Version{}, fmt.Errorf("product version %s: %w", row.ID, err)
	}
	return v, nil
}

// convert maps a list and keeps an absent one absent.
func convert[A, B any](from []A, one func(A) B) []B {
	if from == nil {
		return nil
	}
	to := make([]B, len(from))
	for i, a := range from {
		to[i] = one(a)
	}
	return to
}

type referenceRateRow struct {
	ID          domain.ID `gorm:"primaryKey"`
	PublishedOn dateColumn
	Revision    int
	OneYearPct  decimal.Decimal
	FiveYearPct decimal.Decimal
	Reason      string
	Source      string
}

func (referenceRateRow) TableName() string { return "reference_rates" }

func referenceRateFromRow(row referenceRateRow) (product.ReferenceRate, error) {
	oneYear, err := money.RateFromDecimal(row.OneYearPct)
	if err != nil {
		return product.ReferenceRate{}, fmt.Errorf("reference rate %s: one year: %w", row.ID, err)
	}
	fiveYear, err := money.RateFromDecimal(row.FiveYearPct)
	if err != nil {
		return product.ReferenceRate{}, fmt.Errorf("reference rate %s: five years: %w", row.ID, err)
	}
	return product.ReferenceRate{
		ID: row.ID, PublishedOn: row.PublishedOn.Date, Revision: row.Revision, OneYearPct: oneYear, FiveYearPct: fiveYear,
		Reason: row.Reason, Source: row.Source,
	}, nil
}

// Product implements origination.ProductReader.
func (r reader) Product(ctx context.Context, code string) (product.Product, error) {
	var row productRow
	err := r.db.WithContext(ctx).Where("code = ?", code).Take(&row).Error
	if isNotFound(err) {
		return product.Product{}, errProductNotFound()
	}
	if err != nil {
		return product.Product{}, translateRead(ctx, err)
	}
	return productFromRow(row)
}

func errProductNotFound() error {
	return domain.Errorf(domain.KindNotFound, "product-not-found", "没有这个贷款产品")
}

// productsMax bounds the catalogue.
const productsMax = 1000

// Products implements origination.ProductReader.
func (r reader) Products(ctx context.Context) ([]product.Product, error) {
	var rows []productRow
	if err := r.db.WithContext(ctx).Order("code").Limit(productsMax).Find(&rows).Error; err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, productFromRow)
}

// regionPrefixLengths are the lengths a region code has at each level (GB/T 2260 and the statistical codes below it).
var regionPrefixLengths = []int{2, 4, 6, 9, 12}

// ProductVersions implements origination.ProductReader: the region's own prefixes are named one by one, so the index is used.
func (r reader) ProductVersions(ctx context.Context, code, region string) ([]product.Version, error) {
	var prefixes []string
	for _, n := range regionPrefixLengths {
		if n <= len(region) {
			prefixes = append(prefixes, region[:n])
		}
	}
	var rows []productVersionRow
	err := r.db.WithContext(ctx).Where("product_code = ? AND region_prefix IN ?", code, prefixes).
		Order("effective_from, id").Limit(product.VersionsMax).Find(&rows).Error
	if err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, versionFromRow)
}

// ProductVersion implements origination.ProductReader.
func (r reader) ProductVersion(ctx context.Context, id domain.ID) (product.Version, error) {
	var row productVersionRow
	err := r.db.WithContext(ctx).Where("id = ?", id).Take(&row).Error
	if isNotFound(err) {
		return product.Version{}, domain.Errorf(domain.KindNotFound, "product-version-not-found", "没有这个产品版本")
	}
	if err != nil {
		return product.Version{}, translateRead(ctx, err)
	}
	return versionFromRow(row)
}

// AllProductVersions implements origination.ProductReader.
func (r reader) AllProductVersions(ctx context.Context, code string) ([]product.Version, error) {
	var rows []productVersionRow
	err := r.db.WithContext(ctx).Where("product_code = ?", code).
		Order("region_prefix, effective_from, id").Limit(product.VersionsMax).Find(&rows).Error
	if err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, versionFromRow)
}

// ProductVersionPage implements origination.ProductReader.
func (r reader) ProductVersionPage(ctx context.Context, code string, filter origination.ProductVersionFilter, page domain.Page) ([]product.Version, error) {
	query := r.db.WithContext(ctx).Where("product_code = ?", code)
	if filter.OnlyActive {
		query = query.Where("status = ?", string(product.StatusActive))
	}
	if !page.After.IsZero() {
		query = query.Where("id < ?", page.After)
	}
	var rows []productVersionRow
	if err := query.Order("id DESC").Limit(page.Limit).Find(&rows).Error; err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, versionFromRow)
}

// ReferenceRates implements origination.ProductReader.
func (r reader) ReferenceRates(ctx context.Context) (product.ReferenceRates, error) {
	var rows []referenceRateRow
	err := r.db.WithContext(ctx).Order("published_on, revision").Limit(product.ReferenceRatesMax).Find(&rows).Error
	if err != nil {
		return product.ReferenceRates{}, translateRead(ctx, err)
	}
	rates, err := mapRows(rows, referenceRateFromRow)
	if err != nil {
		return product.ReferenceRates{}, err
	}
	return product.NewReferenceRates(rates)
}

// PutProduct implements origination.ProductWriter.
func (t *tx) PutProduct(ctx context.Context, p product.Product) error {
	row := productToRow(p)
	return t.db.WithContext(ctx).Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "code"}},
		DoUpdates: clause.AssignmentColumns([]string{"name", "exposure_unit", "revolving", "sample", "document"}),
	}).Create(&row).Error
}

// InsertProductVersion implements origination.ProductWriter.
func (t *tx) InsertProductVersion(ctx context.Context, v product.Version) (inserted bool, err error) {
	row := versionToRow(v)
	return insertedUnlessThere(t.db.WithContext(ctx).Create(&row).Error)
}

// InsertReferenceRate implements origination.ProductWriter.
func (t *tx) InsertReferenceRate(ctx context.Context, r product.ReferenceRate) (inserted bool, err error) {
	row := referenceRateRow{
		ID: r.ID, PublishedOn: dateColumn{r.PublishedOn}, Revision: r.Revision,
		OneYearPct: r.OneYearPct.Decimal(), FiveYearPct: r.FiveYearPct.Decimal(), Reason: r.Reason, Source: r.Source,
	}
	err = t.db.WithContext(ctx).Create(&row).Error
	if isDuplicate(err, "uk_reference_rates_published") {
		return false, domain.Errorf(domain.KindConflict, "stale-version", "%s 的 LPR 刚被他人录入或更正，请重新读取后再办理", r.PublishedOn)
	}
	return insertedUnlessThere(err)
}

// LockProduct implements origination.ProductWriter.
func (t *tx) LockProduct(ctx context.Context, code string) (product.Product, error) {
	var row productRow
	err := t.db.WithContext(ctx).Clauses(clause.Locking{Strength: "UPDATE"}).Where("code = ?", code).Take(&row).Error
	if isNotFound(err) {
		return product.Product{}, errProductNotFound()
	}
	if err != nil {
		return product.Product{}, translateRead(ctx, err)
	}
	return productFromRow(row)
}

// SaveProductVersion implements origination.ProductWriter.
func (t *tx) SaveProductVersion(ctx context.Context, v product.Version, event product.Event) error {
	row := versionToRow(v)
	result := t.db.WithContext(ctx).Model(&productVersionRow{}).Where("id = ? AND revision = ?", v.ID, v.Revision-1).
		Select("*").Omit("id", "product_code").Updates(row)
	switch {
	case isDuplicate(result.Error, "uk_product_versions_active"):
		return domain.Errorf(domain.KindConflict, "version-conflict", "%s 起本地区已有一个生效版本，请另选生效日期", v.EffectiveFrom)
	case result.Error != nil:
		return result.Error
	case result.RowsAffected != 1:
		return errStaleVersion()
	}
	return t.InsertProductEvent(ctx, event)
}

// insertedUnlessThere tells an insert from one whose id was there already: by the error of a plain INSERT, because what an
// upsert reports differs between servers.
func insertedUnlessThere(err error) (inserted bool, _ error) {
	if isDuplicate(err, "PRIMARY") {
		return false, nil
	}
	return err == nil, err
}
