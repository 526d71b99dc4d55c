package sandbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fumin/domain"
	"fumin/domain/money"
	"fumin/repository/channel"
	"fumin/repository/channel/sandbox"
)

var (
	noon   = time.Date(2026, 8, 23, 4, 0, 0, 0, time.UTC)
	secret = []byte("a secret of thirty-two bytes, yes")
	keys   = map[string][]byte{"old": []byte("another secret of thirty-two bytes"), "demo-1": secret}
)

func clock() time.Time { return noon }

// bank is a running sandbox, and a client of it.
type bank struct {
	t      *testing.T
	file   string
	server *sandbox.Server
	url    string
	client *channel.Client
}

func open(t *testing.T, file string, now domain.Clock) *bank {
	t.Helper()
	server, err := sandbox.New(sandbox.Options{RecordFile: file, Keys: keys, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	listening := httptest.NewServer(server)
	t.Cleanup(func() {
		if err := server.Close(); err != nil { // first: it ends delays
			t.Errorf("Close = %v", err)
		}
		listening.Close()
	})
	b := &bank{t: t, file: file, server: server, url: listening.URL}
	b.client = b.connect(clock, 30*time.Second, "demo-1", secret)
	return b
}

func start(t *testing.T) *bank {
	t.Helper()
	return open(t, filepath.Join(t.TempDir(), "record.jsonl"), clock)
}

func (b *bank) connect(now domain.Clock, timeout time.Duration, keyID string, secret []byte) *channel.Client {
	b.t.Helper()
	client, err := channel.New(channel.Options{BaseURL: b.url, KeyID: keyID, Secret: secret, Timeout: timeout, Now: now})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(client.CloseIdleConnections)
	return client
}

func (b *bank) do(method, path, body string) (status int, answer string) {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return response.StatusCode, string(content)
}

// told sets the control over HTTP, as an operator does.
func (b *bank) told(control string) {
	b.t.Helper()
	if status, answer := b.do(http.MethodPut, "/v1/control", control); status != http.StatusOK {
		b.t.Fatalf("PUT /v1/control %s = %d %s, want 200", control, status, answer)
	}
}

func (b *bank) list(parameters string) sandbox.List {
	b.t.Helper()
	status, answer := b.do(http.MethodGet, "/v1/payments"+parameters, "")
	var list sandbox.List
	if err := json.Unmarshal([]byte(answer), &list); err != nil || status != http.StatusOK {
		b.t.Fatalf("GET /v1/payments%s = %d %s (%v), want 200 and a list", parameters, status, answer, err)
	}
	return list
}

// paid is how many payments the channel says it made, and their sum.
func (b *bank) paid() sandbox.Total { return b.list("").Totals[channel.WireSucceeded] }

func (b *bank) wantPaid(count int, amount string) {
	b.t.Helper()
	if diff := cmp.Diff(sandbox.Total{Count: count, Amount: amount}, b.paid()); diff != "" {
		b.t.Errorf("paid differs (-want +got):\n%s", diff)
	}
}

// lines counts the lines of the record file that are whole.
func (b *bank) lines() int {
	b.t.Helper()
	content, err := os.ReadFile(b.file)
	if err != nil {
		b.t.Fatal(err)
	}
	return bytes.Count(content, []byte("\n"))
}

func payment(n int) channel.Payment {
	return channel.Payment{
		ID:     domain.ID(fmt.Sprintf("0198d0c4-7a00-7000-8000-%012x", n)),
		Amount: money.Fen(100_00 + int64(n)), PayeeAccount: "6228480000000000018",
		PayeeName: "王秀兰", PayeeBank: "中国农业银行曹县支行", Purpose: "购买鸭苗", Remark: "齐鲁富民贷",
	}
}

func pay(t *testing.T, client *channel.Client, p channel.Payment) channel.Result {
	t.Helper()
	result, err := client.Pay(t.Context(), p)
	if err != nil {
		t.Fatalf("Pay(%s) = %v, want no error", p, err)
	}
	return result
}

func query(t *testing.T, client *channel.Client, p channel.Payment) channel.Result {
	t.Helper()
	result, err := client.Query(t.Context(), p.ID, p.Amount)
	if err != nil {
		t.Fatalf("Query(%s) = %v, want no error", p, err)
	}
	return result
}

func wantResult(t *testing.T, what string, got, want channel.Result) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", what, diff)
	}
}

