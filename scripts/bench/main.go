// Command bench measures how many loans a second the service originates over HTTP, beside a plain database/sql program that
// sends the same statements to the same server. ./scripts/bench.sh runs it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
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
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1) //nolint:gocritic // exitAfterDefer: the process ends, and with it the signal handler
	}
}

const usage = `Measures loans a second, each from the new application to the released disbursement: open, submit (which decides), sign,
request, release. Two programs do the same, in turns, on one database server:

  service   five HTTP requests to a Fumin process of its own, which authenticates, validates, decides, plans and renders
  plain     a database/sql program that sends the statements one such loan caused, with fresh ids and values: the same
            transactions, locks and commits, and no thinking

A loan's statements are taken from the server's general log before the measuring. Households and borrowers are made before.
The payment workers are off, so that nothing but the measured happens. Figures are printed, not judged: the aim is that the
service reaches 0.80 of the plain program's rate. The processor time of a loan (on Linux) says where it goes, and is steadier
than the rate on a machine that others use as well.

Flags:
`

// options are what the command line says.
type options struct {
	program     string
	duration    time.Duration
	windows     int
	clients     []int
	borrowers   int
	dir         string
	statements  bool
	serviceOnly bool
}

func readOptions(arguments []string, out io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&o.program, "program", "bin/fumin", "the service's program")
	flags.DurationVar(&o.duration, "duration", 10*time.Second, "how long each program is measured at each number of clients")
	flags.IntVar(&o.windows, "windows", 4, "in how many turns: service, plain; plain, service; …")
	clients := flags.String("clients", "1,8,32", "how many clients at once")
	flags.IntVar(&o.borrowers, "borrowers", 200, "how many borrowers the loans are spread over")
	flags.StringVar(&o.dir, "dir", "", "where the database is made and removed again (default: the directory for temporary files)")
	flags.BoolVar(&o.statements, "statements", false, "print the statements of one loan, and what varies in them")
	flags.BoolVar(&o.serviceOnly, "service-only", false, "measure only the service, and print its process id: for a profiler")
	flags.Usage = func() { drive.Say(out, "%s", usage); flags.PrintDefaults() }
	if err := flags.Parse(arguments); err != nil {
		return options{}, err
	}
	for text := range strings.SplitSeq(*clients, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 1 || n > clientsMax {
			return options{}, fmt.Errorf("-clients: %q is not a number from 1 to %d", text, clientsMax)
		}
		o.clients = append(o.clients, n)
	}
	switch {
	case flags.NArg() > 0:
		return options{}, fmt.Errorf("%q is no flag; bench.sh --help explains them", flags.Arg(0))
	case o.duration < time.Second || o.duration > time.Hour:
		return options{}, errors.New("-duration: from 1s to 1h")
	case o.windows < 1 || o.windows > 100:
		return options{}, errors.New("-windows: from 1 to 100")
	case o.borrowers < 1 || o.borrowers > 100_000:
		return options{}, errors.New("-borrowers: from 1 to 100000")
	}
	return o, nil
}

// clientsMax is what the service's own pool of connections and one machine can still tell apart.
const clientsMax = 256

func run(ctx context.Context, arguments []string, out io.Writer) (err error) {
	if len(arguments) > 0 && arguments[0] == "report" {
		return runReport(ctx, arguments[1:], out)
	}
	o, err := readOptions(arguments, out)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(o.dir, "fumin-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	drive.Say(out, "Starting a database, a payment channel and the service …\n")
	site, err := drive.NewSite(ctx, drive.SiteOptions{Program: o.program, Dir: dir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, site.Close()) }()
	if err := site.Serve(ctx, "FUMIN_WORKERS=off"); err != nil {
		return err
	}
	drive.Say(out, "Making %d borrowers …\n", o.borrowers)
	service, err := newServiceSide(ctx, site, o.borrowers)
	if err != nil {
		return err
	}
	plain, err := newPlainSide(ctx, site, service)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, plain.close()) }()
	if o.statements {
		plain.describe(out)
	}
	drive.Say(out, "One loan is %d statements in %d transactions.\n\n", plain.statementCount(), plain.transactionCount())
	if err := machine(ctx, out, plain.db, dir); err != nil {
		return err
	}
	return measureAll(ctx, o, site, service, plain, out)
}
