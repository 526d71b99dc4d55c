package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/money"
	"fumin/domain/origination"
)

// RoutesForTest lists the route table as "METHOD path".
func RoutesForTest(o Options) []string {
	var lines []string
	for _, r := range newServer(o).routes() {
		lines = append(lines, r.method+" "+r.path)
	}
	return lines
}

// PublicRoutesForTest lists the routes that anybody may call.
func PublicRoutesForTest(o Options) []string {
	var lines []string
	for _, r := range newServer(o).routes() {
		if r.access == accessPublic {
			lines = append(lines, r.method+" "+r.path)
		}
	}
	return lines
}

// ProbeTimeout is the time a request to /probe/slow has.
const ProbeTimeout = 30 * time.Millisecond

// ProbeSecret stands in what the probes return as causes, and must never be seen in an answer.
const ProbeSecret = "371302198501012345"

// NewWithProbes is New with routes under /probe/, which do what handlers of business do and also what they must never
// do, so that the edge can be tested by itself.
func NewWithProbes(o Options) http.Handler {
	s := newServer(o)
	get := func(path string, h func(*gin.Context) error) route {
		return route{method: http.MethodGet, path: "/probe/" + path, access: accessPublic, handler: h}
	}
	slow := get("slow", func(c *gin.Context) error {
		<-c.Request.Context().Done()
		return errors.New("driver: bad connection") // what a driver may say when its context ended
	})
	slow.timeout = ProbeTimeout
	search := get("list", probeList)
	search.query = true
	return s.engine(slices.Concat(s.routes(), []route{
		slow,
		search,
		{method: http.MethodPost, path: "/probe/loans", handler: probeLoan},
		{method: http.MethodPut, path: "/probe/loans/:id", handler: probeEdit},
		get("panic", func(*gin.Context) error { panic("secret " + ProbeSecret) }),
		get("abort", func(*gin.Context) error { panic(http.ErrAbortHandler) }),
		get("half", func(c *gin.Context) error {
			c.String(http.StatusOK, "half")
			return errors.New("too late")
		}),
		get("unclassified", func(*gin.Context) error {
			return errors.New("Error 1062 (23000): Duplicate entry '" + ProbeSecret + "' for key 'uk_borrowers_id_number'")
		}),
		get("internal", func(*gin.Context) error {
			return &domain.Error{Kind: domain.KindInternal, Code: "internal", Detail: "SELECT 1 " + ProbeSecret}
		}),
		get("gone", func(c *gin.Context) error {
			<-c.Request.Context().Done()
			return c.Request.Context().Err()
		}),
		get("unwritable", func(c *gin.Context) error { return writeJSON(c, http.StatusOK, map[string]any{"x": func() {}}) }),
		get("things/:id", func(c *gin.Context) error {
			if _, err := pathID(c, "id"); err != nil {
				return err
			}
			return domain.Errorf(domain.KindNotFound, "not-found", "没有这条记录，或者它不在您的机构范围内")
		}),
		get("error/:kind", func(c *gin.Context) error { return probeErrors[c.Param("kind")] }),
	}))
}

// probeErrors are the refusals a use case may return.
var probeErrors = map[string]error{
	"unauthenticated": domain.Errorf(domain.KindUnauthenticated, "not-found", "请先登录"),
	"forbidden":       domain.Errorf(domain.KindForbidden, "role-not-allowed", "不能办理"),
	"conflict":        domain.Errorf(domain.KindConflict, "not-found", "状态不对"),
	"rule":            domain.Errorf(domain.KindRule, "not-found", "不符合规定"),
	"unavailable":     domain.Errorf(domain.KindUnavailable, "not-ready", "请稍后再试").Because(context.DeadlineExceeded),
	"stale":           domain.Errorf(domain.KindConflict, "precondition-failed", "已被别人修改"),
	"attempts":        domain.Errorf(domain.KindUnauthenticated, "too-many-attempts", "失败次数过多"),
}

// probeLoan reads a body as a handler of business does.
func probeLoan(c *gin.Context) error {
	key, err := readIdempotency(c)
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	amount := required(in, "amount", positiveAmount)
	rate := optional(in, "annual_rate_pct", money.ParseRate)
	signedOn := required(in, "signed_on", domain.ParseDate)
	term := in.integer("term_months", 1, 60)
	rounding := required(in, "rounding", money.ParseRounding)
	in.text("purpose", 2, 20)
	urgent := in.boolean("urgent")
	address := in.object("address")
	address.text("village", 1, 10)
	guarantors := in.objects("guarantors", 0, 3)
	for _, g := range guarantors { // at most 3
		required(g, "borrower_id", domain.ParseID)
	}
	list(in, "photo_ids", 0, 2, domain.ParseID)
	if err := in.done(); err != nil {
		return err
	}
	rateText := ""
	if rate != nil {
		rateText = rate.String()
	}
	return writeJSON(c, http.StatusCreated, map[string]any{
		"amount": amount, "annual_rate_pct": rateText, "signed_on": signedOn, "term_months": term,
		"rounding": rounding.String(), "urgent": urgent, "guarantors": len(guarantors), "key": key.Key, "fingerprint": key.Fingerprint,
	})
}

func probeEdit(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	version, err := ifMatch(c)
	if err != nil {
		return err
	}
	in, err := readOptionalObject(c)
	if err != nil {
		return err
	}
	note := in.text("note", 0, 10)
	if err := in.done(); err != nil {
		return err
	}
	setVersion(c, version+1)
	return writeJSON(c, http.StatusOK, map[string]any{"id": id, "note": note})
}

func probeList(c *gin.Context) error {
	q, err := readQuery(c)
	if err != nil {
		return err
	}
	p := q.page()
	open := q.optionalBoolean("open")
	if err := q.done(); err != nil {
		return err
	}
	last := domain.MustParseID("0191a2b3-c4d5-7e6f-8a9b-0c1d2e3f4a5b")
	return writeJSON(c, http.StatusOK, map[string]any{
		"limit": p.Limit, "after": p.After, "open": open, "next": nextPage(c, p, p.Limit, last), "last": nextPage(c, p, p.Limit-1, last),
	})
}

// MintForTest makes an access token as a login does.
func (t *Tokens) MintForTest(g origination.Grant) (string, error) { return t.mint(g) }
