package origination

import (
	"context"

	"fumin/domain"
	"fumin/domain/decision"
	"fumin/domain/loan"
	"fumin/domain/product"
	"fumin/domain/staff"
)

// This file holds the self-tests of the separation of duties (岗位分离自检): who prepared a case does not decide about it, who
// decided does not pay, and who made a setting does not put it into force.

// decides asks whether somebody may approve a case of others, of which one cancelled what the rules asked for.
func (c *configuration) decides(ctx context.Context, person domain.Actor) error {
	paper, rec := c.paper(), paperRecord(product.Version{}, fen)
	paper.investigators = []domain.ID{paperInvestigator.ID}
	paper.tasks = []loan.Task{{
		Kind: loan.TaskSiteVisit, Blocking: true, Status: loan.TaskCancelled, DecisionID: rec.DecisionID, ClosedBy: paperApprover.ID,
	}}
	return maySignOff(ctx, paper, rec, person.ID)
}

// votes asks whether somebody may vote in the committee.
func (c *configuration) votes(person domain.Actor) error {
	rec := paperRecord(product.Version{}, fen)
	rec.Status, rec.Approval = loan.StatusReviewing, nil
	_, _, err := loan.CastVote(person, c.at, rec, []domain.ID{paperInvestigator.ID}, loan.Vote{ID: paperThingID, InFavour: true, Reason: "自检"})
	return err
}

// asks says whether somebody may ask for the money.
func (c *configuration) asks(person domain.Actor) error {
	return loan.MayRequest(paperActor(person, domain.RoleLoanOfficer), paperRecord(product.Version{}, fen))
}

// judged is a case with an investigator, and with a member of the committee who voted on it.
func (c *configuration) judged() paperCase {
	paper := c.paper()
	paper.investigators, paper.votes = []domain.ID{paperInvestigator.ID}, []loan.Vote{{MemberID: paperVoter.ID, InFavour: true}}
	return paper
}

// investigates asks whether somebody may still go out.
func (c *configuration) investigates(ctx context.Context, person domain.Actor) error {
	return apartFromReview(ctx, c.judged(), paperRecord(product.Version{}, fen), person.ID)
}

// releases asks whether somebody may release money that the requester asked for.
func (c *configuration) releases(ctx context.Context, requester, person domain.Actor) error {
	rec := paperRecord(product.Version{}, fen)
	others, err := whoJudged(ctx, c.judged(), rec)
	if err != nil {
		return err
	}
	contract := loan.Contract{ApplicationID: rec.ID, BranchID: rec.BranchID, BorrowerID: rec.BorrowerID, Amount: fen}
	asked, _, err := loan.RequestDisbursement(paperActor(requester, domain.RoleLoanOfficer), c.at, rec, contract, loan.PaymentOrder{
		ID: paperThingID, Payees: []loan.PayeeOrder{{ID: paperOtherID, Method: loan.SelfPayment, Amount: fen}},
	})
	if err != nil {
		return err
	}
	_, err = asked.Release(paperActor(person, domain.RoleDisbursementOfficer), c.at, rec, others...)
	return err
}

// signs asks whether somebody may record the contract of a case.
func (c *configuration) signs(person domain.Actor) error {
	rec := paperRecord(product.Version{}, fen)
	rec.Status, rec.Approval.ApprovedAt = loan.StatusApproved, c.at
	app, err := loan.Restore(rec)
	if err != nil {
		return err
	}
	_, err = app.Sign(paperActor(person, domain.RoleLoanOfficer), c.at, loan.Contract{
		ApplicationID: rec.ID, ContractNo: "自检", SignedOn: c.today, Amount: rec.Approval.Amount, TermMonths: rec.Approval.TermMonths, RecordedAt: c.at,
	})
	return err
}

// lifts asks whether somebody may lift a hold that the releaser placed.
func (c *configuration) lifts(person domain.Actor) error {
	hold, _, err := loan.PlaceHold(paperReleaser, c.at, paperThingID, paperRecord(product.Version{}, fen), "自检", c.at.AddDate(0, 0, 1))
	if err != nil {
		return err
	}
	_, err = hold.Release(paperActor(person, domain.RoleDisbursementOfficer), c.at, "自检")
	return err
}

