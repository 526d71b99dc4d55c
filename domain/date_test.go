package domain_test

import (
	"encoding/json"
	"testing"
	"time"
	_ "time/tzdata" // the business zone is compared with the real one, also on a machine without a time-zone database

	"pgregory.net/rapid"

	"fumin/domain"
)

var (
	firstDay = time.Date(domain.YearMin, time.January, 1, 0, 0, 0, 0, time.UTC)
	lastDay  = time.Date(domain.YearMax, time.December, 31, 0, 0, 0, 0, time.UTC)
)

// civil is the Date of a time in UTC, by way of NewDate.
func civil(t *testing.T, at time.Time) domain.Date {
	t.Helper()
	d, err := domain.NewDate(at.Year(), at.Month(), at.Day())
	if err != nil {
		t.Fatalf("NewDate(%s) = %v, want none", at.Format(time.DateOnly), err)
	}
	return d
}

func TestEveryDayFrom1900To2199AgreesWithTheTimePackage(t *testing.T) {
	t.Parallel()
	first := civil(t, firstDay)
	var before domain.Date
	days := 0
	for at := firstDay; !at.After(lastDay); at = at.AddDate(0, 0, 1) {
		d := civil(t, at)
		text := at.Format(time.DateOnly)
		if d.String() != text || domain.MustParseDate(text) != d {
			t.Fatalf("%s: String = %s, parsed = %s", text, d, domain.MustParseDate(text))
		}
		if d.Year() != at.Year() || d.Month() != at.Month() || d.Day() != at.Day() || d.Weekday() != at.Weekday() {
			t.Fatalf("%s: got %d-%d-%d %s, want a %s", text, d.Year(), d.Month(), d.Day(), d.Weekday(), at.Weekday())
		}
		if got := first.DaysUntil(d); got != days || d.DaysUntil(first) != -days || first.AddDays(days) != d || d.AddDays(-days) != first {
			t.Fatalf("%s: %d days after %s and back %s, want %d", text, got, first, d.AddDays(-days), days)
		}
		if got, want := d.IsMonthEnd(), at.AddDate(0, 0, 1).Day() == 1; got != want {
			t.Fatalf("%s: IsMonthEnd = %t, want %t", text, got, want)
		}
		if days > 0 && (!before.Before(d) || before.After(d) || !d.After(before) || before.Compare(d) != -1 || d.Compare(before) != 1) {
			t.Fatalf("%s and %s: want the first earlier", before, d)
		}
		if same := first.AddDays(days); d.Compare(same) != 0 || d.Before(same) || d.After(same) || d.IsZero() {
			t.Fatalf("%s: want it equal to itself and present", text)
		}
		before, days = d, days+1
	}
	if days != 109573 { // 300 years of 365 days, and 73 leap days: 75 fourth years less 1900 and 2100
		t.Errorf("%d days were compared, want 109573", days)
	}
}

func TestOnlyDaysThatExistAreDates(t *testing.T) {
	t.Parallel()
	for year := domain.YearMin - 1; year <= domain.YearMax+1; year++ {
		for month := time.Month(-1); month <= 14; month++ {
			for day := -1; day <= 33; day++ {
				at := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
				exists := at.Year() == year && at.Month() == month && at.Day() == day &&
					year >= domain.YearMin && year <= domain.YearMax
				if _, err := domain.NewDate(year, month, day); (err == nil) != exists {
					t.Fatalf("NewDate(%d, %d, %d) = %v, the day exists: %t", year, month, day, err, exists)
				}
			}
		}
	}
}

func TestMonthsHaveTheirDaysAndLeapYearsTheirs(t *testing.T) {
	t.Parallel()
	for year := domain.YearMin; year <= domain.YearMax; year++ {
		if got, want := domain.IsLeap(year), time.Date(year, 12, 31, 0, 0, 0, 0, time.UTC).YearDay() == 366; got != want {
			t.Errorf("IsLeap(%d) = %t, want %t", year, got, want)
		}
		for month := time.January; month <= time.December; month++ {
			if got, want := domain.DaysIn(year, month), time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day(); got != want {
				t.Errorf("DaysIn(%d, %s) = %d, want %d", year, month, got, want)
			}
		}
	}
}

