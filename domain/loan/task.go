package loan

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"fumin/domain"
	"fumin/domain/decision"
	"fumin/domain/money"
)

// TaskKind is what a referred case waits for (审查事项).
type TaskKind string

// The kinds of task.
const (
	TaskSiteVisit          TaskKind = "site_visit"          // 实地调查
	TaskGuaranteeAnswer    TaskKind = "guarantee_answer"    // 农担公司答复
	TaskBureauConfirmation TaskKind = "bureau_confirmation" // 乡村振兴局确认
	TaskPapers             TaskKind = "papers"              // 补充资料
	TaskReviewerOpinion    TaskKind = "reviewer_opinion"    // 审查意见
	TaskHigherApproval     TaskKind = "higher_approval"     // 上报有权审批人
)

// TaskKinds lists every kind.
func TaskKinds() []TaskKind {
	return []TaskKind{TaskSiteVisit, TaskGuaranteeAnswer, TaskBureauConfirmation, TaskPapers, TaskReviewerOpinion, TaskHigherApproval}
}

// Valid reports whether k is one of TaskKinds.
func (k TaskKind) Valid() bool { return slices.Contains(TaskKinds(), k) }

// Label is the kind in Chinese.
func (k TaskKind) Label() string {
	switch k {
	case TaskSiteVisit:
		return "实地调查"
	case TaskGuaranteeAnswer:
		return "农担公司答复"
	case TaskBureauConfirmation:
		return "乡村振兴局确认"
	case TaskPapers:
		return "补充资料"
	case TaskReviewerOpinion:
		return "审查意见"
	case TaskHigherApproval:
		return "上报有权审批人"
	}
	return string(k)
}

// TaskStatus is where a task stands.
type TaskStatus string

// The statuses of a task.
const (
	TaskOpen      TaskStatus = "open"      // 待办
	TaskDone      TaskStatus = "done"      // 已办
	TaskCancelled TaskStatus = "cancelled" // 已取消
)

// TaskStatuses lists every status.
func TaskStatuses() []TaskStatus { return []TaskStatus{TaskOpen, TaskDone, TaskCancelled} }

// Valid reports whether s is one of TaskStatuses.
func (s TaskStatus) Valid() bool { return slices.Contains(TaskStatuses(), s) }

// Label is the status in Chinese.
func (s TaskStatus) Label() string {
	switch s {
	case TaskOpen:
		return "待办"
	case TaskDone:
		return "已办"
	case TaskCancelled:
		return "已取消"
	}
	return string(s)
}

// Limits of tasks.
const (
	TasksOfCaseMax = 200 // of one application, all rounds together
	TaskTextMax    = 500 // characters of what it is for and of what came of it
)

// The actions on tasks, site visits and votes.
const (
	ActionAssign   Action = "assign"   // 指派
	ActionComplete Action = "complete" // 办结
	ActionEscalate Action = "escalate" // 上报
	ActionConfirm  Action = "confirm"  // 确认
	ActionVote     Action = "vote"     // 表决
)

// Task is something a person has to do before a referred case can be approved (审查事项).
type Task struct {
	ID            domain.ID
	ApplicationID domain.ID
	BranchID      domain.ID
	DecisionID    domain.ID // the decision that asked for it: the round (轮次)
	Kind          TaskKind
	Blocking      bool         // nobody approves while it is open
	Text          string       // what is to be done, Chinese
	AmountNeeded  money.Amount // with TaskHigherApproval: the authority that is needed at least
	OwnerRole     domain.Role  // who should take it
	OwnerID       domain.ID    // who has taken it; zero: nobody yet
	DueAt         time.Time
	Status        TaskStatus
	Result        string // what came of it, or why it was cancelled
	CreatedAt     time.Time
	ClosedBy      domain.ID
	ClosedAt      time.Time
	Version       int
}

// Overdue reports whether an open task is past its time.
func (t Task) Overdue(at time.Time) bool { return t.Status == TaskOpen && t.DueAt.Before(at) }

// NewTask makes an open task, with its event.
func NewTask(by domain.Actor, at time.Time, t Task) (Task, Event) {
	t.Status, t.CreatedAt, t.Version = TaskOpen, at, 1
	action := ActionCreate
	notes := []Note{{"kind", string(t.Kind)}, {"blocking", fmt.Sprint(t.Blocking)}}
	if t.Kind == TaskHigherApproval {
		action, notes = ActionEscalate, append(notes, Note{"amount_needed", t.AmountNeeded.String()})
	}
	return t, t.event(by, at, action, "", notes...)
}

// Assign gives an open task to somebody (指派).
func (t Task) Assign(by domain.Actor, at time.Time, owner domain.ID) (Task, Event, error) {
	if err := t.mustBeOpen(); err != nil {
		return t, Event{}, err
	}
	t.OwnerID = owner
	t.Version++
	return t, t.event(by, at, ActionAssign, TaskOpen, Note{"owner_id", owner.String()}), nil
}

// Complete closes a task with what came of it (办结).
func (t Task) Complete(by domain.Actor, at time.Time, result string) (Task, Event, error) {
	return t.close(by, at, TaskDone, ActionComplete, result)
}

// Cancel closes a task that need not be done (取消).
func (t Task) Cancel(by domain.Actor, at time.Time, reason string) (Task, Event, error) {
	return t.close(by, at, TaskCancelled, ActionCancel, reason)
}

// Escalate notes another attempt to approve with too little authority; the task asks for the greatest amount tried.
func (t Task) Escalate(by domain.Actor, at time.Time, needed money.Amount, notes ...Note) (Task, Event, error) {
	if err := t.mustBeOpen(); err != nil {
		return t, Event{}, err
	}
	if needed.Cmp(t.AmountNeeded) > 0 {
		t.AmountNeeded = needed
	}
	t.Version++
	return t, t.event(by, at, ActionEscalate, TaskOpen, append(notes, Note{"amount_needed", needed.String()})...), nil
}

