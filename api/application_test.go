package api_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"fumin/domain"
	"fumin/domain/origination"
	"fumin/repository/channel"
	"fumin/repository/channel/sandbox"
	"fumin/repository/demodata"
)

// newBank is a register with the shipped catalogue.
func newBank(t *testing.T) *register {
	t.Helper()
	return newBankAsking(t)
}

// newBankAsking is newBank with institutions that are asked before a submit.
func newBankAsking(t *testing.T, options ...origination.EnquiriesOption) *register {
	t.Helper()
	r := newRegister(t, options...)
	products, versions, rates, err := demodata.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return *r.clock.Load() }
	loader := domain.Actor{ID: newID(), Name: "安装程序", Role: domain.RoleSystem}
	r.loadGuaranteeCompanies(loader)
	load := origination.LoadCatalogue{Products: products, Versions: versions, ReferenceRates: rates}
	if err := origination.NewCatalogue(r.store, now, newID).Load(t.Context(), loader, load); err != nil {
		t.Fatal(err)
	}
	authorities, err := demodata.Authorities()
	if err != nil {
		t.Fatal(err)
	}
	if err := origination.NewAuthorities(r.store, now, newID).Load(t.Context(), loader, authorities); err != nil {
		t.Fatal(err)
	}
	rules := demodata.LoadableRuleSets
	if len(options) == 0 { // nobody to ask: the rules of a lender without connected institutions
		rules = demodata.LoadableRuleSetsWithoutInstitutions
	}
	sets, err := rules()
	if err != nil {
		t.Fatal(err)
	}
	jobs := origination.NewJobs(r.store, now, newID, func() {})
	if err := origination.NewRuleSets(r.store, now, newID, jobs).Load(t.Context(), loader, sets); err != nil {
		t.Fatal(err)
	}
	return r
}

// loadGuaranteeCompanies brings in the sample guarantee company.
func (r *register) loadGuaranteeCompanies(loader domain.Actor) {
	r.t.Helper()
	companies, err := demodata.GuaranteeCompanies()
	if err != nil {
		r.t.Fatal(err)
	}
	guarantees := origination.NewGuarantees(r.store, func() time.Time { return *r.clock.Load() }, newID)
	for _, c := range companies {
		if err := guarantees.LoadCompanies(r.t.Context(), loader, []origination.DraftGuaranteeCompany{origination.DraftGuaranteeCompany(c)}); err != nil {
			r.t.Fatal(err)
		}
	}
}

// payouts is a worker of this bank with a sandbox channel behind real HTTP.
func (r *register) payouts() *origination.Payouts {
	r.t.Helper()
	worker, _ := r.payoutsWithChannel()
	return worker
}

