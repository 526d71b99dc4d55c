package loan

import "slices"

// Purpose is what the money is for (贷款用途). Every purpose that people ask for has a code, also those that products
// forbid: an application for a forbidden one is declined with its reason, not turned away at the counter.
type Purpose string

// The purposes. The forbidden ones carry the words of the product catalogue.
const (
	PurposePlanting               Purpose = "planting"                  // 种植
	PurposeLivestock              Purpose = "livestock"                 // 养殖
	PurposeFacility               Purpose = "facility"                  // 棚舍、设施建设与修缮
	PurposeEquipment              Purpose = "equipment"                 // 农机、设备购置
	PurposeProcessing             Purpose = "processing"                // 农产品加工
	PurposeTrade                  Purpose = "trade"                     // 农产品流通、商贸经营
	PurposeWorkingCapital         Purpose = "working_capital"           // 生产经营周转
	PurposeLivingCosts            Purpose = "living_costs"              // 生活消费
	PurposeHouse                  Purpose = "house"                     // 购房、建房
	PurposeWealthProducts         Purpose = "wealth_products"           // 理财
	PurposeOnLending              Purpose = "on_lending"                // 转贷
	PurposeEquity                 Purpose = "equity"                    // 股权投资
	PurposeTransferToShellCompany Purpose = "transfer_to_shell_company" // 转入空壳公司
)

// Purposes lists every purpose.
func Purposes() []Purpose {
	return []Purpose{
		PurposePlanting, PurposeLivestock, PurposeFacility, PurposeEquipment, PurposeProcessing, PurposeTrade,
		PurposeWorkingCapital, PurposeLivingCosts, PurposeHouse, PurposeWealthProducts, PurposeOnLending, PurposeEquity,
		PurposeTransferToShellCompany,
	}
}

// Valid reports whether p is one of Purposes.
func (p Purpose) Valid() bool { return slices.Contains(Purposes(), p) }

// Label is the purpose in Chinese, as it stands in a contract.
func (p Purpose) Label() string {
	switch p {
	case PurposePlanting:
		return "种植"
	case PurposeLivestock:
		return "养殖"
	case PurposeFacility:
		return "棚舍、设施建设与修缮"
	case PurposeEquipment:
		return "农机、设备购置"
	case PurposeProcessing:
		return "农产品加工"
	case PurposeTrade:
		return "农产品流通、商贸经营"
	case PurposeWorkingCapital:
		return "生产经营周转"
	case PurposeLivingCosts:
		return "生活消费"
	case PurposeHouse:
		return "购房、建房"
	case PurposeWealthProducts:
		return "理财"
	case PurposeOnLending:
		return "转贷"
	case PurposeEquity:
		return "股权投资"
	case PurposeTransferToShellCompany:
		return "转入空壳公司"
	}
	return string(p)
}
