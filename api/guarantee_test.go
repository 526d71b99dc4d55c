package api_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fumin/api"
	"fumin/domain"
)

const sampleCompany = domain.ID("01900000-0000-7000-8000-004000000001")

// asCompany returns a client signed in as an officer of a guarantee company.
func (r *register) asCompany(company domain.ID) *client {
	token := "company-" + company.String()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.actors[token] = domain.Actor{ID: newID(), Name: "鲁明远", Role: domain.RoleGuaranteeOfficer, BranchID: headOffice, GuaranteeCompanyID: company}
	return r.client.with("Authorization", "Bearer "+token)
}

type guaranteeCompanyJSON struct {
	ID      domain.ID `json:"id"`
	Name    string    `json:"name"`
	Version int       `json:"version"`
	Terms   *struct {
		LenderSharePct string `json:"lender_share_pct"`
	} `json:"terms"`
	Draft *struct{} `json:"draft"`
}

type guaranteeJSON struct {
	ID           domain.ID `json:"id"`
	Status       string    `json:"status"`
	Amount       string    `json:"amount"`
	BorrowerName string    `json:"borrower_name"`
	QuotaState   string    `json:"quota_state"`
	QuotaHeld    string    `json:"quota_held"`

	ApplicationID domain.ID `json:"application_id"`
}

func guaranteed(t *testing.T, r *register, n int, amount string) (a applicationJSON, g guaranteeJSON) {
	t.Helper()
	officer := r.officer()
	createAt(officer, "/v1/applications", newApplication(r.farmer(officer, n).ID).but(fields{"amount": amount})).want(http.StatusCreated).into(&a)
	createAt(officer, pathOf(a.ID, "/guarantee-requests"), fields{"crop": "other"}).want(http.StatusCreated).into(&g)
	return a, g
}

func acceptance(amount string) fields {
	return fields{
		"decision": "accepted", "letter_no": "鲁农担函〔2026〕1178号", "amount": amount, "fee_pct": "0.65", "expires_on": "2026-11-22",
		"counter_guarantee": "none",
	}
}

func TestTheCompanySeesItsPartOfTheCaseAndAnswersIt(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	_, g := guaranteed(t, r, 1, "150000.00")
	company := r.asCompany(sampleCompany)
	stranger := r.asCompany("01900000-0000-7000-8000-0040000000ff")

	var page struct{ Items []guaranteeJSON }
	listed := company.get("/v1/guarantee/requests?status=requested").want(http.StatusOK)
	listed.into(&page)
	if len(page.Items) != 1 || page.Items[0].ID != g.ID || page.Items[0].BorrowerName != "王吉华" {
		t.Fatalf("the company's list: %s", listed.body)
	}
	stranger.get("/v1/guarantee/requests").want(http.StatusOK).into(&page)
	if len(page.Items) != 0 {
		t.Errorf("another company sees %+v, want nothing", page.Items)
	}
	one := company.get("/v1/guarantee/requests/" + g.ID.String()).want(http.StatusOK)
	part := []string{
		"amount", "answer", "application_no", "borrower_name", "counter_spouse_up_to", "crop", "crops", "fee_max_pct", "id", "lands", "product_code",
		"purpose", "requested_at", "site_visit_on", "status", "status_label", "term_months", "village_code",
	}
	wantFields(t, "one request", one, part...)
	wantFields(t, "the list", listed, append(part, "items", "next")...)
	for _, secret := range []string{idNumber(1), idNumber(1)[14:], "139", "6228480000000000018"} {
		if strings.Contains(string(one.body), secret) {
			t.Errorf("the company's part shows %q: %s", secret, one.body)
		}
	}
	path := "/v1/guarantee/requests/" + g.ID.String()
	stranger.get(path).wantProblem(http.StatusNotFound, "guarantee-not-found")
	stranger.post(path+"/answer", acceptance("150000.00").text(t)).wantProblem(http.StatusNotFound, "guarantee-not-found")
	r.officer().post(path+"/answer", acceptance("150000.00").text(t)).wantProblem(http.StatusForbidden, "role-not-allowed")

	answered := company.post(path+"/answer", acceptance("150000.00").text(t)).want(http.StatusOK)
	answered.into(&g)
	letter := []string{
		"answered_at", "answered_by", "conditions", "counter_guarantee", "counter_note", "decision", "expires_on", "fee_pct", "letter_no", "reason",
	}
	wantFields(t, "its answer", answered, append([]string{
		"amount", "answer", "counter_spouse_up_to", "crop", "fee_max_pct", "id", "product_code", "requested_at", "status", "status_label", "term_months",
	}, letter...)...)
	wantFields(t, "one request with its answer", company.get(path).want(http.StatusOK), append(part, letter...)...)
	if g.Status != "accepted" {
		t.Errorf("answered: %+v", g)
	}
	again := company.post(path+"/answer", acceptance("150000.00").text(t)).want(http.StatusOK)
	if again.header.Get("Idempotency-Replayed") != "true" {
		t.Error("the same answer again does not say that it was known")
	}
	company.post(path+"/answer", acceptance("149999.99").text(t)).wantProblem(http.StatusConflict, "wrong-status")
}

