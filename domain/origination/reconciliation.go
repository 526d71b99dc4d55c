package origination

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"slices"
	"time"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/paymentfile"
)

// ReconciliationReader reads the channel's day files against our payments (对账).
type ReconciliationReader interface {
	PaymentFileReader

	// Reconciliation returns one, or "reconciliation-not-found". What is still being imported is not found.
	Reconciliation(ctx context.Context, scope domain.Scope, id domain.ID) (loan.ReconciliationRecord, error)
	// ReconciliationOfFile finds the one that was made of a file and not discarded.
	ReconciliationOfFile(ctx context.Context, scope domain.Scope, sha256 string) (rec loan.ReconciliationRecord, found bool, err error)
	// Reconciliations lists a page, newest first, with the status or with any.
	Reconciliations(ctx context.Context, scope domain.Scope, status loan.ReconciliationStatus, page domain.Page) ([]loan.ReconciliationRecord, error)
	// ReconciliationCase returns a case of one that has been read within its scope, or "reconciliation-case-not-found".
	ReconciliationCase(ctx context.Context, reconciliationID, id domain.ID) (loan.ReconciliationCaseRecord, error)
	// ReconciliationCases lists a page of its cases, newest first, with the status or with any.
	ReconciliationCases(ctx context.Context, reconciliationID domain.ID, status loan.ReconciliationCaseStatus, page domain.Page) ([]loan.ReconciliationCaseRecord, error)
	// DayPayments lists the rows of its file that follow a row.
	DayPayments(ctx context.Context, reconciliationID domain.ID, afterRow, limit int) ([]loan.DayPayment, error)
	// SeenInDayFiles says of transfers where they stand in this file and in others that count. An id that stands nowhere is absent.
	SeenInDayFiles(ctx context.Context, reconciliationID domain.ID, transfers []domain.ID) (map[domain.ID]loan.Seen, error)
	// OwnPayments returns what we know of transfers. An id that is none of ours is absent.
	OwnPayments(ctx context.Context, transfers []domain.ID) (map[domain.ID]loan.OwnPayment, error)
	// SucceededBetween lists transfers that succeeded from one instant to before another, in the order of time, after a key.
	SucceededBetween(ctx context.Context, from, until time.Time, after SucceededKey, limit int) ([]loan.OwnPayment, error)
	// SucceededTotal is how many those are, and their sum.
	SucceededTotal(ctx context.Context, from, until time.Time) (count int, sum money.Amount, err error)
	// AbandonedImports lists imports that were begun before the time and never ended.
	AbandonedImports(ctx context.Context, before time.Time, limit int) ([]domain.ID, error)
}

// ReconciliationWriter writes the channel's day files against our payments (对账).
type ReconciliationWriter interface {
	PaymentFileWriter

	// InsertReconciliation stores one whose file is being read.
	InsertReconciliation(ctx context.Context, rec loan.ReconciliationRecord) error
	// InsertDayPayments stores rows of the file.
	InsertDayPayments(ctx context.Context, rec loan.ReconciliationRecord, rows []loan.DayPayment) error
	// LockReconciliation returns one and keeps others from changing it or its cases until the transaction ends, or
	// "reconciliation-not-found".
	LockReconciliation(ctx context.Context, scope domain.Scope, id domain.ID) (*loan.Reconciliation, error)
	// SaveReconciliation refuses with "stale-version"; with "day-already-imported" when its day, and "day-file-known" when its file
	// has another one.
	SaveReconciliation(ctx context.Context, r *loan.Reconciliation) error
	// InsertReconciliationCases stores what was found.
	InsertReconciliationCases(ctx context.Context, cases []loan.ReconciliationCaseRecord) error
	// SaveReconciliationCase refuses with "stale-version".
	SaveReconciliationCase(ctx context.Context, c loan.ReconciliationCaseRecord) error
	// DeleteImport takes away an import that did not end: at most limit rows, and then itself. False says that rows are left.
	DeleteImport(ctx context.Context, id domain.ID, limit int) (done bool, err error)
}

// SucceededKey is the place of a transfer in SucceededBetween; zero for the beginning.
type SucceededKey struct {
	SettledAt time.Time
	ID        domain.ID
}

