package repository

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
)

// guaranteeTermsDocument is loan.GuaranteeTerms as JSON: lists that are read and written together and never searched. Money is
// text, as everywhere in JSON.
type guaranteeTermsDocument struct {
	Name            string                   `json:"name"`
	Products        []string                 `json:"products"`
	RegionPrefix    string                   `json:"region_prefix"`
	CompanySharePct money.Rate               `json:"company_share_pct"`
	Fees            []guaranteeFeeDocument   `json:"fees,omitempty"`
	Quotas          []guaranteeQuotaDocument `json:"quotas"`
	From            domain.Date              `json:"from"`
	Until           domain.Date              `json:"until,omitzero"`
}

type guaranteeFeeDocument struct {
	Crop  loan.GuaranteeCrop `json:"crop"`
	From  money.Amount       `json:"from,omitzero"`
	Below money.Amount       `json:"below,omitzero"`
	Pct   money.Rate         `json:"pct"`
}

type guaranteeQuotaDocument struct {
	RegionPrefix string       `json:"region_prefix,omitempty"`
	Limit        money.Amount `json:"limit"`
	From         domain.Date  `json:"from"`
	Until        domain.Date  `json:"until,omitzero"`
}

func guaranteeTermsToDocument(t loan.GuaranteeTerms) guaranteeTermsDocument {
	return guaranteeTermsDocument{
		Name: t.Name, Products: t.Products, RegionPrefix: t.RegionPrefix, CompanySharePct: t.CompanySharePct, From: t.From, Until: t.Until,
		Fees:   convert(t.Fees, func(f loan.GuaranteeFee) guaranteeFeeDocument { return guaranteeFeeDocument(f) }),
		Quotas: convert(t.Quotas, func(q loan.GuaranteeQuota) guaranteeQuotaDocument { return guaranteeQuotaDocument(q) }),
	}
}

func (d guaranteeTermsDocument) terms() loan.GuaranteeTerms {
	return loan.GuaranteeTerms{
		Name: d.Name, Products: d.Products, RegionPrefix: d.RegionPrefix, CompanySharePct: d.CompanySharePct, From: d.From, Until: d.Until,
		Fees:   convert(d.Fees, func(f guaranteeFeeDocument) loan.GuaranteeFee { return loan.GuaranteeFee(f) }),
		Quotas: convert(d.Quotas, func(q guaranteeQuotaDocument) loan.GuaranteeQuota { return loan.GuaranteeQuota(q) }),
	}
}

type guaranteeCompanyRow struct {
	ID        domain.ID `gorm:"primaryKey"`
	Code      string
	Terms     *string
	Draft     *string
	DraftedBy idColumn
	Sample    bool
	Version   int
	CreatedAt time.Time
	UpdatedAt time.Time `gorm:"autoUpdateTime:false"`
}

func (guaranteeCompanyRow) TableName() string { return "guarantee_companies" }

func guaranteeTermsToColumn(t *loan.GuaranteeTerms) (*string, error) {
	if t == nil {
		return nil, nil //nolint:nilnil // NULL is a value here
	}
	text, err := json.Marshal(guaranteeTermsToDocument(*t))
	column := string(text)
	return &column, err
}

func guaranteeTermsFromColumn(column *string) (*loan.GuaranteeTerms, error) {
	if column == nil {
		return nil, nil //nolint:nilnil // NULL is a value here
	}
	var document guaranteeTermsDocument
	if err := json.Unmarshal([]byte(*column), &document); err != nil {
		return nil, err
	}
	terms := document.terms()
	return &terms, nil
}

func guaranteeCompanyToRow(r loan.GuaranteeCompanyRecord) (guaranteeCompanyRow, error) {
	terms, err := guaranteeTermsToColumn(r.Terms)
	if err != nil {
		return guaranteeCompanyRow{}, err
	}
	draft, err := guaranteeTermsToColumn(r.Draft)
	return guaranteeCompanyRow{
		ID: r.ID, Code: r.Code, Terms: terms, Draft: draft, DraftedBy: idColumn{r.DraftedBy}, Sample: r.Sample,
		Version: r.Version, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}, err
}

func guaranteeCompanyFromRow(row guaranteeCompanyRow) (loan.GuaranteeCompanyRecord, error) {
	r := loan.GuaranteeCompanyRecord{
		ID: row.ID, Code: row.Code, DraftedBy: row.DraftedBy.ID, Sample: row.Sample, Version: row.Version,
		CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(),
	}
	var errTerms, errDraft error
	r.Terms, errTerms = guaranteeTermsFromColumn(row.Terms)
	r.Draft, errDraft = guaranteeTermsFromColumn(row.Draft)
	for _, err := range []error{errTerms, errDraft} {
		if err != nil {
			return loan.GuaranteeCompanyRecord{}, fmt.Errorf("guarantee company %s: %w", row.ID, err)
		}
	}
	if _, err := loan.RestoreGuaranteeCompany(r); err != nil {
		return loan.GuaranteeCompanyRecord{}, err
	}
	return r, nil
}

