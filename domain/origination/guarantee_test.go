package origination_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
)

const sampleCompany = domain.ID("01900000-0000-7000-8000-004000000001")

func (w *world) companyOfficer() domain.Actor {
	return domain.Actor{ID: newID(), Name: "农担经办", Role: domain.RoleGuaranteeOfficer, BranchID: w.branch("3715"), GuaranteeCompanyID: sampleCompany}
}

// letter is an acceptance of all that was asked.
func letter(amount string) loan.GuaranteeAnswer {
	return loan.GuaranteeAnswer{
		Decision: loan.GuaranteeAccepted, LetterNo: "鲁农担函〔2026〕1178号", Amount: money.MustParseAmount(amount), FeePct: money.MustParseRate("0.65"),
		ExpiresOn: domain.MustParseDate("2027-02-22"), Counter: loan.CounterNone,
	}
}

// liveOf returns the live guarantee of a case, which must have one.
func (w *world) liveOf(rec loan.Record) loan.GuaranteeRecord {
	w.t.Helper()
	g, found, err := w.store.LiveGuarantee(w.t.Context(), rec.ID)
	w.must(err)
	if !found {
		w.t.Fatalf("application of %s has no live guarantee", rec.Request.Amount)
	}
	return g
}

// approvedAt takes a case to its approval by a person.
func (w *world) approvedAt(officer domain.Actor, amount string) loan.Record {
	w.t.Helper()
	rec := w.putIn(officer, amount)
	rec, err := w.applications.Approve(w.t.Context(), w.somebody(domain.RoleApprover), origination.ApproveApplication{ID: rec.ID})
	w.must(err)
	return rec
}

func (w *world) putIn(officer domain.Actor, amount string) loan.Record {
	w.t.Helper()
	rec, err := w.applications.Submit(w.t.Context(), officer, w.opened(officer, amount).ID)
	w.must(err)
	return rec
}

func (w *world) sign(officer domain.Actor, rec loan.Record) loan.Record {
	w.t.Helper()
	rec, err := w.applications.Sign(w.t.Context(), officer, origination.SignApplication{
		ID: rec.ID, ContractNo: "HT-" + rec.ApplicationNo, SignedOn: domain.DateOf(w.now()),
	})
	w.must(err)
	return rec
}

func (w *world) answered(rec loan.Record, answer loan.GuaranteeAnswer) loan.GuaranteeRecord {
	w.t.Helper()
	g, _, err := w.guarantees.Answer(w.t.Context(), w.companyOfficer(), w.liveOf(rec).ID, answer)
	w.must(err)
	return g
}

func (w *world) held(prefix string) string {
	w.t.Helper()
	sum, err := w.store.GuaranteeQuotaHeld(w.t.Context(), sampleCompany, prefix)
	w.must(err)
	return sum.String()
}

func TestALoanFromTheThresholdOnIsPaidOnlyOnALiveLetter(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		amount     string
		guaranteed bool
	}{{"99999.99", false}, {"100000.00", true}, {"100000.01", true}} {
		t.Run(c.amount, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			officer := w.somebody(domain.RoleLoanOfficer)
			rec := w.putIn(officer, c.amount)
			if c.guaranteed {
				if rec.Status != loan.StatusReviewing {
					t.Fatalf("submitted %s: %s, want a person to look, as there is no letter", c.amount, rec.Status)
				}
				var err error
				rec, err = w.applications.Approve(t.Context(), w.somebody(domain.RoleApprover), origination.ApproveApplication{ID: rec.ID})
				w.must(err)
				if got := w.held("3715"); got != c.amount {
					t.Errorf("quota held after approval: %s, want %s", got, c.amount)
				}
			} else if _, found, err := w.store.LiveGuarantee(t.Context(), rec.ID); found || err != nil || rec.Status != loan.StatusApproved {
				t.Fatalf("submitted %s: %s, guarantee %t, %v; want approved on credit", c.amount, rec.Status, found, err)
			}
			rec = w.sign(officer, rec)
			_, _, err := w.disbursements.Request(t.Context(), officer, key(), all(rec.ID))
			if got := domain.CodeOf(err); c.guaranteed && got != "guarantee-letter-required" {
				t.Fatalf("payment of %s without a letter: %v, want guarantee-letter-required", c.amount, err)
			}
			if !c.guaranteed {
				w.must(err)
				return
			}
			short := letter(money.MustParseAmount(c.amount).Sub(money.MustParseAmount("0.01")).String())
			w.answered(rec, short)
			_, _, err = w.disbursements.Request(t.Context(), officer, key(), all(rec.ID))
			wantCode(t, "payment of "+c.amount+" on a letter that is a fen short", err, "guarantee-not-covering")
			_, _, err = w.guarantees.Ask(t.Context(), officer, key(), origination.AskGuarantee{ApplicationID: rec.ID})
			w.must(err)
			w.answered(rec, letter(c.amount))
			if got := w.held("3715"); got != c.amount {
				t.Errorf("quota held after asking anew: %s, want %s", got, c.amount)
			}
			d, _, err := w.disbursements.Request(t.Context(), officer, key(), all(rec.ID))
			w.must(err)
			w.advance(92 * 24 * 3600 * 1e9) // the letter is over between the request and the release
			_, _, err = w.disbursements.Release(t.Context(), w.somebody(domain.RoleDisbursementOfficer), key(), d.ID)
			if domain.CodeOf(err) != "guarantee-letter-required" {
				t.Errorf("release after the letter's last day: %v, want guarantee-letter-required", err)
			}
		})
	}
}

