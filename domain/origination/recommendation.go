package origination

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"fumin/domain"
	"fumin/domain/borrower"
)

// RecommendationReader reads the recommended lists (推荐名单) of the rural-revitalisation bureau and of villages.
type RecommendationReader interface {
	// RecommendedList returns one, or "recommended-list-not-found".
	RecommendedList(ctx context.Context, scope domain.Scope, id domain.ID) (RecommendedList, error)
	// RecommendedLists lists a page, newest first.
	RecommendedLists(ctx context.Context, scope domain.Scope, page domain.Page) ([]RecommendedList, error)
	// RecommendedListOfFile looks for the list that a branch has made of a file; false when there is none.
	RecommendedListOfFile(ctx context.Context, branchID domain.ID, file FileHash) (list RecommendedList, found bool, err error)
	// RecommendedEntries returns what became of the rows of a list that has been read within its scope: those after a row, in
	// their order, at most limit.
	RecommendedEntries(ctx context.Context, listID domain.ID, afterRow, limit int) ([]RecommendedEntry, error)
	// EarlierEntries says where the numbers stand on a list of the branch that holds on the day. Numbers on none are left out.
	EarlierEntries(ctx context.Context, branchID domain.ID, numbers []RecommendedNumber, day domain.Date) (map[RecommendedNumber]EarlierEntry, error)
	// OnRecommendedList reports whether one of the numbers stands on a list of the lender that holds on the day.
	OnRecommendedList(ctx context.Context, numbers []RecommendedNumber, day domain.Date) (bool, error)
}

// RecommendationWriter writes recommended lists. A list is never changed, so its own row says who made it and when.
type RecommendationWriter interface {
	// InsertRecommendedList stores a list with what became of its rows. It refuses with "recommended-list-exists" when the
	// branch has a list of the same file.
	InsertRecommendedList(ctx context.Context, list RecommendedList, entries []RecommendedEntry) error
	// EraseRecommendedEntries empties every row of any list that is about one of the numbers (抹除). The row stays, with the
	// reason, so that a list's rows can still be counted; the number is found no more.
	EraseRecommendedEntries(ctx context.Context, numbers []RecommendedNumber, reason string) error
}

// FileHash is the SHA-256 of a file's bytes.
type FileHash [32]byte

// ListFormat is how a file is written (文件格式).
type ListFormat string

// The formats.
const (
	ListCSV  ListFormat = "csv"
	ListXLSX ListFormat = "xlsx"
)

// TextEncoding is how the characters of a file are written (字符编码).
type TextEncoding string

// The encodings. An XLSX file is always UTF-8.
const (
	EncodingUTF8    TextEncoding = "utf-8"
	EncodingGB18030 TextEncoding = "gb18030"
)

// Limits of a recommended list, beside those of borrower.
const (
	ListNoRunesMax         = 64
	ListIssuerRunesMax     = 100
	ListDaysAheadMax       = 366 // of the first day: one that is further off is a slip of the pen
	ListTitleRowsMax       = 5   // above the row of column titles
	RecommendedReasonMax   = 1000
	recommendedEntriesPage = 1000
	importAttemptsMax      = 3
)

// RecommendedList is a list as it was imported. An entry counts from ListedOn to ValidUntil, both days included.
type RecommendedList struct {
	ID             domain.ID
	BranchID       domain.ID
	ListNo         string      // what the issuer calls it; several files may have one number (a supplement, a correction)
	Issuer         string      // the bureau or the village
	ListedOn       domain.Date // 发布日期
	ValidUntil     domain.Date // zero: no end
	Format         ListFormat
	Encoding       TextEncoding
	File           FileHash
	Accepted       int // rows
	AlreadyKnown   int // rows
	Refused        int // rows
	ImportedBy     domain.ID
	ImportedByName string
	ImportedAt     time.Time
}

// Rows returns how many rows the list has.
func (l RecommendedList) Rows() int { return l.Accepted + l.AlreadyKnown + l.Refused }

// InForceOn reports whether the list holds on a day (名单有效): from ListedOn to ValidUntil, both included.
func (l RecommendedList) InForceOn(day domain.Date) bool {
	return !day.Before(l.ListedOn) && (l.ValidUntil.IsZero() || !day.After(l.ValidUntil))
}

// RecommendedNumber is the number by which a row of a list and a borrower are one: a person's identity number or an
// organisation's credit code. Exactly one is there; the zero value is absent.
type RecommendedNumber struct {
	IDNumber   borrower.IDNumber
	CreditCode borrower.CreditCode
}

