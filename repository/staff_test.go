package repository_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fumin/domain"
	"fumin/domain/origination"
	"fumin/domain/staff"
	"fumin/repository/storetest"
)

// everything is the scope of what no person asks.
var everything = domain.Scope{Everything: true}

// ledgerUser is a user at the limits of every column.
func ledgerUser(l *ledger) staff.User {
	return staff.User{
		ID: l.newID(), Username: strings.Repeat("u", staff.UsernameBytesMax), DisplayName: strings.Repeat("𠮷", staff.DisplayNameRunesMax),
		Role: domain.RoleDisbursementOfficer, BranchID: ledgerTownship, PasswordHash: staff.NobodysHash(), PasswordTemporary: true,
		DeactivatedAt: ledgerStart.Add(time.Microsecond), Version: 1, CreatedAt: ledgerStart, UpdatedAt: ledgerStart.Add(time.Hour),
	}
}

func staffEvent(l *ledger, subject staff.Subject, id domain.ID, action staff.Action) staff.Event {
	return staff.Event{
		ID: l.newID(), Subject: subject, SubjectID: id, BranchID: ledgerTownship, Action: action,
		ActorID: ledgerOfficer, ActorName: "孙晓东", ActorRole: domain.RoleAdmin, At: ledgerStart, Detail: []staff.Note{{Name: "reason", Value: "试 \"引号\""}},
	}
}

func (l *ledger) addUser(change func(*staff.User)) staff.User {
	l.t.Helper()
	u := ledgerUser(l)
	if change != nil {
		change(&u)
	}
	l.update(func(tx origination.Tx) error {
		return tx.InsertUser(l.t.Context(), u, staffEvent(l, staff.SubjectUser, u.ID, staff.ActionCreate))
	})
	return u
}

