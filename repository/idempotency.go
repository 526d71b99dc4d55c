package repository

import (
	"context"
	"time"

	"fumin/domain"
	"fumin/domain/origination"
)

type idempotencyKeyRow struct {
	ActorID        domain.ID `gorm:"primaryKey"`
	IdempotencyKey string    `gorm:"primaryKey"`
	Fingerprint    string
	ResultID       domain.ID
	CreatedAt      time.Time
}

func (idempotencyKeyRow) TableName() string { return "idempotency_keys" }

// ClaimIdempotencyKey implements origination.IdempotencyWriter with a plain INSERT: a second caller with the same key waits
// on the unique key until the first has committed, and then finds its result.
func (t *tx) ClaimIdempotencyKey(ctx context.Context, actorID domain.ID, key origination.Idempotency, resultID domain.ID, at time.Time) (prior domain.ID, err error) {
	row := idempotencyKeyRow{ActorID: actorID, IdempotencyKey: key.Key, Fingerprint: key.Fingerprint, ResultID: resultID, CreatedAt: at}
	err = t.db.WithContext(ctx).Create(&row).Error
	if err == nil {
		return "", nil
	}
	if !isDuplicate(err, "PRIMARY") {
		return "", err
	}

	var claimed idempotencyKeyRow
	err = t.db.WithContext(ctx).Where("actor_id = ? AND idempotency_key = ?", actorID, key.Key).Take(&claimed).Error
	if err != nil {
		return "", err
	}
	if claimed.Fingerprint != key.Fingerprint {
		return "", domain.Errorf(domain.KindRule, "idempotency-key-reused", "这个幂等键已用于另一个请求，请为新的请求换一个新的键")
	}
	return claimed.ResultID, nil
}

// DeleteIdempotencyKeys implements origination.IdempotencyWriter.
func (t *tx) DeleteIdempotencyKeys(ctx context.Context, before time.Time, limit int) (deleted int, err error) {
	result := t.db.WithContext(ctx).Exec("DELETE FROM idempotency_keys WHERE created_at < ? ORDER BY created_at LIMIT ?", before, limit)
	return int(result.RowsAffected), result.Error
}
