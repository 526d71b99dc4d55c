package repository_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
)

// released makes a payment what a second person's release makes it, and what became of all its transfers alike.
func released(r loan.DisbursementRecord, status loan.DisbursementStatus) loan.DisbursementRecord {
	r.Status, r.ReleasedBy, r.ReleasedAt = status, ledgerReleaser, ledgerStart.Add(time.Second)
	r.Transfers = slices.Clone(r.Transfers)
	for i := range r.Transfers {
		r.Transfers[i].Status, r.Transfers[i].WorkDueAt = loan.TransferStatus(status), ledgerStart.Add(time.Second)
	}
	return r
}

// withSellers adds transfers to two sellers to a payment.
func (l *ledger) withSellers(r loan.DisbursementRecord) loan.DisbursementRecord {
	first := r.Transfers[0]
	for i, name := range []string{"高唐县绿源种业有限公司", "高唐县丰收农资商行"} {
		t := first
		t.ID, t.Number, t.Method, t.Amount = l.newID(), i+2, loan.EntrustedPayment, money.MustParseAmount("100.00")
		t.Payee = loan.Payee{AccountName: borrower.MustParseName(name), Account: borrower.MustParseBankAccount("9040101070142050000456"), BankName: "高唐农商行"}
		t.AccountLast4 = "0456"
		t.Evidence = loan.Evidence{Reference: "购销合同 2026-031", SHA256: strings.Repeat("a", 64)}
		r.Transfers, r.Amount = append(r.Transfers, t), r.Amount.Add(t.Amount)
	}
	return r
}

func TestADisbursementComesBackAsItWasStored(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	last := time.Date(2199, 12, 31, 23, 59, 59, 999999000, time.UTC)
	for _, c := range []struct {
		name   string
		change func(*loan.DisbursementRecord, *loan.TransferRecord)
	}{
		{"a plain request", func(*loan.DisbursementRecord, *loan.TransferRecord) {}},
		{"the largest amount", func(r *loan.DisbursementRecord, t *loan.TransferRecord) {
			r.Amount, t.Amount = money.MustParseAmount("9999999999999999.99"), money.MustParseAmount("9999999999999999.99")
		}},
		{"the smallest amount", func(r *loan.DisbursementRecord, t *loan.TransferRecord) {
			r.Amount, t.Amount = money.Fen(1), money.Fen(1)
		}},
		{"the shortest account", func(_ *loan.DisbursementRecord, t *loan.TransferRecord) {
			t.Payee.Account, t.AccountLast4 = borrower.MustParseBankAccount("00000000"), "0000"
		}},
		{"the longest account, name and bank", func(_ *loan.DisbursementRecord, t *loan.TransferRecord) {
			t.Payee.Account, t.AccountLast4 = borrower.MustParseBankAccount(strings.Repeat("9", borrower.BankAccountDigitsMax)), "9999"
			t.Payee.AccountName = borrower.MustParseName(strings.Repeat("𠮷", borrower.NameRunesMax))
			t.Payee.BankName = strings.Repeat("䶮", borrower.BankNameRunesMax)
		}},
		{"every text at its longest", func(r *loan.DisbursementRecord, _ *loan.TransferRecord) {
			*r = released(*r, loan.DisbursementFailed)
			t := &r.Transfers[0]
			t.Method, t.Evidence = loan.EntrustedPayment, loan.Evidence{Reference: strings.Repeat("𠮷", loan.EvidenceReferenceMax), SHA256: strings.Repeat("f", 64)}
			t.ChannelReference, t.FailureCode = strings.Repeat("😀", 64), strings.Repeat("c", 64)
			t.FailureReason, t.LastError = strings.Repeat("𠮷", 200), strings.Repeat("䶮", 200)
		}},
		{"every time at its latest", func(r *loan.DisbursementRecord, _ *loan.TransferRecord) {
			*r = released(*r, loan.DisbursementSucceeded)
			r.RequestedAt, r.ReleasedAt, r.SettledAt = last, last, last
			t := &r.Transfers[0]
			t.SentAt, t.SettledAt, t.WorkDueAt, t.Reversed = last, last, last, money.Fen(1)
		}},
		{"the most attempts, versions and tranches", func(r *loan.DisbursementRecord, t *loan.TransferRecord) {
			r.Version, r.Tranche, t.Attempts, t.Version = 1<<31-1, loan.TranchesMax, 1<<31-1, 1<<31-1
		}},
		{"three payees", func(r *loan.DisbursementRecord, _ *loan.TransferRecord) { *r = l.withSellers(*r) }},
	} {
		r, _ := l.addSigned(ledgerCounty)
		want := l.payment(r)
		c.change(&want, &want.Transfers[0])
		l.addDisbursement(want)
		got, err := l.store.Disbursement(t.Context(), ledgerEverything, want.ID)
		if err != nil {
			t.Errorf("%s: read: %v", c.name, err)
			continue
		}
		if diff := cmp.Diff(asListed(want), got, asStored); diff != "" {
			t.Errorf("%s: stored and read differ (-stored +read):\n%s", c.name, diff)
		}
		for _, transfer := range want.Transfers {
			payee, err := l.store.TransferPayee(t.Context(), transfer.ID)
			if err != nil || payee != transfer.Payee {
				t.Errorf("%s: payee of transfer %d: %v, same %t", c.name, transfer.Number, err, payee == transfer.Payee)
			}
		}
	}
}

