package repository

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"fumin/domain"
	"fumin/domain/staff"
)

// ---- branches ----

type branchRow struct {
	ID        domain.ID `gorm:"primaryKey"`
	Code      string
	Name      string
	Level     string
	ParentID  idColumn
	CreatedAt time.Time
}

func (branchRow) TableName() string { return "branches" }

func branchFromRow(row branchRow) (staff.Branch, error) {
	b := staff.Branch{ID: row.ID, Code: row.Code, Name: row.Name, Level: staff.Level(row.Level), ParentID: row.ParentID.ID}
	if err := b.Validate(); err != nil {
		return staff.Branch{}, fmt.Errorf("branch %s: %w", row.ID, err)
	}
	return b, nil
}

// branchesInScope limits a query to the branches of a scope. A borrower's scope has none.
func branchesInScope(db *gorm.DB, scope domain.Scope) *gorm.DB {
	return inScopeOf(db, "branches.id", "", scope)
}

// Branch implements origination.StaffReader.
func (r reader) Branch(ctx context.Context, scope domain.Scope, id domain.ID) (staff.Branch, error) {
	var row branchRow
	err := branchesInScope(r.db.WithContext(ctx), scope).Where("branches.id = ?", id).Take(&row).Error
	if isNotFound(err) {
		return staff.Branch{}, domain.Errorf(domain.KindNotFound, "branch-not-found", "没有这个机构，或不在您的机构范围内")
	}
	if err != nil {
		return staff.Branch{}, translateRead(ctx, err)
	}
	return branchFromRow(row)
}

// Branches implements origination.StaffReader.
func (r reader) Branches(ctx context.Context, scope domain.Scope) ([]staff.Branch, error) {
	var rows []branchRow
	err := branchesInScope(r.db.WithContext(ctx), scope).Order("branches.code").Limit(staff.BranchesMax).Find(&rows).Error
	if err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, branchFromRow)
}

// branchNamesBatch bounds the ids of one query.
const branchNamesBatch = 500

// BranchNamesAsOf implements origination.StaffReader: every name a branch has had stands in its history.
func (r reader) BranchNamesAsOf(ctx context.Context, at time.Time) (map[domain.ID]string, error) {
	var renamed []domain.ID
	err := r.db.WithContext(ctx).Table("staff_events").Clauses(forceIndex("ix_staff_events_subject_at")).
		Where("subject = ? AND at >= ? AND action = ?", string(staff.SubjectBranch), at, string(staff.ActionChange)).
		Distinct().Limit(staff.BranchesMax).Pluck("subject_id", &renamed).Error
	if err != nil {
		return nil, translateRead(ctx, err)
	}
	names := make(map[domain.ID]string, len(renamed))
	for batch := range slices.Chunk(renamed, branchNamesBatch) {
		var rows []staffEventRow
		err := r.db.WithContext(ctx).Where("subject_id IN ? AND subject = ?", batch, string(staff.SubjectBranch)).Order("at, id").Find(&rows).Error
		if err != nil {
			return nil, translateRead(ctx, err)
		}
		for _, row := range rows {
			said := make(map[string]string, len(row.Detail.Content))
			for _, note := range row.Detail.Content {
				said[note.Name] = note.Value
			}
			name := said[staff.NoteName]
			if !row.At.Before(at) { // the first change since says what was before it, for a history whose beginning does not
				if _, known := names[row.SubjectID]; known {
					continue
				}
				name = firstOf(said[staff.NoteNameBefore], name)
			}
			if name != "" {
				names[row.SubjectID] = name
			}
		}
	}
	return names, nil
}

// InsertBranch implements origination.StaffWriter.
func (t *tx) InsertBranch(ctx context.Context, b staff.Branch, event staff.Event) error {
	row := branchRow{ID: b.ID, Code: b.Code, Name: b.Name, Level: string(b.Level), ParentID: idColumn{b.ParentID}, CreatedAt: event.At}
	err := t.db.WithContext(ctx).Create(&row).Error
	switch {
	case isDuplicate(err, "PRIMARY"):
		return errIDExists()
	case isDuplicate(err, "uk_branches_code"):
		return domain.Errorf(domain.KindConflict, "branch-code-taken", "机构号 %s 已属于另一个机构", b.Code)
	case err != nil:
		return err
	}
	return t.InsertStaffEvent(ctx, event)
}

