package origination_test

import (
	"strings"
	"testing"
	"time"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/origination"
	"fumin/repository/channel"
	"fumin/repository/channel/sandbox"
)

// What a payment had reserved on a line that was ended meanwhile is owed by nobody once the payment is cancelled or failed: the
// household's limits have it back.
func TestAPaymentThatComesToNothingOnAnEndedLineGivesTheLimitsBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer, keeper, releaser := w.somebody(domain.RoleLoanOfficer), w.somebody(domain.RoleRiskManager), w.somebody(domain.RoleDisbursementOfficer)
	for name, comeToNothing := range map[string]func(d loan.DisbursementRecord){
		"cancelled": func(d loan.DisbursementRecord) {
			_, err := w.disbursements.Cancel(t.Context(), releaser, d.ID, "账户有误")
			w.must(err)
		},
		"failed": func(loan.DisbursementRecord) {
			w.tellChannel(sandbox.Control{Mode: sandbox.ModeFail, Requests: 1, FailureCode: channel.FailureAccountClosed})
			w.work()
		},
	} {
		rec := w.signed(officer, "50000.00")
		d, _, err := w.disbursements.Request(t.Context(), officer, key(), all(rec.ID))
		w.must(err)
		_, _, err = w.disbursements.Release(t.Context(), releaser, key(), d.ID)
		w.must(err)
		_, err = w.lines().End(t.Context(), keeper, rec.ID, "结束")
		w.must(err)
		w.wantExposure(name+", while the payment is under way", officer, rec.HouseholdID, "50000.00")
		comeToNothing(d)
		w.wantExposure(name, officer, rec.HouseholdID, "0.00")
	}
}

// Two payees of one disbursement are paid on one day, and between the two the borrower pays back, or the bank returns, what had
// arrived first: the second sum is owed on the same note all the same.
func TestMoneyArrivesOnANoteThatWasRepaidOrReversedOnTheSameDay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	one, other := w.somebody(domain.RoleDisbursementOfficer), w.somebody(domain.RoleDisbursementOfficer)
	limits := origination.DefaultPayoutLimits()
	limits.Parallel = 1
	node := origination.NewPayouts(w.store, w.now, w.client, newID(), discard(), limits)
	for name, between := range map[string]func(note loan.NoteRecord, first loan.TransferRecord){
		"all repaid": func(note loan.NoteRecord, _ loan.TransferRecord) {
			_, _, err := w.lines().Repay(t.Context(), w.core(), repayment(note.ID, "HX-1", note.Amount.String(), "0.00", note.StartsOn))
			w.must(err)
		},
		"a part repaid": func(note loan.NoteRecord, _ loan.TransferRecord) {
			_, _, err := w.lines().Repay(t.Context(), w.core(), repayment(note.ID, "HX-2", "1000.00", "0.00", note.StartsOn))
			w.must(err)
		},
		"all returned": func(note loan.NoteRecord, first loan.TransferRecord) {
			r, _, err := w.disbursements.RequestReversal(t.Context(), one, key(), origination.RequestReversal{
				TransferID: first.ID, Amount: note.Amount, Reason: "收款行退汇", ChannelReference: "TH-1",
			})
			w.must(err)
			_, err = w.disbursements.ConfirmReversal(t.Context(), other, r.ID)
			w.must(err)
		},
	} {
		rec := w.signed(officer, "70000.00")
		d, _, err := w.disbursements.Request(t.Context(), officer, key(), origination.RequestDisbursement{
			ApplicationID: rec.ID, Payees: []loan.PayeeOrder{seller("40000.00"), self("29500.00")},
		})
		w.must(err)
		_, _, err = w.disbursements.Release(t.Context(), one, key(), d.ID)
		w.must(err)
		_, err = node.Work(t.Context())
		w.must(err)
		notes, err := w.lines().LoanNotes(t.Context(), officer, rec.ID, domain.Page{Limit: 10})
		w.must(err)
		if len(notes) != 1 {
			t.Fatalf("%s: %d notes after the first payee was paid, want one", name, len(notes))
		}
		first := w.disbursement(d.ID).Transfers[0]
		if first.Status != loan.TransferSucceeded {
			first = w.disbursement(d.ID).Transfers[1]
		}
		between(notes[0], first)
		_, err = node.Work(t.Context())
		w.must(err)
		if got := w.status(d.ID); got != loan.DisbursementSucceeded {
			t.Errorf("%s: the disbursement is %s after the second payee was paid, want succeeded", name, got)
		}
		file, err := w.lines().LoanNote(t.Context(), officer, notes[0].ID)
		w.must(err)
		want := yuan("69500.00").Sub(file.Note.PrincipalRepaid).Sub(file.Note.Reversed)
		line, err := w.store.Line(t.Context(), officer.Scope(), rec.ID)
		w.must(err)
		if !file.Note.Outstanding().Equal(want) || !line.Outstanding.Equal(want) || file.Note.Status != loan.NoteOutstanding {
			t.Errorf("%s: the note is %s and owes %s, the line %s, want %s", name, file.Note.Status, file.Note.Outstanding(), line.Outstanding, want)
		}
	}
}

// Nobody ends a line by hand when its last day has passed. A worker does, so that its limit ties up no exposure and no quota; a
// line that it cannot end is named, and stops no other.
func TestALineIsEndedWhenItsLastDayHasPassed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	spoilt := w.signed(officer, "50000.00")
	rec, _, note := w.guaranteedLoan(officer, "100000.00", true)
	w.repay(note, "HX-1", "30000.00")
	last := domain.DateOf(w.now())
	w.execute("UPDATE credit_lines SET ends_on = ?, starts_on = ? WHERE status = 'live'", last.String(), last.AddMonths(-12).String())
	w.execute("UPDATE credit_lines SET id = '' WHERE application_id = ?", spoilt.ID)
	if ended, err := w.lines().EndDue(t.Context()); ended != 0 || err != nil {
		t.Errorf("on the last day: %d ended, %v; want none", ended, err)
	}
	w.wantExposure("on the last day", officer, rec.HouseholdID, "100000.00")
	w.advance(24 * time.Hour)
	ended, err := w.lines().EndDue(t.Context())
	if ended != 1 || err == nil || !strings.Contains(err.Error(), spoilt.ID.String()) {
		t.Errorf("on the day after: %d ended, %v; want one, and the other named", ended, err)
	}
	if line := w.wantLine(rec.ID, "70000.00", "0.00", "30000.00"); line.Status != loan.LineEnded {
		t.Errorf("the line is %s, want ended", line.Status)
	}
	w.wantExposure("on the day after", officer, rec.HouseholdID, "70000.00")
	w.wantHeld("the last day", "70000.00")
	if ended, _ := w.lines().EndDue(t.Context()); ended != 0 {
		t.Errorf("looked again: %d ended, want none", ended)
	}
}
