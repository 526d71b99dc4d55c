package staff

import "time"

// The login limit (登录失败限制). Five tries a quarter of an hour are enough for somebody who mistypes and far too few for
// somebody who guesses: 480 a day.
const (
	LoginFailuresMax  = 5
	LoginLockDuration = 15 * time.Minute
)

// LoginAttempts counts the failed logins under one user name. It is kept for names that do not exist as well, because a
// lock that only real names get would tell which names are real. The zero value is a clean sheet.
type LoginAttempts struct {
	Failures      int       // in a row, since the last success, lock or LoginLockDuration of quiet
	LastFailureAt time.Time // zero before the first
	LockedUntil   time.Time // zero when not locked
}

// LockedAt reports whether no password is looked at, not even the right one.
func (a LoginAttempts) LockedAt(now time.Time) bool { return now.Before(a.LockedUntil) }

// Fail counts one more failure; locked says that this one locked the name for LoginLockDuration. A failure is forgotten
// when LoginLockDuration has passed without another.
func (a LoginAttempts) Fail(now time.Time) (next LoginAttempts, locked bool) {
	failures := 1
	if now.Sub(a.LastFailureAt) < LoginLockDuration {
		failures = a.Failures + 1
	}
	if failures >= LoginFailuresMax {
		return LoginAttempts{LastFailureAt: now, LockedUntil: now.Add(LoginLockDuration)}, true
	}
	return LoginAttempts{Failures: failures, LastFailureAt: now}, false
}

// ForgottenAt is the time of a last failure at and before which attempts mean nothing any more and may be deleted.
func ForgottenAt(now time.Time) time.Time { return now.Add(-LoginLockDuration) }
