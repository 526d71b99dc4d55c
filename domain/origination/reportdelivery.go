package origination

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"slices"
	"time"

	"fumin/domain"
	"fumin/domain/report"
)

// ReportDeliveryStatus is where a run of a schedule stands.
type ReportDeliveryStatus string

// The statuses (投递状态).
const (
	DeliveryExporting ReportDeliveryStatus = "exporting" // 生成中：文件由导出任务生成
	DeliveryPending   ReportDeliveryStatus = "pending"   // 待投递
	DeliveryDelivered ReportDeliveryStatus = "delivered" // 已投递
	DeliveryFailed    ReportDeliveryStatus = "failed"    // 投递失败，等人处理
)

// ReportDeliveryStatuses lists every status.
func ReportDeliveryStatuses() []ReportDeliveryStatus {
	return []ReportDeliveryStatus{DeliveryExporting, DeliveryPending, DeliveryDelivered, DeliveryFailed}
}

// Valid reports whether s is one of ReportDeliveryStatuses.
func (s ReportDeliveryStatus) Valid() bool { return slices.Contains(ReportDeliveryStatuses(), s) }

// Label is the status in Chinese.
func (s ReportDeliveryStatus) Label() string {
	switch s {
	case DeliveryExporting:
		return "生成中"
	case DeliveryPending:
		return "待投递"
	case DeliveryDelivered:
		return "已投递"
	case DeliveryFailed:
		return "投递失败"
	}
	return string(s)
}

// ReportDelivery is one run of a schedule and the way of its file (报表投递).
type ReportDelivery struct {
	ID          domain.ID // the receiver sees it, the same on every attempt
	ScheduleID  domain.ID
	BranchID    domain.ID   // of the schedule
	Day         domain.Date // the business day on which it is made; one of a schedule for a day
	Destination string
	JobID       domain.ID // of the export; zero before it is queued
	Status      ReportDeliveryStatus
	Turn        int // how often it was taken up: the fence of its lease
	Attempts    int // how often it was sent, since it was last asked for
	LastError   string
	Location    string    // where the file lies, or what the receiver answered; without secrets
	DueAt       time.Time // when a worker may take it up; zero at the end
	LeaseOwner  domain.ID
	CreatedAt   time.Time
	QueuedAt    time.Time // since when it waits: its beginning, or when it was last asked for again
	DeliveredAt time.Time
}

// ReportDeliveryClaim is the attempt to take a delivery up.
type ReportDeliveryClaim struct {
	ID        domain.ID
	Turn      int // what it was before
	Attempts  int // what it is now
	Owner     domain.ID
	At, Until time.Time
}

// ReportDestinations is where reports are sent; package repository/delivery implements it.
type ReportDestinations interface {
	// Destinations lists them in the order of their names.
	Destinations() []ReportDestination
	// Deliver sends a parcel to the destination of a name, and returns where it lies. The same parcel twice is delivered once
	// as far as the destination can tell. A *domain.Error that is neither internal nor "try again" says that another attempt
	// would be refused as well; the Detail of any *domain.Error is for people and holds no secret.
	Deliver(ctx context.Context, destination string, p ReportParcel) (location string, err error)
}

// ReportParcel is a file on its way.
type ReportParcel struct {
	ID         domain.ID // of the delivery: the same on every attempt
	ScheduleID domain.ID
	JobID      domain.ID
	Report     report.Code
	Title      string
	Format     report.Format
	AsOf       domain.Date
	Rows       int64
	Result     JobResult
	// Content opens the file. The reader ends with an error when what it has given is not the file of Result.
	Content func(ctx context.Context) io.Reader
}

// FileName is what the file is called at its destination: in ASCII, because not every store keeps Chinese names, and with
// the schedule, so that two of them that make the same report do not meet.
func (p ReportParcel) FileName() string {
	short := p.ScheduleID.String()
	return fmt.Sprintf("%s_%s_%s.%s", p.Report, p.AsOf, short[max(0, len(short)-12):], p.Format)
}

// ReportDeliveryLimits bound the sending.
type ReportDeliveryLimits struct {
	SendMax     time.Duration // of one attempt
	Lease       time.Duration // longer than SendMax: nobody else sends meanwhile
	Poll        time.Duration // how often a waiting delivery looks after its export
	ExportMax   time.Duration // how long it waits for it
	RetryFirst  time.Duration // the wait after the first failure; it doubles
	RetryMost   time.Duration
	AttemptsMax int
}

