package borrower

import (
	"slices"
	"testing"

	"fumin/domain"
)

func TestWhatLooksLikeADuplicateIsSaid(t *testing.T) {
	t.Parallel()
	address := MustParseAddress("冯官屯镇刘马村3-2号")
	phone, account := MustParsePhone("13900000001"), MustParseBankAccount("6228480000000000018")
	subject := Candidate{
		BorrowerID: testID(1), HouseholdID: testID(11), Kind: KindFarmer, Name: MustParseName("王吉华"),
		Phones: []Phone{{}, phone}, Accounts: []BankAccount{account}, Address: address,
		Splits: []Change{
			{Kind: ChangeSplitFrom, On: sampleDay.AddMonths(-12), HouseholdID: testID(12)},
			{Kind: ChangeSplitOff, On: sampleDay.AddMonths(-12).AddDays(-1), HouseholdID: testID(13)},
			{Kind: ChangeSplitOff, On: sampleDay.AddDays(1), HouseholdID: testID(14)},
		},
	}
	base := Candidate{BorrowerID: testID(2), HouseholdID: testID(12), Kind: KindFarmer, Name: MustParseName("王二"), Phones: []Phone{{}}, Accounts: []BankAccount{{}}}
	other := func(change func(*Candidate)) Candidate {
		c := base
		change(&c)
		return c
	}
	split := "recent_split"
	for _, c := range []struct {
		name  string
		other Candidate
		want  []string
	}{
		{"nothing alike", base, []string{split}},
		{"itself", subject, []string{split}},
		{"the same phone", other(func(c *Candidate) { c.Phones = append(c.Phones, phone) }), []string{split, "same_phone"}},
		{"the same account", other(func(c *Candidate) { c.Accounts = append(c.Accounts, account) }), []string{split, "same_account"}},
		{"the same address written otherwise, and surname", other(func(c *Candidate) { c.Address = MustParseAddress("冯官屯镇，刘马村 ３－２号") }), []string{split, "same_address_surname"}},
		{"the same address in the same household", other(func(c *Candidate) { c.Address = address; c.HouseholdID = testID(11) }), []string{split}},
		{"the same address, another surname", other(func(c *Candidate) { c.Address = address; c.Name = MustParseName("李二") }), []string{split}},
		{"the same address, a company whose name begins alike", other(func(c *Candidate) {
			c.Address = address
			c.Kind = KindSmallEnterprise
			c.Name = MustParseName("王家农机有限公司")
		}), []string{split}},
		{"another address", other(func(c *Candidate) { c.Address = MustParseAddress("冯官屯镇刘马村4号") }), []string{split}},
		{"everything", other(func(c *Candidate) { c.Phones, c.Accounts, c.Address = subject.Phones, subject.Accounts, address }), []string{split, "same_phone", "same_account", "same_address_surname"}},
	} {
		var got []string
		for _, s := range Suspicions(subject, []Candidate{c.other}, sampleDay, 12) {
			got = append(got, string(s.Kind))
			if s.BorrowerID != testID(1) || (s.Kind == SuspicionRecentSplit) != (s.OtherHouseholdID == testID(12)) {
				t.Errorf("%s: suspicion %+v, want it about borrower 1, and a split about household 12", c.name, s)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: suspicions = %q, want %q", c.name, got, c.want)
		}
	}
}

func TestACommonNumberDoesNotRaiseEndlessSuspicions(t *testing.T) {
	t.Parallel()
	phone := MustParsePhone("0635-8412345")
	others := make([]Candidate, 3*SuspicionsMax)
	for i := range others {
		others[i] = Candidate{BorrowerID: domain.ID(testID(2).String() + string(rune('a'+i%26))), Phones: []Phone{phone}}
	}
	got := Suspicions(Candidate{BorrowerID: testID(1), Phones: []Phone{phone}}, others, sampleDay, 12)
	if len(got) != SuspicionsMax {
		t.Errorf("%d suspicions, want %d", len(got), SuspicionsMax)
	}
}

func TestACandidateIsTakenFromTheRecords(t *testing.T) {
	t.Parallel()
	b, h := sampleFarmer(), sampleFamily()
	b.OtherPhones = []Phone{MustParsePhone("0635-8412345")}
	_, made, err := h.Split(sampleSplit())
	if err != nil {
		t.Fatalf("Split = %v, want nil", err)
	}
	c := CandidateOf(b, made)
	if len(c.Phones) != 2 || len(c.Accounts) != 1 || c.Address != h.Address || len(c.Splits) != 1 || c.HouseholdID != made.ID {
		t.Errorf("CandidateOf = %+v, want two phones, one account, the household's address and its split", c)
	}
}

func TestSurnamesOfTwoCharactersAreKnown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		kind Kind
		want string
	}{
		{"王吉华", KindFarmer, "王"},
		{"欧阳修", KindFarmer, "欧阳"},
		{"欧阳", KindFarmer, "欧"},
		{"𠮷野", KindFarmer, "𠮷"},
		{"买买提·艾山", KindFarmer, ""},
		{"John Smith", KindFarmer, ""},
		{"王家农机", KindSmallEnterprise, ""},
	} {
		if got := surnameOf(Candidate{Kind: c.kind, Name: MustParseName(c.name)}); got != c.want {
			t.Errorf("surname of %s = %q, want %q", c.name, got, c.want)
		}
	}
}
