package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"fumin/domain"
	"fumin/repository/channel/sandbox"
	"fumin/scripts/drive"
)

// Limits of the crashes.
const (
	crashesMax = 1000
	// inFlightMax is how long it may take until a released payment is on its way.
	inFlightMax = 30 * time.Second
	// answerDelay is how long the channel keeps its answer to itself: longer than the service will live.
	answerDelay = 10 * time.Second
	// settleMax is how long a payment whose node died may take until another one has found it out: the lease, the time until
	// the channel's word counts, and room for a busy machine.
	settleMax = 4 * time.Minute
)

// crashIn starts a service of its own and kills it in both ways.
func crashIn(ctx context.Context, o options, story facts, book book, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "fumin-crash-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	drive.Say(out, "\nA database, a payment channel and a service are started, each a process of its own.\n")
	site, err := drive.NewSite(ctx, drive.SiteOptions{Program: o.program, Dir: dir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, site.Close()) }()
	c := &crash{
		out: out, site: site, story: story, people: drive.NewPeople(),
		officer: book.cast("officer").Username, releaser: book.cast("releaser").Username,
	}
	begun := time.Now()
	if err := c.beforeSending(ctx, o.times); err != nil {
		return fmt.Errorf("killed between release and sending: %w", err)
	}
	if err := c.inFlight(ctx, o.times); err != nil {
		return fmt.Errorf("killed while the payment was in flight: %w", err)
	}
	drive.Say(out, "\n%d kills, %d payments, each made once: %s.\n", 2*o.times, 2*o.times, time.Since(begun).Round(time.Second))
	return nil
}

// crash kills a service at bad moments.
type crash struct {
	out               io.Writer
	site              *drive.Site
	story             facts
	people            *drive.People
	officer, releaser string
}

// beforeSending releases with the workers off, kills the service, and starts it with the workers on.
func (c *crash) beforeSending(ctx context.Context, times int) error {
	drive.Say(c.out, "\nkill -9 between release and payment, %d times\n", times)
	for i := range times {
		if err := c.site.Serve(ctx, "FUMIN_WORKERS=off"); err != nil {
			return err
		}
		d, err := c.release(ctx)
		if err != nil {
			return err
		}
		if err := c.site.KillService(); err != nil {
			return err
		}
		if paid, err := c.site.Channel.PaymentsOf(ctx, d); err != nil || len(paid) != 0 {
			return errors.Join(err, differs("what the channel paid before the kill", paid, "nothing"))
		}
		begun := time.Now()
		if err := c.site.Serve(ctx); err != nil {
			return err
		}
		if err := c.settled(ctx, d); err != nil {
			return err
		}
		if err := c.site.StopService(); err != nil {
			return err
		}
		drive.Say(c.out, "%4d  released, killed, started again: paid once, case disbursed, %s after the start\n", i+1, time.Since(begun).Round(time.Millisecond))
	}
	return nil
}

// wayInFlight is a moment at which the service dies: the channel has paid, or is about to, or never will by itself.
type wayInFlight struct {
	name    string
	control sandbox.Control
	paid    bool // the channel has paid when the service dies
}

var waysInFlight = []wayInFlight{
	{"paid, the answer on its way", sandbox.Control{Mode: sandbox.ModeNormal, AnswerDelayMs: int(answerDelay.Milliseconds()), Requests: 1}, true},
	{"accepted, about to be paid", sandbox.Control{Mode: sandbox.ModeNormal, DelayMs: 2000, Requests: 1}, false},
	{"paid, the answer dropped", sandbox.Control{Mode: sandbox.ModeDropAnswer, Requests: 1}, true},
	{"lost before the channel read it", sandbox.Control{Mode: sandbox.ModeDropRequest, Requests: 1}, false},
}

