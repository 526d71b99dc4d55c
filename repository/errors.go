package repository

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/go-sql-driver/mysql"
	"gorm.io/gorm"

	"fumin/domain"
)

// Server error numbers that mean something to us. MariaDB, MySQL 8, TiDB and Galera differ; the list holds them all.
const (
	errorTooManyConnections = 1040
	errorUnknownCommand     = 1047 // Galera: node is not in the primary component
	errorShutdown           = 1053
	errorDuplicate          = 1062
	errorCommit             = 1180 // Galera: commit refused, not in the primary component
	errorLockTimeout        = 1205
	errorDeadlock           = 1213
	errorReadOnly           = 1290
	errorConnectionKilled   = 1927 // MariaDB
	errorStatementTime      = 1969 // MariaDB: max_statement_time
	errorStatementTimeMySQL = 3024 // MySQL: max_execution_time
	errorNowait             = 3572 // MySQL, TiDB
	errorTiDBWriteConflict  = 9007
	errorTiDBRetry          = 8002
	errorTiDBRetryTxn       = 8022
)

// commitError says that COMMIT itself failed.
type commitError struct{ cause error }

func (e *commitError) Error() string { return "commit: " + e.cause.Error() }
func (e *commitError) Unwrap() error { return e.cause }

// outcomeUnknown reports whether the transaction may have been committed all the same. It was not when the context ended
// before COMMIT was sent (database/sql looks first), nor when the server answered that it rolled back. Every other answer,
// such as a connection killed or a statement out of time, may have come after the fact.
func (e *commitError) outcomeUnknown() bool {
	notSent := errors.Is(e.cause, sql.ErrTxDone) || errors.Is(e.cause, context.Canceled) || errors.Is(e.cause, context.DeadlineExceeded)
	return !notSent && !isRetryable(e.cause)
}

// isRetryable reports whether the whole transaction was rolled back by the server and may run again. A lost connection
// is not retried: the fate of its commit is unknown, and the client's idempotency key answers its retry instead.
func isRetryable(err error) bool {
	e, ok := errors.AsType[*mysql.MySQLError](err)
	if !ok {
		return false
	}
	switch e.Number {
	case errorDeadlock, errorLockTimeout, errorTiDBWriteConflict, errorTiDBRetry, errorTiDBRetryTxn:
		return true
	}
	return false
}

// isDuplicate reports whether err is a violation of the named unique key. MariaDB names it 'uk_x', MySQL 8 'table.uk_x'.
func isDuplicate(err error, key string) bool {
	// Only the end of the message is looked at: before it stands the value, which is whatever somebody typed.
	e, ok := errors.AsType[*mysql.MySQLError](err)
	return ok && e.Number == errorDuplicate &&
		(strings.HasSuffix(e.Message, "'"+key+"'") || strings.HasSuffix(e.Message, "."+key+"'"))
}

// isNotFound reports whether a query for one row found none.
func isNotFound(err error) bool {
	return errors.Is(err, gorm.ErrRecordNotFound) || errors.Is(err, sql.ErrNoRows)
}

// translate makes a *domain.Error of a driver error, once, at the edge of this package. The cause stays inside it for the
// log. It is called on failures only: a committed write is never reported as cancelled.
func translate(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*domain.Error](err); ok {
		return err
	}
	if e, ok := errors.AsType[*commitError](err); ok && e.outcomeUnknown() {
		return domain.Errorf(domain.KindUnavailable, "outcome-unknown",
			"提交时与数据库的连接中断，结果未知：请用同一个幂等键重试，不会重复办理").Because(err)
	}
	if cause := ctx.Err(); cause != nil {
		// The driver may say "invalid connection" or "transaction has already been rolled back"; the reason is ours.
		if errors.Is(cause, context.DeadlineExceeded) {
			return domain.Errorf(domain.KindUnavailable, "request-timeout", "处理超时，结果未知：请先查询，或用同一个幂等键重试，不会重复办理").Because(err)
		}
		return cause
	}
	if isRetryable(err) {
		return domain.Errorf(domain.KindUnavailable, "busy", "同一业务正被多人同时办理，请稍后重试").Because(err)
	}
	if isUnavailable(err) {
		return domain.Errorf(domain.KindUnavailable, "database-unavailable", "数据库暂时不可用，请稍后重试").Because(err)
	}
	return err
}

func isUnavailable(err error) bool {
	if e, ok := errors.AsType[*mysql.MySQLError](err); ok {
		switch e.Number {
		case errorTooManyConnections, errorUnknownCommand, errorShutdown, errorCommit, errorReadOnly,
			errorConnectionKilled, errorStatementTime, errorStatementTimeMySQL, errorNowait:
			return true
		}
		return false
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return true
	}
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, mysql.ErrInvalidConn) || errors.Is(err, sql.ErrConnDone) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.DeadlineExceeded)
}

// translateRead is translate for a query outside or inside a transaction: a retryable error keeps its number, so that
// Update can see it.
func translateRead(ctx context.Context, err error) error {
	if isRetryable(err) {
		return err
	}
	return translate(ctx, err)
}