func TestEveryDisbursementStatusIsStored(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	r, _ := l.addSigned(ledgerCounty)
	for _, status := range loan.DisbursementStatuses() {
		want := released(l.withSellers(l.payment(r)), status)
		if status == loan.DisbursementPartlySucceeded {
			for i, s := range []loan.TransferStatus{loan.TransferSucceeded, loan.TransferFailed, loan.TransferCancelled} {
				want.Transfers[i].Status = s
			}
		}
		l.addDisbursement(want)
		got, err := l.store.Disbursement(t.Context(), ledgerEverything, want.ID)
		if diff := cmp.Diff(asListed(want), got, asStored); err != nil || diff != "" {
			t.Errorf("%s: %v, stored and read differ (-stored +read):\n%s", status, err, diff)
		}
	}
	all, err := l.store.DisbursementsOfCase(t.Context(), r.ID)
	if err != nil || len(all) != len(loan.DisbursementStatuses()) || all[0].Status != loan.DisbursementRequested {
		t.Errorf("of the case: %d (%v), want all %d, oldest first", len(all), err, len(loan.DisbursementStatuses()))
	}
}

func TestASavedDisbursementChangesWhatMayChangeAndKeepsTheRest(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	r, _ := l.addSigned(ledgerCounty)
	before := l.addDisbursement(l.withSellers(l.payment(r)))
	save := func(rec loan.DisbursementRecord, events []loan.Event) error {
		d, err := loan.RestoreDisbursement(rec)
		l.must(err)
		return l.store.Update(t.Context(), func(tx origination.Tx) error { return tx.SaveDisbursement(t.Context(), d, events) })
	}
	want := released(before, loan.DisbursementUnknown)
	want.Version = 2
	for i := range want.Transfers {
		want.Transfers[i].Version, want.Transfers[i].Attempts, want.Transfers[i].LastError = 2, 3, "timeout"
		want.Transfers[i].SentAt, want.Transfers[i].WorkDueAt = ledgerStart.Add(time.Minute), ledgerStart.Add(time.Hour)
	}
	after := want
	after.Transfers = slices.Clone(want.Transfers)
	// What the payment is for stays, whatever the record says.
	after.RequestedAt, after.BranchID, after.BorrowerID = ledgerStart.Add(time.Hour), ledgerSibling, ledgerBorrower(ledgerSibling)
	after.Transfers[1].Payee.BankName, after.Transfers[1].Evidence.Reference = "别的银行", "别的合同"
	l.must(save(after, disbursementEvents(after)))
	got, err := l.store.Disbursement(t.Context(), ledgerEverything, before.ID)
	if diff := cmp.Diff(asListed(want), got, asStored); err != nil || diff != "" {
		t.Errorf("after a save (%v) (-want +read):\n%s", err, diff)
	}

	// Only what the events name is written, and zero values are.
	failed := want
	failed.Transfers = slices.Clone(want.Transfers)
	t2 := &failed.Transfers[1]
	t2.Status, t2.Version, t2.Attempts, t2.LastError = loan.TransferFailed, 3, 0, ""
	t2.WorkDueAt, t2.SettledAt, t2.FailureCode = time.Time{}, ledgerStart.Add(time.Hour), "account-closed"
	l.must(save(failed, disbursementEvents(failed)[2:3]))
	got, err = l.store.Disbursement(t.Context(), ledgerEverything, before.ID)
	if diff := cmp.Diff(asListed(failed), got, asStored); err != nil || diff != "" {
		t.Errorf("after a failure (%v) (-want +read):\n%s", err, diff)
	}

	for _, version := range []int{1, 2, 4} {
		stale := failed
		stale.Version = version
		wantCode(t, fmt.Sprintf("saving the disbursement's version %d over version 2", version), save(stale, disbursementEvents(stale)[:1]), domain.KindConflict, "stale-version")
	}
	for _, version := range []int{1, 2, 3, 5} {
		stale := failed
		stale.Transfers = slices.Clone(failed.Transfers)
		stale.Transfers[1].Version = version
		wantCode(t, fmt.Sprintf("saving version %d over version 3", version), save(stale, disbursementEvents(stale)[2:3]), domain.KindConflict, "stale-version")
	}
	if err := save(failed, []loan.Event{applicationEvent(r)}); err == nil {
		t.Error("a disbursement was saved with an event of something else")
	}
}

