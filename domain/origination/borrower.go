package origination

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"fumin/domain"
	"fumin/domain/borrower"
)

// BorrowerReader reads households and borrowers.
type BorrowerReader interface {
	// Household returns one with all its members, past ones too, or "household-not-found".
	Household(ctx context.Context, scope domain.Scope, id domain.ID) (borrower.Household, error)
	// Households lists a page, newest first.
	Households(ctx context.Context, scope domain.Scope, filter HouseholdFilter, page domain.Page) ([]borrower.Household, error)
	// Borrower returns one with its accounts and consents, or "borrower-not-found".
	Borrower(ctx context.Context, scope domain.Scope, id domain.ID) (borrower.Borrower, error)
	// Borrowers lists a page, newest first.
	Borrowers(ctx context.Context, scope domain.Scope, filter BorrowerFilter, page domain.Page) ([]borrower.Borrower, error)
	// KnownBorrower looks for a borrower with b's identity number or credit code in the whole lender, whatever the scope;
	// the scope only decides whether it is visible. It returns nil when there is none.
	KnownBorrower(ctx context.Context, scope domain.Scope, b borrower.Borrower) (*Known, error)
	// KnownMember looks likewise for the household in which the person with the identity number is now.
	KnownMember(ctx context.Context, scope domain.Scope, number borrower.IDNumber) (*Known, error)
	// BorrowerEvents returns the history of a household or a borrower, newest first.
	BorrowerEvents(ctx context.Context, subject string, id domain.ID, page domain.Page) ([]BorrowerEvent, error)
	// Lookalikes returns, of the whole lender, the borrowers that share a phone or an account with b, and those of the
	// village whose name begins with the same character; at most LookalikesMax, each with whether the scope may see it.
	Lookalikes(ctx context.Context, scope domain.Scope, b borrower.Borrower, village borrower.RegionCode) ([]Lookalike, error)
	// HouseholdsOfMember returns the households in which the person is or has been, in the order of their ids; at most
	// borrower.ListMax. An absent number is nobody's.
	HouseholdsOfMember(ctx context.Context, number borrower.IDNumber) ([]domain.ID, error)
	// BorrowersOutside returns the borrowers who are in the household now and whose files name another, in the order of their
	// ids. Those whose files name none are left out: a townsman's trade need not be his household's.
	BorrowersOutside(ctx context.Context, h borrower.Household) ([]domain.ID, error)
	// CreditRelation returns what the borrower owes or has owed.
	CreditRelation(ctx context.Context, borrowerID domain.ID) (borrower.CreditRelation, error)
}

// BorrowerWriter writes households and borrowers, each write with its event. Where both are locked, the household comes
// first, and several of one sort are locked in the order of their ids.
type BorrowerWriter interface {
	// LockHousehold returns a household and keeps others from changing it until the transaction ends, or
	// "household-not-found".
	LockHousehold(ctx context.Context, scope domain.Scope, id domain.ID) (borrower.Household, error)
	// InsertHousehold refuses with "person-in-household" when a member is in another household.
	InsertHousehold(ctx context.Context, h borrower.Household, event BorrowerEvent) error
	// SaveHousehold refuses with "stale-version" when the stored version is not the one before h's, and with
	// "person-in-household" when a member is in another household.
	SaveHousehold(ctx context.Context, h borrower.Household, event BorrowerEvent) error
	// LockBorrower returns a borrower and keeps others from changing it until the transaction ends, or
	// "borrower-not-found".
	LockBorrower(ctx context.Context, scope domain.Scope, id domain.ID) (borrower.Borrower, error)
	// InsertBorrower refuses with "borrower-exists" when the number is known.
	InsertBorrower(ctx context.Context, b borrower.Borrower, event BorrowerEvent) error
	// SaveBorrower refuses with "stale-version" when the stored version is not the one before b's.
	SaveBorrower(ctx context.Context, b borrower.Borrower, event BorrowerEvent) error
	// InsertBorrowerEvent records what changes nothing: a look.
	InsertBorrowerEvent(ctx context.Context, event BorrowerEvent) error
}

// HouseholdFilter narrows a list; zero fields do not.
type HouseholdFilter struct {
	VillageCode borrower.RegionCode
}

// BorrowerFilter narrows a list; zero fields do not.
type BorrowerFilter struct {
	IDNumber    borrower.IDNumber
	CreditCode  borrower.CreditCode
	Phone       borrower.Phone // any of the borrower's
	NamePrefix  borrower.Name
	VillageCode borrower.RegionCode // of the household, or where an organisation works
	OfficerID   domain.ID
	HouseholdID domain.ID
}

