package borrower

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPublishedCreditCodesGetThePublishedVerdict(t *testing.T) {
	t.Parallel()
	for _, v := range vectorsOf(t, "credit_code") {
		c, err := ParseCreditCode(v.Number)
		if got := codeOf(t, err); got != v.Code {
			t.Errorf("ParseCreditCode(%q) = %q, want %q (%s)", v.Number, got, v.Code, v.Source)
			continue
		}
		if v.Code == "" && c.RegionCode().String() != v.RegionCode {
			t.Errorf("%s: region %v, want %s", v.Number, c.RegionCode(), v.RegionCode)
		}
	}
}

func TestCreditCodesAreNormalisedOrRefusedPrecisely(t *testing.T) {
	t.Parallel()
	const normal = "93371599MA0000003E"
	for _, c := range []struct{ name, input, code string }{
		{"as printed", normal, ""},
		{"lower-case", "93371599ma0000003e", ""},
		{"full-width", "９３３７１５９９ＭＡ００００００３Ｅ", ""},
		{"spaces and hyphens", "93-371599 MA0000003-E ", ""},
		{"an invisible mark", "\u200e93371599MA0000003E", ""},
		{"nothing", "", "required"},
		{"an old registration number", "371599000000123", "credit-code-old-number"},
		{"an old organisation code", "MA000000-3", "credit-code-old-number"},
		{"one short", "93371599MA000003E", "credit-code-length"},
		{"one more", "93371599MA00000003E", "credit-code-length"},
		{"a megabyte", strings.Repeat("9", 1<<20), "credit-code-length"},
		{"a letter O", "93371599MAO000003E", "credit-code-characters"},
		{"a letter I", "9337I599MA0000003E", "credit-code-characters"},
		{"Chinese", "合作社", "credit-code-characters"},
		{"what a table program made of it", "9.33716E+17", "number-scientific"},
		{"letters where the region stands", "93A71599MA0000003E", "credit-code-region"},
		{"a wrong check character", "93371599MA0000003F", "credit-code-check-character"},
	} {
		code, err := ParseCreditCode(c.input)
		if got := codeOf(t, err); got != c.code {
			t.Errorf("%s: ParseCreditCode(%.40q) = %q, want %q", c.name, c.input, got, c.code)
		}
		if err == nil && code.Reveal() != normal {
			t.Errorf("%s: ParseCreditCode(%q).Reveal() = %q, want %q", c.name, c.input, code.Reveal(), normal)
		}
	}
}

// creditCodes draws codes with a right check character, found by trial: exactly one of the 31 fits.
func creditCodes(t *rapid.T) string {
	body := rapid.StringMatching(`9[123]37[0-9]{4}[0-9A-HJ-NP-RTUWXY]{9}`).Draw(t, "body")
	var fitting []string
	for _, check := range creditCodeAlphabet {
		if _, err := ParseCreditCode(body + string(check)); err == nil {
			fitting = append(fitting, body+string(check))
		}
	}
	if len(fitting) != 1 {
		t.Fatalf("codes that begin with %q: %q accepted, want exactly one", body, fitting)
	}
	return fitting[0]
}

func TestAnySingleWrongCharacterOfACreditCodeIsCaught(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		code := creditCodes(t)
		for position := range len(code) {
			for _, wrong := range creditCodeAlphabet {
				changed := code[:position] + string(wrong) + code[position+1:]
				if _, err := ParseCreditCode(changed); changed != code && err == nil {
					t.Fatalf("ParseCreditCode(%q) = nil, want a refusal: %q with position %d wrong", changed, code, position+1)
				}
			}
		}
	})
}

func FuzzParseCreditCode(f *testing.F) {
	for _, seed := range []string{"93371599MA0000003E", "９３３７１５９９ＭＡ００００００３Ｅ", "371599000000123", "MA000000-3", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, input string) {
		c, err := ParseCreditCode(input)
		if err != nil {
			if codeOf(t, err) == "" || !c.IsZero() {
				t.Errorf("ParseCreditCode(%q) = %v, %v, want a code and no value", input, c, err)
			}
			return
		}
		if again, err := ParseCreditCode(c.Reveal()); err != nil || again != c || len(c.Reveal()) != 18 {
			t.Errorf("ParseCreditCode(%q) = %q, parsed again %v, %v, want the same 18 characters", input, c.Reveal(), again, err)
		}
	})
}
