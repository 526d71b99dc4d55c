package origination

import (
	"context"
	"slices"
	"strconv"
	"time"

	"fumin/domain"
	"fumin/domain/staff"
)

// Organisation is a set of branches, users and service accounts to load at once, from the demonstration's data or a
// lender's own file.
type Organisation struct {
	Branches        []OrganisationBranch
	Users           []OrganisationUser
	ServiceAccounts []OrganisationServiceAccount
}

// OrganisationBranch is a branch as a file names it: its parent by code, "" at the top. The order does not matter. A zero
// ID lets us make one; for a branch that exists it must be the same or zero.
type OrganisationBranch struct {
	ID         domain.ID
	Code       string
	Name       string
	Level      staff.Level
	ParentCode string
}

// OrganisationUser is a user as a file names it. Its password is its own from the start. A zero ID lets us make one.
type OrganisationUser struct {
	ID          domain.ID
	Username    string
	DisplayName string
	Role        domain.Role
	BranchCode  string
	// GuaranteeCompanyID is the company of a guarantee officer; zero for everybody else.
	GuaranteeCompanyID domain.ID
	Password           staff.Secret
}

// OrganisationServiceAccount is a service account whose secret was made elsewhere, by a random source.
type OrganisationServiceAccount struct {
	Kind     staff.ServiceAccountKind
	ClientID string
	Name     string
	Secret   staff.Secret
}

// Limits of one organisation, besides staff.BranchesMax.
const (
	OrganisationUsersMax    = 1000
	OrganisationAccountsMax = 100
)

// LoadOrganisation makes the lender's organisation what org says: it adds what is missing, and brings the name and level
// of branches that exist up to date. Users and service accounts that exist are left alone, their passwords most of all; nothing
// is removed. Asked again it changes nothing. A branch that would move below another one is refused ("branch-moved"): what
// happened at it would change hands.
func (s *Staff) LoadOrganisation(ctx context.Context, by domain.Actor, org Organisation) error {
	if err := by.Require(domain.RoleSystem); err != nil {
		return err
	}
	if len(org.Branches) > staff.BranchesMax || len(org.Users) > OrganisationUsersMax || len(org.ServiceAccounts) > OrganisationAccountsMax {
		return domain.Errorf(domain.KindInvalid, "too-many", "机构最多 %d 个，员工最多 %d 名，服务账号最多 %d 个",
			staff.BranchesMax, OrganisationUsersMax, OrganisationAccountsMax)
	}
	now := s.now()
	err := s.store.Update(ctx, func(tx Tx) error { return s.loadBranches(ctx, tx, by, org.Branches, now) })
	if err != nil {
		return err
	}
	if err := s.loadUsers(ctx, by, org.Users, now); err != nil {
		return err
	}
	return s.loadServiceAccounts(ctx, by, org.ServiceAccounts, now)
}

func (s *Staff) loadBranches(ctx context.Context, tx Tx, by domain.Actor, wanted []OrganisationBranch, now time.Time) error {
	existing, err := tx.Branches(ctx, domain.Scope{Everything: true})
	if err != nil {
		return err
	}
	byCode := make(map[string]staff.Branch, len(existing)+len(wanted))
	for _, b := range existing {
		byCode[b.Code] = b
	}
	for _, w := range wanted { // the ids first, so that a parent may stand after its children
		if _, exists := byCode[w.Code]; !exists {
			if w.ID.IsZero() {
				w.ID = s.newID()
			}
			byCode[w.Code] = staff.Branch{ID: w.ID, Code: w.Code}
		}
	}
	isNew := func(b staff.Branch) bool { return b.Level == "" }

	var added, changed []staff.Branch
	for i, w := range wanted {
		b := byCode[w.Code]
		parent, found := byCode[w.ParentCode]
		if w.ParentCode != "" && !found {
			return domain.Errorf(domain.KindInvalid, "unknown-parent", "机构 %s 的上级机构 %s 不存在", w.Code, w.ParentCode)
		}
		next := staff.Branch{ID: b.ID, Code: w.Code, Name: w.Name, Level: w.Level, ParentID: parent.ID}
		if err := next.Validate(); err != nil {
			var p domain.Problems
			p.Check("/branches/"+strconv.Itoa(i), err)
			return p.Err()
		}
		switch {
		case slices.ContainsFunc(added, func(a staff.Branch) bool { return a.Code == w.Code }):
			return domain.Errorf(domain.KindInvalid, "branch-twice", "机构 %s 出现了两次", w.Code)
		case !w.ID.IsZero() && w.ID != b.ID:
			return domain.Errorf(domain.KindConflict, "branch-code-taken", "机构号 %s 已属于另一个机构", w.Code)
		case isNew(b):
			added = append(added, next)
		case next.ParentID != b.ParentID:
			return domain.Errorf(domain.KindRule, "branch-moved", "机构 %s 的上级机构与现有的不同，不能用导入的方式划转", w.Code)
		case next != b:
			changed = append(changed, next)
		}
	}
	return s.storeBranches(ctx, tx, by, existing, added, changed, now)
}

