package origination_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
	"fumin/domain/product"
	"fumin/repository/channel"
	"fumin/repository/channel/sandbox"
)

func seller(amount string) loan.PayeeOrder {
	return loan.PayeeOrder{
		Method: loan.EntrustedPayment, Amount: money.MustParseAmount(amount),
		Payee: loan.Payee{
			AccountName: borrower.MustParseName("高唐县绿源种业有限公司"), Account: borrower.MustParseBankAccount("9040101070142050000123"),
			BankName: "高唐农商行",
		},
		Evidence: paper("购销合同 2026-031"),
	}
}

func paper(reference string) loan.Evidence {
	return loan.Evidence{Reference: reference, SHA256: strings.Repeat("a", 64)}
}

func self(amount string) loan.PayeeOrder {
	return loan.PayeeOrder{Method: loan.SelfPayment, Amount: money.MustParseAmount(amount)}
}

// threePayees is a signed case of 99,500.00 whose money goes to two sellers and, for the rest, to the borrower.
func (w *world) threePayees(officer domain.Actor) loan.DisbursementRecord {
	w.t.Helper()
	d, _, err := w.disbursements.Request(w.t.Context(), officer, key(), origination.RequestDisbursement{
		ApplicationID: w.signed(officer, "99500.00").ID, Payees: []loan.PayeeOrder{seller("40000.00"), seller("30000.00"), self("29500.00")},
	})
	w.must(err)
	return d
}

func (w *world) free(applicationID domain.ID) string {
	w.t.Helper()
	line, err := w.store.Line(w.t.Context(), domain.Scope{Everything: true}, applicationID)
	w.must(err)
	return line.Free().String()
}

func (w *world) holds() *origination.Holds { return origination.NewHolds(w.store, w.now, newID) }

func TestTwentyReleasesOfThreePayeesMakeThreePayments(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	d := w.threePayees(officer)
	wantCodes(t, atOnce(callers, func(int) error {
		_, _, err := w.disbursements.Release(context.Background(), w.somebody(domain.RoleDisbursementOfficer), key(), d.ID)
		return err
	}), map[string]int{"": 1, "wrong-status": callers - 1})
	wantCodes(t, atOnce(callers, func(int) error { _, err := w.payouts.Work(context.Background()); return err }), map[string]int{"": callers})
	w.wantPaidOnce(d.ID, "99500.00")
	w.wantHistory(officer, d.ApplicationID, "create submit sign request release send succeed disburse")
	if free := w.free(d.ApplicationID); free != "0.00" {
		t.Errorf("free after all is paid: %s, want 0.00", free)
	}
}

// A node that dies between the transfers of one disbursement leaves the others to the next: each is paid once.
func TestACrashBetweenTheTransfersPaysEachOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.threePayees(w.somebody(domain.RoleLoanOfficer))
	_, _, err := w.disbursements.Release(t.Context(), w.somebody(domain.RoleDisbursementOfficer), key(), d.ID)
	w.must(err)
	limits := origination.DefaultPayoutLimits()
	limits.Parallel = 1
	first := origination.NewPayouts(w.store, w.now, w.client, newID(), discard(), limits)
	if taken, err := first.Work(t.Context()); err != nil || taken != 1 {
		t.Fatalf("the first node took up %d (%v), want 1", taken, err)
	}
	dying := origination.NewPayouts(w.store, w.now, deadChannel{}, newID(), discard(), limits)
	if _, err := dying.Work(t.Context()); err != nil {
		t.Fatal(err)
	}
	count := map[loan.TransferStatus]int{}
	for _, transfer := range w.disbursement(d.ID).Transfers {
		count[transfer.Status]++
	}
	if count[loan.TransferSucceeded] != 1 || count[loan.TransferSending] != 1 || count[loan.TransferReleased] != 1 {
		t.Fatalf("after the death: %v, want one paid, one sending, one untouched", count)
	}
	w.work()
	w.advance(time.Minute)
	w.work()
	w.wantPaidOnce(d.ID, "99500.00")
}

func TestAPartThatFailedIsFreeAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer, releaser := w.somebody(domain.RoleLoanOfficer), w.somebody(domain.RoleDisbursementOfficer)
	d := w.threePayees(officer)
	_, _, err := w.disbursements.Release(t.Context(), releaser, key(), d.ID)
	w.must(err)
	w.tellChannel(sandbox.Control{Mode: sandbox.ModeFail, Requests: 1, FailureCode: channel.FailureAccountClosed})
	limits := origination.DefaultPayoutLimits()
	limits.Parallel = 1
	node := origination.NewPayouts(w.store, w.now, w.client, newID(), discard(), limits)
	for range 3 {
		_, err := node.Work(t.Context())
		w.must(err)
	}
	got := w.disbursement(d.ID)
	if got.Status != loan.DisbursementPartlySucceeded {
		t.Fatalf("disbursement: %s, want partly_succeeded", got.Status)
	}
	failed := got.Amount.Sub(got.Arrived())
	if free := w.free(d.ApplicationID); free != failed.String() || failed.IsZero() {
		t.Errorf("free after a part failed: %s, want the part %s", free, failed)
	}
	again, _, err := w.disbursements.Request(t.Context(), officer, key(), origination.RequestDisbursement{
		ApplicationID: d.ApplicationID, Payees: []loan.PayeeOrder{seller(failed.String())},
	})
	w.must(err)
	_, _, err = w.disbursements.Request(t.Context(), officer, key(), all(d.ApplicationID))
	wantCode(t, "more than is free", err, "disbursement-exists")
	_, _, err = w.disbursements.Release(t.Context(), releaser, key(), again.ID)
	w.must(err)
	w.work()
	w.wantPaidOnce(again.ID, failed.String())
}

func TestMoreThanIsFreeIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	rec := w.signed(officer, "99500.00")
	_, _, err := w.disbursements.Request(t.Context(), officer, key(), origination.RequestDisbursement{ApplicationID: rec.ID, Amount: money.MustParseAmount("99500.01")})
	wantCode(t, "one fen too much", err, "line-exceeded")
	codes := atOnce(callers, func(int) error { // ten of them find room
		_, _, err := w.disbursements.Request(context.Background(), officer, key(), origination.RequestDisbursement{
			ApplicationID: rec.ID, Amount: money.MustParseAmount("9950.00"),
		})
		return err
	})
	wantCodes(t, codes, map[string]int{"": 10, "disbursement-exists": callers - 10})
	if free := w.free(rec.ID); free != "0.00" {
		t.Errorf("free: %s, want 0.00", free)
	}
}

func TestAHoldStopsMoneyUntilASecondPersonReleasesIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	officer, releaser, keeper := w.somebody(domain.RoleLoanOfficer), w.somebody(domain.RoleDisbursementOfficer), w.somebody(domain.RoleRiskManager)
	rec := w.signed(officer, "99500.00")
	place := origination.PlaceHold{ApplicationID: rec.ID, Reason: "收款账户被举报，核实中", Until: w.now().Add(72 * time.Hour)}
	same := key()
	hold, replayed, err := w.holds().Place(ctx, keeper, same, place)
	w.must(err)
	again, replayedNow, err := w.holds().Place(ctx, keeper, same, place)
	if err != nil || replayed || !replayedNow || again.ID != hold.ID {
		t.Errorf("placed again: %s, %t, %v; want the same hold", again.ID, replayedNow, err)
	}
	_, _, err = w.disbursements.Request(ctx, officer, key(), all(rec.ID))
	wantCode(t, "request while held", err, "payment-held")

	_, err = w.holds().Release(ctx, keeper, hold.ID, "已核实")
	wantCode(t, "release by who placed it", err, "four-eyes")
	_, err = w.holds().Release(ctx, officer, hold.ID, "已核实")
	wantCode(t, "release by an officer", err, "role-not-allowed")
	_, err = w.holds().Release(ctx, releaser, hold.ID, "已核实")
	w.must(err)
	_, err = w.holds().Release(ctx, releaser, hold.ID, "已核实")
	wantCode(t, "release of a released one", err, "wrong-status")

	d, _, err := w.disbursements.Request(ctx, officer, key(), all(rec.ID))
	w.must(err)
	_, _, err = w.holds().Place(ctx, keeper, key(), place)
	w.must(err)
	_, _, err = w.disbursements.Release(ctx, releaser, key(), d.ID)
	wantCode(t, "release while held", err, "payment-held")

	list, err := w.holds().Holds(ctx, officer, true, "", domain.Page{Limit: 10})
	if err != nil || len(list) != 1 || list[0].ApplicationID != rec.ID {
		t.Errorf("live holds: %d (%v), want the one", len(list), err)
	}
	everything, err := w.holds().Holds(ctx, officer, false, rec.ID, domain.Page{Limit: 10})
	if err != nil || len(everything) != 2 {
		t.Errorf("all holds: %d (%v), want two", len(everything), err)
	}
}

