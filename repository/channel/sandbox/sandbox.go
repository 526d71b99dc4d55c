// Package sandbox is a payment channel for demonstrations and tests: the other side of package channel, as an HTTP
// server of its own with its own durable record of what it paid. It moves no money.
//
// It owns the server's half of the protocol, the record file, and a control interface by which it is told to misbehave.
// It shares with the client only the protocol's words and signature (package channel), and nothing of the service.
//
// Beside the protocol it serves, without a signature and therefore on a loopback address only:
//
//	GET /v1/payments?date=2026-08-23&after=<id>&limit=100   what was paid, with totals (List); all three optional
//	GET /v1/day-file?date=2026-08-23&format=csv             the day's end file of what was paid; csv or camt.054
//	GET /v1/control, PUT /v1/control                        what to do with the next requests (Control)
//	GET /healthz                                            204
package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"fumin/domain"
	"fumin/domain/money"
	"fumin/repository/channel"
)

// Options are what a Server needs.
type Options struct {
	RecordFile string            // append-only; made with mode 0600 where there is none. It holds payees in clear
	Keys       map[string][]byte // key id to secret, as channel.CheckKey allows
	Now        domain.Clock      // books payments and checks the time of requests
}

// Server is the sandbox channel, an http.Handler. It is safe for concurrent use.
type Server struct {
	handler http.Handler
	keys    map[string][]byte
	now     domain.Clock
	closing chan struct{}

	mu      sync.Mutex // guards what follows
	record  *record
	control Control
	closed  bool
}

// New opens the record and returns the server. Close it to let go of the record.
func New(options Options) (*Server, error) {
	if options.RecordFile == "" || options.Now == nil || len(options.Keys) == 0 {
		return nil, errors.New("sandbox: a record file, a clock and at least one key are required")
	}
	keys := make(map[string][]byte, len(options.Keys))
	for id, secret := range options.Keys {
		if err := channel.CheckKey(id, secret); err != nil {
			return nil, err
		}
		keys[id] = bytes.Clone(secret)
	}
	record, err := openRecord(options.RecordFile)
	if err != nil {
		return nil, err
	}
	s := &Server{
		keys: keys, now: options.Now, closing: make(chan struct{}),
		record: record, control: Control{Mode: ModeNormal},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+channel.PaymentsPath, s.authenticated(s.pay))
	mux.HandleFunc("GET "+channel.PaymentsPath+"/{id}", s.authenticated(s.query))
	mux.HandleFunc("GET "+channel.PaymentsPath, s.list)
	mux.HandleFunc("GET /v1/day-file", s.dayFile)
	mux.HandleFunc("PUT /v1/control", s.putControl)
	mux.HandleFunc("GET /v1/control", s.getControl)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		plainRefusal(w, http.StatusNotFound, channel.RefusalPathNotFound, "没有这个地址或方法")
	})
	s.handler = mux
	return s, nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Close ends all delays without paying and lets go of the record; requests after it get 503. It may be called twice.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	close(s.closing)
	return s.record.close()
}

// Run serves on the loopback address listen ("127.0.0.1:0" takes a free port), calls ready with the base URL, and stops
// when ctx ends, letting open requests finish for up to five seconds. An error of ready stops it at once.
func Run(ctx context.Context, options Options, listen string, ready func(baseURL string) error) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return fmt.Errorf("sandbox: listen: %w", err)
	}
	defer func() { _ = listener.Close() }() // when serving began it is closed already, and says so
	if address, isTCP := listener.Addr().(*net.TCPAddr); !isTCP || !address.IP.IsLoopback() {
		return fmt.Errorf("sandbox: %s is not a loopback address, and the control interface has no password", listen)
	}
	s, err := New(options)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      2*DelayMsMax*time.Millisecond + 10*time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	if err := ready("http://" + listener.Addr().String()); err != nil {
		return errors.Join(err, server.Close(), s.Close())
	}
	select {
	case err = <-served:
	case <-ctx.Done():
		err = shutdown(ctx, server)
	}
	return errors.Join(err, s.Close())
}

func shutdown(ctx context.Context, server *http.Server) error {
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(limit); err != nil {
		return server.Close() // somebody asked for a longer delay than we wait
	}
	return nil
}

// call is one request whose signature was right.
type call struct {
	w         http.ResponseWriter
	r         *http.Request
	body      []byte
	secret    []byte
	signature string
}

