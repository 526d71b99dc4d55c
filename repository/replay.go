package repository

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/shopspring/decimal"
	"gorm.io/gorm"

	"fumin/domain"
	"fumin/domain/decision"
	"fumin/domain/money"
	"fumin/domain/origination"
)

type pastDecisionRow struct {
	ID            domain.ID
	ApplicationID domain.ID
	ApplicationNo string
	BranchID      domain.ID
	ProductCode   string
	RegionCode    string
	DecidedAt     time.Time
	RulesResult   string
	RulesAmount   decimal.Decimal
	FactsCipher   []byte
}

// pastDecisions is the query over decisions with the applications they are about, which say product, region and scope.
func (r reader) pastDecisions(ctx context.Context, scope domain.Scope, f origination.PastFilter) *gorm.DB {
	query := inScope(r.db.WithContext(ctx).Table("decisions").Joins("JOIN applications ON applications.id = decisions.application_id"), "applications", scope).
		Where("decisions.decided_at >= ? AND decisions.decided_at < ?", f.From, f.Until)
	if f.ProductCode != "" {
		query = query.Where("applications.product_code = ?", f.ProductCode)
	}
	if f.RegionPrefix != "" {
		query = query.Where("applications.region_code LIKE ?", f.RegionPrefix+"%") // digits only: nothing to escape
	}
	return query
}

// PastDecisions implements origination.RuleSetReader.
func (r reader) PastDecisions(ctx context.Context, scope domain.Scope, f origination.PastFilter, after origination.PastKey, limit int) ([]origination.PastDecision, error) {
	if !after.ID.IsZero() {
		f.From = after.DecidedAt
	}
	query := r.pastDecisions(ctx, scope, f)
	if !after.ID.IsZero() {
		query = query.Where("(decisions.decided_at > ? OR decisions.id > ?)", after.DecidedAt, after.ID)
	}
	var rows []pastDecisionRow
	err := query.Select("decisions.id, decisions.application_id, applications.application_no, applications.branch_id, applications.product_code, applications.region_code, decisions.decided_at, decisions.rules_result, decisions.rules_amount, decisions.facts_cipher").
		Order("decisions.decided_at, decisions.id").Limit(limit).Find(&rows).Error
	if err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, r.pastDecisionFromRow)
}

func (r reader) pastDecisionFromRow(row pastDecisionRow) (origination.PastDecision, error) {
	amount, err := money.AmountFromDecimal(row.RulesAmount)
	if err != nil {
		return origination.PastDecision{}, fmt.Errorf("decision %s: amount: %w", row.ID, err)
	}
	return origination.PastDecision{
		ID: row.ID, ApplicationID: row.ApplicationID, ApplicationNo: row.ApplicationNo, BranchID: row.BranchID, ProductCode: row.ProductCode, RegionCode: row.RegionCode,
		DecidedAt: row.DecidedAt.UTC(), Result: decision.Result(row.RulesResult), Amount: amount,
		Facts: func() (decision.Facts, error) { return r.openFacts(row.ID, row.FactsCipher) },
	}, nil
}

// openFacts opens the sealed facts of a decision.
func (r reader) openFacts(id domain.ID, sealed []byte) (decision.Facts, error) {
	text, err := r.cipher.open(decisionFactsColumn, id, sealed)
	if err != nil {
		return decision.Facts{}, err
	}
	var snapshot map[string]*string
	if err := json.Unmarshal([]byte(text), &snapshot); err != nil {
		return decision.Facts{}, fmt.Errorf("decision %s: facts: %w", id, err)
	}
	facts, err := decision.FactsFromSnapshot(snapshot)
	if err != nil {
		return decision.Facts{}, fmt.Errorf("decision %s: facts: %w", id, err)
	}
	return facts, nil
}

// CountPastDecisions implements origination.RuleSetReader.
func (r reader) CountPastDecisions(ctx context.Context, scope domain.Scope, f origination.PastFilter) (n int64, err error) {
	err = r.pastDecisions(ctx, scope, f).Count(&n).Error
	return n, translateRead(ctx, err)
}

type replayRow struct {
	ID              domain.ID `gorm:"primaryKey"`
	RuleSetID       domain.ID
	RuleSetHash     string
	BranchID        domain.ID
	FromDay         dateColumn
	ToDay           dateColumn
	ProductCode     string
	RegionPrefix    string
	RequestedBy     domain.ID
	RequestedByName string
	RequestedAt     time.Time
	FinishedAt      timeColumn
	Report          []byte
}

