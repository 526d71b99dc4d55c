package repository_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
	"fumin/domain/schedule"
)

var (
	mostMoney = money.MustParseAmount("9999999999999999.99")
	lastDay   = domain.MustParseDate("2199-12-31")
	lastTime  = time.Date(2199, 12, 31, 23, 59, 59, 999999000, time.UTC)
)

// ledgerLine is the line of a signed case with its whole contract drawn once.
func (l *ledger) ledgerLine(c loan.Contract) loan.LineRecord {
	return loan.LineRecord{
		ID: l.newID(), ApplicationID: c.ApplicationID, BranchID: c.BranchID, BorrowerID: c.BorrowerID, Limit: c.Amount, Revolving: true,
		StartsOn: c.SignedOn, EndsOn: c.SignedOn.AddMonths(12), Outstanding: c.Amount, DrawnTotal: c.Amount, NotesCount: 1,
		Status: loan.LineLive, Version: 1, CreatedAt: ledgerStart, UpdatedAt: ledgerStart,
	}
}

// ledgerNote is the note of a disbursement of a case.
func (l *ledger) ledgerNote(d loan.DisbursementRecord) loan.NoteRecord {
	on := domain.DateOf(ledgerStart)
	id := l.newID()
	return loan.NoteRecord{
		ID: id, NoteNo: "JJ-" + id.String(), ApplicationID: d.ApplicationID, BranchID: d.BranchID, BorrowerID: d.BorrowerID, DisbursementID: d.ID,
		Amount: d.Amount, RepaymentMethod: schedule.EqualPrincipal, AnnualRate: money.MustParseRate("3.65"), StartsOn: on, EndsOn: on.AddMonths(12),
		Status: loan.NoteOutstanding, UnpaidFrom: on.AddMonths(1), Version: 1, CreatedAt: ledgerStart, UpdatedAt: ledgerStart,
	}
}

func ledgerRepayment(id domain.ID, n loan.NoteRecord, no string) loan.RepaymentRecord {
	return loan.RepaymentRecord{
		ID: id, RepaymentNo: no, NoteID: n.ID, ApplicationID: n.ApplicationID, BranchID: n.BranchID, BorrowerID: n.BorrowerID,
		PaidOn: n.StartsOn, Principal: money.Fen(1), Status: loan.RepaymentApplied, ReceivedAt: ledgerStart, Version: 1,
	}
}

func lineEvent(subject loan.Subject, id, caseID, branchID domain.ID, version int) loan.Event {
	return loan.Event{
		Subject: subject, SubjectID: id, Version: version, CaseID: caseID, BranchID: branchID, Action: loan.ActionLineOpen,
		ActorID: ledgerOfficer, ActorName: "员工", ActorRole: domain.RoleSystem, At: ledgerStart,
	}
}

func (l *ledger) insertLine(r loan.LineRecord) {
	l.t.Helper()
	restored, err := loan.RestoreLine(r)
	l.must(err)
	l.update(func(tx origination.Tx) error {
		return tx.InsertLine(l.t.Context(), restored, lineEvent(loan.SubjectLine, r.ID, r.ApplicationID, r.BranchID, r.Version))
	})
}

func (l *ledger) insertNote(r loan.NoteRecord, plan []loan.Instalment) {
	l.t.Helper()
	restored, err := loan.RestoreNote(r)
	l.must(err)
	l.update(func(tx origination.Tx) error {
		return tx.InsertLoanNote(l.t.Context(), restored, plan, lineEvent(loan.SubjectLoanNote, r.ID, r.ApplicationID, r.BranchID, r.Version))
	})
}

func (l *ledger) tryRepayment(r loan.RepaymentRecord) error {
	return l.store.Update(l.t.Context(), func(tx origination.Tx) error {
		return tx.InsertRepayment(l.t.Context(), r, lineEvent(loan.SubjectRepayment, r.ID, r.ApplicationID, r.BranchID, r.Version))
	})
}

