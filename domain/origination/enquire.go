package origination

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"fumin/domain"
	"fumin/domain/borrower"
	"fumin/domain/decision"
	"fumin/domain/loan"
	"fumin/domain/product"
)

// question is an enquiry that this submit sends.
type question struct {
	enquiry Enquiry
	request EnquiryRequest
}

// enquire asks the connected institutions about a case before it is submitted, all at once, and stores what they answer. It
// speaks to them outside any transaction. The rows come first, written under the application's lock: so of twenty submits at
// once one asks, and the others wait for its answer. When none comes for a while the asker may be dead, and one of those who
// wait sends the same question again, under its id, which the institution counts once. Only a failure of the database, or a
// case that may not be submitted, is an error: an institution without an answer is a row that says so.
func (s *Enquiries) enquire(ctx context.Context, by domain.Actor, id domain.ID) error {
	if s == nil || (s.sources.Bureau == nil && s.sources.Screening == nil && s.sources.Precheck == nil) {
		return nil
	}
	// A client that goes away does not waste an answer that was paid for: the calls end by themselves.
	calls, cancel := context.WithTimeout(context.WithoutCancel(ctx), enquiryCallsEnd)
	defer cancel()
	others, err := s.askWhatNobodyAsks(ctx, calls, by, id, nil)
	if err != nil || len(others) == 0 {
		return err
	}
	patient, cancelPatience := context.WithTimeout(calls, enquiryPatience)
	defer cancelPatience()
	if s.settled(ctx, patient, id) {
		return nil
	}
	others, err = s.askWhatNobodyAsks(ctx, calls, by, id, others)
	if err == nil && len(others) > 0 {
		s.settled(ctx, calls, id) // what is unanswered by then, the submit says
	}
	return err
}

// askWhatNobodyAsks claims what is to be asked, asks it and stores the answers. It returns the version of each question that
// another submit is asking; of those in silent it asks what has not moved since.
func (s *Enquiries) askWhatNobodyAsks(ctx, calls context.Context, by domain.Actor, id domain.ID, silent map[domain.ID]int) (others map[domain.ID]int, err error) {
	questions, others, err := s.claim(ctx, by, id, silent)
	if err != nil {
		return nil, err
	}
	// Asked side by side, so that the slowest counts and not the sum; stored one after another, because their transactions
	// would wait for the same case.
	var group sync.WaitGroup
	answers, failures := make([]EnquiryAnswer, len(questions)), make([]error, len(questions))
	for i, q := range questions { // at most three
		group.Go(func() { answers[i], failures[i] = s.sources.ask(calls, q.enquiry.Source, q.request) })
	}
	group.Wait()
	for i, q := range questions {
		failures[i] = s.settle(ctx, by, q.enquiry, answers[i], failures[i])
	}
	return others, errors.Join(failures...)
}

// settled waits until nobody asks about the case any more, and reports whether that came before the deadline.
func (s *Enquiries) settled(ctx, deadline context.Context, id domain.ID) bool {
	ticker := time.NewTicker(enquiryPoll)
	defer ticker.Stop()
	for {
		enquiries, err := s.store.Enquiries(ctx, domain.Scope{Everything: true}, id)
		if err != nil || !slices.ContainsFunc(enquiries, func(e Enquiry) bool { return e.Status == EnquiryAsking }) {
			return true // what cannot be read now is read again by the submit
		}
		select {
		case <-deadline.Done():
			return false
		case <-ctx.Done():
			return false
		case <-ticker.C:
		}
	}
}

// claim writes the rows of what is to be asked, under the application's lock. others are the questions that another submit is
// asking, with their versions; one that is in silent with the version it still has is claimed too.
func (s *Enquiries) claim(ctx context.Context, by domain.Actor, id domain.ID, silent map[domain.ID]int) (claimed []question, others map[domain.ID]int, err error) {
	now := s.now()
	today := domain.DateOf(now)
	err = s.store.Update(ctx, func(tx Tx) error {
		claimed, others = nil, map[domain.ID]int{}
		app, err := tx.LockApplication(ctx, by.Scope(), id)
		if err != nil {
			return err
		}
		if err := app.May(by, loan.ActionSubmit); err != nil {
			return err
		}
		wanted, err := s.wanted(ctx, tx, app.Record(), today)
		if err != nil {
			return err
		}
		before, err := tx.Enquiries(ctx, domain.Scope{Everything: true}, id)
		if err != nil {
			return err
		}
		for _, q := range wanted {
			latest, found := latestOf(before, q.enquiry.Source, q.enquiry.About)
			switch {
			case found && latest.liveOn(today):
				continue
			case found && latest.Status == EnquiryAsking && latest.LeaseUntil.After(now) && silent[latest.ID] != latest.Version:
				others[latest.ID] = latest.Version
				continue
			case found && latest.Status != EnquiryAnswered && latest.Attempts >= EnquiryAttemptsMax:
				continue
			}
			q, err := s.write(ctx, tx, by, now, q, latest, found)
			if err != nil {
				return err
			}
			claimed = append(claimed, q)
		}
		return nil
	})
	return claimed, others, err
}

