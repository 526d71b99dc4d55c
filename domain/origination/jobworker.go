package origination

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"fumin/domain"
)

// JobRunner does the work of one kind. It may run more than once, each time from the beginning, when its node dies: what it
// writes besides its file it writes through JobContext.Update. It returns soon after ctx ends. A refusal (a *domain.Error that
// is neither internal nor "try again") ends the job; anything else is tried again a bounded number of times.
type JobRunner func(ctx context.Context, job *JobContext) error

// JobLimits bounds the work.
type JobLimits struct {
	Lease       time.Duration // after it another node takes over
	Renew       time.Duration // how often the lease is renewed, and the progress shown
	RunMax      time.Duration // of one attempt
	RetryFirst  time.Duration // the wait after the first failure; it doubles
	RetryMost   time.Duration // and stops growing here
	AttemptsMax int
	Keep        time.Duration // how long a result file can be fetched
}

// DefaultJobLimits suit work of minutes.
func DefaultJobLimits() JobLimits {
	return JobLimits{
		Lease: 30 * time.Second, Renew: 2 * time.Second, RunMax: 2 * time.Hour,
		RetryFirst: 5 * time.Second, RetryMost: 5 * time.Minute, AttemptsMax: 5, Keep: 7 * 24 * time.Hour,
	}
}

// Batches of the work around the work.
const (
	jobsLookedAt    = 20 // due jobs read at a time; other nodes may be faster with the first of them
	jobChunksBatch  = 16 // deleted in one transaction: 4 MiB
	jobsTidied      = 100
	jobEndWait      = 10 * time.Second // to record an end when the node itself is stopping
	jobErrorUnknown = "系统内部错误，已记入日志；请稍后重新发起，仍失败时联系系统管理员"
)

// The reasons for which an attempt's context ends.
var (
	errJobLost      = errors.New("the lease has gone to another attempt")
	errJobCancelled = errors.New("the person who asked has cancelled it")
)

// errJobInterrupted ends a job that has brought down, or outlived, every node that took it up.
var errJobInterrupted = errors.New("every attempt was interrupted")

// JobWorker takes jobs up and does them. Any number of them may run, on any number of nodes.
//
// Taking one up is an UPDATE that sets the owner, the end of the lease and the number of the attempt. That number is the
// fence: everything an attempt writes names it, so that a node that was thought dead writes nothing once another has taken
// over. Each attempt begins from zero.
type JobWorker struct {
	store   Store
	now     domain.Clock
	node    domain.ID
	log     *slog.Logger
	limits  JobLimits
	runners map[JobKind]JobRunner
}

// NewJobWorker builds a worker. It takes up only kinds that it has a runner for, so that nodes of two versions can share the
// work. nodeID names the process.
func NewJobWorker(store Store, now domain.Clock, nodeID domain.ID, log *slog.Logger, limits JobLimits, runners map[JobKind]JobRunner) *JobWorker {
	return &JobWorker{store: store, now: now, node: nodeID, log: log, limits: limits, runners: runners}
}

// Work takes up one due job, if there is one, and does it to its end or its next attempt. Several calls at once share the
// work. What goes wrong with the job itself is recorded with it; only a failure to find work is returned.
func (w *JobWorker) Work(ctx context.Context) (worked bool, err error) {
	kinds := slices.Sorted(maps.Keys(w.runners))
	if len(kinds) == 0 {
		return false, nil
	}
	due, err := w.store.DueJobs(ctx, kinds, w.now(), jobsLookedAt)
	if err != nil {
		return false, err
	}
	for _, job := range due {
		claimed, err := w.claim(ctx, &job)
		if err != nil {
			return false, err
		}
		if !claimed {
			continue
		}
		if err := w.carry(ctx, job); err != nil {
			w.log.ErrorContext(ctx, "job left for the next attempt", slog.Any("job_id", job.ID), slog.String("kind", string(job.Kind)), slog.Any("error", err))
		}
		return true, nil
	}
	return false, nil
}

