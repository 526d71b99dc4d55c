// Package borrower owns who borrows (借款人): people and organisations, the households they live in, and the personal
// values they are known by, which mask themselves.
//
// It owns the meaning of these values, what makes a record of one complete, what may happen to a household, and what
// looks like a duplicate. It does not own storage, uniqueness across borrowers (origination asks the database under a
// lock), applications or limits. All functions are pure: no clock, no ids, no I/O.
//
// Field names in problems are the JSON names, which are the Go names in snake_case.
package borrower

import (
	"strings"
	"time"

	"fumin/domain"
)

// Kind is what a borrower is (借款人类型).
type Kind string

// The kinds.
const (
	KindFarmer          Kind = "farmer"           // 农户
	KindSoleProprietor  Kind = "sole_proprietor"  // 个体工商户
	KindSmallEnterprise Kind = "small_enterprise" // 小微企业
	KindCooperative     Kind = "cooperative"      // 农民专业合作社
	KindFamilyFarm      Kind = "family_farm"      // 家庭农场
)

// Kinds lists every kind, in the order in which documents name them.
func Kinds() []Kind {
	return []Kind{KindFarmer, KindSoleProprietor, KindSmallEnterprise, KindCooperative, KindFamilyFarm}
}

// Valid reports whether k is one of Kinds.
func (k Kind) Valid() bool {
	switch k {
	case KindFarmer, KindSoleProprietor, KindSmallEnterprise, KindCooperative, KindFamilyFarm:
		return true
	}
	return false
}

// IsOrganisation reports whether the borrower is an organisation, known by its credit code, and not a person, known by
// an identity number. A sole proprietor is a person: the operator owes with all he or she has (民法典第五十六条).
func (k Kind) IsOrganisation() bool {
	switch k {
	case KindSmallEnterprise, KindCooperative, KindFamilyFarm:
		return true
	case KindFarmer, KindSoleProprietor:
		return false
	}
	return false
}

// registers are the first two characters that a kind's credit code may begin with (GB 32100-2015, table 1). A family farm
// registers as a sole proprietor or as an enterprise, as it likes.
func (k Kind) registers() []string {
	switch k {
	case KindSoleProprietor:
		return []string{"92"}
	case KindSmallEnterprise:
		return []string{"91"}
	case KindCooperative:
		return []string{"93"}
	case KindFamilyFarm:
		return []string{"91", "92"}
	case KindFarmer:
		return nil
	}
	return nil
}

// Borrower is a person or an organisation that borrows or may borrow. The same identity number, or credit code of an
// organisation, is one borrower for the whole lender; storage holds that.
type Borrower struct {
	ID           domain.ID
	Kind         Kind
	Name         Name       // a person's as on the identity card, an organisation's as on the licence
	IDNumber     IDNumber   // people only, and required of them
	CreditCode   CreditCode // organisations and sole proprietors, and required of them
	BusinessName Name       // 字号名称 of a sole proprietor, as on the licence; optional
	Phone        Phone      // the first to call
	OtherPhones  []Phone
	HouseholdID  domain.ID  // required of a farmer and a family farm; never of the other organisations
	RegionCode   RegionCode // where an organisation or a sole proprietor works; a farmer's follows from the household
	Address      Address    // likewise
	BranchID     domain.ID  // the branch that keeps the file
	OfficerID    domain.ID  // the loan officer in charge (管户客户经理)

	Accounts        []Account
	PayoutAccountID domain.ID // the account of Accounts that loans are paid to; zero until chosen
	Consents        []Consent
	Licences        []Licence
	Organisation    Organisation // zero for a person

	Version      int
	CreatedAt    time.Time
	AnonymisedAt time.Time // when personal values were erased (see Anonymise); zero while they are there
}

// PayoutAccount returns the account that loans are paid to. It is false until one is chosen *and* verified: money must
// not leave before both.
func (b Borrower) PayoutAccount() (Account, bool) {
	account, found := b.account(b.PayoutAccountID)
	return account, found && account.Verified()
}

func (b Borrower) account(id domain.ID) (Account, bool) {
	for _, account := range b.Accounts {
		if account.ID == id && !id.IsZero() {
			return account, true
		}
	}
	return Account{}, false
}

// ConsentOn returns the consent of the kind that counts on the day, the latest where there are several.
func (b Borrower) ConsentOn(kind ConsentKind, day domain.Date) (Consent, bool) {
	var latest Consent
	for _, consent := range b.Consents {
		if consent.Kind == kind && consent.LiveOn(day) && !consent.GivenAt.Before(latest.GivenAt) {
			latest = consent
		}
	}
	return latest, !latest.GivenAt.IsZero()
}

// Validate names all that is wrong with the record, whichever way it was made: what is missing for its kind, what
// contradicts, and what is wrong with each account and consent. Days are compared with that of CreatedAt, so it needs no
// clock.
func (b Borrower) Validate() error {
	var p domain.Problems
	requireID(&p, "/id", b.ID)
	requireID(&p, "/branch_id", b.BranchID)
	requireID(&p, "/officer_id", b.OfficerID)
	requireValid(&p, "/kind", string(b.Kind), b.Kind.Valid())
	if b.CreatedAt.IsZero() {
		p.Check("/created_at", errRequired)
	}
	if !b.AnonymisedAt.IsZero() {
		return p.Err() // what was erased cannot be required
	}
	if b.Kind.Valid() {
		b.checkIdentity(&p)
		b.checkPlace(&p)
		b.Organisation.check(&p, "/organisation", b.Kind, b.createdOn())
	}
	b.checkPhones(&p)
	b.checkAccounts(&p)
	checkList(&p, "/consents", b.Consents)
	checkUnique(&p, "/consents", "/id", b.Consents, func(c Consent) (domain.ID, bool) { return c.ID, !c.ID.IsZero() })
	checkList(&p, "/licences", b.Licences)
	checkUnique(&p, "/licences", "/id", b.Licences, func(l Licence) (domain.ID, bool) { return l.ID, !l.ID.IsZero() })
	return p.Err()
}

