package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"fumin/api"
	"fumin/domain"
)

// logLines is where a test's log goes; it can be written and read at once.
type logLines struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buffer.Write(p)
}

// all returns the lines so far.
func (l *logLines) all(t *testing.T) []map[string]any {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var lines []map[string]any
	for text := range strings.SplitSeq(strings.TrimSpace(l.buffer.String()), "\n") {
		if text == "" {
			continue
		}
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("log line %q: %v", text, err)
		}
		lines = append(lines, line)
	}
	return lines
}

func (l *logLines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buffer.String()
}

const officerToken = "Bearer officer"

// officer is who officerToken belongs to.
var officer = domain.Actor{
	ID: "0191a2b3-0000-7000-8000-00000000000a", Role: domain.RoleLoanOfficer, BranchID: "0191a2b3-0000-7000-8000-0000000000b1",
}

// edgeOptions are the options of a server without business behind it.
func edgeOptions(log io.Writer) api.Options {
	var ids atomic.Int64
	return api.Options{
		Log:   slog.New(slog.NewJSONHandler(log, nil)),
		NewID: func() domain.ID { return domain.ID(fmt.Sprintf("0191a2b3-0000-7000-8000-%012d", ids.Add(1))) },
		Now:   func() time.Time { return time.Date(2026, 8, 23, 1, 30, 0, 0, time.UTC) },
		Ready: func(context.Context) error { return nil },
		Authenticate: func(r *http.Request) (domain.Actor, error) {
			if r.Header.Get("Authorization") == officerToken {
				return officer, nil
			}
			return domain.Actor{}, domain.Errorf(domain.KindUnauthenticated, "not-found", "请先登录")
		},
		Version: "0.1.0-test",
	}
}

// probe serves the edge with the probes, and returns its log.
func probe(t *testing.T) (*client, *logLines) {
	t.Helper()
	log := &logLines{}
	return newClient(t, api.NewWithProbes(edgeOptions(log))), log
}

func TestEveryRouteIsInTheContractAndTheReverse(t *testing.T) {
	t.Parallel()
	k, err := theContract()
	if err != nil {
		t.Fatal(err)
	}
	var promised []string
	for path, item := range k.document.Paths.Map() {
		for method := range item.Operations() {
			promised = append(promised, method+" "+path)
		}
	}
	slices.Sort(promised)

	served := ginPathsAsTemplates(api.RoutesForTest(edgeOptions(io.Discard)))
	if diff := cmp.Diff(promised, served); diff != "" {
		t.Errorf("routes differ (-openapi.yaml +route table):\n%s", diff)
	}
}

func TestThePublicRoutesAreTheOnesTheContractCallsOpen(t *testing.T) {
	t.Parallel()
	k, err := theContract()
	if err != nil {
		t.Fatal(err)
	}
	var open []string
	for path, item := range k.document.Paths.Map() {
		for method, operation := range item.Operations() {
			if operation.Security != nil && !slices.ContainsFunc(*operation.Security, needsToken) {
				open = append(open, method+" "+path)
			}
		}
	}
	slices.Sort(open)

	public := ginPathsAsTemplates(api.PublicRoutesForTest(edgeOptions(io.Discard)))
	if diff := cmp.Diff(open, public); diff != "" {
		t.Errorf("open routes differ (-no bearer in openapi.yaml +accessPublic):\n%s", diff)
	}
}

// needsToken reports whether a security requirement asks for an access token. One that asks for a client's secret does
// not: the handler reads it, not the middleware.
func needsToken(r openapi3.SecurityRequirement) bool {
	_, ok := r["bearer"]
	return ok
}

// ginPathsAsTemplates turns "/a/:id" into "/a/{id}", and sorts.
func ginPathsAsTemplates(lines []string) []string {
	var templates []string
	for _, line := range lines {
		steps := strings.Split(line, "/")
		for i, step := range steps {
			if name, ok := strings.CutPrefix(step, ":"); ok {
				steps[i] = "{" + name + "}"
			}
		}
		templates = append(templates, strings.Join(steps, "/"))
	}
	slices.Sort(templates)
	return templates
}

