package repository

import (
	"context"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/origination"
)

// Applicant implements origination.ApplicantReader.
func (r reader) Applicant(ctx context.Context, scope domain.Scope, borrowerID domain.ID) (origination.Applicant, error) {
	var row borrowerRow
	err := borrowersInScope(r.db.WithContext(ctx), scope).Select("id", "branch_id", "household_id", "area_code").
		Where("borrowers.id = ?", borrowerID).Take(&row).Error
	if isNotFound(err) {
		return origination.Applicant{}, errBorrowerNotFound()
	}
	if err != nil {
		return origination.Applicant{}, translateRead(ctx, err)
	}
	return origination.Applicant{ID: row.ID, BranchID: row.BranchID, HouseholdID: row.HouseholdID.ID, RegionCode: row.AreaCode}, nil
}

// PayoutAccount implements origination.ApplicantReader.
func (r reader) PayoutAccount(ctx context.Context, borrowerID domain.ID) (account borrower.Account, verified bool, err error) {
	var row bankAccountRow
	err = r.db.WithContext(ctx).
		Where("id = (SELECT borrowers.payout_account_id FROM borrowers WHERE borrowers.id = ?)", borrowerID).Take(&row).Error
	if isNotFound(err) {
		return borrower.Account{}, false, nil
	}
	if err != nil {
		return borrower.Account{}, false, translateRead(ctx, err)
	}
	account, err = r.cipher.accountFromRow(row)
	return account, err == nil && account.Verified(), err
}
