package repository

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"fumin/domain"
	"fumin/domain/origination"
	"fumin/domain/report"
)

type reportScheduleRow struct {
	ID             domain.ID `gorm:"primaryKey"`
	BranchID       domain.ID
	OwnerID        domain.ID
	OwnerName      string
	OwnerRole      string
	LiveSlot       *int
	Report         string
	Format         string
	Charset        string
	ReportColumns  jsonColumn[[]string]
	ProductCode    string
	ReportBranchID idColumn
	Frequency      string
	Weekday        int
	DayOfMonth     int
	MinuteOfDay    int
	Period         string
	Destination    string
	Status         string
	Reason         string
	NextAt         timeColumn
	Version        int
	CreatedAt      time.Time
}

func (reportScheduleRow) TableName() string { return "report_schedules" }

func reportScheduleToRow(s origination.ReportSchedule) reportScheduleRow {
	t := s.Terms
	row := reportScheduleRow{
		ID: s.ID, BranchID: s.Owner.BranchID, OwnerID: s.Owner.ID, OwnerName: s.Owner.Name, OwnerRole: string(s.Owner.Role),
		Report: string(t.Report), Format: string(t.Format), Charset: string(t.Charset), ReportColumns: jsonColumn[[]string]{t.Columns},
		ProductCode: t.ProductCode, ReportBranchID: idColumn{t.BranchID}, Frequency: string(t.Timetable.Frequency),
		Weekday: t.Timetable.Weekday, DayOfMonth: t.Timetable.DayOfMonth, MinuteOfDay: t.Timetable.Minute, Period: string(t.Window),
		Destination: t.Destination, Status: string(s.Status), Reason: s.Reason, NextAt: timeColumn{s.NextAt}, Version: s.Version, CreatedAt: s.CreatedAt,
	}
	if s.Slot != 0 {
		row.LiveSlot = &s.Slot
	}
	return row
}

func reportScheduleFromRow(row reportScheduleRow) (origination.ReportSchedule, error) {
	s := origination.ReportSchedule{
		ID:    row.ID,
		Owner: domain.Actor{ID: row.OwnerID, Name: row.OwnerName, Role: domain.Role(row.OwnerRole), BranchID: row.BranchID},
		Terms: origination.ReportScheduleTerms{
			Report: report.Code(row.Report), Format: report.Format(row.Format), Charset: report.Charset(row.Charset),
			Columns: row.ReportColumns.Content, ProductCode: row.ProductCode, BranchID: row.ReportBranchID.ID,
			Timetable: report.Timetable{Frequency: report.Frequency(row.Frequency), Weekday: row.Weekday, DayOfMonth: row.DayOfMonth, Minute: row.MinuteOfDay},
			Window:    report.Window(row.Period), Destination: row.Destination,
		},
		Status: origination.ReportScheduleStatus(row.Status), Reason: row.Reason, NextAt: row.NextAt.Time, Version: row.Version, CreatedAt: row.CreatedAt.UTC(),
	}
	if row.LiveSlot != nil {
		s.Slot = *row.LiveSlot
	}
	var p domain.Problems
	s.Terms.Timetable.Check(&p)
	if p.Any() || !s.Status.Valid() || !s.Owner.Role.Valid() || !s.Terms.Window.Valid() || !s.Terms.Format.Valid() || !s.Terms.Charset.Valid() {
		return origination.ReportSchedule{}, fmt.Errorf("report schedule %s: %+v", row.ID, s.Terms)
	}
	return s, nil
}

// ReportSchedule implements origination.ReportScheduleReader.
func (r reader) ReportSchedule(ctx context.Context, scope domain.Scope, id domain.ID) (origination.ReportSchedule, error) {
	return r.reportSchedule(ctx, r.db, scope, id)
}

