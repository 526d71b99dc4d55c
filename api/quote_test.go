package api_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"fumin/domain"
)

func newQuote() fields {
	return fields{
		"principal": "99500.00", "annual_rate_pct": "3.20", "repayment_method": "equal_instalment", "periods": 12,
		"frequency": fields{"unit": "month", "every": 1}, "disbursed_on": "2026-08-23", "day_count": "30/360",
	}
}

type quotationJSON struct {
	LevelInstalment *string `json:"level_instalment"`
	Totals          struct{ Principal, Interest, Fees, Total string }
	YearlyCost      struct {
		NominalPct   string `json:"nominal_pct"`
		APREffective string `json:"apr_effective_pct"`
		AfterSubsidy string `json:"apr_effective_after_subsidy_pct"`
		APRNominal   string `json:"apr_nominal_pct"`
	} `json:"yearly_cost"`
	Rows []struct {
		DueOn     string `json:"due_on"`
		Principal string
		Closing   string `json:"closing_balance"`
	}
	Charges []struct{ Kind, Amount string }
}

func TestAQuoteShowsTheGuaranteeFeeInsideTheYearlyCost(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	var plain, guaranteed quotationJSON
	r.officer().post("/v1/quotes", newQuote().text(t)).want(http.StatusOK).into(&plain)
	withFee := newQuote().but(fields{
		"fees":                       []fields{{"kind": "guarantee_fee", "rate_pct_a_year": "0.75", "on": "principal", "when": "yearly"}},
		"interest_subsidy_share_pct": "50",
	})
	r.asBorrower("0191a2b3-0000-7000-8000-0000000000cc").post("/v1/quotes", withFee.text(t)).want(http.StatusOK).into(&guaranteed)
	// The instalment is the ordinary annuity 99500 x i / (1 - (1+i)^-12) with i = 3.2 %/12: 8436.09 by a pocket calculator.
	if plain.LevelInstalment == nil || *plain.LevelInstalment != "8436.09" || len(plain.Rows) != 12 || plain.Rows[11].Closing != "0.00" || plain.Totals.Principal != "99500.00" {
		t.Errorf("plain quote: %s, %+v", *plain.LevelInstalment, plain)
	}
	if plain.YearlyCost.NominalPct != "3.20" || !strings.HasPrefix(plain.YearlyCost.APRNominal, "3.2") || !strings.HasPrefix(plain.YearlyCost.APREffective, "3.2") {
		t.Errorf("plain yearly cost: %+v", plain.YearlyCost)
	}
	if guaranteed.Totals.Fees != "746.25" || len(guaranteed.Charges) != 1 || guaranteed.YearlyCost.APREffective <= "4.5" || guaranteed.YearlyCost.AfterSubsidy >= guaranteed.YearlyCost.APREffective {
		t.Errorf("with the guarantee fee: %+v, %+v", guaranteed.Totals, guaranteed.YearlyCost)
	}
}

func TestABadQuoteNamesEveryFieldAtOnce(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	for name, c := range map[string]struct {
		change fields
		want   string
	}{
		"a number as money":       {fields{"principal": 99500}, "/principal wrong-type"},
		"two fields":              {fields{"principal": "0.00", "day_count": "28/360"}, "/day_count invalid-day-count,/principal not-positive"},
		"syntax and meaning":      {fields{"principal": "1e9", "grace_principal_periods": 12}, "/grace_principal_periods contradiction,/principal invalid-decimal"},
		"due dates and first due": {fields{"periods": nil, "due_dates": []string{"2026-09-23"}, "first_due_on": "2026-09-23"}, "/first_due_on contradiction"},
		"dates not increasing":    {fields{"periods": nil, "due_dates": []string{"2026-09-23", "2026-09-23"}}, "/due_dates/1 not-increasing"},
		"shares that miss 100": {
			fields{"repayment_method": "seasonal", "periods": nil, "seasonal_instalments": []fields{{"due_on": "2027-06-23", "share_pct": "60"}, {"due_on": "2027-10-23", "share_pct": "30"}}},
			"/seasonal_instalments shares-not-100",
		},
		"too small an instalment": {fields{"given_instalment": "1.00"}, "/given_instalment instalment-too-small"},
		"an unknown unit":         {fields{"frequency": fields{"unit": "moon", "every": 1}}, "/frequency/unit invalid-frequency-unit"},
		"too many periods":        {fields{"periods": 10000}, "/periods out-of-range"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := r.officer().in(t).bad().post("/v1/quotes", newQuote().but(c.change).text(t)).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
			if got := strings.Join(p.fields(), ","); got != c.want {
				t.Errorf("fields: got %s, want %s", got, c.want)
			}
		})
	}
	r.client.post("/v1/quotes", newQuote().text(t)).want(http.StatusUnauthorized)
}

