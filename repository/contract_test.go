package repository_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
	"fumin/domain/schedule"
	"fumin/repository"
	"fumin/repository/storetest"
)

func repositoryCipher(l *ledger) *repository.Cipher { return repository.CipherOf(l.store) }

func TestAContractAndItsPlanComeBackAsTheyWereStored(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	most := money.MustParseAmount("9999999999999999.99")
	for _, c := range []struct {
		name   string
		change func(*loan.Contract)
		plan   func(loan.Contract) []loan.Instalment
	}{
		{"a plain one", func(*loan.Contract) {}, ledgerPlan},
		{
			"everything at its limit",
			func(c *loan.Contract) {
				c.ContractNo, c.APREffectivePct = strings.Repeat("😀", loan.ContractNoMax), strings.Repeat("9", 32)
				c.Amount, c.InterestTotal, c.FeesTotal, c.FeesUpfront = most, most, most, most
				c.AnnualRate, c.ReferenceRatePct = money.MustParseRate("999.999999"), money.MustParseRate("0.000001")
				c.SpreadPct, c.GuaranteeFeePct = money.MustParseRate("-999.999999"), money.MustParseRate("0.000001")
				c.SubsidyTotal, c.GuaranteeKind, c.PaymentMethod = most, "guarantee_company", loan.EntrustedPayment
				c.TextID, c.DocumentSHA256 = c.ApplicationID, strings.Repeat("a", loan.SHA256HexLength)
				c.CoolingOffHours, c.CoolingOffWaivable = 720, true
				c.SignedOn, c.ReferencePublished = domain.MustParseDate("2199-12-31"), domain.MustParseDate("1900-01-01")
				c.Payee.AccountName = borrower.MustParseName(strings.Repeat("𠮷", borrower.NameRunesMax))
				c.Payee.BankName = strings.Repeat("䶮", borrower.BankNameRunesMax)
				c.RecordedAt = time.Date(2199, 12, 31, 23, 59, 59, 999999000, time.UTC)
			},
			func(loan.Contract) []loan.Instalment {
				return []loan.Instalment{{
					Number: 1, DueOn: domain.MustParseDate("2199-12-31"), Days: 32767,
					OpeningBalance: most, Principal: most, Interest: most, Fees: most, Total: most, ClosingBalance: most,
				}}
			},
		},
		{
			"the longest plan",
			func(c *loan.Contract) { c.TermMonths = loan.TermMonthsMax },
			func(c loan.Contract) []loan.Instalment {
				plan := make([]loan.Instalment, schedule.PeriodsMax)
				for i := range plan {
					plan[i] = loan.Instalment{Number: i + 1, DueOn: c.SignedOn.AddDays(i), Days: 1, Principal: money.Fen(int64(i)), Total: money.Fen(int64(i))}
				}
				return plan
			},
		},
	} {
		r := approved(l.draft(ledgerCounty))
		r.Status = loan.StatusSigned
		l.addApplication(r)
		want := ledgerContract(r)
		c.change(&want)
		plan := c.plan(want)
		l.update(func(tx origination.Tx) error { return tx.InsertContract(t.Context(), want, plan) })
		got, err := l.store.Contract(t.Context(), ledgerEverything, r.ID)
		if diff := cmp.Diff(want, got, asStored); err != nil || diff != "" {
			t.Errorf("%s: %v, contract stored and read differ (-stored +read):\n%s", c.name, err, diff)
		}
		instalments, err := l.store.Instalments(t.Context(), ledgerEverything, r.ID)
		if diff := cmp.Diff(plan, instalments, asStored); err != nil || diff != "" {
			t.Errorf("%s: %v, plan stored and read differ (-stored +read):\n%s", c.name, err, diff)
		}
	}
}

func TestEveryMethodIsStoredInAContract(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	for _, method := range []schedule.Method{
		schedule.EqualInstalment, schedule.EqualPrincipal, schedule.InterestOnlyBullet, schedule.LumpSum, schedule.Seasonal, schedule.FlatAddOn,
	} {
		r := l.addApplication(l.draft(ledgerCounty))
		want := ledgerContract(r)
		want.RepaymentMethod = method
		l.update(func(tx origination.Tx) error { return tx.InsertContract(t.Context(), want, ledgerPlan(want)) })
		got, err := l.store.Contract(t.Context(), ledgerEverything, r.ID)
		if err != nil || got.RepaymentMethod != method {
			t.Errorf("%s: read %q, %v", method, got.RepaymentMethod, err)
		}
	}
}