func TestAPaymentIsMadeOnceAndFoundAgain(t *testing.T) {
	t.Parallel()
	b := start(t)
	want := channel.Result{State: channel.StateSucceeded, ChannelReference: "SBX-00000001", PaidAt: noon}
	wantResult(t, "Pay", pay(t, b.client, payment(1)), want)
	wantResult(t, "Pay again", pay(t, b.client, payment(1)), want)
	wantResult(t, "Query", query(t, b.client, payment(1)), want)
	wantResult(t, "Query of another id", query(t, b.client, payment(2)), channel.Result{State: channel.StateNotFound})
	b.wantPaid(1, "100.01")
	if got := b.lines(); got != 1 {
		t.Errorf("the record has %d lines, want 1", got)
	}
}

func TestAQueryAboutAnotherAmountIsUnknown(t *testing.T) {
	t.Parallel()
	b := start(t)
	pay(t, b.client, payment(1))
	other := payment(1)
	other.Amount = other.Amount.Add(money.Fen(1))
	if got := query(t, b.client, other); got.State != channel.StateUnknown || got.FailureCode != channel.UnknownAnswerMismatch {
		t.Errorf("Query with one fen more = %+v, want unknown, %s", got, channel.UnknownAnswerMismatch)
	}
}

func TestEachControlModeDoesWhatItSays(t *testing.T) {
	t.Parallel()
	succeeded, notFound := channel.StateSucceeded, channel.StateNotFound
	tests := map[sandbox.Mode]struct {
		control string // with the mode, for one request
		first   channel.State
		code    string        // why the first is unknown
		then    channel.State // what a query says afterwards
		paid    int           // by the first request
	}{
		sandbox.ModeNormal:            {``, succeeded, "", succeeded, 1},
		sandbox.ModeDown:              {``, channel.StateUnknown, channel.UnknownUnavailable, notFound, 0},
		sandbox.ModeDropRequest:       {``, channel.StateUnknown, channel.UnknownConnectionLost, notFound, 0},
		sandbox.ModeDropAnswer:        {``, channel.StateUnknown, channel.UnknownConnectionLost, succeeded, 1},
		sandbox.ModeAnswerTwice:       {``, succeeded, "", succeeded, 1},
		sandbox.ModeBreakAnswer:       {``, channel.StateUnknown, channel.UnknownAnswerUnreadable, succeeded, 1},
		sandbox.ModeUnsignedAnswer:    {``, channel.StateUnknown, channel.UnknownAnswerUnsigned, succeeded, 1},
		sandbox.ModeOtherIDAnswer:     {``, channel.StateUnknown, channel.UnknownAnswerMismatch, succeeded, 1},
		sandbox.ModeOtherAmountAnswer: {``, channel.StateUnknown, channel.UnknownAnswerMismatch, succeeded, 1},
		sandbox.ModeFail:              {`,"failure_code":"name-mismatch"`, channel.StateFailed, "", channel.StateFailed, 0},
		sandbox.ModeProcess:           {``, channel.StateUnknown, channel.UnknownProcessing, succeeded, 0},
	}
	if len(tests) != len(sandbox.Modes()) {
		t.Errorf("%d modes are tested, there are %d", len(tests), len(sandbox.Modes()))
	}
	for mode, c := range tests {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			b := start(t)
			b.told(fmt.Sprintf(`{"mode":%q,"requests":1%s}`, mode, c.control))
			first := pay(t, b.client, payment(1))
			if first.State != c.first || (c.code != "" && first.FailureCode != c.code) {
				t.Errorf("Pay = %+v, want %s %s", first, c.first, c.code)
			}
			if got := b.paid().Count; got != c.paid {
				t.Errorf("paid by the first request: %d, want %d", got, c.paid)
			}
			if got := query(t, b.client, payment(1)); got.State != c.then {
				t.Errorf("Query = %+v, want %s", got, c.then)
			}
			again := pay(t, b.client, payment(1))
			wantSucceeded := 1
			if mode == sandbox.ModeFail { // a failure is final, whatever the mode is now
				wantSucceeded = 0
				wantResult(t, "failed again", again, first)
			}
			if got := b.paid().Count; got != wantSucceeded {
				t.Errorf("paid after it was sent again: %d, want %d", got, wantSucceeded)
			}
		})
	}
}

