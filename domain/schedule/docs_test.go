package schedule_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"fumin/domain"
	"fumin/domain/money"
	"fumin/domain/schedule"
)

var update = flag.Bool("update", false, "rewrite the checked blocks of docs/quotes.md")

const quotesDocument = "../../docs/quotes.md"

// Every figure of docs/quotes.md stands in a block that a function here renders from the code, hand calculation
// included; outside the blocks the document has no figure with decimals.
var documentBlocks = map[string]func(*testing.T) string{
	"limits": blockLimits, "equal_instalment": blockEqualInstalment, "equal_principal": blockEqualPrincipal,
	"interest_only_bullet": blockBullet, "lump_sum": blockLumpSum, "flat_addon": blockFlat, "seasonal": blockSeasonal,
	"day_counts": blockDayCounts, "month_end": blockMonthEnd, "business_day": blockBusinessDay, "rounding": blockRounding,
	"odd_first": blockOddFirst, "too_small": blockTooSmall, "fees": blockFees, "costs": blockCosts, "paper": blockPaper,
}

func TestEveryFigureOfTheQuotesDocumentIsTheCodes(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(quotesDocument)
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile(`(?s)<!-- checked: (\w+) -->\n(.*?)<!-- /checked -->`)
	found := map[string]bool{}
	rendered := block.ReplaceAllStringFunc(string(text), func(old string) string {
		name := block.FindStringSubmatch(old)[1]
		render, known := documentBlocks[name]
		if !known {
			t.Errorf("block %q: nothing renders it", name)
			return old
		}
		found[name] = true
		return "<!-- checked: " + name + " -->\n" + render(t) + "<!-- /checked -->"
	})
	for name := range documentBlocks {
		if !found[name] {
			t.Errorf("block %q is missing from the document", name)
		}
	}
	if rest := block.ReplaceAllString(string(text), ""); regexp.MustCompile(`\d[.,]\d`).MatchString(rest) {
		t.Errorf("a figure outside the checked blocks: %q", regexp.MustCompile(`.{0,30}\d[.,]\d.{0,30}`).FindString(rest))
	}
	if rendered == string(text) {
		return
	}
	if *update {
		if err := os.WriteFile(quotesDocument, []byte(rendered), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("docs/quotes.md differs from the code; run go test ./domain/schedule -run QuotesDocument -update\n%s", firstDifference(string(text), rendered))
}

func firstDifference(a, b string) string {
	linesA, linesB := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(linesA), len(linesB)) {
		if linesA[i] != linesB[i] {
			return fmt.Sprintf("line %d\n document: %s\n code:     %s", i+1, linesA[i], linesB[i])
		}
	}
	return "one is longer"
}

// documentLoan is 王吉华's duck shed: 99,500.00 from 10 March 2026, twelve months at 3.85 %.
func documentLoan(method schedule.Method) schedule.Terms {
	t := terms(method, "99500.00", "3.85", 12)
	t.DisbursedOn = domain.MustParseDate("2026-03-10")
	return t
}

func quoted(t *testing.T, terms schedule.Terms) schedule.Quotation {
	t.Helper()
	quotation, err := schedule.Quote(terms)
	if err != nil {
		t.Fatal(err)
	}
	return quotation
}

// rowTable shows some rows; what is left out is said by a row of dots.
func rowTable(plan schedule.Plan, numbers ...int) string {
	var b strings.Builder
	b.WriteString("| 期 | 还款日 | 天数 | 期初余额 | 本金 | 利息 | 合计 | 期末余额 |\n|---:|---|---:|---:|---:|---:|---:|---:|\n")
	before := 0
	for _, n := range numbers {
		if n > before+1 {
			b.WriteString("| … | | | | | | | |\n")
		}
		row := plan.Rows[n-1]
		fmt.Fprintf(&b, "| %d | %s | %d | %s | %s | %s | %s | %s |\n", n, row.DueOn, row.Days, row.OpeningBalance.Grouped(),
			row.Principal.Grouped(), row.Interest.Grouped(), row.Principal.Add(row.Interest).Grouped(), row.ClosingBalance.Grouped())
		before = n
	}
	fmt.Fprintf(&b, "| 合计 | | | | %s | %s | %s | |\n", plan.Totals.Principal.Grouped(), plan.Totals.Interest.Grouped(),
		plan.Totals.Principal.Add(plan.Totals.Interest).Grouped())
	return b.String()
}

func blockLimits(*testing.T) string {
	return fmt.Sprintf(`| field | permitted |
|---|---|
| principal 借款本金 | %s to %s |
| annual_rate_pct 年利率 | 0 to %s, six decimals |
| periods 期数, due_dates | 1 to %d; %d rows together with the harvests |
| frequency.every | day 731, week 104, month 24, year 10 |
| term 期限 | %d years, and no date past %d |
| instalment_multiple | 0.01 to %s |
| seasonal_instalments | %d |
| fees 费用 | %d, each up to %d %% a year |
| yearly cost, rates of cash flows | above %d %%, up to %s %% |
| cash flows | %d, within %d years |
`, schedule.PrincipalMin, schedule.PrincipalMax.Grouped(), schedule.AnnualRateMax, schedule.PeriodsMax, schedule.RowsMax,
		schedule.TermYearsMax, domain.YearMax, money.Fen(schedule.MultipleMax*100).Grouped(), schedule.SeasonalMax,
		schedule.FeesMax, schedule.FeeRatePctMax, schedule.RatePctMin, strings.TrimSuffix(money.Fen(schedule.RatePctMax*100).Grouped(), ".00"),
		schedule.FlowsMax, schedule.FlowYearsMax)
}

func blockEqualInstalment(t *testing.T) string {
	terms := documentLoan(schedule.EqualInstalment)
	plan := quoted(t, terms).Plan
	first, second := plan.Rows[0], plan.Rows[1]
	return fmt.Sprintf(`99,500.00 at 3.85 %% over 12 months. One period's rate is 3.85 %% ÷ 12, and the annuity formula gives %s a month.

- Row 1: interest %s × 3.85 %% × 1/12 = **%s**; principal %s − %s = **%s**.
- Row 2: interest %s × 3.85 %% × 1/12 = **%s**; principal %s − %s = **%s**.
- Row 12 repays what is left, %s, with its interest; so it is %s instead of %s.

`, plan.LevelInstalment.Grouped(),
		first.OpeningBalance.Grouped(), first.Interest, plan.LevelInstalment.Grouped(), first.Interest, first.Principal.Grouped(),
		second.OpeningBalance.Grouped(), second.Interest, plan.LevelInstalment.Grouped(), second.Interest, second.Principal.Grouped(),
		plan.Rows[11].Principal.Grouped(), plan.Rows[11].Total.Grouped(), plan.LevelInstalment.Grouped()) + rowTable(plan, 1, 2, 12)
}

func blockEqualPrincipal(t *testing.T) string {
	plan := quoted(t, documentLoan(schedule.EqualPrincipal)).Plan
	return fmt.Sprintf(`- Principal of each row: 99,500.00 ÷ 12 = **%s**; the last row carries the rest, %s.
- Interest of row 2: %s × 3.85 %% × 1/12 = **%s**.

`, plan.Rows[0].Principal.Grouped(), plan.Rows[11].Principal.Grouped(), plan.Rows[1].OpeningBalance.Grouped(), plan.Rows[1].Interest) + rowTable(plan, 1, 2, 12)
}

func blockBullet(t *testing.T) string {
	plan := quoted(t, documentLoan(schedule.InterestOnlyBullet)).Plan
	return fmt.Sprintf("- Interest of every row: 99,500.00 × 3.85 %% × 1/12 = **%s**.\n\n", plan.Rows[0].Interest) + rowTable(plan, 1, 2, 12)
}

func blockLumpSum(t *testing.T) string {
	plan := quoted(t, documentLoan(schedule.LumpSum)).Plan
	return fmt.Sprintf("- Interest: 99,500.00 × 3.85 %% × 12/12 = **%s**, rounded once.\n\n", plan.Rows[0].Interest.Grouped()) + rowTable(plan, 1)
}

func blockFlat(t *testing.T) string {
	quotation := quoted(t, documentLoan(schedule.FlatAddOn))
	plan := quotation.Plan
	return fmt.Sprintf(`- Interest of every row: 99,500.00 × 3.85 %% × 1/12 = **%s**, although the balance falls.
- Each row: 99,500.00 ÷ 12 + %s = **%s**. What is called 3.85 %% costs **%s %%** a year (effective).

`, plan.Rows[0].Interest, plan.Rows[0].Interest, plan.LevelInstalment.Grouped(), quotation.Cost.APREffective.Shown(2, money.HalfUp)) + rowTable(plan, 1, 2, 12)
}

func blockSeasonal(t *testing.T) string {
	terms := terms(schedule.Seasonal, "1000000.00", "5", 0)
	terms.DisbursedOn = domain.MustParseDate("2026-03-10")
	terms.Seasonal = []schedule.SeasonalInstalment{
		{DueOn: domain.MustParseDate("2026-06-20"), SharePct: money.MustParseRate("40")},
		{DueOn: domain.MustParseDate("2026-10-10"), SharePct: money.MustParseRate("60")},
	}
	monthly := quoted(t, terms).Plan
	terms.InterestAtHarvest = true
	atHarvest := quoted(t, terms).Plan
	return fmt.Sprintf(`1,000,000.00 at 5 %%, 40 %% after the first harvest on 20 June and 60 %% after the second on 10 October, 30/360. Interest every month:

%s
- Row 4 ends on the harvest: 10 days, %s × 5 %% × 10/360 = **%s**. Row 5 is the rest of that month on %s.

The same with interest at the harvest (interest_at_harvest): 3 months and 10 days are 100/360 years.

%s`, rowTable(monthly, 1, 2, 3, 4, 5, 6, 7, 8), monthly.Rows[3].OpeningBalance.Grouped(), monthly.Rows[3].Interest.Grouped(),
		monthly.Rows[4].OpeningBalance.Grouped(), rowTable(atHarvest, 1, 2))
}

func blockDayCounts(t *testing.T) string {
	base := terms(schedule.InterestOnlyBullet, "360000.00", "10", 1)
	base.DisbursedOn, base.FirstDueOn = domain.MustParseDate("2023-12-12"), domain.MustParseDate("2024-01-31")
	var b strings.Builder
	b.WriteString("360,000.00 at 10 % from 12 December 2023 to 31 January 2024:\n\n| day_count | years | interest | by hand |\n|---|---|---:|---|\n")
	for _, line := range []struct {
		dayCount schedule.DayCount
		hand     string
	}{
		{schedule.Thirty360, "from the 12th to the 12th 30 days, to the 31st 19 more: 49/360"},
		{schedule.ThirtyE360, "the 31st counts as the 30th: 48/360"},
		{schedule.Actual360, "50 days: 50/360"},
		{schedule.Actual365, "50 days: 50/365"},
		{schedule.ActualActual, "20 days in 2023, 30 in the leap year 2024: 20/365 + 30/366"},
		{schedule.Periodic, "back from 31 January: one month to 31 December, 19 days before it: (1 + 19/30) ÷ 12"},
	} {
		terms := base
		terms.DayCount = line.dayCount
		row := quoted(t, terms).Plan.Rows[0]
		fmt.Fprintf(&b, "| `%s` | %d/%d | %s | %s |\n", line.dayCount, row.YearFraction.Numerator, row.YearFraction.Denominator, row.Interest.Grouped(), line.hand)
	}
	b.WriteString("\nA whole month, 31 January to 28 February 2026:\n\n| day_count | years | interest |\n|---|---|---:|\n")
	base.DisbursedOn, base.FirstDueOn = domain.MustParseDate("2026-01-31"), domain.Date{}
	for _, dayCount := range []schedule.DayCount{schedule.Thirty360, schedule.ThirtyE360, schedule.Actual360, schedule.Actual365, schedule.ActualActual, schedule.Periodic} {
		terms := base
		terms.DayCount = dayCount
		row := quoted(t, terms).Plan.Rows[0]
		fmt.Fprintf(&b, "| `%s` | %d/%d | %s |\n", dayCount, row.YearFraction.Numerator, row.YearFraction.Denominator, row.Interest.Grouped())
	}
	return b.String()
}

func blockMonthEnd(t *testing.T) string {
	var b strings.Builder
	b.WriteString("| disbursed_on | month_end | due dates |\n|---|---|---|\n")
	for _, on := range []string{"2026-01-31", "2026-02-28"} {
		for _, rule := range []schedule.MonthEnd{schedule.Clamp, schedule.EOMSticky} {
			terms := terms(schedule.InterestOnlyBullet, "1000.00", "5", 4)
			terms.DisbursedOn, terms.MonthEnd = domain.MustParseDate(on), rule
			fmt.Fprintf(&b, "| %s | `%s` | %s |\n", on, rule, strings.ReplaceAll(dueDates(quoted(t, terms).Plan), " ", ", "))
		}
	}
	return b.String()
}

func blockBusinessDay(t *testing.T) string {
	var holidays []domain.Date
	for day := domain.MustParseDate("2026-02-15"); !day.After(domain.MustParseDate("2026-02-23")); day = day.AddDays(1) {
		holidays = append(holidays, day)
	}
	calendar, err := schedule.NewCalendar(holidays, []domain.Date{domain.MustParseDate("2026-02-14"), domain.MustParseDate("2026-02-28")})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("365,000.00 at 10 % from 18 January 2026; the due date of 18 February falls into the Spring Festival (15 to 23 February free, Saturday the 14th worked):\n\n")
	b.WriteString("| business_day | due | days | interest `act/365` | interest `30/360` |\n|---|---|---:|---:|---:|\n")
	for _, rule := range []schedule.BusinessDay{schedule.Unmoved, schedule.Following, schedule.Preceding} {
		terms := terms(schedule.InterestOnlyBullet, "365000.00", "10", 1)
		terms.DisbursedOn, terms.Calendar, terms.BusinessDay, terms.DayCount = domain.MustParseDate("2026-01-18"), calendar, rule, schedule.Actual365
		actual := quoted(t, terms).Plan.Rows[0]
		terms.DayCount = schedule.Thirty360
		months := quoted(t, terms).Plan.Rows[0]
		fmt.Fprintf(&b, "| `%s` | %s | %d | %s | %s |\n", rule, actual.DueOn, actual.Days, actual.Interest.Grouped(), months.Interest.Grouped())
	}
	return b.String()
}

func blockRounding(t *testing.T) string {
	terms := terms(schedule.InterestOnlyBullet, "100.50", "12", 1)
	up := quoted(t, terms).Plan.Rows[0].Interest
	terms.Rounding = money.HalfEven
	even := quoted(t, terms).Plan.Rows[0].Interest
	return fmt.Sprintf("100.50 at 12 %% for a month: 100.50 × 12 %% × 1/12 = 1.005, exactly half a fen. `half_up` gives **%s**, `half_even` **%s**.\n", up, even)
}

func blockOddFirst(t *testing.T) string {
	terms := documentLoan(schedule.EqualInstalment)
	terms.FirstDueOn = domain.MustParseDate("2026-04-20")
	plan := quoted(t, terms).Plan
	row := plan.Rows[0]
	return fmt.Sprintf(`The same loan, first due on 20 April instead of 10 April: the first period is 40/360 years, all others 1/12.

- Row 1: interest 99,500.00 × 3.85 %% × 40/360 = **%s**.
- The level instalment is solved with the periods' own lengths: **%s** (with equal periods it was %s).

`, row.Interest, plan.LevelInstalment.Grouped(), quoted(t, documentLoan(schedule.EqualInstalment)).Plan.LevelInstalment.Grouped()) + rowTable(plan, 1, 2, 12)
}

func blockTooSmall(t *testing.T) string {
	terms := documentLoan(schedule.EqualInstalment)
	terms.GivenInstalment = money.MustParseAmount("300.00")
	_, err := schedule.Build(terms)
	refused, ok := errors.AsType[*domain.Error](err)
	if !ok {
		t.Fatalf("300.00 a month: got %v, want a refusal", err)
	}
	return "> " + refused.Fields[0].Detail + "\n"
}

func blockFees(t *testing.T) string {
	var b strings.Builder
	b.WriteString("120,000.00 in 18 equal parts of principal, a guarantee fee (担保费) of 0.6 % a year:\n\n| on | when | at disbursement | with rows | total |\n|---|---|---:|---|---:|\n")
	for _, when := range []schedule.FeeTiming{schedule.Upfront, schedule.EachPeriod, schedule.Yearly} {
		for _, on := range []schedule.FeeBase{schedule.OnPrincipal, schedule.OnBalance} {
			terms := terms(schedule.EqualPrincipal, "120000.00", "0", 18)
			terms.Fees = []schedule.Fee{{Kind: "guarantee_fee", RatePctAYear: money.MustParseRate("0.6"), On: on, When: when}}
			plan := quoted(t, terms).Plan
			var rows []string
			for _, charge := range plan.Charges {
				if charge.Row > 0 && len(rows) < 3 {
					rows = append(rows, fmt.Sprintf("%d: %s", charge.Row, charge.Amount))
				}
			}
			if when == schedule.EachPeriod {
				rows = append(rows, "…")
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", on, when, plan.FeesUpfront.Grouped(), strings.Join(rows, ", "), plan.Totals.Fees.Grouped())
		}
	}
	return b.String()
}

func blockCosts(t *testing.T) string {
	terms := documentLoan(schedule.EqualInstalment)
	terms.Fees = []schedule.Fee{{Kind: "guarantee_fee", RatePctAYear: money.MustParseRate("0.5"), When: schedule.Upfront}}
	terms.InterestSubsidyShare = money.MustParseRate("50")
	quotation := quoted(t, terms)
	plan, cost := quotation.Plan, quotation.Cost
	plain := documentLoan(schedule.EqualInstalment)
	without := quoted(t, plain).Cost
	shown := func(p schedule.Percent) string { return p.Shown(4, money.HalfUp) }
	return fmt.Sprintf(`99,500.00, twelve instalments of %s, a guarantee fee of 0.5 %% a year on the principal paid at disbursement (%s), half of the interest subsidised:

| figure | without the fee | with the fee |
|---|---:|---:|
| `+"`nominal_pct`"+` 名义年利率 | %s | %s |
| `+"`apr_nominal_pct`"+` 精算法名义年化 | %s | %s |
| `+"`apr_effective_pct`"+` 综合年化成本 | %s | %s |
| … after subsidy 贴息后 | | %s |

The borrower has 99,500.00 − %s = %s in hand and pays interest on 99,500.00, for about half a year on average: that is why a fee of 0.5 %% weighs twice as much a year.
`, plan.LevelInstalment.Grouped(), plan.FeesUpfront, without.Nominal, cost.Nominal, shown(without.APRNominal), shown(cost.APRNominal),
		shown(without.APREffective), shown(cost.APREffective), shown(cost.APREffectiveAfterSubsidy),
		plan.FeesUpfront, terms.Principal.Sub(plan.FeesUpfront).Grouped())
}

func blockPaper(t *testing.T) string {
	flows := schedule.CashFlows{Frequency: schedule.Monthly, Flows: []schedule.CashFlow{{Amount: money.MustParseAmount("12000.00")}}}
	for k := 1; k <= 12; k++ {
		flows.Flows = append(flows.Flows, schedule.CashFlow{Period: k, Amount: money.MustParseAmount("-1060.00")})
	}
	rates, err := schedule.CashFlowRates(flows)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("A leaflet offers 12,000.00 against twelve payments of 1,060.00 and calls it “0.5 %% a month”. In: +12,000.00 in period 0, −1,060.00 in periods 1 to 12, monthly. Out: nominal **%s %%**, effective **%s %%** a year; not 6 %%.\n",
		rates.Nominal.Shown(4, money.HalfUp), rates.Effective.Shown(4, money.HalfUp))
}
