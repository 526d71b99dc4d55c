package api

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/decision"
	"fumin/domain/origination"
)

// ruleSetRoutes are the routes of the rule sets by which applications are decided (规则集).
func (s *server) ruleSetRoutes() []route {
	const one = "/v1/rule-sets/:id"
	return append(s.replayRoutes(), []route{
		{method: http.MethodGet, path: "/v1/decision-facts", handler: s.listDecisionFacts},
		{method: http.MethodPost, path: "/v1/rule-sets", handler: s.draftRuleSet},
		{method: http.MethodGet, path: "/v1/rule-sets", handler: s.listRuleSets, query: true},
		{method: http.MethodGet, path: one, handler: byID(s.ruleSets.RuleSet, shownRuleSet)},
		{method: http.MethodPut, path: one, handler: s.editRuleSet},
		{method: http.MethodPost, path: one + "/validate", handler: byID(s.ruleSets.Check, shownRuleSet)},
		{method: http.MethodPost, path: one + "/activate", handler: s.activateRuleSet},
		{method: http.MethodPost, path: one + "/dry-run", handler: s.dryRunRuleSet},
		{method: http.MethodGet, path: one + "/events", handler: byID(s.ruleSets.History, shown(viewRuleSetEvents))},
	}...)
}

// listDecisionFacts answers what rules may look at: the same for everybody who is signed in.
func (s *server) listDecisionFacts(c *gin.Context) error {
	definitions := slices.Concat(decision.Definitions(), decision.DerivedDefinitions())
	view := decisionFactsView{Version: decision.FactsVersion, Items: make([]decisionFactView, len(definitions))}
	for i, d := range definitions {
		view.Items[i] = decisionFactView{
			Name: d.Name, Label: d.Label, Type: d.Type, Unit: d.Unit, Origin: d.Origin, MayBeNone: d.MayBeNone,
			Codes: orEmpty(d.Codes), Note: d.Note, Personal: d.Personal, Derived: d.Derived,
		}
	}
	return writeJSON(c, http.StatusOK, view)
}

// orEmpty makes an absent list an empty one: in JSON, [] and not null.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

var ruleSetCodePattern = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

func parseRuleSetCode(s string) (string, error) {
	if len(s) > origination.RuleSetCodeMax || !ruleSetCodePattern.MatchString(s) {
		return "", domain.BadValue("invalid-code", "应为小写字母、数字和连字符，最多 %d 个字符，例如 shandong-standard", origination.RuleSetCodeMax)
	}
	return s, nil
}

func parseRuleSetStatus(s string) (decision.RuleSetStatus, error) {
	if status := decision.RuleSetStatus(s); status.Valid() {
		return status, nil
	}
	return "", domain.BadValue("unknown-value", "不认识的规则集状态")
}

// parseShortText takes a code whose meaning the use case looks at; an empty one is as good as none.
func parseShortText(s string) (string, error) {
	if len(s) > 32 {
		return "", domain.BadValue("too-long", "最多 32 个字符")
	}
	return s, nil
}

// readRuleSetContent reads what a maker writes. The definition itself is read by its own strict reader; what its expressions
// say is for the validation.
func readRuleSetContent(in *object) decision.RuleSetContent {
	content := decision.RuleSetContent{
		Product:       orZero(optional(in, "product_code", parseShortText)),
		RegionPrefix:  orZero(optional(in, "region_prefix", parseShortText)),
		EffectiveFrom: required(in, "effective_from", domain.ParseDate),
	}
	value, ok := in.look("definition").(map[string]any)
	if !ok {
		in.wrongType(in.at("definition"), wantObject)
		return content
	}
	text, err := json.Marshal(value)
	if err != nil {
		in.check("definition", err)
		return content
	}
	content.Definition, err = decision.ParseDefinition(text)
	if err != nil {
		in.problems.Add(in.at("definition"), "unreadable-definition", "规则集不是约定的格式：有不认识的字段，或取值类型不对，请对照接口文档")
	}
	return content
}

func (s *server) draftRuleSet(c *gin.Context) error {
	key, err := readIdempotency(c)
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	cmd := origination.DraftRuleSet{Code: required(in, "code", parseRuleSetCode), Content: readRuleSetContent(in)}
	if err := in.done(); err != nil {
		return err
	}
	v, replayed, err := s.ruleSets.Draft(c.Request.Context(), actor(c), key, cmd)
	if err != nil {
		return err
	}
	setReplayed(c, replayed)
	c.Header("Location", "/v1/rule-sets/"+v.ID.String())
	return writeRuleSet(c, http.StatusCreated, v)
}

func (s *server) listRuleSets(c *gin.Context) error {
	query, err := readQuery(c)
	if err != nil {
		return err
	}
	p := query.page()
	filter := origination.RuleSetFilter{
		Status: orZero(optional(query, "status", parseRuleSetStatus)), Code: orZero(optional(query, "code", parseRuleSetCode)),
	}
	if err := query.done(); err != nil {
		return err
	}
	heads, err := s.ruleSets.RuleSets(c.Request.Context(), actor(c), filter, p)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, viewList(c, p, heads, viewRuleSetHead, func(h decision.RuleSetHead) domain.ID { return h.ID }))
}

func (s *server) editRuleSet(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	revision, err := ifMatch(c)
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	cmd := origination.EditRuleSet{ID: id, Revision: revision, Content: readRuleSetContent(in)}
	if err := in.done(); err != nil {
		return err
	}
	v, err := s.ruleSets.Edit(c.Request.Context(), actor(c), cmd)
	if err != nil {
		return err
	}
	return writeRuleSet(c, http.StatusOK, v)
}

