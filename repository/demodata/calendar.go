package demodata

import (
	"fmt"

	"fumin/domain"
	"fumin/domain/origination"
)

type calendarFile struct {
	Note  string         `json:"note"`
	Years []calendarYear `json:"years"`
}

type calendarYear struct {
	Year       int           `json:"year"`
	Source     string        `json:"source"`
	Holidays   []domain.Date `json:"holidays"`
	MakeUpDays []domain.Date `json:"make_up_days"`
}

// CalendarYears returns the shipped working calendar (节假日与调休), one entry a year.
func CalendarYears() ([]origination.CalendarYear, error) {
	var file calendarFile
	if err := decodeFile("calendar.json", &file); err != nil {
		return nil, err
	}
	years := make([]origination.CalendarYear, len(file.Years))
	for i, y := range file.Years {
		years[i] = origination.CalendarYear{Year: y.Year, Source: y.Source, Holidays: y.Holidays, MakeUpDays: y.MakeUpDays}
		if err := years[i].Validate(); err != nil {
			return nil, fmt.Errorf("demodata: calendar of %d: %w", y.Year, err)
		}
	}
	return years, nil
}