func TestAnOptionThatIsForgottenIsFoundAtOnce(t *testing.T) {
	t.Parallel()
	for name, forget := range map[string]func(*api.Options){
		"Log":          func(o *api.Options) { o.Log = nil },
		"NewID":        func(o *api.Options) { o.NewID = nil },
		"Now":          func(o *api.Options) { o.Now = nil },
		"Ready":        func(o *api.Options) { o.Ready = nil },
		"Authenticate": func(o *api.Options) { o.Authenticate = nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := edgeOptions(io.Discard)
			forget(&options)
			defer func() {
				if recover() == nil {
					t.Errorf("New without %s returned, want a panic", name)
				}
			}()
			api.New(options)
		})
	}
}

func TestAnUnknownPathAndAWrongMethodGetProblems(t *testing.T) {
	t.Parallel()
	c, _ := probe(t)
	c.bad().get("/v1/nothing").wantProblem(404, "no-such-route")
	c.bad().get("/healthz/").wantProblem(404, "no-such-route")
	c.bad().get("/v1/../../etc/passwd").wantProblem(404, "no-such-route")
	got := c.bad().post("/healthz", "{}")
	got.wantProblem(405, "method-not-allowed")
	if allow := got.header.Get("Allow"); allow != "GET" {
		t.Errorf("POST /healthz: Allow = %q, want GET", allow)
	}
	c.bad().send("GIBBERISH", "/healthz", "").wantProblem(405, "method-not-allowed")
}

func TestAQueryThatNobodyReadsIsRefused(t *testing.T) {
	t.Parallel()
	c, _ := probe(t)
	c.bad().get("/healthz?verbose=1").wantProblem(400, "unknown-parameter")
}

func TestEveryAnswerForbidsToBeKeptOrSniffed(t *testing.T) {
	t.Parallel()
	c, _ := probe(t)
	for _, got := range []answer{c.get("/healthz"), c.bad().get("/nothing"), c.get("/probe/panic")} {
		want := map[string]string{
			"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
		}
		for name, value := range want {
			if got.header.Get(name) != value {
				t.Errorf("%s: %s = %q, want %q", got.asked, name, got.header.Get(name), value)
			}
		}
	}
}

func TestARequestIDIsEchoedWhenItIsAUUIDAndReplacedOtherwise(t *testing.T) {
	t.Parallel()
	c, _ := probe(t)
	const mine = "0191ffff-c4d5-7e6f-8a9b-0c1d2e3f4a5b"
	if got := c.with("Fumin-Request-Id", mine).get("/healthz").header.Get("Fumin-Request-Id"); got != mine {
		t.Errorf("the id of a client that sent %s = %s, want the same", mine, got)
	}
	for _, bad := range []string{"", strings.ToUpper(mine), "1", mine + "x", `x" forged="1`} {
		got := c.with("Fumin-Request-Id", bad).get("/healthz").header.Get("Fumin-Request-Id")
		if _, err := domain.ParseID(got); err != nil || got == bad {
			t.Errorf("the id of a client that sent %q = %q, want a new UUID", bad, got)
		}
	}
}

func TestAPanicIsAPlain500AndTheStackIsInTheLogOnce(t *testing.T) {
	t.Parallel()
	c, log := probe(t)
	p := c.get("/probe/panic").wantProblem(500, "internal")
	if p.Type != "about:blank" || p.Title != "Internal Server Error" || p.Detail != "" {
		t.Errorf("problem = %+v, want about:blank with the status's own title and no detail", p)
	}
	lines := log.all(t)
	if len(lines) != 2 {
		t.Fatalf("log has %d lines, want one error and one access line: %s", len(lines), log.text())
	}
	if lines[0]["level"] != "ERROR" || !strings.Contains(fmt.Sprint(lines[0]["stack"]), "export_test.go") {
		t.Errorf("first log line = %v, want an ERROR with the stack", lines[0])
	}
	if lines[1]["status"] != float64(500) || lines[1]["problem"] != "internal" {
		t.Errorf("access line = %v, want status 500 and problem internal", lines[1])
	}
	if strings.Contains(log.text(), api.ProbeSecret) {
		t.Errorf("the log shows an identity number: %s", log.text())
	}
	c.get("/healthz").want(200) // and the service goes on
}

func TestAnAbortedHandlerIsLeftToNetHTTP(t *testing.T) {
	t.Parallel()
	handler := api.NewWithProbes(edgeOptions(io.Discard))
	defer func() {
		if got := recover(); got != http.ErrAbortHandler { //nolint:errorlint // this very value
			t.Errorf("recovered %v, want http.ErrAbortHandler passed on", got)
		}
	}()
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/probe/abort", nil))
}

