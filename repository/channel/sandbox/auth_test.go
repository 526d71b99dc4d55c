package sandbox_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fumin/repository/channel"
	"fumin/repository/channel/sandbox"
)

// request is a payment as it would be sent by hand: signed right, until a test changes it.
type request struct {
	method, path, at, keyID, body, contentType string
	secret                                     []byte
	tamper                                     func(*http.Request) // after signing
}

func soundRequest() request {
	return request{
		method: http.MethodPost, path: channel.PaymentsPath, at: noon.Format(channel.TimeLayout), keyID: "demo-1",
		contentType: "application/json", secret: secret,
		body: `{"id":"0198d0c4-7a00-7000-8000-000000000001","amount":"1.00","currency":"CNY","payee_account":"1","payee_name":"a","payee_bank":"b","purpose":"c"}`,
	}
}

// send sends it and returns status, code of refusal, and whether the answer is signed as the protocol says.
func (b *bank) send(q request) (status int, code string, signed bool) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), q.method, b.url+q.path, strings.NewReader(q.body))
	if err != nil {
		b.t.Fatal(err)
	}
	signature := channel.SignRequest(q.secret, q.method, q.path, q.at, q.keyID, []byte(q.body))
	r.Header.Set(channel.HeaderKeyID, q.keyID)
	r.Header.Set(channel.HeaderTime, q.at)
	r.Header.Set(channel.HeaderSignature, signature)
	r.Header.Set("Content-Type", q.contentType)
	if q.tamper != nil {
		q.tamper(r)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	var refusal channel.Refusal
	if err := json.Unmarshal(content, &refusal); err != nil {
		b.t.Fatalf("answer %d %s is no JSON: %v", response.StatusCode, content, err)
	}
	want := channel.SignAnswer(q.secret, response.StatusCode, signature, content)
	return response.StatusCode, refusal.Code, response.Header.Get(channel.HeaderSignature) == want
}

func TestARequestThatIsNotRightIsRefusedAndNothingPaid(t *testing.T) {
	t.Parallel()
	b := start(t)
	at := func(d time.Duration) string { return noon.Add(d).Format(channel.TimeLayout) }
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for name, c := range map[string]struct {
		change func(*request)
		status int
		code   string
		signed bool // only a request whose signature was right gets a signed answer
	}{
		"wrong secret":        {func(q *request) { q.secret = []byte(strings.Repeat("x", 32)) }, 401, "signature-invalid", false},
		"secret of other key": {func(q *request) { q.secret = keys["old"] }, 401, "signature-invalid", false},
		"unknown key":         {func(q *request) { q.keyID = "demo-2" }, 401, "key-unknown", false},
		"no key":              {func(q *request) { q.keyID = "" }, 401, "key-unknown", false},
		"no signature":        {func(q *request) { q.tamper = header(channel.HeaderSignature, "") }, 401, "signature-invalid", false},
		"signature in capitals": {func(q *request) {
			q.tamper = func(r *http.Request) {
				r.Header.Set(channel.HeaderSignature, strings.ToUpper(r.Header.Get(channel.HeaderSignature)))
			}
		}, 401, "signature-invalid", false},
		"key id changed":       {func(q *request) { q.tamper = header(channel.HeaderKeyID, "old") }, 401, "signature-invalid", false},
		"time changed":         {func(q *request) { q.tamper = header(channel.HeaderTime, at(time.Second)) }, 401, "signature-invalid", false},
		"query string added":   {func(q *request) { q.tamper = func(r *http.Request) { r.URL.RawQuery = "x=1" } }, 401, "signature-invalid", false},
		"too old":              {func(q *request) { q.at = at(-channel.TimeWindow - time.Second) }, 401, "time-outside-window", true},
		"from the future":      {func(q *request) { q.at = at(channel.TimeWindow + time.Second) }, 401, "time-outside-window", true},
		"time of another form": {func(q *request) { q.at = "2026-08-23T12:00:00+08:00" }, 401, "time-outside-window", true},
		"no time":              {func(q *request) { q.at = "" }, 401, "time-outside-window", true},
		"form":                 {func(q *request) { q.contentType = "application/x-www-form-urlencoded" }, 415, "not-json", true},
		"no content type":      {func(q *request) { q.contentType = "" }, 415, "not-json", true},
		"empty body":           {func(q *request) { q.body = "" }, 400, "invalid-request", true},
		"amount as a number":   {func(q *request) { q.body = strings.Replace(q.body, `"1.00"`, `1.00`, 1) }, 400, "invalid-request", true},
		"body too long":        {func(q *request) { q.body += strings.Repeat(" ", channel.BodyMax) }, 413, "body-too-large", false},
		"unknown path":         {func(q *request) { q.path = "/v1/payment" }, 404, "path-not-found", false},
		"wrong method":         {func(q *request) { q.method = http.MethodDelete }, 404, "path-not-found", false},
		"query of nobody's id": {func(q *request) { q.method, q.path, q.body = http.MethodGet, channel.PaymentsPath+"/x", "" }, 404, "payment-not-found", true},
		"unsigned query":       {func(q *request) { q.method, q.path, q.keyID = http.MethodGet, channel.PaymentsPath+"/x", "" }, 401, "key-unknown", false},
	} {
		q := soundRequest()
		c.change(&q)
		status, code, signed := b.send(q)
		if status != c.status || code != c.code || signed != c.signed {
			t.Errorf("%s: %d %q, signed %t; want %d %q, signed %t", name, status, code, signed, c.status, c.code, c.signed)
		}
	}
	b.wantPaid(0, "0.00")
}

