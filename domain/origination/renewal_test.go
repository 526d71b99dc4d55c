package origination_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
	"fumin/domain/product"
	"fumin/repository/channel"
	"fumin/repository/channel/sandbox"
)

// lentFor is a case of a term whose money has arrived, and its only note.
func (w *world) lentFor(officer domain.Actor, amount string, months int) (loan.Record, loan.NoteRecord) {
	w.t.Helper()
	asked := request(amount)
	asked.TermMonths = months
	rec, _, err := w.applications.Open(w.t.Context(), officer, key(), origination.OpenApplication{
		BorrowerID: w.farmer(officer).ID, ProductCode: "QLFMD", Request: asked,
	})
	w.must(err)
	w.approvedByRules(officer, rec.ID)
	rec, err = w.applications.Sign(w.t.Context(), officer, origination.SignApplication{
		ID: rec.ID, ContractNo: "HT-" + rec.ApplicationNo, SignedOn: domain.DateOf(w.now()),
	})
	w.must(err)
	d, _, err := w.disbursements.Request(w.t.Context(), officer, key(), all(rec.ID))
	w.must(err)
	_, _, err = w.disbursements.Release(w.t.Context(), w.somebody(domain.RoleDisbursementOfficer), key(), d.ID)
	w.must(err)
	w.work()
	notes, err := w.lines().LoanNotes(w.t.Context(), officer, rec.ID, domain.Page{Limit: 10})
	w.must(err)
	if len(notes) != 1 {
		w.t.Fatalf("the case has %d notes, want one", len(notes))
	}
	return rec, notes[0]
}

// approvedByRules puts a draft before the rules, which approve it.
func (w *world) approvedByRules(officer domain.Actor, id domain.ID) {
	w.t.Helper()
	rec, err := w.applications.Submit(w.t.Context(), officer, id)
	w.must(err)
	if rec.Status != loan.StatusApproved {
		d, err := w.applications.Decision(w.t.Context(), officer, id)
		w.t.Fatalf("submitted: %s, want approved: %+v (%v)", rec.Status, d.Outcome.Reasons, err)
	}
}

func (w *world) wantHouseholdTiesUp(when string, rec loan.Record, want string) {
	w.t.Helper()
	sums, err := w.store.ExposureSums(w.t.Context(), origination.ExposureUnit{Kind: product.ExposureHousehold, ID: rec.HouseholdID})
	w.must(err)
	total := yuan("0.00")
	for _, sum := range sums {
		total = total.Add(sum.Amount)
	}
	if got := total.String(); got != want {
		w.t.Errorf("%s: the household ties up %s, want %s", when, got, want)
	}
}

// paidInAll counts what the channel has ever been asked to pay, by its own record.
func (w *world) paidInAll() int {
	w.t.Helper()
	recorder := httptest.NewRecorder()
	w.channel.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, channel.PaymentsPath+"?limit=100", nil))
	var list sandbox.List
	w.must(json.NewDecoder(recorder.Body).Decode(&list))
	return len(list.Payments)
}

