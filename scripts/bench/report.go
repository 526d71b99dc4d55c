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
	"strings"
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

The aims are printed with the figures. They are those of a million rows on two cores that do nothing else; a machine that others
use as well says little about them.

Flags:
`

// reportAim is what a figure should come to.
type reportAim struct {
	what     string
	limit    float64
	atLeast  bool // or at most
	unit     string
	measured float64
}

func (a reportAim) String() string {
	direction, met := "at most", a.measured <= a.limit
	if a.atLeast {
		direction, met = "at least", a.measured >= a.limit
	}
	verdict := "missed"
	if met {
		verdict = "met"
	}
	return strings.TrimRight(fmt.Sprintf("  %-6s  %-58s %8.2f, %s %.2f %s", verdict, a.what, a.measured, direction, a.limit, a.unit), " ")
}

// The aims, in the order in which they are measured.
var (
	aimCSV       = reportAim{what: "CSV, rate to that of mariadb --batch", limit: 0.5, atLeast: true}
	aimXLSXSize  = reportAim{what: "XLSX, resident at most", limit: 250, unit: "MB"}
	aimXLSXTime  = reportAim{what: "XLSX", limit: 60, unit: "s"}
	aimFirstByte = reportAim{what: "first byte of a streamed CSV, worst of 20", limit: 300, unit: "ms"}
	aimPage      = reportAim{limit: 30, unit: "ms"} // of each list
)

// result is the aim with its figure.
func (a reportAim) result(measured float64) reportAim {
	a.measured = measured
	return a
}

// ledgerFirst and ledgerStep spread a million payments over about nine months.
var ledgerFirst = time.Date(2026, 1, 1, 1, 0, 0, 0, time.UTC)

const (
	ledgerStep    = 25 * time.Second
	ledgerBorrows = 200
	pageReadsMax  = 100_000
	streamedDays  = 10 // about 38,000 rows: what may be streamed at once
	benchManager  = "manager-3715"
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
	b := &reportBench{site: site, db: db, dir: temporary, rows: *rows, out: out}
	if err := b.measure(ctx, *turns); err != nil {
		return err
	}
	drive.Say(out, "\nthe aims, with %d rows:\n", *rows)
	for _, result := range b.results {
		drive.Say(out, "%s\n", result)
	}
	return nil
}

// reportBench measures one book.
type reportBench struct {
	site *drive.Site
	db   *sql.DB
	dir  string
	rows int
	out  io.Writer

	results []reportAim
}

func (b *reportBench) note(aim reportAim, measured float64) {
	b.results = append(b.results, aim.result(measured))
}

func (b *reportBench) measure(ctx context.Context, turns int) error {
	if err := b.load(ctx); err != nil {
		return err
	}
	var client, csv time.Duration
	for range turns {
		plain, err := b.client(ctx)
		if err != nil {
			return err
		}
		ours, _, err := b.file(ctx, "csv")
		if err != nil {
			return err
		}
		drive.Say(b.out, "ratio of the rates, csv to mariadb --batch: %.2f\n", plain.Seconds()/ours.Seconds())
		client, csv = client+plain, csv+ours
	}
	b.note(aimCSV, client.Seconds()/csv.Seconds())
	took, resident, err := b.file(ctx, "xlsx")
	if err != nil {
		return err
	}
	b.note(aimXLSXSize, float64(resident)/1e6)
	b.note(aimXLSXTime, took.Seconds())
	if _, _, err := b.file(ctx, "parquet"); err != nil {
		return err
	}
	if err := b.firstByte(ctx); err != nil {
		return err
	}
	return b.pagesBesideAnExport(ctx)
}

func (b *reportBench) load(ctx context.Context) error {
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
	drive.Say(b.out, "loading %d payments …\n", b.rows)
	began := time.Now()
	if err := ledger.Load(ctx, b.db); err != nil {
		return err
	}
	if _, err := b.db.ExecContext(ctx, "ANALYZE TABLE applications, transfers, disbursements"); err != nil {
		return err
	}
	drive.Say(b.out, "loaded in %.1f s\n\n", time.Since(began).Seconds())
	return nil
}

func (b *reportBench) days() (from, to string) {
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
func (b *reportBench) client(ctx context.Context) (time.Duration, error) {
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

// file measures one format of the command line: how long it took, and its largest resident memory in bytes.
func (b *reportBench) file(ctx context.Context, format string) (took time.Duration, resident int64, err error) {
	from, to := b.days()
	path := filepath.Join(b.dir, "ledger."+format)
	command := b.site.Command(ctx, "report", "disbursement-ledger", "-format", format, "-from", from, "-to", to, "-as-of", to, "-output", path)
	began := time.Now()
	if output, err := command.CombinedOutput(); err != nil {
		return 0, 0, fmt.Errorf("fumin report: %w: %s", err, output)
	}
	took = time.Since(began)
	size, err := os.Stat(path)
	if err != nil {
		return 0, 0, err
	}
	resident = largestResident(command.ProcessState)
	drive.Say(b.out, "%-16s %6.1f s  %9.0f rows/s  %4d MiB file  %4d MiB resident at most\n", "fumin "+format, took.Seconds(),
		float64(b.rows)/took.Seconds(), size.Size()>>20, resident>>20)
	return took, resident, os.Remove(path)
}

// firstByte measures how soon a streamed file begins.
func (b *reportBench) firstByte(ctx context.Context) error {
	manager, _, err := b.site.Service.Login(ctx, benchManager, b.site.Password)
	if err != nil {
		return err
	}
	_, to := b.days()
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
	b.note(aimFirstByte, milliseconds(first[19]))
	return nil
}

// pagesBesideAnExport reads pages of the same data while an export of all of it runs.
func (b *reportBench) pagesBesideAnExport(ctx context.Context) error {
	manager, _, err := b.site.Service.Login(ctx, benchManager, b.site.Password)
	if err != nil {
		return err
	}
	from, to := b.days()
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
		if len(taken) == 0 {
			return errors.New("the export was over before a page was read: ask for more rows")
		}
		slices.Sort(taken)
		aim, address := aimPage, strings.SplitN(path, "?", 2)[0]
		aim.what = address + ", p99 beside an export"
		b.note(aim, milliseconds(taken[len(taken)*99/100]))
		drive.Say(b.out, "  %-24.24s %5d pages, median %5.1f ms, p99 %5.1f ms\n", path[len("/v1/"):], len(taken),
			milliseconds(taken[len(taken)/2]), milliseconds(taken[len(taken)*99/100]))
	}
	return nil
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
