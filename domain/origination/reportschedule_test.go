package origination_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"fumin/domain"
	"fumin/domain/origination"
	"fumin/domain/report"
	"fumin/domain/staff"
	"fumin/repository/delivery"
)

// noPassword is a hash in its right form of no password.
const noPassword = "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"

const hookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// desk is a world with a reporting desk: two destinations, a folder and a webhook.
type desk struct {
	*world
	db           *sql.DB
	folder       string
	destinations origination.ReportDestinations
	schedules    *origination.ReportSchedules

	hookMu  sync.Mutex
	hookIDs []string // webhook-id of each request
	refuse  int      // how many requests the webhook answers with 500
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{world: newWorld(t), folder: t.TempDir()}
	d.db = d.rows()
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.hookMu.Lock()
		defer d.hookMu.Unlock()
		if d.hookIDs = append(d.hookIDs, r.Header.Get("Webhook-Id")); len(d.hookIDs) <= d.refuse {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(hook.Close)
	file, err := json.Marshal(map[string]any{"destinations": []map[string]any{
		{"name": "share", "kind": "folder", "path": d.folder}, {"name": "hook", "kind": "webhook", "url": hook.URL, "secret": hookSecret},
	}})
	d.must(err)
	d.destinations, err = delivery.Parse(file, d.now)
	d.must(err)
	d.schedules = origination.NewReportSchedules(d.store, d.now, newID, d.reports(), d.destinations)
	return d
}

func (w *world) reports() *origination.Reports { return origination.NewReports(w.store, w.now, newID) }

// employee is a member of staff who is on file, as the owner of a schedule has to be.
func (d *desk) employee(role domain.Role) domain.Actor {
	d.t.Helper()
	by := d.somebody(role)
	d.exec("INSERT INTO users (id, username, display_name, role, branch_id, password_hash, password_temporary, version, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, 0, 1, NOW(6), NOW(6))",
		by.ID, "u"+strings.ReplaceAll(by.ID.String(), "-", "")[1:], by.Name, string(role), by.BranchID, noPassword)
	return by
}

func (d *desk) exec(query string, args ...any) {
	d.t.Helper()
	_, err := d.db.ExecContext(d.t.Context(), query, args...)
	d.must(err)
}

func (d *desk) count(query string, args ...any) (n int) {
	d.t.Helper()
	d.must(d.db.QueryRowContext(d.t.Context(), query, args...).Scan(&n))
	return n
}

func (d *desk) scheduler(destinations origination.ReportDestinations) *origination.ReportScheduler {
	return origination.NewReportScheduler(d.store, d.now, newID, newID(), slog.New(slog.NewTextHandler(d.t.Output(), nil)), origination.DefaultReportDeliveryLimits(),
		origination.NewExports(d.reports(), d.jobs()), destinations)
}

func (w *world) exporter(store origination.Store) *origination.JobWorker {
	exports := origination.NewExports(origination.NewReports(store, w.now, newID), w.jobs())
	limits := origination.DefaultJobLimits()
	limits.Renew = 50 * time.Millisecond // a cancelled one is noticed as soon
	return origination.NewJobWorker(store, w.now, newID(), discard(), limits,
		map[origination.JobKind]origination.JobRunner{origination.JobExport: exports.Run})
}

// settle lets the workers work for five minutes.
func (d *desk) settle() {
	d.t.Helper()
	scheduler, exporter := d.scheduler(d.destinations), d.exporter(d.store)
	for range 10 {
		for busy := true; busy; {
			worked, err := scheduler.Work(d.t.Context())
			d.must(err)
			exported, err := exporter.Work(d.t.Context())
			d.must(err)
			busy = worked > 0 || exported
		}
		d.advance(30 * time.Second)
	}
}

func daily(destination string) origination.ReportScheduleTerms {
	return origination.ReportScheduleTerms{
		Report: report.ApplicationLedger, Format: report.FormatCSV, Charset: report.CharsetUTF8,
		Timetable: report.Timetable{Frequency: report.Daily, Minute: 6*60 + 30}, Window: report.PreviousDay, Destination: destination,
	}
}

func (d *desk) created(by domain.Actor, terms origination.ReportScheduleTerms) origination.ReportSchedule {
	d.t.Helper()
	s, _, err := d.schedules.Create(d.t.Context(), by, key(), terms)
	d.must(err)
	return s
}

func (d *desk) schedule(by domain.Actor, id domain.ID) origination.ReportSchedule {
	d.t.Helper()
	s, err := d.schedules.Schedule(d.t.Context(), by, id)
	d.must(err)
	return s
}

func (d *desk) deliveries(by domain.Actor, id domain.ID) []origination.ReportDelivery {
	d.t.Helper()
	list, err := d.schedules.Deliveries(d.t.Context(), by, id, domain.Page{Limit: 100})
	d.must(err)
	return list
}

// only is the one delivery of a schedule.
func (d *desk) only(by domain.Actor, id domain.ID) origination.ReportDelivery {
	d.t.Helper()
	list := d.deliveries(by, id)
	if len(list) != 1 {
		d.t.Fatalf("%d deliveries, want one: %+v", len(list), list)
	}
	return list[0]
}

func (d *desk) wantDelivery(got origination.ReportDelivery, status origination.ReportDeliveryStatus, attempts int) {
	d.t.Helper()
	if got.Status != status || got.Attempts != attempts {
		d.t.Errorf("delivery of %s: %s after %d attempts (%s), want %s after %d", got.Day, got.Status, got.Attempts, got.LastError, status, attempts)
	}
}

// untilTomorrow is from the start of these tests, 09:30 in Beijing, to 06:30 of the next day.
const untilTomorrow = 21 * time.Hour

// streamed is a report as the same person would get it at once.
func (w *world) streamed(by domain.Actor, e origination.StartExport) []byte {
	w.t.Helper()
	prepared, err := w.reports().Prepare(w.t.Context(), by, e.Query, e.Charset)
	w.must(err)
	var out bytes.Buffer
	_, err = w.reports().Write(w.t.Context(), prepared, e.Format, &out, nil)
	w.must(err)
	return out.Bytes()
}

func ledgerOf(day string) origination.StartExport {
	on := domain.MustParseDate(day)
	return origination.StartExport{
		Query:  report.Query{Report: report.ApplicationLedger, From: on, To: on, AsOf: on},
		Format: report.FormatCSV, Charset: report.CharsetUTF8,
	}
}

func TestAScheduleMakesItsReportInItsOwnersScopeAndDeliversIt(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	owner := d.employee(domain.RoleBranchManager)
	d.opened(d.somebody(domain.RoleLoanOfficer), "20000")
	d.opened(d.somebodyAt("371526", domain.RoleLoanOfficer), "30000") // another branch
	s := d.created(owner, daily("share"))
	if want := testStart.Add(untilTomorrow); !s.NextAt.Equal(want) {
		t.Errorf("next at %s, want %s", s.NextAt, want)
	}
	d.settle()
	if list := d.deliveries(owner, s.ID); len(list) != 0 {
		t.Errorf("before its time: %+v", list)
	}
	d.advance(untilTomorrow)
	d.settle()
	got := d.only(owner, s.ID)
	d.wantDelivery(got, origination.DeliveryDelivered, 1)
	content, err := os.ReadFile(got.Location)
	d.must(err)
	if want := d.streamed(owner, ledgerOf("2026-11-23")); !bytes.Equal(content, want) || !strings.Contains(string(want), "20000.00") || strings.Contains(string(want), "30000.00") {
		t.Errorf("delivered:\n%s\nstreamed:\n%s", content, want)
	}
	if filepath.Dir(got.Location) != d.folder || got.Day.String() != "2026-11-24" {
		t.Errorf("delivered to %s for %s", got.Location, got.Day)
	}
	if next := d.schedule(owner, s.ID); next.Status != origination.ScheduleActive || !next.NextAt.Equal(s.NextAt.Add(24*time.Hour)) {
		t.Errorf("after the run: %s, next at %s", next.Status, next.NextAt)
	}
}

func TestTwentyNodesMakeOneRunAndOneDelivery(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	owner := d.employee(domain.RoleRiskManager)
	s := d.created(owner, daily("hook"))
	d.advance(untilTomorrow)
	for range 6 { // the run, its job, the look after it, the delivery
		wantCodes(t, atOnce(callers, func(int) error {
			_, err := d.scheduler(d.destinations).Work(context.Background())
			return err
		}), map[string]int{"": callers})
		wantCodes(t, atOnce(3, func(int) error { _, err := d.exporter(d.store).Work(context.Background()); return err }), map[string]int{"": 3})
		d.advance(6 * time.Second)
	}
	got := d.only(owner, s.ID)
	d.wantDelivery(got, origination.DeliveryDelivered, 1)
	if jobs := d.count("SELECT COUNT(*) FROM jobs"); jobs != 1 || len(d.hookIDs) != 1 || d.hookIDs[0] != got.ID.String() {
		t.Errorf("%d jobs, the webhook was told %v; want one and %s", jobs, d.hookIDs, got.ID)
	}
}

func TestAWebhookThatFailsTwiceIsToldAgainUnderTheSameId(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.refuse = 2
	owner := d.employee(domain.RoleAdmin)
	s := d.created(owner, daily("hook"))
	d.advance(untilTomorrow)
	d.settle()
	got := d.only(owner, s.ID)
	d.wantDelivery(got, origination.DeliveryDelivered, 3)
	if want := strings.Repeat(got.ID.String()+" ", 3); strings.Join(d.hookIDs, " ")+" " != want {
		t.Errorf("webhook-ids %v, want three times %s", d.hookIDs, got.ID)
	}
}

func TestADeliveryThatKeepsFailingEndsVisiblyAndCanBeAskedForAgain(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.refuse = origination.DefaultReportDeliveryLimits().AttemptsMax
	owner := d.employee(domain.RoleBranchManager)
	s := d.created(owner, daily("hook"))
	d.advance(untilTomorrow)
	for range 14 {
		d.settle()
		d.advance(time.Hour)
	}
	failed := d.only(owner, s.ID)
	d.wantDelivery(failed, origination.DeliveryFailed, d.refuse)
	if !strings.Contains(failed.LastError, "500") {
		t.Errorf("the reason is %q, want one that names 500", failed.LastError)
	}
	if _, err := d.schedules.Retry(t.Context(), d.employee(domain.RoleBranchManager), s.ID, failed.ID); domain.CodeOf(err) != "not-schedule-owner" {
		t.Errorf("asked for by another: %v, want not-schedule-owner", err)
	}
	_, err := d.schedules.Retry(t.Context(), owner, s.ID, failed.ID)
	d.must(err)
	if _, err := d.schedules.Retry(t.Context(), owner, s.ID, failed.ID); domain.CodeOf(err) != "report-delivery-not-failed" {
		t.Errorf("asked for twice: %v, want report-delivery-not-failed", err)
	}
	d.settle()
	d.wantDelivery(d.only(owner, s.ID), origination.DeliveryDelivered, 1)
	if last := d.hookIDs[len(d.hookIDs)-1]; last != failed.ID.String() || len(d.hookIDs) != d.refuse+1 {
		t.Errorf("%d requests, the last under %s; want one more under %s", len(d.hookIDs), last, failed.ID)
	}
}

func TestAFileThatIsGoneIsMadeAgainForADeliveryThatIsAskedForAgain(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	owner := d.employee(domain.RoleBranchManager)
	d.opened(d.somebody(domain.RoleLoanOfficer), "20000")
	want := ledgerOf("2026-11-23")
	s := d.created(owner, daily("share"))
	name := filepath.Join(d.folder, origination.ReportParcel{ScheduleID: s.ID, Report: report.ApplicationLedger, AsOf: want.Query.AsOf, Format: report.FormatCSV}.FileName())
	d.must(os.WriteFile(name, []byte("another"), 0o600))
	d.advance(untilTomorrow)
	d.settle()
	failed := d.only(owner, s.ID)
	d.wantDelivery(failed, origination.DeliveryFailed, 1) // what would be refused again is not tried again
	_, err := d.schedules.Pause(t.Context(), owner, s.ID)
	d.must(err)
	d.advance(8 * 24 * time.Hour)
	_, err = d.exporter(d.store).Tidy(t.Context())
	d.must(err)
	d.must(os.Remove(name))
	_, err = d.schedules.Retry(t.Context(), owner, s.ID, failed.ID)
	d.must(err)
	d.settle()
	got := d.only(owner, s.ID)
	d.wantDelivery(got, origination.DeliveryDelivered, 1)
	content, err := os.ReadFile(name)
	d.must(err)
	if streamed := d.streamed(owner, want); !bytes.Equal(content, streamed) || got.JobID == failed.JobID {
		t.Errorf("made again by job %s (before %s):\n%s\nwant\n%s", got.JobID, failed.JobID, content, streamed)
	}
}

// dying is a node that is killed when it has sent, and before it has written that down.
type dying struct{ origination.ReportDestinations }

func (d dying) Deliver(ctx context.Context, name string, p origination.ReportParcel) (string, error) {
	_, _ = d.ReportDestinations.Deliver(ctx, name, p)
	runtime.Goexit()
	return "", nil
}

func TestADeliveryWhoseNodeWasKilledIsFinishedByAnotherAndOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	owner := d.employee(domain.RoleBranchManager)
	s := d.created(owner, daily("share"))
	d.advance(untilTomorrow)
	scheduler, exporter := d.scheduler(d.destinations), d.exporter(d.store)
	for range 10 {
		if d.count("SELECT COUNT(*) FROM report_deliveries WHERE status = 'pending'") == 1 {
			break
		}
		_, err := scheduler.Work(t.Context())
		d.must(err)
		_, err = exporter.Work(t.Context())
		d.must(err)
		d.advance(6 * time.Second)
	}
	died := make(chan struct{})
	go func() {
		defer close(died)
		_, _ = d.scheduler(dying{d.destinations}).Work(context.Background())
	}()
	<-died
	if got := d.only(owner, s.ID); got.Status != origination.DeliveryPending || got.LeaseOwner.IsZero() {
		t.Fatalf("after the death: %+v", got)
	}
	d.settle() // within its lease nobody else sends
	d.wantDelivery(d.only(owner, s.ID), origination.DeliveryPending, 1)
	d.advance(12 * time.Minute)
	d.settle()
	d.wantDelivery(d.only(owner, s.ID), origination.DeliveryDelivered, 2)
	if entries, err := os.ReadDir(d.folder); err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v (%v), want one file", entries, err)
	}
}

