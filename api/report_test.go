package api_test

import (
	"bytes"
	"crypto/rand"
	"encoding/csv"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fumin/domain"
	"fumin/domain/origination"
	"fumin/domain/report"
	"fumin/domain/staff"
)

// beijing is an instant of these tests' day, 2026-08-23.
func beijing(day, hour, minute int) time.Time {
	return time.Date(2026, 8, day, hour, minute, 0, 0, domain.BusinessZone).UTC()
}

// csvOf reads a report as CSV: heading and lines, totals included.
func csvOf(t *testing.T, c *client, path string) [][]string {
	t.Helper()
	a := c.get(path).want(http.StatusOK)
	text, marked := strings.CutPrefix(string(a.body), "\ufeff")
	if !marked {
		t.Fatalf("%s: no byte order mark: %.80s", path, a.body)
	}
	records, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v\n%s", path, err, a.body)
	}
	return records
}

const augustReport = "?from=2026-08-01&to=2026-08-24&as_of=2026-08-24"

func TestAReportOfAPastDayGivesTheSameBytesWhateverHappenedSince(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	manager := r.as(domain.RoleBranchManager, branchA)
	officer := r.officer()
	r.at(beijing(24, 9, 0))
	var ids []domain.ID
	for n := range 4 {
		ids = append(ids, r.opened(n+1).ID)
	}
	r.at(beijing(24, 10, 30))
	commandAt(officer, pathOf(ids[0], "/submit")).want(http.StatusOK)
	commandAt(officer, pathOf(ids[1], "/submit")).want(http.StatusOK)
	r.at(beijing(25, 9, 0))

	take := func() map[string][]byte {
		files := map[string][]byte{}
		for _, code := range []string{"application-ledger", "turnaround", "staff-work", "decline-reasons"} {
			for _, format := range []string{"csv", "xlsx", "parquet"} {
				path := "/v1/reports/" + code + "/file" + augustReport + "&format=" + format
				files[path] = manager.get(path).want(http.StatusOK).body
			}
		}
		return files
	}
	before := take()

	// The next day everything changes.
	officer.with("If-Match", `"1"`).put(pathOf(ids[2], ""), `{"amount":"50000.00","term_months":6,"repayment_method":"interest_only_bullet","purpose":"livestock"}`).want(http.StatusOK)
	commandAt(officer, pathOf(ids[2], "/submit")).want(http.StatusOK)
	officer.post(pathOf(ids[0], "/withdraw"), `{"reason":"另想办法"}`).want(http.StatusOK)
	r.opened(9)
	r.at(beijing(27, 0, 0)) // what was done in the last second of the 26th may still be on its way
	const dayBefore = "/v1/reports/application-ledger/rows?from=2026-08-26&to=2026-08-26&as_of=2026-08-26"
	manager.get(dayBefore).wantProblem(http.StatusServiceUnavailable, "business-day-closing")
	manager.get("/v1/reports/application-ledger/rows?from=2026-08-27&to=2026-08-27").want(http.StatusOK)
	r.at(beijing(27, 0, 1))
	manager.get(dayBefore).want(http.StatusOK)

	for path, was := range before {
		if is := manager.get(path).want(http.StatusOK).body; !bytes.Equal(was, is) {
			t.Errorf("%s has changed:\nthen %.400q\nnow  %.400q", path, was, is)
		}
	}
	// And the report of the day after shows the changes.
	later := csvOf(t, manager, "/v1/reports/application-ledger/file?from=2026-08-01&to=2026-08-25&as_of=2026-08-25&format=csv&columns=status,purpose,amount")
	want := [][]string{
		{"状态", "用途", "申请金额（元）"},
		{"withdrawn", "facility", "99500.00"},
		{"approved", "facility", "99500.00"},
		{"reviewing", "livestock", "50000.00"},
		{"draft", "facility", "99500.00"},
		{"draft", "facility", "99500.00"},
	}
	if diff := cmp.Diff(want, later[:6]); diff != "" {
		t.Errorf("the next day (-want +got):\n%s", diff)
	}
}

