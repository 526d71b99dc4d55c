package repository_test

import (
	"slices"
	"strings"
	"testing"

	"gorm.io/gorm"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/origination"
)

func (r *register) list(branch domain.ID, file byte) origination.RecommendedList {
	return origination.RecommendedList{
		ID: r.newID(), BranchID: branch, ListNo: "茌乡振函〔2026〕18号", Issuer: strings.Repeat("局", origination.ListIssuerRunesMax),
		ListedOn: domain.MustParseDate("2026-08-20"), ValidUntil: domain.MustParseDate("2027-08-19"),
		Format: origination.ListCSV, Encoding: origination.EncodingGB18030, File: origination.FileHash{0, 1, file, 31: 0xff},
		ImportedBy: r.newID(), ImportedByName: "李梅", ImportedAt: registerAt,
	}
}

func entryOf(row, n int) origination.RecommendedEntry {
	return origination.RecommendedEntry{
		Row: row, Outcome: borrower.RecommendedAccepted, Kind: borrower.KindFarmer, Name: borrower.MustParseName("王𠮷"),
		Number: origination.RecommendedNumber{IDNumber: numberOf(n)}, VillageCode: registerVillage,
	}
}

func (r *register) importList(list origination.RecommendedList, entries ...origination.RecommendedEntry) error {
	return r.store.Update(r.t.Context(), func(tx origination.Tx) error {
		return tx.InsertRecommendedList(r.t.Context(), list, entries)
	})
}

func (r *register) mustImport(list origination.RecommendedList, entries ...origination.RecommendedEntry) {
	r.t.Helper()
	if err := r.importList(list, entries...); err != nil {
		r.t.Fatal(err)
	}
}

