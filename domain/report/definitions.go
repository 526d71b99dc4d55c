package report

import "slices"

// The reports.
const (
	ApplicationLedger  Code = "application-ledger"  // 进件台账
	Turnaround         Code = "turnaround"          // 审批时效
	DisbursementLedger Code = "disbursement-ledger" // 放款台账
	LineUse            Code = "line-use"            // 授信用信
	GuaranteeLedger    Code = "guarantee-ledger"    // 担保台账
	ExceptionsAndHolds Code = "exceptions-holds"    // 异常与冻结
	StaffWork          Code = "staff-work"          // 网点人员业绩
	VillagePenetration Code = "village-penetration" // 整村授信覆盖
	InclusiveFlags     Code = "inclusive-flags"     // 涉农普惠口径
	DeclineReasons     Code = "decline-reasons"     // 拒绝原因
	BookBalance        Code = "book-balance"        // 全部贷款余额
)

// All returns every report, in the order in which they are listed.
func All() []Definition { return slices.Clone(definitions) }

// ByCode returns the report of a code.
func ByCode(code Code) (Definition, bool) {
	i := slices.IndexFunc(definitions, func(d Definition) bool { return d.Code == code })
	if i < 0 {
		return Definition{}, false
	}
	return definitions[i], true
}

func columns(own ...Column) []Column { return slices.Concat(branchColumns, own) }

// Columns that several reports share, so that a word means one thing.
var (
	columnApplicationNo = Column{Code: "application_no", Heading: "申请编号", Type: TypeCode, Definition: "贷款申请的编号"}
	columnProductCode   = Column{Code: "product_code", Heading: "产品代码", Type: TypeCode, Definition: "贷款产品的代码"}
	columnRegionCode    = Column{Code: "region_code", Heading: "行政区划", Type: TypeCode, Definition: "申请建立时借款人家庭所在的行政区划代码"}
	columnBorrowerKind  = Column{Code: "borrower_kind", Heading: "借款人类型", Type: TypeCode, Definition: "借款人档案中的类型"}
	columnBorrowerName  = Column{Code: "borrower_name", Heading: "借款人", Type: TypeText, Personal: true, Definition: "借款人姓名或名称；默认只显示姓氏"}
	columnTermMonths    = Column{Code: "term_months", Heading: "期限", Type: TypeInteger, Unit: "个月", Definition: "申请或合同的期限"}
	columnChannel       = Column{Code: "channel", Heading: "渠道", Type: TypeCode, Definition: "mobile：借款人本人经手机银行提出；branch：由员工提出"}
	columnPurpose       = Column{Code: "purpose", Heading: "用途", Type: TypeCode, Definition: "申请的贷款用途"}
)

func counted(code, heading, definition string) Column {
	return Column{Code: code, Heading: heading, Type: TypeInteger, Definition: definition, Total: true}
}

func summed(code, heading, definition string) Column {
	return Column{Code: code, Heading: heading, Type: TypeAmount, Unit: "元", Definition: definition, Total: true}
}

func coded(code, heading, definition string) Column {
	return Column{Code: code, Heading: heading, Type: TypeCode, Definition: definition}
}

func stamped(code, heading, definition string) Column {
	return Column{Code: code, Heading: heading, Type: TypeInstant, Definition: definition}
}

