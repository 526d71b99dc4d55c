package loan

import (
	"time"

	"fumin/domain"
)

// Subject is the kind of thing an event is about.
type Subject string

// The subjects of events.
const (
	SubjectApplication  Subject = "application"  // 贷款申请
	SubjectDisbursement Subject = "disbursement" // 放款
)

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
