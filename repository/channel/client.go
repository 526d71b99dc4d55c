package channel

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"
	"unicode"

	"fumin/domain"
	"fumin/domain/money"
)

// Payment is what we ask the channel to pay (付款指令). It holds personal data in clear; printed or logged it shows only
// its id and amount.
type Payment struct {
	ID           domain.ID    // ours; the channel's idempotency key
	Amount       money.Amount // greater than zero
	PayeeAccount string       // 收款账号: 1 to 34 ASCII letters and digits
	PayeeName    string       // 户名: 1 to 140 characters
	PayeeBank    string       // 开户行: 1 to 140 characters
	Purpose      string       // 用途: 1 to 140 characters
	Remark       string       // 附言: 0 to 140 characters
}

// String shows the id and the amount and hides who is paid.
func (p Payment) String() string { return fmt.Sprintf("payment %s of %s", p.ID, p.Amount) }

// GoString keeps %#v from showing what String hides.
func (p Payment) GoString() string { return p.String() }

// LogValue shows the id and the amount only.
func (p Payment) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", p.ID.String()), slog.String("amount", p.Amount.String()))
}

// State is what we know of a payment after an exchange with the channel.
type State string

// The states.
const (
	StateSucceeded State = "succeeded" // paid; final
	StateFailed    State = "failed"    // not paid and never will be under this id; final
	StateUnknown   State = "unknown"   // ask again with Query; never send another id
	StateNotFound  State = "not_found" // Query only: the channel has no such id; final after NotFoundFinalAfter
)

// Why a payment is StateUnknown: the values of Result.FailureCode with that state.
const (
	UnknownTimeout          = "channel-timeout"           // no complete answer in time
	UnknownConnectionLost   = "channel-connection-lost"   // no connection, or it broke
	UnknownUnavailable      = "channel-unavailable"       // 5xx
	UnknownRequestRefused   = "channel-request-refused"   // a refusal of the request, which decides nothing about the payment
	UnknownAnswerUnsigned   = "channel-answer-unsigned"   // signature missing or wrong
	UnknownAnswerUnreadable = "channel-answer-unreadable" // not the JSON of the protocol, or too long
	UnknownAnswerMismatch   = "channel-answer-mismatch"   // another id, amount or currency, or a document that contradicts itself
	UnknownProcessing       = "channel-processing"        // accepted, not yet decided
)

// Result is what an exchange told us.
type Result struct {
	State            State
	ChannelReference string    // the channel's own number; with succeeded and failed, and with unknown where it is processing
	FailureCode      string    // failed: the channel's code; unknown: one of the Unknown constants
	FailureReason    string    // for staff, in Chinese where we wrote it
	PaidAt           time.Time // succeeded only: UTC, microseconds
	Cause            error     // unknown only: technical, for the log; may be nil
}

// TimeoutDefault bounds one exchange, from the first dial to the last byte of the answer.
const TimeoutDefault = 5 * time.Second

// Options are what a Client needs.
type Options struct {
	BaseURL string        // "https://host[:port]", without path; http:// for a loopback address only
	KeyID   string        // names Secret
	Secret  []byte        // at least SecretBytesMin bytes
	Timeout time.Duration // zero means TimeoutDefault
	Now     domain.Clock  // signs requests
}

// Client speaks to one channel. It is safe for concurrent use and keeps no state but idle connections.
type Client struct {
	http    *http.Client
	base    string
	keyID   string
	secret  []byte
	timeout time.Duration
	now     domain.Clock
}

// CheckBaseURL says what is wrong with Options.BaseURL.
func CheckBaseURL(text string) error {
	_, err := parseBaseURL(text)
	return err
}

func parseBaseURL(text string) (*url.URL, error) {
	base, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("channel: base URL: %w", err)
	}
	if base.Host == "" || base.User != nil || (base.Path != "" && base.Path != "/") || base.RawQuery != "" || base.Fragment != "" {
		return nil, errors.New("channel: the base URL is a scheme and a host, nothing else")
	}
	if base.Scheme != "https" && (base.Scheme != "http" || !loopback(base.Hostname())) {
		return nil, errors.New("channel: the base URL is https://, or http:// with a loopback address")
	}
	return base, nil
}

