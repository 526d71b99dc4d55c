package repository_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
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

// ledgerReconciliation is one whose file is being read.
func (l *ledger) ledgerReconciliation(day domain.Date) loan.ReconciliationRecord {
	return loan.ReconciliationRecord{
		ID: l.newID(), BranchID: ledgerHead, BusinessDay: day, Format: "csv", Status: loan.ReconciliationImporting,
		ImportedBy: ledgerReleaser, ImportedByName: "李放款", ImportedAt: ledgerStart, Version: 1,
	}
}

// conclude ends the import of a file in which a payment of the amount is found that nobody knows.
func (l *ledger) conclude(rec loan.ReconciliationRecord, sha256 string, amount money.Amount) (loan.ReconciliationRecord, error) {
	l.t.Helper()
	r, err := loan.RestoreReconciliation(rec)
	l.must(err)
	l.must(r.Conclude(sha256, loan.ReconciliationTotals{CountThere: 1, There: amount}, 0, []loan.Difference{{AmountThere: amount}}))
	return r.Record(), l.store.Update(l.t.Context(), func(tx origination.Tx) error { return tx.SaveReconciliation(l.t.Context(), r) })
}

func TestAReconciliationComesBackAsItWasStoredAndADayAndAFileCountOnce(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	ctx := t.Context()
	today := domain.DateOf(ledgerStart)
	first, sameDay, sameFile := l.ledgerReconciliation(today), l.ledgerReconciliation(today), l.ledgerReconciliation(today.AddDays(-1))
	first.BusinessDay, first.ImportedByName, first.ImportedAt = today, strings.Repeat("𠮷", 100), lastTime
	l.update(func(tx origination.Tx) error {
		return errors.Join(tx.InsertReconciliation(ctx, first), tx.InsertReconciliation(ctx, sameDay), tx.InsertReconciliation(ctx, sameFile))
	})
	if _, err := l.store.Reconciliation(ctx, ledgerEverything, first.ID); domain.CodeOf(err) != "reconciliation-not-found" {
		t.Errorf("read while its file is being read: got %v, want reconciliation-not-found", err)
	}
	hash := strings.Repeat("a", loan.SHA256HexLength)
	concluded, err := l.conclude(first, hash, mostMoney)
	l.must(err)
	got, err := l.store.Reconciliation(ctx, ledgerEverything, first.ID)
	l.must(err)
	if diff := cmp.Diff(concluded, got); diff != "" {
		t.Errorf("reconciliation (-saved +read):\n%s", diff)
	}
	for what, c := range map[string]struct {
		rec  loan.ReconciliationRecord
		hash string
		code string
	}{
		"from the version before": {first, strings.Repeat("b", 64), "stale-version"},
		"another of its day":      {sameDay, strings.Repeat("b", 64), "day-already-imported"},
		"another of its file":     {sameFile, hash, "day-file-known"},
	} {
		if _, err := l.conclude(c.rec, c.hash, mostMoney); domain.CodeOf(err) != c.code {
			t.Errorf("%s: got %v, want %s", what, err, c.code)
		}
	}
	if found, is, err := l.store.ReconciliationOfFile(ctx, ledgerEverything, hash); err != nil || !is || found.ID != first.ID {
		t.Errorf("of its file: %+v, %t, %v; want it", found, is, err)
	}
	for name, scope := range map[string]domain.Scope{"a county": {BranchID: ledgerCounty}, "nobody": {}} {
		if _, err := l.store.Reconciliation(ctx, scope, first.ID); domain.CodeOf(err) != "reconciliation-not-found" {
			t.Errorf("read by %s: got %v, want reconciliation-not-found", name, err)
		}
		if list, err := l.store.Reconciliations(ctx, scope, "", domain.Page{Limit: 10}); err != nil || len(list) != 0 {
			t.Errorf("listed for %s: %v, %v; want none", name, list, err)
		}
	}
	l.wantCaseKept(first.ID)
}

// wantCaseKept stores a difference at its limits, resolves it, and resolves it again from the version before.
func (l *ledger) wantCaseKept(reconciliationID domain.ID) {
	l.t.Helper()
	ctx := l.t.Context()
	found := loan.ReconciliationCaseRecord{
		ID: l.newID(), ReconciliationID: reconciliationID, BranchID: ledgerHead, OwnerID: ledgerReleaser, OwnerName: strings.Repeat("𠮷", 100),
		Difference: loan.Difference{
			Kind: loan.DifferenceAmount, Row: 2_000_000_000, TransferID: l.newID(), EndToEndID: strings.Repeat("x", 70), AmountThere: mostMoney,
			AmountHere: mostMoney, Note: strings.Repeat("说", 200),
		},
		DueOn: lastDay, Status: loan.ReconciliationCaseOpen, OpenedAt: lastTime, Version: 1,
	}
	l.update(func(tx origination.Tx) error {
		return tx.InsertReconciliationCases(ctx, []loan.ReconciliationCaseRecord{found})
	})
	resolved := found
	resolved.Status, resolved.Explanation, resolved.ResolvedBy, resolved.ResolvedAt = loan.ReconciliationCaseResolved, strings.Repeat("查", 500), ledgerOfficer, lastTime
	resolved.Version++
	save := func() error {
		return l.store.Update(ctx, func(tx origination.Tx) error { return tx.SaveReconciliationCase(ctx, resolved) })
	}
	l.must(save())
	if err := save(); domain.CodeOf(err) != "stale-version" {
		l.t.Errorf("resolved from the version before: got %v, want stale-version", err)
	}
	got, err := l.store.ReconciliationCase(ctx, reconciliationID, found.ID)
	l.must(err)
	if diff := cmp.Diff(resolved, got); diff != "" {
		l.t.Errorf("case (-saved +read):\n%s", diff)
	}
	if _, err := l.store.ReconciliationCase(ctx, found.ID, found.ID); domain.CodeOf(err) != "reconciliation-case-not-found" {
		l.t.Errorf("a case of another reconciliation: got %v, want reconciliation-case-not-found", err)
	}
}
