// Command fumin is the loan-origination service of a rural lender (富民). `fumin help` lists what it can do; the README
// says how to start.
package main

import (
	"bufio"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"fumin/api"
	"fumin/domain"
	"fumin/domain/origination"
	"fumin/domain/paymentfile"
	"fumin/domain/report"
	"fumin/domain/staff"
	"fumin/repository"
	"fumin/repository/channel"
	"fumin/repository/channel/sandbox"
	"fumin/repository/contractprint"
	"fumin/repository/delivery"
	"fumin/repository/demodata"
	"fumin/repository/enquiry"
	enquirysandbox "fumin/repository/enquiry/sandbox"
	"fumin/repository/localdb"
	"fumin/repository/signing"
	signingsandbox "fumin/repository/signing/sandbox"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Environ(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "fumin:", err)
		os.Exit(1) //nolint:gocritic // exitAfterDefer: the process ends, and with it the signal handler
	}
}

const usage = `fumin: loan origination for rural lenders (富民贷款业务服务)

  fumin demo               a private database, demo data, a sandbox payment channel and signing service, and the service: all in one
  fumin serve              the service, on the database that FUMIN_DSN names
  fumin migrate            bring that database up to this program's schema
  fumin keys new           print a fresh keyset for FUMIN_KEYSET_FILE
  fumin branch add         add a branch: fumin branch add CODE NAME LEVEL [PARENT_CODE], level city, county, township or service_point
  fumin user add           add a member of staff: fumin user add USERNAME NAME ROLE BRANCH_CODE; the password on standard input
  fumin service-account    fumin service-account add CLIENT_ID NAME [KIND] prints the secret of a new service account, this once;
                           KIND is borrower_channel (the default: it acts for borrowers) or core_system (it reports repayments);
                           fumin service-account deactivate CLIENT_ID stops one from getting tokens
  fumin report             a report as a file: fumin report CODE [-format csv|xlsx|parquet] [-from DAY] [-to DAY] [-as-of DAY]
                           [-branch CODE] [-product CODE] [-columns A,B] [-charset utf-8|gb18030] [-output FILE]; without CODE, the list
  fumin rule-set load      fumin rule-set load FILE brings rule sets in and puts them into use; "shipped" for FILE: the shipped ones;
                           "shipped-without-institutions": those for a lender without a connected bureau, screening and pre-check
  fumin sandbox-channel    the sandbox payment channel alone: fumin sandbox-channel LISTEN RECORD_FILE
  fumin sandbox-signing    the sandbox signing service alone: fumin sandbox-signing LISTEN
  fumin sandbox-enquiries  a sandbox credit bureau, screening and guarantee pre-check: fumin sandbox-enquiries LISTEN
  fumin version            what this program is

Configuration is by environment variables; docs/operations.md has the table.
`

// run is the whole program but for the process around it.
func run(ctx context.Context, args, environment []string, out io.Writer) error {
	decimal.MaxDecodeExponent = 30 // a seven-byte 1e9999 must not become ten thousand digits
	command := "help"
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	cfg, err := readConfig(environment)
	if err != nil && command == "serve" {
		err = errors.Join(err, cfg.complete())
	}
	if err != nil {
		return err
	}
	switch command {
	case "serve":
		return serve(ctx, cfg, out)
	case "migrate":
		return migrate(ctx, cfg, out)
	case "demo":
		return demo(ctx, cfg, out)
	case "keys":
		return newKeys(args, out)
	case "branch":
		return addBranch(ctx, cfg, args, out)
	case "user":
		return addUser(ctx, cfg, args, os.Stdin, out)
	case "service-account":
		return serviceAccount(ctx, cfg, args, out)
	case "report":
		return writeReport(ctx, cfg, args, out)
	case "rule-set":
		return ruleSet(ctx, cfg, args, out)
	case "sandbox-channel":
		return sandboxChannel(ctx, cfg, args, out)
	case "sandbox-signing":
		return sandboxSigning(ctx, cfg, args, out)
	case "sandbox-enquiries":
		return sandboxEnquiries(ctx, cfg, args, out)
	case "version":
		_, err := fmt.Fprintln(out, version())
		return err
	case "help":
		_, err := io.WriteString(out, usage)
		return err
	}
	return fmt.Errorf("no command %q\n%s", command, usage)
}

// version is the revision the program was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return info.Main.Version + " " + s.Value
		}
	}
	return info.Main.Version
}

// now is the service's clock: UTC, to the microsecond, as the database keeps it.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// newID makes a version 7 UUID, newer after older. It fails only where the machine has no randomness.
func newID() domain.ID { return domain.ID(uuid.Must(uuid.NewV7()).String()) }

// ── Configuration ───────────────────────────────────────────────────────────────────────────────────────────────────────

// config is the whole configuration. The zero value of each field but the secrets is usable.
type config struct {
	dsn           string     // FUMIN_DSN
	listen        string     // FUMIN_LISTEN
	dataDir       string     // FUMIN_DATA_DIR: for `fumin demo`
	keyset        []byte     // FUMIN_KEYSET
	tokenKey      []byte     // FUMIN_TOKEN_KEY, hexadecimal: 32 bytes
	channel       string     // FUMIN_CHANNEL: http, or file: released transfers go out in payment files that people make
	channelURL    string     // FUMIN_CHANNEL_URL
	channelKeyID  string     // FUMIN_CHANNEL_KEY_ID
	channelSecret []byte     // FUMIN_CHANNEL_SECRET, hexadecimal
	signingURL    string     // FUMIN_SIGNING_URL: absent, nobody signs by code or at a signing service
	signingKeyID  string     // FUMIN_SIGNING_KEY_ID
	signingSecret []byte     // FUMIN_SIGNING_SECRET, hexadecimal
	fontFile      string     // FUMIN_FONT_FILE: absent, where Debian's packages put one
	workers       bool       // FUMIN_WORKERS: on or off
	logLevel      slog.Level // FUMIN_LOG_LEVEL

	debtor paymentfile.Debtor // FUMIN_DEBTOR_NAME, FUMIN_DEBTOR_ACCOUNT, FUMIN_DEBTOR_BANK: who pays, in a payment file

	approvalValidDays int // FUMIN_APPROVAL_VALID_DAYS

	bureauURL        string // FUMIN_BUREAU_URL; absent: not connected
	screeningURL     string // FUMIN_SCREENING_URL
	precheckURL      string // FUMIN_GUARANTEE_PRECHECK_URL
	enquiryKeyID     string // FUMIN_ENQUIRY_KEY_ID
	enquirySecret    []byte // FUMIN_ENQUIRY_SECRET, hexadecimal
	enquiryValidDays int    // FUMIN_ENQUIRY_VALID_DAYS

	reportDestinations []byte // FUMIN_REPORT_DESTINATIONS: JSON with keys in it, and so a secret

	refused map[string]bool // settings that could not be read, and are not to be called missing besides
}

