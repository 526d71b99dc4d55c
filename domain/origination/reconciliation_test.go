package origination_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/origination"
	"fumin/repository/channel/sandbox"
)

// atRealTime sets the clock to the channel's, so that both sides book on the same day.
func (w *world) atRealTime() domain.Date {
	w.microseconds.Store(time.Now().UnixMicro())
	return domain.DateOf(time.Now())
}

// headOfficer is a disbursement officer of the head office.
func (w *world) headOfficer() domain.Actor {
	by := w.somebodyAt("371503", domain.RoleDisbursementOfficer)
	for {
		branch, err := w.store.Branch(w.t.Context(), domain.Scope{Everything: true}, by.BranchID)
		w.must(err)
		if branch.ParentID.IsZero() {
			return by
		}
		by.BranchID = branch.ParentID
	}
}

// dayFile fetches the channel's file of a day.
func (w *world) dayFile(day domain.Date, format string) string {
	w.t.Helper()
	answer := httptest.NewRecorder()
	w.channel.ServeHTTP(answer, httptest.NewRequestWithContext(w.t.Context(), http.MethodGet, "/v1/day-file?date="+day.String()+"&format="+format, nil))
	if answer.Code != http.StatusOK {
		w.t.Fatalf("day file: %d %s", answer.Code, answer.Body)
	}
	return answer.Body.String()
}

func (w *world) reconciliations() *origination.Reconciliations {
	return origination.NewReconciliations(w.store, w.now, newID, w.payouts)
}

func (w *world) imports(by domain.Actor, day domain.Date, format origination.DayFileFormat, file string) (loan.ReconciliationRecord, bool, error) {
	w.t.Helper()
	return w.reconciliations().Import(w.t.Context(), by, origination.ImportDayFile{BusinessDay: day, Format: format, Body: strings.NewReader(file)})
}

func (w *world) casesOf(by domain.Actor, id domain.ID) []loan.ReconciliationCaseRecord {
	w.t.Helper()
	cases, err := w.reconciliations().Cases(w.t.Context(), by, id, "", domain.Page{Limit: domain.PageLimitMax})
	w.must(err)
	return cases
}

func (w *world) wantCode(err error, code string) {
	w.t.Helper()
	if domain.CodeOf(err) != code {
		w.t.Errorf("got %v, want %s", err, code)
	}
}

// paidToday pays two cases of 50,000.00 at the channel.
func (w *world) paidToday() (day domain.Date, paid []loan.DisbursementRecord) {
	w.t.Helper()
	day = w.atRealTime()
	officer := w.somebody(domain.RoleLoanOfficer)
	for range 2 {
		paid = append(paid, w.released(officer, "50000.00"))
	}
	for range 3 {
		w.work()
	}
	return day, paid
}

func TestADayThatAgreesIsClosedByASecondPersonTheDayAfter(t *testing.T) {
	t.Parallel()
	for _, format := range []origination.DayFileFormat{origination.DayFileCSV, origination.DayFileCamt054} {
		t.Run(string(format), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			day, _ := w.paidToday()
			importer, second := w.headOfficer(), w.headOfficer()
			file := w.dayFile(day, string(format))
			rec, known, err := w.imports(importer, day, format, file)
			w.must(err)
			if known || rec.Status != loan.ReconciliationBalanced || rec.Totals.CountHere != 2 || rec.Totals.There.String() != "100000.00" || !rec.Gap().IsZero() {
				t.Fatalf("imported: %+v (known: %v), want 2 of 100000.00, balanced", rec, known)
			}
			again, known, err := w.imports(second, day, format, file)
			w.must(err)
			if !known || again.ID != rec.ID || again.ImportedBy != importer.ID {
				t.Errorf("the same file again: %+v (known: %v), want the first", again, known)
			}
			_, err = w.reconciliations().Close(t.Context(), importer, rec.ID)
			w.wantCode(err, "four-eyes")
			_, err = w.reconciliations().Close(t.Context(), second, rec.ID)
			w.wantCode(err, "day-not-over")
			w.advance(24 * time.Hour)
			closed, err := w.reconciliations().Close(t.Context(), second, rec.ID)
			w.must(err)
			if closed.Status != loan.ReconciliationClosed || closed.EndedBy != second.ID {
				t.Errorf("closed: %+v", closed)
			}
			_, err = w.reconciliations().Discard(t.Context(), second, rec.ID, "错了")
			w.wantCode(err, "wrong-status")
		})
	}
}

