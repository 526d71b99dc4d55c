package borrower

import (
	"slices"
	"time"

	"fumin/domain"
)

// ChangeKind is what happened to a household (户变动).
type ChangeKind string

// The kinds of change.
const (
	ChangeJoined      ChangeKind = "joined"       // 加入
	ChangeLeft        ChangeKind = "left"         // 离开
	ChangeHeadChanged ChangeKind = "head_changed" // 变更户主
	ChangeSplitOff    ChangeKind = "split_off"    // 分出一户
	ChangeSplitFrom   ChangeKind = "split_from"   // 由某户分出
	ChangeMergedIn    ChangeKind = "merged_in"    // 并入一户
	ChangeMergedInto  ChangeKind = "merged_into"  // 并入某户
)

// Valid reports whether k is one of the kinds.
func (k ChangeKind) Valid() bool {
	switch k {
	case ChangeJoined, ChangeLeft, ChangeHeadChanged, ChangeSplitOff, ChangeSplitFrom, ChangeMergedIn, ChangeMergedInto:
		return true
	}
	return false
}

// Change is one thing that happened to a household. It is written once and never altered.
type Change struct {
	Kind        ChangeKind
	On          domain.Date
	MemberID    domain.ID // who joined, left or became head; zero for a split or merger
	FormerID    domain.ID // the head before, of a change of head
	HouseholdID domain.ID // the other household, of a split or merger
	Reason      string    // 原因, at most BasisRunesMax characters
}

// Validate names all that is wrong with the change.
func (c Change) Validate() error {
	var p domain.Problems
	requireValid(&p, "/kind", string(c.Kind), c.Kind.Valid())
	if c.On.IsZero() {
		p.Check("/on", errRequired)
	}
	checkText(&p, "/reason", c.Reason, 1, BasisRunesMax)
	return p.Err()
}

// Refusals of a change.
var (
	errHouseholdEnded    = domain.Errorf(domain.KindConflict, "household-ended", "该户已注销或已并入他户，不能再变动")
	errMemberPresent     = domain.Errorf(domain.KindConflict, "member-present", "此人已在该户，请核对身份证号码")
	errMemberNotPresent  = domain.Errorf(domain.KindConflict, "member-not-present", "此人目前不在该户，请刷新后核对成员名单")
	errHeadStays         = domain.Errorf(domain.KindRule, "household-head-stays", "户主不能离开，请先变更户主")
	errRelationsMissing  = domain.Errorf(domain.KindInvalid, "household-relations", "请为每位成员填写与新户主的关系（户主本人除外）")
	errChangeDate        = domain.Errorf(domain.KindRule, "household-change-date", "变动日期应晚于有关成员加入该户的日期，再次加入不能早于上次离开")
	errSplitMembers      = domain.Errorf(domain.KindInvalid, "household-split-members", "请至少选择一位分出的成员，新户主须在其中，且每人只选一次")
	errSplitLand         = domain.Errorf(domain.KindInvalid, "household-split-land", "所选地块不在该户名下或已转出，请刷新后重选")
	errMergeSelf         = domain.Errorf(domain.KindInvalid, "household-merge-self", "一户不能并入自己")
	errHouseholdTooLarge = domain.Errorf(domain.KindRule, "household-too-large", "一户的成员、地块或变动记录已达 %d 条，请联系管理员", ListMax)
)

// copied returns h with lists of its own, so that a change of the copy does not show in h.
func (h Household) copied() Household {
	h.Members = slices.Clone(h.Members)
	h.Lands = slices.Clone(h.Lands)
	h.Changes = slices.Clone(h.Changes)
	return h
}

// bounded returns h, or refuses a household that has outgrown its lists.
func (h Household) bounded() (Household, error) {
	if len(h.Members) > ListMax || len(h.Lands) > ListMax || len(h.Changes) > ListMax {
		return Household{}, errHouseholdTooLarge
	}
	return h, nil
}

// present returns the index of the stay of a person who is in the household, or -1.
func (h Household) present(id domain.ID) int {
	return slices.IndexFunc(h.Members, func(m Member) bool { return m.ID == id && m.Present() })
}

// Join returns the household with a person who joins on the day (加入). The person must not be in it; that he or she is
// in no other household either is held by origination, under a lock, with MemberOn. The relation must not be head.
func (h Household) Join(m Member, on domain.Date, reason string) (Household, error) {
	if !h.EndedOn.IsZero() {
		return Household{}, errHouseholdEnded
	}
	if err := h.admits(m, on); err != nil {
		return Household{}, err
	}
	h = h.copied()
	m.JoinedOn, m.LeftOn = on, domain.Date{}
	h.Members = append(h.Members, m)
	h.Changes = append(h.Changes, Change{Kind: ChangeJoined, On: on, MemberID: m.ID, Reason: reason})
	return h.bounded()
}

