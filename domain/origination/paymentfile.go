package origination

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/paymentfile"
)

// PaymentFileMax bounds the transfers of one payment file: all their cases are locked while it is made.
const PaymentFileMax = 500

// PaymentFile is a batch of payment orders for the bank (批量付款文件). It never changes.
type PaymentFile struct {
	ID            domain.ID
	BranchID      domain.ID // the head office
	SHA256        string    // of the content
	Payments      int
	ControlSum    money.Amount
	CreatedBy     domain.ID
	CreatedByName string
	CreatedAt     time.Time
}

// PaymentFileEntry is one transfer of a file.
type PaymentFileEntry struct {
	DueTransfer

	Number     int // from 1
	Amount     money.Amount
	Status     loan.TransferStatus
	ReleasedBy domain.ID
}

// PaymentFileReader reads payment files (批量付款文件).
type PaymentFileReader interface {
	// PaymentFile returns one, or "payment-file-not-found".
	PaymentFile(ctx context.Context, scope domain.Scope, id domain.ID) (PaymentFile, error)
	// PaymentFileContent opens the seal of one that has been read within its scope.
	PaymentFileContent(ctx context.Context, id domain.ID) ([]byte, error)
	// PaymentFiles lists a page, newest first.
	PaymentFiles(ctx context.Context, scope domain.Scope, page domain.Page) ([]PaymentFile, error)
	// PaymentFileEntries lists its transfers with how they stand, PaymentFileMax at most.
	PaymentFileEntries(ctx context.Context, id domain.ID) ([]PaymentFileEntry, error)
	// InPaymentFile reports whether a transfer went out with a file: then no other channel may ever hear of it.
	InPaymentFile(ctx context.Context, transferID domain.ID) (bool, error)
	// ReleasedTransfers lists what is due to be sent at the time, the longest due first.
	ReleasedTransfers(ctx context.Context, at time.Time, limit int) ([]DueTransfer, error)
}

// PaymentFileWriter writes payment files (批量付款文件).
type PaymentFileWriter interface {
	// InsertPaymentFile stores a file with its content and its transfers. A transfer that is in a file already refuses it.
	InsertPaymentFile(ctx context.Context, file PaymentFile, content []byte, transfers []loan.TransferRecord) error
	// InsertStatusReport notes who brought a report; the same report again is no error.
	InsertStatusReport(ctx context.Context, file PaymentFile, sha256 string, by domain.Actor, at time.Time) error
}

// PaymentFiles pays by files instead of messages (批量付款): released transfers go out in a pain.001, and a pain.002 says what became of
// them. It is in use where the program is configured for it, and then no worker sends anything.
type PaymentFiles struct {
	store   Store
	now     domain.Clock
	newID   func() domain.ID
	payouts *Payouts
	debtor  paymentfile.Debtor // empty: the lender pays by messages
}

// NewPaymentFiles builds the use cases. Without a debtor no file is made.
func NewPaymentFiles(store Store, now domain.Clock, newID func() domain.ID, payouts *Payouts, debtor paymentfile.Debtor) *PaymentFiles {
	return &PaymentFiles{store: store, now: now, newID: newID, payouts: payouts, debtor: debtor}
}

// requireHeadOffice lets through the head office's disbursement officers.
func requireHeadOffice(ctx context.Context, r Reader, by domain.Actor) error {
	if err := loan.MayReconcile(by); err != nil {
		return err
	}
	branch, err := r.Branch(ctx, by.Scope(), by.BranchID)
	if err != nil {
		return err
	}
	if !branch.ParentID.IsZero() {
		return domain.Errorf(domain.KindForbidden, "head-office-only", "日终文件和批量付款文件包含全部机构的付款，请由总部的放款岗办理")
	}
	return nil
}

