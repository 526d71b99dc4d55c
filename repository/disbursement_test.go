package repository_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
)

// released makes a payment what a second person's release makes it.
func released(r loan.DisbursementRecord, status loan.DisbursementStatus) loan.DisbursementRecord {
	r.Status, r.ReleasedBy, r.ReleasedAt, r.WorkDueAt = status, ledgerReleaser, ledgerStart.Add(time.Second), ledgerStart.Add(time.Second)
	return r
}

func TestADisbursementComesBackAsItWasStored(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	last := time.Date(2199, 12, 31, 23, 59, 59, 999999000, time.UTC)
	for _, c := range []struct {
		name   string
		change func(*loan.DisbursementRecord)
	}{
		{"a plain request", func(*loan.DisbursementRecord) {}},
		{"the largest amount", func(r *loan.DisbursementRecord) { r.Amount = money.MustParseAmount("9999999999999999.99") }},
		{"the smallest amount", func(r *loan.DisbursementRecord) { r.Amount = money.MustParseAmount("0.01") }},
		{"the shortest account", func(r *loan.DisbursementRecord) { r.Payee.Account = borrower.MustParseBankAccount("00000000") }},
		{"the longest account, name and bank", func(r *loan.DisbursementRecord) {
			r.Payee.Account = borrower.MustParseBankAccount(strings.Repeat("9", borrower.BankAccountDigitsMax))
			r.Payee.AccountName = borrower.MustParseName(strings.Repeat("𠮷", borrower.NameRunesMax))
			r.Payee.BankName = strings.Repeat("䶮", borrower.BankNameRunesMax)
		}},
		{"every text at its longest", func(r *loan.DisbursementRecord) {
			*r = released(*r, loan.DisbursementFailed)
			r.ChannelReference, r.FailureCode = strings.Repeat("😀", 64), strings.Repeat("c", 64)
			r.FailureReason, r.LastError = strings.Repeat("𠮷", 200), strings.Repeat("䶮", 200)
		}},
		{"every time at its latest", func(r *loan.DisbursementRecord) {
			*r = released(*r, loan.DisbursementSucceeded)
			r.RequestedAt, r.ReleasedAt, r.SentAt, r.SettledAt, r.WorkDueAt = last, last, last, last, last
		}},
		{"the most attempts and versions", func(r *loan.DisbursementRecord) { r.Attempts, r.Version = 1<<31-1, 1<<31-1 }},
	} {
		r, _ := l.addSigned(ledgerCounty)
		want := l.payment(r)
		c.change(&want)
		l.addDisbursement(want)
		got, err := l.store.Disbursement(t.Context(), ledgerEverything, want.ID)
		if err != nil {
			t.Errorf("%s: read: %v", c.name, err)
			continue
		}
		if diff := cmp.Diff(want, got, asStored); diff != "" {
			t.Errorf("%s: stored and read differ (-stored +read):\n%s", c.name, diff)
		}
	}
}

func TestEveryDisbursementStatusIsStoredAndOnlyLiveOnesBlockAnother(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	for _, status := range loan.DisbursementStatuses() {
		r, _ := l.addSigned(ledgerCounty)
		want := l.addDisbursement(released(l.payment(r), status))
		got, err := l.store.Disbursement(t.Context(), ledgerEverything, want.ID)
		if diff := cmp.Diff(want, got, asStored); err != nil || diff != "" {
			t.Errorf("%s: %v, stored and read differ (-stored +read):\n%s", status, err, diff)
		}
		err = l.store.Update(t.Context(), func(tx origination.Tx) error { return insertDisbursement(t, tx, l.payment(r)) })
		if status.Live() {
			wantCode(t, "a second payment beside one that is "+string(status), err, domain.KindConflict, "disbursement-exists")
		} else if err != nil {
			t.Errorf("a second payment after one that is %s = %v, want none", status, err)
		}
	}
}

func TestASavedDisbursementChangesWhatMayChangeAndKeepsTheRest(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	r, _ := l.addSigned(ledgerCounty)
	before := l.addDisbursement(l.payment(r))
	save := func(rec loan.DisbursementRecord) error {
		d, err := loan.RestoreDisbursement(rec)
		l.must(err)
		return l.store.Update(t.Context(), func(tx origination.Tx) error {
			return tx.SaveDisbursement(t.Context(), d, disbursementEvent(rec))
		})
	}
	after := released(before, loan.DisbursementUnknown)
	after.Version, after.Attempts, after.LastError, after.SentAt = 2, 3, "timeout", ledgerStart.Add(time.Minute)
	after.WorkDueAt = ledgerStart.Add(time.Hour)
	want := after
	// What the payment is for stays, whatever the record says.
	after.Amount, after.Payee.BankName, after.RequestedAt = money.Fen(1), "别的银行", ledgerStart.Add(time.Hour)
	after.ApplicationID, after.BranchID, after.BorrowerID = before.ApplicationID, ledgerSibling, ledgerBorrower(ledgerSibling)
	l.must(save(after))
	got, err := l.store.Disbursement(t.Context(), ledgerEverything, before.ID)
	if diff := cmp.Diff(want, got, asStored); err != nil || diff != "" {
		t.Errorf("after a save (%v) (-want +read):\n%s", err, diff)
	}

	// A failure gives the place free, and zero values are written.
	failed := want
	failed.Status, failed.Version, failed.Attempts, failed.LastError = loan.DisbursementFailed, 3, 0, ""
	failed.WorkDueAt, failed.SettledAt, failed.FailureCode = time.Time{}, ledgerStart.Add(time.Hour), "account-closed"
	l.must(save(failed))
	got, err = l.store.Disbursement(t.Context(), ledgerEverything, before.ID)
	if diff := cmp.Diff(failed, got, asStored); err != nil || diff != "" {
		t.Errorf("after a failure (%v) (-want +read):\n%s", err, diff)
	}
	l.addDisbursement(l.payment(r))

	for _, version := range []int{1, 2, 3, 5} {
		stale := failed
		stale.Version = version
		wantCode(t, fmt.Sprintf("saving version %d over version 3", version), save(stale), domain.KindConflict, "stale-version")
	}
}