func (t Task) close(by domain.Actor, at time.Time, to TaskStatus, action Action, text string) (Task, Event, error) {
	if err := t.mustBeOpen(); err != nil {
		return t, Event{}, err
	}
	if n := utf8.RuneCountInString(text); n < 1 || n > TaskTextMax {
		var p domain.Problems
		p.Add("/result", "out-of-range", "请写明结果，1 至 %d 个字", TaskTextMax)
		return t, Event{}, p.Err()
	}
	t.Status, t.Result, t.ClosedBy, t.ClosedAt = to, text, by.ID, at
	t.Version++
	return t, t.event(by, at, action, TaskOpen, Note{"kind", string(t.Kind)}), nil
}

func (t Task) mustBeOpen() error {
	if t.Status != TaskOpen {
		return domain.Errorf(domain.KindConflict, "task-closed", "这项「%s」目前为「%s」，不能再办理", t.Kind.Label(), t.Status.Label())
	}
	return nil
}

func (t Task) event(by domain.Actor, at time.Time, action Action, from TaskStatus, notes ...Note) Event {
	return Event{
		Subject: SubjectTask, SubjectID: t.ID, Version: t.Version, CaseID: t.ApplicationID, BranchID: t.BranchID,
		Action: action, From: string(from), To: string(t.Status),
		ActorID: by.ID, ActorName: by.Name, ActorRole: by.Role, At: at, Detail: notes,
	}
}

// Routing is a task that a decision asks for.
type Routing struct {
	Kind     TaskKind
	Blocking bool
	Text     string
}

// RoutingOf says what a referred case needs: the tasks the rules ask for, or where they ask for none, one from the reasons
// for which it was referred; one task of a kind, with everything of that kind in its text. A reason that no special task answers
// needs a reviewer's opinion. The opinion advises the approver and does not bind: the approver's own signature is the decision.
// The guarantee company's answer may come after the approval: without its letter nothing is paid.
func RoutingOf(o decision.Outcome) []Routing {
	if o.Result != decision.Refer {
		return nil
	}
	var tasks []Routing
	add := func(kind TaskKind, text string) {
		at := slices.IndexFunc(tasks, func(t Routing) bool { return t.Kind == kind })
		if at < 0 {
			tasks = append(tasks, Routing{Kind: kind, Blocking: kind != TaskReviewerOpinion && kind != TaskGuaranteeAnswer, Text: shorten(text)})
			return
		}
		if !strings.Contains(tasks[at].Text, text) {
			tasks[at].Text = shorten(tasks[at].Text + "；" + text)
		}
	}
	for _, t := range o.Tasks {
		text := t.Text
		if len(t.Bring) > 0 {
			text += "（须带：" + strings.Join(t.Bring, "、") + "）"
		}
		if kind := TaskKind(t.Kind); kind.Valid() {
			add(kind, text)
		}
	}
	if len(tasks) > 0 {
		return tasks
	}
	for _, r := range o.Referred() {
		text := r.Text
		if r.Suggestion != "" {
			text += "：" + r.Suggestion
		}
		add(taskOfFact(r.FactName), text)
	}
	return tasks
}

func taskOfFact(name decision.FactName) TaskKind {
	switch name { //nolint:exhaustive // every other fact is for a reviewer to look at
	case decision.FactSiteVisitDone, decision.FactSiteVisitRequired:
		return TaskSiteVisit
	case decision.FactGuaranteeLetterLive:
		return TaskGuaranteeAnswer
	case decision.FactOnRecommendedList:
		return TaskBureauConfirmation
	case decision.FactCreditConsentLive, decision.FactBirthDate:
		return TaskPapers
	}
	return TaskReviewerOpinion
}

func shorten(text string) string {
	if runes := []rune(text); len(runes) > TaskTextMax {
		return string(runes[:TaskTextMax-1]) + "…"
	}
	return text
}

// taskDays is how many days a task has: configure to your credit policy.
func taskDays(kind TaskKind) int {
	switch kind {
	case TaskSiteVisit, TaskPapers:
		return 3
	case TaskGuaranteeAnswer, TaskBureauConfirmation:
		return 5
	case TaskReviewerOpinion, TaskHigherApproval:
		return 2
	}
	return 1
}

// TaskFor is the task a routing makes of a case: the officer gets what happens in the village, a reviewer the opinion.
func TaskFor(id domain.ID, app Record, r Routing, at time.Time) Task {
	t := Task{
		ID: id, ApplicationID: app.ID, BranchID: app.BranchID, DecisionID: app.DecisionID,
		Kind: r.Kind, Blocking: r.Blocking, Text: r.Text, DueAt: at.AddDate(0, 0, taskDays(r.Kind)),
	}
	switch r.Kind {
	case TaskSiteVisit, TaskGuaranteeAnswer, TaskBureauConfirmation, TaskPapers:
		t.OwnerRole, t.OwnerID = domain.RoleLoanOfficer, app.OfficerID
	case TaskReviewerOpinion:
		t.OwnerRole = domain.RoleRiskManager
	case TaskHigherApproval:
		t.OwnerRole = domain.RoleApprover
	}
	return t
}

// CheckReady refuses an approval while a blocking task of the case is open, by name.
func CheckReady(tasks []Task) error {
	var open string
	for _, t := range tasks {
		if t.Status == TaskOpen && t.Blocking {
			if open != "" {
				open += "、"
			}
			open += t.Kind.Label()
		}
	}
	if open == "" {
		return nil
	}
	return domain.Errorf(domain.KindRule, "tasks-open", "还有未办结的事项：%s；办结后才能批准", open)
}
