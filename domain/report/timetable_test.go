package report_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"fumin/domain"
	"fumin/domain/report"
)

// beijingTime reads an instant of a business day.
func beijingTime(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04", text, domain.BusinessZone)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestATimetableNamesItsNextTime(t *testing.T) {
	t.Parallel()
	monthEnd := report.Timetable{Frequency: report.Monthly, DayOfMonth: 31, Minute: 30}
	for _, tt := range []struct {
		name        string
		timetable   report.Timetable
		after, want string
	}{
		{"later today", report.Timetable{Frequency: report.Daily, Minute: 390}, "2026-11-23 06:29", "2026-11-23 06:30"},
		{"not the same time again", report.Timetable{Frequency: report.Daily, Minute: 390}, "2026-11-23 06:30", "2026-11-24 06:30"},
		{"midnight belongs to the new day", report.Timetable{Frequency: report.Daily}, "2026-11-23 23:59", "2026-11-24 00:00"},
		{"monday", report.Timetable{Frequency: report.Weekly, Weekday: 1, Minute: 60}, "2026-11-23 01:00", "2026-11-30 01:00"},
		{"sunday", report.Timetable{Frequency: report.Weekly, Weekday: 7}, "2026-11-23 01:00", "2026-11-29 00:00"},
		{"the 31st of a month with 31 days", monthEnd, "2026-12-01 00:00", "2026-12-31 00:30"},
		{"the 31st of November", monthEnd, "2026-10-31 00:30", "2026-11-30 00:30"},
		{"the 31st of February", monthEnd, "2027-02-01 00:00", "2027-02-28 00:30"},
		{"the 31st of a leap February", monthEnd, "2028-02-01 00:00", "2028-02-29 00:30"},
		{"the 1st, over the new year", report.Timetable{Frequency: report.Monthly, DayOfMonth: 1, Minute: 1439}, "2026-12-01 23:59", "2027-01-01 23:59"},
	} {
		if got, want := tt.timetable.Next(beijingTime(t, tt.after)), beijingTime(t, tt.want); !got.Equal(want) {
			t.Errorf("%s: after %s comes %s, want %s", tt.name, tt.after, got.In(domain.BusinessZone), want)
		}
	}
}

func TestAWindowHasEndedWhenItsReportIsMade(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		window         report.Window
		made, from, to string
	}{
		{report.PreviousDay, "2026-12-01", "2026-11-30", "2026-11-30"},
		{report.PreviousWeek, "2026-11-23", "2026-11-16", "2026-11-22"}, // made on a Monday
		{report.PreviousWeek, "2026-11-29", "2026-11-16", "2026-11-22"}, // made on the Sunday after
		{report.PreviousMonth, "2027-01-31", "2026-12-01", "2026-12-31"},
		{report.PreviousMonth, "2027-03-31", "2027-02-01", "2027-02-28"},
		{report.PreviousMonth, "2028-03-01", "2028-02-01", "2028-02-29"},
	} {
		from, to := tt.window.Days(domain.MustParseDate(tt.made))
		if from.String() != tt.from || to.String() != tt.to {
			t.Errorf("%s made on %s: %s to %s, want %s to %s", tt.window, tt.made, from, to, tt.from, tt.to)
		}
	}
}

// Each month is served once, whatever the day; each week seven days after the last.
func TestATimetableLeavesNoMonthAndNoWeekOut(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		minute := rapid.IntRange(0, report.MinutesOfDay-1).Draw(t, "minute")
		start := time.Unix(rapid.Int64Range(1_700_000_000, 2_500_000_000).Draw(t, "start"), 0).UTC()
		monthly := report.Timetable{Frequency: report.Monthly, DayOfMonth: rapid.IntRange(1, 31).Draw(t, "day"), Minute: minute}
		first := monthly.Next(start)
		a, b := domain.DateOf(first), domain.DateOf(monthly.Next(first))
		if months := (b.Year()-a.Year())*12 + int(b.Month()) - int(a.Month()); !first.After(start) || months != 1 {
			t.Errorf("%+v: after %s comes %s", monthly, a, b)
		}
		weekly := report.Timetable{Frequency: report.Weekly, Weekday: rapid.IntRange(1, 7).Draw(t, "weekday"), Minute: minute}
		if at := weekly.Next(start); weekly.Next(at).Sub(at) != 7*24*time.Hour {
			t.Errorf("%+v: after %s comes %s", weekly, at, weekly.Next(at))
		}
	})
}

func TestATimetableThatMakesNoSenseIsRefusedByName(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		timetable report.Timetable
		pointer   string
	}{
		{report.Timetable{Frequency: "hourly"}, "/frequency"},
		{report.Timetable{Frequency: report.Weekly}, "/weekday"},
		{report.Timetable{Frequency: report.Weekly, Weekday: 8}, "/weekday"},
		{report.Timetable{Frequency: report.Daily, Weekday: 1}, "/weekday"},
		{report.Timetable{Frequency: report.Monthly, DayOfMonth: 32}, "/day_of_month"},
		{report.Timetable{Frequency: report.Daily, DayOfMonth: 1}, "/day_of_month"},
		{report.Timetable{Frequency: report.Daily, Minute: report.MinutesOfDay}, "/time"},
	} {
		var p domain.Problems
		tt.timetable.Check(&p)
		err := p.Err()
		refused, _ := err.(*domain.Error) //nolint:errorlint // Problems.Err returns it bare
		if refused == nil || len(refused.Fields) != 1 || refused.Fields[0].Pointer != tt.pointer {
			t.Errorf("%+v: %v, want one problem at %s", tt.timetable, err, tt.pointer)
		}
	}
}

func FuzzParseClock(f *testing.F) {
	for _, seed := range []string{"06:30", "00:00", "23:59", "24:00", "6:30", "06:60", "", "06：30", "+6:30"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		minute, err := report.ParseClock(text)
		if err != nil {
			return
		}
		if again := (report.Timetable{Minute: minute}).Clock(); again != text {
			t.Errorf("ParseClock(%q) = %d, which is %q", text, minute, again)
		}
	})
}
