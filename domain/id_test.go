package domain_test

import (
	"regexp"
	"strings"
	"testing"

	"fumin/domain"
)

const someID = "0198d0c4-7a00-7000-8000-0123456789ab"

func TestACanonicalUUIDIsAnID(t *testing.T) {
	t.Parallel()
	for _, text := range []string{someID, "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"} {
		id, err := domain.ParseID(text)
		if err != nil || id.String() != text || id.IsZero() {
			t.Errorf("ParseID(%q) = %q, %v; want it as it is", text, id, err)
		}
		if domain.MustParseID(text) != id {
			t.Errorf("MustParseID(%q) = %q, want %q", text, domain.MustParseID(text), id)
		}
	}
	if id := domain.ID(""); !id.IsZero() {
		t.Error(`ID("").IsZero() = false, want true`)
	}
}

func TestTextThatIsNoCanonicalUUIDIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", " ", "1", "null", strings.ToUpper(someID), "0198d0c4-7a00-7000-8000-0123456789aB",
		someID[:35], someID + "0", someID + "\n", " " + someID, "{" + someID + "}", "urn:uuid:" + someID,
		strings.ReplaceAll(someID, "-", ""), strings.ReplaceAll(someID, "-", "_"), strings.ReplaceAll(someID, "-", "0"),
		"0198d0c47-a00-7000-8000-0123456789ab", "0198d0c4-7a00-7000-8000-0123456789ag", "0198d0c4-7a00-7000-8000-0123456789a/",
		"0198d0c4-7a00-7000-8000-0123456789a:", "0198d0c4-7a00-7000-8000-0123456789a`", "0198d0c4-7a00-7000-8000-0123456789-b",
		"０198d0c4-7a00-7000-8000-0123456789", "0198d0c4-7a00-7000-8000-0123456789a'", "../../../../../../../../../etc/passwd",
		"0198d0c4-7a00-7000-8000-012345678\x00ab",
	} {
		id, err := domain.ParseID(text)
		if err == nil || !id.IsZero() {
			t.Errorf("ParseID(%q) = %q, %v; want no id and an error", text, id, err)
			continue
		}
		if code := valueCode(err); code != "invalid-id" {
			t.Errorf("ParseID(%q): code %q, want invalid-id", text, code)
		}
	}
}

func TestMustParsePanicsOnWhatParseRefuses(t *testing.T) {
	t.Parallel()
	for name, must := range map[string]func(){
		"MustParseID":   func() { domain.MustParseID("x") },
		"MustParseDate": func() { domain.MustParseDate("2026-02-31") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s of bad text did not panic", name)
				}
			}()
			must()
		}()
	}
}

func FuzzParseIDReadsExactlyCanonicalUUIDs(f *testing.F) {
	canonical := regexp.MustCompile(`\A[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\z`)
	f.Add(someID)
	f.Add(strings.ToUpper(someID))
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := domain.ParseID(text)
		if (err == nil) != canonical.MatchString(text) || (err == nil && id.String() != text) {
			t.Fatalf("ParseID(%q) = %q, %v; canonical: %t", text, id, err, canonical.MatchString(text))
		}
	})
}
