package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"fumin/domain/money"
	"fumin/repository/channel"
	"fumin/repository/channel/sandbox"
	"fumin/scripts/drive"
)

const (
	databaseEvery = 4 // every so many kills it is the database that dies
	// triesMax bounds the repetitions of one call: a node is away for seconds, a try takes tryPause at least.
	triesMax = 5_000
	tryPause = 50 * time.Millisecond
	// killPauseMax bounds the random time between a release and the next kill: long enough to reach every step of a payment.
	killPauseMax = 1500 * time.Millisecond
	// troublePauseMax bounds the random time between two troubles of the channel.
	troublePauseMax = 400 * time.Millisecond

	officer  = "officer-37150301"
	releaser = "disbursement-371503"
)

// troubles are what the channel does to a share of the payments. Delays stay below the service's time-out or go beyond it.
var troubles = []sandbox.Control{
	{Mode: sandbox.ModeDropAnswer, Requests: 1},
	{Mode: sandbox.ModeDropRequest, Requests: 1},
	{Mode: sandbox.ModeBreakAnswer, Requests: 1},
	{Mode: sandbox.ModeUnsignedAnswer, Requests: 1},
	{Mode: sandbox.ModeDown, Requests: 1},
	{Mode: sandbox.ModeNormal, DelayMs: 1500, Requests: 1},
	{Mode: sandbox.ModeNormal, AnswerDelayMs: 6000, Requests: 1},
	{Mode: sandbox.ModeProcess, SettleAfterMs: 500, Requests: 1},
	{Mode: sandbox.ModeFail, FailureCode: channel.FailureAccountClosed, Requests: 1},
}

// load is the clients, the killer and the trouble-maker, and what the clients were told.
type load struct {
	site    *drive.Site
	options options
	out     io.Writer
	people  *drive.People
	nodes   []atomic.Pointer[drive.Node]
	clients []drive.Team

	mu            sync.Mutex
	asked         map[string]bool     // transfers whose release was asked for
	acknowledged  map[string][]string // disbursements whose release was answered with 200: their transfers
	repeated      int                 // calls that had to be sent again
	referred      int                 // applications that went to a person, because their enquiry was broken off
	serviceKills  int
	databaseKills int
}

// newLoad starts the nodes and logs the clients in.
func newLoad(ctx context.Context, site *drive.Site, o options, out io.Writer) (*load, error) {
	l := &load{
		site: site, options: o, out: out, people: drive.NewPeople(), nodes: make([]atomic.Pointer[drive.Node], o.nodes),
		asked: map[string]bool{}, acknowledged: map[string][]string{},
	}
	for i := range l.nodes {
		node, err := site.StartNode(ctx)
		if err != nil {
			return nil, err
		}
		l.nodes[i].Store(node)
	}
	for range o.clients {
		team, err := l.anyNode().Service.Team(ctx, officer, releaser, site.Password)
		if err != nil {
			return nil, err
		}
		l.clients = append(l.clients, team)
	}
	return l, nil
}

func (l *load) anyNode() *drive.Node { return l.nodes[rand.IntN(len(l.nodes))].Load() }

// run kills until all kills are done, and lets every client finish the loan it is at.
func (l *load) run(ctx context.Context) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	enough := make(chan struct{})
	var group, trouble sync.WaitGroup
	for _, team := range l.clients {
		group.Go(func() {
			for !closed(enough) {
				if err := l.lend(ctx, team); err != nil {
					fail(fmt.Errorf("a client: %w", err))
					return
				}
			}
		})
	}
	troubled, calm := context.WithCancel(ctx)
	defer calm()
	trouble.Go(func() {
		if err := l.trouble(troubled); err != nil {
			fail(err)
		}
	})
	if err := l.killAll(ctx); err != nil {
		fail(fmt.Errorf("the killer: %w", err))
	}
	close(enough)
	group.Wait()
	calm()
	trouble.Wait()
	return context.Cause(ctx)
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// killAll kills and starts again. Each kill waits for a release since the last one, so that there is always load.
func (l *load) killAll(ctx context.Context) error {
	for i := range l.options.kills {
		before := l.releases()
		if err := drive.Until(ctx, fmt.Sprintf("a release before kill %d", i+1), func() (bool, error) { return l.releases() > before, nil }); err != nil {
			return errors.Join(err, context.Cause(ctx))
		}
		if !pause(ctx, rand.N(killPauseMax)) {
			return context.Cause(ctx)
		}
		if (i+1)%databaseEvery == 0 {
			if err := errors.Join(l.site.Database.Kill(), l.site.Database.Restart(ctx)); err != nil {
				return err
			}
			l.databaseKills++
			drive.Say(l.out, "kill %d: the database; %d releases acknowledged\n", i+1, l.releases())
			continue
		}
		place := rand.IntN(len(l.nodes))
		if err := l.nodes[place].Load().Kill(); err != nil {
			return err
		}
		node, err := l.site.StartNode(ctx)
		if err != nil {
			return err
		}
		l.nodes[place].Store(node)
		l.serviceKills++
		drive.Say(l.out, "kill %d: node %d; %d releases acknowledged\n", i+1, place+1, l.releases())
	}
	return nil
}

