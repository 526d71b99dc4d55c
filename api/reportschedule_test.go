package api_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"fumin/domain"
	"fumin/domain/origination"
	"fumin/repository/delivery"
)

// newDestinations are one folder, called county-share.
func newDestinations(t *testing.T, now domain.Clock) origination.ReportDestinations {
	t.Helper()
	file, err := json.Marshal(map[string]any{"destinations": []map[string]any{{"name": "county-share", "kind": "folder", "path": t.TempDir()}}})
	if err != nil {
		t.Fatal(err)
	}
	d, err := delivery.Parse(file, now)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func newSchedule() fields {
	return fields{"report": "disbursement-ledger", "format": "csv", "frequency": "daily", "time": "06:30", "period": "previous_day", "destination": "county-share"}
}

type scheduleJSON struct {
	ID     domain.ID `json:"id"`
	Status string    `json:"status"`
	NextAt string    `json:"next_at"`
	Time   string    `json:"time"`
}

func TestAReportScheduleOverHTTP(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	manager := r.as(domain.RoleBranchManager, branchA)
	var s scheduleJSON
	created := createAt(manager, "/v1/report-schedules", newSchedule().but(fields{"columns": "application_no,amount", "branch_id": branchA})).want(http.StatusCreated)
	created.into(&s)
	if s.Status != "active" || s.NextAt != "2026-08-23T22:30:00Z" || s.Time != "06:30" {
		t.Errorf("created: %s", created.body)
	}
	weekly := newSchedule().but(fields{"frequency": "weekly", "weekday": 1, "period": "previous_week"})
	createAt(manager, "/v1/report-schedules", weekly).want(http.StatusCreated)
	monthly := newSchedule().but(fields{"frequency": "monthly", "day_of_month": 31, "period": "previous_month", "report": "book-balance"})
	createAt(manager, "/v1/report-schedules", monthly).want(http.StatusCreated)

	one := "/v1/report-schedules/" + s.ID.String()
	for _, step := range []struct{ path, want string }{{"/pause", "paused"}, {"/resume", "active"}, {"/end", "ended"}} {
		manager.post(one+step.path, "").want(http.StatusOK).into(&s)
		if s.Status != step.want {
			t.Errorf("%s: %s, want %s", step.path, s.Status, step.want)
		}
	}
	var list struct {
		Items []scheduleJSON `json:"items"`
		Next  *string        `json:"next"`
	}
	manager.get("/v1/report-schedules?limit=2").want(http.StatusOK).into(&list)
	if len(list.Items) != 2 || list.Next == nil {
		t.Errorf("the first page has %d, next %v", len(list.Items), list.Next)
	}
	manager.get(*list.Next).want(http.StatusOK).into(&list)
	if len(list.Items) != 1 || list.Items[0].ID != s.ID {
		t.Errorf("the second page has %+v", list.Items)
	}
	r.as(domain.RoleBranchManager, branchB).get("/v1/report-schedules").want(http.StatusOK).into(&list)
	if len(list.Items) != 0 {
		t.Errorf("another branch sees %+v", list.Items)
	}
	manager.get(one + "/deliveries").want(http.StatusOK)
	manager.get("/v1/report-destinations").want(http.StatusOK)

	var history struct {
		Items []struct {
			Action string `json:"action"`
			Status string `json:"status"`
		} `json:"items"`
		Next *string `json:"next"`
	}
	var happened []string
	for path := one + "/events?limit=3"; path != ""; {
		history.Items, history.Next = nil, nil
		manager.get(path).want(http.StatusOK).into(&history)
		for _, e := range history.Items {
			happened = append(happened, e.Action+" "+e.Status)
		}
		path = ""
		if history.Next != nil {
			path = *history.Next
		}
	}
	if want := []string{"end ended", "resume active", "pause paused", "create active"}; !slices.Equal(happened, want) {
		t.Errorf("the history page by page is %q, want %q", happened, want)
	}
	r.as(domain.RoleBranchManager, branchB).get(one+"/events").wantProblem(http.StatusNotFound, "report-schedule-not-found")
	r.officer().get(one+"/events").wantProblem(http.StatusForbidden, "role-not-allowed")
	manager.bad().get(one + "/events?before=0").want(http.StatusUnprocessableEntity)
}

func TestABadReportScheduleIsRefusedByName(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	manager := r.as(domain.RoleBranchManager, branchA)
	for name, tt := range map[string]struct {
		change fields
		status int
		want   string // code, or pointer of the field
	}{
		"a report that does not exist":   {fields{"report": "nothing"}, 404, "report-not-found"},
		"a column that does not exist":   {fields{"columns": "amount,nothing"}, 422, "/columns"},
		"a destination that is not ours": {fields{"destination": "my-own-server"}, 422, "/destination"},
		"somebody else's branch":         {fields{"branch_id": branchB}, 404, "branch-not-found"},
		"a week without its day":         {fields{"frequency": "weekly"}, 422, "/weekday"},
		"a day with a day of the week":   {fields{"weekday": 1}, 422, "/weekday"},
		"a month without its day":        {fields{"frequency": "monthly"}, 422, "/day_of_month"},
	} {
		a := createAt(manager, "/v1/report-schedules", newSchedule().but(tt.change)).want(tt.status)
		var problem struct {
			Code   string `json:"code"`
			Errors []struct {
				Pointer string `json:"pointer"`
			} `json:"errors"`
		}
		a.into(&problem)
		if problem.Code != tt.want && (len(problem.Errors) != 1 || problem.Errors[0].Pointer != tt.want) {
			t.Errorf("%s: %s, want %s", name, a.body, tt.want)
		}
	}
	createAt(r.officer(), "/v1/report-schedules", newSchedule()).want(http.StatusForbidden)
	createAt(r.as(domain.RoleAuditor, branchA), "/v1/report-schedules", newSchedule()).want(http.StatusForbidden)
	r.officer().get("/v1/report-destinations").want(http.StatusForbidden)
	missing := "/v1/report-schedules/" + newID().String()
	manager.get(missing).want(http.StatusNotFound)
	manager.get(missing + "/deliveries").want(http.StatusNotFound)
	var s scheduleJSON
	createAt(manager, "/v1/report-schedules", newSchedule()).want(http.StatusCreated).into(&s)
	manager.post("/v1/report-schedules/"+s.ID.String()+"/deliveries/"+newID().String()+"/retry", "").want(http.StatusNotFound)
}

func TestAPersonStartsThreeExportsAtOnceAndNoMore(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	manager := r.as(domain.RoleBranchManager, branchA)
	export := fields{"report": "disbursement-ledger", "format": "csv", "from": "2026-08-01", "to": "2026-08-23"}
	statuses := atOnce(20, func(int) int { return createAt(manager, "/v1/exports", export).status })
	accepted := 0
	for _, status := range statuses {
		switch status {
		case http.StatusAccepted:
			accepted++
		case http.StatusUnprocessableEntity:
		default:
			t.Errorf("status %d, want 202 or 422", status)
		}
	}
	if accepted != origination.JobLiveMax || r.count("SELECT COUNT(*) FROM jobs") != accepted {
		t.Errorf("%d exports were started, want %d", accepted, origination.JobLiveMax)
	}
	createAt(r.as(domain.RoleBranchManager, branchB), "/v1/exports", export).want(http.StatusAccepted) // places of their own
}