// DefaultReportDeliveryLimits try for about four hours.
func DefaultReportDeliveryLimits() ReportDeliveryLimits {
	return ReportDeliveryLimits{
		SendMax: 10 * time.Minute, Lease: 11 * time.Minute, Poll: 5 * time.Second, ExportMax: 24 * time.Hour,
		RetryFirst: time.Minute, RetryMost: time.Hour, AttemptsMax: 9,
	}
}

// Batches and words of the worker.
const (
	reportDeliveriesLookedAt = 20
	deliveryErrorRunesMax    = 300
	deliveryErrorUnknown     = "系统内部错误，已记入日志，稍后自动重试；仍失败时联系系统管理员"
	deliveryEndWait          = 10 * time.Second
)

// errDeliveryLost says that another turn has the delivery by now.
var errDeliveryLost = errors.New("the delivery has gone to another turn")

// ReportScheduler runs schedules: it makes the runs that are due, starts their exports, and sends what is finished. Any number
// of them may run on any number of nodes.
type ReportScheduler struct {
	store        Store
	now          domain.Clock
	newID        func() domain.ID
	node         domain.ID
	log          *slog.Logger
	limits       ReportDeliveryLimits
	exports      *Exports
	destinations ReportDestinations
}

// NewReportScheduler builds the worker. nodeID names the process.
func NewReportScheduler(store Store, now domain.Clock, newID func() domain.ID, nodeID domain.ID, log *slog.Logger, limits ReportDeliveryLimits, exports *Exports, destinations ReportDestinations) *ReportScheduler {
	return &ReportScheduler{store: store, now: now, newID: newID, node: nodeID, log: log, limits: limits, exports: exports, destinations: destinations}
}

// Work makes the runs that are due and takes up to a batch of deliveries one step on. What goes wrong with one of them is
// recorded with it; only a failure to find work is returned. worked counts what this call has moved.
func (w *ReportScheduler) Work(ctx context.Context) (worked int, err error) {
	schedules, err := w.store.DueReportSchedules(ctx, w.now(), reportSchedulesLookedAt)
	if err != nil {
		return 0, err
	}
	for _, schedule := range schedules {
		if err := w.plan(ctx, schedule); err != nil {
			w.log.ErrorContext(ctx, "schedule left for the next look", slog.Any("schedule_id", schedule.ID), slog.Any("error", err))
			continue
		}
		worked++
	}
	due, err := w.store.DueReportDeliveries(ctx, w.now(), reportDeliveriesLookedAt)
	if err != nil {
		return worked, err
	}
	for _, d := range due {
		if ctx.Err() != nil {
			return worked, nil //nolint:nilerr // a node that stops takes nothing new up, which is no failure
		}
		claimed, err := w.claim(ctx, &d)
		if err != nil {
			return worked, err
		}
		if !claimed {
			continue
		}
		worked++
		if err := w.carry(ctx, d); err != nil {
			w.log.ErrorContext(ctx, "delivery left for its next attempt", slog.Any("delivery_id", d.ID), slog.Any("error", err))
		}
	}
	return worked, nil
}

// system is in whose name the worker writes.
func (w *ReportScheduler) system() domain.Actor {
	return domain.Actor{ID: w.node, Name: "定时报表", Role: domain.RoleSystem}
}

// plan makes the runs of a schedule that are due. The schedule's row is locked, and the runs have a key of schedule and day:
// of many nodes one makes them.
func (w *ReportScheduler) plan(ctx context.Context, found ReportSchedule) error {
	_, reason, err := w.owner(ctx, found)
	if err != nil {
		return err
	}
	now := w.now()
	return w.store.Update(ctx, func(tx Tx) error {
		schedule, err := tx.LockReportSchedule(ctx, domain.Scope{Everything: true}, found.ID)
		if err != nil || schedule.Status != ScheduleActive || schedule.NextAt.After(now) {
			return err // somebody else was faster
		}
		if reason != "" && schedule.Version == found.Version {
			return stopReportSchedule(ctx, tx, schedule, reason, w.system(), now)
		}
		days, next, missed := dueDays(schedule, now)
		for _, day := range days {
			if _, err := tx.InsertReportDelivery(ctx, ReportDelivery{
				ID: w.newID(), ScheduleID: schedule.ID, BranchID: schedule.Owner.BranchID, Day: day, Destination: schedule.Terms.Destination,
				Status: DeliveryExporting, DueAt: now, CreatedAt: now, QueuedAt: now,
			}); err != nil {
				return err
			}
		}
		schedule.NextAt = next
		schedule.Version++
		event := ReportScheduleEvent{Action: "run", Actor: w.system(), At: now, Detail: fmt.Sprintf("%s 起 %d 次", days[0], len(days))}
		if missed > 0 {
			event.Detail += fmt.Sprintf("；停机过久，更早的 %d 次不再补做", missed)
		}
		return tx.SaveReportSchedule(ctx, schedule, event)
	})
}