func (r reader) guaranteeCompany(ctx context.Context, db *gorm.DB, id domain.ID) (loan.GuaranteeCompanyRecord, error) {
	var row guaranteeCompanyRow
	err := db.WithContext(ctx).Where("id = ?", id).Take(&row).Error
	if isNotFound(err) {
		return loan.GuaranteeCompanyRecord{}, domain.Errorf(domain.KindNotFound, "guarantee-company-not-found", "没有这家农担公司，请核对编号")
	}
	if err != nil {
		return loan.GuaranteeCompanyRecord{}, translateRead(ctx, err)
	}
	return guaranteeCompanyFromRow(row)
}

// GuaranteeCompany implements origination.GuaranteeReader.
func (r reader) GuaranteeCompany(ctx context.Context, id domain.ID) (loan.GuaranteeCompanyRecord, error) {
	return r.guaranteeCompany(ctx, r.db, id)
}

// GuaranteeCompanies implements origination.GuaranteeReader.
func (r reader) GuaranteeCompanies(ctx context.Context) ([]loan.GuaranteeCompanyRecord, error) {
	var rows []guaranteeCompanyRow
	if err := r.db.WithContext(ctx).Order("code").Limit(loan.GuaranteeCompaniesMax).Find(&rows).Error; err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, guaranteeCompanyFromRow)
}

// LockGuaranteeCompany implements origination.GuaranteeWriter.
func (t *tx) LockGuaranteeCompany(ctx context.Context, id domain.ID) (*loan.GuaranteeCompany, error) {
	rec, err := t.guaranteeCompany(ctx, t.db.Clauses(forUpdate), id)
	if err != nil {
		return nil, err
	}
	return loan.RestoreGuaranteeCompany(rec)
}

// InsertGuaranteeCompany implements origination.GuaranteeWriter.
func (t *tx) InsertGuaranteeCompany(ctx context.Context, c *loan.GuaranteeCompany, event loan.GuaranteeCompanyEvent) error {
	row, err := guaranteeCompanyToRow(c.Record())
	if err != nil {
		return err
	}
	err = t.db.WithContext(ctx).Create(&row).Error
	switch {
	case isDuplicate(err, "PRIMARY"):
		return errIDExists()
	case isDuplicate(err, "uk_guarantee_companies_code"):
		return domain.Errorf(domain.KindConflict, "guarantee-company-exists", "公司代码 %s 已使用，请换一个", row.Code)
	case err != nil:
		return err
	}
	return t.insertGuaranteeCompanyEvent(ctx, event)
}

// SaveGuaranteeCompany implements origination.GuaranteeWriter.
func (t *tx) SaveGuaranteeCompany(ctx context.Context, c *loan.GuaranteeCompany, event loan.GuaranteeCompanyEvent) error {
	row, err := guaranteeCompanyToRow(c.Record())
	if err != nil {
		return err
	}
	result := t.db.WithContext(ctx).Model(&guaranteeCompanyRow{}).Where("id = ? AND version = ?", row.ID, row.Version-1).
		Select("*").Omit("id", "code", "created_at").Updates(row)
	if result.Error != nil {
		return result.Error
	}
	if result.RowsAffected != 1 {
		return errStaleVersion()
	}
	return t.insertGuaranteeCompanyEvent(ctx, event)
}

type guaranteeCompanyEventRow struct {
	CompanyID domain.ID `gorm:"primaryKey"`
	Version   int       `gorm:"primaryKey;autoIncrement:false"`
	Action    string
	ActorID   domain.ID
	ActorName string
	ActorRole string
	At        time.Time
	Terms     jsonColumn[guaranteeTermsDocument]
}

func (guaranteeCompanyEventRow) TableName() string { return "guarantee_company_events" }

func (t *tx) insertGuaranteeCompanyEvent(ctx context.Context, e loan.GuaranteeCompanyEvent) error {
	row := guaranteeCompanyEventRow{
		CompanyID: e.CompanyID, Version: e.Version, Action: string(e.Action), ActorID: e.ActorID, ActorName: e.ActorName,
		ActorRole: string(e.ActorRole), At: e.At, Terms: jsonColumn[guaranteeTermsDocument]{guaranteeTermsToDocument(e.Terms)},
	}
	err := t.db.WithContext(ctx).Create(&row).Error
	if isDuplicate(err, "PRIMARY") {
		return errStaleVersion()
	}
	return err
}

// GuaranteeCompanyEvents implements origination.GuaranteeReader.
func (r reader) GuaranteeCompanyEvents(ctx context.Context, id domain.ID) ([]loan.GuaranteeCompanyEvent, error) {
	var rows []guaranteeCompanyEventRow
	err := r.db.WithContext(ctx).Where("company_id = ?", id).Order("version").Limit(loan.GuaranteeCompanyEventsMax).Find(&rows).Error
	if err != nil {
		return nil, translateRead(ctx, err)
	}
	return convert(rows, func(row guaranteeCompanyEventRow) loan.GuaranteeCompanyEvent {
		return loan.GuaranteeCompanyEvent{
			CompanyID: row.CompanyID, Version: row.Version, Action: loan.Action(row.Action), ActorID: row.ActorID, ActorName: row.ActorName,
			ActorRole: domain.Role(row.ActorRole), At: row.At.UTC(), Terms: row.Terms.Content.terms(),
		}
	}), nil
}