// A line of 99,500.00 is renewed before its end: 59,500.00 go over to the new line, no money moves, and the household ties up
// one limit throughout.
func TestALineIsRenewedWithoutRepayingAndNoPaymentMoves(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, officer := t.Context(), w.somebody(domain.RoleLoanOfficer)
	old, note := w.lentFor(officer, "99500.00", 2)
	_, _, err := w.lines().Repay(ctx, w.core(), repayment(note.ID, "HX-1", "40000.00", "100.00", domain.DateOf(w.now())))
	w.must(err)
	w.advance(10 * 24 * time.Hour)

	promise := key()
	renewal := origination.RenewLine{ApplicationID: old.ID, Request: request("99500.00")}
	opened, _, err := w.applications.Renew(ctx, officer, promise, renewal)
	w.must(err)
	if again, replayed, err := w.applications.Renew(ctx, officer, promise, renewal); err != nil || !replayed || again.ID != opened.ID {
		t.Errorf("the same renewal again: got %s, %t, %v; want %s as a repetition", again.ID, replayed, err, opened.ID)
	}
	if opened.RenewsApplicationID != old.ID || opened.Status != loan.StatusDraft || opened.BorrowerID != old.BorrowerID {
		t.Errorf("opened %+v, want a draft of the same borrower that renews %s", opened, old.ID)
	}
	w.approvedByRules(officer, opened.ID)
	w.wantHouseholdTiesUp("approved, not signed", old, "99500.00")
	w.wantLine(old.ID, "59500.00", "0.00", "40000.00")
	before := w.paidInAll()
	renewed, err := w.applications.Sign(ctx, officer, origination.SignApplication{ID: opened.ID, ContractNo: "HT-XD-1", SignedOn: domain.DateOf(w.now())})
	w.must(err)
	w.work()

	if renewed.Status != loan.StatusDisbursed || w.paidInAll() != before {
		t.Errorf("the renewal is %s with %d payments more, want disbursed with none", renewed.Status, w.paidInAll()-before)
	}
	was, is := w.wantLine(old.ID, "0.00", "0.00", "99500.00"), w.wantLine(opened.ID, "59500.00", "0.00", "40000.00")
	if was.Status != loan.LineEnded || was.HandedOverTotal.String() != "59500.00" || is.TakenOverTotal.String() != "59500.00" {
		t.Errorf("lines: old %s handed over %s, new took over %s; want ended, 59500.00, 59500.00", was.Status, was.HandedOverTotal, is.TakenOverTotal)
	}
	w.wantHouseholdTiesUp("signed", old, "99500.00")
	w.wantNoteRenewed(officer, note.ID, opened.ID)
	w.wantBeside(officer, old.ID, "", opened.ID)
	w.wantBeside(officer, opened.ID, old.ID, "")
	if _, err := w.applications.Withdraw(ctx, officer, opened.ID, "不要了"); domain.CodeOf(err) != "wrong-status" {
		t.Errorf("withdraw a renewal whose line owes: got %v, want wrong-status", err)
	}
	_, _, err = w.disbursements.Draw(ctx, officer, key(), origination.DrawFromLine{ApplicationID: opened.ID, Amount: yuan("40000.00")})
	w.must(err)
	if _, err := w.applications.Close(ctx, officer, old.ID); err != nil {
		t.Errorf("close the case that was renewed: %v", err)
	}
}

// wantBeside holds what a line says of the cases beside it.
func (w *world) wantBeside(officer domain.Actor, id, renews, renewedBy domain.ID) {
	w.t.Helper()
	got, err := w.lines().Line(w.t.Context(), officer, id)
	if err != nil || got.RenewsApplicationID != renews || got.RenewedByApplicationID != renewedBy {
		w.t.Errorf("line %s: got renews %q, renewed by %q, %v; want %q, %q", id, got.RenewsApplicationID, got.RenewedByApplicationID, err, renews, renewedBy)
	}
}

func (w *world) wantNoteRenewed(officer domain.Actor, oldNote, newCase domain.ID) {
	w.t.Helper()
	was, err := w.lines().LoanNote(w.t.Context(), officer, oldNote)
	w.must(err)
	if was.Note.Status != loan.NoteRenewed || !was.Note.Outstanding().IsZero() || was.Note.HandedOver.String() != "59500.00" {
		w.t.Errorf("old note: %s, outstanding %s, handed over %s; want renewed, nothing, 59500.00", was.Note.Status, was.Note.Outstanding(), was.Note.HandedOver)
	}
	notes, err := w.lines().LoanNotes(w.t.Context(), officer, newCase, domain.Page{Limit: 10})
	w.must(err)
	today := domain.DateOf(w.now())
	if len(notes) != 1 || notes[0].RenewsNoteID != oldNote || notes[0].Amount.String() != "59500.00" || notes[0].StartsOn != today || notes[0].EndsOn != today.AddMonths(12) {
		w.t.Errorf("new notes: %+v, want one of 59,500.00 that renews %s for twelve months from %s", notes, oldNote, today)
	}
}

