package staff_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"fumin/domain"
	"fumin/domain/staff"
)

var (
	sessionID = domain.MustParseID("0191a2b3-c4d5-7e6f-8a9b-0c1d2e3f4a5b")
	userID    = domain.MustParseID("0191a2b3-c4d5-7e6f-8a9b-0c1d2e3f4a5c")
)

func TestARefreshTokenCountsOnce(t *testing.T) {
	t.Parallel()
	s := staff.StartSession(sessionID, userID, morning)
	used := morning.Add(9 * time.Minute)
	s, outcome := s.Refresh(1, used)
	if outcome != staff.RefreshGranted || s.Generation != 2 {
		t.Fatalf("the first use: outcome %d, generation %d; want granted (%d), 2", outcome, s.Generation, staff.RefreshGranted)
	}
	for _, c := range []struct {
		name       string
		generation int
		after      time.Duration
		want       staff.Refreshing
	}{
		{"the old token at once", 1, 0, staff.RefreshRepeated},
		{"the old token within the grace", 1, staff.RefreshGrace - time.Microsecond, staff.RefreshRepeated},
		{"the old token after the grace", 1, staff.RefreshGrace, staff.RefreshReused},
		{"a token before the first", 0, 0, staff.RefreshReused},
		{"a token that was never made", 3, 0, staff.RefreshReused},
		{"the new token", 2, 0, staff.RefreshGranted},
	} {
		next, got := s.Refresh(c.generation, used.Add(c.after))
		if got != c.want {
			t.Errorf("%s: outcome %d, want %d", c.name, got, c.want)
		}
		if ended := !next.EndedAt.IsZero(); ended != (c.want == staff.RefreshReused) {
			t.Errorf("%s: session ended = %t after outcome %d", c.name, ended, got)
		}
		if c.want == staff.RefreshReused && next.EndReason != staff.SessionEndReused {
			t.Errorf("%s: end reason %q, want %q", c.name, next.EndReason, staff.SessionEndReused)
		}
		if c.want == staff.RefreshRepeated && next != s {
			t.Errorf("%s changed the session to %+v", c.name, next)
		}
	}
}

func TestOnceTheNewTokenIsInUseTheOldOneHasNoGrace(t *testing.T) {
	t.Parallel()
	s := staff.StartSession(sessionID, userID, morning)
	s, _ = s.Refresh(1, morning)
	s, _ = s.Refresh(2, morning)
	if _, got := s.Refresh(1, morning); got != staff.RefreshReused {
		t.Errorf("the first token, whose successor is used: outcome %d, want reused (%d)", got, staff.RefreshReused)
	}
}

func TestASessionEndsByIdlenessAndByAge(t *testing.T) {
	t.Parallel()
	s := staff.StartSession(sessionID, userID, morning)
	if _, got := s.Refresh(1, morning.Add(staff.SessionIdleMax)); got != staff.RefreshOver {
		t.Errorf("after %s of idleness: outcome %d, want over (%d)", staff.SessionIdleMax, got, staff.RefreshOver)
	}
	now, generation := morning, 1
	for range 100 { // 7 days in steps of a little less than 12 hours are 15
		now = now.Add(staff.SessionIdleMax - time.Second)
		next, outcome := s.Refresh(generation, now)
		if outcome == staff.RefreshOver {
			break
		}
		s, generation = next, generation+1
	}
	if age := now.Sub(morning); age < staff.SessionAgeMax || age > staff.SessionAgeMax+staff.SessionIdleMax {
		t.Errorf("a busy session was over at the age of %s, want %s", age, staff.SessionAgeMax)
	}
	if want := morning.Add(staff.SessionAgeMax); !s.ExpiresAt.Equal(want) {
		t.Errorf("a busy session expires at %s, want %s", s.ExpiresAt, want)
	}
}

func TestAnEndedSessionStaysEndedForItsFirstReason(t *testing.T) {
	t.Parallel()
	s := staff.StartSession(sessionID, userID, morning).End(staff.SessionEndLogout, morning.Add(time.Minute))
	s = s.End(staff.SessionEndDeactivated, morning.Add(time.Hour))
	if s.EndReason != staff.SessionEndLogout || !s.EndedAt.Equal(morning.Add(time.Minute)) {
		t.Errorf("ended %s for %q, want the first end", s.EndedAt, s.EndReason)
	}
	if _, got := s.Refresh(1, morning.Add(2*time.Minute)); got != staff.RefreshOver {
		t.Errorf("refresh after logout: outcome %d, want over (%d)", got, staff.RefreshOver)
	}
}

// However tokens are used, at most one use of each is granted, and nothing is granted after an end.
func TestNoTokenIsGrantedTwice(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := staff.StartSession(sessionID, userID, morning)
		now := morning
		granted := map[int]bool{}
		ended := false
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "seconds")) * time.Second)
			generation := rapid.IntRange(max(1, s.Generation-2), s.Generation).Draw(t, "generation")
			next, outcome := s.Refresh(generation, now)
			if outcome == staff.RefreshGranted && (granted[generation] || ended) {
				t.Fatalf("generation %d granted again, or after the end", generation)
			}
			granted[generation] = granted[generation] || outcome == staff.RefreshGranted
			ended = ended || outcome == staff.RefreshReused
			s = next
		}
	})
}
