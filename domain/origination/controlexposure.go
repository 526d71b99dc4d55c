package origination

import (
	"context"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/product"
)

// This file holds the self-tests of the exposure limits (授信上限自检).

// room measures what a household that has so much may still be granted, as an approval does under the lock.
func (c *configuration) room(ctx context.Context, p product.Product, productMax money.Amount, kind string, has ExposureSum, asked money.Amount) error {
	paper := c.paper()
	paper.exposures = []ExposureSum{has}
	rec := loan.Record{ID: paperApplicationID, HouseholdID: paperOtherID, BorrowerID: paperBorrowerID, ProductCode: p.Code}
	h, err := measure(ctx, paper, rec, p, productMax, debtor{kind: kind, householdID: rec.HouseholdID}, c.today)
	if err != nil {
		return err
	}
	if refused := h.check(asked); refused != nil {
		return refused
	}
	return nil
}

// proveProductExposure grants a fen more than the product leaves to a household.
func proveProductExposure(ctx context.Context, c *configuration, p *proofs) {
	for _, o := range c.offers {
		has := ExposureSum{ProductCode: o.product.Code, Amount: o.version.AmountMax.Sub(fen)}
		row := ControlProof{
			Subject: o.name(), Limit: "单户授信上限 " + o.version.AmountMax.Grouped() + " 元",
			Tried: "已占用 " + has.Amount.Grouped() + " 元的户再批准 0.02 元", Within: "已占用 " + has.Amount.Grouped() + " 元的户再批准 0.01 元",
		}
		try := func(asked money.Amount) error { return c.room(ctx, o.product, o.version.AmountMax, "", has, asked) }
		p.add(row, "exposure-above-product-limit", try(money.Fen(2)), try(fen))
	}
}

// proveLenderExposure grants a fen more than the lender leaves to each kind of borrower across products.
func proveLenderExposure(ctx context.Context, c *configuration, p *proofs) {
	other := product.Product{Code: "", ExposureUnit: product.ExposureHousehold}
	for _, kind := range product.BorrowerKinds() {
		limit, limited := lenderMaxOn(c.lenderLimits, kind, c.today)
		subject := "借款人类别 " + product.Label(kind)
		if !limited {
			p.none(subject, "本行没有对这类借款人设置授信上限")
			continue
		}
		has := ExposureSum{ProductCode: "其他产品", Amount: limit.Sub(fen)}
		try := func(asked money.Amount) error { return c.room(ctx, other, limit.Add(limit), kind, has, asked) }
		p.add(ControlProof{
			Subject: subject, Limit: "本行单户授信上限 " + limit.Grouped() + " 元",
			Tried: "各产品已占用 " + has.Amount.Grouped() + " 元的户再批准 0.02 元", Within: "各产品已占用 " + has.Amount.Grouped() + " 元的户再批准 0.01 元",
		}, "exposure-above-lender-limit", try(money.Fen(2)), try(fen))
	}
}

// proveMemberSignatures prepares a contract that too few members of a co-operative would sign.
func proveMemberSignatures(_ context.Context, c *configuration, p *proofs) {
	for _, o := range c.offers {
		n := o.version.MemberSignaturesMin
		if n == 0 {
			p.none(o.name(), "产品没有要求合作社成员签字")
			continue
		}
		p.add(ControlProof{
			Subject: o.name(), Limit: termText(o.version, product.TermMemberSignatures), Tried: "少一位成员签字", Within: "成员恰好够数",
		}, "members-missing", checkMembers(o.version, make([]loan.Party, n-1)), checkMembers(o.version, make([]loan.Party, n)))
	}
}

// proveGuaranteeQuotas takes a fen more than each company's quota leaves.
func proveGuaranteeQuotas(ctx context.Context, c *configuration, p *proofs) {
	companies, err := c.GuaranteeCompanies(ctx)
	if err != nil {
		p.fail(err)
		return
	}
	for _, company := range companies {
		if company.Terms == nil {
			continue
		}
		quotas := company.Terms.QuotasHolding(c.today)
		for _, q := range quotas {
			held := loan.GuaranteeRecord{CompanyID: company.ID, RegionCode: q.RegionPrefix}
			if q.RegionPrefix == "" {
				held.RegionCode = company.Terms.RegionPrefix
			}
			paper := c.paper()
			paper.quotaHeld = map[string]money.Amount{q.RegionPrefix: q.Limit.Sub(fen)}
			take := func(amount money.Amount) error {
				free, refused, err := quotaLeft(ctx, paper, *company.Terms, held, c.today, amount)
				if err != nil || free.Cmp(amount) < 0 {
					return either(err, refused)
				}
				return nil
			}
			p.add(ControlProof{
				Subject: company.Terms.Name + "，" + q.Label(), Limit: "担保额度 " + q.Limit.Grouped() + " 元",
				Tried: "已占用 " + q.Limit.Sub(fen).Grouped() + " 元时再占用 0.02 元", Within: "已占用 " + q.Limit.Sub(fen).Grouped() + " 元时再占用 0.01 元",
			}, "guarantee-quota-exceeded", take(money.Fen(2)), take(fen))
		}
	}
	if len(p.list) == 0 {
		p.none("", "没有生效的担保额度：须担保的申请不能批准")
	}
}

// paperRecord is a signed case that was approved for an amount.
func paperRecord(v product.Version, amount money.Amount) loan.Record {
	return loan.Record{
		ID: paperApplicationID, BranchID: paperBranchID, BorrowerID: paperBorrowerID, OfficerID: paperOfficer.ID, SubmittedBy: paperOfficer.ID,
		DecisionID: paperThingID, ProductCode: v.ProductCode, ProductVersionID: v.ID, RegionCode: v.RegionPrefix, Status: loan.StatusSigned, Version: 1,
		Request:  loan.Request{Amount: amount, TermMonths: v.TermMonthsMin, Purpose: loan.PurposeFacility},
		Approval: &loan.Approval{Amount: amount, TermMonths: v.TermMonthsMin, ApprovedBy: paperApprover.ID},
	}
}

// paperActor is somebody of the paper case in another role.
func paperActor(a domain.Actor, role domain.Role) domain.Actor {
	a.Role = role
	return a
}
