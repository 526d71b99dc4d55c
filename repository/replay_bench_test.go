package repository_test

import (
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"fumin/domain"
	"fumin/domain/decision"
	"fumin/domain/money"
	"fumin/domain/origination"
	"fumin/repository"
	"fumin/repository/demodata"
)

// replayCases is how many stored decisions BenchmarkReplay replays.
const replayCases = 100_000

// replayFacts is a case in which most facts are known; amounts and ages differ, so that results do.
func replayFacts(n int) decision.Facts {
	known := decision.Known[bool]
	return decision.Facts{
		EvaluatedOn: domain.MustParseDate("2026-11-23"), Amount: decision.Known(money.Fen(int64(1_000_000 + n%200*100_000))),
		TermMonths: decision.Known(12 + n%48), Purpose: decision.Known("facility"), AnnualRatePct: decision.Known(money.MustParseRate("3.65")),
		BorrowerKind: decision.Known("farmer"), BirthDate: decision.Known(domain.MustParseDate("1960-06-15").AddDays(n % 12000)),
		BusinessAgeMonths: decision.None[int](), CreditConsentLive: known(true), OnRecommendedList: known(n%7 != 0),
		GuaranteeLetterLive: known(n%3 == 0), SiteVisitDone: known(n%5 != 0), ProductOffered: known(true),
		BorrowerKindsAllowed: decision.Known([]string{"farmer", "family_farm_owner"}), PurposesForbidden: decision.Known([]string{"house", "equity"}),
		AmountMin: decision.Known(money.MustParseAmount("3000.00")), AmountMax: decision.Known(money.MustParseAmount("3000000.00")),
		TermMonthsMin: decision.Known(1), TermMonthsMax: decision.Known(60), AgeMin: decision.Known(18), AgeAtLastDueMax: decision.Known(65),
		BusinessAgeMonthsMin: decision.None[int](), AnnualRateMaxPct: decision.Known(money.MustParseRate("3.90")),
		QuickApprovalMax: decision.Known(money.MustParseAmount("100000.00")), GuaranteeCompanyFrom: decision.Known(money.MustParseAmount("100000.00")),
		RecommendedListRequired: known(true), SiteVisitRequired: known(true),
		HouseholdSize: decision.Known(4), HouseholdIncomeYear: decision.Known(money.MustParseAmount("82000.00")),
		ExposureExisting: decision.Known(money.Fen(0)), ExposureProductExisting: decision.Known(money.Fen(0)),
		LoansSettled: decision.Known(2), DaysPastDueMax: decision.Known(0), OverdueNow: known(false),
		RegionCode: decision.Known("371503901201"), ProductCode: decision.Known("QLFMD"),
	}
}

// loadDecisions stores as many applications, each with a decision by the engine.
func (l *ledger) loadDecisions(n int, engine *decision.Engine) {
	l.t.Helper()
	l.fillDigits()
	id := func(prefix string, i int) domain.ID {
		return domain.ID(fmt.Sprintf("0189%s000-0000-7000-8000-%012x", prefix, i))
	}
	for from := 0; from < n; from += 10_000 {
		l.exec("INSERT INTO applications (id, application_no, branch_id, officer_id, borrower_id, region_code, product_code, amount, term_months, repayment_method,"+
			" purpose, purpose_note, bureau_confirmation_no, status, decision_id, version, created_at, updated_at)"+
			" SELECT CONCAT('0189a000-0000-7000-8000-', LPAD(LOWER(HEX(n + ?)), 12, '0')), CONCAT('LA-', n + ?), ?, ?, ?, CONCAT('3715', LPAD(n % 20, 2, '0'), '901201'),"+
			" 'QLFMD', 50000, 12, 'lump_sum', 'facility', '', '', 'reviewing', ?, 2, '2026-01-01 00:00:00', '2026-01-01 00:00:00' FROM "+numbers+" s WHERE n < ?",
			from, from, ledgerCounty, ledgerOfficer, ledgerBorrower(ledgerCounty), id("d", 0), min(10_000, n-from))
	}
	const batch = 2000
	for from := 0; from < n; from += batch {
		decisions := make([]origination.Decision, 0, batch)
		for i := from; i < min(from+batch, n); i++ {
			facts := replayFacts(i)
			outcome := engine.Evaluate(facts)
			decisions = append(decisions, origination.Decision{
				ID: id("d", i), ApplicationID: id("a", i), BranchID: ledgerCounty, ApplicationVersion: 2, Facts: facts, Outcome: outcome,
				RulesResult: outcome.Result, RulesAmount: outcome.AmountMax, DecidedAt: ledgerStart.Add(time.Duration(i) * time.Millisecond),
			})
		}
		l.must(repository.InsertDecisions(l.t.Context(), l.store, decisions))
	}
	l.exec("ANALYZE TABLE applications, decisions")
}

