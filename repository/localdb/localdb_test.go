package localdb

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// childVariable makes this test binary a process that starts a server and waits, so that tests can kill it. Its value
// is "keep" or "throwaway", and the next argument is the directory.
const childVariable = "LOCALDB_TEST_CHILD"

func TestMain(m *testing.M) {
	if kind := os.Getenv(childVariable); kind != "" {
		os.Exit(beChild(kind, os.Args[1]))
	}
	Main(m)
}

// beChild starts a server, prints its DSN and directory, and waits until its standard input ends.
func beChild(kind, dir string) int {
	server, err := Start(context.Background(), Options{Dir: dir, Throwaway: kind == "throwaway"})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(server.DSN(""))
	fmt.Println(server.Dir())
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := server.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// child is a running process that owns a server.
type child struct {
	command  *exec.Cmd
	stdin    io.Closer
	dsn, dir string
}

// spawn runs binary, a copy of this test binary, as the child; adjust may change the command before it starts.
func spawn(t *testing.T, binary, kind, dir string, adjust func(*exec.Cmd)) *child {
	t.Helper()
	command := exec.Command(binary, dir)
	command.Env = append(os.Environ(), childVariable+"="+kind)
	command.Stderr = os.Stderr
	if adjust != nil {
		adjust(command)
	}
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	c := &child{command: command, stdin: stdin}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = command.Wait()
	})
	lines := bufio.NewScanner(stdout)
	for _, field := range []*string{&c.dsn, &c.dir} {
		if !lines.Scan() {
			t.Fatalf("the child of kind %s over %s said nothing: %v", kind, dir, lines.Err())
		}
		*field = lines.Text()
	}
	return c
}

// killHard kills the child as the kernel would when memory runs out, and waits for that process alone.
func (c *child) killHard(t *testing.T) {
	t.Helper()
	if err := c.command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.command.Wait() // it was killed; that is the error
}

// start starts a server that is stopped with the test.
func start(t *testing.T, options Options) *Server {
	t.Helper()
	server, err := Start(t.Context(), options)
	if err != nil {
		t.Fatalf("Start(%+v): %v", options, err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Errorf("Stop: %v", err)
		}
	})
	return server
}

// connect opens a pool that is closed with the test.
func connect(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	config, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatalf("ParseDSN(%q): %v", dsn, err)
	}
	database, err := openQuietly(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = database.Close() })
	return database
}

func execute(t *testing.T, database *sql.DB, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if _, err := database.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

func queryText(t *testing.T, database *sql.DB, query string) string {
	t.Helper()
	var text string
	if err := database.QueryRowContext(t.Context(), query).Scan(&text); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return text
}

// eventually waits for a condition and fails when it does not come true in time.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for !condition() {
		if !pause(ctx) {
			t.Fatalf("still not: %s", what)
		}
	}
}

// directory makes a directory in memory where the machine has room, because what is tested here is not the disk.
func directory(t *testing.T) string {
	t.Helper()
	made, err := os.MkdirTemp(throwawayBase(), "fumin-") //nolint:usetesting // t.TempDir is not in memory
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(made) })
	return made
}

func answers(t *testing.T, dsn string) bool {
	t.Helper()
	return connect(t, dsn).PingContext(t.Context()) == nil
}

func TestAServerRunsWithTheSettingsTheSchemaCountsOn(t *testing.T) {
	t.Parallel()
	server := start(t, Options{Dir: directory(t)})
	database := connect(t, server.DSN(""))
	for variable, want := range map[string]string{
		"character_set_server":           "utf8mb4",
		"collation_server":               "utf8mb4_bin",
		"time_zone":                      "+00:00",
		"skip_networking":                "1",
		"innodb_flush_log_at_trx_commit": "1",
		"innodb_doublewrite":             "1",
		"sql_mode":                       "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION",
	} {
		if got := queryText(t, database, "SELECT @@GLOBAL."+variable); got != want {
			t.Errorf("@@%s of a server that keeps its data: got %q, want %q", variable, got, want)
		}
	}
}

