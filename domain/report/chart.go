package report

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// Bar is one bar of a chart. Units says how long it is, in the smallest unit of its value (fen, hundredths of an hour,
// cases), so that no floating point is needed; Text is what stands at its end.
type Bar struct {
	Label string
	Units int64
	Text  string
}

// Chart is a picture of a few numbers (图), for where people would rather look than read.
type Chart struct {
	Title string
	Note  string // what the bars are, as of when
	Bars  []Bar
}

// ChartBarsMax bounds a chart: 31 days, or as many branches as a page can show.
const ChartBarsMax = 62

// Measures of a chart, in pixels.
const (
	chartWidth   = 760
	chartLabel   = 170 // the room for labels
	chartText    = 150 // the room for the texts at the bars' ends
	chartBar     = 18
	chartStep    = 26
	chartHeader  = 64
	chartPadding = 16
)

// SVG draws the chart. Every text is escaped; there is no script, no style sheet and no link in it.
func (c Chart) SVG() []byte {
	bars := c.Bars
	if len(bars) > ChartBarsMax {
		bars = bars[:ChartBarsMax]
	}
	most := int64(1)
	for _, b := range bars {
		most = max(most, b.Units)
	}
	height := chartHeader + chartStep*max(len(bars), 1) + chartPadding
	var s strings.Builder
	fmt.Fprintf(&s, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" font-family="sans-serif">`,
		chartWidth, height, chartWidth, height)
	fmt.Fprintf(&s, `<title>%s</title><rect width="100%%" height="100%%" fill="#fff"/>`, escaped(c.Title))
	fmt.Fprintf(&s, `<text x="%d" y="28" font-size="18" fill="#222">%s</text>`, chartPadding, escaped(c.Title))
	fmt.Fprintf(&s, `<text x="%d" y="48" font-size="12" fill="#666">%s</text>`, chartPadding, escaped(c.Note))
	if len(bars) == 0 {
		fmt.Fprintf(&s, `<text x="%d" y="%d" font-size="13" fill="#666">没有数据</text>`, chartPadding, chartHeader+chartBar)
	}
	room := int64(chartWidth - chartLabel - chartText - 2*chartPadding)
	for i, b := range bars {
		y := chartHeader + i*chartStep
		width := max(b.Units, 0) / (most/room + 1) // never longer than the room, and without overflow
		if most <= (1<<62)/room {
			width = max(b.Units, 0) * room / most
		}
		fmt.Fprintf(&s, `<text x="%d" y="%d" font-size="13" fill="#222" text-anchor="end">%s</text>`,
			chartPadding+chartLabel-8, y+14, escaped(clipped(b.Label)))
		fmt.Fprintf(&s, `<rect x="%d" y="%d" width="%d" height="%d" fill="#2f6f4f"/>`, chartPadding+chartLabel, y, width, chartBar)
		fmt.Fprintf(&s, `<text x="%d" y="%d" font-size="13" fill="#222">%s</text>`, int64(chartPadding+chartLabel+6)+width, y+14, escaped(b.Text))
	}
	s.WriteString("</svg>\n")
	return []byte(s.String())
}

const chartLabelRunesMax = 12

func clipped(label string) string {
	if runes := []rune(label); len(runes) > chartLabelRunesMax {
		return string(runes[:chartLabelRunesMax-1]) + "…"
	}
	return label
}

func escaped(s string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(s)); err != nil {
		return "" // a strings.Builder never fails
	}
	return b.String()
}

// ChartOf draws what a report says, where it has a chart: the funnel of the applications, the turnaround of branches, the
// money paid each day. rows calls its argument for every row. known is false for a report without a chart.
func ChartOf(head Head, rows func(func(Row) error) error) (c Chart, known bool, err error) {
	draw, known := drawings[head.Definition.Code]
	if !known {
		return Chart{}, false, nil
	}
	branch := head.BranchName
	if branch == "" {
		branch = "权限内全部机构"
	}
	c.Title = draw.title
	c.Note = fmt.Sprintf("%s，%s 至 %s，截至 %s", branch, head.Query.From, head.Query.To, head.Query.AsOf)
	c.Bars, err = draw.bars(head, rows)
	return c, true, err
}

