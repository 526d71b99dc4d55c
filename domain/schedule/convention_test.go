package schedule_test

import (
	"testing"

	"fumin/domain"
	"fumin/domain/money"
	"fumin/domain/schedule"
)

// Each case sets one convention on the same loan and says a figure worked out by hand; where a convention must differ
// from its neighbour the figures differ, and the test says so if two of a group are the same.
type conventionCase struct {
	name   string
	change func(*schedule.Terms)
	want   string
}

func compareConventions(t *testing.T, base schedule.Terms, cases []conventionCase, figure func(schedule.Plan) string) {
	t.Helper()
	seen := map[string]string{}
	for _, c := range cases {
		terms := base
		c.change(&terms)
		plan, err := schedule.Build(terms)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		got := figure(plan)
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
		if neighbour, taken := seen[got]; taken {
			t.Errorf("%s and %s give the same figure %s: the case shows nothing", c.name, neighbour, got)
		}
		seen[got] = c.name
	}
}

func firstInterest(p schedule.Plan) string { return p.Rows[0].Interest.String() }

func dueDates(p schedule.Plan) string {
	text := ""
	for _, row := range p.Rows {
		text += " " + row.DueOn.String()
	}
	return text[1:]
}

func TestEachDayCountDiffersFromItsNeighbours(t *testing.T) {
	t.Parallel()
	// 12 December 2023 to 31 January 2024: 50 days, 20 of them in 2023. 360,000.00 at 10 %: 100.00 a day over 360.
	base := terms(schedule.InterestOnlyBullet, "360000.00", "10", 1)
	base.DisbursedOn, base.FirstDueOn = domain.MustParseDate("2023-12-12"), domain.MustParseDate("2024-01-31")
	set := func(d schedule.DayCount) func(*schedule.Terms) { return func(t *schedule.Terms) { t.DayCount = d } }
	compareConventions(t, base, []conventionCase{
		{"30/360: 1 month and 19 days, the 31st counts", set(schedule.Thirty360), "4900.00"},
		{"30e/360: the 31st counts as a 30th, 48 days", set(schedule.ThirtyE360), "4800.00"},
		{"act/360: 50 days", set(schedule.Actual360), "5000.00"},
		{"act/365: 50 days", set(schedule.Actual365), "4931.51"},
		{"act/act-isda: 20/365 + 30/366", set(schedule.ActualActual), "4923.42"},
	}, firstInterest)
	// By the period: back one month from 31 January is 31 December, 19 days are left: (1 + 19/30)/12 years, 4,900.00
	// as well; it parts from 30/360 where weeks are counted.
	weekly := terms(schedule.InterestOnlyBullet, "360000.00", "10", 1)
	weekly.Frequency = schedule.Frequency{Unit: schedule.Week, Every: 1}
	compareConventions(t, weekly, []conventionCase{
		{"30/360: 7 days", set(schedule.Thirty360), "700.00"},
		{"periodic: 1/52", set(schedule.Periodic), "692.31"},
		{"act/365: 7/365", set(schedule.Actual365), "690.41"},
	}, firstInterest)
	// A whole month counts 1/12 in 30/360, and 28 days in 30e/360.
	february := terms(schedule.InterestOnlyBullet, "360000.00", "10", 1)
	february.DisbursedOn = domain.MustParseDate("2026-01-31")
	compareConventions(t, february, []conventionCase{
		{"30/360: a whole month", set(schedule.Thirty360), "3000.00"},
		{"30e/360: 28 days", set(schedule.ThirtyE360), "2800.00"},
		{"act/365: 28 days", set(schedule.Actual365), "2761.64"},
	}, firstInterest)
}

func TestMonthEndRulesPartAfterAShortMonth(t *testing.T) {
	t.Parallel()
	base := terms(schedule.InterestOnlyBullet, "1000.00", "10", 3)
	base.DisbursedOn = domain.MustParseDate("2026-02-28")
	set := func(m schedule.MonthEnd) func(*schedule.Terms) { return func(t *schedule.Terms) { t.MonthEnd = m } }
	compareConventions(t, base, []conventionCase{
		{"clamp", set(schedule.Clamp), "2026-03-28 2026-04-28 2026-05-28"},
		{"eom_sticky", set(schedule.EOMSticky), "2026-03-31 2026-04-30 2026-05-31"},
	}, dueDates)

	base.DisbursedOn = domain.MustParseDate("2026-01-31")
	for _, rule := range []schedule.MonthEnd{schedule.Clamp, schedule.EOMSticky} {
		terms := base
		terms.MonthEnd = rule
		plan, err := schedule.Build(terms)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := dueDates(plan), "2026-02-28 2026-03-31 2026-04-30"; got != want {
			t.Errorf("%s from 31 January: got %s, want %s (never the day after the shorter month)", rule, got, want)
		}
	}
}

