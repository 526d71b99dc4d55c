package origination

import (
	"context"
	"time"

	"fumin/domain"
	"fumin/domain/borrower"
)

// CreateHousehold asks for a new household of its head. ID may be the client's own (a tablet offline makes it).
type CreateHousehold struct {
	ID           domain.ID
	VillageCode  borrower.RegionCode
	Address      borrower.Address
	HeadName     borrower.Name
	HeadIDNumber borrower.IDNumber
}

// householdPointers are where the parts of a new household stand in the request.
var householdPointers = []pointerMove{{"/members/0", "/head"}, {"/head_id", "/head"}}

// CheckHousehold names all that is wrong with a household as it would be created now, and stores nothing. A client's
// request is answered with it together with what its parsers found.
func (s *Borrowers) CheckHousehold(by domain.Actor, cmd CreateHousehold) error {
	if err := by.Require(domain.RoleLoanOfficer); err != nil {
		return err
	}
	return movePointers(s.newHousehold(by, cmd, s.now()).Validate(), householdPointers)
}

func (s *Borrowers) newHousehold(by domain.Actor, cmd CreateHousehold, now time.Time) borrower.Household {
	if cmd.ID.IsZero() {
		cmd.ID = s.newID()
	}
	h := borrower.NewHousehold(cmd.ID, by.BranchID, cmd.VillageCode, cmd.Address, s.newID(), cmd.HeadName, cmd.HeadIDNumber, now)
	h.Version = 1
	return h
}

// CreateHousehold puts a household on file at the officer's branch (农户建档). One person is in one household at a time:
// a head who is in another is refused with "person-in-household" or, when the caller may not see that one,
// "person-known-elsewhere". replayed says that this key had created it before.
func (s *Borrowers) CreateHousehold(ctx context.Context, by domain.Actor, key Idempotency, cmd CreateHousehold) (created borrower.Household, replayed bool, err error) {
	if err := by.Require(domain.RoleLoanOfficer); err != nil {
		return borrower.Household{}, false, err
	}
	now := s.now()
	household := s.newHousehold(by, cmd, now)
	if err := movePointers(household.Validate(), householdPointers); err != nil {
		return borrower.Household{}, false, err
	}
	event := s.householdEvent(by, now, household, BorrowerCreated)

	err = s.store.Update(ctx, func(tx Tx) error {
		prior, err := tx.ClaimIdempotencyKey(ctx, by.ID, key, household.ID, now)
		if err != nil {
			return err
		}
		if !prior.IsZero() {
			created, err = tx.Household(ctx, by.Scope(), prior)
			replayed = true
			return err
		}
		if err := refuseKnownMember(ctx, tx, by, cmd.HeadIDNumber); err != nil {
			return err
		}
		err = tx.InsertHousehold(ctx, household, event)
		if domain.CodeOf(err) == "person-in-household" { // another was faster, and has committed
			return either(refuseKnownMember(ctx, tx, by, cmd.HeadIDNumber), err)
		}
		if err != nil {
			return err
		}
		created, replayed = household, false
		return nil
	})
	return created, replayed, err
}

// refuseKnownMember says in which household a person is, if in any, as far as the caller may know.
func refuseKnownMember(ctx context.Context, r Reader, by domain.Actor, number borrower.IDNumber) error {
	known, err := r.KnownMember(ctx, by.Scope(), number)
	switch {
	case err != nil:
		return err
	case known == nil:
		return nil
	case known.Visible:
		return domain.Errorf(domain.KindConflict, "person-in-household",
			"此人已是另一户的成员（户编号 %s），一人同时只能在一户；请使用该户，或先办理迁出", known.ID)
	}
	return domain.Errorf(domain.KindConflict, "person-known-elsewhere", "此人已是其他机构所建农户的成员，请联系%s办理", known.BranchName)
}

// either returns the error that says more, or the other where there is none.
func either(precise, general error) error {
	if precise != nil {
		return precise
	}
	return general
}

// Household returns one household in the actor's scope.
func (s *Borrowers) Household(ctx context.Context, by domain.Actor, id domain.ID) (borrower.Household, error) {
	return s.store.Household(ctx, by.Scope(), id)
}

// Households lists households in the actor's scope, newest first.
func (s *Borrowers) Households(ctx context.Context, by domain.Actor, filter HouseholdFilter, page domain.Page) ([]borrower.Household, error) {
	return s.store.Households(ctx, by.Scope(), filter, page)
}
