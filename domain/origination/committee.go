package origination

import (
	"context"
	"slices"
	"time"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/product"
	"fumin/domain/staff"
)

// Committee is where a case stands before the review committee (贷审会).
type Committee struct {
	Required  bool
	Authority staff.Authority // the committee's rule: members, quorum, majority; zero when not required
	Votes     []loan.Vote     // of this round, in the order in which they were cast
	InFavour  int
	Against   int
	Carried   bool // enough votes, enough of them in favour
	Closed    bool // carried or lost whatever the members who have not voted would say
}

// committeeOf looks up whether an amount of a case needs the committee on the day, and where it stands.
func committeeOf(ctx context.Context, r Reader, all []staff.Authority, rec loan.Record, version product.Version, amount money.Amount, on domain.Date) (Committee, error) {
	tier, err := version.GuaranteeFor(amount)
	if err != nil {
		return Committee{}, err
	}
	rule, found := staff.AuthorityFor(all, staff.AuthorityQuestion{
		Kind: staff.AuthorityCommittee, ProductCode: rec.ProductCode, GuaranteeKind: string(tier.Kind), RegionCode: rec.RegionCode, On: on,
	})
	if !found || amount.Cmp(rule.Amount) <= 0 {
		return Committee{}, nil
	}
	c := Committee{Required: true, Authority: rule}
	c.Votes, err = r.Votes(ctx, rec.ID, rec.DecisionID)
	if err != nil {
		return Committee{}, err
	}
	c.InFavour, c.Against = loan.Count(c.Votes, func(id domain.ID) bool { return slices.Contains(rule.Members, id) })
	c.Carried = rule.Carried(c.InFavour, c.Against)
	missing := len(rule.Members) - c.InFavour - c.Against
	c.Closed = rule.Lost(c.InFavour, c.Against) || c.Carried && rule.Carried(c.InFavour, c.Against+missing)
	return c, nil
}

// checkCommittee refuses an approval that the committee has not carried.
func (a *approvalCase) checkCommittee(ctx context.Context, r Reader) error {
	c, err := committeeOf(ctx, r, a.all, a.rec, a.version, a.granted.Amount, a.question.On)
	if err != nil || !c.Required {
		return err
	}
	if !c.Carried {
		return domain.Errorf(domain.KindRule, "committee-required",
			"%s 元以上须经贷审会：法定人数 %d 人，已投 %d 票（同意 %d、反对 %d），通过后才能批准",
			c.Authority.Amount.Grouped(), c.Authority.Quorum, c.InFavour+c.Against, c.InFavour, c.Against)
	}
	for _, v := range c.Votes {
		if a.granted.Amount.Cmp(v.Amount) > 0 {
			return domain.Errorf(domain.KindRule, "committee-required", "贷审会审议的是 %s 元，不能批准 %s 元", v.Amount.Grouped(), a.granted.Amount.Grouped())
		}
	}
	return nil
}

// CastVote is a member's vote on a case.
type CastVote struct {
	ApplicationID domain.ID
	InFavour      bool
	Reason        string
}

// Vote casts a member's vote (贷审会表决): once a round, and never on a case of one's own. It closes when the votes that are
// missing can no longer change the outcome.
func (s *Reviews) Vote(ctx context.Context, by domain.Actor, key Idempotency, cmd CastVote) (committee Committee, replayed bool, err error) {
	now, id := s.now(), s.newID()
	err = s.store.Update(ctx, func(tx Tx) error {
		app, err := tx.LockApplication(ctx, by.Scope(), cmd.ApplicationID)
		if err != nil {
			return err
		}
		rec := app.Record()
		prior, err := tx.ClaimIdempotencyKey(ctx, by.ID, key, id, now)
		if err != nil {
			return err
		}
		if prior.IsZero() {
			if err := castVote(ctx, tx, by, rec, loan.Vote{ID: id, InFavour: cmd.InFavour, Reason: cmd.Reason}, domain.DateOf(now), now); err != nil {
				return err
			}
		}
		committee, err = committeeToday(ctx, tx, rec, domain.DateOf(now))
		replayed = !prior.IsZero()
		return err
	})
	return committee, replayed, err
}

// castVote holds a vote against the committee's rule and stores it.
func castVote(ctx context.Context, tx Tx, by domain.Actor, rec loan.Record, v loan.Vote, today domain.Date, now time.Time) error {
	investigators, err := tx.Investigators(ctx, rec.ID)
	if err != nil {
		return err
	}
	vote, event, err := loan.CastVote(by, now, rec, investigators, v)
	if err != nil {
		return err
	}
	c, err := committeeToday(ctx, tx, rec, today)
	if err != nil {
		return err
	}
	switch {
	case !c.Required:
		return domain.Errorf(domain.KindRule, "committee-not-required", "这笔申请不需要上贷审会")
	case !slices.Contains(c.Authority.Members, by.ID):
		return domain.Errorf(domain.KindForbidden, "not-a-member", "您不是审议这笔申请的贷审会成员")
	case slices.ContainsFunc(c.Votes, func(v loan.Vote) bool { return v.MemberID == by.ID }):
		return domain.Errorf(domain.KindConflict, "already-voted", "您已经就这笔申请投过票，投票不能更改")
	case c.Closed:
		return domain.Errorf(domain.KindConflict, "committee-closed", "贷审会表决已有结果（同意 %d、反对 %d），不再接受投票", c.InFavour, c.Against)
	}
	vote.AuthorityID = c.Authority.ID
	return tx.InsertVote(ctx, vote, event)
}

// Committee tells where a case stands before the committee.
func (s *Reviews) Committee(ctx context.Context, by domain.Actor, applicationID domain.ID) (Committee, error) {
	if err := by.Require(staffOfTheCase...); err != nil {
		return Committee{}, err
	}
	rec, err := s.store.Application(ctx, by.Scope(), applicationID)
	if err != nil {
		return Committee{}, err
	}
	if rec.DecisionID.IsZero() {
		return Committee{}, nil
	}
	return committeeToday(ctx, s.store, rec, domain.DateOf(s.now()))
}

// committeeToday is committeeOf for what was asked.
func committeeToday(ctx context.Context, r Reader, rec loan.Record, today domain.Date) (Committee, error) {
	if rec.ProductVersionID.IsZero() {
		return Committee{}, nil
	}
	version, err := r.ProductVersion(ctx, rec.ProductVersionID)
	if err != nil {
		return Committee{}, err
	}
	all, err := r.AuthoritiesInForce(ctx, today)
	if err != nil {
		return Committee{}, err
	}
	return committeeOf(ctx, r, all, rec, version, rec.Request.Amount, today)
}
