package origination

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

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

// Sign records a contract that was signed on paper (纸质合同): the approved amount and term, the rate of the signing day's LPR,
// the plan, the yearly cost, and the borrower's own verified account as payee. Staff do it: a borrower signs the text itself,
// with Signatures.Sign.
func (s *Applications) Sign(ctx context.Context, by domain.Actor, cmd SignApplication) (loan.Record, error) {
	if err := by.Require(domain.RoleLoanOfficer); err != nil {
		return loan.Record{}, err
	}
	return s.changeLocked(ctx, by, cmd.ID, lockForSigning, func(app *loan.Application, now time.Time, tx Tx) (loan.Event, error) {
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
		contract := offer.contract(rec, by, now)
		contract.ContractNo, contract.SignedOn, contract.Payee = cmd.ContractNo, cmd.SignedOn, account
		return contractSigned(ctx, tx, by, now, s.newID(), app, contract, offer.Instalments)
	})
}

// contractSigned is where an application becomes signed, on paper or electronically: whatever else begins with a contract
// begins here, in the same transaction. The caller holds the application and saves it with the event.
func contractSigned(ctx context.Context, tx Tx, by domain.Actor, now time.Time, lineID domain.ID, app *loan.Application, c loan.Contract, plan []loan.Instalment) (loan.Event, error) {
	event, err := app.Sign(by, now, c)
	if err != nil {
		return loan.Event{}, err
	}
	if err := tx.InsertContract(ctx, c, plan); err != nil {
		return loan.Event{}, err
	}
	if err := openLine(ctx, tx, by, now, lineID, app.Record(), c); err != nil || app.Record().RenewsApplicationID.IsZero() {
		return event, err
	}
	return renewalSigned(ctx, tx, by, now, app, event, c)
}

// contract is the offer as a contract of the application; number, day, payee and text are the caller's.
func (o Offer) contract(rec loan.Record, by domain.Actor, now time.Time) loan.Contract {
	return loan.Contract{
		ApplicationID: rec.ID, BranchID: rec.BranchID, BorrowerID: rec.BorrowerID, SignedOn: o.StartsOn,
		Amount: o.Amount, TermMonths: o.TermMonths, RepaymentMethod: o.RepaymentMethod,
		AnnualRate: o.AnnualRate, SpreadPct: o.SpreadPct, ReferenceRatePct: o.ReferenceRatePct, ReferencePublished: o.ReferencePublished,
		APREffectivePct: o.APREffectivePct, APRAfterSubsidyPct: o.APRAfterSubsidyPct, InterestTotal: o.InterestTotal,
		SubsidyTotal: o.SubsidyTotal, FeesTotal: o.FeesTotal, FeesUpfront: o.FeesUpfront,
		GuaranteeKind: string(o.Guarantee.Kind), GuaranteeFeePct: o.Guarantee.FeeMaxPct, PaymentMethod: o.PaymentMethod,
		CoolingOffHours: o.CoolingOffHours, CoolingOffWaivable: o.CoolingOffWaivable,
		RecordedBy: by.ID, RecordedAt: now,
	}
}

