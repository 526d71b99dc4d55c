package origination_test

import (
	"strings"
	"testing"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/decision"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
	"fumin/domain/schedule"
)

// wantFacts compares facts of the latest decision with the text of a snapshot; "-" is none and "?" unknown.
func (w *world) wantFacts(by domain.Actor, id domain.ID, want map[decision.FactName]string) {
	w.t.Helper()
	d, err := w.applications.Decision(w.t.Context(), by, id)
	w.must(err)
	snapshot := d.Facts.Snapshot()
	for name, text := range want {
		got := "?"
		if value, known := snapshot[string(name)]; known {
			got = "-"
			if value != nil {
				got = *value
			}
		}
		if got != text {
			w.t.Errorf("fact %s: got %q, want %q", name, got, text)
		}
	}
}

func TestTheFactsOfAFarmerComeFromTheRegisters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.limitFarmers("400000.00")
	ctx, officer := t.Context(), w.somebody(domain.RoleLoanOfficer)
	person := w.farmer(officer)
	first := w.submitted(officer, w.openedFor(officer, person, "QLFMD", "99500.00").ID)
	w.wantFacts(officer, first.ID, map[decision.FactName]string{
		decision.FactHouseholdSize: "1", decision.FactHouseholdIncomeYear: "?", decision.FactHouseholdLandMu: "?",
		decision.FactExposureExisting: "0.00", decision.FactExposureProductExisting: "0.00",
		decision.FactExposureProductMax: "3000000.00", decision.FactExposureLenderMax: "400000.00",
		decision.FactLoansSettled: "0", decision.FactDaysPastDueMax: "0", decision.FactOverdueNow: "false",
		decision.FactDocumentsMissingKey: "", decision.FactDocumentsMissingOther: "household_register,land_contract,purpose_evidence",
		decision.FactLicencesExpired: "", decision.FactRepaymentMethod: string(schedule.InterestOnlyBullet),
		decision.FactRegionCode: "371503901201", decision.FactProductCode: "QLFMD", decision.FactReliefIndustry: "-",
		decision.FactBureauAnswer: "?", decision.FactScreeningHit: "?",
	})

	income, debts := money.MustParseAmount("86000.00"), money.MustParseAmount("0.00")
	_, err := w.borrowers.ChangeFigures(ctx, officer, person.HouseholdID, origination.FiguresChange{
		Year: 2025, IncomeDeclared: &income, DebtsDeclared: &debts, IncomeVerified: &income, VerifiedBasis: "流水",
	})
	w.must(err)
	_, _, err = w.borrowers.AddProperty(ctx, officer, key(), person.HouseholdID, origination.HouseholdProperty{Lands: []borrower.Land{
		{Kind: borrower.LandContracted, AreaMu: borrower.MustParseArea("6.50"), CertificateNo: "鲁（2020）茌平区土地承包第0001号"},
		{Kind: borrower.LandLeased, AreaMu: borrower.MustParseArea("20.25"), ContractFrom: domain.MustParseDate("2020-01-01"), ContractUntil: domain.MustParseDate("2025-12-31")},
	}})
	w.must(err)
	second := w.openedFor(officer, person, "QLFMD", "50000.00")
	_, _, err = w.applications.RecordDocument(ctx, officer, key(), origination.RecordDocument{
		ApplicationID: second.ID, Type: "household_register", ReceivedOn: domain.DateOf(w.now()), Reference: "DA-1",
	})
	w.must(err)
	w.submitted(officer, second.ID)
	w.wantFacts(officer, second.ID, map[decision.FactName]string{
		decision.FactHouseholdIncomeYear: "86000.00", decision.FactHouseholdLandMu: "6.5",
		decision.FactExposureExisting: "99500.00", decision.FactExposureProductExisting: "99500.00",
		decision.FactDocumentsMissingOther: "purpose_evidence", decision.FactOverdueNow: "false",
	})

	_, err = w.applications.Sign(ctx, officer, origination.SignApplication{ID: first.ID, ContractNo: "HT-1", SignedOn: domain.DateOf(w.now())})
	w.must(err)
	third := w.submitted(officer, w.openedFor(officer, person, "QLFMD", "3000.00").ID)
	w.wantFacts(officer, third.ID, map[decision.FactName]string{
		decision.FactExposureExisting: "149500.00", // signed and reserved together
	})
}

