package drive

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"fumin/domain/money"
)

// Ledger is a book of paid loans that is written straight into the database: for measuring what reads it. The borrowers are
// real; the loans are rows that only a reader can tell from real ones.
type Ledger struct {
	Loans      int
	Borrowers  []string // ids the loans are spread over
	Branches   []string // ids the loans are spread over
	StaffID    string   // of an officer; ReleaserID is of another person
	ReleaserID string
	First      time.Time     // when the first was paid
	Step       time.Duration // between one payment and the next
	Amount     func(i int) money.Amount
}

// ledgerBatch is how many loans one statement writes.
const ledgerBatch = 2_000

// ledgerTables are the rows of one loan: the table, its columns, and the values by the loan's place.
type ledgerTable struct {
	name, columns string
	values        func(l Ledger, i int) []any
}

func ledgerID(kind, i int) string { return fmt.Sprintf("019a0000-%04x-7000-8000-%012x", kind, i) }

const (
	kindApplication = iota + 1
	kindDisbursement
	kindTransfer
)

var ledgerTables = []ledgerTable{
	{
		"applications", `id, application_no, branch_id, officer_id, borrower_id, region_code, product_code, amount, term_months,
		repayment_method, purpose, purpose_note, bureau_confirmation_no, status, approved_amount, approved_term_months,
		approved_rate_pct, approved_at, version, created_at, updated_at`,
		func(l Ledger, i int) []any {
			at, amount := l.at(i), l.Amount(i).String()
			return []any{
				ledgerID(kindApplication, i), fmt.Sprintf("LB-%09d", i), l.branch(i), l.StaffID, l.borrower(i), "371522001001", "PHXWXYD", amount, 12,
				"equal_instalment", "working_capital", "", "", "disbursed", amount, 12, "5.45", at, 4, at, at,
			}
		},
	},
	{
		"disbursements", `id, application_id, branch_id, borrower_id, amount, status, requested_by, requested_at, released_by, released_at, settled_at, version`,
		func(l Ledger, i int) []any {
			at := l.at(i)
			return []any{
				ledgerID(kindDisbursement, i), ledgerID(kindApplication, i), l.branch(i), l.borrower(i), l.Amount(i).String(),
				"succeeded", l.StaffID, at, l.ReleaserID, at, at, 4,
			}
		},
	},
	{
		"transfers", `id, disbursement_id, application_id, branch_id, borrower_id, number, method, amount, reversed_amount, payee_name,
		payee_account_cipher, payee_account_last4, payee_bank_name, document_reference, document_sha256, status, sent_at, settled_at,
		channel_reference, failure_code, failure_reason, attempts, last_error, version`,
		func(l Ledger, i int) []any {
			at := l.at(i)
			return []any{
				ledgerID(kindTransfer, i), ledgerID(kindDisbursement, i), ledgerID(kindApplication, i), l.branch(i), l.borrower(i), 1, "self_payment",
				l.Amount(i).String(), "0.00", "王吉华", "sealed elsewhere", fmt.Sprintf("%04d", i%10_000), "聊城农商银行", "", "", "succeeded", at, at,
				fmt.Sprintf("CH%09d", i), "", "", 1, "", 4,
			}
		},
	},
}

func (l Ledger) at(i int) string {
	return l.First.Add(time.Duration(i) * l.Step).UTC().Format("2006-01-02 15:04:05.000000")
}
func (l Ledger) branch(i int) string   { return l.Branches[i%len(l.Branches)] }
func (l Ledger) borrower(i int) string { return l.Borrowers[i%len(l.Borrowers)] }

// ledgerWriters are the connections that write at once: while one waits for the database the other makes its statement.
const ledgerWriters = 2

// Load writes the book in batches of one statement a table, each batch in one transaction.
func (l Ledger) Load(ctx context.Context, db *sql.DB) error {
	share := (l.Loans + ledgerWriters - 1) / ledgerWriters
	failed := make(chan error, ledgerWriters)
	for writer := range ledgerWriters {
		go func() { failed <- l.write(ctx, db, min(writer*share, l.Loans), min((writer+1)*share, l.Loans)) }()
	}
	var err error
	for range ledgerWriters {
		err = errors.Join(err, <-failed)
	}
	return err
}

// write writes the loans of some places over a connection of its own.
func (l Ledger) write(ctx context.Context, db *sql.DB, first, end int) error {
	connection, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close() }()
	for _, setting := range []string{"SET SESSION unique_checks = 0", "SET SESSION foreign_key_checks = 0"} {
		if _, err := connection.ExecContext(ctx, setting); err != nil {
			return err
		}
	}
	for from := first; from < end; from += ledgerBatch {
		to := min(from+ledgerBatch, end)
		tx, err := connection.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		for _, table := range ledgerTables {
			if err := l.insert(ctx, tx, table, from, to); err != nil {
				_ = tx.Rollback() // the insert's error is the one to tell
				return fmt.Errorf("%s: %w", table.name, err)
			}
		}
		if err := tx.Commit(); err != nil {
			return err
		}
	}
	return nil
}

func (l Ledger) insert(ctx context.Context, tx *sql.Tx, table ledgerTable, from, to int) error {
	var arguments []any
	for i := from; i < to; i++ {
		arguments = append(arguments, table.values(l, i)...)
	}
	row := "(?" + strings.Repeat(",?", len(arguments)/(to-from)-1) + ")"
	_, err := tx.ExecContext(ctx, "INSERT INTO "+table.name+" ("+table.columns+") VALUES "+row+strings.Repeat(","+row, to-from-1), arguments...)
	return err
}
