package borrower

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"fumin/domain"
)

// Name is the name of a person (姓名) or of an organisation (名称), in one normal form, so that the same name typed twice
// is equal. It is masked wherever it is printed: 王**. The zero value is absent.
type Name struct{ sealed[firstRune] }

// The number of characters (code points, not bytes) a name may have. Names of ethnic minorities written in Chinese
// characters are long; the longest that registers print have about thirty characters.
const (
	NameRunesMin       = 2
	NameRunesMax       = 100
	PersonNameRunesMax = 50
	nameBytesMax       = NameRunesMax * utf8.UTFMax
)

var (
	errNameLength       = domain.BadValue("name-length", "名称应为 %d 至 %d 个字", NameRunesMin, NameRunesMax)
	errPersonNameLength = domain.BadValue("name-length", "姓名应为 %d 至 %d 个字", NameRunesMin, PersonNameRunesMax)
	errNameCharacters   = domain.BadValue("name-characters", "名称含有不允许的字符，请按证件上的汉字（或拉丁字母）填写")
	errNameInvisible    = domain.BadValue("name-invisible", "名称含有不可见的控制字符，请删除后手工重新录入")
	errNamePrivateUse   = domain.BadValue("name-private-use", "名称含有自造字，别的机器上会显示成别的字，请用支持生僻字的输入法重新录入国际编码的字")
	errNameDot          = domain.BadValue("name-dot", "间隔号“·”只能出现在两个字之间，且不能连续")
)

// ParseName reads the name of an organisation or a person.
//
// Accepted and normalised, so that two ways of typing one name become one: Unicode's canonical composition (NFC);
// full-width letters and digits to ASCII; round brackets to full-width, as the register of enterprises prints them; the
// many look-alikes of the middle dot (• ・ ‧ ∙ ⋅ and a full stop between two Chinese characters) to · U+00B7; Kangxi
// radicals, which come out of PDF files, to the characters they stand for; white space is dropped except for one space
// between two Latin words (王　华 is 王华).
//
// Refused, each with a code of its own: control, formatting and variation characters (name-invisible), characters of the
// private use area (name-private-use: fonts of old systems draw 䶮 there, other machines draw something else), a dot at an
// end or twice (name-dot), other scripts and signs (name-characters), fewer than NameRunesMin or more than NameRunesMax
// characters (name-length). Rare characters of every plane are kept as they are: 𠮷, 䶮.
func ParseName(s string) (Name, error) {
	text, err := normaliseName(s)
	if err != nil {
		return Name{}, err
	}
	if err := checkDots(text); err != nil {
		return Name{}, err
	}
	if count := utf8.RuneCountInString(text); count < NameRunesMin || count > NameRunesMax {
		return Name{}, errNameLength
	}
	return Name{seal[firstRune](text)}, nil
}

// ParsePersonName is ParseName for a natural person: no digits, brackets or signs, at most PersonNameRunesMax characters.
func ParsePersonName(s string) (Name, error) {
	name, err := ParseName(s)
	if err != nil {
		return Name{}, err
	}
	if err := name.checkPerson(); err != nil {
		return Name{}, err
	}
	return name, nil
}

// ParseNamePrefix reads the beginning of a name to search for: one character is enough, and it may end in a dot.
func ParseNamePrefix(s string) (Name, error) {
	text, err := normaliseName(s)
	if err != nil {
		return Name{}, err
	}
	if err := checkDots(strings.TrimSuffix(text, "·")); err != nil {
		return Name{}, err
	}
	if text == "·" {
		return Name{}, errNameDot
	}
	if utf8.RuneCountInString(text) > NameRunesMax {
		return Name{}, errNameLength
	}
	return Name{seal[firstRune](text)}, nil
}

// MustParseName is ParseName for tests and constants.
func MustParseName(s string) Name { return must(ParseName(s)) }

// checkPerson refuses what no person's name has.
func (n Name) checkPerson() error {
	count := 0
	for _, r := range n.Reveal() {
		count++
		if !isHan(r) && !unicode.Is(unicode.Latin, r) && !strings.ContainsRune("· -'.", r) {
			return errNameCharacters
		}
	}
	if count > PersonNameRunesMax {
		return errPersonNameLength
	}
	return nil
}

