package origination_test

import (
	"testing"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
	"fumin/domain/schedule"
)

// A line of twelve months is repaid from two harvests, after five and after ten months. What is drawn from it for less is
// repaid within its own term: from the harvests that lie in it, or at its end where none does.
func TestADrawFromAHarvestLineIsRepaidWithinItsOwnTerm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer, today := w.somebody(domain.RoleLoanOfficer), domain.DateOf(w.now())
	w.execute("UPDATE product_versions SET document = JSON_SET(document, '$.repayment_methods', JSON_ARRAY('seasonal'))")
	asked := request("90000.00")
	asked.RepaymentMethod = schedule.Seasonal
	asked.Harvests = []schedule.SeasonalInstalment{
		{DueOn: today.AddMonths(5), SharePct: money.MustParseRate("40")}, {DueOn: today.AddMonths(10), SharePct: money.MustParseRate("60")},
	}
	rec, _, err := w.applications.Open(t.Context(), officer, key(), origination.OpenApplication{
		BorrowerID: w.farmer(officer).ID, ProductCode: "QLFMD", Request: asked,
	})
	w.must(err)
	w.approvedByRules(officer, rec.ID)
	rec, err = w.applications.Sign(t.Context(), officer, origination.SignApplication{ID: rec.ID, ContractNo: "HT-1", SignedOn: today})
	w.must(err)
	releaser := w.somebody(domain.RoleDisbursementOfficer)
	arrived := func(d loan.DisbursementRecord) origination.LoanNoteFile {
		t.Helper()
		_, _, err := w.disbursements.Release(t.Context(), releaser, key(), d.ID)
		w.must(err)
		w.work()
		notes, err := w.lines().LoanNotes(t.Context(), officer, rec.ID, domain.Page{Limit: 10})
		w.must(err)
		file, err := w.lines().LoanNote(t.Context(), officer, notes[0].ID)
		w.must(err)
		return file
	}
	first, _, err := w.disbursements.Request(t.Context(), officer, key(), origination.RequestDisbursement{ApplicationID: rec.ID, Amount: yuan("30000.00")})
	w.must(err)
	wantDue(t, "all of the line's term", arrived(first), map[domain.Date]string{today.AddMonths(5): "12000.00", today.AddMonths(10): "18000.00"})
	for _, c := range []struct {
		months int
		want   map[domain.Date]string
	}{
		{10, map[domain.Date]string{today.AddMonths(5): "4000.00", today.AddMonths(10): "6000.00"}},
		{9, map[domain.Date]string{today.AddMonths(5): "10000.00"}},
		{5, map[domain.Date]string{today.AddMonths(5): "10000.00"}},
		{4, map[domain.Date]string{today.AddMonths(4): "10000.00"}},
	} {
		d, _, err := w.disbursements.Draw(t.Context(), officer, key(), origination.DrawFromLine{ApplicationID: rec.ID, Amount: yuan("10000.00"), TermMonths: c.months})
		w.must(err)
		wantDue(t, "a draw of "+string(rune('0'+c.months%10))+" months", arrived(d), c.want)
	}
}

// wantDue holds on which days a note's principal falls due.
func wantDue(t *testing.T, name string, file origination.LoanNoteFile, want map[domain.Date]string) {
	t.Helper()
	last := file.Instalments[len(file.Instalments)-1]
	if file.Note.EndsOn != last.DueOn || !last.ClosingBalance.IsZero() {
		t.Errorf("%s: the note ends on %s, its schedule on %s with %s left", name, file.Note.EndsOn, last.DueOn, last.ClosingBalance)
	}
	due := 0
	for _, row := range file.Instalments {
		if row.Principal.IsZero() {
			continue
		}
		due++
		if want[row.DueOn] != row.Principal.String() {
			t.Errorf("%s: %s fall due on %s, want %v", name, row.Principal, row.DueOn, want)
		}
	}
	if due != len(want) {
		t.Errorf("%s: principal falls due on %d days, want %v", name, due, want)
	}
}
