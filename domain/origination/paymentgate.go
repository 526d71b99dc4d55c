package origination

import (
	"context"
	"time"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
)

// paymentStep is when the gate is asked: at the request of a payment and again at its release, because what held at the one
// may have lapsed by the other.
type paymentStep string

const (
	paymentRequested paymentStep = "request"
	paymentReleased  paymentStep = "release"
	paymentRenewed   paymentStep = "renewal" // no money moves, and all of it is owed anew
)

// deed names the step to people.
func (s paymentStep) deed() string {
	if s == paymentRenewed {
		return "签订续贷合同"
	}
	return "放款"
}

// payment is what the gate looks at: a case whose application this transaction holds locked.
type payment struct {
	Step        paymentStep
	AskedBy     domain.Role // who hears the answer: a borrower is not told why his money is held
	At          time.Time
	Application loan.Record
	Contract    loan.Contract
	// Disbursement is what is to be paid.
	Disbursement loan.DisbursementRecord
}

// paymentCheck is one condition of paying (放款条件). It only reads, and says no with an error for the user: which condition
// is not met, and what to do.
type paymentCheck struct {
	Name  string
	Check func(ctx context.Context, r Reader, p payment) error
}

// paymentChecks is every condition, in the order in which people hear of them. A new one is a line here.
var paymentChecks = []paymentCheck{
	{"no-hold", checkNoHold},            // 冻结/静置
	{"line-live", checkLineLive},        // 额度有效
	{"conditions-met", checkConditions}, // 放款计划与条件
	{"cooling-off", checkCoolingOff},
	{"guarantee-letter", checkGuaranteeLetter},
	{"papers-in", checkPapers}, // 容缺资料
}

// mayPay asks every condition, at the request and again at the release of a payment, and returns the first that is not met.
func mayPay(ctx context.Context, r Reader, p payment) error {
	for _, c := range paymentChecks {
		if err := c.Check(ctx, r, p); err != nil {
			return err
		}
	}
	return nil
}

// mayTakeOver asks the conditions that hold for debt as well as for money, where a renewal is signed (无还本续贷): nobody has put a
// hold on either case, and from the product's threshold the new letter is live. There is no plan of payments yet, the line is asked
// where it takes over, and no payment is there to cool off from.
func mayTakeOver(ctx context.Context, tx Tx, old loan.Record, p payment) error {
	before := p
	before.Application = old
	for _, holder := range []payment{before, p} {
		if err := checkNoHold(ctx, tx, holder); err != nil {
			return err
		}
	}
	return checkGuaranteeLetter(ctx, tx, p)
}

// checkLineLive refuses a release when the line was held or has ended since the payment was requested; at the request the
// line is asked where the amount is reserved.
func checkLineLive(ctx context.Context, r Reader, p payment) error {
	if p.Step != paymentReleased {
		return nil
	}
	line, err := r.Line(ctx, domain.Scope{Everything: true}, p.Application.ID)
	if err != nil {
		return err
	}
	live, err := loan.RestoreLine(line)
	if err != nil {
		return err
	}
	return live.MayDraw(domain.DateOf(p.At), money.Amount{}) // the amount itself is reserved already
}