// definitions are written once; every format, the list of reports and the documentation read them here.
var definitions = []Definition{
	{
		Code: ApplicationLedger, Title: "进件台账", Period: PeriodRange,
		Description: "每笔申请一行：起止日期内建立的申请，状态与金额以截至营业日终了时为准。",
		Columns: columns(
			columnApplicationNo, columnProductCode, columnRegionCode, columnBorrowerKind, columnBorrowerName, columnChannel, columnPurpose,
			stamped("opened_at", "建档时间", "申请建立的时间"),
			stamped("submitted_at", "提交时间", "截至营业日最后一次提交的时间"),
			coded("status", "状态", "截至营业日终了时的申请状态"),
			columnTermMonths,
			summed("amount", "申请金额", "截至营业日终了时的申请金额"),
			summed("approved_amount", "批准金额", "截至营业日终了时有效的批准金额；未批准、已撤回、已失效为空"),
		),
	},
	{
		Code: Turnaround, Title: "审批时效", Period: PeriodRange,
		Description: "按机构、产品、渠道汇总：起止日期内首次提交的申请，从提交到答复、从提交到到账的时间。中位数与九成分位数按最近秩法，" +
			"单位为小时，保留两位小数，四舍五入。只统计截至营业日已有答复（到账）的申请。",
		Columns: columns(
			columnProductCode, columnChannel,
			counted("submitted", "提交笔数", "起止日期内首次提交的申请"),
			counted("answered", "答复笔数", "其中截至营业日已批准或拒绝的"),
			Column{Code: "answer_hours_median", Heading: "答复时间中位数", Type: TypeDecimal, Unit: "小时", Definition: "首次提交到首次批准或拒绝"},
			Column{Code: "answer_hours_p90", Heading: "答复时间九成分位", Type: TypeDecimal, Unit: "小时", Definition: "九成申请在此时间内得到答复"},
			counted("paid", "到账笔数", "其中截至营业日已有款项到账的"),
			Column{Code: "money_hours_median", Heading: "到账时间中位数", Type: TypeDecimal, Unit: "小时", Definition: "首次提交到首笔款项到账"},
			Column{Code: "money_hours_p90", Heading: "到账时间九成分位", Type: TypeDecimal, Unit: "小时", Definition: "九成申请在此时间内到账"},
		),
	},
	{
		Code: DisbursementLedger, Title: "放款台账", Period: PeriodRange,
		Description: "每笔付款一行：起止日期内到账的付款。一笔放款有几个收款人就有几行。其后的冲正另有记录，不改本表的行。",
		Columns: columns(
			columnApplicationNo, columnProductCode, columnRegionCode, columnBorrowerName,
			coded("transfer_id", "付款编号", "付款的编号，也是渠道的幂等键"),
			stamped("paid_at", "到账时间", "渠道确认支付成功的时间"),
			Column{Code: "payee_name", Heading: "收款人", Type: TypeText, Personal: true, Definition: "收款账户的户名"},
			Column{Code: "payee_account", Heading: "收款账号", Type: TypeCode, Personal: true, Definition: "收款账号的后四位；经授权查看时为完整账号"},
			coded("payment_method", "支付方式", "self：自主支付；entrusted：受托支付"),
			coded("channel_reference", "渠道流水号", "渠道自己的编号"),
			summed("amount", "金额", "到账金额"),
		),
	},
	{
		Code: LineUse, Title: "授信用信", Period: PeriodSnapshot,
		Description: "每份合同一行：截至营业日终了时的授信额度及其使用。",
		Columns: columns(
			columnApplicationNo, columnProductCode, columnRegionCode, columnBorrowerName,
			Column{Code: "revolving", Heading: "循环额度", Type: TypeFlag, Definition: "还款后可否再用"},
			Column{Code: "starts_on", Heading: "起始日", Type: TypeDate, Definition: "额度起始日"},
			Column{Code: "ends_on", Heading: "到期日", Type: TypeDate, Definition: "额度到期日"},
			coded("status", "额度状态", "截至营业日终了时：live 正常，held 冻结，ended 终止（含已续贷、冷静期内撤回）"),
			summed("limit", "额度", "合同额度，不论额度状态"),
			summed("outstanding", "已用", "截至营业日终了时的贷款本金余额"),
			summed("reserved", "占用", "已申请放款、尚未到账的金额"),
			summed("free", "可用", "截至营业日终了时可以再支用的金额；额度冻结、终止或已到期（营业日不早于到期日）的为 0.00"),
			summed("drawn_total", "累计放款", "累计到账金额"),
			summed("repaid_total", "累计还本", "累计归还的本金"),
		),
	},
	{
		Code: GuaranteeLedger, Title: "担保与反担保", Period: PeriodSnapshot,
		Description: "每笔农担公司担保一行：截至营业日终了时的状态。",
		Columns: columns(
			columnApplicationNo, columnProductCode, columnRegionCode, columnBorrowerName,
			coded("company_code", "农担公司", "农担公司代码"),
			coded("status", "状态", "截至营业日终了时的担保状态"),
			coded("letter_no", "担保函号", "农担公司的担保函编号"),
			Column{Code: "expires_on", Heading: "担保函到期日", Type: TypeDate, Definition: "担保函的有效期"},
			Column{Code: "fee_pct_a_year", Heading: "担保费率", Type: TypeDecimal, Unit: "%/年", Definition: "农担公司答复的年费率"},
			Column{Code: "counter_guarantee", Heading: "反担保", Type: TypeCode, Definition: "农担公司要求的反担保；none：不要求"},
			summed("amount", "担保金额", "申请担保的金额"),
		),
	},
	{
		Code: ExceptionsAndHolds, Title: "异常与冻结", Period: PeriodSnapshot,
		Description: "截至营业日终了时未了结的异常：冻结、结果未知的付款、当日失败的付款、未销的对账差错、逾期未办的审查事项。",
		Columns: columns(
			columnApplicationNo,
			coded("kind", "种类", "hold 冻结；payment_unknown 付款结果未知；payment_failed 付款失败；reconciliation 对账差错；task_overdue 事项逾期"),
			coded("reference", "编号", "该异常的编号"),
			stamped("since", "开始时间", "异常发生的时间"),
			Column{Code: "reason", Heading: "原因", Type: TypeText, Definition: "登记的原因"},
			coded("owner", "责任人", "责任人的用户名；没有时为空"),
			summed("amount", "金额", "涉及的金额；没有时为空"),
		),
	},
	{
		Code: StaffWork, Title: "网点人员业绩", Period: PeriodRange,
		Description: "每名员工一行：起止日期内由其办理的业务。服务点经办与客户经理同口径。",
		Columns: columns(
			coded("username", "用户名", "员工的用户名"),
			Column{Code: "display_name", Heading: "姓名", Type: TypeText, Definition: "员工姓名"},
			coded("role", "岗位", "办理时的岗位"),
			counted("opened", "建档笔数", "起止日期内建立的申请"),
			counted("submitted", "提交笔数", "起止日期内提交的次数"),
			counted("approved", "批准笔数", "起止日期内由其批准的申请"),
			counted("declined", "拒绝笔数", "起止日期内由其拒绝的申请"),
			counted("signed", "签约笔数", "起止日期内由其登记签约的申请"),
			counted("released", "放行笔数", "起止日期内由其放行的放款"),
			summed("opened_amount", "建档金额", "其建立的申请在建立时的申请金额"),
		),
	},
	{
		Code: VillagePenetration, Title: "整村授信覆盖", Period: PeriodSnapshot,
		Description: "每村一行：截至营业日终了时的覆盖情况。户按家庭计，一户多笔只计一户。",
		Columns: columns(
			columnRegionCode,
			counted("households", "农户数", "已建档且未注销的农户"),
			counted("recommended", "推荐户数", "在当日有效的推荐名单内的农户"),
			counted("applied", "申请户数", "提交过申请的农户"),
			counted("approved", "获批户数", "获得过批准的农户"),
			counted("paid", "到账户数", "有过款项到账的农户"),
			summed("paid_amount", "到账金额", "累计到账金额"),
		),
	},
	{
		Code: InclusiveFlags, Title: "涉农普惠口径", Period: PeriodRange,
		Description: "每笔到账付款一行，附按起源日口径认定的标志。口径及其生效日期随行列出，来源见 docs/reports.md；请按贵行合规部门的解释配置。",
		Columns: columns(
			columnApplicationNo, columnProductCode, columnRegionCode, columnBorrowerKind, columnPurpose,
			stamped("paid_at", "到账时间", "渠道确认支付成功的时间"),
			Column{Code: "agricultural", Heading: "涉农", Type: TypeFlag, Definition: "农户贷款，或农村企业、组织的贷款，或用于农林牧渔的贷款"},
			Column{Code: "inclusive", Heading: "普惠", Type: TypeFlag, Definition: "农户经营性贷款或小微企业、个体工商户贷款，且到账时单户授信总额不超过口径上限：借款人当时未终止、未到期的各额度之和，续贷后只计新额度"},
			Column{Code: "farmer", Heading: "农户", Type: TypeFlag, Definition: "借款人为农户或家庭农场主"},
			coded("definition_from", "口径生效日", "所用口径的生效日期"),
			summed("amount", "金额", "到账金额"),
		),
	},
	{
		Code: DeclineReasons, Title: "拒绝原因", Period: PeriodRange,
		Description: "按机构、产品、原因汇总：起止日期内的拒绝。一次拒绝有几个原因就在几行各计一次，因此笔数合计可能大于拒绝笔数。",
		Columns: columns(
			columnProductCode,
			coded("rule_set", "规则集", "作出决策的规则集；人工拒绝为 person"),
			coded("reason_code", "原因代码", "规则代码；人工拒绝为 person"),
			counted("declined", "笔数", "因该原因拒绝的次数"),
			summed("amount", "申请金额", "这些申请在拒绝时的申请金额"),
		),
	},
	{
		Code: BookBalance, Title: "全部贷款余额", Period: PeriodSnapshot,
		Description: "按机构、产品汇总：截至营业日终了时的合同、放款与本金余额。",
		Columns: columns(
			columnProductCode,
			counted("contracts", "合同笔数", "已签约的合同；截至营业日在冷静期内撤回的不计"),
			counted("loans", "放款笔数", "到账的付款"),
			summed("contract_amount", "合同金额", "这些合同的额度合计，续贷的合同与原合同都计"),
			summed("paid_amount", "放款金额", "累计到账金额"),
			summed("reversed_amount", "冲正金额", "累计冲正金额"),
			summed("repaid_amount", "还本金额", "累计归还的本金"),
			summed("balance", "本金余额", "到账减冲正减还本"),
		),
	},
}
