package repository

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/google/go-cmp/cmp"

	"fumin/repository/localdb"
)

// contradicting is a DSN that says the opposite of everything this package relies on.
const contradicting = "user:pw@tcp(127.0.0.1:3306)/fumin?parseTime=false&loc=Asia%2FShanghai&interpolateParams=false&clientFoundRows=false" +
	"&rejectReadOnly=false&multiStatements=true&columnsWithAlias=true&charset=latin1&collation=latin1_swedish_ci&timeTruncate=1s" +
	"&time_zone=%27%2B08%3A00%27&sql_mode=%27%27&SQL_MODE=%27%27&autocommit=0&innodb_lock_wait_timeout=1000&max_statement_time=0" +
	"&max_execution_time=0&tx_isolation=%27SERIALIZABLE%27&transaction_isolation=%27READ-UNCOMMITTED%27&Transaction_Isolation=%27SERIALIZABLE%27" +
	"&optimizer_switch=%27index_merge_intersection%3Don%27&wait_timeout=600"

func TestWhateverADSNSaysTheSettingsReliedOnAreForced(t *testing.T) {
	t.Parallel()
	common := map[string]string{
		"time_zone": "'+00:00'", "sql_mode": sqlMode, "autocommit": "1", "innodb_lock_wait_timeout": "5",
		"optimizer_switch": "'index_merge_intersection=off'",
		"wait_timeout":     "600", // not ours, so the DSN's
	}
	with := func(more map[string]string) map[string]string {
		all := maps.Clone(common)
		maps.Copy(all, more)
		return all
	}
	mariaDB := with(map[string]string{"tx_isolation": "'READ-COMMITTED'", "max_statement_time": "25"})
	mySQL := with(map[string]string{"transaction_isolation": "'READ-COMMITTED'", "max_execution_time": "25000"})
	for version, want := range map[string]map[string]string{
		"10.6.18-MariaDB-log":              mariaDB,
		"10.11.19-MariaDB-0+deb12u1":       mariaDB,
		"5.5.5-10.11.19-MariaDB-0+deb12u1": mariaDB,
		"11.8.2-MariaDB":                   mariaDB,
		"8.0.42":                           mySQL,
		"8.4.5-commercial":                 mySQL,
		"8.0.11-TiDB-v8.5.6":               mySQL,
		"9.3.0":                            mySQL,
	} {
		config, err := mysql.ParseDSN(contradicting)
		if err != nil {
			t.Fatal(err)
		}
		if err := complete(config, version); err != nil {
			t.Errorf("%s: %v", version, err)
			continue
		}
		if diff := cmp.Diff(want, config.Params); diff != "" {
			t.Errorf("%s: session variables (-want +got):\n%s", version, diff)
		}
		if !config.ParseTime || config.Loc != time.UTC || !config.InterpolateParams || !config.ClientFoundRows || !config.RejectReadOnly ||
			config.MultiStatements || config.ColumnsWithAlias || config.Collation != "utf8mb4_bin" {
			t.Errorf("%s: %+v, want every setting forced", version, config)
		}
		text := config.FormatDSN()
		for _, part := range []string{"charset=utf8mb4&", "timeTruncate=1µs"} {
			if !strings.Contains(strings.ReplaceAll(text, "%C2%B5", "µ"), part) {
				t.Errorf("%s: %s lacks %s", version, text, part)
			}
		}
	}
}

func TestAMigrationHasNoTimeLimit(t *testing.T) {
	t.Parallel()
	for version, name := range map[string]string{"10.11.19-MariaDB": "max_statement_time", "8.0.42": "max_execution_time"} {
		config, err := mysql.ParseDSN("user@tcp(127.0.0.1:3306)/fumin?readTimeout=1s&writeTimeout=1s")
		if err != nil {
			t.Fatal(err)
		}
		if err := complete(config, version); err != nil {
			t.Fatal(err)
		}
		withoutTimeLimits(config)
		if config.Params[name] != "0" || config.ReadTimeout != 0 || config.WriteTimeout != 0 {
			t.Errorf("%s: %s = %s, read %s, write %s; want none", version, name, config.Params[name], config.ReadTimeout, config.WriteTimeout)
		}
		if _, other := config.Params[map[string]string{"max_statement_time": "max_execution_time", "max_execution_time": "max_statement_time"}[name]]; other {
			t.Errorf("%s: a variable this server does not know was added: %v", version, config.Params)
		}
	}
}

func TestADSNThatCannotBeIsToldInOneSentenceWithoutThePassword(t *testing.T) {
	t.Parallel()
	for _, dsn := range []string{
		"", "fumin", "user:geheim@host", "user:geheim@tcp(host:3306)", "user:geheim@tcp(host:3306)/", "mysql://user:geheim@host/fumin",
		"user:geheim@tcp(host:3306)/?parseTime=true", "user:geheim@tcp(host:3306)/fumin?parseTime=perhaps", "user:geheim@tcp(host/fumin",
		"user:geheim@unix(/tmp/geheim/x.sock)/", "user:geheim@tcp(host:3306)/fumin?tls=geheim",
	} {
		_, err := dataSource(t.Context(), dsn)
		if err == nil || !strings.HasPrefix(err.Error(), "FUMIN_DSN ") || !strings.Contains(err.Error(), "expected user:password@tcp(host:3306)/database") {
			t.Errorf("dataSource(%q) = %v, want a sentence that says what is expected", dsn, err)
		} else if strings.Contains(err.Error(), "geheim") {
			t.Errorf("dataSource(%q) says the password: %v", dsn, err)
		}
	}
	// A place where nobody answers is no matter of form.
	_, err := dataSource(t.Context(), "user:geheim@unix(/nowhere/mariadb.sock)/fumin")
	if err == nil || strings.Contains(err.Error(), "geheim") || !strings.Contains(err.Error(), "ask the database for its version") {
		t.Errorf("a socket that is not there: %v, want what was tried, without the password", err)
	}
}