func TestBusinessDayRulesMoveADueDateEitherWayAndMakeUpDaysCount(t *testing.T) {
	t.Parallel()
	// Spring Festival 2026: 15 to 23 February are free, Saturday 14 and Saturday 28 February are worked (State Council
	// notice for 2026).
	var holidays []domain.Date
	for day := domain.MustParseDate("2026-02-15"); !day.After(domain.MustParseDate("2026-02-23")); day = day.AddDays(1) {
		holidays = append(holidays, day)
	}
	calendar, err := schedule.NewCalendar(holidays, []domain.Date{domain.MustParseDate("2026-02-14"), domain.MustParseDate("2026-02-28")})
	if err != nil {
		t.Fatal(err)
	}
	base := terms(schedule.InterestOnlyBullet, "365000.00", "10", 2)
	base.DisbursedOn, base.Calendar, base.DayCount = domain.MustParseDate("2026-01-18"), calendar, schedule.Actual365
	set := func(b schedule.BusinessDay) func(*schedule.Terms) {
		return func(t *schedule.Terms) { t.BusinessDay = b }
	}
	compareConventions(t, base, []conventionCase{
		{"none", set(schedule.Unmoved), "2026-02-18 2026-03-18"},
		{"following: Tuesday after the festival", set(schedule.Following), "2026-02-24 2026-03-18"},
		{"preceding: the worked Saturday before it", set(schedule.Preceding), "2026-02-14 2026-03-18"},
	}, dueDates)
	compareConventions(t, base, []conventionCase{
		{"none: 31 days at 100.00", set(schedule.Unmoved), "3100.00"},
		{"following: 37 days", set(schedule.Following), "3700.00"},
		{"preceding: 27 days", set(schedule.Preceding), "2700.00"},
	}, firstInterest)

	wholeMonths := base
	wholeMonths.DayCount, wholeMonths.BusinessDay = schedule.Thirty360, schedule.Following
	plan, err := schedule.Build(wholeMonths)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := plan.Rows[0].Interest.String(), "3041.67"; got != want {
		t.Errorf("30/360, a month moved by a holiday: got %s, want %s, a twelfth all the same", got, want)
	}
	if calendar.IsWorkingDay(domain.MustParseDate("2026-02-16")) || !calendar.IsWorkingDay(domain.MustParseDate("2026-02-28")) {
		t.Error("calendar: 16 February must be free and the make-up Saturday 28 February worked")
	}
}

func TestRoundingModesPartOnAnExactHalfFen(t *testing.T) {
	t.Parallel()
	// 100.50 at 12 %: 1.005 a month, exactly half a fen.
	base := terms(schedule.InterestOnlyBullet, "100.50", "12", 1)
	compareConventions(t, base, []conventionCase{
		{"half_up", func(t *schedule.Terms) { t.Rounding = money.HalfUp }, "1.01"},
		{"half_even", func(t *schedule.Terms) { t.Rounding = money.HalfEven }, "1.00"},
	}, firstInterest)
	// 101.50 at 12 %: 1.015, and here the even neighbour is above.
	odd := terms(schedule.InterestOnlyBullet, "101.50", "12", 1)
	odd.Rounding = money.HalfEven
	plan, err := schedule.Build(odd)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := firstInterest(plan), "1.02"; got != want {
		t.Errorf("half_even of 1.015: got %s, want %s", got, want)
	}
	// 1,000.25 over two periods without interest: 500.125.
	level := terms(schedule.EqualInstalment, "1000.25", "0", 2)
	compareConventions(t, level, []conventionCase{
		{"half_up", func(t *schedule.Terms) { t.Rounding = money.HalfUp }, "500.13"},
		{"half_even", func(t *schedule.Terms) { t.Rounding = money.HalfEven }, "500.12"},
	}, func(p schedule.Plan) string { return p.LevelInstalment.String() })
	// The annuity of one period is principal and interest: 60.60 at 10 % / 12 is 61.105 exactly, although the rate of a
	// month does not end.
	compareConventions(t, terms(schedule.EqualInstalment, "60.60", "10", 1), []conventionCase{
		{"half_up", func(t *schedule.Terms) { t.Rounding = money.HalfUp }, "61.11"},
		{"half_even", func(t *schedule.Terms) { t.Rounding = money.HalfEven }, "61.10"},
	}, func(p schedule.Plan) string { return p.LevelInstalment.String() })
	above := terms(schedule.EqualInstalment, "61.80", "10", 1) // 62.315: the even neighbour is above
	above.Rounding = money.HalfEven
	plan, err = schedule.Build(above)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := plan.LevelInstalment.String(), "62.32"; got != want {
		t.Errorf("half_even of 62.315: got %s, want %s", got, want)
	}
}

