package api_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fumin/domain"
	"fumin/domain/product"
	"fumin/repository/demodata"
)

// shandong is the shipped version of 齐鲁富民贷 for the province, in force since 2022-02-01.
const shandong = "01900000-0000-7000-8000-002000000001"

// The two administrators of these tests.
func (r *register) maker() *client  { return r.as(domain.RoleAdmin, headOffice) }
func (r *register) second() *client { return r.as(domain.RoleAdmin, branchA) }

type versionJSON struct {
	ID             domain.ID  `json:"id"`
	RegionPrefix   string     `json:"region_prefix"`
	EffectiveFrom  string     `json:"effective_from"`
	EffectiveTo    *string    `json:"effective_to"`
	Status         string     `json:"status"`
	Revision       int        `json:"revision"`
	ActivatedBy    *domain.ID `json:"activated_by"`
	AmountMax      string     `json:"amount_max"`
	AgePlusTermMax int        `json:"age_plus_term_max"`
	Overridden     []string   `json:"overridden"`
}

func likeShandong(region, from string) fields {
	return fields{
		"region_prefix": region, "effective_from": from, "source": fields{"document": "产品管理办法 2026-08"},
		"base_id": shandong, "overrides": fields{"age_plus_term_max": 64, "amount_max": "500000.00"},
	}
}

func versionPath(id domain.ID, rest string) string {
	return "/v1/product-versions/" + id.String() + rest
}

func (r *register) drafted(body fields) (v versionJSON) {
	r.t.Helper()
	createAt(r.maker(), "/v1/products/QLFMD/versions", body).want(http.StatusCreated).into(&v)
	return v
}

// validated drafts a version and has it validated.
func (r *register) validated(body fields) (v versionJSON) {
	r.t.Helper()
	r.maker().post(versionPath(r.drafted(body).ID, "/validate"), "").want(http.StatusOK).into(&v)
	if v.Status != "validated" {
		r.t.Fatalf("validated version: %+v", v)
	}
	return v
}

func activateOn(c *client, v versionJSON, etag, day string) answer {
	return c.with("If-Match", etag).post(versionPath(v.ID, "/activate"), `{"effective_from": "`+day+`"}`)
}

func (r *register) offered(region, on string) (offers map[string]offerJSON) {
	r.t.Helper()
	var list struct{ Items []offerJSON }
	r.officer().get("/v1/products?region=" + region + "&on=" + on + "&borrower_kind=farmer").want(http.StatusOK).into(&list)
	offers = map[string]offerJSON{}
	for _, o := range list.Items {
		offers[o.Code] = o
	}
	return offers
}

type offerJSON struct {
	Code      string
	VersionID domain.ID `json:"version_id"`
	AmountMax string    `json:"amount_max"`
	Price     *struct {
		AnnualRateMaxPct string     `json:"annual_rate_max_pct"`
		BasePct          string     `json:"base_pct"`
		ReferenceRateID  *domain.ID `json:"reference_rate_id"`
		PublishedOn      string     `json:"reference_published_on"`
		Reliefs          []struct {
			IndustryLabel    string `json:"industry_label"`
			AnnualRateMaxPct string `json:"annual_rate_max_pct"`
		}
	}
	Guarantee []struct {
		From, Kind     string
		Below          *string
		FeeMaxPct      *string `json:"fee_max_pct"`
		FeeMaxGrainPct *string `json:"fee_max_grain_pct"`
	}
	Documents []struct {
		BorrowerKind string `json:"borrower_kind"`
		TypeLabel    string `json:"type_label"`
	}
	EntrustedPayment []struct {
		PurposeKind string `json:"purpose_kind"`
		Above       string
	} `json:"entrusted_payment"`
}

