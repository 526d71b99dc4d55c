package api_test

import (
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"fumin/domain"
	"fumin/domain/origination"
)

type shadowJSON struct {
	ID          domain.ID `json:"id"`
	Status      string    `json:"status"`
	Error       string    `json:"error"`
	JudgedUntil string    `json:"judged_until"`
	Events      []struct {
		Action string
		Detail string
	}
	Report struct {
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

// candidate drafts a set that approves up to an amount.
func (r *register) candidate(most string) (v ruleSetJSON, path string) {
	r.t.Helper()
	createAt(r.as(domain.RoleRiskManager, headOffice), "/v1/rule-sets", newRuleSet(most)).want(http.StatusCreated).into(&v)
	return v, "/v1/rule-sets/" + v.ID.String()
}

// shadowWorker is a node's worker of shadow runs.
func (r *register) shadowWorker() *origination.ShadowWorker {
	return origination.NewShadowWorker(r.store, r.now, newID(), slog.New(slog.DiscardHandler))
}

// later lets so much time pass that everything decided is looked at, and the shadows judge it.
func (r *register) later() {
	r.t.Helper()
	r.at(r.now().Add(2 * origination.ShadowDelay))
	for range 100 {
		worked, err := r.shadowWorker().Work(r.t.Context())
		if err != nil {
			r.t.Fatal(err)
		}
		if !worked {
			return
		}
	}
	r.t.Fatal("there is always more to judge")
}

func (r *register) decisions(id domain.ID) string {
	r.t.Helper()
	return string(r.officer().get("/v1/applications/" + id.String() + "/decisions").want(http.StatusOK).body)
}

func TestAShadowSaysWhatACandidateWouldHaveSaidAndTouchesNothing(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	r.activeRules(newRuleSet("100000.00"), "2026-08-23")
	r.submit(1, fields{"amount": "90000.00"}) // before the start: not the shadow's
	r.at(r.now().Add(time.Second))
	_, path := r.candidate("50000.00")
	manager := r.as(domain.RoleRiskManager, headOffice)
	manager.get(path+"/shadow").wantProblem(http.StatusNotFound, "shadow-not-found")
	var x shadowJSON
	createAt(manager, path+"/shadow", fields{}).want(http.StatusCreated).into(&x)
	if x.Status != "running" || x.Report.Cases != 0 || x.JudgedUntil != "" || len(x.Events) != 1 || x.Events[0].Action != "start" {
		t.Errorf("started: %+v", x)
	}
	createAt(manager, path+"/shadow", fields{}).wantProblem(http.StatusConflict, "shadow-running")

	before := map[domain.ID]string{}
	for i, amount := range []string{"30000.00", "60000.00", "99500.00", "150000.00"} {
		id, status := r.submit(i+2, fields{"amount": amount})
		if want := map[bool]string{true: "approved", false: "declined"}[i < 3]; status != want {
			t.Errorf("%s beside a shadow: %s, want %s by the set in force", amount, status, want)
		}
		before[id] = r.decisions(id)
	}
	r.later()
	manager.get(path + "/shadow").want(http.StatusOK).into(&x)
	if got := x.Report; got.Cases != 4 || got.Moved != 2 || got.Unreadable != 0 || got.ApprovedBefore != "189500.00" || got.ApprovedAfter != "30000.00" ||
		len(got.Moves) != 3 || got.Moves[1].From != "approve" || got.Moves[1].To != "decline" || got.Moves[1].Cases != 2 ||
		len(got.ByRegion) != 1 || got.ByRegion[0].Key != "371503" || len(got.ByProduct) != 1 || len(got.ByAmount) != 3 || x.JudgedUntil == "" {
		t.Errorf("the report: %+v", x)
	}
	if len(x.Report.MovedCases) != 2 || x.Report.MovedCases[0].Reasons[0] != "amount-above-maximum" || x.Report.MovedCases[0].To != "decline" {
		t.Errorf("the moved cases: %+v", x.Report.MovedCases)
	}
	for id, was := range before {
		if now := r.decisions(id); now != was {
			t.Errorf("the decision of %s changed under a shadow:\n%s\nwas\n%s", id, now, was)
		}
	}

	// Stopped, it judges no more, keeps what it found, and may be started anew.
	manager.post(path+"/shadow/stop", "").want(http.StatusOK).into(&x)
	if x.Status != "stopped" || len(x.Events) != 2 || x.Events[1].Action != "stop" {
		t.Errorf("stopped: %+v", x)
	}
	r.submit(6, fields{"amount": "60000.00"})
	r.later()
	manager.post(path+"/shadow/stop", "").want(http.StatusOK).into(&x)
	if x.Report.Cases != 4 || len(x.Events) != 2 {
		t.Errorf("after the stop: %+v", x)
	}
	createAt(manager, path+"/shadow", fields{}).want(http.StatusCreated)
}

func TestWhoMaySeeAndStartAShadow(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	r.activeRules(newRuleSet("100000.00"), "2026-08-23")
	_, path := r.candidate("50000.00")
	createAt(r.as(domain.RoleAuditor, headOffice), path+"/shadow", fields{}).wantProblem(http.StatusForbidden, "role-not-allowed")
	createAt(r.as(domain.RoleLoanOfficer, branchA), path+"/shadow", fields{}).wantProblem(http.StatusForbidden, "role-not-allowed")
	createAt(r.as(domain.RoleRiskManager, headOffice), path+"/shadow", fields{}).want(http.StatusCreated)
	r.submit(1, fields{"amount": "60000.00"})
	r.later()
	for _, see := range []struct {
		who   *client
		cases int
	}{{r.as(domain.RoleAuditor, headOffice), 1}, {r.as(domain.RoleRiskManager, branchA), 1}, {r.as(domain.RoleRiskManager, branchB), 0}} {
		var x shadowJSON
		see.who.get(path + "/shadow").want(http.StatusOK).into(&x)
		if x.Report.Cases != see.cases || len(x.Report.MovedCases) != see.cases {
			t.Errorf("%d cases and %d moved in scope, want %d", x.Report.Cases, len(x.Report.MovedCases), see.cases)
		}
	}
	r.as(domain.RoleLoanOfficer, branchA).get(path+"/shadow").wantProblem(http.StatusForbidden, "role-not-allowed")
	r.as(domain.RoleAuditor, headOffice).post(path+"/shadow/stop", "").wantProblem(http.StatusForbidden, "role-not-allowed")

	for i := range origination.ShadowsRunningMax {
		_, another := r.candidate("6" + strings.Repeat("0", i+1) + ".00")
		answer := createAt(r.as(domain.RoleRiskManager, headOffice), another+"/shadow", fields{})
		if i < origination.ShadowsRunningMax-1 {
			answer.want(http.StatusCreated)
			continue
		}
		answer.wantProblem(http.StatusConflict, "too-many-shadows")
	}
}

func TestTwentyNodesShareAShadowAndJudgeEachDecisionOnce(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	r.activeRules(newRuleSet("100000.00"), "2026-08-23")
	_, path := r.candidate("50000.00")
	manager := r.as(domain.RoleRiskManager, headOffice)
	createAt(manager, path+"/shadow", fields{}).want(http.StatusCreated)
	for i := range 5 {
		r.submit(i+1, fields{"amount": "60000.00"})
	}
	r.at(r.now().Add(2 * origination.ShadowDelay))
	var nodes sync.WaitGroup
	failed := make(chan error, 20)
	for range 20 {
		nodes.Go(func() {
			_, err := r.shadowWorker().Work(t.Context())
			failed <- err
		})
	}
	nodes.Wait()
	close(failed)
	for err := range failed {
		if err != nil {
			t.Errorf("a node: %v", err)
		}
	}
	var x shadowJSON
	manager.get(path + "/shadow").want(http.StatusOK).into(&x)
	if x.Status != "running" || x.Report.Cases != 5 || x.Report.Moved != 5 {
		t.Errorf("judged by twenty nodes: %+v, want 5 cases, all moved", x)
	}
}

func TestABrokenCandidateEndsItsShadowAndChangesNothing(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	r.activeRules(newRuleSet("100000.00"), "2026-08-23")
	manager := r.as(domain.RoleRiskManager, headOffice)

	// A draft that is edited after the start is not what was started.
	edited, path := r.candidate("50000.00")
	createAt(manager, path+"/shadow", fields{}).want(http.StatusCreated)
	manager.with("If-Match", `"1"`).put("/v1/rule-sets/"+edited.ID.String(), newRuleSet("60000.00").but(fields{"code": nil}).text(t)).want(http.StatusOK)
	// And one whose stored rules were damaged cannot be read at all.
	damaged, damagedPath := r.candidate("50000.00")
	createAt(manager, damagedPath+"/shadow", fields{}).want(http.StatusCreated)
	if _, err := r.db.ExecContext(t.Context(), "UPDATE rule_sets SET definition = '{}' WHERE id = ?", damaged.ID); err != nil {
		t.Fatal(err)
	}

	for i := range 10 { // the failures of a candidate are bounded
		if _, status := r.submit(i+1, fields{"amount": "60000.00"}); status != "approved" {
			t.Errorf("beside a broken candidate: %s, want approved", status)
		}
		r.at(r.now().Add(time.Hour))
		r.later()
	}
	var x shadowJSON
	manager.get(path + "/shadow").want(http.StatusOK).into(&x)
	if x.Status != "failed" || !strings.Contains(x.Error, "已被修改") || x.Report.Cases != 0 || x.Events[1].Action != "fail" {
		t.Errorf("an edited candidate: %+v", x)
	}
	shadow, err := r.store.LatestShadow(t.Context(), damaged.ID)
	if err != nil || shadow.Status != origination.ShadowFailed || shadow.LastError == "" {
		t.Errorf("a damaged candidate: %+v, %v", shadow, err)
	}
	// A damaged one cannot be started either.
	if answer := createAt(manager, damagedPath+"/shadow", fields{}); answer.status < 400 {
		t.Errorf("a damaged candidate started: %d", answer.status)
	}
}

func TestAShadowThatNobodyStopsEndsByItself(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	_, path := r.candidate("50000.00")
	manager := r.as(domain.RoleRiskManager, headOffice)
	createAt(manager, path+"/shadow", fields{}).want(http.StatusCreated)
	start := r.now()
	r.at(start.Add(origination.ShadowRunMax - time.Hour))
	r.later()
	var x shadowJSON
	r.as(domain.RoleRiskManager, headOffice).get(path + "/shadow").want(http.StatusOK).into(&x)
	if x.Status != "running" {
		t.Errorf("an hour before its time: %s", x.Status)
	}
	r.at(start.Add(origination.ShadowRunMax))
	r.later()
	r.as(domain.RoleRiskManager, headOffice).get(path + "/shadow").want(http.StatusOK).into(&x)
	if x.Status != "stopped" || x.Events[1].Action != "expire" {
		t.Errorf("after its time: %+v", x)
	}
}
