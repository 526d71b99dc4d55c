package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"fumin/scripts/drive"
)

// The loan that is originated again and again.
const (
	benchVillage    = "371503901201"
	benchAddress    = "山东省聊城市茌平区冯官屯镇刘马村12号"
	benchAmount     = "99500.00"
	benchTermMonths = 12
	benchOfficer    = "officer-37150301"
	benchReleaser   = "disbursement-371503"
)

// borrower is somebody a loan can be opened for.
type borrower struct{ id, householdID string }

// serviceSide originates loans over HTTP.
type serviceSide struct {
	service   *drive.Service
	team      drive.Team
	borrowers []borrower
	turn      atomic.Uint64
	today     string
}

func newServiceSide(ctx context.Context, site *drive.Site, borrowers int) (*serviceSide, error) {
	team, err := site.Service.Team(ctx, benchOfficer, benchReleaser, site.Password)
	if err != nil {
		return nil, err
	}
	s := &serviceSide{service: site.Service, team: team, today: drive.Today().String()}
	people := drive.NewPeople()
	for range borrowers {
		person := people.Adult("周德顺", drive.Today())
		id, err := team.Register(ctx, person, benchVillage, benchAddress, time.Now())
		if err != nil {
			return nil, err
		}
		read, err := drive.Ask[struct {
			HouseholdID string `json:"household_id"`
		}](ctx, team.Officer, drive.Read("/v1/borrowers/"+id), http.StatusOK)
		if err != nil {
			return nil, err
		}
		s.borrowers = append(s.borrowers, borrower{id: id, householdID: read.HouseholdID})
	}
	return s, nil
}

// next returns the borrowers in turn.
func (s *serviceSide) next() borrower {
	return s.borrowers[s.turn.Add(1)%uint64(len(s.borrowers))]
}

// loan is what is fresh in one loan: it varies from loan to loan in the statements.
type loan struct {
	Borrower, Household, Confirmation, Contract string
	OpenKey, RequestKey, ReleaseKey             string
	Application, ApplicationNo                  string
	Decision, Disbursement                      string
}

func freshLoan(b borrower) loan {
	return loan{
		Borrower: b.id, Household: b.householdID, Confirmation: "BZ-" + uuid.NewString(), Contract: "HT-" + uuid.NewString(),
		OpenKey: uuid.NewString(), RequestKey: uuid.NewString(), ReleaseKey: uuid.NewString(),
	}
}

// originate takes one loan to its release, and fills in what the service made.
func (s *serviceSide) originate(ctx context.Context, l *loan) error {
	body := fmt.Appendf(nil, `{"borrower_id":"%s","product_code":"QLFMD","amount":"%s","term_months":%d,"repayment_method":"equal_instalment",`+
		`"purpose":"facility","purpose_note":"修缮、扩建肉鸭棚","site_visit_on":"%s","bureau_confirmation_no":"%s"}`,
		l.Borrower, benchAmount, benchTermMonths, s.today, l.Confirmation)
	var application struct {
		ID         string  `json:"id"`
		No         string  `json:"application_no"`
		Status     string  `json:"status"`
		DecisionID *string `json:"decision_id"`
	}
	if err := s.post(ctx, s.team.Officer, "/v1/applications", l.OpenKey, body, http.StatusCreated, &application); err != nil {
		return err
	}
	l.Application, l.ApplicationNo = application.ID, application.No
	one := "/v1/applications/" + l.Application
	if err := s.post(ctx, s.team.Officer, one+"/submit", "", nil, http.StatusOK, &application); err != nil {
		return err
	}
	if application.Status != "approved" || application.DecisionID == nil {
		return fmt.Errorf("application %s is %s after submit; expected approved", l.Application, application.Status)
	}
	l.Decision = *application.DecisionID
	body = fmt.Appendf(nil, `{"contract_no":"%s","signed_on":"%s"}`, l.Contract, s.today)
	if err := s.post(ctx, s.team.Officer, one+"/sign", "", body, http.StatusOK, &application); err != nil {
		return err
	}
	var disbursement struct {
		ID     string `json:"id"`
		Status string `json:"status"`
	}
	if err := s.post(ctx, s.team.Officer, one+"/disbursements", l.RequestKey, nil, http.StatusCreated, &disbursement); err != nil {
		return err
	}
	l.Disbursement = disbursement.ID
	if err := s.post(ctx, s.team.Releaser, "/v1/disbursements/"+l.Disbursement+"/release", l.ReleaseKey, nil, http.StatusOK, &disbursement); err != nil {
		return err
	}
	if disbursement.Status != "released" {
		return fmt.Errorf("disbursement %s is %s; expected released", l.Disbursement, disbursement.Status)
	}
	return nil
}

func (s *serviceSide) post(ctx context.Context, who *drive.Session, path, key string, body []byte, status int, into any) error {
	call := drive.Call{Method: http.MethodPost, Path: path, Key: key}
	if body != nil {
		call.Body = json.RawMessage(body)
	}
	answer, err := who.Do(ctx, call)
	if err != nil {
		return err
	}
	if answer.Status != status {
		return fmt.Errorf("POST %s: the answer is %s; expected %d", path, answer.Text(), status)
	}
	return json.NewDecoder(bytes.NewReader(answer.Body)).Decode(into)
}

// once originates one loan, for a client of the measuring.
func (s *serviceSide) once(ctx context.Context, _ int) error {
	l := freshLoan(s.next())
	return s.originate(ctx, &l)
}
