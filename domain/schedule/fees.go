package schedule

import (
	"math/big"

	"fumin/domain"
)

// charge is a Charge in the making.
type charge struct {
	fee, row int
	sum      fen
}

// charge works out every fee once it is known what is owed when, and adds it to its row.
func (c *calculation) charge() {
	for i, fee := range c.terms.Fees {
		switch fee.When {
		case Upfront:
			c.addCharge(i, 0, c.upfrontFee(fee))
		case EachPeriod:
			for k := range c.rows {
				c.addCharge(i, k+1, c.periodFee(fee, k))
			}
		case Yearly:
			c.chargeYearly(i)
		}
	}
}

func (c *calculation) addCharge(fee, row int, sum fen) {
	if sum == 0 {
		return
	}
	if row > 0 {
		c.rows[row-1].fees += sum
	} else {
		c.upfront += sum
	}
	c.charges = append(c.charges, charge{fee: fee, row: row, sum: sum})
}

// feeOf is base x rate x years, rounded once to the fen in the lender's mode; a fixed fee is what it is.
func (c *calculation) feeOf(fee Fee, base fen, years Fraction) fen {
	if fee.RatePctAYear.IsZero() {
		return fenOf(fee.Amount)
	}
	return share(base, microPercent(fee.RatePctAYear), years, c.terms.Rounding)
}

// upfrontFee pays for the whole term at once: the years of the term on the principal, or each row's own time on the
// balance that the plan foresees for it.
func (c *calculation) upfrontFee(fee Fee) fen {
	if fee.On != OnBalance || fee.RatePctAYear.IsZero() {
		return c.feeOf(fee, c.principal, yearsBetween(c.terms.DisbursedOn, c.maturity()))
	}
	exact, row := new(big.Rat), new(big.Rat)
	for i, figures := range c.rows {
		f := c.periods[i].fraction
		row.SetFrac(big.NewInt(f.Numerator), big.NewInt(f.Denominator))
		exact.Add(exact, row.Mul(row, new(big.Rat).SetInt64(int64(figures.opening))))
	}
	exact.Mul(exact, big.NewRat(microPercent(fee.RatePctAYear), microPercentOne))
	return fen(bigQuotient(exact.Num(), exact.Denom(), c.terms.Rounding).Int64())
}

// maturity is the planned end of the term (到期日), before any move to a working day.
func (c *calculation) maturity() domain.Date { return c.periods[len(c.periods)-1].planned.to }

// periodFee accrues as the interest does, on the row's own year fraction.
func (c *calculation) periodFee(fee Fee, k int) fen {
	base := c.principal
	if fee.On == OnBalance {
		base = c.rows[k].opening
	}
	return c.feeOf(fee, base, c.periods[k].fraction)
}

// chargeYearly charges each loan year in advance: the first at disbursement, each further one with the first row on
// or after the anniversary, if the loan still runs then. A year that the term does not fill is charged by its months
// and days; a fixed sum is charged whole.
func (c *calculation) chargeYearly(index int) {
	fee, end := c.terms.Fees[index], c.maturity()
	c.addCharge(index, 0, c.yearlyFee(fee, c.principal, c.terms.DisbursedOn))
	row := 0
	for year := 1; year <= TermYearsMax; year++ {
		begin := c.terms.DisbursedOn.AddMonths(12 * year)
		if !begin.Before(end) {
			return
		}
		for c.periods[row].planned.to.Before(begin) {
			row++
		}
		balance := c.rows[row].opening
		if c.periods[row].planned.to == begin {
			balance -= c.rows[row].principal
		}
		c.addCharge(index, row+1, c.yearlyFee(fee, balance, begin))
	}
}

func (c *calculation) yearlyFee(fee Fee, balance fen, begin domain.Date) fen {
	base := c.principal
	if fee.On == OnBalance {
		base = balance
	}
	end := c.maturity()
	if next := begin.AddMonths(12); next.Before(end) {
		end = next
	}
	return c.feeOf(fee, base, yearsBetween(begin, end))
}

// yearsBetween counts whole months as twelfths and the days left over as 360ths, whatever the day count of the
// interest: a guarantee fee of 0.5 % a year on 100,000.00 is 500.00 for a year, not 506.94.
func yearsBetween(from, to domain.Date) Fraction {
	months, days := monthsAndDays(from, to)
	return newFraction(int64(months)*30+int64(days), 360)
}

func (c *calculation) shownCharges() []Charge {
	shown := make([]Charge, len(c.charges))
	for i, charge := range c.charges {
		due := c.terms.DisbursedOn
		if charge.row > 0 {
			due = c.periods[charge.row-1].due.to
		}
		shown[i] = Charge{
			Fee: charge.fee, Kind: c.terms.Fees[charge.fee].Kind, DueOn: due, Row: charge.row, Amount: charge.sum.amount(),
		}
	}
	return shown
}
