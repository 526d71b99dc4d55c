package origination

import (
	"context"
	"slices"
	"strings"
	"time"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/product"
	"fumin/domain/staff"
)

// ControlStatus is what the self-test of a configured limit found (自检结果).
type ControlStatus string

// The statuses of a control.
const (
	ControlHolds         ControlStatus = "holds"          // 有效: what lies beyond the limit is refused, what lies within is not
	ControlBroken        ControlStatus = "broken"         // 失效: Finding says how
	ControlNotConfigured ControlStatus = "not_configured" // 未配置: nothing is limited here; Finding says what that means
)

// ControlStatuses lists every status.
func ControlStatuses() []ControlStatus {
	return []ControlStatus{ControlHolds, ControlBroken, ControlNotConfigured}
}

// ControlProof is one attempt that a configured limit must refuse, and what became of it (控制自检). All texts are Chinese.
type ControlProof struct {
	Control string // the control's code, kebab-case
	Label   string // 中文名称
	Subject string // 在哪里设置: the product version, authority, rule set or company that sets the limit
	Limit   string // 现行值
	Tried   string // just beyond the limit
	// RefusedBy is the code of the refusal or of the rule, and Refused what it said; empty when nothing refused.
	RefusedBy, Refused string
	Within             string // what was tried just within the limit, and passed; empty where there is no such thing
	Status             ControlStatus
	Finding            string // what is wrong, or what it means that nothing is configured; empty with ControlHolds
}

// ControlProofsMax bounds the proofs of one answer; the configuration of a lender has fewer rows.
const ControlProofsMax = 20_000

// control is one kind of configured limit with its self-test. The test reads the live configuration and tries, on a case that
// exists on paper only, what the limit must refuse and what it must let pass, by the same functions that decide in earnest.
// Its Reader cannot write.
type control struct {
	code, label string
	limits      []string // what it proves, as ConfiguredLimits names it
	prove       func(ctx context.Context, c *configuration, p *proofs)
}

// controls is the registry: whoever configures a limit adds its name here, or one line and one function. A test holds it
// against ConfiguredLimits.
var controls = []control{
	{"product-terms", "产品条件（规则集拒绝）", limitsOfTerms(
		product.TermAmountMin, product.TermAmountMax, product.TermTermMonthsMin, product.TermTermMonthsMax, product.TermAgeMin, product.TermAgePlusTermMax,
		product.TermBusinessAgeMonths, product.TermForbiddenPurposes, product.TermQuickApprovalMax, product.TermSiteVisitRequired,
		product.TermGuarantee, product.TermDocuments,
	), proveTermsByRules},
	{"rule-set", "规则集各条准入规则", []string{"rule_set"}, proveRuleSets},
	{"approval-bounds", "审批不得超出产品范围", limitsOfTerms(
		product.TermAmountMin, product.TermAmountMax, product.TermTermMonthsMin, product.TermTermMonthsMax, product.TermPrice,
	), proveApprovalBounds},
	{"repayment-method", "还款方式", limitsOfTerms(product.TermRepaymentMethods), proveRepaymentMethods},
	{"override-required", "超出申请或规则须例外审批", []string{"authority:override"}, proveOverrideRequired},
	{"authority-ceiling", "审批权限上限", []string{"authority:approve", "authority:override"}, proveAuthorities},
	{"authority-needed", "没有权限不得审批", []string{"authority:approve"}, proveAuthorityNeeded},
	{"committee", "贷审会起点、法定人数和表决比例", []string{"authority:committee"}, proveCommittees},
	{"delegation", "不得转授给自己、不得再转授", []string{"delegation"}, proveDelegations},
	{"product-exposure", "产品单户授信上限", limitsOfTerms(product.TermAmountMax), proveProductExposure},
	{"lender-exposure", "本行单户授信上限", []string{"lender_limit"}, proveLenderExposure},
	{"member-signatures", "合作社成员签字", limitsOfTerms(product.TermMemberSignatures), proveMemberSignatures},
	{"payment-conditions", "放款条件", gateLimits(), provePaymentGate},
	{"cooling-off", "冷静期", limitsOfTerms(product.TermCoolingOffHours, product.TermCoolingOffWaivable), proveCoolingOff},
	{"entrusted-payment", "受托支付起点", limitsOfTerms(product.TermEntrustedPayment), proveEntrustedPayment},
	{"guarantee-letter", "担保函起点", limitsOfTerms(product.TermGuarantee), proveGuaranteeLetter},
	{"guarantee-answer", "担保费率和配偶反担保上限", limitsOfTerms(product.TermGuarantee, product.TermGuaranteeFeeGrain), proveGuaranteeAnswers},
	{"guarantee-quota", "农担公司担保额度", []string{"guarantee_quota"}, proveGuaranteeQuotas},
	{"line-draw", "额度和单次支用限额", limitsOfTerms(product.TermAmountMax, product.TermDrawMin, product.TermDrawMax), proveDraws},
	{"renewal", "无还本续贷时间", limitsOfTerms(product.TermRenewalDays), proveRenewals},
	{"separation", "经办、调查、审批、放款分离", []string{"separation"}, proveSeparation},
	{"activation", "起草人不得启用", []string{"activation"}, proveActivation},
	{"day-balance", "账不平不得关账", []string{"day_balance"}, proveDayBalance},
}

