package repository_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
)

var ledgerKeeper = domain.Actor{ID: ledgerApprover, Name: "员工", Role: domain.RoleRiskManager, BranchID: ledgerHead}

func ledgerTerms(name string) loan.GuaranteeTerms {
	return loan.GuaranteeTerms{
		Name: name, Products: []string{"QLFMD"}, RegionPrefix: "37", CompanySharePct: money.MustParseRate("80"), From: domain.MustParseDate("2022-02-01"),
		Quotas: []loan.GuaranteeQuota{{Limit: money.MustParseAmount("500000000.00"), From: domain.MustParseDate("2022-02-01")}},
	}
}

// addCompany stores a guarantee company as its first draft leaves it.
func (l *ledger) addCompany(code string, terms loan.GuaranteeTerms) *loan.GuaranteeCompany {
	l.t.Helper()
	c, event, err := loan.NewGuaranteeCompany(ledgerKeeper, ledgerStart, l.newID(), code, true, terms)
	l.must(err)
	l.update(func(tx origination.Tx) error { return tx.InsertGuaranteeCompany(l.t.Context(), c, event) })
	return c
}

// guarantee is what a company was asked about an application.
func (l *ledger) guarantee(r loan.Record, company domain.ID) loan.GuaranteeRecord {
	return loan.GuaranteeRecord{
		ID: l.newID(), ApplicationID: r.ID, BranchID: r.BranchID, BorrowerID: r.BorrowerID, CompanyID: company, RegionCode: r.RegionCode,
		ProductCode: r.ProductCode, Request: loan.GuaranteeRequest{
			Amount: r.Request.Amount, TermMonths: r.Request.TermMonths, Crop: loan.GuaranteeGrain, FeeMaxPct: money.MustParseRate("0.75"),
			CounterSpouseUpTo: money.MustParseAmount("200000.00"),
		},
		Status: loan.GuaranteeRequested, RequestedBy: ledgerOfficer, RequestedAt: ledgerStart, Quota: loan.QuotaNone, Version: 1,
	}
}

func guaranteeEvent(r loan.GuaranteeRecord) loan.Event {
	return loan.Event{
		Subject: loan.SubjectGuarantee, SubjectID: r.ID, Version: r.Version, CaseID: r.ApplicationID, BranchID: r.BranchID, Action: loan.ActionGuaranteeAsk,
		To: string(r.Status), ActorID: ledgerOfficer, ActorName: "员工", ActorRole: domain.RoleLoanOfficer, At: ledgerStart,
	}
}

// tryGuarantee stores a record, new in version 1 and changed later.
func (l *ledger) tryGuarantee(r loan.GuaranteeRecord) error {
	l.t.Helper()
	g, err := loan.RestoreGuarantee(r)
	l.must(err)
	return l.store.Update(l.t.Context(), func(tx origination.Tx) error {
		if r.Version == 1 {
			return tx.InsertGuarantee(l.t.Context(), g, guaranteeEvent(r))
		}
		return tx.SaveGuarantee(l.t.Context(), g, guaranteeEvent(r))
	})
}

