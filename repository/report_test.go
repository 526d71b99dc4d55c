package repository_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
	"fumin/domain/report"
	"fumin/domain/staff"
	"fumin/repository"
)

// reportPage is how many rows the plans are looked at for.
const reportPage = 20

func TestALedgerGoesByAnIndexHoweverFarItIsRead(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	l.update(func(tx origination.Tx) error {
		if err := tx.PutProduct(t.Context(), ledgerProduct("QLFMD")); err != nil {
			return err
		}
		_, err := tx.InsertProductVersion(t.Context(), ledgerVersion(l.newID(), "QLFMD", "37", "2022-02-01"))
		return err
	})
	l.fillForPlans()
	branch := staff.Branch{ID: ledgerTownship, Code: "37150301", Name: "冯官屯分理处"}
	from, to := domain.MustParseDate("2025-12-01"), domain.MustParseDate("2026-02-01")
	for _, code := range []report.Code{
		report.ApplicationLedger, report.DisbursementLedger, report.LineUse, report.GuaranteeLedger, report.InclusiveFlags,
	} {
		definition, _ := report.ByCode(code)
		for _, product := range []string{"", "QLFMD"} {
			q := report.Query{Report: code, AsOf: to, ProductCode: product}
			if definition.Period == report.PeriodRange {
				q.From, q.To = from, to
			}
			last, rows := "", 0
			read := func() error {
				_, err := l.store.ReportRows(t.Context(), q, branch, last, reportPage, func(r report.Row) error {
					last, rows = r.Key, rows+1
					return nil
				})
				return err
			}
			readsMax := planReadsPerRow * reportPage
			if code == report.InclusiveFlags {
				readsMax += planRows / 400 * reportPage // of each payment the lines of its borrower, who has as many in fillForPlans
			}
			l.wantFewReads(string(code)+" from its beginning", readsMax, read)
			l.wantFewReads(string(code)+" where it goes on", readsMax, read)
			if rows == 0 && (code == report.ApplicationLedger || code == report.DisbursementLedger) {
				t.Errorf("%s has no rows: nothing was looked at", code)
			}
		}
	}
}

func TestEveryReportHasASource(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	day := domain.MustParseDate("2026-02-01")
	for _, d := range report.All() {
		q := report.Query{Report: d.Code, AsOf: day}
		if d.Period == report.PeriodRange {
			q.From, q.To = day, day
		}
		n, err := l.store.ReportRows(t.Context(), q, staff.Branch{ID: ledgerTownship, Code: "37150301"}, "", 10, func(r report.Row) error {
			if len(r.Cells) != len(d.Columns) {
				t.Errorf("%s: a row of %d cells, want %d", d.Code, len(r.Cells), len(d.Columns))
			}
			return nil
		})
		if err != nil {
			t.Errorf("%s: %d rows, %v", d.Code, n, err)
		}
	}
}

// The amount of a guarantee is what had been asked for by the day, whatever was asked for since.
func TestAnEnlargedGuaranteeStandsInAPastReportAsItWas(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	r, _ := l.addSigned(ledgerCounty)
	asked := l.guarantee(r, l.addCompany("SDNDB", ledgerTerms("山东农担")).Record().ID)
	l.must(l.tryGuarantee(asked))
	g, err := loan.RestoreGuarantee(asked)
	l.must(err)
	more := asked.Request.Amount.Add(money.MustParseAmount("1000.00"))
	event := g.Enlarge(ledgerKeeper, ledgerStart.Add(48*time.Hour), more, asked.Request.TermMonths)
	l.update(func(tx origination.Tx) error { return tx.SaveGuarantee(t.Context(), g, event) })

	for day, want := range map[string]money.Amount{"2026-11-23": asked.Request.Amount, "2026-11-24": asked.Request.Amount, "2026-11-25": more} {
		q := report.Query{Report: report.GuaranteeLedger, AsOf: domain.MustParseDate(day)}
		n, err := l.store.ReportRows(t.Context(), q, staff.Branch{ID: ledgerCounty, Code: "371503"}, "", 10, func(row report.Row) error {
			if got := row.Cells[len(row.Cells)-1]; got != want.String() {
				t.Errorf("as of %s the guarantee is of %s, want %s", day, got, want)
			}
			return nil
		})
		if n != 1 || err != nil {
			t.Errorf("as of %s: %d rows (%v), want one", day, n, err)
		}
	}
}

func TestTheNamesOfADayAreFoundByAnIndex(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	l.fillDigits()
	l.exec(`INSERT INTO staff_events (id, subject, subject_id, branch_id, action, actor_id, actor_name, actor_role, at, detail)
		SELECT CONCAT('0189a000-0000-7000-8000-', LPAD(n, 12, '0')), 'user', ?, ?, 'login', ?, '员工', 'loan_officer', DATE_ADD('2026-12-01', INTERVAL n MINUTE), '[]' FROM `+numbers+` s`,
		ledgerOfficer, ledgerCounty, ledgerOfficer)
	l.exec("ANALYZE TABLE staff_events")
	l.wantFewReads("BranchNamesAsOf", planReadsOfOne, func() error {
		names, err := l.store.BranchNamesAsOf(t.Context(), ledgerStart)
		if len(names) != 0 {
			t.Errorf("%v were renamed, want none", names)
		}
		return err
	})
}

func TestExceptionsThatAreNotListedAreSaidToBeThere(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	r, _ := l.addSigned(ledgerCounty)
	for i := range 3 { // the oldest last
		l.exec(`INSERT INTO holds (id, application_id, branch_id, borrower_id, reason, until_at, placed_by, placed_at, release_reason, status, version)
			VALUES (?, ?, ?, ?, ?, '2027-01-01', ?, ?, '', 'live', 1)`,
			l.newID(), r.ID, r.BranchID, r.BorrowerID, fmt.Sprintf("第 %d 笔", i), l.newID(), ledgerStart.Add(-time.Duration(i)*time.Hour))
	}
	q, branch := report.Query{Report: report.ExceptionsAndHolds, AsOf: domain.DateOf(ledgerStart)}, staff.Branch{ID: ledgerCounty, Code: "371503"}
	for most, want := range map[int][]string{3: {"第 0 笔", "第 1 笔", "第 2 笔"}, 2: {"本机构此类异常超过 2 条，只列出最早的 2 条", "第 1 笔", "第 2 笔"}} {
		rows, err := repository.ExceptionRows(t.Context(), l.store, q, branch, most)
		var reasons []string
		for _, cells := range rows {
			reasons = append(reasons, cells[4])
		}
		if err != nil || !cmp.Equal(want, reasons) {
			t.Errorf("with at most %d of a kind the reasons are %q (%v), want %q", most, reasons, err, want)
		}
	}
}
