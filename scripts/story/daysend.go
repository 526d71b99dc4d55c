package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/google/uuid"

	"fumin/domain"
	"fumin/domain/money"
	"fumin/domain/paymentfile"
	"fumin/scripts/drive"
)

// reconciliation is a day's file held against the books (对账), as the story reads it.
type reconciliation struct {
	ID          string       `json:"id"`
	BusinessDay string       `json:"business_day"`
	CountThere  int          `json:"count_there"`
	TotalThere  money.Amount `json:"total_there"`
	CountHere   int          `json:"count_here"`
	TotalHere   money.Amount `json:"total_here"`
	Gap         money.Amount `json:"gap"`
	CasesOpen   int          `json:"cases_open"`
	Status      string       `json:"status"`
	StatusLabel string       `json:"status_label"`
}

func (r reconciliation) path(deed string) string { return "/v1/reconciliations/" + r.ID + deed }

// dayDifference is a difference that somebody must explain (对账差错).
type dayDifference struct {
	ID          string       `json:"id"`
	KindLabel   string       `json:"kind_label"`
	EndToEndID  string       `json:"end_to_end_id"`
	AmountThere money.Amount `json:"amount_there"`
	Note        string       `json:"note"`
	OwnerName   string       `json:"owner_name"`
	DueOn       string       `json:"due_on"`
}

// A payment that the channel's file has and nobody here knows: the story writes it into the file.
const (
	strangerAmount = "88.00"
	explanation    = "渠道确认为他行付款误入本行文件，已出具更正函"
)

// daysEnd reconciles today with the payment that was just made, which cannot be closed before the day is over, and an earlier
// day, which is closed.
func (p *play) daysEnd(ctx context.Context, releaser player, disbursementID string) error {
	if p.channel == nil {
		p.tell("The channel's day file is left out")
		p.show("its address is not known; set FUMIN_CHANNEL_URL to the address that run.sh printed, and the day's end is played too")
		p.pause()
		return nil
	}
	paid, err := releaser.session.AwaitDisbursement(ctx, disbursementID, "succeeded")
	if err != nil {
		return err
	}
	importer, err := p.enter(ctx, "day-importer")
	if err != nil {
		return err
	}
	closer, err := p.enter(ctx, "day-closer")
	if err != nil {
		return err
	}
	taken, err := p.reconciledDays(ctx, importer)
	if err != nil {
		return err
	}
	if !taken[today()] {
		if err := p.dayUnderWay(ctx, importer, closer, paid); err != nil {
			return err
		}
	}
	return p.dayClosed(ctx, importer, closer, freeDay(taken))
}

// reconciledDays are the days that are reconciled already, by an earlier play or by somebody else.
func (p *play) reconciledDays(ctx context.Context, who player) (map[domain.Date]bool, error) {
	taken := map[domain.Date]bool{}
	for path := "/v1/reconciliations?limit=100"; path != ""; {
		answer, err := who.session.Do(ctx, drive.Read(path))
		page, err := drive.Expect[struct {
			Items []reconciliation `json:"items"`
			Next  string           `json:"next"`
		}](answer, err, http.StatusOK)
		if err != nil {
			return nil, err
		}
		for _, r := range page.Items {
			day, err := domain.ParseDate(r.BusinessDay)
			if err != nil {
				return nil, err
			}
			taken[day] = taken[day] || r.Status != "discarded"
		}
		path = page.Next
	}
	return taken, nil
}

// freeDay is the last day before today that nobody has reconciled.
func freeDay(taken map[domain.Date]bool) domain.Date {
	day := today().AddDays(-1)
	for taken[day] {
		day = day.AddDays(-1)
	}
	return day
}

// dayUnderWay holds the file of today against the books: our payment is in it once, and the stranger is a case.
func (p *play) dayUnderWay(ctx context.Context, importer, closer player, paid drive.Disbursement) error {
	r, file, err := p.dayImported(ctx, importer, today())
	if err != nil {
		return err
	}
	for _, t := range paid.Transfers {
		id := paymentfile.EndToEndIDOf(domain.ID(t.ID))
		if n := bytes.Count(file, []byte(id)); n != 1 {
			return differs("how often payment "+id+" stands in the channel's file", n, 1)
		}
		p.show("payment %s stands in the file once", id)
	}
	p.pause()
	if err := p.differencesExplained(ctx, importer, closer, r); err != nil {
		return err
	}
	if err := p.refused(ctx, closer, "closes the day", drive.Post(r.path("/close"), nil), http.StatusConflict, "day-not-over"); err != nil {
		return err
	}
	_, err = ask[reconciliation](ctx, p, importer, "takes the import back: tomorrow there is the whole file", drive.Post(r.path("/discard"),
		map[string]string{"reason": "当日尚未结束，次日按完整的日终文件重新导入"}), http.StatusOK)
	p.pause()
	return err
}

