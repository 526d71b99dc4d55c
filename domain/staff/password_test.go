package staff_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"fumin/domain"
	"fumin/domain/staff"
)

// The hashes are argon2id of "password-12345" with the salt "somesaltsomesalt", as the reference implementation's program
// made them (Debian package argon2 0~20171227-0.3+deb12u1):
//
//	printf password-12345 | argon2 somesaltsomesalt -id -t 2 -k 19456 -p 1 -l 32 -e
//	printf password-12345 | argon2 somesaltsomesalt -id -t 1 -k 64 -p 2 -l 24 -e
const (
	referencePassword = "password-12345"
	referenceHash     = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$lKe2PynsTR1+7ZNXvoKeJLIzz0LxnamNCoRHWVFvfmY"
	weakReferenceHash = "$argon2id$v=19$m=64,t=1,p=2$c29tZXNhbHRzb21lc2FsdA$1R1cVAG9nTaiKih/salfYlRs+0Ot1aHr"
)

var salt = []byte("somesaltsomesalt")

func TestAPasswordOpensItsOwnHashOnly(t *testing.T) {
	t.Parallel()
	hash, err := staff.HashPassword(staff.NewSecret(referencePassword), salt)
	if err != nil {
		t.Fatal(err)
	}
	if got := hash.Reveal(); got != referenceHash {
		t.Errorf("HashPassword(%q) = %q, want %q", referencePassword, got, referenceHash)
	}
	for _, c := range []struct {
		password string
		want     bool
	}{
		{referencePassword, true},
		{"password-12346", false},
		{"Password-12345", false},
		{referencePassword + " ", false},
		{"", false},
		{strings.Repeat("x", staff.PasswordBytesMax+1), false},
	} {
		if got := hash.Matches(staff.NewSecret(c.password)); got != c.want {
			t.Errorf("Matches(%q) = %t, want %t", c.password, got, c.want)
		}
	}
	if hash.Outdated() {
		t.Errorf("%s is outdated the moment it is made", hash.Reveal())
	}
}

func TestTheSaltHasOneLength(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, staff.SaltBytes - 1, staff.SaltBytes + 1} {
		if _, err := staff.HashPassword(staff.NewSecret(referencePassword), bytes.Repeat([]byte{1}, size)); err == nil {
			t.Errorf("HashPassword with a salt of %d bytes succeeded", size)
		}
	}
}

func TestNobodysHashCostsAsMuchAsOneOfToday(t *testing.T) {
	t.Parallel()
	nobody := staff.NobodysHash()
	if _, err := staff.ParsePasswordHash(nobody.Reveal()); err != nil {
		t.Errorf("ParsePasswordHash(NobodysHash()) = %v", err)
	}
	if nobody.Outdated() {
		t.Error("NobodysHash has other parameters than HashPassword: a login under an unknown name would take another time")
	}
	for _, password := range []string{"", referencePassword} {
		if nobody.Matches(staff.NewSecret(password)) {
			t.Errorf("NobodysHash matches %q", password)
		}
	}
}

