// Package repository keeps everything in MySQL or MariaDB through GORM, used as a careful SQL builder.
//
// It owns rows, SQL, locks, retries, migrations, column encryption and the translation of driver errors. It does not
// own defaults, decisions, timestamps or ids: those come in as arguments. Rows never leave it.
package repository

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	gormmysql "gorm.io/driver/mysql"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"fumin/domain/origination"
)

// Limits of the connection pool and of retrying.
const (
	connectionsMax        = 40
	connectionLifetimeMax = 5 * time.Minute // below any server's wait_timeout in use
	updateAttemptsMax     = 4
	retryDelayMax         = 40 * time.Millisecond
)

// Store implements origination.Store.
type Store struct {
	reader

	pool *sql.DB
}

var _ origination.Store = (*Store)(nil)

// reader is every query; on a Store it reads committed rows, on a tx what the transaction sees.
type reader struct {
	db     *gorm.DB
	cipher *Cipher
}

// atOneMoment lets fn read several tables as they were at one moment, where a record is made of rows of more than one and is
// checked as a whole: between two statements of a session that reads what is committed, a writer may have been. Inside a
// transaction fn reads what that sees; whoever changes such a record there holds its lock.
func (r reader) atOneMoment(ctx context.Context, fn func(reader) error) error {
	if _, inside := r.db.Statement.ConnPool.(gorm.TxCommitter); inside {
		return fn(r)
	}
	var done error
	err := r.db.WithContext(ctx).Transaction(func(snapshot *gorm.DB) error {
		done = fn(reader{db: snapshot, cipher: r.cipher})
		return done
	}, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if done != nil {
		return done // translated already
	}
	return translateRead(ctx, err)
}

// tx adds the writes.
type tx struct{ reader }

// Open connects to the database that dsn names (a go-sql-driver DSN; see dataSource for what is added to it) and checks
// that the session is set up as this package needs it. It does not migrate.
func Open(ctx context.Context, dsn string, cipher *Cipher, log *slog.Logger) (*Store, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	config, err := dataSource(ctx, dsn)
	if err != nil {
		return nil, err
	}
	pool, err := openPool(config, log)
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(connectionsMax)
	pool.SetMaxIdleConns(connectionsMax)
	pool.SetConnMaxLifetime(connectionLifetimeMax)

	db, err := gorm.Open(gormmysql.New(gormmysql.Config{
		Conn:                      pool,
		DisableWithReturning:      true, // so that MariaDB and MySQL report the same row counts
		SkipInitializeWithVersion: false,
	}), &gorm.Config{
		Logger:               slowLog{log},
		DisableAutomaticPing: true,
		NowFunc:              noClock,
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open database: %w", err), pool.Close())
	}
	return &Store{reader: reader{db: db, cipher: cipher}, pool: pool}, nil
}

// Close gives the connections back.
func (s *Store) Close() error { return s.pool.Close() }

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error { return translate(ctx, s.pool.PingContext(ctx)) }

// Update implements origination.Store. The session's isolation is READ COMMITTED (dataSource sets it), so a transaction
// costs no statement of its own for that.
func (s *Store) Update(ctx context.Context, fn func(origination.Tx) error) error {
	return s.update(ctx, func(t *tx) error { return fn(t) })
}

func (s *Store) update(ctx context.Context, fn func(*tx) error) error {
	for attempt := 1; ; attempt++ {
		err := s.once(ctx, fn)
		if err == nil {
			return nil
		}
		if !isRetryable(err) || attempt == updateAttemptsMax || ctx.Err() != nil {
			return translate(ctx, err)
		}
		if err := pause(ctx, attempt); err != nil {
			return translate(ctx, err)
		}
	}
}

// once runs fn in one transaction. A failed commit is told apart from a failed statement, because after a lost
// connection nobody knows whether it happened.
func (s *Store) once(ctx context.Context, fn func(*tx) error) (err error) {
	db := s.db.WithContext(ctx).Begin()
	if db.Error != nil {
		return db.Error
	}
	committed := false
	defer func() {
		if !committed { // also when fn panics
			db.Rollback()
		}
	}()

	if err := fn(&tx{reader{db: db, cipher: s.cipher}}); err != nil {
		return err
	}
	committed = true
	if err := db.Commit().Error; err != nil {
		return &commitError{cause: err}
	}
	return nil
}

// pause waits a random time that grows with the attempt, so that two transactions that met once do not meet again.
func pause(ctx context.Context, attempt int) error {
	//nolint:gosec // G404: jitter needs no cryptographic randomness
	delay := rand.N(retryDelayMax) * time.Duration(attempt) / updateAttemptsMax
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// slowStatement is from where a statement is worth a line in the log.
const slowStatement = time.Second

// slowLog is GORM's logger: it tells slow statements, without their values, which are personal data. Errors are not its
// business: a duplicate may be expected, and what is not reaches the caller and is logged once, there.
type slowLog struct{ log *slog.Logger }

func (l slowLog) LogMode(logger.LogLevel) logger.Interface { return l }
func (slowLog) Info(context.Context, string, ...any)       {}
func (slowLog) Warn(context.Context, string, ...any)       {}
func (slowLog) Error(context.Context, string, ...any)      {}
func (slowLog) ParamsFilter(_ context.Context, sql string, _ ...any) (string, []any) {
	return sql, nil
}

// Trace implements logger.Interface.
func (l slowLog) Trace(ctx context.Context, begin time.Time, statement func() (sql string, rows int64), _ error) {
	took := time.Since(begin) // no business time: only the log sees it
	if l.log == nil || took < slowStatement {
		return
	}
	sql, rows := statement()
	l.log.WarnContext(ctx, "slow statement",
		slog.String("sql", sql), slog.Int64("rows", rows), slog.Int64("duration_ms", took.Milliseconds()))
}

// noClock keeps GORM from writing times of its own: every time in a row was an argument.
func noClock() time.Time { return time.Time{} }
