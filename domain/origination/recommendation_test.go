package origination_test

import (
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/decision"
	"fumin/domain/loan"
	"fumin/domain/origination"
	"fumin/domain/product"
)

const listVillage = "371503901201"

// recommend imports a list of people, which holds from the day on.
func (w *world) recommend(by domain.Actor, from string, numbers ...string) origination.RecommendedList {
	w.t.Helper()
	list, known, replayed, err := w.borrowers.ImportRecommendedList(w.t.Context(), by, key(), listOf(from, numbers...))
	w.must(err)
	if known || replayed || list.Accepted != len(numbers) {
		w.t.Fatalf("import: %+v, known %t, replayed %t; want %d accepted", list, known, replayed, len(numbers))
	}
	return list
}

func listOf(from string, numbers ...string) origination.ImportRecommendedList {
	cmd := origination.ImportRecommendedList{
		ListNo: "茌乡振函〔2026〕18号", Issuer: "茌平区乡村振兴局", ListedOn: domain.MustParseDate(from),
		Format: origination.ListCSV, Encoding: origination.EncodingUTF8, File: sha256.Sum256(fmt.Append(nil, from, numbers)),
		Rows: []origination.ListRow{{Row: 1, Cells: []string{"姓名", "证件号码", "村代码", "类型"}}},
	}
	for i, number := range numbers {
		row := []string{"王吉华", number, listVillage, ""}
		if number[0] == '9' {
			row[0], row[3] = "一诺家庭农场", "家庭农场"
		}
		cmd.Rows = append(cmd.Rows, origination.ListRow{Row: i + 2, Cells: row})
	}
	return cmd
}

// unconfirmed submits an application that says nothing of a confirmation by the bureau.
func (w *world) unconfirmed(officer domain.Actor, borrowerID domain.ID) loan.Record {
	w.t.Helper()
	asked := request("50000.00")
	asked.BureauConfirmationNo = ""
	rec, _, err := w.applications.Open(w.t.Context(), officer, key(), origination.OpenApplication{BorrowerID: borrowerID, ProductCode: "QLFMD", Request: asked})
	w.must(err)
	rec, err = w.applications.Submit(w.t.Context(), officer, rec.ID)
	w.must(err)
	return rec
}

func (w *world) wantListed(officer domain.Actor, borrowerID domain.ID, want bool) {
	w.t.Helper()
	rec := w.unconfirmed(officer, borrowerID)
	d, err := w.applications.Decision(w.t.Context(), officer, rec.ID)
	w.must(err)
	listed, known := d.Facts.OnRecommendedList.Value()
	if listed != want || known != want { // who is on no list stays unknown: the bureau may still confirm
		w.t.Errorf("the fact that the borrower is on a list: %t, known %t; want %t and as much", listed, known, want)
	}
	if want && rec.Status != loan.StatusApproved || !want && (rec.Status != loan.StatusReviewing || d.Outcome.Result != decision.Refer) {
		w.t.Errorf("listed %t: %s, %s", want, rec.Status, d.Outcome.Result)
	}
}

func TestWhoIsOnAListIsConfirmedByIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	listed, later, unlisted := w.farmer(officer), w.farmer(officer), w.farmer(officer)
	w.recommend(w.somebodyAt("371526", domain.RoleAdmin), "2026-11-23", listed.IDNumber.Reveal()) // of another branch of the lender
	w.recommend(officer, "2026-11-24", later.IDNumber.Reveal())
	w.wantListed(officer, listed.ID, true)
	w.wantListed(officer, later.ID, false)
	w.wantListed(officer, unlisted.ID, false)
}

