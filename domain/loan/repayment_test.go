package loan_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
)

func day(s string) domain.Date { return domain.MustParseDate(s) }

// thirds is 90,000.00 repaid in three equal parts on the first of February, March and April, with interest on what is left.
func thirds() []loan.Instalment {
	return []loan.Instalment{
		{Number: 1, DueOn: day("2026-02-01"), OpeningBalance: yuan("90000.00"), Principal: yuan("30000.00"), Interest: yuan("300.00"), ClosingBalance: yuan("60000.00")},
		{Number: 2, DueOn: day("2026-03-01"), OpeningBalance: yuan("60000.00"), Principal: yuan("30000.00"), Interest: yuan("200.00"), ClosingBalance: yuan("30000.00")},
		{Number: 3, DueOn: day("2026-04-01"), OpeningBalance: yuan("30000.00"), Principal: yuan("30000.00"), Interest: yuan("100.00"), ClosingBalance: yuan("0.00")},
	}
}

// bullet is 90,000.00 repaid on the first of April, with interest each month.
func bullet() []loan.Instalment {
	rows := thirds()
	for i := range rows {
		rows[i].OpeningBalance, rows[i].Interest = yuan("90000.00"), yuan("300.00")
		rows[i].Principal, rows[i].ClosingBalance = yuan("0.00"), yuan("90000.00")
	}
	rows[2].Principal, rows[2].ClosingBalance = yuan("90000.00"), yuan("0.00")
	return rows
}

func paid(on, principal, interest string) loan.RepaymentRecord {
	return loan.RepaymentRecord{PaidOn: day(on), Principal: yuan(principal), Interest: yuan(interest), Status: loan.RepaymentApplied}
}

func undone(on, principal, interest string) loan.RepaymentRecord {
	r := paid(on, principal, interest)
	r.Status = loan.RepaymentReversed
	return r
}

