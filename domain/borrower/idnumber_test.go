package borrower

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"fumin/domain"
)

type vector struct {
	Number     string `json:"number"`
	Code       string `json:"code"`
	BirthDate  string `json:"birth_date"`
	Sex        Sex    `json:"sex"`
	RegionCode string `json:"region_code"`
	Normal     string `json:"normal"`
	Source     string `json:"source"`
}

// vectorsOf reads one list of testdata/vectors.json.
func vectorsOf(t *testing.T, name string) []vector {
	t.Helper()
	content, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatalf("reading the vectors: %v", err)
	}
	var lists map[string]json.RawMessage
	if err := json.Unmarshal(content, &lists); err != nil {
		t.Fatalf("reading the vectors: %v", err)
	}
	var list []vector
	if err := json.Unmarshal(lists[name], &list); err != nil || len(list) == 0 {
		t.Fatalf("reading the vectors %q: %v, %d found, want some", name, err, len(list))
	}
	return list
}

// codeOf returns the code of a ValueError, and "" for nil.
func codeOf(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	v, ok := errors.AsType[*domain.ValueError](err)
	if !ok {
		t.Fatalf("error = %T %v, want *domain.ValueError", err, err)
	}
	return v.Code
}

func TestPublishedIdentityNumbersGetThePublishedVerdict(t *testing.T) {
	t.Parallel()
	for _, v := range vectorsOf(t, "id_number") {
		n, err := ParseIDNumber(v.Number)
		if got := codeOf(t, err); got != v.Code {
			t.Errorf("ParseIDNumber(%q) = %q, want %q (%s)", v.Number, got, v.Code, v.Source)
			continue
		}
		if v.Code != "" {
			continue
		}
		if n.BirthDate().String() != v.BirthDate || n.Sex() != v.Sex || n.RegionCode().String() != v.RegionCode {
			t.Errorf("%s: born %v, %v, region %v, want %s, %s, %s", v.Number, n.BirthDate(), n.Sex(), n.RegionCode(), v.BirthDate, v.Sex, v.RegionCode)
		}
	}
}

func TestIdentityNumbersAreNormalisedOrRefusedPrecisely(t *testing.T) {
	t.Parallel()
	const normal = "37159919680503009X"
	for _, c := range []struct{ name, input, code string }{
		{"as printed", normal, ""},
		{"a lower-case x", "37159919680503009x", ""},
		{"full-width digits and letter", "３７１５９９１９６８０５０３００９Ｘ", ""},
		{"a full-width lower-case x", "37159919680503009ｘ", ""},
		{"spaces around and between", " 371599 19680503 009X\t", ""},
		{"an ideographic space and a no-break space", "371599\u300019680503\u00a0009X", ""},
		{"an invisible mark from a table program", "\u202a37159919680503009X\u202c", ""},
		{"nothing", "", "required"},
		{"only spaces", " \u3000", "required"},
		{"a 15-digit number", "371599680503009", "id-number-15-digits"},
		{"one digit short", "3715991968050300X", "id-number-length"},
		{"one digit more", "371599196805030091X", "id-number-length"},
		{"a megabyte", strings.Repeat("1", 1<<20), "id-number-length"},
		{"a letter O for a zero", "3715991968O503009X", "id-number-characters"},
		{"an X in the middle", "371599196805X3009X", "id-number-characters"},
		{"a name", "王吉华", "id-number-characters"},
		{"Arabic-Indic digits", "٣٧١٥٩٩١٩٦٨٠٥٠٣٠٠٩X", "id-number-characters"},
		{"a null byte", "37159919680503009\x00", "id-number-characters"},
		{"bytes that are no text", "37159919680503009\xff", "id-number-characters"},
		{"what a table program made of it", "3.71599E+17", "number-scientific"},
		{"a table program's lost digits", "371599196805030000", "id-number-check-digit"},
		{"a province that never was", "161599196805030099", "id-number-region"},
		{"31 February", "371599196802310098", "id-number-birth-date"},
		{"29 February of a common year", "371599196902290099", "id-number-birth-date"},
		{"month 00", "371599196800030099", "id-number-birth-date"},
		{"the year before our calendar", "371599189912310098", "id-number-birth-date"},
		{"a wrong check digit", "371599196805030090", "id-number-check-digit"},
	} {
		n, err := ParseIDNumber(c.input)
		if got := codeOf(t, err); got != c.code {
			t.Errorf("%s: ParseIDNumber(%.40q) = %q, want %q", c.name, c.input, got, c.code)
		}
		if err == nil && n.Reveal() != normal {
			t.Errorf("%s: ParseIDNumber(%q).Reveal() = %q, want %q", c.name, c.input, n.Reveal(), normal)
		}
		if err != nil && !n.IsZero() {
			t.Errorf("%s: ParseIDNumber(%.40q) = a value beside an error, want none", c.name, c.input)
		}
	}
}