func TestAContractNumberIsUsedOnce(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	_, first := l.addSigned(ledgerCounty)
	r := l.addApplication(l.draft(ledgerSibling))
	second := ledgerContract(r)
	second.ContractNo = first.ContractNo
	err := l.store.Update(t.Context(), func(tx origination.Tx) error { return tx.InsertContract(t.Context(), second, ledgerPlan(second)) })
	wantCode(t, "a contract number twice", err, domain.KindInvalid, "invalid-fields")
	if e, ok := errors.AsType[*domain.Error](err); ok {
		if len(e.Fields) != 1 || e.Fields[0].Pointer != "/contract_no" || e.Fields[0].Code != "contract-no-exists" {
			t.Errorf("a contract number twice: fields %+v, want contract-no-exists at /contract_no", e.Fields)
		}
	}
	if n := l.count("SELECT COUNT(*) FROM instalments WHERE application_id = ?", r.ID); n != 0 {
		t.Errorf("%d instalments without a contract", n)
	}

	// Numbers that a careless collation takes for equal are different ones.
	for _, number := range []string{"合同-a", "合同-A", "合同-𠮷", "合同-𬎆", "合同-😀", "合同-😁", "合同-é", "合同-e", "合同-ａ"} {
		c := ledgerContract(l.addApplication(l.draft(ledgerCounty)))
		c.ContractNo = number
		l.update(func(tx origination.Tx) error { return tx.InsertContract(t.Context(), c, ledgerPlan(c)) })
	}
}

func TestWhoHasNoContractReadsNotFound(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	r := l.addApplication(l.draft(ledgerCounty))
	_, err := l.store.Contract(t.Context(), ledgerEverything, r.ID)
	wantCode(t, "the contract of a draft", err, domain.KindNotFound, "contract-not-found")
	_, err = l.store.Instalments(t.Context(), ledgerEverything, r.ID)
	wantCode(t, "the plan of a draft", err, domain.KindNotFound, "contract-not-found")
}

func TestAContractThatCannotBeIsAnErrorOnRead(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	l.exec("ALTER TABLE contracts MODIFY amount DECIMAL(20,4) NOT NULL, MODIFY interest_total DECIMAL(20,4) NOT NULL, MODIFY annual_rate_pct DECIMAL(12,8) NOT NULL")
	l.exec("ALTER TABLE instalments MODIFY interest DECIMAL(20,4) NOT NULL")
	stranger, _ := l.addSigned(ledgerCounty)
	for _, c := range []struct{ name, set string }{
		{"a third decimal in the amount", "amount = 99500.001"},
		{"a third decimal in the interest", "interest_total = 0.001"},
		{"a seventh decimal in the rate", "annual_rate_pct = 3.6500001"},
		{"an unknown method", "repayment_method = 'barter'"},
		{"a day after all days", "signed_on = '2200-01-01'"},
		{"the account of another contract", "payee_account_cipher = (SELECT c FROM (SELECT payee_account_cipher c FROM contracts WHERE application_id = '" + stranger.ID.String() + "') o)"},
		{"an account in clear", "payee_account_cipher = '9040101070142050000123'"},
		{"no account", "payee_account_cipher = ''"},
		{"a name of one character", "payee_name = '王'"},
	} {
		r, _ := l.addSigned(ledgerCounty)
		l.exec("UPDATE contracts SET "+c.set+" WHERE application_id = ?", r.ID)
		if got, err := l.store.Contract(t.Context(), ledgerEverything, r.ID); err == nil || domain.CodeOf(err) != "" {
			t.Errorf("%s: Contract = %+v, %v; want an internal error", c.name, got, err)
		}
		if _, err := l.store.Instalments(t.Context(), ledgerEverything, r.ID); err == nil || domain.CodeOf(err) != "" {
			t.Errorf("%s: Instalments = %v; want an internal error", c.name, err)
		}
	}
	r, _ := l.addSigned(ledgerCounty)
	l.exec("UPDATE instalments SET interest = 0.005 WHERE application_id = ?", r.ID)
	if got, err := l.store.Instalments(t.Context(), ledgerEverything, r.ID); err == nil || domain.CodeOf(err) != "" {
		t.Errorf("an instalment of half a fen: %+v, %v; want an internal error", got, err)
	}
}

func TestRowsUnderAnotherKeysetAreAnErrorOnRead(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	r, _ := l.addSigned(ledgerCounty)
	d := l.addDisbursement(l.payment(r))
	decided := ledgerDecision(r)
	l.update(func(tx origination.Tx) error { return tx.InsertDecision(t.Context(), decided) })

	keys, err := repository.NewKeyFile()
	l.must(err)
	cipher, err := repository.NewCipher(keys)
	l.must(err)
	stranger, err := repository.Open(t.Context(), l.dsn, cipher, nil)
	l.must(err)
	t.Cleanup(func() { _ = stranger.Close() })
	_, errContract := stranger.Contract(t.Context(), ledgerEverything, r.ID)
	_, errDisbursement := stranger.TransferPayee(t.Context(), d.Transfers[0].ID)
	_, errDecision := stranger.Decision(t.Context(), ledgerEverything, decided.ID)
	for name, err := range map[string]error{"contract": errContract, "disbursement": errDisbursement, "decision": errDecision} {
		if err == nil || domain.CodeOf(err) != "" || !strings.Contains(err.Error(), "wrong keyset") {
			t.Errorf("%s under another keyset: %v, want an internal error that names the keyset", name, err)
		}
	}

	// A second node with the same keys reads everything.
	if _, err := storetest.Open(t, l.dsn).Contract(t.Context(), ledgerEverything, r.ID); err != nil {
		t.Errorf("a second node with the same keys: %v", err)
	}
}
