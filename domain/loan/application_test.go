package loan_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/decision"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/schedule"
)

var at = time.Date(2026, 11, 23, 1, 30, 0, 0, time.UTC)

var (
	applicationID  = domain.MustParseID("01910000-0000-7000-8000-000000000001")
	disbursementID = domain.MustParseID("01910000-0000-7000-8000-000000000002")
	borrowerID     = domain.MustParseID("01910000-0000-7000-8000-000000000003")
	branchID       = domain.MustParseID("01910000-0000-7000-8000-000000000004")
	officerID      = domain.MustParseID("01910000-0000-7000-8000-000000000005")
	decisionID     = domain.MustParseID("01910000-0000-7000-8000-000000000006")
	versionID      = domain.MustParseID("01910000-0000-7000-8000-000000000007")
	rateID         = domain.MustParseID("01910000-0000-7000-8000-000000000008")
)

// actor is somebody of the role who has had no part in the case.
func actor(role domain.Role) domain.Actor {
	return domain.Actor{ID: domain.MustParseID("01910000-0000-7000-8000-0000000000ff"), Name: "王芳", Role: role, BranchID: branchID}
}

func request(amount string) loan.Request {
	return loan.Request{
		Amount: money.MustParseAmount(amount), TermMonths: 12, RepaymentMethod: schedule.InterestOnlyBullet,
		Purpose: loan.PurposeFacility, PurposeNote: "维修肉鸭棚",
	}
}

func applicationIn(t *testing.T, status loan.Status) *loan.Application {
	t.Helper()
	rec := loan.Record{
		ID: applicationID, ApplicationNo: "LA-2026-000001", BranchID: branchID, OfficerID: officerID, BorrowerID: borrowerID,
		ProductCode: "QLFMD", Request: request("99500.00"), Status: status, Version: 1, CreatedAt: at.Add(-time.Hour), UpdatedAt: at.Add(-time.Hour),
	}
	if status != loan.StatusDraft {
		rec.SubmittedBy, rec.DecisionID, rec.ProductVersionID = officerID, decisionID, versionID
	}
	switch status {
	case loan.StatusApproved, loan.StatusSigned, loan.StatusDisbursed, loan.StatusClosed:
		rec.Approval = &loan.Approval{Amount: rec.Request.Amount, TermMonths: 12, ApprovedAt: at.Add(-time.Minute)}
	case loan.StatusDraft, loan.StatusReviewing, loan.StatusReturned, loan.StatusDeclined, loan.StatusWithdrawn:
	}
	app, err := loan.Restore(rec)
	if err != nil {
		t.Fatalf("restore %s: %v", status, err)
	}
	return app
}

func contract() loan.Contract {
	return loan.Contract{
		ApplicationID: applicationID, ContractNo: "HT-1", SignedOn: domain.DateOf(at), Amount: money.MustParseAmount("99500.00"), TermMonths: 12,
		Payee: payee(), RecordedAt: at,
	}
}

func payee() loan.Payee {
	return loan.Payee{
		AccountName: borrower.MustParseName("王吉华"), Account: borrower.MustParseBankAccount("6222020000000000125"), BankName: "茌平农商行",
	}
}

// disbursementOf is a disbursement whose transfers stand so, each of 1000.00 to the borrower but the first to two sellers.
func disbursementOf(t *testing.T, statuses ...loan.TransferStatus) *loan.Disbursement {
	t.Helper()
	sum, possible := loan.SumOf(statuses...)
	if !possible {
		t.Fatalf("transfers %v cannot be", statuses)
	}
	rec := loan.DisbursementRecord{
		ID: disbursementID, ApplicationID: applicationID, BranchID: branchID, BorrowerID: borrowerID,
		Status: sum, RequestedBy: officerID, RequestedAt: at, Version: 1,
	}
	if sum != loan.DisbursementRequested {
		rec.ReleasedBy = borrowerID
	}
	for i, status := range statuses {
		rec.Amount = rec.Amount.Add(money.MustParseAmount("1000.00"))
		rec.Transfers = append(rec.Transfers, loan.TransferRecord{
			ID: transferID(i + 1), DisbursementID: disbursementID, ApplicationID: applicationID, BranchID: branchID, BorrowerID: borrowerID,
			Number: i + 1, Method: loan.SelfPayment, Amount: money.MustParseAmount("1000.00"), Payee: payee(), AccountLast4: "0125",
			Status: status, Version: 1,
		})
	}
	d, err := loan.RestoreDisbursement(rec)
	if err != nil {
		t.Fatalf("restore %v: %v", statuses, err)
	}
	return d
}

func transferID(number int) domain.ID {
	return domain.MustParseID(fmt.Sprintf("01910000-0000-7000-8000-0000000001%02d", number))
}

