package origination

import (
	"fmt"
	"strconv"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/product"
)

// contractTextVersion names the clauses below. It changes with every change of a word, so that a contract says which words
// were signed. The clauses are a sample (示例文本): a lender replaces them with those of its legal department.
const contractTextVersion = "sample-2026.3"

// contractBasis is what a contract's words are made from.
type contractBasis struct {
	contractNo string
	rec        loan.Record
	lender     string
	product    string
	offer      Offer
	parties    []loan.Party
	membersMin int
	payees     []loan.ContractPayee
}

// contractDocument says a contract in words. The same basis gives the same words.
func contractDocument(b contractBasis) (loan.Document, error) {
	capitals, err := b.offer.Amount.Capitals()
	if err != nil {
		return loan.Document{}, fmt.Errorf("contract %s: %w", b.contractNo, err)
	}
	return loan.Document{
		Title: b.product + "借款合同", ContractNo: b.contractNo, SignedOn: chineseDate(b.offer.StartsOn), TextVersion: contractTextVersion,
		Blocks: []loan.Block{
			partiesBlock(b), loanBlock(b, capitals), rateBlock(b.offer), costBlock(b.offer), guaranteeBlock(b.offer), paymentBlock(b),
			planBlock(b.offer), coolingOffBlock(b.offer), generalBlock(), signatureBlock(b),
		},
	}, nil
}

// chineseDate writes 2026年11月23日.
func chineseDate(d domain.Date) string {
	return fmt.Sprintf("%d年%d月%d日", d.Year(), int(d.Month()), d.Day())
}

func yuan(a money.Amount) string { return a.Grouped() + " 元" }

func pct(r money.Rate) string { return r.String() + "%" }

func partiesBlock(b contractBasis) loan.Block {
	block := loan.Block{Heading: "第一条　当事人", Facts: []loan.Fact{{Label: "贷款人", Text: b.lender}}}
	for _, p := range b.parties {
		text := p.Name.Reveal()
		if !p.SignerName.Equal(p.Name) {
			text += "，签署人 " + p.SignerName.Reveal()
		}
		if !p.IDNumber.IsZero() {
			text += "，居民身份证号码 " + p.IDNumber.Reveal()
		}
		block.Facts = append(block.Facts, loan.Fact{Label: p.Role.Label(), Text: text})
	}
	return block
}

func loanBlock(b contractBasis, capitals string) loan.Block {
	purpose := b.rec.Request.Purpose.Label()
	if b.rec.Request.PurposeNote != "" {
		purpose += "：" + b.rec.Request.PurposeNote
	}
	return loan.Block{
		Heading: "第二条　借款",
		Facts: []loan.Fact{
			{Label: "借款金额", Text: capitals + "（小写 " + yuan(b.offer.Amount) + "）"},
			{Label: "借款期限", Text: signedTerm(b.offer)},
			{Label: "借款用途", Text: purpose},
			{Label: "还款方式", Text: product.Label(string(b.offer.RepaymentMethod))},
			{Label: "申请编号", Text: b.rec.ApplicationNo},
		},
		Clauses: []string{"大写与小写不一致时，以大写为准。借款只能用于上述用途，不得用于购房、理财、股权投资、转贷或者其他禁止的用途。"},
	}
}

// signedTerm is the term with its last day, which is the line's (loan.OpenLine): the months count from the day that the text bears,
// whenever the money arrives, and no note falls due later.
func signedTerm(o Offer) string {
	return fmt.Sprintf("%d 个月，自本合同签订日 %s起算，最后到期日为 %s；何时放款、分几次放款，都不改变最后到期日", o.TermMonths,
		chineseDate(o.StartsOn), chineseDate(o.StartsOn.AddMonths(o.TermMonths)))
}

func rateBlock(o Offer) loan.Block {
	text := pct(o.AnnualRate)
	if o.ReferencePublished.IsZero() {
		text += "（固定利率）"
	} else {
		text += fmt.Sprintf("（合同签订日适用的 LPR %s，%s公布，加 %s 个百分点）", pct(o.ReferenceRatePct), chineseDate(o.ReferencePublished), o.SpreadPct)
	}
	return loan.Block{
		Heading: "第三条　利率与计息",
		Facts:   []loan.Fact{{Label: "年利率", Text: text}},
		Clauses: []string{"利息自" + o.startsWith() + "起计算。等额还款的，每月按年利率的十二分之一计息；到期还本的，按实际天数和一年三百六十天计息。"},
	}
}

func costBlock(o Offer) loan.Block {
	facts := []loan.Fact{
		{Label: "利息合计", Text: yuan(o.InterestTotal)},
		{Label: "费用合计", Text: yuan(o.FeesTotal) + "，其中" + o.startsWith() + "支付 " + yuan(o.FeesUpfront)},
		{Label: "综合年化成本", Text: o.APREffectivePct + "%（含全部利息和费用）"},
	}
	if !o.SubsidyTotal.IsZero() {
		facts = append(facts,
			loan.Fact{Label: "财政贴息", Text: yuan(o.SubsidyTotal)},
			loan.Fact{Label: "贴息后综合年化成本", Text: o.APRAfterSubsidyPct + "%"})
	}
	return loan.Block{
		Heading: "第四条　综合融资成本", Facts: facts,
		Clauses: []string{"除本条所列以外，贷款人不收取其他息费。担保费按产品规定的上限计入，实际收取的不超过所列金额。"},
	}
}