func errIDExists() error {
	return domain.Errorf(domain.KindConflict, "id-exists", "这个编号的记录已存在，请换一个新的 id")
}

// SaveBranch implements origination.StaffWriter.
func (t *tx) SaveBranch(ctx context.Context, b staff.Branch, event staff.Event) error {
	result := t.db.WithContext(ctx).Model(&branchRow{}).Where("id = ?", b.ID).
		Updates(map[string]any{"name": b.Name, "level": string(b.Level)})
	if result.Error != nil {
		return result.Error
	}
	if result.RowsAffected != 1 {
		return errStaleVersion()
	}
	return t.InsertStaffEvent(ctx, event)
}

type branchAncestorRow struct {
	AncestorID domain.ID `gorm:"primaryKey"`
	BranchID   domain.ID `gorm:"primaryKey"`
}

func (branchAncestorRow) TableName() string { return "branch_ancestors" }

// ancestorsBatch bounds the rows of one INSERT.
const ancestorsBatch = 500

// InsertAncestors implements origination.StaffWriter. Pairs never change, so what is there already needs no update.
func (t *tx) InsertAncestors(ctx context.Context, pairs []staff.Ancestor) error {
	rows := make([]branchAncestorRow, len(pairs))
	for i, p := range pairs {
		rows[i] = branchAncestorRow(p)
	}
	return t.db.WithContext(ctx).Clauses(clause.OnConflict{DoNothing: true}).CreateInBatches(rows, ancestorsBatch).Error
}

// ---- users ----

type userRow struct {
	ID                 domain.ID `gorm:"primaryKey"`
	Username           string
	DisplayName        string
	Role               string
	BranchID           domain.ID
	GuaranteeCompanyID idColumn
	PasswordHash       string
	PasswordTemporary  bool
	DeactivatedAt      timeColumn
	Version            int
	CreatedAt          time.Time
	UpdatedAt          time.Time `gorm:"autoUpdateTime:false"`
}

func (userRow) TableName() string { return "users" }

func userToRow(u staff.User) userRow {
	return userRow{
		ID: u.ID, Username: u.Username, DisplayName: u.DisplayName, Role: string(u.Role), BranchID: u.BranchID,
		GuaranteeCompanyID: idColumn{u.GuaranteeCompanyID},
		PasswordHash:       u.PasswordHash.Reveal(), PasswordTemporary: u.PasswordTemporary, DeactivatedAt: timeColumn{u.DeactivatedAt},
		Version: u.Version, CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt,
	}
}

func userFromRow(row userRow) (staff.User, error) {
	hash, err := staff.ParsePasswordHash(row.PasswordHash)
	if err != nil {
		return staff.User{}, fmt.Errorf("user %s: %w", row.ID, err)
	}
	u := staff.User{
		ID: row.ID, Username: row.Username, DisplayName: row.DisplayName, Role: domain.Role(row.Role), BranchID: row.BranchID,
		GuaranteeCompanyID: row.GuaranteeCompanyID.ID,
		PasswordHash:       hash, PasswordTemporary: row.PasswordTemporary, DeactivatedAt: row.DeactivatedAt.Time,
		Version: row.Version, CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(),
	}
	if err := u.Validate(); err != nil {
		return staff.User{}, fmt.Errorf("user %s: %w", row.ID, err)
	}
	return u, nil
}

// usersInScope limits a query to the users of a scope's branches. A borrower's scope has none.
func usersInScope(db *gorm.DB, scope domain.Scope) *gorm.DB {
	return inScopeOf(db, "users.branch_id", "", scope)
}

// takeUser reads the one user a query describes.
func takeUser(ctx context.Context, query *gorm.DB) (staff.User, error) {
	var row userRow
	err := query.Take(&row).Error
	if isNotFound(err) {
		return staff.User{}, domain.Errorf(domain.KindNotFound, "user-not-found", "没有这名员工，或不在您的机构范围内")
	}
	if err != nil {
		return staff.User{}, translateRead(ctx, err)
	}
	return userFromRow(row)
}

// User implements origination.StaffReader.
func (r reader) User(ctx context.Context, scope domain.Scope, id domain.ID) (staff.User, error) {
	return takeUser(ctx, usersInScope(r.db.WithContext(ctx), scope).Where("users.id = ?", id))
}

