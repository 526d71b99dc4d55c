package origination

import (
	"context"
	"fmt"
	"slices"
	"time"

	"fumin/domain"
	"fumin/domain/report"
)

// Limits of schedules.
const (
	ReportSchedulesMax      = 20   // of one person that have not ended
	ReportScheduleReasonMax = 300  // characters
	reportCatchUpMax        = 7    // days that are made up after an outage; older ones are skipped, and the history says so
	reportMissedMax         = 4000 // days that are looked at after an outage
	reportSchedulesLookedAt = 50   // at a time

	ReportScheduleEventsPageMax = 100
)

// reportSchedulers may have a report made and sent again and again; whose role it is no more loses the schedules too.
var reportSchedulers = []domain.Role{domain.RoleBranchManager, domain.RoleRiskManager, domain.RoleAdmin}

// ReportScheduleStatus is where a schedule stands.
type ReportScheduleStatus string

// The statuses (定时报表状态).
const (
	ScheduleActive  ReportScheduleStatus = "active"  // 启用
	SchedulePaused  ReportScheduleStatus = "paused"  // 已暂停
	ScheduleStopped ReportScheduleStatus = "stopped" // 已停止：创建人不再有资格，由系统停止
	ScheduleEnded   ReportScheduleStatus = "ended"   // 已终止，不能恢复
)

// ReportScheduleStatuses lists every status.
func ReportScheduleStatuses() []ReportScheduleStatus {
	return []ReportScheduleStatus{ScheduleActive, SchedulePaused, ScheduleStopped, ScheduleEnded}
}

// Valid reports whether s is one of ReportScheduleStatuses.
func (s ReportScheduleStatus) Valid() bool { return slices.Contains(ReportScheduleStatuses(), s) }

// Label is the status in Chinese.
func (s ReportScheduleStatus) Label() string {
	switch s {
	case ScheduleActive:
		return "启用"
	case SchedulePaused:
		return "已暂停"
	case ScheduleStopped:
		return "已停止"
	case ScheduleEnded:
		return "已终止"
	}
	return string(s)
}

// ReportScheduleTerms say what is made, when, and where it goes. They do not change: who wants others ends the schedule and
// makes a new one. Personal data is always masked.
type ReportScheduleTerms struct {
	Report      report.Code
	Format      report.Format
	Charset     report.Charset
	Columns     []string  // empty: all
	ProductCode string    // empty: all
	BranchID    domain.ID // this branch and those below; zero: all the owner may see
	Timetable   report.Timetable
	Window      report.Window
	Destination string // the name of one that the operator has configured
}

// export is what is asked for on a day.
func (t ReportScheduleTerms) export(made domain.Date) StartExport {
	from, to := t.Window.Days(made)
	q := report.Query{Report: t.Report, AsOf: to, BranchID: t.BranchID, ProductCode: t.ProductCode, Columns: t.Columns}
	if definition, known := report.ByCode(t.Report); known && definition.Period == report.PeriodRange {
		q.From, q.To = from, to
	}
	return StartExport{Query: q, Format: t.Format, Charset: t.Charset}
}

// ReportSchedule makes a report again and again and sends it somewhere (定时报表).
type ReportSchedule struct {
	ID        domain.ID
	Owner     domain.Actor // as it was made; in whose scope the report is made, as long as role and branch stay the same
	Slot      int          // 1 to ReportSchedulesMax; 0 after the end
	Terms     ReportScheduleTerms
	Status    ReportScheduleStatus
	Reason    string    // why it was stopped
	NextAt    time.Time // when it is due; zero unless active
	Version   int
	CreatedAt time.Time
}

// ReportScheduleEvent is one entry of a schedule's history (定时报表操作留痕).
type ReportScheduleEvent struct {
	Version int                  // the version of the schedule that it made
	Action  string               // create, pause, resume, end, stop, run
	Status  ReportScheduleStatus // where the schedule stood afterwards
	Detail  string
	Actor   domain.Actor
	At      time.Time
}

// ReportDestinationKind is how a destination is reached.
type ReportDestinationKind string

// The kinds of destination.
const (
	DestinationFolder  ReportDestinationKind = "folder"  // 服务器目录
	DestinationS3      ReportDestinationKind = "s3"      // S3 兼容的对象存储
	DestinationWebhook ReportDestinationKind = "webhook" // 通知地址
)

// ReportDestination is where reports may be sent (投递目的地). Its address and its keys are the operator's and are shown to
// nobody.
type ReportDestination struct {
	Name string
	Kind ReportDestinationKind
}

