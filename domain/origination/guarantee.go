package origination

import (
	"context"
	"slices"
	"time"
	"unicode/utf8"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/loan"
	"fumin/domain/money"
)

// GuaranteeReader reads the guarantee companies and their letters (农担担保).
type GuaranteeReader interface {
	// GuaranteeCompany returns one, or "guarantee-company-not-found".
	GuaranteeCompany(ctx context.Context, id domain.ID) (loan.GuaranteeCompanyRecord, error)
	// GuaranteeCompanies lists all by their codes, at most loan.GuaranteeCompaniesMax.
	GuaranteeCompanies(ctx context.Context) ([]loan.GuaranteeCompanyRecord, error)
	// GuaranteeCompanyEvents returns a company's history, oldest first, at most loan.GuaranteeCompanyEventsMax.
	GuaranteeCompanyEvents(ctx context.Context, id domain.ID) ([]loan.GuaranteeCompanyEvent, error)
	// GuaranteeQuotaHeld adds up what the company's guarantees hold in the region; "" is in total.
	GuaranteeQuotaHeld(ctx context.Context, companyID domain.ID, regionPrefix string) (money.Amount, error)

	// Guarantee returns one, or "guarantee-not-found".
	Guarantee(ctx context.Context, scope domain.Scope, id domain.ID) (loan.GuaranteeRecord, error)
	// GuaranteesOf returns those of an application, newest first, at most loan.GuaranteeListMax.
	GuaranteesOf(ctx context.Context, scope domain.Scope, applicationID domain.ID) ([]loan.GuaranteeRecord, error)
	// LiveGuarantee returns the one that is asked for or given; false when there is none.
	LiveGuarantee(ctx context.Context, applicationID domain.ID) (rec loan.GuaranteeRecord, found bool, err error)
	// GuaranteeCases lists a page of the company's part of its cases, newest first, with a status or, when it is empty, any.
	GuaranteeCases(ctx context.Context, companyID domain.ID, status loan.GuaranteeStatus, page domain.Page) ([]GuaranteeCase, error)
	// ExpiredGuarantees names letters whose last day is before the day, in the order of their ids after one. It leaves out those
	// of cases whose money was paid: they stand as long as the loan does.
	ExpiredGuarantees(ctx context.Context, before domain.Date, after domain.ID, limit int) ([]ExpiredGuarantee, error)
	// GuaranteeAnswerFile looks for a file of answers that was imported for the company; false when there is none.
	GuaranteeAnswerFile(ctx context.Context, companyID domain.ID, file FileHash) (answers GuaranteeAnswerFile, found bool, err error)
}

// ExpiredGuarantee is a letter whose last day has passed, and its case.
type ExpiredGuarantee struct {
	ID            domain.ID
	ApplicationID domain.ID
}

// GuaranteeWriter writes the guarantee companies and their letters (农担担保).
type GuaranteeWriter interface {
	// LockGuaranteeCompany returns a company and keeps others from changing it, and from taking of its quota, until the
	// transaction ends; or "guarantee-company-not-found".
	LockGuaranteeCompany(ctx context.Context, id domain.ID) (*loan.GuaranteeCompany, error)
	// InsertGuaranteeCompany refuses with "guarantee-company-exists" or "id-exists".
	InsertGuaranteeCompany(ctx context.Context, c *loan.GuaranteeCompany, event loan.GuaranteeCompanyEvent) error
	// SaveGuaranteeCompany refuses with "stale-version".
	SaveGuaranteeCompany(ctx context.Context, c *loan.GuaranteeCompany, event loan.GuaranteeCompanyEvent) error

	// LockGuarantee returns a guarantee for changing, or "guarantee-not-found". The caller holds its application's lock.
	LockGuarantee(ctx context.Context, scope domain.Scope, id domain.ID) (*loan.Guarantee, error)
	// InsertGuarantee refuses with "guarantee-exists" while the application has a live one.
	InsertGuarantee(ctx context.Context, g *loan.Guarantee, event loan.Event) error
	// SaveGuarantee refuses with "stale-version".
	SaveGuarantee(ctx context.Context, g *loan.Guarantee, event loan.Event) error
	// InsertGuaranteeAnswerFile remembers what became of a file of answers. It refuses with "guarantee-file-exists".
	InsertGuaranteeAnswerFile(ctx context.Context, f GuaranteeAnswerFile) error
}

