// Package storetest gives a test a store of its own: a fresh, migrated database on the test server.
package storetest

import (
	"log/slog"
	"sync"
	"testing"

	"fumin/repository"
	"fumin/repository/localdb"
)

// keyFile is one set of keys for the whole test process, so that two stores on one database read each other's rows.
var keyFile = sync.OnceValues(repository.NewKeyFile)

// New returns a store on a fresh database, which goes when the test ends. A package that calls it needs the
// one-line TestMain of localdb.
func New(t testing.TB) *repository.Store {
	t.Helper()
	store, _ := NewWithDSN(t)
	return store
}

// NewWithDSN is New, and tells the DSN, for tests that look at rows.
func NewWithDSN(t testing.TB) (store *repository.Store, dsn string) {
	t.Helper()
	dsn = localdb.NewDatabase(t)
	if err := fill(t.Context(), dsn); err != nil {
		t.Fatalf("make the schema: %v", err)
	}
	return Open(t, dsn), dsn
}

// Open opens another store on the same database, as another node would.
func Open(t testing.TB, dsn string) *repository.Store {
	t.Helper()
	keys, err := keyFile()
	if err != nil {
		t.Fatalf("make keys: %v", err)
	}
	cipher, err := repository.NewCipher(keys)
	if err != nil {
		t.Fatalf("read keys: %v", err)
	}
	store, err := repository.Open(t.Context(), dsn, cipher, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("open store: %v", err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Errorf("close store: %v", err)
		}
	})
	return store
}
