package staff

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"fumin/domain"
	"fumin/domain/money"
)

// AuthorityKind is what an authority is good for (权限类别).
type AuthorityKind string

// The kinds of authority.
const (
	AuthorityApprove   AuthorityKind = "approve"   // 审批权限: may approve up to the amount
	AuthorityOverride  AuthorityKind = "override"  // 例外审批权限: may go beyond what was asked or what the rules allow, up to the amount
	AuthorityCommittee AuthorityKind = "committee" // 上会标准: above the amount the review committee (贷审会) decides first
)

// AuthorityKinds lists every kind.
func AuthorityKinds() []AuthorityKind {
	return []AuthorityKind{AuthorityApprove, AuthorityOverride, AuthorityCommittee}
}

// Valid reports whether k is one of AuthorityKinds.
func (k AuthorityKind) Valid() bool { return slices.Contains(AuthorityKinds(), k) }

// AuthorityStatus is where an authority is in its life. Whether an active one still holds is a question of the day.
type AuthorityStatus string

// The statuses of an authority.
const (
	AuthorityDraft  AuthorityStatus = "draft"  // 草稿: waits for the second person
	AuthorityActive AuthorityStatus = "active" // 已启用: never changes again, but for its end
)

// Valid reports whether s is one of the constants.
func (s AuthorityStatus) Valid() bool { return s == AuthorityDraft || s == AuthorityActive }

// GuaranteeAny says that an authority holds for every kind of guarantee. The other values are product.GuaranteeKind's.
const GuaranteeAny = "any"

// Limits of an authority.
const (
	AuthoritiesMax       = 2000 // in force at once, so that one look reads them all
	AuthorityBasisMax    = 200  // characters
	CommitteeMembersMax  = 50
	committeeQuorumMin   = 2
	delegationDaysMax    = 366
	DelegationReasonMax  = 200 // characters
	DelegationsOfUserMax = 100 // that touch one period
)

// Authority says who may approve how much of what, where and when (审批权限), or from where on a committee must. It is data,
// drafted by one person and activated by another, and never changed while it holds.
type Authority struct {
	ID   domain.ID
	Kind AuthorityKind

	// Who: either everybody with the role or one person. Neither with AuthorityCommittee, which has members.
	Role   domain.Role
	UserID domain.ID

	ProductCode   string       // empty: every product
	GuaranteeKind string       // product.GuaranteeKind or GuaranteeAny
	RegionPrefix  string       // 行政区划代码前缀; empty: everywhere
	Amount        money.Amount // yuan, inclusive: the ceiling; with AuthorityCommittee the sum above which it decides

	// With AuthorityCommittee only. A case is carried when at least Quorum members voted, at least
	// MajorityNumerator/MajorityDenominator of the votes cast are in favour, and more are in favour than against.
	Members             []domain.ID
	Quorum              int
	MajorityNumerator   int
	MajorityDenominator int

	EffectiveFrom domain.Date // first day on which it holds
	EffectiveTo   domain.Date // first day on which it no longer holds; zero: until further notice
	Basis         string      // 依据: the document it comes from
	Sample        bool        // a plausible placeholder that a lender replaces

	Status      AuthorityStatus
	DraftedBy   domain.ID
	DraftedAt   time.Time
	ActivatedBy domain.ID // never DraftedBy
	ActivatedAt time.Time
	EndedBy     domain.ID // who set the end of an active one, of two people the second; zero when nobody did
	EndedAt     time.Time
	EndAsked    EndRequest // an end that waits for the second person; zero: none does
	Version     int
}

// EndRequest is what one person asked for of an end that takes two (终止申请).
type EndRequest struct {
	By domain.ID
	At time.Time
	To domain.Date // the first day on which the authority would no longer hold
}

// Validate collects what is wrong with an authority by itself.
func (a Authority) Validate() error {
	var p domain.Problems
	if !a.Kind.Valid() {
		p.Add("/kind", "unknown-value", "类别应为 approve、override 或 committee")
	}
	if a.Amount.Sign() <= 0 {
		p.Add("/amount", "not-positive", "金额必须大于 0.00")
	}
	if !slices.Contains([]string{GuaranteeAny, "credit", "guarantee_company"}, a.GuaranteeKind) {
		p.Add("/guarantee_kind", "unknown-value", "担保方式应为 credit、guarantee_company 或 any")
	}
	if !isRegionPrefix(a.RegionPrefix) {
		p.Add("/region_prefix", "invalid-region", "应为 2、4、6、9 或 12 位行政区划代码，或留空表示全部地区")
	}
	if a.EffectiveFrom.IsZero() {
		p.Add("/effective_from", "required", "请填写生效日期")
	}
	if !a.EffectiveTo.IsZero() && !a.EffectiveTo.After(a.EffectiveFrom) {
		p.Add("/effective_to", "not-after-start", "失效日期应晚于生效日期")
	}
	if n := utf8.RuneCountInString(a.Basis); n < 1 || n > AuthorityBasisMax {
		p.Add("/basis", "out-of-range", "请写明依据的文件，1 至 %d 个字", AuthorityBasisMax)
	}
	if a.Kind == AuthorityCommittee {
		a.checkCommittee(&p)
	} else {
		a.checkHolder(&p)
	}
	return p.Err()
}

