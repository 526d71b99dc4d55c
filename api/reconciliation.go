package api

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
	"fumin/domain/paymentfile"
)

const mediaXML = "application/xml"

// reconciliationRoutes are the routes of the channel's day files against our payments (对账).
func (s *server) reconciliationRoutes() []route {
	const all, one = "/v1/reconciliations", "/v1/reconciliations/:id"
	return []route{
		{method: http.MethodPost, path: all, handler: s.importDayFile, query: true, bodyLimit: paymentfile.BytesMax, timeout: origination.DayFileTimeoutMax},
		{method: http.MethodGet, path: all, handler: s.listReconciliations, query: true},
		{method: http.MethodGet, path: one, handler: byID(s.reconciliations.Reconciliation, shown(viewReconciliation))},
		{method: http.MethodGet, path: one + "/cases", handler: s.listReconciliationCases, query: true},
		{method: http.MethodPost, path: one + "/cases/:case_id/resolve", handler: s.resolveReconciliationCase},
		{method: http.MethodPost, path: one + "/close", handler: byID(s.reconciliations.Close, shown(viewReconciliation))},
		{method: http.MethodPost, path: one + "/discard", handler: byIDWithReason(s.reconciliations.Discard, shown(viewReconciliation))},
	}
}

// importDayFile reads the body as it arrives; nothing here holds all of it. It needs no Idempotency-Key: the same file again
// changes nothing.
func (s *server) importDayFile(c *gin.Context) error {
	query, err := readQuery(c)
	if err != nil {
		return err
	}
	cmd := origination.ImportDayFile{BusinessDay: required(query, "business_day", domain.ParseDate), Body: streamedBody{c}}
	if err := query.done(); err != nil {
		return err
	}
	if cmd.Format, cmd.Charset, err = dayFileType(c.Request.Header); err != nil {
		return err
	}
	if err := takeTime(c); err != nil {
		return err
	}
	rec, known, err := s.reconciliations.Import(c.Request.Context(), actor(c), cmd)
	if err != nil {
		return inQuery(err)
	}
	c.Header("Location", "/v1/reconciliations/"+rec.ID.String())
	if known {
		return writeJSON(c, http.StatusOK, viewReconciliation(rec))
	}
	return writeJSON(c, http.StatusCreated, viewReconciliation(rec))
}

// takeTime lets the connection live as long as the route may take; the server's own time-outs are for bodies and answers of a moment.
func takeTime(c *gin.Context) error {
	deadline, limited := c.Request.Context().Deadline()
	if !limited {
		return nil
	}
	controller := http.NewResponseController(c.Writer)
	for _, set := range []func(time.Time) error{controller.SetReadDeadline, controller.SetWriteDeadline} {
		if err := set(deadline); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return fmt.Errorf("deadline of %s: %w", c.FullPath(), err)
		}
	}
	return nil
}

// dayFileType lets through CSV and XML, not packed further.
func dayFileType(h http.Header) (format origination.DayFileFormat, charset string, err error) {
	refused := domain.Errorf(domain.KindInvalid, "unsupported-media-type", "请求头 Content-Type 应为 %s（UTF-8 或 GB18030）或 %s（camt.054），不压缩", mediaCSV, mediaXML)
	if encoding := h.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return "", "", refused
	}
	mediaType, parameters, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || len(h.Values("Content-Type")) != 1 {
		return "", "", refused
	}
	switch mediaType {
	case mediaXML, "text/xml":
		return origination.DayFileCamt054, "", nil
	case mediaCSV:
	default:
		return "", "", refused
	}
	switch strings.ToLower(parameters["charset"]) {
	case "":
		return origination.DayFileCSV, "", nil
	case "utf-8", "utf8":
		return origination.DayFileCSV, "utf-8", nil
	case "gb18030", "gbk", "gb2312":
		return origination.DayFileCSV, "gb18030", nil
	}
	return "", "", refused
}

func parseReconciliationStatus(s string) (loan.ReconciliationStatus, error) {
	if status := loan.ReconciliationStatus(s); status.Valid() && status != loan.ReconciliationImporting {
		return status, nil
	}
	return "", domain.BadValue("unknown-value", "应为 open、balanced、closed 或 discarded")
}

func parseReconciliationCaseStatus(s string) (loan.ReconciliationCaseStatus, error) {
	if status := loan.ReconciliationCaseStatus(s); status.Valid() {
		return status, nil
	}
	return "", domain.BadValue("unknown-value", "应为 open 或 resolved")
}

func (s *server) listReconciliations(c *gin.Context) error {
	query, err := readQuery(c)
	if err != nil {
		return err
	}
	p, status := query.page(), orZero(optional(query, "status", parseReconciliationStatus))
	if err := query.done(); err != nil {
		return err
	}
	records, err := s.reconciliations.Reconciliations(c.Request.Context(), actor(c), status, p)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, viewList(c, p, records, viewReconciliation, func(r loan.ReconciliationRecord) domain.ID { return r.ID }))
}

