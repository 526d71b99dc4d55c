package repository

import (
	"gorm.io/gorm"

	"fumin/domain"
)

// inScope limits a query to the rows of table that scope may see (数据权限). It is the database's half of
// domain.Scope: what is out of scope is not in the result, so it reads as not found and is counted nowhere.
//
// table must have the columns branch_id and borrower_id; where they are named otherwise, see inScopeOf.
func inScope(db *gorm.DB, table string, scope domain.Scope) *gorm.DB {
	return inScopeOf(db, table+".branch_id", table+".borrower_id", scope)
}

// inScopeOf is inScope for a table that names its columns in its own way: in borrowers, the borrower is borrowers.id. The
// names are constants of this package and never input. An empty name says that the table has no such column: then
// that kind of scope sees none of its rows.
//
// A scope that names nothing, or more than one thing, is a mistake of the program; it sees nothing.
func inScopeOf(db *gorm.DB, branchColumn, borrowerColumn string, scope domain.Scope) *gorm.DB {
	byBranch, byBorrower := !scope.BranchID.IsZero(), !scope.BorrowerID.IsZero()
	switch {
	case scope.Everything && !byBranch && !byBorrower:
		return db
	case byBranch && !byBorrower && !scope.Everything && branchColumn != "":
		return db.Where(branchColumn+" IN (SELECT branch_ancestors.branch_id FROM branch_ancestors WHERE branch_ancestors.ancestor_id = ?)", scope.BranchID)
	case byBorrower && !byBranch && !scope.Everything && borrowerColumn != "":
		return db.Where(borrowerColumn+" = ?", scope.BorrowerID)
	}
	return db.Where("1 = 0")
}