func TestDataSurvivesAStopAndAStart(t *testing.T) {
	t.Parallel()
	dir := directory(t)
	server := start(t, Options{Dir: dir})
	if err := server.CreateDatabase(t.Context(), "fumin"); err != nil {
		t.Fatal(err)
	}
	execute(t, connect(t, server.DSN("fumin")), "CREATE TABLE village (name VARCHAR(20))", "INSERT INTO village VALUES ('张𠮷村')")
	if err := server.Stop(); err != nil {
		t.Fatalf("Stop: %v", err)
	}
	if answers(t, server.DSN("")) {
		t.Fatal("the server answers after Stop")
	}
	again := start(t, Options{Dir: dir})
	if got, want := queryText(t, connect(t, again.DSN("fumin")), "SELECT name FROM village"), "张𠮷村"; got != want {
		t.Fatalf("after a stop and a start: got %q, want %q", got, want)
	}
}

func TestACommittedRowSurvivesAPowerCut(t *testing.T) {
	t.Parallel()
	server := start(t, Options{Dir: directory(t)})
	if err := server.CreateDatabase(t.Context(), "fumin"); err != nil {
		t.Fatal(err)
	}
	execute(t, connect(t, server.DSN("fumin")), "CREATE TABLE payment (amount DECIMAL(18,2))", "INSERT INTO payment VALUES (99500.00)")
	ended := server.Done()
	if err := server.Kill(); err != nil {
		t.Fatalf("Kill: %v", err)
	}
	select {
	case <-ended:
	default:
		t.Fatal("Kill returned while the server runs")
	}
	if answers(t, server.DSN("")) {
		t.Fatal("the server answers after Kill")
	}
	if err := server.Restart(t.Context()); err != nil {
		t.Fatalf("Restart: %v", err)
	}
	if got, want := queryText(t, connect(t, server.DSN("fumin")), "SELECT amount FROM payment"), "99500.00"; got != want {
		t.Fatalf("after a power cut: got %q, want %q", got, want)
	}
}

func TestKillingTheParentTakesAThrowawayServerAndItsFilesAway(t *testing.T) {
	t.Parallel()
	c := spawn(t, os.Args[0], "throwaway", "", nil)
	if !answers(t, c.dsn) {
		t.Fatalf("the child's server does not answer at %s", c.dsn)
	}
	c.killHard(t)
	eventually(t, "the server's directory is removed", func() bool {
		_, err := os.Stat(c.dir)
		return errors.Is(err, os.ErrNotExist)
	})
	if answers(t, c.dsn) {
		t.Fatal("the server outlives the process it was started for")
	}
}

func TestKillingTheParentShutsAKeptServerDownCleanlyAndTheNextStartWaitsForIt(t *testing.T) {
	t.Parallel()
	dir := directory(t)
	c := spawn(t, os.Args[0], "keep", dir, nil)
	database := connect(t, c.dsn)
	execute(t, database, "CREATE DATABASE fumin", "CREATE TABLE fumin.village (name VARCHAR(20))", "INSERT INTO fumin.village VALUES ('河西村')")
	c.killHard(t)
	// At once, while the former server is still shutting down.
	server := start(t, Options{Dir: dir})
	if got, want := queryText(t, connect(t, server.DSN("fumin")), "SELECT name FROM village"), "河西村"; got != want {
		t.Fatalf("after the parent was killed: got %q, want %q", got, want)
	}
	log, err := os.ReadFile(filepath.Join(dir, "mariadb.log"))
	if err != nil {
		t.Fatal(err)
	}
	if shutdown, ready := strings.Index(string(log), "Shutdown complete"), strings.LastIndex(string(log), "ready for connections"); shutdown < 0 || shutdown > ready {
		t.Fatalf("the former server did not shut down cleanly before the next was ready; log:\n%s", log)
	}
}

func TestADirectoryInUseIsRefused(t *testing.T) {
	t.Parallel()
	dir := directory(t)
	start(t, Options{Dir: dir})
	if _, err := Start(t.Context(), Options{Dir: dir}); !errors.Is(err, ErrInUse) {
		t.Fatalf("second Start over %s: got %v, want ErrInUse", dir, err)
	}
}