func TestARenewalIsRefusedWhereItIsNotDue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, officer, keeper := t.Context(), w.somebody(domain.RoleLoanOfficer), w.somebody(domain.RoleRiskManager)
	refused := func(name, code string, by domain.Actor, id domain.ID, amount string) {
		t.Helper()
		if _, _, err := w.applications.Renew(ctx, by, key(), origination.RenewLine{ApplicationID: id, Request: request(amount)}); domain.CodeOf(err) != code {
			t.Errorf("%s: got %v, want %s", name, err, code)
		}
	}
	long, _ := w.lentFor(officer, "50000.00", 12)
	refused("a year before the end", "renewal-too-early", officer, long.ID, "50000.00")
	short, note := w.lentFor(officer, "50000.00", 2)
	w.advance(5 * 24 * time.Hour)
	refused("by an approver", "role-not-allowed", w.somebody(domain.RoleApprover), short.ID, "50000.00")
	refused("by another branch", "application-not-found", w.somebodyAt("371525", domain.RoleLoanOfficer), short.ID, "50000.00")
	refused("for less than is owed", "invalid-fields", officer, short.ID, "49999.99")
	if _, _, err := w.applications.Renew(ctx, officer, key(), origination.RenewLine{ApplicationID: short.ID, Request: request("49999.99")}); fieldCodes(err) != "below-outstanding" {
		t.Errorf("for less than is owed: got %v, want below-outstanding at its field", err)
	}
	_, _, err := w.lines().Repay(ctx, w.core(), repayment(note.ID, "HX-1", "10000.00", "0.00", domain.DateOf(w.now())))
	w.must(err)
	d, _, err := w.disbursements.Draw(ctx, officer, key(), origination.DrawFromLine{ApplicationID: short.ID, Amount: yuan("10000.00")})
	w.must(err)
	refused("with a payment under way", "line-has-payments", officer, short.ID, "50000.00")
	_, err = w.disbursements.Cancel(ctx, w.somebody(domain.RoleDisbursementOfficer), d.ID, "不用了")
	w.must(err)
	_, err = w.lines().Hold(ctx, keeper, short.ID, "可疑")
	w.must(err)
	refused("while it is held", "line-held", officer, short.ID, "50000.00")
	_, err = w.lines().Resume(ctx, keeper, short.ID, "核实完毕")
	w.must(err)
	refused("without a contract", "line-not-found", officer, w.opened(officer, "50000.00").ID, "50000.00")
	refused("with nothing owed", "renewal-without-debt", officer, w.signed(officer, "50000.00").ID, "50000.00")

	w.execute("UPDATE product_versions SET document = JSON_SET(document, '$.renewal_without_repayment_days', 0)")
	refused("where the product does not allow it", "renewal-not-offered", officer, short.ID, "50000.00")
	w.execute("UPDATE product_versions SET document = JSON_SET(document, '$.renewal_without_repayment_days', 60)")
	w.advance(30 * 24 * time.Hour)
	refused("with an overdue instalment", "renewal-while-overdue", officer, short.ID, "50000.00")
	w.advance(40 * 24 * time.Hour)
	refused("after the end", "line-ended", officer, short.ID, "50000.00")
}

func TestTwentyRenewalsAtOnceOpenOneCase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	old, _ := w.lentFor(officer, "50000.00", 2)
	w.advance(5 * 24 * time.Hour)
	wantCodes(t, atOnce(callers, func(int) error {
		_, _, err := w.applications.Renew(context.Background(), officer, key(), origination.RenewLine{ApplicationID: old.ID, Request: request("50000.00")})
		return err
	}), map[string]int{"": 1, "renewal-exists": callers - 1})
}