// authenticated checks key, signature and time, in this order, and hands the request on.
func (s *Server) authenticated(handle func(call)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, channel.BodyMax))
		if err != nil {
			if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
				plainRefusal(w, http.StatusRequestEntityTooLarge, channel.RefusalBodyTooLarge, "正文过长")
				return
			}
			panic(http.ErrAbortHandler) // the body did not arrive: there is nobody to answer
		}
		keyID, at := r.Header.Get(channel.HeaderKeyID), r.Header.Get(channel.HeaderTime)
		secret, known := s.keys[keyID]
		if !known {
			plainRefusal(w, http.StatusUnauthorized, channel.RefusalKeyUnknown, "没有这个密钥编号")
			return
		}
		signature := channel.SignRequest(secret, r.Method, r.RequestURI, at, keyID, body)
		if !channel.SameSignature(signature, r.Header.Get(channel.HeaderSignature)) {
			plainRefusal(w, http.StatusUnauthorized, channel.RefusalSignatureInvalid, "签名无效")
			return
		}
		c := call{w: w, r: r, body: body, secret: secret, signature: signature}
		signedAt, err := time.Parse(channel.TimeLayout, at)
		if err != nil || s.now().Sub(signedAt).Abs() > channel.TimeWindow {
			c.refuse(http.StatusUnauthorized, channel.RefusalTimeOutsideWindow, "请求时间与渠道时钟相差过大，请校准时钟", "")
			return
		}
		handle(c)
	}
}

func (s *Server) pay(c call) {
	mediaType, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/json" {
		c.refuse(http.StatusUnsupportedMediaType, channel.RefusalNotJSON, "Content-Type 应为 application/json", "")
		return
	}
	order, err := channel.DecodeOrder(c.body)
	if err != nil {
		c.refuse(http.StatusBadRequest, channel.RefusalInvalidRequest, err.Error(), "")
		return
	}
	control := s.take(false)
	if !s.before(c, control) {
		return
	}
	answer, err := s.decide(order, control)
	switch {
	case errors.Is(err, errIDUsed):
		c.refuse(http.StatusConflict, channel.RefusalIDUsed, "该编号已用于另一笔付款", order.ID)
		return
	case err != nil:
		c.refuse(http.StatusServiceUnavailable, channel.RefusalUnavailable, "渠道无法记账", order.ID)
		return
	}
	status := http.StatusOK
	if answer.State == channel.WireFailed {
		status = http.StatusUnprocessableEntity
	}
	s.after(c, control, status, answer)
}

func (s *Server) query(c call) {
	control := s.take(true)
	if !s.before(c, control) {
		return
	}
	id := c.r.PathValue("id")
	answer, found, err := s.find(id)
	switch {
	case err != nil:
		c.refuse(http.StatusServiceUnavailable, channel.RefusalUnavailable, "渠道无法记账", id)
	case !found:
		c.refuse(http.StatusNotFound, channel.RefusalPaymentNotFound, "没有这个编号的付款", id)
	default:
		s.after(c, control, http.StatusOK, answer)
	}
}

var errIDUsed = errors.New("sandbox: the id was used for another payment")

// decide pays an order, or answers what was decided before about its id. The lock is held over the sync to disk: one
// payment at a time is slow, and simple enough to be trusted as the witness of what was paid.
func (s *Server) decide(order channel.Order, control Control) (channel.Answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if before, seen := s.record.byID[order.ID]; seen {
		if before.Order != order {
			return channel.Answer{}, errIDUsed
		}
		return before.Answer, s.record.broken
	}
	now := s.now()
	e := entry{Order: order, Answer: channel.Answer{
		ID: order.ID, Amount: order.Amount, Currency: order.Currency,
		ChannelReference: fmt.Sprintf("SBX-%08d", len(s.record.all.ids)+1),
		AcceptedAt:       instant(now),
	}}
	switch control.Mode {
	case ModeFail:
		e.Answer.State, e.Answer.FailureCode = channel.WireFailed, control.FailureCode
		e.Answer.FailureReason = failureReasons[control.FailureCode]
	case ModeProcess:
		settleAt := now.Add(time.Duration(control.SettleAfterMs) * time.Millisecond)
		e.Answer.State, e.SettleAt = channel.WireProcessing, &settleAt
	case ModeNormal, ModeDown, ModeDropRequest, ModeDropAnswer,
		ModeAnswerTwice, ModeBreakAnswer, ModeUnsignedAnswer, ModeOtherIDAnswer, ModeOtherAmountAnswer: // these pay
		e.Answer.State, e.Answer.PaidAt = channel.WireSucceeded, instant(now)
	}
	return e.Answer, s.record.append(e)
}