// Create makes a file of what is released (生成批量付款文件), PaymentFileMax transfers at most. The file and the sending of its transfers are
// one transaction: there is no moment at which a transfer is in a file and could still go another way.
func (s *PaymentFiles) Create(ctx context.Context, by domain.Actor, key Idempotency) (made PaymentFile, replayed bool, err error) {
	if err := requireHeadOffice(ctx, s.store, by); err != nil {
		return PaymentFile{}, false, err
	}
	if s.debtor == (paymentfile.Debtor{}) {
		return PaymentFile{}, false, domain.Errorf(domain.KindRule, "payment-file-off", "本系统按报文付款，没有启用批量付款文件")
	}
	now, id := s.now(), s.newID()
	err = s.store.Update(ctx, func(tx Tx) error {
		batch, err := s.lockReleased(ctx, tx, now)
		if err != nil {
			return err
		}
		prior, err := tx.ClaimIdempotencyKey(ctx, by.ID, key, id, now)
		if err != nil {
			return err
		}
		if !prior.IsZero() {
			made, err = tx.PaymentFile(ctx, by.Scope(), prior)
			replayed = true
			return err
		}
		if len(batch) == 0 {
			return domain.Errorf(domain.KindRule, "nothing-to-pay", "没有已放行、待发送的付款")
		}
		file, err := s.write(ctx, tx, by, now, id, batch)
		if err != nil {
			return err
		}
		made, replayed = file, false
		return nil
	})
	return made, replayed, err
}

// outgoing is a released transfer with its locked disbursement.
type outgoing struct {
	disbursement *loan.Disbursement
	transfer     loan.TransferRecord
}

// lockReleased locks the cases of what is released in the order of their ids, so that two who do it at once wait for one another,
// and leaves out what is no longer so or is held.
func (s *PaymentFiles) lockReleased(ctx context.Context, tx Tx, now time.Time) ([]outgoing, error) {
	due, err := tx.ReleasedTransfers(ctx, now, PaymentFileMax)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(due, func(a, b DueTransfer) int {
		return strings.Compare(a.ApplicationID.String()+a.DisbursementID.String()+a.ID.String(), b.ApplicationID.String()+b.DisbursementID.String()+b.ID.String())
	})
	var batch []outgoing
	locked := map[domain.ID]*loan.Disbursement{}
	for _, t := range due {
		d := locked[t.DisbursementID]
		if d == nil {
			if _, d, err = s.payouts.lock(ctx, tx, t); err != nil {
				return nil, err
			}
			locked[t.DisbursementID] = d
		}
		rec, ours := d.Record().Transfer(t.ID)
		if !ours || rec.Status != loan.TransferReleased {
			continue
		}
		hold, held, err := tx.HeldUntil(ctx, t.ApplicationID, now)
		if err != nil {
			return nil, err
		}
		if held {
			if err := tx.PostponeTransfer(ctx, t.ID, hold.Until, rec.Attempts, lastErrorOnHold); err != nil {
				return nil, err
			}
			continue
		}
		if rec.Payee, err = tx.TransferPayee(ctx, t.ID); err != nil {
			return nil, err
		}
		batch = append(batch, outgoing{disbursement: d, transfer: rec})
	}
	return batch, nil
}

// filePurposes is what the payee reads on the statement.
var filePurposes = map[loan.PaymentMethod]string{loan.SelfPayment: "发放贷款", loan.EntrustedPayment: "贷款受托支付"}

func (s *PaymentFiles) write(ctx context.Context, tx Tx, by domain.Actor, now time.Time, id domain.ID, batch []outgoing) (PaymentFile, error) {
	order := paymentfile.PaymentOrder{ID: id, CreatedAt: now, Debtor: s.debtor}
	transfers := make([]loan.TransferRecord, len(batch))
	for i, o := range batch {
		t := o.transfer
		// No worker has anything to do with it: what became of it is in the bank's report, or in the day file.
		events, err := o.disbursement.Send(s.payouts.worker, now, time.Time{}, t.ID)
		if err != nil {
			return PaymentFile{}, err
		}
		if err := tx.SaveDisbursement(ctx, o.disbursement, events); err != nil {
			return PaymentFile{}, err
		}
		transfers[i] = t
		order.Transfers = append(order.Transfers, paymentfile.CreditTransfer{
			TransferID: t.ID, Amount: t.Amount, Name: t.Payee.AccountName.Reveal(), Account: t.Payee.Account.Reveal(), Bank: t.Payee.BankName,
			Purpose: filePurposes[t.Method],
		})
	}
	content, err := order.Pain001()
	if err != nil {
		return PaymentFile{}, err
	}
	sum := sha256.Sum256(content)
	file := PaymentFile{
		ID: id, BranchID: by.BranchID, SHA256: hex.EncodeToString(sum[:]), Payments: len(transfers), ControlSum: order.Total(),
		CreatedBy: by.ID, CreatedByName: by.Name, CreatedAt: now,
	}
	return file, tx.InsertPaymentFile(ctx, file, content, transfers)
}

