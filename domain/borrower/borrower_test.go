package borrower

import (
	"slices"
	"strings"
	"testing"

	"fumin/domain"
	"fumin/domain/money"
)

func sampleCooperative() Borrower {
	name := MustParseName("高唐县一诺苗木种植专业合作社")
	return Borrower{
		ID: testID(30), Kind: KindCooperative, Name: name, CreditCode: MustParseCreditCode("93371599MA0000003E"),
		Phone: MustParsePhone("0635-8412345"), RegionCode: "371526901201", Address: MustParseAddress("高唐县清平镇刘庄村苗木基地"),
		BranchID: sampleBranch, OfficerID: sampleUser,
		Accounts:        []Account{{ID: testID(31), Number: MustParseBankAccount("15600101040012345"), AccountName: name, BankName: "高唐农商银行清平支行"}},
		PayoutAccountID: testID(31),
		Organisation: Organisation{
			RegisteredOn:   domain.MustParseDate("2012-05-08"),
			Representative: Representative{Name: MustParseName("刘明勇"), IDNumber: MustParseIDNumber("371599197001020018"), Role: RoleChair},
			Shareholders: []Shareholder{
				{Name: MustParseName("刘明勇"), IDNumber: MustParseIDNumber("371599197001020018"), SharePct: money.MustParseRate("60")},
				{Name: MustParseName("聊城苗木有限公司"), CreditCode: MustParseCreditCode("91371599MA0000001E"), SharePct: money.MustParseRate("40")},
			},
			Lands: []Land{{ID: testID(32), Kind: LandLeased, AreaMu: MustParseArea("4800"), ContractUntil: domain.MustParseDate("2040-12-31")}},
		},
		CreatedAt: sampleAt,
	}
}

func sampleSoleProprietor() Borrower {
	b := sampleFarmer()
	b.Kind, b.CreditCode, b.HouseholdID = KindSoleProprietor, MustParseCreditCode("92371599MA0000002E"), ""
	b.BusinessName, b.RegionCode, b.Address = MustParseName("莘县王吉华百货店"), "371522", MustParseAddress("莘县振兴街120号")
	return b
}

func TestEveryKindHasACompleteRecord(t *testing.T) {
	t.Parallel()
	enterprise := sampleCooperative()
	enterprise.Kind, enterprise.CreditCode = KindSmallEnterprise, MustParseCreditCode("91371599MA0000001E")
	enterprise.Organisation.Representative.Role = RoleLegalRepresentative
	farm := sampleCooperative()
	farm.Kind, farm.CreditCode, farm.HouseholdID = KindFamilyFarm, MustParseCreditCode("92371599MA0000002E"), testID(20)
	farm.Organisation.Representative.Role = RoleOperator
	records := map[Kind]Borrower{
		KindFarmer: sampleFarmer(), KindSoleProprietor: sampleSoleProprietor(), KindCooperative: sampleCooperative(),
		KindSmallEnterprise: enterprise, KindFamilyFarm: farm,
	}
	for _, kind := range Kinds() {
		if err := records[kind].Validate(); err != nil || !kind.Valid() {
			t.Errorf("%s: Validate = %q, valid %v, want no problem", kind, pointersOf(t, err), kind.Valid())
		}
	}
	if Kind("individual").Valid() || Kind("").Valid() {
		t.Errorf("Valid of an unknown kind = true, want false")
	}
}

