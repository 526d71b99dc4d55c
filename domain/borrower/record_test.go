package borrower

import (
	"errors"
	"slices"
	"testing"
	"time"

	"fumin/domain"
)

var (
	sampleAt     = time.Date(2026, 3, 2, 1, 30, 0, 0, time.UTC)
	sampleDay    = domain.DateOf(sampleAt)
	sampleBranch = testID(1)
	sampleUser   = testID(2)
)

// testID makes the n-th id of a test.
func testID(n int) domain.ID {
	const digits = "0123456789abcdef"
	return domain.ID("00000000-0000-7000-8000-0000000000" + string([]byte{digits[n/16%16], digits[n%16]}))
}

func sampleAccount(id domain.ID, name Name) Account {
	return Account{
		ID: id, Number: MustParseBankAccount("6228480000000000018"), AccountName: name, BankName: "农业银行聊城茌平支行",
		VerifiedHow: AccountSeen, VerifiedBy: sampleUser, VerifiedAt: sampleAt,
	}
}

func sampleConsent(id domain.ID, kind ConsentKind) Consent {
	return Consent{
		ID: id, Kind: kind, TextVersion: "credit-2026.1", GivenHow: ConsentByPaper, GivenAt: sampleAt,
		Until: domain.MustParseDate("2027-03-01"),
	}
}

func sampleFarmer() Borrower {
	name := MustParseName("王吉华")
	return Borrower{
		ID: testID(10), Kind: KindFarmer, Name: name, IDNumber: MustParseIDNumber("37159919680503009X"),
		Phone: MustParsePhone("13900000001"), HouseholdID: testID(20), BranchID: sampleBranch, OfficerID: sampleUser,
		Accounts: []Account{sampleAccount(testID(11), name)}, PayoutAccountID: testID(11),
		Consents:  []Consent{sampleConsent(testID(12), ConsentCreditEnquiry), sampleConsent(testID(13), ConsentPrivacyNotice)},
		CreatedAt: sampleAt,
	}
}

func sampleHousehold() Household {
	return NewHousehold(testID(20), sampleBranch, "371503901201", MustParseAddress("山东省聊城市茌平区冯官屯镇刘马村12号"),
		testID(21), MustParseName("王吉华"), MustParseIDNumber("37159919680503009X"), sampleAt)
}

// pointersOf lists "pointer code" of each field problem, in order.
func pointersOf(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*domain.Error](err)
	if !ok {
		t.Fatalf("Validate = %T %v, want *domain.Error", err, err)
	}
	var all []string
	for _, f := range e.Fields {
		all = append(all, f.Pointer+" "+f.Code)
	}
	return all
}

func TestACompleteFarmerAndHouseholdAreValid(t *testing.T) {
	t.Parallel()
	if err := sampleFarmer().Validate(); err != nil {
		t.Errorf("Validate = %v, want nil", pointersOf(t, err))
	}
	if err := sampleHousehold().Validate(); err != nil {
		t.Errorf("Validate = %v, want nil", pointersOf(t, err))
	}
}

func TestAnEmptyRecordNamesEveryMissingField(t *testing.T) {
	t.Parallel()
	got := pointersOf(t, Borrower{Kind: KindFarmer}.Validate())
	want := []string{
		"/id required", "/branch_id required", "/officer_id required", "/created_at required", "/name required",
		"/id_number required", "/household_id required", "/phone required",
	}
	if !slices.Equal(got, want) {
		t.Errorf("borrower problems = %q, want %q", got, want)
	}
	got = pointersOf(t, Household{}.Validate())
	want = []string{
		"/id required", "/branch_id required", "/village_code required", "/address required", "/created_at required",
		"/head_id household-head",
	}
	if !slices.Equal(got, want) {
		t.Errorf("household problems = %q, want %q", got, want)
	}
}

func BenchmarkValidateBorrower(b *testing.B) {
	farmer := sampleFarmer()
	for b.Loop() {
		if err := farmer.Validate(); err != nil {
			b.Fatal(err)
		}
	}
}