// GuaranteeCase is a guarantee company's part of a case (农担公司可见的要素): what it decides by, and nothing that is the lender's
// own: no answers of the credit bureau, no reasons, no other products, no income.
type GuaranteeCase struct {
	Guarantee     loan.GuaranteeRecord
	ApplicationNo string
	BorrowerName  borrower.Name
	VillageCode   string
	Purpose       loan.Purpose
	SiteVisitOn   domain.Date // zero: not visited
	Lands         []GuaranteeLand
	Crops         []GuaranteeCropArea
}

// GuaranteeLand is the land of one kind that is worked (土地概况).
type GuaranteeLand struct {
	Kind   borrower.LandKind
	AreaMu borrower.Area
}

// GuaranteeCropArea is what grows on an area in a year (种植概况).
type GuaranteeCropArea struct {
	Kind   borrower.CropKind
	AreaMu borrower.Area
	Year   int
}

// Guarantees are the use cases of the guarantee companies and their letters (农担担保).
type Guarantees struct {
	store Store
	now   domain.Clock
	newID func() domain.ID
}

// NewGuarantees builds the use cases.
func NewGuarantees(store Store, now domain.Clock, newID func() domain.ID) *Guarantees {
	return &Guarantees{store: store, now: now, newID: newID}
}

// lenderReaders may read what was agreed with the companies.
func lenderReaders() []domain.Role {
	return []domain.Role{
		domain.RoleLoanOfficer, domain.RoleApprover, domain.RoleRiskManager, domain.RoleDisbursementOfficer,
		domain.RoleBranchManager, domain.RoleAuditor, domain.RoleAdmin, domain.RoleSystem,
	}
}

// DraftGuaranteeCompany asks for a new company. ID may be the client's own; zero lets us make one.
type DraftGuaranteeCompany struct {
	ID     domain.ID
	Code   string
	Sample bool
	Terms  loan.GuaranteeTerms
}

// DraftCompany drafts a new company, whose terms hold once a second person has activated them. replayed says that this key had
// drafted it before.
func (s *Guarantees) DraftCompany(ctx context.Context, by domain.Actor, key Idempotency, cmd DraftGuaranteeCompany) (drafted loan.GuaranteeCompanyRecord, replayed bool, err error) {
	now := s.now()
	if cmd.ID.IsZero() {
		cmd.ID = s.newID()
	}
	company, event, err := loan.NewGuaranteeCompany(by, now, cmd.ID, cmd.Code, cmd.Sample, cmd.Terms)
	if err != nil {
		return loan.GuaranteeCompanyRecord{}, false, err
	}
	err = s.store.Update(ctx, func(tx Tx) error {
		if key != (Idempotency{}) {
			prior, err := tx.ClaimIdempotencyKey(ctx, by.ID, key, cmd.ID, now)
			if err != nil {
				return err
			}
			if !prior.IsZero() {
				drafted, err = tx.GuaranteeCompany(ctx, prior)
				replayed = true
				return err
			}
		}
		if err := tx.InsertGuaranteeCompany(ctx, company, event); err != nil {
			return err
		}
		drafted, replayed = company.Record(), false
		return nil
	})
	return drafted, replayed, err
}

// ChangeCompany drafts other terms for a company, in place of an earlier draft.
func (s *Guarantees) ChangeCompany(ctx context.Context, by domain.Actor, id domain.ID, version int, terms loan.GuaranteeTerms) (loan.GuaranteeCompanyRecord, error) {
	return s.changeCompany(ctx, id, func(c *loan.GuaranteeCompany, now time.Time) (loan.GuaranteeCompanyEvent, error) {
		event, err := c.Propose(by, now, terms) // the role first
		if err == nil && event.Version != version+1 {
			return event, domain.Errorf(domain.KindConflict, "precondition-failed",
				"记录已被他人修改（当前版本 %d，您看到的是 %d），请刷新后再改", event.Version-1, version)
		}
		return event, err
	})
}

// ActivateCompany puts the draft in force, by a second person.
func (s *Guarantees) ActivateCompany(ctx context.Context, by domain.Actor, id domain.ID) (loan.GuaranteeCompanyRecord, error) {
	return s.changeCompany(ctx, id, func(c *loan.GuaranteeCompany, now time.Time) (loan.GuaranteeCompanyEvent, error) {
		return c.Activate(by, now)
	})
}

