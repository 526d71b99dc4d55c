package repository

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"fumin/domain"
	"fumin/domain/origination"
)

type jobRow struct {
	ID              domain.ID `gorm:"primaryKey"`
	Kind            string
	Title           string
	Status          string
	BranchID        domain.ID
	RequestedBy     domain.ID
	RequestedByName string
	RequestedByRole string
	LiveSlot        *int
	Payload         jsonColumn[json.RawMessage]
	Done            int64
	Estimate        int64
	CancelRequested bool
	DueAt           timeColumn
	LeaseOwner      idColumn
	Attempts        int
	LastError       string
	ResultMediaType string
	ResultFileName  string
	ResultBytes     int64
	ResultSHA256    []byte `gorm:"column:result_sha256"`
	CreatedAt       time.Time
	StartedAt       timeColumn
	FinishedAt      timeColumn
	ExpiresAt       timeColumn
}

func (jobRow) TableName() string { return "jobs" }

func jobToRow(j origination.Job) jobRow {
	row := jobRow{
		ID: j.ID, Kind: string(j.Kind), Title: j.Title, Status: string(j.Status), BranchID: j.Requester.BranchID,
		RequestedBy: j.Requester.ID, RequestedByName: j.Requester.Name, RequestedByRole: string(j.Requester.Role),
		Payload: jsonColumn[json.RawMessage]{j.Payload}, Done: j.Done, Estimate: j.Estimate, CancelRequested: j.CancelRequested,
		DueAt: timeColumn{j.DueAt}, LeaseOwner: idColumn{j.LeaseOwner}, Attempts: j.Attempts, LastError: j.LastError,
		ResultMediaType: j.Result.MediaType, ResultFileName: j.Result.FileName, ResultBytes: j.Result.Bytes,
		CreatedAt: j.CreatedAt, StartedAt: timeColumn{j.StartedAt}, FinishedAt: timeColumn{j.FinishedAt}, ExpiresAt: timeColumn{j.ExpiresAt},
	}
	if j.Slot != 0 {
		row.LiveSlot = &j.Slot
	}
	if !j.Result.IsZero() {
		row.ResultSHA256 = j.Result.SHA256[:]
	}
	return row
}

func jobFromRow(row jobRow) (origination.Job, error) {
	j := origination.Job{
		ID: row.ID, Kind: origination.JobKind(row.Kind), Title: row.Title, Status: origination.JobStatus(row.Status),
		Requester: domain.Actor{ID: row.RequestedBy, Name: row.RequestedByName, Role: domain.Role(row.RequestedByRole), BranchID: row.BranchID},
		Payload:   row.Payload.Content, Done: row.Done, Estimate: row.Estimate, CancelRequested: row.CancelRequested,
		DueAt: row.DueAt.Time, LeaseOwner: row.LeaseOwner.ID, Attempts: row.Attempts, LastError: row.LastError,
		Result:    origination.JobResult{MediaType: row.ResultMediaType, FileName: row.ResultFileName, Bytes: row.ResultBytes},
		CreatedAt: row.CreatedAt.UTC(), StartedAt: row.StartedAt.Time, FinishedAt: row.FinishedAt.Time, ExpiresAt: row.ExpiresAt.Time,
	}
	if row.LiveSlot != nil {
		j.Slot = *row.LiveSlot
	}
	copy(j.Result.SHA256[:], row.ResultSHA256) // BINARY(32)
	if !j.Status.Valid() || !j.Requester.Role.Valid() {
		return origination.Job{}, fmt.Errorf("job %s: status %q, role %q", row.ID, row.Status, row.RequestedByRole)
	}
	return j, nil
}

// Job implements origination.JobReader.
func (r reader) Job(ctx context.Context, scope domain.Scope, id domain.ID) (origination.Job, error) {
	return r.job(ctx, r.db, scope, id)
}