// A renewal that came to nothing leaves the line as it was, and another may be opened. What became of the line meanwhile is
// asked again when it is signed.
func TestAWithdrawnRenewalLeavesTheLineAndMayBeOpenedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, officer, keeper := t.Context(), w.somebody(domain.RoleLoanOfficer), w.somebody(domain.RoleRiskManager)
	old, _ := w.lentFor(officer, "50000.00", 2)
	w.advance(5 * 24 * time.Hour)
	first, _, err := w.applications.Renew(ctx, officer, key(), origination.RenewLine{ApplicationID: old.ID, Request: request("60000.00")})
	w.must(err)
	w.approvedByRules(officer, first.ID)
	w.wantHouseholdTiesUp("approved for more", old, "60000.00")
	_, err = w.applications.Withdraw(ctx, officer, first.ID, "不续了")
	w.must(err)
	w.wantHouseholdTiesUp("withdrawn", old, "50000.00")
	w.wantLine(old.ID, "50000.00", "0.00", "0.00")
	second, _, err := w.applications.Renew(ctx, officer, key(), origination.RenewLine{ApplicationID: old.ID, Request: request("50000.00")})
	w.must(err)
	w.approvedByRules(officer, second.ID)

	sign := func(code string) {
		t.Helper()
		_, err := w.applications.Sign(ctx, officer, origination.SignApplication{ID: second.ID, ContractNo: "HT-XD-2", SignedOn: domain.DateOf(w.now())})
		if domain.CodeOf(err) != code {
			t.Errorf("sign: got %v, want %q", err, code)
		}
	}
	_, err = w.lines().Hold(ctx, keeper, old.ID, "可疑")
	w.must(err)
	sign("wrong-status")
	w.wantLine(old.ID, "50000.00", "0.00", "0.00")
	_, err = w.lines().Resume(ctx, keeper, old.ID, "核实完毕")
	w.must(err)
	sign("")
	w.wantLine(second.ID, "50000.00", "0.00", "0.00")
	w.wantHouseholdTiesUp("signed", old, "50000.00")
}

// A repayment from before a renewal is undone afterwards: the old note owes that sum again and nothing of what the new one
// took over, is overdue by its own plan, and owes nothing once the sum is repaid.
func TestARepaymentUndoneAfterARenewalIsOwedOnTheOldNoteAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, officer, core := t.Context(), w.somebody(domain.RoleLoanOfficer), w.core()
	old, note := w.lentFor(officer, "99500.00", 2)
	start := domain.DateOf(w.now())
	_, _, err := w.lines().Repay(ctx, core, repayment(note.ID, "HX-1", "40000.00", "0.00", start))
	w.must(err)
	w.advance(10 * 24 * time.Hour)
	opened, _, err := w.applications.Renew(ctx, officer, key(), origination.RenewLine{ApplicationID: old.ID, Request: request("99500.00")})
	w.must(err)
	w.approvedByRules(officer, opened.ID)
	_, err = w.applications.Sign(ctx, officer, origination.SignApplication{ID: opened.ID, ContractNo: "HT-XD-9", SignedOn: domain.DateOf(w.now())})
	w.must(err)

	_, _, err = w.lines().ReverseRepayment(ctx, core, origination.DeliverReversal{NoteID: note.ID, ReversalNo: "CZ-1", RepaymentNo: "HX-1", ReversedOn: domain.DateOf(w.now())})
	w.must(err)
	wantNote := func(when string, status loan.NoteStatus, outstanding string, unpaidFrom domain.Date, late int) {
		t.Helper()
		got, err := w.store.LoanNote(ctx, officer.Scope(), note.ID)
		w.must(err)
		if got.Status != status || got.Outstanding().String() != outstanding || got.UnpaidFrom != unpaidFrom || got.DaysPastDueMax != late {
			t.Errorf("%s: the old note is %s, owes %s, unpaid from %q, %d days late; want %s, %s, %q, %d", when,
				got.Status, got.Outstanding(), got.UnpaidFrom, got.DaysPastDueMax, status, outstanding, unpaidFrom, late)
		}
	}
	w.wantLine(old.ID, "40000.00", "0.00", "59500.00")
	w.wantLine(opened.ID, "59500.00", "0.00", "40000.00")
	wantNote("undone", loan.NoteOutstanding, "40000.00", start.AddMonths(1), 0)
	_, _, err = w.lines().Repay(ctx, core, repayment(note.ID, "HX-2", "40000.00", "0.00", domain.DateOf(w.now())))
	w.must(err)
	wantNote("repaid again", loan.NoteRenewed, "0.00", domain.Date{}, 0)
	w.wantLine(old.ID, "0.00", "0.00", "99500.00")

	w.advance(90 * 24 * time.Hour) // interest that comes late for the time before the renewal makes no arrears of what was handed over
	_, _, err = w.lines().Repay(ctx, core, repayment(note.ID, "HX-3", "0.00", "300.00", domain.DateOf(w.now())))
	w.must(err)
	wantNote("long after", loan.NoteRenewed, "0.00", domain.Date{}, 0)
}

