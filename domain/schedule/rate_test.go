package schedule_test

import (
	"testing"

	"fumin/domain"
	"fumin/domain/money"
	"fumin/domain/schedule"
)

func TestQuick(t *testing.T) {
	tm := terms(schedule.EqualInstalment, "100000.00", "12", 12)
	q, err := schedule.Quote(tm)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(q.Cost.Nominal, q.Cost.APREffective, q.Cost.APRNominal)
	r, err := schedule.CashFlowRates(schedule.CashFlows{Flows: []schedule.CashFlow{
		{On: domain.MustParseDate("2008-01-01"), Amount: money.MustParseAmount("-10000")},
		{On: domain.MustParseDate("2008-03-01"), Amount: money.MustParseAmount("2750")},
		{On: domain.MustParseDate("2008-10-30"), Amount: money.MustParseAmount("4250")},
		{On: domain.MustParseDate("2009-02-15"), Amount: money.MustParseAmount("3250")},
		{On: domain.MustParseDate("2009-04-01"), Amount: money.MustParseAmount("2750")},
	}})
	t.Log(r.Effective, r.Nominal, err)
	r, err = schedule.CashFlowRates(schedule.CashFlows{Frequency: schedule.Frequency{schedule.Year, 1}, Flows: []schedule.CashFlow{
		{Period: 0, Amount: money.MustParseAmount("-1600")},
		{Period: 1, Amount: money.MustParseAmount("10000")},
		{Period: 2, Amount: money.MustParseAmount("-10000")},
	}})
	t.Log(r.Effective, r.Nominal, err)
	r, err = schedule.CashFlowRates(schedule.CashFlows{Frequency: schedule.Frequency{schedule.Year, 1}, Flows: []schedule.CashFlow{
		{Period: 0, Amount: money.MustParseAmount("-1000")},
		{Period: 1, Amount: money.MustParseAmount("1000")},
		{Period: 2, Amount: money.MustParseAmount("-1000")},
	}})
	t.Log(r.Effective, r.Nominal, err)
	r, err = schedule.CashFlowRates(schedule.CashFlows{Frequency: schedule.Frequency{schedule.Year, 1}, Flows: []schedule.CashFlow{
		{Period: 0, Amount: money.MustParseAmount("-1000")},
		{Period: 1, Amount: money.MustParseAmount("2200")},
		{Period: 2, Amount: money.MustParseAmount("-1210")},
	}})
	t.Log(r.Effective, r.Nominal, err)
}

func BenchmarkBuild36(b *testing.B) {
	tm := terms(schedule.EqualInstalment, "100000.00", "12", 36)
	b.ReportAllocs()
	for b.Loop() {
		schedule.Build(tm)
	}
}
func BenchmarkQuote36(b *testing.B) {
	tm := terms(schedule.EqualInstalment, "100000.00", "12", 36)
	tm.Fees = []schedule.Fee{{Kind: "guarantee_fee", RatePctAYear: money.MustParseRate("0.5"), When: schedule.Yearly}}
	tm.InterestSubsidyShare = money.MustParseRate("50")
	b.ReportAllocs()
	for b.Loop() {
		schedule.Quote(tm)
	}
}
func BenchmarkQuote360(b *testing.B) {
	tm := terms(schedule.EqualInstalment, "100000.00", "12", 360)
	b.ReportAllocs()
	for b.Loop() {
		schedule.Quote(tm)
	}
}