func (r reader) job(ctx context.Context, db *gorm.DB, scope domain.Scope, id domain.ID) (origination.Job, error) {
	var row jobRow
	err := inScopeOf(db.WithContext(ctx), "jobs.branch_id", "", scope).Where("jobs.id = ?", id).Take(&row).Error
	if isNotFound(err) {
		return origination.Job{}, domain.Errorf(domain.KindNotFound, "job-not-found", "没有这个任务，或它不是您发起的")
	}
	if err != nil {
		return origination.Job{}, translateRead(ctx, err)
	}
	return jobFromRow(row)
}

// Jobs implements origination.JobReader.
func (r reader) Jobs(ctx context.Context, requestedBy domain.ID, page domain.Page) ([]origination.Job, error) {
	query := r.db.WithContext(ctx).Where("jobs.requested_by = ?", requestedBy).Clauses(forceIndex("ix_jobs_requested_by"))
	if !page.After.IsZero() {
		query = query.Where("jobs.id < ?", page.After)
	}
	return r.findJobs(ctx, query.Order("jobs.id DESC").Limit(page.Limit))
}

// DueJobs implements origination.JobReader.
func (r reader) DueJobs(ctx context.Context, kinds []origination.JobKind, at time.Time, limit int) ([]origination.Job, error) {
	return r.findJobs(ctx, r.db.WithContext(ctx).Where("due_at <= ? AND kind IN ?", at, kinds).Order("due_at").Limit(limit))
}

// ExpiredJobs implements origination.JobReader.
func (r reader) ExpiredJobs(ctx context.Context, at time.Time, limit int) ([]origination.Job, error) {
	return r.findJobs(ctx, r.db.WithContext(ctx).Where("expires_at <= ?", at).Order("expires_at").Limit(limit))
}

func (r reader) findJobs(ctx context.Context, query *gorm.DB) ([]origination.Job, error) {
	var rows []jobRow
	if err := query.Find(&rows).Error; err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, jobFromRow)
}

// UsedJobSlots implements origination.JobReader.
func (r reader) UsedJobSlots(ctx context.Context, requestedBy domain.ID) ([]int, error) {
	var used []int
	err := r.db.WithContext(ctx).Table("jobs").Where("requested_by = ? AND live_slot IS NOT NULL", requestedBy).
		Limit(origination.JobLiveMax).Pluck("live_slot", &used).Error
	return used, translateRead(ctx, err)
}

// LockJob implements origination.JobWriter.
func (t *tx) LockJob(ctx context.Context, scope domain.Scope, id domain.ID) (origination.Job, error) {
	return t.job(ctx, t.db.Clauses(clause.Locking{Strength: "UPDATE"}), scope, id)
}

// InsertJob implements origination.JobWriter.
func (t *tx) InsertJob(ctx context.Context, job origination.Job) (taken bool, err error) {
	row := jobToRow(job)
	err = t.db.WithContext(ctx).Create(&row).Error
	if isDuplicate(err, "uk_jobs_live_slot") {
		return true, nil
	}
	return false, translateID(err)
}

// SaveJob implements origination.JobWriter.
func (t *tx) SaveJob(ctx context.Context, job origination.Job) error {
	row := jobToRow(job)
	result := t.db.WithContext(ctx).Model(&jobRow{}).Where("id = ? AND attempts = ?", row.ID, row.Attempts).
		Select("status", "live_slot", "done", "estimate", "cancel_requested", "due_at", "lease_owner", "last_error",
			"result_media_type", "result_file_name", "result_bytes", "result_sha256", "finished_at", "expires_at").
		Updates(row)
	if result.Error == nil && result.RowsAffected != 1 {
		return errStaleVersion()
	}
	return result.Error
}

// ClaimJob implements origination.JobWriter. The number of attempts is compared as well as the time: of two nodes that found
// the same job the first one changes both.
func (t *tx) ClaimJob(ctx context.Context, c origination.JobClaim) (claimed bool, err error) {
	due, err := t.lockDue(ctx, "jobs", "attempts", c.ID, c.Attempts, c.At)
	if err != nil || !due {
		return false, err
	}
	result := t.db.WithContext(ctx).Model(&jobRow{}).Where("id = ?", c.ID).Updates(map[string]any{
		"status": string(origination.JobRunning), "lease_owner": c.Owner, "due_at": c.Until, "started_at": c.At,
		"attempts": c.Attempts + 1, "done": 0,
	})
	return result.RowsAffected == 1, result.Error
}