func TestTheApplicationLedgerShowsTheDayAndItsTotals(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	r.at(beijing(24, 9, 0))
	first := r.opened(1)
	r.opened(2)
	r.at(beijing(24, 10, 30))
	commandAt(r.officer(), pathOf(first.ID, "/submit")).want(http.StatusOK)
	r.at(beijing(25, 9, 0))

	lines := csvOf(t, r.as(domain.RoleBranchManager, headOffice), "/v1/reports/application-ledger/file"+augustReport+"&format=csv")
	if got := lines[1]; got[0] != "001" || got[2] != first.ApplicationNo || got[7] != "branch" || got[9] != "2026-08-24 09:00:00" ||
		got[10] != "2026-08-24 10:30:00" || got[11] != "approved" || got[13] != "99500.00" || got[14] != "99500.00" {
		t.Errorf("the first line is %q", got)
	}
	if name := []rune(lines[1][6]); len(name) != 3 || string(name[1:]) != "**" {
		t.Errorf("the borrower is shown as %q, want a mask", lines[1][6])
	}
	if got := lines[3]; got[0] != "小计 001 茌平支行" || got[13] != "199000.00" || got[14] != "99500.00" {
		t.Errorf("the subtotal is %q", got)
	}
	if got := lines[4]; got[0] != "合计" || got[13] != "199000.00" {
		t.Errorf("the total is %q", got)
	}

	// The same as JSON, for who reads page by page.
	manager := r.as(domain.RoleBranchManager, branchA)
	var totals struct {
		Rows     int                 `json:"rows"`
		Totals   []map[string]string `json:"totals"`
		Branches []struct {
			BranchCode string              `json:"branch_code"`
			Rows       int                 `json:"rows"`
			Totals     []map[string]string `json:"totals"`
		} `json:"branches"`
	}
	manager.get("/v1/reports/application-ledger/totals" + augustReport + "&columns=amount,approved_amount").want(http.StatusOK).into(&totals)
	sums := []map[string]string{{"column": "amount", "total": "199000.00"}, {"column": "approved_amount", "total": "99500.00"}}
	if diff := cmp.Diff(sums, totals.Totals); diff != "" || totals.Rows != 2 {
		t.Errorf("the totals of %d rows (-want +got):\n%s", totals.Rows, diff)
	}
	if len(totals.Branches) != 1 || totals.Branches[0].BranchCode != "001" || totals.Branches[0].Rows != 2 || !cmp.Equal(sums, totals.Branches[0].Totals) {
		t.Errorf("the subtotals are %+v", totals.Branches)
	}
	manager.get("/v1/reports/application-ledger/totals?columns=amount").wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	r.officer().get("/v1/reports/application-ledger/totals"+augustReport).wantProblem(http.StatusForbidden, "role-not-allowed")
}

func TestTurnaroundIsMeasuredFromTheFirstSubmit(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	r.at(beijing(24, 9, 0))
	for n := range 3 {
		commandAt(r.officer(), pathOf(r.opened(n+1).ID, "/submit")).want(http.StatusOK)
	}
	again := r.offList(4)
	r.at(beijing(25, 9, 0))
	auditor := r.as(domain.RoleAuditor, headOffice)
	lines := csvOf(t, auditor, "/v1/reports/turnaround/file"+augustReport+"&format=csv")
	want := []string{"001", "茌平支行", "QLFMD", "branch", "4", "3", "0.00", "0.00", "0", "", ""}
	if diff := cmp.Diff(want, lines[1]); diff != "" {
		t.Errorf("three approved at once, one not yet (-want +got):\n%s", diff)
	}

	// Sent back and submitted again it counts once, from the first time, and in the range of that time alone.
	back := fields{"reason": "请补交", "items": []fields{{"kind": "field", "name": "amount", "text": "请核对金额"}}}
	r.as(domain.RoleApprover, branchA).post(pathOf(again, "/return"), back.text(t)).want(http.StatusOK)
	commandAt(r.officer(), pathOf(again, "/submit")).want(http.StatusOK)
	r.as(domain.RoleApprover, branchA).post(pathOf(again, "/decline"), `{"reason":"资料不实"}`).want(http.StatusOK)
	r.at(beijing(26, 9, 0))
	const since = "&to=2026-08-25&as_of=2026-08-25&format=csv"
	lines = csvOf(t, auditor, "/v1/reports/turnaround/file?from=2026-08-01"+since)
	if got := lines[1][4:8]; !slices.Equal(got, []string{"4", "4", "0.00", "24.00"}) {
		t.Errorf("submitted, answered, median and 90th percentile are %q, want four of which one took a day", got)
	}
	if lines = csvOf(t, auditor, "/v1/reports/turnaround/file?from=2026-08-25"+since); len(lines) != 2 {
		t.Errorf("of the day of the second submit: %q, want no row", lines)
	}
}

