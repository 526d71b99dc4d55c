package repository_test

import (
	"bytes"
	"crypto/rand"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"fumin/repository"
)

// newSecret makes a secret of 32 random bytes.
func newSecret() ([]byte, error) {
	secret := make([]byte, 32)
	_, err := rand.Read(secret)
	return secret, err
}

func TestASecretIsMadeOnceHoweverManyStartAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "token.key")
	const starts = 16
	secrets, errs := make([][]byte, starts), make([]error, starts)
	var group sync.WaitGroup
	begin := make(chan struct{})
	for i := range starts {
		group.Go(func() {
			<-begin
			secrets[i], errs[i] = repository.KeptSecret(path, newSecret)
		})
	}
	close(begin)
	group.Wait()
	kept, err := os.ReadFile(path)
	if err != nil || len(kept) != 32 {
		t.Fatalf("kept %d bytes, %v; want 32", len(kept), err)
	}
	for i := range starts {
		if errs[i] != nil || !bytes.Equal(secrets[i], kept) {
			t.Errorf("start %d: %v, has the kept secret: %t", i, errs[i], bytes.Equal(secrets[i], kept))
		}
	}
	again, err := repository.KeptSecret(path, func() ([]byte, error) { t.Error("a kept secret was made anew"); return nil, nil })
	if err != nil || !bytes.Equal(again, kept) {
		t.Errorf("read again: %v, equal %t", err, bytes.Equal(again, kept))
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("files left behind: %v, %v; want the secret alone", entries, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
}

func TestAnEmptySecretIsRefusedAndLeftAsItIs(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "token.key")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if secret, err := repository.KeptSecret(path, newSecret); err == nil || len(secret) != 0 {
		t.Errorf("an empty file: %d bytes, %v; want an error", len(secret), err)
	}
}
