package loan

import (
	"regexp"
	"slices"
	"time"
	"unicode/utf8"

	"fumin/domain"
)

// Limits of a site visit.
const (
	FindingsMax         = 2000 // characters
	VisitPhotosMax      = 50
	VisitsOfCaseMax     = 50
	visitInvestigators  = 2 // 双人调查
	visitMinimumFinding = 1
)

var photoHash = regexp.MustCompile(`^[0-9a-f]{64}$`)

// SiteVisit is a visit of the borrower by two investigators (实地调查): one records it (本人), the other was there too and
// confirms it by himself (协查). Only then it counts.
type SiteVisit struct {
	ID             domain.ID
	ApplicationID  domain.ID
	BranchID       domain.ID
	InvestigatorID domain.ID // 本人, who records it
	SecondID       domain.ID // 协查
	VisitedOn      domain.Date
	Findings       string   // 调查情况
	Photos         []string // SHA-256 of each photograph, 64 hexadecimal digits
	RecordedAt     time.Time
	ConfirmedAt    time.Time // zero until the second investigator has confirmed
	Version        int
}

// Investigators returns who made the visit.
func (v SiteVisit) Investigators() []domain.ID { return []domain.ID{v.InvestigatorID, v.SecondID} }

// CountsOn reports whether the visit counts on the day: confirmed, and no older than SiteVisitMonthsMax.
func (v SiteVisit) CountsOn(day domain.Date) bool {
	return !v.ConfirmedAt.IsZero() && !v.VisitedOn.After(day) && !v.VisitedOn.AddMonths(SiteVisitMonthsMax).Before(day)
}

// InvestigatorsOn returns how many investigators made the best visit that counts on the day; 0: there is none.
func InvestigatorsOn(visits []SiteVisit, day domain.Date) int {
	if slices.ContainsFunc(visits, func(v SiteVisit) bool { return v.CountsOn(day) }) {
		return visitInvestigators
	}
	return 0
}

// visitable are the statuses in which a visit may be recorded: before the case is decided.
var visitable = []Status{StatusDraft, StatusReviewing, StatusReturned}

// RecordSiteVisit makes a visit that waits for its second investigator.
func RecordSiteVisit(by domain.Actor, at time.Time, app Record, v SiteVisit) (SiteVisit, Event, error) {
	if !slices.Contains(visitable, app.Status) {
		return v, Event{}, domain.Errorf(domain.KindConflict, "wrong-status", "申请目前处于「%s」，批准之前才能登记实地调查", app.Status.Label())
	}
	var p domain.Problems
	if v.SecondID == by.ID {
		p.Add("/second_id", "same-person", "协查人须是另一个人")
	}
	if v.VisitedOn.IsZero() || v.VisitedOn.After(domain.DateOf(at)) {
		p.Add("/visited_on", "in-the-future", "实地调查日期不能晚于今天 %s", domain.DateOf(at))
	}
	if n := utf8.RuneCountInString(v.Findings); n < visitMinimumFinding || n > FindingsMax {
		p.Add("/findings", "out-of-range", "请写明调查情况，1 至 %d 个字", FindingsMax)
	}
	if len(v.Photos) > VisitPhotosMax || slices.ContainsFunc(v.Photos, func(h string) bool { return !photoHash.MatchString(h) }) {
		p.Add("/photos", "invalid-hash", "照片最多 %d 张，每张写明 SHA-256（64 位小写十六进制）", VisitPhotosMax)
	}
	if err := p.Err(); err != nil {
		return v, Event{}, err
	}
	v.ApplicationID, v.BranchID, v.InvestigatorID = app.ID, app.BranchID, by.ID
	v.RecordedAt, v.ConfirmedAt, v.Version = at, time.Time{}, 1
	return v, v.event(by, at, ActionCreate, "", "recorded",
		Note{"visited_on", v.VisitedOn.String()}, Note{"second_id", v.SecondID.String()}), nil
}

// Confirm is the second investigator's own word that he was there (协查人确认).
func (v SiteVisit) Confirm(by domain.Actor, at time.Time, app Record) (SiteVisit, Event, error) {
	switch {
	case by.ID != v.SecondID:
		return v, Event{}, domain.Errorf(domain.KindForbidden, "not-the-second", "实地调查须由登记的协查人本人登录确认，别人不能代为确认")
	case !v.ConfirmedAt.IsZero():
		return v, Event{}, domain.Errorf(domain.KindConflict, "visit-confirmed", "这次实地调查已经确认")
	case !slices.Contains(visitable, app.Status):
		return v, Event{}, domain.Errorf(domain.KindConflict, "wrong-status", "申请目前处于「%s」，批准之前才能确认实地调查", app.Status.Label())
	}
	v.ConfirmedAt = at
	v.Version++
	return v, v.event(by, at, ActionConfirm, "recorded", "confirmed"), nil
}

func (v SiteVisit) event(by domain.Actor, at time.Time, action Action, from, to string, notes ...Note) Event {
	return Event{
		Subject: SubjectSiteVisit, SubjectID: v.ID, Version: v.Version, CaseID: v.ApplicationID, BranchID: v.BranchID,
		Action: action, From: from, To: to, ActorID: by.ID, ActorName: by.Name, ActorRole: by.Role, At: at, Detail: notes,
	}
}