// reverses asks whether somebody may confirm a reversal that the releaser asked for.
func (c *configuration) reverses(person domain.Actor) error {
	paid := loan.TransferRecord{
		ID: paperOtherID, DisbursementID: paperThingID, ApplicationID: paperApplicationID, BranchID: paperBranchID, BorrowerID: paperBorrowerID,
		Amount: fen, Status: loan.TransferSucceeded,
	}
	asked, _, err := loan.RequestReversal(paperReleaser, c.at, paid, fen.Sub(fen), loan.ReversalRecord{}, loan.ReversalRecord{
		ID: paperThingID, Amount: fen, Reason: "自检", ChannelReference: "自检",
	})
	if err != nil {
		return err
	}
	_, err = asked.Confirm(paperActor(person, domain.RoleDisbursementOfficer), c.at)
	return err
}

// reports asks whether somebody may bring the bank's word about a payment file that the keeper made.
func (c *configuration) reports(person domain.Actor) error {
	return loan.MayReport(paperActor(person, domain.RoleDisbursementOfficer), paperKeeper.ID, []domain.ID{paperReleaser.ID})
}

// proveSeparation lets each of those who had a part in a case take the next step of it, and then somebody else.
func proveSeparation(ctx context.Context, c *configuration, p *proofs) {
	stranger := paperKeeper
	for _, duty := range []struct {
		what    string
		do      func(domain.Actor) error
		refused map[string]domain.Actor
	}{
		{"审批", func(a domain.Actor) error { return c.decides(ctx, a) }, map[string]domain.Actor{
			"经办人": paperOfficer, "调查人": paperInvestigator, "取消规则事项的人": paperApprover,
		}},
		{"贷审会表决", c.votes, map[string]domain.Actor{"经办人": paperOfficer, "调查人": paperInvestigator}},
		{"实地调查", func(a domain.Actor) error { return c.investigates(ctx, a) }, map[string]domain.Actor{"已表决的委员": paperVoter}},
		{"登记合同", c.signs, map[string]domain.Actor{"审批人": paperApprover}},
		{"申请放款", c.asks, map[string]domain.Actor{"审批人": paperApprover}},
		{"放行", func(a domain.Actor) error { return c.releases(ctx, stranger, a) }, map[string]domain.Actor{
			"经办人": paperOfficer, "调查人": paperInvestigator, "已表决的委员": paperVoter, "审批人": paperApprover, "申请放款的人": stranger,
		}},
		{"解除冻结", c.lifts, map[string]domain.Actor{"冻结人": paperReleaser}},
		{"确认冲正", c.reverses, map[string]domain.Actor{"申请冲正的人": paperReleaser}},
		{"导入付款状态报告", c.reports, map[string]domain.Actor{"生成文件的人": paperKeeper, "放行人": paperReleaser}},
	} {
		other := stranger
		switch duty.what {
		case "放行":
			other = paperReleaser
		case "导入付款状态报告":
			other = paperVoter
		}
		within := duty.do(other)
		for _, who := range []string{"经办人", "调查人", "取消规则事项的人", "已表决的委员", "审批人", "申请放款的人", "冻结人", "申请冲正的人", "生成文件的人", "放行人"} {
			person, tried := duty.refused[who]
			if !tried {
				continue
			}
			p.add(ControlProof{
				Subject: "岗位分离", Limit: "调查、审批、放款由不同的人办理", Tried: who + duty.what, Within: "与本笔无关的人" + duty.what,
			}, "four-eyes", duty.do(person), within)
		}
	}
}

