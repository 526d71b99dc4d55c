package origination

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/product"
	"fumin/domain/schedule"
)

// LoanNoteFile is a note with its schedule and its repayments.
type LoanNoteFile struct {
	Note        loan.NoteRecord
	Instalments []loan.Instalment
	Repayments  []loan.RepaymentRecord
}

// LoanNotes lists a page of the notes of a case in the actor's scope, newest first.
func (s *Lines) LoanNotes(ctx context.Context, by domain.Actor, applicationID domain.ID, page domain.Page) ([]loan.NoteRecord, error) {
	if _, err := s.store.Application(ctx, by.Scope(), applicationID); err != nil {
		return nil, err
	}
	return s.store.LoanNotes(ctx, applicationID, page)
}

// LoanNote returns one note in the actor's scope; the core system sees those it reports repayments of, which are all.
func (s *Lines) LoanNote(ctx context.Context, by domain.Actor, id domain.ID) (LoanNoteFile, error) {
	note, err := s.store.LoanNote(ctx, noteScope(by), id)
	if err != nil {
		return LoanNoteFile{}, err
	}
	instalments, err := s.store.NoteInstalments(ctx, id)
	if err != nil {
		return LoanNoteFile{}, err
	}
	repayments, err := s.store.Repayments(ctx, id)
	return LoanNoteFile{Note: note, Instalments: instalments, Repayments: repayments}, err
}

// arrival is money that has arrived (到账).
type arrival struct {
	ApplicationID  domain.ID
	DisbursementID domain.ID
	TransferID     domain.ID // which of its payees was paid
	Amount         money.Amount
	On             domain.Date // the day on which it arrived
}

// noteOnArrival records that money which was reserved has arrived: the line owes it, and a note with a schedule of its own,
// from this day on, says when it is repaid. What arrives later on the same day for the same disbursement goes on the same
// note. The caller holds the row of the application.
func noteOnArrival(ctx context.Context, tx Tx, by domain.Actor, now time.Time, a arrival) error {
	everything := domain.Scope{Everything: true}
	contract, err := tx.Contract(ctx, everything, a.ApplicationID)
	if err != nil {
		return err
	}
	line, err := tx.LockLine(ctx, everything, a.ApplicationID)
	if err != nil {
		return err
	}
	event, err := line.Draw(by, now, a.Amount)
	if err != nil {
		return err
	}
	terms, err := termsOfNote(ctx, tx, contract, line.Record(), a)
	if err != nil {
		return err
	}
	if err := writeOrGrow(ctx, tx, by, now, line, terms, a); err != nil {
		return err
	}
	return tx.SaveLine(ctx, line, event)
}

// noteTerms are what a note's schedule is made of beside its principal and first day.
type noteTerms struct {
	contract   loan.Contract
	signed     []loan.Instalment // the contract's plan, for the harvests
	termMonths int
	endsOn     domain.Date // nothing falls due later
}

func termsOfNote(ctx context.Context, tx Tx, contract loan.Contract, line loan.LineRecord, a arrival) (noteTerms, error) {
	terms := noteTerms{contract: contract, termMonths: contract.TermMonths, endsOn: line.EndsOn}
	draw, drawn, err := tx.Draw(ctx, a.DisbursementID)
	if err != nil {
		return noteTerms{}, err
	}
	if drawn {
		terms.termMonths = draw.TermMonths
	}
	if contract.RepaymentMethod == schedule.Seasonal {
		signed, err := tx.Instalments(ctx, domain.Scope{Everything: true}, a.ApplicationID)
		if err != nil {
			return noteTerms{}, err
		}
		terms.signed = signed
	}
	return terms, nil
}

