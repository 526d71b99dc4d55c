package repository

import (
	"context"
	"fmt"
	"time"

	"github.com/shopspring/decimal"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"fumin/domain"
	"fumin/domain/decision"
	"fumin/domain/money"
	"fumin/domain/origination"
)

type shadowRow struct {
	ID          domain.ID `gorm:"primaryKey"`
	RuleSetID   domain.ID
	RuleSetHash string
	BranchID    domain.ID
	Status      string
	StartedAt   time.Time
	EndedAt     timeColumn
	LastError   string
	CursorAt    time.Time
	CursorID    idColumn
	LeaseOwner  idColumn
	DueAt       time.Time
	Attempts    int
	Failures    int
}

func (shadowRow) TableName() string { return "rule_set_shadows" }

func shadowFromRow(row shadowRow) origination.Shadow {
	return origination.Shadow{
		ID: row.ID, RuleSetID: row.RuleSetID, RuleSetHash: row.RuleSetHash, BranchID: row.BranchID, Status: origination.ShadowStatus(row.Status),
		StartedAt: row.StartedAt.UTC(), EndedAt: row.EndedAt.Time, LastError: row.LastError,
		Cursor:     origination.PastKey{DecidedAt: row.CursorAt.UTC(), ID: row.CursorID.ID},
		LeaseOwner: row.LeaseOwner.ID, DueAt: row.DueAt.UTC(), Attempts: row.Attempts, Failures: row.Failures,
	}
}

type shadowEventRow struct {
	ShadowID  domain.ID `gorm:"primaryKey"`
	Number    int       `gorm:"primaryKey;autoIncrement:false"`
	Action    string
	ActorID   domain.ID
	ActorName string
	ActorRole string
	At        time.Time
	Detail    string
}

func (shadowEventRow) TableName() string { return "shadow_events" }

type shadowOutcomeRow struct {
	ShadowID      domain.ID `gorm:"primaryKey"`
	DecisionID    domain.ID `gorm:"primaryKey"`
	ApplicationID domain.ID
	ApplicationNo string
	BranchID      domain.ID
	ProductCode   string
	RegionCode    string
	County        string
	DecidedAt     time.Time
	AskedAmount   decimal.Decimal
	AmountBand    int
	LiveResult    string
	ShadowResult  *string
	LiveAmount    decimal.Decimal
	ShadowAmount  decimal.Decimal
	Moved         bool
	Reasons       jsonColumn[[]string]
}

func (shadowOutcomeRow) TableName() string { return "shadow_outcomes" }

var errShadowNotFound = domain.Errorf(domain.KindNotFound, "shadow-not-found", "该规则集没有影子运行")

// LatestShadow implements origination.ShadowReader.
func (r reader) LatestShadow(ctx context.Context, ruleSetID domain.ID) (origination.Shadow, error) {
	return r.shadow(ctx, r.db.WithContext(ctx).Where("rule_set_id = ?", ruleSetID).Order("id DESC").Limit(1))
}

// Shadow implements origination.ShadowReader.
func (r reader) Shadow(ctx context.Context, id domain.ID) (origination.Shadow, error) {
	return r.shadow(ctx, r.db.WithContext(ctx).Where("id = ?", id))
}

func (r reader) shadow(ctx context.Context, query *gorm.DB) (origination.Shadow, error) {
	var row shadowRow
	err := query.Take(&row).Error
	if isNotFound(err) {
		return origination.Shadow{}, errShadowNotFound
	}
	if err != nil {
		return origination.Shadow{}, translateRead(ctx, err)
	}
	var events []shadowEventRow
	if err := r.db.WithContext(ctx).Where("shadow_id = ?", row.ID).Order("number").Limit(shadowEventsMax).Find(&events).Error; err != nil {
		return origination.Shadow{}, translateRead(ctx, err)
	}
	s := shadowFromRow(row)
	s.Events = convert(events, func(e shadowEventRow) origination.ShadowEvent {
		return origination.ShadowEvent{
			ShadowID: e.ShadowID, Number: e.Number, Action: origination.ShadowAction(e.Action), At: e.At.UTC(), Detail: e.Detail,
			Actor: domain.Actor{ID: e.ActorID, Name: e.ActorName, Role: domain.Role(e.ActorRole)},
		}
	})
	return s, nil
}

