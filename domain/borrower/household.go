package borrower

import (
	"time"

	"fumin/domain"
)

// Relation is what a member of a household is to its head (与户主关系).
type Relation string

// The relations.
const (
	RelationHead        Relation = "head"         // 户主
	RelationSpouse      Relation = "spouse"       // 配偶
	RelationChild       Relation = "child"        // 子女
	RelationParent      Relation = "parent"       // 父母
	RelationSibling     Relation = "sibling"      // 兄弟姐妹
	RelationGrandchild  Relation = "grandchild"   // 孙子女
	RelationGrandparent Relation = "grandparent"  // 祖父母
	RelationChildInLaw  Relation = "child_in_law" // 儿媳、女婿
	RelationOther       Relation = "other"        // 其他
)

// Valid reports whether r is one of the relations.
func (r Relation) Valid() bool {
	switch r {
	case RelationHead, RelationSpouse, RelationChild, RelationParent, RelationSibling, RelationGrandchild,
		RelationGrandparent, RelationChildInLaw, RelationOther:
		return true
	}
	return false
}

// Member is one stay of a person in a household (家庭成员). A stay is never deleted: who leaves gets a day of leaving,
// and who comes back has a second stay, with the same ID and another day of joining.
type Member struct {
	ID       domain.ID // the person; the same in every household he or she has been in
	Name     Name
	IDNumber IDNumber // absent while it is not known, as of a newborn; the head's is required
	Relation Relation // to the head of that time
	JoinedOn domain.Date
	LeftOn   domain.Date // the first day on which the person is no longer in it; zero while in it

	AnonymisedAt time.Time // when name and number were erased; zero while they are there
}

// InOn reports whether the person is in the household on the day: from JoinedOn on, and before LeftOn.
func (m Member) InOn(day domain.Date) bool {
	return !day.Before(m.JoinedOn) && (m.LeftOn.IsZero() || day.Before(m.LeftOn))
}

// Present reports whether the stay has no end.
func (m Member) Present() bool { return m.LeftOn.IsZero() }

// Validate names all that is wrong with the member, by the JSON names id, name, id_number, relation, joined_on, left_on.
func (m Member) Validate() error {
	var p domain.Problems
	requireID(&p, "/id", m.ID)
	switch {
	case !m.AnonymisedAt.IsZero():
	case m.Name.IsZero():
		p.Check("/name", errRequired)
	default:
		p.Check("/name", m.Name.checkPerson())
	}
	if m.Relation == RelationHead && m.IDNumber.IsZero() && m.AnonymisedAt.IsZero() {
		p.Check("/id_number", errRequired)
	}
	requireValid(&p, "/relation", string(m.Relation), m.Relation.Valid())
	if m.JoinedOn.IsZero() {
		p.Check("/joined_on", errRequired)
	}
	if !m.LeftOn.IsZero() && !m.LeftOn.After(m.JoinedOn) {
		p.Add("/left_on", "date-order", "离开日期应晚于加入日期")
	}
	return p.Err()
}

// Household is people who share income, land and debts (户, 农户家庭): the unit of exposure of products that lend per
// household. One person is in one household at a time; across households origination holds that (see MemberOn).
//
// A person or a plot that moves keeps its ID and is found in both households, and twice in one when it comes back: a row
// is told apart by household, ID and first day (JoinedOn, HeldFrom).
type Household struct {
	ID          domain.ID
	BranchID    domain.ID
	VillageCode RegionCode // 12 digits
	Address     Address
	HeadID      domain.ID // the head (户主): the ID of a present member
	Members     []Member  // all stays, past ones too
	Lands       []Land
	Livestock   []Livestock
	Crops       []Crop
	Figures     []YearFigures // one per year
	Changes     []Change      // what happened to it, oldest first; only ever appended to
	EndedOn     domain.Date   // the day on which it ceased, by merging or because nobody was left; zero while it exists

	Version   int
	CreatedAt time.Time
}

// NewHousehold makes a household of its head alone, who joins on the day of creation. Validate says whether it is whole.
func NewHousehold(id, branchID domain.ID, village RegionCode, address Address, headID domain.ID, headName Name,
	headIDNumber IDNumber, at time.Time,
) Household {
	return Household{
		ID: id, BranchID: branchID, VillageCode: village, Address: address, HeadID: headID,
		Members: []Member{{
			ID: headID, Name: headName, IDNumber: headIDNumber, Relation: RelationHead, JoinedOn: domain.DateOf(at),
		}},
		CreatedAt: at,
	}
}

// Head returns the head; false when HeadID is nobody present.
func (h Household) Head() (Member, bool) {
	for _, member := range h.Members {
		if member.ID == h.HeadID && member.Present() {
			return member, true
		}
	}
	return Member{}, false
}

// MemberOn returns the person with the identity number if he or she is in the household on the day. Before a person
// joins a household, origination asks this of every other household that holds the number.
func (h Household) MemberOn(number IDNumber, day domain.Date) (Member, bool) {
	for _, member := range h.Members {
		if !number.IsZero() && member.IDNumber.Equal(number) && member.InOn(day) {
			return member, true
		}
	}
	return Member{}, false
}

// Validate names all that is wrong with the record.
func (h Household) Validate() error {
	var p domain.Problems
	requireID(&p, "/id", h.ID)
	requireID(&p, "/branch_id", h.BranchID)
	_, err := ParseVillageCode(h.VillageCode.String())
	p.Check("/village_code", err)
	if h.Address.IsZero() {
		p.Check("/address", errRequired)
	}
	if h.CreatedAt.IsZero() {
		p.Check("/created_at", errRequired)
	}
	h.checkMembers(&p)
	checkProperty(&p, "", h.Lands, h.Livestock, h.Crops, h.Figures)
	checkList(&p, "/changes", h.Changes)
	return p.Err()
}

// checkMembers checks each stay, that there is one head, and that nobody is in the household twice at once.
func (h Household) checkMembers(p *domain.Problems) {
	checkList(p, "/members", h.Members)
	if len(h.Members) > ListMax {
		return
	}
	present := func(m Member) bool { return m.Present() && !m.IDNumber.IsZero() }
	checkUnique(p, "/members", "/id", h.Members, func(m Member) (domain.ID, bool) { return m.ID, m.Present() && !m.ID.IsZero() })
	checkUnique(p, "/members", "/id", h.Members, func(m Member) (spell, bool) { return spell{m.ID, m.JoinedOn}, !m.Present() })
	checkUnique(p, "/members", "/id_number", h.Members, func(m Member) (IDNumber, bool) { return m.IDNumber, present(m) })
	if head, found := h.Head(); h.EndedOn.IsZero() && (!found || head.Relation != RelationHead) {
		p.Add("/head_id", "household-head", "户主应为在户成员，且与户主关系为“户主”")
	}
	for i, member := range h.Members {
		if member.Relation == RelationHead && member.Present() && member.ID != h.HeadID {
			p.Add(at("/members", i)+"/relation", "household-head", "一户只有一位户主")
		}
		if !h.CreatedAt.IsZero() {
			p.Check(at("/members", i)+"/id_number", member.IDNumber.CheckBornBy(bornBy(member, h.CreatedAt)))
		}
	}
}

// bornBy is the day by which a member must have been born: the day of joining, where one is given.
func bornBy(m Member, createdAt time.Time) domain.Date {
	if m.JoinedOn.IsZero() {
		return domain.DateOf(createdAt)
	}
	return m.JoinedOn
}