func writeOrGrow(ctx context.Context, tx Tx, by domain.Actor, now time.Time, line *loan.Line, terms noteTerms, a arrival) error {
	notes, err := tx.NotesOfCase(ctx, a.ApplicationID)
	if err != nil {
		return err
	}
	if len(notes) >= loan.NotesOfCaseMax {
		return domain.Errorf(domain.KindConflict, "too-many-loan-notes", "一份合同最多 %d 张借据，请另签合同", loan.NotesOfCaseMax)
	}
	same := slices.IndexFunc(notes, func(n loan.NoteRecord) bool {
		return n.DisbursementID == a.DisbursementID && n.StartsOn == a.On
	})
	if same < 0 {
		_, err := writeNote(ctx, tx, by, now, line, terms, a)
		return err
	}
	note, err := loan.RestoreNote(notes[same])
	if err != nil {
		return err
	}
	// What came first may have been repaid or returned since the morning: the new schedule is of what stays lent.
	before := note.Record()
	plan, err := terms.plan(before.Lent().Add(a.Amount), a.On)
	if err != nil {
		return err
	}
	repaid, err := tx.Repayments(ctx, before.ID)
	if err != nil {
		return err
	}
	event, err := note.Grow(by, now, a.Amount, plan, loan.StandingOf(plan, loan.Renewed{}, repaid, domain.DateOf(now)))
	if err != nil {
		return err
	}
	if err := tx.ReplaceNoteInstalments(ctx, note, plan); err != nil {
		return err
	}
	return tx.SaveLoanNote(ctx, note, event)
}

// writeNote writes the first note of what arrived. The caller saves the line, which numbers it.
func writeNote(ctx context.Context, tx Tx, by domain.Actor, now time.Time, line *loan.Line, terms noteTerms, a arrival) (loan.NoteRecord, error) {
	plan, err := terms.plan(a.Amount, a.On)
	if err != nil {
		return loan.NoteRecord{}, err
	}
	note, event, err := loan.WriteNote(by, now, line, terms.contract, loan.NoteRecord{
		ID: loan.DerivedID(a.TransferID, "loan_note"), DisbursementID: a.DisbursementID, Amount: a.Amount, StartsOn: a.On,
	}, plan)
	if err != nil {
		return loan.NoteRecord{}, err
	}
	return note.Record(), tx.InsertLoanNote(ctx, note, plan, event)
}

// plan is the schedule of principal from a day on, at the contract's rate and method: monthly dates counted from that day,
// the last one not after the line's end. The guarantee company's fee is owed once under the contract and is in no note.
func (t noteTerms) plan(principal money.Amount, from domain.Date) ([]loan.Instalment, error) {
	c := t.contract
	terms := contractTerms(loan.Approval{Amount: principal, TermMonths: t.termMonths}, c.RepaymentMethod,
		c.AnnualRate, product.GuaranteeTier{}, from)
	dates := t.dueDates(from)
	switch c.RepaymentMethod {
	case schedule.Seasonal:
		terms.Seasonal = t.harvests(principal, from, dates[len(dates)-1])
		if len(terms.Seasonal) == 0 { // no harvest of the contract lies in the note's time: all is due at its end
			terms.Method, terms.DayCount = schedule.LumpSum, schedule.Actual360
			dates = dates[len(dates)-1:]
		} else { // monthly up to the last harvest, as in the contract: that is the end, though the term may be longer
			dates = nil
		}
	case schedule.LumpSum:
		dates = dates[len(dates)-1:]
	case schedule.EqualInstalment, schedule.EqualPrincipal, schedule.InterestOnlyBullet, schedule.FlatAddOn:
	}
	terms.Periods, terms.DueDates = 0, dates
	plan, err := schedule.Build(terms)
	if err != nil {
		return nil, err
	}
	instalments := make([]loan.Instalment, len(plan.Rows))
	for i, row := range plan.Rows {
		instalments[i] = loan.Instalment{
			Number: row.Number, DueOn: row.DueOn, Days: row.Days, OpeningBalance: row.OpeningBalance, Principal: row.Principal,
			Interest: row.Interest, Fees: row.Fees, Total: row.Total, ClosingBalance: row.ClosingBalance,
		}
	}
	return instalments, nil
}

// dueDates are monthly from the day, up to the term or the line's end, whichever is first. Money that arrives on or after the
// line's end is due the next day.
func (t noteTerms) dueDates(from domain.Date) []domain.Date {
	if !from.Before(t.endsOn) {
		return []domain.Date{from.AddDays(1)}
	}
	var dates []domain.Date
	for month := 1; month <= t.termMonths; month++ {
		due := from.AddMonths(month)
		if !due.Before(t.endsOn) {
			return append(dates, t.endsOn)
		}
		dates = append(dates, due)
	}
	return dates
}

