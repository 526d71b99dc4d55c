package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

// contract is openapi.yaml as exchanges are held against it.
type contract struct {
	document *openapi3.T
	router   routers.Router
}

// theContract reads openapi.yaml once for all tests.
var theContract = sync.OnceValues(func() (*contract, error) {
	text, err := os.ReadFile("openapi.yaml")
	if err != nil {
		return nil, err
	}
	return parseContract(text)
})

func parseContract(text []byte) (*contract, error) {
	loader := openapi3.NewLoader()
	document, err := loader.LoadFromData(text)
	if err != nil {
		return nil, fmt.Errorf("read openapi.yaml: %w", err)
	}
	if err := document.Validate(context.Background(), openapi3.EnableExamplesValidation()); err != nil {
		return nil, fmt.Errorf("openapi.yaml is not valid: %w", err)
	}
	document.Servers = nil // a test server has an address of its own
	router, err := legacy.NewRouter(document)
	if err != nil {
		return nil, fmt.Errorf("routes of openapi.yaml: %w", err)
	}
	return &contract{document: document, router: router}, nil
}

var contractOptions = &openapi3filter.Options{
	AuthenticationFunc:    openapi3filter.NoopAuthenticationFunc, // the program authenticates; the contract says where
	IncludeResponseStatus: true,
	MultiError:            true,
}

// exchange is one request with its answer.
type exchange struct {
	request      *http.Request
	requestBody  []byte
	response     *http.Response
	responseBody []byte
	bad          bool // the request breaks the contract on purpose
}

// check says where an exchange differs from the contract; nil when it does not.
func (k *contract) check(x exchange) error {
	request := x.request.Clone(context.Background())
	request.Body = io.NopCloser(bytes.NewReader(x.requestBody))
	found, pathParams, err := k.router.FindRoute(request)
	if err != nil {
		return k.checkUnlisted(x, err)
	}
	input := &openapi3filter.RequestValidationInput{Request: request, PathParams: pathParams, Route: found, Options: contractOptions}
	if !x.bad {
		if err := openapi3filter.ValidateRequest(context.Background(), input); err != nil {
			return fmt.Errorf("the request: %w", err)
		}
	}
	err = openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input,
		Status:                 x.response.StatusCode,
		Header:                 x.response.Header,
		Body:                   io.NopCloser(bytes.NewReader(x.responseBody)),
		Options:                contractOptions,
	})
	if err != nil {
		return fmt.Errorf("the answer: %w", err)
	}
	return nil
}

// checkUnlisted is check for a path that is not in the contract: it must be meant, and the answer must be a problem.
// The probes of export_test.go answer what they like when they succeed.
func (k *contract) checkUnlisted(x exchange, why error) error {
	probe := strings.HasPrefix(x.request.URL.Path, "/probe/")
	if !x.bad && !probe {
		return fmt.Errorf("%s %s is not in the contract: %w", x.request.Method, x.request.URL.Path, why)
	}
	if x.response.StatusCode < 400 && probe {
		return nil
	}
	if got := x.response.Header.Get("Content-Type"); got != "application/problem+json" {
		return fmt.Errorf("the answer's Content-Type is %q, want application/problem+json", got)
	}
	var body any
	if err := json.Unmarshal(x.responseBody, &body); err != nil {
		return fmt.Errorf("the answer: %w", err)
	}
	if err := k.document.Components.Schemas["Problem"].Value.VisitJSON(body); err != nil {
		return fmt.Errorf("the problem: %w", err)
	}
	return nil
}

// leaks are texts that show the program's inside; no problem may contain one.
var leaks = []string{"goroutine ", ".go:", "SELECT ", "INSERT ", "UPDATE ", "Error 1", "SQLSTATE", "gorm", "panic"}

// contractTransport is an http.RoundTripper that fails the test for every exchange that differs from the contract.
type contractTransport struct {
	t    *testing.T
	next http.RoundTripper
}

type badKey struct{}

// deliberatelyBad marks a request that breaks the contract on purpose. Its answer is checked all the same.
func deliberatelyBad(ctx context.Context) context.Context {
	return context.WithValue(ctx, badKey{}, true)
}

