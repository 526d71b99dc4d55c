package origination_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
)

func (w *world) lines() *origination.Lines { return origination.NewLines(w.store, w.now, newID) }

func (w *world) core() domain.Actor {
	return domain.Actor{ID: newID(), Name: "核心系统", Role: domain.RoleCoreSystem}
}

// lent is a case of 茌平 whose money has arrived, and its only note.
func (w *world) lent(officer domain.Actor, amount string) (loan.Record, loan.NoteRecord) {
	w.t.Helper()
	d := w.released(officer, amount)
	for w.status(d.ID) != loan.DisbursementSucceeded {
		w.work()
	}
	rec, err := w.store.Application(w.t.Context(), officer.Scope(), d.ApplicationID)
	w.must(err)
	notes, err := w.lines().LoanNotes(w.t.Context(), officer, rec.ID, domain.Page{Limit: 10})
	w.must(err)
	if len(notes) != 1 {
		w.t.Fatalf("the case has %d notes, want one", len(notes))
	}
	return rec, notes[0]
}

func (w *world) wantLine(id domain.ID, outstanding, reserved, free string) loan.LineRecord {
	w.t.Helper()
	l, err := w.store.Line(w.t.Context(), domain.Scope{Everything: true}, id)
	w.must(err)
	if l.Outstanding.String() != outstanding || l.Reserved.String() != reserved || l.Free().String() != free {
		w.t.Errorf("line: outstanding %s, reserved %s, free %s; want %s, %s, %s", l.Outstanding, l.Reserved, l.Free(), outstanding, reserved, free)
	}
	return l
}

func repayment(note domain.ID, no, principal, interest string, on domain.Date) origination.DeliverRepayment {
	return origination.DeliverRepayment{
		NoteID: note, RepaymentNo: no, PaidOn: on, Principal: money.MustParseAmount(principal), Interest: money.MustParseAmount(interest),
	}
}

func TestMoneyThatArrivesIsOwedOnANoteWithItsOwnSchedule(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	signed := w.signed(officer, "99500.00")
	w.wantLine(signed.ID, "0.00", "0.00", "99500.00")
	d, _, err := w.disbursements.Request(t.Context(), officer, key(), origination.RequestDisbursement{ApplicationID: signed.ID})
	w.must(err)
	w.wantLine(signed.ID, "0.00", "99500.00", "0.00")
	w.advance(50 * time.Hour) // it arrives days after the signing
	_, _, err = w.disbursements.Release(t.Context(), w.somebody(domain.RoleDisbursementOfficer), key(), d.ID)
	w.must(err)
	w.work()
	w.wantLine(signed.ID, "99500.00", "0.00", "0.00")

	notes, err := w.lines().LoanNotes(t.Context(), officer, signed.ID, domain.Page{Limit: 10})
	w.must(err)
	file, err := w.lines().LoanNote(t.Context(), officer, notes[0].ID)
	w.must(err)
	contract, err := w.store.Contract(t.Context(), officer.Scope(), signed.ID)
	w.must(err)
	today := domain.DateOf(w.now())
	last := file.Instalments[len(file.Instalments)-1]
	if file.Note.StartsOn != today || file.Note.NoteNo != contract.ContractNo+"-001" || file.Note.DisbursementID != d.ID {
		t.Errorf("note: %+v, want number 001 of %s from %s", file.Note, contract.ContractNo, today)
	}
	if ends := contract.SignedOn.AddMonths(contract.TermMonths); last.DueOn != ends || file.Instalments[0].DueOn != today.AddMonths(1) {
		t.Errorf("schedule from %s to %s, want from %s to the line's end %s", file.Instalments[0].DueOn, last.DueOn, today.AddMonths(1), ends)
	}
	var principal money.Amount
	for _, row := range file.Instalments {
		principal = principal.Add(row.Principal)
	}
	if !principal.Equal(yuan("99500.00")) || !last.ClosingBalance.IsZero() {
		t.Errorf("schedule: principal %s, last balance %s; want 99500.00 and nothing", principal, last.ClosingBalance)
	}
}

func TestACancelledPaymentGivesTheLineBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	signed := w.signed(officer, "50000.00")
	d, _, err := w.disbursements.Request(t.Context(), officer, key(), origination.RequestDisbursement{ApplicationID: signed.ID})
	w.must(err)
	_, err = w.disbursements.Cancel(t.Context(), w.somebody(domain.RoleDisbursementOfficer), d.ID, "账户有误")
	w.must(err)
	w.wantLine(signed.ID, "0.00", "0.00", "50000.00")
}

func yuan(s string) money.Amount { return money.MustParseAmount(s) }

func TestARepaymentFreesTheLineOnceHoweverOftenItIsDelivered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	rec, note := w.lent(officer, "99500.00")
	core, lines := w.core(), w.lines()
	today := domain.DateOf(w.now())
	cmd := repayment(note.ID, "HX-1", "40000.00", "120.50", today)

	var replays atomic.Int64
	wantCodes(t, atOnce(callers, func(int) error {
		_, replayed, err := lines.Repay(context.Background(), core, cmd)
		if replayed {
			replays.Add(1)
		}
		return err
	}), map[string]int{"": callers})
	if replays.Load() != callers-1 {
		t.Errorf("%d of %d deliveries were told to be repetitions, want all but one", replays.Load(), callers)
	}
	w.wantLine(rec.ID, "59500.00", "0.00", "40000.00")

	other := cmd
	other.Principal = yuan("39999.99")
	for name, refusal := range map[string]struct {
		code string
		by   domain.Actor
		cmd  origination.DeliverRepayment
	}{
		"the number again with another sum": {"repayment-no-reused", core, other},
		"more than is owed":                 {"repayment-exceeds-outstanding", core, repayment(note.ID, "HX-2", "59500.01", "0.00", today)},
		"nothing":                           {"invalid-fields", core, repayment(note.ID, "HX-3", "0.00", "0.00", today)},
		"a negative sum":                    {"invalid-fields", core, repayment(note.ID, "HX-3", "-1.00", "2.00", today)},
		"tomorrow":                          {"invalid-fields", core, repayment(note.ID, "HX-3", "1.00", "0.00", today.AddDays(1))},
		"before the money arrived":          {"invalid-fields", core, repayment(note.ID, "HX-3", "1.00", "0.00", today.AddDays(-1))},
		"an officer":                        {"role-not-allowed", officer, repayment(note.ID, "HX-3", "1.00", "0.00", today)},
		"an unknown note":                   {"loan-note-not-found", core, repayment(newID(), "HX-3", "1.00", "0.00", today)},
	} {
		if _, _, err := lines.Repay(t.Context(), refusal.by, refusal.cmd); domain.CodeOf(err) != refusal.code {
			t.Errorf("%s: got %v, want %s", name, err, refusal.code)
		}
	}
	w.wantLine(rec.ID, "59500.00", "0.00", "40000.00")
}

