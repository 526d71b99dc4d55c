package repository

import (
	"context"
	"fmt"
	"time"

	"github.com/shopspring/decimal"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/schedule"
)

type loanNoteRow struct {
	ID              domain.ID `gorm:"primaryKey"`
	NoteNo          string
	ApplicationID   domain.ID
	BranchID        domain.ID
	BorrowerID      domain.ID
	DisbursementID  idColumn
	RenewsNoteID    idColumn
	Amount          decimal.Decimal
	RepaymentMethod string
	AnnualRatePct   decimal.Decimal
	StartsOn        dateColumn
	EndsOn          dateColumn
	PrincipalRepaid decimal.Decimal
	InterestPaid    decimal.Decimal
	Reversed        decimal.Decimal
	HandedOver      decimal.Decimal
	Status          string
	UnpaidFrom      dateColumn
	DaysPastDueMax  int
	Late            jsonColumn[[]loan.Lateness]
	SettledOn       dateColumn
	Version         int
	CreatedAt       time.Time
	UpdatedAt       time.Time `gorm:"autoUpdateTime:false"`
}

func (loanNoteRow) TableName() string { return "loan_notes" }

func loanNoteToRow(r loan.NoteRecord) loanNoteRow {
	return loanNoteRow{
		ID: r.ID, NoteNo: r.NoteNo, ApplicationID: r.ApplicationID, BranchID: r.BranchID, BorrowerID: r.BorrowerID,
		DisbursementID: idColumn{r.DisbursementID}, RenewsNoteID: idColumn{r.RenewsNoteID}, Amount: r.Amount.Decimal(),
		RepaymentMethod: string(r.RepaymentMethod), AnnualRatePct: r.AnnualRate.Decimal(),
		StartsOn: dateColumn{r.StartsOn}, EndsOn: dateColumn{r.EndsOn},
		PrincipalRepaid: r.PrincipalRepaid.Decimal(), InterestPaid: r.InterestPaid.Decimal(),
		Reversed: r.Reversed.Decimal(), HandedOver: r.HandedOver.Decimal(),
		Status: string(r.Status), UnpaidFrom: dateColumn{r.UnpaidFrom}, DaysPastDueMax: r.DaysPastDueMax,
		Late: jsonColumn[[]loan.Lateness]{r.Late}, SettledOn: dateColumn{r.SettledOn}, Version: r.Version, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
}

func loanNoteFromRow(row loanNoteRow) (loan.NoteRecord, error) {
	method, errMethod := schedule.ParseMethod(row.RepaymentMethod)
	rate, errRate := money.RateFromDecimal(row.AnnualRatePct)
	rec := loan.NoteRecord{
		ID: row.ID, NoteNo: row.NoteNo, ApplicationID: row.ApplicationID, BranchID: row.BranchID, BorrowerID: row.BorrowerID,
		DisbursementID: row.DisbursementID.ID, RenewsNoteID: row.RenewsNoteID.ID, RepaymentMethod: method, AnnualRate: rate,
		StartsOn: row.StartsOn.Date, EndsOn: row.EndsOn.Date, Status: loan.NoteStatus(row.Status), UnpaidFrom: row.UnpaidFrom.Date,
		DaysPastDueMax: row.DaysPastDueMax, Late: row.Late.Content, SettledOn: row.SettledOn.Date, Version: row.Version,
		CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(),
	}
	errAmounts := scanAmounts([]amountColumn{
		{"amount", row.Amount, &rec.Amount},
		{"principal_repaid", row.PrincipalRepaid, &rec.PrincipalRepaid},
		{"interest_paid", row.InterestPaid, &rec.InterestPaid},
		{"reversed", row.Reversed, &rec.Reversed},
		{"handed_over", row.HandedOver, &rec.HandedOver},
	})
	for _, err := range []error{errMethod, errRate, errAmounts} {
		if err != nil {
			return loan.NoteRecord{}, fmt.Errorf("loan note %s: %w", row.ID, err)
		}
	}
	if _, err := loan.RestoreNote(rec); err != nil {
		return loan.NoteRecord{}, err
	}
	return rec, nil
}

type loanNoteInstalmentRow struct {
	NoteID         domain.ID `gorm:"primaryKey"`
	Number         int       `gorm:"primaryKey;autoIncrement:false"`
	BranchID       domain.ID
	DueOn          dateColumn
	Days           int
	OpeningBalance decimal.Decimal
	Principal      decimal.Decimal
	Interest       decimal.Decimal
	Fees           decimal.Decimal
	Total          decimal.Decimal
	ClosingBalance decimal.Decimal
}

func (loanNoteInstalmentRow) TableName() string { return "loan_note_instalments" }

func loanNoteInstalmentFromRow(row loanNoteInstalmentRow) (loan.Instalment, error) {
	i := loan.Instalment{Number: row.Number, DueOn: row.DueOn.Date, Days: row.Days}
	err := scanAmounts([]amountColumn{
		{"opening_balance", row.OpeningBalance, &i.OpeningBalance},
		{"principal", row.Principal, &i.Principal},
		{"interest", row.Interest, &i.Interest},
		{"fees", row.Fees, &i.Fees},
		{"total", row.Total, &i.Total},
		{"closing_balance", row.ClosingBalance, &i.ClosingBalance},
	})
	if err != nil {
		return loan.Instalment{}, fmt.Errorf("instalment %d of loan note %s: %w", row.Number, row.NoteID, err)
	}
	return i, nil
}

// LoanNote implements origination.LineReader.
func (r reader) LoanNote(ctx context.Context, scope domain.Scope, id domain.ID) (loan.NoteRecord, error) {
	return r.loanNote(ctx, r.db, scope, id)
}

func (r reader) loanNote(ctx context.Context, db *gorm.DB, scope domain.Scope, id domain.ID) (loan.NoteRecord, error) {
	var row loanNoteRow
	err := inScope(db.WithContext(ctx), "loan_notes", scope).Where("loan_notes.id = ?", id).Take(&row).Error
	if isNotFound(err) {
		return loan.NoteRecord{}, domain.Errorf(domain.KindNotFound, "loan-note-not-found", "没有这张借据，或不在您的机构范围内")
	}
	if err != nil {
		return loan.NoteRecord{}, translateRead(ctx, err)
	}
	return loanNoteFromRow(row)
}

// LoanNotes implements origination.LineReader.
func (r reader) LoanNotes(ctx context.Context, applicationID domain.ID, page domain.Page) ([]loan.NoteRecord, error) {
	query := r.db.WithContext(ctx).Where("application_id = ?", applicationID)
	if !page.After.IsZero() {
		query = query.Where("id < ?", page.After)
	}
	return loanNotesOf(ctx, query.Order("id DESC").Limit(page.Limit))
}

// NotesOfCase implements origination.LineReader.
func (r reader) NotesOfCase(ctx context.Context, applicationID domain.ID) ([]loan.NoteRecord, error) {
	return loanNotesOf(ctx, r.db.WithContext(ctx).Where("application_id = ?", applicationID).Order("id").Limit(loan.NotesOfCaseMax))
}

// NotesOfBorrower implements origination.LineReader.
func (r reader) NotesOfBorrower(ctx context.Context, borrowerID domain.ID) ([]loan.NoteRecord, error) {
	return loanNotesOf(ctx, r.db.WithContext(ctx).Where("borrower_id = ?", borrowerID).Order("id DESC").Limit(loan.NotesOfCaseMax))
}

func loanNotesOf(ctx context.Context, query *gorm.DB) ([]loan.NoteRecord, error) {
	var rows []loanNoteRow
	if err := query.Find(&rows).Error; err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, loanNoteFromRow)
}

