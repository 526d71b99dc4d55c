package origination_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
	"fumin/repository/channel"
	"fumin/repository/channel/sandbox"
)

// paid returns what the channel's own record says it paid for an id: how often, and the sum as text.
func (w *world) paid(id domain.ID) (times int, amount string) {
	w.t.Helper()
	recorder := httptest.NewRecorder()
	w.channel.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, channel.PaymentsPath+"?limit=100", nil))
	var list sandbox.List
	w.must(json.NewDecoder(recorder.Body).Decode(&list))
	for _, p := range list.Payments {
		if p.ID == id.String() && p.State == "succeeded" {
			times, amount = times+1, p.Amount
		}
	}
	return times, amount
}

// wantPaidOnce asks the channel's own record about every transfer of a disbursement, and our rows.
func (w *world) wantPaidOnce(id domain.ID, amount string) {
	w.t.Helper()
	d := w.disbursement(id)
	sum := money.Amount{}
	for _, transfer := range d.Transfers {
		times, paid := w.paid(transfer.ID)
		if times != 1 || paid != transfer.Amount.String() {
			w.t.Errorf("transfer %d: the channel paid %d times %s, want once %s", transfer.Number, times, paid, transfer.Amount)
			continue
		}
		sum = sum.Add(transfer.Amount)
		if transfer.Status != loan.TransferSucceeded || transfer.ChannelReference == "" || transfer.SettledAt.IsZero() || !transfer.WorkDueAt.IsZero() {
			w.t.Errorf("transfer %d: %s, reference %q, settled %s, due %s; want succeeded and no more work", transfer.Number,
				transfer.Status, transfer.ChannelReference, transfer.SettledAt, transfer.WorkDueAt)
		}
	}
	if sum.String() != amount || d.Status != loan.DisbursementSucceeded || d.SettledAt.IsZero() {
		w.t.Errorf("disbursement: %s, settled %s, %s paid; want succeeded and %s", d.Status, d.SettledAt, sum, amount)
	}
	app, err := w.store.Application(w.t.Context(), domain.Scope{Everything: true}, d.ApplicationID)
	w.must(err)
	if app.Status != loan.StatusDisbursed && app.Status != loan.StatusClosed {
		w.t.Errorf("application: %s, want disbursed", app.Status)
	}
}

func (w *world) disbursement(id domain.ID) loan.DisbursementRecord {
	w.t.Helper()
	d, err := w.store.Disbursement(w.t.Context(), domain.Scope{Everything: true}, id)
	w.must(err)
	return d
}

func (w *world) work() int {
	w.t.Helper()
	taken, err := w.payouts.Work(w.t.Context())
	w.must(err)
	return taken
}

func (w *world) status(id domain.ID) loan.DisbursementStatus {
	w.t.Helper()
	return w.disbursement(id).Status
}

func (w *world) tellChannel(c sandbox.Control) {
	w.t.Helper()
	w.must(w.channel.SetControl(c))
}

func TestTwentyReleasesAndTwentyWorkersPayOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	rec := w.signed(officer, "99500.00")
	d, _, err := w.disbursements.Request(t.Context(), officer, key(), all(rec.ID))
	w.must(err)

	codes := atOnce(callers, func(int) error { // twenty people, twenty keys
		_, _, err := w.disbursements.Release(context.Background(), w.somebody(domain.RoleDisbursementOfficer), key(), d.ID)
		return err
	})
	wantCodes(t, codes, map[string]int{"": 1, "wrong-status": callers - 1})

	var mu sync.Mutex
	total := 0
	wantCodes(t, atOnce(callers, func(int) error {
		taken, err := w.payouts.Work(context.Background())
		mu.Lock()
		defer mu.Unlock()
		total += taken
		return err
	}), map[string]int{"": callers})
	w.wantPaidOnce(d.ID, "99500.00")
	w.wantHistory(officer, rec.ID, "create submit sign request release send succeed disburse")
}

func TestTwentyReleasesWithOneKeyGiveOneAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer, releaser, same := w.somebody(domain.RoleLoanOfficer), w.somebody(domain.RoleDisbursementOfficer), key()
	rec := w.signed(officer, "99500.00")
	d, _, err := w.disbursements.Request(t.Context(), officer, key(), all(rec.ID))
	w.must(err)
	wantCodes(t, atOnce(callers, func(int) error {
		_, _, err := w.disbursements.Release(context.Background(), releaser, same, d.ID)
		return err
	}), map[string]int{"": callers})
	w.work()
	w.wantPaidOnce(d.ID, "99500.00")
	after, replayed, err := w.disbursements.Release(t.Context(), releaser, same, d.ID) // the answer had been lost
	if err != nil || !replayed || after.Status != loan.DisbursementSucceeded {
		t.Errorf("asked again: %s, replayed %t, %v", after.Status, replayed, err)
	}
}

