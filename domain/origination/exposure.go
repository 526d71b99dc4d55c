package origination

import (
	"cmp"
	"context"
	"slices"
	"time"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/decision"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/product"
)

// ExposureReader reads what a household or a borrower owes or may draw, against the limits (授信余额).
type ExposureReader interface {
	// ExposureOf returns what an application ties up; false when it never tied up anything.
	ExposureOf(ctx context.Context, applicationID domain.ID) (exposure Exposure, found bool, err error)
	// ExposureSums adds up what a unit has, across branches and products, but for the applications named, by product, of all that
	// is not given back. A household has what was opened for it, and what was opened for the borrowers whose files name it now,
	// wherever they were then; each application counts once. Of a renewal that is approved and not signed, and the line that it
	// renews, the greater counts: they are one debt.
	ExposureSums(ctx context.Context, unit ExposureUnit, without ...domain.ID) ([]ExposureSum, error)
	// Exposures lists what a unit has and scope may see, newest first, at most ExposuresMax.
	Exposures(ctx context.Context, scope domain.Scope, unit ExposureUnit) ([]Exposure, error)
	// BorrowersIn returns the borrowers whose files name one of the households now, in the order of their ids; at most
	// HouseholdFilesMax.
	BorrowersIn(ctx context.Context, householdIDs ...domain.ID) ([]domain.ID, error)
	// DueApprovals lists approvals given up to the time and not signed, the oldest first, from the one after: what is to
	// expire.
	DueApprovals(ctx context.Context, upTo time.Time, after DueApproval, limit int) ([]DueApproval, error)
	// LenderLimits lists the lender's own limits, the latest first, at most LenderLimitsMax.
	LenderLimits(ctx context.Context) ([]LenderLimit, error)
}

// ExposureWriter writes what a household or a borrower owes or may draw, against the limits (授信余额).
type ExposureWriter interface {
	// LockExposureUnit keeps every other transaction from changing what the unit has until this one ends. The row is made on
	// first use; whoever makes it at the same moment waits, and then has it.
	LockExposureUnit(ctx context.Context, unit ExposureUnit) error
	// PutExposure inserts or replaces what an application ties up. Its units are locked.
	PutExposure(ctx context.Context, exposure Exposure) error
	// LockLenderLimit returns a limit and keeps others from changing it, or "lender-limit-not-found".
	LockLenderLimit(ctx context.Context, id domain.ID) (LenderLimit, error)
	// InsertLenderLimit stores a new limit; false when one with its id is there already.
	InsertLenderLimit(ctx context.Context, l LenderLimit) (inserted bool, err error)
	// ActivateLenderLimit notes who put a limit into force, and when.
	ActivateLenderLimit(ctx context.Context, id, by domain.ID, at time.Time) error
}

// ExposuresMax bounds how many cases of one unit one answer lists; its sums are over all of them.
const ExposuresMax = 200

// HouseholdFilesMax bounds how many borrowers of the households of one case are locked: more than two households have members.
const HouseholdFilesMax = 4 * borrower.ListMax

// ExposureUnit is whose debts are added up (授信余额的合计单位): a household or a borrower.
type ExposureUnit struct {
	Kind product.ExposureUnit
	ID   domain.ID
}

// ExposureState is what an application's exposure is.
type ExposureState string

// The states of an exposure.
const (
	ExposureReserved  ExposureState = "reserved"  // 已占用: approved, not signed
	ExposureCommitted ExposureState = "committed" // 已签约: the limit of a revolving line; else outstanding and not yet drawn
	ExposureReleased  ExposureState = "released"  // 已释放: nothing is tied up any more
)

// Exposure is what one application ties up of the limits (占用的授信). It belongs to the household that the application was
// opened for, for good: a merger, a split or a move of the borrower changes no past case. It counts for that household, and
// for the one that the borrower's file names now: whoever leaves a household takes along what he owes.
type Exposure struct {
	ApplicationID domain.ID
	HouseholdID   domain.ID // zero for an organisation without one
	BorrowerID    domain.ID
	BranchID      domain.ID
	ProductCode   string
	Amount        money.Amount // yuan, not negative; 0.00 exactly where State is released
	State         ExposureState
	ApprovedAt    time.Time // while reserved: from when the approval's validity counts; otherwise zero
	UpdatedAt     time.Time
}

