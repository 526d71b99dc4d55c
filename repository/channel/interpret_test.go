package channel

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	askedID     = "0198d0c4-7a00-7000-8000-000000000001"
	askedAmount = "99500.00"
	paidAt      = "2026-08-23T10:30:00.1234567+08:00"
)

var asked = expected{id: askedID, amount: askedAmount, query: true, paidAtMax: time.Date(2026, 8, 23, 2, 35, 0, 0, time.UTC)}

// answer is a sound document of a payment that succeeded, with replacements: old, new, old, new...
func answer(t *testing.T, replacements ...string) string {
	t.Helper()
	text := `{"id":"` + askedID + `","amount":"99500.00","currency":"CNY","state":"succeeded",` +
		`"channel_reference":"REF-1","accepted_at":"2026-08-23T02:30:00Z","paid_at":"` + paidAt + `"}`
	for i := 0; i < len(replacements); i += 2 {
		if !strings.Contains(text, replacements[i]) {
			t.Fatalf("the answer has no %q", replacements[i])
		}
		text = strings.Replace(text, replacements[i], replacements[i+1], 1)
	}
	return text
}

const paidAtMember = `,"paid_at":"` + paidAt + `"`

func failedAnswer(t *testing.T, replacements ...string) string {
	t.Helper()
	return answer(t, append([]string{
		`succeeded`, `failed`, paidAtMember, `,"failure_code":"name-mismatch","failure_reason":"户名不符"`,
	}, replacements...)...)
}

func TestASoundAuthenticAnswerIsBelieved(t *testing.T) {
	t.Parallel()
	succeeded := Result{
		State: StateSucceeded, ChannelReference: "REF-1",
		PaidAt: time.Date(2026, 8, 23, 2, 30, 0, 123456000, time.UTC), // microseconds, cut
	}
	failed := Result{State: StateFailed, ChannelReference: "REF-1", FailureCode: "name-mismatch", FailureReason: "户名不符"}
	for _, c := range []struct {
		name   string
		status int
		body   string
		want   Result
	}{
		{"succeeded", 200, answer(t), succeeded},
		{"succeeded, amount spelt otherwise", 200, answer(t, `"99500.00"`, `"99500"`), succeeded},
		{"succeeded, with fields we do not know", 200, answer(t, `{`, `{"fee":{"amount":[1,2]},"note":null,`), succeeded},
		{"failed by 422", 422, failedAnswer(t), failed},
		{"failed by 200, as queries answer", 200, failedAnswer(t), failed},
		{"a reason with control characters", 422, failedAnswer(t, `户名不符`, `户名\u0000不\n符`), failed},
		{"no such id", 404, `{"code":"payment-not-found","reason":"","id":"` + askedID + `"}`, Result{State: StateNotFound}},
	} {
		if diff := cmp.Diff(c.want, interpret(c.status, []byte(c.body), true, asked)); diff != "" {
			t.Errorf("%s: interpret(%d, %s) differs (-want +got):\n%s", c.name, c.status, c.body, diff)
		}
	}
}

