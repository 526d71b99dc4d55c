package repository

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// Migrate brings the database that dsn names up to this program's schema: forward only, one DDL statement a file,
// under a lock, so that two nodes may start it at once. It returns the schema version reached and how many files ran.
func Migrate(ctx context.Context, dsn string) (version int64, applied int, err error) {
	config, err := dataSource(ctx, dsn)
	if err != nil {
		return 0, 0, err
	}
	withoutTimeLimits(config)
	db, err := openPool(config, slog.New(slog.DiscardHandler)) // what goes wrong is returned
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()

	provider, err := migrations(db)
	if err != nil {
		return 0, 0, err
	}
	results, err := provider.Up(ctx)
	if err != nil {
		return 0, len(results), fmt.Errorf("migrate: %w", err)
	}
	version, err = provider.GetDBVersion(ctx)
	if err != nil {
		return 0, len(results), fmt.Errorf("read schema version: %w", err)
	}
	return version, len(results), nil
}

// CheckSchema refuses a database whose schema is older than this program; a newer one is tolerated, so that nodes can
// be upgraded one after another.
func (s *Store) CheckSchema(ctx context.Context) error {
	provider, err := migrations(s.pool)
	if err != nil {
		return err
	}
	pending, err := provider.HasPending(ctx)
	if err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	if pending {
		return errors.New("the database schema is older than this program: run `fumin migrate` first")
	}
	return nil
}

func migrations(db *sql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return nil, fmt.Errorf("open migrations: %w", err)
	}
	locker, err := lock.NewMySQLTableLocker()
	if err != nil {
		return nil, fmt.Errorf("make migration lock: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectMySQL, db, files,
		goose.WithLocker(locker),
		goose.WithDisableGlobalRegistry(true),
		goose.WithAllowOutofOrder(true), // numbers go by area: a new file may stand below one that was applied long ago
	)
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	return provider, nil
}
