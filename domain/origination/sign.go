package origination

import (
	"context"
	"time"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/product"
	"fumin/domain/schedule"
)

// SignApplication records a signed contract (登记已签合同).
type SignApplication struct {
	ID         domain.ID
	ContractNo string
	SignedOn   domain.Date
}

// Sign freezes what was signed: the approved amount and term, the rate of the signing day's LPR, the plan, the yearly cost,
// and the borrower's own verified account as payee.
func (s *Applications) Sign(ctx context.Context, by domain.Actor, cmd SignApplication) (loan.Record, error) {
	return s.change(ctx, by, cmd.ID, func(app *loan.Application, now time.Time, tx Tx) (loan.Event, error) {
		rec := app.Record()
		if err := app.MaySign(by, now, cmd.SignedOn); err != nil {
			return loan.Event{}, err
		}
		if err := s.stillValid(rec, now); err != nil {
			return loan.Event{}, err
		}
		offer, err := makeOffer(ctx, tx, rec, cmd.SignedOn)
		if err != nil {
			return loan.Event{}, err
		}
		account, err := payee(ctx, tx, rec.BorrowerID)
		if err != nil {
			return loan.Event{}, err
		}

		contract := loan.Contract{
			ApplicationID: rec.ID, BranchID: rec.BranchID, BorrowerID: rec.BorrowerID,
			ContractNo: cmd.ContractNo, SignedOn: cmd.SignedOn,
			Amount: offer.Amount, TermMonths: offer.TermMonths, RepaymentMethod: offer.RepaymentMethod,
			AnnualRate: offer.AnnualRate, ReferenceRatePct: offer.ReferenceRatePct, ReferencePublished: offer.ReferencePublished,
			APREffectivePct: offer.APREffectivePct, InterestTotal: offer.InterestTotal,
			FeesTotal: offer.FeesTotal, FeesUpfront: offer.FeesUpfront,
			Payee: account, RecordedBy: by.ID, RecordedAt: now,
		}
		event, err := app.Sign(by, now, contract)
		if err != nil {
			return loan.Event{}, err
		}
		if err := tx.InsertContract(ctx, contract, offer.Instalments); err != nil {
			return loan.Event{}, err
		}
		return event, openLine(ctx, tx, by, now, s.newID(), rec.ProductCode, contract)
	})
}

// Offer is what a borrower sees before signing, and what was signed after it (还款计划与综合年化成本).
type Offer struct {
	Signed             bool // true: these are the contract's figures; false: what it would be if signed on StartsOn
	StartsOn           domain.Date
	Amount             money.Amount
	TermMonths         int
	RepaymentMethod    schedule.Method
	AnnualRate         money.Rate // percent a year, nominal
	ReferenceRatePct   money.Rate // LPR in force on StartsOn
	ReferencePublished domain.Date
	APREffectivePct    string // 综合年化成本, percent, with every fee
	InterestTotal      money.Amount
	FeesTotal          money.Amount // every fee of the whole term; the guarantee company's at most the product's ceiling
	FeesUpfront        money.Amount // of these, what is paid on the day of disbursement
	Instalments        []loan.Instalment
}

// Plan returns the plan and yearly cost of an application: as signed, or as it would be if signed today.
func (s *Applications) Plan(ctx context.Context, by domain.Actor, id domain.ID) (Offer, error) {
	rec, err := s.store.Application(ctx, by.Scope(), id)
	if err != nil {
		return Offer{}, err
	}
	switch rec.Status {
	case loan.StatusSigned, loan.StatusDisbursed, loan.StatusClosed:
		return s.signedPlan(ctx, by, rec)
	case loan.StatusApproved:
		return makeOffer(ctx, s.store, rec, domain.DateOf(s.now()))
	case loan.StatusDraft, loan.StatusReviewing, loan.StatusReturned, loan.StatusDeclined, loan.StatusWithdrawn:
	}
	return Offer{}, domain.Errorf(domain.KindConflict, "wrong-status", "申请目前处于「%s」，批准后才有还款计划；试算请用 /v1/quotes", rec.Status.Label())
}

