package borrower

import (
	"strings"
	"testing"
)

func TestPublishedPhonesGetThePublishedVerdict(t *testing.T) {
	t.Parallel()
	for _, v := range vectorsOf(t, "phone") {
		p, err := ParsePhone(v.Number)
		if got := codeOf(t, err); got != v.Code || p.Reveal() != v.Normal {
			t.Errorf("ParsePhone(%q) = %q, %q, want %q, %q (%s)", v.Number, p.Reveal(), got, v.Normal, v.Code, v.Source)
		}
	}
}

func TestPhonesHaveOneNormalForm(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		input, want string
		mobile      bool
	}{
		{"13912345678", "13912345678", true},
		{"19912345678", "19912345678", true},
		{"139 1234 5678", "13912345678", true},
		{"139-1234-5678", "13912345678", true},
		{"+86 139 1234 5678", "13912345678", true},
		{"+86-13912345678", "13912345678", true},
		{"008613912345678", "13912345678", true},
		{"１３９１２３４５６７８", "13912345678", true},
		{"\u202a13912345678\u202c", "13912345678", true},
		{"0635-8412345", "0635-8412345", false},
		{"06358412345", "0635-8412345", false},
		{"(0635)8412345", "0635-8412345", false},
		{"（0635）8412345", "0635-8412345", false},
		{"+86 635 8412345", "0635-8412345", false},
		{"+86 0635 8412345", "0635-8412345", false},
		{"0531-88412345", "0531-88412345", false},
		{"010-62345678", "010-62345678", false},
		{"+861062345678", "010-62345678", false},
		{"02162345678", "021-62345678", false},
	} {
		p, err := ParsePhone(c.input)
		if err != nil || p.Reveal() != c.want || p.IsMobile() != c.mobile {
			t.Errorf("ParsePhone(%q) = %q, mobile %v, %v, want %q, mobile %v", c.input, p.Reveal(), p.IsMobile(), err, c.want, c.mobile)
		}
	}
}

func TestWhatIsNoPhoneIsRefusedPrecisely(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, input, code string }{
		{"nothing", " ", "required"},
		{"a digit short", "1391234567", "phone-invalid"},
		{"a digit more", "139123456789", "phone-invalid"},
		{"a range that is not given to mobiles", "12012345678", "phone-invalid"},
		{"a landline without area code", "8412345", "phone-invalid"},
		{"a subscriber number that begins with 1", "0635-1412345", "phone-invalid"},
		{"a seven-digit number in an eight-digit area", "010-6234567", "phone-invalid"},
		{"an area code that does not exist", "0135-8412345", "phone-invalid"},
		{"a service number", "95599", "phone-invalid"},
		{"a 400 number", "400-800-1234", "phone-invalid"},
		{"an extension", "0635-8412345转801", "phone-extension"},
		{"an extension in English", "0635-8412345 ext. 801", "phone-extension"},
		{"a foreign number", "+82 2 123 4567", "phone-characters"},
		{"two country codes", "+860086139123456789", "phone-invalid"},
		{"a name", "电话", "phone-characters"},
		{"only signs", "---", "phone-characters"},
		{"only a country code", "+86", "phone-characters"},
		{"what a table program made of it", "1.39123E+10", "number-scientific"},
		{"a megabyte", strings.Repeat("1", 1<<20), "phone-invalid"},
	} {
		p, err := ParsePhone(c.input)
		if got := codeOf(t, err); got != c.code || !p.IsZero() {
			t.Errorf("%s: ParsePhone(%.40q) = %q, %q, want %q", c.name, c.input, p.Reveal(), got, c.code)
		}
	}
}

func FuzzParsePhone(f *testing.F) {
	for _, seed := range []string{"13912345678", "+86 635 8412345", "（0635）8412345", "010-62345678", "0086", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, input string) {
		p, err := ParsePhone(input)
		if err != nil {
			if codeOf(t, err) == "" || !p.IsZero() {
				t.Errorf("ParsePhone(%q) = %v, %v, want a code and no value", input, p, err)
			}
			return
		}
		if again, err := ParsePhone(p.Reveal()); err != nil || again != p || len(p.Reveal()) > 13 {
			t.Errorf("ParsePhone(%q) = %q, parsed again %v, %v, want the same", input, p.Reveal(), again, err)
		}
	})
}
