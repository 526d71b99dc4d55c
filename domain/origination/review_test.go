package origination_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"fumin/domain"
	"fumin/domain/decision"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
	"fumin/domain/staff"
)

// committee replaces the shipped rule with one of the given members, and returns them.
func (w *world) committee(n, quorum, numerator, denominator int) []domain.Actor {
	w.t.Helper()
	members := make([]domain.Actor, n)
	a := staff.Authority{
		ID: newID(), Kind: staff.AuthorityCommittee, ProductCode: "QLFMD", GuaranteeKind: staff.GuaranteeAny, Amount: money.MustParseAmount("2000000.00"),
		Quorum: quorum, MajorityNumerator: numerator, MajorityDenominator: denominator, EffectiveFrom: domain.MustParseDate("2026-01-01"),
		Basis: "贷审会工作规则", Status: staff.AuthorityActive, DraftedBy: newID(), DraftedAt: testStart, ActivatedBy: newID(), ActivatedAt: testStart, Version: 2,
	}
	for i := range members {
		members[i] = w.demoActor(domain.RoleRiskManager)
		a.Members = append(a.Members, members[i].ID)
	}
	w.must(w.authorities.Load(w.t.Context(), domain.Actor{ID: newID(), Name: "安装程序", Role: domain.RoleSystem}, []staff.Authority{a}))
	return members
}

func vote(id domain.ID, yes bool) origination.CastVote {
	return origination.CastVote{ApplicationID: id, InFavour: yes, Reason: "用途真实"}
}

func TestAboveAFurtherAmountTheCommitteeCarriesTheCaseFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	members := w.committee(5, 3, 2, 3)
	officer, city := w.somebodyAt("3715", domain.RoleLoanOfficer), w.demoStaff("approver-3715")
	rec, small := w.referred(officer, "2500000.00"), w.referred(officer, "2000000.00")

	_, err := w.applications.Approve(ctx, city, origination.ApproveApplication{ID: small.ID})
	w.must(err) // exactly the border
	_, err = w.applications.Approve(ctx, city, origination.ApproveApplication{ID: rec.ID})
	wantCode(t, "before the committee", err, "committee-required")
	_, _, err = w.reviews.Vote(ctx, city, key(), vote(rec.ID, true))
	wantCode(t, "a vote by somebody else", err, "not-a-member")
	same := key()
	_, _, err = w.reviews.Vote(ctx, members[0], same, vote(rec.ID, true))
	w.must(err)
	again, replayed, err := w.reviews.Vote(ctx, members[0], same, vote(rec.ID, true))
	if err != nil || !replayed || again.InFavour != 1 {
		t.Errorf("the same vote sent twice: %+v, %t, %v", again, replayed, err)
	}
	_, _, err = w.reviews.Vote(ctx, members[0], key(), vote(rec.ID, false))
	wantCode(t, "a second vote of one member", err, "already-voted")
	_, _, err = w.reviews.Vote(ctx, members[1], key(), vote(rec.ID, true))
	w.must(err)
	_, err = w.applications.Approve(ctx, city, origination.ApproveApplication{ID: rec.ID})
	wantCode(t, "below the quorum", err, "committee-required")
	c, _, err := w.reviews.Vote(ctx, members[2], key(), vote(rec.ID, false))
	w.must(err)
	if !c.Carried || c.Closed || c.InFavour != 2 || c.Against != 1 {
		t.Errorf("two of three: %+v; want carried, and still open", c)
	}
	approved, err := w.applications.Approve(ctx, city, origination.ApproveApplication{ID: rec.ID})
	w.must(err)
	if approved.Status != loan.StatusApproved {
		t.Errorf("after the committee: %s", approved.Status)
	}
	_, _, err = w.reviews.Vote(ctx, members[3], key(), vote(rec.ID, false))
	wantCode(t, "a vote after the outcome", err, "wrong-status")
}

