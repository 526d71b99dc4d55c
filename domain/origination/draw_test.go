package origination_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/origination"
)

// He repays 40,000.00, the line has 40,000.00 free again, he draws 30,000.00 from the mobile app, and is paid once.
func TestTheDuckShedRepaysAndDrawsAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	rec, note := w.lent(officer, "99500.00")
	_, _, err := w.lines().Repay(t.Context(), w.core(), repayment(note.ID, "HX-1", "40000.00", "10.00", domain.DateOf(w.now())))
	w.must(err)
	w.wantLine(rec.ID, "59500.00", "0.00", "40000.00")

	app := domain.Actor{ID: newID(), Name: "手机银行", Role: domain.RoleBorrower, BorrowerID: rec.BorrowerID}
	draw := origination.DrawFromLine{ApplicationID: rec.ID, Amount: yuan("30000.00"), TermMonths: 6}
	promise := key()
	d, _, err := w.disbursements.Draw(t.Context(), app, promise, draw)
	w.must(err)
	if again, replayed, err := w.disbursements.Draw(t.Context(), app, promise, draw); err != nil || !replayed || again.ID != d.ID {
		t.Errorf("the same draw again: got %s, %t, %v; want %s as a repetition", again.ID, replayed, err, d.ID)
	}
	w.wantLine(rec.ID, "59500.00", "30000.00", "10000.00")
	_, _, err = w.disbursements.Release(t.Context(), w.somebody(domain.RoleDisbursementOfficer), key(), d.ID)
	w.must(err)
	for w.status(d.ID) != loan.DisbursementSucceeded {
		w.work()
	}
	w.wantLine(rec.ID, "89500.00", "0.00", "10000.00")
	notes, err := w.lines().LoanNotes(t.Context(), officer, rec.ID, domain.Page{Limit: 10})
	w.must(err)
	if len(notes) != 2 || !notes[0].Amount.Equal(yuan("30000.00")) || notes[0].EndsOn != notes[0].StartsOn.AddMonths(6) {
		t.Errorf("notes: %+v, want a second one of 30,000.00 over six months", notes)
	}
}

// The file of a case is complete days after its first payment, and the case is closed. The line under its contract lives on.
func TestARevolvingLineIsDrawnFromAfterItsCaseIsClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	rec, note := w.lent(officer, "99500.00")
	_, err := w.applications.Close(t.Context(), officer, rec.ID)
	w.must(err)
	_, _, err = w.lines().Repay(t.Context(), w.core(), repayment(note.ID, "HX-1", "40000.00", "10.00", domain.DateOf(w.now())))
	w.must(err)
	if _, _, err := w.disbursements.Request(t.Context(), officer, key(), origination.RequestDisbursement{ApplicationID: rec.ID}); domain.CodeOf(err) != "wrong-status" {
		t.Errorf("an ordinary payment of a closed case: got %v, want wrong-status", err)
	}
	d := w.drawnDespite(officer, rec.ID)
	_, _, err = w.disbursements.Release(t.Context(), w.somebody(domain.RoleDisbursementOfficer), key(), d.ID)
	w.must(err)
	w.work()
	if got := w.status(d.ID); got != loan.DisbursementSucceeded {
		t.Fatalf("the draw is %s after its payment, want succeeded", got)
	}
	w.wantLine(rec.ID, "89500.00", "0.00", "10000.00")
	app, err := w.store.Application(t.Context(), officer.Scope(), rec.ID)
	if err != nil || app.Status != loan.StatusClosed {
		t.Errorf("the case is %s (%v) after the draw, want closed as before", app.Status, err)
	}
	_, err = w.lines().End(t.Context(), w.somebody(domain.RoleRiskManager), rec.ID, "不再需要")
	w.must(err)
	_, _, err = w.holds().Place(t.Context(), w.somebody(domain.RoleRiskManager), key(), origination.PlaceHold{ApplicationID: rec.ID, Reason: "可疑", Until: w.now().Add(time.Hour)})
	wantCode(t, "freeze a closed case whose line has ended", err, "wrong-status")
	_, _, err = w.applications.RecordDocument(t.Context(), officer, key(), origination.RecordDocument{
		ApplicationID: rec.ID, Type: "household_register", ReceivedOn: domain.DateOf(w.now()), Reference: "户口簿 2",
	})
	wantCode(t, "a paper for it", err, "wrong-status")
}