func TestEachDifferenceIsACaseAndTheDayClosesOnlyWhenAllAreExplained(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	day, paid := w.paidToday()
	importer, second := w.headOfficer(), w.headOfficer()
	lines := strings.Split(strings.TrimSpace(w.dayFile(day, "csv")), "\n")
	first := paid[0].Transfers[0].ID.String()
	var file strings.Builder
	file.WriteString(lines[0] + "\n")
	for _, line := range lines[1:] { // the second one is left out: missing there
		if strings.Contains(line, strings.ReplaceAll(first, "-", "")) {
			file.WriteString(strings.Replace(line, "50000.00", "50000.01", 1) + "\n" + line + "\n")
		}
	}
	fmt.Fprintf(&file, "%s,7.00,CNY,%s,SBX-9\n", newID(), day)
	fmt.Fprintf(&file, "X-2026-1,8.00,CNY,%s,SBX-10\n", day)

	rec, _, err := w.imports(importer, day, origination.DayFileCSV, file.String())
	w.must(err)
	cases := w.casesOf(importer, rec.ID)
	kinds := map[loan.DifferenceKind]int{}
	for _, c := range cases {
		kinds[c.Difference.Kind]++
		if c.OwnerID != importer.ID || c.DueOn.IsZero() {
			t.Errorf("case %+v has no owner or date", c)
		}
	}
	if rec.Status != loan.ReconciliationOpen || rec.CasesOpen != 5 || kinds[loan.DifferenceAmount] != 1 || kinds[loan.DifferenceDuplicate] != 1 ||
		kinds[loan.DifferenceMissingThere] != 1 || kinds[loan.DifferenceMissingHere] != 2 {
		t.Fatalf("imported: %+v with %v, want five cases", rec, kinds)
	}
	if rec.Gap().String() != "15.01" { // 100,000.01 + 7 + 8 there, 100,000.00 here
		t.Errorf("the gap is %s, want 15.01", rec.Gap())
	}
	w.advance(24 * time.Hour)
	for _, c := range cases {
		_, err := w.reconciliations().Close(t.Context(), second, rec.ID)
		w.wantCode(err, "day-not-balanced")
		_, err = w.reconciliations().ResolveCase(t.Context(), importer, rec.ID, c.ID, "我自己说的")
		w.wantCode(err, "four-eyes")
		_, err = w.reconciliations().ResolveCase(t.Context(), second, rec.ID, c.ID, "渠道确认为录入错误，次日更正")
		w.must(err)
	}
	closed, err := w.reconciliations().Close(t.Context(), second, rec.ID)
	w.must(err)
	if closed.Status != loan.ReconciliationClosed || !closed.Gap().IsZero() {
		t.Errorf("closed: %+v, want no gap", closed)
	}
}

func TestAPaymentAfterTheImportKeepsTheDayOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	day, _ := w.paidToday()
	importer, second := w.headOfficer(), w.headOfficer()
	rec, _, err := w.imports(importer, day, origination.DayFileCSV, w.dayFile(day, "csv"))
	w.must(err)
	w.released(w.somebody(domain.RoleLoanOfficer), "50000.00")
	w.work()
	w.advance(24 * time.Hour)
	_, err = w.reconciliations().Close(t.Context(), second, rec.ID)
	w.wantCode(err, "day-not-balanced")
	_, _, err = w.imports(importer, day, origination.DayFileCSV, w.dayFile(day, "csv"))
	w.wantCode(err, "day-already-imported")
	_, err = w.reconciliations().Discard(t.Context(), importer, rec.ID, "导入后又有付款")
	w.must(err)
	rec, _, err = w.imports(importer, day, origination.DayFileCSV, w.dayFile(day, "csv"))
	w.must(err)
	if rec.Totals.CountHere != 3 || rec.Status != loan.ReconciliationBalanced {
		t.Errorf("imported again: %+v, want three payments that agree", rec)
	}
	_, err = w.reconciliations().Close(t.Context(), second, rec.ID)
	w.must(err)
}

func TestAPaymentWhoseAnswerWasLostIsSettledByTheDayFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	day := w.atRealTime()
	w.tellChannel(sandbox.Control{Mode: sandbox.ModeDropAnswer, Requests: 1})
	d := w.released(w.somebody(domain.RoleLoanOfficer), "50000.00")
	w.work()
	if got := w.status(d.ID); got != loan.DisbursementUnknown {
		t.Fatalf("after a lost answer: %s, want unknown", got)
	}
	rec, _, err := w.imports(w.headOfficer(), day, origination.DayFileCamt054, w.dayFile(day, "camt.054"))
	w.must(err)
	if got := w.status(d.ID); got != loan.DisbursementSucceeded || rec.Settled != 1 || rec.Status != loan.ReconciliationBalanced {
		t.Errorf("after the file: %s, %+v; want succeeded, one settled, balanced", got, rec)
	}
	w.wantPaidOnce(d.ID, "50000.00")
}