func TestALostVoteClosesTheCommittee(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	members := w.committee(3, 2, 2, 3)
	rec := w.referred(w.somebodyAt("3715", domain.RoleLoanOfficer), "2500000.00")
	for _, m := range members[:2] {
		_, _, err := w.reviews.Vote(ctx, m, key(), vote(rec.ID, false))
		w.must(err)
	}
	_, _, err := w.reviews.Vote(ctx, members[2], key(), vote(rec.ID, true))
	wantCode(t, "a vote that can change nothing", err, "committee-closed")
	_, err = w.applications.Approve(ctx, w.demoStaff("approver-3715"), origination.ApproveApplication{ID: rec.ID})
	wantCode(t, "approve what the committee refused", err, "committee-required")
}

func TestTwentyVotesAtOnceAreCountedExactly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	members := w.committee(callers, callers, 1, 1)
	officer := w.somebodyAt("3715", domain.RoleLoanOfficer)
	rec := w.referred(officer, "2500000.00")
	codes := atOnce(2*callers, func(i int) error { // each member presses twice
		_, _, err := w.reviews.Vote(context.Background(), members[i%callers], key(), vote(rec.ID, true))
		return err
	})
	// The last vote settles it; whoever presses again after that hears of it one way or the other.
	if codes[""] != callers || codes["already-voted"]+codes["committee-closed"] != callers {
		t.Errorf("forty presses of twenty members: %v", codes)
	}
	c, err := w.reviews.Committee(t.Context(), officer, rec.ID)
	w.must(err)
	if c.InFavour != callers || c.Against != 0 || len(c.Votes) != callers || !c.Carried || !c.Closed {
		t.Errorf("counted %d in favour, %d against, %d votes, carried %t, closed %t", c.InFavour, c.Against, len(c.Votes), c.Carried, c.Closed)
	}
}

func newVisit(second domain.ID) loan.SiteVisit {
	return loan.SiteVisit{
		SecondID: second, VisitedOn: domain.MustParseDate("2026-11-20"), Findings: "鸭棚两座，存栏五千只",
		Photos: []string{strings.Repeat("0f", 32)},
	}
}

func TestASiteVisitCountsWhenTheSecondInvestigatorConfirmsItHimself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	officer, second := w.somebody(domain.RoleLoanOfficer), w.hired(w.somebody(domain.RoleRiskManager))
	rec := w.opened(officer, "300000.00")
	_, _, err := w.reviews.RecordVisit(ctx, w.somebody(domain.RoleAuditor), key(), rec.ID, newVisit(second.ID))
	wantCode(t, "a visit by an auditor", err, "role-not-allowed")
	_, _, err = w.reviews.RecordVisit(ctx, officer, key(), rec.ID, newVisit(newID()))
	wantCode(t, "with nobody", err, "invalid-fields")
	w.hired(officer)
	_, _, err = w.reviews.RecordVisit(ctx, officer, key(), rec.ID, newVisit(officer.ID))
	wantCode(t, "with himself", err, "invalid-fields")
	visit, _, err := w.reviews.RecordVisit(ctx, officer, key(), rec.ID, newVisit(second.ID))
	w.must(err)
	_, err = w.reviews.ConfirmVisit(ctx, officer, visit.ID)
	wantCode(t, "confirmed by the first", err, "not-the-second")

	rec, err = w.applications.Submit(ctx, officer, rec.ID)
	w.must(err)
	d, err := w.applications.Decision(ctx, officer, rec.ID)
	w.must(err)
	if n, known := d.Facts.SiteVisitInvestigators.Value(); known {
		t.Errorf("an unconfirmed visit is a fact: %d investigators", n)
	}
	_, err = w.reviews.ConfirmVisit(ctx, second, visit.ID)
	w.must(err)
	_, err = w.reviews.ConfirmVisit(ctx, second, visit.ID)
	wantCode(t, "confirmed twice", err, "visit-confirmed")

	_, err = w.applications.Return(ctx, w.somebody(domain.RoleApprover), origination.ReturnApplication{
		ID: rec.ID, Reason: "资料不全", Items: []loan.MissingItem{{Kind: loan.MissingDocument, Name: "bank_statement", Text: "补近半年流水"}},
	})
	w.must(err)
	rec, err = w.applications.Submit(ctx, officer, rec.ID)
	w.must(err)
	d, err = w.applications.Decision(ctx, officer, rec.ID)
	w.must(err)
	done, known := d.Facts.SiteVisitDone.Value()
	if n, _ := d.Facts.SiteVisitInvestigators.Value(); n != 2 || !done || !known {
		t.Errorf("decided again after the confirmation: visited %t, by %d; want true, 2", done, n)
	}
}

