package repository

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// KeptSecret reads a secret from its file, or makes it there: readable by this user only, never overwritten. The file comes
// into being whole, so that a program that was killed leaves no half of a key, and of two that start at once both use the
// same one.
func KeptSecret(path string, generate func() ([]byte, error)) ([]byte, error) {
	content, err := os.ReadFile(path)
	if err == nil && len(content) == 0 {
		return nil, fmt.Errorf("%s is empty: restore it, or remove it for a fresh one", path)
	}
	if !errors.Is(err, os.ErrNotExist) {
		return content, err
	}
	content, err = generate()
	if err != nil {
		return nil, err
	}
	if err := createWhole(path, content); err != nil {
		if errors.Is(err, os.ErrExist) { // another process was first
			return os.ReadFile(path)
		}
		return nil, fmt.Errorf("keep %s: %w", path, err)
	}
	return content, nil
}

// createWhole makes a file that was not there, with all of its content on the disk before its name is: written beside it,
// synced, then linked, which unlike a rename fails with os.ErrExist when the name is taken.
func createWhole(path string, content []byte) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(file.Name())) }()
	_, err = file.Write(content)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Link(file.Name(), path); err != nil {
		return err
	}
	directory, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(directory.Sync(), directory.Close())
}
