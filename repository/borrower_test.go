package repository_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/money"
	"fumin/domain/origination"
	"fumin/repository"
	"fumin/repository/storetest"
)

// The organisation of these tests: a head office, a county below it with a township, and another county.
const (
	registerHead     = domain.ID("01900000-0000-7000-8000-00000000b001")
	registerCounty   = domain.ID("01900000-0000-7000-8000-00000000b002")
	registerTownship = domain.ID("01900000-0000-7000-8000-00000000b003")
	registerOther    = domain.ID("01900000-0000-7000-8000-00000000b004")
	registerVillage  = borrower.RegionCode("371503901201")
)

// registerAt has microseconds, which must survive.
var registerAt = time.Date(2026, 8, 23, 1, 30, 0, 123456000, time.UTC)

// register is a store with branches in it.
type register struct {
	t     testing.TB
	store *repository.Store
	ids   atomic.Int64
}

func newRegister(t testing.TB) *register {
	t.Helper()
	store, dsn := storetest.NewWithDSN(t)
	rows := openRows(t, dsn)
	for _, branch := range []struct {
		id     domain.ID
		parent any
		above  []domain.ID
	}{
		{registerHead, nil, nil},
		{registerCounty, registerHead, []domain.ID{registerHead}},
		{registerTownship, registerCounty, []domain.ID{registerHead, registerCounty}},
		{registerOther, registerHead, []domain.ID{registerHead}},
	} {
		_, err := rows.ExecContext(t.Context(), "INSERT INTO branches (id, code, name, level, parent_id, created_at) VALUES (?, ?, ?, 'county', ?, NOW(6))",
			branch.id, branch.id[30:], "机构"+branch.id[32:], branch.parent)
		if err != nil {
			t.Fatal(err)
		}
		for _, ancestor := range append(branch.above, branch.id) {
			if _, err := rows.ExecContext(t.Context(), "INSERT INTO branch_ancestors (ancestor_id, branch_id) VALUES (?, ?)", ancestor, branch.id); err != nil {
				t.Fatal(err)
			}
		}
	}
	return &register{t: t, store: store}
}

func (r *register) newID() domain.ID {
	return domain.ID(fmt.Sprintf("01900000-0000-7000-9000-%012d", r.ids.Add(1)))
}

// numberOf makes the n-th identity number of a test, of somebody who never was.
func numberOf(n int) borrower.IDNumber {
	day := time.Date(1940, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n%20000)
	body := fmt.Sprintf("371599%s%03d", day.Format("20060102"), n/20000)
	sum := 0
	for i, weight := range []int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2} {
		sum += weight * int(body[i]-'0')
	}
	return borrower.MustParseIDNumber(body + string("10X98765432"[sum%11]))
}

func (r *register) household(branch domain.ID, n int) borrower.Household {
	h := borrower.NewHousehold(r.newID(), branch, registerVillage, borrower.MustParseAddress("山东省聊城市茌平区冯官屯镇刘马村12号"),
		r.newID(), borrower.MustParseName("王吉华"), numberOf(n), registerAt)
	h.Version = 1
	return h
}

func (r *register) farmer(h borrower.Household, n int) borrower.Borrower {
	return borrower.Borrower{
		ID: r.newID(), Kind: borrower.KindFarmer, Name: borrower.MustParseName("王吉华"), IDNumber: numberOf(n),
		Phone: borrower.MustParsePhone(fmt.Sprintf("139%08d", n)), HouseholdID: h.ID, BranchID: h.BranchID, OfficerID: registerHead,
		Version: 1, CreatedAt: registerAt,
	}
}

func (r *register) event(subject string, id domain.ID, version int) origination.BorrowerEvent {
	return origination.BorrowerEvent{
		ID: r.newID(), Subject: subject, SubjectID: id, Version: version, BranchID: registerHead, Action: origination.BorrowerCreated,
		ActorID: registerHead, ActorName: "经办人", ActorRole: domain.RoleLoanOfficer, At: registerAt,
	}
}

