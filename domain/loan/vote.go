package loan

import (
	"strconv"
	"time"
	"unicode/utf8"

	"fumin/domain"
	"fumin/domain/money"
)

// Vote is one member's vote in the review committee (贷审会表决). It is cast once and never changed.
type Vote struct {
	ID            domain.ID
	ApplicationID domain.ID
	BranchID      domain.ID
	DecisionID    domain.ID    // the round: a case that is decided anew is voted on anew
	AuthorityID   domain.ID    // the committee's rule
	MemberID      domain.ID    // 委员
	Amount        money.Amount // what was before the committee: at most this much may be approved by it
	InFavour      bool
	Reason        string // 意见
	CastAt        time.Time
}

// CastVote makes a vote. Whether the member belongs to the committee is for the caller, who knows it; that nobody votes on a
// case he has prepared is said here.
func CastVote(by domain.Actor, at time.Time, app Record, investigators []domain.ID, v Vote) (Vote, Event, error) {
	if app.Status != StatusReviewing {
		return v, Event{}, domain.Errorf(domain.KindConflict, "wrong-status", "申请目前处于「%s」，只有审查审批中的申请可以表决", app.Status.Label())
	}
	if CheckReviewer(app, investigators, by.ID) != nil {
		return v, Event{}, domain.Errorf(domain.KindForbidden, "four-eyes", "经办人和实地调查人不能就自己的申请参加贷审会表决")
	}
	if n := utf8.RuneCountInString(v.Reason); n < 1 || n > ReasonMax {
		var p domain.Problems
		p.Add("/reason", "out-of-range", "请写明意见，1 至 %d 个字", ReasonMax)
		return v, Event{}, p.Err()
	}
	v.ApplicationID, v.BranchID, v.DecisionID, v.MemberID, v.CastAt = app.ID, app.BranchID, app.DecisionID, by.ID, at
	v.Amount = app.Request.Amount
	return v, Event{
		Subject: SubjectVote, SubjectID: v.ID, Version: 1, CaseID: app.ID, BranchID: app.BranchID, Action: ActionVote, To: "cast",
		ActorID: by.ID, ActorName: by.Name, ActorRole: by.Role, At: at,
		Detail: []Note{{"in_favour", strconv.FormatBool(v.InFavour)}, {"amount", v.Amount.String()}},
	}, nil
}

// Count counts the votes of the members for and against.
func Count(votes []Vote, isMember func(domain.ID) bool) (inFavour, against int) {
	for _, v := range votes {
		switch {
		case !isMember(v.MemberID): // a former member's vote counts no longer
		case v.InFavour:
			inFavour++
		default:
			against++
		}
	}
	return inFavour, against
}
