package loan

import (
	"fmt"
	"slices"
	"time"

	"fumin/domain"
)

// HoldStatus is where a hold stands (冻结状态).
type HoldStatus string

// The statuses of a hold. One whose time has passed holds nothing any more, also before a worker has noted it as ended.
const (
	HoldLive     HoldStatus = "live"     // 冻结中
	HoldReleased HoldStatus = "released" // 已解除
	HoldEnded    HoldStatus = "ended"    // 已到期
)

// HoldStatuses lists every status.
func HoldStatuses() []HoldStatus { return []HoldStatus{HoldLive, HoldReleased, HoldEnded} }

// Valid reports whether s is one of HoldStatuses.
func (s HoldStatus) Valid() bool { return slices.Contains(HoldStatuses(), s) }

// Label is the status in Chinese.
func (s HoldStatus) Label() string {
	switch s {
	case HoldLive:
		return "冻结中"
	case HoldReleased:
		return "已解除"
	case HoldEnded:
		return "已到期"
	}
	return string(s)
}

// The actions on a hold.
const (
	ActionPlaceHold   Action = "place_hold"   // 冻结
	ActionReleaseHold Action = "release_hold" // 解除冻结
	ActionEndHold     Action = "end_hold"     // 冻结到期
)

// HoldDaysMax bounds a hold: longer than that is a decision about the case, not a pause.
const HoldDaysMax = 180

var holdKeeper = []domain.Role{domain.RoleDisbursementOfficer, domain.RoleRiskManager, domain.RoleBranchManager}

// HoldRecord is a pause of the money of one case (冻结、静置): for a reason, until a time, released early only by a second
// person.
type HoldRecord struct {
	ID            domain.ID
	ApplicationID domain.ID
	BranchID      domain.ID
	BorrowerID    domain.ID
	Reason        string // 1 to ReasonMax characters
	Until         time.Time
	PlacedBy      domain.ID
	PlacedAt      time.Time
	ReleasedBy    domain.ID // zero unless released
	ReleasedAt    time.Time // when it was released, or noted as ended; zero while live
	ReleaseReason string
	Status        HoldStatus
	Version       int
}

// LiveAt reports whether the hold stops money at the time.
func (r HoldRecord) LiveAt(at time.Time) bool { return r.Status == HoldLive && at.Before(r.Until) }

// Hold is what may happen to one. Only this package changes a HoldRecord.
type Hold struct{ rec HoldRecord }

// PlaceHold stops all payments of a case that were not sent yet (冻结). Whether any can still follow on a closed case, its line says.
func PlaceHold(by domain.Actor, at time.Time, id domain.ID, app Record, reason string, until time.Time) (*Hold, Event, error) {
	placer := append(slices.Clone(holdKeeper), domain.RoleLoanOfficer, domain.RoleApprover, domain.RoleAuditor) // anybody who has a doubt
	if !slices.Contains(placer, by.Role) {
		return nil, Event{}, errRole(ActionPlaceHold, placer)
	}
	var p domain.Problems
	if n := len([]rune(reason)); n == 0 || n > ReasonMax {
		p.Add("/reason", "out-of-range", "请说明原因，1 至 %d 个字", ReasonMax)
	}
	if !until.After(at) || until.After(at.AddDate(0, 0, HoldDaysMax)) {
		p.Add("/until", "out-of-range", "冻结截止时间应在现在之后、%d 天之内", HoldDaysMax)
	}
	if err := p.Err(); err != nil {
		return nil, Event{}, err
	}
	if app.Status == StatusDeclined || app.Status == StatusWithdrawn {
		return nil, Event{}, domain.Errorf(domain.KindConflict, "wrong-status", "申请目前处于「%s」，没有可以冻结的放款", app.Status.Label())
	}
	h := &Hold{rec: HoldRecord{
		ID: id, ApplicationID: app.ID, BranchID: app.BranchID, BorrowerID: app.BorrowerID, Reason: reason, Until: until.UTC(),
		PlacedBy: by.ID, PlacedAt: at, Status: HoldLive, Version: 1,
	}}
	return h, h.event(by, at, ActionPlaceHold, "", Note{"reason", reason}, Note{"until", h.rec.Until.Format(time.RFC3339)}), nil
}

