package origination_test

import (
	"cmp"
	"fmt"
	"io"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
	"fumin/domain/schedule"
	"fumin/domain/staff"
	"fumin/repository"
	"fumin/repository/channel"
	"fumin/repository/channel/sandbox"
	"fumin/repository/demodata"
	"fumin/repository/storetest"
)

// world is a lender on a database of its own: the shipped catalogue and organisation, a sandbox payment channel behind real
// HTTP, and a clock that only moves when the test says so.
type world struct {
	t             *testing.T
	store         *repository.Store
	dsn           string
	microseconds  atomic.Int64
	channel       *sandbox.Server
	client        *channel.Payments
	applications  *origination.Applications
	borrowers     *origination.Borrowers
	catalogue     *origination.Catalogue
	disbursements *origination.Disbursements
	payouts       *origination.Payouts
	authorities   *origination.Authorities
	reviews       *origination.Reviews
	guarantees    *origination.Guarantees
	woken         atomic.Int64
	people        atomic.Int64
	villageCode   string     // where the next household lives; empty: 刘马村
	mu            sync.Mutex // for what a test counts in many callers
}

var testStart = time.Date(2026, 11, 23, 1, 30, 0, 0, time.UTC)

const channelKey = "fumin-test"

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t}
	w.microseconds.Store(testStart.UnixMicro())
	w.store, w.dsn = storetest.NewWithDSN(t)
	w.applications = origination.NewApplications(w.store, w.now, newID)
	w.borrowers = origination.NewBorrowers(w.store, w.now, newID)
	w.catalogue = origination.NewCatalogue(w.store, w.now, newID)
	w.authorities = origination.NewAuthorities(w.store, w.now, newID)
	w.reviews = origination.NewReviews(w.store, w.now, newID)
	w.disbursements = origination.NewDisbursements(w.store, w.now, newID, func() { w.woken.Add(1) })
	w.startChannel()
	w.loadLender()
	return w
}

func newID() domain.ID { return domain.ID(uuid.Must(uuid.NewV7()).String()) }

// now is a microsecond later at each look, as no two looks at a real clock are at the same time.
func (w *world) now() time.Time { return time.UnixMicro(w.microseconds.Add(1)).UTC() }

func (w *world) advance(d time.Duration) { w.microseconds.Add(d.Microseconds()) }

