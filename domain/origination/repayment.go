package origination

import (
	"context"
	"slices"
	"time"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
)

// DeliverRepayment is what the core system says of one repayment (还款通知). RepaymentNo is its own number for it, and the key:
// delivered again with the same content nothing more happens.
type DeliverRepayment struct {
	NoteID      domain.ID
	RepaymentNo string
	PaidOn      domain.Date
	Principal   money.Amount
	Interest    money.Amount
}

// DeliverReversal is what the core system says of a repayment that it reversed (还款冲正通知). ReversalNo is its own number for
// the reversal, and the key.
type DeliverReversal struct {
	NoteID      domain.ID
	ReversalNo  string
	RepaymentNo string
	ReversedOn  domain.Date
}

// noteScope is the notes an actor may see: the core system keeps the accounts of all of them, and sees nothing else.
func noteScope(by domain.Actor) domain.Scope {
	if by.Role == domain.RoleCoreSystem {
		return domain.Scope{Everything: true}
	}
	return by.Scope()
}

// Repay takes a repayment that the core system reports (还款). It may come late, out of order and more than once: replayed says
// that it was here before. The same number with another content is refused with "repayment-no-reused", and more principal
// than the note owes with "repayment-exceeds-outstanding". What was paid before a renewal and is told after it is booked on the
// note that it names, and the note that renews it owes so much less; "loan-note-renewed" names that one where this cannot be.
func (s *Lines) Repay(ctx context.Context, by domain.Actor, cmd DeliverRepayment) (told loan.RepaymentRecord, replayed bool, err error) {
	if err := by.Require(domain.RoleCoreSystem); err != nil {
		return loan.RepaymentRecord{}, false, err
	}
	now := s.now()
	id := s.newID()
	err = s.store.Update(ctx, func(tx Tx) error {
		note, err := lockNote(ctx, tx, by, cmd.NoteID)
		if err != nil {
			return err
		}
		rec := note.Record()
		delivered := loan.RepaymentRecord{
			ID: id, RepaymentNo: cmd.RepaymentNo, NoteID: rec.ID, ApplicationID: rec.ApplicationID, BranchID: rec.BranchID,
			BorrowerID: rec.BorrowerID, PaidOn: cmd.PaidOn, Principal: cmd.Principal, Interest: cmd.Interest,
			Status: loan.RepaymentApplied, ReceivedAt: now, Version: 1,
		}
		prior, err := tx.RepaymentByNo(ctx, cmd.RepaymentNo)
		if err == nil {
			told, replayed = prior, true
			return sameRepayment(prior, delivered)
		}
		if domain.CodeOf(err) != "repayment-not-found" {
			return err
		}
		if err := applyRepayment(ctx, tx, by, now, note, delivered); err != nil {
			return err
		}
		told, replayed = delivered, false
		return nil
	})
	return told, replayed, err
}

func sameRepayment(prior, delivered loan.RepaymentRecord) error {
	if prior.Same(delivered) {
		return nil
	}
	return domain.Errorf(domain.KindConflict, "repayment-no-reused", "核心还款流水号 %s 已用于另一笔内容不同的还款，请核对", prior.RepaymentNo)
}

// applyRepayment takes a new repayment off the note and its line.
func applyRepayment(ctx context.Context, tx Tx, by domain.Actor, now time.Time, note *loan.LoanNote, r loan.RepaymentRecord) error {
	today := domain.DateOf(now)
	if err := r.CheckOn(note.Record(), today); err != nil {
		return err
	}
	repaid, err := tx.Repayments(ctx, r.NoteID)
	if err != nil {
		return err
	}
	if len(repaid) >= loan.RepaymentsOfNoteMax {
		return domain.Errorf(domain.KindConflict, "too-many-repayments", "一张借据最多 %d 笔还款，请联系系统管理员", loan.RepaymentsOfNoteMax)
	}
	before := note.Record()
	back, heir, err := handedBack(ctx, tx, before, r)
	if err != nil {
		return err
	}
	before.HandedOver = before.HandedOver.Sub(back)
	then, err := noteStanding(ctx, tx, before, append(repaid, r), today)
	if err != nil {
		return err
	}
	var event loan.Event
	if back.IsZero() {
		event, err = note.Repay(by, now, r, then)
	} else {
		event, err = note.RepayHandedOver(by, now, r, back, then)
	}
	if err != nil {
		return err
	}
	if err := tx.InsertRepayment(ctx, r, r.Event(by, now, loan.ActionLineRepay, "")); err != nil {
		return err
	}
	if err := tx.SaveLoanNote(ctx, note, event); err != nil {
		return err
	}
	if !back.IsZero() {
		return takeOffHeir(ctx, tx, by, now, r, back, heir)
	}
	return principalMoved(ctx, tx, r.ApplicationID, r.Principal, func(l *loan.Line) (loan.Event, error) { return l.Repay(by, now, r.Principal) })
}

