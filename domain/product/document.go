package product

// Document is one paper a kind of borrower brings (申请资料). A key paper must be there before the case is accepted; another
// may follow within DeferDaysMax days against a signed promise (容缺受理).
type Document struct {
	BorrowerKind string
	Type         string // "id_card", "land_contract", …
	Key          bool
	DeferDaysMax int    // days; above 0 only where Key is false
	Blocks       string // BlocksNextDraw…: what stays shut while a deferred paper is missing; "": nothing stated
	Expires      bool   // the paper has a date after which it no longer counts
	Sample       bool   // a placeholder of ours, not from a source
}

// What a missing deferred paper keeps shut.
const (
	BlocksNextDraw     = "next_draw"    // 下一次支用
	BlocksDisbursement = "disbursement" // 放款
)

// The types of paper (资料类型).
const (
	DocumentIDCard               = "id_card"                // 居民身份证
	DocumentHouseholdRegister    = "household_register"     // 户口簿
	DocumentLandContract         = "land_contract"          // 土地承包（流转）合同
	DocumentCreditEnquiryConsent = "credit_enquiry_consent" // 征信查询授权书
	DocumentPurposeEvidence      = "purpose_evidence"       // 用途证明
	DocumentBusinessLicence      = "business_licence"       // 营业执照
	DocumentTradePermit          = "trade_permit"           // 行业许可证
	DocumentBankStatement        = "bank_statement"         // 银行流水
	DocumentChairIDCard          = "chair_id_card"          // 理事长身份证
	DocumentMemberResolution     = "member_resolution"      // 成员（代表）大会决议
	DocumentShareRegister        = "share_register"         // 成员出资清单
)

// DocumentTypes lists every type of paper.
func DocumentTypes() []string {
	return []string{
		DocumentIDCard, DocumentHouseholdRegister, DocumentLandContract, DocumentCreditEnquiryConsent,
		DocumentPurposeEvidence, DocumentBusinessLicence, DocumentTradePermit, DocumentBankStatement,
		DocumentChairIDCard, DocumentMemberResolution, DocumentShareRegister,
	}
}

// DocumentsFor returns the papers a kind of borrower brings.
func (t Terms) DocumentsFor(borrowerKind string) []Document {
	var documents []Document
	for _, d := range t.Documents {
		if d.BorrowerKind == borrowerKind {
			documents = append(documents, d)
		}
	}
	return documents
}