// BenchmarkReplay replays the shipped set over 100,000 stored decisions and reports how long it takes beside reading the rows
// alone, and beside reading and opening them. Run by `scripts/bench.sh replay`.
func BenchmarkReplay(b *testing.B) {
	l := newLedger(b)
	sets, err := demodata.LoadableRuleSets()
	l.must(err)
	l.update(func(tx origination.Tx) error { return tx.PutProduct(b.Context(), ledgerProduct("QLFMD")) })
	now := func() time.Time { return ledgerStart.Add(24 * time.Hour) }
	jobs := origination.NewJobs(l.store, now, l.newID, func() {})
	rules := origination.NewRuleSets(l.store, now, l.newID, jobs)
	l.must(rules.Load(b.Context(), domain.Actor{ID: l.newID(), Name: "安装程序", Role: domain.RoleSystem}, sets[:1]))
	engine, err := decision.Compile(sets[0].Code, sets[0].Number, sets[0].Content.Definition)
	l.must(err)
	l.loadDecisions(replayCases, engine)
	by := domain.Actor{ID: l.newID(), Name: "风险经理", Role: domain.RoleRiskManager, BranchID: ledgerHead}
	filter := origination.PastFilter{From: ledgerStart, Until: ledgerStart.Add(time.Hour)}

	read := func(open bool) time.Duration {
		began := time.Now()
		var after origination.PastKey
		for {
			page, err := l.store.PastDecisions(b.Context(), by.Scope(), filter, after, 2000)
			l.must(err)
			for _, d := range page {
				if open {
					_, err := d.Facts()
					l.must(err)
				}
			}
			if len(page) < 2000 {
				return time.Since(began)
			}
			after = origination.PastKey{DecidedAt: page[len(page)-1].DecidedAt, ID: page[len(page)-1].ID}
		}
	}
	worker := origination.NewJobWorker(l.store, now, l.newID(), slog.New(slog.NewTextHandler(io.Discard, nil)), origination.DefaultJobLimits(),
		map[origination.JobKind]origination.JobRunner{origination.JobReplay: rules.RunReplay})
	for b.Loop() {
		rows, opened := read(false), read(true)
		r, _, err := rules.StartReplay(b.Context(), by, origination.Idempotency{Key: l.newID().String(), Fingerprint: "0"}, sets[0].ID,
			origination.ReplayFilter{From: domain.DateOf(ledgerStart), To: domain.DateOf(ledgerStart)})
		l.must(err)
		began := time.Now()
		_, err = worker.Work(b.Context())
		l.must(err)
		took := time.Since(began)
		r, err = rules.Replay(b.Context(), by, r.RuleSetID, r.ID)
		l.must(err)
		if r.Report == nil || r.Report.Cases != replayCases || r.Report.Moved != 0 {
			b.Fatalf("the replay: %s, %+v; want %d cases and no moves", r.Job.Status, r.Report, replayCases)
		}
		b.ReportMetric(rows.Seconds(), "s-rows")
		b.ReportMetric(opened.Seconds(), "s-rows-opened")
		b.ReportMetric(took.Seconds(), "s-replay")
		b.ReportMetric(took.Seconds()/rows.Seconds(), "replay/rows")
	}
}
