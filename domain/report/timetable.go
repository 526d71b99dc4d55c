package report

import (
	"fmt"
	"slices"
	"time"

	"fumin/domain"
)

// Frequency says how often a schedule makes a report (频率).
type Frequency string

// The frequencies.
const (
	Daily   Frequency = "daily"   // 每天
	Weekly  Frequency = "weekly"  // 每周的某一天
	Monthly Frequency = "monthly" // 每月的某一天
)

// Frequencies lists every frequency.
func Frequencies() []Frequency { return []Frequency{Daily, Weekly, Monthly} }

// Valid reports whether f is one of Frequencies.
func (f Frequency) Valid() bool { return slices.Contains(Frequencies(), f) }

// Window says which days a scheduled report covers, seen from the business day on which it is made (统计期间). It has always
// ended by then, so that the figures are whole.
type Window string

// The windows.
const (
	PreviousDay   Window = "previous_day"   // 前一个营业日
	PreviousWeek  Window = "previous_week"  // 上一周，周一至周日
	PreviousMonth Window = "previous_month" // 上一个月
)

// Windows lists every window.
func Windows() []Window { return []Window{PreviousDay, PreviousWeek, PreviousMonth} }

// Valid reports whether w is one of Windows.
func (w Window) Valid() bool { return slices.Contains(Windows(), w) }

// Days returns the first and the last day of the window of a report that is made on a day.
func (w Window) Days(made domain.Date) (from, to domain.Date) {
	switch w {
	case PreviousWeek:
		monday := made.AddDays(1 - weekdayNumber(made))
		return monday.AddDays(-7), monday.AddDays(-1)
	case PreviousMonth:
		last := made.AddDays(-made.Day())
		return last.AddDays(1 - last.Day()), last
	case PreviousDay:
	}
	return made.AddDays(-1), made.AddDays(-1)
}

// MinutesOfDay is how many minutes a day has in Beijing, which keeps no summer time.
const MinutesOfDay = 24 * 60

// Timetable says on which business days, and when on the day, a report is made.
type Timetable struct {
	Frequency  Frequency
	Weekday    int // with Weekly 1 (周一) to 7 (周日), otherwise 0
	DayOfMonth int // with Monthly 1 to 31, otherwise 0; a month that is shorter is served on its last day
	Minute     int // of the day in Beijing time, 0 to MinutesOfDay-1
}

// Clock is the time of the day: 06:30.
func (t Timetable) Clock() string { return fmt.Sprintf("%02d:%02d", t.Minute/60, t.Minute%60) }

// ParseClock reads a time of the day: HH:MM, from 00:00 to 23:59.
func ParseClock(s string) (minute int, err error) {
	at, err := time.Parse("15:04", s)
	if err != nil || len(s) != len("15:04") {
		return 0, domain.BadValue("invalid-time", "应为北京时间 HH:MM，例如 06:30")
	}
	return at.Hour()*60 + at.Minute(), nil
}

// Check names what is wrong with a timetable at the fields frequency, weekday and day_of_month.
func (t Timetable) Check(p *domain.Problems) {
	if !t.Frequency.Valid() {
		p.Add("/frequency", "unknown-value", "应为 daily、weekly 或 monthly")
		return
	}
	day := func(pointer string, used bool, value, most int, words string) {
		switch {
		case used && (value < 1 || value > most):
			p.Add(pointer, "out-of-range", "%s，应为 1 至 %d", words, most)
		case !used && value != 0:
			p.Add(pointer, "not-used", "频率为 %s 时不填写", t.Frequency)
		}
	}
	day("/weekday", t.Frequency == Weekly, t.Weekday, 7, "每周须说明星期几")
	day("/day_of_month", t.Frequency == Monthly, t.DayOfMonth, 31, "每月须说明几号")
	if t.Minute < 0 || t.Minute >= MinutesOfDay {
		p.Add("/time", "out-of-range", "应为 00:00 至 23:59")
	}
}

// Includes reports whether a report is made on a day.
func (t Timetable) Includes(day domain.Date) bool {
	switch t.Frequency {
	case Weekly:
		return weekdayNumber(day) == t.Weekday
	case Monthly:
		return day.Day() == min(t.DayOfMonth, domain.DaysIn(day.Year(), day.Month()))
	case Daily:
		return true
	}
	return false
}

// At is the instant at which a report is made on a day.
func (t Timetable) At(day domain.Date) time.Time {
	return startOf(day).Add(time.Duration(t.Minute) * time.Minute)
}

// nextDaysMax is more than the days between two that a timetable includes.
const nextDaysMax = 32

// Next is the first instant after one at which a report is made; zero for a timetable that Check refuses.
func (t Timetable) Next(after time.Time) time.Time {
	day := domain.DateOf(after)
	for range nextDaysMax {
		if at := t.At(day); t.Includes(day) && at.After(after) {
			return at
		}
		day = day.AddDays(1)
	}
	return time.Time{}
}

// weekdayNumber is 1 (周一) to 7 (周日).
func weekdayNumber(d domain.Date) int { return (int(d.Weekday())+6)%7 + 1 }