func TestARecordNamesWhatContradicts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		base   func() Borrower
		change func(*Borrower)
		want   []string
	}{
		{"an unknown kind", sampleFarmer, func(b *Borrower) { b.Kind = "person" }, []string{"/kind unknown-value"}},
		{"an id that is no id", sampleFarmer, func(b *Borrower) { b.OfficerID = "7" }, []string{"/officer_id invalid-id"}},
		{"a farmer with a credit code", sampleFarmer, func(b *Borrower) { b.CreditCode = MustParseCreditCode("92371599MA0000002E") }, []string{"/credit_code not-for-this-kind"}},
		{"a farmer with a shop's name", sampleFarmer, func(b *Borrower) { b.BusinessName = MustParseName("百货店") }, []string{"/business_name not-for-this-kind"}},
		{"a farmer with a brackets in the name", sampleFarmer, func(b *Borrower) { b.Name = MustParseName("王（吉华）"); b.PayoutAccountID = "" }, []string{"/name name-characters"}},
		{"a farmer of tomorrow", sampleFarmer, func(b *Borrower) { b.CreatedAt = sampleAt.AddDate(-60, 0, 0) }, []string{"/id_number id-number-born-later"}},
		{"a farmer with a chair", sampleFarmer, func(b *Borrower) { b.Organisation = sampleCooperative().Organisation }, []string{"/organisation not-for-this-kind"}},
		{"a sole proprietor without a licence's code", sampleSoleProprietor, func(b *Borrower) { b.CreditCode = CreditCode{} }, []string{"/credit_code required"}},
		{"a sole proprietor without a place", sampleSoleProprietor, func(b *Borrower) { b.RegionCode = ""; b.Address = Address{} }, []string{"/region_code required", "/address required"}},
		{"a co-operative with an identity number", sampleCooperative, func(b *Borrower) { b.IDNumber = MustParseIDNumber("371599197001020018") }, []string{"/id_number not-for-this-kind"}},
		{"a co-operative with an enterprise's code", sampleCooperative, func(b *Borrower) { b.CreditCode = MustParseCreditCode("91371599MA0000001E") }, []string{"/credit_code credit-code-kind"}},
		{"a co-operative in a household", sampleCooperative, func(b *Borrower) { b.HouseholdID = testID(20) }, []string{"/household_id not-for-this-kind"}},
		{"a co-operative without a representative", sampleCooperative, func(b *Borrower) { b.Organisation.Representative = Representative{} }, []string{
			"/organisation/representative/name required", "/organisation/representative/id_number required", "/organisation/representative/role required",
		}},
		{"a co-operative with a legal representative", sampleCooperative, func(b *Borrower) { b.Organisation.Representative.Role = RoleLegalRepresentative }, []string{"/organisation/representative/role role-of-kind"}},
		{"a co-operative that is founded later", sampleCooperative, func(b *Borrower) { b.Organisation.RegisteredOn = sampleDay.AddDays(1) }, []string{"/organisation/registered_on date-order"}},
		{"shares over the whole", sampleCooperative, func(b *Borrower) { b.Organisation.Shareholders[0].SharePct = money.MustParseRate("60.01") }, []string{"/organisation/shareholders shares-over-whole"}},
		{"a share of nothing", sampleCooperative, func(b *Borrower) { b.Organisation.Shareholders[1].SharePct = money.Rate{} }, []string{"/organisation/shareholders/1/share_pct out-of-range"}},
		{"a shareholder without a number", sampleCooperative, func(b *Borrower) { b.Organisation.Shareholders[1].CreditCode = CreditCode{} }, []string{"/organisation/shareholders/1/id_number one-number"}},
		{"a shareholder twice", sampleCooperative, func(b *Borrower) {
			b.Organisation.Shareholders[1] = b.Organisation.Shareholders[0]
			b.Organisation.Shareholders[1].SharePct = money.MustParseRate("1")
		}, []string{"/organisation/shareholders/1/id_number duplicate"}},
		{"leased land without an end", sampleCooperative, func(b *Borrower) { b.Organisation.Lands[0].ContractUntil = domain.Date{} }, []string{"/organisation/lands/0/contract_until required"}},
		{"the same phone twice", sampleFarmer, func(b *Borrower) { b.OtherPhones = []Phone{b.Phone, {}} }, []string{"/other_phones/0 duplicate", "/other_phones/1 required"}},
		{"too many phones", sampleFarmer, func(b *Borrower) { b.OtherPhones = make([]Phone, ListMax+1) }, []string{"/other_phones list-too-long"}},
		{"too many consents", sampleFarmer, func(b *Borrower) { b.Consents = make([]Consent, ListMax+1) }, []string{"/consents list-too-long"}},
		{"an account twice", sampleFarmer, func(b *Borrower) { b.Accounts = append(b.Accounts, b.Accounts[0]) }, []string{"/accounts/1/id duplicate", "/accounts/1/number duplicate"}},
		{"payout to an account that is not there", sampleFarmer, func(b *Borrower) { b.PayoutAccountID = testID(99) }, []string{"/payout_account_id payout-account-unknown"}},
		{"payout to somebody else", sampleFarmer, func(b *Borrower) { b.Accounts[0].AccountName = MustParseName("李四") }, []string{"/payout_account_id payout-account-name"}},
		{"payout of a shop to somebody else", sampleSoleProprietor, func(b *Borrower) { b.Accounts[0].AccountName = MustParseName("李四") }, []string{"/payout_account_id payout-account-name"}},
		{"a chair of tomorrow", sampleCooperative, func(b *Borrower) {
			b.Organisation.RegisteredOn = domain.Date{}
			b.Organisation.Representative.IDNumber = MustParseIDNumber(numberBornOn("20260303"))
		}, []string{"/organisation/representative/id_number id-number-born-later"}},
		{"an empty account", sampleFarmer, func(b *Borrower) { b.Accounts[0] = Account{ID: b.Accounts[0].ID}; b.PayoutAccountID = "" }, []string{"/accounts/0/number required", "/accounts/0/account_name required", "/accounts/0/bank_name required"}},
		{"an account half verified", sampleFarmer, func(b *Borrower) { b.Accounts[0].VerifiedBy = ""; b.Accounts[0].VerifiedHow = "guess" }, []string{"/accounts/0/verified_how unknown-value", "/accounts/0/verified_by required"}},
		{"an account verified at no time", sampleFarmer, func(b *Borrower) { b.Accounts[0].VerifiedAt = Account{}.VerifiedAt }, []string{"/accounts/0/verified_at required"}},
		{"a wrong bank code and a control character", sampleFarmer, func(b *Borrower) { b.Accounts[0].BankCode = "10345"; b.Accounts[0].BankName = "农行\n" }, []string{"/accounts/0/bank_name text-invalid", "/accounts/0/bank_code bank-code-invalid"}},
		{"a licence that ends before it begins", sampleFarmer, func(b *Borrower) {
			b.Licences = []Licence{{ID: testID(40), Kind: LicenceFoodOperation, No: "JY1", IssuedOn: sampleDay, ExpiresOn: sampleDay.AddDays(-1)}}
		}, []string{"/licences/0/expires_on date-order"}},
		{"an empty licence", sampleFarmer, func(b *Borrower) { b.Licences = []Licence{{}} }, []string{"/licences/0/id required", "/licences/0/kind required", "/licences/0/no required", "/licences/0/issued_on required"}},
	} {
		b := c.base()
		c.change(&b)
		if got := pointersOf(t, b.Validate()); !slices.Equal(got, c.want) {
			t.Errorf("%s: problems = %q, want %q", c.name, got, c.want)
		}
	}
}