// A hold in the middle: what the channel has heard of goes on, what it has not waits, and nothing fails.
func TestAHoldInTheMiddleHoldsWhatWasNotSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	keeper := w.somebody(domain.RoleRiskManager)
	d := w.threePayees(w.somebody(domain.RoleLoanOfficer))
	_, _, err := w.disbursements.Release(ctx, w.somebody(domain.RoleDisbursementOfficer), key(), d.ID)
	w.must(err)
	limits := origination.DefaultPayoutLimits()
	limits.Parallel = 1
	node := origination.NewPayouts(w.store, w.now, w.client, newID(), discard(), limits)
	_, err = node.Work(ctx)
	w.must(err)
	hold, _, err := w.holds().Place(ctx, keeper, key(), origination.PlaceHold{ApplicationID: d.ApplicationID, Reason: "核实中", Until: w.now().Add(time.Hour)})
	w.must(err)
	if taken := w.work(); taken != 0 {
		t.Errorf("while held: %d taken up, want none", taken)
	}
	for _, transfer := range w.disbursement(d.ID).Transfers[1:] {
		if transfer.Status == loan.TransferFailed || (transfer.Status == loan.TransferReleased && (transfer.LastError != "on-hold" || transfer.WorkDueAt.IsZero())) {
			t.Errorf("transfer %d while held: %s, %q, due %s; want released, on hold and due later", transfer.Number, transfer.Status, transfer.LastError, transfer.WorkDueAt)
		}
	}
	w.advance(2 * time.Hour) // the hold ends by itself
	if ended, err := w.holds().EndDue(ctx); err != nil || ended != 1 {
		t.Errorf("ended %d (%v), want 1", ended, err)
	}
	if got, err := w.holds().Hold(ctx, keeper, hold.ID); err != nil || got.Status != loan.HoldEnded {
		t.Errorf("the hold: %s (%v), want ended", got.Status, err)
	}
	w.work()
	w.wantPaidOnce(d.ID, "99500.00")
}

// A node that dies after it has marked a transfer as sending leaves one that the channel never heard of. A hold that is placed
// then keeps it back: the channel is asked, and not told to pay.
func TestAHoldKeepsBackWhatTheChannelNeverHeardOf(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	d := w.released(w.somebody(domain.RoleLoanOfficer), "99500.00")
	w.dieBeforeSending()
	hold, _, err := w.holds().Place(ctx, w.somebody(domain.RoleRiskManager), key(), origination.PlaceHold{
		ApplicationID: d.ApplicationID, Reason: "核实中", Until: w.now().Add(24 * time.Hour),
	})
	w.must(err)
	for range 3 {
		w.advance(time.Hour)
		w.work()
	}
	if times, amount := w.paid(d.ID); times != 0 {
		t.Fatalf("while held the channel paid %d times, %s; want nothing", times, amount)
	}
	_, err = w.holds().Release(ctx, w.somebody(domain.RoleDisbursementOfficer), hold.ID, "已核实")
	w.must(err)
	w.advance(time.Hour)
	w.work()
	w.wantPaidOnce(d.ID, "99500.00")
}

