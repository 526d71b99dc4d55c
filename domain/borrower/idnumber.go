package borrower

import (
	"time"

	"fumin/domain"
)

// IDNumber is a resident identity number (居民身份证号码, GB 11643-1999): 18 characters, of which six are the region of
// first registration, eight the birth date, three an order code (odd for men) and one a check digit. It is masked
// wherever it is printed; see Reveal. The zero value is absent.
type IDNumber struct{ sealed[lastFour] }

// Sex is the sex an identity number carries (性别).
type Sex string

// The sexes.
const (
	SexMale   Sex = "male"   // 男
	SexFemale Sex = "female" // 女
)

const idNumberLength = 18

// idNumberWeights are the weights of the first 17 digits, 2^(18-i) mod 11 (GB 11643-1999, section 4.2.3, by ISO/IEC 7064
// MOD 11-2), and idNumberChecks is the check digit for each remainder.
var idNumberWeights = [17]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}

const idNumberChecks = "10X98765432"

var (
	errIDNumberOld        = domain.BadValue("id-number-15-digits", "这是一代身份证的 15 位号码，已于 2013 年停用，请录入二代身份证上的 18 位号码")
	errIDNumberLength     = domain.BadValue("id-number-length", "身份证号码应为 18 位，请对照证件逐位核对")
	errIDNumberCharacters = domain.BadValue("id-number-characters", "身份证号码前 17 位应为数字，末位为数字或 X")
	errIDNumberRegion     = domain.BadValue("id-number-region", "身份证号码前两位不是省级行政区划代码，请对照证件核对前 6 位")
	errIDNumberBirthDate  = domain.BadValue("id-number-birth-date", "身份证号码第 7 至 14 位不是真实存在的出生日期，请对照证件核对")
	errIDNumberCheck      = domain.BadValue("id-number-check-digit", "身份证号码校验不通过，至少有一位录错，请对照证件逐位核对")
	errIDNumberFuture     = domain.BadValue("id-number-born-later", "身份证号码中的出生日期晚于当天，请对照证件核对")
)

// ParseIDNumber reads a resident identity number and checks length, characters, province, birth date and check digit.
//
// Accepted and normalised: a lower-case x, full-width digits and letters, spaces and invisible characters anywhere; the
// check digit guards what remains. Refused, each with a code of its own: 15-digit numbers of first-generation cards
// (id-number-15-digits; they ceased to be valid on 1 January 2013, and guessing century and check digit would invent a
// number nobody showed), other lengths, other characters, a province code that never was one, a day that does not exist
// or lies outside domain.YearMin to YearMax, a wrong check digit, and what a table program made of a number
// (number-scientific). The county part is not looked up: codes of dissolved counties stay on their people's cards.
// 81, 82 and 83 are the residence permits of Hong Kong, Macao and Taiwan residents (港澳台居民居住证), of the same form.
//
// The parser has no clock: CheckBornBy refuses a birth date in the future.
func ParseIDNumber(s string) (IDNumber, error) {
	if len(s) > inputBytesMax {
		return IDNumber{}, errIDNumberLength
	}
	s = compactNumber(s)
	switch {
	case s == "":
		return IDNumber{}, errRequired
	case isScientific(s):
		return IDNumber{}, errScientific
	case len(s) == 15 && onlyDigits(s):
		return IDNumber{}, errIDNumberOld
	case !idNumberCharacters(s):
		return IDNumber{}, errIDNumberCharacters
	case len(s) != idNumberLength:
		return IDNumber{}, errIDNumberLength
	case !provinces[s[:2]]:
		return IDNumber{}, errIDNumberRegion
	}
	if _, err := birthDateOf(s); err != nil {
		return IDNumber{}, errIDNumberBirthDate
	}
	if s[17] != idNumberCheck(s[:17]) {
		return IDNumber{}, errIDNumberCheck
	}
	return IDNumber{seal[lastFour](s)}, nil
}

// MustParseIDNumber is ParseIDNumber for tests and constants.
func MustParseIDNumber(s string) IDNumber { return must(ParseIDNumber(s)) }

// idNumberCharacters reports whether s is digits, with perhaps an X at its end. It comes before the length, so that
// a letter O or a name in this field is called what it is.
func idNumberCharacters(s string) bool {
	last := s[len(s)-1]
	return (last == 'X' || (last >= '0' && last <= '9')) && (len(s) == 1 || onlyDigits(s[:len(s)-1]))
}

// idNumberCheck returns the check digit of 17 digits.
func idNumberCheck(digits string) byte {
	sum := 0
	for i, weight := range idNumberWeights {
		sum += weight * int(digits[i]-'0')
	}
	return idNumberChecks[sum%11]
}

func birthDateOf(s string) (domain.Date, error) {
	number := func(from, to int) (n int) {
		for i := from; i < to; i++ {
			n = n*10 + int(s[i]-'0')
		}
		return n
	}
	return domain.NewDate(number(6, 10), time.Month(number(10, 12)), number(12, 14))
}

// BirthDate returns the birth date (出生日期); zero when the number is absent.
func (n IDNumber) BirthDate() domain.Date {
	if n.IsZero() {
		return domain.Date{}
	}
	day, _ := birthDateOf(n.Reveal()) // the parser has checked it
	return day
}

// Sex returns the sex; "" when the number is absent.
func (n IDNumber) Sex() Sex {
	switch {
	case n.IsZero():
		return ""
	case (n.Reveal()[16]-'0')%2 == 1:
		return SexMale
	}
	return SexFemale
}

// RegionCode returns the six-digit code of the county of first registration (GB/T 2260), which need not exist any more
// and says nothing about where the person lives; "" when the number is absent.
func (n IDNumber) RegionCode() RegionCode {
	if n.IsZero() {
		return ""
	}
	return RegionCode(n.Reveal()[:6])
}

// CheckBornBy refuses, with code id-number-born-later, a person who is born after the day.
func (n IDNumber) CheckBornBy(day domain.Date) error {
	if n.BirthDate().After(day) {
		return errIDNumberFuture
	}
	return nil
}

// Last4 returns the last four characters, which lists keep in clear; "" when absent.
func (n IDNumber) Last4() string { return tail(n.Reveal()) }

// Equal reports whether n and o are the same number.
func (n IDNumber) Equal(o IDNumber) bool { return n == o }

// must returns the value or panics: for the MustParse functions.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
