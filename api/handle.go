package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"fumin/domain"
)

// contextKey names what the middleware leaves on the gin context for the handlers.
type contextKey uint8

const (
	keyRequestID contextKey = iota
	keyActor
	keyBody
	keyProblem
)

// handle lets a handler return its error, so that one place writes problems.
func (s *server) handle(h func(*gin.Context) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		if err := h(c); err != nil {
			s.problem(c, err)
		}
	}
}

// actor returns who asks. It panics on a route with accessPublic, which has nobody: a mistake in the route table.
func actor(c *gin.Context) domain.Actor {
	by, ok := kept[domain.Actor](c, keyActor)
	if !ok {
		panic("api: " + c.FullPath() + " is public and asks who called")
	}
	return by
}

// requestID returns the id of this request.
func requestID(c *gin.Context) domain.ID {
	id, _ := kept[domain.ID](c, keyRequestID)
	return id
}

// kept returns what the middleware left under key.
func kept[T any](c *gin.Context, key contextKey) (T, bool) {
	value, _ := c.Get(key)
	typed, ok := value.(T)
	return typed, ok
}

// pathID reads an id from the path. A malformed id gets the same answer as an unknown one and as one of another
// branch, so that the answer says nothing about what exists.
func pathID(c *gin.Context, name string) (domain.ID, error) {
	id, err := domain.ParseID(c.Param(name))
	if err != nil {
		return "", domain.Errorf(domain.KindNotFound, "not-found", "没有这条记录，或者它不在您的机构范围内")
	}
	return id, nil
}

// writeJSON answers with view as JSON. The body is made before the first byte is sent, so that a view that cannot be
// written is a 500 and not half an answer.
func writeJSON(c *gin.Context, status int, view any) error {
	body, err := json.Marshal(view)
	if err != nil {
		return fmt.Errorf("write %s: %w", c.FullPath(), err)
	}
	c.Data(status, "application/json", body)
	return nil
}

// page reads ?limit= and ?after= of a list.
func (o *object) page() domain.Page {
	p := domain.Page{Limit: domain.PageLimitDefault}
	if limit := o.optionalInteger("limit", 1, domain.PageLimitMax); limit != nil {
		p.Limit = *limit
	}
	if after := optional(o, "after", domain.ParseID); after != nil {
		p.After = *after
	}
	return p
}

// nextPage returns the link to the page after one that held count rows and ended with last; nil when the page was not
// full, and so was the last one. The other query parameters are kept.
func nextPage(c *gin.Context, p domain.Page, count int, last domain.ID) *string {
	if count < p.Limit {
		return nil
	}
	return nextLink(c, map[string]string{"limit": strconv.Itoa(p.Limit), "after": last.String()})
}

// nextLink is the address of the same request with some parameters replaced.
func nextLink(c *gin.Context, replaced map[string]string) *string {
	query := c.Request.URL.Query()
	for name, value := range replaced {
		query.Set(name, value)
	}
	link := (&url.URL{Path: c.Request.URL.Path, RawQuery: query.Encode()}).String()
	return &link
}

// setVersion tells the client which version of a record it sees, as a strong entity tag.
func setVersion(c *gin.Context, version int) {
	c.Header("ETag", `"`+strconv.Itoa(version)+`"`)
}

// ifMatch returns the version an edit is based on. Without If-Match two people could overwrite each other unseen, so it
// is required (428). Only what setVersion writes is understood; the use case compares it and refuses with the code
// "precondition-failed" (412).
func ifMatch(c *gin.Context) (int, error) {
	values := c.Request.Header.Values("If-Match")
	if len(values) == 0 {
		return 0, domain.Errorf(domain.KindInvalid, "precondition-required", "修改前请先读取，并在 If-Match 请求头中带上读到的 ETag")
	}
	text, opened := strings.CutPrefix(values[0], `"`)
	text, closed := strings.CutSuffix(text, `"`)
	version, err := strconv.ParseUint(text, 10, 31)
	if len(values) > 1 || !opened || !closed || err != nil || text != strconv.FormatUint(version, 10) {
		return 0, domain.Errorf(domain.KindInvalid, "invalid-if-match", "If-Match 应为读取时得到的 ETag，例如 \"3\"（含引号），只能有一个")
	}
	return int(version), nil
}

// redirect sends the reader of a page to another one.
func redirect(to string) func(*gin.Context) error {
	return func(c *gin.Context) error {
		c.Redirect(http.StatusFound, to)
		return nil
	}
}