// Offer is what a borrower sees before signing, and what was signed after it (还款计划与综合年化成本).
type Offer struct {
	Signed             bool // true: these are the contract's figures; false: what it would be if signed on StartsOn
	StartsOn           domain.Date
	ValidUntil         time.Time // from when the approval can no longer be signed; zero once signed
	Amount             money.Amount
	TermMonths         int
	RepaymentMethod    schedule.Method
	AnnualRate         money.Rate // percent a year, nominal
	ReferenceRatePct   money.Rate // LPR in force on StartsOn
	ReferencePublished domain.Date
	SpreadPct          money.Rate // 加点, percentage points over the reference rate
	APREffectivePct    string     // 综合年化成本, percent, with every fee
	APRAfterSubsidyPct string     // the same with the subsidised interest left out (贴息后)
	SubsidyTotal       money.Amount
	Guarantee          product.GuaranteeTier
	GuaranteeCompany   string             // who guarantees; empty on credit, and while no company was asked
	Renews             RenewedDebt        // what the contract takes over instead of being paid; no part of an offer that was signed
	PaymentMethod      loan.PaymentMethod // what the product asks for at this amount and purpose
	CoolingOffHours    int
	CoolingOffWaivable bool
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
		offer, err := makeOffer(ctx, s.store, rec, domain.DateOf(s.now()))
		offer.ValidUntil = approvalEnds(rec.Approval.ApprovedAt, s.approvalValidDays)
		return offer, err
	case loan.StatusDraft, loan.StatusReviewing, loan.StatusReturned, loan.StatusDeclined, loan.StatusWithdrawn, loan.StatusExpired:
	}
	return Offer{}, domain.Errorf(domain.KindConflict, "wrong-status", "申请目前处于「%s」，批准后才有还款计划；此前请用报价试算", rec.Status.Label())
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
		SpreadPct: c.SpreadPct, APREffectivePct: c.APREffectivePct, APRAfterSubsidyPct: c.APRAfterSubsidyPct,
		InterestTotal: c.InterestTotal, SubsidyTotal: c.SubsidyTotal, FeesTotal: c.FeesTotal, FeesUpfront: c.FeesUpfront,
		Guarantee:     product.GuaranteeTier{Kind: product.GuaranteeKind(c.GuaranteeKind), FeeMaxPct: c.GuaranteeFeePct},
		PaymentMethod: c.PaymentMethod, CoolingOffHours: c.CoolingOffHours, CoolingOffWaivable: c.CoolingOffWaivable,
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
	rate, err := contractRate(ctx, r, rec, version, ceiling)
	if err != nil {
		return Offer{}, err
	}
	harvests, err := harvestsOf(rec, on)
	if err != nil {
		return Offer{}, err
	}
	if tier.FeeMaxPct, err = guaranteeFeePct(ctx, r, rec, tier); err != nil { // the letter's own fee once there is one
		return Offer{}, err
	}
	company, err := guaranteeCompanyName(ctx, r, rec, tier)
	if err != nil {
		return Offer{}, err
	}
	renews, err := renewedDebt(ctx, r, rec)
	if err != nil {
		return Offer{}, err
	}
	terms := contractTerms(*rec.Approval, rec.Request.RepaymentMethod, rate, tier, on)
	terms.InterestSubsidyShare = version.InterestSubsidySharePct
	if terms.Method == schedule.Seasonal { // interest monthly, principal after each harvest; the last harvest is the end
		terms.Periods, terms.Seasonal = 0, harvests
	}
	quotation, err := schedule.Quote(terms)
	if err != nil {
		return Offer{}, err
	}
	offer := Offer{
		StartsOn: on, Amount: terms.Principal, TermMonths: rec.Approval.TermMonths, RepaymentMethod: terms.Method,
		AnnualRate: terms.AnnualRate, SpreadPct: rate.Sub(ceiling.BasePct),
		ReferenceRatePct: ceiling.BasePct, ReferencePublished: ceiling.PublishedOn,
		APREffectivePct:    quotation.Cost.APREffective.Shown(aprPlaces, money.HalfUp),
		APRAfterSubsidyPct: quotation.Cost.APREffectiveAfterSubsidy.Shown(aprPlaces, money.HalfUp),
		InterestTotal:      quotation.Plan.Totals.Interest, SubsidyTotal: quotation.Plan.Totals.Subsidy,
		FeesTotal: quotation.Plan.Totals.Fees, FeesUpfront: quotation.Plan.FeesUpfront,
		Guarantee: tier, GuaranteeCompany: company, Renews: renews, PaymentMethod: paymentMethod(version, rec),
		Instalments: make([]loan.Instalment, len(quotation.Plan.Rows)),
	}
	if renews.Principal.IsZero() { // what is taken over with the signature is no payment that could be held
		offer.CoolingOffHours, offer.CoolingOffWaivable = version.CoolingOffHours, version.CoolingOffWaivable
	}
	for i, row := range quotation.Plan.Rows {
		offer.Instalments[i] = loan.Instalment{
			Number: row.Number, DueOn: row.DueOn, Days: row.Days, OpeningBalance: row.OpeningBalance, Principal: row.Principal,
			Interest: row.Interest, Fees: row.Fees, Total: row.Total, ClosingBalance: row.ClosingBalance,
		}
	}
	return offer, nil
}