func TestMissedDaysAreMadeUpAndNotForEver(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	owner := d.employee(domain.RoleBranchManager)
	s := d.created(owner, daily("hook"))
	d.advance(untilTomorrow + 9*24*time.Hour) // ten days have come due: 24 November to 3 December
	for range 4 {                             // three jobs at once are an owner's share
		d.settle()
	}
	list := d.deliveries(owner, s.ID)
	if len(list) != 7 {
		t.Fatalf("%d runs, want the latest 7", len(list))
	}
	days := map[string]bool{}
	for _, one := range list {
		d.wantDelivery(one, origination.DeliveryDelivered, 1)
		days[one.Day.String()] = true
	}
	if !days["2026-11-27"] || !days["2026-12-03"] {
		t.Errorf("days %v, want 27 November to 3 December", days)
	}
	if n := d.count("SELECT COUNT(*) FROM report_schedule_events WHERE action = 'run' AND detail LIKE '%更早的 3 次%'"); n != 1 {
		t.Errorf("%d entries of the history name the three days that were given up, want one", n)
	}
}

func TestAScheduleOfThe31stRunsAtTheEndOfAShortMonth(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	owner := d.employee(domain.RoleBranchManager)
	terms := daily("share")
	terms.Report = report.BookBalance
	terms.Timetable, terms.Window = report.Timetable{Frequency: report.Monthly, DayOfMonth: 31}, report.PreviousDay
	s := d.created(owner, terms)
	d.advance(6*24*time.Hour + 14*time.Hour + 30*time.Minute) // 30 November, 00:00: the day before is not given for a minute
	midnight := d.now()
	d.settle()
	got := d.only(owner, s.ID)
	d.wantDelivery(got, origination.DeliveryDelivered, 1)
	if got.Day.String() != "2026-11-30" || !strings.Contains(got.Location, "book-balance_2026-11-29") {
		t.Errorf("made on %s as %s, want on 30 November as of the 29th", got.Day, got.Location)
	}
	if job := d.job(owner, got.JobID); job.CreatedAt.Before(midnight.Add(time.Minute)) {
		t.Errorf("the export was queued at %s, want after the first minute of the day", job.CreatedAt)
	}
}

