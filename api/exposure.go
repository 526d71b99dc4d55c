package api

import (
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/origination"
	"fumin/domain/product"
)

// exposureRoutes are the routes of what a household or a borrower has of the limits (授信余额), and of the lender's limits.
func (s *server) exposureRoutes() []route {
	return []route{
		{method: http.MethodGet, path: "/v1/households/:id/exposure", handler: byID(s.limits.Household, shown(viewUnitExposure))},
		{method: http.MethodGet, path: "/v1/borrowers/:id/exposure", handler: byID(s.limits.Borrower, shown(viewUnitExposure))},
		{method: http.MethodGet, path: "/v1/lender-limits", handler: s.listLenderLimits},
		{method: http.MethodPost, path: "/v1/lender-limits", handler: s.makeLenderLimit},
		{method: http.MethodPost, path: "/v1/lender-limits/:id/activate", handler: byID(s.limits.Activate, shown(viewLenderLimit))},
	}
}

func (s *server) listLenderLimits(c *gin.Context) error {
	limits, err := s.limits.LenderLimits(c.Request.Context(), actor(c))
	if err != nil {
		return err
	}
	v := lenderLimitsView{Items: make([]lenderLimitView, len(limits))}
	for i, l := range limits {
		v.Items[i] = viewLenderLimit(l)
	}
	return writeJSON(c, http.StatusOK, v)
}

func (s *server) makeLenderLimit(c *gin.Context) error {
	key, err := readIdempotency(c)
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	cmd := origination.MakeLenderLimit{
		Name:          in.text("name", 1, origination.LenderLimitNameMax),
		BorrowerKinds: list(in, "borrower_kinds", 1, 10, parseLimitedKind),
		Amount:        required(in, "amount", positiveAmount),
		EffectiveFrom: required(in, "effective_from", domain.ParseDate),
		Source:        in.text("source", 1, origination.LenderLimitSourceMax),
	}
	if err := in.done(); err != nil {
		return err
	}
	limit, replayed, err := s.limits.Make(c.Request.Context(), actor(c), key, cmd)
	if err != nil {
		return err
	}
	setReplayed(c, replayed)
	return writeJSON(c, http.StatusCreated, viewLenderLimit(limit))
}

type unitExposureView struct {
	UnitKind string             `json:"unit_kind"`
	UnitID   domain.ID          `json:"unit_id"`
	Total    string             `json:"total"`
	Products []productSumView   `json:"products"`
	Cases    []caseExposureView `json:"cases"`
}

type productSumView struct {
	ProductCode string `json:"product_code"`
	Amount      string `json:"amount"`
}

type caseExposureView struct {
	ApplicationID domain.ID                 `json:"application_id"`
	BorrowerID    domain.ID                 `json:"borrower_id"`
	HouseholdID   *domain.ID                `json:"household_id"`
	BranchID      domain.ID                 `json:"branch_id"`
	ProductCode   string                    `json:"product_code"`
	Amount        string                    `json:"amount"`
	State         origination.ExposureState `json:"state"`
	ApprovedAt    *time.Time                `json:"approved_at"`
	UpdatedAt     time.Time                 `json:"updated_at"`
}

func viewUnitExposure(e origination.UnitExposure) unitExposureView {
	v := unitExposureView{
		UnitKind: string(e.Unit.Kind), UnitID: e.Unit.ID, Total: e.Total.String(),
		Products: make([]productSumView, len(e.Sums)), Cases: make([]caseExposureView, len(e.Cases)),
	}
	for i, sum := range e.Sums {
		v.Products[i] = productSumView{sum.ProductCode, sum.Amount.String()}
	}
	for i, x := range e.Cases {
		v.Cases[i] = caseExposureView{
			ApplicationID: x.ApplicationID, BorrowerID: x.BorrowerID, HouseholdID: present(x.HouseholdID), BranchID: x.BranchID,
			ProductCode: x.ProductCode, Amount: x.Amount.String(), State: x.State, ApprovedAt: present(x.ApprovedAt), UpdatedAt: x.UpdatedAt,
		}
	}
	return v
}

type lenderLimitsView struct {
	Items []lenderLimitView `json:"items"`
}

type lenderLimitView struct {
	ID            domain.ID   `json:"id"`
	Name          string      `json:"name"`
	BorrowerKinds []string    `json:"borrower_kinds"`
	Amount        string      `json:"amount"`
	EffectiveFrom domain.Date `json:"effective_from"`
	Source        string      `json:"source"`
	MadeBy        domain.ID   `json:"made_by"`
	MadeAt        time.Time   `json:"made_at"`
	ActivatedBy   *domain.ID  `json:"activated_by"`
	ActivatedAt   *time.Time  `json:"activated_at"`
	Loaded        bool        `json:"loaded"`
}

func viewLenderLimit(l origination.LenderLimit) lenderLimitView {
	return lenderLimitView{
		ID: l.ID, Name: l.Name, BorrowerKinds: l.BorrowerKinds, Amount: l.Amount.String(), EffectiveFrom: l.EffectiveFrom,
		Source: l.Source, MadeBy: l.MadeBy, MadeAt: l.MadeAt, ActivatedBy: present(l.ActivatedBy), ActivatedAt: present(l.ActivatedAt),
		Loaded: l.Loaded,
	}
}

func parseLimitedKind(s string) (string, error) {
	if slices.Contains(product.BorrowerKinds(), s) {
		return s, nil
	}
	return "", domain.BadValue("unknown-value", "不认识的借款人类别")
}
