package repository_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/origination"
	"fumin/repository"
	"fumin/repository/localdb"
	"fumin/repository/storetest"
)

// waitMax bounds every wait for a condition; it is far above what any takes.
const waitMax = 30 * time.Second

// await polls until the condition holds.
func await(t testing.TB, what string, holds func() bool) {
	t.Helper()
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	enough := time.After(waitMax)
	for !holds() {
		select {
		case <-look.C:
		case <-enough:
			t.Errorf("waited %s in vain: %s", waitMax, what)
			return
		}
	}
}

// awaitStatements returns once so many connections of this database execute a statement that contains the text: while
// another transaction holds what they need, they wait for its lock.
func (l *ledger) awaitStatements(n int, text string) {
	l.t.Helper()
	await(l.t, fmt.Sprintf("%d statements with %q", n, text), func() bool {
		var waiting int
		err := l.store.Database().Raw("SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID() AND info LIKE ?",
			"%"+text+"%").Scan(&waiting).Error
		if err != nil {
			l.t.Error(err)
			return true
		}
		return waiting >= n
	})
}

// settled is how many of the applications are there, after the transaction that inserts them has ended: the lock waits.
func (l *ledger) settled(id domain.ID) int {
	l.t.Helper()
	return l.count("SELECT COUNT(*) FROM applications WHERE id = ? FOR UPDATE", id)
}

// saveNext saves the record's next version.
func saveNext(ctx context.Context, tx origination.Tx, r loan.Record) error {
	r.Version++
	r.UpdatedAt = r.UpdatedAt.Add(time.Second)
	a, err := loan.Restore(r)
	if err != nil {
		return err
	}
	return tx.SaveApplication(ctx, a, applicationEvent(r))
}

func TestOfTwentySavesOfOneVersionOneWins(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	r := l.addApplication(l.draft(ledgerCounty))
	const callers = 20
	var won, stale atomic.Int64
	var group sync.WaitGroup
	start := make(chan struct{})
	for range callers {
		group.Go(func() {
			<-start
			// Without a lock first, as no use case does: the version alone must decide.
			err := l.store.Update(t.Context(), func(tx origination.Tx) error { return saveNext(t.Context(), tx, r) })
			switch {
			case err == nil:
				won.Add(1)
			case domain.CodeOf(err) == "stale-version":
				stale.Add(1)
			default:
				t.Errorf("save: %v, want stale-version", err)
			}
		})
	}
	close(start)
	group.Wait()
	if won.Load() != 1 || stale.Load() != callers-1 {
		t.Errorf("%d won and %d were stale, want 1 and %d", won.Load(), stale.Load(), callers-1)
	}
	if n := l.count("SELECT COUNT(*) FROM events WHERE subject_id = ?", r.ID); n != 2 {
		t.Errorf("%d events, want 2", n)
	}
}

func TestTwentyLockersOfOneApplicationAllSucceedOneAfterTheOther(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	r := l.addApplication(l.draft(ledgerCounty))
	const callers = 20
	var group sync.WaitGroup
	start := make(chan struct{})
	for caller := range callers {
		group.Go(func() {
			<-start
			err := l.store.Update(t.Context(), func(tx origination.Tx) error {
				a, err := tx.LockApplication(t.Context(), ledgerEverything, r.ID)
				if err != nil {
					return err
				}
				return saveNext(t.Context(), tx, a.Record())
			})
			if err != nil {
				t.Errorf("caller %d: %v", caller, err)
			}
		})
	}
	close(start)
	group.Wait()
	if got, err := l.store.Application(t.Context(), ledgerEverything, r.ID); err != nil || got.Version != callers+1 {
		t.Errorf("version %d, %v; want %d", got.Version, err, callers+1)
	}
}