func TestAwkwardPathsWork(t *testing.T) {
	t.Parallel()
	for name, below := range map[string]string{
		"spaces":     "my loans/data dir",
		"Chinese":    "富民/数据",
		"separators": "a@b(c)?d=e'f",
		"long":       strings.Repeat("long-directory-name/", 10),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(directory(t), below)
			server := start(t, Options{Dir: dir, Throwaway: true})
			if err := server.CreateDatabase(t.Context(), "fumin"); err != nil {
				t.Fatal(err)
			}
			if got := queryText(t, connect(t, server.DSN("fumin")), "SELECT DATABASE()"); got != "fumin" {
				t.Fatalf("data below %q: got database %q, want fumin", below, got)
			}
			if _, err := os.Stat(filepath.Join(dir, dataDirectory)); err != nil {
				t.Fatalf("data is not where it was asked for: %v", err)
			}
			socketDirectory := filepath.Dir(server.Socket())
			if err := server.Stop(); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(socketDirectory); socketDirectory != dir && !errors.Is(err, os.ErrNotExist) {
				t.Fatalf("the socket's directory %s stays after Stop: %v", socketDirectory, err)
			}
		})
	}
}

func TestServersStartAtTheSameTime(t *testing.T) {
	t.Parallel()
	const servers = 4
	var group sync.WaitGroup
	failures := make([]error, servers)
	for i := range servers {
		group.Go(func() {
			server, err := Start(t.Context(), Options{Throwaway: true})
			if err == nil {
				err = errors.Join(server.CreateDatabase(t.Context(), "fumin"), server.Stop())
			}
			failures[i] = err
		})
	}
	group.Wait()
	if err := errors.Join(failures...); err != nil {
		t.Fatalf("%d servers at once: %v", servers, err)
	}
}

