package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/paymentfile"
	"fumin/scripts/drive"
)

// program is the service as ./scripts/run.sh builds it: what is killed here is the real thing, a process of its own.
var program string

func TestMain(m *testing.M) { os.Exit(withProgram(m)) }

func withProgram(m *testing.M) int {
	dir, err := os.MkdirTemp("", "fumin-story-test-")
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

// testWaitMax bounds one test: it takes seconds, and a lease of a node that died.
const testWaitMax = 4 * time.Minute

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testWaitMax)
	t.Cleanup(cancel)
	return ctx
}

// newSite starts a database, a channel and nothing else yet.
func newSite(ctx context.Context, t *testing.T) *drive.Site {
	t.Helper()
	site, err := drive.NewSite(ctx, drive.SiteOptions{Program: program, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := site.Close(); err != nil {
			t.Error(err)
		}
	})
	return site
}

func mustReadBook(t *testing.T) book {
	t.Helper()
	b, err := readBook()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func newCrash(t *testing.T, site *drive.Site) *crash {
	t.Helper()
	b := mustReadBook(t)
	story, err := b.find("duck-shed")
	if err != nil {
		t.Fatal(err)
	}
	return &crash{
		out: t.Output(), site: site, story: story, people: drive.NewPeople(),
		officer: b.cast("officer").Username, releaser: b.cast("releaser").Username,
	}
}

func TestEveryStoryGoesAsItSays(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	b := mustReadBook(t)
	demo, err := drive.StartDemo(ctx, program, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := demo.Process.Stop(); err != nil {
			t.Error(err)
		}
	})
	people := drive.NewPeople()
	for _, story := range b.Stories {
		story.Loans = min(story.Loans, 25) // of the book; story.sh plays all of them
		for range 2 {                      // a story must not stand in its own way
			if err := stageOf(demo).play(story, b, people, t.Output()).run(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// The ways share a site: a database takes seconds to make.
func TestAKilledServicePaysOnceAndOneThatPaysByFileSendsNothing(t *testing.T) { //nolint:tparallel // one service, killed in one way after the other
	t.Parallel()
	ctx := testContext(t)
	c := newCrash(t, newSite(ctx, t))
	for name, kill := range map[string]func() error{
		"killed between release and payment":    func() error { return c.beforeSending(ctx, 1) },
		"killed while the payment is in flight": func() error { return c.inFlight(ctx, len(waysInFlight)) },
		"set to pay by file":                    func() error { return c.byFile(ctx) },
	} {
		t.Run(name, func(t *testing.T) {
			if err := kill(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// byFile starts the service with FUMIN_CHANNEL=file, as an operator would, and takes one loan by a payment file to its money.
// The other channel is there, and hears nothing of it.
func (c *crash) byFile(ctx context.Context) error {
	err := c.site.Serve(ctx, "FUMIN_CHANNEL=file", "FUMIN_DEBTOR_NAME=聊城农商银行", "FUMIN_DEBTOR_ACCOUNT=9040101070142050000001", "FUMIN_DEBTOR_BANK=聊城农商银行营业部")
	if err != nil {
		return err
	}
	d, err := c.release(ctx)
	if err != nil {
		return err
	}
	head, _, err := c.site.Service.Login(ctx, "disbursement-3715", c.site.Password)
	if err != nil {
		return err
	}
	file, err := drive.Ask[struct {
		ID       string `json:"id"`
		Payments int    `json:"payments"`
	}](ctx, head, drive.Call{Method: http.MethodPost, Path: "/v1/payment-files", Key: d.ID}, http.StatusCreated)
	if err != nil {
		return err
	}
	content, err := head.Do(ctx, drive.Read("/v1/payment-files/"+file.ID+"/content"))
	if err != nil {
		return err
	}
	fileID, transferID := paymentfile.EndToEndIDOf(domain.ID(file.ID)), paymentfile.EndToEndIDOf(domain.ID(d.Transfers[0].ID))
	if n := strings.Count(content.Text()+string(content.Body), "<EndToEndId>"+transferID+"</EndToEndId>"); n != 1 || file.Payments != 1 {
		return differs("the payment file", content.Text()+string(content.Body), "one payment, "+transferID)
	}
	report := `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt><OrgnlGrpInfAndSts><OrgnlMsgId>` + fileID +
		`</OrgnlMsgId></OrgnlGrpInfAndSts><OrgnlPmtInfAndSts><TxInfAndSts><OrgnlEndToEndId>` + transferID +
		`</OrgnlEndToEndId><TxSts>ACSC</TxSts></TxInfAndSts></OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>`
	second, _, err := c.site.Service.Login(ctx, "disbursement-3715-second", c.site.Password) // who made the file may not bring the report
	if err != nil {
		return err
	}
	_, err = drive.Ask[struct{}](ctx, second, drive.Call{
		Method: http.MethodPost, Path: "/v1/payment-files/" + file.ID + "/status-reports", Body: drive.File{MediaType: "application/xml", Content: []byte(report)},
	}, http.StatusOK)
	if err != nil {
		return err
	}
	team, err := c.site.Service.Team(ctx, c.officer, c.releaser, c.site.Password)
	if err != nil {
		return err
	}
	if _, err := team.Releaser.AwaitDisbursement(ctx, d.ID, "succeeded"); err != nil {
		return err
	}
	if paid, err := c.site.Channel.PaymentsOf(ctx, d); err != nil || len(paid) != 0 {
		return errors.Join(err, differs("what the other channel paid", paid, "nothing"))
	}
	return c.site.StopService()
}

func TestEveryStoryHasItsCodeAndEveryCodeItsStory(t *testing.T) {
	t.Parallel()
	b := mustReadBook(t)
	for _, id := range b.ids() {
		if acts[id] == nil {
			t.Errorf("stories.json has %q; no code plays it", id)
		}
	}
	if len(acts) != len(b.Stories) {
		t.Errorf("acts has %d stories, stories.json %d", len(acts), len(b.Stories))
	}
	if _, err := b.find("stranded"); err == nil || !strings.Contains(err.Error(), "cannot be played yet") {
		t.Errorf("find(stranded) = %v, want an error that says it cannot be played yet", err)
	}
}

func TestMadeUpPeopleAreValidAndNoTwoAlike(t *testing.T) {
	t.Parallel()
	people, today := drive.NewPeople(), domain.MustParseDate("2026-08-23")
	seen := map[string]bool{}
	for range 5000 {
		p := people.Aged("刘庆祥", 62, today)
		number, err := borrower.ParseIDNumber(p.IDNumber)
		if err != nil {
			t.Fatalf("identity number %s: %v", p.IDNumber, err)
		}
		if age := number.BirthDate().AgeOn(today); age != 62 || number.BirthDate().AgeOn(today.AddMonths(1)) != 62 {
			t.Fatalf("identity number %s: age %d today, want 62 for another month", p.IDNumber, age)
		}
		if _, err := borrower.ParseBankAccount(p.Card); err != nil {
			t.Fatalf("card %s: %v", p.Card, err)
		}
		if _, err := borrower.ParsePhone(p.Phone); err != nil {
			t.Fatalf("phone %s: %v", p.Phone, err)
		}
		for _, value := range []string{p.IDNumber, p.Card, p.Phone} {
			if seen[value] {
				t.Fatalf("%s was made twice", value)
			}
			seen[value] = true
		}
	}
}
