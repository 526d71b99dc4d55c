package origination

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"fumin/domain"
)

// Limits of work in the background.
const (
	JobChunkBytes    = 256 << 10 // of a result file, before encryption; the last chunk may be shorter
	JobResultMax     = 1 << 30   // bytes of a result file
	JobLiveMax       = 3         // of one person, queued or running at once
	JobPayloadMax    = 16 << 10  // bytes of JSON
	JobTitleRunesMax = 100
	jobErrorRunesMax = 300
)

// JobKind says what a job does, and so which JobRunner does it: lower-case letters, digits and hyphens, at most 40.
type JobKind string

// JobStatus is where a job stands.
type JobStatus string

// The statuses (任务状态).
const (
	JobQueued    JobStatus = "queued"    // 排队中
	JobRunning   JobStatus = "running"   // 进行中
	JobSucceeded JobStatus = "succeeded" // 已完成
	JobFailed    JobStatus = "failed"    // 已失败
	JobCancelled JobStatus = "cancelled" // 已取消
	JobExpired   JobStatus = "expired"   // 已完成，结果文件已过期清除
)

// JobStatuses lists every status.
func JobStatuses() []JobStatus {
	return []JobStatus{JobQueued, JobRunning, JobSucceeded, JobFailed, JobCancelled, JobExpired}
}

// Valid reports whether s is one of JobStatuses.
func (s JobStatus) Valid() bool { return slices.Contains(JobStatuses(), s) }

// Live reports whether the job has not ended yet.
func (s JobStatus) Live() bool { return s == JobQueued || s == JobRunning }

// Label is the status in Chinese.
func (s JobStatus) Label() string {
	switch s {
	case JobQueued:
		return "排队中"
	case JobRunning:
		return "进行中"
	case JobSucceeded:
		return "已完成"
	case JobFailed:
		return "已失败"
	case JobCancelled:
		return "已取消"
	case JobExpired:
		return "结果已过期"
	}
	return string(s)
}

// Job is a piece of work in the background (后台任务).
type Job struct {
	ID              domain.ID
	Kind            JobKind
	Title           string // Chinese, for the person's list; no personal data
	Status          JobStatus
	Requester       domain.Actor // who asked, and in whose scope the work is done
	Slot            int          // 1 to JobLiveMax while live; 0 after
	Payload         json.RawMessage
	Done            int64 // units of work, whatever the kind counts
	Estimate        int64 // of all units; 0 while unknown
	CancelRequested bool
	DueAt           time.Time // when a worker may take it up; of a running job the end of its lease; zero after the end
	LeaseOwner      domain.ID // the node that runs it
	Attempts        int       // how often it was taken up; each time a result begins anew
	LastError       string    // Chinese, for the person who asked
	Result          JobResult
	CreatedAt       time.Time
	StartedAt       time.Time // of the latest attempt
	FinishedAt      time.Time
	ExpiresAt       time.Time // when what is kept of its file goes; zero: nothing is kept, or it has not ended
}

// JobResult describes the file a job has made. Bytes and FileName are zero when it made none.
type JobResult struct {
	FileName  string
	MediaType string
	Bytes     int64
	SHA256    FileHash
}

// IsZero reports whether there is no file.
func (r JobResult) IsZero() bool { return r.FileName == "" }

// JobReader reads work in the background with progress (后台任务).
type JobReader interface {
	// Job returns one, or "job-not-found".
	Job(ctx context.Context, scope domain.Scope, id domain.ID) (Job, error)
	// Jobs lists a page of those a person asked for, newest first.
	Jobs(ctx context.Context, requestedBy domain.ID, page domain.Page) ([]Job, error)
	// DueJobs finds work of the kinds that may be taken up, the longest waiting first.
	DueJobs(ctx context.Context, kinds []JobKind, at time.Time, limit int) ([]Job, error)
	// ExpiredJobs finds jobs whose file may go.
	ExpiredJobs(ctx context.Context, at time.Time, limit int) ([]Job, error)
	// JobChunk returns one chunk of a file that an attempt of a job made.
	JobChunk(ctx context.Context, id domain.ID, attempt, number int) ([]byte, error)
	// UsedJobSlots returns the places a person's live jobs take.
	UsedJobSlots(ctx context.Context, requestedBy domain.ID) ([]int, error)
}