// handedBack is how much of a repayment's principal a renewal had taken over, because it was told too late, and the note that owes
// it. 0.00 where the note itself owes all of it, and where it never owed so much.
func handedBack(ctx context.Context, r Reader, note loan.NoteRecord, repaid loan.RepaymentRecord) (back money.Amount, heir loan.NoteRecord, err error) {
	back = repaid.Principal.Sub(note.Outstanding())
	if back.Sign() <= 0 || back.Cmp(note.HandedOver) > 0 {
		return money.Amount{}, loan.NoteRecord{}, nil
	}
	heir, err = r.LoanNote(ctx, domain.Scope{Everything: true}, renewingNoteID(note.ID))
	switch {
	case err != nil:
		return money.Amount{}, loan.NoteRecord{}, err
	case repaid.PaidOn.After(heir.StartsOn):
		err = domain.Errorf(domain.KindRule, "loan-note-renewed", "借据 %s 已于 %s 续贷为借据 %s（%s），此后归还的本金请按新借据送达",
			note.NoteNo, heir.StartsOn, heir.NoteNo, heir.ID)
	case back.Cmp(heir.Outstanding()) > 0:
		err = domain.Errorf(domain.KindRule, "loan-note-renewed",
			"借据 %s 已于 %s 续贷为借据 %s（%s），本次还本须从新借据减去 %s 元，而新借据未还本金只有 %s 元；新借据有还款冲正未送达的，送达后重发，否则请联系系统管理员",
			note.NoteNo, heir.StartsOn, heir.NoteNo, heir.ID, back.Grouped(), heir.Outstanding().Grouped())
	}
	return back, heir, err
}

// takeOffHeir takes off both lines, and off the heir's note, what a renewal had taken over though it had been repaid before. Both
// applications are held.
func takeOffHeir(ctx context.Context, tx Tx, by domain.Actor, now time.Time, r loan.RepaymentRecord, back money.Amount, heir loan.NoteRecord) error {
	everything := domain.Scope{Everything: true}
	var cases [2]loan.Record
	for i, id := range []domain.ID{r.ApplicationID, heir.ApplicationID} {
		var err error
		if cases[i], err = tx.Application(ctx, everything, id); err != nil {
			return err
		}
	}
	if err := lockExposure(ctx, tx, cases[:]...); err != nil {
		return err
	}
	if _, err := changeLine(ctx, tx, r.ApplicationID, func(l *loan.Line) (loan.Event, error) {
		return l.RepayHandedOver(by, now, r.Principal, back)
	}); err != nil {
		return err
	}
	line, err := changeLine(ctx, tx, heir.ApplicationID, func(l *loan.Line) (loan.Event, error) { return l.Reverse(by, now, back) })
	if err != nil {
		return err
	}
	contract, err := tx.Contract(ctx, everything, heir.ApplicationID)
	if err != nil {
		return err
	}
	terms, err := termsOfNote(ctx, tx, contract, line.Record(), arrival{ApplicationID: heir.ApplicationID})
	if err != nil {
		return err
	}
	return reverseOnNote(ctx, tx, by, now, terms, heir, back)
}

// ReverseRepayment takes the reversal of a repayment that the core system reports (还款冲正). A reversal that is here before its
// repayment is refused with "repayment-not-found" and delivered again by the core system: to keep it would mean to hold a
// word about something nobody has told us of.
func (s *Lines) ReverseRepayment(ctx context.Context, by domain.Actor, cmd DeliverReversal) (told loan.RepaymentRecord, replayed bool, err error) {
	if err := by.Require(domain.RoleCoreSystem); err != nil {
		return loan.RepaymentRecord{}, false, err
	}
	now := s.now()
	err = s.store.Update(ctx, func(tx Tx) error {
		note, err := lockNote(ctx, tx, by, cmd.NoteID)
		if err != nil {
			return err
		}
		r, err := tx.RepaymentByNo(ctx, cmd.RepaymentNo)
		if err != nil {
			return err
		}
		if r.NoteID != cmd.NoteID {
			return domain.Errorf(domain.KindNotFound, "repayment-not-found", "这张借据还没有收到这笔还款，请先送达还款再送冲正")
		}
		if r.Status == loan.RepaymentReversed {
			told, replayed = r, true
			return sameReversal(r, cmd)
		}
		if r, err = undoRepayment(ctx, tx, by, now, note, r, cmd); err != nil {
			return err
		}
		told, replayed = r, false
		return nil
	})
	return told, replayed, err
}

