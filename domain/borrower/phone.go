package borrower

import (
	"strings"

	"fumin/domain"
)

// Phone is a telephone number of mainland China (联系电话), mobile or landline, in its normal form: "13900000000" or
// "0635-8400000". It is masked wherever it is printed. The zero value is absent.
type Phone struct{ sealed[lastFour] }

var (
	errPhoneCharacters = domain.BadValue("phone-characters", "电话只含数字、空格和连字符，请去掉其他文字")
	errPhoneExtension  = domain.BadValue("phone-extension", "请只填总机号码，分机号请写在备注中")
	errPhoneForm       = domain.BadValue("phone-invalid", "应为 11 位手机号码（13 至 19 开头），或带区号的固定电话，如 0635-8400000")
)

// phoneMarks are what people write between the digits.
var phoneMarks = strings.NewReplacer("-", "", "(", "", ")", "")

// ParsePhone reads a mobile number, ^1[3-9]\d{9}$, or a landline with its area code, ^0(10|2\d)[2-9]\d{7}$ or
// ^0[3-9]\d{2}[2-9]\d{6,7}$ (numbering plan of the ministry of industry, 2017). Number ranges inside these are given out
// every year, so they are not listed here.
//
// Accepted and normalised: +86 and 0086 in front, hyphens, brackets round the area code, spaces, full-width digits and
// invisible characters. Refused: an extension (phone-extension), other text (phone-characters), service numbers, foreign
// numbers and anything of another length (phone-invalid).
func ParsePhone(s string) (Phone, error) {
	if len(s) > inputBytesMax {
		return Phone{}, errPhoneForm
	}
	s = compactNumber(s)
	if s == "" {
		return Phone{}, errRequired
	}
	if isScientific(s) {
		return Phone{}, errScientific
	}
	if strings.Contains(s, "转") || strings.Contains(s, "EXT") {
		return Phone{}, errPhoneExtension
	}
	abroad := false
	for _, prefix := range []string{"+86", "0086"} {
		if rest, found := strings.CutPrefix(s, prefix); found && !abroad {
			s, abroad = rest, true
		}
	}
	s = phoneMarks.Replace(s)
	if !onlyDigits(s) {
		return Phone{}, errPhoneCharacters
	}
	if isMobile(s) {
		return Phone{seal[lastFour](s)}, nil
	}
	if abroad && s[0] != '0' { // the trunk 0 is left out after a country code
		s = "0" + s
	}
	area := areaDigits(s)
	if area == 0 {
		return Phone{}, errPhoneForm
	}
	return Phone{seal[lastFour](s[:area] + "-" + s[area:])}, nil
}

// MustParsePhone is ParsePhone for tests and constants.
func MustParsePhone(s string) Phone { return must(ParsePhone(s)) }

func isMobile(digits string) bool {
	return len(digits) == 11 && digits[0] == '1' && digits[1] >= '3'
}

// areaDigits returns how many digits of a landline number are its area code, 3 or 4, or 0 when it is no such number.
// Areas of three digits (010, 02x) have eight-digit numbers; the others have seven or eight.
func areaDigits(digits string) int {
	if len(digits) < 11 || len(digits) > 12 || digits[0] != '0' {
		return 0
	}
	area := 4
	if digits[1] == '2' || digits[1:3] == "10" {
		area = 3
	}
	switch {
	case area == 3 && len(digits) != 11, area == 4 && digits[1] < '3', digits[area] < '2':
		return 0
	}
	return area
}

// IsMobile reports whether messages can be sent to it.
func (p Phone) IsMobile() bool { return isMobile(p.Reveal()) }

// Last4 returns the last four digits, which lists keep in clear; "" when absent.
func (p Phone) Last4() string { return tail(p.Reveal()) }

// Equal reports whether p and o are the same number.
func (p Phone) Equal(o Phone) bool { return p == o }
