package origination

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"fumin/domain"
	"fumin/domain/decision"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/product"
	"fumin/domain/staff"
)

// This file holds the self-tests of who may approve how much (审批权限自检).

// authorityName is an authority for a person.
func authorityName(a staff.Authority) string {
	who := "岗位 " + string(a.Role)
	switch {
	case a.Kind == staff.AuthorityCommittee:
		who = "贷审会"
	case !a.UserID.IsZero():
		who = "员工 " + a.UserID.String()
	}
	where := "全部产品"
	if a.ProductCode != "" {
		where = "产品 " + a.ProductCode
	}
	if a.RegionPrefix != "" {
		where += "，地区 " + a.RegionPrefix
	}
	return fmt.Sprintf("审批权限 %s（%s，%s，担保方式 %s）", a.ID, who, where, a.GuaranteeKind)
}

// caseFor is an approval of an amount that an authority was made for.
func (c *configuration) caseFor(a staff.Authority, amount money.Amount) approvalCase {
	kind := a.GuaranteeKind
	if kind == staff.GuaranteeAny {
		kind = string(product.GuaranteeCredit)
	}
	by := paperApprover.ID
	if !a.UserID.IsZero() {
		by = a.UserID
	}
	return approvalCase{
		rec: loan.Record{
			ID: paperApplicationID, OfficerID: paperOfficer.ID, SubmittedBy: paperOfficer.ID, ProductCode: a.ProductCode, RegionCode: a.RegionPrefix,
			Request: loan.Request{Amount: amount},
		},
		granted: loan.Approval{Amount: amount},
		version: product.Version{Terms: product.Terms{Guarantee: []product.GuaranteeTier{{Kind: product.GuaranteeKind(kind)}}}},
		question: approvalQuestion{amount: amount, AuthorityQuestion: staff.AuthorityQuestion{
			Kind: staff.AuthorityApprove, UserID: by, Role: domain.RoleApprover, ProductCode: a.ProductCode, GuaranteeKind: kind,
			RegionCode: a.RegionPrefix, On: c.today,
		}},
		all: c.authorities,
	}
}

// approve asks for the authority for a case, as an approval does.
func (c *configuration) approve(ctx context.Context, a approvalCase) error {
	exceeded, err := a.checkAuthority(ctx, c.paper())
	if err != nil {
		return err
	}
	return exceeded
}

// proveAuthorities approves a fen more than each holder of an authority may, and exactly what he may, where and for what the row
// names. A more specific or a greater row of the same holder counts before it, as in an approval.
func proveAuthorities(ctx context.Context, c *configuration, p *proofs) {
	if p.unreadable(c) {
		return
	}
	found := false
	for _, a := range c.authorities {
		if a.Kind == staff.AuthorityCommittee {
			continue
		}
		found = true
		question := c.caseFor(a, fen).question
		question.Kind = a.Kind
		held, _ := staff.AuthorityFor(c.authorities, question.AuthorityQuestion)
		beyond, within := c.caseFor(a, held.Amount.Add(fen)), c.caseFor(a, held.Amount)
		row := ControlProof{
			Subject: authorityName(a), Limit: "上限 " + held.Amount.Grouped() + " 元",
			Tried: "批准 " + beyond.granted.Amount.Grouped() + " 元", Within: "批准 " + held.Amount.Grouped() + " 元",
		}
		if a.Kind == staff.AuthorityOverride { // it takes the approval's authority too
			row.Tried, row.Within = "例外"+row.Tried, "例外"+row.Within
			for _, asked := range []*approvalCase{&beyond, &within} {
				asked.beyond = []domain.Field{{Pointer: "/amount", Code: "override-required", Detail: "超过申请金额"}}
			}
			plain := within
			plain.beyond = nil
			if c.approve(ctx, plain) != nil {
				row.Within, within = "", approvalCase{}
			}
		}
		if most, found := c.largestLoan(a); found && held.Amount.Cmp(most) > 0 {
			p.broken(row, "上限高于所覆盖产品的最高金额 "+most.Grouped()+" 元：没有一笔申请会被它拒绝")
			continue
		}
		var passes error
		if row.Within != "" {
			passes = c.approve(ctx, within)
		}
		p.add(row, "authority-exceeded", c.approve(ctx, beyond), passes)
	}
	if !found {
		p.none("", "没有生效的审批权限：没有人可以批准任何申请")
	}
}

