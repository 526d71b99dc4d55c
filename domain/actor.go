package domain

import (
	"slices"
	"strings"
)

// Role is what a staff member or a program may do (岗位).
type Role string

// The roles.
const (
	RoleLoanOfficer         Role = "loan_officer"         // 客户经理
	RoleApprover            Role = "approver"             // 审批人
	RoleRiskManager         Role = "risk_manager"         // 风险经理
	RoleDisbursementOfficer Role = "disbursement_officer" // 放款岗
	RoleBranchManager       Role = "branch_manager"       // 机构负责人
	RoleGuaranteeOfficer    Role = "guarantee_officer"    // 农担公司经办
	RoleAuditor             Role = "auditor"              // 审计
	RoleAdmin               Role = "admin"                // 管理员
	RoleBorrower            Role = "borrower"             // 借款人本人，经服务账号代理
	RoleCoreSystem          Role = "core_system"          // 核心系统: reports repayments, through a service account of its own
	RoleSystem              Role = "system"               // 后台任务
)

// Roles lists every role, in the order in which documents name them.
func Roles() []Role {
	return []Role{
		RoleLoanOfficer, RoleApprover, RoleRiskManager, RoleDisbursementOfficer, RoleBranchManager, RoleGuaranteeOfficer,
		RoleAuditor, RoleAdmin, RoleBorrower, RoleCoreSystem, RoleSystem,
	}
}

// Valid reports whether r is one of Roles.
func (r Role) Valid() bool {
	return slices.Contains(Roles(), r)
}

// Label is the role in Chinese, for messages.
func (r Role) Label() string {
	switch r {
	case RoleLoanOfficer:
		return "客户经理"
	case RoleApprover:
		return "审批人"
	case RoleDisbursementOfficer:
		return "放款岗"
	case RoleRiskManager:
		return "风险经理"
	case RoleBranchManager:
		return "机构负责人"
	case RoleGuaranteeOfficer:
		return "农担公司经办"
	case RoleAuditor:
		return "审计"
	case RoleAdmin:
		return "管理员"
	case RoleBorrower:
		return "借款人本人"
	case RoleCoreSystem:
		return "核心系统"
	case RoleSystem:
		return "后台任务"
	}
	return string(r)
}

// RoleLabels joins the labels of roles: "客户经理或借款人本人".
func RoleLabels(roles []Role) string {
	labels := make([]string, len(roles))
	for i, r := range roles {
		labels[i] = r.Label()
	}
	return strings.Join(labels, "或")
}

// Actor is who asks. It is always an explicit argument of a use case.
type Actor struct {
	ID         ID     // the user, the service account, or the worker's node
	Name       string // shown in the audit trail
	Role       Role
	BranchID   ID // the user's branch; zero for a service account
	BorrowerID ID // only with RoleBorrower: the one borrower this call acts for
	// GuaranteeCompanyID is set only with RoleGuaranteeOfficer: the company whose part of the cases this person sees.
	GuaranteeCompanyID ID
}

// Scope is the part of the lender's data an actor may see: a branch with all below it, or one borrower.
// It is a parameter of every read; the zero value sees nothing.
type Scope struct {
	BranchID   ID   // this branch and those below it
	BorrowerID ID   // this borrower only
	Everything bool // workers, and nobody else
	// GuaranteeCompanyID is the cases this guarantee company was asked about, through its own use cases only.
	GuaranteeCompanyID ID
}

// Scope returns what a may see. What is out of scope reads as not found.
func (a Actor) Scope() Scope {
	switch a.Role {
	case RoleSystem:
		return Scope{Everything: true}
	case RoleBorrower:
		return Scope{BorrowerID: a.BorrowerID}
	case RoleGuaranteeOfficer:
		return Scope{GuaranteeCompanyID: a.GuaranteeCompanyID}
	case RoleLoanOfficer, RoleApprover, RoleRiskManager, RoleDisbursementOfficer, RoleBranchManager, RoleAuditor, RoleAdmin:
		return Scope{BranchID: a.BranchID}
	case RoleCoreSystem: // nothing but what its own use cases reach
	}
	return Scope{}
}

// Require refuses with 403 unless a has one of the roles.
func (a Actor) Require(roles ...Role) error {
	if slices.Contains(roles, a.Role) {
		return nil
	}
	return Errorf(KindForbidden, "role-not-allowed", "您的岗位不能办理这项操作，请由%s办理", RoleLabels(roles))
}