// termsWithoutLimit are the product terms that refuse nobody anything, with the reason.
var termsWithoutLimit = map[product.TermName]string{ //nolint:exhaustive // the others have a limit
	product.TermReliefs:             "lowers a price; the price itself is held by approval-bounds",
	product.TermInterestSubsidyPct:  "computes what the state pays; nothing is refused by it",
	product.TermPurposeEvidenceDays: "sets the day on which proof of use falls due; that what is overdue blocks is gate:papers-in",
}

// ConfiguredLimits names every kind of limit that is set as data: product terms, kinds of authority, conditions of paying, and
// the rows of their own tables. It is what the registry of controls has to cover.
func ConfiguredLimits() []string {
	var limits []string
	for _, name := range product.TermNames() {
		if _, none := termsWithoutLimit[name]; !none {
			limits = append(limits, termLimit(name))
		}
	}
	for _, kind := range staff.AuthorityKinds() {
		limits = append(limits, "authority:"+string(kind))
	}
	for _, check := range paymentChecks {
		limits = append(limits, "gate:"+check.Name)
	}
	return append(limits, "rule_set", "lender_limit", "delegation", "guarantee_quota", "separation", "activation", "day_balance")
}

// ControlCodes lists the codes of the registered controls, in their order.
func ControlCodes() []string {
	codes := make([]string, len(controls))
	for i, c := range controls {
		codes[i] = c.code
	}
	return codes
}

// ControlledLimits names what the registered controls prove, as ConfiguredLimits does.
func ControlledLimits() []string {
	var limits []string
	for _, c := range controls {
		limits = append(limits, c.limits...)
	}
	return limits
}

func termLimit(name product.TermName) string { return "term:" + string(name) }

func limitsOfTerms(names ...product.TermName) []string {
	limits := make([]string, len(names))
	for i, name := range names {
		limits[i] = termLimit(name)
	}
	return limits
}

// configuration is what is in force today, read once, and the reads of everything else.
type configuration struct {
	Reader

	at           time.Time
	today        domain.Date
	authorities  []staff.Authority
	unreadable   error // why the authorities cannot be read; nil: they can
	lenderLimits []LenderLimit
	offers       []offer
}

// Controls runs every self-test against the configuration as it is now.
func (s *Reviews) Controls(ctx context.Context, by domain.Actor) ([]ControlProof, error) {
	if err := by.Require(domain.RoleRiskManager, domain.RoleAuditor, domain.RoleAdmin); err != nil {
		return nil, err
	}
	at := s.now()
	c := &configuration{Reader: s.store, at: at, today: domain.DateOf(at)}
	var err error
	if c.authorities, err = c.AuthoritiesInForce(ctx, c.today); err != nil {
		if _, refused := refusal(err); !refused {
			return nil, err
		}
		c.unreadable = err // a row that cannot be: nobody can approve by any
	}
	if c.lenderLimits, err = c.LenderLimits(ctx); err != nil {
		return nil, err
	}
	if c.offers, err = offersOf(ctx, c, newEngines()); err != nil { // fresh engines: what is stored now, and not what was compiled once
		return nil, err
	}
	var all []ControlProof
	for _, control := range controls {
		p := proofs{control: control.code, label: control.label, room: ControlProofsMax - len(all)}
		control.prove(ctx, c, &p)
		if p.err != nil {
			return nil, p.err
		}
		all = append(all, p.list...)
	}
	return all, nil
}

// proofs collects what one control found. An error that is no refusal fails the run: a database that is away proves nothing.
type proofs struct {
	control, label string
	room           int
	list           []ControlProof
	err            error
}

