// Package sandbox is a credit bureau, a screening service and a guarantee company's pre-check for demonstrations and tests: the
// other side of package enquiry, as one HTTP server. It knows nobody: it answers as it is told.
//
// Beside the protocol it serves, without a signature and therefore on a loopback address only:
//
//	GET /v1/control/{service}, PUT /v1/control/{service}  what the service does with the next questions (Control)
//	GET /v1/asked                                         what was asked, without whom about (Asked)
//	GET /healthz                                          204
//
// {service} is bureau, screening or guarantee_precheck.
package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"fumin/domain"
	"fumin/domain/origination"
	"fumin/repository/channel"
	"fumin/repository/enquiry"
)

// Mode is what a service does with a question.
type Mode string

// The modes.
const (
	ModeAnswer     Mode = "answer"      // answers Control.Answer
	ModeHang       Mode = "hang"        // says nothing until the client goes
	ModeDown       Mode = "down"        // 503
	ModeRefuse     Mode = "refuse"      // 400
	ModeUnsigned   Mode = "unsigned"    // answers without a signature
	ModeBroken     Mode = "broken"      // half an answer, signed
	ModeOtherID    Mode = "other_id"    // an answer to another question
	ModeDropAnswer Mode = "drop_answer" // decides, and closes the connection without saying
)

var modes = []Mode{ModeAnswer, ModeHang, ModeDown, ModeRefuse, ModeUnsigned, ModeBroken, ModeOtherID, ModeDropAnswer}

// DelayMsMax bounds Control.DelayMs.
const DelayMsMax = 60_000

// Control is what a service does with the next questions.
type Control struct {
	Mode    Mode           `json:"mode"`
	DelayMs int            `json:"delay_ms"` // before anything is done
	Answer  enquiry.Answer `json:"answer"`   // id and reference are filled in
}

// Asked is what the services were asked. A question repeated under its id is one enquiry.
type Asked struct {
	Services map[string]ServiceAsked `json:"services"`
}

// ServiceAsked is what one service was asked.
type ServiceAsked struct {
	Requests  int      `json:"requests"`  // requests with a good signature
	Enquiries []string `json:"enquiries"` // ids, in the order in which they were first decided
}

// askedMax bounds what the sandbox remembers; it refuses more.
const askedMax = 100_000

// services are the names of the three, by path.
var services = map[string]string{
	enquiry.PathCredit: "bureau", enquiry.PathScreening: "screening", enquiry.PathPrecheck: "guarantee_precheck",
}

// Server is the sandbox, an http.Handler. It is safe for concurrent use.
type Server struct {
	handler http.Handler
	keys    map[string][]byte
	now     domain.Clock
	closing chan struct{}
	once    sync.Once

	mu       sync.Mutex // guards what follows
	controls map[string]Control
	asked    map[string]*ServiceAsked
	answers  map[string]enquiry.Answer // by service and id
}

// New returns a server that answers clear, no hit and accepted. keys are as channel.CheckKey allows.
func New(keys map[string][]byte, now domain.Clock) (*Server, error) {
	if len(keys) == 0 || now == nil {
		return nil, errors.New("enquiry sandbox: a clock and at least one key are required")
	}
	s := &Server{
		keys: map[string][]byte{}, now: now, closing: make(chan struct{}),
		controls: map[string]Control{
			"bureau": {Mode: ModeAnswer, Answer: enquiry.Answer{
				Result: origination.ResultClear, OverdueAmount: "0.00", Liabilities: "0.00", Enquiries6Months: 1,
			}},
			"screening":          {Mode: ModeAnswer, Answer: enquiry.Answer{Result: origination.ResultClear}},
			"guarantee_precheck": {Mode: ModeAnswer, Answer: enquiry.Answer{Result: origination.ResultAccepted}},
		},
		asked: map[string]*ServiceAsked{}, answers: map[string]enquiry.Answer{},
	}
	for id, secret := range keys {
		if err := channel.CheckKey(id, secret); err != nil {
			return nil, err
		}
		s.keys[id] = bytes.Clone(secret)
	}
	mux := http.NewServeMux()
	for path, service := range services {
		s.asked[service] = &ServiceAsked{Enquiries: []string{}}
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, path, service) })
	}
	mux.HandleFunc("PUT /v1/control/{service}", s.putControl)
	mux.HandleFunc("GET /v1/control/{service}", s.getControl)
	mux.HandleFunc("GET /v1/asked", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, s.Asked()) })
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	s.handler = mux
	return s, nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Close ends all delays and hanging requests. It may be called twice.
func (s *Server) Close() { s.once.Do(func() { close(s.closing) }) }

// Set tells a service what to do with the next questions.
func (s *Server) Set(service string, c Control) error {
	if !slices.Contains(modes, c.Mode) || c.DelayMs < 0 || c.DelayMs > DelayMsMax {
		return fmt.Errorf("enquiry sandbox: mode %q or delay %d ms out of range", c.Mode, c.DelayMs)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before, known := s.controls[service]
	if !known {
		return fmt.Errorf("enquiry sandbox: no service %q", service)
	}
	if c.Answer.Result == "" {
		c.Answer = before.Answer
	}
	s.controls[service] = c
	return nil
}

// Asked tells what was asked.
func (s *Server) Asked() Asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := Asked{Services: map[string]ServiceAsked{}}
	for service, asked := range s.asked {
		a.Services[service] = ServiceAsked{Requests: asked.Requests, Enquiries: slices.Clone(asked.Enquiries)}
	}
	return a
}

