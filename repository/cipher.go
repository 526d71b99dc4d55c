package repository

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"
	"github.com/tink-crypto/tink-go/v2/tink"

	"fumin/domain"
)

// Cipher encrypts personal data in its column and makes the blind index by which it is found (盲索引).
//
// A column holds AES-256-GCM with the table, column and row id as associated data, so that a value copied to another
// row does not decrypt. The index is a keyed PRF (HMAC-SHA-256) of the normalised text: equal values meet, and without
// the key nobody can try numbers against it. Both keys come from one file; each is a Tink keyset, so a new primary key can
// be added while values under the old one stay readable.
type Cipher struct {
	encryption tink.AEAD
	index      *prf.Set
}

// indexBytes is the length of a blind index: the whole HMAC-SHA-256.
const indexBytes = 32

// keyFile is the format of FUMIN_KEYSET_FILE.
type keyFile struct {
	Encryption json.RawMessage `json:"encryption"` // Tink AEAD keyset
	Index      json.RawMessage `json:"index"`      // Tink PRF keyset
}

// NewKeyFile makes fresh keys in the format that NewCipher reads. It is the content of a secret file.
func NewKeyFile() ([]byte, error) {
	encryption, err := newKeyset(func() (*keyset.Handle, error) { return keyset.NewHandle(aead.AES256GCMKeyTemplate()) })
	if err != nil {
		return nil, err
	}
	index, err := newKeyset(func() (*keyset.Handle, error) { return keyset.NewHandle(prf.HMACSHA256PRFKeyTemplate()) })
	if err != nil {
		return nil, err
	}
	return json.MarshalIndent(keyFile{Encryption: encryption, Index: index}, "", "  ")
}

func newKeyset(generate func() (*keyset.Handle, error)) (json.RawMessage, error) {
	handle, err := generate()
	if err != nil {
		return nil, fmt.Errorf("generate keyset: %w", err)
	}
	var text bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&text)); err != nil {
		return nil, fmt.Errorf("write keyset: %w", err)
	}
	return text.Bytes(), nil
}

// NewCipher reads the content of a key file. Errors never carry key material, so they are in our own words: the library's
// quote what they stumble over, which in a damaged file may be a key.
func NewCipher(content []byte) (*Cipher, error) {
	var file keyFile
	if err := json.Unmarshal(content, &file); err != nil {
		return nil, errors.New("keyset file: not the JSON that `fumin keys new` writes")
	}
	encryption, err := readKeyset(file.Encryption)
	if err != nil {
		return nil, fmt.Errorf("keyset file, encryption: %w", err)
	}
	index, err := readKeyset(file.Index)
	if err != nil {
		return nil, fmt.Errorf("keyset file, index: %w", err)
	}

	var c Cipher
	if c.encryption, err = aead.New(encryption); err != nil {
		return nil, errors.New("keyset file, encryption: not a keyset for authenticated encryption (AEAD)")
	}
	if c.index, err = prf.NewPRFSet(index); err != nil {
		return nil, errors.New("keyset file, index: not a keyset for a pseudo-random function (PRF)")
	}
	// A key of another length is told now, and not by the first borrower.
	if _, err := c.blinds("probe", "probe"); err != nil {
		return nil, fmt.Errorf("keyset file, index: each key must give %d bytes, as HMAC-SHA-256 does", indexBytes)
	}
	return &c, nil
}

func readKeyset(text json.RawMessage) (*keyset.Handle, error) {
	if len(text) == 0 {
		return nil, errors.New("missing")
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(text)))
	if err != nil {
		return nil, errors.New("not a Tink keyset in JSON, or damaged")
	}
	return handle, nil
}

// seal encrypts text for one column of one row; empty text stays empty.
func (c *Cipher) seal(column string, row domain.ID, text string) ([]byte, error) {
	if text == "" {
		return []byte{}, nil
	}
	sealed, err := c.encryption.Encrypt([]byte(text), associatedData(column, row))
	if err != nil {
		return nil, fmt.Errorf("encrypt %s: %w", column, err)
	}
	return sealed, nil
}

// open decrypts what seal made for the same column and row.
func (c *Cipher) open(column string, row domain.ID, sealed []byte) (string, error) {
	if len(sealed) == 0 {
		return "", nil
	}
	text, err := c.encryption.Decrypt(sealed, associatedData(column, row))
	if err != nil {
		return "", fmt.Errorf("decrypt %s of %s: wrong keyset, or the value belongs to another row", column, row)
	}
	return string(text), nil
}

// associatedData binds a value to its place. column is "table.column".
func associatedData(column string, row domain.ID) []byte { return []byte(column + "|" + row.String()) }

// blind makes the index under the primary key; what names the kind of value, so that a phone never meets an account.
func (c *Cipher) blind(what, text string) ([]byte, error) {
	if text == "" {
		return nil, nil
	}
	return c.index.ComputePrimaryPRF([]byte(what+"|"+text), indexBytes)
}

// blinds makes the index under every key, for a search while keys are being rotated.
func (c *Cipher) blinds(what, text string) ([][]byte, error) {
	indexes := make([][]byte, 0, len(c.index.PRFs))
	for _, key := range c.index.PRFs {
		index, err := key.ComputePRF([]byte(what+"|"+text), indexBytes)
		if err != nil {
			return nil, fmt.Errorf("index %s: %w", what, err)
		}
		indexes = append(indexes, index)
	}
	return indexes, nil
}
