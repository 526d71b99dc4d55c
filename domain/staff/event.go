package staff

import (
	"time"

	"fumin/domain"
)

// Subject is the kind of thing an event is about.
type Subject string

// The subjects.
const (
	SubjectUser           Subject = "user"            // 员工
	SubjectServiceAccount Subject = "service_account" // 服务账号
	SubjectBranch         Subject = "branch"          // 机构
	SubjectAuthority      Subject = "authority"       // 审批权限
	SubjectDelegation     Subject = "delegation"      // 转授权
)

// Action is what happened.
type Action string

// The actions.
const (
	ActionLogin          Action = "login"           // 登录成功
	ActionLoginFailed    Action = "login_failed"    // 登录失败
	ActionLoginLocked    Action = "login_locked"    // 登录失败过多，锁定
	ActionSessionEnd     Action = "session_end"     // 会话结束（退出、令牌被重复使用等）
	ActionIssueToken     Action = "issue_token"     // 服务账号取得令牌
	ActionCreate         Action = "create"          // 新建
	ActionChange         Action = "change"          // 修改
	ActionDeactivate     Action = "deactivate"      // 停用
	ActionChangePassword Action = "change_password" // 本人修改口令
	ActionResetPassword  Action = "reset_password"  // 管理员重置口令
	ActionStrengthenHash Action = "strengthen_hash" // 口令散列参数升级
	ActionDraft          Action = "draft"           // 起草审批权限
	ActionActivate       Action = "activate"        // 启用审批权限
	ActionEnd            Action = "end"             // 终止审批权限、撤销转授权
	ActionAskEnd         Action = "ask_end"         // 申请终止收紧权限的一条，待另一人办理
	ActionDelegate       Action = "delegate"        // 转授权
)

// Event is one line of the staff's audit trail: who did what to whom, when. It never carries a secret, nor what somebody
// typed as a user name (people type their password there).
type Event struct {
	ID        domain.ID
	Subject   Subject
	SubjectID domain.ID
	BranchID  domain.ID // the subject's; zero for a service account
	Action    Action
	ActorID   domain.ID
	ActorName string
	ActorRole domain.Role
	At        time.Time
	Detail    []Note
}

// Note is a fact worth keeping with an event: a name and a value, shown as they are.
type Note struct{ Name, Value string }

// The notes by which an event of a branch says what the branch is called from then on, and was called until then.
const (
	NoteName       = "name"
	NoteNameBefore = "name_before"
)
