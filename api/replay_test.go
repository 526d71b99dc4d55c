package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"fumin/domain"
	"fumin/domain/origination"
)

type replayJSON struct {
	ID     domain.ID `json:"id"`
	Status string    `json:"status"`
	Error  string    `json:"error"`
	Report *struct {
		Cases, Unreadable, Moved int
		Moves                    []struct {
			From, To string
			Cases    int
		}
		ByRegion       []struct{ Key string } `json:"by_region"`
		ByProduct      []struct{ Key string } `json:"by_product"`
		ByAmount       []struct{ Key string } `json:"by_amount"`
		ApprovedBefore string                 `json:"approved_before"`
		ApprovedAfter  string                 `json:"approved_after"`
		MovedCases     []struct {
			ApplicationID domain.ID `json:"application_id"`
			From, To      string
			Reasons       []string
		} `json:"moved_cases"`
	}
}

// runners are those of the program.
func (r *register) runners() map[origination.JobKind]origination.JobRunner {
	jobs := origination.NewJobs(r.store, r.now, newID, func() {})
	rules := origination.NewRuleSets(r.store, r.now, newID, jobs)
	return map[origination.JobKind]origination.JobRunner{origination.JobReplay: rules.RunReplay, origination.JobPreApproval: rules.RunPreApproval}
}

// replay replays a set as a risk manager of the head office and returns the outcome.
func (r *register) replay(id domain.ID, filter fields) (x replayJSON) {
	r.t.Helper()
	manager := r.as(domain.RoleRiskManager, headOffice)
	path := "/v1/rule-sets/" + id.String() + "/replays"
	createAt(manager, path, filter).want(http.StatusAccepted).into(&x)
	r.work(r.runners())
	manager.get(path + "/" + x.ID.String()).want(http.StatusOK).into(&x)
	if x.Status != "succeeded" || x.Report == nil {
		r.t.Fatalf("the replay: %s, %s", x.Status, x.Error)
	}
	return x
}

func TestAReplaySaysWhatARuleSetWouldHaveChanged(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	active := r.activeRules(newRuleSet("100000.00"), "2026-08-23")
	for i, amount := range []string{"30000.00", "60000.00", "99500.00", "150000.00"} {
		r.submit(i+1, fields{"amount": amount})
	}
	period := fields{"from": "2026-08-01", "to": "2026-08-31"}

	// The active set over its own decisions moves nothing.
	same := r.replay(active.ID, period)
	if same.Report.Cases != 4 || same.Report.Moved != 0 || same.Report.ApprovedBefore != same.Report.ApprovedAfter || same.Report.ApprovedBefore != "189500.00" || len(same.Report.MovedCases) != 0 {
		t.Errorf("the active set over its own decisions: %+v", same.Report)
	}

	// A tighter draft declines what it would have declined.
	var draft ruleSetJSON
	manager := r.as(domain.RoleRiskManager, headOffice)
	createAt(manager, "/v1/rule-sets", newRuleSet("50000.00")).want(http.StatusCreated).into(&draft)
	x := r.replay(draft.ID, period)
	if got := x.Report; got.Cases != 4 || got.Moved != 2 || got.ApprovedBefore != "189500.00" || got.ApprovedAfter != "30000.00" || got.Unreadable != 0 ||
		len(got.Moves) != 3 || got.Moves[1].From != "approve" || got.Moves[1].To != "decline" || got.Moves[1].Cases != 2 ||
		len(got.ByRegion) != 1 || got.ByRegion[0].Key != "371503" || len(got.ByProduct) != 1 || len(got.ByAmount) != 3 || got.ByAmount[0].Key != "1 万至 5 万元" {
		t.Errorf("a tighter draft: %+v", got)
	}
	if len(x.Report.MovedCases) != 2 || x.Report.MovedCases[0].Reasons[0] != "amount-above-maximum" {
		t.Errorf("the moved cases: %+v", x.Report.MovedCases)
	}
	file := string(manager.get("/v1/jobs/" + x.ID.String() + "/result").want(http.StatusOK).body)
	if !strings.HasPrefix(file, "\ufeff申请编号,") || strings.Count(file, "approve,decline") != 2 {
		t.Errorf("the file of moved cases:\n%s", file)
	}

	// And a looser one the other way; outside the period there is nothing.
	var loose ruleSetJSON
	createAt(manager, "/v1/rule-sets", newRuleSet("200000.00")).want(http.StatusCreated).into(&loose)
	if got := r.replay(loose.ID, period).Report; got.Moved != 1 || got.ApprovedAfter != "339500.00" {
		t.Errorf("a looser draft: %+v", got)
	}
	if got := r.replay(loose.ID, fields{"from": "2026-07-01", "to": "2026-08-22"}).Report; got.Cases != 0 {
		t.Errorf("before the first case: %d cases, want none", got.Cases)
	}
	for _, outside := range []fields{{"region_prefix": "371311"}, {"product_code": "CYD"}} {
		createAt(manager, "/v1/rule-sets/"+loose.ID.String()+"/replays", period.but(outside)).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	}

	// The second person sees the replay, another branch's does not.
	path := "/v1/rule-sets/" + draft.ID.String() + "/replays"
	r.as(domain.RoleAdmin, headOffice).get(path + "/" + x.ID.String()).want(http.StatusOK)
	r.as(domain.RoleAdmin, headOffice).get(path).want(http.StatusOK)
	r.as(domain.RoleRiskManager, branchB).get(path+"/"+x.ID.String()).wantProblem(http.StatusNotFound, "replay-not-found")
	r.as(domain.RoleLoanOfficer, branchA).get(path).wantProblem(http.StatusForbidden, "role-not-allowed")
	createAt(r.as(domain.RoleAuditor, headOffice), path, period).wantProblem(http.StatusForbidden, "role-not-allowed")
	createAt(manager, path, fields{"from": "2026-08-31", "to": "2026-08-01"}).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
}

