package origination

import (
	"context"
	"fmt"
	"time"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/product"
)

// This file holds the self-tests of what must be so before money moves (放款自检).

// paperPayment is a payment of a case that may be paid: asked for, under a signed contract without a cooling-off period.
func (c *configuration) paperPayment(v product.Version, amount money.Amount, step paymentStep) (paperCase, payment) {
	paper := c.paper()
	contract := loan.Contract{
		ApplicationID: paperApplicationID, BranchID: paperBranchID, BorrowerID: paperBorrowerID, SignedOn: c.today, Amount: amount,
		TermMonths: v.TermMonthsMax, RecordedAt: c.at,
	}
	line, _, err := loan.OpenLine(paperOfficer, c.at, paperThingID, contract, loan.LineTerms{DrawMin: v.DrawMin, DrawMax: v.DrawMax})
	if err == nil {
		paper.line = line.Record()
	}
	return paper, payment{
		Step: step, At: c.at, Application: paperRecord(v, amount), Contract: contract,
		Disbursement: loan.DisbursementRecord{ID: paperThingID, ApplicationID: paperApplicationID, Amount: amount},
	}
}

// gateProbes break each condition of paying, by its name.
var gateProbes = map[string]struct {
	tried, code string
	spoil       func(c *configuration, paper *paperCase, p *payment)
}{
	"no-hold": {"冻结期间放款", "payment-held", func(c *configuration, paper *paperCase, _ *payment) {
		paper.hold = &loan.HoldRecord{Until: c.at.Add(time.Hour), Reason: "自检"}
	}},
	"line-live": {"额度冻结后放行", "line-held", func(_ *configuration, paper *paperCase, _ *payment) { paper.line.Status = loan.LineHeld }},
	"conditions-met": {"放款条件尚未落实时放款", "conditions-open", func(_ *configuration, paper *paperCase, p *payment) {
		p.Disbursement.Tranche = 1
		paper.plan = []loan.Tranche{{Number: 1, Amount: p.Disbursement.Amount, Conditions: []loan.Condition{{Kind: loan.ConditionKinds()[0], Text: "自检"}}}}
	}},
	"cooling-off": {"冷静期内放款", "cooling-off", func(_ *configuration, _ *paperCase, p *payment) { p.Contract.CoolingOffHours = 1 }},
	"papers-in": {"应补资料没有补齐、前次放款的用途凭证逾期未交时再次放款", "papers-missing", func(c *configuration, paper *paperCase, _ *payment) {
		paper.bare = true
		paper.overdue = &loan.ObligationRecord{DueOn: c.today.AddDays(-1)}
	}},
	"guarantee-letter": {"须担保的贷款没有担保函时放款", "guarantee-letter-required", func(_ *configuration, paper *paperCase, _ *payment) {
		paper.guarantee = nil
	}},
}

func gateLimits() []string {
	limits := make([]string, 0, len(gateProbes))
	for name := range gateProbes {
		limits = append(limits, "gate:"+name)
	}
	return limits
}

// provePaymentGate spoils one condition of paying after the other, at the release of a payment that may be paid.
func provePaymentGate(ctx context.Context, c *configuration, p *proofs) {
	for _, check := range paymentChecks {
		probe, known := gateProbes[check.Name]
		row := ControlProof{Subject: "放款条件 " + check.Name, Limit: "放款申请和放行时各检查一次", Tried: probe.tried, Within: "各项条件都具备时放款"}
		if !known {
			p.broken(row, "这个放款条件没有自检")
			continue
		}
		o, amount, found := c.payable(check.Name)
		if !found {
			p.none(row.Subject, "现行产品没有这样的业务")
			continue
		}
		paper, asked := c.paperPayment(o.version, amount, paymentReleased)
		paper.guarantee, paper.kind, paper.paid = paperLetter(asked.Application, c.today), kindOnFile(o.product.BorrowerKinds[0]), true
		good := mayPay(ctx, paper, asked)
		probe.spoil(c, &paper, &asked)
		row.Subject += "（" + o.name() + "）"
		p.add(row, probe.code, mayPay(ctx, paper, asked), good)
	}
}

// payable finds a product and an amount of it that a condition of paying is about.
func (c *configuration) payable(condition string) (o offer, amount money.Amount, found bool) {
	for _, o := range c.offers {
		from, ever := o.version.GuaranteeCompanyFrom()
		switch condition {
		case "guarantee-letter":
			if ever {
				return o, from, true
			}
		case "papers-in":
			for _, d := range o.version.DocumentsFor(o.product.BorrowerKinds[0]) {
				if d.Blocks != "" {
					return o, o.version.AmountMin, true
				}
			}
		default:
			if !needsGuarantee(o.version, o.version.AmountMin) {
				return o, o.version.AmountMin, true
			}
		}
	}
	return offer{}, money.Amount{}, false
}