func TestALineComesBackAsItWasStoredAndIsSavedOnce(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	ctx := t.Context()
	_, plain := l.addSigned(ledgerCounty)
	_, limits := l.addSigned(ledgerTownship)
	first, most := l.ledgerLine(plain), l.ledgerLine(limits)
	most.Limit, most.DrawMin, most.DrawMax, most.Outstanding, most.DrawnTotal = mostMoney, mostMoney, mostMoney, mostMoney, mostMoney
	most.TakenOverTotal, most.ReversedTotal, most.HandedOverTotal = money.Fen(6), money.Fen(1), money.Fen(2)
	most.RepaidTotal, most.Overdrawn = money.Fen(3), mostMoney
	most.EndsOn, most.NotesCount, most.NotesMissing, most.Status = lastDay, 2_000_000_000, true, loan.LineHeld
	most.Version, most.CreatedAt, most.UpdatedAt = 2_000_000_000, lastTime, lastTime
	for _, want := range []loan.LineRecord{first, most} {
		l.insertLine(want)
		got, err := l.store.Line(ctx, ledgerEverything, want.ApplicationID)
		l.must(err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("line (-stored +read):\n%s", diff)
		}
	}
	for name, scope := range map[string]domain.Scope{"another county": {BranchID: ledgerSibling}, "another borrower": {BorrowerID: ledgerBorrower(ledgerSibling)}, "nobody": {}} {
		if _, err := l.store.Line(ctx, scope, first.ApplicationID); domain.CodeOf(err) != "line-not-found" {
			t.Errorf("read by %s: got %v, want line-not-found", name, err)
		}
	}
	var saved loan.LineRecord
	save := func(change func(*loan.Line) (loan.Event, error), line *loan.Line) error {
		return l.store.Update(ctx, func(tx origination.Tx) error {
			event, err := change(line)
			if err != nil {
				return err
			}
			saved = line.Record()
			return tx.SaveLine(ctx, line, event)
		})
	}
	by := domain.Actor{ID: ledgerOfficer, Name: "员工", Role: domain.RoleRiskManager, BranchID: ledgerCounty}
	stale, err := loan.RestoreLine(first)
	l.must(err)
	fresh, err := loan.RestoreLine(first)
	l.must(err)
	repay := func(line *loan.Line) (loan.Event, error) { return line.Repay(by, lastTime, plain.Amount) }
	l.must(save(repay, fresh))
	want := saved
	if err := save(repay, stale); domain.CodeOf(err) != "stale-version" {
		t.Errorf("saved from the version before: got %v, want stale-version", err)
	}
	got, err := l.store.Line(ctx, ledgerEverything, first.ApplicationID)
	l.must(err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("line after the repayment (-saved +read):\n%s", diff)
	}
	marked, err := l.store.LinesWithoutNotes(ctx, "", 10)
	if err != nil || len(marked) != 1 || marked[0] != most.ApplicationID {
		t.Errorf("lines without notes: %v, %v; want the one that is marked", marked, err)
	}
	if rest, err := l.store.LinesWithoutNotes(ctx, most.ApplicationID, 10); err != nil || len(rest) != 0 {
		t.Errorf("lines without notes after it: %v, %v; want none", rest, err)
	}
}

