package loan

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"fumin/domain"
	"fumin/domain/money"
)

// ReconciliationStatus is where the reconciliation of a day stands (对账状态).
type ReconciliationStatus string

// The statuses of a reconciliation.
const (
	ReconciliationImporting ReconciliationStatus = "importing" // 导入中: rows are being read; nobody sees it yet
	ReconciliationOpen      ReconciliationStatus = "open"      // 有差错: cases are open
	ReconciliationBalanced  ReconciliationStatus = "balanced"  // 已平: no case is open
	ReconciliationClosed    ReconciliationStatus = "closed"    // 已关账
	ReconciliationDiscarded ReconciliationStatus = "discarded" // 已作废: the wrong file; the day may be imported again
)

// ReconciliationStatuses lists every status.
func ReconciliationStatuses() []ReconciliationStatus {
	return []ReconciliationStatus{
		ReconciliationImporting, ReconciliationOpen, ReconciliationBalanced, ReconciliationClosed, ReconciliationDiscarded,
	}
}

// Valid reports whether s is one of ReconciliationStatuses.
func (s ReconciliationStatus) Valid() bool { return slices.Contains(ReconciliationStatuses(), s) }

// Label is the status in Chinese.
func (s ReconciliationStatus) Label() string {
	switch s {
	case ReconciliationImporting:
		return "导入中"
	case ReconciliationOpen:
		return "有差错"
	case ReconciliationBalanced:
		return "已平"
	case ReconciliationClosed:
		return "已关账"
	case ReconciliationDiscarded:
		return "已作废"
	}
	return string(s)
}

// DifferenceKind is how the channel's day file and our payments differ (差错种类).
type DifferenceKind string

// The kinds.
const (
	DifferenceMissingHere  DifferenceKind = "missing_here"   // 渠道有、我方无: the channel paid what we have not, or not as succeeded
	DifferenceMissingThere DifferenceKind = "missing_there"  // 我方有、渠道无
	DifferenceAmount       DifferenceKind = "amount_differs" // 金额不符
	DifferenceLate         DifferenceKind = "late"           // 跨日: succeeded on another day here than there
	DifferenceDuplicate    DifferenceKind = "duplicate"      // 渠道重复: twice in the file, or in another day's file as well
)

// DifferenceKinds lists every kind.
func DifferenceKinds() []DifferenceKind {
	return []DifferenceKind{DifferenceMissingHere, DifferenceMissingThere, DifferenceAmount, DifferenceLate, DifferenceDuplicate}
}

// Label is the kind in Chinese.
func (k DifferenceKind) Label() string {
	switch k {
	case DifferenceMissingHere:
		return "渠道有、我方无"
	case DifferenceMissingThere:
		return "我方有、渠道无"
	case DifferenceAmount:
		return "金额不符"
	case DifferenceLate:
		return "跨日"
	case DifferenceDuplicate:
		return "渠道重复"
	}
	return string(k)
}

// Limits of a reconciliation.
const (
	ReconciliationCasesMax    = 10_000 // differences of one day; more means that the file is not this lender's or not this day's
	ReconciliationCaseDueDays = 3      // days from the import until a case should be explained: configure to your bank's rules
)

// DayPayment is one line of the channel's day file (渠道日终文件中的一笔).
type DayPayment struct {
	Row        int
	EndToEndID string
	TransferID domain.ID // zero when the file's number cannot be one of ours
	Amount     money.Amount
	Reference  string
}

// OwnPayment is what we know of a transfer, as far as a reconciliation asks.
type OwnPayment struct {
	ID             domain.ID
	DisbursementID domain.ID
	ApplicationID  domain.ID
	Amount         money.Amount
	Status         TransferStatus
	SettledAt      time.Time
}

// onDay reports whether the transfer succeeded on the business day.
func (p OwnPayment) onDay(day domain.Date) bool {
	return p.Status == TransferSucceeded && domain.DateOf(p.SettledAt) == day
}

// Difference is one thing in which the two sides differ. What there counts on the day less what here counts on the day is what it
// explains of the totals: a difference of kind late counts on one side only.
type Difference struct {
	Kind        DifferenceKind
	Row         int // of the file; 0 for missing_there
	TransferID  domain.ID
	EndToEndID  string
	AmountThere money.Amount // as it counts in the file's total
	AmountHere  money.Amount // as it counts in our total of the day
	Note        string       // what is known about it, in Chinese
}

