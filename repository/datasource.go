package repository

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

// sqlMode is set on every session: a value that does not fit is an error, never cut or zeroed.
const sqlMode = "'STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,ONLY_FULL_GROUP_BY'"

// dataSource completes a DSN with the settings this package relies on, whatever the DSN says about them. Each is there
// for a measured reason:
//   - interpolateParams: one round trip a statement instead of three;
//   - clientFoundRows: an update that changes nothing still counts its row, so a stale version is told from a no-op;
//   - READ COMMITTED, lock and statement time-outs as session variables: they cost no statement per transaction, and the
//     server ends what a cancelled client has left running. MariaDB and MySQL name them differently, so the server is
//     asked for its version first;
//   - rejectReadOnly: a connection to a demoted primary is dropped, not used.
func dataSource(ctx context.Context, dsn string) (string, error) {
	config, err := mysql.ParseDSN(dsn)
	if err != nil {
		return "", errors.New("FUMIN_DSN cannot be read: expected user:password@tcp(host:3306)/database or user@unix(/path/socket)/database")
	}
	if config.DBName == "" {
		return "", errors.New("FUMIN_DSN names no database: expected user:password@tcp(host:3306)/database")
	}
	config.ParseTime = true
	config.Loc = time.UTC
	config.InterpolateParams = true
	config.ClientFoundRows = true
	config.RejectReadOnly = true
	config.MultiStatements = false
	config.Collation = "utf8mb4_bin"
	config.Timeout = orDefault(config.Timeout, 2*time.Second)
	config.ReadTimeout = orDefault(config.ReadTimeout, 30*time.Second)
	config.WriteTimeout = orDefault(config.WriteTimeout, 30*time.Second)

	version, err := serverVersion(ctx, config)
	if err != nil {
		return "", err
	}
	if config.Params == nil {
		config.Params = map[string]string{}
	}
	config.Params["time_zone"] = "'+00:00'"
	config.Params["sql_mode"] = sqlMode
	config.Params["innodb_lock_wait_timeout"] = "5"
	if strings.Contains(version, "MariaDB") {
		config.Params["tx_isolation"] = "'READ-COMMITTED'" // accepted by every MariaDB; the other name only from 11.1
		config.Params["max_statement_time"] = "25"
	} else {
		config.Params["transaction_isolation"] = "'READ-COMMITTED'"
		config.Params["max_execution_time"] = "25000"
	}
	return config.FormatDSN(), nil
}

func orDefault(d, byDefault time.Duration) time.Duration {
	if d == 0 {
		return byDefault
	}
	return d
}

func serverVersion(ctx context.Context, config *mysql.Config) (version string, err error) {
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return "", fmt.Errorf("FUMIN_DSN: %w", err)
	}
	db := sql.OpenDB(connector)
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.QueryRowContext(ctx, "SELECT VERSION()").Scan(&version); err != nil {
		return "", fmt.Errorf("ask the database for its version: %w", err)
	}
	return version, nil
}
