package schedule

import (
	"errors"
	"fmt"

	"github.com/shopspring/decimal"

	"fumin/domain"
	"fumin/domain/money"
)

// Limits. They are wide for any loan and keep the largest permitted quote well under 200 ms; docs/quotes.md lists them.
const (
	PeriodsMax    = 1830 // daily for five years
	RowsMax       = 1900 // periods and harvests together
	TermYearsMax  = 50
	SeasonalMax   = 60
	FeesMax       = 20
	FeeKindMax    = 40    // characters
	FeeRatePctMax = 100   // percent a year
	MultipleMax   = 10000 // yuan
)

// Limits that are not constants of the language; nothing changes them.
var (
	PrincipalMin  = money.Fen(1)
	PrincipalMax  = money.MustParseAmount("10000000000.00") // ten billion: every sum of fen stays within 64 bits
	AnnualRateMax = money.MustParseRate("999.999999")       // percent a year; what money.Rate can be parsed from
	hundred       = money.MustParseRate("100")
)

// withDefaults fills in what an empty field stands for.
func (t Terms) withDefaults() Terms {
	if t.MonthEnd == "" {
		t.MonthEnd = Clamp
	}
	if t.BusinessDay == "" {
		t.BusinessDay = Unmoved
	}
	if t.Rounding == 0 {
		t.Rounding = money.HalfUp
	}
	if t.InstalmentMultiple.IsZero() {
		t.InstalmentMultiple = money.Fen(1)
	}
	if t.Frequency == (Frequency{}) && (len(t.DueDates) > 0 || t.Method == Seasonal) {
		t.Frequency = Monthly
	}
	return t
}

// Validate returns nil, or one domain.Error that names every wrong field of t: its JSON pointer in the body of
// POST /v1/quotes, its value, and what is permitted.
func (t Terms) Validate() error {
	t = t.withDefaults()
	var p domain.Problems
	t.validateMoney(&p)
	t.validateConventions(&p)
	t.validateDates(&p)
	t.validateMethod(&p)
	t.validateSeasonal(&p)
	t.validateFees(&p)
	return p.Err()
}

func (t Terms) validateMoney(p *domain.Problems) {
	if t.Principal.Cmp(PrincipalMin) < 0 || t.Principal.Cmp(PrincipalMax) > 0 {
		p.Add("/principal", "out-of-range", "借款本金 %s 元不在 %s 至 %s 元之间", t.Principal, PrincipalMin, PrincipalMax)
	}
	checkRate(p, "/annual_rate_pct", "年利率", t.AnnualRate, AnnualRateMax)
	checkRate(p, "/interest_subsidy_share_pct", "贴息比例", t.InterestSubsidyShare, hundred)
	multipleMax := money.Fen(MultipleMax * 100)
	if t.InstalmentMultiple.Sign() <= 0 || t.InstalmentMultiple.Cmp(multipleMax) > 0 {
		p.Add("/instalment_multiple", "out-of-range", "每期金额取整单位 %s 元不在 0.01 至 %s 元之间", t.InstalmentMultiple, multipleMax)
	}
	if t.GivenInstalment.Sign() < 0 || t.GivenInstalment.Cmp(PrincipalMax) > 0 {
		p.Add("/given_instalment", "out-of-range", "指定的每期金额 %s 元不在 0.01 至 %s 元之间", t.GivenInstalment, PrincipalMax)
	}
}

func checkRate(p *domain.Problems, pointer, name string, rate, most money.Rate) {
	if rate.Sign() < 0 || rate.Cmp(most) > 0 {
		p.Add(pointer, "out-of-range", "%s %s%% 不在 0%% 至 %s%% 之间", name, rate, most)
	}
}