// Equal reports whether n and o are the same name, character by character. Two different rare characters are never equal,
// even where a database collation would say so.
func (n Name) Equal(o Name) bool { return n == o }

// Compare returns -1, 0 or +1 by code point, which is the order of a utf8mb4_bin column.
func (n Name) Compare(o Name) int { return strings.Compare(n.Reveal(), o.Reveal()) }

// HasPrefix reports whether n begins with the text of o.
func (n Name) HasPrefix(o Name) bool { return strings.HasPrefix(n.Reveal(), o.Reveal()) }

// normaliseName brings a name to its normal form and refuses characters that have no place in one.
func normaliseName(s string) (string, error) {
	if len(s) > nameBytesMax {
		return "", errNameLength
	}
	if !utf8.ValidString(s) {
		return "", errNameCharacters
	}
	composed := norm.NFC.String(strings.Map(halfWidth, s))
	runes := make([]rune, 0, len(composed))
	for _, r := range composed {
		mapped, err := nameRune(r)
		if err != nil {
			return "", err
		}
		runes = append(runes, mapped)
	}
	runes, err := settleStops(dropSpaces(runes))
	if err != nil {
		return "", err
	}
	if len(runes) == 0 {
		return "", errRequired
	}
	if strings.ContainsRune("（）-'&", runes[0]) {
		return "", errNameCharacters
	}
	return string(runes), nil
}

// lookalikeDots are characters that people and machines put where a name has its middle dot.
const lookalikeDots = "•‧∙⋅・･・ㆍꞏ᛫⸱﹒"

// nameRune returns the normal form of one character of a name.
func nameRune(r rune) (rune, error) {
	switch {
	case unicode.IsSpace(r):
		return ' ', nil
	case unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Variation_Selector):
		return 0, errNameInvisible
	case unicode.Is(unicode.Co, r):
		return 0, errNamePrivateUse
	case r >= 0x2F00 && r <= 0x2FD5: // Kangxi radicals
		r, _ = utf8.DecodeRuneInString(norm.NFKC.String(string(r)))
		return r, nil
	case r == '(':
		return '（', nil
	case r == ')':
		return '）', nil
	case r == '’':
		return '\'', nil
	case strings.ContainsRune(lookalikeDots, r):
		return '·', nil
	case isHan(r), unicode.Is(unicode.Latin, r), r >= '0' && r <= '9', strings.ContainsRune("·（）-'.&", r):
		return r, nil
	}
	return 0, errNameCharacters
}

// isHan reports whether r is a Chinese character. Planes 2 and 3 are set aside for them, so a character that a later
// Unicode adds there is one as well: a name must not wait for our tables.
func isHan(r rune) bool {
	if r >= 0x20000 && r <= 0x3FFFD {
		return r&0xFFFF < 0xFFFE
	}
	return r == '〇' || (unicode.Is(unicode.Han, r) && unicode.IsLetter(r))
}

// dropSpaces removes white space except for one space between two words that are not Chinese.
func dropSpaces(runes []rune) []rune {
	kept := runes[:0]
	pending := false
	for _, r := range runes {
		if r == ' ' {
			pending = true
			continue
		}
		if pending && len(kept) > 0 && isWord(kept[len(kept)-1]) && isWord(r) {
			kept = append(kept, ' ')
		}
		pending = false
		kept = append(kept, r)
	}
	return kept
}

func isWord(r rune) bool {
	return unicode.Is(unicode.Latin, r) || (r >= '0' && r <= '9') || r == '.' || r == '&'
}

// settleStops makes a full stop between two Chinese characters the middle dot it was meant to be, and refuses one that
// does not follow a Latin letter otherwise.
func settleStops(runes []rune) ([]rune, error) {
	for i, r := range runes {
		if r != '.' {
			continue
		}
		switch {
		case i > 0 && i < len(runes)-1 && isHan(runes[i-1]) && isHan(runes[i+1]):
			runes[i] = '·'
		case i == 0 || !unicode.Is(unicode.Latin, runes[i-1]):
			return nil, errNameDot
		}
	}
	return runes, nil
}

func checkDots(text string) error {
	if strings.HasPrefix(text, "·") || strings.HasSuffix(text, "·") || strings.Contains(text, "··") {
		return errNameDot
	}
	return nil
}