func (s *server) activateRuleSet(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	revision, err := ifMatch(c)
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	cmd := origination.ActivateRuleSet{ID: id, Revision: revision, EffectiveFrom: required(in, "effective_from", domain.ParseDate)}
	if err := in.done(); err != nil {
		return err
	}
	v, err := s.ruleSets.Activate(c.Request.Context(), actor(c), cmd)
	if err != nil {
		return err
	}
	return writeRuleSet(c, http.StatusOK, v)
}

// factsSentMax bounds the facts of one request: more than there are.
const factsSentMax = 200

// dryRunRuleSet judges facts that the request names one by one; a fact it does not name is unknown, one with null does not
// exist.
func (s *server) dryRunRuleSet(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	snapshot := map[string]*string{}
	for _, fact := range in.objects("facts", 1, factsSentMax) {
		name := fact.text("name", 1, 64)
		if _, twice := snapshot[name]; twice {
			fact.problems.Add(fact.at("name"), "duplicate", "同一要素写了两次")
		}
		snapshot[name] = nil
		if text, ok := fact.string("value"); ok {
			snapshot[name] = &text
		}
	}
	facts, err := decision.FactsFromSnapshot(snapshot)
	if err != nil {
		in.check("facts", err)
	}
	if err := in.done(); err != nil {
		return err
	}
	outcome, err := s.ruleSets.DryRun(c.Request.Context(), actor(c), id, facts)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, viewOutcome(outcome))
}

type decisionFactsView struct {
	Version int                `json:"version"`
	Items   []decisionFactView `json:"items"`
}

type decisionFactView struct {
	Name      decision.FactName `json:"name"`
	Label     string            `json:"label"`
	Type      string            `json:"type"`
	Unit      string            `json:"unit"`
	Origin    string            `json:"origin"`
	MayBeNone bool              `json:"may_be_none"`
	Codes     []string          `json:"codes"`
	Note      string            `json:"note"`
	Personal  bool              `json:"personal"`
	Derived   bool              `json:"derived"`
}

type ruleSetHeadView struct {
	ID            domain.ID              `json:"id"`
	Code          string                 `json:"code"`
	Number        int                    `json:"number"`
	Title         string                 `json:"title"`
	Hash          string                 `json:"hash"`
	ProductCode   string                 `json:"product_code"`
	RegionPrefix  string                 `json:"region_prefix"`
	EffectiveFrom domain.Date            `json:"effective_from"`
	EffectiveTo   *domain.Date           `json:"effective_to"`
	Status        decision.RuleSetStatus `json:"status"`
	StatusLabel   string                 `json:"status_label"`
	MadeBy        domain.ID              `json:"made_by"`
	MadeAt        time.Time              `json:"made_at"`
	ActivatedBy   *domain.ID             `json:"activated_by"`
	ActivatedAt   *time.Time             `json:"activated_at"`
	Revision      int                    `json:"revision"`
}

type ruleSetView struct {
	ruleSetHeadView

	Definition decision.Definition `json:"definition"`
}

func viewRuleSetHead(h decision.RuleSetHead) ruleSetHeadView {
	return ruleSetHeadView{
		ID: h.ID, Code: h.Code, Number: h.Number, Title: h.Title, Hash: h.Hash, ProductCode: h.Product, RegionPrefix: h.RegionPrefix,
		EffectiveFrom: h.EffectiveFrom, EffectiveTo: present(h.EffectiveTo), Status: h.Status, StatusLabel: h.Status.Label(),
		MadeBy: h.MadeBy, MadeAt: h.MadeAt, ActivatedBy: present(h.ActivatedBy), ActivatedAt: present(h.ActivatedAt), Revision: h.Revision,
	}
}

func shownRuleSet(c *gin.Context, v decision.RuleSetVersion) error {
	return writeRuleSet(c, http.StatusOK, v)
}

func writeRuleSet(c *gin.Context, status int, v decision.RuleSetVersion) error {
	setVersion(c, v.Revision)
	view := ruleSetView{viewRuleSetHead(v.RuleSetHead), v.Definition}
	view.Definition.Rules = orEmpty(view.Definition.Rules)
	return writeJSON(c, status, view)
}

type ruleSetEventView struct {
	Revision      int                       `json:"revision"`
	Action        origination.RuleSetAction `json:"action"`
	ActorID       domain.ID                 `json:"actor_id"`
	ActorName     string                    `json:"actor_name"`
	ActorRole     domain.Role               `json:"actor_role"`
	At            time.Time                 `json:"at"`
	Status        decision.RuleSetStatus    `json:"status"`
	Hash          string                    `json:"hash"`
	EffectiveFrom domain.Date               `json:"effective_from"`
	EffectiveTo   *domain.Date              `json:"effective_to"`
}

type itemsView[V any] struct {
	Items []V `json:"items"`
}

func viewRuleSetEvents(events []origination.RuleSetEvent) itemsView[ruleSetEventView] {
	view := itemsView[ruleSetEventView]{Items: make([]ruleSetEventView, len(events))}
	for i, e := range events {
		view.Items[i] = ruleSetEventView{
			Revision: e.Revision, Action: e.Action, ActorID: e.ActorID, ActorName: e.ActorName, ActorRole: e.ActorRole, At: e.At,
			Status: e.Status, Hash: e.Hash, EffectiveFrom: e.From, EffectiveTo: present(e.To),
		}
	}
	return view
}
