package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"fumin/domain"
	"fumin/scripts/drive"
)

// play is one story being played: who takes part, and what has been printed.
type play struct {
	out     io.Writer
	facts   facts
	book    book
	service *drive.Service
	channel *drive.Channel // nil when its address is not known
	phones  *drive.Phones  // nil when its address is not known
	people  *drive.People

	password string
	steps    int
}

// player is somebody of the cast who has logged in.
type player struct {
	role

	session *drive.Session
}

// acts are the stories' codes by id.
var acts = map[string]func(context.Context, *play) error{
	"duck-shed":    playDuckShed,
	"too-old":      playTooOld,
	"double-click": playDoubleClick,
	"minutes":      playMinutes,
	"nursery":      playNursery,
	"book":         playBook,
}

// run plays the story from its title to its end.
func (p *play) run(ctx context.Context) error {
	drive.Say(p.out, "\n%s: %s\n%s\n\n", p.facts.ID, p.facts.Title, strings.Repeat("─", 78))
	begun := time.Now()
	if err := acts[p.facts.ID](ctx, p); err != nil {
		return fmt.Errorf("%s, step %d: %w", p.facts.ID, p.steps, err)
	}
	drive.Say(p.out, "%s: as the story says, %d steps in %s.\n", p.facts.ID, p.steps, time.Since(begun).Round(10*time.Millisecond))
	return nil
}

// tell announces the next step.
func (p *play) tell(format string, arguments ...any) {
	p.steps++
	drive.Say(p.out, "%2d  %s\n", p.steps, fmt.Sprintf(format, arguments...))
}

// show prints a line of what came back.
func (p *play) show(format string, arguments ...any) {
	drive.Say(p.out, "      %s\n", fmt.Sprintf(format, arguments...))
}

func (p *play) pause() { drive.Say(p.out, "\n") }

// exchange prints one request and its answer.
func (p *play) exchange(call drive.Call, answer drive.Answer) {
	drive.Say(p.out, "    %s %s\n    → %d %s, %s\n", call.Method, call.Path, answer.Status, http.StatusText(answer.Status), milliseconds(answer.Duration))
}

func milliseconds(d time.Duration) string { return d.Round(100 * time.Microsecond).String() }

// enter logs somebody of the cast in.
func (p *play) enter(ctx context.Context, as string) (player, error) {
	who := p.book.cast(as)
	p.tell("%s (%s) logs in", who.Name, who.Post)
	session, answer, err := p.service.Login(ctx, who.Username, p.password)
	if answer.Status != 0 {
		p.exchange(drive.LoginCall(who.Username, p.password), answer)
	}
	if err != nil {
		if answer.Status == http.StatusUnauthorized {
			err = fmt.Errorf("%w\nIs the demo password right? It is in .fumin/demo-password; FUMIN_DEMO_PASSWORD overrides it", err)
		}
		return player{}, err
	}
	p.show("user name %s; an access token, and a refresh token for when it ends", who.Username)
	p.pause()
	return player{role: who, session: session}, nil
}

// enterApp signs a program in: the mobile app's backend in the name of one borrower, who is then the player; or, with no
// borrower, the core system in its own.
func (p *play) enterApp(ctx context.Context, as, borrowerID, borrowerName string) (player, error) {
	who := p.book.cast(as)
	if borrowerID == "" {
		p.tell("%s (%s) gets a token", who.Name, who.Post)
	} else {
		p.tell("%s opens the mobile app; its backend gets a token", borrowerName)
		who.Name = borrowerName
	}
	session, answer, err := p.service.App(ctx, who.Username, p.password, borrowerID)
	if answer.Status != 0 {
		p.exchange(drive.TokenCall(who.Username, p.password), answer)
	}
	if err != nil {
		return player{}, err
	}
	if borrowerID == "" {
		p.show("service account %s: it reports repayments and sees nothing else", who.Username)
	} else {
		p.show("service account %s, for this one borrower (Fumin-Borrower-Id): nobody else's data answers to it", who.Username)
	}
	p.pause()
	return player{role: who, session: session}, nil
}

// ask is one step that must succeed: it is printed with its answer, which the caller shows the figures of.
func ask[T any](ctx context.Context, p *play, who player, what string, call drive.Call, status int) (T, error) {
	p.tell("%s %s", who.Name, what)
	answer, err := who.session.Do(ctx, call)
	if err == nil {
		p.exchange(call, answer)
	}
	return drive.Expect[T](answer, err, status)
}

