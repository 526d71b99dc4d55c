package drive

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"fumin/repository/localdb"
)

// Limits on waiting for processes; far above what was measured, but limits.
const (
	startWaitMax = 2 * time.Minute // the first start makes a database and hashes the demo passwords
	stopWaitMax  = 90 * time.Second
	linesKept    = 40 // of a process's output, in error messages
)

// Process is a program that was started here. It ends at the latest when this program does.
type Process struct {
	name    string
	command *exec.Cmd
	output  string // the file it writes to, as under an operator's supervisor
	done    chan struct{}
}

// start runs a program with the given settings and none other of Fumin's: what is set for the story is not meant for the
// service. It writes to a fresh file in the directory.
func start(name, dir, program string, settings []string, arguments ...string) (*Process, error) {
	output, err := os.CreateTemp(dir, strings.ReplaceAll(name, " ", "-")+"-*.out")
	if err != nil {
		return nil, err
	}
	defer output.Close() // the child has its own
	command := exec.Command(program, arguments...)
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "FUMIN_") {
			command.Env = append(command.Env, entry)
		}
	}
	command.Env = append(command.Env, settings...)
	command.SysProcAttr = endWithParent()
	command.Stdout, command.Stderr = output, output
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &Process{name: name, command: command, output: output.Name(), done: make(chan struct{})}
	go func() {
		defer close(p.done)
		_ = command.Wait() // why it ended stands in its output
	}()
	return p, nil
}

// Output returns the last lines the process wrote.
func (p *Process) Output() string {
	content, err := os.ReadFile(p.output)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimRight(string(content), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-linesKept):], "\n")
}

// awaitAddress returns once found has accepted one of the lines that the process wrote.
func (p *Process) awaitAddress(ctx context.Context, found func(line string) bool) error {
	ctx, cancel := context.WithTimeout(ctx, startWaitMax)
	defer cancel()
	err := Until(ctx, p.name+" to tell its address", func() (bool, error) {
		ended := false
		select {
		case <-p.done:
			ended = true
		default:
		}
		content, err := os.ReadFile(p.output) // after the question, so that the last words of one that ended are in it
		if err != nil {
			return false, err
		}
		for line := range strings.Lines(string(content)) {
			if strings.HasSuffix(line, "\n") && found(line) {
				return true, nil
			}
		}
		if ended {
			return false, errors.New("it has ended")
		}
		return false, nil
	})
	if err != nil {
		return errors.Join(fmt.Errorf("%w; it wrote:\n%s", err, p.Output()), p.Kill())
	}
	return nil
}

// Kill ends the process as `kill -9` does, and returns once it has gone.
func (p *Process) Kill() error {
	if err := p.command.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill %s: %w", p.name, err)
	}
	<-p.done
	return nil
}

// Stop asks the process to end, and returns once it has.
func (p *Process) Stop() error {
	if err := p.command.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", p.name, err)
	}
	timer := time.NewTimer(stopWaitMax)
	defer timer.Stop()
	select {
	case <-p.done:
		return nil
	case <-timer.C:
		return errors.Join(fmt.Errorf("%s does not stop; it wrote:\n%s", p.name, p.Output()), p.Kill())
	}
}

var baseURL = regexp.MustCompile(`http://[0-9.:]+`)

// Demo is a `fumin demo` with everything of its own.
type Demo struct {
	Process    *Process
	URL        string
	ChannelURL string
	SigningURL string
	Password   string
}

// StartDemo starts `fumin demo` over the directory. Settings are as in FUMIN_WORKERS=off.
func StartDemo(ctx context.Context, program, dataDir string, settings ...string) (*Demo, error) {
	if err := os.MkdirAll(dataDir, 0o700); err != nil {
		return nil, err
	}
	settings = append([]string{"FUMIN_DATA_DIR=" + dataDir, "FUMIN_LISTEN=127.0.0.1:0"}, settings...)
	process, err := start("fumin demo", dataDir, program, settings, "demo")
	if err != nil {
		return nil, err
	}
	demo := &Demo{Process: process}
	err = process.awaitAddress(ctx, func(line string) bool {
		switch {
		case strings.HasPrefix(line, "Fumin serves at"):
			demo.URL = baseURL.FindString(line)
		case strings.HasPrefix(line, "Payment channel"):
			demo.ChannelURL = baseURL.FindString(line)
		case strings.HasPrefix(line, "Signing service"):
			demo.SigningURL = baseURL.FindString(line)
		}
		return strings.HasPrefix(line, "Ctrl-C") // the last line of the greeting
	})
	if err != nil {
		return nil, err
	}
	password, err := os.ReadFile(filepath.Join(dataDir, "demo-password"))
	if err != nil {
		return nil, errors.Join(err, process.Stop())
	}
	demo.Password = strings.TrimSpace(string(password))
	return demo, nil
}

// Site is a service as it is run for real: a database, a payment channel and the service, each a process that can be killed
// without the others.
type Site struct {
	Database *localdb.Server
	Channel  *Channel
	Service  *Service // at its present address
	Password string   // of every demo login

	program, dir string
	settings     []string
	serving      *Process
	channel      *Process
	institutions *Process
	nodes        []*Process // everything StartNode started; what has gone is stopped at once
}

