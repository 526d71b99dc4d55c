package loan

import (
	"unicode/utf8"

	"fumin/domain"
	"fumin/domain/money"
)

// CounterGuarantee is what the company asks as security for its own risk (反担保).
type CounterGuarantee string

// The kinds.
const (
	CounterNone   CounterGuarantee = "none"   // 不要求反担保
	CounterSpouse CounterGuarantee = "spouse" // 配偶反担保
	CounterOther  CounterGuarantee = "other"  // 其他反担保
)

// Valid reports whether c is one of the constants.
func (c CounterGuarantee) Valid() bool {
	return c == CounterNone || c == CounterSpouse || c == CounterOther
}

// Label is the kind in Chinese.
func (c CounterGuarantee) Label() string {
	switch c {
	case CounterNone:
		return "不要求"
	case CounterSpouse:
		return "配偶"
	case CounterOther:
		return "其他"
	}
	return string(c)
}

// GuaranteeAnswer is what the company says (担保答复).
type GuaranteeAnswer struct {
	Decision    GuaranteeStatus // accepted, conditional or refused
	LetterNo    string          // 担保函编号
	Amount      money.Amount    // what the letter covers; at most what was asked
	FeePct      money.Rate      // percent a year, at most the product's ceiling
	ExpiresOn   domain.Date     // the last day on which a payment may rely on the letter
	Conditions  string          // only with conditional
	Counter     CounterGuarantee
	CounterNote string // who or what gives it; required with CounterOther
	Reason      string // only with refused
}

// Equal reports whether two answers say the same.
func (a GuaranteeAnswer) Equal(b GuaranteeAnswer) bool {
	return a.Decision == b.Decision && a.LetterNo == b.LetterNo && a.Amount.Equal(b.Amount) && a.FeePct.Equal(b.FeePct) &&
		a.ExpiresOn == b.ExpiresOn && a.Conditions == b.Conditions && a.Counter == b.Counter &&
		a.CounterNote == b.CounterNote && a.Reason == b.Reason
}

// check names all that is wrong with an answer to a request, by the JSON names.
func (a GuaranteeAnswer) check(r GuaranteeRequest, today domain.Date) error {
	var p domain.Problems
	switch a.Decision {
	case GuaranteeAccepted, GuaranteeConditional:
		a.checkLetter(&p, r, today)
	case GuaranteeRefused:
		if a.Reason == "" || utf8.RuneCountInString(a.Reason) > ReasonMax {
			p.Add("/reason", "out-of-range", "不予担保请说明原因，1 至 %d 个字", ReasonMax)
		}
		if a.LetterNo != "" || !a.Amount.IsZero() || a.Conditions != "" || !a.ExpiresOn.IsZero() {
			p.Add("/letter_no", "not-allowed", "不予担保时没有担保函")
		}
	case GuaranteeRequested, GuaranteeExpired, GuaranteeReleased:
		p.Add("/decision", "unknown-value", "答复应为 accepted、conditional 或 refused")
	default:
		p.Add("/decision", "unknown-value", "答复应为 accepted、conditional 或 refused")
	}
	return p.Err()
}

func (a GuaranteeAnswer) checkLetter(p *domain.Problems, r GuaranteeRequest, today domain.Date) {
	if n := utf8.RuneCountInString(a.LetterNo); n == 0 || n > LetterNoRunesMax {
		p.Add("/letter_no", "out-of-range", "请填写担保函编号，1 至 %d 个字", LetterNoRunesMax)
	}
	if a.Amount.Sign() <= 0 || a.Amount.Cmp(r.Amount) > 0 {
		p.Add("/amount", "out-of-range", "担保金额应大于 0.00 且不超过申请担保的 %s 元", r.Amount.Grouped())
	}
	if a.FeePct.Sign() < 0 || a.FeePct.Cmp(r.FeeMaxPct) > 0 {
		p.Add("/fee_pct", "fee-above-ceiling", "担保费率不能超过产品和合作协议规定的 %s%%（%s）", r.FeeMaxPct, r.Crop.Label())
	}
	if a.ExpiresOn.Before(today) {
		p.Add("/expires_on", "in-the-past", "担保函有效期应为今天 %s 或以后", today)
	}
	if n := utf8.RuneCountInString(a.Conditions); (a.Decision == GuaranteeConditional) != (n > 0) || n > ConditionsRunesMax {
		p.Add("/conditions", "out-of-range", "附条件同意须写明条件（1 至 %d 个字），无条件同意则不填", ConditionsRunesMax)
	}
	if a.Reason != "" {
		p.Add("/reason", "not-allowed", "只有不予担保才填原因")
	}
	a.checkCounter(p, r)
}

// checkCounter holds the counter-guarantee to the product's terms: the spouse alone up to a sum, beyond it something else.
func (a GuaranteeAnswer) checkCounter(p *domain.Problems, r GuaranteeRequest) {
	switch {
	case !a.Counter.Valid():
		p.Add("/counter_guarantee", "unknown-value", "反担保应为 none、spouse 或 other")
	case a.Counter == CounterSpouse && (r.CounterSpouseUpTo.IsZero() || a.Amount.Cmp(r.CounterSpouseUpTo) > 0):
		p.Add("/counter_guarantee", "spouse-not-enough", "配偶反担保最高 %s 元，超过的请要求其他反担保（other）", r.CounterSpouseUpTo.Grouped())
	}
	if n := utf8.RuneCountInString(a.CounterNote); n > ConditionsRunesMax || (a.Counter == CounterOther && n == 0) {
		p.Add("/counter_note", "out-of-range", "其他反担保请写明由谁、以什么提供，1 至 %d 个字", ConditionsRunesMax)
	}
}
