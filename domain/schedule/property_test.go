package schedule_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"fumin/domain"
	"fumin/domain/money"
	"fumin/domain/schedule"
)

var (
	anyMethod      = rapid.SampledFrom([]schedule.Method{schedule.EqualInstalment, schedule.EqualPrincipal, schedule.InterestOnlyBullet, schedule.LumpSum, schedule.FlatAddOn})
	anyDayCount    = rapid.SampledFrom([]schedule.DayCount{schedule.Thirty360, schedule.ThirtyE360, schedule.Actual360, schedule.Actual365, schedule.ActualActual, schedule.Periodic})
	anyFrequency   = rapid.SampledFrom([]schedule.Frequency{schedule.Monthly, {Unit: schedule.Month, Every: 3}, {Unit: schedule.Week, Every: 2}, {Unit: schedule.Day, Every: 10}, {Unit: schedule.Year, Every: 1}})
	anyRounding    = rapid.SampledFrom([]money.Rounding{money.HalfUp, money.HalfEven})
	anyMonthEnd    = rapid.SampledFrom([]schedule.MonthEnd{schedule.Clamp, schedule.EOMSticky})
	anyBusinessDay = rapid.SampledFrom([]schedule.BusinessDay{schedule.Unmoved, schedule.Following, schedule.Preceding})
	anyFeeTiming   = rapid.SampledFrom([]schedule.FeeTiming{schedule.Upfront, schedule.EachPeriod, schedule.Yearly})
	anyFeeBase     = rapid.SampledFrom([]schedule.FeeBase{"", schedule.OnPrincipal, schedule.OnBalance})
)

// dates compares civil dates in a diff.
var dates = cmpopts.EquateComparable(domain.Date{})

func anyDate(t *rapid.T, label string) domain.Date {
	return domain.MustParseDate("1996-01-01").AddDays(rapid.IntRange(0, 40*365).Draw(t, label))
}

// anyTerms draws terms that are valid as far as one can tell without building.
func anyTerms(t *rapid.T) schedule.Terms {
	terms := schedule.Terms{
		Principal:   money.Fen(rapid.Int64Range(1, 100_000_000_00).Draw(t, "principal fen")),
		AnnualRate:  anyRate(t, 36_000000),
		Method:      anyMethod.Draw(t, "method"),
		Periods:     rapid.IntRange(1, 40).Draw(t, "periods"),
		Frequency:   anyFrequency.Draw(t, "frequency"),
		DisbursedOn: anyDate(t, "disbursed"),
		DayCount:    anyDayCount.Draw(t, "day count"),
		MonthEnd:    anyMonthEnd.Draw(t, "month end"),
		Rounding:    anyRounding.Draw(t, "rounding"),
	}
	terms.BusinessDay = anyBusinessDay.Draw(t, "business day")
	if rapid.Bool().Draw(t, "odd first period") {
		terms.FirstDueOn = terms.DisbursedOn.AddDays(rapid.IntRange(5, 70).Draw(t, "first period"))
	}
	if terms.Method == schedule.EqualInstalment || terms.Method == schedule.EqualPrincipal || terms.Method == schedule.FlatAddOn {
		terms.GracePrincipalPeriods = rapid.IntRange(0, terms.Periods-1).Draw(t, "grace")
	}
	if rapid.Bool().Draw(t, "fee") {
		terms.Fees = []schedule.Fee{{
			Kind: "guarantee_fee", RatePctAYear: money.BasisPoints(rapid.IntRange(1, 150).Draw(t, "fee bp")),
			On: anyFeeBase.Draw(t, "fee base"), When: anyFeeTiming.Draw(t, "fee timing"),
		}}
	}
	terms.InterestSubsidyShare = money.BasisPoints(100 * rapid.IntRange(0, 100).Draw(t, "subsidy"))
	return terms
}

// anyRate draws a yearly rate up to most millionths of a percent.
func anyRate(t *rapid.T, most int64) money.Rate {
	rate, err := money.RateFromDecimal(decimal.New(rapid.Int64Range(0, most).Draw(t, "rate micro-percent"), -6))
	if err != nil {
		t.Fatalf("a rate of six decimals: %v", err)
	}
	return rate
}

// built builds, and lets only refusals pass that name a field.
func built(t *rapid.T, terms schedule.Terms) (schedule.Plan, bool) {
	plan, err := schedule.Build(terms)
	if err == nil {
		return plan, true
	}
	requireNamed(t, err)
	return schedule.Plan{}, false
}

type fataler interface{ Fatalf(string, ...any) }

func requireNamed(t fataler, err error) {
	refused, ok := errors.AsType[*domain.Error](err)
	if !ok || refused.Kind != domain.KindInvalid || len(refused.Fields) == 0 {
		t.Fatalf("a refusal must be a domain.Error that names fields: got %#v", err)
	}
}

