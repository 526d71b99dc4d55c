package origination

import (
	"context"
	"errors"
	"time"

	"fumin/domain"
	"fumin/domain/staff"
)

// AuthorityReader reads who may approve how much, and who stands in for whom (审批权限).
type AuthorityReader interface {
	// Authority returns one, or "authority-not-found".
	Authority(ctx context.Context, id domain.ID) (staff.Authority, error)
	// Authorities lists a page, newest first.
	Authorities(ctx context.Context, filter AuthorityFilter, page domain.Page) ([]staff.Authority, error)
	// AuthoritiesInForce returns every authority that holds on the day, at most staff.AuthoritiesMax.
	AuthoritiesInForce(ctx context.Context, on domain.Date) ([]staff.Authority, error)
	// AuthoritiesFrom returns every authority that holds on the day or on a later one, at most AuthoritiesFromMax.
	AuthoritiesFrom(ctx context.Context, on domain.Date) ([]staff.Authority, error)
	// Delegation returns one, or "delegation-not-found".
	Delegation(ctx context.Context, scope domain.Scope, id domain.ID) (staff.Delegation, error)
	// Delegations lists a page, newest first.
	Delegations(ctx context.Context, scope domain.Scope, page domain.Page) ([]staff.Delegation, error)
	// DelegationsTouching returns what people have lent or borrowed that ends on the day or later, at most
	// staff.DelegationsOfUserMax.
	DelegationsTouching(ctx context.Context, people []domain.ID, from domain.Date) ([]staff.Delegation, error)
}

// AuthorityWriter writes who may approve how much, and who stands in for whom (审批权限).
type AuthorityWriter interface {
	// LockAuthority returns one and keeps others from changing it until the transaction ends, or "authority-not-found".
	LockAuthority(ctx context.Context, id domain.ID) (staff.Authority, error)
	// InsertAuthority refuses with "id-exists".
	InsertAuthority(ctx context.Context, a staff.Authority, event staff.Event) error
	// SaveAuthority refuses with "stale-version".
	SaveAuthority(ctx context.Context, a staff.Authority, event staff.Event) error
	// LockDelegation is LockAuthority for a delegation.
	LockDelegation(ctx context.Context, scope domain.Scope, id domain.ID) (staff.Delegation, error)
	// InsertDelegation refuses with "id-exists".
	InsertDelegation(ctx context.Context, d staff.Delegation, event staff.Event) error
	// SaveDelegation refuses with "stale-version".
	SaveDelegation(ctx context.Context, d staff.Delegation, event staff.Event) error
}

// AuthoritiesFromMax bounds what holds today or later: as many may be in force at once, and as many be ready for later.
const AuthoritiesFromMax = 2 * staff.AuthoritiesMax

// AuthorityFilter narrows a list; zero fields do not.
type AuthorityFilter struct {
	Kind   staff.AuthorityKind
	Status staff.AuthorityStatus
	UserID domain.ID
}

// Authorities are the use cases of who may approve how much, and who stands in for whom (审批权限).
type Authorities struct {
	store Store
	now   domain.Clock
	newID func() domain.ID
}

// NewAuthorities builds the use cases.
func NewAuthorities(store Store, now domain.Clock, newID func() domain.ID) *Authorities {
	return &Authorities{store: store, now: now, newID: newID}
}

// keepers draft and activate authorities; never the same person both.
var keepers = []domain.Role{domain.RoleRiskManager, domain.RoleAdmin}

// authorityReaders may look at the lender's authorities: those who keep, use or examine them.
var authorityReaders = []domain.Role{
	domain.RoleRiskManager, domain.RoleAdmin, domain.RoleAuditor, domain.RoleApprover, domain.RoleBranchManager,
}

// Draft writes down an authority (起草审批权限), which holds nothing until a second person activates it. replayed says that this
// key had drafted it before.
func (s *Authorities) Draft(ctx context.Context, by domain.Actor, key Idempotency, a staff.Authority) (drafted staff.Authority, replayed bool, err error) {
	if err := by.Require(keepers...); err != nil {
		return staff.Authority{}, false, err
	}
	now := s.now()
	a.ID, a.Status, a.DraftedBy, a.DraftedAt, a.Version = s.newID(), staff.AuthorityDraft, by.ID, now, 1
	if err := a.Validate(); err != nil {
		return staff.Authority{}, false, err
	}
	err = s.store.Update(ctx, func(tx Tx) error {
		prior, err := tx.ClaimIdempotencyKey(ctx, by.ID, key, a.ID, now)
		if err != nil {
			return err
		}
		if !prior.IsZero() {
			drafted, err = tx.Authority(ctx, prior)
			replayed = true
			return err
		}
		if err := checkReferences(ctx, tx, a); err != nil {
			return err
		}
		if err := tx.InsertAuthority(ctx, a, s.authorityEvent(by, now, a, staff.ActionDraft)); err != nil {
			return err
		}
		drafted, replayed = a, false
		return nil
	})
	return drafted, replayed, err
}

