package origination

import (
	"context"
	"fmt"
	"io"
	"time"

	"fumin/domain"
	"fumin/domain/staff"
)

// StaffReader reads branches, users, service accounts and sessions.
type StaffReader interface {
	// Branch returns one, or "branch-not-found".
	Branch(ctx context.Context, scope domain.Scope, id domain.ID) (staff.Branch, error)
	// Branches lists the branches of a scope by their codes, at most staff.BranchesMax.
	Branches(ctx context.Context, scope domain.Scope) ([]staff.Branch, error)
	// BranchNamesAsOf returns what the branches that were renamed since were called at a moment.
	BranchNamesAsOf(ctx context.Context, at time.Time) (map[domain.ID]string, error)
	// User returns one, or "user-not-found".
	User(ctx context.Context, scope domain.Scope, id domain.ID) (staff.User, error)
	// Users lists a page, newest first.
	Users(ctx context.Context, scope domain.Scope, page domain.Page) ([]staff.User, error)
	// UserNames returns which of the user names exist.
	UserNames(ctx context.Context, names []string) (map[string]bool, error)
	// StaffEvents lists the history of a user, newest first.
	StaffEvents(ctx context.Context, scope domain.Scope, userID domain.ID, page domain.Page) ([]staff.Event, error)
	// ServiceAccount returns one by its client id, or "service-account-not-found".
	ServiceAccount(ctx context.Context, clientID string) (staff.ServiceAccount, error)
	// RefreshToken finds a refresh token by its hash; the zero value says that there is none.
	RefreshToken(ctx context.Context, hash []byte) (staff.RefreshToken, error)
}

// StaffWriter writes branches, users, service accounts and sessions. Whatever changes carries its event.
type StaffWriter interface {
	// InsertBranch refuses with "branch-code-taken" or "id-exists".
	InsertBranch(ctx context.Context, b staff.Branch, event staff.Event) error
	// SaveBranch changes a branch's name and level.
	SaveBranch(ctx context.Context, b staff.Branch, event staff.Event) error
	// InsertAncestors adds to what scopes are looked up in; pairs that are there already stay.
	InsertAncestors(ctx context.Context, pairs []staff.Ancestor) error

	// LockUser returns a user and keeps others from changing it until the transaction ends, or "user-not-found".
	LockUser(ctx context.Context, scope domain.Scope, id domain.ID) (staff.User, error)
	// LockUserByName is LockUser for a login, which has no scope yet.
	LockUserByName(ctx context.Context, name string) (staff.User, error)
	// InsertUser refuses with "username-taken" or "id-exists".
	InsertUser(ctx context.Context, u staff.User, event staff.Event) error
	// SaveUser refuses with "stale-version" when the stored version is not the one before u's.
	SaveUser(ctx context.Context, u staff.User, event staff.Event) error

	// LockLoginAttempts returns the attempts under a name, known or not. Others who try the name wait.
	LockLoginAttempts(ctx context.Context, name string, now time.Time) (staff.LoginAttempts, error)
	// SaveLoginAttempts stores them; it is called with the name's lock held.
	SaveLoginAttempts(ctx context.Context, name string, a staff.LoginAttempts, now time.Time) error
	// DeleteLoginAttempts forgets at most limit names that were not tried since the time.
	DeleteLoginAttempts(ctx context.Context, until time.Time, limit int) (deleted int, err error)

	// InsertStaffEvent records what changes nothing else: a failed login, an issued token.
	InsertStaffEvent(ctx context.Context, event staff.Event) error

	// InsertSession stores a new session with the hash of its first refresh token.
	InsertSession(ctx context.Context, s staff.Session, tokenHash []byte, event staff.Event) error
	// LockSession returns a session and keeps others from using it until the transaction ends.
	LockSession(ctx context.Context, id domain.ID) (staff.Session, error)
	// ContinueSession stores a session's next generation with the hash of its refresh token.
	ContinueSession(ctx context.Context, s staff.Session, tokenHash []byte) error
	// EndSession stores that a session ended.
	EndSession(ctx context.Context, s staff.Session, event staff.Event) error
	// EndSessions ends the live sessions of a user but for the newest keep, and returns how many it ended.
	EndSessions(ctx context.Context, userID domain.ID, keep int, why staff.SessionEnd, now time.Time) (ended int, err error)
	// DeleteSessions forgets at most limit sessions that expired before the time, with their refresh tokens.
	DeleteSessions(ctx context.Context, before time.Time, limit int) (deleted int, err error)

	// InsertServiceAccount refuses with "client-id-taken".
	InsertServiceAccount(ctx context.Context, a staff.ServiceAccount, event staff.Event) error
	// SaveServiceAccount refuses with "stale-version".
	SaveServiceAccount(ctx context.Context, a staff.ServiceAccount, event staff.Event) error
}

