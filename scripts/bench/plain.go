package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/google/uuid"

	"fumin/scripts/drive"
)

// plainSide sends the statements of a loan and does nothing else.
type plainSide struct {
	db         *sql.DB
	statements []statement
	service    *serviceSide // for the borrowers
	numbers    atomic.Uint64
	conns      []*sql.Conn // one a client, as many as the most clients
	otherIDs   int         // how many ids a loan has that the service made and its answers did not name
}

// statement is one statement of a loan, cut where something varies: the pieces alternate with the variables between them.
type statement struct {
	pieces    []string
	variables []variable
	reads     bool // it returns rows
}

// variable is what varies from loan to loan. From variableCount on it is one of the ids that the service made and its answers
// did not name, in their order in the log.
type variable int

const (
	varBorrower variable = iota
	varHousehold
	varConfirmation
	varContract
	varOpenKey
	varRequestKey
	varReleaseKey
	varApplication
	varApplicationNo
	varDecision
	varDisbursement
	variableCount
)

var variableNames = [variableCount]string{
	"borrower", "household", "confirmation", "contract", "open_key", "request_key", "release_key", "application", "application_no", "decision", "disbursement",
}

func (v variable) name() string {
	if v < variableCount {
		return variableNames[v]
	}
	return fmt.Sprintf("id %d", v-variableCount+1)
}

// values lists what a loan has for each variable.
func (l loan) values() (v [variableCount]string) {
	v[varBorrower], v[varHousehold], v[varConfirmation], v[varContract] = l.Borrower, l.Household, l.Confirmation, l.Contract
	v[varOpenKey], v[varRequestKey], v[varReleaseKey] = l.OpenKey, l.RequestKey, l.ReleaseKey
	v[varApplication], v[varApplicationNo], v[varDecision], v[varDisbursement] = l.Application, l.ApplicationNo, l.Decision, l.Disbursement
	return v
}

// newPlainSide originates loans over HTTP and takes the statements of the last one from the server's log.
func newPlainSide(ctx context.Context, site *drive.Site, service *serviceSide) (*plainSide, error) {
	// The first loans fill caches and blocks of numbers; the statements of a later one are those of nearly all.
	for range 3 {
		if err := service.once(ctx, 0); err != nil {
			return nil, err
		}
	}
	db, err := openLikeService(site.Database.DSN("fumin"))
	if err != nil {
		return nil, err
	}
	p := &plainSide{db: db, service: service}
	log := filepath.Join(site.Database.Dir(), "bench-general.log")
	text, l, err := logged(ctx, db, log, service)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	p.statements, p.otherIDs, err = readStatements(text, l)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return p, nil
}

// openLikeService opens the database with the settings that the service's own connections have (repository/datasource.go).
func openLikeService(dsn string) (*sql.DB, error) {
	config, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, err
	}
	config.ParseTime, config.Loc, config.InterpolateParams, config.ClientFoundRows = true, time.UTC, true, true
	config.RejectReadOnly, config.Collation = true, "utf8mb4_bin"
	config.Params = map[string]string{
		"time_zone": "'+00:00'", "tx_isolation": "'READ-COMMITTED'", "innodb_lock_wait_timeout": "5", "max_statement_time": "25",
		"sql_mode": "'STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,ONLY_FULL_GROUP_BY'",
	}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(clientsMax + 1)
	db.SetMaxIdleConns(clientsMax + 1)
	return db, nil
}

// logged originates one loan with the server's general log on, and returns the log.
func logged(ctx context.Context, db *sql.DB, path string, service *serviceSide) (text []byte, l loan, err error) {
	set := func(statement string) {
		if err == nil {
			_, err = db.ExecContext(ctx, statement)
		}
	}
	set("SET GLOBAL log_output = 'FILE'")
	set("SET GLOBAL general_log_file = '" + path + "'")
	set("SET GLOBAL general_log = 1")
	if err != nil {
		return nil, l, fmt.Errorf("switch the general log on: %w", err)
	}
	l = freshLoan(service.next())
	err = service.originate(ctx, &l)
	if _, off := db.ExecContext(ctx, "SET GLOBAL general_log = 0"); off != nil {
		err = errors.Join(err, off)
	}
	if err != nil {
		return nil, l, err
	}
	text, err = os.ReadFile(path)
	return text, l, err
}

// logEntry is one line of the general log: a time or none, the connection, what it was, and the statement. The driver
// escapes line ends inside values, so a statement is one line.
var logEntry = regexp.MustCompile(`^(?:\d{6} [ \d]\d:\d\d:\d\d)?\t+ *\d+ (Connect|Quit|Query|Prepare|Execute|Close stmt|Ping|Init DB|Statistics|Reset connection)\t?(.*)$`)

// timeOrderedID is a UUID of version 7, which the service makes: whichever is newer than the application was made for its loan.
var timeOrderedID = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)

// variablesOf lists the values of the loan that vary: those its answers named, and the other ids that the service made for it.
func variablesOf(text []byte, l loan) []string {
	known := l.values()
	values := known[:]
	for _, found := range timeOrderedID.FindAll(text, -1) {
		if id := string(found); id > l.Application && !slices.Contains(values, id) {
			values = append(values, id)
		}
	}
	return values
}

