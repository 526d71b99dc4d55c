package loan

import (
	"iter"
	"slices"
	"strings"

	"fumin/domain"
	"fumin/domain/decision"
)

// Status is where an application stands (申请状态).
type Status string

// The statuses of an application.
const (
	StatusDraft     Status = "draft"     // 草稿
	StatusReviewing Status = "reviewing" // 审查审批中
	StatusReturned  Status = "returned"  // 退回补正
	StatusApproved  Status = "approved"  // 已批准
	StatusDeclined  Status = "declined"  // 已拒绝
	StatusSigned    Status = "signed"    // 已签约
	StatusDisbursed Status = "disbursed" // 已放款
	StatusClosed    Status = "closed"    // 已结案
	StatusWithdrawn Status = "withdrawn" // 已撤回
	StatusExpired   Status = "expired"   // 已失效: approved, and not signed in time
)

// Statuses lists every status in the order of a case's way.
func Statuses() []Status {
	return []Status{
		StatusDraft, StatusReviewing, StatusReturned, StatusApproved, StatusDeclined,
		StatusSigned, StatusDisbursed, StatusClosed, StatusWithdrawn, StatusExpired,
	}
}

// Valid reports whether s is one of Statuses.
func (s Status) Valid() bool { return slices.Contains(Statuses(), s) }

// Label is the status in Chinese, for messages and pages.
func (s Status) Label() string {
	switch s {
	case StatusDraft:
		return "草稿"
	case StatusReviewing:
		return "审查审批中"
	case StatusReturned:
		return "退回补正"
	case StatusApproved:
		return "已批准"
	case StatusDeclined:
		return "已拒绝"
	case StatusSigned:
		return "已签约"
	case StatusDisbursed:
		return "已放款"
	case StatusClosed:
		return "已结案"
	case StatusWithdrawn:
		return "已撤回"
	case StatusExpired:
		return "已失效"
	}
	return string(s)
}

// Action is what may be done to an application or a disbursement (办理动作).
type Action string

// The actions on an application.
const (
	ActionCreate   Action = "create"   // 建档
	ActionEdit     Action = "edit"     // 修改
	ActionSubmit   Action = "submit"   // 提交
	ActionApprove  Action = "approve"  // 批准
	ActionDecline  Action = "decline"  // 拒绝
	ActionReturn   Action = "return"   // 退回补正
	ActionWithdraw Action = "withdraw" // 撤回
	ActionSign     Action = "sign"     // 签约
	ActionDisburse Action = "disburse" // 放款到账
	ActionClose    Action = "close"    // 结案
	ActionExpire   Action = "expire"   // 批准失效
	ActionRecord   Action = "record"   // 登记资料
	ActionAsk      Action = "ask"      // 发起查询
	ActionAnswer   Action = "answer"   // 查询答复
)

// Label is the action in Chinese.
func (a Action) Label() string { //nolint:funlen // one line an action
	switch a { //nolint:exhaustive // the other actions have their labels beside themselves
	case ActionCreate:
		return "建档"
	case ActionEdit:
		return "修改"
	case ActionSubmit:
		return "提交"
	case ActionApprove:
		return "批准"
	case ActionDecline:
		return "拒绝"
	case ActionReturn:
		return "退回补正"
	case ActionWithdraw:
		return "撤回"
	case ActionSign:
		return "签约"
	case ActionDisburse:
		return "放款到账"
	case ActionClose:
		return "结案"
	case ActionExpire:
		return "批准失效"
	case ActionRecord:
		return "登记资料"
	case ActionAsk:
		return "发起查询"
	case ActionAnswer:
		return "查询答复"
	case ActionRequest:
		return "申请放款"
	case ActionRelease:
		return "放行"
	case ActionCancel:
		return "取消"
	case ActionSend:
		return "发送"
	case ActionSucceed:
		return "支付成功"
	case ActionFail:
		return "支付失败"
	case ActionLose:
		return "结果未知"
	case ActionAssign:
		return "指派"
	case ActionComplete:
		return "办结"
	case ActionEscalate:
		return "上报"
	case ActionConfirm:
		return "确认"
	case ActionVote:
		return "表决"
	case ActionPrepareContract:
		return "生成合同文本"
	case ActionSendCode:
		return "发送签署验证码"
	case ActionPutSignature:
		return "签署"
	case ActionWaiveCoolingOff:
		return "放弃冷静期"
	}
	if label, ok := guaranteeActionLabels[a]; ok {
		return label
	}
	return paymentLabel(a)
}

// Transition is one row of the lifecycle: who may do what from where, and where it leads.
type Transition struct {
	Action Action
	From   Status
	When   decision.Result // only for submit: what the rules said
	To     Status
	Roles  []domain.Role
}