// ExposureSum is what a unit has of one product.
type ExposureSum struct {
	ProductCode string
	Amount      money.Amount
}

// unitsOf are the units an application's exposure is changed under, in the order in which they are locked. Both are locked
// whatever the product says, because the sums of each unit go across products that may say otherwise. Whoever adds an
// application up holds one of the two: its household, or its borrower as one of those who are in another household now.
func unitsOf(rec loan.Record) []ExposureUnit {
	units := make([]ExposureUnit, 0, 2)
	if !rec.HouseholdID.IsZero() {
		units = append(units, ExposureUnit{product.ExposureHousehold, rec.HouseholdID})
	}
	return append(units, ExposureUnit{product.ExposureBorrower, rec.BorrowerID})
}

// unitOf is the unit in which the product adds up: the household where the product says so and the case has one.
func unitOf(rec loan.Record, p product.Product) ExposureUnit {
	if p.ExposureUnit == product.ExposureHousehold && !rec.HouseholdID.IsZero() {
		return ExposureUnit{product.ExposureHousehold, rec.HouseholdID}
	}
	return ExposureUnit{product.ExposureBorrower, rec.BorrowerID}
}

// lockExposure locks the units of applications, after their own rows.
func lockExposure(ctx context.Context, tx Tx, cases ...loan.Record) error {
	var units []ExposureUnit
	for _, rec := range cases { // two at most
		units = append(units, unitsOf(rec)...)
	}
	return lockUnits(ctx, tx, units)
}

// lockUnits locks units in the order of all: households by their ids, then borrowers by theirs.
func lockUnits(ctx context.Context, tx Tx, units []ExposureUnit) error {
	slices.SortFunc(units, func(a, b ExposureUnit) int {
		return cmp.Or(-cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID)) // "household" before "borrower"
	})
	for _, unit := range slices.Compact(units) {
		if err := tx.LockExposureUnit(ctx, unit); err != nil {
			return err
		}
	}
	return nil
}

// debtor is whose headroom is measured: the kind of borrower, as the lender's limits name it, and the household that his file
// names now, which need not be the one that the application was opened for.
type debtor struct {
	kind        string
	householdID domain.ID
}

func debtorOf(person borrower.Borrower) debtor {
	return debtor{kind: productKind(person.Kind), householdID: person.HouseholdID}
}

// unitsMeasured are the units that an approval must fit into: that of the case and, where the borrower has moved since, that
// of his present household; otherwise a case kept back over a split would see neither what he has taken since nor what his
// new household owes.
func unitsMeasured(rec loan.Record, who debtor, p product.Product) []ExposureUnit {
	moved := rec
	moved.HouseholdID = who.householdID
	return slices.Compact([]ExposureUnit{unitOf(rec, p), unitOf(moved, p)})
}

// lockMeasured locks all that measure adds up, so that it stays as it is until the approval is stored: the households, and
// each borrower who is in one of them, whose other cases may belong to another household that is not locked here.
func lockMeasured(ctx context.Context, tx Tx, rec loan.Record, who debtor) error {
	units := unitsOf(rec)
	var households []domain.ID
	for _, id := range []domain.ID{rec.HouseholdID, who.householdID} {
		if !id.IsZero() {
			units, households = append(units, ExposureUnit{product.ExposureHousehold, id}), append(households, id)
		}
	}
	people, err := tx.BorrowersIn(ctx, households...)
	if err != nil {
		return err
	}
	for _, id := range people { // at most HouseholdFilesMax
		units = append(units, ExposureUnit{product.ExposureBorrower, id})
	}
	return lockUnits(ctx, tx, units)
}

// headroom is what a unit has and may have, as seen under its lock.
type headroom struct {
	existing        money.Amount // across products
	productExisting money.Amount // of this product
	productMax      money.Amount // the product version's limit for one unit
	lenderMax       money.Amount // the lender's limit; meaningless without lenderLimited
	lenderLimited   bool
}

