package api

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/origination"
)

// paymentRoutes are what belongs to disbursements: bulk release, plans, reversals and what is owed after a payment.
func (s *server) paymentRoutes() []route {
	return []route{
		{method: http.MethodPost, path: "/v1/disbursements/bulk-release", handler: s.releaseMany, timeout: bulkReleaseTimeout},
		{method: http.MethodGet, path: "/v1/applications/:id/tranches", handler: byID(s.disbursements.Tranches, shown(viewTranches))},
		{method: http.MethodPut, path: "/v1/applications/:id/tranches", handler: s.planTranches},
		{method: http.MethodPost, path: "/v1/applications/:id/tranches/fulfil", handler: s.fulfilCondition},
		{method: http.MethodPost, path: "/v1/transfers/:id/reversals", handler: s.requestReversal},
		{method: http.MethodGet, path: "/v1/reversals", handler: s.listReversals, query: true},
		{method: http.MethodPost, path: "/v1/reversals/:id/confirm", handler: byID(s.disbursements.ConfirmReversal, shown(viewReversal))},
		{method: http.MethodPost, path: "/v1/reversals/:id/reject", handler: byIDWithReason(s.disbursements.RejectReversal, shown(viewReversal))},
		{method: http.MethodGet, path: "/v1/obligations", handler: s.listObligations, query: true},
		{method: http.MethodPost, path: "/v1/obligations/:id/fulfil", handler: s.fulfilObligation},
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

func (s *server) planTranches(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	var tranches []loan.Tranche
	for _, t := range in.objects("tranches", 1, loan.TranchesMax) {
		tranche := loan.Tranche{Amount: required(t, "amount", positiveAmount)}
		for _, cond := range t.objects("conditions", 0, loan.ConditionsMax) {
			tranche.Conditions = append(tranche.Conditions, loan.Condition{
				Kind: required(cond, "kind", parseConditionKind), Text: cond.text("text", 1, loan.ConditionTextMax),
			})
		}
		tranches = append(tranches, tranche)
	}
	if err := in.done(); err != nil {
		return err
	}
	plan, err := s.disbursements.Plan(c.Request.Context(), actor(c), id, tranches)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, viewTranches(plan))
}

func parseConditionKind(s string) (loan.ConditionKind, error) {
	if k := loan.ConditionKind(s); k.Valid() {
		return k, nil
	}
	return "", domain.BadValue("unknown-value", "不认识的条件种类")
}

// evidenceOf reads what proves something.
func evidenceOf(in *object) loan.Evidence {
	return loan.Evidence{Reference: in.text("document_reference", 1, loan.EvidenceReferenceMax), SHA256: in.text("document_sha256", 64, 64)}
}

func (s *server) fulfilCondition(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	cmd := origination.FulfilCondition{ApplicationID: id, ConditionID: required(in, "condition_id", domain.ParseID), Evidence: evidenceOf(in)}
	if err := in.done(); err != nil {
		return err
	}
	plan, err := s.disbursements.Fulfil(c.Request.Context(), actor(c), cmd)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, viewTranches(plan))
}

type tranchesView struct {
	Items []trancheView `json:"items"`
}

type trancheView struct {
	Number     int             `json:"number"`
	Amount     string          `json:"amount"`
	Conditions []conditionView `json:"conditions"`
}

type conditionView struct {
	ID                domain.ID          `json:"id"`
	Kind              loan.ConditionKind `json:"kind"`
	KindLabel         string             `json:"kind_label"`
	Text              string             `json:"text"`
	DocumentReference string             `json:"document_reference"`
	DocumentSHA256    string             `json:"document_sha256"`
	FulfilledBy       *domain.ID         `json:"fulfilled_by"`
	FulfilledAt       *time.Time         `json:"fulfilled_at"`
}

func viewTranches(plan []loan.Tranche) tranchesView {
	v := tranchesView{Items: make([]trancheView, len(plan))}
	for i, t := range plan {
		v.Items[i] = trancheView{Number: t.Number, Amount: t.Amount.String(), Conditions: make([]conditionView, len(t.Conditions))}
		for j, c := range t.Conditions {
			v.Items[i].Conditions[j] = conditionView{
				ID: c.ID, Kind: c.Kind, KindLabel: c.Kind.Label(), Text: c.Text, DocumentReference: c.Evidence.Reference,
				DocumentSHA256: c.Evidence.SHA256, FulfilledBy: present(c.FulfilledBy), FulfilledAt: present(c.FulfilledAt),
			}
		}
	}
	return v
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