var (
	applicant = []domain.Role{domain.RoleLoanOfficer, domain.RoleBorrower}
	officer   = []domain.Role{domain.RoleLoanOfficer}
	approver  = []domain.Role{domain.RoleApprover}
	system    = []domain.Role{domain.RoleSystem}

	trancheChecker = []domain.Role{domain.RoleRiskManager, domain.RoleDisbursementOfficer}
)

// transitions is the lifecycle of an application. docs/lifecycle.md is rendered from it.
var transitions = []Transition{
	{ActionEdit, StatusDraft, "", StatusDraft, applicant},
	{ActionEdit, StatusReturned, "", StatusReturned, applicant},

	{ActionSubmit, StatusDraft, decision.Approve, StatusApproved, applicant},
	{ActionSubmit, StatusDraft, decision.Refer, StatusReviewing, applicant},
	{ActionSubmit, StatusDraft, decision.Decline, StatusDeclined, applicant},
	{ActionSubmit, StatusReturned, decision.Approve, StatusApproved, applicant},
	{ActionSubmit, StatusReturned, decision.Refer, StatusReviewing, applicant},
	{ActionSubmit, StatusReturned, decision.Decline, StatusDeclined, applicant},

	{ActionApprove, StatusReviewing, "", StatusApproved, approver},
	{ActionDecline, StatusReviewing, "", StatusDeclined, approver},
	{ActionReturn, StatusReviewing, "", StatusReturned, approver},

	{ActionSign, StatusApproved, "", StatusSigned, applicant},
	{ActionDisburse, StatusSigned, "", StatusDisbursed, system},
	{ActionDisburse, StatusDisbursed, "", StatusDisbursed, system}, // the next tranche, or the next payment of a contract
	{ActionClose, StatusDisbursed, "", StatusClosed, officer},

	{ActionPlanTranches, StatusApproved, "", StatusApproved, officer},
	{ActionPlanTranches, StatusSigned, "", StatusSigned, officer},
	{ActionFulfilCondition, StatusSigned, "", StatusSigned, trancheChecker},
	{ActionFulfilCondition, StatusDisbursed, "", StatusDisbursed, trancheChecker},

	{ActionWithdraw, StatusDraft, "", StatusWithdrawn, applicant},
	{ActionWithdraw, StatusReturned, "", StatusWithdrawn, applicant},
	{ActionWithdraw, StatusReviewing, "", StatusWithdrawn, applicant},
	{ActionWithdraw, StatusApproved, "", StatusWithdrawn, applicant},
	{ActionExpire, StatusApproved, "", StatusExpired, system},
	{ActionWithdraw, StatusSigned, "", StatusWithdrawn, applicant}, // within the cooling-off period (冷静期), before any payment was asked for
}

// Transitions returns a copy of the lifecycle table.
func Transitions() []Transition { return slices.Clone(transitions) }

// next finds where an action leads. Wrong role is told from wrong state: whoever may never do it gets 403 and hears who
// may, whoever may, but not now, gets 409 and hears what can be done now.
func next(from Status, action Action, when decision.Result, role domain.Role) (Status, error) {
	var allowed []domain.Role
	for _, t := range transitions {
		if t.Action != action {
			continue
		}
		allowed = t.Roles
		if t.From == from && t.When == when && slices.Contains(t.Roles, role) {
			return t.To, nil
		}
	}
	if !slices.Contains(allowed, role) {
		return "", errRole(action, allowed)
	}
	return "", errStatus("申请", from.Label(), action, func(yield func(Action, []domain.Role) bool) {
		for _, t := range transitions {
			if t.From == from && !yield(t.Action, t.Roles) {
				return
			}
		}
	})
}

func errRole(action Action, allowed []domain.Role) error {
	return domain.Errorf(domain.KindForbidden, "role-not-allowed", "您的岗位不能%s，请由%s办理", action.Label(), domain.RoleLabels(allowed))
}

// errStatus refuses an action that is not possible now and says which ones are.
func errStatus(what, status string, action Action, possible iter.Seq2[Action, []domain.Role]) error {
	var now []string
	for a, roles := range possible {
		step := a.Label() + "（" + domain.RoleLabels(roles) + "）"
		if !slices.Contains(now, step) {
			now = append(now, step)
		}
	}
	if len(now) == 0 {
		return domain.Errorf(domain.KindConflict, "wrong-status", "%s目前处于「%s」，不能%s；已经没有可以办理的步骤", what, status, action.Label())
	}
	return domain.Errorf(domain.KindConflict, "wrong-status", "%s目前处于「%s」，不能%s；目前可以：%s", what, status, action.Label(), strings.Join(now, "、"))
}
