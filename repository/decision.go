package repository

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"fumin/domain"
	"fumin/domain/decision"
	"fumin/domain/money"
	"fumin/domain/origination"
)

type decisionRow struct {
	ID                 domain.ID `gorm:"primaryKey"`
	ApplicationID      domain.ID
	BranchID           domain.ID
	ApplicationVersion int
	Result             string
	RuleSet            string
	Outcome            jsonColumn[outcomeDocument]
	FactsCipher        []byte
	DecidedAt          time.Time
	RuleSetID          idColumn
	RuleSetHash        string
	RulesResult        string
	RulesAmount        decimal.Decimal
}

func (decisionRow) TableName() string { return "decisions" }

// outcomeDocument is a decision.Outcome as it is kept: amounts and rates as text, because JSON numbers may be doubles.
type outcomeDocument struct {
	Result           decision.Result  `json:"result"`
	Reasons          []reasonDocument `json:"reasons"`
	AmountMax        money.Amount     `json:"amount_max"`
	TermMonthsMax    int              `json:"term_months_max"`
	AnnualRateMaxPct money.Rate       `json:"annual_rate_max_pct"`
	WaysForward      []wayDocument    `json:"ways_forward"`
	RuleSet          string           `json:"rule_set"`
	EvaluatedOn      domain.Date      `json:"evaluated_on"`

	// Since rules are data. Outcomes from before have none of it.
	RuleSetHash string         `json:"rule_set_hash,omitempty"`
	SpreadBP    int            `json:"spread_bp,omitempty"`
	Score       *scoreDocument `json:"score,omitempty"`
	Tasks       []taskDocument `json:"tasks,omitempty"`
}

type scoreDocument struct {
	Points          int                      `json:"points"`
	Complete        bool                     `json:"complete"`
	ApproveFrom     int                      `json:"approve_from"`
	ReferFrom       int                      `json:"refer_from"`
	Characteristics []characteristicDocument `json:"characteristics"`
}

type characteristicDocument struct {
	Code    string `json:"code"`
	Label   string `json:"label"`
	Points  int    `json:"points"`
	Reason  string `json:"reason"`
	Unknown bool   `json:"unknown"`
}

type taskDocument struct {
	Kind  decision.TaskKind `json:"kind"`
	Code  string            `json:"code"`
	Text  string            `json:"text"`
	Bring []string          `json:"bring,omitempty"`
}

type reasonDocument struct {
	Code       string            `json:"code"`
	Text       string            `json:"text"`
	Effect     decision.Result   `json:"effect"`
	FactName   decision.FactName `json:"fact_name"`
	Value      string            `json:"value"`
	Threshold  string            `json:"threshold"`
	Unknown    bool              `json:"unknown"`
	Suggestion string            `json:"suggestion"`
}

type wayDocument struct {
	Amount     money.Amount    `json:"amount"`
	TermMonths int             `json:"term_months"`
	Result     decision.Result `json:"result"`
	Text       string          `json:"text"`
}

func outcomeToDocument(o decision.Outcome) outcomeDocument {
	document := outcomeDocument{
		Result: o.Result, AmountMax: o.AmountMax, TermMonthsMax: o.TermMonthsMax, AnnualRateMaxPct: o.AnnualRateMaxPct,
		RuleSet: o.RuleSet, EvaluatedOn: o.EvaluatedOn, RuleSetHash: o.RuleSetHash, SpreadBP: o.SpreadBP,
		Score: scoreToDocument(o.Score), Reasons: make([]reasonDocument, len(o.Reasons)), WaysForward: make([]wayDocument, len(o.WaysForward)),
	}
	for i, r := range o.Reasons {
		document.Reasons[i] = reasonDocument(r)
	}
	for i, w := range o.WaysForward {
		document.WaysForward[i] = wayDocument(w)
	}
	for _, task := range o.Tasks {
		document.Tasks = append(document.Tasks, taskDocument(task))
	}
	return document
}

func outcomeFromDocument(document outcomeDocument) decision.Outcome {
	o := decision.Outcome{
		Result: document.Result, AmountMax: document.AmountMax, TermMonthsMax: document.TermMonthsMax,
		AnnualRateMaxPct: document.AnnualRateMaxPct, RuleSet: document.RuleSet, EvaluatedOn: document.EvaluatedOn,
		RuleSetHash: document.RuleSetHash, SpreadBP: document.SpreadBP, Score: scoreFromDocument(document.Score),
	}
	for _, r := range document.Reasons {
		o.Reasons = append(o.Reasons, decision.Reason(r))
	}
	for _, w := range document.WaysForward {
		o.WaysForward = append(o.WaysForward, decision.WayForward(w))
	}
	for _, task := range document.Tasks {
		o.Tasks = append(o.Tasks, decision.Task(task))
	}
	return o
}

