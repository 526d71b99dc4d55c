package repository

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"gorm.io/gorm"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/origination"
)

// recommendedBatch is how many rows one statement inserts or looks for: 50,000 rows are a hundred statements, each well below
// any server's limit on the size of a packet.
const recommendedBatch = 500

type recommendedListRow struct {
	ID               domain.ID `gorm:"primaryKey"`
	BranchID         domain.ID
	ListNo           string
	Issuer           string
	ListedOn         dateColumn
	ValidUntil       dateColumn
	Format           string
	Encoding         string
	FileSHA256       []byte `gorm:"column:file_sha256"`
	RowsAccepted     int
	RowsAlreadyKnown int
	RowsRefused      int
	ImportedBy       domain.ID
	ImportedByName   string
	ImportedAt       time.Time
}

func (recommendedListRow) TableName() string { return "recommended_lists" }

func recommendedListToRow(l origination.RecommendedList) recommendedListRow {
	return recommendedListRow{
		ID: l.ID, BranchID: l.BranchID, ListNo: l.ListNo, Issuer: l.Issuer,
		ListedOn: dateColumn{l.ListedOn}, ValidUntil: dateColumn{l.ValidUntil},
		Format: string(l.Format), Encoding: string(l.Encoding), FileSHA256: l.File[:],
		RowsAccepted: l.Accepted, RowsAlreadyKnown: l.AlreadyKnown, RowsRefused: l.Refused,
		ImportedBy: l.ImportedBy, ImportedByName: l.ImportedByName, ImportedAt: l.ImportedAt,
	}
}

func recommendedListFromRow(row recommendedListRow) origination.RecommendedList {
	l := origination.RecommendedList{
		ID: row.ID, BranchID: row.BranchID, ListNo: row.ListNo, Issuer: row.Issuer,
		ListedOn: row.ListedOn.Date, ValidUntil: row.ValidUntil.Date,
		Format: origination.ListFormat(row.Format), Encoding: origination.TextEncoding(row.Encoding),
		Accepted: row.RowsAccepted, AlreadyKnown: row.RowsAlreadyKnown, Refused: row.RowsRefused,
		ImportedBy: row.ImportedBy, ImportedByName: row.ImportedByName, ImportedAt: row.ImportedAt.UTC(),
	}
	copy(l.File[:], row.FileSHA256) // BINARY(32)
	return l
}

type recommendedEntryRow struct {
	ListID       domain.ID `gorm:"primaryKey"`
	RowNo        int       `gorm:"primaryKey;autoIncrement:false"`
	Outcome      string
	Reason       string
	Kind         string
	Name         string
	NumberCipher []byte
	NumberIndex  []byte
	VillageCode  string
}

func (recommendedEntryRow) TableName() string { return "recommended_entries" }

const recommendedNumberColumn = "recommended_entries.number"

// entryPlace stands for the id of a row whose key is its list and its number in it: a value copied to another row does not
// decrypt.
func entryPlace(listID domain.ID, row int) domain.ID {
	return listID + domain.ID("/"+strconv.Itoa(row))
}

// recommendedIndexOf says what a number's blind index is of, and the number itself.
func recommendedIndexOf(n origination.RecommendedNumber) (what, text string) {
	if !n.CreditCode.IsZero() {
		return indexCreditCode, n.CreditCode.Reveal()
	}
	return indexIDNumber, n.IDNumber.Reveal()
}

func (c *Cipher) recommendedEntryToRow(listID domain.ID, e origination.RecommendedEntry) (row recommendedEntryRow, err error) {
	row = recommendedEntryRow{
		ListID: listID, RowNo: e.Row, Outcome: string(e.Outcome), Reason: e.Reason, Kind: string(e.Kind), Name: e.Name.Reveal(),
		VillageCode: e.VillageCode.String(),
	}
	what, text := recommendedIndexOf(e.Number)
	row.NumberCipher, row.NumberIndex, err = c.sealIndexed(recommendedNumberColumn, what, entryPlace(listID, e.Row), text)
	return row, err
}