func TestTwentyRequestsMakeOneLivePayment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	rec := w.signed(officer, "99500.00")
	wantCodes(t, atOnce(callers, func(int) error {
		_, _, err := w.disbursements.Request(context.Background(), officer, key(), all(rec.ID))
		return err
	}), map[string]int{"": 1, "disbursement-exists": callers - 1})
}

// A node that dies right after its transaction, before the channel hears anything, leaves "sending" behind. The next node
// asks, hears that the id is unknown, and sends it again under the same id.
func TestAPaymentWhoseNodeDiedBeforeSendingIsSentByAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.released(w.somebody(domain.RoleLoanOfficer), "99500.00")
	w.dieBeforeSending()
	if got := w.status(d.ID); got != loan.DisbursementSending {
		t.Fatalf("after the death: %s, want sending", got)
	}
	if taken := w.work(); taken != 0 {
		t.Errorf("a leased payment was taken up by another node")
	}
	w.advance(time.Minute) // the lease has ended, and the channel has had its time
	if taken := w.work(); taken != 1 {
		t.Errorf("after the lease: %d taken up, want 1", taken)
	}
	w.wantPaidOnce(d.ID, "99500.00")
}

// Until the channel has had its time to receive what was sent, its "no such id" decides nothing: it is asked again, and not
// sent anything.
func TestAChannelThatHasNotSeenTheIDYetIsNotSentItBeforeItsTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	limits := origination.DefaultPayoutLimits()
	limits.ResendAfter = time.Hour
	w.payouts = origination.NewPayouts(w.store, w.now, w.client, newID(), discard(), limits)
	d := w.released(w.somebody(domain.RoleLoanOfficer), "99500.00")
	w.dieBeforeSending()
	for range 3 {
		w.advance(10 * time.Minute)
		w.work()
		if times, _ := w.paid(d.Transfers[0].ID); times != 0 || w.status(d.ID) != loan.DisbursementUnknown {
			t.Fatalf("before its time: paid %d times and %s, want unpaid and unknown", times, w.status(d.ID))
		}
	}
	w.advance(time.Hour)
	w.work()
	w.wantPaidOnce(d.ID, "99500.00")
}

// dieBeforeSending runs a node that ends right when it would speak to the channel: nothing is sent, nothing recorded.
func (w *world) dieBeforeSending() {
	w.t.Helper()
	node := origination.NewPayouts(w.store, w.now, deadChannel{}, newID(), discard(), origination.DefaultPayoutLimits())
	if _, err := node.Work(w.t.Context()); err != nil {
		w.t.Fatalf("the dying node: %v", err)
	}
}

// deadChannel stands for the moment of a process's death, not for a channel: the goroutine that asks it is no more.
type deadChannel struct{}

func (deadChannel) Pay(context.Context, loan.TransferRecord) origination.PaymentAnswer {
	runtime.Goexit()
	return origination.PaymentAnswer{}
}

func (deadChannel) Query(context.Context, loan.TransferRecord) origination.PaymentAnswer {
	runtime.Goexit()
	return origination.PaymentAnswer{}
}

// A payment that is under way when the service is told to stop is carried to its answer; nothing new is taken up.
func TestAStoppingNodeFinishesThePaymentItIsAt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.released(w.somebody(domain.RoleLoanOfficer), "99500.00")
	w.tellChannel(sandbox.Control{Mode: sandbox.ModeNormal, Requests: 1, AnswerDelayMs: 300})
	ctx, stop := context.WithCancel(t.Context())
	node := origination.NewPayouts(w.store, w.now, stopsWhenAsked{w.client, stop}, newID(), discard(), origination.DefaultPayoutLimits())
	taken, err := node.Work(ctx)
	if err != nil || taken != 1 {
		t.Fatalf("the stopping node took up %d (%v), want 1", taken, err)
	}
	w.wantPaidOnce(d.ID, "99500.00")

	w.released(w.somebody(domain.RoleLoanOfficer), "50000.00")
	if taken, err := node.Work(ctx); taken != 0 {
		t.Errorf("a stopped node took up %d (%v)", taken, err)
	}
}

// stopsWhenAsked tells the node to stop as soon as a payment is on its way to the real channel.
type stopsWhenAsked struct {
	origination.PaymentChannel

	stop func()
}

func (c stopsWhenAsked) Pay(ctx context.Context, d loan.TransferRecord) origination.PaymentAnswer {
	c.stop()
	return c.PaymentChannel.Pay(ctx, d)
}

