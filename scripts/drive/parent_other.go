//go:build !linux

package drive

import "syscall"

// endWithParent keeps Ctrl-C from the child, which is told to end in its turn. This system has no way to tie the two.
func endWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
