package origination

import (
	"context"
	"time"

	"fumin/domain"
	"fumin/domain/borrower"
)

// LookalikesMax bounds how many borrowers one look for suspicions compares with.
const LookalikesMax = 500

// splitMonths is for how long after a split of a household a look at it is worth while: a limit per household invites
// splitting (产品规定：近 12 个月内分户须核实).
const splitMonths = 12

// retention is how long a file is kept after the last credit relation has ended: five years (个人信用信息基础数据库和
// 反洗钱客户资料保存的最低年限).
var retention = borrower.Retention{Years: 5}

// Lookalike is a borrower that may look like another.
type Lookalike struct {
	Borrower   borrower.Borrower
	Household  borrower.Household // zero where there is none
	BranchName string
	Visible    bool
}

// Suspected is a suspicion as far as the caller may know: the other borrower by id, or else by the branch to ask.
type Suspected struct {
	borrower.Suspicion
	OtherBranchName string // "" for a recent split
}

// revealers are the roles whose work needs full numbers. Administrators' does not.
var revealers = []domain.Role{domain.RoleLoanOfficer, domain.RoleApprover, domain.RoleDisbursementOfficer, domain.RoleAuditor}

// RevealBorrower shows a borrower in full, for a reason that is recorded before anything is shown (查看完整信息).
func (s *Borrowers) RevealBorrower(ctx context.Context, by domain.Actor, id domain.ID, reason string) (borrower.Borrower, error) {
	if err := mayReveal(by, reason); err != nil {
		return borrower.Borrower{}, err
	}
	now := s.now()
	var revealed borrower.Borrower
	err := s.store.Update(ctx, func(tx Tx) error {
		b, err := tx.Borrower(ctx, by.Scope(), id)
		if err != nil {
			return err
		}
		event := s.borrowerEvent(by, now, b, BorrowerRevealed, BorrowerNote{"reason", reason})
		event.Version = 0
		if err := tx.InsertBorrowerEvent(ctx, event); err != nil {
			return err
		}
		revealed = b
		return nil
	})
	return revealed, err
}

// RevealHousehold shows a household in full, as RevealBorrower does.
func (s *Borrowers) RevealHousehold(ctx context.Context, by domain.Actor, id domain.ID, reason string) (borrower.Household, error) {
	if err := mayReveal(by, reason); err != nil {
		return borrower.Household{}, err
	}
	now := s.now()
	var revealed borrower.Household
	err := s.store.Update(ctx, func(tx Tx) error {
		h, err := tx.Household(ctx, by.Scope(), id)
		if err != nil {
			return err
		}
		event := s.householdEvent(by, now, h, BorrowerRevealed, BorrowerNote{"reason", reason})
		event.Version = 0
		if err := tx.InsertBorrowerEvent(ctx, event); err != nil {
			return err
		}
		revealed = h
		return nil
	})
	return revealed, err
}

func mayReveal(by domain.Actor, reason string) error {
	if err := by.Require(revealers...); err != nil {
		return err
	}
	return checkReason(reason)
}

// BorrowerHistory returns what happened to a borrower, newest first.
// It is the lender's own record of who looked and why, so the borrower does not see it.
func (s *Borrowers) BorrowerHistory(ctx context.Context, by domain.Actor, id domain.ID, page domain.Page) ([]BorrowerEvent, error) {
	if err := by.Require(domain.RoleLoanOfficer, domain.RoleApprover, domain.RoleDisbursementOfficer, domain.RoleAuditor, domain.RoleAdmin); err != nil {
		return nil, err
	}
	if _, err := s.store.Borrower(ctx, by.Scope(), id); err != nil {
		return nil, err
	}
	return s.store.BorrowerEvents(ctx, SubjectBorrower, id, page)
}

// HouseholdHistory returns what happened to a household, newest first.
func (s *Borrowers) HouseholdHistory(ctx context.Context, by domain.Actor, id domain.ID, page domain.Page) ([]BorrowerEvent, error) {
	if _, err := s.store.Household(ctx, by.Scope(), id); err != nil {
		return nil, err
	}
	return s.store.BorrowerEvents(ctx, SubjectHousehold, id, page)
}

