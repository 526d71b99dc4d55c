// Package decision owns the quick decision (快速审批): documented, typed facts in, an outcome with reasons out.
//
// It is pure: the same facts give the same outcome on any day and any machine. It does not gather facts, it does not move
// applications (domain/loan), and it knows products only as numbers among the facts.
package decision

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"fumin/domain"
	"fumin/domain/money"
)

// Fact is one input of a decision (决策要素). It is in one of three states: unknown (the zero value: nobody has said),
// none (it is known that there is no such thing: an organisation has no birth date, a product sets no age limit), or known.
// Unknown is never zero or false: a rule that needs an unknown fact refers the case to a person.
type Fact[T any] struct {
	value T
	state factState
}

type factState uint8

const (
	stateUnknown factState = iota
	stateNone
	stateKnown
)

// Known returns a fact with a value.
func Known[T any](value T) Fact[T] { return Fact[T]{value, stateKnown} }

// None returns a fact of which it is known that it has no value.
func None[T any]() Fact[T] { return Fact[T]{state: stateNone} }

// KnownUnless returns None where absent, and Known(value) otherwise.
func KnownUnless[T any](absent bool, value T) Fact[T] {
	if absent {
		return None[T]()
	}
	return Known(value)
}

// Value returns the value; false when the fact is unknown or none.
func (f Fact[T]) Value() (T, bool) { return f.value, f.state == stateKnown }

// IsUnknown reports whether nobody has said.
func (f Fact[T]) IsUnknown() bool { return f.state == stateUnknown }

// IsNone reports whether it is known that there is no such thing.
func (f Fact[T]) IsNone() bool { return f.state == stateNone }

// Facts is everything a decision looks at. Each field is described, with type, unit and origin, by Definitions.
type Facts struct {
	EvaluatedOn domain.Date // the day of the decision, from which ages and the last due date are counted

	// What is asked for.
	Amount        Fact[money.Amount]
	TermMonths    Fact[int]
	Purpose       Fact[string]
	AnnualRatePct Fact[money.Rate] // none: not priced yet
	BorrowerKind  Fact[string]

	// The borrower.
	BirthDate         Fact[domain.Date] // none: an organisation. Personal data: store it encrypted, never log it
	BusinessAgeMonths Fact[int]         // none: no business of its own

	// The file.
	CreditConsentLive   Fact[bool]
	OnRecommendedList   Fact[bool]
	GuaranteeLetterLive Fact[bool]
	SiteVisitDone       Fact[bool]

	// The product version that holds for the region and the day.
	ProductOffered          Fact[bool]
	BorrowerKindsAllowed    Fact[[]string]
	PurposesForbidden       Fact[[]string] // none: the product forbids none
	AmountMin               Fact[money.Amount]
	AmountMax               Fact[money.Amount]
	TermMonthsMin           Fact[int]
	TermMonthsMax           Fact[int]
	AgeMin                  Fact[int]          // none: no lower limit
	AgeAtLastDueMax         Fact[int]          // none: no age rule
	BusinessAgeMonthsMin    Fact[int]          // none: not asked for
	AnnualRateMaxPct        Fact[money.Rate]   // unknown: no reference rate in force
	QuickApprovalMax        Fact[money.Amount] // 0.00: a person decides every case
	GuaranteeCompanyFrom    Fact[money.Amount] // none: always on credit
	RecommendedListRequired Fact[bool]
	SiteVisitRequired       Fact[bool]

	// The household (家庭) a farmer borrows for; none where there is none.
	HouseholdSize       Fact[int]
	HouseholdIncomeYear Fact[money.Amount]
	HouseholdLandMu     Fact[decimal.Decimal] // 亩, at most four decimals

	// What is lent or promised already (授信占用): outstanding, reserved, and approved but unsigned, without this case.
	ExposureExisting        Fact[money.Amount] // of the exposure unit, across products
	ExposureProductExisting Fact[money.Amount] // of it, this product's
	ExposureProductMax      Fact[money.Amount] // none: the product sets no limit
	ExposureLenderMax       Fact[money.Amount] // none: the lender sets no limit

	// How earlier loans were paid.
	LoansSettled   Fact[int]
	DaysPastDueMax Fact[int] // within 24 months
	OverdueNow     Fact[bool]

	// What is missing in the file, as codes of document types; an empty list: nothing.
	DocumentsMissingKey    Fact[[]string]
	DocumentsMissingOther  Fact[[]string]
	LicencesExpired        Fact[[]string]
	SiteVisitInvestigators Fact[int]

	// What others answered. Unknown while they have not.
	BureauAnswer           Fact[string]       // clear, adverse, no_record
	BureauOverdueNow       Fact[bool]         // none: no record
	BureauOverdueAmount    Fact[money.Amount] // none: no record
	BureauEnquiries6Months Fact[int]          // none: no record
	BureauLiabilities      Fact[money.Amount] // none: no record
	ScreeningHit           Fact[bool]
	GuaranteePrecheck      Fact[string] // accepted, refused, refer; none: no guarantee is needed

	// The rest of the request.
	RepaymentMethod Fact[string]
	RegionCode      Fact[string]
	ProductCode     Fact[string]
	ReliefIndustry  Fact[string] // none: the borrower's trade gets no relief
}