func TestAResidencePermitOfTaiwanHasANumberOfTheSameForm(t *testing.T) {
	t.Parallel()
	body := "83000019900101001"
	if _, err := ParseIDNumber(body + string(idNumberCheck(body))); err != nil {
		t.Errorf("ParseIDNumber of region 830000 = %v, want nil", err)
	}
}

func TestABirthDateAfterTheDayIsRefused(t *testing.T) {
	t.Parallel()
	n := MustParseIDNumber("37159919680503009X")
	for _, c := range []struct{ day, code string }{
		{"1968-05-02", "id-number-born-later"}, {"1968-05-03", ""}, {"2026-03-02", ""},
	} {
		if got := codeOf(t, n.CheckBornBy(domain.MustParseDate(c.day))); got != c.code {
			t.Errorf("CheckBornBy(%s) = %q, want %q", c.day, got, c.code)
		}
	}
}

// idNumbers draws identity numbers with a right check digit, by the standard's formula written another way:
// the number read in base 2 weights must be 1 modulo 11.
func idNumbers() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		day := domain.MustParseDate("1900-01-01").AddDays(rapid.IntRange(0, 100_000).Draw(t, "days"))
		province := rapid.SampledFrom([]string{"37", "11", "65", "83"}).Draw(t, "province")
		body := province + rapid.StringMatching(`[0-9]{4}`).Draw(t, "county") +
			strings.ReplaceAll(day.String(), "-", "") + rapid.StringMatching(`[0-9]{3}`).Draw(t, "order")
		rest := 0
		for i := range len(body) {
			rest = (rest + int(body[i]-'0')) * 2 % 11
		}
		return body + string("0123456789X"[(12-rest)%11])
	})
}

func TestAnySingleWrongCharacterIsCaught(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		number := idNumbers().Draw(t, "number")
		if _, err := ParseIDNumber(number); err != nil {
			t.Fatalf("ParseIDNumber(%q) = %v, want nil", number, err)
		}
		for position := range len(number) {
			for _, wrong := range "0123456789X" {
				changed := number[:position] + string(wrong) + number[position+1:]
				if _, err := ParseIDNumber(changed); changed != number && err == nil {
					t.Fatalf("ParseIDNumber(%q) = nil, want a refusal: %q with position %d wrong", changed, number, position+1)
				}
			}
		}
	})
}

func TestTwoNeighboursExchangedAreCaught(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		number := idNumbers().Draw(t, "number")
		for i := range len(number) - 1 {
			changed := number[:i] + number[i+1:i+2] + number[i:i+1] + number[i+2:]
			if _, err := ParseIDNumber(changed); changed != number && err == nil {
				t.Fatalf("ParseIDNumber(%q) = nil, want a refusal: %q with %d and %d exchanged", changed, number, i+1, i+2)
			}
		}
	})
}

func FuzzParseIDNumber(f *testing.F) {
	for _, seed := range []string{"37159919680503009X", "３７１５９９１９６８０５０３００９ｘ", "371599680503009", "3.7E+17", "\xff", "王"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, input string) {
		n, err := ParseIDNumber(input)
		if err != nil {
			if codeOf(t, err) == "" || !n.IsZero() {
				t.Errorf("ParseIDNumber(%q) = %v, %v, want a code and no value", input, n, err)
			}
			return
		}
		again, err := ParseIDNumber(n.Reveal())
		if err != nil || again != n || len(n.Reveal()) != 18 || n.BirthDate().IsZero() {
			t.Errorf("ParseIDNumber(%q) = %q, parsed again %v, %v, want the same 18 characters", input, n.Reveal(), again, err)
		}
	})
}

func BenchmarkParseIDNumber(b *testing.B) {
	for b.Loop() {
		if _, err := ParseIDNumber("37159919680503009x"); err != nil {
			b.Fatal(err)
		}
	}
}
