package api

import (
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"fumin/domain"
)

// headerRequestID carries a request's id both ways.
const headerRequestID = "Fumin-Request-Id"

// identifyRequest gives the request an id. A client's own is taken only when it is a canonical UUID: anything else
// would be free text in our log.
func (s *server) identifyRequest(c *gin.Context) {
	id, err := domain.ParseID(c.GetHeader(headerRequestID))
	if err != nil {
		id = s.newID()
	}
	c.Set(keyRequestID, id)
	c.Header(headerRequestID, id.String())
}

// logAccess writes one line per request. It names the route's template and never the path or the query, which carry
// ids and may carry anything.
func (s *server) logAccess(c *gin.Context) {
	start := s.now()
	c.Next()

	attrs := []slog.Attr{
		slog.String("request_id", requestID(c).String()),
		slog.String("method", knownMethod(c.Request.Method)),
		slog.String("route", routeTemplate(c)),
		slog.Int("status", c.Writer.Status()),
		slog.Float64("duration_ms", float64(max(0, s.now().Sub(start)))/float64(time.Millisecond)),
		slog.Int("bytes", max(0, c.Writer.Size())),
	}
	if by, ok := kept[domain.Actor](c, keyActor); ok {
		attrs = append(attrs, slog.String("actor_id", by.ID.String()))
	}
	if code, ok := kept[string](c, keyProblem); ok {
		attrs = append(attrs, slog.String("problem", code))
	}
	s.log.LogAttrs(c.Request.Context(), slog.LevelInfo, "request", attrs...)
}

// recoverPanic answers a panic with a plain 500. The stack goes to the log and nowhere else.
func (s *server) recoverPanic(c *gin.Context) {
	defer func() {
		value := recover()
		if value == nil {
			return
		}
		if value == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so; it is never wrapped
			panic(value)
		}
		s.problem(c, internal(&panicError{value: value, stack: debug.Stack()}))
	}()
	c.Next()
}

// panicError carries a panic from recoverPanic to the log.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

func routeTemplate(c *gin.Context) string {
	if template := c.FullPath(); template != "" {
		return template
	}
	return "unmatched"
}

// knownMethod keeps a client's free text out of the log.
func knownMethod(method string) string {
	if slices.Contains([]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}, method) {
		return method
	}
	return "other"
}

// causeRunesMax bounds the text of a cause in the log.
const causeRunesMax = 500

var (
	quotedText = regexp.MustCompile(`'[^']*'|"[^"]*"`)
	identifier = regexp.MustCompile(`^.[a-z][a-z0-9_.]*.$`) // in its quotes: a table, a column, a key
	longNumber = regexp.MustCompile(`[0-9]{6,}[0-9Xx]?`)
)

// maskCause makes an unexpected error fit for the log. A driver quotes the offending value ("Duplicate entry
// '3713…' for key 'uk_…'"), which may be a name or an identity number; what is quoted and is not an identifier, and every
// long number, is blanked.
func maskCause(err error) string {
	text := quotedText.ReplaceAllStringFunc(err.Error(), func(quoted string) string {
		if identifier.MatchString(quoted) {
			return quoted
		}
		return "'…'"
	})
	return clip(longNumber.ReplaceAllString(text, "…"), causeRunesMax)
}

// clip cuts s after runesMax characters.
func clip(s string, runesMax int) string {
	count := 0
	for i := range s {
		if count == runesMax {
			return s[:i] + "…"
		}
		count++
	}
	return s
}
