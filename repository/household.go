package repository

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/origination"
	"fumin/domain/staff"
)

type householdRow struct {
	ID            domain.ID `gorm:"primaryKey"`
	BranchID      domain.ID
	VillageCode   string
	AddressCipher []byte
	HeadID        domain.ID
	Property      jsonColumn[propertyDocument]
	Changes       jsonColumn[[]changeDocument]
	EndedOn       dateColumn
	Version       int
	CreatedAt     time.Time
}

func (householdRow) TableName() string { return "households" }

type householdMemberRow struct {
	HouseholdID          domain.ID `gorm:"primaryKey"`
	Position             int       `gorm:"primaryKey;autoIncrement:false"`
	ID                   domain.ID
	Name                 string
	IDNumberCipher       []byte
	IDNumberIndex        []byte
	PresentIDNumberIndex []byte
	Relation             string
	JoinedOn             dateColumn
	LeftOn               dateColumn
	JoinedAt             timeColumn // when the stay was recorded: a report of a past day counts what was known by then
	AnonymisedAt         timeColumn
}

func (householdMemberRow) TableName() string { return "household_members" }

// What a blind index is of: a phone never meets an account.
const (
	indexIDNumber    = "id_number"
	indexCreditCode  = "credit_code"
	indexPhone       = "phone"
	indexBankAccount = "bank_account"
)

func (c *Cipher) householdToRows(h borrower.Household) (row householdRow, members []householdMemberRow, err error) {
	address, err := c.seal("households.address", h.ID, h.Address.Reveal())
	if err != nil {
		return householdRow{}, nil, err
	}
	row = householdRow{
		ID: h.ID, BranchID: h.BranchID, VillageCode: h.VillageCode.String(), AddressCipher: address, HeadID: h.HeadID,
		Property: jsonColumn[propertyDocument]{propertyToDocument(h.Lands, h.Livestock, h.Crops, h.Figures)},
		Changes:  jsonColumn[[]changeDocument]{convert(h.Changes, func(c borrower.Change) changeDocument { return changeDocument(c) })},
		EndedOn:  dateColumn{h.EndedOn}, Version: h.Version, CreatedAt: h.CreatedAt,
	}
	members = make([]householdMemberRow, len(h.Members))
	for i, m := range h.Members {
		if members[i], err = c.memberToRow(h.ID, i, m); err != nil {
			return householdRow{}, nil, err
		}
	}
	return row, members, nil
}

func (c *Cipher) memberToRow(householdID domain.ID, position int, m borrower.Member) (householdMemberRow, error) {
	number, err := c.seal("household_members.id_number", m.ID, m.IDNumber.Reveal())
	if err != nil {
		return householdMemberRow{}, err
	}
	index, err := c.blind(indexIDNumber, m.IDNumber.Reveal())
	if err != nil {
		return householdMemberRow{}, err
	}
	row := householdMemberRow{
		HouseholdID: householdID, Position: position, ID: m.ID, Name: m.Name.Reveal(), IDNumberCipher: number, IDNumberIndex: index,
		Relation: string(m.Relation), JoinedOn: dateColumn{m.JoinedOn}, LeftOn: dateColumn{m.LeftOn},
		AnonymisedAt: timeColumn{m.AnonymisedAt},
	}
	if m.Present() {
		row.PresentIDNumberIndex = index
	}
	return row, nil
}

func (c *Cipher) householdFromRows(row householdRow, members []householdMemberRow) (borrower.Household, error) {
	address, err := openAs(c, "households.address", row.ID, row.AddressCipher, borrower.ParseAddress)
	if err != nil {
		return borrower.Household{}, err
	}
	h := borrower.Household{
		ID: row.ID, BranchID: row.BranchID, VillageCode: borrower.RegionCode(row.VillageCode), Address: address, HeadID: row.HeadID,
		Members: make([]borrower.Member, len(members)),
		Lands:   row.Property.Content.lands(), Livestock: row.Property.Content.livestock(), Crops: row.Property.Content.crops(),
		Figures: row.Property.Content.figures(),
		Changes: convert(row.Changes.Content, func(c changeDocument) borrower.Change { return borrower.Change(c) }),
		EndedOn: row.EndedOn.Date, Version: row.Version, CreatedAt: row.CreatedAt.UTC(),
	}
	for i, m := range members {
		if h.Members[i], err = c.memberFromRow(m); err != nil {
			return borrower.Household{}, fmt.Errorf("household %s: %w", row.ID, err)
		}
	}
	// The reading half of the assertions: what cannot be is refused here as well.
	if err := h.Validate(); err != nil {
		return borrower.Household{}, storedInvalid("household", row.ID, err)
	}
	return h, nil
}

