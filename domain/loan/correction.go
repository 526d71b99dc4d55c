package loan

import (
	"strconv"
	"time"
	"unicode/utf8"

	"fumin/domain"
)

// MissingKind is what sort of thing is missing from a returned case.
type MissingKind string

// The kinds of missing things.
const (
	MissingDocument MissingKind = "document" // 资料
	MissingField    MissingKind = "field"    // 申请或档案中的一项
)

// Valid reports whether k is one of the constants.
func (k MissingKind) Valid() bool { return k == MissingDocument || k == MissingField }

// Limits of a return for correction.
const (
	MissingItemsMax = 30
	MissingNameMax  = 64  // characters
	MissingTextMax  = 200 // characters
	ReturnsMax      = 100 // of one case
)

// MissingItem is one thing that a returned case lacks.
type MissingItem struct {
	Kind MissingKind
	Name string // the type of document or the name of the field
	Text string // what is to be done about it
}

// Correction is a return for correction (退回补正): what an approver found missing in one round.
type Correction struct {
	ID            domain.ID
	ApplicationID domain.ID
	BranchID      domain.ID
	DecisionID    domain.ID // the round that ended with it
	Reason        string
	Items         []MissingItem
	ReturnedBy    domain.ID
	ReturnedAt    time.Time
}

// CheckMissing wants at least one thing named, each with what to do.
func CheckMissing(items []MissingItem) error {
	var p domain.Problems
	if len(items) < 1 || len(items) > MissingItemsMax {
		p.Add("/items", "out-of-range", "请写明缺什么，1 至 %d 项", MissingItemsMax)
	}
	for i, item := range items[:min(len(items), MissingItemsMax)] {
		pointer := "/items/" + strconv.Itoa(i)
		if !item.Kind.Valid() {
			p.Add(pointer+"/kind", "unknown-value", "应为 document 或 field")
		}
		if n := utf8.RuneCountInString(item.Name); n < 1 || n > MissingNameMax {
			p.Add(pointer+"/name", "out-of-range", "请写明资料种类或字段，1 至 %d 个字", MissingNameMax)
		}
		if n := utf8.RuneCountInString(item.Text); n < 1 || n > MissingTextMax {
			p.Add(pointer+"/text", "out-of-range", "请写明怎么补，1 至 %d 个字", MissingTextMax)
		}
	}
	return p.Err()
}