func TestMonthsAreAddedToEveryDayWithTheMonthsEndAsTheLimit(t *testing.T) {
	t.Parallel()
	for at := firstDay; !at.After(lastDay); at = at.AddDate(0, 0, 1) {
		d := civil(t, at)
		for _, months := range []int{-361, -25, -12, -11, -1, 0, 1, 2, 3, 6, 11, 12, 13, 24, 36, 60, 361} {
			want := time.Date(at.Year(), at.Month()+time.Month(months), at.Day(), 0, 0, 0, 0, time.UTC)
			if want.Day() != at.Day() { // it ran over into the next month: back to the last day of the one before
				want = want.AddDate(0, 0, -want.Day())
			}
			got := d.AddMonths(months)
			if got.Year() != want.Year() || got.Month() != want.Month() || got.Day() != want.Day() {
				t.Fatalf("%s.AddMonths(%d) = %s, want %s", d, months, got, want.Format(time.DateOnly))
			}
		}
	}
}

func TestAddingMonthsByExample(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from   string
		months int
		want   string
	}{
		{"2026-01-31", 1, "2026-02-28"},
		{"2028-01-31", 1, "2028-02-29"},
		{"2100-01-31", 1, "2100-02-28"},
		{"2000-01-30", 1, "2000-02-29"},
		{"2028-02-29", 12, "2029-02-28"},
		{"2028-02-29", 48, "2032-02-29"},
		{"2026-12-15", 1, "2027-01-15"},
		{"2026-01-15", -1, "2025-12-15"},
		{"2026-03-31", -1, "2026-02-28"},
		{"2026-08-31", 36, "2029-08-31"},
	} {
		if got := domain.MustParseDate(c.from).AddMonths(c.months); got.String() != c.want {
			t.Errorf("%s.AddMonths(%d) = %s, want %s", c.from, c.months, got, c.want)
		}
	}
}

func TestAgeIsCompletedOnTheBirthdayForEveryBirthDay(t *testing.T) {
	t.Parallel()
	for birth := firstDay; !birth.After(lastDay); birth = birth.AddDate(0, 0, 1) {
		d := civil(t, birth)
		for _, age := range []int{1, 4, 18, 60, 65, 100} {
			// time.AddDate takes 29 February to 1 March in a common year, as the rule of AgeOn does.
			birthday := birth.AddDate(age, 0, 0)
			if birthday.After(lastDay) {
				continue
			}
			on := civil(t, birthday)
			for _, c := range []struct {
				on   domain.Date
				want int
			}{{on.AddDays(-1), age - 1}, {on, age}, {on.AddDays(1), age}} {
				if got := d.AgeOn(c.on); got != c.want {
					t.Fatalf("born %s: AgeOn(%s) = %d, want %d", d, c.on, got, c.want)
				}
			}
		}
		if got := d.AgeOn(d); got != 0 {
			t.Fatalf("born %s: AgeOn(the same day) = %d, want 0", d, got)
		}
	}
}

func TestTextThatIsNoDateIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", " ", "2026", "2026-08", "2026-8-23", "2026-08-3", "26-08-23", "2026-08-23 ", " 2026-08-23", "2026-08-23T00:00:00Z",
		"2026/08/23", "2026.08.23", "20260823", "2026-0823-", "2026--8-23", "+026-08-23", "-026-08-23", "2026-+8-23", "2026-08-+3",
		"2026-00-23", "2026-13-23", "2026-08-00", "2026-08-32", "2026-02-29", "2026-02-30", "2026-02-31", "2100-02-29", "1900-02-29",
		"2026-04-31", "1899-12-31", "2200-01-01", "0000-00-00", "9999-12-31", "２０２６-08-23", "2026-08-2٣", "2026年08月23", "today",
		"2026-08-2\x00", "0x26-08-23", "2026-1e-23",
	} {
		d, err := domain.ParseDate(text)
		if err == nil || !d.IsZero() || err.Error() == "" {
			t.Errorf("ParseDate(%q) = %s, %v; want the zero date and an error", text, d, err)
		}
	}
}