const configPrefix = "FUMIN_"

// secrets may also be given as NAME_FILE, the path of a file with the value.
var secrets = []string{"FUMIN_DSN", "FUMIN_KEYSET", "FUMIN_TOKEN_KEY", "FUMIN_CHANNEL_SECRET", "FUMIN_SIGNING_SECRET", "FUMIN_ENQUIRY_SECRET", "FUMIN_REPORT_DESTINATIONS"}

// readConfig reads the environment. Every problem is named at once, and a FUMIN_ name nobody knows is refused: a typing
// mistake is not a default.
func readConfig(environment []string) (config, error) { //nolint:funlen // one line a setting
	values := map[string]string{}
	for _, entry := range environment {
		if name, value, _ := strings.Cut(entry, "="); strings.HasPrefix(name, configPrefix) && value != "" {
			values[name] = value
		}
	}
	var problems []error
	refused := map[string]bool{}
	for _, name := range secrets {
		path, given := values[name+"_FILE"]
		delete(values, name+"_FILE")
		if !given {
			continue
		}
		content, err := os.ReadFile(path)
		if err != nil {
			problems, refused[name] = append(problems, fmt.Errorf("%s_FILE: %w", name, err)), true
			continue
		}
		values[name] = strings.TrimSpace(string(content))
	}
	take := func(name, byDefault string) string {
		value, given := values[name]
		delete(values, name)
		if !given {
			return byDefault
		}
		return value
	}

	cfg := config{
		dsn:        take("FUMIN_DSN", ""),
		listen:     take("FUMIN_LISTEN", "127.0.0.1:8080"),
		dataDir:    take("FUMIN_DATA_DIR", ".fumin"),
		keyset:     []byte(take("FUMIN_KEYSET", "")),
		channelURL: take("FUMIN_CHANNEL_URL", ""),
		debtor: paymentfile.Debtor{
			Name: take("FUMIN_DEBTOR_NAME", ""), Account: take("FUMIN_DEBTOR_ACCOUNT", ""), Bank: take("FUMIN_DEBTOR_BANK", ""),
		},
		channelKeyID: take("FUMIN_CHANNEL_KEY_ID", "fumin"),
		signingURL:   take("FUMIN_SIGNING_URL", ""),
		signingKeyID: take("FUMIN_SIGNING_KEY_ID", "fumin"),
		fontFile:     take("FUMIN_FONT_FILE", ""),
		bureauURL:    take("FUMIN_BUREAU_URL", ""),
		screeningURL: take("FUMIN_SCREENING_URL", ""),
		precheckURL:  take("FUMIN_GUARANTEE_PRECHECK_URL", ""),
		enquiryKeyID: take("FUMIN_ENQUIRY_KEY_ID", "fumin"),

		reportDestinations: []byte(take("FUMIN_REPORT_DESTINATIONS", "")),
		refused:            refused,
	}
	for name, value := range map[string]*[]byte{"FUMIN_TOKEN_KEY": &cfg.tokenKey, "FUMIN_CHANNEL_SECRET": &cfg.channelSecret, "FUMIN_SIGNING_SECRET": &cfg.signingSecret, "FUMIN_ENQUIRY_SECRET": &cfg.enquirySecret} {
		decoded, err := hex.DecodeString(take(name, ""))
		if err != nil {
			problems, refused[name] = append(problems, fmt.Errorf("%s: not hexadecimal", name)), true
			continue
		}
		*value = decoded
	}
	switch cfg.channel = take("FUMIN_CHANNEL", channelByMessage); cfg.channel {
	case channelByMessage, channelByFile:
	default:
		problems, refused["FUMIN_CHANNEL"] = append(problems, fmt.Errorf(
			"FUMIN_CHANNEL: %q is neither http (messages to FUMIN_CHANNEL_URL) nor file (payment files that people make and bring to the bank)", cfg.channel)), true
	}
	switch workers := take("FUMIN_WORKERS", "on"); workers {
	case "on", "off":
		cfg.workers = workers == "on"
	default:
		problems = append(problems, fmt.Errorf("FUMIN_WORKERS: %q is neither on nor off", workers))
	}
	if err := cfg.logLevel.UnmarshalText([]byte(take("FUMIN_LOG_LEVEL", "info"))); err != nil {
		problems = append(problems, fmt.Errorf("FUMIN_LOG_LEVEL: %w", err))
	}
	for _, setting := range []struct {
		name                       string
		to                         *int
		byDefault, lowest, highest int
	}{
		{"FUMIN_APPROVAL_VALID_DAYS", &cfg.approvalValidDays, origination.ApprovalValidDaysDefault, origination.ApprovalValidDaysMin, origination.ApprovalValidDaysMax},
		{"FUMIN_ENQUIRY_VALID_DAYS", &cfg.enquiryValidDays, origination.EnquiryValidDaysDefault, origination.EnquiryValidDaysMin, origination.EnquiryValidDaysMax},
	} {
		n, err := wholeNumber(take(setting.name, strconv.Itoa(setting.byDefault)), setting.lowest, setting.highest)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", setting.name, err))
		}
		*setting.to = n
	}
	take("FUMIN_TEST_DSN", "") // read by the tests, which may start this program
	for _, name := range slices.Sorted(maps.Keys(values)) {
		problems = append(problems, fmt.Errorf("%s: no such setting; docs/operations.md lists them", name))
	}
	return cfg, errors.Join(problems...)
}

// wholeNumber reads a number of a setting within its bounds.
func wholeNumber(text string, lowest, highest int) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < lowest || n > highest {
		return 0, fmt.Errorf("%q is not a whole number from %d to %d", text, lowest, highest)
	}
	return n, nil
}

// masked shows the configuration in the log, the secrets as present or absent.
func (c config) masked() slog.Attr {
	present := func(secret bool) string {
		if secret {
			return "set"
		}
		return "absent"
	}
	return slog.GroupAttrs("config",
		slog.String("dsn", present(c.dsn != "")), slog.String("listen", c.listen),
		slog.String("keyset", present(len(c.keyset) > 0)), slog.String("token_key", present(len(c.tokenKey) > 0)),
		slog.String("channel", c.channel), slog.String("channel_url", c.channelURL), slog.String("channel_key_id", c.channelKeyID),
		slog.String("channel_secret", present(len(c.channelSecret) > 0)),
		slog.Int("approval_valid_days", c.approvalValidDays),
		slog.String("signing_url", c.signingURL), slog.String("signing_key_id", c.signingKeyID),
		slog.String("signing_secret", present(len(c.signingSecret) > 0)), slog.String("font_file", c.fontFile),
		slog.String("bureau_url", c.bureauURL), slog.String("screening_url", c.screeningURL),
		slog.String("guarantee_precheck_url", c.precheckURL), slog.String("enquiry_key_id", c.enquiryKeyID),
		slog.String("enquiry_secret", present(len(c.enquirySecret) > 0)), slog.Int("enquiry_valid_days", c.enquiryValidDays),
		slog.String("report_destinations", present(len(c.reportDestinations) > 0)),
		slog.Bool("workers", c.workers), slog.String("log_level", c.logLevel.String()))
}