// Seen is where else a transfer stands in day files: the first row of it in this file, and the day of another file.
type Seen struct {
	FirstRow int         // 0: not in this file
	OtherDay domain.Date // zero: in no other
}

// MatchPayment holds a line of the day file against our transfer of the same id, nil when there is none. False says that they
// agree.
func MatchPayment(day domain.Date, p DayPayment, ours *OwnPayment, seen Seen) (Difference, bool) {
	d := Difference{Row: p.Row, TransferID: p.TransferID, EndToEndID: p.EndToEndID, AmountThere: p.Amount}
	switch {
	case seen.FirstRow != 0 && seen.FirstRow != p.Row:
		d.Kind, d.Note = DifferenceDuplicate, "与本文件第 "+strconv.Itoa(seen.FirstRow)+" 笔编号相同"
	case !seen.OtherDay.IsZero():
		d.Kind, d.Note = DifferenceDuplicate, "该编号已在 "+seen.OtherDay.String()+" 的日终文件中"
		if ours != nil && ours.onDay(day) {
			d.AmountHere = ours.Amount
		}
	case ours == nil:
		d.Kind, d.Note = DifferenceMissingHere, "我方没有这个付款编号"
	case ours.Status != TransferSucceeded:
		d.Kind, d.Note = DifferenceMissingHere, "我方状态为「"+ours.Status.Label()+"」，金额 "+ours.Amount.String()
	case !ours.Amount.Equal(p.Amount):
		d.Kind, d.Note = DifferenceAmount, "我方金额 "+ours.Amount.String()+"，记账日 "+domain.DateOf(ours.SettledAt).String()
		if ours.onDay(day) {
			d.AmountHere = ours.Amount
		}
	case !ours.onDay(day):
		d.Kind, d.Note = DifferenceLate, "我方记账日为 "+domain.DateOf(ours.SettledAt).String()
	default:
		return Difference{}, false
	}
	return d, true
}

// MatchOwn holds a transfer that succeeded on the day against the day file. False says that the file has it, and MatchPayment
// has dealt with it.
func MatchOwn(ours OwnPayment, seen Seen) (Difference, bool) {
	if seen.FirstRow != 0 {
		return Difference{}, false
	}
	d := Difference{Kind: DifferenceMissingThere, TransferID: ours.ID, AmountHere: ours.Amount, Note: "日终文件中没有这笔付款"}
	if !seen.OtherDay.IsZero() {
		d.Kind, d.Note = DifferenceLate, "在渠道 "+seen.OtherDay.String()+" 的日终文件中"
	}
	return d, true
}

// ReconciliationTotals are the sums of both sides of a day.
type ReconciliationTotals struct {
	CountThere int
	There      money.Amount
	CountHere  int
	Here       money.Amount
}

// ReconciliationRecord is a day file held against our payments of its day (对账).
type ReconciliationRecord struct {
	ID             domain.ID
	BranchID       domain.ID // the head office: payments of all branches go through its account
	BusinessDay    domain.Date
	Format         string // csv or camt.054
	FileSHA256     string
	Totals         ReconciliationTotals
	Settled        int          // transfers whose result was not known and that the file showed as paid
	Cases          int          // all that were found
	CasesOpen      int          // not yet explained
	Explained      money.Amount // there less here of the explained ones
	Status         ReconciliationStatus
	ImportedBy     domain.ID
	ImportedByName string
	ImportedAt     time.Time
	EndedBy        domain.ID // who closed or discarded it
	EndedAt        time.Time
	EndReason      string // of a discard
	Version        int
}

// Gap is what the totals differ by and nobody has explained: there less here less what is explained. A day balances at 0.00.
func (r ReconciliationRecord) Gap() money.Amount {
	return r.Totals.There.Sub(r.Totals.Here).Sub(r.Explained)
}

// ReconciliationCaseStatus is where a case stands (差错状态).
type ReconciliationCaseStatus string

// The statuses of a case.
const (
	ReconciliationCaseOpen     ReconciliationCaseStatus = "open"     // 待处理
	ReconciliationCaseResolved ReconciliationCaseStatus = "resolved" // 已处理
)

// Valid reports whether s is a status.
func (s ReconciliationCaseStatus) Valid() bool {
	return s == ReconciliationCaseOpen || s == ReconciliationCaseResolved
}