// shadowEventsMax is more than a run has: it starts once and ends once.
const shadowEventsMax = 10

// DueShadows implements origination.ShadowReader.
func (r reader) DueShadows(ctx context.Context, at time.Time, limit int) ([]origination.Shadow, error) {
	var rows []shadowRow
	err := r.db.WithContext(ctx).Where("status = ? AND due_at <= ?", string(origination.ShadowRunning), at).Order("due_at").Limit(limit).Find(&rows).Error
	if err != nil {
		return nil, translateRead(ctx, err)
	}
	return convert(rows, shadowFromRow), nil
}

// CountRunningShadows implements origination.ShadowReader.
func (r reader) CountRunningShadows(ctx context.Context) (int, error) {
	var n int64
	err := r.db.WithContext(ctx).Model(&shadowRow{}).Where("status = ?", string(origination.ShadowRunning)).Count(&n).Error
	return int(n), translateRead(ctx, err)
}

type shadowCountRow struct {
	County        string
	ProductCode   string
	AmountBand    int
	LiveResult    string
	ShadowResult  *string
	Cases         int
	LiveAmounts   decimal.Decimal
	ShadowAmounts decimal.Decimal
}

// ShadowCounts implements origination.ShadowReader. The key begins with the shadow, so the query reads its outcomes and no other's.
func (r reader) ShadowCounts(ctx context.Context, scope domain.Scope, id domain.ID) ([]origination.ShadowCount, error) {
	var rows []shadowCountRow
	err := inScopeOf(r.db.WithContext(ctx).Table("shadow_outcomes"), "shadow_outcomes.branch_id", "", scope).
		Select("county, product_code, amount_band, live_result, shadow_result, COUNT(*) AS cases, SUM(live_amount) AS live_amounts, SUM(shadow_amount) AS shadow_amounts").
		Where("shadow_id = ?", id).Group("county, product_code, amount_band, live_result, shadow_result").
		Order("county, product_code, amount_band").Limit(origination.ShadowGroupsMax).Find(&rows).Error
	if err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, func(row shadowCountRow) (c origination.ShadowCount, err error) {
		c = origination.ShadowCount{
			County: row.County, ProductCode: row.ProductCode, Band: row.AmountBand, From: decision.Result(row.LiveResult), Cases: row.Cases,
		}
		if row.ShadowResult != nil {
			c.Judged, c.To = true, decision.Result(*row.ShadowResult)
		}
		if c.Before, err = money.AmountFromDecimal(row.LiveAmounts); err != nil {
			return c, fmt.Errorf("shadow %s: %w", id, err)
		}
		if c.After, err = money.AmountFromDecimal(row.ShadowAmounts); err != nil {
			return c, fmt.Errorf("shadow %s: %w", id, err)
		}
		return c, nil
	})
}

// ShadowMoved implements origination.ShadowReader.
func (r reader) ShadowMoved(ctx context.Context, scope domain.Scope, id domain.ID, limit int) ([]origination.MovedCase, error) {
	var rows []shadowOutcomeRow
	err := inScopeOf(r.db.WithContext(ctx), "shadow_outcomes.branch_id", "", scope).
		Where("shadow_id = ? AND moved = 1", id).Order("decision_id").Limit(limit).Find(&rows).Error
	if err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, func(row shadowOutcomeRow) (origination.MovedCase, error) {
		asked, err := money.AmountFromDecimal(row.AskedAmount)
		m := origination.MovedCase{
			ApplicationID: row.ApplicationID, ApplicationNo: row.ApplicationNo, ProductCode: row.ProductCode, RegionCode: row.RegionCode,
			DecidedOn: domain.DateOf(row.DecidedAt.UTC()), Amount: asked, From: decision.Result(row.LiveResult), Reasons: row.Reasons.Content,
		}
		if row.ShadowResult != nil {
			m.To = decision.Result(*row.ShadowResult)
		}
		return m, err
	})
}

