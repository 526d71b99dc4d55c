package origination_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/decision"
	"fumin/domain/loan"
	"fumin/domain/origination"
	"fumin/repository/enquiry"
	"fumin/repository/enquiry/sandbox"
)

// institutions is a world with a bureau, a screening service and a pre-check behind real HTTP.
type institutions struct {
	*world

	sandbox   *sandbox.Server
	sources   origination.Sources
	enquiries *origination.Enquiries
	logged    *bytes.Buffer
}

func newInstitutions(t *testing.T) *institutions {
	t.Helper()
	x := &institutions{world: newWorld(t), logged: &bytes.Buffer{}}
	realNow := func() time.Time { return time.Now().UTC() } // the signature's window is checked against it
	secret := []byte("0123456789abcdef0123456789abcdef")
	server, err := sandbox.New(map[string][]byte{"fumin": secret}, realNow)
	x.must(err)
	listening := httptest.NewServer(server)
	t.Cleanup(func() { server.Close(); listening.Close() })
	client, err := enquiry.New(listening.URL, "fumin", secret, realNow)
	x.must(err)
	x.sandbox = server
	log := slog.New(slog.NewTextHandler(&lockedWriter{w: x.logged}, nil))
	x.sources = origination.Sources{Bureau: client, Screening: client, Precheck: client}
	x.enquiries = origination.NewEnquiries(x.store, x.now, newID, origination.ConnectedTo(x.sources, 30, log))
	x.applications = origination.NewApplications(x.store, x.now, newID, origination.AskingFirst(x.enquiries))
	return x
}

func (x *institutions) tell(service string, c sandbox.Control) {
	x.t.Helper()
	x.must(x.sandbox.Set(service, c))
}

func (x *institutions) wantAsked(what string, bureau, screening, precheck int) {
	x.t.Helper()
	asked := x.sandbox.Asked().Services
	got := [3]int{len(asked["bureau"].Enquiries), len(asked["screening"].Enquiries), len(asked["guarantee_precheck"].Enquiries)}
	if want := [3]int{bureau, screening, precheck}; got != want {
		x.t.Errorf("%s: enquiries at bureau, screening and pre-check %v, want %v", what, got, want)
	}
}

func TestAnswersBecomeFactsAndAreAskedOnceForACase(t *testing.T) {
	t.Parallel()
	x := newInstitutions(t)
	officer, approver := x.somebody(domain.RoleLoanOfficer), x.somebody(domain.RoleApprover)
	answer := enquiry.Answer{Result: "adverse", OverdueNow: true, OverdueAmount: "120.50", Enquiries6Months: 4, Liabilities: "30000.00"}
	x.tell("bureau", sandbox.Control{Mode: sandbox.ModeAnswer, Answer: answer})
	x.tell("screening", sandbox.Control{Mode: sandbox.ModeAnswer, Answer: enquiry.Answer{Result: "hit", Note: "名单甲"}})
	rec := x.openedFor(officer, x.farmer(officer), "QLFMD", "150000.00") // needs the guarantee company, so a person looks
	if got := x.submitted(officer, rec.ID); got.Status != loan.StatusReviewing && got.Status != loan.StatusDeclined {
		t.Fatalf("submitted: %s", got.Status)
	}
	x.wantFacts(officer, rec.ID, map[decision.FactName]string{
		decision.FactBureauAnswer: "adverse", decision.FactBureauOverdueNow: "true", decision.FactBureauOverdueAmount: "120.50",
		decision.FactBureauEnquiries6Months: "4", decision.FactBureauLiabilities: "30000.00", decision.FactScreeningHit: "true",
		decision.FactGuaranteePrecheck: "?", // the borrower has not agreed that the guarantee company is told
	})
	x.wantAsked("after the first submit", 1, 1, 0)

	_, err := x.applications.Return(t.Context(), approver, origination.ReturnApplication{
		ID: rec.ID, Reason: "补充资料", Items: []loan.MissingItem{{Kind: loan.MissingField, Name: "file", Text: "补齐后重新提交"}},
	})
	x.must(err)
	x.submitted(officer, rec.ID)
	x.wantAsked("after the second submit", 1, 1, 0)

	_, err = x.applications.Return(t.Context(), approver, origination.ReturnApplication{
		ID: rec.ID, Reason: "补充资料", Items: []loan.MissingItem{{Kind: loan.MissingField, Name: "file", Text: "补齐后重新提交"}},
	})
	x.must(err)
	x.advance(31 * 24 * time.Hour)
	x.submitted(officer, rec.ID)
	x.wantAsked("after the answers' validity", 2, 2, 0)
}