func TestAReversalPutsTheRepaymentBackOnceAndWaitsForIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	rec, note := w.lent(officer, "99500.00")
	core, lines := w.core(), w.lines()
	today := domain.DateOf(w.now())
	reversal := origination.DeliverReversal{NoteID: note.ID, ReversalNo: "CZ-1", RepaymentNo: "HX-1", ReversedOn: today}

	if _, _, err := lines.ReverseRepayment(t.Context(), core, reversal); domain.CodeOf(err) != "repayment-not-found" {
		t.Errorf("a reversal before its repayment: got %v, want repayment-not-found", err)
	}
	cmd := repayment(note.ID, "HX-1", "99500.00", "0.00", today)
	_, _, err := lines.Repay(t.Context(), core, cmd)
	w.must(err)
	w.wantLine(rec.ID, "0.00", "0.00", "99500.00")
	if settled, err := lines.LoanNote(t.Context(), officer, note.ID); err != nil || settled.Note.Status != loan.NoteSettled {
		t.Errorf("after all was repaid: %+v, %v; want settled", settled.Note, err)
	}
	wantCodes(t, atOnce(callers, func(int) error {
		_, _, err := lines.ReverseRepayment(context.Background(), core, reversal)
		return err
	}), map[string]int{"": callers})
	w.wantLine(rec.ID, "99500.00", "0.00", "0.00")
	again := reversal
	again.ReversalNo = "CZ-2"
	if _, _, err := lines.ReverseRepayment(t.Context(), core, again); domain.CodeOf(err) != "repayment-reversed" {
		t.Errorf("another reversal of the same repayment: got %v, want repayment-reversed", err)
	}
	told, replayed, err := lines.Repay(t.Context(), core, cmd)
	if err != nil || !replayed || told.Status != loan.RepaymentReversed {
		t.Errorf("the repayment delivered once more: got %+v, %t, %v; want it known as reversed", told, replayed, err)
	}
	w.wantLine(rec.ID, "99500.00", "0.00", "0.00")
}

func TestALineIsHeldResumedAndEndedByTheRightPeople(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer, keeper := w.somebody(domain.RoleLoanOfficer), w.somebody(domain.RoleRiskManager)
	signed := w.signed(officer, "50000.00")
	lines := w.lines()
	if _, err := lines.Hold(t.Context(), officer, signed.ID, "可疑"); domain.CodeOf(err) != "role-not-allowed" {
		t.Errorf("hold by the officer: got %v, want role-not-allowed", err)
	}
	_, err := lines.Hold(t.Context(), keeper, signed.ID, "可疑")
	w.must(err)
	if _, _, err := w.disbursements.Request(t.Context(), officer, key(), origination.RequestDisbursement{ApplicationID: signed.ID}); domain.CodeOf(err) != "line-held" {
		t.Errorf("a payment from a held line: got %v, want line-held", err)
	}
	_, err = lines.Resume(t.Context(), keeper, signed.ID, "核实完毕")
	w.must(err)
	if _, err := lines.End(t.Context(), w.somebodyAt("371525", domain.RoleRiskManager), signed.ID, "结束"); domain.CodeOf(err) != "application-not-found" {
		t.Errorf("end by another branch: got %v, want application-not-found", err)
	}
	_, err = lines.End(t.Context(), keeper, signed.ID, "结束")
	w.must(err)
	if _, _, err := w.disbursements.Request(t.Context(), officer, key(), origination.RequestDisbursement{ApplicationID: signed.ID}); domain.CodeOf(err) != "line-ended" {
		t.Errorf("a payment from an ended line: got %v, want line-ended", err)
	}
}

// The core system's messages of two repayments that were made on time come months later, and the second one first: nobody was
// late.
func TestARepaymentThatIsToldLateWasNotPaidLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer, core := w.somebody(domain.RoleLoanOfficer), w.core()
	_, note := w.lent(officer, "99500.00")
	due := note.StartsOn.AddMonths(1)
	w.advance(80 * 24 * time.Hour)
	for _, told := range []struct {
		no, interest string
		on           domain.Date
		late         int
	}{
		{"HX-2", "400.00", due.AddMonths(1), due.DaysUntil(domain.DateOf(w.now()))}, // the first instalment is not known to be met
		{"HX-1", "400.00", due, 0},
	} {
		_, _, err := w.lines().Repay(t.Context(), core, repayment(note.ID, told.no, "0.00", told.interest, told.on))
		w.must(err)
		got, err := w.store.LoanNote(t.Context(), officer.Scope(), note.ID)
		w.must(err)
		if (got.DaysPastDueMax > 0) != (told.late > 0) {
			t.Errorf("after %s was told: %d days late at most, unpaid from %q; want %d", told.no, got.DaysPastDueMax, got.UnpaidFrom, told.late)
		}
	}
}
