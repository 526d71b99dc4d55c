package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fumin/domain"
	"fumin/domain/report"
	"fumin/scripts/drive"
)

// buildProgram builds the service as ./scripts/bench.sh does.
func buildProgram(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "fumin")
	build := exec.CommandContext(t.Context(), "go", "build", "-tags=nomsgpack", "-buildvcs=false", "-o", program, "fumin")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build fumin: %v\n%s", err, output)
	}
	return program
}

// The two programs are only comparable when they leave the same behind.
func TestAPlainLoanWritesTheRowsThatALoanOverHTTPWrites(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	site, err := drive.NewSite(ctx, drive.SiteOptions{Program: buildProgram(t), Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := site.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := site.Serve(ctx, "FUMIN_WORKERS=off"); err != nil {
		t.Fatal(err)
	}
	service, err := newServiceSide(ctx, site, 2)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := newPlainSide(ctx, site, service)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := plain.close(); err != nil {
			t.Error(err)
		}
	}()
	if err := plain.clients(ctx, 2); err != nil {
		t.Fatal(err)
	}

	const loans = 6
	added := func(once func(context.Context, int) error) map[string]int {
		t.Helper()
		before := rowCounts(ctx, t, plain.db)
		for i := range loans {
			if err := once(ctx, i%2); err != nil {
				t.Fatal(err)
			}
		}
		after := rowCounts(ctx, t, plain.db)
		for table := range after {
			after[table] -= before[table]
		}
		return after
	}
	overHTTP, alone := added(service.once), added(plain.once)
	if diff := cmp.Diff(overHTTP, alone); diff != "" {
		t.Errorf("rows added by %d loans over HTTP (-) and by the plain program (+):\n%s", loans, diff)
	}
	if overHTTP["disbursements"] != loans || overHTTP["instalments"] != loans*benchTermMonths {
		t.Errorf("rows added by %d loans: %v, want %d disbursements and %d instalments", loans, overHTTP, loans, loans*benchTermMonths)
	}

	writesAReportWithAProgressBar(ctx, t, site, plain.db)

	var r result
	if err := r.window(ctx, processes{}, 2, 100*time.Millisecond, plain.once); err != nil {
		t.Fatal(err)
	}
	if len(r.took) == 0 || r.clock < 100*time.Millisecond {
		t.Errorf("a window of 100 ms has %d loans in %s, want some, in at least its length", len(r.took), r.clock)
	}
}

// writesAReportWithAProgressBar holds `fumin report` to what it says of itself, over the loans that are there.
func writesAReportWithAProgressBar(ctx context.Context, t *testing.T, site *drive.Site, db *sql.DB) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "ledger.csv")
	day := domain.DateOf(time.Now())
	run := func(arguments ...string) (out, shown string, err error) {
		var stdout, stderr strings.Builder
		command := site.Command(ctx, append([]string{"report"}, arguments...)...)
		command.Stdout, command.Stderr = &stdout, &stderr
		err = command.Run()
		return stdout.String(), stderr.String(), err
	}
	var loans int
	if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM applications").Scan(&loans); err != nil {
		t.Fatal(err)
	}
	from, to := day.AddDays(-1).String(), day.String() // the loans may be from before midnight
	out, shown, err := run("application-ledger", "-from", from, "-to", to, "-output", path)
	if bar := fmt.Sprintf("[%s] %d / %d", strings.Repeat("=", 40), loans, loans); err != nil || !strings.Contains(shown, bar) {
		t.Errorf("the progress is %q (%v), want it to end with %s", shown, err, bar)
	}
	content, err := os.ReadFile(path)
	rows := -1 // the heading
	for line := range strings.Lines(string(content)) {
		if !strings.HasPrefix(line, report.SubtotalMark) && !strings.HasPrefix(line, report.TotalMark) {
			rows++
		}
	}
	if err != nil || rows != loans || !strings.Contains(out, fmt.Sprintf("%d rows, SHA-256", loans)) {
		t.Errorf("it says %q of a file with %d rows (%v), want %d", out, rows, err, loans)
	}
	for refused, arguments := range map[string][]string{
		"没有名为“salaries”的报表":                {"salaries"},
		"没有“salary”这一列":                    {"application-ledger", "-from", from, "-to", to, "-columns", "salary"},
		"还没有到":                             {"application-ledger", "-from", from, "-to", day.AddDays(1).String()},
		"起止日期最多相隔":                         {"application-ledger", "-from", day.AddMonths(-1200).String(), "-to", to},
		`no branch with the code "no-one"`: {"application-ledger", "-from", from, "-to", to, "-branch", "no-one"},
		`no format "pdf"`:                  {"application-ledger", "-format", "pdf"},
	} {
		if _, said, err := run(append(arguments, "-output", filepath.Join(dir, "refused"))...); err == nil || !strings.Contains(said, refused) {
			t.Errorf("fumin report %s: %q (%v), want a refusal that says %s", strings.Join(arguments, " "), said, err, refused)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("%v are left (%v), want the one file", entries, err)
	}
}