// HasChart reports whether a report has a chart.
func HasChart(code Code) bool {
	_, has := drawings[code]
	return has
}

// drawing is how one report is drawn.
type drawing struct {
	title string
	bars  func(Head, func(func(Row) error) error) ([]Bar, error)
}

// drawings has the reports that people would rather look at.
var drawings = map[Code]drawing{ //nolint:exhaustive // the others have no chart
	ApplicationLedger:  {"进件漏斗（笔）", funnel},
	Turnaround:         {"审批时效中位数（小时）", turnaroundBars},
	DisbursementLedger: {"每日放款（元）", paidPerDay},
}

// cellsOf finds the places of columns in a row of the definition.
func cellsOf(d Definition, codes ...string) []int {
	places := make([]int, len(codes))
	for i, code := range codes {
		for place, c := range d.Columns {
			if c.Code == code {
				places[i] = place
			}
		}
	}
	return places
}

// funnel counts how far the applications have come.
func funnel(head Head, rows func(func(Row) error) error) ([]Bar, error) {
	at := cellsOf(head.Definition, "submitted_at", "approved_amount", "status")
	var opened, submitted, approved, signed, paid int64
	err := rows(func(r Row) error {
		opened++
		if r.Cells[at[0]] != "" {
			submitted++
		}
		if r.Cells[at[1]] != "" {
			approved++
		}
		switch r.Cells[at[2]] {
		case "signed":
			signed++
		case "disbursed", "closed":
			signed++
			paid++
		}
		return nil
	})
	bar := func(label string, n int64) Bar { return Bar{label, n, fmt.Sprint(n)} }
	return []Bar{bar("建档", opened), bar("提交", submitted), bar("批准", approved), bar("签约", signed), bar("到账", paid)}, err
}

// turnaroundBars shows the median hours to the answer by branch and product.
func turnaroundBars(head Head, rows func(func(Row) error) error) ([]Bar, error) {
	at := cellsOf(head.Definition, "branch_name", "product_code", "channel", "answer_hours_median")
	var bars []Bar
	err := rows(func(r Row) error {
		hours := r.Cells[at[3]]
		if hours == "" || len(bars) >= ChartBarsMax {
			return nil
		}
		hundredths, err := unitsOf(TypeAmount, hours) // two decimals, as amounts have
		if err != nil {
			return err
		}
		bars = append(bars, Bar{r.Cells[at[0]] + " " + r.Cells[at[1]], hundredths, hours + " 小时（" + r.Cells[at[2]] + "）"})
		return nil
	})
	return bars, err
}

// paidPerDay adds up the money by the day on which it arrived, in whole fen.
func paidPerDay(head Head, rows func(func(Row) error) error) ([]Bar, error) {
	at := cellsOf(head.Definition, "paid_at", "amount")
	sums := map[string]int64{}
	err := rows(func(r Row) error {
		fen, err := unitsOf(TypeAmount, r.Cells[at[1]])
		if err != nil {
			return err
		}
		day := r.Cells[at[0]][:len("2006-01-02")]
		sums[day], err = add(sums[day], fen)
		return err
	})
	if err != nil {
		return nil, err
	}
	var bars []Bar
	first := head.Query.To.AddDays(1 - ChartBarsMax) // the latest days, where the range is longer than a chart
	if first.Before(head.Query.From) {
		first = head.Query.From
	}
	for day := first; !day.After(head.Query.To); day = day.AddDays(1) {
		fen := sums[day.String()]
		bars = append(bars, Bar{day.String(), fen, textOf(TypeAmount, fen)})
	}
	return bars, nil
}