// checkReferences wants the product, the person and the members that an authority names to exist.
func checkReferences(ctx context.Context, r Reader, a staff.Authority) error {
	var p domain.Problems
	if a.ProductCode != "" {
		if err := unknownAt(&p, "/product_code", productExists(ctx, r, a.ProductCode)); err != nil {
			return err
		}
	}
	if !a.UserID.IsZero() {
		if err := unknownAt(&p, "/user_id", approverExists(ctx, r, a.UserID)); err != nil {
			return err
		}
	}
	for _, member := range a.Members { // at most staff.CommitteeMembersMax
		user, err := r.User(ctx, domain.Scope{Everything: true}, member)
		if err == nil && !user.Active() {
			err = domain.Errorf(domain.KindNotFound, "user-not-found", "员工已停用")
		}
		if err := unknownAt(&p, "/members", err); err != nil {
			return err
		}
	}
	return p.Err()
}

// unknownAt records "not found" against a field and returns any other error.
func unknownAt(p *domain.Problems, pointer string, err error) error {
	refusal, ok := errors.AsType[*domain.Error](err)
	switch {
	case err == nil:
		return nil
	case ok && (refusal.Kind == domain.KindNotFound || refusal.Kind == domain.KindInvalid):
		p.Add(pointer, "not-found", "查无此记录，或已停用，或不是审批人")
		return nil
	}
	return err
}

func approverExists(ctx context.Context, r Reader, id domain.ID) error {
	user, err := r.User(ctx, domain.Scope{Everything: true}, id)
	if err != nil {
		return err
	}
	if !user.Active() || user.Role != domain.RoleApprover {
		return domain.Errorf(domain.KindNotFound, "user-not-found", "不是在岗的审批人")
	}
	return nil
}

// Activate puts an authority into force, by a second person (复核启用).
func (s *Authorities) Activate(ctx context.Context, by domain.Actor, id domain.ID) (staff.Authority, error) {
	return s.change(ctx, by, id, func(tx Tx, a staff.Authority, now time.Time) (staff.Authority, staff.Action, error) {
		inForce, err := tx.AuthoritiesInForce(ctx, a.EffectiveFrom)
		if err != nil {
			return a, "", err
		}
		if len(inForce) >= staff.AuthoritiesMax {
			return a, "", domain.Errorf(domain.KindRule, "file-full", "生效中的审批权限已达 %d 条，请先终止不用的", staff.AuthoritiesMax)
		}
		if err := checkReferences(ctx, tx, a); err != nil {
			return a, "", err
		}
		a, err = a.Activate(by.ID, now)
		return a, staff.ActionActivate, err
	})
}

// End sets the day on which an authority ends (终止). One person may where that only takes away; where somebody could do more
// without it, the first asks and a second one ends it on the same day.
func (s *Authorities) End(ctx context.Context, by domain.Actor, id domain.ID, to domain.Date) (staff.Authority, error) {
	return s.change(ctx, by, id, func(tx Tx, a staff.Authority, now time.Time) (staff.Authority, staff.Action, error) {
		others, err := tx.AuthoritiesFrom(ctx, to)
		if err != nil {
			return a, "", err
		}
		a, err = a.End(by.ID, now, to, a.Restrains(others, to))
		if !a.EndAsked.By.IsZero() {
			return a, staff.ActionAskEnd, err
		}
		return a, staff.ActionEnd, err
	})
}

// change is the shape of every change of one authority; do says what became of it.
func (s *Authorities) change(ctx context.Context, by domain.Actor, id domain.ID,
	do func(tx Tx, a staff.Authority, now time.Time) (staff.Authority, staff.Action, error),
) (staff.Authority, error) {
	if err := by.Require(keepers...); err != nil {
		return staff.Authority{}, err
	}
	now := s.now()
	var changed staff.Authority
	err := s.store.Update(ctx, func(tx Tx) error {
		a, err := tx.LockAuthority(ctx, id)
		if err != nil {
			return err
		}
		a, action, err := do(tx, a, now)
		if err != nil {
			return err
		}
		if err := tx.SaveAuthority(ctx, a, s.authorityEvent(by, now, a, action)); err != nil {
			return err
		}
		changed = a
		return nil
	})
	return changed, err
}

// Authority returns one authority.
func (s *Authorities) Authority(ctx context.Context, by domain.Actor, id domain.ID) (staff.Authority, error) {
	if err := by.Require(authorityReaders...); err != nil {
		return staff.Authority{}, err
	}
	return s.store.Authority(ctx, id)
}

