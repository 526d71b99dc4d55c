package staff_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"fumin/domain/staff"
)

var morning = time.Date(2026, 8, 24, 1, 0, 0, 0, time.UTC)

func TestTheFifthFailureInARowLocksForAQuarterOfAnHour(t *testing.T) {
	t.Parallel()
	var a staff.LoginAttempts
	now := morning
	for n := 1; n <= staff.LoginFailuresMax; n++ {
		if a.LockedAt(now) {
			t.Fatalf("locked after %d failures", n-1)
		}
		next, locked := a.Fail(now)
		if want := n == staff.LoginFailuresMax; locked != want {
			t.Errorf("failure %d: locked = %t, want %t", n, locked, want)
		}
		a = next
	}
	for _, c := range []struct {
		after time.Duration
		want  bool
	}{
		{0, true},
		{staff.LoginLockDuration - time.Microsecond, true},
		{staff.LoginLockDuration, false},
	} {
		if got := a.LockedAt(now.Add(c.after)); got != c.want {
			t.Errorf("locked %s after the fifth failure = %t, want %t", c.after, got, c.want)
		}
	}
}

func TestAfterTheLockTheCountBeginsAnew(t *testing.T) {
	t.Parallel()
	var a staff.LoginAttempts
	for range staff.LoginFailuresMax {
		a, _ = a.Fail(morning)
	}
	a, locked := a.Fail(morning.Add(staff.LoginLockDuration))
	if locked || a.Failures != 1 {
		t.Errorf("the first failure after the lock: locked = %t with %d failures, want unlocked with 1", locked, a.Failures)
	}
}

func TestAFailureIsForgottenAfterAQuietQuarterOfAnHour(t *testing.T) {
	t.Parallel()
	var a staff.LoginAttempts
	now := morning
	for n := range 3 * staff.LoginFailuresMax {
		next, locked := a.Fail(now)
		if locked {
			t.Fatalf("failure %d, each a quarter of an hour after the last, locked", n+1)
		}
		a = next
		now = now.Add(staff.LoginLockDuration)
	}
	a, _ = a.Fail(now.Add(-time.Microsecond))
	if a.Failures != 2 {
		t.Errorf("a failure just within the quarter: %d failures, want 2", a.Failures)
	}
}

func TestWhatIsForgottenMakesNoDifference(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var a staff.LoginAttempts
		now := morning
		for range rapid.IntRange(1, 12).Draw(t, "failures") {
			now = now.Add(time.Duration(rapid.IntRange(0, 1000).Draw(t, "seconds")) * time.Second)
			if !a.LockedAt(now) {
				a, _ = a.Fail(now)
			}
		}
		later := now.Add(time.Duration(rapid.IntRange(0, 2000).Draw(t, "wait")) * time.Second)
		if a.LastFailureAt.After(staff.ForgottenAt(later)) {
			return
		}
		if a.LockedAt(later) {
			t.Fatalf("%+v may be forgotten at %s and still locks", a, later)
		}
		kept, _ := a.Fail(later)
		fresh, _ := staff.LoginAttempts{}.Fail(later)
		if kept != fresh {
			t.Fatalf("a failure at %s after %+v: %+v, after a clean sheet %+v", later, a, kept, fresh)
		}
	})
}