func TestPostponingMovesTheWorkAndMakesNoVersion(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	r, _ := l.addSigned(ledgerCounty)
	want := l.addDisbursement(released(l.payment(r), loan.DisbursementUnknown))
	for _, due := range []time.Time{ledgerStart.Add(time.Hour), {}} {
		l.update(func(tx origination.Tx) error {
			return tx.PostponeTransfer(t.Context(), want.Transfers[0].ID, due, 7, "没有回答")
		})
		want.Transfers[0].WorkDueAt, want.Transfers[0].Attempts, want.Transfers[0].LastError = due, 7, "没有回答"
		got, err := l.store.Disbursement(t.Context(), ledgerEverything, want.ID)
		if diff := cmp.Diff(asListed(want), got, asStored); err != nil || diff != "" {
			t.Errorf("postponed to %s (%v) (-want +read):\n%s", due, err, diff)
		}
	}
}

func TestWorkThatIsDueComesTheLongestDueFirst(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	add := func(due time.Time) domain.ID {
		r, _ := l.addSigned(ledgerCounty)
		d := released(l.payment(r), loan.DisbursementReleased)
		d.Transfers[0].WorkDueAt = due
		return l.addDisbursement(d).Transfers[0].ID
	}
	second, first := add(ledgerStart.Add(-time.Second)), add(ledgerStart.Add(-time.Hour))
	third := add(ledgerStart)
	add(ledgerStart.Add(time.Microsecond)) // not yet
	add(time.Time{})                       // nothing to do
	for _, c := range []struct {
		limit int
		want  []domain.ID
	}{{10, []domain.ID{first, second, third}}, {2, []domain.ID{first, second}}} {
		due, err := l.store.DueTransfers(t.Context(), ledgerStart, c.limit)
		l.must(err)
		var got []domain.ID
		for _, d := range due {
			got = append(got, d.ID)
			rec, err := l.store.Disbursement(t.Context(), ledgerEverything, d.DisbursementID)
			if _, ours := rec.Transfer(d.ID); !ours || err != nil || rec.ApplicationID != d.ApplicationID {
				t.Errorf("due %s names the application %s, the payment %s (%v)", d.ID, d.ApplicationID, rec.ApplicationID, err)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("at most %d due (-want +got):\n%s", c.limit, diff)
		}
	}
}

func TestDisbursementsAreFilteredAndPaged(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	r, _ := l.addSigned(ledgerCounty)
	failed := l.addDisbursement(released(l.payment(r), loan.DisbursementFailed))
	live := l.addDisbursement(l.payment(r))
	below, _ := l.addSigned(ledgerTownship)
	other := l.addDisbursement(l.payment(below))
	for _, c := range []struct {
		name   string
		filter origination.DisbursementFilter
		page   domain.Page
		want   []domain.ID
	}{
		{"none", origination.DisbursementFilter{}, domain.Page{Limit: 10}, []domain.ID{other.ID, live.ID, failed.ID}},
		{"the first page", origination.DisbursementFilter{}, domain.Page{Limit: 2}, []domain.ID{other.ID, live.ID}},
		{"the second page", origination.DisbursementFilter{}, domain.Page{Limit: 2, After: live.ID}, []domain.ID{failed.ID}},
		{"status", origination.DisbursementFilter{Status: loan.DisbursementRequested}, domain.Page{Limit: 10}, []domain.ID{other.ID, live.ID}},
		{"application", origination.DisbursementFilter{ApplicationID: r.ID}, domain.Page{Limit: 10}, []domain.ID{live.ID, failed.ID}},
		{"both", origination.DisbursementFilter{ApplicationID: r.ID, Status: loan.DisbursementFailed}, domain.Page{Limit: 10}, []domain.ID{failed.ID}},
	} {
		list, err := l.store.Disbursements(t.Context(), domain.Scope{BranchID: ledgerCounty}, c.filter, c.page)
		l.must(err)
		var got []domain.ID
		for _, d := range list {
			got = append(got, d.ID)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("filter %s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestADisbursementThatCannotBeIsAnErrorOnRead(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	for table, checks := range map[string][]string{
		"disbursements": {"ck_disbursements_status", "ck_disbursements_amount", "ck_disbursements_two_people"},
		"transfers":     {"ck_transfers_status", "ck_transfers_amount", "ck_transfers_method", "ck_transfers_reversed", "ck_transfers_document"},
	} {
		for _, check := range checks {
			l.exec("ALTER TABLE " + table + " DROP CONSTRAINT " + check)
		}
		l.exec("ALTER TABLE " + table + " MODIFY amount DECIMAL(20,4) NOT NULL")
	}
	for _, c := range []struct{ name, table, set string }{
		{"an unknown status", "disbursements", "status = 'paid'"},
		{"a status that is not the sum", "disbursements", "status = 'succeeded'"},
		{"released by nobody", "disbursements", "released_by = NULL"},
		{"released by who requested it", "disbursements", "released_by = requested_by"},
		{"no amount", "disbursements", "amount = 0"},
		{"an amount that is not the sum", "disbursements", "amount = 99500.01"},
		{"a third decimal", "disbursements", "amount = 99500.005"},
		{"version 0", "disbursements", "version = 0"},
		{"an unknown status of a transfer", "transfers", "status = 'paid'"},
		{"an unknown method", "transfers", "method = 'cash'"},
		{"a transfer's third decimal", "transfers", "amount = 99500.005"},
		{"a reversal's third decimal", "transfers", "status = 'succeeded', reversed_amount = CAST(0.01 AS DECIMAL(18,2))"},
		{"entrusted without a paper", "transfers", "method = 'entrusted_payment'"},
		{"a number that is not the first", "transfers", "number = 2"},
		{"a name that is none", "transfers", "payee_name = ''"},
	} {
		r, _ := l.addSigned(ledgerCounty)
		d := l.addDisbursement(released(l.payment(r), loan.DisbursementReleased))
		id := d.ID
		if c.table == "transfers" {
			id = d.Transfers[0].ID
		}
		l.exec("UPDATE "+c.table+" SET "+c.set+" WHERE id = ?", id)
		if got, err := l.store.Disbursement(t.Context(), ledgerEverything, d.ID); err == nil || domain.CodeOf(err) != "" {
			t.Errorf("%s: read %+v, %v; want an internal error", c.name, got, err)
		}
	}
}

func TestASealedAccountThatCannotBeIsAnErrorWhenItIsOpened(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	other, _ := l.addSigned(ledgerCounty)
	stranger := l.addDisbursement(l.payment(other)).Transfers[0]
	sealed, err := repositoryCipher(l).Seal("contracts.payee_account", other.ID, "9040101070142050000123")
	l.must(err)
	for _, c := range []struct {
		name, set string
		arguments []any
	}{
		{name: "the account of another payment", set: "payee_account_cipher = (SELECT c FROM (SELECT payee_account_cipher c FROM transfers WHERE id = ?) o)", arguments: []any{stranger.ID}},
		{name: "an account sealed for another column", set: "payee_account_cipher = ?", arguments: []any{sealed}},
		{name: "an account in clear", set: "payee_account_cipher = '9040101070142050000123'"},
		{name: "no account", set: "payee_account_cipher = ''"},
		{name: "an account with one bit changed", set: "payee_account_cipher = CONCAT(LEFT(payee_account_cipher, LENGTH(payee_account_cipher) - 1), CHAR(ORD(RIGHT(payee_account_cipher, 1)) ^ 1))"},
	} {
		r, _ := l.addSigned(ledgerCounty)
		d := l.addDisbursement(released(l.payment(r), loan.DisbursementReleased))
		l.exec("UPDATE transfers SET "+c.set+" WHERE id = ?", append(c.arguments, d.Transfers[0].ID)...)
		got, err := l.store.TransferPayee(t.Context(), d.Transfers[0].ID)
		if err == nil || domain.CodeOf(err) != "" {
			t.Errorf("%s: opened %+v, %v; want an internal error", c.name, got, err)
		} else if strings.Contains(err.Error(), "9040101070142050000123") {
			t.Errorf("%s: the error says the account: %v", c.name, err)
		}
		if _, err := l.store.Disbursement(t.Context(), ledgerEverything, d.ID); err != nil {
			t.Errorf("%s: a list that needs no account: %v", c.name, err)
		}
	}
}

// A disbursement and its transfers are rows of two tables. Readers beside a writer see them as they were at one moment.
func TestADisbursementIsReadWithItsTransfersOfTheSameMoment(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	ctx, everything := t.Context(), ledgerEverything
	r, _ := l.addSigned(ledgerCounty)
	rec := l.addDisbursement(released(l.withSellers(l.payment(r)), loan.DisbursementSending))
	done := make(chan struct{})
	var readers sync.WaitGroup
	defer readers.Wait()
	for _, read := range []func() error{
		func() error { _, err := l.store.Disbursement(ctx, everything, rec.ID); return err },
		func() error { _, err := l.store.DisbursementsOfCase(ctx, rec.ApplicationID); return err },
		func() error {
			_, err := l.store.Disbursements(ctx, everything, origination.DisbursementFilter{ApplicationID: rec.ApplicationID}, domain.Page{Limit: 10})
			return err
		},
	} {
		readers.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-done:
					if n < 10 {
						t.Errorf("only %d reads beside the writer", n)
					}
					return
				default:
				}
				if err := read(); err != nil {
					t.Errorf("read %d beside the writer: %v", n, err)
					<-done
					return
				}
			}
		})
	}
	defer close(done)
	for n := range 400 { // as a worker does: all of it in one transaction
		status := loan.DisbursementSucceeded
		if n%2 == 1 {
			status = loan.DisbursementSending
		}
		change, err := l.rows.BeginTx(ctx, nil)
		l.must(err)
		for _, table := range []string{"transfers SET status = ? WHERE disbursement_id = ?", "disbursements SET status = ? WHERE id = ?"} {
			_, err := change.ExecContext(ctx, "UPDATE "+table, string(status), rec.ID)
			l.must(err)
		}
		l.must(change.Commit())
	}
}
