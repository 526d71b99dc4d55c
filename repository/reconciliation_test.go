package repository_test

import (
	"context"
	"testing"
	"time"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/origination"
	"fumin/domain/paymentfile"
)

func TestADayIsReconciledByIndexes(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	entries := l.loadPayments(planRows)
	rec := loan.ReconciliationRecord{
		ID: l.newID(), BranchID: ledgerHead, BusinessDay: domain.DateOf(ledgerStart), Format: "csv", Status: loan.ReconciliationImporting,
		ImportedBy: ledgerReleaser, ImportedByName: "李放款", ImportedAt: ledgerStart, Version: 1,
	}
	rows := make([]loan.DayPayment, len(entries))
	for i, e := range entries {
		rows[i] = loan.DayPayment{Row: i + 1, EndToEndID: e.EndToEndID, TransferID: paymentfile.TransferIDOf(e.EndToEndID), Amount: e.Amount}
	}
	l.update(func(tx origination.Tx) error {
		if err := tx.InsertReconciliation(t.Context(), rec); err != nil {
			return err
		}
		return tx.InsertDayPayments(t.Context(), rec, rows)
	})
	l.exec("ANALYZE TABLE reconciliation_entries")
	connection, err := l.rows.Conn(t.Context())
	l.must(err)
	defer func() { _ = connection.Close() }()
	ids := []domain.ID{rows[0].TransferID, rows[1].TransferID}
	after := origination.SucceededKey{SettledAt: ledgerStart, ID: rows[0].TransferID}
	for name, read := range map[string]func(ctx context.Context) error{
		"DayPayments":    func(ctx context.Context) error { _, err := l.store.DayPayments(ctx, rec.ID, 500, 100); return err },
		"SeenInDayFiles": func(ctx context.Context) error { _, err := l.store.SeenInDayFiles(ctx, rec.ID, ids); return err },
		"OwnPayments":    func(ctx context.Context) error { _, err := l.store.OwnPayments(ctx, ids); return err },
		"SucceededBetween": func(ctx context.Context) error {
			_, err := l.store.SucceededBetween(ctx, ledgerStart, ledgerStart.Add(time.Hour), after, 100)
			return err
		},
		"InPaymentFile": func(ctx context.Context) error { _, err := l.store.InPaymentFile(ctx, ids[0]); return err },
	} {
		for _, statement := range l.capture(func() error { return read(t.Context()) }) {
			for _, step := range explain(t, connection, statement) {
				if step.access == "ALL" && step.rows > 100 {
					t.Errorf("%s scans: %s\n%s", name, step, statement)
				}
			}
		}
	}
}