// Label is the status in Chinese.
func (s ReconciliationCaseStatus) Label() string {
	if s == ReconciliationCaseResolved {
		return "已处理"
	}
	return "待处理"
}

// ReconciliationCaseRecord is a difference that somebody must explain (对账差错).
type ReconciliationCaseRecord struct {
	ID               domain.ID
	ReconciliationID domain.ID
	BranchID         domain.ID
	Difference       Difference
	OwnerID          domain.ID // who must find out (责任人)
	OwnerName        string
	DueOn            domain.Date
	Status           ReconciliationCaseStatus
	Explanation      string
	ResolvedBy       domain.ID // another than the owner
	ResolvedAt       time.Time
	OpenedAt         time.Time
	Version          int
}

// Reconciliation is what may happen to the reconciliation of a day. Only this package changes a ReconciliationRecord.
type Reconciliation struct{ rec ReconciliationRecord }

// RestoreReconciliation makes one of a stored record and refuses one that cannot be.
func RestoreReconciliation(r ReconciliationRecord) (*Reconciliation, error) {
	switch {
	case r.ID.IsZero() || r.BranchID.IsZero() || r.BusinessDay.IsZero() || !r.Status.Valid() || r.Version < 1:
		return nil, fmt.Errorf("reconciliation %s: incomplete", r.ID)
	case r.CasesOpen < 0 || r.CasesOpen > r.Cases || (r.Status == ReconciliationOpen) != (r.CasesOpen > 0) && r.Status != ReconciliationDiscarded:
		return nil, fmt.Errorf("reconciliation %s: %s with %d of %d cases open", r.ID, r.Status, r.CasesOpen, r.Cases)
	case r.Status == ReconciliationClosed && (r.EndedBy.IsZero() || r.EndedBy == r.ImportedBy || !r.Gap().IsZero()):
		return nil, fmt.Errorf("reconciliation %s: closed by %s with a gap of %s", r.ID, r.EndedBy, r.Gap())
	}
	return &Reconciliation{rec: r}, nil
}

// Record returns what the reconciliation is.
func (r *Reconciliation) Record() ReconciliationRecord { return r.rec }

// Conclude ends the import: the totals of both sides, and what was found, which explains the totals to the fen. It refuses with
// "day-in-motion" when it does not.
func (r *Reconciliation) Conclude(fileSHA256 string, totals ReconciliationTotals, settled int, found []Difference) error {
	if r.rec.Status != ReconciliationImporting {
		return errReconciliationStatus(r.rec.Status, "导入")
	}
	var explains money.Amount
	for _, d := range found {
		explains = explains.Add(d.AmountThere).Sub(d.AmountHere)
	}
	if gap := totals.There.Sub(totals.Here).Sub(explains); !gap.IsZero() {
		// Both sides are read within one transaction that sees what others commit: a payment has succeeded in between.
		return domain.Errorf(domain.KindUnavailable, "day-in-motion", "对账期间又有付款记账，请稍后重新导入")
	}
	r.rec.FileSHA256, r.rec.Totals, r.rec.Settled = fileSHA256, totals, settled
	r.rec.Cases, r.rec.CasesOpen = len(found), len(found)
	r.rec.Status = ReconciliationBalanced
	if len(found) > 0 {
		r.rec.Status = ReconciliationOpen
	}
	r.rec.Version++
	return nil
}

var reconciler = []domain.Role{domain.RoleDisbursementOfficer}

// MayReconcile refuses whoever may not work on a day's end.
func MayReconcile(by domain.Actor) error { return by.Require(reconciler...) }

// MayReport refuses whoever may not bring the bank's word about a payment file: who made it, and who released one of its transfers.
// A report that says "rejected" frees the money to be paid again, and nobody may say so of what he sent himself (四眼).
func MayReport(by domain.Actor, madeBy domain.ID, releasedBy []domain.ID) error {
	if err := MayReconcile(by); err != nil {
		return err
	}
	if by.ID == madeBy || slices.Contains(releasedBy, by.ID) {
		return domain.Errorf(domain.KindForbidden, "four-eyes", "生成这个付款文件的人和放行其中付款的人都不能登记银行对它的答复，请由总部另一位放款岗办理")
	}
	return nil
}

