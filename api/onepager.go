package api

import (
	"bytes"
	"html/template"
	"net/http"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/origination"
	"fumin/domain/report"
)

// drawReport draws a report as a picture.
func (s *server) drawReport(c *gin.Context) error {
	in, err := readQuery(c)
	if err != nil {
		return err
	}
	q := s.readReportQuery(in, report.Code(c.Param("code")))
	if err := in.done(); err != nil {
		return err
	}
	prepared, err := s.reports.Prepare(c.Request.Context(), actor(c), q, report.CharsetUTF8)
	if err != nil {
		return err
	}
	chart, err := s.reports.Chart(c.Request.Context(), prepared)
	if err != nil {
		return err
	}
	c.Data(http.StatusOK, "image/svg+xml", chart.SVG())
	return nil
}

// onePager is an A4 page without scripts and without anything from elsewhere.
var onePager = template.Must(template.New("one-pager").Parse(`<!DOCTYPE html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<title>{{.Title}}</title>
<style>
@page { size: A4; margin: 12mm }
body { font-family: "Noto Sans CJK SC", "Microsoft YaHei", "WenQuanYi Zen Hei", sans-serif; color: #222; max-width: 186mm; margin: 0 auto }
h1 { font-size: 20pt; margin: 0 0 1mm; border-bottom: 0.8mm solid #2f6f4f; padding-bottom: 1.5mm }
p { color: #555; font-size: 9pt; margin: 1.5mm 0 4mm }
dl { display: grid; grid-template-columns: repeat(4, 1fr); gap: 2.5mm; margin: 0 0 3mm }
dl div { border: 0.2mm solid #bbb; padding: 2mm 2.5mm }
dt { color: #555; font-size: 9pt }
dd { margin: 0.5mm 0 0; font-size: 12pt; font-weight: 600; font-variant-numeric: tabular-nums; white-space: nowrap }
svg { display: block; width: 100%; height: auto; break-inside: avoid }
</style>
</head>
<body>
<h1>{{.Title}}</h1>
<p>{{.Page.From}} 至 {{.Page.AsOf}}，数字截至 {{.Page.AsOf}} 24:00（北京时间）；上方各数为截至当日的全部贷款，图为本月。</p>
<dl>{{range .Page.Figures}}<div><dt>{{.Label}}</dt><dd>{{.Text}}</dd></div>{{end}}</dl>
{{range .Pictures}}{{.}}{{end}}
</body>
</html>
`))

// onePagerPolicy lets the page's own style in, and nothing else.
const onePagerPolicy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"

// showOnePager prints a branch's month on one page.
func (s *server) showOnePager(c *gin.Context) error {
	in, err := readQuery(c)
	if err != nil {
		return err
	}
	asOf := domain.DateOf(s.now())
	if given := optional(in, "as_of", domain.ParseDate); given != nil {
		asOf = *given
	}
	var branchID domain.ID
	if given := optional(in, "branch_id", domain.ParseID); given != nil {
		branchID = *given
	}
	if err := in.done(); err != nil {
		return err
	}
	page, err := s.reports.OnePagerOf(c.Request.Context(), actor(c), branchID, asOf)
	if err != nil {
		return err
	}
	body, err := renderOnePager(page)
	if err != nil {
		return err
	}
	c.Header("Content-Security-Policy", onePagerPolicy)
	c.Data(http.StatusOK, "text/html; charset=utf-8", body)
	return nil
}

func renderOnePager(page origination.OnePager) ([]byte, error) {
	name := page.BranchName
	if name == "" {
		name = "全部机构"
	}
	pictures := make([]template.HTML, len(page.Charts))
	for i, chart := range page.Charts {
		pictures[i] = template.HTML(chart.SVG()) //nolint:gosec // G203: Chart.SVG escapes every text it is given
	}
	var body bytes.Buffer
	err := onePager.Execute(&body, map[string]any{"Title": name + "信贷一页纸", "Page": page, "Pictures": pictures})
	return body.Bytes(), err
}