// complete refuses a configuration that cannot serve, naming everything that is missing or cannot be right.
func (c config) complete() error {
	return errors.Join(c.missing(), c.wrong())
}

// wrong looks at the values of the settings that are there. What is absent is missing's to say.
func (c config) wrong() error {
	var problems []error
	check := func(present bool, name string, check func() error) {
		if !present {
			return
		}
		if err := check(); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", name, err))
		}
	}
	if c.dsn != "" {
		problems = append(problems, repository.CheckDSN(c.dsn)) // which names the setting itself; nil is dropped
	}
	check(len(c.keyset) > 0, "FUMIN_KEYSET", func() error { _, err := repository.NewCipher(c.keyset); return err })
	check(len(c.tokenKey) > 0, "FUMIN_TOKEN_KEY", func() error { _, err := api.NewTokens(c.tokenKey, now); return err })
	check(c.channelURL != "", "FUMIN_CHANNEL_URL", func() error { return channel.CheckBaseURL(c.channelURL) })
	check(len(c.channelSecret) > 0, "FUMIN_CHANNEL_SECRET, FUMIN_CHANNEL_KEY_ID", func() error { return channel.CheckKey(c.channelKeyID, c.channelSecret) })
	check(c.signingURL != "", "FUMIN_SIGNING_URL, FUMIN_SIGNING_SECRET, FUMIN_SIGNING_KEY_ID", func() error { _, err := newSigner(c); return err })
	check(len(c.reportDestinations) > 0, "FUMIN_REPORT_DESTINATIONS", func() error { _, err := delivery.Parse(c.reportDestinations, now); return err })
	check(c.fontFile != "", "FUMIN_FONT_FILE", func() error { _, err := contractprint.LoadFont(c.fontFile); return err })
	connected := false
	for name, address := range c.enquiryURLs() {
		connected = connected || address != ""
		check(address != "", name, func() error { return channel.CheckBaseURL(address) })
	}
	check(connected || len(c.enquirySecret) > 0, "FUMIN_ENQUIRY_SECRET, FUMIN_ENQUIRY_KEY_ID", func() error {
		return channel.CheckKey(c.enquiryKeyID, c.enquirySecret)
	})
	return errors.Join(problems...)
}

// enquiryURLs are the addresses of the institutions, by setting; empty: not connected.
func (c config) enquiryURLs() map[string]string {
	return map[string]string{
		"FUMIN_BUREAU_URL": c.bureauURL, "FUMIN_SCREENING_URL": c.screeningURL, "FUMIN_GUARANTEE_PRECHECK_URL": c.precheckURL,
	}
}

// fileDebtor is who pays in a payment file; nobody where payments do not go by file.
func (c config) fileDebtor() paymentfile.Debtor {
	if c.channel != channelByFile {
		return paymentfile.Debtor{}
	}
	return c.debtor
}

// The ways of paying.
const (
	channelByMessage = "http"
	channelByFile    = "file"
)

