package storetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"fumin/repository"
)

// schema is what the migrations made of the first empty database of this test process: the statements that make the same
// of another one. Migrating costs several times as much, and each test would pay it.
var schema struct {
	sync.Mutex
	statements []string
}

// goose's own tables are the only ones that a migrated empty database has rows in.
const (
	versionTable = "goose_db_version"
	lockTable    = "goose_lock" // its row says that nobody migrates, as no row does
	versionRows  = "INSERT INTO goose_db_version (version_id, is_applied) VALUES "
)

// counted is how far a table has numbered its rows.
var counted = regexp.MustCompile(` AUTO_INCREMENT=\d+`)

// fill makes the schema in an empty database.
func fill(ctx context.Context, dsn string) error {
	statements, err := schemaOf(ctx, dsn)
	if err != nil || statements == nil {
		return err
	}
	return within(ctx, dsn, func(c *sql.Conn) error {
		for _, statement := range statements {
			if _, err := c.ExecContext(ctx, statement); err != nil {
				return fmt.Errorf("%w in %.80s", err, statement)
			}
		}
		return nil
	})
}

// schemaOf returns the statements, or none when it has just migrated the database itself to learn them.
func schemaOf(ctx context.Context, dsn string) ([]string, error) {
	schema.Lock()
	defer schema.Unlock()
	if schema.statements != nil {
		return schema.statements, nil
	}
	if _, _, err := repository.Migrate(ctx, dsn); err != nil {
		return nil, err
	}
	return nil, within(ctx, dsn, func(c *sql.Conn) (err error) {
		schema.statements, err = read(ctx, c)
		return err
	})
}

// read returns the statements that make the connection's schema, with its version, anywhere.
func read(ctx context.Context, c *sql.Conn) ([]string, error) {
	tables, err := column(ctx, c, "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' ORDER BY table_name")
	if err != nil {
		return nil, err
	}
	statements := []string{"SET foreign_key_checks = 0"} // the tables come by their names, not by who points to whom
	for _, table := range tables {
		var name, create string
		if err := c.QueryRowContext(ctx, "SHOW CREATE TABLE `"+table+"`").Scan(&name, &create); err != nil {
			return nil, err
		}
		statements = append(statements, counted.ReplaceAllString(create, ""))
		filled := 0
		if err := c.QueryRowContext(ctx, "SELECT COUNT(*) FROM (SELECT 1 FROM `"+table+"` LIMIT 1) first_row").Scan(&filled); err != nil {
			return nil, err
		}
		if filled > 0 && table != versionTable && table != lockTable {
			return nil, errors.New("the migrations fill table " + table + ", which this copy does not")
		}
	}
	versions, err := column(ctx, c, "SELECT CONCAT('(', version_id, ', ', is_applied, ')') FROM goose_db_version ORDER BY id")
	if err != nil {
		return nil, err
	}
	return append(statements, versionRows+strings.Join(versions, ", ")), nil
}

// column returns the first column of a query's rows.
func column(ctx context.Context, c *sql.Conn, query string) ([]string, error) {
	rows, err := c.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var values []string
	for rows.Next() {
		var value string
		if err := rows.Scan(&value); err != nil {
			return nil, err
		}
		values = append(values, value)
	}
	return values, rows.Err()
}

// within lends one connection to the database.
func within(ctx context.Context, dsn string, task func(*sql.Conn) error) error {
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	connection, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer connection.Close()
	return task(connection)
}
