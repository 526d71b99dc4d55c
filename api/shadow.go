package api

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/origination"
)

// startShadow lets a set judge live cases beside the rules in force (影子运行). It takes no body.
func (s *server) startShadow(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	key, err := readIdempotency(c)
	if err != nil {
		return err
	}
	if err := readNoBody(c); err != nil {
		return err
	}
	shadow, replayed, err := s.ruleSets.StartShadow(c.Request.Context(), actor(c), key, id)
	if err != nil {
		return err
	}
	setReplayed(c, replayed)
	c.Header("Location", "/v1/rule-sets/"+id.String()+"/shadow")
	return writeJSON(c, http.StatusCreated, viewShadow(shadow))
}

type shadowView struct {
	ID          domain.ID                `json:"id"`
	RuleSetID   domain.ID                `json:"rule_set_id"`
	RuleSetHash string                   `json:"rule_set_hash"`
	Status      origination.ShadowStatus `json:"status"`
	StatusLabel string                   `json:"status_label"`
	StartedAt   time.Time                `json:"started_at"`
	EndedAt     *time.Time               `json:"ended_at"`
	JudgedUntil *time.Time               `json:"judged_until"`
	Error       string                   `json:"error"`
	Events      []shadowEventView        `json:"events"`
	Report      origination.ReplayReport `json:"report"` // its fields carry their names
}

type shadowEventView struct {
	Number    int                      `json:"number"`
	Action    origination.ShadowAction `json:"action"`
	ActorID   domain.ID                `json:"actor_id"`
	ActorName string                   `json:"actor_name"`
	ActorRole domain.Role              `json:"actor_role"`
	At        time.Time                `json:"at"`
	Detail    string                   `json:"detail"`
}

func viewShadow(s origination.ShadowReport) shadowView {
	view := shadowView{
		ID: s.ID, RuleSetID: s.RuleSetID, RuleSetHash: s.RuleSetHash, Status: s.Status, StatusLabel: s.Status.Label(), StartedAt: s.StartedAt,
		EndedAt: present(s.EndedAt), Error: s.LastError, Events: make([]shadowEventView, len(s.Events)), Report: s.Report,
	}
	if !s.Cursor.ID.IsZero() {
		view.JudgedUntil = present(s.Cursor.DecidedAt)
	}
	view.Report.MovedCases = orEmpty(view.Report.MovedCases)
	for i, e := range s.Events {
		view.Events[i] = shadowEventView{
			Number: e.Number, Action: e.Action, ActorID: e.Actor.ID, ActorName: e.Actor.Name, ActorRole: e.Actor.Role, At: e.At, Detail: e.Detail,
		}
	}
	return view
}
