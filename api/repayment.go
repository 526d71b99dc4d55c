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

// deliverRepayment takes the core system's word. Its own number is the key, in the body, because it stands for the repayment
// for ever; an Idempotency-Key is forgotten after weeks.
func (s *server) deliverRepayment(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	cmd := origination.DeliverRepayment{
		NoteID: id, RepaymentNo: in.text("repayment_no", 1, loan.RepaymentNoMax), PaidOn: required(in, "paid_on", domain.ParseDate),
		Principal: required(in, "principal", money.ParseAmount), Interest: required(in, "interest", money.ParseAmount),
	}
	if err := in.done(); err != nil {
		return err
	}
	return s.answerRepayment(c)(s.lines.Repay(c.Request.Context(), actor(c), cmd))
}

func (s *server) deliverRepaymentReversal(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	cmd := origination.DeliverReversal{
		NoteID: id, ReversalNo: in.text("reversal_no", 1, loan.RepaymentNoMax),
		RepaymentNo: in.text("repayment_no", 1, loan.RepaymentNoMax), ReversedOn: required(in, "reversed_on", domain.ParseDate),
	}
	if err := in.done(); err != nil {
		return err
	}
	return s.answerRepayment(c)(s.lines.ReverseRepayment(c.Request.Context(), actor(c), cmd))
}

func (s *server) answerRepayment(c *gin.Context) func(loan.RepaymentRecord, bool, error) error {
	return func(r loan.RepaymentRecord, replayed bool, err error) error {
		if err != nil {
			return err
		}
		setReplayed(c, replayed)
		return writeJSON(c, http.StatusOK, viewRepayment(r))
	}
}

type repaymentView struct {
	ID            domain.ID            `json:"id"`
	RepaymentNo   string               `json:"repayment_no"`
	LoanNoteID    domain.ID            `json:"loan_note_id"`
	ApplicationID domain.ID            `json:"application_id"`
	PaidOn        domain.Date          `json:"paid_on"`
	Principal     string               `json:"principal"`
	Interest      string               `json:"interest"`
	Status        loan.RepaymentStatus `json:"status"`
	StatusLabel   string               `json:"status_label"`
	ReceivedAt    time.Time            `json:"received_at"`
	ReversalNo    string               `json:"reversal_no"`
	ReversedOn    *domain.Date         `json:"reversed_on"`
	ReversedAt    *time.Time           `json:"reversed_at"`
	Version       int                  `json:"version"`
}

func viewRepayment(r loan.RepaymentRecord) repaymentView {
	return repaymentView{
		ID: r.ID, RepaymentNo: r.RepaymentNo, LoanNoteID: r.NoteID, ApplicationID: r.ApplicationID, PaidOn: r.PaidOn,
		Principal: r.Principal.String(), Interest: r.Interest.String(), Status: r.Status, StatusLabel: r.Status.Label(),
		ReceivedAt: r.ReceivedAt, ReversalNo: r.ReversalNo, ReversedOn: present(r.ReversedOn), ReversedAt: present(r.ReversedAt), Version: r.Version,
	}
}
