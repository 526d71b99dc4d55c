package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/uuid"

	"fumin/domain"
	"fumin/domain/money"
	"fumin/scripts/drive"
)

const reportUsage = `Measures reports over a large book of paid loans, which it writes straight into a database of its own:

  csv, xlsx, parquet   fumin report disbursement-ledger, the whole book to a file, with its largest resident memory
  mariadb --batch      the database's own client, the same query to a file, in turns with the CSV
  first byte           of a day's CSV streamed over HTTP
  list page            a page of the same data over HTTP while an export of the whole book runs

Flags:
`

// ledgerFirst and ledgerStep spread a million payments over about nine months.
var ledgerFirst = time.Date(2026, 1, 1, 1, 0, 0, 0, time.UTC)

const (
	ledgerStep    = 25 * time.Second
	ledgerBorrows = 200
	pageReadsMax  = 100_000
	streamedDays  = 10 // about 38,000 rows: what may be streamed at once
)

func runReport(ctx context.Context, arguments []string, out io.Writer) (err error) {
	flags := flag.NewFlagSet("bench report", flag.ContinueOnError)
	flags.SetOutput(out)
	rows := flags.Int("rows", 1_000_000, "how many payments")
	turns := flags.Int("turns", 2, "how often the CSV and the database's client are measured, in turns")
	program := flags.String("program", "bin/fumin", "the service's program")
	dir := flags.String("dir", "", "where the database is made and removed again")
	flags.Usage = func() { drive.Say(out, "%s", reportUsage); flags.PrintDefaults() }
	if err := flags.Parse(arguments); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	if *rows < 1 || *rows > 10_000_000 || *turns < 1 || *turns > 20 || flags.NArg() > 0 {
		return errors.New("-rows from 1 to 10,000,000, -turns from 1 to 20")
	}
	temporary, err := os.MkdirTemp(*dir, "fumin-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temporary)) }()
	path, err := filepath.Abs(*program)
	if err != nil {
		return err
	}
	site, err := drive.NewSite(ctx, drive.SiteOptions{Program: path, Dir: temporary})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, site.Close()) }()
	if err := site.Serve(ctx); err != nil {
		return err
	}
	db, err := sql.Open("mysql", site.Database.DSN("fumin")+"?interpolateParams=true&maxAllowedPacket=0")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := machine(ctx, out, db, temporary); err != nil {
		return err
	}
	b := reportBench{site: site, db: db, dir: temporary, rows: *rows, out: out}
	return b.measure(ctx, *turns)
}

// reportBench measures one book.
type reportBench struct {
	site *drive.Site
	db   *sql.DB
	dir  string
	rows int
	out  io.Writer
}

func (b reportBench) measure(ctx context.Context, turns int) error {
	if err := b.load(ctx); err != nil {
		return err
	}
	for range turns {
		plain, err := b.client(ctx)
		if err != nil {
			return err
		}
		ours, err := b.file(ctx, "csv")
		if err != nil {
			return err
		}
		drive.Say(b.out, "ratio of the rates, csv to mariadb --batch: %.2f\n", plain.Seconds()/ours.Seconds())
	}
	for _, format := range []string{"xlsx", "parquet"} {
		if _, err := b.file(ctx, format); err != nil {
			return err
		}
	}
	return b.overHTTP(ctx)
}

func (b reportBench) load(ctx context.Context) error {
	service, err := newServiceSide(ctx, b.site, ledgerBorrows)
	if err != nil {
		return err
	}
	ledger := drive.Ledger{
		Loans: b.rows, First: ledgerFirst, Step: ledgerStep,
		Amount: func(i int) money.Amount { return money.Fen(1_000_001 + int64(i)*7_919%29_000_000) },
	}
	for _, borrower := range service.borrowers {
		ledger.Borrowers = append(ledger.Borrowers, borrower.id)
	}
	rows, err := b.db.QueryContext(ctx, "SELECT id FROM branches WHERE level = 'county' ORDER BY code")
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return err
		}
		ledger.Branches = append(ledger.Branches, id)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for username, id := range map[string]*string{benchOfficer: &ledger.StaffID, benchReleaser: &ledger.ReleaserID} {
		if err := b.db.QueryRowContext(ctx, "SELECT id FROM users WHERE username = ?", username).Scan(id); err != nil {
			return err
		}
	}
	began := time.Now()
	if err := ledger.Load(ctx, b.db, func(int) {}); err != nil {
		return err
	}
	if _, err := b.db.ExecContext(ctx, "ANALYZE TABLE applications, transfers, disbursements"); err != nil {
		return err
	}
	drive.Say(b.out, "loaded %d payments in %.1f s\n\n", b.rows, time.Since(began).Seconds())
	return nil
}

func (b reportBench) days() (from, to string) {
	const day = "2006-01-02"
	beijing := time.FixedZone("Beijing", 8*60*60)
	return ledgerFirst.In(beijing).Format(day), ledgerFirst.Add(time.Duration(b.rows) * ledgerStep).In(beijing).Format(day)
}

