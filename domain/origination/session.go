package origination

import (
	"context"
	"encoding/base64"
	"time"

	"fumin/domain"
	"fumin/domain/staff"
)

// Grant is what a login, a refresh or a service account's request is given: the facts an access token states. Role and
// branch are as they are now, not as they were when the session began.
type Grant struct {
	Actor            domain.Actor
	User             staff.User   // zero for a service account
	SessionID        domain.ID    // zero for a service account
	RefreshToken     staff.Secret // zero for a service account; shown once, kept nowhere
	RefreshExpiresAt time.Time
}

// refreshTokenBytes make a token nobody can guess; refreshTokenPrefix lets a scanner of source code and logs find one.
const (
	refreshTokenBytes  = 32
	refreshTokenPrefix = "fumin_refresh_"
)

// Login opens a session for a user name and password. What is wrong is never said more exactly than
// "invalid-credentials": a name that does not exist, a user that was deactivated and a wrong password take the same way and
// the same time. After staff.LoginFailuresMax failures the name is locked for a while, "too-many-attempts", even for the right
// password. A password that somebody else set opens nothing until it is replaced: "password-change-required".
func (s *Staff) Login(ctx context.Context, username string, password staff.Secret) (Grant, error) {
	return s.login(ctx, username, password, staff.Secret{})
}

// LoginWithNewPassword is Login, and replaces the password when it was right.
func (s *Staff) LoginWithNewPassword(ctx context.Context, username string, password, newPassword staff.Secret) (Grant, error) {
	if err := checkNewPassword("/new_password", newPassword, staff.NormaliseUsername(username), password); err != nil {
		return Grant{}, err
	}
	return s.login(ctx, username, password, newPassword)
}

// checkNewPassword is the password policy, said of a field. The old password is zero when it is not known.
func checkNewPassword(pointer string, password staff.Secret, username string, old staff.Secret) error {
	var p domain.Problems
	if err := staff.CheckPassword(password, username); err != nil {
		p.Check(pointer, err)
	} else if !old.IsZero() && password.Equal(old) {
		p.Add(pointer, "password-unchanged", "新口令不能与原口令相同")
	}
	return p.Err()
}

// login holds a hashing slot for its whole transaction, so that many logins at once wait for a slot and not for one of the
// database's connections.
func (s *Staff) login(ctx context.Context, username string, password, newPassword staff.Secret) (Grant, error) {
	now := s.now()
	leave, err := s.enterHashing(ctx)
	if err != nil {
		return Grant{}, err
	}
	defer leave()
	token, err := s.newRefreshToken()
	if err != nil {
		return Grant{}, err
	}
	sessionID := s.newID()

	var granted Grant
	var refused error // committed all the same: a failure that is rolled back would not count
	err = s.store.Update(ctx, func(tx Tx) error {
		granted, refused = Grant{}, nil
		user, refusal, err := s.checkPassword(ctx, tx, now, staff.NormaliseUsername(username), password)
		if err != nil || refusal != nil {
			refused = refusal
			return err
		}
		if user.PasswordTemporary && newPassword.IsZero() {
			refused = domain.Errorf(domain.KindForbidden, "password-change-required", "口令是别人为您设置的，请在登录时同时设置自己的新口令（new_password）")
			return nil
		}
		if user, err = s.renewHash(ctx, tx, now, user, password, newPassword); err != nil {
			return err
		}

		session := staff.StartSession(sessionID, user.ID, now)
		event := s.userEvent(user.Actor(), user, staff.ActionLogin, now, staff.Note{Name: "session_id", Value: session.ID.String()})
		if err := tx.InsertSession(ctx, session, token.Hash(), event); err != nil {
			return err
		}
		if _, err := tx.EndSessions(ctx, user.ID, staff.SessionsMax, staff.SessionEndTooMany, now); err != nil {
			return err
		}
		granted = Grant{Actor: user.Actor(), User: user, SessionID: session.ID, RefreshToken: token, RefreshExpiresAt: session.ExpiresAt}
		return nil
	})
	if err != nil {
		return Grant{}, err
	}
	return granted, refused
}

// checkPassword tries a password under a name. refusal says that it did not open, and has been counted: the transaction
// must be committed. The row of attempts is locked first, known name or not, so that all who try one name at once wait for
// each other and none is looked at beyond the limit. The caller holds a hashing slot.
func (s *Staff) checkPassword(ctx context.Context, tx Tx, now time.Time, name string, password staff.Secret) (user staff.User, refusal, err error) {
	attempts, err := tx.LockLoginAttempts(ctx, name, now)
	if err != nil {
		return staff.User{}, nil, err
	}
	if attempts.LockedAt(now) {
		return staff.User{}, errTooManyAttempts(attempts, now), nil
	}
	user, err = tx.LockUserByName(ctx, name)
	known := err == nil
	if err != nil && domain.CodeOf(err) != "user-not-found" {
		return staff.User{}, nil, err
	}
	hash := staff.NobodysHash()
	if known {
		hash = user.PasswordHash
	}
	if matches := hash.Matches(password); matches && known && user.Active() {
		if attempts.Failures > 0 {
			err = tx.SaveLoginAttempts(ctx, name, staff.LoginAttempts{}, now)
		}
		return user, nil, err
	}

	next, locked := attempts.Fail(now)
	if err := tx.SaveLoginAttempts(ctx, name, next, now); err != nil {
		return staff.User{}, nil, err
	}
	if known {
		action := staff.ActionLoginFailed
		if locked {
			action = staff.ActionLoginLocked
		}
		if err := tx.InsertStaffEvent(ctx, s.userEvent(user.Actor(), user, action, now)); err != nil {
			return staff.User{}, nil, err
		}
	}
	return staff.User{}, domain.Errorf(domain.KindUnauthenticated, "invalid-credentials", "用户名或口令不正确"), nil
}