func TestWhoCancelsWhatTheRulesAskedForDoesNotApproveWithoutIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	officer, approver, other := w.somebody(domain.RoleLoanOfficer), w.hired(w.somebody(domain.RoleApprover)), w.hired(w.somebody(domain.RoleApprover))
	unknown := request("80000.00")
	unknown.BureauConfirmationNo = ""
	waived, kept := w.submittedFor(officer, "19800615", unknown), w.submittedFor(officer, "19800616", unknown)
	for _, rec := range []loan.Record{waived, kept} {
		list, err := w.reviews.TasksOfCase(ctx, officer, rec.ID)
		w.must(err)
		task := open(list.Items, loan.TaskBureauConfirmation)[0]
		by := map[domain.ID]domain.Actor{waived.ID: approver, kept.ID: w.somebody(domain.RoleRiskManager)}[rec.ID]
		_, err = w.reviews.Cancel(ctx, by, task.ID, "电话核实过")
		w.must(err)
		w.clear(officer, rec.ID)
	}
	approve := func(by domain.Actor, rec loan.Record) error {
		_, err := w.applications.Approve(ctx, by, origination.ApproveApplication{ID: rec.ID})
		return err
	}
	wantCode(t, "approved by who cancelled the bureau's confirmation", approve(approver, waived), "four-eyes")
	w.must(approve(approver, kept)) // cancelled by another
	_, _, err := w.authorities.Delegate(ctx, approver, key(), staff.Delegation{
		FromID: approver.ID, ToID: other.ID, StartsOn: domain.DateOf(w.now()), EndsOn: domain.DateOf(w.now()), Reason: "年休假",
	})
	w.must(err)
	w.must(approve(other, waived)) // by his own authority, not the other's
}

func TestARoundsTasksEndWithTheRound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	officer, approver := w.somebody(domain.RoleLoanOfficer), w.somebody(domain.RoleApprover)
	unknown := request("80000.00")
	unknown.BureauConfirmationNo = ""
	rec := w.submittedFor(officer, "19800615", unknown)
	list, err := w.reviews.TasksOfCase(ctx, officer, rec.ID)
	w.must(err)
	if list.Ready || len(open(list.Items, loan.TaskBureauConfirmation)) != 1 {
		t.Fatalf("referred for the list: %+v; want the bureau's confirmation among what is open", list)
	}
	task := open(list.Items, loan.TaskBureauConfirmation)[0]
	if task.OwnerID != officer.ID || !task.DueAt.After(w.now()) || task.DecisionID != rec.DecisionID {
		t.Errorf("the task: %+v; want the officer's, with a due time, of this decision", task)
	}
	_, err = w.reviews.Complete(ctx, w.somebody(domain.RoleDisbursementOfficer), task.ID, "已答复")
	wantCode(t, "completed by a stranger", err, "role-not-allowed")
	_, err = w.reviews.Cancel(ctx, officer, task.ID, "不需要")
	wantCode(t, "waived by the officer", err, "role-not-allowed")

	mine, err := w.reviews.Tasks(ctx, officer, origination.ListTasks{Mine: true, Status: loan.TaskOpen}, domain.Page{Limit: 10})
	w.must(err)
	overdue, err := w.reviews.Tasks(ctx, officer, origination.ListTasks{Overdue: true}, domain.Page{Limit: 10})
	w.must(err)
	elsewhere, err := w.reviews.Tasks(ctx, w.somebodyAt("371526", domain.RoleRiskManager), origination.ListTasks{}, domain.Page{Limit: 10})
	w.must(err)
	if len(mine) == 0 || len(overdue) != 0 || len(elsewhere) != 0 {
		t.Errorf("mine %d, overdue %d, of another branch %d; want some, none, none", len(mine), len(overdue), len(elsewhere))
	}
	w.advance(30 * 24 * time.Hour)
	overdue, err = w.reviews.Tasks(ctx, approver, origination.ListTasks{Overdue: true}, domain.Page{Limit: 10})
	w.must(err)
	if len(overdue) != len(list.Items) {
		t.Errorf("a month later %d of %d are overdue", len(overdue), len(list.Items))
	}

	_, err = w.applications.Return(ctx, approver, origination.ReturnApplication{
		ID: rec.ID, Reason: "资料不全", Items: []loan.MissingItem{{Kind: loan.MissingDocument, Name: "bank_statement", Text: "补近半年流水"}},
	})
	w.must(err)
	_, err = w.reviews.Complete(ctx, officer, task.ID, "已答复")
	wantCode(t, "a task of a round that is over", err, "task-closed")
	again, err := w.applications.Submit(ctx, officer, rec.ID)
	w.must(err)
	list, err = w.reviews.TasksOfCase(ctx, officer, rec.ID)
	w.must(err)
	for _, next := range list.Items {
		if want := next.DecisionID == again.DecisionID; (next.Status == loan.TaskOpen) != want {
			t.Errorf("task %s of decision %s is %s; only those of the second round may be open", next.Kind, next.DecisionID, next.Status)
		}
	}
}