func TestTheDSNsOwnTimeOutsAreKept(t *testing.T) {
	t.Parallel()
	dsn := localdb.NewDatabase(t)
	config, err := dataSource(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	if config.Timeout != 2*time.Second || config.ReadTimeout != 30*time.Second || config.WriteTimeout != 30*time.Second {
		t.Errorf("by default dial %s, read %s, write %s; want 2s, 30s, 30s", config.Timeout, config.ReadTimeout, config.WriteTimeout)
	}
	config, err = dataSource(t.Context(), withParameters(dsn, "timeout=7s&readTimeout=8s&writeTimeout=9s"))
	if err != nil {
		t.Fatal(err)
	}
	if config.Timeout != 7*time.Second || config.ReadTimeout != 8*time.Second || config.WriteTimeout != 9*time.Second {
		t.Errorf("dial %s, read %s, write %s; want the DSN's 7s, 8s, 9s", config.Timeout, config.ReadTimeout, config.WriteTimeout)
	}
}

func withParameters(dsn, parameters string) string {
	if strings.Contains(dsn, "?") {
		return dsn + "&" + parameters
	}
	return dsn + "?" + parameters
}

func TestTheSessionsOfAStoreAreAsThisPackageNeedsThem(t *testing.T) {
	t.Parallel()
	_, parameters, _ := strings.Cut(contradicting, "?")
	// What only a MariaDB or only a MySQL knows cannot be sent to either; it is dropped before.
	store, err := Open(t.Context(), withParameters(localdb.NewDatabase(t), parameters), cipherOfKeys(t, freshKeys(t)), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	var version string
	if err := store.pool.QueryRowContext(t.Context(), "SELECT VERSION()").Scan(&version); err != nil {
		t.Fatal(err)
	}
	isolation, limit, limitValue := "@@transaction_isolation", "@@max_execution_time", "25000"
	if isMariaDB(version) {
		isolation, limit, limitValue = "@@tx_isolation", "@@max_statement_time", "25"
	}
	for name, want := range map[string]string{
		isolation: "READ-COMMITTED", limit: limitValue, "@@time_zone": "+00:00", "@@autocommit": "1", "@@innodb_lock_wait_timeout": "5",
		"@@character_set_client": "utf8mb4", "@@character_set_connection": "utf8mb4", "@@character_set_results": "utf8mb4",
		"@@collation_connection": "utf8mb4_bin", "@@wait_timeout": "600",
	} {
		var got string
		if err := store.pool.QueryRowContext(t.Context(), "SELECT "+name).Scan(&got); err != nil || got != want {
			t.Errorf("%s = %q, %v; want %q", name, got, err, want)
		}
	}
	var switches string
	if err := store.pool.QueryRowContext(t.Context(), "SELECT @@optimizer_switch").Scan(&switches); err != nil || !strings.Contains(switches, "index_merge_intersection=off") {
		t.Errorf("@@optimizer_switch = %s, %v; want no intersection of indexes", switches, err)
	}
	var modes string
	if err := store.pool.QueryRowContext(t.Context(), "SELECT @@sql_mode").Scan(&modes); err != nil {
		t.Fatal(err)
	}
	for mode := range strings.SplitSeq(strings.Trim(sqlMode, "'"), ",") {
		if !strings.Contains(","+modes+",", ","+mode+",") {
			t.Errorf("sql_mode = %s, want %s in it", modes, mode)
		}
	}
}

func TestTheServerRefusesWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	store, err := Open(t.Context(), localdb.NewDatabase(t), cipherOfKeys(t, freshKeys(t)), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	if err := store.db.Exec("CREATE TABLE small (a VARCHAR(2) CHARACTER SET ascii NULL, n DECIMAL(4,2) NULL, d DATE NULL, s SMALLINT NULL)").Error; err != nil {
		t.Fatal(err)
	}
	for _, values := range []string{
		"('abc', NULL, NULL, NULL)", "('字', NULL, NULL, NULL)", "(NULL, 100, NULL, NULL)", "(NULL, 'x', NULL, NULL)", "(NULL, 1/0, NULL, NULL)",
		"(NULL, NULL, '2026-02-30', NULL)", "(NULL, NULL, '0000-00-00', NULL)", "(NULL, NULL, '2026-00-10', NULL)", "(NULL, NULL, '', NULL)",
		"(NULL, NULL, NULL, 40000)", "(NULL, NULL, NULL, '1x')",
	} {
		if err := store.db.Exec("INSERT INTO small VALUES " + values).Error; err == nil {
			t.Errorf("%s was accepted, and stored as something else", values)
		}
	}
}