// logEntries are the lines of the log, a statement that was written over several lines as one.
func logEntries(text string) []string {
	var entries []string
	for line := range strings.SplitSeq(text, "\n") {
		if last := len(entries) - 1; last >= 0 && !logEntry.MatchString(line) && logEntry.MatchString(entries[last]) {
			entries[last] += " " + strings.TrimSpace(line)
			continue
		}
		entries = append(entries, line)
	}
	return entries
}

// readStatements returns the statements of a loan, and how many ids vary in them beside those that have a name.
func readStatements(text []byte, l loan) ([]statement, int, error) {
	var statements []statement
	values := variablesOf(text, l)
	for _, line := range logEntries(string(text)) {
		match := logEntry.FindStringSubmatch(line)
		if match == nil {
			if len(statements) > 0 && strings.TrimSpace(line) != "" {
				return nil, 0, fmt.Errorf("the general log has a line that is no entry: %.120q", line)
			}
			continue // the log's title
		}
		switch kind, query := match[1], match[2]; {
		case kind == "Prepare" || kind == "Execute":
			return nil, 0, fmt.Errorf("the service prepares statements (%.80q), which cannot be sent again from the log", query)
		case kind == "Query" && !strings.HasPrefix(query, "SET "):
			statements = append(statements, cut(query, values))
		}
	}
	return statements, len(values) - int(variableCount), checkStatements(statements)
}

// cut divides a statement at every value that varies.
func cut(query string, values []string) statement {
	verb, _, _ := strings.Cut(strings.ToUpper(query), " ")
	s := statement{reads: verb == "SELECT"}
	for {
		at, found := len(query), -1
		for v, value := range values {
			if i := strings.Index(query, value); i >= 0 && i < at {
				at, found = i, v
			}
		}
		s.pieces = append(s.pieces, query[:at])
		if found < 0 {
			return s
		}
		s.variables = append(s.variables, variable(found))
		query = query[at+len(values[found]):]
	}
}

// checkStatements refuses a capture that cannot be a loan's: then the comparison would be one of different things.
func checkStatements(statements []statement) error {
	var used [variableCount]bool
	open := false
	for i, s := range statements {
		for _, v := range s.variables {
			if v < variableCount {
				used[v] = true
			}
		}
		switch first := strings.TrimSpace(s.pieces[0]); {
		case first == "START TRANSACTION" && !open, first == "COMMIT" && open:
			open = !open
		case first == "START TRANSACTION", first == "COMMIT", first == "ROLLBACK":
			return fmt.Errorf("statement %d of the loan is %s where none can be: more than one connection was at work", i+1, first)
		}
	}
	if i := slices.Index(used[:], false); i >= 0 {
		return fmt.Errorf("no statement of the loan has its %s", variableNames[i])
	}
	if open {
		return errors.New("the loan's last transaction has no end")
	}
	return nil
}

func (p *plainSide) statementCount() int { return len(p.statements) }

func (p *plainSide) transactionCount() (n int) {
	for _, s := range p.statements {
		if s.pieces[0] == "COMMIT" {
			n++
		}
	}
	return n
}

// describe prints the statements, with their variables in braces and long ones shortened.
func (p *plainSide) describe(out io.Writer) {
	for i, s := range p.statements {
		var b strings.Builder
		for j, piece := range s.pieces {
			if j > 0 {
				b.WriteString("{" + s.variables[j-1].name() + "}")
			}
			b.WriteString(piece)
		}
		drive.Say(out, "%3d  %.300s\n", i+1, strings.ToValidUTF8(b.String(), "?"))
	}
}

// clients opens a connection for each client, before the clock runs.
func (p *plainSide) clients(ctx context.Context, n int) error {
	for len(p.conns) < n {
		conn, err := p.db.Conn(ctx)
		if err != nil {
			return err
		}
		p.conns = append(p.conns, conn)
	}
	return nil
}

// once sends one loan's statements on the client's connection.
func (p *plainSide) once(ctx context.Context, client int) error {
	l := freshLoan(p.service.next())
	l.Application, l.Decision, l.Disbursement = newUUID(), newUUID(), newUUID()
	l.ApplicationNo = fmt.Sprintf("PLAIN-%010d", p.numbers.Add(1))
	known := l.values()
	values := known[:]
	for range p.otherIDs {
		values = append(values, newUUID())
	}
	conn := p.conns[client]
	for _, s := range p.statements {
		var b strings.Builder
		for i, piece := range s.pieces {
			if i > 0 {
				b.WriteString(values[s.variables[i-1]])
			}
			b.WriteString(piece)
		}
		if err := send(ctx, conn, b.String(), s.reads); err != nil {
			return fmt.Errorf("%.100q: %w", b.String(), err)
		}
	}
	return nil
}

// newUUID makes an id as the service does: newer after older, so that the indexes grow in the same way.
func newUUID() string { return uuid.Must(uuid.NewV7()).String() }

func send(ctx context.Context, conn *sql.Conn, query string, reads bool) error {
	if !reads {
		_, err := conn.ExecContext(ctx, query)
		return err
	}
	rows, err := conn.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	values, into := make([]sql.RawBytes, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (p *plainSide) close() error {
	var err error
	for _, conn := range p.conns {
		err = errors.Join(err, conn.Close())
	}
	return errors.Join(err, p.db.Close())
}
