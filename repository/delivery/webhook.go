package delivery

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"fumin/domain"
	"fumin/domain/origination"
)

// webhook is an address that is told of a finished report (通知地址), signed by Standard Webhooks 1.0
// (https://www.standardwebhooks.com): the receiver checks the signature and the age, and drops a webhook-id it has seen. The
// report itself is not in the message; who may have it fetches it with an account of their own.
type webhook struct {
	address string
	secret  []byte
	client  *http.Client
	now     domain.Clock
}

// Limits of the exchange.
const (
	webhookTimeout   = 20 * time.Second
	webhookAnswerMax = 16 << 10 // bytes that are read of an answer, so that the connection can be used again
	secretPrefix     = "whsec_"
	secretBytesMin   = 24 // the standard's bounds
	secretBytesMax   = 64
)

func newWebhook(address, secret string, now domain.Clock) (destination, error) {
	parsed, err := parseAddress(address)
	if err != nil {
		err = fmt.Errorf("url: %w", err)
	}
	encoded, prefixed := strings.CutPrefix(secret, secretPrefix)
	key, errKey := base64.StdEncoding.DecodeString(encoded)
	if !prefixed || errKey != nil || len(key) < secretBytesMin || len(key) > secretBytesMax {
		err = errors.Join(err, fmt.Errorf("secret: %s and %d to %d bytes in base64", secretPrefix, secretBytesMin, secretBytesMax))
	}
	if err != nil {
		return nil, err
	}
	return webhook{
		address: parsed.String(), secret: key, now: now,
		client: &http.Client{
			Transport: newTransport(), Timeout: webhookTimeout,
			// A redirect would carry the message somewhere that nobody configured.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// message is what a webhook gets: type and timestamp as the standard asks, and the report.
type message struct {
	Type      string      `json:"type"`
	Timestamp time.Time   `json:"timestamp"`
	Data      messageData `json:"data"`
}

type messageData struct {
	DeliveryID domain.ID   `json:"delivery_id"`
	ScheduleID domain.ID   `json:"schedule_id"`
	JobID      domain.ID   `json:"job_id"`
	Report     string      `json:"report"`
	Title      string      `json:"title"`
	AsOf       domain.Date `json:"as_of"`
	Format     string      `json:"format"`
	FileName   string      `json:"file_name"`
	Rows       int64       `json:"rows"`
	Bytes      int64       `json:"bytes"`
	SHA256     string      `json:"sha256"`
	Download   string      `json:"download_path"` // below the service's address, for the schedule's owner
}

// deliver posts the message. The id is the delivery's on every attempt.
func (h webhook) deliver(ctx context.Context, p origination.ReportParcel) (string, error) {
	now := h.now()
	body, err := json.Marshal(message{Type: "report.delivered", Timestamp: now, Data: messageData{
		DeliveryID: p.ID, ScheduleID: p.ScheduleID, JobID: p.JobID, Report: string(p.Report), Title: p.Title, AsOf: p.AsOf,
		Format: string(p.Format), FileName: p.Result.FileName, Rows: p.Rows, Bytes: p.Result.Bytes,
		SHA256: hex.EncodeToString(p.Result.SHA256[:]), Download: "/v1/jobs/" + p.JobID.String() + "/result",
	}})
	if err != nil {
		return "", fmt.Errorf("webhook: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, h.address, bytes.NewReader(body))
	if err != nil {
		return "", fmt.Errorf("webhook: %w", err)
	}
	timestamp := strconv.FormatInt(now.Unix(), 10)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "fumin")
	request.Header.Set("Webhook-Id", p.ID.String())
	request.Header.Set("Webhook-Timestamp", timestamp)
	request.Header.Set("Webhook-Signature", "v1,"+h.sign(p.ID.String(), timestamp, body))
	answer, err := h.client.Do(request)
	if err != nil {
		return "", failed(err, "通知地址没有应答，稍后自动重试；持续失败时请系统管理员检查网络和地址")
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, webhookAnswerMax))
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return "", failed(nil, "通知地址返回 %d，应为 2xx；稍后自动重试，持续失败时请联系接收方", answer.StatusCode)
	}
	return fmt.Sprintf("HTTP %d", answer.StatusCode), nil
}

// sign makes the standard's signature of id, time and body.
func (h webhook) sign(id, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, h.secret)
	_, _ = fmt.Fprintf(mac, "%s.%s.%s", id, timestamp, body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