func TestAnyFactOfAnOrganisationIsOutOfPlaceWithAPerson(t *testing.T) {
	t.Parallel()
	whole := sampleCooperative().Organisation
	for name, o := range map[string]Organisation{
		"founding":       {RegisteredOn: whole.RegisteredOn},
		"representative": {Representative: Representative{Phone: MustParsePhone("13900000001")}},
		"shareholders":   {Shareholders: whole.Shareholders},
		"land":           {Lands: whole.Lands},
		"livestock":      {Livestock: make([]Livestock, 1)},
		"crops":          {Crops: make([]Crop, 1)},
		"figures":        {Figures: make([]YearFigures, 1)},
	} {
		b := sampleFarmer()
		b.Organisation = o
		if got := pointersOf(t, b.Validate()); !slices.Equal(got, []string{"/organisation not-for-this-kind"}) {
			t.Errorf("%s: problems = %q, want the organisation refused", name, got)
		}
	}
}

func TestOneMayHoldTheWhole(t *testing.T) {
	t.Parallel()
	b := sampleCooperative()
	b.Organisation.Shareholders = b.Organisation.Shareholders[:1]
	b.Organisation.Shareholders[0].SharePct = money.MustParseRate("100")
	if err := b.Validate(); err != nil {
		t.Errorf("Validate with a share of 100 = %q, want no problem", pointersOf(t, err))
	}
}

func TestASoleProprietorMayBePaidOnTheShopsAccount(t *testing.T) {
	t.Parallel()
	b := sampleSoleProprietor()
	b.Accounts[0].AccountName = b.BusinessName
	if err := b.Validate(); err != nil {
		t.Errorf("Validate = %q, want no problem", pointersOf(t, err))
	}
}

