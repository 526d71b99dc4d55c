package repository_test

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql" // the tests look at rows beside the store
	"github.com/google/go-cmp/cmp"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/decision"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
	"fumin/domain/schedule"
	"fumin/domain/staff"
	"fumin/repository"
	"fumin/repository/storetest"
)

// ledger is a migrated database with a small lender in it, for the tests of applications and all that hangs on them: a head
// office, two counties, a township below the first, and one borrower of each branch.
type ledger struct {
	t     testing.TB
	store *repository.Store
	dsn   string
	rows  *sql.DB // a second way in, by which a test looks at rows and tampers with them
	ids   atomic.Int64
}

// The branches of a ledger.
const (
	ledgerHead     = domain.ID("01900000-0000-7000-8000-0000000000b1")
	ledgerCounty   = domain.ID("01900000-0000-7000-8000-0000000000b2")
	ledgerTownship = domain.ID("01900000-0000-7000-8000-0000000000b3") // below ledgerCounty
	ledgerSibling  = domain.ID("01900000-0000-7000-8000-0000000000b4") // a county of its own
)

// The people of a ledger. There is no table of theirs that a case refers to.
const (
	ledgerOfficer  = domain.ID("01900000-0000-7000-8000-0000000000e1")
	ledgerApprover = domain.ID("01900000-0000-7000-8000-0000000000e2")
	ledgerReleaser = domain.ID("01900000-0000-7000-8000-0000000000e3")
)

// ledgerStart is an instant with microseconds, which must survive.
var ledgerStart = time.Date(2026, 11, 23, 1, 30, 0, 123456000, time.UTC)

func newLedger(t testing.TB) *ledger {
	t.Helper()
	l := &ledger{t: t}
	l.store, l.dsn = storetest.NewWithDSN(t)
	l.rows = openRows(t, l.dsn)
	l.addBranches()
	for _, branch := range []domain.ID{ledgerHead, ledgerCounty, ledgerTownship, ledgerSibling} {
		l.addBorrower(branch)
	}
	return l
}

// openRows opens the database beside the store.
func openRows(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	rows, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rows.Close() })
	return rows
}

func (l *ledger) addBranches() {
	l.t.Helper()
	branches := []staff.Branch{
		{ID: ledgerHead, Code: "37", Name: "山东省分行", Level: staff.LevelProvince},
		{ID: ledgerCounty, Code: "371503", Name: "茌平支行", Level: staff.LevelCounty, ParentID: ledgerHead},
		{ID: ledgerTownship, Code: "371503901", Name: "冯官屯分理处", Level: staff.LevelTownship, ParentID: ledgerCounty},
		{ID: ledgerSibling, Code: "371311", Name: "罗庄支行", Level: staff.LevelCounty, ParentID: ledgerHead},
	}
	ancestors, err := staff.Ancestry(branches)
	l.must(err)
	l.update(func(tx origination.Tx) error {
		for _, b := range branches {
			event := staff.Event{
				ID: l.newID(), Subject: staff.SubjectBranch, SubjectID: b.ID, BranchID: b.ID, Action: staff.ActionCreate,
				ActorID: ledgerOfficer, ActorName: "安装程序", ActorRole: domain.RoleSystem, At: ledgerStart,
			}
			if err := tx.InsertBranch(l.t.Context(), b, event); err != nil {
				return err
			}
		}
		return tx.InsertAncestors(l.t.Context(), ancestors)
	})
}

// addBorrower puts the borrower of ledgerBorrower on file.
func (l *ledger) addBorrower(branch domain.ID) {
	l.t.Helper()
	b := borrower.Borrower{
		ID: ledgerBorrower(branch), Kind: borrower.KindSmallEnterprise, Name: borrower.MustParseName("茌平区某某粮食收购有限公司"),
		RegionCode: borrower.MustParseRegionCode("371503901"), Address: borrower.MustParseAddress("山东省聊城市茌平区冯官屯镇"),
		BranchID: branch, OfficerID: ledgerOfficer, Version: 1, CreatedAt: ledgerStart,
	}
	event := origination.BorrowerEvent{
		ID: l.newID(), Subject: origination.SubjectBorrower, SubjectID: b.ID, Version: 1, BranchID: branch,
		Action: origination.BorrowerCreated, ActorID: ledgerOfficer, ActorName: "员工", ActorRole: domain.RoleLoanOfficer, At: ledgerStart,
	}
	l.update(func(tx origination.Tx) error { return tx.InsertBorrower(l.t.Context(), b, event) })
}

// ledgerBorrower is the id of the borrower whose file a branch keeps.
func ledgerBorrower(branch domain.ID) domain.ID {
	return branch[:len(branch)-2] + "c" + branch[len(branch)-1:]
}

