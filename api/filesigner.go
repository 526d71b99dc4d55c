package api

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
)

// FileSigner signs files for partners (文件签名), so that a guarantee company sees that a file is the lender's and whole. Its
// Ed25519 key is derived from the first key of the access tokens and used for nothing else.
type FileSigner struct{ private ed25519.PrivateKey }

// NewFileSigner derives the key from seeds as NewTokens reads them.
func NewFileSigner(seeds []byte) (*FileSigner, error) {
	if len(seeds) < ed25519.SeedSize {
		return nil, errors.New("file signer: no key")
	}
	seed, err := hkdf.Key(sha256.New, seeds[:ed25519.SeedSize], nil, "fumin partner files", ed25519.SeedSize)
	if err != nil {
		return nil, fmt.Errorf("file signer: %w", err)
	}
	return &FileSigner{private: ed25519.NewKeyFromSeed(seed)}, nil
}

// The headers of a signed file. Content-Digest is that of RFC 9530; the signature is over the bytes of the file.
const (
	headerContentDigest = "Content-Digest"
	headerFileSignature = "Fumin-File-Signature"
	headerFileKey       = "Fumin-File-Key"
)

// sign sets the headers by which a file is checked.
func (s *FileSigner) sign(h http.Header, content []byte) {
	digest := sha256.Sum256(content)
	h.Set(headerContentDigest, "sha-256=:"+base64.StdEncoding.EncodeToString(digest[:])+":")
	h.Set(headerFileSignature, base64.StdEncoding.EncodeToString(ed25519.Sign(s.private, content)))
	public, _ := s.private.Public().(ed25519.PublicKey) // it has no other type
	h.Set(headerFileKey, base64.StdEncoding.EncodeToString(public))
}
