package api

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/origination"
)

func (s *server) reversalRoutes() []route {
	return []route{
		{method: http.MethodPost, path: "/v1/transfers/:id/reversals", handler: s.requestReversal},
		{method: http.MethodGet, path: "/v1/reversals", handler: s.listReversals, query: true},
		{method: http.MethodPost, path: "/v1/reversals/:id/confirm", handler: byID(s.disbursements.ConfirmReversal, shown(viewReversal))},
		{method: http.MethodPost, path: "/v1/reversals/:id/reject", handler: byIDWithReason(s.disbursements.RejectReversal, shown(viewReversal))},
	}
}

func (s *server) requestReversal(c *gin.Context) error {
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
	cmd := origination.RequestReversal{
		TransferID: id, Amount: required(in, "amount", positiveAmount), Reason: in.text("reason", 1, loan.ReasonMax),
		ChannelReference: in.text("channel_reference", 1, loan.ChannelReferenceMax),
	}
	if err := in.done(); err != nil {
		return err
	}
	rec, replayed, err := s.disbursements.RequestReversal(c.Request.Context(), actor(c), key, cmd)
	if err != nil {
		return err
	}
	setReplayed(c, replayed)
	return writeJSON(c, http.StatusCreated, viewReversal(rec))
}

func (s *server) listReversals(c *gin.Context) error {
	query, err := readQuery(c)
	if err != nil {
		return err
	}
	p := query.page()
	var filter origination.ReversalFilter
	if status := optional(query, "status", parseReversalStatus); status != nil {
		filter.Status = *status
	}
	if err := query.done(); err != nil {
		return err
	}
	records, err := s.disbursements.Reversals(c.Request.Context(), actor(c), filter, p)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, viewList(c, p, records, viewReversal, func(r loan.ReversalRecord) domain.ID { return r.ID }))
}

func parseReversalStatus(s string) (loan.ReversalStatus, error) {
	if status := loan.ReversalStatus(s); status.Valid() {
		return status, nil
	}
	return "", domain.BadValue("unknown-value", "不认识的冲正状态")
}

type reversalView struct {
	ID               domain.ID           `json:"id"`
	TransferID       domain.ID           `json:"transfer_id"`
	DisbursementID   domain.ID           `json:"disbursement_id"`
	ApplicationID    domain.ID           `json:"application_id"`
	Amount           string              `json:"amount"`
	Reason           string              `json:"reason"`
	ChannelReference string              `json:"channel_reference"`
	Status           loan.ReversalStatus `json:"status"`
	StatusLabel      string              `json:"status_label"`
	RequestedBy      domain.ID           `json:"requested_by"`
	RequestedAt      time.Time           `json:"requested_at"`
	DecidedBy        *domain.ID          `json:"decided_by"`
	DecidedAt        *time.Time          `json:"decided_at"`
}

func viewReversal(r loan.ReversalRecord) reversalView {
	return reversalView{
		ID: r.ID, TransferID: r.TransferID, DisbursementID: r.DisbursementID, ApplicationID: r.ApplicationID, Amount: r.Amount.String(),
		Reason: r.Reason, ChannelReference: r.ChannelReference, Status: r.Status, StatusLabel: r.Status.Label(),
		RequestedBy: r.RequestedBy, RequestedAt: r.RequestedAt, DecidedBy: present(r.DecidedBy), DecidedAt: present(r.DecidedAt),
	}
}
