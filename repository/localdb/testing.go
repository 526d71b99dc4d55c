package localdb

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

// TestDSNVariable is the environment variable that names a server for the tests to use, so that they start none. Its
// user must be allowed to create and drop databases.
const TestDSNVariable = "FUMIN_TEST_DSN"

// testServer is the configuration of the server Main found or started. It is set before any test runs and never
// changed after.
var testServer *mysql.Config

// createWaitMax bounds making or dropping one database, with many tests at once on a slow machine.
const createWaitMax = time.Minute

// Main is a whole TestMain for a package whose tests need a database:
//
//	func TestMain(m *testing.M) { localdb.Main(m) }
//
// It uses the server named by FUMIN_TEST_DSN, or starts a throw-away one for this package, runs the tests, and
// exits. Without a server it prints what to do and exits with 1: a test that needs a database never passes without.
//
// Its parameter is the part of *testing.M it needs, which keeps the package testing out of the service's binary.
func Main(m interface{ Run() int }) { os.Exit(runTests(m)) }

func runTests(m interface{ Run() int }) (code int) {
	if dsn := os.Getenv(TestDSNVariable); dsn != "" {
		config, err := mysql.ParseDSN(dsn)
		if err != nil {
			fmt.Fprintf(os.Stderr, "localdb: %s: %v\n", TestDSNVariable, err)
			return 1
		}
		testServer = config
		return m.Run()
	}
	server, err := Start(context.Background(), Options{Throwaway: true})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() {
		if err := server.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}()
	testServer = server.config("")
	return m.Run()
}

// TB is the part of testing.TB that NewDatabase needs.
type TB interface {
	Helper()
	Fatalf(format string, arguments ...any)
	Errorf(format string, arguments ...any)
	Cleanup(cleanup func())
	Context() context.Context
}

// NewDatabase makes a fresh, empty database for one test and drops it when the test ends. It returns the data source
// name, which like Server.DSN says only where the database is (with the parameters of FUMIN_TEST_DSN, if that is
// set). Close connections by then: register their closing with t.Cleanup after calling NewDatabase.
func NewDatabase(t TB) (dsn string) {
	t.Helper()
	if testServer == nil {
		t.Fatalf("this package has no test server; add: func TestMain(m *testing.M) { localdb.Main(m) }")
	}
	// Random, because the packages under test share the server of FUMIN_TEST_DSN.
	name := "fumin_test_" + strings.ToLower(rand.Text())
	ctx, cancel := context.WithTimeout(t.Context(), createWaitMax)
	defer cancel()
	if err := onTestServer(func(database *sql.DB) error { return createDatabase(ctx, database, name) }); err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() {
		// Not t.Context, which is cancelled by now.
		ctx, cancel := context.WithTimeout(context.Background(), createWaitMax)
		defer cancel()
		err := onTestServer(func(database *sql.DB) error {
			_, err := database.ExecContext(ctx, "DROP DATABASE "+name)
			return err
		})
		if err != nil {
			t.Errorf("drop database %s: %v", name, err)
		}
	})
	config := testServer.Clone()
	config.DBName = name
	return config.FormatDSN()
}

// onTestServer runs one task on a connection of its own to the test server.
func onTestServer(task func(*sql.DB) error) error {
	config := testServer.Clone()
	config.DBName = ""
	database, err := openQuietly(config)
	if err != nil {
		return err
	}
	defer database.Close()
	return task(database)
}