// borrowerChange is one change of a borrower's file.
type borrowerChange struct {
	id     domain.ID
	action BorrowerAction
	key    *Idempotency // of a change that creates something
	made   domain.ID    // what it creates, and else the borrower's id
	do     func(b *borrower.Borrower) ([]BorrowerNote, error)
}

// changeBorrower is the shape of every change of a file: lock, do, check the whole, save with the event.
func (s *Borrowers) changeBorrower(ctx context.Context, by domain.Actor, now time.Time, c borrowerChange) (changed borrower.Borrower, replayed bool, err error) {
	err = s.store.Update(ctx, func(tx Tx) error {
		if c.key != nil {
			prior, err := tx.ClaimIdempotencyKey(ctx, by.ID, *c.key, c.made, now)
			if err != nil {
				return err
			}
			if !prior.IsZero() {
				changed, err = tx.Borrower(ctx, by.Scope(), c.id)
				replayed = true
				return err
			}
		}
		b, err := tx.LockBorrower(ctx, by.Scope(), c.id)
		if err != nil {
			return err
		}
		if !b.AnonymisedAt.IsZero() {
			return domain.Errorf(domain.KindConflict, "borrower-anonymised", "该借款人的资料已匿名化，不能再变更")
		}
		notes, err := c.do(&b)
		if err != nil {
			return err
		}
		b.Version++
		if err := b.Validate(); err != nil {
			return err
		}
		if err := tx.SaveBorrower(ctx, b, s.borrowerEvent(by, now, b, c.action, notes...)); err != nil {
			return err
		}
		changed, replayed = b, false
		return nil
	})
	return changed, replayed, err
}

// ChangePhones replaces a borrower's phones, if the file still has the version the editor saw.
type ChangePhones struct {
	BorrowerID  domain.ID
	Version     int
	Phone       borrower.Phone // the first to call
	OtherPhones []borrower.Phone
}

// ChangePhones replaces the phones of a borrower (变更联系电话).
func (s *Borrowers) ChangePhones(ctx context.Context, by domain.Actor, cmd ChangePhones) (borrower.Borrower, error) {
	if err := by.Require(domain.RoleLoanOfficer); err != nil {
		return borrower.Borrower{}, err
	}
	changed, _, err := s.changeBorrower(ctx, by, s.now(), borrowerChange{
		id: cmd.BorrowerID, action: PhonesChanged,
		do: func(b *borrower.Borrower) ([]BorrowerNote, error) {
			if b.Version != cmd.Version {
				return nil, domain.Errorf(domain.KindConflict, "precondition-failed",
					"档案已被他人修改（当前版本 %d，您看到的是 %d），请刷新后再改", b.Version, cmd.Version)
			}
			b.Phone, b.OtherPhones = cmd.Phone, cmd.OtherPhones
			return nil, nil
		},
	})
	return changed, err
}

// AddAccount puts one more bank account on file. It does not become the payout account by that.
func (s *Borrowers) AddAccount(ctx context.Context, by domain.Actor, key Idempotency, id domain.ID, a NewAccount) (borrower.Borrower, bool, error) {
	if err := s.CheckAccount(by, a); err != nil {
		return borrower.Borrower{}, false, err
	}
	now := s.now()
	account := s.newAccount(by, a, now)
	return s.changeBorrower(ctx, by, now, borrowerChange{
		id: id, action: AccountAdded, key: &key, made: account.ID,
		do: func(b *borrower.Borrower) ([]BorrowerNote, error) {
			for _, known := range b.Accounts {
				if known.Number.Equal(account.Number) {
					return nil, domain.Errorf(domain.KindConflict, "account-exists", "该账户已登记（编号 %s）", known.ID)
				}
			}
			if len(b.Accounts) == borrower.ListMax {
				return nil, errFileFull()
			}
			b.Accounts = append(b.Accounts, account)
			return []BorrowerNote{{"account_id", account.ID.String()}}, nil
		},
	})
}