func TestOneOfTwentyCompletesATask(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	unknown := request("80000.00")
	unknown.BureauConfirmationNo = ""
	rec := w.submittedFor(officer, "19800615", unknown)
	list, err := w.reviews.TasksOfCase(t.Context(), officer, rec.ID)
	w.must(err)
	id := open(list.Items, loan.TaskBureauConfirmation)[0].ID
	codes := atOnce(callers, func(int) error {
		_, err := w.reviews.Complete(context.Background(), officer, id, "已答复")
		return err
	})
	wantCodes(t, codes, map[string]int{"": 1, "task-closed": callers - 1})
}

// Every write that could join two of investigator, officer, approver, voter and releaser in one person (三分离). The person keeps
// the id and changes the post in between, as staff who are transferred do.
func TestNobodyHoldsTwoOfTheRolesThatMustStayApart(t *testing.T) {
	t.Parallel()
	type step func(w *world, rec loan.Record, person domain.ID) error
	as := func(w *world, id domain.ID, role domain.Role) domain.Actor {
		return domain.Actor{ID: id, Name: "转岗员工", Role: role, BranchID: w.branch("3715")}
	}
	approve := func(w *world, rec loan.Record, person domain.ID) error {
		_, err := w.applications.Approve(w.t.Context(), as(w, person, domain.RoleApprover), origination.ApproveApplication{ID: rec.ID})
		return err
	}
	visit := func(w *world, rec loan.Record, person domain.ID) error {
		other := w.hired(w.somebodyAt("3715", domain.RoleRiskManager))
		_, _, err := w.reviews.RecordVisit(w.t.Context(), as(w, person, domain.RoleLoanOfficer), key(), rec.ID, newVisit(other.ID))
		return err
	}
	assist := func(w *world, rec loan.Record, person domain.ID) error {
		w.hired(as(w, person, domain.RoleRiskManager))
		v, _, err := w.reviews.RecordVisit(w.t.Context(), w.somebody(domain.RoleLoanOfficer), key(), rec.ID, newVisit(person))
		if err != nil {
			return err
		}
		_, err = w.reviews.ConfirmVisit(w.t.Context(), as(w, person, domain.RoleRiskManager), v.ID)
		return err
	}
	signedAndRequested := func(w *world, rec loan.Record) (domain.ID, error) {
		officer := w.somebodyAt("3715", domain.RoleLoanOfficer)
		if _, err := w.applications.Sign(w.t.Context(), officer, origination.SignApplication{ID: rec.ID, ContractNo: "HT-" + rec.ApplicationNo, SignedOn: domain.DateOf(w.now())}); err != nil {
			return "", err
		}
		d, _, err := w.disbursements.Request(w.t.Context(), officer, key(), all(rec.ID))
		return d.ID, err
	}
	approvedBySomebody := func(w *world, rec loan.Record) error { return approve(w, rec, w.demoStaff("approver-3715").ID) }
	release := func(w *world, rec loan.Record, person domain.ID) error {
		now, err := w.applications.Application(w.t.Context(), as(w, person, domain.RoleAuditor), rec.ID)
		if err != nil {
			return err
		}
		if now.Status == loan.StatusReviewing {
			if err := approvedBySomebody(w, rec); err != nil {
				return err
			}
		}
		id, err := signedAndRequested(w, rec)
		if err != nil {
			return err
		}
		_, _, err = w.disbursements.Release(w.t.Context(), as(w, person, domain.RoleDisbursementOfficer), key(), id)
		return err
	}
	officer := func(*world, loan.Record, domain.ID) error { return nil } // the person opened and submitted the case
	for _, c := range []struct {
		name          string
		officer       bool
		first, second step
		want          string
	}{
		{"the officer approves", true, officer, approve, "four-eyes"},
		{"the officer declines", true, officer, func(w *world, rec loan.Record, p domain.ID) error {
			_, err := w.applications.Decline(w.t.Context(), as(w, p, domain.RoleApprover), rec.ID, "不同意")
			return err
		}, "four-eyes"},
		{"the officer returns", true, officer, func(w *world, rec loan.Record, p domain.ID) error {
			_, err := w.applications.Return(w.t.Context(), as(w, p, domain.RoleApprover), origination.ReturnApplication{
				ID: rec.ID, Reason: "不全", Items: []loan.MissingItem{{Kind: loan.MissingField, Name: "x", Text: "x"}},
			})
			return err
		}, "four-eyes"},
		{"the officer votes", true, officer, func(w *world, rec loan.Record, p domain.ID) error {
			_, _, err := w.reviews.Vote(w.t.Context(), as(w, p, domain.RoleRiskManager), key(), vote(rec.ID, true))
			return err
		}, "four-eyes"},
		{"the officer releases", true, officer, release, "four-eyes"},
		{"the investigator approves", false, visit, approve, "four-eyes"},
		{"the second investigator approves", false, assist, approve, "four-eyes"},
		{"the investigator declines", false, visit, func(w *world, rec loan.Record, p domain.ID) error {
			_, err := w.applications.Decline(w.t.Context(), as(w, p, domain.RoleApprover), rec.ID, "不同意")
			return err
		}, "four-eyes"},
		{"the second investigator returns", false, assist, func(w *world, rec loan.Record, p domain.ID) error {
			_, err := w.applications.Return(w.t.Context(), as(w, p, domain.RoleApprover), origination.ReturnApplication{
				ID: rec.ID, Reason: "不全", Items: []loan.MissingItem{{Kind: loan.MissingField, Name: "x", Text: "x"}},
			})
			return err
		}, "four-eyes"},
		{"the investigator votes", false, visit, func(w *world, rec loan.Record, p domain.ID) error {
			_, _, err := w.reviews.Vote(w.t.Context(), as(w, p, domain.RoleRiskManager), key(), vote(rec.ID, true))
			return err
		}, "four-eyes"},
		{"the investigator releases", false, visit, release, "four-eyes"},
		{"the second investigator releases", false, assist, release, "four-eyes"},
		{"the approver investigates", false, approve, visit, "wrong-status"},
		{"the approver assists", false, approve, assist, "wrong-status"},
		{"the approver signs", false, approve, func(w *world, rec loan.Record, p domain.ID) error {
			_, err := w.applications.Sign(w.t.Context(), as(w, p, domain.RoleLoanOfficer), origination.SignApplication{ID: rec.ID, ContractNo: "HT-1", SignedOn: domain.DateOf(w.now())})
			return err
		}, "four-eyes"},
		{"the approver asks for the money", false, approve, func(w *world, rec loan.Record, p domain.ID) error {
			if _, err := w.applications.Sign(w.t.Context(), w.somebodyAt("3715", domain.RoleLoanOfficer), origination.SignApplication{ID: rec.ID, ContractNo: "HT-1", SignedOn: domain.DateOf(w.now())}); err != nil {
				return err
			}
			_, _, err := w.disbursements.Request(w.t.Context(), as(w, p, domain.RoleLoanOfficer), key(), all(rec.ID))
			return err
		}, "four-eyes"},
		{"the approver releases", false, approve, release, "four-eyes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			person := newID()
			maker := w.somebody(domain.RoleLoanOfficer)
			if c.officer {
				maker.ID = person
			}
			a := staff.Authority{
				ID: newID(), Kind: staff.AuthorityApprove, UserID: person, GuaranteeKind: staff.GuaranteeAny, Amount: money.MustParseAmount("3000000.00"),
				EffectiveFrom: domain.MustParseDate("2026-01-01"), Basis: "授权书", Status: staff.AuthorityActive,
				DraftedBy: newID(), DraftedAt: testStart, ActivatedBy: newID(), ActivatedAt: testStart, Version: 2,
			}
			w.must(w.authorities.Load(t.Context(), domain.Actor{ID: newID(), Role: domain.RoleSystem, Name: "安装程序"}, []staff.Authority{a}))
			rec := w.offList(maker, "80000.00")
			w.must(c.first(w, rec, person))
			wantCode(t, c.name, c.second(w, rec, person), c.want)
		})
	}
}

