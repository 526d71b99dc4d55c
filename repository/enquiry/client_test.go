package enquiry_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"fumin/domain/borrower"
	"fumin/domain/money"
	"fumin/domain/origination"
	"fumin/repository/channel"
	"fumin/repository/enquiry"
	"fumin/repository/enquiry/sandbox"
)

var secret = []byte("0123456789abcdef0123456789abcdef")

func realNow() time.Time { return time.Now().UTC() } // the signature's window is checked against it

func question() origination.EnquiryRequest {
	return origination.EnquiryRequest{
		ID: "01900000-0000-7000-8000-0000000000a1", Name: borrower.MustParseName("王吉华"),
		IDNumber:  borrower.MustParseIDNumber("37159919680503009X"),
		ConsentID: "01900000-0000-7000-8000-0000000000a2", ConsentTextVersion: "credit-2026.1",
		Amount: money.MustParseAmount("150000.00"), TermMonths: 12, ProductCode: "QLFMD",
	}
}

// pair is a client and the server it speaks to.
func pair(t *testing.T, handler http.Handler, key []byte) *enquiry.Client {
	t.Helper()
	listening := httptest.NewServer(handler)
	t.Cleanup(listening.Close)
	client, err := enquiry.New(listening.URL, "fumin", key, realNow)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	return client
}

func newSandbox(t *testing.T) *sandbox.Server {
	t.Helper()
	s, err := sandbox.New(map[string][]byte{"fumin": secret}, realNow)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func TestTheThreeServicesAnswerWhatTheyAreTold(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	client := pair(t, s, secret)
	for service, c := range map[string]struct {
		answer enquiry.Answer
		ask    func(context.Context, origination.EnquiryRequest) (origination.EnquiryAnswer, error)
		want   string
	}{
		"bureau": {
			enquiry.Answer{Result: "adverse", OverdueNow: true, OverdueAmount: "0.01", Liabilities: "1234567.89", Enquiries6Months: 7},
			client.EnquireCredit, "adverse true 0.01 7 1234567.89",
		},
		"screening":          {enquiry.Answer{Result: "hit", Note: "名单甲"}, client.Screen, "hit false 0.00 0 0.00"},
		"guarantee_precheck": {enquiry.Answer{Result: "refer"}, client.Precheck, "refer false 0.00 0 0.00"},
	} {
		if err := s.Set(service, sandbox.Control{Mode: sandbox.ModeAnswer, Answer: c.answer}); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second is the same question, and the same answer
			a, err := c.ask(t.Context(), question())
			if err != nil {
				t.Fatalf("%s: %v", service, err)
			}
			if got := fmt.Sprint(a.Result, " ", a.OverdueNow, " ", a.OverdueAmount, " ", a.Enquiries6Months, " ", a.Liabilities); got != c.want || a.Note != c.answer.Note || a.Reference == "" {
				t.Errorf("%s: got %s %+v, want %s", service, got, a, c.want)
			}
		}
		asked := s.Asked().Services[service]
		if asked.Requests != 2 || len(asked.Enquiries) != 1 {
			t.Errorf("%s: asked %+v, want two requests and one enquiry", service, asked)
		}
	}
}

func wantFailure(t *testing.T, what string, err error, code string) {
	t.Helper()
	failure, ok := errors.AsType[*origination.EnquiryError](err)
	if !ok || failure.Code != code {
		t.Errorf("%s: %v, want a failure %q", what, err, code)
		return
	}
	if text := err.Error(); strings.Contains(text, "王吉华") || strings.Contains(text, "37159919680503009X") {
		t.Errorf("%s: the error names the borrower: %s", what, text)
	}
}

func TestWhateverIsNoAnswerIsAFailure(t *testing.T) {
	t.Parallel()
	for mode, code := range map[sandbox.Mode]string{
		sandbox.ModeDown: origination.EnquiryUnavailable, sandbox.ModeRefuse: origination.EnquiryRefused,
		sandbox.ModeUnsigned: origination.EnquiryUnsigned, sandbox.ModeBroken: origination.EnquiryUnreadable,
		sandbox.ModeOtherID: origination.EnquiryUnreadable, sandbox.ModeDropAnswer: origination.EnquiryConnectionLost,
		sandbox.ModeHang: origination.EnquiryTimeout,
	} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			s := newSandbox(t)
			client := pair(t, s, secret)
			if err := s.Set("bureau", sandbox.Control{Mode: mode}); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			_, err := client.EnquireCredit(ctx, question())
			wantFailure(t, string(mode), err, code)
		})
	}
}

