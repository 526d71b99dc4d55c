package origination

import (
	"context"

	"fumin/domain"
	"fumin/domain/loan"
)

// ObligationReader reads what borrowers owe after a payment (用途凭证).
type ObligationReader interface {
	// Obligation returns one, or "obligation-not-found".
	Obligation(ctx context.Context, scope domain.Scope, id domain.ID) (loan.ObligationRecord, error)
	// OverdueObligation returns the obligation of a case that was due first, before the day, and is not fulfilled; false when
	// there is none. The application has been read within its scope.
	OverdueObligation(ctx context.Context, applicationID domain.ID, on domain.Date) (o loan.ObligationRecord, found bool, err error)
	// Obligations lists a page, newest first.
	Obligations(ctx context.Context, scope domain.Scope, filter ObligationFilter, page domain.Page) ([]loan.ObligationRecord, error)
}

// ObligationWriter writes obligations. The event of a fulfilment is one of the disbursement; they begin with its settlement.
type ObligationWriter interface {
	// InsertObligation stores a new one.
	InsertObligation(ctx context.Context, o loan.ObligationRecord) error
	// SaveObligation stores its fulfilment; "stale-version" when it was fulfilled before.
	SaveObligation(ctx context.Context, o loan.ObligationRecord) error
}

// ObligationFilter narrows a list; zero fields do not.
type ObligationFilter struct {
	Open  bool        // not fulfilled
	DueBy domain.Date // due on this day or before
}

// Obligations lists what borrowers of the actor's scope owe after a payment, newest first.
func (s *Disbursements) Obligations(ctx context.Context, by domain.Actor, filter ObligationFilter, page domain.Page) ([]loan.ObligationRecord, error) {
	return s.store.Obligations(ctx, by.Scope(), filter, page)
}

// FulfilEvidence records what proves the use of the money of a payment (补交用途凭证).
func (s *Disbursements) FulfilEvidence(ctx context.Context, by domain.Actor, id domain.ID, evidence loan.Evidence) (fulfilled loan.ObligationRecord, err error) {
	now := s.now()
	err = s.store.Update(ctx, func(tx Tx) error {
		found, err := tx.Obligation(ctx, by.Scope(), id)
		if err != nil {
			return err
		}
		_, d, err := lockDisbursement(ctx, tx, by, found.DisbursementID)
		if err != nil {
			return err
		}
		if found, err = tx.Obligation(ctx, by.Scope(), id); err != nil { // as it is under the lock
			return err
		}
		done, events, err := d.FulfilEvidence(by, now, found, evidence)
		if err != nil {
			return err
		}
		if err := tx.SaveDisbursement(ctx, d, events); err != nil {
			return err
		}
		if err := tx.SaveObligation(ctx, done); err != nil {
			return err
		}
		fulfilled = done
		return nil
	})
	return fulfilled, err
}
