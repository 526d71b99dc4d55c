package origination_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fumin/domain"
	"fumin/domain/origination"
	"fumin/domain/staff"
	"fumin/repository"
	"fumin/repository/storetest"
)

// office is a lender with a small organisation, on a database of its own and with a clock the test moves.
type office struct {
	t     *testing.T
	store *repository.Store
	staff *origination.Staff
	clock *clock
	ids   func() domain.ID
}

// clock is a clock that stands still until a test moves it.
type clock struct {
	mu   sync.Mutex
	time time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.time
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.time = c.time.Add(d)
}

// sequentialIDs makes ids that sort in the order in which they were made.
func sequentialIDs() func() domain.ID {
	var n atomic.Int64
	return func() domain.ID { return domain.ID(fmt.Sprintf("0199a000-0000-7000-8000-%012x", n.Add(1))) }
}

const officePassword = "jujube-tree-in-autumn"

var (
	cityID    = domain.MustParseID("01900000-0000-7000-8000-000000000001")
	countyID  = domain.MustParseID("01900000-0000-7000-8000-000000000002")
	otherID   = domain.MustParseID("01900000-0000-7000-8000-000000000003")
	villageID = domain.MustParseID("01900000-0000-7000-8000-000000000004")

	adminID   = domain.MustParseID("01900000-0000-7000-8000-000000000011")
	officerID = domain.MustParseID("01900000-0000-7000-8000-000000000012")
	farawayID = domain.MustParseID("01900000-0000-7000-8000-000000000013")
	nearbyID  = domain.MustParseID("01900000-0000-7000-8000-000000000014")
	auditorID = domain.MustParseID("01900000-0000-7000-8000-000000000015")

	installer = domain.Actor{ID: domain.MustParseID("01900000-0000-7000-8000-0000000000ff"), Name: "安装程序", Role: domain.RoleSystem}
)

var clientSecret = staff.NewSecret("client-secret-of-the-mobile-app")

func organisation() origination.Organisation {
	password := staff.NewSecret(officePassword)
	return origination.Organisation{
		Branches: []origination.OrganisationBranch{
			{ID: villageID, Code: "37150391", Name: "运河服务点", Level: staff.LevelServicePoint, ParentCode: "371503"}, // before its parent
			{ID: cityID, Code: "3715", Name: "聊城分行", Level: staff.LevelCity},
			{ID: countyID, Code: "371503", Name: "茌平支行", Level: staff.LevelCounty, ParentCode: "3715"},
			{ID: otherID, Code: "371522", Name: "莘县支行", Level: staff.LevelCounty, ParentCode: "3715"},
		},
		Users: []origination.OrganisationUser{
			{ID: adminID, Username: "admin", DisplayName: "赵文静", Role: domain.RoleAdmin, BranchCode: "371503", Password: password},
			{ID: officerID, Username: "officer", DisplayName: "孙晓东", Role: domain.RoleLoanOfficer, BranchCode: "371503", Password: password},
			{ID: farawayID, Username: "faraway", DisplayName: "张海燕", Role: domain.RoleLoanOfficer, BranchCode: "371522", Password: password},
			{ID: nearbyID, Username: "nearby", DisplayName: "何雪梅", Role: domain.RoleLoanOfficer, BranchCode: "37150391", Password: password},
			{ID: auditorID, Username: "auditor", DisplayName: "周建国", Role: domain.RoleAuditor, BranchCode: "3715", Password: password},
		},
		ServiceAccounts: []origination.OrganisationServiceAccount{{ClientID: "mobile-app", Kind: staff.KindBorrowerChannel, Name: "手机银行", Secret: clientSecret}},
	}
}

// newOffice opens an office with admin and officer, and who else is named: each costs a password hash.
func newOffice(t *testing.T, others ...string) *office {
	t.Helper()
	org := organisation()
	org.Users = slices.DeleteFunc(org.Users, func(u origination.OrganisationUser) bool {
		return u.Username != "admin" && u.Username != "officer" && !slices.Contains(others, u.Username)
	})
	o := &office{t: t, store: storetest.New(t), clock: &clock{time: time.Date(2026, 8, 24, 1, 0, 0, 0, time.UTC)}, ids: sequentialIDs()}
	o.staff = origination.NewStaff(o.store, o.clock.now, o.ids, rand.Reader)
	if err := o.staff.LoadOrganisation(t.Context(), installer, org); err != nil {
		t.Fatalf("load organisation: %v", err)
	}
	return o
}

func (o *office) login(username, password string) (origination.Grant, error) {
	return o.staff.Login(o.t.Context(), username, staff.NewSecret(password))
}