func TestOpeningNeedsAnApplicantAndASensibleRequest(t *testing.T) {
	t.Parallel()
	rec := loan.Record{ID: applicationID, BranchID: branchID, BorrowerID: borrowerID, Request: request("99500.00")}
	for _, role := range domain.Roles() {
		_, event, err := loan.Open(actor(role), at, rec)
		may := role == domain.RoleLoanOfficer || role == domain.RoleBorrower
		if may != (err == nil) {
			t.Errorf("open by %s: %v, want allowed %t", role, err, may)
		}
		if may && (event.Version != 1 || event.To != "draft") {
			t.Errorf("open by %s: event %+v", role, event)
		}
	}

	bad := rec
	bad.Request = loan.Request{Amount: money.MustParseAmount("0.00"), TermMonths: 361, Purpose: "gambling", BureauConfirmationNo: string(make([]byte, 65))}
	_, _, err := loan.Open(actor(domain.RoleLoanOfficer), at, bad)
	wantFields(t, err, "/amount", "/term_months", "/purpose", "/bureau_confirmation_no")
}

// The visit and the bureau's confirmation become facts by which the rules approve without a person, and the relief lowers the
// price: the borrower says none of them himself, and takes none away that staff has entered.
func TestABorrowerDoesNotStateWhatOnlyStaffMayState(t *testing.T) {
	t.Parallel()
	borrower, officer := actor(domain.RoleBorrower), actor(domain.RoleLoanOfficer)
	entered := request("99500.00")
	entered.SiteVisitOn, entered.BureauConfirmationNo = domain.DateOf(at).AddDays(-3), "CP-2026-0117"
	entered.ReliefIndustry, entered.ReliefBasis = "epidemic_hit", "营业执照"
	fields := []string{"/site_visit_on", "/bureau_confirmation_no", "/relief_industry"}

	rec := loan.Record{ID: applicationID, BranchID: branchID, BorrowerID: borrowerID, Request: entered}
	_, _, err := loan.Open(borrower, at, rec)
	wantFields(t, err, fields...)
	app, event, err := loan.Open(officer, at, rec)
	if err != nil {
		t.Fatalf("open by the officer: %v", err)
	}
	wantNotes(t, event, loan.Note{Name: "site_visit_on", Value: entered.SiteVisitOn.String()}, loan.Note{Name: "bureau_confirmation_no", Value: "CP-2026-0117"})

	_, err = app.Edit(borrower, at, request("99500.00"))
	wantFields(t, err, fields...)
	later := entered
	later.SiteVisitOn = domain.DateOf(at)
	_, err = app.Edit(borrower, at, later)
	wantFields(t, err, "/site_visit_on")
	another := entered
	another.BureauConfirmationNo = "CP-2026-0118"
	_, err = app.Edit(borrower, at, another)
	wantFields(t, err, "/bureau_confirmation_no")

	less := entered
	less.Amount = money.MustParseAmount("50000.00")
	if _, err := app.Edit(borrower, at, less); err != nil {
		t.Errorf("the borrower asks for less, and leaves what the officer entered: %v, want allowed", err)
	}
	event, err = app.Edit(officer, at, request("50000.00"))
	if err != nil {
		t.Fatalf("edit by the officer: %v", err)
	}
	wantNotes(t, event, loan.Note{Name: "site_visit_on_before", Value: entered.SiteVisitOn.String()}, loan.Note{Name: "site_visit_on"},
		loan.Note{Name: "bureau_confirmation_no_before", Value: "CP-2026-0117"}, loan.Note{Name: "bureau_confirmation_no"})
}

func wantNotes(t *testing.T, event loan.Event, want ...loan.Note) {
	t.Helper()
	for _, note := range want {
		if !slices.Contains(event.Detail, note) {
			t.Errorf("%s: notes %v, want among them %v", event.Action, event.Detail, note)
		}
	}
}

func TestAnApprovalStaysWithinWhatWasAsked(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		amount string
		months int
		fields []string
	}{
		{"99500.00", 12, nil},
		{"0.01", 1, nil},
		{"99500.01", 12, []string{"/amount"}},
		{"0.00", 12, []string{"/amount"}},
		{"99500.00", 13, []string{"/term_months"}},
		{"-1.00", 0, []string{"/amount", "/term_months"}},
	} {
		app := applicationIn(t, loan.StatusReviewing)
		_, err := app.Approve(actor(domain.RoleApprover), at, loan.Approval{Amount: money.MustParseAmount(c.amount), TermMonths: c.months}, rateID)
		if len(c.fields) > 0 {
			wantFields(t, err, c.fields...)
			continue
		}
		if got := app.Record().ReferenceRateID; err != nil || got != rateID {
			t.Errorf("approve %s for %d months: reference rate %q, %v; want %q", c.amount, c.months, got, err, rateID)
		}
	}
}

func TestWhoPreparedACaseDoesNotDecideIt(t *testing.T) {
	t.Parallel()
	officerTurnedApprover := domain.Actor{ID: officerID, Role: domain.RoleApprover, BranchID: branchID}
	for action, try := range attempts {
		if action != loan.ActionApprove && action != loan.ActionDecline && action != loan.ActionReturn {
			continue
		}
		_, err := try(applicationIn(t, loan.StatusReviewing), officerTurnedApprover, "")
		if domain.CodeOf(err) != "four-eyes" {
			t.Errorf("%s by the officer of the case: got %v, want four-eyes", action, err)
		}
	}
}