func TestAVersionGoesFromDraftToUseByTwoPeople(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	maker, second := r.maker(), r.second()
	key := maker.with("Idempotency-Key", uuid.NewString())
	body := likeShandong("37", "2026-09-01").text(t)
	created := key.post("/v1/products/QLFMD/versions", body).want(http.StatusCreated)
	var v versionJSON
	created.into(&v)
	if v.Status != "draft" || v.AmountMax != "500000.00" || v.AgePlusTermMax != 64 || created.header.Get("ETag") != `"1"` ||
		created.header.Get("Location") != versionPath(v.ID, "") || !slices.Equal(v.Overridden, []string{"amount_max", "age_plus_term_max"}) {
		t.Errorf("drafted at %q: %s", created.header.Get("Location"), created.body)
	}
	var again versionJSON
	replayed := key.post("/v1/products/QLFMD/versions", body).want(http.StatusCreated)
	replayed.into(&again)
	if again.ID != v.ID || replayed.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("the same key again drafted %s, replayed %q; want %s", again.ID, replayed.header.Get("Idempotency-Replayed"), v.ID)
	}

	changed := likeShandong("37", "2026-09-01").but(fields{"overrides": fields{"age_plus_term_max": 64, "amount_max": "400000.00"}}).text(t)
	maker.with("If-Match", `"1"`).put(versionPath(v.ID, ""), changed).want(http.StatusOK).into(&v)
	if v.Revision != 2 || v.AmountMax != "400000.00" || v.Status != "draft" {
		t.Errorf("edited: %+v", v)
	}
	maker.post(versionPath(v.ID, "/validate"), "").want(http.StatusOK).into(&v)
	maker.post(versionPath(v.ID, "/validate"), "").want(http.StatusOK).into(&v) // once more changes nothing
	if v.Status != "validated" || v.Revision != 3 {
		t.Errorf("validated: %+v", v)
	}

	var diff struct {
		ReplacesID  domain.ID `json:"replaces_id"`
		Differences []struct{ Term, Label, Old, New, Source string }
	}
	second.get(versionPath(v.ID, "/diff")).want(http.StatusOK).into(&diff)
	shown := map[string]string{}
	for _, d := range diff.Differences {
		shown[d.Label] = d.Old + " → " + d.New + " (" + d.Source + ")"
	}
	want := map[string]string{
		"生效日期": "2022-02-01 → 2026-09-01 (产品管理办法 2026-08)",
		"最高金额": "3,000,000.00 元 → 400,000.00 元 (产品管理办法 2026-08)",
		"年龄加期限上限（最后到期日年龄）": "65 周岁 → 64 周岁 (产品管理办法 2026-08)",
	}
	if d := cmp.Diff(want, shown); d != "" || diff.ReplacesID != shandong {
		t.Errorf("diff against %s (-want +got):\n%s", diff.ReplacesID, d)
	}

	activateOn(second, v, `"3"`, "2026-09-01").want(http.StatusOK).into(&v)
	if v.Status != "active" || v.ActivatedBy == nil || v.Revision != 4 {
		t.Errorf("activated: %+v", v)
	}
	var closed versionJSON
	r.officer().get(versionPath(shandong, "")).want(http.StatusOK).into(&closed)
	if closed.EffectiveTo == nil || *closed.EffectiveTo != "2026-09-01" || closed.AmountMax != "3000000.00" {
		t.Errorf("the version before: %+v, want it to end on 2026-09-01 and nothing else changed", closed)
	}
	if before, after := r.offered("371503901201", "2026-08-31")["QLFMD"], r.offered("371503901201", "2026-09-01")["QLFMD"]; before.VersionID != shandong || after.VersionID != v.ID {
		t.Errorf("offered on 08-31 by %s and on 09-01 by %s", before.VersionID, after.VersionID)
	}
	var stillShown struct {
		ReplacesID domain.ID `json:"replaces_id"`
	}
	second.get(versionPath(v.ID, "/diff")).want(http.StatusOK).into(&stillShown)
	if stillShown.ReplacesID != shandong {
		t.Errorf("the diff of the version in use is against %q, want %s", stillShown.ReplacesID, shandong)
	}
	wantDeeds(t, r, "QLFMD", "activate", "close", "validate", "edit", "draft")
}

// wantDeeds compares the newest deeds in a product's history, without what the loading of the catalogue wrote.
func wantDeeds(t *testing.T, r *register, code string, want ...string) {
	t.Helper()
	var history struct {
		Items []struct {
			Action    string
			ActorName string `json:"actor_name"`
			Detail    []struct{ Name, Value string }
		}
	}
	r.as(domain.RoleAuditor, headOffice).get("/v1/products/" + code + "/events").want(http.StatusOK).into(&history)
	var deeds []string
	for _, e := range history.Items {
		if e.Action != "load" {
			deeds = append(deeds, e.Action)
		}
	}
	slices.Sort(deeds) // several may have happened at one moment of the test's clock
	slices.Sort(want)
	if d := cmp.Diff(want, deeds); d != "" {
		t.Errorf("history of %s (-want +got):\n%s", code, d)
	}
}

