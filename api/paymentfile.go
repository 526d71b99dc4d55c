package api

import (
	"fmt"
	"mime"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
)

// statusReportBytesMax bounds a pain.002 about one file of ours.
const statusReportBytesMax = 8 << 20

// paymentFileRoutes are the routes of payment by file (批量付款文件).
func (s *server) paymentFileRoutes() []route {
	const all, one = "/v1/payment-files", "/v1/payment-files/:id"
	return []route{
		{method: http.MethodPost, path: all, handler: s.createPaymentFile},
		{method: http.MethodGet, path: all, handler: s.listPaymentFiles, query: true},
		{method: http.MethodGet, path: one, handler: byID(s.paymentFiles.File, shown(viewPaymentFile))},
		{method: http.MethodGet, path: one + "/content", handler: s.downloadPaymentFile},
		{method: http.MethodPost, path: one + "/status-reports", handler: s.reportPaymentFile, bodyLimit: statusReportBytesMax, timeout: time.Minute},
	}
}

func (s *server) createPaymentFile(c *gin.Context) error {
	key, err := readIdempotency(c)
	if err != nil {
		return err
	}
	if err := readNoBody(c); err != nil {
		return err
	}
	file, replayed, err := s.paymentFiles.Create(c.Request.Context(), actor(c), key)
	if err != nil {
		return err
	}
	setReplayed(c, replayed)
	c.Header("Location", "/v1/payment-files/"+file.ID.String())
	return writeJSON(c, http.StatusCreated, viewPaymentFile(file))
}

func (s *server) listPaymentFiles(c *gin.Context) error {
	query, err := readQuery(c)
	if err != nil {
		return err
	}
	p := query.page()
	if err := query.done(); err != nil {
		return err
	}
	files, err := s.paymentFiles.Files(c.Request.Context(), actor(c), p)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, viewList(c, p, files, viewPaymentFile, func(f origination.PaymentFile) domain.ID { return f.ID }))
}

func (s *server) downloadPaymentFile(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	file, content, err := s.paymentFiles.Content(c.Request.Context(), actor(c), id)
	if err != nil {
		return err
	}
	c.Header("ETag", `"`+file.SHA256+`"`)
	c.Header("Content-Disposition", fmt.Sprintf(`attachment; filename="pain001-%s.xml"`, file.ID))
	c.Data(http.StatusOK, mediaXML, content)
	return nil
}

// reportPaymentFile takes a pain.002. It needs no Idempotency-Key: the same report again changes nothing.
func (s *server) reportPaymentFile(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	mediaType, _, err := mime.ParseMediaType(c.GetHeader("Content-Type"))
	if err != nil || (mediaType != mediaXML && mediaType != "text/xml") {
		return domain.Errorf(domain.KindInvalid, "unsupported-media-type", "请求头 Content-Type 应为 %s（pain.002）", mediaXML)
	}
	if err := takeTime(c); err != nil {
		return err
	}
	rows, err := s.paymentFiles.Report(c.Request.Context(), actor(c), id, streamedBody{c})
	if err != nil {
		return err
	}
	view := itemsView[reportRowView]{Items: make([]reportRowView, len(rows))}
	for i, row := range rows {
		view.Items[i] = viewReportRow(row)
	}
	return writeJSON(c, http.StatusOK, view)
}

type paymentFileView struct {
	ID            domain.ID    `json:"id"`
	SHA256        string       `json:"sha256"`
	Payments      int          `json:"payments"`
	ControlSum    money.Amount `json:"control_sum"`
	CreatedBy     domain.ID    `json:"created_by"`
	CreatedByName string       `json:"created_by_name"`
	CreatedAt     time.Time    `json:"created_at"`
}

func viewPaymentFile(f origination.PaymentFile) paymentFileView {
	return paymentFileView{
		ID: f.ID, SHA256: f.SHA256, Payments: f.Payments, ControlSum: f.ControlSum, CreatedBy: f.CreatedBy, CreatedByName: f.CreatedByName, CreatedAt: f.CreatedAt,
	}
}

type reportRowView struct {
	EndToEndID string                    `json:"end_to_end_id"`
	TransferID *domain.ID                `json:"transfer_id"`
	Code       string                    `json:"code"`
	Outcome    origination.ReportOutcome `json:"outcome"`
	Status     *loan.TransferStatus      `json:"status"`
}

func viewReportRow(r origination.ReportRow) reportRowView {
	view := reportRowView{EndToEndID: r.EndToEndID, TransferID: present(r.TransferID), Code: r.Code, Outcome: r.Outcome}
	if r.Status != "" {
		view.Status = &r.Status
	}
	return view
}
