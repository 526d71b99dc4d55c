package repository

import (
	"context"
	"time"

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

// calendarYearEventRow is one version of a year as it was set.
type calendarYearEventRow struct {
	Year       int `gorm:"primaryKey;autoIncrement:false"`
	Version    int `gorm:"primaryKey;autoIncrement:false"`
	Holidays   jsonColumn[[]domain.Date]
	MakeUpDays jsonColumn[[]domain.Date]
	Source     string
	SetBy      domain.ID
	SetAt      time.Time
}

func (calendarYearEventRow) TableName() string { return "calendar_year_events" }

// PutCalendarYear implements origination.CalendarWriter.
func (t *tx) PutCalendarYear(ctx context.Context, y origination.CalendarYear) error {
	row := calendarYearRow{
		Year: y.Year, Holidays: jsonColumn[[]domain.Date]{y.Holidays}, MakeUpDays: jsonColumn[[]domain.Date]{y.MakeUpDays},
		Source: y.Source, SetBy: y.SetBy, SetAt: y.SetAt, Version: y.Version,
	}
	if follows, err := t.writeCalendarYear(ctx, row); err != nil {
		return err
	} else if !follows {
		return domain.Errorf(domain.KindConflict, "precondition-failed", "%d 年的工作日历刚被他人录入或更正：请重新读取，核对后再更正", y.Year)
	}
	return t.db.WithContext(ctx).Create(&calendarYearEventRow{
		Year: row.Year, Version: row.Version, Holidays: row.Holidays, MakeUpDays: row.MakeUpDays, Source: row.Source,
		SetBy: row.SetBy, SetAt: row.SetAt,
	}).Error
}

// writeCalendarYear reports whether the row's version follows the one there; if not, nothing is written.
func (t *tx) writeCalendarYear(ctx context.Context, row calendarYearRow) (follows bool, err error) {
	if row.Version == 1 {
		err := t.db.WithContext(ctx).Create(&row).Error
		if isDuplicate(err, "PRIMARY") {
			return false, nil
		}
		return err == nil, err
	}
	result := t.db.WithContext(ctx).Model(&calendarYearRow{}).Where("year = ? AND version = ?", row.Year, row.Version-1).
		Select("*").Omit("year").Updates(row)
	return result.RowsAffected == 1, result.Error
}