// clientQuery is what `fumin report disbursement-ledger` reads, in one statement.
const clientQuery = `SELECT o.code, o.name, a.application_no, a.product_code, a.region_code, CONCAT(LEFT(b.name, 1), '**'), t.id,
  DATE_FORMAT(DATE_ADD(t.settled_at, INTERVAL 8 HOUR), '%Y-%m-%d %H:%i:%s'), CONCAT(LEFT(t.payee_name, 1), '**'), t.payee_account_last4, t.method,
  t.channel_reference, t.amount
FROM branches o JOIN transfers t FORCE INDEX (ix_transfers_branch_settled) ON t.branch_id = o.id
JOIN applications a ON a.id = t.application_id JOIN borrowers b ON b.id = t.borrower_id
WHERE t.status = 'succeeded' AND t.settled_at IS NOT NULL ORDER BY o.code, t.settled_at, t.id`

// client measures the database's own client.
func (b reportBench) client(ctx context.Context) (time.Duration, error) {
	file, err := os.Create(filepath.Join(b.dir, "client.tsv"))
	if err != nil {
		return 0, err
	}
	defer func() { _ = file.Close() }()
	command := exec.CommandContext(ctx, "mariadb", "--no-defaults", "--batch", "--quick", "--socket="+b.site.Database.Socket(), "--user=root",
		"--default-character-set=utf8mb4", "fumin", "--execute="+clientQuery)
	command.Stdout, command.Stderr = file, os.Stderr
	began := time.Now()
	if err := command.Run(); err != nil {
		return 0, fmt.Errorf("mariadb --batch: %w", err)
	}
	took := time.Since(began)
	drive.Say(b.out, "%-16s %6.1f s  %9.0f rows/s\n", "mariadb --batch", took.Seconds(), float64(b.rows)/took.Seconds())
	return took, nil
}

// file measures one format of the command line.
func (b reportBench) file(ctx context.Context, format string) (time.Duration, error) {
	from, to := b.days()
	path := filepath.Join(b.dir, "ledger."+format)
	command := b.site.Command(ctx, "report", "disbursement-ledger", "-format", format, "-from", from, "-to", to, "-as-of", to, "-output", path)
	began := time.Now()
	if output, err := command.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("fumin report: %w: %s", err, output)
	}
	took := time.Since(began)
	size, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	drive.Say(b.out, "%-16s %6.1f s  %9.0f rows/s  %4d MiB file  %4d MiB resident at most\n", "fumin "+format, took.Seconds(),
		float64(b.rows)/took.Seconds(), size.Size()>>20, largestResident(command.ProcessState)>>20)
	return took, os.Remove(path)
}

// overHTTP measures the first byte of a streamed day, and pages of the same data while an export of all of it runs.
func (b reportBench) overHTTP(ctx context.Context) error {
	manager, _, err := b.site.Service.Login(ctx, "manager-3715", b.site.Password)
	if err != nil {
		return err
	}
	from, to := b.days()
	last, err := domain.ParseDate(to)
	if err != nil {
		return err
	}
	days := fmt.Sprintf("?from=%s&to=%s&as_of=%s", last.AddDays(-streamedDays), to, to)
	var first []time.Duration
	for range 20 {
		took, err := manager.FirstByte(ctx, "/v1/reports/disbursement-ledger/file"+days+"&format=csv")
		if err != nil {
			return err
		}
		first = append(first, took)
	}
	slices.Sort(first)
	drive.Say(b.out, "\nfirst byte of a streamed CSV: median %.0f ms, worst of 20 %.0f ms\n", milliseconds(first[10]), milliseconds(first[19]))

	type job struct {
		ID     string `json:"id"`
		Status string `json:"status"`
	}
	export := drive.Call{
		Method: http.MethodPost, Path: "/v1/exports", Key: uuid.NewString(),
		Body: map[string]any{"report": "disbursement-ledger", "format": "xlsx", "from": from, "to": to, "as_of": to},
	}
	running, err := drive.Ask[job](ctx, manager, export, http.StatusAccepted)
	if err != nil {
		return err
	}
	pages := map[string][]time.Duration{}
	paths := []string{
		"/v1/reports/disbursement-ledger/rows" + fmt.Sprintf("?from=%s&to=%s&as_of=%s", from, to, to) + "&limit=50", "/v1/disbursements?limit=50",
	}
	began := time.Now()
	for n := 0; n < pageReadsMax && running.Status != "succeeded"; n++ {
		for _, path := range paths {
			start := time.Now()
			if _, err := drive.Ask[map[string]any](ctx, manager, drive.Read(path), http.StatusOK); err != nil {
				return err
			}
			pages[path] = append(pages[path], time.Since(start))
		}
		if running, err = drive.Ask[job](ctx, manager, drive.Read("/v1/jobs/"+running.ID), http.StatusOK); err != nil {
			return err
		}
		if running.Status == "failed" || running.Status == "cancelled" {
			return fmt.Errorf("the export is %s", running.Status)
		}
	}
	drive.Say(b.out, "an XLSX export of the whole book as a job: %.1f s, read meanwhile:\n", time.Since(began).Seconds())
	for _, path := range paths {
		taken := pages[path]
		slices.Sort(taken)
		drive.Say(b.out, "  %-24.24s %5d pages, median %5.1f ms, p99 %5.1f ms\n", path[len("/v1/"):], len(taken),
			milliseconds(taken[len(taken)/2]), milliseconds(taken[len(taken)*99/100]))
	}
	return nil
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