func (c *Cipher) recommendedEntryFromRow(row recommendedEntryRow) (e origination.RecommendedEntry, err error) {
	e = origination.RecommendedEntry{
		Row: row.RowNo, Outcome: borrower.RecommendedOutcome(row.Outcome), Reason: row.Reason, Kind: borrower.Kind(row.Kind),
		VillageCode: borrower.RegionCode(row.VillageCode),
	}
	if e.Name, err = storedText(row.Name, borrower.ParseName); err != nil {
		return origination.RecommendedEntry{}, fmt.Errorf("recommended entry %s/%d: name: %w", row.ListID, row.RowNo, err)
	}
	place := entryPlace(row.ListID, row.RowNo)
	if e.Kind.IsOrganisation() {
		e.Number.CreditCode, err = openAs(c, recommendedNumberColumn, place, row.NumberCipher, borrower.ParseCreditCode)
	} else {
		e.Number.IDNumber, err = openAs(c, recommendedNumberColumn, place, row.NumberCipher, borrower.ParseIDNumber)
	}
	return e, err
}

// recommendedInScope limits a query to the lists a scope may see. They are a branch's; a borrower sees none.
func recommendedInScope(db *gorm.DB, scope domain.Scope) *gorm.DB {
	return inScopeOf(db, "recommended_lists.branch_id", "", scope)
}

// RecommendedList implements origination.RecommendationReader.
func (r reader) RecommendedList(ctx context.Context, scope domain.Scope, id domain.ID) (origination.RecommendedList, error) {
	var row recommendedListRow
	err := recommendedInScope(r.db.WithContext(ctx), scope).Where("recommended_lists.id = ?", id).Take(&row).Error
	if isNotFound(err) {
		return origination.RecommendedList{}, domain.Errorf(domain.KindNotFound, "recommended-list-not-found", "没有这份推荐名单，或不在您的机构范围内")
	}
	if err != nil {
		return origination.RecommendedList{}, translateRead(ctx, err)
	}
	return recommendedListFromRow(row), nil
}

// RecommendedLists implements origination.RecommendationReader.
func (r reader) RecommendedLists(ctx context.Context, scope domain.Scope, page domain.Page) ([]origination.RecommendedList, error) {
	query, branches, err := r.listOfBranches(ctx, r.db.WithContext(ctx), "recommended_lists.branch_id", "", scope)
	if err != nil {
		return nil, err
	}
	if branches == 1 { // see casesPage
		query = query.Clauses(forceIndex("ix_recommended_lists_branch"))
	}
	if !page.After.IsZero() {
		query = query.Where("recommended_lists.id < ?", page.After)
	}
	var rows []recommendedListRow
	if err := query.Order("recommended_lists.id DESC").Limit(page.Limit).Find(&rows).Error; err != nil {
		return nil, translateRead(ctx, err)
	}
	return convert(rows, recommendedListFromRow), nil
}

// RecommendedListOfFile implements origination.RecommendationReader.
func (r reader) RecommendedListOfFile(ctx context.Context, branchID domain.ID, file origination.FileHash) (list origination.RecommendedList, found bool, err error) {
	var row recommendedListRow
	err = r.db.WithContext(ctx).Where("branch_id = ? AND file_sha256 = ?", branchID, file[:]).Take(&row).Error
	if isNotFound(err) {
		return origination.RecommendedList{}, false, nil
	}
	if err != nil {
		return origination.RecommendedList{}, false, translateRead(ctx, err)
	}
	return recommendedListFromRow(row), true, nil
}

// RecommendedEntries implements origination.RecommendationReader.
func (r reader) RecommendedEntries(ctx context.Context, listID domain.ID, afterRow, limit int) ([]origination.RecommendedEntry, error) {
	var rows []recommendedEntryRow
	err := r.db.WithContext(ctx).Where("list_id = ? AND row_no > ?", listID, afterRow).Order("row_no").Limit(limit).Find(&rows).Error
	if err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, r.cipher.recommendedEntryFromRow)
}

// liveOn keeps the entries of lists that hold on the day.
func liveOn(entries *gorm.DB, day domain.Date) *gorm.DB {
	return entries.Joins("JOIN recommended_lists ON recommended_lists.id = recommended_entries.list_id").
		Where("recommended_lists.listed_on <= ?", dateColumn{day}).
		Where("(recommended_lists.valid_until IS NULL OR recommended_lists.valid_until >= ?)", dateColumn{day})
}

