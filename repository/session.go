package repository

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"fumin/domain"
	"fumin/domain/staff"
)

// ---- login attempts ----

type loginAttemptsRow struct {
	NameIndex     []byte `gorm:"primaryKey"`
	Failures      int
	LastFailureAt timeColumn
	LockedUntil   timeColumn
	TouchedAt     time.Time
}

func (loginAttemptsRow) TableName() string { return "login_attempts" }

// nameIndex is the blind index of a user name somebody tried.
func (t *tx) nameIndex(name string) ([]byte, error) {
	// "name:" because the index of an empty text is none, and an empty name is tried as well.
	return t.cipher.blind("login_attempts", "name:"+name)
}

// LockLoginAttempts implements origination.StaffWriter. A name that was never tried has no row to lock, so it gets one;
// the INSERT waits for another transaction that is making the same row, and then changes nothing.
func (t *tx) LockLoginAttempts(ctx context.Context, name string, now time.Time) (staff.LoginAttempts, error) {
	index, err := t.nameIndex(name)
	if err != nil {
		return staff.LoginAttempts{}, err
	}
	row, err := t.takeLoginAttempts(ctx, index)
	if isNotFound(err) {
		// Not "(?": right after a parenthesis GORM writes a []byte as a list of numbers.
		err = t.db.WithContext(ctx).Exec(
			"INSERT INTO login_attempts (failures, name_index, touched_at) VALUES (0, ?, ?) ON DUPLICATE KEY UPDATE failures = failures",
			index, now).Error
		if err == nil {
			row, err = t.takeLoginAttempts(ctx, index)
		}
	}
	if err != nil {
		return staff.LoginAttempts{}, translateRead(ctx, err)
	}
	return staff.LoginAttempts{Failures: row.Failures, LastFailureAt: row.LastFailureAt.Time, LockedUntil: row.LockedUntil.Time}, nil
}

func (t *tx) takeLoginAttempts(ctx context.Context, index []byte) (loginAttemptsRow, error) {
	var row loginAttemptsRow
	err := t.db.WithContext(ctx).Clauses(forUpdate).Where("name_index = ?", index).Take(&row).Error
	return row, err
}

// SaveLoginAttempts implements origination.StaffWriter.
func (t *tx) SaveLoginAttempts(ctx context.Context, name string, a staff.LoginAttempts, now time.Time) error {
	index, err := t.nameIndex(name)
	if err != nil {
		return err
	}
	result := t.db.WithContext(ctx).Model(&loginAttemptsRow{}).Where("name_index = ?", index).Updates(map[string]any{
		"failures": a.Failures, "last_failure_at": timeColumn{a.LastFailureAt}, "locked_until": timeColumn{a.LockedUntil}, "touched_at": now,
	})
	if result.Error == nil && result.RowsAffected != 1 {
		return errors.New("login attempts saved without having been locked")
	}
	return result.Error
}

// DeleteLoginAttempts implements origination.StaffWriter.
func (t *tx) DeleteLoginAttempts(ctx context.Context, until time.Time, limit int) (deleted int, err error) {
	result := t.db.WithContext(ctx).Exec("DELETE FROM login_attempts WHERE touched_at <= ? ORDER BY touched_at LIMIT ?", until, limit)
	return int(result.RowsAffected), result.Error
}

// ---- sessions ----

type sessionRow struct {
	ID          domain.ID `gorm:"primaryKey"`
	UserID      domain.ID
	Generation  int
	StartedAt   time.Time
	RefreshedAt time.Time
	ExpiresAt   time.Time
	EndedAt     timeColumn
	EndReason   string
}

func (sessionRow) TableName() string { return "sessions" }

func sessionToRow(s staff.Session) sessionRow {
	return sessionRow{
		ID: s.ID, UserID: s.UserID, Generation: s.Generation, StartedAt: s.StartedAt, RefreshedAt: s.RefreshedAt, ExpiresAt: s.ExpiresAt,
		EndedAt: timeColumn{s.EndedAt}, EndReason: string(s.EndReason),
	}
}

func sessionFromRow(row sessionRow) staff.Session {
	return staff.Session{
		ID: row.ID, UserID: row.UserID, Generation: row.Generation, StartedAt: row.StartedAt.UTC(), RefreshedAt: row.RefreshedAt.UTC(),
		ExpiresAt: row.ExpiresAt.UTC(), EndedAt: row.EndedAt.Time, EndReason: staff.SessionEnd(row.EndReason),
	}
}

type refreshTokenRow struct {
	TokenHash  []byte `gorm:"primaryKey"`
	SessionID  domain.ID
	Generation int
}

