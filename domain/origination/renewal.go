package origination

import (
	"context"
	"time"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
)

// RenewLine asks to renew a line without repaying its principal first (无还本续贷). What is asked for is what any application
// asks for; its amount is the new limit, and not less than what is owed.
type RenewLine struct {
	ApplicationID domain.ID // of the line that ends
	Request       loan.Request
}

// LineFile is a line and the cases beside it: which it renews, and which renews it.
type LineFile struct {
	Line                   loan.LineRecord
	RenewsApplicationID    domain.ID // zero: the line is nobody's renewal
	RenewedByApplicationID domain.ID // the live case that renews this one; zero: none
}

// Renew opens the case of a renewal: a draft of its own that goes through rules, review, approval and contract as any other. Only
// its signature moves what is owed. It refuses where the product does not allow it ("renewal-not-offered"), too early
// ("renewal-too-early"), while anything is overdue ("renewal-while-overdue") or under way ("line-has-payments"), where nothing
// is owed ("renewal-without-debt"), and a second time ("renewal-exists"). replayed says that this key had opened it before.
func (s *Applications) Renew(ctx context.Context, by domain.Actor, key Idempotency, cmd RenewLine) (opened loan.Record, replayed bool, err error) {
	if err := by.Require(domain.RoleLoanOfficer, domain.RoleBorrower); err != nil {
		return loan.Record{}, false, err
	}
	now, id := s.now(), s.newID()
	number, err := s.numbers.Next(ctx, "LA", domain.DateOf(now))
	if err != nil {
		return loan.Record{}, false, err
	}
	err = s.store.Update(ctx, func(tx Tx) error {
		// The line that ends is held by its application: of twenty callers one finds it not renewed yet.
		app, err := tx.LockApplication(ctx, by.Scope(), cmd.ApplicationID)
		if err != nil {
			return err
		}
		prior, err := tx.ClaimIdempotencyKey(ctx, by.ID, key, id, now)
		if err != nil {
			return err
		}
		if !prior.IsZero() {
			opened, err = tx.Application(ctx, by.Scope(), prior)
			replayed = true
			return err
		}
		rec, err := openRenewal(ctx, tx, by, now, app.Record(), loan.Record{ID: id, ApplicationNo: number, Request: cmd.Request})
		if err != nil {
			return err
		}
		opened, replayed = rec, false
		return nil
	})
	return opened, replayed, err
}

// openRenewal opens the case beside the old one, which is locked. It belongs where the borrower is today.
func openRenewal(ctx context.Context, tx Tx, by domain.Actor, now time.Time, old, renewal loan.Record) (loan.Record, error) {
	line, err := tx.Line(ctx, by.Scope(), old.ID)
	if err != nil {
		return loan.Record{}, err
	}
	if err := mayRenew(ctx, tx, old, line, domain.DateOf(now)); err != nil {
		return loan.Record{}, err
	}
	if renewal.Request.Amount.Cmp(line.Outstanding) < 0 {
		var p domain.Problems
		p.Add("/amount", "below-outstanding", "续贷金额不能少于未还本金 %s 元；要减少金额请先还款", line.Outstanding.Grouped())
		return loan.Record{}, p.Err()
	}
	applicant, err := tx.Applicant(ctx, by.Scope(), old.BorrowerID)
	if err != nil {
		return loan.Record{}, err
	}
	renewal.BranchID, renewal.BorrowerID, renewal.HouseholdID = applicant.BranchID, applicant.ID, applicant.HouseholdID
	renewal.RegionCode, renewal.ProductCode, renewal.RenewsApplicationID = applicant.RegionCode, old.ProductCode, old.ID
	app, event, err := loan.Open(by, now, renewal)
	if err != nil {
		return loan.Record{}, err
	}
	return app.Record(), tx.InsertApplication(ctx, app, event)
}

