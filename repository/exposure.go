package repository

import (
	"context"
	"fmt"
	"time"

	"github.com/shopspring/decimal"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"fumin/domain"
	"fumin/domain/money"
	"fumin/domain/origination"
	"fumin/domain/product"
)

type exposureUnitRow struct {
	Kind   string    `gorm:"primaryKey"`
	UnitID domain.ID `gorm:"primaryKey"`
}

func (exposureUnitRow) TableName() string { return "exposure_units" }

type exposureRow struct {
	ApplicationID domain.ID `gorm:"primaryKey"`
	HouseholdID   idColumn
	BorrowerID    domain.ID
	BranchID      domain.ID
	ProductCode   string
	Amount        decimal.Decimal
	State         string
	ApprovedAt    timeColumn
	UpdatedAt     time.Time `gorm:"autoUpdateTime:false"`
}

func (exposureRow) TableName() string { return "exposures" }

func exposureFromRow(row exposureRow) (origination.Exposure, error) {
	amount, err := money.AmountFromDecimal(row.Amount)
	if err != nil {
		return origination.Exposure{}, fmt.Errorf("exposure of %s: %w", row.ApplicationID, err)
	}
	return origination.Exposure{
		ApplicationID: row.ApplicationID, HouseholdID: row.HouseholdID.ID, BorrowerID: row.BorrowerID, BranchID: row.BranchID,
		ProductCode: row.ProductCode, Amount: amount, State: origination.ExposureState(row.State),
		ApprovedAt: row.ApprovedAt.Time, UpdatedAt: row.UpdatedAt.UTC(),
	}, nil
}

// LockExposureUnit implements origination.ExposureWriter. A missing row is made by an INSERT that, where another was faster,
// takes the other's row exclusively: a plain INSERT would leave every loser with a shared lock, and all of them waiting for
// each other. The key is the primary one, so no gap is locked.
func (t *tx) LockExposureUnit(ctx context.Context, unit origination.ExposureUnit) error {
	row := exposureUnitRow{Kind: string(unit.Kind), UnitID: unit.ID}
	var there exposureUnitRow
	err := t.db.WithContext(ctx).Clauses(clause.Locking{Strength: "UPDATE"}).
		Where("kind = ? AND unit_id = ?", row.Kind, row.UnitID).Take(&there).Error
	if !isNotFound(err) {
		return err
	}
	return t.db.WithContext(ctx).Clauses(clause.OnConflict{DoUpdates: clause.AssignmentColumns([]string{"kind"})}).Create(&row).Error
}

// PutExposure implements origination.ExposureWriter.
func (t *tx) PutExposure(ctx context.Context, e origination.Exposure) error {
	row := exposureRow{
		ApplicationID: e.ApplicationID, HouseholdID: idColumn{e.HouseholdID}, BorrowerID: e.BorrowerID, BranchID: e.BranchID,
		ProductCode: e.ProductCode, Amount: e.Amount.Decimal(), State: string(e.State), ApprovedAt: timeColumn{e.ApprovedAt},
		UpdatedAt: e.UpdatedAt,
	}
	return t.db.WithContext(ctx).
		Clauses(clause.OnConflict{DoUpdates: clause.AssignmentColumns([]string{"amount", "state", "approved_at", "updated_at"})}).
		Create(&row).Error
}

// ExposureOf implements origination.ExposureReader.
func (r reader) ExposureOf(ctx context.Context, applicationID domain.ID) (exposure origination.Exposure, found bool, err error) {
	var row exposureRow
	err = r.db.WithContext(ctx).Where("application_id = ?", applicationID).Take(&row).Error
	if isNotFound(err) {
		return origination.Exposure{}, false, nil
	}
	if err != nil {
		return origination.Exposure{}, false, translateRead(ctx, err)
	}
	exposure, err = exposureFromRow(row)
	return exposure, err == nil, err
}