func (s *Guarantees) changeCompany(ctx context.Context, id domain.ID, do func(*loan.GuaranteeCompany, time.Time) (loan.GuaranteeCompanyEvent, error)) (loan.GuaranteeCompanyRecord, error) {
	now := s.now()
	var changed loan.GuaranteeCompanyRecord
	err := s.store.Update(ctx, func(tx Tx) error {
		company, err := tx.LockGuaranteeCompany(ctx, id)
		if err != nil {
			return err
		}
		event, err := do(company, now)
		if err != nil {
			return err
		}
		if err := tx.SaveGuaranteeCompany(ctx, company, event); err != nil {
			return err
		}
		changed = company.Record()
		return nil
	})
	return changed, err
}

// Company returns one company.
func (s *Guarantees) Company(ctx context.Context, by domain.Actor, id domain.ID) (loan.GuaranteeCompanyRecord, error) {
	if err := by.Require(lenderReaders()...); err != nil {
		return loan.GuaranteeCompanyRecord{}, err
	}
	return s.store.GuaranteeCompany(ctx, id)
}

// Companies lists every company.
func (s *Guarantees) Companies(ctx context.Context, by domain.Actor) ([]loan.GuaranteeCompanyRecord, error) {
	if err := by.Require(lenderReaders()...); err != nil {
		return nil, err
	}
	return s.store.GuaranteeCompanies(ctx)
}

// CompanyEvents returns a company's history, oldest first.
func (s *Guarantees) CompanyEvents(ctx context.Context, by domain.Actor, id domain.ID) ([]loan.GuaranteeCompanyEvent, error) {
	if _, err := s.Company(ctx, by, id); err != nil {
		return nil, err
	}
	return s.store.GuaranteeCompanyEvents(ctx, id)
}

// GuaranteeQuotaUse is how much of a quota is held (额度使用情况).
type GuaranteeQuotaUse struct {
	Quota loan.GuaranteeQuota
	Held  money.Amount
}

// Free is what may still be taken; never below zero, also when a quota was lowered below what is held.
func (u GuaranteeQuotaUse) Free() money.Amount {
	if free := u.Quota.Limit.Sub(u.Held); free.Sign() > 0 {
		return free
	}
	return money.Amount{}
}

// QuotaUse returns each quota of a company that is in force today, with how much of it is held.
func (s *Guarantees) QuotaUse(ctx context.Context, by domain.Actor, id domain.ID) ([]GuaranteeQuotaUse, error) {
	company, err := s.Company(ctx, by, id)
	if err != nil || company.Terms == nil {
		return nil, err
	}
	var uses []GuaranteeQuotaUse
	for _, q := range company.Terms.QuotasHolding(domain.DateOf(s.now())) {
		held, err := s.store.GuaranteeQuotaHeld(ctx, id, q.RegionPrefix)
		if err != nil {
			return nil, err
		}
		uses = append(uses, GuaranteeQuotaUse{Quota: q, Held: held})
	}
	return uses, nil
}

// AskGuarantee asks for a company's guarantee of an application (申请担保). A zero company lets us find the one that serves the
// product in the region; an empty crop is found from what the household grows.
type AskGuarantee struct {
	ApplicationID domain.ID
	CompanyID     domain.ID
	Crop          loan.GuaranteeCrop
}

// Ask asks a company, before the application is submitted or after the last answer lapsed. An earlier guarantee that no longer
// covers the amount is discharged with it; one that waits for its answer or covers the loan is not ("guarantee-exists"), unless
// something else is asked. For an application that is approved already the quota is reserved at once.
func (s *Guarantees) Ask(ctx context.Context, by domain.Actor, key Idempotency, cmd AskGuarantee) (asked loan.GuaranteeRecord, replayed bool, err error) {
	if err := by.Require(domain.RoleLoanOfficer); err != nil {
		return loan.GuaranteeRecord{}, false, err
	}
	now, id := s.now(), s.newID()
	err = s.store.Update(ctx, func(tx Tx) error {
		app, err := tx.LockApplication(ctx, by.Scope(), cmd.ApplicationID)
		if err != nil {
			return err
		}
		prior, err := tx.ClaimIdempotencyKey(ctx, by.ID, key, id, now)
		if err != nil {
			return err
		}
		if !prior.IsZero() {
			asked, err = tx.Guarantee(ctx, by.Scope(), prior)
			replayed = true
			return err
		}
		g, err := askGuarantee(ctx, tx, by, now, id, app.Record(), cmd)
		if err != nil {
			return err
		}
		asked, replayed = g, false
		return nil
	})
	return asked, replayed, err
}