// admits refuses who is in the household already, who would be back before having left, and a second head.
func (h Household) admits(m Member, on domain.Date) error {
	if m.Relation == RelationHead || !m.Relation.Valid() {
		return errRelationsMissing
	}
	for _, member := range h.Members {
		same := member.ID == m.ID || (!m.IDNumber.IsZero() && member.IDNumber.Equal(m.IDNumber))
		switch {
		case same && member.Present():
			return errMemberPresent
		case same && on.Before(member.LeftOn):
			return errChangeDate
		}
	}
	return nil
}

// Leave returns the household without a person from the day on (离开): by marriage, death or moving away. The head
// cannot leave while others stay; when the head was the last, the household ends.
func (h Household) Leave(id domain.ID, on domain.Date, reason string) (Household, error) {
	if !h.EndedOn.IsZero() {
		return Household{}, errHouseholdEnded
	}
	i := h.present(id)
	if i < 0 {
		return Household{}, errMemberNotPresent
	}
	last := h.presentCount() == 1
	switch {
	case id == h.HeadID && !last:
		return Household{}, errHeadStays
	case !on.After(h.Members[i].JoinedOn):
		return Household{}, errChangeDate
	}
	h = h.copied()
	h.Members[i].LeftOn = on
	h.Changes = append(h.Changes, Change{Kind: ChangeLeft, On: on, MemberID: id, Reason: reason})
	if last {
		h.EndedOn = on
	}
	return h.bounded()
}

func (h Household) presentCount() int {
	count := 0
	for _, member := range h.Members {
		if member.Present() {
			count++
		}
	}
	return count
}

// ChangeHead returns the household with another head from the day on (变更户主). Relations says what each other present
// member is to the new head.
func (h Household) ChangeHead(id domain.ID, relations map[domain.ID]Relation, on domain.Date, reason string) (Household, error) {
	if !h.EndedOn.IsZero() {
		return Household{}, errHouseholdEnded
	}
	i := h.present(id)
	switch {
	case i < 0:
		return Household{}, errMemberNotPresent
	case on.Before(h.Members[i].JoinedOn):
		return Household{}, errChangeDate
	case h.Members[i].IDNumber.IsZero():
		return Household{}, domain.Errorf(domain.KindRule, "household-head-number", "户主须有身份证号码，请先补录")
	}
	h = h.copied()
	former := h.HeadID
	h.HeadID = id
	if err := h.relate(relations); err != nil {
		return Household{}, err
	}
	h.Changes = append(h.Changes, Change{Kind: ChangeHeadChanged, On: on, MemberID: id, FormerID: former, Reason: reason})
	return h.bounded()
}

// relate sets what each present member is to the head, in place.
func (h Household) relate(relations map[domain.ID]Relation) error {
	for i, member := range h.Members {
		if !member.Present() {
			continue
		}
		relation := relations[member.ID]
		switch {
		case member.ID == h.HeadID:
			relation = RelationHead
		case relation == RelationHead || !relation.Valid():
			return errRelationsMissing
		}
		h.Members[i].Relation = relation
	}
	return nil
}

// SplitOff says who leaves a household to make a new one, and what goes with them (分户).
type SplitOff struct {
	HouseholdID domain.ID   // of the new household
	VillageCode RegionCode  // zero: the same village
	Address     Address     // zero: the same address
	MemberIDs   []domain.ID // who goes; the head of the old household stays
	HeadID      domain.ID   // the head of the new household, one of MemberIDs
	Relations   map[domain.ID]Relation
	LandIDs     []domain.ID // which land goes with them; the rest stays
	On          domain.Date
	Reason      string
	At          time.Time // when it is recorded
}

