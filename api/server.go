// Package api is the HTTP edge: gin, JSON, status codes, authentication, the access log.
//
// It owns HTTP syntax, the names in JSON, problem documents and who is asking. It owns no business rule, no
// transaction and no SQL: a handler turns a request into a command, calls one use case of domain/origination with
// c.Request.Context(), and turns the record it gets back into a view. *gin.Context never leaves this package, because
// it ignores cancellation when used as a context and is reused by gin after the request.
//
// The contract is openapi.yaml; the tests hold every exchange and the route table against it.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/origination"
	"fumin/domain/staff"
)

// Limits of a request where a route does not set its own.
const (
	RequestTimeoutDefault = 15 * time.Second
	BodyLimitDefault      = 1 << 20 // bytes
)

// Options is what the HTTP edge is built from. Log, NewID, Now, Ready and Authenticate are required.
type Options struct {
	Log   *slog.Logger
	NewID func() domain.ID // request ids
	Now   domain.Clock

	// Ready says whether the service can do its work now (the database answers, the schema is recent enough).
	Ready func(context.Context) error

	// Authenticate says who sent a request. It returns a KindUnauthenticated error for nobody.
	Authenticate func(*http.Request) (domain.Actor, error)

	Staff  *origination.Staff
	Tokens *Tokens // the access tokens of Staff; Authenticate is usually its method
	// Files signs what partners download (文件签名).
	Files *FileSigner

	Borrowers *origination.Borrowers

	Applications    *origination.Applications
	Catalogue       *origination.Catalogue
	Disbursements   *origination.Disbursements
	Quotes          *origination.Quotes
	RuleSets        *origination.RuleSets
	Jobs            *origination.Jobs
	Enquiries       *origination.Enquiries
	Limits          *origination.Limits
	Reviews         *origination.Reviews
	Authorities     *origination.Authorities
	Signatures      *origination.Signatures
	Guarantees      *origination.Guarantees
	Lines           *origination.Lines
	Holds           *origination.Holds
	Reconciliations *origination.Reconciliations
	PaymentFiles    *origination.PaymentFiles
	Reports         *origination.Reports
	Exports         *origination.Exports
	ReportSchedules *origination.ReportSchedules

	Version        string        // of the program, shown by /healthz
	RequestTimeout time.Duration // of one request; zero means RequestTimeoutDefault
	BodyLimit      int64         // in bytes; zero means BodyLimitDefault
}

// server holds what the handlers need. It is immutable after New.
type server struct {
	log             *slog.Logger
	newID           func() domain.ID
	now             domain.Clock
	ready           func(context.Context) error
	authenticate    func(*http.Request) (domain.Actor, error)
	staff           *origination.Staff
	tokens          *Tokens
	files           *FileSigner
	borrowers       *origination.Borrowers
	applications    *origination.Applications
	catalogue       *origination.Catalogue
	disbursements   *origination.Disbursements
	quotes          *origination.Quotes
	ruleSets        *origination.RuleSets
	jobs            *origination.Jobs
	enquiries       *origination.Enquiries
	limits          *origination.Limits
	reviews         *origination.Reviews
	authorities     *origination.Authorities
	signatures      *origination.Signatures
	guarantees      *origination.Guarantees
	lines           *origination.Lines
	holds           *origination.Holds
	reconciliations *origination.Reconciliations
	paymentFiles    *origination.PaymentFiles
	reports         *origination.Reports
	exports         *origination.Exports
	reportSchedules *origination.ReportSchedules
	lists           chan struct{} // see listPlace
	version         string
	requestTimeout  time.Duration
	bodyLimit       int64
	assets          map[string]asset
}

// access says who may call a route. What a role may do is decided in the use cases, not here.
type access uint8

const (
	accessSignedIn access = iota // anybody with a valid token; the zero value, so that a forgotten access is a closed one
	accessPublic                 // anybody at all
)

// route is one line of the route table.
type route struct {
	method, path string
	access       access
	handler      func(*gin.Context) error
	partner      bool          // open to the guarantee company's officers as well, who are strangers everywhere else
	query        bool          // the handler reads the query with readQuery; elsewhere a query is refused
	timeout      time.Duration // zero means Options.RequestTimeout
	bodyLimit    int64         // in bytes; zero means Options.BodyLimit
}

// routes is the whole table. Each file of handlers adds one line here and keeps its own part of the table.
func (s *server) routes() []route {
	return slices.Concat(
		s.healthRoutes(),
		s.docsRoutes(),
		s.sessionRoutes(),
		s.staffRoutes(),
		s.productRoutes(),
		s.applicationRoutes(),
		s.disbursementRoutes(),
		s.bulkReleaseRoutes(),
		s.trancheRoutes(),
		s.reversalRoutes(),
		s.obligationRoutes(),
		s.quoteRoutes(),
		s.householdRoutes(),
		s.borrowerRoutes(),
		s.recommendationRoutes(),
		s.ruleSetRoutes(),
		s.jobRoutes(),
		s.enquiryRoutes(),
		s.exposureRoutes(),
		s.documentRoutes(),
		s.reviewRoutes(),
		s.authorityRoutes(),
		s.signatureRoutes(),
		s.guaranteeRoutes(),
		s.lineRoutes(),
		s.loanNoteRoutes(),
		s.holdRoutes(),
		s.reconciliationRoutes(),
		s.paymentFileRoutes(),
		s.reportRoutes(),
		s.reportScheduleRoutes(),
	)
}

