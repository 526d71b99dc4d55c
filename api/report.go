package api

import (
	"context"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/origination"
	"fumin/domain/report"
)

// reportRoutes are the routes of the reports of branches and the reporting desk (报表).
func (s *server) reportRoutes() []route {
	return []route{
		{method: http.MethodGet, path: "/v1/reports", handler: s.listReports},
		{method: http.MethodGet, path: "/v1/reports/:code", handler: s.showReport},
		{method: http.MethodGet, path: "/v1/reports/:code/rows", handler: s.listReportRows, query: true},
		{method: http.MethodGet, path: "/v1/reports/:code/totals", handler: s.showReportTotals, query: true, timeout: reportStreamTimeout},
		{method: http.MethodGet, path: "/v1/reports/:code/file", handler: s.streamReport, query: true, timeout: reportStreamTimeout},
		{method: http.MethodGet, path: "/v1/reports/:code/chart.svg", handler: s.drawReport, query: true, timeout: reportStreamTimeout},
		{method: http.MethodGet, path: "/v1/one-pager.html", handler: s.showOnePager, query: true, timeout: reportStreamTimeout},
		{method: http.MethodPost, path: "/v1/exports", handler: s.startExport},
	}
}

// reportStreamTimeout bounds a streamed report; it is below the server's write time-out.
const reportStreamTimeout = 35 * time.Second

// reportView is a report as the list of reports shows it.
type reportView struct {
	Code        string             `json:"code"`
	Title       string             `json:"title"`
	Description string             `json:"description"`
	Period      string             `json:"period"`
	Columns     []reportColumnView `json:"columns"`
}

type reportColumnView struct {
	Code       string `json:"code"`
	Heading    string `json:"heading"`
	Type       string `json:"type"`
	Unit       string `json:"unit"`
	Definition string `json:"definition"`
	Total      bool   `json:"total"`
	Personal   bool   `json:"personal"`
}

func viewReport(d report.Definition) reportView {
	v := reportView{Code: string(d.Code), Title: d.Title, Description: d.Description, Period: string(d.Period)}
	for _, c := range d.Columns {
		v.Columns = append(v.Columns, reportColumnView{
			Code: c.Code, Heading: c.Heading, Type: string(c.Type), Unit: c.Unit, Definition: c.Definition, Total: c.Total, Personal: c.Personal,
		})
	}
	return v
}

func (s *server) listReports(c *gin.Context) error {
	definitions, err := s.reports.Definitions(actor(c))
	if err != nil {
		return err
	}
	items := make([]reportView, len(definitions))
	for i, d := range definitions {
		items[i] = viewReport(d)
	}
	return writeJSON(c, http.StatusOK, listView[reportView]{Items: items})
}

func (s *server) showReport(c *gin.Context) error {
	definition, err := s.reports.Definition(actor(c), report.Code(c.Param("code")))
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, viewReport(definition))
}

// readReportQuery reads what is asked of a report, from a query or a body. Without as_of it is today.
func (s *server) readReportQuery(in *object, code report.Code) report.Query {
	q := report.Query{Report: code, AsOf: domain.DateOf(s.now())}
	for name, day := range map[string]*domain.Date{"from": &q.From, "to": &q.To, "as_of": &q.AsOf} {
		if given := optional(in, name, domain.ParseDate); given != nil {
			*day = *given
		}
	}
	if id := optional(in, "branch_id", domain.ParseID); id != nil {
		q.BranchID = *id
	}
	q.ProductCode = in.text("product_code", 0, productCodeRunesMax)
	if columns := in.text("columns", 0, columnsRunesMax); columns != "" {
		q.Columns = strings.Split(columns, ",")
	}
	q.Reveal = orZero(in.optionalBoolean("reveal"))
	q.RevealReason = in.text("reveal_reason", 0, report.RevealReasonMax)
	return q
}

// Bounds of the texts of a query.
const (
	productCodeRunesMax = 32
	columnsRunesMax     = 2_000
	reportKeyRunesMax   = 300
	reportCodeRunesMax  = 40
)

