package money

import (
	"strings"

	"fumin/domain"
)

// CapitalsMax is the largest amount that Capitals writes: fourteen digits before the point.
var CapitalsMax = MustParseAmount("99999999999999.99")

const (
	capitalsPrefix = "人民币"
	capitalZero    = "零"
)

var (
	capitalDigits = [10]string{"零", "壹", "贰", "叁", "肆", "伍", "陆", "柒", "捌", "玖"}
	capitalPlaces = [4]string{"", "拾", "佰", "仟"}
)

// Capitals writes the amount in capital numerals, as on a bill or a contract (人民币大写): 99500.00 is
// 人民币玖万玖仟伍佰元整. It follows 正确填写票据和结算凭证的基本规定 (支付结算办法, 银发〔1997〕393 号, 附一):
//
//   - 整 stands after 元, not after 角 (there it may be left out) and never after 分;
//   - several noughts in a row are one 零 (6,007.14: 陆仟零柒元壹角肆分);
//   - no 角 but 分: 零 after 元 (325.04: 叁佰贰拾伍元零肆分);
//   - where the rule leaves a choice we write as its first example does: the last digit before 万 or 亿 is nought and the next
//     is not: no 零; the last digit of the yuan is nought and 角 is not: 零 after 元 (107,000.53: 壹拾万柒仟元零伍角叁分). A whole
//     group of four noughts is 零 (100,005,000.00: 壹亿零伍仟元整), so that nobody reads 伍仟万.
//
// It refuses what is negative or above CapitalsMax with a ValueError.
func (a Amount) Capitals() (string, error) {
	if a.Sign() < 0 || a.Cmp(CapitalsMax) > 0 {
		return "", domain.BadValue("out-of-range", "大写金额应在 0.00 至 %s 元之间", CapitalsMax.Grouped())
	}
	fen := a.d.Shift(2).IntPart() // exact: two decimals, at most sixteen digits
	yuan, jiao, rest := fen/100, fen/10%10, fen%10

	var b strings.Builder
	b.WriteString(capitalsPrefix)
	if yuan > 0 {
		b.WriteString(capitalWhole(yuan) + "元")
	}
	switch {
	case fen == 0:
		b.WriteString(capitalZero + "元整")
	case jiao == 0 && rest == 0:
		b.WriteString("整")
	case yuan > 0 && (jiao == 0 || yuan%10 == 0):
		b.WriteString(capitalZero)
	}
	if jiao > 0 {
		b.WriteString(capitalDigits[jiao] + "角")
	}
	if rest > 0 {
		b.WriteString(capitalDigits[rest] + "分")
	}
	return b.String(), nil
}

// capitalWhole writes a whole number above 0 and below 10^16. What stands before 亿 is itself such a number (玖拾玖万亿).
func capitalWhole(n int64) string {
	for _, unit := range []struct {
		size int64
		name string
	}{{1_0000_0000, "亿"}, {1_0000, "万"}} {
		if n < unit.size {
			continue
		}
		text := capitalWhole(n/unit.size) + unit.name
		rest := n % unit.size
		if rest == 0 {
			return text
		}
		if rest < unit.size/10 { // the digit after the unit is nought
			text += capitalZero
		}
		return text + capitalWhole(rest)
	}
	return capitalGroup(n)
}

// capitalGroup writes up to four digits, without a leading 零.
func capitalGroup(n int64) string {
	var b strings.Builder
	pending := false
	for place, size := 3, int64(1000); place >= 0; place, size = place-1, size/10 {
		digit := n / size % 10
		if digit == 0 {
			pending = b.Len() > 0
			continue
		}
		if pending {
			b.WriteString(capitalZero)
			pending = false
		}
		b.WriteString(capitalDigits[digit] + capitalPlaces[place])
	}
	return b.String()
}
