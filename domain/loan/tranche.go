package loan

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"fumin/domain"
	"fumin/domain/money"
)

// ConditionKind is what a tranche waits for (放款条件).
type ConditionKind string

// The kinds of conditions.
const (
	ConditionSiteVisit    ConditionKind = "site_visit"    // 实地核查
	ConditionStageReached ConditionKind = "stage_reached" // 工程或生产进度
	ConditionDocument     ConditionKind = "document"      // 资料齐备
	ConditionOther        ConditionKind = "other"         // 其他
)

// ConditionKinds lists every kind.
func ConditionKinds() []ConditionKind {
	return []ConditionKind{ConditionSiteVisit, ConditionStageReached, ConditionDocument, ConditionOther}
}

// Valid reports whether k is one of ConditionKinds.
func (k ConditionKind) Valid() bool { return slices.Contains(ConditionKinds(), k) }

// Label is the kind in Chinese.
func (k ConditionKind) Label() string {
	switch k {
	case ConditionSiteVisit:
		return "实地核查"
	case ConditionStageReached:
		return "进度达到"
	case ConditionDocument:
		return "资料齐备"
	case ConditionOther:
		return "其他条件"
	}
	return string(k)
}

// Limits of a plan of tranches.
const (
	TranchesMax      = 50 // of one contract
	ConditionsMax    = 10 // of one tranche
	ConditionTextMax = 200
)

// The actions on a plan.
const (
	ActionPlanTranches    Action = "plan_tranches"    // 登记放款计划
	ActionFulfilCondition Action = "fulfil_condition" // 落实放款条件
)

// Tranche is one part of a contract's amount (分次放款的一期).
type Tranche struct {
	Number     int // from 1
	Amount     money.Amount
	Conditions []Condition
}

// Condition is what must have happened before a tranche is paid.
type Condition struct {
	ID          domain.ID
	Kind        ConditionKind
	Text        string   // 1 to ConditionTextMax characters
	Evidence    Evidence // what shows it; absent until fulfilled
	FulfilledBy domain.ID
	FulfilledAt time.Time // zero until fulfilled
}

// Open returns the conditions that are not fulfilled.
func (t Tranche) Open() []Condition {
	return slices.DeleteFunc(slices.Clone(t.Conditions), func(c Condition) bool { return !c.FulfilledAt.IsZero() })
}

// checkTranches refuses a plan that does not add up to the granted amount.
func checkTranches(tranches []Tranche, granted money.Amount) error {
	var p domain.Problems
	if len(tranches) == 0 || len(tranches) > TranchesMax {
		p.Add("/tranches", "out-of-range", "放款计划应为 1 至 %d 期", TranchesMax)
	}
	var sum money.Amount
	for i, t := range tranches {
		pointer := "/tranches/" + strconv.Itoa(i)
		if t.Amount.Sign() <= 0 {
			p.Add(pointer+"/amount", "not-positive", "金额必须大于 0.00")
		}
		if len(t.Conditions) > ConditionsMax {
			p.Add(pointer+"/conditions", "too-many", "每期最多 %d 个条件", ConditionsMax)
		}
		for j, c := range t.Conditions {
			at := pointer + "/conditions/" + strconv.Itoa(j)
			if !c.Kind.Valid() {
				p.Add(at+"/kind", "unknown-value", "不认识的条件种类")
			}
			if n := len([]rune(c.Text)); n == 0 || n > ConditionTextMax {
				p.Add(at+"/text", "out-of-range", "请写明条件，1 至 %d 个字", ConditionTextMax)
			}
		}
		sum = sum.Add(t.Amount)
	}
	if p.Err() == nil && !sum.Equal(granted) {
		p.Add("/tranches", "amounts-not-principal", "各期合计 %s 元，应等于批准金额 %s 元", sum.Grouped(), granted.Grouped())
	}
	return p.Err()
}

// PlanTranches records in which parts the granted amount is paid, and on what conditions (放款计划). It replaces the plan before
// until the contract is signed: from then on the conditions, and who saw them met, are part of what was agreed. What revolves
// has no plan, because its draws are not parts of one amount. The caller makes sure that nothing has been asked for yet.
func (a *Application) PlanTranches(by domain.Actor, at time.Time, revolving bool, before, tranches []Tranche) (Event, error) {
	if err := a.May(by, ActionPlanTranches); err != nil {
		return Event{}, err
	}
	if revolving {
		return Event{}, domain.Errorf(domain.KindRule, "plan-on-revolving-line", "循环额度按支用申请逐笔放款，不能登记放款计划；需要分期放款的，请用非循环的产品")
	}
	if len(before) > 0 && a.rec.Status != StatusApproved {
		return Event{}, domain.Errorf(domain.KindConflict, "plan-agreed", "合同已签订，放款计划和已登记的条件不能再改；条件已具备的，请登记落实依据；确需变更的，请撤回后重新申请")
	}
	if err := checkTranches(tranches, a.rec.Approval.Amount); err != nil {
		return Event{}, err
	}
	notes := []Note{{"tranches", strconv.Itoa(len(tranches))}}
	for _, t := range before {
		was := []string{t.Amount.String()}
		for _, c := range t.Conditions {
			was = append(was, string(c.Kind), c.Text)
		}
		notes = append(notes, Note{"replaced_" + strconv.Itoa(t.Number), strings.Join(was, " ")})
	}
	return a.move(by, at, ActionPlanTranches, "", notes...)
}

// FulfilCondition records that a condition of a tranche has been met, and what shows it (落实放款条件). Who asks for the money
// of a tranche is not who says that its site visit is done: that is for the releaser or the risk manager to see.
func (a *Application) FulfilCondition(by domain.Actor, at time.Time, number int, c Condition, evidence Evidence) (Condition, Event, error) {
	if err := a.May(by, ActionFulfilCondition); err != nil {
		return c, Event{}, err
	}
	var p domain.Problems
	evidence.Check(&p, "")
	if err := p.Err(); err != nil {
		return c, Event{}, err
	}
	if !c.FulfilledAt.IsZero() {
		return c, Event{}, domain.Errorf(domain.KindConflict, "condition-fulfilled", "这个条件已经落实，无需重复登记")
	}
	event, err := a.move(by, at, ActionFulfilCondition, "", Note{"tranche", strconv.Itoa(number)}, Note{"kind", string(c.Kind)},
		Note{"condition_id", c.ID.String()}, Note{"document_sha256", evidence.SHA256})
	if err != nil {
		return c, Event{}, err
	}
	c.Evidence, c.FulfilledBy, c.FulfilledAt = evidence, by.ID, at
	return c, event, nil
}