func TestEveryPlanCloses(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		terms := anyTerms(t)
		if plan, ok := built(t, terms); ok {
			requireClosed(t, terms, plan)
		}
	})
}

// requireClosed holds what every plan promises.
func requireClosed(t fataler, terms schedule.Terms, plan schedule.Plan) {
	balance, before := terms.Principal, terms.DisbursedOn
	var sum schedule.Totals
	for i, row := range plan.Rows {
		if !row.OpeningBalance.Equal(balance) || !row.ClosingBalance.Equal(balance.Sub(row.Principal)) {
			t.Fatalf("row %d: opening %s, principal %s, closing %s after a balance of %s", i+1, row.OpeningBalance, row.Principal, row.ClosingBalance, balance)
		}
		if min(row.Principal.Sign(), row.Interest.Sign(), row.Fees.Sign(), row.Subsidy.Sign(), row.ClosingBalance.Sign()) < 0 {
			t.Fatalf("row %d has a negative figure: %+v", i+1, row)
		}
		if want := row.Principal.Add(row.Interest).Add(row.Fees); !row.Total.Equal(want) {
			t.Fatalf("row %d, total: got %s, want %s", i+1, row.Total, want)
		}
		if row.Number != i+1 || !row.DueOn.After(before) || row.Days != before.DaysUntil(row.DueOn) {
			t.Fatalf("row %d: number %d, due %s, %d days after %s", i+1, row.Number, row.DueOn, row.Days, before)
		}
		requireInterest(t, terms, row)
		balance, before = row.ClosingBalance, row.DueOn
		sum.Principal, sum.Interest = sum.Principal.Add(row.Principal), sum.Interest.Add(row.Interest)
		sum.Fees, sum.Subsidy, sum.Total = sum.Fees.Add(row.Fees), sum.Subsidy.Add(row.Subsidy), sum.Total.Add(row.Total)
	}
	sum.Fees, sum.Total = sum.Fees.Add(plan.FeesUpfront), sum.Total.Add(plan.FeesUpfront)
	if !balance.IsZero() || !sum.Principal.Equal(terms.Principal) {
		t.Fatalf("principal: %s of %s repaid, %s left", sum.Principal, terms.Principal, balance)
	}
	if diff := cmp.Diff(sum, plan.Totals); diff != "" {
		t.Fatalf("totals (-sum of the rows +plan):\n%s", diff)
	}
	if terms.Method != schedule.LumpSum && terms.Method != schedule.Seasonal && len(plan.Rows) != max(terms.Periods, len(terms.DueDates)) {
		t.Fatalf("rows: got %d, want %d periods", len(plan.Rows), terms.Periods)
	}
	var charged money.Amount
	for _, charge := range plan.Charges {
		charged = charged.Add(charge.Amount)
	}
	if !charged.Equal(plan.Totals.Fees) {
		t.Fatalf("fees: charges sum to %s, rows to %s", charged, plan.Totals.Fees)
	}
}

// requireInterest works out a row's interest a second way, in decimals with a quotient of twenty more places.
func requireInterest(t fataler, terms schedule.Terms, row schedule.Row) {
	base := row.OpeningBalance
	if terms.Method == schedule.FlatAddOn {
		base = terms.Principal
	}
	mode := terms.Rounding
	if mode == 0 {
		mode = money.HalfUp
	}
	fraction := row.YearFraction
	exact := base.Decimal().Mul(terms.AnnualRate.Decimal()).Mul(decimal.NewFromInt(fraction.Numerator)).
		DivRound(decimal.NewFromInt(100*fraction.Denominator), 24)
	if want := mode.Round(exact, 2); !row.Interest.Decimal().Equal(want) {
		t.Fatalf("row %d, interest on %s for %d/%d years at %s %%: got %s, want %s", row.Number, base, fraction.Numerator, fraction.Denominator, terms.AnnualRate, row.Interest, want)
	}
	if row.Subsidy.Cmp(row.Interest) > 0 {
		t.Fatalf("row %d: subsidy %s exceeds the interest %s", row.Number, row.Subsidy, row.Interest)
	}
}

func TestTheYearlyCostReproducesTheFlowsToBelowHalfAFen(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		terms := anyTerms(t)
		quotation, err := schedule.Quote(terms)
		if err != nil {
			requireNamed(t, err)
			return
		}
		plan, cost := quotation.Plan, quotation.Cost
		all := func(row schedule.Row) money.Amount { return row.Total }
		unsubsidised := func(row schedule.Row) money.Amount { return row.Total.Sub(row.Subsidy) }
		requireReproduced(t, terms, plan, cost.APREffective, all)
		requireReproduced(t, terms, plan, cost.APREffectiveAfterSubsidy, unsubsidised)
		if cost.APREffectiveAfterSubsidy.Cmp(cost.APREffective) > 0 {
			t.Fatalf("after subsidy %s exceeds before %s", cost.APREffectiveAfterSubsidy, cost.APREffective)
		}
	})
}