// Twenty officers sign one renewal while twenty repayments arrive: the debt goes over once, and what was repaid before does not.
func TestTwentySignaturesOfARenewalMoveWhatIsOwedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	old, note := w.lentFor(officer, "50000.00", 2)
	w.advance(5 * 24 * time.Hour)
	renewal, _, err := w.applications.Renew(t.Context(), officer, key(), origination.RenewLine{ApplicationID: old.ID, Request: request("50000.00")})
	w.must(err)
	w.approvedByRules(officer, renewal.ID)
	today := domain.DateOf(w.now())
	codes := atOnce(2*callers, func(i int) error {
		if i%2 == 0 {
			_, err := w.applications.Sign(context.Background(), officer, origination.SignApplication{ID: renewal.ID, ContractNo: "HT-XD-20", SignedOn: today})
			return err
		}
		_, _, err := w.lines().Repay(context.Background(), w.core(), repayment(note.ID, fmt.Sprintf("HX-%d", i), "100.00", "0.00", today))
		return err
	})
	if codes["wrong-status"] != callers-1 || codes[""] != 1+callers { // those that came after the signature are booked as well
		t.Fatalf("answers by code: %v, want one signature, %d wrong-status, and each of %d repayments booked", codes, callers-1, callers)
	}
	w.wantRenewed(officer, old.ID, renewal.ID, "2000.00", "48000.00")
}

// wantRenewed holds the sums of both lines, and the one note of the new one, after a renewal of 50,000.00.
func (w *world) wantRenewed(officer domain.Actor, old, renewal domain.ID, repaid, owed string) {
	w.t.Helper()
	was, is := w.wantLine(old, "0.00", "0.00", "50000.00"), w.wantLine(renewal, owed, "0.00", repaid)
	if went := is.TakenOverTotal.Sub(is.ReversedTotal); was.Status != loan.LineEnded || was.RepaidTotal.String() != repaid ||
		was.HandedOverTotal.String() != owed || went.String() != owed {
		w.t.Errorf("the old line is %s, repaid %s and handed over %s, the new took over %s; want ended, %s and %s twice",
			was.Status, was.RepaidTotal, was.HandedOverTotal, went, repaid, owed)
	}
	notes, err := w.lines().LoanNotes(w.t.Context(), officer, renewal, domain.Page{Limit: 10})
	if err != nil || len(notes) != 1 || notes[0].Outstanding().String() != owed {
		w.t.Fatalf("new notes: %+v, %v; want one that owes %s", notes, err, owed)
	}
	plan, err := w.store.NoteInstalments(w.t.Context(), notes[0].ID)
	w.must(err)
	var planned money.Amount
	for _, row := range plan {
		planned = planned.Add(row.Principal)
	}
	if planned.String() != owed {
		w.t.Errorf("the new note's schedule repays %s, want %s", planned, owed)
	}
	w.wantHouseholdTiesUp("renewed", w.caseOf(renewal), "50000.00")
}

func (w *world) caseOf(id domain.ID) loan.Record {
	w.t.Helper()
	rec, err := w.store.Application(w.t.Context(), domain.Scope{Everything: true}, id)
	w.must(err)
	return rec
}