// FactName names a fact; the same word stands in JSON and in stored snapshots.
type FactName string

// The facts.
const (
	FactEvaluatedOn             FactName = "evaluated_on"
	FactAmount                  FactName = "amount"
	FactTermMonths              FactName = "term_months"
	FactPurpose                 FactName = "purpose"
	FactAnnualRatePct           FactName = "annual_rate_pct"
	FactBorrowerKind            FactName = "borrower_kind"
	FactBirthDate               FactName = "birth_date"
	FactBusinessAgeMonths       FactName = "business_age_months"
	FactCreditConsentLive       FactName = "credit_consent_live"
	FactOnRecommendedList       FactName = "on_recommended_list"
	FactGuaranteeLetterLive     FactName = "guarantee_letter_live"
	FactSiteVisitDone           FactName = "site_visit_done"
	FactProductOffered          FactName = "product_offered"
	FactBorrowerKindsAllowed    FactName = "borrower_kinds_allowed"
	FactPurposesForbidden       FactName = "purposes_forbidden"
	FactAmountMin               FactName = "amount_min"
	FactAmountMax               FactName = "amount_max"
	FactTermMonthsMin           FactName = "term_months_min"
	FactTermMonthsMax           FactName = "term_months_max"
	FactAgeMin                  FactName = "age_min"
	FactAgeAtLastDueMax         FactName = "age_at_last_due_max"
	FactBusinessAgeMonthsMin    FactName = "business_age_months_min"
	FactAnnualRateMaxPct        FactName = "annual_rate_max_pct"
	FactQuickApprovalMax        FactName = "quick_approval_max"
	FactGuaranteeCompanyFrom    FactName = "guarantee_company_from"
	FactRecommendedListRequired FactName = "recommended_list_required"
	FactSiteVisitRequired       FactName = "site_visit_required"
	FactHouseholdSize           FactName = "household_size"
	FactHouseholdIncomeYear     FactName = "household_income_year"
	FactHouseholdLandMu         FactName = "household_land_mu"
	FactExposureExisting        FactName = "exposure_existing"
	FactExposureProductExisting FactName = "exposure_product_existing"
	FactExposureProductMax      FactName = "exposure_product_max"
	FactExposureLenderMax       FactName = "exposure_lender_max"
	FactLoansSettled            FactName = "loans_settled"
	FactDaysPastDueMax          FactName = "days_past_due_max"
	FactOverdueNow              FactName = "overdue_now"
	FactDocumentsMissingKey     FactName = "documents_missing_key"
	FactDocumentsMissingOther   FactName = "documents_missing_other"
	FactLicencesExpired         FactName = "licences_expired"
	FactSiteVisitInvestigators  FactName = "site_visit_investigators"
	FactBureauAnswer            FactName = "bureau_answer"
	FactBureauOverdueNow        FactName = "bureau_overdue_now"
	FactBureauOverdueAmount     FactName = "bureau_overdue_amount"
	FactBureauEnquiries6Months  FactName = "bureau_enquiries_6_months"
	FactBureauLiabilities       FactName = "bureau_liabilities"
	FactScreeningHit            FactName = "screening_hit"
	FactGuaranteePrecheck       FactName = "guarantee_precheck"
	FactRepaymentMethod         FactName = "repayment_method"
	FactRegionCode              FactName = "region_code"
	FactProductCode             FactName = "product_code"
	FactReliefIndustry          FactName = "relief_industry"
)