// largestLoan is the greatest sum of the products on offer that an authority covers; false when it covers none.
func (c *configuration) largestLoan(a staff.Authority) (most money.Amount, covers bool) {
	for _, o := range c.offers {
		place := strings.HasPrefix(o.region, a.RegionPrefix) || strings.HasPrefix(a.RegionPrefix, o.region)
		if (a.ProductCode == "" || a.ProductCode == o.product.Code) && place {
			covers = true
			if o.version.AmountMax.Cmp(most) > 0 {
				most = o.version.AmountMax
			}
		}
	}
	return most, covers
}

// ofNobody leaves out what everybody of a role may: somebody whom no other row names has nothing then.
func ofNobody(all []staff.Authority) []staff.Authority {
	return slices.DeleteFunc(slices.Clone(all), func(a staff.Authority) bool { return a.Role != "" })
}

// proveAuthorityNeeded approves a fen by an approver whom no row names: where a person's row would let that person, and where
// nobody has one.
func proveAuthorityNeeded(ctx context.Context, c *configuration, p *proofs) {
	row := ControlProof{Subject: "全部审批权限", Limit: "没有授权即不得批准", Tried: "由没有任何授权的审批人批准 0.01 元"}
	holder := staff.Authority{GuaranteeKind: staff.GuaranteeAny}
	people := ofNobody(c.authorities)
	i := slices.IndexFunc(people, func(a staff.Authority) bool { return a.Kind == staff.AuthorityApprove })
	var within error
	if i >= 0 {
		holder = people[i]
		own := c.caseFor(holder, fen)
		own.all = people
		row.Within, within = "由有授权的 "+holder.UserID.String()+" 批准 0.01 元", c.approve(ctx, own)
	}
	holder.UserID = "" // the case is the same, and the approver is not
	asked := c.caseFor(holder, fen)
	asked.all = people
	p.add(row, "authority-exceeded", c.approve(ctx, asked), within)
}

// proveOverrideRequired approves more than was asked, and within what was asked more than the rules allow, both without a reason;
// then with a reason by somebody without override authority.
func proveOverrideRequired(ctx context.Context, c *configuration, p *proofs) {
	for _, o := range c.offers {
		less, most := o.version.AmountMax.Sub(fen), o.version.AmountMax
		if needsGuarantee(o.version, less) != needsGuarantee(o.version, most) { // more would be refused for the guarantee already
			less, most = less.Sub(fen), less
		}
		if less.Cmp(o.version.AmountMin) < 0 {
			continue
		}
		for _, attempt := range []struct {
			what          string
			asked, ruled  money.Amount
			tried, within money.Amount // within: zero where nothing may be granted
		}{
			{"", less, less, most, less},
			{"，规则允许 " + less.Grouped() + " 元", most, less, most, less},
			{"，规则一分也不允许", most, money.Amount{}, o.version.AmountMin, money.Amount{}},
		} {
			asked := "申请 " + attempt.asked.Grouped() + " 元" + attempt.what
			row := ControlProof{
				Subject: o.name(), Limit: "超出申请或规则的批复须由有例外审批权限的人写明理由",
				Tried: asked + "，未写理由批准 " + attempt.tried.Grouped() + " 元",
			}
			var passes error
			if !attempt.within.IsZero() {
				row.Within = asked + "，批准 " + attempt.within.Grouped() + " 元"
				passes = c.grant(ctx, o, attempt.asked, attempt.ruled, attempt.within)
			}
			p.add(row, "override-required", c.grant(ctx, o, attempt.asked, attempt.ruled, attempt.tried), passes)
		}
	}
	stranger := c.caseFor(staff.Authority{UserID: paperOfficer.ID, GuaranteeKind: staff.GuaranteeAny}, fen)
	stranger.beyond = []domain.Field{{Pointer: "/amount", Code: "override-required", Detail: "超过申请金额"}}
	stranger.all = append([]staff.Authority{{ // his to approve, and not to override
		Kind: staff.AuthorityApprove, UserID: paperOfficer.ID, GuaranteeKind: staff.GuaranteeAny, Amount: fen,
		Status: staff.AuthorityActive, EffectiveFrom: c.today,
	}}, ofNobody(c.authorities)...)
	p.add(ControlProof{
		Subject: "全部例外审批权限", Limit: "没有例外审批权限即不得例外批准", Tried: "由只有一般审批权限的人写明理由例外批准 0.01 元",
	}, "authority-exceeded", c.approve(ctx, stranger), nil)
}