func TestEachControlOfAVersionRefuses(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	maker, second := r.maker(), r.second()
	v := r.validated(likeShandong("371503", "2026-09-01"))
	draft := r.drafted(likeShandong("371502", "2026-09-01"))
	body := likeShandong("371503", "2026-09-01").text(t)
	tests := []struct {
		name   string
		ask    func() answer
		status int
		code   string
	}{
		{"the maker activates", func() answer { return activateOn(maker, v, `"2"`, "2026-09-01") }, 403, "maker-is-checker"},
		{"a loan officer activates", func() answer { return activateOn(r.officer(), v, `"2"`, "2026-09-01") }, 403, "role-not-allowed"},
		{"activated for yesterday", func() answer { return activateOn(second, v, `"2"`, "2026-08-22") }, 422, "activation-in-the-past"},
		{"activated as it was before", func() answer { return activateOn(second, v, `"1"`, "2026-09-01") }, 412, "precondition-failed"},
		{"activated unseen", func() answer { return activateOn(second.bad(), v, "", "2026-09-01") }, 428, "precondition-required"},
		{"a draft is activated", func() answer { return activateOn(second, draft, `"1"`, "2026-09-01") }, 409, "version-not-validated"},
		{"another edits the draft", func() answer {
			return second.with("If-Match", `"2"`).put(versionPath(v.ID, ""), body)
		}, 403, "only-maker-edits"},
		{"an old copy is edited", func() answer { return maker.with("If-Match", `"1"`).put(versionPath(v.ID, ""), body) }, 412, "precondition-failed"},
		{"a version in use is edited", func() answer {
			return maker.with("If-Match", `"0"`).put(versionPath(shandong, ""), body)
		}, 409, "version-in-use"},
		{"a version in use is validated", func() answer { return maker.post(versionPath(shandong, "/validate"), "") }, 409, "version-in-use"},
		{"a version in use is activated", func() answer {
			return activateOn(second, versionJSON{ID: shandong}, `"0"`, "2026-09-01")
		}, 409, "version-in-use"},
		{"a loan officer drafts", func() answer {
			return createAt(r.officer(), "/v1/products/QLFMD/versions", likeShandong("37", "2026-09-01"))
		}, 403, "role-not-allowed"},
		{"a loan officer validates", func() answer { return r.officer().post(versionPath(v.ID, "/validate"), "") }, 403, "role-not-allowed"},
		{"a loan officer reads a draft", func() answer { return r.officer().get(versionPath(v.ID, "")) }, 404, "product-version-not-found"},
		{"a loan officer reads its difference", func() answer { return r.officer().get(versionPath(v.ID, "/diff")) }, 404, "product-version-not-found"},
		{"a loan officer reads the history", func() answer { return r.officer().get("/v1/products/QLFMD/events") }, 403, "role-not-allowed"},
		{"a version of no product", func() answer { return createAt(maker, "/v1/products/NONE/versions", likeShandong("37", "2026-09-01")) }, 404, "product-not-found"},
		{"a version nobody knows", func() answer { return maker.get(versionPath(newID(), "")) }, 404, "product-version-not-found"},
		{"drafted without a key", func() answer { return maker.bad().post("/v1/products/QLFMD/versions", body) }, 400, "idempotency-key-required"},
	}
	for _, tt := range tests {
		refused := tt.ask()
		refused.asked = tt.name + ": " + refused.asked
		refused.wantProblem(tt.status, tt.code)
	}
	var after versionJSON
	maker.get(versionPath(v.ID, "")).want(http.StatusOK).into(&after)
	if after.Status != "validated" || after.Revision != 2 {
		t.Errorf("after every refusal: %+v, want it as it was", after)
	}
	// Editing takes the seal off.
	maker.with("If-Match", `"2"`).put(versionPath(v.ID, ""), body).want(http.StatusOK).into(&after)
	if after.Status != "draft" {
		t.Errorf("a validated version after an edit: %+v, want a draft", after)
	}
}

func TestADraftIsToldAllItsContradictionsAtOnce(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	inFull := fields{
		"region_prefix": "37", "effective_from": "2026-09-01", "effective_to": "2026-08-01", "source": fields{"document": "草案"},
		"amount_min": "50000.00", "amount_max": "10000.00", "term_months_min": 12, "term_months_max": 6, "age_min": 70, "age_plus_term_max": 65,
		"price": fields{"base": "fixed", "spread_bp_max": 20}, "forbidden_purposes": []string{"gambling"},
		"guarantee": []fields{
			{"below": "100000.00", "kind": "credit"}, {"from": "150000.00", "kind": "guarantee_company", "fee_max_pct": "0.75"},
		},
		"documents": []fields{{"borrower_kind": "farmer", "type": "id_card", "key": true}},
	}
	var v versionJSON
	createAt(r.maker(), "/v1/products/QLFMD/versions", inFull).want(http.StatusCreated).into(&v)
	p := r.maker().post(versionPath(v.ID, "/validate"), "").wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	for _, want := range []string{
		"/effective_to before-start", "/amount_max max-below-min", "/term_months_max max-below-min", "/age_plus_term_max max-below-min",
		"/repayment_methods required", "/forbidden_purposes/0 invalid-enum", "/guarantee/0/below tier-hole", "/documents consent-missing", "/documents documents-missing",
	} {
		if !slices.Contains(p.fields(), want) {
			t.Errorf("the contradictions lack %q: %v", want, p.fields())
		}
	}
	var after versionJSON
	r.maker().get(versionPath(v.ID, "")).want(http.StatusOK).into(&after)
	if after.Status != "draft" || after.Revision != 1 {
		t.Errorf("after the refusal: %+v, want the draft as it was", after)
	}
}

