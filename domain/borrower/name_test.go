package borrower

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"
)

func TestNamesHaveOneNormalForm(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, input, want string }{
		{"a common name", "王吉华", "王吉华"},
		{"a character of plane 2", "𠮷野", "𠮷野"},
		{"a rare character of extension A", "刘䶮", "刘䶮"},
		{"a character of plane 3 (extension G)", "李\U00030edd", "李\U00030edd"},
		{"a character that a later Unicode may add", "李\U0003fff0", "李\U0003fff0"},
		{"the zero that is a character", "张〇", "张〇"},
		{"a name with a middle dot", "买买提·艾山", "买买提·艾山"},
		{"a bullet for the dot", "买买提•艾山", "买买提·艾山"},
		{"a katakana dot", "买买提・艾山", "买买提·艾山"},
		{"a half-width katakana dot", "买买提･艾山", "买买提·艾山"},
		{"a hyphenation point", "买买提‧艾山", "买买提·艾山"},
		{"a dot operator", "买买提⋅艾山", "买买提·艾山"},
		{"a Greek ano teleia", "买买提\u0387艾山", "买买提·艾山"},
		{"a full stop", "买买提.艾山", "买买提·艾山"},
		{"a full-width full stop", "买买提．艾山", "买买提·艾山"},
		{"spaces round the dot", "买买提 · 艾山", "买买提·艾山"},
		{"a space for layout", "王　华", "王华"},
		{"spaces around", "  王华\t", "王华"},
		{"a Kangxi radical from a PDF", "⾼⼭", "高山"},
		{"a compatibility ideograph", "\uf9dc吉", norm.NFC.String("\uf9dc") + "吉"},
		{"a Latin name", "John  Smith", "John Smith"},
		{"a decomposed letter", "Jose\u0301", "José"},
		{"a full-width Latin name", "Ｊｏｈｎ　Ｓｍｉｔｈ", "John Smith"},
		{"an initial", "J. Smith", "J. Smith"},
		{"a co-operative", "高唐县一诺苗木种植专业合作社", "高唐县一诺苗木种植专业合作社"},
		{"ASCII brackets", "聊城(茌平)农机有限公司", "聊城（茌平）农机有限公司"},
		{"full-width digits", "莘县１２３农场", "莘县123农场"},
	} {
		n, err := ParseName(c.input)
		if err != nil || n.Reveal() != c.want {
			t.Errorf("%s: ParseName(%+q) = %+q, %v, want %+q", c.name, c.input, n.Reveal(), err, c.want)
		}
	}
}

func TestWhatIsNoNameIsRefusedPrecisely(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, input, code string }{
		{"nothing", "", "required"},
		{"only spaces", "\u3000 ", "required"},
		{"one character", "王", "name-length"},
		{"a hundred and one characters", strings.Repeat("王", 101), "name-length"},
		{"a megabyte", strings.Repeat("王", 1<<20), "name-length"},
		{"bytes that are no text", "王\xff华", "name-characters"},
		{"a control character", "王\x00华", "name-invisible"},
		{"a zero-width space", "王\u200b华", "name-invisible"},
		{"a direction mark", "\u202e王华", "name-invisible"},
		{"a variation selector", "葛\U000e0100城", "name-invisible"},
		{"an old system's own character", "刘\ue863", "name-private-use"},
		{"a dot in front", "·王华", "name-dot"},
		{"a dot at the end", "王华·", "name-dot"},
		{"two dots", "买买提··艾山", "name-dot"},
		{"a full stop at the end", "王华.", "name-dot"},
		{"an emoji", "王😀", "name-characters"},
		{"a comma", "王，华", "name-characters"},
		{"Cyrillic look-alikes", "Ивaн", "name-characters"},
		{"a bracket in front", "（王华）", "name-characters"},
		{"a stray accent", "王\u0301华", "name-characters"},
		{"a formula for a table program", "=HYPERLINK", "name-characters"},
		{"a sign in front", "-王华", "name-characters"},
		{"a non-character of plane 2", "王\U0002fffe", "name-characters"},
		{"a radical that is no character", "王⺁", "name-characters"},
	} {
		n, err := ParseName(c.input)
		if got := codeOf(t, err); got != c.code || !n.IsZero() {
			t.Errorf("%s: ParseName(%.40q) = %q, %q, want %q", c.name, c.input, n.Reveal(), got, c.code)
		}
	}
}

func TestAPersonsNameHasNoDigitsOrBrackets(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ input, code string }{
		{"王吉华", ""},
		{"买买提·艾山", ""},
		{"𠮷䶮", ""},
		{"O'Neil", ""},
		{strings.Repeat("买", 50), ""},
		{strings.Repeat("买", 51), "name-length"},
		{"王2华", "name-characters"},
		{"王（华）", "name-characters"},
		{"王&华", "name-characters"},
	} {
		n, err := ParsePersonName(c.input)
		if got := codeOf(t, err); got != c.code || (err != nil && !n.IsZero()) {
			t.Errorf("ParsePersonName(%.40q) = %q, %q, want %q", c.input, n.Reveal(), got, c.code)
		}
	}
}