// add weighs one attempt: beyond the limit it must have been refused, by that limit and not by something else, and within it
// must have passed.
func (p *proofs) add(proof ControlProof, code string, beyond, within error) {
	for _, err := range []error{beyond, within} {
		if _, refused := refusal(err); err != nil && !refused {
			p.fail(err)
			return
		}
	}
	proof.Status, proof.RefusedBy, proof.Refused = ControlHolds, refusalCode(beyond), refusalText(beyond)
	switch {
	case beyond == nil:
		proof.Status, proof.Finding = ControlBroken, "超出限额没有被拒绝"
	case !slices.Contains(strings.Split(proof.RefusedBy, codesSeparator), code):
		proof.Status, proof.Finding = ControlBroken, "拒绝的原因不是这项限制（"+code+"）："+proof.Refused
	case within != nil:
		proof.Status, proof.Finding = ControlBroken, "限额以内也被拒绝："+refusalText(within)
	}
	p.put(proof)
}

// none says that nothing is limited here.
func (p *proofs) none(subject, meaning string) {
	p.put(ControlProof{Subject: subject, Status: ControlNotConfigured, Finding: meaning})
}

// unreadable says that no authority can be read, if that is so.
func (p *proofs) unreadable(c *configuration) bool {
	if c.unreadable != nil {
		p.broken(ControlProof{Subject: "全部审批权限"}, "有一条审批权限不合规定，无法读取，也就不能审批："+refusalText(c.unreadable))
	}
	return c.unreadable != nil
}

// broken says what is wrong where there was nothing to weigh.
func (p *proofs) broken(proof ControlProof, finding string) {
	proof.Status, proof.Finding = ControlBroken, finding
	p.put(proof)
}

func (p *proofs) put(proof ControlProof) {
	if len(p.list) < p.room {
		proof.Control, proof.Label = p.control, p.label
		p.list = append(p.list, proof)
	}
}

func (p *proofs) fail(err error) {
	if p.err == nil {
		p.err = err
	}
}

// codesSeparator stands between the codes of several fields.
const codesSeparator = "、"

// refusalCode is the code of a refusal; of wrong fields the codes of the fields.
func refusalCode(err error) string {
	refused, _ := refusal(err)
	if refused == nil || refused.Kind != domain.KindInvalid || len(refused.Fields) == 0 {
		return domain.CodeOf(err)
	}
	codes := make([]string, len(refused.Fields))
	for i, f := range refused.Fields {
		codes[i] = f.Code
	}
	return strings.Join(codes, codesSeparator)
}

// refusalText is what a refusal says to a person; empty when there was none.
func refusalText(err error) string {
	refused, _ := refusal(err)
	if refused == nil {
		return ""
	}
	if refused.Kind != domain.KindInvalid || len(refused.Fields) == 0 {
		return refused.Detail
	}
	texts := make([]string, len(refused.Fields))
	for i, f := range refused.Fields {
		texts[i] = f.Detail
	}
	return strings.Join(texts, "；")
}

// fen is the smallest step above a limit.
var fen = money.Fen(1)

// The people of the self-tests. They exist nowhere else.
var (
	paperOfficer      = domain.Actor{ID: "00000000-0000-7000-8000-000000000001", Name: "自检经办人", Role: domain.RoleLoanOfficer}
	paperApprover     = domain.Actor{ID: "00000000-0000-7000-8000-000000000002", Name: "自检审批人", Role: domain.RoleApprover}
	paperReleaser     = domain.Actor{ID: "00000000-0000-7000-8000-000000000003", Name: "自检放款岗", Role: domain.RoleDisbursementOfficer}
	paperInvestigator = domain.Actor{ID: "00000000-0000-7000-8000-000000000004", Name: "自检调查人", Role: domain.RoleLoanOfficer}
	paperKeeper       = domain.Actor{ID: "00000000-0000-7000-8000-000000000005", Name: "自检风险经理", Role: domain.RoleRiskManager}
	paperVoter        = domain.Actor{ID: "00000000-0000-7000-8000-000000000007", Name: "自检贷审会委员", Role: domain.RoleRiskManager}
	paperCompany      = domain.Actor{ID: "00000000-0000-7000-8000-000000000006", Name: "自检农担公司", Role: domain.RoleGuaranteeOfficer}
)

// The things of the self-tests.
const (
	paperApplicationID domain.ID = "00000000-0000-7000-8000-000000000011"
	paperBranchID      domain.ID = "00000000-0000-7000-8000-000000000012"
	paperBorrowerID    domain.ID = "00000000-0000-7000-8000-000000000013"
	paperThingID       domain.ID = "00000000-0000-7000-8000-000000000014"
	paperOtherID       domain.ID = "00000000-0000-7000-8000-000000000015"
)