// inFlight kills the service while the channel works on the payment. The payments are left as they are until the last kill:
// a dead node's lease must end before another takes over, and ten leases can be waited for at once.
func (c *crash) inFlight(ctx context.Context, times int) error {
	drive.Say(c.out, "\nkill -9 while the payment is in flight, %d times\n", times)
	var left []drive.Disbursement
	for i := range times {
		way := waysInFlight[i%len(waysInFlight)]
		if err := c.site.Serve(ctx); err != nil {
			return err
		}
		if err := c.site.Channel.Control(ctx, way.control); err != nil {
			return err
		}
		d, err := c.release(ctx)
		if err != nil {
			return err
		}
		if err := c.awaitFlight(ctx, d, way); err != nil {
			return err
		}
		if err := c.site.KillService(); err != nil {
			return err
		}
		left = append(left, d)
		drive.Say(c.out, "%4d  released, killed: %s\n", i+1, way.name)
	}

	begun := time.Now()
	if err := c.site.Serve(ctx); err != nil {
		return err
	}
	for _, d := range left {
		if err := c.settled(ctx, d); err != nil {
			return err
		}
	}
	drive.Say(c.out, "      started again: %d cases disbursed, each paid once, %s after the start\n", len(left), time.Since(begun).Round(time.Millisecond))
	return c.site.StopService()
}

// awaitFlight returns when the payment has left the service, or, where the way says so, has been made.
func (c *crash) awaitFlight(ctx context.Context, d drive.Disbursement, way wayInFlight) error {
	ctx, cancel := context.WithTimeout(ctx, inFlightMax)
	defer cancel()
	if way.paid {
		return drive.Until(ctx, "the channel to pay "+d.ID, func() (bool, error) {
			paid, err := c.site.Channel.PaymentsOf(ctx, d)
			return len(paid) > 0, err
		})
	}
	// The channel counts down with each request: a control for one request that has none left has been used.
	return drive.Until(ctx, "the channel to receive "+d.ID, func() (bool, error) {
		control, err := c.site.Channel.ReadControl(ctx)
		return control.Requests == 0, err
	})
}

// release takes a new loan to its release.
func (c *crash) release(ctx context.Context) (drive.Disbursement, error) {
	team, err := c.site.Service.Team(ctx, c.officer, c.releaser, c.site.Password)
	if err != nil {
		return drive.Disbursement{}, err
	}
	borrowerID, err := team.Register(ctx, c.people.Adult(c.story.Borrower, drive.Today()), c.story.Region, c.story.Address, now())
	if err != nil {
		return drive.Disbursement{}, err
	}
	d, err := team.UntilRequested(ctx, borrowerID, c.story.request(), domain.DateOf(now()))
	if err != nil {
		return drive.Disbursement{}, err
	}
	return drive.Ask[drive.Disbursement](ctx, team.Releaser, drive.Release(d.ID), http.StatusOK)
}

// settled waits until the payment and its case are through, and counts the payments at the channel.
func (c *crash) settled(ctx context.Context, d drive.Disbursement) error {
	ctx, cancel := context.WithTimeout(ctx, settleMax)
	defer cancel()
	team, err := c.site.Service.Team(ctx, c.officer, c.releaser, c.site.Password)
	if err != nil {
		return err
	}
	d, err = team.Releaser.AwaitDisbursement(ctx, d.ID, "succeeded")
	if err != nil {
		return fmt.Errorf("%w; the service wrote:\n%s", err, c.site.Output())
	}
	application, err := drive.Ask[drive.Application](ctx, team.Officer, drive.Read("/v1/applications/"+d.ApplicationID), http.StatusOK)
	if err != nil {
		return err
	}
	if application.Status != "disbursed" {
		return differs("the application", application.Status, "disbursed")
	}
	paid, err := c.site.Channel.PaymentsOf(ctx, d)
	if err != nil {
		return err
	}
	if len(paid) != 1 || paid[0].State != "succeeded" || paid[0].Amount != c.story.Amount {
		return differs("the channel's list for disbursement "+d.ID, paid, "one payment of "+c.story.Amount)
	}
	return nil
}