// newID is a fresh id; later ones sort after earlier ones, as version 7 does.
func (l *ledger) newID() domain.ID {
	return domain.ID(fmt.Sprintf("0190a000-0000-7000-8000-%012x", l.ids.Add(1)))
}

func (l *ledger) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// update runs one transaction that must succeed.
func (l *ledger) update(fn func(tx origination.Tx) error) {
	l.t.Helper()
	l.must(l.store.Update(l.t.Context(), fn))
}

// exec changes rows as somebody with a database client would.
func (l *ledger) exec(statement string, arguments ...any) {
	l.t.Helper()
	if _, err := l.rows.ExecContext(l.t.Context(), statement, arguments...); err != nil {
		l.t.Fatalf("%s: %v", statement, err)
	}
}

// count is the single number a query gives.
func (l *ledger) count(query string, arguments ...any) (n int) {
	l.t.Helper()
	if err := l.rows.QueryRowContext(l.t.Context(), query, arguments...).Scan(&n); err != nil {
		l.t.Fatalf("%s: %v", query, err)
	}
	return n
}

// draft is a plain new application of a branch's borrower.
func (l *ledger) draft(branch domain.ID) loan.Record {
	id := l.newID()
	return loan.Record{
		ID: id, ApplicationNo: "LA-" + id.String()[24:], BranchID: branch, OfficerID: ledgerOfficer, BorrowerID: ledgerBorrower(branch),
		RegionCode: "371503901201", ProductCode: "QLFMD",
		Request: loan.Request{
			Amount: money.MustParseAmount("99500.00"), TermMonths: 12, RepaymentMethod: schedule.InterestOnlyBullet,
			Purpose: loan.PurposeFacility, PurposeNote: "维修肉鸭棚",
		},
		Status: loan.StatusDraft, Version: 1, CreatedAt: ledgerStart, UpdatedAt: ledgerStart,
	}
}

// approved makes a draft what an approval by a person makes it.
func approved(r loan.Record) loan.Record {
	r.Status, r.SubmittedBy = loan.StatusApproved, ledgerOfficer
	r.DecisionID, r.ProductVersionID = "01900000-0000-7000-8000-0000000000d1", "01900000-0000-7000-8000-0000000000d2"
	r.ReferenceRateID = "01900000-0000-7000-8000-0000000000d3"
	r.Approval = &loan.Approval{
		Amount: r.Request.Amount, TermMonths: r.Request.TermMonths, AnnualRate: money.MustParseRate("3.65"),
		ApprovedBy: ledgerApprover, ApprovedAt: ledgerStart,
	}
	return r
}

// applicationEvent is the event of a record's version.
func applicationEvent(r loan.Record) loan.Event {
	return loan.Event{
		Subject: loan.SubjectApplication, SubjectID: r.ID, Version: r.Version, CaseID: r.ID, BranchID: r.BranchID,
		Action: loan.ActionCreate, To: string(r.Status), ActorID: ledgerOfficer, ActorName: "员工", ActorRole: domain.RoleLoanOfficer,
		At: r.UpdatedAt,
	}
}

// addApplication stores a record of any status.
func (l *ledger) addApplication(r loan.Record) loan.Record {
	l.t.Helper()
	l.update(func(tx origination.Tx) error { return insertApplication(l.t, tx, r) })
	return r
}

func insertApplication(t testing.TB, tx origination.Tx, r loan.Record) error {
	t.Helper()
	a, err := loan.Restore(r)
	if err != nil {
		return err
	}
	return tx.InsertApplication(t.Context(), a, applicationEvent(r))
}

// contract is what was signed for a granted application.
func ledgerContract(r loan.Record) loan.Contract {
	return loan.Contract{
		APRAfterSubsidyPct: "3.2967", GuaranteeKind: "credit", PaymentMethod: loan.SelfPayment,
		ApplicationID: r.ID, BranchID: r.BranchID, BorrowerID: r.BorrowerID, ContractNo: "HT-" + r.ApplicationNo,
		SignedOn: domain.MustParseDate("2026-11-23"), Amount: r.Request.Amount, TermMonths: r.Request.TermMonths,
		RepaymentMethod: r.Request.RepaymentMethod, AnnualRate: money.MustParseRate("3.65"),
		ReferenceRatePct: money.MustParseRate("3.45"), ReferencePublished: domain.MustParseDate("2026-11-20"),
		APREffectivePct: "3.71", InterestTotal: money.MustParseAmount("3631.75"), Payee: ledgerPayee(),
		RecordedBy: ledgerOfficer, RecordedAt: ledgerStart,
	}
}