// InsertShadow implements origination.ShadowWriter.
func (t *tx) InsertShadow(ctx context.Context, s origination.Shadow, event origination.ShadowEvent) error {
	err := t.db.WithContext(ctx).Create(&shadowRow{
		ID: s.ID, RuleSetID: s.RuleSetID, RuleSetHash: s.RuleSetHash, BranchID: s.BranchID, Status: string(s.Status), StartedAt: s.StartedAt,
		EndedAt: timeColumn{s.EndedAt}, LastError: s.LastError, CursorAt: s.Cursor.DecidedAt, CursorID: idColumn{s.Cursor.ID},
		LeaseOwner: idColumn{s.LeaseOwner}, DueAt: s.DueAt, Attempts: s.Attempts, Failures: s.Failures,
	}).Error
	if isDuplicate(err, "uk_rule_set_shadows_running") {
		return domain.Errorf(domain.KindConflict, "shadow-running", "该规则集正在影子运行，请先停止")
	}
	if err != nil {
		return err
	}
	return t.InsertShadowEvent(ctx, event)
}

// InsertShadowEvent implements origination.ShadowWriter.
func (t *tx) InsertShadowEvent(ctx context.Context, e origination.ShadowEvent) error {
	return t.db.WithContext(ctx).Create(&shadowEventRow{
		ShadowID: e.ShadowID, Number: e.Number, Action: string(e.Action), ActorID: e.Actor.ID, ActorName: e.Actor.Name, ActorRole: string(e.Actor.Role),
		At: e.At, Detail: e.Detail,
	}).Error
}

// LockShadow implements origination.ShadowWriter.
func (t *tx) LockShadow(ctx context.Context, id domain.ID) (origination.Shadow, error) {
	return t.shadow(ctx, t.db.WithContext(ctx).Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ?", id))
}

// ClaimShadow implements origination.ShadowWriter.
func (t *tx) ClaimShadow(ctx context.Context, c origination.ShadowClaim) (claimed bool, err error) {
	due, err := t.lockDue(ctx, "rule_set_shadows", "attempts", c.ID, c.Attempts, c.At)
	if err != nil || !due {
		return false, err
	}
	result := t.db.WithContext(ctx).Model(&shadowRow{}).Where("id = ? AND status = ?", c.ID, string(origination.ShadowRunning)).
		Updates(map[string]any{"lease_owner": c.Owner, "due_at": c.Until, "attempts": c.Attempts + 1})
	return result.RowsAffected == 1, result.Error
}

// SaveShadow implements origination.ShadowWriter.
func (t *tx) SaveShadow(ctx context.Context, s origination.Shadow) (saved bool, err error) {
	result := t.db.WithContext(ctx).Model(&shadowRow{}).
		Where("id = ? AND attempts = ? AND status = ?", s.ID, s.Attempts, string(origination.ShadowRunning)).
		Updates(map[string]any{
			"status": string(s.Status), "ended_at": timeColumn{s.EndedAt}, "last_error": s.LastError,
			"cursor_at": s.Cursor.DecidedAt, "cursor_id": idColumn{s.Cursor.ID}, "lease_owner": idColumn{s.LeaseOwner},
			"due_at": s.DueAt, "failures": s.Failures,
		})
	return result.RowsAffected == 1, result.Error
}

// shadowBatch is how many outcomes one statement inserts.
const shadowBatch = 100

// InsertShadowOutcomes implements origination.ShadowWriter.
func (t *tx) InsertShadowOutcomes(ctx context.Context, id domain.ID, outcomes []origination.ShadowOutcome) error {
	if len(outcomes) == 0 {
		return nil
	}
	rows := convert(outcomes, func(o origination.ShadowOutcome) shadowOutcomeRow {
		row := shadowOutcomeRow{
			ShadowID: id, DecisionID: o.Decision.ID, ApplicationID: o.Decision.ApplicationID, ApplicationNo: o.Decision.ApplicationNo,
			BranchID: o.Decision.BranchID, ProductCode: o.Decision.ProductCode, RegionCode: o.Decision.RegionCode, County: o.County(),
			DecidedAt: o.Decision.DecidedAt, AskedAmount: o.Asked.Decimal(), AmountBand: o.Band(), LiveResult: string(o.Decision.Result),
			ShadowAmount: o.Amount.Decimal(), Reasons: jsonColumn[[]string]{o.Reasons},
		}
		if o.Decision.Result == decision.Approve {
			row.LiveAmount = o.Decision.Amount.Decimal()
		}
		if o.Judged {
			result := string(o.Result)
			row.ShadowResult, row.Moved = &result, o.Result != o.Decision.Result
		}
		return row
	})
	return t.db.WithContext(ctx).CreateInBatches(rows, shadowBatch).Error
}