func TestABadDraftIsRefusedWhereItIsWrong(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	waiting := r.drafted(likeShandong("371503", "2026-09-01"))
	full := fields{"region_prefix": "37", "effective_from": "2026-09-01", "source": fields{"document": "草案"}}
	for name, c := range map[string]struct {
		body fields
		want []string
	}{
		"nothing":                {fields{}, []string{"/effective_from required", "/region_prefix required", "/source required"}},
		"a region of three":      {full.but(fields{"region_prefix": "371"}), []string{"/region_prefix invalid-region"}},
		"a base nobody knows":    {likeShandong("37", "2026-09-01").but(fields{"base_id": newID()}), []string{"/base_id product-version-not-found"}},
		"a base still in draft":  {likeShandong("37", "2026-09-01").but(fields{"base_id": waiting.ID}), []string{"/base_id base-not-active"}},
		"another product's base": {likeShandong("37", "2026-09-01").but(fields{"base_id": "01900000-0000-7000-8000-002000000003"}), []string{"/base_id wrong-product"}},
		"numbers that are none": {
			full.but(fields{"amount_min": "1,000", "term_months_max": 601, "guarantee": []fields{{}}, "price": fields{"spread_bp_max": 5001}}),
			[]string{"/amount_min invalid-decimal", "/guarantee/0/kind required", "/price/base required", "/price/spread_bp_max out-of-range", "/term_months_max out-of-range"},
		},
	} {
		p := createAt(r.maker().bad(), "/v1/products/QLFMD/versions", c.body).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
		if d := cmp.Diff(c.want, p.fields()); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
	mixed := likeShandong("37", "2026-09-01").but(fields{"amount_min": "1000.00"})
	createAt(r.maker().bad(), "/v1/products/QLFMD/versions", mixed).wantProblem(http.StatusBadRequest, "unknown-field")
}

func TestOfTwentyActivationsForOneRegionAndDayOneIsLeft(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	second := r.second()
	versions := make([]versionJSON, 20)
	for i := range versions {
		versions[i] = r.validated(likeShandong("371503", "2026-09-01"))
	}
	got := atOnce(20, func(i int) int { return activateOn(second, versions[i], `"2"`, "2026-09-01").status })
	if want := append([]int{http.StatusOK}, times(19, http.StatusConflict)...); !slices.Equal(got, want) {
		t.Errorf("twenty activations of twenty versions: %v, want one 200 and nineteen 409", got)
	}
	active := r.count("SELECT COUNT(*) FROM product_versions WHERE region_prefix = '371503' AND status = 'active'")
	events := r.count("SELECT COUNT(*) FROM product_events WHERE action = 'activate'")
	if active != 1 || events != 1 {
		t.Errorf("%d active versions and %d activations in the history, want one of each", active, events)
	}
}

func TestOfTwentyActivationsOfOneVersionOneSucceeds(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	second := r.second()
	v := r.validated(likeShandong("37", "2026-09-01"))
	got := atOnce(20, func(int) int { return activateOn(second, v, `"2"`, "2026-09-01").status })
	if want := append([]int{http.StatusOK}, times(19, http.StatusConflict)...); !slices.Equal(got, want) {
		t.Errorf("twenty activations of one version: %v, want one 200 and nineteen 409", got)
	}
}

func TestActivationsForManyDaysAtOnceNeverOverlap(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	second := r.second()
	day := func(i int) string { return domain.MustParseDate("2026-09-01").AddDays(i).String() }
	versions := make([]versionJSON, 20)
	for i := range versions {
		versions[i] = r.validated(likeShandong("371503", day(i))) // the first of their region: there is none before to meet at
	}
	got := atOnce(20, func(i int) int { return activateOn(second, versions[i], `"2"`, day(i)).status })
	if got[0] != http.StatusOK || slices.ContainsFunc(got, func(status int) bool { return status != http.StatusOK && status != http.StatusConflict }) {
		t.Errorf("twenty activations for twenty days: %v, want 200 and 409, and one 200 at least", got)
	}
	// Whoever comes first, each version that holds ends where the next one begins.
	overlaps := r.count(`SELECT COUNT(*) FROM product_versions a JOIN product_versions b
		ON a.product_code = b.product_code AND a.region_prefix = b.region_prefix AND a.effective_from < b.effective_from
		WHERE a.status = 'active' AND b.status = 'active' AND (a.effective_to IS NULL OR a.effective_to > b.effective_from)`)
	activated := r.count("SELECT COUNT(*) FROM product_events WHERE action = 'activate'")
	closed := r.count("SELECT COUNT(*) FROM product_events WHERE action = 'close'")
	if overlaps != 0 || closed != activated-1 {
		t.Errorf("%d overlaps; %d versions activated and %d closed, want none and all but the last", overlaps, activated, closed)
	}
}

func TestTheDayIsTheSecondPersonsAndIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	v := r.validated(likeShandong("37", "2026-09-01").but(fields{"effective_to": "2026-12-31"}))
	// After its own end it cannot begin.
	p := activateOn(r.second(), v, `"2"`, "2027-01-01").wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	if !slices.Contains(p.fields(), "/effective_to before-start") {
		t.Errorf("activated after its own end: %v", p.fields())
	}
	activateOn(r.second(), v, `"2"`, "2026-10-01").want(http.StatusOK).into(&v)
	if v.EffectiveFrom != "2026-10-01" {
		t.Errorf("activated from %s, want 2026-10-01", v.EffectiveFrom)
	}
}