// measure reads the headroom of an application: of several units the one that has most counts. The figures are only sure under
// lockMeasured.
func measure(ctx context.Context, r Reader, rec loan.Record, p product.Product, productMax money.Amount, who debtor, on domain.Date) (headroom, error) {
	h := headroom{productMax: productMax}
	for _, unit := range unitsMeasured(rec, who, p) {
		sums, err := r.ExposureSums(ctx, unit, rec.ID, rec.RenewsApplicationID) // a renewal takes the place of its line
		if err != nil {
			return headroom{}, err
		}
		var existing money.Amount
		for _, sum := range sums {
			existing = existing.Add(sum.Amount)
			if sum.ProductCode == rec.ProductCode {
				h.productExisting = larger(h.productExisting, sum.Amount)
			}
		}
		h.existing = larger(h.existing, existing)
	}
	limits, err := r.LenderLimits(ctx)
	if err != nil {
		return headroom{}, err
	}
	h.lenderMax, h.lenderLimited = lenderMaxOn(limits, who.kind, on)
	return h, nil
}

func larger(a, b money.Amount) money.Amount {
	if a.Cmp(b) < 0 {
		return b
	}
	return a
}

// free is the largest amount that still fits; 0.00 where none does.
func (h headroom) free() money.Amount {
	free := h.productMax.Sub(h.productExisting)
	if room := h.lenderMax.Sub(h.existing); h.lenderLimited && room.Cmp(free) < 0 {
		free = room
	}
	if free.Sign() < 0 {
		return money.Amount{}
	}
	return free
}

// check refuses an amount that does not fit, with the figures.
func (h headroom) check(amount money.Amount) *domain.Error {
	switch {
	case amount.Cmp(h.free()) <= 0:
		return nil
	case h.productExisting.Add(amount).Cmp(h.productMax) > 0:
		return domain.Errorf(domain.KindRule, "exposure-above-product-limit",
			"该户（借款人）在本产品下已占用 %s 元，加上本笔 %s 元，超过产品单户上限 %s 元；最多还可批准 %s 元",
			h.productExisting.Grouped(), amount.Grouped(), h.productMax.Grouped(), h.free().Grouped())
	}
	return domain.Errorf(domain.KindRule, "exposure-above-lender-limit",
		"该户（借款人）在本行各产品下已占用 %s 元，加上本笔 %s 元，超过本行单户授信上限 %s 元；最多还可批准 %s 元",
		h.existing.Grouped(), amount.Grouped(), h.lenderMax.Grouped(), h.free().Grouped())
}

// hold turns an approval by rules that does not fit into a referral, whatever the rules in force say of exposure: a person
// sees the figures and may approve what fits.
func (h headroom) hold(outcome decision.Outcome, amount money.Amount) decision.Outcome {
	refusal := h.check(amount)
	if outcome.Result != decision.Approve || refusal == nil {
		return outcome
	}
	reason := decision.Reason{
		Code: "exposure-above-limit", Effect: decision.Refer, FactName: decision.FactAmount, Value: amount.String(),
		Threshold: h.free().String(), Text: refusal.Detail, Suggestion: "请由审批人在可用额度内批准，或待已占用的额度释放后再办理",
	}
	outcome.Result = decision.Refer
	if free := h.free(); outcome.AmountMax.Cmp(free) > 0 {
		outcome.AmountMax = free
	}
	outcome.Reasons = slices.Insert(slices.Clone(outcome.Reasons), len(outcome.Declined()), reason)
	return outcome
}

// saveCase saves an application with its event and keeps its exposure in step: an approval reserves, a signature commits,
// and whatever ends or reopens the case gives back. Every use case that moves an application saves it through here.
func saveCase(ctx context.Context, tx Tx, app *loan.Application, event loan.Event) error {
	return saveCaseWithin(ctx, tx, app, event, nil)
}

// saveCaseWithin is saveCase for a caller that has measured the headroom under the lock already.
func saveCaseWithin(ctx context.Context, tx Tx, app *loan.Application, event loan.Event, measured *headroom) error {
	rec := app.Record()
	if err := tx.SaveApplication(ctx, app, event); err != nil {
		return err
	}
	if err := moveExposure(ctx, tx, rec, measured); err != nil {
		return err
	}
	return guaranteeFollows(ctx, tx, event, rec) // the guarantee's quota is locked after the exposure unit
}

// moveExposure reserves, commits or gives back what the case counts against the limits, by where it stands now.
func moveExposure(ctx context.Context, tx Tx, rec loan.Record, measured *headroom) error {
	switch rec.Status {
	case loan.StatusApproved:
		if measured == nil {
			h, err := lockAndMeasure(ctx, tx, rec)
			if err != nil {
				return err
			}
			measured = &h
		}
		return reserveExposure(ctx, tx, rec, *measured)
	case loan.StatusSigned, loan.StatusDisbursed, loan.StatusClosed:
		return commitExposure(ctx, tx, rec)
	case loan.StatusDraft, loan.StatusReviewing, loan.StatusReturned, loan.StatusDeclined, loan.StatusWithdrawn, loan.StatusExpired:
	}
	return giveBackExposure(ctx, tx, rec)
}