func TestWhatNobodyClassifiedIsABlank500AndItsCauseIsMaskedInTheLog(t *testing.T) {
	t.Parallel()
	for path, cause := range map[string]string{
		"/probe/unclassified": "Error 1062 (23000): Duplicate entry '…' for key 'uk_borrowers_id_number'",
		"/probe/internal":     "internal: SELECT 1 …",
		"/probe/unwritable":   "write /probe/unwritable: json: unsupported type: func()",
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			c, log := probe(t)
			got := c.get(path)
			if p := got.wantProblem(500, "internal"); p.Detail != "" || p.Type != "about:blank" {
				t.Errorf("problem = %+v, want no detail", p)
			}
			if bytes.Contains(got.body, []byte(api.ProbeSecret)) || strings.Contains(log.text(), api.ProbeSecret) {
				t.Errorf("the identity number is in the answer %s or in the log %s", got.body, log.text())
			}
			lines := log.all(t)
			if len(lines) != 2 || lines[0]["level"] != "ERROR" {
				t.Fatalf("log = %s, want one error and one access line", log.text())
			}
			if got := fmt.Sprint(lines[0]["cause"]); got != cause {
				t.Errorf("cause in the log = %q, want %q", got, cause)
			}
			if lines[0]["request_id"] != lines[1]["request_id"] || lines[0]["request_id"] == "" {
				t.Errorf("request ids in the log differ: %v, %v", lines[0]["request_id"], lines[1]["request_id"])
			}
		})
	}
}

func TestAnErrorAfterHalfAnAnswerIsLoggedAndNotAppended(t *testing.T) {
	t.Parallel()
	c, log := probe(t)
	if got := c.get("/probe/half").want(200); string(got.body) != "half" {
		t.Errorf("body = %q, want what had been written and nothing more", got.body)
	}
	if lines := log.all(t); len(lines) != 2 || lines[0]["level"] != "ERROR" {
		t.Errorf("log = %s, want an error line", log.text())
	}
}

func TestEachKindOfErrorHasItsStatusAndHeaders(t *testing.T) {
	t.Parallel()
	c, log := probe(t)
	tests := []struct {
		kind          string
		status        int
		code          string
		header, value string
	}{
		{"unauthenticated", 401, "not-found", "WWW-Authenticate", `Bearer realm="fumin"`},
		{"forbidden", 403, "role-not-allowed", "", ""},
		{"conflict", 409, "not-found", "", ""},
		{"rule", 422, "not-found", "", ""},
		{"unavailable", 503, "not-ready", "Retry-After", "5"},
		{"stale", 412, "precondition-failed", "", ""},
		{"attempts", 429, "too-many-attempts", "Retry-After", "60"},
	}
	for _, tt := range tests {
		got := c.get("/probe/error/" + tt.kind)
		p := got.wantProblem(tt.status, tt.code)
		if want := "urn:fumin:problem:" + tt.code; p.Type != want {
			t.Errorf("%s: type = %q, want %q", tt.kind, p.Type, want)
		}
		if tt.header != "" && got.header.Get(tt.header) != tt.value {
			t.Errorf("%s: %s = %q, want %q", tt.kind, tt.header, got.header.Get(tt.header), tt.value)
		}
	}
	if errorLines := strings.Count(log.text(), `"level":"ERROR"`); errorLines != 1 {
		t.Errorf("log has %d error lines, want one, for the 503: %s", errorLines, log.text())
	}
}

func TestARequestThatTakesTooLongIsA503(t *testing.T) {
	t.Parallel()
	c, log := probe(t)
	got := c.get("/probe/slow")
	got.wantProblem(503, "request-timeout")
	if retry := got.header.Get("Retry-After"); retry != "5" {
		t.Errorf("Retry-After = %q, want 5", retry)
	}
	if lines := log.all(t); len(lines) != 2 || lines[0]["problem"] != "request-timeout" {
		t.Errorf("log = %s, want one error line with request-timeout", log.text())
	}
}