func TestAGuaranteeComesBackAsItWasStoredThroughAllOfItsWay(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	company := l.addCompany("SDNDB", ledgerTerms("山东农担")).Record().ID
	r := l.draft(ledgerCounty)
	r.Request.Amount = money.MustParseAmount("9999999999999999.99")
	l.addApplication(r)
	asked := l.guarantee(r, company)
	asked.Request.Crop, asked.Request.TermMonths, asked.Request.FeeMaxPct = loan.GuaranteeOther, loan.TermMonthsMax, money.MustParseRate("999.999999")
	asked.Request.CounterSpouseUpTo = r.Request.Amount
	reserved := asked
	reserved.Version, reserved.Quota, reserved.QuotaHeld = 2, loan.QuotaReserved, money.MustParseAmount("0.01")
	answered := reserved
	answered.Version, answered.Status, answered.Quota, answered.QuotaHeld = 3, loan.GuaranteeConditional, loan.QuotaConfirmed, r.Request.Amount
	answered.Answer = &loan.GuaranteeAnswer{
		Decision: loan.GuaranteeConditional, LetterNo: strings.Repeat("😀", loan.LetterNoRunesMax), Amount: r.Request.Amount,
		FeePct: money.MustParseRate("0.000001"), ExpiresOn: domain.MustParseDate("2199-12-31"), Conditions: strings.Repeat("𠮷", loan.ConditionsRunesMax),
		Counter: loan.CounterOther, CounterNote: strings.Repeat("䶮", loan.ConditionsRunesMax),
	}
	answered.AnsweredBy, answered.AnsweredAt = ledgerReleaser, time.Date(2199, 12, 31, 23, 59, 59, 999999000, time.UTC)
	fulfilled := answered
	fulfilled.Version, fulfilled.Status = 4, loan.GuaranteeAccepted
	fulfilled.FulfilledBy, fulfilled.FulfilledAt, fulfilled.FulfilledHow = ledgerOfficer, ledgerStart, strings.Repeat("保", loan.ConditionsRunesMax)
	released := fulfilled
	released.Version, released.Status, released.Quota, released.QuotaHeld = 5, loan.GuaranteeReleased, loan.QuotaReleased, money.Amount{}
	for _, want := range []loan.GuaranteeRecord{asked, reserved, answered, fulfilled, released} {
		l.must(l.tryGuarantee(want))
		got, err := l.store.Guarantee(t.Context(), ledgerEverything, want.ID)
		if diff := cmp.Diff(want, got, asStored); err != nil || diff != "" {
			t.Errorf("version %d: %v, stored and read differ (-stored +read):\n%s", want.Version, err, diff)
		}
		live, found, err := l.store.LiveGuarantee(t.Context(), r.ID)
		if err != nil || found != want.Status.Live() || (found && live.ID != want.ID) {
			t.Errorf("version %d, %s: live %t %s, %v", want.Version, want.Status, found, live.ID, err)
		}
	}
	if diff := l.guaranteesRead(r.ID); diff != "" {
		t.Error(diff)
	}

	refused := l.guarantee(r, company)
	l.must(l.tryGuarantee(refused))
	refused.Version, refused.Status, refused.AnsweredBy, refused.AnsweredAt = 2, loan.GuaranteeRefused, ledgerReleaser, ledgerStart
	refused.Answer = &loan.GuaranteeAnswer{Decision: loan.GuaranteeRefused, Counter: loan.CounterNone, Reason: strings.Repeat("外", loan.ReasonMax)}
	l.must(l.tryGuarantee(refused))
	all, err := l.store.GuaranteesOf(t.Context(), ledgerEverything, r.ID)
	if diff := cmp.Diff([]loan.GuaranteeRecord{refused, released}, all, asStored); err != nil || diff != "" {
		t.Errorf("%v, all of the case, newest first (-stored +read):\n%s", err, diff)
	}
}

// guaranteesRead says whom a case's guarantees are hidden from who should see them, and shown to who should not.
func (l *ledger) guaranteesRead(applicationID domain.ID) (wrong string) {
	l.t.Helper()
	company := l.guaranteeCompanyOf(applicationID)
	for _, c := range []struct {
		who   string
		scope domain.Scope
		sees  int
	}{
		{"its county", domain.Scope{BranchID: ledgerCounty}, 1},
		{"the head office", domain.Scope{BranchID: ledgerHead}, 1},
		{"another county", domain.Scope{BranchID: ledgerSibling}, 0},
		{"its borrower", domain.Scope{BorrowerID: ledgerBorrower(ledgerCounty)}, 1},
		{"another borrower", domain.Scope{BorrowerID: ledgerBorrower(ledgerSibling)}, 0},
		{"the company", domain.Scope{GuaranteeCompanyID: company}, 1},
		{"another company", domain.Scope{GuaranteeCompanyID: l.newID()}, 0},
		{"a company that claims everything", domain.Scope{GuaranteeCompanyID: company, Everything: true}, 0},
		{"a company that claims a branch", domain.Scope{GuaranteeCompanyID: company, BranchID: ledgerCounty}, 0},
		{"nobody", domain.Scope{}, 0},
	} {
		if all, err := l.store.GuaranteesOf(l.t.Context(), c.scope, applicationID); err != nil || len(all) != c.sees {
			wrong += fmt.Sprintf("%s sees %d guarantees (%v), want %d\n", c.who, len(all), err, c.sees)
		}
	}
	return wrong
}