func TestANoteItsScheduleAndItsRepaymentsComeBackAsTheyWereStored(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	ctx := t.Context()
	app, _ := l.addSigned(ledgerCounty)
	d, other := l.addDisbursement(l.payment(app)), l.addDisbursement(l.payment(app))
	first := l.ledgerNote(d)
	most := l.ledgerNote(other)
	most.NoteNo, most.Amount, most.PrincipalRepaid, most.InterestPaid = strings.Repeat("😀", 80), mostMoney, mostMoney.Sub(money.Fen(3)), mostMoney
	most.Reversed, most.HandedOver, most.AnnualRate = money.Fen(1), money.Fen(2), money.MustParseRate("999.999999")
	most.Status, most.UnpaidFrom, most.SettledOn, most.EndsOn, most.DaysPastDueMax = loan.NoteRenewed, domain.Date{}, lastDay, lastDay, 2_000_000_000
	most.Version, most.CreatedAt, most.UpdatedAt = 2_000_000_000, lastTime, lastTime
	heir := l.ledgerNote(d)
	heir.DisbursementID, heir.RenewsNoteID = "", most.ID
	row := loan.Instalment{Number: 1, DueOn: lastDay, Days: 100_000, OpeningBalance: mostMoney, Principal: mostMoney, Interest: money.Fen(0), Total: mostMoney}
	longest := make([]loan.Instalment, schedule.PeriodsMax)
	for i := range longest {
		longest[i] = loan.Instalment{Number: i + 1, DueOn: lastDay, Days: 31, Interest: money.Fen(7), Total: money.Fen(7)}
	}
	for _, c := range []struct {
		note loan.NoteRecord
		plan []loan.Instalment
	}{{first, []loan.Instalment{row}}, {most, longest}, {heir, []loan.Instalment{row}}} {
		l.insertNote(c.note, c.plan)
		note, err := l.store.LoanNote(ctx, ledgerEverything, c.note.ID)
		l.must(err)
		plan, err := l.store.NoteInstalments(ctx, c.note.ID)
		l.must(err)
		if diff := cmp.Diff(c.note, note) + cmp.Diff(c.plan, plan); diff != "" {
			t.Errorf("note (-stored +read):\n%s", diff)
		}
	}
	for name, scope := range map[string]domain.Scope{"another county": {BranchID: ledgerSibling}, "another borrower": {BorrowerID: ledgerBorrower(ledgerSibling)}, "nobody": {}} {
		if _, err := l.store.LoanNote(ctx, scope, first.ID); domain.CodeOf(err) != "loan-note-not-found" {
			t.Errorf("read by %s: got %v, want loan-note-not-found", name, err)
		}
	}
	l.wantNoteLists(app.ID, app.BorrowerID, first.ID, most.ID, heir.ID)
	l.wantNoteSavedOnce(first)
	l.wantRepaymentsKept(first, heir)
}

// wantNoteLists holds the lists of a case's and a borrower's notes.
func (l *ledger) wantNoteLists(applicationID, borrowerID domain.ID, oldestFirst ...domain.ID) {
	l.t.Helper()
	ids := func(notes []loan.NoteRecord, err error) (all []domain.ID) {
		l.t.Helper()
		l.must(err)
		for _, n := range notes {
			all = append(all, n.ID)
		}
		return all
	}
	ctx := l.t.Context()
	newest := []domain.ID{oldestFirst[2], oldestFirst[1], oldestFirst[0]}
	for what, c := range map[string]struct{ got, want []domain.ID }{
		"of the case, oldest first":    {ids(l.store.NotesOfCase(ctx, applicationID)), oldestFirst},
		"of the case, the first page":  {ids(l.store.LoanNotes(ctx, applicationID, domain.Page{Limit: 2})), newest[:2]},
		"of the case, the second page": {ids(l.store.LoanNotes(ctx, applicationID, domain.Page{Limit: 2, After: newest[1]})), newest[2:]},
		"of the borrower":              {ids(l.store.NotesOfBorrower(ctx, borrowerID)), newest},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			l.t.Errorf("notes %s (-want +got):\n%s", what, diff)
		}
	}
}