func (o *office) mustLogin(username string) origination.Grant {
	o.t.Helper()
	g, err := o.login(username, officePassword)
	if err != nil {
		o.t.Fatalf("login of %s: %v", username, err)
	}
	return g
}

func (o *office) refresh(token staff.Secret) (origination.Grant, error) {
	return o.staff.Refresh(o.t.Context(), token)
}

// actions lists what the audit trail says happened to a user, oldest first.
func (o *office) actions(userID domain.ID) []staff.Action {
	o.t.Helper()
	events, err := o.store.StaffEvents(o.t.Context(), domain.Scope{Everything: true}, userID, domain.Page{Limit: 100})
	if err != nil {
		o.t.Fatal(err)
	}
	var actions []staff.Action
	for _, e := range events {
		actions = append(actions, e.Action)
	}
	slices.Reverse(actions)
	return actions
}

// wantCode fails the test unless err is the refusal of that code; "" is success.
func wantCode(t *testing.T, what string, err error, want string) {
	t.Helper()
	if got := domain.CodeOf(err); got != want || (err == nil) != (want == "") {
		t.Fatalf("%s: %v, want code %q", what, err, want)
	}
}

// atOnce runs f n times at the same moment and counts the codes of what it returns; "" is success.
func atOnce(n int, f func(i int) error) map[string]int {
	var mu sync.Mutex
	codes := map[string]int{}
	start := make(chan struct{})
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			<-start
			err := f(i)
			code := domain.CodeOf(err)
			if err != nil && code == "" {
				code = err.Error()
			}
			mu.Lock()
			defer mu.Unlock()
			codes[code]++
		})
	}
	close(start)
	group.Wait()
	return codes
}

func TestALoginGivesRoleAndBranchAndIsRecorded(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	g, err := o.login("  OFFICER ", officePassword)
	if err != nil {
		t.Fatal(err)
	}
	want := domain.Actor{ID: officerID, Name: "孙晓东", Role: domain.RoleLoanOfficer, BranchID: countyID}
	if diff := cmp.Diff(want, g.Actor); diff != "" {
		t.Errorf("actor (-want +got):\n%s", diff)
	}
	if g.SessionID.IsZero() || g.RefreshToken.IsZero() || !g.RefreshExpiresAt.Equal(o.clock.now().Add(staff.SessionIdleMax)) {
		t.Errorf("grant %+v: want a session, a refresh token and its expiry in %s", g, staff.SessionIdleMax)
	}
	if diff := cmp.Diff([]staff.Action{staff.ActionCreate, staff.ActionLogin}, o.actions(officerID)); diff != "" {
		t.Errorf("audit trail (-want +got):\n%s", diff)
	}
}

func TestFiveWrongPasswordsLockTheNameEvenForTheRightOne(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "nearby")
	for _, name := range []string{"officer", "nobody-of-that-name", "孙晓东"} {
		for n := range staff.LoginFailuresMax {
			_, err := o.login(name, "wrong-password")
			wantCode(t, fmt.Sprintf("wrong login %d of %q", n+1, name), err, "invalid-credentials")
		}
		_, err := o.login(strings.ToUpper(name), officePassword)
		wantCode(t, fmt.Sprintf("the sixth login of %q", name), err, "too-many-attempts")
	}
	o.mustLogin("nearby") // nobody else is locked

	o.clock.advance(staff.LoginLockDuration - time.Second)
	_, err := o.login("officer", officePassword)
	wantCode(t, "a second before the lock ends", err, "too-many-attempts")
	o.clock.advance(time.Second)
	o.mustLogin("officer")

	locked := slices.Repeat([]staff.Action{staff.ActionLoginFailed}, staff.LoginFailuresMax-1)
	want := slices.Concat([]staff.Action{staff.ActionCreate}, locked, []staff.Action{staff.ActionLoginLocked, staff.ActionLogin})
	if diff := cmp.Diff(want, o.actions(officerID)); diff != "" {
		t.Errorf("audit trail (-want +got):\n%s", diff)
	}
}

func TestASuccessClearsTheCount(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	for range 3 {
		for range staff.LoginFailuresMax - 1 {
			_, err := o.login("officer", "wrong-password")
			wantCode(t, "a wrong login", err, "invalid-credentials")
		}
		o.mustLogin("officer")
	}
}