// Users implements origination.StaffReader.
func (r reader) Users(ctx context.Context, scope domain.Scope, page domain.Page) ([]staff.User, error) {
	query := usersInScope(r.db.WithContext(ctx), scope)
	if !page.After.IsZero() {
		query = query.Where("users.id < ?", page.After)
	}
	var rows []userRow
	if err := query.Order("users.id DESC").Limit(page.Limit).Find(&rows).Error; err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, userFromRow)
}

// UserNames implements origination.StaffReader.
func (r reader) UserNames(ctx context.Context, names []string) (map[string]bool, error) {
	exists := make(map[string]bool, len(names))
	names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !isUsername(name) })
	if len(names) == 0 {
		return exists, nil
	}
	var found []string
	if err := r.db.WithContext(ctx).Model(&userRow{}).Where("username IN ?", names).Pluck("username", &found).Error; err != nil {
		return nil, translateRead(ctx, err)
	}
	for _, name := range found {
		exists[name] = true
	}
	return exists, nil
}

// LockUser implements origination.StaffWriter.
func (t *tx) LockUser(ctx context.Context, scope domain.Scope, id domain.ID) (staff.User, error) {
	return takeUser(ctx, usersInScope(t.db.WithContext(ctx), scope).Clauses(forUpdate).Where("users.id = ?", id))
}

// LockUserByName implements origination.StaffWriter. What cannot be a user name is not looked up: the column holds ASCII.
func (t *tx) LockUserByName(ctx context.Context, name string) (staff.User, error) {
	if !isUsername(name) {
		name = ""
	}
	return takeUser(ctx, t.db.WithContext(ctx).Clauses(forUpdate).Where("users.username = ?", name))
}

func isUsername(s string) bool {
	name, err := staff.ParseUsername(s)
	return err == nil && name == s
}

var forUpdate = clause.Locking{Strength: "UPDATE"}

// InsertUser implements origination.StaffWriter.
func (t *tx) InsertUser(ctx context.Context, u staff.User, event staff.Event) error {
	row := userToRow(u)
	err := t.db.WithContext(ctx).Create(&row).Error
	switch {
	case isDuplicate(err, "PRIMARY"):
		return errIDExists()
	case isDuplicate(err, "uk_users_username"):
		return domain.Errorf(domain.KindConflict, "username-taken", "这个用户名已有人使用，请换一个")
	case err != nil:
		return err
	}
	return t.InsertStaffEvent(ctx, event)
}

// SaveUser implements origination.StaffWriter.
func (t *tx) SaveUser(ctx context.Context, u staff.User, event staff.Event) error {
	row := userToRow(u)
	result := t.db.WithContext(ctx).Model(&userRow{}).
		Where("id = ? AND version = ?", row.ID, row.Version-1).
		Select("*").Omit("id", "username", "created_at").
		Updates(row)
	if result.Error != nil {
		return result.Error
	}
	if result.RowsAffected != 1 {
		return errStaleVersion()
	}
	return t.InsertStaffEvent(ctx, event)
}

// ---- service accounts ----

type serviceAccountRow struct {
	ID            domain.ID `gorm:"primaryKey"`
	Kind          string
	ClientID      string
	Name          string
	SecretHash    []byte
	DeactivatedAt timeColumn
	Version       int
	CreatedAt     time.Time
	UpdatedAt     time.Time `gorm:"autoUpdateTime:false"`
}

func (serviceAccountRow) TableName() string { return "service_accounts" }

func serviceAccountToRow(a staff.ServiceAccount) serviceAccountRow {
	return serviceAccountRow{
		ID: a.ID, Kind: string(a.Kind), ClientID: a.ClientID, Name: a.Name, SecretHash: a.SecretHash, DeactivatedAt: timeColumn{a.DeactivatedAt},
		Version: a.Version, CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt,
	}
}

func serviceAccountFromRow(row serviceAccountRow) (staff.ServiceAccount, error) {
	a := staff.ServiceAccount{
		ID: row.ID, Kind: staff.ServiceAccountKind(row.Kind), ClientID: row.ClientID, Name: row.Name, SecretHash: row.SecretHash, DeactivatedAt: row.DeactivatedAt.Time,
		Version: row.Version, CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(),
	}
	if err := a.Validate(); err != nil {
		return staff.ServiceAccount{}, fmt.Errorf("service account %s: %w", row.ID, err)
	}
	return a, nil
}

