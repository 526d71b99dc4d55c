package main

import (
	"os"
	"syscall"
)

// largestResident is the most memory a process has had at once, in bytes.
func largestResident(state *os.ProcessState) int64 {
	usage, known := state.SysUsage().(*syscall.Rusage)
	if !known {
		return 0
	}
	return usage.Maxrss << 10 // Linux counts in KiB
}