// find answers what is recorded about id. A payment in process whose time has come is paid here: the sandbox has no
// background work, so that a test decides when things happen.
func (s *Server) find(id string) (answer channel.Answer, found bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, found := s.record.byID[id]
	now := s.now()
	if !found || e.Answer.State != channel.WireProcessing || now.Before(*e.SettleAt) {
		return e.Answer, found, s.record.broken
	}
	e.Answer.State, e.Answer.PaidAt, e.SettleAt = channel.WireSucceeded, instant(now), nil
	return e.Answer, true, s.record.append(e)
}

func instant(t time.Time) string { return t.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano) }

// before does what the control says comes before paying; false means that the request is done with.
func (s *Server) before(c call, control Control) bool {
	if !s.wait(control.DelayMs) {
		panic(http.ErrAbortHandler)
	}
	if control.Mode == ModeDropRequest {
		panic(http.ErrAbortHandler) // net/http closes the connection without an answer
	}
	if control.Mode == ModeDown {
		c.w.Header().Set("Retry-After", "1")
		c.refuse(http.StatusServiceUnavailable, channel.RefusalUnavailable, "渠道暂停服务", "")
		return false
	}
	return true
}

// after answers as the control says.
func (s *Server) after(c call, control Control, status int, answer channel.Answer) {
	if !s.wait(control.AnswerDelayMs) || control.Mode == ModeDropAnswer {
		panic(http.ErrAbortHandler)
	}
	if control.Mode == ModeOtherIDAnswer {
		answer.ID = "00000000-0000-7000-8000-000000000000"
	}
	if control.Mode == ModeOtherAmountAnswer {
		answer.Amount = money.MustParseAmount(answer.Amount).Add(money.Fen(1)).String()
	}
	body, err := json.Marshal(answer)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	signature := channel.SignAnswer(c.secret, status, c.signature, body)
	switch control.Mode {
	case ModeBreakAnswer:
		body = body[:len(body)/2]
		signature = channel.SignAnswer(c.secret, status, c.signature, body)
	case ModeUnsignedAnswer:
		signature = ""
	case ModeAnswerTwice:
		answerTwice(c.w, status, signature, body)
		return
	case ModeNormal, ModeDown, ModeDropRequest, ModeDropAnswer, ModeFail, ModeProcess, ModeOtherIDAnswer, ModeOtherAmountAnswer:
		// These do nothing to the bytes of an answer.
	}
	c.write(status, signature, body)
}

// wait waits, but not past Close; it reports whether the time has passed. It does not end when the client goes: a bank
// that got the message pays whether or not anybody still listens.
func (s *Server) wait(ms int) bool {
	if ms == 0 {
		return true
	}
	timer := time.NewTimer(time.Duration(ms) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.closing:
		return false
	}
}

func (c call) refuse(status int, code, reason, id string) {
	body, err := json.Marshal(channel.Refusal{Code: code, Reason: reason, ID: id})
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	c.write(status, channel.SignAnswer(c.secret, status, c.signature, body), body)
}

func (c call) write(status int, signature string, body []byte) {
	c.w.Header().Set("Content-Type", "application/json")
	if signature != "" {
		c.w.Header().Set(channel.HeaderSignature, signature)
	}
	c.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	c.w.WriteHeader(status)
	_, _ = c.w.Write(body) // the client may have gone; it will ask
}

// answerTwice writes the same answer two times on the bare connection, as a broken gateway does: on a connection that is
// used again the second could be taken for the answer to the next request.
func answerTwice(w http.ResponseWriter, status int, signature string, body []byte) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer func() { _ = connection.Close() }() // the client may have gone
	one := fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Type: application/json\r\n%s: %s\r\nContent-Length: %d\r\n\r\n%s",
		status, http.StatusText(status), channel.HeaderSignature, signature, len(body), body)
	_, _ = io.WriteString(connection, one+one) // the client may have gone; it will ask
}