// put stores a household and borrowers.
func (r *register) put(h borrower.Household, borrowers ...borrower.Borrower) {
	r.t.Helper()
	err := r.store.Update(r.t.Context(), func(tx origination.Tx) error {
		if err := tx.InsertHousehold(r.t.Context(), h, r.event(origination.SubjectHousehold, h.ID, h.Version)); err != nil {
			return err
		}
		for _, b := range borrowers {
			if err := tx.InsertBorrower(r.t.Context(), b, r.event(origination.SubjectBorrower, b.ID, b.Version)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

// insert stores a borrower.
func (r *register) insert(b borrower.Borrower) error {
	return r.store.Update(r.t.Context(), func(tx origination.Tx) error {
		return tx.InsertBorrower(r.t.Context(), b, r.event(origination.SubjectBorrower, b.ID, b.Version))
	})
}

// same compares records, the values in them by their own Equal, and dates by ==.
func same(t *testing.T, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b domain.Date) bool { return a == b })); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

func TestAHouseholdWithEverythingComesBackAsItWas(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	h := r.household(registerCounty, 1)
	long := strings.Repeat("𠮷", borrower.PersonNameRunesMax)
	h.Members[0].Name = borrower.MustParseName(long)
	h.Address = borrower.MustParseAddress(strings.Repeat("𠮷", borrower.AddressRunesMax))
	h.Members = append(h.Members,
		borrower.Member{
			ID: r.newID(), Name: borrower.MustParseName("阿卜杜拉·买买提"), IDNumber: numberOf(2), Relation: borrower.RelationChild,
			JoinedOn: domain.MustParseDate("2010-05-01"), LeftOn: domain.MustParseDate("2024-02-29"),
		},
		borrower.Member{ID: r.newID(), Name: borrower.MustParseName("王䶮"), Relation: borrower.RelationGrandchild, JoinedOn: domain.MustParseDate("2026-08-01")},
	)
	h.Lands = []borrower.Land{
		{ID: r.newID(), Kind: borrower.LandContracted, AreaMu: borrower.MustParseArea("999999.99"), Place: "村东", CertificateNo: "承包证001"},
		{
			ID: r.newID(), Kind: borrower.LandLeased, AreaMu: borrower.MustParseArea("0.01"), ContractFrom: domain.MustParseDate("2020-01-01"),
			ContractUntil: domain.MustParseDate("2049-12-31"), ReleasedOn: domain.MustParseDate("2025-01-01"),
		},
	}
	h.Livestock = []borrower.Livestock{{ID: r.newID(), Kind: borrower.LivestockDuck, Heads: borrower.HeadsMax, CountedOn: domain.MustParseDate("2026-08-01")}}
	h.Crops = []borrower.Crop{{ID: r.newID(), Kind: borrower.CropWheat, AreaMu: borrower.MustParseArea("12.5"), Year: 2026, HarvestMonth: 6}}
	var income borrower.Assessment
	income = income.Declare(money.MustParseAmount("120000.01"), registerAt)
	income = income.Verify(money.MustParseAmount("98000.99"), registerHead, "银行流水", registerAt.Add(time.Hour))
	var debts borrower.Assessment
	h.Figures = []borrower.YearFigures{{Year: 2025, Income: income, Debts: debts.Declare(money.MustParseAmount("0"), registerAt)}}
	h.Changes = []borrower.Change{{Kind: borrower.ChangeJoined, On: domain.MustParseDate("2010-05-01"), MemberID: h.Members[1].ID, Reason: "出生"}}
	if err := h.Validate(); err != nil {
		t.Fatalf("the sample is not valid: %v", err)
	}
	r.put(h)
	got, err := r.store.Household(t.Context(), everything, h.ID)
	if err != nil {
		t.Fatal(err)
	}
	same(t, h, got)
}

func TestAnOrganisationWithEverythingComesBackAsItWas(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	b := borrower.Borrower{
		ID: r.newID(), Kind: borrower.KindCooperative, Name: borrower.MustParseName("高唐县一诺苗木种植专业合作社"),
		CreditCode: borrower.MustParseCreditCode("93371526MA3C4X0Y0E"), Phone: borrower.MustParsePhone("0635-3950000"),
		OtherPhones: []borrower.Phone{borrower.MustParsePhone("13900000001"), borrower.MustParsePhone("13900000002")},
		RegionCode:  "371526901201", Address: borrower.MustParseAddress("山东省聊城市高唐县赵寨子镇解庄村"),
		Organisation: borrower.Organisation{
			RegisteredOn: domain.MustParseDate("2015-04-10"),
			Representative: borrower.Representative{
				Name: borrower.MustParseName("刘明勇"), IDNumber: numberOf(3), Phone: borrower.MustParsePhone("13900000003"), Role: borrower.RoleChair,
			},
			Shareholders: []borrower.Shareholder{
				{Name: borrower.MustParseName("刘明勇"), IDNumber: numberOf(3), SharePct: money.MustParseRate("51.000001")},
				{Name: borrower.MustParseName("高唐县供销合作社"), CreditCode: borrower.MustParseCreditCode("93371526MA3C4X0Y0E"), SharePct: money.MustParseRate("48.999999")},
			},
			Lands: []borrower.Land{{
				ID: r.newID(), Kind: borrower.LandLeased, AreaMu: borrower.MustParseArea("4800"), ContractUntil: domain.MustParseDate("2045-12-31"),
			}},
		},
		BranchID: registerCounty, OfficerID: registerHead, Version: 1, CreatedAt: registerAt,
	}
	account := borrower.Account{
		ID: r.newID(), Number: borrower.MustParseBankAccount("90510100000000012345"), AccountName: b.Name, BankName: "高唐农商银行", BankCode: "402471700012",
		VerifiedHow: borrower.AccountEnquiry, VerifiedBy: registerHead, VerifiedAt: registerAt.Add(time.Minute),
	}
	unverified := borrower.Account{
		ID: r.newID(), Number: borrower.MustParseBankAccount("90510100000000054321"), AccountName: b.Name, BankName: "高唐农商银行",
	}
	b.Accounts, b.PayoutAccountID = []borrower.Account{account, unverified}, account.ID
	b.Consents = []borrower.Consent{{
		ID: r.newID(), Kind: borrower.ConsentGuaranteeSharing, TextVersion: "share-2026.1", GivenHow: borrower.ConsentByElectronic,
		GivenAt: registerAt, WithdrawnAt: registerAt.Add(time.Second),
	}}
	b.Licences = []borrower.Licence{
		{ID: r.newID(), Kind: borrower.LicenceSeed, No: "鲁371526", Issuer: "高唐县林业局", IssuedOn: domain.MustParseDate("2024-02-29"), ExpiresOn: domain.MustParseDate("2029-02-28")},
		{ID: r.newID(), Kind: borrower.LicenceBusiness, No: "93371526", IssuedOn: domain.MustParseDate("2015-04-10")},
	}
	if err := b.Validate(); err != nil {
		t.Fatalf("the sample is not valid: %v", err)
	}
	if err := r.insert(b); err != nil {
		t.Fatal(err)
	}
	got, err := r.store.Borrower(t.Context(), everything, b.ID)
	if err != nil {
		t.Fatal(err)
	}
	same(t, b, got)
	applicant, err := r.store.Applicant(t.Context(), everything, b.ID)
	if err != nil || applicant.RegionCode != "371526901201" || applicant.BranchID != b.BranchID || !applicant.HouseholdID.IsZero() {
		t.Errorf("Applicant = %+v, %v, want where it works", applicant, err)
	}
}

func TestABorrowersVillageIsItsHouseholds(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	h := r.household(registerCounty, 1)
	b := r.farmer(h, 1)
	r.put(h, b)
	applicant, err := r.store.Applicant(t.Context(), everything, b.ID)
	if err != nil || applicant.RegionCode != registerVillage.String() || applicant.HouseholdID != h.ID {
		t.Errorf("Applicant = %+v, %v, want %s", applicant, err, registerVillage)
	}
}

func TestBorrowersAndHouseholdsOutOfScopeReadAsNotFound(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	h := r.household(registerTownship, 1)
	b := r.farmer(h, 1)
	r.put(h, b)
	other := r.household(registerOther, 2)
	r.put(other, r.farmer(other, 2))
	for what, check := range map[string]struct {
		scope               domain.Scope
		household, borrower bool
	}{
		"nothing":            {domain.Scope{}, false, false},
		"everything":         {everything, true, true},
		"its branch":         {domain.Scope{BranchID: registerTownship}, true, true},
		"the branch above":   {domain.Scope{BranchID: registerCounty}, true, true},
		"the head office":    {domain.Scope{BranchID: registerHead}, true, true},
		"another branch":     {domain.Scope{BranchID: registerOther}, false, false},
		"the borrower":       {domain.Scope{BorrowerID: b.ID}, false, true},
		"another borrower":   {domain.Scope{BorrowerID: r.newID()}, false, false},
		"two things at once": {domain.Scope{BorrowerID: b.ID, BranchID: registerHead}, false, false},
	} {
		_, err := r.store.Household(t.Context(), check.scope, h.ID)
		wantFound(t, what+", household", check.household, err, "household-not-found")
		_, err = r.store.Borrower(t.Context(), check.scope, b.ID)
		wantFound(t, what+", borrower", check.borrower, err, "borrower-not-found")
		page := domain.Page{Limit: domain.PageLimitMax}
		borrowers, err := r.store.Borrowers(t.Context(), check.scope, origination.BorrowerFilter{IDNumber: numberOf(1)}, page)
		if err != nil || (len(borrowers) == 1) != check.borrower {
			t.Errorf("%s: found by number %d, %v", what, len(borrowers), err)
		}
		err = r.store.Update(t.Context(), func(tx origination.Tx) error {
			_, err := tx.LockHousehold(t.Context(), check.scope, h.ID)
			wantFound(t, what+", lock of the household", check.household, err, "household-not-found")
			_, err = tx.LockBorrower(t.Context(), check.scope, b.ID)
			wantFound(t, what+", lock of the borrower", check.borrower, err, "borrower-not-found")
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func wantFound(t *testing.T, what string, found bool, err error, code string) {
	t.Helper()
	if found && err != nil {
		t.Errorf("%s: %v, want it found", what, err)
	}
	if !found && domain.CodeOf(err) != code {
		t.Errorf("%s: %v, want %s", what, err, code)
	}
}

func TestTheDatabaseItselfKeepsOneNumberOneBorrower(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	h := r.household(registerCounty, 1)
	r.put(h, r.farmer(h, 1))
	if err := r.insert(r.farmer(h, 1)); domain.CodeOf(err) != "borrower-exists" {
		t.Errorf("a second borrower of one number: %v, want borrower-exists", err)
	}
	again := r.household(registerOther, 1)
	err := r.store.Update(t.Context(), func(tx origination.Tx) error {
		return tx.InsertHousehold(t.Context(), again, r.event(origination.SubjectHousehold, again.ID, 1))
	})
	if domain.CodeOf(err) != "person-in-household" {
		t.Errorf("one head of two households: %v, want person-in-household", err)
	}
	known, err := r.store.KnownBorrower(t.Context(), domain.Scope{BranchID: registerOther}, r.farmer(h, 1))
	if err != nil || known == nil || known.Visible || known.BranchName != "机构"+string(registerCounty[32:]) {
		t.Errorf("KnownBorrower = %+v, %v, want the branch and not visible", known, err)
	}
}

func TestAStaleHouseholdOrBorrowerIsNotSaved(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	h := r.household(registerCounty, 1)
	b := r.farmer(h, 1)
	r.put(h, b)
	save := func(version int) error {
		return r.store.Update(t.Context(), func(tx origination.Tx) error {
			changed, household := b, h
			changed.Version, household.Version = version, version
			if err := tx.SaveBorrower(t.Context(), changed, r.event(origination.SubjectBorrower, b.ID, version)); err != nil {
				return err
			}
			return tx.SaveHousehold(t.Context(), household, r.event(origination.SubjectHousehold, h.ID, version))
		})
	}
	if err := save(2); err != nil {
		t.Fatal(err)
	}
	if err := save(2); domain.CodeOf(err) != "stale-version" {
		t.Errorf("saving version 2 twice: %v, want stale-version", err)
	}
	if err := save(4); domain.CodeOf(err) != "stale-version" {
		t.Errorf("saving version 4 after 2: %v, want stale-version", err)
	}
}

func TestAStayIsNeverDeleted(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	h := r.household(registerCounty, 1)
	h.Members = append(h.Members, borrower.Member{
		ID: r.newID(), Name: borrower.MustParseName("王小明"), Relation: borrower.RelationChild, JoinedOn: domain.MustParseDate("2020-01-01"),
	})
	r.put(h)
	h.Members, h.Version = h.Members[:1], 2
	err := r.store.Update(t.Context(), func(tx origination.Tx) error {
		return tx.SaveHousehold(t.Context(), h, r.event(origination.SubjectHousehold, h.ID, 2))
	})
	if err == nil || !strings.Contains(err.Error(), "a stay is never deleted") {
		t.Errorf("saving a household without one of its stays: %v, want a refusal", err)
	}
}

func TestAValueCopiedToAnotherBorrowerDoesNotDecrypt(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	h := r.household(registerCounty, 1)
	thief, victim := r.farmer(h, 1), r.farmer(h, 2)
	r.put(h, thief, victim)
	err := r.store.Database().WithContext(t.Context()).Exec(
		"UPDATE borrower_phones a JOIN borrower_phones b ON b.borrower_id = ? SET a.number_cipher = b.number_cipher WHERE a.borrower_id = ?",
		victim.ID, thief.ID).Error
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.store.Borrower(t.Context(), everything, thief.ID)
	if err == nil || domain.CodeOf(err) != "" || strings.Contains(err.Error(), "139") {
		t.Errorf("reading a copied phone: %v, want an internal error that shows nothing", err)
	}
	if _, err := r.store.Borrower(t.Context(), everything, victim.ID); err != nil {
		t.Errorf("reading the original: %v", err)
	}
}

// countyOf is the c-th county of addBranches.
func countyOf(c int) domain.ID { return domain.ID(fmt.Sprintf("01900000-0000-7000-8000-0000c%07d", c)) }

// addBranches adds counties with townships below the head office and returns the townships.
func (r *register) addBranches(counties, townships int) []domain.ID {
	r.t.Helper()
	var leaves []domain.ID
	add := func(id, parent domain.ID, code string, above ...domain.ID) {
		db := r.store.Database().WithContext(r.t.Context())
		err := db.Exec("INSERT INTO branches (id, code, name, level, parent_id, created_at) VALUES (?, ?, ?, 'county', ?, NOW(6))", id, code, code, parent).Error
		if err != nil {
			r.t.Fatal(err)
		}
		for _, ancestor := range append(above, id) {
			if err := db.Exec("INSERT INTO branch_ancestors (ancestor_id, branch_id) VALUES (?, ?)", ancestor, id).Error; err != nil {
				r.t.Fatal(err)
			}
		}
	}
	for c := range counties {
		add(countyOf(c), registerHead, fmt.Sprintf("C%d", c), registerHead)
		for n := range townships {
			id := domain.ID(fmt.Sprintf("01900000-0000-7000-8000-0000d%03d%04d", c, n))
			add(id, countyOf(c), fmt.Sprintf("C%d-%d", c, n), registerHead, countyOf(c))
			leaves = append(leaves, id)
		}
	}
	return leaves
}

// load fills the register with households of three or four borrowers each, in villages of sixty households that each belong
// to one of the branches.
func (r *register) load(households int, branches []domain.ID) {
	r.t.Helper()
	surnames := []rune("王李张刘陈杨赵黄周吴徐孙马朱胡郭何林高罗𠮷")
	given := []rune("伟芳娜敏静丽强磊军洋勇艳杰涛明超秀霞平刚桂英华建国文斌玉兰")
	for _, village := range villages(households) {
		var homes []borrower.Household
		var people []borrower.Borrower
		for n := village.from; n < village.to; n++ {
			branch := branches[n/60%len(branches)]
			h := r.household(branch, 4*n)
			h.VillageCode = village.code
			homes = append(homes, h)
			for i := range 3 + n%2 {
				b := r.farmer(h, 4*n+i)
				b.Name = borrower.MustParseName(string([]rune{surnames[(n+i)%len(surnames)], given[(n/7+i)%len(given)], given[(n/3+5*i)%len(given)]}))
				b.OfficerID = domain.ID(fmt.Sprintf("01900000-0000-7000-8000-0000000e%04d", n%200))
				people = append(people, b)
			}
		}
		if err := repository.LoadBorrowers(r.t.Context(), r.store, homes, people, village.code); err != nil {
			r.t.Fatal(err)
		}
	}
	if err := r.store.Database().Exec("ANALYZE TABLE households, household_members, borrowers, borrower_phones").Error; err != nil {
		r.t.Fatal(err)
	}
}

type villageRange struct {
	code     borrower.RegionCode
	from, to int
}

// villages cuts a number of households into villages of sixty.
func villages(households int) []villageRange {
	var all []villageRange
	for from := 0; from < households; from += 60 {
		all = append(all, villageRange{borrower.RegionCode(fmt.Sprintf("371503%06d", from/60)), from, min(from+60, households)})
	}
	return all
}

// searches are what the register is searched by.
func searches(n int) map[string]origination.BorrowerFilter {
	return map[string]origination.BorrowerFilter{
		"number":           {IDNumber: numberOf(4 * n)},
		"phone":            {Phone: borrower.MustParsePhone(fmt.Sprintf("139%08d", 4*n))},
		"name":             {NamePrefix: borrower.MustParseName("王伟")},
		"surname":          {NamePrefix: mustPrefix("王")},
		"village":          {VillageCode: borrower.RegionCode(fmt.Sprintf("371503%06d", n/60))},
		"officer":          {OfficerID: domain.ID(fmt.Sprintf("01900000-0000-7000-8000-0000000e%04d", n%200))},
		"surname, village": {NamePrefix: mustPrefix("王"), VillageCode: borrower.RegionCode(fmt.Sprintf("371503%06d", n/60))},
		"all":              {},
	}
}

func mustPrefix(text string) borrower.Name {
	name, err := borrower.ParseNamePrefix(text)
	if err != nil {
		panic(err)
	}
	return name
}

func TestEverySearchOfBorrowersGoesByAnIndex(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	branches := r.addBranches(2, 5)
	r.load(1200, branches)
	wanted := map[string][]string{
		"number": {"uk_borrowers_id_number"}, "phone": {"ix_borrower_phones_number"}, "name": {"ix_borrowers_name"},
		"village": {"ix_borrowers_area"}, "officer": {"ix_borrowers_officer"},
	}
	for _, scope := range []domain.Scope{{BranchID: registerHead}, {BranchID: branches[1]}} {
		for what, filter := range searches(100) {
			query, args, err := repository.BorrowersQuery(t.Context(), r.store, scope, filter, domain.Page{Limit: domain.PageLimitDefault})
			if err != nil {
				t.Fatal(err)
			}
			plan := r.explain(query, args)
			var keys []string
			for _, step := range plan {
				keys = append(keys, step.key)
				if step.access == "ALL" && (step.table == "borrowers" || step.table == "borrower_phones") {
					t.Errorf("%s in scope %s scans %s: %+v", what, scope.BranchID, step.table, plan)
				}
			}
			if what == "all" && scope.BranchID != registerHead && !slices.Contains(keys, "ix_borrowers_branch") {
				t.Errorf("a branch's list goes by %q, want ix_borrowers_branch", keys)
			}
			for _, key := range wanted[what] {
				if !strings.Contains(strings.Join(keys, ","), key) {
					t.Errorf("%s in scope %s goes by %q, want %s among them", what, scope.BranchID, keys, key)
				}
			}
		}
		for _, filter := range []origination.HouseholdFilter{{}, {VillageCode: "371503000001"}} {
			query, args, err := repository.HouseholdsQuery(t.Context(), r.store, scope, filter, domain.Page{Limit: domain.PageLimitDefault})
			if err != nil {
				t.Fatal(err)
			}
			for _, step := range r.explain(query, args) {
				if step.access == "ALL" {
					t.Errorf("households like %+v in scope %s scan %s", filter, scope.BranchID, step.table)
				}
			}
		}
	}
}

func TestARareNameIsFoundByItsBeginningWhicheverWayTheServerLooks(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	for i, name := range []string{"王吉华", "王𠮷", "王䶮", "𠮷王华", "玌王华", "主王华", "阿卜杜拉·买买提"} {
		h := r.household(registerCounty, i)
		b := r.farmer(h, i)
		b.Name = borrower.MustParseName(name)
		r.put(h, b)
	}
	for prefix, want := range map[string]int{"王": 3, "王𠮷": 1, "𠮷": 1, "阿卜杜拉·": 1, "王吉华华": 0} {
		query, args, err := repository.BorrowersQuery(t.Context(), r.store, everything, origination.BorrowerFilter{NamePrefix: mustPrefix(prefix)}, domain.Page{Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		for _, hint := range []string{"FORCE", "IGNORE"} {
			pool, err := r.store.Database().DB()
			if err != nil {
				t.Fatal(err)
			}
			hinted := strings.Replace(query, "FROM `borrowers`", "FROM `borrowers` "+hint+" INDEX (ix_borrowers_name)", 1)
			var got int
			if err := pool.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM ("+hinted+") found", args...).Scan(&got); err != nil {
				t.Fatal(err)
			}
			if got != want || hinted == query {
				t.Errorf("%s with %s INDEX: found %d, want %d; %s", prefix, hint, got, want, hinted)
			}
		}
	}
}

func TestTheEndOfARangeOfNamesIsTheNextCodePoint(t *testing.T) {
	t.Parallel()
	for prefix, want := range map[string]string{
		"王": "玌", "王华": "王协", "a\ud7ff": "a\ue000", "王\U0010ffff": "玌", "\U0010ffff": "", "": "",
	} {
		if got := repository.Successor(prefix); got != want {
			t.Errorf("Successor(%q) = %q, want %q", prefix, got, want)
		}
	}
}

type planStep struct{ table, access, key string }

// explain asks the server for its plan. It goes past GORM, which would take a []byte in brackets for a list of numbers.
func (r *register) explain(query string, args []any) (plan []planStep) {
	r.t.Helper()
	pool, err := r.store.Database().DB()
	if err != nil {
		r.t.Fatal(err)
	}
	rows, err := pool.QueryContext(r.t.Context(), "EXPLAIN "+query, args...)
	if err != nil {
		r.t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		r.t.Fatal(err)
	}
	for rows.Next() {
		var step planStep
		targets := make([]any, len(columns))
		for i := range targets {
			targets[i] = new(sql.NullString)
		}
		if err := rows.Scan(targets...); err != nil {
			r.t.Fatal(err)
		}
		for i, name := range columns {
			value := targets[i].(*sql.NullString).String
			switch name {
			case "table":
				step.table = value
			case "type":
				step.access = value
			case "key":
				step.key = value
			}
		}
		plan = append(plan, step)
	}
	if err := rows.Err(); err != nil {
		r.t.Fatal(err)
	}
	return plan
}

// BenchmarkBorrowerSearch loads 200,000 borrowers in 60,000 households and reports the 99th percentile of each search. Run
// it with -benchtime 200x.
func BenchmarkBorrowerSearch(b *testing.B) {
	r := newRegister(b)
	const households = 60_000
	branches := r.addBranches(10, 30)
	r.load(households, branches)
	for _, who := range []struct {
		name  string
		scope domain.Scope
	}{
		{"head office", domain.Scope{BranchID: registerHead}},
		{"county", domain.Scope{BranchID: countyOf(3)}},
		{"branch", domain.Scope{BranchID: branches[17]}},
	} {
		for what := range searches(0) {
			b.Run(who.name+"/"+what, func(b *testing.B) {
				took := make([]time.Duration, 0, b.N)
				for i := range b.N {
					filter := searches(i * 7919 % households)[what]
					began := time.Now()
					if _, err := r.store.Borrowers(context.Background(), who.scope, filter, domain.Page{Limit: domain.PageLimitDefault}); err != nil {
						b.Fatal(err)
					}
					took = append(took, time.Since(began))
				}
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
				b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			})
		}
	}
}