func TestAUserComesBackAsItWasStored(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	want := l.addUser(nil)
	got, err := l.store.User(t.Context(), everything, want.ID)
	l.must(err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("inserted (-want +got):\n%s", diff)
	}

	want.DisplayName, want.Role, want.BranchID = "何", domain.RoleAuditor, ledgerHead
	want.PasswordTemporary, want.DeactivatedAt, want.Version, want.UpdatedAt = false, time.Time{}, 2, ledgerStart.Add(2*time.Hour)
	event := staffEvent(l, staff.SubjectUser, want.ID, staff.ActionChange)
	l.update(func(tx origination.Tx) error { return tx.SaveUser(t.Context(), want, event) })
	l.update(func(tx origination.Tx) error {
		var err error
		got, err = tx.LockUserByName(t.Context(), want.Username)
		return err
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("saved (-want +got):\n%s", diff)
	}

	events, err := l.store.StaffEvents(t.Context(), everything, want.ID, domain.Page{Limit: 1})
	l.must(err)
	if diff := cmp.Diff([]staff.Event{event}, events); diff != "" {
		t.Errorf("the newest event (-want +got):\n%s", diff)
	}
}

func TestAUserIsRefusedByTheNameOfWhatItBreaks(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	u := l.addUser(nil)
	insert := func(u staff.User) error {
		return l.store.Update(t.Context(), func(tx origination.Tx) error {
			return tx.InsertUser(t.Context(), u, staffEvent(l, staff.SubjectUser, u.ID, staff.ActionCreate))
		})
	}
	save := func(u staff.User) error {
		return l.store.Update(t.Context(), func(tx origination.Tx) error {
			return tx.SaveUser(t.Context(), u, staffEvent(l, staff.SubjectUser, u.ID, staff.ActionChange))
		})
	}
	sameID, sameName, stale := u, u, u
	sameID.Username = "another"
	sameName.ID = l.newID()
	wantCode(t, "the same id", insert(sameID), domain.KindConflict, "id-exists")
	wantCode(t, "the same user name", insert(sameName), domain.KindConflict, "username-taken")
	for _, version := range []int{1, 3} {
		stale.Version = version
		wantCode(t, fmt.Sprintf("version %d over version 1", version), save(stale), domain.KindConflict, "stale-version")
	}
	if n := l.count("SELECT COUNT(*) FROM staff_events WHERE action = 'change'"); n != 0 {
		t.Errorf("refused saves left %d events", n)
	}
}

func TestAUserRowThatCannotBeIsAnErrorAndShowsNoHash(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	u := l.addUser(nil)
	for _, change := range []string{"password_hash = 'secret-hash'", "username = 'NOT-LOWER'", "display_name = ''"} {
		l.exec("UPDATE users SET "+change+" WHERE id = ?", u.ID)
		_, err := l.store.User(t.Context(), everything, u.ID)
		if err == nil || domain.CodeOf(err) == "user-not-found" {
			t.Errorf("a user with %s: %v, want an error", change, err)
		} else if strings.Contains(err.Error(), "secret-hash") {
			t.Errorf("the error shows the hash: %v", err)
		}
	}
}

func TestStaffAreReadInTheirScopeOnly(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	u := l.addUser(nil) // of the township, below the county
	page := domain.Page{Limit: 10}
	for name, c := range map[string]struct {
		scope domain.Scope
		seen  bool
	}{
		"everything":         {everything, true},
		"its branch":         {domain.Scope{BranchID: ledgerTownship}, true},
		"the branch above":   {domain.Scope{BranchID: ledgerCounty}, true},
		"the head office":    {domain.Scope{BranchID: ledgerHead}, true},
		"another branch":     {domain.Scope{BranchID: ledgerSibling}, false},
		"a borrower":         {domain.Scope{BorrowerID: u.ID}, false},
		"nothing":            {domain.Scope{}, false},
		"two things at once": {domain.Scope{BranchID: ledgerTownship, BorrowerID: u.ID}, false},
	} {
		want, wantKind := "", domain.KindInternal
		if !c.seen {
			want, wantKind = "user-not-found", domain.KindNotFound
		}
		check := func(what string, err error) {
			t.Helper()
			if c.seen {
				l.must(err)
				return
			}
			wantCode(t, name+", "+what, err, wantKind, want)
		}
		_, err := l.store.User(t.Context(), c.scope, u.ID)
		check("read", err)
		check("lock", l.store.Update(t.Context(), func(tx origination.Tx) error {
			_, err := tx.LockUser(t.Context(), c.scope, u.ID)
			return err
		}))
		users, err := l.store.Users(t.Context(), c.scope, page)
		l.must(err)
		events, err := l.store.StaffEvents(t.Context(), c.scope, u.ID, page)
		l.must(err)
		if (len(users) == 1) != c.seen || (len(events) == 1) != c.seen {
			t.Errorf("%s: %d users and %d events listed, want seen = %t", name, len(users), len(events), c.seen)
		}
		_, err = l.store.Branch(t.Context(), c.scope, ledgerTownship)
		if (err == nil) != c.seen {
			t.Errorf("%s: the branch: %v, want seen = %t", name, err, c.seen)
		}
	}
	branches, err := l.store.Branches(t.Context(), domain.Scope{BranchID: ledgerCounty})
	l.must(err)
	if len(branches) != 2 {
		t.Errorf("branches of the county: %+v, want itself and the township", branches)
	}
}

func TestUsersArePagedNewestFirst(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	var want []domain.ID
	for i := range 5 {
		u := l.addUser(func(u *staff.User) { u.Username = fmt.Sprintf("user-%d", i) })
		want = append([]domain.ID{u.ID}, want...)
	}
	var got []domain.ID
	page := domain.Page{Limit: 2}
	for range 5 {
		users, err := l.store.Users(t.Context(), everything, page)
		l.must(err)
		if len(users) == 0 {
			break
		}
		for _, u := range users {
			got = append(got, u.ID)
		}
		page.After = got[len(got)-1]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("users by pages of two (-want +got):\n%s", diff)
	}
	names, err := l.store.UserNames(t.Context(), []string{"user-1", "user-9", "孙", "", "USER-2"})
	l.must(err)
	if diff := cmp.Diff(map[string]bool{"user-1": true}, names); diff != "" {
		t.Errorf("names that exist (-want +got):\n%s", diff)
	}
}

func TestAServiceAccountComesBackAsItWasStored(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	want := staff.ServiceAccount{
		Kind: staff.KindCoreSystem,
		ID:   l.newID(), ClientID: strings.Repeat("c", staff.ClientIDBytesMax), Name: strings.Repeat("名", staff.DisplayNameRunesMax),
		SecretHash: staff.NewSecret("secret").Hash(), Version: 1, CreatedAt: ledgerStart, UpdatedAt: ledgerStart,
	}
	insert := func(a staff.ServiceAccount) error {
		return l.store.Update(t.Context(), func(tx origination.Tx) error {
			return tx.InsertServiceAccount(t.Context(), a, staffEvent(l, staff.SubjectServiceAccount, a.ID, staff.ActionCreate))
		})
	}
	l.must(insert(want))
	got, err := l.store.ServiceAccount(t.Context(), want.ClientID)
	l.must(err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("inserted (-want +got):\n%s", diff)
	}
	other := want
	other.ID = l.newID()
	wantCode(t, "the same client id", insert(other), domain.KindConflict, "client-id-taken")
	for _, id := range []string{"", "another", "手机", strings.ToUpper(want.ClientID)} {
		_, err := l.store.ServiceAccount(t.Context(), id)
		wantCode(t, "client "+id, err, domain.KindNotFound, "service-account-not-found")
	}

	want.DeactivatedAt, want.UpdatedAt, want.Version = ledgerStart.Add(time.Hour), ledgerStart.Add(time.Hour), 2
	save := func(a staff.ServiceAccount) error {
		return l.store.Update(t.Context(), func(tx origination.Tx) error {
			return tx.SaveServiceAccount(t.Context(), a, staffEvent(l, staff.SubjectServiceAccount, a.ID, staff.ActionDeactivate))
		})
	}
	l.must(save(want))
	wantCode(t, "the same change again", save(want), domain.KindConflict, "stale-version")
	got, err = l.store.ServiceAccount(t.Context(), want.ClientID)
	l.must(err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("saved (-want +got):\n%s", diff)
	}
}

func TestASessionComesBackAsItWasStored(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	u := l.addUser(nil)
	first, second := staff.NewSecret("first").Hash(), staff.NewSecret("second").Hash()
	s := staff.StartSession(l.newID(), u.ID, ledgerStart)
	l.update(func(tx origination.Tx) error {
		return tx.InsertSession(t.Context(), s, first, staffEvent(l, staff.SubjectUser, u.ID, staff.ActionLogin))
	})
	locked := func() (got staff.Session) {
		l.update(func(tx origination.Tx) error {
			var err error
			got, err = tx.LockSession(t.Context(), s.ID)
			return err
		})
		return got
	}
	if diff := cmp.Diff(s, locked()); diff != "" {
		t.Errorf("inserted (-want +got):\n%s", diff)
	}

	next, _ := s.Refresh(1, ledgerStart.Add(time.Minute))
	l.update(func(tx origination.Tx) error { return tx.ContinueSession(t.Context(), next, second) })
	if diff := cmp.Diff(next, locked()); diff != "" {
		t.Errorf("continued (-want +got):\n%s", diff)
	}
	wantCode(t, "continued twice", l.store.Update(t.Context(), func(tx origination.Tx) error {
		return tx.ContinueSession(t.Context(), next, staff.NewSecret("third").Hash())
	}), domain.KindConflict, "stale-version")
	for hash, want := range map[string]staff.RefreshToken{
		string(first): {SessionID: s.ID, Generation: 1}, string(second): {SessionID: s.ID, Generation: 2}, "unknown": {},
	} {
		got, err := l.store.RefreshToken(t.Context(), []byte(hash))
		l.must(err)
		if got != want {
			t.Errorf("token %x = %+v, want %+v", hash, got, want)
		}
	}

	ended := next.End(staff.SessionEndReused, ledgerStart.Add(time.Hour))
	end := func() error {
		return l.store.Update(t.Context(), func(tx origination.Tx) error {
			return tx.EndSession(t.Context(), ended, staffEvent(l, staff.SubjectUser, u.ID, staff.ActionSessionEnd))
		})
	}
	l.must(end())
	if diff := cmp.Diff(ended, locked()); diff != "" {
		t.Errorf("ended (-want +got):\n%s", diff)
	}
	wantCode(t, "ended twice", end(), domain.KindConflict, "stale-version")
	third, _ := next.Refresh(2, ledgerStart.Add(2*time.Minute))
	wantCode(t, "continued after its end", l.store.Update(t.Context(), func(tx origination.Tx) error {
		return tx.ContinueSession(t.Context(), third, staff.NewSecret("third").Hash())
	}), domain.KindConflict, "stale-version")
}

func TestTheNewestSessionsAreKept(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	u, other := l.addUser(nil), l.addUser(func(u *staff.User) { u.Username = "other" })
	var ids []domain.ID
	for i, userID := range []domain.ID{u.ID, u.ID, other.ID, u.ID} {
		s := staff.StartSession(l.newID(), userID, ledgerStart)
		ids = append(ids, s.ID)
		l.update(func(tx origination.Tx) error {
			return tx.InsertSession(t.Context(), s, staff.NewSecret(fmt.Sprint(i)).Hash(), staffEvent(l, staff.SubjectUser, userID, staff.ActionLogin))
		})
	}
	end := func(keep int) (ended int) {
		l.update(func(tx origination.Tx) error {
			var err error
			ended, err = tx.EndSessions(t.Context(), u.ID, keep, staff.SessionEndTooMany, ledgerStart.Add(time.Minute))
			return err
		})
		return ended
	}
	if n := end(2); n != 1 {
		t.Errorf("all but two of three sessions: %d ended, want 1", n)
	}
	if n := l.count("SELECT COUNT(*) FROM sessions WHERE id = ? AND end_reason = 'too_many'", ids[0]); n != 1 {
		t.Errorf("the oldest session was not the one that ended")
	}
	if n := end(0); n != 2 {
		t.Errorf("all sessions: %d ended, want the 2 that were left", n)
	}
	if n := l.count("SELECT COUNT(*) FROM sessions WHERE user_id = ? AND ended_at IS NULL", other.ID); n != 1 {
		t.Errorf("somebody else's session ended as well")
	}
}

func TestLoginAttemptsAreKeptUnderAHashOfTheName(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	want := staff.LoginAttempts{Failures: 3, LastFailureAt: ledgerStart, LockedUntil: ledgerStart.Add(time.Hour)}
	for _, name := range []string{"officer", "孙晓东", "", strings.Repeat("x", 64)} {
		for _, stored := range []staff.LoginAttempts{want, {}} {
			var fresh, got staff.LoginAttempts
			l.update(func(tx origination.Tx) error {
				if _, err := tx.LockLoginAttempts(t.Context(), name, ledgerStart); err != nil {
					return err
				}
				return tx.SaveLoginAttempts(t.Context(), name, stored, ledgerStart)
			})
			l.update(func(tx origination.Tx) error {
				var err error
				if fresh, err = tx.LockLoginAttempts(t.Context(), name+"!", ledgerStart); err != nil {
					return err
				}
				got, err = tx.LockLoginAttempts(t.Context(), name, ledgerStart)
				return err
			})
			if got != stored || fresh != (staff.LoginAttempts{}) {
				t.Errorf("attempts of %q = %+v, want %+v; of another name %+v, want none", name, got, stored, fresh)
			}
		}
	}
	if n := l.count("SELECT COUNT(*) FROM login_attempts WHERE HEX(name_index) LIKE CONCAT('%', HEX('officer'), '%')"); n != 0 {
		t.Errorf("%d rows show the name that was typed", n)
	}
	wantErr := l.store.Update(t.Context(), func(tx origination.Tx) error {
		return tx.SaveLoginAttempts(t.Context(), "never-locked", want, ledgerStart)
	})
	if wantErr == nil {
		t.Error("attempts were saved under a name that was not locked")
	}
}

// Twenty transactions that add one to the same name's failures, on two nodes, must come to twenty.
func TestTheAttemptsOfOneNameAreChangedOneAfterAnother(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	second := storetest.Open(t, l.dsn)
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			store := l.store
			if i%2 == 1 {
				store = second
			}
			err := store.Update(t.Context(), func(tx origination.Tx) error {
				a, err := tx.LockLoginAttempts(t.Context(), "officer", ledgerStart)
				if err != nil {
					return err
				}
				a.Failures++
				return tx.SaveLoginAttempts(t.Context(), "officer", a, ledgerStart)
			})
			if err != nil {
				t.Errorf("transaction %d: %v", i, err)
			}
		})
	}
	group.Wait()
	if n := l.count("SELECT MAX(failures) FROM login_attempts"); n != 20 {
		t.Errorf("twenty transactions came to %d failures", n)
	}
}
