package origination

import (
	"context"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
)

// ReversalReader reads reversals (冲正).
type ReversalReader interface {
	// Reversal returns one, or "reversal-not-found".
	Reversal(ctx context.Context, scope domain.Scope, id domain.ID) (loan.ReversalRecord, error)
	// Reversals lists a page, newest first.
	Reversals(ctx context.Context, scope domain.Scope, filter ReversalFilter, page domain.Page) ([]loan.ReversalRecord, error)
	// OpenReversals is the sum of a transfer's reversals that wait for their confirmation.
	OpenReversals(ctx context.Context, transferID domain.ID) (money.Amount, error)
	// ReversalOfReturn returns the transfer's reversal with the bank's number that was not rejected; zero when there is none.
	ReversalOfReturn(ctx context.Context, transferID domain.ID, channelReference string) (loan.ReversalRecord, error)
	// OpenReversalsOfCase is the sum of an application's reversals that wait for their confirmation.
	OpenReversalsOfCase(ctx context.Context, applicationID domain.ID) (money.Amount, error)
	// TransferCase returns the disbursement a transfer belongs to, or "transfer-not-found".
	TransferCase(ctx context.Context, scope domain.Scope, id domain.ID) (disbursementID domain.ID, err error)
}

// ReversalWriter writes reversals, each with its event.
type ReversalWriter interface {
	// InsertReversal stores a new one; "return-already-recorded" when the transfer has one with its number of the bank.
	InsertReversal(ctx context.Context, r *loan.Reversal, event loan.Event) error
	// SaveReversal refuses with "stale-version" when the stored version is not the one before r's, and with
	// "return-already-recorded" what stands twice from before there was one for each return.
	SaveReversal(ctx context.Context, r *loan.Reversal, event loan.Event) error
}

// ReversalFilter narrows a list; zero fields do not.
type ReversalFilter struct{ Status loan.ReversalStatus }

// RequestReversal says what of a transfer came back.
type RequestReversal struct {
	TransferID       domain.ID
	Amount           money.Amount
	Reason           string
	ChannelReference string // 退汇流水号
}

// RequestReversal asks that money that came back be booked (申请冲正). replayed says that this key had asked it before.
func (s *Disbursements) RequestReversal(ctx context.Context, by domain.Actor, key Idempotency, cmd RequestReversal) (requested loan.ReversalRecord, replayed bool, err error) {
	now, id := s.now(), s.newID()
	err = s.store.Update(ctx, func(tx Tx) error {
		disbursementID, err := tx.TransferCase(ctx, by.Scope(), cmd.TransferID)
		if err != nil {
			return err
		}
		_, d, err := lockDisbursement(ctx, tx, by, disbursementID)
		if err != nil {
			return err
		}
		prior, err := tx.ClaimIdempotencyKey(ctx, by.ID, key, id, now)
		if err != nil {
			return err
		}
		if !prior.IsZero() {
			requested, err = tx.Reversal(ctx, by.Scope(), prior)
			replayed = true
			return err
		}
		transfer, _ := d.Record().Transfer(cmd.TransferID)
		open, err := tx.OpenReversals(ctx, cmd.TransferID)
		if err != nil {
			return err
		}
		counted, err := tx.ReversalOfReturn(ctx, cmd.TransferID, cmd.ChannelReference)
		if err != nil {
			return err
		}
		r, event, err := loan.RequestReversal(by, now, transfer, open, counted, loan.ReversalRecord{
			ID: id, Amount: cmd.Amount, Reason: cmd.Reason, ChannelReference: cmd.ChannelReference,
		})
		if err != nil {
			return err
		}
		if err := tx.InsertReversal(ctx, r, event); err != nil {
			return err
		}
		requested, replayed = r.Record(), false
		return nil
	})
	return requested, replayed, err
}

// ConfirmReversal books the return, by a second person (确认冲正): the transfer is taken back by so much, and the line has it
// free again.
func (s *Disbursements) ConfirmReversal(ctx context.Context, by domain.Actor, id domain.ID) (loan.ReversalRecord, error) {
	return s.decideReversal(ctx, by, id, func(tx Tx, d *loan.Disbursement, r *loan.Reversal) (loan.Event, error) {
		now := s.now()
		event, err := r.Confirm(by, now)
		if err != nil {
			return event, err
		}
		rec := r.Record()
		taken, err := d.TakeBack(by, now, rec.TransferID, rec.Amount)
		if err != nil {
			return event, err
		}
		if err := tx.SaveDisbursement(ctx, d, taken); err != nil {
			return event, err
		}
		return event, reverseOnLine(ctx, tx, by, now, rec.ApplicationID, rec.DisbursementID, rec.Amount)
	})
}

// RejectReversal refuses a return that did not come, by a second person (驳回冲正).
func (s *Disbursements) RejectReversal(ctx context.Context, by domain.Actor, id domain.ID, reason string) (loan.ReversalRecord, error) {
	if err := checkReason(reason); err != nil {
		return loan.ReversalRecord{}, err
	}
	now := s.now()
	return s.decideReversal(ctx, by, id, func(_ Tx, _ *loan.Disbursement, r *loan.Reversal) (loan.Event, error) {
		return r.Reject(by, now, reason)
	})
}

func (s *Disbursements) decideReversal(ctx context.Context, by domain.Actor, id domain.ID,
	decide func(Tx, *loan.Disbursement, *loan.Reversal) (loan.Event, error),
) (decided loan.ReversalRecord, err error) {
	err = s.store.Update(ctx, func(tx Tx) error {
		found, err := tx.Reversal(ctx, by.Scope(), id)
		if err != nil {
			return err
		}
		_, d, err := lockDisbursement(ctx, tx, by, found.DisbursementID)
		if err != nil {
			return err
		}
		if found, err = tx.Reversal(ctx, by.Scope(), id); err != nil { // as it is under the lock
			return err
		}
		r, err := loan.RestoreReversal(found)
		if err != nil {
			return err
		}
		event, err := decide(tx, d, r)
		if err != nil {
			return err
		}
		if err := tx.SaveReversal(ctx, r, event); err != nil {
			return err
		}
		decided = r.Record()
		return nil
	})
	return decided, err
}

// Reversal returns one reversal in the actor's scope.
func (s *Disbursements) Reversal(ctx context.Context, by domain.Actor, id domain.ID) (loan.ReversalRecord, error) {
	return s.store.Reversal(ctx, by.Scope(), id)
}

// Reversals lists reversals in the actor's scope, newest first.
func (s *Disbursements) Reversals(ctx context.Context, by domain.Actor, filter ReversalFilter, page domain.Page) ([]loan.ReversalRecord, error) {
	return s.store.Reversals(ctx, by.Scope(), filter, page)
}
