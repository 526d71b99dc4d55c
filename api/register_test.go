package api_test

import (
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	"github.com/google/uuid"

	"fumin/api"
	"fumin/domain"
	"fumin/domain/origination"
	"fumin/domain/paymentfile"
	"fumin/repository"
	"fumin/repository/contractprint"
	signingsandbox "fumin/repository/signing/sandbox"
	"fumin/repository/storetest"
)

// The organisation of these tests: a head office with two branches.
const (
	headOffice = domain.ID("0191a2b3-0000-7000-8000-0000000000b0")
	branchA    = domain.ID("0191a2b3-0000-7000-8000-0000000000b1")
	branchB    = domain.ID("0191a2b3-0000-7000-8000-0000000000b2")
	village    = "371503901201"
)

// register is the service with households and borrowers on a database of its own.
type register struct {
	t      *testing.T
	db     *sql.DB
	client *client
	store  *repository.Store
	clock  atomic.Pointer[time.Time]
	signer origination.SigningService // the sandbox of signingURL, over HTTP

	signingURL string
	signing    *signingsandbox.Server

	destinations origination.ReportDestinations

	mu     sync.Mutex
	actors map[string]domain.Actor // by token
}

func newRegister(t *testing.T, asking ...origination.EnquiriesOption) *register {
	t.Helper()
	store, dsn := storetest.NewWithDSN(t)
	db, err := sql.Open("mysql", dsn+"?parseTime=true")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	r := &register{t: t, db: db, actors: map[string]domain.Actor{}}
	r.signer, r.signingURL, r.signing = newSigning(t)
	r.at(time.Date(2026, 8, 23, 1, 30, 0, 0, time.UTC))
	r.addBranch(headOffice, "000", "聊城农商银行", "")
	r.addBranch(branchA, "001", "茌平支行", headOffice)
	r.addBranch(branchB, "002", "高唐支行", headOffice)

	now := func() time.Time { return *r.clock.Load() }
	options := edgeOptions(&logLines{})
	options.NewID, options.Now = newID, now
	options.Borrowers = origination.NewBorrowers(store, now, newID)
	options.Catalogue = origination.NewCatalogue(store, now, newID)
	options.Quotes = origination.NewQuotes(store, now)
	options.Jobs = origination.NewJobs(store, now, newID, func() {})
	options.RuleSets = origination.NewRuleSets(store, now, newID, options.Jobs)
	options.Enquiries = origination.NewEnquiries(store, now, newID, asking...)
	options.Applications = origination.NewApplications(store, now, newID, origination.AskingFirst(options.Enquiries))
	options.Limits = origination.NewLimits(store, now, newID)
	options.Reviews = origination.NewReviews(store, now, newID)
	options.Authorities = origination.NewAuthorities(store, now, newID)
	options.Signatures = origination.NewSignatures(store, now, newID, rand.Reader, contractprint.New(theFont(t)), r.signer, origination.ApprovalValidDaysDefault)
	files, err := api.NewFileSigner([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	options.Files = files
	options.Guarantees = origination.NewGuarantees(store, now, newID)
	options.Lines = origination.NewLines(store, now, newID)
	options.Holds = origination.NewHolds(store, now, newID)
	silent := slog.New(slog.DiscardHandler)
	noChannel := origination.NewPayouts(store, now, nil, newID(), silent, origination.DefaultPayoutLimits()) // it settles what files say, and asks nobody
	options.Reconciliations = origination.NewReconciliations(store, now, newID, noChannel)
	options.PaymentFiles = origination.NewPaymentFiles(store, now, newID, noChannel, paymentfile.Debtor{Name: "聊城农商银行", Account: "9040101070142050000001", Bank: "营业部"})
	options.Reports = origination.NewReports(store, now, newID)
	options.Exports = origination.NewExports(options.Reports, options.Jobs)
	r.destinations = newDestinations(t, now)
	options.ReportSchedules = origination.NewReportSchedules(store, now, newID, options.Reports, r.destinations)
	options.Disbursements = origination.NewDisbursements(store, now, newID, func() {})
	r.store = store
	options.Authenticate = r.authenticate
	r.client = newClient(t, api.New(options))
	return r
}

func newID() domain.ID { return domain.ID(uuid.Must(uuid.NewV7()).String()) }

// at sets the service's clock.
func (r *register) at(now time.Time) { r.clock.Store(&now) }

func (r *register) addBranch(id domain.ID, code, name string, parent domain.ID) {
	r.t.Helper()
	r.exec("INSERT INTO branches (id, code, name, level, parent_id, created_at) VALUES (?, ?, ?, IF(? = '', 'head', 'county'), NULLIF(?, ''), NOW(6))",
		id, code, name, parent, parent)
	r.exec("INSERT INTO branch_ancestors (ancestor_id, branch_id) VALUES (?, ?)", id, id)
	if parent != "" {
		r.exec("INSERT INTO branch_ancestors (ancestor_id, branch_id) VALUES (?, ?)", parent, id)
	}
}

func (r *register) exec(query string, args ...any) {
	r.t.Helper()
	if _, err := r.db.ExecContext(r.t.Context(), query, args...); err != nil {
		r.t.Fatalf("%s: %v", query, err)
	}
}

// count returns the one number a query answers.
func (r *register) count(query string, args ...any) (n int) {
	r.t.Helper()
	if err := r.db.QueryRowContext(r.t.Context(), query, args...).Scan(&n); err != nil {
		r.t.Fatalf("%s: %v", query, err)
	}
	return n
}

func (r *register) authenticate(request *http.Request) (domain.Actor, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	by, known := r.actors[strings.TrimPrefix(request.Header.Get("Authorization"), "Bearer ")]
	if !known {
		return domain.Actor{}, domain.Errorf(domain.KindUnauthenticated, "not-found", "请先登录")
	}
	return by, nil
}

// as returns a client that is signed in as somebody with the role at the branch.
func (r *register) as(role domain.Role, branch domain.ID) *client {
	r.actor(role, branch)
	return r.client.with("Authorization", "Bearer "+string(role)+"@"+branch.String())
}

// actor is who as signs in.
func (r *register) actor(role domain.Role, branch domain.ID) domain.Actor {
	token := string(role) + "@" + branch.String()
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.actors[token]; !known {
		r.actors[token] = domain.Actor{ID: domain.ID(uuid.Must(uuid.NewV7()).String()), Name: "经办人", Role: role, BranchID: branch}
	}
	return r.actors[token]
}

// now is the service's clock.
func (r *register) now() time.Time { return *r.clock.Load() }

func (r *register) officer() *client { return r.as(domain.RoleLoanOfficer, branchA) }

// asBorrower returns a client of the mobile app's backend that acts for one borrower.
func (r *register) asBorrower(id domain.ID) *client {
	token := "app-for-" + id.String()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.actors[token] = domain.Actor{ID: "0191a2b3-0000-7000-8000-0000000000aa", Name: "手机银行", Role: domain.RoleBorrower, BorrowerID: id}
	return r.client.with("Authorization", "Bearer "+token)
}

// idNumber makes the n-th identity number of a test: a person born on 1968-05-03 plus n days, who never was.
func idNumber(n int) string {
	day := time.Date(1968, 5, 3, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n)
	body := "371599" + day.Format("20060102") + "009"
	weights := []int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}
	sum := 0
	for i, weight := range weights {
		sum += weight * int(body[i]-'0')
	}
	return body + string("10X98765432"[sum%11])
}

// fields is a JSON object of a request.
type fields map[string]any

// but returns a copy with some members changed; nil removes one.
func (f fields) but(changes fields) fields {
	next := fields{}
	maps.Copy(next, f)
	for name, value := range changes {
		if value == nil {
			delete(next, name)
		} else {
			next[name] = value
		}
	}
	return next
}

func (f fields) text(t *testing.T) string {
	t.Helper()
	text, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func newHousehold(n int) fields {
	return fields{
		"village_code": village, "address": "山东省聊城市茌平区冯官屯镇刘马村12号",
		"head": fields{"name": "王吉华", "id_number": idNumber(n)},
	}
}

func newFarmer(n int, householdID domain.ID) fields {
	return fields{
		"kind": "farmer", "name": "王吉华", "id_number": idNumber(n), "phone": fmt.Sprintf("139%08d", n), "household_id": householdID,
		"payout_account": fields{
			"number": "6228480000000000018", "account_name": "王吉华", "bank_name": "农业银行聊城茌平支行", "verified_how": "document_seen",
		},
		"consents": []fields{{
			"kind": "credit_enquiry", "text_version": "credit-2026.1", "given_how": "paper",
			"given_at": "2026-08-23T01:00:00Z", "until": "2027-08-22",
		}},
	}
}

// createAt posts a creation with a fresh idempotency key.
func createAt(c *client, path string, body fields) answer {
	c.t.Helper()
	return c.with("Idempotency-Key", uuid.NewString()).post(path, body.text(c.t))
}

type householdJSON struct {
	ID      domain.ID `json:"id"`
	HeadID  domain.ID `json:"head_id"`
	Address string    `json:"address"`
	Version int       `json:"version"`
	Members []struct {
		ID       domain.ID `json:"id"`
		Name     string    `json:"name"`
		IDNumber string    `json:"id_number"`
		Relation string    `json:"relation"`
		JoinedOn string    `json:"joined_on"`
		LeftOn   string    `json:"left_on"`
	} `json:"members"`
}

type borrowerJSON struct {
	ID              domain.ID `json:"id"`
	Kind            string    `json:"kind"`
	Name            string    `json:"name"`
	IDNumber        string    `json:"id_number"`
	AgeYears        int       `json:"age_years"`
	Sex             string    `json:"sex"`
	Phone           string    `json:"phone"`
	HouseholdID     domain.ID `json:"household_id"`
	BranchID        domain.ID `json:"branch_id"`
	OfficerID       domain.ID `json:"officer_id"`
	PayoutAccountID domain.ID `json:"payout_account_id"`
	Version         int       `json:"version"`
	Accounts        []struct {
		ID          domain.ID `json:"id"`
		Number      string    `json:"number"`
		AccountName string    `json:"account_name"`
		VerifiedHow string    `json:"verified_how"`
		VerifiedBy  domain.ID `json:"verified_by"`
	} `json:"accounts"`
	Consents []struct {
		ID          domain.ID `json:"id"`
		Kind        string    `json:"kind"`
		Live        bool      `json:"live"`
		WithdrawnAt string    `json:"withdrawn_at"`
	} `json:"consents"`
}

// household creates the n-th household of a test.
func (r *register) household(c *client, n int) (h householdJSON) {
	r.t.Helper()
	createAt(c, "/v1/households", newHousehold(n)).want(http.StatusCreated).into(&h)
	return h
}

// farmer creates the n-th household of a test and its head as a borrower.
func (r *register) farmer(c *client, n int) (b borrowerJSON) {
	r.t.Helper()
	createAt(c, "/v1/borrowers", newFarmer(n, r.household(c, n).ID)).want(http.StatusCreated).into(&b)
	return b
}

// personal are texts of the samples that no answer but a reveal may show.
func personal(n int) []string {
	return []string{"王吉华", idNumber(n), idNumber(n)[6:14], fmt.Sprintf("139%08d", n), "6228480000000000018", "刘马村"}
}

func wantMasked(t *testing.T, a answer, n int) {
	t.Helper()
	for _, secret := range personal(n) {
		if strings.Contains(string(a.body), secret) {
			t.Errorf("%s shows %q: %s", a.asked, secret, a.body)
		}
	}
}

// atOnce runs do for 0 to n-1 at the same time and returns the statuses, sorted.
func atOnce(n int, do func(i int) int) []int {
	statuses := make([]int, n)
	var group sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		group.Go(func() {
			<-start
			statuses[i] = do(i)
		})
	}
	close(start)
	group.Wait()
	slices.Sort(statuses)
	return statuses
}

// times returns a list of n equal numbers.
func times(n, value int) []int { return slices.Repeat([]int{value}, n) }
