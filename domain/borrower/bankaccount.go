package borrower

import (
	"strings"

	"fumin/domain"
)

// BankAccount is the number of a bank account or card (银行账号、卡号), digits only. It is masked wherever it is printed.
// The zero value is absent.
type BankAccount struct{ sealed[lastFour] }

// The number of digits of a BankAccount. Banks' own account numbers have 8 to 32; cards 16 to 19 (ISO/IEC 7812).
const (
	BankAccountDigitsMin = 8
	BankAccountDigitsMax = 32
)

var (
	errBankAccountCharacters = domain.BadValue("bank-account-characters", "银行账号只含数字，请去掉其他字符")
	errBankAccountLength     = domain.BadValue("bank-account-length", "银行账号应为 %d 至 %d 位数字", BankAccountDigitsMin, BankAccountDigitsMax)
	errBankAccountCheck      = domain.BadValue("bank-account-check-digit", "银行卡号校验不通过，至少有一位录错，请对照卡面逐位核对")
)

// ParseBankAccount reads an account number. A card's check digit is tested by Luhn's rule (ISO/IEC 7812-1, annex B); a
// card is 16 to 19 digits that begin with 62, the range of domestic cards. Account numbers of organisations and of
// passbooks follow each bank's own rule, so nothing more can be said of them.
//
// Accepted and normalised: spaces, hyphens, full-width digits and invisible characters.
func ParseBankAccount(s string) (BankAccount, error) {
	if len(s) > inputBytesMax {
		return BankAccount{}, errBankAccountLength
	}
	s = strings.ReplaceAll(compactNumber(s), "-", "")
	switch {
	case s == "":
		return BankAccount{}, errRequired
	case isScientific(s):
		return BankAccount{}, errScientific
	case !onlyDigits(s):
		return BankAccount{}, errBankAccountCharacters
	case len(s) < BankAccountDigitsMin || len(s) > BankAccountDigitsMax:
		return BankAccount{}, errBankAccountLength
	case isCard(s) && !luhn(s):
		return BankAccount{}, errBankAccountCheck
	}
	return BankAccount{seal[lastFour](s)}, nil
}

// MustParseBankAccount is ParseBankAccount for tests and constants.
func MustParseBankAccount(s string) BankAccount { return must(ParseBankAccount(s)) }

func isCard(digits string) bool {
	return len(digits) >= 16 && len(digits) <= 19 && strings.HasPrefix(digits, "62")
}

// luhn reports whether the digits, every second one from the right but one doubled and its digits added, sum to a
// multiple of ten.
func luhn(digits string) bool {
	sum := 0
	for i := range len(digits) {
		digit := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			digit *= 2
			if digit > 9 {
				digit -= 9
			}
		}
		sum += digit
	}
	return sum%10 == 0
}

// IsCard reports whether the number has the form of a domestic card.
func (a BankAccount) IsCard() bool { return isCard(a.Reveal()) }

// Last4 returns the last four digits (尾号), which lists keep in clear; "" when absent.
func (a BankAccount) Last4() string { return tail(a.Reveal()) }

// Equal reports whether a and o are the same number.
func (a BankAccount) Equal(o BankAccount) bool { return a == o }
