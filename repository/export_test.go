package repository

import (
	"gorm.io/gorm"

	"fumin/domain"
	"fumin/domain/origination"
)

// What the tests outside this package need of its inside.

// Database returns the store's GORM handle.
func (s *Store) Database() *gorm.DB { return s.db }

// DatabaseOf returns the GORM handle of a transaction.
func DatabaseOf(t origination.Tx) *gorm.DB { return t.(*tx).db }

// Seal encrypts as a row's conversion does.
func (c *Cipher) Seal(column string, row domain.ID, text string) ([]byte, error) {
	return c.seal(column, row, text)
}

// CipherOf returns the store's cipher.
func CipherOf(s *Store) *Cipher { return s.cipher }

// UpdateAttemptsMax is how often a closure of Update may run.
const UpdateAttemptsMax = updateAttemptsMax
