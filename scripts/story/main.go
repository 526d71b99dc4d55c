// Command story plays the demo cases over HTTP and prints each step: who, what was asked, what came back. It ends with an
// error when a step differs from what the story says. ./scripts/story.sh runs it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"fumin/scripts/drive"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "\nstory:", err)
		os.Exit(1) //nolint:gocritic // exitAfterDefer: the process ends, and with it the signal handler
	}
}

const usage = `Plays the demo cases (故事) against a running Fumin service and checks every step.

  ./scripts/story.sh                          this text, and the stories there are
  ./scripts/story.sh duck-shed                one story
  ./scripts/story.sh --all                    every story in turn, and a summary
  ./scripts/story.sh --crash duck-shed [N]    the service is killed between release and payment, N times in each of two
                                              ways (default 10): there must be one payment each time

The service is the one at FUMIN_URL (http://127.0.0.1:8080 when not set). Without FUMIN_URL, and when none runs there, one
is started with a database that is thrown away afterwards. --crash always starts its own.

  FUMIN_URL             the service's address
  FUMIN_DEMO_PASSWORD   the demo logins' password; .fumin/demo-password when not set
  FUMIN_CHANNEL_URL     the sandbox payment channel's address (default: what fumin demo wrote to .fumin/channel-url)
  FUMIN_SIGNING_URL     the sandbox signing service's address, where the text messages are (default: .fumin/signing-url)

Flags:
`

const urlByDefault = "http://127.0.0.1:8080"

// options are what the command line says.
type options struct {
	program string
	all     bool
	crash   bool
	id      string
	times   int
	loans   int // of the book; 0: all
}

func run(ctx context.Context, arguments []string, out io.Writer) error {
	book, err := readBook()
	if err != nil {
		return err
	}
	o, err := readOptions(arguments, book, out)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	if o.crash {
		story, err := book.find(o.id)
		if err != nil {
			return err
		}
		return crashIn(ctx, o, story, book, out)
	}
	return playAll(ctx, o, book, out)
}

func readOptions(arguments []string, book book, out io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("story", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&o.program, "program", "bin/fumin", "the service's program, for when one is started")
	flags.BoolVar(&o.all, "all", false, "play every story")
	flags.IntVar(&o.loans, "loans", 0, "book: play only so many of its loans")
	flags.BoolVar(&o.crash, "crash", false, "kill the service between release and payment")
	flags.Usage = func() {
		drive.Say(out, "%s", usage)
		flags.PrintDefaults()
		drive.Say(out, "\nStories:\n")
		for _, f := range book.Stories {
			drive.Say(out, "  %-13s %s\n", f.ID, f.Title)
		}
		for _, l := range book.Later {
			drive.Say(out, "  %-13s not yet: needs %s\n", l.ID, l.Needs)
		}
	}
	if err := flags.Parse(arguments); err != nil {
		return options{}, err
	}
	rest := flags.Args()
	o.times = 10
	if len(rest) > 0 {
		o.id = rest[0]
	}
	switch {
	case o.all && (o.crash || len(rest) > 0):
		return options{}, errors.New("--all plays every story: it takes no other argument")
	case len(rest) == 0 && !o.all && !o.crash:
		flags.Usage()
		return options{}, flag.ErrHelp
	case o.crash && o.id != "duck-shed":
		return options{}, errors.New("--crash plays duck-shed: story.sh --crash duck-shed [N]")
	case o.crash && len(rest) == 2:
		if o.times, err = strconv.Atoi(rest[1]); err != nil || o.times < 1 || o.times > crashesMax {
			return options{}, fmt.Errorf("%q is not a number of times from 1 to %d", rest[1], crashesMax)
		}
	case len(rest) > 1:
		return options{}, fmt.Errorf("too many arguments; story.sh --help explains them")
	}
	return o, nil
}

