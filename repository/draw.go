package repository

import (
	"context"
	"time"

	"github.com/shopspring/decimal"

	"fumin/domain"
	"fumin/domain/money"
	"fumin/domain/origination"
)

type drawRow struct {
	ID            domain.ID `gorm:"primaryKey"`
	ApplicationID domain.ID
	BranchID      domain.ID
	Amount        decimal.Decimal
	TermMonths    int
	DrawnBy       domain.ID
	DrawnAt       time.Time
}

func (drawRow) TableName() string { return "draws" }

func drawFromRow(row drawRow) (origination.Draw, error) {
	amount, err := money.AmountFromDecimal(row.Amount)
	return origination.Draw{
		ID: row.ID, ApplicationID: row.ApplicationID, BranchID: row.BranchID, Amount: amount, TermMonths: row.TermMonths,
		DrawnBy: row.DrawnBy, DrawnAt: row.DrawnAt.UTC(),
	}, err
}

// Draw implements origination.LineReader.
func (r reader) Draw(ctx context.Context, id domain.ID) (origination.Draw, bool, error) {
	var rows []drawRow
	if err := r.db.WithContext(ctx).Where("id = ?", id).Limit(1).Find(&rows).Error; err != nil {
		return origination.Draw{}, false, translateRead(ctx, err)
	}
	if len(rows) == 0 {
		return origination.Draw{}, false, nil
	}
	draw, err := drawFromRow(rows[0])
	return draw, true, err
}

// Draws implements origination.LineReader.
func (r reader) Draws(ctx context.Context, applicationID domain.ID, page domain.Page) ([]origination.Draw, error) {
	query := r.db.WithContext(ctx).Where("application_id = ?", applicationID)
	if !page.After.IsZero() {
		query = query.Where("id < ?", page.After)
	}
	var rows []drawRow
	if err := query.Order("id DESC").Limit(page.Limit).Find(&rows).Error; err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, drawFromRow)
}

// InsertDraw implements origination.LineWriter; its event is the disbursement's.
func (t *tx) InsertDraw(ctx context.Context, d origination.Draw) error {
	row := drawRow{
		ID: d.ID, ApplicationID: d.ApplicationID, BranchID: d.BranchID, Amount: d.Amount.Decimal(), TermMonths: d.TermMonths,
		DrawnBy: d.DrawnBy, DrawnAt: d.DrawnAt,
	}
	return t.db.WithContext(ctx).Create(&row).Error
}