func errFileFull() error {
	return domain.Errorf(domain.KindRule, "file-full", "同类资料最多登记 %d 项，请联系管理员", borrower.ListMax)
}

// CheckAccount names all that is wrong with an account as it would be added now, and stores nothing.
func (s *Borrowers) CheckAccount(by domain.Actor, a NewAccount) error {
	if err := by.Require(domain.RoleLoanOfficer); err != nil {
		return err
	}
	var p domain.Problems
	p.Check("", s.newAccount(by, a, s.now()).Validate())
	p.Check("/verified_how", checkSeen(a.VerifiedHow))
	return p.Err()
}

// VerifyAccount records how somebody made sure that an account is the borrower's (账户核验).
func (s *Borrowers) VerifyAccount(ctx context.Context, by domain.Actor, id, accountID domain.ID, how borrower.AccountVerification) (borrower.Borrower, error) {
	if err := by.Require(domain.RoleLoanOfficer, domain.RoleDisbursementOfficer); err != nil {
		return borrower.Borrower{}, err
	}
	now := s.now()
	changed, _, err := s.changeBorrower(ctx, by, now, borrowerChange{
		id: id, action: AccountVerified,
		do: func(b *borrower.Borrower) ([]BorrowerNote, error) {
			account, err := findAccount(b, accountID)
			if err != nil {
				return nil, err
			}
			if account.Verified() {
				return nil, domain.Errorf(domain.KindConflict, "account-verified", "该账户已核验，无需再办")
			}
			account.VerifiedHow, account.VerifiedBy, account.VerifiedAt = how, by.ID, now
			return []BorrowerNote{{"account_id", accountID.String()}, {"verified_how", string(how)}}, nil
		},
	})
	return changed, err
}

// ChoosePayout makes an account the one that loans are paid to (指定收款账户).
func (s *Borrowers) ChoosePayout(ctx context.Context, by domain.Actor, id, accountID domain.ID) (borrower.Borrower, error) {
	if err := by.Require(domain.RoleLoanOfficer); err != nil {
		return borrower.Borrower{}, err
	}
	changed, _, err := s.changeBorrower(ctx, by, s.now(), borrowerChange{
		id: id, action: PayoutChosen,
		do: func(b *borrower.Borrower) ([]BorrowerNote, error) {
			account, err := findAccount(b, accountID)
			if err != nil {
				return nil, err
			}
			if !account.Verified() {
				return nil, domain.Errorf(domain.KindRule, "account-not-verified", "该账户尚未核验，请先核验再指定为收款账户")
			}
			b.PayoutAccountID = accountID
			return []BorrowerNote{{"account_id", accountID.String()}}, nil
		},
	})
	return changed, movePointers(err, []pointerMove{{"/payout_account_id", "/account_id"}})
}

// findAccount returns a borrower's account in its list.
func findAccount(b *borrower.Borrower, id domain.ID) (*borrower.Account, error) {
	for i := range b.Accounts {
		if b.Accounts[i].ID == id {
			return &b.Accounts[i], nil
		}
	}
	return nil, domain.Errorf(domain.KindNotFound, "account-not-found", "该借款人没有这个账户，请刷新后核对")
}

// CheckConsent names all that is wrong with a consent as it would be added now, and stores nothing.
func (s *Borrowers) CheckConsent(by domain.Actor, c NewConsent) error {
	if err := by.Require(domain.RoleLoanOfficer, domain.RoleBorrower); err != nil {
		return err
	}
	var p domain.Problems
	p.Check("", s.newConsent(c).Validate())
	p.Check("/given_at", checkPast(c.GivenAt, s.now()))
	return p.Err()
}

// AddConsent records a consent: the officer's record of a paper, or the borrower's own in the mobile app.
func (s *Borrowers) AddConsent(ctx context.Context, by domain.Actor, key Idempotency, id domain.ID, c NewConsent) (borrower.Borrower, bool, error) {
	if err := s.CheckConsent(by, c); err != nil {
		return borrower.Borrower{}, false, err
	}
	consent := s.newConsent(c)
	return s.changeBorrower(ctx, by, s.now(), borrowerChange{
		id: id, action: ConsentAdded, key: &key, made: consent.ID,
		do: func(b *borrower.Borrower) ([]BorrowerNote, error) {
			if len(b.Consents) == borrower.ListMax {
				return nil, errFileFull()
			}
			b.Consents = append(b.Consents, consent)
			return []BorrowerNote{{"consent_id", consent.ID.String()}, {"kind", string(consent.Kind)}}, nil
		},
	})
}