func (c *Cipher) memberFromRow(row householdMemberRow) (borrower.Member, error) {
	name, err := storedText(row.Name, borrower.ParseName)
	if err != nil {
		return borrower.Member{}, err
	}
	number, err := openAs(c, "household_members.id_number", row.ID, row.IDNumberCipher, borrower.ParseIDNumber)
	if err != nil {
		return borrower.Member{}, err
	}
	return borrower.Member{
		ID: row.ID, Name: name, IDNumber: number, Relation: borrower.Relation(row.Relation),
		JoinedOn: row.JoinedOn.Date, LeftOn: row.LeftOn.Date, AnonymisedAt: row.AnonymisedAt.Time,
	}, nil
}

// openAs decrypts a column and parses what it holds; an absent value stays absent.
func openAs[T any](c *Cipher, column string, row domain.ID, sealed []byte, parse func(string) (T, error)) (value T, err error) {
	text, err := c.open(column, row, sealed)
	if err != nil {
		return value, err
	}
	value, err = storedText(text, parse)
	if err != nil {
		return value, fmt.Errorf("%s of %s: %w", column, row, err)
	}
	return value, nil
}

// storedText parses a text that may be absent.
func storedText[T any](text string, parse func(string) (T, error)) (value T, err error) {
	if text == "" {
		return value, nil
	}
	return parse(text)
}

// storedInvalid says that a stored record cannot be. It is our fault and not the client's, so it must not stay a
// *domain.Error, which would be a 422.
func storedInvalid(what string, id domain.ID, err error) error {
	return fmt.Errorf("stored %s %s is not valid: %s", what, id, err.Error())
}

func errHouseholdNotFound() error {
	return domain.Errorf(domain.KindNotFound, "household-not-found", "没有这户，或不在您的机构范围内")
}

// householdsInScope limits a query to what a scope may see. A borrower sees its own record and not the household's, which
// holds other people's data.
func householdsInScope(db *gorm.DB, scope domain.Scope) *gorm.DB {
	return inScopeOf(db, "households.branch_id", "", scope)
}

// listInScope is inScopeOf for a list: it looks the branches up first and names them in the query. With a subquery the
// server reads all rows of the branches and sorts them (0.75 s for a head office with 200,000 borrowers); with the
// branches in hand it sees that it need only walk an index until the page is full (1 ms).
func (r reader) listInScope(ctx context.Context, db *gorm.DB, branchColumn, borrowerColumn string, scope domain.Scope) (*gorm.DB, error) {
	query, _, err := r.listOfBranches(ctx, db, branchColumn, borrowerColumn, scope)
	return query, err
}

// listOfBranches is listInScope, and tells how many branches the query names: none when it is not by branches.
func (r reader) listOfBranches(ctx context.Context, db *gorm.DB, branchColumn, borrowerColumn string, scope domain.Scope) (query *gorm.DB, named int, err error) {
	if scope.BranchID.IsZero() || scope.Everything || !scope.BorrowerID.IsZero() {
		return inScopeOf(db, branchColumn, borrowerColumn, scope), 0, nil
	}
	var branches []domain.ID
	err = r.db.WithContext(ctx).Table("branch_ancestors").Where("ancestor_id = ?", scope.BranchID).
		Limit(staff.BranchesMax+1).Pluck("branch_id", &branches).Error
	switch {
	case err != nil:
		return nil, 0, translateRead(ctx, err)
	case len(branches) > staff.BranchesMax:
		return inScopeOf(db, branchColumn, borrowerColumn, scope), 0, nil
	case len(branches) == 0:
		return db.Where("1 = 0"), 0, nil
	}
	return db.Where(branchColumn+" IN ?", branches), len(branches), nil
}

// Household implements origination.BorrowerReader.
func (r reader) Household(ctx context.Context, scope domain.Scope, id domain.ID) (borrower.Household, error) {
	return r.household(ctx, r.db, scope, id)
}

// household reads with db, which may lock the household's row. Its members need no lock of their own: whoever changes them
// locks the household first.
func (r reader) household(ctx context.Context, db *gorm.DB, scope domain.Scope, id domain.ID) (borrower.Household, error) {
	var row householdRow
	err := householdsInScope(db.WithContext(ctx), scope).Where("households.id = ?", id).Take(&row).Error
	if isNotFound(err) {
		return borrower.Household{}, errHouseholdNotFound()
	}
	if err != nil {
		return borrower.Household{}, translateRead(ctx, err)
	}
	households, err := r.withMembers(ctx, []householdRow{row})
	if err != nil {
		return borrower.Household{}, err
	}
	return households[0], nil
}