func TestAManagerSeesTheBranchAndThoseBelowAndNoMore(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	r.at(beijing(24, 9, 0))
	r.opened(1)
	r.at(beijing(25, 9, 0))
	const path = "/v1/reports/application-ledger/rows" + augustReport
	var page struct {
		Items [][]*string `json:"items"`
		Next  *string     `json:"next"`
	}
	r.as(domain.RoleBranchManager, branchB).get(path).want(http.StatusOK).into(&page)
	if len(page.Items) != 0 {
		t.Errorf("another branch's manager sees %v", page.Items)
	}
	r.as(domain.RoleBranchManager, branchB).get(path+"&branch_id="+branchA.String()).wantProblem(http.StatusNotFound, "branch-not-found")
	r.as(domain.RoleBranchManager, branchA).get(path+"&branch_id="+headOffice.String()).wantProblem(http.StatusNotFound, "branch-not-found")
	r.as(domain.RoleBranchManager, headOffice).get(path + "&branch_id=" + branchA.String()).want(http.StatusOK).into(&page)
	if len(page.Items) != 1 {
		t.Errorf("head office sees %d rows of the branch, want 1", len(page.Items))
	}
	for _, role := range []domain.Role{domain.RoleLoanOfficer, domain.RoleApprover, domain.RoleDisbursementOfficer} {
		r.as(role, branchA).get(path).wantProblem(http.StatusForbidden, "role-not-allowed")
	}
}