// wantFields wants an answer to have exactly the members, at whatever depth: what is not among them is absent, not masked.
func wantFields(t *testing.T, what string, got answer, want ...string) {
	t.Helper()
	var body any
	got.into(&body)
	found := map[string]bool{}
	var walk func(any)
	walk = func(value any) {
		switch v := value.(type) {
		case map[string]any:
			for name, member := range v {
				found[name] = true
				walk(member)
			}
		case []any:
			for _, item := range v {
				walk(item)
			}
		}
	}
	walk(body)
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(found))); diff != "" {
		t.Errorf("%s: members of the answer (-want +got):\n%s", what, diff)
	}
}

// The spouse may give the counter-guarantee up to 200,000.00, and the fee stays within the product's ceiling.
func TestAnAnswerBeyondTheProductsTermsIsRefused(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	company := r.asCompany(sampleCompany)
	for i, c := range []struct {
		amount string
		change fields
		field  string // "" accepted
	}{
		{"199999.99", fields{"counter_guarantee": "spouse"}, ""},
		{"200000.00", fields{"counter_guarantee": "spouse"}, ""},
		{"200000.01", fields{"counter_guarantee": "spouse"}, "/counter_guarantee spouse-not-enough"},
		{"200000.01", fields{"counter_guarantee": "other", "counter_note": "由果园主王立新提供保证"}, ""},
		{"200000.01", fields{"counter_guarantee": "other"}, "/counter_note out-of-range"},
		{"150000.00", fields{"fee_pct": "0.650001"}, "/fee_pct fee-above-ceiling"}, // agreed below 300,000.00
		{"300000.00", fields{"fee_pct": "0.75", "counter_guarantee": "other", "counter_note": "由第三人保证"}, ""},
		{"300000.00", fields{"fee_pct": "0.750001"}, "/fee_pct fee-above-ceiling"},
		{"150000.00", fields{"amount": "150000.01"}, "/amount out-of-range"},
		{"150000.00", fields{"expires_on": "2026-08-22"}, "/expires_on in-the-past"},
		{"150000.00", fields{"decision": "conditional"}, "/conditions out-of-range"},
	} {
		_, g := guaranteed(t, r, 10+i, c.amount)
		got := company.post("/v1/guarantee/requests/"+g.ID.String()+"/answer", acceptance(c.amount).but(c.change).text(t))
		if c.field == "" {
			got.want(http.StatusOK)
			continue
		}
		pointer, code, _ := strings.Cut(c.field, " ")
		got.wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
		if body := string(got.body); !strings.Contains(body, `"`+pointer+`"`) || !strings.Contains(body, `"`+code+`"`) {
			t.Errorf("%s with %v: %s, want %s", c.amount, c.change, got.body, c.field)
		}
	}
}

