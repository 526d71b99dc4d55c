package api

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/loan"
)

func (s *server) bulkReleaseRoutes() []route {
	return []route{
		{method: http.MethodPost, path: "/v1/disbursements/bulk-release", handler: s.releaseMany, timeout: bulkReleaseTimeout},
	}
}

// bulkReleaseTimeout gives each of loan.BulkReleaseMax releases the time of a busy database.
const bulkReleaseTimeout = 60 * time.Second

func (s *server) releaseMany(c *gin.Context) error {
	key, err := readIdempotency(c)
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	ids := list(in, "ids", 1, loan.BulkReleaseMax, domain.ParseID)
	if err := in.done(); err != nil {
		return err
	}
	rows, err := s.disbursements.ReleaseMany(c.Request.Context(), actor(c), key, ids)
	if err != nil {
		return err
	}
	items := make([]bulkReleasedView, len(rows))
	for i, r := range rows {
		items[i] = bulkReleasedView{ID: r.ID, Replayed: r.Replayed}
		if r.Refusal == nil {
			items[i].Released, items[i].Status = true, string(r.Released.Status)
		} else {
			items[i].Code, items[i].Detail = r.Refusal.Code, r.Refusal.Detail
		}
	}
	return writeJSON(c, http.StatusOK, struct {
		Items []bulkReleasedView `json:"items"`
	}{items})
}

type bulkReleasedView struct {
	ID       domain.ID `json:"id"`
	Released bool      `json:"released"`
	Replayed bool      `json:"replayed"`
	Status   string    `json:"status"`
	Code     string    `json:"code"`
	Detail   string    `json:"detail"`
}
