package schedule_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"fumin/domain"
	"fumin/domain/money"
	"fumin/domain/schedule"
)

// The vectors in testdata are figures that others published; each names its source. Where a source gives unrounded
// figures, or figures rounded otherwise than row by row, tolerance_fen says by how many fen ours may differ.

type goldenTerms struct {
	Principal   money.Amount  `json:"principal"`
	AnnualRate  money.Rate    `json:"annual_rate_pct"`
	Method      string        `json:"repayment_method"`
	Periods     int           `json:"periods"`
	Frequency   goldenEvery   `json:"frequency"`
	DisbursedOn domain.Date   `json:"disbursed_on"`
	FirstDueOn  domain.Date   `json:"first_due_on"`
	DueDates    []domain.Date `json:"due_dates"`
	DayCount    string        `json:"day_count"`
	Multiple    money.Amount  `json:"instalment_multiple"`
}

type goldenEvery struct {
	Unit  string `json:"unit"`
	Every int    `json:"every"`
}

type goldenSum struct {
	From, To            int
	Principal, Interest *decimal.Decimal
}

type goldenSchedule struct {
	Name              string           `json:"name"`
	Source            string           `json:"source"`
	Note              string           `json:"note"`
	Terms             goldenTerms      `json:"terms"`
	LevelInstalment   *decimal.Decimal `json:"level_instalment"`
	Rows              [][]any          `json:"rows"` // number, principal, interest, closing balance, due date
	Sums              []goldenSum      `json:"sums"`
	TotalInterest     *decimal.Decimal `json:"total_interest"`
	ToleranceFen      int64            `json:"tolerance_fen"`
	TotalToleranceFen int64            `json:"total_tolerance_fen"`
}

func (g goldenTerms) terms(t *testing.T) schedule.Terms {
	t.Helper()
	method, errMethod := schedule.ParseMethod(g.Method)
	dayCount, errDayCount := schedule.ParseDayCount(g.DayCount)
	unit, errUnit := schedule.ParseUnit(g.Frequency.Unit)
	if errMethod != nil || errDayCount != nil || errUnit != nil {
		t.Fatalf("a vector's words: %v, %v, %v", errMethod, errDayCount, errUnit)
	}
	return schedule.Terms{
		Principal: g.Principal, AnnualRate: g.AnnualRate, Method: method, Periods: g.Periods,
		Frequency:   schedule.Frequency{Unit: unit, Every: g.Frequency.Every},
		DisbursedOn: g.DisbursedOn, FirstDueOn: g.FirstDueOn, DueDates: g.DueDates, DayCount: dayCount,
		InstalmentMultiple: g.Multiple,
	}
}

// vectors reads a file of testdata, which must name a source for each vector.
func vectors[T any](t *testing.T, name string) []T {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var all []T
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&all); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return all
}

// near compares with a published figure, first rounded to the fen as a reader would.
func near(got money.Amount, published decimal.Decimal, toleranceFen int64) bool {
	difference := got.Decimal().Sub(published.Round(2)).Abs()
	return difference.LessThanOrEqual(decimal.New(toleranceFen, -2))
}

func TestSchedulesAgreeWithPublishedFigures(t *testing.T) {
	t.Parallel()
	all := vectors[goldenSchedule](t, "schedules.json")
	if len(all) < 40 {
		t.Errorf("published schedules: got %d, want at least 40", len(all))
	}
	for _, v := range all {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			if v.Source == "" {
				t.Fatal("no source")
			}
			plan, err := schedule.Build(v.Terms.terms(t))
			if err != nil {
				t.Fatalf("Build(%+v): %v", v.Terms, err)
			}
			if v.LevelInstalment != nil && !near(plan.LevelInstalment, *v.LevelInstalment, 0) {
				t.Errorf("level instalment: got %s, want %s (%s)", plan.LevelInstalment, v.LevelInstalment, v.Source)
			}
			for _, want := range v.Rows {
				v.compareRow(t, plan, want)
			}
			v.compareSums(t, plan)
		})
	}
}

func (v goldenSchedule) compareRow(t *testing.T, plan schedule.Plan, want []any) {
	t.Helper()
	number := int(want[0].(float64))
	row := plan.Rows[number-1]
	figures := []struct {
		name string
		got  money.Amount
	}{{"principal", row.Principal}, {"interest", row.Interest}, {"closing balance", row.ClosingBalance}}
	for i, figure := range figures {
		if len(want) <= i+1 || want[i+1] == nil {
			continue
		}
		published := decimal.RequireFromString(want[i+1].(string))
		if !near(figure.got, published, v.ToleranceFen) {
			t.Errorf("row %d, %s: got %s, want %s within %d fen (%s)", number, figure.name, figure.got, published, v.ToleranceFen, v.Source)
		}
	}
	if len(want) > 4 && row.DueOn.String() != want[4].(string) {
		t.Errorf("row %d, due date: got %s, want %s (%s)", number, row.DueOn, want[4], v.Source)
	}
}

func (v goldenSchedule) compareSums(t *testing.T, plan schedule.Plan) {
	t.Helper()
	for _, want := range v.Sums {
		var principal, interest money.Amount
		for _, row := range plan.Rows[want.From-1 : want.To] {
			principal, interest = principal.Add(row.Principal), interest.Add(row.Interest)
		}
		if want.Principal != nil && !near(principal, *want.Principal, v.ToleranceFen) {
			t.Errorf("principal of rows %d to %d: got %s, want %s (%s)", want.From, want.To, principal, want.Principal, v.Source)
		}
		if want.Interest != nil && !near(interest, *want.Interest, v.ToleranceFen) {
			t.Errorf("interest of rows %d to %d: got %s, want %s (%s)", want.From, want.To, interest, want.Interest, v.Source)
		}
	}
	if v.TotalInterest != nil && !near(plan.Totals.Interest, *v.TotalInterest, v.TotalToleranceFen) {
		t.Errorf("total interest: got %s, want %s within %d fen (%s)", plan.Totals.Interest, v.TotalInterest, v.TotalToleranceFen, v.Source)
	}
}