func TestDueDatesMoveByTheLendersCalendar(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	quote := newQuote().but(fields{"disbursed_on": "2026-09-01", "periods": 1, "first_due_on": "2026-10-01", "business_day": "following"}).text(t)
	due := func() string {
		var q quotationJSON
		r.officer().post("/v1/quotes", quote).want(http.StatusOK).into(&q)
		return q.Rows[0].DueOn
	}
	if got := due(); got != "2026-10-01" { // a Thursday, and no calendar yet
		t.Errorf("without a calendar: due on %s", got)
	}
	year := fields{
		"holidays":     []string{"2026-10-01", "2026-10-02", "2026-10-03", "2026-10-04", "2026-10-05", "2026-10-06", "2026-10-07", "2026-10-08", "2026-10-09"},
		"make_up_days": []string{"2026-10-10"}, "source": "测试用安排",
	}
	r.officer().put("/v1/calendar-years/2026", year.text(t)).wantProblem(http.StatusForbidden, "role-not-allowed")
	admin := r.as(domain.RoleAdmin, headOffice)
	admin.put("/v1/calendar-years/2026", year.text(t)).want(http.StatusOK)
	if got := due(); got != "2026-10-10" { // a Saturday on which the bank works
		t.Errorf("with the calendar: due on %s, want the make-up Saturday 2026-10-10", got)
	}
	var corrected struct{ Version int }
	admin.with("If-Match", `"1"`).put("/v1/calendar-years/2026", year.but(fields{"make_up_days": []string{}}).text(t)).want(http.StatusOK).into(&corrected)
	if got := due(); got != "2026-10-12" || corrected.Version != 2 {
		t.Errorf("after the correction: due on %s, version %d; want Monday 2026-10-12, 2", got, corrected.Version)
	}
	admin.bad().put("/v1/calendar-years/2026", year.but(fields{"holidays": []string{"2025-01-01", "2026-10-10"}}).text(t)).
		wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	admin.bad().put("/v1/calendar-years/1066", year.text(t)).wantProblem(http.StatusNotFound, "no-such-route")
	r.officer().get("/v1/calendar-years").want(http.StatusOK)
}

func TestACalendarYearIsNotOverwrittenUnseen(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	admin := r.as(domain.RoleAdmin, headOffice)
	const path = "/v1/calendar-years/2027"
	text := func(source string) string {
		return fields{"holidays": []string{"2027-01-01"}, "make_up_days": []string{}, "source": source}.text(t)
	}
	admin.with("If-Match", `"1"`).put(path, text("尚未录入")).wantProblem(http.StatusPreconditionFailed, "precondition-failed")
	if tag := admin.with("If-Match", `"0"`).put(path, text("第一版")).want(http.StatusOK).header.Get("ETag"); tag != `"1"` {
		t.Errorf("a new year: ETag %s, want \"1\"", tag)
	}
	admin.put(path, text("没有先读取")).wantProblem(http.StatusPreconditionRequired, "precondition-required")
	admin.with("If-Match", `"0"`).put(path, text("以为是新的")).wantProblem(http.StatusPreconditionFailed, "precondition-failed")
	admin.bad().with("If-Match", `1`).put(path, text("没有引号")).wantProblem(http.StatusBadRequest, "invalid-if-match")
	if tag := admin.with("If-Match", `"1"`).put(path, text("第二版")).want(http.StatusOK).header.Get("ETag"); tag != `"2"` {
		t.Errorf("a correction: ETag %s, want \"2\"", tag)
	}
	admin.with("If-Match", `"1"`).put(path, text("依据旧版")).wantProblem(http.StatusPreconditionFailed, "precondition-failed")

	// Of several people who correct the same version, one does.
	statuses := make([]int, 6)
	var group sync.WaitGroup
	for i := range statuses {
		group.Go(func() { statuses[i] = admin.with("If-Match", `"2"`).put(path, text("第三版")).status })
	}
	group.Wait()
	slices.Sort(statuses)
	if want := []int{200, 412, 412, 412, 412, 412}; !slices.Equal(statuses, want) {
		t.Errorf("corrections at once: %v, want %v", statuses, want)
	}
	for version, source := range map[int]string{1: "第一版", 2: "第二版", 3: "第三版"} {
		if n := r.count(`SELECT COUNT(*) FROM calendar_year_events WHERE year = 2027 AND version = ? AND source = ?
			AND holidays LIKE '%2027-01-01%' AND set_by <> '' AND set_at = '2026-08-23 01:30:00'`, version, source); n != 1 {
			t.Errorf("version %d: %d events say %s, want 1", version, n, source)
		}
	}
	if n := r.count("SELECT COUNT(*) FROM calendar_year_events"); n != 3 {
		t.Errorf("%d events, want one for each of the 3 versions", n)
	}
}

func TestCashFlowRates(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	ask := func(flows ...fields) answer {
		return r.officer().post("/v1/cash-flow-rates", fields{"flows": flows}.text(t))
	}
	var rates struct {
		Effective string `json:"apr_effective_pct"`
		Nominal   string `json:"apr_nominal_pct"`
	}
	ask(fields{"on": "2026-01-01", "amount": "10000.00"}, fields{"on": "2027-01-01", "amount": "-10500.00"}).want(http.StatusOK).into(&rates)
	if rates.Effective != "5.00" {
		t.Errorf("5 %% in 365 days: effective %s", rates.Effective)
	}
	for want, flows := range map[string][]fields{
		"/flows one-sided-flows": {{"on": "2026-01-01", "amount": "1.00"}, {"on": "2027-01-01", "amount": "1.00"}},
		"/flows several-rates":   {{"on": "2026-01-01", "amount": "-1000.00"}, {"on": "2027-01-01", "amount": "2300.00"}, {"on": "2028-01-01", "amount": "-1320.00"}},
	} {
		p := ask(flows...).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
		if got := strings.Join(p.fields(), ","); got != want {
			t.Errorf("flows %v: got %s, want %s", flows, got, want)
		}
	}
}