// dueDays are the days up to now that a schedule owes, the latest reportCatchUpMax of them, and how many older ones it gives
// up. There is at least one.
func dueDays(s ReportSchedule, now time.Time) (days []domain.Date, next time.Time, missed int) {
	next = s.NextAt
	for range reportMissedMax {
		days = append(days, domain.DateOf(next))
		if next = s.Terms.Timetable.Next(next); next.After(now) {
			break
		}
	}
	if !next.After(now) { // off for more than ten years of days
		next = s.Terms.Timetable.Next(now)
	}
	if missed = len(days) - reportCatchUpMax; missed > 0 {
		return days[missed:], next, missed
	}
	return days, next, 0
}

// owner is the person in whose name a schedule runs, or why it may not.
func (w *ReportScheduler) owner(ctx context.Context, s ReportSchedule) (by domain.Actor, reason string, err error) {
	user, err := w.store.User(ctx, domain.Scope{Everything: true}, s.Owner.ID)
	switch {
	case domain.CodeOf(err) == "user-not-found":
		return domain.Actor{}, "创建人的账号已不存在", nil
	case err != nil:
		return domain.Actor{}, "", err
	case !user.Active():
		return domain.Actor{}, "创建人" + s.Owner.Name + "的账号已停用", nil
	case user.Role != s.Owner.Role || !slices.Contains(reportSchedulers, user.Role):
		return domain.Actor{}, fmt.Sprintf("创建人%s的岗位已由%s变为%s", s.Owner.Name, s.Owner.Role.Label(), user.Role.Label()), nil
	case user.BranchID != s.Owner.BranchID:
		return domain.Actor{}, "创建人" + s.Owner.Name + "已调到别的机构", nil
	}
	return user.Actor(), "", nil
}

// stopReportSchedule stops one whose owner may no longer have it. It stays in the lists with the reason.
func stopReportSchedule(ctx context.Context, tx Tx, s ReportSchedule, reason string, by domain.Actor, now time.Time) error {
	s.Status, s.NextAt, s.Reason = ScheduleStopped, time.Time{}, clipped(reason, ReportScheduleReasonMax)
	s.Version++
	return tx.SaveReportSchedule(ctx, s, ReportScheduleEvent{Action: "stop", Actor: by, At: now, Detail: s.Reason})
}

// claim takes a delivery up until the lease ends. Only what is sent counts as an attempt.
func (w *ReportScheduler) claim(ctx context.Context, d *ReportDelivery) (claimed bool, err error) {
	now := w.now()
	attempts := d.Attempts
	if d.Status == DeliveryPending {
		attempts++
	}
	claim := ReportDeliveryClaim{ID: d.ID, Turn: d.Turn, Attempts: attempts, Owner: w.node, At: now, Until: now.Add(w.limits.Lease)}
	err = w.store.Update(ctx, func(tx Tx) (err error) {
		claimed, err = tx.ClaimReportDelivery(ctx, claim)
		return err
	})
	d.Turn, d.Attempts, d.LeaseOwner, d.DueAt = claim.Turn+1, attempts, claim.Owner, claim.Until
	return claimed && err == nil, err
}

// carry takes a delivery one step on and records it.
func (w *ReportScheduler) carry(ctx context.Context, d ReportDelivery) error {
	schedule, err := w.store.ReportSchedule(ctx, domain.Scope{Everything: true}, d.ScheduleID)
	if err != nil {
		return err
	}
	by, reason, err := w.owner(ctx, schedule)
	if err != nil {
		return err
	}
	if reason != "" {
		return w.stop(ctx, d, schedule, reason)
	}
	if d.Status == DeliveryExporting {
		return w.export(ctx, d, schedule, by)
	}
	return w.send(ctx, d, schedule)
}