// What is derived from the facts and the terms: rules may use it, snapshots do not hold it (Derived).
const (
	FactAge               FactName = "age"                 // completed years on the day of the decision
	FactLastDueOn         FactName = "last_due_on"         // the day of the decision plus the term
	FactAgeAtLastDue      FactName = "age_at_last_due"     // completed years on that day
	FactScore             FactName = "score"               // the scorecard's points; in limits and routes only
	FactLimit             FactName = "limit"               // a limit's value; in that limit's texts only
	FactAmountPassing     FactName = "amount_passing"      // the largest amount that passes the rule; in its suggestion only
	FactTermMonthsPassing FactName = "term_months_passing" // the longest term that passes the rule; in its suggestion only
)

// FactDefinition describes one fact to the people who write rules.
type FactDefinition struct {
	Name      FactName
	Label     string   // 中文名称
	Type      string   // amount, rate, integer, decimal, boolean, date, code, codes
	Unit      string   // 元, 个月, %/年 …; empty where there is none
	Origin    string   // 来源: who or what says it
	MayBeNone bool     // "there is no such thing" is an answer
	Codes     []string // every value a code can have; nil: open
	Note      string   // 说明; may be empty
	Personal  bool     // personal data: no rule may use it
	Derived   bool     // computed when rules are evaluated, not stored
}

// FactsVersion is the version of the set: it rises when a fact is added, removed or changes its meaning. Version 2 only
// added facts, so a snapshot of version 1 reads as it is: what it does not have is unknown.
const FactsVersion = 2

// Definitions lists every stored fact, in the order of Facts.
func Definitions() []FactDefinition {
	definitions := make([]FactDefinition, len(factRows))
	for i, row := range factRows {
		definitions[i] = row.FactDefinition
	}
	return definitions
}

// DerivedDefinitions lists what rules may use besides: facts that are computed from the stored ones.
func DerivedDefinitions() []FactDefinition { return slices.Clone(derivedDefinitions) }

// LabelOf returns the Chinese name of a fact.
func LabelOf(name FactName) string {
	if slot, ok := slotOf(name); ok {
		return definitionAt(slot).Label
	}
	return string(name)
}

// slotOf returns where a fact stands in a frame: stored facts first, then the derived ones.
func slotOf(name FactName) (int, bool) {
	if i, ok := factIndex[name]; ok {
		return i, true
	}
	i := slices.IndexFunc(derivedDefinitions, func(d FactDefinition) bool { return d.Name == name })
	return len(factRows) + i, i >= 0
}

func definitionAt(slot int) FactDefinition {
	if slot < len(factRows) {
		return factRows[slot].FactDefinition
	}
	return derivedDefinitions[slot-len(factRows)]
}

// Snapshot returns the facts as text, for storage with the outcome: a missing name is unknown, a nil is none. The birth date
// is in it: treat it as personal data.
func (f Facts) Snapshot() map[string]*string {
	snapshot := make(map[string]*string, len(factRows)+1)
	if !f.EvaluatedOn.IsZero() {
		day := f.EvaluatedOn.String()
		snapshot[string(FactEvaluatedOn)] = &day
	}
	for _, row := range factRows {
		switch text, state := row.text(&f); state {
		case stateKnown:
			snapshot[string(row.Name)] = &text
		case stateNone:
			snapshot[string(row.Name)] = nil
		case stateUnknown:
		}
	}
	return snapshot
}

// FactsFromSnapshot reads what Snapshot wrote. A name it does not know, and a value that does not parse, are refused: facts
// are never half-read.
func FactsFromSnapshot(snapshot map[string]*string) (Facts, error) {
	var f Facts
	var problems domain.Problems
	names := make([]string, 0, len(snapshot))
	for name := range snapshot {
		names = append(names, name)
	}
	slices.Sort(names) // so that the answer is the same each time
	for _, name := range names {
		text := snapshot[name]
		if name == string(FactEvaluatedOn) && text != nil {
			day, err := domain.ParseDate(*text)
			problems.Check("/"+name, err)
			f.EvaluatedOn = day
			continue
		}
		i, ok := factIndex[FactName(name)]
		switch {
		case !ok:
			problems.Add("/"+name, "unknown-fact", "没有名为“%s”的决策要素", name)
		case text == nil && !factRows[i].MayBeNone:
			problems.Add("/"+name, "required", "“%s”不能为空", factRows[i].Label)
		default:
			problems.Check("/"+name, factRows[i].set(&f, text))
		}
	}
	return f, problems.Err()
}