// Split returns the household without those who leave, and the new one they make. Both keep the history: the stays of
// those who left, the land released, and on each side a Change that names the other. Livestock, crops and figures stay
// with the old household: they are true of their day, and the new one declares its own.
func (h Household) Split(s SplitOff) (rest, made Household, err error) {
	if !h.EndedOn.IsZero() {
		return Household{}, Household{}, errHouseholdEnded
	}
	if len(s.MemberIDs) == 0 || !slices.Contains(s.MemberIDs, s.HeadID) || repeats(s.MemberIDs) {
		return Household{}, Household{}, errSplitMembers
	}
	rest = h.copied()
	made = Household{
		ID: s.HouseholdID, BranchID: h.BranchID, VillageCode: s.VillageCode, Address: s.Address, HeadID: s.HeadID,
		CreatedAt: s.At,
	}
	if made.VillageCode.IsZero() {
		made.VillageCode = h.VillageCode
	}
	if made.Address.IsZero() {
		made.Address = h.Address
	}
	for _, id := range s.MemberIDs {
		if id == h.HeadID {
			return Household{}, Household{}, errHeadStays
		}
		if err := rest.move(&made, id, s.On); err != nil {
			return Household{}, Household{}, err
		}
	}
	if err := made.relate(s.Relations); err != nil {
		return Household{}, Household{}, err
	}
	for _, id := range s.LandIDs {
		if !rest.moveLand(&made, id, s.On) {
			return Household{}, Household{}, errSplitLand
		}
	}
	rest.Changes = append(rest.Changes, Change{Kind: ChangeSplitOff, On: s.On, HouseholdID: made.ID, Reason: s.Reason})
	made.Changes = []Change{{Kind: ChangeSplitFrom, On: s.On, HouseholdID: h.ID, Reason: s.Reason}}
	if rest, err = rest.bounded(); err != nil {
		return Household{}, Household{}, err
	}
	return rest, made, nil
}

func repeats(ids []domain.ID) bool {
	seen := make(map[domain.ID]bool, len(ids))
	for _, id := range ids {
		if seen[id] {
			return true
		}
		seen[id] = true
	}
	return false
}

// move ends a person's stay here and begins one there, in place.
func (h Household) move(to *Household, id domain.ID, on domain.Date) error {
	i := h.present(id)
	if i < 0 {
		return errMemberNotPresent
	}
	if !on.After(h.Members[i].JoinedOn) {
		return errChangeDate
	}
	mover := h.Members[i]
	h.Members[i].LeftOn = on
	mover.JoinedOn = on
	to.Members = append(to.Members, mover)
	return nil
}

// moveLand releases a plot here and writes it there, in place; false when there is no such plot to release.
func (h Household) moveLand(to *Household, id domain.ID, on domain.Date) bool {
	i := slices.IndexFunc(h.Lands, func(l Land) bool { return l.ID == id && l.ReleasedOn.IsZero() })
	if i < 0 {
		return false
	}
	mover := h.Lands[i]
	mover.HeldFrom = on
	h.Lands[i].ReleasedOn = on
	to.Lands = append(to.Lands, mover)
	return true
}

// Merge returns the household with everybody and all land of another one, and that other one, ended (并户). Relations
// says what each newcomer is to this household's head. Both keep the history, as in Split.
func (h Household) Merge(from Household, relations map[domain.ID]Relation, on domain.Date, reason string) (merged, ended Household, err error) {
	switch {
	case h.ID == from.ID:
		return Household{}, Household{}, errMergeSelf
	case !h.EndedOn.IsZero() || !from.EndedOn.IsZero():
		return Household{}, Household{}, errHouseholdEnded
	}
	merged, ended = h.copied(), from.copied()
	for _, member := range from.Members {
		if !member.Present() {
			continue
		}
		member.Relation = relations[member.ID]
		if err := h.admits(member, on); err != nil {
			return Household{}, Household{}, err
		}
		if err := ended.move(&merged, member.ID, on); err != nil {
			return Household{}, Household{}, err
		}
		merged.Members[len(merged.Members)-1].Relation = member.Relation
	}
	for _, land := range from.Lands {
		if land.ReleasedOn.IsZero() {
			ended.moveLand(&merged, land.ID, on)
		}
	}
	ended.EndedOn = on
	merged.Changes = append(merged.Changes, Change{Kind: ChangeMergedIn, On: on, HouseholdID: from.ID, Reason: reason})
	ended.Changes = append(ended.Changes, Change{Kind: ChangeMergedInto, On: on, HouseholdID: h.ID, Reason: reason})
	if merged, err = merged.bounded(); err != nil {
		return Household{}, Household{}, err
	}
	return merged, ended, nil
}

// SplitsSince returns the splits of the household, either way, on or after the day.
func (h Household) SplitsSince(day domain.Date) []Change {
	var splits []Change
	for _, change := range h.Changes {
		if (change.Kind == ChangeSplitOff || change.Kind == ChangeSplitFrom) && !change.On.Before(day) {
			splits = append(splits, change)
		}
	}
	return splits
}