// EarlierEntries implements origination.RecommendationReader, a batch of numbers at a time.
func (r reader) EarlierEntries(ctx context.Context, branchID domain.ID, numbers []origination.RecommendedNumber, day domain.Date) (map[origination.RecommendedNumber]origination.EarlierEntry, error) {
	earlier := map[origination.RecommendedNumber]origination.EarlierEntry{}
	for len(numbers) > 0 {
		batch := numbers[:min(recommendedBatch, len(numbers))]
		numbers = numbers[len(batch):]
		indexes, owners, err := r.recommendedIndexes(batch)
		if err != nil {
			return nil, err
		}
		var found []struct {
			NumberIndex []byte
			ListNo      string
			RowNo       int
		}
		// The first list that has the number is the one that is named.
		err = liveOn(r.db.WithContext(ctx).Table("recommended_entries"), day).
			Where("recommended_entries.number_index IN ? AND recommended_lists.branch_id = ?", indexes, branchID).
			Select("recommended_entries.number_index, recommended_lists.list_no, recommended_entries.row_no").
			Order("recommended_entries.list_id DESC, recommended_entries.row_no DESC").Find(&found).Error
		if err != nil {
			return nil, translateRead(ctx, err)
		}
		for _, f := range found {
			earlier[owners[string(f.NumberIndex)]] = origination.EarlierEntry{ListNo: f.ListNo, Row: f.RowNo}
		}
	}
	return earlier, nil
}

// OnRecommendedList implements origination.RecommendationReader with one statement by index.
func (r reader) OnRecommendedList(ctx context.Context, numbers []origination.RecommendedNumber, day domain.Date) (bool, error) {
	if len(numbers) == 0 {
		return false, nil
	}
	indexes, _, err := r.recommendedIndexes(numbers)
	if err != nil {
		return false, err
	}
	var rows []int
	err = liveOn(r.db.WithContext(ctx).Table("recommended_entries"), day).
		Where("recommended_entries.number_index IN ?", indexes).Limit(1).Pluck("recommended_entries.row_no", &rows).Error
	return len(rows) > 0, translateRead(ctx, err)
}

// recommendedIndexes makes the blind indexes of the numbers under every key, and says whose each is.
func (r reader) recommendedIndexes(numbers []origination.RecommendedNumber) (indexes [][]byte, owners map[string]origination.RecommendedNumber, err error) {
	owners = make(map[string]origination.RecommendedNumber, len(numbers))
	for _, number := range numbers {
		what, text := recommendedIndexOf(number)
		under, err := r.cipher.blinds(what, text)
		if err != nil {
			return nil, nil, err
		}
		for _, index := range under { // a few: one for each key
			indexes = append(indexes, index)
			owners[string(index)] = number
		}
	}
	return indexes, owners, nil
}

// InsertRecommendedList implements origination.RecommendationWriter.
func (t *tx) InsertRecommendedList(ctx context.Context, list origination.RecommendedList, entries []origination.RecommendedEntry) error {
	root := recommendedListToRow(list)
	if err := t.db.WithContext(ctx).Create(&root).Error; err != nil {
		if isDuplicate(err, "uk_recommended_lists_file") {
			return domain.Errorf(domain.KindConflict, "recommended-list-exists", "同一个文件正由他人导入，请稍后重试")
		}
		return translateID(err)
	}
	rows, err := mapRows(entries, func(e origination.RecommendedEntry) (recommendedEntryRow, error) {
		return t.cipher.recommendedEntryToRow(list.ID, e)
	})
	if err != nil {
		return err
	}
	return t.db.WithContext(ctx).CreateInBatches(rows, recommendedBatch).Error
}

// EraseRecommendedEntries implements origination.RecommendationWriter.
func (t *tx) EraseRecommendedEntries(ctx context.Context, numbers []origination.RecommendedNumber, reason string) error {
	indexes, _, err := t.recommendedIndexes(numbers)
	if err != nil || len(indexes) == 0 {
		return err
	}
	return t.db.WithContext(ctx).Model(&recommendedEntryRow{}).Where("number_index IN ?", indexes).Updates(map[string]any{
		"outcome": string(borrower.RecommendedRefused), "reason": reason, "name": "", "number_cipher": []byte{}, "number_index": nil, "village_code": "",
	}).Error
}
