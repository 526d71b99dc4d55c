package repository_test

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/origination"
	"fumin/repository"
	"fumin/repository/localdb"
	"fumin/repository/storetest"
)

// migrationNames lists the shipped files in order.
func migrationNames(t testing.TB) []string {
	t.Helper()
	names, err := fs.Glob(os.DirFS("migrations"), "*")
	if err != nil || len(names) == 0 {
		t.Fatalf("migrations: %v, %d files", err, len(names))
	}
	return names
}

func TestMigratingAgainChangesNothing(t *testing.T) {
	t.Parallel()
	dsn := localdb.NewDatabase(t)
	files := migrationNames(t)
	newest, applied, err := repository.Migrate(t.Context(), dsn)
	if err != nil || applied != len(files) || fmt.Sprintf("%05d", newest) != files[len(files)-1][:5] {
		t.Fatalf("from empty: version %d, %d applied, %v; want %s and %d", newest, applied, err, files[len(files)-1], len(files))
	}
	again, applied, err := repository.Migrate(t.Context(), dsn)
	if err != nil || applied != 0 || again != newest {
		t.Errorf("again: version %d, %d applied, %v; want %d and 0", again, applied, err, newest)
	}
}

func TestTwoNodesMigrateAtOnce(t *testing.T) {
	t.Parallel()
	dsn := localdb.NewDatabase(t)
	files := len(migrationNames(t))
	const nodes = 2
	versions, applied, errs := make([]int64, nodes), make([]int, nodes), make([]error, nodes)
	var group sync.WaitGroup
	start := make(chan struct{})
	for node := range nodes {
		group.Go(func() {
			<-start
			versions[node], applied[node], errs[node] = repository.Migrate(t.Context(), dsn)
		})
	}
	close(start)
	group.Wait()
	for node := range nodes {
		if errs[node] != nil {
			t.Errorf("node %d: %v", node, errs[node])
		}
	}
	if versions[0] != versions[1] || applied[0]+applied[1] != files {
		t.Errorf("versions %v, applied %v; want one version and %d files together", versions, applied, files)
	}
}

func TestAnOlderSchemaIsRefusedAndANewerTolerated(t *testing.T) {
	t.Parallel()
	store, dsn := storetest.NewWithDSN(t)
	if err := store.CheckSchema(t.Context()); err != nil {
		t.Errorf("this program's own schema: %v", err)
	}
	l := &ledger{t: t, rows: openRows(t, dsn)}
	l.exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)")
	if err := store.CheckSchema(t.Context()); err != nil {
		t.Errorf("a newer schema: %v, want it tolerated: nodes are upgraded one after another", err)
	}
	l.exec("DELETE FROM goose_db_version WHERE version_id = 99999")
	newest := l.count("SELECT MAX(version_id) FROM goose_db_version")
	l.exec("DELETE FROM goose_db_version WHERE version_id = ?", newest)
	wantOldSchema(t, "a schema of yesterday", store)

	empty := storetest.Open(t, localdb.NewDatabase(t))
	wantOldSchema(t, "an empty database", empty)
}

