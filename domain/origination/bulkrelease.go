package origination

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"fumin/domain"
	"fumin/domain/loan"
)

// BulkReleased is what became of one row of a bulk release (批量放行).
type BulkReleased struct {
	ID       domain.ID
	Released loan.DisbursementRecord // zero when it was refused
	Replayed bool                    // this key had released it before
	Refusal  *domain.Error           // nil when it was released
}

// ReleaseMany releases each disbursement by itself, in a transaction of its own, and says of each what became of it. The same
// key with the same list may be sent again: what was released stays so and says that it is a repetition. An error means that
// the rest was not tried.
func (s *Disbursements) ReleaseMany(ctx context.Context, by domain.Actor, key Idempotency, ids []domain.ID) ([]BulkReleased, error) {
	if err := by.Require(domain.RoleDisbursementOfficer); err != nil {
		return nil, err
	}
	if len(ids) == 0 || len(ids) > loan.BulkReleaseMax {
		return nil, domain.BadValue("out-of-range", "一次放行 1 至 %d 笔", loan.BulkReleaseMax)
	}
	rows := make([]BulkReleased, 0, len(ids))
	for _, id := range ids {
		row := BulkReleased{ID: id}
		released, replayed, err := s.Release(ctx, by, keyOfRow(key, id), id)
		refusal, isRefusal := errors.AsType[*domain.Error](err)
		switch {
		case err == nil:
			row.Released, row.Replayed = released, replayed
		case isRefusal && refusal.Kind != domain.KindInternal && ctx.Err() == nil:
			row.Refusal = refusal
		default:
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// keyOfRow is the key of one row: the client's key says the row, whatever else is in the list.
func keyOfRow(key Idempotency, id domain.ID) Idempotency {
	sum := sha256.Sum256([]byte("bulk-release\n" + key.Key + "\n" + id.String()))
	text := hex.EncodeToString(sum[:])
	return Idempotency{Key: text, Fingerprint: text}
}
