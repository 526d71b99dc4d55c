package api_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fumin/api"
	"fumin/domain"
	"fumin/domain/origination"
	"fumin/domain/staff"
	"fumin/repository/demodata"
	"fumin/repository/storetest"
)

// desk is the service with its staff on a database of its own, and a clock the test moves.
type desk struct {
	t      *testing.T
	log    *logLines
	client *client
	staff  *origination.Staff
	clock  atomic.Pointer[time.Time]
}

// The staff of these tests. All have deskPassword.
const (
	deskPassword     = "jujube-tree-in-autumn"
	deskClientSecret = "client-secret-of-the-mobile-app"
	deskCity         = domain.ID("01900000-0000-7000-8000-000000000001")
	deskCounty       = domain.ID("01900000-0000-7000-8000-000000000002")
	deskOther        = domain.ID("01900000-0000-7000-8000-000000000003")
	deskAdmin        = domain.ID("01900000-0000-7000-8000-000000000011")
	deskOfficer      = domain.ID("01900000-0000-7000-8000-000000000012")
	deskFaraway      = domain.ID("01900000-0000-7000-8000-000000000013")
)

// deskSeed is the key that signs; oldSeed is one that only reads.
var (
	deskSeed = bytes.Repeat([]byte{1}, ed25519.SeedSize)
	oldSeed  = bytes.Repeat([]byte{2}, ed25519.SeedSize)
)

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, log: &logLines{}}
	start := time.Date(2026, 8, 24, 1, 0, 0, 0, time.UTC)
	d.clock.Store(&start)
	newID := func() domain.ID { return domain.ID(uuid.Must(uuid.NewV7()).String()) }
	store := storetest.New(t)
	d.staff = origination.NewStaff(store, d.now, newID, rand.Reader)
	password := staff.NewSecret(deskPassword)
	err := d.staff.LoadOrganisation(t.Context(), domain.Actor{ID: newID(), Name: "安装程序", Role: domain.RoleSystem}, origination.Organisation{
		Branches: []origination.OrganisationBranch{
			{ID: deskCity, Code: "3715", Name: "聊城分行", Level: staff.LevelCity},
			{ID: deskCounty, Code: "371503", Name: "茌平支行", Level: staff.LevelCounty, ParentCode: "3715"},
			{ID: deskOther, Code: "371522", Name: "莘县支行", Level: staff.LevelCounty, ParentCode: "3715"},
		},
		Users: []origination.OrganisationUser{
			{ID: deskAdmin, Username: "admin", DisplayName: "赵文静", Role: domain.RoleAdmin, BranchCode: "371503", Password: password},
			{ID: deskOfficer, Username: "officer", DisplayName: "孙晓东", Role: domain.RoleLoanOfficer, BranchCode: "371503", Password: password},
			{ID: deskFaraway, Username: "faraway", DisplayName: "张海燕", Role: domain.RoleLoanOfficer, BranchCode: "371522", Password: password},
		},
		ServiceAccounts: []origination.OrganisationServiceAccount{{ClientID: "mobile-app", Kind: staff.KindBorrowerChannel, Name: "手机银行", Secret: staff.NewSecret(deskClientSecret)}},
	})
	if err != nil {
		t.Fatalf("load organisation: %v", err)
	}
	tokens, err := api.NewTokens(slices.Concat(deskSeed, oldSeed), d.now)
	if err != nil {
		t.Fatal(err)
	}
	options := edgeOptions(d.log)
	options.NewID, options.Now, options.Staff, options.Tokens, options.Authenticate = newID, d.now, d.staff, tokens, tokens.Authenticate
	options.Borrowers = origination.NewBorrowers(store, d.now, newID)
	options.Guarantees = origination.NewGuarantees(store, d.now, newID)
	companies, err := demodata.GuaranteeCompanies()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range companies {
		if err := options.Guarantees.LoadCompanies(t.Context(), domain.Actor{ID: newID(), Name: "安装程序", Role: domain.RoleSystem}, []origination.DraftGuaranteeCompany{origination.DraftGuaranteeCompany(c)}); err != nil {
			t.Fatal(err)
		}
	}
	d.client = newClient(t, api.New(options))
	return d
}

func (d *desk) now() time.Time { return *d.clock.Load() }

func (d *desk) advance(by time.Duration) {
	next := d.now().Add(by)
	d.clock.Store(&next)
}

// session is what a login answers.
type session struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"`
	RefreshToken string `json:"refresh_token"`
	User         struct {
		ID       domain.ID
		Role     domain.Role
		BranchID domain.ID `json:"branch_id"`
	}
}