// contractRate is the rate of the signing day: its reference rate plus what was granted over the reference rate of the approval,
// never above the product's price of the day.
func contractRate(ctx context.Context, r Reader, rec loan.Record, version product.Version, ceiling product.Ceiling) (money.Rate, error) {
	base := version.Price.FixedPct
	if version.Price.Base != product.BaseFixed {
		rates, err := r.ReferenceRates(ctx)
		if err != nil {
			return money.Rate{}, err
		}
		rows := rates.Rows()
		i := slices.IndexFunc(rows, func(row product.ReferenceRate) bool { return row.ID == rec.ReferenceRateID })
		if i < 0 {
			return money.Rate{}, fmt.Errorf("application %s: its reference rate %s is not on record", rec.ID, rec.ReferenceRateID)
		}
		base = rows[i].Pct(version.Price.Base)
	}
	rate := ceiling.BasePct.Add(rec.Approval.AnnualRate.Sub(base))
	if rate.Cmp(ceiling.AnnualRateMaxPct) > 0 {
		rate = ceiling.AnnualRateMaxPct
	}
	if rate.Sign() < 0 {
		return money.Rate{}, domain.Errorf(domain.KindRule, "negative-price", "按签约日基准和批准的加点计算的利率低于零，请产品管理员核对定价")
	}
	return rate, nil
}

// harvestsOf are the harvests of an approved application: sums that were asked for are brought down to what was granted, in
// proportion and without losing a fen. They must lie after the day and within the term.
func harvestsOf(rec loan.Record, on domain.Date) ([]schedule.SeasonalInstalment, error) {
	harvests := slices.Clone(rec.Request.Harvests)
	if len(harvests) == 0 {
		return nil, nil
	}
	if first := harvests[0].DueOn; !first.After(on) {
		return nil, domain.Errorf(domain.KindRule, "harvest-passed", "首次还本日 %s 不晚于签约日 %s：请退回修改还本计划", first, on)
	}
	if last, end := harvests[len(harvests)-1].DueOn, on.AddMonths(rec.Approval.TermMonths); last.After(end) {
		return nil, domain.Errorf(domain.KindRule, "harvest-after-term", "末次还本日 %s 晚于到期日 %s：请退回修改还本计划或期限", last, end)
	}
	if harvests[0].SharePct.IsZero() && !rec.Approval.Amount.Equal(rec.Request.Amount) {
		weights := make([]decimal.Decimal, len(harvests))
		for i, h := range harvests {
			weights[i] = h.Amount.Decimal()
		}
		for i, amount := range rec.Approval.Amount.Allocate(weights) {
			harvests[i].Amount = amount
		}
	}
	return harvests, nil
}

// paymentMethod is what the product asks for at the approved sum (受托支付起点).
func paymentMethod(version product.Version, rec loan.Record) loan.PaymentMethod {
	if version.NeedsEntrustedPayment(purposeKind(rec.Request.Purpose), rec.Approval.Amount) {
		return loan.EntrustedPayment
	}
	return loan.SelfPayment
}

// contractTerms are the conventions of our contracts: monthly due dates counted from the day of signing, clamped to the
// month's end; the month is a twelfth of the year where instalments are level, and interest runs by actual days over
// 360 where only interest is due or everything at the end. 日利率 = 年利率 ÷ 360, 月利率 = 年利率 ÷ 12
// (中国人民银行关于人民币贷款利率有关问题的通知, 银发〔2003〕251 号): configure to your compliance office's reading.
func contractTerms(a loan.Approval, method schedule.Method, rate money.Rate, tier product.GuaranteeTier, on domain.Date) schedule.Terms {
	t := schedule.Terms{
		Principal: a.Amount, AnnualRate: rate, Method: method,
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