func TestADateGoesThroughJSONAsText(t *testing.T) {
	t.Parallel()
	type body struct {
		Due domain.Date `json:"due"`
	}
	written, err := json.Marshal(body{domain.MustParseDate("2026-08-23")})
	if err != nil || string(written) != `{"due":"2026-08-23"}` {
		t.Errorf("Marshal = %s, %v; want \"2026-08-23\"", written, err)
	}
	var read body
	if err := json.Unmarshal(written, &read); err != nil || read.Due.String() != "2026-08-23" {
		t.Errorf("Unmarshal(%s) = %s, %v", written, read.Due, err)
	}
	for _, bad := range []string{`{"due":"2026-02-31"}`, `{"due":20260823}`, `{"due":""}`} {
		if err := json.Unmarshal([]byte(bad), &read); err == nil || read.Due.String() != "2026-08-23" {
			t.Errorf("Unmarshal(%s) = %s, %v; want an error and the date as it was", bad, read.Due, err)
		}
	}
}

func TestTheBusinessDayBeginsAtMidnightInBeijing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ at, want string }{
		{"2026-08-22T15:59:59.999999Z", "2026-08-22"},
		{"2026-08-22T16:00:00Z", "2026-08-23"},
		{"2026-08-23T15:59:59.999999Z", "2026-08-23"},
		{"2026-12-31T16:00:00Z", "2027-01-01"},
		{"2028-02-28T16:00:00Z", "2028-02-29"},
		{"2026-08-22T12:00:00-05:00", "2026-08-23"},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := domain.DateOf(at); got.String() != c.want {
			t.Errorf("DateOf(%s) = %s, want %s", c.at, got, c.want)
		}
	}
}

func TestTheBusinessZoneIsThatOfChinaSince1992(t *testing.T) {
	t.Parallel()
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	for at := time.Date(1992, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() <= domain.YearMax; at = at.Add(24 * time.Hour) {
		_, want := at.In(shanghai).Zone()
		if _, got := at.In(domain.BusinessZone).Zone(); got != want {
			t.Fatalf("at %s the business zone is %d s ahead, Shanghai %d s", at, got, want)
		}
	}
}

func TestTheZeroDateIsAbsent(t *testing.T) {
	t.Parallel()
	var d domain.Date
	if !d.IsZero() || !d.Before(domain.MustParseDate("1900-01-01")) {
		t.Errorf("the zero date %s: want it absent and before all others", d)
	}
}

func TestDaysBetweenDatesAddUp(t *testing.T) {
	t.Parallel()
	day := rapid.Custom(func(t *rapid.T) domain.Date {
		return domain.DateOf(firstDay).AddDays(rapid.IntRange(0, 109572).Draw(t, "day"))
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := day.Draw(t, "a"), day.Draw(t, "b"), day.Draw(t, "c")
		if a.DaysUntil(b)+b.DaysUntil(c) != a.DaysUntil(c) || a.AddDays(a.DaysUntil(b)) != b {
			t.Fatalf("%s to %s to %s does not add up", a, b, c)
		}
		if (a.DaysUntil(b) > 0) != a.Before(b) || (a.DaysUntil(b) == 0) != (a == b) {
			t.Fatalf("%s and %s: %d days, compare %d", a, b, a.DaysUntil(b), a.Compare(b))
		}
		n := rapid.IntRange(-1200, 1200).Draw(t, "months")
		if moved := a.AddMonths(n); moved.Day() > a.Day() || (moved.Day() < a.Day() && !moved.IsMonthEnd()) {
			t.Fatalf("%s.AddMonths(%d) = %s", a, n, moved)
		}
	})
}

func FuzzParseDateReadsWhatTheTimePackageReads(f *testing.F) {
	for _, text := range []string{"2026-08-23", "2026-02-31", "1900-01-01", "2199-12-31", "2200-01-01", "", "2026-8-23", "２０２６-08-23"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, wantErr := time.Parse(time.DateOnly, text)
		want := wantErr == nil && at.Year() >= domain.YearMin && at.Year() <= domain.YearMax
		d, err := domain.ParseDate(text)
		if (err == nil) != want {
			t.Fatalf("ParseDate(%q) = %s, %v; the time package: %v", text, d, err, wantErr)
		}
		if err == nil && d.String() != text {
			t.Fatalf("ParseDate(%q) = %s", text, d)
		}
	})
}
