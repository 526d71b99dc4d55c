package schedule

import "fumin/domain"

// Calendar says which days are working days (工作日): Monday to Friday, less the holidays, plus the make-up days
// (调休上班日) that the State Council's yearly notice puts on weekends. A lender loads it; the zero value knows weekends
// only. It is immutable and safe to share.
type Calendar struct {
	working map[domain.Date]bool
}

// Limits of a calendar.
const (
	CalendarDaysMax = 20000 // entries; three centuries of statutory holidays are fewer
	shiftDaysMax    = 31    // how far a due date may move; the longest Spring Festival closure is far shorter
)

// NewCalendar takes the holidays and the make-up working days. A day that is both, or too many days, is refused with
// a ValueError "invalid-calendar".
func NewCalendar(holidays, makeUpDays []domain.Date) (Calendar, error) {
	if len(holidays)+len(makeUpDays) > CalendarDaysMax {
		return Calendar{}, domain.BadValue("invalid-calendar", "节假日与调休日合计最多 %d 天", CalendarDaysMax)
	}
	working := make(map[domain.Date]bool, len(holidays)+len(makeUpDays))
	for _, day := range holidays {
		working[day] = false
	}
	for _, day := range makeUpDays {
		if at, listed := working[day]; listed && !at {
			return Calendar{}, domain.BadValue("invalid-calendar", "%s 既列为节假日又列为调休上班日，请只保留一处", day)
		}
		working[day] = true
	}
	return Calendar{working: working}, nil
}

// IsWorkingDay reports whether the bank works on that day.
func (c Calendar) IsWorkingDay(day domain.Date) bool {
	if working, listed := c.working[day]; listed {
		return working
	}
	weekday := day.Weekday()
	return weekday != 0 && weekday != 6 // Sunday and Saturday
}

// move brings a due date to a working day; ok is false where there is none within shiftDaysMax days.
func (c Calendar) move(day domain.Date, rule BusinessDay) (moved domain.Date, ok bool) {
	step := 0
	switch rule {
	case Following:
		step = 1
	case Preceding:
		step = -1
	case Unmoved, "":
		return day, true
	}
	for range shiftDaysMax {
		if c.IsWorkingDay(day) {
			return day, true
		}
		day = day.AddDays(step)
	}
	return day, false
}