func TestAPaymentBookedOnAnotherDayHereIsLateOnBoth(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	day, _ := w.paidToday()
	importer := w.headOfficer()
	file := w.dayFile(day, "csv")
	w.exec("UPDATE transfers SET settled_at = DATE_ADD(settled_at, INTERVAL 1 DAY)")
	rec, _, err := w.imports(importer, day, origination.DayFileCSV, file)
	w.must(err)
	for _, c := range w.casesOf(importer, rec.ID) {
		if c.Difference.Kind != loan.DifferenceLate {
			t.Errorf("case %+v, want late", c.Difference)
		}
	}
	if rec.Cases != 2 || rec.Gap().String() != "100000.00" {
		t.Errorf("imported: %+v, want two cases that explain 100000.00", rec)
	}
	w.advance(24 * time.Hour)
	next, _, err := w.imports(importer, day.AddDays(1), origination.DayFileCSV, "transfer_id,amount,currency,paid_at,reference\n")
	w.must(err)
	for _, c := range w.casesOf(importer, next.ID) {
		if c.Difference.Kind != loan.DifferenceLate || !strings.Contains(c.Difference.Note, day.String()) {
			t.Errorf("the next day's case %+v, want late, in the file of %s", c.Difference, day)
		}
	}
	if next.Cases != 2 {
		t.Errorf("the next day: %+v, want two cases", next)
	}
}

func TestOnlyTheHeadOfficeImportsAndOnlyAWholeFileOfTheDay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	day := w.atRealTime()
	head := "transfer_id,amount,currency,paid_at,reference\n"
	_, _, err := w.imports(w.somebody(domain.RoleDisbursementOfficer), day, origination.DayFileCSV, head)
	w.wantCode(err, "head-office-only")
	auditor := w.headOfficer()
	auditor.Role = domain.RoleAuditor
	_, _, err = w.imports(auditor, day, origination.DayFileCSV, head)
	w.wantCode(err, "role-not-allowed")
	_, _, err = w.imports(w.headOfficer(), day.AddDays(1), origination.DayFileCSV, head)
	w.wantCode(err, "invalid-fields")
	for what, file := range map[string]string{
		"another day's row": head + fmt.Sprintf("%s,1.00,CNY,%s,\n", newID(), day.AddDays(-1)),
		"a torn last row":   head + fmt.Sprintf("%s,1.00,CNY\n", newID()),
		"nothing":           "",
	} {
		_, _, err = w.imports(w.headOfficer(), day, origination.DayFileCSV, file)
		if domain.CodeOf(err) != "payment-file-unreadable" {
			t.Errorf("%s: %v, want payment-file-unreadable", what, err)
		}
	}
	if n := w.count("SELECT (SELECT COUNT(*) FROM reconciliations) + (SELECT COUNT(*) FROM reconciliation_entries)"); n != 0 {
		t.Errorf("%d rows are left of refused files, want none", n)
	}
}

func TestTwentyImportsOfOneFileMakeOneReconciliation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	day, _ := w.paidToday()
	file := w.dayFile(day, "csv")
	var group sync.WaitGroup
	ids := make([]domain.ID, 20)
	for i := range ids {
		by := w.headOfficer()
		group.Go(func() {
			rec, _, err := w.imports(by, day, origination.DayFileCSV, file)
			if err != nil {
				t.Errorf("import: %v", err)
			}
			ids[i] = rec.ID
		})
	}
	group.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Errorf("two reconciliations: %s and %s", id, ids[0])
		}
	}
	if n := w.count("SELECT COUNT(*) FROM reconciliations"); n != 1 {
		t.Errorf("%d reconciliations, want 1", n)
	}
	if n := w.count("SELECT COUNT(*) FROM reconciliation_entries"); n != 2 {
		t.Errorf("%d rows, want 2", n)
	}
}

func (w *world) exec(statement string, arguments ...any) {
	w.t.Helper()
	_, err := w.rows().ExecContext(w.t.Context(), statement, arguments...)
	w.must(err)
}

func (w *world) count(query string, arguments ...any) (n int) {
	w.t.Helper()
	w.must(w.rows().QueryRowContext(w.t.Context(), query, arguments...).Scan(&n))
	return n
}