func TestAListRoundTripsAtItsLimits(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	list := r.list(registerCounty, 1)
	list.Accepted, list.AlreadyKnown, list.Refused = 1, 1, 1
	known, refused := entryOf(3, 2), origination.RecommendedEntry{Row: 1_048_576, Outcome: borrower.RecommendedRefused, Reason: strings.Repeat("错", origination.RecommendedReasonMax)}
	known.Kind, known.Number = borrower.KindCooperative, origination.RecommendedNumber{CreditCode: borrower.MustParseCreditCode("93371599MA0000003E")}
	known.Name = borrower.MustParseName(strings.Repeat("𠮷", borrower.NameRunesMax))
	known.Outcome, known.Reason = borrower.RecommendedAlreadyKnown, "与本文件第 2 行重复"
	entries := []origination.RecommendedEntry{entryOf(2, 1), known, refused}
	r.mustImport(list, entries...)

	got, err := r.store.RecommendedList(t.Context(), domain.Scope{BranchID: registerHead}, list.ID)
	if err != nil {
		t.Fatal(err)
	}
	same(t, list, got)
	byFile, found, err := r.store.RecommendedListOfFile(t.Context(), registerCounty, list.File)
	if err != nil || !found {
		t.Fatalf("by its file: %t, %v", found, err)
	}
	same(t, list, byFile)
	if _, found, err := r.store.RecommendedListOfFile(t.Context(), registerOther, list.File); found || err != nil {
		t.Errorf("another branch's list of the file: %t, %v; want none", found, err)
	}
	stored, err := r.store.RecommendedEntries(t.Context(), list.ID, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	same(t, entries, stored)
	if page, err := r.store.RecommendedEntries(t.Context(), list.ID, 2, 1); err != nil || len(page) != 1 || page[0].Row != 3 {
		t.Errorf("the page of one after row 2: %+v, %v", page, err)
	}

	plain := r.list(registerCounty, 2)
	plain.ValidUntil = domain.Date{}
	r.mustImport(plain)
	if got, err = r.store.RecommendedList(t.Context(), domain.Scope{BranchID: registerCounty}, plain.ID); err != nil {
		t.Fatal(err)
	}
	same(t, plain, got)
}

func TestAFileIsImportedOnceABranch(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	r.mustImport(r.list(registerCounty, 1), entryOf(2, 1))
	if err := r.importList(r.list(registerCounty, 1), entryOf(2, 1)); domain.CodeOf(err) != "recommended-list-exists" {
		t.Errorf("the same file again: %v, want recommended-list-exists", err)
	}
	r.mustImport(r.list(registerOther, 1), entryOf(2, 1))
	r.mustImport(r.list(registerCounty, 2), entryOf(2, 1))
	// What fails at its last row leaves nothing of the others.
	half := r.list(registerCounty, 3)
	if err := r.importList(half, entryOf(2, 1), entryOf(2, 2)); err == nil {
		t.Error("two entries for one row were stored")
	}
	if _, err := r.store.RecommendedList(t.Context(), domain.Scope{BranchID: registerCounty}, half.ID); domain.CodeOf(err) != "recommended-list-not-found" {
		t.Errorf("a list that was not stored: %v, want recommended-list-not-found", err)
	}
}

func TestWhoIsOnAListIsKnownWhileItHolds(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	code := origination.RecommendedNumber{CreditCode: borrower.MustParseCreditCode("93371599MA0000003E")}
	cooperative := entryOf(3, 0)
	cooperative.Kind, cooperative.Number = borrower.KindCooperative, code
	refused := origination.RecommendedEntry{Row: 4, Outcome: borrower.RecommendedRefused, Reason: "姓名：必填"}
	first := r.list(registerCounty, 1) // from 2026-08-20 to 2027-08-19
	r.mustImport(first, entryOf(2, 1), cooperative, refused)
	open := r.list(registerCounty, 2)
	open.ListNo, open.ListedOn, open.ValidUntil = "第二份", domain.MustParseDate("2026-12-01"), domain.Date{}
	known := entryOf(7, 1)
	known.Outcome, known.Reason = borrower.RecommendedAlreadyKnown, "已在名单"
	r.mustImport(open, known, entryOf(8, 2))

	person := func(n int) origination.RecommendedNumber { return origination.RecommendedNumber{IDNumber: numberOf(n)} }
	for _, c := range []struct {
		day     string
		numbers []origination.RecommendedNumber
		want    bool
	}{
		{"2026-08-19", []origination.RecommendedNumber{person(1), code}, false},
		{"2026-08-20", []origination.RecommendedNumber{person(1)}, true},
		{"2026-08-20", []origination.RecommendedNumber{person(5), person(6), code}, true},
		{"2026-11-30", []origination.RecommendedNumber{person(2)}, false},
		{"2027-08-19", []origination.RecommendedNumber{code}, true},
		{"2027-08-20", []origination.RecommendedNumber{code}, false},
		{"2027-08-20", []origination.RecommendedNumber{person(1)}, true}, // already known then, and so on the second list too
		{"2026-12-01", []origination.RecommendedNumber{person(3)}, false},
		{"2026-12-01", nil, false},
	} {
		got, err := r.store.OnRecommendedList(t.Context(), c.numbers, domain.MustParseDate(c.day))
		if err != nil || got != c.want {
			t.Errorf("on %s, %v: %t, %v; want %t", c.day, c.numbers, got, err, c.want)
		}
	}
	numbers := []origination.RecommendedNumber{person(1), person(2), person(3), code}
	earlier, err := r.store.EarlierEntries(t.Context(), registerCounty, numbers, domain.MustParseDate("2026-12-01"))
	if err != nil {
		t.Fatal(err)
	}
	same(t, map[origination.RecommendedNumber]origination.EarlierEntry{
		person(1): {ListNo: first.ListNo, Row: 2}, person(2): {ListNo: "第二份", Row: 8}, code: {ListNo: first.ListNo, Row: 3},
	}, earlier)
	if earlier, err = r.store.EarlierEntries(t.Context(), registerOther, numbers, domain.MustParseDate("2026-12-01")); err != nil || len(earlier) != 0 {
		t.Errorf("at another branch: %v, %v; want nothing", earlier, err)
	}
}

func TestManyNumbersAreLookedForInBatches(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	const people = 1201 // two batches and one more
	var entries []origination.RecommendedEntry
	var numbers []origination.RecommendedNumber
	for n := range people {
		entries = append(entries, entryOf(n+2, n))
		numbers = append(numbers, entries[n].Number)
	}
	r.mustImport(r.list(registerCounty, 1), entries...)
	earlier, err := r.store.EarlierEntries(t.Context(), registerCounty, numbers, domain.MustParseDate("2026-08-20"))
	if err != nil || len(earlier) != people {
		t.Fatalf("%d found, %v; want %d", len(earlier), err, people)
	}
	for _, e := range entries {
		if earlier[e.Number].Row != e.Row {
			t.Fatalf("%v is in row %d, want %d", e.Number, earlier[e.Number].Row, e.Row)
		}
	}
}

func TestListsAreSeenByTheirBranchAndThoseAbove(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	var ids []domain.ID
	for i, branch := range []domain.ID{registerCounty, registerTownship, registerOther} {
		list := r.list(branch, byte(i))
		r.mustImport(list)
		ids = append(ids, list.ID)
	}
	for who, c := range map[string]struct {
		scope domain.Scope
		want  []domain.ID
	}{
		"the head office": {domain.Scope{BranchID: registerHead}, []domain.ID{ids[2], ids[1], ids[0]}},
		"the county":      {domain.Scope{BranchID: registerCounty}, []domain.ID{ids[1], ids[0]}},
		"the township":    {domain.Scope{BranchID: registerTownship}, []domain.ID{ids[1]}},
		"a worker":        {domain.Scope{Everything: true}, []domain.ID{ids[2], ids[1], ids[0]}},
		"a borrower":      {domain.Scope{BorrowerID: r.newID()}, nil},
		"nobody":          {domain.Scope{}, nil},
	} {
		lists, err := r.store.RecommendedLists(t.Context(), c.scope, domain.Page{Limit: 10})
		var got []domain.ID
		for _, l := range lists {
			got = append(got, l.ID)
		}
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s lists %v, %v; want %v", who, got, err, c.want)
		}
		for _, id := range ids {
			_, err := r.store.RecommendedList(t.Context(), c.scope, id)
			if seen := err == nil; seen != slices.Contains(c.want, id) {
				t.Errorf("%s reads %s: %v", who, id, err)
			}
		}
	}
}

