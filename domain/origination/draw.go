package origination

import (
	"context"
	"slices"
	"time"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/loan"
	"fumin/domain/money"
)

// Draw is what was asked for under the contract of a line (支用申请). Its id is its disbursement's.
type Draw struct {
	ID            domain.ID
	ApplicationID domain.ID
	BranchID      domain.ID
	Amount        money.Amount
	TermMonths    int // of the note that is written when the money arrives
	DrawnBy       domain.ID
	DrawnAt       time.Time
}

// DrawFromLine asks for money under a line's contract. TermMonths 0 is up to the line's end.
type DrawFromLine struct {
	ApplicationID domain.ID
	Amount        money.Amount
	TermMonths    int
}

// Draw asks for a part of what a line has free (支用): a short application under the contract that was signed, checked afresh. It
// makes a disbursement, which a second person releases. replayed says that this key had made it before.
func (s *Disbursements) Draw(ctx context.Context, by domain.Actor, key Idempotency, cmd DrawFromLine) (requested loan.DisbursementRecord, replayed bool, err error) {
	now := s.now()
	order := loan.PaymentOrder{ID: s.newID(), Payees: []loan.PayeeOrder{{ID: s.newID(), Method: loan.SelfPayment, Amount: cmd.Amount}}}
	err = s.store.Update(ctx, func(tx Tx) error {
		app, err := tx.LockApplication(ctx, by.Scope(), cmd.ApplicationID) // first, as in Request
		if err != nil {
			return err
		}
		prior, err := tx.ClaimIdempotencyKey(ctx, by.ID, key, order.ID, now)
		if err != nil {
			return err
		}
		if !prior.IsZero() {
			requested, err = tx.Disbursement(ctx, by.Scope(), prior)
			replayed = true
			return err
		}
		line, err := tx.Line(ctx, by.Scope(), cmd.ApplicationID)
		if err != nil {
			return err
		}
		if err := loan.MayDraw(by, app.Record(), line); err != nil {
			return err
		}
		order.Line = &line
		draw, err := mayDraw(ctx, tx, app.Record(), cmd, now)
		if err != nil {
			return err
		}
		rec, err := s.request(ctx, tx, by, now, app.Record(), order)
		if err != nil {
			return err
		}
		draw.ID, draw.BranchID, draw.DrawnBy, draw.DrawnAt = rec.ID, rec.BranchID, by.ID, now
		if err := tx.InsertDraw(ctx, draw); err != nil {
			return err
		}
		requested, replayed = rec, false
		return nil
	})
	return requested, replayed, err
}

// mayDraw checks what an application was checked for once, and what may have lapsed since: the line, the term, the consent, and
// that nothing is overdue. Holds, papers and the guarantee letter are conditions of paying, asked by mayPay.
func mayDraw(ctx context.Context, tx Tx, app loan.Record, cmd DrawFromLine, now time.Time) (Draw, error) {
	today := domain.DateOf(now)
	line, err := tx.LockLine(ctx, domain.Scope{Everything: true}, app.ID)
	if err != nil {
		return Draw{}, err
	}
	if err := line.MayDrawBetween(today, cmd.Amount); err != nil {
		return Draw{}, err
	}
	term := cmd.TermMonths
	left := today.MonthsUntil(line.Record().EndsOn)
	if term == 0 {
		term = max(1, left+1) // the schedule stops at the line's end
	} else if term < 1 || today.AddMonths(term).After(line.Record().EndsOn) {
		var p domain.Problems
		p.Add("/term_months", "past-line-end", "额度到期日为 %s，支用期限最多 %d 个月；不填表示到额度到期日为止", line.Record().EndsOn, left)
		return Draw{}, p.Err()
	}
	conduct, err := conductOf(ctx, tx, app.BorrowerID, today)
	if err != nil {
		return Draw{}, err
	}
	if conduct.OverdueNow {
		return Draw{}, domain.Errorf(domain.KindRule, "draw-while-overdue", "借款人有逾期未还的借据，还清逾期后才能支用")
	}
	person, err := tx.Borrower(ctx, domain.Scope{Everything: true}, app.BorrowerID)
	if err != nil {
		return Draw{}, err
	}
	if _, live := person.ConsentOn(borrower.ConsentCreditEnquiry, today); !live {
		return Draw{}, domain.Errorf(domain.KindRule, "draw-without-consent", "借款人的征信查询授权已过期，请重新取得授权后再支用")
	}
	if lapsed, is := lapsedLicence(person, today); is {
		return Draw{}, domain.Errorf(domain.KindRule, "draw-with-expired-licence", "借款人的证照已于 %s 到期，请换证登记后再支用", lapsed.ExpiresOn)
	}
	return Draw{ApplicationID: app.ID, Amount: cmd.Amount, TermMonths: term}, nil
}

// lapsedLicence finds a licence that has expired and of whose kind no other is in force.
func lapsedLicence(person borrower.Borrower, today domain.Date) (borrower.Licence, bool) {
	for _, l := range person.Licences {
		renewed := slices.ContainsFunc(person.Licences, func(o borrower.Licence) bool { return o.Kind == l.Kind && o.InForceOn(today) })
		if l.ExpiredOn(today) && !renewed {
			return l, true
		}
	}
	return borrower.Licence{}, false
}

// Draws lists a page of a line's draws in the actor's scope, newest first.
func (s *Lines) Draws(ctx context.Context, by domain.Actor, applicationID domain.ID, page domain.Page) ([]Draw, error) {
	if _, err := s.store.Line(ctx, by.Scope(), applicationID); err != nil {
		return nil, err
	}
	return s.store.Draws(ctx, applicationID, page)
}
