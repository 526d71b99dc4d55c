package api

import (
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/origination"
	"fumin/domain/product"
)

// documentRoutes are the routes of the papers of a case (申请资料).
func (s *server) documentRoutes() []route {
	const path = "/v1/applications/:id/documents"
	return []route{
		{method: http.MethodPost, path: path, handler: s.recordDocument},
		{method: http.MethodGet, path: path, handler: byID(s.applications.Documents, shown(viewPapers))},
	}
}

func (s *server) recordDocument(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	key, err := readIdempotency(c)
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	cmd := origination.RecordDocument{
		ApplicationID: id,
		Type:          required(in, "type", parseDocumentType),
		ReceivedOn:    required(in, "received_on", domain.ParseDate),
		Reference:     in.text("reference", 1, origination.DocumentReferenceMax),
		SHA256:        in.text("sha256", 0, 64),
	}
	if expires := optional(in, "expires_on", domain.ParseDate); expires != nil {
		cmd.ExpiresOn = *expires
	}
	if err := in.done(); err != nil {
		return err
	}
	d, replayed, err := s.applications.RecordDocument(c.Request.Context(), actor(c), key, cmd)
	if err != nil {
		return err
	}
	setReplayed(c, replayed)
	return writeJSON(c, http.StatusCreated, viewPaper(d))
}

func parseDocumentType(s string) (string, error) {
	if slices.Contains(product.DocumentTypes(), s) {
		return s, nil
	}
	return "", domain.BadValue("unknown-value", "不认识的资料类型")
}

type paperView struct {
	ID         domain.ID    `json:"id"`
	Type       string       `json:"type"`
	TypeLabel  string       `json:"type_label"`
	ReceivedOn domain.Date  `json:"received_on"`
	Reference  string       `json:"reference"`
	SHA256     string       `json:"sha256"`
	ExpiresOn  *domain.Date `json:"expires_on"`
	RecordedBy domain.ID    `json:"recorded_by"`
	RecordedAt time.Time    `json:"recorded_at"`
}

type papersView struct {
	Items []paperView `json:"items"`
}

func viewPapers(documents []origination.Document) papersView {
	v := papersView{Items: make([]paperView, len(documents))}
	for i, d := range documents {
		v.Items[i] = viewPaper(d)
	}
	return v
}

func viewPaper(d origination.Document) paperView {
	return paperView{
		ID: d.ID, Type: d.Type, TypeLabel: product.Label(d.Type), ReceivedOn: d.ReceivedOn, Reference: d.Reference, SHA256: d.SHA256,
		ExpiresOn: present(d.ExpiresOn), RecordedBy: d.RecordedBy, RecordedAt: d.RecordedAt,
	}
}