func (c config) missing() error {
	var missing []string
	for name, absent := range map[string]bool{
		"FUMIN_DSN": c.dsn == "", "FUMIN_KEYSET": len(c.keyset) == 0, "FUMIN_TOKEN_KEY": len(c.tokenKey) == 0,
		"FUMIN_CHANNEL_URL": c.channelURL == "" && c.channel != channelByFile, "FUMIN_CHANNEL_SECRET": len(c.channelSecret) == 0 && c.channel != channelByFile,
		"FUMIN_DEBTOR_NAME": c.debtor.Name == "" && c.channel == channelByFile, "FUMIN_DEBTOR_ACCOUNT": c.debtor.Account == "" && c.channel == channelByFile,
		"FUMIN_DEBTOR_BANK": c.debtor.Bank == "" && c.channel == channelByFile,
	} {
		if absent && !c.refused[name] {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	return fmt.Errorf("not set: %s (each secret may be given as …_FILE). To try the service without any of them: fumin demo", strings.Join(missing, ", "))
}

// ── Commands ────────────────────────────────────────────────────────────────────────────────────────────────────────────

func migrate(ctx context.Context, cfg config, out io.Writer) error {
	if cfg.dsn == "" {
		return errors.New("FUMIN_DSN is not set: it names the database to migrate")
	}
	schema, applied, err := repository.Migrate(ctx, cfg.dsn)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "schema version %d; %d migrations applied now\n", schema, applied)
	return err
}

func newKeys(args []string, out io.Writer) error {
	if !slices.Equal(args, []string{"new"}) {
		return errors.New("usage: fumin keys new")
	}
	content, err := repository.NewKeyFile()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s\n", content)
	return err
}

func sandboxChannel(ctx context.Context, cfg config, args []string, out io.Writer) error {
	if len(args) != 2 || len(cfg.channelSecret) == 0 {
		return errors.New("usage: FUMIN_CHANNEL_SECRET=… fumin sandbox-channel LISTEN RECORD_FILE, as in 127.0.0.1:8090 channel.jsonl")
	}
	return sandbox.Run(ctx, sandbox.Options{
		RecordFile: args[1], Keys: map[string][]byte{cfg.channelKeyID: cfg.channelSecret}, Now: now,
	}, args[0], func(baseURL string) error { _, err := fmt.Fprintln(out, baseURL); return err })
}

func sandboxSigning(ctx context.Context, cfg config, args []string, out io.Writer) error {
	if len(args) != 1 || len(cfg.signingSecret) == 0 {
		return errors.New("usage: FUMIN_SIGNING_SECRET=… fumin sandbox-signing LISTEN, as in 127.0.0.1:8091")
	}
	return signingsandbox.Run(ctx, signingsandbox.Options{
		Keys: map[string][]byte{cfg.signingKeyID: cfg.signingSecret}, Now: now,
	}, args[0], func(baseURL string) error { _, err := fmt.Fprintln(out, baseURL); return err })
}

func sandboxEnquiries(ctx context.Context, cfg config, args []string, out io.Writer) error {
	if len(args) != 1 || len(cfg.enquirySecret) == 0 {
		return errors.New("usage: FUMIN_ENQUIRY_SECRET=… fumin sandbox-enquiries LISTEN, as in 127.0.0.1:8091")
	}
	return enquirysandbox.Run(ctx, map[string][]byte{cfg.enquiryKeyID: cfg.enquirySecret}, now, args[0],
		func(baseURL string) error { _, err := fmt.Fprintln(out, baseURL); return err })
}

// sources are the institutions that the configuration connects.
func (c config) sources() (sources origination.Sources, err error) {
	connect := func(address string, use func(*enquiry.Client)) {
		if address == "" || err != nil {
			return
		}
		var client *enquiry.Client
		if client, err = enquiry.New(address, c.enquiryKeyID, c.enquirySecret, now); err == nil {
			use(client)
		}
	}
	connect(c.bureauURL, func(client *enquiry.Client) { sources.Bureau = client })
	connect(c.screeningURL, func(client *enquiry.Client) { sources.Screening = client })
	connect(c.precheckURL, func(client *enquiry.Client) { sources.Precheck = client })
	return sources, err
}

func serve(ctx context.Context, cfg config, out io.Writer) error {
	return serveAnnounced(ctx, cfg, out, func(string) error { return nil })
}

// serveAnnounced serves until ctx ends, and then lets what is under way finish. ready is told the address.
func serveAnnounced(ctx context.Context, cfg config, out io.Writer, ready func(address string) error) (err error) {
	if err := cfg.complete(); err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: cfg.logLevel}))
	log.InfoContext(ctx, "starting", slog.String("version", version()), cfg.masked())

	// Storage.
	store, err := openStore(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()

	// Use cases.
	wake := make(chan struct{}, 1)
	jobsWake := make(chan struct{}, jobsParallel)
	services, err := newServices(cfg, store, log, func() { tell(wake) }, func() { tell(jobsWake) })
	if err != nil {
		return err
	}

	// What the last upgrade left to be computed, before anybody builds on it.
	if err := fillNotes(ctx, services.options.Lines, log); err != nil {
		return err
	}

	if cfg.workers {
		defer startWorkers(ctx, services, store, services.sending(cfg), wake, jobsWake, log)()
	}

	// HTTP.
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := newHTTPServer(services.handler(store), log) //nolint:contextcheck // a handler works in its request's context
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	log.InfoContext(ctx, "serving", slog.String("address", listener.Addr().String()))
	if err := ready("http://" + listener.Addr().String()); err != nil {
		return errors.Join(err, server.Close())
	}

	select {
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	log.InfoContext(ctx, "stopping")
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	return server.Shutdown(grace)
}

// fillNotes writes the loan notes that an upgrade found missing. It costs one look at an index where there are none. A case that
// cannot be filled is for a person, and the log names it.
func fillNotes(ctx context.Context, lines *origination.Lines, log *slog.Logger) error {
	filled, err := lines.FillNotes(ctx, domain.Actor{ID: newID(), Name: "补出借据", Role: domain.RoleSystem}, func(id domain.ID, err error) {
		log.ErrorContext(ctx, "loan notes of a case not written, will be tried again at the next start", slog.Any("application_id", id), slog.Any("error", err))
	})
	if filled > 0 {
		log.InfoContext(ctx, "loan notes of earlier payments written", slog.Int("lines", filled))
	}
	return err
}

// Time limits of the server. The write time-out is longer than any request's deadline, so that the answer to one that took
// too long can still be written.
const (
	shutdownGrace     = 20 * time.Second
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 20 * time.Second
	writeTimeout      = 40 * time.Second
	idleTimeout       = 2 * time.Minute
	headerBytesMax    = 32 << 10
)

func newHTTPServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    headerBytesMax,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// openStore opens a database that this program may work on: its schema is recent enough, and its keyset is ours.
func openStore(ctx context.Context, cfg config, log *slog.Logger) (*repository.Store, error) {
	cipher, err := repository.NewCipher(cfg.keyset)
	if err != nil {
		return nil, err
	}
	store, err := repository.Open(ctx, cfg.dsn, cipher, log)
	if err != nil {
		return nil, err
	}
	for _, check := range []func(context.Context) error{store.CheckSchema, store.CheckKeyset} {
		if err := check(ctx); err != nil {
			return nil, errors.Join(err, store.Close())
		}
	}
	return store, nil
}

// ── Workers ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

// How long each kind of worker waits for something new before it looks again by itself: for what other nodes left, and for
// what comes due.
const (
	payoutPause          = time.Second
	jobsPause            = time.Second
	reportSchedulesPause = 5 * time.Second
	shadowsPause         = 5 * time.Second // nobody waits for them
	expiryPause          = time.Minute     // signing too late is refused in between
	lastDaysPause        = 5 * time.Minute // what a last day stops is refused in between
	tidyPause            = time.Hour
)

// jobsParallel is how many jobs a node does at once.
const jobsParallel = 2

// startWorkers starts everything that a node does by itself. stop ends it, and returns when what was under way is done.
func startWorkers(ctx context.Context, services *services, store *repository.Store, send func(context.Context) (int, error), wake, jobsWake <-chan struct{}, log *slog.Logger) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var workers sync.WaitGroup
	start := func(what string, pause time.Duration, wake <-chan struct{}, work func(context.Context) (more bool, err error)) {
		workers.Go(func() { keepWorking(ctx, what, pause, wake, log, work) })
	}
	start("sending payments", payoutPause, wake, func(ctx context.Context) (bool, error) {
		_, errHolds := services.options.Holds.EndDue(ctx)
		taken, err := send(ctx)
		return taken > 0, errors.Join(errHolds, err)
	})
	for range jobsParallel {
		start("background jobs", jobsPause, jobsWake, services.jobs.Work)
	}
	start("report schedules", reportSchedulesPause, nil, func(ctx context.Context) (bool, error) {
		done, err := services.reportScheduler.Work(ctx)
		return done > 0, err
	})
	start("shadow runs", shadowsPause, nil, services.shadows.Work)
	start("ending approvals", expiryPause, nil, func(ctx context.Context) (bool, error) {
		_, err := services.expiry.Work(ctx)
		return false, err
	})
	start("ending lines and letters", lastDaysPause, nil, func(ctx context.Context) (bool, error) {
		_, errLines := services.options.Lines.EndDue(ctx)
		_, errLetters := origination.ExpireGuarantees(ctx, store, domain.Actor{ID: newID(), Name: "担保到期", Role: domain.RoleSystem}, now())
		return false, errors.Join(errLines, errLetters)
	})
	start("tidying", tidyPause, nil, func(ctx context.Context) (bool, error) { return false, tidy(ctx, services, store) })
	return func() { cancel(); workers.Wait() }
}