func TestAScheduleStopsVisiblyWhenItsOwnerMayNoLongerHaveIt(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, change, reason string }{
		{"deactivated", "UPDATE users SET deactivated_at = NOW(6) WHERE id = ?", "停用"},
		{"another role", "UPDATE users SET role = 'loan_officer' WHERE id = ?", "客户经理"},
		{"another branch", "UPDATE users SET branch_id = (SELECT id FROM branches WHERE code = '371526') WHERE id = ?", "调到"},
		{"gone", "DELETE FROM users WHERE id = ?", "不存在"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			owner, admin := d.employee(domain.RoleBranchManager), d.employee(domain.RoleAdmin)
			s := d.created(owner, daily("share"))
			d.exec(tt.change, owner.ID)
			d.advance(untilTomorrow)
			d.settle()
			got := d.schedule(admin, s.ID)
			if got.Status != origination.ScheduleStopped || !strings.Contains(got.Reason, tt.reason) || !got.NextAt.IsZero() {
				t.Errorf("schedule: %s (%s), want stopped because of %q", got.Status, got.Reason, tt.reason)
			}
			if list := d.deliveries(admin, s.ID); len(list) != 0 {
				t.Errorf("it made %+v", list)
			}
			if _, err := d.schedules.Resume(t.Context(), admin, s.ID); domain.CodeOf(err) != "not-schedule-owner" {
				t.Errorf("resumed by another: %v, want not-schedule-owner", err)
			}
		})
	}
}