// Authorities lists authorities, newest first.
func (s *Authorities) Authorities(ctx context.Context, by domain.Actor, filter AuthorityFilter, page domain.Page) ([]staff.Authority, error) {
	if err := by.Require(authorityReaders...); err != nil {
		return nil, err
	}
	return s.store.Authorities(ctx, filter, page)
}

// Load brings in authorities that were decided outside, as they are, from the demonstration's data or a lender's own file.
// What is there already stays as it is.
func (s *Authorities) Load(ctx context.Context, by domain.Actor, authorities []staff.Authority) error {
	if err := by.Require(domain.RoleSystem); err != nil {
		return err
	}
	if len(authorities) > staff.AuthoritiesMax {
		return domain.Errorf(domain.KindInvalid, "too-many", "审批权限最多 %d 条", staff.AuthoritiesMax)
	}
	now := s.now()
	return s.store.Update(ctx, func(tx Tx) error {
		for _, a := range authorities {
			if err := a.Validate(); err != nil {
				return err
			}
			if a.Status != staff.AuthorityActive || a.ActivatedBy.IsZero() || a.ActivatedBy == a.DraftedBy {
				return domain.Errorf(domain.KindForbidden, "maker-is-checker", "导入的审批权限须已由另一人启用")
			}
			if _, err := tx.Authority(ctx, a.ID); err == nil {
				continue
			} else if domain.CodeOf(err) != "authority-not-found" {
				return err
			}
			if err := tx.InsertAuthority(ctx, a, s.authorityEvent(by, now, a, staff.ActionCreate)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Authorities) authorityEvent(by domain.Actor, at time.Time, a staff.Authority, action staff.Action) staff.Event {
	notes := []staff.Note{
		{Name: "kind", Value: string(a.Kind)}, {Name: "amount", Value: a.Amount.String()}, {Name: "effective_from", Value: a.EffectiveFrom.String()},
	}
	if !a.EffectiveTo.IsZero() {
		notes = append(notes, staff.Note{Name: "effective_to", Value: a.EffectiveTo.String()})
	}
	if !a.EndAsked.To.IsZero() {
		notes = append(notes, staff.Note{Name: "end_asked_for", Value: a.EndAsked.To.String()})
	}
	return staff.Event{
		ID: s.newID(), Subject: staff.SubjectAuthority, SubjectID: a.ID, Action: action,
		ActorID: by.ID, ActorName: by.Name, ActorRole: by.Role, At: at, Detail: notes,
	}
}

// ---- standing in ----

// delegators may lend an authority: the approver himself, or for one who is away his branch manager or a keeper.
var delegators = []domain.Role{domain.RoleApprover, domain.RoleBranchManager, domain.RoleRiskManager, domain.RoleAdmin}

// Delegate lets an approver stand in for another (转授权). An approver lends only what is his own.
func (s *Authorities) Delegate(ctx context.Context, by domain.Actor, key Idempotency, d staff.Delegation) (made staff.Delegation, replayed bool, err error) {
	if err := checkDelegator(by, d.FromID); err != nil {
		return staff.Delegation{}, false, err
	}
	now := s.now()
	d.ID, d.MadeBy, d.MadeAt, d.Version = s.newID(), by.ID, now, 1
	if err := checkDelegation(d, domain.DateOf(now)); err != nil {
		return staff.Delegation{}, false, err
	}
	err = s.store.Update(ctx, func(tx Tx) error {
		from, err := lockPair(ctx, tx, by.Scope(), d.FromID, d.ToID)
		if err != nil {
			return err
		}
		prior, err := tx.ClaimIdempotencyKey(ctx, by.ID, key, d.ID, now)
		if err != nil {
			return err
		}
		if !prior.IsZero() {
			made, err = tx.Delegation(ctx, by.Scope(), prior)
			replayed = true
			return err
		}
		others, err := tx.DelegationsTouching(ctx, []domain.ID{d.FromID, d.ToID}, d.StartsOn)
		if err != nil {
			return err
		}
		if len(others) >= staff.DelegationsOfUserMax {
			return domain.Errorf(domain.KindRule, "file-full", "转授权过多，请先撤销不用的")
		}
		if err := d.CheckChain(others); err != nil {
			return err
		}
		d.BranchID = from.BranchID
		if err := tx.InsertDelegation(ctx, d, s.delegationEvent(by, now, d, from, staff.ActionDelegate)); err != nil {
			return err
		}
		made, replayed = d, false
		return nil
	})
	return made, replayed, err
}

func checkDelegator(by domain.Actor, from domain.ID) error {
	if err := by.Require(delegators...); err != nil {
		return err
	}
	if by.Role == domain.RoleApprover && by.ID != from {
		return domain.Errorf(domain.KindForbidden, "not-yours", "审批人只能转授自己的审批权限")
	}
	return nil
}

func checkDelegation(d staff.Delegation, today domain.Date) error {
	var p domain.Problems
	p.Check("", d.Validate())
	if d.StartsOn.Before(today) {
		p.Add("/starts_on", "in-the-past", "开始日期最早为今天 %s", today)
	}
	return p.Err()
}

// lockPair locks both users in the order of their ids, so that two delegations that touch one person are made one after the
// other and see each other. Both must be approvers at work. It returns the first.
func lockPair(ctx context.Context, tx Tx, scope domain.Scope, from, to domain.ID) (staff.User, error) {
	first, second := from, to
	if second < first {
		first, second = second, first
	}
	users := map[domain.ID]staff.User{}
	for _, id := range []domain.ID{first, second} {
		where := domain.Scope{Everything: true} // who stands in may work at another branch
		if id == from {
			where = scope
		}
		user, err := tx.LockUser(ctx, where, id)
		pointer := map[bool]string{true: "/from_id", false: "/to_id"}[id == from]
		if err != nil {
			return staff.User{}, notFoundAt(pointer, err)
		}
		if !user.Active() || user.Role != domain.RoleApprover {
			var p domain.Problems
			p.Add(pointer, "not-an-approver", "只能在在岗的审批人之间转授权")
			return staff.User{}, p.Err()
		}
		users[id] = user
	}
	return users[from], nil
}

// RevokeDelegation ends a delegation at once (撤销转授权).
func (s *Authorities) RevokeDelegation(ctx context.Context, by domain.Actor, id domain.ID) (staff.Delegation, error) {
	now := s.now()
	var revoked staff.Delegation
	err := s.store.Update(ctx, func(tx Tx) error {
		d, err := tx.LockDelegation(ctx, by.Scope(), id)
		if err != nil {
			return err
		}
		if err := checkDelegator(by, d.FromID); err != nil {
			return err
		}
		from, err := tx.User(ctx, domain.Scope{Everything: true}, d.FromID)
		if err != nil {
			return err
		}
		d, err = d.Revoke(by.ID, now)
		if err != nil {
			return err
		}
		if err := tx.SaveDelegation(ctx, d, s.delegationEvent(by, now, d, from, staff.ActionEnd)); err != nil {
			return err
		}
		revoked = d
		return nil
	})
	return revoked, err
}

// Delegations lists who stands in for whom at the actor's branches, newest first.
func (s *Authorities) Delegations(ctx context.Context, by domain.Actor, page domain.Page) ([]staff.Delegation, error) {
	if err := by.Require(authorityReaders...); err != nil {
		return nil, err
	}
	return s.store.Delegations(ctx, by.Scope(), page)
}

func (s *Authorities) delegationEvent(by domain.Actor, at time.Time, d staff.Delegation, from staff.User, action staff.Action) staff.Event {
	return staff.Event{
		ID: s.newID(), Subject: staff.SubjectDelegation, SubjectID: d.ID, BranchID: from.BranchID, Action: action,
		ActorID: by.ID, ActorName: by.Name, ActorRole: by.Role, At: at, Detail: []staff.Note{
			{Name: "from_id", Value: d.FromID.String()},
			{Name: "to_id", Value: d.ToID.String()},
			{Name: "starts_on", Value: d.StartsOn.String()},
			{Name: "ends_on", Value: d.EndsOn.String()},
		},
	}
}

// standing is the authority by which somebody may act: one's own, or that of a person one stands in for.
type standing struct {
	authority  staff.Authority
	found      bool
	onBehalfOf domain.ID
}

// covers reports whether the standing reaches the amount.
func (s standing) covers(q approvalQuestion) bool {
	return s.found && q.amount.Cmp(s.authority.Amount) <= 0
}

// standingOf finds the greatest authority that an approver has for a case on the day: his own, or, where that does not
// reach, that of somebody he stands in for. What the other one has by delegation is not looked at: nothing is handed on.
func standingOf(ctx context.Context, r Reader, all []staff.Authority, q approvalQuestion) (standing, error) {
	var best standing
	best.authority, best.found = staff.AuthorityFor(all, q.AuthorityQuestion)
	if best.covers(q) {
		return best, nil
	}
	lent, err := r.DelegationsTouching(ctx, []domain.ID{q.UserID}, q.On)
	if err != nil {
		return standing{}, err
	}
	for _, d := range lent {
		if d.ToID != q.UserID || !d.Holds(q.On) {
			continue
		}
		if err := approverExists(ctx, r, d.FromID); err != nil {
			if domain.CodeOf(err) == "user-not-found" {
				continue // nobody lends what he no longer has
			}
			return standing{}, err
		}
		absent := q.AuthorityQuestion
		absent.UserID = d.FromID
		if a, found := staff.AuthorityFor(all, absent); found && (!best.found || a.Amount.Cmp(best.authority.Amount) > 0) {
			best = standing{authority: a, found: true, onBehalfOf: d.FromID}
		}
	}
	return best, nil
}