func credentials(username, password string) string {
	return fmt.Sprintf(`{"username":%q,"password":%q}`, username, password)
}

func (d *desk) login(username string) session {
	d.t.Helper()
	var s session
	d.client.post("/v1/sessions", credentials(username, deskPassword)).want(http.StatusCreated).into(&s)
	return s
}

// as returns a client with a user's access token.
func (d *desk) as(username string) *client {
	d.t.Helper()
	return d.client.with("Authorization", "Bearer "+d.login(username).AccessToken)
}

// form sends a form, with a header or none.
func (d *desk) form(values url.Values, header string) answer {
	d.t.Helper()
	request, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, d.client.base+"/v1/oauth/token", strings.NewReader(values.Encode()))
	if err != nil {
		d.t.Fatal(err)
	}
	request = request.WithContext(deliberatelyBad(request.Context()))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if header != "" {
		request.Header.Set("Authorization", header)
	}
	response, err := d.client.http.Do(request)
	if err != nil {
		d.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return answer{t: d.t, asked: "POST /v1/oauth/token", status: response.StatusCode, header: response.Header, body: body}
}

// app returns a client with the service account's token, acting for a borrower.
func (d *desk) app(borrowerID string) *client {
	d.t.Helper()
	var s session
	d.form(url.Values{"grant_type": {"client_credentials"}, "client_id": {"mobile-app"}, "client_secret": {deskClientSecret}}, "").
		want(http.StatusOK).into(&s)
	return d.client.with("Authorization", "Bearer "+s.AccessToken).with("Fumin-Borrower-Id", borrowerID)
}

func TestLoginOpensASessionThatTheTokenProves(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := d.login("officer")
	if s.TokenType != "Bearer" || s.ExpiresIn != 600 || s.RefreshToken == "" || s.User.ID != deskOfficer || s.User.BranchID != deskCounty {
		t.Errorf("session %+v: want a bearer token of 600 seconds, a refresh token and the officer of the county", s)
	}
	var me struct {
		ID         domain.ID
		Name, Role string
		User       *struct{ Username string }
		Branch     *struct{ Code string }
		BorrowerID *string `json:"borrower_id"`
	}
	d.client.with("Authorization", "bearer "+s.AccessToken).get("/v1/me").want(http.StatusOK).into(&me)
	if me.ID != deskOfficer || me.Name != "孙晓东" || me.Role != "loan_officer" || me.User.Username != "officer" || me.Branch.Code != "371503" || me.BorrowerID != nil {
		t.Errorf("me = %+v, want the officer of the county", me)
	}
}

func TestAnAccessTokenSaysNoMoreThanItMust(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	parts := strings.Split(d.login("officer").AccessToken, ".")
	var header, claims map[string]any
	for i, target := range []*map[string]any{&header, &claims} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, target); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"alg", "kid", "typ"}, slices.Sorted(maps.Keys(header))); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"aud", "branch_id", "exp", "iat", "iss", "name", "role", "sid", "sub"}, slices.Sorted(maps.Keys(claims))); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
}

func TestLoginTellsWrongFromLockedAndNothingElse(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for _, name := range []string{"officer", "nobody"} {
		var details []string
		for range staff.LoginFailuresMax {
			p := d.client.post("/v1/sessions", credentials(name, "wrong-password")).wantProblem(http.StatusUnauthorized, "invalid-credentials")
			details = append(details, p.Detail)
		}
		if len(slices.Compact(details)) != 1 {
			t.Errorf("answers to wrong logins of %s differ: %q", name, details)
		}
		a := d.client.post("/v1/sessions", credentials(name, deskPassword))
		a.wantProblem(http.StatusTooManyRequests, "too-many-attempts")
		if a.header.Get("Retry-After") == "" {
			t.Errorf("login of the locked name %s: no Retry-After", name)
		}
	}
	d.advance(staff.LoginLockDuration)
	d.login("officer")
}