// What nobody could know at the vote or the opinion: that the same person would go out, or pay, afterwards.
func TestWhoVotedOrGaveAnOpinionNeitherInvestigatesNorReleasesAfterwards(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	officer, reviewer := w.somebodyAt("3715", domain.RoleLoanOfficer), newID()
	first, second := w.hired(w.somebodyAt("3715", domain.RoleRiskManager)), w.hired(w.somebodyAt("3715", domain.RoleRiskManager))
	w.must(w.authorities.Load(ctx, domain.Actor{ID: newID(), Role: domain.RoleSystem, Name: "安装程序"}, []staff.Authority{{
		ID: newID(), Kind: staff.AuthorityCommittee, ProductCode: "QLFMD", GuaranteeKind: staff.GuaranteeAny, Amount: money.MustParseAmount("50000.00"),
		Members: []domain.ID{first.ID, second.ID}, Quorum: 2, MajorityNumerator: 1, MajorityDenominator: 2, EffectiveFrom: domain.MustParseDate("2026-01-01"),
		Basis: "贷审会工作规则", Status: staff.AuthorityActive, DraftedBy: newID(), DraftedAt: testStart, ActivatedBy: newID(), ActivatedAt: testStart, Version: 2,
	}}))
	rec := w.offList(officer, "80000.00")
	v, _, err := w.reviews.RecordVisit(ctx, officer, key(), rec.ID, newVisit(second.ID))
	w.must(err)
	for _, member := range []domain.Actor{first, second} {
		_, _, err = w.reviews.Vote(ctx, member, key(), vote(rec.ID, true))
		w.must(err)
	}
	list, err := w.reviews.TasksOfCase(ctx, officer, rec.ID)
	w.must(err)
	for _, task := range open(list.Items, loan.TaskReviewerOpinion) {
		_, err = w.reviews.Complete(ctx, domain.Actor{ID: reviewer, Name: "审查人", Role: task.OwnerRole, BranchID: officer.BranchID}, task.ID, "同意")
		w.must(err)
	}

	_, _, err = w.reviews.RecordVisit(ctx, first, key(), rec.ID, newVisit(second.ID))
	wantCode(t, "a voter records a visit", err, "four-eyes")
	_, _, err = w.reviews.RecordVisit(ctx, officer, key(), rec.ID, newVisit(first.ID))
	wantCode(t, "a voter is named as the second investigator", err, "four-eyes")
	_, err = w.reviews.ConfirmVisit(ctx, second, v.ID)
	wantCode(t, "a voter confirms a visit that was recorded before the vote", err, "four-eyes")
	third := w.hired(w.somebodyAt("3715", domain.RoleRiskManager))
	_, _, err = w.reviews.RecordVisit(ctx, domain.Actor{ID: reviewer, Name: "审查人", Role: domain.RoleLoanOfficer, BranchID: officer.BranchID}, key(), rec.ID, newVisit(third.ID))
	wantCode(t, "who gave the opinion records a visit", err, "four-eyes")

	_, err = w.applications.Approve(ctx, w.demoStaff("approver-3715"), origination.ApproveApplication{ID: rec.ID})
	w.must(err)
	_, err = w.applications.Sign(ctx, officer, origination.SignApplication{ID: rec.ID, ContractNo: "HT-" + rec.ApplicationNo, SignedOn: domain.DateOf(w.now())})
	w.must(err)
	d, _, err := w.disbursements.Request(ctx, officer, key(), all(rec.ID))
	w.must(err)
	first.Role = domain.RoleDisbursementOfficer
	_, _, err = w.disbursements.Release(ctx, first, key(), d.ID)
	wantCode(t, "a voter releases", err, "four-eyes")
	_, _, err = w.disbursements.Release(ctx, w.somebodyAt("3715", domain.RoleDisbursementOfficer), key(), d.ID)
	w.must(err)
}

