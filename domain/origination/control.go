package origination

import (
	"context"
	"fmt"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/product"
	"fumin/domain/staff"
)

// ControlProof is one attempt that a configured limit must refuse, and what became of it (控制自检).
type ControlProof struct {
	Control string // the control's code, kebab-case
	Label   string // 中文名称
	Tried   string // what was tried, on which row of the configuration
	Refused string // the refusal; empty when nothing refused it
}

// Holds reports whether the attempt was refused, as it must be.
func (p ControlProof) Holds() bool { return p.Refused != "" }

// ControlProofsMax bounds the proofs of one answer; the configuration has fewer rows.
const ControlProofsMax = 5000

// control is one kind of configured limit with its self-test. The test reads the live configuration, tries in memory what it
// must refuse, by the same functions that refuse it in earnest, and writes nothing.
type control struct {
	code, label string
	prove       func(ctx context.Context, r Reader, today domain.Date) ([]ControlProof, error)
}

// controls is the registry: whoever configures a limit adds one line and one function.
var controls = []control{
	{"authority-ceiling", "审批权限上限", proveAuthorities},
	{"authority-needed", "没有权限不得审批", proveAuthorityNeeded},
	{"committee", "上会标准", proveCommittees},
	{"product-amount", "产品金额上限", proveProductAmounts},
	{"product-exposure", "产品单户用信上限", proveProductExposure},
	{"four-eyes", "经办、调查与审批分离", proveFourEyes},
	{"day-balance", "账不平不得关账", proveDayBalance},
}

// Controls runs every self-test against the configuration as it is now.
func (s *Reviews) Controls(ctx context.Context, by domain.Actor) ([]ControlProof, error) {
	if err := by.Require(domain.RoleRiskManager, domain.RoleAuditor, domain.RoleAdmin); err != nil {
		return nil, err
	}
	today := domain.DateOf(s.now())
	var proofs []ControlProof
	for _, c := range controls {
		found, err := c.prove(ctx, s.store, today)
		if err != nil {
			return nil, err
		}
		for _, p := range found[:min(len(found), ControlProofsMax-len(proofs))] {
			p.Control, p.Label = c.code, c.label
			proofs = append(proofs, p)
		}
	}
	return proofs, nil
}

// refusalText is what a refusal says, for a proof; empty when there was none.
func refusalText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// fen is the smallest step above a limit.
var fen = money.Fen(1)

// proveAuthorities asks for a fen more than what each holder of an authority has, where and for what the row names.
func proveAuthorities(ctx context.Context, r Reader, today domain.Date) ([]ControlProof, error) {
	all, err := r.AuthoritiesInForce(ctx, today)
	if err != nil {
		return nil, err
	}
	var proofs []ControlProof
	for _, a := range all {
		if a.Kind == staff.AuthorityCommittee {
			continue
		}
		q := approvalQuestion{AuthorityQuestion: questionOf(a, today)}
		held := standing{}
		held.authority, held.found = staff.AuthorityFor(all, q.AuthorityQuestion)
		q.amount = held.authority.Amount.Add(fen)
		p := ControlProof{Tried: fmt.Sprintf("按权限 %s（%s，%s 元）批准 %s 元", a.ID, a.Kind, a.Amount, q.amount)}
		if held.found && !held.covers(q) {
			p.Refused = refusalText(errExceeded(q, held))
		}
		proofs = append(proofs, p)
	}
	return proofs, nil
}

// questionOf is a case that an authority is made for.
func questionOf(a staff.Authority, today domain.Date) staff.AuthorityQuestion {
	q := staff.AuthorityQuestion{
		Kind: a.Kind, UserID: a.UserID, Role: domain.RoleApprover, ProductCode: a.ProductCode, GuaranteeKind: a.GuaranteeKind,
		RegionCode: a.RegionPrefix, On: today,
	}
	if q.GuaranteeKind == staff.GuaranteeAny {
		q.GuaranteeKind = string(product.GuaranteeCredit)
	}
	return q
}

// proveAuthorityNeeded asks for a fen by somebody no row names.
func proveAuthorityNeeded(ctx context.Context, r Reader, today domain.Date) ([]ControlProof, error) {
	all, err := r.AuthoritiesInForce(ctx, today)
	if err != nil {
		return nil, err
	}
	q := approvalQuestion{amount: fen, AuthorityQuestion: staff.AuthorityQuestion{
		Kind: staff.AuthorityApprove, UserID: "00000000-0000-7000-8000-000000000000", Role: domain.RoleLoanOfficer,
		GuaranteeKind: string(product.GuaranteeCredit), On: today,
	}}
	p := ControlProof{Tried: "由没有任何授权的人批准 0.01 元"}
	held := standing{}
	held.authority, held.found = staff.AuthorityFor(all, q.AuthorityQuestion)
	if !held.covers(q) {
		p.Refused = refusalText(errExceeded(q, held))
	}
	return []ControlProof{p}, nil
}