// grant weighs what an approver would grant, without a reason, of a request of which the rules allow so much.
func (c *configuration) grant(ctx context.Context, o offer, asked, ruled, granted money.Amount) error {
	a := approvalCase{
		rec:     loan.Record{ID: paperApplicationID, Request: loan.Request{Amount: asked, TermMonths: o.version.TermMonthsMin}},
		outcome: decision.Outcome{Result: decision.Refer, AmountMax: ruled, TermMonthsMax: o.version.TermMonthsMin}, version: o.version, price: o.ceiling,
	}
	return a.grant(ctx, c.paper(), ApproveApplication{
		ID: paperApplicationID, Amount: granted, TermMonths: o.version.TermMonthsMin, AnnualRate: &o.ceiling.AnnualRateMaxPct,
	})
}

// proveApprovalBounds grants a step beyond each bound of each product, with a reason, which must not help.
func proveApprovalBounds(_ context.Context, c *configuration, p *proofs) {
	for _, o := range c.offers {
		v := o.version
		good := loan.Approval{Amount: v.AmountMin, TermMonths: v.TermMonthsMin, AnnualRate: o.ceiling.AnnualRateMaxPct, OverrideReason: "自检"}
		try := func(term product.TermName, what, code string, beyond, within func(*loan.Approval)) {
			over, under := good, good
			beyond(&over)
			within(&under)
			p.add(ControlProof{
				Subject: o.name(), Limit: termText(v, term), Tried: "例外批准，" + what + " " + approvalText(over), Within: "例外批准 " + approvalText(under),
			}, code, o.bounds(over), o.bounds(under))
		}
		try(product.TermAmountMin, "金额低于下限", "out-of-range", func(a *loan.Approval) { a.Amount = v.AmountMin.Sub(fen) }, func(*loan.Approval) {})
		try(product.TermAmountMax, "金额高于上限", "out-of-range", func(a *loan.Approval) { a.Amount = v.AmountMax.Add(fen) }, func(a *loan.Approval) { a.Amount = v.AmountMax })
		try(product.TermTermMonthsMin, "期限短于下限", "out-of-range", func(a *loan.Approval) { a.TermMonths = v.TermMonthsMin - 1 }, func(*loan.Approval) {})
		try(product.TermTermMonthsMax, "期限长于上限", "out-of-range", func(a *loan.Approval) { a.TermMonths = v.TermMonthsMax + 1 }, func(a *loan.Approval) { a.TermMonths = v.TermMonthsMax })
		if !o.priced {
			p.none(o.name(), "当日没有可用的定价基准：这个产品今天不能定价，也就不能批准")
			continue
		}
		try(product.TermPrice, "利率高于上限", "rate-above-ceiling", func(a *loan.Approval) { a.AnnualRate = a.AnnualRate.Add(money.BasisPoints(1)) }, func(*loan.Approval) {})
	}
}

func approvalText(a loan.Approval) string {
	return fmt.Sprintf("%s 元、%d 个月、年利率 %s%%", a.Amount.Grouped(), a.TermMonths, a.AnnualRate)
}

// bounds holds a grant against the product, as every approval is.
func (o offer) bounds(granted loan.Approval) error {
	a := approvalCase{
		rec: loan.Record{Request: loan.Request{Amount: granted.Amount}}, version: o.version, price: o.ceiling, granted: granted,
		beyond: []domain.Field{{Pointer: "/amount", Code: "override-required", Detail: "自检"}},
	}
	return a.checkBounds()
}

// proveRepaymentMethods asks for a way of repaying that no product offers.
func proveRepaymentMethods(_ context.Context, c *configuration, p *proofs) {
	for _, o := range c.offers {
		p.add(ControlProof{
			Subject: o.name(), Limit: termText(o.version, product.TermRepaymentMethods), Tried: "按产品没有的还款方式申请",
			Within: "按 " + product.Label(string(o.version.RepaymentMethods[0])) + " 申请",
		}, "repayment-method-not-offered", checkRepaymentMethod(o.version, "method-of-nobody"), checkRepaymentMethod(o.version, o.version.RepaymentMethods[0]))
	}
}

// ballot is what the members of a committee said.
func ballot(a staff.Authority, inFavour, against int, amount money.Amount) []loan.Vote {
	var votes []loan.Vote
	for i, member := range a.Members[:min(len(a.Members), inFavour+against)] {
		votes = append(votes, loan.Vote{MemberID: member, InFavour: i < inFavour, Amount: amount})
	}
	return votes
}