func (a Authority) checkHolder(p *domain.Problems) {
	switch {
	case a.UserID.IsZero() == (a.Role == ""):
		p.Add("/user_id", "one-of", "请指定一个岗位或一名员工，二者只能选一个")
	case a.Role != "" && a.Role != domain.RoleApprover:
		p.Add("/role", "unknown-value", "只有审批人岗位可以有审批权限") // the lifecycle lets nobody else approve
	}
	if len(a.Members) > 0 || a.Quorum != 0 || a.MajorityNumerator != 0 || a.MajorityDenominator != 0 {
		p.Add("/members", "not-allowed", "成员、法定人数和表决比例只用于贷审会")
	}
}

func (a Authority) checkCommittee(p *domain.Problems) {
	if a.Role != "" || !a.UserID.IsZero() {
		p.Add("/user_id", "not-allowed", "上会标准不指定岗位或员工，请填写贷审会成员")
	}
	members := slices.Clone(a.Members)
	slices.Sort(members)
	if len(a.Members) > CommitteeMembersMax || len(slices.Compact(members)) != len(a.Members) {
		p.Add("/members", "out-of-range", "贷审会成员最多 %d 人，每人只列一次", CommitteeMembersMax)
	}
	if a.Quorum < committeeQuorumMin || a.Quorum > len(a.Members) {
		p.Add("/quorum", "out-of-range", "法定人数应为 %d 至成员人数", committeeQuorumMin)
	}
	// Less than half would let a minority decide.
	if a.MajorityDenominator < 1 || a.MajorityDenominator > 100 || a.MajorityNumerator > a.MajorityDenominator || 2*a.MajorityNumerator < a.MajorityDenominator {
		p.Add("/majority_numerator", "out-of-range", "通过比例应为 1/2 至 1 之间的分数，例如 2/3")
	}
}

func isRegionPrefix(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return slices.Contains([]int{0, 2, 4, 6, 9, 12}, len(s))
}

// InForce reports whether the authority holds on the day.
func (a Authority) InForce(on domain.Date) bool {
	return a.Status == AuthorityActive && !a.EffectiveFrom.After(on) && (a.EffectiveTo.IsZero() || a.EffectiveTo.After(on))
}

// Activate puts a draft into force by a second person (复核启用), from its day on but not from the past: nobody gets an
// authority for yesterday.
func (a Authority) Activate(by domain.ID, at time.Time) (Authority, error) {
	switch {
	case a.Status != AuthorityDraft:
		return a, domain.Errorf(domain.KindConflict, "authority-active", "这条审批权限已经启用")
	case by == a.DraftedBy:
		return a, domain.Errorf(domain.KindForbidden, "maker-is-checker", "起草人不能复核自己起草的审批权限，请由另一位风险经理或管理员启用")
	case a.EffectiveFrom.Before(domain.DateOf(at)):
		return a, domain.Errorf(domain.KindRule, "activation-in-the-past", "生效日期 %s 已过，请重新起草", a.EffectiveFrom)
	}
	a.Status, a.ActivatedBy, a.ActivatedAt = AuthorityActive, by, at
	a.Version++
	return a, nil
}

// Restrains reports whether somebody could do more from a day on if a no longer held then (收紧权限): a committee no longer
// decides, or a broader row with a greater amount counts in its place. A row that only takes away leaves nothing behind, or
// what counted for less is left. others are all the rows in force on the day or later; a itself may be among them.
func (a Authority) Restrains(others []Authority, from domain.Date) bool {
	return a.Kind == AuthorityCommittee || slices.ContainsFunc(others, func(b Authority) bool {
		return b.meets(a, from) && a.compareSpecific(b) > 0 && b.Amount.Cmp(a.Amount) > 0
	})
}

// meets reports whether some question of a day from the one given on is answered by both.
func (a Authority) meets(b Authority, from domain.Date) bool {
	who := a.UserID == b.UserID || a.UserID.IsZero() || b.UserID.IsZero() // rows of people are of approvers, as those of the role
	product := a.ProductCode == b.ProductCode || a.ProductCode == "" || b.ProductCode == ""
	guarantee := a.GuaranteeKind == b.GuaranteeKind || a.GuaranteeKind == GuaranteeAny || b.GuaranteeKind == GuaranteeAny
	region := strings.HasPrefix(a.RegionPrefix, b.RegionPrefix) || strings.HasPrefix(b.RegionPrefix, a.RegionPrefix)
	before := func(x, y Authority) bool { return y.EffectiveTo.IsZero() || x.EffectiveFrom.Before(y.EffectiveTo) }
	days := before(a, b) && before(b, a) && (a.EffectiveTo.IsZero() || a.EffectiveTo.After(from))
	return a.Kind == b.Kind && a.Status == AuthorityActive && who && product && guarantee && region && days
}