func TestEveryFailureReasonIsReportedAndFinal(t *testing.T) {
	t.Parallel()
	b := start(t)
	for i, code := range []string{
		channel.FailureAccountNotFound, channel.FailureAccountClosed, channel.FailureAccountFrozen,
		channel.FailureNameMismatch, channel.FailureAmountOverLimit, channel.FailureInsufficientFunds,
		channel.FailurePayeeBankRefused,
	} {
		b.told(`{"mode":"fail","requests":1,"failure_code":"` + code + `"}`)
		first := pay(t, b.client, payment(i))
		if first.State != channel.StateFailed || first.FailureCode != code || first.FailureReason == "" || !first.PaidAt.IsZero() {
			t.Errorf("Pay told to fail with %s = %+v, want failed with that code and a reason", code, first)
		}
		wantResult(t, "Query", query(t, b.client, payment(i)), first)
		wantResult(t, "Pay again", pay(t, b.client, payment(i)), first)
	}
	b.wantPaid(0, "0.00")
	if got := b.list("").Totals[channel.WireFailed]; got.Count != 7 {
		t.Errorf("failed: %+v, want 7", got)
	}
}

func TestAPaymentThatOutlivesItsClientIsFoundLater(t *testing.T) {
	t.Parallel()
	b := start(t)
	b.told(`{"mode":"normal","requests":1,"delay_ms":400}`)
	hasty := b.connect(clock, 50*time.Millisecond, "demo-1", secret)
	if got := pay(t, hasty, payment(1)); got.State != channel.StateUnknown || got.FailureCode != channel.UnknownTimeout {
		t.Errorf("Pay = %+v, want unknown, %s", got, channel.UnknownTimeout)
	}
	limit, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		got := query(t, b.client, payment(1))
		if got.State == channel.StateSucceeded {
			break
		}
		if got.State != channel.StateNotFound || limit.Err() != nil {
			t.Fatalf("Query = %+v, want not found for a moment and then succeeded", got)
		}
	}
	b.wantPaid(1, "100.01")
}

func TestAnAnswerThatComesTooLateIsUnknownAndThePaymentMade(t *testing.T) {
	t.Parallel()
	b := start(t)
	b.told(`{"mode":"normal","requests":1,"answer_delay_ms":50000}`)
	hasty := b.connect(clock, 300*time.Millisecond, "demo-1", secret)
	if got := pay(t, hasty, payment(1)); got.State != channel.StateUnknown || got.FailureCode != channel.UnknownTimeout {
		t.Errorf("Pay = %+v, want unknown, %s", got, channel.UnknownTimeout)
	}
	if got := query(t, b.client, payment(1)); got.State != channel.StateSucceeded {
		t.Errorf("Query = %+v, want succeeded", got)
	}
}

// together calls Pay for one payment n times at once and returns the results.
func together(t *testing.T, client *channel.Client, n int, p channel.Payment) []channel.Result {
	t.Helper()
	results := make([]channel.Result, n)
	var all sync.WaitGroup
	gate := make(chan struct{})
	for i := range results {
		all.Go(func() {
			<-gate
			result, err := client.Pay(t.Context(), p)
			if err != nil {
				t.Errorf("Pay = %v", err)
			}
			results[i] = result
		})
	}
	close(gate)
	all.Wait()
	return results
}

func TestTwentyAtOnceMakeOnePayment(t *testing.T) {
	t.Parallel()
	b := start(t)
	want := channel.Result{State: channel.StateSucceeded, ChannelReference: "SBX-00000001", PaidAt: noon}
	for i, got := range together(t, b.client, 20, payment(1)) {
		wantResult(t, fmt.Sprintf("Pay %d", i), got, want)
	}
	b.wantPaid(1, "100.01")
	if got := b.lines(); got != 1 {
		t.Errorf("the record has %d lines, want 1", got)
	}
}

func TestTwentyAtOnceWithDroppedAnswersMakeOnePayment(t *testing.T) {
	t.Parallel()
	b := start(t)
	b.told(`{"mode":"drop_answer","requests":12}`)
	states := map[channel.State]int{}
	for _, got := range together(t, b.client, 20, payment(1)) {
		states[got.State]++
	}
	want := map[channel.State]int{channel.StateUnknown: 12, channel.StateSucceeded: 8}
	if diff := cmp.Diff(want, states); diff != "" {
		t.Errorf("states differ (-want +got):\n%s", diff)
	}
	b.wantPaid(1, "100.01")
}