func TestOnlyAVerifiedChosenAccountIsPaidTo(t *testing.T) {
	t.Parallel()
	b := sampleFarmer()
	if account, ok := b.PayoutAccount(); !ok || account.ID != testID(11) {
		t.Errorf("PayoutAccount = %v, %v, want the account", account.ID, ok)
	}
	unverified := sampleFarmer()
	unverified.Accounts[0].VerifiedAt = Account{}.VerifiedAt
	unchosen := sampleFarmer()
	unchosen.PayoutAccountID = ""
	unchosen.Accounts[0].ID = ""
	for name, b := range map[string]Borrower{"unverified": unverified, "unchosen": unchosen, "none": {}} {
		if _, ok := b.PayoutAccount(); ok {
			t.Errorf("%s: PayoutAccount = true, want false", name)
		}
	}
}

func TestAConsentCountsFromItsDayToItsLastDayUnlessWithdrawn(t *testing.T) {
	t.Parallel()
	consent := sampleConsent(testID(1), ConsentCreditEnquiry) // given 2026-03-02 09:30 in China, until 2027-03-01
	withdrawn := consent
	withdrawn.WithdrawnAt = sampleAt.AddDate(0, 1, 0) // 2026-04-02
	open := consent
	open.Until = domain.Date{}
	for _, c := range []struct {
		name    string
		consent Consent
		day     string
		want    bool
	}{
		{"the day before", consent, "2026-03-01", false},
		{"the day it is given", consent, "2026-03-02", true},
		{"the last day", consent, "2027-03-01", true},
		{"the day after the last", consent, "2027-03-02", false},
		{"the day before it is withdrawn", withdrawn, "2026-04-01", true},
		{"the day it is withdrawn", withdrawn, "2026-04-02", false},
		{"after it was withdrawn", withdrawn, "2026-05-01", false},
		{"long after one without an end", open, "2060-01-01", true},
		{"one that was never given", Consent{}, "2026-03-02", false},
	} {
		if got := c.consent.LiveOn(domain.MustParseDate(c.day)); got != c.want {
			t.Errorf("%s: LiveOn(%s) = %v, want %v", c.name, c.day, got, c.want)
		}
	}
	for _, c := range []struct {
		name    string
		seconds int
		want    bool
	}{{"a second before", -1, false}, {"at once", 0, true}, {"a second before withdrawal", 31*86400 - 1, true}, {"at withdrawal", 31 * 86400, false}} {
		at := sampleAt.Add(secondsOf(c.seconds))
		if got := withdrawn.LiveAt(at); got != c.want {
			t.Errorf("%s: LiveAt(%v) = %v, want %v", c.name, at, got, c.want)
		}
	}
	if consent.LiveAt(sampleAt.AddDate(1, 0, 0)) {
		t.Errorf("LiveAt a year later = true, want false")
	}
}

func TestTheLatestLiveConsentIsFound(t *testing.T) {
	t.Parallel()
	b := sampleFarmer()
	later := sampleConsent(testID(14), ConsentCreditEnquiry)
	later.GivenAt = sampleAt.Add(secondsOf(60))
	b.Consents = append([]Consent{later}, b.Consents...)
	if got, ok := b.ConsentOn(ConsentCreditEnquiry, sampleDay); !ok || got.ID != testID(14) {
		t.Errorf("ConsentOn = %v, %v, want the later one", got.ID, ok)
	}
	if _, ok := b.ConsentOn(ConsentGuaranteeSharing, sampleDay); ok {
		t.Errorf("ConsentOn of a kind that was not given = true, want false")
	}
	if _, ok := b.ConsentOn(ConsentCreditEnquiry, sampleDay.AddDays(400)); ok {
		t.Errorf("ConsentOn after its end = true, want false")
	}
}

