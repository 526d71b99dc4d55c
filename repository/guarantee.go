package repository

import (
	"context"
	"fmt"
	"time"

	"github.com/shopspring/decimal"
	"gorm.io/gorm"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
)

type guaranteeRow struct {
	ID                domain.ID `gorm:"primaryKey"`
	ApplicationID     domain.ID
	BranchID          domain.ID
	BorrowerID        domain.ID
	CompanyID         domain.ID
	RegionCode        string
	ProductCode       string
	Amount            decimal.Decimal
	TermMonths        int
	Crop              string
	FeeMaxPct         decimal.Decimal
	CounterSpouseUpTo decimal.Decimal
	Status            string
	LiveApplicationID idColumn
	RequestedBy       domain.ID
	RequestedAt       time.Time
	Decision          *string
	LetterNo          string
	LetterAmount      decimal.Decimal
	FeePct            decimal.Decimal
	ExpiresOn         dateColumn
	Conditions        string
	CounterGuarantee  string
	CounterNote       string
	RefusalReason     string
	AnsweredBy        idColumn
	AnsweredAt        timeColumn
	FulfilledBy       idColumn
	FulfilledAt       timeColumn
	FulfilledHow      string
	QuotaState        string
	QuotaHeld         decimal.Decimal
	Version           int
}

func (guaranteeRow) TableName() string { return "guarantees" }

func guaranteeToRow(r loan.GuaranteeRecord) guaranteeRow {
	row := guaranteeRow{
		ID: r.ID, ApplicationID: r.ApplicationID, BranchID: r.BranchID, BorrowerID: r.BorrowerID, CompanyID: r.CompanyID,
		RegionCode: r.RegionCode, ProductCode: r.ProductCode, Amount: r.Request.Amount.Decimal(), TermMonths: r.Request.TermMonths,
		Crop: string(r.Request.Crop), FeeMaxPct: r.Request.FeeMaxPct.Decimal(), CounterSpouseUpTo: r.Request.CounterSpouseUpTo.Decimal(),
		Status: string(r.Status), RequestedBy: r.RequestedBy, RequestedAt: r.RequestedAt, CounterGuarantee: string(loan.CounterNone),
		AnsweredBy: idColumn{r.AnsweredBy}, AnsweredAt: timeColumn{r.AnsweredAt},
		FulfilledBy: idColumn{r.FulfilledBy}, FulfilledAt: timeColumn{r.FulfilledAt}, FulfilledHow: r.FulfilledHow,
		QuotaState: string(r.Quota), QuotaHeld: r.QuotaHeld.Decimal(), Version: r.Version,
	}
	if r.Status.Live() {
		row.LiveApplicationID = idColumn{r.ApplicationID}
	}
	if a := r.Answer; a != nil {
		said := string(a.Decision)
		row.Decision, row.LetterNo, row.LetterAmount, row.FeePct = &said, a.LetterNo, a.Amount.Decimal(), a.FeePct.Decimal()
		row.ExpiresOn, row.Conditions, row.CounterGuarantee = dateColumn{a.ExpiresOn}, a.Conditions, string(a.Counter)
		row.CounterNote, row.RefusalReason = a.CounterNote, a.Reason
	}
	return row
}

