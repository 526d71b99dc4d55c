package repository

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"gorm.io/gorm"
)

// ErrKeyset says that the store's keyset is not the one that the personal data in the database is kept under.
var ErrKeyset = errors.New("the keyset does not belong to this database: set FUMIN_KEYSET (or FUMIN_KEYSET_FILE) to the one it was first started with; a rotated keyset must still hold the old keys")

// keysetCheckRow is the one row of keyset_checks.
type keysetCheckRow struct {
	Number     int `gorm:"primaryKey;autoIncrement:false"`
	Sealed     []byte
	BlindIndex []byte
}

func (keysetCheckRow) TableName() string { return "keyset_checks" }

const (
	keysetCheckNumber = 1
	keysetCheckColumn = "keyset_checks.sealed"
	keysetCheckText   = "fumin keyset check"
)

// CheckKeyset returns ErrKeyset when the store's keyset is not the database's. With another one nothing fails at first:
// numbers of before do not decrypt, and a person already registered is not found and gets a second file, because the blind
// index differs. The first store to ask writes what later ones are held against. A keyset passes while it still holds, for
// both purposes, a key that the row was written under.
func (s *Store) CheckKeyset(ctx context.Context) error {
	row, err := s.keysetCheck(ctx)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		if err := s.writeKeysetCheck(ctx); err != nil {
			return translate(ctx, err)
		}
		row, err = s.keysetCheck(ctx) // another node may have been first
	}
	if err != nil {
		return translate(ctx, err)
	}
	if text, err := s.cipher.open(keysetCheckColumn, "", row.Sealed); err != nil || text != keysetCheckText {
		return ErrKeyset
	}
	indexes, err := s.cipher.blinds(keysetCheckColumn, keysetCheckText)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(indexes, func(index []byte) bool { return bytes.Equal(index, row.BlindIndex) }) {
		return ErrKeyset
	}
	return nil
}

func (s *Store) keysetCheck(ctx context.Context) (row keysetCheckRow, err error) {
	err = s.db.WithContext(ctx).Where("number = ?", keysetCheckNumber).Take(&row).Error
	return row, err
}

// writeKeysetCheck leaves a row that is there already as it is.
func (s *Store) writeKeysetCheck(ctx context.Context) error {
	sealed, err := s.cipher.seal(keysetCheckColumn, "", keysetCheckText)
	if err != nil {
		return err
	}
	index, err := s.cipher.blind(keysetCheckColumn, keysetCheckText)
	if err != nil {
		return err
	}
	err = s.db.WithContext(ctx).Create(&keysetCheckRow{Number: keysetCheckNumber, Sealed: sealed, BlindIndex: index}).Error
	if isDuplicate(err, "PRIMARY") {
		return nil
	}
	return err
}
