package repository

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"
	"github.com/tink-crypto/tink-go/v2/tink"
	"pgregory.net/rapid"

	"fumin/domain"
)

const (
	sealedRow = domain.ID("01900000-0000-7000-8000-000000000001")
	otherRow  = domain.ID("01900000-0000-7000-8000-000000000002")
)

func freshKeys(t testing.TB) []byte {
	t.Helper()
	keys, err := NewKeyFile()
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func cipherOfKeys(t testing.TB, keys []byte) *Cipher {
	t.Helper()
	cipher, err := NewCipher(keys)
	if err != nil {
		t.Fatal(err)
	}
	return cipher
}

func TestWhatIsSealedOpensInItsPlaceAndNowhereElse(t *testing.T) {
	t.Parallel()
	cipher, stranger := cipherOfKeys(t, freshKeys(t)), cipherOfKeys(t, freshKeys(t))
	for _, text := range []string{"1", "371503198006150011", "山东省聊城市茌平区𠮷䶮😀", strings.Repeat("长", 100_000), "\x00\xff"} {
		sealed, err := cipher.seal("borrowers.id_number", sealedRow, text)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(sealed, []byte(text)) && len(text) > 4 {
			t.Errorf("%.20q stands in clear in what was sealed", text)
		}
		if got, err := cipher.open("borrowers.id_number", sealedRow, sealed); err != nil || got != text {
			t.Errorf("open(seal(%.20q)) = %.20q, %v", text, got, err)
		}
		changed := bytes.Clone(sealed)
		changed[len(changed)-1] ^= 1
		for name, open := range map[string]func() (string, error){
			"another row":       func() (string, error) { return cipher.open("borrowers.id_number", otherRow, sealed) },
			"another column":    func() (string, error) { return cipher.open("borrowers.address", sealedRow, sealed) },
			"no row":            func() (string, error) { return cipher.open("borrowers.id_number", "", sealed) },
			"another keyset":    func() (string, error) { return stranger.open("borrowers.id_number", sealedRow, sealed) },
			"one bit changed":   func() (string, error) { return cipher.open("borrowers.id_number", sealedRow, changed) },
			"cut short":         func() (string, error) { return cipher.open("borrowers.id_number", sealedRow, sealed[:len(sealed)-1]) },
			"one byte":          func() (string, error) { return cipher.open("borrowers.id_number", sealedRow, sealed[:1]) },
			"text never sealed": func() (string, error) { return cipher.open("borrowers.id_number", sealedRow, []byte(text)) },
		} {
			got, err := open()
			if err == nil || got != "" {
				t.Errorf("%.20q with %s: %.20q, %v; want an error", text, name, got, err)
			} else if len(text) > 4 && strings.Contains(err.Error(), text) {
				t.Errorf("the error says the text: %v", err)
			}
		}
	}
}

func TestTwoSealsOfOneTextDiffer(t *testing.T) {
	t.Parallel()
	cipher := cipherOfKeys(t, freshKeys(t))
	seen := map[string]bool{}
	for range 100 {
		sealed, err := cipher.seal("c", sealedRow, "371503198006150011")
		if err != nil {
			t.Fatal(err)
		}
		seen[string(sealed)] = true
	}
	if len(seen) != 100 {
		t.Errorf("%d different values of 100 seals: equal persons could be told by looking", len(seen))
	}
}

func TestAnAbsentTextStaysAbsent(t *testing.T) {
	t.Parallel()
	cipher := cipherOfKeys(t, freshKeys(t))
	sealed, err := cipher.seal("c", sealedRow, "")
	if err != nil || sealed == nil || len(sealed) != 0 {
		t.Errorf("seal(\"\") = %v, %v; want empty and not NULL", sealed, err)
	}
	if text, err := cipher.open("c", sealedRow, nil); err != nil || text != "" {
		t.Errorf("open(nothing) = %q, %v", text, err)
	}
	if index, err := cipher.blind("phone", ""); err != nil || index != nil {
		t.Errorf("blind(\"\") = %v, %v; want NULL, which is equal to nothing", index, err)
	}
}

func TestABlindIndexMeetsEqualTextsOfOneKindOnly(t *testing.T) {
	t.Parallel()
	keys := freshKeys(t)
	cipher, node, stranger := cipherOfKeys(t, keys), cipherOfKeys(t, keys), cipherOfKeys(t, freshKeys(t))
	rapid.Check(t, func(t *rapid.T) {
		kinds, texts := rapid.SampledFrom([]string{"id_number", "phone", "account"}), rapid.StringMatching(`[0-9X]{1,18}`)
		kind, text, otherKind, otherText := kinds.Draw(t, "kind"), texts.Draw(t, "text"), kinds.Draw(t, "other kind"), texts.Draw(t, "other text")
		index := blindOf(t, cipher, kind, text)
		if len(index) != indexBytes {
			t.Fatalf("%d bytes, want %d", len(index), indexBytes)
		}
		if !bytes.Equal(index, blindOf(t, node, kind, text)) {
			t.Fatalf("%s %s: another node with the same keys finds another index", kind, text)
		}
		if bytes.Equal(index, blindOf(t, stranger, kind, text)) {
			t.Fatalf("%s %s: another key gives the same index", kind, text)
		}
		if same := kind == otherKind && text == otherText; bytes.Equal(index, blindOf(t, cipher, otherKind, otherText)) != same {
			t.Fatalf("%s %s and %s %s: equal = %t, want %t", kind, text, otherKind, otherText, !same, same)
		}
	})
}

func blindOf(t *rapid.T, cipher *Cipher, kind, text string) []byte {
	index, err := cipher.blind(kind, text)
	if err != nil {
		t.Fatal(err)
	}
	return index
}

// rotatedKeys adds a new primary key to both keysets of a file, as an administrator does before the old one is retired.
func rotatedKeys(t testing.TB, keys []byte) []byte {
	t.Helper()
	var file keyFile
	if err := json.Unmarshal(keys, &file); err != nil {
		t.Fatal(err)
	}
	rotate := func(text json.RawMessage, add func(*keyset.Manager) (uint32, error)) json.RawMessage {
		handle, err := readKeyset(text)
		if err != nil {
			t.Fatal(err)
		}
		manager := keyset.NewManagerFromHandle(handle)
		id, err := add(manager)
		if err != nil {
			t.Fatal(err)
		}
		if err := manager.SetPrimary(id); err != nil {
			t.Fatal(err)
		}
		if handle, err = manager.Handle(); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&out)); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	file.Encryption = rotate(file.Encryption, func(m *keyset.Manager) (uint32, error) { return m.Add(aead.AES256GCMKeyTemplate()) })
	file.Index = rotate(file.Index, func(m *keyset.Manager) (uint32, error) { return m.Add(prf.HMACSHA256PRFKeyTemplate()) })
	rotated, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	return rotated
}