func TestTwentyWrongLoginsAtOnceAreLookedAtFiveTimes(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	second := origination.NewStaff(o.store, o.clock.now, o.ids, rand.Reader) // another node
	for _, name := range []string{"officer", "nobody"} {
		got := atOnce(20, func(i int) error {
			node := o.staff
			if i%2 == 1 {
				node = second
			}
			_, err := node.Login(t.Context(), name, staff.NewSecret(fmt.Sprintf("wrong-password-%d", i)))
			return err
		})
		want := map[string]int{"invalid-credentials": staff.LoginFailuresMax, "too-many-attempts": 20 - staff.LoginFailuresMax}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("twenty wrong logins of %s at once (-want +got):\n%s", name, diff)
		}
	}
}

func TestTwentyRightLoginsAtOnceAllSucceed(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	got := atOnce(20, func(int) error {
		_, err := o.login("officer", officePassword)
		return err
	})
	if diff := cmp.Diff(map[string]int{"": 20}, got); diff != "" {
		t.Errorf("twenty right logins at once (-want +got):\n%s", diff)
	}
}

// An unknown name must not be told by the time its refusal takes. What takes the time is one argon2 hash, and what that
// cannot do without is its 19 MiB; so this counts bytes and not milliseconds. It does not run beside other tests, whose
// bytes would count.
//
//nolint:paralleltest // see above
func TestAnUnknownNameCostsAHashLikeAWrongPassword(t *testing.T) {
	o := newOffice(t, "nearby")
	if _, err := o.staff.DeactivateUser(t.Context(), installer, nearbyID); err != nil {
		t.Fatal(err)
	}
	const hashBytes = 19 << 20
	for _, c := range []struct {
		name, username string
		least, most    uint64
	}{
		{"a wrong password", "officer", hashBytes, 2 * hashBytes},
		{"an unknown name", "nobody", hashBytes, 2 * hashBytes},
		{"a name nobody can have", "孙晓东", hashBytes, 2 * hashBytes},
		{"a user that was deactivated", "nearby", hashBytes, 2 * hashBytes},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := o.login(c.username, "wrong-password")
		runtime.ReadMemStats(&after)
		wantCode(t, c.name, err, "invalid-credentials")
		if got := after.TotalAlloc - before.TotalAlloc; got < c.least || got > c.most {
			t.Errorf("%s: %d bytes, want %d to %d: one hash", c.name, got, c.least, c.most)
		}
	}
}

func TestADeactivatedUserNeitherLogsInNorRefreshes(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	g := o.mustLogin("officer")
	admin := o.mustLogin("admin").Actor
	u, err := o.staff.DeactivateUser(t.Context(), admin, officerID)
	if err != nil || u.Active() {
		t.Fatalf("deactivate: %+v, %v", u, err)
	}
	_, err = o.refresh(g.RefreshToken)
	wantCode(t, "refresh of a deactivated user", err, "session-ended")
	_, err = o.login("officer", officePassword)
	wantCode(t, "login of a deactivated user", err, "invalid-credentials")
	_, _, err = o.staff.Me(t.Context(), g.Actor)
	wantCode(t, "me of a deactivated user", err, "session-ended")

	again, err := o.staff.DeactivateUser(t.Context(), admin, officerID)
	if err != nil || again.Version != u.Version {
		t.Errorf("deactivating twice: version %d after %d, %v", again.Version, u.Version, err)
	}
	_, err = o.staff.DeactivateUser(t.Context(), admin, adminID)
	wantCode(t, "an administrator deactivates themselves", err, "own-account")
}

