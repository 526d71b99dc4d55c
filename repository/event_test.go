package repository_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/origination"
)

func TestEventsComeBackAsTheyWereStoredInTheOrderInWhichTheyHappened(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	r := l.addApplication(l.draft(ledgerCounty))
	d := l.payment(r)
	want := []loan.Event{applicationEvent(r)}
	want[0].Detail = []loan.Note{}
	save := func(version int, at time.Time, change func(*loan.Event)) {
		t.Helper()
		changed := r
		changed.Version, changed.UpdatedAt = version, at
		event := applicationEvent(changed)
		event.Detail = []loan.Note{}
		change(&event)
		a, err := loan.Restore(changed)
		l.must(err)
		l.update(func(tx origination.Tx) error { return tx.SaveApplication(t.Context(), a, event) })
		want = append(want, event)
	}
	save(2, ledgerStart.Add(time.Microsecond), func(e *loan.Event) {
		e.Action, e.From, e.To = loan.ActionSubmit, "draft", "approved"
		e.Detail = []loan.Note{
			{Name: "result", Value: "approve"}, {Name: "rule_set", Value: "quick/1"}, {Name: "result", Value: "again"}, {},
		}
	})
	save(3, ledgerStart.Add(time.Hour), func(e *loan.Event) {
		e.ActorName = strings.Repeat("𠮷", 100)
		e.Detail = []loan.Note{{Name: "reason", Value: strings.Repeat("😀\"\\\n\x00", loan.ReasonMax)}}
	})
	d.RequestedAt = ledgerStart.Add(2 * time.Hour)
	events := disbursementEvents(d)
	for i := range events {
		events[i].At, events[i].Detail = d.RequestedAt, []loan.Note{}
	}
	l.update(func(tx origination.Tx) error {
		payment, err := loan.RestoreDisbursement(d)
		l.must(err)
		return tx.InsertDisbursement(t.Context(), payment, events)
	})
	want = append(want, events[1], events[0]) // at one instant the transfer comes before its disbursement
	// At one instant the payment comes before the application it settles.
	paid := events[0]
	paid.Version, paid.At, paid.Action = 2, ledgerStart.Add(3*time.Hour), loan.ActionRelease
	save(4, paid.At, func(e *loan.Event) { e.Action = loan.ActionDisburse })
	released := released(d, loan.DisbursementReleased)
	released.Version = 2
	l.update(func(tx origination.Tx) error {
		payment, err := loan.RestoreDisbursement(released)
		l.must(err)
		return tx.SaveDisbursement(t.Context(), payment, []loan.Event{paid})
	})
	want = append(want[:len(want)-1], paid, want[len(want)-1])

	got, err := l.store.Events(t.Context(), ledgerEverything, r.ID)
	l.must(err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-written +read):\n%s", diff)
	}
}

func TestAHistoryIsBounded(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	r := l.addApplication(l.draft(ledgerCounty))
	values := make([]string, 0, loan.PageEventsMax+5)
	for version := 2; version < loan.PageEventsMax+7; version++ {
		values = append(values, fmt.Sprintf("('%s', %d, 'application', '%s', '%s', 'edit', 'draft', 'draft', '%s', '员工', 'loan_officer', '2026-12-01 00:00:00', '[]')",
			r.ID, version, r.ID, r.BranchID, ledgerOfficer))
	}
	l.exec("INSERT INTO events (subject_id, version, subject, case_id, branch_id, action, from_status, to_status, actor_id, actor_name, actor_role, at, detail) VALUES " +
		strings.Join(values, ", "))
	got, err := l.store.Events(t.Context(), ledgerEverything, r.ID)
	if err != nil || len(got) != loan.PageEventsMax {
		t.Errorf("%d events, %v; want the first %d", len(got), err, loan.PageEventsMax)
	}
}

func TestNothingIsSavedWithoutItsEvent(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	r := l.draft(ledgerCounty)
	// The event of the version is there already, so the insert as a whole must fail.
	squatter := l.addApplication(l.draft(ledgerCounty))
	l.exec("INSERT INTO events SELECT ?, 1, subject, case_id, branch_id, action, from_status, to_status, actor_id, actor_name, actor_role, at, detail FROM events WHERE subject_id = ?",
		r.ID, squatter.ID)
	err := l.store.Update(t.Context(), func(tx origination.Tx) error { return insertApplication(t, tx, r) })
	wantCode(t, "an event that is there already", err, domain.KindConflict, "stale-version")
	if n := l.count("SELECT COUNT(*) FROM applications WHERE id = ?", r.ID); n != 0 {
		t.Error("the application was stored without its event")
	}

	// So must a save, and a payment.
	l.exec("INSERT INTO events SELECT subject_id, 2, subject, case_id, branch_id, action, from_status, to_status, actor_id, actor_name, actor_role, at, detail FROM events WHERE subject_id = ?",
		squatter.ID)
	changed := squatter
	changed.Version, changed.Request.PurposeNote = 2, "改动"
	a, err := loan.Restore(changed)
	l.must(err)
	err = l.store.Update(t.Context(), func(tx origination.Tx) error { return tx.SaveApplication(t.Context(), a, applicationEvent(changed)) })
	wantCode(t, "a save whose event is there already", err, domain.KindConflict, "stale-version")
	if got, err := l.store.Application(t.Context(), ledgerEverything, squatter.ID); err != nil || got.Version != 1 || got.Request.PurposeNote == "改动" {
		t.Errorf("after the refused save: version %d, note %q, %v; want it as it was", got.Version, got.Request.PurposeNote, err)
	}
	d := l.payment(squatter)
	l.exec("UPDATE events SET subject_id = ? WHERE subject_id = ?", d.ID, r.ID)
	err = l.store.Update(t.Context(), func(tx origination.Tx) error { return insertDisbursement(t, tx, d) })
	wantCode(t, "a payment whose event is there already", err, domain.KindConflict, "stale-version")
	if n := l.count("SELECT COUNT(*) FROM disbursements"); n != 0 {
		t.Errorf("%d payments without an event", n)
	}
}

func TestAnEventThatCannotBeIsAnErrorOnRead(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	l.exec("ALTER TABLE events DROP CONSTRAINT ck_events_subject")
	for _, set := range []string{"subject = 'household'", "detail = '{}'", "detail = '[1]'"} {
		r := l.addApplication(l.draft(ledgerCounty))
		l.exec("UPDATE events SET "+set+" WHERE subject_id = ?", r.ID)
		if got, err := l.store.Events(t.Context(), ledgerEverything, r.ID); err == nil || domain.CodeOf(err) != "" {
			t.Errorf("%s: read %+v, %v; want an internal error", set, got, err)
		}
	}
}