func TestKeysRotateWhileOldValuesStayReadable(t *testing.T) {
	t.Parallel()
	oldKeys := freshKeys(t)
	newKeys := rotatedKeys(t, oldKeys)
	before, after := cipherOfKeys(t, oldKeys), cipherOfKeys(t, newKeys)

	sealed, err := before.seal("c", sealedRow, "371503198006150011")
	if err != nil {
		t.Fatal(err)
	}
	if text, err := after.open("c", sealedRow, sealed); err != nil || text != "371503198006150011" {
		t.Errorf("after the rotation an old value opens as %q, %v", text, err)
	}
	resealed, err := after.seal("c", sealedRow, "371503198006150011")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := before.open("c", sealedRow, resealed); err == nil {
		t.Error("a new value was sealed under the old key")
	}

	oldIndex, errOld := before.blind("id_number", "371503198006150011")
	newIndex, errNew := after.blind("id_number", "371503198006150011")
	indexes, errAll := after.blinds("id_number", "371503198006150011")
	if errOld != nil || errNew != nil || errAll != nil {
		t.Fatal(errOld, errNew, errAll)
	}
	if bytes.Equal(oldIndex, newIndex) || len(indexes) != 2 {
		t.Errorf("%d indexes after the rotation, want two different ones", len(indexes))
	}
	for name, want := range map[string][]byte{"old": oldIndex, "new": newIndex} {
		found := false
		for _, index := range indexes {
			found = found || bytes.Equal(index, want)
		}
		if !found {
			t.Errorf("a search does not look for the index of the %s key", name)
		}
	}
	if single, err := before.blinds("id_number", "371503198006150011"); err != nil || len(single) != 1 || !bytes.Equal(single[0], oldIndex) {
		t.Errorf("blinds with one key = %x, %v; want the one index", single, err)
	}
}

// keyMaterial finds the secret parts of a key file.
var keyMaterial = regexp.MustCompile(`"value":\s*"([^"]+)"`)