func TestWhoIsStoodInForMustNotHaveInvestigatedEither(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	officer, deputy := w.somebody(domain.RoleLoanOfficer), w.hired(w.somebody(domain.RoleApprover))
	absent := w.hired(w.demoStaff("approver-3715"))
	rec := w.referred(officer, "800000.00")
	v, _, err := w.reviews.RecordVisit(ctx, officer, key(), rec.ID, newVisit(absent.ID))
	w.must(err)
	_, err = w.reviews.ConfirmVisit(ctx, absent, v.ID)
	w.must(err)
	today := domain.DateOf(w.now())
	_, _, err = w.authorities.Delegate(ctx, absent, key(), staff.Delegation{FromID: absent.ID, ToID: deputy.ID, StartsOn: today, EndsOn: today, Reason: "年休假"})
	w.must(err)
	_, err = w.applications.Approve(ctx, deputy, origination.ApproveApplication{ID: rec.ID})
	wantCode(t, "by the authority of an investigator", err, "four-eyes")
	_, err = w.applications.Approve(ctx, deputy, origination.ApproveApplication{ID: rec.ID, Amount: money.MustParseAmount("500000.00")})
	w.must(err) // what is his own he may use
}

func TestTasksComeFromTheRulesOrElseFromTheReasons(t *testing.T) {
	t.Parallel()
	refer := decision.Outcome{Result: decision.Refer, Reasons: []decision.Reason{
		{Effect: decision.Refer, FactName: decision.FactSiteVisitDone, Text: "尚无调查记录"},
		{Effect: decision.Refer, FactName: decision.FactAmount, Text: "超过快速审批上限"},
		{Effect: decision.Refer, FactName: decision.FactCreditConsentLive, Text: "没有授权"},
	}}
	got := loan.RoutingOf(refer)
	want := []loan.TaskKind{loan.TaskSiteVisit, loan.TaskReviewerOpinion, loan.TaskPapers}
	if len(got) != len(want) {
		t.Fatalf("from three reasons: %+v", got)
	}
	for i, r := range got {
		if r.Kind != want[i] || r.Blocking != (r.Kind != loan.TaskReviewerOpinion) || r.Text == "" {
			t.Errorf("task %d: %+v, want %s", i, r, want[i])
		}
	}
	refer.Tasks = []decision.Task{
		{Kind: decision.TaskPapers, Text: "补充流水", Bring: []string{"近半年流水"}}, {Kind: decision.TaskPapers, Text: "补充租赁合同"},
	}
	got = loan.RoutingOf(refer)
	if len(got) != 1 || got[0].Kind != loan.TaskPapers || !strings.Contains(got[0].Text, "近半年流水") || !strings.Contains(got[0].Text, "租赁合同") {
		t.Errorf("from the rules' own tasks: %+v; want one for the papers, with both texts", got)
	}
	if got := loan.RoutingOf(decision.Outcome{Result: decision.Decline, Reasons: refer.Reasons}); got != nil {
		t.Errorf("a decline makes tasks: %+v", got)
	}
}
