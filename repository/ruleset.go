package repository

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"fumin/domain"
	"fumin/domain/decision"
	"fumin/domain/origination"
)

type ruleSetRow struct {
	ID            domain.ID `gorm:"primaryKey"`
	Code          string
	Number        int
	Title         string
	Hash          string
	ProductCode   string
	RegionPrefix  string
	EffectiveFrom dateColumn
	EffectiveTo   dateColumn
	Status        string
	MadeBy        domain.ID
	MadeAt        time.Time
	ActivatedBy   idColumn
	ActivatedAt   timeColumn
	Revision      int
	Definition    jsonColumn[json.RawMessage]
}

func (ruleSetRow) TableName() string { return "rule_sets" }

// ruleSetHeadColumns is everything but the definition, which may have a quarter of a megabyte.
var ruleSetHeadColumns = []string{
	"id", "code", "number", "title", "hash", "product_code", "region_prefix", "effective_from", "effective_to", "status",
	"made_by", "made_at", "activated_by", "activated_at", "revision",
}

func ruleSetToRow(v decision.RuleSetVersion) ruleSetRow {
	return ruleSetRow{
		ID: v.ID, Code: v.Code, Number: v.Number, Title: v.Title, Hash: v.Hash, ProductCode: v.Product, RegionPrefix: v.RegionPrefix,
		EffectiveFrom: dateColumn{v.EffectiveFrom}, EffectiveTo: dateColumn{v.EffectiveTo}, Status: string(v.Status),
		MadeBy: v.MadeBy, MadeAt: v.MadeAt, ActivatedBy: idColumn{v.ActivatedBy}, ActivatedAt: timeColumn{v.ActivatedAt},
		Revision: v.Revision, Definition: jsonColumn[json.RawMessage]{v.Definition.Canonical()},
	}
}

func ruleSetHeadFromRow(row ruleSetRow) (decision.RuleSetHead, error) {
	h := decision.RuleSetHead{
		ID: row.ID, Code: row.Code, Number: row.Number, Title: row.Title, Hash: row.Hash, Product: row.ProductCode, RegionPrefix: row.RegionPrefix,
		EffectiveFrom: row.EffectiveFrom.Date, EffectiveTo: row.EffectiveTo.Date, Status: decision.RuleSetStatus(row.Status),
		MadeBy: row.MadeBy, MadeAt: row.MadeAt.UTC(), ActivatedBy: row.ActivatedBy.ID, ActivatedAt: row.ActivatedAt.Time, Revision: row.Revision,
	}
	if !h.Status.Valid() || !decision.ValidRegionScope(h.RegionPrefix) {
		return decision.RuleSetHead{}, fmt.Errorf("rule set %s: status %q, region %q", row.ID, row.Status, row.RegionPrefix)
	}
	return h, nil
}

// ruleSetFromRow reads a whole version. The hash is looked at: rules that were changed beside this program judge nobody.
func ruleSetFromRow(row ruleSetRow) (decision.RuleSetVersion, error) {
	head, err := ruleSetHeadFromRow(row)
	if err != nil {
		return decision.RuleSetVersion{}, err
	}
	definition, err := decision.ParseDefinition(row.Definition.Content)
	if err != nil {
		return decision.RuleSetVersion{}, fmt.Errorf("rule set %s: definition: %w", row.ID, errors.New(err.Error())) // not a refusal of the caller's input
	}
	if got := definition.Hash(); got != head.Hash {
		return decision.RuleSetVersion{}, fmt.Errorf("rule set %s: its rules have the hash %s, its row says %s", row.ID, got, head.Hash)
	}
	return decision.RuleSetVersion{RuleSetHead: head, Definition: definition}, nil
}

// RuleSet implements origination.RuleSetReader.
func (r reader) RuleSet(ctx context.Context, id domain.ID) (decision.RuleSetVersion, error) {
	return r.ruleSet(ctx, r.db, id)
}