func guaranteeBlock(o Offer) loan.Block {
	text := product.Label(string(o.Guarantee.Kind))
	if o.GuaranteeCompany != "" {
		text += "（" + o.GuaranteeCompany + "）"
	}
	if !o.Guarantee.FeeMaxPct.IsZero() {
		text += "，担保费率每年不超过 " + pct(o.Guarantee.FeeMaxPct)
	}
	return loan.Block{
		Heading: "第五条　担保", Facts: []loan.Fact{{Label: "担保方式", Text: text}},
		Clauses: []string{"配偶签署本合同的，同意以家庭共同财产承担还款责任；保证人签署本合同的，承担连带责任保证。"},
	}
}

// startsWith is from when a contract bears interest: from the payment, or, where nothing is paid because it renews another, from
// the signature.
func (o Offer) startsWith() string {
	if o.Renews.Principal.IsZero() {
		return "实际放款日"
	}
	return "本合同签署之日"
}

func paymentBlock(b contractBasis) loan.Block {
	block := loan.Block{Heading: "第六条　放款与支付"}
	if debt := b.offer.Renews; !debt.Principal.IsZero() {
		block.Heading = "第六条　续贷与支付"
		block.Facts = []loan.Fact{
			{Label: "续贷方式", Text: "无还本续贷，不另行放款"},
			{Label: "原合同编号", Text: debt.ContractNo},
			{Label: "转入的未还本金", Text: yuan(debt.Principal)},
		}
		block.Clauses = []string{
			"原合同项下的上述未还本金自本合同签署之日起转入本合同，由本合同出具的借据替代原借据；转入时不发生资金支付，借款人不必先行归还。原合同的额度和担保同时终止，转入以前的利息仍按原合同支付。",
		}
	}
	if len(b.payees) == 0 {
		return block
	}
	block.Facts = append(block.Facts, loan.Fact{Label: "支付方式", Text: b.offer.PaymentMethod.Label()})
	block.Header = []string{"支付方式", "收款人", "账号", "开户行", "金额（元）", "用于"}
	block.Clauses = append(block.Clauses, "贷款人按下表支付。收款人或者账户需要变更的，应当重新签订本合同。")
	for _, p := range b.payees {
		block.Rows = append(block.Rows, []string{
			p.Method.Label(), p.Payee.AccountName.Reveal(), p.Payee.Account.Reveal(), p.Payee.BankName, p.Amount.Grouped(), p.For,
		})
	}
	return block
}

func planBlock(o Offer) loan.Block {
	calculated := "下表按签约当日放款计算，精确到分；实际放款日不同的，以放款时出具的借据所附的还款计划为准，该计划自到账日起算，最后一期不晚于最后到期日。"
	if !o.Renews.Principal.IsZero() {
		calculated = "下表按合同金额在签约当日全部借用计算，精确到分；实际应还以转入和支用时出具的借据所附的还款计划为准。"
	}
	block := loan.Block{
		Heading: "第七条　还款计划", Clauses: []string{calculated},
		Header: []string{"期", "还款日", "本金（元）", "利息（元）", "费用（元）", "应还（元）", "剩余本金（元）"},
	}
	for _, i := range o.Instalments {
		block.Rows = append(block.Rows, []string{
			strconv.Itoa(i.Number), i.DueOn.String(), i.Principal.Grouped(), i.Interest.Grouped(), i.Fees.Grouped(), i.Total.Grouped(),
			i.ClosingBalance.Grouped(),
		})
	}
	return block
}

func coolingOffBlock(o Offer) loan.Block {
	block := loan.Block{Heading: "第八条　冷静期"}
	switch {
	case o.CoolingOffHours == 0:
		block.Clauses = []string{"本合同没有冷静期。"}
	case o.CoolingOffWaivable:
		block.Clauses = []string{fmt.Sprintf("全部当事人签署后 %d 小时内，贷款人不放款，借款人可以无条件撤回本合同，不承担任何费用。借款人可以书面放弃冷静期。", o.CoolingOffHours)}
	default:
		block.Clauses = []string{fmt.Sprintf("全部当事人签署后 %d 小时内，贷款人不放款，借款人可以无条件撤回本合同，不承担任何费用。", o.CoolingOffHours)}
	}
	return block
}

func generalBlock() loan.Block {
	return loan.Block{
		Heading: "第九条　其他",
		Clauses: []string{
			"借款人可以提前还款，提前还款按实际使用天数计收利息，不收违约金。",
			"本合同以数据电文形式订立，各当事人以平板手写、短信验证码或者第三方电子签名签署，签署记录载明签署方式、时间和所见文本的校验值（SHA-256）。",
			"本合同自全部当事人签署之日起成立。因本合同发生的争议，由贷款人所在地人民法院管辖。",
		},
	}
}

func signatureBlock(b contractBasis) loan.Block {
	block := loan.Block{Heading: "签署"}
	members := 0
	for _, p := range b.parties {
		if p.Role == loan.PartyMember {
			members++
		}
		block.Facts = append(block.Facts, loan.Fact{Label: p.Role.Label(), Text: p.SignerName.Reveal() + "（签署方式、时间见签署记录）"})
	}
	if members > 0 {
		block.Clauses = []string{fmt.Sprintf("以上 %d 位合作社成员中至少 %d 位签署，视为成员大会同意本合同的决议。", members, b.membersMin)}
	}
	return block
}
