package repository_test

import (
	"strings"
	"testing"
	"time"

	"fumin/domain"
	"fumin/domain/decision"
	"fumin/domain/origination"
)

// fillRuleSets puts in two active sets and two shadow runs of the first, one of which has ended and one has an outcome.
func (l *ledger) fillRuleSets() {
	l.t.Helper()
	rec, _ := l.addSigned(ledgerCounty)
	l.update(func(tx origination.Tx) error { return tx.InsertDecision(l.t.Context(), ledgerDecision(rec)) })
	l.exec("INSERT INTO rule_sets (id, code, number, title, hash, product_code, region_prefix, effective_from, status, made_by, made_at, activated_by, activated_at, revision, definition) VALUES ('01900000-0000-7000-8000-0000000000e1', 'trial', 1, '试验', REPEAT('0', 64), 'QLFMD', '37', '2026-01-01', 'active', ?, '2026-01-01 00:00:00', ?, '2026-01-01 00:00:00', 1, '{}')", ledgerOfficer, ledgerReleaser)
	l.exec("INSERT INTO rule_sets (id, code, number, title, hash, product_code, region_prefix, effective_from, status, made_by, made_at, activated_by, activated_at, revision, definition) SELECT '01900000-0000-7000-8000-0000000000e2', code, 2, title, hash, product_code, region_prefix, '2026-02-01', status, made_by, made_at, activated_by, activated_at, 1, definition FROM rule_sets")
	l.exec("INSERT INTO rule_set_events (rule_set_id, revision, action, actor_id, actor_name, actor_role, at, status, hash, effective_from) SELECT id, 1, 'draft', made_by, '李风险', 'risk_manager', made_at, status, hash, effective_from FROM rule_sets")
	l.exec("INSERT INTO rule_set_shadows (id, rule_set_id, rule_set_hash, branch_id, status, started_at, ended_at, last_error, cursor_at, due_at, attempts, failures) SELECT '01900000-0000-7000-8000-0000000000e3', id, hash, ?, 'running', made_at, NULL, '', made_at, made_at, 0, 0 FROM rule_sets WHERE number = 1", ledgerCounty)
	l.exec("INSERT INTO rule_set_shadows (id, rule_set_id, rule_set_hash, branch_id, status, started_at, ended_at, last_error, cursor_at, due_at, attempts, failures) SELECT '01900000-0000-7000-8000-0000000000e4', id, hash, ?, 'stopped', made_at, made_at, '', made_at, made_at, 0, 0 FROM rule_sets WHERE number = 1", ledgerCounty)
	l.exec("INSERT INTO shadow_events SELECT id, 1, 'start', ?, '李风险', 'risk_manager', started_at, '' FROM rule_set_shadows", ledgerOfficer)
	l.exec("INSERT INTO shadow_outcomes SELECT '01900000-0000-7000-8000-0000000000e3', d.id, a.id, a.application_no, a.branch_id, a.product_code, a.region_code, '371503', d.decided_at, a.amount, 2, 'approve', 'refer', a.amount, 0, 1, '[]' FROM decisions d JOIN applications a ON a.id = d.application_id")
}

func TestTheDatabaseRefusesWrongRuleSetsReplaysAndShadowsByItself(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	l.fillRuleSets()
	for _, c := range []refusal{
		{"ck_rule_sets_status", "UPDATE rule_sets SET status = 'retired'"},
		{"ck_rule_sets_two_people", "UPDATE rule_sets SET activated_by = made_by"},
		{"ck_rule_sets_period", "UPDATE rule_sets SET effective_to = effective_from"},
		{"uk_rule_sets_number", "UPDATE rule_sets SET number = 2"},
		{"uk_rule_sets_active", "UPDATE rule_sets SET effective_from = '2026-02-01'"},
		{"rule_sets.definition", "UPDATE rule_sets SET definition = 'no json'"},
		{"ck_rule_set_events_status", "UPDATE rule_set_events SET status = 'retired'"},
		{"fk_rule_set_events_rule_set", "UPDATE rule_set_events SET rule_set_id = '01900000-0000-7000-8000-000000000999' LIMIT 1"},
		{"fk_rule_set_replays_job", "INSERT INTO rule_set_replays SELECT '01900000-0000-7000-8000-000000000999', id, hash, made_by, '2026-01-01', '2026-01-31', '', '', made_by, '', made_at, NULL, NULL FROM rule_sets LIMIT 1"},
		{"ck_rule_set_replays_period", "INSERT INTO rule_set_replays SELECT '01900000-0000-7000-8000-000000000999', id, hash, made_by, '2026-01-31', '2026-01-01', '', '', made_by, '', made_at, NULL, NULL FROM rule_sets LIMIT 1"},
		{"ck_rule_set_replays_report", "INSERT INTO rule_set_replays SELECT '01900000-0000-7000-8000-000000000999', id, hash, made_by, '2026-01-01', '2026-01-31', '', '', made_by, '', made_at, made_at, NULL FROM rule_sets LIMIT 1"},
		{"ck_rule_set_shadows_status", "UPDATE rule_set_shadows SET status = 'paused'"},
		{"ck_rule_set_shadows_ended", "UPDATE rule_set_shadows SET ended_at = started_at WHERE status = 'running'"},
		{"ck_rule_set_shadows_ended", "UPDATE rule_set_shadows SET status = 'failed' WHERE status = 'running'"},
		{"uk_rule_set_shadows_running", "UPDATE rule_set_shadows SET status = 'running', ended_at = NULL"},
		{"fk_rule_set_shadows_rule_set", "UPDATE rule_set_shadows SET rule_set_id = '01900000-0000-7000-8000-000000000999' LIMIT 1"},
		{"ck_shadow_events_action", "UPDATE shadow_events SET action = 'pause'"},
		{"fk_shadow_events_shadow", "UPDATE shadow_events SET shadow_id = '01900000-0000-7000-8000-000000000999' LIMIT 1"},
		{"ck_shadow_outcomes_results", "UPDATE shadow_outcomes SET live_result = 'perhaps'"},
		{"ck_shadow_outcomes_results", "UPDATE shadow_outcomes SET shadow_result = 'perhaps'"},
		{"ck_shadow_outcomes_moved", "UPDATE shadow_outcomes SET moved = 0"},
		{"ck_shadow_outcomes_moved", "UPDATE shadow_outcomes SET shadow_result = live_result"},
		{"ck_shadow_outcomes_amounts", "UPDATE shadow_outcomes SET shadow_amount = -0.01"},
		{"fk_shadow_outcomes_shadow", "UPDATE shadow_outcomes SET shadow_id = '01900000-0000-7000-8000-000000000999'"},
		{"fk_shadow_outcomes_decision", "UPDATE shadow_outcomes SET decision_id = '01900000-0000-7000-8000-000000000999'"},
	} {
		if _, err := l.rows.ExecContext(t.Context(), c.statement); err == nil || !strings.Contains(err.Error(), c.constraint) {
			t.Errorf("%s: %v, want a refusal by %s", c.statement, err, c.constraint)
		}
	}
}