// Limits of the work on a day file.
const (
	dayFilePage       = 1000             // rows read, matched or written at once
	importAbandoned   = time.Hour        // after which an import that has not ended is taken away
	importsSweptMax   = 5                // of those, in one request
	concludeAttempts  = 3                // when payments succeed while the day is being matched
	DayFileTimeoutMax = 10 * time.Minute // of an import of EntriesMax rows on a slow machine
)

// Reconciliations are the use cases of the channel's day files against our payments (对账).
type Reconciliations struct {
	store   Store
	now     domain.Clock
	newID   func() domain.ID
	payouts *Payouts
}

// NewReconciliations builds the use cases. payouts settles what a file of the channel says about a transfer whose result is not
// known.
func NewReconciliations(store Store, now domain.Clock, newID func() domain.ID, payouts *Payouts) *Reconciliations {
	return &Reconciliations{store: store, now: now, newID: newID, payouts: payouts}
}

// DayFileFormat is the format of a day file.
type DayFileFormat string

// The formats.
const (
	DayFileCSV     DayFileFormat = "csv"
	DayFileCamt054 DayFileFormat = "camt.054"
)

// ImportDayFile is a day file as it arrives.
type ImportDayFile struct {
	BusinessDay domain.Date
	Format      DayFileFormat
	Charset     string    // of CSV, as the sender says it; empty to find out
	Body        io.Reader // bounded by the caller; read once, row by row
}

// Import reads the channel's day file, holds it against what succeeded here on the day, and makes a case of each difference (导入日终文件).
// known says that the same file was imported before: nothing was changed.
//
// The rows are written in pages as they arrive, so memory does not grow with the file; all that follows from them is one
// transaction at the end. An import that breaks off leaves rows that nobody sees, and a later one takes them away.
func (s *Reconciliations) Import(ctx context.Context, by domain.Actor, cmd ImportDayFile) (imported loan.ReconciliationRecord, known bool, err error) {
	now := s.now()
	if err := s.mayImport(ctx, by, now, cmd.BusinessDay); err != nil {
		return loan.ReconciliationRecord{}, false, err
	}
	if err := s.sweep(ctx, now); err != nil {
		return loan.ReconciliationRecord{}, false, err
	}
	rec := loan.ReconciliationRecord{
		ID: s.newID(), BranchID: by.BranchID, BusinessDay: cmd.BusinessDay, Format: string(cmd.Format), Status: loan.ReconciliationImporting,
		ImportedBy: by.ID, ImportedByName: by.Name, ImportedAt: now, Version: 1,
	}
	defer func() {
		if err != nil || known { // what cannot be taken away now is swept later
			_ = s.takeAway(context.WithoutCancel(ctx), rec.ID)
		}
	}()
	hash, totals, err := s.stage(ctx, rec, cmd)
	if err != nil {
		return loan.ReconciliationRecord{}, false, err
	}
	if prior, found, err := s.store.ReconciliationOfFile(ctx, by.Scope(), hash); err != nil || found {
		return prior, found, err
	}
	settled, err := s.settleUnknown(ctx, rec.ID, cmd.BusinessDay)
	if err != nil {
		return loan.ReconciliationRecord{}, false, err
	}
	for attempt := 1; ; attempt++ {
		imported, err = s.conclude(ctx, by, rec.ID, hash, totals, settled)
		if domain.CodeOf(err) != "day-in-motion" || attempt == concludeAttempts {
			break
		}
	}
	if code := domain.CodeOf(err); code == "day-file-known" || code == "day-already-imported" { // perhaps somebody was faster with the same file
		if prior, found, lookup := s.store.ReconciliationOfFile(ctx, by.Scope(), hash); lookup != nil || found {
			return prior, found, lookup
		}
	}
	return imported, false, err
}

// mayImport lets through the head office's disbursement officers: the channel's file holds the payments of all branches.
func (s *Reconciliations) mayImport(ctx context.Context, by domain.Actor, now time.Time, day domain.Date) error {
	if err := requireHeadOffice(ctx, s.store, by); err != nil {
		return err
	}
	if today := domain.DateOf(now); day.DaysUntil(today) < 0 {
		var p domain.Problems
		p.Add("/business_day", "out-of-range", "营业日不能晚于今天")
		return p.Err()
	}
	return nil
}

