package product

import (
	"errors"
	"slices"
	"time"

	"fumin/domain"
)

// The life of a version: draft → validated → active, and never back. Editing a validated version makes it a draft again.
// Each step returns a changed copy; the receiver stays as it was.

var errInUse = domain.Errorf(domain.KindConflict, "version-in-use", "已生效的版本不能更改，请另起草一个新版本")

// Edit replaces the content of a version that is not yet active: place, dates, terms and sources come from content; identity
// and life stay. Only its maker may edit it, because whoever wrote a part of it could otherwise activate their own work.
func (v Version) Edit(by domain.ID, at time.Time, content Version) (Version, error) {
	if v.Status == StatusActive {
		return Version{}, errInUse
	}
	if by != v.MadeBy {
		return Version{}, domain.Errorf(domain.KindForbidden, "only-maker-edits", "只有起草人可以修改草稿")
	}
	edited := content
	edited.ID, edited.ProductCode, edited.Revision = v.ID, v.ProductCode, v.Revision
	edited.MadeBy, edited.MadeAt = v.MadeBy, at
	edited.ActivatedBy, edited.ActivatedAt = "", time.Time{}
	edited.Status = StatusDraft
	return edited, nil
}

// Check validates a draft against its product and the other versions, and marks it validated. The error names every
// contradiction at once.
func (v Version) Check(p Product, others []Version, today domain.Date) (Version, error) {
	if v.Status == StatusActive {
		return Version{}, errInUse
	}
	if err := Validate(v, p, others, today); err != nil {
		return Version{}, err
	}
	checked := v
	checked.Status = StatusValidated
	return checked, nil
}

// Activation is what activating a version changes. All of it is stored in one transaction, with the product's other versions
// locked, so that of two activations for one region and date one finds the other and is refused.
type Activation struct {
	Activated Version
	Closed    *Version // the version before it, which now ends where Activated begins; nil: there was none to end
}

// Activate puts a validated version into use (启用). A second person does it (四眼原则), for a day that has not passed; a
// version is never made to have held in the past. Its neighbours are looked at again, because they may have changed since
// Check.
//
// Closing the version before sets only the end of its validity, no term; cases bound to it keep it.
func (v Version) Activate(by domain.ID, at time.Time, p Product, others []Version) (Activation, error) {
	switch today := domain.DateOf(at); {
	case v.Status == StatusActive:
		return Activation{}, errInUse
	case v.Status != StatusValidated:
		return Activation{}, domain.Errorf(domain.KindConflict, "version-not-validated", "版本尚未通过校验，请先校验")
	case by == v.MadeBy || by.IsZero():
		return Activation{}, domain.Errorf(domain.KindForbidden, "maker-is-checker", "起草人不能启用自己起草的版本，请由另一人启用")
	case v.EffectiveFrom.Before(today):
		return Activation{}, domain.Errorf(domain.KindRule, "activation-in-the-past",
			"生效日期 %s 已过，请改为 %s 或以后", v.EffectiveFrom, today)
	default:
		if err := stillFits(v, p, others, today); err != nil {
			return Activation{}, err
		}
	}

	activated := v
	activated.Status, activated.ActivatedBy, activated.ActivatedAt = StatusActive, by, at
	activation := Activation{Activated: activated}
	if before, _ := neighbours(v, others); before != nil && (before.EffectiveTo.IsZero() || before.EffectiveTo.After(v.EffectiveFrom)) {
		closed := *before
		closed.EffectiveTo = v.EffectiveFrom
		activation.Closed = &closed
	}
	return activation, nil
}

// stillFits looks again at what Check has seen. What changed since then is the calendar: another version was activated in
// between, which is a conflict (409) that its maker resolves with other dates.
func stillFits(v Version, p Product, others []Version, today domain.Date) error {
	if err := Validate(v, p, nil, today); err != nil {
		return err
	}
	var problems domain.Problems
	checkCalendar(&problems, v, others, today)
	if fields, ok := errors.AsType[*domain.Error](problems.Err()); ok {
		conflict := domain.Errorf(domain.KindConflict, "version-conflict", "校验之后已有其他版本生效，日期与本版本冲突，请由起草人调整后重新校验")
		conflict.Fields = fields.Fields
		return conflict
	}
	return nil
}

// Replaced returns the version whose place v takes, to be shown in a Diff: the one that holds on v's first day in v's
// region, by Resolve's rule; false when the product is new there.
func (v Version) Replaced(others []Version) (Version, bool) {
	without := slices.DeleteFunc(slices.Clone(others), func(o Version) bool { return o.ID == v.ID })
	replaced, err := Resolve(without, v.ProductCode, v.RegionPrefix, v.EffectiveFrom)
	return replaced, err == nil
}