// Files are numbered by area, so a file may be added below one that a database has long had.
func TestAFileAddedToAnEarlierAreaIsAppliedToo(t *testing.T) {
	t.Parallel()
	store, dsn := storetest.NewWithDSN(t)
	newest, _, err := repository.Migrate(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	l := &ledger{t: t, rows: openRows(t, dsn)}
	l.exec("DROP TABLE reference_rates")
	l.exec("DELETE FROM goose_db_version WHERE version_id = 303")
	wantOldSchema(t, "a schema without a file of an earlier area", store)
	version, applied, err := repository.Migrate(t.Context(), dsn)
	if err != nil || applied != 1 || version != newest {
		t.Errorf("migrate: version %d, %d applied, %v; want %d and 1", version, applied, err, newest)
	}
	if err := store.CheckSchema(t.Context()); err != nil {
		t.Errorf("after it: %v", err)
	}
	if n := l.count("SELECT COUNT(*) FROM reference_rates"); n != 0 {
		t.Errorf("%d rates in a new table", n)
	}
}

func wantOldSchema(t *testing.T, what string, store *repository.Store) {
	t.Helper()
	if err := store.CheckSchema(t.Context()); err == nil || !strings.Contains(err.Error(), "fumin migrate") {
		t.Errorf("%s: %v, want the command that helps", what, err)
	}
}

func TestAMigrationIsOneStatementAndGoesForwardOnly(t *testing.T) {
	t.Parallel()
	fileName := regexp.MustCompile(`^[0-9]{5}_[a-z0-9]+(_[a-z0-9]+)+\.sql$`)
	comment := regexp.MustCompile(`(?m)^\s*--.*$`)
	quoted := regexp.MustCompile(`'[^']*'`)
	statement := regexp.MustCompile(`^(CREATE TABLE|CREATE INDEX|CREATE UNIQUE INDEX|ALTER TABLE|DROP TABLE|DROP INDEX|INSERT INTO|UPDATE|DELETE FROM) `)
	seen := map[string]string{}
	for _, name := range migrationNames(t) {
		content, err := os.ReadFile("migrations/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if !fileName.MatchString(name) {
			t.Errorf("%s: want NNNNN_verb_noun.sql", name)
			continue
		}
		if other := seen[name[:5]]; other != "" {
			t.Errorf("%s has the number of %s", name, other)
		}
		seen[name[:5]] = name
		up, found := strings.CutPrefix(string(content), "-- +goose Up\n")
		if !found || strings.Contains(up, "+goose") {
			t.Errorf("%s: want it to begin with \"-- +goose Up\" and to hold no other annotation: forward only", name)
		}
		sql := strings.TrimSpace(comment.ReplaceAllString(up, ""))
		if bare := quoted.ReplaceAllString(sql, "''"); strings.Count(bare, ";") != 1 || !strings.HasSuffix(bare, ";") {
			t.Errorf("%s: %d statements, want one: the server commits each DDL, and half a file cannot be taken back", name, strings.Count(bare, ";"))
		}
		if !statement.MatchString(sql) {
			t.Errorf("%s begins with %.30q, want a statement that both servers know", name, sql)
		}
		for _, foreign := range []string{"RETURNING", "utf8mb4_0900", "->>", "FOR SHARE", "IF NOT EXISTS", "ON DELETE CASCADE", "ON UPDATE", "AUTO_INCREMENT", "FLOAT", "DOUBLE", "ENUM(", "TIMESTAMP"} {
			if strings.Contains(strings.ToUpper(sql), strings.ToUpper(foreign)) {
				t.Errorf("%s uses %s, which is not for this schema", name, foreign)
			}
		}
	}
}

// schemaRows runs a query on information_schema and gives each row's columns joined by a space.
func (l *ledger) schemaRows(query string) []string {
	l.t.Helper()
	rows, err := l.rows.QueryContext(l.t.Context(), query)
	l.must(err)
	defer rows.Close()
	columns, err := rows.Columns()
	l.must(err)
	var all []string
	for rows.Next() {
		cells := make([]any, len(columns))
		for i := range cells {
			cells[i] = new(string)
		}
		l.must(rows.Scan(cells...))
		texts := make([]string, len(cells))
		for i, cell := range cells {
			texts[i] = *cell.(*string)
		}
		all = append(all, strings.Join(texts, " "))
	}
	l.must(rows.Err())
	return all
}

func TestTheSchemaKeepsItsConventions(t *testing.T) {
	t.Parallel()
	l := &ledger{t: t}
	l.store, l.dsn = storetest.NewWithDSN(t)
	l.rows = openRows(t, l.dsn)
	const ours = " table_schema = DATABASE() AND table_name NOT LIKE 'goose%' "
	// A client's id is a name it chose; a payment's end-to-end id is the channel's to repeat, as it has it; the subject of a product's event may be the product's code.
	for what, query := range map[string]string{
		"a text column whose collation takes different texts for equal": "SELECT table_name, column_name, collation_name FROM information_schema.columns WHERE" + ours +
			"AND collation_name IS NOT NULL AND collation_name NOT IN ('utf8mb4_bin', 'ascii_bin')",
		"an instant without microseconds": "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE" + ours +
			"AND (data_type = 'timestamp' OR (data_type IN ('datetime', 'time') AND datetime_precision <> 6))",
		"a floating-point column":              "SELECT table_name, column_name FROM information_schema.columns WHERE" + ours + "AND data_type IN ('float', 'double')",
		"a table that is not InnoDB":           "SELECT table_name, engine FROM information_schema.tables WHERE" + ours + "AND engine <> 'InnoDB'",
		"a table without a primary key":        "SELECT table_name FROM information_schema.tables t WHERE" + ours + "AND NOT EXISTS (SELECT 1 FROM information_schema.table_constraints c WHERE c.table_schema = t.table_schema AND c.table_name = t.table_name AND c.constraint_type = 'PRIMARY KEY')",
		"an id that is not CHAR(36) ascii_bin": "SELECT table_name, column_name, column_type, collation_name FROM information_schema.columns WHERE" + ours + "AND (column_name = 'id' OR column_name LIKE '%\\_id') AND column_name NOT IN ('client_id', 'end_to_end_id') AND NOT (table_name = 'product_events' AND column_name = 'subject_id') AND NOT (column_type = 'char(36)' AND collation_name = 'ascii_bin')",
		"an amount that is not DECIMAL(18,2)":  "SELECT table_name, column_name, column_type FROM information_schema.columns WHERE" + ours + "AND (column_name LIKE '%amount' OR column_name IN ('principal', 'interest', 'fees', 'total', 'opening_balance', 'closing_balance', 'interest_total')) AND column_type <> 'decimal(18,2)'",
		"a status without a CHECK":             "SELECT table_name, column_name FROM information_schema.columns c WHERE" + ours + "AND column_name = 'status' AND NOT EXISTS (SELECT 1 FROM information_schema.table_constraints k WHERE k.table_schema = c.table_schema AND k.constraint_name = CONCAT('ck_', c.table_name, '_status'))",
	} {
		for _, row := range l.schemaRows(query) {
			t.Errorf("%s: %s", what, row)
		}
	}
	// The names by which errors are told apart. A CHECK named like its column is the server's own, that JSON is JSON.
	prefixes := map[string]string{"UNIQUE": "uk_", "FOREIGN KEY": "fk_", "CHECK": "ck_", "PRIMARY KEY": "PRIMARY"}
	named := l.schemaRows("SELECT constraint_type, table_name, constraint_name FROM information_schema.table_constraints WHERE" + ours +
		"AND NOT (constraint_type = 'CHECK' AND constraint_name IN (SELECT column_name FROM information_schema.columns c WHERE c.table_schema = DATABASE() AND c.table_name = table_constraints.table_name))")
	if len(named) < 50 {
		t.Fatalf("%d constraints, want at least the 50 of the first day", len(named))
	}
	for _, row := range named {
		name := row[strings.LastIndex(row, " ")+1:]
		kind, rest, _ := strings.Cut(row, " ")
		if kind == "PRIMARY" || kind == "FOREIGN" {
			second, after, _ := strings.Cut(rest, " ")
			kind, rest = kind+" "+second, after
		}
		table, _, _ := strings.Cut(rest, " ")
		want := prefixes[kind]
		if kind != "PRIMARY KEY" {
			want += table
		}
		if !strings.HasPrefix(name, want) {
			t.Errorf("%s %s of %s: want a name that begins with %s", kind, name, table, want)
		}
	}
	for _, row := range l.schemaRows("SELECT DISTINCT table_name, index_name FROM information_schema.statistics WHERE" + ours) {
		table, name, _ := strings.Cut(row, " ")
		if !slices.ContainsFunc([]string{"PRIMARY", "uk_" + table, "ix_" + table, "fk_" + table}, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
			t.Errorf("index %s of %s: want PRIMARY, uk_, ix_ or fk_ and the table", name, table)
		}
	}
}

// refusal is a change by raw SQL that one constraint must refuse.
type refusal struct {
	constraint string
	statement  string
}

// refusals has a case for every CHECK, UNIQUE and FOREIGN KEY of the tables of products, cases and payments. The rows they start from
// are those of TestTheDatabaseRefusesByItself: {application} is one that is approved, {signed} one with a contract and two
// payments, {payment} and {failed}.
var refusals = []refusal{
	{"ck_product_versions_status", "UPDATE product_versions SET status = 'retired'"},
	{"ck_product_versions_status", "UPDATE product_versions SET status = ''"},
	{"ck_product_versions_two_people", "UPDATE product_versions SET activated_by = made_by"},
	{"fk_product_versions_product", "UPDATE product_versions SET product_code = 'NONE'"},
	{"fk_product_versions_product", "DELETE FROM products"},
	{"uk_product_versions_active", "UPDATE product_versions SET effective_from = '2022-02-01'"},
	{"ck_product_events_subject", "UPDATE product_events SET subject = 'application'"},
	{"product_events.detail", "UPDATE product_events SET detail = 'no json'"},
	{"products.document", "UPDATE products SET document = 'no json'"},
	{"product_versions.document", "UPDATE product_versions SET document = '{'"},
	{"calendar_years.holidays", "UPDATE calendar_years SET holidays = 'no json'"},
	{"calendar_years.make_up_days", "UPDATE calendar_years SET make_up_days = '{'"},
	{"calendar_year_events.holidays", "UPDATE calendar_year_events SET holidays = 'no json'"},
	{"calendar_year_events.make_up_days", "UPDATE calendar_year_events SET make_up_days = '{'"},
	{"fk_calendar_year_events_year", "DELETE FROM calendar_years"},
	{"ck_keyset_checks_single", "INSERT INTO keyset_checks VALUES (2, '', '')"},
	{"uk_reference_rates_published", "INSERT INTO reference_rates SELECT '01900000-0000-7000-8000-000000000999', published_on, revision, 1, 1, '', '' FROM reference_rates LIMIT 1"},

	{"ck_applications_status", "UPDATE applications SET status = 'surveying' WHERE id = '{application}'"},
	{"ck_applications_status", "UPDATE applications SET status = 'APPROVED' WHERE id = '{application}'"},
	{"ck_applications_amount", "UPDATE applications SET status = 'draft', amount = 0 WHERE id = '{application}'"},
	{"ck_applications_amount", "UPDATE applications SET status = 'draft', amount = -1 WHERE id = '{application}'"},
	{"ck_applications_approved", "UPDATE applications SET approved_amount = NULL WHERE id = '{application}'"},
	{"ck_applications_approved", "UPDATE applications SET approved_amount = 0 WHERE id = '{application}'"},
	{"ck_applications_approved", "UPDATE applications SET approved_amount = amount + 0.01 WHERE id = '{application}'"},
	{"ck_applications_approved", "UPDATE applications SET status = 'closed', approved_amount = NULL WHERE id = '{application}'"},
	{"fk_applications_branch", "UPDATE applications SET branch_id = '01900000-0000-7000-8000-000000000999' WHERE id = '{application}'"},
	{"fk_applications_borrower", "UPDATE applications SET borrower_id = '01900000-0000-7000-8000-000000000999' WHERE id = '{application}'"},
	{"fk_applications_renews", "UPDATE applications SET renews_application_id = '01900000-0000-7000-8000-000000000999' WHERE id = '{application}'"},
	{"uk_applications_application_no", "UPDATE applications SET application_no = (SELECT n FROM (SELECT application_no n FROM applications WHERE id = '{signed}') o) WHERE id = '{application}'"},

	{"ck_decisions_result", "UPDATE decisions SET result = 'perhaps'"},
	{"uk_decisions_application", "INSERT INTO decisions SELECT '01900000-0000-7000-8000-000000000999', application_id, branch_id, application_version, result, rule_set, outcome, facts_cipher, decided_at, NULL, '', '', 0 FROM decisions LIMIT 1"},
	{"fk_decisions_application", "UPDATE decisions SET application_id = '01900000-0000-7000-8000-000000000999'"},
	{"decisions.outcome", "UPDATE decisions SET outcome = ''"},

	{"applications.harvests", "UPDATE applications SET harvests = 'no json'"},
	{"ck_contracts_amount", "UPDATE contracts SET amount = 0"},
	{"ck_contracts_payment_method", "UPDATE contracts SET payment_method = 'cash'"},
	{"ck_contracts_signed", "UPDATE contracts SET document_sha256 = REPEAT('a', 64)"},
	{"ck_contracts_cooling_off", "UPDATE contracts SET cooling_off_hours = 721"},
	{"uk_contracts_contract_no", "UPDATE contracts SET contract_no = 'one number for all'"},
	{"fk_contracts_application", "DELETE FROM applications WHERE id = '{signed}'"},
	{"ck_instalments_amounts", "UPDATE instalments SET principal = -0.01"},
	{"ck_instalments_amounts", "UPDATE instalments SET interest = -0.01"},
	{"ck_instalments_amounts", "UPDATE instalments SET fees = -0.01"},
	{"ck_instalments_amounts", "UPDATE instalments SET closing_balance = -0.01"},
	{"fk_instalments_contract", "DELETE FROM contracts WHERE application_id = '{signed}'"},

	{"ck_disbursements_status", "UPDATE disbursements SET status = 'paid' WHERE id = '{payment}'"},
	{"ck_disbursements_amount", "UPDATE disbursements SET amount = 0 WHERE id = '{payment}'"},
	{"ck_disbursements_two_people", "UPDATE disbursements SET released_by = requested_by WHERE id = '{payment}'"},
	{"fk_disbursements_application", "UPDATE disbursements SET application_id = '01900000-0000-7000-8000-000000000999' WHERE id = '{payment}'"},

	{"ck_transfers_status", "UPDATE transfers SET status = 'partly_succeeded' WHERE disbursement_id = '{payment}'"},
	{"ck_transfers_amount", "UPDATE transfers SET amount = 0 WHERE disbursement_id = '{payment}'"},
	{"ck_transfers_method", "UPDATE transfers SET method = 'cash' WHERE disbursement_id = '{payment}'"},
	{"ck_transfers_reversed", "UPDATE transfers SET reversed_amount = -0.01 WHERE disbursement_id = '{payment}'"},
	{"ck_transfers_reversed", "UPDATE transfers SET reversed_amount = 0.01 WHERE disbursement_id = '{payment}'"},
	{"ck_transfers_reversed", "UPDATE transfers SET status = 'succeeded', reversed_amount = 99500.01 WHERE disbursement_id = '{payment}'"},
	{"ck_transfers_document", "UPDATE transfers SET method = 'entrusted_payment' WHERE disbursement_id = '{payment}'"},
	{"ck_transfers_document", "UPDATE transfers SET document_reference = 'x', document_sha256 = 'y' WHERE disbursement_id = '{payment}'"},
	{"uk_transfers_number", "UPDATE transfers SET disbursement_id = '{failed}'"},
	{"fk_transfers_disbursement", "UPDATE transfers SET disbursement_id = '01900000-0000-7000-8000-000000000999'"},

	{"ck_holds_status", "UPDATE holds SET status = 'paused'"},
	{"ck_holds_two_people", "UPDATE holds SET released_by = placed_by, status = 'released'"},
	{"ck_holds_released", "UPDATE holds SET status = 'released'"},
	{"fk_holds_application", "UPDATE holds SET application_id = '01900000-0000-7000-8000-000000000999'"},
	{"ck_reversals_status", "UPDATE reversals SET status = 'paid'"},
	{"ck_reversals_amount", "UPDATE reversals SET amount = 0"},
	{"ck_reversals_two_people", "UPDATE reversals SET decided_by = requested_by, status = 'confirmed'"},
	{"ck_reversals_two_people", "UPDATE reversals SET status = 'confirmed'"},
	{"ck_reversals_live", "UPDATE reversals SET status = 'rejected', decided_by = id"},
	{"ck_reversals_live", "UPDATE reversals SET live_reference = 'TH-2'"},
	{"uk_reversals_live_reference", "INSERT INTO reversals SELECT '01900000-0000-7000-8000-000000000999', transfer_id, disbursement_id, application_id, branch_id, borrower_id, amount, reason, channel_reference, live_reference, status, requested_by, requested_at, NULL, NULL, 1 FROM reversals LIMIT 1"},
	{"fk_reversals_transfer", "UPDATE reversals SET transfer_id = '01900000-0000-7000-8000-000000000999'"},
	{"ck_tranches_amount", "UPDATE tranches SET amount = 0"},
	{"fk_tranches_application", "INSERT INTO tranches VALUES ('01900000-0000-7000-8000-000000000999', 1, '', 1)"},
	{"ck_tranche_conditions_kind", "UPDATE tranche_conditions SET kind = 'luck'"},
	{"ck_tranche_conditions_fulfilled", "UPDATE tranche_conditions SET fulfilled_at = '2026-12-01 00:00:00'"},
	{"uk_tranche_conditions_number", "INSERT INTO tranche_conditions SELECT '01900000-0000-7000-8000-000000000999', application_id, tranche, number, branch_id, kind, text, '', '', NULL, NULL FROM tranche_conditions LIMIT 1"},
	{"fk_tranche_conditions_tranche", "UPDATE tranche_conditions SET tranche = 9"},
	{"ck_obligations_status", "UPDATE obligations SET status = 'lost'"},
	{"ck_obligations_fulfilled", "UPDATE obligations SET status = 'fulfilled'"},
	{"uk_obligations_disbursement", "INSERT INTO obligations SELECT '01900000-0000-7000-8000-000000000999', disbursement_id, application_id, branch_id, borrower_id, due_on, status, '', '', NULL, NULL, created_at FROM obligations LIMIT 1"},
	{"fk_obligations_disbursement", "UPDATE obligations SET disbursement_id = '01900000-0000-7000-8000-000000000999'"},

	{"ck_events_subject", "UPDATE events SET subject = 'household'"},
	{"fk_events_case", "UPDATE events SET case_id = '01900000-0000-7000-8000-000000000999'"},
	{"events.detail", "UPDATE events SET detail = 'no json'"},
}

func TestTheDatabaseRefusesByItself(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	granted := l.addApplication(approved(l.draft(ledgerCounty)))
	signed, contract := l.addSigned(ledgerCounty)
	_, sibling := l.addSigned(ledgerSibling)
	failed := l.addDisbursement(released(l.payment(signed), loan.DisbursementFailed))
	payment := l.addDisbursement(l.payment(signed))
	l.update(func(tx origination.Tx) error {
		if err := tx.PutProduct(t.Context(), ledgerProduct("QLFMD")); err != nil {
			return err
		}
		for _, from := range []string{"2022-02-01", "2023-02-01"} {
			if _, err := tx.InsertProductVersion(t.Context(), ledgerVersion(l.newID(), "QLFMD", "37", from)); err != nil {
				return err
			}
		}
		return tx.InsertDecision(t.Context(), ledgerDecision(signed))
	})
	l.exec("INSERT INTO holds SELECT '01900000-0000-7000-8000-0000000000f1', id, branch_id, borrower_id, '核实中', '2026-12-01 00:00:00', officer_id, created_at, NULL, NULL, '', 'live', 1 FROM applications WHERE id = ?", signed.ID)
	l.exec("INSERT INTO reversals SELECT '01900000-0000-7000-8000-0000000000f2', id, disbursement_id, application_id, branch_id, borrower_id, 1, '退汇', 'TH-1', 'TH-1', 'requested', borrower_id, '2026-12-01 00:00:00', NULL, NULL, 1 FROM transfers WHERE disbursement_id = ?", payment.ID)
	l.exec("INSERT INTO tranches SELECT id, 1, branch_id, amount FROM applications WHERE id = ?", signed.ID)
	l.exec("INSERT INTO tranche_conditions SELECT '01900000-0000-7000-8000-0000000000f3', application_id, 1, 1, branch_id, 'site_visit', '核查', '', '', NULL, NULL FROM tranches")
	l.exec("INSERT INTO obligations SELECT id, id, application_id, branch_id, borrower_id, '2027-01-01', 'open', '', '', NULL, NULL, requested_at FROM disbursements WHERE id = ?", payment.ID)
	l.exec("INSERT INTO reference_rates VALUES ('01900000-0000-7000-8000-0000000000aa', '2026-11-20', 0, 3.45, 3.95, '', '')")
	l.exec("INSERT INTO product_events VALUES ('QLFMD', 1, 'product', 'QLFMD', 'create', ?, '员工', 'admin', '2026-01-01 00:00:00', '[]')", ledgerOfficer)
	l.exec("INSERT INTO calendar_years VALUES (2026, '[]', '[]', '', ?, '2026-01-01 00:00:00', 1)", ledgerOfficer)
	l.exec("INSERT INTO calendar_year_events VALUES (2026, 1, '[]', '[]', '', ?, '2026-01-01 00:00:00')", ledgerOfficer)

	l.addForRefusals([]loan.Contract{contract, sibling}, payment, failed)
	unproved := map[string]bool{}
	// The server's own CHECK that a column holds JSON has the column's name.
	for _, name := range l.schemaRows(`SELECT CASE WHEN constraint_name REGEXP '^(ck|uk|fk)_' THEN constraint_name ELSE CONCAT(table_name, '.', constraint_name) END FROM information_schema.table_constraints WHERE table_schema = DATABASE()
		AND constraint_type IN ('CHECK', 'UNIQUE', 'FOREIGN KEY') AND table_name IN (` + lendingTables(t) + ")") {
		unproved[name] = true
	}
	if len(unproved) < 25 {
		t.Fatalf("%d constraints, want at least the 25 of the first day: %v", len(unproved), slices.Sorted(maps.Keys(unproved)))
	}
	replacer := strings.NewReplacer("{application}", granted.ID.String(), "{signed}", signed.ID.String(), "{payment}", payment.ID.String(), "{failed}", failed.ID.String())
	for _, c := range slices.Concat(refusals, lineRefusals, reconciliationRefusals) {
		statement := replacer.Replace(c.statement)
		_, err := l.rows.ExecContext(t.Context(), statement)
		if err == nil || !strings.Contains(err.Error(), c.constraint) {
			t.Errorf("%s: %v, want a refusal by %s", statement, err, c.constraint)
		}
		delete(unproved, c.constraint)
	}
	for _, name := range slices.Sorted(maps.Keys(unproved)) {
		t.Errorf("constraint %s has no case that it refuses", name)
	}
	// Nothing came through half.
	for _, id := range []domain.ID{granted.ID, signed.ID} {
		if _, err := l.store.Application(t.Context(), ledgerEverything, id); err != nil {
			t.Errorf("%s after the refusals: %v", id, err)
		}
	}
}

// lendingTables lists the tables that the migrations 003xx, 004xx and those of payments make, for an IN.
func lendingTables(t testing.TB) string {
	t.Helper()
	var tables []string
	for _, name := range migrationNames(t) {
		if table, found := strings.CutSuffix(name[5:], ".sql"); found && (strings.HasPrefix(name, "003") || strings.HasPrefix(name, "004") || (name >= "00740" && name < "00790")) {
			if table, creates := strings.CutPrefix(table, "_create_"); creates {
				tables = append(tables, "'"+table+"'")
			}
		}
	}
	if len(tables) < 11 {
		t.Fatalf("tables %v, want at least the 11 of the first day", tables)
	}
	return strings.Join(tables, ", ")
}
