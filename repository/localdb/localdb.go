// Package localdb runs a private MariaDB server as a child of this process: the database behind ./scripts/run.sh,
// and the database under every test.
//
// It owns the server process: finding the program, making the data directory, starting, stopping, and seeing to it
// that no server outlives the process it was started for. It does not own the schema, and it does not own how a
// connection is set up: DSN says only where the server is, and package repository adds the parameters every session
// needs.
//
// The server listens on a unix socket inside a directory only its owner can enter, and on no port. It runs as
// whoever runs this process (mariadbd refuses to be root unless told so, therefore root is told so): files, socket
// and signals then belong to one user, and no other account has to exist on the machine.
package localdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/go-sql-driver/mysql"
)

// Limits on waiting. They are far above what was measured (0.1 s to start, 0.1 s to stop) because a crash recovery
// on a slow disk is no reason to fail, but they are limits.
const (
	startWaitMax   = 90 * time.Second      // until a started server answers, crash recovery included
	formerWaitMax  = 75 * time.Second      // until the server of a process that died has gone; above the shell's own 60 s
	stopWaitMax    = 60 * time.Second      // from the polite signal to the impolite one
	killWaitMax    = 15 * time.Second      // until a killed process is gone
	pollInterval   = 10 * time.Millisecond // between two looks at a condition
	logBytesMax    = 4 << 20               // a larger server log is emptied at the next start
	logTailBytes   = 2 << 10               // how much of the server log an error quotes
	socketBytesMax = 100                   // sun_path holds 107 bytes on Linux and 103 on macOS
)

// Options says where a server keeps its data and for how long.
type Options struct {
	// Dir is the directory for everything the server writes: data, log, socket, locks. It is made when missing, with
	// its parents. It may be empty for a throw-away server, which then makes one of its own, in memory where the
	// machine has room (/dev/shm), and removes it when it ends.
	Dir string

	// Throwaway trades durability for speed: nothing is flushed to the disk, and ending the server kills it. For tests.
	Throwaway bool

	// directories replaces the places where the programs are looked for, in tests of their absence.
	directories []string
	// base replaces the place where a throw-away server makes its directory, in tests of what it leaves behind.
	base string
}

// Server is a running MariaDB. Make one with Start. Its methods may be called from several goroutines.
type Server struct {
	throwaway bool
	programs  programs
	dir       string   // absolute
	run       string   // for the socket and temporary files: dir itself, or a directory with a short and plain path
	remove    string   // what the supervising shell removes at the end; empty for nothing
	owner     *os.File // locked for as long as this process wants the directory

	mu      sync.Mutex
	command *exec.Cmd     // the supervising shell
	stdin   io.Closer     // closing it is the order to end
	done    chan struct{} // closed once the shell, and so the server, has gone
}

// Start makes the data directory if it is new, starts a server over it, and returns once the server answers. The
// context bounds the start only; the server then runs until Stop, or until this process ends, however it ends.
//
// A directory whose former process was killed is waited for, because its server may still be shutting down. A
// directory that a living process uses is refused with ErrInUse. On a machine without MariaDB the error is
// ErrNotInstalled.
func Start(ctx context.Context, options Options) (*Server, error) {
	found, err := findPrograms(options.directories)
	if err != nil {
		return nil, fmt.Errorf("localdb: %w", err)
	}
	server := &Server{throwaway: options.Throwaway, programs: found}
	if err := server.prepare(options); err != nil {
		server.release()
		return nil, errors.Join(fmt.Errorf("localdb: %w", err), server.discard())
	}
	ctx, cancel := context.WithTimeout(ctx, formerWaitMax+startWaitMax)
	defer cancel()
	server.mu.Lock()
	defer server.mu.Unlock()
	if err := server.launch(ctx); err != nil {
		server.release()
		return nil, errors.Join(fmt.Errorf("localdb: %w", err), server.discard())
	}
	return server, nil
}

// ErrInUse is the error of Start for a directory whose server belongs to another living process.
var ErrInUse = errors.New("the data directory is in use by another running process")

// prepare makes the directory, takes ownership of it, and settles where the socket goes.
func (s *Server) prepare(options Options) error {
	dir := options.Dir
	if dir == "" {
		if !s.throwaway {
			return errors.New("a server that keeps its data needs a directory")
		}
		base := options.base
		if base == "" {
			base = throwawayBase()
		}
		made, err := os.MkdirTemp(base, "fumin-")
		if err != nil {
			return err
		}
		dir, s.remove = made, made
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	s.dir = dir
	// 0700, because root of the database has no password: who can enter the directory is who can connect.
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o700); err != nil { //nolint:gosec // it is a directory, and may be older than this rule
		return err
	}
	if err := s.takeOwnership(); err != nil {
		return err
	}
	s.run = dir
	if len(s.Socket()) <= socketBytesMax && plainPath.MatchString(s.Socket()) {
		return nil
	}
	short, err := os.MkdirTemp(shortBase(), "fumin-")
	if err != nil {
		return err
	}
	s.run = short
	if s.remove == "" {
		s.remove = short
	}
	return nil
}