// paperLetter is a letter that covers a case, with its quota.
func paperLetter(rec loan.Record, today domain.Date) *loan.GuaranteeRecord {
	amount, term := rec.Approval.Amount, rec.Approval.TermMonths
	return &loan.GuaranteeRecord{
		ID: paperThingID, ApplicationID: rec.ID, Status: loan.GuaranteeAccepted, Quota: loan.QuotaConfirmed, QuotaHeld: amount,
		Request: loan.GuaranteeRequest{Amount: amount, TermMonths: term, Crop: loan.GuaranteeOther},
		Answer: &loan.GuaranteeAnswer{
			Decision: loan.GuaranteeAccepted, LetterNo: "自检", Amount: amount, ExpiresOn: today, Counter: loan.CounterNone,
		},
	}
}

// proveGuaranteeLetter pays a loan of the sum from which the guarantee company is needed, and one of a fen less, without a letter.
func proveGuaranteeLetter(ctx context.Context, c *configuration, p *proofs) {
	for _, o := range c.offers {
		from, ever := o.version.GuaranteeCompanyFrom()
		if !ever {
			p.none(o.name(), "产品全部以信用方式办理")
			continue
		}
		try := func(amount money.Amount) error {
			paper, asked := c.paperPayment(o.version, amount, paymentReleased)
			return mayPay(ctx, paper, asked)
		}
		row := ControlProof{Subject: o.name(), Limit: termText(o.version, product.TermGuarantee), Tried: "没有担保函，放款 " + from.Grouped() + " 元的贷款"}
		var within error
		if below := from.Sub(fen); below.Cmp(o.version.AmountMin) >= 0 {
			row.Within, within = "没有担保函，放款 "+below.Grouped()+" 元的贷款", try(below)
		}
		p.add(row, "guarantee-letter-required", try(from), within)
	}
}

// proveCoolingOff pays a second before the cooling-off period ends, and at its end; and gives up one that may not be given up.
func proveCoolingOff(ctx context.Context, c *configuration, p *proofs) {
	for _, o := range c.offers {
		v := o.version
		if v.CoolingOffHours == 0 {
			p.none(o.name(), "产品没有冷静期")
			continue
		}
		try := func(signedFor time.Duration, waived bool) error {
			paper, asked := c.paperPayment(v, v.AmountMin, paymentReleased)
			asked.Contract.CoolingOffHours, asked.Contract.CoolingOffWaivable = v.CoolingOffHours, v.CoolingOffWaivable
			asked.Contract.RecordedAt = c.at.Add(-signedFor)
			paper.guarantee, paper.waived = paperLetter(asked.Application, c.today), waived
			return mayPay(ctx, paper, asked)
		}
		whole := time.Duration(v.CoolingOffHours) * time.Hour
		row := ControlProof{Subject: o.name(), Limit: termText(v, product.TermCoolingOffHours), Tried: "冷静期届满前 1 秒放款", Within: "冷静期届满时放款"}
		p.add(row, "cooling-off", try(whole-time.Second, false), try(whole, false))
		signed := loan.Contract{RecordedAt: c.at, CoolingOffHours: v.CoolingOffHours, CoolingOffWaivable: v.CoolingOffWaivable}
		waive := mayWaive(paperRecord(v, v.AmountMin), signed, c.at)
		if v.CoolingOffWaivable {
			late := mayWaive(paperRecord(v, v.AmountMin), signed, c.at.Add(whole))
			p.add(ControlProof{Subject: o.name(), Limit: "借款人可以放弃冷静期", Tried: "冷静期届满后登记放弃", Within: "冷静期内登记放弃"}, "cooling-off-over", late, waive)
			continue
		}
		p.add(ControlProof{Subject: o.name(), Limit: "借款人不得放弃冷静期", Tried: "冷静期内登记放弃"}, "cooling-off-not-waivable", waive, nil)
	}
}