func guaranteeFromRow(row guaranteeRow) (loan.GuaranteeRecord, error) {
	r := loan.GuaranteeRecord{
		ID: row.ID, ApplicationID: row.ApplicationID, BranchID: row.BranchID, BorrowerID: row.BorrowerID, CompanyID: row.CompanyID,
		RegionCode: row.RegionCode, ProductCode: row.ProductCode,
		Request: loan.GuaranteeRequest{TermMonths: row.TermMonths, Crop: loan.GuaranteeCrop(row.Crop)},
		Status:  loan.GuaranteeStatus(row.Status), RequestedBy: row.RequestedBy, RequestedAt: row.RequestedAt.UTC(),
		AnsweredBy: row.AnsweredBy.ID, AnsweredAt: row.AnsweredAt.Time,
		FulfilledBy: row.FulfilledBy.ID, FulfilledAt: row.FulfilledAt.Time, FulfilledHow: row.FulfilledHow,
		Quota: loan.GuaranteeQuotaState(row.QuotaState), Version: row.Version,
	}
	answer := loan.GuaranteeAnswer{
		LetterNo: row.LetterNo, ExpiresOn: row.ExpiresOn.Date, Conditions: row.Conditions,
		Counter: loan.CounterGuarantee(row.CounterGuarantee), CounterNote: row.CounterNote, Reason: row.RefusalReason,
	}
	var errs [6]error
	r.Request.Amount, errs[0] = money.AmountFromDecimal(row.Amount)
	r.Request.FeeMaxPct, errs[1] = money.RateFromDecimal(row.FeeMaxPct)
	r.Request.CounterSpouseUpTo, errs[2] = money.AmountFromDecimal(row.CounterSpouseUpTo)
	r.QuotaHeld, errs[3] = money.AmountFromDecimal(row.QuotaHeld)
	answer.Amount, errs[4] = money.AmountFromDecimal(row.LetterAmount)
	answer.FeePct, errs[5] = money.RateFromDecimal(row.FeePct)
	for _, err := range errs {
		if err != nil {
			return loan.GuaranteeRecord{}, fmt.Errorf("guarantee %s: %w", row.ID, err)
		}
	}
	if row.Decision != nil {
		answer.Decision = loan.GuaranteeStatus(*row.Decision)
		r.Answer = &answer
	}
	if _, err := loan.RestoreGuarantee(r); err != nil { // the reading half of the assertions
		return loan.GuaranteeRecord{}, err
	}
	return r, nil
}

// guaranteesInScope limits a query to what scope may see: a guarantee company's officer sees what the company was asked.
func guaranteesInScope(db *gorm.DB, scope domain.Scope) *gorm.DB {
	if !scope.GuaranteeCompanyID.IsZero() {
		if scope.Everything || !scope.BranchID.IsZero() || !scope.BorrowerID.IsZero() {
			return db.Where("1 = 0")
		}
		return db.Where("guarantees.company_id = ?", scope.GuaranteeCompanyID)
	}
	return inScope(db, "guarantees", scope)
}

func (r reader) guarantee(ctx context.Context, db *gorm.DB, scope domain.Scope, id domain.ID) (loan.GuaranteeRecord, error) {
	var row guaranteeRow
	err := guaranteesInScope(db.WithContext(ctx), scope).Where("guarantees.id = ?", id).Take(&row).Error
	if isNotFound(err) {
		return loan.GuaranteeRecord{}, domain.Errorf(domain.KindNotFound, "guarantee-not-found", "没有这笔担保申请，或不在您的范围内")
	}
	if err != nil {
		return loan.GuaranteeRecord{}, translateRead(ctx, err)
	}
	return guaranteeFromRow(row)
}

// Guarantee implements origination.GuaranteeReader.
func (r reader) Guarantee(ctx context.Context, scope domain.Scope, id domain.ID) (loan.GuaranteeRecord, error) {
	return r.guarantee(ctx, r.db, scope, id)
}

// GuaranteesOf implements origination.GuaranteeReader.
func (r reader) GuaranteesOf(ctx context.Context, scope domain.Scope, applicationID domain.ID) ([]loan.GuaranteeRecord, error) {
	var rows []guaranteeRow
	err := guaranteesInScope(r.db.WithContext(ctx), scope).Where("guarantees.application_id = ?", applicationID).
		Order("guarantees.id DESC").Limit(loan.GuaranteeListMax).Find(&rows).Error
	if err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, guaranteeFromRow)
}

// LiveGuarantee implements origination.GuaranteeReader, by the unique key of live ones.
func (r reader) LiveGuarantee(ctx context.Context, applicationID domain.ID) (rec loan.GuaranteeRecord, found bool, err error) {
	var row guaranteeRow
	err = r.db.WithContext(ctx).Where("live_application_id = ?", applicationID).Take(&row).Error
	if isNotFound(err) {
		return loan.GuaranteeRecord{}, false, nil
	}
	if err != nil {
		return loan.GuaranteeRecord{}, false, translateRead(ctx, err)
	}
	rec, err = guaranteeFromRow(row)
	return rec, err == nil, err
}

