package schedule

import (
	"errors"

	"fumin/domain"
	"fumin/domain/money"
)

// YearlyCost is what a loan costs a year (综合年化成本), four figures that must not be confused. docs/quotes.md shows
// with one loan why they differ.
type YearlyCost struct {
	Nominal                  money.Rate // 名义年利率: what the contract says, without fees
	APREffective             Percent    // all money paid equals, on the day it is paid, all money received; compounded, actual days/365
	APREffectiveAfterSubsidy Percent    // the same with the subsidised interest left out (贴息后)
	APRNominal               Percent    // 精算法名义年化: the rate of one period x periods a year, not compounded
}

// Quotation is a plan with its yearly cost (试算结果).
type Quotation struct {
	Plan Plan
	Cost YearlyCost
}

// Quote validates the terms, builds the plan and works out what it costs a year. It answers POST /v1/quotes.
func Quote(t Terms) (Quotation, error) {
	c, err := calculate(t)
	if err != nil {
		return Quotation{}, err
	}
	cost, err := c.yearlyCost()
	if err != nil {
		return Quotation{}, err
	}
	return Quotation{Plan: c.plan(), Cost: cost}, nil
}

func (c *calculation) yearlyCost() (YearlyCost, error) {
	cost := YearlyCost{Nominal: c.terms.AnnualRate}
	var err error
	if cost.APREffective, err = c.effectiveEquation(false).solve(); err != nil {
		return YearlyCost{}, c.costRefused(err)
	}
	cost.APREffectiveAfterSubsidy = cost.APREffective
	if c.subsidy > 0 {
		if cost.APREffectiveAfterSubsidy, err = c.effectiveEquation(true).solve(); err != nil {
			return YearlyCost{}, c.costRefused(err)
		}
	}
	if cost.APRNominal, err = c.nominalEquation().solve(); err != nil {
		return YearlyCost{}, c.costRefused(err)
	}
	return cost, nil
}

// costRefused turns the refusal of an equation into one of the quote. The only cause a loan has is cost beyond all
// measure: fees near the amount lent, or a rate that no lender charges.
func (c *calculation) costRefused(err error) error {
	value, ok := errors.AsType[*domain.ValueError](err)
	if !ok {
		return err
	}
	pointer := "/annual_rate_pct"
	if len(c.charges) > 0 {
		pointer = "/fees"
	}
	return invalid(pointer, "yearly-cost-out-of-range", "综合年化成本超出可计算范围（%s）；请核对利率与费用", value.Detail)
}

var compoundedDaily = conversion{compounded: true, periods: Fraction{Numerator: 365, Denominator: 1}}

// effectiveEquation has days as units: time in actual days/365.
func (c *calculation) effectiveEquation(afterSubsidy bool) equation {
	flows := make([]cash, 0, len(c.rows)+1)
	flows = append(flows, cash{fen: c.principal - c.upfront, at: units(0)})
	for i, row := range c.rows {
		paid := row.total()
		if afterSubsidy {
			paid -= row.subsidy
		}
		flows = append(flows, cash{fen: -paid, at: units(c.terms.DisbursedOn.DaysUntil(c.periods[i].due.to))})
	}
	return newEquation(flows, compoundedDaily)
}

// nominalEquation has the loan's period as its unit. Moves to a working day are disregarded, as Regulation Z,
// 1026.17(c)(3), allows: the due dates as planned count.
func (c *calculation) nominalEquation() equation {
	flows := make([]cash, 0, len(c.rows)+1)
	flows = append(flows, cash{fen: c.principal - c.upfront, at: units(0)})
	for i, row := range c.rows {
		flows = append(flows, cash{fen: -row.total(), at: c.periods[i].elapsed})
	}
	rate := conversion{periods: c.terms.Frequency.periodsAYear()}
	if len(c.rows) == 1 {
		flows[1].at, rate = singlePayment(span{c.terms.DisbursedOn, c.maturity()})
	}
	return newEquation(flows, rate)
}

// singlePayment is the unit-period of one advance and one payment: the term itself, but a year where the term is
// longer (Regulation Z, Appendix J (b)(4)(ii) and (5)(vi), (vii)).
func singlePayment(term span) (unitCount, conversion) {
	months, days := monthsAndDays(term.from, term.to)
	switch {
	case months >= 12:
		return unitPeriods(term.from, term.to, Frequency{Unit: Year, Every: 1}), conversion{periods: newFraction(1, 1)}
	case days == 0:
		return units(1), conversion{periods: newFraction(12, int64(months))}
	}
	return units(1), conversion{periods: newFraction(365, int64(term.days()))}
}

func units(n int) unitCount { return unitCount{whole: n, rest: Fraction{Numerator: 0, Denominator: 1}} }
