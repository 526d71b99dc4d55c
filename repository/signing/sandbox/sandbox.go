// Package sandbox is a signing service for demonstrations and tests: the other side of package signing, as an HTTP server of
// its own. It sends no message and checks nobody's identity; what it was told it keeps in memory.
//
// Beside the protocol it serves, without a signature and therefore on a loopback address only:
//
//	GET /v1/control/messages?phone=13900000001   the last message to the number: {"id": …, "text": …, "count": …}
//	PUT /v1/control                               {"mode": "normal" | "refuse" | "down" | "unsigned" | "other_hash"}
//	GET /healthz                                  204
package sandbox

import (
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
	"fumin/repository/channel"
	"fumin/repository/signing"
)

// Mode is how the sandbox behaves.
type Mode string

// The modes.
const (
	ModeNormal    Mode = "normal"     // sends and signs
	ModeRefuse    Mode = "refuse"     // refuses signatures
	ModeDown      Mode = "down"       // 503 to everything of the protocol
	ModeUnsigned  Mode = "unsigned"   // answers without a signature
	ModeOtherHash Mode = "other_hash" // says to have signed something else
)

// Modes lists every mode.
func Modes() []Mode { return []Mode{ModeNormal, ModeRefuse, ModeDown, ModeUnsigned, ModeOtherHash} }

const keptMax = 10_000 // messages and signatures that are remembered

// Options are what a Server needs.
type Options struct {
	Keys map[string][]byte // key id to secret, as channel.CheckKey allows
	Now  domain.Clock
}

// Server is the sandbox, an http.Handler. It is safe for concurrent use.
type Server struct {
	handler http.Handler
	o       Options

	mu         sync.Mutex // guards what follows
	mode       Mode
	messages   map[string]kept            // by phone
	seen       map[string]bool            // ids of messages
	signatures map[string]signing.Receipt // by key
	asked      int                        // signatures that were really made or refused
}

type kept struct {
	ID    string `json:"id"`
	Text  string `json:"text"`
	Count int    `json:"count"`
}

// New returns the server.
func New(o Options) (*Server, error) {
	if o.Now == nil || len(o.Keys) == 0 {
		return nil, errors.New("signing sandbox: a clock and at least one key are required")
	}
	for id, secret := range o.Keys {
		if err := channel.CheckKey(id, secret); err != nil {
			return nil, err
		}
	}
	s := &Server{o: o, mode: ModeNormal, messages: map[string]kept{}, seen: map[string]bool{}, signatures: map[string]signing.Receipt{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+signing.MessagesPath, s.authenticated(s.send))
	mux.HandleFunc("POST "+signing.SignaturesPath, s.authenticated(s.sign))
	mux.HandleFunc("GET /v1/control/messages", s.lastMessage)
	mux.HandleFunc("PUT /v1/control", s.control)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	s.handler = mux
	return s, nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Run serves on the loopback address listen, calls ready with the base URL, and stops when ctx ends.
func Run(ctx context.Context, o Options, listen string, ready func(baseURL string) error) error {
	s, err := New(o)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return fmt.Errorf("signing sandbox: listen: %w", err)
	}
	defer func() { _ = listener.Close() }() // when serving began it is closed already
	if address, isTCP := listener.Addr().(*net.TCPAddr); !isTCP || !address.IP.IsLoopback() {
		return fmt.Errorf("signing sandbox: %s is not a loopback address, and the control interface has no password", listen)
	}
	server := &http.Server{Handler: s, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, MaxHeaderBytes: 16 << 10}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	if err := ready("http://" + listener.Addr().String()); err != nil {
		return errors.Join(err, server.Close())
	}
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
		return server.Close()
	}
}

// call is one request whose signature was right.
type call struct {
	w         http.ResponseWriter
	body      []byte
	secret    []byte
	signature string
}