func TestTheShippedSetsReplayedOverTheirOwnDecisionsMoveNothing(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	for i, change := range []fields{nil, {"amount": "150000.00"}, {"term_months": 240}, {"bureau_confirmation_no": nil}, {"site_visit_on": nil}, {"amount": "2000.00"}} {
		r.submit(i+1, change)
	}
	var list struct{ Items []ruleSetJSON }
	r.as(domain.RoleAuditor, headOffice).get("/v1/rule-sets?status=active").want(http.StatusOK).into(&list)
	cases := 0
	for _, v := range list.Items {
		x := r.replay(v.ID, fields{"from": "2026-08-01", "to": "2026-08-31"})
		cases += x.Report.Cases
		if x.Report.Moved != 0 || x.Report.Unreadable != 0 || x.Report.ApprovedBefore != x.Report.ApprovedAfter {
			t.Errorf("%s: %+v", v.Code, x.Report)
		}
	}
	if cases != 6 {
		t.Errorf("%d cases replayed, want 6", cases)
	}
}

func TestABroadSetIsNotComparedOverCasesThatACloserOneJudges(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	broad := r.activeRules(newRuleSet("100000.00").but(fields{"code": "broad", "region_prefix": "37"}), "2026-08-23")
	r.submit(1, fields{"amount": "30000.00"})
	candidate := newRuleSet("20000.00").but(fields{"code": "candidate", "region_prefix": "37"})
	manager := r.as(domain.RoleRiskManager, headOffice)
	var draft ruleSetJSON
	createAt(manager, "/v1/rule-sets", candidate).want(http.StatusCreated).into(&draft)
	r.at(r.now().Add(time.Second))
	createAt(manager, "/v1/rule-sets/"+draft.ID.String()+"/shadow", fields{}).want(http.StatusCreated)
	r.submit(2, fields{"amount": "30000.00"}) // the shadow's
	r.at(beijing(24, 9, 0))
	closer := r.activeRules(newRuleSet("50000.00").but(fields{"code": "closer", "effective_from": "2026-08-24"}), "2026-08-24")
	r.submit(3, fields{"amount": "60000.00"}) // declined by the closer set, and the broad one would approve it
	r.submit(4, fields{"amount": "30000.00"})

	period := fields{"from": "2026-08-01", "to": "2026-08-31"}
	for _, c := range []struct {
		what         string
		set          ruleSetJSON
		cases, moved int
	}{{"the broad set", broad, 2, 0}, {"the closer set", closer, 4, 0}, {"a tighter broad draft", draft, 2, 2}} {
		if got := r.replay(c.set.ID, period).Report; got.Cases != c.cases || got.Moved != c.moved {
			t.Errorf("%s: %d cases, %d moved, want %d and %d", c.what, got.Cases, got.Moved, c.cases, c.moved)
		}
	}
	r.later()
	var x shadowJSON
	manager.get("/v1/rule-sets/" + draft.ID.String() + "/shadow").want(http.StatusOK).into(&x)
	if x.Report.Cases != 1 || x.Report.Moved != 1 {
		t.Errorf("the shadow of the broad draft: %d cases, %d moved, want 1 and 1", x.Report.Cases, x.Report.Moved)
	}
}

func TestADraftThatChangesAfterItsReplayWasAskedForIsNotReplayed(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	manager := r.as(domain.RoleRiskManager, headOffice)
	var v ruleSetJSON
	createAt(manager, "/v1/rule-sets", newRuleSet("50000.00")).want(http.StatusCreated).into(&v)
	path := "/v1/rule-sets/" + v.ID.String()
	var x replayJSON
	createAt(manager, path+"/replays", fields{"from": "2026-08-01", "to": "2026-08-31"}).want(http.StatusAccepted).into(&x)
	manager.with("If-Match", `"1"`).put(path, newRuleSet("60000.00").but(fields{"code": nil}).text(t)).want(http.StatusOK)
	r.work(r.runners())
	manager.get(path + "/replays/" + x.ID.String()).want(http.StatusOK).into(&x)
	if x.Status != "failed" || !strings.Contains(x.Error, "重新发起") {
		t.Errorf("the replay: %s, %q; want failed, and why", x.Status, x.Error)
	}
}