func TestAConsentNamesWhatIsWrongWithIt(t *testing.T) {
	t.Parallel()
	got := pointersOf(t, Consent{}.Validate())
	want := []string{"/id required", "/kind required", "/text_version text-version-invalid", "/given_how required", "/given_at required"}
	if !slices.Equal(got, want) {
		t.Errorf("problems of an empty consent = %q, want %q", got, want)
	}
	c := sampleConsent(testID(1), ConsentCreditEnquiry)
	c.Until, c.TextVersion, c.GivenHow, c.WithdrawnAt = domain.Date{}, "版本一", "nod", sampleAt.Add(secondsOf(-1))
	got = pointersOf(t, c.Validate())
	want = []string{"/text_version text-version-invalid", "/given_how unknown-value", "/until consent-without-end", "/withdrawn_at date-order"}
	if !slices.Equal(got, want) {
		t.Errorf("problems = %q, want %q", got, want)
	}
	c = sampleConsent(testID(1), ConsentPrivacyNotice)
	c.Until = sampleDay.AddDays(-1)
	if got := pointersOf(t, c.Validate()); !slices.Equal(got, []string{"/until date-order"}) {
		t.Errorf("problems of one that ended before it began = %q, want its end", got)
	}
	c.Until = domain.Date{}
	if err := c.Validate(); err != nil {
		t.Errorf("a privacy notice without an end: %q, want no problem", pointersOf(t, err))
	}
}

func TestTheNameOfAConsentsTextIsLettersDigitsAndThreeSigns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		version string
		want    bool
	}{
		{"az-AZ_09.", true},
		{strings.Repeat("a", TextVersionMax), true},
		{strings.Repeat("a", TextVersionMax+1), false},
		{"", false},
		{"a b", false},
		{"a/b", false},
		{"a:b", false},
		{"a@b", false},
		{"a[b", false},
		{"a`b", false},
		{"a{b", false},
	} {
		consent := sampleConsent(testID(1), ConsentPrivacyNotice)
		consent.TextVersion = c.version
		if got := consent.Validate() == nil; got != c.want {
			t.Errorf("text version %q accepted = %v, want %v", c.version, got, c.want)
		}
	}
}

func TestALicenceCountsUpToItsLastDay(t *testing.T) {
	t.Parallel()
	l := Licence{ID: testID(1), Kind: LicenceFoodOperation, No: "JY1", IssuedOn: sampleDay, ExpiresOn: sampleDay.AddDays(30)}
	forever := l
	forever.ExpiresOn = domain.Date{}
	for _, c := range []struct {
		name                   string
		licence                Licence
		days                   int
		expired, force, remind bool
	}{
		{"before it is issued", l, -1, false, false, false},
		{"on the first day", l, 0, false, true, false},
		{"ten days before the end", l, 20, false, true, true},
		{"eleven days before the end", l, 19, false, true, false},
		{"on the last day", l, 30, false, true, true},
		{"the day after", l, 31, true, false, false},
		{"one without an end", forever, 9999, false, true, false},
	} {
		day := sampleDay.AddDays(c.days)
		if c.licence.ExpiredOn(day) != c.expired || c.licence.InForceOn(day) != c.force || c.licence.ExpiresWithin(day, 10) != c.remind {
			t.Errorf("%s: expired %v, in force %v, to remind %v, want %v, %v, %v", c.name, c.licence.ExpiredOn(day),
				c.licence.InForceOn(day), c.licence.ExpiresWithin(day, 10), c.expired, c.force, c.remind)
		}
	}
	for _, good := range []Licence{l, forever} {
		if err := good.Validate(); err != nil {
			t.Errorf("Validate of a licence until %v = %q, want no problem", good.ExpiresOn, pointersOf(t, err))
		}
	}
	b := Borrower{Licences: []Licence{l, forever, l}}
	b.Licences[2].ExpiresOn = sampleDay.AddDays(5)
	if got, ok := b.LicenceOn(LicenceFoodOperation, sampleDay); !ok || !got.ExpiresOn.IsZero() {
		t.Errorf("LicenceOn = until %v, %v, want the one without an end", got.ExpiresOn, ok)
	}
	b.Licences = b.Licences[:1]
	if _, ok := b.LicenceOn(LicenceFoodOperation, sampleDay.AddDays(31)); ok {
		t.Errorf("LicenceOn after the end = true, want false")
	}
	if _, ok := b.LicenceOn(LicenceSeed, sampleDay); ok {
		t.Errorf("LicenceOn of a kind that is not there = true, want false")
	}
}