// The borrower repaid before the renewal was signed, and the core system tells it days later: it is booked where it says, and
// the new note owes so much less. What was repaid after it belongs to the new note, which the refusal names.
func TestARepaymentFromBeforeARenewalThatIsToldAfterItIsTakenOffTheNewNote(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, officer, core := t.Context(), w.somebody(domain.RoleLoanOfficer), w.core()
	old, note := w.lentFor(officer, "50000.00", 2)
	w.advance(5 * 24 * time.Hour)
	signedOn := domain.DateOf(w.now())
	renewal, _, err := w.applications.Renew(ctx, officer, key(), origination.RenewLine{ApplicationID: old.ID, Request: request("50000.00")})
	w.must(err)
	w.approvedByRules(officer, renewal.ID)
	sign := func() error {
		_, err := w.applications.Sign(ctx, officer, origination.SignApplication{ID: renewal.ID, ContractNo: "HT-XD-30", SignedOn: domain.DateOf(w.now())})
		return err
	}
	// Money that came back waits for its second person: the signature waits for him.
	one, two := w.somebody(domain.RoleDisbursementOfficer), w.somebody(domain.RoleDisbursementOfficer)
	d, err := w.store.DisbursementsOfCase(ctx, old.ID)
	w.must(err)
	back, _, err := w.disbursements.RequestReversal(ctx, one, key(), origination.RequestReversal{
		TransferID: d[0].Transfers[0].ID, Amount: yuan("10000.00"), Reason: "收款行退汇", ChannelReference: "TH-30",
	})
	w.must(err)
	if err := sign(); domain.CodeOf(err) != "line-has-reversals" {
		t.Errorf("sign while a reversal waits: got %v, want line-has-reversals", err)
	}
	w.wantLine(old.ID, "50000.00", "0.00", "0.00")
	_, err = w.disbursements.RejectReversal(ctx, two, back.ID, "没有退回")
	w.must(err)
	w.must(sign())
	w.advance(3 * 24 * time.Hour)

	late := repayment(note.ID, "HX-1", "10000.00", "50.00", signedOn.AddDays(-1))
	_, _, err = w.lines().Repay(ctx, core, late)
	w.must(err)
	if _, replayed, err := w.lines().Repay(ctx, core, late); err != nil || !replayed {
		t.Errorf("the same message again: got replayed %t, %v; want a repetition", replayed, err)
	}
	w.wantRenewed(officer, old.ID, renewal.ID, "10000.00", "40000.00")
	was, err := w.store.LoanNote(ctx, officer.Scope(), note.ID)
	w.must(err)
	if was.Status != loan.NoteRenewed || was.HandedOver.String() != "40000.00" || was.PrincipalRepaid.String() != "10000.00" || was.DaysPastDueMax != 0 {
		t.Errorf("the old note is %s, handed over %s, repaid %s, %d days late; want renewed, 40000.00, 10000.00, never late",
			was.Status, was.HandedOver, was.PrincipalRepaid, was.DaysPastDueMax)
	}
	for _, refused := range []struct {
		name, code, principal string
		paidOn                domain.Date
	}{
		{"paid after the renewal", "loan-note-renewed", "1000.00", signedOn.AddDays(1)},
		{"more than was ever owed", "repayment-exceeds-outstanding", "40000.01", signedOn},
	} {
		if _, _, err := w.lines().Repay(ctx, core, repayment(note.ID, "HX-2", refused.principal, "0.00", refused.paidOn)); domain.CodeOf(err) != refused.code {
			t.Errorf("%s: got %v, want %s", refused.name, err, refused.code)
		}
	}
	notes, err := w.lines().LoanNotes(ctx, officer, renewal.ID, domain.Page{Limit: 1})
	w.must(err)
	_, _, err = w.lines().Repay(ctx, core, repayment(notes[0].ID, "HX-3", "30000.01", "0.00", signedOn.AddDays(1)))
	w.must(err)
	if _, _, err := w.lines().Repay(ctx, core, repayment(note.ID, "HX-4", "10000.00", "0.00", signedOn)); domain.CodeOf(err) != "loan-note-renewed" {
		t.Errorf("more than the new note still owes: got %v, want loan-note-renewed", err)
	}
	_, _, err = w.lines().Repay(ctx, core, repayment(note.ID, "HX-4", "9999.99", "0.00", signedOn))
	w.must(err)
	w.wantLine(renewal.ID, "0.00", "0.00", "50000.00")
}