func TestWhoAskedOrApprovedDoesNotReleaseTheMoney(t *testing.T) {
	t.Parallel()
	approverID := domain.MustParseID("01910000-0000-7000-8000-0000000000aa")
	submitterID := domain.MustParseID("01910000-0000-7000-8000-0000000000ab")
	app := loan.Record{OfficerID: officerID, SubmittedBy: submitterID, Approval: &loan.Approval{ApprovedBy: approverID}}
	for _, id := range []domain.ID{officerID, approverID, submitterID} {
		by := domain.Actor{ID: id, Role: domain.RoleDisbursementOfficer}
		d := disbursementOf(t, loan.TransferRequested)
		_, err := d.Release(by, at, app)
		if domain.CodeOf(err) != "four-eyes" || d.Record().Status != loan.DisbursementRequested {
			t.Errorf("release by %s: got %v and %s, want four-eyes and requested", id, err, d.Record().Status)
		}
	}
	if _, err := disbursementOf(t, loan.TransferRequested).Release(actor(domain.RoleDisbursementOfficer), at, app); err != nil {
		t.Errorf("release by a second person: %v", err)
	}
}

func TestAContractCarriesWhatWasApproved(t *testing.T) {
	t.Parallel()
	tomorrow := domain.DateOf(at).AddDays(1)
	for name, c := range map[string]struct {
		change func(*loan.Contract)
		fields []string
	}{
		"more money":    {func(c *loan.Contract) { c.Amount = money.MustParseAmount("99500.01") }, []string{"/amount"}},
		"longer":        {func(c *loan.Contract) { c.TermMonths = 13 }, []string{"/amount"}},
		"signed before": {func(c *loan.Contract) { c.SignedOn = domain.DateOf(at).AddDays(-1) }, []string{"/signed_on"}},
		"signed later":  {func(c *loan.Contract) { c.SignedOn = tomorrow }, []string{"/signed_on"}},
		"no number":     {func(c *loan.Contract) { c.ContractNo = "" }, []string{"/contract_no"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			signed := contract()
			c.change(&signed)
			app := applicationIn(t, loan.StatusApproved)
			_, err := app.Sign(actor(domain.RoleLoanOfficer), at, signed)
			wantFields(t, err, c.fields...)
			if app.Record().Status != loan.StatusApproved {
				t.Errorf("refused, and changed to %s", app.Record().Status)
			}
		})
	}
}

func TestAResubmissionForgetsTheFormerApproval(t *testing.T) {
	t.Parallel()
	app := applicationIn(t, loan.StatusReturned)
	_, err := app.Submit(actor(domain.RoleLoanOfficer), at, loan.Submission{DecisionID: decisionID, Outcome: decision.Outcome{Result: decision.Refer}})
	if err != nil || app.Record().Approval != nil {
		t.Errorf("resubmitted: %v, approval %+v; want none", err, app.Record().Approval)
	}
}

func TestARecordIsACopy(t *testing.T) {
	t.Parallel()
	app := applicationIn(t, loan.StatusApproved)
	rec := app.Record()
	rec.Status = loan.StatusClosed
	rec.Approval.TermMonths = 99
	if got := app.Record(); got.Status != loan.StatusApproved || got.Approval.TermMonths != 12 {
		t.Errorf("changing a record changed the application: %s, %d months", got.Status, got.Approval.TermMonths)
	}
}

func TestARecordThatCannotBeIsNotRestored(t *testing.T) {
	t.Parallel()
	good := applicationIn(t, loan.StatusApproved).Record()
	for name, spoil := range map[string]func(*loan.Record){
		"unknown status": func(r *loan.Record) { r.Status = "lost" },
		"no borrower":    func(r *loan.Record) { r.BorrowerID = "" },
		"no branch":      func(r *loan.Record) { r.BranchID = "" },
		"version zero":   func(r *loan.Record) { r.Version = 0 },
		"no approval":    func(r *loan.Record) { r.Approval = nil },
		"approved more than asked": func(r *loan.Record) {
			r.Approval = &loan.Approval{Amount: money.MustParseAmount("99500.01"), TermMonths: 12}
		},
		"approved nothing": func(r *loan.Record) { r.Approval = &loan.Approval{TermMonths: 12} },
		"never decided on": func(r *loan.Record) { r.DecisionID = "" },
	} {
		rec := good
		spoil(&rec)
		if _, err := loan.Restore(rec); err == nil {
			t.Errorf("%s: restored", name)
		}
	}
}

func wantFields(t *testing.T, err error, pointers ...string) {
	t.Helper()
	e, ok := err.(*domain.Error) //nolint:errorlint // the use case returns it as it is
	if !ok {
		t.Fatalf("got %v, want wrong fields %v", err, pointers)
	}
	got := make([]string, len(e.Fields))
	for i, f := range e.Fields {
		got[i] = f.Pointer
	}
	if diff := cmp.Diff(pointers, got); diff != "" {
		t.Errorf("wrong fields (-want +got):\n%s", diff)
	}
}