func TestPostponingMovesTheWorkAndMakesNoVersion(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	r, _ := l.addSigned(ledgerCounty)
	want := l.addDisbursement(released(l.payment(r), loan.DisbursementUnknown))
	for _, due := range []time.Time{ledgerStart.Add(time.Hour), {}} {
		l.update(func(tx origination.Tx) error {
			return tx.PostponeDisbursement(t.Context(), want.ID, due, 7, "没有回答")
		})
		want.WorkDueAt, want.Attempts, want.LastError = due, 7, "没有回答"
		got, err := l.store.Disbursement(t.Context(), ledgerEverything, want.ID)
		if diff := cmp.Diff(want, got, asStored); err != nil || diff != "" {
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
		d.WorkDueAt = due
		return l.addDisbursement(d).ID
	}
	second, first := add(ledgerStart.Add(-time.Second)), add(ledgerStart.Add(-time.Hour))
	third := add(ledgerStart)
	add(ledgerStart.Add(time.Microsecond)) // not yet
	add(time.Time{})                       // nothing to do
	for _, c := range []struct {
		limit int
		want  []domain.ID
	}{{10, []domain.ID{first, second, third}}, {2, []domain.ID{first, second}}} {
		due, err := l.store.DueDisbursements(t.Context(), ledgerStart, c.limit)
		l.must(err)
		var got []domain.ID
		for _, d := range due {
			got = append(got, d.ID)
			rec, err := l.store.Disbursement(t.Context(), ledgerEverything, d.ID)
			if err != nil || rec.ApplicationID != d.ApplicationID {
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
	for _, check := range []string{"ck_disbursements_status", "ck_disbursements_amount", "ck_disbursements_live", "ck_disbursements_two_people"} {
		l.exec("ALTER TABLE disbursements DROP CONSTRAINT " + check)
	}
	l.exec("ALTER TABLE disbursements MODIFY amount DECIMAL(20,4) NOT NULL")
	other, _ := l.addSigned(ledgerCounty)
	stranger := l.addDisbursement(l.payment(other))
	sealed, err := repositoryCipher(l).Seal("contracts.payee_account", other.ID, "9040101070142050000123")
	l.must(err)
	for _, c := range []struct {
		name, set string
		arguments []any
	}{
		{name: "an unknown status", set: "status = 'paid'"},
		{name: "sent without a release", set: "status = 'sending', released_by = NULL"},
		{name: "released by who requested it", set: "released_by = requested_by"},
		{name: "no amount", set: "amount = 0"},
		{name: "a negative amount", set: "amount = -99500"},
		{name: "a third decimal", set: "amount = 99500.005"},
		{name: "version 0", set: "version = 0"},
		{name: "the account of another payment", set: "payee_account_cipher = (SELECT c FROM (SELECT payee_account_cipher c FROM disbursements WHERE id = ?) o)", arguments: []any{stranger.ID}},
		{name: "an account sealed for another column", set: "payee_account_cipher = ?", arguments: []any{sealed}},
		{name: "an account in clear", set: "payee_account_cipher = '9040101070142050000123'"},
		{name: "no account", set: "payee_account_cipher = ''"},
		{name: "an account with one bit changed", set: "payee_account_cipher = CONCAT(LEFT(payee_account_cipher, LENGTH(payee_account_cipher) - 1), CHAR(ORD(RIGHT(payee_account_cipher, 1)) ^ 1))"},
		{name: "a name that is none", set: "payee_name = ''"},
	} {
		r, _ := l.addSigned(ledgerCounty)
		d := l.addDisbursement(released(l.payment(r), loan.DisbursementReleased))
		l.exec("UPDATE disbursements SET "+c.set+" WHERE id = ?", append(c.arguments, d.ID)...)
		got, err := l.store.Disbursement(t.Context(), ledgerEverything, d.ID)
		if err == nil || domain.CodeOf(err) != "" {
			t.Errorf("%s: read %+v, %v; want an internal error", c.name, got, err)
		} else if strings.Contains(err.Error(), "9040101070142050000123") {
			t.Errorf("%s: the error says the account: %v", c.name, err)
		}
	}
}