// GuaranteesOf returns the guarantees of an application, newest first.
func (s *Guarantees) GuaranteesOf(ctx context.Context, by domain.Actor, applicationID domain.ID) ([]loan.GuaranteeRecord, error) {
	if err := by.Require(append(lenderReaders(), domain.RoleBorrower)...); err != nil {
		return nil, err
	}
	if _, err := s.store.Application(ctx, by.Scope(), applicationID); err != nil {
		return nil, err
	}
	return s.store.GuaranteesOf(ctx, by.Scope(), applicationID)
}

// Cases lists the company's part of its cases, newest first.
func (s *Guarantees) Cases(ctx context.Context, by domain.Actor, status loan.GuaranteeStatus, page domain.Page) ([]GuaranteeCase, error) {
	companyID, err := companyOf(by)
	if err != nil {
		return nil, err
	}
	return s.store.GuaranteeCases(ctx, companyID, status, page)
}

// Case returns the company's part of one case, with what the borrower works with.
func (s *Guarantees) Case(ctx context.Context, by domain.Actor, id domain.ID) (GuaranteeCase, error) {
	if _, err := companyOf(by); err != nil {
		return GuaranteeCase{}, err
	}
	rec, err := s.store.Guarantee(ctx, by.Scope(), id)
	if err != nil {
		return GuaranteeCase{}, err
	}
	everything := domain.Scope{Everything: true} // the guarantee was in scope; from here on only its part is copied
	app, err := s.store.Application(ctx, everything, rec.ApplicationID)
	if err != nil {
		return GuaranteeCase{}, err
	}
	person, err := s.store.Borrower(ctx, everything, rec.BorrowerID)
	if err != nil {
		return GuaranteeCase{}, err
	}
	lands, crops, err := propertyOf(ctx, s.store, person)
	if err != nil {
		return GuaranteeCase{}, err
	}
	part := GuaranteeCase{
		Guarantee: rec, ApplicationNo: app.ApplicationNo, BorrowerName: person.Name, VillageCode: app.RegionCode,
		Purpose: app.Request.Purpose, SiteVisitOn: app.Request.SiteVisitOn,
	}
	today := domain.DateOf(s.now())
	for _, l := range lands {
		if l.HeldOn(today) {
			part.Lands = append(part.Lands, GuaranteeLand{Kind: l.Kind, AreaMu: l.AreaMu})
		}
	}
	for _, c := range crops {
		part.Crops = append(part.Crops, GuaranteeCropArea{Kind: c.Kind, AreaMu: c.AreaMu, Year: c.Year})
	}
	return part, nil
}

// companyOf returns the company somebody works for.
func companyOf(by domain.Actor) (domain.ID, error) {
	if err := by.Require(domain.RoleGuaranteeOfficer); err != nil {
		return "", err
	}
	if by.GuaranteeCompanyID.IsZero() {
		return "", domain.Errorf(domain.KindForbidden, "role-not-allowed", "您的账号没有指明所属的农担公司，请联系管理员")
	}
	return by.GuaranteeCompanyID, nil
}

// propertyOf returns what a borrower works with: the household's, or the organisation's own.
func propertyOf(ctx context.Context, r Reader, person borrower.Borrower) ([]borrower.Land, []borrower.Crop, error) {
	if person.HouseholdID.IsZero() {
		return person.Organisation.Lands, person.Organisation.Crops, nil
	}
	household, err := r.Household(ctx, domain.Scope{Everything: true}, person.HouseholdID)
	return household.Lands, household.Crops, err
}