// paperCase is a case on paper (纸上案例): what it answers for is made up for one attempt, and every other read is of the live
// database. It is a Reader and cannot write.
type paperCase struct {
	Reader

	hold          *loan.HoldRecord
	line          loan.LineRecord
	plan          []loan.Tranche
	waived        bool
	paid          bool          // a payment was made before
	kind          borrower.Kind // of the borrower
	bare          bool          // no papers were handed in
	overdue       *loan.ObligationRecord
	guarantee     *loan.GuaranteeRecord
	tasks         []loan.Task
	investigators []domain.ID
	votes         []loan.Vote
	exposures     []ExposureSum
	quotaHeld     map[string]money.Amount // by region prefix
}

func (c *configuration) paper() paperCase { return paperCase{Reader: c.Reader} }

// HeldUntil implements HoldReader.
func (p paperCase) HeldUntil(context.Context, domain.ID, time.Time) (loan.HoldRecord, bool, error) {
	if p.hold == nil {
		return loan.HoldRecord{}, false, nil
	}
	return *p.hold, true, nil
}

// Line implements LineReader.
func (p paperCase) Line(context.Context, domain.Scope, domain.ID) (loan.LineRecord, error) {
	return p.line, nil
}

// Tranches implements TrancheReader.
func (p paperCase) Tranches(context.Context, domain.ID) ([]loan.Tranche, error) { return p.plan, nil }

// DisbursementsOfCase implements DisbursementReader.
func (p paperCase) DisbursementsOfCase(context.Context, domain.ID) ([]loan.DisbursementRecord, error) {
	if !p.paid {
		return nil, nil
	}
	before := selfPayment(fen)
	before.ID, before.Tranche = paperOtherID, paperTrancheBefore
	return []loan.DisbursementRecord{before}, nil
}

// paperTrancheBefore is the tranche of a payment that was made before, which is none of those that are tried.
const paperTrancheBefore = 99

// Borrower implements BorrowerReader.
func (p paperCase) Borrower(context.Context, domain.Scope, domain.ID) (borrower.Borrower, error) {
	return borrower.Borrower{ID: paperBorrowerID, Kind: p.kind}, nil
}

// Documents implements DocumentReader: the file is complete, or there is nothing in it.
func (p paperCase) Documents(context.Context, domain.Scope, domain.ID) ([]Document, error) {
	if p.bare {
		return nil, nil
	}
	types := product.DocumentTypes()
	documents := make([]Document, len(types))
	for i, kind := range types {
		documents[i] = Document{Type: kind}
	}
	return documents, nil
}

// OverdueObligation implements ObligationReader.
func (p paperCase) OverdueObligation(context.Context, domain.ID, domain.Date) (loan.ObligationRecord, bool, error) {
	if p.overdue == nil {
		return loan.ObligationRecord{}, false, nil
	}
	return *p.overdue, true, nil
}

// Waiver implements SignatureReader.
func (p paperCase) Waiver(context.Context, domain.ID) (loan.Waiver, bool, error) {
	return loan.Waiver{}, p.waived, nil
}

// LiveGuarantee implements GuaranteeReader.
func (p paperCase) LiveGuarantee(context.Context, domain.ID) (loan.GuaranteeRecord, bool, error) {
	if p.guarantee == nil {
		return loan.GuaranteeRecord{}, false, nil
	}
	return *p.guarantee, true, nil
}

// GuaranteeQuotaHeld implements GuaranteeReader.
func (p paperCase) GuaranteeQuotaHeld(_ context.Context, _ domain.ID, regionPrefix string) (money.Amount, error) {
	return p.quotaHeld[regionPrefix], nil
}

// Investigators implements ReviewReader.
func (p paperCase) Investigators(context.Context, domain.ID) ([]domain.ID, error) {
	return p.investigators, nil
}

// TasksOfApplication implements ReviewReader.
func (p paperCase) TasksOfApplication(context.Context, domain.Scope, domain.ID) ([]loan.Task, error) {
	return p.tasks, nil
}

// Votes implements ReviewReader.
func (p paperCase) Votes(context.Context, domain.ID, domain.ID) ([]loan.Vote, error) {
	return p.votes, nil
}

// DelegationsTouching implements AuthorityReader: nobody stands in for anybody.
func (p paperCase) DelegationsTouching(context.Context, []domain.ID, domain.Date) ([]staff.Delegation, error) {
	return nil, nil
}

// ExposureSums implements ExposureReader.
func (p paperCase) ExposureSums(context.Context, ExposureUnit, ...domain.ID) ([]ExposureSum, error) {
	return p.exposures, nil
}

// NotesOfBorrower implements LineReader: no loan before.
func (p paperCase) NotesOfBorrower(context.Context, domain.ID) ([]loan.NoteRecord, error) {
	return nil, nil
}

// LiveRenewal implements LineReader: none is under way.
func (p paperCase) LiveRenewal(context.Context, domain.ID) (loan.Record, bool, error) {
	return loan.Record{}, false, nil
}