func (r reader) reportSchedule(ctx context.Context, db *gorm.DB, scope domain.Scope, id domain.ID) (origination.ReportSchedule, error) {
	var row reportScheduleRow
	err := inScopeOf(db.WithContext(ctx), "report_schedules.branch_id", "", scope).Where("report_schedules.id = ?", id).Take(&row).Error
	if isNotFound(err) {
		return origination.ReportSchedule{}, domain.Errorf(domain.KindNotFound, "report-schedule-not-found", "没有这个定时报表，或它不在您的机构范围内")
	}
	if err != nil {
		return origination.ReportSchedule{}, translateRead(ctx, err)
	}
	return reportScheduleFromRow(row)
}

// ReportSchedules implements origination.ReportScheduleReader.
func (r reader) ReportSchedules(ctx context.Context, scope domain.Scope, page domain.Page) ([]origination.ReportSchedule, error) {
	query, branches, err := r.listOfBranches(ctx, r.db.WithContext(ctx), "report_schedules.branch_id", "", scope)
	if err != nil {
		return nil, err
	}
	if branches == 1 {
		query = query.Clauses(forceIndex("ix_report_schedules_branch"))
	}
	if !page.After.IsZero() {
		query = query.Where("report_schedules.id < ?", page.After)
	}
	return r.findReportSchedules(ctx, query.Order("report_schedules.id DESC").Limit(page.Limit))
}

// DueReportSchedules implements origination.ReportScheduleReader.
func (r reader) DueReportSchedules(ctx context.Context, at time.Time, limit int) ([]origination.ReportSchedule, error) {
	return r.findReportSchedules(ctx, r.db.WithContext(ctx).Where("next_at <= ?", at).Order("next_at").Limit(limit))
}

func (r reader) findReportSchedules(ctx context.Context, query *gorm.DB) ([]origination.ReportSchedule, error) {
	var rows []reportScheduleRow
	if err := query.Find(&rows).Error; err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, reportScheduleFromRow)
}

// UsedReportScheduleSlots implements origination.ReportScheduleReader.
func (r reader) UsedReportScheduleSlots(ctx context.Context, ownerID domain.ID) ([]int, error) {
	var used []int
	err := r.db.WithContext(ctx).Table("report_schedules").Where("owner_id = ? AND live_slot IS NOT NULL", ownerID).
		Limit(origination.ReportSchedulesMax).Pluck("live_slot", &used).Error
	return used, translateRead(ctx, err)
}

// LockReportSchedule implements origination.ReportScheduleWriter.
func (t *tx) LockReportSchedule(ctx context.Context, scope domain.Scope, id domain.ID) (origination.ReportSchedule, error) {
	return t.reportSchedule(ctx, t.db.Clauses(clause.Locking{Strength: "UPDATE"}), scope, id)
}

// InsertReportSchedule implements origination.ReportScheduleWriter.
func (t *tx) InsertReportSchedule(ctx context.Context, s origination.ReportSchedule, event origination.ReportScheduleEvent) (taken bool, err error) {
	row := reportScheduleToRow(s)
	err = t.db.WithContext(ctx).Create(&row).Error
	if isDuplicate(err, "uk_report_schedules_live_slot") {
		return true, nil
	}
	if err != nil {
		return false, translateID(err)
	}
	return false, t.insertReportScheduleEvent(ctx, s, event)
}

// SaveReportSchedule implements origination.ReportScheduleWriter.
func (t *tx) SaveReportSchedule(ctx context.Context, s origination.ReportSchedule, event origination.ReportScheduleEvent) error {
	row := reportScheduleToRow(s)
	result := t.db.WithContext(ctx).Model(&reportScheduleRow{}).Where("id = ? AND version = ?", row.ID, row.Version-1).
		Select("owner_name", "owner_role", "branch_id", "live_slot", "status", "reason", "next_at", "version").Updates(row)
	if result.Error != nil {
		return result.Error
	}
	if result.RowsAffected != 1 {
		return errStaleVersion()
	}
	return t.insertReportScheduleEvent(ctx, s, event)
}