func TestStandingHoldsWhatWasRepaidAgainstThePlan(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		plan       []loan.Instalment
		renewed    loan.Renewed
		repaid     []loan.RepaymentRecord
		today      string
		unpaidFrom string
		late       int
	}{
		{name: "nothing is due yet", plan: thirds(), today: "2026-01-15", unpaidFrom: "2026-02-01"},
		{name: "due today is not late", plan: thirds(), today: "2026-02-01", unpaidFrom: "2026-02-01"},
		{name: "a day late", plan: thirds(), today: "2026-02-02", unpaidFrom: "2026-02-01", late: 1},
		{name: "paid on the day", plan: thirds(), repaid: []loan.RepaymentRecord{paid("2026-02-01", "30000.00", "300.00")}, today: "2026-02-20", unpaidFrom: "2026-03-01"},
		{name: "paid ten days late", plan: thirds(), repaid: []loan.RepaymentRecord{paid("2026-02-11", "30000.00", "300.00")}, today: "2026-02-20", unpaidFrom: "2026-03-01", late: 10},
		{
			name: "told out of order", plan: thirds(), repaid: []loan.RepaymentRecord{paid("2026-03-01", "30000.00", "200.00"), paid("2026-02-01", "30000.00", "300.00")},
			today: "2026-03-20", unpaidFrom: "2026-04-01",
		},
		{name: "a fen of principal missing", plan: thirds(), repaid: []loan.RepaymentRecord{paid("2026-02-01", "29999.99", "300.00")}, today: "2026-02-20", unpaidFrom: "2026-02-01", late: 19},
		{name: "interest short by what core systems differ by", plan: thirds(), repaid: []loan.RepaymentRecord{paid("2026-02-01", "30000.00", "299.95")}, today: "2026-02-20", unpaidFrom: "2026-03-01"},
		{name: "interest short by a fen more", plan: thirds(), repaid: []loan.RepaymentRecord{paid("2026-02-01", "30000.00", "299.94")}, today: "2026-02-20", unpaidFrom: "2026-02-01", late: 19},
		{name: "interest alone", plan: bullet(), repaid: []loan.RepaymentRecord{paid("2026-02-01", "0.00", "300.00")}, today: "2026-02-20", unpaidFrom: "2026-03-01"},
		{
			name: "principal repaid early bears no more interest", plan: bullet(), repaid: []loan.RepaymentRecord{paid("2026-01-10", "60000.00", "0.00"), paid("2026-02-01", "0.00", "100.00")},
			today: "2026-02-20", unpaidFrom: "2026-03-01",
		},
		{name: "all repaid before anything was due", plan: bullet(), repaid: []loan.RepaymentRecord{paid("2026-01-10", "90000.00", "80.00")}, today: "2026-12-01"},
		{name: "an undone repayment never was", plan: thirds(), repaid: []loan.RepaymentRecord{undone("2026-02-01", "30000.00", "300.00")}, today: "2026-02-20", unpaidFrom: "2026-02-01", late: 19},
		{
			name: "all paid in the end, once thirty days late", plan: thirds(), repaid: []loan.RepaymentRecord{paid("2026-02-01", "30000.00", "300.00"), paid("2026-03-31", "30000.00", "200.00"), paid("2026-04-01", "30000.00", "100.00")},
			today: "2026-05-01", late: 30,
		},

		{
			name: "renewed: what was handed over is not due here", plan: thirds(), renewed: loan.Renewed{Principal: yuan("60000.00"), On: day("2026-02-10")},
			repaid: []loan.RepaymentRecord{paid("2026-02-01", "30000.00", "300.00")}, today: "2026-12-01",
		},
		{
			name: "renewed, and the instalment before it undone: that one is late, and no other", plan: thirds(), renewed: loan.Renewed{Principal: yuan("60000.00"), On: day("2026-02-10")},
			repaid: []loan.RepaymentRecord{undone("2026-02-01", "30000.00", "300.00")}, today: "2026-02-20", unpaidFrom: "2026-02-01", late: 19,
		},
		{
			name: "renewed, undone and repaid again: nothing is owed", plan: thirds(), renewed: loan.Renewed{Principal: yuan("60000.00"), On: day("2026-02-10")},
			repaid: []loan.RepaymentRecord{undone("2026-02-01", "30000.00", "300.00"), paid("2026-02-25", "30000.00", "300.00")}, today: "2026-12-01", late: 24,
		},
		{
			name: "renewed after an early repayment that is undone: due at the end, and its interest until then", plan: bullet(), renewed: loan.Renewed{Principal: yuan("60000.00"), On: day("2026-02-10")},
			repaid: []loan.RepaymentRecord{undone("2026-01-20", "30000.00", "0.00"), paid("2026-02-01", "0.00", "300.00"), paid("2026-03-01", "0.00", "100.00")},
			today:  "2026-03-20", unpaidFrom: "2026-04-01",
		},
	} {
		got := loan.StandingOf(c.plan, c.renewed, c.repaid, day(c.today))
		want := loan.Standing{DaysPastDueMax: c.late}
		if c.unpaidFrom != "" {
			want.UnpaidFrom = day(c.unpaidFrom)
		}
		if got.UnpaidFrom != want.UnpaidFrom || got.DaysPastDueMax != want.DaysPastDueMax {
			t.Errorf("%s: got unpaid from %q, %d days late at most; want %q, %d", c.name, got.UnpaidFrom, got.DaysPastDueMax, want.UnpaidFrom, want.DaysPastDueMax)
		}
	}
}