type goldenRate struct {
	Name        string       `json:"name"`
	Source      string       `json:"source"`
	Note        string       `json:"note"`
	Frequency   *goldenEvery `json:"frequency"`
	FirstPeriod *struct {
		Periods, Days int
	} `json:"first_period"`
	Flows     [][]any `json:"flows"` // date or period, amount, how many times (once)
	Nominal   string  `json:"nominal_pct"`
	Effective string  `json:"effective_pct"`
	Refused   string  `json:"refused"`
}

func (v goldenRate) flows(t *testing.T) schedule.CashFlows {
	t.Helper()
	var c schedule.CashFlows
	if v.Frequency != nil {
		c.Frequency = schedule.Frequency{Unit: schedule.Unit(v.Frequency.Unit), Every: v.Frequency.Every}
	}
	for _, flow := range v.Flows {
		amount, times := money.MustParseAmount(flow[1].(string)), 1
		if len(flow) > 2 {
			times = int(flow[2].(float64))
		}
		for k := range times {
			switch at := flow[0].(type) {
			case string:
				c.Flows = append(c.Flows, schedule.CashFlow{On: later(domain.MustParseDate(at), c.Frequency, k), Amount: amount})
			case float64:
				c.Flows = append(c.Flows, schedule.CashFlow{Period: int(at) + k, Amount: amount})
			}
		}
	}
	return c
}

// later steps k periods on from a date.
func later(on domain.Date, every schedule.Frequency, k int) domain.Date {
	switch every.Unit {
	case schedule.Day:
		return on.AddDays(k * every.Every)
	case schedule.Week:
		return on.AddDays(7 * k * every.Every)
	case schedule.Month:
		return on.AddMonths(k * every.Every)
	case schedule.Year:
		return on.AddMonths(12 * k * every.Every)
	}
	return on
}

func TestRatesAgreeWithPublishedFigures(t *testing.T) {
	t.Parallel()
	all := vectors[goldenRate](t, "rates.json")
	if len(all) < 20 {
		t.Errorf("published rates: got %d, want at least 20", len(all))
	}
	for _, v := range all {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			if v.Source == "" || v.Nominal+v.Effective+v.Refused == "" {
				t.Fatalf("a vector without source or figure: %+v", v)
			}
			rates, err := schedule.CashFlowRates(v.flows(t))
			if v.Refused != "" {
				if got := fieldCodes(err)["/flows"]; got != v.Refused {
					t.Errorf("refusal: got %v, want code %s (%s)", err, v.Refused, v.Source)
				}
				return
			}
			if err != nil {
				t.Fatalf("CashFlowRates: %v (%s)", err, v.Source)
			}
			comparePublished(t, "nominal", rates.Nominal, v.Nominal, v.Source)
			comparePublished(t, "effective", rates.Effective, v.Effective, v.Source)
		})
	}
}

// comparePublished rounds ours to as many decimals as were published.
func comparePublished(t *testing.T, name string, got schedule.Percent, want, source string) {
	t.Helper()
	if want == "" {
		return
	}
	_, decimals, _ := strings.Cut(want, ".")
	if shown := got.Shown(int32(len(decimals)), money.HalfUp); shown != want {
		t.Errorf("%s rate: got %s (%s), want %s (%s)", name, shown, got, want, source)
	}
}

// fieldCodes maps the pointers of a refusal to their codes.
func fieldCodes(err error) map[string]string {
	codes := map[string]string{}
	refused, ok := errors.AsType[*domain.Error](err)
	if !ok {
		return codes
	}
	for _, field := range refused.Fields {
		codes[field.Pointer] = field.Code
	}
	return codes
}

// fieldDetails maps the pointers of a refusal to what they tell the user.
func fieldDetails(err error) map[string]string {
	details := map[string]string{}
	refused, ok := errors.AsType[*domain.Error](err)
	if !ok {
		return details
	}
	for _, field := range refused.Fields {
		details[field.Pointer] = field.Detail
	}
	return details
}

func TestYearFractionsAgreeWithTheISDAExamples(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("testdata", "fractions.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Source, Note string
		Fractions    []struct {
			DayCount string `json:"day_count"`
			From, To domain.Date
			Days     int64
			Years    string
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for _, v := range file.Fractions {
		// One row over the whole span shows the year fraction.
		plan, err := schedule.Build(schedule.Terms{
			Principal: money.MustParseAmount("100.00"), Method: schedule.LumpSum, DisbursedOn: v.From,
			DueDates: []domain.Date{v.To}, DayCount: schedule.DayCount(v.DayCount),
		})
		if err != nil {
			t.Fatalf("%s from %s to %s: %v", v.DayCount, v.From, v.To, err)
		}
		got := plan.Rows[0].YearFraction
		if v.Years != "" {
			if want := decimal.RequireFromString(v.Years).StringFixed(10); got.String() != want {
				t.Errorf("%s from %s to %s: got %s, want %s", v.DayCount, v.From, v.To, got, want)
			}
			continue
		}
		if got.Numerator*360 != v.Days*got.Denominator {
			t.Errorf("%s from %s to %s: got %d/%d years, want %d/360", v.DayCount, v.From, v.To, got.Numerator, got.Denominator, v.Days)
		}
	}
}