// rowCounts counts the rows of every table a loan writes to.
func rowCounts(ctx context.Context, t *testing.T, db *sql.DB) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, table := range []string{
		"applications", "events", "decisions", "contracts", "instalments", "disbursements", "credit_lines", "idempotency_keys", "borrowers",
	} {
		var n int
		if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+table).Scan(&n); err != nil {
			t.Fatal(err)
		}
		counts[table] = n
	}
	return counts
}

func testLoan() loan {
	return loan{
		Borrower: "b-1", Household: "h-1", Confirmation: "BZ-1", Contract: "HT-1", OpenKey: "k-1", RequestKey: "k-2", ReleaseKey: "k-3",
		Application: "a-1", ApplicationNo: "LA-1", Decision: "d-1", Disbursement: "p-1",
	}
}

// everyVariable is a statement that has every value of testLoan.
const everyVariable = "INSERT INTO t VALUES ('b-1','h-1','BZ-1','HT-1','k-1','k-2','k-3','a-1','LA-1','d-1','p-1')"

func TestALoansStatementsAreReadFromTheLogInOrder(t *testing.T) {
	t.Parallel()
	log := strings.Join([]string{
		"/usr/sbin/mariadbd, Version: 10.11 started with:", "Tcp port: 0  Unix socket: s", "Time\t\t    Id Command\tArgument",
		"261123 21:20:07\t    12 Query\tSET GLOBAL general_log = 1",
		"\t\t     7 Query\tSTART TRANSACTION",
		"261123  9:20:08\t     7 Query\t" + everyVariable,
		"\t\t     7 Query\tSELECT * FROM t WHERE id = 'a-1' AND other = 'a-1' FOR UPDATE",
		"\t\t     7 Query\tCOMMIT",
		"\t\t     9 Quit\t", "",
	}, "\n")
	statements, _, err := readStatements([]byte(log), testLoan())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range statements {
		got = append(got, fmt.Sprintf("%d variables, reads %t: %s", len(s.variables), s.reads, strings.Join(s.pieces, "§")))
	}
	want := []string{
		"0 variables, reads false: START TRANSACTION",
		"11 variables, reads false: INSERT INTO t VALUES ('§','§','§','§','§','§','§','§','§','§','§')",
		"2 variables, reads true: SELECT * FROM t WHERE id = '§' AND other = '§' FOR UPDATE",
		"0 variables, reads false: COMMIT",
	}
	if !slices.Equal(got, want) {
		t.Errorf("statements:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// An id that the service made for the loan, and that no answer names, varies as well; one that is older does not.
func TestIDsTheServiceMadeForTheLoanVary(t *testing.T) {
	t.Parallel()
	const older, application, made = "01900000-0000-7000-8000-000000000001", "01950000-0000-7000-8000-000000000001", "01950000-0000-7000-8000-000000000002"
	l := testLoan()
	l.Application = application
	log := "\t\t     7 Query\tSTART TRANSACTION\n\t\t     7 Query\t" + strings.Replace(everyVariable, "a-1", application, 1) +
		"\n\t\t     7 Query\tINSERT INTO s VALUES ('" + made + "','" + older + "','" + made + "')\n\t\t     7 Query\tCOMMIT\n"
	statements, others, err := readStatements([]byte(log), l)
	if err != nil || others != 1 {
		t.Fatalf("got %d other ids, %v; want one", others, err)
	}
	if got := strings.Join(statements[2].pieces, "§"); got != "INSERT INTO s VALUES ('§','"+older+"','§')" {
		t.Errorf("got %s, want the new id cut out and the older one kept", got)
	}
}

func TestACaptureThatCannotBeALoansIsRefused(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string][]string{
		"prepared statements":             {"\t\t     7 Prepare\tSELECT ?"},
		"a transaction inside another":    {"\t\t     7 Query\tSTART TRANSACTION", "\t\t     8 Query\tSTART TRANSACTION"},
		"a commit of nothing":             {"\t\t     7 Query\tCOMMIT"},
		"a rollback":                      {"\t\t     7 Query\tSTART TRANSACTION", "\t\t     7 Query\tROLLBACK"},
		"a value that is nowhere":         {"\t\t     7 Query\tSELECT 'b-1'"},
		"a transaction that has no end":   {"\t\t     7 Query\tSTART TRANSACTION", "\t\t     7 Query\t" + everyVariable},
		"a statement of more than a line": {"\t\t     7 Query\tSELECT 1", "FROM t"},
	} {
		if statements, _, err := readStatements([]byte(strings.Join(lines, "\n")), testLoan()); err == nil {
			t.Errorf("%s: read as %d statements, want an error", name, len(statements))
		}
	}
}

func TestPercentilesAreTakenFromTheSortedTimes(t *testing.T) {
	t.Parallel()
	var r result
	for i := range 100 {
		r.took = append(r.took, time.Duration(i+1)*time.Millisecond)
	}
	for share, want := range map[float64]time.Duration{0: time.Millisecond, 0.50: 51 * time.Millisecond, 0.99: 100 * time.Millisecond, 1: 100 * time.Millisecond} {
		if got := r.percentile(share); got != want {
			t.Errorf("percentile(%v) of 1 to 100 ms = %s, want %s", share, got, want)
		}
	}
	if got := (&result{}).percentile(0.99); got != 0 {
		t.Errorf("percentile(0.99) of nothing = %s, want 0s", got)
	}
}
