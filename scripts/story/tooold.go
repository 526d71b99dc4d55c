package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"fumin/scripts/drive"
)

// playTooOld asks for more months than the borrower's age allows, learns how many would do, and asks for those.
func playTooOld(ctx context.Context, p *play) error {
	officer, err := p.enter(ctx, "officer")
	if err != nil {
		return err
	}
	borrower, err := p.registered(ctx, officer, p.people.Aged(p.facts.Borrower, p.facts.AgeYears, today()))
	if err != nil {
		return err
	}
	if *borrower.AgeYears != p.facts.AgeYears {
		return differs("the borrower's age", *borrower.AgeYears, p.facts.AgeYears)
	}
	longest, ageMax, err := p.declined(ctx, officer, borrower.ID)
	if err != nil {
		return err
	}

	application, err := p.opened(ctx, officer, borrower.ID, longest)
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
	return p.yearLess(ctx, officer, ageMax)
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

// yearLess compares with a region where the product's limit is another one. The demo lender has no branch there, so nobody
// can be lent to; the catalogue tells the limit all the same.
func (p *play) yearLess(ctx context.Context, officer player, ageMax int) error {
	catalogue, err := ask[struct {
		Items []struct {
			Code           string `json:"code"`
			RegionPrefix   string `json:"region_prefix"`
			AgePlusTermMax int    `json:"age_plus_term_max"`
		} `json:"items"`
	}](ctx, p, officer, "looks up the product in "+p.facts.OtherRegionName, drive.Read("/v1/products?region="+p.facts.OtherRegion), http.StatusOK)
	if err != nil {
		return err
	}
	for _, offer := range catalogue.Items {
		if offer.Code != p.facts.Product {
			continue
		}
		p.show("%s in %s (%s): age at the last due date at most %d, a year less than the %d here", offer.Code, p.facts.OtherRegionName,
			offer.RegionPrefix, offer.AgePlusTermMax, ageMax)
		p.show("the demo lender has no branch there, so no application is played")
		p.pause()
		if offer.AgePlusTermMax != ageMax-1 {
			return differs("the limit in "+p.facts.OtherRegionName, offer.AgePlusTermMax, ageMax-1)
		}
		return nil
	}
	return fmt.Errorf("%s is not offered in %s", p.facts.Product, p.facts.OtherRegionName)
}
