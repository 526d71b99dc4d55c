package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fumin/domain/money"
	"fumin/repository/channel"
	"fumin/repository/channel/sandbox"
)

// program is the service as ./scripts/run.sh builds it: what is killed here is the real thing, a process of its own.
var program string

func TestMain(m *testing.M) { os.Exit(withProgram(m)) }

func withProgram(m *testing.M) int {
	dir, err := os.MkdirTemp("", "fumin-crash-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "fumin")
	build := exec.Command("go", "build", "-tags=nomsgpack", "-buildvcs=false", "-o", program, "fumin")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build fumin: %v\n%s", err, output)
		return 1
	}
	return m.Run()
}

// TestNothingIsPaidTwiceOrLostWhenNodesAndTheDatabaseAreKilled is the small size of ./scripts/crash.sh.
func TestNothingIsPaidTwiceOrLostWhenNodesAndTheDatabaseAreKilled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	o := options{program: program, dir: t.TempDir(), kills: databaseEvery, nodes: 2, clients: 3}
	v, err := crash(ctx, o, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	if v.serviceKills != databaseEvery-1 || v.databaseKills != 1 || v.acknowledged < databaseEvery || v.succeeded == 0 {
		t.Errorf("crash(%+v) = %s; want %d kills of a node, one of the database, a release before each, and money paid", o, v, databaseEvery-1)
	}
}

// settledBooks are both sides of two payments, one of which failed, without a difference.
func settledBooks() books {
	amount := money.MustParseAmount("36000.37")
	return books{
		transfers: []transfer{
			{id: "t1", applicationID: "a1", status: "succeeded", amount: amount},
			{id: "t2", applicationID: "a2", status: "failed", amount: amount},
		},
		lines: []line{{applicationID: "a1", outstanding: amount}, {applicationID: "a2"}},
		payments: []sandbox.Listed{
			{Answer: channel.Answer{ID: "t1", State: "succeeded", Amount: "36000.37"}},
			{Answer: channel.Answer{ID: "t2", State: "failed", Amount: "36000.37"}},
		},
		asked:        map[string]bool{"t1": true, "t2": true},
		acknowledged: map[string][]string{"d1": {"t1"}, "d2": {"t2"}},
	}
}

func TestBooksThatAgreeHaveNoDifference(t *testing.T) {
	t.Parallel()
	v := settledBooks().check()
	if len(v.differences) != 0 || v.succeeded != 1 || v.failed != 1 || v.paid.String() != "36000.37" {
		t.Errorf("check() = %s %q; want one succeeded, one failed, 36,000.37 yuan, no difference", v, v.differences)
	}
}

func TestEveryDifferenceBetweenTheBooksIsFound(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		spoil func(*books)
		want  string
	}{
		{"paid twice", func(b *books) { b.payments = append(b.payments, b.payments[0]) }, "twice"},
		{"a fen too much", func(b *books) { b.payments[0].Amount = "36000.38" }, "paid 36000.38, we have 36000.37"},
		{"paid and not known", func(b *books) { b.payments[0].ID = "t9" }, "do not know"},
		{"paid and not released", func(b *books) { b.asked["t1"] = false }, "nobody released"},
		{"paid and failed here", func(b *books) { b.payments[1].State = "succeeded" }, `here it is "failed"`},
		{"succeeded here and not paid", func(b *books) { b.payments[0].State = "failed" }, "did not pay it"},
		{"acknowledged and forgotten", func(b *books) { b.transfers = b.transfers[:1] }, "was acknowledged"},
		{"still reserved", func(b *books) { b.lines[1].reserved = money.Fen(1) }, "0.01 reserved"},
		{"not owed", func(b *books) { b.lines[0].outstanding = money.Amount{} }, "0.00 outstanding"},
		{"no line", func(b *books) { b.lines = b.lines[1:] }, "has no line"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := settledBooks()
			c.spoil(&b)
			v := b.check()
			if all := strings.Join(v.differences, "\n"); !strings.Contains(all, c.want) {
				t.Errorf("check() found %q; want a difference that says %q", all, c.want)
			}
		})
	}
}

func TestWrongFlagsAreRefused(t *testing.T) {
	t.Parallel()
	for _, arguments := range []string{"-kills 0", "-kills 10001", "-nodes 0", "-nodes 9", "-clients 0", "-clients 65", "-most 0s", "more", "-unknown"} {
		if o, err := readOptions(strings.Fields(arguments), io.Discard); err == nil {
			t.Errorf("readOptions(%s) = %+v; want an error", arguments, o)
		}
	}
}
