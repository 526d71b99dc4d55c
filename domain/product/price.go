package product

import (
	"slices"

	"fumin/domain"
	"fumin/domain/money"
)

// Base is what a rate is built on (定价基准).
type Base string

// The bases.
const (
	BaseLPR1Y Base = "lpr_1y" // 一年期 LPR
	BaseLPR5Y Base = "lpr_5y" // 五年期以上 LPR
	BaseFixed Base = "fixed"  // 固定利率
)

// Valid reports whether b is one of the constants.
func (b Base) Valid() bool {
	switch b {
	case BaseLPR1Y, BaseLPR5Y, BaseFixed:
		return true
	}
	return false
}

// Price says how dear a loan may be at most (定价): the base of the signing day plus a spread.
type Price struct {
	Base             Base
	FixedPct         money.Rate // percent a year; only with BaseFixed
	SpreadBPMax      int        // 最高加点, in basis points; negative: below the base
	AnnualRateMaxPct money.Rate // 利率绝对上限, percent a year, whatever the base is; 0: none
	Reliefs          []Relief   // 减点优惠
}

// Relief lowers the largest spread for one industry (行业减点), such as trades hit by an epidemic.
type Relief struct {
	Industry     string // code of the industry group: "epidemic_hit"
	SpreadBPLess int    // basis points, above 0
}

// Ceiling is the highest price on one day, with what it was built from, so that an application can be bound to it.
type Ceiling struct {
	AnnualRateMaxPct money.Rate // percent a year
	Base             Base
	BasePct          money.Rate  // the base of the day, percent a year
	ReferenceRateID  domain.ID   // the LPR row used; zero with BaseFixed
	PublishedOn      domain.Date // when that row was published; zero with BaseFixed
	SpreadBPMax      int         // the largest spread after relief
	Capped           bool        // the absolute cap is lower than base + spread
}

// PriceOn returns the highest annual rate for a contract signed on the day, by the reference rate in force on that day
// (合同签订日 LPR 加点). industries are the borrower's industry groups: the best relief among them counts, reliefs are
// not added up. Errors: no reference rate on the day ("no-reference-rate"), a price below zero ("negative-price").
func (p Price) PriceOn(signedOn domain.Date, rates ReferenceRates, industries ...string) (Ceiling, error) {
	ceiling := Ceiling{Base: p.Base, BasePct: p.FixedPct, SpreadBPMax: p.SpreadBPMax - p.bestRelief(industries)}
	if p.Base != BaseFixed {
		row, err := rates.On(signedOn)
		if err != nil {
			return Ceiling{}, err
		}
		ceiling.BasePct, ceiling.ReferenceRateID, ceiling.PublishedOn = row.Pct(p.Base), row.ID, row.PublishedOn
	}
	ceiling.AnnualRateMaxPct = ceiling.BasePct.Add(money.BasisPoints(ceiling.SpreadBPMax))
	if !p.AnnualRateMaxPct.IsZero() && ceiling.AnnualRateMaxPct.Cmp(p.AnnualRateMaxPct) > 0 {
		ceiling.AnnualRateMaxPct, ceiling.Capped = p.AnnualRateMaxPct, true
	}
	if ceiling.AnnualRateMaxPct.Sign() < 0 {
		return Ceiling{}, domain.Errorf(domain.KindRule, "negative-price", "按当日基准和加点计算的利率低于零，请产品管理员核对定价")
	}
	return ceiling, nil
}

func (p Price) bestRelief(industries []string) int {
	best := 0
	for _, r := range p.Reliefs {
		if slices.Contains(industries, r.Industry) {
			best = max(best, r.SpreadBPLess)
		}
	}
	return best
}

// AnnualRate prices an application: base plus spreadBP basis points, in percent a year, which must not pass the ceiling
// ("rate-above-ceiling") nor fall below zero ("negative-price").
func (c Ceiling) AnnualRate(spreadBP int) (money.Rate, error) {
	rate := c.BasePct.Add(money.BasisPoints(spreadBP))
	if rate.Cmp(c.AnnualRateMaxPct) > 0 {
		return money.Rate{}, domain.Errorf(domain.KindRule, "rate-above-ceiling",
			"年利率 %s%% 高于本产品当日上限 %s%%，加点最多 %d 个基点", rate, c.AnnualRateMaxPct, c.spreadLeft())
	}
	if rate.Sign() < 0 {
		return money.Rate{}, domain.Errorf(domain.KindRule, "negative-price", "年利率不能低于零，请减少减点")
	}
	return rate, nil
}

// spreadLeft is the largest whole number of basis points that passes: under an absolute cap it is less than SpreadBPMax.
func (c Ceiling) spreadLeft() int {
	room := c.AnnualRateMaxPct.Sub(c.BasePct).Decimal().Shift(2)
	return int(room.Floor().IntPart()) // down, because a fraction more would pass the ceiling
}
