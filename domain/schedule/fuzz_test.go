package schedule_test

import (
	"testing"

	"fumin/domain"
	"fumin/domain/money"
	"fumin/domain/schedule"
)

// FuzzBuild throws anything at Build and Quote: they answer with a plan that closes, or refuse by naming fields.
func FuzzBuild(f *testing.F) {
	f.Add(int64(10_000_000), int64(6_000000), byte(0), 12, byte(2), 1, 11000, 0, byte(0), byte(0), 0, int64(0), int64(1), byte(0), int64(50))
	f.Add(int64(1), int64(999_999999), byte(4), 1830, byte(0), 731, 0, -5, byte(3), byte(7), 5, int64(9), int64(100), byte(255), int64(-1))
	f.Add(int64(1e12), int64(-1), byte(3), 5, byte(3), 10, 72000, 90000, byte(5), byte(9), 1830, int64(1), int64(0), byte(77), int64(10000))
	methods := []schedule.Method{schedule.EqualInstalment, schedule.EqualPrincipal, schedule.InterestOnlyBullet, schedule.LumpSum, schedule.FlatAddOn, schedule.Seasonal, "none"}
	units := []schedule.Unit{schedule.Day, schedule.Week, schedule.Month, schedule.Year, "fortnight"}
	dayCounts := []schedule.DayCount{schedule.Thirty360, schedule.ThirtyE360, schedule.Actual360, schedule.Actual365, schedule.ActualActual, schedule.Periodic, ""}
	timings := []schedule.FeeTiming{schedule.Upfront, schedule.EachPeriod, schedule.Yearly, ""}
	f.Fuzz(func(t *testing.T, principal, rate int64, method byte, periods int, unit byte, every, disbursed, first int, dayCount, rules byte, grace int, given, multiple int64, fee byte, subsidy int64) {
		terms := schedule.Terms{
			Principal: money.Fen(principal), AnnualRate: money.BasisPoints(int(rate % 1_000_000)),
			Method: methods[int(method)%len(methods)], Periods: periods,
			Frequency: schedule.Frequency{Unit: units[int(unit)%len(units)], Every: every},
			DayCount:  dayCounts[int(dayCount)%len(dayCounts)], GracePrincipalPeriods: grace,
			GivenInstalment: money.Fen(given), InstalmentMultiple: money.Fen(multiple),
			InterestSubsidyShare: money.BasisPoints(int(subsidy % 1_000_000)),
			MonthEnd:             []schedule.MonthEnd{"", schedule.EOMSticky}[rules%2],
			BusinessDay:          []schedule.BusinessDay{"", schedule.Following, schedule.Preceding}[rules/2%3],
			Rounding:             money.Rounding(rules / 8 % 4),
		}
		terms.DisbursedOn = civil(disbursed)
		if first != 0 {
			terms.FirstDueOn = civil(disbursed + first%5000)
		}
		if fee > 0 {
			terms.Fees = []schedule.Fee{{
				Kind: "fee", RatePctAYear: money.BasisPoints(int(fee)), When: timings[int(fee)%len(timings)],
				On: []schedule.FeeBase{"", schedule.OnBalance}[fee/8%2],
			}}
		}
		if terms.Method == schedule.Seasonal {
			terms.InterestAtHarvest = rules%2 == 1
			terms.Seasonal = []schedule.SeasonalInstalment{
				{DueOn: civil(disbursed + grace%3000), SharePct: money.BasisPoints(int(fee) * 10)},
				{DueOn: civil(disbursed + every%9000), SharePct: money.BasisPoints(10000 - int(fee)*10)},
			}
			terms.GracePrincipalPeriods = 0
		}
		quotation, err := schedule.Quote(terms)
		if err != nil {
			requireNamed(t, err)
			return
		}
		requireClosed(t, terms, quotation.Plan)
		if quotation.Cost.APREffectiveAfterSubsidy.Cmp(quotation.Cost.APREffective) > 0 {
			t.Fatalf("after subsidy %s exceeds before %s", quotation.Cost.APREffectiveAfterSubsidy, quotation.Cost.APREffective)
		}
	})
}

// civil maps any number to a date that there is.
func civil(n int) domain.Date {
	const days = 109573 // from 1 January 1900 to 31 December 2199
	return domain.MustParseDate("1900-01-01").AddDays(((n % days) + days) % days)
}

// FuzzCashFlowRates throws any flows at CashFlowRates: they have a rate, or a refusal that says why not.
func FuzzCashFlowRates(f *testing.F) {
	f.Add(true, byte(2), 1, []byte{10, 0, 200, 60, 31, 40}, int64(1000))
	f.Add(false, byte(3), 1, []byte{0, 0, 240, 1, 20, 1, 250, 1}, int64(-77))
	units := []schedule.Unit{schedule.Day, schedule.Week, schedule.Month, schedule.Year, ""}
	f.Fuzz(func(t *testing.T, withDates bool, unit byte, every int, pairs []byte, scale int64) {
		flows := schedule.CashFlows{Frequency: schedule.Frequency{Unit: units[int(unit)%len(units)], Every: every}}
		if withDates && every == 0 {
			flows.Frequency = schedule.Frequency{}
		}
		at := 0
		for k := 0; k+1 < len(pairs) && k < 2*schedule.FlowsMax; k += 2 {
			at += int(pairs[k+1])
			flow := schedule.CashFlow{Period: at, Amount: money.Fen((int64(pairs[k]) - 128) * (scale % 1_000_000))}
			if withDates {
				flow.Period, flow.On = 0, civil(30000+at)
			}
			flows.Flows = append(flows.Flows, flow)
		}
		if _, err := schedule.CashFlowRates(flows); err != nil {
			requireNamed(t, err)
		}
	})
}