func TestARequestInsideTheTimeWindowIsTaken(t *testing.T) {
	t.Parallel()
	b := start(t)
	for _, off := range []time.Duration{-channel.TimeWindow, channel.TimeWindow} {
		q := soundRequest()
		q.at = noon.Add(off).Format(channel.TimeLayout)
		if status, code, signed := b.send(q); status != 200 || !signed {
			t.Errorf("signed %s off: %d %q, signed %t; want 200, signed", off, status, code, signed)
		}
	}
	b.wantPaid(1, "1.00")
}

func TestTheBytesOfABodyMayDifferWhereItsFieldsDoNot(t *testing.T) {
	t.Parallel()
	b := start(t)
	q := soundRequest()
	b.send(q)
	q.body = " " + strings.Replace(q.body, `"payee_name":"a"`, `"remark":"", "payee_name":"\u0061"`, 1)
	if status, code, _ := b.send(q); status != 200 {
		t.Errorf("the same payment in other words = %d %q, want 200", status, code)
	}
	b.wantPaid(1, "1.00")
}

func TestTheClientTakesARefusalForUnknown(t *testing.T) {
	t.Parallel()
	b := start(t)
	late := func() time.Time { return noon.Add(-channel.TimeWindow - time.Second) }
	for name, client := range map[string]*channel.Client{
		"wrong secret": b.connect(clock, 0, "demo-1", keys["old"]),
		"unknown key":  b.connect(clock, 0, "demo-9", secret),
		"wrong clock":  b.connect(late, 0, "demo-1", secret),
	} {
		if got := pay(t, client, payment(1)); got.State != channel.StateUnknown || got.FailureCode != channel.UnknownRequestRefused {
			t.Errorf("%s: Pay = %+v, want unknown, %s", name, got, channel.UnknownRequestRefused)
		}
		if got := query(t, client, payment(1)); got.State != channel.StateUnknown {
			t.Errorf("%s: Query = %+v, want unknown, not %s", name, got, channel.StateNotFound)
		}
	}
	if got := pay(t, b.connect(clock, 0, "old", keys["old"]), payment(1)); got.State != channel.StateSucceeded {
		t.Errorf("Pay with the other valid key = %+v, want succeeded", got)
	}
}

func TestAServerIsNotMadeOfWrongOptions(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "record.jsonl")
	for name, options := range map[string]sandbox.Options{
		"no file":      {Keys: keys, Now: clock},
		"no clock":     {RecordFile: file, Keys: keys},
		"no keys":      {RecordFile: file, Now: clock},
		"short secret": {RecordFile: file, Now: clock, Keys: map[string][]byte{"k": []byte("short")}},
		"bad key id":   {RecordFile: file, Now: clock, Keys: map[string][]byte{"k k": secret}},
		"no directory": {RecordFile: filepath.Join(file, "x", "y"), Now: clock, Keys: keys},
	} {
		if _, err := sandbox.New(options); err == nil {
			t.Errorf("%s: New = nil, want an error", name)
		}
	}
}

func FuzzNoBodyMakesTheServerPayWhatItCannotRead(f *testing.F) {
	f.Add([]byte(soundRequest().body))
	f.Add([]byte(`{"id":"0198d0c4-7a00-7000-8000-000000000001","amount":1e9}`))
	f.Add([]byte("{"))
	server, err := sandbox.New(sandbox.Options{RecordFile: filepath.Join(f.TempDir(), "record.jsonl"), Keys: keys, Now: clock})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := server.Close(); err != nil {
			f.Error(err)
		}
	})
	f.Fuzz(func(t *testing.T, body []byte) {
		r := httptest.NewRequest(http.MethodPost, channel.PaymentsPath, strings.NewReader(string(body)))
		at := noon.Format(channel.TimeLayout)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set(channel.HeaderKeyID, "demo-1")
		r.Header.Set(channel.HeaderTime, at)
		r.Header.Set(channel.HeaderSignature, channel.SignRequest(secret, http.MethodPost, channel.PaymentsPath, at, "demo-1", body))
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)

		order, err := channel.DecodeOrder(body)
		got := fmt.Sprintf("POST %q = %d %s", body, w.Code, w.Body)
		switch w.Code {
		case http.StatusOK:
			var answer channel.Answer
			if err != nil || json.Unmarshal(w.Body.Bytes(), &answer) != nil || answer.ID != order.ID || answer.Amount != order.Amount {
				t.Fatalf("%s, want a refusal (%v) or an answer about it", got, err)
			}
		case http.StatusConflict:
			if err != nil {
				t.Fatalf("%s, want it refused: %v", got, err)
			}
		case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
			if err == nil {
				t.Fatalf("%s, want it paid: it is a sound order", got)
			}
		default:
			t.Fatalf("%s, want 200, 400, 409 or 413", got)
		}
	})
}