func TestTheSecondOfTwoAnswersIsNeverTakenForAnotherPayments(t *testing.T) {
	t.Parallel()
	b := start(t)
	b.told(`{"mode":"answer_twice","queries":true}`)
	const payments = 100
	references := map[string]string{}
	for n := range payments {
		got := pay(t, b.client, payment(n))
		switch got.State {
		case channel.StateSucceeded:
			references[payment(n).ID.String()] = got.ChannelReference
		case channel.StateUnknown: // the answer before came a second time, instead of this one's, and was not believed
		default:
			t.Fatalf("payment %d = %+v, want succeeded or unknown", n, got)
		}
	}
	t.Logf("%d of %d payments met the second answer of another", payments-len(references), payments)
	b.told(`{"mode":"normal"}`)
	for n := range payments {
		if got := pay(t, b.client, payment(n)); got.State == channel.StateUnknown { // the last second answer
			pay(t, b.client, payment(n))
		}
	}
	list := b.list("")
	if got := list.Totals[channel.WireSucceeded].Count; got != payments {
		t.Errorf("paid %d, want %d", got, payments)
	}
	for _, p := range list.Payments {
		if got, told := references[p.ID]; told && got != p.ChannelReference {
			t.Errorf("we were told that payment %s is %s, the channel has it as %s", p.ID, got, p.ChannelReference)
		}
	}
}

func TestTheSameIDWithAnotherFieldIsRefused(t *testing.T) {
	t.Parallel()
	b := start(t)
	pay(t, b.client, payment(1))
	for name, change := range map[string]func(*channel.Payment){
		"amount":  func(p *channel.Payment) { p.Amount = p.Amount.Add(money.Fen(1)) },
		"account": func(p *channel.Payment) { p.PayeeAccount = "6228480000000000026" },
		"name":    func(p *channel.Payment) { p.PayeeName = "王秀蘭" },
		"bank":    func(p *channel.Payment) { p.PayeeBank = "曹县农村商业银行" },
		"purpose": func(p *channel.Payment) { p.Purpose = "购买饲料" },
		"remark":  func(p *channel.Payment) { p.Remark = "" },
	} {
		p := payment(1)
		change(&p)
		got := pay(t, b.client, p)
		if got.State != channel.StateUnknown || !strings.Contains(got.FailureReason, channel.RefusalIDUsed) {
			t.Errorf("Pay with another %s = %+v, want unknown because of %s", name, got, channel.RefusalIDUsed)
		}
	}
	b.wantPaid(1, "100.01")
}

func TestAPaymentInProcessIsPaidOnceItsTimeHasCome(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now := noon
	ticking := func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}
	file := filepath.Join(t.TempDir(), "record.jsonl")
	server, err := sandbox.New(sandbox.Options{RecordFile: file, Keys: keys, Now: ticking})
	if err != nil {
		t.Fatal(err)
	}
	listening := httptest.NewServer(server)
	t.Cleanup(listening.Close)
	b := &bank{t: t, file: file, server: server, url: listening.URL}
	b.client = b.connect(ticking, 0, "demo-1", secret)

	b.told(`{"mode":"process","requests":1,"settle_after_ms":30000}`)
	pay(t, b.client, payment(1))
	for range 2 { // sent again it is what it was
		if got := pay(t, b.client, payment(1)); got.FailureCode != channel.UnknownProcessing || got.ChannelReference != "SBX-00000001" {
			t.Errorf("Pay = %+v, want unknown, processing, SBX-00000001", got)
		}
	}
	if got := query(t, b.client, payment(1)); got.FailureCode != channel.UnknownProcessing {
		t.Errorf("Query before its time = %+v, want processing", got)
	}
	b.wantPaid(0, "0.00")
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}

	b = open(t, file, ticking) // a restart keeps the promise
	b.client = b.connect(ticking, 0, "demo-1", secret)
	mu.Lock()
	now = noon.Add(30 * time.Second)
	mu.Unlock()
	want := channel.Result{State: channel.StateSucceeded, ChannelReference: "SBX-00000001", PaidAt: noon.Add(30 * time.Second)}
	for range 2 {
		wantResult(t, "Query at its time", query(t, b.client, payment(1)), want)
	}
	wantResult(t, "Pay again", pay(t, b.client, payment(1)), want)
	b.wantPaid(1, "100.01")
	if got := b.list("").Totals[channel.WireProcessing]; got.Count != 0 || got.Amount != "0.00" {
		t.Errorf("processing: %+v, want nothing", got)
	}
}