func (l *ledger) guaranteeCompanyOf(applicationID domain.ID) (company domain.ID) {
	l.t.Helper()
	l.must(l.rows.QueryRowContext(l.t.Context(), "SELECT company_id FROM guarantees WHERE application_id = ?", applicationID).Scan(&company))
	return company
}

func TestTheDatabaseRefusesAGuaranteeThatCannotBe(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	company := l.addCompany("SDNDB", ledgerTerms("山东农担")).Record().ID
	r := l.addApplication(l.draft(ledgerCounty))
	first := l.guarantee(r, company)
	l.must(l.tryGuarantee(first))
	wantCode(t, "a second live one of a case", l.tryGuarantee(l.guarantee(r, company)), domain.KindConflict, "guarantee-exists")
	stale := first
	stale.Version = 3
	wantCode(t, "a version that was skipped", l.tryGuarantee(stale), domain.KindConflict, "stale-version")
	other := l.addApplication(l.draft(ledgerCounty))
	stranger := l.guarantee(other, l.newID())
	if err := l.tryGuarantee(stranger); err == nil || domain.CodeOf(err) != "" {
		t.Errorf("a company that is not there: %v, want the database to refuse it", err)
	}
	for what, set := range map[string]string{
		"more quota than was asked":       "quota_state = 'reserved', quota_held = amount + 0.01",
		"quota held and not reserved":     "quota_held = 1",
		"reserved and nothing held":       "quota_state = 'reserved'",
		"released and quota held":         "status = 'released', live_application_id = NULL, quota_state = 'reserved', quota_held = 1",
		"released and still live":         "status = 'released'",
		"accepted and nobody answered":    "status = 'accepted'",
		"a letter of more than was asked": "letter_amount = amount + 0.01",
		"a fee above the ceiling":         "fee_pct = fee_max_pct + 0.000001",
		"an unknown status":               "status = 'perhaps'",
		"an unknown state of the quota":   "quota_state = 'perhaps'",
		"quota below nothing":             "quota_held = -0.01",
		"nothing asked for":               "amount = 0",
	} {
		if _, err := l.rows.ExecContext(t.Context(), "UPDATE guarantees SET "+set+" WHERE id = ?", first.ID); err == nil {
			t.Errorf("%s: stored, want a CHECK to refuse it", what)
		}
	}
}