func TestANoRecordAnswerHasNoFigures(t *testing.T) {
	t.Parallel()
	x := newInstitutions(t)
	officer := x.somebody(domain.RoleLoanOfficer)
	x.tell("bureau", sandbox.Control{Mode: sandbox.ModeAnswer, Answer: enquiry.Answer{Result: "no_record"}})
	rec := x.submitted(officer, x.opened(officer, "99500.00").ID)
	x.wantFacts(officer, rec.ID, map[decision.FactName]string{
		decision.FactBureauAnswer: "no_record", decision.FactBureauOverdueNow: "-", decision.FactBureauOverdueAmount: "-",
		decision.FactBureauEnquiries6Months: "-", decision.FactBureauLiabilities: "-", decision.FactScreeningHit: "false",
		decision.FactGuaranteePrecheck: "-", // 99,500.00 is lent on credit
	})
}

func TestThePrecheckIsAskedUnderAConsentAndAgainForAnotherAmount(t *testing.T) {
	t.Parallel()
	x := newInstitutions(t)
	officer, approver := x.somebody(domain.RoleLoanOfficer), x.somebody(domain.RoleApprover)
	person := x.farmerWithout(officer, func(c *origination.CreateBorrower) {
		c.Consents = append(c.Consents, origination.NewConsent{
			Kind: borrower.ConsentGuaranteeSharing, TextVersion: "guarantee-2026.1", GivenHow: borrower.ConsentByPaper, GivenAt: x.now(),
		})
	})
	rec := x.openedFor(officer, person, "QLFMD", "150000.00")
	rec = x.submitted(officer, rec.ID)
	x.wantFacts(officer, rec.ID, map[decision.FactName]string{decision.FactGuaranteePrecheck: "accepted"})
	x.wantAsked("the first amount", 1, 1, 1)

	rec, err := x.applications.Return(t.Context(), approver, origination.ReturnApplication{
		ID: rec.ID, Reason: "金额过高", Items: []loan.MissingItem{{Kind: loan.MissingField, Name: "file", Text: "补齐后重新提交"}},
	})
	x.must(err)
	ask := request("140000.00")
	_, err = x.applications.Edit(t.Context(), officer, origination.EditApplication{ID: rec.ID, Version: rec.Version, Request: ask})
	x.must(err)
	x.tell("guarantee_precheck", sandbox.Control{Mode: sandbox.ModeAnswer, Answer: enquiry.Answer{Result: "refused", Note: "额度已满"}})
	x.submitted(officer, rec.ID)
	x.wantFacts(officer, rec.ID, map[decision.FactName]string{decision.FactGuaranteePrecheck: "refused"})
	x.wantAsked("another amount", 1, 1, 2)
}

func TestTheBureauIsAskedOnlyUnderALiveConsent(t *testing.T) {
	t.Parallel()
	x := newInstitutions(t)
	officer := x.somebody(domain.RoleLoanOfficer)
	person := x.farmerWithout(officer, func(c *origination.CreateBorrower) { c.Consents = nil })
	rec := x.openedFor(officer, person, "QLFMD", "99500.00")
	x.submitted(officer, rec.ID)
	x.wantAsked("without a consent", 0, 1, 0)
	x.wantFacts(officer, rec.ID, map[decision.FactName]string{decision.FactBureauAnswer: "?", decision.FactScreeningHit: "false"})
}