func (t Terms) validateConventions(p *domain.Problems) {
	checkWord(p, "/repayment_method", string(t.Method), func(s string) error { _, err := ParseMethod(s); return err })
	checkWord(p, "/day_count", string(t.DayCount), func(s string) error { _, err := ParseDayCount(s); return err })
	checkWord(p, "/month_end", string(t.MonthEnd), func(s string) error { _, err := ParseMonthEnd(s); return err })
	checkWord(p, "/business_day", string(t.BusinessDay), func(s string) error { _, err := ParseBusinessDay(s); return err })
	if t.Rounding != money.HalfUp && t.Rounding != money.HalfEven {
		p.Add("/rounding", "invalid-rounding", "取整方式应为 half_up（四舍五入）或 half_even（四舍六入五成双）")
	}
	if t.harvestDatesOnly() {
		return // no period but the harvests'; an unused frequency is refused with them
	}
	t.Frequency.validate(p)
}

func (f Frequency) validate(p *domain.Problems) {
	if !f.Unit.Valid() {
		_, err := ParseUnit(string(f.Unit))
		p.Check("/frequency/unit", withValue(string(f.Unit), err))
		return
	}
	if most := f.Unit.everyMax(); f.Every < 1 || f.Every > most {
		p.Add("/frequency/every", "out-of-range", "周期间隔 %d 不在 1 至 %d 之间（单位 %s）", f.Every, most, f.Unit)
	}
}

func checkWord(p *domain.Problems, pointer, word string, parse func(string) error) {
	p.Check(pointer, withValue(word, parse(word)))
}

// withValue puts the refused value before what is permitted. The values are words of a vocabulary, never personal;
// an over-long one is cut.
func withValue(value string, err error) error {
	refused, ok := errors.AsType[*domain.ValueError](err)
	if !ok {
		return err
	}
	const shown = 40
	if runes := []rune(value); len(runes) > shown {
		value = string(runes[:shown]) + "…"
	}
	return domain.BadValue(refused.Code, "取值 %q 无效：%s", value, refused.Detail)
}

func (t Terms) validateDates(p *domain.Problems) {
	if t.DisbursedOn.IsZero() {
		p.Add("/disbursed_on", "required", "请填写放款日，格式 2026-08-23")
		return
	}
	switch {
	case t.harvestDatesOnly():
		t.validateHarvestOnly(p)
	case len(t.DueDates) > 0:
		t.validateDueDates(p)
	default:
		t.validatePeriods(p)
	}
	if t.BusinessDay != Unmoved && t.Frequency.Unit == Day && t.Frequency.Every < 7 && len(t.DueDates) == 0 {
		p.Add("/business_day", "contradiction", "每 %d 天还款与节假日顺延或提前不能同时使用：多个还款日会落在同一天，请改为 none", t.Frequency.Every)
	}
}

func (t Terms) validateDueDates(p *domain.Problems) {
	if !t.FirstDueOn.IsZero() {
		p.Add("/first_due_on", "contradiction", "已逐期列出还款日（due_dates），不能再指定首期还款日 %s", t.FirstDueOn)
	}
	if t.Periods != 0 && t.Periods != len(t.DueDates) {
		p.Add("/periods", "contradiction", "期数 %d 与所列还款日的个数 %d 不一致", t.Periods, len(t.DueDates))
	}
	if len(t.DueDates) > PeriodsMax {
		p.Add("/due_dates", "too-many", "还款日共 %d 个，最多 %d 个", len(t.DueDates), PeriodsMax)
		return
	}
	before := t.DisbursedOn
	for i, due := range t.DueDates {
		if !due.After(before) {
			p.Add(fmt.Sprintf("/due_dates/%d", i), "not-increasing", "还款日 %s 必须晚于 %s：还款日应逐个递增，且都在放款日之后", due, before)
		}
		before = due
	}
	t.checkLast(p, "/due_dates", t.DueDates[len(t.DueDates)-1])
}

func (t Terms) validatePeriods(p *domain.Problems) {
	lastHarvestEnds := t.Method == Seasonal && t.Periods == 0
	if !lastHarvestEnds && (t.Periods < 1 || t.Periods > PeriodsMax) {
		p.Add("/periods", "out-of-range", "期数 %d 不在 1 至 %d 之间", t.Periods, PeriodsMax)
		return
	}
	if !t.FirstDueOn.IsZero() && !t.FirstDueOn.After(t.DisbursedOn) {
		p.Add("/first_due_on", "not-increasing", "首期还款日 %s 必须晚于放款日 %s", t.FirstDueOn, t.DisbursedOn)
		return
	}
	if lastHarvestEnds || t.Frequency.Every < 1 || t.Frequency.Every > t.Frequency.Unit.everyMax() {
		return // the harvests are checked by themselves; without a frequency, refused above, there is no date
	}
	t.checkLast(p, "/periods", t.stepper()(t.Periods))
}

