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
	in, err := readOptionalObject(c)
	if err != nil {
		return err
	}
	cmd := requestDisbursementOf(in)
	cmd.ApplicationID = id
	if err := in.done(); err != nil {
		return err
	}
	rec, replayed, err := s.disbursements.Request(c.Request.Context(), actor(c), key, cmd)
	if err != nil {
		return err
	}
	setReplayed(c, replayed)
	c.Header("Location", "/v1/disbursements/"+rec.ID.String())
	return writeJSON(c, http.StatusCreated, viewDisbursement(rec))
}

// requestDisbursementOf reads what is to be paid to whom; nothing at all means the whole contract to the borrower.
func requestDisbursementOf(in *object) (cmd origination.RequestDisbursement) {
	if tranche := in.optionalInteger("tranche", 1, loan.TranchesMax); tranche != nil {
		cmd.Tranche = *tranche
	}
	if amount := optional(in, "amount", positiveAmount); amount != nil {
		cmd.Amount = *amount
	}
	if in.look("payees") == nil {
		return cmd
	}
	for _, p := range in.objects("payees", 1, loan.PayeesMax) {
		cmd.Payees = append(cmd.Payees, payeeOrderOf(p))
	}
	if !cmd.Amount.IsZero() {
		in.check("amount", domain.BadValue("not-allowed", "写明收款人时，金额是各收款人之和，请去掉这一项"))
	}
	return cmd
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
	ID            domain.ID               `json:"id"`
	ApplicationID domain.ID               `json:"application_id"`
	BranchID      domain.ID               `json:"branch_id"`
	BorrowerID    domain.ID               `json:"borrower_id"`
	Tranche       int                     `json:"tranche"`
	Amount        string                  `json:"amount"`
	Status        loan.DisbursementStatus `json:"status"`
	StatusLabel   string                  `json:"status_label"`
	RequestedBy   domain.ID               `json:"requested_by"`
	RequestedAt   time.Time               `json:"requested_at"`
	ReleasedBy    *domain.ID              `json:"released_by"`
	ReleasedAt    *time.Time              `json:"released_at"`
	SettledAt     *time.Time              `json:"settled_at"`
	Version       int                     `json:"version"`
	Transfers     []transferView          `json:"transfers"`
}

func viewDisbursement(r loan.DisbursementRecord) disbursementView {
	v := disbursementView{
		ID: r.ID, ApplicationID: r.ApplicationID, BranchID: r.BranchID, BorrowerID: r.BorrowerID, Tranche: r.Tranche,
		Amount: r.Amount.String(), Status: r.Status, StatusLabel: r.Status.Label(), RequestedBy: r.RequestedBy, RequestedAt: r.RequestedAt,
		ReleasedBy: present(r.ReleasedBy), ReleasedAt: present(r.ReleasedAt), SettledAt: present(r.SettledAt), Version: r.Version,
		Transfers: make([]transferView, len(r.Transfers)),
	}
	for i, t := range r.Transfers {
		v.Transfers[i] = viewTransfer(t)
	}
	return v
}