// stop gives a delivery up because its owner may no longer have it, and stops the schedule with it.
func (w *ReportScheduler) stop(ctx context.Context, d ReportDelivery, schedule ReportSchedule, reason string) error {
	now := w.now()
	return w.store.Update(ctx, func(tx Tx) error {
		locked, err := tx.LockReportSchedule(ctx, domain.Scope{Everything: true}, schedule.ID)
		if err != nil {
			return err
		}
		if locked.Status == ScheduleActive || locked.Status == SchedulePaused {
			if err := stopReportSchedule(ctx, tx, locked, reason, w.system(), now); err != nil {
				return err
			}
		}
		return saveDelivery(ctx, tx, d.failed("定时报表已停止："+reason))
	})
}

// failed is the delivery after its end without success.
func (d ReportDelivery) failed(reason string) ReportDelivery {
	d.Status, d.DueAt, d.LeaseOwner, d.LastError = DeliveryFailed, time.Time{}, "", clipped(reason, deliveryErrorRunesMax)
	return d
}

// saveDelivery writes what a turn has found, unless another has the delivery.
func saveDelivery(ctx context.Context, tx Tx, d ReportDelivery) error {
	held, err := tx.SaveReportDelivery(ctx, d)
	if err == nil && !held {
		err = errDeliveryLost
	}
	return err
}

// export queues the job that makes the file, or looks after it.
func (w *ReportScheduler) export(ctx context.Context, d ReportDelivery, schedule ReportSchedule, by domain.Actor) error {
	now := w.now()
	if d.JobID.IsZero() {
		return w.queue(ctx, d, schedule, by)
	}
	job, err := w.store.Job(ctx, domain.Scope{Everything: true}, d.JobID)
	if err != nil {
		return err
	}
	switch {
	case job.Status == JobSucceeded:
		d.Status, d.DueAt, d.LeaseOwner = DeliveryPending, now, ""
	case !job.Status.Live():
		d = d.failed(fmt.Sprintf("导出任务%s：%s", job.Status.Label(), job.LastError))
	default:
		d = w.waiting(d, now, "导出任务超过一天仍未完成，请检查任务队列后重新投递")
	}
	return w.store.Update(ctx, func(tx Tx) error { return saveDelivery(ctx, tx, d) })
}

// waiting lets a delivery look again soon, but not for ever.
func (w *ReportScheduler) waiting(d ReportDelivery, now time.Time, tooLong string) ReportDelivery {
	if now.Sub(d.QueuedAt) > w.limits.ExportMax {
		return d.failed(tooLong)
	}
	d.DueAt, d.LeaseOwner = now.Add(w.limits.Poll), ""
	return d
}

// queue starts the export in the owner's name, in one transaction with the delivery that waits for it: a node that dies here
// leaves either both or none.
func (w *ReportScheduler) queue(ctx context.Context, d ReportDelivery, schedule ReportSchedule, by domain.Actor) error {
	now := w.now()
	export := schedule.Terms.export(d.Day)
	if err := w.exports.reports.Check(ctx, by, export.Query); err != nil {
		if domain.CodeOf(err) == codeDayClosing { // asked for at midnight
			later := w.waiting(d, now, "营业日一直没有结束，请检查服务器时钟后重新投递")
			return w.store.Update(ctx, func(tx Tx) error { return saveDelivery(ctx, tx, later) })
		}
		refused, final := refusal(err)
		if !final {
			return err
		}
		return w.store.Update(ctx, func(tx Tx) error { return saveDelivery(ctx, tx, d.failed("不能生成报表："+refused.Detail)) })
	}
	jobID := w.newID()
	err := w.store.Update(ctx, func(tx Tx) error {
		work := export.job()
		work.ID = jobID
		job, err := EnqueueJob(ctx, tx, by, now, work)
		if err != nil {
			return err
		}
		queued := d
		queued.JobID, queued.DueAt, queued.LeaseOwner = job.ID, now.Add(w.limits.Poll), ""
		return saveDelivery(ctx, tx, queued)
	})
	if domain.CodeOf(err) == "too-many-jobs" { // the owner's other work is under way
		busy := w.waiting(d, now, "创建人的后台任务一直占满，导出无法开始；请取消或等待完成后重新投递")
		return w.store.Update(ctx, func(tx Tx) error { return saveDelivery(ctx, tx, busy) })
	}
	if err == nil {
		w.exports.jobs.wake()
	}
	return err
}