// A product that counts by household lends to the household: whoever of it is recommended recommends it, while there.
func TestAMemberOfTheHouseholdConfirmsItWhileThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	head := w.farmer(officer)
	spouse := borrower.MustParseIDNumber(withCheckDigit("37150319820615888"))
	w.recommend(officer, "2026-11-01", spouse.Reveal())
	w.wantListed(officer, head.ID, false)

	change := origination.MembershipChange{HouseholdID: head.HouseholdID, On: domain.DateOf(w.now()), Reason: "结婚"}
	_, _, err := w.borrowers.Join(t.Context(), officer, key(), origination.JoinHousehold{
		MembershipChange: change, Name: borrower.MustParseName("李梅"), IDNumber: spouse, Relation: borrower.RelationSpouse,
	})
	w.must(err)
	w.wantListed(officer, head.ID, true)

	w.exposure(product.ExposureBorrower)
	w.wantListed(officer, head.ID, false)
	w.exposure(product.ExposureHousehold)

	w.advance(48 * time.Hour)
	household, err := w.borrowers.Household(t.Context(), officer, head.HouseholdID)
	w.must(err)
	member, found := household.MemberOn(spouse, domain.DateOf(w.now()))
	if !found {
		t.Fatal("the spouse is not in the household")
	}
	change.On = domain.DateOf(w.now())
	_, err = w.borrowers.Leave(t.Context(), officer, change, member.ID)
	w.must(err)
	w.wantListed(officer, head.ID, false)
}

// exposure changes by what the product counts.
func (w *world) exposure(unit product.ExposureUnit) {
	w.t.Helper()
	w.must(w.store.Update(w.t.Context(), func(tx origination.Tx) error {
		p, err := tx.Product(w.t.Context(), "QLFMD")
		if err != nil {
			return err
		}
		p.ExposureUnit = unit
		return tx.PutProduct(w.t.Context(), p)
	}))
}

// A family farm is its owner's, to whom the product lends: a list may have either number.
func TestAFamilyFarmIsConfirmedByItsOwnNumberOrItsOwners(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exposure(product.ExposureBorrower) // or the household would answer for its head
	officer := w.somebody(domain.RoleLoanOfficer)
	for _, c := range []struct {
		code   string
		listed func(farm, owner string) string
	}{
		{"92371503MA3E5AMP5A", func(farm, _ string) string { return farm }},
		{"92371503MA3E5AMP6D", func(_, owner string) string { return owner }},
	} {
		owner := w.farmer(officer)
		farm, _, err := w.borrowers.CreateBorrower(t.Context(), officer, key(), origination.CreateBorrower{
			Kind: borrower.KindFamilyFarm, Name: borrower.MustParseName("茌平区刘马村吉华家庭农场"), CreditCode: borrower.MustParseCreditCode(c.code),
			Phone: owner.Phone, HouseholdID: owner.HouseholdID,
			Organisation: borrower.Organisation{
				RegisteredOn:   domain.MustParseDate("2019-03-01"),
				Representative: borrower.Representative{Name: owner.Name, IDNumber: owner.IDNumber, Phone: owner.Phone, Role: borrower.RoleOperator},
			},
			Consents: []origination.NewConsent{{
				Kind: borrower.ConsentCreditEnquiry, TextVersion: "credit-2026.1", GivenHow: borrower.ConsentByPaper,
				GivenAt: w.now(), Until: domain.DateOf(w.now()).AddMonths(6),
			}},
		})
		w.must(err)
		w.wantListed(officer, farm.ID, false)
		w.recommend(officer, "2026-11-01", c.listed(c.code, owner.IDNumber.Reveal()))
		w.wantListed(officer, farm.ID, true)
	}
}

func TestErasureEmptiesWhatTheListsSayOfThePerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	gone, stays := w.farmer(officer), w.farmer(officer)
	list := w.recommend(officer, "2026-11-01", gone.IDNumber.Reveal(), stays.IDNumber.Reveal())
	_, err := w.borrowers.Anonymise(t.Context(), w.somebodyAt("3715", domain.RoleAdmin), gone.ID, "本人申请")
	w.must(err)
	entries, err := w.store.RecommendedEntries(t.Context(), list.ID, 0, 10)
	w.must(err)
	if len(entries) != 2 || !entries[0].Name.IsZero() || !entries[0].Number.IDNumber.IsZero() || entries[0].Reason == "" {
		t.Errorf("the erased person's row: %+v; want it empty, with a reason", entries)
	}
	if len(entries) == 2 && (!entries[1].Number.IDNumber.Equal(stays.IDNumber) || entries[1].Reason != "") {
		t.Errorf("the other row: %+v; want it as it was", entries[1])
	}
	on, err := w.store.OnRecommendedList(t.Context(), []origination.RecommendedNumber{{IDNumber: gone.IDNumber}}, domain.DateOf(w.now()))
	if err != nil || on {
		t.Errorf("the erased number is found on a list: %t, %v", on, err)
	}
}