// Payments that cannot be taken up, because their rows cannot be read, neither hold up the others nor keep a node busy.
func TestUnreadablePaymentsDoNotHoldUpTheOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	for range origination.DefaultPayoutLimits().Parallel {
		w.spoil(w.released(officer, "10000.00").ID)
	}
	good := w.released(officer, "99500.00")
	if taken := w.work(); taken != 0 {
		t.Errorf("%d unreadable payments were taken up", taken)
	}
	if taken := w.work(); taken != 1 {
		t.Errorf("behind the unreadable ones: %d taken up, want the sound one", taken)
	}
	w.wantPaidOnce(good.ID, "99500.00")
}

// spoil damages a payment's account, as another keyset would.
func (w *world) spoil(id domain.ID) {
	w.t.Helper()
	w.execute("UPDATE transfers SET payee_account_cipher = 'damaged' WHERE disbursement_id = ?", id)
}

// Releases beside workers lock in the same order, and end in one payment.
func TestReleasesBesideWorkersPayOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	for range 5 {
		rec := w.signed(officer, "99500.00")
		d, _, err := w.disbursements.Request(t.Context(), officer, key(), all(rec.ID))
		w.must(err)
		wantCodes(t, atOnce(callers, func(i int) error {
			if i%2 == 0 {
				if _, err := w.payouts.Work(context.Background()); err != nil {
					return err
				}
				return errWorked
			}
			_, _, err := w.disbursements.Release(context.Background(), w.somebody(domain.RoleDisbursementOfficer), key(), d.ID)
			return err
		}), map[string]int{"worked": callers / 2, "": 1, "wrong-status": callers/2 - 1})
		w.work()
		w.wantPaidOnce(d.ID, "99500.00")
	}
}

// errWorked is the answer of a worker among callers: neither a success nor a refusal.
var errWorked = &domain.Error{Code: "worked"}

// Twenty callers with one key whose request is refused all hear the refusal, not that somebody else is busy.
func TestTwentyCallersWithOneKeyAllHearTheRefusal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.released(w.somebody(domain.RoleLoanOfficer), "99500.00")
	same, releaser := key(), w.somebody(domain.RoleDisbursementOfficer)
	for range 3 {
		wantCodes(t, atOnce(callers, func(int) error {
			_, _, err := w.disbursements.Release(context.Background(), releaser, same, d.ID)
			return err
		}), map[string]int{"wrong-status": callers})
	}
}

func TestAPaymentWhoseAnswerWasLostIsAskedAboutAndNotSentAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	d := w.released(officer, "99500.00")
	w.tellChannel(sandbox.Control{Mode: sandbox.ModeDropAnswer, Requests: 1})
	w.work()
	if got := w.status(d.ID); got != loan.DisbursementUnknown {
		t.Fatalf("after the lost answer: %s, want unknown", got)
	}
	w.advance(2 * time.Second)
	w.work()
	w.wantPaidOnce(d.ID, "99500.00")
	w.wantHistory(officer, d.ApplicationID, "create submit sign request release send lose succeed disburse")
}

func TestAPaymentTheChannelRefusedMayBeAskedForAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	d := w.released(officer, "99500.00")
	w.tellChannel(sandbox.Control{Mode: sandbox.ModeFail, Requests: 1, FailureCode: channel.FailureAccountFrozen})
	w.work()
	failed, err := w.disbursements.Disbursement(t.Context(), officer, d.ID)
	w.must(err)
	if failed.Status != loan.DisbursementFailed || failed.Transfers[0].FailureCode != channel.FailureAccountFrozen || failed.Transfers[0].FailureReason == "" {
		t.Fatalf("refused: %s %q %q", failed.Status, failed.Transfers[0].FailureCode, failed.Transfers[0].FailureReason)
	}
	again, _, err := w.disbursements.Request(t.Context(), officer, key(), all(d.ApplicationID))
	w.must(err)
	_, _, err = w.disbursements.Release(t.Context(), w.somebody(domain.RoleDisbursementOfficer), key(), again.ID)
	w.must(err)
	w.work()
	w.wantPaidOnce(again.ID, "99500.00")
	if times, _ := w.paid(d.Transfers[0].ID); times != 0 {
		t.Errorf("the refused payment was paid %d times", times)
	}
}

