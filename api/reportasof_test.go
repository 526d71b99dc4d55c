package api_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fumin/domain"
	"fumin/domain/origination"
	"fumin/domain/paymentfile"
	"fumin/domain/report"
	"fumin/repository/channel"
	"fumin/repository/channel/sandbox"
)

// reportPath is the CSV file of a report as of a day of the test's August.
func reportPath(d report.Definition, day string) string {
	path := "/v1/reports/" + string(d.Code) + "/file?format=csv&as_of=" + day
	if d.Period == report.PeriodRange {
		path += "&from=2026-08-01&to=" + day
	}
	return path
}

// figuresOf are some columns of a report's rows, and of its total line, by their headings' codes.
func figuresOf(t *testing.T, c *client, code, day string, columns ...string) [][]string {
	t.Helper()
	d, _ := report.ByCode(report.Code(code))
	return csvOf(t, c, reportPath(d, day)+"&columns="+strings.Join(columns, ","))[1:]
}

// lifeOfLines is a week in which what reports show changes again and again after the day: a line is repaid, held, resumed, renewed, drawn
// from and ended, a repayment undone, a contract withdrawn, a payment fails, another is unknown for a while, and differences are explained.
type lifeOfLines struct {
	*register
	old, renewal, withdrawn domain.ID
	note                    domain.ID
	holdID                  domain.ID
	channel                 *sandbox.Server
	worker                  *origination.Payouts
}

var lifeReason = fields{"reason": "核对"}

func (l *lifeOfLines) day24() {
	l.at(beijing(24, 9, 0))
	l.old = l.paid(1).ID
	var notes struct{ Items []struct{ ID domain.ID } }
	l.officer().get(pathOf(l.old, "/loan-notes")).want(http.StatusOK).into(&notes)
	l.note = notes.Items[0].ID
	l.core().post(notePath(l.note, "/repayments"), repaidBy("HX-1", "40000.00", "0.00").but(fields{"paid_on": "2026-08-24"}).text(l.t)).want(http.StatusOK)
	l.at(beijing(24, 20, 0))
	l.coolOff(24, true)
	l.withdrawn = l.signedElectronically(2).ID
	l.coolOff(0, false)
}

func (l *lifeOfLines) day25() {
	l.at(beijing(25, 9, 0))
	manager := l.as(domain.RoleRiskManager, branchA)
	manager.post(linePath(l.old, "/hold"), lifeReason.text(l.t)).want(http.StatusOK)
	var hold struct{ ID domain.ID }
	createAt(manager, pathOf(l.old, "/holds"), fields{"reason": "收款账户被举报", "until": "2026-09-20T00:00:00Z"}).want(http.StatusCreated).into(&hold)
	l.holdID = hold.ID
	l.officer().post(pathOf(l.withdrawn, "/withdraw"), lifeReason.text(l.t)).want(http.StatusOK)
	l.pay(3, sandbox.Control{Mode: sandbox.ModeFail, FailureCode: channel.FailureAccountClosed}, "failed")
	l.pay(4, sandbox.Control{Mode: sandbox.ModeDown}, "unknown")
	l.as(domain.RoleDisbursementOfficer, headOffice).with("Content-Type", "text/csv").
		post("/v1/reconciliations?business_day=2026-08-24", paymentfile.DayCSVHeader+"\nX-2026-1,8.00,CNY,2026-08-24,SBX-10\n").want(http.StatusCreated)
}

// pay signs a case and asks the channel, which misbehaves, to pay it.
func (l *lifeOfLines) pay(n int, control sandbox.Control, want string) {
	l.t.Helper()
	if err := l.channel.SetControl(control); err != nil {
		l.t.Fatal(err)
	}
	officer := l.officer()
	a := l.approved(n)
	officer.post(pathOf(a.ID, "/sign"), fields{"contract_no": "HT-" + a.ID.String(), "signed_on": domain.DateOf(l.now()).String()}.text(l.t)).want(http.StatusOK)
	var d paymentJSON
	createAt(officer, pathOf(a.ID, "/disbursements"), fields{}).want(http.StatusCreated).into(&d)
	createAt(l.as(domain.RoleDisbursementOfficer, branchA), "/v1/disbursements/"+d.ID.String()+"/release", fields{}).want(http.StatusOK)
	l.channelAsked()
	officer.get("/v1/disbursements/" + d.ID.String()).want(http.StatusOK).into(&d)
	if d.Transfers[0].Status != want {
		l.t.Fatalf("the payment of farmer %d is %s, want %s", n, d.Transfers[0].Status, want)
	}
}