// checkLast bounds the term, so that every date and every count of days stays within its type.
func (t Terms) checkLast(p *domain.Problems, pointer string, last domain.Date) {
	if last.Year() > domain.YearMax || last.After(t.DisbursedOn.AddMonths(12*TermYearsMax)) {
		p.Add(pointer, "out-of-range", "最后还款日 %s 超出范围：应在放款日 %s 之后 %d 年以内，且不晚于 %d 年", last, t.DisbursedOn, TermYearsMax, domain.YearMax)
	}
}

func (t Terms) validateMethod(p *domain.Problems) {
	rows := t.Periods
	if len(t.DueDates) > 0 {
		rows = len(t.DueDates)
	}
	switch {
	case t.GracePrincipalPeriods < 0:
		p.Add("/grace_principal_periods", "out-of-range", "只还利息的期数 %d 不能为负", t.GracePrincipalPeriods)
	case t.GracePrincipalPeriods == 0:
	case t.Method == InterestOnlyBullet, t.Method == LumpSum, t.Method == Seasonal:
		p.Add("/grace_principal_periods", "contradiction", "还款方式 %s 不能再设只还利息的期数（%d），请填 0", t.Method, t.GracePrincipalPeriods)
	case t.GracePrincipalPeriods >= rows:
		p.Add("/grace_principal_periods", "contradiction", "只还利息的期数 %d 必须少于总期数 %d", t.GracePrincipalPeriods, rows)
	}
	if !t.GivenInstalment.IsZero() && t.Method != EqualInstalment {
		p.Add("/given_instalment", "contradiction", "只有等额本息（equal_instalment）可以指定每期金额，本次为 %s", t.Method)
	}
	if t.Method == LumpSum && len(t.DueDates) > 1 {
		p.Add("/due_dates", "contradiction", "一次性还本付息只有一个还款日，所列为 %d 个", len(t.DueDates))
	}
}

// harvestDatesOnly reports whether the harvests are the only due dates.
func (t Terms) harvestDatesOnly() bool { return t.Method == Seasonal && t.InterestAtHarvest }

func (t Terms) validateHarvestOnly(p *domain.Problems) {
	if t.Periods != 0 || !t.FirstDueOn.IsZero() || len(t.DueDates) > 0 {
		p.Add("/interest_at_harvest", "contradiction", "利息随收获季一并支付时，还款日即还本日，不能再填期数、首期还款日或逐期还款日")
	}
}

func (t Terms) validateSeasonal(p *domain.Problems) {
	if t.Method != Seasonal {
		if len(t.Seasonal) > 0 {
			p.Add("/seasonal_instalments", "contradiction", "只有按收获季还款（seasonal）可以列出还本计划，本次为 %s", t.Method)
		}
		if t.InterestAtHarvest {
			p.Add("/interest_at_harvest", "contradiction", "只有按收获季还款（seasonal）可以随收获季付息，本次为 %s", t.Method)
		}
		return
	}
	if len(t.Seasonal) < 1 || len(t.Seasonal) > SeasonalMax {
		p.Add("/seasonal_instalments", "out-of-range", "按收获季还款应列出 1 至 %d 次还本，所列为 %d 次", SeasonalMax, len(t.Seasonal))
		return
	}
	before, shares, amounts := t.DisbursedOn, decimal.Zero, money.Amount{}
	for i, s := range t.Seasonal {
		pointer := fmt.Sprintf("/seasonal_instalments/%d", i)
		if !s.DueOn.After(before) {
			p.Add(pointer+"/due_on", "not-increasing", "还本日 %s 必须晚于 %s", s.DueOn, before)
		}
		if s.SharePct.Sign() < 0 || s.Amount.Sign() < 0 || s.SharePct.IsZero() == s.Amount.IsZero() {
			p.Add(pointer, "contradiction", "每次还本须填比例 share_pct 或金额 amount 之一，且大于 0；所填为 %s%% 与 %s 元", s.SharePct, s.Amount)
		}
		before, shares, amounts = s.DueOn, shares.Add(s.SharePct.Decimal()), amounts.Add(s.Amount)
	}
	t.validateSeasonalSums(p, shares, amounts)
	t.checkLast(p, fmt.Sprintf("/seasonal_instalments/%d/due_on", len(t.Seasonal)-1), before)
	t.validateSeasonalEnd(p, before)
}

