package channel_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fumin/domain"
	"fumin/domain/money"
	"fumin/repository/channel"
)

var noon = time.Date(2026, 8, 23, 2, 30, 0, 0, time.UTC)

func clock() time.Time { return noon }

func payment() channel.Payment {
	return channel.Payment{
		ID: "0198d0c4-7a00-7000-8000-000000000001", Amount: money.MustParseAmount("99500"),
		PayeeAccount: "6228480000000000018", PayeeName: "王秀兰", PayeeBank: "中国农业银行曹县支行", Purpose: "购买鸭苗",
	}
}

// partner is a channel of which one answer is written by hand.
func partner(t *testing.T, timeout time.Duration, handler http.HandlerFunc) *channel.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	client, err := channel.New(channel.Options{
		BaseURL: server.URL, KeyID: "demo-1", Secret: exampleSecret, Timeout: timeout, Now: clock,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	return client
}

func TestTheClientSendsExactlyTheDocumentedExample(t *testing.T) {
	t.Parallel()
	var got string
	client := partner(t, 0, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		got = fmt.Sprint(r.Method, " ", r.RequestURI, " ", r.Header.Get("Content-Type"), " ", r.Header.Get("Fumin-Key-Id"), " ",
			r.Header.Get("Fumin-Time"), " ", r.Header.Get("Fumin-Signature"), " ", string(body), " ", err)
		w.Header().Set("Fumin-Signature", exampleAnswerSignature)
		_, _ = io.WriteString(w, exampleAnswer)
	})
	result, err := client.Pay(t.Context(), payment())
	want := "POST /v1/payments application/json demo-1 2026-08-23T02:30:00Z " + exampleRequestSignature + " " + exampleBody + " <nil>"
	if got != want {
		t.Errorf("sent\n%s\nwant\n%s", got, want)
	}
	if err != nil || result.State != channel.StateSucceeded || result.ChannelReference != "SBX-00000001" || !result.PaidAt.Equal(noon) {
		t.Errorf("Pay(example) = %+v, %v; want succeeded", result, err)
	}
}

func TestWhenTheExchangeBreaksThePaymentIsUnknown(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		code    string
	}{
		"connection dropped": {
			func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, channel.UnknownConnectionLost,
		},
		"body shorter than announced": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "500")
			w.Header().Set("Fumin-Signature", exampleAnswerSignature)
			_, _ = io.WriteString(w, exampleAnswer)
		}, channel.UnknownConnectionLost},
		"no answer in time": {
			func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice that the client has gone
				<-r.Context().Done()
			}, channel.UnknownTimeout,
		},
		"headers in time, body not": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Fumin-Signature", exampleAnswerSignature)
			_, _ = io.WriteString(w, exampleAnswer[:10])
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, channel.UnknownTimeout},
		"endless body": {func(w http.ResponseWriter, _ *http.Request) {
			spaces := bytes.Repeat([]byte(" "), 1<<12)
			for {
				if _, err := w.Write(spaces); err != nil {
					return
				}
			}
		}, channel.UnknownAnswerUnsigned},
		"unsigned": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, exampleAnswer)
		}, channel.UnknownAnswerUnsigned},
		"signed for another request": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Fumin-Signature", channel.SignAnswer(exampleSecret, 200, "another", []byte(exampleAnswer)))
			_, _ = io.WriteString(w, exampleAnswer)
		}, channel.UnknownAnswerUnsigned},
		"signed with another secret": {func(w http.ResponseWriter, r *http.Request) {
			other := []byte(strings.Repeat("x", 32))
			w.Header().Set("Fumin-Signature", channel.SignAnswer(other, 200, r.Header.Get("Fumin-Signature"), []byte(exampleAnswer)))
			_, _ = io.WriteString(w, exampleAnswer)
		}, channel.UnknownAnswerUnsigned},
		"signed for another status": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Fumin-Signature", exampleAnswerSignature)
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = io.WriteString(w, exampleAnswer)
		}, channel.UnknownAnswerUnsigned},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			timeout := 30 * time.Second // never reached, except where the time-out is the matter
			if c.code == channel.UnknownTimeout {
				timeout = 100 * time.Millisecond
			}
			result, err := partner(t, timeout, c.handler).Pay(t.Context(), payment())
			if err != nil || result.State != channel.StateUnknown || result.FailureCode != c.code {
				t.Errorf("Pay = %+v, %v; want unknown, %s", result, err, c.code)
			}
		})
	}
}