// wantNoteSavedOnce reverses a part of a note, replaces its schedule, and saves it a second time from the version before.
func (l *ledger) wantNoteSavedOnce(r loan.NoteRecord) {
	l.t.Helper()
	ctx := l.t.Context()
	by := domain.Actor{ID: ledgerOfficer, Name: "员工", Role: domain.RoleSystem, BranchID: r.BranchID}
	plan := []loan.Instalment{{Number: 1, DueOn: lastDay, Days: 31, Interest: money.Fen(9), Total: money.Fen(9)}}
	var want loan.NoteRecord
	save := func() error {
		note, err := loan.RestoreNote(r)
		l.must(err)
		event, err := note.Reverse(by, lastTime, money.Fen(1), loan.Standing{UnpaidFrom: lastDay, DaysPastDueMax: 3, Late: []loan.Lateness{{Days: 3, Until: lastDay}}})
		l.must(err)
		return l.store.Update(ctx, func(tx origination.Tx) error {
			if err := tx.ReplaceNoteInstalments(ctx, note, plan); err != nil {
				return err
			}
			want = note.Record()
			return tx.SaveLoanNote(ctx, note, event)
		})
	}
	l.must(save())
	got, err := l.store.LoanNote(ctx, ledgerEverything, r.ID)
	l.must(err)
	read, err := l.store.NoteInstalments(ctx, r.ID)
	l.must(err)
	if diff := cmp.Diff(want, got) + cmp.Diff(plan, read); diff != "" {
		l.t.Errorf("note after a reversal (-saved +read):\n%s", diff)
	}
	plan = nil
	if err := save(); domain.CodeOf(err) != "stale-version" {
		l.t.Errorf("saved from the version before: got %v, want stale-version", err)
	}
	if read, err := l.store.NoteInstalments(ctx, r.ID); err != nil || len(read) != 1 {
		l.t.Errorf("the refused save left %d instalments (%v), want the one before", len(read), err)
	}
}

// wantRepaymentsKept holds that the core system's numbers count once for ever.
func (l *ledger) wantRepaymentsKept(n, other loan.NoteRecord) {
	l.t.Helper()
	ctx := l.t.Context()
	first, most := ledgerRepayment(l.newID(), n, "HX-1"), ledgerRepayment(l.newID(), n, strings.Repeat("还", loan.RepaymentNoMax))
	most.Principal, most.Interest, most.PaidOn, most.ReceivedAt = mostMoney, mostMoney, lastDay, lastTime
	l.must(l.tryRepayment(first))
	l.must(l.tryRepayment(most))
	if err := l.tryRepayment(ledgerRepayment(l.newID(), other, "HX-1")); domain.CodeOf(err) != "repayment-no-reused" {
		l.t.Errorf("a number again for another note: got %v, want repayment-no-reused", err)
	}
	l.must(l.tryRepayment(ledgerRepayment(l.newID(), other, "hx-1"))) // another number: the core system tells capitals apart
	undo := func(r loan.RepaymentRecord, reversalNo string) (loan.RepaymentRecord, error) {
		r.Status, r.ReversalNo, r.ReversedOn, r.ReversedAt = loan.RepaymentReversed, reversalNo, lastDay, lastTime
		r.Version++
		return r, l.store.Update(ctx, func(tx origination.Tx) error {
			return tx.SaveRepayment(ctx, r, lineEvent(loan.SubjectRepayment, r.ID, r.ApplicationID, r.BranchID, r.Version))
		})
	}
	undone, err := undo(first, strings.Repeat("冲", loan.RepaymentNoMax))
	l.must(err)
	if _, err := undo(first, "CZ-2"); domain.CodeOf(err) != "stale-version" {
		l.t.Errorf("undone from the version before: got %v, want stale-version", err)
	}
	if _, err := undo(most, undone.ReversalNo); domain.CodeOf(err) != "repayment-no-reused" {
		l.t.Errorf("a reversal's number again: got %v, want repayment-no-reused", err)
	}
	got, err := l.store.Repayments(ctx, n.ID)
	l.must(err)
	if diff := cmp.Diff([]loan.RepaymentRecord{undone, most}, got); diff != "" {
		l.t.Errorf("repayments (-stored +read):\n%s", diff)
	}
	byNo, err := l.store.RepaymentByNo(ctx, most.RepaymentNo)
	l.must(err)
	if diff := cmp.Diff(most, byNo); diff != "" {
		l.t.Errorf("repayment by its number (-stored +read):\n%s", diff)
	}
	if _, err := l.store.RepaymentByNo(ctx, "HX-9"); domain.CodeOf(err) != "repayment-not-found" {
		l.t.Errorf("an unknown number: got %v, want repayment-not-found", err)
	}
}
