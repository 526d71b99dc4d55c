package repository

import (
	"context"
	"database/sql/driver"
	"fmt"
	"time"

	"github.com/shopspring/decimal"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
	"fumin/domain/schedule"
)

type applicationRow struct {
	ID                   domain.ID `gorm:"primaryKey"`
	ApplicationNo        string
	BranchID             domain.ID
	OfficerID            domain.ID
	BorrowerID           domain.ID
	HouseholdID          idColumn
	RegionCode           string
	ProductCode          string
	RenewsApplicationID  idColumn
	ProductVersionID     idColumn
	ReferenceRateID      idColumn
	Amount               decimal.Decimal
	TermMonths           int
	RepaymentMethod      string
	Harvests             harvestsColumn
	Purpose              string
	PurposeNote          string
	SiteVisitOn          dateColumn
	BureauConfirmationNo string
	ReliefIndustry       string
	ReliefBasis          string
	Status               string
	SubmittedBy          idColumn
	DecisionID           idColumn
	ApprovedAmount       decimal.NullDecimal
	ApprovedTermMonths   *int
	ApprovedRatePct      decimal.NullDecimal
	ApprovedBy           idColumn
	ApprovedAt           timeColumn
	ApprovedOnBehalfOf   idColumn

	ApprovedOverrideReason string

	Version   int
	CreatedAt time.Time
	UpdatedAt time.Time `gorm:"autoUpdateTime:false"`
}

func (applicationRow) TableName() string { return "applications" }

// harvestDocument is one harvest in the document of an application.
type harvestDocument struct {
	DueOn    string       `json:"due_on"`
	SharePct money.Rate   `json:"share_pct"`
	Amount   money.Amount `json:"amount"`
}

// harvestsColumn is the document, [] where there are no harvests. Rows from before there were any have NULL.
type harvestsColumn struct {
	Harvests []schedule.SeasonalInstalment
}

// Scan implements sql.Scanner.
func (c *harvestsColumn) Scan(src any) error {
	c.Harvests = nil
	if src == nil {
		return nil
	}
	var document jsonColumn[[]harvestDocument]
	if err := document.Scan(src); err != nil {
		return err
	}
	for _, h := range document.Content {
		on, err := domain.ParseDate(h.DueOn)
		if err != nil {
			return fmt.Errorf("harvest: %w", err)
		}
		c.Harvests = append(c.Harvests, schedule.SeasonalInstalment{DueOn: on, SharePct: h.SharePct, Amount: h.Amount})
	}
	return nil
}

// Value implements driver.Valuer.
func (c harvestsColumn) Value() (driver.Value, error) {
	documents := make([]harvestDocument, len(c.Harvests))
	for i, h := range c.Harvests {
		documents[i] = harvestDocument{DueOn: h.DueOn.String(), SharePct: h.SharePct, Amount: h.Amount}
	}
	return jsonColumn[[]harvestDocument]{documents}.Value()
}