func (t Terms) validateSeasonalSums(p *domain.Problems, shares decimal.Decimal, amounts money.Amount) {
	byShare, byAmount := shares.Sign() != 0, !amounts.IsZero()
	switch {
	case byShare && byAmount:
		p.Add("/seasonal_instalments", "contradiction", "还本计划须全部按比例或全部按金额，不能混用")
	case byShare && !shares.Equal(hundred.Decimal()):
		p.Add("/seasonal_instalments", "shares-not-100", "各次还本比例合计为 %s%%，应为 100%%", shares)
	case byAmount && !amounts.Equal(t.Principal):
		p.Add("/seasonal_instalments", "amounts-not-principal", "各次还本金额合计为 %s 元，应等于借款本金 %s 元", amounts, t.Principal)
	}
}

// validateSeasonalEnd refuses a term that ends on another day than the last harvest: after it there would be rows with
// nothing due, before it principal would be due outside the term.
func (t Terms) validateSeasonalEnd(p *domain.Problems, lastHarvest domain.Date) {
	var end domain.Date
	switch {
	case t.harvestDatesOnly():
		return
	case len(t.DueDates) > 0:
		end = t.DueDates[len(t.DueDates)-1]
	case t.Periods < 1 || t.Periods > PeriodsMax || p.Any():
		return
	default:
		end = t.stepper()(t.Periods)
	}
	if end != lastHarvest {
		p.Add("/seasonal_instalments", "contradiction", "最后一次还本日 %s 应与到期日 %s 相同；期数可以不填，由最后一次还本日决定", lastHarvest, end)
	}
}

func (t Terms) validateFees(p *domain.Problems) {
	if len(t.Fees) > FeesMax {
		p.Add("/fees", "too-many", "费用共 %d 项，最多 %d 项", len(t.Fees), FeesMax)
		return
	}
	for i, fee := range t.Fees {
		fee.validate(p, fmt.Sprintf("/fees/%d", i))
	}
}

func (f Fee) validate(p *domain.Problems, pointer string) {
	if !feeKindValid(f.Kind) {
		p.Add(pointer+"/kind", "invalid-fee-kind", "费用名称应为 1 至 %d 个小写字母、数字或下划线，例如 guarantee_fee（担保费）", FeeKindMax)
	}
	if f.Amount.IsZero() == f.RatePctAYear.IsZero() {
		p.Add(pointer, "contradiction", "每项费用须填金额 amount 或年费率 rate_pct_a_year 之一；所填为 %s 元与 %s%%", f.Amount, f.RatePctAYear)
	}
	if f.Amount.Sign() < 0 || f.Amount.Cmp(PrincipalMax) > 0 {
		p.Add(pointer+"/amount", "out-of-range", "费用金额 %s 元不在 0.01 至 %s 元之间", f.Amount, PrincipalMax)
	}
	checkRate(p, pointer+"/rate_pct_a_year", "年费率", f.RatePctAYear, money.BasisPoints(FeeRatePctMax*100))
	if f.On != "" {
		checkWord(p, pointer+"/on", string(f.On), func(s string) error { _, err := ParseFeeBase(s); return err })
		if f.RatePctAYear.IsZero() && !f.Amount.IsZero() {
			p.Add(pointer+"/on", "contradiction", "固定金额的费用没有计费基数，请去掉 on（所填为 %q）", string(f.On))
		}
	}
	checkWord(p, pointer+"/when", string(f.When), func(s string) error { _, err := ParseFeeTiming(s); return err })
}

func feeKindValid(kind string) bool {
	if kind == "" || len(kind) > FeeKindMax {
		return false
	}
	for i := range len(kind) {
		if c := kind[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
}
