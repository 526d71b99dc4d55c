package api_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"fumin/domain"
	"fumin/domain/origination"
	"fumin/repository/enquiry"
	"fumin/repository/enquiry/sandbox"
)

// institutions connects a sandbox of the bureau and its neighbours to this bank, behind real HTTP.
func newInstitutions(t *testing.T) (*register, *sandbox.Server) {
	t.Helper()
	realTime := func() time.Time { return time.Now().UTC() }
	secret := []byte("0123456789abcdef0123456789abcdef")
	server, err := sandbox.New(map[string][]byte{"fumin": secret}, realTime)
	if err != nil {
		t.Fatal(err)
	}
	listening := httptest.NewServer(server)
	t.Cleanup(func() { server.Close(); listening.Close() })
	client, err := enquiry.New(listening.URL, "fumin", secret, realTime)
	if err != nil {
		t.Fatal(err)
	}
	r := newBankAsking(t, origination.ConnectedTo(origination.Sources{Bureau: client, Screening: client, Precheck: client}, 30, slog.New(slog.DiscardHandler)))
	return r, server
}

func TestASubmitAnswersInTimeWhenTheBureauHangs(t *testing.T) {
	t.Parallel()
	r, institutions := newInstitutions(t)
	if err := institutions.Set("bureau", sandbox.Control{Mode: sandbox.ModeHang}); err != nil {
		t.Fatal(err)
	}
	a := r.opened(1)
	begun := time.Now()
	r.officer().post(pathOf(a.ID, "/submit"), "").want(http.StatusOK).into(&a)
	// Whoever asked hangs until the test ends, and the request would be given up after 15 s: what is above three seconds is
	// the machine's.
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("the submit took %s, want 3 s and what the machine needs", took)
	}
	if a.Status != "reviewing" {
		t.Errorf("submitted: %s, want reviewing", a.Status)
	}
	decided := string(r.officer().get(pathOf(a.ID, "/decision")).want(http.StatusOK).body)
	if !strings.Contains(decided, "bureau-not-answered") || !strings.Contains(decided, "征信机构超时未答复") {
		t.Errorf("the decision does not name the bureau: %s", decided)
	}
	list := string(r.officer().get(pathOf(a.ID, "/enquiries")).want(http.StatusOK).body)
	if !strings.Contains(list, `"failure":"timeout"`) || !strings.Contains(list, `"source":"screening"`) {
		t.Errorf("the enquiries do not tell of the time-out and the screening: %s", list)
	}
}

func TestTheEnquiriesOfACaseAreShownMasked(t *testing.T) {
	t.Parallel()
	r, _ := newInstitutions(t)
	a := r.opened(1)
	r.officer().post(pathOf(a.ID, "/submit"), "").want(http.StatusOK).into(&a)
	if a.Status != "approved" {
		t.Fatalf("submitted: %s, want approved", a.Status)
	}
	list := string(r.officer().get(pathOf(a.ID, "/enquiries")).want(http.StatusOK).body)
	for _, want := range []string{`"source":"bureau"`, `"result":"clear"`, `"reference":"****0001"`, `"purpose":"loan_approval"`} {
		if !strings.Contains(list, want) {
			t.Errorf("the enquiries lack %s: %s", want, list)
		}
	}
	r.as(domain.RoleLoanOfficer, branchB).get(pathOf(a.ID, "/enquiries")).want(http.StatusNotFound)
	r.as(domain.RoleAdmin, branchA).get(pathOf(a.ID, "/enquiries")).want(http.StatusForbidden)
	if n := r.count("SELECT COUNT(*) FROM enquiries WHERE answer_cipher LIKE '%clear%'"); n != 0 {
		t.Errorf("%d answers are stored in clear", n)
	}
	if n := r.count("SELECT COUNT(*) FROM borrower_events WHERE action = 'view_enquiries'"); n != 1 {
		t.Errorf("%d looks are recorded, want 1", n)
	}
}
