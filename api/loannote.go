package api

import (
	"net/http"
	"time"

	"fumin/domain"
	"fumin/domain/loan"
	"fumin/domain/origination"
	"fumin/domain/schedule"
)

func (s *server) loanNoteRoutes() []route {
	const one = "/v1/loan-notes/:id"
	return []route{
		{method: http.MethodGet, path: "/v1/applications/:id/loan-notes", handler: pageByID(s.lines.LoanNotes, s.viewLoanNote, func(r loan.NoteRecord) domain.ID { return r.ID }), query: true},
		{method: http.MethodGet, path: one, handler: byID(s.lines.LoanNote, shown(s.viewLoanNoteFile))},
		{method: http.MethodPost, path: one + "/repayments", handler: s.deliverRepayment},
		{method: http.MethodPost, path: one + "/repayment-reversals", handler: s.deliverRepaymentReversal},
	}
}

type loanNoteView struct {
	ID              domain.ID       `json:"id"`
	NoteNo          string          `json:"note_no"`
	ApplicationID   domain.ID       `json:"application_id"`
	BranchID        domain.ID       `json:"branch_id"`
	BorrowerID      domain.ID       `json:"borrower_id"`
	DisbursementID  *domain.ID      `json:"disbursement_id"`
	RenewsNoteID    *domain.ID      `json:"renews_note_id"`
	Amount          string          `json:"amount"`
	RepaymentMethod schedule.Method `json:"repayment_method"`
	AnnualRatePct   string          `json:"annual_rate_pct"`
	StartsOn        domain.Date     `json:"starts_on"`
	EndsOn          domain.Date     `json:"ends_on"`
	Outstanding     string          `json:"outstanding"`
	PrincipalRepaid string          `json:"principal_repaid"`
	InterestPaid    string          `json:"interest_paid"`
	Reversed        string          `json:"reversed"`
	HandedOver      string          `json:"handed_over"`
	Status          loan.NoteStatus `json:"status"`
	StatusLabel     string          `json:"status_label"`
	UnpaidFrom      *domain.Date    `json:"unpaid_from"`
	DaysPastDue     int             `json:"days_past_due"`
	DaysPastDueMax  int             `json:"days_past_due_max"`
	SettledOn       *domain.Date    `json:"settled_on"`
	Version         int             `json:"version"`
	CreatedAt       time.Time       `json:"created_at"`
	UpdatedAt       time.Time       `json:"updated_at"`
}

// viewLoanNote shows a note as it stands today.
func (s *server) viewLoanNote(r loan.NoteRecord) loanNoteView {
	today := domain.DateOf(s.now())
	status, late := r.StatusOn(today), r.DaysPastDueOn(today)
	return loanNoteView{
		ID: r.ID, NoteNo: r.NoteNo, ApplicationID: r.ApplicationID, BranchID: r.BranchID, BorrowerID: r.BorrowerID,
		DisbursementID: present(r.DisbursementID), RenewsNoteID: present(r.RenewsNoteID), Amount: r.Amount.String(),
		RepaymentMethod: r.RepaymentMethod, AnnualRatePct: r.AnnualRate.String(), StartsOn: r.StartsOn, EndsOn: r.EndsOn,
		Outstanding: r.Outstanding().String(), PrincipalRepaid: r.PrincipalRepaid.String(), InterestPaid: r.InterestPaid.String(),
		Reversed: r.Reversed.String(), HandedOver: r.HandedOver.String(), Status: status, StatusLabel: status.Label(),
		UnpaidFrom: present(r.UnpaidFrom), DaysPastDue: late, DaysPastDueMax: max(r.DaysPastDueMax, late), SettledOn: present(r.SettledOn),
		Version: r.Version, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
}

type loanNoteInstalmentView struct {
	Number         int         `json:"number"`
	DueOn          domain.Date `json:"due_on"`
	Days           int         `json:"days"`
	OpeningBalance string      `json:"opening_balance"`
	Principal      string      `json:"principal"`
	Interest       string      `json:"interest"`
	Total          string      `json:"total"`
	ClosingBalance string      `json:"closing_balance"`
}

type loanNoteFileView struct {
	Note        loanNoteView             `json:"note"`
	Instalments []loanNoteInstalmentView `json:"instalments"`
	Repayments  []repaymentView          `json:"repayments"`
}

func (s *server) viewLoanNoteFile(f origination.LoanNoteFile) loanNoteFileView {
	v := loanNoteFileView{
		Note: s.viewLoanNote(f.Note), Instalments: make([]loanNoteInstalmentView, len(f.Instalments)), Repayments: make([]repaymentView, len(f.Repayments)),
	}
	for i, row := range f.Instalments {
		v.Instalments[i] = loanNoteInstalmentView{
			Number: row.Number, DueOn: row.DueOn, Days: row.Days, OpeningBalance: row.OpeningBalance.String(),
			Principal: row.Principal.String(), Interest: row.Interest.String(), Total: row.Total.String(), ClosingBalance: row.ClosingBalance.String(),
		}
	}
	for i, r := range f.Repayments {
		v.Repayments[i] = viewRepayment(r)
	}
	return v
}