// claim takes a job up. One that was asked to stop, or has used up its attempts, is taken up only to be ended.
func (w *JobWorker) claim(ctx context.Context, job *Job) (claimed bool, err error) {
	now := w.now()
	claim := JobClaim{ID: job.ID, Attempts: job.Attempts, Owner: w.node, At: now, Until: now.Add(w.limits.Lease)}
	err = w.store.Update(ctx, func(tx Tx) (err error) {
		claimed, err = tx.ClaimJob(ctx, claim)
		return err
	})
	if err != nil || !claimed {
		return false, err
	}
	job.Status, job.LeaseOwner, job.DueAt, job.StartedAt = JobRunning, claim.Owner, claim.Until, now
	job.Attempts, job.Done = job.Attempts+1, 0
	return true, nil
}

// carry does one attempt and records how it ended.
func (w *JobWorker) carry(ctx context.Context, job Job) error {
	if job.CancelRequested {
		return w.end(ctx, job, errJobCancelled, JobResult{})
	}
	if job.Attempts > w.limits.AttemptsMax {
		return w.end(ctx, job, errJobInterrupted, JobResult{})
	}
	if err := w.discard(ctx, job.ID, job.Attempts); err != nil {
		return w.end(ctx, job, err, JobResult{})
	}
	running, stop := context.WithCancelCause(ctx)
	running, stopClock := context.WithTimeout(running, w.limits.RunMax)
	defer stopClock()
	attempt := &JobContext{Job: job, worker: w}
	attempt.estimate.Store(job.Estimate)
	var renewing sync.WaitGroup
	ended := make(chan struct{})
	renewing.Go(func() { w.renew(running, attempt, ended, stop) })

	err := w.run(running, attempt)
	if err == nil {
		err = attempt.close(running)
	}
	close(ended)
	renewing.Wait()
	if cause := context.Cause(running); cause != nil && ctx.Err() == nil && err != nil {
		err = cause // what the work says of it is only that it was stopped
	}
	stop(nil)
	job.Done, job.Estimate = attempt.done.Load(), attempt.estimate.Load()
	return w.end(ctx, job, err, attempt.result())
}

// run calls the runner. A panic is that job's failure and not the node's.
func (w *JobWorker) run(ctx context.Context, job *JobContext) (err error) {
	defer func() {
		if recovered := recover(); recovered != nil {
			err = fmt.Errorf("job %s panicked: %v\n%s", job.Job.Kind, recovered, debug.Stack())
		}
	}()
	return w.runners[job.Job.Kind](ctx, job)
}

// renew keeps the lease and shows the progress until the attempt ends, and stops it when the job is lost or cancelled. A
// database that is away for a moment stops nothing: the fence holds, whoever writes.
func (w *JobWorker) renew(ctx context.Context, job *JobContext, ended <-chan struct{}, stop context.CancelCauseFunc) {
	ticker := time.NewTicker(w.limits.Renew)
	defer ticker.Stop()
	for {
		select {
		case <-ended:
			return
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		err := job.Update(ctx, func(tx Tx) error {
			current, err := tx.Job(ctx, domain.Scope{Everything: true}, job.Job.ID)
			if err == nil && current.CancelRequested {
				return errJobCancelled
			}
			return err
		})
		switch {
		case errors.Is(err, errJobLost), errors.Is(err, errJobCancelled):
			stop(err)
			return
		case err != nil && ctx.Err() == nil:
			w.log.WarnContext(ctx, "job's lease not renewed, will be tried again", slog.Any("job_id", job.Job.ID), slog.Any("error", err))
		}
	}
}

// end records how an attempt ended, unless another attempt has the job by now.
func (w *JobWorker) end(ctx context.Context, job Job, err error, result JobResult) error {
	if errors.Is(err, errJobLost) {
		return nil
	}
	stopping := ctx.Err() != nil
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), jobEndWait)
	defer cancel()
	now := w.now()
	next := w.after(job, now, err, result, stopping)
	hold := JobHold{ID: job.ID, Attempts: job.Attempts, Until: now.Add(w.limits.Lease), Done: next.Done, Estimate: next.Estimate}
	failed := w.store.Update(ctx, func(tx Tx) error {
		held, err := tx.HoldJob(ctx, hold)
		if err != nil || !held {
			return err
		}
		current, err := tx.Job(ctx, domain.Scope{Everything: true}, job.ID)
		if err != nil {
			return err
		}
		next.CancelRequested = current.CancelRequested
		return tx.SaveJob(ctx, next)
	})
	if _, refused := refusal(err); err == nil || refused || errors.Is(err, errJobCancelled) || stopping {
		return failed
	}
	return errors.Join(err, failed)
}

