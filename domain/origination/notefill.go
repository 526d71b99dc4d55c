package origination

import (
	"context"
	"fmt"
	"slices"
	"time"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
)

// fillNotesPage is how many lines are looked up at once.
const fillNotesPage = 200

// FillNotes writes the loan notes of payments that arrived before there were lines (补出借据), each with the schedule that arriving
// would have made, from the day on which the payment was booked. The lines are those that the migration marked; each is a
// transaction of its own and loses its mark in it, so that any number of nodes may do this, and again. One that fails is told to
// failed, keeps its mark and does not keep the others waiting. It returns how many lines were done.
func (s *Lines) FillNotes(ctx context.Context, by domain.Actor, failed func(applicationID domain.ID, err error)) (filled int, err error) {
	for after := domain.ID(""); ; {
		marked, err := s.store.LinesWithoutNotes(ctx, after, fillNotesPage)
		if err != nil || len(marked) == 0 {
			return filled, err
		}
		after = marked[len(marked)-1]
		for _, id := range marked {
			if err := ctx.Err(); err != nil {
				return filled, fmt.Errorf("write missing loan notes: %w", err)
			}
			done, err := s.fillNotes(ctx, by, id)
			if err != nil {
				failed(id, err)
			}
			if done {
				filled++
			}
		}
	}
}

// fillNotes does one line; done says that it was this call that did.
func (s *Lines) fillNotes(ctx context.Context, by domain.Actor, applicationID domain.ID) (done bool, err error) {
	now := s.now()
	everything := domain.Scope{Everything: true}
	err = s.store.Update(ctx, func(tx Tx) error {
		done = false
		if _, err := tx.LockApplication(ctx, everything, applicationID); err != nil {
			return err
		}
		line, err := tx.LockLine(ctx, everything, applicationID)
		if err != nil || !line.Record().NotesMissing { // another node has done it
			return err
		}
		contract, err := tx.Contract(ctx, everything, applicationID)
		if err != nil {
			return err
		}
		disbursements, err := tx.DisbursementsOfCase(ctx, applicationID)
		if err != nil {
			return err
		}
		notes, err := tx.NotesOfCase(ctx, applicationID)
		if err != nil {
			return err
		}
		for _, d := range disbursements {
			for _, a := range arrivalsWithoutNotes(d, notes) {
				if err := fillNote(ctx, tx, by, now, line, contract, a); err != nil {
					return err
				}
			}
		}
		event, err := line.FillNotes(by, now)
		if err != nil {
			return err
		}
		done = true
		return tx.SaveLine(ctx, line, event)
	})
	return done && err == nil, err
}

// pastArrival is what arrived of a disbursement on one day, and what of that came back.
type pastArrival struct {
	arrival

	Reversed money.Amount
}

// arrivalsWithoutNotes are what arrived of a disbursement, by day, the first first, without what has its note. What came back is
// taken off the latest of them first, as reverseOnLine does.
func arrivalsWithoutNotes(d loan.DisbursementRecord, notes []loan.NoteRecord) []pastArrival {
	transfers := slices.DeleteFunc(slices.Clone(d.Transfers), func(t loan.TransferRecord) bool { return t.Status != loan.TransferSucceeded })
	slices.SortStableFunc(transfers, func(a, b loan.TransferRecord) int { return a.SettledAt.Compare(b.SettledAt) })
	written := map[domain.Date]bool{}
	var cameBack money.Amount
	for _, n := range notes {
		if n.DisbursementID == d.ID {
			written[n.StartsOn], cameBack = true, cameBack.Sub(n.Reversed)
		}
	}
	var missing []pastArrival
	for _, t := range transfers {
		cameBack = cameBack.Add(t.Reversed)
		on := domain.DateOf(t.SettledAt)
		switch last := len(missing) - 1; {
		case written[on]:
		case last >= 0 && missing[last].On == on:
			missing[last].Amount = missing[last].Amount.Add(t.Amount)
		default:
			missing = append(missing, pastArrival{arrival: arrival{
				ApplicationID: d.ApplicationID, DisbursementID: d.ID, TransferID: t.ID, Amount: t.Amount, On: on,
			}})
		}
	}
	for i := range slices.Backward(missing) {
		missing[i].Reversed = cameBack
		if cameBack.Cmp(missing[i].Amount) > 0 {
			missing[i].Reversed = missing[i].Amount
		}
		cameBack = cameBack.Sub(missing[i].Reversed)
	}
	return missing
}

// fillNote writes one note, and takes back from it what had come back. The line owes neither more nor less by it.
func fillNote(ctx context.Context, tx Tx, by domain.Actor, now time.Time, line *loan.Line, contract loan.Contract, a pastArrival) error {
	terms, err := termsOfNote(ctx, tx, contract, line.Record(), a.arrival)
	if err != nil {
		return err
	}
	rec, err := writeNote(ctx, tx, by, now, line, terms, a.arrival)
	if err != nil || a.Reversed.IsZero() {
		return err
	}
	return reverseOnNote(ctx, tx, by, now, terms, rec, a.Reversed)
}