type reportScheduleEventRow struct {
	ScheduleID domain.ID `gorm:"primaryKey"`
	Version    int       `gorm:"primaryKey;autoIncrement:false"`
	BranchID   domain.ID
	Action     string
	Status     string
	Detail     string
	ActorID    domain.ID
	ActorName  string
	ActorRole  string
	At         time.Time
}

func (reportScheduleEventRow) TableName() string { return "report_schedule_events" }

func (t *tx) insertReportScheduleEvent(ctx context.Context, s origination.ReportSchedule, e origination.ReportScheduleEvent) error {
	return t.db.WithContext(ctx).Create(&reportScheduleEventRow{
		ScheduleID: s.ID, Version: s.Version, BranchID: s.Owner.BranchID, Action: e.Action, Status: string(s.Status), Detail: e.Detail,
		ActorID: e.Actor.ID, ActorName: e.Actor.Name, ActorRole: string(e.Actor.Role), At: e.At,
	}).Error
}

// ReportScheduleEvents implements origination.ReportScheduleReader. The primary key is the order of the history.
func (r reader) ReportScheduleEvents(ctx context.Context, scheduleID domain.ID, before, limit int) ([]origination.ReportScheduleEvent, error) {
	query := r.db.WithContext(ctx).Where("schedule_id = ?", scheduleID)
	if before > 0 {
		query = query.Where("version < ?", before)
	}
	var rows []reportScheduleEventRow
	if err := query.Order("version DESC").Limit(limit).Find(&rows).Error; err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, reportScheduleEventFromRow)
}

func reportScheduleEventFromRow(row reportScheduleEventRow) (origination.ReportScheduleEvent, error) {
	return origination.ReportScheduleEvent{
		Version: row.Version, Action: row.Action, Status: origination.ReportScheduleStatus(row.Status), Detail: row.Detail,
		Actor: domain.Actor{ID: row.ActorID, Name: row.ActorName, Role: domain.Role(row.ActorRole), BranchID: row.BranchID}, At: row.At.UTC(),
	}, nil
}

type reportDeliveryRow struct {
	ID          domain.ID `gorm:"primaryKey"`
	ScheduleID  domain.ID
	BranchID    domain.ID
	BusinessDay dateColumn
	Destination string
	JobID       idColumn
	Status      string
	Turn        int
	Attempts    int
	LastError   string
	Location    string
	DueAt       timeColumn
	LeaseOwner  idColumn
	CreatedAt   time.Time
	QueuedAt    time.Time
	DeliveredAt timeColumn
}

func (reportDeliveryRow) TableName() string { return "report_deliveries" }

func reportDeliveryToRow(d origination.ReportDelivery) reportDeliveryRow {
	return reportDeliveryRow{
		ID: d.ID, ScheduleID: d.ScheduleID, BranchID: d.BranchID, BusinessDay: dateColumn{d.Day}, Destination: d.Destination, JobID: idColumn{d.JobID},
		Status: string(d.Status), Turn: d.Turn, Attempts: d.Attempts, LastError: d.LastError, Location: d.Location, DueAt: timeColumn{d.DueAt},
		LeaseOwner: idColumn{d.LeaseOwner}, CreatedAt: d.CreatedAt, QueuedAt: d.QueuedAt, DeliveredAt: timeColumn{d.DeliveredAt},
	}
}

func reportDeliveryFromRow(row reportDeliveryRow) (origination.ReportDelivery, error) {
	d := origination.ReportDelivery{
		ID: row.ID, ScheduleID: row.ScheduleID, BranchID: row.BranchID, Day: row.BusinessDay.Date, Destination: row.Destination, JobID: row.JobID.ID,
		Status: origination.ReportDeliveryStatus(row.Status), Turn: row.Turn, Attempts: row.Attempts, LastError: row.LastError, Location: row.Location,
		DueAt: row.DueAt.Time, LeaseOwner: row.LeaseOwner.ID, CreatedAt: row.CreatedAt.UTC(), QueuedAt: row.QueuedAt.UTC(), DeliveredAt: row.DeliveredAt.Time,
	}
	if !d.Status.Valid() || d.Day.IsZero() {
		return origination.ReportDelivery{}, fmt.Errorf("report delivery %s: status %q", row.ID, row.Status)
	}
	return d, nil
}

