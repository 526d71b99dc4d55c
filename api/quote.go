package api

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/money"
	"fumin/domain/origination"
	"fumin/domain/schedule"
)

func (s *server) quoteRoutes() []route {
	return []route{
		{method: http.MethodPost, path: "/v1/quotes", handler: s.quote},
		{method: http.MethodPost, path: "/v1/cash-flow-rates", handler: s.cashFlowRates},
		{method: http.MethodGet, path: "/v1/calendar-years", handler: s.listCalendarYears},
		{method: http.MethodPut, path: "/v1/calendar-years/:year", handler: s.setCalendarYear},
	}
}

func (s *server) quote(c *gin.Context) error {
	in, err := readObject(c)
	if err != nil {
		return err
	}
	terms := readTerms(in)
	if err := doneWith(in, terms.Validate()); err != nil {
		return err
	}
	quotation, err := s.quotes.Quote(c.Request.Context(), terms)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, viewQuotation(quotation))
}

// readTerms reads the body of POST /v1/quotes. Ranges and contradictions are schedule.Terms.Validate's, which is asked
// even when a member could not be read, so that one answer names everything.
func readTerms(in *object) schedule.Terms {
	t := schedule.Terms{
		Principal:             required(in, "principal", positiveAmount),
		AnnualRate:            required(in, "annual_rate_pct", money.ParseRate),
		Method:                required(in, "repayment_method", schedule.ParseMethod),
		DisbursedOn:           required(in, "disbursed_on", domain.ParseDate),
		DayCount:              required(in, "day_count", schedule.ParseDayCount),
		DueDates:              list(in, "due_dates", 0, schedule.PeriodsMax, domain.ParseDate),
		Periods:               whole(in, "periods", schedule.PeriodsMax),
		GracePrincipalPeriods: whole(in, "grace_principal_periods", schedule.PeriodsMax),
		FirstDueOn:            orZero(optional(in, "first_due_on", domain.ParseDate)),
		MonthEnd:              orZero(optional(in, "month_end", schedule.ParseMonthEnd)),
		BusinessDay:           orZero(optional(in, "business_day", schedule.ParseBusinessDay)),
		Rounding:              orZero(optional(in, "rounding", money.ParseRounding)),
		InstalmentMultiple:    orZero(optional(in, "instalment_multiple", positiveAmount)),
		GivenInstalment:       orZero(optional(in, "given_instalment", positiveAmount)),
		InterestSubsidyShare:  orZero(optional(in, "interest_subsidy_share_pct", money.ParseRate)),
		InterestAtHarvest:     orZero(in.optionalBoolean("interest_at_harvest")),
		Frequency:             readFrequency(in),
	}
	for _, harvest := range in.objects("seasonal_instalments", 0, schedule.SeasonalMax) {
		t.Seasonal = append(t.Seasonal, schedule.SeasonalInstalment{
			DueOn:    required(harvest, "due_on", domain.ParseDate),
			SharePct: orZero(optional(harvest, "share_pct", money.ParseRate)),
			Amount:   orZero(optional(harvest, "amount", positiveAmount)),
		})
	}
	for _, fee := range in.objects("fees", 0, schedule.FeesMax) {
		t.Fees = append(t.Fees, schedule.Fee{
			Kind:         fee.text("kind", 1, schedule.FeeKindMax),
			Amount:       orZero(optional(fee, "amount", positiveAmount)),
			RatePctAYear: orZero(optional(fee, "rate_pct_a_year", money.ParseRate)),
			On:           orZero(optional(fee, "on", schedule.ParseFeeBase)),
			When:         required(fee, "when", schedule.ParseFeeTiming),
		})
	}
	return t
}

// frequencyEveryMax bounds what is read; what makes sense for the unit is for the terms to say.
const frequencyEveryMax = 10_000

func readFrequency(in *object) schedule.Frequency {
	if in.members["frequency"] == nil {
		in.look("frequency")
		return schedule.Frequency{}
	}
	frequency := in.object("frequency")
	return schedule.Frequency{
		Unit:  required(frequency, "unit", schedule.ParseUnit),
		Every: frequency.integer("every", 1, frequencyEveryMax),
	}
}

// whole reads a number from 0 on that may be absent.
func whole(in *object, name string, highest int) int {
	return orZero(in.optionalInteger(name, 0, highest))
}

func (s *server) cashFlowRates(c *gin.Context) error {
	in, err := readObject(c)
	if err != nil {
		return err
	}
	flows := schedule.CashFlows{Frequency: readFrequency(in)}
	if first := in.optionalObject("first_period"); first != nil {
		flows.FirstPeriod = schedule.FirstPeriod{
			Periods: whole(first, "periods", schedule.PeriodsMax), Days: whole(first, "days", 366),
		}
	}
	for _, flow := range in.objects("flows", 2, schedule.FlowsMax) {
		flows.Flows = append(flows.Flows, schedule.CashFlow{
			On:     orZero(optional(flow, "on", domain.ParseDate)),
			Period: whole(flow, "period", schedule.FlowsMax),
			Amount: required(flow, "amount", money.ParseAmount),
		})
	}
	if err := doneWith(in, flows.Validate()); err != nil {
		return err
	}
	rates, err := schedule.CashFlowRates(flows)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, struct {
		APREffectivePct string `json:"apr_effective_pct"`
		APRNominalPct   string `json:"apr_nominal_pct"`
	}{rates.Effective.String(), rates.Nominal.String()})
}

