package borrower

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"fumin/domain"
)

// Address is where a household lives or an organisation works (地址), in one normal form. It is masked wherever it is
// printed: 山东省****. The zero value is absent.
type Address struct{ sealed[firstThree] }

// The number of characters (code points) an address may have.
const (
	AddressRunesMin = 5
	AddressRunesMax = 200
	addressBytesMax = AddressRunesMax * utf8.UTFMax
)

var (
	errAddressLength     = domain.BadValue("address-length", "地址应为 %d 至 %d 个字，请写到村和门牌", AddressRunesMin, AddressRunesMax)
	errAddressCharacters = domain.BadValue("address-characters", "地址含有不可见字符、自造字或无法显示的字符，请删除后手工重新录入")
)

// ParseAddress reads an address. Accepted and normalised: full-width letters, digits and signs to ASCII, canonical
// composition, line breaks and runs of white space to one space, which is kept only between Latin words and digits.
// Refused: control, formatting and private-use characters, and other lengths.
func ParseAddress(s string) (Address, error) {
	if len(s) > addressBytesMax {
		return Address{}, errAddressLength
	}
	if !utf8.ValidString(s) {
		return Address{}, errAddressCharacters
	}
	var runes []rune
	for _, r := range norm.NFC.String(strings.Map(halfWidth, s)) {
		switch {
		case unicode.IsSpace(r):
			r = ' '
		case !unicode.IsGraphic(r) && !isHan(r), unicode.Is(unicode.Variation_Selector, r):
			return Address{}, errAddressCharacters
		}
		runes = append(runes, r)
	}
	// Dropping a space can bring a letter and its accent together.
	runes = []rune(norm.NFC.String(string(dropSpaces(runes))))
	switch {
	case len(runes) == 0:
		return Address{}, errRequired
	case len(runes) < AddressRunesMin, len(runes) > AddressRunesMax:
		return Address{}, errAddressLength
	}
	return Address{seal[firstThree](string(runes))}, nil
}

// MustParseAddress is ParseAddress for tests and constants.
func MustParseAddress(s string) Address { return must(ParseAddress(s)) }

// Equal reports whether a and o are the same text. SamePlace is the looser question.
func (a Address) Equal(o Address) bool { return a == o }

// SamePlace reports whether a and o differ at most in punctuation, spaces and the case of letters. An absent address is
// the same place as nothing.
func (a Address) SamePlace(o Address) bool {
	return !a.IsZero() && !o.IsZero() && placeKey(a.Reveal()) == placeKey(o.Reveal())
}

func placeKey(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsNumber(r) && !isHan(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, text)
}
