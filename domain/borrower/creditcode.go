package borrower

import (
	"strings"

	"fumin/domain"
)

// CreditCode is a unified social credit code (统一社会信用代码, GB 32100-2015): 18 characters, of which the first names the
// registering authority, the second the kind of body, six digits the region of registration, nine the organisation code
// and the last is a check character. It is masked wherever it is printed, because a sole proprietor's leads to a person.
// The zero value is absent.
type CreditCode struct{ sealed[lastFour] }

const (
	creditCodeLength = 18
	// creditCodeAlphabet are the 31 characters by value: no I, O, S, V, Z (GB 32100-2015, table 2).
	creditCodeAlphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
)

// creditCodeWeights are 3^(i-1) mod 31 (GB 32100-2015, table 3).
var creditCodeWeights = [17]int{1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28}

var (
	errCreditCodeOld        = domain.BadValue("credit-code-old-number", "这是“三证合一”之前的注册号或组织机构代码，请录入营业执照上 18 位的统一社会信用代码")
	errCreditCodeLength     = domain.BadValue("credit-code-length", "统一社会信用代码应为 18 位，请对照营业执照逐位核对")
	errCreditCodeCharacters = domain.BadValue("credit-code-characters", "统一社会信用代码只含数字和大写字母，且没有 I、O、S、V、Z，请核对是否应为 1、0、5、U、2")
	errCreditCodeRegion     = domain.BadValue("credit-code-region", "统一社会信用代码第 3 至 8 位应为登记机关的行政区划代码（数字），请核对")
	errCreditCodeCheck      = domain.BadValue("credit-code-check-character", "统一社会信用代码校验不通过，至少有一位录错，请对照营业执照逐位核对")
)

// ParseCreditCode reads a unified social credit code and checks length, alphabet, region digits and check character.
//
// Accepted and normalised: lower-case letters, full-width characters, spaces, hyphens and invisible characters. Refused,
// each with a code of its own: the 15-digit registration number and the nine-character organisation code of before 2015
// (credit-code-old-number), other lengths, characters outside the alphabet, letters where the region stands, a wrong check
// character. The organisation code's own check digit (GB 11714) is not tested: codes given out before the standard fail
// it, and the check character covers the same positions.
func ParseCreditCode(s string) (CreditCode, error) {
	if len(s) > inputBytesMax {
		return CreditCode{}, errCreditCodeLength
	}
	s = strings.ReplaceAll(compactNumber(s), "-", "")
	if s == "" {
		return CreditCode{}, errRequired
	}
	if isScientific(s) {
		return CreditCode{}, errScientific
	}
	for i := range len(s) {
		if strings.IndexByte(creditCodeAlphabet, s[i]) < 0 {
			return CreditCode{}, errCreditCodeCharacters
		}
	}
	switch {
	case len(s) == 9, len(s) == 15 && onlyDigits(s):
		return CreditCode{}, errCreditCodeOld
	case len(s) != creditCodeLength:
		return CreditCode{}, errCreditCodeLength
	case !onlyDigits(s[2:8]):
		return CreditCode{}, errCreditCodeRegion
	case s[17] != creditCodeCheck(s[:17]):
		return CreditCode{}, errCreditCodeCheck
	}
	return CreditCode{seal[lastFour](s)}, nil
}

// MustParseCreditCode is ParseCreditCode for tests and constants.
func MustParseCreditCode(s string) CreditCode { return must(ParseCreditCode(s)) }

// creditCodeCheck returns the check character of 17 characters of the alphabet.
func creditCodeCheck(body string) byte {
	sum := 0
	for i, weight := range creditCodeWeights {
		sum += weight * strings.IndexByte(creditCodeAlphabet, body[i])
	}
	return creditCodeAlphabet[(31-sum%31)%31]
}

// RegionCode returns the six digits of the region of registration; "" when absent.
func (c CreditCode) RegionCode() RegionCode {
	if c.IsZero() {
		return ""
	}
	return RegionCode(c.Reveal()[2:8])
}

// register returns the first two characters, authority and kind of body: 91 enterprise, 92 sole proprietor,
// 93 farmers' co-operative (GB 32100-2015, table 1).
func (c CreditCode) register() string {
	if c.IsZero() {
		return ""
	}
	return c.Reveal()[:2]
}

// Last4 returns the last four characters, which lists keep in clear; "" when absent.
func (c CreditCode) Last4() string { return tail(c.Reveal()) }

// Equal reports whether c and o are the same code.
func (c CreditCode) Equal(o CreditCode) bool { return c == o }
