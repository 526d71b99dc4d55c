package repository

import (
	"context"

	"gorm.io/gorm"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/origination"
)

// BorrowersQuery returns the query of one page of borrowers, as Borrowers sends it.
func BorrowersQuery(ctx context.Context, s *Store, scope domain.Scope, f origination.BorrowerFilter, page domain.Page) (sql string, args []any, err error) {
	query, err := s.borrowersPage(ctx, s.db.WithContext(ctx).Session(&gorm.Session{DryRun: true}), scope, f, page)
	if err != nil {
		return "", nil, err
	}
	statement := query.Find(&[]borrowerRow{}).Statement
	return statement.SQL.String(), statement.Vars, nil
}

// HouseholdsQuery returns the query of one page of households, as Households sends it.
func HouseholdsQuery(ctx context.Context, s *Store, scope domain.Scope, f origination.HouseholdFilter, page domain.Page) (sql string, args []any, err error) {
	query, err := s.householdsPage(ctx, s.db.WithContext(ctx).Session(&gorm.Session{DryRun: true}), scope, f, page)
	if err != nil {
		return "", nil, err
	}
	statement := query.Find(&[]householdRow{}).Statement
	return statement.SQL.String(), statement.Vars, nil
}

// Successor is the end of the range of names that begin with a prefix.
var Successor = successor

// bulkRows is how many rows one statement of LoadBorrowers inserts.
const bulkRows = 500

// LoadBorrowers inserts many households with their borrowers at once, as a script that fills a database does: row by row,
// as the service does it, would take minutes.
func LoadBorrowers(ctx context.Context, s *Store, households []borrower.Household, borrowers []borrower.Borrower, village borrower.RegionCode) error {
	var roots []householdRow
	var members []householdMemberRow
	for _, h := range households {
		row, more, err := s.cipher.householdToRows(h)
		if err != nil {
			return err
		}
		roots, members = append(roots, row), append(members, more...)
	}
	var people []borrowerRow
	var phones []borrowerPhoneRow
	for _, b := range borrowers {
		rows, err := s.cipher.borrowerToRows(b, village.String())
		if err != nil {
			return err
		}
		people, phones = append(people, rows.root), append(phones, rows.phones...)
	}
	db := s.db.WithContext(ctx)
	for _, insert := range []func() error{
		func() error { return db.CreateInBatches(roots, bulkRows).Error },
		func() error { return db.CreateInBatches(members, bulkRows).Error },
		func() error { return db.CreateInBatches(people, bulkRows).Error },
		func() error { return db.CreateInBatches(phones, bulkRows).Error },
	} {
		if err := insert(); err != nil {
			return err
		}
	}
	return nil
}