// startChannel runs the sandbox behind a real listener. The channel's client and server tell the real time, because the
// signature's window is checked against it; nothing in the tests depends on what it is.
func (w *world) startChannel() {
	w.t.Helper()
	realNow := func() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
	secret := []byte("0123456789abcdef0123456789abcdef")
	server, err := sandbox.New(sandbox.Options{
		RecordFile: filepath.Join(w.t.TempDir(), "channel.jsonl"), Keys: map[string][]byte{channelKey: secret}, Now: realNow,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	listening := httptest.NewServer(server)
	w.t.Cleanup(func() {
		listening.Close()
		if err := server.Close(); err != nil {
			w.t.Error(err)
		}
	})
	client, err := channel.New(channel.Options{
		BaseURL: listening.URL, KeyID: channelKey, Secret: secret, Now: realNow, Timeout: 2 * time.Second,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.channel = server
	w.client = channel.NewPayments(client, discard())
	w.payouts = origination.NewPayouts(w.store, w.now, w.client, newID(), discard(), origination.DefaultPayoutLimits())
}

func (w *world) loadLender() {
	w.t.Helper()
	products, versions, rates, err := demodata.Catalogue()
	w.must(err)
	loader := domain.Actor{ID: newID(), Name: "安装程序", Role: domain.RoleSystem}
	w.must(w.catalogue.Load(w.t.Context(), loader, origination.LoadCatalogue{Products: products, Versions: versions, ReferenceRates: rates}))
	sets, err := demodata.LoadableRuleSetsWithoutInstitutions()
	w.must(err)
	w.must(w.ruleSets().Load(w.t.Context(), loader, sets))
	w.guarantees = origination.NewGuarantees(w.store, w.now, newID)
	w.loadGuaranteeCompanies(loader)
	branches, err := demodata.Branches()
	w.must(err)
	var organisation origination.Organisation
	for _, b := range branches {
		organisation.Branches = append(organisation.Branches, origination.OrganisationBranch{
			ID: b.ID, Code: b.Code, Name: b.Name, Level: staff.Level(b.Level), ParentCode: b.ParentCode,
		})
	}
	w.must(origination.NewStaff(w.store, w.now, newID, nil).LoadOrganisation(w.t.Context(), loader, organisation))
	authorities, err := demodata.Authorities()
	w.must(err)
	w.must(w.authorities.Load(w.t.Context(), loader, authorities))
}

// loadGuaranteeCompanies brings in the sample company, which serves QLFMD in Shandong.
func (w *world) loadGuaranteeCompanies(loader domain.Actor) {
	w.t.Helper()
	companies, err := demodata.GuaranteeCompanies()
	w.must(err)
	for _, c := range companies {
		w.must(w.guarantees.LoadCompanies(w.t.Context(), loader, []origination.DraftGuaranteeCompany{origination.DraftGuaranteeCompany(c)}))
	}
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// branch returns the id of a shipped branch.
func (w *world) branch(code string) domain.ID {
	w.t.Helper()
	branches, err := demodata.Branches()
	w.must(err)
	for _, b := range branches {
		if b.Code == code {
			return b.ID
		}
	}
	w.t.Fatalf("no branch %s", code)
	return ""
}

// somebody is a new member of staff of 茌平支行; each call is another person.
func (w *world) somebody(role domain.Role) domain.Actor { return w.somebodyAt("371503", role) }

func (w *world) somebodyAt(branch string, role domain.Role) domain.Actor {
	return domain.Actor{ID: newID(), Name: "员工", Role: role, BranchID: w.branch(branch)}
}

func key() origination.Idempotency {
	return origination.Idempotency{Key: newID().String(), Fingerprint: fmt.Sprintf("%064x", 1)}
}

// farmer puts a household and its head on file: born in 1980, with a consent and a verified account.
func (w *world) farmer(officer domain.Actor) borrower.Borrower {
	return w.farmerBorn(officer, "19800615")
}

func (w *world) farmerBorn(officer domain.Actor, birth string) borrower.Borrower {
	return w.farmerBut(officer, birth, func(*origination.CreateBorrower) {})
}

// farmerWithout is a farmer whose file lacks something.
func (w *world) farmerWithout(officer domain.Actor, change func(*origination.CreateBorrower)) borrower.Borrower {
	return w.farmerBut(officer, "19800615", change)
}

func (w *world) farmerBut(officer domain.Actor, birth string, change func(*origination.CreateBorrower)) borrower.Borrower {
	w.t.Helper()
	n := w.people.Add(1)
	number := borrower.MustParseIDNumber(withCheckDigit(fmt.Sprintf("371503%s%03d", birth, n)))
	name := borrower.MustParseName("王吉华")
	household, _, err := w.borrowers.CreateHousehold(w.t.Context(), officer, key(), origination.CreateHousehold{
		VillageCode: borrower.MustParseRegionCode(cmp.Or(w.villageCode, "371503901201")), Address: borrower.MustParseAddress("山东省聊城市茌平区冯官屯镇刘马村18号"),
		HeadName: name, HeadIDNumber: number,
	})
	w.must(err)
	cmd := origination.CreateBorrower{
		Kind: borrower.KindFarmer, Name: name, IDNumber: number, Phone: borrower.MustParsePhone(fmt.Sprintf("138%08d", n)),
		HouseholdID: household.ID,
		Payout: &origination.NewAccount{
			Number: borrower.MustParseBankAccount(withLuhnDigit(fmt.Sprintf("622202%012d", n))), AccountName: name,
			BankName: "茌平农商行冯官屯支行", VerifiedHow: borrower.AccountSeen,
		},
		Consents: []origination.NewConsent{{
			Kind: borrower.ConsentCreditEnquiry, TextVersion: "credit-2026.1", GivenHow: borrower.ConsentByPaper,
			GivenAt: w.now(), Until: domain.DateOf(w.now()).AddMonths(6),
		}},
	}
	change(&cmd)
	person, _, err := w.borrowers.CreateBorrower(w.t.Context(), officer, key(), cmd)
	w.must(err)
	return person
}

// withCheckDigit completes 17 digits by GB 11643.
func withCheckDigit(digits string) string {
	weights := []int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}
	sum := 0
	for i, weight := range weights {
		sum += weight * int(digits[i]-'0')
	}
	return digits + string("10X98765432"[sum%11])
}

// withLuhnDigit completes a card number.
func withLuhnDigit(digits string) string {
	sum := 0
	for i := range digits {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 0 {
			d *= 2
			if d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return digits + string(rune('0'+(10-sum%10)%10))
}

func request(amount string) loan.Request {
	return loan.Request{
		Amount: money.MustParseAmount(amount), TermMonths: 12, RepaymentMethod: schedule.InterestOnlyBullet,
		Purpose: loan.PurposeFacility, PurposeNote: "维修肉鸭棚", SiteVisitOn: domain.MustParseDate("2026-11-20"),
		BureauConfirmationNo: "CP-2026-0117",
	}
}

func (w *world) opened(officer domain.Actor, amount string) loan.Record {
	w.t.Helper()
	rec, _, err := w.applications.Open(w.t.Context(), officer, key(), origination.OpenApplication{
		BorrowerID: w.farmer(officer).ID, ProductCode: "QLFMD", Request: request(amount),
	})
	w.must(err)
	return rec
}

func (w *world) signed(officer domain.Actor, amount string) loan.Record {
	w.t.Helper()
	rec := w.opened(officer, amount)
	rec, err := w.applications.Submit(w.t.Context(), officer, rec.ID)
	w.must(err)
	if rec.Status != loan.StatusApproved {
		w.t.Fatalf("submitted: %s, want approved", rec.Status)
	}
	rec, err = w.applications.Sign(w.t.Context(), officer, origination.SignApplication{
		ID: rec.ID, ContractNo: "HT-" + rec.ApplicationNo, SignedOn: domain.DateOf(w.now()),
	})
	w.must(err)
	return rec
}

// all asks for everything the contract has, to the borrower's own account.
func all(applicationID domain.ID) origination.RequestDisbursement {
	return origination.RequestDisbursement{ApplicationID: applicationID}
}

func (w *world) released(officer domain.Actor, amount string) loan.DisbursementRecord {
	w.t.Helper()
	rec := w.signed(officer, amount)
	d, _, err := w.disbursements.Request(w.t.Context(), officer, key(), all(rec.ID))
	w.must(err)
	d, _, err = w.disbursements.Release(w.t.Context(), w.somebody(domain.RoleDisbursementOfficer), key(), d.ID)
	w.must(err)
	return d
}

func (w *world) ruleSets() *origination.RuleSets {
	return origination.NewRuleSets(w.store, w.now, newID, w.jobs())
}

// lockedWriter lets many goroutines log into one buffer.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