// To ask anew discharges the guarantee there is: nobody does that by asking twice, and who needs another letter says so.
func TestAskingTwiceDischargesNoGuaranteeThatServes(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	a, g := guaranteed(t, r, 1, "150000.00")
	ask := func(body fields) answer { return createAt(r.officer(), pathOf(a.ID, "/guarantee-requests"), body) }
	answerWith := func(g guaranteeJSON, change fields) {
		t.Helper()
		r.asCompany(sampleCompany).post("/v1/guarantee/requests/"+g.ID.String()+"/answer", acceptance("150000.00").but(change).text(t)).want(http.StatusOK)
	}
	ask(fields{"crop": "other"}).wantProblem(http.StatusConflict, "guarantee-exists")
	ask(fields{"crop": "other", "company_id": sampleCompany}).wantProblem(http.StatusConflict, "guarantee-exists")
	ask(fields{"crop": "grain"}).want(http.StatusCreated).into(&g) // by another fee: that is something else
	answerWith(g, fields{"fee_pct": "0.40"})
	if p := ask(fields{}).wantProblem(http.StatusConflict, "guarantee-exists"); !strings.Contains(p.Detail, "鲁农担函〔2026〕1178号") {
		t.Errorf("detail %q does not name the letter there is", p.Detail)
	}

	// A letter that comes after the signature and asks for a guarantor whom the contract has not: another is asked for.
	r.officer().post(pathOf(a.ID, "/submit"), "").want(http.StatusOK)
	r.clear(a.ID)
	r.as(domain.RoleApprover, branchA).post(pathOf(a.ID, "/approve"), "{}").want(http.StatusOK)
	again := func() (g guaranteeJSON) {
		t.Helper()
		ask(fields{"company_id": sampleCompany}).want(http.StatusCreated).into(&g)
		if g.QuotaHeld != "150000.00" {
			t.Errorf("asked anew: the quota holds %s, want 150000.00", g.QuotaHeld)
		}
		return g
	}
	g = again()
	r.signAll(a)
	answerWith(g, fields{"counter_guarantee": "other", "counter_note": "由果园主王立新提供保证"})
	pay := func() answer { return createAt(r.officer(), pathOf(a.ID, "/disbursements"), fields{}) }
	if p := pay().wantProblem(http.StatusUnprocessableEntity, "counter-guarantor-missing"); !strings.Contains(p.Detail, "重新出函") {
		t.Errorf("detail %q does not say what can be done with a contract that is signed", p.Detail)
	}
	answerWith(again(), fields{})
	pay().want(http.StatusCreated)
	if n := r.count("SELECT COUNT(*) FROM guarantees WHERE application_id = ? AND quota_held > 0", a.ID); n != 1 {
		t.Errorf("%d guarantees of the case hold quota, want one", n)
	}
}

// A guarantee company's officer is a stranger everywhere but at its own part: over the whole route table nothing else answers
// with success. Only its own password is its own to change.
func TestTheCompanysOfficerGetsNowhereElse(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	a, _ := guaranteed(t, r, 1, "150000.00")
	company := r.asCompany(sampleCompany)
	tried := 0
	public := api.PublicRoutesForTest(edgeOptions(&logLines{})) // health, documentation, login: open to anybody at all
	for _, route := range api.RoutesForTest(edgeOptions(&logLines{})) {
		method, path, _ := strings.Cut(route, " ")
		if slices.Contains(public, route) || path == "/v1/me" || path == "/v1/users/:id/password" || strings.HasPrefix(path, "/v1/guarantee/requests") || path == "/v1/guarantee/answers" {
			continue
		}
		path = strings.NewReplacer(":id", a.ID.String(), ":code", "QLFMD").Replace(path)
		for strings.Contains(path, ":") {
			head, tail, _ := strings.Cut(path, ":")
			_, rest, more := strings.Cut(tail, "/")
			path = head + a.ID.String()
			if more {
				path += "/" + rest
			}
		}
		status := company.with("Idempotency-Key", newID().String()).bad().send(method, path, "").status
		tried++
		if status != http.StatusForbidden && status != http.StatusNotFound {
			t.Errorf("%s %s answers a guarantee company's officer %d, want 403 or 404", method, path, status)
		}
	}
	if tried < 50 {
		t.Errorf("tried %d routes, want the whole table", tried)
	}
}