func TestAPaymentIsNotReleasedOnALineThatWasHeldSince(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	officer, releaser := w.somebody(domain.RoleLoanOfficer), w.somebody(domain.RoleDisbursementOfficer)
	rec := w.signed(officer, "99500.00")
	d, _, err := w.disbursements.Request(ctx, officer, key(), all(rec.ID))
	w.must(err)
	manager := w.somebody(domain.RoleRiskManager)
	_, err = w.lines().Hold(ctx, manager, rec.ID, "核实中")
	w.must(err)
	_, _, err = w.disbursements.Release(ctx, releaser, key(), d.ID)
	wantCode(t, "release on a held line", err, "line-held")
	_, err = w.lines().Resume(ctx, w.somebody(domain.RoleDisbursementOfficer), rec.ID, "已核实")
	w.must(err)
	_, _, err = w.disbursements.Release(ctx, releaser, key(), d.ID)
	w.must(err)
}

func TestATrancheIsPaidWhenItsConditionsAreMet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	officer, releaser, manager := w.somebody(domain.RoleLoanOfficer), w.somebody(domain.RoleDisbursementOfficer), w.somebody(domain.RoleRiskManager)
	w.exec("UPDATE products SET revolving = 0")
	rec := w.approved(officer, "99500.00")
	plan := []loan.Tranche{
		{Amount: money.MustParseAmount("60000.00")},
		{Amount: money.MustParseAmount("39500.00"), Conditions: []loan.Condition{{Kind: loan.ConditionStageReached, Text: "棚舍主体完工"}}},
	}
	_, err := w.disbursements.Plan(ctx, officer, rec.ID, plan[:1])
	wantCode(t, "a plan that does not add up", err, "invalid-fields")
	_, err = w.disbursements.Plan(ctx, releaser, rec.ID, plan)
	wantCode(t, "a plan by who pays", err, "role-not-allowed")
	_, err = w.disbursements.Plan(ctx, officer, rec.ID, plan)
	w.must(err)
	planned, err := w.disbursements.Plan(ctx, officer, rec.ID, plan) // it replaces the first
	w.must(err)
	if n := w.count("SELECT COUNT(*) FROM events WHERE case_id = ? AND action = 'plan_tranches' AND detail LIKE '%60000.00%39500.00 stage_reached 棚舍主体完工%'", rec.ID); n != 1 {
		t.Errorf("%d events say what the first plan was, want that of the second plan", n)
	}
	_, err = w.applications.Sign(ctx, officer, origination.SignApplication{ID: rec.ID, ContractNo: "HT-" + rec.ApplicationNo, SignedOn: domain.DateOf(w.now())})
	w.must(err)
	_, err = w.disbursements.Plan(ctx, officer, rec.ID, plan[:1])
	wantCode(t, "another plan once the contract is signed", err, "plan-agreed")

	ask := func(tranche int, amount string) (loan.DisbursementRecord, error) {
		d, _, err := w.disbursements.Request(ctx, officer, key(), origination.RequestDisbursement{
			ApplicationID: rec.ID, Tranche: tranche, Payees: []loan.PayeeOrder{self(amount)},
		})
		return d, err
	}
	for tranche, code := range map[int]string{0: "tranche-required", 3: "tranche-required", 2: "conditions-open"} {
		_, err := ask(tranche, "39500.00")
		wantCode(t, "without what the plan asks", err, code)
	}
	_, err = ask(2, "39500.00")
	if refusal, _ := errors.AsType[*domain.Error](err); refusal == nil || !strings.Contains(refusal.Detail, "棚舍主体完工") {
		t.Errorf("refused with %v, want the condition by its name", err)
	}
	_, err = ask(1, "60000.01")
	wantCode(t, "more than the tranche", err, "tranche-exceeded")
	first, err := ask(1, "60000.00")
	w.must(err)
	_, err = w.disbursements.Plan(ctx, officer, rec.ID, plan)
	wantCode(t, "another plan once money was asked for", err, "plan-agreed")
	_, _, err = w.disbursements.Release(ctx, releaser, key(), first.ID)
	w.must(err)
	w.work()
	w.wantPaidOnce(first.ID, "60000.00")

	met := origination.FulfilCondition{ApplicationID: rec.ID, ConditionID: planned[1].Conditions[0].ID, Evidence: paper("验收单 2026-07")}
	another := met
	another.ConditionID = newID()
	_, err = w.disbursements.Fulfil(ctx, manager, another)
	wantCode(t, "a condition that the plan does not have", err, "condition-not-found")
	_, err = w.disbursements.Fulfil(ctx, officer, met)
	wantCode(t, "a condition said to be met by who asks for the money", err, "role-not-allowed")
	_, err = w.disbursements.Fulfil(ctx, manager, met)
	w.must(err)
	_, err = w.disbursements.Fulfil(ctx, manager, met)
	wantCode(t, "a condition met twice", err, "condition-fulfilled")
	second, err := ask(2, "39500.00")
	w.must(err)
	_, _, err = w.disbursements.Release(ctx, releaser, key(), second.ID)
	w.must(err)
	w.work()
	w.wantPaidOnce(second.ID, "39500.00")
	w.wantHistory(officer, rec.ID, "create submit plan_tranches plan_tranches sign request release send succeed disburse fulfil_condition request release send succeed disburse")
}