func TestAnEntrysNumberIsBoundToItsRow(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	list := r.list(registerCounty, 1)
	r.mustImport(list, entryOf(2, 1), entryOf(3, 2))
	db := r.store.Database()
	err := db.Exec("UPDATE recommended_entries SET number_cipher = (SELECT c FROM (SELECT number_cipher c FROM recommended_entries WHERE row_no = 2) o) WHERE row_no = 3").Error
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.store.RecommendedEntries(t.Context(), list.ID, 0, 1); err != nil {
		t.Errorf("the row that was left alone: %v", err)
	}
	if _, err := r.store.RecommendedEntries(t.Context(), list.ID, 2, 1); err == nil {
		t.Error("the number of another row was read as this one's")
	}
}

func TestTheDatabaseRefusesImpossibleListsByItself(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	r.mustImport(r.list(registerCounty, 1), entryOf(2, 1), origination.RecommendedEntry{Row: 3, Outcome: borrower.RecommendedRefused, Reason: "x"})
	r.mustImport(r.list(registerCounty, 2))
	db := r.store.Database()
	for _, c := range []refusal{
		{"ck_recommended_lists_format", "UPDATE recommended_lists SET format = 'xls'"},
		{"ck_recommended_lists_encoding", "UPDATE recommended_lists SET encoding = 'gbk'"},
		{"ck_recommended_lists_validity", "UPDATE recommended_lists SET valid_until = '2026-08-19'"},
		{"uk_recommended_lists_file", "UPDATE recommended_lists SET file_sha256 = REPEAT('x', 32)"},
		{"fk_recommended_lists_branch", "UPDATE recommended_lists SET branch_id = '01900000-0000-7000-8000-000000000999'"},
		{"ck_recommended_entries_outcome", "UPDATE recommended_entries SET outcome = 'perhaps'"},
		{"ck_recommended_entries_number", "UPDATE recommended_entries SET number_index = NULL WHERE row_no = 2"},
		{"ck_recommended_entries_number", "UPDATE recommended_entries SET number_index = REPEAT('x', 32) WHERE row_no = 3"},
		{"fk_recommended_entries_list", "DELETE FROM recommended_lists"},
	} {
		if err := db.Exec(c.statement).Error; err == nil || !strings.Contains(err.Error(), c.constraint) {
			t.Errorf("%s: %v, want a refusal by %s", c.statement, err, c.constraint)
		}
	}
}

// Submitting asks who is on a list: whatever the lists grow to, that is a look by index.
func TestARecommendedNumberIsFoundByItsIndex(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	var entries []origination.RecommendedEntry
	for n := range 5000 {
		entries = append(entries, entryOf(n+2, n))
	}
	r.mustImport(r.list(registerCounty, 0), entries...)
	for n := range 60 {
		r.mustImport(r.list(registerOther, byte(n)), entries[n*10:n*10+10]...)
	}
	db := r.store.Database()
	if err := db.Exec("ANALYZE TABLE recommended_entries, recommended_lists").Error; err != nil {
		t.Fatal(err)
	}
	type asked struct {
		sql  string
		args []any
	}
	var statements []asked
	remember := func(tx *gorm.DB) {
		statements = append(statements, asked{tx.Statement.SQL.String(), tx.Statement.Vars})
	}
	if err := db.Callback().Query().After("gorm:query").Register("lists:capture", remember); err != nil {
		t.Fatal(err)
	}
	numbers := []origination.RecommendedNumber{entries[7].Number, entries[4000].Number}
	if found, err := r.store.OnRecommendedList(t.Context(), numbers, domain.MustParseDate("2026-08-20")); err != nil || !found {
		t.Fatalf("OnRecommendedList = %t, %v; want it found", found, err)
	}
	if len(statements) != 1 {
		t.Fatalf("%d statements, want one: %+v", len(statements), statements)
	}
	for _, step := range r.explain(statements[0].sql, statements[0].args) {
		want := map[string]string{"recommended_entries": "ix_recommended_entries_number", "recommended_lists": "PRIMARY"}[step.table]
		if step.key != want {
			t.Errorf("plan step %+v of %s, want it by %s", step, statements[0].sql, want)
		}
	}
}