// ofUnits narrows a query to the cases of units of one kind: counted.unit_id says whose, and each case is there once for each. A
// household has those that were opened for it, and those of the borrowers whose files name it now.
func ofUnits(db *gorm.DB, kind product.ExposureUnit, ids ...domain.ID) *gorm.DB {
	const join = "JOIN (?) counted ON counted.application_id = exposures.application_id"
	fresh := db.Session(&gorm.Session{NewDB: true})
	if kind != product.ExposureHousehold {
		return db.Joins(join, fresh.Raw("SELECT borrower_id AS unit_id, application_id FROM exposures WHERE borrower_id IN ?", ids))
	}
	return db.Joins(join, fresh.Raw(`SELECT household_id AS unit_id, application_id FROM exposures WHERE household_id IN ?
		UNION SELECT borrowers.household_id, of_people.application_id FROM borrowers
			JOIN exposures of_people ON of_people.borrower_id = borrowers.id WHERE borrowers.household_id IN ?`, ids, ids))
}

// BorrowersIn implements origination.ExposureReader.
func (r reader) BorrowersIn(ctx context.Context, householdIDs ...domain.ID) ([]domain.ID, error) {
	if len(householdIDs) == 0 {
		return nil, nil
	}
	var ids []domain.ID
	err := r.db.WithContext(ctx).Model(&borrowerRow{}).Where("household_id IN ?", householdIDs).
		Order("id").Limit(origination.HouseholdFilesMax).Pluck("id", &ids).Error
	return ids, translateRead(ctx, err)
}

// exposuresCounted are the exposures that count against the limits: those not given back, and of a renewal and the line it
// renews the greater; where they are equal, the renewal.
func exposuresCounted(db *gorm.DB) *gorm.DB {
	return db.Table("exposures").Where("exposures.state <> ?", string(origination.ExposureReleased)).
		Where(`NOT EXISTS (SELECT 1 FROM applications renewals JOIN exposures reserved ON reserved.application_id = renewals.id
			WHERE renewals.renews_application_id = exposures.application_id AND reserved.state = 'reserved' AND reserved.amount >= exposures.amount)`).
		Where(`NOT EXISTS (SELECT 1 FROM applications renewals JOIN exposures renewed ON renewed.application_id = renewals.renews_application_id
			WHERE renewals.id = exposures.application_id AND exposures.state = 'reserved' AND renewed.amount > exposures.amount)`)
}

// exposureSumRow is what a unit has of one product.
type exposureSumRow struct {
	UnitID      domain.ID
	ProductCode string
	Amount      decimal.Decimal
}

func exposureSumFromRow(row exposureSumRow) (origination.ExposureSum, error) {
	amount, err := money.AmountFromDecimal(row.Amount)
	if err != nil {
		return origination.ExposureSum{}, fmt.Errorf("exposure of unit %s: %w", row.UnitID, err)
	}
	return origination.ExposureSum{ProductCode: row.ProductCode, Amount: amount}, nil
}

// ExposureSums implements origination.ExposureReader.
func (r reader) ExposureSums(ctx context.Context, unit origination.ExposureUnit, without ...domain.ID) ([]origination.ExposureSum, error) {
	query := ofUnits(exposuresCounted(r.db.WithContext(ctx)), unit.Kind, unit.ID).Select("exposures.product_code, SUM(exposures.amount) AS amount")
	if len(without) > 0 {
		query = query.Where("exposures.application_id NOT IN ?", without)
	}
	var rows []exposureSumRow
	if err := query.Group("exposures.product_code").Order("exposures.product_code").Find(&rows).Error; err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, exposureSumFromRow)
}

// Exposures implements origination.ExposureReader.
func (r reader) Exposures(ctx context.Context, scope domain.Scope, unit origination.ExposureUnit) ([]origination.Exposure, error) {
	var rows []exposureRow
	err := ofUnits(inScope(r.db.WithContext(ctx), "exposures", scope), unit.Kind, unit.ID).
		Order("exposures.application_id DESC").Limit(origination.ExposuresMax).Find(&rows).Error
	if err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, exposureFromRow)
}

