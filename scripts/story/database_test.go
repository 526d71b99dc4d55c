package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"fumin/repository/channel/sandbox"
	"fumin/scripts/drive"
)

// The load under which the database is killed.
const (
	loadClients     = 4
	releasesBefore  = 20 // acknowledged before the kill
	releasesAfter   = 20 // acknowledged after the restart
	releaseTriesMax = 100_000
)

// load takes loans to their release until it is stopped, and remembers what the service said about each release.
type load struct {
	crash *crash

	mu           sync.Mutex
	acknowledged map[string]bool   // the disbursements whose release was answered with 200
	asked        map[string]string // the transfers whose release was asked for, and the disbursement of each
	refusals     int               // answers that said "not now"
	wrong        error             // the first answer that may not occur
}

func TestAKilledDatabaseLosesNoAcknowledgedDisbursement(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	site := newSite(ctx, t)
	if err := site.Serve(ctx); err != nil {
		t.Fatal(err)
	}
	l := &load{crash: newCrash(t, site), acknowledged: map[string]bool{}, asked: map[string]string{}}
	working, stop := context.WithCancel(ctx)
	defer stop()
	var group sync.WaitGroup
	for range loadClients {
		group.Go(func() { l.work(working) })
	}

	must(t, l.await(ctx, "releases before the kill", func() bool { return len(l.acknowledged) >= releasesBefore }))
	must(t, site.Database.Kill())
	must(t, l.await(ctx, "a refusal while the database is away", func() bool { return l.refusals > 0 }))
	must(t, site.Database.Restart(ctx))
	before := l.count()
	must(t, l.await(ctx, "releases after the restart", func() bool { return len(l.acknowledged) >= before+releasesAfter }))
	stop()
	group.Wait()

	if l.wrong != nil {
		t.Fatalf("under load: %v", l.wrong)
	}
	l.checkPaidOnce(ctx, t)
	t.Logf("%d releases acknowledged, %d refused while the database was away", l.count(), l.refusals)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acknowledged)
}

// await waits for a condition on what the clients have seen, or for an answer that may not occur.
func (l *load) await(ctx context.Context, what string, met func() bool) error {
	return drive.Until(ctx, what, func() (bool, error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		return met(), l.wrong
	})
}

// work plays loans one after the other. A loan that the dying database broke off before its release is left as it is.
func (l *load) work(ctx context.Context) {
	site := l.crash.site
	team, err := site.Service.Team(ctx, l.crash.officer, l.crash.releaser, site.Password)
	if err != nil {
		l.note(ctx, err)
		return
	}
	for ctx.Err() == nil {
		person := l.crash.people.Adult(l.crash.story.Borrower, drive.Today())
		borrowerID, err := team.Register(ctx, person, l.crash.story.Region, l.crash.story.Address, now())
		if err != nil {
			l.note(ctx, err)
			continue
		}
		d, err := team.UntilRequested(ctx, borrowerID, l.crash.story.request(), drive.Today())
		if err != nil {
			l.note(ctx, err)
			continue
		}
		l.release(ctx, team, d)
	}
}

// release asks with one key until there is an answer that says what became of it, as a client is told to.
func (l *load) release(ctx context.Context, team drive.Team, d drive.Disbursement) {
	id := d.ID
	call := drive.Release(id)
	l.mu.Lock()
	for _, transfer := range d.Transfers {
		l.asked[transfer.ID] = id
	}
	l.mu.Unlock()
	for range releaseTriesMax {
		_, err := drive.Ask[drive.Disbursement](ctx, team.Releaser, call, http.StatusOK)
		if err == nil {
			l.mu.Lock()
			l.acknowledged[id] = true
			l.mu.Unlock()
			return
		}
		l.note(ctx, err)
		if ctx.Err() != nil {
			return
		}
	}
}

// note counts a refusal that tells the client to come back, and keeps anything else: a client sent nothing wrong.
func (l *load) note(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var refused *drive.RefusedError
	if errors.As(err, &refused) && refused.Answer.Status == http.StatusServiceUnavailable && refused.Answer.Header.Get("Retry-After") != "" {
		l.refusals++
		return
	}
	if l.wrong == nil {
		l.wrong = fmt.Errorf("an answer other than 503 with Retry-After: %w", err)
	}
}

// checkPaidOnce waits until every acknowledged release is paid, and compares our books with the channel's, both ways.
func (l *load) checkPaidOnce(ctx context.Context, t *testing.T) {
	t.Helper()
	site := l.crash.site
	team, err := site.Service.Team(ctx, l.crash.officer, l.crash.releaser, site.Password)
	must(t, err)
	transfers := map[string]string{} // of the acknowledged disbursements
	for id := range l.acknowledged {
		d, err := team.Releaser.AwaitDisbursement(ctx, id, "succeeded")
		if err != nil {
			t.Fatalf("%v; the service wrote:\n%s", err, site.Output())
		}
		for _, transfer := range d.Transfers {
			transfers[transfer.ID] = id
		}
	}
	payments, err := site.Channel.Payments(ctx)
	must(t, err)
	paid := map[string][]sandbox.Listed{}
	for _, p := range payments {
		paid[p.ID] = append(paid[p.ID], p)
		if l.asked[p.ID] == "" {
			t.Errorf("the channel paid %s, which nobody released", p.ID)
		}
		// Released, paid, and perhaps never answered: our books must say so all the same.
		if _, err := team.Releaser.AwaitDisbursement(ctx, l.asked[p.ID], "succeeded"); err != nil {
			t.Errorf("the channel paid %s: %v", p.ID, err)
		}
	}
	for id, disbursementID := range transfers {
		if entries := paid[id]; len(entries) != 1 || entries[0].State != "succeeded" || entries[0].Amount != l.crash.story.Amount {
			t.Errorf("disbursement %s was acknowledged; the channel's list has %v, want one payment of %s", disbursementID, entries, l.crash.story.Amount)
		}
	}
}
