package repository

import (
	"encoding/json"
	"errors"
	"log/slog"
	"testing"

	"fumin/repository/localdb"
)

func TestANodeWithAnotherKeysetIsRefused(t *testing.T) {
	t.Parallel()
	dsn := localdb.NewDatabase(t)
	if _, _, err := Migrate(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	check := func(keys []byte) error {
		t.Helper()
		store, err := Open(t.Context(), dsn, cipherOfKeys(t, keys), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = store.Close() }()
		return store.CheckKeyset(t.Context())
	}
	first, stranger := freshKeys(t), freshKeys(t)
	var ours, theirs keyFile
	if err := errors.Join(json.Unmarshal(first, &ours), json.Unmarshal(stranger, &theirs)); err != nil {
		t.Fatal(err)
	}
	mixed := func(encryption, index json.RawMessage) []byte {
		t.Helper()
		keys, err := json.Marshal(keyFile{Encryption: encryption, Index: index})
		if err != nil {
			t.Fatal(err)
		}
		return keys
	}
	for _, c := range []struct {
		name string
		keys []byte
		want error
	}{
		{"the first node", first, nil},
		{"the same keyset again", first, nil},
		{"a rotated keyset that still holds the old keys", rotatedKeys(t, first), nil},
		{"another keyset", stranger, ErrKeyset},
		{"another encryption key", mixed(theirs.Encryption, ours.Index), ErrKeyset},
		{"another index key", mixed(ours.Encryption, theirs.Index), ErrKeyset},
		{"the first keyset after the refusals", first, nil},
	} {
		if err := check(c.keys); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}
