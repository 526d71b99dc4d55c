package staff

import (
	"time"
	"unicode/utf8"

	"fumin/domain"
)

// Delegation lets one approver stand in for another for some days (转授权): on leave, on a course. What is delegated is the
// authority the absent person has by the lender's own rows; what was delegated to that person is not passed on.
type Delegation struct {
	ID        domain.ID
	BranchID  domain.ID   // the absent person's
	FromID    domain.ID   // 委托人, who is away
	ToID      domain.ID   // 受托人, who stands in
	StartsOn  domain.Date // first day
	EndsOn    domain.Date // last day
	Reason    string
	MadeBy    domain.ID
	MadeAt    time.Time
	RevokedBy domain.ID // zero while it stands
	RevokedAt time.Time
	Version   int
}

// Validate collects what is wrong with a delegation by itself.
func (d Delegation) Validate() error {
	var p domain.Problems
	if d.FromID == d.ToID {
		p.Add("/to_id", "delegation-to-self", "不能转授权给自己")
	}
	switch {
	case d.StartsOn.IsZero() || d.EndsOn.IsZero() || d.EndsOn.Before(d.StartsOn):
		p.Add("/ends_on", "not-after-start", "结束日期不能早于开始日期")
	case d.EndsOn.After(d.StartsOn.AddDays(delegationDaysMax)):
		p.Add("/ends_on", "out-of-range", "一次转授权最多 %d 天", delegationDaysMax)
	}
	if n := utf8.RuneCountInString(d.Reason); n < 1 || n > DelegationReasonMax {
		p.Add("/reason", "out-of-range", "请说明原因，1 至 %d 个字", DelegationReasonMax)
	}
	return p.Err()
}

// Holds reports whether the delegation stands on the day.
func (d Delegation) Holds(on domain.Date) bool {
	return d.RevokedAt.IsZero() && !d.StartsOn.After(on) && !d.EndsOn.Before(on)
}

// overlaps reports whether both stand on some same day.
func (d Delegation) overlaps(o Delegation) bool {
	return d.RevokedAt.IsZero() && o.RevokedAt.IsZero() && !d.StartsOn.After(o.EndsOn) && !o.StartsOn.After(d.EndsOn)
}

// CheckChain refuses a delegation that would hand on an authority which is itself lent, or bring it back to its owner by two
// hops: while somebody stands in for another, neither passes his authority on to a third.
func (d Delegation) CheckChain(others []Delegation) error {
	for _, o := range others {
		if o.ID == d.ID || !d.overlaps(o) {
			continue
		}
		switch {
		case o.FromID == d.ToID && o.ToID == d.FromID:
			return domain.Errorf(domain.KindRule, "delegation-chain", "对方在 %s 至 %s 已转授权给委托人，不能互相转授权", o.StartsOn, o.EndsOn)
		case o.FromID == d.ToID:
			return domain.Errorf(domain.KindRule, "delegation-chain", "受托人在 %s 至 %s 自己也已转授权给他人，请另选受托人", o.StartsOn, o.EndsOn)
		case o.ToID == d.FromID:
			return domain.Errorf(domain.KindRule, "delegation-chain", "委托人在 %s 至 %s 正代他人审批，不能再转授权；请先撤销那次转授权", o.StartsOn, o.EndsOn)
		case o.FromID == d.FromID:
			return domain.Errorf(domain.KindRule, "delegation-overlaps", "委托人在 %s 至 %s 已有一次转授权，请先撤销或错开日期", o.StartsOn, o.EndsOn)
		}
	}
	return nil
}

// Revoke ends a delegation at once (撤销).
func (d Delegation) Revoke(by domain.ID, at time.Time) (Delegation, error) {
	if !d.RevokedAt.IsZero() {
		return d, domain.Errorf(domain.KindConflict, "delegation-revoked", "这次转授权已经撤销")
	}
	d.RevokedBy, d.RevokedAt = by, at
	d.Version++
	return d, nil
}