func TestLoginRefusesWhatIsNoLogin(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	bad := d.client.bad()
	for body, want := range map[string][]string{
		`{}`:                              {"/password required", "/username required"},
		`{"username":"","password":""}`:   {"/password required", "/username required"},
		`{"username":1,"password":["x"]}`: {"/password wrong-type", "/username wrong-type"},
		credentials(strings.Repeat("a", 65), strings.Repeat("b", 1001)):                                  {"/password too-long", "/username too-long"},
		`{"username":"officer","password":"` + deskPassword + `","new_password":"short"}`:                {"/new_password too-short"},
		`{"username":"officer","password":"` + deskPassword + `","new_password":"the-officer-me"}`:       {"/new_password password-contains-username"},
		`{"username":"officer","password":"` + deskPassword + `","new_password":"` + deskPassword + `"}`: {"/new_password password-unchanged"},
	} {
		p := bad.post("/v1/sessions", body).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
		if diff := cmp.Diff(want, p.fields()); diff != "" {
			t.Errorf("%s: fields (-want +got):\n%s", body, diff)
		}
	}
	bad.post("/v1/sessions", `{"username":"officer","password":"x","otp":"1"}`).wantProblem(http.StatusBadRequest, "unknown-field")
	bad.post("/v1/sessions", `{"username":"officer","password":"`+strings.Repeat("x", 20<<10)+`"}`).wantProblem(http.StatusRequestEntityTooLarge, "body-too-large")
}

func TestRefreshGivesTheNextTokenOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	first := d.login("officer")
	body := fmt.Sprintf(`{"refresh_token":%q}`, first.RefreshToken)

	var mu sync.Mutex
	statuses := map[int]int{}
	var second session
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			a := d.client.post("/v1/sessions/refresh", body)
			mu.Lock()
			defer mu.Unlock()
			statuses[a.status]++
			if a.status == http.StatusCreated {
				a.into(&second)
			}
		})
	}
	group.Wait()
	if diff := cmp.Diff(map[int]int{http.StatusCreated: 1, http.StatusConflict: 19}, statuses); diff != "" {
		t.Fatalf("twenty refreshes with one token (-want +got):\n%s", diff)
	}
	d.client.post("/v1/sessions/refresh", body).wantProblem(http.StatusConflict, "refresh-token-used")
	d.client.with("Authorization", "Bearer "+second.AccessToken).get("/v1/me").want(http.StatusOK)

	d.advance(staff.RefreshGrace)
	d.client.post("/v1/sessions/refresh", body).wantProblem(http.StatusUnauthorized, "session-ended")
	d.client.post("/v1/sessions/refresh", fmt.Sprintf(`{"refresh_token":%q}`, second.RefreshToken)).wantProblem(http.StatusUnauthorized, "session-ended")
}

func TestRevokeEndsTheSession(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	body := fmt.Sprintf(`{"refresh_token":%q}`, d.login("officer").RefreshToken)
	d.client.post("/v1/sessions/revoke", body).want(http.StatusNoContent)
	d.client.post("/v1/sessions/revoke", body).want(http.StatusNoContent)
	d.client.post("/v1/sessions/refresh", body).wantProblem(http.StatusUnauthorized, "session-ended")
	d.client.post("/v1/sessions/revoke", `{"refresh_token":"fumin_refresh_unknown"}`).want(http.StatusNoContent)
}