func TestAChannelThatIsDownIsAskedUntilItIsUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.released(w.somebody(domain.RoleLoanOfficer), "99500.00")
	w.tellChannel(sandbox.Control{Mode: sandbox.ModeDown, Queries: true})
	w.work()
	for range 3 {
		if got := w.status(d.ID); got != loan.DisbursementUnknown {
			t.Fatalf("while the channel is down: %s, want unknown", got)
		}
		w.advance(time.Minute)
		if taken := w.work(); taken != 1 {
			t.Fatalf("while the channel is down: %d taken up, want 1", taken)
		}
	}
	w.tellChannel(sandbox.Control{Mode: sandbox.ModeNormal})
	w.advance(time.Minute)
	w.work()
	w.wantPaidOnce(d.ID, "99500.00")
}

func TestAfterTheLastAttemptAPersonAsksAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	officer, releaser := w.somebody(domain.RoleLoanOfficer), w.somebody(domain.RoleDisbursementOfficer)
	d := w.released(officer, "99500.00")
	_, err := w.disbursements.Recheck(ctx, releaser, d.ID)
	wantCode(t, "recheck of one that is not unknown", err, "wrong-status")
	_, err = w.disbursements.Recheck(ctx, officer, d.ID)
	wantCode(t, "recheck by an officer", err, "role-not-allowed")

	w.tellChannel(sandbox.Control{Mode: sandbox.ModeDown, Queries: true})
	for range origination.DefaultPayoutLimits().AttemptsMax + 1 {
		w.work()
		w.advance(time.Hour)
	}
	if taken := w.work(); taken != 0 {
		t.Errorf("after the last attempt: %d taken up, want none", taken)
	}
	left, err := w.disbursements.Disbursement(ctx, officer, d.ID)
	w.must(err)
	last := left.Transfers[0]
	if left.Status != loan.DisbursementUnknown || last.LastError == "" || last.Attempts != origination.DefaultPayoutLimits().AttemptsMax {
		t.Errorf("after the last attempt: %s, %q, %d attempts", left.Status, last.LastError, last.Attempts)
	}

	w.tellChannel(sandbox.Control{Mode: sandbox.ModeNormal})
	_, err = w.disbursements.Recheck(ctx, releaser, d.ID)
	w.must(err)
	w.work()
	w.wantPaidOnce(d.ID, "99500.00")
}

// A row from before the bank's name was checked: the channel never takes such an order.
func TestAnOrderThatCannotBeSentFailsOnceTheChannelSaysItHasNotSeenIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.released(w.somebody(domain.RoleLoanOfficer), "99500.00")
	w.execute("UPDATE transfers SET payee_bank_name = 'Nongshang\tYinhang' WHERE disbursement_id = ?", d.ID)
	w.work()
	if left := w.disbursement(d.ID).Transfers[0]; left.Status != loan.TransferUnknown || left.LastError != "order-not-sendable" {
		t.Errorf("after the first attempt: %s, %q, want it unknown until the channel was asked", left.Status, left.LastError)
	}
	w.advance(time.Hour)
	w.work()
	if left := w.disbursement(d.ID).Transfers[0]; left.Status != loan.TransferFailed || left.FailureCode != "order-not-sendable" {
		t.Errorf("after the channel was asked: %s, %q, want it failed", left.Status, left.FailureCode)
	}
	if free := w.free(d.ApplicationID); free != "99500.00" {
		t.Errorf("free: %s, want all again", free)
	}
}

func TestACancelledPaymentIsNotPaidAndMayBeAskedForAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	officer, releaser := w.somebody(domain.RoleLoanOfficer), w.somebody(domain.RoleDisbursementOfficer)
	rec := w.signed(officer, "99500.00")
	d, _, err := w.disbursements.Request(ctx, officer, key(), all(rec.ID))
	w.must(err)
	_, err = w.disbursements.Cancel(ctx, officer, d.ID, "账户有误")
	wantCode(t, "cancel by an officer", err, "role-not-allowed")
	_, err = w.disbursements.Cancel(ctx, releaser, d.ID, strings.Repeat("长", loan.ReasonMax+1))
	wantCode(t, "cancel with a reason too long", err, "invalid-fields")
	_, err = w.disbursements.Cancel(ctx, releaser, d.ID, "账户有误")
	w.must(err)
	_, _, err = w.disbursements.Release(ctx, releaser, key(), d.ID)
	wantCode(t, "release of a cancelled payment", err, "wrong-status")
	if taken := w.work(); taken != 0 {
		t.Errorf("a cancelled payment was taken up")
	}
	if _, _, err := w.disbursements.Request(ctx, officer, key(), all(rec.ID)); err != nil {
		t.Errorf("asking again: %v", err)
	}
}

