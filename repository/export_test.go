package repository

import (
	"context"

	"gorm.io/gorm"

	"fumin/domain"
	"fumin/domain/origination"
	"fumin/domain/report"
	"fumin/domain/staff"
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

// InsertDecisions stores many decisions in few statements, as a loader of test data does.
func InsertDecisions(ctx context.Context, s *Store, decisions []origination.Decision) error {
	t := &tx{s.reader}
	rows := make([]decisionRow, len(decisions))
	for i, d := range decisions {
		row, err := t.decisionToRow(d)
		if err != nil {
			return err
		}
		rows[i] = row
	}
	return s.db.WithContext(ctx).CreateInBatches(rows, 200).Error
}

// ExceptionRows are the cells of the report of exceptions with at most so many of each kind.
func ExceptionRows(ctx context.Context, s *Store, q report.Query, branch staff.Branch, most int) (rows [][]string, err error) {
	_, err = exceptionsUpTo(most).rows(ctx, s.reader, q, branch, "", 100, func(_ string, cells []string) error {
		rows = append(rows, cells)
		return nil
	})
	return rows, err
}