// Known is where a number is already on file.
type Known struct {
	ID         domain.ID // of the borrower or the household
	BranchName string    // the branch that keeps the file
	Visible    bool      // whether the caller may see it
}

// BorrowerAction is what somebody did to a household or a borrower (操作), as the audit trail names it.
type BorrowerAction string

// The actions.
const (
	BorrowerCreated   BorrowerAction = "create"           // 建档
	BorrowerRevealed  BorrowerAction = "reveal"           // 查看完整信息
	AccountAdded      BorrowerAction = "add_account"      // 登记账户
	AccountVerified   BorrowerAction = "verify_account"   // 核验账户
	PayoutChosen      BorrowerAction = "choose_payout"    // 指定收款账户
	ConsentAdded      BorrowerAction = "add_consent"      // 登记授权
	ConsentWithdrawn  BorrowerAction = "withdraw_consent" // 撤回授权
	LicenceAdded      BorrowerAction = "add_licence"      // 登记证照
	HouseholdFollowed BorrowerAction = "follow_household" // 随户变更
	PhonesChanged     BorrowerAction = "change_phones"    // 变更联系电话
	BorrowerErased    BorrowerAction = "anonymise"        // 匿名化
	MemberJoined      BorrowerAction = "join"             // 成员加入
	MemberLeft        BorrowerAction = "leave"            // 成员离开
	HeadChanged       BorrowerAction = "change_head"      // 变更户主
	HouseholdSplit    BorrowerAction = "split"            // 分户
	HouseholdMerged   BorrowerAction = "merge"            // 并户
	PropertyAdded     BorrowerAction = "add_property"     // 登记土地、存栏、种植
	FiguresChanged    BorrowerAction = "change_figures"   // 登记收入、负债
	EnquiriesSeen     BorrowerAction = "view_enquiries"   // 查看外部查询结果
)

// The subjects of a BorrowerEvent.
const (
	SubjectBorrower  = "borrower"
	SubjectHousehold = "household"
)

// BorrowerEvent is one line of the audit trail of a household or a borrower (操作留痕). It carries no personal data.
type BorrowerEvent struct {
	ID        domain.ID
	Subject   string // SubjectBorrower or SubjectHousehold
	SubjectID domain.ID
	Version   int // the version the action made; 0 for a look, which makes none
	BranchID  domain.ID
	Action    BorrowerAction
	ActorID   domain.ID
	ActorName string
	ActorRole domain.Role
	At        time.Time
	Detail    []BorrowerNote
}

// BorrowerNote is one named fact of an event.
type BorrowerNote struct{ Name, Value string }

// Borrowers are the use cases of the register of households and borrowers.
type Borrowers struct {
	store Store
	now   domain.Clock
	newID func() domain.ID
}

// NewBorrowers builds the use cases.
func NewBorrowers(store Store, now domain.Clock, newID func() domain.ID) *Borrowers {
	return &Borrowers{store: store, now: now, newID: newID}
}

// CreateBorrower asks for a new borrower. ID may be the client's own (a tablet offline makes it).
type CreateBorrower struct {
	ID           domain.ID
	Kind         borrower.Kind
	Name         borrower.Name
	IDNumber     borrower.IDNumber
	CreditCode   borrower.CreditCode
	BusinessName borrower.Name
	Phone        borrower.Phone
	OtherPhones  []borrower.Phone
	HouseholdID  domain.ID
	RegionCode   borrower.RegionCode
	Address      borrower.Address
	Organisation borrower.Organisation // zero for a person
	Payout       *NewAccount           // the account loans are paid to; may come later
	Consents     []NewConsent
}

// NewAccount is a bank account as an officer captures it. VerifiedHow says that the officer made sure of it now.
type NewAccount struct {
	Number      borrower.BankAccount
	AccountName borrower.Name
	BankName    string
	BankCode    string
	VerifiedHow borrower.AccountVerification // "" or borrower.AccountSeen
}

// NewConsent is a consent as an officer records it.
type NewConsent struct {
	Kind        borrower.ConsentKind
	TextVersion string
	GivenHow    borrower.ConsentMeans
	GivenAt     time.Time // not in the future
	Until       domain.Date
}

// borrowerPointers are where the parts of a new borrower stand in the request.
var borrowerPointers = []pointerMove{{"/accounts/0", "/payout_account"}, {"/payout_account_id", "/payout_account/account_name"}}