// proveActivation lets the maker of each kind of setting put it into force, and then a second person.
func proveActivation(_ context.Context, c *configuration, p *proofs) {
	maker, second := paperKeeper, paperActor(paperApprover, domain.RoleRiskManager)
	for _, setting := range []struct {
		what, code string
		activate   func(domain.Actor) error
	}{
		{"审批权限", "maker-is-checker", func(by domain.Actor) error {
			_, err := staff.Authority{Status: staff.AuthorityDraft, DraftedBy: maker.ID, EffectiveFrom: c.today}.Activate(by.ID, c.at)
			return err
		}},
		{"本行授信上限", "four-eyes", func(by domain.Actor) error {
			return LenderLimit{MadeBy: maker.ID, EffectiveFrom: c.today}.mayActivate(by.ID, c.today)
		}},
		{"农担公司合作条件", "four-eyes", func(by domain.Actor) error { return c.activateCompany(maker, by) }},
	} {
		p.add(activationRow(setting.what), setting.code, setting.activate(maker), setting.activate(second))
	}
	c.proveEndOfRestraint(p, maker, second)
	for _, o := range c.offers[:min(1, len(c.offers))] { // the terms of any version do
		draft := o.version
		draft.ID, draft.MadeBy, draft.Status = paperThingID, maker.ID, product.StatusValidated
		draft.EffectiveFrom, draft.EffectiveTo = c.today, domain.Date{}
		try := func(by domain.Actor) error {
			_, err := draft.Activate(by.ID, c.at, o.product, nil)
			return err
		}
		p.add(activationRow("产品版本"), "maker-is-checker", try(maker), try(second))
		if o.engine == nil {
			continue
		}
		set := decision.RuleSetVersion{
			RuleSetHead: decision.RuleSetHead{ID: paperThingID, Code: "self-test", Number: 1, Status: decision.RuleSetValidated, MadeBy: maker.ID},
			Definition:  o.engine.Definition(),
		}
		activate := func(by domain.Actor) error {
			_, err := set.Activate(by.ID, c.at, c.today, nil)
			return err
		}
		p.add(activationRow("规则集"), "maker-is-checker", activate(maker), activate(second))
	}
}

// proveEndOfRestraint lets one person alone end what keeps others from doing more, and then two.
func (c *configuration) proveEndOfRestraint(p *proofs, maker, second domain.Actor) {
	row := staff.Authority{
		ID: paperThingID, Kind: staff.AuthorityApprove, UserID: paperApprover.ID, GuaranteeKind: staff.GuaranteeAny, Amount: fen,
		Status: staff.AuthorityActive, EffectiveFrom: c.today,
	}
	role := row
	role.ID, role.UserID, role.Role, role.Amount = paperOtherID, "", domain.RoleApprover, fen.Add(fen)
	committee := row
	committee.Kind, committee.UserID = staff.AuthorityCommittee, ""
	tomorrow := c.today.AddDays(1)
	for what, rule := range []staff.Authority{committee, row} {
		ends := func(by domain.Actor) error {
			restrains := rule.Restrains([]staff.Authority{rule, role}, tomorrow)
			asked, err := rule.End(maker.ID, c.at, tomorrow, restrains)
			if err != nil || !asked.EffectiveTo.IsZero() { // one alone has ended it: nothing refuses any more
				return err
			}
			_, err = asked.End(by.ID, c.at, tomorrow, restrains)
			return err
		}
		subject := []string{"上会标准", "低于岗位的个人权限"}[what]
		p.add(ControlProof{
			Subject: subject, Limit: "放宽审批的终止由两个人办理", Tried: "申请人自己确认终止" + subject, Within: "另一人确认终止" + subject,
		}, "maker-is-checker", ends(maker), ends(second))
	}
}

func activationRow(what string) ControlProof {
	return ControlProof{Subject: what, Limit: "起草和启用由两个人办理", Tried: "起草人启用自己起草的" + what, Within: "另一人启用" + what}
}

// activateCompany drafts the terms of a guarantee company and puts them into force.
func (c *configuration) activateCompany(maker, by domain.Actor) error {
	company, err := loan.RestoreGuaranteeCompany(loan.GuaranteeCompanyRecord{
		ID: paperThingID, Code: "SELF-TEST", Version: 1, Draft: &loan.GuaranteeTerms{Name: "自检"}, DraftedBy: maker.ID,
	})
	if err != nil {
		return err
	}
	_, err = company.Activate(by, c.at)
	return err
}
