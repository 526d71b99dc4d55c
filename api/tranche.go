package api

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/origination"
)

func (s *server) trancheRoutes() []route {
	return []route{
		{method: http.MethodGet, path: "/v1/applications/:id/tranches", handler: byID(s.disbursements.Tranches, shown(viewTranches))},
		{method: http.MethodPut, path: "/v1/applications/:id/tranches", handler: s.planTranches},
		{method: http.MethodPost, path: "/v1/applications/:id/tranches/fulfil", handler: s.fulfilCondition},
	}
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