// paidInTwoParts is a case of which one payment has arrived and another of 9,500.00 is released and waits for the worker.
func (w *world) paidInTwoParts(officer domain.Actor) (arrived, waiting loan.DisbursementRecord) {
	w.t.Helper()
	releaser, rec := w.somebody(domain.RoleDisbursementOfficer), w.signed(officer, "99500.00")
	for i, amount := range []string{"90000.00", "9500.00"} {
		d, _, err := w.disbursements.Request(w.t.Context(), officer, key(), origination.RequestDisbursement{
			ApplicationID: rec.ID, Amount: money.MustParseAmount(amount),
		})
		w.must(err)
		d, _, err = w.disbursements.Release(w.t.Context(), releaser, key(), d.ID)
		w.must(err)
		if i == 0 {
			w.work()
			arrived = d
			continue
		}
		waiting = d
	}
	return arrived, waiting
}

func TestACaseIsNotClosedWhileAPaymentIsUnsettled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	officer := w.somebody(domain.RoleLoanOfficer)
	_, waiting := w.paidInTwoParts(officer)
	_, err := w.applications.Close(ctx, w.somebody(domain.RoleApprover), waiting.ApplicationID)
	wantCode(t, "close by an approver", err, "role-not-allowed")
	_, err = w.applications.Close(ctx, officer, waiting.ApplicationID)
	wantCode(t, "close while a payment is released", err, "disbursement-unsettled")
	w.tellChannel(sandbox.Control{Mode: sandbox.ModeDropAnswer, Requests: 1})
	w.work()
	_, err = w.applications.Close(ctx, officer, waiting.ApplicationID)
	wantCode(t, "close while a payment is unknown", err, "disbursement-unsettled")
	w.advance(2 * time.Second)
	w.work()
	if closed, err := w.applications.Close(ctx, officer, waiting.ApplicationID); err != nil || closed.Status != loan.StatusClosed {
		t.Errorf("close after the answer: %s, %v", closed.Status, err)
	}
	w.wantPaidOnce(waiting.ID, "9500.00")
}

// A case that was closed in spite of a payment under way, as could happen before closing was refused, still learns what became
// of the money.
func TestTheAnswerOfTheChannelIsRecordedWhateverTheCaseIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, waiting := w.paidInTwoParts(w.somebody(domain.RoleLoanOfficer))
	w.execute("UPDATE applications SET status = 'closed' WHERE id = ?", waiting.ApplicationID)
	w.work()
	w.wantPaidOnce(waiting.ID, "9500.00")
	line, err := w.store.Line(t.Context(), domain.Scope{Everything: true}, waiting.ApplicationID)
	w.must(err)
	if line.Outstanding.String() != "99500.00" || !line.Reserved.IsZero() {
		t.Errorf("line: outstanding %s, reserved %s; want 99500.00 and nothing on its way", line.Outstanding, line.Reserved)
	}
	if due, err := w.disbursements.Obligations(t.Context(), w.somebody(domain.RoleLoanOfficer), origination.ObligationFilter{}, domain.Page{Limit: 10}); err != nil || len(due) != 2 {
		t.Errorf("obligations: %d (%v), want one of each payment", len(due), err)
	}
}

// A disbursement officer who cancels what was not sent settles a disbursement whose other part has arrived.
func TestCancellingTheRestOfAPaidDisbursementSettlesIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer, releaser := w.somebody(domain.RoleLoanOfficer), w.somebody(domain.RoleDisbursementOfficer)
	d := w.threePayees(officer)
	_, _, err := w.disbursements.Release(t.Context(), releaser, key(), d.ID)
	w.must(err)
	limits := origination.DefaultPayoutLimits()
	limits.Parallel = 1
	if _, err := origination.NewPayouts(w.store, w.now, w.client, newID(), discard(), limits).Work(t.Context()); err != nil {
		t.Fatal(err)
	}
	cancelled, err := w.disbursements.Cancel(t.Context(), releaser, d.ID, "卖方账号有误")
	if err != nil || cancelled.Status != loan.DisbursementPartlySucceeded {
		t.Fatalf("cancel of the rest: %s, %v; want partly_succeeded", cancelled.Status, err)
	}
	app, err := w.store.Application(t.Context(), domain.Scope{Everything: true}, d.ApplicationID)
	if err != nil || app.Status != loan.StatusDisbursed {
		t.Errorf("application: %s (%v), want disbursed", app.Status, err)
	}
}

// execute damages or ages what no use case can.
func (w *world) execute(statement string, arguments ...any) {
	w.t.Helper()
	db, err := sql.Open("mysql", w.dsn)
	w.must(err)
	defer db.Close()
	_, err = db.ExecContext(w.t.Context(), statement, arguments...)
	w.must(err)
}