// stage writes the rows of the file in pages and returns its SHA-256 and what it holds.
func (s *Reconciliations) stage(ctx context.Context, rec loan.ReconciliationRecord, cmd ImportDayFile) (sha string, totals paymentfile.Totals, err error) {
	if err := s.store.Update(ctx, func(tx Tx) error { return tx.InsertReconciliation(ctx, rec) }); err != nil {
		return "", totals, err
	}
	hash := sha256.New()
	body := io.TeeReader(cmd.Body, hash)
	page := make([]loan.DayPayment, 0, dayFilePage)
	flush := func() error {
		if len(page) == 0 {
			return nil
		}
		defer func() { page = page[:0] }()
		return s.store.Update(ctx, func(tx Tx) error { return tx.InsertDayPayments(ctx, rec, page) })
	}
	take := func(e paymentfile.DayEntry) error {
		if e.PaidOn != cmd.BusinessDay {
			return domain.Errorf(domain.KindInvalid, "payment-file-unreadable", "第 %d 笔的入账日为 %s，不是 %s：请核对营业日，或向渠道要求当日的文件", e.Row, e.PaidOn, cmd.BusinessDay)
		}
		page = append(page, loan.DayPayment{Row: e.Row, EndToEndID: e.EndToEndID, TransferID: e.TransferID, Amount: e.Amount, Reference: e.Reference})
		if len(page) < dayFilePage {
			return nil
		}
		return flush()
	}
	if cmd.Format == DayFileCamt054 {
		totals, err = paymentfile.ReadCamt054(body, take)
	} else {
		totals, err = paymentfile.ReadDayCSV(body, cmd.Charset, take)
	}
	if err != nil {
		return "", totals, err
	}
	if err := flush(); err != nil {
		return "", totals, err
	}
	if _, err := io.Copy(io.Discard, body); err != nil { // what the reader did not need belongs to the file all the same
		return "", totals, err
	}
	return hex.EncodeToString(hash.Sum(nil)), totals, nil
}

