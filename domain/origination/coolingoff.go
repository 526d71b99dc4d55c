package origination

import (
	"context"
	"time"
	"unicode/utf8"

	"fumin/domain"
	"fumin/domain/loan"
)

// This file is the cooling-off period (冷静期): it holds the payment, lets the borrower go, and may be given up.

// checkCoolingOff holds a payment until the cooling-off period is over or the borrower has waived it.
func checkCoolingOff(ctx context.Context, r Reader, p payment) error {
	if !p.Contract.CoolingOff(p.At) {
		return nil
	}
	_, waived, err := r.Waiver(ctx, p.Application.ID)
	if err != nil || waived {
		return err
	}
	until := p.Contract.CoolingOffUntil().In(domain.BusinessZone).Format("2006-01-02 15:04")
	if p.Contract.CoolingOffWaivable {
		return domain.Errorf(domain.KindRule, "cooling-off", "合同在冷静期内，%s 之后才能放款；借款人愿意提前的，请先登记其放弃冷静期", until)
	}
	return domain.Errorf(domain.KindRule, "cooling-off", "合同在冷静期内，%s 之后才能放款", until)
}

// undoSigning ends what began with a contract that is withdrawn in its cooling-off period.
func undoSigning(ctx context.Context, tx Tx, by domain.Actor, rec loan.Record, now time.Time, reason string) error {
	if err := mayWithdrawSigned(ctx, tx, by, rec, now); err != nil {
		return err
	}
	system := domain.Actor{ID: by.ID, Name: by.Name, Role: domain.RoleSystem} // a consequence, and nobody's decision about the line
	_, err := changeLine(ctx, tx, rec.ID, func(l *loan.Line) (loan.Event, error) { return l.End(system, now, reason) })
	return err
}

// mayWithdrawSigned refuses to withdraw a signed contract after its cooling-off period, or once a payment was asked for.
func mayWithdrawSigned(ctx context.Context, tx Tx, by domain.Actor, rec loan.Record, now time.Time) error {
	contract, err := tx.Contract(ctx, by.Scope(), rec.ID)
	if err != nil {
		return err
	}
	if !contract.CoolingOff(now) {
		return domain.Errorf(domain.KindRule, "cooling-off-over", "合同的冷静期已过（或没有冷静期），不能撤回；借款人不再用款的，请风险经理终止额度")
	}
	requested, err := livePayment(ctx, tx, rec.ID)
	if err != nil {
		return err
	}
	if requested {
		return domain.Errorf(domain.KindRule, "payment-requested", "这笔合同已申请放款，不能撤回：请先取消放款，再撤回")
	}
	return nil
}

// WaiveCoolingOff asks to be paid before the cooling-off period is over, in the borrower's words.
type WaiveCoolingOff struct {
	ID        domain.ID // of the application
	Statement string    // what the borrower agreed to, 1 to loan.StatementMax characters
}

// WaiveCoolingOff records the borrower's wish to be paid at once (放弃冷静期), where the product allows it.
func (s *Signatures) WaiveCoolingOff(ctx context.Context, by domain.Actor, cmd WaiveCoolingOff) (loan.Waiver, error) {
	if err := by.Require(domain.RoleLoanOfficer, domain.RoleBorrower); err != nil {
		return loan.Waiver{}, err
	}
	var p domain.Problems
	if n := utf8.RuneCountInString(cmd.Statement); n == 0 || n > loan.StatementMax {
		p.Add("/statement", "out-of-range", "请写明借款人放弃冷静期的意思表示，1 至 %d 个字", loan.StatementMax)
	}
	if err := p.Err(); err != nil {
		return loan.Waiver{}, err
	}
	now, id := s.now(), s.newID()
	var recorded loan.Waiver
	err := s.store.Update(ctx, func(tx Tx) error {
		app, err := tx.LockApplication(ctx, by.Scope(), cmd.ID)
		if err != nil {
			return err
		}
		rec := app.Record()
		contract, err := tx.Contract(ctx, by.Scope(), cmd.ID)
		if err != nil {
			return err
		}
		if err := mayWaive(rec, contract, now); err != nil {
			return err
		}
		w := loan.Waiver{ID: id, ApplicationID: cmd.ID, BranchID: rec.BranchID, Statement: cmd.Statement, WaivedBy: by.ID, WaivedAt: now}
		if err := tx.InsertWaiver(ctx, w, w.Waived(by)); err != nil {
			return err
		}
		recorded = w
		return nil
	})
	return recorded, err
}

// mayWaive refuses to give up a cooling-off period that there is not, that is over, or that the product keeps.
func mayWaive(rec loan.Record, contract loan.Contract, now time.Time) error {
	switch {
	case rec.Status != loan.StatusSigned:
		return domain.Errorf(domain.KindConflict, "wrong-status", "申请目前处于「%s」，只有已签约的合同才有冷静期", rec.Status.Label())
	case !contract.CoolingOff(now):
		return domain.Errorf(domain.KindConflict, "cooling-off-over", "冷静期已过，可以直接放款")
	case !contract.CoolingOffWaivable:
		return domain.Errorf(domain.KindRule, "cooling-off-not-waivable", "本产品不允许放弃冷静期，请等到期后放款")
	}
	return nil
}