// RestoreHold makes a hold of a stored record and refuses one that cannot be.
func RestoreHold(r HoldRecord) (*Hold, error) {
	switch {
	case !r.Status.Valid():
		return nil, fmt.Errorf("hold %s: unknown status %q", r.ID, r.Status)
	case r.ID.IsZero() || r.ApplicationID.IsZero() || r.PlacedBy.IsZero() || r.Version < 1 || !r.Until.After(r.PlacedAt):
		return nil, fmt.Errorf("hold %s: incomplete", r.ID)
	case (r.Status == HoldReleased) == r.ReleasedBy.IsZero() || (r.Status == HoldLive) != r.ReleasedAt.IsZero() || r.ReleasedBy == r.PlacedBy:
		return nil, fmt.Errorf("hold %s: %s, released by %q", r.ID, r.Status, r.ReleasedBy)
	}
	return &Hold{rec: r}, nil
}

// Record returns a copy of what the hold is.
func (h *Hold) Record() HoldRecord { return h.rec }

// Release ends the hold before its time (解除冻结), by another person than who placed it.
func (h *Hold) Release(by domain.Actor, at time.Time, reason string) (Event, error) {
	if !slices.Contains(holdKeeper, by.Role) {
		return Event{}, errRole(ActionReleaseHold, holdKeeper)
	}
	if by.ID == h.rec.PlacedBy {
		return Event{}, domain.Errorf(domain.KindForbidden, "four-eyes", "冻结应由另一人解除，请由冻结人以外的放款岗、风险经理或机构负责人办理")
	}
	if !h.rec.LiveAt(at) {
		return Event{}, domain.Errorf(domain.KindConflict, "wrong-status", "这次冻结已解除或已到期，无需再解除")
	}
	h.rec.ReleasedBy, h.rec.ReleaseReason = by.ID, reason
	return h.become(by, at, ActionReleaseHold, HoldReleased, Note{"reason", reason}), nil
}

// End notes that the hold's time has passed (冻结到期).
func (h *Hold) End(by domain.Actor, at time.Time) (Event, error) {
	if !slices.Contains(system, by.Role) {
		return Event{}, errRole(ActionEndHold, system)
	}
	if h.rec.Status != HoldLive || at.Before(h.rec.Until) {
		return Event{}, domain.Errorf(domain.KindConflict, "wrong-status", "这次冻结还没有到期，或已经结束")
	}
	return h.become(by, at, ActionEndHold, HoldEnded), nil
}

func (h *Hold) become(by domain.Actor, at time.Time, action Action, to HoldStatus, notes ...Note) Event {
	from := h.rec.Status
	h.rec.Status, h.rec.ReleasedAt = to, at
	h.rec.Version++
	return h.event(by, at, action, from, notes...)
}

func (h *Hold) event(by domain.Actor, at time.Time, action Action, from HoldStatus, notes ...Note) Event {
	return Event{
		Subject: SubjectHold, SubjectID: h.rec.ID, Version: h.rec.Version, CaseID: h.rec.ApplicationID, BranchID: h.rec.BranchID,
		Action: action, From: string(from), To: string(h.rec.Status),
		ActorID: by.ID, ActorName: by.Name, ActorRole: by.Role, At: at, Detail: notes,
	}
}

// paymentLabel is the label of an action on a hold, a reversal, a plan of tranches or an obligation; others are a line's.
func paymentLabel(a Action) string {
	switch a { //nolint:exhaustive // the other actions have their labels beside themselves
	case ActionPlaceHold:
		return "冻结"
	case ActionReleaseHold:
		return "解除冻结"
	case ActionEndHold:
		return "冻结到期"
	case ActionRequestReversal:
		return "申请冲正"
	case ActionConfirmReversal:
		return "确认冲正"
	case ActionRejectReversal:
		return "驳回冲正"
	case ActionReverse:
		return "退汇冲正"
	case ActionPlanTranches:
		return "登记放款计划"
	case ActionFulfilCondition:
		return "落实放款条件"
	case ActionFulfilEvidence:
		return "补交用途凭证"
	}
	return lineLabel(a)
}