// GuaranteeQuotaHeld implements origination.GuaranteeReader from an index alone.
func (r reader) GuaranteeQuotaHeld(ctx context.Context, companyID domain.ID, regionPrefix string) (money.Amount, error) {
	query := r.db.WithContext(ctx).Model(&guaranteeRow{}).Select("SUM(quota_held)").
		Where("company_id = ? AND quota_state IN ?", companyID, []string{string(loan.QuotaReserved), string(loan.QuotaConfirmed)})
	if regionPrefix != "" {
		query = query.Where("region_code LIKE ?", regionPrefix+"%") // digits only: nothing to escape
	}
	var sum decimal.NullDecimal
	if err := query.Row().Scan(&sum); err != nil {
		return money.Amount{}, translateRead(ctx, err)
	}
	return money.AmountFromDecimal(sum.Decimal)
}

// guaranteeCaseRow is a guarantee with the columns of the case that its company may see, and no others.
type guaranteeCaseRow struct {
	Guarantee     guaranteeRow `gorm:"embedded"` // GORM fills no unexported embedding
	ApplicationNo string
	Purpose       string
	SiteVisitOn   dateColumn
	BorrowerName  string
	VillageCode   string
}

// GuaranteeCases implements origination.GuaranteeReader.
func (r reader) GuaranteeCases(ctx context.Context, companyID domain.ID, status loan.GuaranteeStatus, page domain.Page) ([]origination.GuaranteeCase, error) {
	index := "ix_guarantees_company"
	if status != "" {
		index = "ix_guarantees_company_status"
	}
	query := r.db.WithContext(ctx).Table("guarantees FORCE INDEX ("+index+")"). // by name, as in casesPage
											Select("guarantees.*, applications.application_no, applications.purpose, applications.site_visit_on, applications.region_code AS village_code, borrowers.name AS borrower_name").
											Joins("STRAIGHT_JOIN applications ON applications.id = guarantees.application_id").
											Joins("STRAIGHT_JOIN borrowers ON borrowers.id = guarantees.borrower_id").
											Where("guarantees.company_id = ?", companyID)
	if status != "" {
		query = query.Where("guarantees.status = ?", string(status))
	}
	if !page.After.IsZero() {
		query = query.Where("guarantees.id < ?", page.After)
	}
	var rows []guaranteeCaseRow
	if err := query.Order("guarantees.id DESC").Limit(page.Limit).Find(&rows).Error; err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, guaranteeCaseFromRow)
}

func guaranteeCaseFromRow(row guaranteeCaseRow) (origination.GuaranteeCase, error) {
	rec, err := guaranteeFromRow(row.Guarantee)
	if err != nil {
		return origination.GuaranteeCase{}, err
	}
	name, err := storedText(row.BorrowerName, borrower.ParseName)
	if err != nil {
		return origination.GuaranteeCase{}, fmt.Errorf("guarantee %s: borrower's name: %w", rec.ID, err)
	}
	return origination.GuaranteeCase{
		Guarantee: rec, ApplicationNo: row.ApplicationNo, BorrowerName: name, VillageCode: row.VillageCode,
		Purpose: loan.Purpose(row.Purpose), SiteVisitOn: row.SiteVisitOn.Date,
	}, nil
}

// ExpiredGuarantees implements origination.GuaranteeReader. It reads ids alone, so that a row that cannot be read stops no other.
func (r reader) ExpiredGuarantees(ctx context.Context, before domain.Date, after domain.ID, limit int) ([]origination.ExpiredGuarantee, error) {
	var lapsed []origination.ExpiredGuarantee
	err := r.db.WithContext(ctx).Table("guarantees FORCE INDEX (ix_guarantees_expiry)"). // by name, as in casesPage
												Select("guarantees.id, guarantees.application_id").
												Joins("STRAIGHT_JOIN applications ON applications.id = guarantees.application_id").
												Where("guarantees.status IN ? AND guarantees.expires_on < ? AND guarantees.id > ?",
			[]string{string(loan.GuaranteeAccepted), string(loan.GuaranteeConditional)}, dateColumn{before}, after).
		Where("applications.status NOT IN ?", []string{string(loan.StatusDisbursed), string(loan.StatusClosed)}).
		Order("guarantees.id").Limit(limit).Find(&lapsed).Error
	return lapsed, translateRead(ctx, err)
}

// LockGuarantee implements origination.GuaranteeWriter.
func (t *tx) LockGuarantee(ctx context.Context, scope domain.Scope, id domain.ID) (*loan.Guarantee, error) {
	rec, err := t.guarantee(ctx, t.db.Clauses(forUpdate), scope, id)
	if err != nil {
		return nil, err
	}
	return loan.RestoreGuarantee(rec)
}

