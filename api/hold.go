package api

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/origination"
)

// holdRoutes are the routes of holds on money (冻结/静置).
func (s *server) holdRoutes() []route {
	return []route{
		{method: http.MethodGet, path: "/v1/holds", handler: s.listHolds, query: true},
		{method: http.MethodPost, path: "/v1/applications/:id/holds", handler: s.placeHold},
		{method: http.MethodPost, path: "/v1/holds/:id/release", handler: byIDWithReason(s.holds.Release, s.answerHold)},
	}
}

func (s *server) answerHold(c *gin.Context, r loan.HoldRecord) error {
	return writeJSON(c, http.StatusOK, viewHold(r, s.now()))
}

func (s *server) listHolds(c *gin.Context) error {
	query, err := readQuery(c)
	if err != nil {
		return err
	}
	p := query.page()
	live := optional(query, "live", parseLive)
	var applicationID domain.ID
	if id := optional(query, "application_id", domain.ParseID); id != nil {
		applicationID = *id
	}
	if err := query.done(); err != nil {
		return err
	}
	records, err := s.holds.Holds(c.Request.Context(), actor(c), live != nil, applicationID, p)
	if err != nil {
		return err
	}
	now := s.now()
	return writeJSON(c, http.StatusOK, viewList(c, p, records, func(r loan.HoldRecord) holdView { return viewHold(r, now) },
		func(r loan.HoldRecord) domain.ID { return r.ID }))
}

// parseLive reads ?live=true; there is nothing else to ask.
func parseLive(s string) (bool, error) {
	if s != "true" {
		return false, domain.BadValue("unknown-value", "只能填 true，表示只看仍在冻结的")
	}
	return true, nil
}

func (s *server) placeHold(c *gin.Context) error {
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
	cmd := origination.PlaceHold{ApplicationID: id, Reason: in.text("reason", 1, loan.ReasonMax), Until: required(in, "until", parseInstant)}
	if err := in.done(); err != nil {
		return err
	}
	rec, replayed, err := s.holds.Place(c.Request.Context(), actor(c), key, cmd)
	if err != nil {
		return err
	}
	setReplayed(c, replayed)
	return writeJSON(c, http.StatusCreated, viewHold(rec, s.now()))
}

type holdView struct {
	ID            domain.ID       `json:"id"`
	ApplicationID domain.ID       `json:"application_id"`
	BranchID      domain.ID       `json:"branch_id"`
	Reason        string          `json:"reason"`
	Until         time.Time       `json:"until"`
	PlacedBy      domain.ID       `json:"placed_by"`
	PlacedAt      time.Time       `json:"placed_at"`
	ReleasedBy    *domain.ID      `json:"released_by"`
	ReleasedAt    *time.Time      `json:"released_at"`
	ReleaseReason string          `json:"release_reason"`
	Status        loan.HoldStatus `json:"status"`
	StatusLabel   string          `json:"status_label"`
}

// viewHold says of a hold whose time has passed that it ended, also before a worker has noted it.
func viewHold(r loan.HoldRecord, now time.Time) holdView {
	status := r.Status
	if status == loan.HoldLive && !r.LiveAt(now) {
		status = loan.HoldEnded
	}
	return holdView{
		ID: r.ID, ApplicationID: r.ApplicationID, BranchID: r.BranchID, Reason: r.Reason, Until: r.Until, PlacedBy: r.PlacedBy, PlacedAt: r.PlacedAt,
		ReleasedBy: present(r.ReleasedBy), ReleasedAt: present(r.ReleasedAt), ReleaseReason: r.ReleaseReason,
		Status: status, StatusLabel: status.Label(),
	}
}
