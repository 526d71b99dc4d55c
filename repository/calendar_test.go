package repository_test

import (
	"testing"

	"fumin/domain"
	"fumin/domain/origination"
)

// Two people who read the same version both write the next one: the store lets the first through, whatever the use case saw.
func TestAVersionOfACalendarYearIsWrittenOnce(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	put := func(version int, source string) error {
		return l.store.Update(t.Context(), func(tx origination.Tx) error {
			return tx.PutCalendarYear(t.Context(), origination.CalendarYear{
				Year: 2027, Source: source, SetBy: ledgerOfficer, SetAt: ledgerStart, Version: version,
			})
		})
	}
	for _, c := range []struct {
		version int
		source  string
		want    string
	}{
		{1, "一", ""},
		{1, "又一", "precondition-failed"},
		{3, "跳过一版", "precondition-failed"},
		{2, "二", ""},
		{2, "又二", "precondition-failed"},
	} {
		if err := put(c.version, c.source); domain.CodeOf(err) != c.want || (c.want == "") != (err == nil) {
			t.Errorf("version %d %s: %v, want code %q", c.version, c.source, err, c.want)
		}
	}
	years, err := l.store.CalendarYears(t.Context())
	if err != nil || len(years) != 1 || years[0].Version != 2 || years[0].Source != "二" {
		t.Errorf("the year: %+v, %v; want version 2 of 二", years, err)
	}
}
