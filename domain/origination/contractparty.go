package origination

import (
	"context"
	"fmt"
	"slices"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/loan"
	"fumin/domain/product"
)

// guarantorAgeMin is from which age somebody may answer for another's debt: of full capacity (民法典第十七条, 完全民事行为能力人).
const guarantorAgeMin = 18

// parties are who must sign: the borrower; the spouse where the spouse gives the counter-guarantee (配偶反担保); the guarantors
// that were named; the members of a co-operative where the product wants them.
func (s *Signatures) parties(ctx context.Context, r Reader, rec loan.Record, offer Offer, given []loan.Party, today domain.Date) ([]loan.Party, int, error) {
	person, err := r.Borrower(ctx, domain.Scope{Everything: true}, rec.BorrowerID)
	if err != nil {
		return nil, 0, err
	}
	spouse, married, err := spouseOnFile(ctx, r, person, today)
	if err != nil {
		return nil, 0, err
	}
	list := partyList{parties: []loan.Party{borrowerParty(person)}, organisation: person.Kind.IsOrganisation(), today: today}
	if married {
		list.spouse = &spouse
		if offer.Guarantee.SpouseMayCounter(offer.Amount) {
			list.parties = append(list.parties, spouse)
		}
	}
	members, membersMin, err := membersToSign(ctx, r, rec, person)
	if err != nil {
		return nil, 0, err
	}
	list.parties = append(list.parties, members...)
	if err := list.addGiven(given); err != nil {
		return nil, 0, err
	}
	if err := checkCounterGuarantor(ctx, r, rec, list.parties, today); err != nil {
		return nil, 0, err
	}
	for i := range list.parties {
		list.parties[i].ID = s.newID()
	}
	return list.parties, membersMin, nil
}

// borrowerParty is the borrower as a party: an organisation is signed for by its representative, with his own phone where it
// is known.
func borrowerParty(person borrower.Borrower) loan.Party {
	party := loan.Party{Role: loan.PartyBorrower, Name: person.Name, SignerName: person.Name, IDNumber: person.IDNumber, Phone: person.Phone}
	if person.Kind.IsOrganisation() {
		representative := person.Organisation.Representative
		party.SignerName, party.IDNumber = representative.Name, representative.IDNumber
		if !representative.Phone.IsZero() {
			party.Phone = representative.Phone
		}
	}
	return party
}

// spouseOnFile is the borrower's husband or wife by the household's book; false for an organisation, and where there is none.
func spouseOnFile(ctx context.Context, r Reader, person borrower.Borrower, today domain.Date) (loan.Party, bool, error) {
	if person.Kind.IsOrganisation() || person.HouseholdID.IsZero() {
		return loan.Party{}, false, nil
	}
	household, err := r.Household(ctx, domain.Scope{Everything: true}, person.HouseholdID)
	if err != nil {
		return loan.Party{}, false, err
	}
	m, found := spouseOf(household, person, today)
	return loan.Party{Role: loan.PartySpouse, Name: m.Name, SignerName: m.Name, IDNumber: m.IDNumber}, found, nil
}

// spouseOf is the husband or wife of a borrower by the household's book: of the head the spouse, of the spouse the head.
func spouseOf(h borrower.Household, person borrower.Borrower, day domain.Date) (borrower.Member, bool) {
	self, found := h.MemberOn(person.IDNumber, day)
	if !found || (self.Relation != borrower.RelationHead && self.Relation != borrower.RelationSpouse) {
		return borrower.Member{}, false
	}
	want := borrower.RelationSpouse
	if self.Relation == borrower.RelationSpouse {
		want = borrower.RelationHead
	}
	for _, m := range h.Members {
		if m.Relation == want && m.ID != self.ID && m.InOn(day) && m.AnonymisedAt.IsZero() {
			return m, true
		}
	}
	return borrower.Member{}, false
}

// membersToSign are the members of a co-operative where the product wants some of them to sign, and how many it wants.
func membersToSign(ctx context.Context, r Reader, rec loan.Record, person borrower.Borrower) (members []loan.Party, membersMin int, err error) {
	if person.Kind != borrower.KindCooperative {
		return nil, 0, nil
	}
	version, err := r.ProductVersion(ctx, rec.ProductVersionID)
	if err != nil || version.MemberSignaturesMin == 0 {
		return nil, 0, err
	}
	members = membersOf(person)
	return members, version.MemberSignaturesMin, checkMembers(version, members)
}

// checkMembers refuses a contract that fewer members of a co-operative would sign than the product asks for (成员签字).
func checkMembers(v product.Version, members []loan.Party) error {
	if len(members) >= v.MemberSignaturesMin {
		return nil
	}
	return domain.Errorf(domain.KindRule, "members-missing",
		"产品要求至少 %d 位合作社成员签字，档案里理事长以外只登记了 %d 位出资的成员：请先补录成员", v.MemberSignaturesMin, len(members))
}

// membersOf are the people who hold a share of a co-operative, but for its chair, who signs for it: as many as a product can
// ask for, in the order of the file.
func membersOf(person borrower.Borrower) []loan.Party {
	var members []loan.Party
	for _, h := range person.Organisation.Shareholders {
		if !h.IDNumber.IsZero() && !h.IDNumber.Equal(person.Organisation.Representative.IDNumber) && len(members) < product.MembersCap {
			members = append(members, loan.Party{Role: loan.PartyMember, Name: h.Name, SignerName: h.Name, IDNumber: h.IDNumber})
		}
	}
	return members
}