// reportPageView is a page of a report. A row has a cell for each of the columns, in their order: text in the form of the
// column's type, or null.
type reportPageView struct {
	Report  string      `json:"report"`
	AsOf    domain.Date `json:"as_of"`
	Columns []string    `json:"columns"`
	Items   [][]*string `json:"items"`
	Next    *string     `json:"next"`
}

func (s *server) listReportRows(c *gin.Context) error {
	in, err := readQuery(c)
	if err != nil {
		return err
	}
	q := s.readReportQuery(in, report.Code(c.Param("code")))
	after := in.text("after", 0, reportKeyRunesMax)
	limit := domain.PageLimitDefault
	if given := in.optionalInteger("limit", 1, origination.ReportPageMax); given != nil {
		limit = *given
	}
	if err := in.done(); err != nil {
		return err
	}
	prepared, err := s.reports.Prepare(c.Request.Context(), actor(c), q, report.CharsetUTF8)
	if err != nil {
		return err
	}
	rows, next, err := s.reports.Page(c.Request.Context(), prepared, after, limit)
	if err != nil {
		return err
	}
	view := reportPageView{Report: string(q.Report), AsOf: q.AsOf, Items: make([][]*string, len(rows))}
	columns, places := q.Selection(prepared.Head.Definition)
	for _, column := range columns {
		view.Columns = append(view.Columns, column.Code)
	}
	for i, row := range rows {
		for _, place := range places {
			view.Items[i] = append(view.Items[i], cellView(row.Cells[place]))
		}
	}
	if next != "" {
		address := *c.Request.URL
		values := address.Query()
		values.Set("after", next)
		address.RawQuery = values.Encode()
		text := address.RequestURI()
		view.Next = &text
	}
	return writeJSON(c, http.StatusOK, view)
}

// reportTotalsView is what the rows of a report come to, over all its pages.
type reportTotalsView struct {
	Report        string             `json:"report"`
	AsOf          domain.Date        `json:"as_of"`
	Rows          int64              `json:"rows"`
	CSVBodySHA256 string             `json:"csv_body_sha256"`
	Totals        []reportTotalView  `json:"totals"`
	Branches      []branchTotalsView `json:"branches"`
}

type reportTotalView struct {
	Column string `json:"column"`
	Total  string `json:"total"`
}

type branchTotalsView struct {
	BranchCode string            `json:"branch_code"`
	BranchName string            `json:"branch_name"`
	Rows       int64             `json:"rows"`
	Totals     []reportTotalView `json:"totals"`
}

func viewTotals(totals []report.Total) []reportTotalView {
	views := make([]reportTotalView, len(totals))
	for i, t := range totals {
		views[i] = reportTotalView{Column: t.Column.Code, Total: t.Text}
	}
	return views
}

// showReportTotals adds up a report as its file would, to the fen. A page has no totals of its own: it would have to read the whole
// report for each.
func (s *server) showReportTotals(c *gin.Context) error {
	in, err := readQuery(c)
	if err != nil {
		return err
	}
	q := s.readReportQuery(in, report.Code(c.Param("code")))
	if err := in.done(); err != nil {
		return err
	}
	ctx := c.Request.Context()
	prepared, err := s.reports.Prepare(ctx, actor(c), q, report.CharsetUTF8)
	if err != nil {
		return err
	}
	if err := s.refuseLarge(ctx, prepared); err != nil {
		return err
	}
	summary, err := s.reports.Write(ctx, prepared, report.FormatCSV, io.Discard, nil)
	if err != nil {
		return err
	}
	view := reportTotalsView{
		Report: string(q.Report), AsOf: q.AsOf, Rows: summary.Rows, CSVBodySHA256: summary.CSVBodySHA256,
		Totals: viewTotals(summary.Totals), Branches: make([]branchTotalsView, len(summary.Branches)),
	}
	for i, b := range summary.Branches {
		view.Branches[i] = branchTotalsView{BranchCode: b.BranchCode, BranchName: b.BranchName, Rows: b.Rows, Totals: viewTotals(b.Totals)}
	}
	return writeJSON(c, http.StatusOK, view)
}