func TestAnAnswerIsNotUsedAfterTheConsentWasWithdrawn(t *testing.T) {
	t.Parallel()
	x := newInstitutions(t)
	ctx, officer, approver := t.Context(), x.somebody(domain.RoleLoanOfficer), x.somebody(domain.RoleApprover)
	person := x.farmer(officer)
	rec := x.openedFor(officer, person, "QLFMD", "150000.00")
	rec = x.submitted(officer, rec.ID)
	_, err := x.applications.Return(ctx, approver, origination.ReturnApplication{
		ID: rec.ID, Reason: "补充资料", Items: []loan.MissingItem{{Kind: loan.MissingField, Name: "file", Text: "补齐后重新提交"}},
	})
	x.must(err)
	person, err = x.borrowers.Borrower(ctx, officer, person.ID)
	x.must(err)
	_, err = x.borrowers.WithdrawConsent(ctx, officer, person.ID, person.Consents[0].ID)
	x.must(err)
	x.submitted(officer, rec.ID)
	x.wantFacts(officer, rec.ID, map[decision.FactName]string{decision.FactBureauAnswer: "?"})
	x.wantAsked("after the withdrawal", 1, 1, 0)
}

func TestTwentySubmitsAtOnceMakeOneEnquiryEach(t *testing.T) {
	t.Parallel()
	x := newInstitutions(t)
	x.tell("bureau", sandbox.Control{Mode: sandbox.ModeAnswer, DelayMs: 300})
	officer := x.somebody(domain.RoleLoanOfficer)
	rec := x.opened(officer, "99500.00")
	codes := atOnce(callers, func(int) error {
		_, err := x.applications.Submit(context.Background(), officer, rec.ID)
		return err
	})
	wantCodes(t, codes, map[string]int{"": 1, "wrong-status": callers - 1})
	x.wantAsked("twenty submits", 1, 1, 0)
	if n := x.sandbox.Asked().Services["bureau"].Requests; n != 1 {
		t.Errorf("the bureau heard %d requests, want 1", n)
	}
	got, err := x.applications.Application(t.Context(), officer, rec.ID)
	x.must(err)
	if got.Status != loan.StatusApproved {
		t.Errorf("the case is %s, want approved: who waits for the answer judges with it", got.Status)
	}
}

// relay is the way to the bureau with a say in when an answer comes back.
type relay struct {
	bureau origination.CreditBureau
	back   func(answer origination.EnquiryAnswer, err error) (origination.EnquiryAnswer, error)
}

func (r relay) EnquireCredit(ctx context.Context, question origination.EnquiryRequest) (origination.EnquiryAnswer, error) {
	return r.back(r.bureau.EnquireCredit(ctx, question))
}

// anotherNode is a second service on the same database, which asks the bureau through a relay.
func (x *institutions) anotherNode(back func(origination.EnquiryAnswer, error) (origination.EnquiryAnswer, error)) *origination.Applications {
	sources := x.sources
	sources.Bureau = relay{x.sources.Bureau, back}
	return origination.NewApplications(x.store, x.now, newID, origination.AskingFirst(
		origination.NewEnquiries(x.store, x.now, newID, origination.ConnectedTo(sources, 30, discard()))))
}

func TestACaseIsNotReferredBecauseTheNodeThatAskedDied(t *testing.T) {
	t.Parallel()
	x := newInstitutions(t)
	officer := x.somebody(domain.RoleLoanOfficer)
	rec := x.opened(officer, "99500.00")
	heard, buried := make(chan struct{}), make(chan struct{})
	dying := x.anotherNode(func(answer origination.EnquiryAnswer, err error) (origination.EnquiryAnswer, error) {
		close(heard)
		<-buried // the bureau has answered, and nobody stores it
		return answer, err
	})
	late := make(chan error)
	go func() {
		_, err := dying.Submit(context.Background(), officer, rec.ID)
		late <- err
	}()
	<-heard

	begun := time.Now()
	codes := atOnce(callers, func(int) error {
		_, err := x.applications.Submit(context.Background(), officer, rec.ID)
		return err
	})
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("the submits took %s, want 3 s and what the machine needs", took)
	}
	wantCodes(t, codes, map[string]int{"": 1, "wrong-status": callers - 1})
	got, err := x.applications.Application(t.Context(), officer, rec.ID)
	x.must(err)
	if got.Status != loan.StatusApproved {
		t.Errorf("the case is %s, want approved: the bureau can be asked", got.Status)
	}
	x.wantAsked("after the node died", 1, 1, 0)
	if n := x.sandbox.Asked().Services["bureau"].Requests; n != 2 {
		t.Errorf("the bureau heard %d requests, want the dead node's and one of the %d others'", n, callers)
	}
	close(buried)
	wantCode(t, "the late submit", <-late, "wrong-status")
	x.wantBureau(officer, rec.ID, origination.EnquiryAnswered, 2)
}