func (r reader) ruleSet(ctx context.Context, db *gorm.DB, id domain.ID) (decision.RuleSetVersion, error) {
	var row ruleSetRow
	err := db.WithContext(ctx).Where("id = ?", id).Take(&row).Error
	if isNotFound(err) {
		return decision.RuleSetVersion{}, domain.Errorf(domain.KindNotFound, "rule-set-not-found", "没有这个规则集")
	}
	if err != nil {
		return decision.RuleSetVersion{}, translateRead(ctx, err)
	}
	return ruleSetFromRow(row)
}

// RuleSets implements origination.RuleSetReader.
func (r reader) RuleSets(ctx context.Context, f origination.RuleSetFilter, page domain.Page) ([]decision.RuleSetHead, error) {
	query := r.db.WithContext(ctx).Select(ruleSetHeadColumns)
	if f.Status != "" {
		query = query.Where("status = ?", string(f.Status))
	}
	if f.Code != "" {
		query = query.Where("code = ?", f.Code)
	}
	if !page.After.IsZero() {
		query = query.Where("id < ?", page.After)
	}
	return findRuleSets(ctx, query.Order("id DESC").Limit(page.Limit))
}

// RuleSetsFor implements origination.RuleSetReader: the region's own prefixes are named one by one, so the index is used.
func (r reader) RuleSetsFor(ctx context.Context, productCode, region string) ([]decision.RuleSetHead, error) {
	prefixes := []string{""}
	for _, n := range regionPrefixLengths {
		if n <= len(region) {
			prefixes = append(prefixes, region[:n])
		}
	}
	return findRuleSets(ctx, r.db.WithContext(ctx).Select(ruleSetHeadColumns).
		Where("product_code IN ? AND region_prefix IN ? AND active_from IS NOT NULL", []string{"", productCode}, prefixes).
		Limit(2*len(prefixes)*origination.RuleSetsPerScopeMax))
}

func findRuleSets(ctx context.Context, query *gorm.DB) ([]decision.RuleSetHead, error) {
	var rows []ruleSetRow
	if err := query.Find(&rows).Error; err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, ruleSetHeadFromRow)
}

// LastRuleSetNumber implements origination.RuleSetReader.
func (r reader) LastRuleSetNumber(ctx context.Context, code string) (int, error) {
	var numbers []int
	err := r.db.WithContext(ctx).Table("rule_sets").Where("code = ?", code).Order("number DESC").Limit(1).Pluck("number", &numbers).Error
	if err != nil || len(numbers) == 0 {
		return 0, translateRead(ctx, err)
	}
	return numbers[0], nil
}

// LockRuleSet implements origination.RuleSetWriter.
func (t *tx) LockRuleSet(ctx context.Context, id domain.ID) (decision.RuleSetVersion, error) {
	return t.ruleSet(ctx, t.db.Clauses(clause.Locking{Strength: "UPDATE"}), id)
}

// LockRuleSetScope implements origination.RuleSetWriter. The rows are locked in the order of the index, which is the same for
// everybody.
func (t *tx) LockRuleSetScope(ctx context.Context, productCode, regionPrefix string) ([]decision.RuleSetHead, error) {
	return findRuleSets(ctx, t.db.WithContext(ctx).Clauses(clause.Locking{Strength: "UPDATE"}).Select(ruleSetHeadColumns).
		Where("product_code = ? AND region_prefix = ?", productCode, regionPrefix).Order("active_from").Limit(origination.RuleSetsPerScopeMax))
}

// InsertRuleSet implements origination.RuleSetWriter.
func (t *tx) InsertRuleSet(ctx context.Context, v decision.RuleSetVersion) (inserted bool, err error) {
	row := ruleSetToRow(v)
	err = t.db.WithContext(ctx).Create(&row).Error
	switch {
	case isDuplicate(err, "uk_rule_sets_number"):
		return false, errStaleVersion()
	case isDuplicate(err, "uk_rule_sets_active"):
		return false, errRuleSetConflict(v.RuleSetHead)
	}
	return insertedUnlessThere(err)
}

