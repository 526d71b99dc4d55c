package channel

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"

	"fumin/domain"
	"fumin/domain/money"
)

// Limits of the protocol; see the package comment.
const (
	BodyMax            = 16 << 10         // bytes of a request's or an answer's body
	SecretBytesMin     = 32               // bytes of a shared secret: the width of the hash
	KeyIDMax           = 64               // characters of a key id
	TimeWindow         = 5 * time.Minute  // how far a request's time may lie from the channel's clock
	NotFoundFinalAfter = 15 * time.Minute // after the last sending: the window to both sides, a minute to record, and 4 to spare
	textMax            = 140              // characters of a text field, as in ISO 20022 Max140Text
	accountMax         = 34               // characters of an account, as in ISO 20022 Max34Text
	codeMax            = 64               // characters of a code or a reference
)

// Currency is the only one there is.
const Currency = "CNY"

// The headers of the protocol.
const (
	HeaderKeyID     = "Fumin-Key-Id"
	HeaderTime      = "Fumin-Time"
	HeaderSignature = "Fumin-Signature"
)

// PaymentsPath is where payments are sent; a payment is asked for at PaymentsPath + "/" + its id.
const PaymentsPath = "/v1/payments"

// TimeLayout is the form of HeaderTime.
const TimeLayout = "2006-01-02T15:04:05Z"

// The states of a payment on the wire.
const (
	WireSucceeded  = "succeeded"
	WireFailed     = "failed"
	WireProcessing = "processing"
)

// The codes of refusals.
const (
	RefusalInvalidRequest    = "invalid-request"
	RefusalKeyUnknown        = "key-unknown"
	RefusalSignatureInvalid  = "signature-invalid"
	RefusalTimeOutsideWindow = "time-outside-window"
	RefusalPaymentNotFound   = "payment-not-found"
	RefusalPathNotFound      = "path-not-found"
	RefusalIDUsed            = "id-used"
	RefusalBodyTooLarge      = "body-too-large"
	RefusalNotJSON           = "not-json"
	RefusalUnavailable       = "unavailable"
)

// The failure codes that the protocol names. A channel may have others.
const (
	FailureAccountNotFound   = "account-not-found"
	FailureAccountClosed     = "account-closed"
	FailureAccountFrozen     = "account-frozen"
	FailureNameMismatch      = "name-mismatch"
	FailureAmountOverLimit   = "amount-over-limit"
	FailureInsufficientFunds = "insufficient-funds"
	FailurePayeeBankRefused  = "payee-bank-refused"
)

// Order is the body of POST /v1/payments. Two orders are the same payment when they are equal with ==.
// It holds personal data in clear: it is for the wire, never for a log.
type Order struct {
	ID           string `json:"id"`
	Amount       string `json:"amount"`
	Currency     string `json:"currency"`
	PayeeAccount string `json:"payee_account"`
	PayeeName    string `json:"payee_name"`
	PayeeBank    string `json:"payee_bank"`
	Purpose      string `json:"purpose"`
	Remark       string `json:"remark,omitempty"`
}

// Answer is the payment document, the body of a 200 or 422.
type Answer struct {
	ID               string `json:"id"`
	Amount           string `json:"amount"`
	Currency         string `json:"currency"`
	State            string `json:"state"`
	ChannelReference string `json:"channel_reference"`
	AcceptedAt       string `json:"accepted_at"`
	PaidAt           string `json:"paid_at,omitempty"`
	FailureCode      string `json:"failure_code,omitempty"`
	FailureReason    string `json:"failure_reason,omitempty"`
}

// Refusal is the body of every other answer.
type Refusal struct {
	Code   string `json:"code"`
	Reason string `json:"reason"`
	ID     string `json:"id,omitempty"`
}

// SignRequest returns the value of HeaderSignature for a request. The path is as in the request line, at is the value of
// HeaderTime.
func SignRequest(secret []byte, method, path, at, keyID string, body []byte) string {
	return sign(secret, "FUMIN-REQUEST-HMAC-SHA256", method, path, at, keyID, hash(body))
}

// SignAnswer returns the value of HeaderSignature for the answer to the request that carried requestSignature.
func SignAnswer(secret []byte, status int, requestSignature string, body []byte) string {
	return sign(secret, "FUMIN-ANSWER-HMAC-SHA256", strconv.Itoa(status), requestSignature, hash(body))
}

// SameSignature compares two signatures in constant time.
func SameSignature(a, b string) bool { return hmac.Equal([]byte(a), []byte(b)) }

func sign(secret []byte, lines ...string) string {
	mac := hmac.New(sha256.New, secret)
	for i, line := range lines {
		if i > 0 {
			mac.Write([]byte{'\n'})
		}
		mac.Write([]byte(line))
	}
	return hex.EncodeToString(mac.Sum(nil))
}

