package origination_test

import (
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/origination"
)

// A contract from before there were lines gets the line that signing and paying would have made. The migration's own statement
// is run on cases whose lines are taken away; a line that is there already is left alone.
func TestContractsFromBeforeThereWereLinesGetTheirs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	paid, _ := w.lentFor(officer, "50000.00", 12)
	asked := w.signed(officer, "30000.00")
	_, _, err := w.disbursements.Request(t.Context(), officer, key(), origination.RequestDisbursement{ApplicationID: asked.ID, Amount: yuan("12000.00")})
	w.must(err)
	signed, untouched := w.signed(officer, "20000.00"), w.signed(officer, "10000.00")
	cases := []domain.ID{paid.ID, asked.ID, signed.ID, untouched.ID}
	before := w.linesOf(cases)
	for _, id := range cases[:3] {
		w.execute("DELETE FROM credit_lines WHERE application_id = ?", id)
		if _, err := w.store.Line(t.Context(), officer.Scope(), id); domain.CodeOf(err) != "line-not-found" {
			t.Fatalf("the line of %s after it was taken away: got %v, want line-not-found", id, err)
		}
	}
	statement, err := os.ReadFile("../../repository/migrations/00767_fill_credit_lines.sql")
	w.must(err)
	w.execute(string(statement))

	after := w.linesOf(cases)
	if before[3].Version != after[3].Version || before[3].ID != after[3].ID {
		t.Errorf("the line that was there: %s version %d, want %s version %d as before", after[3].ID, after[3].Version, before[3].ID, before[3].Version)
	}
	for i := range before[:3] { // what only the line's own history knows
		before[i].ID, after[i].ID = "", ""
		before[i].Version, before[i].NotesCount = 1, 0
		before[i].DrawMin, before[i].DrawMax = after[i].DrawMin, after[i].DrawMax // no limit was agreed then
		before[i].CreatedAt, before[i].UpdatedAt = after[i].CreatedAt, after[i].UpdatedAt
		if diff := cmp.Diff(shown(before[i]), shown(after[i])); diff != "" {
			t.Errorf("the line of case %d (-before +after):\n%s", i, diff)
		}
		if !after[i].DrawMin.IsZero() || !after[i].DrawMax.IsZero() {
			t.Errorf("the line of case %d limits one draw to %s to %s, want no limit", i, after[i].DrawMin, after[i].DrawMax)
		}
	}
	w.must(w.drawAgain(officer, signed.ID))
}

func (w *world) linesOf(cases []domain.ID) []loan.LineRecord {
	w.t.Helper()
	lines := make([]loan.LineRecord, len(cases))
	for i, id := range cases {
		l, err := w.store.Line(w.t.Context(), domain.Scope{Everything: true}, id)
		w.must(err)
		lines[i] = l
	}
	return lines
}

// drawAgain shows that a filled line works.
func (w *world) drawAgain(officer domain.Actor, id domain.ID) error {
	_, _, err := w.disbursements.Request(w.t.Context(), officer, key(), all(id))
	return err
}

// shown is a line as text, sums and dates as people read them.
func shown(l loan.LineRecord) map[string]string {
	return map[string]string{
		"limit": l.Limit.String(), "starts": l.StartsOn.String(), "ends": l.EndsOn.String(), "reserved": l.Reserved.String(),
		"outstanding": l.Outstanding.String(), "drawn": l.DrawnTotal.String(), "reversed": l.ReversedTotal.String(),
		"repaid": l.RepaidTotal.String(), "status": string(l.Status), "free": l.Free().String(), "borrower": l.BorrowerID.String(),
	}
}

