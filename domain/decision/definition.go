package decision

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"

	"fumin/domain"
)

// Definition is a rule set (规则集) as data: what a risk manager writes, what is stored, and what Compile turns into an
// Engine. All texts are Chinese and may show facts in braces: "申请金额 {amount} 元". All conditions are expressions over
// the facts (docs/rules-guide.md).
type Definition struct {
	Title     string     `json:"title"`
	Source    string     `json:"source,omitempty"` // 依据: the document the set follows
	Sample    bool       `json:"sample,omitempty"` // numbers a lender replaces
	Rules     []Rule     `json:"rules"`
	Scorecard *Scorecard `json:"scorecard,omitempty"`
	Limits    []Limit    `json:"limits,omitempty"`
	Routes    []Route    `json:"routes,omitempty"`
}

// Rule is one knock-out rule (准入规则): where When holds, Passes must hold, otherwise the case gets Otherwise.
type Rule struct {
	Code           string   `json:"code"`                      // kebab-case, unique within the set
	When           string   `json:"when,omitempty"`            // condition; empty: always
	Passes         string   `json:"passes"`                    // condition
	Otherwise      Result   `json:"otherwise"`                 // decline or refer
	Reason         string   `json:"reason"`                    // why it did not pass
	Passed         string   `json:"passed"`                    // what is said when it passes
	Suggestion     string   `json:"suggestion"`                // what would pass, or what to do
	SuggestionNone string   `json:"suggestion_none,omitempty"` // instead, when a fact that Suggestion shows does not exist
	Task           TaskKind `json:"task,omitempty"`            // who must look when the rule refers; empty: as the routes say
	Source         string   `json:"source,omitempty"`
	Sample         bool     `json:"sample,omitempty"`
}

// Scorecard adds up points (评分卡). At or above ApproveFrom it has no objection, at or above ReferFrom it refers, below it
// declines.
type Scorecard struct {
	When            string           `json:"when,omitempty"`
	Base            int              `json:"base"`
	Characteristics []Characteristic `json:"characteristics"`
	ApproveFrom     int              `json:"approve_from"`
	ReferFrom       int              `json:"refer_from"` // at most ApproveFrom
	Suggestion      string           `json:"suggestion"`
	Source          string           `json:"source,omitempty"`
	Sample          bool             `json:"sample,omitempty"`
}

// Characteristic is one line of a scorecard (评分项): the first band whose condition holds gives its points.
type Characteristic struct {
	Code  string `json:"code"`
	Label string `json:"label"`
	Bands []Band `json:"bands"` // the last has no condition: it is for all others
}

// Band is one step of a characteristic (分档).
type Band struct {
	When   string `json:"when,omitempty"`
	Points int    `json:"points"`
	Reason string `json:"reason"`
}

// Limit is a limit or price rule (额度、定价规则). Exactly one of the four expressions is set: the largest amount in yuan, the
// longest term in months, the highest price in percent a year, or the spread in basis points on the product's price ceiling,
// which lowers it and never raises it. A request above an amount or a term gets Otherwise; prices only bind.
type Limit struct {
	Code             string `json:"code"`
	When             string `json:"when,omitempty"`
	AmountMax        string `json:"amount_max,omitempty"`
	TermMonthsMax    string `json:"term_months_max,omitempty"`
	AnnualRateMaxPct string `json:"annual_rate_max_pct,omitempty"`
	SpreadBP         string `json:"spread_bp,omitempty"`
	Otherwise        Result `json:"otherwise,omitempty"`  // decline or refer; of an amount or a term
	Reason           string `json:"reason"`               // may show {limit}
	Passed           string `json:"passed,omitempty"`     // of an amount or a term
	Suggestion       string `json:"suggestion,omitempty"` // of an amount or a term
	Source           string `json:"source,omitempty"`
	Sample           bool   `json:"sample,omitempty"`
}

// Route says who must look at a referred case, and what has to be brought (流程规则). It also counts where its condition is
// unknown: then somebody must find out.
type Route struct {
	Code  string   `json:"code"`
	When  string   `json:"when,omitempty"`
	Task  TaskKind `json:"task"`
	Text  string   `json:"text"`            // what to do
	Bring []string `json:"bring,omitempty"` // 应带资料, in words
}

// Limits of a definition.
const (
	DefinitionBytesMax = 256 << 10 // of its JSON
	RulesMax           = 200
	CharacteristicsMax = 50
	BandsMax           = 20
	LimitsMax          = 50
	RoutesMax          = 50
	BringMax           = 20
	PointsMax          = 10_000 // of a band, a base or a cut-off, with either sign
	MarksMax           = 500    // comparisons with the amount in the whole set: each is a place where the search looks
)

// ParseDefinition reads a definition's JSON; a field it does not know is refused, because a misspelt condition must not be a
// missing one. Whether it makes sense is Compile's to say.
func ParseDefinition(content []byte) (Definition, error) {
	if len(content) > DefinitionBytesMax {
		return Definition{}, domain.Errorf(domain.KindInvalid, "rule-set-unreadable", "规则集过大，最多 %d 个字节", DefinitionBytesMax)
	}
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	var d Definition
	err := decoder.Decode(&d)
	if err == nil {
		if _, after := decoder.Token(); !errors.Is(after, io.EOF) {
			err = errors.New("text after the definition")
		}
	}
	if err != nil {
		return Definition{}, domain.Errorf(domain.KindInvalid, "rule-set-unreadable", "规则集不是约定的 JSON 格式，请核对字段名和取值类型").Because(err)
	}
	return d, nil
}

// Canonical writes the definition in its one form: the same definition gives the same bytes, however it was laid out.
func (d Definition) Canonical() []byte {
	if d.Rules == nil {
		d.Rules = []Rule{}
	}
	content, err := json.Marshal(d)
	if err != nil {
		panic("decision: " + err.Error()) // there is nothing in it that JSON cannot write
	}
	return content
}

// Hash is the SHA-256 of the canonical form, in hexadecimal: two outcomes with the same hash were judged by the same rules.
func (d Definition) Hash() string {
	sum := sha256.Sum256(d.Canonical())
	return hex.EncodeToString(sum[:])
}