// JobWriter writes work in the background with progress (后台任务).
type JobWriter interface {
	// LockJob locks one within the scope, or returns "job-not-found".
	LockJob(ctx context.Context, scope domain.Scope, id domain.ID) (Job, error)
	// InsertJob stores a new one; taken says that somebody else's transaction took its slot first.
	InsertJob(ctx context.Context, job Job) (taken bool, err error)
	// SaveJob stores what may change of a job that the caller has locked or holds.
	SaveJob(ctx context.Context, job Job) error
	// ClaimJob takes a due job up for owner until the lease ends; false when another node was faster.
	ClaimJob(ctx context.Context, claim JobClaim) (claimed bool, err error)
	// HoldJob renews a lease and stores the progress; false when the attempt has lost the job to another.
	HoldJob(ctx context.Context, hold JobHold) (held bool, err error)
	// InsertJobChunk stores a chunk.
	InsertJobChunk(ctx context.Context, id domain.ID, attempt, number int, content []byte) error
	// DeleteJobChunks removes at most limit chunks of attempts before one.
	DeleteJobChunks(ctx context.Context, id domain.ID, beforeAttempt, limit int) (deleted int, err error)
}

// JobClaim is the attempt to take a job up.
type JobClaim struct {
	ID       domain.ID
	Attempts int // how many there were before
	Owner    domain.ID
	At       time.Time
	Until    time.Time
}

// JobHold is the renewal of a lease by the attempt that has it.
type JobHold struct {
	ID             domain.ID
	Attempts       int
	Until          time.Time
	Done, Estimate int64
}

// NewJob is work to be done.
type NewJob struct {
	ID       domain.ID
	Kind     JobKind
	Title    string // at most JobTitleRunesMax characters
	Payload  any    // becomes JSON; ids and terms of a search, never personal data
	Estimate int64  // units, when known beforehand
}

// Jobs are the use cases of work in the background with progress (后台任务).
type Jobs struct {
	store Store
	now   domain.Clock
	newID func() domain.ID
	wake  func()
}

// NewJobs builds the use cases. wake tells the worker that something is due, so that it need not wait for its next look; it
// must not block.
func NewJobs(store Store, now domain.Clock, newID func() domain.ID, wake func()) *Jobs {
	return &Jobs{store: store, now: now, newID: newID, wake: wake}
}

// Start enqueues work for a person, whose right to it the caller has checked. replayed says that this key had started it.
func (s *Jobs) Start(ctx context.Context, by domain.Actor, key Idempotency, work NewJob) (started Job, replayed bool, err error) {
	now := s.now()
	if work.ID.IsZero() {
		work.ID = s.newID()
	}
	err = s.store.Update(ctx, func(tx Tx) error {
		prior, err := tx.ClaimIdempotencyKey(ctx, by.ID, key, work.ID, now)
		if err != nil {
			return err
		}
		if !prior.IsZero() {
			started, err = tx.Job(ctx, by.Scope(), prior)
			replayed = true
			return err
		}
		started, err = EnqueueJob(ctx, tx, by, now, work)
		replayed = false
		return err
	})
	if err == nil && !replayed {
		s.wake()
	}
	return started, replayed, err
}

// EnqueueJob writes work in the transaction that decides it. A person who has JobLiveMax that have not ended is refused.
func EnqueueJob(ctx context.Context, tx Tx, by domain.Actor, now time.Time, work NewJob) (Job, error) {
	payload, err := json.Marshal(work.Payload)
	if err != nil {
		return Job{}, fmt.Errorf("job %s: payload: %w", work.Kind, err)
	}
	if len(payload) > JobPayloadMax || utf8.RuneCountInString(work.Title) > JobTitleRunesMax {
		return Job{}, fmt.Errorf("job %s: %d bytes of payload, title %q: too long", work.Kind, len(payload), work.Title)
	}
	job := Job{
		ID: work.ID, Kind: work.Kind, Title: work.Title, Status: JobQueued, Requester: by, Payload: payload,
		Estimate: work.Estimate, DueAt: now, CreatedAt: now,
	}
	for range JobLiveMax { // each turn somebody else has taken the place that looked free
		used, err := tx.UsedJobSlots(ctx, by.ID)
		if err != nil {
			return Job{}, err
		}
		if job.Slot = firstFree(used, JobLiveMax); job.Slot == 0 {
			break
		}
		taken, err := tx.InsertJob(ctx, job)
		if err != nil {
			return Job{}, err
		}
		if !taken {
			return job, nil
		}
	}
	return Job{}, domain.Errorf(domain.KindRule, "too-many-jobs",
		"您已有 %d 个任务在排队或进行，请等其中一个完成，或先取消一个", JobLiveMax)
}