func TestADamagedHashIsRefusedAndMatchesNothing(t *testing.T) {
	t.Parallel()
	const s, k = "c29tZXNhbHRzb21lc2FsdA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	for name, encoded := range map[string]string{
		"empty":               "",
		"bcrypt":              "$2b$12$abcdefghijklmnopqrstuv",
		"another argon2":      "$argon2i$v=19$m=19456,t=2,p=1$" + s + "$" + k,
		"another version":     "$argon2id$v=16$m=19456,t=2,p=1$" + s + "$" + k,
		"no passes":           "$argon2id$v=19$m=19456,t=0,p=1$" + s + "$" + k,
		"no threads":          "$argon2id$v=19$m=19456,t=2,p=0$" + s + "$" + k,
		"all the memory":      "$argon2id$v=19$m=4294967295,t=2,p=1$" + s + "$" + k,
		"too little memory":   "$argon2id$v=19$m=7,t=2,p=1$" + s + "$" + k,
		"too many passes":     "$argon2id$v=19$m=19456,t=1000,p=1$" + s + "$" + k,
		"a leading zero":      "$argon2id$v=19$m=019456,t=2,p=1$" + s + "$" + k,
		"parameters in wrong": "$argon2id$v=19$t=2,m=19456,p=1$" + s + "$" + k,
		"a parameter more":    "$argon2id$v=19$m=19456,t=2,p=1,x=1$" + s + "$" + k,
		"no salt":             "$argon2id$v=19$m=19456,t=2,p=1$$" + k,
		"padded base64":       "$argon2id$v=19$m=19456,t=2,p=1$" + s + "==$" + k,
		"a short sum":         "$argon2id$v=19$m=19456,t=2,p=1$" + s + "$AAAA",
		"too long":            "$argon2id$v=19$m=19456,t=2,p=1$" + strings.Repeat("A", 300) + "$" + k,
	} {
		if _, err := staff.ParsePasswordHash(encoded); err == nil {
			t.Errorf("%s: ParsePasswordHash(%q) succeeded", name, encoded)
		} else if encoded != "" && strings.Contains(err.Error(), encoded) {
			t.Errorf("%s: the error repeats the hash: %v", name, err)
		}
		hash := staff.PasswordHash{Secret: staff.NewSecret(encoded)}
		if hash.Matches(staff.NewSecret("")) {
			t.Errorf("%s: %q matches the empty password", name, encoded)
		}
		if !hash.Outdated() {
			t.Errorf("%s: %q is not outdated", name, encoded)
		}
	}
	if (staff.PasswordHash{}).Matches(staff.NewSecret("")) {
		t.Error("the zero hash matches the empty password")
	}
}

func TestAHashWithOtherParametersStillOpensAndIsOutdated(t *testing.T) {
	t.Parallel()
	hash, err := staff.ParsePasswordHash(weakReferenceHash)
	if err != nil {
		t.Fatal(err)
	}
	if !hash.Matches(staff.NewSecret(referencePassword)) {
		t.Errorf("%s does not match %q", weakReferenceHash, referencePassword)
	}
	if !hash.Outdated() {
		t.Errorf("%s is not outdated", weakReferenceHash)
	}
}

func TestThePasswordPolicyWantsLengthAndVariety(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ password, username, want string }{
		{"correct horse", "sun", ""},
		{"我家的枣树今年结了很多枣", "sun", ""},
		{"sun-is-shining", "", ""},
		{"elevenchars", "sun", "too-short"},
		{"今年枣树结了十一个枣", "sun", "too-short"},
		{"", "sun", "too-short"},
		{strings.Repeat("abcdef", 21) + "ab", "sun", ""}, // 128 bytes
		{strings.Repeat("abcdef", 21) + "abc", "sun", "too-long"},
		{strings.Repeat("枣树今年结", 9), "sun", "too-long"}, // 45 characters, 135 bytes
		{"111111111111", "sun", "password-too-simple"},
		{"abcdabcdabcd", "sun", "password-too-simple"},
		{"abcdeabcdeabcde", "sun", ""},
		{"The-Sun-shines", "sun", "password-contains-username"},
		{"correct\thorse", "sun", "control-characters"},
		{"correct\x00horse", "sun", "control-characters"},
		{"correct\xffhorse", "sun", "control-characters"},
	} {
		err := staff.CheckPassword(staff.NewSecret(c.password), c.username)
		got := ""
		if v, ok := errors.AsType[*domain.ValueError](err); ok {
			got = v.Code
			if c.password != "" && strings.Contains(v.Detail, c.password) {
				t.Errorf("CheckPassword(%q): the error repeats the password: %v", c.password, v)
			}
		}
		if got != c.want {
			t.Errorf("CheckPassword(%q, %q) = %q, want %q", c.password, c.username, got, c.want)
		}
	}
}

func FuzzParsePasswordHash(f *testing.F) {
	f.Add(referenceHash)
	f.Add("$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, encoded string) {
		hash, err := staff.ParsePasswordHash(encoded)
		if err == nil && hash.Reveal() != encoded {
			t.Errorf("ParsePasswordHash(%q) keeps %q", encoded, hash.Reveal())
		}
	})
}
