package borrower

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestAddressesAreNormalisedOrRefusedPrecisely(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, input, want, code string }{
		{"as written", "冯官屯镇刘马村12号", "冯官屯镇刘马村12号", ""},
		{"full-width digits", "冯官屯镇刘马村１２号", "冯官屯镇刘马村12号", ""},
		{"spaces and a line break", "冯官屯镇　刘马村\n12号 ", "冯官屯镇刘马村12号", ""},
		{"a rare character", "𠮷家庄村1号", "𠮷家庄村1号", ""},
		{"a bracket and a hyphen", "刘马村（东）3-2", "刘马村(东)3-2", ""},
		{"an accent behind a space", "Jose \u0301 村1", "José村1", ""},
		{"nothing", "", "", "required"},
		{"too short", "刘马村1", "", "address-length"},
		{"too long", strings.Repeat("村", 201), "", "address-length"},
		{"a megabyte", strings.Repeat("村", 1<<20), "", "address-length"},
		{"an invisible mark", "冯官屯镇\u200b刘马村", "", "address-characters"},
		{"a private character", "冯官屯镇\ue863村", "", "address-characters"},
		{"a control character", "冯官屯镇\x07刘马村", "", "address-characters"},
		{"bytes that are no text", "冯官屯镇\xff刘马村", "", "address-characters"},
	} {
		a, err := ParseAddress(c.input)
		if got := codeOf(t, err); got != c.code || a.Reveal() != c.want {
			t.Errorf("%s: ParseAddress(%.60q) = %q, %q, want %q, %q", c.name, c.input, a.Reveal(), got, c.want, c.code)
		}
	}
}

func TestTheSamePlaceMayBeWrittenInTwoWays(t *testing.T) {
	t.Parallel()
	a := MustParseAddress("冯官屯镇刘马村3-2号")
	for _, c := range []struct {
		other string
		want  bool
	}{
		{"冯官屯镇，刘马村，3-2号", true}, {"冯官屯镇 刘马村 ３－２号", true}, {"冯官屯镇刘马村4-2号", false},
	} {
		if got := a.SamePlace(MustParseAddress(c.other)); got != c.want {
			t.Errorf("SamePlace(%q) = %v, want %v", c.other, got, c.want)
		}
	}
	if (Address{}).SamePlace(Address{}) {
		t.Errorf("SamePlace of two absent addresses = true, want false")
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, seed := range []string{"冯官屯镇刘马村12号", "a b c d e", "\xff", "村\u0301村村村村", "１ ２ ３ ４ ５"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, input string) {
		a, err := ParseAddress(input)
		if err != nil {
			if codeOf(t, err) == "" || !a.IsZero() {
				t.Errorf("ParseAddress(%q) = %v, %v, want a code and no value", input, a, err)
			}
			return
		}
		text := a.Reveal()
		again, err := ParseAddress(text)
		if count := utf8.RuneCountInString(text); err != nil || again != a || count < AddressRunesMin || count > AddressRunesMax {
			t.Errorf("ParseAddress(%+q) = %+q, parsed again %+q, %v, want the same", input, text, again.Reveal(), err)
		}
	})
}