// mayRenew checks what is asked when a renewal is opened, and again when it is signed.
func mayRenew(ctx context.Context, r Reader, old loan.Record, line loan.LineRecord, today domain.Date) error {
	if err := line.MayRenew(today); err != nil {
		return err
	}
	version, err := productVersion(ctx, r, old.ProductCode, old.RegionCode, today)
	if err != nil {
		return err
	}
	if version.RenewalDays == 0 {
		return domain.Errorf(domain.KindRule, "renewal-not-offered", "本地区的这个产品不办理无还本续贷，请还清本金后另行申请")
	}
	if from := line.EndsOn.AddDays(-version.RenewalDays); today.Before(from) {
		return domain.Errorf(domain.KindRule, "renewal-too-early", "额度 %s 到期，到期前 %d 天内才能申请续贷，请于 %s 起再来申请",
			line.EndsOn, version.RenewalDays, from)
	}
	if err := notOverdue(ctx, r, old.BorrowerID, today); err != nil {
		return err
	}
	renewal, found, err := r.LiveRenewal(ctx, old.ID)
	if err != nil {
		return err
	}
	if found {
		return domain.Errorf(domain.KindConflict, "renewal-exists", "这个额度已有续贷申请 %s（%s），请在那笔申请中办理", renewal.ApplicationNo, renewal.Status.Label())
	}
	return nil
}

func notOverdue(ctx context.Context, r Reader, borrowerID domain.ID, today domain.Date) error {
	conduct, err := conductOf(ctx, r, borrowerID, today)
	if err == nil && conduct.OverdueNow {
		return domain.Errorf(domain.KindRule, "renewal-while-overdue", "借款人有逾期未还的借据，还清逾期后才能续贷")
	}
	return err
}

// RenewedDebt is what a renewal's contract takes over from the loan it renews (续贷承接). The zero value: nothing.
type RenewedDebt struct {
	ContractNo string // of the loan that is renewed
	Principal  money.Amount
}

// renewedDebt is what a case takes over if it is signed now; nothing where it renews none, or all has been repaid meanwhile. It
// refuses, with "renewal-below-debt", an approval that does not reach.
func renewedDebt(ctx context.Context, r Reader, rec loan.Record) (RenewedDebt, error) {
	if rec.RenewsApplicationID.IsZero() {
		return RenewedDebt{}, nil
	}
	everything := domain.Scope{Everything: true} // who may see the case may know what it renews
	line, err := r.Line(ctx, everything, rec.RenewsApplicationID)
	if err != nil || line.Outstanding.IsZero() {
		return RenewedDebt{}, err
	}
	if rec.Approval.Amount.Cmp(line.Outstanding) < 0 {
		return RenewedDebt{}, domain.Errorf(domain.KindRule, "renewal-below-debt",
			"批准续贷 %s 元，少于原借款未还本金 %s 元：请借款人先归还差额，再签续贷合同", rec.Approval.Amount.Grouped(), line.Outstanding.Grouped())
	}
	contract, err := r.Contract(ctx, everything, rec.RenewsApplicationID)
	return RenewedDebt{ContractNo: contract.ContractNo, Principal: line.Outstanding}, err
}

// lockForSigning locks the case that is to be signed, and with a renewal also the case whose line ends, in the order of their
// ids whichever was opened first.
func lockForSigning(ctx context.Context, tx Tx, by domain.Actor, id domain.ID) (*loan.Application, error) {
	found, err := tx.Application(ctx, by.Scope(), id) // unlocked: which case it renews never changes
	if err != nil {
		return nil, err
	}
	old := found.RenewsApplicationID
	if old.IsZero() || old > id {
		app, err := tx.LockApplication(ctx, by.Scope(), id)
		if err != nil || old.IsZero() {
			return app, err
		}
		_, err = tx.LockApplication(ctx, domain.Scope{Everything: true}, old)
		return app, err
	}
	if _, err := tx.LockApplication(ctx, domain.Scope{Everything: true}, old); err != nil {
		return nil, err
	}
	return tx.LockApplication(ctx, by.Scope(), id)
}

// takeOver moves what is owed when a renewal is signed: the new line owes what the old one owed, note by note, the old line and its
// guarantee end, and no payment moves. Both applications are locked. It returns the principal that went over: 0.00 when all
// had been repaid meanwhile.
func takeOver(ctx context.Context, tx Tx, by domain.Actor, now time.Time, old, rec loan.Record, contract loan.Contract) (money.Amount, error) {
	if err := notOverdue(ctx, tx, rec.BorrowerID, domain.DateOf(now)); err != nil {
		return money.Amount{}, err
	}
	if err := lockExposure(ctx, tx, old, rec); err != nil {
		return money.Amount{}, err
	}
	if err := noReversalOpen(ctx, tx, old); err != nil {
		return money.Amount{}, err
	}
	var principal money.Amount
	if _, err := changeLine(ctx, tx, old.ID, func(l *loan.Line) (loan.Event, error) {
		principal = l.Record().Outstanding
		return l.HandOver(by, now)
	}); err != nil {
		return money.Amount{}, err
	}
	if principal.Sign() > 0 {
		if err := moveNotes(ctx, tx, by, now, old.ID, contract, principal); err != nil {
			return money.Amount{}, err
		}
	}
	return principal, dischargeGuarantee(ctx, tx, by, now, old.ID, "renewed")
}