// SiteOptions are what a Site needs.
type SiteOptions struct {
	Program string // the path of fumin
	Dir     string // for everything the site keeps: the database is durable
}

// NewSite starts the database, loads the demo organisation and catalogue, and starts the channel. The service is not
// running yet: see Serve.
func NewSite(ctx context.Context, options SiteOptions) (_ *Site, err error) {
	site := &Site{program: options.Program, dir: options.Dir}
	defer func() {
		if err != nil {
			err = errors.Join(err, site.Close())
		}
	}()
	if site.Database, err = localdb.Start(ctx, localdb.Options{Dir: filepath.Join(options.Dir, "mariadb")}); err != nil {
		return nil, err
	}
	if err := site.Database.CreateDatabase(ctx, "fumin"); err != nil {
		return nil, err
	}
	dsn := "FUMIN_DSN=" + site.Database.DSN("fumin")

	// `fumin demo` on this database migrates it, loads the demo data and makes keys; then it may go.
	demoDir := filepath.Join(options.Dir, "demo")
	demo, err := StartDemo(ctx, options.Program, demoDir, dsn)
	if err != nil {
		return nil, err
	}
	site.Password = demo.Password
	if err := demo.Process.Stop(); err != nil {
		return nil, err
	}

	secret, tokenKey, asking := make([]byte, 32), make([]byte, 32), make([]byte, 32)
	for _, key := range [][]byte{secret, tokenKey, asking} {
		_, _ = rand.Read(key) // crypto/rand never fails
	}
	channelSecret := "FUMIN_CHANNEL_SECRET=" + hex.EncodeToString(secret)
	enquirySecret := "FUMIN_ENQUIRY_SECRET=" + hex.EncodeToString(asking)
	if err := site.startChannel(ctx, channelSecret); err != nil {
		return nil, err
	}
	institutionsURL, err := site.startInstitutions(ctx, enquirySecret)
	if err != nil {
		return nil, err
	}
	site.settings = []string{
		enquirySecret, "FUMIN_BUREAU_URL=" + institutionsURL, "FUMIN_SCREENING_URL=" + institutionsURL, "FUMIN_GUARANTEE_PRECHECK_URL=" + institutionsURL,
		dsn, channelSecret, "FUMIN_TOKEN_KEY=" + hex.EncodeToString(tokenKey), "FUMIN_LISTEN=127.0.0.1:0",
		"FUMIN_KEYSET_FILE=" + filepath.Join(demoDir, "keyset.json"), "FUMIN_CHANNEL_URL=" + site.Channel.url,
	}
	return site, nil
}

func (s *Site) startChannel(ctx context.Context, secret string) (err error) {
	s.channel, err = start("fumin sandbox-channel", s.dir, s.program, []string{secret}, "sandbox-channel", "127.0.0.1:0", filepath.Join(s.dir, "channel.jsonl"))
	if err != nil {
		return err
	}
	return s.channel.awaitAddress(ctx, func(line string) bool {
		url := baseURL.FindString(line)
		s.Channel = ChannelAt(url)
		return url != ""
	})
}

// startInstitutions starts the bureau, the screening and the pre-check that the complete rules need.
func (s *Site) startInstitutions(ctx context.Context, secret string) (url string, err error) {
	s.institutions, err = start("fumin sandbox-enquiries", s.dir, s.program, []string{secret}, "sandbox-enquiries", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	err = s.institutions.awaitAddress(ctx, func(line string) bool {
		url = baseURL.FindString(line)
		return url != ""
	})
	return url, err
}

// Serve starts `fumin serve`, with further settings: the one service of a site that has no nodes beside it.
func (s *Site) Serve(ctx context.Context, settings ...string) error {
	node, err := s.StartNode(ctx, settings...)
	if err != nil {
		return err
	}
	s.serving, s.Service = node.process, node.Service
	return nil
}

// Command is the service's program as an operator runs it beside the service, for one piece of work.
func (s *Site) Command(ctx context.Context, arguments ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, s.program, arguments...)
	command.Env = append(os.Environ(), s.settings...)
	command.Dir = s.dir
	return command
}

// KillService is `kill -9` of the service.
func (s *Site) KillService() error { return s.serving.Kill() }

// StopService ends the service as an operator does.
func (s *Site) StopService() error { return s.serving.Stop() }

// ServiceProcess is the service's process id, for a profiler.
func (s *Site) ServiceProcess() int { return s.serving.command.Process.Pid }

// Output returns the last lines the service wrote.
func (s *Site) Output() string { return s.serving.Output() }

// Close ends everything.
func (s *Site) Close() (err error) {
	for _, process := range append(s.nodes, s.channel, s.institutions) {
		if process != nil {
			err = errors.Join(err, process.Stop())
		}
	}
	if s.Database != nil {
		err = errors.Join(err, s.Database.Stop())
	}
	return err
}