func (s *server) listCalendarYears(c *gin.Context) error {
	years, err := s.quotes.CalendarYears(c.Request.Context())
	if err != nil {
		return err
	}
	items := make([]calendarYearView, len(years))
	for i, y := range years {
		items[i] = viewCalendarYear(y)
	}
	return writeJSON(c, http.StatusOK, struct {
		Items []calendarYearView `json:"items"`
	}{items})
}

func (s *server) setCalendarYear(c *gin.Context) error {
	year, err := domain.ParseDate(c.Param("year") + "-01-01")
	if err != nil {
		return noSuchRoute(c)
	}
	var replaces *int // nil: a new year, which has no version to name yet
	if len(c.Request.Header.Values("If-Match")) > 0 {
		version, err := ifMatch(c)
		if err != nil {
			return err
		}
		replaces = &version
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	y := origination.CalendarYear{
		Year:       year.Year(),
		Holidays:   list(in, "holidays", 0, origination.CalendarListMax, domain.ParseDate),
		MakeUpDays: list(in, "make_up_days", 0, origination.CalendarListMax, domain.ParseDate),
		Source:     in.text("source", 1, origination.CalendarSourceMax),
	}
	if err := doneWith(in, y.Validate()); err != nil {
		return err
	}
	y, err = s.quotes.SetCalendarYear(c.Request.Context(), actor(c), y, replaces)
	if err != nil {
		return err
	}
	setVersion(c, y.Version)
	return writeJSON(c, http.StatusOK, viewCalendarYear(y))
}

type calendarYearView struct {
	Year       int           `json:"year"`
	Holidays   []domain.Date `json:"holidays"`
	MakeUpDays []domain.Date `json:"make_up_days"`
	Source     string        `json:"source"`
	Version    int           `json:"version"`
}

func viewCalendarYear(y origination.CalendarYear) calendarYearView {
	v := calendarYearView{Year: y.Year, Holidays: y.Holidays, MakeUpDays: y.MakeUpDays, Source: y.Source, Version: y.Version}
	if v.Holidays == nil {
		v.Holidays = []domain.Date{}
	}
	if v.MakeUpDays == nil {
		v.MakeUpDays = []domain.Date{}
	}
	return v
}

type quotationView struct {
	LevelInstalment *string        `json:"level_instalment"`
	FeesUpfront     string         `json:"fees_upfront"`
	Totals          totalsView     `json:"totals"`
	YearlyCost      yearlyCostView `json:"yearly_cost"`
	Rows            []quoteRowView `json:"rows"`
	Charges         []chargeView   `json:"charges"`
}

type totalsView struct {
	Principal string `json:"principal"`
	Interest  string `json:"interest"`
	Fees      string `json:"fees"`
	Subsidy   string `json:"subsidy"`
	Total     string `json:"total"`
}

type yearlyCostView struct {
	NominalPct                  string `json:"nominal_pct"`
	APREffectivePct             string `json:"apr_effective_pct"`
	APREffectiveAfterSubsidyPct string `json:"apr_effective_after_subsidy_pct"`
	APRNominalPct               string `json:"apr_nominal_pct"`
}

type quoteRowView struct {
	Number         int         `json:"number"`
	DueOn          domain.Date `json:"due_on"`
	Days           int         `json:"days"`
	YearFraction   string      `json:"year_fraction"`
	OpeningBalance string      `json:"opening_balance"`
	Principal      string      `json:"principal"`
	Interest       string      `json:"interest"`
	Fees           string      `json:"fees"`
	Total          string      `json:"total"`
	Subsidy        string      `json:"subsidy"`
	ClosingBalance string      `json:"closing_balance"`
}

type chargeView struct {
	Kind   string      `json:"kind"`
	DueOn  domain.Date `json:"due_on"`
	Row    int         `json:"row"`
	Amount string      `json:"amount"`
}

func viewQuotation(q schedule.Quotation) quotationView {
	v := quotationView{
		FeesUpfront: q.Plan.FeesUpfront.String(),
		Totals: totalsView{
			Principal: q.Plan.Totals.Principal.String(), Interest: q.Plan.Totals.Interest.String(), Fees: q.Plan.Totals.Fees.String(),
			Subsidy: q.Plan.Totals.Subsidy.String(), Total: q.Plan.Totals.Total.String(),
		},
		YearlyCost: yearlyCostView{
			NominalPct: q.Cost.Nominal.String(), APREffectivePct: q.Cost.APREffective.String(),
			APREffectiveAfterSubsidyPct: q.Cost.APREffectiveAfterSubsidy.String(), APRNominalPct: q.Cost.APRNominal.String(),
		},
		Rows: make([]quoteRowView, len(q.Plan.Rows)), Charges: make([]chargeView, len(q.Plan.Charges)),
	}
	if !q.Plan.LevelInstalment.IsZero() {
		level := q.Plan.LevelInstalment.String()
		v.LevelInstalment = &level
	}
	for i, row := range q.Plan.Rows {
		v.Rows[i] = quoteRowView{
			Number: row.Number, DueOn: row.DueOn, Days: row.Days, YearFraction: row.YearFraction.String(),
			OpeningBalance: row.OpeningBalance.String(), Principal: row.Principal.String(), Interest: row.Interest.String(),
			Fees: row.Fees.String(), Total: row.Total.String(), Subsidy: row.Subsidy.String(), ClosingBalance: row.ClosingBalance.String(),
		}
	}
	for i, charge := range q.Plan.Charges {
		v.Charges[i] = chargeView{Kind: charge.Kind, DueOn: charge.DueOn, Row: charge.Row, Amount: charge.Amount.String()}
	}
	return v
}
