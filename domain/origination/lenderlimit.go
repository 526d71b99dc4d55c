package origination

import (
	"context"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"fumin/domain"
	"fumin/domain/money"
	"fumin/domain/product"
)

// Bounds of a lender limit.
const (
	LenderLimitsMax          = 500 // that one answer lists and one decision looks at
	LenderLimitNameMax       = 60  // ASCII characters
	LenderLimitSourceMax     = 500 // characters
	lenderLimitKindsPerEntry = 10
)

// LenderLimit is what the lender grants one household or borrower at most, across products (本行单户授信上限), as data with
// its source. It counts from EffectiveFrom on, once a second person has activated it; of one name the limit that took effect
// last counts.
type LenderLimit struct {
	ID            domain.ID
	Name          string   // "inclusive_farmer_exposure_max"
	BorrowerKinds []string // the product package's words for kinds of borrower
	Amount        money.Amount
	EffectiveFrom domain.Date
	Source        string // the document the figure comes from
	MadeBy        domain.ID
	MadeAt        time.Time
	ActivatedBy   domain.ID // zero until activated; never MadeBy, unless Loaded
	ActivatedAt   time.Time
	Loaded        bool // came with the installation, which the operator answers for
}

// Validate names everything that is wrong with the limit.
func (l LenderLimit) Validate() error {
	var p domain.Problems
	if !validLimitName(l.Name) {
		p.Add("/name", "invalid-name", "名称应为 1 至 %d 个小写字母、数字或下划线", LenderLimitNameMax)
	}
	if len(l.BorrowerKinds) == 0 || len(l.BorrowerKinds) > lenderLimitKindsPerEntry {
		p.Add("/borrower_kinds", "required", "请写明适用的借款人类别，1 至 %d 类", lenderLimitKindsPerEntry)
	}
	for i, kind := range l.BorrowerKinds {
		if !slices.Contains(product.BorrowerKinds(), kind) {
			p.Add("/borrower_kinds/"+strconv.Itoa(i), "invalid-enum", "不认识的借款人类别")
		}
		if slices.Contains(l.BorrowerKinds[:i], kind) {
			p.Add("/borrower_kinds/"+strconv.Itoa(i), "duplicate", "重复")
		}
	}
	if l.Amount.Sign() <= 0 {
		p.Add("/amount", "not-positive", "金额应大于零")
	}
	if l.EffectiveFrom.IsZero() {
		p.Add("/effective_from", "required", "请写明从哪一天起执行")
	}
	if n := utf8.RuneCountInString(l.Source); n == 0 || n > LenderLimitSourceMax {
		p.Add("/source", "required", "请写明依据的文件，1 至 %d 个字", LenderLimitSourceMax)
	}
	return p.Err()
}

func validLimitName(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= LenderLimitNameMax
}

// Limits are the use cases of exposure: the lender's own limits, and what a household or a borrower has of them.
type Limits struct {
	store Store
	now   domain.Clock
	newID func() domain.ID
}

// NewLimits builds the use cases.
func NewLimits(store Store, now domain.Clock, newID func() domain.ID) *Limits {
	return &Limits{store: store, now: now, newID: newID}
}

// MakeLenderLimit asks for a new limit.
type MakeLenderLimit struct {
	Name          string
	BorrowerKinds []string
	Amount        money.Amount
	EffectiveFrom domain.Date
	Source        string
}

// limitMakers set limits and put them into force, each the other's.
var limitMakers = []domain.Role{domain.RoleRiskManager, domain.RoleAdmin}

// Make drafts a limit, which binds nobody until a second person activates it. replayed says that this key had made it before.
func (s *Limits) Make(ctx context.Context, by domain.Actor, key Idempotency, cmd MakeLenderLimit) (made LenderLimit, replayed bool, err error) {
	if err := by.Require(limitMakers...); err != nil {
		return LenderLimit{}, false, err
	}
	now := s.now()
	limit := LenderLimit{
		ID: s.newID(), Name: cmd.Name, BorrowerKinds: cmd.BorrowerKinds, Amount: cmd.Amount, EffectiveFrom: cmd.EffectiveFrom,
		Source: cmd.Source, MadeBy: by.ID, MadeAt: now,
	}
	if err := limit.Validate(); err != nil {
		return LenderLimit{}, false, err
	}
	err = s.store.Update(ctx, func(tx Tx) error {
		prior, err := tx.ClaimIdempotencyKey(ctx, by.ID, key, limit.ID, now)
		if err != nil {
			return err
		}
		if !prior.IsZero() {
			made, err = tx.LockLenderLimit(ctx, prior)
			replayed = true
			return err
		}
		if there, err := tx.LenderLimits(ctx); err != nil || len(there) >= LenderLimitsMax {
			return either(err, domain.Errorf(domain.KindRule, "file-full", "本行授信上限的登记已满 %d 条，请联系管理员", LenderLimitsMax))
		}
		if _, err := tx.InsertLenderLimit(ctx, limit); err != nil {
			return err
		}
		made, replayed = limit, false
		return nil
	})
	return made, replayed, err
}