// What a line has free after a repayment is drawn, not paid by a plan: a line that revolves gets none, and an older one binds no draw.
func TestALineThatRevolvesHasNoPlanAndAnOlderOneBindsNoDraw(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	plan := []loan.Tranche{{Amount: money.MustParseAmount("99500.00")}}
	_, err := w.disbursements.Plan(t.Context(), officer, w.approved(officer, "99500.00").ID, plan)
	wantCode(t, "a plan of a product that revolves", err, "plan-on-revolving-line")
	rec := w.signed(officer, "99500.00")
	_, err = w.disbursements.Plan(t.Context(), officer, rec.ID, plan)
	wantCode(t, "a plan of a line that revolves", err, "plan-on-revolving-line")
	w.exec("INSERT INTO tranches SELECT id, 1, branch_id, approved_amount FROM applications WHERE id = ?", rec.ID)
	d, _, err := w.disbursements.Draw(t.Context(), officer, key(), origination.DrawFromLine{ApplicationID: rec.ID, Amount: money.MustParseAmount("30000.00")})
	w.must(err)
	_, _, err = w.disbursements.Release(t.Context(), w.somebody(domain.RoleDisbursementOfficer), key(), d.ID)
	w.must(err)
}

func TestMoneyThatCameBackIsBookedByTwoPeople(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	officer, one, two := w.somebody(domain.RoleLoanOfficer), w.somebody(domain.RoleDisbursementOfficer), w.somebody(domain.RoleDisbursementOfficer)
	d := w.released(officer, "99500.00")
	back := func(amount, reference string) origination.RequestReversal {
		return origination.RequestReversal{TransferID: d.Transfers[0].ID, Amount: money.MustParseAmount(amount), Reason: "收款行退汇", ChannelReference: reference}
	}
	_, _, err := w.disbursements.RequestReversal(ctx, one, key(), back("1000.00", "TH-1"))
	wantCode(t, "before it was paid", err, "wrong-status")
	w.work()
	_, _, err = w.disbursements.RequestReversal(ctx, officer, key(), back("1000.00", "TH-1"))
	wantCode(t, "by an officer", err, "role-not-allowed")
	_, _, err = w.disbursements.RequestReversal(ctx, one, key(), back("99500.01", "TH-1"))
	wantCode(t, "more than was paid", err, "invalid-fields")
	var part loan.ReversalRecord
	wantCodes(t, atOnce(callers, func(int) error {
		r, _, err := w.disbursements.RequestReversal(context.Background(), w.somebody(domain.RoleDisbursementOfficer), key(), back("1000.00", "TH-1"))
		if err == nil {
			part = r
		}
		return err
	}), map[string]int{"": 1, "return-already-recorded": callers - 1})
	one.ID = part.RequestedBy
	_, _, err = w.disbursements.RequestReversal(ctx, one, key(), back("98500.01", "TH-2"))
	wantCode(t, "more than is left beside one that waits", err, "invalid-fields")
	_, err = w.disbursements.ConfirmReversal(ctx, one, part.ID)
	wantCode(t, "confirmed by who asked", err, "four-eyes")
	if free := w.free(d.ApplicationID); free != "0.00" {
		t.Errorf("free before the confirmation: %s, want 0.00", free)
	}
	wantCodes(t, atOnce(callers, func(int) error {
		_, err := w.disbursements.ConfirmReversal(context.Background(), w.somebody(domain.RoleDisbursementOfficer), part.ID)
		return err
	}), map[string]int{"": 1, "wrong-status": callers - 1})
	if free, got := w.free(d.ApplicationID), w.disbursement(d.ID).Transfers[0]; free != "1000.00" || got.Net().String() != "98500.00" || got.Status != loan.TransferSucceeded {
		t.Errorf("after a part came back: free %s, net %s, %s; want 1000.00, 98500.00, succeeded", free, got.Net(), got.Status)
	}
	_, _, err = w.disbursements.RequestReversal(ctx, two, key(), back("1000.00", "TH-1"))
	wantCode(t, "a return that was booked", err, "return-already-recorded")
	if refusal, _ := errors.AsType[*domain.Error](err); refusal == nil || !strings.Contains(refusal.Detail, part.ID.String()) {
		t.Errorf("refused with %v, want the reversal %s by its number", err, part.ID)
	}
	old := newID() // entered twice before a return had a key
	w.exec("INSERT INTO reversals SELECT ?, transfer_id, disbursement_id, application_id, branch_id, borrower_id, amount, reason, channel_reference, NULL, 'requested', requested_by, requested_at, NULL, NULL, 1 FROM reversals WHERE id = ?", old, part.ID)
	_, err = w.disbursements.ConfirmReversal(ctx, two, old)
	wantCode(t, "confirmed a second time", err, "return-already-recorded")
	_, err = w.disbursements.RejectReversal(ctx, two, old, "重复登记")
	w.must(err)
	refused, _, err := w.disbursements.RequestReversal(ctx, one, key(), back("98500.00", "TH-2"))
	w.must(err)
	_, err = w.disbursements.RejectReversal(ctx, two, refused.ID, "款项未到")
	w.must(err)
	rest, _, err := w.disbursements.RequestReversal(ctx, one, key(), back("98500.00", "TH-2"))
	w.must(err)
	_, err = w.disbursements.ConfirmReversal(ctx, two, rest.ID)
	w.must(err)
	if free := w.free(d.ApplicationID); free != "99500.00" {
		t.Errorf("after all came back: free %s, want 99500.00", free)
	}
}

func TestManyAreReleasedEachByItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	officer, releaser, same := w.somebody(domain.RoleLoanOfficer), w.somebody(domain.RoleDisbursementOfficer), key()
	var ids []domain.ID
	for range 3 {
		d, _, err := w.disbursements.Request(ctx, officer, key(), all(w.signed(officer, "10000.00").ID))
		w.must(err)
		ids = append(ids, d.ID)
	}
	_, err := w.disbursements.Cancel(ctx, releaser, ids[1], "账户有误")
	w.must(err)
	ids = append(ids, newID())
	rows, err := w.disbursements.ReleaseMany(ctx, releaser, same, ids)
	w.must(err)
	for i, want := range []string{"", "wrong-status", "", "disbursement-not-found"} {
		code := ""
		if rows[i].Refusal != nil {
			code = rows[i].Refusal.Code
		}
		if rows[i].ID != ids[i] || code != want || rows[i].Replayed {
			t.Errorf("row %d: %q, replayed %t; want %q", i, code, rows[i].Replayed, want)
		}
	}
	again, err := w.disbursements.ReleaseMany(ctx, releaser, same, ids)
	if err != nil || !again[0].Replayed || again[0].Refusal != nil || again[1].Refusal == nil {
		t.Errorf("sent again: %+v, %v; want the same outcome, marked as a repetition", again, err)
	}
	w.work()
	w.wantPaidOnce(ids[0], "10000.00")
	w.wantPaidOnce(ids[2], "10000.00")
	if _, err := w.disbursements.ReleaseMany(ctx, officer, key(), ids); domain.CodeOf(err) != "role-not-allowed" {
		t.Errorf("by an officer: %v, want role-not-allowed", err)
	}
}