// New returns the service's HTTP handler. A missing required option is a mistake in the program and panics.
func New(o Options) http.Handler {
	s := newServer(o)
	return s.engine(s.routes())
}

func newServer(o Options) *server {
	if o.Log == nil || o.NewID == nil || o.Now == nil || o.Ready == nil || o.Authenticate == nil {
		panic("api: Options.Log, NewID, Now, Ready and Authenticate are required")
	}
	s := &server{
		log:             o.Log,
		newID:           o.NewID,
		now:             o.Now,
		ready:           o.Ready,
		authenticate:    o.Authenticate,
		staff:           o.Staff,
		tokens:          o.Tokens,
		files:           o.Files,
		borrowers:       o.Borrowers,
		applications:    o.Applications,
		catalogue:       o.Catalogue,
		disbursements:   o.Disbursements,
		quotes:          o.Quotes,
		ruleSets:        o.RuleSets,
		jobs:            o.Jobs,
		enquiries:       o.Enquiries,
		limits:          o.Limits,
		reviews:         o.Reviews,
		authorities:     o.Authorities,
		signatures:      o.Signatures,
		guarantees:      o.Guarantees,
		lines:           o.Lines,
		holds:           o.Holds,
		reconciliations: o.Reconciliations,
		paymentFiles:    o.PaymentFiles,
		reports:         o.Reports,
		exports:         o.Exports,
		reportSchedules: o.ReportSchedules,
		lists:           make(chan struct{}, listsAtOnceMax),
		version:         o.Version,
		requestTimeout:  o.RequestTimeout,
		bodyLimit:       o.BodyLimit,
		assets:          docsAssets(),
	}
	if s.requestTimeout == 0 {
		s.requestTimeout = RequestTimeoutDefault
	}
	if s.bodyLimit == 0 {
		s.bodyLimit = BodyLimitDefault
	}
	return s
}

func init() { //nolint:gochecknoinits // gin leaves no other place
	// gin keeps its mode in a global; debug mode prints to standard output. Set once, before any test runs in parallel.
	gin.SetMode(gin.ReleaseMode)
}

// engine builds the middleware and the routes, outermost first. Recovery stands inside the access log, so that a
// request that panicked still leaves its one line, with the status the client saw; net/http itself is the net below.
func (s *server) engine(routes []route) *gin.Engine {
	e := gin.New()
	e.HandleMethodNotAllowed = true
	e.RedirectTrailingSlash = false // a redirected POST loses its meaning; an unknown path is a 404
	if err := e.SetTrustedProxies(nil); err != nil {
		panic("api: SetTrustedProxies(nil) failed: " + err.Error()) // gin trusts every proxy unless told otherwise
	}
	e.Use(s.identifyRequest, s.logAccess, s.recoverPanic, setSecurityHeaders)
	e.NoRoute(s.handle(noSuchRoute))
	e.NoMethod(s.handle(methodNotAllowed))
	for _, r := range routes {
		e.Handle(r.method, r.path, s.limit(r), s.admit(r), s.handle(r.handler))
	}
	return e
}

// limit bounds the time and the body of a request, and refuses a query nobody reads.
func (s *server) limit(r route) gin.HandlerFunc {
	timeout, bodyLimit := r.timeout, r.bodyLimit
	if timeout == 0 {
		timeout = s.requestTimeout
	}
	if bodyLimit == 0 {
		bodyLimit = s.bodyLimit
	}
	return func(c *gin.Context) {
		ctx, cancel := context.WithTimeout(c.Request.Context(), timeout)
		defer cancel()
		c.Request = c.Request.WithContext(ctx)
		c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, bodyLimit)
		if !r.query && c.Request.URL.RawQuery != "" {
			s.problem(c, domain.Errorf(domain.KindInvalid, "unknown-parameter", "这个地址不接受查询参数，请去掉“?”及其后的内容"))
			return
		}
		c.Next()
	}
}

// admit lets a request through to its handler when the route is open to its sender.
func (s *server) admit(r route) gin.HandlerFunc {
	return func(c *gin.Context) {
		if r.access == accessPublic {
			return
		}
		by, err := s.authenticate(c.Request)
		if err != nil {
			s.problem(c, err)
			return
		}
		if by.Role == domain.RoleGuaranteeOfficer && !r.partner {
			s.problem(c, by.Require(staff.LenderRoles()...))
			return
		}
		c.Set(keyActor, by)
	}
}

// setSecurityHeaders sets what every answer carries; the documentation pages relax two of them for themselves.
func setSecurityHeaders(c *gin.Context) {
	h := c.Writer.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store") // answers hold personal data; a shared tablet or proxy must not keep them
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
}

func noSuchRoute(*gin.Context) error {
	return domain.Errorf(domain.KindNotFound, "no-such-route", "没有这个接口地址，请对照 /docs 检查路径")
}

func methodNotAllowed(*gin.Context) error {
	return domain.Errorf(domain.KindInvalid, "method-not-allowed", "这个地址不支持该请求方法，可用的方法见 Allow 响应头")
}
