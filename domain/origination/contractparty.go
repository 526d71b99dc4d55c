package origination

import (
	"context"
	"fmt"
	"slices"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/loan"
)

// parties are who must sign: the borrower; the spouse where the spouse gives the counter-guarantee (配偶反担保); the guarantors
// that were named; the members of a co-operative where the product wants them.
func (s *Signatures) parties(ctx context.Context, r Reader, rec loan.Record, offer Offer, given []loan.Party, today domain.Date) ([]loan.Party, int, error) {
	person, err := r.Borrower(ctx, domain.Scope{Everything: true}, rec.BorrowerID)
	if err != nil {
		return nil, 0, err
	}
	first := loan.Party{Role: loan.PartyBorrower, Name: person.Name, SignerName: person.Name, IDNumber: person.IDNumber, Phone: person.Phone}
	if person.Kind.IsOrganisation() {
		representative := person.Organisation.Representative
		first.SignerName, first.IDNumber = representative.Name, representative.IDNumber
		if !representative.Phone.IsZero() {
			first.Phone = representative.Phone
		}
	}
	parties := []loan.Party{first}
	if !person.Kind.IsOrganisation() && !person.HouseholdID.IsZero() && offer.Guarantee.SpouseMayCounter(offer.Amount) {
		household, err := r.Household(ctx, domain.Scope{Everything: true}, person.HouseholdID)
		if err != nil {
			return nil, 0, err
		}
		if m, found := spouseOf(household, person, today); found {
			parties = append(parties, loan.Party{Role: loan.PartySpouse, Name: m.Name, SignerName: m.Name, IDNumber: m.IDNumber})
		}
	}
	membersMin := 0
	if person.Kind == borrower.KindCooperative {
		version, err := r.ProductVersion(ctx, rec.ProductVersionID)
		if err != nil {
			return nil, 0, err
		}
		membersMin = version.MemberSignaturesMin
		members := membersOf(person)
		if len(members) < membersMin {
			return nil, 0, domain.Errorf(domain.KindRule, "members-missing",
				"产品要求至少 %d 位合作社成员签字，档案里理事长以外只登记了 %d 位出资的成员：请先补录成员", membersMin, len(members))
		}
		if membersMin > 0 {
			parties = append(parties, members...)
		}
	}
	if parties, err = withGiven(parties, given); err != nil {
		return nil, 0, err
	}
	if err := checkCounterGuarantor(ctx, r, rec, parties); err != nil {
		return nil, 0, err
	}
	for i := range parties {
		parties[i].ID = s.newID()
	}
	return parties, membersMin, nil
}

// membersOf are the people who hold a share of a co-operative, but for its chair, who signs for it.
func membersOf(person borrower.Borrower) []loan.Party {
	var members []loan.Party
	for _, h := range person.Organisation.Shareholders {
		if !h.IDNumber.IsZero() && !h.IDNumber.Equal(person.Organisation.Representative.IDNumber) && len(members) < loan.PartiesMax/2 {
			members = append(members, loan.Party{Role: loan.PartyMember, Name: h.Name, SignerName: h.Name, IDNumber: h.IDNumber})
		}
	}
	return members
}

// withGiven adds what the officer says: phones of those the registers know, and further guarantors and spouses.
func withGiven(parties, given []loan.Party) ([]loan.Party, error) {
	var p domain.Problems
	for i, g := range given {
		known := slices.IndexFunc(parties, func(k loan.Party) bool { return k.IDNumber.Equal(g.IDNumber) })
		switch {
		case known >= 0 && !g.Phone.IsZero() && parties[known].Role == g.Role:
			parties[known].Phone = g.Phone
		case known >= 0:
			p.Add(fmt.Sprintf("/parties/%d", i), "duplicate", "这个人已经是「%s」，不必重复填写", parties[known].Role.Label())
		case g.Role != loan.PartyGuarantor && g.Role != loan.PartySpouse:
			p.Add(fmt.Sprintf("/parties/%d/role", i), "party-not-on-file", "「%s」以档案为准：请先在借款人档案里登记", g.Role.Label())
		case g.Name.IsZero():
			p.Add(fmt.Sprintf("/parties/%d/name", i), "required", "请填写姓名")
		default:
			g.SignerName = g.Name
			parties = append(parties, g)
		}
	}
	if len(parties) > loan.PartiesMax {
		p.Add("/parties", "too-many", "签约人最多 %d 位", loan.PartiesMax)
	}
	return parties, p.Err()
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