// CheckBorrower names all that is wrong with a borrower as it would be created now, and stores nothing.
func (s *Borrowers) CheckBorrower(by domain.Actor, cmd CreateBorrower) error {
	if err := by.Require(domain.RoleLoanOfficer); err != nil {
		return err
	}
	now := s.now()
	b := s.newBorrower(by, cmd, now)
	if b.Name.IsZero() {
		b.PayoutAccountID = "" // whose account it should be is not known yet
	}
	return checkNewBorrower(b, now)
}

func (s *Borrowers) newBorrower(by domain.Actor, cmd CreateBorrower, now time.Time) borrower.Borrower {
	if cmd.ID.IsZero() {
		cmd.ID = s.newID()
	}
	b := borrower.Borrower{
		ID: cmd.ID, Kind: cmd.Kind, Name: cmd.Name, IDNumber: cmd.IDNumber, CreditCode: cmd.CreditCode, BusinessName: cmd.BusinessName,
		Phone: cmd.Phone, OtherPhones: cmd.OtherPhones, HouseholdID: cmd.HouseholdID, RegionCode: cmd.RegionCode, Address: cmd.Address,
		Organisation: cmd.Organisation, BranchID: by.BranchID, OfficerID: by.ID, Version: 1, CreatedAt: now,
	}
	if cmd.Payout != nil {
		account := s.newAccount(by, *cmd.Payout, now)
		b.Accounts, b.PayoutAccountID = []borrower.Account{account}, account.ID
	}
	for _, c := range cmd.Consents { // the edge bounds the list
		b.Consents = append(b.Consents, s.newConsent(c))
	}
	return b
}

func (s *Borrowers) newAccount(by domain.Actor, a NewAccount, now time.Time) borrower.Account {
	account := borrower.Account{ID: s.newID(), Number: a.Number, AccountName: a.AccountName, BankName: a.BankName, BankCode: a.BankCode}
	if a.VerifiedHow != "" {
		account.VerifiedHow, account.VerifiedBy, account.VerifiedAt = a.VerifiedHow, by.ID, now
	}
	return account
}

func (s *Borrowers) newConsent(c NewConsent) borrower.Consent {
	return borrower.Consent{
		ID: s.newID(), Kind: c.Kind, TextVersion: c.TextVersion, GivenHow: c.GivenHow, GivenAt: c.GivenAt, Until: c.Until,
	}
}

// checkNewBorrower is Validate, and what only holds of a record that is made now.
func checkNewBorrower(b borrower.Borrower, now time.Time) error {
	var p domain.Problems
	if err := b.Validate(); err != nil {
		p.Check("", movePointers(err, borrowerPointers))
	}
	for _, a := range b.Accounts {
		p.Check("/payout_account/verified_how", checkSeen(a.VerifiedHow))
	}
	for i, c := range b.Consents {
		p.Check("/consents/"+strconv.Itoa(i)+"/given_at", checkPast(c.GivenAt, now))
	}
	return p.Err()
}

// checkSeen lets an officer vouch for what can be seen at the desk; a small transfer or an enquiry takes its own time.
func checkSeen(how borrower.AccountVerification) error {
	if how == borrower.AccountTransfer || how == borrower.AccountEnquiry {
		return domain.BadValue("verification-later", "建档时只能登记“核对原件”，小额打款和账户要素核验请在建档后办理")
	}
	return nil
}

// clockSkewMax is how far a tablet's clock may be ahead of ours.
const clockSkewMax = 5 * time.Minute

func checkPast(t, now time.Time) error {
	if t.After(now.Add(clockSkewMax)) {
		return domain.BadValue("in-the-future", "时间晚于现在，请检查设备时钟")
	}
	return nil
}

// CreateBorrower puts a borrower on file at the officer's branch (借款人建档). One number is one borrower in the whole
// lender: a known one is refused with "borrower-exists", whose detail names it, or, when the caller may not see it, with
// "borrower-known-elsewhere", whose detail names the branch to ask.
func (s *Borrowers) CreateBorrower(ctx context.Context, by domain.Actor, key Idempotency, cmd CreateBorrower) (created borrower.Borrower, replayed bool, err error) {
	if err := by.Require(domain.RoleLoanOfficer); err != nil {
		return borrower.Borrower{}, false, err
	}
	now := s.now()
	person := s.newBorrower(by, cmd, now)
	if err := checkNewBorrower(person, now); err != nil {
		return borrower.Borrower{}, false, err
	}
	event := s.borrowerEvent(by, now, person, BorrowerCreated)

	err = s.store.Update(ctx, func(tx Tx) error {
		prior, err := tx.ClaimIdempotencyKey(ctx, by.ID, key, person.ID, now)
		if err != nil {
			return err
		}
		if !prior.IsZero() {
			created, err = tx.Borrower(ctx, by.Scope(), prior)
			replayed = true
			return err
		}
		if err := refuseKnownBorrower(ctx, tx, by, person); err != nil {
			return err
		}
		if err := requireMembership(ctx, tx, by, person, domain.DateOf(now)); err != nil {
			return err
		}
		err = tx.InsertBorrower(ctx, person, event)
		if domain.CodeOf(err) == "borrower-exists" { // another was faster, and has committed
			return either(refuseKnownBorrower(ctx, tx, by, person), err)
		}
		if err != nil {
			return err
		}
		created, replayed = person, false
		return nil
	})
	return created, replayed, err
}