// lockDue locks a row of work by its primary key and reports whether it is still due and on the turn that the caller saw. An
// UPDATE with the time in its condition could find the row through the index on that time, which it would lock before the
// row: a deadlock with whoever holds the row and moves it in that index.
func (t *tx) lockDue(ctx context.Context, table, turnColumn string, id domain.ID, turn int, at time.Time) (due bool, err error) {
	var row struct {
		Turn  int
		DueAt timeColumn
	}
	err = t.db.WithContext(ctx).Table(table).Clauses(clause.Locking{Strength: "UPDATE"}).Select(turnColumn+" AS turn, due_at").
		Where("id = ?", id).Take(&row).Error
	if isNotFound(err) {
		return false, nil
	}
	return row.Turn == turn && !row.DueAt.IsZero() && !row.DueAt.After(at), err
}

// HoldJob implements origination.JobWriter.
func (t *tx) HoldJob(ctx context.Context, h origination.JobHold) (held bool, err error) {
	result := t.db.WithContext(ctx).Model(&jobRow{}).
		Where("id = ? AND attempts = ? AND status = ?", h.ID, h.Attempts, string(origination.JobRunning)).
		Updates(map[string]any{"due_at": h.Until, "done": h.Done, "estimate": h.Estimate})
	return result.RowsAffected == 1, result.Error
}

type jobChunkRow struct {
	JobID   domain.ID `gorm:"primaryKey"`
	Attempt int       `gorm:"primaryKey;autoIncrement:false"`
	Number  int       `gorm:"primaryKey;autoIncrement:false"`
	Content []byte
}

func (jobChunkRow) TableName() string { return "job_chunks" }

const jobChunkColumn = "job_chunks.content"

// chunkPlace stands for the id of a row whose key is its job, attempt and number.
func chunkPlace(id domain.ID, attempt, number int) domain.ID {
	return id + domain.ID("/"+strconv.Itoa(attempt)+"/"+strconv.Itoa(number))
}

// InsertJobChunk implements origination.JobWriter. A file may hold names and numbers of people, so it is sealed.
func (t *tx) InsertJobChunk(ctx context.Context, id domain.ID, attempt, number int, content []byte) error {
	sealed, err := t.cipher.seal(jobChunkColumn, chunkPlace(id, attempt, number), string(content))
	if err != nil {
		return err
	}
	return t.db.WithContext(ctx).Create(&jobChunkRow{JobID: id, Attempt: attempt, Number: number, Content: sealed}).Error
}

// JobChunk implements origination.JobReader.
func (r reader) JobChunk(ctx context.Context, id domain.ID, attempt, number int) ([]byte, error) {
	var row jobChunkRow
	err := r.db.WithContext(ctx).Where("job_id = ? AND attempt = ? AND number = ?", id, attempt, number).Take(&row).Error
	if isNotFound(err) {
		return nil, domain.Errorf(domain.KindNotFound, "job-result-expired", "结果文件已过保存期限并清除，请重新发起任务")
	}
	if err != nil {
		return nil, translateRead(ctx, err)
	}
	text, err := r.cipher.open(jobChunkColumn, chunkPlace(id, attempt, number), row.Content)
	return []byte(text), err
}

// DeleteJobChunks implements origination.JobWriter.
func (t *tx) DeleteJobChunks(ctx context.Context, id domain.ID, beforeAttempt, limit int) (deleted int, err error) {
	result := t.db.WithContext(ctx).Exec("DELETE FROM job_chunks WHERE job_id = ? AND attempt < ? ORDER BY attempt, number LIMIT ?", id, beforeAttempt, limit)
	return int(result.RowsAffected), result.Error
}