func (l *load) releases() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acknowledged)
}

// pause reports whether the time passed before ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// trouble has the channel misbehave until ctx ends.
func (l *load) trouble(ctx context.Context) error {
	for pause(ctx, rand.N(troublePauseMax)) {
		if err := l.site.Channel.Control(ctx, troubles[rand.IntN(len(troubles))]); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// lend takes one loan from the household to the acknowledged release.
func (l *load) lend(ctx context.Context, team drive.Team) error {
	now, today := time.Now(), drive.Today()
	person := l.people.Adult("王吉华", today)
	household, err := ask[drive.Household](ctx, l, team.Officer,
		drive.NewHousehold(person, "371503901201", "山东省聊城市茌平区冯官屯镇刘马村12号"), http.StatusCreated)
	if err != nil {
		return err
	}
	borrower, err := ask[drive.Borrower](ctx, l, team.Officer, drive.NewBorrower(person, household.ID, now), http.StatusCreated)
	if err != nil {
		return err
	}
	request := drive.Request{
		ProductCode: "QLFMD", Amount: money.Fen(1_000_000 + rand.Int64N(5_000_000)).String(), TermMonths: 24,
		RepaymentMethod: "equal_instalment", Purpose: "facility", PurposeNote: "修缮、扩建肉鸭棚",
	}
	application, err := ask[drive.Application](ctx, l, team.Officer, drive.OpenApplication(borrower.ID, request, today), http.StatusCreated)
	if err != nil {
		return err
	}
	status, err := l.advance(ctx, team.Officer, drive.Submit(application.ID), application.ID, "approved", "reviewing")
	if err != nil {
		return err
	}
	if status == "reviewing" {
		l.mu.Lock()
		l.referred++
		l.mu.Unlock()
		return nil
	}
	if _, err := l.advance(ctx, team.Officer, drive.Sign(application.ID, drive.NewContractNo(), today), application.ID, "signed"); err != nil {
		return err
	}
	d, err := ask[drive.Disbursement](ctx, l, team.Officer, drive.RequestDisbursement(application.ID), http.StatusCreated)
	if err != nil {
		return err
	}
	return l.release(ctx, team.Releaser, d)
}

// advance sends a call that has no key. One whose answer was lost is refused when it is repeated; the case then says
// whether the first was done. The status it returns is one of those that are expected.
func (l *load) advance(ctx context.Context, session *drive.Session, call drive.Call, applicationID string, expected ...string) (status string, err error) {
	application, err := ask[drive.Application](ctx, l, session, call, http.StatusOK)
	var refused *drive.RefusedError
	if errors.As(err, &refused) && refused.Answer.Problem().Code == "wrong-status" {
		application, err = ask[drive.Application](ctx, l, session, drive.Read("/v1/applications/"+applicationID), http.StatusOK)
	}
	if err != nil {
		return "", err
	}
	if !slices.Contains(expected, application.Status) {
		return "", fmt.Errorf("%s: application %s is %s; expected one of %v", call.Path, applicationID, application.Status, expected)
	}
	return application.Status, nil
}

// release asks until it is acknowledged, and remembers both.
func (l *load) release(ctx context.Context, session *drive.Session, d drive.Disbursement) error {
	var transfers []string
	l.mu.Lock()
	for _, t := range d.Transfers {
		l.asked[t.ID] = true
		transfers = append(transfers, t.ID)
	}
	l.mu.Unlock()
	if _, err := ask[drive.Disbursement](ctx, l, session, drive.Release(d.ID), http.StatusOK); err != nil {
		return err
	}
	l.mu.Lock()
	l.acknowledged[d.ID] = transfers
	l.mu.Unlock()
	return nil
}

// ask sends the same call, with the same key, to any node until there is an answer that is not "try again".
func ask[T any](ctx context.Context, l *load, session *drive.Session, call drive.Call, status int) (value T, err error) {
	for range triesMax {
		session.MoveTo(l.anyNode().Service)
		answer, failed := session.Do(ctx, call)
		value, err = drive.Expect[T](answer, failed, status)
		if err == nil {
			return value, nil
		}
		var refused *drive.RefusedError
		if errors.As(err, &refused) && refused.Answer.Status != http.StatusServiceUnavailable {
			return value, fmt.Errorf("%s %s: %w", call.Method, call.Path, err)
		}
		l.mu.Lock()
		l.repeated++
		l.mu.Unlock()
		if !pause(ctx, tryPause) {
			return value, errors.Join(err, context.Cause(ctx))
		}
	}
	return value, fmt.Errorf("%s %s: tried %d times: %w", call.Method, call.Path, triesMax, err)
}