// sweep takes away imports that broke off.
func (s *Reconciliations) sweep(ctx context.Context, now time.Time) error {
	abandoned, err := s.store.AbandonedImports(ctx, now.Add(-importAbandoned), importsSweptMax)
	if err != nil {
		return err
	}
	for _, id := range abandoned {
		if err := s.takeAway(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

func (s *Reconciliations) takeAway(ctx context.Context, id domain.ID) error {
	for range 2 * paymentfile.EntriesMax / dayFilePage {
		var done bool
		err := s.store.Update(ctx, func(tx Tx) (err error) {
			done, err = tx.DeleteImport(ctx, id, 2*dayFilePage)
			return err
		})
		if err != nil || done {
			return err
		}
	}
	return nil
}

// eachPage calls visit for the rows of a file, page by page, with the transfers they name.
func eachPage(ctx context.Context, r Reader, id domain.ID, visit func(rows []loan.DayPayment, ids []domain.ID, ours map[domain.ID]loan.OwnPayment) error) error {
	for after := 0; ; {
		rows, err := r.DayPayments(ctx, id, after, dayFilePage)
		if err != nil || len(rows) == 0 {
			return err
		}
		after = rows[len(rows)-1].Row
		ids := make([]domain.ID, 0, len(rows))
		for _, row := range rows {
			if !row.TransferID.IsZero() {
				ids = append(ids, row.TransferID)
			}
		}
		ours, err := r.OwnPayments(ctx, ids)
		if err != nil {
			return err
		}
		if err := visit(rows, ids, ours); err != nil {
			return err
		}
	}
}

// settleUnknown records as paid what the file shows as paid, with the same amount, and whose result we did not know. The file is the
// channel's own word, as an answer to a query is; nothing is sent. The money arrived on the file's day.
func (s *Reconciliations) settleUnknown(ctx context.Context, id domain.ID, day domain.Date) (settled int, err error) {
	from, _ := dayBounds(day)
	err = eachPage(ctx, s.store, id, func(rows []loan.DayPayment, _ []domain.ID, ours map[domain.ID]loan.OwnPayment) error {
		for _, row := range rows {
			t, found := ours[row.TransferID]
			waits := t.Status == loan.TransferUnknown || t.Status == loan.TransferSending
			if !found || !waits || !t.Amount.Equal(row.Amount) {
				continue
			}
			delete(ours, row.TransferID) // the same id again is a duplicate
			due := DueTransfer{ID: t.ID, DisbursementID: t.DisbursementID, ApplicationID: t.ApplicationID}
			err := s.payouts.book(ctx, due, PaymentAnswer{State: PaymentSucceeded, Reference: row.Reference, PaidAt: from})
			switch {
			case err == nil:
				settled++
			case unavailable(err) || ctx.Err() != nil:
				return err
			default: // the transfer says why, and the row becomes a case: one payment must not keep the day from being imported
				s.payouts.log.ErrorContext(ctx, "transfer in a day file left unknown", slog.Any("transfer_id", t.ID), slog.Any("error", err))
			}
		}
		return nil
	})
	return settled, err
}

// conclude matches both sides and makes the result visible, in one transaction.
func (s *Reconciliations) conclude(ctx context.Context, by domain.Actor, id domain.ID, hash string, totals paymentfile.Totals, settled int) (concluded loan.ReconciliationRecord, err error) {
	now := s.now()
	err = s.store.Update(ctx, func(tx Tx) error {
		r, err := tx.LockReconciliation(ctx, by.Scope(), id)
		if err != nil {
			return err
		}
		m := matching{day: r.Record().BusinessDay, totals: loan.ReconciliationTotals{CountThere: totals.Entries, There: totals.Amount}}
		if err := m.there(ctx, tx, id); err != nil {
			return err
		}
		if err := m.here(ctx, tx, id); err != nil {
			return err
		}
		if err := r.Conclude(hash, m.totals, settled, m.found); err != nil {
			return err
		}
		if err := tx.SaveReconciliation(ctx, r); err != nil {
			return err
		}
		for page := range slices.Chunk(s.cases(by, now, r.Record(), m.found), dayFilePage) {
			if err := tx.InsertReconciliationCases(ctx, page); err != nil {
				return err
			}
		}
		concluded = r.Record()
		return nil
	})
	return concluded, err
}

func (s *Reconciliations) cases(by domain.Actor, now time.Time, r loan.ReconciliationRecord, found []loan.Difference) []loan.ReconciliationCaseRecord {
	cases := make([]loan.ReconciliationCaseRecord, len(found))
	for i, d := range found {
		cases[i] = loan.ReconciliationCaseRecord{
			ID: s.newID(), ReconciliationID: r.ID, BranchID: r.BranchID, Difference: d, OwnerID: by.ID, OwnerName: by.Name,
			DueOn: domain.DateOf(now).AddDays(loan.ReconciliationCaseDueDays), Status: loan.ReconciliationCaseOpen, OpenedAt: now, Version: 1,
		}
	}
	return cases
}

// matching is what has been found so far.
type matching struct {
	day    domain.Date
	totals loan.ReconciliationTotals
	found  []loan.Difference
}

func (m *matching) add(d loan.Difference) error {
	if len(m.found) == loan.ReconciliationCasesMax {
		return domain.Errorf(domain.KindRule, "too-many-differences", "差错超过 %d 件，这多半不是本机构当日的文件；请核对营业日和文件后重新导入", loan.ReconciliationCasesMax)
	}
	m.found = append(m.found, d)
	return nil
}

// there holds each row of the file against our transfer.
func (m *matching) there(ctx context.Context, r Reader, id domain.ID) error {
	return eachPage(ctx, r, id, func(rows []loan.DayPayment, ids []domain.ID, ours map[domain.ID]loan.OwnPayment) error {
		seen, err := r.SeenInDayFiles(ctx, id, ids)
		if err != nil {
			return err
		}
		for _, row := range rows {
			var own *loan.OwnPayment
			if t, found := ours[row.TransferID]; found {
				own = &t
			}
			if d, differs := loan.MatchPayment(m.day, row, own, seen[row.TransferID]); differs {
				if err := m.add(d); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// here holds each of our transfers of the day against the file.
func (m *matching) here(ctx context.Context, r Reader, id domain.ID) error {
	from, until := dayBounds(m.day)
	for after := (SucceededKey{}); ; {
		page, err := r.SucceededBetween(ctx, from, until, after, dayFilePage)
		if err != nil || len(page) == 0 {
			return err
		}
		last := page[len(page)-1]
		after = SucceededKey{SettledAt: last.SettledAt, ID: last.ID}
		ids := make([]domain.ID, len(page))
		for i, t := range page {
			ids[i] = t.ID
		}
		seen, err := r.SeenInDayFiles(ctx, id, ids)
		if err != nil {
			return err
		}
		for _, t := range page {
			m.totals.CountHere++
			m.totals.Here = m.totals.Here.Add(t.Amount)
			if d, differs := loan.MatchOwn(t, seen[t.ID]); differs {
				if err := m.add(d); err != nil {
					return err
				}
			}
		}
	}
}

// dayBounds are the instants at which a business day begins and ends (Beijing).
func dayBounds(day domain.Date) (from, until time.Time) {
	from = time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, domain.BusinessZone).UTC()
	return from, from.AddDate(0, 0, 1) // Beijing has no summer time: every day has 24 hours
}

// reconciliationReaders may look at a day's end.
var reconciliationReaders = []domain.Role{
	domain.RoleDisbursementOfficer, domain.RoleRiskManager, domain.RoleBranchManager, domain.RoleAuditor, domain.RoleAdmin,
}

// Reconciliation returns one.
func (s *Reconciliations) Reconciliation(ctx context.Context, by domain.Actor, id domain.ID) (loan.ReconciliationRecord, error) {
	if err := by.Require(reconciliationReaders...); err != nil {
		return loan.ReconciliationRecord{}, err
	}
	return s.store.Reconciliation(ctx, by.Scope(), id)
}

// Reconciliations lists a page, newest first.
func (s *Reconciliations) Reconciliations(ctx context.Context, by domain.Actor, status loan.ReconciliationStatus, page domain.Page) ([]loan.ReconciliationRecord, error) {
	if err := by.Require(reconciliationReaders...); err != nil {
		return nil, err
	}
	return s.store.Reconciliations(ctx, by.Scope(), status, page)
}

// Cases lists a page of the cases of one.
func (s *Reconciliations) Cases(ctx context.Context, by domain.Actor, id domain.ID, status loan.ReconciliationCaseStatus, page domain.Page) ([]loan.ReconciliationCaseRecord, error) {
	if _, err := s.Reconciliation(ctx, by, id); err != nil {
		return nil, err
	}
	return s.store.ReconciliationCases(ctx, id, status, page)
}

// ResolveCase records how a difference is explained (处理差错), by another than its owner.
func (s *Reconciliations) ResolveCase(ctx context.Context, by domain.Actor, id, caseID domain.ID, explanation string) (resolved loan.ReconciliationCaseRecord, err error) {
	now := s.now()
	err = s.store.Update(ctx, func(tx Tx) error {
		r, err := tx.LockReconciliation(ctx, by.Scope(), id)
		if err != nil {
			return err
		}
		c, err := tx.ReconciliationCase(ctx, id, caseID)
		if err != nil {
			return err
		}
		c, err = r.ResolveCase(by, now, c, explanation)
		if err != nil {
			return err
		}
		if err := tx.SaveReconciliationCase(ctx, c); err != nil {
			return err
		}
		resolved = c
		return tx.SaveReconciliation(ctx, r)
	})
	return resolved, err
}

// Close closes the day (关账). Our side is counted afresh.
func (s *Reconciliations) Close(ctx context.Context, by domain.Actor, id domain.ID) (loan.ReconciliationRecord, error) {
	now := s.now()
	return s.change(ctx, by, id, func(tx Tx, r *loan.Reconciliation) error {
		from, until := dayBounds(r.Record().BusinessDay)
		count, sum, err := tx.SucceededTotal(ctx, from, until)
		if err != nil {
			return err
		}
		return r.Close(by, now, count, sum)
	})
}

// Discard takes an import back (作废).
func (s *Reconciliations) Discard(ctx context.Context, by domain.Actor, id domain.ID, reason string) (loan.ReconciliationRecord, error) {
	now := s.now()
	return s.change(ctx, by, id, func(_ Tx, r *loan.Reconciliation) error { return r.Discard(by, now, reason) })
}

func (s *Reconciliations) change(ctx context.Context, by domain.Actor, id domain.ID, do func(Tx, *loan.Reconciliation) error) (changed loan.ReconciliationRecord, err error) {
	err = s.store.Update(ctx, func(tx Tx) error {
		r, err := tx.LockReconciliation(ctx, by.Scope(), id)
		if err != nil {
			return err
		}
		if err := do(tx, r); err != nil {
			return err
		}
		changed = r.Record()
		return tx.SaveReconciliation(ctx, r)
	})
	return changed, err
}
