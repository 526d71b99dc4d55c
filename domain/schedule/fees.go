package schedule

import (
	"fumin/domain"
	"fumin/domain/money"

	"github.com/shopspring/decimal"
)

// charge works out every fee once it is known what is owed when, and adds it to its row.
func (p *Plan) charge(t Terms, periods []period) {
	for i, fee := range t.Fees {
		switch fee.When {
		case Upfront:
			p.addCharge(t, i, 0, p.upfrontFee(t, fee, periods))
		case EachPeriod:
			for k := range p.Rows {
				p.addCharge(t, i, k+1, p.periodFee(t, fee, k))
			}
		case Yearly:
			p.chargeYearly(t, i, periods)
		}
	}
}

func (p *Plan) addCharge(t Terms, fee, row int, sum money.Amount) {
	if sum.IsZero() {
		return
	}
	due := t.DisbursedOn
	if row > 0 {
		due = p.Rows[row-1].DueOn
		p.Rows[row-1].Fees = p.Rows[row-1].Fees.Add(sum)
	} else {
		p.FeesUpfront = p.FeesUpfront.Add(sum)
	}
	p.Charges = append(p.Charges, Charge{Fee: fee, Kind: t.Fees[fee].Kind, DueOn: due, Row: row, Amount: sum})
}

// upfrontFee pays for the whole term at once: the years of the term on the principal, or each row's own time on the
// balance that the plan foresees for it.
func (p *Plan) upfrontFee(t Terms, fee Fee, periods []period) money.Amount {
	if fee.RatePctAYear.IsZero() {
		return fee.Amount
	}
	if fee.On != OnBalance {
		return t.feeOf(t.Principal, fee.RatePctAYear, yearsBetween(t.DisbursedOn, periods[len(periods)-1].planned.to))
	}
	exact := decimal.Zero
	for i := range p.Rows {
		f := p.Rows[i].YearFraction
		exact = exact.Add(p.Rows[i].OpeningBalance.Decimal().Mul(decimal.NewFromInt(f.Numerator)).
			DivRound(decimal.NewFromInt(f.Denominator), levelPlaces))
	}
	return amount(roundQuotient(exact.Mul(fee.RatePctAYear.Decimal()), decimal.NewFromInt(100), 2, t.Rounding))
}

// periodFee accrues as the interest does, on the row's own year fraction.
func (p *Plan) periodFee(t Terms, fee Fee, k int) money.Amount {
	if fee.RatePctAYear.IsZero() {
		return fee.Amount
	}
	base := t.Principal
	if fee.On == OnBalance {
		base = p.Rows[k].OpeningBalance
	}
	return t.feeOf(base, fee.RatePctAYear, p.Rows[k].YearFraction)
}

// chargeYearly charges each loan year in advance: the first at disbursement, each further one with the first row on
// or after the anniversary, if the loan still runs then. A year that the term does not fill is charged by its months
// and days; a fixed sum is charged whole.
func (p *Plan) chargeYearly(t Terms, index int, periods []period) {
	fee, end, row := t.Fees[index], periods[len(periods)-1].planned.to, 0
	for year := 0; year <= TermYearsMax; year++ {
		begin := t.DisbursedOn.AddMonths(12 * year)
		if !begin.Before(end) {
			return
		}
		balance := t.Principal
		if year > 0 {
			for periods[row].planned.to.Before(begin) {
				row++
			}
			balance = p.Rows[row].OpeningBalance
			if periods[row].planned.to == begin {
				balance = p.Rows[row].ClosingBalance
			}
		}
		number := 0
		if year > 0 {
			number = row + 1
		}
		p.addCharge(t, index, number, t.yearlyFee(fee, balance, begin, end))
	}
}

func (t Terms) yearlyFee(fee Fee, balance money.Amount, begin, end domain.Date) money.Amount {
	if fee.RatePctAYear.IsZero() {
		return fee.Amount
	}
	base := t.Principal
	if fee.On == OnBalance {
		base = balance
	}
	years := newFraction(1, 1)
	if next := begin.AddMonths(12); end.Before(next) {
		years = yearsBetween(begin, end)
	}
	return t.feeOf(base, fee.RatePctAYear, years)
}

// feeOf is base x rate x years, rounded once to the fen in the lender's mode.
func (t Terms) feeOf(base money.Amount, rate money.Rate, years Fraction) money.Amount {
	return t.roundedInterest(base, rate.Decimal().Mul(decimal.NewFromInt(years.Numerator)), years.Denominator)
}

// yearsBetween counts whole months as twelfths and the days left over as 360ths, whatever the day count of the
// interest: a guarantee fee of 0.5 % a year on 100,000.00 is 500.00 for a year, not 506.94.
func yearsBetween(from, to domain.Date) Fraction {
	months, days := monthsAndDays(from, to)
	return newFraction(int64(months)*30+int64(days), 360)
}
