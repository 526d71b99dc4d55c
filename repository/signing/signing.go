// Package signing speaks to the service that sends text messages and takes electronic signatures (短信与电子签名服务):
// origination.SigningService.
//
// The protocol is JSON over HTTP, each request and each answer signed as those of the payment channel are (package channel:
// HMAC-SHA-256 with a key id and a time):
//
//	POST /v1/messages    Message    200 Receipt: accepted, under this id once
//	POST /v1/signatures  Request    200 Receipt with state signed or refused; the same key is asked once
//
// Everything else, and an answer that is unsigned or about something else, is "signing-unavailable": nothing is signed by a
// guess. Bodies hold personal data: they are for the wire, never for a log.
package signing

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/origination"
	"fumin/repository/channel"
)

// The paths of the protocol.
const (
	MessagesPath   = "/v1/messages"
	SignaturesPath = "/v1/signatures"
)

// The states of a receipt.
const (
	StateAccepted = "accepted" // a message
	StateSigned   = "signed"
	StateRefused  = "refused"
)

// Timeout bounds one exchange; it is below the deadline of a request to us.
const Timeout = 5 * time.Second

// Message is a text message to be sent.
type Message struct {
	ID    string `json:"id"` // ours; sent once
	Phone string `json:"phone"`
	Text  string `json:"text"`
}

// Request is a document to be signed by a person, by its hash.
type Request struct {
	ID             string `json:"id"` // ours: the text and the party
	DocumentSHA256 string `json:"document_sha256"`
	ContractNo     string `json:"contract_no"`
	SignerName     string `json:"signer_name"`
	SignerIDNumber string `json:"signer_id_number"`
}

// Receipt is the answer to both.
type Receipt struct {
	ID             string `json:"id"`
	State          string `json:"state"`
	Reference      string `json:"reference"`
	DocumentSHA256 string `json:"document_sha256,omitempty"` // what was signed
	Reason         string `json:"reason,omitempty"`          // of a refusal
}

// Options are what a Client needs; as channel.Options.
type Options struct {
	BaseURL string
	KeyID   string
	Secret  []byte
	Now     domain.Clock
}

// Client is the service over HTTP. It is safe for concurrent use.
type Client struct {
	http *http.Client
	o    Options
}

// New checks the options and returns a client. It opens no connection.
func New(o Options) (*Client, error) {
	if err := errors.Join(channel.CheckBaseURL(o.BaseURL), channel.CheckKey(o.KeyID, o.Secret)); err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	if o.Now == nil {
		return nil, errors.New("signing: a clock is required")
	}
	for len(o.BaseURL) > 0 && o.BaseURL[len(o.BaseURL)-1] == '/' {
		o.BaseURL = o.BaseURL[:len(o.BaseURL)-1]
	}
	return &Client{o: o, http: &http.Client{
		Timeout:       Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// SendCode implements origination.SigningService.
func (c *Client) SendCode(ctx context.Context, id domain.ID, phone borrower.Phone, text string) error {
	receipt, err := c.exchange(ctx, MessagesPath, id.String(), Message{ID: id.String(), Phone: phone.Reveal(), Text: text})
	if err != nil {
		return err
	}
	if receipt.State != StateAccepted {
		return unavailable(fmt.Errorf("state %.20q of a message", receipt.State))
	}
	return nil
}

// Sign implements origination.SigningService.
func (c *Client) Sign(ctx context.Context, request origination.ElectronicSignature) (string, error) {
	receipt, err := c.exchange(ctx, SignaturesPath, request.Key, Request{
		ID: request.Key, DocumentSHA256: request.DocumentSHA256, ContractNo: request.ContractNo,
		SignerName: request.SignerName.Reveal(), SignerIDNumber: request.IDNumber.Reveal(),
	})
	switch {
	case err != nil:
		return "", err
	case receipt.State == StateRefused:
		return "", domain.Errorf(domain.KindRule, "signing-refused", "电子签名服务没有完成签署（签署人拒绝或身份核验未通过）：请核对签署人信息，或改用其他签署方式")
	case receipt.State != StateSigned || receipt.DocumentSHA256 != request.DocumentSHA256 || receipt.Reference == "" || len(receipt.Reference) > referenceMax:
		return "", unavailable(errors.New("the receipt is not about what was asked"))
	}
	return receipt.Reference, nil
}

const referenceMax = 64 // characters

// exchange sends one signed request and reads the signed answer about the id.
func (c *Client) exchange(ctx context.Context, path, id string, content any) (Receipt, error) {
	body, err := json.Marshal(content)
	if err != nil {
		return Receipt{}, fmt.Errorf("signing: encode: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.o.BaseURL+path, bytes.NewReader(body))
	if err != nil {
		return Receipt{}, fmt.Errorf("signing: %w", err)
	}
	at := c.o.Now().UTC().Format(channel.TimeLayout)
	signature := channel.SignRequest(c.o.Secret, http.MethodPost, path, at, c.o.KeyID, body)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set(channel.HeaderKeyID, c.o.KeyID)
	request.Header.Set(channel.HeaderTime, at)
	request.Header.Set(channel.HeaderSignature, signature)
	response, err := c.http.Do(request)
	if err != nil {
		return Receipt{}, unavailable(err)
	}
	defer func() { _ = response.Body.Close() }() // read to its limit below
	answer, err := io.ReadAll(io.LimitReader(response.Body, channel.BodyMax+1))
	if err != nil {
		return Receipt{}, unavailable(err)
	}
	if response.StatusCode != http.StatusOK {
		return Receipt{}, unavailable(fmt.Errorf("HTTP %d", response.StatusCode))
	}
	if !channel.SameSignature(response.Header.Get(channel.HeaderSignature), channel.SignAnswer(c.o.Secret, response.StatusCode, signature, answer)) {
		return Receipt{}, unavailable(errors.New("the answer's signature is missing or wrong"))
	}
	receipt, err := ParseReceipt(answer)
	if err != nil || receipt.ID != id {
		return Receipt{}, unavailable(errors.New("the answer is not a receipt for what was asked"))
	}
	return receipt, nil
}

// ParseReceipt reads an answer strictly: one JSON object with the protocol's members.
func ParseReceipt(body []byte) (Receipt, error) {
	var r Receipt
	if len(body) > channel.BodyMax {
		return r, errors.New("signing: answer too long")
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&r); err != nil {
		return Receipt{}, fmt.Errorf("signing: answer: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Receipt{}, errors.New("signing: text after the answer")
	}
	return r, nil
}

func unavailable(cause error) error {
	return domain.Errorf(domain.KindUnavailable, "signing-unavailable", "短信或电子签名服务暂时不可用：请稍后再试，或改用平板手写签署").Because(cause)
}

// Absent is the service of an installation that has none: everything is "signing-unavailable".
type Absent struct{}

// SendCode implements origination.SigningService.
func (Absent) SendCode(context.Context, domain.ID, borrower.Phone, string) error {
	return errAbsent()
}

// Sign implements origination.SigningService.
func (Absent) Sign(context.Context, origination.ElectronicSignature) (string, error) {
	return "", errAbsent()
}

func errAbsent() error {
	return domain.Errorf(domain.KindUnavailable, "signing-unavailable", "没有接入短信和电子签名服务（FUMIN_SIGNING_URL）：请用平板手写签署，或登记纸质合同")
}
