package borrower

import (
	"fmt"
	"log/slog"
	"strings"
	"unicode"
	"unicode/utf8"
	"unique"

	"fumin/domain"
)

// sealed holds one personal text so that no printer shows it: every way of printing or encoding it that Go knows gives
// the mask, and the text itself takes a call of Reveal, which is easy to find and to review.
//
// The text stands behind a unique.Handle, which is a pointer, for a reason: fmt does not call methods on a value that it
// reaches through an unexported field, nor after a wrong verb (%p, %w), but prints what lies inside. What lies inside is
// an address. And two handles are equal exactly when their texts are, so values may be compared with ==, be keys of a
// map and fields of compared structs.
//
// The zero value is absent: it reveals and prints the empty text.
type sealed[M mask] struct{ handle unique.Handle[string] }

// mask says which part of a text may be shown to everybody.
type mask interface{ of(text string) string }

func seal[M mask](text string) sealed[M] { return sealed[M]{handle: unique.Make(text)} }

// Reveal returns the full text in its normal form, or "" when absent. Only storage, a payment, and a look that is itself
// recorded may call it; what it returns must not reach a log, a URL or an error text.
func (s sealed[M]) Reveal() string {
	if s.IsZero() {
		return ""
	}
	return s.handle.Value()
}

// IsZero reports whether the value is absent.
func (s sealed[M]) IsZero() bool { return s.handle == unique.Handle[string]{} }

// String returns the mask.
func (s sealed[M]) String() string {
	if s.IsZero() {
		return ""
	}
	var m M
	return m.of(s.handle.Value())
}

// Format prints the mask for every verb, so that %#v and %x are as safe as %s.
func (s sealed[M]) Format(f fmt.State, verb rune) {
	_, _ = fmt.Fprintf(f, fmt.FormatString(f, verb), s.String())
}

// LogValue gives slog the mask.
func (s sealed[M]) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText writes the mask; there is no way back from it, so there is no UnmarshalText.
func (s sealed[M]) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// lastFour shows the last four characters behind four stars, whatever the length: what lists keep in clear.
type lastFour struct{}

func (lastFour) of(text string) string { return "****" + tail(text) }

// firstRune shows the first character and two stars, whatever the length: 王**.
type firstRune struct{}

func (firstRune) of(text string) string {
	first, _ := utf8.DecodeRuneInString(text)
	return string(first) + "**"
}

// firstThree shows the first three characters and four stars: 山东省****.
type firstThree struct{}

func (firstThree) of(text string) string { return string([]rune(text)[:3]) + "****" }

// tail returns the last four characters of an ASCII text that is longer than that.
func tail(text string) string {
	if len(text) < 4 {
		return ""
	}
	return text[len(text)-4:]
}

// inputBytesMax bounds what a parser of a number looks at: the longest number here has 32 digits, three bytes each when
// they are full-width, and a space after each.
const inputBytesMax = 256

var (
	errRequired   = domain.BadValue("required", "必填项，请填写")
	errScientific = domain.BadValue("number-scientific", "号码已被表格软件改成科学计数法，请把该列设为“文本”后重新录入完整号码")
)

// compactNumber brings a number as people type it to one form: full-width characters become ASCII, letters upper-case,
// and white space and invisible formatting characters (they come along when copying from chat and table programs) go.
// Nothing that carries information is dropped.
func compactNumber(s string) string {
	return strings.Map(func(r rune) rune {
		r = halfWidth(r)
		if unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		if r >= 'a' && r <= 'z' {
			return r - 'a' + 'A'
		}
		return r
	}, s)
}

// halfWidth returns the ASCII character for its full-width form (全角), and any other rune unchanged.
func halfWidth(r rune) rune {
	if r >= '！' && r <= '～' {
		return r - '！' + '!'
	}
	return r
}

// isScientific recognises what table programs make of a long number: 3.71503E+17.
func isScientific(s string) bool {
	mantissa, exponent, found := strings.Cut(s, "E+")
	return found && onlyDigits(strings.Replace(mantissa, ".", "", 1)) && onlyDigits(exponent)
}

func onlyDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
