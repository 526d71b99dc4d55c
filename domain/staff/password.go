package staff

import (
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"fumin/domain"
)

// The password policy (口令规则). Length is what makes a password hard to guess; rules about character classes only make it
// hard to remember (NIST SP 800-63B section 3.1.1). The upper limit bounds the work of hashing.
const (
	PasswordRunesMin         = 12
	PasswordBytesMax         = 128
	PasswordDistinctRunesMin = 5 // refuses 111111111111 and 121212121212
)

// CheckPassword refuses a new password that is too easy for the user of that name: codes "too-short", "too-long",
// "control-characters", "password-contains-username", "password-too-simple". It is asked when a password is set, never at a
// login.
func CheckPassword(password Secret, username string) error {
	text := password.Reveal()
	distinct := map[rune]bool{}
	for _, r := range text {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return domain.BadValue("control-characters", "口令含有看不见的控制字符，请重新输入")
		}
		distinct[r] = true
	}
	switch {
	case len(text) > PasswordBytesMax:
		return domain.BadValue("too-long", "口令最多 %d 个字节（一个汉字占三个）", PasswordBytesMax)
	case utf8.RuneCountInString(text) < PasswordRunesMin:
		return domain.BadValue("too-short", "口令至少 %d 个字符，建议用一句只有您知道的话", PasswordRunesMin)
	case username != "" && strings.Contains(strings.ToLower(text), username):
		return domain.BadValue("password-contains-username", "口令不能包含用户名")
	case len(distinct) < PasswordDistinctRunesMin:
		return domain.BadValue("password-too-simple", "口令过于简单，至少要有 %d 个不同的字符", PasswordDistinctRunesMin)
	}
	return nil
}

// The cost of a password's hash: argon2id with the parameters that the OWASP password storage cheat sheet names first.
// One takes about 20 ms of one core, and the memory, so the use cases bound how many run at once.
const (
	hashMemoryKiB = 19 * 1024
	hashPasses    = 2
	hashThreads   = 1
	hashBytes     = 32

	// SaltBytes is the length of the random salt HashPassword wants.
	SaltBytes = 16
)

// Limits of what a stored hash may ask for, so that a damaged row cannot take the machine's memory.
const (
	hashMemoryKiBMax = 256 * 1024
	hashPassesMax    = 10
	hashThreadsMax   = 8
	saltBytesMax     = 64
	encodedBytesMax  = 255 // as wide as its column
)

// PasswordHash is what is kept of a password: argon2id in the usual encoded form, which carries its own parameters,
//
//	$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>
//
// It prints as a mask. The zero value matches nothing.
type PasswordHash struct{ Secret }

// Equal reports whether two hashes are the same text.
func (h PasswordHash) Equal(o PasswordHash) bool { return h.Secret.Equal(o.Secret) }

// HashPassword hashes a password with a salt of SaltBytes random bytes.
func HashPassword(password Secret, salt []byte) (PasswordHash, error) {
	if len(salt) != SaltBytes {
		return PasswordHash{}, fmt.Errorf("hash password: salt of %d bytes, want %d", len(salt), SaltBytes)
	}
	sum := argon2.IDKey([]byte(password.Reveal()), salt, hashPasses, hashMemoryKiB, hashThreads, hashBytes)
	return PasswordHash{NewSecret(fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, hashMemoryKiB, hashPasses, hashThreads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum)))}, nil
}

// NobodysHash is a hash with today's parameters that belongs to no password. A login under a name that does not exist is
// checked against it, so that it takes as long as one with a wrong password.
func NobodysHash() PasswordHash {
	return PasswordHash{NewSecret("$argon2id$v=19$m=19456,t=2,p=1$" + strings.Repeat("A", 22) + "$" + strings.Repeat("A", 43))}
}

// ParsePasswordHash reads the encoded form. Its error does not repeat the text.
func ParsePasswordHash(encoded string) (PasswordHash, error) {
	h := PasswordHash{NewSecret(encoded)}
	if _, err := h.decode(); err != nil {
		return PasswordHash{}, err
	}
	return h, nil
}

// Matches reports whether the password is the one that was hashed. It compares in constant time.
func (h PasswordHash) Matches(password Secret) bool {
	d, err := h.decode()
	if err != nil || len(password.Reveal()) > PasswordBytesMax {
		return false
	}
	sum := argon2.IDKey([]byte(password.Reveal()), d.salt, d.passes, d.memoryKiB, d.threads, uint32(len(d.sum)))
	return subtle.ConstantTimeCompare(sum, d.sum) == 1
}

// Outdated reports whether h was made with other parameters than HashPassword uses now. Then it is replaced when the
// password is next seen.
func (h PasswordHash) Outdated() bool {
	d, err := h.decode()
	return err != nil || d.memoryKiB != hashMemoryKiB || d.passes != hashPasses || d.threads != hashThreads ||
		len(d.sum) != hashBytes || len(d.salt) != SaltBytes
}

type decodedHash struct {
	memoryKiB, passes uint32
	threads           uint8
	salt, sum         []byte
}

var errPasswordHash = errors.New("password hash: not argon2id in its encoded form, or beyond the limits")

func (h PasswordHash) decode() (decodedHash, error) {
	text := h.Reveal()
	parts := strings.Split(text, "$")
	if len(text) > encodedBytesMax || len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v="+strconv.Itoa(argon2.Version) {
		return decodedHash{}, errPasswordHash
	}
	parameters := strings.Split(parts[3], ",")
	if len(parameters) != 3 {
		return decodedHash{}, errPasswordHash
	}
	memory, okMemory := parameter(parameters[0], "m=", hashMemoryKiBMax)
	passes, okPasses := parameter(parameters[1], "t=", hashPassesMax)
	threads, okThreads := parameter(parameters[2], "p=", hashThreadsMax)
	salt, errSalt := base64.RawStdEncoding.Strict().DecodeString(parts[4])
	sum, errSum := base64.RawStdEncoding.Strict().DecodeString(parts[5])
	if !okMemory || !okPasses || !okThreads || errSalt != nil || errSum != nil ||
		memory < 8*threads || len(salt) < 8 || len(salt) > saltBytesMax || len(sum) < 16 || len(sum) > 64 {
		return decodedHash{}, errPasswordHash
	}
	return decodedHash{memoryKiB: memory, passes: passes, threads: uint8(threads), salt: salt, sum: sum}, nil
}

// parameter reads "m=19456" and the like, 1 to most.
func parameter(text, prefix string, most uint32) (uint32, bool) {
	digits, found := strings.CutPrefix(text, prefix)
	n, err := strconv.ParseUint(digits, 10, 32)
	return uint32(n), found && err == nil && n >= 1 && n <= uint64(most) && strconv.FormatUint(n, 10) == digits
}
