package report_test

import (
	"errors"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fumin/domain"
	"fumin/domain/report"
)

func TestEachReportIsDefinedOnceAndWhole(t *testing.T) {
	t.Parallel()
	name := regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	codes := map[report.Code]bool{}
	for _, d := range report.All() {
		if codes[d.Code] {
			t.Errorf("%s is defined twice", d.Code)
		}
		codes[d.Code] = true
		if d.Title == "" || d.Description == "" || (d.Period != report.PeriodRange && d.Period != report.PeriodSnapshot) {
			t.Errorf("%s lacks its title, description or period", d.Code)
		}
		if d.Columns[0].Code != "branch_code" || d.Columns[1].Code != "branch_name" {
			t.Errorf("%s begins with %s, %s; subtotals are made by branch", d.Code, d.Columns[0].Code, d.Columns[1].Code)
		}
		seen, headings := map[string]bool{}, map[string]bool{}
		for _, c := range d.Columns {
			if seen[c.Code] || headings[c.Heading] || !name.MatchString(c.Code) || c.Heading == "" || c.Definition == "" {
				t.Errorf("%s: column %+v is incomplete, or there twice", d.Code, c)
			}
			seen[c.Code], headings[c.Heading] = true, true
			if c.Total && c.Type != report.TypeAmount && c.Type != report.TypeInteger {
				t.Errorf("%s: %s cannot be added up", d.Code, c.Code)
			}
			if c.Type == report.TypeAmount && c.Unit != "元" {
				t.Errorf("%s: %s has the unit %q, want 元", d.Code, c.Code, c.Unit)
			}
		}
	}
	if len(codes) != 11 {
		t.Errorf("%d reports, want 11", len(codes))
	}
}

func TestABadQueryIsRefusedByName(t *testing.T) {
	t.Parallel()
	good := report.Query{Report: report.DisbursementLedger, From: domain.MustParseDate("2026-08-01"), To: today, AsOf: today}
	if _, err := good.Validate(today); err != nil {
		t.Fatalf("a good query: %v", err)
	}
	change := func(f func(*report.Query)) report.Query {
		q := good
		f(&q)
		return q
	}
	for name, c := range map[string]struct {
		query report.Query
		want  []string
	}{
		"no as-of day":        {change(func(q *report.Query) { q.AsOf = domain.Date{} }), []string{"/as_of required"}},
		"a day in the future": {change(func(q *report.Query) { q.AsOf, q.To = today.AddDays(1), today.AddDays(1) }), []string{"/as_of in-the-future", "/to in-the-future"}},
		"no range":            {change(func(q *report.Query) { q.From, q.To = domain.Date{}, domain.Date{} }), []string{"/from required", "/to required"}},
		"a range of 100 years": {
			change(func(q *report.Query) { q.From = today.AddMonths(-1200) }),
			[]string{"/to out-of-range"},
		},
		"a range that runs backwards": {change(func(q *report.Query) { q.From = today.AddDays(1) }), []string{"/to out-of-range"}},
		"as of before the range ends": {change(func(q *report.Query) { q.AsOf = today.AddDays(-1) }), []string{"/as_of out-of-range"}},
		"a column that does not exist": {
			change(func(q *report.Query) { q.Columns = []string{"amount", "salary", "amount"} }),
			[]string{"/columns unknown-column", "/columns duplicate"},
		},
		"personal data without a reason": {change(func(q *report.Query) { q.Reveal = true }), []string{"/reveal_reason out-of-range"}},
		"a range for a snapshot":         {change(func(q *report.Query) { q.Report = report.BookBalance }), []string{"/from not-used"}},
	} {
		_, err := c.query.Validate(today)
		refusal, ok := errors.AsType[*domain.Error](err)
		if !ok {
			t.Errorf("%s: %v, want a refusal", name, err)
			continue
		}
		var got []string
		for _, f := range refusal.Fields {
			got = append(got, f.Pointer+" "+f.Code)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	_, err := change(func(q *report.Query) { q.Report = "salaries" }).Validate(today)
	if code := domain.CodeOf(err); code != "report-not-found" {
		t.Errorf("an unknown report: %q, want report-not-found", code)
	}
}

func TestABusinessDayEndsAtMidnightInBeijing(t *testing.T) {
	t.Parallel()
	q := report.Query{From: domain.MustParseDate("2026-08-01"), To: domain.MustParseDate("2026-08-22"), AsOf: domain.MustParseDate("2026-08-23")}
	for name, c := range map[string][2]time.Time{
		"start":  {q.Start(), time.Date(2026, 7, 31, 16, 0, 0, 0, time.UTC)},
		"end":    {q.End(), time.Date(2026, 8, 22, 16, 0, 0, 0, time.UTC)},
		"cutoff": {q.Cutoff(), time.Date(2026, 8, 23, 16, 0, 0, 0, time.UTC)},
	} {
		if !c[0].Equal(c[1]) {
			t.Errorf("%s is %v, want %v", name, c[0], c[1])
		}
	}
}

func TestAPercentileIsOneOfTheValues(t *testing.T) {
	t.Parallel()
	hours := func(n ...int) []time.Duration {
		var d []time.Duration
		for _, h := range n {
			d = append(d, time.Duration(h)*time.Hour)
		}
		return d
	}
	for _, c := range []struct {
		durations []time.Duration
		percent   int
		want      string
	}{
		{nil, 50, ""},
		{hours(7), 50, "7.00"},
		{hours(7), 90, "7.00"},
		{hours(3, 1, 2), 50, "2.00"},
		{hours(4, 3, 2, 1), 50, "2.00"}, // nearest rank: the 2nd of 4
		{hours(10, 9, 8, 7, 6, 5, 4, 3, 2, 1), 90, "9.00"},
		{[]time.Duration{18 * time.Second}, 50, "0.01"}, // 0.005 hours, half up
		{[]time.Duration{17 * time.Second}, 50, "0.00"},
	} {
		d, present := report.Percentile(c.durations, c.percent)
		if got := report.CellOfHours(d, present); got != c.want {
			t.Errorf("Percentile(%v, %d) = %q, want %q", c.durations, c.percent, got, c.want)
		}
	}
}