// lockAndMeasure is the headroom of an approved case, under the lock.
func lockAndMeasure(ctx context.Context, tx Tx, rec loan.Record) (headroom, error) {
	person, err := tx.Borrower(ctx, domain.Scope{Everything: true}, rec.BorrowerID)
	if err != nil {
		return headroom{}, err
	}
	if err := lockMeasured(ctx, tx, rec, debtorOf(person)); err != nil {
		return headroom{}, err
	}
	p, err := tx.Product(ctx, rec.ProductCode)
	if err != nil {
		return headroom{}, err
	}
	version, err := tx.ProductVersion(ctx, rec.ProductVersionID)
	if err != nil {
		return headroom{}, err
	}
	return measure(ctx, tx, rec, p, version.AmountMax, debtorOf(person), domain.DateOf(rec.UpdatedAt))
}

// reserveExposure ties up what was approved, or refuses what does not fit: the last word on the limits, whoever approves.
func reserveExposure(ctx context.Context, tx Tx, rec loan.Record, h headroom) error {
	if refusal := h.check(rec.Approval.Amount); refusal != nil {
		return refusal
	}
	e := exposureOf(rec, rec.Approval.Amount, ExposureReserved, rec.UpdatedAt)
	e.ApprovedAt = rec.Approval.ApprovedAt
	return tx.PutExposure(ctx, e)
}

// commitExposure notes that the reservation was signed. Once it is committed only setExposure changes it.
func commitExposure(ctx context.Context, tx Tx, rec loan.Record) error {
	e, found, err := tx.ExposureOf(ctx, rec.ID)
	if err != nil || (found && e.State != ExposureReserved) {
		return err
	}
	return setExposure(ctx, tx, rec, rec.Approval.Amount, rec.UpdatedAt)
}

func giveBackExposure(ctx context.Context, tx Tx, rec loan.Record) error {
	e, found, err := tx.ExposureOf(ctx, rec.ID)
	if err != nil || !found || e.State == ExposureReleased {
		return err
	}
	return setExposure(ctx, tx, rec, money.Amount{}, rec.UpdatedAt)
}

// setExposure notes what a signed case ties up from now on: for a revolving line its limit, otherwise what is outstanding
// and what may still be drawn. Zero gives everything back. The caller has locked the application's row; the units are
// locked here, after it.
func setExposure(ctx context.Context, tx Tx, rec loan.Record, amount money.Amount, at time.Time) error {
	if err := lockExposure(ctx, tx, rec); err != nil {
		return err
	}
	state := ExposureCommitted
	if amount.Sign() <= 0 {
		amount, state = money.Amount{}, ExposureReleased
	}
	return tx.PutExposure(ctx, exposureOf(rec, amount, state, at))
}

func exposureOf(rec loan.Record, amount money.Amount, state ExposureState, at time.Time) Exposure {
	return Exposure{
		ApplicationID: rec.ID, HouseholdID: rec.HouseholdID, BorrowerID: rec.BorrowerID, BranchID: rec.BranchID,
		ProductCode: rec.ProductCode, Amount: amount, State: state, UpdatedAt: at,
	}
}

// lenderMaxOn is the smallest of the lender's limits that bind a kind of borrower on a day; false where none does. Of each
// name the limit that took effect last counts.
func lenderMaxOn(limits []LenderLimit, borrowerKind string, on domain.Date) (limit money.Amount, limited bool) {
	latest := map[string]LenderLimit{}
	for _, l := range limits { // at most LenderLimitsMax
		if l.ActivatedAt.IsZero() || l.EffectiveFrom.After(on) {
			continue
		}
		if before, seen := latest[l.Name]; !seen || l.EffectiveFrom.After(before.EffectiveFrom) {
			latest[l.Name] = l
		}
	}
	for _, l := range latest {
		if slices.Contains(l.BorrowerKinds, borrowerKind) && (!limited || l.Amount.Cmp(limit) < 0) {
			limit, limited = l.Amount, true
		}
	}
	return limit, limited
}
