package loan

import (
	"fumin/domain"
	"fumin/domain/money"
)

// Instalment is one row of the plan that was signed (还款计划中的一期): amounts to the fen, as in domain/schedule.
type Instalment struct {
	Number         int
	DueOn          domain.Date
	Days           int // in the period that ends on DueOn
	OpeningBalance money.Amount
	Principal      money.Amount
	Interest       money.Amount
	Fees           money.Amount
	Total          money.Amount
	ClosingBalance money.Amount
}