// forge makes a token from the officer's, changed, and signed with a key of the forger's choice.
func forge(t *testing.T, original string, method jwt.SigningMethod, key any, change func(header, claims map[string]any)) string {
	t.Helper()
	claims := jwt.MapClaims{}
	parsed, _, err := jwt.NewParser().ParseUnverified(original, claims)
	if err != nil {
		t.Fatal(err)
	}
	token := jwt.NewWithClaims(method, claims)
	maps.Copy(token.Header, parsed.Header)
	token.Header["alg"] = method.Alg()
	if change != nil {
		change(token.Header, claims)
	}
	signed, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func TestForgedTokensOpenNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	genuine := d.login("officer").AccessToken
	ours := ed25519.NewKeyFromSeed(deskSeed)
	public := ours.Public().(ed25519.PublicKey)
	theirs := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, ed25519.SeedSize))
	set := func(name string, value any) func(header, claims map[string]any) {
		return func(_, claims map[string]any) { claims[name] = value }
	}
	without := func(name string) func(header, claims map[string]any) {
		return func(_, claims map[string]any) { delete(claims, name) }
	}
	parts := strings.Split(genuine, ".")
	later := d.now().Add(time.Hour).Unix()

	// The control: a copy that nothing was changed in opens, so what follows is refused for its change alone.
	d.client.with("Authorization", "Bearer "+forge(t, genuine, jwt.SigningMethodEdDSA, ours, nil)).get("/v1/me").want(http.StatusOK)

	for name, token := range map[string]string{
		"another key":              forge(t, genuine, jwt.SigningMethodEdDSA, theirs, nil),
		"no algorithm":             forge(t, genuine, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil),
		"no signature":             parts[0] + "." + parts[1] + ".",
		"the public key as HMAC's": forge(t, genuine, jwt.SigningMethodHS256, []byte(public), nil),
		"no key id":                forge(t, genuine, jwt.SigningMethodEdDSA, ours, func(h, _ map[string]any) { delete(h, "kid") }),
		"an unknown key id":        forge(t, genuine, jwt.SigningMethodEdDSA, ours, func(h, _ map[string]any) { h["kid"] = "unknown" }),
		"a key id that is no text": forge(t, genuine, jwt.SigningMethodEdDSA, ours, func(h, _ map[string]any) { h["kid"] = 1 }),
		"another type":             forge(t, genuine, jwt.SigningMethodEdDSA, ours, func(h, _ map[string]any) { h["typ"] = "JWT" }),
		"no expiry":                forge(t, genuine, jwt.SigningMethodEdDSA, ours, without("exp")),
		"an expiry as text":        forge(t, genuine, jwt.SigningMethodEdDSA, ours, set("exp", "tomorrow")),
		"not valid yet":            forge(t, genuine, jwt.SigningMethodEdDSA, ours, set("nbf", later)),
		"another issuer":           forge(t, genuine, jwt.SigningMethodEdDSA, ours, set("iss", "another")),
		"no issuer":                forge(t, genuine, jwt.SigningMethodEdDSA, ours, without("iss")),
		"another audience":         forge(t, genuine, jwt.SigningMethodEdDSA, ours, set("aud", "another")),
		"no audience":              forge(t, genuine, jwt.SigningMethodEdDSA, ours, without("aud")),
		"no subject":               forge(t, genuine, jwt.SigningMethodEdDSA, ours, without("sub")),
		"a subject that is no id":  forge(t, genuine, jwt.SigningMethodEdDSA, ours, set("sub", "admin")),
		"the system's role":        forge(t, genuine, jwt.SigningMethodEdDSA, ours, set("role", "system")),
		"no role":                  forge(t, genuine, jwt.SigningMethodEdDSA, ours, without("role")),
		"no branch":                forge(t, genuine, jwt.SigningMethodEdDSA, ours, without("branch_id")),
		"a borrower with a branch": forge(t, genuine, jwt.SigningMethodEdDSA, ours, set("role", "borrower")),
		"a changed role":           parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(decode(t, parts[1]), "loan_officer", "admin", 1))) + "." + parts[2],
		"a longer one":             genuine + "A",
		"a very long one":          strings.Repeat("A", 5000),
		"a refresh token":          d.login("officer").RefreshToken,
		"nonsense":                 "a.b.c",
	} {
		a := d.client.with("Authorization", "Bearer "+token).get("/v1/me")
		p := a.wantProblem(http.StatusUnauthorized, "invalid-token")
		if got := a.header.Get("WWW-Authenticate"); !strings.HasPrefix(got, "Bearer") {
			t.Errorf("%s: WWW-Authenticate = %q", name, got)
		}
		if strings.Contains(p.Detail, token) {
			t.Errorf("%s: the answer repeats the token", name)
		}
	}
	for name, header := range map[string]string{"another scheme": "Basic " + genuine, "no token": "Bearer", "only a token": genuine, "two": "Bearer " + genuine + " " + genuine} {
		if a := d.client.with("Authorization", header).get("/v1/me"); a.status != http.StatusUnauthorized {
			t.Errorf("%s: status %d, want 401", name, a.status)
		}
	}
	d.client.get("/v1/me").wantProblem(http.StatusUnauthorized, "authentication-required")
}

func decode(t *testing.T, part string) string {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAnAccessTokenExpires(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	officer := d.as("officer")
	d.advance(api.AccessTokenLifetime - time.Second)
	officer.get("/v1/me").want(http.StatusOK)
	d.advance(time.Second)
	officer.get("/v1/me").wantProblem(http.StatusUnauthorized, "token-expired")
}

func TestATokenOfAnOlderKeyIsStillRead(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	genuine := d.login("officer").AccessToken
	before, err := api.NewTokens(oldSeed, d.now)
	if err != nil {
		t.Fatal(err)
	}
	request := httptestRequest(t, "Bearer "+genuine)
	if _, err := before.Authenticate(request); domain.CodeOf(err) != "invalid-token" {
		t.Errorf("a node that has only the old key reads a token of the new one: %v", err)
	}

	// What a node signs that still has the old key in front.
	reversed, err := api.NewTokens(slices.Concat(oldSeed, deskSeed), d.now)
	if err != nil {
		t.Fatal(err)
	}
	token, err := reversed.MintForTest(origination.Grant{Actor: domain.Actor{ID: deskOfficer, Name: "孙晓东", Role: domain.RoleLoanOfficer, BranchID: deskCounty}})
	if err != nil {
		t.Fatal(err)
	}
	d.client.with("Authorization", "Bearer "+token).get("/v1/me").want(http.StatusOK)
}

func httptestRequest(t *testing.T, authorization string) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", authorization)
	return request
}