func (s *Server) authenticated(handle func(call)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, channel.BodyMax))
		if err != nil {
			http.Error(w, "body too large", http.StatusRequestEntityTooLarge)
			return
		}
		keyID, at := r.Header.Get(channel.HeaderKeyID), r.Header.Get(channel.HeaderTime)
		secret, known := s.o.Keys[keyID]
		signature := channel.SignRequest(secret, r.Method, r.RequestURI, at, keyID, body)
		signedAt, errTime := time.Parse(channel.TimeLayout, at)
		if !known || !channel.SameSignature(signature, r.Header.Get(channel.HeaderSignature)) || errTime != nil ||
			s.o.Now().Sub(signedAt).Abs() > channel.TimeWindow {
			http.Error(w, "not signed by a known key just now", http.StatusUnauthorized)
			return
		}
		s.mu.Lock()
		down := s.mode == ModeDown
		s.mu.Unlock()
		if down {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		handle(call{w: w, body: body, secret: secret, signature: signature})
	}
}

func (s *Server) send(c call) {
	var m signing.Message
	if err := json.Unmarshal(c.body, &m); err != nil || m.ID == "" || m.Phone == "" || m.Text == "" {
		http.Error(c.w, "not a message", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	if !s.seen[m.ID] && len(s.seen) < keptMax {
		s.seen[m.ID] = true
		s.messages[m.Phone] = kept{ID: m.ID, Text: m.Text, Count: s.messages[m.Phone].Count + 1}
	}
	s.mu.Unlock()
	s.answer(c, signing.Receipt{ID: m.ID, State: signing.StateAccepted, Reference: "SMS-" + m.ID})
}

func (s *Server) sign(c call) {
	var r signing.Request
	if err := json.Unmarshal(c.body, &r); err != nil || r.ID == "" || r.SignerName == "" || len(r.DocumentSHA256) != 64 {
		http.Error(c.w, "not a request for a signature", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	receipt, known := s.signatures[r.ID]
	if !known {
		s.asked++
		receipt = signing.Receipt{ID: r.ID, State: signing.StateSigned, Reference: fmt.Sprintf("ES-%08d", s.asked), DocumentSHA256: r.DocumentSHA256}
		switch s.mode {
		case ModeRefuse:
			receipt.State, receipt.Reason = signing.StateRefused, "signer declined"
		case ModeOtherHash:
			receipt.DocumentSHA256 = "00" + r.DocumentSHA256[2:]
		case ModeNormal, ModeDown, ModeUnsigned:
		}
		if receipt.State == signing.StateSigned && s.mode == ModeNormal && len(s.signatures) < keptMax {
			s.signatures[r.ID] = receipt // a refusal may be tried again
		}
	}
	s.mu.Unlock()
	s.answer(c, receipt)
}

func (s *Server) answer(c call, receipt signing.Receipt) {
	body, err := json.Marshal(receipt)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	s.mu.Lock()
	unsigned := s.mode == ModeUnsigned
	s.mu.Unlock()
	c.w.Header().Set("Content-Type", "application/json")
	if !unsigned {
		c.w.Header().Set(channel.HeaderSignature, channel.SignAnswer(c.secret, http.StatusOK, c.signature, body))
	}
	_, _ = c.w.Write(body) // the client may have gone
}

func (s *Server) lastMessage(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	last, found := s.messages[r.URL.Query().Get("phone")]
	s.mu.Unlock()
	if !found {
		http.Error(w, "no message to this number", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(last) //nolint:errchkjson // the client may have gone; a message is text
}

func (s *Server) control(w http.ResponseWriter, r *http.Request) {
	var c struct {
		Mode Mode `json:"mode"`
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<10))
	if err != nil || json.Unmarshal(body, &c) != nil || !slices.Contains(Modes(), c.Mode) {
		http.Error(w, "mode is one of normal, refuse, down, unsigned, other_hash", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.mode = c.Mode
	s.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}

// Signed returns how many signatures were really asked of people: a key that is asked again is answered from memory.
func (s *Server) Signed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}