// payoutsWithChannel is payouts with the channel that it asks.
func (r *register) payoutsWithChannel() (*origination.Payouts, *sandbox.Server) {
	r.t.Helper()
	realTime := func() time.Time { return time.Now().UTC().Truncate(time.Microsecond) } // the channel checks the signature's time
	secret := []byte("0123456789abcdef0123456789abcdef")
	server, err := sandbox.New(sandbox.Options{
		RecordFile: filepath.Join(r.t.TempDir(), "channel.jsonl"), Keys: map[string][]byte{"fumin": secret}, Now: realTime,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	listening := httptest.NewServer(server)
	r.t.Cleanup(func() { listening.Close(); _ = server.Close() })
	client, err := channel.New(channel.Options{BaseURL: listening.URL, KeyID: "fumin", Secret: secret, Now: realTime})
	if err != nil {
		r.t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	now := func() time.Time { return *r.clock.Load() }
	return origination.NewPayouts(r.store, now, channel.NewPayments(client, log), domain.ID(uuid.NewString()), log, origination.DefaultPayoutLimits()), server
}

func newApplication(borrowerID domain.ID) fields {
	return fields{
		"borrower_id": borrowerID, "product_code": "QLFMD", "amount": "99500.00", "term_months": 12,
		"repayment_method": "interest_only_bullet", "purpose": "facility", "purpose_note": "维修并扩建肉鸭棚",
		"site_visit_on": "2026-08-20", "bureau_confirmation_no": "CP-2026-0117",
	}
}

type applicationJSON struct {
	ID            domain.ID `json:"id"`
	ApplicationNo string    `json:"application_no"`
	Status        string    `json:"status"`
	StatusLabel   string    `json:"status_label"`
	Amount        string    `json:"amount"`
	Version       int       `json:"version"`
	Approval      *struct {
		Amount        string `json:"amount"`
		AnnualRatePct string `json:"annual_rate_pct"`
		ByRules       bool   `json:"by_rules"`
	} `json:"approval"`
}

func (r *register) opened(n int) applicationJSON {
	r.t.Helper()
	var a applicationJSON
	createAt(r.officer(), "/v1/applications", newApplication(r.farmer(r.officer(), n).ID)).want(http.StatusCreated).into(&a)
	return a
}

// commandAt posts a command without a body, with a fresh idempotency key.
func commandAt(c *client, path string) answer {
	c.t.Helper()
	return c.with("Idempotency-Key", uuid.NewString()).post(path, "")
}

func pathOf(id domain.ID, rest string) string { return "/v1/applications/" + id.String() + rest }

func TestTheWayOfADuckShedOverHTTP(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	officer := r.officer()
	releaser := r.as(domain.RoleDisbursementOfficer, branchA)

	created := createAt(officer, "/v1/applications", newApplication(r.farmer(r.officer(), 1).ID)).want(http.StatusCreated)
	var a applicationJSON
	created.into(&a)
	if got := created.header.Get("Location"); got != pathOf(a.ID, "") || a.Status != "draft" || a.Amount != "99500.00" || created.header.Get("ETag") != `"1"` {
		t.Errorf("created at %q: %s", got, created.body)
	}

	officer.post(pathOf(a.ID, "/submit"), "").want(http.StatusOK).into(&a)
	if a.Status != "approved" || a.StatusLabel != "已批准" || a.Approval == nil || !a.Approval.ByRules || a.Approval.AnnualRatePct != "3.20" {
		t.Fatalf("submitted: %+v", a)
	}
	decided := officer.get(pathOf(a.ID, "/decision")).want(http.StatusOK)
	for _, want := range []string{`"result":"approve"`, "不超过快速审批上限 100,000.00 元", "征信查询授权在有效期内"} {
		if !strings.Contains(string(decided.body), want) {
			t.Errorf("decision lacks %q: %s", want, decided.body)
		}
	}
	var plan struct {
		Signed          bool
		APREffectivePct string `json:"apr_effective_pct"`
		Instalments     []struct {
			Total   string
			DueOn   string `json:"due_on"`
			Closing string `json:"closing_balance"`
		}
	}
	officer.get(pathOf(a.ID, "/plan")).want(http.StatusOK).into(&plan)
	if plan.Signed || len(plan.Instalments) != 12 || plan.Instalments[11].Closing != "0.00" || !strings.HasPrefix(plan.APREffectivePct, "3.2") {
		t.Errorf("plan: %+v", plan)
	}

	officer.post(pathOf(a.ID, "/sign"), fields{"contract_no": "371503-2026-0001", "signed_on": "2026-08-23"}.text(t)).want(http.StatusOK).into(&a)
	contract := officer.get(pathOf(a.ID, "/contract")).want(http.StatusOK)
	if strings.Contains(string(contract.body), "6228480000000000018") || !strings.Contains(string(contract.body), "****0018") {
		t.Errorf("the contract shows the account: %s", contract.body)
	}

	var d struct {
		ID     domain.ID `json:"id"`
		Status string    `json:"status"`
		Amount string    `json:"amount"`
	}
	commandAt(officer, pathOf(a.ID, "/disbursements")).want(http.StatusCreated).into(&d)
	commandAt(officer, "/v1/disbursements/"+d.ID.String()+"/release").wantProblem(http.StatusForbidden, "role-not-allowed")
	commandAt(releaser, "/v1/disbursements/"+d.ID.String()+"/release").want(http.StatusOK)
	if _, err := r.payouts().Work(t.Context()); err != nil {
		t.Fatal(err)
	}
	officer.get("/v1/disbursements/" + d.ID.String()).want(http.StatusOK).into(&d)
	if d.Status != "succeeded" || d.Amount != "99500.00" {
		t.Fatalf("paid: %+v", d)
	}
	officer.get("/v1/disbursements?status=succeeded&application_id=" + a.ID.String()).want(http.StatusOK)
	officer.post(pathOf(a.ID, "/close"), "").want(http.StatusOK).into(&a)
	if a.Status != "closed" {
		t.Errorf("closed: %s", a.Status)
	}
	var history struct {
		Items []struct{ Subject, Action string }
	}
	r.as(domain.RoleAuditor, headOffice).get(pathOf(a.ID, "/events")).want(http.StatusOK).into(&history)
	deeds := 0
	for _, e := range history.Items {
		if e.Subject == "application" || e.Subject == "disbursement" {
			deeds++
		}
	}
	if deeds != 9 {
		t.Errorf("history: %+v, want nine deeds on the application and its payment", history.Items)
	}
}

func TestTwentySubmitsOverHTTPGiveOneSuccessAndNineteenConflicts(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	a := r.opened(1)
	officer := r.officer()
	var mu sync.Mutex
	var group sync.WaitGroup
	statuses := map[int]int{}
	for range 20 {
		group.Go(func() {
			got := officer.post(pathOf(a.ID, "/submit"), "").status
			mu.Lock()
			defer mu.Unlock()
			statuses[got]++
		})
	}
	group.Wait()
	if statuses[http.StatusOK] != 1 || statuses[http.StatusConflict] != 19 {
		t.Errorf("twenty submits: %v, want one 200 and nineteen 409", statuses)
	}
}

func TestTwentyPostsWithOneKeyMakeOneApplication(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	body := newApplication(r.farmer(r.officer(), 1).ID).text(t)
	officer := r.officer().with("Idempotency-Key", "tablet-7:0001")
	var mu sync.Mutex
	var group sync.WaitGroup
	answers := map[string]int{}
	for range 20 {
		group.Go(func() {
			got := officer.post("/v1/applications", body)
			mu.Lock()
			defer mu.Unlock()
			answers[fmt.Sprint(got.status, string(got.body))]++
		})
	}
	group.Wait()
	if len(answers) != 1 {
		t.Errorf("twenty posts with one key gave %d different answers: %v", len(answers), answers)
	}
	again := officer.post("/v1/applications", body).want(http.StatusCreated)
	if again.header.Get("Idempotency-Replayed") != "true" {
		t.Error("a replay does not say so")
	}
	officer.post("/v1/applications", newApplication(r.farmer(r.officer(), 2).ID).text(t)).wantProblem(http.StatusUnprocessableEntity, "idempotency-key-reused")
}

// Everything a client can get wrong in an application, and what it gets.
func TestABadApplicationIsRefusedWithEveryFieldAtOnce(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	good := newApplication(r.farmer(r.officer(), 1).ID)
	for name, c := range map[string]struct {
		change fields
		status int
		code   string
		fields string
	}{
		"a number as money":  {fields{"amount": 99500}, 422, "invalid-fields", "/amount wrong-type"},
		"three decimals":     {fields{"amount": "99500.005"}, 422, "invalid-fields", "/amount too-many-decimals"},
		"negative":           {fields{"amount": "-1.00"}, 422, "invalid-fields", "/amount not-positive"},
		"zero":               {fields{"amount": "0.00"}, 422, "invalid-fields", "/amount not-positive"},
		"exponent":           {fields{"amount": "1e9"}, 422, "invalid-fields", "/amount invalid-decimal"},
		"empty":              {fields{"amount": ""}, 422, "invalid-fields", "/amount invalid-decimal"},
		"forty digits":       {fields{"amount": strings.Repeat("9", 40)}, 422, "invalid-fields", "/amount too-large"},
		"full-width digits":  {fields{"amount": "９９５００.００"}, 422, "invalid-fields", "/amount invalid-decimal"},
		"no amount":          {fields{"amount": nil}, 422, "invalid-fields", "/amount required"},
		"31 February":        {fields{"site_visit_on": "2026-02-31"}, 422, "invalid-fields", "/site_visit_on invalid-date"},
		"unknown method":     {fields{"repayment_method": "balloon"}, 422, "invalid-fields", "/repayment_method invalid-repayment-method"},
		"unknown purpose":    {fields{"purpose": "gambling"}, 422, "invalid-fields", "/purpose unknown-value"},
		"unknown member":     {fields{"colour": "red"}, 400, "unknown-field", "/colour unknown"},
		"unknown borrower":   {fields{"borrower_id": uuid.NewString()}, 422, "invalid-fields", "/borrower_id borrower-not-found"},
		"unknown product":    {fields{"product_code": "NONE"}, 422, "invalid-fields", "/product_code product-not-found"},
		"all wrong together": {fields{"amount": 1, "term_months": 0, "purpose": "x", "repayment_method": "y"}, 422, "invalid-fields", "/amount wrong-type,/purpose unknown-value,/repayment_method invalid-repayment-method,/term_months out-of-range"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := createAt(r.officer().in(t).bad(), "/v1/applications", good.but(c.change)).wantProblem(c.status, c.code)
			if got := strings.Join(p.fields(), ","); got != c.fields {
				t.Errorf("fields: got %s, want %s", got, c.fields)
			}
		})
	}
	r.officer().bad().post("/v1/applications", good.text(t)).wantProblem(http.StatusBadRequest, "idempotency-key-required")
}

func TestWhoMayNotSeeAnApplicationGetsTheSameAnswerAsForNone(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	a := r.opened(1)
	stranger := r.as(domain.RoleLoanOfficer, branchB)
	none := domain.ID(uuid.NewString())
	for _, rest := range []string{"", "/decision", "/plan", "/contract", "/events"} {
		there := stranger.get(pathOf(a.ID, rest)).wantProblem(http.StatusNotFound, "application-not-found")
		nowhere := stranger.get(pathOf(none, rest)).wantProblem(http.StatusNotFound, "application-not-found")
		if there.Detail != nowhere.Detail {
			t.Errorf("%s: another branch's says %q, none says %q", rest, there.Detail, nowhere.Detail)
		}
	}
	stranger.post(pathOf(a.ID, "/submit"), "").wantProblem(http.StatusNotFound, "application-not-found")
	r.as(domain.RoleAuditor, branchA).post(pathOf(a.ID, "/submit"), "").wantProblem(http.StatusForbidden, "role-not-allowed")
	r.client.get(pathOf(a.ID, "")).want(http.StatusUnauthorized)
}

func TestAnEditOfAnApplicationNeedsItsVersion(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	a := r.opened(1)
	officer := r.officer()
	body := fields{"amount": "80000.00", "term_months": 24, "repayment_method": "equal_instalment", "purpose": "livestock"}.text(t)
	officer.bad().put(pathOf(a.ID, ""), body).wantProblem(http.StatusPreconditionRequired, "precondition-required")
	edited := officer.with("If-Match", `"1"`).put(pathOf(a.ID, ""), body).want(http.StatusOK)
	if edited.header.Get("ETag") != `"2"` {
		t.Errorf("edited: ETag %s, want \"2\"", edited.header.Get("ETag"))
	}
	officer.with("If-Match", `"1"`).put(pathOf(a.ID, ""), body).wantProblem(http.StatusPreconditionFailed, "precondition-failed")
}

func TestADeclineIsAnAnswerWithReasonsAndAWayForward(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	var a applicationJSON
	tooLong := newApplication(r.farmer(r.officer(), 1).ID).but(fields{"term_months": 120}) // born in 1968; the product's longest is 60
	createAt(r.officer(), "/v1/applications", tooLong).want(http.StatusCreated).into(&a)
	r.officer().post(pathOf(a.ID, "/submit"), "").want(http.StatusOK).into(&a)
	if a.Status != "declined" || a.Approval != nil {
		t.Fatalf("submitted: %+v", a)
	}
	var d struct {
		Result      string
		Reasons     []struct{ Code, Effect, Value, Threshold, Suggestion string }
		WaysForward []struct {
			TermMonths int `json:"term_months"`
		} `json:"ways_forward"`
	}
	r.officer().get(pathOf(a.ID, "/decision")).want(http.StatusOK).into(&d)
	if d.Result != "decline" || d.Reasons[0].Effect != "decline" || d.Reasons[0].Value == "" || d.Reasons[0].Threshold == "" || d.Reasons[0].Suggestion == "" ||
		len(d.WaysForward) == 0 || d.WaysForward[0].TermMonths != 60 {
		t.Errorf("decision: %+v", d)
	}
	r.officer().post(pathOf(a.ID, "/submit"), "").wantProblem(http.StatusConflict, "wrong-status")
}

func TestABorrowersOwnApplicationThroughTheApp(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	id, other := r.farmer(r.officer(), 1).ID, r.farmer(r.officer(), 2).ID
	herself := r.asBorrower(id)
	var a applicationJSON
	alone := newApplication(id).but(fields{"site_visit_on": nil, "bureau_confirmation_no": nil})
	createAt(herself, "/v1/applications", alone).want(http.StatusCreated).into(&a)
	createAt(herself.bad(), "/v1/applications", alone.but(fields{"borrower_id": other})).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")

	// That she was visited and is on the list is not hers to say, neither at first nor later: the officer enters it, she submits.
	visited, confirmed := fields{"site_visit_on": "2026-08-20"}, fields{"bureau_confirmation_no": "CP-2026-0117"}
	edit := func(who *client, change fields) answer {
		t.Helper()
		tag := who.get(pathOf(a.ID, "")).want(http.StatusOK).header.Get("ETag")
		return who.with("If-Match", tag).put(pathOf(a.ID, ""), alone.but(fields{"borrower_id": nil, "product_code": nil}).but(change).text(t))
	}
	for field, stated := range map[string]fields{"/site_visit_on staff-only": visited, "/bureau_confirmation_no staff-only": confirmed} {
		wantStaffOnly(t, createAt(herself, "/v1/applications", alone.but(stated)), field)
		wantStaffOnly(t, edit(herself, stated), field)
	}
	edit(r.officer(), visited.but(confirmed)).want(http.StatusOK)
	edit(herself, visited.but(confirmed).but(fields{"amount": "99000.00"})).want(http.StatusOK)
	herself.post(pathOf(a.ID, "/submit"), "").want(http.StatusOK).into(&a)
	if a.Status != "approved" || a.Amount != "99000.00" {
		t.Errorf("submitted through the app: %s of %s, want approved of 99000.00", a.Status, a.Amount)
	}
	r.asBorrower(other).get(pathOf(a.ID, "")).wantProblem(http.StatusNotFound, "application-not-found")
	herself.post(pathOf(a.ID, "/close"), "").wantProblem(http.StatusForbidden, "role-not-allowed")
	var list struct{ Items []applicationJSON }
	r.asBorrower(other).get("/v1/applications").want(http.StatusOK).into(&list)
	if len(list.Items) != 0 {
		t.Errorf("another borrower lists %d applications", len(list.Items))
	}
}

// wantStaffOnly fails the test unless the answer refuses exactly these fields.
func wantStaffOnly(t *testing.T, a answer, want ...string) {
	t.Helper()
	if got := a.wantProblem(http.StatusUnprocessableEntity, "invalid-fields").fields(); !slices.Equal(got, want) {
		t.Errorf("%s: refused for %v, want %v", a.asked, got, want)
	}
}

func TestListsLinkToTheNextPage(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	id := r.farmer(r.officer(), 1).ID
	for range 3 {
		createAt(r.officer(), "/v1/applications", newApplication(id)).want(http.StatusCreated)
	}
	seen := 0
	next := "/v1/applications?limit=2&status=draft&borrower_id=" + id.String()
	for next != "" && seen < 10 {
		var page struct {
			Items []applicationJSON
			Next  *string
		}
		r.officer().get(next).want(http.StatusOK).into(&page)
		seen += len(page.Items)
		next = ""
		if page.Next != nil {
			next = *page.Next
		}
	}
	if seen != 3 {
		t.Errorf("pages of two show %d of three applications", seen)
	}
	r.officer().bad().get("/v1/applications?status=lost").wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	r.officer().bad().get("/v1/applications?limit=101").wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
}

func TestProductsAreThoseOfThePlaceAndTheDay(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	age := func(query string) (limit int) {
		var list struct {
			Items []struct {
				Code           string
				AgePlusTermMax int `json:"age_plus_term_max"`
			}
		}
		r.officer().get("/v1/products?" + query).want(http.StatusOK).into(&list)
		for _, o := range list.Items {
			if o.Code == "QLFMD" {
				limit = o.AgePlusTermMax
			}
		}
		return limit
	}
	for query, want := range map[string]int{
		"region=371503901201":                              65,
		"region=370602&on=2022-03-14":                      65,
		"region=370602&on=2022-03-15":                      64,
		"region=370602&on=2022-01-31":                      0,
		"region=110101":                                    0,
		"region=371503&borrower_kind=farmer&on=2026-08-23": 65,
		"region=371503&borrower_kind=cooperative":          0,
	} {
		if got := age(query); got != want {
			t.Errorf("products for %s: age limit %d, want %d", query, got, want)
		}
	}
	r.officer().bad().get("/v1/products").wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	r.officer().bad().get("/v1/products?region=3715ab").wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	r.officer().get("/v1/reference-rates").want(http.StatusOK)
}