// requireReproduced lends what the borrower receives, lets it grow day by day at the published rate, and takes off
// what is paid: in the end nothing is left. And one unit of the rate's last place below and above, what is left has
// opposite signs: the rate is right to its last place.
func requireReproduced(t *rapid.T, terms schedule.Terms, plan schedule.Plan, rate schedule.Percent, paid func(schedule.Row) money.Amount) {
	left := func(pct decimal.Decimal) decimal.Decimal {
		daily := dailyGrowth(t, pct)
		balance := terms.Principal.Sub(plan.FeesUpfront).Decimal()
		for _, row := range plan.Rows {
			balance = balance.Mul(powerOf(daily, row.Days)).Sub(paid(row).Decimal()).Round(40)
		}
		return balance
	}
	scale := decimal.NewFromInt(1)
	if growth := rate.Decimal().Shift(-2).Add(scale); growth.GreaterThan(scale) {
		// What is left is counted at the end; half a fen of today's money is more by then, or the test would be unfair.
		years := int64(terms.DisbursedOn.DaysUntil(plan.Rows[len(plan.Rows)-1].DueOn)/365) + 1
		scale = powerOf(growth, int(years))
	}
	if rest := left(rate.Decimal()); rest.Abs().GreaterThanOrEqual(scale.Mul(decimal.New(5, -3))) {
		t.Fatalf("at %s %% a year %s yuan are left of %s (terms %+v)", rate, rest, terms.Principal, terms)
	}
	unit := decimal.New(1, -schedule.PercentPlaces)
	below, above := left(rate.Decimal().Sub(unit)), left(rate.Decimal().Add(unit))
	if below.Sign()*above.Sign() >= 0 {
		t.Fatalf("%s %% does not bracket zero: %s left one unit below, %s above", rate, below, above)
	}
}

// dailyGrowth is (1 + pct/100)^(1/365) to some 38 places, by Newton's method from 1: a second way to the root.
func dailyGrowth(t *rapid.T, pct decimal.Decimal) decimal.Decimal {
	yearly := pct.Shift(-2).Add(decimal.NewFromInt(1))
	growth := decimal.NewFromInt(1)
	for range 200 {
		power := powerOf(growth, 364)
		step := power.Mul(growth).Sub(yearly).DivRound(power.Mul(decimal.NewFromInt(365)), 40)
		growth = growth.Sub(step)
		if step.Abs().LessThan(decimal.New(1, -36)) {
			return growth
		}
	}
	t.Fatalf("no 365th root of %s found", yearly)
	return growth
}

func powerOf(base decimal.Decimal, n int) decimal.Decimal {
	result := decimal.NewFromInt(1)
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			result = result.Mul(base).Round(40)
		}
		base = base.Mul(base).Round(40)
	}
	return result
}

func TestTheActuarialRateReproducesTheFlowsPeriodByPeriod(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		terms := anyTerms(t)
		terms.FirstDueOn, terms.BusinessDay = domain.Date{}, schedule.Unmoved
		quotation, err := schedule.Quote(terms)
		if err != nil {
			requireNamed(t, err)
			return
		}
		plan, rate := quotation.Plan, quotation.Cost.APRNominal
		if len(plan.Rows) == 1 {
			return // a single payment has its own term as unit, not the period
		}
		perYear := map[schedule.Unit]int64{schedule.Day: 365, schedule.Week: 52, schedule.Month: 12, schedule.Year: 1}[terms.Frequency.Unit]
		left := func(pct decimal.Decimal) (rest, scale decimal.Decimal) {
			// Nominal rate / (periods a year / every) = rate of a period.
			growth := pct.Shift(-2).Mul(decimal.NewFromInt(int64(terms.Frequency.Every))).DivRound(decimal.NewFromInt(perYear), 40).Add(decimal.NewFromInt(1))
			rest, scale = terms.Principal.Sub(plan.FeesUpfront).Decimal(), decimal.NewFromInt(1)
			for _, row := range plan.Rows {
				rest, scale = rest.Mul(growth).Round(40).Sub(row.Total.Decimal()), scale.Mul(growth).Round(40)
			}
			return rest, scale
		}
		if rest, scale := left(rate.Decimal()); rest.Abs().GreaterThanOrEqual(scale.Mul(decimal.New(5, -3))) {
			t.Fatalf("at %s %% a year %s yuan are left of %s (terms %+v)", rate, rest, terms.Principal, terms)
		}
		unit := decimal.New(1, -schedule.PercentPlaces)
		below, _ := left(rate.Decimal().Sub(unit))
		above, _ := left(rate.Decimal().Add(unit))
		if below.Sign()*above.Sign() >= 0 {
			t.Fatalf("%s %% does not bracket zero: %s left one unit below, %s above", rate, below, above)
		}
	})
}