// plainPath is a path that means itself inside a DSN, where '@', '(' and '?' separate, and as a place for temporary
// files, where ':' does.
var plainPath = regexp.MustCompile(`^[\pL\pN /._+-]+$`)

// takeOwnership marks the directory as this process's. The mark is a file lock, which the system takes away from a
// dead process by itself.
func (s *Server) takeOwnership() error {
	file, err := os.OpenFile(filepath.Join(s.dir, "owner"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close() // nothing was written
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return fmt.Errorf("%w: %s", ErrInUse, s.dir)
		}
		return fmt.Errorf("lock %s: %w", file.Name(), err)
	}
	s.owner = file
	return nil
}

// release gives the directory up.
func (s *Server) release() {
	if s.owner != nil {
		_ = s.owner.Close() // closing releases the lock; the file itself says nothing
		s.owner = nil
	}
}

// discard removes what the supervising shell would have removed, had it come so far.
func (s *Server) discard() error {
	if s.remove == "" {
		return nil
	}
	return os.RemoveAll(s.remove)
}

// supervise is the shell that stands between this process and the server. It holds our pipe: when this process ends,
// however it ends, `read` returns and the server is told to go. Descriptor 3 is the lock on the data directory, which
// the shell and the server hold until they are gone, so that the next process knows how long to wait. The watcher
// must not hold it, nor must the server hold the pipe.
const supervise = `
remove=$1 signal=$2; shift 2
exec 4<&0 0</dev/null
"$@" 4<&- & server=$!
(
	exec 3<&-
	read -r _ <&4
	kill -s "$signal" "$server"
	seconds=0
	while kill -0 "$server" && [ "$seconds" -lt 60 ]; do sleep 1; seconds=$((seconds + 1)); done
	kill -s KILL "$server"
) 2>/dev/null & watcher=$!
exec 4<&-
wait "$server"; status=$?
kill "$watcher" 2>/dev/null
if [ -n "$remove" ]; then rm -rf -- "$remove"; fi
exit "$status"
`

// launch starts the server and waits until it answers. The caller holds s.mu.
func (s *Server) launch(ctx context.Context) error {
	lock, err := s.awaitFormer(ctx)
	if err != nil {
		return err
	}
	defer lock.Close() // our copy; the shell and the server keep theirs
	log, err := s.openLog()
	if err != nil {
		return err
	}
	defer log.Close()
	if err := os.MkdirAll(s.temporary(), 0o700); err != nil { // its parent is gone too if this is a restart
		return err
	}
	if err := s.install(ctx, log, lock); err != nil {
		return err
	}
	signal := "TERM"
	if s.throwaway {
		signal = "KILL" // nothing to save, and it is faster
	}
	arguments := append([]string{"-c", supervise, "fumin-mariadb", s.remove, signal, s.programs.server}, s.settings()...)
	command := exec.Command("/bin/sh", arguments...) //nolint:noctx // the server outlives the context of its start
	command.Dir, command.Env = s.dir, s.environment()
	command.Stdout, command.Stderr = log, log
	command.ExtraFiles = []*os.File{lock}
	// A group of its own: Ctrl-C goes to this process, which ends its requests first and the server last.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := command.StdinPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return fmt.Errorf("start mariadbd: %w", err)
	}
	done := make(chan struct{})
	s.command, s.stdin, s.done = command, stdin, done
	go func() {
		defer close(done)
		_ = command.Wait() // why it ended is in its log
	}()
	if err := s.awaitAnswer(ctx); err != nil {
		return errors.Join(fmt.Errorf("%w; the server's log ends:\n%s", err, tail(log)), s.end())
	}
	return nil
}

// awaitFormer takes the lock that the former server of this directory held, once that server is gone.
func (s *Server) awaitFormer(ctx context.Context) (*os.File, error) {
	ctx, cancel := context.WithTimeout(ctx, formerWaitMax)
	defer cancel()
	file, err := os.OpenFile(filepath.Join(s.dir, "server"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return file, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			_ = file.Close()
			return nil, fmt.Errorf("lock %s: %w", file.Name(), err)
		}
		if !pause(ctx) {
			_ = file.Close()
			return nil, fmt.Errorf("the former server of %s has not gone: %w", s.dir, ctx.Err())
		}
	}
}

// awaitAnswer returns once the server answers a ping, or says why it never will.
func (s *Server) awaitAnswer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startWaitMax)
	defer cancel()
	database, err := s.open("")
	if err != nil {
		return err
	}
	defer database.Close()
	for {
		err := database.PingContext(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-s.done:
			return errors.New("mariadbd ended while starting")
		default:
		}
		if !pause(ctx) {
			return fmt.Errorf("mariadbd does not answer: %w", errors.Join(ctx.Err(), err))
		}
	}
}

// pause waits one poll interval and reports whether there is time for another look.
func pause(ctx context.Context) bool {
	timer := time.NewTimer(pollInterval)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// DSN returns the data source name of a database on this server, in the form of go-sql-driver: who and where, and no
// parameters. An empty name means no database.
func (s *Server) DSN(database string) string { return s.config(database).FormatDSN() }

// Socket returns the path of the unix socket, for command-line clients.
func (s *Server) Socket() string { return filepath.Join(s.run, "mariadb.sock") }

// Dir returns the directory that holds the server's data, log and locks.
func (s *Server) Dir() string { return s.dir }

// Done returns a channel that is closed when the server process started last has ended, wanted or not.
func (s *Server) Done() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.done
}