// partyList is who signs, while it is put together.
type partyList struct {
	parties      []loan.Party
	spouse       *loan.Party // by the household's book; nil: none is on file
	organisation bool        // the borrower is one, and the first party its representative
	today        domain.Date
}

// addGiven adds what the officer says: phones of those of whom the registers have none, and further guarantors and a spouse. One person may
// sign in two roles, and then signs twice: the chair who signs for the co-operative commonly answers for it as a guarantor, too.
// Nobody stands twice in one role.
func (l *partyList) addGiven(given []loan.Party) error {
	var p domain.Problems
	for i, g := range given {
		pointer := fmt.Sprintf("/parties/%d", i)
		again := slices.ContainsFunc(given[:i], func(o loan.Party) bool { return o.Role == g.Role && o.IDNumber.Equal(g.IDNumber) })
		known := l.find(g)
		switch {
		case again || known != nil && g.Phone.IsZero():
			p.Add(pointer, "duplicate", "这个人已经是「%s」，不必重复填写", g.Role.Label())
		case known != nil && !known.Phone.IsZero() && !known.Phone.Equal(g.Phone):
			// The code that signs goes to this phone: whoever prepares the contract must not choose it.
			p.Add(pointer+"/phone", "phone-differs", "「%s」档案中的手机号尾号是 %s，与填写的不同：确已换号的，请先更正档案，再生成合同", g.Role.Label(), known.Phone.Last4())
		case known != nil:
			known.Phone = g.Phone
		case g.Role != loan.PartyGuarantor && g.Role != loan.PartySpouse:
			p.Add(pointer+"/role", "party-not-on-file", "「%s」以档案为准：请先在借款人档案里登记", g.Role.Label())
		default:
			l.add(&p, pointer, g)
		}
	}
	for _, party := range l.parties {
		if party.Role == loan.PartySpouse && party.IDNumber.IsZero() {
			p.Add("/parties", "required", "家庭成员中的配偶没有登记身份证号码：请先补录，或在签约人中填写配偶的姓名和身份证号码")
		}
	}
	if len(l.parties) > loan.PartiesMax {
		p.Add("/parties", "too-many", "签约人最多 %d 位", loan.PartiesMax)
	}
	return p.Err()
}

// find returns the party of the same role and number.
func (l *partyList) find(g loan.Party) *loan.Party {
	for i, k := range l.parties {
		if k.Role == g.Role && k.IDNumber.Equal(g.IDNumber) {
			return &l.parties[i]
		}
	}
	return nil
}

// add takes in a guarantor or a spouse who is not in the list in that role, with what is known of the same person in another.
func (l *partyList) add(p *domain.Problems, pointer string, g loan.Party) {
	for _, k := range l.parties {
		if !k.IDNumber.Equal(g.IDNumber) {
			continue
		}
		if !g.Name.IsZero() && !g.Name.Equal(k.SignerName) {
			p.Add(pointer+"/name", "name-differs", "这个人已作为「%s」登记，姓名与这里填写的不同：请核对身份证", k.Role.Label())
			return
		}
		g.Name = k.SignerName
		if g.Phone.IsZero() {
			g.Phone = k.Phone
		}
	}
	self := l.parties[0].IDNumber.Equal(g.IDNumber)
	switch {
	case self && g.Role == loan.PartySpouse:
		p.Add(pointer, "same-person", "配偶不能是借款的签署人本人：请填写配偶的姓名和身份证号码")
	case self && !l.organisation:
		p.Add(pointer, "same-person", "借款人不能为自己的借款作保证人：请换一位保证人")
	case g.Name.IsZero():
		p.Add(pointer+"/name", "required", "请填写姓名")
	case g.IDNumber.BirthDate().AgeOn(l.today) < guarantorAgeMin:
		p.Add(pointer+"/id_number", "under-age", "%s须年满 %d 周岁，请换一位", g.Role.Label(), guarantorAgeMin)
	case g.Role == loan.PartySpouse:
		l.addSpouse(p, pointer, g)
	default:
		g.SignerName = g.Name
		l.parties = append(l.parties, g)
	}
}

// addSpouse takes in the spouse that the officer names. The household's book comes first: another person than the one on file
// is refused, and a number that the book lacks is completed.
func (l *partyList) addSpouse(p *domain.Problems, pointer string, g loan.Party) {
	g.SignerName = g.Name
	if l.spouse != nil && !l.spouse.IDNumber.Equal(g.IDNumber) && (!l.spouse.IDNumber.IsZero() || !l.spouse.Name.Equal(g.Name)) {
		p.Add(pointer, "spouse-differs", "家庭成员中登记的配偶不是这个人：请核对，或先更正家庭成员")
		return
	}
	i := slices.IndexFunc(l.parties, func(k loan.Party) bool { return k.Role == loan.PartySpouse })
	switch {
	case i < 0:
		l.parties = append(l.parties, g)
	case l.parties[i].IDNumber.IsZero():
		l.parties[i] = g
	default:
		p.Add(pointer, "spouse-differs", "签约人中已有配偶：请只填写一位")
	}
}