func TestAGuaranteeCompanyComesBackWithItsTermsAndItsHistory(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	terms := ledgerTerms(strings.Repeat("農", loan.GuaranteeNameRunesMax))
	terms.Until, terms.CompanySharePct = domain.MustParseDate("2199-12-31"), money.MustParseRate("79.999999")
	terms.Fees = []loan.GuaranteeFee{
		{Crop: loan.GuaranteeGrain, Below: money.MustParseAmount("300000.00"), Pct: money.MustParseRate("0.40")},
		{Crop: loan.GuaranteeOther, From: money.MustParseAmount("0.01"), Pct: money.MustParseRate("10")},
	}
	terms.Quotas = append(terms.Quotas, loan.GuaranteeQuota{
		RegionPrefix: "371503", Limit: money.MustParseAmount("9999999999999999.99"), From: domain.MustParseDate("2026-01-01"), Until: domain.MustParseDate("2026-12-31"),
	})
	c := l.addCompany("SDNDB", terms)
	wantStored := func(what string) {
		t.Helper()
		got, err := l.store.GuaranteeCompany(t.Context(), c.Record().ID)
		if diff := cmp.Diff(c.Record(), got, asStored); err != nil || diff != "" {
			t.Errorf("%s: %v, stored and read differ (-stored +read):\n%s", what, err, diff)
		}
	}
	wantStored("drafted")
	save := func(c *loan.GuaranteeCompany, event loan.GuaranteeCompanyEvent) error {
		return l.store.Update(t.Context(), func(tx origination.Tx) error { return tx.SaveGuaranteeCompany(t.Context(), c, event) })
	}
	second := ledgerKeeper
	second.ID = ledgerReleaser
	activated, err := c.Activate(second, ledgerStart)
	l.must(err)
	l.must(save(c, activated))
	wantStored("activated")
	proposed, err := c.Propose(ledgerKeeper, ledgerStart, ledgerTerms("山东农担"))
	l.must(err)
	l.must(save(c, proposed))
	wantStored("with a draft beside the terms in force")
	wantCode(t, "the same version again", save(c, proposed), domain.KindConflict, "stale-version")
	events, err := l.store.GuaranteeCompanyEvents(t.Context(), c.Record().ID)
	if err != nil || len(events) != 3 {
		t.Fatalf("%d events, %v; want 3", len(events), err)
	}
	if diff := cmp.Diff([]loan.GuaranteeCompanyEvent{activated, proposed}, events[1:], asStored); diff != "" {
		t.Errorf("the history (-stored +read):\n%s", diff)
	}

	twin, event, err := loan.NewGuaranteeCompany(ledgerKeeper, ledgerStart, l.newID(), "SDNDB", false, terms)
	l.must(err)
	err = l.store.Update(t.Context(), func(tx origination.Tx) error { return tx.InsertGuaranteeCompany(t.Context(), twin, event) })
	wantCode(t, "a code twice", err, domain.KindConflict, "guarantee-company-exists")
	_, err = l.store.GuaranteeCompany(t.Context(), l.newID())
	wantCode(t, "a company that is not there", err, domain.KindNotFound, "guarantee-company-not-found")
}

func TestAFileOfAnswersIsKeptOnceForEachCompany(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	company, other := l.addCompany("SDNDB", ledgerTerms("山东农担")).Record().ID, l.addCompany("HNNDB", ledgerTerms("河南农担")).Record().ID
	want := origination.GuaranteeAnswerFile{
		ID: l.newID(), CompanyID: company, File: origination.FileHash{1, 2, 0xff}, ImportedBy: ledgerOfficer, ImportedByName: "员工", ImportedAt: ledgerStart,
		Rows: []origination.GuaranteeRowResult{
			{Row: 2, GuaranteeID: l.newID(), Outcome: origination.GuaranteeRowRecorded},
			{Row: 4, Outcome: origination.GuaranteeRowRefused, Code: "invalid-fields", Detail: strings.Repeat("错", 500)},
		},
	}
	keep := func(f origination.GuaranteeAnswerFile) error {
		return l.store.Update(t.Context(), func(tx origination.Tx) error { return tx.InsertGuaranteeAnswerFile(t.Context(), f) })
	}
	l.must(keep(want))
	got, found, err := l.store.GuaranteeAnswerFile(t.Context(), company, want.File)
	if diff := cmp.Diff(want, got); !found || err != nil || diff != "" {
		t.Errorf("found %t, %v, kept and read differ (-kept +read):\n%s", found, err, diff)
	}
	again := want
	again.ID = l.newID()
	wantCode(t, "the same file again", keep(again), domain.KindConflict, "guarantee-file-exists")
	if _, found, err := l.store.GuaranteeAnswerFile(t.Context(), other, want.File); found || err != nil {
		t.Errorf("another company's same file: found %t, %v", found, err)
	}
	again.CompanyID = other
	l.must(keep(again))
}

