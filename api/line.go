package api

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/money"
	"fumin/domain/origination"
)

// lineRoutes are the routes of credit lines, loan notes and repayments (授信额度、借据、还款). A line is addressed by the id of
// its application.
func (s *server) lineRoutes() []route {
	const one = "/v1/lines/:id"
	return []route{
		{method: http.MethodGet, path: one, handler: byID(s.lines.Line, shown(s.viewLine))},
		{method: http.MethodPost, path: one + "/draws", handler: s.drawFromLine},
		{method: http.MethodPost, path: one + "/renewals", handler: s.renewLine},
		{method: http.MethodGet, path: one + "/draws", handler: pageByID(s.lines.Draws, viewDraw, func(d origination.Draw) domain.ID { return d.ID }), query: true},
		{method: http.MethodPost, path: one + "/hold", handler: byIDWithReason(s.lines.Hold, shown(s.viewLine))},
		{method: http.MethodPost, path: one + "/resume", handler: byIDWithReason(s.lines.Resume, shown(s.viewLine))},
		{method: http.MethodPost, path: one + "/end", handler: byIDWithReason(s.lines.End, shown(s.viewLine))},
	}
}

func (s *server) drawFromLine(c *gin.Context) error {
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
	cmd := origination.DrawFromLine{ApplicationID: id, Amount: required(in, "amount", money.ParseAmount)}
	if months := in.optionalInteger("term_months", 1, loan.TermMonthsMax); months != nil {
		cmd.TermMonths = *months
	}
	if err := in.done(); err != nil {
		return err
	}
	rec, replayed, err := s.disbursements.Draw(c.Request.Context(), actor(c), key, cmd)
	if err != nil {
		return err
	}
	setReplayed(c, replayed)
	c.Header("Location", "/v1/disbursements/"+rec.ID.String())
	return writeJSON(c, http.StatusCreated, viewDisbursement(rec))
}

// renewLine opens the case of a renewal; its answer is that case.
func (s *server) renewLine(c *gin.Context) error {
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
	cmd := origination.RenewLine{ApplicationID: id, Request: requestOf(in)}
	if err := in.done(); err != nil {
		return err
	}
	rec, replayed, err := s.applications.Renew(c.Request.Context(), actor(c), key, cmd)
	if err != nil {
		return err
	}
	setReplayed(c, replayed)
	setVersion(c, rec.Version)
	c.Header("Location", "/v1/applications/"+rec.ID.String())
	return writeJSON(c, http.StatusCreated, viewApplication(rec))
}

type drawView struct {
	DisbursementID domain.ID `json:"disbursement_id"`
	Amount         string    `json:"amount"`
	TermMonths     int       `json:"term_months"`
	DrawnBy        domain.ID `json:"drawn_by"`
	DrawnAt        time.Time `json:"drawn_at"`
}

func viewDraw(d origination.Draw) drawView {
	return drawView{DisbursementID: d.ID, Amount: d.Amount.String(), TermMonths: d.TermMonths, DrawnBy: d.DrawnBy, DrawnAt: d.DrawnAt}
}

type lineView struct {
	ApplicationID   domain.ID       `json:"application_id"`
	RenewsID        *domain.ID      `json:"renews_application_id"`
	RenewedByID     *domain.ID      `json:"renewed_by_application_id"`
	BranchID        domain.ID       `json:"branch_id"`
	BorrowerID      domain.ID       `json:"borrower_id"`
	CreditLimit     string          `json:"credit_limit"`
	Revolving       bool            `json:"revolving"`
	StartsOn        domain.Date     `json:"starts_on"`
	EndsOn          domain.Date     `json:"ends_on"`
	DrawMin         string          `json:"draw_min"`
	DrawMax         string          `json:"draw_max"`
	Free            string          `json:"free"`
	Reserved        string          `json:"reserved"`
	Outstanding     string          `json:"outstanding"`
	Overdrawn       string          `json:"overdrawn"`
	DrawnTotal      string          `json:"drawn_total"`
	TakenOverTotal  string          `json:"taken_over_total"`
	ReversedTotal   string          `json:"reversed_total"`
	RepaidTotal     string          `json:"repaid_total"`
	HandedOverTotal string          `json:"handed_over_total"`
	Status          loan.LineStatus `json:"status"`
	StatusLabel     string          `json:"status_label"`
	Version         int             `json:"version"`
	CreatedAt       time.Time       `json:"created_at"`
	UpdatedAt       time.Time       `json:"updated_at"`
}

// viewLine shows what can be drawn today, which is nothing on a line that is held, ended or past its last day.
func (s *server) viewLine(f origination.LineFile) lineView {
	r := f.Line
	return lineView{
		ApplicationID: r.ApplicationID, RenewsID: present(f.RenewsApplicationID), RenewedByID: present(f.RenewedByApplicationID), BranchID: r.BranchID, BorrowerID: r.BorrowerID,
		CreditLimit: r.Limit.String(), Revolving: r.Revolving, StartsOn: r.StartsOn, EndsOn: r.EndsOn,
		DrawMin: r.DrawMin.String(), DrawMax: r.DrawMax.String(),
		Free: r.FreeOn(domain.DateOf(s.now())).String(), Reserved: r.Reserved.String(), Outstanding: r.Outstanding.String(),
		Overdrawn: r.Overdrawn.String(), DrawnTotal: r.DrawnTotal.String(), TakenOverTotal: r.TakenOverTotal.String(),
		ReversedTotal: r.ReversedTotal.String(), RepaidTotal: r.RepaidTotal.String(), HandedOverTotal: r.HandedOverTotal.String(),
		Status: r.Status, StatusLabel: r.Status.Label(), Version: r.Version, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
}
