package schedule

import (
	"fumin/domain"
	"fumin/domain/money"
)

// Plan is a repayment plan (还款计划). The principal of its rows sums to the amount lent, no figure is negative, and
// the last row clears the balance.
type Plan struct {
	Rows            []Row
	LevelInstalment money.Amount // 每期还款额: of equal_instalment and flat_addon before any last difference; zero otherwise
	Charges         []Charge     // every fee, one by one, by fee and then by date; those of a row are summed in Row.Fees
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
	c, err := calculate(t)
	if err != nil {
		return Plan{}, err
	}
	return c.plan(), nil
}

// calculation is a plan in the making, in fen.
type calculation struct {
	terms     Terms
	principal fen
	multiple  fen   // the grain of the level instalment
	rate      int64 // in millionths of a percent
	subsidy   int64 // likewise
	periods   []period
	harvests  []fen // seasonal: the principal of each harvest
	level     fen   // equal_instalment: the instalment, given or computed
	share     fen   // equal_principal: the principal of each row after the grace
	rows      []figures
	charges   []charge
	upfront   fen // fees on the day of disbursement
}

// figures is the money of one row.
type figures struct {
	opening, principal, interest, fees, subsidy fen
}

func (f figures) total() fen { return f.principal + f.interest + f.fees }

// shortfall is a row whose interest the instalment does not cover.
type shortfall struct {
	row                  int
	instalment, interest fen
}

// calculate does all of a plan's arithmetic.
func calculate(t Terms) (*calculation, error) {
	if err := t.Validate(); err != nil {
		return nil, err
	}
	t = t.withDefaults()
	periods, err := t.periods()
	if err != nil {
		return nil, err
	}
	c := &calculation{
		terms: t, principal: fenOf(t.Principal), multiple: fenOf(t.InstalmentMultiple), periods: periods,
		rate: microPercent(t.AnnualRate), subsidy: microPercent(t.InterestSubsidyShare),
		rows: make([]figures, len(periods)),
	}
	switch t.Method {
	case EqualInstalment:
		c.level = c.levelInstalment()
	case EqualPrincipal:
		c.share = c.toMultiple(int64(c.principal), int64(len(periods)-t.GracePrincipalPeriods))
	case Seasonal:
		c.harvests = harvestPrincipals(t)
	case InterestOnlyBullet, LumpSum, FlatAddOn:
	}
	if tooSmall := c.repay(c.level); tooSmall != nil {
		return nil, c.refuseTooSmall(*tooSmall)
	}
	c.charge()
	if c.upfront >= c.principal {
		return nil, invalid("/fees", "out-of-range", "放款时收取的费用合计 %s 元，应小于借款本金 %s 元", c.upfront.amount(), t.Principal)
	}
	return c, nil
}

// harvestPrincipals turns shares into sums that add up to the principal, by largest remainder.
func harvestPrincipals(t Terms) []fen {
	amounts := make([]money.Amount, len(t.Seasonal))
	for i, s := range t.Seasonal {
		amounts[i] = s.Amount
	}
	if !t.Seasonal[0].SharePct.IsZero() {
		amounts = t.Principal.Allocate(sharesOf(t.Seasonal))
	}
	principals := make([]fen, len(amounts))
	for i := range amounts {
		principals[i] = fenOf(amounts[i])
	}
	return principals
}

// interest of row i on the given balance, exact until its one rounding to the fen in the lender's mode.
func (c *calculation) interest(i int, balance fen) fen {
	return share(balance, c.rate, c.periods[i].fraction, c.terms.Rounding)
}

// repay fills in the money, row by row. It stops at the first row whose interest the instalment does not cover.
func (c *calculation) repay(level fen) *shortfall {
	balance := c.principal
	for i := range c.rows {
		base := balance
		if c.terms.Method == FlatAddOn {
			base = c.principal // whatever has been repaid: that is what makes 等本等息 dear
		}
		interest := c.interest(i, base)
		principal, instalment := c.principalOf(i, balance, interest, level)
		if principal < 0 {
			return &shortfall{row: i + 1, instalment: instalment, interest: interest}
		}
		c.rows[i] = figures{opening: balance, principal: principal, interest: interest}
		if c.subsidy > 0 { // a share of a payment is itself paid in fen
			c.rows[i].subsidy = share(interest, c.subsidy, Fraction{Numerator: 1, Denominator: 1}, c.terms.Rounding)
		}
		balance -= principal
	}
	return nil
}

// principalOf returns the principal of row i, and the instalment it is the rest of. The last row clears the balance
// and so carries the rounding of all others; no row repays more than there is.
func (c *calculation) principalOf(i int, balance, interest, level fen) (principal, instalment fen) {
	if i == len(c.periods)-1 {
		return balance, balance + interest
	}
	if i < c.terms.GracePrincipalPeriods {
		return 0, interest
	}
	switch c.terms.Method {
	case EqualInstalment:
		principal, instalment = level-interest, level
	case FlatAddOn:
		count := int64(len(c.periods) - c.terms.GracePrincipalPeriods)
		instalment = c.toMultiple(int64(c.principal)+int64(interest)*count, count)
		principal = instalment - interest
	case EqualPrincipal:
		principal = c.share
	case Seasonal:
		if harvest := c.periods[i].harvest; harvest >= 0 {
			principal = c.harvests[harvest]
		}
	case InterestOnlyBullet, LumpSum:
	}
	return min(principal, balance), instalment
}

// toMultiple brings numerator/denominator fen to a multiple of InstalmentMultiple, in the lender's mode.
func (c *calculation) toMultiple(numerator, denominator int64) fen {
	return fen(quotient(numerator, denominator*int64(c.multiple), c.terms.Rounding)) * c.multiple
}

// shownLevel is the instalment a borrower is told: that of the first row that repays principal, where rows are level.
func (c *calculation) shownLevel() fen {
	switch c.terms.Method {
	case EqualInstalment:
		return c.level
	case FlatAddOn:
		row := c.rows[min(c.terms.GracePrincipalPeriods, len(c.rows)-1)]
		return row.principal + row.interest
	case EqualPrincipal, InterestOnlyBullet, LumpSum, Seasonal:
	}
	return 0
}

// plan puts the figures into the values that others see.
func (c *calculation) plan() Plan {
	plan := Plan{
		Rows: make([]Row, len(c.rows)), LevelInstalment: c.shownLevel().amount(), FeesUpfront: c.upfront.amount(),
		Charges: c.shownCharges(),
	}
	var sum figures
	balance := c.terms.Principal
	for i, f := range c.rows {
		p := &c.periods[i]
		closing := (f.opening - f.principal).amount()
		plan.Rows[i] = Row{
			Number: i + 1, DueOn: p.due.to, Days: p.due.days(), YearFraction: p.fraction,
			OpeningBalance: balance, Principal: f.principal.amount(), Interest: f.interest.amount(),
			Fees: f.fees.amount(), Total: f.total().amount(), Subsidy: f.subsidy.amount(), ClosingBalance: closing,
		}
		balance = closing
		sum.principal += f.principal
		sum.interest += f.interest
		sum.fees += f.fees
		sum.subsidy += f.subsidy
	}
	sum.fees += c.upfront
	plan.Totals = Totals{
		Principal: sum.principal.amount(), Interest: sum.interest.amount(), Fees: sum.fees.amount(),
		Subsidy: sum.subsidy.amount(), Total: sum.total().amount(),
	}
	return plan
}
