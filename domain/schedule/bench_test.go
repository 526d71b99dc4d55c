package schedule_test

import (
	"testing"

	"fumin/domain/money"
	"fumin/domain/schedule"
)

func benchmarkTerms(periods int) schedule.Terms {
	t := terms(schedule.EqualInstalment, "99500.00", "3.85", periods)
	t.Fees = []schedule.Fee{{Kind: "guarantee_fee", RatePctAYear: money.MustParseRate("0.5"), When: schedule.Yearly}}
	return t
}

func benchmarkBuild(b *testing.B, t schedule.Terms) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := schedule.Build(t); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkQuote(b *testing.B, t schedule.Terms) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := schedule.Quote(t); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBuild36(b *testing.B) { benchmarkBuild(b, benchmarkTerms(36)) }

func BenchmarkBuild36OddPeriods(b *testing.B) {
	t := benchmarkTerms(36)
	t.DayCount = schedule.Actual365
	benchmarkBuild(b, t)
}

func BenchmarkBuild360(b *testing.B) { benchmarkBuild(b, benchmarkTerms(360)) }

func BenchmarkQuote36(b *testing.B) { benchmarkQuote(b, benchmarkTerms(36)) }

func BenchmarkQuote36WithSubsidy(b *testing.B) {
	t := benchmarkTerms(36)
	t.InterestSubsidyShare = money.MustParseRate("50")
	benchmarkQuote(b, t)
}

func BenchmarkQuote360(b *testing.B) { benchmarkQuote(b, benchmarkTerms(360)) }

func BenchmarkQuoteDailyForFiveYears(b *testing.B) {
	t := benchmarkTerms(1826)
	t.Frequency, t.DayCount = schedule.Frequency{Unit: schedule.Day, Every: 1}, schedule.Actual365
	benchmarkQuote(b, t)
}

func BenchmarkCashFlowRatesOfThirtySevenFlows(b *testing.B) {
	flows := schedule.CashFlows{Frequency: schedule.Monthly, Flows: []schedule.CashFlow{{Amount: money.MustParseAmount("99500.00")}}}
	for k := 1; k <= 36; k++ {
		flows.Flows = append(flows.Flows, schedule.CashFlow{Period: k, Amount: money.MustParseAmount("-2931.48")})
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := schedule.CashFlowRates(flows); err != nil {
			b.Fatal(err)
		}
	}
}