// keepWorking works until ctx ends: again at once while there is more, otherwise after the pause or when it is woken. A failure,
// as to reach the database, is logged and tried again after the pause.
func keepWorking(ctx context.Context, what string, pause time.Duration, wake <-chan struct{}, log *slog.Logger, work func(context.Context) (more bool, err error)) {
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for ctx.Err() == nil {
		more, err := work(ctx)
		if err != nil && ctx.Err() == nil {
			log.ErrorContext(ctx, "background work failed, will be tried again", slog.String("work", what), slog.Any("error", err))
		}
		if more && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
		case <-wake:
		case <-ticker.C:
		}
	}
}

// tell wakes a worker; one that was told already need not be told again.
func tell(wake chan<- struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}

// tidy removes what has run out: ended sessions, old attempts to log in, old idempotency keys, the files of jobs.
func tidy(ctx context.Context, services *services, store *repository.Store) error {
	_, errStaff := services.staff.Tidy(ctx)
	_, errKeys := origination.TidyIdempotencyKeys(ctx, store, now())
	_, errJobs := services.jobs.Tidy(ctx)
	return errors.Join(errStaff, errKeys, errJobs)
}

// services are the use cases and what the HTTP edge needs beside them.
type services struct {
	options api.Options
	payouts *origination.Payouts
	expiry  *origination.Expiry
	staff   *origination.Staff
	jobs    *origination.JobWorker
	shadows *origination.ShadowWorker

	reportScheduler *origination.ReportScheduler
}

// newServices builds the use cases. wake and wakeJobs tell the workers that something is due.
func newServices(cfg config, store *repository.Store, log *slog.Logger, wake, wakeJobs func()) (*services, error) { //nolint:funlen // one line a service
	pays, err := newChannel(cfg, log)
	if err != nil {
		return nil, err
	}
	tokens, err := api.NewTokens(cfg.tokenKey, now)
	if err != nil {
		return nil, err
	}
	files, err := api.NewFileSigner(cfg.tokenKey)
	if err != nil {
		return nil, err
	}
	font, err := contractprint.LoadFont(cfg.fontFile)
	if err != nil {
		return nil, fmt.Errorf("FUMIN_FONT_FILE: %w", err)
	}
	if font == nil {
		log.Warn("no Chinese font to embed: contract.pdf answers font-missing until fonts-wqy-zenhei is installed or FUMIN_FONT_FILE names one")
	}
	signer, err := newSigner(cfg)
	if err != nil {
		return nil, err
	}
	sources, err := cfg.sources()
	if err != nil {
		return nil, err
	}
	enquiries := origination.NewEnquiries(store, now, newID, origination.ConnectedTo(sources, cfg.enquiryValidDays, log))
	members := newStaff(store)
	nodeID := newID()
	jobs := origination.NewJobs(store, now, newID, wakeJobs)
	ruleSets := origination.NewRuleSets(store, now, newID, jobs)
	reports := origination.NewReports(store, now, newID)
	exports := origination.NewExports(reports, jobs)
	payouts := origination.NewPayouts(store, now, pays, nodeID, log, origination.DefaultPayoutLimits())
	destinations, err := delivery.Parse(cfg.reportDestinations, now)
	if err != nil {
		return nil, fmt.Errorf("FUMIN_REPORT_DESTINATIONS: %w", err)
	}
	return &services{
		staff: members,
		jobs: origination.NewJobWorker(store, now, nodeID, log, origination.DefaultJobLimits(), map[origination.JobKind]origination.JobRunner{
			// Each kind of background work has its line here.
			origination.JobReplay:      ruleSets.RunReplay,
			origination.JobPreApproval: ruleSets.RunPreApproval,
			origination.JobExport:      exports.Run,
		}),
		options: api.Options{
			Log: log, NewID: newID, Now: now, Version: version(),
			Staff: members, Tokens: tokens, Files: files, Authenticate: tokens.Authenticate,
			Applications: origination.NewApplications(store, now, newID,
				origination.ApprovalValidFor(cfg.approvalValidDays), origination.AskingFirst(enquiries)),
			Borrowers:       origination.NewBorrowers(store, now, newID),
			Catalogue:       origination.NewCatalogue(store, now, newID),
			Disbursements:   origination.NewDisbursements(store, now, newID, wake),
			Quotes:          origination.NewQuotes(store, now),
			RuleSets:        ruleSets,
			Jobs:            jobs,
			Enquiries:       enquiries,
			Limits:          origination.NewLimits(store, now, newID),
			Reviews:         origination.NewReviews(store, now, newID),
			Authorities:     origination.NewAuthorities(store, now, newID),
			Signatures:      origination.NewSignatures(store, now, newID, rand.Reader, contractprint.New(font), signer, cfg.approvalValidDays),
			Guarantees:      origination.NewGuarantees(store, now, newID),
			Lines:           origination.NewLines(store, now, newID),
			Holds:           origination.NewHolds(store, now, newID),
			Reconciliations: origination.NewReconciliations(store, now, newID, payouts),
			PaymentFiles:    origination.NewPaymentFiles(store, now, newID, payouts, cfg.fileDebtor()),
			Reports:         reports,
			Exports:         exports,
			ReportSchedules: origination.NewReportSchedules(store, now, newID, reports, destinations),
		},
		payouts:         payouts,
		shadows:         origination.NewShadowWorker(store, now, nodeID, log),
		expiry:          origination.NewExpiry(store, now, nodeID, log, cfg.approvalValidDays),
		reportScheduler: origination.NewReportScheduler(store, now, newID, nodeID, log, origination.DefaultReportDeliveryLimits(), exports, destinations),
	}, nil
}

// newChannel is the payment channel; nil where payments go by file.
func newChannel(cfg config, log *slog.Logger) (origination.PaymentChannel, error) {
	if cfg.channel == channelByFile {
		return nil, nil //nolint:nilnil // no channel is what by file means, and Payouts asks
	}
	client, err := channel.New(channel.Options{BaseURL: cfg.channelURL, KeyID: cfg.channelKeyID, Secret: cfg.channelSecret, Now: now})
	if err != nil {
		return nil, err
	}
	return channel.NewPayments(client, log), nil
}

// newSigner is the signing service, or the one that says it is absent.
func newSigner(cfg config) (origination.SigningService, error) {
	if cfg.signingURL == "" {
		return signing.Absent{}, nil
	}
	return signing.New(signing.Options{BaseURL: cfg.signingURL, KeyID: cfg.signingKeyID, Secret: cfg.signingSecret, Now: now})
}

// sending is the worker that sends what is released; where payments go by file, people make the files and nothing is sent by itself.
func (s *services) sending(cfg config) func(context.Context) (int, error) {
	if cfg.channel == channelByFile {
		return func(context.Context) (int, error) { return 0, nil }
	}
	return s.payouts.Work
}

