package origination

import (
	"context"
	"time"

	"fumin/domain"
	"fumin/domain/staff"
)

// CreateUser asks for a new user. ID may be the client's own; zero lets us make one.
type CreateUser struct {
	ID          domain.ID
	Username    string
	DisplayName string
	Role        domain.Role
	BranchID    domain.ID
	// GuaranteeCompanyID is required of a guarantee officer and refused of anybody else.
	GuaranteeCompanyID domain.ID
	Password           staff.Secret // for the first login only, where it is replaced
}

// CreateUser adds a member of staff to a branch in the administrator's scope. replayed says that this key had added it
// before. The key's fingerprint must not be made of the password: a plain hash of it would lie in the table of keys for
// anybody to try passwords against. So a repeated request is held against the stored password instead.
//
// The command line adds users with the zero key: nobody repeats its requests.
func (s *Staff) CreateUser(ctx context.Context, by domain.Actor, key Idempotency, cmd CreateUser) (created staff.User, replayed bool, err error) {
	if err := by.Require(domain.RoleAdmin, domain.RoleSystem); err != nil {
		return staff.User{}, false, err
	}
	now := s.now()
	user, err := s.newUser(cmd, now)
	if err != nil {
		return staff.User{}, false, err
	}
	leave, err := s.enterHashing(ctx)
	if err != nil {
		return staff.User{}, false, err
	}
	defer leave()
	if user.PasswordHash, err = s.hashInSlot(cmd.Password); err != nil {
		return staff.User{}, false, err
	}

	err = s.store.Update(ctx, func(tx Tx) error {
		if key != (Idempotency{}) {
			prior, err := tx.ClaimIdempotencyKey(ctx, by.ID, key, user.ID, now)
			if err != nil {
				return err
			}
			if !prior.IsZero() {
				created, err = priorUser(ctx, tx, by, prior, cmd.Password)
				replayed = true
				return err
			}
		}
		if _, err := tx.Branch(ctx, by.Scope(), user.BranchID); err != nil {
			return notFoundAt("/branch_id", err)
		}
		if err := guaranteeCompanyExists(ctx, tx, user.GuaranteeCompanyID); err != nil {
			return err
		}
		if err := tx.InsertUser(ctx, user, s.userEvent(by, user, staff.ActionCreate, now)); err != nil {
			return err
		}
		created, replayed = user, false
		return nil
	})
	return created, replayed, err
}

// guaranteeCompanyExists refuses a company that is not there; none is nobody's.
func guaranteeCompanyExists(ctx context.Context, r Reader, id domain.ID) error {
	if id.IsZero() {
		return nil
	}
	_, err := r.GuaranteeCompany(ctx, id)
	return notFoundAt("/guarantee_company_id", err)
}

// ownScope is what somebody may see of the users: themselves always, others by branch. A guarantee company's officer sees no
// branch.
func ownScope(by domain.Actor) domain.Scope {
	if by.Role == domain.RoleGuaranteeOfficer {
		return domain.Scope{BranchID: by.BranchID}
	}
	return by.Scope()
}

// priorUser returns what an earlier request with the same key made, if it asked for the same password.
func priorUser(ctx context.Context, tx Tx, by domain.Actor, id domain.ID, password staff.Secret) (staff.User, error) {
	user, err := tx.User(ctx, by.Scope(), id)
	if err != nil {
		return staff.User{}, err
	}
	if user.PasswordTemporary && !user.PasswordHash.Matches(password) {
		return staff.User{}, domain.Errorf(domain.KindRule, "idempotency-key-reused", "这个幂等键已用于另一个请求，请为新的请求换一个新的键")
	}
	return user, nil
}

// newUser checks a command and makes the user of it, but for the password's hash.
func (s *Staff) newUser(cmd CreateUser, now time.Time) (staff.User, error) {
	if cmd.ID.IsZero() {
		cmd.ID = s.newID()
	}
	var p domain.Problems
	username, err := staff.ParseUsername(cmd.Username)
	p.Check("/username", err)
	displayName, err := staff.ParseDisplayName(cmd.DisplayName)
	p.Check("/display_name", err)
	_, err = staff.ParseUserRole(string(cmd.Role))
	p.Check("/role", err)
	if cmd.BranchID.IsZero() {
		p.Add("/branch_id", "required", "必填")
	}
	p.Check("", staff.CheckGuaranteeCompany(cmd.Role, cmd.GuaranteeCompanyID))
	p.Check("/password", staff.CheckPassword(cmd.Password, username))
	return staff.User{
		ID: cmd.ID, Username: username, DisplayName: displayName, Role: cmd.Role, BranchID: cmd.BranchID,
		GuaranteeCompanyID: cmd.GuaranteeCompanyID,
		PasswordTemporary:  true, Version: 1, CreatedAt: now, UpdatedAt: now,
	}, p.Err()
}

// User returns one user of the actor's scope. Everybody may ask for themselves, others only an administrator or an auditor.
func (s *Staff) User(ctx context.Context, by domain.Actor, id domain.ID) (staff.User, error) {
	if by.ID != id {
		if err := by.Require(domain.RoleAdmin, domain.RoleAuditor); err != nil {
			return staff.User{}, err
		}
	}
	return s.store.User(ctx, ownScope(by), id)
}

// Users lists the users of the actor's scope, newest first.
func (s *Staff) Users(ctx context.Context, by domain.Actor, page domain.Page) ([]staff.User, error) {
	if err := by.Require(domain.RoleAdmin, domain.RoleAuditor); err != nil {
		return nil, err
	}
	return s.store.Users(ctx, by.Scope(), page)
}

