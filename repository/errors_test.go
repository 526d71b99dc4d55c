package repository

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"gorm.io/gorm"

	"fumin/domain"
)

func TestADuplicateIsKnownByTheNameOfItsKey(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		err     error
		key     string
		matches bool
	}{
		{"as MariaDB says it", &mysql.MySQLError{Number: 1062, Message: "Duplicate entry 'HT-1' for key 'uk_contracts_contract_no'"}, "uk_contracts_contract_no", true},
		{"as MySQL 8 and TiDB say it", &mysql.MySQLError{Number: 1062, Message: "Duplicate entry 'HT-1' for key 'contracts.uk_contracts_contract_no'"}, "uk_contracts_contract_no", true},
		{"a primary key", &mysql.MySQLError{Number: 1062, Message: "Duplicate entry 'a-b' for key 'PRIMARY'"}, "PRIMARY", true},
		{"a primary key of MySQL 8", &mysql.MySQLError{Number: 1062, Message: "Duplicate entry 'a-b' for key 'idempotency_keys.PRIMARY'"}, "PRIMARY", true},
		{"wrapped", fmt.Errorf("save: %w", &mysql.MySQLError{Number: 1062, Message: "Duplicate entry 'x' for key 'PRIMARY'"}), "PRIMARY", true},
		{"another key", &mysql.MySQLError{Number: 1062, Message: "Duplicate entry 'x' for key 'PRIMARY'"}, "uk_contracts_contract_no", false},
		{"a key whose name ends alike", &mysql.MySQLError{Number: 1062, Message: "Duplicate entry 'x' for key 'uk_old_contracts_no'"}, "contracts_no", false},
		{"a value that is the name of a key", &mysql.MySQLError{Number: 1062, Message: "Duplicate entry ''PRIMARY'' for key 'uk_contracts_contract_no'"}, "PRIMARY", false},
		{"a value that looks like a message", &mysql.MySQLError{Number: 1062, Message: "Duplicate entry 'x' for key 'a.PRIMARY'' for key 'uk_x'"}, "PRIMARY", false},
		{"another error that names the key", &mysql.MySQLError{Number: 1452, Message: "Cannot add or update a child row 'PRIMARY'"}, "PRIMARY", false},
		{"text that only looks like it", errors.New("Error 1062: Duplicate entry 'x' for key 'PRIMARY'"), "PRIMARY", false},
		{"nothing", nil, "PRIMARY", false},
	} {
		if got := isDuplicate(c.err, c.key); got != c.matches {
			t.Errorf("%s: isDuplicate(%v, %q) = %t, want %t", c.name, c.err, c.key, got, c.matches)
		}
	}
}

// serverErrors is what becomes of each number a server may answer with.
var serverErrors = []struct {
	number    uint16
	statement string // the code after a failed statement; "" is left as it is, for a 500
	commit    string // the code after a failed COMMIT
}{
	{1205, "busy", "busy"},
	{1213, "busy", "busy"},
	{8002, "busy", "busy"},
	{8022, "busy", "busy"},
	{9007, "busy", "busy"},
	{1040, "database-unavailable", "outcome-unknown"},
	{1047, "database-unavailable", "outcome-unknown"},
	{1053, "database-unavailable", "outcome-unknown"},
	{1180, "database-unavailable", "outcome-unknown"},
	{1290, "database-unavailable", "outcome-unknown"},
	{1927, "database-unavailable", "outcome-unknown"},
	{1969, "database-unavailable", "outcome-unknown"},
	{3024, "database-unavailable", "outcome-unknown"},
	{3572, "database-unavailable", "outcome-unknown"},
	{1062, "", "outcome-unknown"},
	{1064, "", "outcome-unknown"},
	{1264, "", "outcome-unknown"},
	{1406, "", "outcome-unknown"},
	{1452, "", "outcome-unknown"},
	{3819, "", "outcome-unknown"},
	{4025, "", "outcome-unknown"},
	{8501, "", "outcome-unknown"}, // TiDB: result undetermined
}

func TestAnErrorOfTheServerIsTranslatedByItsNumber(t *testing.T) {
	t.Parallel()
	for _, c := range serverErrors {
		cause := &mysql.MySQLError{Number: c.number, Message: "王吉华 SELECT"}
		wantTranslation(t, translate(t.Context(), fmt.Errorf("gorm: %w", cause)), cause, c.statement)
		wantTranslation(t, translate(t.Context(), &commitError{cause: cause}), cause, c.commit)
	}
}