// harvests are the contract's harvests after the day and up to the last one, each with its share of the principal. A draw that
// is shorter than its line is repaid from the harvests within its own term, whatever is harvested later.
func (t noteTerms) harvests(principal money.Amount, from, last domain.Date) []schedule.SeasonalInstalment {
	var due []domain.Date
	var weights []decimal.Decimal
	for _, i := range t.signed {
		if i.Principal.Sign() > 0 && i.DueOn.After(from) && !i.DueOn.After(last) {
			due, weights = append(due, i.DueOn), append(weights, i.Principal.Decimal())
		}
	}
	if len(due) == 0 {
		return nil
	}
	shares := principal.Allocate(weights)
	harvests := make([]schedule.SeasonalInstalment, 0, len(due))
	for i, amount := range shares {
		if amount.Sign() > 0 {
			harvests = append(harvests, schedule.SeasonalInstalment{DueOn: due[i], Amount: amount})
		}
	}
	return harvests
}

// reverseOnLine takes back money of a disbursement that had arrived and came back: the line and the disbursement's notes owe
// less, the latest note first, and the schedules are made anew. The caller holds the row of the application.
func reverseOnLine(ctx context.Context, tx Tx, by domain.Actor, now time.Time, applicationID, disbursementID domain.ID, amount money.Amount) error {
	line, err := changeLine(ctx, tx, applicationID, func(l *loan.Line) (loan.Event, error) { return l.Reverse(by, now, amount) })
	if err != nil {
		return err
	}
	contract, err := tx.Contract(ctx, domain.Scope{Everything: true}, applicationID)
	if err != nil {
		return err
	}
	terms, err := termsOfNote(ctx, tx, contract, line.Record(), arrival{ApplicationID: applicationID, DisbursementID: disbursementID})
	if err != nil {
		return err
	}
	notes, err := tx.NotesOfCase(ctx, applicationID)
	if err != nil {
		return err
	}
	// By the day, and on one day by the number: the ids of what was asked for at once are in no order.
	slices.SortFunc(notes, func(a, b loan.NoteRecord) int {
		return cmp.Or(a.StartsOn.Compare(b.StartsOn), strings.Compare(a.NoteNo, b.NoteNo))
	})
	left := amount
	for _, rec := range slices.Backward(notes) {
		part := rec.Outstanding()
		if rec.DisbursementID != disbursementID || part.IsZero() || left.IsZero() {
			continue
		}
		if part.Cmp(left) > 0 {
			part = left
		}
		if err := reverseOnNote(ctx, tx, by, now, terms, rec, part); err != nil {
			return err
		}
		left = left.Sub(part)
	}
	if !left.IsZero() {
		return domain.Errorf(domain.KindConflict, "line-amount-mismatch", "这笔放款的借据未还本金少于要冲正的 %s 元（差 %s 元），请先冲正还款", amount.Grouped(), left.Grouped())
	}
	return nil
}

func reverseOnNote(ctx context.Context, tx Tx, by domain.Actor, now time.Time, terms noteTerms, rec loan.NoteRecord, amount money.Amount) error {
	note, err := loan.RestoreNote(rec)
	if err != nil {
		return err
	}
	repaid, err := tx.Repayments(ctx, rec.ID)
	if err != nil {
		return err
	}
	var plan []loan.Instalment
	if lent := rec.Lent().Sub(amount); lent.Sign() > 0 {
		if plan, err = terms.plan(lent, rec.StartsOn); err != nil {
			return err
		}
	}
	renewed, err := renewedPart(ctx, tx, rec)
	if err != nil {
		return err
	}
	event, err := note.Reverse(by, now, amount, loan.StandingOf(plan, renewed, repaid, domain.DateOf(now)))
	if err != nil {
		return err
	}
	if err := tx.ReplaceNoteInstalments(ctx, note, plan); err != nil {
		return err
	}
	return tx.SaveLoanNote(ctx, note, event)
}
