package origination

import (
	"context"
	"slices"
	"strings"

	"fumin/domain"
	"fumin/domain/loan"
)

// TrancheReader reads plans of payment (放款计划).
type TrancheReader interface {
	// Tranches returns the plan of an application that has been read within its scope, in order; none when it has no plan.
	Tranches(ctx context.Context, applicationID domain.ID) ([]loan.Tranche, error)
}

// TrancheWriter writes plans of payment. The event of each is one of the application.
type TrancheWriter interface {
	// PutTranches replaces the plan.
	PutTranches(ctx context.Context, app loan.Record, tranches []loan.Tranche) error
	// SaveCondition stores what fulfilled a condition; "stale-version" when it was fulfilled before.
	SaveCondition(ctx context.Context, c loan.Condition) error
}

// Plan records in which parts a contract is paid, and what each waits for (放款计划). It replaces an earlier plan as long as
// the contract is not signed; the event says what that was.
func (s *Disbursements) Plan(ctx context.Context, by domain.Actor, applicationID domain.ID, tranches []loan.Tranche) ([]loan.Tranche, error) {
	now := s.now()
	plan := slices.Clone(tranches)
	for i := range plan {
		plan[i].Number = i + 1
		plan[i].Conditions = slices.Clone(plan[i].Conditions)
		for j := range plan[i].Conditions {
			plan[i].Conditions[j].ID = s.newID()
		}
	}
	err := s.store.Update(ctx, func(tx Tx) error {
		app, err := tx.LockApplication(ctx, by.Scope(), applicationID)
		if err != nil {
			return err
		}
		asked, err := tx.DisbursementsOfCase(ctx, applicationID)
		if err != nil {
			return err
		}
		revolving, err := revolves(ctx, tx, app.Record())
		if err != nil {
			return err
		}
		before, err := tx.Tranches(ctx, applicationID)
		if err != nil {
			return err
		}
		event, err := app.PlanTranches(by, now, revolving, before, plan)
		if err != nil {
			return err
		}
		if len(asked) > 0 {
			return domain.Errorf(domain.KindConflict, "disbursement-exists", "已经申请过放款，放款计划不能再改")
		}
		if err := tx.PutTranches(ctx, app.Record(), plan); err != nil {
			return err
		}
		return saveCase(ctx, tx, app, event)
	})
	return plan, err
}

// revolves reports whether the line of a case revolves, or will when the contract is signed.
func revolves(ctx context.Context, r Reader, app loan.Record) (bool, error) {
	if app.Status == loan.StatusApproved {
		offered, err := r.Product(ctx, app.ProductCode)
		return offered.Revolving, err
	}
	line, err := r.Line(ctx, domain.Scope{Everything: true}, app.ID)
	return line.Revolving, err
}

// Tranches returns the plan of a case in the actor's scope.
func (s *Disbursements) Tranches(ctx context.Context, by domain.Actor, applicationID domain.ID) ([]loan.Tranche, error) {
	if _, err := s.store.Application(ctx, by.Scope(), applicationID); err != nil {
		return nil, err
	}
	return s.store.Tranches(ctx, applicationID)
}

// FulfilCondition names a condition of a case and what shows that it is met.
type FulfilCondition struct {
	ApplicationID domain.ID
	ConditionID   domain.ID
	Evidence      loan.Evidence
}

// Fulfil records that a condition of a tranche has been met (落实放款条件).
func (s *Disbursements) Fulfil(ctx context.Context, by domain.Actor, cmd FulfilCondition) (plan []loan.Tranche, err error) {
	now := s.now()
	err = s.store.Update(ctx, func(tx Tx) error {
		app, err := tx.LockApplication(ctx, by.Scope(), cmd.ApplicationID)
		if err != nil {
			return err
		}
		found, err := tx.Tranches(ctx, cmd.ApplicationID)
		if err != nil {
			return err
		}
		for i, t := range found {
			for j, c := range t.Conditions {
				if c.ID != cmd.ConditionID {
					continue
				}
				met, event, err := app.FulfilCondition(by, now, t.Number, c, cmd.Evidence)
				if err != nil {
					return err
				}
				if err := tx.SaveCondition(ctx, met); err != nil {
					return err
				}
				found[i].Conditions[j] = met
				plan = found
				return saveCase(ctx, tx, app, event)
			}
		}
		return domain.Errorf(domain.KindNotFound, "condition-not-found", "放款计划中没有这个条件")
	})
	return plan, err
}

// checkConditions refuses a payment that the plan does not know, and one whose conditions are not met, by their names.
func checkConditions(ctx context.Context, r Reader, p payment) error {
	plan, err := r.Tranches(ctx, p.Application.ID)
	if err != nil {
		return err
	}
	d := p.Disbursement
	if len(plan) == 0 && d.Tranche == 0 {
		return nil
	}
	if d.Tranche == 0 {
		// A draw is no part of a plan. Plans of lines that revolve are from before they were refused.
		line, err := r.Line(ctx, domain.Scope{Everything: true}, p.Application.ID)
		if err != nil || line.Revolving {
			return err
		}
	}
	if d.Tranche < 1 || d.Tranche > len(plan) {
		return domain.Errorf(domain.KindRule, "tranche-required", "这份合同的放款计划有 %d 期，请写明申请第几期", len(plan))
	}
	tranche := plan[d.Tranche-1]
	others, err := r.DisbursementsOfCase(ctx, p.Application.ID)
	if err != nil {
		return err
	}
	left := tranche.Amount
	for _, o := range others {
		if o.Tranche == d.Tranche && o.ID != d.ID {
			left = left.Sub(o.Live())
		}
	}
	if d.Amount.Cmp(left) > 0 {
		return domain.Errorf(domain.KindRule, "tranche-exceeded", "第 %d 期还可放款 %s 元，不够申请的 %s 元", d.Tranche, left.Grouped(), d.Amount.Grouped())
	}
	var open []string
	for _, c := range tranche.Open() {
		open = append(open, c.Kind.Label()+"："+c.Text)
	}
	if len(open) > 0 {
		return domain.Errorf(domain.KindRule, "conditions-open", "第 %d 期的放款条件尚未落实：%s；请由风险经理或放款岗登记依据后再办", d.Tranche, strings.Join(open, "；"))
	}
	return nil
}
