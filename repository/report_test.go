package repository_test

import (
	"testing"

	"fumin/domain"
	"fumin/domain/origination"
	"fumin/domain/report"
	"fumin/domain/staff"
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
			l.wantFewReads(string(code)+" from its beginning", planReadsPerRow*reportPage, read)
			l.wantFewReads(string(code)+" where it goes on", planReadsPerRow*reportPage, read)
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