// ReportScheduleReader reads schedules and deliveries.
type ReportScheduleReader interface {
	// ReportSchedule returns one, or "report-schedule-not-found".
	ReportSchedule(ctx context.Context, scope domain.Scope, id domain.ID) (ReportSchedule, error)
	// ReportSchedules lists a page, newest first.
	ReportSchedules(ctx context.Context, scope domain.Scope, page domain.Page) ([]ReportSchedule, error)
	// DueReportSchedules finds active ones whose time has come, the longest waiting first.
	DueReportSchedules(ctx context.Context, at time.Time, limit int) ([]ReportSchedule, error)
	// UsedReportScheduleSlots returns the places a person's schedules take.
	UsedReportScheduleSlots(ctx context.Context, ownerID domain.ID) ([]int, error)
	// ReportScheduleEvents lists the history of a schedule, newest first: at most limit entries, those before a version where
	// it is not zero.
	ReportScheduleEvents(ctx context.Context, scheduleID domain.ID, before, limit int) ([]ReportScheduleEvent, error)
	// ReportDeliveries lists a page of a schedule's, newest first.
	ReportDeliveries(ctx context.Context, scheduleID domain.ID, page domain.Page) ([]ReportDelivery, error)
	// DueReportDeliveries finds what may be taken up, the longest waiting first.
	DueReportDeliveries(ctx context.Context, at time.Time, limit int) ([]ReportDelivery, error)
}

// ReportScheduleWriter writes schedules and deliveries.
type ReportScheduleWriter interface {
	// LockReportSchedule locks one within the scope, or returns "report-schedule-not-found".
	LockReportSchedule(ctx context.Context, scope domain.Scope, id domain.ID) (ReportSchedule, error)
	// InsertReportSchedule stores a new one; taken says that somebody else's transaction took its slot first.
	InsertReportSchedule(ctx context.Context, s ReportSchedule, event ReportScheduleEvent) (taken bool, err error)
	// SaveReportSchedule stores what may change of one that the caller has locked, with its event.
	SaveReportSchedule(ctx context.Context, s ReportSchedule, event ReportScheduleEvent) error
	// InsertReportDelivery stores a new run; exists says that the schedule has one for the day already.
	InsertReportDelivery(ctx context.Context, d ReportDelivery) (exists bool, err error)
	// LockReportDelivery locks one of a schedule, or returns "report-delivery-not-found".
	LockReportDelivery(ctx context.Context, scheduleID, id domain.ID) (ReportDelivery, error)
	// ClaimReportDelivery takes a due one up until the lease ends; false when another node was faster.
	ClaimReportDelivery(ctx context.Context, c ReportDeliveryClaim) (claimed bool, err error)
	// SaveReportDelivery stores what may change of one; false when another turn has it by now.
	SaveReportDelivery(ctx context.Context, d ReportDelivery) (held bool, err error)
}

// ReportSchedules are the use cases of schedules.
type ReportSchedules struct {
	store        Store
	now          domain.Clock
	newID        func() domain.ID
	reports      *Reports
	destinations ReportDestinations
}

// NewReportSchedules builds the use cases.
func NewReportSchedules(store Store, now domain.Clock, newID func() domain.ID, reports *Reports, destinations ReportDestinations) *ReportSchedules {
	return &ReportSchedules{store: store, now: now, newID: newID, reports: reports, destinations: destinations}
}

// Destinations lists where reports may be sent.
func (s *ReportSchedules) Destinations(by domain.Actor) ([]ReportDestination, error) {
	if err := by.Require(reportSchedulers...); err != nil {
		return nil, err
	}
	return s.destinations.Destinations(), nil
}

// Create makes a schedule in the actor's name. It is checked like the report itself would be, today.
func (s *ReportSchedules) Create(ctx context.Context, by domain.Actor, key Idempotency, terms ReportScheduleTerms) (created ReportSchedule, replayed bool, err error) {
	if err := by.Require(reportSchedulers...); err != nil {
		return ReportSchedule{}, false, err
	}
	now := s.now()
	if err := s.check(ctx, by, terms, now); err != nil {
		return ReportSchedule{}, false, err
	}
	schedule := ReportSchedule{
		ID: s.newID(), Owner: by, Terms: terms, Status: ScheduleActive, NextAt: terms.Timetable.Next(now), Version: 1, CreatedAt: now,
	}
	err = s.store.Update(ctx, func(tx Tx) error {
		prior, err := tx.ClaimIdempotencyKey(ctx, by.ID, key, schedule.ID, now)
		if err != nil {
			return err
		}
		if !prior.IsZero() {
			created, err = tx.ReportSchedule(ctx, by.Scope(), prior)
			replayed = true
			return err
		}
		created, err = insertReportSchedule(ctx, tx, schedule)
		replayed = false
		return err
	})
	return created, replayed, err
}

