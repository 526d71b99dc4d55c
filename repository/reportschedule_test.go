package repository_test

import (
	"strings"
	"testing"

	"fumin/domain"
	"fumin/domain/origination"
)

// fillSchedules puts in ten thousand schedules, one in a hundred active, and as many deliveries of one of them, one in a hundred
// waiting.
func (l *ledger) fillSchedules() {
	l.t.Helper()
	l.fillDigits()
	l.exec(`INSERT INTO report_schedules (id, branch_id, owner_id, owner_name, owner_role, live_slot, report, format, charset, report_columns, product_code,
		frequency, weekday, day_of_month, minute_of_day, period, destination, status, reason, next_at, version, created_at)
		SELECT CONCAT('0189a000-0000-7000-8000-', LPAD(n, 12, '0')), ELT(1 + n % 3, ?, ?, ?), CONCAT('0189b000-0000-7000-8000-', LPAD(n DIV 20, 12, '0')), '员工', 'branch_manager',
		IF(n % 100 = 0, 1, NULL), 'book-balance', 'csv', 'utf-8', '[]', '', 'daily', 0, 0, 390, 'previous_day', 'share',
		IF(n % 100 = 0, 'active', 'ended'), '', IF(n % 100 = 0, DATE_ADD('2026-11-01 00:00:00', INTERVAL n MINUTE), NULL), 1, '2026-01-01 00:00:00' FROM `+numbers+` s`,
		ledgerCounty, ledgerTownship, ledgerSibling)
	l.exec(`INSERT INTO report_deliveries (id, schedule_id, branch_id, business_day, destination, status, turn, attempts, last_error, location, due_at, created_at, queued_at)
		SELECT CONCAT('0189d000-0000-7000-8000-', LPAD(n, 12, '0')), '0189a000-0000-7000-8000-000000000000', ?, DATE_ADD('2000-01-01', INTERVAL n DAY), 'share',
		IF(n % 100 = 0, 'exporting', 'failed'), 0, 0, '', '', IF(n % 100 = 0, '2026-11-01 00:00:00', NULL), '2026-01-01 00:00:00', '2026-01-01 00:00:00' FROM `+numbers+` s`,
		ledgerCounty)
	l.exec(`INSERT INTO report_schedule_events (schedule_id, version, branch_id, action, status, detail, actor_id, actor_name, actor_role, at)
		SELECT '0189a000-0000-7000-8000-000000000000', n + 1, ?, 'run', 'active', '', ?, '员工', 'system', '2026-01-01 00:00:00' FROM `+numbers+` s`, ledgerCounty, ledgerOfficer)
	l.exec("ANALYZE TABLE report_schedules, report_schedule_events, report_deliveries")
}

func TestSchedulesAndDeliveriesAreFoundByAnIndex(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	l.fillSchedules()
	ctx := t.Context()
	const of = domain.ID("0189a000-0000-7000-8000-000000000000")
	for name, scope := range map[string]domain.Scope{"one branch": {BranchID: ledgerTownship}, "several": {BranchID: ledgerHead}} {
		for _, page := range []domain.Page{{Limit: 20}, {Limit: 20, After: "0189a000-0000-7000-8000-000000005000"}} {
			l.wantFewReads("ReportSchedules of "+name, planReadsPerRow*page.Limit, func() error { _, err := l.store.ReportSchedules(ctx, scope, page); return err })
		}
	}
	l.wantFewReads("DueReportSchedules", planReadsOfOne, func() error { _, err := l.store.DueReportSchedules(ctx, ledgerStart, 8); return err })
	l.wantFewReads("UsedReportScheduleSlots", planReadsOfOne, func() error {
		_, err := l.store.UsedReportScheduleSlots(ctx, "0189b000-0000-7000-8000-000000000005")
		return err
	})
	l.wantFewReads("ReportScheduleEvents", planReadsOfOne, func() error { _, err := l.store.ReportScheduleEvents(ctx, of, 5_000, 20); return err })
	l.wantFewReads("ReportDeliveries", planReadsOfOne, func() error {
		_, err := l.store.ReportDeliveries(ctx, of, domain.Page{Limit: 20, After: "0189d000-0000-7000-8000-000000005000"})
		return err
	})
	l.wantFewReads("DueReportDeliveries", planReadsOfOne, func() error { _, err := l.store.DueReportDeliveries(ctx, ledgerStart, 8); return err })
	l.wantFewReads("LockReportDelivery", planReadsOfOne, func() error {
		return l.store.Update(ctx, func(tx origination.Tx) error {
			_, err := tx.LockReportDelivery(ctx, of, "0189d000-0000-7000-8000-000000000007")
			return err
		})
	})
}

func TestTheDatabaseRefusesASecondRunOfADayAndAStatusThatContradictsItself(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	l.fillSchedules()
	for _, c := range []refusal{
		{"uk_report_deliveries_day", "UPDATE report_deliveries SET business_day = '2026-11-23'"},
		{"ck_report_deliveries_status", "UPDATE report_deliveries SET status = 'lost', due_at = NULL"},
		{"ck_report_deliveries_due", "UPDATE report_deliveries SET status = 'failed' WHERE status = 'exporting'"},
		{"ck_report_deliveries_delivered", "UPDATE report_deliveries SET delivered_at = NOW(6)"},
		{"fk_report_deliveries_job", "UPDATE report_deliveries SET job_id = id"},
		{"uk_report_schedules_live_slot", "UPDATE report_schedules SET owner_id = '0189b000-0000-7000-8000-000000000001'"},
		{"ck_report_schedules_next", "UPDATE report_schedules SET next_at = NOW(6)"},
		{"ck_report_schedules_live", "UPDATE report_schedules SET live_slot = NULL"},
		{"fk_report_schedules_branch", "UPDATE report_schedules SET branch_id = '01900000-0000-7000-8000-000000000999'"},
	} {
		if _, err := l.rows.ExecContext(t.Context(), c.statement); err == nil || !strings.Contains(err.Error(), c.constraint) {
			t.Errorf("%s: %v, want a refusal by %s", c.statement, err, c.constraint)
		}
	}
}