func (l *lifeOfLines) channelAsked() {
	l.t.Helper()
	for range 20 {
		if taken, err := l.worker.Work(l.t.Context()); err != nil || taken == 0 {
			if err != nil {
				l.t.Fatal(err)
			}
			return
		}
	}
	l.t.Fatal("there is always more to pay")
}

func (l *lifeOfLines) day26() {
	l.at(beijing(26, 9, 0))
	l.as(domain.RoleRiskManager, branchA).post(linePath(l.old, "/resume"), lifeReason.text(l.t)).want(http.StatusOK)
	second := l.secondReleaser()
	second.post("/v1/holds/"+l.holdID.String()+"/release", lifeReason.text(l.t)).want(http.StatusOK)
	var days struct{ Items []struct{ ID domain.ID } }
	second.get("/v1/reconciliations").want(http.StatusOK).into(&days)
	path := "/v1/reconciliations/" + days.Items[0].ID.String() + "/cases"
	var cases struct{ Items []struct{ ID domain.ID } }
	second.get(path + "?status=open").want(http.StatusOK).into(&cases)
	for _, c := range cases.Items {
		second.post(path+"/"+c.ID.String()+"/resolve", fields{"explanation": "渠道次日退回"}.text(l.t)).want(http.StatusOK)
	}
	if err := l.channel.SetControl(sandbox.Control{}); err != nil {
		l.t.Fatal(err)
	}
	l.channelAsked()
	l.core().post(notePath(l.note, "/repayments"), repaidBy("HX-2", "10000.00", "0.00").but(fields{"paid_on": "2026-08-26"}).text(l.t)).want(http.StatusOK)
}

func (l *lifeOfLines) day27() {
	l.at(beijing(27, 9, 0))
	l.core().post(notePath(l.note, "/repayment-reversals"), fields{"repayment_no": "HX-2", "reversal_no": "CZ-2", "reversed_on": "2026-08-27"}.text(l.t)).want(http.StatusOK)
	l.renewable()
	a := l.renewed(l.old, "99500.00")
	l.renewal = a.ID
	l.officer().post(pathOf(a.ID, "/submit"), "").want(http.StatusOK)
	l.officer().post(pathOf(a.ID, "/sign"), fields{"contract_no": "HT-R", "signed_on": "2026-08-27"}.text(l.t)).want(http.StatusOK)
}

func (l *lifeOfLines) day28() {
	l.at(beijing(28, 9, 0))
	var d paymentJSON
	createAt(l.officer(), linePath(l.renewal, "/draws"), fields{"amount": "30000.00", "term_months": 6}).want(http.StatusCreated).into(&d)
	createAt(l.as(domain.RoleDisbursementOfficer, branchA), "/v1/disbursements/"+d.ID.String()+"/release", fields{}).want(http.StatusOK)
	l.channelAsked()
	l.at(beijing(28, 18, 0))
	l.wantLine(l.renewal, "89500.00", "0.00", "10000.00")
}

func (l *lifeOfLines) day29() {
	l.at(beijing(29, 9, 0))
	l.as(domain.RoleRiskManager, branchA).post(linePath(l.renewal, "/end"), lifeReason.text(l.t)).want(http.StatusOK)
}

