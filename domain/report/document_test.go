package report_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"fumin/domain/report"
)

var update = flag.Bool("update", false, "rewrite docs/reports.md from the definitions")

const (
	reportsFile  = "../../docs/reports.md"
	renderBegins = "<!-- begin rendered: reports -->\n"
	renderEnds   = "<!-- end rendered: reports -->\n"
)

func TestTheDocumentShowsTheDefinitions(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(reportsFile)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(content), renderBegins)
	_, after, ends := strings.Cut(rest, renderEnds)
	if !begins || !ends {
		t.Fatalf("%s lacks the marks %q and %q", reportsFile, renderBegins, renderEnds)
	}
	want := before + renderBegins + renderedReports() + renderEnds + after
	if want == string(content) {
		return
	}
	if *update {
		if err := os.WriteFile(reportsFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s differs from domain/report; run: go test ./domain/report -update", reportsFile)
}

func renderedReports() string {
	var b strings.Builder
	for _, d := range report.All() {
		period := "起止日期"
		if d.Period == report.PeriodSnapshot {
			period = "时点"
		}
		fmt.Fprintf(&b, "\n### %s (`%s`, %s)\n\n%s\n\n| 代码 | 表头 | 类型 | 单位 | 合计 | 脱敏 | 口径 |\n|---|---|---|---|---|---|---|\n", d.Title, d.Code, period, d.Description)
		for _, c := range d.Columns {
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s | %s |\n", c.Code, c.Heading, c.Type, c.Unit, ticked(c.Total), ticked(c.Personal), strings.ReplaceAll(c.Definition, "|", "\\|"))
		}
	}
	b.WriteString("\n")
	return b.String()
}

func ticked(yes bool) string {
	if yes {
		return "是"
	}
	return ""
}