func TestTheControlCountsTheRequestsItConcerns(t *testing.T) {
	t.Parallel()
	b := start(t)
	pay(t, b.client, payment(1))
	b.told(`{"mode":"drop_answer","requests":2}`)
	if got := query(t, b.client, payment(1)); got.State != channel.StateSucceeded {
		t.Errorf("a query under a mode for payments = %+v, want succeeded", got)
	}
	for i, want := range []channel.State{channel.StateUnknown, channel.StateUnknown, channel.StateSucceeded} {
		if got := pay(t, b.client, payment(1)); got.State != want {
			t.Errorf("payment %d under a mode for two = %+v, want %s", i+1, got, want)
		}
	}
	b.told(`{"mode":"down","requests":2}`)
	for i, want := range []channel.State{channel.StateUnknown, channel.StateUnknown, channel.StateSucceeded} {
		if got := query(t, b.client, payment(1)); got.State != want {
			t.Errorf("query %d while down for two = %+v, want %s", i+1, got, want)
		}
	}
	b.told(`{"mode":"unsigned_answer","queries":true}`)
	for range 5 { // until it is replaced
		if got := query(t, b.client, payment(1)); got.FailureCode != channel.UnknownAnswerUnsigned {
			t.Errorf("query under a mode for queries = %+v, want %s", got, channel.UnknownAnswerUnsigned)
		}
	}
	if _, answer := b.do(http.MethodGet, "/v1/control", ""); !strings.Contains(answer, `"mode":"unsigned_answer"`) {
		t.Errorf("GET /v1/control = %s, want the mode", answer)
	}
	b.told(`{}`)
	if got := query(t, b.client, payment(1)); got.State != channel.StateSucceeded {
		t.Errorf("query after the reset = %+v, want succeeded", got)
	}
}

func TestAControlThatMeansNothingIsRefused(t *testing.T) {
	t.Parallel()
	b := start(t)
	b.told(`{"mode":"down"}`)
	for _, control := range []string{
		``, `null x`, `{"mode":"explode"}`, `{"mode":"normal","requests":-1}`, `{"mode":"normal","requests":1000001}`,
		`{"mode":"normal","delay_ms":50001}`, `{"mode":"normal","delay_ms":-1}`, `{"mode":"normal","answer_delay_ms":50001}`,
		`{"mode":"process","settle_after_ms":50001}`, `{"mode":"fail"}`, `{"mode":"fail","failure_code":"bad-luck"}`,
		`{"mode":"normal","failure_code":"name-mismatch"}`, `{"mode":"normal","pause":1}`, `{"mode":"normal"} {}`,
		`{"mode":"normal","requests":"1"}`, strings.Repeat(" ", channel.BodyMax) + `{}`,
	} {
		if status, answer := b.do(http.MethodPut, "/v1/control", control); status != http.StatusBadRequest {
			t.Errorf("PUT /v1/control %.100s = %d %s, want 400", control, status, answer)
		}
	}
	if got := query(t, b.client, payment(1)); got.FailureCode != channel.UnknownUnavailable {
		t.Errorf("after refused controls Query = %+v, want still down", got)
	}
}

func TestTheListPagesByKeyAndItsTotalsAreExact(t *testing.T) {
	t.Parallel()
	b := start(t)
	const payments = 25
	sum := money.Fen(0)
	for n := range payments {
		pay(t, b.client, payment(n))
		sum = sum.Add(payment(n).Amount)
	}
	var ids []string
	after := ""
	for pages := 1; ; pages++ {
		page := b.list("?limit=10&after=" + after)
		if diff := cmp.Diff(sandbox.Total{Count: payments, Amount: sum.String()}, page.Totals[channel.WireSucceeded]); diff != "" {
			t.Errorf("totals of page %d differ (-want +got):\n%s", pages, diff)
		}
		for _, p := range page.Payments {
			ids = append(ids, p.ID)
			if p.PayeeAccountTail != "0018" {
				t.Errorf("payee account %q, want its last four characters", p.PayeeAccountTail)
			}
		}
		if after = page.NextAfter; after == "" {
			if pages != 3 {
				t.Errorf("%d pages, want 3", pages)
			}
			break
		}
	}
	var want []string
	for n := range payments {
		want = append(want, payment(n).ID.String())
	}
	if diff := cmp.Diff(want, ids); diff != "" {
		t.Errorf("ids differ (-want +got):\n%s", diff)
	}
	for _, parameters := range []string{"?limit=0", "?limit=1001", "?limit=x", "?date=2026-02-31", "?after=nobody"} {
		if status, answer := b.do(http.MethodGet, "/v1/payments"+parameters, ""); status != http.StatusBadRequest {
			t.Errorf("GET /v1/payments%s = %d %s, want 400", parameters, status, answer)
		}
	}
}

