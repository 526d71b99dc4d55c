package loan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"fumin/domain"
	"fumin/domain/money"
)

// Limits of a guarantee company's terms.
const (
	GuaranteeCompaniesMax      = 100
	GuaranteeListMax           = 100 // products, fees or quotas
	GuaranteeCodeMax           = 32
	GuaranteeNameRunesMax      = 100
	GuaranteeCompanyEventsMax  = 500
	guaranteeProductCodeLength = 32
)

// GuaranteeFee is what the company charges a year for amounts in [From, Below) (担保费率).
type GuaranteeFee struct {
	Crop  GuaranteeCrop
	From  money.Amount
	Below money.Amount // 0.00: no upper end
	Pct   money.Rate   // percent a year
}

// GuaranteeQuota is how much the company guarantees at most at one time in a region (担保额度).
type GuaranteeQuota struct {
	RegionPrefix string // "": in total
	Limit        money.Amount
	From         domain.Date
	Until        domain.Date // the last day; zero: no end
}

// holds reports whether the quota is in force on the day.
func (q GuaranteeQuota) holds(on domain.Date) bool {
	return !on.Before(q.From) && (q.Until.IsZero() || !on.After(q.Until))
}

// Label names the quota for people.
func (q GuaranteeQuota) Label() string {
	if q.RegionPrefix == "" {
		return "总额度"
	}
	return "地区 " + q.RegionPrefix + " 额度"
}

// GuaranteeTerms are what was agreed with a company (合作条件).
type GuaranteeTerms struct {
	Name            string
	Products        []string // product codes
	RegionPrefix    string   // where it guarantees: "37"
	CompanySharePct money.Rate
	Fees            []GuaranteeFee
	Quotas          []GuaranteeQuota
	From            domain.Date
	Until           domain.Date // the last day; zero: no end
}

// LenderSharePct is the part of a loss that stays with the lender (银行承担的风险比例).
func (t GuaranteeTerms) LenderSharePct() money.Rate {
	return money.MustParseRate("100").Sub(t.CompanySharePct)
}

// Serves reports whether the company guarantees the product in the region on the day.
func (t GuaranteeTerms) Serves(productCode, region string, on domain.Date) bool {
	return slices.Contains(t.Products, productCode) && strings.HasPrefix(region, t.RegionPrefix) &&
		!on.Before(t.From) && (t.Until.IsZero() || !on.After(t.Until))
}

// FeePct returns the company's own fee for an amount; false when its table has none, and only the product's ceiling holds.
func (t GuaranteeTerms) FeePct(crop GuaranteeCrop, amount money.Amount) (money.Rate, bool) {
	for _, f := range t.Fees {
		if f.Crop == crop && amount.Cmp(f.From) >= 0 && (f.Below.IsZero() || amount.Cmp(f.Below) < 0) {
			return f.Pct, true
		}
	}
	return money.Rate{}, false
}

// QuotasOn returns the quotas a guarantee in the region counts against on the day: the one in total first, and one for each
// prefix of the region that has one. Without one in total there is no quota at all, and false.
func (t GuaranteeTerms) QuotasOn(region string, on domain.Date) (quotas []GuaranteeQuota, ok bool) {
	for _, q := range t.QuotasHolding(on) {
		if strings.HasPrefix(region, q.RegionPrefix) {
			quotas = append(quotas, q)
			ok = ok || q.RegionPrefix == ""
		}
	}
	return quotas, ok
}

// QuotasHolding returns the quotas that are in force on the day, the one in total first.
func (t GuaranteeTerms) QuotasHolding(on domain.Date) []GuaranteeQuota {
	var quotas []GuaranteeQuota
	for _, q := range t.Quotas {
		if q.holds(on) {
			quotas = append(quotas, q)
		}
	}
	slices.SortStableFunc(quotas, func(a, b GuaranteeQuota) int { return strings.Compare(a.RegionPrefix, b.RegionPrefix) })
	return quotas
}

