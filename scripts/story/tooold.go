package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"fumin/domain/borrower"
	"fumin/scripts/drive"
)

// playTooOld asks for more months than the borrower's age allows, learns how many would do, and asks for those.
func playTooOld(ctx context.Context, p *play) error {
	officer, err := p.enter(ctx, "officer")
	if err != nil {
		return err
	}
	person := p.people.Aged(p.facts.Borrower, p.facts.AgeYears, today())
	file, err := p.registered(ctx, officer, person)
	if err != nil {
		return err
	}
	if *file.AgeYears != p.facts.AgeYears {
		return differs("the borrower's age", *file.AgeYears, p.facts.AgeYears)
	}
	longest, ageMax, err := p.declined(ctx, officer, file.ID)
	if err != nil {
		return err
	}

	application, err := p.opened(ctx, officer, file.ID, longest)
	if err != nil {
		return err
	}
	application, err = ask[drive.Application](ctx, p, officer, fmt.Sprintf("submits it with %d months instead", longest),
		drive.Submit(application.ID), http.StatusOK)
	if err != nil {
		return err
	}
	if application.Status != "approved" {
		return differs("the outcome with the longest term", application.Status, "approved")
	}
	p.show("%s (%s)", application.StatusLabel, application.Status)
	p.pause()
	return p.yearLess(ctx, officer, person, longest, ageMax)
}

const ruleAgeAtLastDue = "age-at-last-due-above-maximum"

// declined submits the story's own term, and returns the longest term that would pass and the age the product allows.
func (p *play) declined(ctx context.Context, officer player, borrowerID string) (longestMonths, ageMax int, err error) {
	application, err := p.opened(ctx, officer, borrowerID, p.facts.TermMonths)
	if err != nil {
		return 0, 0, err
	}
	submitted, err := ask[drive.Application](ctx, p, officer, "submits it to the rules (提交)", drive.Submit(application.ID), http.StatusOK)
	if err != nil {
		return 0, 0, err
	}
	if submitted.Status != "declined" {
		return 0, 0, differs("the outcome", submitted.Status, "declined")
	}
	p.show("%s (%s): an answer, not an error", submitted.StatusLabel, submitted.Status)
	p.pause()

	decision, err := ask[drive.Decision](ctx, p, officer, "asks why", drive.Read("/v1/applications/"+application.ID+"/decision"), http.StatusOK)
	if err != nil {
		return 0, 0, err
	}
	p.reasons(decision)
	i := slices.IndexFunc(decision.Reasons, func(r drive.Reason) bool { return r.Code == ruleAgeAtLastDue })
	if i < 0 || decision.Reasons[i].Effect != "decline" {
		return 0, 0, differs("the decision", decision.Reasons, "a decline by "+ruleAgeAtLastDue)
	}
	reason := decision.Reasons[i]
	age, ageErr := strconv.Atoi(reason.Value)
	ageMax, maxErr := strconv.Atoi(reason.Threshold)
	if ageErr != nil || maxErr != nil || age <= ageMax {
		return 0, 0, differs("the reason", reason, "an age above its threshold")
	}
	p.show("value %d, threshold %d; %s", age, ageMax, reason.Suggestion)
	if len(decision.WaysForward) == 0 {
		return 0, 0, fmt.Errorf("the decision names no way forward")
	}
	way := decision.WaysForward[0]
	p.show("way forward: %s", way.Text)
	p.pause()
	if way.Result != "approve" || way.TermMonths >= p.facts.TermMonths || way.TermMonths < 1 {
		return 0, 0, differs("the way forward", way, fmt.Sprintf("an approval for less than %d months", p.facts.TermMonths))
	}
	return way.TermMonths, ageMax, nil
}

// yearLess plays the same where the product allows one year less: a household of a village in another region.
func (p *play) yearLess(ctx context.Context, officer player, here drive.Person, longestHere, ageMaxHere int) error {
	number, err := borrower.ParseIDNumber(here.IDNumber)
	if err != nil {
		return err
	}
	there := *p
	there.facts.Region = p.facts.OtherRegion
	there.show("The same in %s, where the product has another number.", p.facts.OtherRegionName)
	there.pause()
	sameBirthday := p.people.Born(p.facts.Borrower, number.BirthDate(), 1)
	file, err := there.registered(ctx, officer, sameBirthday)
	if err != nil {
		return err
	}
	longest, ageMax, err := there.declined(ctx, officer, file.ID)
	if err != nil {
		return err
	}
	if ageMax != ageMaxHere-1 {
		return differs("the age limit in "+p.facts.OtherRegionName, ageMax, ageMaxHere-1)
	}
	if longest != longestHere-12 {
		return differs("the longest term in "+p.facts.OtherRegionName, longest, fmt.Sprintf("a year less than %d months", longestHere))
	}
	p.show("%d at most, and %d months at most: a year less than the %d and the %d months here", ageMax, longest, ageMaxHere, longestHere)
	p.pause()
	return nil
}
