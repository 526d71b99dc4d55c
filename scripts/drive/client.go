// Package drive speaks to a Fumin service as its callers do, over HTTP and in JSON, and starts services that are thrown
// away afterwards. The story, the benchmark and their tests stand on it.
//
// It owns the calls on a loan's way, made-up people, and the processes it starts. It shares no code with the service's
// edge: what it knows of the contract it knows as a client does.
package drive

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Limits of one call.
const (
	callTimeout    = 20 * time.Second
	answerBytesMax = 4 << 20
	connectionsMax = 256
	renewBefore    = time.Minute // a token with less time left than this is replaced before it is used
)

// Service is a Fumin service at an address.
type Service struct {
	URL    string
	client *http.Client
}

// At returns the service at a base URL, as in http://127.0.0.1:8080. Nothing is sent yet.
func At(url string) *Service {
	return &Service{
		URL: strings.TrimRight(url, "/"),
		client: &http.Client{
			Timeout:   callTimeout,
			Transport: &http.Transport{MaxIdleConns: connectionsMax, MaxIdleConnsPerHost: connectionsMax, IdleConnTimeout: time.Minute},
		},
	}
}

// Call is one request. Sent twice it is the same request twice, for it keeps its key.
type Call struct {
	Method, Path string
	Key          string // Idempotency-Key; empty for none
	Body         any    // JSON, or a form where it is url.Values, or a File as it is; nil for none
	BorrowerID   string // for whom an app speaks (Fumin-Borrower-Id); empty for none
}

// File is a body that is no JSON.
type File struct {
	MediaType string
	Content   []byte
}

// Answer is what came back.
type Answer struct {
	Status   int
	Header   http.Header
	Body     []byte
	Duration time.Duration
}

// Replayed reports whether the service says that it had done this before.
func (a Answer) Replayed() bool { return a.Header.Get("Idempotency-Replayed") == "true" }

// Problem is a refusal: what of an RFC 9457 document a client reads.
type Problem struct {
	Code   string `json:"code"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
	Errors []struct {
		Pointer string `json:"pointer"`
		Code    string `json:"code"`
		Detail  string `json:"detail"`
	} `json:"errors"`
}

// String says what was refused and which fields were wrong.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.Code)
	if p.Detail != "" {
		b.WriteString(": " + p.Detail)
	}
	for _, e := range p.Errors {
		fmt.Fprintf(&b, "; %s %s: %s", e.Pointer, e.Code, e.Detail)
	}
	return b.String()
}

// Problem reads a refusal; the zero value when the answer is none.
func (a Answer) Problem() (p Problem) {
	if !strings.HasPrefix(a.Header.Get("Content-Type"), "application/problem+json") {
		return Problem{}
	}
	if err := json.Unmarshal(a.Body, &p); err != nil {
		return Problem{Code: "unreadable", Detail: err.Error()}
	}
	return p
}

// Text describes the answer in a line.
func (a Answer) Text() string {
	text := fmt.Sprintf("%d %s", a.Status, http.StatusText(a.Status))
	if p := a.Problem(); p.Code != "" {
		text += " " + p.String()
	}
	return text
}

// request makes the HTTP request of a call.
func (s *Service) request(ctx context.Context, token string, call Call) (*http.Request, error) {
	var body io.Reader = http.NoBody
	contentType := ""
	switch content := call.Body.(type) {
	case nil:
	case url.Values:
		body, contentType = strings.NewReader(content.Encode()), "application/x-www-form-urlencoded"
	case File:
		body, contentType = bytes.NewReader(content.Content), content.MediaType
	default:
		encoded, err := json.Marshal(content)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", call.Method, call.Path, err)
		}
		body, contentType = bytes.NewReader(encoded), "application/json"
	}
	request, err := http.NewRequestWithContext(ctx, call.Method, s.URL+call.Path, body)
	if err != nil {
		return nil, err
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	if call.BorrowerID != "" {
		request.Header.Set("Fumin-Borrower-Id", call.BorrowerID)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	if call.Key != "" {
		// net/http repeats a request with this header by itself when a connection breaks, which the service is built for;
		// a test that counts answers wants to see the break. Written in this spelling it is not recognised.
		request.Header["idempotency-key"] = []string{call.Key}
	}
	return request, nil
}

// Do sends a call with an access token; an empty one for a call that needs none. An error says that no answer came.
func (s *Service) Do(ctx context.Context, token string, call Call) (Answer, error) {
	request, err := s.request(ctx, token, call)
	if err != nil {
		return Answer{}, err
	}
	begun := time.Now()
	response, err := s.client.Do(request)
	if err != nil {
		return Answer{}, fmt.Errorf("%s %s: no answer: %w", call.Method, call.Path, err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(io.LimitReader(response.Body, answerBytesMax))
	if err != nil {
		return Answer{}, fmt.Errorf("%s %s: the answer broke off: %w", call.Method, call.Path, err)
	}
	return Answer{Status: response.StatusCode, Header: response.Header, Body: content, Duration: time.Since(begun)}, nil
}

// FirstByte asks for a path and returns how long the first byte of the answer took; the rest is read and dropped.
func (s *Session) FirstByte(ctx context.Context, path string) (time.Duration, error) {
	s.mu.Lock()
	token := s.token
	s.mu.Unlock()
	request, err := s.service.request(ctx, token, Read(path))
	if err != nil {
		return 0, err
	}
	begun := time.Now()
	response, err := s.service.client.Do(request)
	if err != nil {
		return 0, fmt.Errorf("GET %s: no answer: %w", path, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("GET %s: status %d", path, response.StatusCode)
	}
	if _, err := io.ReadFull(response.Body, make([]byte, 1)); err != nil {
		return 0, fmt.Errorf("GET %s: no first byte: %w", path, err)
	}
	took := time.Since(begun)
	_, err = io.Copy(io.Discard, response.Body)
	return took, err
}

// IsFumin reports whether a Fumin service answers at the address.
func (s *Service) IsFumin(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	answer, err := s.Do(ctx, "", Call{Method: http.MethodGet, Path: "/healthz"})
	if err != nil || answer.Status != http.StatusOK {
		return false
	}
	var health struct {
		Status  string `json:"status"`
		Version string `json:"version"`
	}
	return json.Unmarshal(answer.Body, &health) == nil && health.Status == "ok" && health.Version != ""
}

// Session is a member of staff who has logged in, or a service account with its token. It may be used from several goroutines.
type Session struct {
	service    *Service
	enter      Call   // asks for a token
	borrowerID string // for whom every call is made; empty for staff and for the core system

	mu      sync.Mutex
	token   string
	renewAt time.Time
}

// LoginCall is the request of a login.
func LoginCall(username, password string) Call {
	return Call{Method: http.MethodPost, Path: "/v1/sessions", Body: map[string]string{"username": username, "password": password}}
}

// TokenCall is the request of a service account for its token (OAuth 2.0 client credentials).
func TokenCall(clientID, clientSecret string) Call {
	return Call{Method: http.MethodPost, Path: "/v1/oauth/token", Body: url.Values{
		"grant_type": {"client_credentials"}, "client_id": {clientID}, "client_secret": {clientSecret},
	}}
}

// Login logs a member of staff in, and returns the answer as well.
func (s *Service) Login(ctx context.Context, username, password string) (*Session, Answer, error) {
	return s.enter(ctx, username, &Session{service: s, enter: LoginCall(username, password)})
}

// App signs a service account in, and returns the answer as well. With a borrower's id it acts for that borrower and nobody
// else, as the mobile app's backend does; without one it acts for itself, as the core system does.
func (s *Service) App(ctx context.Context, clientID, clientSecret, borrowerID string) (*Session, Answer, error) {
	return s.enter(ctx, clientID, &Session{service: s, enter: TokenCall(clientID, clientSecret), borrowerID: borrowerID})
}

func (s *Service) enter(ctx context.Context, as string, session *Session) (*Session, Answer, error) {
	answer, err := session.renew(ctx)
	if err != nil {
		return nil, answer, fmt.Errorf("log in as %s: %w", as, err)
	}
	return session, answer, nil
}

func (s *Session) renew(ctx context.Context) (Answer, error) {
	answer, err := s.service.Do(ctx, "", s.enter)
	granted, err := Expect[struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"` // seconds
	}](answer, err, http.StatusOK, http.StatusCreated)
	if err != nil {
		return answer, err
	}
	s.token = granted.AccessToken
	s.renewAt = time.Now().Add(time.Duration(granted.ExpiresIn)*time.Second - renewBefore)
	return answer, nil
}

