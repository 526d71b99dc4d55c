package drive

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
)

// Phones is the sandbox signing service's side that a test may see: the messages it was told to send.
type Phones struct{ http *Service }

// PhonesAt returns the signing service at a base URL.
func PhonesAt(url string) *Phones { return &Phones{http: At(url)} }

// codeInText is where the message says it; the number of the contract has six digits in a row as well.
var codeInText = regexp.MustCompile(`验证码 ([0-9]{6})`)

// LastMessage reads what the phone shows: the text of the last message, and the code in it.
func (s *Phones) LastMessage(ctx context.Context, phone string) (text, code string, err error) {
	answer, err := s.http.Do(ctx, "", Read("/v1/control/messages?phone="+url.QueryEscape(phone)))
	message, err := Expect[struct {
		Text string `json:"text"`
	}](answer, err, http.StatusOK)
	if err != nil {
		return "", "", fmt.Errorf("read the last message to a phone: %w", err)
	}
	found := codeInText.FindStringSubmatch(message.Text)
	if found == nil {
		return "", "", fmt.Errorf("the message has no code of six digits: %s", message.Text)
	}
	return message.Text, found[1], nil
}
