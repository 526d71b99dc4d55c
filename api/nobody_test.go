package api_test

import (
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pathParameter is one of the contract's: {id}, {delivery_id}.
var pathParameter = regexp.MustCompile(`\{[a-z_]+\}`)

// Every operation without a request body in the contract, found there: one that is added later is asked too.
func TestARequestThatReadsNoBodyTakesNoneOrAnEmptyObject(t *testing.T) {
	t.Parallel()
	k, err := theContract()
	if err != nil {
		t.Fatal(err)
	}
	r := newRegister(t)
	const id = "0191a2b3-c4d5-7e6f-8a9b-0c1d2e3f4a5b"
	ask := r.officer().with("Idempotency-Key", "key-1").bad()
	asked := 0
	for path, item := range k.document.Paths.Map() {
		if item.Post == nil || item.Post.RequestBody != nil {
			continue
		}
		asked++
		address := pathParameter.ReplaceAllString(path, id)
		p := ask.post(address, `{"amount":"1.00"}`).wantProblem(400, "unknown-field")
		if diff := cmp.Diff([]string{"/amount unknown"}, p.fields()); diff != "" {
			t.Errorf("POST %s: fields differ (-want +got):\n%s", path, diff)
		}
		ask.post(address, `{"amount":`).wantProblem(400, "unreadable-json")
		ask.post(address, `[]`).wantProblem(400, "object-required")
		ask.with("Content-Type", "text/plain").post(address, `{}`).wantProblem(415, "unsupported-media-type")
		for _, body := range []string{"", "{}"} {
			got := ask.post(address, body)
			if !slices.Contains([]int{403, 404}, got.status) { // there is no such record, or it is not the officer's to change
				t.Errorf("POST %s with body %q: status %d, want 403 or 404; body %s", path, body, got.status, got.body)
			}
		}
	}
	if asked == 0 {
		t.Error("the contract has no operation without a body")
	}
}