func ledgerPayee() loan.Payee {
	return loan.Payee{
		AccountName: borrower.MustParseName("王吉华"), Account: borrower.MustParseBankAccount("9040101070142050000123"),
		BankName: "茌平农商行冯官屯支行",
	}
}

// ledgerPlan pays the whole principal in one.
func ledgerPlan(c loan.Contract) []loan.Instalment {
	return []loan.Instalment{{
		Number: 1, DueOn: c.SignedOn.AddMonths(12), Days: 365, OpeningBalance: c.Amount, Principal: c.Amount,
		Interest: c.InterestTotal, Total: c.Amount.Add(c.InterestTotal),
	}}
}

// addSigned stores an application with its contract.
func (l *ledger) addSigned(branch domain.ID) (loan.Record, loan.Contract) {
	l.t.Helper()
	r := approved(l.draft(branch))
	r.Status = loan.StatusSigned
	l.addApplication(r)
	c := ledgerContract(r)
	l.update(func(tx origination.Tx) error { return tx.InsertContract(l.t.Context(), c, ledgerPlan(c)) })
	return r, c
}

// payment is a disbursement of an application that waits for its release, with one transfer to the borrower.
func (l *ledger) payment(r loan.Record) loan.DisbursementRecord {
	id := l.newID()
	return loan.DisbursementRecord{
		ID: id, ApplicationID: r.ID, BranchID: r.BranchID, BorrowerID: r.BorrowerID, Amount: r.Request.Amount,
		Status: loan.DisbursementRequested, RequestedBy: ledgerOfficer, RequestedAt: ledgerStart, Version: 1,
		Transfers: []loan.TransferRecord{{
			ID: l.newID(), DisbursementID: id, ApplicationID: r.ID, BranchID: r.BranchID, BorrowerID: r.BorrowerID, Number: 1,
			Method: loan.SelfPayment, Amount: r.Request.Amount, Payee: ledgerPayee(), AccountLast4: "0123",
			Status: loan.TransferRequested, Version: 1,
		}},
	}
}

// disbursementEvents are the events of the versions of a disbursement and of its transfers.
func disbursementEvents(r loan.DisbursementRecord) []loan.Event {
	event := func(subject loan.Subject, id domain.ID, version int, to string) loan.Event {
		return loan.Event{
			Subject: subject, SubjectID: id, Version: version, CaseID: r.ApplicationID, BranchID: r.BranchID,
			Action: loan.ActionRequest, To: to, ActorID: ledgerOfficer, ActorName: "员工", ActorRole: domain.RoleLoanOfficer,
			At: ledgerStart,
		}
	}
	events := []loan.Event{event(loan.SubjectDisbursement, r.ID, r.Version, string(r.Status))}
	for _, t := range r.Transfers {
		events = append(events, event(loan.SubjectTransfer, t.ID, t.Version, string(t.Status)))
	}
	return events
}

// asListed is what a read gives of what was stored: the accounts stay sealed.
func asListed(r loan.DisbursementRecord) loan.DisbursementRecord {
	r.Transfers = slices.Clone(r.Transfers)
	for i := range r.Transfers {
		r.Transfers[i].Payee.Account = borrower.BankAccount{}
	}
	return r
}

// addDisbursement stores a payment of any status.
func (l *ledger) addDisbursement(r loan.DisbursementRecord) loan.DisbursementRecord {
	l.t.Helper()
	l.update(func(tx origination.Tx) error { return insertDisbursement(l.t, tx, r) })
	return r
}

func insertDisbursement(t testing.TB, tx origination.Tx, r loan.DisbursementRecord) error {
	t.Helper()
	d, err := loan.RestoreDisbursement(r)
	if err != nil {
		return err
	}
	return tx.InsertDisbursement(t.Context(), d, disbursementEvents(r))
}

// ledgerKey is an idempotency key.
func ledgerKey(key string, fingerprint int) origination.Idempotency {
	return origination.Idempotency{Key: key, Fingerprint: fmt.Sprintf("%064x", fingerprint)}
}

// ledgerEverything is what a worker sees.
var ledgerEverything = domain.Scope{Everything: true}

// asStored compares values that hold dates and facts, which have no Equal of their own.
var asStored = cmp.Options{
	cmp.Comparer(func(a, b domain.Date) bool { return a == b }),
	cmp.Transformer("snapshot", decision.Facts.Snapshot),
}

// wantCode fails unless err is the domain error with the code and kind.
func wantCode(t testing.TB, what string, err error, kind domain.Kind, code string) {
	t.Helper()
	e, ok := errors.AsType[*domain.Error](err)
	if !ok || e.Code != code || e.Kind != kind || e.Detail == "" {
		t.Errorf("%s: got error %v, want code %q of kind %d with a sentence for the user", what, err, code, kind)
	}
}