// The owner goes while the export is under way: nothing leaves the house any more.
func TestNothingIsSentForAnOwnerWhoHasGoneMeanwhile(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	owner, admin := d.employee(domain.RoleBranchManager), d.employee(domain.RoleAdmin)
	s := d.created(owner, daily("hook"))
	d.advance(untilTomorrow)
	_, err := d.scheduler(d.destinations).Work(t.Context())
	d.must(err)
	d.exec("UPDATE users SET deactivated_at = NOW(6) WHERE id = ?", owner.ID)
	d.advance(10 * time.Second)
	d.settle()
	d.wantDelivery(d.only(admin, s.ID), origination.DeliveryFailed, 0)
	if got := d.schedule(admin, s.ID); got.Status != origination.ScheduleStopped || len(d.hookIDs) != 0 {
		t.Errorf("schedule: %s, the webhook was told %v; want stopped and nothing", got.Status, d.hookIDs)
	}
}

func TestAScheduleIsPausedResumedAndEnded(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	owner := d.employee(domain.RoleBranchManager)
	s := d.created(owner, daily("share"))
	change := func(do func(context.Context, domain.Actor, domain.ID) (origination.ReportSchedule, error), by domain.Actor, want string) {
		t.Helper()
		if _, err := do(t.Context(), by, s.ID); domain.CodeOf(err) != want {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	change(d.schedules.Pause, d.employee(domain.RoleRiskManager), "not-schedule-owner")
	change(d.schedules.Pause, d.somebodyAt("371526", domain.RoleAdmin), "report-schedule-not-found")
	change(d.schedules.Pause, d.somebody(domain.RoleLoanOfficer), "role-not-allowed")
	change(d.schedules.Pause, owner, "")
	change(d.schedules.Pause, owner, "report-schedule-status")
	d.advance(untilTomorrow + 24*time.Hour)
	d.settle()
	change(d.schedules.Resume, owner, "")
	change(d.schedules.Resume, owner, "report-schedule-status")
	d.settle()
	if list := d.deliveries(owner, s.ID); len(list) != 0 {
		t.Errorf("days of the pause were made up: %+v", list)
	}
	change(d.schedules.End, d.employee(domain.RoleAdmin), "")
	change(d.schedules.End, owner, "report-schedule-status")
	change(d.schedules.Resume, owner, "report-schedule-status")
	if n := d.count("SELECT COUNT(*) FROM report_schedule_events WHERE schedule_id = ?", s.ID); n != 4 {
		t.Errorf("%d entries of the history, want create, pause, resume, end", n)
	}
}

func TestAPersonHasTwentySchedulesAndNoMore(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	owner := d.employee(domain.RoleBranchManager)
	for range origination.ReportSchedulesMax - 10 {
		d.created(owner, daily("share"))
	}
	wantCodes(t, atOnce(callers, func(int) error {
		_, _, err := d.schedules.Create(context.Background(), owner, key(), daily("share"))
		return err
	}), map[string]int{"": 10, "too-many-report-schedules": callers - 10})
	if n := d.count("SELECT COUNT(*) FROM report_schedules"); n != origination.ReportSchedulesMax {
		t.Errorf("%d schedules, want %d", n, origination.ReportSchedulesMax)
	}
}

// ── Two nodes and one export ────────────────────────────────────────────────────────────────────────────────────────────

// mortal is the storage of a node that is killed when it has stored so many chunks of a file: nothing after it is done, and
// nothing is tidied up.
type mortal struct {
	origination.Store
	chunks func() int // how many are stored
	most   int
}

func (m *mortal) Update(ctx context.Context, fn func(origination.Tx) error) error {
	if m.chunks() >= m.most {
		runtime.Goexit()
	}
	return m.Store.Update(ctx, fn)
}

// manyApplications copies one application, with its history, so often (up to 10,000 times) that its report takes several pages and chunks.
func (d *desk) manyApplications(n int) {
	d.t.Helper()
	rec := d.opened(d.somebody(domain.RoleLoanOfficer), "20000")
	const digits = "(SELECT 0 d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)"
	const numbers = "(SELECT a.d + 10*b.d + 100*c.d + 1000*e.d n FROM " + digits + " a, " + digits + " b, " + digits + " c, " + digits + " e) numbers"
	copies := []struct { // the applications first: their events point to them
		table   string
		changed map[string]string
	}{
		{"applications", map[string]string{"id": "INSERT('0189a000-0000-7000-8000-000000000000', 25, 12, LPAD(n, 12, '0'))", "application_no": "CONCAT('LA-', LPAD(n, 8, '0'))"}},
		{"events", map[string]string{"subject_id": "INSERT('0189a000-0000-7000-8000-000000000000', 25, 12, LPAD(n, 12, '0'))", "case_id": "INSERT('0189a000-0000-7000-8000-000000000000', 25, 12, LPAD(n, 12, '0'))"}},
	}
	for _, into := range copies {
		table, changed := into.table, into.changed
		rows, err := d.db.QueryContext(d.t.Context(), "SELECT column_name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ? AND extra NOT LIKE '%GENERATED%' AND extra NOT LIKE '%auto_increment%' ORDER BY ordinal_position", table)
		d.must(err)
		var columns, cells []string
		for rows.Next() {
			var column string
			d.must(rows.Scan(&column))
			columns = append(columns, "`"+column+"`")
			if cell, other := changed[column]; other {
				cells = append(cells, cell)
			} else {
				cells = append(cells, "template.`"+column+"`")
			}
		}
		d.must(rows.Err())
		d.must(rows.Close()) //nolint:sqlclosecheck // in a loop: a defer would keep it open until the end
		which := "template.id = ?"
		if table == "events" {
			which = "template.subject_id = ?"
		}
		d.exec(fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s template, %s WHERE %s AND n < ?",
			table, strings.Join(columns, ", "), strings.Join(cells, ", "), table, numbers, which), rec.ID, n)
	}
}

func TestAnExportWhoseNodeIsKilledInTheMiddleIsFinishedByTheOtherAndOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	by := d.employee(domain.RoleBranchManager)
	d.manyApplications(5_400) // three pages and three chunks
	asked := ledgerOf("2026-11-23")
	job, _, err := origination.NewExports(d.reports(), d.jobs()).Start(t.Context(), by, key(), asked)
	d.must(err)

	died := make(chan struct{})
	go func() {
		defer close(died)
		_, _ = d.exporter(&mortal{Store: d.store, chunks: func() int { return d.chunks(job.ID) }, most: 2}).Work(context.Background())
	}()
	<-died
	if half := d.job(by, job.ID); half.Status != origination.JobRunning || half.Attempts != 1 || d.chunks(job.ID) != 2 {
		t.Fatalf("after the death: %s, attempt %d, %d chunks; want running with two", half.Status, half.Attempts, d.chunks(job.ID))
	}
	second := d.exporter(d.store)
	d.wantWorked(second, false) // leased
	d.advance(time.Minute)
	d.wantWorked(second, true)
	d.wantWorked(second, false)
	done := d.job(by, job.ID)
	if done.Status != origination.JobSucceeded || done.Attempts != 2 || done.Done != 5_401 {
		t.Errorf("job: %s after %d attempts with %d rows, want succeeded after 2 with 5,401", done.Status, done.Attempts, done.Done)
	}
	got, want := d.result(by, job.ID), d.streamed(by, asked)
	if !bytes.Equal(got, want) || len(want) <= 2*origination.JobChunkBytes {
		t.Errorf("the export has %d bytes, the stream %d; want the same, of several chunks", len(got), len(want))
	}
	if chunks := d.count("SELECT COUNT(DISTINCT attempt) FROM job_chunks WHERE job_id = ?", job.ID); chunks != 1 {
		t.Errorf("chunks of %d attempts are kept, want one", chunks)
	}

	// Reading ahead, as the command line does, gives the same, and ends when it is told to.
	prepared, err := d.reports().Prepare(t.Context(), by, asked.Query, asked.Charset)
	d.must(err)
	var ahead bytes.Buffer
	if _, err := d.reports().WriteAhead(t.Context(), prepared, asked.Format, &ahead, nil); err != nil || !bytes.Equal(ahead.Bytes(), want) {
		t.Errorf("reading ahead: %d bytes (%v), want the %d of the stream", ahead.Len(), err, len(want))
	}
	enough := errors.New("enough")
	_, err = d.reports().WriteAhead(t.Context(), prepared, asked.Format, &ahead, func(int64) error { return enough })
	if !errors.Is(err, enough) {
		t.Errorf("told to end: %v, want %v", err, enough)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := d.reports().WriteAhead(ended, prepared, asked.Format, &ahead, nil); err == nil {
		t.Error("reading ahead went on after its end")
	}
}

func TestAnExportIsCancelledInTheMiddle(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	by := d.employee(domain.RoleBranchManager)
	d.opened(d.somebody(domain.RoleLoanOfficer), "20000")
	job, _, err := origination.NewExports(d.reports(), d.jobs()).Start(t.Context(), by, key(), ledgerOf("2026-11-23"))
	d.must(err)
	node := d.exporter(&interrupted{Store: d.store, stop: func(ctx context.Context) {
		if _, err := d.jobs().Cancel(ctx, by, job.ID); err != nil {
			t.Error(err)
		}
		<-ctx.Done() // as soon as the lease is renewed
	}})
	d.wantWorked(node, true)
	if got := d.job(by, job.ID); got.Status != origination.JobCancelled {
		t.Errorf("job: %s (%s), want cancelled", got.Status, got.LastError)
	}
	if _, err := d.jobs().Result(t.Context(), by, job.ID); domain.CodeOf(err) != "job-not-finished" {
		t.Errorf("its result: %v, want job-not-finished", err)
	}
	if _, err := node.Tidy(t.Context()); err != nil || d.chunks(job.ID) != 0 {
		t.Errorf("tidied: %v, %d chunks left", err, d.chunks(job.ID))
	}
}

// interrupted is a storage whose owner is called in the middle of a report.
type interrupted struct {
	origination.Store
	stop func(context.Context)
}

func (i *interrupted) ReportRows(ctx context.Context, q report.Query, branch staff.Branch, after string, limit int, each func(report.Row) error) (int, error) {
	i.stop(ctx)
	return i.Store.ReportRows(ctx, q, branch, after, limit, each)
}