func TestTwoTransactionsThatLockInOppositeOrderBothSucceed(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	a, b := l.addApplication(l.draft(ledgerCounty)), l.addApplication(l.draft(ledgerSibling))
	var ran atomic.Int64
	var both sync.WaitGroup // until each has locked its first, so that they must meet
	both.Add(2)
	crossing := func(first, second domain.ID) error {
		met := false
		return l.store.Update(t.Context(), func(tx origination.Tx) error {
			ran.Add(1)
			if _, err := tx.LockApplication(t.Context(), ledgerEverything, first); err != nil {
				return err
			}
			if !met {
				met = true
				both.Done()
				both.Wait()
			}
			other, err := tx.LockApplication(t.Context(), ledgerEverything, second)
			if err != nil {
				return err
			}
			return saveNext(t.Context(), tx, other.Record())
		})
	}
	errs := make(chan error, 2)
	go func() { errs <- crossing(a.ID, b.ID) }()
	go func() { errs <- crossing(b.ID, a.ID) }()
	for range 2 {
		if err := <-errs; err != nil {
			t.Errorf("crossing transactions: %v, want the deadlock to be retried", err)
		}
	}
	if ran.Load() <= 2 {
		t.Errorf("the closures ran %d times, want more than 2: they did not meet", ran.Load())
	}
	for _, id := range []domain.ID{a.ID, b.ID} {
		if got, err := l.store.Application(t.Context(), ledgerEverything, id); err != nil || got.Version != 2 {
			t.Errorf("%s: version %d, %v; want 2, saved once", id, got.Version, err)
		}
	}
}

func TestAClosureThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	refusal := domain.Errorf(domain.KindRule, "refused", "不行")
	plain := errors.New("broken")
	for _, want := range []error{refusal, plain} {
		r := l.draft(ledgerCounty)
		ran := 0
		err := l.store.Update(t.Context(), func(tx origination.Tx) error {
			ran++
			if err := insertApplication(t, tx, r); err != nil {
				return err
			}
			return want
		})
		if !errors.Is(err, want) || ran != 1 {
			t.Errorf("Update = %v after %d runs, want %v after one", err, ran, want)
		}
		_, err = l.store.Application(t.Context(), ledgerEverything, r.ID)
		wantCode(t, "what the failed closure inserted", err, domain.KindNotFound, "application-not-found")
	}
}

func TestAClosureThatPanicsLeavesNothingAndTheStoreGoesOn(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	// One connection, so that the next use gets the one on which the panic happened.
	pool, err := l.store.Database().DB()
	l.must(err)
	pool.SetMaxOpenConns(1)
	r := l.addApplication(l.draft(ledgerCounty))
	for range 3 {
		func() {
			defer func() {
				if got := recover(); got != "a mistake" {
					t.Errorf("recovered %v, want the closure's panic to go on", got)
				}
			}()
			err := l.store.Update(t.Context(), func(tx origination.Tx) error {
				l.must(saveNext(t.Context(), tx, r))
				panic("a mistake")
			})
			t.Errorf("Update returned %v, want a panic", err)
		}()
	}
	ctx, cancel := context.WithTimeout(t.Context(), waitMax)
	defer cancel()
	got, err := l.store.Application(ctx, ledgerEverything, r.ID)
	if err != nil || got.Version != 1 {
		t.Errorf("after the panic: version %d, %v; want 1", got.Version, err)
	}
	if err := l.store.Update(ctx, func(tx origination.Tx) error { return saveNext(ctx, tx, r) }); err != nil {
		t.Errorf("a save after the panic: %v: the row is still locked", err)
	}
}

func TestATransactionSeesItsOwnWritesAndOthersDoNot(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	r := l.draft(ledgerCounty)
	l.update(func(tx origination.Tx) error {
		if err := insertApplication(t, tx, r); err != nil {
			return err
		}
		if _, err := tx.Application(t.Context(), ledgerEverything, r.ID); err != nil {
			t.Errorf("inside: %v", err)
		}
		_, err := l.store.Application(t.Context(), ledgerEverything, r.ID)
		wantCode(t, "outside, before the commit", err, domain.KindNotFound, "application-not-found")
		return nil
	})
	if _, err := l.store.Application(t.Context(), ledgerEverything, r.ID); err != nil {
		t.Errorf("outside, after the commit: %v", err)
	}
}

func TestATransactionReadsWhatOthersHaveCommittedMeanwhile(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	r := l.addApplication(l.draft(ledgerCounty))
	l.update(func(tx origination.Tx) error {
		for version := 1; version <= 3; version++ {
			got, err := tx.Application(t.Context(), ledgerEverything, r.ID)
			if err != nil || got.Version != version {
				t.Errorf("read %d: version %d, %v; want READ COMMITTED", version, got.Version, err)
			}
			l.update(func(other origination.Tx) error { return saveNext(t.Context(), other, got) })
		}
		return nil
	})
}