// send makes one attempt to deliver.
func (w *ReportScheduler) send(ctx context.Context, d ReportDelivery, schedule ReportSchedule) error {
	if d.Attempts > w.limits.AttemptsMax {
		return w.record(ctx, d.failed(fmt.Sprintf("投递已中断 %d 次，不再重试；请联系系统管理员后重新投递", w.limits.AttemptsMax)))
	}
	job, err := w.store.Job(ctx, domain.Scope{Everything: true}, d.JobID)
	if err != nil {
		return err
	}
	if job.Status != JobSucceeded || job.Result.IsZero() {
		return w.record(ctx, d.failed("结果文件已过期清除，请重新投递，系统会重新生成"))
	}
	sending, cancel := context.WithTimeout(ctx, w.limits.SendMax)
	location, sendErr := w.destinations.Deliver(sending, d.Destination, w.parcel(d, schedule, job))
	cancel()
	next := w.after(d, w.now(), location, sendErr, ctx.Err() != nil)
	if err := w.record(ctx, next); err != nil {
		return err
	}
	if sendErr != nil {
		w.log.WarnContext(ctx, "report not delivered", slog.Any("delivery_id", d.ID), slog.String("destination", d.Destination),
			slog.Int("attempt", d.Attempts), slog.String("status", string(next.Status)), slog.Any("error", sendErr))
	}
	return nil
}

// record writes a result even while the node is stopping: what was sent should not be sent again.
func (w *ReportScheduler) record(ctx context.Context, d ReportDelivery) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deliveryEndWait)
	defer cancel()
	return w.store.Update(ctx, func(tx Tx) error { return saveDelivery(ctx, tx, d) })
}

// after is the delivery after an attempt.
func (w *ReportScheduler) after(d ReportDelivery, now time.Time, location string, err error, stopping bool) ReportDelivery {
	d.LeaseOwner = ""
	if err == nil {
		d.Status, d.DueAt, d.DeliveredAt, d.LastError, d.Location = DeliveryDelivered, time.Time{}, now, "", clipped(location, 500)
		return d
	}
	reason := deliveryErrorUnknown
	refused, final := refusal(err)
	if refused != nil {
		reason = refused.Detail
	}
	switch {
	case stopping: // another node, or this one after its start, sends it
		d.DueAt, d.Attempts = now, d.Attempts-1
		return d
	case final, d.Attempts >= w.limits.AttemptsMax:
		return d.failed(reason)
	}
	wait := w.limits.RetryFirst
	for range min(d.Attempts-1, 30) {
		wait = min(2*wait, w.limits.RetryMost)
	}
	d.DueAt, d.LastError = now.Add(wait), clipped(reason, deliveryErrorRunesMax)
	return d
}

func (w *ReportScheduler) parcel(d ReportDelivery, schedule ReportSchedule, job Job) ReportParcel {
	export := schedule.Terms.export(d.Day)
	definition, _ := report.ByCode(schedule.Terms.Report)
	return ReportParcel{
		ID: d.ID, ScheduleID: d.ScheduleID, JobID: d.JobID, Report: schedule.Terms.Report, Title: definition.Title,
		Format: schedule.Terms.Format, AsOf: export.Query.AsOf, Rows: job.Done, Result: job.Result,
		Content: func(ctx context.Context) io.Reader {
			return &resultReader{ctx: ctx, store: w.store, job: job, hash: sha256.New()}
		},
	}
}

// resultReader reads a job's file, one chunk in memory at a time.
type resultReader struct {
	ctx    context.Context //nolint:containedctx // an io.Reader has no other place for it
	store  Reader
	job    Job
	number int
	read   int64
	rest   []byte
	hash   hash.Hash
}

// Read implements io.Reader.
func (r *resultReader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		if r.read == r.job.Result.Bytes {
			if sum := r.hash.Sum(nil); !bytes.Equal(sum, r.job.Result.SHA256[:]) {
				return 0, fmt.Errorf("job %s: its file has the SHA-256 %x, its row says %x", r.job.ID, sum, r.job.Result.SHA256)
			}
			return 0, io.EOF
		}
		chunk, err := r.store.JobChunk(r.ctx, r.job.ID, r.job.Attempts, r.number)
		if err != nil {
			return 0, err
		}
		if len(chunk) == 0 || r.read+int64(len(chunk)) > r.job.Result.Bytes {
			return 0, fmt.Errorf("job %s: chunk %d has %d bytes after %d of %d", r.job.ID, r.number, len(chunk), r.read, r.job.Result.Bytes)
		}
		r.hash.Write(chunk)
		r.number, r.read, r.rest = r.number+1, r.read+int64(len(chunk)), chunk
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}