// refuseLarge refuses a report that takes too long for one answer: it goes through an export.
func (s *server) refuseLarge(ctx context.Context, prepared origination.PreparedReport) error {
	rows, err := s.reports.Count(ctx, prepared, origination.ReportStreamRowsMax+1)
	if err == nil && rows > origination.ReportStreamRowsMax {
		err = domain.Errorf(domain.KindRule, "report-too-large",
			"超过 %d 行，不能直接下载：请用 POST /v1/exports 在后台导出，或缩小日期范围", origination.ReportStreamRowsMax)
	}
	return err
}

// cellView makes an empty cell a null.
func cellView(cell string) *string {
	if cell == "" {
		return nil
	}
	return &cell
}

func parseReportFormat(s string) (report.Format, error) {
	if f := report.Format(s); f.Valid() {
		return f, nil
	}
	return "", domain.BadValue("unknown-value", "应为 csv、xlsx 或 parquet")
}

func parseCharset(s string) (report.Charset, error) {
	if c := report.Charset(s); c.Valid() {
		return c, nil
	}
	return "", domain.BadValue("unknown-value", "应为 utf-8 或 gb18030")
}

// streamReport writes a small report at once. What is too large for one answer is refused and goes through an export.
func (s *server) streamReport(c *gin.Context) error {
	in, err := readQuery(c)
	if err != nil {
		return err
	}
	q := s.readReportQuery(in, report.Code(c.Param("code")))
	format := required(in, "format", parseReportFormat)
	charset := report.CharsetUTF8
	if given := optional(in, "charset", parseCharset); given != nil {
		charset = *given
	}
	if err := in.done(); err != nil {
		return err
	}
	ctx, by := c.Request.Context(), actor(c)
	prepared, err := s.reports.Prepare(ctx, by, q, charset)
	if err != nil {
		return err
	}
	if err := s.refuseLarge(ctx, prepared); err != nil {
		return err
	}
	c.Header("Content-Type", format.MediaType(charset))
	c.Header("Content-Disposition", reportDisposition(prepared.Head, format))
	answer := &answerWriter{to: c.Writer}
	if _, err := s.reports.Write(ctx, prepared, format, answer, nil); err != nil {
		if !answer.began {
			c.Writer.Header().Del("Content-Disposition")
			return err
		}
		// The answer has begun: a connection that breaks off is the one thing that says it is not whole.
		s.log.ErrorContext(ctx, "a report broke off", slog.String("report", string(q.Report)), slog.Any("error", err))
		panic(http.ErrAbortHandler)
	}
	return nil
}

// answerWriter remembers whether anything was sent, and sends what was written before the first byte as it comes.
type answerWriter struct {
	to    io.Writer
	began bool
}

func (w *answerWriter) Write(p []byte) (int, error) {
	w.began = true
	return w.to.Write(p)
}

// reportDisposition names the file in Chinese (RFC 6266).
func reportDisposition(head report.Head, format report.Format) string {
	return mime.FormatMediaType("attachment", map[string]string{"filename": origination.FileNameOf(head, format)})
}

// startExport begins a report in the background. The answer says where to look after it.
func (s *server) startExport(c *gin.Context) error {
	key, err := readIdempotency(c)
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	code := report.Code(in.text("report", 1, reportCodeRunesMax))
	export := origination.StartExport{
		Query: s.readReportQuery(in, code), Format: required(in, "format", parseReportFormat), Charset: report.CharsetUTF8,
	}
	if given := optional(in, "charset", parseCharset); given != nil {
		export.Charset = *given
	}
	if err := in.done(); err != nil {
		return err
	}
	job, replayed, err := s.exports.Start(c.Request.Context(), actor(c), key, export)
	if err != nil {
		return err
	}
	return writeJob(c, job, replayed)
}