// Do sends a call in the name of the session, which logs in again when its token is about to end.
func (s *Session) Do(ctx context.Context, call Call) (Answer, error) {
	s.mu.Lock()
	if time.Now().After(s.renewAt) {
		if _, err := s.renew(ctx); err != nil {
			s.mu.Unlock()
			return Answer{}, err
		}
	}
	token := s.token
	s.mu.Unlock()
	call.BorrowerID = s.borrowerID
	return s.service.Do(ctx, token, call)
}

// HangUp sends a call in the name of the session and breaks the connection once all of it has been sent, without reading an
// answer: what a client in a valley does.
func (s *Session) HangUp(ctx context.Context, call Call) error {
	s.mu.Lock()
	token := s.token
	s.mu.Unlock()
	call.BorrowerID = s.borrowerID
	request, err := s.service.request(ctx, token, call)
	if err != nil {
		return err
	}
	request.Close = true // otherwise the server would wait for the next request
	connection, err := (&net.Dialer{Timeout: callTimeout}).DialContext(ctx, "tcp", request.URL.Host)
	if err != nil {
		return fmt.Errorf("%s %s: %w", call.Method, call.Path, err)
	}
	return errors.Join(request.Write(connection), connection.Close())
}

// RefusedError is an answer with another status than was expected.
type RefusedError struct {
	Answer Answer
	Want   int // the status that was expected
}

// Error says what came and what was expected.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("the answer is %s; expected %d", e.Answer.Text(), e.Want)
}

// Expect reads an answer of one of the given statuses. Any other answer, and none at all, is an error that says what came
// instead.
func Expect[T any](answer Answer, err error, statuses ...int) (value T, _ error) {
	if err != nil {
		return value, err
	}
	if !slices.Contains(statuses, answer.Status) {
		return value, &RefusedError{Answer: answer, Want: statuses[0]}
	}
	if len(answer.Body) == 0 {
		return value, nil
	}
	if err := json.Unmarshal(answer.Body, &value); err != nil {
		return value, fmt.Errorf("the answer (%d) cannot be read: %w", answer.Status, err)
	}
	return value, nil
}

// Ask sends a call and reads its answer, which must have the status.
func Ask[T any](ctx context.Context, s *Session, call Call, status int) (T, error) {
	answer, err := s.Do(ctx, call)
	value, err := Expect[T](answer, err, status)
	if err != nil {
		return value, fmt.Errorf("%s %s: %w", call.Method, call.Path, err)
	}
	return value, nil
}