func (s *services) handler(store *repository.Store) http.Handler {
	var keysetPassed atomic.Bool // the keyset does not change while the program runs: once is enough
	s.options.Ready = func(ctx context.Context) error {
		if err := store.Ping(ctx); err != nil {
			return err
		}
		if err := store.CheckSchema(ctx); err != nil || keysetPassed.Load() {
			return err
		}
		err := store.CheckKeyset(ctx)
		keysetPassed.Store(err == nil)
		return err
	}
	return api.New(s.options)
}

// ── Demo ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

// demo is the whole thing on one machine: what run.sh starts. Everything it keeps is below the data directory: the database,
// the keys, the demo password, the sandbox channel's record of what it paid, and the log.
func demo(ctx context.Context, cfg config, out io.Writer) (err error) {
	if err := os.MkdirAll(cfg.dataDir, 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	password, err := cfg.fillForDemo()
	if err != nil {
		return err
	}
	logFile, err := os.OpenFile(filepath.Join(cfg.dataDir, "fumin.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open the log: %w", err)
	}
	defer func() { err = errors.Join(err, logFile.Close()) }()

	// The database: private, unless FUMIN_DSN names one.
	if cfg.dsn == "" {
		server, err := localdb.Start(ctx, localdb.Options{Dir: filepath.Join(cfg.dataDir, "mariadb")})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, server.Stop()) }()
		if err := server.CreateDatabase(ctx, "fumin"); err != nil {
			return err
		}
		cfg.dsn = server.DSN("fumin")
	}
	if _, _, err := repository.Migrate(ctx, cfg.dsn); err != nil {
		return err
	}
	if err := loadDemoData(ctx, cfg, password); err != nil {
		return fmt.Errorf("load the demo data: %w", err)
	}

	// The payment channel: the sandbox, unless FUMIN_CHANNEL_URL names one.
	if cfg.channelURL == "" {
		address, stopChannel, err := startSandbox(ctx, cfg)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stopChannel()) }()
		cfg.channelURL = address
	}
	// The signing service: the sandbox, unless FUMIN_SIGNING_URL names one.
	if cfg.signingURL == "" {
		address, stopSigning, err := startSigning(ctx, cfg)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stopSigning()) }()
		cfg.signingURL = address
	}
	if err := os.WriteFile(filepath.Join(cfg.dataDir, "signing-url"), []byte(cfg.signingURL+"\n"), 0o600); err != nil {
		return fmt.Errorf("write the signing service's address: %w", err)
	}
	// For the story player, which asks the channel itself what it paid.
	if err := os.WriteFile(filepath.Join(cfg.dataDir, "channel-url"), []byte(cfg.channelURL+"\n"), 0o600); err != nil {
		return fmt.Errorf("write the channel's address: %w", err)
	}
	stopEnquiries, err := cfg.connectDemoInstitutions(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopEnquiries()) }()
	return serveAnnounced(ctx, cfg, logFile, func(address string) error {
		return greet(out, cfg, address, password)
	})
}

// fillForDemo makes the secrets that the environment does not give, once, and keeps them in the data directory.
func (c *config) fillForDemo() (password string, err error) {
	kept := func(name string, generate func() ([]byte, error)) []byte {
		var content []byte
		if err == nil {
			content, err = repository.KeptSecret(filepath.Join(c.dataDir, name), generate)
		}
		return content
	}
	keyset := kept("keyset.json", repository.NewKeyFile)
	tokenKey := kept("token.key", randomBytes(32))
	channelSecret := kept("channel.secret", randomBytes(32))
	signingSecret := kept("signing.secret", randomBytes(32))
	enquirySecret := kept("enquiry.secret", randomBytes(32))
	chosen := kept("demo-password", func() ([]byte, error) {
		random, err := randomBytes(9)()
		return fmt.Appendf(nil, "demo-%x", random), err
	})
	if err != nil {
		return "", err
	}
	if len(c.keyset) == 0 {
		c.keyset = keyset
	}
	if len(c.tokenKey) == 0 {
		c.tokenKey = tokenKey
	}
	if len(c.channelSecret) == 0 {
		c.channelSecret = channelSecret
	}
	if len(c.signingSecret) == 0 {
		c.signingSecret = signingSecret
	}
	if len(c.enquirySecret) == 0 {
		c.enquirySecret = enquirySecret
	}
	return string(chosen), nil
}

func randomBytes(n int) func() ([]byte, error) {
	return func() ([]byte, error) {
		b := make([]byte, n)
		_, err := rand.Read(b)
		return b, err
	}
}

// startSandbox runs the sandbox channel beside the service and returns its address. stop lets open requests finish.
func startSandbox(ctx context.Context, cfg config) (address string, stop func() error, err error) {
	return startBeside(ctx, func(ctx context.Context, ready func(string) error) error {
		return sandbox.Run(ctx, sandbox.Options{
			RecordFile: filepath.Join(cfg.dataDir, "channel.jsonl"),
			Keys:       map[string][]byte{cfg.channelKeyID: cfg.channelSecret}, Now: now,
		}, "127.0.0.1:0", ready)
	})
}

// connectDemoInstitutions runs the sandbox of the institutions for those that the configuration does not name. stop ends it.
func (c *config) connectDemoInstitutions(ctx context.Context) (stop func() error, err error) {
	address, stop, err := startBeside(ctx, func(ctx context.Context, ready func(string) error) error {
		return enquirysandbox.Run(ctx, map[string][]byte{c.enquiryKeyID: c.enquirySecret}, now, "127.0.0.1:0", ready)
	})
	if err != nil {
		return nil, err
	}
	for _, setting := range []*string{&c.bureauURL, &c.screeningURL, &c.precheckURL} {
		if *setting == "" {
			*setting = address
		}
	}
	// For whoever wants to tell the sandbox what to answer.
	if err := os.WriteFile(filepath.Join(c.dataDir, "enquiry-url"), []byte(address+"\n"), 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("write the institutions' address: %w", err), stop())
	}
	return stop, nil
}

// startBeside runs a server beside the service until stop, and returns the address it tells.
func startBeside(ctx context.Context, run func(ctx context.Context, ready func(address string) error) error) (address string, stop func() error, err error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // it outlives the service, which may still be speaking to it
	addresses, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- run(ctx, func(baseURL string) error { addresses <- baseURL; return nil })
	}()
	select {
	case address := <-addresses:
		return address, func() error { cancel(); return <-ended }, nil
	case err := <-ended:
		cancel()
		return "", nil, err
	}
}

// startSigning runs the sandbox signing service beside the service and returns its address.
func startSigning(ctx context.Context, cfg config) (address string, stop func() error, err error) {
	return startBeside(ctx, func(ctx context.Context, ready func(string) error) error {
		return signingsandbox.Run(ctx, signingsandbox.Options{
			Keys: map[string][]byte{cfg.signingKeyID: cfg.signingSecret}, Now: now,
		}, "127.0.0.1:0", ready)
	})
}