func TestAPageOfAReportGoesOnWhereTheLastOneEnded(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	r.at(beijing(24, 9, 0))
	var want []string
	for n := range 5 {
		want = append(want, r.opened(n+1).ApplicationNo)
	}
	r.at(beijing(25, 9, 0))
	manager := r.as(domain.RoleBranchManager, headOffice)
	var got []string
	for path := "/v1/reports/application-ledger/rows" + augustReport + "&limit=2&columns=application_no"; path != ""; {
		var page struct {
			Items [][]*string `json:"items"`
			Next  *string     `json:"next"`
		}
		manager.get(path).want(http.StatusOK).into(&page)
		for _, item := range page.Items {
			got = append(got, *item[0])
		}
		path = ""
		if page.Next != nil {
			path = *page.Next
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the pages together (-want +got):\n%s", diff)
	}
	manager.get("/v1/reports/application-ledger/rows"+augustReport+"&after=001%2Fnonsense").wantProblem(http.StatusBadRequest, "invalid-cursor")
}

func TestPersonalDataInAReportTakesARightAReasonAndLeavesATrace(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	r.at(beijing(24, 9, 0))
	r.opened(1)
	r.at(beijing(25, 9, 0))
	path := "/v1/reports/application-ledger/file" + augustReport + "&format=csv&reveal=true"
	manager := r.as(domain.RoleBranchManager, branchA)
	manager.bad().get(path).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
	r.as(domain.RoleRiskManager, branchA).get(path+"&reveal_reason=x").wantProblem(http.StatusForbidden, "role-not-allowed")
	if n := r.count("SELECT COUNT(*) FROM report_readings"); n != 0 {
		t.Errorf("%d looks were kept of refused ones", n)
	}
	lines := csvOf(t, manager, path+"&reveal_reason="+"%E6%A0%B8%E5%AF%B9")
	if name := lines[1][6]; strings.Contains(name, "*") || name == "" {
		t.Errorf("the borrower is shown as %q, want the whole name", name)
	}
	if n := r.count("SELECT COUNT(*) FROM report_readings WHERE report = 'application-ledger' AND reason = '核对' AND actor_role = 'branch_manager'"); n != 1 {
		t.Errorf("%d looks were kept, want 1", n)
	}
}

func TestABadReportIsRefusedByName(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	manager := r.as(domain.RoleBranchManager, branchA)
	manager.get("/v1/reports/salaries/rows?as_of=2026-08-22").wantProblem(http.StatusNotFound, "report-not-found")
	manager.get("/v1/reports/salaries").wantProblem(http.StatusNotFound, "report-not-found")
	for _, c := range []struct{ query, pointer, code string }{
		{"?from=2026-08-01&to=2026-09-30", "/to", "in-the-future"},
		{"?from=1926-08-01&to=2026-08-22", "/to", "out-of-range"},
		{"?from=2026-08-01&to=2026-08-22&columns=salary", "/columns", "unknown-column"},
		{"?to=2026-08-22", "/from", "required"},
	} {
		p := manager.get("/v1/reports/disbursement-ledger/rows"+c.query).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
		if len(p.Errors) != 1 || p.Errors[0].Pointer != c.pointer || p.Errors[0].Code != c.code {
			t.Errorf("%s: %+v, want %s at %s", c.query, p.Errors, c.code, c.pointer)
		}
	}
}

func TestTheReportsAreListedWithTheirDefinitions(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	manager := r.as(domain.RoleBranchManager, branchA)
	var list struct {
		Items []struct{ Code, Title string } `json:"items"`
	}
	manager.get("/v1/reports").want(http.StatusOK).into(&list)
	if len(list.Items) != len(report.All()) {
		t.Fatalf("%d reports are listed, want %d", len(list.Items), len(report.All()))
	}
	for _, item := range list.Items {
		manager.get("/v1/reports/" + item.Code).want(http.StatusOK)
	}
	if list.Items[0].Title != "进件台账" {
		t.Errorf("the first is %q", fmt.Sprint(list.Items[0]))
	}
}

// paid opens, approves, signs and pays the application of the n-th farmer, now.
func (r *register) paid(n int) applicationJSON {
	r.t.Helper()
	officer := r.officer()
	a := r.opened(n)
	officer.post(pathOf(a.ID, "/submit"), "").want(http.StatusOK).into(&a)
	if a.Status != "approved" {
		r.t.Fatalf("application %d is %s, want approved", n, a.Status)
	}
	officer.post(pathOf(a.ID, "/sign"), fields{"contract_no": fmt.Sprintf("371503-2026-%04d", n), "signed_on": domain.DateOf(r.now()).String()}.text(r.t)).want(http.StatusOK)
	var d struct {
		ID     domain.ID `json:"id"`
		Status string    `json:"status"`
	}
	commandAt(officer, pathOf(a.ID, "/disbursements")).want(http.StatusCreated).into(&d)
	commandAt(r.as(domain.RoleDisbursementOfficer, branchA), "/v1/disbursements/"+d.ID.String()+"/release").want(http.StatusOK)
	if _, err := r.payouts().Work(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	officer.get("/v1/disbursements/" + d.ID.String()).want(http.StatusOK).into(&d)
	if d.Status != "succeeded" {
		r.t.Fatalf("disbursement %d is %s, want succeeded", n, d.Status)
	}
	return a
}

func TestTheReportsOfTheMoneyEqualTheBooksAndStayAsTheyWere(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	r.at(beijing(24, 9, 0))
	first := r.paid(1)
	r.opened(2)
	r.at(beijing(25, 9, 0))
	manager := r.as(domain.RoleBranchManager, headOffice)

	lines := csvOf(t, manager, "/v1/reports/disbursement-ledger/file"+augustReport+"&format=csv")
	if got := lines[1]; got[2] != first.ApplicationNo || got[7] != "2026-08-24 09:00:00" || got[9] != "0018" || got[10] != "self_payment" || got[12] != "99500.00" {
		t.Errorf("the payment is %q", got)
	}
	if total := lines[len(lines)-1]; total[0] != "合计" || total[12] != "99500.00" {
		t.Errorf("the total is %q", total)
	}
	const snapshot = "?as_of=2026-08-24"
	for report, want := range map[string][]string{
		"book-balance":        {"001", "茌平支行", "QLFMD", "1", "1", "99500.00", "99500.00", "0.00", "0.00", "99500.00"},
		"village-penetration": {"001", "茌平支行", village, "2", "0", "1", "1", "1", "99500.00"},
	} {
		if diff := cmp.Diff(want, csvOf(t, manager, "/v1/reports/"+report+"/file"+snapshot+"&format=csv")[1]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", report, diff)
		}
	}
	use := csvOf(t, manager, "/v1/reports/line-use/file"+snapshot+"&format=csv")[1]
	if want := []string{"99500.00", "99500.00", "0.00", "0.00", "99500.00", "0.00"}; !cmp.Equal(want, use[10:]) {
		t.Errorf("the line's limit, outstanding, reserved, free, drawn and repaid are %q, want %q", use[10:], want)
	}
	flags := csvOf(t, manager, "/v1/reports/inclusive-flags/file"+augustReport+"&format=csv")[1]
	if flags[8] != "是" || flags[10] != "是" {
		t.Errorf("a farmer's loan for a shed is flagged %q", flags)
	}

	before := map[string][]byte{}
	for _, d := range report.All() {
		query := augustReport
		if d.Period == report.PeriodSnapshot {
			query = snapshot
		}
		for _, format := range report.Formats() {
			path := "/v1/reports/" + string(d.Code) + "/file" + query + "&format=" + string(format)
			before[path] = manager.get(path).want(http.StatusOK).body
		}
	}
	r.paid(3)
	r.officer().post(pathOf(first.ID, "/close"), "").want(http.StatusOK)
	r.renamed("001", "茌平中心支行")
	r.renamed("001", "茌平区支行")
	r.at(beijing(26, 9, 0))
	later := csvOf(t, manager, "/v1/reports/book-balance/file?as_of=2026-08-25&format=csv")[1]
	if want := []string{"001", "茌平区支行", "QLFMD", "2", "2", "199000.00", "199000.00", "0.00", "0.00", "199000.00"}; !cmp.Equal(want, later) {
		t.Errorf("the book of the day after is %q, want %q", later, want)
	}
	for path, was := range before {
		if is := manager.get(path).want(http.StatusOK).body; !bytes.Equal(was, is) {
			t.Errorf("%s has changed:\nthen %.300q\nnow  %.300q", path, was, is)
		}
	}
}

// renamed gives a branch another name, now, as the operator does.
func (r *register) renamed(code, name string) {
	r.t.Helper()
	operator := domain.Actor{ID: newID(), Name: "安装程序", Role: domain.RoleSystem}
	organisation := origination.Organisation{Branches: []origination.OrganisationBranch{
		{Code: "000", Name: "聊城农商银行", Level: staff.LevelHead}, {Code: code, Name: name, Level: staff.LevelCounty, ParentCode: "000"},
	}}
	if err := origination.NewStaff(r.store, r.now, newID, rand.Reader).LoadOrganisation(r.t.Context(), operator, organisation); err != nil {
		r.t.Fatal(err)
	}
}

func TestWhatIsRecordedLaterForAnEarlierDayChangesNoPastReport(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	r.at(beijing(24, 9, 0))
	task := r.waiting(r.offList(1), "bureau_confirmation") // due on the 29th
	alone := r.household(r.officer(), 2)
	r.at(beijing(31, 9, 0))
	manager := r.as(domain.RoleBranchManager, headOffice)
	const exceptions, villages = "/v1/reports/exceptions-holds/file?format=csv&as_of=2026-", "/v1/reports/village-penetration/file?format=csv&as_of=2026-"
	before := map[string][]byte{}
	for _, path := range []string{exceptions, villages} {
		before[path+"08-30"] = manager.get(path + "08-30").want(http.StatusOK).body
	}
	overdue := func(day string) []string {
		t.Helper()
		for _, line := range csvOf(t, manager, exceptions+day) {
			if line[4] == task.ID.String() {
				return line
			}
		}
		t.Fatalf("the task is not among the exceptions of %s", day)
		return nil
	}
	if line := overdue("08-30"); line[3] != "task_overdue" || line[7] != "loan_officer" {
		t.Errorf("the task that nobody was given is shown as %q, want the role that should take it", line)
	}
	if line := csvOf(t, manager, villages+"08-30")[1]; line[3] != "2" {
		t.Errorf("the village is %q, want two households", line)
	}

	r.at(beijing(32, 9, 0))
	_, owner := r.hired(domain.RoleLoanOfficer, headOffice)
	r.as(domain.RoleApprover, branchA).post("/v1/tasks/"+task.ID.String()+"/assign", fields{"owner_id": owner}.text(t)).want(http.StatusOK)
	r.officer().post("/v1/households/"+alone.ID.String()+"/members/"+alone.HeadID.String()+"/leave",
		fields{"on": "2026-08-26", "reason": "迁出"}.text(t)).want(http.StatusOK)
	r.renamed("001", "茌平区支行")
	r.at(beijing(33, 9, 0))
	for path, was := range before {
		if is := manager.get(path).want(http.StatusOK).body; !bytes.Equal(was, is) {
			t.Errorf("%s has changed:\nthen %s\nnow  %s", path, was, is)
		}
	}
	if line := overdue("09-01"); line[7] == "loan_officer" || line[1] != "茌平区支行" {
		t.Errorf("the day after the task is shown as %q, want its new owner and the branch's new name", line)
	}
	if line := csvOf(t, manager, villages+"09-01")[1]; line[3] != "1" {
		t.Errorf("the day after the village is %q, want one household", line)
	}
}

func TestAWholeAccountInAReportIsForWhoMaySeeIt(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	r.at(beijing(24, 9, 0))
	r.paid(1)
	r.at(beijing(25, 9, 0))
	lines := csvOf(t, r.as(domain.RoleAuditor, headOffice), "/v1/reports/disbursement-ledger/file"+augustReport+"&format=csv&reveal=true&reveal_reason=x")
	if account := lines[1][9]; account != "6228480000000000018" {
		t.Errorf("the account is %q, want it whole", account)
	}
}

func TestReportsHaveChartsAndAPageForTheWall(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	r.at(beijing(24, 9, 0))
	r.paid(1)
	r.at(beijing(25, 9, 0))
	manager := r.as(domain.RoleBranchManager, branchA)
	for code, want := range map[string]string{"application-ledger": "进件漏斗", "turnaround": "0.00 小时", "disbursement-ledger": "99,500.00"} {
		picture := manager.get("/v1/reports/" + code + "/chart.svg" + augustReport).want(http.StatusOK)
		if !strings.Contains(string(picture.body), want) || picture.header.Get("Content-Type") != "image/svg+xml" {
			t.Errorf("%s: %q is not in the picture: %s", code, want, picture.body)
		}
	}
	manager.get("/v1/reports/book-balance/chart.svg?as_of=2026-08-24").wantProblem(http.StatusNotFound, "report-without-chart")
	page := manager.get("/v1/one-pager.html?as_of=2026-08-24&branch_id=" + branchA.String()).want(http.StatusOK)
	for _, want := range []string{"茌平支行信贷一页纸", "本金余额", "99,500.00 元", "<svg", "@page { size: A4"} {
		if !strings.Contains(string(page.body), want) {
			t.Errorf("%q is not on the page: %s", want, page.body)
		}
	}
}

// moved gives the person whom as signs in with a role at a branch another role.
func (r *register) moved(role domain.Role, branch domain.ID, to domain.Role) {
	by := r.actor(role, branch)
	by.Role = to
	r.mu.Lock()
	defer r.mu.Unlock()
	r.actors[string(role)+"@"+branch.String()] = by
}

func TestAnExportIsAJobWithAFileOfTheSameRows(t *testing.T) {
	t.Parallel()
	r := newBank(t)
	r.at(beijing(24, 9, 0))
	r.opened(1)
	r.at(beijing(25, 9, 0))
	manager := r.as(domain.RoleBranchManager, branchA)
	streamed := manager.get("/v1/reports/application-ledger/file" + augustReport + "&format=csv").want(http.StatusOK)

	body := fields{"report": "application-ledger", "format": "csv", "from": "2026-08-01", "to": "2026-08-24", "as_of": "2026-08-24"}
	var job struct {
		ID     domain.ID `json:"id"`
		Status string    `json:"status"`
	}
	createAt(manager, "/v1/exports", body).want(http.StatusAccepted).into(&job)
	reports := origination.NewReports(r.store, r.now, newID)
	r.work(map[origination.JobKind]origination.JobRunner{
		origination.JobExport: origination.NewExports(reports, origination.NewJobs(r.store, r.now, newID, func() {})).Run,
	})
	manager.get("/v1/jobs/" + job.ID.String()).want(http.StatusOK).into(&job)
	if job.Status != "succeeded" {
		t.Fatalf("the job is %s", job.Status)
	}
	file := manager.get("/v1/jobs/" + job.ID.String() + "/result").want(http.StatusOK)
	if !bytes.Equal(file.body, streamed.body) {
		t.Errorf("the export differs from the stream:\n%s\n%s", file.body, streamed.body)
	}
	r.as(domain.RoleBranchManager, branchB).get("/v1/jobs/"+job.ID.String()+"/result").wantProblem(http.StatusNotFound, "job-not-found")

	// With personal data the file is for who may see them when it is fetched, not only when it was asked for.
	createAt(manager, "/v1/exports", body.but(fields{"reveal": true, "reveal_reason": "核对"})).want(http.StatusAccepted).into(&job)
	r.work(map[origination.JobKind]origination.JobRunner{
		origination.JobExport: origination.NewExports(reports, origination.NewJobs(r.store, r.now, newID, func() {})).Run,
	})
	looks := func() int { return r.count("SELECT COUNT(*) FROM report_readings WHERE reason = '核对'") }
	before := looks()
	whole := manager.get("/v1/jobs/" + job.ID.String() + "/result").want(http.StatusOK)
	manager.get("/v1/jobs/" + job.ID.String() + "/result").want(http.StatusOK)
	if before != 1 || looks() != 3 || bytes.Equal(whole.body, streamed.body) {
		t.Errorf("%d looks before and %d after two downloads, want 1 and 3; the file:\n%s", before, looks(), whole.body)
	}
	r.moved(domain.RoleBranchManager, branchA, domain.RoleRiskManager)
	manager.get("/v1/jobs/"+job.ID.String()+"/result").wantProblem(http.StatusForbidden, "role-not-allowed")
	if looks() != 3 {
		t.Errorf("%d looks after a refused download, want 3", looks())
	}
	r.moved(domain.RoleBranchManager, branchA, domain.RoleBranchManager)
	body["from"] = "1926-01-01"
	createAt(manager.bad(), "/v1/exports", body).wantProblem(http.StatusUnprocessableEntity, "invalid-fields")
}