// New checks the options and returns a client. It opens no connection. What is wrong is named at once, address and key.
func New(options Options) (*Client, error) {
	base, errBase := parseBaseURL(options.BaseURL)
	if err := errors.Join(errBase, CheckKey(options.KeyID, options.Secret)); err != nil {
		return nil, err
	}
	if options.Now == nil {
		return nil, errors.New("channel: a clock is required")
	}
	timeout := options.Timeout
	if timeout == 0 {
		timeout = TimeoutDefault
	}
	if timeout < 0 {
		return nil, fmt.Errorf("channel: timeout %s is negative", timeout)
	}
	return &Client{
		http: &http.Client{
			Transport: &http.Transport{
				// No Proxy: which way the money's messages go is not left to an environment variable.
				DialContext:         (&net.Dialer{}).DialContext,
				DisableCompression:  true, // the signature is over the bytes as sent
				MaxIdleConnsPerHost: 32,
				IdleConnTimeout:     60 * time.Second,
				ForceAttemptHTTP2:   true,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		base:    base.Scheme + "://" + base.Host,
		keyID:   options.KeyID,
		secret:  bytes.Clone(options.Secret),
		timeout: timeout,
		now:     options.Now,
	}, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// CloseIdleConnections closes the connections that nobody uses.
func (c *Client) CloseIdleConnections() { c.http.CloseIdleConnections() }

// Pay sends a payment and reports what the channel did. Sending the same Payment again is harmless: the channel pays an
// id once.
//
// An error (*domain.Error, KindInvalid, with fields) means that p breaks the protocol and nothing was sent. Whatever goes
// wrong after that, a cancelled ctx included, is a Result with StateUnknown and no error: it must be queried.
// StateNotFound does not occur.
func (c *Client) Pay(ctx context.Context, p Payment) (Result, error) {
	order := Order{
		ID: p.ID.String(), Amount: p.Amount.String(), Currency: Currency,
		PayeeAccount: p.PayeeAccount, PayeeName: p.PayeeName, PayeeBank: p.PayeeBank,
		Purpose: p.Purpose, Remark: p.Remark,
	}
	var problems domain.Problems
	order.check(&problems)
	if err := problems.Err(); err != nil {
		return Result{}, err
	}
	body, err := json.Marshal(order)
	if err != nil {
		return Result{}, fmt.Errorf("channel: encode payment %s: %w", p.ID, err)
	}
	return c.exchange(ctx, http.MethodPost, PaymentsPath, body, expected{id: order.ID, amount: order.Amount}), nil
}

// Query asks what became of the payment id of the given amount. The amount is compared with the channel's: an answer
// about another sum is StateUnknown, and a person must look at it.
//
// An error (*domain.Error, KindInvalid) means that the id or the amount cannot be those of a payment.
func (c *Client) Query(ctx context.Context, id domain.ID, amount money.Amount) (Result, error) {
	var problems domain.Problems
	_, err := domain.ParseID(id.String())
	problems.Check("/id", err)
	if amount.Sign() <= 0 {
		problems.Add("/amount", "invalid-amount", "付款金额应大于零")
	}
	if err := problems.Err(); err != nil {
		return Result{}, err
	}
	want := expected{id: id.String(), amount: amount.String(), query: true}
	return c.exchange(ctx, http.MethodGet, PaymentsPath+"/"+want.id, nil, want), nil
}

// exchange sends one signed request and reads its answer. It sends once: net/http repeats a POST only where it knows
// that not a byte of it was written, and it would repeat more if we set the header Idempotency-Key, so we do not.
func (c *Client) exchange(ctx context.Context, method, path string, body []byte, want expected) Result {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()

	request, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return lost(err)
	}
	now := c.now().UTC()
	at := now.Format(TimeLayout)
	signature := SignRequest(c.secret, method, path, at, c.keyID, body)
	request.Header.Set("Accept", "application/json")
	request.Header.Set(HeaderKeyID, c.keyID)
	request.Header.Set(HeaderTime, at)
	request.Header.Set(HeaderSignature, signature)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}

	response, err := c.http.Do(request)
	if err != nil {
		return lost(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(io.LimitReader(response.Body, BodyMax+1))
	if err != nil {
		return lost(err)
	}
	want.paidAtMax = now.Add(TimeWindow)
	authentic := SameSignature(response.Header.Get(HeaderSignature), SignAnswer(c.secret, response.StatusCode, signature, content))
	return interpret(response.StatusCode, content, authentic, want)
}

// lost is the result of an exchange without a complete answer.
func lost(err error) Result {
	var network net.Error
	if errors.Is(err, context.DeadlineExceeded) || (errors.As(err, &network) && network.Timeout()) {
		return unknown(UnknownTimeout, err, "支付渠道未在规定时间内答复，款项可能已付，系统将查询结果，请勿重复付款")
	}
	return unknown(UnknownConnectionLost, err, "与支付渠道的连接中断，款项可能已付，系统将查询结果，请勿重复付款")
}

func unknown(code string, cause error, format string, args ...any) Result {
	return Result{State: StateUnknown, FailureCode: code, FailureReason: fmt.Sprintf(format, args...), Cause: cause}
}

// expected is what an answer must be about.
type expected struct {
	id, amount string
	query      bool      // a query: only then may the channel say that it has no such id
	paidAtMax  time.Time // a payment is not booked in the future
}

// interpret says what an answer means. It is pure, and doubts everything: only an authentic document about what we sent
// gives a final state.
func interpret(status int, body []byte, authentic bool, want expected) Result {
	if status >= http.StatusInternalServerError {
		return unknown(UnknownUnavailable, nil, "支付渠道暂时不可用（HTTP %d），系统将查询结果，请勿重复付款", status)
	}
	document := status == http.StatusOK || status == http.StatusUnprocessableEntity
	if !document {
		return refused(status, body, authentic, want)
	}
	if !authentic {
		return unknown(UnknownAnswerUnsigned, nil, "支付渠道的答复签名无效，不予采信，系统将查询结果，请勿重复付款")
	}
	answer, err := decodeAnswer(body)
	if err != nil {
		return unknown(UnknownAnswerUnreadable, err, "支付渠道的答复无法读取，系统将查询结果，请勿重复付款")
	}
	if answer.ID != want.id || !sameSum(answer.Amount, want.amount) || answer.Currency != Currency {
		return unknown(UnknownAnswerMismatch, nil, "支付渠道的答复与本笔付款的编号、金额或币种不符，请与渠道核对，请勿重复付款")
	}
	result, err := settle(answer, want.paidAtMax)
	if err != nil || (status == http.StatusUnprocessableEntity && result.State != StateFailed) {
		return unknown(UnknownAnswerMismatch, err, "支付渠道的答复自相矛盾，请与渠道核对，请勿重复付款")
	}
	return result
}

// refused is the result of an answer that is no payment document.
func refused(status int, body []byte, authentic bool, want expected) Result {
	refusal := decodeRefusal(body)
	if authentic && want.query && status == http.StatusNotFound &&
		refusal.Code == RefusalPaymentNotFound && refusal.ID == want.id {
		return Result{State: StateNotFound}
	}
	code := ""
	if validCode(refusal.Code) {
		code = "，" + refusal.Code
	}
	return unknown(UnknownRequestRefused, nil, "支付渠道未受理请求（HTTP %d%s），请系统管理员核对渠道配置，请勿重复付款", status, code)
}

// settle turns a document about our payment into a result, or says in what it contradicts itself.
func settle(a Answer, paidAtMax time.Time) (Result, error) {
	if !validReference(a.ChannelReference) {
		return Result{}, errors.New("channel_reference missing or malformed")
	}
	result := Result{ChannelReference: a.ChannelReference}
	switch {
	case a.State != WireSucceeded && a.PaidAt != "":
		return Result{}, fmt.Errorf("paid_at with state %q", a.State)
	case a.State != WireFailed && a.FailureCode != "":
		return Result{}, fmt.Errorf("failure_code with state %q", a.State)
	}
	switch a.State {
	case WireSucceeded:
		paidAt, err := time.Parse(time.RFC3339, a.PaidAt)
		if err != nil || paidAt.After(paidAtMax) || paidAt.Year() < domain.YearMin {
			return Result{}, fmt.Errorf("paid_at %.40q is no instant up to now", a.PaidAt)
		}
		result.State, result.PaidAt = StateSucceeded, paidAt.UTC().Truncate(time.Microsecond)
	case WireFailed:
		if !validCode(a.FailureCode) {
			return Result{}, errors.New("failure_code missing or malformed")
		}
		result.State, result.FailureCode, result.FailureReason = StateFailed, a.FailureCode, sentence(a.FailureReason)
	case WireProcessing:
		result.State, result.FailureCode = StateUnknown, UnknownProcessing
		result.FailureReason = "支付渠道已受理，正在处理，系统将查询结果，请勿重复付款"
	default:
		return Result{}, fmt.Errorf("state %.40q", a.State)
	}
	return result, nil
}

// sameSum compares sums, not their spelling: a channel that says "99500.0" means what we mean.
func sameSum(got, want string) bool {
	g, err := money.ParseAmount(got)
	if err != nil {
		return false
	}
	w, err := money.ParseAmount(want)
	return err == nil && g.Equal(w)
}

// sentence makes the channel's text fit to be stored and shown: bounded, and without control characters.
func sentence(s string) string {
	kept := make([]rune, 0, textMax)
	for _, c := range s {
		if len(kept) == textMax {
			break
		}
		if !unicode.IsControl(c) {
			kept = append(kept, c)
		}
	}
	return string(kept)
}

func decodeAnswer(body []byte) (Answer, error) {
	values, err := object(body)
	if err != nil {
		return Answer{}, err
	}
	var a Answer
	for name, target := range map[string]*string{
		"id": &a.ID, "amount": &a.Amount, "currency": &a.Currency, "state": &a.State,
		"channel_reference": &a.ChannelReference, "accepted_at": &a.AcceptedAt, "paid_at": &a.PaidAt,
		"failure_code": &a.FailureCode, "failure_reason": &a.FailureReason,
	} {
		raw, present := values[name]
		if !present {
			continue
		}
		text, ok := stringValue(raw)
		if !ok {
			return Answer{}, fmt.Errorf("%s is not a JSON string", name)
		}
		*target = text
	}
	return a, nil
}

// decodeRefusal reads what it can: a refusal's text decides nothing, and its code is checked by whoever uses it.
func decodeRefusal(body []byte) Refusal {
	values, err := object(body)
	if err != nil {
		return Refusal{}
	}
	var r Refusal
	r.Code, _ = stringValue(values["code"])
	r.ID, _ = stringValue(values["id"])
	return r
}