// storeBranches writes what differs, parents before their children.
func (s *Staff) storeBranches(ctx context.Context, tx Tx, by domain.Actor, existing, added, changed []staff.Branch, now time.Time) error {
	all := slices.DeleteFunc(slices.Clone(existing), func(b staff.Branch) bool {
		return slices.ContainsFunc(changed, func(c staff.Branch) bool { return c.ID == b.ID })
	})
	pairs, err := staff.Ancestry(slices.Concat(all, changed, added))
	if err != nil {
		return err
	}
	slices.SortStableFunc(added, func(a, b staff.Branch) int {
		return slices.Index(staff.Levels(), a.Level) - slices.Index(staff.Levels(), b.Level)
	})
	for _, b := range added {
		if err := tx.InsertBranch(ctx, b, s.branchEvent(by, b, staff.ActionCreate, now)); err != nil {
			return err
		}
	}
	for _, b := range changed {
		was := existing[slices.IndexFunc(existing, func(e staff.Branch) bool { return e.ID == b.ID })]
		event := s.branchEvent(by, b, staff.ActionChange, now, staff.Note{Name: staff.NoteNameBefore, Value: was.Name})
		if err := tx.SaveBranch(ctx, b, event); err != nil {
			return err
		}
	}
	if len(added) == 0 {
		return nil
	}
	return tx.InsertAncestors(ctx, pairs)
}

func (s *Staff) branchEvent(by domain.Actor, b staff.Branch, action staff.Action, at time.Time, more ...staff.Note) staff.Event {
	return staff.Event{
		ID: s.newID(), Subject: staff.SubjectBranch, SubjectID: b.ID, BranchID: b.ID, Action: action,
		ActorID: by.ID, ActorName: by.Name, ActorRole: by.Role, At: at, Detail: append([]staff.Note{{Name: staff.NoteName, Value: b.Name}}, more...),
	}
}

// loadUsers adds the users that are missing. Their passwords are hashed before the transaction, which would otherwise be
// open for seconds.
func (s *Staff) loadUsers(ctx context.Context, by domain.Actor, wanted []OrganisationUser, now time.Time) error {
	branches, err := s.store.Branches(ctx, by.Scope())
	if err != nil {
		return err
	}
	names := make([]string, len(wanted))
	for i, w := range wanted {
		names[i] = staff.NormaliseUsername(w.Username)
	}
	exists, err := s.store.UserNames(ctx, names)
	if err != nil {
		return err
	}

	var missing []staff.User
	var p domain.Problems
	for i, w := range wanted {
		if exists[names[i]] {
			continue
		}
		exists[names[i]] = true
		at := slices.IndexFunc(branches, func(b staff.Branch) bool { return b.Code == w.BranchCode })
		if at < 0 {
			p.Add("/users/"+strconv.Itoa(i)+"/branch_code", "branch-not-found", "没有代码为 %q 的机构，请先建立", w.BranchCode)
			continue
		}
		user, err := s.newUser(CreateUser{
			ID: w.ID, Username: w.Username, DisplayName: w.DisplayName, Role: w.Role, BranchID: branches[at].ID, GuaranteeCompanyID: w.GuaranteeCompanyID, Password: w.Password,
		}, now)
		if err != nil {
			p.Check("/users/"+strconv.Itoa(i), err)
			continue
		}
		if user.PasswordHash, err = s.hashPassword(ctx, w.Password); err != nil {
			return err
		}
		user.PasswordTemporary = false
		missing = append(missing, user)
	}
	if err := p.Err(); err != nil || len(missing) == 0 {
		return err
	}
	return s.store.Update(ctx, func(tx Tx) error {
		for _, u := range missing {
			if err := tx.InsertUser(ctx, u, s.userEvent(by, u, staff.ActionCreate, now)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Staff) loadServiceAccounts(ctx context.Context, by domain.Actor, wanted []OrganisationServiceAccount, now time.Time) error {
	return s.store.Update(ctx, func(tx Tx) error {
		for i, w := range wanted {
			_, err := tx.ServiceAccount(ctx, w.ClientID)
			if err == nil {
				continue
			}
			if domain.CodeOf(err) != "service-account-not-found" {
				return err
			}
			account, err := s.newServiceAccount(w.Kind, w.ClientID, w.Name, w.Secret, now)
			var p domain.Problems
			p.Check("/service_accounts/"+strconv.Itoa(i), err)
			p.Check("/service_accounts/"+strconv.Itoa(i)+"/secret", staff.CheckClientSecret(w.Secret))
			if p.Any() {
				return p.Err()
			}
			if err := tx.InsertServiceAccount(ctx, account, s.accountEvent(by, account, staff.ActionCreate, now)); err != nil {
				return err
			}
		}
		return nil
	})
}