func (s *ReportSchedules) check(ctx context.Context, by domain.Actor, terms ReportScheduleTerms, now time.Time) error {
	var p domain.Problems
	terms.Timetable.Check(&p)
	if !terms.Window.Valid() {
		p.Add("/period", "unknown-value", "应为 previous_day、previous_week 或 previous_month")
	}
	known := slices.ContainsFunc(s.destinations.Destinations(), func(d ReportDestination) bool { return d.Name == terms.Destination })
	if !known {
		p.Add("/destination", "unknown-destination", "没有配置这个投递目的地，GET /v1/report-destinations 列出可用的")
	}
	if err := p.Err(); err != nil {
		return err
	}
	return s.reports.Check(ctx, by, terms.export(domain.DateOf(now)).Query)
}

// insertReportSchedule takes one of the owner's places: the database refuses one too many.
func insertReportSchedule(ctx context.Context, tx Tx, schedule ReportSchedule) (ReportSchedule, error) {
	event := ReportScheduleEvent{Action: "create", Actor: schedule.Owner, At: schedule.CreatedAt}
	for range ReportSchedulesMax {
		used, err := tx.UsedReportScheduleSlots(ctx, schedule.Owner.ID)
		if err != nil {
			return ReportSchedule{}, err
		}
		if schedule.Slot = firstFree(used, ReportSchedulesMax); schedule.Slot == 0 {
			break
		}
		taken, err := tx.InsertReportSchedule(ctx, schedule, event)
		if err != nil {
			return ReportSchedule{}, err
		}
		if !taken {
			return schedule, nil
		}
	}
	return ReportSchedule{}, domain.Errorf(domain.KindRule, "too-many-report-schedules",
		"每人最多 %d 个未终止的定时报表，请先终止不再需要的", ReportSchedulesMax)
}

// Schedule returns one in the actor's scope.
func (s *ReportSchedules) Schedule(ctx context.Context, by domain.Actor, id domain.ID) (ReportSchedule, error) {
	if err := by.Require(reportSchedulers...); err != nil {
		return ReportSchedule{}, err
	}
	return s.store.ReportSchedule(ctx, by.Scope(), id)
}

// Schedules lists those in the actor's scope, newest first.
func (s *ReportSchedules) Schedules(ctx context.Context, by domain.Actor, page domain.Page) ([]ReportSchedule, error) {
	if err := by.Require(reportSchedulers...); err != nil {
		return nil, err
	}
	return s.store.ReportSchedules(ctx, by.Scope(), page)
}

// History lists what happened to a schedule, newest first (历史): at most limit entries, those before a version where it is
// not zero.
func (s *ReportSchedules) History(ctx context.Context, by domain.Actor, id domain.ID, before, limit int) ([]ReportScheduleEvent, error) {
	if _, err := s.Schedule(ctx, by, id); err != nil {
		return nil, err
	}
	return s.store.ReportScheduleEvents(ctx, id, before, min(max(limit, 1), ReportScheduleEventsPageMax))
}

// Pause keeps a schedule from running until it is resumed (暂停). The days in between are not made up.
func (s *ReportSchedules) Pause(ctx context.Context, by domain.Actor, id domain.ID) (ReportSchedule, error) {
	return s.change(ctx, by, id, "pause", func(schedule *ReportSchedule, _ time.Time) error {
		if schedule.Status != ScheduleActive {
			return errScheduleStatus(*schedule, "暂停")
		}
		schedule.Status, schedule.NextAt = SchedulePaused, time.Time{}
		return nil
	})
}

// Resume lets a paused or stopped schedule run again, from its next day on (恢复). Only its owner may do that to a stopped one:
// in whose name it runs is for that person to say.
func (s *ReportSchedules) Resume(ctx context.Context, by domain.Actor, id domain.ID) (ReportSchedule, error) {
	return s.change(ctx, by, id, "resume", func(schedule *ReportSchedule, now time.Time) error {
		switch {
		case schedule.Status != SchedulePaused && schedule.Status != ScheduleStopped:
			return errScheduleStatus(*schedule, "恢复")
		case schedule.Owner.ID != by.ID && schedule.Status == ScheduleStopped:
			return domain.Errorf(domain.KindForbidden, "not-schedule-owner", "已停止的定时报表只能由创建人恢复；创建人已离岗的，请另建一个")
		case schedule.Owner.ID == by.ID:
			schedule.Owner = by // as this person now is
		}
		schedule.Status, schedule.Reason, schedule.NextAt = ScheduleActive, "", schedule.Terms.Timetable.Next(now)
		return nil
	})
}