// IsZero reports whether the number is absent.
func (n RecommendedNumber) IsZero() bool { return n == RecommendedNumber{} }

// String returns the mask.
func (n RecommendedNumber) String() string { return n.IDNumber.String() + n.CreditCode.String() }

// RecommendedEntry is what became of one row. Of a refused row nothing is kept but where it stands and why.
type RecommendedEntry struct {
	Row         int // as a table program counts, from 1; the titles have one too
	Outcome     borrower.RecommendedOutcome
	Reason      string // in Chinese, at most RecommendedReasonMax characters; empty when accepted
	Kind        borrower.Kind
	Name        borrower.Name
	Number      RecommendedNumber
	VillageCode borrower.RegionCode
}

// EarlierEntry is where a number stands on a list already.
type EarlierEntry struct {
	ListNo string
	Row    int
}

// ListRow is one row of a file, with its number as a table program counts. Rows without content may be left out.
type ListRow struct {
	Row   int
	Cells []string
}

// ImportRecommendedList asks for a list to be imported. The rows are all of the file's, the titles too.
type ImportRecommendedList struct {
	ListNo     string
	Issuer     string
	ListedOn   domain.Date
	ValidUntil domain.Date // zero: no end
	Format     ListFormat
	Encoding   TextEncoding
	File       FileHash
	Rows       []ListRow
}

// CheckRecommendedList names all that is wrong with what is said about a list, and who asks, before its file is read. It
// does not look at the file.
func (s *Borrowers) CheckRecommendedList(by domain.Actor, cmd ImportRecommendedList) error {
	if err := by.Require(domain.RoleLoanOfficer, domain.RoleAdmin); err != nil {
		return err
	}
	return cmd.check(domain.DateOf(s.now()))
}

// check names all that is wrong, by the JSON names list_no, issuer, listed_on, valid_until.
func (cmd ImportRecommendedList) check(today domain.Date) error {
	var p domain.Problems
	if n := utf8.RuneCountInString(cmd.ListNo); n == 0 || n > ListNoRunesMax {
		p.Add("/list_no", "out-of-range", "请填写名单编号，1 至 %d 个字", ListNoRunesMax)
	}
	if n := utf8.RuneCountInString(cmd.Issuer); n == 0 || n > ListIssuerRunesMax {
		p.Add("/issuer", "out-of-range", "请填写发布单位，1 至 %d 个字", ListIssuerRunesMax)
	}
	switch {
	case cmd.ListedOn.IsZero():
		p.Add("/listed_on", "required", "必填")
	case today.DaysUntil(cmd.ListedOn) > ListDaysAheadMax:
		p.Add("/listed_on", "out-of-range", "发布日期在一年以后，请核对年份")
	}
	if !cmd.ValidUntil.IsZero() && cmd.ValidUntil.Before(cmd.ListedOn) {
		p.Add("/valid_until", "date-order", "截止日期不能早于发布日期")
	}
	return p.Err()
}

// ImportRecommendedList imports a list (导入推荐名单) for the actor's branch. Each row is accepted, already known (it stands on
// a list of the branch that holds on the new list's first day, or above in this one) or refused with its reason; a refused
// row does not stop the others. The file is read to its end before anything is written, and all of it is written at once.
//
// The same bytes again change nothing: known says so, and the answer is what became of the first. A file whose titles
// cannot be found is refused with the codes of borrower.ParseRecommendedHeader, one without rows with
// "recommended-list-empty", and one with more than borrower.RecommendedRowsMax with "recommended-list-too-long".
func (s *Borrowers) ImportRecommendedList(ctx context.Context, by domain.Actor, key Idempotency, cmd ImportRecommendedList) (
	imported RecommendedList, known, replayed bool, err error,
) {
	if err := s.CheckRecommendedList(by, cmd); err != nil {
		return RecommendedList{}, false, false, err
	}
	now := s.now()
	read, err := readRecommended(cmd.Rows, domain.DateOf(now))
	if err != nil {
		return RecommendedList{}, false, false, err
	}
	list := RecommendedList{
		ID: s.newID(), BranchID: by.BranchID, ListNo: cmd.ListNo, Issuer: cmd.Issuer, ListedOn: cmd.ListedOn, ValidUntil: cmd.ValidUntil,
		Format: cmd.Format, Encoding: cmd.Encoding, File: cmd.File, ImportedBy: by.ID, ImportedByName: by.Name, ImportedAt: now,
	}
	for attempt := 1; ; attempt++ {
		imported, known, replayed, err = s.importOnce(ctx, by, key, list, read)
		// Another was faster with the same file, and has committed: the next look finds what it stored.
		if domain.CodeOf(err) != "recommended-list-exists" || attempt == importAttemptsMax {
			return imported, known, replayed, err
		}
	}
}