// after is the job after an attempt that ended with err.
func (w *JobWorker) after(job Job, now time.Time, err error, result JobResult, stopping bool) Job {
	refused, final := refusal(err)
	switch {
	case err == nil:
		job.Result, job.LastError = result, ""
		if job.Estimate < job.Done {
			job.Estimate = job.Done
		}
		return job.ended(JobSucceeded, now, now.Add(w.limits.Keep))
	case errors.Is(err, errJobCancelled):
		return job.ended(JobCancelled, now, now)
	case stopping: // another node, or this one after its start, begins anew
		job.Status, job.LeaseOwner, job.DueAt = JobQueued, "", now
		return job
	case final:
		job.LastError = clipped(refused.Detail, jobErrorRunesMax)
		return job.ended(JobFailed, now, now)
	case job.Attempts >= w.limits.AttemptsMax:
		job.LastError = jobErrorUnknown
		if errors.Is(err, errJobInterrupted) {
			job.LastError = fmt.Sprintf("任务已中断 %d 次，不再重试；请联系系统管理员后重新发起", w.limits.AttemptsMax)
		}
		return job.ended(JobFailed, now, now)
	}
	job.Status, job.LeaseOwner, job.LastError = JobQueued, "", jobErrorUnknown
	job.DueAt = now.Add(w.wait(job.Attempts))
	return job
}

// refusal says whether err is a decision that another attempt would only repeat.
func refusal(err error) (refused *domain.Error, final bool) {
	refused, typed := errors.AsType[*domain.Error](err)
	return refused, typed && refused.Kind != domain.KindInternal && refused.Kind != domain.KindUnavailable
}

func clipped(text string, runesMax int) string {
	if utf8.RuneCountInString(text) <= runesMax {
		return text
	}
	return string([]rune(text)[:runesMax])
}

// wait doubles from RetryFirst to RetryMost.
func (w *JobWorker) wait(attempts int) time.Duration {
	wait := w.limits.RetryFirst
	for range min(attempts-1, 30) {
		wait = min(2*wait, w.limits.RetryMost)
	}
	return wait
}

// discard removes what attempts before one have left, a few chunks at a time.
func (w *JobWorker) discard(ctx context.Context, id domain.ID, beforeAttempt int) error {
	for range JobResultMax/JobChunkBytes/jobChunksBatch*w.limits.AttemptsMax + 1 {
		deleted := 0
		err := w.store.Update(ctx, func(tx Tx) (err error) {
			deleted, err = tx.DeleteJobChunks(ctx, id, beforeAttempt, jobChunksBatch)
			return err
		})
		if err != nil || deleted < jobChunksBatch {
			return err
		}
	}
	return nil
}

// Tidy removes the files of jobs whose time is over, and what failed and cancelled ones have left, and returns how many jobs
// it tidied. Workers call it from time to time.
func (w *JobWorker) Tidy(ctx context.Context) (tidied int, err error) {
	expired, err := w.store.ExpiredJobs(ctx, w.now(), jobsTidied)
	if err != nil {
		return 0, err
	}
	for _, job := range expired {
		if err := w.discard(ctx, job.ID, job.Attempts+1); err != nil {
			return tidied, err
		}
		err := w.store.Update(ctx, func(tx Tx) error {
			locked, err := tx.LockJob(ctx, domain.Scope{Everything: true}, job.ID)
			if err != nil || locked.Status.Live() {
				return err
			}
			if locked.Status == JobSucceeded {
				locked.Status = JobExpired
			}
			locked.ExpiresAt = time.Time{}
			return tx.SaveJob(ctx, locked)
		})
		if err != nil {
			return tidied, err
		}
		tidied++
	}
	return tidied, nil
}