// End ends a schedule for good (终止). What it has sent, and its history, stay.
func (s *ReportSchedules) End(ctx context.Context, by domain.Actor, id domain.ID) (ReportSchedule, error) {
	return s.change(ctx, by, id, "end", func(schedule *ReportSchedule, _ time.Time) error {
		if schedule.Status == ScheduleEnded {
			return errScheduleStatus(*schedule, "终止")
		}
		schedule.Status, schedule.NextAt, schedule.Slot = ScheduleEnded, time.Time{}, 0
		return nil
	})
}

func errScheduleStatus(s ReportSchedule, action string) error {
	return domain.Errorf(domain.KindConflict, "report-schedule-status", "定时报表目前「%s」，不能%s", s.Status.Label(), action)
}

// mayManage lets the owner and administrators change a schedule; others who may see it only look.
func mayManage(by domain.Actor, schedule ReportSchedule) error {
	if by.ID != schedule.Owner.ID && by.Role != domain.RoleAdmin {
		return domain.Errorf(domain.KindForbidden, "not-schedule-owner", "定时报表由创建人%s或系统管理员维护", schedule.Owner.Name)
	}
	return nil
}

func (s *ReportSchedules) change(ctx context.Context, by domain.Actor, id domain.ID, action string, do func(*ReportSchedule, time.Time) error) (changed ReportSchedule, err error) {
	if err := by.Require(reportSchedulers...); err != nil {
		return ReportSchedule{}, err
	}
	now := s.now()
	err = s.store.Update(ctx, func(tx Tx) error {
		schedule, err := tx.LockReportSchedule(ctx, by.Scope(), id)
		if err != nil {
			return err
		}
		if err := mayManage(by, schedule); err != nil {
			return err
		}
		if err := do(&schedule, now); err != nil {
			return err
		}
		schedule.Version++
		if err := tx.SaveReportSchedule(ctx, schedule, ReportScheduleEvent{Action: action, Actor: by, At: now}); err != nil {
			return err
		}
		changed = schedule
		return nil
	})
	return changed, err
}

// Deliveries lists the runs of a schedule, newest first.
func (s *ReportSchedules) Deliveries(ctx context.Context, by domain.Actor, id domain.ID, page domain.Page) ([]ReportDelivery, error) {
	if _, err := s.Schedule(ctx, by, id); err != nil {
		return nil, err
	}
	return s.store.ReportDeliveries(ctx, id, page)
}

// Retry sends a failed delivery again (重新投递), under the same id, so that a receiver that has it already can drop it. When
// its file is gone it is made again: a past day gives the same bytes.
func (s *ReportSchedules) Retry(ctx context.Context, by domain.Actor, scheduleID, id domain.ID) (retried ReportDelivery, err error) {
	if err := by.Require(reportSchedulers...); err != nil {
		return ReportDelivery{}, err
	}
	now := s.now()
	err = s.store.Update(ctx, func(tx Tx) error {
		schedule, err := tx.LockReportSchedule(ctx, by.Scope(), scheduleID)
		if err != nil {
			return err
		}
		if err := mayManage(by, schedule); err != nil {
			return err
		}
		d, err := tx.LockReportDelivery(ctx, scheduleID, id)
		if err != nil {
			return err
		}
		if d.Status != DeliveryFailed {
			return domain.Errorf(domain.KindConflict, "report-delivery-not-failed", "这次投递目前「%s」，只有失败的才能重新投递", d.Status.Label())
		}
		d.Status, d.Attempts, d.DueAt, d.QueuedAt = DeliveryExporting, 0, now, now
		if kept, err := fileKept(ctx, tx, d.JobID); err != nil {
			return err
		} else if kept {
			d.Status = DeliveryPending
		} else {
			d.JobID = ""
		}
		held, err := tx.SaveReportDelivery(ctx, d)
		if err == nil && !held {
			err = fmt.Errorf("delivery %s: changed under its lock", d.ID)
		}
		retried = d
		return err
	})
	return retried, err
}

// fileKept reports whether a job's file is still there to be sent.
func fileKept(ctx context.Context, r Reader, jobID domain.ID) (bool, error) {
	if jobID.IsZero() {
		return false, nil
	}
	job, err := r.Job(ctx, domain.Scope{Everything: true}, jobID)
	return job.Status == JobSucceeded && !job.Result.IsZero(), err
}