// noReversalOpen refuses while money that came back waits for its confirmation: the old line could not book it any more.
func noReversalOpen(ctx context.Context, r Reader, old loan.Record) error {
	open, err := r.OpenReversalsOfCase(ctx, old.ID)
	if err != nil || open.IsZero() {
		return err
	}
	return domain.Errorf(domain.KindConflict, "line-has-reversals",
		"原贷款 %s 有 %s 元冲正待确认，请放款岗（申请冲正以外的一人）先确认或驳回，再签续贷合同", old.ApplicationNo, open.Grouped())
}

// renewalSigned saves the signature of a renewal and lets its line take over what is owed. What it returns is the event of
// that: a case that took over principal is paid, so that nobody withdraws it and it can be closed.
func renewalSigned(ctx context.Context, tx Tx, by domain.Actor, now time.Time, app *loan.Application, signed loan.Event, c loan.Contract) (loan.Event, error) {
	by = domain.Actor{ID: by.ID, Name: by.Name, Role: domain.RoleSystem, BranchID: by.BranchID} // a consequence of the signature
	old, err := tx.Application(ctx, domain.Scope{Everything: true}, app.Record().RenewsApplicationID)
	if err != nil {
		return loan.Event{}, err
	}
	principal, err := takeOver(ctx, tx, by, now, old, app.Record(), c)
	if err != nil || principal.IsZero() {
		return signed, err
	}
	if err := saveCase(ctx, tx, app, signed); err != nil { // confirms the new guarantee's quota
		return loan.Event{}, err
	}
	if err := mayTakeOver(ctx, tx, old, payment{Step: paymentRenewed, AskedBy: by.Role, At: now, Application: app.Record(), Contract: c}); err != nil {
		return loan.Event{}, err
	}
	return app.TakeOver(by, now, principal)
}

// moveNotes ends each note that is owed and writes the one that renews it, under the new contract from today on.
func moveNotes(ctx context.Context, tx Tx, by domain.Actor, now time.Time, oldID domain.ID, contract loan.Contract, principal money.Amount) error {
	line, err := tx.LockLine(ctx, domain.Scope{Everything: true}, contract.ApplicationID)
	if err != nil {
		return err
	}
	event, err := line.TakeOver(by, now, principal)
	if err != nil {
		return err
	}
	terms, err := termsOfNote(ctx, tx, contract, line.Record(), arrival{ApplicationID: contract.ApplicationID})
	if err != nil {
		return err
	}
	notes, err := tx.NotesOfCase(ctx, oldID)
	if err != nil {
		return err
	}
	moved := money.Amount{}
	for _, rec := range notes {
		if rec.Outstanding().Sign() > 0 {
			if err := renewNote(ctx, tx, by, now, line, terms, rec); err != nil {
				return err
			}
			moved = moved.Add(rec.Outstanding())
		}
	}
	if !moved.Equal(principal) {
		return domain.Errorf(domain.KindConflict, "line-amount-mismatch", "原额度未还本金为 %s 元，其借据合计为 %s 元，暂不能续贷；请联系系统管理员核对借据",
			principal.Grouped(), moved.Grouped())
	}
	return tx.SaveLine(ctx, line, event)
}

// renewingNoteID is the id of the note that renews another: a note is renewed once.
func renewingNoteID(id domain.ID) domain.ID { return loan.DerivedID(id, "renewal") }

func renewNote(ctx context.Context, tx Tx, by domain.Actor, now time.Time, line *loan.Line, terms noteTerms, rec loan.NoteRecord) error {
	old, err := loan.RestoreNote(rec)
	if err != nil {
		return err
	}
	event, err := old.Renew(by, now)
	if err != nil {
		return err
	}
	if err := tx.SaveLoanNote(ctx, old, event); err != nil {
		return err
	}
	today, owed := domain.DateOf(now), rec.Outstanding()
	plan, err := terms.plan(owed, today)
	if err != nil {
		return err
	}
	note, event, err := loan.WriteNote(by, now, line, terms.contract, loan.NoteRecord{
		ID: renewingNoteID(rec.ID), RenewsNoteID: rec.ID, Amount: owed, StartsOn: today,
	}, plan)
	if err != nil {
		return err
	}
	return tx.InsertLoanNote(ctx, note, plan, event)
}
