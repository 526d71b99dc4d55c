package api

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/origination"
)

func (s *server) obligationRoutes() []route {
	return []route{
		{method: http.MethodGet, path: "/v1/obligations", handler: s.listObligations, query: true},
		{method: http.MethodPost, path: "/v1/obligations/:id/fulfil", handler: s.fulfilObligation},
	}
}

func (s *server) listObligations(c *gin.Context) error {
	query, err := readQuery(c)
	if err != nil {
		return err
	}
	p := query.page()
	var filter origination.ObligationFilter
	if open := optional(query, "open", parseLive); open != nil {
		filter.Open = true
	}
	if by := optional(query, "due_by", domain.ParseDate); by != nil {
		filter.DueBy = *by
	}
	if err := query.done(); err != nil {
		return err
	}
	records, err := s.disbursements.Obligations(c.Request.Context(), actor(c), filter, p)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, viewList(c, p, records, viewObligation, func(r loan.ObligationRecord) domain.ID { return r.ID }))
}

func (s *server) fulfilObligation(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	evidence := evidenceOf(in)
	if err := in.done(); err != nil {
		return err
	}
	rec, err := s.disbursements.FulfilEvidence(c.Request.Context(), actor(c), id, evidence)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, viewObligation(rec))
}

type obligationView struct {
	ID                domain.ID   `json:"id"`
	DisbursementID    domain.ID   `json:"disbursement_id"`
	ApplicationID     domain.ID   `json:"application_id"`
	BranchID          domain.ID   `json:"branch_id"`
	DueOn             domain.Date `json:"due_on"`
	Fulfilled         bool        `json:"fulfilled"`
	DocumentReference string      `json:"document_reference"`
	DocumentSHA256    string      `json:"document_sha256"`
	FulfilledBy       *domain.ID  `json:"fulfilled_by"`
	FulfilledAt       *time.Time  `json:"fulfilled_at"`
}

func viewObligation(r loan.ObligationRecord) obligationView {
	return obligationView{
		ID: r.ID, DisbursementID: r.DisbursementID, ApplicationID: r.ApplicationID, BranchID: r.BranchID, DueOn: r.DueOn, Fulfilled: r.Fulfilled(),
		DocumentReference: r.Evidence.Reference, DocumentSHA256: r.Evidence.SHA256,
		FulfilledBy: present(r.FulfilledBy), FulfilledAt: present(r.FulfilledAt),
	}
}