// proveEntrustedPayment pays a borrower a fen more than each threshold into the own account.
func proveEntrustedPayment(ctx context.Context, c *configuration, p *proofs) {
	purposes := map[string]loan.Purpose{product.PurposeKindProduction: loan.PurposeFacility, product.PurposeKindConsumption: loan.PurposeLivingCosts}
	for _, o := range c.offers {
		if len(o.version.EntrustedPayment) == 0 {
			p.none(o.name(), "产品没有受托支付起点：全部可以自主支付")
		}
		for _, threshold := range o.version.EntrustedPayment {
			rec := paperRecord(o.version, o.version.AmountMax)
			rec.Request.Purpose = purposes[threshold.PurposeKind]
			pay := func(amount money.Amount, before ...loan.DisbursementRecord) error {
				return checkEntrusted(ctx, c.Reader, rec, loan.LineRecord{}, selfPayment(amount), before)
			}
			row := ControlProof{
				Subject: o.name(), Limit: fmt.Sprintf("%s：自主支付合计不超过 %s 元", product.Label(threshold.PurposeKind), threshold.Above.Grouped()),
				Tried: "自主支付 " + threshold.Above.Add(fen).Grouped() + " 元", Within: "自主支付 " + threshold.Above.Grouped() + " 元",
			}
			within := pay(threshold.Above)
			p.add(row, "entrusted-payment-required", pay(threshold.Above.Add(fen)), within)
			row.Tried = "自主支付 " + threshold.Above.Grouped() + " 元之后再自主支付 0.01 元（化整为零）"
			p.add(row, "entrusted-payment-required", pay(fen, selfPayment(threshold.Above)), within)
		}
	}
}

func selfPayment(amount money.Amount) loan.DisbursementRecord {
	return loan.DisbursementRecord{Amount: amount, Status: loan.DisbursementRequested, Transfers: []loan.TransferRecord{
		{Method: loan.SelfPayment, Amount: amount, Status: loan.TransferRequested},
	}}
}

// proveGuaranteeAnswers answers with a fee a step above each ceiling, and with the spouse as counter-guarantor a fen above the sum.
func proveGuaranteeAnswers(_ context.Context, c *configuration, p *proofs) {
	for _, o := range c.offers {
		for _, tier := range o.version.Guarantee {
			if tier.Kind != product.GuaranteeCompany {
				continue
			}
			for _, crop := range []loan.GuaranteeCrop{loan.GuaranteeGrain, loan.GuaranteeOther} {
				most := feeCeiling(tier, loan.GuaranteeTerms{}, crop, tier.From)
				row := ControlProof{
					Subject: o.name(), Limit: fmt.Sprintf("%s：担保费率不超过 %s%%", crop.Label(), most),
					Tried: "担保费率 " + most.Add(rateStep).String() + "%", Within: "担保费率 " + most.String() + "%",
				}
				p.add(row, "fee-above-ceiling", c.answer(tier, crop, tier.From, most.Add(rateStep), loan.CounterNone), c.answer(tier, crop, tier.From, most, loan.CounterNone))
			}
			most := tier.CounterSpouseUpTo
			if most.IsZero() {
				p.add(ControlProof{Subject: o.name(), Limit: "不接受配偶反担保", Tried: "配偶反担保 " + tier.From.Grouped() + " 元"}, "spouse-not-enough",
					c.answer(tier, loan.GuaranteeOther, tier.From, money.Rate{}, loan.CounterSpouse), nil)
				continue
			}
			p.add(ControlProof{
				Subject: o.name(), Limit: "配偶反担保不超过 " + most.Grouped() + " 元",
				Tried: "配偶反担保 " + most.Add(fen).Grouped() + " 元", Within: "配偶反担保 " + most.Grouped() + " 元",
			}, "spouse-not-enough", c.answer(tier, loan.GuaranteeOther, most.Add(fen), money.Rate{}, loan.CounterSpouse),
				c.answer(tier, loan.GuaranteeOther, most, money.Rate{}, loan.CounterSpouse))
		}
	}
	if len(p.list) == 0 {
		p.none("", "没有产品需要农担公司担保")
	}
}

// rateStep is the smallest step above a rate.
var rateStep = money.MustParseRate("0.000001")

// answer lets a guarantee company answer a request of an amount in a tier.
func (c *configuration) answer(tier product.GuaranteeTier, crop loan.GuaranteeCrop, amount money.Amount, fee money.Rate, counter loan.CounterGuarantee) error {
	asked, _, err := loan.AskGuarantee(paperOfficer, c.at, loan.GuaranteeRecord{
		ID: paperThingID, ApplicationID: paperApplicationID, CompanyID: paperCompany.ID, BranchID: paperBranchID, BorrowerID: paperBorrowerID,
		Request: loan.GuaranteeRequest{
			Amount: amount, TermMonths: 12, Crop: crop, FeeMaxPct: feeCeiling(tier, loan.GuaranteeTerms{}, crop, amount),
			CounterSpouseUpTo: tier.CounterSpouseUpTo,
		},
	})
	if err != nil {
		return err
	}
	_, err = asked.Answer(paperCompany, c.at, loan.GuaranteeAnswer{
		Decision: loan.GuaranteeAccepted, LetterNo: "自检", Amount: amount, FeePct: fee, ExpiresOn: c.today, Counter: counter,
	})
	return err
}