func TestEachMethodCostsWhatItsRuleSays(t *testing.T) {
	t.Parallel()
	base := terms(schedule.EqualInstalment, "12000.00", "12", 12)
	method := func(m schedule.Method) func(*schedule.Terms) { return func(t *schedule.Terms) { t.Method = m } }
	compareConventions(t, base, []conventionCase{
		{"等额本息", method(schedule.EqualInstalment), "794.23"},
		{"等额本金: 120.00 + 110.00 + … + 10.00", method(schedule.EqualPrincipal), "780.00"},
		{"等本等息: 120.00 twelve times", method(schedule.FlatAddOn), "1440.00"},
	}, func(p schedule.Plan) string { return p.Totals.Interest.String() })
	compareConventions(t, base, []conventionCase{
		{"先息后本: 120.00 first", method(schedule.InterestOnlyBullet), "12 rows, first 120.00, last 12120.00"},
		{"一次性还本付息", method(schedule.LumpSum), "1 rows, first 13440.00, last 13440.00"},
		{"等额本金", method(schedule.EqualPrincipal), "12 rows, first 1120.00, last 1010.00"},
		{"等本等息", method(schedule.FlatAddOn), "12 rows, first 1120.00, last 1120.00"},
	}, func(p schedule.Plan) string {
		return rowCount(p) + ", first " + p.Rows[0].Total.String() + ", last " + p.Rows[len(p.Rows)-1].Total.String()
	})
}

func rowCount(p schedule.Plan) string {
	return money.Fen(int64(len(p.Rows))*100).Decimal().String() + " rows"
}

func TestSeasonalInterestIsPaidEveryPeriodOrAtTheHarvest(t *testing.T) {
	t.Parallel()
	base := terms(schedule.Seasonal, "100000.00", "6", 0)
	base.DisbursedOn = domain.MustParseDate("2026-03-10")
	base.Seasonal = []schedule.SeasonalInstalment{
		{DueOn: domain.MustParseDate("2026-06-20"), SharePct: money.MustParseRate("40")},
		{DueOn: domain.MustParseDate("2026-10-10"), SharePct: money.MustParseRate("60")},
	}
	compareConventions(t, base, []conventionCase{
		// 3 months at 500.00; 10 days 166.67 and 40,000.00; 20 days 200.00; 3 months at 300.00.
		{"every month", func(*schedule.Terms) {}, "8 rows 500.00 500.00 500.00 166.67 200.00 300.00 300.00 300.00"},
		// 100 days at 16.666…; 110 days at 10.00.
		{"at the harvest", func(t *schedule.Terms) { t.InterestAtHarvest = true }, "2 rows 1666.67 1100.00"},
		// A period is divided by its days: 10 and 20 of the 30 days from 10 June to 10 July.
		{"every month, by the period", func(t *schedule.Terms) {
			t.DayCount, t.AnnualRate = schedule.Periodic, money.MustParseRate("12")
		}, "8 rows 1000.00 1000.00 1000.00 333.33 400.00 600.00 600.00 600.00"},
	}, func(p schedule.Plan) string {
		text := rowCount(p)
		for _, row := range p.Rows {
			text += " " + row.Interest.String()
		}
		return text
	})
}

