package borrower

import (
	"time"

	"fumin/domain"
)

// Retention is how long a borrower's file is kept after the last credit relation has ended (保存期限). The years are the
// lender's: the credit and anti-money-laundering rules name at least five from the end of the relation; configure them
// to your compliance office's reading.
type Retention struct {
	Years int // 0 to RetentionYearsMax
}

// RetentionYearsMax bounds Retention.Years.
const RetentionYearsMax = 50

// CreditRelation is what a borrower owes or has owed, or answers for, as origination finds it (信贷关系). The zero value is
// none: no application that went anywhere, no loan, no guarantee.
type CreditRelation struct {
	Open   bool        // something is still running
	EndsOn domain.Date // the last day of all, past or agreed; zero: none, or open without an agreed end
}

// ErasableFrom returns the first day on which the file may be anonymised: the zero date where there never was a relation,
// so that it may be at once. It is false where no day can be named, because a relation is open without an agreed end.
func (r Retention) ErasableFrom(relation CreditRelation) (domain.Date, bool) {
	switch {
	case !relation.EndsOn.IsZero():
		return relation.EndsOn.AddMonths(12 * min(max(r.Years, 0), RetentionYearsMax)), true
	case relation.Open:
		return domain.Date{}, false
	}
	return domain.Date{}, true
}

// CheckErasable refuses, with code borrower-retained, a borrower whose file must still be kept on the day, and names the
// date from which it is possible. While anything is open it is refused even where an agreed end lies behind the day: a
// loan that is overdue is not over.
func (r Retention) CheckErasable(relation CreditRelation, day domain.Date) error {
	from, known := r.ErasableFrom(relation)
	switch {
	case !known:
		return domain.Errorf(domain.KindRule, "borrower-retained", "该借款人有未结清的信贷关系，结清满 %d 年后才能匿名化", r.Years)
	case relation.Open && !day.Before(from):
		return domain.Errorf(domain.KindRule, "borrower-retained", "该借款人的信贷关系已到期未结清，结清满 %d 年后才能匿名化", r.Years)
	case day.Before(from):
		return domain.Errorf(domain.KindRule, "borrower-retained", "该借款人的信贷资料须保存，最早可于 %s 起匿名化", from)
	}
	return nil
}

// Anonymise returns the borrower without anything that leads to a person (匿名化): names, numbers, phones, addresses,
// accounts, licences and who stands behind an organisation. What statistics need stays: kind, region, branch, household
// and when the record was made. Consents stay without text of the person's: they prove that we were allowed to ask.
func (b Borrower) Anonymise(at time.Time) Borrower {
	if !b.AnonymisedAt.IsZero() {
		return b
	}
	return Borrower{
		ID: b.ID, Kind: b.Kind, HouseholdID: b.HouseholdID, RegionCode: b.RegionCode, BranchID: b.BranchID,
		OfficerID: b.OfficerID, Consents: b.Consents, Version: b.Version, CreatedAt: b.CreatedAt, AnonymisedAt: at,
	}
}

// AnonymiseMember returns the household without name and number of a person, in all his or her stays.
func (h Household) AnonymiseMember(id domain.ID, at time.Time) Household {
	h = h.copied()
	for i, member := range h.Members {
		if member.ID == id && member.AnonymisedAt.IsZero() {
			h.Members[i].Name, h.Members[i].IDNumber, h.Members[i].AnonymisedAt = Name{}, IDNumber{}, at
		}
	}
	return h
}