func applicationToRow(r loan.Record) applicationRow {
	row := applicationRow{
		ID: r.ID, ApplicationNo: r.ApplicationNo, BranchID: r.BranchID, OfficerID: r.OfficerID,
		BorrowerID: r.BorrowerID, HouseholdID: idColumn{r.HouseholdID}, RegionCode: r.RegionCode,
		ProductCode: r.ProductCode, RenewsApplicationID: idColumn{r.RenewsApplicationID}, ProductVersionID: idColumn{r.ProductVersionID}, ReferenceRateID: idColumn{r.ReferenceRateID},
		Amount: r.Request.Amount.Decimal(), TermMonths: r.Request.TermMonths,
		RepaymentMethod: string(r.Request.RepaymentMethod), Harvests: harvestsColumn{r.Request.Harvests}, Purpose: string(r.Request.Purpose), PurposeNote: r.Request.PurposeNote,
		SiteVisitOn: dateColumn{r.Request.SiteVisitOn}, BureauConfirmationNo: r.Request.BureauConfirmationNo,
		ReliefIndustry: r.Request.ReliefIndustry, ReliefBasis: r.Request.ReliefBasis,
		Status: string(r.Status), SubmittedBy: idColumn{r.SubmittedBy}, DecisionID: idColumn{r.DecisionID},
		Version: r.Version, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
	if a := r.Approval; a != nil {
		row.ApprovedAmount = decimal.NewNullDecimal(a.Amount.Decimal())
		row.ApprovedTermMonths = &a.TermMonths
		row.ApprovedRatePct = decimal.NewNullDecimal(a.AnnualRate.Decimal())
		row.ApprovedBy = idColumn{a.ApprovedBy}
		row.ApprovedAt = timeColumn{a.ApprovedAt}
		row.ApprovedOnBehalfOf, row.ApprovedOverrideReason = idColumn{a.OnBehalfOf}, a.OverrideReason
	}
	return row
}

func applicationFromRow(row applicationRow) (loan.Record, error) {
	amount, err := money.AmountFromDecimal(row.Amount)
	if err != nil {
		return loan.Record{}, fmt.Errorf("application %s: amount: %w", row.ID, err)
	}
	method, err := schedule.ParseMethod(row.RepaymentMethod)
	if err != nil {
		return loan.Record{}, fmt.Errorf("application %s: %w", row.ID, err)
	}
	r := loan.Record{
		ID: row.ID, ApplicationNo: row.ApplicationNo, BranchID: row.BranchID, OfficerID: row.OfficerID,
		BorrowerID: row.BorrowerID, HouseholdID: row.HouseholdID.ID, RegionCode: row.RegionCode,
		ProductCode: row.ProductCode, RenewsApplicationID: row.RenewsApplicationID.ID, ProductVersionID: row.ProductVersionID.ID, ReferenceRateID: row.ReferenceRateID.ID,
		Request: loan.Request{
			Amount: amount, TermMonths: row.TermMonths, RepaymentMethod: method,
			Harvests: row.Harvests.Harvests, Purpose: loan.Purpose(row.Purpose), PurposeNote: row.PurposeNote,
			SiteVisitOn: row.SiteVisitOn.Date, BureauConfirmationNo: row.BureauConfirmationNo,
			ReliefIndustry: row.ReliefIndustry, ReliefBasis: row.ReliefBasis,
		},
		Status: loan.Status(row.Status), SubmittedBy: row.SubmittedBy.ID, DecisionID: row.DecisionID.ID,
		Version: row.Version, CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(),
	}
	if row.ApprovedAmount.Valid {
		if r.Approval, err = approvalFromRow(row); err != nil {
			return loan.Record{}, fmt.Errorf("application %s: %w", row.ID, err)
		}
	}
	// The reading half of the assertions: what cannot be is refused here as well.
	if _, err := loan.Restore(r); err != nil {
		return loan.Record{}, err
	}
	return r, nil
}

func approvalFromRow(row applicationRow) (*loan.Approval, error) {
	if row.ApprovedTermMonths == nil || !row.ApprovedRatePct.Valid || row.ApprovedAt.IsZero() {
		return nil, fmt.Errorf("approved without a term, a rate or a time")
	}
	amount, err := money.AmountFromDecimal(row.ApprovedAmount.Decimal)
	if err != nil {
		return nil, fmt.Errorf("approved amount: %w", err)
	}
	rate, err := money.RateFromDecimal(row.ApprovedRatePct.Decimal)
	if err != nil {
		return nil, fmt.Errorf("approved rate: %w", err)
	}
	return &loan.Approval{
		Amount: amount, TermMonths: *row.ApprovedTermMonths, AnnualRate: rate,
		ApprovedBy: row.ApprovedBy.ID, ApprovedAt: row.ApprovedAt.Time,
		OnBehalfOf: row.ApprovedOnBehalfOf.ID, OverrideReason: row.ApprovedOverrideReason,
	}, nil
}

func errApplicationNotFound() error {
	return domain.Errorf(domain.KindNotFound, "application-not-found", "没有这笔申请，或不在您的机构范围内")
}

// Application implements origination.ApplicationReader.
func (r reader) Application(ctx context.Context, scope domain.Scope, id domain.ID) (loan.Record, error) {
	return r.application(ctx, r.db, scope, id)
}

func (r reader) application(ctx context.Context, db *gorm.DB, scope domain.Scope, id domain.ID) (loan.Record, error) {
	var row applicationRow
	err := inScope(db.WithContext(ctx), "applications", scope).Where("applications.id = ?", id).Take(&row).Error
	if isNotFound(err) {
		return loan.Record{}, errApplicationNotFound()
	}
	if err != nil {
		return loan.Record{}, translateRead(ctx, err)
	}
	return applicationFromRow(row)
}

// Applications implements origination.ApplicationReader.
func (r reader) Applications(ctx context.Context, scope domain.Scope, f origination.ApplicationFilter, page domain.Page) ([]loan.Record, error) {
	query, err := r.casesPage(ctx, "applications", scope, string(f.Status), !f.BorrowerID.IsZero(), page)
	if err != nil {
		return nil, err
	}
	if !f.BorrowerID.IsZero() {
		query = query.Where("applications.borrower_id = ?", f.BorrowerID)
	}
	var rows []applicationRow
	if err := query.Find(&rows).Error; err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, applicationFromRow)
}

// LockApplication implements origination.ApplicationWriter: the root of a case is the first row a transaction locks.
func (t *tx) LockApplication(ctx context.Context, scope domain.Scope, id domain.ID) (*loan.Application, error) {
	rec, err := t.application(ctx, t.db.Clauses(clause.Locking{Strength: "UPDATE"}), scope, id)
	if err != nil {
		return nil, err
	}
	return loan.Restore(rec)
}

// InsertApplication implements origination.ApplicationWriter.
func (t *tx) InsertApplication(ctx context.Context, a *loan.Application, event loan.Event) error {
	row := applicationToRow(a.Record())
	if err := t.db.WithContext(ctx).Create(&row).Error; err != nil {
		if isDuplicate(err, "PRIMARY") {
			return domain.Errorf(domain.KindConflict, "id-exists", "这个编号的记录已存在，请换一个新的 id")
		}
		return err
	}
	return t.insertEvent(ctx, event)
}

// SaveApplication implements origination.ApplicationWriter. The version before the change must still be the stored one.
func (t *tx) SaveApplication(ctx context.Context, a *loan.Application, event loan.Event) error {
	row := applicationToRow(a.Record())
	result := t.db.WithContext(ctx).Model(&applicationRow{}).
		Where("id = ? AND version = ?", row.ID, row.Version-1).
		Select("*").Omit("id", "application_no", "branch_id", "officer_id", "borrower_id", "household_id", "region_code", "product_code", "renews_application_id", "created_at").
		Updates(row)
	if result.Error != nil {
		return result.Error
	}
	if result.RowsAffected != 1 {
		return errStaleVersion()
	}
	return t.insertEvent(ctx, event)
}

func errStaleVersion() error {
	return domain.Errorf(domain.KindConflict, "stale-version", "记录已被他人更新，请刷新后重试")
}

// mapRows converts a page of rows and stops at the first that cannot be.
func mapRows[R, V any](rows []R, from func(R) (V, error)) ([]V, error) {
	values := make([]V, 0, len(rows))
	for _, row := range rows {
		v, err := from(row)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, nil
}