// refused is one step that must fail, and why.
func (p *play) refused(ctx context.Context, who player, what string, call drive.Call, status int, code string) error {
	p.tell("%s %s: refused", who.Name, what)
	answer, err := who.session.Do(ctx, call)
	if err != nil {
		return err
	}
	p.exchange(call, answer)
	problem := answer.Problem()
	if answer.Status != status || problem.Code != code {
		return fmt.Errorf("the answer is %s; expected a refusal %d %s", answer.Text(), status, code)
	}
	p.show("%s", problem)
	p.pause()
	return nil
}

// differs makes the error of a step that is not as the story says.
func differs(what string, got, want any) error {
	return fmt.Errorf("%s is %v; the story says %v", what, got, want)
}

// registered creates a household and a borrower without a word between.
func (p *play) registered(ctx context.Context, officer player, person drive.Person) (drive.Borrower, error) {
	f := p.facts
	household, err := ask[drive.Household](ctx, p, officer, "creates the household (农户建档)",
		drive.NewHousehold(person, f.Region, f.Address), http.StatusCreated)
	if err != nil {
		return drive.Borrower{}, err
	}
	if len(household.Members) != 1 || household.VillageCode != f.Region {
		return drive.Borrower{}, differs("the household", household, "one member in "+f.Region)
	}
	p.show("village %s, address %s, head %s", household.VillageCode, household.Address, household.Members[0].Name)
	p.pause()

	borrower, err := ask[drive.Borrower](ctx, p, officer, "creates the borrower (借款人建档), with card and consent",
		drive.NewBorrower(person, household.ID, time.Now()), http.StatusCreated)
	if err != nil {
		return drive.Borrower{}, err
	}
	if borrower.AgeYears == nil || borrower.IDNumber == nil || len(borrower.Accounts) != 1 {
		return drive.Borrower{}, errors.New("the borrower lacks its identity number, age or account")
	}
	if strings.Contains(*borrower.IDNumber, person.IDNumber) || strings.Contains(borrower.Phone, person.Phone) {
		return drive.Borrower{}, errors.New("the answer shows personal data in clear")
	}
	p.show("%s %s, %d years old, phone %s, card %s; everything personal is masked",
		borrower.Name, *borrower.IDNumber, *borrower.AgeYears, borrower.Phone, borrower.Accounts[0].Number)
	p.pause()
	return borrower, nil
}

// opened opens the story's application with another term, and shows the draft.
func (p *play) opened(ctx context.Context, officer player, borrowerID string, termMonths int) (drive.Application, error) {
	request := p.facts.request()
	request.TermMonths = termMonths
	application, err := ask[drive.Application](ctx, p, officer, "opens an application (贷款申请)",
		drive.OpenApplication(borrowerID, request, drive.Today()), http.StatusCreated)
	if err != nil {
		return application, err
	}
	if application.Status != "draft" || application.Amount.String() != p.facts.Amount {
		return application, differs("the application", application, "a draft of "+p.facts.Amount)
	}
	p.show("%s: %s yuan for %d months, %s; %s (%s)", application.ApplicationNo, application.Amount.Grouped(), application.TermMonths,
		request.RepaymentMethod, application.StatusLabel, application.Status)
	p.show("%s", request.PurposeNote)
	p.pause()
	return application, nil
}

// reasons shows what the rules said.
func (p *play) reasons(d drive.Decision) {
	marks := map[string]string{"approve": "✓", "refer": "?", "decline": "✗"}
	p.show("rules %s: %s", d.RuleSet, d.Result)
	for _, r := range d.Reasons {
		p.show("  %s %s", marks[r.Effect], r.Text)
	}
}

var beijing = time.FixedZone("Asia/Shanghai", 8*60*60) // the lender's clock on the wall; China has no summer time

// history prints the audit trail of a case.
func (p *play) history(events []drive.Event) {
	begun := events[0].At
	p.show("%-33s  %-29s %-24s %s", "Beijing time", "what", "from → to", "who")
	for _, e := range events {
		from := e.From
		if from == "" {
			from = "·"
		}
		p.show("%s %9s  %-12s %-16s %-24s %s (%s)", e.At.In(beijing).Format("2006-01-02 15:04:05.000"),
			"+"+e.At.Sub(begun).Round(time.Millisecond).String(), e.Subject, e.Action, from+" → "+e.To, e.ActorName, e.ActorRole)
	}
	p.pause()
}

// today is the date at the lender's.
func today() domain.Date { return drive.Today() }
