package enquiry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"fumin/domain"
	"fumin/domain/origination"
	"fumin/repository/channel"
)

// TimeoutMax bounds one exchange; the caller's context is usually shorter.
const TimeoutMax = 5 * time.Second

// Client speaks to one institution. It is safe for concurrent use and keeps no state but idle connections. It implements the
// three ports of domain/origination; which of them it is used as follows from who is at the address.
type Client struct {
	http   *http.Client
	base   string
	keyID  string
	secret []byte
	now    domain.Clock
}

var (
	_ origination.CreditBureau      = (*Client)(nil)
	_ origination.Screening         = (*Client)(nil)
	_ origination.GuaranteePrecheck = (*Client)(nil)
)

// New checks the address and the key, by the rules of package channel, and returns a client. It opens no connection.
func New(baseURL, keyID string, secret []byte, now domain.Clock) (*Client, error) {
	if err := errors.Join(channel.CheckBaseURL(baseURL), channel.CheckKey(keyID, secret)); err != nil {
		return nil, err
	}
	return &Client{
		http: &http.Client{
			Transport: &http.Transport{
				// No Proxy: personal data go where the configuration says and nowhere else.
				DialContext:         (&net.Dialer{}).DialContext,
				DisableCompression:  true, // the signature is over the bytes as sent
				MaxIdleConnsPerHost: 32,
				IdleConnTimeout:     60 * time.Second,
				ForceAttemptHTTP2:   true,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		base: strings.TrimSuffix(baseURL, "/"), keyID: keyID, secret: bytes.Clone(secret), now: now,
	}, nil
}

// CloseIdleConnections closes the connections that nobody uses.
func (c *Client) CloseIdleConnections() { c.http.CloseIdleConnections() }

// EnquireCredit implements origination.CreditBureau.
func (c *Client) EnquireCredit(ctx context.Context, r origination.EnquiryRequest) (origination.EnquiryAnswer, error) {
	return c.ask(ctx, PathCredit, questionOf(r))
}

// Screen implements origination.Screening.
func (c *Client) Screen(ctx context.Context, r origination.EnquiryRequest) (origination.EnquiryAnswer, error) {
	return c.ask(ctx, PathScreening, questionOf(r))
}

// Precheck implements origination.GuaranteePrecheck.
func (c *Client) Precheck(ctx context.Context, r origination.EnquiryRequest) (origination.EnquiryAnswer, error) {
	q := questionOf(r)
	q.Amount, q.TermMonths, q.ProductCode = r.Amount.String(), r.TermMonths, r.ProductCode
	return c.ask(ctx, PathPrecheck, q)
}

// questionOf reveals whom the question is about: the institution must know.
func questionOf(r origination.EnquiryRequest) Question {
	q := Question{
		ID: r.ID.String(), Name: r.Name.Reveal(), IDType: IDTypeIdentityNumber, IDNumber: r.IDNumber.Reveal(),
		ConsentID: r.ConsentID.String(), ConsentTextVersion: r.ConsentTextVersion,
	}
	if r.IDNumber.IsZero() {
		q.IDType, q.IDNumber = IDTypeCreditCode, r.CreditCode.Reveal()
	}
	return q
}

// ask sends one signed question and reads its answer. Every error is an *origination.EnquiryError.
func (c *Client) ask(ctx context.Context, path string, q Question) (origination.EnquiryAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, TimeoutMax)
	defer cancel()
	body, err := json.Marshal(q)
	if err != nil {
		return origination.EnquiryAnswer{}, &origination.EnquiryError{Code: origination.EnquiryRefused, Cause: err}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, bytes.NewReader(body))
	if err != nil {
		return origination.EnquiryAnswer{}, &origination.EnquiryError{Code: origination.EnquiryConnectionLost, Cause: err}
	}
	at := c.now().UTC().Format(channel.TimeLayout)
	signature := channel.SignRequest(c.secret, http.MethodPost, path, at, c.keyID, body)
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set(channel.HeaderKeyID, c.keyID)
	request.Header.Set(channel.HeaderTime, at)
	request.Header.Set(channel.HeaderSignature, signature)

	response, err := c.http.Do(request)
	if err != nil {
		return origination.EnquiryAnswer{}, lost(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(io.LimitReader(response.Body, channel.BodyMax+1))
	if err != nil {
		return origination.EnquiryAnswer{}, lost(err)
	}
	authentic := channel.SameSignature(response.Header.Get(channel.HeaderSignature), channel.SignAnswer(c.secret, response.StatusCode, signature, content))
	return interpret(path, q.ID, response.StatusCode, content, authentic)
}

// lost is the failure of an exchange without a complete answer. The error of net/http names the address and no body.
func lost(err error) error {
	var network net.Error
	if errors.Is(err, context.DeadlineExceeded) || (errors.As(err, &network) && network.Timeout()) {
		return &origination.EnquiryError{Code: origination.EnquiryTimeout, Cause: err}
	}
	return &origination.EnquiryError{Code: origination.EnquiryConnectionLost, Cause: err}
}

// interpret says what came back. It is pure, and doubts everything: only an authentic answer to what was asked is one.
func interpret(path, id string, status int, body []byte, authentic bool) (origination.EnquiryAnswer, error) {
	fail := func(code string, cause error) (origination.EnquiryAnswer, error) {
		return origination.EnquiryAnswer{}, &origination.EnquiryError{Code: code, Cause: cause}
	}
	switch {
	case status >= http.StatusInternalServerError:
		return fail(origination.EnquiryUnavailable, nil)
	case status != http.StatusOK:
		return fail(origination.EnquiryRefused, nil)
	case len(body) > channel.BodyMax: // and so not read to its end, which the signature covers
		return fail(origination.EnquiryUnreadable, errors.New("longer than the protocol allows"))
	case !authentic:
		return fail(origination.EnquiryUnsigned, nil)
	}
	answer, err := DecodeAnswer(path, id, body)
	if err != nil {
		return fail(origination.EnquiryUnreadable, err)
	}
	return answer, nil
}