// Staff are the use cases of who works here: login and sessions, users, service accounts, the organisation.
type Staff struct {
	store   Store
	now     domain.Clock
	newID   func() domain.ID
	random  io.Reader
	hashing chan struct{} // one slot a password hash in work
}

// hashesMax bounds how many passwords are hashed at once on one node: each takes 19 MiB and a core.
const hashesMax = 4

// NewStaff builds the use cases. random makes salts and tokens; it is crypto/rand.Reader but in tests.
func NewStaff(store Store, now domain.Clock, newID func() domain.ID, random io.Reader) *Staff {
	return &Staff{store: store, now: now, newID: newID, random: random, hashing: make(chan struct{}, hashesMax)}
}

// enterHashing waits for a slot to hash a password in; leave gives it back.
func (s *Staff) enterHashing(ctx context.Context) (leave func(), err error) {
	select {
	case s.hashing <- struct{}{}:
		return func() { <-s.hashing }, nil
	case <-ctx.Done():
		return nil, domain.Errorf(domain.KindUnavailable, "login-busy", "同时登录的人过多，请稍后重试").Because(ctx.Err())
	}
}

// draw returns size random bytes.
func (s *Staff) draw(size int) ([]byte, error) {
	b := make([]byte, size)
	if _, err := io.ReadFull(s.random, b); err != nil {
		return nil, fmt.Errorf("random source: %w", err)
	}
	return b, nil
}

// hashPassword hashes a new password with a fresh salt, in a slot of its own.
func (s *Staff) hashPassword(ctx context.Context, password staff.Secret) (staff.PasswordHash, error) {
	leave, err := s.enterHashing(ctx)
	if err != nil {
		return staff.PasswordHash{}, err
	}
	defer leave()
	return s.hashInSlot(password)
}

// hashInSlot is hashPassword for somebody who has a slot.
func (s *Staff) hashInSlot(password staff.Secret) (staff.PasswordHash, error) {
	salt, err := s.draw(staff.SaltBytes)
	if err != nil {
		return staff.PasswordHash{}, err
	}
	return staff.HashPassword(password, salt)
}

// userEvent is an event about a user.
func (s *Staff) userEvent(by domain.Actor, u staff.User, action staff.Action, at time.Time, detail ...staff.Note) staff.Event {
	return staff.Event{
		ID: s.newID(), Subject: staff.SubjectUser, SubjectID: u.ID, BranchID: u.BranchID, Action: action,
		ActorID: by.ID, ActorName: by.Name, ActorRole: by.Role, At: at, Detail: detail,
	}
}

// What one call of Tidy takes at most; a session brings up to a thousand refresh tokens along.
const (
	tidyAttemptsMax = 1000
	tidySessionsMax = 20
)

// sessionsKept is how long an ended session stays, so that a stolen refresh token that turns up late is still known as
// one. What happened stays in the audit trail for ever.
const sessionsKept = 30 * 24 * time.Hour

// Tidy forgets what means nothing any more: old login attempts and long-expired sessions. A worker calls it every few
// minutes, and again at once while deleted is not zero.
func (s *Staff) Tidy(ctx context.Context) (deleted int, err error) {
	now := s.now()
	err = s.store.Update(ctx, func(tx Tx) error {
		attempts, err := tx.DeleteLoginAttempts(ctx, staff.ForgottenAt(now), tidyAttemptsMax)
		if err != nil {
			return err
		}
		sessions, err := tx.DeleteSessions(ctx, now.Add(-sessionsKept), tidySessionsMax)
		if err != nil {
			return err
		}
		deleted = attempts + sessions
		return nil
	})
	return deleted, err
}
