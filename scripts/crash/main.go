// Command crash kills service processes and their database at random while loans are being paid through a channel that
// loses answers, and then compares the service's books with the channel's. It ends with an error when they differ in
// anything. ./scripts/crash.sh runs it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"fumin/scripts/drive"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "\ncrash:", err)
		os.Exit(1) //nolint:gocritic // exitAfterDefer: the process ends, and with it the signal handler
	}
}

// Limits of a run.
const (
	killsMax   = 10_000
	nodesMax   = 8
	clientsMax = 64
)

// options are what the command line says.
type options struct {
	program string
	dir     string // empty: one that is thrown away
	kills   int
	nodes   int
	clients int
	most    time.Duration // for the kills and everything after them
}

func readOptions(arguments []string, out io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("crash", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&o.program, "program", "bin/fumin", "the service's program")
	flags.StringVar(&o.dir, "dir", "", "an empty directory for the database, the channel's file and the logs, which is kept; without it one that is removed")
	flags.IntVar(&o.kills, "kills", 200, fmt.Sprintf("how often a process is killed; every %dth time it is the database", databaseEvery))
	flags.IntVar(&o.nodes, "nodes", 2, "how many processes of the service share the database")
	flags.IntVar(&o.clients, "clients", 6, "how many loans are taken at the same time")
	flags.DurationVar(&o.most, "most", time.Hour, "when to give up, which is an error")
	if err := flags.Parse(arguments); err != nil {
		return options{}, err
	}
	switch {
	case flags.NArg() > 0:
		return options{}, fmt.Errorf("%q: crash takes flags only", flags.Arg(0))
	case o.kills < 1 || o.kills > killsMax:
		return options{}, fmt.Errorf("-kills %d: from 1 to %d", o.kills, killsMax)
	case o.nodes < 1 || o.nodes > nodesMax:
		return options{}, fmt.Errorf("-nodes %d: from 1 to %d", o.nodes, nodesMax)
	case o.clients < 1 || o.clients > clientsMax:
		return options{}, fmt.Errorf("-clients %d: from 1 to %d", o.clients, clientsMax)
	case o.most <= 0:
		return options{}, fmt.Errorf("-most %s: a positive duration", o.most)
	}
	return o, nil
}

func run(ctx context.Context, arguments []string, out io.Writer) (err error) {
	o, err := readOptions(arguments, out)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	if o.dir == "" {
		if o.dir, err = os.MkdirTemp("", "fumin-crash-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(o.dir)) }()
	}
	ctx, cancel := context.WithTimeout(ctx, o.most)
	defer cancel()
	_, err = crash(ctx, o, out)
	return err
}

// crash is one run: start everything, kill under load, let it recover, compare.
func crash(ctx context.Context, o options, out io.Writer) (_ verdict, err error) {
	site, err := drive.NewSite(ctx, drive.SiteOptions{Program: o.program, Dir: o.dir})
	if err != nil {
		return verdict{}, err
	}
	defer func() { err = errors.Join(err, site.Close()) }()
	begun := time.Now()
	l, err := newLoad(ctx, site, o, out)
	if err != nil {
		return verdict{}, err
	}
	if err := l.run(ctx); err != nil {
		return verdict{}, err
	}
	v, err := l.compare(ctx)
	if err != nil {
		return verdict{}, err
	}
	for _, difference := range v.differences {
		drive.Say(out, "difference: %s\n", difference)
	}
	drive.Say(out, "%s; %s\n", v, time.Since(begun).Round(time.Second))
	if len(v.differences) > 0 {
		return v, fmt.Errorf("%d differences", len(v.differences))
	}
	return v, nil
}
