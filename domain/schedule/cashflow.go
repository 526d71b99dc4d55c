package schedule

import (
	"errors"
	"fmt"

	"fumin/domain"
	"fumin/domain/money"
)

// Limits of CashFlowRates.
const (
	FlowsMax     = 2000
	FlowYearsMax = 100
)

// CashFlow is money at a time: positive is received by the borrower, negative is paid. It has a date, or the number of
// a period; all flows of one request have the same.
type CashFlow struct {
	On     domain.Date // absent: Period counts
	Period int         // 0 is the beginning; 1 the end of the first period
	Amount money.Amount
}

// FirstPeriod is an odd first period (首期不规则) of periodic flows: so many whole periods and so many days lie
// between period 0 and period 1. The zero value is one whole period.
type FirstPeriod struct {
	Periods int
	Days    int // fewer than a period has: 30 a month, 7 a week, 365 a year
}

// CashFlows is another lender's paper, as an officer reads it off.
type CashFlows struct {
	Flows       []CashFlow
	Frequency   Frequency   // the unit-period; required with periods. Empty with dates: every month, or the term of a single payment
	FirstPeriod FirstPeriod // with periods only
}

// Rates are the two yearly rates of cash flows.
type Rates struct {
	Effective Percent // compounded; by actual days/365 where the flows have dates, else 1 + r = (1+i)^periods a year
	Nominal   Percent // i x periods a year, the unit-period actuarial method (Regulation Z, Appendix J)
}

// CashFlowRates returns the yearly rates at which what is received equals what is paid. It answers
// POST /v1/cash-flow-rates. Flows without exactly one such rate between RatePctMin and RatePctMax are refused at
// /flows with one of the codes one-sided-flows, no-rate, several-rates, unclear-rate.
func CashFlowRates(c CashFlows) (Rates, error) {
	if err := c.Validate(); err != nil {
		return Rates{}, err
	}
	effective, nominal := c.equations()
	var rates Rates
	var err error
	if rates.Effective, err = effective.solve(); err != nil {
		return Rates{}, flowsRefused(err)
	}
	if rates.Nominal, err = nominal.solve(); err != nil {
		return Rates{}, flowsRefused(err)
	}
	return rates, nil
}

func flowsRefused(err error) error {
	value, ok := errors.AsType[*domain.ValueError](err)
	if !ok {
		return err
	}
	return invalid("/flows", value.Code, "%s", value.Detail)
}

// Validate returns nil, or one domain.Error that names every wrong field.
func (c CashFlows) Validate() error {
	var p domain.Problems
	if len(c.Flows) < 2 || len(c.Flows) > FlowsMax {
		p.Add("/flows", "out-of-range", "现金流共 %d 笔，应为 2 至 %d 笔", len(c.Flows), FlowsMax)
		return p.Err()
	}
	c.validateFrequency(&p)
	for i, flow := range c.Flows {
		c.validateFlow(&p, fmt.Sprintf("/flows/%d", i), flow)
	}
	if !p.Any() {
		c.validateHorizon(&p)
	}
	return p.Err()
}

// dated reports whether the flows have dates; the first one decides, and the others are held to it.
func (c CashFlows) dated() bool { return !c.Flows[0].On.IsZero() }

func (c CashFlows) validateFrequency(p *domain.Problems) {
	if c.Frequency == (Frequency{}) {
		if !c.dated() {
			p.Add("/frequency", "required", "按期数列出的现金流必须填写周期，例如每 1 个月")
		}
	} else {
		c.Frequency.validate(p)
	}
	if c.FirstPeriod == (FirstPeriod{}) {
		return
	}
	if c.dated() {
		p.Add("/first_period", "contradiction", "现金流已有日期，首期长短由日期决定，不能再填 first_period")
		return
	}
	if !c.Frequency.Unit.Valid() {
		return
	}
	if most := c.Frequency.unitDays(); c.FirstPeriod.Periods < 0 || c.FirstPeriod.Periods > PeriodsMax ||
		c.FirstPeriod.Days < 0 || c.FirstPeriod.Days >= most {
		p.Add("/first_period", "out-of-range", "首期 %d 个整期又 %d 天无效：整期为 0 至 %d，天数为 0 至 %d",
			c.FirstPeriod.Periods, c.FirstPeriod.Days, PeriodsMax, most-1)
	}
}

