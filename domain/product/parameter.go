package product

import (
	"unicode/utf8"

	"fumin/domain"
	"fumin/domain/money"
)

// Parameter is a sum the lender sets for the whole house, across products (全行参数). Note says where it comes from; where we
// could not read the text of the rule ourselves it says so: configure to your compliance office's reading.
type Parameter struct {
	Name   string       // one of the Parameter… constants
	Kind   string       // a purpose kind where the parameter differs by it; otherwise empty
	Amount money.Amount // yuan
	Note   string
}

// The parameters.
const (
	ParameterEntrustedPaymentFrom      = "entrusted_payment_from"                // 受托支付起点
	ParameterInclusiveFarmerMax        = "inclusive_farmer_exposure_max"         // 普惠型农户经营性贷款单户授信上限
	ParameterInclusiveSmallBusinessMax = "inclusive_small_business_exposure_max" // 普惠型小微企业贷款单户授信上限
	parameterNoteLengthMax             = TextLengthMax
)

// Validate names everything that is wrong with the parameter.
func (p Parameter) Validate() error {
	var problems domain.Problems
	perKind := false
	switch p.Name {
	case ParameterEntrustedPaymentFrom:
		perKind = true
	case ParameterInclusiveFarmerMax, ParameterInclusiveSmallBusinessMax:
	default:
		problems.Add("/name", "invalid-enum", "“%s”不是已知的参数", p.Name)
	}
	switch known := p.Kind == PurposeKindProduction || p.Kind == PurposeKindConsumption; {
	case perKind && !known:
		problems.Add("/kind", "invalid-enum", "用途类别应为 production（生产经营）或 consumption（消费）")
	case !perKind && p.Kind != "":
		problems.Add("/kind", "not-allowed", "这项参数不分用途类别")
	}
	if p.Amount.Sign() <= 0 {
		problems.Add("/amount", "not-positive", "金额应大于零")
	}
	if n := utf8.RuneCountInString(p.Note); n == 0 || n > parameterNoteLengthMax {
		problems.Add("/note", "required", "请写明依据（1 至 %d 个字）", parameterNoteLengthMax)
	}
	return problems.Err()
}

// EntrustedPaymentOf turns the house's parameters into the thresholds of a product's terms.
func EntrustedPaymentOf(parameters []Parameter) []EntrustedPaymentAmount {
	var thresholds []EntrustedPaymentAmount
	for _, p := range parameters {
		if p.Name == ParameterEntrustedPaymentFrom {
			thresholds = append(thresholds, EntrustedPaymentAmount{PurposeKind: p.Kind, Above: p.Amount})
		}
	}
	return thresholds
}