// TestAnOrdinaryUserRunsAServer runs the child as nobody when the tests run as root; when they do not, every other
// test has shown it already, and this one shows it once more.
func TestAnOrdinaryUserRunsAServer(t *testing.T) {
	t.Parallel()
	// Not in memory: containers mount that without the right to execute.
	base, err := os.MkdirTemp(shortBase(), "fumin-") //nolint:usetesting // another user cannot enter t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(base) })
	binary, dir := filepath.Join(base, "localdb.test"), filepath.Join(base, "home")
	copyProgram(t, os.Args[0], binary)
	var adjust func(*exec.Cmd)
	const nobody = 65534
	if os.Geteuid() == 0 {
		adjust = func(command *exec.Cmd) {
			command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
			command.Env = append(command.Env, "PATH=/usr/bin:/bin") // no sbin, as Debian gives it
		}
	}
	if err := errors.Join(os.Mkdir(dir, 0o700), os.Chmod(base, 0o755)); err != nil {
		t.Fatal(err)
	}
	if adjust != nil {
		if err := os.Chown(dir, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	c := spawn(t, binary, "keep", dir, adjust)
	if got, want := queryText(t, connect(t, c.dsn), "SELECT 1"), "1"; got != want {
		t.Fatalf("as an ordinary user: got %q, want %q", got, want)
	}
	info, err := os.Stat(filepath.Join(dir, dataDirectory))
	if err != nil {
		t.Fatal(err)
	}
	if owner := info.Sys().(*syscall.Stat_t).Uid; adjust != nil && owner != nobody {
		t.Fatalf("the data directory belongs to user %d, want %d: the server did not run as the ordinary user", owner, nobody)
	}
}

func copyProgram(t *testing.T, from, to string) {
	t.Helper()
	program, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(to, program, 0o755), os.Chmod(to, 0o755)); err != nil {
		t.Fatal(err)
	}
}

func TestWithoutMariaDBTheErrorSaysHowToInstallIt(t *testing.T) {
	t.Parallel()
	_, err := Start(t.Context(), Options{Throwaway: true, directories: []string{t.TempDir()}})
	if !errors.Is(err, ErrNotInstalled) {
		t.Fatalf("Start without programs: got %v, want ErrNotInstalled", err)
	}
	for _, want := range []string{installCommand(), "./scripts/test.sh", "FUMIN_TEST_DSN"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not name %q: %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("the error is not one line: %q", err)
	}
}

func TestAServerThatCannotStartSaysWhyAtOnce(t *testing.T) {
	t.Parallel()
	dir := directory(t)
	// A data directory that holds no data: mariadbd ends by itself.
	if err := os.Mkdir(filepath.Join(dir, dataDirectory), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := Start(t.Context(), Options{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "mariadbd ended while starting") || !strings.Contains(err.Error(), "mysql.") {
		t.Fatalf("Start over a broken data directory: got %v, want the end of the server's log", err)
	}
}

func TestAThrowawayServerThatIsNotStartedLeavesNothing(t *testing.T) {
	t.Parallel()
	base := directory(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Start(ctx, Options{Throwaway: true, base: base}); !errors.Is(err, context.Canceled) {
		t.Fatalf("Start with a cancelled context: got %v, want context.Canceled", err)
	}
	left, err := os.ReadDir(base)
	if err != nil || len(left) > 0 {
		t.Fatalf("after a start that failed: got %v (%v), want nothing", left, err)
	}
}

func TestNewDatabaseIsEmptyAndOfItsOwn(t *testing.T) {
	t.Parallel()
	first, second := connect(t, NewDatabase(t)), connect(t, NewDatabase(t))
	execute(t, first, "CREATE TABLE village (name VARCHAR(20))")
	const count = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE()"
	if got := queryText(t, second, count); got != "0" {
		t.Fatalf("tables in a fresh database: got %s, want 0", got)
	}
	if got := queryText(t, first, "SELECT @@collation_database"); got != "utf8mb4_bin" {
		t.Fatalf("collation of a fresh database: got %s, want utf8mb4_bin", got)
	}
}

func TestNewDatabaseIsDroppedWithItsTest(t *testing.T) { //nolint:tparallel // the outer test reads what the inner leaves
	t.Parallel()
	var dsn string
	t.Run("inner", func(t *testing.T) { dsn = NewDatabase(t) })
	var unknown *mysql.MySQLError
	if err := connect(t, dsn).PingContext(t.Context()); !errors.As(err, &unknown) || unknown.Number != 1049 {
		t.Fatalf("the database of a test that has ended: got %v, want error 1049 (unknown database)", err)
	}
}

func TestMainUsesTheServerItIsGivenAndFailsWhenThatIsAway(t *testing.T) { //nolint:tparallel // the count comes after the subtests
	t.Parallel()
	elsewhere := start(t, Options{Throwaway: true})
	away := filepath.Join(t.TempDir(), "nobody-listens")
	for _, c := range []struct {
		name, dsn string
		passes    bool
	}{
		{"a server with parameters", elsewhere.DSN("") + "?charset=utf8mb4", true},
		{"a server that is away", "root@unix(" + away + ")/", false},
		{"no data source name", "unreadable", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestNewDatabaseIsEmptyAndOfItsOwn$", "-test.v")
			command.Env = append(os.Environ(), TestDSNVariable+"="+c.dsn)
			output, err := command.CombinedOutput()
			if (err == nil) != c.passes {
				t.Fatalf("tests with %s=%q: got %v, want success %t; output:\n%s", TestDSNVariable, c.dsn, err, c.passes, output)
			}
			if strings.Contains(string(output), "SKIP") {
				t.Fatalf("tests with %s=%q skip:\n%s", TestDSNVariable, c.dsn, output)
			}
		})
	}
	const created = "SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'COM_CREATE_DB'"
	if got, want := queryText(t, connect(t, elsewhere.DSN("")), created), "2"; got != want {
		t.Fatalf("databases made on the given server: got %s, want %s, both of the one test that ran there", got, want)
	}
}

func TestADatabaseNameThatIsNoNameIsRefused(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "Fumin", "a b", "x`; DROP DATABASE mysql", "富民", strings.Repeat("a", 65)} {
		if err := createDatabase(t.Context(), nil, name); err == nil {
			t.Errorf("createDatabase(%q): got no error", name)
		}
	}
}