func sameReversal(r loan.RepaymentRecord, cmd DeliverReversal) error {
	if r.ReversalNo == cmd.ReversalNo && r.ReversedOn == cmd.ReversedOn {
		return nil
	}
	return domain.Errorf(domain.KindConflict, "repayment-reversed", "还款 %s 已由冲正 %s 于 %s 冲正，不能再冲正一次", r.RepaymentNo, r.ReversalNo, r.ReversedOn)
}

func undoRepayment(ctx context.Context, tx Tx, by domain.Actor, now time.Time, note *loan.LoanNote, r loan.RepaymentRecord, cmd DeliverReversal) (loan.RepaymentRecord, error) {
	today := domain.DateOf(now)
	var p domain.Problems
	if n := len([]rune(cmd.ReversalNo)); n == 0 || n > loan.RepaymentNoMax {
		p.Add("/reversal_no", "out-of-range", "核心冲正流水号应为 1 至 %d 个字", loan.RepaymentNoMax)
	}
	if cmd.ReversedOn.Before(r.PaidOn) || cmd.ReversedOn.After(today) {
		p.Add("/reversed_on", "out-of-range", "冲正日应在还款日 %s 与今天 %s 之间", r.PaidOn, today)
	}
	if err := p.Err(); err != nil {
		return r, err
	}
	r.Status, r.ReversalNo, r.ReversedOn, r.ReversedAt = loan.RepaymentReversed, cmd.ReversalNo, cmd.ReversedOn, now
	r.Version++
	if err := tx.SaveRepayment(ctx, r, r.Event(by, now, loan.ActionLineUndo, loan.RepaymentApplied)); err != nil {
		return r, err
	}
	repaid, err := tx.Repayments(ctx, r.NoteID) // with this one undone
	if err != nil {
		return r, err
	}
	then, err := noteStanding(ctx, tx, note.Record(), repaid, today)
	if err != nil {
		return r, err
	}
	event, err := note.Undo(by, now, r, then)
	if err != nil {
		return r, err
	}
	if err := tx.SaveLoanNote(ctx, note, event); err != nil {
		return r, err
	}
	return r, principalMoved(ctx, tx, r.ApplicationID, r.Principal, func(l *loan.Line) (loan.Event, error) { return l.UndoRepayment(by, now, r.Principal) })
}

// lockNote locks the application first, as everywhere, and then its note. With it, in the order of their ids as at a renewal's
// signature, it locks the case that renews it, which may owe what the note owed.
func lockNote(ctx context.Context, tx Tx, by domain.Actor, id domain.ID) (*loan.LoanNote, error) {
	found, err := tx.LoanNote(ctx, noteScope(by), id) // unlocked: only to learn which application to lock
	if err != nil {
		return nil, err
	}
	cases := []domain.ID{found.ApplicationID}
	renewal, renewed, err := tx.LiveRenewal(ctx, found.ApplicationID)
	if err != nil {
		return nil, err
	}
	if renewed {
		cases = append(cases, renewal.ID)
		slices.Sort(cases)
	}
	for _, one := range cases {
		if _, err := tx.LockApplication(ctx, domain.Scope{Everything: true}, one); err != nil {
			return nil, err
		}
	}
	note, err := tx.LockLoanNote(ctx, noteScope(by), id)
	if err == nil && !renewed && !note.Record().HandedOver.IsZero() {
		return nil, domain.Errorf(domain.KindConflict, "stale-version", "借据 %s 刚刚续贷，请重发", note.Record().NoteNo)
	}
	return note, err
}

// noteStanding holds a note's repayments against its schedule.
func noteStanding(ctx context.Context, tx Tx, note loan.NoteRecord, repaid []loan.RepaymentRecord, today domain.Date) (loan.Standing, error) {
	plan, err := tx.NoteInstalments(ctx, note.ID)
	if err != nil {
		return loan.Standing{}, err
	}
	renewed, err := renewedPart(ctx, tx, note)
	if err != nil {
		return loan.Standing{}, err
	}
	return loan.StandingOf(plan, renewed, repaid, today), nil
}

// renewedPart is what of a note is owed on the note that renews it, and since when: that one's first day.
func renewedPart(ctx context.Context, r Reader, note loan.NoteRecord) (loan.Renewed, error) {
	if note.HandedOver.IsZero() {
		return loan.Renewed{}, nil
	}
	heir, err := r.LoanNote(ctx, domain.Scope{Everything: true}, renewingNoteID(note.ID))
	return loan.Renewed{Principal: note.HandedOver, On: heir.StartsOn}, err
}

// principalMoved changes the line where a repayment, or its reversal, had a part of principal.
func principalMoved(ctx context.Context, tx Tx, applicationID domain.ID, principal money.Amount, do func(*loan.Line) (loan.Event, error)) error {
	if principal.IsZero() {
		return nil
	}
	_, err := changeLine(ctx, tx, applicationID, do)
	return err
}
