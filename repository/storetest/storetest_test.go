package storetest_test

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fumin/repository"
	"fumin/repository/localdb"
	"fumin/repository/storetest"
)

func TestMain(m *testing.M) { localdb.Main(m) }

func TestACopiedSchemaEqualsAMigratedOne(t *testing.T) {
	t.Parallel()
	migrated := localdb.NewDatabase(t)
	if _, _, err := repository.Migrate(t.Context(), migrated); err != nil {
		t.Fatal(err)
	}
	storetest.New(t) // the first of a process is migrated, and teaches the others
	_, copied := storetest.NewWithDSN(t)
	if diff := cmp.Diff(tables(t, migrated), tables(t, copied)); diff != "" {
		t.Errorf("migrated (-) and copied (+):\n%s", diff)
	}
	if err := storetest.Open(t, copied).CheckSchema(t.Context()); err != nil {
		t.Errorf("the copy's version: %v", err)
	}
}

// tables returns each table's definition as the server tells it.
func tables(t *testing.T, dsn string) map[string]string {
	t.Helper()
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	rows, err := db.QueryContext(t.Context(), "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	definitions := map[string]string{}
	for rows.Next() {
		var name, definition string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		if err := db.QueryRowContext(t.Context(), "SHOW CREATE TABLE `"+name+"`").Scan(&name, &definition); err != nil {
			t.Fatal(err)
		}
		definitions[name], _, _ = strings.Cut(definition, "\n) ENGINE=") // what follows counts rows
	}
	if err := rows.Err(); err != nil || len(definitions) == 0 {
		t.Fatalf("%d tables, %v", len(definitions), err)
	}
	return definitions
}