// withMembers completes a page of households by one more query.
func (r reader) withMembers(ctx context.Context, rows []householdRow) ([]borrower.Household, error) {
	ids := make([]domain.ID, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
	}
	var members []householdMemberRow
	if len(ids) > 0 {
		err := r.db.WithContext(ctx).Where("household_id IN ?", ids).Order("household_id, position").Find(&members).Error
		if err != nil {
			return nil, translateRead(ctx, err)
		}
	}
	byHousehold := map[domain.ID][]householdMemberRow{}
	for _, m := range members {
		byHousehold[m.HouseholdID] = append(byHousehold[m.HouseholdID], m)
	}
	return mapRows(rows, func(row householdRow) (borrower.Household, error) {
		return r.cipher.householdFromRows(row, byHousehold[row.ID])
	})
}

// Households implements origination.BorrowerReader.
func (r reader) Households(ctx context.Context, scope domain.Scope, f origination.HouseholdFilter, page domain.Page) ([]borrower.Household, error) {
	query, err := r.householdsPage(ctx, r.db.WithContext(ctx), scope, f, page)
	if err != nil {
		return nil, err
	}
	var rows []householdRow
	if err := query.Find(&rows).Error; err != nil {
		return nil, translateRead(ctx, err)
	}
	return r.withMembers(ctx, rows)
}

// householdsPage is the query of one page.
func (r reader) householdsPage(ctx context.Context, db *gorm.DB, scope domain.Scope, f origination.HouseholdFilter, page domain.Page) (*gorm.DB, error) {
	query, err := r.listInScope(ctx, db, "households.branch_id", "", scope)
	if err != nil {
		return nil, err
	}
	if !f.VillageCode.IsZero() {
		query = query.Where("households.village_code = ?", f.VillageCode.String())
	}
	if !page.After.IsZero() {
		query = query.Where("households.id < ?", page.After)
	}
	return query.Order("households.id DESC").Limit(page.Limit), nil
}

// KnownMember implements origination.BorrowerReader.
func (r reader) KnownMember(ctx context.Context, scope domain.Scope, number borrower.IDNumber) (*origination.Known, error) {
	indexes, err := r.cipher.blinds(indexIDNumber, number.Reveal())
	if err != nil || number.IsZero() {
		return nil, err
	}
	query := r.db.WithContext(ctx).Table("household_members").
		Joins("JOIN households ON households.id = household_members.household_id").
		Where("household_members.present_id_number_index IN ?", indexes)
	return r.known(ctx, query, "households", func(db *gorm.DB) *gorm.DB { return householdsInScope(db, scope) })
}

// known finds the first record of a query on table, the branch that keeps it, and whether it is in scope.
func (r reader) known(ctx context.Context, query *gorm.DB, table string, inScope func(*gorm.DB) *gorm.DB) (*origination.Known, error) {
	var found []struct {
		ID         domain.ID
		BranchName string
	}
	err := query.Joins("JOIN branches ON branches.id = " + table + ".branch_id").
		Select(table + ".id, branches.name AS branch_name").Order(table + ".id").Limit(1).Find(&found).Error
	if err != nil {
		return nil, translateRead(ctx, err)
	}
	if len(found) == 0 {
		return nil, nil //nolint:nilnil // "nobody" is the usual answer
	}
	var visible []domain.ID
	err = inScope(r.db.WithContext(ctx).Table(table)).Where(table+".id = ?", found[0].ID).Pluck(table+".id", &visible).Error
	if err != nil {
		return nil, translateRead(ctx, err)
	}
	return &origination.Known{ID: found[0].ID, BranchName: found[0].BranchName, Visible: slices.Contains(visible, found[0].ID)}, nil
}

// LockHousehold implements origination.BorrowerWriter.
func (t *tx) LockHousehold(ctx context.Context, scope domain.Scope, id domain.ID) (borrower.Household, error) {
	return t.household(ctx, t.db.Clauses(clause.Locking{Strength: "UPDATE"}), scope, id)
}

// InsertHousehold implements origination.BorrowerWriter.
func (t *tx) InsertHousehold(ctx context.Context, h borrower.Household, event origination.BorrowerEvent) error {
	row, members, err := t.cipher.householdToRows(h)
	if err != nil {
		return err
	}
	if err := t.db.WithContext(ctx).Create(&row).Error; err != nil {
		return translateID(err)
	}
	if err := t.insertMembers(ctx, members, event.At); err != nil {
		return err
	}
	return t.insertBorrowerEvent(ctx, event)
}