func TestAKeyFileThatCannotBeIsRefusedWithoutSayingWhatIsInIt(t *testing.T) {
	t.Parallel()
	keys := freshKeys(t)
	var file keyFile
	if err := json.Unmarshal(keys, &file); err != nil {
		t.Fatal(err)
	}
	secrets := keyMaterial.FindAllSubmatch(keys, -1)
	if len(secrets) != 2 {
		t.Fatalf("%d secrets in a fresh key file, want 2", len(secrets))
	}
	text := func(f keyFile) string {
		written, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		return string(written)
	}
	short, err := newKeyset(func() (*keyset.Handle, error) { return keyset.NewHandle(prf.AESCMACPRFKeyTemplate()) })
	if err != nil {
		t.Fatal(err)
	}
	all := string(keys)
	for name, content := range map[string]string{
		"nothing":                         "",
		"no JSON":                         "FUMIN",
		"cut short":                       all[:len(all)/2],
		"cut inside a secret":             all[:strings.Index(all, string(secrets[0][1]))+10],
		"an array":                        "[]",
		"null":                            "null",
		"no encryption":                   text(keyFile{Index: file.Index, Encryption: json.RawMessage("null")}),
		"no index":                        `{"encryption":` + string(file.Encryption) + `}`,
		"exchanged":                       text(keyFile{Encryption: file.Index, Index: file.Encryption}),
		"an index key of half the length": text(keyFile{Encryption: file.Encryption, Index: short}),
		"a keyset of no keys":             text(keyFile{Encryption: json.RawMessage(`{"primaryKeyId":1,"key":[]}`), Index: file.Index}),
		"a secret not in base64":          strings.Replace(all, string(secrets[0][1]), "!!"+string(secrets[0][1]), 1),
		"a secret without quotes":         strings.Replace(text(file), `"`+string(secrets[0][1])+`"`, `[`+`"`+string(secrets[0][1])+`"`+`]`, 1),
		"a secret under another name":     strings.Replace(all, `"value"`, `"`+string(secrets[0][1])+`"`, 1),
		"a secret as a type":              regexp.MustCompile(`"typeUrl":\s*"[^"]+"`).ReplaceAllString(all, `"typeUrl":"`+string(secrets[0][1])+`"`),
		"a secret as a number":            regexp.MustCompile(`"primaryKeyId":\s*[0-9]+`).ReplaceAllString(all, `"primaryKeyId":"`+string(secrets[0][1])+`"`),
		"a secret as a status":            strings.ReplaceAll(all, "ENABLED", string(secrets[0][1])),
		"a secret of half its length":     strings.Replace(all, string(secrets[0][1]), string(secrets[0][1][:len(secrets[0][1])/2]), 1),
		"a primary that is not there":     regexp.MustCompile(`"primaryKeyId":\s*[0-9]+`).ReplaceAllString(all, `"primaryKeyId":7`),
	} {
		cipher, err := NewCipher([]byte(content))
		if err == nil {
			t.Errorf("%s: NewCipher = %v, want an error", name, cipher)
			continue
		}
		if !strings.HasPrefix(err.Error(), "keyset file") {
			t.Errorf("%s: error %q does not say that it is about the keyset file", name, err)
		}
		for _, secret := range secrets {
			if strings.Contains(err.Error(), string(secret[1][:8])) {
				t.Errorf("%s: the error says a secret: %v", name, err)
			}
		}
	}
}

func TestFreshKeyFilesDiffer(t *testing.T) {
	t.Parallel()
	first, second := freshKeys(t), freshKeys(t)
	for _, secret := range keyMaterial.FindAllSubmatch(first, -1) {
		if bytes.Contains(second, secret[1]) {
			t.Error("two fresh key files share a secret")
		}
	}
}

func TestAnEncryptionThatFailsDoesNotSayTheText(t *testing.T) {
	t.Parallel()
	cipher := &Cipher{encryption: brokenAEAD{}}
	if _, err := cipher.seal("c", sealedRow, "371503198006150011"); err == nil || strings.Contains(err.Error(), "371503198006150011") {
		t.Errorf("seal = %v, want an error without the text", err)
	}
}

// brokenAEAD is a library that fails.
type brokenAEAD struct{ tink.AEAD }

func (brokenAEAD) Encrypt([]byte, []byte) ([]byte, error) { return nil, bytes.ErrTooLarge }

func FuzzNewCipherRefusesOrWorksAndKeepsItsSecrets(f *testing.F) {
	keys, err := NewKeyFile()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(keys)
	f.Add(rotatedKeys(f, keys))
	for _, text := range []string{"", "{}", "null", `{"encryption":{}}`, `{"encryption":{"primaryKeyId":1,"key":[{"keyData":{}}]},"index":{}}`, `{"encryption":[1],"index":"x"}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		cipher, err := NewCipher(content)
		if err != nil {
			for _, secret := range keyMaterial.FindAllSubmatch(content, -1) {
				if len(secret[1]) > 8 && strings.Contains(err.Error(), string(secret[1])) {
					t.Fatalf("the error says a value of the file: %v", err)
				}
			}
			return
		}
		sealed, err := cipher.seal("c", sealedRow, "text")
		if err != nil {
			t.Fatalf("accepted keys cannot seal: %v", err)
		}
		if text, err := cipher.open("c", sealedRow, sealed); err != nil || text != "text" {
			t.Fatalf("accepted keys open as %q, %v", text, err)
		}
		if index, err := cipher.blind("k", "text"); err != nil || len(index) != indexBytes {
			t.Fatalf("accepted keys index as %x, %v", index, err)
		}
	})
}