// InsertGuarantee implements origination.GuaranteeWriter.
func (t *tx) InsertGuarantee(ctx context.Context, g *loan.Guarantee, event loan.Event) error {
	row := guaranteeToRow(g.Record())
	err := t.db.WithContext(ctx).Create(&row).Error
	if isDuplicate(err, "uk_guarantees_live_application") {
		return domain.Errorf(domain.KindConflict, "guarantee-exists", "这笔申请已有担保申请在办理，请查看已有的")
	}
	if err != nil {
		return err
	}
	return t.insertEvent(ctx, event)
}

// SaveGuarantee implements origination.GuaranteeWriter.
func (t *tx) SaveGuarantee(ctx context.Context, g *loan.Guarantee, event loan.Event) error {
	row := guaranteeToRow(g.Record())
	result := t.db.WithContext(ctx).Model(&guaranteeRow{}).Where("id = ? AND version = ?", row.ID, row.Version-1).
		Select("*").Omit("id", "application_id", "branch_id", "borrower_id", "company_id", "requested_by", "requested_at").
		Updates(row)
	if result.Error != nil {
		return result.Error
	}
	if result.RowsAffected != 1 {
		return errStaleVersion()
	}
	return t.insertEvent(ctx, event)
}

type guaranteeAnswerFileRow struct {
	ID             domain.ID `gorm:"primaryKey"`
	CompanyID      domain.ID
	FileSHA256     []byte `gorm:"column:file_sha256"`
	ResultRows     jsonColumn[[]guaranteeRowDocument]
	ImportedBy     domain.ID
	ImportedByName string
	ImportedAt     time.Time
}

func (guaranteeAnswerFileRow) TableName() string { return "guarantee_answer_files" }

// guaranteeRowDocument is one row's result in the document of a file.
type guaranteeRowDocument struct {
	Row         int                             `json:"row"`
	GuaranteeID domain.ID                       `json:"guarantee_id,omitempty"`
	Outcome     origination.GuaranteeRowOutcome `json:"outcome"`
	Code        string                          `json:"code,omitempty"`
	Detail      string                          `json:"detail,omitempty"`
}

// InsertGuaranteeAnswerFile implements origination.GuaranteeWriter.
func (t *tx) InsertGuaranteeAnswerFile(ctx context.Context, f origination.GuaranteeAnswerFile) error {
	row := guaranteeAnswerFileRow{
		ID: f.ID, CompanyID: f.CompanyID, FileSHA256: f.File[:], ImportedBy: f.ImportedBy, ImportedByName: f.ImportedByName, ImportedAt: f.ImportedAt,
		ResultRows: jsonColumn[[]guaranteeRowDocument]{convert(f.Rows, func(r origination.GuaranteeRowResult) guaranteeRowDocument { return guaranteeRowDocument(r) })},
	}
	err := t.db.WithContext(ctx).Create(&row).Error
	if isDuplicate(err, "uk_guarantee_answer_files_file") {
		return domain.Errorf(domain.KindConflict, "guarantee-file-exists", "同一个文件正由他人导入，请稍后重试")
	}
	return err
}

// GuaranteeAnswerFile implements origination.GuaranteeReader.
func (r reader) GuaranteeAnswerFile(ctx context.Context, companyID domain.ID, file origination.FileHash) (answers origination.GuaranteeAnswerFile, found bool, err error) {
	var row guaranteeAnswerFileRow
	err = r.db.WithContext(ctx).Where("company_id = ? AND file_sha256 = ?", companyID, file[:]).Take(&row).Error
	if isNotFound(err) {
		return origination.GuaranteeAnswerFile{}, false, nil
	}
	if err != nil {
		return origination.GuaranteeAnswerFile{}, false, translateRead(ctx, err)
	}
	return origination.GuaranteeAnswerFile{
		ID: row.ID, CompanyID: row.CompanyID, File: file, ImportedBy: row.ImportedBy, ImportedByName: row.ImportedByName, ImportedAt: row.ImportedAt.UTC(),
		Rows: convert(row.ResultRows.Content, func(d guaranteeRowDocument) origination.GuaranteeRowResult { return origination.GuaranteeRowResult(d) }),
	}, true, nil
}
