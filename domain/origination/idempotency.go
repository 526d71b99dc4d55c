package origination

import (
	"context"
	"time"
)

// How long an idempotency key is remembered, and how many are forgotten in one transaction. A tablet that was offline for
// a month may still repeat what it sent before.
const (
	idempotencyKeyAgeMax = 60 * 24 * time.Hour
	idempotencyTidyBatch = 1000
)

// TidyIdempotencyKeys forgets keys older than sixty days, a batch at a time so that no transaction grows large, and returns
// how many. Workers call it from time to time.
func TidyIdempotencyKeys(ctx context.Context, store Store, at time.Time) (deleted int, err error) {
	for {
		batch := 0
		err := store.Update(ctx, func(tx Tx) error {
			batch, err = tx.DeleteIdempotencyKeys(ctx, at.Add(-idempotencyKeyAgeMax), idempotencyTidyBatch)
			return err
		})
		deleted += batch
		if err != nil || batch < idempotencyTidyBatch {
			return deleted, err
		}
	}
}
