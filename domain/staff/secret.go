package staff

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"log/slog"
)

// Secret is a text that opens something: a password, a refresh token, a client's secret, a password's hash. Every way
// of printing or encoding it shows "****"; the text itself takes a call of Reveal, which is easy to find in review.
//
// The text stands behind a pointer for a reason: fmt does not call methods on what it reaches through an unexported
// field, but prints what lies inside, and what lies inside is an address. The zero value is absent.
type Secret struct{ text *string }

// NewSecret wraps a text. Nothing is checked: what somebody claims to be a password may be anything.
func NewSecret(text string) Secret { return Secret{&text} }

// Reveal returns the text; "" when absent. It must not reach a log, a URL or an error.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether the secret is absent or empty.
func (s Secret) IsZero() bool { return s.Reveal() == "" }

// Equal compares in constant time (but for the lengths).
func (s Secret) Equal(o Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(o.Reveal())) == 1
}

// Hash returns the SHA-256 of the text. It is what storage keeps of secrets that were made by a random source with at
// least 256 bits: nobody can try them out, so nothing slower is needed. A password is hashed by HashPassword instead.
func (s Secret) Hash() []byte {
	sum := sha256.Sum256([]byte(s.Reveal()))
	return sum[:]
}

const mask = "****"

// String returns a mask.
func (s Secret) String() string { return mask }

// Format prints the mask for every verb, so that %#v and %x are as safe as %s.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(mask)) }

// LogValue gives slog the mask.
func (s Secret) LogValue() slog.Value { return slog.StringValue(mask) }

// MarshalText writes the mask; there is no way back from it.
func (s Secret) MarshalText() ([]byte, error) { return []byte(mask), nil }