// DueApprovals implements origination.ExposureReader.
func (r reader) DueApprovals(ctx context.Context, upTo time.Time, after origination.DueApproval, limit int) ([]origination.DueApproval, error) {
	query := r.db.WithContext(ctx).Table("exposures").Select("application_id", "approved_at").Where("approved_at <= ?", upTo)
	if !after.ApplicationID.IsZero() {
		query = query.Where("approved_at >= ? AND (approved_at > ? OR application_id > ?)", after.ApprovedAt, after.ApprovedAt, after.ApplicationID)
	}
	var due []origination.DueApproval
	err := query.Order("approved_at, application_id").Limit(limit).Find(&due).Error
	return due, translateRead(ctx, err)
}

type lenderLimitRow struct {
	ID            domain.ID `gorm:"primaryKey"`
	Name          string
	BorrowerKinds jsonColumn[[]string]
	Amount        decimal.Decimal
	EffectiveFrom dateColumn
	Source        string
	MadeBy        domain.ID
	MadeAt        time.Time
	ActivatedBy   idColumn
	ActivatedAt   timeColumn
	Loaded        bool
}

func (lenderLimitRow) TableName() string { return "lender_limits" }

func lenderLimitFromRow(row lenderLimitRow) (origination.LenderLimit, error) {
	amount, err := money.AmountFromDecimal(row.Amount)
	if err != nil {
		return origination.LenderLimit{}, fmt.Errorf("lender limit %s: %w", row.ID, err)
	}
	l := origination.LenderLimit{
		ID: row.ID, Name: row.Name, BorrowerKinds: row.BorrowerKinds.Content, Amount: amount, EffectiveFrom: row.EffectiveFrom.Date,
		Source: row.Source, MadeBy: row.MadeBy, MadeAt: row.MadeAt.UTC(), ActivatedBy: row.ActivatedBy.ID,
		ActivatedAt: row.ActivatedAt.Time, Loaded: row.Loaded,
	}
	return l, l.Validate()
}

// LenderLimits implements origination.ExposureReader.
func (r reader) LenderLimits(ctx context.Context) ([]origination.LenderLimit, error) {
	var rows []lenderLimitRow
	err := r.db.WithContext(ctx).Order("effective_from DESC, id DESC").Limit(origination.LenderLimitsMax).Find(&rows).Error
	if err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, lenderLimitFromRow)
}

// LockLenderLimit implements origination.ExposureWriter.
func (t *tx) LockLenderLimit(ctx context.Context, id domain.ID) (origination.LenderLimit, error) {
	var row lenderLimitRow
	err := t.db.WithContext(ctx).Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ?", id).Take(&row).Error
	if isNotFound(err) {
		return origination.LenderLimit{}, domain.Errorf(domain.KindNotFound, "lender-limit-not-found", "没有这条授信上限，请核对编号")
	}
	if err != nil {
		return origination.LenderLimit{}, err
	}
	return lenderLimitFromRow(row)
}

// InsertLenderLimit implements origination.ExposureWriter.
func (t *tx) InsertLenderLimit(ctx context.Context, l origination.LenderLimit) (inserted bool, err error) {
	return insertedUnlessThere(t.db.WithContext(ctx).Create(&lenderLimitRow{
		ID: l.ID, Name: l.Name, BorrowerKinds: jsonColumn[[]string]{l.BorrowerKinds}, Amount: l.Amount.Decimal(),
		EffectiveFrom: dateColumn{l.EffectiveFrom}, Source: l.Source, MadeBy: l.MadeBy, MadeAt: l.MadeAt,
		ActivatedBy: idColumn{l.ActivatedBy}, ActivatedAt: timeColumn{l.ActivatedAt}, Loaded: l.Loaded,
	}).Error)
}

// ActivateLenderLimit implements origination.ExposureWriter.
func (t *tx) ActivateLenderLimit(ctx context.Context, id, by domain.ID, at time.Time) error {
	result := t.db.WithContext(ctx).Model(&lenderLimitRow{}).Where("id = ? AND activated_at IS NULL", id).
		Updates(map[string]any{"activated_by": idColumn{by}, "activated_at": timeColumn{at}})
	if result.Error != nil {
		return result.Error
	}
	if result.RowsAffected != 1 {
		return errStaleVersion()
	}
	return nil
}