// dayClosed holds the file of an earlier day against the books and closes the day.
func (p *play) dayClosed(ctx context.Context, importer, closer player, day domain.Date) error {
	r, _, err := p.dayImported(ctx, importer, day)
	if err != nil {
		return err
	}
	p.pause()
	if err := p.refused(ctx, closer, "closes the day", drive.Post(r.path("/close"), nil), http.StatusConflict, "day-not-balanced"); err != nil {
		return err
	}
	if err := p.differencesExplained(ctx, importer, closer, r); err != nil {
		return err
	}
	if err := p.refused(ctx, importer, "closes the day", drive.Post(r.path("/close"), nil), http.StatusForbidden, "four-eyes"); err != nil {
		return err
	}
	closed, err := ask[reconciliation](ctx, p, closer, "closes the day (关账)", drive.Post(r.path("/close"), nil), http.StatusOK)
	if err != nil {
		return err
	}
	if closed.Status != "closed" || !closed.Gap.IsZero() {
		return differs("the day", closed, "closed without a gap")
	}
	p.show("%s: %s (%s), both sides agree to the fen", closed.BusinessDay, closed.StatusLabel, closed.Status)
	p.pause()
	return nil
}

// dayImported fetches the channel's file of a day, writes the stranger into it, and imports it.
func (p *play) dayImported(ctx context.Context, importer player, day domain.Date) (r reconciliation, file []byte, err error) {
	p.tell("%s fetches the channel's file of %s (日终文件)", importer.Name, day)
	fetched, err := p.channel.DayFile(ctx, day)
	if err != nil {
		return r, nil, err
	}
	rows := bytes.Count(bytes.TrimSpace(fetched.Content), []byte("\n")) // below the heads of the columns
	p.show("%d payments; the story adds one of %s that nobody here knows", rows, strangerAmount)
	p.pause()
	fetched.Content = fmt.Appendf(fetched.Content, "X-%s,%s,CNY,%s,SBX-X\n", uuid.NewString()[:8], strangerAmount, day)
	r, err = ask[reconciliation](ctx, p, importer, "imports it (导入对账)",
		drive.Call{Method: http.MethodPost, Path: "/v1/reconciliations?business_day=" + day.String(), Body: fetched}, http.StatusCreated)
	if err != nil {
		return r, nil, err
	}
	if r.Status != "open" || r.CountThere != rows+1 || r.CasesOpen == 0 {
		return r, nil, differs("the reconciliation", r, fmt.Sprintf("open, of %d payments, with a case", rows+1))
	}
	p.show("there %d payments, %s; here %d, %s; %s unexplained, %d differences", r.CountThere, r.TotalThere.Grouped(), r.CountHere, r.TotalHere.Grouped(), r.Gap, r.CasesOpen)
	return r, fetched.Content, nil
}

// differencesExplained reads the cases; their owner may not explain them, a second person does.
func (p *play) differencesExplained(ctx context.Context, importer, closer player, r reconciliation) error {
	cases, err := ask[struct {
		Items []dayDifference `json:"items"`
	}](ctx, p, importer, "reads the differences (差错)", drive.Read(r.path("/cases?status=open&limit=100")), http.StatusOK)
	if err != nil {
		return err
	}
	for _, c := range cases.Items {
		p.show("%s: %s of %s, %s; %s finds out by %s", c.KindLabel, c.EndToEndID, c.AmountThere, c.Note, c.OwnerName, c.DueOn)
	}
	p.pause()
	if !slices.ContainsFunc(cases.Items, func(c dayDifference) bool { return c.AmountThere.String() == strangerAmount }) {
		return differs("the cases", cases.Items, "one about the payment that nobody here knows")
	}
	for i, c := range cases.Items {
		call := drive.Post(r.path("/cases/"+c.ID+"/resolve"), map[string]string{"explanation": explanation})
		if i == 0 {
			if err := p.refused(ctx, importer, "explains a difference of his own", call, http.StatusForbidden, "four-eyes"); err != nil {
				return err
			}
		}
		if _, err := ask[dayDifference](ctx, p, closer, "explains it (处理差错)", call, http.StatusOK); err != nil {
			return err
		}
		p.show("%s", explanation)
		p.pause()
	}
	return nil
}
