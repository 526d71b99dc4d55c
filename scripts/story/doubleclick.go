package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"

	"fumin/scripts/drive"
)

// playDoubleClick asks for one disbursement and for its release many times at once, and again after an answer was lost. At the day's
// end the channel's file is held against the books.
func playDoubleClick(ctx context.Context, p *play) error {
	officer, err := p.enter(ctx, "officer")
	if err != nil {
		return err
	}
	releaser, err := p.enter(ctx, "releaser")
	if err != nil {
		return err
	}
	id, err := p.contracted(ctx, officer)
	if err != nil {
		return err
	}

	request := drive.RequestDisbursement(id)
	disbursementID, err := p.manyAtOnce(ctx, officer, "requests the disbursement, all with one Idempotency-Key", request, http.StatusCreated)
	if err != nil {
		return err
	}
	if err := p.refused(ctx, officer, "requests it with another key", drive.RequestDisbursement(id), http.StatusConflict, "disbursement-exists"); err != nil {
		return err
	}

	release := drive.Release(disbursementID)
	if _, err := p.manyAtOnce(ctx, releaser, "releases the payment, all with one Idempotency-Key", release, http.StatusOK); err != nil {
		return err
	}
	if err := p.lostAnswer(ctx, releaser, release, disbursementID); err != nil {
		return err
	}
	if err := p.refused(ctx, releaser, "releases it with another key", drive.Release(disbursementID), http.StatusConflict, "wrong-status"); err != nil {
		return err
	}
	if err := p.paid(ctx, releaser, drive.Disbursement{ID: disbursementID}); err != nil {
		return err
	}
	return p.daysEnd(ctx, releaser, disbursementID)
}

// contracted takes the story's loan to a signed contract, in few words.
func (p *play) contracted(ctx context.Context, officer player) (applicationID string, err error) {
	p.tell("%s registers %s, opens an application, submits it and records the contract", officer.Name, p.facts.Borrower)
	team := drive.Team{Officer: officer.session}
	borrowerID, err := team.Register(ctx, p.people.Adult(p.facts.Borrower, today()), p.facts.Region, p.facts.Address, now())
	if err != nil {
		return "", err
	}
	application, err := team.UntilSigned(ctx, borrowerID, p.facts.request(), today())
	if err != nil {
		return "", err
	}
	p.show("%s: %s yuan, %s (%s)", application.ApplicationNo, application.Amount.Grouped(), application.StatusLabel, application.Status)
	p.pause()
	return application.ID, nil
}

// manyAtOnce sends one call many times at the same moment. All must be answered alike, and all but one as a repetition.
func (p *play) manyAtOnce(ctx context.Context, who player, what string, call drive.Call, status int) (id string, err error) {
	p.tell("%s %s, %d times at once", who.Name, what, p.facts.Times)
	answers, errs := make([]drive.Answer, p.facts.Times), make([]error, p.facts.Times)
	begin := make(chan struct{})
	var group sync.WaitGroup
	for i := range p.facts.Times {
		group.Go(func() {
			<-begin
			answers[i], errs[i] = who.session.Do(ctx, call)
		})
	}
	close(begin)
	group.Wait()

	ids, first := map[string]int{}, 0
	for i, answer := range answers {
		d, err := drive.Expect[drive.Disbursement](answer, errs[i], status)
		if err != nil {
			return "", fmt.Errorf("answer %d of %d: %w", i+1, p.facts.Times, err)
		}
		ids[d.ID]++
		if !answer.Replayed() {
			first++
		}
		id = d.ID
	}
	drive.Say(p.out, "    %s %s\n    → %d × %d %s\n", call.Method, call.Path, len(answers), status, http.StatusText(status))
	p.show("%d disbursement, done %d time, repeated %d times (Idempotency-Replayed: true)", len(ids), first, len(answers)-first)
	p.pause()
	if len(ids) != 1 || first != 1 {
		return "", differs("the outcome", fmt.Sprintf("%d disbursements, done %d times", len(ids), first), "one disbursement, done once")
	}
	return id, nil
}

// lostAnswer sends the call, hangs up before the answer, and sends it again.
func (p *play) lostAnswer(ctx context.Context, who player, call drive.Call, disbursementID string) error {
	p.tell("%s sends the same release again, and the connection breaks before the answer", who.Name)
	if err := who.session.HangUp(ctx, call); err != nil {
		return err
	}
	p.show("nobody knows what became of it")
	p.pause()

	p.tell("%s sends it once more", who.Name)
	answer, err := who.session.Do(ctx, call)
	d, err := drive.Expect[drive.Disbursement](answer, err, http.StatusOK)
	if err != nil {
		return err
	}
	p.exchange(call, answer)
	if !answer.Replayed() || d.ID != disbursementID {
		return differs("the answer", answer.Text(), "the same one again, marked as a repetition")
	}
	p.show("the same answer again: %s (%s)", d.StatusLabel, d.Status)
	p.pause()
	return nil
}