// codec turns the values of one type into text and back, and into what expressions work on.
type codec[T any] struct {
	kind  string
	text  func(T) string
	parse func(string) (T, error)
	load  func(*value, T)
}

var (
	amountCodec = codec[money.Amount]{
		"amount", money.Amount.String, money.ParseAmount,
		func(v *value, a money.Amount) { v.number = numberOf(a.Decimal()) },
	}
	rateCodec = codec[money.Rate]{
		"rate", money.Rate.String, money.ParseRate,
		func(v *value, r money.Rate) { v.number = numberOf(r.Decimal()) },
	}
	areaCodec = codec[decimal.Decimal]{
		"decimal", decimal.Decimal.String, parseArea,
		func(v *value, d decimal.Decimal) { v.number = numberOf(d) },
	}
	integerCodec = codec[int]{
		"integer", strconv.Itoa, parseInteger,
		func(v *value, n int) { v.number = numberOfInt(n) },
	}
	booleanCodec = codec[bool]{
		"boolean", strconv.FormatBool, parseBoolean,
		func(v *value, b bool) { v.boolean = b },
	}
	dateCodec = codec[domain.Date]{
		"date", domain.Date.String, domain.ParseDate,
		func(v *value, d domain.Date) { v.date = d },
	}
	codeCodec = codec[string]{
		"code", func(s string) string { return s }, parseCode,
		func(v *value, s string) { v.code = s },
	}
	codesCodec = codec[[]string]{
		"codes", func(s []string) string { return strings.Join(s, ",") }, parseCodes,
		func(v *value, s []string) { v.codes = s },
	}
)

// areaPattern is plain decimal text: no exponent, no sign, at most nine digits before and four after the point.
var areaPattern = regexp.MustCompile(`^[0-9]{1,9}(\.[0-9]{1,4})?$`)

func parseArea(s string) (decimal.Decimal, error) {
	if !areaPattern.MatchString(s) {
		return decimal.Decimal{}, domain.BadValue("invalid-decimal", "应为不带符号的普通十进制数字文本，小数最多 4 位")
	}
	return decimal.NewFromString(s)
}

const codeLengthMax = 64

func parseInteger(s string) (int, error) {
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil || strconv.FormatInt(n, 10) != s {
		return 0, domain.BadValue("invalid-integer", "应为整数")
	}
	return int(n), nil
}

func parseBoolean(s string) (bool, error) {
	switch s {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, domain.BadValue("invalid-boolean", "应为 true 或 false")
}

func parseCode(s string) (string, error) {
	if s == "" || len(s) > codeLengthMax || strings.ContainsAny(s, ", \t\r\n") {
		return "", domain.BadValue("invalid-code", "应为 1 至 %d 个字符的代码，不含逗号和空白", codeLengthMax)
	}
	return s, nil
}

func parseCodes(s string) ([]string, error) {
	if s == "" {
		return []string{}, nil
	}
	codes := strings.Split(s, ",")
	for _, code := range codes {
		if _, err := parseCode(code); err != nil {
			return nil, err
		}
	}
	return codes, nil
}

// factRow ties a definition to its field.
type factRow struct {
	FactDefinition
	text func(*Facts) (string, factState)
	set  func(*Facts, *string) error
	load func(*Facts, *value)
}

func define[T any](c codec[T], field func(*Facts) *Fact[T], d FactDefinition) factRow {
	d.Type = c.kind
	return factRow{
		FactDefinition: d,
		text: func(f *Facts) (string, factState) {
			fact := field(f)
			if fact.state != stateKnown {
				return "", fact.state
			}
			return c.text(fact.value), stateKnown
		},
		set: func(f *Facts, text *string) error {
			if text == nil {
				*field(f) = None[T]()
				return nil
			}
			value, err := c.parse(*text)
			if err != nil {
				return fmt.Errorf("fact %s: %w", d.Name, err)
			}
			*field(f) = Known(value)
			return nil
		},
		load: func(f *Facts, v *value) {
			fact := field(f)
			v.state, v.blame = fact.state, d.Name
			if v.state == stateNone && !d.MayBeNone {
				v.state = stateUnknown // it cannot be: somebody has to look
			}
			if v.state == stateKnown {
				c.load(v, fact.value)
			}
		},
	}
}