func TestACancelledTransactionWritesNothingAndSaysWhy(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	for _, c := range []struct {
		name string
		stop func(ctx context.Context, cancel context.CancelFunc)
		want func(error) bool
	}{
		{
			"cancelled",
			func(_ context.Context, cancel context.CancelFunc) { cancel() },
			func(err error) bool { return errors.Is(err, context.Canceled) && domain.CodeOf(err) == "" },
		},
		{
			"out of time",
			func(ctx context.Context, _ context.CancelFunc) { <-ctx.Done() },
			func(err error) bool { return domain.CodeOf(err) == "request-timeout" },
		},
	} {
		for _, when := range []string{"before a statement", "during a wait for a lock", "before the commit"} {
			r, blocker := l.draft(ledgerCounty), l.addApplication(l.draft(ledgerCounty))
			ctx, cancel := context.WithCancel(t.Context())
			if c.name == "out of time" {
				ctx, cancel = context.WithTimeout(t.Context(), 200*time.Millisecond)
			}
			attempt := func() error {
				return l.store.Update(ctx, func(tx origination.Tx) error {
					if err := insertApplication(t, tx, r); err != nil {
						return err
					}
					switch when {
					case "before a statement":
						c.stop(ctx, cancel)
						_, err := tx.Application(ctx, ledgerEverything, r.ID)
						return err
					case "during a wait for a lock":
						if c.name == "cancelled" {
							go func() { l.awaitStatements(1, "FOR UPDATE"); cancel() }()
						}
						_, err := tx.LockApplication(ctx, ledgerEverything, blocker.ID)
						return err
					}
					c.stop(ctx, cancel)
					return nil
				})
			}
			var err error
			if when == "during a wait for a lock" {
				l.update(func(tx origination.Tx) error {
					if _, err := tx.LockApplication(t.Context(), ledgerEverything, blocker.ID); err != nil {
						return err
					}
					err = attempt()
					return nil
				})
			} else {
				err = attempt()
			}
			cancel()
			if !c.want(err) {
				t.Errorf("%s %s: %v (code %q)", c.name, when, err, domain.CodeOf(err))
			}
			if n := l.settled(r.ID); n != 0 {
				t.Errorf("%s %s: the application was written all the same", c.name, when)
			}
		}
	}
}

func TestAContextThatIsOverBeforeTheTransactionBeginsRunsNothing(t *testing.T) {
	t.Parallel()
	store := storetest.New(t)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	run := func(origination.Tx) error {
		t.Error("the closure ran")
		return nil
	}
	if err := store.Update(cancelled, run); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v, want context.Canceled", err)
	}
	wantCode(t, "too late", store.Update(late, run), domain.KindUnavailable, "request-timeout")
	if _, err := store.Application(cancelled, ledgerEverything, ledgerHead); !errors.Is(err, context.Canceled) {
		t.Errorf("a read, cancelled: %v, want context.Canceled", err)
	}
	_, err := store.Applications(late, ledgerEverything, origination.ApplicationFilter{}, domain.Page{Limit: 1})
	wantCode(t, "a read, too late", err, domain.KindUnavailable, "request-timeout")
}

func TestASuccessIsNeverReportedAsCancelled(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	insert := func(ctx context.Context, r loan.Record) error {
		return l.store.Update(ctx, func(tx origination.Tx) error { return insertApplication(t, tx, r) })
	}
	began := time.Now()
	if err := insert(t.Context(), l.draft(ledgerCounty)); err != nil {
		t.Fatal(err)
	}
	undisturbed := time.Since(began)
	// The context ends at sixty moments from the first statement to three times as long as an Update takes, closest together
	// at first because that time may be long by chance: whatever Update says must be what happened.
	var succeeded, cancelled int
	for i := range 60 {
		r := l.draft(ledgerCounty)
		ctx, cancel := context.WithCancel(t.Context())
		ending := time.AfterFunc(undisturbed*time.Duration(i*i)/1200, cancel)
		err := insert(ctx, r)
		ending.Stop()
		cancel()
		n := l.settled(r.ID)
		switch {
		case err == nil:
			succeeded++
			if n != 1 {
				t.Errorf("Update reported success, and nothing is there")
			}
		case errors.Is(err, context.Canceled):
			cancelled++
			if n != 0 {
				t.Errorf("Update reported a cancelled transaction, and it is there")
			}
		case domain.CodeOf(err) != "outcome-unknown":
			t.Errorf("Update = %v, want success, context.Canceled or outcome-unknown", err)
		}
	}
	if succeeded == 0 || cancelled == 0 {
		t.Errorf("%d transactions succeeded and %d were cancelled: the moments missed the commit", succeeded, cancelled)
	}
}

