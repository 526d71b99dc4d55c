package report

import (
	"encoding/xml"
	"fmt"
	"strings"

	"fumin/domain/money"
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
	Title   string
	Note    string // what the bars are, as of when
	Bars    []Bar
	Upright bool // columns from left to right, as of days, with the largest one's text; otherwise bars from top to bottom with each one's
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
	c.Bars = c.Bars[:min(len(c.Bars), ChartBarsMax)]
	height := chartHeader + chartStep*max(len(c.Bars), 1) + chartPadding
	if c.Upright {
		height = chartHeader + columnTop + columnHeight + columnLabel + chartPadding
	}
	var s strings.Builder
	fmt.Fprintf(&s, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" font-family="sans-serif">`,
		chartWidth, height, chartWidth, height)
	fmt.Fprintf(&s, `<title>%s</title><rect width="100%%" height="100%%" fill="#fff"/>`, escaped(c.Title))
	fmt.Fprintf(&s, `<text x="%d" y="28" font-size="18" fill="#222">%s</text>`, chartPadding, escaped(c.Title))
	fmt.Fprintf(&s, `<text x="%d" y="48" font-size="12" fill="#666">%s</text>`, chartPadding, escaped(c.Note))
	switch {
	case len(c.Bars) == 0:
		fmt.Fprintf(&s, `<text x="%d" y="%d" font-size="13" fill="#666">没有数据</text>`, chartPadding, chartHeader+chartBar)
	case c.Upright:
		c.drawColumns(&s)
	default:
		c.drawBars(&s)
	}
	s.WriteString("</svg>\n")
	return []byte(s.String())
}

func (c Chart) drawBars(s *strings.Builder) {
	most := c.most()
	for i, b := range c.Bars {
		y, width := chartHeader+i*chartStep, scaled(b.Units, most, chartWidth-chartLabel-chartText-2*chartPadding)
		fmt.Fprintf(s, `<text x="%d" y="%d" font-size="13" fill="#222" text-anchor="end">%s</text>`,
			chartPadding+chartLabel-8, y+14, escaped(clipped(b.Label)))
		fmt.Fprintf(s, `<rect x="%d" y="%d" width="%d" height="%d" fill="#2f6f4f"/>`, chartPadding+chartLabel, y, width, chartBar)
		fmt.Fprintf(s, `<text x="%d" y="%d" font-size="13" fill="#222">%s</text>`, chartPadding+chartLabel+6+width, y+14, escaped(b.Text))
	}
}

// Measures of columns, in pixels.
const (
	columnTop    = 20 // the room for the largest one's text
	columnHeight = 150
	columnLabel  = 20
	columnWords  = 16 // so many labels have room side by side
)

// drawColumns draws each bar as a column, with its text for who points at it; the largest one's text is written out.
func (c Chart) drawColumns(s *strings.Builder) {
	const left, room, floor = chartPadding, chartWidth - 2*chartPadding, chartHeader + columnTop + columnHeight
	most, written := c.most(), false
	every := (len(c.Bars) + columnWords - 1) / columnWords
	for i, b := range c.Bars {
		x, next := left+room*i/len(c.Bars), left+room*(i+1)/len(c.Bars)
		height := scaled(b.Units, most, columnHeight)
		fmt.Fprintf(s, `<rect x="%d" y="%d" width="%d" height="%d" fill="#2f6f4f"><title>%s</title></rect>`,
			x+1, floor-height, max(next-x-2, 1), height, escaped(b.Label+" "+b.Text))
		if i%every == 0 {
			fmt.Fprintf(s, `<text x="%d" y="%d" font-size="11" fill="#222" text-anchor="middle">%s</text>`, (x+next)/2, floor+16, escaped(clipped(b.Label)))
		}
		if b.Units == most && !written {
			written = true
			anchor := "middle"
			if i < len(c.Bars)/6 {
				anchor = "start"
			} else if i >= len(c.Bars)-len(c.Bars)/6-1 {
				anchor = "end"
			}
			fmt.Fprintf(s, `<text x="%d" y="%d" font-size="12" fill="#222" text-anchor="%s">%s</text>`, (x+next)/2, floor-height-6, anchor, escaped(b.Text))
		}
	}
	fmt.Fprintf(s, `<line x1="%d" y1="%d" x2="%d" y2="%d" stroke="#222"/>`, left, floor, left+room, floor)
}

// most is the length of the longest bar, at least one unit.
func (c Chart) most() int64 {
	most := int64(1)
	for _, b := range c.Bars {
		most = max(most, b.Units)
	}
	return most
}

// scaled is how many pixels of the room a bar takes: never more than the room, and without overflow.
func scaled(units, most, room int64) int64 {
	if most <= (1<<62)/room {
		return max(units, 0) * room / most
	}
	return max(units, 0) / (most/room + 1)
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
	c.Title, c.Upright = draw.title, draw.upright
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
	title   string
	upright bool
	bars    func(Head, func(func(Row) error) error) ([]Bar, error)
}

// drawings has the reports that people would rather look at.
var drawings = map[Code]drawing{ //nolint:exhaustive // the others have no chart
	ApplicationLedger:  {"进件漏斗（笔）", false, funnel},
	Turnaround:         {"审批时效中位数（小时）", false, turnaroundBars},
	DisbursementLedger: {"每日放款（元）", true, paidPerDay},
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
		bars = append(bars, Bar{r.Cells[at[0]] + " " + r.Cells[at[1]], hundredths, hours + " 小时（" + channelWord(r.Cells[at[2]]) + "）"})
		return nil
	})
	return bars, err
}

// channelWord is a channel for who looks at a picture; columnChannel has the codes.
func channelWord(code string) string {
	if code == "mobile" {
		return "手机银行"
	}
	return "网点"
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
		bars = append(bars, Bar{day.String()[len("2006-"):], fen, money.Fen(fen).Grouped()})
	}
	return bars, nil
}