func TestARefreshReadsRoleAndBranchAnew(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	g := o.mustLogin("officer")
	err := o.store.Update(t.Context(), func(tx origination.Tx) error {
		u, err := tx.LockUser(t.Context(), domain.Scope{Everything: true}, officerID)
		if err != nil {
			return err
		}
		u.Role, u.BranchID = domain.RoleApprover, otherID
		u.Version++
		return tx.SaveUser(t.Context(), u, staff.Event{ID: o.ids(), Subject: staff.SubjectUser, SubjectID: u.ID, Action: staff.ActionChange, At: o.clock.now()})
	})
	if err != nil {
		t.Fatal(err)
	}
	next, err := o.refresh(g.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	want := domain.Actor{ID: officerID, Name: "孙晓东", Role: domain.RoleApprover, BranchID: otherID}
	if diff := cmp.Diff(want, next.Actor); diff != "" {
		t.Errorf("actor after the change (-want +got):\n%s", diff)
	}
}

func TestTwentyRefreshesWithOneTokenMakeOneNewToken(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	g := o.mustLogin("officer")
	var mu sync.Mutex
	var granted []origination.Grant
	got := atOnce(20, func(int) error {
		next, err := o.refresh(g.RefreshToken)
		if err == nil {
			mu.Lock()
			defer mu.Unlock()
			granted = append(granted, next)
		}
		return err
	})
	if diff := cmp.Diff(map[string]int{"": 1, "refresh-token-used": 19}, got); diff != "" {
		t.Fatalf("twenty refreshes at once (-want +got):\n%s", diff)
	}
	if _, err := o.refresh(granted[0].RefreshToken); err != nil {
		t.Errorf("the winner's token after the race: %v; the losers must not end the session", err)
	}
}

func TestAnOldRefreshTokenEndsItsWholeFamily(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	first := o.mustLogin("officer")
	elsewhere := o.mustLogin("officer")
	second, err := o.refresh(first.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	o.clock.advance(staff.RefreshGrace)
	_, err = o.refresh(first.RefreshToken)
	wantCode(t, "the old token after the grace", err, "session-ended")
	_, err = o.refresh(second.RefreshToken)
	wantCode(t, "the newest token of the family", err, "session-ended")
	if _, err := o.refresh(elsewhere.RefreshToken); err != nil {
		t.Errorf("the same user's other session: %v; it has nothing to do with it", err)
	}
	if got := o.actions(officerID); !slices.Contains(got, staff.ActionSessionEnd) {
		t.Errorf("audit trail %v does not tell of the stolen token", got)
	}
}

func TestARefreshTokenOfNoSessionOpensNothing(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	g := o.mustLogin("officer")
	for name, token := range map[string]staff.Secret{
		"none":             {},
		"an invented one":  staff.NewSecret("fumin_refresh_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
		"one cut short":    staff.NewSecret(g.RefreshToken.Reveal()[:40]),
		"one with more":    staff.NewSecret(g.RefreshToken.Reveal() + "A"),
		"a session's id":   staff.NewSecret(g.SessionID.String()),
		"the token's hash": staff.NewSecret(string(g.RefreshToken.Hash())),
	} {
		_, err := o.refresh(token)
		wantCode(t, name, err, "session-ended")
		if err := o.staff.Logout(t.Context(), token); err != nil {
			t.Errorf("logout with %s: %v, want success: it is already so", name, err)
		}
	}
	if _, err := o.refresh(g.RefreshToken); err != nil {
		t.Errorf("the real token after all that: %v", err)
	}
}

func TestASessionEndsByLogoutIdlenessAndAge(t *testing.T) {
	t.Parallel()
	o := newOffice(t)

	g := o.mustLogin("officer")
	if err := o.staff.Logout(t.Context(), g.RefreshToken); err != nil {
		t.Fatal(err)
	}
	_, err := o.refresh(g.RefreshToken)
	wantCode(t, "refresh after logout", err, "session-ended")
	if err := o.staff.Logout(t.Context(), g.RefreshToken); err != nil {
		t.Errorf("a second logout: %v", err)
	}

	g = o.mustLogin("officer")
	o.clock.advance(staff.SessionIdleMax)
	_, err = o.refresh(g.RefreshToken)
	wantCode(t, "refresh after idleness", err, "session-ended")

	g = o.mustLogin("officer")
	started := o.clock.now()
	for {
		o.clock.advance(staff.SessionIdleMax / 2)
		if g, err = o.refresh(g.RefreshToken); err != nil {
			break
		}
		if o.clock.now().Sub(started) > 2*staff.SessionAgeMax {
			t.Fatal("a busy session never ends")
		}
	}
	wantCode(t, "refresh at the age limit", err, "session-ended")
	if age := o.clock.now().Sub(started); age != staff.SessionAgeMax {
		t.Errorf("a busy session ended at the age of %s, want %s", age, staff.SessionAgeMax)
	}
}

func TestALoginBeyondTheLimitEndsTheOldestSession(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	tokens := make([]staff.Secret, staff.SessionsMax)
	err := o.store.Update(t.Context(), func(tx origination.Tx) error {
		for i := range tokens { // not by logins: each takes a password hash
			tokens[i] = staff.NewSecret(fmt.Sprintf("token-%d", i))
			s := staff.StartSession(o.ids(), officerID, o.clock.now())
			event := staff.Event{ID: o.ids(), Subject: staff.SubjectUser, SubjectID: officerID, Action: staff.ActionLogin, At: o.clock.now()}
			if err := tx.InsertSession(t.Context(), s, tokens[i].Hash(), event); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	newest := o.mustLogin("officer")
	_, err = o.refresh(tokens[0])
	wantCode(t, "the oldest session", err, "session-ended")
	for name, token := range map[string]staff.Secret{"the second oldest": tokens[1], "the last before": tokens[len(tokens)-1], "the newest": newest.RefreshToken} {
		if _, err := o.refresh(token); err != nil {
			t.Errorf("%s session: %v", name, err)
		}
	}
}

func (o *office) createUser(by domain.Actor, key string, change func(*origination.CreateUser)) (staff.User, bool, error) {
	cmd := origination.CreateUser{
		Username: "newcomer", DisplayName: "钱立新", Role: domain.RoleApprover, BranchID: villageID, Password: staff.NewSecret("initial-password"),
	}
	if change != nil {
		change(&cmd)
	}
	return o.staff.CreateUser(o.t.Context(), by, origination.Idempotency{Key: key, Fingerprint: strings.Repeat("f", 64)}, cmd)
}

func TestANewUserMustReplaceTheInitialPassword(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	admin := o.mustLogin("admin").Actor
	u, _, err := o.createUser(admin, "k", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = o.login("newcomer", "initial-password")
	wantCode(t, "login with the initial password", err, "password-change-required")

	change := func(old, next string) error {
		_, err := o.staff.LoginWithNewPassword(t.Context(), "newcomer", staff.NewSecret(old), staff.NewSecret(next))
		return err
	}
	wantCode(t, "the same password again", change("initial-password", "initial-password"), "invalid-fields")
	wantCode(t, "too short a password", change("initial-password", "short"), "invalid-fields")
	wantCode(t, "with a wrong old password", change("initial-passw0rd", "my-own-password"), "invalid-credentials")
	wantCode(t, "with the right one", change("initial-password", "my-own-password"), "")
	_, err = o.login("newcomer", "my-own-password")
	wantCode(t, "login with the new password", err, "")
	_, err = o.login("newcomer", "initial-password")
	wantCode(t, "login with the old one", err, "invalid-credentials")
	want := []staff.Action{staff.ActionCreate, staff.ActionLoginFailed, staff.ActionChangePassword, staff.ActionLogin, staff.ActionLogin, staff.ActionLoginFailed}
	if diff := cmp.Diff(want, o.actions(u.ID)); diff != "" {
		t.Errorf("audit trail (-want +got):\n%s", diff)
	}
}

func TestCreatingAUserTwiceWithOneKeyMakesOne(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	admin := o.mustLogin("admin").Actor
	got := atOnce(20, func(int) error {
		_, _, err := o.createUser(admin, "one-key", nil)
		return err
	})
	if diff := cmp.Diff(map[string]int{"": 20}, got); diff != "" {
		t.Fatalf("twenty requests with one key (-want +got):\n%s", diff)
	}
	users, err := o.staff.Users(t.Context(), admin, domain.Page{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(slices.DeleteFunc(users, func(u staff.User) bool { return u.Username != "newcomer" })); n != 1 {
		t.Errorf("%d users called newcomer, want 1", n)
	}
	_, replayed, err := o.createUser(admin, "one-key", nil)
	if err != nil || !replayed {
		t.Errorf("the same again: replayed = %t, %v", replayed, err)
	}
	_, _, err = o.createUser(admin, "one-key", func(c *origination.CreateUser) { c.Password = staff.NewSecret("another-password") })
	wantCode(t, "the same key with another password", err, "idempotency-key-reused")
	_, _, err = o.createUser(admin, "another-key", nil)
	wantCode(t, "another key with the same user name", err, "username-taken")
}

func TestOnlyAnAdministratorOfTheBranchManagesItsUsers(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "nearby", "faraway", "auditor")
	admin, officer := o.mustLogin("admin").Actor, o.mustLogin("officer").Actor
	app := domain.Actor{ID: o.ids(), Role: domain.RoleBorrower, BorrowerID: o.ids()}
	next := staff.NewSecret("another-password")

	for name, by := range map[string]domain.Actor{"an officer": officer, "an app": app, "nobody": {}} {
		_, _, err := o.createUser(by, "k", nil)
		wantCode(t, name+" creates a user", err, "role-not-allowed")
		_, err = o.staff.Users(t.Context(), by, domain.Page{Limit: 10})
		wantCode(t, name+" lists users", err, "role-not-allowed")
		_, err = o.staff.DeactivateUser(t.Context(), by, nearbyID)
		wantCode(t, name+" deactivates a user", err, "role-not-allowed")
		wantCode(t, name+" resets a password", o.staff.ResetPassword(t.Context(), by, nearbyID, next), "role-not-allowed")
		wantCode(t, name+" loads an organisation", o.staff.LoadOrganisation(t.Context(), by, organisation()), "role-not-allowed")
		_, err = o.staff.UserEvents(t.Context(), by, nearbyID, domain.Page{Limit: 10})
		wantCode(t, name+" reads the audit trail", err, "role-not-allowed")
	}

	_, err := o.staff.DeactivateUser(t.Context(), admin, farawayID)
	wantCode(t, "a user of another branch", err, "user-not-found")
	wantCode(t, "the password of a user of another branch", o.staff.ResetPassword(t.Context(), admin, farawayID, next), "user-not-found")
	wantCode(t, "a user of the branch above", o.staff.ResetPassword(t.Context(), admin, auditorID, next), "user-not-found")
	_, err = o.staff.UserEvents(t.Context(), admin, farawayID, domain.Page{Limit: 10})
	wantCode(t, "the audit trail of a user of another branch", err, "user-not-found")
	_, _, err = o.createUser(admin, "k2", func(c *origination.CreateUser) { c.BranchID = otherID })
	wantCode(t, "a new user at another branch", err, "invalid-fields")
	_, _, err = o.createUser(admin, "k3", func(c *origination.CreateUser) { c.Role = domain.RoleSystem })
	wantCode(t, "a new user with the system's role", err, "invalid-fields")

	users, err := o.staff.Users(t.Context(), admin, domain.Page{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, u := range users {
		names = append(names, u.Username)
	}
	if diff := cmp.Diff([]string{"nearby", "officer", "admin"}, names); diff != "" {
		t.Errorf("users of the branch and below, newest first (-want +got):\n%s", diff)
	}
}

func TestAPasswordChangeEndsAllSessions(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	g := o.mustLogin("officer")
	change := func(current, next string) error {
		return o.staff.ChangePassword(t.Context(), g.Actor, staff.NewSecret(current), staff.NewSecret(next))
	}
	wantCode(t, "with a wrong current password", change("wrong-password", "my-own-password"), "invalid-credentials")
	wantCode(t, "to the same", change(officePassword, officePassword), "invalid-fields")
	wantCode(t, "to one with the user name", change(officePassword, "the-officer-knows"), "invalid-fields")
	if _, err := o.refresh(g.RefreshToken); err != nil {
		t.Fatalf("a refused change ended the session: %v", err)
	}
	wantCode(t, "as it should be", change(officePassword, "my-own-password"), "")
	_, err := o.refresh(g.RefreshToken)
	wantCode(t, "a session from before", err, "session-ended")
	_, err = o.login("officer", "my-own-password")
	wantCode(t, "login with the new password", err, "")

	// A stolen access token is no way around the limit of attempts.
	for range staff.LoginFailuresMax {
		wantCode(t, "guessing", change("wrong-password", "my-next-password"), "invalid-credentials")
	}
	wantCode(t, "guessing on", change("my-own-password", "my-next-password"), "too-many-attempts")
}

func TestAResetUnlocksAndGivesAPasswordForOneLogin(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	admin, g := o.mustLogin("admin").Actor, o.mustLogin("officer")
	for range staff.LoginFailuresMax {
		_, err := o.login("officer", "wrong-password")
		wantCode(t, "a wrong login", err, "invalid-credentials")
	}
	wantCode(t, "reset", o.staff.ResetPassword(t.Context(), admin, officerID, staff.NewSecret("temporary-password")), "")
	_, err := o.refresh(g.RefreshToken)
	wantCode(t, "a session from before", err, "session-ended")
	_, err = o.login("officer", "temporary-password")
	wantCode(t, "login with the temporary password", err, "password-change-required")
	_, err = o.staff.LoginWithNewPassword(t.Context(), "officer", staff.NewSecret("temporary-password"), staff.NewSecret("my-own-password"))
	wantCode(t, "login with a new one", err, "")
	wantCode(t, "an administrator's own", o.staff.ResetPassword(t.Context(), admin, adminID, staff.NewSecret("temporary-password")), "own-account")

	if _, err := o.staff.DeactivateUser(t.Context(), admin, officerID); err != nil {
		t.Fatal(err)
	}
	wantCode(t, "of a deactivated user", o.staff.ResetPassword(t.Context(), admin, officerID, staff.NewSecret("temporary-password")), "user-deactivated")
}

func TestAServiceAccountGetsInWithItsSecretOnly(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	g, err := o.staff.ClientCredentials(t.Context(), "mobile-app", clientSecret)
	if err != nil {
		t.Fatal(err)
	}
	if g.Actor.Role != domain.RoleBorrower || g.Actor.Scope() != (domain.Scope{}) || !g.RefreshToken.IsZero() {
		t.Errorf("grant %+v: want the borrower's role, a scope that sees nothing yet, and no refresh token", g)
	}
	for name, c := range map[string]struct {
		id     string
		secret staff.Secret
	}{
		"a wrong secret":    {"mobile-app", staff.NewSecret(clientSecret.Reveal() + "x")},
		"no secret":         {"mobile-app", staff.Secret{}},
		"an unknown client": {"another-app", clientSecret},
		"another case":      {"Mobile-App", clientSecret},
		"a Chinese client":  {"手机银行", clientSecret},
		"no client":         {"", staff.Secret{}},
	} {
		_, err := o.staff.ClientCredentials(t.Context(), c.id, c.secret)
		wantCode(t, name, err, "invalid-client")
	}

	account, secret, err := o.staff.CreateServiceAccount(t.Context(), installer, staff.KindBorrowerChannel, "second-app", "另一个")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.staff.ClientCredentials(t.Context(), account.ClientID, secret); err != nil {
		t.Errorf("the new account: %v", err)
	}
	_, _, err = o.staff.CreateServiceAccount(t.Context(), installer, staff.KindCoreSystem, "second-app", "又一个")
	wantCode(t, "a second account of that id", err, "client-id-taken")
	_, _, err = o.staff.CreateServiceAccount(t.Context(), g.Actor, staff.KindBorrowerChannel, "third-app", "另一个")
	wantCode(t, "an app makes an account", err, "role-not-allowed")
	if err := o.staff.DeactivateServiceAccount(t.Context(), installer, "second-app"); err != nil {
		t.Fatal(err)
	}
	_, err = o.staff.ClientCredentials(t.Context(), account.ClientID, secret)
	wantCode(t, "a deactivated account", err, "invalid-client")
}

func TestLoadingAnOrganisationTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "nearby", "faraway", "auditor")
	g := o.mustLogin("officer")
	wantCode(t, "a password change", o.staff.ChangePassword(t.Context(), g.Actor, staff.NewSecret(officePassword), staff.NewSecret("my-own-password")), "")
	before := o.actions(officerID)
	if err := o.staff.LoadOrganisation(t.Context(), installer, organisation()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, o.actions(officerID)); diff != "" {
		t.Errorf("loading again left events (-before +after):\n%s", diff)
	}
	if _, err := o.login("officer", "my-own-password"); err != nil {
		t.Errorf("loading again touched a password: %v", err)
	}
	branches, err := o.staff.Branches(t.Context(), installer)
	if err != nil || len(branches) != 4 {
		t.Errorf("%d branches, %v; want 4", len(branches), err)
	}
}

func TestLoadingAnOrganisationAddsRenamesAndRefusesToMove(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	load := func(branches ...origination.OrganisationBranch) error {
		return o.staff.LoadOrganisation(t.Context(), installer, origination.Organisation{Branches: branches})
	}
	wantCode(t, "a new name and a new branch below", load(
		origination.OrganisationBranch{Code: "371503", Name: "茌平区支行", Level: staff.LevelCounty, ParentCode: "3715"},
		origination.OrganisationBranch{Code: "37150301", Name: "冯官屯分理处", Level: staff.LevelTownship, ParentCode: "371503"},
	), "")
	branches, err := o.staff.Branches(t.Context(), o.mustLogin("admin").Actor)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, b := range branches {
		names = append(names, b.Code+" "+b.Name)
	}
	want := []string{"371503 茌平区支行", "37150301 冯官屯分理处", "37150391 运河服务点"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("branches of the county and below (-want +got):\n%s", diff)
	}

	for name, c := range map[string]struct {
		branch origination.OrganisationBranch
		want   string
	}{
		"a branch that moves":       {origination.OrganisationBranch{Code: "37150391", Name: "运河服务点", Level: staff.LevelServicePoint, ParentCode: "371522"}, "branch-moved"},
		"an unknown parent":         {origination.OrganisationBranch{Code: "9", Name: "新", Level: staff.LevelCounty, ParentCode: "8"}, "unknown-parent"},
		"a level that does not fit": {origination.OrganisationBranch{Code: "9", Name: "新", Level: staff.LevelCity, ParentCode: "371503"}, "parent-level"},
		"no name":                   {origination.OrganisationBranch{Code: "9", Level: staff.LevelCounty, ParentCode: "3715"}, "invalid-fields"},
		"another branch's code":     {origination.OrganisationBranch{ID: adminID, Code: "371503", Name: "新", Level: staff.LevelCounty, ParentCode: "3715"}, "branch-code-taken"},
		"a level above the parent":  {origination.OrganisationBranch{Code: "371503", Name: "茌平区支行", Level: staff.LevelProvince, ParentCode: "3715"}, "parent-level"},
	} {
		wantCode(t, name, load(c.branch), c.want)
	}
	twice := origination.OrganisationBranch{Code: "9", Name: "新", Level: staff.LevelCounty, ParentCode: "3715"}
	wantCode(t, "a branch twice", load(twice, twice), "branch-twice")
	err = o.staff.LoadOrganisation(t.Context(), installer, origination.Organisation{Users: []origination.OrganisationUser{
		{Username: "x1", DisplayName: "某人", Role: domain.RoleAdmin, BranchCode: "404", Password: staff.NewSecret(officePassword)},
	}})
	wantCode(t, "a user at an unknown branch", err, "invalid-fields")
}

func TestTidyForgetsOnlyWhatMeansNothing(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	g := o.mustLogin("officer")
	for range staff.LoginFailuresMax {
		_, err := o.login("nobody", "wrong-password")
		wantCode(t, "a wrong login", err, "invalid-credentials")
	}
	if n, err := o.staff.Tidy(t.Context()); n != 0 || err != nil {
		t.Errorf("tidying at once: %d rows, %v; want none", n, err)
	}
	_, err := o.login("nobody", "wrong-password")
	wantCode(t, "the lock after tidying", err, "too-many-attempts")

	o.clock.advance(staff.LoginLockDuration)
	if n, err := o.staff.Tidy(t.Context()); n != 2 || err != nil {
		t.Errorf("tidying after the lock: %d rows, %v; want the 2 names that were tried", n, err)
	}
	if g, err = o.refresh(g.RefreshToken); err != nil {
		t.Fatalf("the session after tidying: %v", err)
	}
	o.clock.advance(staff.SessionIdleMax + 31*24*time.Hour)
	if n, err := o.staff.Tidy(t.Context()); n != 1 || err != nil {
		t.Errorf("tidying a month later: %d rows, %v; want the 1 session", n, err)
	}
	_, err = o.refresh(g.RefreshToken)
	wantCode(t, "a token of a forgotten session", err, "session-ended")
}

// Whatever goes wrong, neither the error nor the grant shows what was typed.
func TestNoErrorAndNoGrantShowsASecret(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	const typed = "typed-into-the-wrong-field"
	g := o.mustLogin("officer")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, canceled := o.staff.Login(ended, "officer", staff.NewSecret(typed))
	_, wrong := o.login(typed, typed)
	_, unknown := o.refresh(staff.NewSecret(typed))
	_, client := o.staff.ClientCredentials(t.Context(), typed, staff.NewSecret(typed))
	_, _, weak := o.createUser(o.mustLogin("admin").Actor, "k", func(c *origination.CreateUser) { c.Username, c.Password = typed+"!", staff.NewSecret(typed+"\x00") })
	for _, err := range []error{canceled, wrong, unknown, client, weak} {
		if err == nil {
			t.Fatal("a refusal is missing")
		}
		logger.Error("refused", "error", err, "text", fmt.Sprintf("%+v %#v", err, err))
	}
	logger.Info("granted", "grant", g, "text", fmt.Sprintf("%+v %#v", g, g))
	for _, secret := range []string{typed, officePassword, g.RefreshToken.Reveal(), g.User.PasswordHash.Reveal()} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log shows %q: %s", secret, log.String())
		}
	}
}

func TestAHashWithOldParametersIsStrengthenedAtTheNextLogin(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	// "password-12345" by the reference implementation with -t 1 -k 64 -p 2 -l 24.
	weak, err := staff.ParsePasswordHash("$argon2id$v=19$m=64,t=1,p=2$c29tZXNhbHRzb21lc2FsdA$1R1cVAG9nTaiKih/salfYlRs+0Ot1aHr")
	if err != nil {
		t.Fatal(err)
	}
	u := staff.User{
		ID: o.ids(), Username: "old-hand", DisplayName: "老员工", Role: domain.RoleAuditor, BranchID: cityID, PasswordHash: weak,
		Version: 1, CreatedAt: o.clock.now(), UpdatedAt: o.clock.now(),
	}
	err = o.store.Update(t.Context(), func(tx origination.Tx) error {
		return tx.InsertUser(t.Context(), u, staff.Event{ID: o.ids(), Subject: staff.SubjectUser, SubjectID: u.ID, Action: staff.ActionCreate, At: o.clock.now()})
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		g, err := o.login("old-hand", "password-12345")
		if err != nil {
			t.Fatal(err)
		}
		if g.User.PasswordHash.Outdated() || g.User.Version != 2 {
			t.Errorf("after the login: outdated = %t, version %d; want a new hash, once", g.User.PasswordHash.Outdated(), g.User.Version)
		}
		o.clock.advance(time.Minute)
	}
}