func TestRaisingTheRateNeverLowersTheTotal(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		terms := anyTerms(t)
		dearer := terms
		dearer.AnnualRate = terms.AnnualRate.Add(anyRate(t, 5_000000))
		plan, ok := built(t, terms)
		more, okMore := built(t, dearer)
		if !ok || !okMore {
			return
		}
		// Rounding alone may take a fen a row: a level instalment rounded up repays faster than its rate would have it.
		slack := money.Fen(int64(len(plan.Rows)))
		if more.Totals.Total.Add(slack).Cmp(plan.Totals.Total) < 0 {
			t.Fatalf("total at %s %%: %s, at %s %%: %s (terms %+v)", terms.AnnualRate, plan.Totals.Total, dearer.AnnualRate, more.Totals.Total, terms)
		}
	})
}

func TestAnInstalmentGivenAsComputedGivesTheSamePlan(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		terms := anyTerms(t)
		terms.Method = schedule.EqualInstalment
		plan, ok := built(t, terms)
		if !ok || plan.LevelInstalment.IsZero() {
			return
		}
		terms.GivenInstalment = plan.LevelInstalment
		again, ok := built(t, terms)
		if diff := cmp.Diff(plan, again, dates); !ok || diff != "" {
			t.Fatalf("given %s (-computed +given):\n%s", plan.LevelInstalment, diff)
		}
	})
}

func TestHalfUpAndHalfEvenDifferByAtMostOneFenARow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		terms := anyTerms(t)
		terms.Rounding = money.HalfUp
		up, okUp := built(t, terms)
		terms.Rounding = money.HalfEven
		even, okEven := built(t, terms)
		if !okUp || !okEven {
			return
		}
		for i := range up.Rows {
			a, b := up.Rows[i], even.Rows[i]
			if !a.OpeningBalance.Equal(b.OpeningBalance) {
				return // a tie in an earlier row; from here on the two repay different balances
			}
			if !withinFen(a.Interest, b.Interest, 1) || !withinFen(a.Principal, b.Principal, 1) {
				t.Fatalf("row %d, half_up and half_even on the same balance:\n%+v\n%+v", i+1, a, b)
			}
		}
	})
}

func withinFen(a, b money.Amount, fen int64) bool {
	return a.Sub(b).Decimal().Abs().LessThanOrEqual(decimal.New(fen, -2))
}

func TestHarvestSharesLoseNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		terms := anyTerms(t)
		terms.Method, terms.Periods, terms.Frequency, terms.GracePrincipalPeriods = schedule.Seasonal, 0, schedule.Monthly, 0
		terms.FirstDueOn, terms.BusinessDay = domain.Date{}, schedule.Unmoved
		terms.InterestAtHarvest = rapid.Bool().Draw(t, "interest at harvest")
		left, on := 100, terms.DisbursedOn
		for left > 0 {
			share := rapid.IntRange(1, left).Draw(t, "share")
			on = on.AddDays(rapid.IntRange(1, 200).Draw(t, "days to harvest"))
			terms.Seasonal = append(terms.Seasonal, schedule.SeasonalInstalment{DueOn: on, SharePct: money.BasisPoints(100 * share)})
			left -= share
		}
		if plan, ok := built(t, terms); ok {
			requireClosed(t, terms, plan)
			if last := plan.Rows[len(plan.Rows)-1]; last.DueOn != on {
				t.Fatalf("last row: got %s, want the last harvest %s", last.DueOn, on)
			}
		}
	})
}

func TestTheSmallestInstalmentNamedWorksAndOneLessDoesNot(t *testing.T) {
	t.Parallel()
	terms := terms(schedule.EqualInstalment, "100000.00", "12", 36)
	terms.GivenInstalment = money.MustParseAmount("500.00")
	_, err := schedule.Build(terms)
	if got := fieldCodes(err)["/given_instalment"]; got != "instalment-too-small" {
		t.Fatalf("500.00 a month at 1000.00 of interest: got %v, want instalment-too-small", err)
	}
	if detail, want := fieldDetails(err)["/given_instalment"], "指定的每期 500.00 元不足以支付第 1 期利息 1000.00 元；每期最少 1000.00 元"; detail != want {
		t.Errorf("detail: got %q, want %q", detail, want)
	}
	for given, works := range map[string]bool{"1000.00": true, "999.99": false} {
		terms.GivenInstalment = money.MustParseAmount(given)
		if _, err := schedule.Build(terms); (err == nil) != works {
			t.Errorf("given %s: got %v, works should be %t", given, err, works)
		}
	}
}
