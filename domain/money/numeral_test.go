package money_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"fumin/domain/money"
)

// The first block is every example of 正确填写票据和结算凭证的基本规定 (支付结算办法, 银发〔1997〕393 号, 附一, 第一至三条), in the form
// the rule gives first where it gives two; the others follow from it.
func TestCapitalsAreThoseOfTheRulesForBills(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ amount, want string }{
		{"1409.50", "人民币壹仟肆佰零玖元伍角"},
		{"6007.14", "人民币陆仟零柒元壹角肆分"},
		{"1680.32", "人民币壹仟陆佰捌拾元零叁角贰分"},
		{"107000.53", "人民币壹拾万柒仟元零伍角叁分"},
		{"16409.02", "人民币壹万陆仟肆佰零玖元零贰分"},
		{"325.04", "人民币叁佰贰拾伍元零肆分"},

		{"0.00", "人民币零元整"},
		{"0.01", "人民币壹分"},
		{"0.10", "人民币壹角"},
		{"0.91", "人民币玖角壹分"},
		{"1.00", "人民币壹元整"},
		{"10.00", "人民币壹拾元整"},
		{"10.05", "人民币壹拾元零伍分"},
		{"10.50", "人民币壹拾元零伍角"},
		{"11.50", "人民币壹拾壹元伍角"},
		{"105.00", "人民币壹佰零伍元整"},
		{"1001.00", "人民币壹仟零壹元整"},
		{"1010.00", "人民币壹仟零壹拾元整"},
		{"99500.00", "人民币玖万玖仟伍佰元整"},
		{"100000.00", "人民币壹拾万元整"},
		{"100000.01", "人民币壹拾万元零壹分"},
		{"100500.00", "人民币壹拾万零伍佰元整"},
		{"1000000.00", "人民币壹佰万元整"},
		{"10203040.50", "人民币壹仟零贰拾万叁仟零肆拾元零伍角"},
		{"10000001.00", "人民币壹仟万零壹元整"},
		{"100000000.00", "人民币壹亿元整"},
		{"100005000.00", "人民币壹亿零伍仟元整"},
		{"100050000.00", "人民币壹亿零伍万元整"},
		{"150000000.00", "人民币壹亿伍仟万元整"},
		{"1050000000.00", "人民币壹拾亿伍仟万元整"},
		{"444000000.00", "人民币肆亿肆仟肆佰万元整"},
		{"1000000000000.00", "人民币壹万亿元整"},
		{"1000100000000.00", "人民币壹万零壹亿元整"},
		{"1000000000001.00", "人民币壹万亿零壹元整"},
		{"99999999999999.99", "人民币玖拾玖万玖仟玖佰玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分"},
	} {
		got, err := money.MustParseAmount(c.amount).Capitals()
		if err != nil || got != c.want {
			t.Errorf("%s: %s, %v; want %s", c.amount, got, err, c.want)
		}
	}
}

func TestCapitalsRefuseWhatNoContractIsAbout(t *testing.T) {
	t.Parallel()
	for _, amount := range []money.Amount{money.MustParseAmount("-0.01"), money.CapitalsMax.Add(money.Fen(1))} {
		if got, err := amount.Capitals(); err == nil {
			t.Errorf("%s: %q, want a refusal", amount, got)
		}
	}
}

func TestCapitalsSayTheAmountAndNothingElse(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		// Digits that are often nought, because noughts are what goes wrong.
		fen := int64(0)
		for range rapid.IntRange(1, 16).Draw(t, "digits") {
			fen = fen*10 + int64(rapid.SampledFrom([]int{0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9}).Draw(t, "digit"))
		}
		checkCapitals(t, fen)
	})
}

func FuzzCapitals(f *testing.F) {
	for _, fen := range []int64{0, 1, 9, 10, 1000, 10_0000_00, 107_000_53, 1_0000_5000_00, 9_999_999_999_999_999} {
		f.Add(fen)
	}
	f.Fuzz(func(t *testing.T, fen int64) {
		if fen < 0 || fen > 9_999_999_999_999_999 {
			return
		}
		checkCapitals(t, fen)
	})
}

type failer interface {
	Fatalf(format string, args ...any)
}

func checkCapitals(t failer, fen int64) {
	text, err := money.Fen(fen).Capitals()
	if err != nil {
		t.Fatalf("%d fen: %v", fen, err)
	}
	got, err := readCapitals(text)
	if err != nil || got != fen {
		t.Fatalf("%d fen is written %s, which reads %d fen, %v", fen, text, got, err)
	}
	for _, wrong := range []string{"零零", "零元零", "零万", "零亿", "零拾", "零佰", "零仟", "零整", "整零"} {
		if strings.Contains(text, wrong) {
			t.Fatalf("%d fen: %s contains %s", fen, text, wrong)
		}
	}
	if strings.HasSuffix(text, "整") != (fen%100 == 0) {
		t.Fatalf("%d fen: %s: 整 belongs after whole yuan and nowhere else", fen, text)
	}
}

// readCapitals reads what stands on a bill by another way than it is written: word by word, with a running section, as a
// teller reads it. It knows nothing of where 零 must stand.
func readCapitals(text string) (fen int64, err error) {
	rest, found := strings.CutPrefix(text, "人民币")
	if !found {
		return 0, fmt.Errorf("no currency: %s", text)
	}
	var billions, section, group, digit int64
	values := map[rune]int64{'壹': 1, '贰': 2, '叁': 3, '肆': 4, '伍': 5, '陆': 6, '柒': 7, '捌': 8, '玖': 9}
	for _, word := range rest {
		switch word {
		case '零', '整':
		case '拾':
			group, digit = group+digit*10, 0
		case '佰':
			group, digit = group+digit*100, 0
		case '仟':
			group, digit = group+digit*1000, 0
		case '万':
			section, group, digit = section+(group+digit)*1_0000, 0, 0
		case '亿':
			billions, section, group, digit = (section+group+digit)*1_0000_0000, 0, 0, 0
		case '元':
			fen, billions, section, group, digit = (billions+section+group+digit)*100, 0, 0, 0, 0
		case '角':
			fen, digit = fen+digit*10, 0
		case '分':
			fen, digit = fen+digit, 0
		default:
			value, known := values[word]
			if !known || digit != 0 {
				return 0, fmt.Errorf("%q in %s", word, text)
			}
			digit = value
		}
	}
	if digit != 0 {
		return 0, fmt.Errorf("%s ends in a bare digit", text)
	}
	return fen, nil
}