// killConnection ends the connection of a transaction, from beside it.
func (l *ledger) killConnection(tx origination.Tx) {
	l.t.Helper()
	var id int
	l.must(repository.DatabaseOf(tx).Raw("SELECT CONNECTION_ID()").Scan(&id).Error)
	l.exec(fmt.Sprintf("KILL %d", id))
	await(l.t, "the connection to go", func() bool {
		return l.count("SELECT COUNT(*) FROM information_schema.processlist WHERE id = ?", id) == 0
	})
}

func TestALostConnectionIsToldByWhetherTheCommitHadBegun(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	r := l.draft(ledgerCounty)
	ran := 0
	err := l.store.Update(t.Context(), func(tx origination.Tx) error {
		ran++
		if err := insertApplication(t, tx, r); err != nil {
			return err
		}
		l.killConnection(tx)
		return nil
	})
	wantCode(t, "the connection lost before the commit was answered", err, domain.KindUnavailable, "outcome-unknown")
	if ran != 1 {
		t.Errorf("the closure ran %d times, want 1: what may have happened is not done again", ran)
	}

	ran = 0
	err = l.store.Update(t.Context(), func(tx origination.Tx) error {
		ran++
		if err := insertApplication(t, tx, r); err != nil {
			return err
		}
		l.killConnection(tx)
		_, err := tx.Application(t.Context(), ledgerEverything, r.ID)
		return err
	})
	wantCode(t, "the connection lost before a statement", err, domain.KindUnavailable, "database-unavailable")
	if ran != 1 {
		t.Errorf("the closure ran %d times, want 1", ran)
	}
	if n := l.count("SELECT COUNT(*) FROM applications WHERE id = ?", r.ID); n != 0 {
		t.Errorf("%d applications of the killed transactions, want none", n)
	}
	l.addApplication(r) // and the store goes on
}

func TestRetriesAreBounded(t *testing.T) {
	t.Parallel()
	store := storetest.New(t)
	for _, number := range []uint16{1205, 1213, 8002, 8022, 9007} {
		ran := 0
		err := store.Update(t.Context(), func(origination.Tx) error {
			ran++
			return fmt.Errorf("save: %w", &mysql.MySQLError{Number: number, Message: "try restarting transaction"})
		})
		wantCode(t, fmt.Sprintf("error %d each time", number), err, domain.KindUnavailable, "busy")
		if ran != repository.UpdateAttemptsMax {
			t.Errorf("error %d: the closure ran %d times, want %d", number, ran, repository.UpdateAttemptsMax)
		}
		ran = 0
		err = store.Update(t.Context(), func(origination.Tx) error {
			ran++
			if ran < repository.UpdateAttemptsMax {
				return &mysql.MySQLError{Number: number}
			}
			return nil
		})
		if err != nil || ran != repository.UpdateAttemptsMax {
			t.Errorf("error %d until the last run: %v after %d runs, want success after %d", number, err, ran, repository.UpdateAttemptsMax)
		}
	}
	ran := 0
	ctx, cancel := context.WithCancel(t.Context())
	err := store.Update(ctx, func(origination.Tx) error {
		ran++
		cancel()
		return &mysql.MySQLError{Number: 1213}
	})
	if !errors.Is(err, context.Canceled) || ran != 1 {
		t.Errorf("cancelled during a deadlock: %v after %d runs, want context.Canceled after one", err, ran)
	}
}

func TestWhoeverWaitsTooLongForALockIsToldThatItIsBusy(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	r := l.addApplication(l.draft(ledgerCounty))
	ran := 0
	l.update(func(holder origination.Tx) error {
		if _, err := holder.LockApplication(t.Context(), ledgerEverything, r.ID); err != nil {
			return err
		}
		err := l.store.Update(t.Context(), func(tx origination.Tx) error {
			ran++
			// In place of the five seconds of every session, so that the test is quick.
			if err := repository.DatabaseOf(tx).Exec("SET SESSION innodb_lock_wait_timeout = 1").Error; err != nil {
				return err
			}
			if ran > 1 {
				if err := repository.DatabaseOf(tx).Exec("SET SESSION innodb_lock_wait_timeout = 0").Error; err != nil {
					return err
				}
			}
			_, err := tx.LockApplication(t.Context(), ledgerEverything, r.ID)
			return err
		})
		wantCode(t, "a lock that is held for good", err, domain.KindUnavailable, "busy")
		return nil
	})
	if ran != repository.UpdateAttemptsMax {
		t.Errorf("the closure ran %d times, want %d", ran, repository.UpdateAttemptsMax)
	}
}