// refuseKnownBorrower says where a number is on file, if it is, as far as the caller may know.
func refuseKnownBorrower(ctx context.Context, r Reader, by domain.Actor, b borrower.Borrower) error {
	known, err := r.KnownBorrower(ctx, by.Scope(), b)
	switch {
	case err != nil:
		return err
	case known == nil:
		return nil
	case known.Visible:
		return domain.Errorf(domain.KindConflict, "borrower-exists", "该证件号码已建档，请直接使用已有借款人（编号 %s）", known.ID)
	}
	return domain.Errorf(domain.KindConflict, "borrower-known-elsewhere", "该证件号码已在其他机构建档，请联系%s办理", known.BranchName)
}

// requireMembership locks the household and refuses a person who is not in it: the household is the unit of exposure, so a
// loan must count where the person lives.
func requireMembership(ctx context.Context, tx Tx, by domain.Actor, b borrower.Borrower, today domain.Date) error {
	if b.HouseholdID.IsZero() {
		return nil
	}
	household, err := tx.LockHousehold(ctx, by.Scope(), b.HouseholdID)
	if err != nil {
		return notFoundAt("/household_id", err)
	}
	number := b.IDNumber
	if b.Kind.IsOrganisation() { // a family farm: whose it is lives in the household
		number = b.Organisation.Representative.IDNumber
	}
	var p domain.Problems
	if _, found := household.MemberOn(number, today); !found {
		p.Add("/household_id", "not-in-household", "借款人（家庭农场为其负责人）不在该户的成员中，请先登记为该户成员，或改选所在的户")
	}
	return p.Err()
}

// Borrower returns one borrower in the actor's scope.
func (s *Borrowers) Borrower(ctx context.Context, by domain.Actor, id domain.ID) (borrower.Borrower, error) {
	return s.store.Borrower(ctx, by.Scope(), id)
}

// Borrowers lists borrowers in the actor's scope, newest first.
func (s *Borrowers) Borrowers(ctx context.Context, by domain.Actor, filter BorrowerFilter, page domain.Page) ([]borrower.Borrower, error) {
	return s.store.Borrowers(ctx, by.Scope(), filter, page)
}

func (s *Borrowers) householdEvent(by domain.Actor, at time.Time, h borrower.Household, action BorrowerAction, notes ...BorrowerNote) BorrowerEvent {
	return BorrowerEvent{
		ID: s.newID(), Subject: SubjectHousehold, SubjectID: h.ID, Version: h.Version, BranchID: h.BranchID,
		Action: action, ActorID: by.ID, ActorName: by.Name, ActorRole: by.Role, At: at, Detail: notes,
	}
}

func (s *Borrowers) borrowerEvent(by domain.Actor, at time.Time, b borrower.Borrower, action BorrowerAction, notes ...BorrowerNote) BorrowerEvent {
	return BorrowerEvent{
		ID: s.newID(), Subject: SubjectBorrower, SubjectID: b.ID, Version: b.Version, BranchID: b.BranchID,
		Action: action, ActorID: by.ID, ActorName: by.Name, ActorRole: by.Role, At: at, Detail: notes,
	}
}

// pointerMove says that what the record calls from stands at to in the request.
type pointerMove struct{ from, to string }

// movePointers rewrites the pointers of an error about a record to where the client wrote the values.
func movePointers(err error, moves []pointerMove) error {
	e, ok := errors.AsType[*domain.Error](err)
	if !ok {
		return err
	}
	moved := *e
	moved.Fields = make([]domain.Field, len(e.Fields))
	for i, f := range e.Fields {
		for _, m := range moves {
			if rest, found := strings.CutPrefix(f.Pointer, m.from); found && (rest == "" || rest[0] == '/') {
				f.Pointer = m.to + rest
				break
			}
		}
		moved.Fields[i] = f
	}
	return &moved
}