func TestTokenKeysOfAnotherShapeAreRefused(t *testing.T) {
	t.Parallel()
	for name, seeds := range map[string][]byte{
		"none":     nil,
		"short":    deskSeed[:31],
		"too long": append(slices.Clone(deskSeed), 1),
		"nine":     bytes.Repeat(deskSeed, 9),
		"twice":    bytes.Repeat(deskSeed, 2),
	} {
		if _, err := api.NewTokens(seeds, time.Now); err == nil {
			t.Errorf("%s: NewTokens succeeded", name)
		} else if len(seeds) > 0 && strings.Contains(err.Error(), string(seeds)) {
			t.Errorf("%s: the error shows the key", name)
		}
	}
}

const aBorrower = "0191a2b3-c4d5-7e6f-8a9b-0c1d2e3f4a5b"

func TestAServiceAccountActsForTheBorrowerItNames(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	app := d.app(aBorrower)
	var me struct {
		Role         string
		User, Branch *json.RawMessage
		BorrowerID   string `json:"borrower_id"`
	}
	app.get("/v1/me").want(http.StatusOK).into(&me)
	if me.Role != "borrower" || me.BorrowerID != aBorrower || me.User != nil || me.Branch != nil {
		t.Errorf("me = %+v, want the borrower %s and no user", me, aBorrower)
	}
	bad := app.bad()
	bad.with("Fumin-Borrower-Id", "").get("/v1/me").wantProblem(http.StatusBadRequest, "borrower-required")
	for _, id := range []string{"wang", strings.ToUpper(aBorrower), aBorrower + "," + aBorrower} {
		bad.with("Fumin-Borrower-Id", id).get("/v1/me").wantProblem(http.StatusBadRequest, "borrower-required")
	}
	d.as("officer").with("Fumin-Borrower-Id", aBorrower).get("/v1/me").wantProblem(http.StatusBadRequest, "borrower-not-allowed")

	for _, path := range []string{"/v1/users", "/v1/branches", "/v1/users/" + deskOfficer.String()} {
		app.get(path).wantProblem(http.StatusForbidden, "role-not-allowed")
	}
}

func TestAServiceAccountReachesNoOtherBorrower(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	officer := d.as("officer")
	var ids []string
	for n := range 2 {
		var household, farmer struct{ ID domain.ID }
		createAt(officer, "/v1/households", newHousehold(n)).want(http.StatusCreated).into(&household)
		createAt(officer, "/v1/borrowers", newFarmer(n, household.ID)).want(http.StatusCreated).into(&farmer)
		ids = append(ids, farmer.ID.String())
	}
	app := d.app(ids[0])
	app.get("/v1/borrowers/" + ids[0]).want(http.StatusOK)
	another := app.get("/v1/borrowers/"+ids[1]).wantProblem(http.StatusNotFound, "borrower-not-found")
	nobody := app.get("/v1/borrowers/"+aBorrower).wantProblem(http.StatusNotFound, "borrower-not-found")
	if another.Detail != nobody.Detail {
		t.Errorf("another borrower %q, nobody %q: the answers must not differ", another.Detail, nobody.Detail)
	}
	var list struct{ Items []struct{ ID string } }
	app.get("/v1/borrowers").want(http.StatusOK).into(&list)
	if len(list.Items) != 1 || list.Items[0].ID != ids[0] {
		t.Errorf("listed %+v, want %s only", list.Items, ids[0])
	}
	app.with("Fumin-Borrower-Id", ids[1]).get("/v1/borrowers/" + ids[1]).want(http.StatusOK) // the next call may act for another

	d.as("faraway").get("/v1/borrowers/"+ids[0]).wantProblem(http.StatusNotFound, "borrower-not-found")
	d.as("admin").get("/v1/borrowers/" + ids[0]).want(http.StatusOK)
}