// ServiceAccount implements origination.StaffReader. What cannot be a client id is not looked up: the column holds ASCII.
func (r reader) ServiceAccount(ctx context.Context, clientID string) (staff.ServiceAccount, error) {
	if _, err := staff.ParseClientID(clientID); err != nil {
		clientID = ""
	}
	var row serviceAccountRow
	err := r.db.WithContext(ctx).Where("client_id = ?", clientID).Take(&row).Error
	if isNotFound(err) {
		return staff.ServiceAccount{}, domain.Errorf(domain.KindNotFound, "service-account-not-found", "没有这个服务账号")
	}
	if err != nil {
		return staff.ServiceAccount{}, translateRead(ctx, err)
	}
	return serviceAccountFromRow(row)
}

// InsertServiceAccount implements origination.StaffWriter.
func (t *tx) InsertServiceAccount(ctx context.Context, a staff.ServiceAccount, event staff.Event) error {
	row := serviceAccountToRow(a)
	err := t.db.WithContext(ctx).Create(&row).Error
	if isDuplicate(err, "uk_service_accounts_client_id") {
		return domain.Errorf(domain.KindConflict, "client-id-taken", "这个客户端编号已有服务账号使用，请换一个")
	}
	if err != nil {
		return err
	}
	return t.InsertStaffEvent(ctx, event)
}

// SaveServiceAccount implements origination.StaffWriter.
func (t *tx) SaveServiceAccount(ctx context.Context, a staff.ServiceAccount, event staff.Event) error {
	row := serviceAccountToRow(a)
	result := t.db.WithContext(ctx).Model(&serviceAccountRow{}).
		Where("id = ? AND version = ?", row.ID, row.Version-1).
		Select("*").Omit("id", "kind", "client_id", "created_at").
		Updates(row)
	if result.Error != nil {
		return result.Error
	}
	if result.RowsAffected != 1 {
		return errStaleVersion()
	}
	return t.InsertStaffEvent(ctx, event)
}

// ---- the audit trail ----

type staffEventRow struct {
	ID        domain.ID `gorm:"primaryKey"`
	Subject   string
	SubjectID domain.ID
	BranchID  idColumn
	Action    string
	ActorID   domain.ID
	ActorName string
	ActorRole string
	At        time.Time
	Detail    jsonColumn[[]noteColumn]
}

func (staffEventRow) TableName() string { return "staff_events" }

func staffEventFromRow(row staffEventRow) (staff.Event, error) {
	notes := make([]staff.Note, len(row.Detail.Content))
	for i, n := range row.Detail.Content {
		notes[i] = staff.Note(n)
	}
	return staff.Event{
		ID: row.ID, Subject: staff.Subject(row.Subject), SubjectID: row.SubjectID, BranchID: row.BranchID.ID, Action: staff.Action(row.Action),
		ActorID: row.ActorID, ActorName: row.ActorName, ActorRole: domain.Role(row.ActorRole), At: row.At.UTC(), Detail: notes,
	}, nil
}

// InsertStaffEvent implements origination.StaffWriter.
func (t *tx) InsertStaffEvent(ctx context.Context, e staff.Event) error {
	notes := make([]noteColumn, len(e.Detail))
	for i, n := range e.Detail {
		notes[i] = noteColumn(n)
	}
	row := staffEventRow{
		ID: e.ID, Subject: string(e.Subject), SubjectID: e.SubjectID, BranchID: idColumn{e.BranchID}, Action: string(e.Action),
		ActorID: e.ActorID, ActorName: e.ActorName, ActorRole: string(e.ActorRole), At: e.At, Detail: jsonColumn[[]noteColumn]{notes},
	}
	return t.db.WithContext(ctx).Create(&row).Error
}

// StaffEvents implements origination.StaffReader.
func (r reader) StaffEvents(ctx context.Context, scope domain.Scope, userID domain.ID, page domain.Page) ([]staff.Event, error) {
	query := inScopeOf(r.db.WithContext(ctx), "staff_events.branch_id", "", scope).Where("staff_events.subject_id = ?", userID)
	if !page.After.IsZero() {
		query = query.Where("staff_events.id < ?", page.After)
	}
	var rows []staffEventRow
	if err := query.Order("staff_events.id DESC").Limit(page.Limit).Find(&rows).Error; err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, staffEventFromRow)
}