func (c CashFlows) validateFlow(p *domain.Problems, pointer string, flow CashFlow) {
	if flow.On.IsZero() == c.dated() || (c.dated() && flow.Period != 0) {
		p.Add(pointer, "contradiction", "现金流须全部填日期，或全部填期数，不能混用")
	}
	if flow.Period < 0 || flow.Period > 12*FlowYearsMax*31 {
		p.Add(pointer+"/period", "out-of-range", "期数 %d 无效：应为 0 或正整数，总时长不超过 %d 年", flow.Period, FlowYearsMax)
	}
	if flow.Amount.IsZero() || flow.Amount.Cmp(PrincipalMax) > 0 || flow.Amount.Neg().Cmp(PrincipalMax) > 0 {
		p.Add(pointer+"/amount", "out-of-range", "金额 %s 元无效：不能为零，绝对值不超过 %s 元", flow.Amount, PrincipalMax)
	}
}

// validateHorizon bounds the time between the flows, and with it every power that is taken.
func (c CashFlows) validateHorizon(p *domain.Problems) {
	if c.dated() {
		first, last := c.firstAndLast()
		if last.After(first.AddMonths(12 * FlowYearsMax)) {
			p.Add("/flows", "out-of-range", "现金流自 %s 至 %s，最长 %d 年", first, last, FlowYearsMax)
		}
		if first == last {
			p.Add("/flows", "no-rate", "全部现金流都在 %s 一天，没有时间就没有年化利率", first)
		}
		return
	}
	first, last := c.Flows[0].Period, 0
	for _, flow := range c.Flows {
		first, last = min(first, flow.Period), max(last, flow.Period)
	}
	years := newFraction(int64(last+c.FirstPeriod.Periods), 1).over(c.Frequency.periodsAYear())
	if years.Numerator > FlowYearsMax*years.Denominator {
		p.Add("/flows", "out-of-range", "现金流总时长超过 %d 年（期数 %d）", FlowYearsMax, last)
	}
	if first == last {
		p.Add("/flows", "no-rate", "全部现金流都在第 %d 期，没有时间就没有年化利率", first)
	}
}

func (c CashFlows) firstAndLast() (first, last domain.Date) {
	first, last = c.Flows[0].On, c.Flows[0].On
	for _, flow := range c.Flows {
		if flow.On.Before(first) {
			first = flow.On
		}
		if flow.On.After(last) {
			last = flow.On
		}
	}
	return first, last
}

func (c CashFlows) equations() (effective, nominal equation) {
	if c.dated() {
		return c.datedEquations()
	}
	rate := c.Frequency.periodsAYear()
	flows := make([]cash, len(c.Flows))
	for i, flow := range c.Flows {
		flows[i] = cash{fen: fenOf(flow.Amount), at: c.periodic(flow.Period)}
	}
	return newEquation(flows, conversion{compounded: true, periods: rate}), newEquation(flows, conversion{periods: rate})
}

// periodic is the time of the end of a period, an odd first one allowed for.
func (c CashFlows) periodic(number int) unitCount {
	if number == 0 || c.FirstPeriod == (FirstPeriod{}) {
		return units(number)
	}
	return unitCount{
		whole: c.FirstPeriod.Periods + number - 1,
		rest:  newFraction(int64(c.FirstPeriod.Days), int64(c.Frequency.unitDays())),
	}
}

func (c CashFlows) datedEquations() (effective, nominal equation) {
	first, last := c.firstAndLast()
	frequency, rate := c.Frequency, conversion{}
	at := func(on domain.Date) unitCount { return unitPeriods(first, on, frequency) }
	switch {
	case frequency == (Frequency{}) && len(c.Flows) == 2:
		end, single := singlePayment(span{first, last})
		rate = single
		at = func(on domain.Date) unitCount {
			if on == first {
				return units(0)
			}
			return end
		}
	case frequency == (Frequency{}):
		frequency = Monthly
		fallthrough
	default:
		rate.periods = frequency.periodsAYear()
	}
	daily, periodic := make([]cash, len(c.Flows)), make([]cash, len(c.Flows))
	for i, flow := range c.Flows {
		amount := fenOf(flow.Amount)
		daily[i] = cash{fen: amount, at: units(first.DaysUntil(flow.On))}
		periodic[i] = cash{fen: amount, at: at(flow.On)}
	}
	return newEquation(daily, compoundedDaily), newEquation(periodic, rate)
}

// unitDays is the number of days by which an odd part of a period is divided: 30 a month, 7 a week, 365 a year.
func (f Frequency) unitDays() int {
	switch f.Unit {
	case Day:
		return f.Every
	case Week:
		return 7 * f.Every
	case Month:
		return 30 * f.Every
	case Year:
		return 365 * f.Every
	}
	return 0
}