// What a line has free is what can be drawn on the day, the inclusive flag looks at the lines of the moment, and no report of a past day
// changes with what happens later.
func TestReportsFollowTheLifeOfLinesDayByDay(t *testing.T) {
	t.Parallel()
	l := &lifeOfLines{register: newBank(t)}
	l.worker, l.channel = l.payoutsWithChannel()
	l.exec(`INSERT INTO lender_limits (id, name, borrower_kinds, amount, effective_from, source, made_by, made_at, activated_by, activated_at, loaded)
		VALUES (?, 'inclusive_farmer_exposure_max', '["farmer"]', 150000.00, '2026-01-01', '试验口径', ?, '2026-01-01', ?, '2026-01-01', 1)`, newID(), newID(), newID())
	manager := l.as(domain.RoleBranchManager, headOffice)

	taken := map[string][]byte{}
	for i, live := range []func(){l.day24, l.day25, l.day26, l.day27, l.day28, l.day29} {
		live()
		l.at(beijing(25+i, 0, 5))
		day := domain.MustParseDate("2026-08-24").AddDays(i).String()
		for _, d := range report.All() {
			path := reportPath(d, day)
			taken[path] = manager.get(path).want(http.StatusOK).body
		}
	}
	for path, was := range taken {
		if is := manager.get(path).want(http.StatusOK).body; !bytes.Equal(was, is) {
			t.Errorf("%s has changed:\nthen %s\nnow  %s", path, was, is)
		}
	}
	l.wantFigures(manager)
	l.wantLineUse(manager) // last: it turns the clock on by a year
}

func (l *lifeOfLines) wantLineUse(manager *client) {
	l.t.Helper()
	number := func(id domain.ID) (no string) {
		var a applicationJSON
		l.officer().get(pathOf(id, "")).want(http.StatusOK).into(&a)
		return a.ApplicationNo
	}
	old, renewal, withdrawn := number(l.old), number(l.renewal), number(l.withdrawn)
	const after = "2027-08-27"                             // the renewal's last day
	for day, want := range map[string]map[string][]string{ // status, outstanding, free
		"2026-08-24": {old: {"live", "59500.00", "40000.00"}, withdrawn: {"live", "0.00", "99500.00"}},
		"2026-08-25": {old: {"held", "59500.00", "0.00"}, withdrawn: {"ended", "0.00", "0.00"}},
		"2026-08-26": {old: {"live", "49500.00", "50000.00"}},
		"2026-08-27": {old: {"ended", "0.00", "0.00"}, renewal: {"live", "59500.00", "40000.00"}},
		"2026-08-28": {old: {"ended", "0.00", "0.00"}, renewal: {"live", "89500.00", "10000.00"}},
		"2026-08-29": {renewal: {"ended", "89500.00", "0.00"}},
		after:        {},
	} {
		if day == after {
			l.at(time.Date(2027, 8, 27, 4, 0, 0, 0, time.UTC))
		}
		lines := figuresOf(l.t, manager, "line-use", day, "application_no", "status", "outstanding", "free")
		free := lines[len(lines)-1][3]
		for _, line := range lines {
			if figures, known := want[line[0]]; known && !cmp.Equal(figures, line[1:]) {
				l.t.Errorf("%s as of %s: status, outstanding and free are %q, want %q", line[0], day, line[1:], figures)
			}
		}
		if day == after && free != "0.00" {
			l.t.Errorf("as of %s, the last day of the lines, %s is free in all, want 0.00: %q", day, free, lines)
		}
	}
}

func (l *lifeOfLines) wantFigures(manager *client) {
	l.t.Helper()
	flags := figuresOf(l.t, manager, "inclusive-flags", "2026-08-28", "amount", "inclusive")
	if got := flags[len(flags)-3]; got[0] != "30000.00" || got[1] != "是" {
		l.t.Errorf("the payment after the renewal is flagged %q, want inclusive: its one line of 99500.00 is not above 150000.00", got)
	}
	for day, want := range map[string][]string{"2026-08-24": {"2", "199000.00"}, "2026-08-25": {"3", "298500.00"}, "2026-08-27": {"4", "398000.00"}} {
		if got := figuresOf(l.t, manager, "book-balance", day, "product_code", "contracts", "contract_amount")[0][1:]; !cmp.Equal(want, got) {
			l.t.Errorf("contracts as of %s: %q, want %q", day, got, want)
		}
	}
	for day, want := range map[string]string{
		"2026-08-24": "", "2026-08-25": "hold payment_failed payment_unknown reconciliation", "2026-08-26": "",
	} {
		kinds := map[string]bool{}
		for _, line := range figuresOf(l.t, manager, "exceptions-holds", day, "kind") {
			kinds[line[0]] = true
		}
		for _, kind := range []string{"hold", "payment_failed", "payment_unknown", "reconciliation"} {
			if kinds[kind] != strings.Contains(want, kind) {
				l.t.Errorf("exceptions as of %s: %v, want %q", day, kinds, want)
			}
		}
	}
}
