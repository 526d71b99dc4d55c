package repository

import (
	"database/sql/driver"
	"math"
	"strings"
	"testing"
	"time"

	"fumin/domain"
)

func TestAColumnRefusesWhatItsValueCannotBe(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	type scanner interface{ Scan(any) error }
	for _, c := range []struct {
		name string
		to   scanner
		from any
	}{
		{"a date from a number", &dateColumn{}, int64(20261123)},
		{"a date from text", &dateColumn{}, "2026-11-23"},
		{"a date before all days", &dateColumn{}, time.Date(1899, 12, 31, 0, 0, 0, 0, time.UTC)},
		{"a date after all days", &dateColumn{}, time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)},
		{"the zero time as a date", &dateColumn{}, time.Time{}},
		{"an id from a number", &idColumn{}, int64(1)},
		{"an empty id", &idColumn{}, ""},
		{"an id in capitals", &idColumn{}, []byte("01900000-0000-7000-8000-0000000000AA")},
		{"an id with a space", &idColumn{}, "01900000-0000-7000-8000-0000000000a "},
		{"an instant from text", &timeColumn{}, "2026-11-23 01:30:00"},
		{"an instant from a number", &timeColumn{}, int64(1)},
		{"a document from NULL", &jsonColumn[[]int]{}, nil},
		{"a document from a time", &jsonColumn[[]int]{}, noon},
		{"a document of another shape", &jsonColumn[[]int]{}, []byte(`{"a":1}`)},
		{"half a document", &jsonColumn[[]int]{}, `[1,`},
		{"an empty document", &jsonColumn[[]int]{}, ""},
	} {
		if err := c.to.Scan(c.from); err == nil {
			t.Errorf("%s: %v was taken for %v", c.name, c.from, c.to)
		}
	}
	if _, err := (jsonColumn[float64]{math.NaN()}).Value(); err == nil || !strings.Contains(err.Error(), "json column") {
		t.Errorf("a document that cannot be written: %v, want an error", err)
	}
}

func TestAnAbsentValueIsNullAndComesBackAbsent(t *testing.T) {
	t.Parallel()
	date, id, instant := dateColumn{domain.MustParseDate("2026-11-23")}, idColumn{"01900000-0000-7000-8000-0000000000aa"}, timeColumn{time.Now()}
	for name, err := range map[string]error{"date": date.Scan(nil), "id": id.Scan(nil), "instant": instant.Scan(nil)} {
		if err != nil {
			t.Errorf("%s from NULL: %v", name, err)
		}
	}
	if !date.IsZero() || !id.IsZero() || !instant.IsZero() {
		t.Errorf("from NULL: %v, %v, %v; want what was there before to be gone", date.Date, id.ID, instant.Time)
	}
	for name, written := range map[string]func() (driver.Value, error){"date": date.Value, "id": id.Value, "instant": instant.Value} {
		if value, err := written(); value != nil || err != nil {
			t.Errorf("an absent %s is written as %v, %v; want NULL", name, value, err)
		}
	}
}

func TestAValueIsWrittenAsItsColumnKeepsIt(t *testing.T) {
	t.Parallel()
	beijing := time.Date(2026, 11, 23, 9, 30, 0, 123456000, domain.BusinessZone)
	if value, err := (dateColumn{domain.MustParseDate("2026-01-02")}).Value(); value != "2026-01-02" || err != nil {
		t.Errorf("a date is written as %v (%T), %v; want text, which no zone shifts", value, value, err)
	}
	value, err := timeColumn{beijing}.Value()
	if at, ok := value.(time.Time); err != nil || !ok || at.Location() != time.UTC || !at.Equal(beijing) {
		t.Errorf("an instant is written as %v, %v; want the same in UTC", value, err)
	}
	var date dateColumn
	if err := date.Scan(time.Date(2028, 2, 29, 0, 0, 0, 0, time.UTC)); err != nil || date.String() != "2028-02-29" {
		t.Errorf("a leap day is read as %s, %v", date, err)
	}
	var instant timeColumn
	if err := instant.Scan(beijing); err != nil || instant.Location() != time.UTC || !instant.Equal(beijing) {
		t.Errorf("an instant is read as %v, %v; want UTC", instant, err)
	}
	for _, from := range []any{"01900000-0000-7000-8000-0000000000aa", []byte("01900000-0000-7000-8000-0000000000aa")} {
		var id idColumn
		if err := id.Scan(from); err != nil || id.ID != "01900000-0000-7000-8000-0000000000aa" {
			t.Errorf("an id is read from %T as %q, %v", from, id.ID, err)
		}
	}
}