// NoteInstalments implements origination.LineReader.
func (r reader) NoteInstalments(ctx context.Context, noteID domain.ID) ([]loan.Instalment, error) {
	var rows []loanNoteInstalmentRow
	err := r.db.WithContext(ctx).Where("note_id = ?", noteID).Order("number").Limit(schedule.RowsMax).Find(&rows).Error
	if err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, loanNoteInstalmentFromRow)
}

// LockLoanNote implements origination.LineWriter.
func (t *tx) LockLoanNote(ctx context.Context, scope domain.Scope, id domain.ID) (*loan.LoanNote, error) {
	rec, err := t.loanNote(ctx, t.db.Clauses(clause.Locking{Strength: "UPDATE"}), scope, id)
	if err != nil {
		return nil, err
	}
	return loan.RestoreNote(rec)
}

// InsertLoanNote implements origination.LineWriter.
func (t *tx) InsertLoanNote(ctx context.Context, n *loan.LoanNote, plan []loan.Instalment, event loan.Event) error {
	row := loanNoteToRow(n.Record())
	if err := t.db.WithContext(ctx).Create(&row).Error; err != nil {
		return err
	}
	if err := t.insertNoteInstalments(ctx, n.Record(), plan); err != nil {
		return err
	}
	return t.insertEvent(ctx, event)
}

// SaveLoanNote implements origination.LineWriter.
func (t *tx) SaveLoanNote(ctx context.Context, n *loan.LoanNote, event loan.Event) error {
	row := loanNoteToRow(n.Record())
	result := t.db.WithContext(ctx).Model(&loanNoteRow{}).
		Where("id = ? AND version = ?", row.ID, row.Version-1).
		Select("amount", "ends_on", "principal_repaid", "interest_paid", "reversed", "handed_over", "status", "unpaid_from",
			"days_past_due_max", "late", "settled_on", "version", "updated_at").
		Updates(row)
	if result.Error != nil {
		return result.Error
	}
	if result.RowsAffected != 1 {
		return errStaleVersion()
	}
	return t.insertEvent(ctx, event)
}

// ReplaceNoteInstalments implements origination.LineWriter.
func (t *tx) ReplaceNoteInstalments(ctx context.Context, n *loan.LoanNote, plan []loan.Instalment) error {
	if err := t.db.WithContext(ctx).Where("note_id = ?", n.Record().ID).Delete(&loanNoteInstalmentRow{}).Error; err != nil {
		return err
	}
	return t.insertNoteInstalments(ctx, n.Record(), plan)
}

func (t *tx) insertNoteInstalments(ctx context.Context, n loan.NoteRecord, plan []loan.Instalment) error {
	if len(plan) == 0 { // nothing is owed any more
		return nil
	}
	rows := make([]loanNoteInstalmentRow, len(plan))
	for i, p := range plan {
		rows[i] = loanNoteInstalmentRow{
			NoteID: n.ID, Number: p.Number, BranchID: n.BranchID, DueOn: dateColumn{p.DueOn}, Days: p.Days,
			OpeningBalance: p.OpeningBalance.Decimal(), Principal: p.Principal.Decimal(), Interest: p.Interest.Decimal(),
			Fees: p.Fees.Decimal(), Total: p.Total.Decimal(), ClosingBalance: p.ClosingBalance.Decimal(),
		}
	}
	return t.db.WithContext(ctx).Create(&rows).Error
}
