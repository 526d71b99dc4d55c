package staff

import (
	"time"

	"fumin/domain"
)

// Limits of a session.
const (
	// SessionIdleMax ends a session whose refresh token was not used: somebody who comes to work the next morning logs in.
	SessionIdleMax = 12 * time.Hour
	// SessionAgeMax ends a session however busy it is.
	SessionAgeMax = 7 * 24 * time.Hour
	// RefreshGrace is how long after its use a refresh token may be sent again without harm: two tabs that refresh at the
	// same moment, or a client that sends again because no answer came.
	RefreshGrace = 10 * time.Second
	// SessionsMax is how many sessions one user may have at once; a login beyond it ends the oldest.
	SessionsMax = 50
)

// SessionEnd is why a session ended.
type SessionEnd string

// The ends. The zero value is a session that nobody ended; it may still be over by its age.
const (
	SessionEndLogout          SessionEnd = "logout"           // 用户退出
	SessionEndReused          SessionEnd = "token_reused"     // 刷新令牌被重复使用，可能已泄露
	SessionEndDeactivated     SessionEnd = "user_deactivated" // 员工停用
	SessionEndPasswordChanged SessionEnd = "password_changed" // 口令已改
	SessionEndTooMany         SessionEnd = "too_many"         // 同时登录过多
)

// Session is one login and the family of refresh tokens that came from it (会话). Each refresh token is used once and makes
// the next one, one generation later. So an old one that turns up again has been copied by somebody, and as nobody can tell
// who is the thief, the whole family ends (RFC 9700 section 4.14.2).
type Session struct {
	ID          domain.ID
	UserID      domain.ID
	Generation  int // of the one refresh token that still counts; the first is 1
	StartedAt   time.Time
	RefreshedAt time.Time // when that token was made
	ExpiresAt   time.Time // unless refreshed before; never beyond SessionAgeMax
	EndedAt     time.Time // zero unless ended by somebody
	EndReason   SessionEnd
}

// StartSession begins a session at its first refresh token.
func StartSession(id, userID domain.ID, now time.Time) Session {
	s := Session{ID: id, UserID: userID, StartedAt: now}
	return s.next(now)
}

func (s Session) next(now time.Time) Session {
	s.Generation++
	s.RefreshedAt = now
	s.ExpiresAt = now.Add(SessionIdleMax)
	if last := s.StartedAt.Add(SessionAgeMax); s.ExpiresAt.After(last) {
		s.ExpiresAt = last
	}
	return s
}

// LiveAt reports whether the session can still be refreshed.
func (s Session) LiveAt(now time.Time) bool { return s.EndedAt.IsZero() && now.Before(s.ExpiresAt) }

// End ends the session. One that has ended keeps its first reason.
func (s Session) End(why SessionEnd, now time.Time) Session {
	if s.EndedAt.IsZero() {
		s.EndedAt, s.EndReason = now, why
	}
	return s
}

// Refreshing is what came of the wish to refresh a session.
type Refreshing uint8

// The outcomes.
const (
	RefreshGranted  Refreshing = iota + 1 // the session has a new generation
	RefreshOver                           // the session ended or expired before
	RefreshRepeated                       // the token was used a moment ago; nothing changes
	RefreshReused                         // an old token turned up: the session is ended now
)

// Refresh uses the refresh token of a generation. A token that was used before is only RefreshRepeated within
// RefreshGrace of its use, and only while its successor has not been used: the successor in use says that its holder got
// the answer, so this is somebody else.
func (s Session) Refresh(generation int, now time.Time) (Session, Refreshing) {
	switch {
	case !s.LiveAt(now):
		return s, RefreshOver
	case generation == s.Generation:
		return s.next(now), RefreshGranted
	case generation == s.Generation-1 && now.Sub(s.RefreshedAt) < RefreshGrace:
		return s, RefreshRepeated
	}
	return s.End(SessionEndReused, now), RefreshReused
}

// RefreshToken says which session and generation a refresh token belongs to. The token itself is not kept, only its hash.
type RefreshToken struct {
	SessionID  domain.ID
	Generation int
}