func TestFiftyApprovalsAtOnceNeverTakeMoreThanTheQuotaOfSeven(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer, approver := w.somebody(domain.RoleLoanOfficer), w.somebody(domain.RoleApprover)
	w.limitQuota("371503", "700000.00")
	var cases []loan.Record
	for range 50 {
		cases = append(cases, w.putIn(officer, "100000.00"))
	}
	var mu sync.Mutex
	codes := map[string]int{}
	var group sync.WaitGroup
	start := make(chan struct{})
	for _, rec := range cases {
		group.Go(func() {
			<-start
			_, err := w.applications.Approve(t.Context(), approver, origination.ApproveApplication{ID: rec.ID})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				codes["approved"]++
			} else {
				codes[domain.CodeOf(err)]++
			}
		})
	}
	close(start)
	group.Wait()
	if want := map[string]int{"approved": 7, "guarantee-quota-exceeded": 43}; fmt.Sprint(codes) != fmt.Sprint(want) {
		t.Errorf("fifty approvals against a quota for seven: %v, want %v", codes, want)
	}
	if got := w.held("371503"); got != "700000.00" {
		t.Errorf("held: %s, want 700000.00", got)
	}
}

// limitQuota drafts and activates other terms: the same, with a quota for a region.
func (w *world) limitQuota(prefix, limit string) {
	w.t.Helper()
	company, err := w.store.GuaranteeCompany(w.t.Context(), sampleCompany)
	w.must(err)
	terms := *company.Terms
	terms.Quotas = append(slices.Clip(terms.Quotas), loan.GuaranteeQuota{
		RegionPrefix: prefix, Limit: money.MustParseAmount(limit), From: domain.MustParseDate("2026-01-01"),
	})
	_, err = w.guarantees.ChangeCompany(w.t.Context(), w.somebodyAt("3715", domain.RoleRiskManager), sampleCompany, company.Version, terms)
	w.must(err)
	_, err = w.guarantees.ActivateCompany(w.t.Context(), w.somebodyAt("3715", domain.RoleRiskManager), sampleCompany)
	w.must(err)
}

func TestALetterBehindAPaymentIsNotAskedAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	officer := w.somebody(domain.RoleLoanOfficer)
	rec := w.approvedAt(officer, "100000.00")
	given := w.answered(rec, letter("100000.00"))
	rec = w.sign(officer, rec)
	d, _, err := w.disbursements.Request(t.Context(), officer, key(), all(rec.ID))
	w.must(err)
	d, _, err = w.disbursements.Release(t.Context(), w.somebody(domain.RoleDisbursementOfficer), key(), d.ID)
	w.must(err)
	// More newer ones that came to nothing than a page of a list holds.
	w.execute("INSERT INTO disbursements (id, application_id, branch_id, borrower_id, tranche, amount, status, requested_by, requested_at, settled_at, version)"+
		" SELECT CONCAT('ffffffff-0000-7000-8000-', LPAD(n, 12, '0')), application_id, branch_id, borrower_id, 0, 1, 'cancelled', requested_by, requested_at, requested_at, 2"+
		" FROM disbursements JOIN "+upTo10000+" WHERE id = ? AND n <= ?", d.ID, domain.PageLimitMax)
	w.execute("INSERT INTO transfers (id, disbursement_id, application_id, branch_id, borrower_id, number, method, amount, reversed_amount, payee_name, payee_account_cipher, payee_account_last4, payee_bank_name, document_reference, document_sha256, status, settled_at, channel_reference, failure_code, failure_reason, attempts, last_error, version)"+
		" SELECT id, id, application_id, branch_id, borrower_id, 1, 'self_payment', amount, 0, '王吉华', '', '', '', '', '', 'cancelled', settled_at, '', '', '', 0, '', 2 FROM disbursements WHERE application_id = ? AND status = 'cancelled'", rec.ID)

	anew := origination.AskGuarantee{ApplicationID: rec.ID, CompanyID: sampleCompany}
	_, _, err = w.guarantees.Ask(t.Context(), officer, key(), anew)
	wantCode(t, "another letter while the payment is released", err, "payment-requested")
	if live := w.liveOf(rec); live.ID != given.ID || live.Status != loan.GuaranteeAccepted {
		t.Fatalf("live guarantee %s is %s, want the letter %s, accepted", live.ID, live.Status, given.ID)
	}
	_, err = w.disbursements.Cancel(t.Context(), w.somebody(domain.RoleDisbursementOfficer), d.ID, "改由另一家担保")
	w.must(err)
	_, _, err = w.guarantees.Ask(t.Context(), officer, key(), anew)
	w.must(err)
}