// RoundTrip sends the request and checks the exchange.
func (h contractTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	h.t.Helper()
	k, err := theContract()
	if err != nil {
		return nil, err
	}
	var requestBody []byte
	if request.Body != nil {
		if requestBody, err = io.ReadAll(request.Body); err != nil {
			return nil, err
		}
		request.Body = io.NopCloser(bytes.NewReader(requestBody))
	}
	response, err := h.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	responseBody, err := io.ReadAll(response.Body)
	if closeErr := response.Body.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(responseBody))

	bad := request.Context().Value(badKey{}) != nil
	x := exchange{request: request, requestBody: requestBody, response: response, responseBody: responseBody, bad: bad}
	if err := k.check(x); err != nil {
		h.t.Errorf("%s %s -> %d differs from the contract: %v", request.Method, request.URL.Path, response.StatusCode, err)
	}
	if got := response.Header.Get("X-Content-Type-Options"); got != "nosniff" {
		h.t.Errorf("%s %s: X-Content-Type-Options = %q, want nosniff", request.Method, request.URL.Path, got)
	}
	if response.StatusCode >= 400 {
		for _, leak := range leaks {
			if bytes.Contains(responseBody, []byte(leak)) {
				h.t.Errorf("%s %s -> %d shows the program's inside: %q in %s", request.Method, request.URL.Path, response.StatusCode, leak, responseBody)
			}
		}
	}
	return response, nil
}

// client talks to one running service. Every exchange is held against the contract.
type client struct {
	t      *testing.T
	base   string
	http   *http.Client
	header http.Header
	marked bool
}

