package repository

import (
	"context"
	"time"

	"gorm.io/gorm/clause"

	"fumin/domain"
	"fumin/domain/origination"
)

type calendarYearRow struct {
	Year       int `gorm:"primaryKey;autoIncrement:false"`
	Holidays   jsonColumn[[]domain.Date]
	MakeUpDays jsonColumn[[]domain.Date]
	Source     string
	SetBy      domain.ID
	SetAt      time.Time
	Version    int
}

func (calendarYearRow) TableName() string { return "calendar_years" }

func calendarYearFromRow(row calendarYearRow) (origination.CalendarYear, error) {
	y := origination.CalendarYear{
		Year: row.Year, Holidays: row.Holidays.Content, MakeUpDays: row.MakeUpDays.Content, Source: row.Source,
		SetBy: row.SetBy, SetAt: row.SetAt.UTC(), Version: row.Version,
	}
	return y, y.Validate()
}

// calendarYearsMax is every year a domain.Date may lie in.
const calendarYearsMax = domain.YearMax - domain.YearMin + 1

// CalendarYears implements origination.CalendarReader.
func (r reader) CalendarYears(ctx context.Context) ([]origination.CalendarYear, error) {
	var rows []calendarYearRow
	if err := r.db.WithContext(ctx).Order("year").Limit(calendarYearsMax).Find(&rows).Error; err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, calendarYearFromRow)
}

// PutCalendarYear implements origination.CalendarWriter.
func (t *tx) PutCalendarYear(ctx context.Context, y origination.CalendarYear) (origination.CalendarYear, error) {
	row := calendarYearRow{
		Year: y.Year, Holidays: jsonColumn[[]domain.Date]{y.Holidays}, MakeUpDays: jsonColumn[[]domain.Date]{y.MakeUpDays},
		Source: y.Source, SetBy: y.SetBy, SetAt: y.SetAt, Version: 1,
	}
	err := t.db.WithContext(ctx).Create(&row).Error
	if err == nil || !isDuplicate(err, "PRIMARY") {
		y.Version = 1
		return y, err
	}
	var there calendarYearRow
	if err := t.db.WithContext(ctx).Clauses(clause.Locking{Strength: "UPDATE"}).Where("year = ?", y.Year).Take(&there).Error; err != nil {
		return origination.CalendarYear{}, err
	}
	y.Version = there.Version + 1
	row.Version = y.Version
	return y, t.db.WithContext(ctx).Model(&calendarYearRow{}).Where("year = ?", y.Year).Select("*").Omit("year").Updates(row).Error
}