// loadDemoData brings in the shipped catalogue and the demo organisation. What is there already stays as it is.
func loadDemoData(ctx context.Context, cfg config, password string) error {
	return withStore(ctx, cfg, func(store *repository.Store) error {
		load := demodata.Load{Store: store, Now: now, NewID: newID, Random: rand.Reader, By: installer()}
		if err := load.All(ctx, password); err != nil {
			return err
		}
		return loadRuleSets(ctx, store, demodata.LoadableRuleSets) // they are checked against the products
	})
}

// loadRuleSets brings rule sets in. What is there already stays as it is.
func loadRuleSets(ctx context.Context, store *repository.Store, read func() ([]origination.LoadedRuleSet, error)) error {
	sets, err := read()
	if err != nil {
		return err
	}
	nobody := func() {}
	return origination.NewRuleSets(store, now, newID, origination.NewJobs(store, now, newID, nobody)).Load(ctx, installer(), sets)
}

// ruleSetFileMax bounds a file of rule sets.
const ruleSetFileMax = 8 << 20

// ruleSet loads rule sets into a lender's database: the first ones, before anybody can draft, check and activate.
func ruleSet(ctx context.Context, cfg config, args []string, out io.Writer) (err error) {
	if len(args) != 2 || args[0] != "load" {
		return errors.New("usage: fumin rule-set load FILE, or fumin rule-set load shipped or shipped-without-institutions")
	}
	read := demodata.LoadableRuleSets
	switch args[1] {
	case "shipped":
	case "shipped-without-institutions":
		read = demodata.LoadableRuleSetsWithoutInstitutions
	default:
		file, err := os.Open(args[1]) //nolint:gosec // G703: the operator names a file of his own
		if err != nil {
			return fmt.Errorf("open the rule sets: %w", err)
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		content, err := io.ReadAll(io.LimitReader(file, ruleSetFileMax))
		if err != nil {
			return fmt.Errorf("read the rule sets: %w", err)
		}
		read = func() ([]origination.LoadedRuleSet, error) { return demodata.ParseRuleSets(content) }
	}
	err = withStore(ctx, cfg, func(store *repository.Store) error { return loadRuleSets(ctx, store, read) })
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, "the rule sets are there (existing ones are left as they were)")
	return err
}

// installer is who loads the organisation: this program, started by the operator.
func installer() domain.Actor {
	return domain.Actor{ID: newID(), Name: "安装程序", Role: domain.RoleSystem}
}

func newStaff(store *repository.Store) *origination.Staff {
	return origination.NewStaff(store, now, newID, rand.Reader)
}

// greet tells a newcomer where things are and what to try first.
func greet(out io.Writer, cfg config, address, password string) error {
	members, err := demodata.StaffMembers()
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\nFumin serves at   %s\nDocumentation     %s/docs\nPayment channel   %s\nSigning service   %s\nData and log      %s\n\n",
		address, address, cfg.channelURL, cfg.signingURL, cfg.dataDir)
	fmt.Fprintf(&b, "Demo logins, all with the password %s\n", password)
	for _, m := range members {
		fmt.Fprintf(&b, "  %-22s %-22s %s, branch %s\n", m.Role, m.Username, m.Name, m.BranchCode)
	}
	fmt.Fprintf(&b, "  %-22s %-22s the mobile app's backend: POST /v1/oauth/token\n", "borrower", demodata.MobileAppClientID)
	fmt.Fprintf(&b, "  %-22s %-22s the core system, which reports repayments: POST /v1/oauth/token\n", "core_system", demodata.CoreSystemClientID)
	fmt.Fprintf(&b, "\nTry:\n  curl -s %s/v1/sessions -H 'Content-Type: application/json' \\\n    -d '{\"username\":\"%s\",\"password\":\"%s\"}'\n",
		address, members[0].Username, password)
	b.WriteString("or, in another terminal, the whole way of a loan:\n  ./scripts/story.sh duck-shed\n\nCtrl-C stops it; the data stays.\n")
	_, err = io.WriteString(out, b.String())
	return err
}

// addBranch adds a branch, or brings its name and level up to date: the way to the organisation of a fresh database.
func addBranch(ctx context.Context, cfg config, args []string, out io.Writer) error {
	if len(args) < 4 || len(args) > 5 || args[0] != "add" {
		return errors.New("usage: fumin branch add CODE NAME LEVEL [PARENT_CODE]")
	}
	branch := origination.OrganisationBranch{Code: args[1], Name: args[2], Level: staff.Level(args[3])}
	if len(args) == 5 {
		branch.ParentCode = args[4]
	}
	err := install(ctx, cfg, origination.Organisation{Branches: []origination.OrganisationBranch{branch}})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "branch %s is there\n", branch.Code)
	return err
}

// install loads a part of the organisation with the operator's authority.
func install(ctx context.Context, cfg config, part origination.Organisation) error {
	return withStaff(ctx, cfg, func(members *origination.Staff) error {
		return members.LoadOrganisation(ctx, installer(), part)
	})
}

// withStaff opens the database for one piece of the operator's work.
func withStaff(ctx context.Context, cfg config, work func(*origination.Staff) error) error {
	return withStore(ctx, cfg, func(store *repository.Store) error { return work(newStaff(store)) })
}

func withStore(ctx context.Context, cfg config, work func(*repository.Store) error) (err error) {
	if cfg.dsn == "" || len(cfg.keyset) == 0 {
		return errors.New("FUMIN_DSN and FUMIN_KEYSET (or FUMIN_KEYSET_FILE) must be set")
	}
	store, err := openStore(ctx, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return work(store)
}

// addUser adds a member of staff: the way to the first administrator of a fresh database.
func addUser(ctx context.Context, cfg config, args []string, in io.Reader, out io.Writer) error {
	if len(args) != 5 || args[0] != "add" {
		return errors.New("usage: fumin user add USERNAME NAME ROLE BRANCH_CODE, with the password as the first line of standard input")
	}
	line, err := bufio.NewReader(io.LimitReader(in, 1<<10)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the password: %w", err)
	}
	err = install(ctx, cfg, origination.Organisation{Users: []origination.OrganisationUser{{
		Username: args[1], DisplayName: args[2], Role: domain.Role(args[3]), BranchCode: args[4],
		Password: staff.NewSecret(strings.TrimRight(line, "\r\n")),
	}}})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "user %s is there (an existing one is left as it was)\n", args[1])
	return err
}

