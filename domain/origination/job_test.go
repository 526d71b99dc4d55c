package origination_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fumin/domain"
	"fumin/domain/origination"
)

const testKind = origination.JobKind("test-export")

// node is a worker of its own with one kind of work.
func (w *world) node(run origination.JobRunner) *origination.JobWorker {
	limits := origination.DefaultJobLimits()
	limits.Renew = time.Millisecond
	return w.nodeWith(limits, run)
}

func (w *world) nodeWith(limits origination.JobLimits, run origination.JobRunner) *origination.JobWorker {
	return origination.NewJobWorker(w.store, w.now, newID(), discard(), limits, map[origination.JobKind]origination.JobRunner{testKind: run})
}

func (w *world) startJob(by domain.Actor) origination.Job {
	w.t.Helper()
	job, replayed, err := w.jobs().Start(w.t.Context(), by, key(), origination.NewJob{Kind: testKind, Title: "测试导出", Payload: map[string]int{"rows": 7}})
	w.must(err)
	if replayed {
		w.t.Fatal("a fresh key was replayed")
	}
	return job
}

func (w *world) jobs() *origination.Jobs {
	return origination.NewJobs(w.store, w.now, newID, func() { w.woken.Add(1) })
}

// job reads one as its requester sees it.
func (w *world) job(by domain.Actor, id domain.ID) origination.Job {
	w.t.Helper()
	job, err := w.jobs().Job(w.t.Context(), by, id)
	w.must(err)
	return job
}

// wantWorked runs a node once and wants it to have found work, or none.
func (w *world) wantWorked(node *origination.JobWorker, want bool) {
	w.t.Helper()
	worked, err := node.Work(w.t.Context())
	if err != nil || worked != want {
		w.t.Fatalf("Work = %t, %v; want %t", worked, err, want)
	}
}

// result reads the whole file of a job.
func (w *world) result(by domain.Actor, id domain.ID) []byte {
	w.t.Helper()
	job, err := w.jobs().Result(w.t.Context(), by, id)
	w.must(err)
	var content []byte
	for number := 0; int64(len(content)) < job.Result.Bytes; number++ {
		chunk, err := w.jobs().ResultChunk(w.t.Context(), job, number)
		w.must(err)
		content = append(content, chunk...)
	}
	if sum := sha256.Sum256(content); sum != job.Result.SHA256 {
		w.t.Errorf("the file's SHA-256 is %x, the job says %x", sum, job.Result.SHA256)
	}
	return content
}

// rows is a second way into the database, by which a test looks at rows.
func (w *world) rows() *sql.DB {
	w.t.Helper()
	db, err := sql.Open("mysql", w.dsn)
	w.must(err)
	w.t.Cleanup(func() { _ = db.Close() })
	return db
}

func (w *world) chunks(id domain.ID) (n int) {
	w.t.Helper()
	w.must(w.rows().QueryRowContext(w.t.Context(), "SELECT COUNT(*) FROM job_chunks WHERE job_id = ?", id).Scan(&n))
	return n
}

// writing is work that writes a file of a size, the letter being the attempt's.
func writing(size int, between func(job *origination.JobContext)) origination.JobRunner {
	return func(ctx context.Context, job *origination.JobContext) error {
		out, err := job.File(ctx, "导出.csv", "text/csv")
		if err != nil {
			return err
		}
		letter := []byte{byte('a' + job.Job.Attempts)}
		if _, err := out.Write(bytes.Repeat(letter, size/2)); err != nil {
			return err
		}
		between(job)
		_, err = out.Write(bytes.Repeat(letter, size-size/2))
		job.Progress(int64(size), int64(size))
		return err
	}
}

func TestAJobIsDoneInItsRequestersNameAndLeavesAFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	by := w.somebody(domain.RoleRiskManager)
	started := w.startJob(by)
	if started.Status != origination.JobQueued || w.woken.Load() != 1 {
		t.Errorf("started: %s, woken %d times", started.Status, w.woken.Load())
	}
	var seen domain.Actor
	var payload struct {
		Rows int `json:"rows"`
	}
	w.wantWorked(w.node(writing(700_000, func(job *origination.JobContext) {
		seen = job.Job.Requester
		w.must(job.Payload(&payload))
	})), true)
	if seen != by || payload.Rows != 7 {
		t.Errorf("the work was done as %+v with %+v, want as %+v with 7", seen, payload, by)
	}
	done := w.job(by, started.ID)
	if done.Status != origination.JobSucceeded || done.Done != 700_000 || done.Estimate != 700_000 || done.FinishedAt.IsZero() || done.Result.FileName != "导出.csv" {
		t.Errorf("done: %+v", done)
	}
	if got, want := w.result(by, started.ID), bytes.Repeat([]byte("b"), 700_000); !bytes.Equal(got, want) {
		t.Errorf("the file has %d bytes, want %d of b", len(got), len(want))
	}
	if n := w.chunks(started.ID); n != 3 {
		t.Errorf("%d chunks, want 3 of 256 KiB", n)
	}
	// Nobody else sees it, not even in the same branch.
	if _, err := w.jobs().Job(t.Context(), w.somebody(domain.RoleAdmin), started.ID); domain.CodeOf(err) != "job-not-found" {
		t.Errorf("read by another: %v, want job-not-found", err)
	}
	w.wantWorked(w.node(writing(1, func(*origination.JobContext) {})), false)
}

func TestTwentyNodesTakeAJobUpOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	by := w.somebody(domain.RoleRiskManager)
	id := w.startJob(by).ID
	var runs, worked atomic.Int64
	wantCodes(t, atOnce(callers, func(int) error {
		did, err := w.node(writing(300_000, func(*origination.JobContext) { runs.Add(1) })).Work(context.Background())
		if did {
			worked.Add(1)
		}
		return err
	}), map[string]int{"": callers})
	if runs.Load() != 1 || worked.Load() != 1 {
		t.Errorf("%d runs, %d nodes say they worked; want one", runs.Load(), worked.Load())
	}
	if job := w.job(by, id); job.Status != origination.JobSucceeded || job.Attempts != 1 {
		t.Errorf("job: %s after %d attempts", job.Status, job.Attempts)
	}
}

func TestAJobWhoseNodeWasKilledIsBegunAnewByAnotherAndFinishedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	by := w.somebody(domain.RoleRiskManager)
	id := w.startJob(by).ID
	died := make(chan struct{})
	go func() {
		defer close(died)
		_, _ = w.node(writing(1_200_000, func(*origination.JobContext) { runtime.Goexit() })).Work(context.Background())
	}()
	<-died
	if job := w.job(by, id); job.Status != origination.JobRunning || w.chunks(id) == 0 {
		t.Fatalf("after the death: %s with %d chunks, want running with some", job.Status, w.chunks(id))
	}
	finish := w.node(writing(600_000, func(*origination.JobContext) {}))
	w.wantWorked(finish, false) // leased
	w.advance(time.Minute)
	w.wantWorked(finish, true)
	job := w.job(by, id)
	if job.Status != origination.JobSucceeded || job.Attempts != 2 {
		t.Errorf("job: %s after %d attempts, want succeeded after 2", job.Status, job.Attempts)
	}
	if got := w.result(by, id); len(got) != 600_000 || slices.ContainsFunc(got, func(b byte) bool { return b != 'c' }) {
		t.Errorf("the file has %d bytes, want 600,000 of the second attempt alone", len(got))
	}
	if n := w.chunks(id); n != 3 {
		t.Errorf("%d chunks kept, want the 3 of the second attempt", n)
	}
	w.wantWorked(finish, false)
}

// A node that was frozen for longer than its lease wakes up after another has finished the job: it writes nothing any more.
func TestANodeThatWakesUpAfterItsLeaseWritesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	by := w.somebody(domain.RoleRiskManager)
	id := w.startJob(by).ID
	limits := origination.DefaultJobLimits()
	limits.Renew = time.Hour // frozen: it renews nothing
	frozen, thaw, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := w.nodeWith(limits, writing(1_200_000, func(*origination.JobContext) { close(frozen); <-thaw })).Work(context.Background())
		ended <- err
	}()
	<-frozen
	w.advance(time.Minute)
	w.wantWorked(w.node(writing(600_000, func(*origination.JobContext) {})), true)
	before := w.job(by, id)
	close(thaw)
	if err := <-ended; err != nil {
		t.Errorf("the node that woke up: %v", err)
	}
	after := w.job(by, id)
	if after.Result != before.Result || after.Attempts != 2 || after.Status != origination.JobSucceeded || w.chunks(id) != 3 {
		t.Errorf("after: %s, attempt %d, %d chunks; want what the second node left", after.Status, after.Attempts, w.chunks(id))
	}
	w.result(by, id)
}