// When the proof is due is the product's, and 90 days where it says nothing.
func TestTheProofOfUseIsDueWhenTheProductSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	for _, c := range []struct{ says, days int }{{0, 90}, {30, 30}, {366, 366}} {
		w.execute("UPDATE product_versions SET document = JSON_SET(document, '$.purpose_evidence_days', ?)", c.says)
		d := w.released(officer, "10000.00")
		w.work()
		due := domain.DateOf(w.now()).AddDays(c.days)
		list, err := w.disbursements.Obligations(t.Context(), officer, origination.ObligationFilter{Open: true}, domain.Page{Limit: 1})
		if err != nil || len(list) != 1 || list[0].DisbursementID != d.ID || list[0].DueOn != due {
			t.Errorf("a product that says %d: %+v (%v), want one due on %s", c.says, list, err, due)
		}
	}
}

func TestAfterThePaymentItsUseIsProved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	officer := w.somebody(domain.RoleLoanOfficer)
	d := w.released(officer, "99500.00")
	w.work()
	today := domain.DateOf(w.now())
	due := today.AddDays(product.PurposeEvidenceDaysDefault)
	list, err := w.disbursements.Obligations(ctx, officer, origination.ObligationFilter{Open: true, DueBy: due}, domain.Page{Limit: 10})
	if err != nil || len(list) != 1 || list[0].DisbursementID != d.ID || list[0].DueOn != due {
		t.Fatalf("owed: %+v (%v), want one, due on %s", list, err, due)
	}
	early, err := w.disbursements.Obligations(ctx, officer, origination.ObligationFilter{Open: true, DueBy: due.AddDays(-1)}, domain.Page{Limit: 10})
	if err != nil || len(early) != 0 {
		t.Errorf("due the day before: %d (%v), want none", len(early), err)
	}
	_, err = w.disbursements.FulfilEvidence(ctx, officer, list[0].ID, loan.Evidence{Reference: "发票", SHA256: "x"})
	wantCode(t, "without a hash", err, "invalid-fields")
	wantCodes(t, atOnce(callers, func(int) error {
		_, err := w.disbursements.FulfilEvidence(context.Background(), officer, list[0].ID, paper("发票 03700210"))
		return err
	}), map[string]int{"": 1, "evidence-exists": callers - 1})
	open, err := w.disbursements.Obligations(ctx, officer, origination.ObligationFilter{Open: true}, domain.Page{Limit: 10})
	if err != nil || len(open) != 0 {
		t.Errorf("owed after the proof: %d (%v), want none", len(open), err)
	}
	w.wantHistory(officer, d.ApplicationID, "create submit sign request release send succeed disburse fulfil_evidence")
}

func TestWhatWasReleasedAndNotSentCanStillBeCancelled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	releaser := w.somebody(domain.RoleDisbursementOfficer)
	d := w.released(w.somebody(domain.RoleLoanOfficer), "99500.00")
	_, err := w.disbursements.Cancel(t.Context(), releaser, d.ID, "账户存疑")
	w.must(err)
	if taken := w.work(); taken != 0 {
		t.Errorf("a cancelled transfer was taken up")
	}
	if free := w.free(d.ApplicationID); free != "99500.00" {
		t.Errorf("free after the cancellation: %s, want all", free)
	}
}