// write stores a question before it is sent: a new one, or one that got no answer, which keeps its id, so that the
// institution counts it once.
func (s *Enquiries) write(ctx context.Context, tx Tx, by domain.Actor, now time.Time, q question, latest Enquiry, found bool) (question, error) {
	consent := q.enquiry.ConsentID
	again := found && latest.Status != EnquiryAnswered
	if again {
		q.enquiry = latest
	} else {
		q.enquiry.ID = s.newID()
	}
	q.enquiry.ConsentID, q.enquiry.Status, q.enquiry.LeaseUntil = consent, EnquiryAsking, now.Add(enquiryLease)
	q.enquiry.AskedBy, q.enquiry.AskedByName, q.enquiry.AskedAt, q.enquiry.Failure = by.ID, by.Name, now, ""
	q.enquiry.Attempts++
	q.enquiry.Version++
	q.request.ID = q.enquiry.ID
	event := enquiryEvent(by, now, q.enquiry, loan.ActionAsk)
	if again {
		return q, tx.SaveEnquiry(ctx, q.enquiry, event)
	}
	return q, tx.InsertEnquiry(ctx, q.enquiry, event)
}

// settle stores an answer, or that there is none. It does so even when the client has gone. Another submit may have sent the
// same question again meanwhile: then an answer counts whoever got it, and a failure does not.
func (s *Enquiries) settle(ctx context.Context, by domain.Actor, asked Enquiry, answer EnquiryAnswer, failure error) error {
	now := s.now()
	if failure != nil {
		s.log.WarnContext(ctx, "an institution gave no answer", slog.String("source", string(asked.Source)), slog.String("enquiry_id", asked.ID.String()),
			slog.String("failure", failureCode(failure)), slog.Any("error", failure))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), enquirySettleLimit)
	defer cancel()
	return s.store.Update(ctx, func(tx Tx) error {
		if _, err := tx.LockApplication(ctx, domain.Scope{Everything: true}, asked.ApplicationID); err != nil {
			return err
		}
		enquiries, err := tx.Enquiries(ctx, domain.Scope{Everything: true}, asked.ApplicationID)
		if err != nil {
			return err
		}
		e, found := latestOf(enquiries, asked.Source, asked.About)
		switch {
		case !found || e.ID != asked.ID || e.Status == EnquiryAnswered:
			return nil
		case failure == nil:
			e.Status, e.Answer, e.AnsweredAt, e.ValidUntil = EnquiryAnswered, answer, now, domain.DateOf(now).AddDays(s.validDays)
		case e.Version == asked.Version:
			e.Status, e.Failure = EnquiryFailed, failureCode(failure)
		default:
			return nil
		}
		e.LeaseUntil = time.Time{}
		e.Version++
		return tx.SaveEnquiry(ctx, e, enquiryEvent(by, now, e, loan.ActionAnswer))
	})
}

// failureCode is why there is no answer, as one of the Enquiry… constants.
func failureCode(failure error) string {
	if known, ok := errors.AsType[*EnquiryError](failure); ok {
		return known.Code
	}
	return EnquiryConnectionLost
}

func enquiryEvent(by domain.Actor, at time.Time, e Enquiry, action loan.Action) loan.Event {
	return loan.Event{
		Subject: loan.SubjectEnquiry, SubjectID: e.ID, Version: e.Version, CaseID: e.ApplicationID, BranchID: e.BranchID,
		Action: action, To: string(e.Status), ActorID: by.ID, ActorName: by.Name, ActorRole: by.Role, At: at,
		Detail: []loan.Note{
			{Name: "source", Value: string(e.Source)},
			{Name: "purpose", Value: e.Purpose},
			{Name: "consent_id", Value: e.ConsentID.String()},
			{Name: "failure", Value: e.Failure},
		},
	}
}