func errRuleSetConflict(h decision.RuleSetHead) error {
	return domain.Errorf(domain.KindConflict, "rule-set-conflict", "%s 起该范围已有规则集启用，请另选生效日期", h.EffectiveFrom)
}

// SaveRuleSet implements origination.RuleSetWriter. What is in use is not among the rows it finds.
func (t *tx) SaveRuleSet(ctx context.Context, v decision.RuleSetVersion, event origination.RuleSetEvent) error {
	row := ruleSetToRow(v)
	result := t.db.WithContext(ctx).Model(&ruleSetRow{}).Where("id = ? AND revision = ? AND status <> ?", v.ID, v.Revision-1, string(decision.RuleSetActive)).
		Select("*").Omit("id", "code", "number").Updates(row)
	return t.ruleSetSaved(ctx, result, v.RuleSetHead, event)
}

// CloseRuleSet implements origination.RuleSetWriter.
func (t *tx) CloseRuleSet(ctx context.Context, h decision.RuleSetHead, event origination.RuleSetEvent) error {
	result := t.db.WithContext(ctx).Model(&ruleSetRow{}).Where("id = ? AND revision = ?", h.ID, h.Revision-1).
		Updates(map[string]any{"effective_to": dateColumn{h.EffectiveTo}, "revision": h.Revision})
	return t.ruleSetSaved(ctx, result, h, event)
}

func (t *tx) ruleSetSaved(ctx context.Context, result *gorm.DB, h decision.RuleSetHead, event origination.RuleSetEvent) error {
	switch {
	case isDuplicate(result.Error, "uk_rule_sets_active"):
		return errRuleSetConflict(h)
	case result.Error != nil:
		return result.Error
	case result.RowsAffected != 1:
		return errStaleVersion()
	}
	return t.InsertRuleSetEvent(ctx, event)
}

type ruleSetEventRow struct {
	RuleSetID     domain.ID `gorm:"primaryKey"`
	Revision      int       `gorm:"primaryKey;autoIncrement:false"`
	Action        string
	ActorID       domain.ID
	ActorName     string
	ActorRole     string
	At            time.Time
	Status        string
	Hash          string
	EffectiveFrom dateColumn
	EffectiveTo   dateColumn
}

func (ruleSetEventRow) TableName() string { return "rule_set_events" }

// InsertRuleSetEvent implements origination.RuleSetWriter.
func (t *tx) InsertRuleSetEvent(ctx context.Context, e origination.RuleSetEvent) error {
	err := t.db.WithContext(ctx).Create(&ruleSetEventRow{
		RuleSetID: e.RuleSetID, Revision: e.Revision, Action: string(e.Action), ActorID: e.ActorID, ActorName: e.ActorName, ActorRole: string(e.ActorRole),
		At: e.At, Status: string(e.Status), Hash: e.Hash, EffectiveFrom: dateColumn{e.From}, EffectiveTo: dateColumn{e.To},
	}).Error
	if isDuplicate(err, "PRIMARY") {
		return errStaleVersion()
	}
	return err
}

// RuleSetEvents implements origination.RuleSetReader.
func (r reader) RuleSetEvents(ctx context.Context, id domain.ID) ([]origination.RuleSetEvent, error) {
	var rows []ruleSetEventRow
	err := r.db.WithContext(ctx).Where("rule_set_id = ?", id).Order("revision").Limit(origination.RuleSetEventsMax).Find(&rows).Error
	if err != nil {
		return nil, translateRead(ctx, err)
	}
	return convert(rows, func(row ruleSetEventRow) origination.RuleSetEvent {
		return origination.RuleSetEvent{
			RuleSetID: row.RuleSetID, Revision: row.Revision, Action: origination.RuleSetAction(row.Action),
			ActorID: row.ActorID, ActorName: row.ActorName, ActorRole: domain.Role(row.ActorRole), At: row.At.UTC(),
			Status: decision.RuleSetStatus(row.Status), Hash: row.Hash, From: row.EffectiveFrom.Date, To: row.EffectiveTo.Date,
		}
	}), nil
}
