package borrower

import (
	"strings"
	"unicode/utf8"

	"fumin/domain"
)

// SuspicionKind is why two borrowers may be one, or one exposure (疑似重复的原因).
type SuspicionKind string

// The kinds of suspicion.
const (
	SuspicionSamePhone   SuspicionKind = "same_phone"           // 电话相同
	SuspicionSameAccount SuspicionKind = "same_account"         // 银行账号相同
	SuspicionSameAddress SuspicionKind = "same_address_surname" // 地址相同且同姓
	SuspicionRecentSplit SuspicionKind = "recent_split"         // 近期分户
)

// Suspicion is something for a person to look at. Nothing is decided by it.
type Suspicion struct {
	Kind             SuspicionKind
	BorrowerID       domain.ID
	OtherBorrowerID  domain.ID   // zero for a recent split
	OtherHouseholdID domain.ID   // of a recent split: the household on the other side
	SplitOn          domain.Date // of a recent split
}

// Candidate is what of a borrower can look like another's.
type Candidate struct {
	BorrowerID  domain.ID
	HouseholdID domain.ID
	Kind        Kind
	Name        Name
	Phones      []Phone
	Accounts    []BankAccount
	Address     Address
	Splits      []Change // of the household
}

// CandidateOf takes a candidate from the records. The household is the zero value where there is none.
func CandidateOf(b Borrower, h Household) Candidate {
	c := Candidate{
		BorrowerID: b.ID, HouseholdID: h.ID, Kind: b.Kind, Name: b.Name, Address: b.Address,
		Phones: append([]Phone{b.Phone}, b.OtherPhones...), Splits: h.SplitsSince(domain.Date{}),
	}
	if c.Address.IsZero() {
		c.Address = h.Address
	}
	for _, account := range b.Accounts {
		c.Accounts = append(c.Accounts, account.Number)
	}
	return c
}

// SuspicionsMax bounds how many suspicions one look raises: more than that is a common number (a village office's
// telephone), and nobody would read them.
const SuspicionsMax = 200

// Suspicions compares a borrower with others on a day and says what a person should look at: the same phone, the same
// account, the same address and surname in different households, and a household that was split within the last
// splitMonths months. The others are those that storage finds by phone, account and village; the borrower itself among
// them is passed over. The result is in the order of others, at most SuspicionsMax.
func Suspicions(subject Candidate, others []Candidate, day domain.Date, splitMonths int) []Suspicion {
	var found []Suspicion
	since := day.AddMonths(-splitMonths)
	for _, split := range subject.Splits {
		if !split.On.Before(since) && !split.On.After(day) {
			found = append(found, Suspicion{
				Kind: SuspicionRecentSplit, BorrowerID: subject.BorrowerID, OtherHouseholdID: split.HouseholdID, SplitOn: split.On,
			})
		}
	}
	for _, other := range others {
		if other.BorrowerID == subject.BorrowerID {
			continue
		}
		for _, kind := range likeness(subject, other) {
			found = append(found, Suspicion{Kind: kind, BorrowerID: subject.BorrowerID, OtherBorrowerID: other.BorrowerID})
		}
		if len(found) >= SuspicionsMax {
			return found[:SuspicionsMax]
		}
	}
	return found
}

// likeness says in what two candidates are alike.
func likeness(a, b Candidate) []SuspicionKind {
	var kinds []SuspicionKind
	if shareOne(a.Phones, b.Phones) {
		kinds = append(kinds, SuspicionSamePhone)
	}
	if shareOne(a.Accounts, b.Accounts) {
		kinds = append(kinds, SuspicionSameAccount)
	}
	sameHousehold := !a.HouseholdID.IsZero() && a.HouseholdID == b.HouseholdID
	surname := surnameOf(a)
	if !sameHousehold && surname != "" && surname == surnameOf(b) && a.Address.SamePlace(b.Address) {
		kinds = append(kinds, SuspicionSameAddress)
	}
	return kinds
}

// shareOne reports whether two lists have a value in common that is not absent.
func shareOne[T interface {
	comparable
	IsZero() bool
}](a, b []T,
) bool {
	for _, x := range a {
		for _, y := range b {
			if x == y && !x.IsZero() {
				return true
			}
		}
	}
	return false
}

// compoundSurnames are the surnames of two characters that are in use (复姓).
const compoundSurnames = "欧阳 司马 上官 诸葛 夏侯 皇甫 尉迟 公孙 慕容 令狐 宇文 长孙 司徒 司空 东方 独孤 南宫 端木 轩辕 西门 " +
	"呼延 百里 东郭 澹台 濮阳 单于 申屠 太史 仲孙 钟离 闻人 万俟 赫连 淳于 公羊 拓跋 左丘 谷梁 司寇 巫马 漆雕 乐正 段干 第五"

// surnameOf returns a person's surname: the first character, or two where they are a compound surname and more follows.
// Organisations have none, nor have names with a middle dot or in Latin letters, whose order says nothing sure.
func surnameOf(c Candidate) string {
	text := c.Name.Reveal()
	first, size := utf8.DecodeRuneInString(text)
	if c.Kind.IsOrganisation() || !isHan(first) || strings.Contains(text, "·") {
		return ""
	}
	runes := []rune(text)
	if len(runes) > 2 {
		for compound := range strings.FieldsSeq(compoundSurnames) {
			if string(runes[:2]) == compound {
				return compound
			}
		}
	}
	return text[:size]
}