// CreateDatabase makes an empty database with the collation the schema counts on, unless it exists. The name is of
// a–z, 0–9 and _, at most 64 of them.
func (s *Server) CreateDatabase(ctx context.Context, name string) error {
	database, err := s.open("")
	if err != nil {
		return fmt.Errorf("localdb: %w", err)
	}
	defer database.Close()
	return createDatabase(ctx, database, name)
}

// Stop ends the server and gives the directory up. A durable server is shut down cleanly, and killed only when that
// takes a minute; a throw-away one is killed and its directory removed. A second Stop does nothing.
func (s *Server) Stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.end()
	s.release()
	return err
}

// Kill ends the server as a power cut would, without a chance to write anything, and returns once it has gone. The
// data stays unless the server is a throw-away one. For tests of what survives.
func (s *Server) Kill() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.signalServer(syscall.SIGKILL); err != nil {
		return fmt.Errorf("localdb: %w", err)
	}
	return s.end()
}

// Restart starts a server again that was killed, or that ended by itself, over the same data and at the same DSN. A
// server that runs is stopped cleanly first.
func (s *Server) Restart(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.owner == nil {
		return errors.New("localdb: the server was stopped, and its directory given up; use Start")
	}
	if err := s.end(); err != nil {
		return err
	}
	if err := s.launch(ctx); err != nil {
		return fmt.Errorf("localdb: %w", err)
	}
	return nil
}

// end tells the shell to end the server and waits for both. The caller holds s.mu.
func (s *Server) end() error {
	if s.command == nil {
		return nil
	}
	_ = s.stdin.Close() // closed already when the server ended by itself
	timer := time.NewTimer(stopWaitMax)
	defer timer.Stop()
	select {
	case <-s.done:
	case <-timer.C:
		if err := s.signalServer(syscall.SIGKILL); err != nil {
			return fmt.Errorf("localdb: mariadbd does not stop: %w", err)
		}
		timer.Reset(killWaitMax)
		select {
		case <-s.done:
		case <-timer.C:
			return errors.New("localdb: mariadbd does not stop, not even when killed")
		}
	}
	s.command = nil
	return nil
}

// signalServer sends a signal to the server itself, whose process id it wrote to a file.
func (s *Server) signalServer(signal syscall.Signal) error {
	text, err := os.ReadFile(filepath.Join(s.dir, pidFile))
	if err != nil {
		return err
	}
	var pid int
	if _, err := fmt.Sscanf(string(text), "%d", &pid); err != nil || pid <= 1 {
		return fmt.Errorf("%s holds no process id: %q", pidFile, text)
	}
	if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("signal mariadbd: %w", err)
	}
	return nil
}

func (s *Server) config(database string) *mysql.Config {
	config := mysql.NewConfig()
	config.User, config.Net, config.Addr, config.DBName = "root", "unix", s.Socket(), database
	return config
}

func (s *Server) open(database string) (*sql.DB, error) { return openQuietly(s.config(database)) }

// openQuietly opens a pool that does not write to standard error while a server is coming up or going down.
func openQuietly(config *mysql.Config) (*sql.DB, error) {
	config.Logger = &mysql.NopLogger{}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

// databaseName is what may stand in CREATE DATABASE, where no placeholder can.
var databaseName = regexp.MustCompile(`^[a-z0-9_]{1,64}$`)

func createDatabase(ctx context.Context, database *sql.DB, name string) error {
	if !databaseName.MatchString(name) {
		return fmt.Errorf("localdb: %q is no database name: use a-z, 0-9 and _, at most 64", name)
	}
	// Said outright, because a server that is not ours may have another default, and with those two surnames in
	// rare characters are equal.
	statement := "CREATE DATABASE IF NOT EXISTS " + name + " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin" //nolint:gosec // the name was just checked
	if _, err := database.ExecContext(ctx, statement); err != nil {
		return fmt.Errorf("localdb: create database %s: %w", name, err)
	}
	return nil
}

// openLog opens the server's log for appending, emptied first when it has grown large.
func (s *Server) openLog() (*os.File, error) {
	path := filepath.Join(s.dir, "mariadb.log")
	flags := os.O_CREATE | os.O_RDWR | os.O_APPEND
	if info, err := os.Stat(path); err == nil && info.Size() > logBytesMax {
		flags |= os.O_TRUNC
	}
	return os.OpenFile(path, flags, 0o600)
}

// tail returns the end of the server's log, for an error message. It reads the open file, because the shell of a
// throw-away server removes the directory as soon as the server ends.
func tail(log *os.File) string {
	info, err := log.Stat()
	if err != nil {
		return err.Error()
	}
	from := max(0, info.Size()-logTailBytes)
	text, err := io.ReadAll(io.NewSectionReader(log, from, logTailBytes))
	if err != nil {
		return err.Error()
	}
	return strings.ToValidUTF8(string(text), "")
}
