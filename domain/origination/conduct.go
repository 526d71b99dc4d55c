package origination

import (
	"context"

	"fumin/domain"
	"fumin/domain/decision"
	"fumin/domain/loan"
	"fumin/domain/product"
)

// conductFacts are how the borrower paid before (履约情况). Who never signed anything has settled nothing and owes nothing,
// which is known. Of whoever has signed cases the notes and repayments tell.
func conductFacts(ctx context.Context, r Reader, f *decision.Facts, rec loan.Record) error {
	cases, err := r.Exposures(ctx, domain.Scope{Everything: true}, ExposureUnit{product.ExposureBorrower, rec.BorrowerID})
	if err != nil {
		return err
	}
	for _, c := range cases { // at most ExposuresMax
		if c.State == ExposureCommitted {
			return nil
		}
	}
	f.LoansSettled, f.DaysPastDueMax, f.OverdueNow = decision.Known(0), decision.Known(0), decision.Known(false)
	return nil
}
