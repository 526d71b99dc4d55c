package schedule

import (
	"github.com/shopspring/decimal"

	"fumin/domain"
	"fumin/domain/money"
)

// Plan is a repayment plan (还款计划). The principal of its rows sums to the amount lent, no figure is negative, and
// the last row clears the balance.
type Plan struct {
	Rows            []Row
	LevelInstalment money.Amount // 每期还款额: of equal_instalment and flat_addon before any last difference; zero otherwise
	Charges         []Charge     // every fee, one by one, by date; those of a row are summed in Row.Fees
	FeesUpfront     money.Amount // the charges of the day of disbursement
	Totals          Totals
}

// Row is one due date (一期).
type Row struct {
	Number         int         // from 1
	DueOn          domain.Date // after any move to a working day
	Days           int         // actual days since the row before, or since disbursement
	YearFraction   Fraction
	OpeningBalance money.Amount
	Principal      money.Amount
	Interest       money.Amount // rounded once: balance x rate x year fraction
	Fees           money.Amount
	Total          money.Amount // principal + interest + fees
	Subsidy        money.Amount // the part of Interest that the subsidy pays (贴息)
	ClosingBalance money.Amount
}

// Charge is one fee falling due once.
type Charge struct {
	Fee    int // index in Terms.Fees
	Kind   string
	DueOn  domain.Date
	Row    int // the row it is paid with; 0 on the day of disbursement
	Amount money.Amount
}

// Totals are the sums of a plan. Fees and Total include what is paid on the day of disbursement.
type Totals struct {
	Principal, Interest, Fees, Subsidy, Total money.Amount
}

// Build validates the terms and makes the plan. Errors are domain.Errors that name the wrong fields, all of them.
func Build(t Terms) (Plan, error) {
	plan, _, err := build(t)
	return plan, err
}

func build(t Terms) (Plan, []period, error) {
	if err := t.Validate(); err != nil {
		return Plan{}, nil, err
	}
	t = t.withDefaults()
	periods, err := t.periods()
	if err != nil {
		return Plan{}, nil, err
	}

	c := newCalculation(t, periods)
	rows, tooSmall := c.rows(c.level())
	if tooSmall != nil {
		return Plan{}, nil, c.refuseTooSmall(*tooSmall)
	}
	plan := Plan{Rows: rows, LevelInstalment: c.shownLevel(rows)}
	plan.charge(t, periods)
	plan.sum()
	if plan.FeesUpfront.Cmp(t.Principal) >= 0 {
		return Plan{}, nil, invalid("/fees", "out-of-range", "放款时收取的费用合计 %s 元，应小于借款本金 %s 元", plan.FeesUpfront, t.Principal)
	}
	return plan, periods, nil
}

// calculation is what the rows of one plan have in common.
type calculation struct {
	terms      Terms
	periods    []period
	principals []money.Amount    // seasonal: the sum of each harvest
	scales     []decimal.Decimal // rate x numerator of each period's fraction; the divisor is 100 x its denominator
	share      money.Amount      // equal_principal: the principal of each row after the grace
}

// shortfall is a row whose interest the instalment does not cover.
type shortfall struct {
	row                  int
	instalment, interest money.Amount
}

func newCalculation(t Terms, periods []period) *calculation {
	c := &calculation{terms: t, periods: periods, scales: make([]decimal.Decimal, len(periods))}
	rate := t.AnnualRate.Decimal()
	for i, p := range periods {
		if i > 0 && p.fraction == periods[i-1].fraction {
			c.scales[i] = c.scales[i-1]
			continue
		}
		c.scales[i] = rate.Mul(decimal.NewFromInt(p.fraction.Numerator))
	}
	if t.Method == Seasonal {
		c.principals = harvestPrincipals(t)
	}
	if t.Method == EqualPrincipal {
		count := decimal.NewFromInt(int64(len(periods) - t.GracePrincipalPeriods))
		c.share = t.roundToMultiple(t.Principal.Decimal(), count)
	}
	return c
}

// harvestPrincipals turns shares into sums that add up to the principal, by largest remainder.
func harvestPrincipals(t Terms) []money.Amount {
	amounts := make([]money.Amount, len(t.Seasonal))
	shares := make([]decimal.Decimal, len(t.Seasonal))
	byShare := false
	for i, s := range t.Seasonal {
		amounts[i], shares[i] = s.Amount, s.SharePct.Decimal()
		byShare = byShare || !s.SharePct.IsZero()
	}
	if byShare {
		return t.Principal.Allocate(shares)
	}
	return amounts
}

// interest of row i on the given balance, exact until its one rounding to the fen in the lender's mode.
func (c *calculation) interest(i int, balance money.Amount) money.Amount {
	return c.terms.roundedInterest(balance, c.scales[i], c.periods[i].fraction.Denominator)
}

func (t Terms) roundedInterest(balance money.Amount, scale decimal.Decimal, denominator int64) money.Amount {
	if balance.IsZero() || scale.IsZero() {
		return money.Amount{}
	}
	return amount(roundQuotient(balance.Decimal().Mul(scale), decimal.NewFromInt(100*denominator), 2, t.Rounding))
}