func TestTheBeginningOfANameCanBeSearchedFor(t *testing.T) {
	t.Parallel()
	full := MustParseName("买买提·艾山")
	for _, c := range []struct {
		prefix, code string
		matches      bool
	}{
		{"买", "", true},
		{"买买提•", "", true},
		{"买买提·艾", "", true},
		{"艾", "", false},
		{"买买提·艾山江", "", false},
		{"", "required", false},
		{"·", "name-dot", false},
		{"买··", "name-dot", false},
		{"买\x00", "name-invisible", false},
	} {
		n, err := ParseNamePrefix(c.prefix)
		if got := codeOf(t, err); got != c.code {
			t.Errorf("ParseNamePrefix(%q) = %q, want %q", c.prefix, got, c.code)
		} else if err == nil && full.HasPrefix(n) != c.matches {
			t.Errorf("HasPrefix(%q) = %v, want %v", c.prefix, !c.matches, c.matches)
		}
	}
}

// rareRunes are characters that old collations and code pages take for each other.
func rareRunes() *rapid.Generator[rune] {
	return rapid.OneOf(
		rapid.RuneFrom([]rune("𠮷吉䶮龑㙓𣲗𬭎𡌴嫒㛃〇王")),
		rapid.Custom(func(t *rapid.T) rune { return rune(rapid.IntRange(0x3400, 0x4DBF).Draw(t, "extension A")) }),
		rapid.Custom(func(t *rapid.T) rune { return rune(rapid.IntRange(0x4E00, 0x9FFF).Draw(t, "basic")) }),
		rapid.Custom(func(t *rapid.T) rune { return rune(rapid.IntRange(0x20000, 0x2EBE0).Draw(t, "extensions B to F")) }),
		rapid.Custom(func(t *rapid.T) rune { return rune(rapid.IntRange(0x30000, 0x323AF).Draw(t, "extensions G and H")) }),
	)
}

func TestTwoDifferentRareNamesAreNeverEqual(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := string(rapid.SliceOfN(rareRunes(), 2, 4).Draw(t, "a"))
		b := string(rapid.SliceOfN(rareRunes(), 2, 4).Draw(t, "b"))
		first, second := MustParseName(a), MustParseName(b)
		if first.Reveal() != a {
			t.Fatalf("ParseName(%+q).Reveal() = %+q, want it unchanged", a, first.Reveal())
		}
		same := a == b
		if first.Equal(second) != same || (first == second) != same || (first.Compare(second) == 0) != same {
			t.Fatalf("%+q and %+q: Equal %v, == %v, Compare %d, want same = %v", a, b, first.Equal(second), first == second, first.Compare(second), same)
		}
	})
}

func TestNamesSortByCodePointAsTheDatabaseDoes(t *testing.T) {
	t.Parallel()
	names := []Name{MustParseName("𠮷野"), MustParseName("龑王"), MustParseName("䶮王"), MustParseName("一诺"), MustParseName("An")}
	slices.SortFunc(names, Name.Compare)
	var got []string
	for _, n := range names {
		got = append(got, n.Reveal())
	}
	if want := []string{"An", "䶮王", "一诺", "龑王", "𠮷野"}; !slices.Equal(got, want) {
		t.Errorf("sorted = %q, want %q", got, want)
	}
}

func FuzzParseName(f *testing.F) {
	for _, seed := range []string{"王吉华", "𠮷䶮", "买买提・艾山", "J. Smith", "Ｊ．Ｓ", "⼀⼆", "Jose\u0301", "王.华.", "a . b", "\xff", "A\u030a", "\u1100\u1161"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, input string) {
		n, err := ParseName(input)
		if err != nil {
			if codeOf(t, err) == "" || !n.IsZero() {
				t.Errorf("ParseName(%q) = %v, %v, want a code and no value", input, n, err)
			}
			return
		}
		text := n.Reveal()
		again, err := ParseName(text)
		if err != nil || again != n {
			t.Errorf("ParseName(%+q) = %+q, parsed again %+q, %v, want the same", input, text, again.Reveal(), err)
		}
		if count := utf8.RuneCountInString(text); count < NameRunesMin || count > NameRunesMax || !norm.NFC.IsNormalString(text) {
			t.Errorf("ParseName(%+q) = %+q, %d characters, composed %v, want it in bounds and composed", input, text, count, norm.NFC.IsNormalString(text))
		}
		if mask := n.String(); strings.Count(mask, "*") != 2 || utf8.RuneCountInString(mask) != 3 {
			t.Errorf("mask of %+q = %q, want one character and two stars", text, mask)
		}
	})
}