func TestAServerThatIsAwayIsToldAndTheStoreRecoversByItself(t *testing.T) {
	t.Parallel()
	server, err := localdb.Start(t.Context(), localdb.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := server.CreateDatabase(t.Context(), "away"); err != nil {
		t.Fatal(err)
	}
	l := &ledger{t: t, dsn: server.DSN("away")}
	if _, _, err := repository.Migrate(t.Context(), l.dsn); err != nil {
		t.Fatal(err)
	}
	l.store, l.rows = storetest.Open(t, l.dsn), openRows(t, l.dsn)
	l.addBranches()
	l.addBorrower(ledgerCounty)
	kept := l.addApplication(l.draft(ledgerCounty))

	lost := l.draft(ledgerCounty)
	err = l.store.Update(t.Context(), func(tx origination.Tx) error {
		if err := insertApplication(t, tx, lost); err != nil {
			return err
		}
		return server.Kill()
	})
	wantCode(t, "the server killed before the commit", err, domain.KindUnavailable, "outcome-unknown")
	_, err = l.store.Application(t.Context(), ledgerEverything, kept.ID)
	wantCode(t, "a read without a server", err, domain.KindUnavailable, "database-unavailable")
	err = l.store.Update(t.Context(), func(origination.Tx) error { t.Error("the closure ran without a server"); return nil })
	wantCode(t, "a transaction without a server", err, domain.KindUnavailable, "database-unavailable")
	wantCode(t, "a ping without a server", l.store.Ping(t.Context()), domain.KindUnavailable, "database-unavailable")

	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := l.store.Ping(t.Context()); err != nil {
		t.Errorf("a ping after the restart: %v", err)
	}
	if got, err := l.store.Application(t.Context(), ledgerEverything, kept.ID); err != nil || got.ID != kept.ID {
		t.Errorf("what was committed before: %v, %v", got.ID, err)
	}
	if n := l.count("SELECT COUNT(*) FROM applications WHERE id = ?", lost.ID); n != 0 {
		t.Error("what was not committed is there")
	}
	l.addApplication(lost)
}

// A statement that fails may be expected to, so storage does not log it: whoever cannot deal with it does, once. A slow one
// is logged without its values.
func TestSlowStatementsAreLoggedWithoutTheirValuesAndFailedOnesNotAtAll(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	var log strings.Builder
	var mu sync.Mutex
	loud, err := repository.Open(t.Context(), l.dsn, repository.CipherOf(l.store), slog.New(slog.NewTextHandler(lockedWriter{&mu, &log}, nil)))
	l.must(err)
	t.Cleanup(func() { _ = loud.Close() })
	said := func() string {
		mu.Lock()
		defer mu.Unlock()
		return log.String()
	}

	r, _ := l.addSigned(ledgerCounty)
	c := ledgerContract(l.addApplication(l.draft(ledgerCounty)))
	c.ContractNo, c.Payee.BankName = "HT-"+r.ApplicationNo, "一家秘密的银行"
	err = loud.Update(t.Context(), func(tx origination.Tx) error { return tx.InsertContract(t.Context(), c, ledgerPlan(c)) })
	wantCode(t, "a duplicate", err, domain.KindInvalid, "invalid-fields")
	if said() != "" {
		t.Errorf("an expected duplicate is in the log:\n%s", said())
	}

	l.must(loud.Database().WithContext(t.Context()).Exec("SELECT SLEEP(1.1), ?", "王吉华的秘密").Error)
	if !strings.Contains(said(), "slow statement") || !strings.Contains(said(), "SLEEP") {
		t.Errorf("a slow statement is not in the log:\n%s", said())
	}
	if strings.Contains(said(), "秘密") {
		t.Errorf("the log has a statement's value:\n%s", said())
	}
}

// lockedWriter lets a handler and a test share a builder.
type lockedWriter struct {
	mu *sync.Mutex
	to io.Writer
}

func (w lockedWriter) Write(text []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(text)
}