// insertMembers adds stays that were recorded at a time.
func (t *tx) insertMembers(ctx context.Context, members []householdMemberRow, at time.Time) error {
	for i := range members {
		members[i].JoinedAt = timeColumn{at}
	}
	return translateMember(insertRows(ctx, t.db, members))
}

// recordEnds notes when the ends of a household and of its stays were recorded, once each.
func (t *tx) recordEnds(ctx context.Context, id domain.ID, at time.Time) error {
	err := t.db.WithContext(ctx).Table("household_members").
		Where("household_id = ? AND left_on IS NOT NULL AND left_at IS NULL", id).UpdateColumn("left_at", at).Error
	if err != nil {
		return err
	}
	return t.db.WithContext(ctx).Table("households").Where("id = ? AND ended_on IS NOT NULL AND ended_at IS NULL", id).UpdateColumn("ended_at", at).Error
}

// SaveHousehold implements origination.BorrowerWriter. The stays that are on file are updated in place and new ones added
// after them; one statement for each, because an upsert would take a person's other household for this one.
func (t *tx) SaveHousehold(ctx context.Context, h borrower.Household, event origination.BorrowerEvent) error {
	row, members, err := t.cipher.householdToRows(h)
	if err != nil {
		return err
	}
	result := t.db.WithContext(ctx).Model(&householdRow{}).Where("id = ? AND version = ?", row.ID, row.Version-1).
		Select("*").Omit("id", "branch_id", "created_at").Updates(row)
	if result.Error != nil {
		return result.Error
	}
	if result.RowsAffected != 1 {
		return errStaleVersion()
	}
	var stored int64
	if err := t.db.WithContext(ctx).Model(&householdMemberRow{}).Where("household_id = ?", h.ID).Count(&stored).Error; err != nil {
		return err
	}
	if int(stored) > len(members) {
		return fmt.Errorf("household %s: %d stays are on file and %d are left: a stay is never deleted", h.ID, stored, len(members))
	}
	for _, member := range members[:stored] { // at most borrower.ListMax
		err := t.db.WithContext(ctx).Model(&householdMemberRow{}).Where("household_id = ? AND position = ?", member.HouseholdID, member.Position).
			Select("*").Omit("household_id", "position", "id", "joined_on", "joined_at").Updates(member).Error
		if err != nil {
			return translateMember(err)
		}
	}
	if err := t.insertMembers(ctx, members[stored:], event.At); err != nil {
		return err
	}
	if err := t.recordEnds(ctx, h.ID, event.At); err != nil {
		return err
	}
	return t.insertBorrowerEvent(ctx, event)
}

// HouseholdsOfMember implements origination.BorrowerReader.
func (r reader) HouseholdsOfMember(ctx context.Context, number borrower.IDNumber) ([]domain.ID, error) {
	indexes, err := r.cipher.blinds(indexIDNumber, number.Reveal())
	if err != nil || number.IsZero() {
		return nil, err
	}
	var ids []domain.ID
	err = r.db.WithContext(ctx).Model(&householdMemberRow{}).Where("id_number_index IN ?", indexes).
		Distinct().Order("household_id").Limit(borrower.ListMax).Pluck("household_id", &ids).Error
	return ids, translateRead(ctx, err)
}

// BorrowersOutside implements origination.BorrowerReader.
func (r reader) BorrowersOutside(ctx context.Context, h borrower.Household) ([]domain.ID, error) {
	var ids []domain.ID
	err := r.db.WithContext(ctx).Model(&borrowerRow{}).
		Joins("JOIN household_members ON household_members.present_id_number_index = borrowers.id_number_index").
		Where("household_members.household_id = ? AND borrowers.household_id IS NOT NULL AND borrowers.household_id <> ?", h.ID, h.ID).
		Order("borrowers.id").Limit(borrower.ListMax).Pluck("borrowers.id", &ids).Error
	return ids, translateRead(ctx, err)
}

// translateID names the one duplicate a client can cause with an id of its own.
func translateID(err error) error {
	if isDuplicate(err, "PRIMARY") {
		return domain.Errorf(domain.KindConflict, "id-exists", "这个编号的记录已存在，请换一个新的 id")
	}
	return err
}

func translateMember(err error) error {
	if isDuplicate(err, "uk_household_members_present") {
		return domain.Errorf(domain.KindConflict, "person-in-household", "此人已是另一户的成员，一人同时只能在一户")
	}
	return err
}