// createdOn is the business day of the record, zero where CreatedAt is missing.
func (b Borrower) createdOn() domain.Date {
	if b.CreatedAt.IsZero() {
		return domain.Date{}
	}
	return domain.DateOf(b.CreatedAt)
}

// LicenceOn returns the licence of the kind that counts on the day; the one with the latest end where there are several.
func (b Borrower) LicenceOn(kind LicenceKind, day domain.Date) (Licence, bool) {
	var best Licence
	found := false
	for _, licence := range b.Licences {
		if licence.Kind != kind || !licence.InForceOn(day) {
			continue
		}
		if !found || licence.ExpiresOn.IsZero() || (!best.ExpiresOn.IsZero() && licence.ExpiresOn.After(best.ExpiresOn)) {
			best, found = licence, true
		}
	}
	return best, found
}

// checkIdentity holds name and numbers against the kind.
func (b Borrower) checkIdentity(p *domain.Problems) {
	person := !b.Kind.IsOrganisation()
	switch {
	case b.Name.IsZero():
		p.Check("/name", errRequired)
	case person:
		p.Check("/name", b.Name.checkPerson())
	}
	switch {
	case person && b.IDNumber.IsZero():
		p.Check("/id_number", errRequired)
	case person && !b.CreatedAt.IsZero():
		p.Check("/id_number", b.IDNumber.CheckBornBy(b.createdOn()))
	case !person && !b.IDNumber.IsZero():
		p.Add("/id_number", "not-for-this-kind", "单位没有身份证号码，请填写统一社会信用代码；法定代表人的号码填在法定代表人处")
	}
	registers := b.Kind.registers()
	switch {
	case len(registers) == 0 && !b.CreditCode.IsZero():
		p.Add("/credit_code", "not-for-this-kind", "农户没有统一社会信用代码；已办营业执照的请选“个体工商户”或“家庭农场”")
	case len(registers) == 0:
	case b.CreditCode.IsZero():
		p.Check("/credit_code", errRequired)
	case !strings.Contains(strings.Join(registers, " "), b.CreditCode.register()):
		p.Add("/credit_code", "credit-code-kind", "该类借款人的统一社会信用代码应以 %s 开头，请核对借款人类型与营业执照", strings.Join(registers, " 或 "))
	}
	if b.Kind != KindSoleProprietor && !b.BusinessName.IsZero() {
		p.Add("/business_name", "not-for-this-kind", "只有个体工商户填写字号名称")
	}
}

// checkPlace holds household, region and address against the kind.
func (b Borrower) checkPlace(p *domain.Problems) {
	optionalID(p, "/household_id", b.HouseholdID)
	switch b.Kind {
	case KindFarmer, KindFamilyFarm:
		if b.HouseholdID.IsZero() {
			p.Check("/household_id", errRequired)
		}
	case KindSmallEnterprise, KindCooperative:
		if !b.HouseholdID.IsZero() {
			p.Add("/household_id", "not-for-this-kind", "企业和合作社不属于某一户；负责人的户请记在其个人名下")
		}
	case KindSoleProprietor: // a villager has a household on file, a townsman need not
	}
	if b.RegionCode != "" {
		_, err := ParseRegionCode(b.RegionCode.String())
		p.Check("/region_code", err)
	}
	if b.HouseholdID.IsZero() && b.Kind != KindFarmer && b.Kind != KindFamilyFarm {
		if b.RegionCode == "" {
			p.Check("/region_code", errRequired)
		}
		if b.Address.IsZero() {
			p.Check("/address", errRequired)
		}
	}
}

func (b Borrower) checkPhones(p *domain.Problems) {
	if b.Phone.IsZero() {
		p.Check("/phone", errRequired)
	}
	if len(b.OtherPhones) > ListMax {
		p.Add("/other_phones", "list-too-long", "最多 %d 项", ListMax)
		return
	}
	seen := map[Phone]bool{b.Phone: true}
	for i, phone := range b.OtherPhones {
		switch {
		case phone.IsZero():
			p.Check(at("/other_phones", i), errRequired)
		case seen[phone]:
			p.Add(at("/other_phones", i), "duplicate", "与前面的电话重复")
		}
		seen[phone] = true
	}
}

// checkAccounts checks each account, and that the one chosen for payout is there and the borrower's own: a loan paid to
// another's account is the first thing a fraud asks for. (Entrusted payment to a seller goes its own way.)
func (b Borrower) checkAccounts(p *domain.Problems) {
	checkList(p, "/accounts", b.Accounts)
	checkUnique(p, "/accounts", "/id", b.Accounts, func(a Account) (domain.ID, bool) { return a.ID, !a.ID.IsZero() })
	checkUnique(p, "/accounts", "/number", b.Accounts, func(a Account) (BankAccount, bool) { return a.Number, !a.Number.IsZero() })
	if b.PayoutAccountID.IsZero() {
		return
	}
	payout, found := b.account(b.PayoutAccountID)
	switch {
	case !found:
		p.Add("/payout_account_id", "payout-account-unknown", "收款账户不在该借款人的账户列表中")
	case !payout.AccountName.Equal(b.Name) && (b.BusinessName.IsZero() || !payout.AccountName.Equal(b.BusinessName)):
		p.Add("/payout_account_id", "payout-account-name", "收款账户的户名与借款人名称不一致，贷款只能付到借款人本人账户")
	}
}
