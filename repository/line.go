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
)

type creditLineRow struct {
	ApplicationID   domain.ID `gorm:"primaryKey"`
	ID              domain.ID
	BranchID        domain.ID
	BorrowerID      domain.ID
	CreditLimit     decimal.Decimal
	Revolving       bool
	StartsOn        dateColumn
	EndsOn          dateColumn
	DrawMin         decimal.Decimal
	DrawMax         decimal.Decimal
	Reserved        decimal.Decimal
	Outstanding     decimal.Decimal
	Overdrawn       decimal.Decimal
	DrawnTotal      decimal.Decimal
	TakenOverTotal  decimal.Decimal
	ReversedTotal   decimal.Decimal
	RepaidTotal     decimal.Decimal
	HandedOverTotal decimal.Decimal
	NotesCount      int
	NotesMissing    bool
	Status          string
	Version         int
	CreatedAt       time.Time
	UpdatedAt       time.Time `gorm:"autoUpdateTime:false"`
}

func (creditLineRow) TableName() string { return "credit_lines" }

func lineToRow(r loan.LineRecord) creditLineRow {
	return creditLineRow{
		ApplicationID: r.ApplicationID, ID: r.ID, BranchID: r.BranchID, BorrowerID: r.BorrowerID,
		CreditLimit: r.Limit.Decimal(), Revolving: r.Revolving, StartsOn: dateColumn{r.StartsOn}, EndsOn: dateColumn{r.EndsOn},
		DrawMin: r.DrawMin.Decimal(), DrawMax: r.DrawMax.Decimal(),
		Reserved: r.Reserved.Decimal(), Outstanding: r.Outstanding.Decimal(), Overdrawn: r.Overdrawn.Decimal(),
		DrawnTotal: r.DrawnTotal.Decimal(), TakenOverTotal: r.TakenOverTotal.Decimal(), ReversedTotal: r.ReversedTotal.Decimal(),
		RepaidTotal: r.RepaidTotal.Decimal(), HandedOverTotal: r.HandedOverTotal.Decimal(), NotesCount: r.NotesCount,
		NotesMissing: r.NotesMissing,
		Status:       string(r.Status), Version: r.Version, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
}

func lineFromRow(row creditLineRow) (loan.LineRecord, error) {
	rec := loan.LineRecord{
		ID: row.ID, ApplicationID: row.ApplicationID, BranchID: row.BranchID, BorrowerID: row.BorrowerID,
		Revolving: row.Revolving, StartsOn: row.StartsOn.Date, EndsOn: row.EndsOn.Date, NotesCount: row.NotesCount,
		NotesMissing: row.NotesMissing,
		Status:       loan.LineStatus(row.Status), Version: row.Version, CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(),
	}
	err := scanAmounts([]amountColumn{
		{"credit_limit", row.CreditLimit, &rec.Limit},
		{"draw_min", row.DrawMin, &rec.DrawMin},
		{"draw_max", row.DrawMax, &rec.DrawMax},
		{"reserved", row.Reserved, &rec.Reserved},
		{"outstanding", row.Outstanding, &rec.Outstanding},
		{"overdrawn", row.Overdrawn, &rec.Overdrawn},
		{"drawn_total", row.DrawnTotal, &rec.DrawnTotal},
		{"taken_over_total", row.TakenOverTotal, &rec.TakenOverTotal},
		{"reversed_total", row.ReversedTotal, &rec.ReversedTotal},
		{"repaid_total", row.RepaidTotal, &rec.RepaidTotal},
		{"handed_over_total", row.HandedOverTotal, &rec.HandedOverTotal},
	})
	if err != nil {
		return loan.LineRecord{}, fmt.Errorf("line %s: %w", row.ApplicationID, err)
	}
	if _, err := loan.RestoreLine(rec); err != nil {
		return loan.LineRecord{}, err
	}
	return rec, nil
}

// amountColumn is a column of money on its way into a record.
type amountColumn struct {
	name string
	from decimal.Decimal
	to   *money.Amount
}

// scanAmounts reads columns of money and stops at the first that is none.
func scanAmounts(columns []amountColumn) error {
	for _, c := range columns {
		amount, err := money.AmountFromDecimal(c.from)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		*c.to = amount
	}
	return nil
}

// Line implements origination.LineReader.
func (r reader) Line(ctx context.Context, scope domain.Scope, applicationID domain.ID) (loan.LineRecord, error) {
	return r.line(ctx, r.db, scope, applicationID)
}

func (r reader) line(ctx context.Context, db *gorm.DB, scope domain.Scope, applicationID domain.ID) (loan.LineRecord, error) {
	var row creditLineRow
	err := inScope(db.WithContext(ctx), "credit_lines", scope).Where("credit_lines.application_id = ?", applicationID).Take(&row).Error
	if isNotFound(err) {
		return loan.LineRecord{}, domain.Errorf(domain.KindNotFound, "line-not-found", "没有这个额度，或不在您的机构范围内；签约后才有额度")
	}
	if err != nil {
		return loan.LineRecord{}, translateRead(ctx, err)
	}
	return lineFromRow(row)
}

// LinesWithoutNotes implements origination.LineReader.
func (r reader) LinesWithoutNotes(ctx context.Context, after domain.ID, limit int) ([]domain.ID, error) {
	var ids []domain.ID
	err := r.db.WithContext(ctx).Model(&creditLineRow{}).
		Where("notes_missing = ? AND application_id > ?", true, after).Order("application_id").Limit(limit).Pluck("application_id", &ids).Error
	return ids, translateRead(ctx, err)
}

// LinesPastEnd implements origination.LineReader.
func (r reader) LinesPastEnd(ctx context.Context, day domain.Date, after domain.ID, limit int) ([]domain.ID, error) {
	var ids []domain.ID
	err := r.db.WithContext(ctx).Table("credit_lines FORCE INDEX (ix_credit_lines_ends)"). // by name, as in casesPage
												Where("status IN ? AND ends_on < ? AND application_id > ?", []string{string(loan.LineLive), string(loan.LineHeld)}, dateColumn{day}, after).
												Order("application_id").Limit(limit).Pluck("application_id", &ids).Error
	return ids, translateRead(ctx, err)
}

// LiveRenewal implements origination.LineReader.
func (r reader) LiveRenewal(ctx context.Context, applicationID domain.ID) (loan.Record, bool, error) {
	var rows []applicationRow
	err := r.db.WithContext(ctx).
		Where("renews_application_id = ? AND status NOT IN ?", applicationID,
			[]string{string(loan.StatusDeclined), string(loan.StatusWithdrawn), string(loan.StatusExpired)}).
		Order("id DESC").Limit(1).Find(&rows).Error
	if err != nil {
		return loan.Record{}, false, translateRead(ctx, err)
	}
	if len(rows) == 0 {
		return loan.Record{}, false, nil
	}
	rec, err := applicationFromRow(rows[0])
	return rec, err == nil, err
}

// LockLine implements origination.LineWriter.
func (t *tx) LockLine(ctx context.Context, scope domain.Scope, applicationID domain.ID) (*loan.Line, error) {
	rec, err := t.line(ctx, t.db.Clauses(clause.Locking{Strength: "UPDATE"}), scope, applicationID)
	if err != nil {
		return nil, err
	}
	return loan.RestoreLine(rec)
}

// InsertLine implements origination.LineWriter.
func (t *tx) InsertLine(ctx context.Context, l *loan.Line, event loan.Event) error {
	row := lineToRow(l.Record())
	if err := t.db.WithContext(ctx).Create(&row).Error; err != nil {
		return err
	}
	return t.insertEvent(ctx, event)
}

// SaveLine implements origination.LineWriter.
func (t *tx) SaveLine(ctx context.Context, l *loan.Line, event loan.Event) error {
	row := lineToRow(l.Record())
	result := t.db.WithContext(ctx).Model(&creditLineRow{}).
		Where("application_id = ? AND version = ?", row.ApplicationID, row.Version-1).
		Select("reserved", "outstanding", "overdrawn", "drawn_total", "taken_over_total", "reversed_total", "repaid_total",
			"handed_over_total", "notes_count", "notes_missing", "status", "version", "updated_at").
		Updates(row)
	if result.Error != nil {
		return result.Error
	}
	if result.RowsAffected != 1 {
		return errStaleVersion()
	}
	return t.insertEvent(ctx, event)
}
