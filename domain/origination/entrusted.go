package origination

import (
	"context"
	"errors"
	"slices"
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

// checkSellersNamed refuses a request that names nobody, so that all would go to the borrower, where the signed text names sellers.
func checkSellersNamed(ctx context.Context, r Reader, contract loan.Contract) error {
	text, signed, err := signedText(ctx, r, contract)
	if err != nil || !signed {
		return err
	}
	var sellers int
	var agreed money.Amount
	for _, p := range text.Payees {
		if p.Method == loan.EntrustedPayment {
			sellers, agreed = sellers+1, agreed.Add(p.Amount)
		}
	}
	if sellers == 0 {
		return nil
	}
	return domain.Errorf(domain.KindRule, "entrusted-payment-required",
		"合同约定把 %s 元付给 %d 个交易对手（受托支付）：请在收款人中逐个写明户名、账号、开户行、金额和合同或发票；付给借款人本人的部分，另列一项自主支付并写明金额",
		agreed.Grouped(), sellers)
}

// checkContractPayees refuses to pay a seller whom the contract does not name, and anybody more than it says, the borrower
// included: whoever is paid stands in the text that all parties signed. All payments of a case together are held to the text;
// under a revolving line, which is drawn again after it is repaid, to each seller all that is not settled yet together, and what
// the borrower may have is checkEntrusted's. A contract on paper is not compared: its text is not here.
func checkContractPayees(ctx context.Context, r Reader, contract loan.Contract, line loan.LineRecord, d loan.DisbursementRecord, before []loan.DisbursementRecord) error {
	text, signed, err := signedText(ctx, r, contract)
	if err != nil || !signed {
		return err
	}
	counted := slices.Clone(d.Transfers)
	for _, b := range before {
		if line.Revolving && b.Status.Settled() {
			continue
		}
		same, err := payeesAgain(ctx, r, d, b)
		if err != nil {
			return err
		}
		counted = append(counted, same...)
	}
	var p domain.Problems
	for i, t := range d.Transfers {
		if t.Method == loan.SelfPayment && line.Revolving {
			continue
		}
		pointer, agreed, ordered := "/payees/"+strconv.Itoa(i), agreedFor(text, t), orderedFor(counted, t)
		switch {
		case agreed.IsZero() && t.Method == loan.EntrustedPayment:
			p.Add(pointer, "payee-not-in-contract", "合同里没有这个收款人：请核对户名、账号、开户行，须与合同一致；需要变更的，请重新签订合同")
		case ordered.Cmp(agreed) > 0 && t.Method == loan.EntrustedPayment:
			p.Add(pointer, "payee-not-in-contract", "合同约定付给这个收款人（户名、账号、开户行一致）%s 元，连同以前各次放款不能付 %s 元；需要变更的，请重新签订合同",
				agreed.Grouped(), ordered.Grouped())
		case ordered.Cmp(agreed) > 0:
			p.Add(pointer, "payee-not-in-contract", "合同约定付给借款人本人 %s 元，连同以前各次放款不能付 %s 元；其余请付给合同约定的交易对手（受托支付）",
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

// signedText is the text of a contract that was signed here; false for one on paper.
func signedText(ctx context.Context, r Reader, contract loan.Contract) (text loan.ContractText, signed bool, err error) {
	if contract.TextID.IsZero() {
		return loan.ContractText{}, false, nil
	}
	text, err = r.ContractText(ctx, domain.Scope{Everything: true}, contract.ApplicationID)
	return text, err == nil, err
}

// payeesAgain are the transfers of an earlier disbursement that may go where one of d's goes, each with its payee. Only accounts
// that end alike are opened, and those of rows that are older than the column.
func payeesAgain(ctx context.Context, r Reader, d, earlier loan.DisbursementRecord) ([]loan.TransferRecord, error) {
	var again []loan.TransferRecord
	for _, e := range earlier.Transfers {
		alike := slices.ContainsFunc(d.Transfers, func(t loan.TransferRecord) bool {
			return t.Method == e.Method && (e.AccountLast4 == "" || e.AccountLast4 == t.AccountLast4 || t.Method == loan.SelfPayment)
		})
		if !alike || !e.Status.Live() {
			continue
		}
		if e.Method == loan.EntrustedPayment {
			opened, err := r.TransferPayee(ctx, e.ID)
			if err != nil {
				return nil, err
			}
			e.Payee = opened
		}
		again = append(again, e)
	}
	return again, nil
}

// agreedFor is what the text has paid to the payee of a transfer: to the borrower, whose account is the contract's, or to a seller
// whose name, account and bank are the same.
func agreedFor(text loan.ContractText, t loan.TransferRecord) (agreed money.Amount) {
	for _, p := range text.Payees {
		if p.Method == t.Method && (t.Method == loan.SelfPayment || p.Payee == t.Payee) {
			agreed = agreed.Add(p.Amount)
		}
	}
	return agreed
}

// orderedFor is what of some live transfers goes to the payee of one of them, less what came back.
func orderedFor(transfers []loan.TransferRecord, t loan.TransferRecord) (ordered money.Amount) {
	for _, o := range transfers {
		if o.Method == t.Method && (t.Method == loan.SelfPayment || o.Payee == t.Payee) {
			ordered = ordered.Add(o.Amount).Sub(o.Reversed)
		}
	}
	return ordered
}