func TestProductsAreCreatedOnce(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	body := fields{"code": "GTD", "name": "果蔬贷", "borrower_kinds": []string{"farmer"}, "exposure_unit": "household", "channels": []string{"tablet"}}
	key := r.maker().with("Idempotency-Key", uuid.NewString())
	key.post("/v1/products", body.text(t)).want(http.StatusCreated)
	if again := key.post("/v1/products", body.text(t)).want(http.StatusCreated); again.header.Get("Idempotency-Replayed") != "true" {
		t.Error("the same key again was not replayed")
	}
	createAt(r.maker(), "/v1/products", body).wantProblem(http.StatusConflict, "product-exists")
	createAt(r.officer(), "/v1/products", body).wantProblem(http.StatusForbidden, "role-not-allowed")
	wrong := body.but(fields{"code": "gtd", "exposure_unit": "village", "borrower_kinds": []string{"king"}, "channels": []string{"smoke"}})
	p := createAt(r.maker().bad(), "/v1/products", wrong).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	want := []string{"/borrower_kinds/0 invalid-enum", "/channels/0 invalid-enum", "/code invalid-product-code", "/exposure_unit invalid-enum"}
	if d := cmp.Diff(want, p.fields()); d != "" {
		t.Errorf("a wrong product (-want +got):\n%s", d)
	}
	other := body.but(fields{"code": "GTD2"})
	got := atOnce(20, func(int) int { return createAt(r.maker(), "/v1/products", other).status })
	if want := append([]int{http.StatusCreated}, times(19, http.StatusConflict)...); !slices.Equal(got, want) {
		t.Errorf("twenty creations of one code: %v, want one 201 and nineteen 409", got)
	}
	wantDeeds(t, r, "GTD", "create")
	if _, offered := r.offered("371503", "2026-08-23")["GTD"]; offered {
		t.Error("a product without a version is offered")
	}
}

func TestVersionsAreListedInPagesAndDraftsOnlyToThoseWhoMakeThem(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	draft := r.drafted(likeShandong("371503", "2026-09-01"))
	ids := func(c *client, path string) (ids []domain.ID, next *string) {
		var page struct {
			Items []struct{ ID domain.ID }
			Next  *string
		}
		c.get(path).want(http.StatusOK).into(&page)
		for _, item := range page.Items {
			ids = append(ids, item.ID)
		}
		return ids, page.Next
	}
	all, next := ids(r.maker(), "/v1/products/QLFMD/versions?limit=2")
	if len(all) != 2 || all[0] != draft.ID || next == nil {
		t.Fatalf("first page: %v, next %v; want the draft first", all, next)
	}
	rest, _ := ids(r.maker(), *next)
	if len(rest) == 0 || rest[len(rest)-1] != shandong {
		t.Errorf("second page: %v, want it to end with the oldest", rest)
	}
	if seen, _ := ids(r.officer(), "/v1/products/QLFMD/versions"); slices.Contains(seen, draft.ID) || !slices.Contains(seen, shandong) {
		t.Errorf("a loan officer sees %v, want what is in use and no draft", seen)
	}
	r.officer().get("/v1/products/NONE/versions").wantProblem(http.StatusNotFound, "product-not-found")
}