// firstFree returns the first place of most that is not used; 0: none.
func firstFree(used []int, most int) int {
	for slot := 1; slot <= most; slot++ {
		if !slices.Contains(used, slot) {
			return slot
		}
	}
	return 0
}

// Job returns one that the actor asked for. Another person's reads as not found.
func (s *Jobs) Job(ctx context.Context, by domain.Actor, id domain.ID) (Job, error) {
	job, err := s.store.Job(ctx, by.Scope(), id)
	if err != nil {
		return Job{}, err
	}
	return job, ownJob(by, job)
}

func ownJob(by domain.Actor, job Job) error {
	if job.Requester.ID != by.ID {
		return domain.Errorf(domain.KindNotFound, "job-not-found", "没有这个任务，或它不是您发起的")
	}
	return nil
}

// Jobs lists what the actor asked for, newest first.
func (s *Jobs) Jobs(ctx context.Context, by domain.Actor, page domain.Page) ([]Job, error) {
	return s.store.Jobs(ctx, by.ID, page)
}

// Cancel stops a job (取消任务): at once when it waits, otherwise when its worker next looks, which is within seconds.
func (s *Jobs) Cancel(ctx context.Context, by domain.Actor, id domain.ID) (Job, error) {
	now := s.now()
	var cancelled Job
	err := s.store.Update(ctx, func(tx Tx) error {
		job, err := tx.LockJob(ctx, by.Scope(), id)
		if err != nil {
			return err
		}
		if err := ownJob(by, job); err != nil {
			return err
		}
		switch {
		case !job.Status.Live():
			return domain.Errorf(domain.KindConflict, "job-ended", "任务目前「%s」，不能再取消", job.Status.Label())
		case job.Status == JobQueued:
			job = job.ended(JobCancelled, now, now)
		}
		job.CancelRequested = true
		if err := tx.SaveJob(ctx, job); err != nil {
			return err
		}
		cancelled = job
		return nil
	})
	return cancelled, err
}

// ended is the job after its end. What it keeps of a file goes at expires.
func (j Job) ended(status JobStatus, at, expires time.Time) Job {
	j.Status, j.FinishedAt, j.ExpiresAt = status, at, expires
	j.Slot, j.DueAt, j.LeaseOwner = 0, time.Time{}, ""
	return j
}

// Result returns a job whose file can be read by ResultChunk. What it took to ask for an export with personal data is asked for again, and the
// look is kept.
func (s *Jobs) Result(ctx context.Context, by domain.Actor, id domain.ID) (Job, error) {
	job, err := s.Job(ctx, by, id)
	if err != nil {
		return Job{}, err
	}
	switch {
	case job.Status == JobExpired:
		return Job{}, domain.Errorf(domain.KindNotFound, "job-result-expired", "结果文件已过保存期限并清除，请重新发起任务")
	case job.Status != JobSucceeded:
		return Job{}, domain.Errorf(domain.KindConflict, "job-not-finished", "任务目前「%s」，还没有结果文件", job.Status.Label())
	case job.Result.IsZero():
		return Job{}, domain.Errorf(domain.KindNotFound, "job-without-file", "这个任务没有结果文件，结果见任务所属的页面")
	}
	if job.Kind == JobExport {
		if err := s.readExport(ctx, by, job); err != nil {
			return Job{}, err
		}
	}
	return job, nil
}

// ResultChunk returns a chunk of a file that Result has shown: number counts from 0, JobChunkBytes each.
func (s *Jobs) ResultChunk(ctx context.Context, job Job, number int) ([]byte, error) {
	return s.store.JobChunk(ctx, job.ID, job.Attempts, number)
}