// Files lists a page, newest first.
func (s *PaymentFiles) Files(ctx context.Context, by domain.Actor, page domain.Page) ([]PaymentFile, error) {
	if err := by.Require(reconciliationReaders...); err != nil {
		return nil, err
	}
	return s.store.PaymentFiles(ctx, by.Scope(), page)
}

// File returns one.
func (s *PaymentFiles) File(ctx context.Context, by domain.Actor, id domain.ID) (PaymentFile, error) {
	if err := by.Require(reconciliationReaders...); err != nil {
		return PaymentFile{}, err
	}
	return s.store.PaymentFile(ctx, by.Scope(), id)
}

// Content returns the bytes for the bank; the same at every call. They name accounts in full, so only those who pay may have them.
func (s *PaymentFiles) Content(ctx context.Context, by domain.Actor, id domain.ID) (PaymentFile, []byte, error) {
	if err := requireHeadOffice(ctx, s.store, by); err != nil {
		return PaymentFile{}, nil, err
	}
	file, err := s.store.PaymentFile(ctx, by.Scope(), id)
	if err != nil {
		return PaymentFile{}, nil, err
	}
	content, err := s.store.PaymentFileContent(ctx, id)
	if err != nil {
		return PaymentFile{}, nil, err
	}
	if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != file.SHA256 {
		return PaymentFile{}, nil, errors.New("payment file " + id.String() + ": the content is not what was made")
	}
	return file, content, nil
}

// ReportOutcome is what became of one line of a report.
type ReportOutcome string

// The outcomes.
const (
	ReportRecorded ReportOutcome = "recorded" // 已登记
	ReportKnown    ReportOutcome = "known"    // 与已登记的一致
	ReportConflict ReportOutcome = "conflict" // 与已登记的结果相反: a person must ask the bank
	ReportForeign  ReportOutcome = "foreign"  // 不在这个文件中
	// ReportNotBooked is 未能入账: the bank's word could not be recorded. The transfer's last error says why, and the same report
	// brought again records it once that is put right.
	ReportNotBooked ReportOutcome = "not_booked"
)

// ReportRow is what became of one line of a report (逐笔结果).
type ReportRow struct {
	EndToEndID string
	TransferID domain.ID
	Code       string // the bank's
	Outcome    ReportOutcome
	Status     loan.TransferStatus // as it is now; empty when foreign
}