func TestTheFactsOfASoleProprietorTellLicencesAndPapers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, officer := t.Context(), w.somebody(domain.RoleLoanOfficer)
	person := w.farmerWithout(officer, func(c *origination.CreateBorrower) {
		c.Kind, c.CreditCode = borrower.KindSoleProprietor, borrower.MustParseCreditCode("92371503MA3E5AMP5A")
		c.RegionCode, c.Address = borrower.MustParseRegionCode("371503901"), borrower.MustParseAddress("山东省聊城市茌平区冯官屯镇")
	})
	draft := w.openedFor(officer, person, "PHXWXYD", "50000.00")
	w.submitted(officer, draft.ID)
	w.wantFacts(officer, draft.ID, map[decision.FactName]string{
		decision.FactDocumentsMissingKey: "business_licence", decision.FactDocumentsMissingOther: "trade_permit,bank_statement",
		decision.FactBusinessAgeMonths: "?",
	})

	for _, l := range []borrower.Licence{
		{Kind: borrower.LicenceBusiness, No: "3", IssuedOn: domain.MustParseDate("2026-02-01")}, // issued anew
		{Kind: borrower.LicenceBusiness, No: "1", IssuedOn: domain.MustParseDate("2020-01-01")},
		{Kind: borrower.LicenceFoodOperation, No: "2", IssuedOn: domain.MustParseDate("2020-01-01"), ExpiresOn: domain.MustParseDate("2025-01-01")},
	} {
		_, _, err := w.borrowers.AddLicence(ctx, officer, key(), person.ID, l)
		w.must(err)
	}
	again := w.openedFor(officer, person, "PHXWXYD", "50000.00")
	w.submitted(officer, again.ID)
	w.wantFacts(officer, again.ID, map[decision.FactName]string{
		decision.FactDocumentsMissingKey: "", decision.FactDocumentsMissingOther: "trade_permit,bank_statement",
		decision.FactLicencesExpired: "food_operation", decision.FactBusinessAgeMonths: "82", // since 2020-01-01
	})
}

func TestAPaperIsRecordedOnceAndOnlyWhileTheCaseIsOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, officer := t.Context(), w.somebody(domain.RoleLoanOfficer)
	draft := w.opened(officer, "99500.00")
	paper := origination.RecordDocument{
		ApplicationID: draft.ID, Type: "member_resolution", ReceivedOn: domain.DateOf(w.now()), Reference: "DA-2026-0117",
		SHA256: strings.Repeat("0a", 32),
	}
	same := key()
	codes := atOnce(callers, func(int) error {
		_, _, err := w.applications.RecordDocument(ctx, officer, same, paper)
		return err
	})
	wantCodes(t, codes, map[string]int{"": callers})
	got, err := w.applications.Documents(ctx, officer, draft.ID)
	w.must(err)
	if len(got) != 1 || got[0].Type != "member_resolution" || got[0].RecordedBy != officer.ID || got[0].SHA256 != paper.SHA256 {
		t.Errorf("papers after twenty calls with one key: %+v, want one", got)
	}
	events, err := w.applications.History(ctx, officer, draft.ID)
	w.must(err)
	if last := events[len(events)-1]; len(events) != 2 || last.Subject != loan.SubjectDocument || last.Action != loan.ActionRecord {
		t.Errorf("history %+v, want the paper recorded once", events)
	}

	for name, change := range map[string]func(*origination.RecordDocument){
		"an unknown type":      func(d *origination.RecordDocument) { d.Type = "poem" },
		"a day to come":        func(d *origination.RecordDocument) { d.ReceivedOn = domain.MustParseDate("2099-01-01") },
		"no reference":         func(d *origination.RecordDocument) { d.Reference = "" },
		"a broken hash":        func(d *origination.RecordDocument) { d.SHA256 = "ABC" },
		"run out on receiving": func(d *origination.RecordDocument) { d.ExpiresOn = domain.MustParseDate("2020-01-01") },
	} {
		wrong := paper
		change(&wrong)
		_, _, err := w.applications.RecordDocument(ctx, officer, key(), wrong)
		wantCode(t, name, err, "invalid-fields")
	}
	_, _, err = w.applications.RecordDocument(ctx, w.somebody(domain.RoleApprover), key(), paper)
	wantCode(t, "an approver records a paper", err, "role-not-allowed")
	_, _, err = w.applications.RecordDocument(ctx, w.somebodyAt("371522", domain.RoleLoanOfficer), key(), paper)
	wantCode(t, "another branch records a paper", err, "application-not-found")

	_, err = w.applications.Withdraw(ctx, officer, draft.ID, "不需要了")
	w.must(err)
	_, _, err = w.applications.RecordDocument(ctx, officer, key(), paper)
	wantCode(t, "after the withdrawal", err, "wrong-status")
}

// A paper that has run out is missing again on the day after its last.
func TestAPaperThatRanOutIsMissing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ expires, missing string }{
		{"2026-11-23", "land_contract,purpose_evidence"},
		{"2026-11-22", "household_register,land_contract,purpose_evidence"},
	} {
		t.Run(c.expires, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			officer := w.somebody(domain.RoleLoanOfficer)
			draft := w.opened(officer, "99500.00")
			_, _, err := w.applications.RecordDocument(t.Context(), officer, key(), origination.RecordDocument{
				ApplicationID: draft.ID, Type: "household_register", ReceivedOn: domain.MustParseDate("2026-11-01"),
				Reference: "DA-1", ExpiresOn: domain.MustParseDate(c.expires),
			})
			w.must(err)
			if rec := w.submitted(officer, draft.ID); rec.Status != loan.StatusApproved {
				t.Errorf("submitted: %s", rec.Status)
			}
			w.wantFacts(officer, draft.ID, map[decision.FactName]string{decision.FactDocumentsMissingOther: c.missing})
		})
	}
}
