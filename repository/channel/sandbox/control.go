package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"fumin/repository/channel"
)

// Mode is how the sandbox misbehaves.
type Mode string

// The modes. "Paid" below means recorded as the payment would be without the mode.
const (
	ModeNormal            Mode = "normal"              // pays
	ModeDown              Mode = "down"                // 503 to payments and queries; nothing is paid
	ModeDropRequest       Mode = "drop_request"        // closes the connection before paying
	ModeDropAnswer        Mode = "drop_answer"         // pays, then closes the connection without an answer
	ModeAnswerTwice       Mode = "answer_twice"        // pays once and sends the whole HTTP answer twice on the connection
	ModeBreakAnswer       Mode = "break_answer"        // pays and answers with half of the JSON, signed
	ModeUnsignedAnswer    Mode = "unsigned_answer"     // pays and answers without a signature
	ModeOtherIDAnswer     Mode = "other_id_answer"     // pays and answers about another id, signed
	ModeOtherAmountAnswer Mode = "other_amount_answer" // pays and answers with one fen more, signed
	ModeFail              Mode = "fail"                // records the payment as failed with FailureCode
	ModeProcess           Mode = "process"             // accepts and answers processing; paid at the first query after SettleAfterMs
)

// Modes lists every mode.
func Modes() []Mode {
	return []Mode{
		ModeNormal, ModeDown, ModeDropRequest, ModeDropAnswer, ModeAnswerTwice, ModeBreakAnswer, ModeUnsignedAnswer,
		ModeOtherIDAnswer, ModeOtherAmountAnswer, ModeFail, ModeProcess,
	}
}

// DelayMsMax bounds each delay: the protocol gives a channel one minute between checking a request and recording it.
const DelayMsMax = 50_000

const requestsMax = 1_000_000

// Control tells the sandbox what to do with the next requests. The zero value is ModeNormal until further notice.
// It concerns requests with a right signature and a readable body: payments, and queries too with Queries or ModeDown.
type Control struct {
	Mode          Mode   `json:"mode"`
	Requests      int    `json:"requests"`        // how many requests it concerns; 0 means until it is replaced
	Queries       bool   `json:"queries"`         // queries as well as payments
	DelayMs       int    `json:"delay_ms"`        // before paying; the payment is made even if the client has gone
	AnswerDelayMs int    `json:"answer_delay_ms"` // after paying, before answering
	SettleAfterMs int    `json:"settle_after_ms"` // ModeProcess
	FailureCode   string `json:"failure_code"`    // ModeFail: one of the protocol's failure codes
}

// failureReasons has a sentence for every failure code of the protocol.
var failureReasons = map[string]string{
	channel.FailureAccountNotFound:   "收款账户不存在，请核对收款账号",
	channel.FailureAccountClosed:     "收款账户已销户，请更换收款账户",
	channel.FailureAccountFrozen:     "收款账户已冻结，请收款人联系开户行",
	channel.FailureNameMismatch:      "户名与账号不符，请核对收款人户名",
	channel.FailureAmountOverLimit:   "超过渠道单笔或当日限额，请分次付款或次日再办",
	channel.FailureInsufficientFunds: "付款账户余额不足，请财务人员补足头寸",
	channel.FailurePayeeBankRefused:  "收款行退回，请核对开户行和账号",
}

func (c Control) check() error {
	known := false
	for _, mode := range Modes() {
		known = known || c.Mode == mode
	}
	switch {
	case !known:
		return fmt.Errorf("mode 应为 %v 之一", Modes())
	case c.Requests < 0 || c.Requests > requestsMax:
		return fmt.Errorf("requests 应为 0 至 %d", requestsMax)
	case c.DelayMs < 0 || c.DelayMs > DelayMsMax || c.AnswerDelayMs < 0 || c.AnswerDelayMs > DelayMsMax ||
		c.SettleAfterMs < 0 || c.SettleAfterMs > DelayMsMax:
		return fmt.Errorf("delay_ms、answer_delay_ms、settle_after_ms 应为 0 至 %d", DelayMsMax)
	case c.Mode == ModeFail && failureReasons[c.FailureCode] == "":
		return fmt.Errorf("failure_code 不是协议中的失败代码")
	case c.Mode != ModeFail && c.FailureCode != "":
		return fmt.Errorf("failure_code 只用于 mode fail")
	}
	return nil
}

// SetControl replaces the control, as PUT /v1/control does. An empty mode means ModeNormal.
func (s *Server) SetControl(c Control) error {
	if c.Mode == "" {
		c.Mode = ModeNormal
	}
	if err := c.check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.control = c
	return nil
}

// take returns what to do with one request and counts it.
func (s *Server) take(query bool) Control {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.control
	if query && !c.Queries && c.Mode != ModeDown {
		return Control{Mode: ModeNormal}
	}
	if s.control.Requests > 0 {
		s.control.Requests--
		if s.control.Requests == 0 {
			s.control = Control{Mode: ModeNormal}
		}
	}
	return c
}

func (s *Server) putControl(w http.ResponseWriter, r *http.Request) {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, channel.BodyMax))
	decoder.DisallowUnknownFields()
	var c Control
	err := decoder.Decode(&c)
	if err == nil && decoder.More() {
		err = fmt.Errorf("JSON 对象之后还有多余内容")
	}
	if err == nil {
		err = s.SetControl(c)
	}
	if err != nil {
		plainRefusal(w, http.StatusBadRequest, channel.RefusalInvalidRequest, err.Error())
		return
	}
	s.getControl(w, r)
}

// getControl answers the control as it is now: Requests counts down.
func (s *Server) getControl(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	c := s.control
	s.mu.Unlock()
	writeJSON(w, http.StatusOK, c)
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		http.Error(w, "encode", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, string(body)+"\n") // the client may have gone; it will ask
}

func plainRefusal(w http.ResponseWriter, status int, code, reason string) {
	writeJSON(w, status, channel.Refusal{Code: code, Reason: reason})
}
