package origination

import (
	"context"

	"fumin/domain"
	"fumin/domain/decision"
	"fumin/domain/loan"
)

// conductFacts are how the borrower paid before (履约情况), from all notes and repayments of this lender. Who never had a loan has
// settled nothing and owes nothing, which is known.
func conductFacts(ctx context.Context, r Reader, f *decision.Facts, rec loan.Record) error {
	c, err := conductOf(ctx, r, rec.BorrowerID, f.EvaluatedOn)
	if err != nil {
		return err
	}
	f.LoansSettled, f.DaysPastDueMax, f.OverdueNow = decision.Known(c.LoansSettled), decision.Known(c.DaysPastDueMax), decision.Known(c.OverdueNow)
	return nil
}

// conductOf is how a borrower has kept to all notes of this lender, on a day.
func conductOf(ctx context.Context, r Reader, borrowerID domain.ID, day domain.Date) (loan.Conduct, error) {
	notes, err := r.NotesOfBorrower(ctx, borrowerID)
	if err != nil {
		return loan.Conduct{}, err
	}
	return loan.ConductOf(notes, day), nil
}