func TestRuleSetsShadowsAndPastDecisionsAreReadByAnIndex(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	l.fillRuleSets()
	l.fillDigits()
	// Ten thousand ended runs and outcomes, and two thousand sets of other regions.
	l.exec("INSERT INTO rule_sets (id, code, number, title, hash, product_code, region_prefix, effective_from, status, made_by, made_at, activated_by, activated_at, revision, definition) SELECT CONCAT('0189b000-0000-7000-8000-', LPAD(LOWER(HEX(n)), 12, '0')), CONCAT('family-', n), 1, title, hash, product_code, LPAD(1000 + n, 4, '0'), effective_from, status, made_by, made_at, activated_by, activated_at, 1, definition FROM " + numbers + " s JOIN (SELECT * FROM rule_sets WHERE code = 'trial' LIMIT 1) v WHERE n < 2000")
	l.exec("INSERT INTO rule_set_shadows (id, rule_set_id, rule_set_hash, branch_id, status, started_at, ended_at, last_error, cursor_at, due_at, attempts, failures) SELECT CONCAT('0189a000-0000-7000-8000-', LPAD(LOWER(HEX(n)), 12, '0')), CONCAT('0189b000-0000-7000-8000-', LPAD(LOWER(HEX(n % 2000)), 12, '0')), rule_set_hash, branch_id, 'stopped', started_at, started_at, '', cursor_at, due_at, 1, 0 FROM "+numbers+" s JOIN (SELECT * FROM rule_set_shadows LIMIT 1) v WHERE n < ?", planRows)
	l.exec("INSERT INTO shadow_outcomes SELECT CONCAT('0189a000-0000-7000-8000-', LPAD(LOWER(HEX(n)), 12, '0')), decision_id, application_id, application_no, branch_id, product_code, region_code, county, decided_at, asked_amount, amount_band, live_result, shadow_result, live_amount, shadow_amount, moved, reasons FROM "+numbers+" s JOIN (SELECT * FROM shadow_outcomes LIMIT 1) v WHERE n < ?", planRows)
	l.exec("ANALYZE TABLE rule_sets, rule_set_events, rule_set_shadows, shadow_outcomes, decisions, applications")
	ctx, connection := t.Context(), l.likeTheStores()
	set, shadow := domain.ID("01900000-0000-7000-8000-0000000000e1"), domain.ID("01900000-0000-7000-8000-0000000000e3")
	later := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, run := range map[string]func() error{
		"RuleSetsFor": func() error { _, err := l.store.RuleSetsFor(ctx, "QLFMD", "371503901201"); return err },
		"RuleSets": func() error {
			_, err := l.store.RuleSets(ctx, origination.RuleSetFilter{Code: "trial"}, domain.Page{Limit: 50})
			return err
		},
		"a status": func() error {
			_, err := l.store.RuleSets(ctx, origination.RuleSetFilter{Status: decision.RuleSetDraft}, domain.Page{Limit: 50})
			return err
		},
		"RuleSetEvents": func() error { _, err := l.store.RuleSetEvents(ctx, set); return err },
		"Replays":       func() error { _, err := l.store.Replays(ctx, ledgerEverything, set); return err },
		"LatestShadow":  func() error { _, err := l.store.LatestShadow(ctx, set); return err },
		"DueShadows":    func() error { _, err := l.store.DueShadows(ctx, later, 10); return err },
		"CountRunning":  func() error { _, err := l.store.CountRunningShadows(ctx); return err },
		"ShadowCounts":  func() error { _, err := l.store.ShadowCounts(ctx, ledgerEverything, shadow); return err },
		"ShadowMoved":   func() error { _, err := l.store.ShadowMoved(ctx, ledgerEverything, shadow, 200); return err },
	} {
		for _, statement := range l.capture(run) {
			if read := rowsRead(t, connection, statement); read > 200 {
				t.Errorf("%s reads %d rows, want at most 200 (%v):\n%s", name, read, explain(t, connection, statement), statement)
			}
		}
	}
}