func (s *Borrowers) importOnce(ctx context.Context, by domain.Actor, key Idempotency, list RecommendedList, read []RecommendedEntry) (
	imported RecommendedList, known, replayed bool, err error,
) {
	err = s.store.Update(ctx, func(tx Tx) error {
		first, found, err := tx.RecommendedListOfFile(ctx, list.BranchID, list.File)
		if err != nil {
			return err
		}
		result := list
		if found {
			result = first
		}
		prior, err := tx.ClaimIdempotencyKey(ctx, by.ID, key, result.ID, list.ImportedAt)
		if err != nil {
			return err
		}
		if !prior.IsZero() {
			imported, err = tx.RecommendedList(ctx, by.Scope(), prior)
			known, replayed = false, true
			return err
		}
		if !found {
			entries, err := compareWithEarlier(ctx, tx, list, read)
			if err != nil {
				return err
			}
			result = list.counting(entries)
			if err := tx.InsertRecommendedList(ctx, result, entries); err != nil {
				return err
			}
		}
		imported, known, replayed = result, found, false
		return nil
	})
	return imported, known, replayed, err
}

// counting returns the list with the numbers of its rows by outcome.
func (l RecommendedList) counting(entries []RecommendedEntry) RecommendedList {
	l.Accepted, l.AlreadyKnown, l.Refused = 0, 0, 0
	for _, e := range entries {
		switch e.Outcome {
		case borrower.RecommendedAccepted:
			l.Accepted++
		case borrower.RecommendedAlreadyKnown:
			l.AlreadyKnown++
		case borrower.RecommendedRefused:
			l.Refused++
		}
	}
	return l
}

// readRecommended reads the rows of a file: the titles first, and then each row for itself.
func readRecommended(rows []ListRow, today domain.Date) ([]RecommendedEntry, error) {
	columns, rows, err := recommendedTitles(rows)
	if err != nil {
		return nil, err
	}
	entries := make([]RecommendedEntry, 0, min(len(rows), borrower.RecommendedRowsMax))
	above := map[RecommendedNumber]int{} // the rows that were read, by number
	for _, row := range rows {
		if borrower.IsBlankRow(row.Cells) {
			continue
		}
		if len(entries) == borrower.RecommendedRowsMax {
			return nil, domain.Errorf(domain.KindInvalid, "recommended-list-too-long",
				"名单最多 %d 行，请分成几个文件导入", borrower.RecommendedRowsMax)
		}
		entry := readEntry(columns, row, today)
		if first, twice := above[entry.Number]; twice && entry.Outcome == borrower.RecommendedAccepted {
			entry.Outcome = borrower.RecommendedAlreadyKnown
			entry.Reason = fmt.Sprintf("与本文件第 %d 行重复", first)
		} else if !entry.Number.IsZero() {
			above[entry.Number] = row.Row
		}
		entries = append(entries, entry)
	}
	if len(entries) == 0 {
		return nil, domain.Errorf(domain.KindInvalid, "recommended-list-empty", "名单在列标题之下没有内容，请核对文件")
	}
	return entries, nil
}

// recommendedTitles finds the row of column titles and returns the rows below it. Above it there may be a few with one cell
// only: what the list is called, who issued it.
func recommendedTitles(rows []ListRow) (borrower.RecommendedColumns, []ListRow, error) {
	passed := 0
	for i, row := range rows {
		switch filled := filledCells(row.Cells); {
		case filled == 0:
		case filled == 1 && passed < ListTitleRowsMax:
			passed++
		default:
			columns, err := borrower.ParseRecommendedHeader(row.Cells)
			return columns, rows[i+1:], err
		}
	}
	return borrower.RecommendedColumns{}, nil, domain.Errorf(domain.KindInvalid, "recommended-list-empty",
		"文件中没有找到列标题（姓名、身份证号码、村代码等），请使用模板")
}

func filledCells(cells []string) (filled int) {
	for i := range cells {
		if !borrower.IsBlankRow(cells[i : i+1]) {
			filled++
		}
	}
	return filled
}