func TestADroppedConnectionIsNotAnsweredBySendingAgain(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	client := partner(t, 0, func(w http.ResponseWriter, _ *http.Request) {
		if requests.Add(1) > 1 { // the first answer keeps the connection, so that the second request is sent on a used one
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, "{}")
	})
	for range 2 {
		if result, err := client.Pay(t.Context(), payment()); err != nil || result.State != channel.StateUnknown {
			t.Errorf("Pay = %+v, %v; want unknown", result, err)
		}
	}
	if got := requests.Load(); got != 2 {
		t.Errorf("two calls of Pay sent %d requests, want 2", got)
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	client := partner(t, 0, func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	result, err := client.Pay(t.Context(), payment())
	if err != nil || result.State != channel.StateUnknown || requests.Load() != 1 {
		t.Errorf("Pay = %+v, %v after %d requests; want unknown after 1", result, err, requests.Load())
	}
}

func TestACancelledCallIsUnknownAndNotAnError(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	client := partner(t, 0, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		cancel()
		<-r.Context().Done()
	})
	for _, moment := range []string{"while it waits", "before it starts"} {
		if result, err := client.Pay(ctx, payment()); err != nil || result.State != channel.StateUnknown {
			t.Errorf("Pay cancelled %s = %+v, %v; want unknown", moment, result, err)
		}
	}
}

func TestNobodyThereIsUnknown(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	address := server.URL
	server.Close()
	client, err := channel.New(channel.Options{BaseURL: address, KeyID: "demo-1", Secret: exampleSecret, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	result, err := client.Query(t.Context(), payment().ID, payment().Amount)
	if err != nil || result.State != channel.StateUnknown || result.FailureCode != channel.UnknownConnectionLost || result.Cause == nil {
		t.Errorf("Query = %+v, %v; want unknown, %s, with a cause", result, err, channel.UnknownConnectionLost)
	}
}

func TestAPaymentThatBreaksTheProtocolIsNotSent(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	client := partner(t, 0, func(http.ResponseWriter, *http.Request) { requests.Add(1) })
	for name, c := range map[string]struct {
		change  func(*channel.Payment)
		pointer string
	}{
		"no id":             {func(p *channel.Payment) { p.ID = "" }, "/id"},
		"zero":              {func(p *channel.Payment) { p.Amount = money.Fen(0) }, "/amount"},
		"negative":          {func(p *channel.Payment) { p.Amount = money.Fen(-1) }, "/amount"},
		"too much":          {func(p *channel.Payment) { p.Amount = money.MustParseAmount("9999999999999999.99").Add(money.Fen(1)) }, "/amount"},
		"no account":        {func(p *channel.Payment) { p.PayeeAccount = "" }, "/payee_account"},
		"masked account":    {func(p *channel.Payment) { p.PayeeAccount = "**** 0018" }, "/payee_account"},
		"no name":           {func(p *channel.Payment) { p.PayeeName = "" }, "/payee_name"},
		"no bank":           {func(p *channel.Payment) { p.PayeeBank = "" }, "/payee_bank"},
		"no purpose":        {func(p *channel.Payment) { p.Purpose = "" }, "/purpose"},
		"remark too long":   {func(p *channel.Payment) { p.Remark = strings.Repeat("长", 141) }, "/remark"},
		"name not UTF-8":    {func(p *channel.Payment) { p.PayeeName = "\xff" }, "/payee_name"},
		"newline in remark": {func(p *channel.Payment) { p.Remark = "a\nb" }, "/remark"},
	} {
		p := payment()
		c.change(&p)
		_, err := client.Pay(t.Context(), p)
		refused, ok := errors.AsType[*domain.Error](err)
		if !ok || refused.Kind != domain.KindInvalid || len(refused.Fields) != 1 || refused.Fields[0].Pointer != c.pointer {
			t.Errorf("%s: Pay = %v, want one field problem at %s", name, err, c.pointer)
		}
	}
	if _, err := client.Query(t.Context(), "../control", money.Fen(1)); err == nil {
		t.Error("Query(../control) = nil, want an error")
	}
	if _, err := client.Query(t.Context(), payment().ID, money.Fen(0)); err == nil {
		t.Error("Query(amount zero) = nil, want an error")
	}
	if requests.Load() != 0 {
		t.Errorf("%d requests were sent, want none", requests.Load())
	}
}

func TestAPaymentShowsNoPersonalDataWhenPrintedOrLogged(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("paying", "payment", payment())
	p := payment()
	for _, text := range []string{fmt.Sprint(p), fmt.Sprintf("%v %+v %#v %s %v", p, p, p, p, &p), log.String()} {
		if strings.Contains(text, "6228") || strings.Contains(text, "王秀兰") || strings.Contains(text, "曹县") {
			t.Errorf("printed %s: shows personal data", text)
		}
		if !strings.Contains(text, p.ID.String()) || !strings.Contains(text, "99500.00") {
			t.Errorf("printed %s: want id and amount", text)
		}
	}
}

func TestAClientIsNotMadeOfWrongOptions(t *testing.T) {
	t.Parallel()
	good := channel.Options{BaseURL: "https://bank.example", KeyID: "k", Secret: exampleSecret, Now: clock}
	if _, err := channel.New(good); err != nil {
		t.Fatalf("New(%s) = %v, want none", good.BaseURL, err)
	}
	for name, change := range map[string]func(*channel.Options){
		"no address":          func(o *channel.Options) { o.BaseURL = "" },
		"plain HTTP afar":     func(o *channel.Options) { o.BaseURL = "http://bank.example" },
		"plain HTTP afar 2":   func(o *channel.Options) { o.BaseURL = "http://127.0.0.1.bank.example" },
		"another scheme":      func(o *channel.Options) { o.BaseURL = "ftp://127.0.0.1" },
		"a path":              func(o *channel.Options) { o.BaseURL = "https://bank.example/pay" },
		"a query":             func(o *channel.Options) { o.BaseURL = "https://bank.example?x=1" },
		"a password":          func(o *channel.Options) { o.BaseURL = "https://u:p@bank.example" },
		"unreadable":          func(o *channel.Options) { o.BaseURL = "https://bank example" },
		"no key id":           func(o *channel.Options) { o.KeyID = "" },
		"key id with newline": func(o *channel.Options) { o.KeyID = "a\nb" },
		"key id too long":     func(o *channel.Options) { o.KeyID = strings.Repeat("k", 65) },
		"short secret":        func(o *channel.Options) { o.Secret = o.Secret[:31] },
		"no clock":            func(o *channel.Options) { o.Now = nil },
		"negative time-out":   func(o *channel.Options) { o.Timeout = -time.Second },
	} {
		options := good
		change(&options)
		if _, err := channel.New(options); err == nil {
			t.Errorf("%s: New = nil, want an error", name)
		}
	}
}
