package main

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"fumin/domain/money"
	"fumin/scripts/drive"
)

// What becomes of the duck shed's line after the case is closed.
const (
	duckShedRepaid = "40000.00"
	duckShedDrawn  = "30000.00"
)

// line is a credit line as the story reads it.
type line struct {
	CreditLimit money.Amount `json:"credit_limit"`
	Outstanding money.Amount `json:"outstanding"`
	Reserved    money.Amount `json:"reserved"`
	Free        money.Amount `json:"free"`
	EndsOn      string       `json:"ends_on"`
}

// repaysAndDraws is the rest of the duck shed: the core system reports what he has repaid, the line is free again by so much,
// and he draws from the mobile app.
func (p *play) repaysAndDraws(ctx context.Context, officer, releaser player, id string, borrower drive.Borrower) error {
	if err := p.lineIs(ctx, officer, id, "0.00"); err != nil {
		return err
	}
	notes, err := ask[struct {
		Items []struct {
			ID     string `json:"id"`
			NoteNo string `json:"note_no"`
		} `json:"items"`
	}](ctx, p, officer, "reads the loan notes (借据)", drive.Read("/v1/applications/"+id+"/loan-notes"), http.StatusOK)
	if err != nil {
		return err
	}
	if len(notes.Items) != 1 {
		return differs("the loan notes", notes.Items, "one")
	}
	p.show("%s", notes.Items[0].NoteNo)
	p.pause()

	core, err := p.enterApp(ctx, "core", "", "")
	if err != nil {
		return err
	}
	repayment := drive.Repay(notes.Items[0].ID, "HX-"+uuid.NewString(), today(), duckShedRepaid)
	for _, what := range []string{"reports a repayment of " + duckShedRepaid + " (还款)", "reports it again: its answer was lost on the way"} {
		if _, err := ask[struct{}](ctx, p, core, what, repayment, http.StatusOK); err != nil {
			return err
		}
		p.pause()
	}
	if err := p.lineIs(ctx, officer, id, duckShedRepaid); err != nil {
		return err
	}
	return p.drawsAgain(ctx, officer, releaser, id, borrower)
}

// lineIs reads the line, which must have so much free.
func (p *play) lineIs(ctx context.Context, officer player, id, free string) error {
	l, err := ask[line](ctx, p, officer, "reads the credit line (额度)", drive.Read("/v1/lines/"+id), http.StatusOK)
	if err != nil {
		return err
	}
	if l.Free.String() != free {
		return differs("what the line has free", l.Free, free)
	}
	p.show("limit %s, outstanding %s, on its way %s, free %s yuan, until %s", l.CreditLimit.Grouped(), l.Outstanding.Grouped(), l.Reserved.Grouped(),
		l.Free.Grouped(), l.EndsOn)
	p.pause()
	return nil
}

func (p *play) drawsAgain(ctx context.Context, officer, releaser player, id string, borrower drive.Borrower) error {
	app, err := p.enterApp(ctx, "app", borrower.ID, p.facts.Borrower)
	if err != nil {
		return err
	}
	if err := p.refused(ctx, app, "asks for more than is free", drive.Draw(id, "40000.01"), http.StatusUnprocessableEntity, "line-exceeded"); err != nil {
		return err
	}
	d, err := ask[drive.Disbursement](ctx, p, app, "draws "+duckShedDrawn+" in the mobile app (支用)", drive.Draw(id, duckShedDrawn), http.StatusCreated)
	if err != nil {
		return err
	}
	p.show("%s yuan to %s %s; %s (%s)", d.Amount.Grouped(), d.Transfers[0].PayeeName, d.Transfers[0].PayeeAccount, d.StatusLabel, d.Status)
	p.pause()
	if err := p.releasedBy(ctx, releaser, d.ID); err != nil {
		return err
	}
	if d, err = p.arrived(ctx, releaser, d.ID); err != nil {
		return err
	}
	if err := p.channelPaid(ctx, d, duckShedDrawn); err != nil {
		return err
	}
	return p.lineIs(ctx, officer, id, "10000.00")
}