func TestADaysListHasThePaymentsOfThatBusinessDay(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "record.jsonl")
	midnight := time.Date(2026, 8, 23, 16, 0, 0, 0, time.UTC) // 00:00 of the 24th in Beijing
	for n, now := range []time.Time{midnight.Add(-time.Microsecond), midnight} {
		at := func() time.Time { return now }
		b := open(t, file, at)
		client := b.connect(at, 0, "demo-1", secret)
		pay(t, client, payment(n))
		b.told(`{"mode":"fail","failure_code":"name-mismatch"}`)
		pay(t, client, payment(n+10))
		if err := b.server.Close(); err != nil {
			t.Fatal(err)
		}
	}
	b := open(t, file, clock)
	for day, want := range map[string]string{"2026-08-23": "100.00", "2026-08-24": "100.01"} {
		list := b.list("?date=" + day)
		if got := list.Totals[channel.WireSucceeded]; got.Count != 1 || got.Amount != want {
			t.Errorf("paid on %s: %+v, want one of %s", day, got, want)
		}
		if got := list.Totals[channel.WireFailed]; got.Count != 1 || len(list.Payments) != 2 {
			t.Errorf("on %s: %d payments, failed %+v, want 2 and one failed", day, len(list.Payments), got)
		}
	}
	if list := b.list("?date=2026-08-25"); len(list.Payments) != 0 || list.Totals[channel.WireSucceeded].Amount != "0.00" {
		t.Errorf("on a day without payments: %+v, want none", list)
	}
}

func TestRunListensOnALoopbackAddressOnly(t *testing.T) {
	t.Parallel()
	options := sandbox.Options{RecordFile: filepath.Join(t.TempDir(), "record.jsonl"), Keys: keys, Now: clock}
	for _, listen := range []string{"0.0.0.0:0", ":0", "127.0.0.1", "nowhere"} {
		err := sandbox.Run(t.Context(), options, listen, func(string) error {
			t.Errorf("Run(%q) is ready, want an error", listen)
			return nil
		})
		if err == nil {
			t.Errorf("Run(%q) = nil, want an error", listen)
		}
	}
}

func TestRunStopsWhenNobodyCouldBeToldWhereItIs(t *testing.T) {
	t.Parallel()
	options := sandbox.Options{RecordFile: filepath.Join(t.TempDir(), "record.jsonl"), Keys: keys, Now: clock}
	err := sandbox.Run(t.Context(), options, "127.0.0.1:0", func(string) error { return io.ErrClosedPipe })
	if !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("Run = %v, want what ready returned: %v", err, io.ErrClosedPipe)
	}
}

func TestRunServesUntilItsContextEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	options := sandbox.Options{RecordFile: filepath.Join(t.TempDir(), "record.jsonl"), Keys: keys, Now: clock}
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- sandbox.Run(ctx, options, "127.0.0.1:0", func(url string) error { ready <- url; return nil })
	}()
	b := &bank{t: t}
	select {
	case b.url = <-ready:
	case err := <-ended:
		t.Fatalf("Run = %v before it was ready", err)
	}
	b.client = b.connect(clock, 0, "demo-1", secret)
	if got := pay(t, b.client, payment(1)); got.State != channel.StateSucceeded {
		t.Errorf("Pay = %+v, want succeeded", got)
	}
	if status, _ := b.do(http.MethodGet, "/healthz", ""); status != http.StatusNoContent {
		t.Errorf("GET /healthz = %d, want 204", status)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Run = %v, want nil after its context ended", err)
	}
	again, err := sandbox.New(options) // it let go of the record
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}