// Validate names all that is wrong with the terms, by the JSON names.
func (t GuaranteeTerms) Validate() error {
	var p domain.Problems
	if n := utf8.RuneCountInString(t.Name); n == 0 || n > GuaranteeNameRunesMax {
		p.Add("/name", "out-of-range", "请填写公司名称，1 至 %d 个字", GuaranteeNameRunesMax)
	}
	if len(t.Products) == 0 || len(t.Products) > GuaranteeListMax {
		p.Add("/products", "out-of-range", "请列出合作的产品，1 至 %d 个", GuaranteeListMax)
	}
	for i, code := range t.Products[:min(len(t.Products), GuaranteeListMax)] {
		if code == "" || len(code) > guaranteeProductCodeLength || slices.Contains(t.Products[:i], code) {
			p.Add("/products/"+strconv.Itoa(i), "invalid-product-code", "产品代码为空、过长或重复")
		}
	}
	checkRegionPrefix(&p, "/region_prefix", t.RegionPrefix)
	if hundred := money.MustParseRate("100"); t.CompanySharePct.Sign() <= 0 || t.CompanySharePct.Cmp(hundred) > 0 {
		p.Add("/company_share_pct", "out-of-range", "农担公司承担的风险比例应大于 0 且不超过 100")
	}
	if t.From.IsZero() {
		p.Add("/from", "required", "必填")
	}
	if !t.Until.IsZero() && t.Until.Before(t.From) {
		p.Add("/until", "date-order", "截止日期不能早于起始日期")
	}
	t.checkFees(&p)
	t.checkQuotas(&p)
	return p.Err()
}

func (t GuaranteeTerms) checkFees(p *domain.Problems) {
	if len(t.Fees) > GuaranteeListMax {
		p.Add("/fees", "too-many", "最多 %d 项", GuaranteeListMax)
		return
	}
	for i, f := range t.Fees {
		at := "/fees/" + strconv.Itoa(i)
		if !f.Crop.Valid() {
			p.Add(at+"/crop", "unknown-value", "应为 grain（粮食类）或 other（其他）")
		}
		if f.From.Sign() < 0 || (!f.Below.IsZero() && f.Below.Cmp(f.From) <= 0) {
			p.Add(at+"/below", "out-of-range", "金额分档的上限应大于下限")
		}
		if f.Pct.Sign() < 0 || f.Pct.Cmp(money.MustParseRate("10")) > 0 {
			p.Add(at+"/pct", "out-of-range", "担保费率应为 0 至 10（%%，每年）")
		}
		for _, other := range t.Fees[:i] {
			if other.Crop == f.Crop && (other.Below.IsZero() || f.From.Cmp(other.Below) < 0) && (f.Below.IsZero() || other.From.Cmp(f.Below) < 0) {
				p.Add(at, "overlap", "与前面的同类分档重叠")
				break
			}
		}
	}
}

func (t GuaranteeTerms) checkQuotas(p *domain.Problems) {
	if len(t.Quotas) > GuaranteeListMax {
		p.Add("/quotas", "too-many", "最多 %d 项", GuaranteeListMax)
		return
	}
	total := false
	for i, q := range t.Quotas {
		at := "/quotas/" + strconv.Itoa(i)
		total = total || q.RegionPrefix == ""
		if q.RegionPrefix != "" {
			checkRegionPrefix(p, at+"/region_prefix", q.RegionPrefix)
		}
		if q.Limit.Sign() < 0 {
			p.Add(at+"/limit", "amount-negative", "额度不能为负")
		}
		if q.From.IsZero() || (!q.Until.IsZero() && q.Until.Before(q.From)) {
			p.Add(at+"/from", "date-order", "请填写起始日期，且不晚于截止日期")
		}
		for _, other := range t.Quotas[:i] {
			if other.RegionPrefix == q.RegionPrefix && (other.Until.IsZero() || !q.From.After(other.Until)) && (q.Until.IsZero() || !other.From.After(q.Until)) {
				p.Add(at, "overlap", "与前面的同一地区额度在日期上重叠")
				break
			}
		}
	}
	if !total {
		p.Add("/quotas", "required", "至少要有一个总额度（region_prefix 为空）")
	}
}

func checkRegionPrefix(p *domain.Problems, pointer, prefix string) {
	valid := strings.Trim(prefix, "0123456789") == ""
	switch len(prefix) {
	case 2, 4, 6, 9, 12:
	default:
		valid = false
	}
	if !valid {
		p.Add(pointer, "invalid-region", "行政区划代码应为 2、4、6、9 或 12 位数字")
	}
}