func scoreToDocument(s *decision.Score) *scoreDocument {
	if s == nil {
		return nil
	}
	document := &scoreDocument{Points: s.Points, Complete: s.Complete, ApproveFrom: s.ApproveFrom, ReferFrom: s.ReferFrom}
	for _, line := range s.Characteristics {
		document.Characteristics = append(document.Characteristics, characteristicDocument(line))
	}
	return document
}

func scoreFromDocument(document *scoreDocument) *decision.Score {
	if document == nil {
		return nil
	}
	s := &decision.Score{Points: document.Points, Complete: document.Complete, ApproveFrom: document.ApproveFrom, ReferFrom: document.ReferFrom}
	for _, line := range document.Characteristics {
		s.Characteristics = append(s.Characteristics, decision.CharacteristicScore(line))
	}
	return s
}

const decisionFactsColumn = "decisions.facts"

// InsertDecision implements origination.ApplicationWriter.
func (t *tx) InsertDecision(ctx context.Context, d origination.Decision) error {
	row, err := t.decisionToRow(d)
	if err != nil {
		return err
	}
	return t.db.WithContext(ctx).Create(&row).Error
}

// decisionToRow seals the facts: they hold a birth date.
func (t *tx) decisionToRow(d origination.Decision) (decisionRow, error) {
	facts, err := json.Marshal(d.Facts.Snapshot())
	if err != nil {
		return decisionRow{}, fmt.Errorf("decision %s: facts: %w", d.ID, err)
	}
	sealed, err := t.cipher.seal(decisionFactsColumn, d.ID, string(facts))
	if err != nil {
		return decisionRow{}, err
	}
	return decisionRow{
		ID: d.ID, ApplicationID: d.ApplicationID, BranchID: d.BranchID, ApplicationVersion: d.ApplicationVersion,
		Result: string(d.Outcome.Result), RuleSet: d.Outcome.RuleSet,
		Outcome: jsonColumn[outcomeDocument]{outcomeToDocument(d.Outcome)}, FactsCipher: sealed, DecidedAt: d.DecidedAt,
		RuleSetID: idColumn{d.RuleSetID}, RuleSetHash: d.Outcome.RuleSetHash, RulesResult: string(d.RulesResult), RulesAmount: d.RulesAmount.Decimal(),
	}, nil
}

// Decision implements origination.ApplicationReader.
func (r reader) Decision(ctx context.Context, scope domain.Scope, id domain.ID) (origination.Decision, error) {
	var row decisionRow
	err := r.db.WithContext(ctx).
		Where("id = ? AND application_id IN (?)", id,
			inScope(r.db.WithContext(ctx).Table("applications").Select("applications.id"), "applications", scope)).
		Take(&row).Error
	if isNotFound(err) {
		return origination.Decision{}, domain.Errorf(domain.KindNotFound, "decision-not-found", "没有这个决策结果，或不在您的机构范围内")
	}
	if err != nil {
		return origination.Decision{}, translateRead(ctx, err)
	}
	return r.decisionFromRow(row)
}

// Decisions implements origination.ApplicationReader.
func (r reader) Decisions(ctx context.Context, scope domain.Scope, applicationID domain.ID) ([]origination.Decision, error) {
	var rows []decisionRow
	err := r.db.WithContext(ctx).
		Where("application_id = ? AND application_id IN (?)", applicationID,
			inScope(r.db.WithContext(ctx).Table("applications").Select("applications.id"), "applications", scope)).
		Order("application_version").Limit(origination.DecisionsMax).Find(&rows).Error
	if err != nil {
		return nil, translateRead(ctx, err)
	}
	return mapRows(rows, r.decisionFromRow)
}

func (r reader) decisionFromRow(row decisionRow) (origination.Decision, error) {
	facts, err := r.openFacts(row.ID, row.FactsCipher)
	if err != nil {
		return origination.Decision{}, err
	}
	outcome := outcomeFromDocument(row.Outcome.Content)
	if !outcome.Result.Valid() || string(outcome.Result) != row.Result || outcome.RuleSet != row.RuleSet {
		return origination.Decision{}, fmt.Errorf("decision %s: the outcome says %q by %q, the row %q by %q",
			row.ID, outcome.Result, outcome.RuleSet, row.Result, row.RuleSet)
	}
	rulesAmount, err := money.AmountFromDecimal(row.RulesAmount)
	if err != nil {
		return origination.Decision{}, fmt.Errorf("decision %s: amount of the rules: %w", row.ID, err)
	}
	return origination.Decision{
		RuleSetID: row.RuleSetID.ID, RulesResult: decision.Result(row.RulesResult), RulesAmount: rulesAmount,
		ID: row.ID, ApplicationID: row.ApplicationID, BranchID: row.BranchID, ApplicationVersion: row.ApplicationVersion,
		Facts: facts, Outcome: outcome, DecidedAt: row.DecidedAt.UTC(),
	}, nil
}
