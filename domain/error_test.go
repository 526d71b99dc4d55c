package domain_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fumin/domain"
)

// valueCode is the code of the *ValueError in err's chain.
func valueCode(err error) string {
	if v, ok := errors.AsType[*domain.ValueError](err); ok {
		return v.Code
	}
	return ""
}

func TestAnErrorSaysItsCodeAndDetailAndCause(t *testing.T) {
	t.Parallel()
	plain := domain.Errorf(domain.KindRule, "limit-exceeded", "最多可申请 %d 元", 50000)
	if got, want := plain.Error(), "limit-exceeded: 最多可申请 50000 元"; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
	if plain.Unwrap() != nil {
		t.Errorf("Unwrap() = %v, want none", plain.Unwrap())
	}
	caused := plain.Because(io.ErrUnexpectedEOF)
	if got, want := caused.Error(), "limit-exceeded: 最多可申请 50000 元: unexpected EOF"; got != want {
		t.Errorf("with a cause Error() = %q, want %q", got, want)
	}
	if !errors.Is(caused, io.ErrUnexpectedEOF) {
		t.Error("the cause is not found by errors.Is")
	}
}

func TestACauseIsGivenToACopy(t *testing.T) {
	t.Parallel()
	shared := domain.Errorf(domain.KindUnavailable, "database-away", "稍后再试")
	shared.Fields = []domain.Field{{Pointer: "/x", Code: "y", Detail: "z"}}
	caused := shared.Because(io.EOF)
	if shared.Unwrap() != nil {
		t.Error("Because changed the error it was called on: shared errors would tell each other's causes")
	}
	if caused.Kind != shared.Kind || caused.Code != shared.Code || caused.Detail != shared.Detail || !cmp.Equal(caused.Fields, shared.Fields) {
		t.Errorf("Because = %+v, want all of %+v", caused, shared)
	}
}

func TestTheDetailDoesNotShowTheCause(t *testing.T) {
	t.Parallel()
	caused := domain.Errorf(domain.KindInternal, "internal", "系统错误").Because(errors.New("SELECT * FROM borrower"))
	if strings.Contains(caused.Detail, "SELECT") {
		t.Errorf("Detail = %q shows internal text", caused.Detail)
	}
}

func TestTheCodeIsFoundInTheChain(t *testing.T) {
	t.Parallel()
	e := domain.Errorf(domain.KindConflict, "stale-application", "已被他人修改")
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"itself":           {e, "stale-application"},
		"wrapped":          {fmt.Errorf("save: %w", e), "stale-application"},
		"joined":           {errors.Join(io.EOF, e), "stale-application"},
		"behind a cause":   {domain.Errorf(domain.KindInternal, "outer", "").Because(e), "outer"},
		"another error":    {io.EOF, ""},
		"a value error":    {domain.BadValue("bad", ""), ""},
		"nil":              {nil, ""},
		"formatted, not w": {fmt.Errorf("save: %v", e), ""}, //nolint:errorlint // what is not wrapped is the case
	} {
		if got := domain.CodeOf(c.err); got != c.want {
			t.Errorf("%s: CodeOf(%v) = %q, want %q", name, c.err, got, c.want)
		}
	}
}

func TestAnUnclassifiedErrorIsInternal(t *testing.T) {
	t.Parallel()
	var e domain.Error
	if e.Kind != domain.KindInternal {
		t.Errorf("the zero kind = %d, want KindInternal", e.Kind)
	}
	seen := map[domain.Kind]bool{}
	for _, kind := range []domain.Kind{
		domain.KindInternal, domain.KindInvalid, domain.KindUnauthenticated, domain.KindForbidden, domain.KindNotFound,
		domain.KindConflict, domain.KindRule, domain.KindUnavailable,
	} {
		if seen[kind] {
			t.Errorf("two kinds are %d", kind)
		}
		seen[kind] = true
	}
}

func TestAValueErrorSaysItsCodeAndDetail(t *testing.T) {
	t.Parallel()
	if got, want := domain.BadValue("too-long", "最多 %d 个字", 3).Error(), "too-long: 最多 3 个字"; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
}

func TestNoProblemsAreNoError(t *testing.T) {
	t.Parallel()
	var p domain.Problems
	p.Check("/amount", nil)
	if p.Any() {
		t.Error("Any() = true after nothing, want false")
	}
	if err := p.Err(); err != nil { // a typed nil would not be nil here
		t.Errorf("Err() = %v, want nil", err)
	}
}

func TestProblemsAreAllInOneErrorInTheirOrder(t *testing.T) {
	t.Parallel()
	inner := domain.Errorf(domain.KindInvalid, "invalid-fields", "")
	inner.Fields = []domain.Field{{Pointer: "/name", Code: "required", Detail: "必填"}, {Pointer: "/area", Code: "too-large", Detail: "100%"}}

	var p domain.Problems
	p.Add("/purpose", "too-long", "最多 %d 个字", 140)
	p.Check("/amount", domain.BadValue("invalid-decimal", "100%d 不是数字", 5))
	p.Check("/rate", fmt.Errorf("wrapped: %w", domain.BadValue("too-large", "50%%")))
	p.Check("/household", inner)
	p.Check("/file", io.EOF)
	p.Check("/product", domain.Errorf(domain.KindNotFound, "unknown-product", "没有这个产品"))

	if !p.Any() {
		t.Error("Any() = false, want true")
	}
	e, ok := errors.AsType[*domain.Error](p.Err())
	if !ok {
		t.Fatalf("Err() = %v, want a *domain.Error", p.Err())
	}
	if e.Kind != domain.KindInvalid || e.Code != "invalid-fields" || !strings.Contains(e.Detail, "7") {
		t.Errorf("Err() = %+v, want KindInvalid, invalid-fields, and the number 7", e)
	}
	want := []domain.Field{
		{Pointer: "/purpose", Code: "too-long", Detail: "最多 140 个字"},
		{Pointer: "/amount", Code: "invalid-decimal", Detail: "1005 不是数字"},
		{Pointer: "/rate", Code: "too-large", Detail: "50%"},
		{Pointer: "/household/name", Code: "required", Detail: "必填"},
		{Pointer: "/household/area", Code: "too-large", Detail: "100%"},
		{Pointer: "/file", Code: "invalid", Detail: "取值无效"}, // an error's text is internal until it says otherwise
		{Pointer: "/product", Code: "invalid", Detail: "取值无效"},
	}
	if diff := cmp.Diff(want, e.Fields); diff != "" {
		t.Errorf("fields differ (-want +got):\n%s", diff)
	}
}

func TestProblemsHaveALimit(t *testing.T) {
	t.Parallel()
	var p domain.Problems
	for i := range 10 * domain.FieldsMax {
		p.Add(fmt.Sprintf("/rows/%d", i), "required", "必填")
	}
	e, ok := errors.AsType[*domain.Error](p.Err())
	if !ok || len(e.Fields) != domain.FieldsMax || e.Fields[domain.FieldsMax-1].Pointer != fmt.Sprintf("/rows/%d", domain.FieldsMax-1) {
		t.Errorf("Err() lists %d fields, want the first %d", len(e.Fields), domain.FieldsMax)
	}
}
