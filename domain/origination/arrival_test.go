package origination_test

import (
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/origination"
	"fumin/repository/channel"
	"fumin/repository/channel/sandbox"
)

// onWorldTime replaces the channel by one that tells the test's time, as its word counts for the day of arrival.
func (w *world) onWorldTime() {
	w.t.Helper()
	secret := []byte("0123456789abcdef0123456789abcdef")
	server, err := sandbox.New(sandbox.Options{
		RecordFile: filepath.Join(w.t.TempDir(), "channel.jsonl"), Keys: map[string][]byte{channelKey: secret}, Now: w.now,
	})
	w.must(err)
	listening := httptest.NewServer(server)
	w.t.Cleanup(func() {
		listening.Close()
		if err := server.Close(); err != nil {
			w.t.Error(err)
		}
	})
	client, err := channel.New(channel.Options{BaseURL: listening.URL, KeyID: channelKey, Secret: secret, Now: w.now, Timeout: 2 * time.Second})
	w.must(err)
	w.channel, w.client = server, channel.NewPayments(client, discard())
	w.payouts = origination.NewPayouts(w.store, w.now, w.client, newID(), discard(), origination.DefaultPayoutLimits())
}

// The channel paid, its answer was lost, and we ask again three days later: interest runs from the day it paid.
func TestANoteStartsOnTheDayOnWhichTheChannelPaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.onWorldTime()
	officer := w.somebody(domain.RoleLoanOfficer)
	d := w.released(officer, "50000.00")
	w.tellChannel(sandbox.Control{Mode: sandbox.ModeDropAnswer, Requests: 1})
	paid := domain.DateOf(w.now())
	w.work()
	if got := w.status(d.ID); got != loan.DisbursementUnknown {
		t.Fatalf("after the lost answer: %s, want unknown", got)
	}
	w.advance(72 * time.Hour)
	w.work()
	if got := w.status(d.ID); got != loan.DisbursementSucceeded {
		t.Fatalf("after the question: %s, want succeeded", got)
	}
	notes, err := w.lines().LoanNotes(t.Context(), officer, d.ApplicationID, domain.Page{Limit: 10})
	w.must(err)
	if len(notes) != 1 || notes[0].StartsOn != paid {
		t.Errorf("notes: %+v, want one from %s, three days before %s", notes, paid, domain.DateOf(w.now()))
	}
}
