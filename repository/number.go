package repository

import (
	"context"

	"gorm.io/gorm/clause"
)

type numberBlockRow struct {
	Series     string `gorm:"primaryKey"`
	NextNumber int64
}

func (numberBlockRow) TableName() string { return "number_blocks" }

// ReserveNumbers implements origination.NumberReserver in a transaction of its own.
func (s *Store) ReserveNumbers(ctx context.Context, series string, count int) (first int64, err error) {
	err = s.update(ctx, func(t *tx) error {
		first, err = t.reserveNumbers(ctx, series, count)
		return err
	})
	return first, err
}

func (t *tx) reserveNumbers(ctx context.Context, series string, count int) (first int64, err error) {
	var row numberBlockRow
	err = t.db.WithContext(ctx).Clauses(clause.Locking{Strength: "UPDATE"}).Where("series = ?", series).Take(&row).Error
	if isNotFound(err) {
		// Two nodes may both find no row; the one whose INSERT comes second waits, is told of the duplicate, and locks.
		row = numberBlockRow{Series: series, NextNumber: 1 + int64(count)}
		err = t.db.WithContext(ctx).Create(&row).Error
		if err == nil {
			return 1, nil
		}
		if !isDuplicate(err, "PRIMARY") {
			return 0, err
		}
		err = t.db.WithContext(ctx).Clauses(clause.Locking{Strength: "UPDATE"}).Where("series = ?", series).Take(&row).Error
	}
	if err != nil {
		return 0, err
	}
	err = t.db.WithContext(ctx).Model(&numberBlockRow{}).Where("series = ?", series).Update("next_number", row.NextNumber+int64(count)).Error
	return row.NextNumber, err
}