// proveDraws draws beside the least and the most of one draw, and beside what the line has free.
func proveDraws(_ context.Context, c *configuration, p *proofs) {
	for _, o := range c.offers {
		v := o.version
		line, _, err := loan.OpenLine(paperOfficer, c.at, paperThingID, loan.Contract{
			ApplicationID: paperApplicationID, BranchID: paperBranchID, BorrowerID: paperBorrowerID, SignedOn: c.today, Amount: v.AmountMax, TermMonths: v.TermMonthsMax,
		}, loan.LineTerms{Revolving: o.product.Revolving, DrawMin: v.DrawMin, DrawMax: v.DrawMax})
		if err != nil {
			p.fail(err)
			return
		}
		most, tooMuch := v.AmountMax, "line-exceeded"
		if !v.DrawMax.IsZero() && v.DrawMax.Cmp(most) <= 0 {
			most, tooMuch = v.DrawMax, "above-draw-maximum"
		}
		draw := func(amount money.Amount) error { return line.MayDrawBetween(c.today, amount) }
		row := ControlProof{
			Subject: o.name(), Limit: "额度 " + v.AmountMax.Grouped() + " 元，" + termText(v, product.TermDrawMax),
			Tried: "支用 " + most.Add(fen).Grouped() + " 元", Within: "支用 " + most.Grouped() + " 元",
		}
		p.add(row, tooMuch, draw(most.Add(fen)), draw(most))
		lowest, tooLittle := v.DrawMin, "below-draw-minimum"
		if lowest.IsZero() {
			lowest, tooLittle = fen, "not-positive"
		}
		row.Limit, row.Tried, row.Within = termText(v, product.TermDrawMin), "支用 "+lowest.Sub(fen).Grouped()+" 元", "支用 "+lowest.Grouped()+" 元"
		p.add(row, tooLittle, draw(lowest.Sub(fen)), draw(lowest))
		last := v.TermMonthsMax
		row.Limit, row.Tried, row.Within = fmt.Sprintf("额度期限 %d 个月", last), "额度到期日支用", "额度到期前一日支用"
		ends := c.today.AddMonths(last)
		p.add(row, "line-ended", line.MayDrawBetween(ends, lowest), line.MayDrawBetween(ends.AddDays(-1), lowest))
	}
}

// proveRenewals renews a line a day before it may be, and on the first day.
func proveRenewals(ctx context.Context, c *configuration, p *proofs) {
	for _, o := range c.offers {
		v := o.version
		try := func(daysLeft int) error {
			line := loan.LineRecord{
				ApplicationID: paperApplicationID, Limit: v.AmountMax, Outstanding: v.AmountMin, Status: loan.LineLive,
				StartsOn: c.today, EndsOn: c.today.AddDays(daysLeft),
			}
			return mayRenew(ctx, c.paper(), paperRecord(v, v.AmountMax), line, c.today)
		}
		if v.RenewalDays == 0 {
			p.add(ControlProof{Subject: o.name(), Limit: "不办理无还本续贷", Tried: "额度到期前 1 天申请续贷"}, "renewal-not-offered", try(1), nil)
			continue
		}
		p.add(ControlProof{
			Subject: o.name(), Limit: termText(v, product.TermRenewalDays),
			Tried: fmt.Sprintf("额度到期前 %d 天申请续贷", v.RenewalDays+1), Within: fmt.Sprintf("额度到期前 %d 天申请续贷", v.RenewalDays),
		}, "renewal-too-early", try(v.RenewalDays+1), try(v.RenewalDays))
	}
}

// proveDayBalance closes a day with a fen that nobody explained, and one with an open case.
func proveDayBalance(_ context.Context, c *configuration, p *proofs) {
	day := loan.ReconciliationRecord{BusinessDay: c.today}
	gap, open := day, day
	gap.Totals = loan.ReconciliationTotals{CountThere: 1, There: fen}
	open.Cases, open.CasesOpen = 1, 1
	balanced := day.CheckBalanced(0, money.Amount{})
	row := ControlProof{Subject: "日终对账", Limit: "双方一致、差错处理完毕才能关账", Within: "双方一致、没有差错时关账"}
	row.Tried = "双方合计相差 0.01 元时关账"
	p.add(row, "day-not-balanced", gap.CheckBalanced(0, money.Amount{}), balanced)
	row.Tried = "有一件对账差错没有处理时关账"
	p.add(row, "day-not-balanced", open.CheckBalanced(0, money.Amount{}), balanced)
}