// proveCommittees approves above each committee's sum without votes, with one vote too few, against the majority, and more than
// what was voted on; and at the sum without it, and above with all votes.
func proveCommittees(ctx context.Context, c *configuration, p *proofs) {
	if p.unreadable(c) {
		return
	}
	found := false
	for _, a := range c.authorities {
		if a.Kind != staff.AuthorityCommittee {
			continue
		}
		found = true
		if most, found := c.largestLoan(a); found && a.Amount.Cmp(most) >= 0 {
			p.broken(ControlProof{Subject: authorityName(a), Limit: "超过 " + a.Amount.Grouped() + " 元上会"},
				"上会起点不低于所覆盖产品的最高金额 "+most.Grouped()+" 元：没有一笔申请会上会")
			continue
		}
		question := c.caseFor(a, fen).question
		question.Kind = staff.AuthorityCommittee
		rule, _ := staff.AuthorityFor(c.authorities, question.AuthorityQuestion) // the strictest of its kind, which may be another row
		above := rule.Amount.Add(fen)
		vote := func(amount money.Amount, votes []loan.Vote) error {
			paper, asked := c.paper(), c.caseFor(a, amount)
			paper.votes = votes
			return asked.checkCommittee(ctx, paper)
		}
		row := ControlProof{
			Subject: authorityName(rule),
			Limit: fmt.Sprintf("超过 %s 元上会，成员 %d 人，法定人数 %d 人，同意不少于 %d/%d", rule.Amount.Grouped(), len(rule.Members), rule.Quorum,
				rule.MajorityNumerator, rule.MajorityDenominator),
		}
		all := vote(above, ballot(rule, len(rule.Members), 0, above))
		row.Tried, row.Within = "未经表决批准 "+above.Grouped()+" 元", "未经表决批准 "+rule.Amount.Grouped()+" 元"
		p.add(row, "committee-required", vote(above, nil), vote(rule.Amount, nil))
		few := max(rule.Quorum-1, 1) // one person is never a committee
		row.Tried, row.Within = fmt.Sprintf("只有 %d 票同意即批准 %s 元", few, above.Grouped()), "全体同意后批准 "+above.Grouped()+" 元"
		p.add(row, "committee-required", vote(above, ballot(rule, few, 0, above)), all)
		half := len(rule.Members) / 2
		row.Tried = fmt.Sprintf("%d 票同意、%d 票反对即批准 %s 元", half, len(rule.Members)-half, above.Grouped())
		p.add(row, "committee-required", vote(above, ballot(rule, half, len(rule.Members)-half, above)), all)
		row.Tried = "全体同意 " + rule.Amount.Grouped() + " 元后批准 " + above.Grouped() + " 元"
		p.add(row, "committee-required", vote(above, ballot(rule, len(rule.Members), 0, rule.Amount)), all)
	}
	if !found {
		p.none("", "没有生效的上会标准：任何金额都不经贷审会")
	}
}

// proveDelegations lends an authority to oneself, at once and by two hops, and lends on what is lent.
func proveDelegations(_ context.Context, c *configuration, p *proofs) {
	lend := func(id, from, to domain.ID) staff.Delegation {
		return staff.Delegation{ID: id, FromID: from, ToID: to, StartsOn: c.today, EndsOn: c.today, Reason: "自检"}
	}
	first := lend(paperThingID, paperApprover.ID, paperOfficer.ID)
	check := func(d staff.Delegation, others ...staff.Delegation) error {
		if err := checkDelegation(d, c.today); err != nil {
			return err
		}
		return d.CheckChain(others)
	}
	plain := check(first)
	for _, attempt := range []struct {
		tried, code string
		err         error
	}{
		{"转授权给自己", "delegation-to-self", check(lend(paperOtherID, paperApprover.ID, paperApprover.ID))},
		{"甲转授给乙后，乙再转授给甲", "delegation-chain", check(lend(paperOtherID, paperOfficer.ID, paperApprover.ID), first)},
		{"甲转授给乙后，乙再转授给丙", "delegation-chain", check(lend(paperOtherID, paperOfficer.ID, paperReleaser.ID), first)},
		{"甲转授给乙后，丙再转授给甲", "delegation-chain", check(lend(paperOtherID, paperReleaser.ID, paperApprover.ID), first)},
	} {
		p.add(ControlProof{Subject: "转授权", Limit: "只转授本人的权限，不得转授给自己或再转授", Tried: attempt.tried, Within: "甲转授给乙"}, attempt.code, attempt.err, plain)
	}
}
