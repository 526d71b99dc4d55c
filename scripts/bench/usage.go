package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"fumin/scripts/drive"
)

// processes are the ids of who works; zero for one that is not known.
type processes struct{ service, database int }

// cpuTime is processor time, of all cores together. It stays zero where the system does not tell.
type cpuTime struct{ service, database, clients time.Duration }

func (u *cpuTime) add(after, before cpuTime) {
	u.service += after.service - before.service
	u.database += after.database - before.database
	u.clients += after.clients - before.clients
}

func (p processes) usage() cpuTime {
	return cpuTime{service: processorTime(p.service), database: processorTime(p.database), clients: processorTime(os.Getpid())}
}

// tick is the unit of /proc/PID/stat: USER_HZ, which is 100 on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// processorTime is what a process has used so far in user and system mode.
func processorTime(process int) time.Duration {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", process))
	if err != nil {
		return 0
	}
	// The second field is the program's name in brackets, which may hold anything; utime and stime are the 14th and 15th.
	_, rest, _ := strings.Cut(string(content), ") ")
	fields := strings.Fields(rest)
	const utime, stime = 14 - 3, 15 - 3
	if len(fields) <= stime {
		return 0
	}
	user, userErr := strconv.Atoi(fields[utime])
	system, systemErr := strconv.Atoi(fields[stime])
	if userErr != nil || systemErr != nil {
		return 0
	}
	return time.Duration(user+system) * tick
}

// databaseProcess finds the database server's process id in the file it writes.
func databaseProcess(site *drive.Site) int {
	found, err := filepath.Glob(filepath.Join(site.Database.Dir(), "*.pid"))
	if err != nil || len(found) != 1 {
		return 0
	}
	content, err := os.ReadFile(found[0])
	if err != nil {
		return 0
	}
	process, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil {
		return 0
	}
	return process
}
