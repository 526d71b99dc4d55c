package demodata

import (
	"testing"
	"time"

	"fumin/domain"
	"fumin/domain/schedule"
)

// The notice says of each holiday how many days it has and which weekends are worked instead; weekdays of 2026 are known.
func TestTheCalendarOf2026IsTheNotices(t *testing.T) {
	t.Parallel()
	years, err := CalendarYears()
	if err != nil || len(years) != 1 || years[0].Year != 2026 {
		t.Fatalf("CalendarYears() = %+v, %v; want the year 2026", years, err)
	}
	y := years[0]
	// 元旦 3, 春节 9, 清明 3, 劳动节 5, 端午 3, 中秋 3, 国庆 7
	if len(y.Holidays) != 33 || len(y.MakeUpDays) != 6 {
		t.Errorf("%d days off and %d make-up days, want 33 and 6", len(y.Holidays), len(y.MakeUpDays))
	}
	for _, day := range y.MakeUpDays {
		if w := day.Weekday(); w != time.Saturday && w != time.Sunday {
			t.Errorf("make-up day %s is a %s, want a weekend", day, w)
		}
	}
	calendar, err := schedule.NewCalendar(y.Holidays, y.MakeUpDays)
	if err != nil {
		t.Fatal(err)
	}
	for day, want := range map[string]bool{
		"2026-01-01": false, "2026-01-04": true, "2026-02-14": true, "2026-02-16": false, "2026-02-23": false, "2026-02-24": true,
		"2026-02-28": true, "2026-04-06": false, "2026-05-09": true, "2026-06-19": false, "2026-06-22": true, "2026-09-20": true,
		"2026-09-25": false, "2026-10-07": false, "2026-10-08": true, "2026-10-10": true, "2026-10-11": false,
	} {
		if got := calendar.IsWorkingDay(domain.MustParseDate(day)); got != want {
			t.Errorf("IsWorkingDay(%s) = %v, want %v", day, got, want)
		}
	}
}