// proveCommittees counts no vote, and all but the quorum in favour, before each committee.
func proveCommittees(ctx context.Context, r Reader, today domain.Date) ([]ControlProof, error) {
	all, err := r.AuthoritiesInForce(ctx, today)
	if err != nil {
		return nil, err
	}
	var proofs []ControlProof
	for _, a := range all {
		if a.Kind != staff.AuthorityCommittee {
			continue
		}
		p := ControlProof{Tried: fmt.Sprintf("贷审会 %s：%s 元，只有 %d 票同意（法定人数 %d）", a.ID, a.Amount.Add(fen), a.Quorum-1, a.Quorum)}
		rule, found := staff.AuthorityFor(all, questionOf(a, today))
		if found && a.Amount.Add(fen).Cmp(rule.Amount) > 0 && !a.Carried(0, 0) && !a.Carried(a.Quorum-1, 0) {
			p.Refused = "committee-required: 未达到法定人数，不能批准"
		}
		proofs = append(proofs, p)
	}
	return proofs, nil
}

// versionsToday lists the product versions in force.
func versionsToday(ctx context.Context, r Reader, today domain.Date) ([]product.Version, error) {
	products, err := r.Products(ctx)
	if err != nil {
		return nil, err
	}
	var inForce []product.Version
	for _, p := range products {
		versions, err := r.AllProductVersions(ctx, p.Code)
		if err != nil {
			return nil, err
		}
		for _, v := range versions {
			if v.InForce(today) {
				inForce = append(inForce, v)
			}
		}
	}
	return inForce, nil
}

// proveProductAmounts grants a fen more than each product's greatest sum, with an override, which must not help.
func proveProductAmounts(ctx context.Context, r Reader, today domain.Date) ([]ControlProof, error) {
	versions, err := versionsToday(ctx, r, today)
	if err != nil {
		return nil, err
	}
	proofs := make([]ControlProof, len(versions))
	for i, v := range versions {
		a := approvalCase{version: v, granted: loan.Approval{Amount: v.AmountMax.Add(fen), TermMonths: v.TermMonthsMin, OverrideReason: "自检"}}
		a.beyond = []domain.Field{{Pointer: "/amount"}}
		proofs[i] = ControlProof{
			Tried:   fmt.Sprintf("产品 %s（%s）例外批准 %s 元", v.ProductCode, v.RegionPrefix, a.granted.Amount),
			Refused: refusalText(a.checkBounds()),
		}
	}
	return proofs, nil
}

// proveProductExposure lends a fen more to one household than each product allows.
func proveProductExposure(ctx context.Context, r Reader, today domain.Date) ([]ControlProof, error) {
	versions, err := versionsToday(ctx, r, today)
	if err != nil {
		return nil, err
	}
	proofs := make([]ControlProof, len(versions))
	for i, v := range versions {
		h := headroom{productMax: v.AmountMax, productExisting: v.AmountMax}
		proofs[i] = ControlProof{Tried: fmt.Sprintf("产品 %s（%s）已用满 %s 元的户再批 0.01 元", v.ProductCode, v.RegionPrefix, v.AmountMax)}
		if refusal := h.check(fen); refusal != nil {
			proofs[i].Refused = refusalText(refusal)
		}
	}
	return proofs, nil
}

// proveFourEyes lets each of those who prepared a case decide about it.
func proveFourEyes(context.Context, Reader, domain.Date) ([]ControlProof, error) {
	rec := loan.Record{OfficerID: "00000000-0000-7000-8000-000000000001", SubmittedBy: "00000000-0000-7000-8000-000000000002"}
	investigator := domain.ID("00000000-0000-7000-8000-000000000003")
	var proofs []ControlProof
	for _, person := range []struct {
		what string
		id   domain.ID
	}{{"经办人", rec.OfficerID}, {"提交人", rec.SubmittedBy}, {"实地调查人", investigator}} {
		proofs = append(proofs, ControlProof{
			Tried:   person.what + "审批自己的申请",
			Refused: refusalText(loan.CheckReviewer(rec, []domain.ID{investigator}, person.id)),
		})
	}
	return proofs, nil
}

// proveDayBalance closes a day with a fen that nobody explained, and one with an open case.
func proveDayBalance(_ context.Context, _ Reader, today domain.Date) ([]ControlProof, error) {
	gap := loan.ReconciliationRecord{BusinessDay: today, Totals: loan.ReconciliationTotals{CountThere: 1, There: fen}}
	open := loan.ReconciliationRecord{BusinessDay: today, Cases: 1, CasesOpen: 1}
	return []ControlProof{
		{Tried: "双方合计相差 0.01 元时关账", Refused: refusalText(gap.CheckBalanced(0, money.Amount{}))},
		{Tried: "有一件对账差错没有处理时关账", Refused: refusalText(open.CheckBalanced(0, money.Amount{}))},
	}, nil
}