func (s *Applications) signedPlan(ctx context.Context, by domain.Actor, rec loan.Record) (Offer, error) {
	c, err := s.store.Contract(ctx, by.Scope(), rec.ID)
	if err != nil {
		return Offer{}, err
	}
	instalments, err := s.store.Instalments(ctx, by.Scope(), rec.ID)
	if err != nil {
		return Offer{}, err
	}
	return Offer{
		Signed: true, StartsOn: c.SignedOn, Amount: c.Amount, TermMonths: c.TermMonths, RepaymentMethod: c.RepaymentMethod,
		AnnualRate: c.AnnualRate, ReferenceRatePct: c.ReferenceRatePct, ReferencePublished: c.ReferencePublished,
		APREffectivePct: c.APREffectivePct, InterestTotal: c.InterestTotal, FeesTotal: c.FeesTotal, FeesUpfront: c.FeesUpfront,
		Instalments: instalments,
	}, nil
}

// Contract returns what was signed.
func (s *Applications) Contract(ctx context.Context, by domain.Actor, id domain.ID) (loan.Contract, error) {
	if _, err := s.store.Application(ctx, by.Scope(), id); err != nil {
		return loan.Contract{}, err
	}
	return s.store.Contract(ctx, by.Scope(), id)
}

// aprPlaces is how the yearly cost stands in an offer and a contract: four decimals of a percent, 四舍五入, as people can
// read it. /v1/quotes has all verified places.
const aprPlaces = 4

// makeOffer builds the plan of an approved application that starts on the day, at the price of that day.
func makeOffer(ctx context.Context, r Reader, rec loan.Record, on domain.Date) (Offer, error) {
	version, ceiling, err := priceOn(ctx, r, rec, on)
	if err != nil {
		return Offer{}, err
	}
	tier, err := version.GuaranteeFor(rec.Approval.Amount)
	if err != nil {
		return Offer{}, err
	}
	terms := contractTerms(*rec.Approval, rec.Request.RepaymentMethod, ceiling, tier, on)
	quotation, err := schedule.Quote(terms)
	if err != nil {
		return Offer{}, err
	}
	offer := Offer{
		StartsOn: on, Amount: terms.Principal, TermMonths: rec.Approval.TermMonths, RepaymentMethod: terms.Method,
		AnnualRate: terms.AnnualRate, ReferenceRatePct: ceiling.BasePct, ReferencePublished: ceiling.PublishedOn,
		APREffectivePct: quotation.Cost.APREffective.Shown(aprPlaces, money.HalfUp), InterestTotal: quotation.Plan.Totals.Interest,
		FeesTotal: quotation.Plan.Totals.Fees, FeesUpfront: quotation.Plan.FeesUpfront,
		Instalments: make([]loan.Instalment, len(quotation.Plan.Rows)),
	}
	for i, row := range quotation.Plan.Rows {
		offer.Instalments[i] = loan.Instalment{
			Number: row.Number, DueOn: row.DueOn, Days: row.Days, OpeningBalance: row.OpeningBalance, Principal: row.Principal,
			Interest: row.Interest, Fees: row.Fees, Total: row.Total, ClosingBalance: row.ClosingBalance,
		}
	}
	return offer, nil
}

// contractTerms are the conventions of our contracts: monthly due dates counted from the day of signing, clamped to the
// month's end; the month is a twelfth of the year where instalments are level, and interest runs by actual days over
// 360 where only interest is due or everything at the end. 日利率 = 年利率 ÷ 360, 月利率 = 年利率 ÷ 12
// (中国人民银行关于人民币贷款利率有关问题的通知, 银发〔2003〕251 号): configure to your compliance office's reading.
func contractTerms(a loan.Approval, method schedule.Method, price product.Ceiling, tier product.GuaranteeTier, on domain.Date) schedule.Terms {
	t := schedule.Terms{
		Principal: a.Amount, AnnualRate: price.AnnualRateMaxPct, Method: method,
		Periods: a.TermMonths, Frequency: schedule.Frequency{Unit: schedule.Month, Every: 1},
		DisbursedOn: on, Rounding: money.HalfUp, // 四舍五入到分: what every bank's statement in China does
	}
	// The guarantee company's fee (担保费) is part of what the loan costs. Until the company has answered, its ceiling counts:
	// nobody pays more than was shown.
	if !tier.FeeMaxPct.IsZero() {
		t.Fees = []schedule.Fee{{Kind: "guarantee_fee", RatePctAYear: tier.FeeMaxPct, On: schedule.OnPrincipal, When: schedule.Yearly}}
	}
	switch method {
	case schedule.InterestOnlyBullet, schedule.LumpSum, schedule.Seasonal:
		t.DayCount = schedule.Actual360
	case schedule.EqualInstalment, schedule.EqualPrincipal, schedule.FlatAddOn:
		t.DayCount = schedule.Thirty360
	}
	return t
}
