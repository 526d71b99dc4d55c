package origination

import (
	"context"
	"errors"
	"strconv"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/product"
)

// purposeKind is the kind of purpose (用途类别) that the thresholds of entrusted payment distinguish.
func purposeKind(p loan.Purpose) string {
	if p == loan.PurposeLivingCosts || p == loan.PurposeHouse {
		return product.PurposeKindConsumption
	}
	return product.PurposeKindProduction
}

// checkEntrusted refuses more self payment than the product lets the borrower take (受托支付起点).
//
// How we read the rule: what goes to the borrower's own account under one contract may not exceed the threshold, all its
// payments together, so that a sum is not cut into pieces below it (化整为零); under a revolving line, whose draws are each
// for themselves, all that is not settled yet together. What is above goes to named sellers, and
// the rest may go to the borrower. The rule for persons speaks of one draw (个人贷款管理办法, 国家金融监督管理总局令 2024 年第 3 号,
// 自主支付的例外), so this is the stricter reading; the sum is the product's parameter. Configure to your compliance office's
// reading.
func checkEntrusted(ctx context.Context, r Reader, app loan.Record, line loan.LineRecord, d loan.DisbursementRecord, before []loan.DisbursementRecord) error {
	self := d.SelfPaid()
	if self.IsZero() {
		return nil
	}
	version, err := r.ProductVersion(ctx, app.ProductVersionID)
	if err != nil {
		return err
	}
	for _, b := range before {
		if !line.Revolving || !b.Status.Settled() {
			self = self.Add(b.SelfPaid())
		}
	}
	kind := purposeKind(app.Request.Purpose)
	if !version.NeedsEntrustedPayment(kind, self) {
		return nil
	}
	return domain.Errorf(domain.KindRule, "entrusted-payment-required",
		"付给借款人本人账户的合计 %s 元超过受托支付起点 %s 元；请把货款、工程款等改为受托支付，写明收款人和合同或发票，余下部分仍可自主支付",
		self.Grouped(), entrustedFrom(version.Terms, kind).Grouped())
}

// entrustedFrom is the threshold of a kind of purpose; 0.00 where there is none.
func entrustedFrom(t product.Terms, kind string) money.Amount {
	for _, e := range t.EntrustedPayment {
		if e.PurposeKind == kind {
			return e.Above
		}
	}
	return money.Amount{}
}

// checkContractPayees refuses to pay a seller whom the contract does not name, or more than it says: whoever is paid stands in
// the text that all parties signed. A contract on paper is not compared: its text is not here.
func checkContractPayees(ctx context.Context, r Reader, contract loan.Contract, d loan.DisbursementRecord) error {
	if contract.TextID.IsZero() {
		return nil
	}
	text, err := r.ContractText(ctx, domain.Scope{Everything: true}, contract.ApplicationID)
	if err != nil {
		return err
	}
	var p domain.Problems
	for i, t := range d.Transfers {
		if t.Method != loan.EntrustedPayment {
			continue
		}
		var agreed, ordered money.Amount
		for _, seller := range text.Payees {
			if seller.Method == loan.EntrustedPayment && seller.Payee == t.Payee {
				agreed = agreed.Add(seller.Amount)
			}
		}
		for _, other := range d.Transfers {
			if other.Method == loan.EntrustedPayment && other.Payee == t.Payee {
				ordered = ordered.Add(other.Amount)
			}
		}
		switch {
		case agreed.IsZero():
			p.Add("/payees/"+strconv.Itoa(i), "payee-not-in-contract", "合同里没有这个收款人：请核对户名、账号、开户行，须与合同一致；需要变更的，请重新签订合同")
		case ordered.Cmp(agreed) > 0:
			p.Add("/payees/"+strconv.Itoa(i), "payee-not-in-contract", "合同约定付给这个收款人（户名、账号、开户行一致）%s 元，不能付 %s 元；需要变更的，请重新签订合同",
				agreed.Grouped(), ordered.Grouped())
		}
	}
	if !p.Any() {
		return nil
	}
	refusal := domain.Errorf(domain.KindRule, "payee-not-in-contract", "有收款人或金额与合同不符，请按合同约定的收款人支付，或重新签订合同")
	if wrong, ok := errors.AsType[*domain.Error](p.Err()); ok {
		refusal.Fields = wrong.Fields
	}
	return refusal
}
