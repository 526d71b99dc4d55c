package api_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const soundLoan = `{
	"amount": "99500.00", "annual_rate_pct": "3.65", "signed_on": "2026-08-23", "term_months": 36, "rounding": "half_up",
	"purpose": "养殖肉鸭", "urgent": true, "address": {"village": "东庄"},
	"guarantors": [{"borrower_id": "0191a2b3-c4d5-7e6f-8a9b-0c1d2e3f4a5b"}], "photo_ids": []
}`

// signedIn is a client with a token and an idempotency key.
func signedIn(t *testing.T) *client {
	t.Helper()
	c, _ := probe(t)
	return c.with("Authorization", officerToken).with("Idempotency-Key", "key-1")
}

func TestASoundBodyIsReadWhole(t *testing.T) {
	t.Parallel()
	var got map[string]any
	signedIn(t).post("/probe/loans", soundLoan).want(201).into(&got)
	if fingerprint, _ := got["fingerprint"].(string); len(fingerprint) != 64 {
		t.Errorf("fingerprint = %q, want 64 hexadecimal digits", fingerprint)
	}
	delete(got, "fingerprint")
	want := map[string]any{
		"amount": "99500.00", "annual_rate_pct": "3.65", "signed_on": "2026-08-23", "term_months": float64(36), "rounding": "half_up",
		"urgent": true, "guarantors": float64(1), "key": "key-1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the body was read differently (-want +got):\n%s", diff)
	}
}

func TestABodyThatCannotBeReadIsRefusedWithItsCode(t *testing.T) {
	t.Parallel()
	c := signedIn(t)
	tests := []struct {
		name, contentType, body string
		status                  int
		code                    string
	}{
		{"unreadable JSON", "application/json", `{"amount":`, 400, "unreadable-json"},
		{"no body", "application/json", "", 400, "body-required"},
		{"not an object", "application/json", `[]`, 400, "object-required"},
		{"an unknown field", "application/json", strings.Replace(soundLoan, "{", `{"interest":"1",`, 1), 400, "unknown-field"},
		{"a duplicate key", "application/json", strings.Replace(soundLoan, "{", `{"urgent":false,`, 1), 400, "duplicate-key"},
		{"trailing text", "application/json", soundLoan + "x", 400, "trailing-text"},
		{"a form", "application/x-www-form-urlencoded", "amount=1", 415, "unsupported-media-type"},
		{"plain text", "text/plain", soundLoan, 415, "unsupported-media-type"},
		{"another charset", "application/json; charset=gbk", soundLoan, 415, "unsupported-media-type"},
		{"another parameter", "application/json; profile=x", soundLoan, 415, "unsupported-media-type"},
		{"broken content type", "application/json; ;", soundLoan, 415, "unsupported-media-type"},
		{"problem+json", "application/problem+json", soundLoan, 415, "unsupported-media-type"},
		{"a body over the limit", "application/json", `{"purpose":"` + strings.Repeat("a", 1<<20) + `"}`, 413, "body-too-large"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c.in(t).bad().with("Content-Type", tt.contentType).post("/probe/loans", tt.body).wantProblem(tt.status, tt.code)
		})
	}
	c.with("Content-Type", "application/json").also("Content-Type", "application/json").post("/probe/loans", soundLoan).
		wantProblem(415, "unsupported-media-type")
	c.with("Content-Encoding", "gzip").post("/probe/loans", soundLoan).wantProblem(415, "unsupported-media-type")
	c.with("Content-Type", "Application/JSON; charset=UTF-8").post("/probe/loans", soundLoan).want(201)
}

func TestEveryWrongFieldIsNamedInOneAnswer(t *testing.T) {
	t.Parallel()
	c := signedIn(t)
	p := c.post("/probe/loans", `{
		"amount": 99500.00, "annual_rate_pct": "3.6500001", "signed_on": "2026-02-31", "rounding": "banker", "purpose": "鸭",
		"urgent": 1, "address": {}, "guarantors": [{"borrower_id": "37"}], "photo_ids": ["１"]
	}`).wantProblem(422, "invalid-fields")
	want := []string{
		"/address/village required", "/amount wrong-type", "/annual_rate_pct too-many-decimals", "/guarantors/0/borrower_id invalid-id",
		"/photo_ids/0 invalid-id", "/purpose too-short", "/rounding invalid-rounding", "/signed_on invalid-date", "/term_months required",
		"/urgent wrong-type",
	}
	if diff := cmp.Diff(want, p.fields()); diff != "" {
		t.Errorf("fields differ (-want +got):\n%s", diff)
	}
	for _, e := range p.Errors {
		if e.Pointer == "/amount" && !strings.Contains(e.Detail, "引号") {
			t.Errorf("the detail of a money amount as a number = %q, want it to say that quotes are needed", e.Detail)
		}
	}
}

func TestEveryBadAmountIsA422AtItsPointer(t *testing.T) {
	t.Parallel()
	c := signedIn(t)
	for _, amount := range []string{
		`99500`, `99500.00`, `1e9`, `"1.005"`, `"-1.00"`, `"1e9"`, `""`, `"` + strings.Repeat("9", 40) + `"`, `"９９５００"`, `null`, `true`, `"0"`,
	} {
		p := c.post("/probe/loans", strings.Replace(soundLoan, `"99500.00"`, amount, 1)).wantProblem(422, "invalid-fields")
		if len(p.Errors) != 1 || p.Errors[0].Pointer != "/amount" {
			t.Errorf("amount %s: errors = %v, want one at /amount", amount, p.Errors)
		}
	}
}