// UserEvents lists what happened to a user and its sessions, newest first.
func (s *Staff) UserEvents(ctx context.Context, by domain.Actor, id domain.ID, page domain.Page) ([]staff.Event, error) {
	if err := by.Require(domain.RoleAdmin, domain.RoleAuditor); err != nil {
		return nil, err
	}
	if _, err := s.store.User(ctx, by.Scope(), id); err != nil {
		return nil, err
	}
	return s.store.StaffEvents(ctx, by.Scope(), id, page)
}

// Branches lists the branches of the actor's scope.
func (s *Staff) Branches(ctx context.Context, by domain.Actor) ([]staff.Branch, error) {
	if err := by.Require(append(staff.UserRoles(), domain.RoleSystem)...); err != nil {
		return nil, err
	}
	return s.store.Branches(ctx, by.Scope())
}

// Me returns the user who asks, as it is now, with its branch.
func (s *Staff) Me(ctx context.Context, by domain.Actor) (staff.User, staff.Branch, error) {
	user, err := s.store.User(ctx, ownScope(by), by.ID)
	if err != nil {
		return staff.User{}, staff.Branch{}, err
	}
	if !user.Active() {
		return staff.User{}, staff.Branch{}, errSessionEnded()
	}
	branch, err := s.store.Branch(ctx, domain.Scope{BranchID: user.BranchID}, user.BranchID)
	return user, branch, err
}

// DeactivateUser ends a user's sessions and lets it open no others (停用). Access tokens live on until they expire, minutes
// later. Deactivating twice is no error. Nobody deactivates themselves: there is always an administrator left.
func (s *Staff) DeactivateUser(ctx context.Context, by domain.Actor, id domain.ID) (staff.User, error) {
	if err := by.Require(domain.RoleAdmin, domain.RoleSystem); err != nil {
		return staff.User{}, err
	}
	if by.ID == id {
		return staff.User{}, domain.Errorf(domain.KindRule, "own-account", "不能停用自己的账号，请由另一位管理员办理")
	}
	now := s.now()
	var deactivated staff.User
	err := s.store.Update(ctx, func(tx Tx) error {
		user, err := tx.LockUser(ctx, by.Scope(), id)
		if err != nil {
			return err
		}
		if !user.Active() {
			deactivated = user
			return nil
		}
		user.DeactivatedAt, user.UpdatedAt = now, now
		user.Version++
		if err := tx.SaveUser(ctx, user, s.userEvent(by, user, staff.ActionDeactivate, now)); err != nil {
			return err
		}
		if _, err := tx.EndSessions(ctx, user.ID, 0, staff.SessionEndDeactivated, now); err != nil {
			return err
		}
		deactivated = user
		return nil
	})
	return deactivated, err
}

// ChangePassword replaces the actor's own password, and ends all of the actor's sessions. The current password counts as a
// login attempt: a stolen access token is no way around the limit.
func (s *Staff) ChangePassword(ctx context.Context, by domain.Actor, current, replacement staff.Secret) error {
	if err := by.Require(staff.UserRoles()...); err != nil {
		return err
	}
	now := s.now()
	known, err := s.store.User(ctx, ownScope(by), by.ID)
	if err != nil {
		return err
	}
	if err := checkNewPassword("/new_password", replacement, known.Username, current); err != nil {
		return err
	}
	leave, err := s.enterHashing(ctx)
	if err != nil {
		return err
	}
	defer leave()

	var refused error // committed all the same: it was counted
	err = s.store.Update(ctx, func(tx Tx) error {
		user, refusal, err := s.checkPassword(ctx, tx, now, known.Username, current)
		refused = refusal
		if err != nil || refusal != nil {
			return err
		}
		_, err = s.renewHash(ctx, tx, now, user, current, replacement)
		return err
	})
	if err != nil {
		return err
	}
	return refused
}

// ResetPassword gives a user of the administrator's scope a password for one login, where it is replaced, unlocks the
// name and ends the user's sessions.
func (s *Staff) ResetPassword(ctx context.Context, by domain.Actor, id domain.ID, replacement staff.Secret) error {
	if err := by.Require(domain.RoleAdmin, domain.RoleSystem); err != nil {
		return err
	}
	if by.ID == id {
		return domain.Errorf(domain.KindRule, "own-account", "修改自己的口令须同时提供当前口令（current_password）")
	}
	now := s.now()
	known, err := s.store.User(ctx, by.Scope(), id)
	if err != nil {
		return err
	}
	if err := checkNewPassword("/new_password", replacement, known.Username, staff.Secret{}); err != nil {
		return err
	}
	hash, err := s.hashPassword(ctx, replacement)
	if err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx Tx) error {
		// The attempts first and then the user, as a login locks them.
		if _, err := tx.LockLoginAttempts(ctx, known.Username, now); err != nil {
			return err
		}
		user, err := tx.LockUser(ctx, by.Scope(), id)
		if err != nil {
			return err
		}
		if !user.Active() {
			return domain.Errorf(domain.KindConflict, "user-deactivated", "该员工已停用，不能重置口令")
		}
		user.PasswordHash, user.PasswordTemporary, user.UpdatedAt = hash, true, now
		user.Version++
		if err := tx.SaveUser(ctx, user, s.userEvent(by, user, staff.ActionResetPassword, now)); err != nil {
			return err
		}
		if err := tx.SaveLoginAttempts(ctx, user.Username, staff.LoginAttempts{}, now); err != nil {
			return err
		}
		_, err = tx.EndSessions(ctx, user.ID, 0, staff.SessionEndPasswordChanged, now)
		return err
	})
}