// WithdrawConsent ends a consent at once (撤回授权). The borrower may always do so (个人信息保护法第十五条).
func (s *Borrowers) WithdrawConsent(ctx context.Context, by domain.Actor, id, consentID domain.ID) (borrower.Borrower, error) {
	if err := by.Require(domain.RoleLoanOfficer, domain.RoleBorrower); err != nil {
		return borrower.Borrower{}, err
	}
	now := s.now()
	changed, _, err := s.changeBorrower(ctx, by, now, borrowerChange{
		id: id, action: ConsentWithdrawn,
		do: func(b *borrower.Borrower) ([]BorrowerNote, error) {
			for i := range b.Consents {
				consent := &b.Consents[i]
				switch {
				case consent.ID != consentID:
					continue
				case !consent.WithdrawnAt.IsZero():
					return nil, domain.Errorf(domain.KindConflict, "consent-withdrawn", "该授权已经撤回")
				}
				consent.WithdrawnAt = later(now, consent.GivenAt) // a tablet's clock may be ahead of ours
				return []BorrowerNote{{"consent_id", consentID.String()}, {"kind", string(consent.Kind)}}, nil
			}
			return nil, domain.Errorf(domain.KindNotFound, "consent-not-found", "该借款人没有这项授权，请刷新后核对")
		},
	})
	return changed, err
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// CheckLicence names all that is wrong with a licence as it would be added now, and stores nothing.
func (s *Borrowers) CheckLicence(by domain.Actor, l borrower.Licence) error {
	if err := by.Require(domain.RoleLoanOfficer); err != nil {
		return err
	}
	now := s.now()
	l.ID = s.newID()
	var p domain.Problems
	p.Check("", l.Validate())
	if l.IssuedOn.After(domain.DateOf(now)) {
		p.Add("/issued_on", "in-the-future", "发证日期晚于今天，请核对")
	}
	return p.Err()
}

// AddLicence puts a licence or permit on file (登记证照); its ID is given here. A renewed one is a new one.
func (s *Borrowers) AddLicence(ctx context.Context, by domain.Actor, key Idempotency, id domain.ID, l borrower.Licence) (borrower.Borrower, bool, error) {
	if err := s.CheckLicence(by, l); err != nil {
		return borrower.Borrower{}, false, err
	}
	l.ID = s.newID()
	return s.changeBorrower(ctx, by, s.now(), borrowerChange{
		id: id, action: LicenceAdded, key: &key, made: l.ID,
		do: func(b *borrower.Borrower) ([]BorrowerNote, error) {
			if len(b.Licences) == borrower.ListMax {
				return nil, errFileFull()
			}
			b.Licences = append(b.Licences, l)
			return []BorrowerNote{{"licence_id", l.ID.String()}, {"kind", string(l.Kind)}}, nil
		},
	})
}

// Suspicions says what of a borrower a person should look at: who else has the phone, the account, or the address and
// surname, and whether the household was split lately. It looks at the whole lender, decides nothing and stores nothing.
func (s *Borrowers) Suspicions(ctx context.Context, by domain.Actor, id domain.ID) ([]Suspected, error) {
	if err := by.Require(domain.RoleLoanOfficer, domain.RoleApprover, domain.RoleAuditor); err != nil {
		return nil, err
	}
	today := domain.DateOf(s.now())
	b, err := s.store.Borrower(ctx, by.Scope(), id)
	if err != nil {
		return nil, err
	}
	var household borrower.Household
	if !b.HouseholdID.IsZero() {
		if household, err = s.store.Household(ctx, domain.Scope{Everything: true}, b.HouseholdID); err != nil {
			return nil, err
		}
	}
	subject := borrower.CandidateOf(b, household)
	village := household.VillageCode
	if village.IsZero() {
		village = b.RegionCode
	}
	found, err := s.store.Lookalikes(ctx, by.Scope(), b, village)
	if err != nil {
		return nil, err
	}
	others := make([]borrower.Candidate, len(found))
	byID := make(map[domain.ID]Lookalike, len(found))
	for i, other := range found {
		others[i] = borrower.CandidateOf(other.Borrower, other.Household)
		byID[other.Borrower.ID] = other
	}
	var suspected []Suspected
	for _, suspicion := range borrower.Suspicions(subject, others, today, splitMonths) {
		one := Suspected{Suspicion: suspicion}
		if other, known := byID[suspicion.OtherBorrowerID]; known {
			one.OtherBranchName = other.BranchName
			if !other.Visible {
				one.OtherBorrowerID = ""
			}
		}
		suspected = append(suspected, one)
	}
	return suspected, nil
}

// Anonymise erases what leads to a person, in the borrower's file and in every stay in a household (匿名化). A borrower with a
// credit relation is refused with "borrower-retained", whose detail names the date from which it is possible.
func (s *Borrowers) Anonymise(ctx context.Context, by domain.Actor, id domain.ID, reason string) (borrower.Borrower, error) {
	if err := by.Require(domain.RoleAdmin); err != nil {
		return borrower.Borrower{}, err
	}
	if err := checkReason(reason); err != nil {
		return borrower.Borrower{}, err
	}
	now := s.now()
	var erased borrower.Borrower
	err := s.store.Update(ctx, func(tx Tx) error {
		found, err := tx.Borrower(ctx, by.Scope(), id) // unlocked: only to learn which household to lock
		if err != nil {
			return err
		}
		if err := s.anonymiseMember(ctx, tx, by, now, found.IDNumber); err != nil {
			return err
		}
		b, err := tx.LockBorrower(ctx, by.Scope(), id)
		if err != nil {
			return err
		}
		if !b.AnonymisedAt.IsZero() {
			erased = b
			return nil
		}
		relation, err := tx.CreditRelation(ctx, id)
		if err != nil {
			return err
		}
		if err := retention.CheckErasable(relation, domain.DateOf(now)); err != nil {
			return err
		}
		if err := tx.EraseRecommendedEntries(ctx, recommendedNumbersOf(b), "已依规定抹除"); err != nil {
			return err
		}
		b = b.Anonymise(now)
		b.Version++
		if err := tx.SaveBorrower(ctx, b, s.borrowerEvent(by, now, b, BorrowerErased, BorrowerNote{"reason", reason})); err != nil {
			return err
		}
		erased = b
		return nil
	})
	return erased, err
}

// recommendedNumbersOf are the numbers under which a recommended list may name the borrower.
func recommendedNumbersOf(b borrower.Borrower) []RecommendedNumber {
	var numbers []RecommendedNumber
	if !b.IDNumber.IsZero() {
		numbers = append(numbers, RecommendedNumber{IDNumber: b.IDNumber})
	}
	if !b.CreditCode.IsZero() {
		numbers = append(numbers, RecommendedNumber{CreditCode: b.CreditCode})
	}
	return numbers
}

// anonymiseMember erases the person from every household he or she has been in. A refusal afterwards undoes it with the
// rest.
func (s *Borrowers) anonymiseMember(ctx context.Context, tx Tx, by domain.Actor, now time.Time, number borrower.IDNumber) error {
	ids, err := tx.HouseholdsOfMember(ctx, number) // in the order of ids, in which they are locked
	if err != nil {
		return err
	}
	for _, id := range ids { // at most borrower.ListMax
		household, err := tx.LockHousehold(ctx, domain.Scope{Everything: true}, id)
		if err != nil {
			return err
		}
		for _, member := range household.Members {
			if member.IDNumber.Equal(number) {
				household = household.AnonymiseMember(member.ID, now)
			}
		}
		household.Version++
		if err := tx.SaveHousehold(ctx, household, s.householdEvent(by, now, household, BorrowerErased)); err != nil {
			return err
		}
	}
	return nil
}