func TestWhateverLeavesDoubtIsUnknown(t *testing.T) {
	t.Parallel()
	const notFound = `{"code":"payment-not-found","reason":"","id":"` + askedID + `"}`
	for _, c := range []struct {
		name   string
		status int
		body   string
		code   string
	}{
		{"500 with a sound document", 500, answer(t), UnknownUnavailable},
		{"503", 503, `{"code":"unavailable"}`, UnknownUnavailable},
		{"502 with HTML", 502, `<html>`, UnknownUnavailable},
		{"201 with a sound document", 201, answer(t), UnknownRequestRefused},
		{"302", 302, ``, UnknownRequestRefused},
		{"400", 400, `{"code":"invalid-request"}`, UnknownRequestRefused},
		{"400 with a document that says failed", 400, failedAnswer(t), UnknownRequestRefused},
		{"401", 401, `{"code":"key-unknown"}`, UnknownRequestRefused},
		{"409", 409, `{"code":"id-used","id":"` + askedID + `"}`, UnknownRequestRefused},
		{"404 of a proxy", 404, `404 page not found`, UnknownRequestRefused},
		{"404 about another id", 404, strings.Replace(notFound, "0001", "0002", 1), UnknownRequestRefused},
		{"404 with another code", 404, strings.Replace(notFound, "payment-not-found", "path-not-found", 1), UnknownRequestRefused},
		{"404 with the code twice", 404, strings.Replace(notFound, `{`, `{"code":"payment-not-found",`, 1), UnknownRequestRefused},
		{"410", 410, notFound, UnknownRequestRefused},
		{"empty", 200, ``, UnknownAnswerUnreadable},
		{"null", 200, `null`, UnknownAnswerUnreadable},
		{"half", 200, answer(t)[:100], UnknownAnswerUnreadable},
		{"two documents", 200, answer(t) + answer(t), UnknownAnswerUnreadable},
		{"state twice", 200, answer(t, `"state"`, `"state":"failed","state"`), UnknownAnswerUnreadable},
		{"amount as a number", 200, answer(t, `"99500.00"`, `99500.00`), UnknownAnswerUnreadable},
		{"too long", 200, answer(t) + strings.Repeat(" ", BodyMax), UnknownAnswerUnreadable},
		{"not UTF-8", 200, answer(t, "REF-1", "\xff"), UnknownAnswerUnreadable},
		{"another id", 200, answer(t, "0001", "0002"), UnknownAnswerMismatch},
		{"id missing", 200, answer(t, `"id":"`+askedID+`",`, ``), UnknownAnswerMismatch},
		{"ID in capitals", 200, answer(t, `"id"`, `"ID"`), UnknownAnswerMismatch},
		{"one fen more", 200, answer(t, "99500.00", "99500.01"), UnknownAnswerMismatch},
		{"negative", 200, answer(t, "99500.00", "-99500.00"), UnknownAnswerMismatch},
		{"a third decimal", 200, answer(t, "99500.00", "99500.001"), UnknownAnswerMismatch},
		{"amount missing", 200, answer(t, `"amount":"99500.00",`, ``), UnknownAnswerMismatch},
		{"another currency", 200, answer(t, "CNY", "JPY"), UnknownAnswerMismatch},
		{"failed, another id", 422, failedAnswer(t, "0001", "0002"), UnknownAnswerMismatch},
		{"failed, another amount", 422, failedAnswer(t, "99500.00", "9950.00"), UnknownAnswerMismatch},
		{"unknown state", 200, answer(t, "succeeded", "SUCCEEDED"), UnknownAnswerMismatch},
		{"state missing", 200, answer(t, `"state":"succeeded",`, ``), UnknownAnswerMismatch},
		{"422 that says succeeded", 422, answer(t), UnknownAnswerMismatch},
		{"422 that says processing", 422, answer(t, "succeeded", "processing", paidAtMember, ""), UnknownAnswerMismatch},
		{"succeeded without paid_at", 200, answer(t, paidAtMember, ``), UnknownAnswerMismatch},
		{"succeeded in the future", 200, answer(t, paidAt, "2026-08-23T02:35:00.000001Z"), UnknownAnswerMismatch},
		{"succeeded in year 1", 200, answer(t, paidAt, "0001-01-01T00:00:00Z"), UnknownAnswerMismatch},
		{"succeeded at a time without zone", 200, answer(t, paidAt, "2026-08-23T02:30:00"), UnknownAnswerMismatch},
		{"succeeded without reference", 200, answer(t, `"channel_reference":"REF-1",`, ``), UnknownAnswerMismatch},
		{"reference with a space", 200, answer(t, "REF-1", "REF 1"), UnknownAnswerMismatch},
		{"reference of 65", 200, answer(t, "REF-1", strings.Repeat("R", 65)), UnknownAnswerMismatch},
		{"succeeded with a failure code", 200, answer(t, paidAtMember, paidAtMember+`,"failure_code":"x"`), UnknownAnswerMismatch},
		{"failed without a code", 422, failedAnswer(t, `"failure_code":"name-mismatch",`, ``), UnknownAnswerMismatch},
		{"failed with a code in Chinese", 422, failedAnswer(t, `name-mismatch`, `户名`), UnknownAnswerMismatch},
		{"failed with paid_at", 422, failedAnswer(t, `}`, paidAtMember+`}`), UnknownAnswerMismatch},
		{"processing", 200, answer(t, "succeeded", "processing", paidAtMember, ""), UnknownProcessing},
	} {
		got := interpret(c.status, []byte(c.body), true, asked)
		if got.State != StateUnknown || got.FailureCode != c.code || got.FailureReason == "" {
			t.Errorf("%s: interpret(%d, %.300s) = %+v, want unknown, %s, with a reason", c.name, c.status, c.body, got, c.code)
		}
	}
}