// fillGuarantees gives each case of fillCases a guarantee, of three companies in turn, most of them released long ago, and a
// contract text with two parties, of whom one signed by a code. It returns a company.
func (l *ledger) fillGuarantees() (company domain.ID) {
	l.t.Helper()
	var companies []any
	for _, code := range []string{"SDNDB", "HNNDB", "HBNDB"} {
		companies = append(companies, l.addCompany(code, ledgerTerms("农担"+code)).Record().ID)
	}
	const filled = " FROM applications WHERE id LIKE '0189a%'"
	const few = filled + " AND id LIKE '%0'" // of what is only ever found by its case or its text
	const live = "(id LIKE '%0')"
	l.exec("INSERT INTO guarantees SELECT INSERT(id, 1, 5, '018a0'), id, branch_id, borrower_id, ELT(1 + CRC32(id) % 3, ?, ?, ?), region_code, product_code, amount,"+
		" term_months, 'other', 0.75, 200000, IF("+live+", IF(id LIKE '%00', 'requested', 'accepted'), 'released'), IF("+live+", id, NULL), officer_id, created_at,"+
		" 'accepted', '函', amount, 0.65, IF(id LIKE '%10', '2026-02-01', '2027-01-01'), '', 'none', '', '', officer_id, created_at, NULL, NULL, '',"+
		" IF("+live+", 'confirmed', 'released'), IF("+live+", amount, 0), 2"+filled, companies...)
	l.exec("INSERT INTO contract_texts SELECT INSERT(id, 1, 5, '018a1'), id, branch_id, borrower_id, 1, CONCAT('HT-', application_no), '2026-01-02', 'sample', 'x'," +
		" REPEAT('0', 64), 'x', REPEAT('0', 64), NULL, 0, officer_id, created_at" + few)
	for position, role := range []string{"borrower", "guarantor"} {
		l.exec("INSERT INTO contract_parties SELECT INSERT(id, 1, 5, ?), INSERT(id, 1, 5, '018a1'), branch_id, ?, ?, '王吉华', '王吉华', 'x', ''"+few,
			fmt.Sprintf("018a%d", 2+position), position, role)
	}
	l.exec("INSERT INTO signatures SELECT INSERT(id, 1, 5, '018a4'), INSERT(id, 1, 5, '018a1'), INSERT(id, 1, 5, '018a2'), id, branch_id, 'borrower', 'sms_code'," +
		" REPEAT('0', 64), '', NULL, '', officer_id, created_at" + few)
	l.exec("INSERT INTO signing_codes SELECT INSERT(id, 1, 5, '018a5'), INSERT(id, 1, 5, '018a1'), INSERT(id, 1, 5, '018a2'), id, branch_id, 'x', 0, TRUE, created_at, created_at" + few)
	l.exec("INSERT INTO cooling_off_waivers SELECT application_id, INSERT(application_id, 1, 5, '018a6'), branch_id, '愿', recorded_by, recorded_at FROM contracts WHERE application_id LIKE '%0'")
	l.exec("INSERT INTO guarantee_answer_files SELECT INSERT(id, 1, 5, '018a7'), ?, UNHEX(SHA2(id, 256)), '[]', officer_id, '员工', created_at"+few, companies[0])
	l.exec("ANALYZE TABLE borrowers, applications, contracts, branches, branch_ancestors, guarantees, contract_texts, contract_parties, signatures, signing_codes, cooling_off_waivers, guarantee_answer_files")
	id, ok := companies[0].(domain.ID)
	if !ok {
		l.t.Fatal("no company")
	}
	return id
}