// Answer records what the company says about a case (担保答复). The same answer again changes nothing: known says so. Of a letter
// whose loan is paid the company can still say that it is good for longer (延长担保函), and nothing else.
func (s *Guarantees) Answer(ctx context.Context, by domain.Actor, id domain.ID, answer loan.GuaranteeAnswer) (answered loan.GuaranteeRecord, known bool, err error) {
	scope := by.Scope()
	if by.Role != domain.RoleGuaranteeOfficer {
		if err := by.Require(domain.RoleRiskManager, domain.RoleGuaranteeOfficer); err != nil {
			return loan.GuaranteeRecord{}, false, err
		}
	}
	now := s.now()
	err = s.store.Update(ctx, func(tx Tx) error {
		found, err := tx.Guarantee(ctx, scope, id) // unlocked: only to learn which application to lock
		if err != nil {
			return err
		}
		app, err := tx.LockApplication(ctx, domain.Scope{Everything: true}, found.ApplicationID)
		if err != nil {
			return err
		}
		g, err := tx.LockGuarantee(ctx, scope, id)
		if err != nil {
			return err
		}
		if before := g.Record(); before.Answer != nil && before.Answer.Equal(normalAnswer(answer)) {
			answered, known = before, true
			return nil
		}
		say := g.Answer
		if status := app.Record().Status; (status == loan.StatusDisbursed || status == loan.StatusClosed) && g.Record().Extends(normalAnswer(answer)) {
			say = g.Extend
		}
		event, err := say(by, now, normalAnswer(answer))
		if err != nil {
			return err
		}
		if err := tx.SaveGuarantee(ctx, g, event); err != nil {
			return err
		}
		if err := finishTasks(ctx, tx, by, now, found.ApplicationID, loan.TaskGuaranteeAnswer, g.Record().Status.Label()); err != nil {
			return err
		}
		answered, known = g.Record(), false
		return nil
	})
	return answered, known, err
}

// normalAnswer gives a refusal the counter-guarantee it is stored with, so that the same answer is known again.
func normalAnswer(a loan.GuaranteeAnswer) loan.GuaranteeAnswer {
	if a.Decision == loan.GuaranteeRefused {
		a.Counter, a.CounterNote, a.FeePct = loan.CounterNone, "", money.Rate{}
	}
	return a
}

// Fulfil records that the conditions of a letter are met, and by what one can see it.
func (s *Guarantees) Fulfil(ctx context.Context, by domain.Actor, id domain.ID, how string) (loan.GuaranteeRecord, error) {
	if n := utf8.RuneCountInString(how); n == 0 || n > loan.ConditionsRunesMax {
		var p domain.Problems
		p.Add("/reason", "out-of-range", "请说明条件以什么材料落实，1 至 %d 个字", loan.ConditionsRunesMax)
		return loan.GuaranteeRecord{}, p.Err()
	}
	now := s.now()
	var fulfilled loan.GuaranteeRecord
	err := s.store.Update(ctx, func(tx Tx) error {
		found, err := tx.Guarantee(ctx, by.Scope(), id)
		if err != nil {
			return err
		}
		if _, err := tx.LockApplication(ctx, by.Scope(), found.ApplicationID); err != nil {
			return err
		}
		g, err := tx.LockGuarantee(ctx, by.Scope(), id)
		if err != nil {
			return err
		}
		event, err := g.Fulfil(by, now, how)
		if err != nil {
			return err
		}
		if err := tx.SaveGuarantee(ctx, g, event); err != nil {
			return err
		}
		fulfilled = g.Record()
		return nil
	})
	return fulfilled, err
}

// LoadCompanies adds the companies that are not there yet and puts their terms in force: the demonstration's data, with the
// installer's authority. A company that is there stays as it is.
func (s *Guarantees) LoadCompanies(ctx context.Context, by domain.Actor, companies []DraftGuaranteeCompany) error {
	if err := by.Require(domain.RoleSystem); err != nil {
		return err
	}
	there, err := s.store.GuaranteeCompanies(ctx)
	if err != nil {
		return err
	}
	for _, c := range companies {
		if slices.ContainsFunc(there, func(r loan.GuaranteeCompanyRecord) bool { return r.Code == c.Code }) {
			continue
		}
		drafted, _, err := s.DraftCompany(ctx, by, Idempotency{}, c)
		if err != nil {
			return err
		}
		if _, err := s.ActivateCompany(ctx, by, drafted.ID); err != nil {
			return err
		}
	}
	return nil
}
