package product

import "fumin/domain/schedule"

// labels holds the Chinese word of every code the catalogue uses. Codes are unique across their kinds.
var labels = map[string]string{
	BorrowerFarmer:           "农户",
	BorrowerFamilyFarmOwner:  "家庭农场主",
	BorrowerCooperativeChair: "农民专业合作社理事长",
	BorrowerSoleProprietor:   "个体工商户",
	BorrowerSmallEnterprise:  "小微企业",
	BorrowerCooperative:      "农民专业合作社",

	string(ExposureHousehold): "按户",
	string(ExposureBorrower):  "按借款人",

	string(ChannelTablet):        "移动展业平板",
	string(ChannelMobile):        "手机银行",
	string(ChannelCounter):       "柜面",
	string(ChannelPhoneAssisted): "电话帮办",

	string(PartnerGuaranteeCompany):          "农业融资担保公司",
	string(PartnerRuralRevitalisationBureau): "乡村振兴局",

	string(schedule.EqualInstalment):    "等额本息",
	string(schedule.EqualPrincipal):     "等额本金",
	string(schedule.InterestOnlyBullet): "先息后本",
	string(schedule.LumpSum):            "到期一次性还本付息",
	string(schedule.Seasonal):           "按收获季还款",
	string(schedule.FlatAddOn):          "等本等息",

	string(GuaranteeCredit):  "信用（无需担保）",
	string(GuaranteeCompany): "农业融资担保公司担保",

	DocumentIDCard:               "居民身份证",
	DocumentHouseholdRegister:    "户口簿",
	DocumentLandContract:         "土地承包（流转）合同",
	DocumentCreditEnquiryConsent: "征信查询授权书",
	DocumentPurposeEvidence:      "用途证明",
	DocumentBusinessLicence:      "营业执照",
	DocumentTradePermit:          "行业许可证",
	DocumentBankStatement:        "银行流水",
	DocumentChairIDCard:          "理事长居民身份证",
	DocumentMemberResolution:     "成员（代表）大会决议",
	DocumentShareRegister:        "成员出资清单",

	BlocksNextDraw:     "再次支用",
	BlocksDisbursement: "放款",

	PurposeLivingCosts:     "生活消费",
	PurposeHouse:           "购房、建房",
	PurposeWealthProducts:  "购买理财产品",
	PurposeOnLending:       "转贷或民间借贷",
	PurposeEquity:          "股权投资或炒股",
	PurposeTransferToShell: "转入空壳公司",
	PurposeKindProduction:  "生产经营",
	PurposeKindConsumption: "消费",

	IndustryEpidemicHit: "受疫情影响的行业",

	string(StatusDraft):     "草稿",
	string(StatusValidated): "已校验",
	string(StatusActive):    "已生效",
}

// IndustryEpidemicHit are trades hit by an epidemic (受疫情影响的行业), for which some products lower the spread.
const IndustryEpidemicHit = "epidemic_hit"

// Label returns the Chinese word for a code of the catalogue (a borrower kind, channel, document, purpose, repayment
// method …), or the code itself where a lender has added one of its own.
func Label(code string) string {
	if label, ok := labels[code]; ok {
		return label
	}
	return code
}