// drawnDespite draws 30,000.00 from the line of a closed case, which is frozen first and lacks a paper.
func (w *world) drawnDespite(officer domain.Actor, id domain.ID) loan.DisbursementRecord {
	w.t.Helper()
	draw := func(when, code string) (d loan.DisbursementRecord) {
		w.t.Helper()
		d, _, err := w.disbursements.Draw(w.t.Context(), officer, key(), origination.DrawFromLine{ApplicationID: id, Amount: yuan("30000.00")})
		wantCode(w.t, when, err, code)
		return d
	}
	held, _, err := w.holds().Place(w.t.Context(), w.somebody(domain.RoleAuditor), key(), origination.PlaceHold{ApplicationID: id, Reason: "可疑", Until: w.now().Add(time.Hour)})
	w.must(err)
	draw("a draw of a closed case that is frozen", "payment-held")
	_, err = w.holds().Release(w.t.Context(), w.somebody(domain.RoleRiskManager), held.ID, "核实完毕")
	w.must(err)
	w.setTerms("QLFMD", `'$.documents', JSON_ARRAY(JSON_OBJECT('borrower_kind', 'farmer', 'type', 'household_register', 'key', false,
		'defer_days_max', 30, 'blocks', 'next_draw', 'expires', false, 'sample', false))`)
	draw("a draw of a closed case that lacks a paper", "papers-missing")
	_, _, err = w.applications.RecordDocument(w.t.Context(), officer, key(), origination.RecordDocument{
		ApplicationID: id, Type: "household_register", ReceivedOn: domain.DateOf(w.now()), Reference: "户口簿 1",
	})
	w.must(err)
	return draw("with it", "")
}

func TestTwentyDrawsAtOnceNeverPassTheFreeAmount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	rec, note := w.lent(officer, "99500.00")
	_, _, err := w.lines().Repay(t.Context(), w.core(), repayment(note.ID, "HX-1", "40000.00", "0.00", domain.DateOf(w.now())))
	w.must(err)
	got := atOnce(callers, func(int) error {
		_, _, err := w.disbursements.Draw(context.Background(), officer, key(), origination.DrawFromLine{ApplicationID: rec.ID, Amount: yuan("15000.00")})
		return err
	})
	wantCodes(t, got, map[string]int{"": 2, "line-exceeded": callers - 2})
	w.wantLine(rec.ID, "59500.00", "30000.00", "10000.00")
}

func TestADrawIsCheckedAfresh(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	rec, note := w.lent(officer, "99500.00")
	_, _, err := w.lines().Repay(t.Context(), w.core(), repayment(note.ID, "HX-1", "40000.00", "0.00", domain.DateOf(w.now())))
	w.must(err)
	refused := func(name, code string, by domain.Actor, amount string, months int) {
		t.Helper()
		_, _, err := w.disbursements.Draw(t.Context(), by, key(), origination.DrawFromLine{ApplicationID: rec.ID, Amount: yuan(amount), TermMonths: months})
		if domain.CodeOf(err) != code {
			t.Errorf("%s: got %v, want %s", name, err, code)
		}
	}
	refused("more than is free", "line-exceeded", officer, "40000.01", 0)
	refused("nothing", "invalid-fields", officer, "0.00", 0)
	refused("below the product's minimum of one draw", "invalid-fields", officer, "999.99", 0)
	refused("a term past the line's end", "invalid-fields", officer, "10000.00", 60)
	refused("an approver", "role-not-allowed", w.somebody(domain.RoleApprover), "10000.00", 0)
	refused("another branch", "application-not-found", w.somebodyAt("371525", domain.RoleLoanOfficer), "10000.00", 0)
	if _, _, err := w.disbursements.Draw(t.Context(), officer, key(), origination.DrawFromLine{ApplicationID: rec.ID, Amount: yuan("10000.00"), TermMonths: 60}); fieldCodes(err) != "past-line-end" {
		t.Errorf("a term past the line's end: got %v, want past-line-end at its field", err)
	}

	// What had been in order at the application, and is not any more.
	keeper := w.somebody(domain.RoleRiskManager)
	_, err = w.lines().Hold(t.Context(), keeper, rec.ID, "可疑")
	w.must(err)
	refused("from a line that is held", "line-held", officer, "10000.00", 0)
	_, err = w.lines().Resume(t.Context(), keeper, rec.ID, "核实完毕")
	w.must(err)
	held, _, err := w.holds().Place(t.Context(), w.somebody(domain.RoleDisbursementOfficer), key(), origination.PlaceHold{ApplicationID: rec.ID, Reason: "可疑", Until: w.now().Add(time.Hour)})
	w.must(err)
	refused("while a hold is on the case", "payment-held", officer, "10000.00", 0)
	_, err = w.holds().Release(t.Context(), keeper, held.ID, "核实完毕")
	w.must(err)
	yesterday := domain.DateOf(w.now()).AddDays(-1)
	w.execute("INSERT INTO licences VALUES (?, ?, 1, 'business', '92371503MA3TEST', '茌平区市场监管局', '2020-01-01', ?)", newID(), rec.BorrowerID, yesterday.String())
	refused("with a licence that has expired", "draw-with-expired-licence", officer, "10000.00", 0)
	w.execute("INSERT INTO licences VALUES (?, ?, 2, 'business', '92371503MA3TEST', '茌平区市场监管局', '2026-01-01', NULL)", newID(), rec.BorrowerID)
	d, _, err := w.disbursements.Draw(t.Context(), officer, key(), origination.DrawFromLine{ApplicationID: rec.ID, Amount: yuan("10000.00")})
	w.must(err) // the licence was renewed
	_, err = w.disbursements.Cancel(t.Context(), w.somebody(domain.RoleDisbursementOfficer), d.ID, "不用了")
	w.must(err)
	w.execute("UPDATE consents SET given_at = '2026-01-01 00:00:00', valid_until = ? WHERE borrower_id = ?", yesterday.String(), rec.BorrowerID)
	refused("with a consent that has run out", "draw-without-consent", officer, "10000.00", 0)
	w.advance(70 * 24 * time.Hour) // the instalments of two months were not paid
	refused("with an overdue note", "draw-while-overdue", officer, "10000.00", 0)
	_, err = w.lines().End(t.Context(), keeper, rec.ID, "结束")
	w.must(err)
	refused("from a line that was ended", "line-ended", officer, "10000.00", 0)
	w.wantLine(rec.ID, "59500.00", "0.00", "40000.00")
}

