package schedule

import (
	"fumin/domain"
	"fumin/domain/money"
)

// Terms are what a schedule is built from. It is a plain value: Validate says what is wrong with it, Build validates.
// The JSON names that Validate uses are those of POST /v1/quotes.
type Terms struct {
	Principal  money.Amount // 借款本金, PrincipalMin to PrincipalMax
	AnnualRate money.Rate   // 年利率, percent a year, 0 to AnnualRateMax
	Method     Method

	Periods     int         // 期数, 1 to PeriodsMax; 0 where DueDates or the harvests say it
	Frequency   Frequency   // the empty value is every month where DueDates or the harvests give the dates
	DisbursedOn domain.Date // 放款日
	FirstDueOn  domain.Date // optional: an odd first period (首期不规则)
	DueDates    []domain.Date

	DayCount    DayCount    // no default: a lender must have said which
	MonthEnd    MonthEnd    // empty: clamp
	BusinessDay BusinessDay // empty: none
	Calendar    Calendar    // used with BusinessDay only

	Rounding              money.Rounding // 0: half_up. Of each row's interest, of the level instalment, of each fee
	InstalmentMultiple    money.Amount   // zero: 0.01. The level instalment is a multiple of it
	GracePrincipalPeriods int            // 只还利息的期数, less than the number of rows
	GivenInstalment       money.Amount   // zero: computed. Only with equal_instalment

	Seasonal          []SeasonalInstalment // only with seasonal
	InterestAtHarvest bool                 // seasonal: interest is paid with the principal only, not every period

	Fees                 []Fee
	InterestSubsidyShare money.Rate // 贴息比例, percent of each row's interest that somebody else pays, 0 to 100
}

// SeasonalInstalment is principal due after one harvest: a share of the amount lent, or a sum. All of a plan's
// instalments are of the same kind.
type SeasonalInstalment struct {
	DueOn    domain.Date
	SharePct money.Rate   // percent of the principal; the shares sum to 100
	Amount   money.Amount // the amounts sum to the principal
}

// Fee is what the borrower pays beside interest; the guarantee fee (担保费) is one. Either Amount or RatePctAYear.
type Fee struct {
	Kind         string // lower-case name with underscores: guarantee_fee, appraisal_fee
	Amount       money.Amount
	RatePctAYear money.Rate // percent a year of the base
	On           FeeBase    // the base; only with RatePctAYear, empty: principal
	When         FeeTiming
}