func errTooManyAttempts(a staff.LoginAttempts, now time.Time) error {
	minutes := int((a.LockedUntil.Sub(now) + time.Minute - 1) / time.Minute)
	return domain.Errorf(domain.KindUnauthenticated, "too-many-attempts",
		"连续 %d 次登录失败，这个用户名已被锁定，请于 %d 分钟后再试；忘记口令请联系管理员", staff.LoginFailuresMax, minutes)
}

// renewHash stores a new password, or the same one hashed with today's parameters when it was hashed with others.
func (s *Staff) renewHash(ctx context.Context, tx Tx, now time.Time, user staff.User, password, newPassword staff.Secret) (staff.User, error) {
	action, next := staff.ActionChangePassword, newPassword
	if newPassword.IsZero() {
		if !user.PasswordHash.Outdated() {
			return user, nil
		}
		action, next = staff.ActionStrengthenHash, password
	}
	hash, err := s.hashInSlot(next)
	if err != nil {
		return staff.User{}, err
	}
	user.PasswordHash, user.PasswordTemporary = hash, false
	user.Version++
	user.UpdatedAt = now
	if err := tx.SaveUser(ctx, user, s.userEvent(user.Actor(), user, action, now)); err != nil {
		return staff.User{}, err
	}
	if action == staff.ActionChangePassword {
		_, err = tx.EndSessions(ctx, user.ID, 0, staff.SessionEndPasswordChanged, now)
	}
	return user, err
}

func (s *Staff) newRefreshToken() (staff.Secret, error) {
	b, err := s.draw(refreshTokenBytes)
	if err != nil {
		return staff.Secret{}, err
	}
	return staff.NewSecret(refreshTokenPrefix + base64.RawURLEncoding.EncodeToString(b)), nil
}

func errSessionEnded() error {
	return domain.Errorf(domain.KindUnauthenticated, "session-ended", "登录已失效，请重新登录")
}

// Refresh exchanges a refresh token for the next one. Each counts once: twenty callers with the same one get one new token
// and nineteen times "refresh-token-used", which leaves the session alone, because two tabs or a repeated request are no theft.
// Later than staff.RefreshGrace, or once the new token is in use, the old one ends the session for everybody who has a
// token of it: "session-ended", which is also the answer to any token that does not count.
func (s *Staff) Refresh(ctx context.Context, token staff.Secret) (Grant, error) {
	now := s.now()
	successor, err := s.newRefreshToken()
	if err != nil {
		return Grant{}, err
	}
	var granted Grant
	var refused error // committed all the same, as it may have ended the session
	err = s.store.Update(ctx, func(tx Tx) error {
		granted, refused = Grant{}, errSessionEnded()
		held, err := tx.RefreshToken(ctx, token.Hash())
		if err != nil || held.SessionID.IsZero() {
			return err
		}
		session, err := tx.LockSession(ctx, held.SessionID)
		if err != nil {
			return err
		}
		user, err := tx.User(ctx, domain.Scope{Everything: true}, session.UserID)
		if err != nil {
			return err
		}
		if !user.Active() {
			return nil // its sessions ended with it; this one began in the same moment
		}

		session, outcome := session.Refresh(held.Generation, now)
		switch outcome {
		case staff.RefreshOver:
			return nil
		case staff.RefreshRepeated:
			refused = domain.Errorf(domain.KindConflict, "refresh-token-used", "这个刷新令牌刚刚用过，请使用那次得到的新令牌；没有收到时请重新登录")
			return nil
		case staff.RefreshReused:
			return tx.EndSession(ctx, session, s.sessionEvent(user, session, now))
		case staff.RefreshGranted:
		}
		if err := tx.ContinueSession(ctx, session, successor.Hash()); err != nil {
			return err
		}
		granted = Grant{Actor: user.Actor(), User: user, SessionID: session.ID, RefreshToken: successor, RefreshExpiresAt: session.ExpiresAt}
		refused = nil
		return nil
	})
	if err != nil {
		return Grant{}, err
	}
	return granted, refused
}

func (s *Staff) sessionEvent(user staff.User, session staff.Session, at time.Time) staff.Event {
	return s.userEvent(user.Actor(), user, staff.ActionSessionEnd, at,
		staff.Note{Name: "session_id", Value: session.ID.String()}, staff.Note{Name: "reason", Value: string(session.EndReason)})
}

// Logout ends the session of a refresh token, an old one too. A token that says nothing is no error: what was asked for is
// already so. Access tokens of the session live on until they expire, minutes later.
func (s *Staff) Logout(ctx context.Context, token staff.Secret) error {
	now := s.now()
	return s.store.Update(ctx, func(tx Tx) error {
		held, err := tx.RefreshToken(ctx, token.Hash())
		if err != nil || held.SessionID.IsZero() {
			return err
		}
		session, err := tx.LockSession(ctx, held.SessionID)
		if err != nil || !session.LiveAt(now) {
			return err
		}
		user, err := tx.User(ctx, domain.Scope{Everything: true}, session.UserID)
		if err != nil {
			return err
		}
		session = session.End(staff.SessionEndLogout, now)
		return tx.EndSession(ctx, session, s.sessionEvent(user, session, now))
	})
}
