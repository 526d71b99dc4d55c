package report_test

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fumin/domain"
	"fumin/domain/report"
)

func TestAChartIsWellFormedWhateverItsTexts(t *testing.T) {
	t.Parallel()
	for _, upright := range []bool{false, true} {
		chart := report.Chart{Title: `<script>alert(1)</script>`, Note: "a & b", Upright: upright, Bars: []report.Bar{
			{"<茌平>支行🌾", 5, `"5"`}, {"很长很长很长很长很长很长很长的机构名称", math.MaxInt64, "most"}, {"负数", -3, "-3"},
		}}
		checkPicture(t, chart.SVG())
	}
}

// checkPicture holds that a picture is well-formed, shows texts as texts, and keeps its bars inside.
func checkPicture(t *testing.T, picture []byte) {
	t.Helper()
	decoder := xml.NewDecoder(strings.NewReader(string(picture)))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("not XML: %v\n%s", err, picture)
		}
		if start, is := token.(xml.StartElement); is && start.Name.Local == "script" {
			t.Errorf("a text became an element:\n%s", picture)
		}
	}
	for _, width := range []string{`width="-`, `width="99`, `height="-`, `height="99`, `y="-`} {
		if strings.Contains(string(picture), width) {
			t.Errorf("a bar is out of the picture (%s):\n%s", width, picture)
		}
	}
}

func TestMoneyIsAddedUpByTheDayOnWhichItArrived(t *testing.T) {
	t.Parallel()
	head := ledgerHead(t, report.CharsetUTF8)
	head.Query.From, head.Query.To = domain.MustParseDate("2026-08-21"), domain.MustParseDate("2026-08-22")
	rows := func(each func(report.Row) error) error {
		return errors.Join(each(paid("371503", "王吉华", "99500.00")), each(paid("371522", "刘明勇", "0.01")))
	}
	chart, known, err := report.ChartOf(head, rows)
	if !known || err != nil {
		t.Fatalf("known = %t, %v", known, err)
	}
	want := []report.Bar{{"08-21", 0, "0.00"}, {"08-22", 9_950_001, "99,500.01"}}
	if diff := cmp.Diff(want, chart.Bars); diff != "" {
		t.Errorf("the bars differ (-want +got):\n%s", diff)
	}
}

func TestAReportWithoutAChartSaysSo(t *testing.T) {
	t.Parallel()
	for _, d := range report.All() {
		_, known, err := report.ChartOf(report.Head{Definition: d}, func(func(report.Row) error) error { return nil })
		if known != report.HasChart(d.Code) || err != nil {
			t.Errorf("%s: ChartOf says %t (%v), HasChart %t", d.Code, known, err, report.HasChart(d.Code))
		}
	}
}
