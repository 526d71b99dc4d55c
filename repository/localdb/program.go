package localdb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// ErrNotInstalled is the error of Start on a machine without MariaDB. Its text says which command installs it.
var ErrNotInstalled = errors.New("no mariadbd on this machine; install MariaDB with `" + installCommand() +
	"`, or let ./scripts/run.sh or ./scripts/test.sh do it, or set FUMIN_DSN (for tests FUMIN_TEST_DSN) to a server you have")

func installCommand() string {
	if runtime.GOOS == "darwin" {
		return "brew install mariadb"
	}
	return "apt-get install --yes mariadb-server"
}

// programs are the paths of what is run.
type programs struct {
	server  string // mariadbd
	install string // mariadb-install-db
}

// programDirectories are where MariaDB's programs may be: PATH, and then the places packages put them, because an
// ordinary user's PATH on Debian has no sbin and Homebrew keeps a versioned formula out of its bin.
func programDirectories() []string {
	return append(filepath.SplitList(os.Getenv("PATH")),
		"/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin", "/usr/libexec", "/usr/local/mysql/bin",
		"/opt/homebrew/bin", "/opt/homebrew/opt/mariadb/bin", "/usr/local/opt/mariadb/bin")
}

// findPrograms looks for the server and the program that makes its data directory, in their new names and their old.
func findPrograms(directories []string) (programs, error) {
	if directories == nil {
		directories = programDirectories()
	}
	server, err := findProgram(directories, "mariadbd", "mysqld")
	if err != nil {
		return programs{}, err
	}
	install, err := findProgram(directories, "mariadb-install-db", "mysql_install_db")
	if err != nil {
		// Oracle's MySQL has a mysqld as well, and no such program.
		return programs{}, fmt.Errorf("%s is there, but mariadb-install-db is not, so it is not MariaDB's: %w", server, err)
	}
	return programs{server: server, install: install}, nil
}

func findProgram(directories []string, names ...string) (string, error) {
	for _, name := range names {
		for _, directory := range directories {
			path := filepath.Join(directory, name)
			if info, err := os.Stat(path); filepath.IsAbs(path) && err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
				return path, nil
			}
		}
	}
	return "", ErrNotInstalled
}

// install makes the data directory, unless it exists. It is made under another name and renamed when complete, so
// that a process killed in the middle leaves nothing that looks like a data directory.
func (s *Server) install(ctx context.Context, log, lock *os.File) error {
	complete := filepath.Join(s.dir, dataDirectory)
	if _, err := os.Stat(complete); err == nil {
		return nil
	}
	partial := filepath.Join(s.dir, "data.new")
	if err := os.RemoveAll(partial); err != nil {
		return err
	}
	// The installer is a shell script that does not quote its paths, so it is given a relative one.
	arguments := append([]string{
		"--no-defaults", "--datadir=./data.new", "--auth-root-authentication-method=normal",
		"--skip-test-db", "--skip-name-resolve",
	}, runAs()...)
	arguments = append(arguments, s.storage()...)
	command := exec.CommandContext(ctx, s.programs.install, arguments...)
	command.Dir, command.Env = s.dir, s.environment()
	command.Stdout, command.Stderr = log, log
	command.ExtraFiles = []*os.File{lock}
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := command.Run(); err != nil {
		return fmt.Errorf("mariadb-install-db: %w; its output ends:\n%s", err, tail(log))
	}
	return os.Rename(partial, complete)
}

// Names inside the directory.
const (
	dataDirectory = "data"
	pidFile       = "mariadb.pid"
)

// temporary is where the server and the installer keep temporary tables. Each server has a place of its own: in a
// shared one, a server that starts removes the temporary tables of those that run (seen with /tmp).
func (s *Server) temporary() string { return filepath.Join(s.run, "tmp") }

// environment tells the server and the installer about temporary; the installer does not quote an argument.
func (s *Server) environment() []string { return append(os.Environ(), "TMPDIR="+s.temporary()) }

// runAs tells a server started by root to stay root, which it does not do unasked.
func runAs() []string {
	if os.Geteuid() == 0 {
		return []string{"--user=root"}
	}
	return nil
}

// settings are the server's arguments. --no-defaults comes first: nothing on the machine changes how we run.
func (s *Server) settings() []string {
	settings := append([]string{"--no-defaults"}, runAs()...)
	settings = append(settings,
		"--datadir="+filepath.Join(s.dir, dataDirectory), "--socket="+s.Socket(), "--pid-file="+filepath.Join(s.dir, pidFile),
		"--skip-networking", "--skip-name-resolve", "--local-infile=OFF", "--secure-file-priv="+s.dir,
		// A name is equal to itself only: other collations say '张𠮷' = '张𬎆'.
		"--character-set-server=utf8mb4", "--collation-server=utf8mb4_bin",
		"--default-time-zone=+00:00", "--transaction-isolation=READ-COMMITTED", "--sql-mode="+strictModes,
		"--innodb-lock-wait-timeout=10", "--max-connections=400",
		"--performance-schema=OFF", "--skip-log-bin",
	)
	return append(settings, s.storage()...)
}

// strictModes refuse what does not fit instead of bending it.
var strictModes = strings.Join([]string{
	"STRICT_TRANS_TABLES", "NO_ZERO_IN_DATE", "NO_ZERO_DATE", "ERROR_FOR_DIVISION_BY_ZERO",
	"NO_ENGINE_SUBSTITUTION", "ONLY_FULL_GROUP_BY",
}, ",")

// storage are the settings of InnoDB. A server whose data matters flushes its log at every commit: what was
// acknowledged is on the disk. A throw-away one writes as little as it can.
func (s *Server) storage() []string {
	if !s.throwaway {
		return []string{
			"--innodb-flush-log-at-trx-commit=1", "--innodb-doublewrite=ON",
			"--innodb-buffer-pool-size=256M", "--innodb-log-file-size=96M",
		}
	}
	return []string{
		"--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=OFF", "--innodb-flush-method=nosync",
		"--innodb-buffer-pool-size=96M", "--innodb-log-file-size=16M",
		"--innodb-temp-data-file-path=ibtmp1:2M:autoextend", "--aria-log-file-size=8M",
	}
}

// memoryBase is the file system in memory that Linux offers every process.
const memoryBase = "/dev/shm"

// memoryRoom is how much of it a throw-away server asks for before it goes there. Containers often give 64 MB.
const memoryRoom = 1 << 30

// throwawayBase is where a throw-away server keeps its files.
func throwawayBase() string {
	var room syscall.Statfs_t
	if err := syscall.Statfs(memoryBase, &room); err != nil {
		return shortBase()
	}
	if room.Bavail*uint64(room.Bsize) < memoryRoom || !writable(memoryBase) {
		return shortBase()
	}
	return memoryBase
}

func writable(directory string) bool {
	const write, search = 2, 1
	return syscall.Access(directory, write|search) == nil
}

// shortBase is a directory for temporary files whose path leaves room for a socket's name.
func shortBase() string {
	if base := os.TempDir(); len(base) <= socketBytesMax/2 && plainPath.MatchString(base) && filepath.IsAbs(base) {
		return base
	}
	return "/tmp"
}
