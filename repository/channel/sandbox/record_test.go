package sandbox_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fumin/repository/channel"
	"fumin/repository/channel/sandbox"
)

func TestARestartKeepsTheRecord(t *testing.T) {
	t.Parallel()
	b := start(t)
	first := pay(t, b.client, payment(1))
	b.told(`{"mode":"fail","requests":1,"failure_code":"account-closed"}`)
	failed := pay(t, b.client, payment(2))
	before := b.list("")
	if err := b.server.Close(); err != nil {
		t.Fatal(err)
	}
	if got := pay(t, b.client, payment(3)); got.FailureCode != channel.UnknownUnavailable {
		t.Errorf("Pay after Close = %+v, want unknown, %s", got, channel.UnknownUnavailable)
	}

	later := func() time.Time { return noon.Add(time.Minute) }
	b = open(t, b.file, later)
	if diff := cmp.Diff(before, b.list("")); diff != "" {
		t.Errorf("the list differs after a restart (-before +after):\n%s", diff)
	}
	wantResult(t, "Pay again", pay(t, b.client, payment(1)), first)
	wantResult(t, "failed again", pay(t, b.client, payment(2)), failed)
	if got := pay(t, b.client, payment(3)); got.ChannelReference != "SBX-00000003" {
		t.Errorf("the next payment = %+v, want SBX-00000003", got)
	}
}

func TestATornLastLineIsAPaymentThatWasNeverMade(t *testing.T) {
	t.Parallel()
	b := start(t)
	pay(t, b.client, payment(1))
	pay(t, b.client, payment(2))
	if err := b.server.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(b.file)
	if err != nil {
		t.Fatal(err)
	}
	firstLine := bytes.IndexByte(whole, '\n') + 1
	for _, length := range []int{firstLine + 1, firstLine + 100, len(whole) - 1} {
		torn := filepath.Join(t.TempDir(), "torn.jsonl")
		if err := os.WriteFile(torn, whole[:length], 0o600); err != nil {
			t.Fatal(err)
		}
		b := open(t, torn, clock)
		b.wantPaid(1, "100.01")
		if got := query(t, b.client, payment(2)); got.State != channel.StateNotFound {
			t.Errorf("torn at %d: Query = %+v, want not found", length, got)
		}
		if got := pay(t, b.client, payment(2)); got.ChannelReference != "SBX-00000002" {
			t.Errorf("torn at %d: Pay = %+v, want SBX-00000002", length, got)
		}
		again, err := os.ReadFile(torn)
		if err != nil || string(again) != string(whole) {
			t.Errorf("torn at %d and paid again, the record is\n%s(%v), want\n%s", length, again, err, whole)
		}
	}
}

func TestARecordThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	b := start(t)
	pay(t, b.client, payment(1))
	if err := b.server.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(b.file)
	if err != nil {
		t.Fatal(err)
	}
	line := string(content)
	for name, bad := range map[string]string{
		"no JSON":               "x\n",
		"empty line":            "\n",
		"unknown field":         strings.Replace(line, `{"order"`, `{"x":1,"order"`, 1),
		"two entries in a line": strings.TrimSuffix(line, "\n") + line,
		"decided twice":         line + line,
		"another amount paid":   strings.Replace(line, `"100.01"`, `"100.02"`, 1),
		"unknown state":         strings.Replace(line, `"succeeded"`, `"perhaps"`, 1),
		"paid at no time":       strings.Replace(line, `"paid_at":"2026`, `"paid_at":"`, 1),
		"processing for ever":   strings.Replace(line, `"succeeded"`, `"processing"`, 1),
		"no reference":          strings.Replace(line, `SBX-00000001`, ``, 1),
		"a line too long":       strings.Repeat(" ", 1<<17) + line,
	} {
		if bad == line {
			t.Fatalf("%s: the line is as it was: %s", name, line)
		}
		file := filepath.Join(t.TempDir(), "bad.jsonl")
		if err := os.WriteFile(file, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		server, err := sandbox.New(sandbox.Options{RecordFile: file, Keys: keys, Now: clock})
		if err == nil {
			t.Errorf("%s: New = nil, want an error", name)
			_ = server.Close()
			continue
		}
		if !strings.Contains(err.Error(), "line ") {
			t.Errorf("%s: New = %v, want the line's number", name, err)
		}
	}
}

func TestTwoServersCannotHaveOneRecord(t *testing.T) {
	t.Parallel()
	b := start(t)
	if _, err := sandbox.New(sandbox.Options{RecordFile: b.file, Keys: keys, Now: clock}); err == nil {
		t.Error("New on a record in use = nil, want an error")
	}
}

const childFile = "FUMIN_SANDBOX_TEST_RECORD"

// TestMain lets this binary be the sandbox in a process of its own, which a test can kill.
func TestMain(m *testing.M) {
	file := os.Getenv(childFile)
	if file == "" {
		os.Exit(m.Run())
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() { // ends with the parent, however that ends
		_, _ = bufio.NewReader(os.Stdin).ReadByte()
		cancel()
	}()
	err := sandbox.Run(ctx, sandbox.Options{RecordFile: file, Keys: keys, Now: clock}, "127.0.0.1:0",
		func(url string) error { _, err := fmt.Println(url); return err })
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// child starts the sandbox in a process of its own and returns its address and how to kill it.
func child(t *testing.T, file string) (url string, kill func()) {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0])
	command.Env = append(os.Environ(), childFile+"="+file)
	command.Stderr = os.Stderr
	_, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the child said %q: %v", line, err)
	}
	return strings.TrimSpace(line), func() {
		if err := command.Process.Kill(); err != nil {
			t.Errorf("kill = %v", err)
		}
		_ = command.Wait() // "signal: killed"
	}
}

func TestWhatWasAnsweredBeforeAKillIsStillPaidAfterIt(t *testing.T) {
	t.Parallel()
	const rounds, payers, perRound = 3, 8, 60
	file := filepath.Join(t.TempDir(), "record.jsonl")
	acknowledged := map[int]channel.Result{}
	for round := range rounds {
		var mu sync.Mutex
		url, kill := child(t, file)
		b := &bank{t: t, url: url}
		client := b.connect(clock, 0, "demo-1", secret)
		var all sync.WaitGroup
		var once sync.Once
		for payer := range payers {
			all.Go(func() {
				for n := range perRound {
					number := (round*payers+payer)*perRound + n
					result, err := client.Pay(t.Context(), payment(number))
					if err != nil {
						t.Errorf("Pay(%d) = %v", number, err)
						return
					}
					if result.State != channel.StateSucceeded {
						return // killed
					}
					mu.Lock()
					acknowledged[number] = result
					enough := len(acknowledged) >= (round+1)*payers*2
					mu.Unlock()
					if enough {
						once.Do(kill)
					}
				}
			})
		}
		all.Wait()
		once.Do(kill)
	}

	b := open(t, file, clock)
	for number, want := range acknowledged {
		wantResult(t, fmt.Sprintf("Query of %d after %d kills", number, rounds), query(t, b.client, payment(number)), want)
	}
	if got := b.paid().Count; got < len(acknowledged) || got > len(acknowledged)+rounds*payers {
		t.Errorf("paid %d, want at least the %d acknowledged and at most %d more", got, len(acknowledged), rounds*payers)
	}
	t.Logf("%d kills, %d acknowledged, %d paid", rounds, len(acknowledged), b.paid().Count)
}
