package product

import (
	"fumin/domain"
	"fumin/domain/money"
)

// GuaranteeKind is what secures the loan (担保方式).
type GuaranteeKind string

// The guarantee kinds.
const (
	GuaranteeCredit  GuaranteeKind = "credit"            // 信用，无需担保
	GuaranteeCompany GuaranteeKind = "guarantee_company" // 农担公司担保
)

// Valid reports whether k is one of the constants.
func (k GuaranteeKind) Valid() bool { return k == GuaranteeCredit || k == GuaranteeCompany }

// GuaranteeTier says what secures a loan of an amount in [From, Below) (担保分档). With 100,000.00 as the border,
// 99,999.99 is still on credit and 100,000.00 is guaranteed.
type GuaranteeTier struct {
	From  money.Amount
	Below money.Amount // 0.00: no upper end
	Kind  GuaranteeKind

	// The rest only with GuaranteeCompany.
	FeeMaxPct         money.Rate   // 担保费率上限, percent a year
	FeeMaxGrainPct    money.Rate   // 粮食类担保费率上限, percent a year; 0: FeeMaxPct holds for grain too
	CounterSpouseUpTo money.Amount // 反担保: up to this sum the spouse can give it; 0.00: not provided for
}

// Holds reports whether amount falls into the tier.
func (g GuaranteeTier) Holds(amount money.Amount) bool {
	return amount.Cmp(g.From) >= 0 && (g.Below.IsZero() || amount.Cmp(g.Below) < 0)
}

// FeeMax returns the fee ceiling in percent a year; grain says whether the loan serves growing grain (粮食类).
func (g GuaranteeTier) FeeMax(grain bool) money.Rate {
	if grain && !g.FeeMaxGrainPct.IsZero() {
		return g.FeeMaxGrainPct
	}
	return g.FeeMaxPct
}

// SpouseMayCounter reports whether the spouse alone can give the counter-guarantee for this amount (配偶反担保).
func (g GuaranteeTier) SpouseMayCounter(amount money.Amount) bool {
	return g.Kind == GuaranteeCompany && !g.CounterSpouseUpTo.IsZero() && amount.Cmp(g.CounterSpouseUpTo) <= 0
}

// GuaranteeFor returns the tier of an amount. No tier is a KindRule error: a loan is never on credit by omission.
func (t Terms) GuaranteeFor(amount money.Amount) (GuaranteeTier, error) {
	for _, tier := range t.Guarantee {
		if tier.Holds(amount) {
			return tier, nil
		}
	}
	return GuaranteeTier{}, domain.Errorf(domain.KindRule, "no-guarantee-tier",
		"产品没有规定 %s 元的担保方式，请核对申请金额或联系产品管理员", amount.Grouped())
}

// GuaranteeCompanyFrom returns the smallest amount from which the guarantee company is needed; false when the product
// never needs it.
func (t Terms) GuaranteeCompanyFrom() (money.Amount, bool) {
	for _, tier := range t.Guarantee {
		if tier.Kind == GuaranteeCompany {
			return tier.From, true
		}
	}
	return money.Amount{}, false
}