// playAll plays one story, or all of them. When one of all goes wrong the others are played all the same.
func playAll(ctx context.Context, o options, book book, out io.Writer) (err error) {
	stories := book.Stories
	if !o.all {
		story, err := book.find(o.id)
		if err != nil {
			return err
		}
		stories = []facts{story}
	}
	stage, err := findStage(ctx, o.program, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stage.close()) }()
	people := drive.NewPeople()
	var summary strings.Builder
	var wrong error
	for _, story := range stories {
		if o.loans > 0 {
			story.Loans = min(story.Loans, o.loans)
		}
		p := stage.play(story, book, people, out)
		begun := time.Now()
		outcome := "as the story says"
		if err := p.run(ctx); err != nil {
			wrong, outcome = errors.Join(wrong, err), "NOT as the story says"
			drive.Say(out, "\n%v\n", err)
		}
		drive.Say(&summary, "  %-13s %3d steps %10s  %s\n", story.ID, p.steps, time.Since(begun).Round(10*time.Millisecond), outcome)
	}
	if o.all {
		drive.Say(out, "\n%s\n%s", strings.Repeat("─", 78), summary.String())
	}
	return wrong
}

// play makes a story ready to be played on the stage.
func (s stage) play(story facts, book book, people *drive.People, out io.Writer) *play {
	p := &play{out: out, facts: story, book: book, service: drive.At(s.url), people: people, password: s.password}
	if s.channelURL != "" {
		p.channel = drive.ChannelAt(s.channelURL)
	}
	if s.signingURL != "" {
		p.phones = drive.PhonesAt(s.signingURL)
	}
	return p
}

// stage is where stories are played: a service that was running, or one that was started for them.
type stage struct {
	url, channelURL, signingURL, password string

	close func() error
}

func findStage(ctx context.Context, program string, out io.Writer) (stage, error) {
	url, chosen := os.LookupEnv("FUMIN_URL")
	if url == "" {
		url, chosen = urlByDefault, false
	}
	if drive.At(url).IsFumin(ctx) {
		password, err := demoPassword()
		if err != nil {
			return stage{}, err
		}
		drive.Say(out, "The service at %s plays.\n", url)
		return stage{
			url: url, channelURL: addressOf("FUMIN_CHANNEL_URL", "channel-url"), signingURL: addressOf("FUMIN_SIGNING_URL", "signing-url"),
			password: password, close: func() error { return nil },
		}, nil
	}
	if chosen {
		return stage{}, fmt.Errorf("no Fumin service answers at %s (FUMIN_URL); start it, or unset FUMIN_URL to have one started", url)
	}
	drive.Say(out, "No Fumin service runs at %s: one is started with a database that is thrown away afterwards.\n", url)
	return startStage(ctx, program)
}

func startStage(ctx context.Context, program string) (_ stage, err error) {
	dir, err := os.MkdirTemp("", "fumin-story-")
	if err != nil {
		return stage{}, err
	}
	demo, err := drive.StartDemo(ctx, program, dir)
	if err != nil {
		return stage{}, errors.Join(err, os.RemoveAll(dir))
	}
	s := stageOf(demo)
	s.close = func() error { return errors.Join(demo.Process.Stop(), os.RemoveAll(dir)) }
	return s, nil
}

func stageOf(demo *drive.Demo) stage {
	return stage{url: demo.URL, channelURL: demo.ChannelURL, signingURL: demo.SigningURL, password: demo.Password}
}

// demoDir is where fumin demo keeps what it has.
func demoDir() string {
	if dir := os.Getenv("FUMIN_DATA_DIR"); dir != "" {
		return dir
	}
	return ".fumin"
}

// addressOf is where a sandbox is: as the variable says, or as fumin demo wrote to the file; "" when nobody has said.
func addressOf(variable, file string) string {
	if url := os.Getenv(variable); url != "" {
		return url
	}
	content, err := os.ReadFile(filepath.Join(demoDir(), file))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(content))
}

// demoPassword is what `fumin demo` made up, and keeps where it keeps everything.
func demoPassword() (string, error) {
	if password := os.Getenv("FUMIN_DEMO_PASSWORD"); password != "" {
		return password, nil
	}
	content, err := os.ReadFile(filepath.Join(demoDir(), "demo-password"))
	if err != nil {
		return "", fmt.Errorf("a service runs, and the password of its demo logins is not known (%w): set FUMIN_DEMO_PASSWORD to what it printed", err)
	}
	return strings.TrimSpace(string(content)), nil
}

func now() time.Time { return time.Now() }
