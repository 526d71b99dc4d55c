package channel_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"fumin/repository/channel"
)

const exampleBody = `{"id":"0198d0c4-7a00-7000-8000-000000000001","amount":"99500.00","currency":"CNY","payee_account":"6228480000000000018","payee_name":"王秀兰","payee_bank":"中国农业银行曹县支行","purpose":"购买鸭苗"}`

const exampleAnswer = `{"id":"0198d0c4-7a00-7000-8000-000000000001","amount":"99500.00","currency":"CNY","state":"succeeded","channel_reference":"SBX-00000001","accepted_at":"2026-08-23T02:30:00Z","paid_at":"2026-08-23T02:30:00Z"}`

// The signatures were computed with openssl dgst -sha256 -hmac, not with this package.
const (
	exampleRequestSignature = "dcf245ae1ffaed84373d981c6d9ee3817f7d559d9d7df6a4db51015498bd6936"
	exampleAnswerSignature  = "49caaa6fa50e1b105ba4da3fa2d3e19dd26f448de6444e2ba68a5d54b43c1818"
)

var exampleSecret = []byte("0123456789abcdef0123456789abcdef")

func TestTheSignaturesAreThoseOfTheDocumentedExample(t *testing.T) {
	t.Parallel()
	request := channel.SignRequest(exampleSecret, "POST", "/v1/payments", "2026-08-23T02:30:00Z", "demo-1", []byte(exampleBody))
	if request != exampleRequestSignature {
		t.Errorf("SignRequest(example) = %s, want %s", request, exampleRequestSignature)
	}
	answer := channel.SignAnswer(exampleSecret, 200, request, []byte(exampleAnswer))
	if answer != exampleAnswerSignature {
		t.Errorf("SignAnswer(example) = %s, want %s", answer, exampleAnswerSignature)
	}
}

func TestAnyChangeOfWhatIsSignedChangesTheSignature(t *testing.T) {
	t.Parallel()
	body := []byte(exampleBody)
	seen := map[string]string{}
	for name, signature := range map[string]string{
		"as is":         channel.SignRequest(exampleSecret, "POST", "/v1/payments", "2026-08-23T02:30:00Z", "demo-1", body),
		"secret":        channel.SignRequest([]byte("1123456789abcdef0123456789abcdef"), "POST", "/v1/payments", "2026-08-23T02:30:00Z", "demo-1", body),
		"method":        channel.SignRequest(exampleSecret, "PUT", "/v1/payments", "2026-08-23T02:30:00Z", "demo-1", body),
		"path":          channel.SignRequest(exampleSecret, "POST", "/v1/payments/", "2026-08-23T02:30:00Z", "demo-1", body),
		"time":          channel.SignRequest(exampleSecret, "POST", "/v1/payments", "2026-08-23T02:30:01Z", "demo-1", body),
		"key id":        channel.SignRequest(exampleSecret, "POST", "/v1/payments", "2026-08-23T02:30:00Z", "demo-2", body),
		"body":          channel.SignRequest(exampleSecret, "POST", "/v1/payments", "2026-08-23T02:30:00Z", "demo-1", append([]byte(" "), body...)),
		"answer":        channel.SignAnswer(exampleSecret, 200, exampleRequestSignature, body),
		"answer status": channel.SignAnswer(exampleSecret, 422, exampleRequestSignature, body),
		"answer to":     channel.SignAnswer(exampleSecret, 200, exampleAnswerSignature, body),
	} {
		if other, repeated := seen[signature]; repeated {
			t.Errorf("changing %q gives the signature of %q", name, other)
		}
		seen[signature] = name
	}
}

func TestThePackageCommentHasTheExampleAndEveryCode(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		exampleBody, exampleAnswer, exampleRequestSignature, exampleAnswerSignature,
		channel.HeaderKeyID, channel.HeaderTime, channel.HeaderSignature, "POST " + channel.PaymentsPath,
		channel.RefusalInvalidRequest, channel.RefusalKeyUnknown, channel.RefusalSignatureInvalid,
		channel.RefusalTimeOutsideWindow, channel.RefusalPaymentNotFound, channel.RefusalPathNotFound,
		channel.RefusalIDUsed, channel.RefusalBodyTooLarge, channel.RefusalNotJSON, channel.RefusalUnavailable,
		channel.FailureAccountNotFound, channel.FailureAccountClosed, channel.FailureAccountFrozen,
		channel.FailureNameMismatch, channel.FailureAmountOverLimit, channel.FailureInsufficientFunds,
		channel.FailurePayeeBankRefused,
	} {
		if !strings.Contains(string(source), want) {
			t.Errorf("doc.go does not contain %q", want)
		}
	}
}

func TestTheDocumentedOrderIsReadAsItStands(t *testing.T) {
	t.Parallel()
	order, err := channel.DecodeOrder([]byte(exampleBody))
	if err != nil {
		t.Fatalf("DecodeOrder(example) = %v", err)
	}
	written, err := json.Marshal(order)
	if err != nil || string(written) != exampleBody {
		t.Errorf("written again: %s (%v), want %s", written, err, exampleBody)
	}
}

// with returns the example with one piece replaced; it fails when there is no such piece, so that no row is void.
func with(t *testing.T, old, replacement string) string {
	t.Helper()
	if !strings.Contains(exampleBody, old) {
		t.Fatalf("the example has no %q", old)
	}
	return strings.Replace(exampleBody, old, replacement, 1)
}

