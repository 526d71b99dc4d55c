package repository

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

// sqlMode is set on every session: a value that does not fit is an error, never cut or zeroed.
const sqlMode = "'STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,ONLY_FULL_GROUP_BY'"

// Limits of a session. A migration has none: it may rewrite a large table.
const (
	lockWaitSecondsMax  = 5
	statementSecondsMax = 25
	dialWaitMax         = 2 * time.Second
	answerWaitMax       = 30 * time.Second // above statementSecondsMax, so that the server ends a statement first
)

// dataSource completes a DSN with the settings this package relies on, whatever the DSN says about them, after asking the
// server what it is: MariaDB and MySQL name some of them differently.
func dataSource(ctx context.Context, dsn string) (*mysql.Config, error) {
	config, err := parseDSN(dsn)
	if err != nil {
		return nil, err
	}
	version, err := serverVersion(ctx, config)
	if err != nil {
		return nil, err
	}
	return config, complete(config, version)
}

// CheckDSN says what is wrong with a DSN as it is written, without connecting.
func CheckDSN(dsn string) error {
	_, err := parseDSN(dsn)
	return err
}

func parseDSN(dsn string) (*mysql.Config, error) {
	config, err := mysql.ParseDSN(dsn)
	if err != nil {
		// Not the parser's own words: they may quote the password.
		return nil, errors.New("FUMIN_DSN cannot be read: expected user:password@tcp(host:3306)/database or user@unix(/path/socket)/database")
	}
	if config.DBName == "" {
		return nil, errors.New("FUMIN_DSN names no database: expected user:password@tcp(host:3306)/database")
	}
	config.Timeout = orDefault(config.Timeout, dialWaitMax)
	config.ReadTimeout = orDefault(config.ReadTimeout, answerWaitMax)
	config.WriteTimeout = orDefault(config.WriteTimeout, answerWaitMax)
	return config, nil
}

// complete sets what this package relies on, each for a measured reason:
//   - interpolateParams: one round trip a statement instead of three;
//   - clientFoundRows: an update that changes nothing still counts its row, so a stale version is told from a no-op;
//   - READ COMMITTED, lock and statement time-outs as session variables: they cost no statement per transaction, and the
//     server ends what a cancelled client has left running;
//   - no intersection of indexes: for one borrower's drafts the server read every draft of the lender to intersect them with
//     the borrower's three applications, and row locks taken in the order of two indexes meet in deadlocks;
//   - rejectReadOnly: a connection to a demoted primary is dropped, not used;
//   - times are cut to the microsecond here, because MariaDB cuts and MySQL rounds what its column cannot hold.
func complete(config *mysql.Config, version string) error {
	config.ParseTime = true
	config.Loc = time.UTC
	config.InterpolateParams = true
	config.ClientFoundRows = true
	config.RejectReadOnly = true
	config.MultiStatements = false
	config.ColumnsWithAlias = false
	if err := config.Apply(mysql.Charset("utf8mb4", "utf8mb4_bin"), mysql.TimeTruncate(time.Microsecond)); err != nil {
		return fmt.Errorf("FUMIN_DSN: %w", err)
	}

	forced := map[string]string{
		"time_zone": "'+00:00'", "sql_mode": sqlMode, "autocommit": "1",
		"innodb_lock_wait_timeout": strconv.Itoa(lockWaitSecondsMax), "optimizer_switch": "'index_merge_intersection=off'",
	}
	if isMariaDB(version) {
		forced["tx_isolation"] = "'READ-COMMITTED'" // accepted by every MariaDB; the other name only from 11.1
		forced["max_statement_time"] = strconv.Itoa(statementSecondsMax)
	} else {
		forced["transaction_isolation"] = "'READ-COMMITTED'"
		forced["max_execution_time"] = strconv.Itoa(statementSecondsMax * 1000)
	}
	params := make(map[string]string, len(config.Params)+len(forced))
	for name, value := range config.Params {
		if !isForced(name) {
			params[name] = value
		}
	}
	maps.Copy(params, forced)
	config.Params = params
	return nil
}

// isForced reports whether a session variable is ours to set, under either of its names and however it is written: the
// driver sends variables in no particular order, so the DSN's must not be among them.
func isForced(name string) bool {
	switch strings.ToLower(name) {
	case "time_zone", "sql_mode", "autocommit", "innodb_lock_wait_timeout", "optimizer_switch", "tx_isolation", "transaction_isolation",
		"max_statement_time", "max_execution_time":
		return true
	}
	return false
}

// withoutTimeLimits is for migrations: an index on a large table takes longer than any request may.
func withoutTimeLimits(config *mysql.Config) {
	config.ReadTimeout, config.WriteTimeout = 0, 0
	for _, name := range []string{"max_statement_time", "max_execution_time"} {
		if _, ok := config.Params[name]; ok {
			config.Params[name] = "0"
		}
	}
}

func isMariaDB(version string) bool { return strings.Contains(version, "MariaDB") }

func orDefault(d, byDefault time.Duration) time.Duration {
	if d == 0 {
		return byDefault
	}
	return d
}

// openPool opens a pool whose driver speaks to log: it would write to standard error otherwise.
func openPool(config *mysql.Config, log *slog.Logger) (*sql.DB, error) {
	config.Logger = driverLogger{log}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, fmt.Errorf("FUMIN_DSN: %w", err)
	}
	return sql.OpenDB(connector), nil
}

// driverLogger passes on what the driver says about broken connections. It knows no statements and no parameters.
type driverLogger struct{ log *slog.Logger }

// Print implements mysql.Logger.
func (d driverLogger) Print(v ...any) {
	d.log.Warn("database driver", slog.String("message", fmt.Sprint(v...)))
}

// serverVersion asks over a connection without session variables: a server refuses those it does not know.
func serverVersion(ctx context.Context, config *mysql.Config) (version string, err error) {
	plain := config.Clone()
	plain.Params = nil
	db, err := openPool(plain, slog.New(slog.DiscardHandler))
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.QueryRowContext(ctx, "SELECT VERSION()").Scan(&version); err != nil {
		return "", fmt.Errorf("ask the database for its version: %w", err)
	}
	return version, nil
}