func (s *server) listReconciliationCases(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	query, err := readQuery(c)
	if err != nil {
		return err
	}
	p, status := query.page(), orZero(optional(query, "status", parseReconciliationCaseStatus))
	if err := query.done(); err != nil {
		return err
	}
	cases, err := s.reconciliations.Cases(c.Request.Context(), actor(c), id, status, p)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, viewList(c, p, cases, viewReconciliationCase, func(r loan.ReconciliationCaseRecord) domain.ID { return r.ID }))
}

func (s *server) resolveReconciliationCase(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	caseID, err := pathID(c, "case_id")
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	explanation := in.text("explanation", 1, loan.ReasonMax)
	if err := in.done(); err != nil {
		return err
	}
	resolved, err := s.reconciliations.ResolveCase(c.Request.Context(), actor(c), id, caseID, explanation)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, viewReconciliationCase(resolved))
}

type reconciliationView struct {
	ID             domain.ID                 `json:"id"`
	BusinessDay    domain.Date               `json:"business_day"`
	Format         string                    `json:"format"`
	FileSHA256     string                    `json:"file_sha256"`
	CountThere     int                       `json:"count_there"`
	TotalThere     money.Amount              `json:"total_there"`
	CountHere      int                       `json:"count_here"`
	TotalHere      money.Amount              `json:"total_here"`
	Explained      money.Amount              `json:"explained"`
	Gap            money.Amount              `json:"gap"`
	Settled        int                       `json:"settled"`
	Cases          int                       `json:"cases"`
	CasesOpen      int                       `json:"cases_open"`
	Status         loan.ReconciliationStatus `json:"status"`
	StatusLabel    string                    `json:"status_label"`
	ImportedBy     domain.ID                 `json:"imported_by"`
	ImportedByName string                    `json:"imported_by_name"`
	ImportedAt     time.Time                 `json:"imported_at"`
	EndedBy        *domain.ID                `json:"ended_by"`
	EndedAt        *time.Time                `json:"ended_at"`
	EndReason      string                    `json:"end_reason"`
}

func viewReconciliation(r loan.ReconciliationRecord) reconciliationView {
	return reconciliationView{
		ID: r.ID, BusinessDay: r.BusinessDay, Format: r.Format, FileSHA256: r.FileSHA256, CountThere: r.Totals.CountThere, TotalThere: r.Totals.There,
		CountHere: r.Totals.CountHere, TotalHere: r.Totals.Here, Explained: r.Explained, Gap: r.Gap(), Settled: r.Settled, Cases: r.Cases,
		CasesOpen: r.CasesOpen, Status: r.Status, StatusLabel: r.Status.Label(), ImportedBy: r.ImportedBy, ImportedByName: r.ImportedByName,
		ImportedAt: r.ImportedAt, EndedBy: present(r.EndedBy), EndedAt: present(r.EndedAt), EndReason: r.EndReason,
	}
}

type reconciliationCaseView struct {
	ID          domain.ID                     `json:"id"`
	Kind        loan.DifferenceKind           `json:"kind"`
	KindLabel   string                        `json:"kind_label"`
	Row         *int                          `json:"row"`
	TransferID  *domain.ID                    `json:"transfer_id"`
	EndToEndID  string                        `json:"end_to_end_id"`
	AmountThere money.Amount                  `json:"amount_there"`
	AmountHere  money.Amount                  `json:"amount_here"`
	Note        string                        `json:"note"`
	OwnerID     domain.ID                     `json:"owner_id"`
	OwnerName   string                        `json:"owner_name"`
	DueOn       domain.Date                   `json:"due_on"`
	Status      loan.ReconciliationCaseStatus `json:"status"`
	StatusLabel string                        `json:"status_label"`
	Explanation string                        `json:"explanation"`
	ResolvedBy  *domain.ID                    `json:"resolved_by"`
	ResolvedAt  *time.Time                    `json:"resolved_at"`
	OpenedAt    time.Time                     `json:"opened_at"`
}

func viewReconciliationCase(c loan.ReconciliationCaseRecord) reconciliationCaseView {
	d := c.Difference
	view := reconciliationCaseView{
		ID: c.ID, Kind: d.Kind, KindLabel: d.Kind.Label(), TransferID: present(d.TransferID), EndToEndID: d.EndToEndID, AmountThere: d.AmountThere,
		AmountHere: d.AmountHere, Note: d.Note, OwnerID: c.OwnerID, OwnerName: c.OwnerName, DueOn: c.DueOn, Status: c.Status, StatusLabel: c.Status.Label(),
		Explanation: c.Explanation, ResolvedBy: present(c.ResolvedBy), ResolvedAt: present(c.ResolvedAt), OpenedAt: c.OpenedAt,
	}
	if d.Row > 0 {
		view.Row = &d.Row
	}
	return view
}