// newClient serves h for the length of the test.
func newClient(t *testing.T, h http.Handler) *client {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return &client{t: t, base: server.URL, header: http.Header{}, http: &http.Client{
		Transport:     contractTransport{t: t, next: server.Client().Transport},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// in returns a client whose failures are those of the subtest t.
func (c *client) in(t *testing.T) *client {
	t.Helper()
	transport, ok := c.http.Transport.(contractTransport)
	if !ok {
		t.Fatalf("the client's transport is a %T", c.http.Transport)
	}
	next, inner := *c, *c.http
	transport.t = t
	inner.Transport = transport
	next.t, next.http = t, &inner
	return &next
}

// with returns a client that also sends the header. An empty value removes it.
func (c *client) with(name, value string) *client {
	next := *c
	next.header = c.header.Clone()
	if value == "" {
		next.header.Del(name)
	} else {
		next.header.Set(name, value)
	}
	return &next
}

// also returns a client that sends the header once more.
func (c *client) also(name, value string) *client {
	next := *c
	next.header = c.header.Clone()
	next.header.Add(name, value)
	return &next
}

// bad returns a client whose requests break the contract on purpose.
func (c *client) bad() *client {
	next := *c
	next.marked = true
	return &next
}

// get asks for path, which may have a query.
func (c *client) get(path string) answer { return c.send(http.MethodGet, path, "") }

// post sends a JSON text; "" sends no body.
func (c *client) post(path, body string) answer { return c.send(http.MethodPost, path, body) }

// put sends a JSON text; "" sends no body.
func (c *client) put(path, body string) answer { return c.send(http.MethodPut, path, body) }

func (c *client) send(method, path, body string) answer {
	c.t.Helper()
	ctx := c.t.Context()
	if c.marked {
		ctx = deliberatelyBad(ctx)
	}
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, reader)
	if err != nil {
		c.t.Fatal(err)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for name, values := range c.header {
		request.Header[name] = slices.Clone(values)
	}
	response, err := c.http.Do(request)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer response.Body.Close()
	received, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer{t: c.t, asked: method + " " + path, status: response.StatusCode, header: response.Header, body: received}
}

// answer is what came back.
type answer struct {
	t      *testing.T
	asked  string
	status int
	header http.Header
	body   []byte
}

// want fails the test unless the answer has the status.
func (a answer) want(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s: status = %d, want %d; body %s", a.asked, a.status, status, a.body)
	}
	return a
}

// into reads the answer's JSON.
func (a answer) into(target any) {
	a.t.Helper()
	if err := json.Unmarshal(a.body, target); err != nil {
		a.t.Fatalf("%s: %v in %s", a.asked, err, a.body)
	}
}

// problem is a problem document as a client sees it.
type problem struct {
	Type, Title, Detail, Instance, Code string
	Status                              int
	Errors                              []struct{ Pointer, Code, Detail string }
}

// fields lists what is wrong, as "pointer code", sorted.
func (p problem) fields() []string {
	var lines []string
	for _, e := range p.Errors {
		lines = append(lines, e.Pointer+" "+e.Code)
	}
	slices.Sort(lines)
	return lines
}

// wantProblem fails the test unless the answer is this problem, and returns it.
func (a answer) wantProblem(status int, code string) problem {
	a.t.Helper()
	a.want(status)
	var p problem
	a.into(&p)
	if p.Code != code || p.Status != status {
		a.t.Fatalf("%s: problem %q with status %d, want %q with %d; body %s", a.asked, p.Code, p.Status, code, status, a.body)
	}
	if want := "urn:uuid:" + a.header.Get("Fumin-Request-Id"); p.Instance != want {
		a.t.Errorf("%s: instance = %q, want %q", a.asked, p.Instance, want)
	}
	return p
}

func TestTheContractIsValidWithAllItsExamplesAndFollowsItsOwnRules(t *testing.T) {
	t.Parallel()
	k, err := theContract()
	if err != nil {
		t.Fatal(err)
	}
	tags := map[string]bool{}
	for _, tag := range k.document.Tags {
		tags[tag.Name] = true
	}
	operationIDs := map[string]string{}
	for path, item := range k.document.Paths.Map() {
		for method, operation := range item.Operations() {
			name := method + " " + path
			if problem := operation.Responses.Default(); problem == nil || problem.Ref != "#/components/responses/Problem" {
				t.Errorf("%s: the default response is not the shared Problem", name)
			}
			if operation.Summary == "" || len(operation.Tags) != 1 || !tags[operation.Tags[0]] {
				t.Errorf("%s: summary %q, tags %v; want a summary and one tag of the list at the top", name, operation.Summary, operation.Tags)
			}
			if twin, twice := operationIDs[operation.OperationID]; twice || operation.OperationID == "" {
				t.Errorf("%s: operationId %q is empty or also that of %s", name, operation.OperationID, twin)
			}
			operationIDs[operation.OperationID] = name
		}
	}
	for name, schema := range k.document.Components.Schemas {
		checkSchema(t, name, schema, 0)
	}
}

// openOnPurpose are the objects that take members they do not know, because a standard says so.
var openOnPurpose = map[string]bool{
	"ClientCredentials": true, // RFC 6749, section 3.2: the server must ignore unrecognised parameters
}

// checkSchema looks at a schema and what is inside it; schemas that are referred to are looked at under their own names.
func checkSchema(t *testing.T, name string, ref *openapi3.SchemaRef, depth int) {
	t.Helper()
	if depth > 20 {
		t.Fatalf("%s is nested too deep", name)
	}
	schema := ref.Value
	if schema.Type.Is("object") {
		closed := schema.AdditionalProperties.Has
		if closed == nil || *closed && !openOnPurpose[name] {
			t.Errorf("%s: additionalProperties is not false", name)
		}
		if depth == 0 && schema.Example == nil {
			t.Errorf("%s has no example", name)
		}
	}
	for property, inner := range schema.Properties {
		if strings.HasSuffix(property, "amount") && inner.Value.Type.Is("number") {
			t.Errorf("%s.%s is a number; money is text", name, property)
		}
		if inner.Ref == "" {
			checkSchema(t, name+"."+property, inner, depth+1)
		}
	}
	if schema.Items != nil && schema.Items.Ref == "" {
		checkSchema(t, name+"[]", schema.Items, depth+1)
	}
}

func TestTheContractCheckSeesWhatIsWrong(t *testing.T) {
	t.Parallel()
	k, err := theContract()
	if err != nil {
		t.Fatal(err)
	}
	const id = "0191a2b3-c4d5-7e6f-8a9b-0c1d2e3f4a5b"
	const sound = `{"type":"urn:fumin:problem:not-ready","title":"Not ready","status":503,"instance":"urn:uuid:` + id + `","code":"not-ready"}`
	tests := []struct {
		name, method, path, contentType string
		status                          int
		body                            string
		bad                             bool
		want                            string // in the error; "" for none
	}{
		{"sound", "GET", "/healthz", "application/json", 200, `{"status":"ok","version":"1"}`, false, ""},
		{"a sound problem", "GET", "/readyz", "application/problem+json", 503, sound, false, ""},
		{"a missing member", "GET", "/healthz", "application/json", 200, `{"status":"ok"}`, false, "version"},
		{"a member too many", "GET", "/healthz", "application/json", 200, `{"status":"ok","version":"1","x":1}`, false, "x"},
		{"a value outside its enum", "GET", "/healthz", "application/json", 200, `{"status":"fine","version":"1"}`, false, "status"},
		{"a wrong type", "GET", "/healthz", "application/json", 200, `{"status":"ok","version":1}`, false, "version"},
		{"an undeclared status", "GET", "/healthz", "application/json", 201, `{"status":"ok","version":"1"}`, false, "the answer"},
		{"an undeclared content type", "GET", "/healthz", "text/plain", 200, `ok`, false, "the answer"},
		{"not JSON", "GET", "/healthz", "application/json", 200, `{`, false, "the answer"},
		{"a problem without a title", "GET", "/readyz", "application/problem+json", 503, strings.Replace(sound, `"title":"Not ready",`, "", 1), false, "title"},
		{"an unknown code", "GET", "/readyz", "application/problem+json", 503, strings.Replace(sound, `"code":"not-ready"`, `"code":"x"`, 1), false, "code"},
		{"a problem as plain JSON", "GET", "/readyz", "application/json", 503, sound, false, "the answer"},
		{"an unlisted path", "GET", "/v1/nothing", "application/problem+json", 503, sound, false, "not in the contract"},
		{"an unlisted path on purpose", "GET", "/v1/nothing", "application/problem+json", 503, sound, true, ""},
		{"an unlisted method", "POST", "/healthz", "application/problem+json", 503, sound, false, "not in the contract"},
		{"plain text for an unlisted path", "GET", "/v1/nothing", "text/plain", 404, "404", true, "Content-Type"},
		{"a broken problem for an unlisted path", "GET", "/v1/nothing", "application/problem+json", 404, `{}`, true, "the problem"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := k.check(exchange{
				request: httptest.NewRequest(tt.method, tt.path, nil),
				response: &http.Response{StatusCode: tt.status, Header: http.Header{
					"Content-Type": {tt.contentType}, "Fumin-Request-Id": {id},
				}},
				responseBody: []byte(tt.body),
				bad:          tt.bad,
			})
			if (tt.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("check = %v, want an error with %q", err, tt.want)
			}
		})
	}
	headless := exchange{
		request:      httptest.NewRequest(http.MethodGet, "/healthz", nil),
		response:     &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}},
		responseBody: []byte(`{"status":"ok","version":"1"}`),
	}
	if err := k.check(headless); err == nil || !strings.Contains(err.Error(), "Fumin-Request-Id") {
		t.Errorf("check of an answer without its request id = %v, want an error", err)
	}
	badPath := exchange{
		request:  httptest.NewRequest(http.MethodGet, "/docs/other.js", nil),
		response: &http.Response{StatusCode: http.StatusNotModified, Header: http.Header{"Etag": {`"1"`}}},
	}
	if err := k.check(badPath); err == nil || !strings.Contains(err.Error(), "the request") {
		t.Errorf("check of a request outside the contract = %v, want an error", err)
	}
}

func TestAnExampleThatDoesNotFitIsSeen(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	spoiled := strings.Replace(string(text), `example: "99500.00"`, `example: "99,500.00"`, 1)
	if spoiled == string(text) {
		t.Fatal("openapi.yaml has no such example to spoil")
	}
	if _, err := parseContract([]byte(spoiled)); err == nil {
		t.Error("a contract with a wrong example was accepted")
	}
}