func TestOAuthGivesATokenForTheRightSecretOnly(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	grant := func(extra url.Values) url.Values {
		values := url.Values{"grant_type": {"client_credentials"}}
		maps.Copy(values, extra)
		return values
	}
	basic := func(id, secret string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))
	}
	good := grant(url.Values{"client_id": {"mobile-app"}, "client_secret": {deskClientSecret}})
	for name, a := range map[string]answer{
		"in the form":    d.form(good, ""),
		"in the header":  d.form(grant(nil), basic("mobile-app", deskClientSecret)),
		"the id in both": d.form(grant(url.Values{"client_id": {"mobile-app"}}), basic("mobile-app", deskClientSecret)),
		"with a scope":   d.form(grant(url.Values{"client_id": {"mobile-app"}, "client_secret": {deskClientSecret}, "scope": {"loans"}}), ""),
	} {
		var token map[string]any
		a.want(http.StatusOK).into(&token)
		if token["token_type"] != "Bearer" || token["expires_in"] != 600.0 || token["refresh_token"] != nil {
			t.Errorf("%s: %v, want a bearer token of 600 seconds and no refresh token", name, token)
		}
		if got := a.header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control = %q, want no-store", name, got)
		}
	}
	for name, c := range map[string]struct {
		values url.Values
		header string
		status int
		code   string
	}{
		"a wrong secret":           {grant(url.Values{"client_id": {"mobile-app"}, "client_secret": {"wrong"}}), "", 401, "invalid-client"},
		"an unknown client":        {grant(url.Values{"client_id": {"another"}, "client_secret": {deskClientSecret}}), "", 401, "invalid-client"},
		"a wrong secret, in Basic": {grant(nil), basic("mobile-app", "wrong"), 401, "invalid-client"},
		"a member of staff":        {grant(url.Values{"client_id": {"officer"}, "client_secret": {deskPassword}}), "", 401, "invalid-client"},
		"no secret":                {grant(url.Values{"client_id": {"mobile-app"}}), "", 400, "invalid-request"},
		"no grant type":            {url.Values{"client_id": {"mobile-app"}}, "", 400, "invalid-request"},
		"another grant type":       {url.Values{"grant_type": {"password"}, "client_id": {"officer"}}, "", 400, "unsupported-grant-type"},
		"a parameter twice":        {grant(url.Values{"client_id": {"mobile-app", "mobile-app"}, "client_secret": {deskClientSecret}}), "", 400, "invalid-request"},
		"secrets in both places":   {good, basic("mobile-app", deskClientSecret), 400, "invalid-request"},
		"another scheme":           {good, "Bearer x", 400, "invalid-request"},
		"another id in the form":   {grant(url.Values{"client_id": {"another"}}), basic("mobile-app", deskClientSecret), 400, "invalid-request"},
	} {
		a := d.form(c.values, c.header)
		a.wantProblem(c.status, c.code)
		if tried := strings.HasPrefix(c.header, "Basic"); c.status == 401 && tried != strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Basic") {
			t.Errorf("%s: WWW-Authenticate = %q", name, a.header.Get("WWW-Authenticate"))
		}
	}
	d.client.bad().post("/v1/oauth/token", `{"grant_type":"client_credentials"}`).wantProblem(http.StatusUnsupportedMediaType, "unsupported-media-type")
}

func TestNoPasswordAndNoTokenReachesTheLog(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := d.login("officer")
	me := d.client.with("Authorization", "Bearer "+s.AccessToken)
	me.get("/v1/me").want(http.StatusOK)
	const typed = "typed-into-the-wrong-field"
	d.client.post("/v1/sessions", credentials(typed, typed)).want(http.StatusUnauthorized)
	d.client.post("/v1/sessions/refresh", `{"refresh_token":"`+typed+`"}`).want(http.StatusUnauthorized)
	d.client.with("Authorization", "Bearer "+typed).get("/v1/me").want(http.StatusUnauthorized)
	d.form(url.Values{"grant_type": {"client_credentials"}, "client_id": {typed}, "client_secret": {typed}}, "").want(http.StatusUnauthorized)
	me.bad().post("/v1/users/"+deskOfficer.String()+"/password", `{"current_password":"`+typed+`","new_password":"short"}`).want(http.StatusUnprocessableEntity)
	if len(d.log.all(t)) < 7 {
		t.Fatalf("log: %s; want a line a request", d.log.text())
	}
	for _, secret := range []string{typed, deskPassword, s.AccessToken, s.RefreshToken} {
		if strings.Contains(d.log.text(), secret) {
			t.Errorf("the log shows %q: %s", secret, d.log.text())
		}
	}
}