func TestAnAnswerThatIsNotAuthenticDecidesNothing(t *testing.T) {
	t.Parallel()
	for status, body := range map[int]string{
		http.StatusOK:                  answer(t),
		http.StatusUnprocessableEntity: failedAnswer(t),
		http.StatusNotFound:            `{"code":"payment-not-found","reason":"","id":"` + askedID + `"}`,
	} {
		if got := interpret(status, []byte(body), false, asked); got.State != StateUnknown {
			t.Errorf("interpret(%d, %s, not authentic) = %+v, want unknown", status, body, got)
		}
	}
}

func TestOnlyAQueryCanFindNoSuchPayment(t *testing.T) {
	t.Parallel()
	sent := asked
	sent.query = false
	body := `{"code":"payment-not-found","reason":"","id":"` + askedID + `"}`
	if got := interpret(http.StatusNotFound, []byte(body), true, sent); got.State != StateUnknown {
		t.Errorf("interpret(404 to a payment) = %+v, want unknown", got)
	}
}

func TestTheCodeOfARefusalReachesStaffAndOtherTextDoesNot(t *testing.T) {
	t.Parallel()
	got := interpret(http.StatusConflict, []byte(`{"code":"id-used","reason":"王秀兰 6228480000000000018"}`), true, asked)
	if !strings.Contains(got.FailureReason, "id-used") || !strings.Contains(got.FailureReason, "409") {
		t.Errorf("reason %q, want the status and the code", got.FailureReason)
	}
	if strings.Contains(got.FailureReason, "王秀兰") {
		t.Errorf("reason %q shows the channel's text", got.FailureReason)
	}
	got = interpret(http.StatusConflict, []byte(`{"code":"<script>"}`), true, asked)
	if strings.Contains(got.FailureReason, "<") {
		t.Errorf("reason %q shows a code that is none", got.FailureReason)
	}
}

func TestALongFailureReasonIsCut(t *testing.T) {
	t.Parallel()
	got := interpret(422, []byte(failedAnswer(t, "户名不符", strings.Repeat("长", 1000))), true, asked)
	if got.State != StateFailed || got.FailureReason != strings.Repeat("长", textMax) {
		t.Errorf("got %s with a reason of %d bytes, want failed with %d characters", got.State, len(got.FailureReason), textMax)
	}
}

func FuzzNoAnswerIsBelievedThatIsNotAboutOurPayment(f *testing.F) {
	f.Add(200, []byte(`{"id":"`+askedID+`","amount":"99500.00","currency":"CNY","state":"succeeded","channel_reference":"R","paid_at":"2026-08-23T02:30:00Z"}`), true)
	f.Add(422, []byte(`{"id":"`+askedID+`","amount":"99500.00","currency":"CNY","state":"failed","channel_reference":"R","failure_code":"x"}`), true)
	f.Add(404, []byte(`{"code":"payment-not-found","id":"`+askedID+`"}`), true)
	f.Add(200, []byte(`{"id":1e9}`), false)
	f.Add(500, []byte("\x00"), true)
	f.Fuzz(func(t *testing.T, status int, body []byte, authentic bool) {
		got := interpret(status, body, authentic, asked)
		input := fmt.Sprintf("interpret(%d, %q, %t) = %+v", status, body, authentic, got)
		if got.State == StateUnknown {
			if got.FailureCode == "" || got.FailureReason == "" {
				t.Fatalf("%s: unknown without a reason", input)
			}
			return
		}
		if !authentic {
			t.Fatalf("%s: believed without a signature", input)
		}
		values, err := object(body)
		if err != nil {
			t.Fatalf("%s: believed although unreadable: %v", input, err)
		}
		if id, _ := stringValue(values["id"]); id != askedID {
			t.Fatalf("%s: believed about %q", input, id)
		}
		if amount, _ := stringValue(values["amount"]); got.State != StateNotFound && !sameSum(amount, askedAmount) {
			t.Fatalf("%s: believed about %q yuan", input, amount)
		}
		if (got.State == StateSucceeded) != !got.PaidAt.IsZero() || (got.State == StateFailed) != (got.FailureCode != "") {
			t.Fatalf("%s: contradicts itself", input)
		}
		if len([]rune(got.FailureReason)) > textMax {
			t.Fatalf("%s: reason too long", input)
		}
	})
}