func TestAClientThatWentAwayIsNoErrorOfOurs(t *testing.T) {
	t.Parallel()
	log := &logLines{}
	handler := api.NewWithProbes(edgeOptions(log))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequestWithContext(ctx, http.MethodGet, "/probe/gone", nil))
	if recorder.Body.Len() != 0 {
		t.Errorf("body = %s, want none: nobody reads it", recorder.Body)
	}
	lines := log.all(t)
	if len(lines) != 2 || lines[0]["level"] != "INFO" || lines[1]["status"] != float64(499) {
		t.Errorf("log = %s, want two INFO lines, the second with status 499", log.text())
	}
}

func TestARouteWithoutATokenIsClosed(t *testing.T) {
	t.Parallel()
	c, log := probe(t)
	got := c.with("Idempotency-Key", "key-1").post("/probe/loans", `{}`)
	got.wantProblem(401, "not-found")
	if lines := log.all(t); len(lines) != 1 { // the handler would have panicked without an actor
		t.Errorf("log = %s, want the access line only: the handler must not run", log.text())
	}
	if challenge := got.header.Get("WWW-Authenticate"); challenge == "" {
		t.Errorf("401 without WWW-Authenticate")
	}
}

func TestTheAccessLineSaysWhoAskedWhatAndNothingPersonal(t *testing.T) {
	t.Parallel()
	c, log := probe(t)
	c = c.with("Authorization", officerToken)
	c.put("/probe/loans/0191a2b3-c4d5-7e6f-8a9b-0c1d2e3f4a5b", "").wantProblem(428, "precondition-required")
	c.bad().get("/v1/nowhere/"+api.ProbeSecret+"?id_number="+api.ProbeSecret).wantProblem(404, "no-such-route")
	lines := log.all(t)
	want := []map[string]any{
		{
			"level": "INFO", "msg": "request", "request_id": "0191a2b3-0000-7000-8000-000000000001", "method": "PUT",
			"route": "/probe/loans/:id", "status": float64(428), "duration_ms": float64(0), "actor_id": officer.ID.String(),
			"problem": "precondition-required",
		},
		{
			"level": "INFO", "msg": "request", "request_id": "0191a2b3-0000-7000-8000-000000000002", "method": "GET",
			"route": "unmatched", "status": float64(404), "duration_ms": float64(0), "problem": "no-such-route",
		},
	}
	for _, line := range lines {
		delete(line, "time")
		if n, _ := line["bytes"].(float64); n < 100 {
			t.Errorf("bytes = %v, want the length of the answer", line["bytes"])
		}
		delete(line, "bytes")
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("access log differs (-want +got):\n%s", diff)
	}
}

func TestReadinessFollowsTheCheck(t *testing.T) {
	t.Parallel()
	var failure atomic.Pointer[error]
	options := edgeOptions(io.Discard)
	options.Ready = func(context.Context) error {
		if err := failure.Load(); err != nil {
			return *err
		}
		return nil
	}
	c := newClient(t, api.New(options))
	var health struct{ Status, Version string }
	c.get("/healthz").want(200).into(&health)
	if health.Status != "ok" || health.Version != "0.1.0-test" {
		t.Errorf("health = %+v, want ok with the version", health)
	}
	c.get("/readyz").want(200)

	away := errors.New("dial tcp 10.0.0.5:3306: connection refused")
	failure.Store(&away)
	got := c.get("/readyz")
	got.wantProblem(503, "not-ready")
	if got.header.Get("Retry-After") == "" || bytes.Contains(got.body, []byte("10.0.0.5")) {
		t.Errorf("answer %s, headers %v: want Retry-After and no address", got.body, got.header)
	}
	c.get("/healthz").want(200)

	failure.Store(nil)
	c.get("/readyz").want(200)
}

func TestAReadinessCheckThatHangsIsAnsweredFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // the time in here is not the machine's
		hang := make(chan struct{})
		options := edgeOptions(io.Discard)
		options.Ready = func(context.Context) error { <-hang; return nil }
		handler := api.New(options)

		start := time.Now()
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
		close(hang)
		if recorder.Code != 503 || !strings.Contains(recorder.Body.String(), `"code":"not-ready"`) {
			t.Errorf("answer %d %s, want 503 not-ready", recorder.Code, recorder.Body)
		}
		if waited := time.Since(start); waited > 2*time.Second {
			t.Errorf("a hanging check was waited for %v, want at most 2 s", waited)
		}
	})
}
