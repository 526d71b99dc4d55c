package repository

import (
	"context"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"fumin/domain"
)

// casesPage is the query of a page of applications or disbursements that scope may see, newest first, with a status or, when
// it is empty, with any. exact says that the caller narrows it to one borrower or one application, which have an index.
//
// The tables have the indexes ix_<table>_branch (branch_id, id), ix_<table>_status (branch_id, status, id) and ix_<table>_newest
// (status, id). Whoever has one branch is sent to the first two by name: left to itself MariaDB takes the branch from the
// index and not the page's key, so that the hundredth page would read the ninety-nine before it. Over several branches
// the server walks the primary key or the third, and drops the rows of others.
func (r reader) casesPage(ctx context.Context, table string, scope domain.Scope, status string, exact bool, page domain.Page) (*gorm.DB, error) {
	query, branches, err := r.listOfBranches(ctx, r.db.WithContext(ctx), table+".branch_id", table+".borrower_id", scope)
	if err != nil {
		return nil, err
	}
	if status != "" {
		query = query.Where(table+".status = ?", status)
	}
	if !page.After.IsZero() {
		query = query.Where(table+".id < ?", page.After)
	}
	if branches == 1 && !exact {
		index := "ix_" + table + "_branch"
		if status != "" {
			index = "ix_" + table + "_status"
		}
		query = query.Clauses(forceIndex(index))
	}
	return query.Order(table + ".id DESC").Limit(page.Limit), nil
}

// forceIndex names the index by which a query reads its table. It is a constant of this package and never input.
type forceIndex string

// ModifyStatement implements gorm.StatementModifier.
func (f forceIndex) ModifyStatement(statement *gorm.Statement) {
	from := statement.Clauses["FROM"]
	from.AfterExpression = clause.Expr{SQL: "FORCE INDEX (" + string(f) + ")"}
	statement.Clauses["FROM"] = from
}

// Build implements clause.Expression; all is done by ModifyStatement.
func (forceIndex) Build(clause.Builder) {}