func TestTheChairWithMoreThanTheShareLeadsTheCooperative(t *testing.T) {
	t.Parallel()
	chair, stranger := MustParseIDNumber("371599197001020018"), MustParseIDNumber("371599198507160012")
	o := sampleCooperative().Organisation
	for _, c := range []struct {
		name   string
		number IDNumber
		pct    string
		want   bool
	}{
		{"over 51", chair, "51", true},
		{"exactly the share", chair, "60", false},
		{"somebody else", stranger, "0", false},
		{"nobody", IDNumber{}, "0", false},
	} {
		if got := o.LedWithMoreThan(c.number, money.MustParseRate(c.pct)); got != c.want {
			t.Errorf("%s: LedWithMoreThan(%s) = %v, want %v", c.name, c.pct, got, c.want)
		}
	}
	o.Representative.IDNumber = stranger
	if o.LedWithMoreThan(chair, money.MustParseRate("51")) {
		t.Errorf("LedWithMoreThan of a shareholder who is not the chair = true, want false")
	}
}

func TestAnonymisingLeavesNothingOfAPerson(t *testing.T) {
	t.Parallel()
	for _, b := range []Borrower{sampleFarmer(), sampleSoleProprietor(), sampleCooperative()} {
		a := b.Anonymise(sampleAt)
		rest := Borrower{
			ID: b.ID, Kind: b.Kind, HouseholdID: b.HouseholdID, RegionCode: b.RegionCode, BranchID: b.BranchID,
			OfficerID: b.OfficerID, Consents: b.Consents, CreatedAt: b.CreatedAt, AnonymisedAt: sampleAt,
		}
		if !a.Name.IsZero() || !a.IDNumber.IsZero() || !a.CreditCode.IsZero() || !a.Phone.IsZero() || !a.Address.IsZero() ||
			!a.BusinessName.IsZero() || len(a.OtherPhones)+len(a.Accounts)+len(a.Licences) > 0 || !a.Organisation.isZero() {
			t.Errorf("%s: Anonymise leaves %+v, want %+v", b.Kind, a, rest)
		}
		if a.ID != b.ID || a.Kind != b.Kind || a.RegionCode != b.RegionCode || len(a.Consents) != len(b.Consents) || a.AnonymisedAt != sampleAt {
			t.Errorf("%s: Anonymise = %+v, want %+v", b.Kind, a, rest)
		}
		if err := a.Validate(); err != nil {
			t.Errorf("%s: Validate of an anonymised borrower = %q, want no problem", b.Kind, pointersOf(t, err))
		}
		if again := a.Anonymise(sampleAt.Add(secondsOf(60))); again.AnonymisedAt != sampleAt {
			t.Errorf("%s: anonymised twice at %v, want the first time to stay", b.Kind, again.AnonymisedAt)
		}
	}
}

func TestAFileIsErasableFromTheDateTheRuleNames(t *testing.T) {
	t.Parallel()
	rule := Retention{Years: 5}
	for _, c := range []struct {
		name     string
		relation CreditRelation
		day      string
		from     string
		known    bool
		code     string
	}{
		{"no relation ever", CreditRelation{}, "2026-03-02", "0000-00-00", true, ""},
		{"ended, the day before", CreditRelation{EndsOn: domain.MustParseDate("2021-03-03")}, "2026-03-02", "2026-03-03", true, "borrower-retained"},
		{"ended, the day", CreditRelation{EndsOn: domain.MustParseDate("2021-03-02")}, "2026-03-02", "2026-03-02", true, ""},
		{"ended on 29 February", CreditRelation{EndsOn: domain.MustParseDate("2024-02-29")}, "2029-02-28", "2029-02-28", true, ""},
		{"open with an agreed end", CreditRelation{Open: true, EndsOn: domain.MustParseDate("2028-06-30")}, "2026-03-02", "2033-06-30", true, "borrower-retained"},
		{"open without an end", CreditRelation{Open: true}, "2026-03-02", "0000-00-00", false, "borrower-retained"},
		{"open long after the agreed end", CreditRelation{Open: true, EndsOn: domain.MustParseDate("2010-01-01")}, "2026-03-02", "2015-01-01", true, "borrower-retained"},
	} {
		from, known := rule.ErasableFrom(c.relation)
		if from.String() != c.from || known != c.known {
			t.Errorf("%s: ErasableFrom = %v, %v, want %s, %v", c.name, from, known, c.from, c.known)
		}
		if got := domain.CodeOf(rule.CheckErasable(c.relation, domain.MustParseDate(c.day))); got != c.code {
			t.Errorf("%s: CheckErasable(%s) = %q, want %q", c.name, c.day, got, c.code)
		}
	}
}