func TestAnOrderThatBreaksTheProtocolIsRefused(t *testing.T) {
	t.Parallel()
	bad := map[string]string{
		"empty":                    "",
		"null":                     "null",
		"array":                    "[" + exampleBody + "]",
		"text":                     `"x"`,
		"truncated":                exampleBody[:len(exampleBody)-1],
		"two objects":              exampleBody + exampleBody,
		"trailing text":            exampleBody + " x",
		"unknown field":            with(t, `"id"`, `"extra":"","id"`),
		"field in capitals":        with(t, `"amount"`, `"AMOUNT"`),
		"amount twice":             with(t, `"currency"`, `"amount":"1.00","currency"`),
		"amount twice, escaped":    with(t, `"currency"`, `"\u0061mount":"1.00","currency"`),
		"id missing":               with(t, `"id":"0198d0c4-7a00-7000-8000-000000000001",`, ``),
		"id in capitals":           with(t, `0198d0c4-7a00`, `0198D0C4-7A00`),
		"amount as a number":       with(t, `"99500.00"`, `99500.00`),
		"amount null":              with(t, `"99500.00"`, `null`),
		"amount as an object":      with(t, `"99500.00"`, `{"yuan":"99500.00"}`),
		"amount zero":              with(t, `99500.00`, `0.00`),
		"amount negative":          with(t, `99500.00`, `-99500.00`),
		"amount with one decimal":  with(t, `99500.00`, `99500.0`),
		"amount without decimals":  with(t, `99500.00`, `99500`),
		"amount with a third":      with(t, `99500.00`, `99500.000`),
		"amount with leading zero": with(t, `99500.00`, `099500.00`),
		"amount with exponent":     with(t, `99500.00`, `1e9`),
		"amount of 17 digits":      with(t, `99500.00`, `12345678901234567.00`),
		"amount in full width":     with(t, `99500.00`, `９９５００.００`),
		"currency missing":         with(t, `"currency":"CNY",`, ``),
		"currency USD":             with(t, `CNY`, `USD`),
		"account empty":            with(t, `6228480000000000018`, ``),
		"account of 35":            with(t, `6228480000000000018`, strings.Repeat("6", 35)),
		"account with a space":     with(t, `6228480000000000018`, `622848 0000000000018`),
		"account in full width":    with(t, `6228480000000000018`, `６２２８４８`),
		"name empty":               with(t, `王秀兰`, ``),
		"name of 141":              with(t, `王秀兰`, strings.Repeat("兰", 141)),
		"name with a newline":      with(t, `王秀兰`, `王\n秀兰`),
		"name with a lone half":    with(t, `王秀兰`, `王\ud83d`),
		"name not UTF-8":           with(t, `王秀兰`, "\xff\xfe"),
		"bank missing":             with(t, `"payee_bank":"中国农业银行曹县支行",`, ``),
		"purpose missing":          with(t, `,"purpose":"购买鸭苗"`, ``),
		"remark of 141":            with(t, `"purpose"`, `"remark":"`+strings.Repeat("a", 141)+`","purpose"`),
		"too long":                 with(t, `"purpose"`, strings.Repeat(" ", channel.BodyMax)+`"purpose"`),
	}
	for name, body := range bad {
		order, err := channel.DecodeOrder([]byte(body))
		if err == nil {
			t.Errorf("%s: DecodeOrder(%.200s) = %+v, want an error", name, body, order)
			continue
		}
		if strings.Contains(err.Error(), "6228480000000000018") || strings.Contains(err.Error(), "王秀兰") {
			t.Errorf("%s: the refusal shows personal data: %v", name, err)
		}
	}
}

func TestAnOrderAtTheLimitsIsRead(t *testing.T) {
	t.Parallel()
	good := map[string]string{
		"smallest amount":   with(t, `99500.00`, `0.01`),
		"largest amount":    with(t, `99500.00`, `9999999999999999.99`),
		"account of 1":      with(t, `6228480000000000018`, `6`),
		"account of 34":     with(t, `6228480000000000018`, strings.Repeat("6", 34)),
		"name of 140":       with(t, `王秀兰`, strings.Repeat("兰", 140)),
		"rare character":    with(t, `王秀兰`, `王𬭚`),
		"escaped character": with(t, `王秀兰`, `\u738b\u79c0\u5170`),
		"minority name":     with(t, `王秀兰`, `阿卜杜拉·买买提`),
		"empty remark":      with(t, `"purpose"`, `"remark":"","purpose"`),
		"spaces around":     " \n" + exampleBody + "\n ",
		"at the body limit": exampleBody + strings.Repeat(" ", channel.BodyMax-len(exampleBody)),
	}
	for name, body := range good {
		if _, err := channel.DecodeOrder([]byte(body)); err != nil {
			t.Errorf("%s: DecodeOrder(%.200s) = %v, want none", name, body, err)
		}
	}
}

func FuzzAnOrderThatIsReadIsWrittenAndReadTheSame(f *testing.F) {
	f.Add([]byte(exampleBody))
	f.Add([]byte(`{"id":"","amount":1e9}`))
	f.Add([]byte(`{"amount":"1.00","amount":"2.00"}`))
	f.Add([]byte("[{\x00"))
	f.Fuzz(func(t *testing.T, body []byte) {
		order, err := channel.DecodeOrder(body)
		if err != nil {
			return
		}
		written, err := json.Marshal(order)
		if err != nil {
			t.Fatalf("Marshal(%+v) = %v", order, err)
		}
		again, err := channel.DecodeOrder(written)
		if err != nil || again != order {
			t.Fatalf("DecodeOrder(%q) = %+v; written and read again: %+v, %v", body, order, again, err)
		}
	})
}
