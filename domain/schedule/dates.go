package schedule

import (
	"fmt"

	"fumin/domain"
)

// period is one row's place in time, before any money.
type period struct {
	planned  span // between due dates before any move to a working day
	due      span // between due dates as they are paid
	fraction Fraction
	elapsed  unitCount // unit-periods from disbursement to planned.to, for the actuarial rate
	harvest  int       // index of the seasonal instalment due, -1 for none
	offGrid  bool      // a harvest that is no interest date
}

// stepper returns the planned due date number k, from 1. Every date is counted from the anchor, never from the date
// before it, so that 31 January, 28 February is followed by 31 March.
func (t Terms) stepper() func(k int) domain.Date {
	anchor, behind := t.DisbursedOn, 0
	if !t.FirstDueOn.IsZero() && t.FirstDueOn != t.step(t.DisbursedOn, 1) {
		// A first due date that is the ordinary one changes nothing; an odd one anchors what follows.
		anchor, behind = t.FirstDueOn, 1
	}
	return func(k int) domain.Date { return t.step(anchor, k-behind) }
}

func (t Terms) step(anchor domain.Date, k int) domain.Date {
	if days := t.Frequency.days(); days > 0 {
		return anchor.AddDays(days * k)
	}
	date := anchor.AddMonths(t.Frequency.months() * k)
	if t.MonthEnd == EOMSticky && anchor.IsMonthEnd() {
		return date.AddDays(domain.DaysIn(date.Year(), date.Month()) - date.Day())
	}
	return date
}

// plannedDate is a due date before it is moved.
type plannedDate struct {
	on      domain.Date
	elapsed unitCount
	harvest int
	offGrid bool
}

// plannedDates lists the due dates of valid terms.
func (t Terms) plannedDates() []plannedDate {
	switch {
	case t.harvestDatesOnly():
		return t.withHarvests(nil)
	case len(t.DueDates) > 0:
		dates := make([]plannedDate, 0, len(t.DueDates)+len(t.Seasonal))
		for _, on := range t.DueDates {
			dates = append(dates, plannedDate{on: on, elapsed: unitPeriods(t.DisbursedOn, on, t.Frequency), harvest: -1})
		}
		return t.withHarvests(dates)
	case t.Method == LumpSum:
		all := t.regularDates(t.Periods)
		return all[len(all)-1:]
	}
	return t.withHarvests(t.regularDates(t.Periods))
}

// regularDates steps through the periods; with none given, up to the last harvest.
func (t Terms) regularDates(periods int) []plannedDate {
	var end domain.Date
	if periods == 0 {
		periods, end = PeriodsMax, t.Seasonal[len(t.Seasonal)-1].DueOn
	}
	at := t.stepper()
	dates := make([]plannedDate, 0, min(periods, 60)+len(t.Seasonal))
	first := unitPeriods(t.DisbursedOn, at(1), t.Frequency)
	for k := 1; k <= periods; k++ {
		on := at(k)
		if !end.IsZero() && on.After(end) {
			break
		}
		dates = append(dates, plannedDate{on: on, elapsed: unitCount{whole: first.whole + k - 1, rest: first.rest}, harvest: -1})
	}
	return dates
}

// withHarvests merges the harvests into the interest dates; both are in order.
func (t Terms) withHarvests(dates []plannedDate) []plannedDate {
	if t.Method != Seasonal {
		return dates
	}
	merged := make([]plannedDate, 0, len(dates)+len(t.Seasonal))
	next := 0
	for i, harvest := range t.Seasonal {
		for next < len(dates) && dates[next].on.Before(harvest.DueOn) {
			merged = append(merged, dates[next])
			next++
		}
		if next < len(dates) && dates[next].on == harvest.DueOn {
			dates[next].harvest = i
			continue
		}
		merged = append(merged, plannedDate{on: harvest.DueOn, elapsed: unitPeriods(t.DisbursedOn, harvest.DueOn, t.Frequency), harvest: i, offGrid: true})
	}
	return append(merged, dates[next:]...)
}

// periods lays the rows out in time. It refuses what can be seen only with the dates at hand: too many rows, a moved
// date that meets another, a calendar without a working day.
func (t Terms) periods() ([]period, error) {
	dates := t.plannedDates()
	if len(dates) > RowsMax {
		return nil, invalid("/periods", "too-many", "还款计划共 %d 行，最多 %d 行", len(dates), RowsMax)
	}
	periods := make([]period, len(dates))
	planned, due := t.DisbursedOn, t.DisbursedOn
	for i, date := range dates {
		moved, ok := t.Calendar.move(date.on, t.BusinessDay)
		if !ok {
			return nil, invalid("/business_day", "no-working-day", "还款日 %s 前后 %d 天内没有工作日，请检查节假日表", date.on, shiftDaysMax)
		}
		if !moved.After(due) || moved.Year() > domain.YearMax {
			return nil, invalid("/business_day", "due-dates-collide", "还款日 %s 按节假日调整为 %s，不晚于上一个日期 %s；请改用其他规则或日期", date.on, moved, due)
		}
		periods[i] = period{planned: span{planned, date.on}, due: span{due, moved}, elapsed: date.elapsed, harvest: date.harvest, offGrid: date.offGrid}
		planned, due = date.on, moved
	}
	return periods, t.measure(periods)
}

// measure gives each period its fraction of a year.
func (t Terms) measure(periods []period) error {
	for i := range periods {
		p := &periods[i]
		p.fraction = yearFraction(t.DayCount, t.Frequency, p.planned, p.due)
	}
	if t.DayCount == Periodic && t.Method == Seasonal && !t.InterestAtHarvest {
		t.divideSplitPeriods(periods)
	}
	for i := range periods {
		if f := periods[i].fraction; f.Numerator > numeratorMax || f.Denominator > denominatorMax {
			return invalid("/day_count", "out-of-range", "第 %d 行的计息时间 %d/%d 年过于零碎，请改用 30/360 或 act/365", i+1, f.Numerator, f.Denominator)
		}
	}
	return nil
}

// divideSplitPeriods handles a harvest in the middle of an interest period: "rate divided by periods a year" says
// nothing of half a period, so the period's one fraction is divided by the days on either side of the harvest.
func (t Terms) divideSplitPeriods(periods []period) {
	for begin := 0; begin < len(periods); {
		end := begin
		for end < len(periods)-1 && periods[end].offGrid {
			end++
		}
		whole := span{periods[begin].planned.from, periods[end].planned.to}
		if end > begin {
			all := unitPeriods(whole.from, whole.to, t.Frequency).total().over(t.Frequency.periodsAYear())
			for i := begin; i <= end; i++ {
				periods[i].fraction = all.times(newFraction(int64(periods[i].planned.days()), int64(whole.days())))
			}
		}
		begin = end + 1
	}
}

// invalid is one wrong field that shows only while building.
func invalid(pointer, code, format string, args ...any) error {
	var p domain.Problems
	p.Add(pointer, code, "%s", fmt.Sprintf(format, args...))
	return p.Err()
}