func TestAPersonHasThreeJobsAtOnceAndNoMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	by := w.somebody(domain.RoleRiskManager)
	wantCodes(t, atOnce(callers, func(int) error {
		_, _, err := w.jobs().Start(context.Background(), by, key(), origination.NewJob{Kind: testKind, Title: "测试"})
		return err
	}), map[string]int{"": origination.JobLiveMax, "too-many-jobs": callers - origination.JobLiveMax})
	w.startJob(w.somebody(domain.RoleRiskManager)) // somebody else has places of their own
	jobs, err := w.jobs().Jobs(t.Context(), by, domain.Page{Limit: 20})
	if err != nil || len(jobs) != origination.JobLiveMax {
		t.Fatalf("%d jobs (%v), want %d", len(jobs), err, origination.JobLiveMax)
	}
	if _, err := w.jobs().Cancel(t.Context(), by, jobs[0].ID); err != nil {
		t.Fatal(err)
	}
	w.startJob(by) // in the place of the one that was cancelled
}

func TestTwentyStartsWithOneKeyAreOneJob(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	by, same := w.somebody(domain.RoleRiskManager), key()
	wantCodes(t, atOnce(callers, func(int) error {
		_, _, err := w.jobs().Start(context.Background(), by, same, origination.NewJob{Kind: testKind, Title: "测试"})
		return err
	}), map[string]int{"": callers})
	if jobs, err := w.jobs().Jobs(t.Context(), by, domain.Page{Limit: 20}); err != nil || len(jobs) != 1 {
		t.Errorf("%d jobs (%v), want one", len(jobs), err)
	}
}

func TestACancelledJobStops(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	by := w.somebody(domain.RoleRiskManager)
	waiting := w.startJob(by)
	if _, err := w.jobs().Cancel(t.Context(), w.somebody(domain.RoleRiskManager), waiting.ID); domain.CodeOf(err) != "job-not-found" {
		t.Errorf("cancelled by another: %v, want job-not-found", err)
	}
	cancelled, err := w.jobs().Cancel(t.Context(), by, waiting.ID)
	if err != nil || cancelled.Status != origination.JobCancelled {
		t.Errorf("a waiting job: %s, %v; want cancelled at once", cancelled.Status, err)
	}
	if _, err := w.jobs().Cancel(t.Context(), by, waiting.ID); domain.CodeOf(err) != "job-ended" {
		t.Errorf("cancelled twice: %v, want job-ended", err)
	}

	running := w.startJob(by)
	node := w.node(func(ctx context.Context, job *origination.JobContext) error {
		out, err := job.File(ctx, "x", "text/csv")
		if err != nil {
			return err
		}
		if _, err := out.Write(make([]byte, 2*origination.JobChunkBytes)); err != nil {
			return err
		}
		if _, err := w.jobs().Cancel(ctx, by, job.Job.ID); err != nil {
			return err
		}
		<-ctx.Done() // as soon as the lease is renewed
		return ctx.Err()
	})
	w.wantWorked(node, true)
	if job := w.job(by, running.ID); job.Status != origination.JobCancelled || !job.CancelRequested {
		t.Errorf("a running job: %s, want cancelled", job.Status)
	}
	if _, err := w.jobs().Result(t.Context(), by, running.ID); domain.CodeOf(err) != "job-not-finished" {
		t.Errorf("its result: %v, want job-not-finished", err)
	}
	tidied, err := node.Tidy(t.Context())
	if err != nil || tidied != 2 || w.chunks(running.ID) != 0 {
		t.Errorf("tidied %d (%v), %d chunks left; want both and none", tidied, err, w.chunks(running.ID))
	}
}

func TestACancelledJobWhoseNodeIsDeadIsEndedByTheNext(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	by := w.somebody(domain.RoleRiskManager)
	id := w.startJob(by).ID
	died := make(chan struct{})
	go func() {
		defer close(died)
		_, _ = w.node(func(context.Context, *origination.JobContext) error { runtime.Goexit(); return nil }).Work(context.Background())
	}()
	<-died
	if job, err := w.jobs().Cancel(t.Context(), by, id); err != nil || job.Status != origination.JobRunning || !job.CancelRequested {
		t.Fatalf("cancel: %s, %v", job.Status, err)
	}
	w.advance(time.Minute)
	w.wantWorked(w.node(func(context.Context, *origination.JobContext) error {
		t.Error("a cancelled job was run again")
		return nil
	}), true)
	if job := w.job(by, id); job.Status != origination.JobCancelled {
		t.Errorf("job: %s, want cancelled", job.Status)
	}
}