// wanted are the questions that may and should be asked about a case today: the bureau only under a live consent (征信业管理条例
// 第十八条), the lists always, the guarantee company only where its guarantee is needed and the borrower agreed that it is
// told. Where the product is not offered nobody is asked.
func (s *Enquiries) wanted(ctx context.Context, r Reader, rec loan.Record, today domain.Date) ([]question, error) {
	version, err := productVersion(ctx, r, rec.ProductCode, rec.RegionCode, today)
	if domain.CodeOf(err) == "product-not-offered" {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	person, err := r.Borrower(ctx, domain.Scope{Everything: true}, rec.BorrowerID)
	if err != nil {
		return nil, err
	}
	ask := func(source EnquirySource, about string) question {
		return question{
			Enquiry{
				ApplicationID: rec.ID, BranchID: rec.BranchID, BorrowerID: rec.BorrowerID, Source: source, About: about, Purpose: enquiryPurpose,
			},
			EnquiryRequest{Name: person.Name, IDNumber: person.IDNumber, CreditCode: person.CreditCode},
		}
	}
	var questions []question
	if consent, live := person.ConsentOn(borrower.ConsentCreditEnquiry, today); live && s.sources.connected(SourceBureau) {
		q := ask(SourceBureau, "")
		q.enquiry.ConsentID, q.request.ConsentID, q.request.ConsentTextVersion = consent.ID, consent.ID, consent.TextVersion
		questions = append(questions, q)
	}
	if s.sources.connected(SourceScreening) {
		questions = append(questions, ask(SourceScreening, ""))
	}
	consent, live := person.ConsentOn(borrower.ConsentGuaranteeSharing, today)
	if live && needsGuarantee(version, rec.Request.Amount) && s.sources.connected(SourcePrecheck) {
		q := ask(SourcePrecheck, precheckAbout(rec))
		q.enquiry.ConsentID, q.request.ConsentID, q.request.ConsentTextVersion = consent.ID, consent.ID, consent.TextVersion
		q.request.Amount, q.request.TermMonths, q.request.ProductCode = rec.Request.Amount, rec.Request.TermMonths, rec.ProductCode
		questions = append(questions, q)
	}
	return questions, nil
}

func precheckAbout(rec loan.Record) string {
	return fmt.Sprintf("%s/%d/%s", rec.Request.Amount, rec.Request.TermMonths, rec.ProductCode)
}

// latestOf is the newest enquiry to a source about something. The list is newest first.
func latestOf(enquiries []Enquiry, source EnquirySource, about string) (Enquiry, bool) {
	for _, e := range enquiries { // at most EnquiriesMax
		if e.Source == source && e.About == about {
			return e, true
		}
	}
	return Enquiry{}, false
}

// liveOn reports whether the answer may be used on the day.
func (e Enquiry) liveOn(day domain.Date) bool {
	return e.Status == EnquiryAnswered && !day.After(e.ValidUntil)
}

// enquiryFacts puts the answers that count today among the facts, and returns the enquiries that were sent and have none. The
// bureau's answer counts only while a consent is live: whoever withdrew it is not judged by it.
func enquiryFacts(ctx context.Context, r Reader, f *decision.Facts, rec loan.Record, v product.Version, person borrower.Borrower, today domain.Date) (unanswered []Enquiry, err error) {
	enquiries, err := r.Enquiries(ctx, domain.Scope{Everything: true}, rec.ID)
	if err != nil {
		return nil, err
	}
	take := func(source EnquirySource, about string, fill func(EnquiryAnswer)) {
		switch e, found := latestOf(enquiries, source, about); {
		case found && e.liveOn(today):
			fill(e.Answer)
		case found && e.Status != EnquiryAnswered:
			unanswered = append(unanswered, e)
		}
	}
	if _, live := person.ConsentOn(borrower.ConsentCreditEnquiry, today); live {
		take(SourceBureau, "", func(a EnquiryAnswer) {
			none := a.Result == ResultNoRecord
			f.BureauAnswer = decision.Known(a.Result)
			f.BureauOverdueNow = decision.KnownUnless(none, a.OverdueNow)
			f.BureauOverdueAmount = decision.KnownUnless(none, a.OverdueAmount)
			f.BureauEnquiries6Months = decision.KnownUnless(none, a.Enquiries6Months)
			f.BureauLiabilities = decision.KnownUnless(none, a.Liabilities)
		})
	}
	take(SourceScreening, "", func(a EnquiryAnswer) { f.ScreeningHit = decision.Known(a.Result == ResultHit) })
	if !needsGuarantee(v, rec.Request.Amount) {
		f.GuaranteePrecheck = decision.None[string]()
		return unanswered, nil
	}
	if _, live := person.ConsentOn(borrower.ConsentGuaranteeSharing, today); live {
		take(SourcePrecheck, precheckAbout(rec), func(a EnquiryAnswer) { f.GuaranteePrecheck = decision.Known(a.Result) })
	}
	return unanswered, nil
}

// unansweredReasons are the code and the fact of the reason for which a case without a source's answer is referred.
var unansweredReasons = map[EnquirySource]struct {
	code string
	fact decision.FactName
}{
	SourceBureau:    {"bureau-not-answered", decision.FactBureauAnswer},
	SourceScreening: {"screening-not-answered", decision.FactScreeningHit},
	SourcePrecheck:  {"guarantee-precheck-not-answered", decision.FactGuaranteePrecheck},
}

// holdUnanswered refers a case for which an institution was asked and gave no answer, whatever the rules in force need: the
// reason names the institution. A decline stays one.
func holdUnanswered(outcome decision.Outcome, unanswered []Enquiry) decision.Outcome {
	for _, e := range unanswered { // at most three
		why := failureLabels[e.Failure]
		if e.Status == EnquiryAsking {
			why = failureLabels[EnquiryTimeout]
		}
		reason := decision.Reason{
			Code: unansweredReasons[e.Source].code, Effect: decision.Refer, FactName: unansweredReasons[e.Source].fact, Unknown: true,
			Text:       fmt.Sprintf("%s%s，没有查询结果，转人工审查", e.Source.Label(), why),
			Suggestion: fmt.Sprintf("请由审批人另行核实，或退回后重新提交，系统将再次查询%s", e.Source.Label()),
		}
		if outcome.Result == decision.Approve {
			outcome.Result = decision.Refer
		}
		outcome.Reasons = slices.Insert(slices.Clone(outcome.Reasons), len(outcome.Declined()), reason)
	}
	return outcome
}
