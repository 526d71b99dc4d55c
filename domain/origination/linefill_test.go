package origination_test

import (
	"os"
	"testing"

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
