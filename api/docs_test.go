package api_test

import (
	"bytes"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"fumin/api"
)

func TestTheContractIsServedAsItIsAndNotSentTwice(t *testing.T) {
	t.Parallel()
	c := newClient(t, api.New(edgeOptions(io.Discard)))
	got := c.get("/openapi.yaml").want(200)
	file, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.body, file) {
		t.Errorf("GET /openapi.yaml differs from the file (%d bytes, want %d)", len(got.body), len(file))
	}
	again := c.with("If-None-Match", got.header.Get("ETag")).get("/openapi.yaml").want(304)
	if len(again.body) != 0 {
		t.Errorf("304 with a body of %d bytes", len(again.body))
	}
	c.with("If-None-Match", `"0"`).get("/openapi.yaml").want(200)
}

func TestTheDocumentationPageLoadsNothingFromElsewhere(t *testing.T) {
	t.Parallel()
	c := newClient(t, api.New(edgeOptions(io.Discard)))
	if got := c.get("/").want(302).header.Get("Location"); got != "/docs" {
		t.Errorf("GET / leads to %q, want /docs", got)
	}
	page := c.get("/docs").want(200)
	links := regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllSubmatch(page.body, -1)
	if len(links) < 4 {
		t.Fatalf("the page has %d links, want its script, its style, its icon and the contract: %s", len(links), page.body)
	}
	for _, link := range links {
		target := string(link[1])
		if !strings.HasPrefix(target, "/") || strings.HasPrefix(target, "//") {
			t.Errorf("the page loads %s, want a path of this service", target)
			continue
		}
		if got := c.get(target).want(200); len(got.body) == 0 {
			t.Errorf("GET %s is empty", target)
		}
	}
	// The browser enforces it even against what Swagger UI may try.
	policy := page.header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self';", "connect-src 'self'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("Content-Security-Policy = %q, want %q in it", policy, want)
		}
	}
	if bytes.Contains(page.body, []byte("<script>")) {
		t.Errorf("the page has an inline script, which its own policy forbids: %s", page.body)
	}
	if script := c.get("/docs/start.js").want(200).body; !bytes.Contains(script, []byte("validatorUrl: null")) {
		t.Errorf("start.js does not switch the validator on the internet off: %s", script)
	}
}

func TestAnAssetIsTheSamePackedAndPlain(t *testing.T) {
	t.Parallel()
	c := newClient(t, api.New(edgeOptions(io.Discard)))
	packed := c.get("/docs/swagger-ui-bundle.js").want(200) // the transport asks for gzip and unpacks
	plain := c.with("Accept-Encoding", "identity").get("/docs/swagger-ui-bundle.js").want(200)
	if len(plain.body) < 1_000_000 || !bytes.Equal(packed.body, plain.body) {
		t.Errorf("packed %d bytes, plain %d bytes, want the same megabyte and more", len(packed.body), len(plain.body))
	}
	if got := plain.header.Get("Content-Encoding"); got != "" {
		t.Errorf("Content-Encoding = %q for a client that takes none", got)
	}
	c.bad().get("/docs/embed.go").wantProblem(404, "not-found")
	c.bad().get("/docs/..%2fopenapi.yaml").wantProblem(404, "no-such-route")
}