// fieldCodes are the codes of the fields that a refusal names.
func fieldCodes(err error) string {
	refusal, _ := errors.AsType[*domain.Error](err)
	if refusal == nil {
		return ""
	}
	var codes []string
	for _, f := range refusal.Fields {
		codes = append(codes, f.Code)
	}
	return strings.Join(codes, " ")
}

// The product lets the proof of use follow within some days; whoever is late with it is paid no more until it is there.
func TestOverdueProofOfUseStopsTheNextDraw(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, officer := t.Context(), w.somebody(domain.RoleLoanOfficer)
	w.setTerms("QLFMD", `'$.purpose_evidence_days', 5`)
	rec, note := w.lent(officer, "99500.00")
	_, _, err := w.lines().Repay(ctx, w.core(), repayment(note.ID, "HX-1", "40000.00", "0.00", domain.DateOf(w.now())))
	w.must(err)
	draw := func() error {
		_, _, err := w.disbursements.Draw(ctx, officer, key(), origination.DrawFromLine{ApplicationID: rec.ID, Amount: yuan("5000.00")})
		return err
	}
	w.advance(5 * 24 * time.Hour)
	wantCode(t, "on the last day for the proof", draw(), "")
	w.advance(24 * time.Hour)
	wantCode(t, "the day after", draw(), "papers-missing")
	owed, err := w.disbursements.Obligations(ctx, officer, origination.ObligationFilter{Open: true}, domain.Page{Limit: 10})
	w.must(err)
	if len(owed) != 1 {
		t.Fatalf("open obligations: %+v, want the first payment's", owed)
	}
	_, err = w.disbursements.FulfilEvidence(ctx, officer, owed[0].ID, paper("发票 03700210"))
	w.must(err)
	wantCode(t, "with the proof", draw(), "")
}

// A paper that may follow, but not later than the payment.
func TestAPaperThatThePaymentWaitsForIsAskedForAtTheRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, officer := t.Context(), w.somebody(domain.RoleLoanOfficer)
	rec := w.signed(officer, "99500.00")
	w.setTerms("QLFMD", `'$.documents', JSON_ARRAY(JSON_OBJECT('borrower_kind', 'farmer', 'type', 'household_register', 'key', false,
		'defer_days_max', 30, 'blocks', 'disbursement', 'expires', false, 'sample', false))`)
	request := func() error {
		_, _, err := w.disbursements.Request(ctx, officer, key(), all(rec.ID))
		return err
	}
	wantCode(t, "without the household register", request(), "papers-missing")
	_, _, err := w.applications.RecordDocument(ctx, officer, key(), origination.RecordDocument{
		ApplicationID: rec.ID, Type: "household_register", ReceivedOn: domain.DateOf(w.now()), Reference: "户口簿 1",
	})
	w.must(err)
	wantCode(t, "with it", request(), "")
}