// What arrived before there were lines gets the notes that arriving would have made: for a payment, for one to two payees on two
// days of which a part came back, and beside a note that was written since. A second run, and another node's, find nothing left.
func TestPaymentsFromBeforeThereWereNotesGetTheirs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, officer := t.Context(), w.somebody(domain.RoleLoanOfficer)
	paid, _ := w.lentFor(officer, "50000.00", 12)
	parts := w.paidOnTwoDays(officer)
	since, _ := w.lentFor(officer, "40000.00", 12)
	healthy, _ := w.lentFor(officer, "30000.00", 12)
	cases := []domain.ID{paid.ID, parts, since.ID}
	before, healthyBefore := w.notesShown(officer, cases), w.notesShown(officer, []domain.ID{healthy.ID})
	for _, id := range cases {
		w.execute("DELETE FROM events WHERE subject_id IN (SELECT id FROM loan_notes WHERE application_id = ?)", id)
		w.execute("DELETE FROM loan_note_instalments WHERE note_id IN (SELECT id FROM loan_notes WHERE application_id = ?)", id)
		w.execute("DELETE FROM loan_notes WHERE application_id = ?", id)
		w.execute("DELETE FROM credit_lines WHERE application_id = ?", id)
	}
	for _, name := range []string{"00767_fill_credit_lines", "00961_mark_credit_lines"} {
		statement, err := os.ReadFile("../../repository/migrations/" + name + ".sql")
		w.must(err)
		w.execute(string(statement))
	}
	_, _, err := w.lines().Repay(ctx, w.core(), repayment(w.lastNoteOf(officer, healthy.ID).ID, "HX-1", "30000.00", "0.00", domain.DateOf(w.now())))
	w.must(err)
	_, _, err = w.disbursements.Draw(ctx, officer, key(), origination.DrawFromLine{ApplicationID: since.ID, Amount: yuan("1000.00")})
	wantCode(t, "a draw while all is owed", err, "line-exceeded")

	fillOnce := func() (int, error) {
		return w.lines().FillNotes(ctx, domain.Actor{ID: newID(), Name: "补出借据", Role: domain.RoleSystem}, func(id domain.ID, err error) {
			t.Errorf("the notes of %s: %v", id, err)
		})
	}
	fill := func() int {
		t.Helper()
		filled, err := fillOnce()
		w.must(err)
		return filled
	}
	w.execute("UPDATE credit_lines SET notes_missing = 0 WHERE application_id = ?", since.ID)
	var filled atomic.Int64
	wantCodes(t, atOnce(callers, func(int) error {
		n, err := fillOnce()
		filled.Add(int64(n))
		return err
	}), map[string]int{"": callers})
	if filled.Load() != 2 {
		t.Errorf("twenty nodes at once filled %d lines, want 2", filled.Load())
	}
	w.execute("UPDATE credit_lines SET notes_missing = 1 WHERE application_id IN (?, ?)", since.ID, paid.ID) // one is done, and marked all the same
	if filled := fill(); filled != 2 {
		t.Errorf("%d lines filled, want the two that are marked", filled)
	}
	if filled := fill(); filled != 0 {
		t.Errorf("%d lines filled once more, want none", filled)
	}
	if diff := cmp.Diff(before, w.notesShown(officer, cases)); diff != "" {
		t.Errorf("the notes (-as they were made +filled):\n%s", diff)
	}
	for i, l := range w.linesOf(cases) {
		owed := yuan("0.00")
		for _, n := range w.allNotes(officer, cases[i]) {
			owed = owed.Add(n.Outstanding())
		}
		if !l.Outstanding.Equal(owed) || l.NotesMissing {
			t.Errorf("the line of case %d owes %s, its notes %s, marked %t", i, l.Outstanding, owed, l.NotesMissing)
		}
	}
	if got := w.notesShown(officer, []domain.ID{healthy.ID}); len(got) != len(healthyBefore) {
		t.Errorf("a line that had its notes has %d, want %d as before", len(got), len(healthyBefore))
	}
	_, _, err = w.lines().Repay(ctx, w.core(), repayment(w.lastNoteOf(officer, paid.ID).ID, "HX-2", "10000.00", "0.00", domain.DateOf(w.now())))
	w.must(err)
	w.wantLine(paid.ID, "40000.00", "0.00", "10000.00")
}

// paidOnTwoDays is a case paid to a seller on one day and to the borrower on the next; 5,000.00 of the first came back.
func (w *world) paidOnTwoDays(officer domain.Actor) domain.ID {
	w.t.Helper()
	ctx, one, other := w.t.Context(), w.somebody(domain.RoleDisbursementOfficer), w.somebody(domain.RoleDisbursementOfficer)
	rec := w.signed(officer, "70000.00")
	d, _, err := w.disbursements.Request(ctx, officer, key(), origination.RequestDisbursement{
		ApplicationID: rec.ID, Payees: []loan.PayeeOrder{seller("40000.00"), self("30000.00")},
	})
	w.must(err)
	_, _, err = w.disbursements.Release(ctx, one, key(), d.ID)
	w.must(err)
	limits := origination.DefaultPayoutLimits()
	limits.Parallel = 1
	node := origination.NewPayouts(w.store, w.now, w.client, newID(), discard(), limits)
	for range 2 {
		_, err = node.Work(ctx)
		w.must(err)
		w.advance(24 * time.Hour)
	}
	for _, t := range w.disbursement(d.ID).Transfers {
		if t.Amount.Equal(yuan("40000.00")) {
			r, _, err := w.disbursements.RequestReversal(ctx, one, key(), origination.RequestReversal{
				TransferID: t.ID, Amount: yuan("5000.00"), Reason: "收款行退汇", ChannelReference: "TH-1",
			})
			w.must(err)
			_, err = w.disbursements.ConfirmReversal(ctx, other, r.ID)
			w.must(err)
		}
	}
	return rec.ID
}

func (w *world) allNotes(officer domain.Actor, id domain.ID) []loan.NoteRecord {
	w.t.Helper()
	notes, err := w.lines().LoanNotes(w.t.Context(), officer, id, domain.Page{Limit: 10})
	w.must(err)
	return notes
}

func (w *world) lastNoteOf(officer domain.Actor, id domain.ID) loan.NoteRecord {
	w.t.Helper()
	notes := w.allNotes(officer, id)
	if len(notes) == 0 {
		w.t.Fatalf("case %s has no note", id)
	}
	return notes[0]
}

// notesShown are the notes of cases with their schedules, as people read them.
func (w *world) notesShown(officer domain.Actor, cases []domain.ID) map[string][]string {
	w.t.Helper()
	all := map[string][]string{}
	for _, id := range cases {
		for _, n := range w.allNotes(officer, id) {
			file, err := w.lines().LoanNote(w.t.Context(), officer, n.ID)
			w.must(err)
			r := file.Note
			rows := []string{fmt.Sprintf("%s of %s: %s, %s back, owes %s at %s by %s from %s to %s, %s, unpaid from %s", r.ID, r.DisbursementID, r.Amount, r.Reversed,
				r.Outstanding(), r.AnnualRate, r.RepaymentMethod, r.StartsOn, r.EndsOn, r.Status, r.UnpaidFrom)}
			for _, i := range file.Instalments {
				rows = append(rows, fmt.Sprintf("%d %s %d %s %s %s %s %s", i.Number, i.DueOn, i.Days, i.OpeningBalance, i.Principal, i.Interest, i.Total, i.ClosingBalance))
			}
			all[r.NoteNo] = rows
		}
	}
	return all
}
