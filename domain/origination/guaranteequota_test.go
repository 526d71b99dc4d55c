package origination_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
)

// guaranteedLoan is a guaranteed case whose money has arrived, and its only note. Our guaranteed product revolves; the line of
// one that does not is made so while nothing was drawn.
func (w *world) guaranteedLoan(officer domain.Actor, amount string, revolving bool) (loan.Record, loan.DisbursementRecord, loan.NoteRecord) {
	w.t.Helper()
	rec := w.sign(officer, w.approvedAt(officer, amount))
	w.answered(rec, letter(amount))
	w.execute("UPDATE credit_lines SET revolving = ? WHERE application_id = ?", revolving, rec.ID)
	d, _, err := w.disbursements.Request(w.t.Context(), officer, key(), all(rec.ID))
	w.must(err)
	_, _, err = w.disbursements.Release(w.t.Context(), w.somebody(domain.RoleDisbursementOfficer), key(), d.ID)
	w.must(err)
	for w.status(d.ID) != loan.DisbursementSucceeded {
		w.work()
	}
	notes, err := w.lines().LoanNotes(w.t.Context(), officer, rec.ID, domain.Page{Limit: 10})
	w.must(err)
	return rec, w.disbursement(d.ID), notes[0]
}

func (w *world) wantHeld(after, want string) {
	w.t.Helper()
	if got := w.held("371503"); got != want {
		w.t.Errorf("quota held after %s: %s, want %s", after, got, want)
	}
}

func (w *world) repay(note loan.NoteRecord, no, principal string) {
	w.t.Helper()
	_, _, err := w.lines().Repay(w.t.Context(), w.core(), repayment(note.ID, no, principal, "0.00", domain.DateOf(w.now())))
	w.must(err)
}

func (w *world) undo(note loan.NoteRecord, no string) {
	w.t.Helper()
	_, _, err := w.lines().ReverseRepayment(w.t.Context(), w.core(), origination.DeliverReversal{
		NoteID: note.ID, RepaymentNo: no, ReversalNo: no + "-R", ReversedOn: domain.DateOf(w.now()),
	})
	w.must(err)
}

// comesBack books that a part of the first transfer came back.
func (w *world) comesBack(d loan.DisbursementRecord, amount string) {
	w.t.Helper()
	r, _, err := w.disbursements.RequestReversal(w.t.Context(), w.somebody(domain.RoleDisbursementOfficer), key(), origination.RequestReversal{
		TransferID: d.Transfers[0].ID, Amount: yuan(amount), Reason: "收款账户已注销，银行退汇", ChannelReference: "TH-1",
	})
	w.must(err)
	_, err = w.disbursements.ConfirmReversal(w.t.Context(), w.somebody(domain.RoleDisbursementOfficer), r.ID)
	w.must(err)
}

func TestTheQuotaOfALoanFallsWithItsPrincipal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	rec, _, note := w.guaranteedLoan(officer, "100000.00", false)
	w.wantHeld("the payment", "100000.00")
	w.repay(note, "HX-1", "30000.00")
	w.wantHeld("a repayment", "70000.00")
	w.undo(note, "HX-1")
	w.wantHeld("its undoing", "100000.00")

	w.repay(note, "HX-2", "30000.00")
	w.limitQuota("371503", "75000.00") // somebody else has taken the rest meanwhile, or the company gives less
	w.undo(note, "HX-2")
	w.wantHeld("an undoing that the quota does not reach", "75000.00")
	events, err := w.store.Events(t.Context(), domain.Scope{Everything: true}, rec.ID)
	w.must(err)
	short := ""
	for _, e := range events {
		for _, n := range e.Detail {
			if n.Name == "quota_short" {
				short = n.Value
			}
		}
	}
	if short != "25000.00" {
		t.Errorf("the history says that the quota fell short by %q, want 25000.00", short)
	}
	w.repay(note, "HX-3", "100000.00")
	w.wantHeld("the last repayment", "0.00")
	if g := w.liveOf(rec); g.Quota != loan.QuotaReleased {
		t.Errorf("quota of a repaid loan: %s, want released", g.Quota)
	}
}

func TestARevolvingLineHoldsItsLimitUntilItEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	rec, d, note := w.guaranteedLoan(officer, "100000.00", true)
	w.repay(note, "HX-1", "30000.00")
	w.wantHeld("a repayment", "100000.00")
	w.comesBack(d, "20000.00")
	w.wantHeld("a return", "100000.00")
	_, _, err := w.disbursements.Draw(t.Context(), officer, key(), origination.DrawFromLine{ApplicationID: rec.ID, Amount: yuan("10000.00")})
	w.must(err)
	w.wantHeld("a draw", "100000.00")
	_, err = w.lines().End(t.Context(), w.somebody(domain.RoleRiskManager), rec.ID, "借款人不再需要")
	w.must(err)
	w.wantHeld("the end of the line, of which 50,000.00 is owed and 10,000.00 on its way", "60000.00")
	w.repay(note, "HX-2", "50000.00")
	w.wantHeld("the last repayment", "10000.00")
}

