// Package domain is the shared kernel: the few words every other package speaks, and no business.
//
// It owns errors, identifiers, actors and what they may see, civil dates, pages and the clock's type. It imports
// nothing of this module. Business belongs in the packages beside it.
package domain

import (
	"errors"
	"fmt"
	"strings"
)

// Kind says what sort of refusal an error is; the HTTP status follows from it in one place (api/problem.go).
type Kind uint8

// The kinds. The zero value is what nobody classified.
const (
	KindInternal        Kind = iota
	KindInvalid              // unreadable request, or fields that are wrong
	KindUnauthenticated      // nobody, or a token that no longer counts
	KindForbidden            // somebody, but not with this role
	KindNotFound             // no such thing, or not in the caller's scope
	KindConflict             // illegal transition, duplicate, stale version
	KindRule                 // understood, and refused by a business rule
	KindUnavailable          // try again later
)

// Error is the one error type that reaches a caller. It is made once, where the refusal is decided, and rendered
// once, in api/problem.go.
type Error struct {
	Kind   Kind
	Code   string  // stable, kebab-case, documented in docs/problems.md
	Detail string  // for the person, in Chinese; never internal text, never personal data
	Fields []Field // which inputs are wrong, all of them
	cause  error   // for the log only
}

// Field is what is wrong with one input. Pointer is an RFC 6901 JSON pointer into the request body, or
// "?name" for a query parameter.
type Field struct {
	Pointer string
	Code    string
	Detail  string
}

// Errorf makes an Error. The format must not carry personal data or internal text.
func Errorf(kind Kind, code, format string, args ...any) *Error {
	return &Error{Kind: kind, Code: code, Detail: fmt.Sprintf(format, args...)}
}

// Because returns a copy of e that remembers its cause for the log.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// Error says everything a log or an operator needs, the wrong fields too.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Code + ": " + e.Detail)
	for _, f := range e.Fields { // at most FieldsMax
		b.WriteString("; " + f.Pointer + " " + f.Code + ": " + f.Detail)
	}
	if e.cause != nil {
		b.WriteString(": " + e.cause.Error())
	}
	return b.String()
}

// Unwrap returns the cause, or nil.
func (e *Error) Unwrap() error { return e.cause }

// CodeOf returns the code of the *Error in err's chain, or "" when there is none.
func CodeOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}

// ValueError is what is wrong with one value, said by the value's own parser, which does not know where in a
// request the value stood. Problems.Check gives it a place.
type ValueError struct {
	Code   string // kebab-case
	Detail string // Chinese, without the value itself where the value is personal
}

// BadValue makes a ValueError.
func BadValue(code, format string, args ...any) *ValueError {
	return &ValueError{Code: code, Detail: fmt.Sprintf(format, args...)}
}

// Error says the code and the detail; whoever knows the field adds it.
func (e *ValueError) Error() string { return e.Code + ": " + e.Detail }

// FieldsMax bounds how many field problems one answer lists.
const FieldsMax = 50

// Problems collects what is wrong with a request, so that one answer names everything. The zero value is ready.
type Problems struct{ fields []Field }

// Add records one wrong field.
func (p *Problems) Add(pointer, code, format string, args ...any) {
	if len(p.fields) < FieldsMax {
		p.fields = append(p.fields, Field{Pointer: pointer, Code: code, Detail: fmt.Sprintf(format, args...)})
	}
}

// Check records err, if it is one, against the field at pointer. An *Error with fields of its own has them
// re-rooted below pointer.
func (p *Problems) Check(pointer string, err error) {
	if err == nil {
		return
	}
	if v, ok := errors.AsType[*ValueError](err); ok {
		p.Add(pointer, v.Code, "%s", v.Detail)
		return
	}
	if e, ok := errors.AsType[*Error](err); ok && len(e.Fields) > 0 {
		for _, f := range e.Fields {
			p.Add(pointer+f.Pointer, f.Code, "%s", f.Detail)
		}
		return
	}
	p.Add(pointer, "invalid", "取值无效")
}

// Any reports whether something was recorded.
func (p *Problems) Any() bool { return len(p.fields) > 0 }

// Err returns nil, or one KindInvalid error that carries every recorded field.
func (p *Problems) Err() error {
	if len(p.fields) == 0 {
		return nil
	}
	e := Errorf(KindInvalid, "invalid-fields", "请求中有 %d 处填写有误，请逐项更正", len(p.fields))
	e.Fields = p.fields
	return e
}