func TestReferenceRatesArePublishedOnceAndCorrectedWithAReason(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	maker := r.maker()
	published := fields{"published_on": "2026-08-20", "one_year_pct": "2.90", "five_year_pct": "3.40", "source": "全国银行间同业拆借中心公告"}
	key := maker.with("Idempotency-Key", uuid.NewString())
	var rate, again struct {
		ID       domain.ID
		Revision int
	}
	key.post("/v1/reference-rates", published.text(t)).want(http.StatusCreated).into(&rate)
	replay := key.post("/v1/reference-rates", published.text(t)).want(http.StatusCreated)
	if replay.into(&again); again.ID != rate.ID || replay.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("the same key again: %s", replay.body)
	}
	if o := r.offered("371503", "2026-08-23")["QLFMD"]; o.Price == nil || o.Price.AnnualRateMaxPct != "3.10" || o.Price.ReferenceRateID == nil || *o.Price.ReferenceRateID != rate.ID {
		t.Errorf("price after the publication: %+v, want 2.90 + 0.20 by the new row", o.Price)
	}
	if o := r.offered("371503", "2026-08-19")["QLFMD"]; o.Price == nil || o.Price.AnnualRateMaxPct != "3.20" || o.Price.PublishedOn != "2025-05-20" {
		t.Errorf("price of the day before: %+v, want 3.00 + 0.20", o.Price)
	}

	correction := fields{"one_year_pct": "2.95", "five_year_pct": "3.40", "reason": "录入时看错一位", "source": "全国银行间同业拆借中心公告"}
	const corrections = "/v1/reference-rates/2026-08-20/corrections"
	createAt(maker, corrections, correction).want(http.StatusCreated).into(&again)
	if again.Revision != 1 || again.ID == rate.ID {
		t.Errorf("corrected: %+v, want a new row with revision 1", again)
	}
	if o := r.offered("371503", "2026-08-23")["QLFMD"]; o.Price == nil || o.Price.AnnualRateMaxPct != "3.15" {
		t.Errorf("price after the correction: %+v, want 3.15", o.Price)
	}

	createAt(maker, "/v1/reference-rates", published).wantProblem(http.StatusConflict, "reference-rate-exists")
	createAt(maker, "/v1/reference-rates/2026-08-21/corrections", correction).wantProblem(http.StatusNotFound, "reference-rate-not-found")
	createAt(maker.bad(), "/v1/reference-rates/2026-13-01/corrections", correction).wantProblem(http.StatusNotFound, "no-such-route")
	createAt(r.officer(), "/v1/reference-rates", published).wantProblem(http.StatusForbidden, "role-not-allowed")
	createAt(r.officer(), corrections, correction).wantProblem(http.StatusForbidden, "role-not-allowed")
	maker.bad().post("/v1/reference-rates", published.text(t)).wantProblem(http.StatusBadRequest, "idempotency-key-required")
	tomorrow := createAt(maker, "/v1/reference-rates", published.but(fields{"published_on": "2026-08-24"}))
	if p := tomorrow.wantProblem(http.StatusUnprocessableEntity, "invalid-fields"); !slices.Equal(p.fields(), []string{"/published_on in-the-future"}) {
		t.Errorf("a publication of tomorrow: %v", p.fields())
	}
	p := createAt(maker.bad(), corrections, fields{"one_year_pct": "0", "five_year_pct": "-1"}).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	if d := cmp.Diff([]string{"/five_year_pct not-positive", "/one_year_pct not-positive", "/reason required", "/source required"}, p.fields()); d != "" {
		t.Errorf("a wrong correction (-want +got):\n%s", d)
	}

	before := r.count("SELECT COUNT(*) FROM reference_rates")
	statuses := atOnce(20, func(int) int { return createAt(maker, corrections, correction).status })
	recorded := 0
	for _, status := range statuses {
		switch status {
		case http.StatusCreated:
			recorded++
		case http.StatusConflict:
		default:
			t.Errorf("twenty corrections at once: %v, want 201 and 409 only", statuses)
		}
	}
	if rows := r.count("SELECT COUNT(*) FROM reference_rates") - before; recorded == 0 || rows != recorded {
		t.Errorf("%d corrections were confirmed and %d rows written", recorded, rows)
	}
	if events := r.count("SELECT COUNT(*) FROM product_events WHERE action IN ('publish', 'correct')"); events != recorded+2 {
		t.Errorf("%d lines of history, want %d", events, recorded+2)
	}
}

func TestWhatIsPublishedLaterDoesNotChangeAnOldCase(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	officer := r.officer()
	a, waiting := r.opened(1), r.opened(2)
	officer.post(pathOf(a.ID, "/submit"), "").want(http.StatusOK)
	officer.post(pathOf(waiting.ID, "/submit"), "").want(http.StatusOK)
	officer.post(pathOf(a.ID, "/sign"), fields{"contract_no": "371503-2026-0001", "signed_on": "2026-08-23"}.text(t)).want(http.StatusOK)
	var bound struct {
		VersionID domain.ID `json:"product_version_id"`
		RateID    domain.ID `json:"reference_rate_id"`
	}
	officer.get(pathOf(a.ID, "")).want(http.StatusOK).into(&bound)
	if bound.VersionID != shandong || bound.RateID != "01900000-0000-7000-8000-00100000000a" {
		t.Errorf("bound to %+v, want the shipped version and the publication of 2025-05-20", bound)
	}
	pages := []string{
		pathOf(a.ID, ""), pathOf(a.ID, "/decision"), pathOf(a.ID, "/contract"), pathOf(a.ID, "/plan"), pathOf(a.ID, "/events"),
		pathOf(waiting.ID, ""), pathOf(waiting.ID, "/decision"),
	}
	before := map[string]string{}
	for _, page := range pages {
		before[page] = string(officer.get(page).want(http.StatusOK).body)
	}

	createAt(r.maker(), "/v1/reference-rates/2025-05-20/corrections", fields{
		"one_year_pct": "9.00", "five_year_pct": "9.50", "reason": "更正", "source": "公告",
	}).want(http.StatusCreated)
	v := r.validated(likeShandong("37", "2026-08-23"))
	activateOn(r.second(), v, `"2"`, "2026-08-23").want(http.StatusOK)

	for _, page := range pages {
		if d := cmp.Diff(before[page], string(officer.get(page).want(http.StatusOK).body)); d != "" {
			t.Errorf("%s changed (-before +after):\n%s", page, d)
		}
	}
	// A new case is judged by what is new.
	next := r.opened(3)
	var judged struct {
		VersionID domain.ID `json:"product_version_id"`
		RateID    domain.ID `json:"reference_rate_id"`
		Approval  struct {
			AnnualRatePct string `json:"annual_rate_pct"`
		}
	}
	officer.post(pathOf(next.ID, "/submit"), "").want(http.StatusOK).into(&judged)
	if judged.VersionID != v.ID || judged.RateID == bound.RateID || judged.Approval.AnnualRatePct != "9.20" {
		t.Errorf("a case after the change: %+v, want the new version and 9.00 + 0.20", judged)
	}
}