// serviceAccount adds a program that may act for borrowers or report repayments, or stops one. The secret is made here and printed once: only its
// hash is kept, so that an account whose secret was lost is stopped and replaced by another.
func serviceAccount(ctx context.Context, cfg config, args []string, out io.Writer) error {
	switch {
	case (len(args) == 3 || len(args) == 4) && args[0] == "add":
		kind := staff.KindBorrowerChannel
		if len(args) == 4 {
			kind = staff.ServiceAccountKind(args[3])
		}
		return withStaff(ctx, cfg, func(members *origination.Staff) error {
			account, secret, err := members.CreateServiceAccount(ctx, installer(), kind, args[1], args[2])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(out, "client_id %s\nclient_secret %s\n", account.ClientID, secret.Reveal())
			return err
		})
	case len(args) == 2 && args[0] == "deactivate":
		return withStaff(ctx, cfg, func(members *origination.Staff) error {
			if err := members.DeactivateServiceAccount(ctx, installer(), args[1]); err != nil {
				return err
			}
			_, err := fmt.Fprintf(out, "service account %s gets no more tokens\n", args[1])
			return err
		})
	}
	return errors.New("usage: fumin service-account add CLIENT_ID NAME [borrower_channel|core_system], or fumin service-account deactivate CLIENT_ID")
}

// writeReport writes a report to a file, with the operator's authority over all branches and with personal data masked. The
// progress goes to standard error, so that the file may go to standard output.
func writeReport(ctx context.Context, cfg config, args []string, out io.Writer) (err error) {
	if len(args) == 0 {
		for _, d := range report.All() {
			if _, err := fmt.Fprintf(out, "%-22s %s\n", d.Code, d.Title); err != nil {
				return err
			}
		}
		return nil
	}
	if cfg.dsn == "" || len(cfg.keyset) == 0 {
		return errors.New("FUMIN_DSN and FUMIN_KEYSET (or FUMIN_KEYSET_FILE) must be set")
	}
	wanted, err := readReportFlags(args)
	if err != nil {
		return err
	}
	store, err := openStore(ctx, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if wanted.branch != "" {
		if wanted.query.BranchID, err = branchByCode(ctx, store, wanted.branch); err != nil {
			return err
		}
	}
	reports := origination.NewReports(store, now, newID)
	prepared, err := reports.Prepare(ctx, installer(), wanted.query, wanted.charset)
	if err != nil {
		return explained(err)
	}
	if wanted.output == "" {
		wanted.output = origination.FileNameOf(prepared.Head, wanted.format)
	}
	if wanted.output == "-" {
		_, err := reports.WriteAhead(ctx, prepared, wanted.format, out, nil)
		return err
	}
	return writeReportFile(ctx, reports, prepared, wanted, out)
}

// writeReportFile writes beside the file and gives it its name when it is whole.
func writeReportFile(ctx context.Context, reports *origination.Reports, prepared origination.PreparedReport, wanted reportFlags, out io.Writer) error {
	estimate, err := reports.Count(ctx, prepared, reportEstimateMax)
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(wanted.output), ".report-*")
	if err != nil {
		return fmt.Errorf("make the file: %w", err)
	}
	defer func() { _ = os.Remove(file.Name()) }() // gone already when all went well
	buffered := bufio.NewWriterSize(file, 1<<20)
	summary, err := reports.WriteAhead(ctx, prepared, wanted.format, buffered, func(rows int64) error {
		showProgress(os.Stderr, rows, max(rows, int64(estimate)))
		return ctx.Err()
	})
	if err := errors.Join(err, buffered.Flush(), file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), wanted.output); err != nil {
		return fmt.Errorf("name the file: %w", err)
	}
	fmt.Fprintln(os.Stderr)
	_, err = fmt.Fprintf(out, "%s: %d rows, SHA-256 of the CSV body %s\n", wanted.output, summary.Rows, summary.CSVBodySHA256)
	return err
}

// reportEstimateMax bounds the count for the progress bar.
const reportEstimateMax = 5_000_000

// showProgress draws a bar of forty characters over the one before it.
func showProgress(w io.Writer, done, estimate int64) {
	const width = 40
	filled := int(done * width / max(estimate, 1))
	_, _ = fmt.Fprintf(w, "\r[%s%s] %d / %d", strings.Repeat("=", filled), strings.Repeat(" ", width-filled), done, estimate)
}

// reportFlags is what `fumin report` was asked for.
type reportFlags struct {
	query   report.Query
	format  report.Format
	charset report.Charset
	branch  string // its code
	output  string // a path; "-" is standard output
}

func readReportFlags(args []string) (reportFlags, error) {
	wanted := reportFlags{query: report.Query{Report: report.Code(args[0]), AsOf: domain.DateOf(now())}}
	flags := flag.NewFlagSet("report", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // what is wrong is returned, and printed once
	day := func(name string, to *domain.Date, about string) {
		flags.Func(name, about, func(s string) (err error) { *to, err = domain.ParseDate(s); return err })
	}
	day("from", &wanted.query.From, "first day")
	day("to", &wanted.query.To, "last day")
	day("as-of", &wanted.query.AsOf, "business day at whose end the figures stand")
	format, charset := flags.String("format", "csv", "csv, xlsx or parquet"), flags.String("charset", "utf-8", "utf-8 or gb18030")
	columns := flags.String("columns", "", "columns, with commas")
	flags.StringVar(&wanted.query.ProductCode, "product", "", "product code")
	flags.StringVar(&wanted.branch, "branch", "", "branch code")
	flags.StringVar(&wanted.output, "output", "", "file, or - for standard output")
	if err := flags.Parse(args[1:]); err != nil || flags.NArg() > 0 {
		return reportFlags{}, fmt.Errorf("report: %w; fumin help shows how it is asked for", cmp.Or(err, errors.New("an argument too many")))
	}
	wanted.format, wanted.charset = report.Format(*format), report.Charset(*charset)
	if !wanted.format.Valid() || !wanted.charset.Valid() {
		return reportFlags{}, fmt.Errorf("report: no format %q or charset %q", *format, *charset)
	}
	if *columns != "" {
		wanted.query.Columns = strings.Split(*columns, ",")
	}
	return wanted, nil
}

func branchByCode(ctx context.Context, store *repository.Store, code string) (domain.ID, error) {
	branches, err := store.Branches(ctx, installer().Scope())
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(branches, func(b staff.Branch) bool { return b.Code == code })
	if i < 0 {
		return "", fmt.Errorf("no branch with the code %q", code)
	}
	return branches[i].ID, nil
}

// explained adds to a refusal what is wrong with each field, for a person at a terminal.
func explained(err error) error {
	refusal, ok := errors.AsType[*domain.Error](err)
	if !ok || len(refusal.Fields) == 0 {
		return err
	}
	lines := []error{err}
	for _, f := range refusal.Fields {
		lines = append(lines, fmt.Errorf("%s: %s", strings.TrimPrefix(f.Pointer, "/"), f.Detail))
	}
	return errors.Join(lines...)
}