func TestFeesFallDueAsTheirTimingAndBaseSay(t *testing.T) {
	t.Parallel()
	base := terms(schedule.EqualPrincipal, "120000.00", "0", 18)
	fee := func(on schedule.FeeBase, when schedule.FeeTiming) func(*schedule.Terms) {
		return func(t *schedule.Terms) {
			t.Fees = []schedule.Fee{{Kind: "guarantee_fee", RatePctAYear: money.MustParseRate("0.6"), On: on, When: when}}
		}
	}
	compareConventions(t, base, []conventionCase{
		{"upfront on the principal: 720.00 a year for 1.5 years", fee(schedule.OnPrincipal, schedule.Upfront), "upfront 1080.00, total 1080.00"},
		{"upfront on the balance: 0.05 % of 120,000.00, 113,333.33, …", fee(schedule.OnBalance, schedule.Upfront), "upfront 570.00, total 570.00"},
		{"each period on the principal: 60.00", fee(schedule.OnPrincipal, schedule.EachPeriod), "upfront 0.00, total 1080.00"},
		{"each period on the balance", fee(schedule.OnBalance, schedule.EachPeriod), "upfront 0.00, total 570.00"},
		{"yearly on the principal: 720.00, then half a year", fee(schedule.OnPrincipal, schedule.Yearly), "upfront 720.00, total 1080.00"},
		{"yearly on the balance: then 120.00 for half a year on 40,000.00", fee(schedule.OnBalance, schedule.Yearly), "upfront 720.00, total 840.00"},
	}, func(p schedule.Plan) string {
		return "upfront " + p.FeesUpfront.String() + ", total " + p.Totals.Fees.String()
	})

	yearly := base
	yearly.Fees = []schedule.Fee{{Kind: "appraisal_fee", Amount: money.MustParseAmount("300.00"), When: schedule.Yearly}}
	plan, err := schedule.Build(yearly)
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Charges) != 2 || plan.Charges[1].Row != 12 || plan.Charges[1].DueOn != domain.MustParseDate("2027-01-15") || !plan.Rows[11].Fees.Equal(money.MustParseAmount("300.00")) {
		t.Errorf("a fixed yearly fee over 18 months: got %+v, want 300.00 at disbursement and again with row 12", plan.Charges)
	}
}

func TestAYearlyFeeIsNotChargedOnTheDayTheLoanEnds(t *testing.T) {
	t.Parallel()
	terms := terms(schedule.EqualInstalment, "10000.00", "6", 12)
	terms.Fees = []schedule.Fee{{Kind: "appraisal_fee", Amount: money.MustParseAmount("300.00"), When: schedule.Yearly}}
	plan, err := schedule.Build(terms)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := plan.Totals.Fees.String(), "300.00"; got != want || len(plan.Charges) != 1 {
		t.Errorf("a loan of twelve months: got fees of %s in %d charges, want %s once", got, len(plan.Charges), want)
	}
}

func TestGraceAndMultiplesChangeTheInstalment(t *testing.T) {
	t.Parallel()
	base := terms(schedule.EqualInstalment, "100000.00", "6", 12)
	compareConventions(t, base, []conventionCase{
		{"no grace", func(*schedule.Terms) {}, "8606.64"},
		{"six periods of interest only", func(t *schedule.Terms) { t.GracePrincipalPeriods = 6 }, "16959.55"},
		{"whole yuan", func(t *schedule.Terms) { t.InstalmentMultiple = money.MustParseAmount("1.00") }, "8607.00"},
		{"tens", func(t *schedule.Terms) { t.InstalmentMultiple = money.MustParseAmount("10.00") }, "8610.00"},
		{"given", func(t *schedule.Terms) { t.GivenInstalment = money.MustParseAmount("9000.00") }, "9000.00"},
	}, func(p schedule.Plan) string { return p.LevelInstalment.String() })
}

func TestTheFirstDueDateGivenAsUsualChangesNothing(t *testing.T) {
	t.Parallel()
	terms := terms(schedule.EqualInstalment, "1000.00", "6", 3)
	terms.DisbursedOn = domain.MustParseDate("2026-01-31")
	usual, err := schedule.Build(terms)
	if err != nil {
		t.Fatal(err)
	}
	terms.FirstDueOn = domain.MustParseDate("2026-02-28")
	given, err := schedule.Build(terms)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := dueDates(given), dueDates(usual); got != want {
		t.Errorf("first due on 28 February after 31 January: got %s, want %s", got, want)
	}
}

func TestASmallLoanIsClearedBeforeItsTermAndTheRestOfTheRowsAreZero(t *testing.T) {
	t.Parallel()
	terms := terms(schedule.EqualInstalment, "1.00", "0", 36)
	plan, err := schedule.Build(terms)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := plan.Rows[33].Total.String()+" "+plan.Rows[34].Total.String()+" "+plan.Rows[35].Total.String(), "0.01 0.00 0.00"; got != want {
		t.Errorf("1.00 over 36 rows of 0.03: last three rows got %s, want %s", got, want)
	}
}