func TestAnOfferCarriesTheNumbersThatApply(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	o := r.offered("371503901201", "2026-08-23")["QLFMD"]
	if o.Price == nil || o.Price.AnnualRateMaxPct != "3.20" || o.Price.BasePct != "3.00" || o.Price.PublishedOn != "2025-05-20" {
		t.Errorf("price: %+v, want 3.00 + 0.20", o.Price)
	}
	if len(o.Guarantee) != 2 || o.Guarantee[1].FeeMaxPct == nil || *o.Guarantee[1].FeeMaxPct != "0.75" || *o.Guarantee[1].FeeMaxGrainPct != "0.50" ||
		o.Guarantee[1].Below != nil || o.Guarantee[0].FeeMaxPct != nil {
		t.Errorf("guarantee: %+v", o.Guarantee)
	}
	if len(o.Documents) == 0 || len(o.EntrustedPayment) == 0 {
		t.Errorf("papers %+v, entrusted payment %+v; want both", o.Documents, o.EntrustedPayment)
	}
	for _, d := range o.Documents {
		if d.BorrowerKind != "farmer" || d.TypeLabel == "" {
			t.Errorf("paper %+v, want those of a farmer with their names", d)
		}
	}
	if o := r.offered("371503901201", "2022-02-15")["QLFMD"]; o.Price == nil || o.Price.AnnualRateMaxPct != "3.90" {
		t.Errorf("price of 2022-02-15: %+v, want 3.70 + 0.20", o.Price)
	}
	var list struct{ Items []offerJSON }
	r.officer().get("/v1/products?region=371503&borrower_kind=sole_proprietor").want(http.StatusOK).into(&list)
	i := slices.IndexFunc(list.Items, func(o offerJSON) bool { return o.Code == "PHXWXYD" })
	if i < 0 || list.Items[i].Price == nil || len(list.Items[i].Price.Reliefs) != 1 || list.Items[i].Price.Reliefs[0].AnnualRateMaxPct != "4.45" {
		t.Errorf("offers to a sole proprietor: %+v, want a relief of 100 basis points below 5.45", list.Items)
	}
}

type sheetJSON struct {
	Name, Region, On string
	Applicants       []string
	Requirements     []string
	Terms            []struct{ Label, Text string }
	Papers           []struct {
		BorrowerKindLabel string `json:"borrower_kind_label"`
		Papers            []string
	}
	Examples []struct {
		Text, Amount, Interest, Fees, Total string
		AnnualRatePct                       string `json:"annual_rate_pct"`
		APREffectivePct                     string `json:"apr_effective_pct"`
	}
	Forbidden []string `json:"forbidden_purposes"`
}

