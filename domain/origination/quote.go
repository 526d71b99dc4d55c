package origination

import (
	"context"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"fumin/domain"
	"fumin/domain/schedule"
)

// CalendarReader reads the lender's working calendar.
type CalendarReader interface {
	// CalendarYears returns every year that has been loaded, in order.
	CalendarYears(ctx context.Context) ([]CalendarYear, error)
}

// CalendarWriter writes it.
type CalendarWriter interface {
	// PutCalendarYear stores version 1 of a year, or a later version in the place of the one before, and keeps what the version
	// says in the year's history. It refuses with "precondition-failed" when another was faster.
	PutCalendarYear(ctx context.Context, y CalendarYear) error
}

// CalendarYear is one year's holidays (法定节假日放假日) and make-up working days (调休上班日). Weekends need no entry.
type CalendarYear struct {
	Year       int
	Holidays   []domain.Date
	MakeUpDays []domain.Date
	Source     string // the notice it comes from
	SetBy      domain.ID
	SetAt      time.Time
	Version    int // 1 when first loaded
}

// Limits of a calendar year.
const (
	CalendarListMax   = 120 // days of one list
	CalendarSourceMax = 200 // characters
)

// Validate names everything that is wrong with the year.
func (y CalendarYear) Validate() error {
	var p domain.Problems
	if y.Year < domain.YearMin || y.Year > domain.YearMax {
		p.Add("/year", "out-of-range", "年份 %d 不在 %d 至 %d 之间", y.Year, domain.YearMin, domain.YearMax)
	}
	if n := utf8.RuneCountInString(y.Source); n == 0 || n > CalendarSourceMax {
		p.Add("/source", "required", "请写明依据的通知，1 至 %d 个字", CalendarSourceMax)
	}
	seen := map[domain.Date]bool{}
	for name, days := range map[string][]domain.Date{"/holidays": y.Holidays, "/make_up_days": y.MakeUpDays} {
		if len(days) > CalendarListMax {
			p.Add(name, "too-many", "最多 %d 天", CalendarListMax)
		}
		for i, day := range days {
			if day.Year() != y.Year {
				p.Add(fmt.Sprintf("%s/%d", name, i), "out-of-range", "%s 不在 %d 年", day, y.Year)
			}
			if seen[day] {
				p.Add(fmt.Sprintf("%s/%d", name, i), "duplicate", "%s 重复列出", day)
			}
			seen[day] = true
		}
	}
	return p.Err()
}

// Quotes answers what a loan would cost; it stores nothing but the working calendar it counts with.
type Quotes struct {
	store Store
	now   domain.Clock
}

// NewQuotes builds the use cases.
func NewQuotes(store Store, now domain.Clock) *Quotes { return &Quotes{store: store, now: now} }

// Quote works out plan and yearly cost (试算). Where due dates move to working days, the lender's calendar is used.
func (s *Quotes) Quote(ctx context.Context, terms schedule.Terms) (schedule.Quotation, error) {
	if terms.BusinessDay != "" && terms.BusinessDay != schedule.Unmoved {
		calendar, err := s.calendar(ctx)
		if err != nil {
			return schedule.Quotation{}, err
		}
		terms.Calendar = calendar
	}
	return schedule.Quote(terms)
}

func (s *Quotes) calendar(ctx context.Context) (schedule.Calendar, error) {
	years, err := s.store.CalendarYears(ctx)
	if err != nil {
		return schedule.Calendar{}, err
	}
	var holidays, makeUpDays []domain.Date
	for _, y := range years {
		holidays = append(holidays, y.Holidays...)
		makeUpDays = append(makeUpDays, y.MakeUpDays...)
	}
	return schedule.NewCalendar(holidays, makeUpDays)
}

// CalendarYears returns every loaded year.
func (s *Quotes) CalendarYears(ctx context.Context) ([]CalendarYear, error) {
	return s.store.CalendarYears(ctx)
}

// SetCalendarYear loads a year, or corrects it. Plans that were signed keep the dates they were signed with. replaces is the
// version that the correction is based on; nil or 0 says that the year is new. It refuses with "precondition-required" when a
// year that is there would be replaced unseen, and with "precondition-failed" when it is no longer, or not yet, what the
// correction is based on.
func (s *Quotes) SetCalendarYear(ctx context.Context, by domain.Actor, y CalendarYear, replaces *int) (CalendarYear, error) {
	if err := by.Require(domain.RoleAdmin, domain.RoleSystem); err != nil {
		return CalendarYear{}, err
	}
	if err := y.Validate(); err != nil {
		return CalendarYear{}, err
	}
	y.SetBy, y.SetAt = by.ID, s.now()
	slices.SortFunc(y.Holidays, domain.Date.Compare)
	slices.SortFunc(y.MakeUpDays, domain.Date.Compare)
	err := s.store.Update(ctx, func(tx Tx) error {
		years, err := tx.CalendarYears(ctx)
		if err != nil {
			return err
		}
		there := 0
		if i := slices.IndexFunc(years, func(each CalendarYear) bool { return each.Year == y.Year }); i >= 0 {
			there = years[i].Version
		}
		switch {
		case replaces == nil && there > 0:
			return domain.Errorf(domain.KindInvalid, "precondition-required",
				"%d 年的工作日历已录入（第 %d 版）：更正前请先读取，并在 If-Match 请求头中带上读到的版本号", y.Year, there)
		case replaces != nil && *replaces != there:
			return domain.Errorf(domain.KindConflict, "precondition-failed",
				"%d 年的工作日历现为第 %d 版，与您读取时不同：请重新读取，核对后再更正", y.Year, there)
		}
		y.Version = there + 1
		return tx.PutCalendarYear(ctx, y)
	})
	if err != nil {
		return CalendarYear{}, err
	}
	return y, nil
}