// The letter's last day passes long before a revolving line ends. The company says that it is good for longer, and the next draw
// goes; what the loan was signed and paid on stays, and nothing is discharged.
func TestTheCompanyExtendsTheLetterOfALoanThatIsPaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, officer := t.Context(), w.somebody(domain.RoleLoanOfficer)
	rec, _, note := w.guaranteedLoan(officer, "100000.00", true)
	w.repay(note, "HX-1", "30000.00")
	w.execute("UPDATE guarantees SET expires_on = ? WHERE application_id = ?", domain.DateOf(w.now()).AddDays(-1).String(), rec.ID)
	draw := func(when, code string) {
		t.Helper()
		_, _, err := w.disbursements.Draw(ctx, officer, key(), origination.DrawFromLine{ApplicationID: rec.ID, Amount: yuan("10000.00")})
		wantCode(t, when, err, code)
	}
	draw("after the letter's last day", "guarantee-letter-required")
	before := w.liveOf(rec)
	answer := func(name, code string, by domain.Actor, change func(*loan.GuaranteeAnswer)) {
		t.Helper()
		a := *before.Answer
		change(&a)
		_, _, err := w.guarantees.Answer(ctx, by, before.ID, a)
		wantCode(t, name, err, code)
	}
	longer := domain.DateOf(w.now()).AddMonths(6)
	answer("another fee", "wrong-status", w.companyOfficer(), func(a *loan.GuaranteeAnswer) { a.ExpiresOn, a.FeePct = longer, money.MustParseRate("0.5") })
	answer("a smaller amount", "wrong-status", w.companyOfficer(), func(a *loan.GuaranteeAnswer) { a.ExpiresOn, a.Amount = longer, yuan("90000.00") })
	answer("a shorter time", "wrong-status", w.companyOfficer(), func(a *loan.GuaranteeAnswer) { a.ExpiresOn = a.ExpiresOn.AddDays(-1) })
	w.execute("UPDATE guarantees SET expires_on = ? WHERE application_id = ?", domain.DateOf(w.now()).AddDays(-9).String(), rec.ID)
	answer("a last day that has passed", "invalid-fields", w.companyOfficer(), func(a *loan.GuaranteeAnswer) {})
	answer("by the loan officer", "role-not-allowed", officer, func(a *loan.GuaranteeAnswer) { a.ExpiresOn = longer })
	draw("before the extension", "guarantee-letter-required")
	answer("an extension", "", w.companyOfficer(), func(a *loan.GuaranteeAnswer) { a.ExpiresOn, a.LetterNo = longer, "鲁农担函〔2026〕1178号之一" })
	draw("after it", "")
	after := w.liveOf(rec)
	if after.ID != before.ID || after.Status != loan.GuaranteeAccepted || after.Quota != loan.QuotaConfirmed || after.Answer.ExpiresOn != longer {
		t.Errorf("the guarantee is %+v, want the same one, accepted, its quota confirmed, until %s", after, longer)
	}
	w.wantHeld("the extension", "100000.00")
}

// A letter whose last day has passed before anything was paid is ended, and its quota free. One behind a paid loan is not even
// looked at, and one that cannot be ended is named and stops no other.
func TestLettersEndWhoseLastDayPassedBeforeThePayment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	spoilt := w.sign(officer, w.approvedAt(officer, "100000.00"))
	w.answered(spoilt, letter("100000.00"))
	paid, _, _ := w.guaranteedLoan(officer, "100000.00", true)
	lapsed := w.sign(officer, w.approvedAt(officer, "100000.00"))
	w.answered(lapsed, letter("100000.00"))
	unreadable := w.liveOf(spoilt).ID
	yesterday := domain.DateOf(w.now()).AddDays(-1)
	w.execute("UPDATE guarantees SET expires_on = ?", yesterday.String())
	w.execute("UPDATE guarantees SET crop = '?' WHERE id = ?", unreadable)
	due, err := w.store.ExpiredGuarantees(t.Context(), domain.DateOf(w.now()), "", 10)
	if err != nil || len(due) != 2 || due[0].ID != unreadable || due[1].ApplicationID != lapsed.ID {
		t.Errorf("due: %+v, %v; want those of the two that are not paid", due, err)
	}
	worker := domain.Actor{ID: newID(), Name: "担保到期", Role: domain.RoleSystem}
	expired, err := origination.ExpireGuarantees(t.Context(), w.store, worker, w.now())
	if expired != 1 || err == nil || !strings.Contains(err.Error(), unreadable.String()) {
		t.Errorf("expired %d, %v; want one, and the unreadable one named", expired, err)
	}
	if _, found, err := w.store.LiveGuarantee(t.Context(), lapsed.ID); err != nil || found {
		t.Errorf("the lapsed letter is live: %t, %v; want it expired", found, err)
	}
	if g := w.liveOf(paid); g.Status != loan.GuaranteeAccepted || g.Quota != loan.QuotaConfirmed {
		t.Errorf("the paid loan's letter is %s, quota %s; want accepted, confirmed", g.Status, g.Quota)
	}
	w.wantHeld("the worker", "200000.00") // the paid loan's, and the one that could not be ended
}

