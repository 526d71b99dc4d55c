package drive

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"fumin/domain"
	"fumin/repository/channel/sandbox"
)

// Channel is the sandbox payment channel's side that a test may see: its own list of what it paid, and its control.
type Channel struct {
	url  string
	http *Service
}

// ChannelAt returns the channel at a base URL.
func ChannelAt(url string) *Channel { return &Channel{url: url, http: At(url)} }

// Control tells the channel what to do with the next requests.
func (c *Channel) Control(ctx context.Context, control sandbox.Control) error {
	answer, err := c.http.Do(ctx, "", Call{Method: http.MethodPut, Path: "/v1/control", Body: control})
	_, err = Expect[sandbox.Control](answer, err, http.StatusOK)
	if err != nil {
		return fmt.Errorf("control the channel: %w", err)
	}
	return nil
}

// pagesMax bounds a reading of the whole list.
const pagesMax = 1000

// Payments reads the channel's whole list.
func (c *Channel) Payments(ctx context.Context) ([]sandbox.Listed, error) {
	var payments []sandbox.Listed
	after := ""
	for range pagesMax {
		path := fmt.Sprintf("/v1/payments?limit=%d", sandbox.ListLimitMax)
		if after != "" {
			path += "&after=" + url.QueryEscape(after)
		}
		answer, err := c.http.Do(ctx, "", Read(path))
		page, err := Expect[sandbox.List](answer, err, http.StatusOK)
		if err != nil {
			return nil, fmt.Errorf("read the channel's list: %w", err)
		}
		payments = append(payments, page.Payments...)
		if page.NextAfter == "" {
			return payments, nil
		}
		after = page.NextAfter
	}
	return nil, fmt.Errorf("the channel's list is longer than %d pages", pagesMax)
}

// PaymentsOf returns the entries of the list that bear the ids of a disbursement's transfers: none, or one each.
func (c *Channel) PaymentsOf(ctx context.Context, d Disbursement) ([]sandbox.Listed, error) {
	all, err := c.Payments(ctx)
	var found []sandbox.Listed
	for _, p := range all {
		if slices.ContainsFunc(d.Transfers, func(t Transfer) bool { return t.ID == p.ID }) {
			found = append(found, p)
		}
	}
	return found, err
}

// DayFile fetches what the channel says it paid on a business day, as the CSV that a bank gives at the day's end.
func (c *Channel) DayFile(ctx context.Context, day domain.Date) (File, error) {
	answer, err := c.http.Do(ctx, "", Read("/v1/day-file?format=csv&date="+day.String()))
	if err == nil && answer.Status != http.StatusOK {
		err = fmt.Errorf("fetch the channel's day file: %s", answer.Text())
	}
	return File{MediaType: "text/csv; charset=utf-8", Content: answer.Body}, err
}

// ReadControl returns what the channel would do with the next request.
func (c *Channel) ReadControl(ctx context.Context) (sandbox.Control, error) {
	answer, err := c.http.Do(ctx, "", Read("/v1/control"))
	return Expect[sandbox.Control](answer, err, http.StatusOK)
}