func (refreshTokenRow) TableName() string { return "refresh_tokens" }

// RefreshToken implements origination.StaffReader.
func (r reader) RefreshToken(ctx context.Context, hash []byte) (staff.RefreshToken, error) {
	var row refreshTokenRow
	err := r.db.WithContext(ctx).Where("token_hash = ?", hash).Take(&row).Error
	if isNotFound(err) {
		return staff.RefreshToken{}, nil
	}
	if err != nil {
		return staff.RefreshToken{}, translateRead(ctx, err)
	}
	return staff.RefreshToken{SessionID: row.SessionID, Generation: row.Generation}, nil
}

// InsertSession implements origination.StaffWriter.
func (t *tx) InsertSession(ctx context.Context, s staff.Session, tokenHash []byte, event staff.Event) error {
	row := sessionToRow(s)
	if err := t.db.WithContext(ctx).Create(&row).Error; err != nil {
		return err
	}
	if err := t.insertRefreshToken(ctx, s, tokenHash); err != nil {
		return err
	}
	return t.InsertStaffEvent(ctx, event)
}

func (t *tx) insertRefreshToken(ctx context.Context, s staff.Session, tokenHash []byte) error {
	return t.db.WithContext(ctx).Create(&refreshTokenRow{TokenHash: tokenHash, SessionID: s.ID, Generation: s.Generation}).Error
}

// LockSession implements origination.StaffWriter.
func (t *tx) LockSession(ctx context.Context, id domain.ID) (staff.Session, error) {
	var row sessionRow
	if err := t.db.WithContext(ctx).Clauses(forUpdate).Where("id = ?", id).Take(&row).Error; err != nil {
		return staff.Session{}, translateRead(ctx, err)
	}
	return sessionFromRow(row), nil
}

// ContinueSession implements origination.StaffWriter.
func (t *tx) ContinueSession(ctx context.Context, s staff.Session, tokenHash []byte) error {
	result := t.db.WithContext(ctx).Model(&sessionRow{}).
		Where("id = ? AND generation = ? AND ended_at IS NULL", s.ID, s.Generation-1).
		Updates(map[string]any{"generation": s.Generation, "refreshed_at": s.RefreshedAt, "expires_at": s.ExpiresAt})
	if err := oneSession(result); err != nil {
		return err
	}
	return t.insertRefreshToken(ctx, s, tokenHash)
}

// EndSession implements origination.StaffWriter.
func (t *tx) EndSession(ctx context.Context, s staff.Session, event staff.Event) error {
	result := t.db.WithContext(ctx).Model(&sessionRow{}).Where("id = ? AND ended_at IS NULL", s.ID).
		Updates(map[string]any{"ended_at": timeColumn{s.EndedAt}, "end_reason": string(s.EndReason)})
	if err := oneSession(result); err != nil {
		return err
	}
	return t.InsertStaffEvent(ctx, event)
}

func oneSession(result *gorm.DB) error {
	if result.Error == nil && result.RowsAffected != 1 {
		return errStaleVersion()
	}
	return result.Error
}

// EndSessions implements origination.StaffWriter.
func (t *tx) EndSessions(ctx context.Context, userID domain.ID, keep int, why staff.SessionEnd, now time.Time) (ended int, err error) {
	var ids []domain.ID
	err = t.db.WithContext(ctx).Model(&sessionRow{}).
		Where("user_id = ? AND ended_at IS NULL AND expires_at > ?", userID, now).
		Order("id DESC").Offset(keep).Limit(staff.SessionsMax+1).Pluck("id", &ids).Error
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	result := t.db.WithContext(ctx).Model(&sessionRow{}).Where("id IN ? AND ended_at IS NULL", ids).
		Updates(map[string]any{"ended_at": now, "end_reason": string(why)})
	return int(result.RowsAffected), result.Error
}

// DeleteSessions implements origination.StaffWriter.
func (t *tx) DeleteSessions(ctx context.Context, before time.Time, limit int) (deleted int, err error) {
	var ids []domain.ID
	err = t.db.WithContext(ctx).Model(&sessionRow{}).Where("expires_at < ?", before).Order("expires_at").Limit(limit).Pluck("id", &ids).Error
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	if err := t.db.WithContext(ctx).Where("session_id IN ?", ids).Delete(&refreshTokenRow{}).Error; err != nil {
		return 0, err
	}
	result := t.db.WithContext(ctx).Where("id IN ?", ids).Delete(&sessionRow{})
	return int(result.RowsAffected), result.Error
}