func readEntry(columns borrower.RecommendedColumns, row ListRow, today domain.Date) RecommendedEntry {
	r, err := columns.Parse(row.Cells, today)
	if err != nil {
		reason := borrower.RefusalText(err)
		if runes := []rune(reason); len(runes) > RecommendedReasonMax {
			reason = string(runes[:RecommendedReasonMax])
		}
		return RecommendedEntry{Row: row.Row, Outcome: borrower.RecommendedRefused, Reason: reason}
	}
	entry := RecommendedEntry{
		Row: row.Row, Outcome: borrower.RecommendedAccepted, Kind: r.Kind, Name: r.Name, VillageCode: r.VillageCode,
		Number: RecommendedNumber{IDNumber: r.IDNumber},
	}
	if r.Kind.IsOrganisation() {
		entry.Number = RecommendedNumber{CreditCode: r.CreditCode}
	}
	return entry
}

// compareWithEarlier returns the entries, those that stand on an earlier list of the branch marked as already known. The
// entries that were read stay as they are: a transaction may run again.
func compareWithEarlier(ctx context.Context, r Reader, list RecommendedList, read []RecommendedEntry) ([]RecommendedEntry, error) {
	var numbers []RecommendedNumber
	for _, e := range read {
		if e.Outcome == borrower.RecommendedAccepted {
			numbers = append(numbers, e.Number)
		}
	}
	earlier, err := r.EarlierEntries(ctx, list.BranchID, numbers, list.ListedOn)
	if err != nil {
		return nil, err
	}
	entries := make([]RecommendedEntry, len(read))
	for i, e := range read {
		if there, found := earlier[e.Number]; found && e.Outcome == borrower.RecommendedAccepted {
			e.Outcome = borrower.RecommendedAlreadyKnown
			e.Reason = fmt.Sprintf("已在名单 %s 第 %d 行", there.ListNo, there.Row)
		}
		entries[i] = e
	}
	return entries, nil
}

// RecommendedList returns one list in the actor's scope.
func (s *Borrowers) RecommendedList(ctx context.Context, by domain.Actor, id domain.ID) (RecommendedList, error) {
	return s.store.RecommendedList(ctx, by.Scope(), id)
}

// RecommendedLists lists the lists in the actor's scope, newest first.
func (s *Borrowers) RecommendedLists(ctx context.Context, by domain.Actor, page domain.Page) ([]RecommendedList, error) {
	return s.store.RecommendedLists(ctx, by.Scope(), page)
}

// RecommendedEntries returns what became of every row of a list in the actor's scope, in their order.
func (s *Borrowers) RecommendedEntries(ctx context.Context, by domain.Actor, id domain.ID) ([]RecommendedEntry, error) {
	list, err := s.store.RecommendedList(ctx, by.Scope(), id)
	if err != nil {
		return nil, err
	}
	entries := make([]RecommendedEntry, 0, list.Rows())
	for after := 0; len(entries) < list.Rows(); after = entries[len(entries)-1].Row {
		page, err := s.store.RecommendedEntries(ctx, id, after, recommendedEntriesPage)
		if err != nil {
			return nil, err
		}
		if len(page) == 0 {
			return nil, fmt.Errorf("recommended list %s: %d entries, want %d", id, len(entries), list.Rows())
		}
		entries = append(entries, page...)
	}
	return entries, nil
}

// onRecommendedList reports whether the borrower, or for a household's product anybody in the household, is recommended
// today. A family farm is its owner's, to whom the product lends, so the owner's number counts beside the farm's own.
func onRecommendedList(ctx context.Context, r Reader, person borrower.Borrower, perHousehold bool, today domain.Date) (bool, error) {
	ids := []borrower.IDNumber{person.IDNumber}
	if person.Kind == borrower.KindFamilyFarm {
		ids = append(ids, person.Organisation.Representative.IDNumber)
	}
	if perHousehold && !person.HouseholdID.IsZero() {
		household, err := r.Household(ctx, domain.Scope{Everything: true}, person.HouseholdID)
		if err != nil {
			return false, err
		}
		for _, member := range household.Members { // at most borrower.ListMax
			if member.InOn(today) {
				ids = append(ids, member.IDNumber)
			}
		}
	}
	var numbers []RecommendedNumber
	if person.Kind.IsOrganisation() {
		numbers = append(numbers, RecommendedNumber{CreditCode: person.CreditCode})
	}
	for _, id := range ids {
		if !id.IsZero() {
			numbers = append(numbers, RecommendedNumber{IDNumber: id})
		}
	}
	return r.OnRecommendedList(ctx, numbers, today)
}