// JobContext is what a runner works with.
type JobContext struct {
	Job Job // as it was taken up; Job.Requester is in whose name and scope to act

	worker         *JobWorker
	done, estimate atomic.Int64
	file           *jobFile
}

// Payload reads what NewJob.Payload was. A member that target does not know is an error.
func (c *JobContext) Payload(target any) error {
	decoder := json.NewDecoder(bytes.NewReader(c.Job.Payload))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(target); err != nil {
		return fmt.Errorf("job %s: payload: %w", c.Job.ID, err)
	}
	return nil
}

// Progress tells how far the work is, in units of the kind's own; estimate is of all of them, 0 while unknown. It costs
// nothing, and is shown with the next renewal of the lease. Several goroutines may call it.
func (c *JobContext) Progress(done, estimate int64) {
	c.done.Store(done)
	c.estimate.Store(estimate)
}

// Update writes in one transaction what this attempt has found, if it still has the job. The job's row is locked first, so
// that an attempt that was overtaken writes nothing.
func (c *JobContext) Update(ctx context.Context, fn func(tx Tx) error) error {
	hold := JobHold{
		ID: c.Job.ID, Attempts: c.Job.Attempts, Until: c.worker.now().Add(c.worker.limits.Lease), Done: c.done.Load(), Estimate: c.estimate.Load(),
	}
	return c.worker.store.Update(ctx, func(tx Tx) error {
		held, err := tx.HoldJob(ctx, hold)
		if err != nil {
			return err
		}
		if !held {
			return errJobLost
		}
		return fn(tx)
	})
}

// File begins the result file; what is written to the writer is stored chunk by chunk and nothing else of it is kept in
// memory. A job has one file, whole only when the runner returns without an error.
func (c *JobContext) File(ctx context.Context, fileName, mediaType string) (io.Writer, error) {
	if c.file != nil {
		return nil, fmt.Errorf("job %s: a second result file", c.Job.ID)
	}
	c.file = &jobFile{
		ctx: ctx, job: c, buffer: make([]byte, 0, JobChunkBytes), hash: sha256.New(),
		result: JobResult{FileName: fileName, MediaType: mediaType},
	}
	return c.file, nil
}

// close stores the last chunk.
func (c *JobContext) close(ctx context.Context) error {
	if c.file == nil {
		return nil
	}
	c.file.ctx = ctx
	return c.file.flush()
}

func (c *JobContext) result() JobResult {
	if c.file == nil {
		return JobResult{}
	}
	c.file.hash.Sum(c.file.result.SHA256[:0])
	return c.file.result
}

// jobFile is a result file being written.
type jobFile struct {
	ctx    context.Context //nolint:containedctx // an io.Writer has no other place for it
	job    *JobContext
	buffer []byte
	chunks int
	hash   hash.Hash
	result JobResult
}

// Write implements io.Writer.
func (f *jobFile) Write(p []byte) (written int, err error) {
	if f.result.Bytes+int64(len(p)) > JobResultMax {
		return 0, domain.Errorf(domain.KindRule, "job-result-too-large", "结果文件超过 %d MiB，请缩小范围后分几次办理", JobResultMax>>20)
	}
	for len(p) > 0 {
		n := min(len(p), JobChunkBytes-len(f.buffer))
		f.buffer = append(f.buffer, p[:n]...)
		f.hash.Write(p[:n])
		f.result.Bytes += int64(n)
		written, p = written+n, p[n:]
		if len(f.buffer) == JobChunkBytes {
			if err := f.flush(); err != nil {
				return written, err
			}
		}
	}
	return written, nil
}

// flush stores the buffer as the next chunk.
func (f *jobFile) flush() error {
	if len(f.buffer) == 0 {
		return nil
	}
	err := f.job.Update(f.ctx, func(tx Tx) error {
		return tx.InsertJobChunk(f.ctx, f.job.Job.ID, f.job.Job.Attempts, f.chunks, f.buffer)
	})
	if err != nil {
		return err
	}
	f.chunks++
	f.buffer = f.buffer[:0]
	return nil
}
