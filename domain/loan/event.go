package loan

import (
	"slices"
	"time"

	"fumin/domain"
)

// Subject is the kind of thing an event is about.
type Subject string

// The subjects of events.
const (
	SubjectApplication  Subject = "application"  // 贷款申请
	SubjectDisbursement Subject = "disbursement" // 放款
	SubjectTransfer     Subject = "transfer"     // 付款（每个收款人一笔）
	SubjectReversal     Subject = "reversal"     // 冲正
	SubjectHold         Subject = "hold"         // 冻结/静置
	SubjectTask         Subject = "task"         // 审查事项
	SubjectVote         Subject = "vote"         // 贷审会表决
	SubjectSiteVisit    Subject = "site_visit"   // 实地调查
	SubjectSignature    Subject = "signature"    // 签署
	SubjectGuarantee    Subject = "guarantee"    // 农担公司担保
	SubjectLine         Subject = "line"         // 授信额度
	SubjectLoanNote     Subject = "loan_note"    // 借据
	SubjectRepayment    Subject = "repayment"    // 还款
	SubjectRenewal      Subject = "renewal"      // 续贷
	SubjectDocument     Subject = "document"     // 申请资料
	SubjectEnquiry      Subject = "enquiry"      // 外部查询
)

// Subjects lists every subject.
func Subjects() []Subject {
	return []Subject{
		SubjectApplication, SubjectDisbursement, SubjectTransfer, SubjectReversal, SubjectHold, SubjectTask, SubjectVote,
		SubjectSiteVisit, SubjectSignature, SubjectGuarantee, SubjectLine, SubjectLoanNote, SubjectRepayment, SubjectRenewal,
		SubjectDocument, SubjectEnquiry,
	}
}

// Valid reports whether s is one of Subjects.
func (s Subject) Valid() bool { return slices.Contains(Subjects(), s) }

// Event is one line of the audit trail (审计轨迹): who did what to what, when, and where it led. Its key is the subject
// with the version the deed made, so that nothing can be done twice or unseen. It never carries personal data.
type Event struct {
	Subject   Subject
	SubjectID domain.ID
	Version   int
	CaseID    domain.ID // the application it all belongs to
	BranchID  domain.ID
	Action    Action
	From, To  string
	ActorID   domain.ID
	ActorName string
	ActorRole domain.Role
	At        time.Time
	Detail    []Note
}

// Note is a fact worth keeping with an event: a name and a value, shown as they are.
type Note struct{ Name, Value string }

// PageEventsMax bounds the events of one case in one answer.
const PageEventsMax = 1000