func TestAFailureIsTriedAgainABoundedNumberOfTimesAndARefusalIsNot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	by := w.somebody(domain.RoleRiskManager)
	runs := 0
	broken := w.node(func(context.Context, *origination.JobContext) error {
		if runs++; runs == 2 {
			panic("a bug")
		}
		return errors.New("the disk is full")
	})
	id := w.startJob(by).ID
	for range 20 {
		if _, err := broken.Work(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.advance(time.Hour)
	}
	job := w.job(by, id)
	if most := origination.DefaultJobLimits().AttemptsMax; runs != most || job.Status != origination.JobFailed || job.LastError == "" || strings.Contains(job.LastError, "disk") {
		t.Errorf("%d runs, %s, error %q; want %d, failed, and words for a person", runs, job.Status, job.LastError, most)
	}

	runs = 0
	id = w.startJob(by).ID
	refusing := w.node(func(context.Context, *origination.JobContext) error {
		runs++
		return domain.Errorf(domain.KindRule, "job-result-too-large", "结果过大")
	})
	w.wantWorked(refusing, true)
	w.advance(time.Hour)
	w.wantWorked(refusing, false)
	if job := w.job(by, id); runs != 1 || job.Status != origination.JobFailed || job.LastError != "结果过大" {
		t.Errorf("%d runs, %s, error %q; want one, failed, with the reason", runs, job.Status, job.LastError)
	}
}

func TestAJobThatKillsEveryNodeIsGivenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	by := w.somebody(domain.RoleRiskManager)
	id := w.startJob(by).ID
	runs := 0
	deadly := w.node(func(context.Context, *origination.JobContext) error { runs++; runtime.Goexit(); return nil })
	for range 10 {
		died := make(chan struct{})
		go func() { defer close(died); _, _ = deadly.Work(context.Background()) }()
		<-died
		w.advance(time.Minute)
	}
	if job := w.job(by, id); runs != origination.DefaultJobLimits().AttemptsMax || job.Status != origination.JobFailed {
		t.Errorf("%d nodes killed, %s; want %d, and failed", runs, job.Status, origination.DefaultJobLimits().AttemptsMax)
	}
}

func TestANodeThatStopsGivesItsJobBackAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	by := w.somebody(domain.RoleRiskManager)
	id := w.startJob(by).ID
	ctx, stop := context.WithCancel(t.Context())
	worked, err := w.node(func(ctx context.Context, _ *origination.JobContext) error {
		stop()
		<-ctx.Done()
		return ctx.Err()
	}).Work(ctx)
	if !worked || err != nil {
		t.Fatalf("Work = %t, %v", worked, err)
	}
	if job := w.job(by, id); job.Status != origination.JobQueued || job.LastError != "" {
		t.Errorf("job: %s, error %q; want queued again without one", job.Status, job.LastError)
	}
	w.wantWorked(w.node(writing(10, func(*origination.JobContext) {})), true) // without waiting for a lease to end
}

func TestAResultExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	by := w.somebody(domain.RoleRiskManager)
	id := w.startJob(by).ID
	node := w.node(writing(5_000_000, func(*origination.JobContext) {}))
	w.wantWorked(node, true)
	w.advance(6 * 24 * time.Hour)
	if n, err := node.Tidy(t.Context()); n != 0 || err != nil || len(w.result(by, id)) != 5_000_000 {
		t.Errorf("after six days: %d tidied, %v", n, err)
	}
	w.advance(2 * 24 * time.Hour)
	if n, err := node.Tidy(t.Context()); n != 1 || err != nil || w.chunks(id) != 0 {
		t.Errorf("after eight days: %d tidied (%v), %d chunks left; want one and none", n, err, w.chunks(id))
	}
	if _, err := w.jobs().Result(t.Context(), by, id); domain.CodeOf(err) != "job-result-expired" {
		t.Errorf("the result: %v, want job-result-expired", err)
	}
	if n, err := node.Tidy(t.Context()); n != 0 || err != nil {
		t.Errorf("tidied again: %d, %v", n, err)
	}
}

func TestAResultHasALimitAndAJobOneFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	by := w.somebody(domain.RoleRiskManager)
	id := w.startJob(by).ID
	w.wantWorked(w.node(func(ctx context.Context, job *origination.JobContext) error {
		out, err := job.File(ctx, "a", "text/csv")
		if err != nil {
			return err
		}
		if _, err := job.File(ctx, "b", "text/csv"); err == nil {
			return errors.New("a second file was begun")
		}
		_, err = out.Write(make([]byte, origination.JobResultMax+1))
		if domain.CodeOf(err) != "job-result-too-large" {
			return fmt.Errorf("a file over the limit: %w", err)
		}
		_, err = io.WriteString(out, "whole")
		return err
	}), true)
	if job := w.job(by, id); job.Status != origination.JobSucceeded || string(w.result(by, id)) != "whole" {
		t.Errorf("job: %s, %s", job.Status, job.LastError)
	}
}
