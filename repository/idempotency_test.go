package repository_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"fumin/domain"
	"fumin/domain/origination"
	"fumin/repository/storetest"
)

// claim claims a key in a transaction of its own.
func (l *ledger) claim(actor domain.ID, key origination.Idempotency, result domain.ID) (prior domain.ID, err error) {
	err = l.store.Update(l.t.Context(), func(tx origination.Tx) error {
		prior = ""
		found, err := tx.ClaimIdempotencyKey(l.t.Context(), actor, key, result, ledgerStart)
		prior = found
		return err
	})
	return prior, err
}

func TestAKeyStandsForItsFirstResult(t *testing.T) {
	t.Parallel()
	l := &ledger{t: t, store: storetest.New(t)}
	key := ledgerKey(strings.Repeat("~", 64), 1)
	first, second := l.newID(), l.newID()
	for i, want := range []domain.ID{"", first, first} {
		result := first
		if i > 0 {
			result = second
		}
		if prior, err := l.claim(ledgerOfficer, key, result); err != nil || prior != want {
			t.Errorf("claim %d: prior %q, %v; want %q", i+1, prior, err, want)
		}
	}
	// Keys belong to who chose them, and differ in case. (A space at the end would not count; the API allows none.)
	for _, other := range []struct {
		actor domain.ID
		key   string
	}{{ledgerApprover, key.Key}, {ledgerOfficer, key.Key[1:]}, {ledgerOfficer, "abc"}, {ledgerOfficer, "ABC"}, {ledgerOfficer, "'PRIMARY'"}} {
		if prior, err := l.claim(other.actor, ledgerKey(other.key, 2), l.newID()); err != nil || prior != "" {
			t.Errorf("%s, key %q: prior %q, %v; want a key of its own", other.actor, other.key, prior, err)
		}
	}
	_, err := l.claim(ledgerOfficer, ledgerKey(key.Key, 2), l.newID())
	wantCode(t, "the same key for another request", err, domain.KindRule, "idempotency-key-reused")
	if prior, err := l.claim(ledgerOfficer, key, l.newID()); err != nil || prior != first {
		t.Errorf("after the refusal: prior %q, %v; want %q", prior, err, first)
	}
}

func TestARolledBackClaimLeavesNothing(t *testing.T) {
	t.Parallel()
	l := &ledger{t: t, store: storetest.New(t)}
	key, failure := ledgerKey("k", 1), errors.New("no")
	err := l.store.Update(t.Context(), func(tx origination.Tx) error {
		if _, err := tx.ClaimIdempotencyKey(t.Context(), ledgerOfficer, key, l.newID(), ledgerStart); err != nil {
			return err
		}
		return failure
	})
	if !errors.Is(err, failure) {
		t.Fatalf("Update = %v, want the closure's own error", err)
	}
	if prior, err := l.claim(ledgerOfficer, ledgerKey("k", 2), l.newID()); err != nil || prior != "" {
		t.Errorf("after the rollback, another request with the key: prior %q, %v; want a fresh claim", prior, err)
	}
}

func TestTwentyClaimsAtOnceMakeOneAndNineteenReplays(t *testing.T) {
	t.Parallel()
	l := &ledger{t: t, store: storetest.New(t)}
	for round := range 3 {
		key := ledgerKey(fmt.Sprintf("round-%d", round), 1)
		const callers = 20
		results, priors, errs := make([]domain.ID, callers), make([]domain.ID, callers), make([]error, callers)
		var group sync.WaitGroup
		start := make(chan struct{})
		for i := range callers {
			results[i] = l.newID()
			group.Go(func() {
				<-start
				priors[i], errs[i] = l.claim(ledgerOfficer, key, results[i])
			})
		}
		close(start)
		group.Wait()
		var winner domain.ID
		for i := range callers {
			if errs[i] != nil {
				t.Fatalf("caller %d: %v", i, errs[i])
			}
			if priors[i] == "" {
				if winner != "" {
					t.Fatalf("two winners: %s and %s", winner, results[i])
				}
				winner = results[i]
			}
		}
		for i := range callers {
			if priors[i] != "" && priors[i] != winner {
				t.Errorf("caller %d: prior %s, want the winner's %s", i, priors[i], winner)
			}
		}
		if winner == "" {
			t.Error("nobody won")
		}
	}
}

// The first caller holds the key while the others wait for it, and then gives up: one of the others must win, and the
// deadlock among those who waited is nobody's to see.
func TestWhenTheFirstClaimIsRolledBackOneOfThoseWhoWaitedWins(t *testing.T) {
	t.Parallel()
	l := &ledger{t: t, store: storetest.New(t)}
	key, failure := ledgerKey("k", 1), errors.New("no")
	const waiting = 8
	priors, errs := make([]domain.ID, waiting), make([]error, waiting)
	var group sync.WaitGroup
	err := l.store.Update(t.Context(), func(tx origination.Tx) error {
		if _, err := tx.ClaimIdempotencyKey(t.Context(), ledgerOfficer, key, l.newID(), ledgerStart); err != nil {
			return err
		}
		for i := range waiting {
			group.Go(func() { priors[i], errs[i] = l.claim(ledgerOfficer, key, l.newID()) })
		}
		l.awaitStatements(waiting, "INSERT INTO `idempotency_keys`")
		return failure
	})
	if !errors.Is(err, failure) {
		t.Fatalf("Update = %v, want the closure's own error", err)
	}
	group.Wait()
	winners := 0
	for i := range waiting {
		if errs[i] != nil {
			t.Errorf("caller %d: %v", i, errs[i])
		} else if priors[i] == "" {
			winners++
		}
	}
	if winners != 1 {
		t.Errorf("%d winners, want 1", winners)
	}
}

func TestOldKeysAreForgottenABoundedNumberAtATime(t *testing.T) {
	t.Parallel()
	l := &ledger{t: t, store: storetest.New(t)}
	const keys = 7
	l.update(func(tx origination.Tx) error {
		for i := range keys {
			at := ledgerStart.Add(time.Duration(i) * time.Hour)
			if _, err := tx.ClaimIdempotencyKey(t.Context(), ledgerOfficer, ledgerKey(fmt.Sprint(i), 1), l.newID(), at); err != nil {
				return err
			}
		}
		return nil
	})
	before := ledgerStart.Add(5 * time.Hour) // of seven, five are older
	for i, want := range []int{3, 2, 0} {
		var deleted int
		l.update(func(tx origination.Tx) (err error) {
			deleted, err = tx.DeleteIdempotencyKeys(t.Context(), before, 3)
			return err
		})
		if deleted != want {
			t.Errorf("round %d: deleted %d, want %d", i+1, deleted, want)
		}
	}
	for i := range keys {
		prior, err := l.claim(ledgerOfficer, ledgerKey(fmt.Sprint(i), 1), l.newID())
		if kept := prior != ""; err != nil || kept != (i >= 5) {
			t.Errorf("key %d: kept %t, %v; want %t", i, kept, err, i >= 5)
		}
	}
}
