package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"fumin/domain"
)

func TestAFingerprintTellsRequestsApart(t *testing.T) {
	t.Parallel()
	type request struct {
		method, path string
		borrowerID   domain.ID
		body         string
	}
	const borrowerID = domain.ID("0191a2b3-c4d5-7e6f-8a9b-0c1d2e3f4a5b")
	base := request{http.MethodPost, "/v1/applications/1/submit", borrowerID, `{"amount":"1.00"}`}
	fingerprint := func(r request) string {
		c, _ := gin.CreateTestContext(httptest.NewRecorder())
		c.Request = httptest.NewRequest(r.method, r.path, strings.NewReader(r.body))
		c.Request.Header.Set(headerIdempotencyKey, "key")
		c.Set(keyActor, domain.Actor{BorrowerID: r.borrowerID})
		key, err := readIdempotency(c)
		if err != nil {
			t.Fatalf("readIdempotency(%v) = %v", r, err)
		}
		if body, err := readBody(c); err != nil || string(body) != r.body {
			t.Errorf("the body after readIdempotency = %q, %v, want %q", body, err, r.body)
		}
		return key.Fingerprint
	}

	seen := map[string]request{}
	for _, r := range []request{
		base,
		{http.MethodPut, base.path, base.borrowerID, base.body},
		{base.method, "/v1/applications/2/submit", base.borrowerID, base.body},
		{base.method, base.path, "", base.body},
		{base.method, base.path, "0191a2b3-c4d5-7e6f-8a9b-0c1d2e3f4a5c", base.body},
		{base.method, base.path, base.borrowerID, `{"amount":"1.01"}`},
		{base.method, base.path, base.borrowerID, ""},
		// The borders between the parts count: what moves from one into the next is another request.
		{base.method, base.path + borrowerID.String(), "", base.body},
		{base.method, base.path, "", borrowerID.String() + base.body},
	} {
		got := fingerprint(r)
		if twin, ok := seen[got]; ok {
			t.Errorf("%v and %v have the same fingerprint %s", r, twin, got)
		}
		seen[got] = r
	}
	if first, again := fingerprint(base), fingerprint(base); first != again || len(first) != 64 {
		t.Errorf("fingerprints of the same request: %s, %s, want the same 64 digits", first, again)
	}
}