func TestAnAnswerCountsAlsoWhenWhoAskedAgainGotNone(t *testing.T) {
	t.Parallel()
	x := newInstitutions(t)
	officer := x.somebody(domain.RoleLoanOfficer)
	rec := x.opened(officer, "99500.00")
	heard, askedAgain, decided := make(chan struct{}), make(chan struct{}), make(chan struct{})
	slow := x.anotherNode(func(answer origination.EnquiryAnswer, err error) (origination.EnquiryAnswer, error) {
		close(heard)
		<-askedAgain
		return answer, err
	})
	unlucky := x.anotherNode(func(origination.EnquiryAnswer, error) (origination.EnquiryAnswer, error) {
		close(askedAgain)
		<-decided
		return origination.EnquiryAnswer{}, &origination.EnquiryError{Code: origination.EnquiryTimeout}
	})
	first, second := make(chan error), make(chan error)
	go func() {
		_, err := slow.Submit(context.Background(), officer, rec.ID)
		close(decided)
		first <- err
	}()
	go func() {
		<-heard
		_, err := unlucky.Submit(context.Background(), officer, rec.ID)
		second <- err
	}()
	wantCode(t, "the slow submit", <-first, "")
	wantCode(t, "the submit that asked again", <-second, "wrong-status")
	got, err := x.applications.Application(t.Context(), officer, rec.ID)
	x.must(err)
	if got.Status != loan.StatusApproved {
		t.Errorf("the case is %s, want approved by the answer that came late", got.Status)
	}
	x.wantBureau(officer, rec.ID, origination.EnquiryAnswered, 2)
}

// wantBureau asserts the one enquiry of a case to the bureau.
func (x *institutions) wantBureau(by domain.Actor, id domain.ID, status origination.EnquiryStatus, attempts int) {
	x.t.Helper()
	enquiries, err := x.enquiries.OfApplication(x.t.Context(), by, id)
	x.must(err)
	found := 0
	for _, e := range enquiries {
		if e.Source != origination.SourceBureau {
			continue
		}
		found++
		if e.Status != status || e.Attempts != attempts || !e.LeaseUntil.IsZero() {
			x.t.Errorf("the bureau's enquiry is %s after %d attempts, leased until %v, want %s after %d and no lease", e.Status, e.Attempts, e.LeaseUntil, status, attempts)
		}
	}
	if found != 1 {
		x.t.Errorf("%d enquiries to the bureau, want one", found)
	}
}

func TestAnInstitutionWithoutAnAnswerRefersWithItsName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		service string
		mode    sandbox.Mode
		code    string
		says    string
	}{
		{"bureau", sandbox.ModeHang, "bureau-not-answered", "征信机构超时未答复"},
		{"bureau", sandbox.ModeDown, "bureau-not-answered", "征信机构暂停服务"},
		{"screening", sandbox.ModeHang, "screening-not-answered", "名单筛查系统超时未答复"},
		{"screening", sandbox.ModeUnsigned, "screening-not-answered", "名单筛查系统答复签名无效"},
		{"bureau", sandbox.ModeBroken, "bureau-not-answered", "征信机构答复无法读取"},
		{"bureau", sandbox.ModeOtherID, "bureau-not-answered", "征信机构答复无法读取"},
		{"bureau", sandbox.ModeRefuse, "bureau-not-answered", "征信机构拒绝受理请求"},
		{"bureau", sandbox.ModeDropAnswer, "bureau-not-answered", "征信机构无法连接"},
	} {
		t.Run(c.service+" "+string(c.mode), func(t *testing.T) {
			t.Parallel()
			x := newInstitutions(t)
			officer, approver := x.somebody(domain.RoleLoanOfficer), x.somebody(domain.RoleApprover)
			x.tell(c.service, sandbox.Control{Mode: c.mode})
			rec := x.opened(officer, "99500.00")
			rec = x.submitted(officer, rec.ID)
			if rec.Status != loan.StatusReviewing {
				t.Errorf("submitted: %s, want reviewing", rec.Status)
			}
			if reason := x.wantReason(officer, rec.ID, c.code); !strings.Contains(reason.Text, c.says) || !reason.Unknown {
				t.Errorf("reason %+v, want it to say %s", reason, c.says)
			}
			if logged := x.logged.String(); strings.Contains(logged, "王吉华") || strings.Contains(logged, "371503") {
				t.Errorf("the log names the borrower: %s", logged)
			}

			// When it is back, the same enquiry is answered, under its id: the institution counted it once.
			_, err := x.applications.Return(t.Context(), approver, origination.ReturnApplication{
				ID: rec.ID, Reason: "征信恢复后重新提交", Items: []loan.MissingItem{{Kind: loan.MissingField, Name: "file", Text: "补齐后重新提交"}},
			})
			x.must(err)
			x.tell(c.service, sandbox.Control{Mode: sandbox.ModeAnswer})
			if again := x.submitted(officer, rec.ID); again.Status != loan.StatusApproved {
				t.Errorf("when the institution is back the case is %s, want approved", again.Status)
			}
			x.wantAsked("over both submits", 1, 1, 0)
		})
	}
}

