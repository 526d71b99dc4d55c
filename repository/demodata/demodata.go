// Package demodata owns the shipped catalogue, the working calendar, the demo organisation and its approval authorities: JSON files inside the binary, read into domain
// values. It stores nothing and holds no passwords.
//
// Every id in the files is fixed, so loading the data twice changes nothing. Unknown JSON fields are refused: a misspelt
// term must not become a missing one.
package demodata

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

//go:embed authority.json calendar.json catalogue.json guarantee.json organisation.json ruleset.json
var files embed.FS

// decodeFile reads an embedded file into target.
func decodeFile(name string, target any) error {
	content, err := files.ReadFile(name)
	if err != nil {
		return fmt.Errorf("demodata: %w", err)
	}
	if err := decodeStrict(content, target); err != nil {
		return fmt.Errorf("demodata: %s: %w", name, err)
	}
	return nil
}

var errTrailing = errors.New("text after the JSON value")

// decodeStrict decodes one JSON value and refuses unknown fields and trailing text.
func decodeStrict(content []byte, target any) error {
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(target); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errTrailing
	}
	return nil
}