// GuaranteeCompanyRecord is a guarantee company (农担公司): the terms in force and a draft that waits for a second person.
type GuaranteeCompanyRecord struct {
	ID        domain.ID
	Code      string          // upper-case letters, digits and "-", unique
	Terms     *GuaranteeTerms // in force; nil until the first draft is activated
	Draft     *GuaranteeTerms // waits to be activated; nil when nothing waits
	DraftedBy domain.ID
	Sample    bool // a made-up company of the demo
	Version   int
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Name is the company's name, of the terms in force or else of the draft.
func (r GuaranteeCompanyRecord) Name() string {
	switch {
	case r.Terms != nil:
		return r.Terms.Name
	case r.Draft != nil:
		return r.Draft.Name
	}
	return ""
}

// The actions on a guarantee company.
const (
	ActionCompanyDraft    Action = "company_draft"    // 起草合作条件
	ActionCompanyActivate Action = "company_activate" // 启用合作条件
)

// GuaranteeCompanyEvent is one line of a company's history, with the terms as they were drafted or put in force.
type GuaranteeCompanyEvent struct {
	CompanyID domain.ID
	Version   int
	Action    Action
	ActorID   domain.ID
	ActorName string
	ActorRole domain.Role
	At        time.Time
	Terms     GuaranteeTerms
}

// GuaranteeCompany is what may happen to one.
type GuaranteeCompany struct{ rec GuaranteeCompanyRecord }

// guaranteeKeepers keep what was agreed with the companies.
var guaranteeKeepers = []domain.Role{domain.RoleRiskManager, domain.RoleAdmin, domain.RoleSystem}

// NewGuaranteeCompany drafts a new company.
func NewGuaranteeCompany(by domain.Actor, at time.Time, id domain.ID, code string, sample bool, terms GuaranteeTerms) (*GuaranteeCompany, GuaranteeCompanyEvent, error) {
	var p domain.Problems
	if code == "" || len(code) > GuaranteeCodeMax || strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" {
		p.Add("/code", "invalid-code", "公司代码应为 1 至 %d 个大写字母、数字或“-”", GuaranteeCodeMax)
	}
	if err := p.Err(); err != nil {
		return nil, GuaranteeCompanyEvent{}, err
	}
	c := &GuaranteeCompany{rec: GuaranteeCompanyRecord{ID: id, Code: code, Sample: sample, CreatedAt: at}}
	event, err := c.Propose(by, at, terms)
	return c, event, err
}

// RestoreGuaranteeCompany makes a company of a stored record and refuses one that cannot be.
func RestoreGuaranteeCompany(r GuaranteeCompanyRecord) (*GuaranteeCompany, error) {
	switch {
	case r.ID.IsZero() || r.Code == "" || r.Version < 1 || (r.Terms == nil && r.Draft == nil):
		return nil, fmt.Errorf("guarantee company %s: incomplete", r.ID)
	case (r.Draft == nil) != r.DraftedBy.IsZero():
		return nil, fmt.Errorf("guarantee company %s: a draft of nobody, or nobody's draft", r.ID)
	}
	return &GuaranteeCompany{rec: r}, nil
}

// Record returns what the company is.
func (c *GuaranteeCompany) Record() GuaranteeCompanyRecord { return c.rec }

// Propose drafts other terms, in place of an earlier draft (起草合作条件). They hold once somebody else has activated them.
func (c *GuaranteeCompany) Propose(by domain.Actor, at time.Time, terms GuaranteeTerms) (GuaranteeCompanyEvent, error) {
	if err := by.Require(guaranteeKeepers...); err != nil {
		return GuaranteeCompanyEvent{}, err
	}
	if err := terms.Validate(); err != nil {
		return GuaranteeCompanyEvent{}, err
	}
	c.rec.Draft, c.rec.DraftedBy = &terms, by.ID
	return c.moved(by, at, ActionCompanyDraft, terms), nil
}

// Activate puts the draft in force, by somebody other than who drafted it (四眼原则). The program's own installer may do both.
func (c *GuaranteeCompany) Activate(by domain.Actor, at time.Time) (GuaranteeCompanyEvent, error) {
	if err := by.Require(guaranteeKeepers...); err != nil {
		return GuaranteeCompanyEvent{}, err
	}
	if c.rec.Draft == nil {
		return GuaranteeCompanyEvent{}, domain.Errorf(domain.KindConflict, "nothing-to-activate", "没有等待启用的合作条件，请先起草")
	}
	if by.ID == c.rec.DraftedBy && by.Role != domain.RoleSystem {
		return GuaranteeCompanyEvent{}, domain.Errorf(domain.KindForbidden, "four-eyes", "起草人不能启用自己起草的合作条件，请由另一位风险经理或管理员办理")
	}
	terms := *c.rec.Draft
	c.rec.Terms, c.rec.Draft, c.rec.DraftedBy = &terms, nil, ""
	return c.moved(by, at, ActionCompanyActivate, terms), nil
}

func (c *GuaranteeCompany) moved(by domain.Actor, at time.Time, action Action, terms GuaranteeTerms) GuaranteeCompanyEvent {
	c.rec.Version++
	c.rec.UpdatedAt = at
	return GuaranteeCompanyEvent{
		CompanyID: c.rec.ID, Version: c.rec.Version, Action: action, ActorID: by.ID, ActorName: by.Name, ActorRole: by.Role, At: at, Terms: terms,
	}
}
