package api

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/origination"
)

// replayRoutes are the routes of replays of rule sets (规则集回放).
func (s *server) replayRoutes() []route {
	const replays, shadow = "/v1/rule-sets/:id/replays", "/v1/rule-sets/:id/shadow"
	return []route{
		{method: http.MethodPost, path: replays, handler: s.startReplay},
		{method: http.MethodGet, path: replays, handler: byID(s.ruleSets.Replays, shown(viewReplays))},
		{method: http.MethodGet, path: replays + "/:replay_id", handler: s.readReplay},
		{method: http.MethodPost, path: shadow, handler: s.startShadow},
		{method: http.MethodGet, path: shadow, handler: byID(s.ruleSets.ShadowReport, shown(viewShadow))},
		{method: http.MethodPost, path: shadow + "/stop", handler: byID(s.ruleSets.StopShadow, shown(viewShadow))},
		{method: http.MethodPost, path: "/v1/recommended-lists/:id/pre-approvals", handler: s.preApprove},
	}
}

func (s *server) startReplay(c *gin.Context) error {
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
	filter := origination.ReplayFilter{
		From: required(in, "from", domain.ParseDate), To: required(in, "to", domain.ParseDate),
		ProductCode: orZero(optional(in, "product_code", parseShortText)), RegionPrefix: orZero(optional(in, "region_prefix", parseShortText)),
	}
	if err := in.done(); err != nil {
		return err
	}
	replay, replayed, err := s.ruleSets.StartReplay(c.Request.Context(), actor(c), key, id, filter)
	if err != nil {
		return err
	}
	setReplayed(c, replayed)
	c.Header("Location", "/v1/rule-sets/"+id.String()+"/replays/"+replay.ID.String())
	return writeJSON(c, http.StatusAccepted, viewReplay(replay))
}

func (s *server) readReplay(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	replayID, err := pathID(c, "replay_id")
	if err != nil {
		return err
	}
	replay, err := s.ruleSets.Replay(c.Request.Context(), actor(c), id, replayID)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, viewReplay(replay))
}

// preApprove starts the pre-approval of a whole list (整村授信).
func (s *server) preApprove(c *gin.Context) error {
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
	ask := origination.PreApproval{
		ListID: id, ProductCode: in.text("product_code", 1, 32), TermMonths: in.integer("term_months", 1, loan.TermMonthsMax),
		Purpose: required(in, "purpose", parsePurpose),
	}
	if err := in.done(); err != nil {
		return err
	}
	job, replayed, err := s.ruleSets.PreApprove(c.Request.Context(), actor(c), key, ask)
	if err != nil {
		return err
	}
	return writeJob(c, job, replayed)
}

type replayView struct {
	ID              domain.ID                 `json:"id"`
	RuleSetID       domain.ID                 `json:"rule_set_id"`
	RuleSetHash     string                    `json:"rule_set_hash"`
	From            domain.Date               `json:"from"`
	To              domain.Date               `json:"to"`
	ProductCode     string                    `json:"product_code"`
	RegionPrefix    string                    `json:"region_prefix"`
	RequestedBy     domain.ID                 `json:"requested_by"`
	RequestedByName string                    `json:"requested_by_name"`
	RequestedAt     time.Time                 `json:"requested_at"`
	Status          origination.JobStatus     `json:"status"`
	StatusLabel     string                    `json:"status_label"`
	Done            int64                     `json:"done"`
	Estimate        int64                     `json:"estimate"`
	Error           string                    `json:"error"`
	JobID           domain.ID                 `json:"job_id"`
	Report          *origination.ReplayReport `json:"report"` // its fields carry their names, because it is stored by them too
}

func viewReplay(r origination.Replay) replayView {
	return replayView{
		ID: r.ID, RuleSetID: r.RuleSetID, RuleSetHash: r.RuleSetHash, From: r.Filter.From, To: r.Filter.To,
		ProductCode: r.Filter.ProductCode, RegionPrefix: r.Filter.RegionPrefix, RequestedBy: r.RequestedBy, RequestedByName: r.RequestedByName,
		RequestedAt: r.RequestedAt, Status: r.Job.Status, StatusLabel: r.Job.Status.Label(), Done: r.Job.Done, Estimate: r.Job.Estimate,
		Error: r.Job.LastError, JobID: r.ID, Report: r.Report,
	}
}

func viewReplays(replays []origination.Replay) itemsView[replayView] {
	view := itemsView[replayView]{Items: make([]replayView, len(replays))}
	for i, r := range replays {
		view.Items[i] = viewReplay(r)
	}
	return view
}