func TestGuaranteesTextsAndSignaturesAreFoundByTheirIndexes(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	l.fillCases()
	company := l.fillGuarantees()
	r, _ := l.addSigned(ledgerCounty)
	g := l.guarantee(r, company)
	l.must(l.tryGuarantee(g))
	text := l.addText(l.contractText(r, 1))
	ctx := t.Context()
	for who, scope := range map[string]domain.Scope{
		"a branch": {BranchID: ledgerCounty}, "the head": {BranchID: ledgerHead}, "the borrower": {BorrowerID: r.BorrowerID},
		"the company": {GuaranteeCompanyID: company}, "a worker": ledgerEverything,
	} {
		l.wantFewReads("Guarantee for "+who, planReadsOfOne, func() error { _, err := l.store.Guarantee(ctx, scope, g.ID); return err })
		l.wantFewReads("GuaranteesOf for "+who, planReadsOfOne, func() error { _, err := l.store.GuaranteesOf(ctx, scope, r.ID); return err })
		if scope.GuaranteeCompanyID.IsZero() {
			l.wantFewReads("ContractText for "+who, planReadsOfOne, func() error { _, err := l.store.ContractText(ctx, scope, r.ID); return err })
		}
	}
	l.wantFewReads("LiveGuarantee", planReadsOfOne, func() error { _, _, err := l.store.LiveGuarantee(ctx, r.ID); return err })
	for _, status := range []loan.GuaranteeStatus{"", loan.GuaranteeRequested, loan.GuaranteeReleased} {
		for _, page := range []domain.Page{{Limit: domain.PageLimitDefault}, {Limit: domain.PageLimitMax, After: "018a0000-0000-7000-8000-000000000d00"}} {
			l.wantFewReads(fmt.Sprintf("GuaranteeCases %q, %+v", status, page), planReadsPerRow*page.Limit,
				func() error { _, err := l.store.GuaranteeCases(ctx, company, status, page); return err })
		}
	}
	l.wantFewReads("ExpiredGuarantees", planReadsPerRow*20, func() error {
		_, err := l.store.ExpiredGuarantees(ctx, domain.MustParseDate("2026-11-23"), "018a0000-0000-7000-8000-000000000d00", 20)
		return err
	})
	l.wantFewReads("GuaranteeAnswerFile", planReadsOfOne, func() error {
		_, _, err := l.store.GuaranteeAnswerFile(ctx, company, origination.FileHash{1})
		return err
	})
	l.wantFewReads("GuaranteeCompanyEvents", planReadsOfOne, func() error { _, err := l.store.GuaranteeCompanyEvents(ctx, company); return err })
	l.wantFewReads("Signatures", planReadsOfOne, func() error { _, err := l.store.Signatures(ctx, text.ID); return err })
	l.wantFewReads("SigningCodes", planReadsOfOne, func() error { _, err := l.store.SigningCodes(ctx, text.Parties[0].ID); return err })
	l.wantFewReads("Waiver", planReadsOfOne, func() error { _, _, err := l.store.Waiver(ctx, r.ID); return err })
	l.wantQuotaFromItsIndex(company, "")
	l.wantQuotaFromItsIndex(company, "371503")
}

// wantQuotaFromItsIndex wants the sum of a quota to be made from the entries of what holds quota, and from the index alone: it is
// made while the company's row is locked.
func (l *ledger) wantQuotaFromItsIndex(company domain.ID, region string) {
	l.t.Helper()
	holding := l.count("SELECT COUNT(*) FROM guarantees WHERE company_id = ? AND quota_held > 0", company)
	if holding < 100 {
		l.t.Fatalf("%d guarantees hold quota, want enough of them", holding)
	}
	connection := l.likeTheStores()
	defer connection.Close()
	for _, statement := range l.capture(func() error { _, err := l.store.GuaranteeQuotaHeld(l.t.Context(), company, region); return err }) {
		for _, step := range explain(l.t, connection, statement) {
			if step.key != "ix_guarantees_quota" || !strings.Contains(step.extra, "Using index") || strings.Contains(step.extra, "Using index condition") {
				l.t.Errorf("the quota held in %q is not read from its index alone (%s):\n%s", region, step, statement)
			}
		}
		if read := rowsRead(l.t, connection, statement); read > holding+10 {
			l.t.Errorf("the quota held in %q reads %d entries of the %d that hold some:\n%s", region, read, holding, statement)
		}
	}
}