func TestWhatCameBackFreesTheQuotaAndIsTakenAgainWithTheNextPayment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	rec, d, _ := w.guaranteedLoan(officer, "100000.00", false)
	w.comesBack(d, "100000.00")
	w.wantHeld("the return of all", "0.00")
	w.limitQuota("371503", "39999.99")
	_, _, err := w.disbursements.Request(t.Context(), officer, key(), origination.RequestDisbursement{ApplicationID: rec.ID, Amount: yuan("40000.00")})
	wantCode(t, "a payment a fen above the quota", err, "guarantee-quota-exceeded")
	w.wantHeld("the refusal", "0.00")
	again, _, err := w.disbursements.Request(t.Context(), officer, key(), origination.RequestDisbursement{ApplicationID: rec.ID, Amount: yuan("39999.99")})
	w.must(err)
	w.wantHeld("a payment within it", "39999.99")
	if _, _, err := w.disbursements.Release(t.Context(), w.somebody(domain.RoleDisbursementOfficer), key(), again.ID); err != nil {
		t.Errorf("release of a payment whose quota was taken again: %v", err)
	}
}

func TestFiftyPaymentsAtOnceTakeTheQuotaAgainOnlyForThree(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	cases := make([]loan.Record, 50)
	for i := range cases {
		rec, d, _ := w.guaranteedLoan(officer, "100000.00", false)
		w.comesBack(d, "100000.00")
		cases[i] = rec
	}
	w.limitQuota("371503", "300000.00")
	codes := make(chan error, len(cases))
	start := make(chan struct{})
	for _, rec := range cases {
		go func() {
			<-start
			_, _, err := w.disbursements.Request(context.Background(), officer, key(), all(rec.ID))
			codes <- err
		}()
	}
	close(start)
	got := map[string]int{}
	for range cases {
		got[domain.CodeOf(<-codes)]++
	}
	if got[""] != 3 || got["guarantee-quota-exceeded"] != 47 {
		t.Errorf("fifty payments against a quota for three: %v, want 3 and 47 refused by guarantee-quota-exceeded", got)
	}
	w.wantHeld("fifty payments", "300000.00")
}

// What ends a case before its money gives the quota back: withdrawn, declined, and lapsed without a signature.
func TestACaseThatEndsGivesItsQuotaBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	officer := w.somebody(domain.RoleLoanOfficer)
	wantReleased := func(how string, rec loan.Record) {
		t.Helper()
		w.wantHeld(how, "0.00")
		all, err := w.store.GuaranteesOf(ctx, domain.Scope{Everything: true}, rec.ID)
		if err != nil || len(all) != 1 || all[0].Status != loan.GuaranteeReleased {
			t.Errorf("%s: guarantees %+v (%v), want one that is released", how, all, err)
		}
	}
	rec := w.approvedAt(officer, "100000.00")
	w.wantHeld("an approval", "100000.00")
	_, err := w.applications.Withdraw(ctx, officer, rec.ID, "借款人不再需要")
	w.must(err)
	wantReleased("the withdrawal", rec)

	rec = w.putIn(officer, "100000.00")
	w.clear(officer, rec.ID)
	_, err = w.applications.Decline(ctx, w.somebody(domain.RoleApprover), rec.ID, "用途不符")
	w.must(err)
	wantReleased("the decline", rec)

	rec = w.approvedAt(officer, "100000.00")
	w.advance(31 * 24 * time.Hour)
	if n, err := origination.NewExpiry(w.store, w.now, newID(), discard(), 30).Work(ctx); n != 1 || err != nil {
		t.Fatalf("the worker ended %d, %v; want one", n, err)
	}
	wantReleased("the expiry", rec)
}