func hash(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// CheckKey refuses a key id or a secret that the protocol does not allow.
func CheckKey(keyID string, secret []byte) error {
	if keyID == "" || len(keyID) > KeyIDMax {
		return fmt.Errorf("channel: a key id has 1 to %d characters, this one %d", KeyIDMax, len(keyID))
	}
	for i := range len(keyID) {
		if c := keyID[i]; !asciiAlphanumeric(c) && c != '.' && c != '_' && c != '-' {
			return fmt.Errorf("channel: a key id consists of A-Z a-z 0-9 . _ -, not of %q", c)
		}
	}
	if len(secret) < SecretBytesMin {
		return fmt.Errorf("channel: a secret has at least %d bytes, this one %d", SecretBytesMin, len(secret))
	}
	return nil
}

// DecodeOrder reads the body of POST /v1/payments, strictly. The error is for a Refusal's reason: it names fields, never
// their values.
func DecodeOrder(body []byte) (Order, error) {
	values, err := object(body)
	if err != nil {
		return Order{}, err
	}
	var o Order
	targets := map[string]*string{
		"id": &o.ID, "amount": &o.Amount, "currency": &o.Currency, "payee_account": &o.PayeeAccount,
		"payee_name": &o.PayeeName, "payee_bank": &o.PayeeBank, "purpose": &o.Purpose, "remark": &o.Remark,
	}
	for name, raw := range values {
		target, known := targets[name]
		if !known {
			return Order{}, errors.New("请求含有未定义的字段")
		}
		text, ok := stringValue(raw)
		if !ok {
			return Order{}, fmt.Errorf("%s 应为 JSON 字符串", name)
		}
		*target = text
	}
	var problems domain.Problems
	o.check(&problems)
	if err := problems.Err(); err != nil {
		refused, _ := errors.AsType[*domain.Error](err)
		return Order{}, fmt.Errorf("%s：%s", refused.Fields[0].Pointer, refused.Fields[0].Detail)
	}
	return o, nil
}

// check records every field that breaks a rule of the protocol.
func (o Order) check(problems *domain.Problems) {
	_, err := domain.ParseID(o.ID)
	problems.Check("/id", err)
	if a, err := money.ParseAmount(o.Amount); err != nil {
		problems.Check("/amount", err)
	} else if a.Sign() <= 0 || a.String() != o.Amount {
		problems.Add("/amount", "invalid-amount", "付款金额应大于零，并写明两位小数")
	}
	if o.Currency != Currency {
		problems.Add("/currency", "invalid-currency", "币种只能是 CNY")
	}
	if !validAccount(o.PayeeAccount) {
		problems.Add("/payee_account", "invalid-account", "收款账号应为 1 至 %d 位字母或数字", accountMax)
	}
	for _, text := range []struct {
		pointer, value string
		lengthMin      int
	}{{"/payee_name", o.PayeeName, 1}, {"/payee_bank", o.PayeeBank, 1}, {"/purpose", o.Purpose, 1}, {"/remark", o.Remark, 0}} {
		if !validText(text.value, text.lengthMin) {
			problems.Add(text.pointer, "invalid-text", "应为 %d 至 %d 个字符，不含控制字符", text.lengthMin, textMax)
		}
	}
}

func validAccount(s string) bool {
	for i := range len(s) {
		if !asciiAlphanumeric(s[i]) {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= accountMax
}

// validText refuses U+FFFD as well: it is what the decoder puts in place of a character that it could not read, and a
// payee's name is not to be guessed.
func validText(s string, lengthMin int) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, c := range s {
		if unicode.IsControl(c) || c == utf8.RuneError {
			return false
		}
	}
	length := utf8.RuneCountInString(s)
	return length >= lengthMin && length <= textMax
}

// validCode accepts kebab-case: "name-mismatch".
func validCode(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= codeMax
}

func validReference(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= codeMax
}

func asciiAlphanumeric(c byte) bool {
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
}

// object splits one JSON object into its members. encoding/json alone would take the last of two equal names and match
// names without regard to case: "amount" and "AMOUNT" are two truths about one sum.
func object(body []byte) (map[string]json.RawMessage, error) {
	if len(body) > BodyMax || !utf8.Valid(body) {
		return nil, fmt.Errorf("正文应为 UTF-8 文本，最多 %d 字节", BodyMax)
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return nil, errNotObject
	}
	values := map[string]json.RawMessage{}
	for decoder.More() {
		token, err := decoder.Token()
		name, isName := token.(string)
		if err != nil || !isName {
			return nil, errNotObject
		}
		if _, repeated := values[name]; repeated {
			return nil, errors.New("正文中有重复的字段")
		}
		var raw json.RawMessage
		if err := decoder.Decode(&raw); err != nil {
			return nil, errNotObject
		}
		values[name] = raw
	}
	if _, err := decoder.Token(); err != nil {
		return nil, errNotObject
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("JSON 对象之后还有多余内容")
	}
	return values, nil
}

var errNotObject = errors.New("正文应为一个完整的 JSON 对象")

func stringValue(raw json.RawMessage) (string, bool) {
	if len(raw) == 0 || raw[0] != '"' {
		return "", false
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return "", false
	}
	return text, true
}