func TestAMalformedIDIsTheSame404AsAnUnknownOne(t *testing.T) {
	t.Parallel()
	c, _ := probe(t)
	unknown := c.get("/probe/things/0191a2b3-c4d5-7e6f-8a9b-0c1d2e3f4a5b").wantProblem(404, "not-found")
	for _, id := range []string{"1", "x'--", "0191A2B3-C4D5-7E6F-8A9B-0C1D2E3F4A5B", "%00", strings.Repeat("a", 2000)} {
		malformed := c.get("/probe/things/"+id).wantProblem(404, "not-found")
		malformed.Instance = unknown.Instance
		if diff := cmp.Diff(unknown, malformed); diff != "" {
			t.Errorf("the answers for an unknown id and for %.40q differ:\n%s", id, diff)
		}
	}
}

func TestAPageIsReadFromTheQueryOrRefused(t *testing.T) {
	t.Parallel()
	c, _ := probe(t)
	const after = "0191a2b3-c4d5-7e6f-8a9b-000000000001"
	var got map[string]any
	c.get("/probe/list").want(200).into(&got)
	want := map[string]any{
		"limit": float64(20), "after": "", "open": nil, "last": nil,
		"next": "/probe/list?after=0191a2b3-c4d5-7e6f-8a9b-0c1d2e3f4a5b&limit=20",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the first page differs (-want +got):\n%s", diff)
	}
	c.get("/probe/list?limit=100&open=true&after=" + after).want(200).into(&got)
	want = map[string]any{
		"limit": float64(100), "after": after, "open": true, "last": nil,
		"next": "/probe/list?after=0191a2b3-c4d5-7e6f-8a9b-0c1d2e3f4a5b&limit=100&open=true",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("a later page differs (-want +got):\n%s", diff)
	}

	var parameters, unknown []string
	for i := range 51 {
		parameters = append(parameters, fmt.Sprintf("p%02d=1", i))
		unknown = append(unknown, fmt.Sprintf("?p%02d unknown", i))
	}
	unknown = unknown[:10] // more are not named
	tests := []struct {
		query  string
		status int
		code   string
		fields []string
	}{
		{"limit=0", 422, "invalid-fields", []string{"?limit out-of-range"}},
		{"limit=101", 422, "invalid-fields", []string{"?limit out-of-range"}},
		{"limit=x&after=1&open=yes", 422, "invalid-fields", []string{"?after invalid-id", "?limit wrong-type", "?open wrong-type"}},
		{"limit=1&limit=2", 400, "duplicate-key", []string{"?limit duplicate-key"}},
		{"offset=10", 400, "unknown-parameter", []string{"?offset unknown"}},
		{"limit=%zz", 400, "unreadable-query", nil},
		{"a;b", 400, "unreadable-query", nil},
		{strings.Join(parameters[:50], "&"), 400, "unknown-parameter", unknown},
		{strings.Join(parameters, "&"), 400, "unreadable-query", nil},
		{"open=%ff", 400, "unreadable-query", nil},
	}
	for _, tt := range tests {
		p := c.get("/probe/list?"+tt.query).wantProblem(tt.status, tt.code)
		if diff := cmp.Diff(tt.fields, p.fields()); diff != "" {
			t.Errorf("?%s: fields differ (-want +got):\n%s", tt.query, diff)
		}
	}
}

func TestAnEditNeedsTheVersionItIsBasedOn(t *testing.T) {
	t.Parallel()
	c := signedIn(t)
	const path = "/probe/loans/0191a2b3-c4d5-7e6f-8a9b-0c1d2e3f4a5b"
	c.put(path, `{}`).wantProblem(428, "precondition-required")
	for _, tag := range []string{`3`, `W/"3"`, `*`, `""`, `"-1"`, `"03"`, `"3", "4"`, `"99999999999"`, `"x"`, `"+3"`} {
		c.with("If-Match", tag).put(path, `{}`).wantProblem(400, "invalid-if-match")
	}
	c.with("If-Match", `"3"`).also("If-Match", `"3"`).put(path, `{}`).wantProblem(400, "invalid-if-match")
	got := c.with("If-Match", `"3"`).put(path, "").want(200)
	if tag := got.header.Get("ETag"); tag != `"4"` {
		t.Errorf("ETag = %s, want \"4\"", tag)
	}
	c.with("If-Match", `"0"`).put(path, `{"note":"改"}`).want(200)
	c.with("If-Match", `"0"`).put(path, `{"note":1}`).wantProblem(422, "invalid-fields")
}

func TestAnIdempotencyKeyIsRequiredAndShort(t *testing.T) {
	t.Parallel()
	c := signedIn(t)
	c.with("Idempotency-Key", "").post("/probe/loans", soundLoan).wantProblem(400, "idempotency-key-required")
	for _, key := range []string{strings.Repeat("k", 65), "a b", "键", "a\tb"} {
		c.with("Idempotency-Key", key).post("/probe/loans", soundLoan).wantProblem(400, "invalid-idempotency-key")
	}
	c.also("Idempotency-Key", "key-1").post("/probe/loans", soundLoan).wantProblem(400, "invalid-idempotency-key")
	c.with("Idempotency-Key", strings.Repeat("k", 64)).post("/probe/loans", soundLoan).want(201)
	c.with("Idempotency-Key", "!~").post("/probe/loans", soundLoan).want(201)
}