func TestALostConnectionIsUnavailableBeforeACommitAndUnknownAfter(t *testing.T) {
	t.Parallel()
	for _, cause := range []error{
		driver.ErrBadConn, mysql.ErrInvalidConn, sql.ErrConnDone, io.EOF, io.ErrUnexpectedEOF,
		&net.OpError{Op: "dial", Net: "unix", Err: errors.New("connect: no such file or directory")},
		&net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")},
	} {
		wantTranslation(t, translate(t.Context(), cause), cause, "database-unavailable")
		wantTranslation(t, translateRead(t.Context(), cause), cause, "database-unavailable")
		wantTranslation(t, translate(t.Context(), &commitError{cause: cause}), cause, "outcome-unknown")
		if isRetryable(cause) || isRetryable(&commitError{cause: cause}) {
			t.Errorf("%v would be retried: nobody knows whether it happened", cause)
		}
	}
	// A limit of the pool or the dialler, not the caller's.
	wantTranslation(t, translate(t.Context(), context.DeadlineExceeded), context.DeadlineExceeded, "database-unavailable")
}

// wantTranslation fails unless err is a domain error of KindUnavailable with the code that remembers its cause; an
// empty code wants the cause untranslated.
func wantTranslation(t *testing.T, err, cause error, code string) {
	t.Helper()
	if got := domain.CodeOf(err); got != code || !errors.Is(err, cause) {
		t.Errorf("translate(%v) = %v, want code %q and the cause kept for the log", cause, err, code)
		return
	}
	e, ok := errors.AsType[*domain.Error](err)
	if !ok {
		return
	}
	if e.Kind != domain.KindUnavailable || e.Detail == "" || strings.Contains(e.Detail, "SELECT") || strings.Contains(e.Detail, "王吉华") {
		t.Errorf("translate(%v): kind %d, detail %q; want KindUnavailable and a sentence without internal text", cause, e.Kind, e.Detail)
	}
}

func TestTheEndOfTheContextIsTheReasonOfWhateverTheDriverSays(t *testing.T) {
	t.Parallel()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	<-late.Done()
	for _, cause := range []error{
		sql.ErrTxDone, mysql.ErrInvalidConn, driver.ErrBadConn, errors.New("anything"), &mysql.MySQLError{Number: 1213}, &mysql.MySQLError{Number: 1317},
		context.Canceled, &commitError{cause: sql.ErrTxDone}, &commitError{cause: context.Canceled}, &commitError{cause: context.DeadlineExceeded},
	} {
		if err := translate(cancelled, cause); !errors.Is(err, context.Canceled) || domain.CodeOf(err) != "" {
			t.Errorf("cancelled, %v: %v, want context.Canceled", cause, err)
		}
		if err := translate(late, cause); domain.CodeOf(err) != "request-timeout" || !errors.Is(err, cause) {
			t.Errorf("out of time, %v: %v, want request-timeout", cause, err)
		}
	}
	// But a COMMIT that was sent may have happened, whatever became of the context since.
	if err := translate(cancelled, &commitError{cause: mysql.ErrInvalidConn}); domain.CodeOf(err) != "outcome-unknown" {
		t.Errorf("cancelled, and the answer to COMMIT lost: %v, want outcome-unknown", err)
	}
}

func TestWhatIsTranslatedAlreadyStays(t *testing.T) {
	t.Parallel()
	refusal := domain.Errorf(domain.KindRule, "refused", "不行")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range []error{refusal, fmt.Errorf("case: %w", refusal)} {
		if got := translate(cancelled, err); !errors.Is(got, refusal) || domain.CodeOf(got) != "refused" {
			t.Errorf("translate(%v) = %v, want it as it was", err, got)
		}
	}
	for name, got := range map[string]error{"translate": translate(cancelled, nil), "translateRead": translateRead(cancelled, nil)} {
		if got != nil {
			t.Errorf("%s(nil) under a cancelled context = %v, want nil: it succeeded", name, got)
		}
	}
}

func TestAReadKeepsADeadlockAsItIsSoThatUpdateSeesIt(t *testing.T) {
	t.Parallel()
	deadlock := &mysql.MySQLError{Number: 1213}
	if err := translateRead(t.Context(), deadlock); !isRetryable(err) || domain.CodeOf(err) != "" {
		t.Errorf("translateRead(deadlock) = %v, want it untranslated", err)
	}
}

func TestNoRowIsToldFromFailure(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]bool{
		gorm.ErrRecordNotFound: true, sql.ErrNoRows: true, sql.ErrTxDone: false, &mysql.MySQLError{Number: 1032}: false, nil: false,
	} {
		if got := isNotFound(err); got != want {
			t.Errorf("isNotFound(%v) = %t, want %t", err, got, want)
		}
	}
}