// ReportDeliveries implements origination.ReportScheduleReader.
func (r reader) ReportDeliveries(ctx context.Context, scheduleID domain.ID, page domain.Page) ([]origination.ReportDelivery, error) {
	query := r.db.WithContext(ctx).Where("schedule_id = ?", scheduleID).Clauses(forceIndex("ix_report_deliveries_schedule"))
	if !page.After.IsZero() {
		query = query.Where("id < ?", page.After)
	}
	return r.findReportDeliveries(ctx, query.Order("id DESC").Limit(page.Limit))
}

// DueReportDeliveries implements origination.ReportScheduleReader.
func (r reader) DueReportDeliveries(ctx context.Context, at time.Time, limit int) ([]origination.ReportDelivery, error) {
	return r.findReportDeliveries(ctx, r.db.WithContext(ctx).Where("due_at <= ?", at).Order("due_at").Limit(limit))
}

func (r reader) findReportDeliveries(ctx context.Context, query *gorm.DB) ([]origination.ReportDelivery, error) {
	var rows []reportDeliveryRow
	if err := query.Find(&rows).Error; err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, reportDeliveryFromRow)
}

// InsertReportDelivery implements origination.ReportScheduleWriter.
func (t *tx) InsertReportDelivery(ctx context.Context, d origination.ReportDelivery) (exists bool, err error) {
	row := reportDeliveryToRow(d)
	err = t.db.WithContext(ctx).Create(&row).Error
	if isDuplicate(err, "uk_report_deliveries_day") {
		return true, nil
	}
	return false, translateID(err)
}

// LockReportDelivery implements origination.ReportScheduleWriter.
func (t *tx) LockReportDelivery(ctx context.Context, scheduleID, id domain.ID) (origination.ReportDelivery, error) {
	var row reportDeliveryRow
	err := t.db.WithContext(ctx).Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ? AND schedule_id = ?", id, scheduleID).Take(&row).Error
	if isNotFound(err) {
		return origination.ReportDelivery{}, domain.Errorf(domain.KindNotFound, "report-delivery-not-found", "这个定时报表没有这次投递")
	}
	if err != nil {
		return origination.ReportDelivery{}, translateRead(ctx, err)
	}
	return reportDeliveryFromRow(row)
}

// ClaimReportDelivery implements origination.ReportScheduleWriter: of two nodes that found the same one the first changes turn
// and due_at.
func (t *tx) ClaimReportDelivery(ctx context.Context, c origination.ReportDeliveryClaim) (claimed bool, err error) {
	due, err := t.lockDue(ctx, "report_deliveries", "turn", c.ID, c.Turn, c.At)
	if err != nil || !due {
		return false, err
	}
	result := t.db.WithContext(ctx).Model(&reportDeliveryRow{}).Where("id = ?", c.ID).
		Updates(map[string]any{"turn": c.Turn + 1, "attempts": c.Attempts, "lease_owner": c.Owner, "due_at": c.Until})
	return result.RowsAffected == 1, result.Error
}

// SaveReportDelivery implements origination.ReportScheduleWriter.
func (t *tx) SaveReportDelivery(ctx context.Context, d origination.ReportDelivery) (held bool, err error) {
	row := reportDeliveryToRow(d)
	result := t.db.WithContext(ctx).Model(&reportDeliveryRow{}).Where("id = ? AND turn = ?", row.ID, row.Turn).
		Select("job_id", "status", "attempts", "last_error", "location", "due_at", "lease_owner", "queued_at", "delivered_at").Updates(row)
	return result.RowsAffected == 1, result.Error
}