// Report takes the bank's status report about a file (导入付款状态报告): settled orders succeed, rejected ones fail with the bank's reason, all
// others are unknown until a later report or the day file. The same report again, or an older one, changes nothing. It is brought
// by somebody who neither made the file nor released one of its transfers.
func (s *PaymentFiles) Report(ctx context.Context, by domain.Actor, id domain.ID, body io.Reader) ([]ReportRow, error) {
	if err := requireHeadOffice(ctx, s.store, by); err != nil {
		return nil, err
	}
	file, err := s.store.PaymentFile(ctx, by.Scope(), id)
	if err != nil {
		return nil, err
	}
	entries, err := s.entriesForAnswer(ctx, by, file)
	if err != nil {
		return nil, err
	}
	hash := sha256.New()
	tee := io.TeeReader(body, hash)
	report, err := paymentfile.ReadPain002(tee)
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(io.Discard, tee); err != nil {
		return nil, err
	}
	if report.OrderID != id {
		return nil, domain.Errorf(domain.KindInvalid, "payment-file-unreadable", "报告说的不是这个文件（OrgnlMsgId），请核对")
	}
	now := s.now()
	err = s.store.Update(ctx, func(tx Tx) error {
		return tx.InsertStatusReport(ctx, file, hex.EncodeToString(hash.Sum(nil)), by, now)
	})
	if err != nil {
		return nil, err
	}
	byTransfer := make(map[domain.ID]PaymentFileEntry, len(entries))
	for _, e := range entries {
		byTransfer[e.ID] = e
		if len(report.Orders) < len(entries) && report.All.Status == paymentfile.OrderRejected {
			all := report.All
			all.TransferID, all.EndToEndID = e.ID, paymentfile.EndToEndIDOf(e.ID)
			report.Orders = append(report.Orders, all)
		}
	}
	rows := make([]ReportRow, 0, len(report.Orders))
	for _, order := range report.Orders {
		row, err := s.take(ctx, order, byTransfer)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// entriesForAnswer lists a file's transfers for somebody who brings the bank's word about them, and refuses who may not.
func (s *PaymentFiles) entriesForAnswer(ctx context.Context, by domain.Actor, file PaymentFile) ([]PaymentFileEntry, error) {
	entries, err := s.store.PaymentFileEntries(ctx, file.ID)
	if err != nil {
		return nil, err
	}
	releasedBy := make([]domain.ID, len(entries))
	for i, e := range entries {
		releasedBy[i] = e.ReleasedBy
	}
	return entries, loan.MayReport(by, file.CreatedBy, releasedBy)
}

// take records one line. Each is a transaction of its own, under the lock of its case.
func (s *PaymentFiles) take(ctx context.Context, order paymentfile.OrderReport, entries map[domain.ID]PaymentFileEntry) (ReportRow, error) {
	row := ReportRow{EndToEndID: order.EndToEndID, TransferID: order.TransferID, Code: order.Code, Outcome: ReportForeign}
	entry, ours := entries[order.TransferID]
	if !ours {
		return row, nil
	}
	before, err := s.standing(ctx, entry.DueTransfer)
	if err != nil {
		return row, err
	}
	notBooked := s.settle(ctx, entry.DueTransfer, order)
	if notBooked != nil && (unavailable(notBooked) || ctx.Err() != nil) {
		return row, notBooked
	}
	if row.Status, err = s.standing(ctx, entry.DueTransfer); err != nil {
		return row, err
	}
	settled := row.Status == loan.TransferSucceeded || row.Status == loan.TransferFailed
	switch {
	case notBooked != nil:
		row.Outcome = ReportNotBooked
		s.payouts.log.ErrorContext(ctx, "line of a status report left unknown", slog.Any("transfer_id", entry.ID), slog.Any("error", notBooked))
	case settled && order.Status == paymentfile.OrderSettled && row.Status == loan.TransferFailed,
		settled && order.Status == paymentfile.OrderRejected && row.Status == loan.TransferSucceeded:
		row.Outcome = ReportConflict
	case before != row.Status:
		row.Outcome = ReportRecorded
	default:
		row.Outcome = ReportKnown
	}
	return row, nil
}

func (s *PaymentFiles) standing(ctx context.Context, t DueTransfer) (loan.TransferStatus, error) {
	ours, err := s.store.OwnPayments(ctx, []domain.ID{t.ID})
	return ours[t.ID].Status, err
}

// isoFailures are the failure codes of ISO 20022 that our protocol has a word for.
var isoFailures = map[string]string{
	"AC01": "account-not-found", "AC04": "account-closed", "AC06": "account-frozen", "BE01": "name-mismatch", "AM02": "amount-over-limit",
	"AM04": "insufficient-funds",
}

func (s *PaymentFiles) settle(ctx context.Context, t DueTransfer, order paymentfile.OrderReport) error {
	switch order.Status {
	case paymentfile.OrderSettled:
		answer := PaymentAnswer{State: PaymentSucceeded, Reference: order.Reference}
		if !order.AcceptedOn.IsZero() {
			answer.PaidAt, _ = dayBounds(order.AcceptedOn)
		}
		return s.payouts.book(ctx, t, answer)
	case paymentfile.OrderRejected:
		code := isoFailures[order.Reason]
		if code == "" {
			code = "payee-bank-refused"
		}
		reason := strings.TrimSpace(order.Reason + " " + order.Text)
		if reason == "" {
			reason = "渠道退回，没有说明原因"
		}
		return s.payouts.book(ctx, t, PaymentAnswer{State: PaymentFailed, Code: code, Reason: reason})
	case paymentfile.OrderPending:
	}
	return s.store.Update(ctx, func(tx Tx) error {
		_, d, err := s.payouts.lock(ctx, tx, t)
		if err != nil {
			return err
		}
		if rec, ours := d.Record().Transfer(t.ID); !ours || rec.Status != loan.TransferSending {
			return nil
		}
		events, err := d.Lose(s.payouts.worker, s.payouts.now(), time.Time{}, t.ID, "bank-"+strings.ToLower(order.Code))
		if err != nil {
			return err
		}
		return tx.SaveDisbursement(ctx, d, events)
	})
}
