package api

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"fumin/domain"
)

func TestEachKindHasOneStatus(t *testing.T) {
	t.Parallel()
	want := map[domain.Kind]int{
		domain.KindInternal: 500, domain.KindInvalid: 400, domain.KindUnauthenticated: 401, domain.KindForbidden: 403,
		domain.KindNotFound: 404, domain.KindConflict: 409, domain.KindRule: 422, domain.KindUnavailable: 503,
	}
	for kind, code := range want {
		if got := status(&domain.Error{Kind: kind, Code: "x"}); got != code {
			t.Errorf("status(kind %d) = %d, want %d", kind, got, code)
		}
	}
	if got := status(&domain.Error{Kind: domain.KindUnavailable + 1, Code: "x"}); got != 500 {
		t.Errorf("status(a kind that does not exist) = %d, want 500", got)
	}
	fields := []domain.Field{{Pointer: "/a", Code: "required", Detail: "必填"}}
	if got := status(&domain.Error{Kind: domain.KindInvalid, Code: "x", Fields: fields}); got != 422 {
		t.Errorf("status(invalid with fields) = %d, want 422", got)
	}
	for code, want := range statusByCode {
		for kind := domain.KindInvalid; kind <= domain.KindUnavailable; kind++ {
			if got := status(&domain.Error{Kind: kind, Code: code, Fields: fields}); got != want {
				t.Errorf("status(kind %d, %s) = %d, want %d", kind, code, got, want)
			}
		}
	}
}

func TestAnErrorIsClassifiedByItsRequestsEndFirst(t *testing.T) {
	t.Parallel()
	live := context.Background()
	gone, cancel := context.WithCancel(live)
	cancel()
	late, cancelLate := context.WithTimeout(live, 0)
	defer cancelLate()
	conflict := domain.Errorf(domain.KindConflict, "stale", "")
	driver := errors.New("sql: transaction has already been committed or rolled back")

	tests := []struct {
		name string
		ctx  context.Context
		err  error
		want string // the code; "" for a client that went away
	}{
		{"a refusal", live, conflict, "stale"},
		{"a wrapped refusal", live, fmt.Errorf("submit: %w", conflict), "stale"},
		{"unknown", live, driver, "internal"},
		{"a cancellation of our own", live, context.Canceled, "internal"},
		{"a deadline of our own", live, context.DeadlineExceeded, "internal"},
		{"client gone", gone, context.Canceled, ""},
		{"client gone, as a driver tells it", gone, driver, ""},
		{"client gone, wrapped as unavailable", gone, domain.Errorf(domain.KindUnavailable, "x", "").Because(context.Canceled), ""},
		{"a refusal while the client left", gone, conflict, "stale"},
		{"late", late, context.DeadlineExceeded, "request-timeout"},
		{"late, as a driver tells it", late, driver, "request-timeout"},
		{"a refusal at the last moment", late, conflict, "stale"},
	}
	for _, tt := range tests {
		got := ""
		if e := classify(tt.ctx, tt.err); e != nil {
			got = e.Code
		}
		if got != tt.want {
			t.Errorf("%s: classify(%v) = %q, want %q", tt.name, tt.err, got, tt.want)
		}
	}
}

func TestTheTitleIsTheCodeAsAPhrase(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{"stale-application": "Stale application", "internal": "Internal", "": ""} {
		if got := title(code); got != want {
			t.Errorf("title(%q) = %q, want %q", code, got, want)
		}
	}
}

func TestACauseInTheLogShowsNoValue(t *testing.T) {
	t.Parallel()
	tests := []struct{ cause, want string }{
		{
			"Error 1062 (23000): Duplicate entry '371302198501012345' for key 'borrowers.uk_borrowers_id_number'",
			"Error 1062 (23000): Duplicate entry '…' for key 'borrowers.uk_borrowers_id_number'",
		},
		{"Error 1366: Incorrect string value: '张三' for column `name`", "Error 1366: Incorrect string value: '…' for column `name`"},
		{`parsing "13800138000": invalid`, `parsing '…': invalid`},
		{"phone 13800138000, card 6222020200112233445, id 37130219850101234X", "phone …, card …, id …"},
		{"dial tcp 10.0.0.5:3306: connection refused", "dial tcp 10.0.0.5:3306: connection refused"},
		{strings.Repeat("长", 600), strings.Repeat("长", causeRunesMax) + "…"},
	}
	for _, tt := range tests {
		if got := maskCause(errors.New(tt.cause)); got != tt.want {
			t.Errorf("maskCause(%q) = %q, want %q", tt.cause, got, tt.want)
		}
	}
}
