package origination

import (
	"context"
	"slices"
	"strconv"
	"time"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/money"
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

// MembershipChange is what every change of a household's members says.
type MembershipChange struct {
	HouseholdID domain.ID
	On          domain.Date // the first day on which it is so; not in the future
	Reason      string
}

// JoinHousehold asks for a new member. MemberID may be the client's own.
type JoinHousehold struct {
	MembershipChange

	MemberID domain.ID
	Name     borrower.Name
	IDNumber borrower.IDNumber // absent while it is not known, as of a newborn
	Relation borrower.Relation
}

// CheckJoin names all that is wrong with a new member, and stores nothing.
func (s *Borrowers) CheckJoin(by domain.Actor, cmd JoinHousehold) error {
	if err := by.Require(domain.RoleLoanOfficer); err != nil {
		return err
	}
	var p domain.Problems
	p.Check("", checkMembership(cmd.MembershipChange, s.now()))
	p.Check("/id_number", cmd.IDNumber.CheckBornBy(orToday(cmd.On, s.now())))
	if cmd.Relation == borrower.RelationHead {
		p.Add("/relation", "household-head", "新成员不能直接登记为户主，请先加入再变更户主")
	}
	return p.Err()
}

func orToday(on domain.Date, now time.Time) domain.Date {
	if on.IsZero() {
		return domain.DateOf(now)
	}
	return on
}

// checkMembership refuses a change that has not happened yet: who is in a household, and so what it owes, is a matter of
// record and not of plans.
func checkMembership(c MembershipChange, now time.Time) error {
	var p domain.Problems
	if c.On.After(domain.DateOf(now)) {
		p.Add("/on", "in-the-future", "变动日期晚于今天，请在变动发生后登记")
	}
	p.Check("", checkReason(c.Reason))
	return p.Err()
}

// Join adds a member (成员加入). Somebody who is in another household is refused as in CreateHousehold.
func (s *Borrowers) Join(ctx context.Context, by domain.Actor, key Idempotency, cmd JoinHousehold) (changed borrower.Household, replayed bool, err error) {
	if err := s.CheckJoin(by, cmd); err != nil {
		return borrower.Household{}, false, err
	}
	if cmd.MemberID.IsZero() {
		cmd.MemberID = s.newID()
	}
	now := s.now()
	err = s.store.Update(ctx, func(tx Tx) error {
		prior, err := tx.ClaimIdempotencyKey(ctx, by.ID, key, cmd.MemberID, now)
		if err != nil {
			return err
		}
		if !prior.IsZero() {
			changed, err = tx.Household(ctx, by.Scope(), cmd.HouseholdID)
			replayed = true
			return err
		}
		before, err := tx.LockHousehold(ctx, by.Scope(), cmd.HouseholdID)
		if err != nil {
			return err
		}
		if _, present := before.MemberOn(cmd.IDNumber, domain.DateOf(now)); !present { // who is here already is refused by Join
			if err := refuseKnownMember(ctx, tx, by, cmd.IDNumber); err != nil {
				return err
			}
		}
		after, err := before.Join(borrower.Member{
			ID: cmd.MemberID, Name: cmd.Name, IDNumber: cmd.IDNumber, Relation: cmd.Relation,
		}, cmd.On, cmd.Reason)
		if err != nil {
			return err
		}
		after, err = s.saveHousehold(ctx, tx, by, now, after, MemberJoined, BorrowerNote{"member_id", cmd.MemberID.String()})
		if domain.CodeOf(err) == "person-in-household" { // another was faster, and has committed
			return either(refuseKnownMember(ctx, tx, by, cmd.IDNumber), err)
		}
		if err != nil {
			return err
		}
		if err := s.followMembers(ctx, tx, by, now, after); err != nil {
			return err
		}
		changed, replayed = after, false
		return nil
	})
	return changed, replayed, err
}

// saveHousehold checks the whole and stores it as its next version.
func (s *Borrowers) saveHousehold(ctx context.Context, tx Tx, by domain.Actor, now time.Time, h borrower.Household, action BorrowerAction, notes ...BorrowerNote) (borrower.Household, error) {
	h.Version++
	if err := h.Validate(); err != nil {
		return borrower.Household{}, err
	}
	return h, tx.SaveHousehold(ctx, h, s.householdEvent(by, now, h, action, notes...))
}

// followMembers makes the files of those who are in the household name it: exposure is counted by household.
func (s *Borrowers) followMembers(ctx context.Context, tx Tx, by domain.Actor, now time.Time, h borrower.Household) error {
	files, err := tx.BorrowersOutside(ctx, h)
	if err != nil {
		return err
	}
	for _, id := range files { // in the order of ids; at most borrower.ListMax
		b, err := tx.LockBorrower(ctx, domain.Scope{Everything: true}, id)
		if err != nil {
			return err
		}
		from := b.HouseholdID
		b.HouseholdID = h.ID
		b.Version++
		event := s.borrowerEvent(by, now, b, HouseholdFollowed, BorrowerNote{"from", from.String()}, BorrowerNote{"to", h.ID.String()})
		if err := tx.SaveBorrower(ctx, b, event); err != nil {
			return err
		}
	}
	return nil
}

// changeHousehold is the shape of every change of one household.
func (s *Borrowers) changeHousehold(ctx context.Context, by domain.Actor, c MembershipChange, action BorrowerAction, memberID domain.ID,
	do func(h borrower.Household) (borrower.Household, error),
) (changed borrower.Household, err error) {
	if err := by.Require(domain.RoleLoanOfficer); err != nil {
		return borrower.Household{}, err
	}
	now := s.now()
	if err := checkMembership(c, now); err != nil {
		return borrower.Household{}, err
	}
	err = s.store.Update(ctx, func(tx Tx) error {
		h, err := tx.LockHousehold(ctx, by.Scope(), c.HouseholdID)
		if err != nil {
			return err
		}
		if h, err = do(h); err != nil {
			return err
		}
		h, err = s.saveHousehold(ctx, tx, by, now, h, action, BorrowerNote{"member_id", memberID.String()})
		if err != nil {
			return err
		}
		changed = h
		return nil
	})
	return changed, err
}

// Leave ends a member's stay (成员离开).
func (s *Borrowers) Leave(ctx context.Context, by domain.Actor, c MembershipChange, memberID domain.ID) (borrower.Household, error) {
	return s.changeHousehold(ctx, by, c, MemberLeft, memberID, func(h borrower.Household) (borrower.Household, error) {
		return h.Leave(memberID, c.On, c.Reason)
	})
}

// ChangeHead makes another member the head (变更户主). Relations says what each other member is to the new head.
func (s *Borrowers) ChangeHead(ctx context.Context, by domain.Actor, c MembershipChange, memberID domain.ID, relations map[domain.ID]borrower.Relation) (borrower.Household, error) {
	return s.changeHousehold(ctx, by, c, HeadChanged, memberID, func(h borrower.Household) (borrower.Household, error) {
		return h.ChangeHead(memberID, relations, c.On, c.Reason)
	})
}

// SplitHousehold says who leaves to make a household of their own. NewID may be the client's own.
type SplitHousehold struct {
	MembershipChange

	NewID       domain.ID
	VillageCode borrower.RegionCode // zero: the same
	Address     borrower.Address    // zero: the same
	MemberIDs   []domain.ID
	HeadID      domain.ID
	Relations   map[domain.ID]borrower.Relation // to the new head
	LandIDs     []domain.ID                     // which land goes with them
}

// Split makes two households of one (分户). The files of those who leave follow them.
func (s *Borrowers) Split(ctx context.Context, by domain.Actor, key Idempotency, cmd SplitHousehold) (rest, made borrower.Household, replayed bool, err error) {
	none := borrower.Household{}
	if err := by.Require(domain.RoleLoanOfficer); err != nil {
		return none, none, false, err
	}
	now := s.now()
	if err := checkMembership(cmd.MembershipChange, now); err != nil {
		return none, none, false, err
	}
	if cmd.NewID.IsZero() {
		cmd.NewID = s.newID()
	}
	err = s.store.Update(ctx, func(tx Tx) error {
		prior, err := tx.ClaimIdempotencyKey(ctx, by.ID, key, cmd.NewID, now)
		if err != nil {
			return err
		}
		before, err := tx.LockHousehold(ctx, by.Scope(), cmd.HouseholdID)
		if err != nil {
			return err
		}
		if !prior.IsZero() {
			rest, replayed = before, true
			made, err = tx.Household(ctx, by.Scope(), prior)
			return err
		}
		remaining, split, err := before.Split(borrower.SplitOff{
			HouseholdID: cmd.NewID, VillageCode: cmd.VillageCode, Address: cmd.Address, MemberIDs: cmd.MemberIDs, HeadID: cmd.HeadID,
			Relations: cmd.Relations, LandIDs: cmd.LandIDs, On: cmd.On, Reason: cmd.Reason, At: now,
		})
		if err != nil {
			return err
		}
		split.Version = 1
		if err := split.Validate(); err != nil {
			return err
		}
		// Those who leave must have left before they are anywhere else.
		if remaining, err = s.saveHousehold(ctx, tx, by, now, remaining, HouseholdSplit, BorrowerNote{"household_id", split.ID.String()}); err != nil {
			return err
		}
		event := s.householdEvent(by, now, split, HouseholdSplit, BorrowerNote{"household_id", remaining.ID.String()})
		if err := tx.InsertHousehold(ctx, split, event); err != nil {
			return err
		}
		if err := s.followMembers(ctx, tx, by, now, split); err != nil {
			return err
		}
		rest, made, replayed = remaining, split, false
		return nil
	})
	return rest, made, replayed, err
}

// Merge puts everybody and all land of one household into another, and ends the first (并户). Relations says what each
// newcomer is to the head.
func (s *Borrowers) Merge(ctx context.Context, by domain.Actor, c MembershipChange, fromID domain.ID, relations map[domain.ID]borrower.Relation) (merged, ended borrower.Household, err error) {
	none := borrower.Household{}
	if err := by.Require(domain.RoleLoanOfficer); err != nil {
		return none, none, err
	}
	now := s.now()
	if err := checkMembership(c, now); err != nil {
		return none, none, err
	}
	err = s.store.Update(ctx, func(tx Tx) error {
		into, from, err := lockTwo(ctx, tx, by, c.HouseholdID, fromID)
		if err != nil {
			return err
		}
		if into, from, err = into.Merge(from, relations, c.On, c.Reason); err != nil {
			return err
		}
		if from, err = s.saveHousehold(ctx, tx, by, now, from, HouseholdMerged, BorrowerNote{"household_id", into.ID.String()}); err != nil {
			return err
		}
		if into, err = s.saveHousehold(ctx, tx, by, now, into, HouseholdMerged, BorrowerNote{"household_id", from.ID.String()}); err != nil {
			return err
		}
		if err := s.followMembers(ctx, tx, by, now, into); err != nil {
			return err
		}
		merged, ended = into, from
		return nil
	})
	return merged, ended, err
}

// lockTwo locks two households in the order of their ids, so that two mergers the other way round do not wait for each
// other.
func lockTwo(ctx context.Context, tx Tx, by domain.Actor, firstID, secondID domain.ID) (first, second borrower.Household, err error) {
	ids := []domain.ID{firstID, secondID}
	slices.Sort(ids)
	locked := map[domain.ID]borrower.Household{}
	for _, id := range ids {
		if locked[id], err = tx.LockHousehold(ctx, by.Scope(), id); err != nil {
			if id == secondID {
				err = notFoundAt("/household_id", err)
			}
			return first, second, err
		}
	}
	return locked[firstID], locked[secondID], nil
}

// HouseholdProperty is what a visit found: each row is added, and none replaces another.
type HouseholdProperty struct {
	Lands     []borrower.Land
	Livestock []borrower.Livestock
	Crops     []borrower.Crop
}

// CheckProperty names all that is wrong with what a visit found, and stores nothing.
func (s *Borrowers) CheckProperty(by domain.Actor, found HouseholdProperty) error {
	if err := by.Require(domain.RoleLoanOfficer); err != nil {
		return err
	}
	found = s.named(found)
	today := domain.DateOf(s.now())
	var p domain.Problems
	for i, land := range found.Lands { // the edge bounds the lists
		p.Check("/lands/"+strconv.Itoa(i), land.Validate())
	}
	for i, count := range found.Livestock {
		p.Check("/livestock/"+strconv.Itoa(i), count.Validate())
		if count.CountedOn.After(today) {
			p.Add("/livestock/"+strconv.Itoa(i)+"/counted_on", "in-the-future", "清点日期晚于今天，请核对")
		}
	}
	for i, crop := range found.Crops {
		p.Check("/crops/"+strconv.Itoa(i), crop.Validate())
	}
	return p.Err()
}

// named gives each row its id.
func (s *Borrowers) named(found HouseholdProperty) HouseholdProperty {
	named := HouseholdProperty{Lands: slices.Clone(found.Lands), Livestock: slices.Clone(found.Livestock), Crops: slices.Clone(found.Crops)}
	for i := range named.Lands {
		named.Lands[i].ID = s.newID()
	}
	for i := range named.Livestock {
		named.Livestock[i].ID = s.newID()
	}
	for i := range named.Crops {
		named.Crops[i].ID = s.newID()
	}
	return named
}

// AddProperty puts on file what a visit found of land, animals and crops.
func (s *Borrowers) AddProperty(ctx context.Context, by domain.Actor, key Idempotency, householdID domain.ID, found HouseholdProperty) (borrower.Household, bool, error) {
	if err := s.CheckProperty(by, found); err != nil {
		return borrower.Household{}, false, err
	}
	named := s.named(found)
	return s.recordHousehold(ctx, by, &key, householdID, PropertyAdded, func(h *borrower.Household) error {
		h.Lands = slices.Concat(h.Lands, named.Lands)
		h.Livestock = slices.Concat(h.Livestock, named.Livestock)
		h.Crops = slices.Concat(h.Crops, named.Crops)
		if max(len(h.Lands), len(h.Livestock), len(h.Crops)) > borrower.ListMax {
			return errFileFull()
		}
		return nil
	})
}

// FiguresChange is what a household declares of one year, or what was verified of it; nil says nothing.
type FiguresChange struct {
	Year           int
	IncomeDeclared *money.Amount
	DebtsDeclared  *money.Amount
	IncomeVerified *money.Amount
	DebtsVerified  *money.Amount
	VerifiedBasis  string // 核实依据, with a verified sum only
}

// CheckFigures names all that is wrong with a change of figures, and stores nothing.
func (s *Borrowers) CheckFigures(by domain.Actor, c FiguresChange) error {
	if err := by.Require(domain.RoleLoanOfficer); err != nil {
		return err
	}
	var p domain.Problems
	verifies := c.IncomeVerified != nil || c.DebtsVerified != nil
	switch {
	case c.Year > domain.DateOf(s.now()).Year():
		p.Add("/year", "in-the-future", "该年度尚未开始，请核对")
	case c.IncomeDeclared == nil && c.DebtsDeclared == nil && !verifies:
		p.Add("/income_declared", "required", "请至少填写一项申报值或核实值")
	}
	if verifies && c.VerifiedBasis == "" {
		p.Add("/verified_basis", "required", "请写明核实依据，如银行流水、合同、实地查看")
	}
	if !verifies && c.VerifiedBasis != "" {
		p.Add("/verified_basis", "without-verified", "没有填写核实值，不需要核实依据")
	}
	return p.Err()
}

// ChangeFigures records what is declared or was verified of a year's income and debts. Both values stand side by side: the
// one never overwrites the other.
func (s *Borrowers) ChangeFigures(ctx context.Context, by domain.Actor, householdID domain.ID, c FiguresChange) (borrower.Household, error) {
	if err := s.CheckFigures(by, c); err != nil {
		return borrower.Household{}, err
	}
	now := s.now()
	changed, _, err := s.recordHousehold(ctx, by, nil, householdID, FiguresChanged, func(h *borrower.Household) error {
		h.Figures = slices.Clone(h.Figures)
		i := slices.IndexFunc(h.Figures, func(f borrower.YearFigures) bool { return f.Year == c.Year })
		if i < 0 {
			if len(h.Figures) == borrower.ListMax {
				return errFileFull()
			}
			if err := requireBoth(c); err != nil {
				return err
			}
			i = len(h.Figures)
			h.Figures = append(h.Figures, borrower.YearFigures{Year: c.Year})
		}
		f := &h.Figures[i]
		f.Income = assess(f.Income, c.IncomeDeclared, c.IncomeVerified, by.ID, c.VerifiedBasis, now)
		f.Debts = assess(f.Debts, c.DebtsDeclared, c.DebtsVerified, by.ID, c.VerifiedBasis, now)
		return nil
	})
	return changed, err
}

// requireBoth refuses a year's first figures without a word on the income or the debts: silence is not zero.
func requireBoth(c FiguresChange) error {
	var p domain.Problems
	if c.IncomeDeclared == nil && c.IncomeVerified == nil {
		p.Add("/income_declared", "required", "首次登记该年度须填写收入")
	}
	if c.DebtsDeclared == nil && c.DebtsVerified == nil {
		p.Add("/debts_declared", "required", "首次登记该年度须填写负债，没有负债请填 0")
	}
	return p.Err()
}

func assess(a borrower.Assessment, declared, verified *money.Amount, by domain.ID, basis string, at time.Time) borrower.Assessment {
	if declared != nil {
		a = a.Declare(*declared, at)
	}
	if verified != nil {
		a = a.Verify(*verified, by, basis, at)
	}
	return a
}

// recordHousehold is the shape of a change of what a household works with and earns.
func (s *Borrowers) recordHousehold(ctx context.Context, by domain.Actor, key *Idempotency, id domain.ID, action BorrowerAction,
	do func(h *borrower.Household) error,
) (changed borrower.Household, replayed bool, err error) {
	now := s.now()
	err = s.store.Update(ctx, func(tx Tx) error {
		if key != nil {
			prior, err := tx.ClaimIdempotencyKey(ctx, by.ID, *key, id, now)
			if err != nil {
				return err
			}
			if !prior.IsZero() {
				changed, err = tx.Household(ctx, by.Scope(), id)
				replayed = true
				return err
			}
		}
		h, err := tx.LockHousehold(ctx, by.Scope(), id)
		if err != nil {
			return err
		}
		if !h.EndedOn.IsZero() {
			return domain.Errorf(domain.KindConflict, "household-ended", "该户已注销或已并入他户，不能再变动")
		}
		if err := do(&h); err != nil {
			return err
		}
		if h, err = s.saveHousehold(ctx, tx, by, now, h, action); err != nil {
			return err
		}
		changed, replayed = h, false
		return nil
	})
	return changed, replayed, err
}