// rows fills in the money, row by row. It stops at the first row whose interest the instalment does not cover.
func (c *calculation) rows(level money.Amount) ([]Row, *shortfall) {
	rows := make([]Row, len(c.periods))
	balance := c.terms.Principal
	for i := range rows {
		p := &c.periods[i]
		base := balance
		if c.terms.Method == FlatAddOn {
			base = c.terms.Principal // whatever has been repaid: that is what makes 等本等息 dear
		}
		interest := c.interest(i, base)
		principal, instalment := c.principal(i, balance, interest, level)
		if principal.Sign() < 0 {
			return nil, &shortfall{row: i + 1, instalment: instalment, interest: interest}
		}
		closing := balance.Sub(principal)
		rows[i] = Row{
			Number: i + 1, DueOn: p.due.to, Days: p.due.days(), YearFraction: p.fraction,
			OpeningBalance: balance, Principal: principal, Interest: interest, ClosingBalance: closing,
			Subsidy: interest.Times(c.terms.InterestSubsidyShare, c.terms.Rounding), // a share of a payment is paid in fen
		}
		balance = closing
	}
	return rows, nil
}

// principal of row i, and the instalment it is the rest of. The last row clears the balance and so carries the
// rounding of all others; no row repays more than there is.
func (c *calculation) principal(i int, balance, interest, level money.Amount) (principal, instalment money.Amount) {
	if i == len(c.periods)-1 {
		return balance, balance.Add(interest)
	}
	if i < c.terms.GracePrincipalPeriods {
		return money.Amount{}, interest
	}
	switch c.terms.Method {
	case EqualInstalment:
		principal, instalment = level.Sub(interest), level
	case FlatAddOn:
		count := decimal.NewFromInt(int64(len(c.periods) - c.terms.GracePrincipalPeriods))
		instalment = c.terms.roundToMultiple(c.terms.Principal.Decimal().Add(interest.Decimal().Mul(count)), count)
		principal = instalment.Sub(interest)
	case EqualPrincipal:
		principal = c.share
	case Seasonal:
		if harvest := c.periods[i].harvest; harvest >= 0 {
			principal = c.principals[harvest]
		}
	case InterestOnlyBullet, LumpSum:
	}
	if principal.Cmp(balance) > 0 {
		principal = balance
	}
	return principal, instalment
}

// shownLevel is the instalment a borrower is told: that of the first row that repays principal, where rows are level.
func (c *calculation) shownLevel(rows []Row) money.Amount {
	switch c.terms.Method {
	case EqualInstalment:
		return c.level()
	case FlatAddOn:
		row := rows[min(c.terms.GracePrincipalPeriods, len(rows)-1)]
		return row.Principal.Add(row.Interest)
	case EqualPrincipal, InterestOnlyBullet, LumpSum, Seasonal:
	}
	return money.Amount{}
}

// sum adds the rows up.
func (p *Plan) sum() {
	for i := range p.Rows {
		row := &p.Rows[i]
		row.Total = row.Principal.Add(row.Interest).Add(row.Fees)
		p.Totals.Principal = p.Totals.Principal.Add(row.Principal)
		p.Totals.Interest = p.Totals.Interest.Add(row.Interest)
		p.Totals.Subsidy = p.Totals.Subsidy.Add(row.Subsidy)
	}
	for _, charge := range p.Charges {
		p.Totals.Fees = p.Totals.Fees.Add(charge.Amount)
	}
	p.Totals.Total = p.Totals.Principal.Add(p.Totals.Interest).Add(p.Totals.Fees)
}

// roundToMultiple brings an exact quotient to a multiple of InstalmentMultiple, in the lender's mode.
func (t Terms) roundToMultiple(numerator, denominator decimal.Decimal) money.Amount {
	multiple := t.InstalmentMultiple.Decimal()
	count := roundQuotient(numerator, denominator.Mul(multiple), 0, t.Rounding)
	return amount(count.Mul(multiple))
}

// roundQuotient rounds numerator/denominator once, from the exact quotient: a half is a half, never the dust of a
// division cut short. Both are positive or the numerator is zero.
func roundQuotient(numerator, denominator decimal.Decimal, places int32, mode money.Rounding) decimal.Decimal {
	quotient, remainder := numerator.QuoRem(denominator, places)
	twice := remainder.Add(remainder)
	switch unit := denominator.Shift(-places); twice.Cmp(unit) {
	case 1:
		return quotient.Add(decimal.New(1, -places))
	case 0: // exactly half: hand the mode the tie
		return mode.Round(quotient.Add(decimal.New(5, -places-1)), places)
	}
	return quotient
}

// amount wraps a decimal that is a whole number of fen by construction.
func amount(d decimal.Decimal) money.Amount {
	a, err := money.AmountFromDecimal(d)
	if err != nil {
		panic("schedule: a figure with a third decimal: " + d.String()) // a mistake in this package, never input
	}
	return a
}