// A company is drafted by one and put in force by another; from then on cases of its product are asked of it, and hold its quota.
func TestAGuaranteeCompanyGoesFromDraftToUseAndItsQuotaIsHeld(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	keeper, second := r.as(domain.RoleRiskManager, headOffice), r.as(domain.RoleAdmin, headOffice)
	const companies = "/v1/guarantee/companies"
	terms := fields{
		"name": "聊城农担（测试）", "products": []string{"QLFMD"}, "region_prefix": "3715", "company_share_pct": "70", "from": "2026-08-23",
		"fees": []fields{{"crop": "other", "from": "0.00", "pct": "0.30"}}, "quotas": []fields{{"region_prefix": "", "limit": "250000.00", "from": "2026-08-23"}},
	}
	drafted := terms.but(fields{"code": "LCNDB"})
	createAt(r.officer(), companies, drafted).wantProblem(http.StatusForbidden, "role-not-allowed")
	createAt(keeper, companies, drafted.but(fields{"quotas": []fields{{"region_prefix": "3715", "limit": "1.00", "from": "2026-08-23"}}})).
		wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	var c guaranteeCompanyJSON
	createAt(keeper, companies, drafted).want(http.StatusCreated).into(&c)
	createAt(keeper, companies, drafted).wantProblem(http.StatusConflict, "guarantee-company-exists")
	one := companies + "/" + c.ID.String()
	ask := func(n int) answer {
		var a applicationJSON
		createAt(r.officer(), "/v1/applications", newApplication(r.farmer(r.officer(), n).ID).but(fields{"amount": "150000.00"})).want(http.StatusCreated).into(&a)
		return createAt(r.officer(), pathOf(a.ID, "/guarantee-requests"), fields{"company_id": c.ID, "crop": "other"})
	}
	ask(1).wantProblem(http.StatusUnprocessableEntity, "guarantee-company-none") // a draft guarantees nothing
	keeper.post(one+"/activate", "").wantProblem(http.StatusForbidden, "four-eyes")
	active := second.post(one+"/activate", "").want(http.StatusOK)
	active.into(&c)
	if c.Terms == nil || c.Terms.LenderSharePct != "30.00" || c.Draft != nil {
		t.Fatalf("activated: %s, want terms in force with 30 %% of the risk at the lender", active.body)
	}
	second.post(one+"/activate", "").wantProblem(http.StatusConflict, "nothing-to-activate")

	var g guaranteeJSON
	ask(2).want(http.StatusCreated).into(&g)
	answerOf := func(fee string) answer {
		return r.asCompany(c.ID).post("/v1/guarantee/requests/"+g.ID.String()+"/answer", acceptance("150000.00").but(fields{"fee_pct": fee}).text(t))
	}
	answerOf("0.31").wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	answerOf("0.30").want(http.StatusOK)
	approve := func(g guaranteeJSON) answer {
		r.officer().post(pathOf(g.ApplicationID, "/submit"), "").want(http.StatusOK)
		r.clear(g.ApplicationID)
		return r.as(domain.RoleApprover, branchA).post(pathOf(g.ApplicationID, "/approve"), "{}")
	}
	approve(g).want(http.StatusOK)
	if body := string(r.officer().get(one + "/quota").want(http.StatusOK).body); !strings.Contains(body, `"held":"150000.00"`) || !strings.Contains(body, `"free":"100000.00"`) {
		t.Errorf("quota after one approval: %s, want 150,000.00 held and 100,000.00 free", body)
	}
	ask(3).want(http.StatusCreated).into(&g)
	if p := approve(g).wantProblem(http.StatusUnprocessableEntity, "guarantee-quota-exceeded"); !strings.Contains(p.Detail, "只剩 100,000.00 元") {
		t.Errorf("detail %q does not say what is left", p.Detail)
	}

	// Other terms are drafted on the version that was seen, and change nothing before somebody else has activated them.
	more := terms.but(fields{"quotas": []fields{{"region_prefix": "", "limit": "300000.00", "from": "2026-08-23"}}})
	keeper.with("If-Match", `"1"`).put(one, more.text(t)).wantProblem(http.StatusPreconditionFailed, "precondition-failed")
	keeper.with("If-Match", active.header.Get("ETag")).put(one, more.text(t)).want(http.StatusOK)
	r.as(domain.RoleApprover, branchA).post(pathOf(g.ApplicationID, "/approve"), "{}").wantProblem(http.StatusUnprocessableEntity, "guarantee-quota-exceeded")
	second.post(one+"/activate", "").want(http.StatusOK)
	r.as(domain.RoleApprover, branchA).post(pathOf(g.ApplicationID, "/approve"), "{}").want(http.StatusOK)
	var events struct{ Items []struct{ Action string } }
	r.as(domain.RoleAuditor, headOffice).get(one + "/events").want(http.StatusOK).into(&events)
	if len(events.Items) != 4 || events.Items[3].Action != "company_activate" {
		t.Errorf("history: %+v, want two drafts and two activations", events.Items)
	}
	r.asCompany(c.ID).get(one).wantProblem(http.StatusForbidden, "role-not-allowed")
}
