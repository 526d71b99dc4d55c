package api

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/origination"
)

func (s *server) disbursementRoutes() []route {
	const one = "/v1/disbursements/:id"
	return []route{
		{method: http.MethodPost, path: "/v1/applications/:id/disbursements", handler: s.requestDisbursement},
		{method: http.MethodGet, path: "/v1/disbursements", handler: s.listDisbursements, query: true},
		{method: http.MethodGet, path: one, handler: byID(s.disbursements.Disbursement, shown(viewDisbursement))},
		{method: http.MethodPost, path: one + "/release", handler: s.releaseDisbursement},
		{method: http.MethodPost, path: one + "/cancel", handler: byIDWithReason(s.disbursements.Cancel, shown(viewDisbursement))},
		{method: http.MethodPost, path: one + "/recheck", handler: byID(s.disbursements.Recheck, shown(viewDisbursement))},
	}
}

func (s *server) requestDisbursement(c *gin.Context) error {
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
	rec, replayed, err := s.disbursements.Request(c.Request.Context(), actor(c), key, id)
	if err != nil {
		return err
	}
	setReplayed(c, replayed)
	c.Header("Location", "/v1/disbursements/"+rec.ID.String())
	return writeJSON(c, http.StatusCreated, viewDisbursement(rec))
}

func (s *server) listDisbursements(c *gin.Context) error {
	query, err := readQuery(c)
	if err != nil {
		return err
	}
	p := query.page()
	var filter origination.DisbursementFilter
	if status := optional(query, "status", parseDisbursementStatus); status != nil {
		filter.Status = *status
	}
	if id := optional(query, "application_id", domain.ParseID); id != nil {
		filter.ApplicationID = *id
	}
	if err := query.done(); err != nil {
		return err
	}
	records, err := s.disbursements.Disbursements(c.Request.Context(), actor(c), filter, p)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, viewList(c, p, records, viewDisbursement, func(r loan.DisbursementRecord) domain.ID { return r.ID }))
}

func parseDisbursementStatus(s string) (loan.DisbursementStatus, error) {
	if status := loan.DisbursementStatus(s); status.Valid() {
		return status, nil
	}
	return "", domain.BadValue("unknown-value", "不认识的放款状态")
}

func (s *server) releaseDisbursement(c *gin.Context) error {
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
	rec, replayed, err := s.disbursements.Release(c.Request.Context(), actor(c), key, id)
	if err != nil {
		return err
	}
	setReplayed(c, replayed)
	return writeJSON(c, http.StatusOK, viewDisbursement(rec))
}

type disbursementView struct {
	ID               domain.ID               `json:"id"`
	ApplicationID    domain.ID               `json:"application_id"`
	BranchID         domain.ID               `json:"branch_id"`
	BorrowerID       domain.ID               `json:"borrower_id"`
	Amount           string                  `json:"amount"`
	PayeeName        string                  `json:"payee_name"`
	PayeeAccount     string                  `json:"payee_account"`
	PayeeBankName    string                  `json:"payee_bank_name"`
	Status           loan.DisbursementStatus `json:"status"`
	StatusLabel      string                  `json:"status_label"`
	RequestedBy      domain.ID               `json:"requested_by"`
	RequestedAt      time.Time               `json:"requested_at"`
	ReleasedBy       *domain.ID              `json:"released_by"`
	ReleasedAt       *time.Time              `json:"released_at"`
	SentAt           *time.Time              `json:"sent_at"`
	SettledAt        *time.Time              `json:"settled_at"`
	ChannelReference string                  `json:"channel_reference"`
	FailureCode      string                  `json:"failure_code"`
	FailureReason    string                  `json:"failure_reason"`
	Attempts         int                     `json:"attempts"`
	LastError        string                  `json:"last_error"`
	Version          int                     `json:"version"`
}

func viewDisbursement(r loan.DisbursementRecord) disbursementView {
	return disbursementView{
		ID: r.ID, ApplicationID: r.ApplicationID, BranchID: r.BranchID, BorrowerID: r.BorrowerID, Amount: r.Amount.String(),
		PayeeName: r.Payee.AccountName.String(), PayeeAccount: r.Payee.Account.String(), PayeeBankName: r.Payee.BankName,
		Status: r.Status, StatusLabel: r.Status.Label(), RequestedBy: r.RequestedBy, RequestedAt: r.RequestedAt,
		ReleasedBy: present(r.ReleasedBy), ReleasedAt: present(r.ReleasedAt), SentAt: present(r.SentAt), SettledAt: present(r.SettledAt),
		ChannelReference: r.ChannelReference, FailureCode: r.FailureCode, FailureReason: r.FailureReason,
		Attempts: r.Attempts, LastError: r.LastError, Version: r.Version,
	}
}