// End sets the first day on which an active authority no longer holds (终止), tomorrow at the earliest, so that what was
// approved today stays approved by an authority in force; only ever earlier than it would have ended. Of one that restrains
// the first person only asks, and it ends when a second one ends it on the same day; another day is another request.
func (a Authority) End(by domain.ID, at time.Time, to domain.Date, restrains bool) (Authority, error) {
	var p domain.Problems
	if a.Status != AuthorityActive {
		return a, domain.Errorf(domain.KindConflict, "authority-not-active", "这条审批权限还没有启用，不需要终止")
	}
	if !to.After(domain.DateOf(at)) || !to.After(a.EffectiveFrom) {
		p.Add("/effective_to", "in-the-past", "失效日期最早为明天，且晚于生效日期")
	}
	if !a.EffectiveTo.IsZero() && !to.Before(a.EffectiveTo) {
		p.Add("/effective_to", "only-earlier", "这条权限到 %s 已经失效，只能提前终止；要延长请起草新的一条", a.EffectiveTo)
	}
	if err := p.Err(); err != nil {
		return a, err
	}
	asked := a.EndAsked
	switch {
	case restrains && (asked.To != to || asked.By.IsZero()):
		a.EndAsked = EndRequest{By: by, At: at, To: to}
	case restrains && asked.By == by:
		return a, domain.Errorf(domain.KindForbidden, "maker-is-checker",
			"这条权限起收紧作用，终止后会放宽审批；您已申请自 %s 起终止，请由另一位风险经理或管理员以同一日期办理终止", to)
	default:
		a.EffectiveTo, a.EndedBy, a.EndedAt, a.EndAsked = to, by, at, EndRequest{}
	}
	a.Version++
	return a, nil
}

// AuthorityQuestion is who wants to approve what, where and when.
type AuthorityQuestion struct {
	Kind          AuthorityKind
	UserID        domain.ID
	Role          domain.Role
	ProductCode   string
	GuaranteeKind string
	RegionCode    string
	On            domain.Date
}

func (a Authority) answers(q AuthorityQuestion) bool {
	holder := a.Kind == AuthorityCommittee || a.UserID == q.UserID && a.Role == "" || a.Role == q.Role && a.UserID.IsZero()
	return a.Kind == q.Kind && holder && a.InForce(q.On) &&
		(a.ProductCode == "" || a.ProductCode == q.ProductCode) &&
		(a.GuaranteeKind == GuaranteeAny || a.GuaranteeKind == q.GuaranteeKind) &&
		strings.HasPrefix(q.RegionCode, a.RegionPrefix)
}

// compareSpecific orders by how exactly an authority names its case: the person before the role, then the product, the kind of
// guarantee, the longer region.
func (a Authority) compareSpecific(b Authority) int {
	exact := func(x Authority) [4]int {
		var n [4]int
		if !x.UserID.IsZero() {
			n[0] = 1
		}
		if x.ProductCode != "" {
			n[1] = 1
		}
		if x.GuaranteeKind != GuaranteeAny {
			n[2] = 1
		}
		n[3] = len(x.RegionPrefix)
		return n
	}
	m, n := exact(a), exact(b)
	return slices.Compare(m[:], n[:])
}

// AuthorityFor finds the authority that counts: the most specific one in force that fits, so that a lender can give one
// person less than the role has as well as more; among equally specific ones the greatest amount (for a committee the
// smallest, the stricter one). False when there is none: then nothing may be approved, never everything.
func AuthorityFor(all []Authority, q AuthorityQuestion) (Authority, bool) {
	var best Authority
	found := false
	for _, a := range all {
		if !a.answers(q) {
			continue
		}
		order := a.compareSpecific(best)
		byAmount := a.Amount.Cmp(best.Amount)
		if q.Kind == AuthorityCommittee {
			byAmount = -byAmount
		}
		if !found || cmp.Or(order, byAmount) > 0 {
			best, found = a, true
		}
	}
	return best, found
}

// Carried reports whether votes carry a case before this committee.
func (a Authority) Carried(inFavour, against int) bool {
	cast := inFavour + against
	return a.Kind == AuthorityCommittee && cast >= a.Quorum && inFavour > against &&
		inFavour*a.MajorityDenominator >= a.MajorityNumerator*cast
}

// Lost reports whether the votes still to come can no longer carry the case.
func (a Authority) Lost(inFavour, against int) bool {
	still := len(a.Members) - inFavour - against
	return !a.Carried(inFavour+max(still, 0), against)
}