func (replayRow) TableName() string { return "rule_set_replays" }

func replayFromRow(row replayRow) (origination.Replay, error) {
	replay := origination.Replay{
		ID: row.ID, RuleSetID: row.RuleSetID, RuleSetHash: row.RuleSetHash, BranchID: row.BranchID,
		Filter:      origination.ReplayFilter{From: row.FromDay.Date, To: row.ToDay.Date, ProductCode: row.ProductCode, RegionPrefix: row.RegionPrefix},
		RequestedBy: row.RequestedBy, RequestedByName: row.RequestedByName, RequestedAt: row.RequestedAt.UTC(),
	}
	if len(row.Report) == 0 {
		return replay, nil
	}
	replay.Report = &origination.ReplayReport{}
	if err := json.Unmarshal(row.Report, replay.Report); err != nil {
		return origination.Replay{}, fmt.Errorf("replay %s: report: %w", row.ID, err)
	}
	return replay, nil
}

// InsertReplay implements origination.RuleSetWriter.
func (t *tx) InsertReplay(ctx context.Context, r origination.Replay) error {
	return t.db.WithContext(ctx).Create(&replayRow{
		ID: r.ID, RuleSetID: r.RuleSetID, RuleSetHash: r.RuleSetHash, BranchID: r.BranchID,
		FromDay: dateColumn{r.Filter.From}, ToDay: dateColumn{r.Filter.To}, ProductCode: r.Filter.ProductCode, RegionPrefix: r.Filter.RegionPrefix,
		RequestedBy: r.RequestedBy, RequestedByName: r.RequestedByName, RequestedAt: r.RequestedAt,
	}).Error
}

// SaveReplayReport implements origination.RuleSetWriter.
func (t *tx) SaveReplayReport(ctx context.Context, id domain.ID, report origination.ReplayReport, at time.Time) error {
	text, err := json.Marshal(report)
	if err != nil {
		return fmt.Errorf("replay %s: report: %w", id, err)
	}
	return t.db.WithContext(ctx).Model(&replayRow{}).Where("id = ?", id).
		Updates(map[string]any{"report": string(text), "finished_at": at}).Error
}

// Replay implements origination.RuleSetReader.
func (r reader) Replay(ctx context.Context, scope domain.Scope, ruleSetID, id domain.ID) (origination.Replay, error) {
	var row replayRow
	err := inScopeOf(r.db.WithContext(ctx), "rule_set_replays.branch_id", "", scope).
		Where("rule_set_replays.id = ? AND rule_set_replays.rule_set_id = ?", id, ruleSetID).Take(&row).Error
	if isNotFound(err) {
		return origination.Replay{}, domain.Errorf(domain.KindNotFound, "replay-not-found", "没有这次回放，或不在您的机构范围内")
	}
	if err != nil {
		return origination.Replay{}, translateRead(ctx, err)
	}
	replays, err := r.withJobs(ctx, []replayRow{row})
	if err != nil {
		return origination.Replay{}, err
	}
	return replays[0], nil
}

// Replays implements origination.RuleSetReader.
func (r reader) Replays(ctx context.Context, scope domain.Scope, ruleSetID domain.ID) ([]origination.Replay, error) {
	var rows []replayRow
	err := inScopeOf(r.db.WithContext(ctx), "rule_set_replays.branch_id", "", scope).Omit("report").
		Where("rule_set_replays.rule_set_id = ?", ruleSetID).Order("rule_set_replays.id DESC").Limit(origination.ReplaysShown).Find(&rows).Error
	if err != nil {
		return nil, translateRead(ctx, err)
	}
	return r.withJobs(ctx, rows)
}

// withJobs completes replays by one more query.
func (r reader) withJobs(ctx context.Context, rows []replayRow) ([]origination.Replay, error) {
	replays, err := mapRows(rows, replayFromRow)
	if err != nil || len(replays) == 0 {
		return nil, err
	}
	ids := make([]domain.ID, len(replays))
	for i, replay := range replays {
		ids[i] = replay.ID
	}
	jobs, err := r.findJobs(ctx, r.db.WithContext(ctx).Where("id IN ?", ids).Limit(len(ids)))
	if err != nil {
		return nil, err
	}
	byID := make(map[domain.ID]origination.Job, len(jobs))
	for _, job := range jobs {
		byID[job.ID] = job
	}
	for i := range replays {
		replays[i].Job = byID[replays[i].ID]
	}
	return replays, nil
}