func TestAHangingInstitutionDoesNotHoldASubmitUp(t *testing.T) {
	t.Parallel()
	x := newInstitutions(t)
	officer := x.somebody(domain.RoleLoanOfficer)
	for _, service := range []string{"bureau", "screening", "guarantee_precheck"} {
		x.tell(service, sandbox.Control{Mode: sandbox.ModeHang})
	}
	rec := x.opened(officer, "99500.00")
	begun := time.Now()
	got := x.submitted(officer, rec.ID)
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("a submit with all institutions hanging took %s, want 3 s and what the machine needs", took)
	}
	if got.Status != loan.StatusReviewing {
		t.Errorf("submitted: %s, want reviewing", got.Status)
	}
	x.wantReason(officer, rec.ID, "bureau-not-answered")
	x.wantReason(officer, rec.ID, "screening-not-answered")
}

func TestEachLookAtTheEnquiriesIsRecorded(t *testing.T) {
	t.Parallel()
	x := newInstitutions(t)
	ctx, officer := t.Context(), x.somebody(domain.RoleLoanOfficer)
	rec := x.submitted(officer, x.opened(officer, "99500.00").ID)
	_, err := x.enquiries.OfApplication(ctx, x.somebody(domain.RoleDisbursementOfficer), rec.ID)
	wantCode(t, "a disbursement officer looks", err, "role-not-allowed")
	_, err = x.enquiries.OfApplication(ctx, x.somebodyAt("371522", domain.RoleLoanOfficer), rec.ID)
	wantCode(t, "another branch looks", err, "application-not-found")
	got, err := x.enquiries.OfApplication(ctx, officer, rec.ID)
	x.must(err)
	if len(got) != 2 {
		t.Fatalf("%d enquiries, want the bureau's and the screening's", len(got))
	}
	for _, e := range got {
		if e.Status != origination.EnquiryAnswered || e.AskedBy != officer.ID || e.Purpose != "loan_approval" || e.Attempts != 1 ||
			(e.Source == origination.SourceBureau) == e.ConsentID.IsZero() || e.Answer.Result != "clear" {
			t.Errorf("enquiry %+v, want it answered clear, with who asked and the bureau's consent", e)
		}
	}
	history, err := x.borrowers.BorrowerHistory(ctx, officer, rec.BorrowerID, domain.Page{Limit: 5})
	x.must(err)
	if len(history) == 0 || history[0].Action != origination.EnquiriesSeen || history[0].ActorID != officer.ID {
		t.Errorf("the borrower's history begins with %+v, want the look", history)
	}
	events, err := x.applications.History(ctx, officer, rec.ID)
	x.must(err)
	asked := 0
	for _, e := range events {
		if e.Subject == loan.SubjectEnquiry {
			asked++
		}
	}
	if asked != 4 {
		t.Errorf("the case's history has %d lines about enquiries, want two asked and two answered", asked)
	}
}