// Whatever is repaid in whatever order: the order of telling does not matter, a further repayment makes nothing worse, and who
// has paid all principal and interest owes nothing.
func TestStandingDependsOnWhatWasPaidAndNotOnTheOrderOfTelling(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		plan := rapid.SampledFrom([][]loan.Instalment{thirds(), bullet()}).Draw(rt, "plan")
		today := day("2026-01-01").AddDays(rapid.IntRange(0, 200).Draw(rt, "today"))
		repayments := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) loan.RepaymentRecord {
			return loan.RepaymentRecord{
				PaidOn: day("2026-01-01").AddDays(rapid.IntRange(0, 200).Draw(rt, "day")), Status: rapid.SampledFrom(loan.RepaymentStatuses()).Draw(rt, "status"),
				Principal: money.Fen(rapid.Int64Range(0, 3_000_000).Draw(rt, "principal")), Interest: money.Fen(rapid.Int64Range(0, 40_000).Draw(rt, "interest")),
			}
		}), 0, 6)
		repaid := repayments.Draw(rt, "repaid")
		got := loan.StandingOf(plan, loan.Renewed{}, repaid, today)
		if again := loan.StandingOf(plan, loan.Renewed{}, rapid.Permutation(repaid).Draw(rt, "told"), today); !cmp.Equal(again, got) {
			rt.Fatalf("told in another order: %+v, want %+v", again, got)
		}
		longest := 0
		for i, l := range got.Late {
			longest = max(longest, l.Days)
			if i > 0 && (!got.Late[i-1].Until.Before(l.Until) || got.Late[i-1].Days <= l.Days) {
				rt.Fatalf("late %+v: want later and later, and each shorter than the one before", got.Late)
			}
		}
		if longest != got.DaysPastDueMax {
			rt.Fatalf("late %+v: want the longest %d days", got.Late, got.DaysPastDueMax)
		}
		more := append(slices.Clone(repaid), loan.RepaymentRecord{PaidOn: today, Principal: yuan("90000.00"), Interest: yuan("900.00"), Status: loan.RepaymentApplied})
		if all := loan.StandingOf(plan, loan.Renewed{}, more, today); !all.UnpaidFrom.IsZero() || all.DaysPastDueMax > got.DaysPastDueMax {
			rt.Fatalf("after all was paid: %+v, want nothing unpaid and no more than %d days late", all, got.DaysPastDueMax)
		}
	})
}

func TestOnlyLatenessThanWhichNoLaterOneWasAsLongIsKept(t *testing.T) {
	t.Parallel()
	repaid := []loan.RepaymentRecord{paid("2026-02-11", "30000.00", "300.00"), paid("2026-03-04", "30000.00", "200.00")}
	got := loan.StandingOf(thirds(), loan.Renewed{}, repaid, day("2026-04-06")).Late
	want := []loan.Lateness{{Days: 10, Until: day("2026-02-11")}, {Days: 5, Until: day("2026-04-06")}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ten days, three, and now five (-want +got):\n%s", diff)
	}
}

func TestConductSumsUpABorrowersNotes(t *testing.T) {
	t.Parallel()
	settled := loan.NoteRecord{Status: loan.NoteSettled, DaysPastDueMax: 12, Late: []loan.Lateness{{12, day("2025-01-31")}, {4, day("2025-11-15")}}}
	current := loan.NoteRecord{Status: loan.NoteOutstanding, Amount: yuan("1.00"), UnpaidFrom: day("2026-03-01")}
	renewed := loan.NoteRecord{Status: loan.NoteRenewed, DaysPastDueMax: 3, Late: []loan.Lateness{{3, day("2026-01-10")}}}
	reversed := loan.NoteRecord{Status: loan.NoteReversed}
	for _, c := range []struct {
		name  string
		notes []loan.NoteRecord
		on    string
		want  loan.Conduct
	}{
		{"nobody has borrowed", nil, "2026-03-01", loan.Conduct{}},
		{"due today", []loan.NoteRecord{current}, "2026-03-01", loan.Conduct{}},
		{"due yesterday", []loan.NoteRecord{current}, "2026-03-02", loan.Conduct{DaysPastDueMax: 1, OverdueNow: true}},
		{"what was late counts for twenty-four months", []loan.NoteRecord{settled, renewed}, "2027-01-31", loan.Conduct{LoansSettled: 1, DaysPastDueMax: 12}},
		{"and a day later what was late since", []loan.NoteRecord{settled, renewed}, "2027-02-01", loan.Conduct{LoansSettled: 1, DaysPastDueMax: 4}},
		{"and in the end nothing", []loan.NoteRecord{settled, renewed}, "2028-01-11", loan.Conduct{LoansSettled: 1}},
		{"the longest of what was and what is", []loan.NoteRecord{settled, current}, "2026-03-21", loan.Conduct{LoansSettled: 1, DaysPastDueMax: 20, OverdueNow: true}},
		{"handed over or returned is not settled", []loan.NoteRecord{renewed, reversed}, "2026-03-21", loan.Conduct{DaysPastDueMax: 3}},
	} {
		if diff := cmp.Diff(c.want, loan.ConductOf(c.notes, day(c.on))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}