func TestAQuestionUnderAnotherKeyIsRefused(t *testing.T) {
	t.Parallel()
	client := pair(t, newSandbox(t), []byte("ffffffffffffffffffffffffffffffff"))
	_, err := client.Screen(t.Context(), question())
	wantFailure(t, "another key", err, origination.EnquiryRefused)
}

// An institution that speaks our protocol, with the right key, but sends what it must not.
func TestASignedAnswerThatCannotBeIsUnreadable(t *testing.T) {
	t.Parallel()
	const id = "01900000-0000-7000-8000-0000000000a1"
	for name, body := range map[string]string{
		"a result of another service": `{"id":"` + id + `","result":"hit","overdue_amount":"0.00","liabilities":"0.00","reference":"R"}`,
		"no sum":                      `{"id":"` + id + `","result":"clear","liabilities":"0.00","reference":"R"}`,
		"a sum as a number":           `{"id":"` + id + `","result":"clear","overdue_amount":0.0,"liabilities":"0.00","reference":"R"}`,
		"a negative sum":              `{"id":"` + id + `","result":"clear","overdue_amount":"-1.00","liabilities":"0.00","reference":"R"}`,
		"an unknown field":            `{"id":"` + id + `","result":"clear","overdue_amount":"0.00","liabilities":"0.00","reference":"R","score":700}`,
		"text after it":               `{"id":"` + id + `","result":"clear","overdue_amount":"0.00","liabilities":"0.00","reference":"R"}x`,
		"no reference":                `{"id":"` + id + `","result":"clear","overdue_amount":"0.00","liabilities":"0.00"}`,
		"too long":                    `{"id":"` + id + `","result":"clear","note":"` + strings.Repeat("a", channel.BodyMax) + `"}`,
		"nothing":                     ``,
	} {
		client := pair(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set(channel.HeaderSignature, channel.SignAnswer(secret, 200, r.Header.Get(channel.HeaderSignature), []byte(body)))
			_, _ = w.Write([]byte(body)) // a client that has gone fails the test by itself
		}), secret)
		_, err := client.EnquireCredit(t.Context(), question())
		wantFailure(t, name, err, origination.EnquiryUnreadable)
	}
}

func TestNothingPersonalStandsInTheAddressOrInWhatIsPrinted(t *testing.T) {
	t.Parallel()
	paths := make(chan string, 1)
	client := pair(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		paths <- r.RequestURI
		w.WriteHeader(http.StatusServiceUnavailable)
	}), secret)
	_, err := client.EnquireCredit(t.Context(), question())
	wantFailure(t, "unavailable", err, origination.EnquiryUnavailable)
	if got := <-paths; got != enquiry.PathCredit {
		t.Errorf("asked at %s, want %s and nothing more", got, enquiry.PathCredit)
	}
	for _, printed := range []string{fmt.Sprint(question()), fmt.Sprintf("%+v %#v", question(), question())} {
		if strings.Contains(printed, "37159919680503009X") || strings.Contains(printed, "王吉华") {
			t.Errorf("a printed question names the borrower: %s", printed)
		}
	}
}

func TestAnAddressOrAKeyThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		url, key string
		secret   []byte
	}{
		"plain HTTP to another machine": {"http://bureau.example", "fumin", secret},
		"a path":                        {"https://bureau.example/x", "fumin", secret},
		"a short secret":                {"https://bureau.example", "fumin", secret[:31]},
		"no key id":                     {"https://bureau.example", "", secret},
	} {
		if _, err := enquiry.New(c.url, c.key, c.secret, realNow); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

// Whatever comes back, the decoder ends, and what it accepts is within its bounds.
func FuzzDecodeAnswer(f *testing.F) {
	f.Add(enquiry.PathCredit, []byte(`{"id":"x","result":"clear","overdue_amount":"0.00","liabilities":"0.00","reference":"R"}`))
	f.Add(enquiry.PathScreening, []byte(`{"id":"x","result":"hit","note":"名单","reference":"R"}`))
	f.Add(enquiry.PathPrecheck, []byte(`{"id":"x","id":"y","result":"refer","reference":"R"}`))
	f.Fuzz(func(t *testing.T, path string, body []byte) {
		a, err := enquiry.DecodeAnswer(path, "x", body)
		if err != nil {
			return
		}
		if a.Reference == "" || len([]rune(a.Note)) > origination.EnquiryNoteMax || a.OverdueAmount.Sign() < 0 || a.Liabilities.Sign() < 0 || a.Enquiries6Months < 0 {
			t.Errorf("accepted %q as %+v", body, a)
		}
	})
}