// ResolveCase explains a case (处理差错): by a second person, with words that an auditor understands. It returns the case as it is now.
func (r *Reconciliation) ResolveCase(by domain.Actor, at time.Time, c ReconciliationCaseRecord, explanation string) (ReconciliationCaseRecord, error) {
	if err := MayReconcile(by); err != nil {
		return c, err
	}
	if c.ReconciliationID != r.rec.ID {
		return c, fmt.Errorf("case %s is not of reconciliation %s", c.ID, r.rec.ID)
	}
	if r.rec.Status != ReconciliationOpen || c.Status != ReconciliationCaseOpen {
		return c, errReconciliationStatus(r.rec.Status, "处理差错")
	}
	if by.ID == c.OwnerID {
		return c, domain.Errorf(domain.KindForbidden, "four-eyes", "差错的责任人不能自己销账，请由另一位放款岗复核处理")
	}
	c.Status, c.Explanation, c.ResolvedBy, c.ResolvedAt = ReconciliationCaseResolved, explanation, by.ID, at
	c.Version++
	r.rec.CasesOpen--
	r.rec.Explained = r.rec.Explained.Add(c.Difference.AmountThere).Sub(c.Difference.AmountHere)
	if r.rec.CasesOpen == 0 {
		r.rec.Status = ReconciliationBalanced
	}
	r.rec.Version++
	return c, nil
}

// CheckBalanced refuses with "day-not-balanced" while a case is open or a fen is not explained. countHere and here are our side of
// the day as it is now: a payment that succeeded on the day after the import is one nobody has looked at.
func (r ReconciliationRecord) CheckBalanced(countHere int, here money.Amount) error {
	if r.CasesOpen > 0 {
		return domain.Errorf(domain.KindConflict, "day-not-balanced", "%s 还有 %d 件对账差错没有处理，不能关账；请逐件查明并由另一位放款岗处理", r.BusinessDay, r.CasesOpen)
	}
	if countHere != r.Totals.CountHere || !here.Equal(r.Totals.Here) {
		return domain.Errorf(domain.KindConflict, "day-not-balanced", "导入之后 %s 又有付款记账（现为 %d 笔 %s 元，导入时 %d 笔 %s 元），不能关账；请作废本次对账，重新取日终文件导入",
			r.BusinessDay, countHere, here, r.Totals.CountHere, r.Totals.Here)
	}
	if gap := r.Gap(); !gap.IsZero() {
		return domain.Errorf(domain.KindConflict, "day-not-balanced", "%s 双方合计相差 %s 元没有说明，不能关账", r.BusinessDay, gap)
	}
	return nil
}

// Close closes the day (关账): by another than the importer, after the day has ended, and only when it balances to the fen.
func (r *Reconciliation) Close(by domain.Actor, at time.Time, countHere int, here money.Amount) error {
	if err := MayReconcile(by); err != nil {
		return err
	}
	if r.rec.Status != ReconciliationOpen && r.rec.Status != ReconciliationBalanced {
		return errReconciliationStatus(r.rec.Status, "关账")
	}
	if by.ID == r.rec.ImportedBy {
		return domain.Errorf(domain.KindForbidden, "four-eyes", "导入日终文件的人不能关账，请由另一位放款岗关账")
	}
	if err := r.rec.CheckBalanced(countHere, here); err != nil {
		return err
	}
	if domain.DateOf(at) == r.rec.BusinessDay || at.Before(r.rec.ImportedAt) {
		return domain.Errorf(domain.KindConflict, "day-not-over", "%s 还没有结束，之后可能还有付款；请次日再关账", r.rec.BusinessDay)
	}
	r.rec.Status, r.rec.EndedBy, r.rec.EndedAt = ReconciliationClosed, by.ID, at
	r.rec.Version++
	return nil
}

// Discard takes an import back (作废): the wrong file, or an incomplete one. The day and the file may be imported again.
func (r *Reconciliation) Discard(by domain.Actor, at time.Time, reason string) error {
	if err := MayReconcile(by); err != nil {
		return err
	}
	if r.rec.Status != ReconciliationOpen && r.rec.Status != ReconciliationBalanced {
		return errReconciliationStatus(r.rec.Status, "作废")
	}
	r.rec.Status, r.rec.EndedBy, r.rec.EndedAt, r.rec.EndReason = ReconciliationDiscarded, by.ID, at, reason
	r.rec.Version++
	return nil
}

func errReconciliationStatus(s ReconciliationStatus, deed string) error {
	return domain.Errorf(domain.KindConflict, "wrong-status", "对账目前处于「%s」，不能%s", s.Label(), deed)
}
