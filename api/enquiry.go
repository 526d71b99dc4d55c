package api

import (
	"net/http"
	"time"

	"fumin/domain"
	"fumin/domain/origination"
)

// enquiryRoutes are the routes of what other institutions answered about a case (外部查询).
func (s *server) enquiryRoutes() []route {
	return []route{
		{method: http.MethodGet, path: "/v1/applications/:id/enquiries", handler: byID(s.enquiries.OfApplication, shown(viewEnquiries))},
	}
}

type enquiriesView struct {
	Items []enquiryView `json:"items"`
}

// enquiryView tells what was asked and answered. Whom it is about stands in the application, masked like everywhere; the
// institution's own number is shown by its end, because with it the report could be fetched.
type enquiryView struct {
	ID          domain.ID                 `json:"id"`
	Source      origination.EnquirySource `json:"source"`
	SourceLabel string                    `json:"source_label"`
	Purpose     string                    `json:"purpose"`
	ConsentID   *domain.ID                `json:"consent_id"`
	AskedBy     domain.ID                 `json:"asked_by"`
	AskedByName string                    `json:"asked_by_name"`
	AskedAt     time.Time                 `json:"asked_at"`
	Attempts    int                       `json:"attempts"`
	Status      origination.EnquiryStatus `json:"status"`
	Failure     string                    `json:"failure"`
	AnsweredAt  *time.Time                `json:"answered_at"`
	ValidUntil  *domain.Date              `json:"valid_until"`
	Answer      *enquiryAnswerView        `json:"answer"`
}

type enquiryAnswerView struct {
	Result           string `json:"result"`
	OverdueNow       bool   `json:"overdue_now"`
	OverdueAmount    string `json:"overdue_amount"`
	Enquiries6Months int    `json:"enquiries_6_months"`
	Liabilities      string `json:"liabilities"`
	Note             string `json:"note"`
	Reference        string `json:"reference"`
}

func viewEnquiries(enquiries []origination.Enquiry) enquiriesView {
	v := enquiriesView{Items: make([]enquiryView, len(enquiries))}
	for i, e := range enquiries {
		v.Items[i] = enquiryView{
			ID: e.ID, Source: e.Source, SourceLabel: e.Source.Label(), Purpose: e.Purpose, ConsentID: present(e.ConsentID),
			AskedBy: e.AskedBy, AskedByName: e.AskedByName, AskedAt: e.AskedAt, Attempts: e.Attempts, Status: e.Status,
			Failure: e.Failure, AnsweredAt: present(e.AnsweredAt), ValidUntil: present(e.ValidUntil),
		}
		if e.Status != origination.EnquiryAnswered {
			continue
		}
		a := e.Answer
		v.Items[i].Answer = &enquiryAnswerView{
			Result: a.Result, OverdueNow: a.OverdueNow, OverdueAmount: a.OverdueAmount.String(), Enquiries6Months: a.Enquiries6Months,
			Liabilities: a.Liabilities.String(), Note: a.Note, Reference: maskedEnd(a.Reference),
		}
	}
	return v
}

// maskedEnd shows the last four characters.
func maskedEnd(s string) string {
	runes := []rune(s)
	if len(runes) <= 4 {
		return "****"
	}
	return "****" + string(runes[len(runes)-4:])
}