// Run serves on the loopback address listen ("127.0.0.1:0" takes a free port), calls ready with the base URL, and stops when
// ctx ends.
func Run(ctx context.Context, keys map[string][]byte, now domain.Clock, listen string, ready func(baseURL string) error) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return fmt.Errorf("enquiry sandbox: listen: %w", err)
	}
	defer func() { _ = listener.Close() }() // when serving began it is closed already, and says so
	if address, isTCP := listener.Addr().(*net.TCPAddr); !isTCP || !address.IP.IsLoopback() {
		return fmt.Errorf("enquiry sandbox: %s is not a loopback address, and the control interface has no password", listen)
	}
	s, err := New(keys, now)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler: s, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: DelayMsMax*time.Millisecond + 10*time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	if err := ready("http://" + listener.Addr().String()); err != nil {
		return errors.Join(err, server.Close())
	}
	select {
	case err = <-served:
		return err
	case <-ctx.Done():
	}
	s.Close()
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(limit); err != nil {
		return server.Close()
	}
	return nil
}

// serve checks key, signature and time, in this order, and does what the control says.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, path, service string) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, channel.BodyMax))
	if err != nil {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	keyID, at := r.Header.Get(channel.HeaderKeyID), r.Header.Get(channel.HeaderTime)
	secret := s.keys[keyID]
	signature := channel.SignRequest(secret, r.Method, r.RequestURI, at, keyID, body)
	signedAt, timeErr := time.Parse(channel.TimeLayout, at)
	if secret == nil || !channel.SameSignature(signature, r.Header.Get(channel.HeaderSignature)) ||
		timeErr != nil || s.now().Sub(signedAt).Abs() > channel.TimeWindow {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	var q enquiry.Question
	if err := json.Unmarshal(body, &q); err != nil || q.ID == "" || q.Name == "" || q.IDNumber == "" || (path != enquiry.PathScreening && q.ConsentID == "") {
		s.write(w, secret, signature, http.StatusBadRequest, []byte(`{"code":"invalid-request"}`))
		return
	}
	s.mu.Lock()
	control := s.controls[service]
	s.asked[service].Requests++
	s.mu.Unlock()
	if !s.wait(r, time.Duration(control.DelayMs)*time.Millisecond, control.Mode == ModeHang) {
		panic(http.ErrAbortHandler) // net/http closes the connection without an answer
	}
	s.answer(w, control, service, q.ID, secret, signature)
}

func (s *Server) answer(w http.ResponseWriter, control Control, service, id string, secret []byte, signature string) {
	switch control.Mode {
	case ModeDown:
		s.write(w, secret, signature, http.StatusServiceUnavailable, []byte(`{"code":"unavailable"}`))
		return
	case ModeRefuse:
		s.write(w, secret, signature, http.StatusBadRequest, []byte(`{"code":"refused"}`))
		return
	case ModeAnswer, ModeHang, ModeUnsigned, ModeBroken, ModeOtherID, ModeDropAnswer: // these decide
	}
	answer, ok := s.decide(control, service, id)
	if !ok {
		s.write(w, secret, signature, http.StatusServiceUnavailable, []byte(`{"code":"full"}`))
		return
	}
	if control.Mode == ModeOtherID {
		answer.ID = "00000000-0000-7000-8000-000000000000"
	}
	body, err := json.Marshal(answer)
	if err != nil || control.Mode == ModeDropAnswer {
		panic(http.ErrAbortHandler)
	}
	switch control.Mode {
	case ModeBroken:
		body = body[:len(body)/2]
	case ModeUnsigned:
		secret = nil
	case ModeAnswer, ModeHang, ModeDown, ModeRefuse, ModeOtherID, ModeDropAnswer: // these leave the bytes alone
	}
	s.write(w, secret, signature, http.StatusOK, body)
}

// decide answers a question, or says again what was answered to its id.
func (s *Server) decide(control Control, service, id string) (enquiry.Answer, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if before, seen := s.answers[service+"/"+id]; seen {
		return before, true
	}
	asked := s.asked[service]
	if len(asked.Enquiries) >= askedMax {
		return enquiry.Answer{}, false
	}
	asked.Enquiries = append(asked.Enquiries, id)
	answer := control.Answer
	answer.ID, answer.Reference = id, fmt.Sprintf("SBX-%s-%08d", service, len(asked.Enquiries))
	s.answers[service+"/"+id] = answer
	return answer, true
}

// wait waits, or hangs, until the client goes or the server closes; it reports whether there is still somebody to answer.
func (s *Server) wait(r *http.Request, delay time.Duration, hang bool) bool {
	var elapsed <-chan time.Time
	if !hang {
		if delay == 0 {
			return true
		}
		timer := time.NewTimer(delay)
		defer timer.Stop()
		elapsed = timer.C
	}
	select {
	case <-elapsed:
		return true
	case <-r.Context().Done():
	case <-s.closing:
	}
	return false
}

// write answers, signed where there is a secret.
func (s *Server) write(w http.ResponseWriter, secret []byte, requestSignature string, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	if secret != nil {
		w.Header().Set(channel.HeaderSignature, channel.SignAnswer(secret, status, requestSignature, body))
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may have gone
}

func (s *Server) putControl(w http.ResponseWriter, r *http.Request) {
	var c Control
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, channel.BodyMax))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&c); err != nil {
		http.Error(w, "not a control", http.StatusBadRequest)
		return
	}
	if err := s.Set(r.PathValue("service"), c); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) getControl(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	c, known := s.controls[r.PathValue("service")]
	s.mu.Unlock()
	if !known {
		http.NotFound(w, r)
		return
	}
	writeJSON(w, http.StatusOK, c)
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) //nolint:errchkjson // the client may have gone; what is sent are structs of this package
}
