package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"fumin/domain"
)

// problemDocument is an RFC 9457 problem document with two extensions: code, which is stable and is what a program
// should look at, and errors, which names every wrong input at once.
type problemDocument struct {
	Type     string         `json:"type"`
	Title    string         `json:"title"`
	Status   int            `json:"status"`
	Detail   string         `json:"detail,omitempty"`
	Instance string         `json:"instance"`
	Code     string         `json:"code"`
	Errors   []problemField `json:"errors,omitempty"`
}

type problemField struct {
	Pointer string `json:"pointer"`
	Code    string `json:"code"`
	Detail  string `json:"detail"`
}

// How long a client should wait before it asks again.
const (
	retryUnavailableSeconds = 5
	retryAttemptsSeconds    = 60
)

// statusClientGone is what the log shows for a client that went away; nobody receives it.
const statusClientGone = 499

// statusByCode holds the codes whose status does not follow from their kind.
var statusByCode = map[string]int{
	"body-too-large":         http.StatusRequestEntityTooLarge,
	"unsupported-media-type": http.StatusUnsupportedMediaType,
	"method-not-allowed":     http.StatusMethodNotAllowed,
	"precondition-failed":    http.StatusPreconditionFailed,
	"precondition-required":  http.StatusPreconditionRequired,
	"too-many-attempts":      http.StatusTooManyRequests,
	"range-not-satisfiable":  http.StatusRequestedRangeNotSatisfiable,
	"job-result-expired":     http.StatusGone,
	// These name fields, and are mistakes of the program that wrote the request, not of the person who filled it in.
	"unknown-field":     http.StatusBadRequest,
	"unknown-parameter": http.StatusBadRequest,
	"duplicate-key":     http.StatusBadRequest,
}

// status is the one place where an error gets its HTTP status.
func status(e *domain.Error) int {
	if s, ok := statusByCode[e.Code]; ok {
		return s
	}
	switch e.Kind {
	case domain.KindInvalid:
		if len(e.Fields) > 0 {
			return http.StatusUnprocessableEntity
		}
		return http.StatusBadRequest
	case domain.KindUnauthenticated:
		return http.StatusUnauthorized
	case domain.KindForbidden:
		return http.StatusForbidden
	case domain.KindNotFound:
		return http.StatusNotFound
	case domain.KindConflict:
		return http.StatusConflict
	case domain.KindRule:
		return http.StatusUnprocessableEntity
	case domain.KindUnavailable:
		return http.StatusServiceUnavailable
	case domain.KindInternal:
	}
	return http.StatusInternalServerError
}

// problem answers the request with err, and logs it where the fault is ours. It is called once per request.
func (s *server) problem(c *gin.Context, err error) {
	c.Abort()
	ctx := c.Request.Context()
	e := classify(ctx, err)
	if e == nil {
		// The client went away: there is nobody to answer, and nothing is wrong with us.
		c.Status(statusClientGone)
		s.logProblem(c, slog.LevelInfo, "client-gone", err)
		return
	}

	code := status(e)
	document := problemDocument{
		Type:     "urn:fumin:problem:" + e.Code,
		Title:    title(e.Code),
		Status:   code,
		Detail:   e.Detail,
		Instance: "urn:uuid:" + requestID(c).String(),
		Code:     e.Code,
		Errors:   problemFields(e.Fields),
	}
	if code == http.StatusInternalServerError {
		document.Type, document.Title = "about:blank", http.StatusText(code)
		document.Code, document.Detail, document.Errors = "internal", "", nil
	}
	c.Set(keyProblem, document.Code)
	if code >= http.StatusInternalServerError {
		s.logProblem(c, slog.LevelError, e.Code, err)
	}
	if c.Writer.Written() {
		return // half an answer has left; all that can be done is the log line
	}
	writeProblem(c, document)
}

func writeProblem(c *gin.Context, document problemDocument) {
	switch document.Status {
	case http.StatusUnauthorized:
		if c.Writer.Header().Get("WWW-Authenticate") == "" { // a client that tried Basic is told Basic
			c.Header("WWW-Authenticate", `Bearer realm="fumin"`)
		}
	case http.StatusServiceUnavailable:
		c.Header("Retry-After", strconv.Itoa(retryUnavailableSeconds))
	case http.StatusTooManyRequests:
		c.Header("Retry-After", strconv.Itoa(retryAttemptsSeconds))
	}
	body, err := json.Marshal(document)
	if err != nil {
		panic("api: a problem document of plain text cannot fail to marshal: " + err.Error())
	}
	c.Data(document.Status, "application/problem+json", body)
}

// classify finds the *domain.Error that says what err is, or makes one: a request that ran out of time is a 503,
// what nobody classified is a 500. It returns nil when the client went away. The context is asked first, because what
// a driver returns for a cancelled call is often some other error.
func classify(ctx context.Context, err error) *domain.Error {
	e, classified := errors.AsType[*domain.Error](err)
	ended := ctx.Err()
	switch {
	case ended == nil || (classified && !errors.Is(err, ended)):
	case errors.Is(ended, context.Canceled):
		return nil
	default:
		return domain.Errorf(domain.KindUnavailable, "request-timeout",
			"处理时间过长，结果未知：请先查询，或用同一个 Idempotency-Key 重试").Because(err)
	}
	if !classified {
		return internal(err)
	}
	return e
}

func internal(cause error) *domain.Error {
	return domain.Errorf(domain.KindInternal, "internal", "").Because(cause)
}

// title is the code as an English phrase: RFC 9457 wants it short, and the same for every problem of a type.
func title(code string) string {
	if code == "" {
		return ""
	}
	words := strings.ReplaceAll(code, "-", " ")
	return strings.ToUpper(words[:1]) + words[1:]
}

func problemFields(fields []domain.Field) []problemField {
	views := make([]problemField, 0, len(fields))
	for _, f := range fields {
		views = append(views, problemField{Pointer: f.Pointer, Code: f.Code, Detail: f.Detail})
	}
	return views
}

// logProblem writes the one line about an error. The cause is masked: it may quote a value.
func (s *server) logProblem(c *gin.Context, level slog.Level, code string, err error) {
	attrs := []slog.Attr{
		slog.String("request_id", requestID(c).String()),
		slog.String("method", knownMethod(c.Request.Method)),
		slog.String("route", routeTemplate(c)),
		slog.String("problem", code),
		slog.String("cause", maskCause(err)),
	}
	if p, ok := errors.AsType[*panicError](err); ok {
		attrs = append(attrs, slog.String("stack", string(p.stack)))
	}
	s.log.LogAttrs(c.Request.Context(), level, "request failed", attrs...)
}
