package origination

import (
	"context"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/loan"
)

// ApplicantReader reads the little of a borrower's file that opening and signing need. Submitting looks at the whole file.
type ApplicantReader interface {
	// Applicant returns where a borrower belongs, or "borrower-not-found".
	Applicant(ctx context.Context, scope domain.Scope, borrowerID domain.ID) (Applicant, error)
	// PayoutAccount returns the account that loans to the borrower are paid to; false when none is chosen or it is not
	// verified. The application it is asked for has been read within its scope.
	PayoutAccount(ctx context.Context, borrowerID domain.ID) (account borrower.Account, verified bool, err error)
}

// Applicant is where a borrower belongs.
type Applicant struct {
	ID          domain.ID
	BranchID    domain.ID
	HouseholdID domain.ID // zero for an organisation without one
	RegionCode  string    // the household's village, or where an organisation works
}

// payee is the borrower's own verified account (自主支付).
func payee(ctx context.Context, r Reader, borrowerID domain.ID) (loan.Payee, error) {
	account, verified, err := r.PayoutAccount(ctx, borrowerID)
	if err != nil {
		return loan.Payee{}, err
	}
	if !verified {
		return loan.Payee{}, domain.Errorf(domain.KindRule, "payout-account-missing",
			"借款人还没有已核验的收款账户：请先登记并核验本人账户，再登记合同")
	}
	return loan.Payee{AccountName: account.AccountName, Account: account.Number, BankName: account.BankName}, nil
}