// Activate puts a limit into force, by a second person. A day that has passed is refused: what was decided then stays.
func (s *Limits) Activate(ctx context.Context, by domain.Actor, id domain.ID) (LenderLimit, error) {
	if err := by.Require(limitMakers...); err != nil {
		return LenderLimit{}, err
	}
	now := s.now()
	var activated LenderLimit
	err := s.store.Update(ctx, func(tx Tx) error {
		limit, err := tx.LockLenderLimit(ctx, id)
		if err != nil {
			return err
		}
		if err := limit.mayActivate(by.ID, domain.DateOf(now)); err != nil {
			return err
		}
		if err := tx.ActivateLenderLimit(ctx, id, by.ID, now); err != nil {
			return err
		}
		limit.ActivatedBy, limit.ActivatedAt = by.ID, now
		activated = limit
		return nil
	})
	return activated, err
}

// mayActivate refuses the limit's own maker, a limit that is active, and a day that has passed.
func (l LenderLimit) mayActivate(by domain.ID, today domain.Date) error {
	switch {
	case l.MadeBy == by:
		return domain.Errorf(domain.KindForbidden, "four-eyes", "本行授信上限须由起草人以外的另一人启用")
	case !l.ActivatedAt.IsZero():
		return domain.Errorf(domain.KindConflict, "wrong-status", "这条上限已经启用，如需调整请另起草一条")
	case l.EffectiveFrom.Before(today):
		return domain.Errorf(domain.KindRule, "activation-in-the-past", "执行日期 %s 已过，请另起草一条今天或以后执行的", l.EffectiveFrom)
	}
	return nil
}

// Load brings in the limits of an installation. What is there already stays as it is, by id.
func (s *Limits) Load(ctx context.Context, by domain.Actor, limits []LenderLimit) error {
	if err := by.Require(domain.RoleSystem); err != nil {
		return err
	}
	now := s.now()
	return s.store.Update(ctx, func(tx Tx) error {
		for _, l := range limits[:min(len(limits), LenderLimitsMax)] {
			l.MadeBy, l.MadeAt, l.ActivatedBy, l.ActivatedAt, l.Loaded = by.ID, now, by.ID, now, true
			if err := l.Validate(); err != nil {
				return err
			}
			if _, err := tx.InsertLenderLimit(ctx, l); err != nil {
				return err
			}
		}
		return nil
	})
}

// LenderLimits lists the lender's limits, drafts too, the latest first. They are the house's own business.
func (s *Limits) LenderLimits(ctx context.Context, by domain.Actor) ([]LenderLimit, error) {
	if err := by.Require(domain.RoleLoanOfficer, domain.RoleApprover, domain.RoleRiskManager, domain.RoleDisbursementOfficer,
		domain.RoleBranchManager, domain.RoleAuditor, domain.RoleAdmin); err != nil {
		return nil, err
	}
	return s.store.LenderLimits(ctx)
}

// UnitExposure is what a household or a borrower has (授信余额). The sums go across the whole lender; the cases are those
// that the asker may see.
type UnitExposure struct {
	Unit  ExposureUnit
	Total money.Amount
	Sums  []ExposureSum
	Cases []Exposure
}

// Household tells what a household has.
func (s *Limits) Household(ctx context.Context, by domain.Actor, id domain.ID) (UnitExposure, error) {
	if _, err := s.store.Household(ctx, by.Scope(), id); err != nil {
		return UnitExposure{}, err
	}
	return s.unit(ctx, by, ExposureUnit{product.ExposureHousehold, id})
}

// Borrower tells what a borrower has.
func (s *Limits) Borrower(ctx context.Context, by domain.Actor, id domain.ID) (UnitExposure, error) {
	if _, err := s.store.Applicant(ctx, by.Scope(), id); err != nil {
		return UnitExposure{}, err
	}
	return s.unit(ctx, by, ExposureUnit{product.ExposureBorrower, id})
}

func (s *Limits) unit(ctx context.Context, by domain.Actor, unit ExposureUnit) (UnitExposure, error) {
	sums, err := s.store.ExposureSums(ctx, unit)
	if err != nil {
		return UnitExposure{}, err
	}
	e := UnitExposure{Unit: unit, Sums: sums}
	for _, sum := range sums {
		e.Total = e.Total.Add(sum.Amount)
	}
	e.Cases, err = s.store.Exposures(ctx, by.Scope(), unit)
	return e, err
}