func TestTheSheetTellsTheProductInPlainWords(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	var s sheetJSON
	r.asBorrower(newID()).with("Accept", "application/json").get("/v1/products/QLFMD/sheet?region=371503&on=2026-08-23").want(http.StatusOK).into(&s)
	lines := map[string]string{}
	for _, line := range s.Terms {
		lines[line.Label] = line.Text
	}
	for label, want := range map[string]string{
		"能借多少": "单户 3,000 元至 3,000,000 元",
		"能借多久": "1 个月至 60 个月",
		"今日利率": "年利率最高 3.20%：一年期 LPR 3.00%（2025-05-20 公布），最多加 0.20 个百分点",
		"在哪里办": "移动展业平板、手机银行、柜面",
	} {
		if lines[label] != want {
			t.Errorf("%s: %q, want %q", label, lines[label], want)
		}
	}
	if len(s.Examples) != 2 {
		t.Fatalf("examples: %+v, want one on credit and one guaranteed", s.Examples)
	}
	// By hand: 50,000 x 3.20 % by actual days over 360 is 137.78 for 31 days (seven times), 133.33 for 30 (four times) and
	// 124.44 for 28: 1,622.22. Twice the sum is 275.56, 266.67 and 248.89: 3,244.49; and the fee 0.75 % of 100,000.
	credit, guaranteed := s.Examples[0], s.Examples[1]
	if credit.Amount != "50000.00" || credit.Interest != "1622.22" || credit.Fees != "0.00" || !strings.HasPrefix(credit.APREffectivePct, "3.2") {
		t.Errorf("on credit: %+v", credit)
	}
	if guaranteed.Amount != "100000.00" || guaranteed.Interest != "3244.49" || guaranteed.Fees != "750.00" || guaranteed.Total != "103994.49" || !strings.HasPrefix(guaranteed.APREffectivePct, "4.0") {
		t.Errorf("guaranteed: %+v", guaranteed)
	}
	if !strings.Contains(guaranteed.Text, "担保费 750 元（每年 0.75%）") {
		t.Errorf("text: %s", guaranteed.Text)
	}
	if !slices.Contains(s.Applicants, "农户") || !slices.Contains(s.Requirements, "申请时年满 18 周岁") || len(s.Papers) != len(s.Applicants) || len(s.Forbidden) != 6 {
		t.Errorf("sheet: %+v", s)
	}
	yantai := sheetJSON{}
	r.officer().get("/v1/products/QLFMD/sheet?region=370602&on=2026-08-23").want(http.StatusOK).into(&yantai)
	if !slices.Contains(yantai.Requirements, "最后一期到期那天不超过 64 周岁") || !slices.Contains(s.Requirements, "最后一期到期那天不超过 65 周岁") {
		t.Errorf("age: %v in Yantai and %v in Liaocheng, want 64 and 65", yantai.Requirements, s.Requirements)
	}

	r.officer().get("/v1/products/NONE/sheet?region=371503").wantProblem(http.StatusNotFound, "product-not-found")
	r.officer().get("/v1/products/QLFMD/sheet?region=110101").wantProblem(http.StatusUnprocessableEntity, "product-not-offered")
	r.officer().get("/v1/products/QLFMD/sheet?region=371503&on=2021-12-31").wantProblem(http.StatusUnprocessableEntity, "product-not-offered")
	r.officer().bad().get("/v1/products/QLFMD/sheet").wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	r.client.get("/v1/products/QLFMD/sheet?region=371503").wantProblem(http.StatusUnauthorized, "not-found")
}

func TestTheSheetOfEveryShippedProductIsAPageThatNeedsNothingElse(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	_, versions, _, err := demodata.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range versions {
		if v.InForce(domain.DateOf(time.Date(2026, 8, 23, 1, 30, 0, 0, time.UTC))) {
			checkSheetPage(t, r, v)
		}
	}
}

func checkSheetPage(t *testing.T, r *register, v product.Version) {
	t.Helper()
	path := "/v1/products/" + v.ProductCode + "/sheet?region=" + v.RegionPrefix
	var s sheetJSON
	r.officer().get(path).want(http.StatusOK).into(&s)
	a := r.officer().with("Accept", "text/html,application/xhtml+xml,*/*;q=0.8").get(path).want(http.StatusOK)
	page := string(a.body)
	if got := a.header.Get("Content-Type"); got != "text/html; charset=utf-8" {
		t.Errorf("%s: Content-Type %q", path, got)
	}
	if a.header.Get("Vary") != "Accept" || !strings.Contains(page, "@page { size: A4;") || !strings.Contains(page, `<html lang="zh-CN">`) {
		t.Errorf("%s: no Vary, page size or language: %v", path, a.header)
	}
	for _, foreign := range []string{"<script", "<img", "<link", "src=", "url(", "http", "style=", "ZgotmplZ"} {
		if strings.Contains(page, foreign) {
			t.Errorf("%s: the page has %q", path, foreign)
		}
	}
	_, rest, _ := strings.Cut(page, "<style>")
	style, _, found := strings.Cut(rest, "</style>")
	sum := sha256.Sum256([]byte(style))
	if policy := a.header.Get("Content-Security-Policy"); !found || !strings.Contains(policy, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
		t.Errorf("%s: the policy %q does not let the page's own style through", path, policy)
	}
	words := slices.Concat([]string{s.Name, s.On}, s.Applicants, s.Requirements, s.Forbidden)
	for _, line := range s.Terms {
		words = append(words, line.Label, line.Text)
	}
	for _, papers := range s.Papers {
		if len(papers.Papers) == 0 {
			t.Errorf("%s: no papers for %s", path, papers.BorrowerKindLabel)
		}
		words = slices.Concat(words, papers.Papers)
	}
	for _, example := range s.Examples {
		words = append(words, example.Text)
	}
	if len(s.Examples) == 0 {
		t.Errorf("%s: no worked example", path)
	}
	plain := strings.NewReplacer("&#43;", "+", "&#34;", `"`).Replace(page)
	for _, word := range words {
		if !strings.Contains(plain, word) {
			t.Errorf("%s: the page lacks %q", path, word)
		}
	}
}
