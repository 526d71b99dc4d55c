package domain

import (
	"fmt"
	"time"
)

// Date is a civil date without a zone: a due date, a birth date, a business day. The zero value is absent.
type Date struct {
	year  int16
	month uint8
	day   uint8
}

// The years a Date may lie in; outside them ParseDate refuses.
const (
	YearMin = 1900
	YearMax = 2199
)

var errInvalidDate = BadValue("invalid-date", "应为真实存在的日期，格式 2026-08-23，年份 %d 至 %d", YearMin, YearMax)

// NewDate returns the date, or an error when there is no such day or the year is out of range.
func NewDate(year int, month time.Month, day int) (Date, error) {
	if year < YearMin || year > YearMax || month < 1 || month > 12 || day < 1 || day > DaysIn(year, month) {
		return Date{}, errInvalidDate
	}
	return Date{int16(year), uint8(month), uint8(day)}, nil
}

// ParseDate reads "2026-08-23", exactly so. A day that does not exist (31 February) is refused, not shifted.
func ParseDate(s string) (Date, error) {
	if len(s) != 10 || s[4] != '-' || s[7] != '-' {
		return Date{}, errInvalidDate
	}
	year, okYear := digits(s[0:4])
	month, okMonth := digits(s[5:7])
	day, okDay := digits(s[8:10])
	if !okYear || !okMonth || !okDay {
		return Date{}, errInvalidDate
	}
	return NewDate(year, time.Month(month), day)
}

// MustParseDate is ParseDate for tests and constants.
func MustParseDate(s string) Date {
	d, err := ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

func digits(s string) (n int, ok bool) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}

// DateOf returns the business day at instant t, in BusinessZone.
func DateOf(t time.Time) Date {
	year, month, day := t.In(BusinessZone).Date()
	return Date{int16(year), uint8(month), uint8(day)}
}

// Year returns the year.
func (d Date) Year() int { return int(d.year) }

// Month returns the month.
func (d Date) Month() time.Month { return time.Month(d.month) }

// Day returns the day of the month.
func (d Date) Day() int { return int(d.day) }

// IsZero reports whether d is absent.
func (d Date) IsZero() bool { return d == Date{} }

// IsMonthEnd reports whether d is the last day of its month.
func (d Date) IsMonthEnd() bool { return int(d.day) == DaysIn(int(d.year), time.Month(d.month)) }

// Weekday returns the day of the week.
func (d Date) Weekday() time.Weekday {
	return time.Weekday(((d.number()+4)%7 + 7) % 7) // 1970-01-01 was a Thursday
}

// Compare returns -1, 0 or +1: earlier, equal, later.
func (d Date) Compare(o Date) int {
	a := int(d.year)<<9 | int(d.month)<<5 | int(d.day)
	b := int(o.year)<<9 | int(o.month)<<5 | int(o.day)
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Before reports whether d is earlier than o.
func (d Date) Before(o Date) bool { return d.Compare(o) < 0 }

// After reports whether d is later than o.
func (d Date) After(o Date) bool { return d.Compare(o) > 0 }

// DaysUntil returns the number of days from d to o; negative when o is earlier.
func (d Date) DaysUntil(o Date) int { return o.number() - d.number() }

// MonthsUntil returns the completed months from d to o; negative when o is earlier. From 31 January a month is complete
// on 28 February, the day that AddMonths gives.
func (d Date) MonthsUntil(o Date) int {
	months := (int(o.year)-int(d.year))*12 + int(o.month) - int(d.month)
	switch {
	case !o.Before(d) && d.AddMonths(months).After(o):
		months--
	case o.Before(d) && d.AddMonths(months).Before(o):
		months++
	}
	return months
}

// Equal reports whether d and o are the same day. Dates may also be compared with ==.
func (d Date) Equal(o Date) bool { return d == o }

// AddDays returns the date n days later.
func (d Date) AddDays(n int) Date { return fromNumber(d.number() + n) }

// AddMonths returns the same day n months later, or that month's last day where it has no such day
// (31 January + 1 month = 28 or 29 February).
func (d Date) AddMonths(n int) Date {
	months := int(d.year)*12 + int(d.month) - 1 + n
	year, month := months/12, time.Month(months%12+1)
	return Date{int16(year), uint8(month), uint8(min(int(d.day), DaysIn(year, month)))}
}

// AgeOn returns the completed years from d, a birth date, to the day o (周岁).
// Someone born on 29 February completes a year on 1 March of a common year.
func (d Date) AgeOn(o Date) int {
	age := int(o.year) - int(d.year)
	if o.month < d.month || (o.month == d.month && o.day < d.day) {
		age--
	}
	return age
}

// String writes what ParseDate reads: "2026-08-24".
func (d Date) String() string {
	return fmt.Sprintf("%04d-%02d-%02d", d.year, d.month, d.day)
}

// MarshalText writes "2026-08-23".
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (d *Date) UnmarshalText(text []byte) error {
	parsed, err := ParseDate(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// DaysIn returns how many days the month has.
func DaysIn(year int, month time.Month) int {
	switch month {
	case time.April, time.June, time.September, time.November:
		return 30
	case time.February:
		if IsLeap(year) {
			return 29
		}
		return 28
	}
	return 31
}

// IsLeap reports whether the year has a 29 February (Gregorian rule).
func IsLeap(year int) bool { return year%4 == 0 && (year%100 != 0 || year%400 == 0) }

// number is the day's count from 1970-01-01, by the usual era arithmetic on a year that starts in March.
func (d Date) number() int {
	year, month := int(d.year), int(d.month)
	if month <= 2 {
		year--
		month += 12
	}
	return 365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + int(d.day) - 1 - 719468
}

func fromNumber(n int) Date {
	year, month, day := time.Unix(int64(n)*86400, 0).UTC().Date()
	return Date{int16(year), uint8(month), uint8(day)}
}
