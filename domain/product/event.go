package product

import (
	"time"

	"fumin/domain"
)

// Action is what somebody did to the catalogue.
type Action string

// The actions.
const (
	ActionLoad     Action = "load"     // 随附目录载入
	ActionCreate   Action = "create"   // 新建产品
	ActionDraft    Action = "draft"    // 起草版本
	ActionEdit     Action = "edit"     // 修改草稿
	ActionValidate Action = "validate" // 通过校验
	ActionActivate Action = "activate" // 启用
	ActionClose    Action = "close"    // 因新版本启用而截止
	ActionPublish  Action = "publish"  // 录入 LPR
	ActionCorrect  Action = "correct"  // 更正 LPR
)

// Subject is what an event is about.
type Subject string

// The subjects.
const (
	SubjectProduct       Subject = "product"
	SubjectVersion       Subject = "version"
	SubjectReferenceRate Subject = "reference_rate"
)

// Event is one line of the catalogue's history: who did what, and when. It is written in the transaction that does it and
// never changed.
type Event struct {
	Subject     Subject
	SubjectID   string // a product's code; a version's or a reference rate's id
	Revision    int    // of the subject after the deed; unique together with SubjectID
	ProductCode string // empty for a reference rate
	Action      Action
	ActorID     domain.ID
	ActorName   string
	ActorRole   domain.Role
	At          time.Time
	Detail      []Note
}

// Note is one line of an event's detail.
type Note struct{ Name, Value string }

// EventsMax bounds how much of a product's history one answer shows.
const EventsMax = 500
